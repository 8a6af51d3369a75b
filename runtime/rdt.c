/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/rdt.h"

#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/scope.h"
#include "cgroups/resctrl.h"

static const char link_name[] = "resctrl";

static int note(void *context, const char *path, struct err *e)
{
	const struct state_dir *d = context;

	if (unlinkat(d->fd, link_name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove the note of resctrl");
	if (!*path)
		return 0;
	return symlinkat(path, d->fd, link_name) < 0 ? err_sys(e, "note resctrl %s", path) : 0;
}

int rdt_make(const struct state_dir *d, const struct oci_config *config, struct err *e)
{
	ARENA struct arena a = { 0 };
	struct state_dir dir = *d;
	struct resctrl_group g;

	if (!config->linux_->intel_rdt)
		return 0;
	TRY(resctrl_group(&a, config->linux_->intel_rdt, d->id, &g, e));
	FD int root = resctrl_open(e);
	TRY(root);
	return resctrl_make(root, &g, note, &dir, e);
}

int rdt_join(const char *id, const struct oci_config *config, pid_t pid, struct err *e)
{
	ARENA struct arena a = { 0 };
	struct resctrl_group g;

	if (!config->linux_->intel_rdt)
		return 0;
	TRY(resctrl_group(&a, config->linux_->intel_rdt, id, &g, e));
	FD int root = resctrl_open(e);
	TRY(root);
	return resctrl_join(root, &g, pid, e);
}

int rdt_undo(const struct state_dir *d, struct err *e)
{
	char path[4096];
	ssize_t n = readlinkat(d->fd, link_name, path, sizeof(path) - 1);

	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? 0
		                                          : err_sys(e, "read the note of resctrl");
	path[n] = '\0';
	FD int root = resctrl_open(e);
	if (root < 0) { /* what is not mounted any more has no groups */
		*e = (struct err){ 0 };
		return 0;
	}
	TRY(resctrl_remove(root, path, e));
	return unlinkat(d->fd, link_name, 0) < 0 ? err_sys(e, "remove the note of resctrl") : 0;
}
