/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resctrl.c against a forged filesystem: an ordinary folder in which a new folder gets
 * the files that the kernel would put there. No machine of the tests has RDT.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static int forged_mkdirat(int dir, const char *path, mode_t mode);
static int forged_unlinkat(int dir, const char *path, int flags);

static void forge_file(int dir, const char *folder, const char *name, const char *text)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

#define mkdirat  forged_mkdirat
#define unlinkat forged_unlinkat
#include "cgroups/resctrl.c" /* NOLINT(bugprone-suspicious-include) */
#undef mkdirat
#undef unlinkat

static char folder[64];
static int root = -1;
static int mkdir_error; /* instead of making one */

static int forged_mkdirat(int dir, const char *path, mode_t mode)
{
	char below[512];

	if (mkdir_error) {
		errno = mkdir_error;
		return -1;
	}
	if (mkdirat(dir, path, mode) < 0)
		return -1;
	forge_file(dir, path, "tasks", "");
	if (strstr(path, "mon_groups"))
		return 0;
	forge_file(dir, path, "schemata", "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n");
	(void)snprintf(below, sizeof(below), "%s/mon_groups", path);
	return mkdirat(dir, below, 0755);
}

/* rmdir(2) of a class takes its files and monitors along. */
static int forged_unlinkat(int dir, const char *path, int flags)
{
	char command[512];

	assert_int_equal(flags, AT_REMOVEDIR);
	if (faccessat(dir, path, F_OK, 0) < 0)
		return -1;
	(void)snprintf(command, sizeof(command), "rm -r '%s/%s'", folder, path);
	return system(command) == 0 ? 0 : -1; /* NOLINT(cert-env33-c) */
}

static int setup(void **unused)
{
	(void)unused;
	(void)snprintf(folder, sizeof(folder), "/tmp/caisson-resctrl.XXXXXX");
	assert_non_null(mkdtemp(folder));
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(mkdirat(root, "info", 0755), 0);
	assert_int_equal(mkdirat(root, "mon_groups", 0755), 0);
	forge_file(root, "info", "last_cmd_status", "mask f has non-consecutive 1-bits\n");
	forge_file(root, ".", "tasks", "");
	forge_file(root, ".", "schemata", "L3:0=fffff\n");
	mkdir_error = 0;
	return 0;
}

static int teardown(void **unused)
{
	char command[128];

	(void)unused;
	(void)close(root);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command); /* NOLINT(cert-env33-c) */
}

/* --- helpers ------------------------------------------------------------------------------------
 */

static char noted[256];

static int remember(void *context, const char *path, struct err *e)
{
	(void)context;
	(void)e;
	(void)snprintf(noted, sizeof(noted), "%s", path);
	return 0;
}

static struct err error;

static int make(const struct oci_intel_rdt *rdt, const char *id)
{
	ARENA struct arena a = { 0 };
	struct resctrl_group g;

	error = (struct err){ 0 };
	noted[0] = '\0';
	if (resctrl_group(&a, rdt, id, &g, &error) < 0 ||
	    resctrl_make(root, &g, remember, NULL, &error) < 0)
		return -1;
	return resctrl_join(root, &g, 4321, &error);
}

static void expect_file(const char *path, const char *text)
{
	char there[256] = "";
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	ssize_t n = read(fd, there, strlen(text));
	(void)close(fd);
	assert_true(n >= 0);
	there[n] = '\0';
	assert_string_equal(there, text);
}

static bool is_there(const char *path)
{
	return faccessat(root, path, F_OK, 0) == 0;
}

static void expect_error(const char *part)
{
	if (!strstr(error.text, part) && !strstr(error.hint, part))
		fail_msg("%s (%s) does not say %s", error.text, error.hint, part);
}

/* --- tests ---------------------------------------------------------------------------------------
 */

static void a_class_is_made_for_the_container(void **unused)
{
	const struct oci_intel_rdt rdt = { .l3_cache_schema = "L3:0=f;1=3",
		                           .mem_bw_schema = "MB:0=20" };

	(void)unused;
	assert_int_equal(make(&rdt, "c1"), 0);
	assert_string_equal(noted, "c1");
	expect_file("c1/schemata", "L3:0=f;1=3\nMB:0=20\n");
	expect_file("c1/tasks", "4321");
	assert_int_equal(resctrl_remove(root, noted, &error), 0);
	assert_false(is_there("c1"));
	assert_int_equal(resctrl_remove(root, noted, &error), 0); /* once more: a delete repeated */
}

static void a_bandwidth_in_the_cache_schema_gives_way(void **unused)
{
	const struct oci_intel_rdt rdt = { .l3_cache_schema = "MB:0=90\nL3:0=f\n",
		                           .mem_bw_schema = "MB:0=20" };
	const struct oci_intel_rdt alone = { .l3_cache_schema = "L3:0=f\nMB:0=90" };

	(void)unused;
	assert_int_equal(make(&rdt, "c1"), 0);
	expect_file("c1/schemata", "L3:0=f\nMB:0=20\n");
	assert_int_equal(make(&alone, "c2"), 0);
	expect_file("c2/schemata", "L3:0=f\nMB:0=90\n");
}

static void schemata_come_last(void **unused)
{
	const char *const lines[] = { "L2:0=1", "L3:0=7" };
	const struct oci_intel_rdt rdt = { .clos_id = "gold", .schemata = { lines, 2 } };

	(void)unused;
	assert_int_equal(make(&rdt, "c1"), 0);
	assert_string_equal(noted, "gold");
	expect_file("gold/schemata", "L2:0=1\nL3:0=7\n");
	assert_false(is_there("c1"));
}

static void a_class_that_exists_must_agree(void **unused)
{
	static const struct {
		const char *l3, *mb;
		bool agrees;
	} cases[] = {
		{ "L3:0=f;1=3", NULL, true },      { "L3:1=3", "MB:0=20", true },
		{ "L3:0=00F;1=0003", NULL, true }, { "L3:0=e", NULL, false },
		{ "L3:2=f", NULL, false },         { NULL, "MB:0=200", false },
		{ NULL, "MB:0=2", false },         { "L2:0=f", NULL, false },
		{ "L3:0=f;1=4", NULL, false },     { "L3", NULL, false },
		{ "L3:0=f\nL2:0=1", NULL, false },
	};

	(void)unused;
	assert_int_equal(forged_mkdirat(root, "gold", 0755), 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct oci_intel_rdt rdt = { .clos_id = "gold",
			                           .l3_cache_schema = cases[i].l3,
			                           .mem_bw_schema = cases[i].mb };

		forge_file(root, "gold", "schemata", "    MB:0=20;1=100\n    L3:0=f;1=3\n");
		if ((make(&rdt, "c1") == 0) != cases[i].agrees)
			fail_msg("case %zu: %s", i, error.text);
		if (!cases[i].agrees)
			expect_error("the class gold exists, and its schemata do not have");
		expect_file("gold/schemata", "    MB:0=20;1=100\n    L3:0=f;1=3\n");
		assert_string_equal(noted, ""); /* it is not ours to remove */
	}
}

static void a_name_alone_needs_its_class(void **unused)
{
	const struct oci_intel_rdt rdt = { .clos_id = "gold" };

	(void)unused;
	assert_int_equal(make(&rdt, "c1"), -1);
	expect_error("linux.intelRdt.closID: there is no class gold");
	assert_false(is_there("gold"));
	assert_int_equal(forged_mkdirat(root, "gold", 0755), 0);
	assert_int_equal(make(&rdt, "c1"), 0);
	expect_file("gold/tasks", "4321");
	expect_file("gold/schemata", "    L3:0=fffff;1=fffff\n");
	assert_string_equal(noted, "");
}

static void the_root_is_a_class(void **unused)
{
	const struct oci_intel_rdt rdt = { .clos_id = "/",
		                           .enable_monitoring = { .set = true, .value = true } };

	(void)unused;
	assert_int_equal(make(&rdt, "c1"), 0);
	expect_file("tasks", "4321");
	expect_file("mon_groups/c1/tasks", "4321");
	assert_string_equal(noted, "./mon_groups/c1");
	assert_int_equal(resctrl_remove(root, noted, &error), 0);
	assert_false(is_there("mon_groups/c1"));
	assert_true(is_there("tasks"));
}

static void a_monitor_goes_with_its_class(void **unused)
{
	const struct oci_intel_rdt rdt = { .l3_cache_schema = "L3:0=f",
		                           .enable_monitoring = { .set = true, .value = true } };

	(void)unused;
	assert_int_equal(make(&rdt, "c1"), 0);
	assert_string_equal(noted, "c1");
	expect_file("c1/mon_groups/c1/tasks", "4321");
	assert_int_equal(resctrl_remove(root, noted, &error), 0);
	assert_false(is_there("c1"));
	/* one that is there is another's */
	const struct oci_intel_rdt gold = { .clos_id = "gold",
		                            .enable_monitoring = { .set = true, .value = true } };
	assert_int_equal(forged_mkdirat(root, "gold", 0755), 0);
	assert_int_equal(forged_mkdirat(root, "gold/mon_groups/c1", 0755), 0);
	assert_int_equal(make(&gold, "c1"), -1);
	expect_error("the monitoring group gold/mon_groups/c1 exists");
	assert_string_equal(noted, "");
}

static void what_others_live_in_stays(void **unused)
{
	const struct oci_intel_rdt rdt = { .clos_id = "gold", .l3_cache_schema = "L3:0=f" };
	char pids[64];

	(void)unused;
	assert_int_equal(make(&rdt, "c1"), 0);
	(void)snprintf(pids, sizeof(pids), "2147483647\n%d\n", (int)getpid());
	forge_file(root, "gold", "tasks", pids);
	assert_int_equal(resctrl_remove(root, noted, &error), 0);
	assert_true(is_there("gold"));
	forge_file(root, "gold", "tasks", "2147483647\n");
	assert_int_equal(resctrl_remove(root, noted, &error), 0);
	assert_false(is_there("gold"));
}

static void names_of_resctrl_are_no_classes(void **unused)
{
	static const char *const names[] = { "info", "mon_groups", "mon_data", "a\nb" };

	(void)unused;
	for (size_t i = 0; i < LEN(names); i++) {
		const struct oci_intel_rdt named = { .clos_id = names[i] };
		const struct oci_intel_rdt unnamed = { .l3_cache_schema = "L3:0=f" };

		assert_int_equal(make(&named, "c1"), -1);
		expect_error("linux.intelRdt.closID: ");
		assert_int_equal(make(&unnamed, names[i]), -1);
	}
}

static void refusals_say_why(void **unused)
{
	const struct oci_intel_rdt rdt = { .l3_cache_schema = "L3:0=f" };

	(void)unused;
	mkdir_error = ENOSPC;
	assert_int_equal(make(&rdt, "c1"), -1);
	expect_error("mkdir /sys/fs/resctrl/c1: no space left on device");
	expect_error("no class or monitor left");
	assert_string_equal(noted, "");
	mkdir_error = EINVAL;
	assert_int_equal(make(&rdt, "c1"), -1);
	expect_error("the kernel says: mask f has non-consecutive 1-bits");
	mkdir_error = EEXIST; /* another made it since we looked: then it is compared */
	assert_int_equal(make(&rdt, "c1"), -1);
	assert_string_equal(noted, "");
}

static void a_class_is_changed_and_restored(void **unused)
{
	ARENA struct arena a = { 0 };
	const struct oci_intel_rdt first = { .l3_cache_schema = "L3:0=f" };
	const struct oci_intel_rdt second = { .l3_cache_schema = "MB:0=90\nL3:0=3",
		                              .mem_bw_schema = "MB:0=20" };
	const char *before = "";

	(void)unused;
	assert_int_equal(make(&first, "c1"), 0);
	forge_file(root, "c1", "schemata", "    L3:0=f\n    MB:0=100\n");
	assert_int_equal(resctrl_change(&a, root, "c1", &second, &before, &error), 0);
	expect_file("c1/schemata", "L3:0=3\nMB:0=20\n");
	assert_string_equal(before, "    L3:0=f\n    MB:0=100\n");
	resctrl_restore(root, "c1", before);
	expect_file("c1/schemata", before);

	assert_int_equal(resctrl_change(&a, root, "c2", &second, &before, &error), -1);
	expect_error("linux.intelRdt: /sys/fs/resctrl");
}

/* Whatever is mounted there on the machine of this test, it must be the real thing. */
static void only_resctrl_is_taken(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	if (resctrl_is_mounted())
		skip();
	assert_int_equal(resctrl_open(&e), -1);
	assert_string_equal(e.text, "no resctrl filesystem is mounted at /sys/fs/resctrl");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_class_is_made_for_the_container),
		TEST(a_bandwidth_in_the_cache_schema_gives_way),
		TEST(schemata_come_last),
		TEST(a_class_that_exists_must_agree),
		TEST(a_name_alone_needs_its_class),
		TEST(the_root_is_a_class),
		TEST(a_monitor_goes_with_its_class),
		TEST(what_others_live_in_stays),
		TEST(names_of_resctrl_are_no_classes),
		TEST(refusals_say_why),
		TEST(a_class_is_changed_and_restored),
		TEST(only_resctrl_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
