/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random profiles: what their rules mean, the program that is made of them, and the
 * kernel have to say the same of every class of calls.
 *
 * SECCOMP_ROUNDS and SECCOMP_SEED choose how many, and others.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp/filter.h"
#include "seccomp/seccomp.h"
#include "tests/unit/bpf_sim.h"
#include "tests/unit/seccomp_model.h"
#include "tests/unit/unit.h"

enum {
	ROUNDS = 100,
	BY_SECCOMP = 1,    /* SYS_SECCOMP of asm-generic/siginfo.h, which glibc lacks */
	PRODUCT_MAX = 600, /* combinations of arguments of one call; random ones beyond */
};

static unsigned long long number_of(const char *name, unsigned long long standard)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : standard;
}

/* --- programs and the model ----------------------------------------------------------- */

struct programs {
	const struct oci_seccomp *profile;
	struct filter filter;
	unsigned long long asked;
};

/* For who has to find out why it failed. */
static void print_profile(const struct oci_seccomp *profile)
{
	static const char *const operators[] = { "!=", "<", "<=", "==", ">=", ">", "&=" };

	print_error("default %08x, arches",
	            model_answer(profile->default_action, profile->default_errno_ret));
	for (size_t i = 0; i < profile->architectures.n; i++)
		print_error(" %s", profile->architectures.v[i]);
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[i];

		print_error("\n%08x", model_answer(rule->action, rule->errno_ret));
		for (size_t k = 0; k < rule->names.n; k++)
			print_error(" %s", rule->names.v[k]);
		for (size_t k = 0; k < rule->arg_count; k++)
			print_error(" [%u] %s 0x%llx 0x%llx", rule->args[k].index,
			            operators[rule->args[k].op],
			            (unsigned long long)rule->args[k].value,
			            (unsigned long long)rule->args[k].value_two);
	}
	print_error("\n");
}

static void ask(struct programs *p, const struct seccomp_data *d)
{
	uint32_t answer = sim_run(p->filter.v, p->filter.n, d), answers[MODEL_ANSWERS];

	(void)model_answers(p->profile, d, answers);
	p->asked++;
	if (answer == answers[0])
		return;
	print_profile(p->profile);
	fail_msg("arch 0x%x, call %d (0x%llx, 0x%llx, 0x%llx): 0x%08x, not 0x%08x", d->arch, d->nr,
	         d->args[0], d->args[1], d->args[2], answer, answers[0]);
}

/* Sets the arguments to the Nth combination of their values. */
static void combine(const struct model_values values[6], unsigned long long n, __u64 ret[6])
{
	for (size_t i = 0; i < 6; i++) {
		ret[i] = values[i].v[n % values[i].n];
		n /= values[i].n;
	}
}

static unsigned long long combinations(const struct model_values values[6])
{
	unsigned long long product = 1;

	for (size_t i = 0; i < 6; i++)
		product *= values[i].n;
	return product;
}

/* Every combination of arguments, or some of them if there are too many. */
static void each_combination(const struct oci_seccomp *profile, const char *name, uint64_t *seed,
                             struct seccomp_data *d,
                             void (*use)(struct programs *p, const struct seccomp_data *d),
                             struct programs *p)
{
	struct model_values values[6];

	model_classes(profile, name, values);
	unsigned long long all = combinations(values);
	for (unsigned long long i = 0; i < all && i < PRODUCT_MAX; i++) {
		unsigned long long n = all <= PRODUCT_MAX ? i : model_random(seed, INT32_MAX);

		combine(values, n, d->args);
		use(p, d);
	}
}

static void ask_named(struct programs *p, const char *name, uint64_t *seed)
{
	static const struct {
		uint32_t scmp, audit;
	} archs[] = { { SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64 },
		      { SCMP_ARCH_X86, AUDIT_ARCH_I386 },
		      { SCMP_ARCH_X32, AUDIT_ARCH_X86_64 } };

	for (size_t i = 0; i < LEN(archs); i++) {
		struct seccomp_data d = { .nr = seccomp_syscall_resolve_name_arch(archs[i].scmp,
			                                                          name),
			                  .arch = archs[i].audit };

		if (d.nr >= 0)
			each_combination(p->profile, name, seed, &d, ask, p);
	}
}

/* Calls that the profile does not name, and those at borders. */
static void ask_numbers(struct programs *p)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };
	static const uint32_t from[] = { 0, MODEL_X32 - 5, MODEL_X32, 0xfffffdf0 };

	for (size_t i = 0; i < LEN(archs); i++) {
		for (size_t k = 0; k < LEN(from); k++) {
			for (uint32_t n = 0; n < 500; n++) {
				struct seccomp_data d = { .nr = (int)(from[k] + n),
					                  .arch = archs[i],
					                  .args = { 7, 7, 7, 7, 7, 7 } };

				ask(p, &d);
			}
		}
	}
}

/* False when the profile is one that libseccomp refuses: rules that contradict. */
static bool compile(struct arena *a, const struct oci_seccomp *profile, struct programs *ret)
{
	struct filter_maker maker;
	struct err e = { 0 };

	filter_maker(&maker);
	*ret = (struct programs){ .profile = profile };
	if (filter_compile(a, profile, false, &ret->filter, &e) < 0) {
		if (!strstr(e.text, "an earlier rule for") && !strstr(e.text, "libseccomp's rule"))
			fail_msg("%s", e.text);
		return false;
	}
	assert_true(filter_finish(a, profile, maker.native_arch, &ret->filter));
	return true;
}

/* --- the kernel ---------------------------------------------------------------------- */

/* What the child tells us, also when it is killed. */
struct report {
	unsigned long long asked;
	struct seccomp_data wrong;
	uint32_t wanted;
	long result;
	bool failed;
};

static struct report *report;
static volatile sig_atomic_t trapped; /* the number of the call + 1 */

static void on_sigsys(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number;
	(void)context;
	trapped = info->si_code == BY_SECCOMP ? info->si_syscall + 1 : 0;
}

static long call(const struct seccomp_data *d)
{
	long result = syscall(d->nr, d->args[0], d->args[1], d->args[2], d->args[3], d->args[4],
	                      d->args[5]);

	return result < 0 ? -errno : result;
}

/* In a child of the child: the call must be the end of it. */
static bool is_killed(const struct seccomp_data *d)
{
	int status = 0;
	long pid = syscall(SYS_fork);

	if (pid == 0) {
		(void)call(d);
		(void)syscall(SYS_exit_group, 0);
	}
	return pid > 0 && syscall(SYS_wait4, pid, &status, 0, NULL) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGSYS;
}

static bool kernel_agrees(const struct seccomp_data *d, uint32_t answer)
{
	const uint32_t number = answer & SECCOMP_RET_DATA;

	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_PROCESS ||
	    (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD)
		return is_killed(d);
	trapped = 0;
	report->result = call(d);
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return report->result >= 0;
	case SECCOMP_RET_ERRNO:
		return report->result == -(long)number;
	case SECCOMP_RET_TRAP:
		return trapped == d->nr + 1;
	default: /* nobody traces, nobody listens */
		return report->result == -ENOSYS;
	}
}

static void ask_kernel(struct programs *p, const struct seccomp_data *d)
{
	uint32_t answer = sim_run(p->filter.v, p->filter.n, d);

	report->asked++;
	if (report->failed || kernel_agrees(d, answer))
		return;
	report->failed = true;
	report->wrong = *d;
	report->wanted = answer;
}

static _Noreturn void run_in_kernel(struct programs *p, uint64_t seed)
{
	struct sigaction trap = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	struct sock_fprog program = { .len = (unsigned short)p->filter.n,
		                      .filter = (struct sock_filter *)(uintptr_t)p->filter.v };

	if (sigaction(SIGSYS, &trap, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		report->failed = true;
	for (size_t i = 0; i < LEN(model_harmless) && !report->failed; i++) {
		struct model_values values[6];
		struct seccomp_data d = { .nr = seccomp_syscall_resolve_name(model_harmless[i]),
			                  .arch = AUDIT_ARCH_X86_64 };

		model_classes(p->profile, model_harmless[i], values);
		for (int k = 0; k < 12; k++) {
			combine(values, model_random(&seed, INT32_MAX), d.args);
			ask_kernel(p, &d);
		}
	}
	(void)syscall(SYS_exit_group, 0);
	abort();
}

static void compare_with_kernel(struct programs *p, uint64_t seed)
{
	int status;

	report->failed = false;
	pid_t pid = fork();
	if (pid == 0)
		run_in_kernel(p, seed);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status == 0 && !report->failed)
		return;
	print_profile(p->profile);
	fail_msg("status 0x%x; call %d (0x%llx, 0x%llx, 0x%llx): %ld in the kernel, not 0x%08x",
	         status, report->wrong.nr, report->wrong.args[0], report->wrong.args[1],
	         report->wrong.args[2], report->result, report->wanted);
}

/* --- both ------------------------------------------------------------------------------ */

static void try_profile(struct programs *p, uint64_t *seed)
{
	for (size_t i = 0; i < p->profile->rule_count; i++) {
		const struct oci_strings *names = &p->profile->rules[i].names;

		for (size_t k = 0; k < names->n; k++)
			ask_named(p, names->v[k], seed);
	}
	ask_numbers(p);
	compare_with_kernel(p, *seed);
}

static void test_random_profiles(void **state)
{
	uint64_t seed = number_of("SECCOMP_SEED", 1);
	unsigned long long rounds = number_of("SECCOMP_ROUNDS", ROUNDS), accepted = 0;

	(void)state;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	assert_ptr_not_equal(report, MAP_FAILED);
	for (unsigned long long i = 0; i < rounds; i++) {
		struct model_profile drawn;
		struct programs p;
		ARENA struct arena a;

		arena_init(&a, 0);
		model_make(&drawn, &seed);
		if (!compile(&a, &drawn.profile, &p))
			continue;
		try_profile(&p, &seed);
		accepted++;
	}
	print_message("%llu of %llu profiles accepted, %llu calls in "
	              "the kernel\n",
	              accepted, rounds, report->asked);
	assert_true(2 * accepted > rounds);
	assert_true(report->asked > 50 * accepted);
	(void)munmap(report, sizeof(*report));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
