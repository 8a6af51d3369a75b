/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caisson-init: the only code that runs inside a container's namespaces before the
 * workload. It receives a plan and descriptors over its socket, checks the plan,
 * and walks its steps in the order in which they stand there. It decides nothing:
 * order and values are the compiler's. There is no libc, no allocator and no
 * parser of anything but passwd lines; each step either does what it says or ends
 * init with one error frame, so nothing runs after a step that failed.
 *
 * argv[1] is the number of the socket. The environment is empty.
 */
#include <linux/mman.h>

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"
#include "runtime/launch/plan_check.h"

enum {
	HELLO_FDS = 253,      /* SCM_MAX_FD, unix(7) */
	SIGNAL_LAST = 31,     /* real-time signals are nobody's to ignore for others */
	CPUS_MAX = 8192,      /* the most that a kernel is built for */
	STEPS_PER_SWEEP = 24, /* each opens at most four descriptors; many mounts sweep earlier */
};

_Noreturn void init_main(char *const *stack);

struct plan *plan;
static uint32_t position; /* index of the current step */

typedef void step_function(const struct plan_step *step);

/* Indexed by enum plan_op. */
static step_function *const functions[PLAN_OP_END] = {
	[PLAN_OOM_SCORE_ADJ] = step_oom_score_adj,
	[PLAN_RLIMIT] = step_rlimit,
	[PLAN_IO_PRIORITY] = step_io_priority,
	[PLAN_CPU_AFFINITY] = step_cpu_affinity,
	[PLAN_JOIN] = step_join,
	[PLAN_USER_NAMESPACE] = step_user_namespace,
	[PLAN_TIME_OFFSETS] = step_time_offsets,
	[PLAN_CLONE] = step_clone,
	[PLAN_KEYRING] = step_keyring,
	[PLAN_JOIN_KEYRING] = step_join_keyring,
	[PLAN_CLONE_SHARED] = step_clone_shared,
	[PLAN_PROPAGATION] = step_propagation,
	[PLAN_ROOTFS] = step_rootfs,
	[PLAN_ENTER_ROOT] = step_enter_root,
	[PLAN_FIND_ROOT] = step_find_root,
	[PLAN_NETWORK] = step_network,
	[PLAN_CGROUP] = step_cgroup,
	[PLAN_MOUNT] = step_mount,
	[PLAN_BIND] = step_bind,
	[PLAN_REMOUNT] = step_remount,
	[PLAN_CGROUP_MOUNT] = step_mount,
	[PLAN_DEVICE] = step_device,
	[PLAN_SYMLINK] = step_symlink,
	[PLAN_TERMINAL] = step_terminal,
	[PLAN_FOLDER] = step_folder,
	[PLAN_WAIT_HOOKS] = step_wait_hooks,
	[PLAN_HOOK_HOST] = step_hook_host,
	[PLAN_PIVOT] = step_pivot,
	[PLAN_HIDE] = step_hide,
	[PLAN_MOVE_ROOT] = step_move_root,
	[PLAN_ROOT_PROPAGATION] = step_propagation,
	[PLAN_ROOT_READONLY] = step_root_readonly,
	[PLAN_MASK] = step_mask,
	[PLAN_READONLY] = step_readonly,
	[PLAN_LABEL] = step_label,
	[PLAN_SYSCTL] = step_sysctl,
	[PLAN_HOSTNAME] = step_hostname,
	[PLAN_DOMAINNAME] = step_domainname,
	[PLAN_LOOPBACK] = step_loopback,
	[PLAN_LANDLOCK] = step_landlock,
	[PLAN_PERSONALITY] = step_personality,
	[PLAN_MEMORY_POLICY] = step_memory_policy,
	[PLAN_BOUNDING] = step_bounding,
	[PLAN_UMASK] = step_umask,
	[PLAN_CWD] = step_cwd,
	[PLAN_IDS] = step_ids,
	[PLAN_CAPS] = step_caps,
	[PLAN_ENVIRONMENT] = step_environment,
	[PLAN_EXECUTABLE] = step_executable,
	[PLAN_PARK] = step_park,
	[PLAN_NO_NEW_PRIVS] = step_no_new_privs,
	[PLAN_CLOSE_FDS] = step_close_fds,
	[PLAN_SECCOMP] = step_seccomp,
	[PLAN_HOOK_CONTAINER] = step_hook_container,
	[PLAN_EXECVE] = step_execve,
};

bool plan_has(enum plan_op op)
{
	const struct plan_step *step = plan_array(plan, plan->steps);

	for (uint32_t i = position; i < plan->steps.count; i++) {
		if (step[i].op == op)
			return true;
	}
	return false;
}

/* The socket's number from argv; without it there is nobody to tell. */
static void open_socket(char *const *stack)
{
	long argc = *(const long *)(const void *)stack;
	long socket = argc == 2 ? text_number(stack[2], INT32_MAX) : -1;

	if (socket < 3 || sys_fcntl((int)socket, F_SETFD, FD_CLOEXEC) < 0)
		sys_exit(1);
	report_to((int)socket);
	fd_reserve((int)socket);
}

/* Private and writable, because argv and envp become pointers in place. */
static void map_plan(int fd, size_t size)
{
	if (size == 0 || size > PLAN_SIZE_MAX)
		fail(CHECK_PLAN, 0, NULL);
	plan = (struct plan *)must(
		sys_mmap_file(fd, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE),
		CALL_MMAP, NULL);
	if (plan_check(plan, size))
		fail(CHECK_PLAN, 0, NULL);
	(void)sys_close(fd);
}

static void receive_hello(void)
{
	int fds[HELLO_FDS];

	if (report_receive(report_socket(), fds, HELLO_FDS) != FRAME_HELLO || fds[0] < 0)
		fail(CHECK_PROTOCOL, 0, NULL);
	map_plan(fds[0], report_received()->step);
	fd_reserve(2 + (int)plan->preserve_fds);
	slots_take(fds + 1, HELLO_FDS - 1);
}

/* All CPUs that our cpuset has: the kernel leaves the others out. Where even that is
 * forbidden (a seccomp filter around us), being pinned is no reason not to start. */
static void become_unpinned(void)
{
	unsigned char all[CPUS_MAX / 8];

	memset(all, 0xff, sizeof(all));
	(void)sys_sched_setaffinity(all, sizeof(all));
}

/* Makes the process a blank one: what the launcher's caller ignored or blocked, and
 * the CPUs it was pinned to, are none of the container's business. */
static void become_blank(uint64_t ignored)
{
	become_unpinned();
	(void)sys_umask(0);
	for (int signal = 1; signal <= SIGNAL_LAST; signal++) {
		if (ignored & UINT64_C(1) << (signal - 1))
			(void)sys_default_action(signal);
	}
	must(sys_unblock_signals(), CALL_NONE, NULL);
	must(sys_setsid(), CALL_SETSID, NULL);
}

void init_main(char *const *stack)
{
	const struct plan_step *step;
	unsigned int unswept = 0;

	open_socket(stack);
	must(sys_prctl(PR_SET_NAME, (unsigned long)"caisson-init", 0), CALL_PRCTL, NULL);
	must(sys_prctl(PR_SET_DUMPABLE, 0, 0), CALL_PRCTL, NULL);
	receive_hello();
	become_blank((uint64_t)report_received()->value);
	step = plan_array(plan, plan->steps);
	for (position = 0; position < plan->steps.count; position++) {
		report_step(position);
		functions[step[position].op](&step[position]);
		/* what follows the closing of them all opens nothing, and a filter may
		 * forbid to close */
		unswept++;
		if ((unswept == STEPS_PER_SWEEP || fd_crowded()) && plan_has(PLAN_CLOSE_FDS)) {
			fd_sweep();
			unswept = 0;
		}
	}
	sys_exit(1); /* plan_check saw to it that execve is the last step */
}
