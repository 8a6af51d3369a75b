/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config with the asking profile is the bundle's text with one member put in, in a
 * folder of our own, where the agent's socket is, too. Where the bundle has a profile of
 * its own, the agent runs its filter and answers as that does, but kills nobody. Parent
 * and agent share a piece of memory. sendmsg and write are not asked about, since init
 * makes them while nobody can answer yet: the profile that comes of it allows write, and
 * sendmsg where one of the other calls that send was seen.
 */
#include "runtime/policy_notify.h"

#include <asm/unistd_64.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/sys.h"
#include "base/unix.h"
#include "oci-spec/json.h"
#include "runtime/creation.h"
#include "runtime/policy_follow.h"
#include "runtime/why.h"
#include "seccomp/seccomp.h"
#include "seccomp/verdict.h"

enum {
	NOTIF_ROOM = 512, /* bytes; what a kernel of tomorrow may write */
	REFUSALS_MAX = 1024,
};

static const char socket_name[] = "agent.sock", config_name[] = "config.json";

/* Written by the agent, read when it has ended. */
struct noted {
	bool armed, lost, followed;
	uint64_t calls[TRACE_CALLS], compat[TRACE_CALLS];
	size_t value_count;
	struct trace_value values[TRACE_VALUES_MAX];
	size_t refusal_count;
	struct trace_refusal refusals[REFUSALS_MAX];
	char paths[REFUSALS_MAX][TRACE_PATH_ROOM]; /* of refusals, by their place */
};

/* What the agent goes by. */
struct asked {
	const struct trace_options *options;
	bool follow;                   /* is asked about execve alone, and follows who calls it */
	struct seccomp_program filter; /* of the bundle's profile; empty: it has none */
	struct noted *noted;
};

/* --- the agent -------------------------------------------------------------------------------- */

static void note_value(struct noted *n, const struct seccomp_data *data, uint32_t nr)
{
	bool wide = true;
	int index = trace_argument(nr, &wide);

	if (index < 0)
		return;
	const struct trace_value v = { .number = nr,
		                       .index = (uint32_t)index,
		                       .value = wide ? data->args[index]
		                                     : (uint32_t)data->args[index] };
	for (size_t i = 0; i < n->value_count; i++) {
		if (n->values[i].number == nr && n->values[i].value == v.value)
			return;
	}
	if (n->value_count < TRACE_VALUES_MAX)
		n->values[n->value_count++] = v;
	else
		n->lost = true;
}

static void note(struct noted *n, const struct seccomp_data *data, bool arguments)
{
	uint32_t nr = (uint32_t)data->nr;

	if (data->arch == AUDIT_ARCH_I386 && nr < TRACE_CALLS)
		n->compat[nr]++;
	if (data->arch != AUDIT_ARCH_X86_64)
		return;
	n->armed |= nr == __NR_execve || nr == __NR_execveat;
	if (!n->armed || nr >= TRACE_CALLS)
		return;
	n->calls[nr]++;
	if (arguments)
		note_value(n, data, nr);
}

static bool same_path(const struct trace_refusal *r, const char *path)
{
	return path ? r->path && strcmp(r->path, path) == 0 : !r->path;
}

/* The first paths of each refusal have places of their own, all others share one. */
static void note_refusal(struct noted *n, const struct trace_refusal *new)
{
	const char *path = new->path;
	int paths = 0;

	for (size_t i = 0; i < n->refusal_count; i++) {
		struct trace_refusal *r = &n->refusals[i];

		if (r->number != new->number || r->errno_value != new->errno_value ||
		    r->filtered != new->filtered)
			continue;
		if (same_path(r, path)) {
			r->count++;
			return;
		}
		paths += r->path != NULL;
		if (path && paths == TRACE_PATHS_SHOWN) { /* once more, without it */
			path = NULL;
			i = SIZE_MAX;
		}
	}
	if (n->refusal_count == REFUSALS_MAX)
		return;
	struct trace_refusal *r = &n->refusals[n->refusal_count];
	*r = *new;
	r->path = NULL;
	r->count = 1;
	if (path) {
		char *kept = n->paths[n->refusal_count];

		(void)snprintf(kept, TRACE_PATH_ROOM, "%s", path);
		r->path = kept;
	}
	n->refusal_count++;
}

/* What the bundle's own filter says, which counts from the first execve on: what comes
 * before are calls that init makes only because of the asking. A call that would have
 * ended the process fails with ENOSYS, so that more is seen than the first one. */
static bool refuses(const struct asked *x, const struct seccomp_data *data, int *ret_errno)
{
	uint32_t answer = SECCOMP_RET_ALLOW;
	struct trace_refusal refusal = { .number = (uint32_t)data->nr, .filtered = true };

	if (x->filter.length > 0 && x->noted->armed &&
	    !seccomp_run(x->filter.filter, x->filter.length, data, &answer))
		answer = SECCOMP_RET_KILL_PROCESS;
	*ret_errno = ENOSYS;
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return false;
	case SECCOMP_RET_ERRNO:
		refusal.errno_value = answer & SECCOMP_RET_DATA;
		*ret_errno = (int)refusal.errno_value;
		break;
	case SECCOMP_RET_TRACE:
		refusal.errno_value = ENOSYS; /* there is no tracer */
		break;
	default:
		break;
	}
	if (data->arch == AUDIT_ARCH_X86_64)
		note_refusal(x->noted, &refusal);
	return true;
}

static bool executes(const struct seccomp_data *data)
{
	return data->arch == AUDIT_ARCH_X86_64 &&
	       (data->nr == __NR_execve || data->nr == __NR_execveat);
}

/* For the follower: what executes is asked about. */
static bool refuses_followed(void *context, const struct seccomp_data *call, int *ret_errno)
{
	return !executes(call) && refuses(context, call, ret_errno);
}

static void note_failed(void *context, const struct seccomp_data *call, uint32_t errno_value,
                        const char *path)
{
	const struct asked *x = context;
	const struct trace_refusal refusal = { .number = (uint32_t)call->nr,
		                               .errno_value = errno_value,
		                               .path = path };

	if (why_is_refusal(errno_value))
		note_refusal(x->noted, &refusal);
}

static void answer_one(int listener, const struct asked *x)
{
	union {
		struct seccomp_notif it;
		char room[NOTIF_ROOM];
	} question = { 0 };
	union {
		struct seccomp_notif_resp it;
		char room[NOTIF_ROOM];
	} reply = { 0 };
	const struct seccomp_data *data = &question.it.data;
	int errno_value;

	if (sys_ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0)
		return; /* it was killed meanwhile */
	note(x->noted, data, x->options->arguments);
	if (x->follow && executes(data) &&
	    sys_ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &question.it.id) == 0)
		x->noted->followed |= follow_begin((pid_t)question.it.pid);
	reply.it.id = question.it.id;
	if (refuses(x, data, &errno_value))
		reply.it.error = -errno_value;
	else
		reply.it.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)sys_ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

/* A signalfd of the stops of who is followed, whatever our caller has made of SIGCHLD. */
static int stops(void)
{
	sigset_t mask;

	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Until no process with the filter is left. */
static void answer(int listener, struct asked *x)
{
	FD int signals = stops();
	struct pollfd wait[] = { { .fd = listener, .events = POLLIN },
		                 { .fd = signals, .events = POLLIN } };
	const struct follower follower = { refuses_followed, note_failed, x };
	struct signalfd_siginfo info;

	while (poll(wait, LEN(wait), -1) >= 0 && (!wait[0].revents || wait[0].revents & POLLIN)) {
		if (wait[1].revents && read(signals, &info, sizeof(info)) > 0)
			follow_serve(&follower);
		if (wait[0].revents)
			answer_one(listener, x);
	}
}

static _Noreturn void be_agent(int sock, struct asked *x)
{
	FD int client = -1;
	char state[4096];
	int listener = -1;
	size_t fds = 1;
	struct err e = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* cppcheck-suppress nullPointer ; accept4(2) takes NULL */
	client = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
	if (client < 0 || fd_receive(client, state, sizeof(state), &listener, &fds, &e) < 0 ||
	    listener < 0)
		_exit(1);
	answer(listener, x);
	_exit(0);
}

/* --- the config ------------------------------------------------------------------------------- */

/* All that x86-64 has, and what i386 alone has. */
static void write_names(struct arena *a, struct json_writer *w)
{
	char name[SECCOMP_NAME_MAX];
	struct verdict *v, ignored;
	size_t n;

	verdict_all(a, NULL, &v, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].name, "write") != 0 && strcmp(v[i].name, "sendmsg") != 0)
			json_string(w, v[i].name);
	}
	for (uint32_t nr = 0; nr < TRACE_CALLS; nr++) {
		seccomp_call_name(AUDIT_ARCH_I386, (int)nr, name);
		if (name[0] > '9' && !verdict_of(NULL, name, &ignored))
			json_string(w, name);
	}
}

static void write_profile(struct arena *a, const char *sock, bool only_execve, struct buf *ret)
{
	struct json_writer w = { .out = ret, .indent = "" };

	json_open(&w, '{');
	json_put_string(&w, "defaultAction", "SCMP_ACT_ALLOW");
	json_key(&w, "architectures"); /* or the filter ends programs of the others */
	json_open(&w, '[');
	json_string(&w, "SCMP_ARCH_X86");
	json_string(&w, "SCMP_ARCH_X32");
	json_close(&w, ']');
	json_put_string(&w, "listenerPath", sock);
	json_key(&w, "flags"); /* a signal shall not end a call that nothing else can interrupt */
	json_open(&w, '[');
	json_string(&w, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
	json_string(&w, "SECCOMP_FILTER_FLAG_SPEC_ALLOW");
	json_close(&w, ']');
	json_key(&w, "syscalls");
	json_open(&w, '[');
	json_open(&w, '{');
	json_put_string(&w, "action", "SCMP_ACT_NOTIFY");
	json_key(&w, "names");
	json_open(&w, '[');
	if (only_execve) {
		json_string(&w, "execve");
		json_string(&w, "execveat");
	} else {
		write_names(a, &w);
	}
	json_close(&w, ']');
	json_close(&w, '}');
	json_close(&w, ']');
	json_close(&w, '}');
}

/* The bundle's own profile is renamed, so that it is an unknown member, and compiled. */
static int take_profile(struct arena *a, struct buf *text, const struct json *member,
                        struct seccomp_program *ret, struct err *e)
{
	static const char name[] = "\"seccomp\"";
	const struct oci_config *config;

	TRY(oci_config_parse(a, text->data, text->len, &config, e));
	const struct oci_seccomp *profile = config->linux_->seccomp;
	char *at = text->data + member->end - (sizeof(name) - 1);

	if (profile && seccomp_notifies(profile))
		return err_set(e, ERR_REFUSED,
		               "linux.seccomp: it asks an agent itself, which takes CAP_BPF and "
		               "CAP_PERFMON over the host to trace");
	if (member->end < sizeof(name) || memcmp(at, name, sizeof(name) - 1) != 0)
		return err_set(e, ERR_SPEC, "linux.seccomp: its name is written in another way");
	at[1] = 'S';
	return profile ? seccomp_compile(a, profile, -1, ret, e) : 0;
}

/* Puts "seccomp": {…} in front of what linux has. */
static int rewrite(struct arena *a, struct buf *text, const char *sock, struct asked *asked,
                   struct buf *ret, struct err *e)
{
	const struct json *j, *linux_, *profile;

	TRY(json_parse(a, text->data ? text->data : "", text->len, &j, e));
	linux_ = json_member(j, "linux");
	if (!linux_ || linux_->kind != JSON_OBJECT)
		return err_set(e, ERR_SPEC, "linux: is required");
	profile = json_member(linux_, "seccomp");
	if (profile)
		TRY(take_profile(a, text, profile, &asked->filter, e));
	const char *inside = strchr(text->data + linux_->end, '{') + 1;
	buf_add(ret, text->data, (size_t)(inside - text->data));
	buf_text(ret, "\"seccomp\":");
	write_profile(a, sock, asked->follow, ret);
	buf_text(ret, linux_->count > 0 ? "," : "");
	buf_text(ret, inside);
	return buf_ok(ret, e);
}

static int write_config(struct arena *a, const struct create_request *request, int dir,
                        const char *sock, struct asked *asked, struct err *e)
{
	const char *path = path_clean(a, request->bundle, request->config);
	BUF struct buf text = { 0 };
	BUF struct buf changed = { 0 };

	TRY(bundle_text(AT_FDCWD, path, &text, e));
	if (rewrite(a, &text, sock, asked, &changed, e) < 0)
		return err_in(e, "%s", path);
	return fd_replace_file(dir, config_name, 0600, changed.data, changed.len, e);
}

/* --- the run ------------------------------------------------------------------------------------
 */

static void fill_result(struct arena *a, const struct noted *n, struct trace_result *ret)
{
	struct trace_value *v = arena_array(a, n->value_count + 1, sizeof(*v));
	struct trace_refusal *refusals = arena_array(a, n->refusal_count + 1, sizeof(*refusals));

	memcpy(v, n->values, n->value_count * sizeof(*v));
	memcpy(refusals, n->refusals, n->refusal_count * sizeof(*refusals));
	for (size_t i = 0; i < n->refusal_count; i++) {
		const char *path = refusals[i].path;

		refusals[i].path = path ? arena_string(a, path, strlen(path)) : NULL;
	}
	trace_sort_values(v, n->value_count);
	trace_sort_refusals(refusals, n->refusal_count);
	*ret = (struct trace_result){ .values = v,
		                      .value_count = n->value_count,
		                      .values_lost = n->lost,
		                      .refusals = refusals,
		                      .refusal_count = n->refusal_count,
		                      .filter_only = !n->followed };
	memcpy(ret->calls, n->calls, sizeof(ret->calls));
	memcpy(ret->compat, n->compat, sizeof(ret->compat));
	ret->calls[__NR_write] = 1;
	ret->calls[__NR_sendmsg] = n->calls[__NR_socket] > 0 || n->calls[__NR_socketpair] > 0;
}

/* With the folder's content, which is taken away by the caller. */
static int run_in(const struct container_context *context, const struct create_request *request,
                  struct asked *asked, struct arena *a, const char *folder, int dir,
                  int *ret_status, struct err *e)
{
	struct create_request with_agent = *request;

	TRY(write_config(a, request, dir, arena_printf(a, "%s/%s", folder, socket_name), asked, e));
	FD int sock = unix_listen(dir, socket_name, SOCK_STREAM, e);
	TRY(sock);
	pid_t agent = fork();
	if (agent < 0)
		return err_sys(e, "fork");
	if (agent == 0)
		be_agent(sock, asked);
	with_agent.config = arena_printf(a, "%s/%s", folder, config_name);
	with_agent.no_subreaper = true; /* or we would wait for what the agent waits for */
	int result = container_run(context, &with_agent, ret_status, e);
	(void)shutdown(sock, SHUT_RDWR); /* if nobody has called, nobody will */
	(void)waitpid(agent, NULL, 0);
	return result;
}

int policy_notify_run(const struct container_context *context, const struct create_request *request,
                      const struct trace_options *options, struct arena *a,
                      struct trace_result *ret, int *ret_status, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *folder =
		arena_printf(a, "%s/caisson-trace.XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	struct noted *noted = mmap(NULL, sizeof(*noted), PROT_READ | PROT_WRITE,
	                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (noted == MAP_FAILED)
		return err_sys(e, "mmap");
	if (!mkdtemp(folder)) {
		(void)munmap(noted, sizeof(*noted));
		return err_sys(e, "mkdtemp %s", folder);
	}
	FD int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct asked asked = { .options = options,
		               .follow = options->refusals && follow_possible(),
		               .noted = noted };
	int result = run_in(context, request, &asked, a, folder, dir, ret_status, e);
	if (result == 0 && asked.follow && !noted->followed)
		result = err_set(e, ERR_REFUSED, "ptrace of the container's processes is refused");
	if (result == 0)
		fill_result(a, noted, ret);
	(void)unlinkat(dir, socket_name, 0);
	(void)unlinkat(dir, config_name, 0);
	(void)rmdir(folder);
	(void)munmap(noted, sizeof(*noted));
	return result;
}
