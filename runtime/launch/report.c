/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init could not do, in words. Init sends numbers (step, call, errno) and the
 * name it failed on; the plan tells the rest. Prose lives here, not in init.
 *
 * Engines recognise a few texts ("executable file not found in $PATH", "no such
 * file or directory", "permission denied", "is a directory"), so those are said
 * exactly as Go's os/exec says them.
 */
#include "runtime/launch/report.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/launch/hints.h"
#include "runtime/launch/plan_check.h"
#include "runtime/launch/program.h"

static const char *const call_names[] = {
	[CALL_OPEN] = "open",
	[CALL_MKDIR] = "mkdir",
	[CALL_MKNOD] = "mknod",
	[CALL_CHOWN] = "chown",
	[CALL_SYMLINK] = "symlink",
	[CALL_READ] = "read",
	[CALL_WRITE] = "write",
	[CALL_STAT] = "stat",
	[CALL_FSOPEN] = "fsopen",
	[CALL_FSCONFIG] = "fsconfig",
	[CALL_FSMOUNT] = "fsmount",
	[CALL_OPEN_TREE] = "open_tree",
	[CALL_MOVE_MOUNT] = "move_mount",
	[CALL_MOUNT_SETATTR] = "mount_setattr",
	[CALL_MOUNT] = "mount",
	[CALL_UMOUNT] = "umount",
	[CALL_PIVOT_ROOT] = "pivot_root",
	[CALL_CHROOT] = "chroot",
	[CALL_CHDIR] = "chdir",
	[CALL_GETCWD] = "getcwd",
	[CALL_SETNS] = "setns",
	[CALL_UNSHARE] = "unshare",
	[CALL_CLONE] = "clone3",
	[CALL_SETSID] = "setsid",
	[CALL_IOCTL] = "ioctl",
	[CALL_SETRLIMIT] = "setrlimit",
	[CALL_PRCTL] = "prctl",
	[CALL_CAPSET] = "capset",
	[CALL_SETGROUPS] = "setgroups",
	[CALL_SETRESGID] = "setresgid",
	[CALL_SETRESUID] = "setresuid",
	[CALL_KEYCTL] = "keyctl",
	[CALL_SETHOSTNAME] = "sethostname",
	[CALL_SETDOMAINNAME] = "setdomainname",
	[CALL_SECCOMP] = "seccomp",
	[CALL_DUP] = "dup3",
	[CALL_POLL] = "poll",
	[CALL_EXECVE] = "execve",
	[CALL_SOCKET] = "socket",
	[CALL_MMAP] = "mmap",
	[CALL_CLOSE_RANGE] = "close_range",
	[CALL_SCHED_SETAFFINITY] = "sched_setaffinity",
	[CALL_COPY] = "tmpcopyup",
	[CALL_IOPRIO_SET] = "ioprio_set",
	[CALL_PERSONALITY] = "personality",
	[CALL_SET_MEMPOLICY] = "set_mempolicy",
	[CALL_LANDLOCK_CREATE_RULESET] = "landlock_create_ruleset",
	[CALL_LANDLOCK_ADD_RULE] = "landlock_add_rule",
	[CALL_LANDLOCK_RESTRICT_SELF] = "landlock_restrict_self",
	[CHECK_PLAN] = "the plan is not well-formed",
	[CHECK_NOT_FOLDER] =
		"must be mounted on ordinary directory of the rootfs, not a link or a file",
	[CHECK_FILESYSTEM] = "not the filesystem that it must be",
	[CHECK_NULL] = "not the null device (1:3)",
	[CHECK_READ_BACK] = "the kernel did not take over what was set",
	[CHECK_CWD] = "the working folder lies outside of the root",
	[CHECK_LOOKUP] = "executable file not found in $PATH",
	[CHECK_DIRECTORY] = "is a directory",
	[CHECK_HOOK] = "failed",
	[CHECK_HOOK_TIME] = "timed out",
	[CHECK_PROTOCOL] = "a packet that was not due",
	[CHECK_HOST_ROOT] = "is the root of a mount namespace that others are in",
	[CHECK_MOUNT] = "the container's root is not mounted there any more",
};

static const char *call_name(uint32_t call)
{
	const char *name =
		call < sizeof(call_names) / sizeof(*call_names) ? call_names[call] : NULL;

	return name ? name : "an unknown call";
}

/* The folder that the container's root was cloned from; -1 for an exec, whose plan
 * does not know it. */
static int open_rootfs(const struct plan *plan)
{
	const struct plan_step *step = plan_array(plan, plan->steps);

	for (uint32_t i = 0; i < plan->steps.count; i++)
		if (step[i].op == PLAN_ROOTFS)
			return open(plan_text(plan, step[i].rootfs.path),
			            O_PATH | O_DIRECTORY | O_CLOEXEC);
	return -1;
}

/* "interpreter PATH)" or "e_machine N)", from init */
static int init_reason(const char *text, struct err *e)
{
	static const char machine[] = "e_machine ";
	int len = (int)strcspn(text, ")");
	int mark = (int)strlen(machine);
	uint64_t number;
	char digits[16];

	(void)snprintf(digits, sizeof(digits), "%.*s", len > mark ? len - mark : 0, text + mark);
	if (strncmp(text, machine, strlen(machine)) == 0 &&
	    num_u64(digits, UINT16_MAX, &number) == 0)
		return err_hint(e, "it is a program for %s", program_machine((unsigned int)number));
	if (len > 0 && text[len - 1] == '\r')
		return err_hint(e, "its #! line ends in a carriage return, as DOS writes lines");
	return err_hint(e, "%.*s is missing", len, text);
}

/* Everything was done, but for the program itself: runc's words, without quotes. Init
 * said the path that it executed, and what its first bytes tell; the rootfs may tell
 * more (libraries), but a mount may hide what is in it. */
static int execve_error(const struct plan *plan, const struct plan_step *step,
                        const struct frame *f, struct err *e)
{
	const char *file = plan_text(plan, step->exec.file);
	char path[FRAME_TEXT_MAX], lack[PROGRAM_LACK_MAX];
	FD int rootfs = open_rootfs(plan);
	const char *reason = strstr(f->text, " (");

	(void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(f->text, "("), f->text);
	if (reason)
		path[reason - f->text] = '\0';
	err_set(e, ERR_EXEC, "exec %s: %s", file, err_words(f->error));
	if (rootfs >= 0 && path[0] == '/' && program_lacks(rootfs, path, lack))
		return err_hint(e, "%s", lack);
	if (reason)
		return init_reason(reason + 2, e);
	hint_step(plan, step, f, e);
	return -1;
}

/* exec: "sh": what Go's os/exec would say */
static int executable_error(const struct plan *plan, const struct plan_step *step,
                            const struct frame *f, struct err *e)
{
	const char *file = plan_text(plan, step->exec.file);

	if (f->call == CHECK_LOOKUP)
		return err_set(e, ERR_SPEC, "exec: \"%s\": executable file not found in $PATH",
		               file);
	if (f->call == CHECK_DIRECTORY)
		return err_set(e, ERR_SPEC, "exec: \"%s\": is a directory: permission denied",
		               file);
	if (f->call == CALL_STAT)
		return err_set(e, ERR_SPEC, "exec: \"%s\": stat %s: %s", file, file,
		               err_words(f->error));

	return err_set(e, ERR_SPEC, "exec: \"%s\": %s", file, err_words(f->error));
}

static int hook_error(const struct plan *plan, const struct plan_step *step, const struct frame *f,
                      struct err *e)
{
	const char *kind = step->op == PLAN_HOOK_HOST ? "createContainer" : "startContainer";
	const char *path = plan_text(plan, step->hook.path);
	uint32_t index = step->hook.index;

	if (f->call == CHECK_HOOK_TIME)
		return err_set(e, ERR_SPEC, "error running %s hook #%u: %s: no end after %u s",
		               kind, index, path, step->hook.timeout_s);
	if (f->call == CHECK_HOOK) {
		char words[PROC_STATUS_ROOM];

		proc_status_text((int)f->value, words);
		return err_set(e, ERR_SPEC, "error running %s hook #%u: %s: %s%s%s", kind, index,
		               path, words, f->text[0] ? ", output: " : "", f->text);
	}
	return err_set(e, ERR_SPEC, "error running %s hook #%u: %s: %s: %s", kind, index, path,
	               call_name(f->call), err_words(f->error));
}

/* What the step works on, if that says more than init's own text. */
static const char *step_object(const struct plan *plan, const struct plan_step *step)
{
	switch (step->op) {
	case PLAN_MOUNT:
	case PLAN_CGROUP_MOUNT:
		return plan_text(plan, step->mount.target);
	case PLAN_BIND:
		return plan_text(plan, step->bind.target);
	case PLAN_REMOUNT:
		return plan_text(plan, step->remount.target);
	case PLAN_ROOTFS:
		return plan_text(plan, step->rootfs.path);
	case PLAN_DEVICE:
		return plan_text(plan, step->device.path);
	case PLAN_SYSCTL:
		return plan_text(plan, step->sysctl.path);
	case PLAN_MASK:
	case PLAN_READONLY:
	case PLAN_FOLDER:
	case PLAN_HIDE:
	case PLAN_HOSTNAME:
	case PLAN_DOMAINNAME:
		return plan_text(plan, step->string);
	default:
		return NULL;
	}
}

struct attribute {
	uint32_t field, bits;
	const char *set, *clear; /* options of mount(8) */
};

static const char *attribute_word(const struct attribute *a, uint32_t set, uint32_t clear)
{
	if (set & a->bits)
		return a->set;
	return clear & a->field && !(set & a->field) ? a->clear : NULL;
}

/* What one call was to set and to clear, as " ro,suid". */
static void attribute_words(uint32_t set, uint32_t clear, char *words, size_t room)
{
	static const struct attribute attributes[] = {
		{ MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY, "ro", "rw" },
		{ MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSUID, "nosuid", "suid" },
		{ MOUNT_ATTR_NODEV, MOUNT_ATTR_NODEV, "nodev", "dev" },
		{ MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOEXEC, "noexec", "exec" },
		{ MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime" },
		{ MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow" },
		{ MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, "noatime", "relatime" },
		{ MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME, "strictatime", NULL },
	};
	const char *comma = " ";

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		const char *word = attribute_word(&attributes[i], set, clear);
		size_t used = strlen(words);

		if (!word)
			continue;
		(void)snprintf(words + used, room - used, "%s%s", comma, word);
		comma = ",";
	}
}

/* The options that mount_setattr(2) was called for, as far as the step tells. */
static void asked_attributes(const struct plan_step *step, char *words, size_t room)
{
	const struct plan_attr *a = NULL;

	if (step->op == PLAN_BIND)
		a = &step->bind.attr;
	if (step->op == PLAN_REMOUNT)
		a = &step->remount.attr;
	words[0] = '\0';
	if (a)
		attribute_words(a->set | a->set_all, a->clear | a->clear_all, words, room);
}

static bool is_mount(const struct plan_step *step)
{
	return step->op == PLAN_MOUNT || step->op == PLAN_CGROUP_MOUNT || step->op == PLAN_BIND ||
	       step->op == PLAN_REMOUNT;
}

/* For a mount in runc's words, which its tests compare. */
int report_in_step(const struct plan *plan, const struct plan_step *step, struct err *e)
{
	const char *object = step_object(plan, step);
	const char *origin = plan_text(plan, step->origin);
	const char *name = plan_op_name(step->op);

	if (is_mount(step))
		name = "error mounting";
	err_in(e, "%s%s%s%s%s%s", name ? name : "step", object ? " " : "", object ? object : "",
	       origin ? " (" : "", origin ? origin : "", origin ? ")" : "");
	return is_mount(step) ? err_in(e, "error during container init") : -1;
}

static int step_error(const struct plan *plan, const struct plan_step *step, const struct frame *f,
                      struct err *e)
{
	char words[128];

	asked_attributes(step, words, sizeof(words));
	if (step->op == PLAN_CWD && f->call != CHECK_CWD)
		return err_set(e, ERR_SPEC, "chdir to cwd (\"%s\") set in config.json failed: %s",
		               plan_text(plan, step->string), err_words(f->error));

	e->kind = ERR_KERNEL;
	e->text[0] = '\0';
	if (f->text[0])
		err_also(e, "%s ", f->text);
	size_t used = strlen(e->text);
	if (f->call >= CHECK_PLAN)
		(void)snprintf(e->text + used, sizeof(e->text) - used, "%s", call_name(f->call));
	else
		(void)snprintf(e->text + used, sizeof(e->text) - used, "%s%s: %s",
		               call_name(f->call), f->call == CALL_MOUNT_SETATTR ? words : "",
		               err_words(f->error));
	report_in_step(plan, step, e);
	hint_step(plan, step, f, e);
	return -1;
}

static int any_step_error(const struct plan *plan, const struct plan_step *step,
                          const struct frame *f, struct err *e)
{
	switch (step->op) {
	case PLAN_EXECVE:
		return execve_error(plan, step, f, e);
	case PLAN_EXECUTABLE:
		return executable_error(plan, step, f, e);
	case PLAN_HOOK_HOST:
	case PLAN_HOOK_CONTAINER:
		return hook_error(plan, step, f, e);
	default:
		return step_error(plan, step, f, e);
	}
}

int report_error(const struct plan *plan, const struct frame *frame, struct err *e)
{
	const struct plan_step *steps = plan_array(plan, plan->steps);
	struct frame f = *frame;

	f.text[FRAME_TEXT_MAX - 1] = '\0';
	if (f.step >= plan->steps.count)
		return err_set(e, ERR_KERNEL, "caisson-init: %s: %s: %s", f.text, call_name(f.call),
		               err_words(f.error));

	const struct plan_step *step = &steps[f.step];
	const char *origin = plan_text(plan, step->origin), *name = plan_op_name(step->op);

	(void)any_step_error(plan, step, &f, e);
	e->sys = f.error;
	if (origin)
		(void)err_point(e, origin);
	return err_phase(e, name ? name : "init");
}
