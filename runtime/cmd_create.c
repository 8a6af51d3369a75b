/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create and run. They take the same options, but for what only matters to somebody
 * who waits for the process: create has those hidden, because callers send them.
 */
#include "base/log.h"
#include "base/path.h"
#include "runtime/cmd.h"
#include "runtime/policy_notify.h"
#include "runtime/policy_watch.h"

/* clang-format off */
#define BUNDLE_OPTIONS										\
	{ .name = "bundle", .letter = 'b', .kind = OPTION_TEXT, .value = "DIR",			\
	  .complete = COMPLETE_DIR, .help = "the bundle's folder (default: the current one)" },	\
	{ .name = "config", .letter = 'f', .kind = OPTION_TEXT, .value = "FILE",		\
	  .complete = COMPLETE_FILE, .help = "the bundle's config.json, by another name" },	\
	{ .name = "console-socket", .kind = OPTION_TEXT, .value = "SOCKET",			\
	  .complete = COMPLETE_FILE, .help = "send the terminal's master end to this socket" },	\
	{ .name = "pidfd-socket", .kind = OPTION_TEXT, .value = "SOCKET",			\
	  .complete = COMPLETE_FILE, .help = "send a pidfd of the process to this socket" },	\
	{ .name = "pid-file", .kind = OPTION_TEXT, .value = "FILE",				\
	  .complete = COMPLETE_FILE, .help = "write the process's pid to this file" },		\
	{ .name = "no-pivot",									\
	  .help = "move the root instead of pivoting, for a host whose root is a ramdisk" },	\
	{ .name = "no-new-keyring", .help = "keep the caller's session keyring" },		\
	{ .name = "preserve-fds", .kind = OPTION_NUMBER, .value = "N",				\
	  .help = "pass N more file descriptors, from 3 or those of $LISTEN_FDS on" },		\
	{ .name = "isolation", .kind = OPTION_TEXT, .value = "KIND",				\
	  .words = "container vm", .help = "hold it in a container or in a microVM" },		\
	{ .name = "kernel", .kind = OPTION_TEXT, .value = "FILE", .complete = COMPLETE_FILE,	\
	  .help = "the kernel of the microVM's guest" }

static const struct option_spec create_options[] = {
	BUNDLE_OPTIONS,
	{ .name = "detach", .letter = 'd', .help = "create never waits", .hidden = true },
	{ .name = "no-subreaper", .help = "create reaps nothing", .hidden = true },
	{ .name = NULL },
};

static const struct option_spec run_options[] = {
	BUNDLE_OPTIONS,
	{ .name = "detach", .letter = 'd', .help = "return as soon as the process runs" },
	{ .name = "keep", .help = "keep the container's state when the process has ended" },
	{ .name = "no-subreaper", .help = "leave the process's orphans to somebody else" },
	{ .name = "report",
	  .help = "tell at the end which system calls were refused, and by what" },
	{ .name = NULL },
};
/* clang-format on */

static enum admin_isolation read_isolation(const struct invocation *in)
{
	const char *word = cli_text(in, "isolation");

	if (word)
		return admin_isolation_of(word);
	return cli_as_vm(in->program) ? ADMIN_VM : ADMIN_UNSET;
}

static int read_request(const struct invocation *in, struct create_request *ret, struct err *e)
{
	const char *bundle = cli_path(in, "bundle");
	const char *config = cli_text(in, "config");

	*ret = (struct create_request){
		.bundle = bundle ? bundle : in->cwd,
		.config = config ? config : "config.json",
		.console_socket = cli_text(in, "console-socket"),
		.pidfd_socket = cli_text(in, "pidfd-socket"),
		.pid_file = cli_path(in, "pid-file"),
		.no_pivot = cli_flag(in, "no-pivot"),
		.no_new_keyring = cli_flag(in, "no-new-keyring"),
		.isolation = read_isolation(in),
		.kernel = cli_path(in, "kernel"),
		.preserve_fds = cli_number(in, "preserve-fds"),
		.detach = cli_flag(in, "detach"),
		.keep = cli_flag(in, "keep"),
		.no_subreaper = cli_flag(in, "no-subreaper"),
	};
	return cmd_id(in, &ret->id, e);
}

static int create_run(const struct invocation *in, struct err *e)
{
	struct create_request request;

	if (read_request(in, &request, e) < 0)
		return err_in(e, "%s create failed", in->program);
	request.detach = true;
	if (container_create(&in->context, &request, e) < 0)
		return err_in(e, "%s create failed", in->program);
	return 0;
}

/* Without the rights to watch it: each call is asked about. */
static int run_asked(const struct invocation *in, const struct create_request *request,
                     const struct trace_options *options, struct trace_result *ret, int *ret_status,
                     struct err *e)
{
	log_warn("--report without CAP_BPF and CAP_PERFMON over the host: each system call is "
	         "stopped and looked at, which takes some 100 times as long");
	return policy_notify_run(&in->context, request, options, in->arena, ret, ret_status, e);
}

static int run_watched(const struct invocation *in, struct create_request *request,
                       const struct trace_options *options, struct trace_result *ret,
                       int *ret_status, struct err *e)
{
	struct policy_watch t = { .options = *options, .trace = TRACE_NONE };
	const struct run_watch watch = { .begin = policy_watch_begin, .context = &t };

	request->watch = &watch;
	int result = container_run(&in->context, request, ret_status, e);
	request->watch = NULL;
	if (result == 0)
		result = trace_read(&t.trace, in->arena, ret, e);
	trace_close(&t.trace);
	return result;
}

static int run_with_report(const struct invocation *in, struct create_request *request,
                           int *ret_status, struct err *e)
{
	const struct trace_options options = { .refusals = true };
	const char *config = path_clean(in->arena, request->bundle, request->config);
	struct trace_result seen = { 0 };

	if (request->detach)
		return err_set(e, ERR_USAGE, "--report: nobody waits with --detach");
	TRY(trace_allowed() ? run_watched(in, request, &options, &seen, ret_status, e)
	                    : run_asked(in, request, &options, &seen, ret_status, e));
	return cmd_report_refusals(in->arena, config, &seen, e);
}

static int run_run(const struct invocation *in, struct err *e)
{
	struct create_request request;
	int status = 0;

	if (read_request(in, &request, e) < 0)
		return err_in(e, "%s run failed", in->program);
	if ((cli_flag(in, "report") ? run_with_report(in, &request, &status, e)
	                            : container_run(&in->context, &request, &status, e)) < 0)
		return err_in(e, "%s run failed", in->program);
	return status;
}

const struct command command_create = {
	.name = "create",
	.arguments = "ID",
	.summary = "make a container, ready to be started",
	.description =
		"Builds the container that the bundle's config.json describes and stops right "
		"before its process would run. \"start\" lets it run, \"delete\" removes it.\n"
		"\n"
		"ID names the container on this host until it is deleted. It consists of letters, "
		"digits and the characters _ + . and -.\n"
		"\n"
		"Whatever can be wrong with config.json is found before anything is made, and a "
		"create that fails leaves nothing behind.\n"
		"\n"
		"Sockets of $LISTEN_FDS are passed to the process, with that variable, and "
		"$LISTEN_PID is 1 for it: sd_listen_fds(3). With $NOTIFY_SOCKET the process gets "
		"such a socket of its own in /run/notify, and start, given the variable too, returns "
		"when the process has told that it is ready: sd_notify(3).\n"
		"\n"
		"With --systemd-cgroup linux.cgroupsPath is slice:prefix:name, and systemd makes the "
		"cgroup: that of the scope prefix-name.scope in the slice. That is the systemd of the "
		"host or, for a user, the user's own.\n"
		"\n"
		"--isolation=vm asks for a microVM with a kernel of its own instead of a Linux "
		"container; so does the name caisson-vm for this program, the object \"vm\" of "
		"config.json, or the administrator's configuration. What a microVM cannot give is "
		"refused, with the field that asks for it.\n"
		"\n"
		"Annotations of config.json are kept and told, and mean nothing, but for five. With "
		"run.oci.keep_original_groups of the value 1 the process keeps the caller's "
		"supplementary groups, which a user namespace of one's own may need. "
		"org.systemd.property.NAME sets a property of the scope, if it is one of those that "
		"say how it ends, what it is ordered with, or how its memory is protected. "
		"io.caisson.landlock has the JSON text of Landlock's rules. io.caisson.isolation "
		"and io.caisson.profile choose a microVM and one of its profiles, where the "
		"administrator's configuration lets annotations do so.",
	.examples = "caisson create --bundle /srv/web web\n"
		    "caisson start web\n",
	.options = create_options,
	.complete = { COMPLETE_NOTHING },
	.args_min = 1,
	.args_max = 1,
	.run = create_run,
};

const struct command command_run = {
	.name = "run",
	.arguments = "ID",
	.summary = "create a container, start it and wait for its end",
	.description =
		"Does what create, start and delete do one after the other. Until the process "
		"ends, signals are passed on to it; then its exit status is returned, or 128 plus "
		"the number of the signal that ended it.\n"
		"\n"
		"With --detach it returns when the process runs, and the container stays until it "
		"is deleted.\n"
		"\n"
		"With --report it is told at the end, on stderr, which system calls were refused, how "
		"often and by which part of config.json, as \"policy why\" does it.\n"
		"\n"
		"$LISTEN_FDS and $NOTIFY_SOCKET are treated as by create and start.",
	.examples = "caisson run --bundle /srv/web web\n"
		    "caisson run --detach --pid-file /run/web.pid --bundle /srv/web web\n",
	.options = run_options,
	.complete = { COMPLETE_NOTHING },
	.args_min = 1,
	.args_max = 1,
	.run = run_run,
};
