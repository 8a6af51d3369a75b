/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update of a container in a microVM: what holds it is its group in the guest, with its device
 * rules, and its first process's own limits, which are changed together; the monitor's group on the
 * host follows, with what the guest itself needs on top. The guest is asked when nothing else is
 * left to fail, so that what it refuses is undone on the host; it changes all or nothing.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/backend_group.h"
#include "runtime/backend_vm.h"
#include "runtime/backend_vm_client.h"
#include "runtime/vm_box.h"

/* --- the guest -------------------------------------------------------------------------------- */

struct guest {
	struct vm_client client;
	const struct update_request *request;
	const char *texts[2 * AGENT_FILES_MAX]; /* names and values in turn */
	size_t count;
	const struct bpf_insn *devices; /* if request->device_rules */
	size_t device_count;
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
	g->devices = plan.devices;
	g->device_count = plan.devices ? plan.device_count : 0;
	if (plan.write_count == 0)
		return 0;
	for (size_t i = 0; i < plan.write_count; i++)
		names[i] = plan.writes[i].file;
	TRY(check_usage(g, a, wanted, e));
	TRY(vm_client_ask_texts(&g->client, AGENT_READ, names, plan.write_count, &reply, e));
	choose(g, &plan, reply.files);
	return 0;
}

/* What of it is no value of the group. */
static bool is_more(const struct update_request *r)
{
	return r->process.limit_count > 0 || r->process.score_set || r->device_rules;
}

static void put_limits(struct buf *b, const struct process_change *p)
{
	for (size_t i = 0; i < p->limit_count; i++) {
		struct agent_limit l = {
			.resource = (uint32_t)p->limits[i].resource,
			.soft = p->limits[i].soft,
			.hard = p->limits[i].hard,
		};

		(void)snprintf(l.name, sizeof(l.name), "%s", p->limits[i].name);
		buf_add(b, &l, sizeof(l));
	}
}

static int ask_change(struct guest *g, struct err *e)
{
	const struct update_request *r = g->request;
	const size_t instructions = r->device_rules ? g->device_count : 0;
	const struct agent_change m = {
		.head = { .type = AGENT_CHANGE, .process = AGENT_CONTAINER },
		.flags = (r->process.score_set ? AGENT_CHANGE_SCORE : 0) |
		         (r->device_rules ? AGENT_CHANGE_DEVICES : 0),
		.score = r->process.score,
		.limits = (uint32_t)r->process.limit_count,
		.instructions = (uint32_t)instructions,
	};
	BUF struct buf message = { 0 };
	struct agent_reply reply;

	buf_add(&message, &m, sizeof(m));
	put_limits(&message, &r->process);
	if (instructions > 0)
		buf_add(&message, g->devices, instructions * sizeof(*g->devices));
	for (size_t i = 0; i < g->count; i++)
		buf_add(&message, g->texts[i], strlen(g->texts[i]) + 1);
	TRY(buf_ok(&message, e));
	if (instructions > AGENT_INSTRUCTIONS_MAX || message.len > CHANNEL_PAYLOAD_MAX)
		return err_set(e, ERR_REFUSED, "more at once than a microVM takes");
	return vm_client_ask(&g->client, message.data, message.len, &reply, e);
}

static int change_guest(void *context, struct err *e)
{
	struct guest *g = context;
	struct agent_reply reply;
	int result = 0;

	if (is_more(g->request))
		result = ask_change(g, e);
	else if (g->count > 0)
		result = vm_client_ask_texts(&g->client, AGENT_UPDATE, g->texts, g->count, &reply,
		                             e);
	return result < 0 ? err_in(e, "in the guest") : 0;
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
	struct guest g = { .client = VM_CLIENT_NONE, .request = r };

	if (!r->resources && !is_more(r))
		return 0;
	if (vm_client_open(&g.client, f, e) < 0)
		return -1;
	int result = r->resources ? change(f, r->resources, &g, a, e) : change_guest(&g, e);
	vm_client_close(&g.client);
	return result;
}
