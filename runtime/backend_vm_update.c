/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update of a container in a microVM: what holds it is its group in the guest; the monitor's
 * group on the host follows, with what the guest itself needs on top. The guest is asked when
 * nothing else is left to fail, so that what it refuses is undone on the host; it changes all
 * or nothing.
 */
#include <string.h>

#include "base/scope.h"
#include "runtime/backend_group.h"
#include "runtime/backend_vm.h"
#include "runtime/backend_vm_client.h"
#include "runtime/vm_box.h"

static int refuse(const struct update_request *r, struct err *e)
{
	if (r->rlimit_count > 0)
		return err_set(e, ERR_REFUSED, "--rlimit: not supported in a microVM yet");
	if (r->oom_score_set)
		return err_set(e, ERR_REFUSED, "--oom-score-adj: not supported in a microVM yet");
	if (r->device_rules)
		return err_set(e, ERR_REFUSED, "--device-rules: not supported in a microVM yet");
	return 0;
}

/* --- the guest -------------------------------------------------------------------------------- */

struct guest {
	struct vm_client client;
	const char *texts[2 * AGENT_FILES_MAX]; /* names and values in turn */
	size_t count;
};

static bool has_file(struct agent_texts files, const char *name)
{
	const char *one;

	while ((one = agent_text(&files))) {
		if (strcmp(one, name) == 0)
			return true;
		(void)agent_text(&files); /* what it says */
	}
	return false;
}

/* Of two files that say the same, the one that is there. */
static void choose(struct guest *g, const struct cgroup_plan *plan, struct agent_texts files)
{
	for (size_t i = 0; i < plan->write_count; i++) {
		const struct cgroup_write *w = &plan->writes[i];
		bool spare = i + 1 < plan->write_count && plan->writes[i + 1].instead;

		if (spare && !has_file(files, w->file))
			continue;
		g->texts[g->count++] = w->file;
		g->texts[g->count++] = w->value;
		i += spare;
	}
}

/* linux.resources.memory.checkBeforeUpdate, of what the guest's group uses. */
static int check_usage(struct guest *g, struct arena *a, const struct oci_resources *wanted,
                       struct err *e)
{
	static const enum meter_file files[] = { METER_MEMORY_CURRENT, METER_SWAP_CURRENT };
	struct meter_reading now = { 0 };
	const char *names[LEN(files)], *name, *text;
	struct agent_reply reply;

	if (!cgroup_wants_check(wanted))
		return 0;
	for (size_t i = 0; i < LEN(files); i++)
		names[i] = meter_file_name(files[i]);
	TRY(vm_client_ask_texts(&g->client, AGENT_READ, names, LEN(names), &reply, e));
	while ((name = agent_text(&reply.files))) {
		text = agent_text(&reply.files);
		for (size_t i = 0; i < LEN(files); i++) {
			if (strcmp(name, names[i]) == 0)
				meter_parse(a, files[i], arena_printf(a, "%s", text), &now);
		}
	}
	if (!now.number[METER_MEMORY_CURRENT].set)
		return err_set(e, ERR_STATE, "the guest does not tell what memory it uses");
	return cgroup_check_usage(wanted, (int64_t)now.number[METER_MEMORY_CURRENT].value,
	                          (int64_t)now.number[METER_SWAP_CURRENT].value, e);
}

static int prepare_guest(struct guest *g, struct arena *a, const struct oci_resources *wanted,
                         struct err *e)
{
	const char *names[AGENT_FILES_MAX];
	struct agent_reply reply;
	struct cgroup_plan plan;

	wanted = vm_guest_resources(a, wanted);
	TRY(cgroup_compile(a, wanted, &vm_guest_facts.cgroup, &plan, e));
	if (plan.write_count > AGENT_FILES_MAX)
		return err_set(e, ERR_REFUSED, "linux.resources: more than %d values for a microVM",
		               AGENT_FILES_MAX);
	if (plan.write_count == 0)
		return 0;
	for (size_t i = 0; i < plan.write_count; i++)
		names[i] = plan.writes[i].file;
	TRY(check_usage(g, a, wanted, e));
	TRY(vm_client_ask_texts(&g->client, AGENT_READ, names, plan.write_count, &reply, e));
	choose(g, &plan, reply.files);
	return 0;
}

static int change_guest(void *context, struct err *e)
{
	struct guest *g = context;
	struct agent_reply reply;

	if (g->count == 0)
		return 0;
	if (vm_client_ask_texts(&g->client, AGENT_UPDATE, g->texts, g->count, &reply, e) < 0)
		return err_in(e, "in the guest");
	return 0;
}

/* --- the host --------------------------------------------------------------------------------- */

/* What stays as it is and shares a file with what changes is read from the host's group, whose
 * memory is the guest's with the overhead. */
static int complete(const struct group_limits *l, struct arena *a, struct oci_resources *wanted,
                    struct err *e)
{
	bool given = wanted->memory && wanted->memory->limit.set;

	TRY(cgroup_complete(l->cgroup, a, wanted, e));
	if (given || !wanted->memory || !wanted->memory->limit.set ||
	    wanted->memory->limit.value <= 0)
		return 0;
	struct oci_memory *m = arena_new(a, sizeof(*m));

	*m = *wanted->memory;
	m->limit.value -= VM_OVERHEAD_BYTES;
	wanted->memory = m;
	return 0;
}

/* A guest gives no memory back, and the kernel would end the monitor where it wants some. */
static int check_memory(const struct group_limits *l, struct oci_resources *host, struct arena *a,
                        struct err *e)
{
	struct oci_memory *m;

	if (!host->memory)
		return 0;
	m = arena_new(a, sizeof(*m));
	*m = *host->memory;
	m->check_before_update = (struct opt_bool){ true, true };
	host->memory = m;
	if (cgroup_check_memory(l->cgroup, host, e) == 0)
		return 0;
	return err_hint(e, "a microVM gives none of the host's memory back before it ends");
}

static int change(const struct found *f, const struct oci_resources *resources, struct guest *g,
                  struct arena *a, struct err *e)
{
	GROUP_LIMITS struct group_limits l = { .cgroup = -1, .last = change_guest, .context = g };
	struct oci_resources wanted = *resources, host;
	struct cgroup_plan plan;

	TRY(group_limits_open(f, a, &l, e));
	TRY(complete(&l, a, &wanted, e));
	TRY(prepare_guest(g, a, &wanted, e));
	host = *vm_host_resources(a, &wanted);
	TRY(cgroup_compile(a, &host, &l.facts, &plan, e));
	TRY(group_limits_enable(&l, f, &plan, e));
	TRY(check_memory(&l, &host, a, e));
	return group_limits_change(&l, f, a, &plan, e);
}

int backend_vm_update(const struct found *f, const struct update_request *r, struct arena *a,
                      struct err *e)
{
	struct guest g = { .client = VM_CLIENT_NONE };

	TRY(refuse(r, e));
	if (!r->resources)
		return 0;
	if (vm_client_open(&g.client, f, e) < 0)
		return -1;
	int result = change(f, r->resources, &g, a, e);
	vm_client_close(&g.client);
	return result;
}
