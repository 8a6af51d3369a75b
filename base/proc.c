/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/scope.h"
#include "base/sys.h"

/* Moves *rest to the field `to` when it stands at `from`, and reads a number there. */
static int number_field(char **rest, int from, int to, uint64_t *ret)
{
	char *word = NULL;

	for (int i = from; i <= to; i++)
		word = strsep(rest, " ");
	return word ? num_u64(word, UINT64_MAX, ret) : -1;
}

enum { STAT_ROOM = 1024 };

/* Reads /proc/PID/stat; *ret points to its field 3, the state. */
static int read_stat(pid_t pid, char stat[STAT_ROOM], char **ret, struct err *e)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, stat, STAT_ROOM - 1);
	if (n == 0 || (n < 0 && (errno == ENOENT || errno == ESRCH)))
		return err_set(e, ERR_STATE, "no such process");
	if (n < 0)
		return err_sys(e, "read %s", path);
	stat[n] = '\0';

	/* comm may hold blanks and parentheses: fields are counted after the last ')' */
	char *field = strrchr(stat, ')');
	if (!field || strlen(field) < 4)
		return err_set(e, ERR_BUG, "%s is not understood", path);
	*ret = field + 2;
	return 0;
}

int proc_stat(pid_t pid, struct proc_stat *ret, struct err *e)
{
	char stat[STAT_ROOM], *rest;

	TRY(read_stat(pid, stat, &rest, e));
	if (*rest == 'Z' || *rest == 'X')
		return err_set(e, ERR_STATE, "no such process");
	if (number_field(&rest, 3, 22, &ret->start_time) < 0 ||
	    number_field(&rest, 23, 33, &ret->ignored) < 0)
		return err_set(e, ERR_BUG, "/proc/%d/stat is not understood", pid);
	return 0;
}

bool proc_in_user_namespace(void)
{
	/* the format is the kernel's: kernel/user_namespace.c, m_show */
	static const char all[] = "         0          0 4294967295\n";
	/* of the initial one, on every kernel: USER_NS_INIT_INO, <linux/nsfs.h> since 6.18 */
	static const ino_t initial = 0xeffffffd;
	char map[sizeof(all)] = "";
	struct stat st;

	if (stat("/proc/self/ns/user", &st) == 0 && st.st_ino == initial)
		return false;

	FD int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);

	/* a read with room for one byte more tells whether that line is all */
	return fd >= 0 && (read(fd, map, sizeof(map)) != sizeof(all) - 1 ||
	                   memcmp(map, all, sizeof(all) - 1) != 0);
}

int proc_open(pid_t pid, uint64_t start_time, struct err *e)
{
	struct proc_stat now;
	FD int pidfd = sys_pidfd_open(pid, 0);

	/* EINVAL, since 6.9 ENOENT: by now it is a thread of another process */
	if (pidfd < 0 && (errno == ESRCH || errno == EINVAL || errno == ENOENT))
		return err_set(e, ERR_STATE, "no such process");
	if (pidfd < 0)
		return err_sys(e, "pidfd_open");
	/* The start time is read after the pidfd was taken: if it matches, the pidfd
	 * cannot be of a later owner of the pid. */
	TRY(proc_stat(pid, &now, e));
	if (now.start_time != start_time)
		return err_set(e, ERR_STATE, "no such process");
	return fd_give(&pidfd);
}

uint64_t proc_inode(int pidfd)
{
	struct stat st;

	return fstat(pidfd, &st) == 0 ? st.st_ino : 0;
}

bool proc_inodes_tell(void)
{
	const unsigned int pid_fs_magic = 0x50494446; /* <linux/magic.h> since 6.9 */
	FD int self = sys_pidfd_open(getpid(), 0);
	struct statfs fs;

	return self >= 0 && fstatfs(self, &fs) == 0 && (unsigned int)fs.f_type == pid_fs_magic;
}

bool proc_lives(pid_t pid, uint64_t inode)
{
	FD int pidfd = sys_pidfd_open(pid, 0);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && proc_inode(pidfd) == inode && poll(&end, 1, 0) == 0;
}

int proc_signal(int pidfd, int signo, struct err *e)
{
	if (sys_pidfd_send_signal(pidfd, signo) == 0)
		return 0;
	if (errno == ESRCH)
		return err_set(e, ERR_STATE, "container not running");
	return err_sys(e, "pidfd_send_signal %d", signo);
}

int proc_wait_end(int pidfd, int timeout_ms, struct err *e)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&poll_fd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_sys(e, "poll") : n;
}

/* A zombie's stat(5) says how it ended. */
static bool zombie_code(pid_t pid, uint64_t start_time, int *ret)
{
	char stat[STAT_ROOM], *rest;
	struct err ignored = { 0 };
	uint64_t started, code;

	if (read_stat(pid, stat, &rest, &ignored) < 0 || *rest != 'Z' ||
	    number_field(&rest, 3, 22, &started) < 0 || started != start_time)
		return false;
	rest[strcspn(rest, "\n")] = '\0';
	if (number_field(&rest, 23, 52, &code) < 0 || code > UINT16_MAX)
		return false;
	*ret = (int)code;
	return true;
}

/* Of one whose parent has reaped it. */
static bool reaped_code(int pidfd, int *ret)
{
	struct sys_pidfd_info info = { .mask = SYS_PIDFD_INFO_EXIT };

	if (sys_pidfd_info(pidfd, &info) < 0 || !(info.mask & SYS_PIDFD_INFO_EXIT))
		return false;
	*ret = info.exit_code;
	return true;
}

int proc_ended(pid_t pid, uint64_t start_time, int pidfd, int *ret_status, int *ret_signal)
{
	int code;

	if (!zombie_code(pid, start_time, &code) && !reaped_code(pidfd, &code))
		return 0;
	*ret_signal = WIFSIGNALED(code) ? WTERMSIG(code) : 0;
	*ret_status = *ret_signal ? 128 + *ret_signal : WEXITSTATUS(code);
	return 1;
}

int proc_reap(int pidfd, struct err *e)
{
	siginfo_t info = { 0 };

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0) {
		if (errno != EINTR)
			return err_sys(e, "waitid");
	}
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* What the child says is its error, of kind ERR_NONE where there was none. */
static int hear_child(int pipe, struct err *e)
{
	struct err heard = { 0 };
	size_t got = 0;

	while (got < sizeof(heard)) {
		ssize_t n = read(pipe, (char *)&heard + got, sizeof(heard) - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_KERNEL, "a child of ours was killed");
		got += (size_t)n;
	}
	*e = heard;
	return e->kind == ERR_NONE ? 0 : -1;
}

int proc_in_child(proc_function *function, void *context, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe2");
	FD int in = ends[0];
	FD int out = ends[1];
	pid_t child = fork();
	if (child < 0)
		return err_sys(e, "fork");
	if (child == 0) {
		struct err own = { 0 }, lost = { 0 };

		(void)function(context, &own);
		_exit(fd_write_all(out, &own, sizeof(own), "pipe", &lost) < 0 ? 1 : 0);
	}
	fd_drop(&out);
	int result = hear_child(in, e);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		; /* ECHILD: our caller has us ignore SIGCHLD */
	return result;
}

void proc_status_text(int status, char ret[PROC_STATUS_ROOM])
{
	int signo = status - 128;

	if (signo < 1 || signo > SIGSYS) {
		(void)snprintf(ret, PROC_STATUS_ROOM, "exit status %d", status);
		return;
	}
	const char *words = strsignal(signo);
	(void)snprintf(ret, PROC_STATUS_ROOM, "exit status %d (%c%s)", status,
	               tolower((unsigned char)words[0]), words + 1);
}
