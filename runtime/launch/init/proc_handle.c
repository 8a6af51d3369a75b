/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes into procfs that must reach the kernel and nothing else. Labels and
 * sysctls go through procfs instances of our own, which were never attached
 * anywhere: whatever lies on the container's /proc plays no part. Labels use one
 * with nothing but processes in it, sysctls a full one.
 *
 * In a user namespace a new procfs is refused once the host's is gone, so the
 * handles are made while the root is entered. exec has no such moment: where the
 * kernel refuses there, /proc is used if it is the root of a procfs, and nothing
 * below it may be another mount.
 */
#include "runtime/launch/init/proc_handle.h"

#include <linux/magic.h>

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum {
	PROC_ROOT_INODE = 1, /* linux/proc_fs.h */
	LABEL_ROOM = 4096,
};

/* Never through a link, a magic link or another mount. */
static const uint64_t inside =
	RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;

static int label_proc = -1; /* a procfs, or its folder of this process */
static int sysctl_folder = -1;

static void check_procfs(int fd)
{
	struct statfs fs;

	must(sys_fstatfs(fd, &fs), CALL_STAT, "/proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		fail(CHECK_FILESYSTEM, 0, "/proc");
}

static int existing_procfs(void)
{
	struct stat st;
	int fd = (int)must(sys_openat2(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW,
	                               RESOLVE_NO_SYMLINKS),
	                   CALL_OPEN, "/proc");

	must(sys_fstat(fd, &st), CALL_STAT, "/proc");
	if (st.st_ino != PROC_ROOT_INODE)
		fail(CHECK_FILESYSTEM, 0, "/proc");
	return fd;
}

/* A procfs that is attached nowhere, or the one of our root where that is refused. */
static int procfs(const char *option, const char *value)
{
	const uint32_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	long fs = sys_fsopen("proc", FSOPEN_CLOEXEC), fd = fs;

	if (fd >= 0 && option)
		fd = sys_fsconfig((int)fs, FSCONFIG_SET_STRING, option, value);
	if (fd >= 0)
		fd = sys_fsconfig((int)fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (fd >= 0)
		fd = sys_fsmount((int)fs, FSMOUNT_CLOEXEC, attributes);
	if (fd == -EPERM)
		fd = existing_procfs();
	must(fd, CALL_FSMOUNT, "proc");
	check_procfs((int)fd);
	return (int)fd;
}

static void open_label_proc(void)
{
	if (label_proc < 0)
		label_proc = fd_keep(procfs("subset", "pid"));
}

static void open_sysctl_folder(void)
{
	if (sysctl_folder < 0) {
		long fd = sys_openat2(procfs(NULL, NULL), "sys", O_PATH | O_DIRECTORY, inside);

		sysctl_folder = fd_keep((int)must(fd, CALL_OPEN, "/proc/sys"));
	}
}

void proc_prepare(void)
{
	if (plan_has(PLAN_LABEL))
		open_label_proc();
	if (plan_has(PLAN_SYSCTL))
		open_sysctl_folder();
}

static void write_whole(int fd, const char *data, const char *what)
{
	size_t length = text_length(data);
	long written = must(sys_write(fd, data, length), CALL_WRITE, what);

	if ((size_t)written != length)
		fail(CALL_WRITE, EIO, what);
}

/* Whether the label read back is the one that was written: AppArmor is told
 * "exec NAME" and answers "NAME (mode)\n", SELinux answers as it was told. */
static bool same_label(const char *wanted, const char *found)
{
	char end;

	if (text_begins(wanted, "exec "))
		wanted += 5;
	if (!text_begins(found, wanted))
		return false;
	end = found[text_length(wanted)];
	return end == '\0' || end == '\n' || end == ' ';
}

void step_label(const struct plan_step *step)
{
	static char found[LABEL_ROOM];
	const char *name = plan_string(step->label.attribute);
	const char *wanted = plan_string(step->label.value);
	struct text t = text_in(found, sizeof(found));
	long length;
	int fd;

	open_label_proc();
	text_add_number(&t, (unsigned long)sys_getpid());
	text_add(&t, "/attr/");
	text_add(&t, name);
	fd = (int)must(sys_openat2(label_proc, found, O_RDWR, inside), CALL_OPEN, name);
	write_whole(fd, wanted, name);
	must(sys_lseek(fd, 0, 0), CALL_READ, name);
	length = must(sys_read(fd, found, sizeof(found) - 1), CALL_READ, name);
	found[length] = '\0';
	if (!same_label(wanted, found))
		fail(CHECK_READ_BACK, 0, name);
}

void step_sysctl(const struct plan_step *step)
{
	const char *path = plan_string(step->sysctl.path);

	open_sysctl_folder();
	write_whole((int)must(sys_openat2(sysctl_folder, path, O_WRONLY, inside), CALL_OPEN, path),
	            plan_string(step->sysctl.value), path);
}

/* A process that is not dumpable does not own its folder in /proc: without
 * capabilities it has to become dumpable for the moment of opening (proc(5)). */
void proc_self_write(const char *name, const char *data)
{
	long folder = must(sys_openat2(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY, 0), CALL_OPEN,
	                   "/proc/self");
	long fd;

	check_procfs((int)folder);
	fd = sys_openat2((int)folder, name, O_WRONLY, inside);
	if (fd == -EACCES) {
		must(sys_prctl(PR_SET_DUMPABLE, 1, 0), CALL_PRCTL, NULL);
		fd = sys_openat2((int)folder, name, O_WRONLY, inside);
		must(sys_prctl(PR_SET_DUMPABLE, 0, 0), CALL_PRCTL, NULL);
	}
	write_whole((int)must(fd, CALL_OPEN, name), data, name);
}
