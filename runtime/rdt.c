/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/rdt.h"

#include <errno.h>
#include <string.h>
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

/* 1, or 0 where nothing was noted. */
static int read_note(const struct state_dir *d, char *ret, size_t room, struct err *e)
{
	ssize_t n = readlinkat(d->fd, link_name, ret, room - 1);

	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? 0
		                                          : err_sys(e, "read the note of resctrl");
	ret[n] = '\0';
	return 1;
}

int rdt_change(const struct state_dir *d, struct arena *a, const struct oci_intel_rdt *wanted,
               struct rdt_change *ret, struct err *e)
{
	char class[4096];

	*ret = (struct rdt_change){ NULL, NULL };
	if (!wanted)
		return 0;
	FD int root = resctrl_open(e);
	TRY(root);
	int found = read_note(d, class, sizeof(class), e);
	TRY(found);
	if (!found || strchr(class, '/')) { /* a monitor of another's class */
		err_set(e, ERR_STATE, "container %s has no class of caches of its own", d->id);
		return err_hint(e, "linux.intelRdt of its config.json has to ask for one");
	}
	TRY(resctrl_change(a, root, class, wanted, &ret->before, e));
	ret->class = arena_string(a, class, strlen(class));
	return 0;
}

void rdt_change_undo(const struct rdt_change *c)
{
	struct err ignored = { 0 };

	if (!c->class)
		return;
	FD int root = resctrl_open(&ignored);
	if (root >= 0)
		resctrl_restore(root, c->class, c->before);
}

int rdt_undo(const struct state_dir *d, struct err *e)
{
	char path[4096];
	int found = read_note(d, path, sizeof(path), e);

	if (found <= 0)
		return found;
	FD int root = resctrl_open(e);
	if (root < 0) { /* what is not mounted any more has no groups */
		*e = (struct err){ 0 };
		return 0;
	}
	TRY(resctrl_remove(root, path, e));
	return unlinkat(d->fd, link_name, 0) < 0 ? err_sys(e, "remove the note of resctrl") : 0;
}
