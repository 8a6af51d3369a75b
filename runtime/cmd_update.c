/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: the options are a way to write the JSON of linux.resources, so they become
 * that and are read as a file would be: with the same checks and the same messages.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/scope.h"
#include "runtime/cmd.h"

/* clang-format off */
static const struct option_spec update_options[] = {
	{ .name = "resources", .letter = 'r', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE,
	  .help = "read linux.resources from this file, - is standard input" },
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

static int update_run(const struct invocation *in, struct err *e)
{
	const struct oci_resources *resources;
	BUF struct buf text = { 0 };
	const char *id;

	TRY(cmd_id(in, &id, e));
	TRY(read_resources(in, &text, e));
	TRY(buf_ok(&text, e));
	if (cli_given(in, "kernel-memory") || cli_given(in, "kernel-memory-tcp"))
		log_warn("kernel memory settings are ignored: cgroup v2 has no such limit");
	TRY(oci_resources_parse(in->arena, text.data ? text.data : "", text.len, &resources, e));
	return container_update(&in->context, id, resources, e);
}

const struct command command_update = {
	.name = "update",
	.arguments = "ID",
	.summary = "change the limits of a container",
	.description =
		"Changes limits while the container runs. What is not mentioned stays as it is, and "
		"if one value is refused, none is changed. Device rules are never changed.\n"
		"\n"
		"With --resources the limits are read as JSON in the form of config.json's "
		"linux.resources, which knows more of them than there are options.",
	.examples = "caisson update --memory 512m --pids-limit 100 web\n"
		    "echo '{\"cpu\":{\"quota\":50000}}' | caisson update --resources - web\n",
	.options = update_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = update_run,
};
