/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile of the shape that engines use: an error by default, some three hundred
 * calls allowed, a few of them by their arguments. SYSCALL(name) is expanded for each
 * call that is allowed whatever its arguments are.
 */
#pragma once

/* clang-format off */
#define ALLOWED_SYSCALLS \
	SYSCALL(read) SYSCALL(write) SYSCALL(open) SYSCALL(close) SYSCALL(stat) \
	SYSCALL(fstat) SYSCALL(lstat) SYSCALL(poll) SYSCALL(mmap) SYSCALL(mprotect) \
	SYSCALL(munmap) SYSCALL(brk) SYSCALL(rt_sigaction) SYSCALL(rt_sigprocmask) \
	SYSCALL(rt_sigreturn) SYSCALL(ioctl) SYSCALL(pread64) SYSCALL(pwrite64) \
	SYSCALL(writev) SYSCALL(access) SYSCALL(pipe) SYSCALL(select) SYSCALL(sched_yield) \
	SYSCALL(mremap) SYSCALL(msync) SYSCALL(mincore) SYSCALL(madvise) SYSCALL(shmget) \
	SYSCALL(shmctl) SYSCALL(dup) SYSCALL(dup2) SYSCALL(pause) SYSCALL(nanosleep) \
	SYSCALL(getitimer) SYSCALL(alarm) SYSCALL(setitimer) SYSCALL(getpid) \
	SYSCALL(connect) SYSCALL(accept) SYSCALL(sendto) SYSCALL(recvfrom) SYSCALL(sendmsg) \
	SYSCALL(recvmsg) SYSCALL(shutdown) SYSCALL(bind) SYSCALL(getsockname) \
	SYSCALL(getpeername) SYSCALL(socketpair) SYSCALL(setsockopt) SYSCALL(getsockopt) \
	SYSCALL(fork) SYSCALL(execve) SYSCALL(exit) SYSCALL(wait4) SYSCALL(kill) \
	SYSCALL(uname) SYSCALL(semget) SYSCALL(semctl) SYSCALL(shmdt) SYSCALL(msgget) \
	SYSCALL(msgsnd) SYSCALL(msgrcv) SYSCALL(fcntl) SYSCALL(flock) SYSCALL(fsync) \
	SYSCALL(fdatasync) SYSCALL(ftruncate) SYSCALL(getdents) SYSCALL(chdir) \
	SYSCALL(fchdir) SYSCALL(mkdir) SYSCALL(rmdir) SYSCALL(creat) SYSCALL(link) \
	SYSCALL(unlink) SYSCALL(readlink) SYSCALL(chmod) SYSCALL(fchmod) SYSCALL(chown) \
	SYSCALL(fchown) SYSCALL(lchown) SYSCALL(umask) SYSCALL(gettimeofday) \
	SYSCALL(getrlimit) SYSCALL(getrusage) SYSCALL(sysinfo) SYSCALL(times) \
	SYSCALL(getuid) SYSCALL(getgid) SYSCALL(setuid) SYSCALL(setgid) SYSCALL(geteuid) \
	SYSCALL(getegid) SYSCALL(setpgid) SYSCALL(getppid) SYSCALL(getpgrp) SYSCALL(setsid) \
	SYSCALL(setreuid) SYSCALL(setregid) SYSCALL(getgroups) SYSCALL(setgroups) \
	SYSCALL(setresuid) SYSCALL(getresuid) SYSCALL(setresgid) SYSCALL(getresgid) \
	SYSCALL(getpgid) SYSCALL(setfsuid) SYSCALL(setfsgid) SYSCALL(getsid) SYSCALL(capget) \
	SYSCALL(capset) SYSCALL(rt_sigpending) SYSCALL(rt_sigtimedwait) \
	SYSCALL(rt_sigqueueinfo) SYSCALL(rt_sigsuspend) SYSCALL(sigaltstack) SYSCALL(utime) \
	SYSCALL(mknod) SYSCALL(statfs) SYSCALL(fstatfs) SYSCALL(getpriority) \
	SYSCALL(setpriority) SYSCALL(sched_setparam) SYSCALL(sched_getparam) \
	SYSCALL(sched_setscheduler) SYSCALL(sched_getscheduler) \
	SYSCALL(sched_get_priority_max) SYSCALL(sched_get_priority_min) \
	SYSCALL(sched_rr_get_interval) SYSCALL(mlock) SYSCALL(munlock) SYSCALL(mlockall) \
	SYSCALL(munlockall) SYSCALL(modify_ldt) SYSCALL(arch_prctl) SYSCALL(adjtimex) \
	SYSCALL(setrlimit) SYSCALL(chroot) SYSCALL(sync) SYSCALL(gettid) SYSCALL(readahead) \
	SYSCALL(setxattr) SYSCALL(lsetxattr) SYSCALL(fsetxattr) SYSCALL(lgetxattr) \
	SYSCALL(fgetxattr) SYSCALL(llistxattr) SYSCALL(flistxattr) SYSCALL(removexattr) \
	SYSCALL(lremovexattr) SYSCALL(fremovexattr) SYSCALL(tkill) SYSCALL(time) \
	SYSCALL(futex) SYSCALL(sched_setaffinity) SYSCALL(sched_getaffinity) \
	SYSCALL(set_thread_area) SYSCALL(io_setup) SYSCALL(io_destroy) SYSCALL(io_submit) \
	SYSCALL(io_cancel) SYSCALL(get_thread_area) SYSCALL(epoll_create) \
	SYSCALL(remap_file_pages) SYSCALL(getdents64) SYSCALL(set_tid_address) \
	SYSCALL(restart_syscall) SYSCALL(semtimedop) SYSCALL(fadvise64) \
	SYSCALL(timer_create) SYSCALL(timer_settime) SYSCALL(timer_gettime) \
	SYSCALL(timer_getoverrun) SYSCALL(timer_delete) SYSCALL(clock_getres) \
	SYSCALL(clock_nanosleep) SYSCALL(exit_group) SYSCALL(epoll_wait) SYSCALL(tgkill) \
	SYSCALL(utimes) SYSCALL(mq_open) SYSCALL(mq_unlink) SYSCALL(mq_timedsend) \
	SYSCALL(mq_timedreceive) SYSCALL(mq_notify) SYSCALL(mq_getsetattr) SYSCALL(waitid) \
	SYSCALL(ioprio_set) SYSCALL(ioprio_get) SYSCALL(inotify_add_watch) \
	SYSCALL(inotify_rm_watch) SYSCALL(openat) SYSCALL(mkdirat) SYSCALL(mknodat) \
	SYSCALL(futimesat) SYSCALL(newfstatat) SYSCALL(unlinkat) SYSCALL(renameat) \
	SYSCALL(linkat) SYSCALL(symlinkat) SYSCALL(readlinkat) SYSCALL(fchmodat) \
	SYSCALL(faccessat) SYSCALL(pselect6) SYSCALL(ppoll) SYSCALL(get_robust_list) \
	SYSCALL(splice) SYSCALL(tee) SYSCALL(sync_file_range) SYSCALL(vmsplice) \
	SYSCALL(utimensat) SYSCALL(epoll_pwait) SYSCALL(signalfd) SYSCALL(timerfd_create) \
	SYSCALL(eventfd) SYSCALL(timerfd_settime) SYSCALL(timerfd_gettime) SYSCALL(accept4) \
	SYSCALL(signalfd4) SYSCALL(eventfd2) SYSCALL(epoll_create1) SYSCALL(dup3) \
	SYSCALL(inotify_init1) SYSCALL(preadv) SYSCALL(pwritev) SYSCALL(recvmmsg) \
	SYSCALL(fanotify_init) SYSCALL(fanotify_mark) SYSCALL(prlimit64) \
	SYSCALL(name_to_handle_at) SYSCALL(syncfs) SYSCALL(getcpu) SYSCALL(sched_setattr) \
	SYSCALL(renameat2) SYSCALL(seccomp) SYSCALL(getrandom) SYSCALL(memfd_create) \
	SYSCALL(execveat) SYSCALL(membarrier) SYSCALL(mlock2) SYSCALL(copy_file_range) \
	SYSCALL(preadv2) SYSCALL(pwritev2) SYSCALL(pkey_mprotect) SYSCALL(pkey_free) \
	SYSCALL(statx) SYSCALL(rseq) SYSCALL(pidfd_send_signal) SYSCALL(io_uring_setup) \
	SYSCALL(io_uring_enter) SYSCALL(io_uring_register) SYSCALL(pidfd_open) \
	SYSCALL(close_range) SYSCALL(openat2) SYSCALL(pidfd_getfd) SYSCALL(faccessat2) \
	SYSCALL(process_madvise) SYSCALL(epoll_pwait2) SYSCALL(landlock_create_ruleset) \
	SYSCALL(landlock_add_rule) SYSCALL(landlock_restrict_self) SYSCALL(process_mrelease) \
	SYSCALL(futex_waitv) SYSCALL(set_mempolicy_home_node)
/* clang-format on */
