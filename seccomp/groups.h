/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls sorted by what a person would say that they are for, and what is
 * dangerous about some. Each name of x86-64 is in exactly one group; a name that no
 * group has (of another architecture, or newer than this table) is in GROUP_OTHER.
 */
#pragma once

enum syscall_group {
	GROUP_FILES,
	GROUP_EVENTS,
	GROUP_NETWORK,
	GROUP_PROCESSES,
	GROUP_SIGNALS,
	GROUP_IPC,
	GROUP_MEMORY,
	GROUP_TIME,
	GROUP_SCHEDULING,
	GROUP_IDENTITY,
	GROUP_INFORMATION,
	GROUP_CONFINEMENT,
	GROUP_MOUNTS,
	GROUP_OBSERVATION,
	GROUP_KERNEL,
	GROUP_OBSOLETE,
	GROUP_OTHER,
	GROUP_KINDS,
};

struct syscall_group_info {
	const char *name;         /* one word, for JSON: "files" */
	const char *title;        /* "files and folders" */
	const char *const *calls; /* names, a NULL at the end; of GROUP_OTHER none */
};

const struct syscall_group_info *syscall_group_info(enum syscall_group group);
enum syscall_group syscall_group_of(const char *name);

/* Why the call is a risk when a container may make it; NULL when it is none worth a
 * word. One sentence without a full stop. */
const char *syscall_danger(const char *name);
