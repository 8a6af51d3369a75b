/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroup in the guest, made as the runtime makes it on a host: the same
 * writes, the same device program. The agent itself stays at the root of the tree, where no
 * limit is.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/scope.h"
#include "vm-sandbox/guest/agent.h"

enum {
	FREEZE_MS = 2000,
	DESTROY_MS = 2000,
	FILE_ROOM = 16 << 10,
};

static int check(const struct group *g, struct err *e)
{
	return g->fd < 0 ? err_set(e, ERR_STATE, "the container has no cgroup") : 0;
}

/* In the arena; *ret_controllers: those that they need. */
static const struct cgroup_write *writes_of(struct arena *a, const struct plan *plan,
                                            unsigned int *ret_controllers)
{
	const struct plan_cgroup_write *from = plan_array(plan, plan->cgroup.writes);
	struct cgroup_write *writes = arena_array(a, plan->cgroup.writes.count, sizeof(*writes));

	*ret_controllers = 0;
	for (uint32_t i = 0; i < plan->cgroup.writes.count; i++) {
		writes[i] = (struct cgroup_write){
			.file = plan_text(plan, from[i].file),
			.value = plan_text(plan, from[i].value),
			.origin = plan_text(plan, from[i].origin),
			.instead = from[i].instead,
		};
		*ret_controllers |= cgroup_file_controller(writes[i].file);
	}
	return writes;
}

static int fill(const struct group *g, const struct plan *plan, const struct cgroup_write *writes,
                struct err *e)
{
	struct plan_list devices = plan->cgroup.devices;

	TRY(cgroup_apply(g->fd, writes, plan->cgroup.writes.count, e));
	if (plan->cgroup.owner != PLAN_NO_OWNER)
		TRY(cgroup_delegate(g->fd, plan->cgroup.owner, e));
	if (devices.count == 0)
		return 0;
	return cgroup_apply_devices(g->fd, plan_array(plan, devices), devices.count, e);
}

void group_remove(struct group *g)
{
	struct err ignored = { 0 };

	meter_close(&g->meter);
	g->meter = meter_none();
	if (g->fd >= 0) {
		(void)!cgroup_kill(g->fd, &ignored);
		(void)!cgroup_destroy(&g->facts, g->path, DESTROY_MS, &ignored);
	}
	fd_drop(&g->fd);
	free(g->path);
	g->path = NULL;
	g->kills = 0;
}

int group_make(struct group *g, const struct plan *plan, struct err *e)
{
	const char *path = plan_text(plan, plan->cgroup.path);
	ARENA struct arena a = { 0 };
	unsigned int controllers;
	bool made;

	group_remove(g); /* of a container that was here before */
	if (!path)
		return 0;
	const struct cgroup_write *writes = writes_of(&a, plan, &controllers);
	TRY(cgroup_probe(true, &g->facts, e));
	g->path = strdup(path);
	if (!g->path)
		return err_set(e, ERR_KERNEL, "out of memory");
	g->fd = cgroup_create(&g->facts, path, controllers, &made, e);
	TRY(g->fd);
	TRY(fill(g, plan, writes, e));
	return meter_open(g->fd, METER_BIT(METER_MEMORY_EVENTS), &g->meter, e);
}

/* As on the host (runtime/exec.c): a group whose children have controllers takes no process
 * itself, and then the container's own processes are below it. */
int group_for_exec(const struct group *g, const char *below, pid_t container, int *ret,
                   struct err *e)
{
	ARENA struct arena a = { 0 };
	const char *path;

	*ret = -1;
	if (g->fd < 0)
		return below[0] ? check(g, e) : 0;
	path = arena_printf(&a, "%s%s%s", g->path, below[0] ? "/" : "", below);
	if (!below[0]) {
		BUF struct buf children = { 0 };

		TRY(fd_read_file(g->fd, "cgroup.subtree_control", FILE_ROOM, &children, e));
		if (children.len > 1)
			TRY(cgroup_of(&a, container, &path, e));
	}
	if (!path_is_below(path_clean(&a, "", path), g->path))
		return err_set(e, ERR_USAGE, "%s is not below the container's cgroup", path);
	*ret = cgroup_open(&g->facts, path, e);
	return *ret < 0 ? -1 : 0;
}

static bool is_name(const char *file)
{
	return file[0] && !strchr(file, '/');
}

int group_read(const struct group *g, struct agent_texts names, struct buf *ret, struct err *e)
{
	const char *name;

	TRY(check(g, e));
	while ((name = agent_text(&names))) {
		BUF struct buf content = { 0 };
		struct err missing = { 0 };

		if (!is_name(name))
			return err_set(e, ERR_BUG, "\"%s\" is no file of a cgroup", name);
		if (fd_read_file(g->fd, name, FILE_ROOM, &content, &missing) < 0)
			continue; /* no such controller, or an older kernel */
		buf_add(ret, name, strlen(name) + 1);
		if (content.len > 0)
			buf_add(ret, content.data, content.len);
		buf_add(ret, "", 1);
	}
	return 0;
}

int group_update(const struct group *g, struct agent_texts pairs, const struct cgroup_steps *steps,
                 struct err *e)
{
	struct cgroup_write writes[AGENT_FILES_MAX];
	size_t count = 0;
	const char *file;

	TRY(check(g, e));
	while ((file = agent_text(&pairs)) && count < AGENT_FILES_MAX) {
		if (!is_name(file))
			return err_set(e, ERR_BUG, "\"%s\" is no file of a cgroup", file);
		writes[count++] =
			(struct cgroup_write){ .file = file, .value = agent_text(&pairs) };
	}
	return cgroup_update_then(g->fd, writes, count, steps, e);
}

int group_freeze(const struct group *g, bool frozen, struct err *e)
{
	TRY(check(g, e));
	return cgroup_freeze(g->fd, frozen, FREEZE_MS, e);
}

int group_signal(const struct group *g, int signal, struct err *e)
{
	TRY(check(g, e));
	return signal == SIGKILL ? cgroup_kill(g->fd, e) : cgroup_signal(g->fd, signal, e);
}

bool group_look(struct group *g)
{
	ARENA struct arena a = { 0 };
	struct meter_reading reading = { 0 };
	struct err ignored = { 0 };
	uint64_t kills = 0;

	if (meter_read(&g->meter, &a, &reading, &ignored) <= 0)
		return false;
	(void)meter_find(&reading.table[METER_MEMORY_EVENTS], "oom_kill", &kills);
	if (kills <= g->kills)
		return false;
	g->kills = kills;
	return true;
}
