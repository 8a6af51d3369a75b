/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape is that of runc's types/events.go, which containerd and others decode. What
 * version 1 alone could count (kernel memory apart, exclusive cpusets) is always 0 there,
 * as runc prints it on a host with version 2.
 */
#include "runtime/meter_json.h"

#include <string.h>

#include "base/num.h"
#include "base/scope.h"

/* Go's omitempty. */
static void put_some(struct json_writer *w, const char *key, uint64_t value)
{
	if (value != 0)
		json_put_u64(w, key, value);
}

static void put_table(struct json_writer *w, const char *key, const struct meter_table *t)
{
	if (t->n == 0)
		return;
	json_key(w, key);
	json_open(w, '{');
	for (size_t i = 0; i < t->n; i++)
		json_put_u64(w, t->v[i].key, t->v[i].value);
	json_close(w, '}');
}

/* What has happened at all: who looks for "oom" in the stream finds it when there was one. */
static void put_counts(struct json_writer *w, const char *key, const struct meter_table *t)
{
	if (t->n == 0)
		return;
	json_key(w, key);
	json_open(w, '{');
	for (size_t i = 0; i < t->n; i++)
		put_some(w, t->v[i].key, t->v[i].value);
	json_close(w, '}');
}

static void put_stall(struct json_writer *w, const char *key, const struct meter_stall *s)
{
	const struct {
		const char *key;
		uint32_t value;
	} averages[] = { { "avg10", s->avg10 }, { "avg60", s->avg60 }, { "avg300", s->avg300 } };

	json_key(w, key);
	json_open(w, '{');
	for (size_t i = 0; i < LEN(averages); i++) {
		json_key(w, averages[i].key);
		json_hundredths(w, averages[i].value);
	}
	json_put_u64(w, "total", s->total);
	json_close(w, '}');
}

static void put_shares(struct json_writer *w, const struct meter_pressure *p)
{
	json_open(w, '{');
	put_stall(w, "some", &p->some);
	put_stall(w, "full", &p->full);
	json_close(w, '}');
}

void meter_pressures_json(struct json_writer *w, const struct meter_reading *r)
{
	static const struct {
		const char *name;
		enum meter_file file;
	} pressures[] = {
		{ "cpu", METER_CPU_PRESSURE },
		{ "memory", METER_MEMORY_PRESSURE },
		{ "io", METER_IO_PRESSURE },
	};

	json_open(w, '{');
	for (size_t i = 0; i < LEN(pressures); i++) {
		const struct meter_pressure *p = &r->pressure[pressures[i].file];

		if (!p->set)
			continue;
		json_key(w, pressures[i].name);
		put_shares(w, p);
	}
	json_close(w, '}');
}

static void put_pressure(struct json_writer *w, const struct meter_pressure *p)
{
	if (!p->set)
		return;
	json_key(w, "psi");
	put_shares(w, p);
}

/* --- runc's objects -------------------------------------------------------------------- */

static void put_cpu(struct json_writer *w, const struct meter_reading *r)
{
	const struct meter_table *stat = &r->table[METER_CPU_STAT];

	json_key(w, "cpu");
	json_open(w, '{');
	json_key(w, "usage");
	json_open(w, '{');
	put_some(w, "total", meter_get(stat, "usage_usec") * 1000);
	json_put_u64(w, "kernel", meter_get(stat, "system_usec") * 1000);
	json_put_u64(w, "user", meter_get(stat, "user_usec") * 1000);
	json_close(w, '}');
	json_key(w, "throttling");
	json_open(w, '{');
	put_some(w, "periods", meter_get(stat, "nr_periods"));
	put_some(w, "throttledPeriods", meter_get(stat, "nr_throttled"));
	put_some(w, "throttledTime", meter_get(stat, "throttled_usec") * 1000);
	json_close(w, '}');
	put_pressure(w, &r->pressure[METER_CPU_PRESSURE]);
	json_close(w, '}');
}

/* Reads digits up to `end`. */
static bool list_number(const char **text, const char *end, uint64_t *ret)
{
	char digits[8];
	size_t length = strspn(*text, "0123456789");

	if (length == 0 || length >= sizeof(digits) || *text + length > end)
		return false;
	memcpy(digits, *text, length);
	digits[length] = '\0';
	*text += length;
	return num_u64(digits, UINT16_MAX, ret) == 0;
}

/* The kernel's list "0-2,7" as an array of each. */
static void put_list(struct json_writer *w, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	json_key(w, key);
	json_open(w, '[');
	while (*text) {
		const char *end = text + strcspn(text, ",");
		uint64_t first, last;

		if (!list_number(&text, end, &first))
			break;
		last = first;
		if (*text == '-') {
			text++;
			if (!list_number(&text, end, &last))
				break;
		}
		for (; first <= last; first++)
			json_u64(w, first);
		text = end + (*end == ',');
	}
	json_close(w, ']');
}

static void put_cpuset(struct json_writer *w, const struct meter_reading *r)
{
	static const char *const zeros[] = { "mem_hardwall",       "mem_exclusive",
		                             "memory_migrate",     "memory_spread_page",
		                             "memory_spread_slab", "memory_pressure",
		                             "sched_load_balance", "sched_relax_domain_level" };

	json_key(w, "cpuset");
	json_open(w, '{');
	put_list(w, "cpus", r->words[METER_CPUS]);
	json_put_u64(w, "cpu_exclusive", 0);
	put_list(w, "mems", r->words[METER_MEMS]);
	for (size_t i = 0; i < LEN(zeros); i++)
		json_put_u64(w, zeros[i], 0);
	json_close(w, '}');
}

static void put_memory_entry(struct json_writer *w, const char *key, uint64_t limit, uint64_t usage,
                             uint64_t max, uint64_t failures)
{
	json_key(w, key);
	json_open(w, '{');
	json_put_u64(w, "limit", limit);
	put_some(w, "usage", usage);
	put_some(w, "max", max);
	json_put_u64(w, "failcnt", failures);
	json_close(w, '}');
}

/* Version 1 counted swap with memory. */
static uint64_t swap_limit(uint64_t memory, uint64_t swap)
{
	return memory == METER_NO_LIMIT || swap > METER_NO_LIMIT - memory ? METER_NO_LIMIT
	                                                                  : memory + swap;
}

static void put_memory(struct json_writer *w, const struct meter_reading *r)
{
	uint64_t usage = r->number[METER_MEMORY_CURRENT].value;
	uint64_t limit = r->number[METER_MEMORY_MAX].value;
	uint64_t swap = r->number[METER_SWAP_CURRENT].value;

	json_key(w, "memory");
	json_open(w, '{');
	put_some(w, "cache", meter_get(&r->table[METER_MEMORY_STAT], "file"));
	put_memory_entry(w, "usage", limit, usage, r->number[METER_MEMORY_PEAK].value,
	                 meter_get(&r->table[METER_MEMORY_EVENTS], "max"));
	put_memory_entry(w, "swap",
	                 r->number[METER_SWAP_MAX].set
	                         ? swap_limit(limit, r->number[METER_SWAP_MAX].value)
	                         : limit,
	                 usage + swap, 0, 0);
	put_memory_entry(w, "kernel", 0, 0, 0, 0);
	put_memory_entry(w, "kernelTCP", 0, 0, 0, 0);
	put_table(w, "raw", &r->table[METER_MEMORY_STAT]);
	put_pressure(w, &r->pressure[METER_MEMORY_PRESSURE]);
	json_close(w, '}');
}

static void put_pids(struct json_writer *w, const struct meter_reading *r)
{
	uint64_t limit = r->number[METER_PIDS_MAX].value;

	json_key(w, "pids");
	json_open(w, '{');
	put_some(w, "current", r->number[METER_PIDS_CURRENT].value);
	put_some(w, "limit", limit == METER_NO_LIMIT ? 0 : limit);
	json_close(w, '}');
}

/* "8:16" as two numbers. */
static void put_device(struct json_writer *w, const char *name)
{
	const char *colon = strchr(name, ':');
	uint64_t major, minor;

	if (!colon || !list_number(&name, colon, &major) ||
	    num_u64(colon + 1, UINT32_MAX, &minor) < 0)
		return;
	put_some(w, "major", major);
	put_some(w, "minor", minor);
}

/* An entry for each device and each kind of operation. */
static void put_operations(struct json_writer *w, const struct meter_reading *r, const char *key,
                           const char *const names[3])
{
	static const char *const operations[] = { "Read", "Write", "Discard" };

	if (r->lines[METER_IO_STAT].n == 0)
		return;
	json_key(w, key);
	json_open(w, '[');
	for (size_t i = 0; i < r->lines[METER_IO_STAT].n; i++) {
		const struct meter_line *line = &r->lines[METER_IO_STAT].v[i];

		for (size_t o = 0; o < LEN(operations); o++) {
			json_open(w, '{');
			put_device(w, line->name);
			json_put_string(w, "op", operations[o]);
			put_some(w, "value", meter_get(&line->values, names[o]));
			json_close(w, '}');
		}
	}
	json_close(w, ']');
}

static void put_blkio(struct json_writer *w, const struct meter_reading *r)
{
	static const char *const bytes[] = { "rbytes", "wbytes", "dbytes" };
	static const char *const requests[] = { "rios", "wios", "dios" };

	json_key(w, "blkio");
	json_open(w, '{');
	put_operations(w, r, "ioServiceBytesRecursive", bytes);
	put_operations(w, r, "ioServicedRecursive", requests);
	put_pressure(w, &r->pressure[METER_IO_PRESSURE]);
	json_close(w, '}');
}

static void put_hugetlb(struct json_writer *w, const struct meter_reading *r)
{
	json_key(w, "hugetlb");
	json_open(w, '{');
	for (size_t i = 0; i < r->huge_count; i++) {
		json_key(w, r->huge[i].size);
		json_open(w, '{');
		put_some(w, "usage", r->huge[i].current);
		json_put_u64(w, "failcnt", r->huge[i].failures);
		json_close(w, '}');
	}
	json_close(w, '}');
}

/* --- what runc does not tell ------------------------------------------------------------ */

static void put_number(struct json_writer *w, const struct meter_reading *r, const char *key,
                       enum meter_file file)
{
	if (r->number[file].set)
		json_put_u64(w, key, r->number[file].value);
}

static void put_lines(struct json_writer *w, const struct meter_reading *r, const char *key,
                      enum meter_file file)
{
	if (r->lines[file].n == 0)
		return;
	json_key(w, key);
	json_open(w, '{');
	for (size_t i = 0; i < r->lines[file].n; i++)
		put_table(w, r->lines[file].v[i].name, &r->lines[file].v[i].values);
	json_close(w, '}');
}

/* Every key is the name of the kernel's file. */
static void put_v2(struct json_writer *w, const struct meter_reading *r)
{
	json_key(w, "v2");
	json_open(w, '{');
	put_table(w, "cpu.stat", &r->table[METER_CPU_STAT]);
	if (r->words[METER_CPU_MAX])
		json_put_string(w, "cpu.max", r->words[METER_CPU_MAX]);
	put_number(w, r, "memory.peak", METER_MEMORY_PEAK);
	put_number(w, r, "memory.swap.current", METER_SWAP_CURRENT);
	put_counts(w, "memory.events", &r->table[METER_MEMORY_EVENTS]);
	put_number(w, r, "pids.peak", METER_PIDS_PEAK);
	put_counts(w, "pids.events", &r->table[METER_PIDS_EVENTS]);
	put_lines(w, r, "io.stat", METER_IO_STAT);
	put_lines(w, r, "rdma.current", METER_RDMA_CURRENT);
	put_table(w, "misc.current", &r->table[METER_MISC_CURRENT]);
	json_close(w, '}');
}

void meter_stats_json(struct json_writer *w, const struct meter_reading *r)
{
	json_open(w, '{');
	put_cpu(w, r);
	put_cpuset(w, r);
	put_memory(w, r);
	put_pids(w, r);
	put_blkio(w, r);
	put_hugetlb(w, r);
	json_key(w, "intel_rdt");
	json_open(w, '{');
	json_close(w, '}');
	json_key(w, "network_interfaces");
	json_null(w);
	put_v2(w, r);
	json_close(w, '}');
}
