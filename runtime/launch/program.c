/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve(2) says ENOENT for a program that is there when what has to load it is not,
 * and a dynamic loader's complaint comes when we are gone. So the file is read: the
 * "#!" line with its interpreter, or the ELF headers with loader and libraries
 * (elf(5), ld.so(8)).
 *
 * Libraries are looked for as ld.so does: the program's own run path, the default
 * folders, and the names in ld.so.cache. That is a hint, no proof: LD_LIBRARY_PATH and
 * libraries of libraries are left out.
 */
#include "runtime/launch/program.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"

enum {
	START_ROOM = 256,   /* of a "#!" line the kernel reads as much */
	CHAIN_MAX = 4,      /* interpreters of interpreters, as in the kernel */
	HEADERS_MAX = 64,   /* program headers */
	DYNAMIC_MAX = 512,  /* entries of the dynamic section */
	NAME_ROOM = 1024,   /* a library's name, a run path */
	PLACE_ROOM = 2048,  /* folder and name */
	CACHE_MAX = 1 << 20 /* /etc/ld.so.cache */
};

struct program {
	int root, fd;
	const char *path;
	Elf64_Phdr header[HEADERS_MAX];
	size_t header_count;
	char run_path[NAME_ROOM];
};

/* --- reading ------------------------------------------------------------------------- */

/* openat2(2) wants O_PATH to stand alone. */
static int open_in(int root, const char *path, bool to_read)
{
	uint64_t flags = to_read ? O_RDONLY | O_NOCTTY | O_NONBLOCK : O_PATH;

	while (*path == '/')
		path++;
	return sys_openat2(root, *path ? path : ".", flags | O_CLOEXEC, 0,
	                   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static bool exists(int root, const char *path)
{
	FD int fd = open_in(root, path, false);

	return fd >= 0;
}

static bool read_exactly(int fd, uint64_t at, void *data, size_t len)
{
	return at <= INT64_MAX && pread(fd, data, len, (off_t)at) == (ssize_t)len;
}

/* A string of the file, cut where the room ends; false when it has no end there. */
static bool read_name(int fd, uint64_t at, char ret[NAME_ROOM])
{
	ssize_t got = at <= INT64_MAX ? pread(fd, ret, NAME_ROOM - 1, (off_t)at) : -1;

	if (got <= 0)
		return false;
	ret[got] = '\0';
	return memchr(ret, '\0', (size_t)got) != NULL;
}

/* --- scripts --------------------------------------------------------------------------- */

/* Cuts "#! INTERPRETER ARGUMENT" down to the interpreter. False: there is none. */
static bool script_interpreter(char *line, char **ret)
{
	char *start = line + 2 + strspn(line + 2, " \t");

	start[strcspn(start, " \t\n")] = '\0';
	*ret = start;
	return *start != '\0';
}

static bool script_lacks(int root, char *line, char **interpreter, char *ret)
{
	if (!script_interpreter(line, interpreter)) {
		(void)snprintf(ret, PROGRAM_LACK_MAX, "its #! line names no interpreter");
		return true;
	}
	if (exists(root, *interpreter))
		return false;

	size_t len = strlen(*interpreter);
	if (len > 0 && (*interpreter)[len - 1] == '\r') {
		(*interpreter)[len - 1] = '\0';
		(void)snprintf(ret, PROGRAM_LACK_MAX,
		               "its #! line ends in a carriage return, as DOS writes lines: there "
		               "is no %.80s\\r",
		               *interpreter);
	} else {
		(void)snprintf(ret, PROGRAM_LACK_MAX, "interpreter %.120s is missing",
		               *interpreter);
	}
	return true;
}

/* --- ELF ------------------------------------------------------------------------------ */

const char *program_machine(unsigned int machine)
{
	switch (machine) {
	case EM_386:
		return "x86 (32 bit)";
	case EM_ARM:
		return "arm (32 bit)";
	case EM_AARCH64:
		return "aarch64";
	case EM_RISCV:
		return "riscv64";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390x";
	case EM_MIPS:
		return "MIPS";
	case 258: /* EM_LOONGARCH, elf.h since glibc 2.36 */
		return "loongarch64";
	default:
		return "another machine";
	}
}

/* An address of the program as an offset in its file; 0: none. */
static uint64_t file_offset(const struct program *p, uint64_t address)
{
	for (size_t i = 0; i < p->header_count; i++) {
		const Elf64_Phdr *h = &p->header[i];

		if (h->p_type == PT_LOAD && address >= h->p_vaddr &&
		    address - h->p_vaddr < h->p_filesz)
			return h->p_offset + (address - h->p_vaddr);
	}
	return 0;
}

/* Whether FOLDER/NAME is there; $ORIGIN is the program's own folder. */
static bool is_in_folder(const struct program *p, const char *folder, size_t len, const char *name)
{
	static const char origin[] = "$ORIGIN", braced[] = "${ORIGIN}";
	const char *slash = strrchr(p->path, '/');
	int own = slash ? (int)(slash - p->path) : 0;
	size_t skip = strncmp(folder, origin, strlen(origin)) == 0   ? strlen(origin)
	              : strncmp(folder, braced, strlen(braced)) == 0 ? strlen(braced)
	                                                             : 0;
	char place[PLACE_ROOM];

	if (len == 0 || skip > len)
		return false;
	int n = snprintf(place, sizeof(place), "%.*s%.*s/%s", skip ? own : 0, p->path,
	                 (int)(len - skip), folder + skip, name);
	return n > 0 && (size_t)n < sizeof(place) && exists(p->root, place);
}

static bool is_in_folders(const struct program *p, const char *folders, const char *name)
{
	while (*folders) {
		size_t len = strcspn(folders, ":");

		if (is_in_folder(p, folders, len, name))
			return true;
		folders += len + (folders[len] == ':');
	}
	return false;
}

/* Names stand in the cache with their NUL; how it is built does not matter then. */
static bool is_in_cache(int root, const char *name)
{
	BUF struct buf cache = { 0 };
	struct err ignored = { 0 };
	FD int fd = open_in(root, "etc/ld.so.cache", true);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    fd_read_all(fd, CACHE_MAX, "cache", &cache, &ignored) < 0 || cache.len == 0)
		return false;
	return memmem(cache.data, cache.len, name, strlen(name) + 1) != NULL;
}

static bool has_library(const struct program *p, const char *name)
{
	static const char folders[] = "/lib:/usr/lib:/lib64:/usr/lib64:/usr/local/lib:"
				      "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu";

	if (strchr(name, '/'))
		return exists(p->root, name);
	return is_in_folders(p, p->run_path, name) || is_in_folders(p, folders, name) ||
	       is_in_cache(p->root, name);
}

/* Reads the dynamic section's entries of interest; false when there is none. */
static bool read_dynamic(const struct program *p, Elf64_Dyn entry[DYNAMIC_MAX], size_t *ret_count)
{
	for (size_t i = 0; i < p->header_count; i++) {
		const Elf64_Phdr *h = &p->header[i];
		uint64_t count = h->p_filesz / sizeof(Elf64_Dyn);

		if (h->p_type != PT_DYNAMIC)
			continue;
		*ret_count = count < DYNAMIC_MAX ? (size_t)count : DYNAMIC_MAX;
		return read_exactly(p->fd, h->p_offset, entry, *ret_count * sizeof(*entry));
	}
	return false;
}

/* Adds the libraries that are not there: " a.so b.so". */
static void add_missing_libraries(struct program *p, struct buf *missing)
{
	Elf64_Dyn entry[DYNAMIC_MAX];
	size_t count = 0;
	uint64_t strings = 0;
	char name[NAME_ROOM];

	if (!read_dynamic(p, entry, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (entry[i].d_tag == DT_STRTAB)
			strings = file_offset(p, entry[i].d_un.d_ptr);
	for (size_t i = 0; strings && i < count; i++)
		if ((entry[i].d_tag == DT_RUNPATH || entry[i].d_tag == DT_RPATH) &&
		    read_name(p->fd, strings + entry[i].d_un.d_val, name))
			memcpy(p->run_path, name, sizeof(name));
	for (size_t i = 0; strings && i < count && entry[i].d_tag != DT_NULL; i++)
		if (entry[i].d_tag == DT_NEEDED &&
		    read_name(p->fd, strings + entry[i].d_un.d_val, name) && !has_library(p, name))
			buf_printf(missing, "%s%s", missing->len ? ", " : "", name);
}

/* "interpreter /lib64/ld.so and libraries libc.so.6, libjq.so.1 are missing" */
static bool elf_lacks_files(struct program *p, char *ret)
{
	BUF struct buf missing = { 0 };
	char loader[NAME_ROOM] = "";
	bool dynamic = false;

	for (size_t i = 0; i < p->header_count; i++)
		if (p->header[i].p_type == PT_INTERP)
			dynamic = read_name(p->fd, p->header[i].p_offset, loader);
	if (!dynamic)
		return false;
	add_missing_libraries(p, &missing);

	bool no_loader = !exists(p->root, loader);
	const char *plural = missing.len && strchr(missing.data, ',') ? "libraries" : "library";
	if (no_loader && missing.len)
		(void)snprintf(ret, PROGRAM_LACK_MAX, "interpreter %.80s and %s %s are missing",
		               loader, plural, missing.data);
	else if (no_loader)
		(void)snprintf(ret, PROGRAM_LACK_MAX, "interpreter %.120s is missing", loader);
	else if (missing.len)
		(void)snprintf(ret, PROGRAM_LACK_MAX, "%s %s %s missing", plural, missing.data,
		               strchr(missing.data, ',') ? "are" : "is");
	return no_loader || missing.len > 0;
}

static bool elf_lacks(struct program *p, const Elf64_Ehdr *head, char *ret)
{
	bool foreign = head->e_machine != EM_X86_64 && head->e_machine != EM_386;

	if (foreign) {
		(void)snprintf(ret, PROGRAM_LACK_MAX, "it is a program for %s",
		               program_machine(head->e_machine));
		return true;
	}
	if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_phentsize != sizeof(Elf64_Phdr))
		return false;
	p->header_count = head->e_phnum < HEADERS_MAX ? head->e_phnum : HEADERS_MAX;
	if (!read_exactly(p->fd, head->e_phoff, p->header, p->header_count * sizeof(*p->header)))
		return false;
	return elf_lacks_files(p, ret);
}

/* --- either ----------------------------------------------------------------------------- */

static bool file_lacks(int root, const char *path, int depth, char *ret)
{
	FD int fd = open_in(root, path, true);
	struct program p = { .root = root, .fd = fd, .path = path };
	union {
		char text[START_ROOM];
		Elf64_Ehdr elf;
	} start;
	struct stat st;
	char *interpreter;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	ssize_t got = pread(fd, start.text, sizeof(start.text) - 1, 0);
	if (got < 2)
		return false;
	start.text[got] = '\0';
	if (start.text[0] == '#' && start.text[1] == '!')
		return script_lacks(root, start.text, &interpreter, ret) ||
		       (depth < CHAIN_MAX && file_lacks(root, interpreter, depth + 1, ret));
	if (got >= (ssize_t)sizeof(start.elf) && memcmp(start.text, ELFMAG, SELFMAG) == 0)
		return elf_lacks(&p, &start.elf, ret);
	return false;
}

bool program_lacks(int root, const char *path, char ret[PROGRAM_LACK_MAX])
{
	return file_lacks(root, path, 0, ret);
}
