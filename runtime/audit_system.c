/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of /proc and /sys that are hidden or read-only, limits, hooks, and the rest. */
#include <string.h>

#include "base/path.h"
#include "base/scope.h"
#include "runtime/audit.h"

/* --- masked and read-only paths ------------------------------------------------------------ */

static const struct {
	const char *path;
	enum audit_severity severity;
	const char *what;
} masked[] = {
	{ "/proc/kcore", AUDIT_MEDIUM, "the host's memory" },
	{ "/proc/keys", AUDIT_MEDIUM, "keys of the host" },
	{ "/proc/timer_list", AUDIT_LOW, "what others wait for" },
	{ "/proc/sched_debug", AUDIT_LOW, "all processes of the host" },
	{ "/proc/scsi", AUDIT_MEDIUM, "the host's disks can be removed" },
	{ "/proc/acpi", AUDIT_LOW, "the host's hardware" },
	{ "/sys/firmware", AUDIT_LOW, "the host's firmware" },
}, readonly[] = {
	{ "/proc/sys", AUDIT_HIGH, "sysctls of the host, core_pattern among them" },
	{ "/proc/sysrq-trigger", AUDIT_HIGH, "the host can be restarted" },
	{ "/proc/irq", AUDIT_MEDIUM, "the host's interrupts" },
	{ "/proc/bus", AUDIT_MEDIUM, "the host's buses" },
	{ "/proc/fs", AUDIT_MEDIUM, "the host's filesystems" },
};

static bool covered(const struct oci_strings *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		if (path_is_below(path, list->v[i]))
			return true;
	}
	return false;
}

/* Whether the part of the tree that the path is in is there at all. */
static bool is_mounted(const struct audit *a, const char *path)
{
	for (size_t i = 0; i < a->config->mount_count; i++) {
		const char *to = path_clean(a->arena, "/", a->config->mounts[i].destination);

		if (strcmp(to, "/") != 0 && path_is_below(path, to))
			return true;
	}
	return false;
}

static void check_paths(struct audit *a)
{
	const struct oci_linux *l = a->config->linux_;

	for (size_t i = 0; i < LEN(masked); i++) {
		if (covered(&l->masked_paths, masked[i].path) || !is_mounted(a, masked[i].path))
			continue;
		audit_add(a, audit_behind_user_wall(a, masked[i].severity), "unmasked-path",
		          "/linux/maskedPaths",
		          arena_printf(a->arena, "add \"%s\"", masked[i].path), "%s: %s",
		          masked[i].path, masked[i].what);
	}
	for (size_t i = 0; i < LEN(readonly); i++) {
		if (covered(&l->masked_paths, readonly[i].path) ||
		    covered(&l->readonly_paths, readonly[i].path) ||
		    !is_mounted(a, readonly[i].path))
			continue;
		audit_add(a, audit_behind_user_wall(a, readonly[i].severity), "writable-path",
		          "/linux/readonlyPaths",
		          arena_printf(a->arena, "add \"%s\"", readonly[i].path), "%s: %s",
		          readonly[i].path, readonly[i].what);
	}
}

/* --- limits ------------------------------------------------------------------------------ */

static void check_limits(struct audit *a)
{
	static const struct oci_resources none = { 0 };
	const struct oci_resources *r =
		a->config->linux_->resources ? a->config->linux_->resources : &none;

	if (!r->memory || !r->memory->limit.set || r->memory->limit.value < 0)
		audit_add(a, AUDIT_MEDIUM, "no-memory-limit", "/linux/resources/memory/limit",
		          "set it", "can use all memory of the host");
	if (r->memory && r->memory->disable_oom_killer.set && r->memory->disable_oom_killer.value)
		audit_add(a, AUDIT_MEDIUM, "no-oom-killer",
		          "/linux/resources/memory/disableOOMKiller", "leave it out",
		          "hangs where its memory is used up");
	if (!r->pids_limit.set || r->pids_limit.value <= 0)
		audit_add(a, AUDIT_MEDIUM, "no-pids-limit", "/linux/resources/pids/limit", "set it",
		          "can use up all pids of the host");
	if (!r->cpu || ((!r->cpu->quota.set || r->cpu->quota.value <= 0) && !r->cpu->shares.set &&
	                !r->cpu->cpus))
		audit_add(a, AUDIT_LOW, "no-cpu-limit", "/linux/resources/cpu",
		          "set quota and period, shares or cpus",
		          "can use all processors of the host");
}

/* --- hooks and the rest ------------------------------------------------------------------ */

static void check_hook(struct audit *a, const struct oci_hook *hook, const char *at)
{
	static const char *const open_to_all[] = { "/tmp", "/var/tmp", "/dev/shm" };
	const char *root = path_clean(a->arena, a->bundle, a->config->root_path);

	for (size_t i = 0; i < LEN(open_to_all); i++) {
		if (path_is_below(hook->path, open_to_all[i])) {
			audit_add(a, AUDIT_HIGH, "hook-in-open-folder", at,
			          "keep the program where only root can write",
			          "everybody of the host can put a program at %s", hook->path);
			return;
		}
	}
	if (path_is_below(hook->path, root))
		audit_add(a, AUDIT_HIGH, "hook-of-image", at,
		          "keep the program outside of the container's root",
		          "%s is the container's to change, and runs outside of it", hook->path);
	else
		audit_add(a, AUDIT_LOW, "hook", at, "leave it out, if it is not needed",
		          "%s runs outside of the container", hook->path);
}

static void check_rest(struct audit *a)
{
	const struct oci_config *c = a->config;

	for (size_t i = 0; i < c->annotations.n; i++) {
		if (strcmp(c->annotations.v[i].key, "run.oci.keep_original_groups") == 0)
			audit_add(a, AUDIT_MEDIUM, "keeps-groups",
			          "/annotations/run.oci.keep_original_groups", "leave it out",
			          "has the groups of who started it");
	}
	for (size_t i = 0; i < c->linux_->net_device_count; i++)
		audit_add(a, AUDIT_LOW, "net-device",
		          audit_member(a, "/linux/netDevices", c->linux_->net_devices[i].host_name),
		          "leave it out, if it is not needed", "takes the host's network device %s",
		          c->linux_->net_devices[i].host_name);
}

void audit_system(struct audit *a)
{
	check_paths(a);
	check_limits(a);
	for (enum oci_hook_kind kind = 0; kind < OCI_HOOK_KINDS; kind++) {
		const struct oci_hook_list *list = &a->config->hooks[kind];

		for (size_t i = 0; i < list->n; i++) {
			/* startContainer hooks are the container's own, and run inside */
			if (kind != OCI_HOOK_START_CONTAINER)
				check_hook(a, &list->v[i],
				           arena_printf(a->arena, "/hooks/%s/%zu",
				                        oci_hook_kind_name(kind), i));
		}
	}
	check_rest(a);
}
