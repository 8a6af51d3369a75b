/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_handle.c: labels reach the kernel through a procfs of our own, and are read back.
 * The kernels that tests run on have no SELinux, so its answers are forged here: system
 * calls of init are replaced by ones that look at what they are asked.
 */
#include <stdio.h>
#include <string.h>

#include "unit.h"
#undef fail /* init's is another */

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/sys.h"

enum { FS = 10, PROC, ATTRIBUTE, PID = 42 };

static struct {
	const char *answer;   /* of the attribute when it is read */
	long fsopen, written; /* results; 0: as it should be */
	uint64_t magic;       /* of the filesystem; 0: procfs */
	char path[64], text[64];
	uint64_t resolve;
	int options;
} kernel;

static jmp_buf failed;
static uint32_t failed_call;

_Noreturn void fail(enum frame_call call, long error, const char *text)
{
	(void)error;
	(void)text;
	failed_call = call;
	longjmp(failed, 1);
}

struct plan *plan;

bool plan_has(enum plan_op op)
{
	(void)op;
	return false;
}

int fd_keep(int fd)
{
	return fd;
}

static long fake_fsopen(const char *type, unsigned int flags)
{
	(void)flags;
	assert_string_equal(type, "proc");
	return kernel.fsopen ? kernel.fsopen : FS;
}

static long fake_fsconfig(int fd, unsigned int command, const char *key, const char *value)
{
	assert_int_equal(fd, FS);
	if (command == FSCONFIG_SET_STRING) {
		assert_string_equal(key, "subset"); /* no sysctl, no kcore: processes alone */
		assert_string_equal(value, "pid");
		kernel.options++;
	}
	return 0;
}

static long fake_fsmount(int fd, unsigned int flags, unsigned int attributes)
{
	(void)flags;
	assert_int_equal(fd, FS);
	assert_true(attributes & MOUNT_ATTR_NOEXEC);
	return PROC;
}

static long fake_fstatfs(int fd, struct statfs *ret)
{
	assert_int_equal(fd, PROC);
	ret->f_type = (__typeof__(ret->f_type))(kernel.magic ? kernel.magic : 0x9fa0);
	return 0;
}

static long fake_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	assert_int_equal(dir, PROC);
	assert_true((flags & 3) == O_RDWR);
	(void)snprintf(kernel.path, sizeof(kernel.path), "%.60s", path);
	kernel.resolve = resolve;
	return ATTRIBUTE;
}

static long fake_getpid(void)
{
	return PID;
}

static long fake_write(int fd, const void *data, size_t size)
{
	assert_int_equal(fd, ATTRIBUTE);
	assert_true(size < sizeof(kernel.text));
	memcpy(kernel.text, data, size);
	kernel.text[size] = '\0';
	return kernel.written ? kernel.written : (long)size;
}

static long fake_lseek(int fd, long offset, int whence)
{
	assert_int_equal(fd, ATTRIBUTE);
	assert_int_equal(offset, 0);
	assert_int_equal(whence, 0);
	return 0;
}

static long fake_read(int fd, void *data, size_t size)
{
	size_t length = strlen(kernel.answer);

	assert_int_equal(fd, ATTRIBUTE);
	assert_true(length < size);
	memcpy(data, kernel.answer, length);
	return (long)length;
}

#define sys_fsopen   fake_fsopen
#define sys_fsconfig fake_fsconfig
#define sys_fsmount  fake_fsmount
#define sys_fstatfs  fake_fstatfs
#define sys_openat2  fake_openat2
#define sys_getpid   fake_getpid
#define sys_write    fake_write
#define sys_lseek    fake_lseek
#define sys_read     fake_read
#include "runtime/launch/init/proc_handle.c" /* NOLINT(bugprone-suspicious-include) */
#include "runtime/launch/init/string.c"      /* NOLINT(bugprone-suspicious-include) */

/* Whether the label was taken over; else failed_call says what was wrong. */
static bool label(const char *attribute, const char *value)
{
	static struct {
		struct plan head;
		struct plan_step step;
		char attribute[32], value[64];
	} p;

	memset(&p, 0, sizeof(p));
	p.step.op = PLAN_LABEL;
	(void)strncpy(p.attribute, attribute, sizeof(p.attribute) - 1);
	(void)strncpy(p.value, value, sizeof(p.value) - 1);
	p.step.label.attribute = (plan_str)((char *)p.attribute - (char *)&p);
	p.step.label.value = (plan_str)((char *)p.value - (char *)&p);
	plan = &p.head;
	label_proc = -1;
	failed_call = CALL_NONE;
	if (setjmp(failed) == 0)
		step_label(&p.step);
	return failed_call == CALL_NONE;
}

static int reset(void **unused)
{
	(void)unused;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

static void a_label_is_written_and_read_back(void **unused)
{
	static const struct {
		const char *attribute, *value, *answer;
		bool taken;
	} cases[] = {
		{ "exec", "u:r:t:s0", "u:r:t:s0", true },
		{ "exec", "u:r:t:s0", "u:r:t:s0\n", true },
		{ "exec", "u:r:t:s0", "u:r:t:s0:c1", false }, /* more than was asked for */
		{ "exec", "u:r:t:s0", "u:r:t", false },
		{ "exec", "u:r:t:s0", "", false }, /* nothing took it */
		{ "keycreate", "u:r:t:s0", "u:r:t:s0", true },
		{ "apparmor/exec", "exec docker", "docker (enforce)\n", true },
		{ "apparmor/exec", "exec docker", "docker", true },
		{ "apparmor/exec", "exec docker", "docker-default (enforce)\n", false },
		{ "apparmor/exec", "exec docker", "unconfined\n", false },
		{ "apparmor/exec", "exec docker", "exec docker\n", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char path[64];

		reset(unused);
		kernel.answer = cases[i].answer;
		assert_int_equal(label(cases[i].attribute, cases[i].value), cases[i].taken);
		if (!cases[i].taken)
			assert_int_equal(failed_call, CHECK_READ_BACK);
		(void)snprintf(path, sizeof(path), "%d/attr/%s", PID, cases[i].attribute);
		assert_string_equal(kernel.path, path);
		assert_string_equal(kernel.text, cases[i].value);
		assert_int_equal(kernel.options, 1);
	}
}

/* CVE-2025-52881: what an image or a volume has put over /proc plays no part. */
static void nothing_leads_astray(void **unused)
{
	(void)unused;
	kernel.answer = "l";
	assert_true(label("exec", "l"));
	assert_int_equal(kernel.resolve, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |
	                                         RESOLVE_NO_SYMLINKS);
	kernel.magic = 0x01021994; /* a tmpfs */
	assert_false(label("exec", "l"));
	assert_int_equal(failed_call, CHECK_FILESYSTEM);
}

static void half_a_label_is_none(void **unused)
{
	(void)unused;
	kernel.answer = "label";
	kernel.written = 3;
	assert_false(label("exec", "label"));
	assert_int_equal(failed_call, CALL_WRITE);
	kernel.written = -EINVAL; /* the policy does not know it */
	assert_false(label("exec", "label"));
	assert_int_equal(failed_call, CALL_WRITE);
	kernel.written = 0;
	kernel.fsopen = -ENODEV;
	assert_false(label("exec", "label"));
	assert_int_equal(failed_call, CALL_FSMOUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_label_is_written_and_read_back, reset),
		cmocka_unit_test_setup(nothing_leads_astray, reset),
		cmocka_unit_test_setup(half_a_label_is_none, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
