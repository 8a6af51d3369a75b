/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a kernel, and when it is made anew: with ELF files as kernels and modules,
 * in folders of the test's own.
 */
#include <asm/bootparam.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "tests/unit/unit.h"
#include "tests/unit/vm_shell.h"
#include "vm-sandbox/prepare.h"

static char top[64];
static int top_fd = -1;

static void put(const char *path, const void *data, size_t len)
{
	struct err e;

	assert_int_equal(fd_replace_file(top_fd, path, 0644, data, len, &e), 0);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

/* A kernel of one segment. */
static void put_kernel(const char *path, const char *content)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr p;
		char code[64];
	} file = { 0 };

	memcpy(file.h.e_ident, ELFMAG, SELFMAG);
	file.h.e_ident[EI_CLASS] = ELFCLASS64;
	file.h.e_ident[EI_DATA] = ELFDATA2LSB;
	file.h.e_machine = EM_X86_64;
	file.h.e_type = ET_EXEC;
	file.h.e_phentsize = sizeof(file.p);
	file.h.e_phoff = sizeof(file.h);
	file.h.e_phnum = 1;
	file.h.e_entry = file.p.p_paddr = 1 << 24;
	file.p.p_type = PT_LOAD;
	file.p.p_filesz = file.p.p_memsz = sizeof(file.code);
	file.p.p_offset = offsetof(__typeof__(file), code);
	(void)snprintf(file.code, sizeof(file.code), "%s", content);
	put(path, &file, sizeof(file));
}

static void put_modules(const char *version, const char *dep)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "modules/%s", version);
	assert_int_equal(mkdirat(top_fd, path, 0755), 0);
	(void)snprintf(path, sizeof(path), "modules/%s/modules.dep", version);
	put_text(path, dep);
	(void)snprintf(path, sizeof(path), "modules/%s/modules.builtin", version);
	put_text(path, "kernel/virtio_pci.ko\nkernel/virtio_console.ko\nkernel/virtiofs.ko\n"
	               "kernel/virtio_net.ko\n");
	(void)snprintf(path, sizeof(path), "modules/%s/rng.ko", version);
	put_text(path, "\177ELF a module");
}

static int setup(void **unused)
{
	(void)unused;
	(void)snprintf(top, sizeof(top), "/tmp/test_vm_prepare.XXXXXX");
	assert_non_null(mkdtemp(top));
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(top_fd >= 0);
	assert_int_equal(mkdirat(top_fd, "boot", 0755), 0);
	assert_int_equal(mkdirat(top_fd, "modules", 0755), 0);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	fd_drop(&top_fd);
	return shell("rm -rf %s", top);
}

static const char *below(const char *path)
{
	static char all[4][256];
	static unsigned int next;
	char *to = all[next++ % 4];

	(void)snprintf(to, sizeof(all[0]), "%s/%s", top, path);
	return to;
}

#define DEP "virtio-rng.ko:\n"

static void the_version_is_in_the_file_or_in_its_name(void **unused)
{
	static char file[4096];
	struct setup_header *h = (void *)(file + 0x1f1);
	char version[PREPARE_VERSION_ROOM];

	(void)unused;
	prepare_version("/boot/vmlinuz-1.2", file, sizeof(file), version);
	assert_string_equal(version, "1.2");
	memcpy(&h->header, "HdrS", 4);
	h->kernel_version = 0x400;
	(void)snprintf(file + 0x600, 64, "6.1.0-9-cloud-amd64 (someone) #1 SMP");
	prepare_version("/boot/vmlinuz-1.2", file, sizeof(file), version);
	assert_string_equal(version, "6.1.0-9-cloud-amd64");
	(void)snprintf(file + 0x600, 64, "../../etc (someone)");
	prepare_version("/my/kernel", file, sizeof(file), version);
	assert_string_equal(version, "");
	h->kernel_version = UINT16_MAX;
	prepare_version("kernel", file, sizeof(file), version);
	assert_string_equal(version, "");
	prepare_version("vmlinuz-", "", 0, version);
	assert_string_equal(version, "");
}

static struct prepare_setup usual(const char *agent)
{
	static char kernel[128], modules[128];
	struct err e = { 0 };
	int cache = prepare_cache(below("cache"), &e);

	if (cache < 0)
		fail_msg("%s", e.text);
	(void)snprintf(kernel, sizeof(kernel), "%s/boot/vmlinuz-6.1", top);
	(void)snprintf(modules, sizeof(modules), "%s/modules", top);
	return (struct prepare_setup){
		.kernel = kernel,
		.modules = modules,
		.cache = cache,
		.agent = agent,
		.agent_len = strlen(agent),
	};
}

static unsigned int count_cached(void)
{
	DIR *d = opendir(below("cache"));
	const struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* Prepares: whether it was made anew, and what the archive holds. */
static bool made(const struct prepare_setup *s, const char *content)
{
	struct prepared p;
	struct err e = { 0 };
	char text[4096] = { 0 };
	bool is_new;

	if (prepare(s, &p, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(pread(p.kernel, text, 4, 0), 4);
	assert_memory_equal(text, ELFMAG, SELFMAG);
	assert_true(pread(p.initramfs, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(memmem(text, sizeof(text), content, strlen(content)));
	assert_non_null(memmem(text, sizeof(text), "m/00-virtio_rng.ko", 18));
	is_new = p.made;
	prepared_done(&p);
	return is_new;
}

static void it_is_made_once_for_each_kernel(void **unused)
{
	struct prepare_setup s = usual("agent 1");

	(void)unused;
	put_kernel("boot/vmlinuz-6.1", "one");
	put_modules("6.1", "virtio-rng.ko:\n");
	put_text("modules/6.1/virtio-rng.ko", "\177ELF a module");
	assert_true(made(&s, "agent 1"));
	assert_false(made(&s, "agent 1"));
	assert_int_equal(count_cached(), 2);
	s.anew = true;
	assert_true(made(&s, "agent 1"));
	s.anew = false;
	/* another agent, another kernel's file: what was made before goes */
	s.agent = "agent 2";
	assert_true(made(&s, "agent 2"));
	assert_int_equal(count_cached(), 2);
	put_kernel("boot/vmlinuz-6.1", "two");
	assert_true(made(&s, "agent 2"));
	assert_int_equal(count_cached(), 2);
	/* another kernel stays beside it */
	put_kernel("boot/vmlinuz-6.1.1", "three");
	put_modules("6.1.1", "virtio-rng.ko:\n");
	put_text("modules/6.1.1/virtio-rng.ko", "\177ELF a module");
	s.kernel = below("boot/vmlinuz-6.1.1");
	assert_true(made(&s, "agent 2"));
	assert_int_equal(count_cached(), 4);
	assert_false(made(&s, "agent 2"));
	(void)close(s.cache);
}

/* It has an initramfs of its own, so that the other guests' does not grow. */
static void a_disk_brings_its_modules(void **unused)
{
	struct prepare_setup s = usual("agent");
	struct prepared p;
	struct err e = { 0 };

	(void)unused;
	put_kernel("boot/vmlinuz-6.1", "one");
	put_modules("6.1", "virtio-rng.ko:\nvirtio_blk.ko:\next4.ko: jbd2.ko\njbd2.ko:\n");
	put_text("modules/6.1/virtio-rng.ko", "\177ELF a module");
	put_text("modules/6.1/virtio_blk.ko", "\177ELF of disks");
	put_text("modules/6.1/ext4.ko", "\177ELF of files");
	put_text("modules/6.1/jbd2.ko", "\177ELF of journals");
	s.disk = "ext4";
	assert_true(made(&s, "m/01-virtio_blk.ko"));
	assert_false(made(&s, "m/02-jbd2.ko"));
	assert_false(made(&s, "m/03-ext4.ko"));
	s.disk = NULL;
	assert_true(made(&s, "agent"));
	assert_int_equal(count_cached(), 3);
	assert_int_equal(prepare(&s, &p, &e), 0);
	assert_false(p.made);
	assert_int_equal(p.modules, 0);
	prepared_done(&p);
	s.disk = "xfs";
	assert_int_equal(prepare(&s, &p, &e), -1);
	assert_non_null(strstr(e.text, "no module xfs"));
	(void)close(s.cache);
}

static void what_is_broken_is_not_kept(void **unused)
{
	struct prepare_setup s = usual("agent");
	struct prepared p;
	struct err e = { 0 };

	(void)unused;
	put_text("boot/vmlinuz-6.1", "not a kernel");
	put_modules("6.1", "other.ko:\n");
	assert_int_equal(prepare(&s, &p, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	assert_int_equal(p.kernel, -1);
	put_kernel("boot/vmlinuz-6.1", "");
	assert_int_equal(prepare(&s, &p, &e), -1);
	assert_non_null(strstr(e.text, "virtio_rng"));
	put_kernel("mine", "");
	s.kernel = below("mine"); /* tells no version: what it needs has to be built in */
	assert_int_equal(prepare(&s, &p, &e), 0);
	assert_string_equal(p.version, "");
	assert_int_equal(p.modules, 0);
	prepared_done(&p);
	(void)close(s.cache);
}

static void the_folder_is_ours_alone(void **unused)
{
	struct err e = { 0 };
	int fd = prepare_cache(below("cache"), &e);

	(void)unused;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(chmod(below("cache"), 0777), 0);
	assert_int_equal(prepare_cache(below("cache"), &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_int_equal(symlinkat("cache", top_fd, "link"), 0);
	assert_int_equal(prepare_cache(below("link"), &e), -1);
	assert_int_equal(prepare_cache(below("no/cache"), &e), -1);
	assert_int_equal(e.sys, ENOENT);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(the_version_is_in_the_file_or_in_its_name),
		CASE(it_is_made_once_for_each_kernel),
		CASE(a_disk_brings_its_modules),
		CASE(what_is_broken_is_not_kept),
		CASE(the_folder_is_ours_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
