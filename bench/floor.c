/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor ROOTFS CGROUP: the least that starting a container takes. Namespaces, a cgroup
 * of its own, the default spec's mounts and devices, pivot_root, /bin/true, wait and
 * removal of the group: no config, no state, no capabilities, no masked paths. What a
 * runtime takes on top of this is its own work, so times are given as multiples of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct floor_mount {
	const char *source, *target, *type;
	unsigned long flags;
	const char *data;
};

static const struct floor_mount mounts[] = {
	{ "proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k" },
	{ "devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	  "newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ "shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k" },
	{ "mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL },
	{ "sysfs", "sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL },
};

static const char *const devices[] = { "null", "zero", "full", "tty", "urandom", "random" };

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void bind_device(const char *name)
{
	char source[32], target[32];
	int fd;

	(void)snprintf(source, sizeof(source), "/dev/%s", name);
	(void)snprintf(target, sizeof(target), "dev/%s", name);
	fd = open(target, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	check(fd, target);
	(void)close(fd);
	check(mount(source, target, NULL, MS_BIND, NULL), target);
}

static _Noreturn void container(const char *rootfs)
{
	static const char *const directories[] = { "dev/pts", "dev/shm", "dev/mqueue" };
	char *const argv[] = { "/bin/true", NULL }, *const envp[] = { "PATH=/bin", NULL };

	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
	check(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL), rootfs);
	check(chdir(rootfs), rootfs);
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		const struct floor_mount *m = &mounts[i];

		check(mount(m->source, m->target, m->type, m->flags, m->data), m->target);
		for (size_t d = 0; i == 1 && d < sizeof(directories) / sizeof(directories[0]); d++)
			check(mkdir(directories[d], 0755), directories[d]);
	}
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		bind_device(devices[i]);
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "/");
	check(sethostname("floor", 5), "sethostname");
	(void)execve(argv[0], argv, envp);
	check(-1, argv[0]);
	_exit(1);
}

int main(int argc, char **argv)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
		                            CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
		                            CLONE_INTO_CGROUP,
		                   .exit_signal = SIGCHLD };
	int cgroup, status = 0;
	long pid;

	if (argc != 3) {
		fputs("usage: floor ROOTFS CGROUP\n", stderr);
		return 1;
	}
	check(mkdir(argv[2], 0755), argv[2]);
	cgroup = open(argv[2], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	check(cgroup, argv[2]);
	args.cgroup = (unsigned long long)cgroup;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		container(argv[1]);
	check(waitpid((pid_t)pid, &status, 0), "waitpid");
	check(rmdir(argv[2]), argv[2]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
