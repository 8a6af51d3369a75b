/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's record: the folder <root>/<id> with
 *
 *   cgroup       a link that names the cgroup: the record of what is about to exist
 *   state.json   this record; replaced by rename, so a reader sees all or nothing
 *   config.json  the config as it was at create (a later edit must not matter)
 *   plan         the launch plan, for `start` to say what failed
 *   mount        where its root is mounted in a namespace of others (runtime/mount_note.h)
 *   resctrl      a link that names what was made for Intel RDT (runtime/rdt.h)
 *   notify/      the socket for sd_notify(3) (runtime/notify.h), if there is one
 *   start.sock   where a created container waits for `start`
 *   commands.sock  where a microVM's monitor hears commands
 *
 * Making the folder is what claims the id; its flock is what a command holds while
 * it changes the container, and the kernel drops it when the command dies.
 *
 * Whatever a killed command leaves is in the cgroup: every process is born in it,
 * and mounts and namespaces end with the processes. So one note, made by one system
 * call before the cgroup is, is all that undoing a wreck needs; it also serves where
 * state.json was never written or is damaged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

enum { STATE_VERSION = 1 };

enum state_phase {
	PHASE_CREATING, /* the cgroup may exist, and processes in it        */
	PHASE_CREATED,  /* the process is there; only `start` may have gone by unrecorded */
	PHASE_STARTED,
};

struct state {
	const char *id, *bundle, *rootfs;
	const char *backend; /* its name in the look-up (runtime/backend.h) */
	const char *boot_id; /* of the host when it was created             */
	const char *created; /* RFC 3339, UTC                               */
	const char *cgroup;  /* path below the cgroup2 mount; NULL: none of its own */
	const char *keyring; /* name of its session's; NULL: the caller's */
	const char *scope;   /* systemd's unit that the cgroup is of; NULL: none */
	enum state_phase phase;
	pid_t pid;               /* 0 while creating                            */
	uint64_t start_time;     /* of pid: proc_stat                           */
	uint64_t pidfd_inode;    /* of pid: proc_inode; 0: not recorded         */
	uint32_t owner;          /* uid of who created it                       */
	bool private_pids;       /* its first process is pid 1 of a namespace of its own */
	bool start_needs_config; /* it has hooks or a seccomp listener for that moment */
	bool poststop;           /* config.json has poststop hooks */
	bool rdt;                /* there may be a note of what was made for Intel RDT */
	bool shares_mounts;      /* there may be a note of its root's mount (mount_note.h) */
	struct oci_pairs annotations;
	/* it has ended, while a `run --keep` or `events` looked on */
	bool ended;
	int exit_status; /* 0-255, or 128 + signal */
	int exit_signal; /* or 0 */
};

/* An open folder of one container. */
struct state_dir {
	int fd;     /* O_DIRECTORY; -1: not open */
	int parent; /* of --root                 */
	const char *id;
	bool brief;       /* of a run: never had a plan or a socket in it */
	struct stat stat; /* once it is locked */
};

#define STATE_DIR __attribute__((cleanup(state_dir_close)))
#define STATE_DIR_NONE                 \
	{                              \
		.fd = -1, .parent = -1 \
	}

void state_dir_close(struct state_dir *d);

/* Claims an id: makes --root (0700) where it is missing, and the folder, locked.
 * ERR_STATE "container with given ID already exists". Failing, it leaves no folder. */
MUST_CHECK int state_dir_make(const char *root, const char *id, struct state_dir *ret,
                              struct err *e);

/* ERR_STATE "container does not exist". Not locked. */
MUST_CHECK int state_dir_open(const char *root, const char *id, struct state_dir *ret,
                              struct err *e);

/* Waits up to ten seconds for the lock; ERR_STATE when another command keeps it,
 * or has deleted the container meanwhile. */
MUST_CHECK int state_dir_lock(struct state_dir *d, struct err *e);

/* Lets other commands in again; the folder stays open. */
void state_dir_unlock(const struct state_dir *d);

/* That is why state_dir_open or state_dir_lock failed: there is no such container. */
bool state_dir_missing(const struct err *e);

/* 1: another command holds the lock, 0: none does. */
MUST_CHECK int state_dir_is_locked(const struct state_dir *d, struct err *e);

/* Notes the cgroup's path below its mount, before anything is done to it. `scope`: systemd
 * is to make it, with a unit. */
MUST_CHECK int state_dir_note_cgroup(const struct state_dir *d, const char *path, bool scope,
                                     struct err *e);

/* The noted path in the arena, absolute, or NULL when the container never got that
 * far (or the note is none of ours); and the name of the unit, NULL where there is none. */
MUST_CHECK int state_dir_noted_cgroup(const struct state_dir *d, struct arena *a, const char **ret,
                                      const char **ret_scope, struct err *e);

/* Takes the record away, the note of the cgroup last: a command that dies in
 * between leaves what the next one needs. */
MUST_CHECK int state_dir_remove(struct state_dir *d, struct err *e);

/* Writes the record; commit makes it the one that others read. save does both. */
MUST_CHECK int state_prepare(const struct state_dir *d, const struct state *state, struct err *e);
MUST_CHECK int state_commit(const struct state_dir *d, struct err *e);
MUST_CHECK int state_save(const struct state_dir *d, const struct state *state, struct err *e);

/* 1: read, 0: there is none (a create died right at its start). */
MUST_CHECK int state_load(const struct state_dir *d, struct arena *a, struct state *ret,
                          struct err *e);

/* The same of a record that has been read. */
MUST_CHECK int state_parse(const char *id, struct arena *a, const char *text, size_t len,
                           struct state *ret, struct err *e);

/* The host's boot id, in the arena. */
MUST_CHECK int state_boot_id(struct arena *a, const char **ret, struct err *e);
