/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/limits.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/scope.h"
#include "runtime/sizes.h"

/* A start alone is no news: it may need more than one period gives. */
enum { LASTING_PERIODS = 5 };

uint32_t limits_watched(void)
{
	return METER_BIT(METER_MEMORY_EVENTS) | METER_BIT(METER_PIDS_EVENTS) |
	       METER_BIT(METER_CPU_STAT);
}

uint32_t limits_files(void)
{
	return limits_watched() | METER_BIT(METER_MEMORY_MAX) | METER_BIT(METER_MEMORY_PEAK) |
	       METER_BIT(METER_PIDS_MAX) | METER_BIT(METER_PIDS_PEAK) | METER_BIT(METER_CPU_MAX);
}

static struct opt_u64 limit_of(const struct meter_reading *r, enum meter_file file)
{
	struct opt_u64 limit = r->number[file];

	limit.set = limit.set && limit.value != METER_NO_LIMIT;
	return limit;
}

static const char *peak_text(struct arena *a, struct opt_u64 peak, bool bytes)
{
	char text[SIZE_TEXT_MAX];

	if (!peak.set)
		return "";
	if (!bytes)
		return arena_printf(a, ", the peak was %" PRIu64, peak.value);
	size_text(peak.value, text);
	return arena_printf(a, ", the peak was %s", text);
}

static bool find_memory(struct arena *a, const struct meter_reading *r, struct limit_hit *ret)
{
	char limit[SIZE_TEXT_MAX];
	struct limit_hit hit = {
		.kind = LIMIT_MEMORY,
		.count = meter_get(&r->table[METER_MEMORY_EVENTS], "oom_kill"),
		.limit = limit_of(r, METER_MEMORY_MAX),
		.peak = r->number[METER_MEMORY_PEAK],
	};

	if (hit.count == 0)
		return false;
	if (hit.limit.set)
		size_text(hit.limit.value, limit);
	hit.text = arena_printf(a, "%" PRIu64 " process%s killed when memory was used up: %s%s%s",
	                        hit.count, hit.count == 1 ? " was" : "es were",
	                        hit.limit.set ? "the limit is "
	                                      : "no limit of its own, but the host's or a group's",
	                        hit.limit.set ? limit : "", peak_text(a, hit.peak, true));
	*ret = hit;
	return true;
}

static bool find_pids(struct arena *a, const struct meter_reading *r, struct limit_hit *ret)
{
	struct limit_hit hit = {
		.kind = LIMIT_PIDS,
		.count = meter_get(&r->table[METER_PIDS_EVENTS], "max"),
		.limit = limit_of(r, METER_PIDS_MAX),
		.peak = r->number[METER_PIDS_PEAK],
	};

	if (hit.count == 0)
		return false;
	hit.text = arena_printf(a, "%" PRIu64 " time%s a new process was refused: %s%s", hit.count,
	                        hit.count == 1 ? "" : "s",
	                        hit.limit.set
	                                ? arena_printf(a, "the limit is %" PRIu64, hit.limit.value)
	                                : "no limit of its own, but a group's",
	                        peak_text(a, hit.peak, false));
	*ret = hit;
	return true;
}

/* cpu.max: "QUOTA PERIOD" or "max PERIOD". */
static void read_cpu_max(const char *text, struct limit_hit *hit)
{
	char quota[24];
	size_t length = text ? strcspn(text, " ") : 0;

	if (!text || length >= sizeof(quota) || text[length] != ' ')
		return;
	memcpy(quota, text, length);
	quota[length] = '\0';
	hit->limit.set = num_u64(quota, UINT64_MAX, &hit->limit.value) == 0;
	if (num_u64(text + length + 1, UINT64_MAX, &hit->period_us) < 0)
		hit->limit.set = false;
}

static bool find_cpu(struct arena *a, const struct meter_reading *r, struct limit_hit *ret)
{
	const struct meter_table *stat = &r->table[METER_CPU_STAT];
	struct limit_hit hit = {
		.kind = LIMIT_CPU,
		.count = meter_get(stat, "nr_throttled"),
		.periods = meter_get(stat, "nr_periods"),
		.throttled_us = meter_get(stat, "throttled_usec"),
	};

	if (hit.count == 0)
		return false;
	read_cpu_max(r->words[METER_CPU_MAX], &hit);
	const char *limit = hit.limit.set
	                            ? arena_printf(a,
	                                           ": the limit is %" PRIu64 " us of CPU time "
	                                           "in %" PRIu64 " us",
	                                           hit.limit.value, hit.period_us)
	                            : "";
	hit.text = arena_printf(a,
	                        "the CPU was withheld in %" PRIu64 " of %" PRIu64
	                        " periods, for %" PRIu64 " ms in all%s",
	                        hit.count, hit.periods, hit.throttled_us / 1000, limit);
	*ret = hit;
	return true;
}

void limits_find(struct arena *a, const struct meter_reading *r, struct limit_hits *ret)
{
	static bool (*const finders[])(struct arena *, const struct meter_reading *,
	                               struct limit_hit *) = { find_memory, find_pids, find_cpu };

	ret->n = 0;
	for (size_t i = 0; i < LEN(finders); i++)
		ret->n += finders[i](a, r, &ret->v[ret->n]);
}

int limits_read(struct arena *a, int cgroup, struct limit_hits *ret, struct err *e)
{
	METER struct meter watched = meter_none(), all = meter_none();
	struct meter_reading r;

	ret->n = 0;
	TRY(meter_open(cgroup, limits_watched(), &watched, e));
	int there = meter_read(&watched, a, &r, e);
	TRY(there);
	limits_find(a, &r, ret);
	if (ret->n == 0)
		return 0; /* mostly: and then nobody has to know the limits */
	ret->n = 0;
	TRY(meter_open(cgroup, limits_files(), &all, e));
	there = meter_read(&all, a, &r, e);
	TRY(there);
	limits_find(a, &r, ret);
	return 0;
}

bool limits_remarkable(const struct limit_hit *hit)
{
	return hit->kind != LIMIT_CPU ||
	       (hit->count > hit->periods / 2 && hit->count >= LASTING_PERIODS);
}

void limits_json(struct json_writer *w, const struct limit_hit *hit)
{
	static const struct {
		const char *resource, *event;
	} names[LIMIT_KINDS] = {
		[LIMIT_MEMORY] = { "memory", "oom_kill" },
		[LIMIT_PIDS] = { "pids", "max" },
		[LIMIT_CPU] = { "cpu", "throttled" },
	};

	json_open(w, '{');
	json_put_string(w, "resource", names[hit->kind].resource);
	json_put_string(w, "event", names[hit->kind].event);
	json_put_u64(w, "count", hit->count);
	if (hit->limit.set)
		json_put_u64(w, "limit", hit->limit.value);
	if (hit->peak.set)
		json_put_u64(w, "peak", hit->peak.value);
	if (hit->kind == LIMIT_CPU) {
		json_put_u64(w, "period", hit->period_us);
		json_put_u64(w, "periods", hit->periods);
		json_put_u64(w, "throttledUsec", hit->throttled_us);
	}
	json_put_string(w, "text", hit->text);
	json_close(w, '}');
}
