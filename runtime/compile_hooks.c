/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks as steps. prestart and createRuntime run in the runtime's namespaces: init
 * only waits for them. createContainer hooks are the host's programs in the
 * container's namespaces, startContainer hooks are the container's.
 *
 * A hook's environment is what the config says and nothing else: neither that of
 * the caller nor that of the container's process may reach a program of the host
 * (CVE-2025-23266). A startContainer hook is the container's own program: without
 * `env` it gets that of the process, as runc gives it.
 */
#include "runtime/compile_parts.h"

static void add_hook(struct compile *c, enum plan_op op, const struct oci_hook *hook,
                     const char *origin, uint32_t index)
{
	bool inherits = op == PLAN_HOOK_CONTAINER && !hook->env_set;
	struct oci_strings args = hook->args;

	if (args.n == 0)
		args = (struct oci_strings){ .v = &hook->path, .n = 1 };

	struct plan_list argv = plan_put_vector(&c->plan, args.v, args.n);
	struct plan_list envp =
		inherits ? c->exec.envp : plan_put_vector(&c->plan, hook->env.v, hook->env.n);
	struct plan_step *step = plan_add(&c->plan, op, origin);

	step->hook.path = plan_put_string(&c->plan, hook->path);
	step->hook.argv = argv;
	step->hook.envp = envp;
	step->hook.timeout_s = hook->timeout.set ? hook->timeout.value : 0;
	step->hook.index = index;
}

static void add_hooks(struct compile *c, enum plan_op op, enum oci_hook_kind kind)
{
	const struct oci_hook_list *list = &c->config->hooks[kind];

	for (size_t i = 0; i < list->n; i++)
		add_hook(c, op, &list->v[i],
		         arena_printf(&c->arena, "hooks.%s[%zu]", oci_hook_kind_name(kind), i),
		         (uint32_t)i);
}

/* The answer to the waiting step also carries the state for createContainer hooks,
 * so it is needed for these alone as well. */
void compile_hooks_create(struct compile *c, bool wait)
{
	const struct oci_hook_list *hooks = c->config->hooks;

	if (!wait && hooks[OCI_HOOK_PRESTART].n == 0 && hooks[OCI_HOOK_CREATE_RUNTIME].n == 0 &&
	    hooks[OCI_HOOK_CREATE_CONTAINER].n == 0)
		return;
	(void)plan_add(&c->plan, PLAN_WAIT_HOOKS, "hooks");
	c->plan.head.runtime_hooks = 1;
	add_hooks(c, PLAN_HOOK_HOST, OCI_HOOK_CREATE_CONTAINER);
}

void compile_hooks_start(struct compile *c)
{
	add_hooks(c, PLAN_HOOK_CONTAINER, OCI_HOOK_START_CONTAINER);
}
