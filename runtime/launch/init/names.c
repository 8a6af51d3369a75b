/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the UTS namespace; the network namespace and its loopback interface; the
 * cgroup namespace, where that is made late. */
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum { SIOCSIFFLAGS = 0x8914, IFF_UP = 1 }; /* linux/sockios.h, linux/if.h */

/* struct ifreq of linux/if.h, which cannot be had without libc's headers. */
struct interface_request {
	char name[16];
	int16_t flags;
	char unused[22];
};

void step_hostname(const struct plan_step *step)
{
	const char *name = plan_string(step->string);

	must(sys_sethostname(name, text_length(name)), CALL_SETHOSTNAME, name);
}

void step_domainname(const struct plan_step *step)
{
	const char *name = plan_string(step->string);

	must(sys_setdomainname(name, text_length(name)), CALL_SETDOMAINNAME, name);
}

void step_network(const struct plan_step *step)
{
	(void)step;
	report_await_network();
}

/* What is unshared here has the group that we are in for its root. */
void step_cgroup(const struct plan_step *step)
{
	report_await_cgroup();
	if (step->value)
		must(sys_unshare((unsigned long)step->value), CALL_UNSHARE, NULL);
}

/* Any socket takes this ioctl (netdevice(7)); AF_UNIX is in every kernel. */
void step_loopback(const struct plan_step *step)
{
	struct interface_request request = { .name = "lo", .flags = IFF_UP };
	int socket = (int)must(sys_socket(SYS_AF_UNIX, SYS_SOCK_DGRAM | O_CLOEXEC, 0), CALL_SOCKET,
	                       "lo");

	(void)step;
	must(sys_ioctl(socket, SIOCSIFFLAGS, &request), CALL_IOCTL, "lo");
}
