/* SPDX-License-Identifier: Apache-2.0 */
/* Entering a profile of AppArmor: what is written, and what is taken for an answer. That a kernel
 * with AppArmor does it is seen in tests/vm/microvm_engines.bats. */
#include <sys/mman.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/jail_profile.c" /* NOLINT(bugprone-suspicious-include) */

static void what_is_read_back_is_the_profile(void **state)
{
	(void)state;
	assert_true(is_profile("docker (enforce)\n", "docker"));
	assert_true(is_profile("docker (complain)", "docker"));
	assert_true(is_profile("docker\n", "docker"));
	assert_true(is_profile("docker", "docker"));
	assert_false(is_profile("docker-default (enforce)\n", "docker"));
	assert_false(is_profile("docker//&other (enforce)\n", "docker"));
	assert_false(is_profile("unconfined\n", "docker"));
	assert_false(is_profile("dock", "docker"));
	assert_false(is_profile("", "docker"));
}

/* A file takes all that is written, and answers with it. */
static void a_kernel_that_does_nothing_is_found_out(void **state)
{
	char long_name[PROFILE_ROOM], text[64] = "";
	struct err e = { 0 };
	FD int fd = memfd_create("attribute", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(jail_profile(fd, "docker", &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_string_equal(e.text, "docker was entered, and is not there");
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "changeprofile docker");

	e = (struct err){ 0 };
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(jail_profile(fd, long_name, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_back_is_the_profile),
		cmocka_unit_test(a_kernel_that_does_nothing_is_found_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
