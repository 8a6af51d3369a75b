/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process in namespaces like the container's, that tries what init would do and
 * reports over a socket. All that it makes hangs on its namespaces and ends with it.
 * It is no stage of init: it goes on after a failure, so that all of them are seen.
 *
 * Not tried: what reaches out of the namespaces. No hook runs, no group is entered, no
 * device node and no missing target is made in the rootfs, no namespace is joined.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/check.h"
#include "runtime/launch/idmap.h"
#include "runtime/plan_words.h"

enum { LIMIT_MS = 20000 }; /* a filesystem of the network may never answer */

/* All namespaces that the plan makes, in whichever stage. */
static uint64_t new_namespaces(const struct check *c)
{
	const struct plan_step *step = plan_array(c->plan, c->plan->steps);
	uint64_t flags = c->plan->clone_flags;

	for (uint32_t i = 0; i < c->plan->steps.count; i++) {
		if (step[i].op == PLAN_CLONE)
			flags |= step[i].clone.clone_flags;
		if (step[i].op == PLAN_USER_NAMESPACE)
			flags |= CLONE_NEWUSER;
		if (step[i].op ==
		    PLAN_CGROUP) /* or a new cgroup2 would change the host's options */
			flags |= (uint64_t)step[i].value;
	}
	/* a time namespace with offsets is made by unshare(2); its kind is looked at.
	 * Whatever the container shares, what is mounted here goes away with us. */
	return (flags & ~(uint64_t)CLONE_NEWTIME) | CLONE_NEWNS;
}

static bool joins(const struct check *c, uint64_t type)
{
	const struct plan_step *step = plan_array(c->plan, c->plan->steps);

	for (uint32_t i = 0; i < c->plan->steps.count; i++)
		if (step[i].op == PLAN_JOIN && step[i].join.types & type)
			return true;
	return false;
}

static _Noreturn void look(struct check *c, int go, bool mapped)
{
	char byte;

	/* the maps are written, or the launcher is gone */
	if (read(go, &byte, 1) != 1)
		_exit(1);
	if (mapped && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)) {
		struct err e = { 0 };

		(void)err_sys(&e, "linux.uidMappings: become root of the user namespace");
		check_fail(c, "linux.uidMappings", &e);
		_exit(0);
	}
	check_mounts(c);
	check_process(c);
	_exit(0);
}

static void take_packets(struct check *c, int socket)
{
	struct pollfd fd = { .fd = socket, .events = POLLIN };
	struct check_packet p;

	for (;;) {
		if (poll(&fd, 1, LIMIT_MS) == 0) {
			check_unknown(c, "inside", "no answer in 20 s: a filesystem may hang");
			return;
		}
		if (recv(socket, &p, sizeof(p), 0) != (ssize_t)sizeof(p))
			return;
		p.subject[sizeof(p.subject) - 1] = p.text[sizeof(p.text) - 1] = '\0';
		p.hint[sizeof(p.hint) - 1] = '\0';

		struct err e = { .sys = p.sys };
		(void)snprintf(e.text, sizeof(e.text), "%s", p.text);
		(void)snprintf(e.hint, sizeof(e.hint), "%s", p.hint);
		if (p.result == CHECK_PASS)
			check_pass(c, p.subject);
		else if (p.result == CHECK_FAIL)
			check_fail(c, p.subject, &e);
		else
			check_unknown(c, p.subject, p.text);
	}
}

/* Namespaces could not be made: for which reason, and of which kinds. */
static void fail_namespaces(struct check *c, uint64_t flags)
{
	static const char field[] = "linux.namespaces";
	BUF struct buf words = { 0 };
	struct err e = { 0 };

	int why = errno;
	plan_words_namespaces(&words, flags);
	errno = why;
	(void)err_sys(&e, "%s: clone3 %s", field, words.data ? words.data : "");
	if (why == ENOSPC)
		(void)err_hint(&e, "a limit in /proc/sys/user (max_*_namespaces) was reached");
	else if (why == EPERM)
		(void)err_hint(&e, "making namespaces needs CAP_SYS_ADMIN");
	else if (why == EINVAL)
		(void)err_hint(&e, "this kernel lacks one of the kinds of namespaces");
	check_fail(c, field, &e);
}

static void follow(struct check *c, pid_t pid, int socket, int go, bool mapped)
{
	struct err e = { 0 };

	check_pass(c, "linux.namespaces");
	if (mapped) {
		int result = idmap_write(c->plan, pid, &e);

		if (result < 0)
			(void)err_in(&e, "linux.uidMappings");
		check_result(c, "linux.uidMappings", result, &e);
		if (result < 0)
			return;
	}
	if (write(go, "", 1) == 1)
		take_packets(c, socket);
}

int check_inside(struct check *c, struct err *e)
{
	uint64_t flags = new_namespaces(c);
	struct clone_args args = { .flags = flags | CLONE_PIDFD, .exit_signal = SIGCHLD };
	int reports[2], go[2], pidfd = -1;

	if (joins(c, CLONE_NEWUSER)) {
		check_unknown(c, "mounts",
		              "not tried: they belong to a user namespace that "
		              "exists already");
		return 0;
	}
	if (joins(c, CLONE_NEWNS)) {
		check_unknown(c, "mounts",
		              "not tried: they belong to a mount namespace that "
		              "exists already");
		return 0;
	}
	if (pipe2(go, O_CLOEXEC) < 0)
		return err_sys(e, "pipe2");
	FD int go_read = go[0];
	FD int go_write = go[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reports) < 0)
		return err_sys(e, "socketpair");
	FD int ours = reports[0];
	FD int theirs = reports[1];

	check_limits_outside(c);
	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	pid_t pid = sys_clone3(&args);
	if (pid == 0) {
		fd_drop(&go_write);
		c->report = theirs;
		look(c, go_read, flags & CLONE_NEWUSER);
	}
	if (pid < 0) {
		fail_namespaces(c, flags);
		return 0;
	}
	fd_drop(&theirs);
	follow(c, pid, ours, go_write, flags & CLONE_NEWUSER);
	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	int status = proc_reap(pidfd, e);
	(void)close(pidfd);
	return status < 0 ? -1 : 0;
}
