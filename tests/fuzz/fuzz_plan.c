/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_check on arbitrary bytes: it reads nothing outside of them, and whatever it
 * accepts can be followed to the end, as init and the launcher do, without leaving
 * them either (the sanitizers watch). The bytes lie in a block of exactly their
 * size, aligned as a mapping would be.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/launch/plan_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink; /* so that no read is left out */

static void follow_string(const struct plan *p, plan_str at)
{
	const char *text = plan_text(p, at);

	sink += text ? strlen(text) : 0;
}

static void follow_bytes(const struct plan *p, struct plan_list l, size_t element)
{
	const uint8_t *bytes = plan_array(p, l);

	for (size_t i = 0; i < l.count * element; i++)
		sink += bytes[i];
}

static void follow_vector(const struct plan *p, struct plan_list l)
{
	const plan_vector_entry *entry = plan_array(p, l);

	if (!l.at)
		return;
	for (uint32_t i = 0; i < l.count; i++)
		follow_string(p, (plan_str)entry[i]);
	if (entry[l.count])
		abort();
}

static void follow_head(const struct plan *p)
{
	const struct plan_fd *fd = plan_array(p, p->fds);
	const struct plan_cgroup_write *write = plan_array(p, p->cgroup.writes);

	for (uint32_t i = 0; i < p->fds.count; i++) {
		follow_string(p, fd[i].path);
		follow_string(p, fd[i].origin);
	}
	for (uint32_t i = 0; i < p->cgroup.writes.count; i++) {
		follow_string(p, write[i].file);
		follow_string(p, write[i].value);
		follow_string(p, write[i].origin);
	}
	follow_string(p, p->cgroup.path);
	follow_bytes(p, p->cgroup.devices, 8);
	follow_bytes(p, p->uid_map, sizeof(struct plan_idmap));
	follow_bytes(p, p->gid_map, sizeof(struct plan_idmap));
}

static void follow_mount(const struct plan *p, const struct plan_mount *m)
{
	const struct plan_option *option = plan_array(p, m->options);

	follow_string(p, m->fstype);
	follow_string(p, m->source);
	follow_string(p, m->target);
	for (uint32_t i = 0; i < m->options.count; i++) {
		follow_string(p, option[i].key);
		follow_string(p, option[i].value);
	}
}

static void follow_process(const struct plan *p, const struct plan_step *s)
{
	follow_string(p, s->exec.file);
	follow_string(p, s->exec.search);
	follow_vector(p, s->exec.argv);
	follow_vector(p, s->exec.envp);
}

static void follow_step(const struct plan *p, const struct plan_step *s)
{
	follow_string(p, s->origin);
	if (!plan_op_name(s->op))
		abort();
	switch (s->op) {
	case PLAN_MOUNT:
	case PLAN_CGROUP_MOUNT:
		follow_mount(p, &s->mount);
		break;
	case PLAN_BIND:
		follow_string(p, s->bind.source);
		follow_string(p, s->bind.target);
		if (!s->bind.id_maps)
			break;
		follow_bytes(p, plan_maps(p, s->bind.id_maps)->uid, sizeof(struct plan_idmap));
		follow_bytes(p, plan_maps(p, s->bind.id_maps)->gid, sizeof(struct plan_idmap));
		break;
	case PLAN_REMOUNT:
		follow_string(p, s->remount.target);
		break;
	case PLAN_HOOK_HOST:
	case PLAN_HOOK_CONTAINER:
		follow_string(p, s->hook.path);
		follow_vector(p, s->hook.argv);
		follow_vector(p, s->hook.envp);
		break;
	case PLAN_EXECUTABLE:
	case PLAN_EXECVE:
		follow_process(p, s);
		break;
	case PLAN_IDS:
		follow_bytes(p, s->ids.groups, sizeof(uint32_t));
		break;
	case PLAN_SECCOMP:
		follow_bytes(p, s->seccomp.filter, 8);
		break;
	case PLAN_MASK:
	case PLAN_CWD:
		follow_string(p, s->string);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan *plan = aligned_alloc(8, (size + 7) / 8 * 8);
	const struct plan_step *step;

	if (!plan)
		return 0;
	if (size)
		memcpy(plan, data, size);
	/* most inputs would not get past these three otherwise */
	if (size > sizeof(*plan)) {
		plan->magic = PLAN_MAGIC;
		plan->version = PLAN_VERSION;
		plan->size = (uint32_t)size;
	}
	if (plan_check(plan, size) == 0) {
		follow_head(plan);
		step = plan_array(plan, plan->steps);
		for (uint32_t i = 0; i < plan->steps.count; i++)
			follow_step(plan, &step[i]);
	}
	free(plan);
	return 0;
}
