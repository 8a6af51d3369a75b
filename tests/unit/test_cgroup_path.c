/* SPDX-License-Identifier: Apache-2.0 */
/* Where a cgroup may lie: never at the root, never out of it. */
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "tests/unit/unit.h"

static const struct cgroup_facts root = { .mode = CGROUP_UNIFIED };

static void test_good_paths(void **state)
{
	static const struct {
		const char *config, *path;
	} good[] = {
		{ NULL, "/web1" },
		{ "", "/web1" },
		{ "/a", "/a" },
		{ "/a/b/c", "/a/b/c" },
		{ "a/b", "/a/b" },
		{ "//a///b//", "/a/b" },
		{ "/./a/./b/.", "/a/b" },
		{ "/...", "/..." },
		{ "/a..b/..c", "/a..b/..c" },
		{ "/a:b:c", "/a:b:c" },
		{ "a/x:y:z", "/a/x:y:z" },
		{ "one:colon", "/one:colon" },
		{ "a:../b:c", "/a:../b:c" },
		{ "/kubepods.slice/pod 1", "/kubepods.slice/pod 1" },
		{ "/\xc3\xa4", "/\xc3\xa4" },
	};
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(good); i++) {
		struct err e = { 0 };
		const char *path = NULL;

		assert_int_equal(cgroup_path(&a, &root, good[i].config, "web1", &path, &e), 0);
		assert_string_equal(path, good[i].path);
	}
}

static void assert_refused(const char *config, enum err_kind kind, const char *why)
{
	ARENA struct arena a;
	struct err e = { 0 };
	const char *path = NULL;

	arena_init(&a, 0);
	assert_int_equal(cgroup_path(&a, &root, config, "web1", &path, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_null(path);
	assert_ptr_equal(strstr(e.text, "linux.cgroupsPath: "), e.text);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void test_evil_paths(void **state)
{
	static const struct {
		const char *config, *why;
	} evil[] = {
		{ "..", "\"..\"" },
		{ "../a", "\"..\"" },
		{ "/..", "\"..\"" },
		{ "/a/..", "\"..\"" },
		{ "/a/../../b", "\"..\"" },
		{ "a/b/../c", "\"..\"" },
		{ "/", "root of all cgroups" },
		{ "//", "root of all cgroups" },
		{ ".", "root of all cgroups" },
		{ "/./.", "root of all cgroups" },
		{ "/a\nb", "control byte 0x0a" },
		{ "/a\tb", "control byte 0x09" },
		{ "\001", "control byte 0x01" },
		{ "/a/\177", "control byte 0x7f" },
		{ "/a\033[31m", "control byte 0x1b" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(evil); i++)
		assert_refused(evil[i].config, ERR_SPEC, evil[i].why);
}

static void test_long_names(void **state)
{
	ARENA struct arena a;
	struct err e = { 0 };
	const char *path;
	char name[5001];

	(void)state;
	arena_init(&a, 0);
	memset(name, 'n', sizeof(name));
	name[0] = '/';
	name[256] = '\0'; /* 255 bytes after the slash */
	assert_int_equal(cgroup_path(&a, &root, name, "web1", &path, &e), 0);
	name[256] = 'n';
	name[257] = '\0';
	assert_refused(name, ERR_SPEC, "256 bytes, at most 255");

	for (size_t i = 0; i < sizeof(name); i += 2)
		memcpy(name + i, "/n", i + 2 < sizeof(name) ? 2 : 1);
	name[5000] = '\0';
	assert_refused(name, ERR_SPEC, "5000 bytes are too long");
}

static void test_systemd_form(void **state)
{
	(void)state;
	assert_refused("system.slice:docker:abc", ERR_REFUSED, "systemd's driver");
	assert_refused(":caisson:abc", ERR_REFUSED, "slice:prefix:name");
	assert_refused("::", ERR_REFUSED, "slice:prefix:name");
}

/* Who is limited: below what was delegated, or where the config says, or nowhere. */
static void test_delegated(void **state)
{
	static const struct {
		const char *base, *config, *path;
	} cases[] = {
		{ "/user.slice/app.slice", NULL, "/user.slice/app.slice/web1" },
		{ "/user.slice/app.slice", "a//b/", "/user.slice/app.slice/a/b" },
		{ "/user.slice/app.slice", "/a/b", "/a/b" },
		{ "", NULL, "/web1" },
		{ "", "a", "/a" },
		{ NULL, NULL, NULL },
		{ NULL, "", NULL },
		{ NULL, "/a", "/a" },
	};
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct cgroup_facts facts = { .limited = true, .base = cases[i].base };
		struct err e = { 0 };
		const char *path = "unset";

		assert_int_equal(cgroup_path(&a, &facts, cases[i].config, "web1", &path, &e), 0);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
		else
			assert_null(path);
	}
}

static void test_not_delegated(void **state)
{
	const struct cgroup_facts facts = { .limited = true };
	const char *path = NULL;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(cgroup_path(&a, &facts, "a/b", "web1", &path, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_non_null(strstr(e.text, "\"a/b\" is relative, but no cgroup is delegated"));
	assert_non_null(strstr(e.hint, "systemd-run --user --scope"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_paths),    cmocka_unit_test(test_delegated),
		cmocka_unit_test(test_not_delegated), cmocka_unit_test(test_evil_paths),
		cmocka_unit_test(test_long_names),    cmocka_unit_test(test_systemd_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
