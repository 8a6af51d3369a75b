/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config with the asking profile is the bundle's text with one member put in, in a
 * folder of our own, where the agent's socket is, too. Parent and agent share a piece of
 * memory. sendmsg and write are not asked about, since init makes them while nobody can
 * answer yet: the profile that comes of it allows write, and sendmsg where one of the
 * other calls that send was seen.
 */
#include "runtime/policy_notify.h"

#include <asm/unistd_64.h>
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"
#include "base/unix.h"
#include "oci-spec/json.h"
#include "seccomp/verdict.h"

enum { NOTIF_ROOM = 512 }; /* bytes; what a kernel of tomorrow may write */

static const char socket_name[] = "agent.sock", config_name[] = "config.json";

/* Written by the agent, read when it has ended. */
struct noted {
	bool armed, lost;
	uint64_t calls[TRACE_CALLS], compat;
	size_t value_count;
	struct trace_value values[TRACE_VALUES_MAX];
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

	if (data->arch != AUDIT_ARCH_X86_64) {
		n->compat++;
		return;
	}
	n->armed |= nr == __NR_execve || nr == __NR_execveat;
	if (!n->armed || nr >= TRACE_CALLS)
		return;
	n->calls[nr]++;
	if (arguments)
		note_value(n, data, nr);
}

/* Until no process with the filter is left. */
static void answer(int listener, struct noted *n, bool arguments)
{
	struct pollfd wait = { .fd = listener, .events = POLLIN };

	while (poll(&wait, 1, -1) >= 0 && (wait.revents & POLLIN)) {
		union {
			struct seccomp_notif it;
			char room[NOTIF_ROOM];
		} question = { 0 };
		union {
			struct seccomp_notif_resp it;
			char room[NOTIF_ROOM];
		} reply = { 0 };

		if (sys_ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0)
			continue; /* it was killed meanwhile */
		note(n, &question.it.data, arguments);
		reply.it.id = question.it.id;
		reply.it.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		(void)sys_ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

static _Noreturn void be_agent(int sock, struct noted *n, bool arguments)
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
	answer(listener, n, arguments);
	_exit(0);
}

/* --- the config ------------------------------------------------------------------------------- */

static void write_profile(struct arena *a, const char *sock, struct buf *ret)
{
	struct json_writer w = { .out = ret, .indent = "" };
	struct verdict *v;
	size_t n;

	verdict_all(a, NULL, &v, &n);
	json_open(&w, '{');
	json_put_string(&w, "defaultAction", "SCMP_ACT_ALLOW");
	json_put_string(&w, "listenerPath", sock);
	json_key(&w, "syscalls");
	json_open(&w, '[');
	json_open(&w, '{');
	json_put_string(&w, "action", "SCMP_ACT_NOTIFY");
	json_key(&w, "names");
	json_open(&w, '[');
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].name, "write") != 0 && strcmp(v[i].name, "sendmsg") != 0)
			json_string(&w, v[i].name);
	}
	json_close(&w, ']');
	json_close(&w, '}');
	json_close(&w, ']');
	json_close(&w, '}');
}

/* Puts "seccomp": {…} in front of what linux has. */
static int rewrite(struct arena *a, const struct buf *text, const char *sock, struct buf *ret,
                   struct err *e)
{
	const struct json *j, *linux_;

	TRY(json_parse(a, text->data ? text->data : "", text->len, &j, e));
	linux_ = json_member(j, "linux");
	if (!linux_ || linux_->kind != JSON_OBJECT)
		return err_set(e, ERR_SPEC, "linux: is required");
	if (json_member(linux_, "seccomp")) {
		err_set(e, ERR_REFUSED,
		        "linux.seccomp: the profile that asks about each call would take its place");
		return err_hint(e, "leave it out for the trace, or trace as root of the host");
	}
	const char *inside = strchr(text->data + linux_->end, '{') + 1;
	buf_add(ret, text->data, (size_t)(inside - text->data));
	buf_text(ret, "\"seccomp\":");
	write_profile(a, sock, ret);
	buf_text(ret, linux_->count > 0 ? "," : "");
	buf_text(ret, inside);
	return buf_ok(ret, e);
}

static int write_config(struct arena *a, const char *bundle, int dir, const char *sock,
                        struct err *e)
{
	const char *path = arena_printf(a, "%s/%s", bundle, config_name);
	BUF struct buf text = { 0 };
	BUF struct buf changed = { 0 };

	TRY(fd_read_file(AT_FDCWD, path, OCI_CONFIG_MAX_BYTES, &text, e));
	if (rewrite(a, &text, sock, &changed, e) < 0)
		return err_in(e, "%s", path);
	return fd_replace_file(dir, config_name, 0600, changed.data, changed.len, e);
}

/* --- the run ------------------------------------------------------------------------------------
 */

static void fill_result(struct arena *a, const struct noted *n, struct trace_result *ret)
{
	struct trace_value *v = arena_array(a, n->value_count + 1, sizeof(*v));

	memcpy(v, n->values, n->value_count * sizeof(*v));
	trace_sort_values(v, n->value_count);
	*ret = (struct trace_result){ .compat = n->compat,
		                      .values = v,
		                      .value_count = n->value_count,
		                      .values_lost = n->lost };
	memcpy(ret->calls, n->calls, sizeof(ret->calls));
	ret->calls[__NR_write] = 1;
	ret->calls[__NR_sendmsg] = n->calls[__NR_socket] > 0 || n->calls[__NR_socketpair] > 0;
}

/* With the folder's content, which is taken away by the caller. */
static int run_in(const struct container_context *context, const struct create_request *request,
                  bool arguments, struct arena *a, const char *folder, int dir, struct noted *noted,
                  int *ret_status, struct err *e)
{
	struct create_request with_agent = *request;

	TRY(write_config(a, request->bundle, dir, arena_printf(a, "%s/%s", folder, socket_name),
	                 e));
	FD int sock = unix_listen(dir, socket_name, SOCK_STREAM, e);
	TRY(sock);
	pid_t agent = fork();
	if (agent < 0)
		return err_sys(e, "fork");
	if (agent == 0)
		be_agent(sock, noted, arguments);
	with_agent.config = arena_printf(a, "%s/%s", folder, config_name);
	with_agent.no_subreaper = true; /* or we would wait for what the agent waits for */
	int result = container_run(context, &with_agent, ret_status, e);
	(void)shutdown(sock, SHUT_RDWR); /* if nobody has called, nobody will */
	(void)waitpid(agent, NULL, 0);
	return result;
}

int policy_notify_run(const struct container_context *context, const struct create_request *request,
                      bool arguments, struct arena *a, struct trace_result *ret, int *ret_status,
                      struct err *e)
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
	int result = run_in(context, request, arguments, a, folder, dir, noted, ret_status, e);
	if (result == 0)
		fill_result(a, noted, ret);
	(void)unlinkat(dir, socket_name, 0);
	(void)unlinkat(dir, config_name, 0);
	(void)rmdir(folder);
	(void)munmap(noted, sizeof(*noted));
	return result;
}
