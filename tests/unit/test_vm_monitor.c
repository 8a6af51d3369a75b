/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor with "kernels" of a few instructions, on the host's KVM: each end has its name,
 * and nothing is left behind. Where there is no KVM, or one that cannot do this, they are
 * skipped. And the log of the serial port, which needs none.
 */
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "tests/unit/unit.h"
#include "vm-sandbox/layout.h"
#include "vm-sandbox/monitor.h"

#define CODE 0x1000000ull

/* mov $PORT, %dx; mov $BYTE, %al; out %al, %dx */
#define OUT(port, byte) 0x66, 0xba, (port)&0xff, (port) >> 8, 0xb0, byte, 0xee
#define STOP            OUT(GUEST_PORT_SLEEP_CONTROL, 0x34)
#define RESET           OUT(GUEST_PORT_RESET, 0xfe)
#define FAULT           0x0f, 0x0b
#define HANG            0xeb, 0xfe

static unsigned int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

/* An ELF file of this code. */
static int kernel_of(const void *code, size_t len)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr p;
		uint8_t code[1024];
	} file = { 0 };
	struct err e;
	int fd;

	assert_true(len <= sizeof(file.code));
	memcpy(file.h.e_ident, ELFMAG, SELFMAG);
	file.h.e_ident[EI_CLASS] = ELFCLASS64;
	file.h.e_ident[EI_DATA] = ELFDATA2LSB;
	file.h.e_machine = EM_X86_64;
	file.h.e_type = ET_EXEC;
	file.h.e_entry = CODE;
	file.h.e_phoff = sizeof(file.h);
	file.h.e_phentsize = sizeof(file.p);
	file.h.e_phnum = 1;
	file.p.p_type = PT_LOAD;
	file.p.p_offset = offsetof(__typeof__(file), code);
	file.p.p_paddr = CODE;
	file.p.p_filesz = file.p.p_memsz = len;
	memcpy(file.code, code, len);
	fd = fd_sealed("kernel", &file, sizeof(file), false, &e);
	assert_true(fd >= 0);
	return fd;
}

static struct monitor_result result;
static unsigned int sealed;
static bool jailed;
static int owner; /* of the agent's socket: its other end */

static int on_sealed(void *unused, struct err *e)
{
	(void)unused;
	(void)e;
	sealed++;
	return 0;
}

static int refuse(void *unused, struct err *e)
{
	(void)unused;
	return err_set(e, ERR_REFUSED, "not today");
}

static int hang_up(void *unused, struct err *e)
{
	(void)unused;
	(void)e;
	fd_drop(&owner);
	return 0;
}

static int run(const void *code, size_t len, int (*at_seal)(void *, struct err *),
               unsigned int ready_ms, struct err *e)
{
	FD int kernel = kernel_of(code, len);
	FD int initramfs = fd_sealed("initramfs", "nothing", 7, false, e);
	FD int share = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int agent[2], done;
	struct fs_share shares[] = { { .name = "share", .fd = share } };
	struct monitor_config config = {
		.kernel = kernel,
		.initramfs = initramfs,
		.vcpus = 1,
		.memory_bytes = 64 << 20,
		.shares = shares,
		.share_count = 1,
		.serial = -1,
		.ready_ms = ready_ms,
		.sealed = at_seal,
		.jailed = jailed,
	};

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent), 0);
	config.agent = agent[0];
	owner = agent[1];
	memset(&result, 0, sizeof(result));
	sealed = 0;
	done = monitor_run(&config, &result, e);
	(void)close(agent[0]);
	fd_drop(&owner);
	return done;
}

static void need_kvm(void)
{
	if (access("/dev/kvm", R_OK | W_OK) == 0)
		return;
	print_message("no /dev/kvm here\n");
	skip();
}

static enum monitor_end end_of(const void *code, size_t len, int (*at_seal)(void *, struct err *),
                               unsigned int ready_ms)
{
	unsigned int before = count_fds();
	struct err e = { 0 };

	if (run(code, len, at_seal, ready_ms, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(count_fds(), before);
	return result.end;
}

#define END(at_seal, ready_ms, ...)                                                        \
	end_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), \
	       at_seal, ready_ms)

static void each_end_has_its_name(void **unused)
{
	(void)unused;
	need_kvm();
	assert_int_equal(END(on_sealed, 0, STOP, HANG), MONITOR_POWER_OFF);
	assert_int_equal(sealed, 1);
	assert_int_equal(result.exits, 1);
	assert_int_equal(END(on_sealed, 0, RESET, HANG), MONITOR_RESET);
	assert_int_equal(END(on_sealed, 0, FAULT, HANG), MONITOR_TRIPLE_FAULT);
	assert_int_equal(END(on_sealed, 50, HANG), MONITOR_NOT_READY);
	assert_int_equal(END(hang_up, 0, HANG), MONITOR_STOPPED);
	assert_string_equal(monitor_end_name(MONITOR_NOT_READY), "not ready in time");
}

/* A panic is a reset of which the serial port has told before. */
static void a_panic_is_told_from_a_reboot(void **unused)
{
	static const char words[] = "[ 1.0] Kernel panic - not syncing: VFS\nbye\033[2J";
	uint8_t code[1024];
	size_t len = 0;

	(void)unused;
	need_kvm();
	for (const char *c = words; *c; c++) {
		const uint8_t out[] = { OUT(0x3f8, (uint8_t)*c) };

		memcpy(code + len, out, sizeof(out));
		len += sizeof(out);
	}
	memcpy(code + len, (const uint8_t[]){ RESET, HANG }, 9);
	assert_int_equal(end_of(code, len + 9, NULL, 0), MONITOR_PANIC);
	assert_string_equal(result.panic, "[ 1.0] Kernel panic - not syncing: VFS");
	assert_string_equal(result.lines, "[ 1.0] Kernel panic - not syncing: VFS\nbye.[2J\n");
}

/* The end of a guest whose monitor is jailed: a process of its own, which never gets out. */
static int jailed_end_of(const void *code, size_t len, int (*at_seal)(void *, struct err *),
                         unsigned int ready_ms)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct err e = { 0 };
		int done;

		jailed = true;
		done = run(code, len, at_seal, ready_ms, &e);
		if (done < 0)
			(void)!write(STDERR_FILENO, e.text, strlen(e.text));
		_exit(done < 0 ? 99 : (int)result.end);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status)); /* no call was forbidden */
	return WEXITSTATUS(status);
}

#define JAILED_END(at_seal, ready_ms, ...)                                                        \
	jailed_end_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), \
	              at_seal, ready_ms)

static void it_does_its_work_in_jail(void **unused)
{
	(void)unused;
	need_kvm();
	if (geteuid() != 0) {
		print_message("the jail needs root\n");
		skip();
	}
#ifdef __SANITIZE_ADDRESS__
	print_message("a sanitizer makes calls of its own, which are not on the list\n");
	skip();
#endif
	assert_int_equal(JAILED_END(on_sealed, 0, STOP, HANG), MONITOR_POWER_OFF);
	assert_int_equal(JAILED_END(NULL, 0, FAULT, HANG), MONITOR_TRIPLE_FAULT);
	assert_int_equal(JAILED_END(NULL, 50, HANG), MONITOR_NOT_READY);
	assert_int_equal(JAILED_END(hang_up, 0, HANG), MONITOR_STOPPED);
}

static void nothing_is_left_of_what_could_not_be_made(void **unused)
{
	static const uint8_t code[] = { STOP, HANG };
	unsigned int before = count_fds();
	struct err e = { 0 };

	(void)unused;
	need_kvm();
	assert_int_equal(run(code, sizeof(code), refuse, 0, &e), -1);
	assert_string_equal(e.text, "not today");
	assert_int_equal(run(code, 0, NULL, 0, &e), -1);
	assert_string_equal(e.text, "kernel: nothing to load");
	assert_int_equal(count_fds(), before);
}

static void log_text(struct serial_log *l, const char *text)
{
	for (; *text; text++)
		serial_log_byte(l, (uint8_t)*text);
}

static void the_log_keeps_the_last_lines(void **unused)
{
	struct serial_log l = { .fd = -1 };

	(void)unused;
	for (int i = 0; i < 1000; i++)
		log_text(&l, "a line of the kernel's, one of many\r\n");
	log_text(&l, "the last");
	serial_log_end(&l);
	assert_int_equal(strlen(l.lines), l.lines_len);
	assert_true(l.lines_len > SERIAL_LINES_ROOM - 2 * SERIAL_LINE_ROOM);
	assert_memory_equal(l.lines, "a line of", 9);
	assert_string_equal(l.lines + l.lines_len - 10, "y\nthe last\n" + 1);
	/* a line without an end is cut */
	for (int i = 0; i < 5000; i++)
		log_text(&l, "x");
	assert_int_equal(strlen(l.lines), l.lines_len);
}

static void the_log_has_a_limit(void **unused)
{
	FD int fd = memfd_create("log", MFD_CLOEXEC);
	struct serial_log l = { .fd = fd };
	struct stat st;

	(void)unused;
	for (int i = 0; i < SERIAL_LOG_MAX / 16; i++)
		log_text(&l, "0123456789abcdefgh\n");
	assert_int_equal(fstat(fd, &st), 0);
	assert_in_range(st.st_size, SERIAL_LOG_MAX - 32, SERIAL_LOG_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_has_its_name),
		cmocka_unit_test(a_panic_is_told_from_a_reboot),
		cmocka_unit_test(it_does_its_work_in_jail),
		cmocka_unit_test(nothing_is_left_of_what_could_not_be_made),
		cmocka_unit_test(the_log_keeps_the_last_lines),
		cmocka_unit_test(the_log_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
