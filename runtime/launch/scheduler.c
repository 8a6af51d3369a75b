/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From outside, and as late as there is nothing but the program to come:
 * - real-time and deadline policies need CAP_SYS_NICE over the host, which a process
 *   in a user namespace of its own has lost, and we have not;
 * - SCHED_FLAG_RESET_ON_FORK would be lost with stage 2, and a deadline task without
 *   it may not fork at all, for a stage or for a hook;
 * - a budget of microseconds would make init's own work take for ever.
 * sched_setattr(2), sched(7).
 */
#include "runtime/launch/scheduler.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

static int add_hint(const struct plan_scheduler *s, struct err *e)
{
	if (e->sys == EPERM && s->policy == SCHED_DEADLINE)
		return err_hint(e, "a deadline task must be allowed on all CPUs: the process "
		                   "scheduler can't be used together with AllowedCPUs; and "
		                   "CAP_SYS_NICE is needed");
	if (e->sys == EPERM || e->sys == EACCES)
		return err_hint(e, "CAP_SYS_NICE is needed, or RLIMIT_RTPRIO and RLIMIT_NICE of "
		                   "the caller that are high enough");
	if (e->sys == EBUSY)
		return err_hint(e, "the CPUs have promised their time to other deadline tasks");
	return -1;
}

int scheduler_apply(const struct plan *plan, pid_t pid, struct err *e)
{
	const struct plan_scheduler *s = &plan->scheduler;
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = s->priority,
		.sched_runtime = s->runtime,
		.sched_deadline = s->deadline,
		.sched_period = s->period,
	};

	if (!s->given)
		return 0;
	if (syscall(SYS_sched_setattr, pid, &attr, 0) == 0)
		return 0;
	err_sys(e, "process.scheduler: sched_setattr");
	return add_hint(s, e);
}
