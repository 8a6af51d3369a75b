/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of a config is named for a refusal whose path is known: the nearest wall. */
#include <asm/unistd_64.h>
#include <errno.h>

#include "oci.h"
#include "runtime/why.h"

#define WALLS                                                                                                       \
	"'linux':{'namespaces':[{'type':'mount'}],'maskedPaths':['/proc/kcore','/sys/firmware/'],'readonlyPaths':[" \
	"'/proc/sys','/proc/bus']},'mounts':[{'destination':'/proc','type':'proc','source':"                        \
	"'p'},{'destination':'/data','type':'tmpfs','source':'t','options':['ro']},"                                \
	"{'destination':'/data/deep/','type':'tmpfs','source':'t','options':['ro']},"                               \
	"{'destination':'/data','type':'tmpfs','source':'u','options':['ro']}]"

static void the_nearest_wall_is_named(void **state)
{
	static const struct {
		const char *path, *layer, *pointer;
	} cases[] = {
		{ "/proc/kcore", "masked", "/linux/maskedPaths/0" },
		{ "/sys/firmware/x/y", "masked", "/linux/maskedPaths/1" },
		{ "/sys/firmwares", "read-only", "" },
		{ "/proc/sys/kernel/x", "read-only", "/linux/readonlyPaths/0" },
		{ "/proc//bus/../sys/./x", "read-only", "/linux/readonlyPaths/0" },
		{ "/proc/systems", "read-only", "/mounts/0/options" },
		{ "/data/x", "read-only", "/mounts/3/options" }, /* the later one lies above */
		{ "/data/deep/x", "read-only", "/mounts/2/options" },
		{ "/data/../x", "read-only", "" },
		{ "/", "read-only", "" },
		/* of what is below where the process stands nothing is known */
		{ "data/x", "read-only", "/mounts/1/options" },
		{ NULL, "read-only", "/mounts/1/options" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct trace_refusal refusal = { .number = __NR_mkdir,
			                               .errno_value = EROFS,
			                               .path = cases[i].path,
			                               .count = 1 };
		const struct trace_result result = { .refusals = &refusal, .refusal_count = 1 };
		PARSED struct parsed p;
		struct why *v;
		size_t n;

		why_explain(&p.arena, accept(&p, WALLS), &result, &v, &n);
		assert_int_equal(n, 1);
		assert_string_equal(v->layer, cases[i].layer);
		assert_string_equal(v->pointer, cases[i].pointer);
		assert_false(v->certain);
	}
}

static void the_root_is_the_last(void **state)
{
	const struct trace_refusal refusals[] = {
		{ .number = __NR_mkdir, .errno_value = EROFS, .path = "/\x1bx", .count = 2 },
		{ .number = __NR_mkdir, .errno_value = EROFS, .count = 1 },
	};
	const struct trace_result result = { .refusals = refusals, .refusal_count = 2 };
	BUF struct buf text = { 0 };
	PARSED struct parsed p;
	struct why *v;
	size_t n;

	(void)state;
	const struct oci_config *config = accept(&p, "'process':{'cwd':'/','args':['sh']}");
	struct oci_config readonly = *config;
	readonly.root_readonly = true;
	why_explain(&p.arena, &readonly, &result, &v, &n);
	why_text(v, n, &text);
	assert_string_equal(
		text.data, "mkdir: EROFS, 2 times: /\\u001bx: most likely the root is read-only "
			   "(/root/readonly)\n"
			   "mkdir: EROFS, 1 time: most likely it would write to a read-only mount, "
			   "and the root is one (/root/readonly)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_wall_is_named),
		cmocka_unit_test(the_root_is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
