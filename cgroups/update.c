/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New values for a cgroup that is in use, all or nothing: what each file says is read
 * first, and written back if a later value is refused.
 *
 * Some values bound each other (cpu.max.burst may not exceed the quota in cpu.max), and
 * which of them has to change first depends on what is there. So a value that is
 * refused as invalid is tried once more after all others.
 *
 * A group that is idle has no weight (the kernel refuses one: kernel/sched/fair.c,
 * sched_group_set_shares). Of the two in one update idle wins, with a warning; a weight alone
 * ends being idle, as with systemd, where idle is a weight.
 *
 * A file with a line for each device changes one line a write; only that line is
 * written back, or what stands for "no limit" where there was none.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

enum { FILE_MAX = 1 << 20 };

struct change {
	const struct cgroup_write *write;
	const char *before;
	bool done;
};

/* What a line says where no limit is set; NULL: the file has no lines for devices. */
static const char *line_default(const char *file)
{
	static const struct {
		const char *file, *value;
	} files[] = {
		{ "io.max", "rbps=max wbps=max riops=max wiops=max" },
		{ "io.weight", "default" },
		{ "io.bfq.weight", "default" },
		{ "io.latency", "target=0" },
		{ "misc.max", "max" },
		{ "rdma.max", "hca_handle=max hca_object=max" },
	};

	for (size_t i = 0; i < LEN(files); i++) {
		if (strcmp(files[i].file, file) == 0)
			return files[i].value;
	}
	return NULL;
}

/* The line of `text` that begins with the key of `value`, whole. */
static const char *find_line(struct arena *a, const char *text, const char *value,
                             const char *no_limit)
{
	bool keyed = strchr(value, ' ') != NULL;
	const char *key = keyed ? value : "default";
	size_t length = strcspn(key, " ");

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return arena_string(a, line, strcspn(line, "\n"));
	}
	return arena_printf(a, "%.*s %s", (int)length, key, no_limit);
}

static int read_before(struct arena *a, int cgroup, struct change *c, struct err *e)
{
	const char *no_limit = line_default(c->write->file);
	BUF struct buf text = { 0 };

	TRY(fd_read_file(cgroup, c->write->file, FILE_MAX, &text, e));
	buf_text(&text, "");
	TRY(buf_ok(&text, e));
	c->before = no_limit ? find_line(a, text.data, c->write->value, no_limit)
	                     : arena_string(a, text.data, strcspn(text.data, "\n"));
	return 0;
}

/* Leaves out what need not be there, and of two files that say the same the second. */
static int gather(struct arena *a, int cgroup, const struct cgroup_write *writes, size_t count,
                  struct change *ret, size_t *ret_count, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		bool spare = i + 1 < count && writes[i + 1].instead;
		struct change *c = &ret[n];

		*c = (struct change){ .write = &writes[i] };
		if (read_before(a, cgroup, c, e) == 0) {
			n++;
			i += spare;
			continue;
		}
		if (e->sys != ENOENT || !(spare || cgroup_write_optional(c->write))) {
			err_in(e, "%s", c->write->origin ? c->write->origin : "cgroup");
			return cgroup_explain_write(c->write->file, e->sys, e);
		}
		*e = (struct err){ 0 };
	}
	*ret_count = n;
	return 0;
}

static void undo(int cgroup, struct change *changes, size_t count)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = count; i-- > 0;) {
			struct err ignored = { 0 };
			struct change *c = &changes[i];
			/* an empty write(2) would never reach the file */
			const char *before = c->before[0] ? c->before : "\n";

			if (c->done &&
			    cgroup_file_write(cgroup, c->write->file, before, &ignored) == 0)
				c->done = false;
		}
	}
}

/* Writes what is not done yet. `patient`: one that is refused as invalid may wait. */
static int write_rest(int cgroup, struct change *changes, size_t count, bool patient, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		struct change *c = &changes[i];

		if (c->done)
			continue;
		c->done = cgroup_apply(cgroup,
		                       &(struct cgroup_write){ c->write->file, c->write->value,
		                                               c->write->origin, false },
		                       1, e) == 0;
		if (c->done)
			continue;
		if (!patient || e->sys != EINVAL)
			return -1;
		*e = (struct err){ 0 };
	}
	return 0;
}

static int write_all(int cgroup, struct change *changes, size_t count, struct err *e)
{
	TRY(write_rest(cgroup, changes, count, true, e));
	return write_rest(cgroup, changes, count, false, e);
}

static int write_again(int cgroup, struct change *changes, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		changes[i].done = false;
	return write_all(cgroup, changes, count, e);
}

static int take_steps(int cgroup, struct change *changes, size_t count,
                      const struct cgroup_steps *steps, struct err *e)
{
	if (steps->then) {
		TRY(steps->then(steps->context, e));
		TRY(write_again(cgroup, changes, count, e));
	}
	return steps->last ? steps->last(steps->context, e) : 0;
}

int cgroup_update_then(int cgroup, const struct cgroup_write *writes, size_t count,
                       const struct cgroup_steps *steps, struct err *e)
{
	ARENA struct arena a = { 0 };
	struct change *changes = arena_array(&a, count, sizeof(*changes));
	size_t n = 0;

	TRY(gather(&a, cgroup, writes, count, changes, &n, e));
	if (write_all(cgroup, changes, n, e) == 0 && take_steps(cgroup, changes, n, steps, e) == 0)
		return 0;
	undo(cgroup, changes, n);
	return -1;
}

int cgroup_update(int cgroup, const struct cgroup_write *writes, size_t count, struct err *e)
{
	static const struct cgroup_steps none;

	return cgroup_update_then(cgroup, writes, count, &none, e);
}

/* --- what a partial update leaves as it is ------------------------------------------- */

/* The number at text up to a blank or the end; "max" is -1. */
static int read_number(const char *text, int64_t *ret)
{
	char digits[24];
	size_t length = strcspn(text, " \n");

	if (length >= sizeof(digits))
		return -1;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (strcmp(digits, "max") == 0) {
		*ret = -1;
		return 0;
	}
	return num_i64(digits, 0, INT64_MAX, ret);
}

static int read_value(int cgroup, const char *file, char *ret, size_t room, int64_t *ret_first,
                      struct err *e)
{
	TRY(cgroup_file_read(cgroup, file, ret, room, e));
	if (read_number(ret, ret_first) < 0)
		return err_set(e, ERR_KERNEL, "%s: \"%.*s\" is no number", file,
		               (int)strcspn(ret, "\n"), ret);
	return 0;
}

static int complete_cpu(int cgroup, struct oci_cpu *cpu, struct err *e)
{
	char text[64];
	int64_t quota, period;

	if (cpu->quota.set == cpu->period.set)
		return 0;
	TRY(read_value(cgroup, "cpu.max", text, sizeof(text), &quota, e));
	const char *rest = text + strcspn(text, " ");
	if (*rest != ' ' || read_number(rest + 1, &period) < 0)
		return err_set(e, ERR_KERNEL, "cpu.max: it has no period");
	if (cpu->quota.set)
		cpu->period = (struct opt_u64){ true, (uint64_t)period };
	else
		cpu->quota = (struct opt_i64){ true, quota };
	return 0;
}

static int complete_memory(int cgroup, struct oci_memory *m, struct err *e)
{
	char text[64];

	if (!m->swap.set || m->swap.value <= 0 || m->limit.set)
		return 0;
	TRY(read_value(cgroup, "memory.max", text, sizeof(text), &m->limit.value, e));
	m->limit.set = true;
	return 0;
}

/* In runc's words, which its tests look for. */
static void weight_left_out(void)
{
	log_warn("unable to apply both cpu.idle and cpu.weight (shares): a group that is idle has "
	         "no weight, so it is left out");
}

static void complete_idle(struct oci_cpu *cpu)
{
	if (!cpu->idle.set || cpu->idle.value == 0 || !cpu->shares.set || cpu->shares.value == 0)
		return;
	cpu->shares.set = false;
	weight_left_out();
}

/* A missing file means a missing controller, which compiling reports better. */
static int unless_absent(int result, struct err *e)
{
	if (result == 0 || e->sys != ENOENT)
		return result;
	*e = (struct err){ 0 };
	return 0;
}

int cgroup_complete(int cgroup, struct arena *a, struct oci_resources *r, struct err *e)
{
	if (r->cpu) {
		struct oci_cpu *cpu = arena_new(a, sizeof(*cpu));

		*cpu = *r->cpu;
		r->cpu = cpu;
		complete_idle(cpu);
		TRY(unless_absent(complete_cpu(cgroup, cpu, e), e));
	}
	if (r->memory) {
		struct oci_memory *memory = arena_new(a, sizeof(*memory));

		*memory = *r->memory;
		r->memory = memory;
		TRY(unless_absent(complete_memory(cgroup, memory, e), e));
	}
	return 0;
}

static const struct cgroup_write *find_write(const struct cgroup_plan *plan, const char *file)
{
	const struct cgroup_write *found = NULL;

	for (size_t i = 0; i < plan->write_count; i++) {
		if (strcmp(plan->writes[i].file, file) == 0)
			found = &plan->writes[i];
	}
	return found;
}

int cgroup_settle_weight(int cgroup, struct arena *a, struct cgroup_plan *plan, struct err *e)
{
	const struct cgroup_write *weight = find_write(plan, "cpu.weight");
	const struct cgroup_write *idle = find_write(plan, "cpu.idle");
	char text[8] = "0";
	size_t n = 0;

	if (!weight || (idle && strcmp(idle->value, "1") != 0))
		return 0;
	if (!idle)
		TRY(unless_absent(cgroup_file_read(cgroup, "cpu.idle", text, sizeof(text), e), e));
	if (!idle && text[0] == '0')
		return 0;

	struct cgroup_write *writes = arena_array(a, plan->write_count + 1, sizeof(*writes));
	if (!idle)
		writes[n++] = (struct cgroup_write){ "cpu.idle", "0", weight->origin, false };
	else
		weight_left_out();
	for (size_t i = 0; i < plan->write_count; i++) {
		if (!idle || strcmp(plan->writes[i].file, "cpu.weight") != 0)
			writes[n++] = plan->writes[i];
	}
	plan->writes = writes;
	plan->write_count = n;
	return 0;
}

/* Of a group without swap accounting none is used. */
static int read_swap(int cgroup, int64_t *ret, struct err *e)
{
	char text[64];

	*ret = 0;
	return unless_absent(read_value(cgroup, "memory.swap.current", text, sizeof(text), ret, e),
	                     e);
}

/* In runc's words, which its tests compare. */
static int check_below(const char *field, const char *what, int64_t limit, int64_t usage,
                       struct err *e)
{
	if (usage <= limit)
		return 0;
	return err_set(e, ERR_STATE,
	               "linux.resources.memory.%s: rejecting %s limit %" PRId64
	               ": lower than current %s usage %" PRId64,
	               field, what, limit, what, usage);
}

static bool is_bounded(const struct opt_i64 *limit)
{
	return limit->set && limit->value > 0;
}

bool cgroup_wants_check(const struct oci_resources *r)
{
	const struct oci_memory *m = r->memory;

	return m && m->check_before_update.value && (is_bounded(&m->limit) || is_bounded(&m->swap));
}

int cgroup_check_usage(const struct oci_resources *r, int64_t usage, int64_t swap, struct err *e)
{
	const struct oci_memory *m = r->memory;

	if (is_bounded(&m->swap))
		TRY(check_below("swap", "memory+swap", m->swap.value, usage + swap, e));
	if (!is_bounded(&m->limit))
		return 0;
	return check_below("limit", "memory", m->limit.value, usage, e);
}

int cgroup_check_memory(int cgroup, const struct oci_resources *r, struct err *e)
{
	char text[64];
	int64_t usage, swap = 0;

	if (!cgroup_wants_check(r))
		return 0;
	TRY(read_value(cgroup, "memory.current", text, sizeof(text), &usage, e));
	if (is_bounded(&r->memory->swap))
		TRY(read_swap(cgroup, &swap, e));
	return cgroup_check_usage(r, usage, swap, e);
}
