/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record says what was done; whether it still holds is asked of the kernel: the
 * process by pid, start time and boot id, the frozen state of the cgroup, and
 * whether `start` has been, by connecting to the socket on which a created
 * container waits. It closes when the program is executed, so a `start` that died
 * before it could write that down cannot make the record lie.
 */
#include "runtime/query.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/proc.h"
#include "base/scope.h"
#include "base/unix.h"
#include "runtime/backend.h"
#include "runtime/owner.h"

/* Of a container that has ended: what it used, and what it waited for. */
static const uint32_t details_files =
	METER_BIT(METER_CPU_STAT) | METER_BIT(METER_MEMORY_PEAK) | METER_BIT(METER_CPU_PRESSURE) |
	METER_BIT(METER_MEMORY_PRESSURE) | METER_BIT(METER_IO_PRESSURE);

enum { PROBE_MS = 1000, BIRTH_TRIES = 50, BIRTH_PAUSE_MS = 10 };

const char *container_status_name(enum container_status status)
{
	static const char *const names[] = {
		[STATUS_CREATING] = "creating", [STATUS_CREATED] = "created",
		[STATUS_RUNNING] = "running",   [STATUS_PAUSED] = "paused",
		[STATUS_STOPPED] = "stopped",
	};

	return names[status];
}

void found_close(struct found *f)
{
	fd_drop(&f->pidfd);
	state_dir_close(&f->dir);
}

/* 1: its process lives; then f->pidfd is open. */
static int is_alive(struct found *f, struct arena *a, struct err *e)
{
	const char *boot_id;

	if (f->state.pid == 0)
		return 0;
	TRY(state_boot_id(a, &boot_id, e));
	if (strcmp(boot_id, f->state.boot_id) != 0)
		return 0; /* the host was booted since; the pid is a stranger's */
	f->pidfd = proc_open(f->state.pid, f->state.start_time, e);
	if (f->pidfd >= 0)
		return 1;
	if (e->kind != ERR_STATE)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

/* What an errno in e means for a question: 0, "no", if it is one of these two. */
static int no_if(int first, int second, struct err *e)
{
	if (e->sys != first && e->sys != second)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

/* 1: init still waits for START. */
static int is_waiting(const struct found *f, struct err *e)
{
	FD int sock = unix_connect(f->dir.fd, "start.sock", SOCK_SEQPACKET, PROBE_MS, e);

	if (sock >= 0)
		return 1;
	if (e->kind == ERR_STATE) { /* it listens, but many are before us */
		*e = (struct err){ 0 };
		return 1;
	}
	return no_if(ECONNREFUSED, ENOENT, e);
}

static int is_paused(const struct found *f, struct err *e)
{
	if (!f->state.cgroup)
		return 0;
	FD int cgroup = cgroup_open(&f->cgroup, f->state.cgroup, e);
	int frozen = cgroup < 0 ? -1 : cgroup_is_frozen(cgroup, e);

	return frozen < 0 ? no_if(ENOENT, ENODEV, e) : frozen;
}

/* Of one whose process is there and whose creation is complete. */
static int find_live_status(struct found *f, struct err *e)
{
	int paused = is_paused(f, e);
	int waiting = paused || f->state.phase != PHASE_CREATED ? 0 : is_waiting(f, e);

	if (paused < 0 || waiting < 0)
		return -1;
	f->status = paused ? STATUS_PAUSED : waiting ? STATUS_CREATED : STATUS_RUNNING;
	return 0;
}

static int find_status(struct found *f, bool locked_by_us, struct arena *a, struct err *e)
{
	int alive = is_alive(f, a, e);

	TRY(alive);
	if (alive && f->state.phase != PHASE_CREATING)
		return find_live_status(f, e);
	f->status = STATUS_STOPPED;
	if (f->state.phase == PHASE_CREATING && !locked_by_us) {
		int busy = state_dir_is_locked(&f->dir, e);

		TRY(busy);
		f->status = busy ? STATUS_CREATING : STATUS_STOPPED;
	}
	return 0;
}

int found_read(struct found *f, struct arena *a, bool locked, struct err *e)
{
	TRY(cgroup_probe(false, &f->cgroup, e));
	int there = state_load(&f->dir, a, &f->state, e);
	TRY(there);
	if (!there) /* a create that has just begun, or died in its first steps */
		TRY(found_read_note(f, a, e));
	return find_status(f, locked, a, e);
}

int found_read_note(struct found *f, struct arena *a, struct err *e)
{
	f->state = (struct state){
		.id = f->dir.id, .bundle = "", .rootfs = "", .created = "", .boot_id = ""
	};
	f->status = STATUS_STOPPED;
	return state_dir_noted_cgroup(&f->dir, a, &f->state.cgroup, &f->state.scope, e);
}

int found_owns(const struct found *f, int cgroup, struct err *e)
{
	return f->pidfd >= 0 ? 1 : owner_is(cgroup, f->dir.fd, f->dir.id, e);
}

/* Nothing is recorded, and nobody is at work on it. */
static bool seems_dead_early(const struct found *f)
{
	return f->status == STATUS_STOPPED && !*f->state.bundle;
}

/* A create that has made its folder but has not locked it yet looks like one that died
 * there: time will tell. Its first file comes after the lock, so once that is there, the
 * next look is right. */
static int await_birth(struct found *f, struct arena *a, bool lock, struct err *e)
{
	const struct timespec pause = { .tv_nsec = BIRTH_PAUSE_MS * 1000000L };
	bool begun = false;

	for (int i = 0; i < BIRTH_TRIES && !begun && seems_dead_early(f); i++) {
		begun = faccessat(f->dir.fd, "config.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		if (!begun) {
			if (lock)
				state_dir_unlock(&f->dir);
			(void)nanosleep(&pause, NULL);
			if (lock)
				TRY(state_dir_lock(&f->dir, e));
		}
		TRY(found_read(f, a, lock, e));
	}
	return 0;
}

int found_open(const struct container_context *c, struct arena *a, const char *id, bool lock,
               struct found *ret, struct err *e)
{
	FOUND struct found f = FOUND_NONE;

	TRY(state_dir_open(c->root, id, &f.dir, e));
	if (lock)
		TRY(state_dir_lock(&f.dir, e));
	TRY(found_read(&f, a, lock, e));
	TRY(await_birth(&f, a, lock, e));
	*ret = f;
	f = (struct found)FOUND_NONE;
	return 0;
}

struct container_info found_info(const struct found *f)
{
	return (struct container_info){
		.id = f->state.id,
		.bundle = f->state.bundle,
		.rootfs = f->state.rootfs,
		.created = f->state.created,
		.status = f->status,
		.pid = f->status == STATUS_STOPPED ? 0 : f->state.pid,
		.owner = f->state.owner,
		.annotations = f->state.annotations,
	};
}

int container_info(const struct container_context *c, struct arena *a, const char *id,
                   struct container_info *ret, struct err *e)
{
	FOUND struct found f = FOUND_NONE;

	TRY(found_open(c, a, id, false, &f, e));
	*ret = found_info(&f);
	return 0;
}

/* Reads the group, unless it is gone or somebody else's by now. */
static int read_group(const struct found *f, struct arena *a, struct container_details *ret,
                      struct err *e)
{
	METER struct meter meter = meter_none();
	FD int cgroup = cgroup_open(&f->cgroup, f->state.cgroup, e);

	if (cgroup < 0)
		return no_if(ENOENT, ENODEV, e);
	int ours = found_owns(f, cgroup, e);
	if (ours <= 0)
		return ours < 0 ? no_if(ENOENT, ENODEV, e) : 0;
	TRY(limits_read(a, cgroup, &ret->hits, e));
	if (f->status != STATUS_STOPPED)
		return 0;
	TRY(meter_open(cgroup, details_files, &meter, e));
	int there = meter_read(&meter, a, &ret->last, e);
	TRY(there);
	ret->counted = there;
	return 0;
}

int container_details(const struct container_context *c, struct arena *a, const char *id,
                      struct container_info *ret_info, struct container_details *ret, struct err *e)
{
	FOUND struct found f = FOUND_NONE;

	memset(ret, 0, sizeof(*ret));
	TRY(found_open(c, a, id, false, &f, e));
	*ret_info = found_info(&f);
	ret->status_known = f.state.ended && f.status == STATUS_STOPPED;
	ret->exit_status = f.state.exit_status;
	ret->exit_signal = f.state.exit_signal;
	return f.state.cgroup ? read_group(&f, a, ret, e) : 0;
}

int container_processes(const struct container_context *c, struct arena *a, const char *id,
                        struct process_list *ret, struct err *e)
{
	FOUND struct found f = FOUND_NONE;

	memset(ret, 0, sizeof(*ret));
	TRY(found_open(c, a, id, false, &f, e));
	return backend_of_record(&f)->list(&f, a, ret, e);
}
