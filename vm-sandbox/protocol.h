/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host and the guest's agent say to each other, as messages of a channel
 * (channel.h). The channel's number of a message is that of the request; a reply repeats
 * it, and events have 0.
 *
 *	agent              host
 *	READY         ->           once, when it can be asked something
 *	              <-   CLOCK   the time, and entropy: after a boot and after each restore
 *	              <-   SETUP   file systems, before the first process
 *	              <-   NETCFG  a network interface, each with a message of its own
 *	              <-   CREATE  the container's first process, up to before its program;
 *	                           the plan comes as a stream
 *	              <-   NETCFG  of interfaces that have come meanwhile
 *	              <-   START   its program
 *	              <-   EXEC    another process, from its plan to its program
 *	EXITED        ->
 *	              <-   SHUTDOWN
 *
 * Each process has a number, which the host chooses, and uses again only when it has closed
 * the streams of the one that had it and ended; that of the container's first is
 * AGENT_CONTAINER. Its streams are numbered after it. A request is
 * answered by DONE, or by what it asks for, or by FAILED, in any order; the host has at
 * most AGENT_REQUESTS_MAX of them unanswered.
 *
 * Messages are these structures as they lie in memory, little endian, and behind some of
 * them texts, each with a NUL. Each side takes the other for hostile: agent_check() tells
 * whether a message has its shape, once; meaning is doubted where it is used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AGENT_VERSION = 2,
	AGENT_REQUESTS_MAX = 16,
	AGENT_PROCESSES_MAX = 64, /* at once, the container's first included */
	AGENT_CONTAINER = 1,
	AGENT_PROCESS_LAST = (1 << 28) - 1,
	AGENT_ENTROPY = 64,
	AGENT_MOUNTS_MAX = 64,
	AGENT_FILES_MAX = 64,
	AGENT_PROCESSES_A_REPLY = 256,
	AGENT_ADDRESSES_MAX = 64, /* of an interface */
	AGENT_ROUTES_MAX = 256,
	AGENT_LIMITS_MAX = 16,
	AGENT_INSTRUCTIONS_MAX = 4096,
};

/* Where the guest's share of the host's files belongs (SETUP), so that a plan for the guest
 * has its rootfs and the sources of its binds below it. */
#define AGENT_SHARES "/run/shares"

/* Where its disk belongs, whose file system is the container's root then. */
#define AGENT_IMAGE "/run/image"

enum agent_type {
	/* requests */
	AGENT_CLOCK = 1,
	AGENT_SETUP,
	AGENT_CREATE,
	AGENT_START,
	AGENT_EXEC,
	AGENT_SIGNAL,
	AGENT_RESIZE,
	AGENT_PS,
	AGENT_READ,   /* files of the container's cgroup: texts, the names */
	AGENT_UPDATE, /* … are changed, all or none: texts, name and value in turn */
	AGENT_PAUSE,
	AGENT_RESUME,
	AGENT_SHUTDOWN, /* answered when the disk has all; then everything ends */
	AGENT_NETCFG,
	AGENT_CHANGE, /* UPDATE, and of the container's first process; all or nothing */
	AGENT_REQUEST_END,
	/* replies */
	AGENT_DONE = 64,
	AGENT_FAILED,
	AGENT_PROCESSES,
	AGENT_FILES, /* texts: name and content in turn, of those that are there */
	AGENT_REPLY_END,
	/* events */
	AGENT_READY = 128,
	AGENT_EXITED,
	AGENT_OOM,
	AGENT_WARNING, /* one text */
	AGENT_EVENT_END,
};

/* The streams of a process. */
enum agent_stream {
	AGENT_PLAN,   /* to the agent: agent_launch.plan_len bytes, and their end */
	AGENT_STDIN,  /* to the agent; the end of a terminal's is that the line has gone dead */
	AGENT_STDOUT, /* all that a terminal shows */
	AGENT_STDERR,
	AGENT_STREAMS, /* of each process */
};

static inline uint32_t agent_stream(uint32_t process, enum agent_stream which)
{
	return process * AGENT_STREAMS + (uint32_t)which;
}

struct agent_head {
	uint16_t type;     /* enum agent_type */
	uint16_t reserved; /* 0, as all that is reserved */
	uint32_t process;  /* that it is about; 0: none */
};

/* --- requests; those without a structure are a head ----------------------------------------- */

struct agent_clock {
	struct agent_head head;
	int64_t seconds; /* CLOCK_REALTIME */
	uint32_t nanoseconds, reserved;
	uint8_t entropy[AGENT_ENTROPY];
};

/* Four texts for each mount: type, source, target, options; "ro" is the kernel's flag. Targets
 * are made. */
struct agent_setup {
	struct agent_head head;
	uint32_t mounts, reserved;
};

enum {
	AGENT_IP = 16, /* bytes of an address; one of IPv4 has 4, and zeros behind them */

	AGENT_LINK_IPV6 = 1 << 0, /* it has IPv6 at all */
	AGENT_LINK_NEW = 1 << 1,  /* its device has been plugged in since the boot */

	AGENT_HAS_PEER = 1 << 0, /* of an address */
	AGENT_HAS_BROADCAST = 1 << 1,
	AGENT_NO_PREFIX_ROUTE = 1 << 2, /* it brings no route to its network along */

	AGENT_HAS_GATEWAY = 1 << 0, /* of a route */
	AGENT_HAS_SOURCE = 1 << 1,
	AGENT_ON_LINK = 1 << 2, /* the gateway can be reached though no address says so */
};

struct agent_address {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t prefix_len;
	uint8_t scope; /* RT_SCOPE_* */
	uint8_t flags; /* AGENT_HAS_PEER… */
	uint8_t local[AGENT_IP], peer[AGENT_IP], broadcast[AGENT_IP];
};

struct agent_route {
	uint8_t family;
	uint8_t prefix_len;
	uint8_t scope;
	uint8_t flags; /* AGENT_HAS_GATEWAY… */
	uint32_t metric;
	uint32_t mtu; /* 0: the interface's */
	uint8_t destination[AGENT_IP], gateway[AGENT_IP], source[AGENT_IP];
};

/* NETCFG: the interface with this hardware address that no other message was about gets this
 * name, and what else is here. Behind the structure there are its addresses, then its routes. */
struct agent_link {
	struct agent_head head;
	uint8_t mac[6];
	uint16_t flags; /* AGENT_LINK_* */
	uint32_t mtu;
	uint32_t addresses, routes;
	char name[16]; /* with a NUL at its end */
	uint32_t reserved;
};

enum {
	AGENT_HAS_STDIN = 1 << AGENT_STDIN, /* streams of it are used; else it is /dev/null */
	AGENT_HAS_STDOUT = 1 << AGENT_STDOUT,
	AGENT_HAS_STDERR = 1 << AGENT_STDERR,
	AGENT_HAS_ALL = AGENT_HAS_STDIN | AGENT_HAS_STDOUT | AGENT_HAS_STDERR,
	AGENT_PLAIN = 1 << AGENT_STREAMS, /* its terminal adds no carriage return to a newline */
};

/* CREATE and EXEC. A plan with a terminal has the streams AGENT_STDIN and AGENT_STDOUT,
 * whatever `stdio` says. One text: the group below the container's, "" for that itself. */
struct agent_launch {
	struct agent_head head;
	uint32_t plan_len;
	uint32_t stdio; /* AGENT_HAS_* */
};

/* START: one text, the state for startContainer hooks, or "". */

enum {
	AGENT_SIGNAL_ALL = 1,   /* to all of the container's processes */
	AGENT_SIGNAL_GROUP = 2, /* to the process with its process group, which it leads */
};

struct agent_signal {
	struct agent_head head;
	uint32_t signal;
	uint32_t flags;
};

struct agent_resize {
	struct agent_head head;
	uint16_t rows, columns;
	uint32_t reserved;
};

/* The container's processes, by their numbers: those behind `after`. */
struct agent_ps {
	struct agent_head head;
	uint32_t after, reserved;
};

enum {
	AGENT_CHANGE_SCORE = 1 << 0,
	AGENT_CHANGE_DEVICES = 1 << 1, /* no instruction then: all devices are allowed */
};

struct agent_limit {
	uint32_t resource; /* RLIMIT_* */
	uint32_t reserved;
	uint64_t soft, hard;
	char name[24]; /* for messages; with a NUL at its end */
};

/* CHANGE: behind the structure there are the limits, the device program's instructions (struct
 * bpf_insn), and the group's files, as in UPDATE. */
struct agent_change {
	struct agent_head head;
	uint32_t flags; /* AGENT_CHANGE_* */
	int32_t score;
	uint32_t limits, instructions;
};

/* --- replies -------------------------------------------------------------------------------- */

struct agent_done {
	struct agent_head head;
	int64_t value; /* CREATE, EXEC: the pid in the guest; else 0 */
};

/* Four texts, as in struct err: text, hint, phase, pointer. */
struct agent_failed {
	struct agent_head head;
	uint32_t kind; /* enum err_kind */
	int32_t sys;
};

struct agent_process {
	uint32_t pid, parent, uid;
	uint32_t terminal;  /* device number, 0: none */
	uint64_t start_ms;  /* after the boot */
	uint64_t cpu_ms;    /* used, in user and system mode */
	uint64_t resident;  /* bytes */
	char arguments[88]; /* with blanks between them; cut */
};

struct agent_processes {
	struct agent_head head;
	uint32_t count, more; /* more: 1 when there are others behind the last */
	struct agent_process process[];
};

/* --- events --------------------------------------------------------------------------------- */

/* One text: the kernel's release. */
struct agent_ready {
	struct agent_head head;
	uint32_t version;
	uint32_t processors;
	uint64_t memory; /* bytes, of the guest */
};

/* What the process itself wrote into its pipes is there when so many bytes have come on the
 * streams, counted from their beginning; others may hold the pipes open for longer. The stream
 * of a terminal ends with the process. */
struct agent_exited {
	struct agent_head head;
	int32_t status; /* as a shell sees it: 128 + signal */
	int32_t signal; /* 0: none */
	uint64_t output, errors;
};

struct agent_oom {
	struct agent_head head;
	uint64_t kills; /* of the container's processes since it was created */
};

/* --- the shape of messages ------------------------------------------------------------------ */

enum agent_sender { AGENT_HOST, AGENT_GUEST };

/* NULL, or the rule that a message breaks that `sender` sent under the number `request`: from
 * then on its type is one of that sender's, it is as long as that type's structure, and its
 * texts end and are as many as belong there. What the structures hold is not looked at, but
 * for counts and what is reserved. `data` may lie at any address. */
const char *agent_check(enum agent_sender sender, uint32_t request, const void *data, size_t len);

/* The texts of a message that agent_check has let through. */
struct agent_texts {
	const char *at, *end;
};

struct agent_texts agent_texts(const void *message, size_t len);

/* The next text; NULL: there is none. */
const char *agent_text(struct agent_texts *t);
