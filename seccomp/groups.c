/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of groups. A call that fits two is where its harm would be: bpf(2) observes
 * and configures, and stands with what can see into other processes. The names are
 * those of the kernel's arch/x86/entry/syscalls/syscall_64.tbl.
 */
#include "seccomp/groups.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
static const char *const files[] = {
	"read", "write", "open", "close", "stat", "fstat", "lstat", "lseek", "ioctl", "pread64",
	"pwrite64", "readv", "writev", "access", "pipe", "dup", "dup2", "sendfile", "fcntl",
	"flock", "fsync", "fdatasync", "truncate", "ftruncate", "getdents", "getcwd", "chdir",
	"fchdir", "rename", "mkdir", "rmdir", "creat", "link", "unlink", "symlink", "readlink",
	"chmod", "fchmod", "chown", "fchown", "lchown", "umask", "utime", "mknod", "ustat",
	"statfs", "fstatfs", "sync", "readahead", "setxattr", "lsetxattr", "fsetxattr",
	"getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
	"removexattr", "lremovexattr", "fremovexattr", "io_setup", "io_destroy",
	"io_getevents", "io_submit", "io_cancel", "io_pgetevents", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "getdents64", "fadvise64", "utimes", "openat",
	"mkdirat", "mknodat", "fchownat", "futimesat", "newfstatat", "unlinkat", "renameat",
	"linkat", "symlinkat", "readlinkat", "fchmodat", "faccessat", "splice", "tee",
	"sync_file_range", "vmsplice", "utimensat", "fallocate", "dup3", "pipe2", "preadv",
	"pwritev", "name_to_handle_at", "open_by_handle_at", "syncfs", "renameat2",
	"copy_file_range", "preadv2", "pwritev2", "statx", "close_range", "openat2",
	"faccessat2", "cachestat", "fchmodat2", "setxattrat", "getxattrat", "listxattrat",
	"removexattrat", "file_getattr", "file_setattr", NULL,
};
static const char *const events[] = {
	"poll", "select", "epoll_create", "epoll_wait", "epoll_ctl", "inotify_init",
	"inotify_add_watch", "inotify_rm_watch", "pselect6", "ppoll", "epoll_pwait", "signalfd",
	"eventfd", "signalfd4", "eventfd2", "epoll_create1", "inotify_init1", "fanotify_init",
	"fanotify_mark", "epoll_pwait2", NULL,
};
static const char *const network[] = {
	"socket", "connect", "accept", "sendto", "recvfrom", "sendmsg", "recvmsg", "shutdown",
	"bind", "listen", "getsockname", "getpeername", "socketpair", "setsockopt", "getsockopt",
	"accept4", "recvmmsg", "sendmmsg", NULL,
};
static const char *const processes[] = {
	"clone", "fork", "vfork", "execve", "exit", "wait4", "getpid", "setpgid", "getppid",
	"getpgrp", "setsid", "getpgid", "getsid", "gettid", "futex", "set_thread_area",
	"get_thread_area", "set_tid_address", "restart_syscall", "exit_group", "waitid",
	"set_robust_list", "get_robust_list", "execveat", "membarrier", "rseq", "pidfd_open",
	"clone3", "pidfd_getfd", "futex_waitv", "futex_wake", "futex_wait", "futex_requeue",
	"modify_ldt", "arch_prctl", "prctl", "personality", NULL,
};
static const char *const signals[] = {
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "pause", "kill", "rt_sigpending",
	"rt_sigtimedwait", "rt_sigqueueinfo", "rt_sigsuspend", "sigaltstack", "tkill", "tgkill",
	"rt_tgsigqueueinfo", "pidfd_send_signal", NULL,
};
static const char *const ipc[] = {
	"shmget", "shmat", "shmctl", "semget", "semop", "semctl", "shmdt", "msgget", "msgsnd",
	"msgrcv", "msgctl", "semtimedop", "mq_open", "mq_unlink", "mq_timedsend",
	"mq_timedreceive", "mq_notify", "mq_getsetattr", NULL,
};
static const char *const memory[] = {
	"mmap", "mprotect", "munmap", "brk", "mremap", "msync", "mincore", "madvise", "mlock",
	"munlock", "mlockall", "munlockall", "remap_file_pages", "mbind", "set_mempolicy",
	"get_mempolicy", "migrate_pages", "move_pages", "memfd_create", "mlock2",
	"pkey_mprotect", "pkey_alloc", "pkey_free", "process_madvise", "memfd_secret",
	"process_mrelease", "set_mempolicy_home_node", "map_shadow_stack", "mseal",
	"userfaultfd", NULL,
};
static const char *const time_[] = {
	"nanosleep", "getitimer", "alarm", "setitimer", "gettimeofday", "times", "time",
	"timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
	"clock_gettime", "clock_getres", "clock_nanosleep", "timerfd_create", "timerfd_settime",
	"timerfd_gettime", NULL,
};
static const char *const scheduling[] = {
	"sched_yield", "getrlimit", "getpriority", "setpriority", "sched_setparam",
	"sched_getparam", "sched_setscheduler", "sched_getscheduler", "sched_get_priority_max",
	"sched_get_priority_min", "sched_rr_get_interval", "setrlimit", "sched_setaffinity",
	"sched_getaffinity", "ioprio_set", "ioprio_get", "prlimit64", "getcpu",
	"sched_setattr", "sched_getattr", NULL,
};
static const char *const identity[] = {
	"getuid", "getgid", "setuid", "setgid", "geteuid", "getegid", "setreuid", "setregid",
	"getgroups", "setgroups", "setresuid", "getresuid", "setresgid", "getresgid",
	"setfsuid", "setfsgid", "capget", "capset", NULL,
};
static const char *const information[] = {
	"uname", "getrusage", "sysinfo", "sysfs", "getrandom", NULL,
};
static const char *const confinement[] = {
	"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
	"add_key", "request_key", "keyctl", "lsm_get_self_attr", "lsm_set_self_attr",
	"lsm_list_modules", NULL,
};
static const char *const mounts[] = {
	"chroot", "pivot_root", "mount", "umount2", "unshare", "setns", "open_tree",
	"move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "statmount",
	"listmount", "open_tree_attr", NULL,
};
static const char *const observation[] = {
	"ptrace", "perf_event_open", "process_vm_readv", "process_vm_writev", "kcmp", "bpf",
	"lookup_dcookie", "uprobe", "uretprobe", NULL,
};
static const char *const kernel[] = {
	"syslog", "vhangup", "adjtimex", "acct", "settimeofday", "swapon", "swapoff", "reboot",
	"sethostname", "setdomainname", "iopl", "ioperm", "init_module", "delete_module",
	"quotactl", "clock_settime", "kexec_load", "clock_adjtime", "finit_module",
	"kexec_file_load", "quotactl_fd", NULL,
};
static const char *const obsolete[] = {
	"uselib", "_sysctl", "create_module", "get_kernel_syms", "query_module", "nfsservctl",
	"getpmsg", "putpmsg", "afs_syscall", "tuxcall", "security", "epoll_ctl_old",
	"epoll_wait_old", "vserver", NULL,
};
static const char *const none[] = { NULL };

static const struct syscall_group_info groups[GROUP_KINDS] = {
	[GROUP_FILES] = { "files", "files and folders", files },
	[GROUP_EVENTS] = { "events", "waiting for events", events },
	[GROUP_NETWORK] = { "network", "network and sockets", network },
	[GROUP_PROCESSES] = { "processes", "processes and threads", processes },
	[GROUP_SIGNALS] = { "signals", "signals", signals },
	[GROUP_IPC] = { "ipc", "queues, semaphores and shared memory", ipc },
	[GROUP_MEMORY] = { "memory", "memory", memory },
	[GROUP_TIME] = { "time", "clocks and timers", time_ },
	[GROUP_SCHEDULING] = { "scheduling", "processor time and limits", scheduling },
	[GROUP_IDENTITY] = { "identity", "users, groups and capabilities", identity },
	[GROUP_INFORMATION] = { "information", "information and randomness", information },
	[GROUP_CONFINEMENT] = { "confinement", "own confinement and keys", confinement },
	[GROUP_MOUNTS] = { "mounts", "mounts and namespaces", mounts },
	[GROUP_OBSERVATION] = { "observation", "looking into processes and the kernel", observation },
	[GROUP_KERNEL] = { "kernel", "kernel administration", kernel },
	[GROUP_OBSOLETE] = { "obsolete", "no longer there", obsolete },
	[GROUP_OTHER] = { "other", "others", none },
};

static const struct {
	const char *name, *why;
} dangers[] = {
	{ "acct", "writes a record of every process of the host to a file" },
	{ "add_key", "fills the kernel's keyrings, which are not of the container alone" },
	{ "adjtimex", "can change the host's clock" },
	{ "bpf", "loads programs into the kernel; its verifier has often been the way out" },
	{ "clock_adjtime", "can change the host's clock" },
	{ "clock_settime", "can set the host's clock" },
	{ "clone3", "makes user namespaces unseen: a filter cannot look at its flags" },
	{ "delete_module", "unloads drivers of the host" },
	{ "fanotify_init", "watches, and can hold up, what others do with files" },
	{ "finit_module", "loads code into the host's kernel" },
	{ "fsconfig", "lets a filesystem driver parse what the container gives it" },
	{ "fsmount", "mounts filesystems, over masked paths too" },
	{ "fsopen", "mounts filesystems, whose drivers were not written for hostile images" },
	{ "init_module", "loads code into the host's kernel" },
	{ "io_uring_enter", "does other system calls that the filter never sees" },
	{ "io_uring_register", "does other system calls that the filter never sees" },
	{ "io_uring_setup", "does other system calls that the filter never sees" },
	{ "ioperm", "gives access to the hardware's ports" },
	{ "iopl", "gives access to all of the hardware's ports" },
	{ "kcmp", "compares what processes have open, and so tells kernel addresses apart" },
	{ "kexec_file_load", "replaces the host's kernel" },
	{ "kexec_load", "replaces the host's kernel" },
	{ "keyctl", "reads and changes keyrings, which are not of the container alone" },
	{ "lookup_dcookie", "tells paths of the host" },
	{ "mbind", "moves memory between the host's nodes, to other containers' cost" },
	{ "modify_ldt", "old code of the kernel that few programs need and that had holes" },
	{ "mount", "mounts filesystems, over masked and read-only paths too" },
	{ "mount_setattr", "can take away read-only and nosuid from mounts" },
	{ "move_mount", "moves mounts, over masked paths too" },
	{ "move_pages", "moves memory between the host's nodes, to other containers' cost" },
	{ "name_to_handle_at", "gives the handles that open_by_handle_at opens" },
	{ "open_by_handle_at", "opens any file of a filesystem by its number, outside of the root" },
	{ "open_tree", "clones mounts, and what they hide becomes visible" },
	{ "perf_event_open", "observes the kernel and others; a large and often broken part of it" },
	{ "personality", "can switch off address randomization" },
	{ "pidfd_getfd", "takes open files out of other processes" },
	{ "pivot_root", "changes what the root folder is" },
	{ "process_vm_readv", "reads the memory of other processes" },
	{ "process_vm_writev", "writes to the memory of other processes" },
	{ "ptrace", "controls other processes; before Linux 4.8 it went around the filter" },
	{ "quotactl", "changes quotas of the host's filesystems" },
	{ "quotactl_fd", "changes quotas of the host's filesystems" },
	{ "reboot", "can restart the host" },
	{ "request_key", "has the kernel start a helper program of the host" },
	{ "set_mempolicy", "chooses the host's memory nodes" },
	{ "setns", "enters namespaces of others" },
	{ "settimeofday", "can set the host's clock" },
	{ "swapoff", "takes the host's swap away" },
	{ "swapon", "makes a file the host's swap" },
	{ "syslog", "reads the kernel's messages, with addresses in them" },
	{ "umount2", "uncovers what a mount hides" },
	{ "unshare", "makes user namespaces, in which the whole kernel's inside can be reached" },
	{ "uselib", "an old interface that no program needs" },
	{ "userfaultfd", "stops the kernel at a place of choice, which many exploits need" },
	{ "vmsplice", "gives pages to pipes; part of several published exploits" },
};
/* clang-format on */

const struct syscall_group_info *syscall_group_info(enum syscall_group group)
{
	return &groups[group];
}

enum syscall_group syscall_group_of(const char *name)
{
	for (enum syscall_group g = 0; g < GROUP_OTHER; g++) {
		for (const char *const *call = groups[g].calls; *call; call++) {
			if (strcmp(*call, name) == 0)
				return g;
		}
	}
	return GROUP_OTHER;
}

const char *syscall_danger(const char *name)
{
	for (size_t i = 0; i < sizeof(dangers) / sizeof(*dangers); i++) {
		if (strcmp(dangers[i].name, name) == 0)
			return dangers[i].why;
	}
	return NULL;
}
