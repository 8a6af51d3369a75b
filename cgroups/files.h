/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one cgroup, for this folder alone. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cgroups/cgroup.h"

/* Opens the mount that the facts name (an O_PATH fd); ERR_STATE where there is none. */
MUST_CHECK int cgroup_open_mount(const struct cgroup_facts *facts, struct err *e);

/* Opens a group below another one; `path` has no leading slash. O_RDONLY. */
MUST_CHECK int cgroup_open_below(int dir, const char *path, struct err *e);

/* It is no threaded group, nor below one: such are for parts of a process. */
MUST_CHECK int cgroup_check_domain(int cgroup, const char *name, struct err *e);

MUST_CHECK int cgroup_file_write(int cgroup, const char *file, const char *text, struct err *e);

/* Reads what fits in `room` and ends it with a NUL; returns its length. */
MUST_CHECK int cgroup_file_read(int cgroup, const char *file, char *ret, size_t room,
                                struct err *e);

/* cgroup.events: the state of the group with all below it. */
struct cgroup_events {
	bool populated, frozen;
};

/* Opens the file that cgroup_events_read reads and poll(2) waits on (POLLPRI). */
MUST_CHECK int cgroup_events_open(int cgroup, struct err *e);
MUST_CHECK int cgroup_events_read(int events, struct cgroup_events *ret, struct err *e);

/* Waits for a change since the last read, at most timeout_ms. */
MUST_CHECK int cgroup_events_wait(int events, int timeout_ms, struct err *e);

/* Milliseconds of the monotonic clock, and what is left until `end` (0: it passed). */
int64_t cgroup_clock_ms(void);
int cgroup_clock_left(int64_t end);

/* The words of cgroup.controllers and cgroup.subtree_control as bits; and bits as
 * words with `mark` in front of each ("+cpu +io"). Unknown words are left out. */
unsigned int cgroup_controllers_parse(const char *text);
void cgroup_controllers_print(unsigned int bits, const char *mark, char *ret, size_t room);

/* Copies the name of the next group in the folder; 0: there is no more. */
MUST_CHECK int cgroup_next_child(DIR *dir, char *ret, size_t room, struct err *e);

/* Gives the hint that errno asks for when a value is written into this file; -1. */
int cgroup_explain_write(const char *file, int sys, struct err *e);

/* The value asks for nothing on a kernel without this file. */
bool cgroup_write_optional(const struct cgroup_write *w);
