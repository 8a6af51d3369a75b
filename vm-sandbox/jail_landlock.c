/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock for the monitor: all that this kernel's version of it knows is forbidden, but
 * files below the shares. Without Landlock the other walls stand.
 *
 * Source: landlock(7), Documentation/userspace-api/landlock.rst.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <sys/stat.h>

#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/jail.h"

/* What is newer than a distribution's headers. */
enum {
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	NET_ALL = 3,    /* bind and connect TCP */
	SCOPES_ALL = 3, /* abstract sockets and signals */
};

struct ruleset {
	uint64_t fs, net, scopes;
};

enum {
	FS_VERSION_1 = FS_REFER - 1,
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	/* a guest's device is a whiteout at the most, which counts as a character device */
	NEVER = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_BLOCK | FS_IOCTL_DEV,
	FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE,
};

/* What a kernel of this version can forbid. */
static struct ruleset all_of(long version)
{
	struct ruleset r = { .fs = FS_VERSION_1 };

	if (version >= 2)
		r.fs |= FS_REFER;
	if (version >= 3)
		r.fs |= FS_TRUNCATE;
	if (version >= 4)
		r.net = NET_ALL;
	if (version >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		r.scopes = SCOPES_ALL;
	return r;
}

static int allow(int ruleset, const struct fs_share *s, uint64_t known, struct err *e)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = s->fd };
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return err_sys(e, "stat the share %s", s->name);
	rule.allowed_access = known & (s->read_only ? READ : ~(uint64_t)NEVER);
	if (!S_ISDIR(st.st_mode)) /* EINVAL for what only a folder can do */
		rule.allowed_access &= FILES;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_sys(e, "allow the share %s by Landlock", s->name);
	return 0;
}

int jail_landlock(const struct fs_share *shares, unsigned int count, struct err *e)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset all = all_of(version);

	if (version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return 0;
	FD int ruleset =
		version < 0 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (ruleset < 0)
		return err_sys(e, "make a Landlock ruleset");
	for (unsigned int i = 0; i < count; i++)
		TRY(allow(ruleset, &shares[i], all.fs, e));
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(e, "enter the Landlock ruleset");
	return 0;
}
