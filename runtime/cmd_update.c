/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: the options are a way to write the JSON of linux.resources, so they become
 * that and are read as a file would be: with the same checks and the same messages.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/plan_words.h"

/* clang-format off */
static const struct option_spec update_options[] = {
	{ .name = "resources", .letter = 'r', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE,
	  .help = "read linux.resources from this file, - is standard input" },
	{ .name = "device-rules",
	  .help = "let the devices of --resources take the place of the device rules" },
	{ .name = "memory", .kind = OPTION_TEXT, .value = "BYTES",
	  .help = "memory limit, with k, m or g; -1 is none" },
	{ .name = "memory-reservation", .kind = OPTION_TEXT, .value = "BYTES",
	  .help = "memory that is taken last when it gets scarce" },
	{ .name = "memory-swap", .kind = OPTION_TEXT, .value = "BYTES",
	  .help = "limit of memory and swap together; -1 is none" },
	{ .name = "cpu-share", .kind = OPTION_TEXT, .value = "SHARES",
	  .help = "share of the CPU when it is scarce, 2 to 262144" },
	{ .name = "cpu-quota", .kind = OPTION_TEXT, .value = "USECS",
	  .help = "CPU time within a period, in microseconds; -1 is no limit" },
	{ .name = "cpu-period", .kind = OPTION_TEXT, .value = "USECS",
	  .help = "the period of --cpu-quota, in microseconds" },
	{ .name = "cpu-burst", .kind = OPTION_TEXT, .value = "USECS",
	  .help = "unused CPU time that may be saved up, in microseconds" },
	{ .name = "cpu-idle", .kind = OPTION_TEXT, .value = "0|1",
	  .help = "1: run only when nobody else wants the CPU" },
	{ .name = "cpu-rt-period", .kind = OPTION_TEXT, .value = "USECS",
	  .help = "refused: cgroup v2 has no realtime limits", .hidden = true },
	{ .name = "cpu-rt-runtime", .kind = OPTION_TEXT, .value = "USECS",
	  .help = "refused: cgroup v2 has no realtime limits", .hidden = true },
	{ .name = "cpuset-cpus", .kind = OPTION_TEXT, .value = "LIST",
	  .help = "CPUs to run on, such as 0-2,7" },
	{ .name = "cpuset-mems", .kind = OPTION_TEXT, .value = "LIST",
	  .help = "memory nodes to use, such as 0,1" },
	{ .name = "pids-limit", .kind = OPTION_TEXT, .value = "N",
	  .help = "number of processes and threads; -1 is no limit" },
	{ .name = "blkio-weight", .kind = OPTION_TEXT, .value = "WEIGHT",
	  .help = "share of the block devices when they are busy, 10 to 1000" },
	{ .name = "l3-cache-schema", .kind = OPTION_TEXT, .value = "LINE",
	  .help = "share of the L3 cache (Intel RDT), such as L3:0=f;1=3" },
	{ .name = "mem-bw-schema", .kind = OPTION_TEXT, .value = "LINE",
	  .help = "share of the memory bandwidth (Intel RDT), such as MB:0=20;1=70" },
	{ .name = "rlimit", .kind = OPTION_LIST, .value = "TYPE=SOFT[:HARD]",
	  .help = "resource limit of the first process, such as nofile=1024:4096" },
	{ .name = "oom-score-adj", .kind = OPTION_TEXT, .value = "SCORE",
	  .help = "how soon the first process dies when memory runs out, -1000 to 1000" },
	{ .name = "kernel-memory", .kind = OPTION_TEXT, .value = "BYTES",
	  .help = "ignored: cgroup v2 has no limit for kernel memory", .hidden = true },
	{ .name = "kernel-memory-tcp", .kind = OPTION_TEXT, .value = "BYTES",
	  .help = "ignored: cgroup v2 has no limit for TCP buffers", .hidden = true },
	{ .name = NULL },
};
/* clang-format on */

/* Which member of linux.resources an option is; those of one object stand together. */
static const struct field {
	const char *option, *object, *key;
	enum { BYTES, NUMBER, WORDS } kind;
} fields[] = {
	{ "memory", "memory", "limit", BYTES },
	{ "memory-reservation", "memory", "reservation", BYTES },
	{ "memory-swap", "memory", "swap", BYTES },
	{ "cpu-share", "cpu", "shares", NUMBER },
	{ "cpu-quota", "cpu", "quota", NUMBER },
	{ "cpu-period", "cpu", "period", NUMBER },
	{ "cpu-burst", "cpu", "burst", NUMBER },
	{ "cpu-idle", "cpu", "idle", NUMBER },
	{ "cpu-rt-period", "cpu", "realtimePeriod", NUMBER },
	{ "cpu-rt-runtime", "cpu", "realtimeRuntime", NUMBER },
	{ "cpuset-cpus", "cpu", "cpus", WORDS },
	{ "cpuset-mems", "cpu", "mems", WORDS },
	{ "pids-limit", "pids", "limit", NUMBER },
	{ "blkio-weight", "blockIO", "weight", NUMBER },
};

static int write_value(struct json_writer *w, const struct field *f, const char *text,
                       struct err *e)
{
	uint64_t bytes;
	int64_t number;

	if (f->kind == WORDS) {
		json_string(w, text);
		return 0;
	}
	if (f->kind == BYTES && num_bytes(text, INT64_MAX, &bytes) == 0) {
		json_u64(w, bytes);
		return 0;
	}
	if (num_i64(text, -1, INT64_MAX, &number) == 0) {
		json_i64(w, number);
		return 0;
	}
	return err_set(e, ERR_USAGE, "--%s: \"%s\" is not a number%s", f->option, text,
	               f->kind == BYTES ? " of bytes, such as 512m" : "");
}

static int write_fields(const struct invocation *in, struct buf *ret, struct err *e)
{
	struct json_writer w = { .out = ret, .indent = "" };
	const char *object = NULL;

	json_open(&w, '{');
	for (size_t i = 0; i < LEN(fields); i++) {
		const char *text = cli_text(in, fields[i].option);

		if (!text)
			continue;
		if (object && strcmp(object, fields[i].object) != 0) {
			json_close(&w, '}');
			object = NULL;
		}
		if (!object) {
			object = fields[i].object;
			json_key(&w, object);
			json_open(&w, '{');
		}
		json_key(&w, fields[i].key);
		TRY(write_value(&w, &fields[i], text, e));
	}
	if (object)
		json_close(&w, '}');
	json_close(&w, '}');
	return 0;
}

static bool any_field(const struct invocation *in)
{
	for (size_t i = 0; i < LEN(fields); i++) {
		if (cli_given(in, fields[i].option))
			return true;
	}
	return false;
}

static int read_resources(const struct invocation *in, struct buf *ret, struct err *e)
{
	const char *file = cli_text(in, "resources");

	if (!file)
		return write_fields(in, ret, e);
	if (any_field(in))
		return err_set(e, ERR_USAGE,
		               "--resources: the file says it all, leave the other options out");
	if (strcmp(file, "-") == 0)
		return fd_read_all(STDIN_FILENO, OCI_CONFIG_MAX_BYTES, "standard input", ret, e);
	return fd_read_file(AT_FDCWD, cli_path(in, "resources"), OCI_CONFIG_MAX_BYTES, ret, e);
}

/* --- of the first process ------------------------------------------------------------------ */

/* "nofile" or "RLIMIT_NOFILE", of `length` bytes. */
static bool is_limit(const char *name, const char *text, size_t length)
{
	size_t prefix = strlen("RLIMIT_");

	return (strlen(name) == length && strncasecmp(name, text, length) == 0) ||
	       (strlen(name) == prefix + length && strncasecmp(name + prefix, text, length) == 0);
}

static int parse_amount(struct arena *a, const char *text, size_t length, uint64_t *ret)
{
	const char *amount = arena_string(a, text, length);

	if (strcmp(amount, "unlimited") == 0 || strcmp(amount, "-1") == 0) {
		*ret = UINT64_MAX; /* RLIM_INFINITY */
		return 0;
	}
	return num_u64(amount, UINT64_MAX, ret);
}

static int parse_limit(struct arena *a, const char *text, struct process_limit *ret, struct err *e)
{
	size_t name = strcspn(text, "=");
	const char *soft = text + name + 1;

	ret->name = NULL;
	for (uint32_t i = 0; !ret->name && plan_limit_name(i); i++) {
		if (is_limit(plan_limit_name(i), text, name))
			*ret = (struct process_limit){ .resource = (int)i,
				                       .name = plan_limit_name(i) };
	}
	if (!ret->name)
		return err_set(e, ERR_USAGE, "--rlimit %s: there is no limit of this name", text);
	if (text[name] != '=')
		return err_set(e, ERR_USAGE, "--rlimit %s: it has no value (nofile=1024:4096)",
		               text);

	size_t end = strcspn(soft, ":");
	const char *hard = soft[end] ? soft + end + 1 : soft;
	if (parse_amount(a, soft, end, &ret->soft) < 0 ||
	    parse_amount(a, hard, strlen(hard), &ret->hard) < 0)
		return err_set(e, ERR_USAGE, "--rlimit %s: not a number", text);
	if (ret->soft > ret->hard)
		return err_set(e, ERR_USAGE, "--rlimit %s: soft must not be above hard", text);
	return 0;
}

static int read_limits(const struct invocation *in, struct process_change *p, struct err *e)
{
	const struct oci_strings given = cli_list(in, "rlimit");

	for (size_t i = 0; i < given.n; i++) {
		struct process_limit limit;

		TRY(parse_limit(in->arena, given.v[i], &limit, e));
		for (size_t j = 0; j < p->limit_count; j++) {
			if (p->limits[j].resource == limit.resource)
				return err_set(e, ERR_USAGE, "--rlimit %s: it is given twice",
				               limit.name);
		}
		p->limits[p->limit_count++] = limit;
	}
	return 0;
}

static int read_score(const struct invocation *in, struct process_change *p, struct err *e)
{
	const char *text = cli_text(in, "oom-score-adj");
	int64_t score = 0;

	if (text && num_i64(text, -1000, 1000, &score) < 0)
		return err_set(e, ERR_USAGE, "--oom-score-adj: %s: not a number from -1000 to 1000",
		               text);
	p->score_set = text != NULL;
	p->score = (int)score;
	return 0;
}

static int update_run(const struct invocation *in, struct err *e)
{
	struct update_request r = { .resources = NULL };
	const struct oci_intel_rdt rdt = { .l3_cache_schema = cli_text(in, "l3-cache-schema"),
		                           .mem_bw_schema = cli_text(in, "mem-bw-schema") };
	BUF struct buf text = { 0 };

	TRY(cmd_id(in, &r.id, e));
	TRY(read_limits(in, &r.process, e));
	TRY(read_score(in, &r.process, e));
	if (rdt.l3_cache_schema || rdt.mem_bw_schema)
		r.rdt = &rdt;
	TRY(read_resources(in, &text, e));
	TRY(buf_ok(&text, e));
	if (cli_given(in, "kernel-memory") || cli_given(in, "kernel-memory-tcp"))
		log_warn("kernel memory settings are ignored: cgroup v2 has no such limit");
	if (cli_text(in, "resources") || any_field(in) ||
	    !(r.process.limit_count > 0 || r.process.score_set || r.rdt))
		TRY(oci_resources_parse(in->arena, text.data ? text.data : "", text.len,
		                        &r.resources, e));
	r.device_rules = cli_flag(in, "device-rules");
	if (r.device_rules && (!r.resources || r.resources->device_count == 0))
		return err_set(e, ERR_USAGE,
		               "--device-rules: there are none, --resources must have devices");
	return container_update(&in->context, &r, e);
}

const struct command command_update = {
	.name = "update",
	.arguments = "ID",
	.summary = "change the limits of a container",
	.description =
		"Changes limits while the container runs. What is not mentioned stays as it is, and "
		"if one value is refused, none is changed.\n"
		"\n"
		"With --resources the limits are read as JSON in the form of config.json's "
		"linux.resources, which knows more of them than there are options. Its devices "
		"change nothing, since engines send along what they know of them, unless "
		"--device-rules says that they are meant: then they are the container's rules from "
		"now on, and the kernel puts the new in the place of the old in one step.\n"
		"\n"
		"--l3-cache-schema and --mem-bw-schema are for a container that linux.intelRdt has "
		"made a class of its own for; they may stand beside --resources.\n"
		"\n"
		"--rlimit and --oom-score-adj change the container's first process alone, with the "
		"rest or with nothing: they may stand beside --resources. Its children have copies "
		"of their own, made when they were started, and processes of exec begin with what "
		"config.json says. TYPE is a name of getrlimit(2), with or without RLIMIT_.",
	.examples = "caisson update --memory 512m --pids-limit 100 web\n"
		    "caisson update --rlimit nofile=4096 --oom-score-adj 500 web\n"
		    "echo '{\"cpu\":{\"quota\":50000}}' | caisson update --resources - web\n",
	.options = update_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = update_run,
};
