/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a network namespace is the dearest part of a clone. So, where nothing forbids
 * it, the launcher makes it while init is already at work on the other core, and init
 * joins it when it first needs one (PLAN_NETWORK). The launcher has no threads: it
 * goes there, hands it over, brings up the loopback device, and comes back.
 */
#include "runtime/launch/network.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"

static int open_current(struct err *e)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open /proc/self/ns/net") : fd;
}

int network_enter(int *ret_home, int *ret_made, struct err *e)
{
	FD int home = open_current(e);

	TRY(home);
	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(e, "make a network namespace: unshare");
	*ret_made = open_current(e);
	if (*ret_made < 0) {
		struct err ignored = { 0 };

		(void)!network_leave(home, &ignored);
		return -1;
	}
	*ret_home = fd_give(&home);
	return 0;
}

/* Any socket takes this ioctl (netdevice(7)); AF_UNIX is in every kernel. */
int network_raise_loopback(struct err *e)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	FD int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "bring up the loopback device");
	return 0;
}

int network_leave(int home, struct err *e)
{
	if (setns(home, CLONE_NEWNET) < 0)
		return err_sys(e, "go back to our own network namespace: setns");
	return 0;
}
