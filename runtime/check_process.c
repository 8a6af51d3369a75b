/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The looking process becomes the container's: limits, ids and capabilities are set,
 * so the kernel itself says what it would refuse, and then the program is looked up
 * with the rights that it would be executed with.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/check.h"
#include "runtime/launch/frame.h"
#include "runtime/launch/program.h"

static void verdict(struct check *c, const struct plan_step *step, long result, uint32_t call,
                    const char *what)
{
	struct err e = { 0 };

	if (result >= 0) {
		check_pass(c, check_subject(c, step));
		return;
	}
	check_step_error(c, step, call, what, &e);
	check_fail(c, check_subject(c, step), &e);
}

/* --- becoming the user -------------------------------------------------------------------- */

/* The soft limit stays: a low one would be our own end. */
static void check_limit(struct check *c, const struct plan_step *step)
{
	struct rlimit now, wanted;
	int resource = (int)step->rlimit.resource;

	if (sys_getrlimit(resource, &now) < 0 || step->rlimit.hard <= now.rlim_max) {
		check_pass(c, check_subject(c, step));
		return;
	}
	wanted = (struct rlimit){ .rlim_cur = now.rlim_cur, .rlim_max = step->rlimit.hard };
	verdict(c, step, syscall(SYS_prlimit64, 0, resource, &wanted, NULL), CALL_SETRLIMIT, "");
}

static void check_ids(struct check *c, const struct plan_step *step)
{
	const gid_t *groups = plan_array(c->plan, step->ids.groups);

	(void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (!step->ids.keep_groups && syscall(SYS_setgroups, step->ids.groups.count, groups) < 0)
		verdict(c, step, -1, CALL_SETGROUPS, "");
	else if (syscall(SYS_setresgid, step->ids.gid, step->ids.gid, step->ids.gid) < 0)
		verdict(c, step, -1, CALL_SETRESGID, "");
	else
		verdict(c, step,
		        syscall(SYS_setresuid, step->ids.uid, step->ids.uid, step->ids.uid),
		        CALL_SETRESUID, "");
}

static void check_caps(struct check *c, const struct plan_step *step)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (unsigned int half = 0; half < 2; half++) {
		data[half].effective = (uint32_t)(step->caps.effective >> 32 * half);
		data[half].permitted = (uint32_t)(step->caps.permitted >> 32 * half);
		data[half].inheritable = (uint32_t)(step->caps.inheritable >> 32 * half);
	}
	verdict(c, step, syscall(SYS_capset, &header, data), CALL_CAPSET, "");
}

/* No filter is loaded; a flag that the kernel knows makes it look at the NULL. */
static void check_seccomp(struct check *c, const struct plan_step *step)
{
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, step->seccomp.flags, NULL);

	verdict(c, step, result < 0 && errno != EFAULT && errno != EACCES ? -1 : 0, CALL_SECCOMP,
	        "");
}

/* --- the program ---------------------------------------------------------------------------- */

static const char *working_folder(const struct check *c)
{
	const struct plan_step *step = plan_array(c->plan, c->plan->steps);

	for (uint32_t i = 0; i < c->plan->steps.count; i++)
		if (step[i].op == PLAN_CWD)
			return plan_text(c->plan, step[i].string);
	return "/";
}

/* 0, or the errno and the call that would fail. */
static int may_execute(const struct check *c, const char *path, uint32_t *call)
{
	FD int file = sys_openat2(c->root, path, O_PATH | O_CLOEXEC, 0,
	                          RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct stat st;

	*call = CALL_STAT;
	if (file < 0 || fstat(file, &st) < 0)
		return errno;
	*call = CHECK_DIRECTORY;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	*call = CALL_EXECVE;
	return syscall(SYS_faccessat2, file, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) < 0 ? errno : 0;
}

/* As init does it: the first folder of PATH where it may be executed. NULL and errno. */
static const char *look_up(struct check *c, const char *file, const char *search, uint32_t *call)
{
	bool denied = false;

	while (search) {
		size_t len = strcspn(search, ":");
		const char *folder = arena_string(c->arena, search, len);
		const char *path =
			path_clean(c->arena, working_folder(c),
		                   arena_printf(c->arena, "%s/%s", len ? folder : ".", file));
		int why = may_execute(c, path, call);

		if (why == 0)
			return path;
		denied |= why == EACCES;
		search = search[len] ? search + len + 1 : NULL;
	}
	*call = denied ? CALL_EXECVE : CHECK_LOOKUP;
	errno = denied ? EACCES : ENOENT;
	return NULL;
}

/* What the loader would not find. */
static void check_needs(struct check *c, const struct plan_step *step, const char *path)
{
	char lack[PROGRAM_LACK_MAX];
	struct err e = { 0 };

	if (!program_lacks(c->root, path, lack)) {
		check_pass(c, check_subject(c, step));
	} else if (c->gaps) {
		check_unknown(c, check_subject(c, step), lack);
	} else {
		(void)err_set(&e, ERR_EXEC, "process.args: exec %s: %s",
		              plan_text(c->plan, step->exec.file), lack);
		check_fail(c, check_subject(c, step), &e);
	}
}

static void check_executable(struct check *c, const struct plan_step *step)
{
	const char *file = plan_text(c->plan, step->exec.file), *path;
	uint32_t call = CALL_NONE;

	if (strchr(file, '/')) {
		path = path_clean(c->arena, working_folder(c), file);
		errno = may_execute(c, path, &call);
		if (errno)
			path = NULL;
	} else {
		path = look_up(c, file, plan_text(c->plan, step->exec.search), &call);
	}
	if (path)
		check_needs(c, step, path);
	else if (c->gaps)
		check_unknown(c, check_subject(c, step),
		              "not found; not all mounts could be tried");
	else
		verdict(c, step, -1, call, file);
}

static void check_hook(struct check *c, const struct plan_step *step)
{
	const char *path = plan_text(c->plan, step->hook.path);
	uint32_t call;

	errno = may_execute(c, path, &call);
	if (errno && c->gaps)
		check_unknown(c, check_subject(c, step),
		              "not found; not all mounts could be tried");
	else
		verdict(c, step, errno ? -1 : 0, CALL_EXECVE, path);
}

static void check_step(struct check *c, const struct plan_step *step)
{
	switch (step->op) {
	case PLAN_RLIMIT:
		check_limit(c, step);
		break;
	case PLAN_IDS:
		check_ids(c, step);
		break;
	case PLAN_CAPS:
		check_caps(c, step);
		break;
	case PLAN_SECCOMP:
		check_seccomp(c, step);
		break;
	case PLAN_EXECUTABLE:
		if (c->root >= 0)
			check_executable(c, step);
		break;
	case PLAN_HOOK_CONTAINER:
		if (c->root >= 0)
			check_hook(c, step);
		break;
	default:
		break;
	}
}

/* How many steps come before the new user namespace; 0: there is none. */
static uint32_t steps_outside(const struct check *c)
{
	const struct plan_step *step = plan_array(c->plan, c->plan->steps);

	for (uint32_t i = 0; i < c->plan->steps.count; i++)
		if (step[i].op == PLAN_USER_NAMESPACE)
			return i;
	return 0;
}

void check_limits_outside(struct check *c)
{
	const struct plan_step *step = plan_array(c->plan, c->plan->steps);

	for (uint32_t i = 0; i < steps_outside(c); i++)
		if (step[i].op == PLAN_RLIMIT)
			check_limit(c, &step[i]);
}

void check_process(struct check *c)
{
	const struct plan_step *step = plan_array(c->plan, c->plan->steps);

	for (uint32_t i = steps_outside(c); i < c->plan->steps.count; i++)
		check_step(c, &step[i]);
}
