/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an initramfs to a system: modules in the order of their names, but for those that nothing
 * waits for, then a root that can be pivoted away from. The kernel's first root cannot
 * (pivot_root(2)), so a tmpfs is moved over it, as switch_root(8) does, and what was unpacked
 * there is removed: it is memory.
 *
 * Until the port is open there is nobody to tell but the kernel's log, whose last lines the
 * monitor shows when the guest ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/guest/agent.h"

#define PORTS     "/sys/class/virtio-ports"
#define PORT_NAME "caisson.0"

enum {
	PORT_TRIES = 10000,
	PORT_WAIT_NS = 1000000,
	LEAST = 19, /* of nice(2) */
};

/* --- modules -------------------------------------------------------------------------------- */

static int is_module(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* EEXIST: another one was built in. */
static int load_module(const char *name, struct err *e)
{
	FD int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open module %s", name);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return err_sys(e, "load module %s", name);
	(void)unlink(name);
	return 0;
}

/* Those of the working folder. */
static int load_modules(struct err *e)
{
	struct dirent **names = NULL;
	int count = scandir(".", &names, is_module, alphasort), result = 0;

	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = load_module(names[i]->d_name, e);
		free(names[i]);
	}
	free((void *)names);
	return result;
}

/* The modules that wait until the container runs; -1: there are none. */
static int late = -1;

static int load_needed(struct err *e)
{
	late = open("/late", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (chdir("/m") < 0) /* an initramfs without modules */
		return 0;
	return load_modules(e);
}

void boot_rest(struct agent *a)
{
	struct err e = { 0 };
	int folder = fd_give(&late);

	if (folder < 0)
		return;
	if (fork() == 0) {
		process_close_all(a);
		if (setpriority(PRIO_PROCESS, 0, LEAST) < 0 || fchdir(folder) < 0 ||
		    load_modules(&e) < 0)
			complain(&e);
		_exit(0);
	}
	(void)close(folder);
}

/* --- file systems --------------------------------------------------------------------------- */

static const struct {
	const char *type, *target, *options;
	unsigned long flags;
} systems[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", NULL, MS_NOSUID | MS_NOEXEC },
	{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
};

static int make_root(struct err *e)
{
	if (mkdir("/root", 0755) < 0 && errno != EEXIST)
		return err_sys(e, "mkdir /root");
	if (mount("tmpfs", "/root", "tmpfs", 0, "mode=755") < 0)
		return err_sys(e, "mount the root");
	(void)unlink("/init");
	if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return err_sys(e, "enter the root");
	return 0;
}

static int mount_systems(struct err *e)
{
	for (size_t i = 0; i < LEN(systems); i++) {
		if (mkdir(systems[i].target, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "mkdir %s", systems[i].target);
		if (mount(systems[i].type, systems[i].target, systems[i].type, systems[i].flags,
		          systems[i].options) < 0)
			return err_sys(e, "mount %s", systems[i].target);
	}
	return 0;
}

/* --- the rest ------------------------------------------------------------------------------- */

static int bring_up_loopback(struct err *e)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	FD int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || sys_ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "bring up the loopback device");
	return 0;
}

/* When memory runs out, it is a container that has to give way, not who watches it. */
static int stay_alive(struct err *e)
{
	FD int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /proc/self/oom_score_adj");
	return fd_write_all(fd, "-1000", 5, "/proc/self/oom_score_adj", e);
}

/* The port by its name, if it is there already: the device "vport0p1" of devtmpfs. */
static int find_port(void)
{
	DIR *ports = opendir(PORTS);
	struct dirent *d;
	int found = -1;

	while (ports && found < 0 && (d = readdir(ports))) {
		char path[300], name[32] = "";

		(void)snprintf(path, sizeof(path), PORTS "/%s/name", d->d_name);
		FD int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, name, sizeof(name) - 1) <= 0 ||
		    strcmp(name, PORT_NAME "\n") != 0)
			continue;
		(void)snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		found = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	if (ports)
		(void)closedir(ports);
	return found;
}

/* It is there when driver and device have agreed, and connected when the host says so. */
static bool is_connected(int port)
{
	struct pollfd p = { .fd = port, .events = POLLIN };

	return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

static int open_port(struct err *e)
{
	const struct timespec moment = { .tv_nsec = PORT_WAIT_NS };
	FD int port = -1;

	for (int i = 0; i < PORT_TRIES; i++) {
		if (port < 0)
			port = find_port();
		if (port >= 0 && is_connected(port))
			return fd_give(&port);
		(void)nanosleep(&moment, NULL);
	}
	return err_set(e, ERR_KERNEL, "there is no port " PORT_NAME);
}

static int make_system(struct err *e)
{
	TRY(load_needed(e));
	TRY(make_root(e));
	TRY(mount_systems(e));
	TRY(stay_alive(e));
	TRY(bring_up_loopback(e));
	return open_port(e);
}

int boot(void)
{
	struct err e = { 0 };
	int port = make_system(&e);

	if (port < 0)
		complain(&e);
	return port;
}
