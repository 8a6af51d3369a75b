/* SPDX-License-Identifier: Apache-2.0 */
/* The commands' side of a microVM: the monitor is made as the container's process, in its
 * group, and told to go on; what it could not do, it says. */
#include "runtime/backend_vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/backend.h"
#include "runtime/backend_vm_exec_process.h"
#include "runtime/backend_vm_net.h"
#include "runtime/backend_vm_process.h"
#include "runtime/backend_vm_terminal.h"

/* --- what the guest sees of the host ---------------------------------------------------- */

/* A detached mount, so that flags are the kernel's to enforce. */
static int open_share(const struct vm_share *s, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
		                               (s->read_only ? MOUNT_ATTR_RDONLY : 0) };
	struct stat st;
	FD int fd = sys_open_tree(AT_FDCWD, s->source,
	                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	                                  (s->recursive ? AT_RECURSIVE : 0) |
	                                  (s->nofollow ? AT_SYMLINK_NOFOLLOW : 0));

	if (fd < 0)
		return err_sys(e, "%s: open_tree %s", s->origin, s->source);
	if (sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return err_sys(e, "%s: mount_setattr %s", s->origin, s->source);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s: fstat %s", s->origin, s->source);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s: %s: only files and folders can be in a microVM",
		               s->origin, s->source);
	return fd_give(&fd);
}

static int open_root(const struct vm_share *s, struct err *e)
{
	FD int fd = open_share(s, e);
	struct stat st;

	TRY(fd);
	errno = ENOTDIR;
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_sys(e, "%s: %s", s->origin, s->source);
	return fd_give(&fd);
}

/* Whoever wants to write holds it up, and what the guest has closed it may tell a while later
 * (mount_setattr(2), EBUSY). */
enum { SEAL_TRIES = 1000, SEAL_PAUSE_NS = 10000000 };

/* A root that is read-only takes the mount points that its image lacks, like any container's,
 * before it becomes so: when the guest is ready, and nothing of the image has run. */
static int seal_root(int root, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	const struct timespec pause = { .tv_nsec = SEAL_PAUSE_NS };

	for (int n = 0; n < SEAL_TRIES; n++) {
		if (sys_mount_setattr(root, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) == 0)
			return 0;
		if (errno != EBUSY)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return err_sys(e, "root.readonly: mount_setattr");
}

/* In the child: the umask is the guest's. The root's is open already. */
static int open_shares(const struct vm_box *box, int root, struct fs_share *ret, struct err *e)
{
	for (unsigned int i = 0; i < box->share_count; i++) {
		bool is_root = &box->shares[i] == box->rootfs;

		ret[i] = (struct fs_share){
			.name = box->shares[i].name,
			.fd = is_root ? root : open_share(&box->shares[i], e),
			.read_only = box->shares[i].read_only,
			.cache_seconds = 1,
		};
		TRY(ret[i].fd);
	}
	return 0;
}

/* --- the talk ----------------------------------------------------------------------------- */

static int send_frame(int socket, uint32_t type, struct err *e)
{
	const struct frame f = { .type = type };

	return fd_send(socket, &f, sizeof(f), NULL, 0, e);
}

/* 1: a frame, 0: the other end is closed. */
static int receive_one(int socket, const struct launch_events *events, struct frame *ret,
                       struct err *e)
{
	size_t none = 0;

	if (events->wait)
		TRY(events->wait(events->context, socket, e));
	ssize_t n = fd_receive(socket, ret, sizeof(*ret), NULL, &none, e);

	if (n < 0 && e->sys == ECONNRESET) {
		*e = (struct err){ 0 };
		n = 0;
	}
	if (n <= 0)
		return (int)n;
	ret->text[FRAME_TEXT_MAX - 1] = '\0';
	if (n != sizeof(*ret))
		return err_set(e, ERR_BUG, "the monitor sent a packet of %zd bytes", n);
	return 1;
}

/* The same; what warns is passed on. */
static int receive(int socket, const struct launch_events *events, struct frame *ret, struct err *e)
{
	for (;;) {
		int got = receive_one(socket, events, ret, e);

		if (got <= 0 || ret->type != FRAME_WARNING)
			return got;
		log_warn("in the guest: %s", ret->text);
	}
}

int vm_await(int socket, const struct launch_events *events, uint32_t type, struct frame *ret,
             struct err *e)
{
	static const struct launch_events none = { 0 };
	int got = receive(socket, events ? events : &none, ret, e);

	TRY(got);
	if (got == 0)
		return err_set(e, ERR_KERNEL, "the microVM's monitor has ended without a word");
	if (ret->type == FRAME_ERROR)
		return vm_frame_read_error(ret, e);
	if (ret->type != type)
		return err_set(e, ERR_BUG, "the monitor sent a packet that is not due");
	return 0;
}

static int await_frame(const struct launch *l, const struct launch_events *events, uint32_t type,
                       struct err *e)
{
	struct frame f;

	return vm_await(l->socket, events, type, &f, e);
}

/* With the state for startContainer hooks, which are the guest's programs. */
static int send_start(int socket, int state, struct err *e)
{
	struct vm_start packet = { .frame.type = FRAME_START };
	ssize_t n = 0;

	if (state >= 0)
		n = pread(state, packet.state, sizeof(packet.state), 0);
	if (n < 0)
		return err_sys(e, "read the state");
	if (n == (ssize_t)sizeof(packet.state))
		return err_set(e, ERR_REFUSED,
		               "the state for startContainer hooks is longer than %zu bytes",
		               sizeof(packet.state) - 1);
	return fd_send(socket, &packet, sizeof(packet.frame) + (size_t)n, NULL, 0, e);
}

int backend_vm_start(const struct plan *plan, const struct launch_start *s, struct err *e)
{
	static const struct launch_events none = { 0 };
	struct frame f;

	(void)plan;
	if (s->later)
		TRY(vm_net_complete(s, e));
	TRY(send_start(s->socket, s->state, e));
	int got = receive(s->socket, s->events ? s->events : &none, &f, e);

	if (got > 0)
		return vm_frame_read_error(&f, e);
	TRY(got); /* the end of file: it runs */
	log_debug("init: closing the pipe to signal completion: %d has executed its program",
	          s->pid);
	return 0;
}

enum { EXIT_BROKEN = 255 };

/* --- the process --------------------------------------------------------------------------- */

/* Who is born; neither returns. */
struct life {
	void (*live)(const struct life *l, int launcher);
	struct vm_process *monitor;
	const struct vm_box *box;
	struct vm_exec_process *exec;
	int root;     /* the monitor's */
	int terminal; /* -1: none */
};

static void live_as_monitor(const struct life *l, int launcher)
{
	static struct fs_share shares[VM_SHARES_MAX];
	const struct vm_box *box = l->box;
	struct vm_process *p = l->monitor;
	struct err e = { 0 };
	struct frame f;
	int network = p->network, terminal = l->terminal;

	(void)umask(0);
	p->launcher = launcher;
	p->shares = shares;
	p->share_count = box->share_count;
	if (setsid() < 0)
		(void)err_sys(&e, "setsid");
	else if (network >= 0 ? setns(network, CLONE_NEWNET) < 0 : unshare(CLONE_NEWNET) < 0)
		(void)err_sys(&e, "linux.namespaces: %s: the network namespace",
		              box->network ? box->network : "new");
	else if ((terminal < 0 || vm_terminal_take(&terminal, &e) == 0) &&
	         open_shares(box, l->root, shares, &e) == 0 &&
	         send_frame(launcher, FRAME_HOOKS, &e) == 0)
		vm_process_run(p);
	vm_frame_error(&f, &e);
	(void)!send(launcher, &f, sizeof(f), MSG_NOSIGNAL);
	_exit(EXIT_BROKEN);
}

/* Born into the group, so that all that it ever uses is counted there. */
static int give_birth(const struct life *life, int cgroup, struct launch *l, struct err *e)
{
	int pair[2], pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.cgroup = cgroup >= 0 ? (unsigned int)cgroup : 0,
		.exit_signal = SIGCHLD,
	};
	struct proc_stat stat;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	FD int theirs = pair[1];
	l->socket = pair[0];
	pid_t pid = sys_clone3(&args);
	if (pid == 0) {
		fd_drop(&l->socket);
		life->live(life, theirs);
		_exit(EXIT_BROKEN);
	}
	if (pid < 0)
		return err_sys(e, "clone3 a process of the microVM's");
	l->pid = pid;
	l->pidfd = pidfd;
	TRY(proc_stat(pid, &stat, e));
	l->start_time = stat.start_time;
	return 0;
}

static int run_hooks(const struct plan *plan, const struct launch_events *events, pid_t pid,
                     struct err *e)
{
	int state = -1;

	if (!plan->runtime_hooks || !events->hooks)
		return 0;
	TRY(events->hooks(events->context, pid, &state, e));
	fd_drop(&state);
	return 0;
}

static const char *cmdline(struct arena *a, const struct vm_settings *s)
{
	const char *text = "";

	for (size_t i = 0; i < s->parameters.n; i++)
		text = arena_printf(a, "%s%s%s", text, *text ? " " : "", s->parameters.v[i]);
	return *text ? text : NULL;
}

/* -1 without an error: there is none. */
static int open_initrd(const char *path, struct err *e)
{
	FD int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	struct stat st;

	if (!path)
		return -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "vm.kernel.initrd: open %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(e, ERR_SPEC, "vm.kernel.initrd: %s is no file, or empty", path);
	return fd_give(&fd);
}

/* -1 without an error: a new one is to be made. All that comes in on an interface of the
 * namespace goes to the guest: nothing would be left to us of our own. */
static int open_network(const char *path, struct err *e)
{
	FD int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat theirs, ours;

	if (!path)
		return -1;
	if (fd < 0 || fstat(fd, &theirs) < 0)
		return err_sys(e, "linux.namespaces: open %s", path);
	if (stat("/proc/self/ns/net", &ours) < 0)
		return err_sys(e, "stat /proc/self/ns/net");
	if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
		return err_set(e, ERR_REFUSED,
		               "linux.namespaces: %s: a microVM cannot share the host's network "
		               "namespace",
		               path);
	return fd_give(&fd);
}

static int lead(struct vm_process *p, const struct plan *plan, const struct vm_box *box,
                const struct launch_options *options, struct launch *l, struct err *e)
{
	const struct launch_events *events = &options->events;

	FD int terminal = -1;

	TRY(vm_terminal_make((const struct plan *)p->plan, events, &terminal, e));
	p->terminal = terminal >= 0;
	FD int root = box->rootfs ? open_root(box->rootfs, e) : -1;
	if (box->rootfs)
		TRY(root);
	const struct life life = {
		.live = live_as_monitor,
		.monitor = p,
		.box = box,
		.root = root,
		.terminal = terminal,
	};
	log_debug("nsexec container setup: %u steps", plan->steps.count);
	TRY(give_birth(&life, options->cgroup, l, e));
	fd_drop(&terminal); /* its end is the monitor's */
	if (events->busy)
		TRY(events->busy(events->context, e));
	TRY(await_frame(l, events, FRAME_HOOKS, e)); /* its network is there, for hooks to fill */
	TRY(run_hooks(plan, events, l->pid, e));
	TRY(send_frame(l->socket, FRAME_HELLO, e));
	TRY(await_frame(l, events, FRAME_READY, e));
	log_debug("child process in init(): %d is ready to be started", l->pid);
	return box->rootfs && box->rootfs->sealed_late ? seal_root(root, e) : 0;
}

/* --- exec ---------------------------------------------------------------------------------- */

static void live_as_exec(const struct life *l, int launcher)
{
	struct err e = { 0 };
	struct frame f;
	int terminal = l->terminal;

	l->exec->launcher = launcher;
	if (setsid() < 0)
		(void)err_sys(&e, "setsid");
	else if (terminal < 0 || vm_terminal_take(&terminal, &e) == 0)
		vm_exec_process_run(l->exec, &e);
	vm_frame_error(&f, &e);
	(void)!send(launcher, &f, sizeof(f), MSG_NOSIGNAL);
}

static int lead_exec(const struct plan *plan, const struct launch_options *options,
                     struct launch *l, struct err *e)
{
	FD int terminal = -1;

	TRY(vm_terminal_make(plan, &options->events, &terminal, e));
	struct vm_exec_process exec = {
		.monitor = options->commands,
		.plan = plan,
		.plan_len = plan->size,
		.group = options->group ? options->group : "",
		.plain_terminal = options->plain_terminal,
	};
	const struct life life = { .live = live_as_exec, .exec = &exec, .terminal = terminal };

	TRY(give_birth(&life, options->cgroup, l, e));
	fd_drop(&terminal);
	return await_frame(l, &options->events, FRAME_READY, e);
}

static int create_exec(const struct plan *plan, const struct launch_options *options,
                       struct launch *ret, struct err *e)
{
	if (lead_exec(plan, options, ret, e) == 0)
		return 0;
	launch_abort(ret);
	return -1;
}

/* SIGKILL is nothing that its host process could pass on. */
void backend_vm_kill_exec(const struct launch *l, int commands)
{
	(void)sys_kill_group(l->pid, SIGKILL);
	vm_exec_process_kill(commands);
}

/* --- create -------------------------------------------------------------------------------- */

int backend_vm_create(const struct plan *plan, const struct launch_options *options,
                      const struct vm_box *box, struct launch *ret, struct err *e)
{
	struct vm_choice choice = { 0 };
	ARENA struct arena a = { 0 };
	struct vm_kernel kernel;

	*ret = (struct launch)LAUNCH_NONE;
	if (!box)
		return create_exec(plan, options, ret, e);
	FD int initrd = open_initrd(box->settings.initrd, e);
	if (e->kind)
		return -1;
	struct vm_image image = { .disk.fd = -1 };
	if (box->settings.image)
		TRY(vm_image_open(box, &image, e));
	FD int disk = image.disk.fd;
	choice.kernel = box->settings.kernel;
	choice.disk = image.type;
	TRY(backend_vm_prepare(&a, &choice, &kernel, e));
	FD int vmlinux = kernel.vmlinux;
	FD int initramfs = kernel.initramfs;
	FD int network = open_network(box->network, e);
	if (e->kind)
		return -1;
	struct vm_process p = {
		.listener = options->listener,
		.commands = options->commands,
		.plain_terminal = options->plain_terminal,
		.network = network,
		.kernel = vmlinux,
		.initramfs = initramfs,
		.initrd = initrd,
		.image = image,
		.cmdline = cmdline(&a, &box->settings),
		.profile = box->profile,
		.vcpus = box->settings.vcpus,
		.memory_bytes = box->settings.memory_bytes,
		.bare = kernel.bare ? kernel.version : NULL,
		.plan = box->plan.data,
		.plan_len = box->plan.len,
	};
	if (lead(&p, plan, box, options, ret, e) == 0)
		return 0;
	launch_abort(ret);
	return -1;
}
