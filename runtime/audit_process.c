/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process: capabilities, user, no_new_privs, labels, environment, priorities. A
 * capability is held against the namespaces that it works on: in a user namespace of the
 * container's own it is worth less.
 */
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "runtime/audit.h"

/* Not in this table: what says nothing about the host. */
static const struct {
	int number;
	enum audit_severity severity;
	const char *what;
} capabilities[] = {
	{ CAP_SYS_ADMIN, AUDIT_HIGH, "mounts, namespaces and most of the kernel's administration" },
	{ CAP_SYS_MODULE, AUDIT_HIGH, "loads code into the kernel" },
	{ CAP_SYS_RAWIO, AUDIT_HIGH, "reaches the hardware and the kernel's memory" },
	{ CAP_SYS_PTRACE, AUDIT_HIGH, "reads and controls other processes" },
	{ CAP_DAC_READ_SEARCH, AUDIT_HIGH, "opens files by number, outside of the root" },
	{ CAP_BPF, AUDIT_HIGH, "loads programs into the kernel" },
	{ CAP_SYS_BOOT, AUDIT_HIGH, "restarts the host" },
	{ CAP_MAC_ADMIN, AUDIT_HIGH, "changes the policy of the host's security modules" },
	{ CAP_MAC_OVERRIDE, AUDIT_HIGH, "goes past the host's security modules" },
	{ CAP_SYS_TIME, AUDIT_HIGH, "sets the host's clock" },
	{ CAP_PERFMON, AUDIT_MEDIUM, "observes the kernel and other processes" },
	{ CAP_SYSLOG, AUDIT_MEDIUM, "reads the kernel's messages and addresses" },
	{ CAP_CHECKPOINT_RESTORE, AUDIT_MEDIUM, "chooses pids and reads others' mappings" },
	{ CAP_SYS_RESOURCE, AUDIT_MEDIUM, "goes past limits and reserves" },
	{ CAP_AUDIT_CONTROL, AUDIT_MEDIUM, "switches the host's auditing off" },
	{ CAP_AUDIT_READ, AUDIT_MEDIUM, "reads the host's audit records" },
	{ CAP_SYS_PACCT, AUDIT_MEDIUM, "records all processes of the host" },
	{ CAP_LINUX_IMMUTABLE, AUDIT_LOW, "makes files that cannot be deleted" },
	{ CAP_MKNOD, AUDIT_LOW, "makes device nodes" },
	{ CAP_NET_RAW, AUDIT_LOW, "forges packets" },
	{ CAP_SYS_NICE, AUDIT_LOW, "takes processor time from others" },
	{ CAP_IPC_LOCK, AUDIT_LOW, "locks memory without limit" },
	{ CAP_SYS_TTY_CONFIG, AUDIT_LOW, "hangs up terminals" },
	{ CAP_SETPCAP, AUDIT_LOW, "passes capabilities on" },
	{ CAP_DAC_OVERRIDE, AUDIT_LOW, "reads and writes files whatever their mode" },
};

static const char *capability_pointer(const struct audit *a, int number)
{
	static const char *const sets[] = { "bounding", "permitted", "effective", "inheritable",
		                            "ambient" };
	const char *at = "/process/capabilities";

	for (size_t i = 0; i < LEN(sets); i++) {
		const char *keys[] = { "process", "capabilities", sets[i], NULL };

		at = audit_pointer(a, keys, oci_capability_name(number));
		if (strrchr(at, '/')[1] >= '0' && strrchr(at, '/')[1] <= '9')
			return at;
	}
	return "/process/capabilities";
}

static void check_capabilities(struct audit *a, const struct oci_capabilities *c)
{
	uint64_t held = c->bounding | c->permitted | c->ambient | c->inheritable;

	for (size_t i = 0; i < LEN(capabilities); i++) {
		if (!(held & 1ULL << capabilities[i].number))
			continue;
		audit_add(a, audit_behind_user_wall(a, capabilities[i].severity), "capability",
		          capability_pointer(a, capabilities[i].number), "take it out of all sets",
		          "%s: %s", oci_capability_name(capabilities[i].number),
		          capabilities[i].what);
	}
	if (held & 1ULL << CAP_NET_ADMIN) {
		bool own = audit_has_namespace(a, OCI_NS_NETWORK);

		audit_add(a, own ? AUDIT_MEDIUM : AUDIT_HIGH, "capability",
		          capability_pointer(a, CAP_NET_ADMIN), "take it out of all sets",
		          "CAP_NET_ADMIN: changes the %s network, and reaches much of the kernel",
		          own ? "container's" : "host's");
	}
	if (c->inheritable)
		audit_add(a, AUDIT_LOW, "inheritable-capabilities",
		          "/process/capabilities/inheritable", "leave the set empty",
		          "programs with file capabilities get them as any user");
	if (c->ambient)
		audit_add(a, AUDIT_LOW, "ambient-capabilities", "/process/capabilities/ambient",
		          "leave the set empty", "programs of any user keep capabilities");
}

static void check_user(struct audit *a, const struct oci_user *user)
{
	if (user->uid == 0)
		audit_add(a, AUDIT_LOW, "root-user", "/process/user/uid",
		          "run the program as a user that owns nothing", "runs as root");
	for (size_t i = 0; user->uid != 0 && i < user->additional_gid_count; i++) {
		if (user->additional_gids[i] == 0)
			audit_add(a, AUDIT_LOW, "root-group",
			          arena_printf(a->arena, "/process/user/additionalGids/%zu", i),
			          "leave the group out", "is in root's group");
	}
	if (user->umask.set && (user->umask.value & 022) == 0)
		audit_add(a, AUDIT_LOW, "open-umask", "/process/user/umask", "use 022 or 077",
		          "what it makes is writable for all");
}

static void check_labels(struct audit *a, const struct oci_process *p)
{
	if (p->apparmor_profile && strcmp(p->apparmor_profile, "unconfined") == 0)
		audit_add(a, AUDIT_MEDIUM, "apparmor-unconfined", "/process/apparmorProfile",
		          "name a profile", "AppArmor is switched off");
	else if (p->selinux_label &&
	         (strstr(p->selinux_label, ":spc_t") || strstr(p->selinux_label, ":unconfined_t")))
		audit_add(a, AUDIT_MEDIUM, "selinux-unconfined", "/process/selinuxLabel",
		          "use the type container_t", "SELinux does not confine it");
	else if (!p->apparmor_profile && !p->selinux_label)
		audit_add(a, AUDIT_LOW, "no-lsm", "/process",
		          "set apparmorProfile or selinuxLabel, where the host has one of them",
		          "no security module confines it");
}

/* The part of a variable's name that says that its value is not for everybody. */
static bool is_secret(const char *name, size_t len)
{
	static const char *const words[] = { "PASSWORD", "PASSWD",      "SECRET",    "TOKEN",
		                             "API_KEY",  "PRIVATE_KEY", "CREDENTIAL" };

	for (size_t i = 0; i < LEN(words); i++) {
		for (size_t at = 0; at + strlen(words[i]) <= len; at++) {
			if (strncasecmp(name + at, words[i], strlen(words[i])) == 0)
				return true;
		}
	}
	return false;
}

static void check_environment(struct audit *a, const struct oci_strings *env)
{
	for (size_t i = 0; i < env->n; i++) {
		size_t len = strcspn(env->v[i], "=");

		if (env->v[i][len] && env->v[i][len + 1] && is_secret(env->v[i], len))
			audit_add(a, AUDIT_MEDIUM, "secret-in-environment",
			          arena_printf(a->arena, "/process/env/%zu", i),
			          "give it in a file that only its user can read",
			          "%.*s can be read in config.json and in /proc", (int)len,
			          env->v[i]);
	}
}

static void check_priorities(struct audit *a, const struct oci_process *p)
{
	if (p->oom_score_adj.set && p->oom_score_adj.value < 0)
		audit_add(a, AUDIT_MEDIUM, "oom-protected", "/process/oomScoreAdj", "use 0 or more",
		          "when memory runs out, others are ended first");
	if (p->scheduler && (p->scheduler->policy == SCHED_FIFO ||
	                     p->scheduler->policy == SCHED_RR || p->scheduler->policy == 6))
		audit_add(a, AUDIT_MEDIUM, "realtime", "/process/scheduler/policy",
		          "use SCHED_OTHER", "%s can take a processor for itself",
		          p->scheduler->policy_name);
	if (p->io_priority && p->io_priority->class == IOPRIO_CLASS_RT)
		audit_add(a, AUDIT_LOW, "realtime-io", "/process/ioPriority/class",
		          "use IOPRIO_CLASS_BE", "its disk requests go before all others");
}

/* A path that gives all back, or a kernel that knows less. */
static void check_landlock(struct audit *a, const struct oci_landlock *l)
{
	static const char at[] = "/annotations/" OCI_LANDLOCK_ANNOTATION;

	if (!l->strict)
		audit_add(a, AUDIT_LOW, "landlock-best-effort", at, "set disableBestEffort to true",
		          "what the kernel is too old for is not restricted");
	for (size_t i = 0; i < l->path_count; i++) {
		if (strcmp(l->paths[i].path, "/") == 0 && l->paths[i].access == l->fs)
			audit_add(
				a, AUDIT_LOW, "landlock-allows-all", at,
				"allow what is needed below the folders where it is needed",
				"everything that Landlock could refuse of files is allowed below /");
	}
}

void audit_process(struct audit *a)
{
	const struct oci_process *p = a->config->process;

	if (a->config->landlock)
		check_landlock(a, a->config->landlock);
	if (!p)
		return;
	if (p->capabilities)
		check_capabilities(a, p->capabilities);
	if (!p->no_new_privileges)
		audit_add(a, AUDIT_MEDIUM, "new-privileges", "/process/noNewPrivileges",
		          "set it to true", "setuid programs and file capabilities work");
	check_user(a, &p->user);
	check_labels(a, p);
	check_environment(a, &p->env);
	check_priorities(a, p);
}
