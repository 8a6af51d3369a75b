/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot [OPTION...] KERNEL INIT: boots a distribution's kernel in a microVM with this program
 * as its first process, and prints what the guest says on its port, how it ended and how
 * many exits that took. The exit status is 0 for a power off, 10 and the number of its end
 * (vm-sandbox/monitor.h) for another.
 *
 *	-m MIB        memory (512)         -c COUNT  vCPUs (1)
 *	-l FOLDER     the kernel's folder in /lib/modules
 *	-s FOLDER     what is shared with the guest (rw)
 *	-r FOLDER     what is shared read-only, as "ro"
 *	-a WORDS      added to the kernel's command line
 *	-t SECONDS    until it has to say something (120)
 *	-e SECONDS    then the owner hangs up, and is told how long the end took
 *	-p FD         the other end of the agent's socket, which somebody else speaks to
 *	-v            the kernel's messages, to stderr
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/initramfs.h"
#include "vm-sandbox/kernel.h"
#include "vm-sandbox/monitor.h"

enum { READ_MAX = 256 << 20, STATUS_OF_ENDS = 10 };

static struct {
	unsigned long memory, vcpus, seconds, end;
	const char *modules, *share, *read_only, *words, *kernel, *init;
	int port;
	bool verbose;
} o = { .port = -1,
	.init = "",
	.kernel = "",
	.memory = 512,
	.vcpus = 1,
	.seconds = 120,
	.share = "/tmp",
	.words = "" };

static const char greeting[] = "hello, guest";

static bool is_readable(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left = deadline - clock_ms();

	return poll(&p, 1, left < 0 ? 0 : left > INT32_MAX ? -1 : (int)left) > 0;
}

/* The owner's side of the agent's socket: prints what comes; when the guest is ready, greets
 * it. */
static void listen_to(int fd)
{
	BUF struct buf heard = { 0 };
	int64_t deadline = o.end ? clock_ms() + (int64_t)o.end * 1000 : INT64_MAX;
	bool greeted = false;
	char text[4096];
	ssize_t n;

	while (is_readable(fd, deadline) && (n = read(fd, text, sizeof(text))) > 0) {
		(void)fwrite(text, 1, (size_t)n, stdout);
		buf_add(&heard, text, (size_t)n);
		if (greeted || !heard.data || !strstr(heard.data, "READY"))
			continue;
		greeted = write(fd, greeting, strlen(greeting)) > 0;
	}
}

static int read_path(const char *path, struct buf *ret, struct err *e)
{
	FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open %s", path) : fd_read_all(fd, READ_MAX, path, ret, e);
}

/* The kernel, unpacked. */
static int open_kernel(int *ret, struct err *e)
{
	KERNEL_IMAGE struct kernel_image image = { 0 };
	BUF struct buf packed = { 0 };

	TRY(read_path(o.kernel, &packed, e));
	TRY(kernel_unpack(o.kernel, packed.data, packed.len, &image, e));
	*ret = fd_sealed("vmlinux", image.data, image.len, false, e);
	return *ret;
}

/* The modules that the kernel has and we need; none when no folder was named. */
static int make_initramfs(int *ret, struct err *e)
{
	static const struct module_wanted wanted[] = {
		{ .name = "virtio_pci" },
		{ .name = "virtio_console" },
		{ .name = "virtiofs" },
		{ .name = "virtio_rng" },
	};
	BUF struct buf init = { 0 };
	BUF struct buf archive = { 0 };
	BUF struct buf dep = { 0 };
	BUF struct buf builtin = { 0 };
	ARENA struct arena a;
	struct module_list list = { 0 };
	FD int folder = -1;

	arena_init(&a, 0);
	TRY(read_path(o.init, &init, e));
	if (o.modules) {
		struct module_index index;

		folder = open(o.modules, O_PATH | O_DIRECTORY | O_CLOEXEC);
		TRY(fd_read_file(folder, "modules.dep", READ_MAX, &dep, e));
		TRY(fd_read_file(folder, "modules.builtin", READ_MAX, &builtin, e));
		index = (struct module_index){ dep.data, builtin.data };
		TRY(modules_resolve(&index, wanted, LEN(wanted), &a, &list, e));
		for (unsigned int i = 0; i < list.count; i++)
			printf("module: %s\n", list.path[i]);
	}
	TRY(initramfs_build(init.data, init.len, folder, &list, &archive, e));
	*ret = fd_sealed("initramfs", archive.data, archive.len, false, e);
	return *ret;
}

static void tell(const struct monitor_result *r)
{
	printf("end: %s\nexits until ready: %lu\nexits: %lu\n", monitor_end_name(r->end),
	       r->before.total, r->exits);
	for (int i = 0; i < EXIT_REASONS; i++)
		printf("exits by %s: %lu\n", machine_reason_name(i), r->before.by[i]);
	if (r->panic[0])
		printf("panic: %s\n", r->panic);
	if (r->lines[0])
		printf("the kernel's last lines:\n%s", r->lines);
}

/* What the monitor leaves to us, from its jail. */
static struct told {
	int done;
	struct monitor_result result;
	struct err e;
} * told;

static int wait_for(pid_t monitor, struct err *e)
{
	int64_t begin = clock_ms();
	struct rusage usage;
	int status;

	if (wait4(monitor, &status, 0, &usage) != monitor)
		return err_sys(e, "wait for the monitor");
	if (o.end)
		printf("ended after: %lld ms\n", (long long)(clock_ms() - begin));
	printf("peak: %ld KiB\n", usage.ru_maxrss);
	if (!WIFEXITED(status))
		return err_set(e, ERR_BUG, "the monitor died of signal %d", WTERMSIG(status));
	return 0;
}

/* In a process of its own, which goes to jail; owner: -1, or the agent's socket's other end. */
static int run(const struct monitor_config *config, int owner, struct monitor_result *ret,
               struct err *e)
{
	pid_t monitor;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	monitor = told == MAP_FAILED ? -1 : fork();
	if (monitor < 0)
		return err_sys(e, "make the monitor's process");
	if (monitor == 0) {
		if (owner >= 0)
			(void)close(owner);
		told->done = monitor_run(config, &told->result, &told->e);
		_exit(0);
	}
	(void)close(config->agent); /* so that the monitor's end of it is the last */
	if (owner >= 0) {
		listen_to(owner);
		(void)shutdown(owner, SHUT_RDWR);
	}
	TRY(wait_for(monitor, e));
	*ret = told->result;
	*e = told->e;
	return told->done;
}

/* A mount of its own, without devices. */
static int open_share(const char *path, uint64_t more, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | more };
	FD int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr) < 0)
		return err_sys(e, "open %s", path);
	return fd_give(&fd);
}

static int serve(struct monitor_result *ret, struct err *e)
{
	FD int share = open_share(o.share, 0, e);
	FD int read_only = o.read_only ? open_share(o.read_only, MOUNT_ATTR_RDONLY, e) : -1;
	FD int kernel = -1;
	FD int initramfs = -1;
	int agent[2];
	struct fs_share shares[] = {
		{ .name = "share", .fd = share, .cache_seconds = 1 },
		{ .name = "ro", .fd = read_only, .cache_seconds = 1, .read_only = true },
	};
	struct monitor_config config = {
		.cmdline = o.words,
		.vcpus = (unsigned int)o.vcpus,
		.memory_bytes = (uint64_t)o.memory << 20,
		.shares = shares,
		.share_count = o.read_only ? 2 : 1,
		.serial = o.verbose ? STDERR_FILENO : -1,
		.ready_ms = (unsigned int)o.seconds * 1000,
		.jailed = true,
	};

	if (share < 0 || (o.read_only && read_only < 0))
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent) < 0)
		return err_sys(e, "socketpair");
	TRY(open_kernel(&kernel, e));
	TRY(make_initramfs(&initramfs, e));
	config.kernel = kernel;
	config.initramfs = initramfs;
	config.agent = o.port < 0 ? agent[1] : o.port;
	return run(&config, o.port < 0 ? agent[0] : -1, ret, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct monitor_result result;

	for (int c; (c = getopt(argc, argv, "m:c:l:s:r:a:t:e:p:v")) != -1;) {
		switch (c) {
		case 'm':
			o.memory = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			o.vcpus = strtoul(optarg, NULL, 10);
			break;
		case 't':
			o.seconds = strtoul(optarg, NULL, 10);
			break;
		case 'e':
			o.end = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			o.modules = optarg;
			break;
		case 's':
			o.share = optarg;
			break;
		case 'r':
			o.read_only = optarg;
			break;
		case 'a':
			o.words = optarg;
			break;
		case 'p':
			o.port = (int)strtol(optarg, NULL, 10);
			break;
		case 'v':
			o.verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2)
		return 2;
	o.kernel = argv[optind];
	o.init = argv[optind + 1];
	(void)umask(0);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (serve(&result, &e) < 0) {
		(void)fprintf(stderr, "boot: %s\n", e.text);
		return 1;
	}
	tell(&result);
	return result.end == MONITOR_POWER_OFF ? 0 : STATUS_OF_ENDS + (int)result.end;
}
