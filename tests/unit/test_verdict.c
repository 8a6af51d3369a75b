/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The groups cover libseccomp's list of x86-64, each name once; and what a profile is
 * said to answer is what its filter answers when it is run.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "seccomp/seccomp.h"
#include "seccomp/verdict.h"
#include "tests/unit/bpf_sim.h"
#include "tests/unit/seccomp_model.h"
#include "tests/unit/unit.h"

static size_t times_named(const char *name)
{
	size_t n = 0;

	for (enum syscall_group g = 0; g < GROUP_KINDS; g++) {
		for (const char *const *call = syscall_group_info(g)->calls; *call; call++)
			n += strcmp(*call, name) == 0;
	}
	return n;
}

static void every_call_has_one_group(void **state)
{
	size_t known = 0;

	(void)state;
	for (int number = 0; number < 1024; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

		if (!name)
			continue;
		known++;
		if (times_named(name) != 1)
			fail_msg("%s is in %zu groups", name, times_named(name));
		free(name);
	}
	assert_true(known > 350);
	/* and those that are newer than libseccomp are not named twice either */
	for (enum syscall_group g = 0; g < GROUP_KINDS; g++) {
		assert_non_null(syscall_group_info(g)->title);
		for (const char *const *call = syscall_group_info(g)->calls; *call; call++) {
			assert_int_equal(times_named(*call), 1);
			assert_int_equal(syscall_group_of(*call), g);
		}
	}
	assert_int_equal(syscall_group_of("no_such_call"), GROUP_OTHER);
}

/* --- verdicts against filters ----------------------------------------------------------- */

static const char *const profiles[] = {
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
	"{\"names\":[\"mount\",\"nope\"],\"action\":\"SCMP_ACT_ERRNO\"},"
	"{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
	"{\"names\":[\"ptrace\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
	"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":40,"
	"\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\"}]}",
	/* what is newer than statx gets ENOSYS */
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
	"{\"names\":[\"read\",\"write\",\"statx\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"openat\"],\"action\":\"SCMP_ACT_LOG\"},"
	"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1},"
	"{\"names\":[\"umount2\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13},"
	"{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":5},"
	"{\"names\":[\"kill\"],\"action\":\"SCMP_ACT_TRAP\"}]}",
	/* with and without conditions, in both orders */
	"{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":["
	"{\"names\":[\"clone\",\"personality\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
	"\"value\":8,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"clone\",\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,\"value\":8,"
	"\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":["
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
};

static uint32_t expected(const struct verdict *v)
{
	return model_answer(v->action, (struct opt_u32){ .set = true, .value = v->errno_value });
}

static void check_profile(struct arena *a, const char *text)
{
	const struct oci_seccomp *profile;
	struct seccomp_program program = { 0 };
	struct verdict *v;
	struct err e = { 0 };
	size_t n, conditional = 0;

	if (oci_profile_parse(a, text, strlen(text), &profile, &e) < 0 ||
	    seccomp_compile(a, profile, -1, &program, &e) < 0)
		fail_msg("%s", e.text);
	verdict_all(a, profile, &v, &n);
	assert_true(n > 350);
	for (size_t i = 0; i < n; i++) {
		struct seccomp_data data = {
			.nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, v[i].name),
			.arch = AUDIT_ARCH_X86_64,
			.args = { 3, 3 }, /* no condition above holds for it */
		};
		uint32_t result = sim_run(program.filter, program.length, &data);

		if (result != expected(&v[i]))
			fail_msg("%s: %x, not %x\n%s", v[i].name, result, expected(&v[i]), text);
		data.args[0] = data.args[1] = strcmp(v[i].name, "socket") == 0 ? 40 : 8;
		bool depends = sim_run(program.filter, program.length, &data) != result;
		assert_int_equal(v[i].kind == VERDICT_CONDITIONAL, depends);
		conditional += depends;
	}
	assert_true(conditional <= 2);
}

static void verdicts_are_the_filters(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(profiles); i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		check_profile(&a, profiles[i]);
	}
}

/* The filter, but whoever looks at an argument is answered with SECCOMP_RET_TRACE. */
static struct sock_filter *blind_of(struct arena *a, const struct seccomp_program *program)
{
	struct sock_filter *ret = arena_array(a, program->length, sizeof(*ret));

	for (size_t i = 0; i < program->length; i++) {
		const struct sock_filter *in = &program->filter[i];
		bool looks = in->code == (BPF_LD | BPF_W | BPF_ABS) &&
		             in->k >= offsetof(struct seccomp_data, args);

		ret[i] = looks ? (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)
		               : *in;
	}
	return ret;
}

/* Those that engines give by default: what does not depend on arguments must be the
 * filter's answer to any. What they allow so is allowed without a look at an argument:
 * the kernel then knows it by the number, and never runs the filter for it. */
static void engines_profiles_too(void **state)
{
	static const char *const files[] = { "docker", "containerd", "containers-common" };
	static const uint64_t patterns[] = { 0, 3, UINT64_MAX };

	(void)state;
	for (size_t f = 0; f < LEN(files); f++) {
		const struct oci_seccomp *profile = NULL;
		struct seccomp_program program = { 0 };
		BUF struct buf text = { 0 };
		struct verdict *v;
		struct err e = { 0 };
		ARENA struct arena a;
		size_t n, conditional = 0;

		arena_init(&a, 0);
		const char *path =
			arena_printf(&a, SOURCE_DIR "/tests/cli/profiles/%s.json", files[f]);
		if (fd_read_file(AT_FDCWD, path, 1 << 20, &text, &e) < 0 ||
		    oci_profile_parse(&a, text.data, text.len, &profile, &e) < 0 ||
		    seccomp_compile(&a, profile, -1, &program, &e) < 0)
			fail_msg("%s: %s", files[f], e.text);
		verdict_all(&a, profile, &v, &n);
		const struct sock_filter *blind = blind_of(&a, &program);
		for (size_t i = 0; i < n * LEN(patterns); i++) {
			const struct verdict *one = &v[i / LEN(patterns)];
			uint64_t p = patterns[i % LEN(patterns)];
			const struct seccomp_data data = {
				.nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64,
				                                        one->name),
				.arch = AUDIT_ARCH_X86_64,
				.args = { p, p, p, p, p, p },
			};

			conditional += one->kind == VERDICT_CONDITIONAL;
			if (one->kind != VERDICT_CONDITIONAL &&
			    sim_run(program.filter, program.length, &data) != expected(one))
				fail_msg("%s: %s", files[f], one->name);
			if (one->kind == VERDICT_ALLOWED &&
			    sim_run(blind, program.length, &data) != SECCOMP_RET_ALLOW)
				fail_msg("%s: %s looks at an argument", files[f], one->name);
		}
		assert_in_range(conditional, 1, 10 * LEN(patterns));
	}
}

static void one_call(void **state)
{
	const struct oci_seccomp *profile;
	struct verdict v;
	struct err e = { 0 };
	ARENA struct arena a;
	BUF struct buf text = { 0 };
	size_t rule = 0;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(oci_profile_parse(&a, profiles[1], strlen(profiles[1]), &profile, &e), 0);
	assert_true(verdict_of(profile, "io_uring_setup", &v));
	assert_true(v.newer);
	assert_int_equal(v.errno_value, ENOSYS);
	assert_int_equal(v.kind, VERDICT_REFUSED);
	assert_false(verdict_of(profile, "nope", &v));
	assert_true(verdict_of(NULL, "reboot", &v));
	assert_int_equal(v.kind, VERDICT_ALLOWED);
	assert_true(verdict_next_rule(profile, "openat", &rule));
	assert_int_equal(rule, 1);
	rule++;
	assert_false(verdict_next_rule(profile, "openat", &rule));
	assert_false(verdict_next_rule(NULL, "openat", &rule));
	verdict_action_text(OCI_ACT_ERRNO, 13, &text);
	assert_string_equal(text.data, "refused with EACCES");
}

static void conditions(void **state)
{
	static const struct oci_seccomp_arg both[] = {
		{ .index = 0, .op = OCI_CMP_MASKED_EQ, .value = 0x7e020000, .value_two = 0 },
		{ .index = 3, .op = OCI_CMP_LT, .value = 10 },
	};
	static const struct oci_seccomp_arg either[] = {
		{ .index = 0, .op = OCI_CMP_EQ, .value = 1 },
		{ .index = 0, .op = OCI_CMP_EQ, .value = 2 },
	};
	BUF struct buf text = { 0 }, other = { 0 };

	(void)state;
	verdict_conditions(&(struct oci_seccomp_rule){ .args = both, .arg_count = 2 }, "clone",
	                   &text);
	assert_string_equal(text.data, "flags (argument 0) & 0x7e020000 == 0 and argument 3 < 10");
	verdict_conditions(&(struct oci_seccomp_rule){ .args = either, .arg_count = 2 }, "x",
	                   &other);
	assert_string_equal(other.data, "argument 0 == 1 or argument 0 == 2");
}

/* Rules of an engine's own format hold for some containers only. */
static void engine_format(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":[{\"architecture\":"
		"\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],\"syscalls\":["
		"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{},\"excludes\":{}},"
		"{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":"
		"[\"CAP_SYS_CHROOT\"]}},"
		"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":"
		"[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{\"caps\":"
		"[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\":[\"kill\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{\"caps\":"
		"[\"CAP_KILL\"]}},"
		"{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":"
		"[\"s390x\"]}},"
		"{\"names\":[\"arch_prctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":"
		"[\"amd64\",\"x32\"]}}]}";
	static const char *const taken[] = { "read", "chroot", "clone", "arch_prctl" };
	const struct oci_seccomp *profile;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(oci_profile_parse(&a, text, strlen(text), &profile, &e), 0);
	assert_int_equal(profile->rule_count, LEN(taken));
	for (size_t i = 0; i < LEN(taken); i++)
		assert_string_equal(profile->rules[i].names.v[0], taken[i]);
	assert_int_equal(profile->architectures.n, 1);
	assert_string_equal(profile->architectures.v[0], "SCMP_ARCH_X86");

	assert_int_equal(oci_profile_parse(&a, "[]", 2, &profile, &e), -1);
	assert_int_equal(oci_profile_parse(&a, "{\"defaultAction\":\"X\"}", 21, &profile, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_has_one_group),
		cmocka_unit_test(verdicts_are_the_filters),
		cmocka_unit_test(engines_profiles_too),
		cmocka_unit_test(one_call),
		cmocka_unit_test(conditions),
		cmocka_unit_test(engine_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
