/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a network namespace is the dearest part of a clone. So, where nothing forbids
 * it, a child of the launcher makes it while the launcher clones init and init mounts,
 * and init joins it when it first needs one (PLAN_NETWORK).
 *
 * The child is no thread of ours, so that unshare(2) moves nobody else, but it shares our
 * memory and our descriptors: what it opens is open here. It lives for one namespace, is
 * in our own cgroup, and ends without a signal to us (no SIGCHLD that a foreground could
 * take for the container's). It touches no libc: its calls are raw, its stack is its own.
 */
#include "runtime/launch/network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "base/syscall_x86_64.h"

#define NO_SANITIZER __attribute__((no_sanitize("address", "undefined")))

/* What the child tells, in memory that both see. */
struct making {
	int fd;            /* of the namespace; -1: not yet */
	long result;       /* 0, or -errno of the call that failed */
	const char *begun; /* the call that it is at; NULL: it is through */
};

static struct making making;

/* One call of the child's; the child ends when one fails. */
NO_SANITIZER static long call(const char *what, long number, long a, long b, long c)
{
	making.begun = what;
	long result = syscall_raw(number, a, b, c, 0, 0);
	if (result < 0) {
		making.result = result;
		(void)syscall_raw(SYS_exit_group, 1, 0, 0, 0, 0);
	}
	return result;
}

/* Any socket takes the ioctl (netdevice(7)); AF_UNIX is in every kernel. */
NO_SANITIZER static void child_make(void *arg)
{
	/* not on the stack: an initializer there may become a call of memset */
	static const struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	const char *raise = "bring up the loopback device";

	(void)arg;
	(void)call("make a network namespace: unshare", SYS_unshare, CLONE_NEWNET, 0, 0);
	making.fd = (int)call("open /proc/self/ns/net", SYS_openat, AT_FDCWD,
	                      (long)"/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	long sock = call(raise, SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)call(raise, SYS_ioctl, sock, SIOCSIFFLAGS, (long)&up);
	(void)call(raise, SYS_close, sock, 0, 0);
	making.begun = NULL;
	(void)syscall_raw(SYS_exit_group, 0, 0, 0, 0, 0);
}

int network_begin(struct network *ret, struct err *e)
{
	static _Alignas(16) char stack[2048];
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FILES,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = sizeof(stack),
	};

	making = (struct making){ .fd = -1, .begun = "begin" };
	long pid = sys_clone3_run(&args, sizeof(args), child_make, NULL);
	if (pid < 0) {
		errno = (int)-pid;
		return err_sys(e, "make a network namespace: clone3");
	}
	ret->maker = (pid_t)pid;
	return 0;
}

/* A child that ends without a signal is waited for by __WALL alone (wait(2)). */
static void await(struct network *n)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)n->maker, &info, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	n->maker = 0;
}

int network_end(struct network *n, struct err *e)
{
	await(n);
	if (!making.begun)
		return fd_give(&making.fd);
	fd_drop(&making.fd);
	if (making.result == 0)
		return err_set(e, ERR_KERNEL, "make a network namespace: its maker was killed");
	errno = (int)-making.result;
	return err_sys(e, "%s", making.begun);
}

void network_drop(struct network *n)
{
	if (n->maker == 0)
		return;
	await(n);
	fd_drop(&making.fd);
}
