/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What update changes of the container beside its group's values: limits and score of its first
 * process, and the device rules. In the same order as on a host (runtime/backend_group_update.c):
 * what may be refused first, and what is refused takes all back.
 */
#include <linux/bpf.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/launch/process_update.h"
#include "vm-sandbox/guest/agent.h"

_Static_assert((int)AGENT_LIMITS_MAX == (int)PROCESS_LIMITS_MAX, "protocol.h");

static int change_group(const struct group *g, const struct agent_change *m, size_t len,
                        struct err *e)
{
	CGROUP_DEVICES devices = CGROUP_DEVICES_NONE;
	const struct agent_limit *limits = (const void *)(m + 1);
	const struct cgroup_plan plan = {
		.devices = m->instructions > 0 ? (const void *)(limits + m->limits) : NULL,
		.device_count = m->instructions,
	};
	struct cgroup_steps steps = { 0 };
	struct agent_texts pairs = agent_texts(m, len);

	if (pairs.at == pairs.end && !(m->flags & AGENT_CHANGE_DEVICES))
		return 0;
	if (g->fd < 0)
		return err_set(e, ERR_STATE, "the container has no cgroup");
	if (m->flags & AGENT_CHANGE_DEVICES) {
		TRY(cgroup_devices_prepare(g->fd, &plan, &devices, e));
		steps = (struct cgroup_steps){ .last = cgroup_devices_replace,
			                       .context = &devices };
	}
	return group_update(g, pairs, &steps, e);
}

int change_container(const struct group *g, const struct process *p, const struct agent_change *m,
                     size_t len, struct err *e)
{
	const struct agent_limit *limits = (const void *)(m + 1);
	struct process_change wanted = {
		.limit_count = m->limits,
		.score_set = m->flags & AGENT_CHANGE_SCORE,
		.score = m->score,
	};
	struct process_update update;

	if (p->pidfd < 0)
		return err_set(e, ERR_STATE, "container not running");
	for (uint32_t i = 0; i < m->limits; i++)
		wanted.limits[i] = (struct process_limit){ (int)limits[i].resource, limits[i].name,
			                                   limits[i].soft, limits[i].hard };
	TRY(process_update_begin(&update, p->pid, p->pidfd, &wanted, e));
	if (change_group(g, m, len, e) < 0) {
		process_update_undo(&update);
		return -1;
	}
	return process_update_end(&update, e);
}
