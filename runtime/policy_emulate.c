/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mknod(2) of harmless devices and mount(2) of harmless filesystems, done for a process
 * that may not. What keeps a hostile one from making more of it:
 *
 * - Its pid may be another's by now. So /proc/PID is opened once, all else below that fd,
 *   and the listener is asked afterwards whether the call is still waited for.
 * - Its memory may change at any time. Each argument is copied once, judged as copied and
 *   used as copied; the kernel is never told to go on with a call that was judged by its
 *   arguments.
 * - Paths are its own. A child of ours enters its mount namespace and its root and walks
 *   there, with the ids and, at most, the capabilities that it has itself; links of /proc
 *   that lead elsewhere are not followed. The last step is made on what was opened.
 * - It must have the capability that the call needs in its own user namespace: the agent
 *   makes up for that namespace, not for the container's rules.
 */
#include "runtime/policy_emulate.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/scope.h"
#include "base/sys.h"

enum {
	CHILD_SECONDS = 10,
	STATUS_MAX = 16384, /* /proc/PID/status */
	TYPE_MAX = 32,
	OPTIONS_MAX = 1024,
};

#define CAP(name) (1ULL << CAP_##name)

/* Whose call it is, and what it was. */
struct target {
	int listener;
	const struct seccomp_notif *call;
	int proc, mem, mnt, root, cwd;
	uint64_t capabilities; /* effective, in its own user namespace */
	bool our_userns;
	uid_t uid; /* as we see them */
	gid_t gid;
	mode_t umask;
};

/* What is to be done, copied from the caller. */
struct task {
	char path[PATH_MAX];
	mode_t mode; /* mknod */
	dev_t device;
	char type[TYPE_MAX]; /* mount; "": mknod */
	char options[OPTIONS_MAX];
	uint64_t attributes; /* MOUNT_ATTR_* */
};

static const struct {
	const char *type;
	uint64_t attributes;        /* always */
	const char *const *options; /* allowed ones */
} filesystems[] = {
	{ "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	  (const char *const[]){ "size", "nr_blocks", "nr_inodes", "mode", NULL } },
	{ "devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	  (const char *const[]){ "mode", "ptmxmode", "max", NULL } },
};

/* --- the caller ------------------------------------------------------------------- */

static bool still_waits(const struct target *t)
{
	uint64_t id = t->call->id;

	return sys_ioctl(t->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* The Nth word after a key of /proc/PID/status, or NULL. */
static const char *status_word(const char *status, const char *key, int n, char ret[32])
{
	const char *at = strstr(status, key);
	size_t len;

	if (!at)
		return NULL;
	at += strlen(key);
	for (;; n--) {
		at += strspn(at, " \t");
		len = strcspn(at, " \t\n");
		if (n == 0)
			break;
		at += len;
	}
	if (len == 0 || len >= 32)
		return NULL;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return ret;
}

static bool status_number(const char *status, const char *key, int n, unsigned int base,
                          uint64_t *ret)
{
	char word[32];
	const char *at = status_word(status, key, n, word);

	*ret = 0;
	for (; at && *at; at++) {
		unsigned int digit =
			*at >= 'a' ? (unsigned int)(*at - 'a') + 10 : (unsigned int)(*at - '0');

		if (digit >= base)
			return false;
		*ret = *ret * base + digit;
	}
	return at != NULL;
}

static bool read_status(struct target *t)
{
	BUF struct buf status = { 0 };
	struct err ignored = { 0 };
	uint64_t uid, gid, mask;
	FD int fd = openat(t->proc, "status", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_all(fd, STATUS_MAX, "status", &status, &ignored) < 0 ||
	    !status.data || !status_number(status.data, "\nUid:", 3, 10, &uid) ||
	    !status_number(status.data, "\nGid:", 3, 10, &gid) ||
	    !status_number(status.data, "\nUmask:", 0, 8, &mask) ||
	    !status_number(status.data, "\nCapEff:", 0, 16, &t->capabilities))
		return false;
	t->uid = (uid_t)uid;
	t->gid = (gid_t)gid;
	t->umask = (mode_t)mask;
	return true;
}

static bool is_our_userns(int proc)
{
	struct stat ours, theirs;

	return stat("/proc/self/ns/user", &ours) == 0 &&
	       fstatat(proc, "ns/user", &theirs, 0) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

/* at: the descriptor that relative paths of the call start at, or AT_FDCWD. */
static bool target_open(struct target *t, int at)
{
	char path[32];

	if (t->call->pid == 0) /* not in our pid namespace */
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%u", t->call->pid);
	t->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->proc < 0)
		return false;
	(void)snprintf(path, sizeof(path), "fd/%d", at);
	t->mem = openat(t->proc, "mem", O_RDONLY | O_CLOEXEC);
	t->mnt = openat(t->proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
	t->root = openat(t->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	t->cwd = openat(t->proc, at == AT_FDCWD ? "cwd" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	t->our_userns = is_our_userns(t->proc);
	/* all of this was the caller's only if it is the caller's still */
	return t->mem >= 0 && t->mnt >= 0 && t->root >= 0 && t->cwd >= 0 && read_status(t) &&
	       still_waits(t);
}

static void target_done(const struct target *t)
{
	scope_close(&t->proc);
	scope_close(&t->mem);
	scope_close(&t->mnt);
	scope_close(&t->root);
	scope_close(&t->cwd);
}

/* Copies a string of the caller's: 0 or an errno. */
static int copy_string(const struct target *t, uint64_t address, char *ret, size_t room)
{
	const size_t page = 4096;
	size_t got = 0;

	/* by pages: the string may end just before one that is not mapped */
	while (got < room) {
		size_t want = page - (address + got) % page;
		ssize_t n = pread(t->mem, ret + got, want < room - got ? want : room - got,
		                  (off_t)(address + got));

		if (n <= 0)
			return EFAULT;
		if (memchr(ret + got, '\0', (size_t)n))
			return still_waits(t) ? 0 : ESRCH;
		got += (size_t)n;
	}
	return ENAMETOOLONG;
}

/* --- what is asked for --------------------------------------------------------------- */

/* The kernel's encoding of a device in a system call (linux/kdev_t.h, new_decode_dev). */
static struct agent_device decode_device(mode_t mode, uint32_t device)
{
	return (struct agent_device){ .type = mode & S_IFMT,
		                      .major = (device & 0xfff00) >> 8,
		                      .minor = (device & 0xff) | (device >> 12 & 0xfff00) };
}

static bool device_allowed(const struct agent_rule *rule, const struct agent_device *device)
{
	for (size_t i = 0; i < rule->device_count; i++) {
		const struct agent_device *d = &rule->devices[i];

		if (d->type == device->type && d->major == device->major &&
		    d->minor == device->minor)
			return true;
	}
	return false;
}

static int read_mknod(const struct target *t, const __u64 *args, const struct agent_rule *rule,
                      struct task *ret)
{
	mode_t mode = (mode_t)args[1];
	struct agent_device device = decode_device(mode, (uint32_t)args[2]);

	ret->mode = mode & (S_IFMT | (07777 & ~t->umask));
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break; /* anybody may make these */
	case S_IFCHR:
	case S_IFBLK:
		if (!(t->capabilities & CAP(MKNOD)) || !device_allowed(rule, &device))
			return EPERM;
		ret->device = (dev_t)(uint32_t)args[2];
		break;
	default:
		return EINVAL;
	}
	return copy_string(t, args[0], ret->path, sizeof(ret->path));
}

static int mount_attributes(uint64_t flags, uint64_t *ret)
{
	static const struct {
		unsigned long flag;
		uint64_t attribute;
	} known[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },
		{ MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NOATIME, MOUNT_ATTR_NOATIME },
		{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
		{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
		{ MS_RELATIME, 0 },
		{ MS_SILENT, 0 },
	};

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(uint64_t)MS_MGC_MSK;
	for (size_t i = 0; i < LEN(known); i++) {
		if (flags & known[i].flag)
			*ret |= known[i].attribute;
		flags &= ~(uint64_t)known[i].flag;
	}
	return flags == 0 ? 0 : EPERM; /* binds, moves, remounts, propagation */
}

static bool option_allowed(const char *const *allowed, const char *option)
{
	size_t len = strcspn(option, "=");

	for (; *allowed; allowed++) {
		if (strlen(*allowed) == len && strncmp(*allowed, option, len) == 0 &&
		    option[len] == '=')
			return true;
	}
	return false;
}

static int check_options(const struct task *task, const char *const *allowed)
{
	char copy[OPTIONS_MAX], *rest = copy, *option;

	memcpy(copy, task->options, sizeof(copy));
	while ((option = strsep(&rest, ",")) != NULL) {
		if (*option && !option_allowed(allowed, option))
			return EPERM;
	}
	return 0;
}

static int read_mount(const struct target *t, const __u64 *args, const struct agent_rule *rule,
                      struct task *ret)
{
	bool named = false;
	int answer = mount_attributes(args[3], &ret->attributes);

	if (answer == 0 && !(t->capabilities & CAP(SYS_ADMIN)))
		answer = EPERM;
	if (answer == 0)
		answer = copy_string(t, args[2], ret->type, sizeof(ret->type));
	if (answer == 0 && args[4] != 0)
		answer = copy_string(t, args[4], ret->options, sizeof(ret->options));
	if (answer == 0)
		answer = copy_string(t, args[1], ret->path, sizeof(ret->path));
	if (answer != 0)
		return answer == ENAMETOOLONG ? EPERM : answer;
	for (size_t i = 0; i < rule->types.n; i++)
		named |= strcmp(rule->types.v[i], ret->type) == 0;
	for (size_t i = 0; named && i < LEN(filesystems); i++) {
		if (strcmp(filesystems[i].type, ret->type) != 0)
			continue;
		ret->attributes |= filesystems[i].attributes;
		return check_options(ret, filesystems[i].options);
	}
	return EPERM;
}

/* --- the child ------------------------------------------------------------------------ */

/* Its root, its ids; of our capabilities only what it has, and what the task needs. */
static bool become(const struct target *t, uint64_t needed)
{
	const uint64_t files =
		CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(FSETID) | CAP(CHOWN);
	const uint64_t keep = needed | (t->our_userns ? t->capabilities & files : 0);
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)keep, .permitted = (uint32_t)keep },
		{ .effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32) },
	};

	if (setns(t->mnt, CLONE_NEWNS) < 0 || fchdir(t->root) < 0 || chroot(".") < 0 ||
	    fchdir(t->cwd) < 0 || syscall(SYS_setgroups, 0, NULL) < 0)
		return false;
	(void)umask(0);
	(void)setfsgid(t->gid);
	(void)setfsuid(t->uid);
	/* the calls above tell no failure but by another one */
	return setfsgid((gid_t)-1) == (int)t->gid && setfsuid((uid_t)-1) == (int)t->uid &&
	       syscall(SYS_capset, &header, data) == 0;
}

static int make_node(struct task *task)
{
	char *slash = strrchr(task->path, '/');
	const char *name = slash ? slash + 1 : task->path;
	const char *folder = !slash ? "." : slash == task->path ? "/" : task->path;

	if (slash && slash != task->path)
		*slash = '\0';
	if (*name == '\0')
		return slash ? EEXIST : ENOENT;

	FD int dir = sys_openat2(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
	                         RESOLVE_NO_MAGICLINKS);
	if (dir < 0)
		return errno;
	return syscall(SYS_mknodat, dir, name, task->mode, task->device) < 0 ? errno : 0;
}

static int set_options(int fs, char *options)
{
	char *option;

	while ((option = strsep(&options, ",")) != NULL) {
		char *value = strchr(option, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, option, value, 0) < 0)
			return errno;
	}
	return syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? errno : 0;
}

static int mount_it(struct task *task)
{
	FD int place =
		sys_openat2(AT_FDCWD, task->path, O_PATH | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
	if (place < 0)
		return errno;

	FD int fs = (int)syscall(SYS_fsopen, task->type, FSOPEN_CLOEXEC);
	if (fs < 0)
		return errno;

	int answer = set_options(fs, task->options);
	if (answer != 0)
		return answer;

	FD int mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, task->attributes);
	if (mnt < 0 || syscall(SYS_move_mount, mnt, "", place, "",
	                       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return errno;
	return 0;
}

static _Noreturn void child(const struct target *t, struct task *task)
{
	const struct rlimit time = { .rlim_cur = CHILD_SECONDS, .rlim_max = CHILD_SECONDS };
	const bool mounts = task->type[0] != '\0';

	(void)setrlimit(RLIMIT_CPU, &time);
	if (!become(t, mounts ? CAP(SYS_ADMIN) : CAP(MKNOD)) || !still_waits(t))
		_exit(EPERM);
	_exit(mounts ? mount_it(task) : make_node(task));
}

/* --- all of it -------------------------------------------------------------------------- */

int emulate_start(int listener, const struct seccomp_notif *call, const struct agent_rule *rule,
                  int *ret)
{
	const struct seccomp_data *d = &call->data;
	/* mknodat and mknod differ by the first argument */
	const bool at = rule->action == AGENT_MKNOD && d->nr == SYS_mknodat;
	struct target t = { .listener = listener,
		            .call = call,
		            .proc = -1,
		            .mem = -1,
		            .mnt = -1,
		            .root = -1,
		            .cwd = -1 };
	struct task task = { 0 };
	int answer = ESRCH;

	if (d->arch != AUDIT_ARCH_X86_64 || (d->nr & 0x40000000))
		return ENOSYS; /* arguments lie elsewhere there */
	if (target_open(&t, at ? (int)d->args[0] : AT_FDCWD))
		answer = rule->action == AGENT_MKNOD ? read_mknod(&t, d->args + at, rule, &task)
		                                     : read_mount(&t, d->args, rule, &task);
	if (answer == 0) {
		pid_t pid = fork();

		if (pid == 0)
			child(&t, &task);
		*ret = pid < 0 ? -1 : sys_pidfd_open(pid, 0);
		answer = *ret < 0 ? EAGAIN : 0;
	}
	target_done(&t);
	return answer;
}
