/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's jail, looked at by somebody who has taken over the monitor: each step runs
 * in a process that has gone the monitor's way until the guest's first instruction. A step
 * is refused by an error or by death; one that gets what it wants is a hole. Steps that do
 * no harm are tried without the jail, too, where they have to succeed: the others prove
 * nothing unless these do.
 */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/scope.h"
#include "base/sys.h"
#include "tests/unit/vm_fuse.h"
#include "tests/unit/vm_shell.h"
#include "vm-sandbox/jail.h"

enum { REFUSED = 42 };

static const char folder[] = "/tmp";
static struct fs_share shares[] = {
	{ .name = "rootfs", .fd = -1 },
	{ .name = "fixed", .fd = -1, .read_only = true },
	{ .name = "file", .fd = -1 },
};
static int fds = -1; /* /proc/self/fd */
static int root, fixed, file;
static int pipes[2], own_namespace;
static pid_t victim;
static char *page;

/* --- the host -------------------------------------------------------------------------------- */

/* A mount as the monitor is given it; without the jail, a folder as anybody opens it. */
static int open_share(const char *name, unsigned long long more, bool plain)
{
	char path[128];
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | more };
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (plain)
		return open(path, O_PATH | O_CLOEXEC);
	fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd >= 0 && sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr) < 0)
		return -1;
	return fd;
}

static void open_all(bool plain)
{
	struct err e = { 0 };

	root = shares[0].fd = open_share("rootfs", 0, plain);
	fixed = shares[1].fd = open_share("fixed", MOUNT_ATTR_RDONLY, plain);
	file = shares[2].fd = open_share("file", 0, plain);
	fds = plain ? open("/proc/self/fd", O_PATH | O_CLOEXEC) : jail_proc_fds(&e);
}

/* A file system of its own, which nothing of is left behind. */
static int make(void **unused)
{
	(void)unused;
	if (geteuid() != 0)
		return 0;
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(shell("mount --make-rprivate / && mount -t tmpfs -o mode=755 none %s && "
	                       "cd %s && mkdir rootfs rootfs/d fixed && echo text >rootfs/f && "
	                       "echo text >fixed/f && echo text >file && echo secret >secret && "
	                       "mknod rootfs/zero c 1 5 && ln -s ../secret rootfs/up && "
	                       "chown 1000:1000 rootfs/d",
	                       folder, folder),
	                 0);
	victim = fork();
	if (victim == 0) {
		pause();
		_exit(0);
	}
	return victim < 0;
}

static int drop(void **unused)
{
	int status;

	(void)unused;
	if (geteuid() != 0)
		return 0;
	assert_int_equal(kill(victim, SIGKILL), 0);
	assert_int_equal(waitpid(victim, &status, 0), victim);
	assert_int_equal(WTERMSIG(status), SIGKILL); /* by us: nothing else got at it */
	return shell("[ \"$(cat %s/secret)\" = secret ]", folder);
}

#define ROOT_ONLY()                                                         \
	do {                                                                \
		if (geteuid() != 0) {                                       \
			print_message("the jail needs root, or its map\n"); \
			skip();                                             \
		}                                                           \
	} while (0)

/* --- steps ------------------------------------------------------------------------------------ */

static long exec_true(void)
{
	static char *const argv[] = { "true", NULL }, *const envp[] = { NULL };

	return execve("/bin/true", argv, envp);
}

static long exec_share(void)
{
	static char *const argv[] = { "f", NULL }, *const envp[] = { NULL };

	return syscall(SYS_execveat, root, "f", argv, envp, 0);
}

/* A child that is let alone, or none. */
static long new_process(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long new_process_3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid;
}

static long call_32_bits(void)
{
	long number = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
	return number;
}

static long gain(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = 1u << CAP_SYS_ADMIN, .permitted = 1u << CAP_SYS_ADMIN }
	};

	return syscall(SYS_capset, &head, data);
}

static long read_memory(void)
{
	struct iovec here = { page, 1 }, there = { &page, 1 };

	return syscall(SYS_process_vm_readv, victim, &here, 1, &there, 1, 0);
}

static long write_memory(void)
{
	struct iovec here = { page, 1 }, there = { &page, 1 };

	return syscall(SYS_process_vm_writev, victim, &here, 1, &there, 1, 0);
}

static long immutable(void)
{
	int flags = FS_IMMUTABLE_FL;
	int fd = openat(root, "f", O_RDONLY | O_CLOEXEC);

	return sys_ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static long xattr_of(const char *name)
{
	int fd = openat(root, "f", O_RDONLY | O_CLOEXEC);

	return fsetxattr(fd, name, "x", 1, 0);
}

static long new_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -1 : munmap(at, 4096);
}

static long wrong_kvm(unsigned long request)
{
	return sys_ioctl(pipes[0], request, NULL);
}

/* name, whether it is tried without the jail, what it is */
/* clang-format off */
#define STEPS(X)                                                                              \
	X(path, 1, openat(AT_FDCWD, "/etc/passwd", O_RDONLY))                                 \
	X(path_2, 1, sys_openat2(AT_FDCWD, "/etc/passwd", O_RDONLY, 0, 0))                    \
	X(folder, 1, openat(AT_FDCWD, "/tmp/secret", O_RDONLY))                               \
	X(proc, 1, openat(AT_FDCWD, "/proc/1/status", O_RDONLY))                              \
	X(self, 1, openat(AT_FDCWD, "/proc/self/mem", O_RDWR))                                \
	X(make_here, 0, openat(AT_FDCWD, "/x", O_WRONLY | O_CREAT, 0600))                     \
	X(from_descriptors, 1, openat(fds, "../../sys/kernel/core_pattern", O_RDWR))          \
	X(own_memory, 1, openat(fds, "../mem", O_RDWR))                                       \
	X(from_share, 1, openat(root, "../secret", O_RDONLY))                                 \
	X(by_link, 1, openat(root, "up", O_RDONLY))                                           \
	X(from_file, 0, openat(file, "../secret", O_RDONLY))                                  \
	X(device, 1, openat(root, "zero", O_RDWR))                                            \
	X(read_only, 1, openat(fixed, "f", O_WRONLY))                                         \
	X(read_only_new, 1, openat(fixed, "new", O_WRONLY | O_CREAT, 0600))                   \
	X(link_between, 1, linkat(fixed, "f", root, "linked", 0))                             \
	X(mknod_block, 1, mknodat(root, "block", S_IFBLK | 0600, makedev(8, 0)))              \
	X(mknod_char, 1, mknodat(root, "char", S_IFCHR | 0600, makedev(1, 1)))                \
	X(trusted, 1, xattr_of("trusted.x"))                                                  \
	X(immutable, 0, immutable())                                                          \
	X(execute, 1, exec_true())                                                            \
	X(execute_share, 0, exec_share())                                                     \
	X(fork, 1, new_process(0))                                                            \
	X(fork_3, 1, new_process_3())                                                         \
	X(vfork, 0, new_process(CLONE_VM | CLONE_VFORK))                                      \
	X(user_namespace, 1, new_process(CLONE_NEWUSER))                                      \
	X(socket_tcp, 1, socket(AF_INET, SOCK_STREAM, 0))                                     \
	X(socket_unix, 1, socket(AF_UNIX, SOCK_STREAM, 0))                                    \
	X(socket_netlink, 1, socket(AF_NETLINK, SOCK_RAW, 0))                                 \
	X(socket_pair, 1, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }))                 \
	X(signal, 1, kill(victim, 0))                                                         \
	X(signal_all, 0, kill(-1, 0))                                                         \
	X(signal_thread, 1, syscall(SYS_tgkill, victim, victim, 0))                           \
	X(signal_task, 1, syscall(SYS_tkill, victim, 0))                                      \
	X(signal_data, 0, syscall(SYS_rt_sigqueueinfo, victim, 0, page))                      \
	X(signal_owner, 1, fcntl(pipes[0], F_SETOWN, victim))                                 \
	X(process, 1, sys_pidfd_open(victim, 0))                                              \
	X(trace, 1, ptrace(PTRACE_SEIZE, victim, NULL, NULL))                                 \
	X(read_memory, 1, read_memory())                                                      \
	X(write_memory, 1, write_memory())                                                    \
	X(limits, 1, syscall(SYS_prlimit64, victim, 7, NULL, page))                           \
	X(priority, 1, syscall(SYS_setpriority, 0, victim, 5))                                \
	X(affinity, 1, syscall(SYS_sched_getaffinity, victim, 4096, page))                    \
	X(mount, 0, syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL))                        \
	X(umount, 0, syscall(SYS_umount2, "/", 2))                                            \
	X(open_tree, 1, sys_open_tree(root, "", OPEN_TREE_CLONE | AT_EMPTY_PATH))             \
	X(fsopen, 1, syscall(SYS_fsopen_, "tmpfs", 0))                                        \
	X(chroot, 1, syscall(SYS_chroot, "/"))                                                \
	X(chdir, 1, syscall(SYS_fchdir, root))                                                \
	X(unshare_user, 1, unshare(CLONE_NEWUSER))                                            \
	X(unshare_net, 1, unshare(CLONE_NEWNET))                                              \
	X(setns, 1, syscall(SYS_setns, own_namespace, 0))                                     \
	X(code, 1, new_code())                                                                \
	X(code_later, 1, mprotect(page, 4096, PROT_READ | PROT_EXEC))                         \
	X(memfd, 1, syscall(SYS_memfd_create, "x", 0))                                        \
	X(userfaultfd, 0, syscall(SYS_userfaultfd, 0))                                        \
	X(bpf, 0, syscall(SYS_bpf, 0, page, 64))                                              \
	X(perf, 0, syscall(SYS_perf_event_open, page, 0, -1, -1, 0))                          \
	X(uring, 0, syscall(SYS_io_uring_setup, 1, page))                                     \
	X(keys, 0, syscall(SYS_keyctl, 0, -3, 1))                                             \
	X(module, 0, syscall(SYS_finit_module, file, "", 0))                                  \
	X(kexec, 0, syscall(SYS_kexec_load, 0, 0, NULL, 0))                                   \
	X(ports, 0, syscall(SYS_iopl, 3))                                                     \
	X(host_name, 0, syscall(SYS_sethostname, "x", 1))                                     \
	X(time, 0, syscall(SYS_clock_settime, 99, page))                                      \
	X(kernel_log, 1, syscall(SYS_syslog, 10, NULL, 0))                                    \
	X(user, 1, syscall(SYS_setresuid, -1, 1000, -1))                                      \
	X(groups, 1, syscall(SYS_setgroups, 1, page))                                         \
	X(gain, 0, gain())                                                                    \
	X(dumpable, 1, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))                                    \
	X(handle, 0, syscall(SYS_open_by_handle_at, root, page, 0))                           \
	X(watch, 1, syscall(SYS_inotify_init1, 0))                                            \
	X(watch_all, 0, syscall(SYS_fanotify_init, 0, 0))                                     \
	X(splice, 0, syscall(SYS_vmsplice, pipes[1], page, 0, 0))                             \
	X(pass, 0, syscall(SYS_sendmsg, pipes[1], page, 0))                                   \
	X(kvm_memory, 0, wrong_kvm(KVM_SET_USER_MEMORY_REGION))                               \
	X(kvm_vm, 0, wrong_kvm(KVM_CREATE_VM))                                                \
	X(terminal, 0, wrong_kvm(0x5412 /* TIOCSTI */))                                       \
	X(terminal_size, 0, wrong_kvm(TIOCGWINSZ))                                            \
	X(other_abi, 0, call_32_bits())                                                       \
	X(x32, 0, syscall(0x40000000 | SYS_getpid))                                           \
	X(filter, 0, syscall(SYS_seccomp, 0 /* SECCOMP_SET_MODE_STRICT */, 0, NULL))
/* clang-format on */

#define SYS_fsopen_ 430 /* sys/mount.h takes the name with the libc of the tests */
#define FUNCTION(name, control, what) \
	static long step_##name(void) \
	{                             \
		return (long)(what);  \
	}
STEPS(FUNCTION)

#define ENTRY(name, control, what) { #name, step_##name, control },
static const struct {
	const char *name;
	long (*run)(void);
	bool control;
} steps[] = { STEPS(ENTRY) };

/* --- processes -------------------------------------------------------------------------------- */

static void prepare_step(void)
{
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	own_namespace = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	if (page == MAP_FAILED || own_namespace < 0 || pipe(pipes) < 0)
		_exit(99);
}

/* The walls, together and alone. */
static int whole(struct err *e)
{
	return jail_enter(shares, LEN(shares), NULL, e) < 0 ? -1 : jail_thread(JAIL_VCPU, e);
}

static int only_root(struct err *e)
{
	return jail_namespaces(e) < 0 || jail_root(e) < 0 ? -1 : jail_capabilities(e);
}

static int only_landlock(struct err *e)
{
	return jail_landlock(shares, LEN(shares), e);
}

static int only_filter(struct err *e)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return jail_thread(JAIL_VCPU, e);
}

static void enter(int (*walls)(struct err *e))
{
	struct err e = { 0 };

	if (walls(&e) < 0) {
		(void)fprintf(stderr, "%s: %s\n", e.text, strerror(e.sys));
		_exit(98);
	}
}

static int status_of(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static int try_step(size_t i, int (*walls)(struct err *e))
{
	pid_t child = fork();

	if (child == 0) {
		(void)alarm(30);
		open_all(!walls);
		prepare_step();
		if (walls)
			enter(walls);
		syscall(SYS_exit_group, steps[i].run() < 0 ? REFUSED : 0);
	}
	return status_of(child);
}

static bool is_refused(int status)
{
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
	       (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED);
}

static void test_taken_over(void **unused)
{
	unsigned int holes = 0;

	(void)unused;
	ROOT_ONLY();
	for (size_t i = 0; i < LEN(steps); i++) {
		int status = try_step(i, whole);

		if (is_refused(status))
			continue;
		print_error("%s: not refused (status %#x)\n", steps[i].name, status);
		holes++;
	}
	assert_int_equal(holes, 0);
	assert_true(LEN(steps) >= 60);
}

/* The thread that speaks with commands may ask for the size of a terminal, and for nothing
 * else of any device: ENOTTY is the pipe's answer. */
static void test_terminal_size(void **unused)
{
	static const unsigned long requests[] = { TIOCGWINSZ, TIOCSTI, TIOCSCTTY, KVM_RUN };

	(void)unused;
	ROOT_ONLY();
	for (size_t i = 0; i < LEN(requests); i++) {
		pid_t child = fork();
		struct err e = { 0 };

		if (child == 0) {
			prepare_step();
			if (jail_thread(JAIL_START, &e) < 0 || jail_thread(JAIL_TALK, &e) < 0)
				_exit(98);
			(void)wrong_kvm(requests[i]);
			syscall(SYS_exit_group, errno == ENOTTY ? REFUSED : 0);
		}
		int status = status_of(child);

		assert_true(is_refused(status));
		assert_int_equal(WIFSIGNALED(status), i > 0);
	}
}

/* Where one wall falls another stands: what leads to the host's files is refused by the
 * empty root and by Landlock, each alone; new processes and sockets by the filter. */
static void test_each_wall(void **unused)
{
	static const char *const files = " path path_2 folder proc self make_here ";
	static const char *const processes =
		" execute fork fork_3 vfork socket_tcp socket_unix signal ";
	long landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	(void)unused;
	ROOT_ONLY();
	for (size_t i = 0; i < LEN(steps); i++) {
		char word[64];

		(void)snprintf(word, sizeof(word), " %s ", steps[i].name);
		if (strstr(files, word)) {
			assert_true(is_refused(try_step(i, only_root)));
			assert_true(landlock < 0 || is_refused(try_step(i, only_landlock)));
		}
		if (strstr(processes, word))
			assert_true(is_refused(try_step(i, only_filter)));
	}
	if (landlock < 0)
		print_message("this kernel has no Landlock\n");
}

/* In a mount namespace of its own: some steps leave something. */
static void test_without_the_jail(void **unused)
{
	unsigned int failed = 0;

	(void)unused;
	ROOT_ONLY();
	for (size_t i = 0; i < LEN(steps); i++) {
		int status = steps[i].control ? try_step(i, NULL) : 0;

		if (status == 0)
			continue;
		print_error("%s: not possible outside, either (%#x)\n", steps[i].name, status);
		failed++;
	}
	assert_int_equal(failed, 0);
}

/* --- what the monitor still has to do ----------------------------------------------------------
 */

#define NEED(expr)                                                           \
	do {                                                                 \
		if (!(expr)) {                                               \
			static const char said[] = #expr " failed\n";        \
			(void)!write(STDERR_FILENO, said, sizeof(said) - 1); \
			syscall(SYS_exit_group, 1);                          \
		}                                                            \
	} while (0)

static uint64_t node_of(struct client *c, const char *path)
{
	int error;

	return client_walk(c, path, &error);
}

static uint64_t opened(struct client *c, uint64_t node, uint32_t flags)
{
	struct fuse_open_in in = { .flags = flags };

	return client_arg(c, FUSE_OPEN, node, &in, sizeof(in)) == 0
	               ? ((const struct fuse_open_out *)c->body)->fh
	               : UINT64_MAX;
}

static void read_and_write(struct client *c)
{
	uint64_t node = node_of(c, "rootfs/f"), handle = opened(c, node, O_RDWR);
	struct fuse_read_in in = { .fh = handle, .size = 100 };
	struct fuse_write_in out = { .fh = handle, .size = 4, .offset = 5 };

	NEED(handle != UINT64_MAX);
	NEED(client_arg(c, FUSE_READ, node, &in, sizeof(in)) == 0 && c->len == 5);
	NEED(client_call(c, FUSE_WRITE, node, &out, sizeof(out), "more", 4, NULL, 0) == 0);
	NEED(opened(c, node_of(c, "fixed/f"), O_RDONLY) != UINT64_MAX);
	NEED(opened(c, node_of(c, "fixed/f"), O_RDWR) == UINT64_MAX);
	NEED(opened(c, node_of(c, "file"), O_RDWR) != UINT64_MAX);
}

/* As a user of the guest, in a folder that is that user's; and root gives files away. */
static void make_and_own(struct client *c)
{
	struct fuse_mknod_in fifo = { .mode = S_IFIFO | 0600 };
	struct fuse_mkdir_in made = { .mode = 0700 };
	struct fuse_rename_in to = { .newdir = node_of(c, "rootfs") };
	struct fuse_setattr_in owner = { .valid = FATTR_UID | FATTR_GID, .uid = 77, .gid = 88 };
	struct fuse_setxattr_in attribute = { .size = 20 };
	static const uint8_t rights[20] = { [0] = 1, [3] = 2, [5] = 0x20 }; /* version 2 */

	c->uid = c->gid = 1000;
	NEED(client_name(c, FUSE_MKDIR, node_of(c, "rootfs/d"), &made, sizeof(made), "sub") == 0);
	NEED(client_name(c, FUSE_MKNOD, node_of(c, "rootfs/d"), &fifo, sizeof(fifo), "fifo") == 0);
	c->uid = c->gid = 0;
	NEED(client_call(c, FUSE_RENAME, node_of(c, "rootfs/d"), &to, sizeof(to), "fifo", 5,
	                 "moved", 6) == 0);
	NEED(client_arg(c, FUSE_SETATTR, node_of(c, "rootfs/f"), &owner, sizeof(owner)) == 0);
	NEED(client_call(c, FUSE_SETXATTR, node_of(c, "rootfs/f"), &attribute,
	                 FUSE_COMPAT_SETXATTR_IN_SIZE, "security.capability", 20, rights,
	                 sizeof(rights)) == 0);
}

static void *serve(void *client)
{
	struct err e = { 0 };

	NEED(jail_thread(JAIL_VCPU, &e) == 0);
	read_and_write(client);
	make_and_own(client);
	return NULL;
}

static void test_server_in_the_jail(void **unused)
{
	pid_t child;

	(void)unused;
	ROOT_ONLY();
#ifdef __SANITIZE_ADDRESS__
	print_message("a sanitizer makes calls of its own, which are not on the list\n");
	skip();
#endif
	child = fork();
	if (child == 0) {
		struct client *c;
		struct err e = { 0 };
		pthread_t thread;

		(void)alarm(30);
		umask(0);
		open_all(false);
		c = client_new(shares, LEN(shares), 40);
		NEED(dup2(fds, c->proc_fds) >= 0);
		NEED(client_init(c) == 0);
		NEED(jail_enter(shares, LEN(shares), NULL, &e) == 0);
		NEED(pthread_create(&thread, NULL, serve, c) == 0);
		NEED(jail_thread(JAIL_MAIN, &e) == 0);
		NEED(pthread_join(thread, NULL) == 0);
		syscall(SYS_exit_group, 0);
	}
	assert_int_equal(status_of(child), 0);
	assert_int_equal(shell("cd %s/rootfs && "
	                       "[ \"$(stat -c %%u:%%g d/sub moved f | xargs)\" = "
	                       "'1000:1000 1000:1000 77:88' ] && [ \"$(tail -n 1 f)\" = more ]",
	                       folder),
	                 0);
	assert_int_equal(getxattr("/tmp/rootfs/f", "security.capability", NULL, 0), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_over),         cmocka_unit_test(test_terminal_size),
		cmocka_unit_test(test_each_wall),          cmocka_unit_test(test_without_the_jail),
		cmocka_unit_test(test_server_in_the_jail),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
