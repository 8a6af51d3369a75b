/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules in the order of their dependencies, and the archive that they come in, which
 * cpio(1) reads back where it is installed.
 */
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "tests/unit/unit.h"
#include "tests/unit/vm_shell.h"
#include "vm-sandbox/cpio.h"
#include "vm-sandbox/initramfs.h"

/* As Debian 12's cloud kernel has them: the dependency that is needed first stands last. */
static const char dep[] =
	"kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko\n"
	"kernel/drivers/virtio/virtio_ring.ko:\n"
	"kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_pci_modern_dev.ko "
	"kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko\n"
	"kernel/drivers/virtio/virtio_pci_modern_dev.ko:\n"
	"kernel/fs/fuse/virtiofs.ko: kernel/fs/fuse/fuse.ko kernel/drivers/virtio/virtio.ko "
	"kernel/drivers/virtio/virtio_ring.ko\n"
	"kernel/fs/fuse/fuse.ko:\n"
	"kernel/drivers/char/hw_random/virtio-rng.ko.xz: kernel/drivers/virtio/virtio.ko "
	"kernel/drivers/virtio/virtio_ring.ko\n"
	"kernel/early.ko:\n"
	"/outside.ko:\n"
	"kernel/../../up.ko:\n";
static const char builtin[] = "kernel/drivers/char/virtio_console.ko\nkernel/net/core/x.ko\n";
static const struct module_index debian = { .dep = dep, .builtin = builtin };

static void dependencies_come_first_and_once(void **unused)
{
	static const struct module_wanted wanted[] = {
		{ .name = "virtio_rng", .optional = true },
		{ .name = "lacking", .optional = true },
		{ .name = "virtio_pci" },
		{ .name = "virtio_console" },
		{ .name = "early", .optional = true, .early = true },
		{ .name = "lacking_too", .optional = true, .early = true },
		{ .name = "virtiofs" },
	};
	static const char *const order[] = {
		"kernel/drivers/virtio/virtio_ring.ko",
		"kernel/drivers/virtio/virtio.ko",
		"kernel/drivers/virtio/virtio_pci_modern_dev.ko",
		"kernel/drivers/virtio/virtio_pci.ko",
		"kernel/early.ko",
		"kernel/fs/fuse/fuse.ko",
		"kernel/fs/fuse/virtiofs.ko",
		"kernel/drivers/char/hw_random/virtio-rng.ko.xz",
	};
	ARENA struct arena a;
	struct module_list l;
	struct err e = { 0 };

	(void)unused;
	arena_init(&a, 0);
	assert_int_equal(modules_resolve(&debian, wanted, LEN(wanted), &a, &l, &e), 0);
	assert_int_equal(l.count, LEN(order));
	assert_int_equal(l.late, 1);
	for (size_t i = 0; i < LEN(order); i++)
		assert_string_equal(l.path[i], order[i]);
}

static void what_the_kernel_lacks_is_named(void **unused)
{
	static const char *const bad[] = { "overlay", "outside", "up", "" };
	ARENA struct arena a;

	(void)unused;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(bad); i++) {
		const struct module_wanted one = { .name = bad[i] };
		struct module_list l = { 0 };
		struct err e = { 0 };

		assert_int_equal(modules_resolve(&debian, &one, 1, &a, &l, &e), -1);
		assert_int_equal(e.kind, ERR_SPEC);
		assert_non_null(strstr(e.text, bad[i]));
		assert_int_equal(l.count, 0);
	}
}

static void names_are_the_kernels(void **unused)
{
	char name[16];

	(void)unused;
	assert_true(module_name("a/b/virtio-rng.ko.zst", 21, name, sizeof(name)));
	assert_string_equal(name, "virtio_rng");
	assert_false(module_name("a.ko/readme", 11, name, sizeof(name)));
	assert_false(module_name(".ko", 3, name, sizeof(name)));
	assert_false(module_name("a_name_of_sixteen.ko", 20, name, sizeof(name)));
}

static void put(int folder, const char *name, const void *data, size_t len)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* Prints what is in an archive, by a reader of the test's own: "MODE SIZE NAME" lines. */
static void list(const struct buf *archive, char *ret, size_t room)
{
	size_t at = 0, n = 0;
	const char *name = "";

	while (strcmp(name, "TRAILER!!!") != 0) {
		char field[14][9] = { { 0 } };
		size_t size, name_len;

		assert_true(at + 110 <= archive->len);
		assert_memory_equal(archive->data + at, "070701", 6);
		for (size_t i = 0; i < 13; i++)
			memcpy(field[i], archive->data + at + 6 + i * 8, 8);
		size = strtoul(field[6], NULL, 16);
		name_len = strtoul(field[11], NULL, 16);
		name = archive->data + at + 110;
		assert_int_equal(strlen(name) + 1, name_len);
		n += (size_t)snprintf(ret + n, room - n, "%lo %zu %s\n",
		                      strtoul(field[1], NULL, 16), size, name);
		at = (at + 110 + name_len + 3) & ~(size_t)3;
		at = (at + size + 3) & ~(size_t)3;
		assert_true(at <= archive->len);
	}
	assert_int_equal(at, archive->len);
}

/* /init is the same whether it was compressed or not. */
static void the_agent_may_be_compressed(void **unused)
{
	static const char agent[] = "\177ELF an agent";
	const struct module_list none = { 0 };
	uint8_t packed[256];
	size_t len = 0;
	BUF struct buf plain = { 0 };
	BUF struct buf archive = { 0 };
	BUF struct buf broken = { 0 };
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, (const uint8_t *)agent,
	                                         sizeof(agent), packed, &len, sizeof(packed)),
	                 LZMA_OK);
	assert_int_equal(initramfs_build(agent, sizeof(agent), -1, &none, &plain, &e), 0);
	assert_int_equal(initramfs_build(packed, len, -1, &none, &archive, &e), 0);
	assert_int_equal(archive.len, plain.len);
	assert_memory_equal(archive.data, plain.data, plain.len);
	assert_int_equal(initramfs_build(packed, len - 20, -1, &none, &broken, &e), -1);
	assert_non_null(strstr(e.text, "unpack the agent"));
}

static void the_archive_has_all(void **unused)
{
	static const struct module_list modules = { 2, { "plain.ko", "virtio-rng.ko.xz" }, 1 };
	static const char module[] = "\177ELF a module";
	char folder[] = "/tmp/test_vm_initramfs.XXXXXX", text[1024];
	uint8_t packed[256];
	size_t len = 0;
	BUF struct buf archive = { 0 };
	BUF struct buf again = { 0 };
	struct err e = { 0 };
	FD int dir = -1;

	(void)unused;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_DIRECTORY | O_CLOEXEC);
	put(dir, "plain.ko", module, sizeof(module));
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, (const uint8_t *)module,
	                                         sizeof(module), packed, &len, sizeof(packed)),
	                 LZMA_OK);
	put(dir, "virtio-rng.ko.xz", packed, len);
	assert_int_equal(initramfs_build("agent", 5, dir, &modules, &archive, &e), 0);
	assert_int_equal(initramfs_build("agent", 5, dir, &modules, &again, &e), 0);
	assert_int_equal(archive.len, again.len);
	assert_memory_equal(archive.data, again.data, archive.len);
	list(&archive, text, sizeof(text));
	assert_string_equal(text, "40755 0 dev\n20600 0 dev/console\n40700 0 m\n40700 0 late\n"
	                          "100600 14 m/00-plain.ko\n100600 14 late/01-virtio_rng.ko\n"
	                          "100755 5 init\n0 0 TRAILER!!!\n");

	put(dir, "archive", archive.data, archive.len);
	if (access("/usr/bin/cpio", X_OK) == 0 && geteuid() == 0)
		assert_int_equal(
			shell("cd %s && cpio -idm --quiet <archive && cmp m/00-plain.ko plain.ko && "
		              "cmp late/01-virtio_rng.ko plain.ko && test -x init -a -c dev/console",
		              folder),
			0);
	assert_int_equal(shell("rm -r %s", folder), 0);
}

static void broken_modules_are_refused(void **unused)
{
	static const struct module_list lists[] = {
		{ 1, { "text.ko" }, 0 },
		{ 1, { "cut.ko.xz" }, 0 },
		{ 1, { "missing.ko" }, 0 },
		{ 1, { "../etc/passwd.ko" }, 0 },
	};
	char folder[] = "/tmp/test_vm_initramfs.XXXXXX";
	FD int dir = -1;

	(void)unused;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_DIRECTORY | O_CLOEXEC);
	put(dir, "text.ko", "text", 4);
	put(dir, "cut.ko.xz", "\xfd\x37\x7a\x58\x5a", 6);
	for (size_t i = 0; i < LEN(lists); i++) {
		BUF struct buf archive = { 0 };
		struct err e = { 0 };

		assert_int_equal(initramfs_build("agent", 5, dir, &lists[i], &archive, &e), -1);
		assert_non_null(strstr(e.text, lists[i].path[0]));
	}
	assert_int_equal(shell("rm -r %s", folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dependencies_come_first_and_once),
		cmocka_unit_test(what_the_kernel_lacks_is_named),
		cmocka_unit_test(names_are_the_kernels),
		cmocka_unit_test(the_agent_may_be_compressed),
		cmocka_unit_test(the_archive_has_all),
		cmocka_unit_test(broken_modules_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
