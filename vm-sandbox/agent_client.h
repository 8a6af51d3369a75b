/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of the talk with a guest's agent (protocol.h): requests go out and are
 * matched with their replies, plans are sent as far as there is credit, the streams of
 * processes are opened and closed with them. What the guest says is doubted here; whoever
 * uses this gets replies that fit their requests, and events of processes that it has made.
 *
 * It waits for nothing and reads from nowhere: bytes come by agent_client_receive and leave
 * by channel_pending, or both by agent_client_io on a socket.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vm-sandbox/channel.h"
#include "vm-sandbox/protocol.h"

/* What answered a request; valid until the function that gets it returns. */
struct agent_reply {
	enum agent_type type; /* AGENT_DONE, AGENT_FAILED, AGENT_PROCESSES or AGENT_FILES */
	int64_t value;        /* DONE: agent_done.value */
	struct err err;       /* FAILED: never ERR_NONE */
	const struct agent_process *process;
	size_t count;
	bool more;
	struct agent_texts files;
	const void *message; /* as it came, to be passed on */
	size_t len;
};

/* What a message says whose shape agent_check has found right, into an empty *ret; and whether
 * that type of reply may answer that type of request. */
void agent_reply_read(const void *message, size_t len, struct agent_reply *ret);
bool agent_reply_fits(enum agent_type reply, enum agent_type request);

/* Any of them may be NULL. They may make requests, but not agent_client_forget of a process
 * in its own output. */
struct agent_client_events {
	void (*ready)(void *owner, const struct agent_ready *ready, const char *release);
	void (*replied)(void *owner, uint32_t request, const struct agent_reply *reply);
	/* `which` is AGENT_STDOUT or AGENT_STDERR. Whoever has passed the bytes on says so with
	 * agent_client_consumed, or no more come. */
	void (*output)(void *owner, uint32_t process, enum agent_stream which, const uint8_t *data,
	               size_t len);
	void (*output_ended)(void *owner, uint32_t process, enum agent_stream which);
	void (*input_writable)(void *owner, uint32_t process); /* after input was not taken */
	void (*input_closed)(void *owner, uint32_t process);   /* nobody reads it any more */
	void (*exited)(void *owner, uint32_t process, int status, int signal);
	/* Once: it has exited, and all that it had written itself was handed over. */
	void (*finished)(void *owner, uint32_t process);
	void (*oom)(void *owner, uint64_t kills);
	void (*warning)(void *owner, const char *text);
};

struct agent_client_process {
	uint32_t number;  /* 0: this place is free */
	uint32_t streams; /* AGENT_HAS_* that are open */
	bool exited, finished, started;
	struct buf plan;
	size_t plan_sent;
	bool plan_ended;
	uint64_t received[2], total[2]; /* bytes of the outputs */
};

struct agent_client_request {
	uint32_t number; /* 0: this place is free */
	enum agent_type type;
	uint32_t process;
};

struct agent_client {
	const struct agent_client_events *events;
	void *owner;
	struct channel channel;
	bool ready;
	uint32_t last_request;
	struct agent_client_request request[AGENT_REQUESTS_MAX];
	struct agent_client_process process[AGENT_PROCESSES_MAX];
	_Alignas(8) uint8_t message[CHANNEL_PAYLOAD_MAX];
};

/* It is large; whoever has one does not have it on a stack. */
void agent_client_init(struct agent_client *c, const struct agent_client_events *events,
                       void *owner);
void agent_client_done(struct agent_client *c);

/* NULL: there is no such process. */
struct agent_client_process *agent_client_find(struct agent_client *c, uint32_t process);

/* --- bytes ---------------------------------------------------------------------------------- */

/* ERR_STATE: the guest has broken a rule, which ends the talk. */
MUST_CHECK int agent_client_receive(struct agent_client *c, const void *data, size_t len,
                                    struct err *e);

/* What to wait for on a socket (POLLIN, POLLOUT), and what to do after that. ERR_STATE, too,
 * when the other end has been closed. Never blocks. */
short agent_client_wants(const struct agent_client *c);
MUST_CHECK int agent_client_io(struct agent_client *c, int socket, struct err *e);

/* Goes on until the request is answered, or, with 0, until the agent is READY: ERR_STATE when
 * that takes longer than timeout_ms (-1: for ever). */
MUST_CHECK int agent_client_wait(struct agent_client *c, int socket, uint32_t request,
                                 int timeout_ms, struct err *e);

/* --- requests: each returns its number, or 0: too many are unanswered, there is no room, or --
 * --- what it is about is not there ---------------------------------------------------------- */

uint32_t agent_client_clock(struct agent_client *c, int64_t seconds, uint32_t nanoseconds,
                            const uint8_t entropy[AGENT_ENTROPY]);

struct agent_mount {
	const char *type, *source, *target, *options; /* type "": a bind */
};

uint32_t agent_client_setup(struct agent_client *c, const struct agent_mount *mounts,
                            uint32_t count);

/* A struct agent_link with what belongs behind it. */
uint32_t agent_client_netcfg(struct agent_client *c, const void *link, size_t len);

/* CREATE (process AGENT_CONTAINER) or EXEC; the plan is copied. `group`: below the
 * container's, "" for that. */
uint32_t agent_client_launch(struct agent_client *c, enum agent_type type, uint32_t process,
                             const void *plan, size_t plan_len, uint32_t stdio, const char *group);
uint32_t agent_client_start(struct agent_client *c, const char *state);
/* `flags`: AGENT_SIGNAL_… */
uint32_t agent_client_signal(struct agent_client *c, uint32_t process, int signal, uint32_t flags);
uint32_t agent_client_resize(struct agent_client *c, uint32_t process, uint16_t rows,
                             uint16_t columns);
uint32_t agent_client_ps(struct agent_client *c, uint32_t after);
/* Names of files, or names and values in turn. */
uint32_t agent_client_files(struct agent_client *c, enum agent_type type, const char *const *texts,
                            size_t count);
/* AGENT_PAUSE, AGENT_RESUME, AGENT_SHUTDOWN */
uint32_t agent_client_plain(struct agent_client *c, enum agent_type type);
/* A request that somebody else has written; none that makes a process. */
uint32_t agent_client_pass(struct agent_client *c, const void *message, size_t len);

/* --- streams -------------------------------------------------------------------------------- */

/* How many bytes of standard input were taken: all, or there comes `input_writable`. */
size_t agent_client_input(struct agent_client *c, uint32_t process, const void *data, size_t len);
void agent_client_input_end(struct agent_client *c, uint32_t process);
void agent_client_consumed(struct agent_client *c, uint32_t process, enum agent_stream which,
                           uint32_t len);

/* Nobody reads this output any more: the program gets SIGPIPE, or its terminal hangs up. Not
 * from `output`. */
void agent_client_output_end(struct agent_client *c, uint32_t process, enum agent_stream which);

/* Sends what there is credit for of plans; all that takes bytes in or out does it, too. */
void agent_client_flush(struct agent_client *c);

/* Forgets one that the agent does not know, or not any more. */
void agent_client_drop(struct agent_client *c, struct agent_client_process *p);

/* Of a process that has exited or was never started: closes its streams for good, so that who
 * holds a pipe of it open gets SIGPIPE. */
void agent_client_forget(struct agent_client *c, uint32_t process);
