/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Umask, working folder and ids. The folder is entered before the ids change, with
 * the capabilities that init still has; one that only its owner may enter, and root
 * may not (a network filesystem, a user namespace), is tried again right after.
 * getcwd(2) of a folder outside of the root does not begin with '/': a working
 * folder like /proc/self/fd/N that leads out is found so, whatever it leads to.
 */
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/target.h"

enum { ROOM = 4096 }; /* PATH_MAX */

static const char *denied; /* a working folder to be tried again */

void step_personality(const struct plan_step *step)
{
	must(sys_personality(step->value), CALL_PERSONALITY, NULL);
}

void step_memory_policy(const struct plan_step *step)
{
	struct plan_list nodes = step->memory_policy.nodes;

	must(sys_set_mempolicy(step->memory_policy.mode, plan_array(plan, nodes),
	                       nodes.count * 64ul),
	     CALL_SET_MEMPOLICY, NULL);
}

void step_umask(const struct plan_step *step)
{
	(void)sys_umask((unsigned int)step->value);
}

static void check_folder(const char *path)
{
	char found[ROOM];

	must(sys_getcwd(found, sizeof(found)), CALL_GETCWD, path);
	if (found[0] != '/')
		fail(CHECK_CWD, 0, path);
}

void step_cwd(const struct plan_step *step)
{
	const char *path = plan_string(step->string);
	/* at the root is where every plan has come to by now */
	long result = text_equal(path, "/") ? 0 : sys_chdir(path);

	denied = result == -EACCES ? path : NULL;
	if (denied)
		return;
	must(result, CALL_CHDIR, path);
	check_folder(path);
}

/* Real, effective and saved ones. */
static bool are_ids(uint32_t uid, uint32_t gid)
{
	uint32_t user[3], group[3];

	must(sys_getresuid(&user[0], &user[1], &user[2]), CALL_SETRESUID, NULL);
	must(sys_getresgid(&group[0], &group[1], &group[2]), CALL_SETRESGID, NULL);
	for (unsigned int i = 0; i < 3; i++) {
		if (user[i] != uid || group[i] != gid)
			return false;
	}
	return true;
}

/* A pipe that an engine made belongs to root, and opening /dev/stdout again is an
 * open(2) by the user: the pipes of stdio become the user's. Nothing else is touched:
 * a terminal has its owner, and a file or /dev/null is not ours to give away. That it
 * cannot be done (an id that is not mapped) only leaves it as it was. */
static void give_pipes(uint32_t uid)
{
	for (int fd = 0; fd <= 2; fd++) {
		struct stat st;

		if (sys_fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != uid)
			(void)sys_fchownat(fd, "", uid, UINT32_MAX, AT_EMPTY_PATH);
	}
}

static void set_groups(const struct plan_step *step)
{
	long result = sys_setgroups(step->ids.groups.count, plan_array(plan, step->ids.groups));

	if (result != -EPERM || step->ids.keep_groups != PLAN_GROUPS_TRY)
		must(result, CALL_SETGROUPS, NULL);
}

/* Permitted capabilities outlive the change (PR_SET_KEEPCAPS), because PLAN_CAPS
 * chooses among them. Looking is cheaper than setting what is so already. */
void step_ids(const struct plan_step *step)
{
	uint32_t uid = step->ids.uid, gid = step->ids.gid;

	if (step->ids.keep_groups != PLAN_GROUPS_KEEP)
		set_groups(step);
	if (!are_ids(uid, gid)) {
		give_pipes(uid);
		must(sys_prctl(PR_SET_KEEPCAPS, 1, 0), CALL_PRCTL, NULL);
		must(sys_setresgid(gid, gid, gid), CALL_SETRESGID, NULL);
		must(sys_setresuid(uid, uid, uid), CALL_SETRESUID, NULL);
		must(sys_prctl(PR_SET_KEEPCAPS, 0, 0), CALL_PRCTL, NULL);
		if (!are_ids(uid, gid))
			fail(CHECK_READ_BACK, 0, "user and group");
	}
	if (denied) {
		must(sys_chdir(denied), CALL_CHDIR, denied);
		check_folder(denied);
	}
}
