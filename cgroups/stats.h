/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of a group. A meter holds its files open, so that each reading costs one
 * pread(2) a file; what the kernel does not have (no controller, an older kernel, PSI
 * switched off) is absent from a reading, never zero. The kernel's files have four
 * shapes, and so have the numbers here; the units are the kernel's: bytes, microseconds,
 * counts. Source: "Core Interface Files" and "Controllers" in cgroup-v2.rst; accounting/psi.rst.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

enum meter_file {
	/* one number; "max" is METER_NO_LIMIT */
	METER_MEMORY_CURRENT,
	METER_MEMORY_MAX,
	METER_MEMORY_PEAK,
	METER_SWAP_CURRENT,
	METER_SWAP_MAX,
	METER_PIDS_CURRENT,
	METER_PIDS_MAX,
	METER_PIDS_PEAK,
	/* a key and a number a line */
	METER_GROUP_EVENTS,
	METER_CPU_STAT,
	METER_MEMORY_STAT,
	METER_MEMORY_EVENTS,
	METER_PIDS_EVENTS,
	METER_MISC_CURRENT,
	/* a name and some key=number a line */
	METER_IO_STAT,
	METER_RDMA_CURRENT,
	/* pressure stall information */
	METER_CPU_PRESSURE,
	METER_MEMORY_PRESSURE,
	METER_IO_PRESSURE,
	/* words */
	METER_CPU_MAX,
	METER_CPUS,
	METER_MEMS,
	METER_FILES
};

#define METER_NO_LIMIT UINT64_MAX

/* A set of files; METER_ALL also reads hugetlb. */
#define METER_BIT(file) (UINT32_C(1) << (file))
#define METER_ALL       ((UINT32_C(1) << METER_FILES) - 1)

struct meter_entry {
	const char *key;
	uint64_t value;
};

struct meter_table {
	const struct meter_entry *v;
	size_t n;
};

struct meter_line {
	const char *name; /* "8:0", "mlx5_0" */
	struct meter_table values;
};

/* Part of the time in which some, or all, processes waited. */
struct meter_stall {
	uint32_t avg10, avg60, avg300; /* hundredths of a per cent */
	uint64_t total;                /* microseconds */
};

struct meter_pressure {
	bool set;
	struct meter_stall some, full;
};

struct meter_huge {
	const char *size; /* "2MB" */
	uint64_t current, max, failures;
};

/* Each file's numbers are at its own place; those of another shape are absent there. */
struct meter_reading {
	struct opt_u64 number[METER_FILES];
	struct meter_table table[METER_FILES];
	struct {
		const struct meter_line *v; /* not NULL where there is a file */
		size_t n;
	} lines[METER_FILES];
	struct meter_pressure pressure[METER_FILES];
	const char *words[METER_FILES]; /* NULL: absent */
	const struct meter_huge *huge;
	size_t huge_count;
};

/* Who knows numbers of a group that is not this kernel's. */
struct meter_source {
	/* Adds its numbers; `there` and what it returns are as of meter_read. */
	int (*read)(void *from, int there, struct arena *a, struct meter_reading *ret,
	            struct err *e);
	int (*news)(const void *from); /* -1, or an fd that can be read when there is news */
	void (*close)(void *from);
};

struct meter {
	int group; /* O_RDONLY, its own */
	int files[METER_FILES];
	uint32_t wanted;
	const struct meter_source *source; /* NULL: the files tell it all */
	void *from;
};

#define METER __attribute__((cleanup(meter_close)))

/* Opens those of the wanted files that are there. A failed call leaves nothing open;
 * meter_close takes a closed meter and one of meter_none. */
MUST_CHECK int meter_open(int cgroup, uint32_t wanted, struct meter *ret, struct err *e);
struct meter meter_none(void);
void meter_close(struct meter *m);

/* 1: *ret is what the files say, in the arena; 0: the group has been removed. */
MUST_CHECK int meter_read(const struct meter *m, struct arena *a, struct meter_reading *ret,
                          struct err *e);

/* An fd on which poll(2) tells (POLLIN) of a change that those of the files cannot; -1: none. */
int meter_news(const struct meter *m);

/* The name of a file in its group. */
const char *meter_file_name(enum meter_file file);

/* The number with this key; false: there is none. */
bool meter_find(const struct meter_table *t, const char *key, uint64_t *ret);
/* The same, with 0 for one that is not there. */
uint64_t meter_get(const struct meter_table *t, const char *key);

/* The text of one file into its place; text that is not understood is left out. */
void meter_parse(struct arena *a, enum meter_file file, char *text, struct meter_reading *ret);
