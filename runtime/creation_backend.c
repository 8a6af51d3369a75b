/* SPDX-License-Identifier: Apache-2.0 */
/* What is to hold a container, before any effect: the choice, and what it cannot give. */
#include <unistd.h>

#include "runtime/admin.h"
#include "runtime/creation.h"

static uint32_t host_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (uint32_t)n : 1;
}

static int choose_vm(struct creation *c, const struct admin_profile *profile, struct err *e)
{
	const struct create_request *r = c->request;
	const struct vm_request asked = {
		.preserve_fds = c->activation.listen_fds + r->preserve_fds,
		.notify = c->activation.notify != NULL,
		.watch = r->watch != NULL,
		.plain = geteuid() != 0,
	};

	TRY(vm_refuse(c->config, &asked, e));
	c->box = arena_new(&c->arena, sizeof(*c->box));
	TRY(vm_settings_of(c->config, profile, host_cpus(), &c->box->settings, e));
	if (r->kernel)
		c->box->settings.kernel = r->kernel;
	c->backend = backend_of(true);
	return 0;
}

int creation_choose(struct creation *c, struct err *e)
{
	const struct create_request *r = c->request;
	struct admin_config admin = { 0 };
	struct isolation chosen;

	/* nobody else is asked about a container that the command line asks for */
	if (c->context->config_dir && r->isolation != ADMIN_CONTAINER)
		TRY(admin_config_read(&c->arena, c->context->config_dir, &admin, e));
	TRY(isolation_choose(c->config, r->isolation, &admin, &chosen, e));
	if (chosen.vm)
		return choose_vm(c, chosen.profile, e);
	if (r->kernel)
		return err_set(e, ERR_USAGE, "--kernel: a container has no kernel of its own");
	c->backend = backend_of(false);
	return 0;
}
