/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysfault [-c] [-o FILE] [-k N | -e N:ERRNO] COMMAND...
 *
 * Runs a command and counts its system calls with one counter over all their kinds.
 * At call number N it is killed (-k), or the call fails with ERRNO (a number) without
 * being carried out (-e): so a fault can be put at every single step a runtime takes.
 *
 *	default	the calls of the command's own process, from its execve on
 *	-c	those of its descendants instead, each from its birth until it has
 *		executed the container's program (anything that is neither the command's
 *		own file nor a memfd, which is how runtimes hide their inner stages)
 *	-o	writes "calls COUNT NUMBER" there: how many were counted, and the
 *		system call that was hit (-1: none)
 *
 * The exit status is the command's; 128 + signal if it was killed. Processes that it
 * leaves are let go and live on: what becomes of them is what tests look at.
 *
 * A fault is put at the entry of a call: neither a killed nor a failed call has any
 * effect, but for close(2), which lets go of the descriptor and then tells of an
 * error. Only one architecture: registers are x86-64's.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD, ptrace(2) */

struct fault {
	bool children;   /* count descendants, not the command itself */
	long at;         /* 0: only count */
	long error;      /* 0: kill */
	long count;      /* so far */
	long hit;        /* number of the call that was hit, -1: none */
	pid_t leader;    /* the command */
	bool running;    /* the command has been executed */
	pid_t failing;   /* whose call is to return -error when it leaves, or 0 */
	char exe[4096];  /* the command's own file */
	const char *out; /* or NULL */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "sysfault: %s: %s\n", what, strerror(errno));
	exit(125);
}

static long number(const char *text, char **end)
{
	errno = 0;
	long value = strtol(text, end, 10);

	if (errno || *end == text || value < 0) {
		fprintf(stderr, "sysfault: %s is not a number\n", text);
		exit(125);
	}
	return value;
}

static void read_exe(pid_t pid, char *target, size_t size)
{
	char path[64];
	ssize_t length;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	length = readlink(path, target, size - 1);
	target[length > 0 ? length : 0] = '\0';
}

/* Whether what it executes now is a stage of the runtime, not the program. */
static bool is_stage(const struct fault *f, pid_t pid)
{
	char exe[4096];

	read_exe(pid, exe, sizeof(exe));
	return strncmp(exe, "/memfd:", 7) == 0 || strcmp(exe, f->exe) == 0;
}

static bool is_counted(const struct fault *f, pid_t pid)
{
	return f->running && (pid == f->leader) != f->children;
}

/* The Nth call is about to be carried out. */
static void hit(struct fault *f, pid_t pid, uint64_t call)
{
	struct user_regs_struct regs;

	f->hit = (long)call;
	if (f->error == 0) {
		(void)kill(pid, SIGKILL);
		return;
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return; /* it was killed by another */
	/* close(2) lets go of the descriptor whatever it returns */
	if (call != SYS_close)
		regs.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0)
		f->failing = pid;
}

static void fail_call(struct fault *f, pid_t pid)
{
	struct user_regs_struct regs;

	f->failing = 0;
	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return;
	regs.rax = (unsigned long long)-f->error;
	(void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

static void at_syscall(struct fault *f, pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && f->failing == pid)
		fail_call(f, pid);
	else if (info.op == PTRACE_SYSCALL_INFO_ENTRY && is_counted(f, pid) && ++f->count == f->at)
		hit(f, pid, info.entry.nr);
}

/* One stop of one process: looks, and lets it go on. */
static void at_stop(struct fault *f, pid_t pid, int status)
{
	int signo = WSTOPSIG(status), event = status >> 16, deliver = 0;

	if (signo == SYSCALL_STOP) {
		at_syscall(f, pid);
	} else if (event == PTRACE_EVENT_EXEC) {
		if (pid == f->leader && !f->running) {
			f->running = true;
			read_exe(pid, f->exe, sizeof(f->exe));
		} else if (pid != f->leader && !is_stage(f, pid)) {
			(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
			return;
		}
	} else if (event == PTRACE_EVENT_STOP && signo != SIGTRAP) {
		(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* stopped by job control */
		return;
	} else if (event == 0) {
		deliver = signo;
	}
	/* an error means that it is dead already: waitpid will say so */
	(void)ptrace(is_counted(f, pid) ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL,
	             (void *)(long)deliver);
}

static void start(struct fault *f, char **argv)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
	int status;

	if (f->children)
		options |= PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
	f->leader = fork();
	if (f->leader < 0)
		die("fork");
	if (f->leader == 0) {
		(void)raise(SIGSTOP);
		(void)execvp(argv[0], argv);
		die(argv[0]);
	}
	if (waitpid(f->leader, &status, WUNTRACED) < 0 ||
	    ptrace(PTRACE_SEIZE, f->leader, NULL, (void *)options) < 0)
		die("ptrace");
	(void)kill(f->leader, SIGCONT);
}

/* Until the command has ended; its exit status. Whoever is traced then is let go by
 * the kernel when we exit. */
static int follow(struct fault *f)
{
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno != EINTR)
			die("waitpid");
		if (pid > 0 && WIFSTOPPED(status))
			at_stop(f, pid, status);
		else if (pid == f->leader && WIFEXITED(status))
			return WEXITSTATUS(status);
		else if (pid == f->leader && WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
	}
}

static char **parse(struct fault *f, int argc, char **argv)
{
	char *end = "";
	int option;

	while ((option = getopt(argc, argv, "+co:k:e:")) != -1) {
		if (option == 'c') {
			f->children = true;
		} else if (option == 'o') {
			f->out = optarg;
		} else if (option == 'k') {
			f->at = number(optarg, &end);
		} else if (option == 'e') {
			f->at = number(optarg, &end);
			if (*end == ':')
				f->error = number(end + 1, &end);
		}
		if (option == '?' || *end != '\0' || (option == 'e' && f->error == 0))
			return NULL;
	}
	return optind < argc ? argv + optind : NULL;
}

int main(int argc, char **argv)
{
	struct fault f = { .hit = -1 };
	char **command = parse(&f, argc, argv);
	int status;

	if (!command) {
		fputs("usage: sysfault [-c] [-o FILE] [-k N | -e N:ERRNO] COMMAND...\n", stderr);
		return 125;
	}
	start(&f, command);
	status = follow(&f);
	if (f.out) {
		FILE *out = fopen(f.out, "we");

		if (!out || fprintf(out, "calls %ld %ld\n", f.count, f.hit) < 0 || fclose(out) != 0)
			die(f.out);
	}
	return status;
}
