/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp to a finished BPF program, with libseccomp's knowledge and a cache. The cache
 * file's name is a hash of everything that the program depends on (the rules in their meaning, the
 * architecture, libseccomp's version, this kernel's release), and its
 * content repeats all of that and carries a checksum: a file that does not fit is
 * compiled anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

struct seccomp_data;
struct sock_filter;

struct seccomp_program {
	const struct sock_filter *filter; /* in the arena */
	size_t length;                    /* instructions */
	uint32_t flags;                   /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
	bool notify;                      /* it is loaded with a listener */
};

/* cache_dir: an fd of a folder that only we may write, or -1 for no cache. Names
 * of system calls that libseccomp does not know are skipped, as the spec allows.
 * ERR_SPEC for what the spec forbids (an unsupported flag or architecture, NOTIFY
 * without listenerPath, NOTIFY on the calls that init itself needs). */
MUST_CHECK int seccomp_compile(struct arena *a, const struct oci_seccomp *profile, int cache_dir,
                               struct seccomp_program *ret, struct err *e);

/* The filter's answer (SECCOMP_RET_*) to a call, as the kernel would compute it. False, and
 * ret not set: it would not take such a filter. */
bool seccomp_run(const struct sock_filter *filter, size_t length, const struct seccomp_data *data,
                 uint32_t *ret);

/* A rule notifies. Without one an agent that is named all the same is told of the
 * container if it is there, as with crun, and not missed if it is not, as with runc. */
bool seccomp_notifies(const struct oci_seccomp *profile);

/* What `features` prints. NULL-terminated lists of names. */
extern const char *const seccomp_action_names[];
extern const char *const seccomp_operator_names[];
extern const char *const seccomp_arch_names[];
extern const char *const seccomp_flag_names[];
extern const char *const seccomp_common_flag_names[];

/* The name of a call as a notification has it (AUDIT_ARCH_*, with x32's bit in the number),
 * or its number as text. */
enum { SECCOMP_NAME_MAX = 64 };
void seccomp_call_name(uint32_t arch, int number, char ret[SECCOMP_NAME_MAX]);

/* libseccomp's version as "2.5.4". */
void seccomp_library_version(char *ret, size_t room);
