/* SPDX-License-Identifier: Apache-2.0 */
/* slice:prefix:name: which unit it is, and where its group lies. */
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/systemd.h"
#include "unit.h"

static const struct cgroup_facts host = { .mode = CGROUP_UNIFIED, .systemd = "" };
static const struct cgroup_facts user = {
	.mode = CGROUP_UNIFIED,
	.systemd_user = true,
	.systemd = "/user.slice/user-1000.slice/user@1000.service",
};

static void assert_place(const struct cgroup_facts *facts, const char *given, const char *unit,
                         const char *slice, const char *path)
{
	struct systemd_place place = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	if (systemd_place(&a, facts, given, "web+1", &place, &e) < 0)
		fail_msg("%s: %s", given, e.text);
	assert_string_equal(place.unit, unit);
	assert_string_equal(place.slice, slice);
	assert_string_equal(place.path, path);
}

static void test_places(void **state)
{
	(void)state;
	assert_place(&host, "system.slice:docker:abc", "docker-abc.scope", "system.slice",
	             "/system.slice/docker-abc.scope");
	assert_place(&host, ":libpod:abc", "libpod-abc.scope", "system.slice",
	             "/system.slice/libpod-abc.scope");
	assert_place(&host, "a-b-c.slice::x", "x.scope", "a-b-c.slice",
	             "/a.slice/a-b.slice/a-b-c.slice/x.scope");
	assert_place(&host, "kubepods-besteffort-pod1_2.slice:cri-containerd:0f",
	             "cri-containerd-0f.scope", "kubepods-besteffort-pod1_2.slice",
	             "/kubepods.slice/kubepods-besteffort.slice/"
	             "kubepods-besteffort-pod1_2.slice/cri-containerd-0f.scope");
	assert_place(&host, "-.slice:p:n", "p-n.scope", "-.slice", "/p-n.scope");
	assert_place(&host, "m.slice:p:a-b", "p-a-b.scope", "m.slice", "/m.slice/p-a-b.scope");
	assert_place(&user, "user.slice:libpod:abc", "libpod-abc.scope", "user.slice",
	             "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-abc.scope");
}

/* Without a place: one made of the id, which may have what a unit's name may not. */
static void test_default(void **state)
{
	(void)state;
	assert_place(&host, NULL, "caisson-web\\x2b1.scope", "system.slice",
	             "/system.slice/caisson-web\\x2b1.scope");
	assert_place(&user, "", "caisson-web\\x2b1.scope", "user.slice",
	             "/user.slice/user-1000.slice/user@1000.service/user.slice/"
	             "caisson-web\\x2b1.scope");
}

/* Folders that could be mistaken for a file of cgroupfs get an underscore (cg_escape). */
static void test_escaped_folders(void **state)
{
	(void)state;
	assert_place(&host, "memory.slice::pids.x", "pids.x.scope", "memory.slice",
	             "/_memory.slice/_pids.x.scope");
	assert_place(&host, "cgroup.slice::_x", "_x.scope", "cgroup.slice",
	             "/_cgroup.slice/__x.scope");
	assert_place(&host, "a.slice::.x", ".x.scope", "a.slice", "/a.slice/_.x.scope");
	assert_place(&host, "cpus.slice::memoryx", "memoryx.scope", "cpus.slice",
	             "/cpus.slice/memoryx.scope");
	assert_place(&host, "io-a.slice::b", "b.scope", "io-a.slice",
	             "/_io.slice/io-a.slice/b.scope");
}

static void assert_refused(const struct cgroup_facts *facts, const char *given, enum err_kind kind,
                           const char *why)
{
	struct systemd_place place = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	if (systemd_place(&a, facts, given, "web1", &place, &e) == 0)
		fail_msg("%s: is %s", given, place.path);
	assert_null(place.path);
	if (e.kind != kind || !strstr(e.text, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", given, e.text, why);
}

static void test_evil(void **state)
{
	static const struct {
		const char *given, *why;
	} evil[] = {
		{ "/a/b", "expected cgroupsPath to be of format" },
		{ "a/b", "slice:prefix:name" },
		{ "/", "slice:prefix:name" },
		{ "abc", "slice:prefix:name" },
		{ "a.slice:b", "slice:prefix:name" },
		{ "a.slice:b:c:d", "slice:prefix:name" },
		{ "::", "empty name" },
		{ "a.slice:b:", "empty name" },
		{ "a:b:c", "does not end in .slice" },
		{ ".slice:b:c", "does not end in .slice" },
		{ "a.service:b:c", "does not end in .slice" },
		{ "../a.slice:b:c", "byte 0x2f in its slice" },
		{ "/a.slice:b:c", "byte 0x2f in its slice" },
		{ "a.slice:../b:c", "byte 0x2f in its prefix" },
		{ "a.slice:b:../../c", "byte 0x2f in its name" },
		{ "a.slice:b:c\n", "byte 0x0a in its name" },
		{ "a.slice:b:c d", "byte 0x20 in its name" },
		{ "a.slice:b:c@d", "byte 0x40 in its name" },
		{ "a.slice:b:\xc3\xa4", "byte 0xc3 in its name" },
		{ "a.slice:b:$(c)", "byte 0x24 in its name" },
		{ "-a.slice:b:c", "between its dashes" },
		{ "a-.slice:b:c", "between its dashes" },
		{ "a--b.slice:b:c", "between its dashes" },
		{ "--.slice:b:c", "between its dashes" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(evil); i++)
		assert_refused(&host, evil[i].given, ERR_SPEC, evil[i].why);
	assert_refused(&host, "a.slice:b:c.slice", ERR_REFUSED, "names a slice");
}

static void test_long(void **state)
{
	char text[600] = "a.slice::";
	size_t at = strlen(text);
	char unit[300], path[320];

	(void)state;
	memset(text + at, 'n', 249);
	(void)snprintf(unit, sizeof(unit), "%s.scope", text + at);
	(void)snprintf(path, sizeof(path), "/a.slice/%s", unit);
	assert_place(&host, text, unit, "a.slice", path);
	text[at + 249] = 'n';
	assert_refused(&host, text, ERR_SPEC, "256 bytes, at most 255");

	/* a slice of many dashes is short as a name and long as a path */
	for (at = 0; at < 248; at++)
		text[at] = at % 2 == 0 ? 'a' : '-';
	memcpy(text + at - 1, ".slice::c", sizeof(".slice::c"));
	assert_refused(&host, text, ERR_SPEC, "path would have");
}

static void test_hosts(void **state)
{
	const struct cgroup_facts hybrid = { .mode = CGROUP_HYBRID, .systemd = "" };
	const struct cgroup_facts none = { .mode = CGROUP_NONE };
	const struct cgroup_facts unmanaged = { .mode = CGROUP_UNIFIED };
	const struct cgroup_facts lonely = { .mode = CGROUP_UNIFIED, .systemd_user = true };

	(void)state;
	assert_refused(&hybrid, NULL, ERR_REFUSED, "in cgroup v1 hierarchies (hybrid mode)");
	assert_refused(&none, NULL, ERR_REFUSED, "no cgroup2 mount");
	assert_refused(&unmanaged, NULL, ERR_REFUSED, "there is no systemd on this host");
	assert_refused(&lonely, NULL, ERR_REFUSED, "there is no systemd that serves this user");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_escaped_folders),
		cmocka_unit_test(test_evil),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
