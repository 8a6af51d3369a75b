/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caisson-agent, the first process of a guest: what its files share. One loop (main.c) hears
 * the host's requests (request.c), moves bytes between programs and streams (stdio.c) and
 * reaps (reap.c). A process is made by a child of its own for each (worker.c), which runs the
 * launcher as the runtime does on the host, so that nothing that hangs there holds up the
 * loop; the process becomes the agent's when that child ends.
 *
 * All state is here and in the kernel; none of it is outside of the guest.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "cgroups/cgroup.h"
#include "cgroups/stats.h"
#include "runtime/launch/plan.h"
#include "vm-sandbox/channel.h"
#include "vm-sandbox/protocol.h"

/* Where a process is in its life, and what it may be asked. */
enum phase {
	PHASE_PLAN,    /* its plan is on its way                                  */
	PHASE_LAUNCH,  /* a worker builds it (EXEC: up to its program)            */
	PHASE_PARKED,  /* CREATE is answered; waits for START                     */
	PHASE_START,   /* a worker starts it                                      */
	PHASE_RUNNING, /* START or EXEC is answered                               */
	PHASE_ENDED,   /* reaped; its output may not have been read to the end    */
};

struct process {
	uint32_t number;
	enum phase phase;
	bool is_exec, terminal;
	bool plain;       /* AGENT_PLAIN */
	bool created;     /* CREATE is answered: its end will be told */
	uint32_t request; /* that is to be answered; 0: none */
	uint32_t stdio;   /* AGENT_HAS_* */
	char *group;      /* below the container's; "": that itself */

	struct buf plan;
	size_t plan_len;

	pid_t worker;      /* 0: none, or it has been reaped */
	int worker_socket; /* -1: it has said all it will */

	pid_t pid; /* 0: not known yet */
	int pidfd;
	int in;     /* written; -1: none or closed */
	int out[2]; /* read; of a terminal the first, which is its master, and so is `in` */

	size_t in_start, in_len;
	uint8_t in_data[CHANNEL_WINDOW];
	bool in_ends;     /* nothing comes behind in_data */
	uint64_t sent[2]; /* on the streams of out */

	int status, signal;
	bool awaited; /* its outputs have ended, and it was given a moment to do so itself */
	bool told;    /* EXITED was sent */
};

/* The container's cgroup. */
struct group {
	int fd;     /* -1: it has none */
	char *path; /* below the mount */
	struct cgroup_facts facts;
	struct meter meter; /* memory.events */
	uint64_t kills;
};

struct agent {
	struct channel channel;
	int port;     /* to the host */
	int signals;  /* SIGCHLD, as a descriptor */
	int warnings; /* what the log says, and the workers' */
	int folder;   /* for the container's listener */
	bool oom;     /* group.kills has grown and is not told yet */
	bool ends;
	struct group group;
	struct process *process[AGENT_PROCESSES_MAX];
};

/* --- boot.c ---------------------------------------------------------------------------------- */

/* Makes a running system of an initramfs, and opens the port. What fails is said on the
 * kernel's log, and ends the guest. */
int boot(void);

/* Loads the modules that a container can start without, in a child that nobody waits for. */
void boot_rest(struct agent *a);

/* main.c: the kernel's log, or standard error where there is none. */
void complain(const struct err *e);

/* --- talk.c: what goes to the host ----------------------------------------------------------- */

/* Queues a message; false: there is no room until the host has read. */
bool talk_send(struct agent *a, uint32_t request, const void *message, size_t len);
bool talk_done(struct agent *a, uint32_t request, uint32_t process, int64_t value);
bool talk_failed(struct agent *a, uint32_t request, uint32_t process, const struct err *e);
bool talk_warning(struct agent *a, const char *text);

/* How much output of programs may wait in the channel, so that there is room for replies. */
enum { TALK_DATA_MAX = CHANNEL_OUT_MAX / 2 };

/* --- request.c ------------------------------------------------------------------------------- */

extern const struct channel_events request_events;

/* --- process.c ------------------------------------------------------------------------------- */

struct process *process_find(struct agent *a, uint32_t number);

/* ERR_STATE: it is there already, or there are too many. */
MUST_CHECK int process_new(struct agent *a, const struct agent_launch *m, const char *group,
                           bool is_exec, struct process **ret, struct err *e);

/* Forgets those that ended and of which all was told. */
void process_sweep(struct agent *a);

/* Closes all that this process of ours holds of them. */
void process_close_all(struct agent *a);

/* The plan has come whole: goes on with it. */
MUST_CHECK int process_launch(struct agent *a, struct process *p, struct err *e);
MUST_CHECK int process_start(struct agent *a, struct process *p, const char *state, struct err *e);

/* Answers the request that waits with an error, and ends what there is of the process. */
void process_fail(struct agent *a, struct process *p, const struct err *e);

/* With its process group, or alone. ERR_STATE: there is nobody who could be signalled. */
MUST_CHECK int process_signal(struct process *p, int signal, bool group, struct err *e);

/* --- change.c -------------------------------------------------------------------------------- */

/* CHANGE, of `len` bytes. After an error everything is as it was. */
MUST_CHECK int change_container(const struct group *g, const struct process *p,
                                const struct agent_change *m, size_t len, struct err *e);

/* --- stdio.c --------------------------------------------------------------------------------- */

/* Fills in the other ends, which belong to the caller, and opens the streams. */
MUST_CHECK int stdio_make(struct agent *a, struct process *p, int ret[3], struct err *e);
/* A terminal takes the place of what stdio_make has made; the fd is the callee's. */
void stdio_terminal(struct agent *a, struct process *p, int master);

/* Bytes, or the end, of the stream for standard input. */
void stdio_input(struct agent *a, struct process *p, const uint8_t *data, size_t len);
void stdio_input_end(struct process *p);
void stdio_write(struct agent *a, struct process *p);

/* Reads from output `which` as much as there is credit for. */
void stdio_read(struct agent *a, struct process *p, int which);
bool stdio_has_room(const struct agent *a, const struct process *p, int which);

/* How many bytes will have come when all is there that is in the pipe now. */
uint64_t stdio_total(const struct process *p, int which);
void stdio_close_input(struct agent *a, struct process *p);
void stdio_close_output(struct agent *a, struct process *p, int which);
void stdio_close(struct agent *a, struct process *p);
/* Nobody is at the other end of the terminal any more. */
void stdio_hang_up(struct agent *a, struct process *p);

/* --- worker.c -------------------------------------------------------------------------------- */

enum job_kind { JOB_CREATE, JOB_EXEC, JOB_START };

struct job {
	enum job_kind kind;
	const struct plan *plan;
	int stdio[3];  /* CREATE, EXEC */
	int cgroup;    /* -1: none */
	int container; /* EXEC: pidfd; START: of the process itself */
	pid_t pid;     /* START */
	int listener;  /* CREATE: listens; START: connected */
	int state;     /* START: for hooks, or -1 */
};

enum report_kind {
	REPORT_TERMINAL = 1, /* with the master */
	REPORT_PREPARED,     /* of CREATE, with the pidfd */
	REPORT_STARTED,      /* of EXEC with the pidfd */
	REPORT_FAILED,
};

struct report {
	enum report_kind kind;
	pid_t pid;
	struct err err;
};

/* Carries a job out in a child, whose reports come over *ret_socket. */
MUST_CHECK int worker_begin(struct agent *a, const struct job *job, pid_t *ret_pid, int *ret_socket,
                            struct err *e);

/* --- reap.c ---------------------------------------------------------------------------------- */

/* Takes one report of a process's worker; false: there is none now. */
bool reap_report(struct agent *a, struct process *p);
/* All children that have ended. */
void reap_children(struct agent *a);
/* Tells the host of those that ended, as far as there is room. */
void reap_tell(struct agent *a);

/* --- group.c --------------------------------------------------------------------------------- */

MUST_CHECK int group_make(struct group *g, const struct plan *plan, struct err *e);
void group_remove(struct group *g);
/* A group below it for an exec: the caller closes it; -1 without an error when the container
 * has none. */
MUST_CHECK int group_for_exec(const struct group *g, const char *below, pid_t container, int *ret,
                              struct err *e);
/* Texts of file names: name and content in turn, behind what ret has. */
MUST_CHECK int group_read(const struct group *g, struct agent_texts names, struct buf *ret,
                          struct err *e);
MUST_CHECK int group_update(const struct group *g, struct agent_texts pairs,
                            const struct cgroup_steps *steps, struct err *e);
MUST_CHECK int group_freeze(const struct group *g, bool frozen, struct err *e);
MUST_CHECK int group_signal(const struct group *g, int signal, struct err *e);
/* True: more of its processes were killed because memory ran out. */
bool group_look(struct group *g);

/* --- list.c ---------------------------------------------------------------------------------- */

/* A whole AGENT_PROCESSES. */
MUST_CHECK int list_processes(const struct group *g, uint32_t after, struct buf *ret,
                              struct err *e);

/* --- net.c --------------------------------------------------------------------------------- */

/* An interface as the host has it; its message, that agent_check has let through. */
MUST_CHECK int net_configure(const void *message, size_t len, struct err *e);
/* Brings all that were configured into the network namespace of the process, and ourselves. */
MUST_CHECK int net_move(pid_t pid, struct err *e);

/* --- clock.c, mounts.c ----------------------------------------------------------------------- */

MUST_CHECK int clock_set(const struct agent_clock *m, struct err *e);
MUST_CHECK int mounts_make(struct agent_texts texts, struct err *e);
void mounts_settle(void); /* before the guest ends */
