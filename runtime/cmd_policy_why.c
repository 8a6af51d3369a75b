/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy why: runs a bundle, or watches a container, and tells which of its system calls
 * were refused, how often, and by which wall. What `run --report` prints is the same.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/creation.h"
#include "runtime/policy_watch.h"
#include "runtime/why_log.h"

/* clang-format off */
static const struct option_spec why_options[] = {
	{ .name = "bundle", .letter = 'b', .kind = OPTION_TEXT, .value = "BUNDLE",
	  .complete = COMPLETE_DIR,
	  .help = "hold a log against the config.json of this bundle" },
	{ .name = "notify",
	  .help = "follow the processes by ptrace: slow, but needs no rights over the host" },
	{ .name = "for", .kind = OPTION_NUMBER, .value = "SECONDS",
	  .help = "watch a container for so long (default: until it ends or SIGINT)" },
	{ .name = "format", .kind = OPTION_TEXT, .value = "FORMAT", .words = "text json",
	  .help = "text (default) or json" },
	{ .name = NULL },
};
/* clang-format on */

static int explain(struct arena *a, const char *config_file, const struct trace_result *result,
                   struct why **ret, size_t *ret_count, struct err *e)
{
	const struct oci_config *config;
	BUF struct buf text = { 0 };

	TRY(bundle_config(a, AT_FDCWD, config_file, &text, &config, e));
	why_explain(a, config, result, ret, ret_count);
	return 0;
}

static const char filter_only[] = "only what the seccomp profile refuses was seen: the rest "
				  "takes CAP_BPF and CAP_PERFMON over the host, or ptrace\n";

int cmd_report_refusals(struct arena *a, const char *config_file, const struct trace_result *result,
                        struct err *e)
{
	BUF struct buf out = { 0 };
	struct why *v;
	size_t n;

	TRY(explain(a, config_file, result, &v, &n, e));
	why_text(v, n, &out);
	if (result->filter_only)
		buf_text(&out, filter_only);
	TRY(buf_ok(&out, e));
	return out.len > 0 ? fd_write_all(STDERR_FILENO, out.data, out.len, "stderr", e) : 0;
}

static void print_json(const struct why *v, size_t n, int status, struct buf *out)
{
	struct json_writer w = { .out = out, .indent = "  " };

	json_open(&w, '{');
	json_key(&w, "status");
	json_i64(&w, status);
	json_key(&w, "refused");
	json_open(&w, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&w, '{');
		json_put_string(&w, "syscall", v[i].call);
		if (v[i].who)
			json_put_string(&w, "program", v[i].who);
		if (v[i].path)
			json_put_string(&w, "path", v[i].path);
		json_put_string(&w, "answer", v[i].answer);
		json_put_u64(&w, "errno", v[i].errno_value);
		json_put_u64(&w, "count", v[i].count);
		json_put_string(&w, "layer", v[i].layer);
		json_put_bool(&w, "certain", v[i].certain);
		json_put_string(&w, "why", v[i].what);
		json_put_string(&w, "pointer", v[i].pointer);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	buf_text(out, "\n");
}

/* nothing: what is said in words when there is none */
static int print(const struct invocation *in, const struct why *v, size_t n, int status,
                 const char *nothing, struct err *e)
{
	const char *format = cli_text(in, "format");
	BUF struct buf out = { 0 };

	if (format && strcmp(format, "json") == 0)
		print_json(v, n, status, &out);
	else if (n > 0)
		why_text(v, n, &out);
	else
		buf_printf(&out, "%s\n", nothing);
	return cmd_print(&out, e);
}

static int watch_and_explain(const struct invocation *in, struct policy_watch *t, struct err *e)
{
	struct trace_result result;
	struct why *v;
	size_t n;
	int status = 0;

	TRY(policy_watch(in, t, &status, e));
	if (t->notify)
		result = t->noted;
	else
		TRY(trace_read(&t->trace, in->arena, &result, e));
	TRY(explain(in->arena, arena_printf(in->arena, "%s/config.json", t->bundle), &result, &v,
	            &n, e));
	if (result.filter_only)
		TRY(fd_write_all(STDERR_FILENO, filter_only, sizeof(filter_only) - 1, "stderr", e));
	return print(in, v, n, status, "nothing was refused", e);
}

/* --- logs ------------------------------------------------------------------------------------- */

/* What is neither a container nor a folder: a file, a pipe, "-". */
static bool is_log(const struct invocation *in)
{
	const char *name = in->args.v[0];
	struct stat st;

	if (policy_watch_container(in))
		return false;
	return strcmp(name, "-") == 0 || (stat(name, &st) == 0 && !S_ISDIR(st.st_mode));
}

static int read_log(const char *name, struct buf *ret, struct err *e)
{
	if (strcmp(name, "-") == 0)
		return fd_read_all(STDIN_FILENO, WHY_LOG_BYTES, "stdin", ret, e);

	FD int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "%s", name);
	return fd_read_all(fd, WHY_LOG_BYTES, name, ret, e);
}

/* A log without a record is mostly another file than was meant, or a kernel's that had
 * nothing to write down: that is no proof that nothing was refused. */
static const char *nothing_in(struct arena *a, const char *name, const struct why_log *found)
{
	const char *log = strcmp(name, "-") == 0 ? "stdin" : name;

	if (found->records > 0)
		return arena_printf(a, "%s: what it records was refused by no wall", log);
	return arena_printf(
		a,
		"%s: none of its lines (%llu) is a record of a refusal; errors of a seccomp "
		"profile are recorded with SECCOMP_FILTER_FLAG_LOG alone",
		log, (unsigned long long)found->lines);
}

static int explain_log(const struct invocation *in, struct err *e)
{
	const char *bundle = cli_path(in, "bundle");
	const struct oci_config *config = NULL;
	BUF struct buf log = { 0 };
	BUF struct buf text = { 0 };
	struct why_log found;

	if (cli_given(in, "for"))
		return err_set(e, ERR_USAGE, "--for: a log is not watched");
	if (bundle)
		TRY(bundle_config(in->arena, AT_FDCWD,
		                  arena_printf(in->arena, "%s/config.json", bundle), &text, &config,
		                  e));
	TRY(read_log(in->args.v[0], &log, e));
	why_log_read(in->arena, config, log.data ? log.data : "", log.len, &found);
	if (found.lost)
		log_warn("%llu records of the log are left out: there are too many different ones",
		         (unsigned long long)found.lost);
	return print(in, found.v, found.n, 0, nothing_in(in->arena, in->args.v[0], &found), e);
}

static int why_run(const struct invocation *in, struct err *e)
{
	if (is_log(in))
		return explain_log(in, e);
	if (cli_given(in, "bundle"))
		return err_set(e, ERR_USAGE, "--bundle: goes with a log alone");

	struct policy_watch t = { .options = { .refusals = true },
		                  .trace = TRACE_NONE,
		                  .notify = cli_flag(in, "notify") || !trace_allowed() };
	int result = watch_and_explain(in, &t, e);

	trace_close(&t.trace);
	return result;
}

const struct command command_policy_why = {
	.name = "policy why",
	.arguments = "BUNDLE|ID|LOG",
	.summary = "tell which system calls are refused, and by what",
	.description =
		"Runs a bundle as run does, or watches a container that runs (a name without a "
		"slash), and tells when it has ended which of its system calls came back with EPERM, "
		"EACCES, EROFS or ENOSYS, or never came into the kernel, how often, and which part of "
		"config.json is the reason.\n\n"
		"That it was the seccomp filter is known for certain. Of the rest the errno and what "
		"config.json does not give tell what it was most likely: a capability, Landlock, a "
		"read-only mount, the device rules, or the rights of the file. Programs try much that "
		"they can do without: not every line is a fault.\n\n"
		"It needs root's rights over the host, and slows every system call of every process "
		"down while it watches, as policy trace does. Without these rights, or with "
		"--notify, a bundle is run and its processes are followed by ptrace; where that is "
		"refused, too, it is run with a profile that asks about each call and is answered as "
		"its own would, and what that refuses is all that is seen.\n\n"
		"A file (or - for stdin) is read as a log of the kernel's: lines of dmesg, of the "
		"journal, or of auditd. Records of seccomp, SELinux, AppArmor, Landlock and failed "
		"system calls in it are counted and explained. They may be of any process of the "
		"host; --bundle says whose profile it was that refused.",
	.examples = "caisson policy why /srv/web\n"
		    "caisson policy why --for 10 web1\n"
		    "dmesg | caisson policy why --bundle /srv/web -\n",
	.options = why_options,
	.complete = { COMPLETE_DIR },
	.args_min = 1,
	.args_max = 1,
	.run = why_run,
};
