/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launch plan: what it takes to start one process in a container, as a flat,
 * versioned buffer without pointers. The parent compiles it, the launcher carries
 * out the part outside of the container, caisson-init walks the steps inside, on
 * the host or in a microVM's guest alike. This header is all that they share, so
 * it needs no libc.
 *
 * Shape: struct plan at offset 0, then arrays and strings that are found by their
 * offset from the start. The last byte of a plan is NUL, so that every string in
 * it ends; offset 0 stands for "absent" (the header lies there). Arrays start at
 * multiples of 8. A reader trusts nothing before plan_check() (plan_check.h) has
 * passed: every offset, count and op is checked once, there.
 *
 * Order is data: the steps are carried out as they stand here, so the compiler
 * decides the order (runtime/compile.c says why it is what it is) and a test can
 * read it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PLAN_MAGIC    0x314e4c50u /* "PLN1" in memory */
#define PLAN_VERSION  1u
#define PLAN_SIZE_MAX (64u << 20)
#define PLAN_NO_SLOT  UINT32_MAX
#define PLAN_NO_OWNER UINT32_MAX

/* What statx(2) is asked for where a mount is told from all others by its stx_mnt_id:
 * STATX_MNT_ID and STATX_MNT_ID_UNIQUE. From Linux 6.8 on the number is not used again
 * before the next boot; an older kernel does not know the second bit, and gives the
 * number that /proc/PID/mountinfo shows. */
#define PLAN_MOUNT_ID (0x1000u | 0x4000u)

typedef uint32_t plan_str; /* offset of a NUL-terminated string; 0: absent */

struct plan_list {
	uint32_t at;    /* offset of the first element */
	uint32_t count; /* elements */
};

/* Descriptors that the launcher opens on the host and hands to init in the hello
 * packet: the Nth entry is slot N. */
enum plan_fd_kind {
	PLAN_FD_NAMESPACE, /* path opened, then its type compared with ns_type */
	PLAN_FD_TREE,      /* a detached clone of the mount tree at path */
	PLAN_FD_CONTAINER, /* the pidfd of the container's init (exec) */
	PLAN_FD_LISTENER,  /* the socket on which `start` will connect */
};

struct plan_fd {
	uint32_t kind;      /* enum plan_fd_kind */
	plan_str path;      /* on the host */
	uint64_t ns_type;   /* one CLONE_NEW* (PLAN_FD_NAMESPACE) */
	uint32_t recursive; /* with the mounts below (PLAN_FD_TREE) */
	plan_str origin;    /* JSON path in config.json, for errors */
};

struct plan_idmap {
	uint32_t inside, outside, count;
};

/* One write into a file of the container's cgroup. */
struct plan_cgroup_write {
	plan_str file, value;
	plan_str origin;
	uint32_t instead; /* 1: only where the file of the write before is not there */
};

struct plan_cgroup {
	plan_str path;            /* below the cgroup2 mount, cleaned, absolute */
	struct plan_list writes;  /* struct plan_cgroup_write, in order */
	struct plan_list devices; /* struct bpf_insn; count 0: no device program */
	uint32_t owner;           /* uid of the host that gets the group, or PLAN_NO_OWNER */

	/* systemd's scope; absent: the group is made by the launcher's caller. Else init is
	 * born outside, and PLAN_CGROUP waits until it is in it. */
	plan_str unit, slice;
	struct plan_list properties; /* bytes: D-Bus's a(sv) without its length */
};

/* sched_setattr(2) */
struct plan_scheduler {
	uint32_t given;  /* 0: leave the process as it is */
	uint32_t policy; /* SCHED_* */
	int32_t nice;
	uint32_t priority;
	uint64_t flags;                     /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/* A device of the host's network that moves into the container's. */
struct plan_net_device {
	plan_str host_name, name; /* name: in the container; may have %d in it */
};

enum plan_kind { PLAN_CREATE = 1, PLAN_EXEC = 2 };

struct plan {
	uint32_t magic, version;
	uint32_t size; /* of the whole plan, this header included */
	uint32_t kind; /* enum plan_kind */

	/* For the launcher. */
	uint64_t clone_flags;              /* CLONE_NEW* of the clone that makes init */
	uint32_t two_stages;               /* a PLAN_CLONE step is among the steps */
	uint32_t network;                  /* make what PLAN_NETWORK waits for */
	struct plan_list fds;              /* struct plan_fd */
	struct plan_list uid_map, gid_map; /* struct plan_idmap */
	uint32_t setgroups_deny;           /* write "deny" before gid_map (unprivileged) */
	uint32_t uid_helper, gid_helper;   /* newuidmap(1), newgidmap(1) write the map */
	uint32_t terminal;                 /* a PLAN_TERMINAL step sends the pty's master */
	struct plan_cgroup cgroup;
	struct plan_scheduler scheduler; /* set when init is READY */
	struct plan_list net_devices;    /* struct plan_net_device */
	uint32_t runtime_hooks;          /* PLAN_WAIT_HOOKS is among the steps */
	uint32_t preserve_fds;           /* 3 .. 3+N-1 of the caller's stay open */

	/* For init. */
	struct plan_list steps; /* struct plan_step */
};

enum plan_op {
	/* Stage 1, in the launcher's user namespace, where its capabilities count. */
	PLAN_OOM_SCORE_ADJ = 1, /* value: written to /proc/self/oom_score_adj */
	PLAN_RLIMIT,            /* rlimit */
	PLAN_IO_PRIORITY,       /* value: as ioprio_set(2) takes it */
	PLAN_CPU_AFFINITY,      /* bits: the CPUs that it may run on */
	PLAN_JOIN,              /* join: setns(2) */
	PLAN_USER_NAMESPACE,    /* unshare, ask for the maps, wait, become 0:0 */
	PLAN_TIME_OFFSETS,      /* unshare(CLONE_NEWTIME), string: lines for
	                         * /proc/self/timens_offsets */
	PLAN_CLONE,             /* clone: the steps that follow run in the child */

	/* Inside all namespaces, the old root still there. */
	PLAN_KEYRING,          /* string: name of a new session keyring, which is open to
	                        * processes of its uid that know the name */
	PLAN_JOIN_KEYRING,     /* string: name of one that is there, or becomes new (exec) */
	PLAN_CLONE_SHARED,     /* tree: a shared source, cloned before / is a slave */
	PLAN_PROPAGATION,      /* propagation of / and all below: MS_REC|MS_SLAVE … */
	PLAN_ROOTFS,           /* rootfs: clone it and attach it at its own path */
	PLAN_ENTER_ROOT,       /* keep the old root's fd, fchdir, chroot(".") */
	PLAN_FIND_ROOT,        /* find: chroot to a rootfs that a PLAN_ROOTFS left (exec) */
	PLAN_NETWORK,          /* join the network namespace that the launcher sends */
	PLAN_CGROUP,           /* wait until we are in our cgroup; value: CLONE_NEWCGROUP, to
	                        * unshare it there, or 0 */
	PLAN_MOUNT,            /* mount: a new filesystem */
	PLAN_BIND,             /* bind: a host path or slot */
	PLAN_REMOUNT,          /* remount: attributes of what is mounted there */
	PLAN_CGROUP_MOUNT,     /* mount: cgroup2 (own namespace), read-only if asked */
	PLAN_DEVICE,           /* device: mknod */
	PLAN_SYMLINK,          /* link */
	PLAN_TERMINAL,         /* terminal: new pty, /dev/console, becomes stdio */
	PLAN_FOLDER,           /* string: a folder of the container, made if it is missing */
	PLAN_WAIT_HOOKS,       /* tell the launcher; wait while it runs its hooks */
	PLAN_HOOK_HOST,        /* hook: child with the old root (createContainer) */
	PLAN_PIVOT,            /* pivot_root, the old root detached */
	PLAN_HIDE,             /* string: a mount of the host that goes, or is covered */
	PLAN_MOVE_ROOT,        /* instead of PLAN_PIVOT: the root moved onto the old one */
	PLAN_ROOT_PROPAGATION, /* propagation of the new / alone */
	PLAN_ROOT_READONLY,    /* mount attribute of / alone */
	PLAN_MASK,             /* string: path in the container */
	PLAN_READONLY,         /* string: path in the container */
	PLAN_LABEL,            /* label: /proc/self/attr/…, read back */
	PLAN_SYSCTL,           /* sysctl */
	PLAN_HOSTNAME,         /* string */
	PLAN_DOMAINNAME,       /* string */
	PLAN_LOOPBACK,         /* lo up */

	/* Becoming the process. */
	PLAN_LANDLOCK,      /* landlock: from here on no more mounts */
	PLAN_PERSONALITY,   /* value: PER_* */
	PLAN_MEMORY_POLICY, /* memory_policy */
	PLAN_BOUNDING,      /* caps.bounding: drop all others */
	PLAN_UMASK,         /* value */
	PLAN_CWD,           /* string; getcwd must start with '/'; EACCES is tried
	                     * again after PLAN_IDS */
	PLAN_IDS,           /* ids: setgroups, setresgid, setresuid, read back */
	PLAN_CAPS,          /* caps: capset, ambient, read back */
	PLAN_ENVIRONMENT,   /* home: HOME from /etc/passwd where env has none */
	PLAN_EXECUTABLE,    /* exec: look it up as the user */
	PLAN_PARK,          /* ready; wait for START from launcher or listener */
	PLAN_NO_NEW_PRIVS,
	PLAN_CLOSE_FDS,      /* value: first fd that does not survive */
	PLAN_SECCOMP,        /* seccomp */
	PLAN_HOOK_CONTAINER, /* hook: child inside the container (startContainer) */
	PLAN_EXECVE,         /* exec; the last step: never returns */
	PLAN_OP_END
};

enum plan_groups {
	PLAN_GROUPS_SET,  /* to those of the list */
	PLAN_GROUPS_KEEP, /* setgroups is not called */
	PLAN_GROUPS_TRY,  /* set, but for a user namespace where that is denied */
	PLAN_GROUPS_END
};

struct plan_option {
	plan_str key, value; /* value absent: a flag */
};

enum {
	PLAN_TARGET_FILE = 1u << 0,  /* a missing target is made a file, not a folder */
	PLAN_TARGET_PLAIN = 1u << 1, /* the target's last part must be a real folder
	                              * of the rootfs, not a link (proc, sysfs) */
	PLAN_BIND_RECURSIVE = 1u << 2,
	PLAN_BIND_IDMAP = 1u << 6,      /* ids of the first mount are mapped */
	PLAN_BIND_IDMAP_ALL = 1u << 7,  /* … and those of the mounts below it */
	PLAN_SOURCE_NOFOLLOW = 1u << 8, /* a link is bound itself, not what it leads to */
	PLAN_SOURCE_LINK = 1u << 9,     /* a link is made anew in the container instead */
	PLAN_TARGET_NOFOLLOW = 1u << 10,
	PLAN_COVER_MODE = 1u << 3,    /* a new tmpfs has the mode of the folder it covers */
	PLAN_COVER_OWNER = 1u << 4,   /* … its owner (with PLAN_COVER_CONTENT) */
	PLAN_COVER_CONTENT = 1u << 5, /* … a copy of what is in it */
};

/* Attributes to be changed, MOUNT_ATTR_*: those of one mount alone, and those of it
 * and all mounts below. No bit is in more than one of them. */
struct plan_attr {
	uint32_t set, clear;
	uint32_t set_all, clear_all;
};

/* A new filesystem: fsopen, fsconfig for each option, fsmount, move_mount. */
struct plan_mount {
	plan_str fstype, source, target;
	struct plan_list options; /* struct plan_option */
	uint32_t attr;            /* MOUNT_ATTR_* of fsmount(2) */
	uint32_t flags;           /* PLAN_TARGET_*, PLAN_COVER_* */
	uint32_t propagation;     /* MS_SHARED …|MS_REC, 0: leave */
	uint32_t target_mode;     /* permissions of a target folder we make */
	/* What is bound, with all below it, where our user namespace may not have a new
	 * one: the host's, with more MOUNT_ATTR_*. Absent: that is an error. */
	plan_str instead;
	uint32_t instead_attr;
};

/* A host path, cloned and attached. */
struct plan_bind {
	plan_str source; /* on the host, when slot is PLAN_NO_SLOT */
	plan_str target;
	uint32_t slot;  /* a clone that already exists */
	uint32_t flags; /* PLAN_TARGET_FILE, PLAN_BIND_RECURSIVE … */
	struct plan_attr attr;
	uint32_t propagation; /* MS_*|MS_REC, 0: leave (private) */
	uint32_t id_maps;     /* offset of a struct plan_id_maps; 0: those of the
	                       * container's user namespace */
};

struct plan_id_maps {
	struct plan_list uid, gid; /* struct plan_idmap */
};

/* Changes of a mount that is there already. */
struct plan_remount {
	plan_str target;
	struct plan_attr attr;
	uint32_t propagation; /* MS_*|MS_REC, 0: leave */
};

/* What Landlock allows below a path, or on a TCP port. */
struct plan_landlock {
	uint64_t access; /* LANDLOCK_ACCESS_FS_*; of a port LANDLOCK_ACCESS_NET_* */
	plan_str path;   /* absolute; absent: a port */
	uint32_t port;
};

enum plan_device {
	PLAN_DEVICE_MAKE, /* mknod */
	PLAN_DEVICE_BIND, /* the host's node of that path: no mknod in a user namespace */
	PLAN_DEVICE_LENT, /* made outside by the launcher; uid and gid are the host's */
};

struct plan_step {
	uint16_t op;     /* enum plan_op */
	uint16_t flags;  /* unused, 0 */
	plan_str origin; /* JSON path of what asked for this step; 0: a rule of ours */
	union {
		plan_str string;
		int64_t value;
		struct plan_list bits; /* uint64_t, the lowest first */
		uint32_t propagation;
		struct {
			uint32_t mode;          /* MPOL_* with MPOL_F_* */
			struct plan_list nodes; /* uint64_t, the lowest first */
		} memory_policy;
		struct plan_mount mount;
		struct plan_bind bind;
		struct plan_remount remount;
		struct {
			uint32_t slot; /* where the clone goes */
			plan_str source;
			uint32_t recursive;
		} tree;
		struct {
			plan_str path; /* on the host, absolute */
			uint32_t recursive;
			uint32_t propagation; /* of the clone: MS_PRIVATE … */
			/* 1: the mount namespace is not ours, so the mount outlives us: the
			 * launcher notes it first, and what it is attached to is a stranger's */
			uint32_t lasting;
		} rootfs;
		struct {
			plan_str path;  /* in the mount namespace that we are in, absolute */
			uint64_t mount; /* its id (PLAN_MOUNT_ID) */
		} find;
		struct {
			uint32_t resource;
			uint64_t soft, hard;
		} rlimit;
		struct {
			uint32_t slot;
			uint64_t types; /* CLONE_NEW*; several for a pidfd */
		} join;
		struct {
			uint64_t clone_flags;
		} clone;
		struct {
			plan_str path;
			uint32_t mode; /* with S_IFCHR, S_IFBLK or S_IFIFO */
			uint32_t major, minor, uid, gid;
			uint32_t how; /* enum plan_device */
		} device;
		struct {
			plan_str target, path;
		} link;
		struct {
			uint32_t height, width; /* 0: leave */
			uint32_t uid;           /* owner of the slave */
			uint32_t console;       /* bind it on /dev/console */
		} terminal;
		struct {
			plan_str path;
			struct plan_list argv, envp; /* see plan_vector */
			uint32_t timeout_s;          /* 0: none */
			uint32_t index;              /* in its list, for errors */
		} hook;
		struct {
			plan_str attribute; /* "exec", "apparmor/exec" … */
			plan_str value;
		} label;
		struct {
			plan_str path; /* below /proc/sys, with '/' */
			plan_str value;
		} sysctl;
		struct {
			uint64_t bounding, effective, permitted, inheritable, ambient;
		} caps;
		struct {
			uint32_t uid, gid;
			struct plan_list groups; /* uint32_t */
			uint32_t keep_groups;    /* enum plan_groups */
		} ids;
		struct {
			uint32_t uid;
			uint32_t env_slot; /* index in envp that is spare */
		} home;
		struct {
			plan_str file;               /* argv[0] of config.json */
			struct plan_list argv, envp; /* see plan_vector */
			plan_str search;             /* PATH, if file has no '/' */
		} exec;
		struct {
			uint64_t fs, net, scopes; /* what is restricted, LANDLOCK_* */
			struct plan_list rules;   /* struct plan_landlock */
			uint32_t strict;          /* a path that is missing is an error */
		} landlock;
		struct {
			struct plan_list filter; /* struct sock_filter */
			uint32_t flags;          /* SECCOMP_FILTER_FLAG_* */
			uint32_t notify;         /* a listener is handed over */
		} seccomp;
	};
};

/* argv and envp are arrays of count uint64_t string offsets and one zero after
 * them, so that init can turn them into char *[] in place (its mapping of the
 * plan is private). An entry that is 0 before the end is a spare slot. */
typedef uint64_t plan_vector_entry;

static inline const char *plan_text(const struct plan *plan, plan_str at)
{
	return at ? (const char *)plan + at : NULL;
}

static inline const struct plan_id_maps *plan_maps(const struct plan *plan, uint32_t at)
{
	return at ? (const struct plan_id_maps *)(const void *)((const char *)plan + at) : NULL;
}

static inline const void *plan_array(const struct plan *plan, struct plan_list list)
{
	return (const char *)plan + list.at;
}
