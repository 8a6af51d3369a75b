/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a microVM is made of, as plain values: the guest, the trees of the host that it sees,
 * and the launch plan that its agent executes. The plan is compiled from the bundle's own
 * config, with the guest's names in it: the rootfs, unless a disk has it, and the sources of
 * binds lie below the share, and the group is the guest's.
 */
#pragma once

#include "base/buf.h"
#include "runtime/compile.h"
#include "runtime/facts.h"
#include "runtime/isolation.h"
#include "runtime/launch/plan.h"

enum { VM_SHARES_MAX = 128 };

struct vm_share {
	const char *name;   /* of its folder below the guest's shares */
	const char *source; /* the host's path, absolute */
	const char *origin; /* the field of config.json */
	bool recursive;     /* with the mounts below */
	bool nofollow;      /* the source, if it is a link, is the link itself */
	bool read_only;
	bool sealed_late; /* read-only when the guest has made its mount points in there */
};

struct vm_box {
	struct vm_settings settings;
	const struct oci_config *host; /* for the plan of the host: the group is the monitor's */
	const char *root;              /* root.path, on the host */
	const struct vm_share *rootfs; /* the first of the shares; NULL: the root is an image's */
	struct vm_share shares[VM_SHARES_MAX];
	unsigned int share_count;
	const char *network; /* path of the network namespace; NULL: a new one */
	const char *profile; /* of AppArmor, for the monitor; NULL: none */
	struct buf plan;     /* of the guest */
};

/* The monitor, its tables and the guest's kernel are charged to the host's group, too. */
#define VM_OVERHEAD_BYTES ((int64_t)96 << 20)

/* The group on the host holds the monitor, whose threads and memory are not the
 * container's: what that may use is limited in the guest, and there with some more. */
const struct oci_resources *vm_host_resources(struct arena *a, const struct oci_resources *from);

/* The same for the group in the guest. */
const struct oci_resources *vm_guest_resources(struct arena *a, const struct oci_resources *from);

/* What the guest's kernel has: it is ours alone. */
extern const struct host_facts vm_guest_facts;

/* Of the options those count that are not of the host: the id, the bundle, the keyring and the
 * cache of filters. What is not honoured yet is ERR_REFUSED, with its field. Strings are in the
 * arena. */
MUST_CHECK int vm_box_make(struct arena *a, const struct oci_config *config,
                           const struct compile_options *options, struct vm_box *ret,
                           struct err *e);

/* The plan of an exec in one; what cannot be in a guest is refused. `cgroup` and the root's
 * place are not looked at: the guest has its own. */
MUST_CHECK int vm_box_exec(const struct compile_exec_options *options,
                           const struct host_facts *facts, struct buf *ret, struct err *e);
void vm_box_done(struct vm_box *box);
