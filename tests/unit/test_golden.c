/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole configs, as engines write them, to whole plans: tests/unit/golden/NAME holds
 * config.json, the forged host (facts), for an exec its process.json, and the plan
 * that is expected. GOLDEN_UPDATE=1 writes the plans anew, for `git diff` to judge.
 *
 * facts, a line each, comments after #: euid N, egid N, user_namespace,
 * setgroups_denied, apparmor, selinux, hard_limit RESOURCE N,
 * cgroup hybrid|unified MOUNT, controllers NAME…
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "plan_case.h"

enum { FILE_MAX = 1 << 20, WORDS_MAX = 16 };

static const char *read_text(struct arena *a, int dir, const char *name)
{
	BUF struct buf text = { 0 };
	struct err e = { 0 };

	if (fd_read_file(dir, name, FILE_MAX, &text, &e) < 0)
		fail_msg("%s", e.text);
	return arena_string(a, text.data ? text.data : "", text.len);
}

static unsigned int controller(const char *name)
{
	static const char *const names[] = { "cpu",  "cpuset",  "io",   "memory",
		                             "pids", "hugetlb", "rdma", "misc" };

	for (unsigned int i = 0; i < LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return 1u << i; /* enum cgroup_controller */
	fail_msg("no controller: %s", name);
	return 0;
}

static uint64_t number(const char *text)
{
	uint64_t value = 0;

	assert_int_equal(num_u64(text, UINT64_MAX, &value), 0);
	return value;
}

static void set_fact(struct host_facts *f, const char *const *word, size_t count)
{
	const char *name = word[0];

	if (strcmp(name, "euid") == 0)
		f->euid = (uint32_t)number(word[1]);
	else if (strcmp(name, "egid") == 0)
		f->egid = (uint32_t)number(word[1]);
	else if (strcmp(name, "user_namespace") == 0)
		f->user_namespace = true;
	else if (strcmp(name, "setgroups_denied") == 0)
		f->setgroups_denied = true;
	else if (strcmp(name, "apparmor") == 0)
		f->apparmor = true;
	else if (strcmp(name, "selinux") == 0)
		f->selinux = true;
	else if (strcmp(name, "hard_limit") == 0)
		f->hard_limits[number(word[1]) % FACTS_LIMITS] = number(word[2]);
	else if (strcmp(name, "cgroup") == 0)
		f->cgroup = (struct cgroup_facts){
			.mode = strcmp(word[1], "hybrid") == 0 ? CGROUP_HYBRID : CGROUP_UNIFIED,
			.mount = word[2],
		};
	else if (strcmp(name, "controllers") == 0)
		for (size_t i = 1; i < count; i++)
			f->cgroup.controllers |= controller(word[i]);
	else
		fail_msg("no fact: %s", name);
}

static struct host_facts read_facts(struct arena *a, int dir)
{
	struct host_facts f = { .capabilities = plan_case_root.capabilities };
	const char *text = read_text(a, dir, "facts");
	char *rest = arena_string(a, text, strlen(text)), *line;

	while ((line = strsep(&rest, "\n"))) {
		const char *word[WORDS_MAX], *next;
		size_t count = 0;

		for (size_t i = 0; i < WORDS_MAX; i++)
			word[i] = "";
		while (count < WORDS_MAX && (next = strsep(&line, " ")))
			word[count++] = next;
		if (*word[0] && *word[0] != '#')
			set_fact(&f, word, count);
	}
	f.rootless = f.euid != 0 || f.user_namespace;
	return f;
}

static int compile(struct arena *a, int dir, struct buf *ret, struct err *e)
{
	const struct host_facts facts = read_facts(a, dir);
	const char *text = read_text(a, dir, "config.json");
	const struct oci_config *config;
	const struct compile_options create = {
		.id = "golden",
		.bundle = "/bundle",
		.keyring = "_ses.golden",
		.listener = true,
		.seccomp_cache = -1,
	};
	struct compile_exec_options exec = { .cgroup = "/golden", .seccomp_cache = -1 };

	TRY(oci_config_parse(a, text, strlen(text), &config, e));
	if (faccessat(dir, "process.json", F_OK, 0) < 0)
		return compile_create(config, &create, &facts, ret, e);
	exec.config = config;
	text = read_text(a, dir, "process.json");
	TRY(oci_process_parse(a, text, strlen(text), &exec.process, e));
	return compile_exec(&exec, &facts, ret, e);
}

static void write_text(int dir, const char *name, const struct buf *text)
{
	FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct err e = { 0 };

	assert_true(fd >= 0);
	if (fd_write_all(fd, text->data, text->len, name, &e) < 0)
		fail_msg("%s", e.text);
}

/* Shows the difference between the plan that is expected and `text`. */
static void show_difference(int dir, const struct buf *text)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (fchdir(dir) < 0 || dup2(ends[0], STDIN_FILENO) < 0)
			_exit(1);
		close(ends[1]);
		execlp("diff", "diff", "-u", "plan.json", "-", (char *)NULL);
		_exit(1);
	}
	close(ends[0]);
	struct err e = { 0 };
	(void)!fd_write_all(ends[1], text->data, text->len, "diff", &e);
	close(ends[1]);
	(void)waitpid(pid, NULL, 0);
}

static void check(const char *name, int dir)
{
	ARENA struct arena a;
	BUF struct buf bytes = { 0 }, text = { 0 }, again = { 0 };
	struct err e = { 0 };

	arena_init(&a, 0);
	if (compile(&a, dir, &bytes, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	assert_int_equal(plan_check(bytes.data, bytes.len), 0);
	plan_print((const struct plan *)(const void *)bytes.data, &text);
	plan_print((const struct plan *)(const void *)bytes.data, &again);
	assert_string_equal(text.data, again.data);

	if (getenv("GOLDEN_UPDATE")) {
		write_text(dir, "plan.json", &text);
		return;
	}
	if (strcmp(read_text(&a, dir, "plan.json"), text.data) == 0)
		return;
	show_difference(dir, &text);
	fail_msg("%s: the plan is not the one in golden/%s/plan.json", name, name);
}

static void test_golden(void **state)
{
	FD int root = open(SOURCE_DIR "/tests/unit/golden", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	int checked = 0;

	(void)state;
	assert_true(root >= 0);
	int count = scandirat(root, ".", &entries, NULL, alphasort);
	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			FD int dir = openat(root, entries[i]->d_name,
			                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

			assert_true(dir >= 0);
			check(entries[i]->d_name, dir);
			checked++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_true(checked > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
