/* SPDX-License-Identifier: Apache-2.0 */
/* Maps, programs and their attaching by bpf(2); closing the descriptors ends it all. */
#include "seccomp/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"

/* What the verifier wants of who reads the kernel's memory; these instructions may be
 * used under either licence. */
static const char license[] = "Dual MIT/GPL";

/* Of the map of paths. */
struct path_key {
	uint64_t refusal;
	char path[TRACE_PATH_ROOM];
};

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int failed(struct err *e, const char *what)
{
	bool denied = errno == EPERM || errno == EACCES;

	err_sys(e, "trace system calls: %s", what);
	if (denied)
		return err_hint(e, "it needs CAP_BPF and CAP_PERFMON over the host");
	return -1;
}

static int make_map(uint32_t type, uint32_t key, uint32_t value, uint32_t entries)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = entries;
	return bpf(BPF_MAP_CREATE, &attr);
}

static int map_put(int fd, const void *key, const void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static int map_get(int fd, const void *key, void *ret)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)ret;
	return bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

static int load(const struct bpf_insn *code, size_t length)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = (uint32_t)length;
	attr.license = (uintptr_t)license;
	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach(const char *tracepoint, int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t)tracepoint;
	attr.raw_tracepoint.prog_fd = (uint32_t)program;
	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

static int make_maps(struct trace *t, int cgroup, const struct trace_options *options,
                     struct err *e)
{
	const uint32_t first = 0, group = (uint32_t)cgroup, armed = TRACE_ARMED;
	const uint64_t one = 1;

	t->calls = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, TRACE_PLACES);
	t->cgroups = make_map(BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 1);
	if (options->arguments)
		t->values = make_map(BPF_MAP_TYPE_HASH, 16, 8, TRACE_VALUES_MAX);
	if (options->refusals) {
		t->refusals = make_map(BPF_MAP_TYPE_HASH, 8, 8, TRACE_VALUES_MAX);
		t->entered = make_map(BPF_MAP_TYPE_LRU_HASH, 8, 8, TRACE_THREADS_MAX);
		t->paths = make_map(BPF_MAP_TYPE_HASH, sizeof(struct path_key), 8, TRACE_PATHS_MAX);
	}
	if (t->calls < 0 || t->cgroups < 0 || (options->arguments && t->values < 0) ||
	    (options->refusals && (t->refusals < 0 || t->entered < 0 || t->paths < 0)))
		return failed(e, "bpf map");
	if (map_put(t->cgroups, &first, &group) < 0)
		return failed(e, "the container's cgroup");
	if (options->at_once && map_put(t->calls, &armed, &one) < 0)
		return failed(e, "bpf map");
	return 0;
}

static int begin(struct trace *t, int cgroup, const struct trace_options *options, struct err *e)
{
	static const char *const tracepoints[] = { "sys_enter", "sys_exit" };

	TRY(make_maps(t, cgroup, options, e));
	const struct trace_maps maps = { .calls = t->calls,
		                         .cgroups = t->cgroups,
		                         .values = t->values,
		                         .refusals = t->refusals,
		                         .entered = t->entered,
		                         .paths = t->paths };
	for (size_t i = 0; i < LEN(tracepoints); i++) {
		struct bpf_insn code[TRACE_PROGRAM_MAX];
		size_t n = trace_program(&maps, i == 0, code);

		t->programs[i] = load(code, n);
		if (t->programs[i] < 0)
			return failed(e, "bpf program");
	}
	for (size_t i = 0; i < LEN(tracepoints); i++) {
		t->links[i] = attach(tracepoints[i], t->programs[i]);
		if (t->links[i] < 0)
			return failed(e, tracepoints[i]);
	}
	return 0;
}

bool trace_allowed(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	FD int program = load(nothing, LEN(nothing));

	return program >= 0;
}

int trace_begin(int cgroup, const struct trace_options *options, struct trace *ret, struct err *e)
{
	struct trace t = TRACE_NONE;

	if (begin(&t, cgroup, options, e) < 0) {
		trace_close(&t);
		return -1;
	}
	*ret = t;
	return 0;
}

static int by_value(const void *x, const void *y)
{
	const struct trace_value *a = x, *b = y;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->value > b->value) - (a->value < b->value);
}

void trace_sort_values(struct trace_value *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
}

static void read_values(const struct trace *t, struct arena *a, struct trace_result *ret)
{
	struct trace_value *v = arena_array(a, TRACE_VALUES_MAX, sizeof(*v));
	uint64_t key[2], next[2] = { 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)t->values;
	attr.next_key = (uintptr_t)next;
	for (; ret->value_count < TRACE_VALUES_MAX && bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0;
	     attr.key = (uintptr_t)key) {
		memcpy(key, next, sizeof(key));
		v[ret->value_count++] = (struct trace_value){ .number = (uint32_t)(key[0] >> 8),
			                                      .index = (uint32_t)(key[0] & 0xff),
			                                      .value = key[1] };
	}
	trace_sort_values(v, ret->value_count); /* a map has no order */
	ret->values = v;
}

static int by_number(const void *x, const void *y)
{
	const struct trace_refusal *a = x, *b = y;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->errno_value != b->errno_value)
		return a->errno_value < b->errno_value ? -1 : 1;
	if (a->filtered != b->filtered)
		return a->filtered ? -1 : 1;
	if (!a->path || !b->path)
		return (b->path != NULL) - (a->path != NULL);
	return strcmp(a->path, b->path);
}

void trace_sort_refusals(struct trace_refusal *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_number);
}

static struct trace_refusal refusal_of(uint64_t key, uint64_t count)
{
	return (struct trace_refusal){ .number = (uint32_t)(key >> TRACE_KEY_NUMBER),
		                       .errno_value = (uint32_t)(key & 0xffff),
		                       .filtered = (key & TRACE_KEY_FILTERED) != 0,
		                       .count = count };
}

/* What the map of paths has, in order. */
static size_t get_paths(const struct trace *t, struct arena *a, struct trace_refusal *v)
{
	struct path_key key = { 0 }, next = { 0 };
	union bpf_attr attr;
	uint64_t count = 0;
	size_t n = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)t->paths;
	attr.next_key = (uintptr_t)&next;
	for (; n < TRACE_PATHS_MAX && bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0;
	     attr.key = (uintptr_t)&key) {
		key = next;
		if (map_get(t->paths, &key, &count) < 0)
			continue;
		v[n] = refusal_of(key.refusal, count);
		v[n++].path = arena_string(a, key.path, strnlen(key.path, sizeof(key.path)));
	}
	trace_sort_refusals(v, n);
	return n;
}

static bool same_refusal(const struct trace_refusal *a, const struct trace_refusal *b)
{
	return a->number == b->number && a->errno_value == b->errno_value &&
	       a->filtered == b->filtered;
}

/* The first paths of each refusal become entries of their own, and what is left of it
 * stands for all others. */
static void part_by_path(const struct trace *t, struct arena *a, struct trace_refusal *v,
                         struct trace_result *ret)
{
	struct trace_refusal *paths = arena_array(a, TRACE_PATHS_MAX, sizeof(*paths));
	const size_t known = ret->refusal_count, n = get_paths(t, a, paths);

	for (size_t i = 0; i < known; i++) {
		int shown = 0;

		for (size_t k = 0; k < n && shown < TRACE_PATHS_SHOWN; k++) {
			if (!same_refusal(&v[i], &paths[k]) || paths[k].count > v[i].count)
				continue;
			shown++;
			v[i].count -= paths[k].count;
			v[ret->refusal_count++] = paths[k];
		}
	}
}

static void read_refusals(const struct trace *t, struct arena *a, struct trace_result *ret)
{
	struct trace_refusal *v = arena_array(a, TRACE_VALUES_MAX + TRACE_PATHS_MAX, sizeof(*v));
	uint64_t key, next = 0, count = 0;
	size_t kept = 0;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)t->refusals;
	attr.next_key = (uintptr_t)&next;
	for (; ret->refusal_count < TRACE_VALUES_MAX && bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0;
	     attr.key = (uintptr_t)&key) {
		key = next;
		if (map_get(t->refusals, &key, &count) < 0)
			continue;
		v[ret->refusal_count++] = refusal_of(key, count);
	}
	part_by_path(t, a, v, ret);
	for (size_t i = 0; i < ret->refusal_count; i++) {
		if (v[i].count > 0)
			v[kept++] = v[i];
	}
	ret->refusal_count = kept;
	trace_sort_refusals(v, ret->refusal_count);
	ret->refusals = v;
}

int trace_read(const struct trace *t, struct arena *a, struct trace_result *ret, struct err *e)
{
	uint64_t lost = 0;

	*ret = (struct trace_result){ 0 };
	for (uint32_t i = 0; i < TRACE_PLACES; i++) {
		uint64_t value = 0;

		if (map_get(t->calls, &i, &value) < 0)
			return failed(e, "bpf map");
		if (i < TRACE_CALLS)
			ret->calls[i] = value;
		else if (i < TRACE_COMPAT + TRACE_CALLS)
			ret->compat[i - TRACE_COMPAT] = value;
		else if (i == TRACE_LOST)
			lost = value;
	}
	if (t->values >= 0)
		read_values(t, a, ret);
	if (t->refusals >= 0)
		read_refusals(t, a, ret);
	ret->values_lost = lost > 0;
	return 0;
}

void trace_close(struct trace *t)
{
	for (size_t i = 0; i < LEN(t->links); i++) {
		fd_drop(&t->links[i]);
		fd_drop(&t->programs[i]);
	}
	fd_drop(&t->calls);
	fd_drop(&t->cgroups);
	fd_drop(&t->values);
	fd_drop(&t->refusals);
	fd_drop(&t->entered);
	fd_drop(&t->paths);
}
