/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program: found before parking, as the user it will run as, so that create can
 * say that it is missing; executed at the end. When execve(2) says ENOENT of a file
 * that is there, or ENOEXEC, the file's first bytes tell what is really missing,
 * and the error's text ends in it: " (interpreter PATH)", " (e_machine N)".
 */
#include "runtime/launch/init/exec.h"

#include <linux/elf.h>

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum {
	ROOM = 4096, /* PATH_MAX */
	X_OK = 1,    /* unistd.h */
	PROGRAM_HEADERS_MAX = 16,
};

static const char *found;     /* what PLAN_EXECUTABLE found */
static char found_path[ROOM]; /* if it was joined from a folder of PATH */
static int64_t spare_entry = -1;
static char *spare_text;

void exec_set_spare(uint32_t entry, char *text)
{
	spare_entry = entry;
	spare_text = text;
}

char *const *exec_vector(struct plan_list list, int64_t spare, char *text)
{
	static char *empty[1];
	plan_vector_entry *entry = (plan_vector_entry *)(void *)((char *)plan + list.at);
	uint32_t kept = 0;

	if (!list.at)
		return empty;
	for (uint32_t i = 0; i < list.count; i++) {
		if (i == spare && text)
			entry[kept++] = (uintptr_t)text;
		else if (entry[i])
			entry[kept++] = (uintptr_t)plan + entry[i];
	}
	entry[kept] = 0;
	return (char *const *)(void *)entry;
}

char *const *exec_environment(struct plan_list list)
{
	const struct plan_step *step = plan_array(plan, plan->steps);
	bool own = list.at == step[plan->steps.count - 1].exec.envp.at; /* PLAN_EXECVE's */

	return exec_vector(list, own ? spare_entry : -1, own ? spare_text : NULL);
}

static bool is_folder(const char *path)
{
	struct stat st;

	must(sys_newfstatat(AT_FDCWD, path, &st, 0), CALL_STAT, path);
	return S_ISDIR(st.st_mode);
}

/*
 * A seccomp profile may be in force already, and one older than faccessat2 (Linux 5.8)
 * refuses it: faccessat2 itself never fails with EPERM for X_OK. Then the mode has to
 * do, and execve has the last word. faccessat would not do: it asks with the real ids
 * and without capabilities.
 */
static long may_execute(const char *path)
{
	long result = sys_faccessat2(AT_FDCWD, path, X_OK, AT_EACCESS);
	struct stat st;

	if (result != -EPERM && result != -ENOSYS)
		return result;
	result = sys_newfstatat(AT_FDCWD, path, &st, 0);
	if (result < 0)
		return result;
	return st.st_mode & 0111 ? 0 : -EACCES;
}

static void check_given(const char *path)
{
	if (is_folder(path))
		fail(CHECK_DIRECTORY, 0, path);
	must(may_execute(path), CALL_EXECVE, path);
}

/* The folders of `search` in turn; an empty one is the working folder. */
static void look_up(const char *file, const char *search)
{
	bool denied = false;

	while (search) {
		struct text t = text_in(found_path, ROOM);
		size_t length = 0;
		long result;

		while (search[length] && search[length] != ':')
			length++;
		text_add_bytes(&t, length ? search : ".", length ? length : 1);
		text_add(&t, "/");
		text_add(&t, file);
		search = search[length] ? search + length + 1 : NULL;
		if (t.cut)
			continue;
		result = may_execute(found_path);
		if (result == 0 && !is_folder(found_path)) {
			found = found_path;
			return;
		}
		denied |= result == -EACCES;
	}
	if (denied)
		fail(CALL_EXECVE, EACCES, file);
	fail(CHECK_LOOKUP, ENOENT, file);
}

void step_executable(const struct plan_step *step)
{
	const char *file = plan_string(step->exec.file);

	if (text_last_slash(file)) {
		check_given(file);
		found = file;
		return;
	}
	look_up(file, plan_string(step->exec.search));
}

/* The rest of the line "#! INTERPRETER ARGUMENT" up to the first blank. */
static void add_script(struct text *t, const char *line, const char *end)
{
	const char *start;

	for (line += 2; line < end && (*line == ' ' || *line == '\t'); line++)
		;
	for (start = line; line < end && *line != ' ' && *line != '\t' && *line != '\n' && *line;
	     line++)
		;
	text_add(t, " (interpreter ");
	text_add_bytes(t, start, (size_t)(line - start));
	text_add(t, ")");
}

/* Reads at an offset; 0 when there is not that much. */
static long read_at(int fd, uint64_t offset, void *data, size_t length)
{
	if (offset > INT64_MAX || sys_lseek(fd, (long)offset, 0) < 0)
		return 0;
	return sys_read(fd, data, length);
}

static void add_elf(struct text *t, int fd, const struct elf64_hdr *head, long error)
{
	struct elf64_phdr program;
	char path[256];
	long got;

	if (error == ENOEXEC) {
		text_add(t, " (e_machine ");
		text_add_number(t, head->e_machine);
		text_add(t, ")");
		return;
	}
	for (unsigned int i = 0; i < head->e_phnum && i < PROGRAM_HEADERS_MAX; i++) {
		if (read_at(fd, head->e_phoff + i * sizeof(program), &program, sizeof(program)) !=
		    sizeof(program))
			return;
		if (program.p_type != PT_INTERP)
			continue;
		got = read_at(fd, program.p_offset, path, sizeof(path) - 1);
		if (got <= 0)
			return;
		path[got] = '\0';
		text_add(t, " (interpreter ");
		text_add(t, path);
		text_add(t, ")");
		return;
	}
}

/* Says why, as far as the file itself tells. It is opened as a hostile one: not
 * blocking, and only what was read is looked at. */
static void add_reason(struct text *t, const char *path, long error)
{
	union {
		char bytes[256];
		struct elf64_hdr elf;
	} start;
	long fd = sys_openat2(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	long got = fd < 0 ? 0 : sys_read((int)fd, start.bytes, sizeof(start.bytes));

	if (got >= 2 && start.bytes[0] == '#' && start.bytes[1] == '!')
		add_script(t, start.bytes, start.bytes + got);
	else if (got >= (long)sizeof(start.elf) && memcmp(start.bytes, ELFMAG, SELFMAG) == 0 &&
	         start.bytes[EI_CLASS] == ELFCLASS64)
		add_elf(t, (int)fd, &start.elf, error);
}

void step_execve(const struct plan_step *step)
{
	const char *path = found ? found : plan_string(step->exec.file);
	char *const *argv = exec_vector(step->exec.argv, -1, NULL);
	char *const *envp = exec_environment(step->exec.envp);
	long error = -sys_execve(path, argv, envp);
	char buffer[FRAME_TEXT_MAX];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, path);
	if (error == ENOENT || error == ENOEXEC)
		add_reason(&t, path, error);
	fail(CALL_EXECVE, error, buffer);
}
