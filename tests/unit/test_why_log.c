/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the kernel's logs, as dmesg, the journal and auditd write them, to what is
 * told of them: with and without the config, of one event in several records, and lines
 * that want to be taken for a record.
 */
#include <stdio.h>
#include <string.h>

#include "oci.h"
#include "runtime/why_log.h"

#define ID(serial) "audit(1700000000.100:" serial "): "
#define PROGRAM    "auid=1 uid=0 gid=0 ses=1 pid=77 comm=\"web\" exe=\"/bin/web\" "
#define SECCOMP(arch, call, code) \
	"sig=31 arch=" arch " syscall=" call " compat=0 ip=0x7f code=" code "\n"
#define PROFILE                                                                              \
	"'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','architectures':["             \
	"'SCMP_ARCH_X86_64'],'syscalls':[{'names':['read','fsync'],'action':"                \
	"'SCMP_ACT_ALLOW'},{'names':['chmod'],'action':'SCMP_ACT_KILL'},{'names':['mount']," \
	"'action':'SCMP_ACT_ERRNO','errnoRet':77},{'names':['sync'],'action':'SCMP_ACT_LOG'}]}}"

static const struct {
	const char *config; /* members; NULL: none is given */
	const char *log, *text;
} cases[] = {
	/* the three ways in which one record is written */
	{ NULL, "type=SECCOMP msg=" ID("1") PROGRAM SECCOMP("c000003e", "90", "0x80000000"),
	  "chmod (web): process killed, 1 time: the answer of its seccomp filter\n" },
	{ NULL, "[   12.5] audit: type=1326 " ID("1") PROGRAM SECCOMP("c000003e", "90", "0x0"),
	  "chmod (web): thread killed, 1 time: the answer of its seccomp filter\n" },
	{ NULL,
	  "Nov 21 20:00:01 host audit[77]: SECCOMP " PROGRAM SECCOMP("c000003e", "90", "0x30000"),
	  "chmod (web): SIGSYS, 1 time: the answer of its seccomp filter\n" },
	/* answers, architectures, numbers that nobody knows; the same again is counted */
	{ NULL,
	  "type=1326 " PROGRAM SECCOMP("c000003e", "90",
	                               "0x50000") "noise\n"
	                                          "type=1326 " PROGRAM SECCOMP("c000003e", "90",
	                                                                       "0x50000"),
	  "chmod (web): an error, 2 times: the answer of its seccomp filter\n" },
	{ NULL, "type=1326 " PROGRAM SECCOMP("40000003", "15", "0x7ffc0000"),
	  "chmod (web): let through, 1 time: the answer of its seccomp filter\n" },
	{ NULL, "type=1326 " PROGRAM SECCOMP("c000003e", "4000", "0x7fc00000"),
	  "4000 (web): asked an agent, 1 time: the answer of its seccomp filter\n" },
	/* held against a profile: the rule and its errno */
	{ PROFILE, "type=1326 " PROGRAM SECCOMP("c000003e", "165", "0x50000"),
	  "mount (web): errno 77, 1 time: seccomp: the rule refuses it "
	  "(/linux/seccomp/syscalls/2)\n" },
	{ PROFILE, "type=1326 " PROGRAM SECCOMP("c000003e", "91", "0x50000"),
	  "fchmod (web): EPERM, 1 time: seccomp: no rule names it, and the default refuses it "
	  "(/linux/seccomp/defaultAction)\n" },
	{ PROFILE, "type=1326 " PROGRAM SECCOMP("c000003e", "162", "0x7ffc0000"),
	  "sync (web): let through, 1 time: seccomp: the rule lets it through, and notes it "
	  "(/linux/seccomp/syscalls/3)\n" },
	{ PROFILE, "type=1326 " PROGRAM SECCOMP("40000003", "15", "0x0"),
	  "chmod (web): thread killed, 1 time: seccomp: the profile has no architecture 40000003 "
	  "(/linux/seccomp/architectures)\n" },
	{ PROFILE, "type=1326 " PROGRAM SECCOMP("c000003e", "74", "0x50000"),
	  "fsync (web): an error, 1 time: the filter of somebody else: this profile allows it "
	  "(/linux/seccomp)\n" },
	{ "", "type=1326 " PROGRAM SECCOMP("c000003e", "90", "0x0"),
	  "chmod (web): thread killed, 1 time: the filter of somebody else: this config has "
	  "none\n" },
	/* security modules, alone and with the call of the same event */
	{ NULL,
	  "audit: type=1400 audit(1:2): apparmor=\"DENIED\" operation=\"open\" class=\"file\" "
	  "profile=\"docker-default\" name=\"/proc/x\" pid=5 comm=\"sh\" requested_mask=\"wc\" "
	  "denied_mask=\"w\" fsuid=0 ouid=0\n"
	  "audit: type=1400 audit(1:3): apparmor=\"DENIED\" operation=\"capable\" "
	  "profile=\"p\" comm=\"sh\" capability=21  capname=\"sys_admin\"\n"
	  "audit: type=1400 audit(1:4): apparmor=\"ALLOWED\" operation=\"open\" comm=\"sh\"\n",
	  "open (sh): denied, 1 time: AppArmor: the profile docker-default does not allow w on "
	  "/proc/x (/process/apparmorProfile)\n"
	  "capable (sh): denied, 1 time: AppArmor: the profile p does not allow the capability "
	  "sys_admin (/process/apparmorProfile)\n" },
	{ NULL,
	  "type=AVC msg=" ID(
		  "7") "avc:  denied  { read open } for  pid=2 comm=\"cat\" "
	               "name=\"shadow\" dev=\"dm-0\" ino=3 scontext=u:r:container_t:s0:c1,c2 "
	               "tcontext=u:object_r:shadow_t:s0 tclass=file permissive=0\n"
	               "type=SYSCALL msg=" ID(
			       "7") "arch=c000003e syscall=257 success=no exit=-13 a0=7 "
	                            "comm=\"cat\" exe=\"/bin/cat\"\n"
	                            "type=AVC msg=" ID(
					    "8") "avc:  denied  { sys_admin } for  pid=2 comm=\"cat\" "
	                                         "capability=21 scontext=u:r:container_t:s0 tcontext=u:r:container_t:s0 "
	                                         "tclass=capability permissive=0\n"
	                                         "type=AVC msg=" ID(
							 "9") "avc:  denied  { write } for  pid=2 comm=\"cat\" "
	                                                      "scontext=u:r:a_t:s0 tcontext=u:r:b_t:s0 tclass=file permissive=1\n",
	  "openat (cat): EACCES, 1 time: SELinux: container_t may not read open a file of "
	  "shadow_t, shadow (/process/selinuxLabel)\n"
	  "sys_admin (cat): denied, 1 time: SELinux: container_t may not use CAP_SYS_ADMIN "
	  "(/process/selinuxLabel)\n" },
	{ NULL, "avc:  denied  { x } for scontext=a tcontext=b:c tclass=file\n",
	  "x: denied, 1 time: SELinux:  may not x a file of  (/process/selinuxLabel)\n" },
	{ NULL,
	  "type=LANDLOCK_ACCESS msg=" ID(
		  "3") "domain=195ba459b blockers=fs.write_file "
	               "path=\"/etc/passwd\" dev=\"vda2\" ino=351\n"
	               "type=SYSCALL msg=" ID("3") "arch=c000003e syscall=257 success=no exit=-13 "
	                                           "comm=\"sh\"\n",
	  "openat (sh): EACCES, 1 time: no rule of Landlock allows fs.write_file on /etc/passwd "
	  "(/annotations/io.caisson.landlock)\n" },
	/* calls alone: those that failed as if somebody had forbidden them */
	{ NULL,
	  "type=SYSCALL msg=" ID(
		  "1") "arch=c000003e syscall=165 success=no exit=-1 comm=\"m\"\n"
	               "type=SYSCALL msg=" ID(
			       "2") "arch=c000003e syscall=165 success=no exit=-2 comm=\"m\"\n"
	                            "type=SYSCALL msg=" ID(
					    "3") "arch=c000003e syscall=165 success=yes exit=0 comm=\"m\"\n",
	  "mount (m): EPERM, 1 time: most likely a capability, the mode or the owner of the file, "
	  "or a rule of the kernel's\n" },
	{ "'process':{'cwd':'/','args':['sh']}",
	  "type=SYSCALL msg=" ID("1") "arch=c000003e syscall=165 success=no exit=-1 comm=\"m\"\n",
	  "mount (m): EPERM, 1 time: most likely it wants CAP_SYS_ADMIN, which the config does not "
	  "give (/process/capabilities)\n" },
	/* names that the kernel wrote as digits reach no terminal as they are */
	{ NULL,
	  "type=1326 pid=7 comm=1B5B33316D7820737973 sig=31 arch=c000003e syscall=90 compat=0 "
	  "ip=0x0 code=0x0\n",
	  "chmod (\\u001b[31mx sys): thread killed, 1 time: the answer of its seccomp filter\n" },
	/* no records */
	{ NULL, "", "" },
	{ NULL, "\n\n\n", "" },
	{ NULL, "type=1326 sig=31 arch=c000003e syscall=90\n", "" },
	{ NULL, "type=1326 sig=31 arch=zz syscall=90 code=0x0\n", "" },
	{ NULL, "type=1326 sig=31 arch=c000003e syscall=-1 code=0x0\n", "" },
	{ NULL, "type=1326 xsig=31 xarch=c000003e xsyscall=90 xcode=0x0\n", "" },
	{ NULL, "avc:  denied  { read tclass=file\n", "" },
	{ NULL, "type=SYSCALL arch=c000003e syscall=165 success=no exit=-9999\n", "" },
};

static void records_are_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		PARSED struct parsed p;
		BUF struct buf text = { 0 };
		struct why_log found;
		const struct oci_config *config =
			accept(&p, cases[i].config ? cases[i].config : "");

		why_log_read(&p.arena, cases[i].config ? config : NULL, cases[i].log,
		             strlen(cases[i].log), &found);
		why_text(found.v, found.n, &text);
		assert_string_equal(text.data ? text.data : "", cases[i].text);
		assert_int_equal(found.lost, 0);
	}
}

/* As many as there is room for; those beyond it are counted, and so are repetitions. */
static void a_flood_has_an_end(void **state)
{
	enum { CALLS = WHY_LOG_LINES + 100 };
	BUF struct buf log = { 0 };
	struct why_log found;
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (unsigned int i = 0; i < 2 * CALLS; i++)
		buf_printf(&log, "comm=\"c%u\" sig=31 arch=c000003e syscall=90 code=0x0\n",
		           i % CALLS);
	why_log_read(&a, NULL, log.data, log.len, &found);
	assert_int_equal(found.n, WHY_LOG_LINES);
	assert_int_equal(found.lost, 200);
	assert_int_equal(found.v[0].count, 2);
}

/* A line without an end, and one with a NUL: what is behind is not read. */
static void long_lines_are_cut(void **state)
{
	static const char record[] = "sig=31 arch=c000003e syscall=90 code=0x0";
	BUF struct buf log = { 0 };
	struct why_log found;
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (int i = 0; i < 10000; i++)
		buf_text(&log, "x ");
	buf_text(&log, record);
	why_log_read(&a, NULL, log.data, log.len, &found);
	assert_int_equal(found.n, 0);
	why_log_read(&a, NULL, record, sizeof(record) - 1, &found);
	assert_int_equal(found.n, 1);
	why_log_read(&a, NULL, "\0sig=31 arch=c000003e syscall=90 code=0x0", sizeof(record),
	             &found);
	assert_int_equal(found.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_explained),
		cmocka_unit_test(a_flood_has_an_end),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
