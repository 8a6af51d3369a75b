/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls the processes of a cgroup make, counted by two BPF programs on the
 * kernel's raw tracepoints: sys_enter, and sys_exit, which alone sees calls that a
 * seccomp filter has refused. While they are attached every system call of the host
 * takes a little longer. Needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/spec.h"

enum {
	TRACE_CALLS = 1024, /* system call numbers of x86-64, and more than there are */
	TRACE_VALUES_MAX = 4096,
};

/* What is counted; read by trace_read. */
struct trace {
	int calls, cgroups, values, refusals, entered, paths; /* maps; -1: none */
	int programs[2], links[2];
};

#define TRACE __attribute__((cleanup(trace_close)))
#define TRACE_NONE                                                                       \
	{                                                                                \
		.calls = -1, .cgroups = -1, .values = -1, .refusals = -1, .entered = -1, \
		.paths = -1, .programs = { -1, -1 }, .links = {                          \
			-1,                                                              \
			-1                                                               \
		}                                                                        \
	}

struct trace_options {
	bool arguments; /* note the values of arguments that decide what a call may do */
	bool refusals;  /* note which calls fail as if somebody forbade them */
	bool at_once;   /* count from now on; else from the first execve on */
};

/* A value that an argument had. */
struct trace_value {
	uint32_t number, index;
	uint64_t value;
};

/* Calls that came back with EPERM, EACCES, EROFS or ENOSYS, or with any errno from the
 * seccomp filter: those are the ones that never entered the kernel. */
struct trace_refusal {
	uint32_t number, errno_value; /* errno 0: by a signal (SIGSYS), maybe deadly */
	bool filtered;
	uint64_t count;
	const char *path; /* as the program wrote it, maybe cut; NULL: none, or any other */
};

struct trace_result {
	uint64_t calls[TRACE_CALLS];  /* how often, by number; twice where both saw it */
	uint64_t compat[TRACE_CALLS]; /* the same of 32-bit programs, by i386's numbers */
	const struct trace_value *values;
	size_t value_count;
	bool values_lost; /* there were more than there is room for */
	const struct trace_refusal *refusals;
	size_t refusal_count;
	bool filter_only; /* nobody could see other refusals than those of the filter */
};

/* Whether this process may trace at all. */
bool trace_allowed(void);

/* Begins to count. cgroup: the group's folder, open; groups below it count, too. */
MUST_CHECK int trace_begin(int cgroup, const struct trace_options *options, struct trace *ret,
                           struct err *e);
MUST_CHECK int trace_read(const struct trace *t, struct arena *a, struct trace_result *ret,
                          struct err *e);
void trace_close(struct trace *t);
/* By number and value, so that the same run gives the same profile. */
void trace_sort_values(struct trace_value *v, size_t n);
void trace_sort_refusals(struct trace_refusal *v, size_t n);

/* trace_program_x86_64.c: the instructions. Maps by their descriptors; -1: there is none
 * (of refusals, entered and paths all or none). */
struct trace_maps {
	int calls, cgroups, values, refusals, entered, paths;
};
enum {
	TRACE_COMPAT = TRACE_CALLS, /* in the map of calls: from here on those of i386 */
	TRACE_ARMED = 2 * TRACE_CALLS,
	TRACE_LOST,
	TRACE_PLACES,
	TRACE_PROGRAM_MAX = 512,
	TRACE_THREADS_MAX = 65536,
	TRACE_PATHS_MAX = 1024,
	TRACE_PATH_ROOM = 112, /* of one, with its NUL; a multiple of 8 */
	TRACE_PATHS_SHOWN = 5, /* of one call with one errno */
	/* the key of a refusal: errno, this bit, the number from that one on */
	TRACE_KEY_FILTERED = 1 << 16,
	TRACE_KEY_NUMBER = 17,
};
size_t trace_program(const struct trace_maps *maps, bool enter,
                     struct bpf_insn ret[TRACE_PROGRAM_MAX]);
/* The argument of a call whose values are noted, -1: none; and how wide it is. */
int trace_argument(uint32_t number, bool *ret_wide);
/* The argument that is the path for which a call may be refused; -1: it has none. */
int trace_path_argument(uint32_t number);

/* trace_profile.c: the smallest profile that allows what was seen, as JSON, and what an
 * earlier one (NULL: none) allows beside it. ERR_SPEC when that is not a list of what is
 * allowed. ret_count: how many system calls it names. */
MUST_CHECK int trace_profile(struct arena *a, const struct trace_result *result,
                             const struct oci_seccomp *earlier, struct buf *ret, size_t *ret_count,
                             struct err *e);
