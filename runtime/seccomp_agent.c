/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_agent.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/unix.h"
#include "runtime/oci_state.h"
#include "seccomp/seccomp.h"

enum { AGENT_TIMEOUT_MS = 10000 };

/* Of this message, not of the state in it: what crun says, and its test suite wants. The
 * members are the same in all versions that have it, and agents for runc do not look. */
#define MESSAGE_VERSION "0.2.0"

int seccomp_agent_send(const struct oci_config *config, const struct state *state, pid_t pid,
                       int listener, struct err *e)
{
	const struct oci_seccomp *profile = config->linux_->seccomp;
	struct err missing = { 0 };
	BUF struct buf text = { 0 };
	struct json_writer w = { .out = &text, .indent = "" };

	json_open(&w, '{');
	json_put_string(&w, "ociVersion", MESSAGE_VERSION);
	json_key(&w, "fds");
	json_open(&w, '[');
	json_string(&w, "seccompFd");
	json_close(&w, ']');
	json_key(&w, "pid");
	json_i64(&w, pid);
	json_put_string(&w, "metadata",
	                profile->listener_metadata ? profile->listener_metadata : "");
	json_key(&w, "state");
	oci_state_write(&w, state, state->pid, pid == state->pid ? "creating" : "running");
	json_close(&w, '}');
	TRY(buf_ok(&text, e));

	FD int sock = unix_connect(AT_FDCWD, profile->listener_path, SOCK_STREAM, AGENT_TIMEOUT_MS,
	                           &missing);
	if (sock < 0 && !seccomp_notifies(profile))
		return 0;
	*e = missing;
	if (sock < 0)
		return err_in(e, "linux.seccomp.listenerPath: failed to connect with seccomp "
		                 "agent");
	if (fd_send(sock, text.data, text.len, &listener, 1, e) < 0)
		return err_in(e, "linux.seccomp.listenerPath");
	return 0;
}
