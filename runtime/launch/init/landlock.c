/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: the process and its children give up access by themselves, and no right of
 * root's brings it back. Paths are opened here, as the container's root and inside of
 * it, so that the user who the process will be needs no way to them. What comes after
 * this step may mount nothing and opens only what the rules allow.
 */
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/sys.h"

/* LANDLOCK_ACCESS_FS_* that mean something for a file: execute, write_file, read_file,
 * truncate, ioctl_dev. A rule on a file may have no others. */
#define OF_FILES (1ull << 0 | 1ull << 1 | 1ull << 2 | 1ull << 14 | 1ull << 15)

static void add_path(int ruleset, const struct plan_landlock *rule, bool strict)
{
	const char *path = plan_string(rule->path);
	long fd = sys_openat2(AT_FDCWD, path, O_PATH, RESOLVE_NO_MAGICLINKS);
	struct sys_landlock_path beneath = { .access = rule->access, .folder = (int32_t)fd };
	struct stat st;

	if ((fd == -ENOENT || fd == -ENOTDIR) && !strict)
		return; /* nothing is there to be allowed */
	must(fd, CALL_OPEN, path);
	must(sys_fstat((int)fd, &st), CALL_STAT, path);
	if (!S_ISDIR(st.st_mode))
		beneath.access &= OF_FILES;
	if (beneath.access)
		must(sys_landlock_add_rule(ruleset, SYS_LANDLOCK_PATH, &beneath),
		     CALL_LANDLOCK_ADD_RULE, path);
	(void)sys_close((int)fd);
}

void step_landlock(const struct plan_step *step)
{
	const struct sys_landlock_ruleset attributes = {
		.fs = step->landlock.fs,
		.net = step->landlock.net,
		.scopes = step->landlock.scopes,
	};
	const struct plan_landlock *rule = plan_array(plan, step->landlock.rules);
	int ruleset = (int)must(sys_landlock_create_ruleset(&attributes),
	                        CALL_LANDLOCK_CREATE_RULESET, NULL);

	for (uint32_t i = 0; i < step->landlock.rules.count; i++) {
		struct sys_landlock_port port = { .access = rule[i].access, .port = rule[i].port };

		if (rule[i].path)
			add_path(ruleset, &rule[i], step->landlock.strict);
		else
			must(sys_landlock_add_rule(ruleset, SYS_LANDLOCK_PORT, &port),
			     CALL_LANDLOCK_ADD_RULE, NULL);
	}
	must(sys_landlock_restrict_self(ruleset), CALL_LANDLOCK_RESTRICT_SELF, NULL);
	(void)sys_close(ruleset);
}
