/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's mounts, for the looking process alone: they are made and attached in
 * its mount namespace, in the order of the plan, so that the program is looked up where
 * it will be. A target that is missing is made only in a filesystem that was made here;
 * in the rootfs it is enough to know that it could be made.
 *
 * A filesystem is created only if that has no effect on any device, folder or server:
 * of the others the options are tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "runtime/check.h"
#include "runtime/launch/frame.h"

enum { MADE_MAX = 64 };

/* The filesystems that were made here, by device. */
struct made {
	dev_t device[MADE_MAX];
	size_t count;
};

/* --- targets -------------------------------------------------------------------------- */

static int open_target(const struct check *c, const char *path, bool plain)
{
	uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

	return sys_openat2(c->root, path, O_PATH | O_CLOEXEC | (plain ? O_DIRECTORY : 0), 0,
	                   resolve | (plain ? RESOLVE_NO_SYMLINKS : 0));
}

static bool is_made_here(const struct made *made, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < made->count; i++)
		if (made->device[i] == st.st_dev)
			return true;
	return false;
}

/* The last folder of the path that is there; *rest: the part that is not. */
static int open_existing(const struct check *c, const char *path, const char **rest)
{
	char part[4096];
	size_t len = strlen(path);

	for (;;) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(len ? len : 1), path);
		int fd = open_target(c, part, false);

		if (fd >= 0 || errno != ENOENT || len == 0) {
			*rest = path + len + (path[len] == '/');
			return fd;
		}
		while (len > 0 && path[len - 1] != '/')
			len--;
		len -= len > 0;
	}
}

/* Whether the missing target could be made; in a filesystem of ours it is. 1: it is
 * there now, 0: it could be made, -1 and errno. */
static int make_target(struct check *c, const struct made *made, const char *path, bool folder)
{
	const char *rest;
	FD int parent = open_existing(c, path, &rest);
	struct statvfs fs;

	if (parent < 0)
		return -1;
	if (is_made_here(made, parent) && !strchr(rest, '/')) {
		if (folder)
			return mkdirat(parent, rest, 0755) < 0 ? -1 : 1;
		return mknodat(parent, rest, S_IFREG | 0644, 0) < 0 ? -1 : 1;
	}
	if (fstatvfs(parent, &fs) == 0 && fs.f_flag & ST_RDONLY) {
		errno = EROFS;
		return -1;
	}
	/* O_PATH: faccessat looks at "." below it, which is it */
	return faccessat(parent, ".", W_OK | X_OK, AT_EACCESS) < 0 ? -1 : 0;
}

static void fail_step(struct check *c, const struct plan_step *step, uint32_t call,
                      const char *what)
{
	struct err e = { 0 };

	check_step_error(c, step, call, what, &e);
	check_fail(c, check_subject(c, step), &e);
}

/* Attaches a detached mount at the step's target. */
static void attach(struct check *c, const struct made *made, const struct plan_step *step, int tree,
                   const char *path, bool plain)
{
	struct stat st;
	bool folder = fstat(tree, &st) < 0 || S_ISDIR(st.st_mode);
	FD int target = open_target(c, path, plain);

	if (target < 0 && errno == ENOENT) {
		int there = make_target(c, made, path, folder);

		if (there < 0) {
			fail_step(c, step, CALL_MKDIR, path);
			return;
		}
		c->gaps |= there == 0;
		if (there == 0) {
			check_pass(c, check_subject(c, step));
			return;
		}
		target = open_target(c, path, plain);
	}
	if (target < 0) {
		fail_step(c, step, CALL_OPEN, path);
		return;
	}
	if (syscall(SYS_move_mount, tree, "", target, "",
	            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
		fail_step(c, step, CALL_MOVE_MOUNT, path);
		return;
	}
	check_pass(c, check_subject(c, step));
	if (strcmp(path, "/") == 0) { /* the root from now on */
		(void)close(c->root);
		c->root = fcntl(tree, F_DUPFD_CLOEXEC, 0);
	}
}

/* --- new filesystems -------------------------------------------------------------------- */

static bool is_harmless(const char *type)
{
	static const char *const types[] = { "proc",    "sysfs",   "tmpfs",     "ramfs",
		                             "devpts",  "mqueue",  "bpf",       "cgroup2",
		                             "debugfs", "tracefs", "securityfs" };

	for (size_t i = 0; i < LEN(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

static void fail_option(struct check *c, const struct plan_step *step, int fs, const char *key,
                        const char *value)
{
	char text[480], message[256];
	int why = errno;
	ssize_t got = read(fs, message, sizeof(message) - 1);

	if (got > 0 && message[got - 1] == '\n')
		got--;
	message[got > 0 ? got : 0] = '\0';
	(void)snprintf(text, sizeof(text), "%s%s%.100s%s%s", key, value ? "=" : "",
	               value ? value : "", got > 2 ? ": " : "", got > 2 ? message + 2 : "");
	errno = why;
	fail_step(c, step, CALL_FSCONFIG, text);
}

static bool set_option(struct check *c, const struct plan_step *step, int fs, const char *key,
                       const char *value)
{
	if (syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value,
	            0) == 0)
		return true;
	fail_option(c, step, fs, key, value);
	return false;
}

static bool set_options(struct check *c, const struct plan_step *step, int fs)
{
	const struct plan_option *option = plan_array(c->plan, step->mount.options);
	const char *source = plan_text(c->plan, step->mount.source);

	if (source && !set_option(c, step, fs, "source", source))
		return false;
	for (uint32_t i = 0; i < step->mount.options.count; i++)
		if (!set_option(c, step, fs, plan_text(c->plan, option[i].key),
		                plan_text(c->plan, option[i].value)))
			return false;
	return true;
}

static void check_mount(struct check *c, struct made *made, const struct plan_step *step)
{
	const char *type = plan_text(c->plan, step->mount.fstype);
	FD int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	struct stat st;

	if (fs < 0) {
		fail_step(c, step, CALL_FSOPEN, type);
		return;
	}
	if (!set_options(c, step, fs))
		return;
	if (!is_harmless(type)) {
		check_unknown(c, check_subject(c, step), "not tried: mounting it could change it");
		c->gaps = true;
		return;
	}
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		fail_option(c, step, fs, type, NULL);
		return;
	}
	FD int tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, step->mount.attr);
	if (tree < 0) {
		fail_step(c, step, CALL_FSMOUNT, type);
		return;
	}
	if (made->count < MADE_MAX && fstat(tree, &st) == 0)
		made->device[made->count++] = st.st_dev;
	attach(c, made, step, tree, plan_text(c->plan, step->mount.target),
	       step->mount.flags & PLAN_TARGET_PLAIN);
}

/* --- binds ------------------------------------------------------------------------------ */

/* The container's own group is not there yet: create makes it. */
static bool is_own_group(const struct check *c, const char *source)
{
	const char *group = plan_text(c->plan, c->plan->cgroup.path);
	const char *mount = c->facts->cgroup.mount;
	size_t len = mount ? strlen(mount) : 0;

	return mount && group && strncmp(source, mount, len) == 0 &&
	       strcmp(source + len, group) == 0;
}

static bool set_attributes(int tree, uint32_t set, uint32_t clear, uint64_t propagation, bool all)
{
	struct mount_attr attributes = {
		.attr_set = set,
		.attr_clr = clear,
		.propagation = propagation,
	};

	if ((set | clear) & MOUNT_ATTR__ATIME)
		attributes.attr_clr |= MOUNT_ATTR__ATIME;
	return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | (all ? AT_RECURSIVE : 0),
	               &attributes, sizeof(attributes)) == 0;
}

/* A clone with its attributes; -1, and told. */
static int clone_source(struct check *c, const struct plan_step *step, const char *source)
{
	const struct plan_bind *b = &step->bind;
	bool recursive = b->flags & PLAN_BIND_RECURSIVE;
	FD int from = open(source, O_PATH | O_CLOEXEC);

	if (from < 0) {
		fail_step(c, step, CALL_OPEN, source);
		return -1;
	}
	FD int tree = sys_open_tree(from, "",
	                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
	                                    (recursive ? AT_RECURSIVE : 0U));
	if (tree < 0) {
		fail_step(c, step, CALL_OPEN_TREE, source);
		return -1;
	}
	if (!set_attributes(tree, b->attr.set_all, b->attr.clear_all, MS_PRIVATE, true) ||
	    !set_attributes(tree, b->attr.set, b->attr.clear, 0, false)) {
		fail_step(c, step, CALL_MOUNT_SETATTR, source);
		return -1;
	}
	return fd_give(&tree);
}

static void check_bind(struct check *c, const struct made *made, const struct plan_step *step)
{
	const struct plan_bind *b = &step->bind;
	const char *source = plan_text(c->plan, b->source);

	if (b->slot < c->plan->fds.count) {
		check_unknown(c, check_subject(c, step),
		              "not tried: it is what a process has open");
		c->gaps = true;
		return;
	}
	if (!source || is_own_group(c, source)) {
		c->gaps = true;
		return;
	}
	FD int tree = clone_source(c, step, source);
	if (tree < 0)
		return;
	if (b->flags & PLAN_BIND_IDMAP)
		check_unknown(c, check_subject(c, step),
		              "whether its filesystem maps ids is not "
		              "tried");
	attach(c, made, step, tree, plan_text(c->plan, b->target), b->flags & PLAN_TARGET_PLAIN);
}

/* --- the rest --------------------------------------------------------------------------- */

static void check_rootfs(struct check *c, const struct plan_step *step)
{
	const char *path = plan_text(c->plan, step->rootfs.path);
	unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (step->rootfs.recursive ? AT_RECURSIVE : 0);
	FD int tree = sys_open_tree(AT_FDCWD, path, flags);
	FD int place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (tree < 0)
		fail_step(c, step, CALL_OPEN_TREE, path);
	else if (place < 0)
		fail_step(c, step, CALL_OPEN, path);
	else if (syscall(SYS_move_mount, tree, "", place, "",
	                 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		fail_step(c, step, CALL_MOVE_MOUNT, path);
	else
		c->root = fd_give(&tree);
	if (c->root >= 0)
		check_pass(c, check_subject(c, step));
}

/* Made by mknod(2), or the host's node is bound. */
static void check_device(struct check *c, const struct plan_step *step)
{
	const char *path = plan_text(c->plan, step->device.path);
	struct stat st;

	if (!step->origin)
		return; /* the default ones are everywhere */
	if (step->device.how == PLAN_DEVICE_BIND && stat(path, &st) < 0) {
		fail_step(c, step, CALL_OPEN, path);
	} else if (step->device.how != PLAN_DEVICE_BIND && !S_ISFIFO(step->device.mode) &&
	           prctl(PR_CAPBSET_READ, 27 /* CAP_MKNOD */, 0, 0, 0) != 1) {
		errno = EPERM;
		fail_step(c, step, CALL_MKNOD, path);
	} else {
		check_pass(c, check_subject(c, step));
	}
}

static void check_sysctl(struct check *c, const struct plan_step *step)
{
	const char *name = plan_text(c->plan, step->sysctl.path);
	char path[4096];

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (access(path, F_OK) < 0)
		fail_step(c, step, CALL_OPEN, name);
	else
		check_pass(c, check_subject(c, step));
}

/* The working folder, which is made where it is missing. */
static void check_folder(struct check *c, const struct plan_step *step)
{
	const char *path = plan_text(c->plan, step->string);
	FD int there = open_target(c, path, false);
	struct made none = { .count = 0 };
	struct stat st;

	if (there < 0 && (errno != ENOENT || make_target(c, &none, path, true) < 0)) {
		fail_step(c, step, CALL_MKDIR, path);
	} else if (there >= 0 && fstat(there, &st) == 0 && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		fail_step(c, step, CALL_MKDIR, path);
	} else {
		check_pass(c, check_subject(c, step));
	}
}

static void check_terminal(struct check *c, const struct plan_step *step)
{
	FD int pts = open_target(c, "/dev/pts", false);
	struct statfs fs;

	if (c->gaps && pts < 0)
		return;
	if (pts < 0 || fstatfs(pts, &fs) < 0) {
		fail_step(c, step, CALL_OPEN, "/dev/pts");
	} else if (fs.f_type != DEVPTS_SUPER_MAGIC && !c->gaps) {
		errno = 0;
		fail_step(c, step, CHECK_FILESYSTEM, "/dev/pts");
	} else {
		check_pass(c, check_subject(c, step));
	}
}

static void check_step(struct check *c, struct made *made, const struct plan_step *step)
{
	switch (step->op) {
	case PLAN_ROOTFS:
		check_rootfs(c, step);
		break;
	case PLAN_SYSCTL:
		check_sysctl(c, step);
		break;
	case PLAN_DEVICE:
		check_device(c, step);
		break;
	default:
		break;
	}
	if (c->root < 0)
		return; /* nothing can be said of what is inside */
	switch (step->op) {
	case PLAN_MOUNT:
	case PLAN_CGROUP_MOUNT:
		check_mount(c, made, step);
		break;
	case PLAN_BIND:
		check_bind(c, made, step);
		break;
	case PLAN_FOLDER:
		check_folder(c, step);
		break;
	case PLAN_TERMINAL:
		check_terminal(c, step);
		break;
	default:
		break;
	}
}

void check_mounts(struct check *c)
{
	const struct plan_step *step = plan_array(c->plan, c->plan->steps);
	struct made made = { .count = 0 };
	struct err e = { 0 };

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
		(void)err_sys(&e, "linux.namespaces: make / a slave");
		check_fail(c, "linux.namespaces", &e);
		return;
	}
	for (uint32_t i = 0; i < c->plan->steps.count; i++)
		check_step(c, &made, &step[i]);
}
