/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1: what is set, joined or left before the last clone. It stands in the
 * launcher's namespaces, in part in its user namespace, so its capabilities count
 * for the host here. With PLAN_CLONE it becomes two: stage 2 is the launcher's own
 * child (CLONE_PARENT) and walks on, stage 1 reports it and ends.
 *
 * setresuid(2) and setns(2) into a user namespace make a process non-dumpable again
 * whenever its ids or capabilities change, so it is made dumpable only for the
 * moment in which somebody has to open files of its own in /proc.
 */
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/proc_handle.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum { DIGITS_ROOM = 24 };

void step_oom_score_adj(const struct plan_step *step)
{
	char digits[DIGITS_ROOM];
	struct text t = text_in(digits, sizeof(digits));
	int64_t value = step->value;

	if (value < 0)
		text_add(&t, "-");
	text_add_number(&t, value < 0 ? -(uint64_t)value : (uint64_t)value);
	proc_self_write("oom_score_adj", digits);
}

void step_rlimit(const struct plan_step *step)
{
	struct rlimit64 limit = { step->rlimit.soft, step->rlimit.hard };

	must(sys_prlimit(step->rlimit.resource, &limit), CALL_SETRLIMIT, NULL);
}

void step_io_priority(const struct plan_step *step)
{
	must(sys_ioprio_set(step->value), CALL_IOPRIO_SET, NULL);
}

void step_cpu_affinity(const struct plan_step *step)
{
	must(sys_sched_setaffinity(plan_array(plan, step->bits),
	                           step->bits.count * sizeof(uint64_t)),
	     CALL_SCHED_SETAFFINITY, NULL);
}

static void become_root(void)
{
	must(sys_setresgid(0, 0, 0), CALL_SETRESGID, NULL);
	must(sys_setresuid(0, 0, 0), CALL_SETRESUID, NULL);
}

/* In a user namespace that was joined, id 0 need not be mapped: then we stay who we
 * are, with all capabilities in there, until PLAN_IDS. */
void step_join(const struct plan_step *step)
{
	long result;

	must(sys_setns(slot_fd(step->join.slot), (int)step->join.types), CALL_SETNS, NULL);
	if (!(step->join.types & CLONE_NEWUSER))
		return;
	result = sys_setresgid(0, 0, 0);
	if (result != -EINVAL)
		must(result, CALL_SETRESGID, NULL);
	result = sys_setresuid(0, 0, 0);
	if (result != -EINVAL)
		must(result, CALL_SETRESUID, NULL);
}

/* A launcher without capabilities can open our uid_map only while we are dumpable. */
void step_user_namespace(const struct plan_step *step)
{
	(void)step;
	must(sys_unshare(CLONE_NEWUSER), CALL_UNSHARE, NULL);
	must(sys_prctl(PR_SET_DUMPABLE, 1, 0), CALL_PRCTL, NULL);
	report_send(FRAME_MAPS, 0, NULL, -1);
	(void)report_await(FRAME_GO);
	must(sys_prctl(PR_SET_DUMPABLE, 0, 0), CALL_PRCTL, NULL);
	become_root();
}

void step_time_offsets(const struct plan_step *step)
{
	must(sys_unshare(CLONE_NEWTIME), CALL_UNSHARE, NULL);
	proc_self_write("timens_offsets", plan_string(step->string));
}

/* Stage 2 waits until stage 1 has ended, so that the launcher hears of it before it
 * hears from it: the pipe's other end is closed by nothing else. */
static void wait_for_stage_1(const int *ends)
{
	char byte;

	(void)sys_close(ends[1]);
	while (sys_read(ends[0], &byte, 1) == -EINTR)
		;
	(void)sys_close(ends[0]);
}

void step_clone(const struct plan_step *step)
{
	int pidfd = -1, ends[2];
	struct clone_args args = {
		/* with CLONE_PARENT the exit signal is stage 1's own, clone(2) */
		.flags = step->clone.clone_flags | CLONE_PARENT | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};
	long pid;

	must(sys_pipe2(ends, O_CLOEXEC), CALL_CLONE, NULL);
	pid = must(sys_clone3(&args, sizeof(args)), CALL_CLONE, NULL);
	if (pid) {
		report_send(FRAME_CHILD, pid, NULL, pidfd);
		sys_exit(0);
	}
	wait_for_stage_1(ends);
	must(sys_setsid(), CALL_SETSID, NULL);
}

/* keyrings(7): the possessor's rights are in the highest byte, those of the uid below */
#define KEY_POSSESSOR_ALL 0x3f000000u
#define KEY_UID_SEARCH    0x00080000u

/* A kernel without keyrings has none that could be inherited: -ENOSYS. */
static long join_keyring(const char *name)
{
	long keyring = sys_keyctl_join(name);

	return keyring == -ENOSYS ? keyring : must(keyring, CALL_KEYCTL, name);
}

/* Joining by name takes the right to search. What the kernel gives the uid besides, to see, read
 * and link it, would let a neighbour of the same uid take hold of it by its number alone. */
void step_keyring(const struct plan_step *step)
{
	const char *name = plan_string(step->string);
	long keyring = join_keyring(name);

	if (keyring >= 0)
		must(sys_keyctl_setperm(keyring, KEY_POSSESSOR_ALL | KEY_UID_SEARCH), CALL_KEYCTL,
		     name);
}

/* Where the container has given up its keyring, or forbids this, it is a new one. */
void step_join_keyring(const struct plan_step *step)
{
	(void)join_keyring(plan_string(step->string));
}
