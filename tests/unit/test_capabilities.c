/* SPDX-License-Identifier: Apache-2.0 */
/* capability.c: names and numbers are those of the kernel's header. */
#include <linux/capability.h>

#include "oci.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *name;
		int number;
	} cases[] = {
		{ "CAP_CHOWN", CAP_CHOWN },
		{ "CAP_KILL", CAP_KILL },
		{ "CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE },
		{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN },
		{ "CAP_MKNOD", CAP_MKNOD },
		{ "CAP_SETFCAP", CAP_SETFCAP },
		{ "CAP_AUDIT_READ", CAP_AUDIT_READ },
		{ "CAP_PERFMON", CAP_PERFMON },
		{ "CAP_BPF", CAP_BPF },
		{ "CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE },
		{ "CHOWN", -1 },
		{ "chown", -1 },
		{ "cap_bpf", -1 },
		{ "CAP_sys_admin", -1 },
		{ "", -1 },
		{ "CAP_", -1 },
		{ "CAP", -1 },
		{ "CAP_CAP_CHOWN", -1 },
		{ "CAP_CHOWN ", -1 },
		{ "CAP_CHOW", -1 },
		{ "0", -1 },
		{ "all", -1 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		if (oci_capability_number(cases[i].name) != cases[i].number)
			fail_msg("%s is %d", cases[i].name, oci_capability_number(cases[i].name));
	}
}

static void test_round_trip(void **state)
{
	(void)state;
	for (int i = 0; i <= CAP_CHECKPOINT_RESTORE; i++)
		assert_int_equal(oci_capability_number(oci_capability_name(i)), i);
	assert_null(oci_capability_name(-1));
	assert_null(oci_capability_name(CAP_CHECKPOINT_RESTORE + 1));
}

/* A newer header would know more than our table. */
static void test_header(void **state)
{
	(void)state;
	assert_non_null(oci_capability_name(CAP_LAST_CAP));
	assert_null(oci_capability_name(CAP_LAST_CAP + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
