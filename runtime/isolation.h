/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to hold a container. The first of these that says so decides:
 *
 *	--isolation, the name caisson-vm, the annotation io.caisson.isolation, the object
 *	"vm" of config.json, the administrator's configuration
 *
 * and where none does it is a Linux container. Annotations are written by whoever made the
 * image or the request. So they choose nothing unless the administrator allows it, and then
 * only among the profiles that he has defined: they carry no path and no argument.
 */
#pragma once

#include "oci-spec/admin.h"

#define ISOLATION_ANNOTATION "io.caisson.isolation"
#define PROFILE_ANNOTATION   "io.caisson.profile"

struct isolation {
	bool vm;
	const struct admin_profile *profile; /* of the microVM, or NULL */
};

/* Pure. `asked`: of the command line, or ADMIN_UNSET; it and the program's name outdo
 * annotations. ERR_REFUSED for an annotation that asks for what it may not. */
MUST_CHECK int isolation_choose(const struct oci_config *config, enum admin_isolation asked,
                                const struct admin_config *admin, struct isolation *ret,
                                struct err *e);

/* The guest of a microVM: the bundle's "vm" object, then the profile's values, then those
 * that its resources ask for. */
struct vm_settings {
	const char *kernel, *initrd; /* NULL: what guest_kernel_find finds; ours */
	struct oci_strings parameters;
	const char *image; /* whose file system is the root; NULL: none, root.path is */
	uint32_t vcpus;
	uint64_t memory_bytes;
};

/* Pure. `cpus`: of the host. */
MUST_CHECK int vm_settings_of(const struct oci_config *config, const struct admin_profile *profile,
                              uint32_t cpus, struct vm_settings *ret, struct err *e);

/* What a command line asks for that a microVM cannot honour. */
struct vm_request {
	unsigned int preserve_fds;
	bool notify;
	bool watch; /* its system calls */
	bool plain; /* by a user without privileges */
};

/* Refuses, before anything exists, all that cannot be had in a microVM, each with its field
 * and the reason. Pure. */
MUST_CHECK int vm_refuse(const struct oci_config *config, const struct vm_request *request,
                         struct err *e);
