/* SPDX-License-Identifier: Apache-2.0 */
/* What containers need: the kernel and its calls, namespaces, cgroups, filters, labels. */
#include "runtime/host_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/num.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/launch/image.h"

/* The oldest kernel that the tests run on. */
enum { KERNEL_MAJOR = 6, KERNEL_MINOR = 1 };

/* --- lines ---------------------------------------------------------------------------- */

static void add(struct host_report *r, const struct host_line *line, const char *fmt, va_list args)
{
	struct host_line l = *line;
	char text[1024];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	l.text = arena_string(r->arena, text, strlen(text));
	buf_add(&r->lines, &l, sizeof(l));
}

void host_ok(struct host_report *r, enum host_need need, const char *subject, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(r, &(struct host_line){ .need = need, .ok = true, .subject = subject, .fix = "" }, fmt,
	    args);
	va_end(args);
}

void host_no(struct host_report *r, enum host_need need, const char *subject, const char *fix,
             const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(r, &(struct host_line){ .need = need, .subject = subject, .fix = fix }, fmt, args);
	va_end(args);
}

void host_error(struct host_report *r, enum host_need need, const char *subject,
                const struct err *e)
{
	host_no(r, need, subject, arena_string(r->arena, e->hint, strlen(e->hint)), "%s", e->text);
}

const char *host_need_name(enum host_need need)
{
	static const char *const names[] = {
		[HOST_CONTAINERS] = "containers",
		[HOST_LIMITS] = "limits",
		[HOST_OPTIONS] = "options",
		[HOST_VM] = "microVMs",
	};

	return names[need];
}

bool host_read(const struct host_report *r, const char *path, char *ret, size_t room)
{
	FD int fd = open(arena_printf(r->arena, "%s%s", r->root, path), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, room - 1);

	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return n >= 0;
}

/* --- the kernel ------------------------------------------------------------------------ */

/* The number that the text begins with; -1: none, or no kernel's. */
static int first_number(const char *text)
{
	char digits[8];
	size_t n = strspn(text, "0123456789");
	uint64_t value;

	(void)snprintf(digits, sizeof(digits), "%.*s", (int)n, text);
	return n < sizeof(digits) && num_u64(digits, INT32_MAX, &value) == 0 ? (int)value : -1;
}

void host_check_release(struct host_report *r, const char *release)
{
	int major = first_number(release);
	const char *dot = strchr(release, '.');
	int minor = dot ? first_number(dot + 1) : -1;

	if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
		host_ok(r, HOST_CONTAINERS, "kernel", "%s", release);
	else
		host_no(r, HOST_CONTAINERS, "kernel", "boot a newer kernel",
		        "%s is older than %d.%d, the oldest that is tested", release, KERNEL_MAJOR,
		        KERNEL_MINOR);
}

/* Asked with arguments that are always refused: only a call that is not there, or that a
 * filter around us hides, gives ENOSYS. */
static void check_calls(struct host_report *r)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = {
		{ "clone3", SYS_clone3 },
		{ "close_range", SYS_close_range },
		{ "execveat", SYS_execveat },
		{ "fsopen", SYS_fsopen },
		{ "memfd_create", SYS_memfd_create },
		{ "mount_setattr", SYS_mount_setattr },
		{ "move_mount", SYS_move_mount },
		{ "open_tree", SYS_open_tree },
		{ "openat2", SYS_openat2 },
		{ "pidfd_getfd", SYS_pidfd_getfd },
		{ "pidfd_open", SYS_pidfd_open },
		{ "pidfd_send_signal", SYS_pidfd_send_signal },
	};
	BUF struct buf missing = { 0 };

	for (size_t i = 0; i < LEN(calls); i++) {
		long result = syscall(calls[i].number, -1L, 0L, -1L, 0L, -1L);

		if (result < 0 && errno == ENOSYS)
			buf_printf(&missing, " %s", calls[i].name);
	}
	if (missing.len == 0)
		host_ok(r, HOST_CONTAINERS, "system calls", "all %zu that are needed", LEN(calls));
	else
		host_no(r, HOST_CONTAINERS, "system calls",
		        "if we are in a container, its seccomp profile has to allow them",
		        "not there:%s", missing.data);
}

static void check_image(struct host_report *r)
{
	static const char subject[] = "executable memory files";
	struct err e = { 0 };
	FD int fd = image_open(&e);

	if (fd >= 0)
		host_ok(r, HOST_CONTAINERS, subject, "can be made, or the installed copy serves");
	else
		host_error(r, HOST_CONTAINERS, subject, &e);
}

/* --- namespaces -------------------------------------------------------------------------- */

static void check_namespaces(struct host_report *r)
{
	static const char *const kinds[] = { "cgroup", "ipc",  "mnt",  "net",
		                             "pid",    "time", "user", "uts" };
	BUF struct buf missing = { 0 };

	for (size_t i = 0; i < LEN(kinds); i++) {
		const char *path = arena_printf(r->arena, "%s/proc/self/ns/%s", r->root, kinds[i]);

		if (access(path, F_OK) < 0)
			buf_printf(&missing, " %s", kinds[i]);
	}
	if (missing.len == 0)
		host_ok(r, HOST_CONTAINERS, "namespaces", "all %zu kinds", LEN(kinds));
	else
		host_no(r, HOST_CONTAINERS, "namespaces", "boot a kernel that was built with them",
		        "not there:%s", missing.data);
}

/* Makes one, and lets it go. */
static int try_user_namespace(struct err *e)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return err_sys(e, "clone3 CLONE_NEWUSER");
	int status = proc_reap(pidfd, e);
	(void)close(pidfd);
	return status < 0 ? -1 : 0;
}

static void check_user_namespaces(struct host_report *r)
{
	static const char subject[] = "user namespaces";
	enum host_need need = getauxval(AT_EUID) == 0 ? HOST_OPTIONS : HOST_CONTAINERS;
	struct err e = { 0 };

	if (try_user_namespace(&e) == 0) {
		host_ok(r, need, subject, "can be made");
		return;
	}
	if (e.sys == ENOSPC)
		(void)err_hint(&e, "raise the sysctl user.max_user_namespaces");
	else if (e.sys == EPERM)
		(void)err_hint(&e, "a plain user needs the sysctl kernel.unprivileged_userns_clone "
		                   "at 1; in a chroot nobody may");
	else
		(void)err_hint(&e, "boot a kernel that was built with CONFIG_USER_NS");
	host_error(r, need, subject, &e);
}

/* --- cgroups ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum cgroup_controller bit;
} wanted_controllers[] = {
	{ "cpu", CGROUP_CPU },       { "cpuset", CGROUP_CPUSET }, { "io", CGROUP_IO },
	{ "memory", CGROUP_MEMORY }, { "pids", CGROUP_PIDS },
};

static void check_controllers(struct host_report *r, const struct cgroup_facts *facts)
{
	static const char subject[] = "cgroup controllers";
	BUF struct buf missing = { 0 };
	const char *fix = "boot with cgroup_enable=memory, and without cgroup_disable";

	for (size_t i = 0; i < LEN(wanted_controllers); i++)
		if (!(facts->controllers & wanted_controllers[i].bit))
			buf_printf(&missing, " %s", wanted_controllers[i].name);
	if (missing.len == 0) {
		host_ok(r, HOST_LIMITS, subject, "cpu cpuset io memory pids");
		return;
	}
	if (facts->mode == CGROUP_HYBRID)
		fix = "they are in hierarchies of version 1: boot with "
		      "systemd.unified_cgroup_hierarchy=1 or cgroup_no_v1=all";
	else if (facts->limited)
		fix = "have them delegated: Delegate=yes in a drop-in of user@.service";
	host_no(r, HOST_LIMITS, subject, fix, "not there:%s", missing.data);
}

static void check_cgroups(struct host_report *r)
{
	struct cgroup_facts facts;
	struct err e = { 0 };

	if (cgroup_probe(true, &facts, &e) < 0) {
		host_error(r, HOST_CONTAINERS, "cgroup version 2", &e);
		return;
	}
	if (facts.mode == CGROUP_NONE) {
		host_no(r, HOST_CONTAINERS, "cgroup version 2",
		        "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
		        "not mounted on /sys/fs/cgroup, nor on /sys/fs/cgroup/unified");
		return;
	}
	host_ok(r, HOST_CONTAINERS, "cgroup version 2", "%s%s", facts.mount,
	        facts.mode == CGROUP_HYBRID ? ", beside hierarchies of version 1" : "");
	if (getauxval(AT_EUID) == 0 && !proc_in_user_namespace()) {
		check_controllers(r, &facts);
		return;
	}
	if (cgroup_probe_delegated(r->arena, &facts, &e) < 0)
		host_error(r, HOST_LIMITS, "cgroup delegation", &e);
	else if (!facts.base)
		host_no(r, HOST_LIMITS, "cgroup delegation",
		        "log in to a session of systemd's, or use systemd-run --user --scope",
		        "no cgroup was delegated to this user");
	else
		check_controllers(r, &facts);
}

/* --- walls that config.json may ask for ------------------------------------------------------ */

static void check_seccomp(struct host_report *r)
{
	char actions[256];

	if (!host_read(r, "/proc/sys/kernel/seccomp/actions_avail", actions, sizeof(actions)))
		host_no(r, HOST_OPTIONS, "seccomp",
		        "boot a kernel that was built with CONFIG_SECCOMP_FILTER",
		        "the kernel has no filters of system calls");
	else
		host_ok(r, HOST_OPTIONS, "seccomp", "%s", actions);
}

static void check_labels(struct host_report *r)
{
	char enabled[8] = "", enforce[8];
	bool apparmor =
		host_read(r, "/sys/module/apparmor/parameters/enabled", enabled, sizeof(enabled)) &&
		enabled[0] == 'Y';
	bool selinux = host_read(r, "/sys/fs/selinux/enforce", enforce, sizeof(enforce));

	if (apparmor || selinux)
		host_ok(r, HOST_OPTIONS, "security module", "%s%s%s", apparmor ? "AppArmor" : "",
		        apparmor && selinux ? " and " : "", selinux ? "SELinux" : "");
	else
		host_no(r, HOST_OPTIONS, "security module",
		        "boot with lsm=...,apparmor, or selinux, if profiles or labels are wanted",
		        "neither AppArmor nor SELinux is in use");
}

/* landlock_create_ruleset(2): without a ruleset it tells the ABI. */
static void check_landlock(struct host_report *r)
{
	enum { VERSION_FLAG = 1 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

	if (abi > 0)
		host_ok(r, HOST_OPTIONS, "Landlock", "ABI %ld", abi);
	else if (errno == EOPNOTSUPP)
		host_no(r, HOST_OPTIONS, "Landlock",
		        "boot with landlock in lsm=", "the kernel has it, but it is not in use");
	else
		host_no(r, HOST_OPTIONS, "Landlock",
		        "boot a kernel that was built with CONFIG_SECURITY_LANDLOCK",
		        "the kernel has none");
}

void host_check_containers(struct host_report *r)
{
	struct utsname name;

	if (uname(&name) == 0)
		host_check_release(r, name.release);
	check_calls(r);
	check_image(r);
	check_namespaces(r);
	check_user_namespaces(r);
	check_cgroups(r);
	check_seccomp(r);
	check_labels(r);
	check_landlock(r);
}
