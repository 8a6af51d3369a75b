/* SPDX-License-Identifier: Apache-2.0 */
/* host_check.c: kernels by their release, and a host whose files are forged. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/guest_kernel.h"
#include "runtime/host_check.h"
#include "unit.h"

static char folder[] = "/tmp/caisson-host.XXXXXX";

static const struct host_line *find(const struct host_report *r, const char *subject)
{
	const struct host_line *l = (const struct host_line *)(const void *)r->lines.data;

	for (size_t i = 0; i < r->lines.len / sizeof(*l); i++)
		if (strcmp(l[i].subject, subject) == 0)
			return &l[i];
	fail_msg("no line on %s", subject);
	return NULL;
}

static void kernels_are_compared_by_number(void **state)
{
	static const struct {
		const char *release;
		bool ok;
	} cases[] = {
		{ "6.1.0-18-cloud-amd64", true },
		{ "6.18.5", true },
		{ "7.0-rc1", true },
		{ "10.0", true },
		{ "6.0.19", false },
		{ "5.19.0", false },
		{ "6", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		struct host_report r = { .arena = &a, .root = "" };
		host_check_release(&r, cases[i].release);
		const struct host_line *l = find(&r, "kernel");
		if (l->ok != cases[i].ok)
			fail_msg("%s: %s", cases[i].release, l->text);
		assert_true(cases[i].ok == (l->fix[0] == '\0'));
		assert_int_equal(l->need, HOST_CONTAINERS);
		buf_done(&r.lines);
	}
}

/* An empty folder for /: nothing is there. */
static void a_host_without_anything(void **state)
{
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct host_report r = { .arena = &a, .root = folder };
	host_check_containers(&r);
	assert_false(find(&r, "seccomp")->ok);
	assert_non_null(strstr(find(&r, "seccomp")->fix, "CONFIG_SECCOMP_FILTER"));
	assert_false(find(&r, "security module")->ok);
	assert_false(find(&r, "namespaces")->ok);
	assert_string_equal(find(&r, "namespaces")->text,
	                    "not there: cgroup ipc mnt net pid time user uts");
	/* these are asked of the kernel itself */
	assert_true(find(&r, "system calls")->ok);
	buf_done(&r.lines);
}

static void forge(const char *path, const char *text)
{
	char command[512];

	(void)snprintf(command, sizeof(command), "mkdir -p $(dirname %s%s) && printf '%s' >%s%s",
	               folder, path, text, folder, path);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own words */
}

static void labels_are_those_in_use(void **state)
{
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	forge("/sys/module/apparmor/parameters/enabled", "N\\n");
	struct host_report r = { .arena = &a, .root = folder };
	host_check_containers(&r);
	assert_false(find(&r, "security module")->ok);
	buf_done(&r.lines);

	forge("/sys/module/apparmor/parameters/enabled", "Y\\n");
	forge("/proc/sys/kernel/seccomp/actions_avail", "errno log allow\\n");
	r = (struct host_report){ .arena = &a, .root = folder };
	host_check_containers(&r);
	assert_true(find(&r, "security module")->ok);
	assert_string_equal(find(&r, "security module")->text, "AppArmor");
	assert_string_equal(find(&r, "seccomp")->text, "errno log allow");
	buf_done(&r.lines);
}

static int find_kernel(struct arena *a, struct guest_kernel *ret, struct err *e)
{
	*ret = (struct guest_kernel){ 0 };
	*e = (struct err){ 0 };
	return guest_kernel_find(a, folder, ret, e);
}

static void the_newest_kernel_is_the_guests(void **state)
{
	ARENA struct arena a;
	struct guest_kernel k;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(find_kernel(&a, &k, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_true(e.hint[0] != '\0');

	forge("/boot/vmlinuz-", "");
	forge("/boot/config-6.99.0-amd64", "");
	forge("/boot/vmlinuz-6.99.0-amd64.dpkg-tmp", "");
	assert_int_equal(find_kernel(&a, &k, &e), -1);
	forge("/boot/vmlinuz-6.1.0-9-cloud-amd64", "");
	forge("/boot/vmlinuz-6.1.0-18-cloud-amd64", "");
	assert_int_equal(find_kernel(&a, &k, &e), 0);
	assert_string_equal(k.version, "6.1.0-18-cloud-amd64");
	assert_string_equal(k.path + strlen(folder), "/boot/vmlinuz-6.1.0-18-cloud-amd64");
	assert_null(k.modules);

	forge("/boot/vmlinuz-6.12.9-amd64", "");
	forge("/lib/modules/6.12.9-amd64/modules.dep", "");
	assert_int_equal(find_kernel(&a, &k, &e), 0);
	assert_string_equal(k.version, "6.12.9-amd64");
	assert_string_equal(k.modules + strlen(folder), "/lib/modules/6.12.9-amd64");
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(cert-env33-c): a test's own words */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_are_compared_by_number),
		cmocka_unit_test(a_host_without_anything),
		cmocka_unit_test(labels_are_those_in_use),
		cmocka_unit_test(the_newest_kernel_is_the_guests),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
