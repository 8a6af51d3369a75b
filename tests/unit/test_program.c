/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: what is missing, and files that lie about themselves. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/launch/program.h"
#include "unit.h"

static char tree[] = "/tmp/caisson-program.XXXXXX";
static int root = -1;

static int make_tree(void **unused)
{
	(void)unused;
	if (!mkdtemp(tree))
		return -1;
	root = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 || mkdirat(root, "lib", 0755) < 0 ? -1 : 0;
}

static int remove_tree(void **unused)
{
	char command[64];

	(void)unused;
	(void)close(root);
	(void)snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command); /* NOLINT(cert-env33-c): a test's own folder */
}

static void put(const char *name, const void *data, size_t len)
{
	FD int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
}

static const char *lack(const char *path)
{
	static char text[PROGRAM_LACK_MAX];

	return program_lacks(root, path, text) ? text : NULL;
}

static const char *lack_of_text(const char *text)
{
	put("program", text, strlen(text));
	return lack("/program");
}

static void scripts(void **unused)
{
	(void)unused;
	put("lib/shell", "x", 1);
	assert_null(lack_of_text("#!/lib/shell\n"));
	assert_null(lack_of_text("#! /lib/shell -x\n"));
	assert_null(lack_of_text("echo\n"));
	assert_null(lack_of_text(""));
	assert_null(lack_of_text("#"));
	assert_string_equal(lack_of_text("#!/no/shell -x\n"), "interpreter /no/shell is missing");
	assert_string_equal(lack_of_text("#!/no/shell"), "interpreter /no/shell is missing");
	assert_string_equal(lack_of_text("#!"), "its #! line names no interpreter");
	assert_string_equal(lack_of_text("#! \t\n"), "its #! line names no interpreter");
	assert_non_null(strstr(lack_of_text("#!/lib/shell\r\necho\r\n"), "carriage return"));
	assert_non_null(strstr(lack_of_text("#!/no/shell\r\n"), "carriage return"));
	/* an interpreter that is a script without its own; a circle */
	put("lib/outer", "#!/no/inner\n", 12);
	assert_string_equal(lack_of_text("#!/lib/outer\n"), "interpreter /no/inner is missing");
	assert_null(lack_of_text("#!/program\n"));
}

/* One page: headers, loader's name, dynamic section, strings. */
struct image {
	Elf64_Ehdr head;
	Elf64_Phdr program[3];
	Elf64_Dyn dynamic[6];
	char loader[32];
	char strings[64]; /* 1: libone.so, 12: libtwo.so, 23: the run path */
};

static struct image image(void)
{
	struct image i = {
		.head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		          .e_type = ET_DYN,
		          .e_machine = EM_X86_64,
		          .e_phoff = offsetof(struct image, program),
		          .e_phentsize = sizeof(Elf64_Phdr),
		          .e_phnum = 3 },
		.program = { { .p_type = PT_LOAD,
		               .p_vaddr = 0x10000,
		               .p_filesz = sizeof(struct image) },
		             { .p_type = PT_INTERP, .p_offset = offsetof(struct image, loader) },
		             { .p_type = PT_DYNAMIC,
		               .p_offset = offsetof(struct image, dynamic),
		               .p_filesz = 6 * sizeof(Elf64_Dyn) } },
		.dynamic = { { .d_tag = DT_NEEDED, .d_un.d_val = 1 },
		             { .d_tag = DT_NEEDED, .d_un.d_val = 12 },
		             { .d_tag = DT_RUNPATH, .d_un.d_val = 23 },
		             { .d_tag = DT_STRTAB,
		               .d_un.d_ptr = 0x10000 + offsetof(struct image, strings) },
		             { .d_tag = DT_NULL } },
		.loader = "/lib/loader",
	};

	memcpy(i.strings, "\0libone.so\0libtwo.so\0$ORIGIN/own:/opt", 38);
	i.strings[11] = '\0';
	memcpy(i.strings + 12, "libtwo.so", 10);
	memcpy(i.strings + 23, "$ORIGIN/own:/opt", 17);
	return i;
}

static const char *lack_of_image(const struct image *i)
{
	put("program", i, sizeof(*i));
	return lack("/program");
}

static void elf_programs(void **unused)
{
	struct image i = image();

	(void)unused;
	assert_string_equal(lack_of_image(&i), "interpreter /lib/loader and libraries libone.so, "
	                                       "libtwo.so are missing");
	put("lib/loader", "x", 1);
	assert_string_equal(lack_of_image(&i), "libraries libone.so, libtwo.so are missing");
	put("lib/libone.so", "x", 1);
	assert_string_equal(lack_of_image(&i), "library libtwo.so is missing");
	/* beside the program, by its run path */
	assert_int_equal(mkdirat(root, "own", 0755), 0);
	put("own/libtwo.so", "x", 1);
	assert_null(lack_of_image(&i));
	assert_int_equal(unlinkat(root, "own/libtwo.so", 0), 0);
	/* by the loader's cache */
	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	put("etc/ld.so.cache", "x\0libtwo.so\0y", 13);
	assert_null(lack_of_image(&i));

	i.head.e_machine = EM_AARCH64;
	assert_string_equal(lack_of_image(&i), "it is a program for aarch64");
	i.head.e_machine = 7;
	assert_string_equal(lack_of_image(&i), "it is a program for another machine");
}

/* Every byte of the file set to 0, 0x7f and 0xff in turn, and the file cut at each
 * length: nothing but the answer may change (the sanitizers watch). */
static void elf_programs_that_lie(void **unused)
{
	static const unsigned char values[] = { 0, 0x7f, 0xff };
	const struct image whole = image();

	(void)unused;
	for (size_t at = 0; at < sizeof(whole); at++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			struct image i = whole;

			((unsigned char *)&i)[at] = values[v];
			(void)lack_of_image(&i);
		}
		put("program", &whole, at);
		(void)lack("/program");
	}
}

static void what_is_no_file(void **unused)
{
	(void)unused;
	assert_null(lack("/nowhere"));
	assert_null(lack("/lib"));
	assert_null(lack("/"));
	assert_int_equal(mkfifoat(root, "fifo", 0755), 0);
	assert_null(lack("/fifo"));
	/* a link out of the tree stays in it */
	assert_int_equal(symlinkat("/../../bin/sh", root, "link"), 0);
	assert_null(lack("/link"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts),
		cmocka_unit_test(elf_programs),
		cmocka_unit_test(elf_programs_that_lie),
		cmocka_unit_test(what_is_no_file),
	};

	return cmocka_run_group_tests_name("program", tests, make_tree, remove_tree);
}
