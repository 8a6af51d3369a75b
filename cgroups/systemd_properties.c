/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits as properties of a unit. They are written into the group's files as well, which
 * does not wait: systemd is told so that it knows, and keeps them when it writes its own
 * view of the group again (a reload, a change of another property).
 *
 * Conversions, each with its place in systemd.resource-control(5):
 *   memory.*, pids.max      the number; "max" is 2^64-1
 *   cpu.max "Q P"           CPUQuotaPerSecUSec = Q * 10^6 / P, rounded up to a whole
 *                           percent, because systemd keeps whole percents across a reload
 *                           and a container must not get less than it was given; the file
 *                           gets the same, so that both tell one number (runc does so)
 *   cpu.idle 1              CPUWeight 0, which is "idle" (systemd 252)
 *   io.weight               IOWeight, the same scale; systemd derives BFQ's itself
 *   cpuset.cpus, .mems      one bit a CPU or node, the lowest in the first byte
 *
 * Device rules are not among them: systemd would attach a second program, which each
 * reload builds anew from what it can look up then (a device without a node in /dev is
 * lost), and both would have to agree. Ours is attached beside and stays.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/scope.h"
#include "cgroups/systemd.h"

enum { SECOND = 1000000, PERCENT = SECOND / 100 }; /* microseconds */

static void put_name(struct buf *b, const char *name, const char *type)
{
	buf_align(b, 8); /* a struct */
	dbus_put_string(b, name);
	dbus_put_signature(b, type);
}

static void put_string(struct buf *b, const char *name, const char *value)
{
	put_name(b, name, "s");
	dbus_put_string(b, value);
}

static void put_bool(struct buf *b, const char *name, bool value)
{
	put_name(b, name, "b");
	dbus_put_bool(b, value);
}

static void put_u64(struct buf *b, const char *name, uint64_t value)
{
	put_name(b, name, "t");
	dbus_put_u64(b, value);
}

/* A number or "max" up to a blank or the end. */
static bool read_limit(const char *text, uint64_t *ret)
{
	char word[24];
	size_t len = strcspn(text, " \n");

	if (len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	if (strcmp(word, "max") != 0)
		return num_u64(word, UINT64_MAX, ret) == 0;
	*ret = UINT64_MAX;
	return true;
}

/* "Q P": the quota of a second in whole percents, UINT64_MAX for none, and the period. */
static bool read_cpu_max(const char *value, uint64_t *ret_quota, uint64_t *ret_period)
{
	const char *blank = strchr(value, ' ');
	uint64_t quota, period = 100000;

	if (!read_limit(value, &quota) || (blank && !read_limit(blank + 1, &period)) || !period)
		return false;
	if (quota != UINT64_MAX) {
		if (quota > UINT64_MAX / SECOND)
			return false;
		quota = quota * SECOND / period + (quota * SECOND % period > 0);
		if (quota > UINT64_MAX - PERCENT)
			return false;
		quota = (quota + PERCENT - 1) / PERCENT * PERCENT;
	}
	*ret_quota = quota;
	*ret_period = period;
	return true;
}

static void put_cpu_max(const char *value, struct buf *ret)
{
	uint64_t quota, period;

	if (!read_cpu_max(value, &quota, &period))
		return;
	put_u64(ret, "CPUQuotaPerSecUSec", quota);
	put_u64(ret, "CPUQuotaPeriodUSec", period);
}

void systemd_round(struct arena *a, struct cgroup_plan *plan)
{
	struct cgroup_write *writes = arena_array(a, plan->write_count + 1, sizeof(*writes));
	uint64_t quota, period, product;

	for (size_t i = 0; i < plan->write_count; i++) {
		writes[i] = plan->writes[i];
		if (strcmp(writes[i].file, "cpu.max") == 0 &&
		    read_cpu_max(writes[i].value, &quota, &period) && quota != UINT64_MAX &&
		    !__builtin_mul_overflow(quota, period, &product))
			writes[i].value =
				arena_printf(a, "%" PRIu64 " %" PRIu64, product / SECOND, period);
	}
	plan->writes = writes;
}

static void put_set(const char *name, const char *value, struct buf *ret)
{
	uint64_t words[OCI_CPU_LIST_WORDS];
	size_t used = sizeof(words);

	if (!value[0] || oci_cpu_list_bits(value, words) < 0)
		return;
	while (used > 1 && ((const uint8_t *)words)[used - 1] == 0)
		used--;
	put_name(ret, name, "ay");
	struct dbus_array array = dbus_open_array(ret, 1);
	buf_add(ret, words, used);
	dbus_close_array(ret, array);
}

/* a(st): the device by its number's link, which udev makes. */
static void put_device(struct buf *ret, const char *name, const char *line, uint64_t value)
{
	char path[64] = "/dev/block/";
	size_t len = strcspn(line, " "), used = strlen(path);

	if (len >= sizeof(path) - used)
		return;
	memcpy(path + used, line, len);
	path[used + len] = '\0';
	put_name(ret, name, "a(st)");
	struct dbus_array array = dbus_open_array(ret, 8);
	dbus_put_string(ret, path);
	dbus_put_u64(ret, value);
	dbus_close_array(ret, array);
}

/* "N", "default N" or "MAJ:MIN N" */
static void put_io_weight(const char *value, struct buf *ret)
{
	const char *blank = strchr(value, ' ');
	bool device = blank && strchr(value, ':');
	uint64_t weight;

	if (!read_limit(blank ? blank + 1 : value, &weight) || weight == UINT64_MAX)
		return;
	if (device)
		put_device(ret, "IODeviceWeight", value, weight);
	else
		put_u64(ret, "IOWeight", weight);
}

/* "MAJ:MIN rbps=N wiops=max …" */
static void put_io_max(const char *value, struct buf *ret)
{
	static const struct {
		const char *key, *property;
	} rates[] = {
		{ " rbps=", "IOReadBandwidthMax" },
		{ " wbps=", "IOWriteBandwidthMax" },
		{ " riops=", "IOReadIOPSMax" },
		{ " wiops=", "IOWriteIOPSMax" },
	};

	for (size_t i = 0; i < LEN(rates); i++) {
		const char *at = strstr(value, rates[i].key);
		uint64_t rate;

		if (at && read_limit(at + strlen(rates[i].key), &rate))
			put_device(ret, rates[i].property, value, rate);
	}
}

static void put_number(const struct cgroup_write *w, struct buf *ret)
{
	static const struct {
		const char *file, *property;
	} numbers[] = {
		{ "memory.max", "MemoryMax" }, { "memory.swap.max", "MemorySwapMax" },
		{ "memory.low", "MemoryLow" }, { "memory.high", "MemoryHigh" },
		{ "memory.min", "MemoryMin" }, { "pids.max", "TasksMax" },
		{ "cpu.weight", "CPUWeight" },
	};
	uint64_t value;

	for (size_t i = 0; i < LEN(numbers); i++) {
		if (strcmp(numbers[i].file, w->file) == 0 && read_limit(w->value, &value))
			put_u64(ret, numbers[i].property, value);
	}
}

void systemd_put_limits(const struct cgroup_write *writes, size_t count, struct buf *ret)
{
	for (size_t i = 0; i < count; i++) {
		const struct cgroup_write *w = &writes[i];

		if (strcmp(w->file, "cpu.max") == 0)
			put_cpu_max(w->value, ret);
		else if (strcmp(w->file, "cpu.idle") == 0 && strcmp(w->value, "1") == 0)
			put_u64(ret, "CPUWeight", 0);
		else if (strcmp(w->file, "cpuset.cpus") == 0)
			put_set("AllowedCPUs", w->value, ret);
		else if (strcmp(w->file, "cpuset.mems") == 0)
			put_set("AllowedMemoryNodes", w->value, ret);
		else if (strcmp(w->file, "io.weight") == 0)
			put_io_weight(w->value, ret);
		else if (strcmp(w->file, "io.max") == 0)
			put_io_max(w->value, ret);
		else
			put_number(w, ret);
	}
}

/* CollectMode: one that failed is forgotten, too, and its name is free again; but for one
 * that its time limit ended, which says so until the container is deleted.
 * DefaultDependencies: the engine decides when its containers end at a shutdown. */
int systemd_properties(const struct systemd_place *place, const char *id,
                       const struct cgroup_plan *plan, struct oci_pairs annotations,
                       struct buf *ret, struct err *e)
{
	char description[128];

	(void)snprintf(description, sizeof(description), "caisson container %s", id);
	put_string(ret, "Description", description);
	put_string(ret, "Slice", place->slice);
	if (!systemd_keeps_failure(annotations))
		put_string(ret, "CollectMode", "inactive-or-failed");
	put_bool(ret, "Delegate", true);
	put_bool(ret, "DefaultDependencies", false);
	systemd_put_limits(plan->writes, plan->write_count, ret);
	for (size_t i = 0; i < annotations.n; i++)
		TRY(systemd_put_annotation(&annotations.v[i], ret, e));
	return buf_ok(ret, e);
}
