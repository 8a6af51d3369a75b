/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c on the host that runs the test: what can be told of any host. */
#include <sched.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "plan_case.h"

static struct host_facts read_with(const struct plan_case *c, const struct facts_options *options)
{
	struct host_facts facts = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	if (host_facts_read(&a, plan_case_config(&a, c), options, &facts, &e) < 0)
		fail_msg("%s", e.text);
	facts.cgroup.own = facts.cgroup.base = NULL; /* they lie in the arena */
	return facts;
}

static struct host_facts read_facts(const struct plan_case *c)
{
	return read_with(c, NULL);
}

static void test_ids(void **state)
{
	struct host_facts facts = read_facts(&(struct plan_case){ 0 });

	(void)state;
	assert_int_equal(facts.euid, getauxval(AT_EUID));
	assert_int_equal(facts.egid, getauxval(AT_EGID));
	assert_true(facts.rootless == (facts.euid != 0 || facts.user_namespace));
	assert_int_equal(facts.capabilities >> CAP_LAST_CAP, 1);
	assert_int_equal(facts.hard_limits[RLIMIT_NOFILE], 0);
}

static void test_limits(void **state)
{
	const struct plan_case c = {
		.namespaces = PLAN_CASE_USER_NAMESPACE,
		.linux_ = PLAN_CASE_MAPS,
		.process = "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,\"hard\":1}]",
	};
	struct host_facts facts = read_facts(&c);
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(facts.hard_limits[RLIMIT_NOFILE], limit.rlim_max);
}

/* Whether there is a module to ask decides; here only that asking works. */
static void test_labels(void **state)
{
	struct host_facts facts = read_facts(&(struct plan_case){
		.process = "\"apparmorProfile\":\"p\",\"selinuxLabel\":\"l\"" });

	(void)state;
	assert_true(facts.selinux == (access("/sys/fs/selinux/enforce", F_OK) == 0));
	assert_true(!facts.apparmor ||
	            access("/sys/module/apparmor/parameters/enabled", F_OK) == 0);
}

/* What --rootless says, what it leaves to us, and that a path of the config's own is
 * not looked for. */
static void test_limited(void **state)
{
	const struct plan_case named = { .linux_ = "\"cgroupsPath\":\"/there\"" }, any = { 0 };
	const struct {
		const struct plan_case *config;
		struct facts_options options;
		bool limited;
	} cases[] = {
		{ &any, { .rootless = ROOTLESS_TRUE }, true },
		{ &any, { .rootless = ROOTLESS_FALSE }, false },
		{ &any, { .rootless = ROOTLESS_AUTO }, read_facts(&any).rootless },
		{ &any, { .rootless = ROOTLESS_FALSE, .no_cgroup = true }, true },
		{ &named, { .rootless = ROOTLESS_TRUE }, false },
		{ &named, { .rootless = ROOTLESS_TRUE, .no_cgroup = true }, true },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		assert_int_equal(read_with(cases[i].config, &cases[i].options).cgroup.limited,
		                 cases[i].limited);
}

/* In a child, since a user namespace cannot be left. Its exit status: 1 the namespace
 * was noticed, 2 it was not. */
static void test_user_namespace(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(3);
		struct host_facts facts = read_facts(&(struct plan_case){ 0 });
		_exit(facts.user_namespace && facts.rootless && facts.own_uids.n == 0 ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 3) {
		print_message("skipped: this host makes no user namespaces\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 1);
}

/* Every Linux has one procfs at least, and each is found that mount(8) would print. */
static void test_kernel_mounts(void **state)
{
	struct host_facts facts = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;
	bool proc = false;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(host_facts_read_mounts(&a, &facts, &e), 0);
	for (size_t i = 0; i < facts.kernel_mounts.n; i++) {
		assert_int_equal(facts.kernel_mounts.v[i][0], '/');
		proc |= strcmp(facts.kernel_mounts.v[i], "/proc") == 0;
	}
	assert_true(proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_limited),
		cmocka_unit_test(test_user_namespace),
		cmocka_unit_test(test_kernel_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
