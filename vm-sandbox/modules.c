/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules.dep has a line for each module, "FILE: FILE...", that names everything it needs,
 * directly or not, what is needed last first. modules.builtin has a line for each that is
 * built in. Both are looked through line by line; they are read once per kernel.
 */
#include "vm-sandbox/modules.h"

#include <string.h>

enum { NAME_ROOM = 64 };

bool module_name(const char *path, size_t len, char *ret, size_t room)
{
	const char *slash = memrchr(path, '/', len);
	const char *base = slash ? slash + 1 : path;
	size_t base_len = len - (size_t)(base - path);
	const char *suffix = memmem(base, base_len, ".ko", 3);
	size_t n = suffix ? (size_t)(suffix - base) : 0;

	if (n == 0 || n >= room)
		return false;
	for (size_t i = 0; i < n; i++)
		ret[i] = (char)(base[i] == '-' ? '_' : base[i]);
	ret[n] = '\0';
	return true;
}

static bool is_module(const char *path, size_t len, const char *name)
{
	char own[NAME_ROOM];

	return module_name(path, len, own, sizeof(own)) && strcmp(own, name) == 0;
}

static bool is_built_in(const struct module_index *index, const char *name)
{
	for (const char *line = index->builtin; *line;) {
		size_t len = strcspn(line, "\n");

		if (is_module(line, len, name))
			return true;
		line += len + (line[len] == '\n');
	}
	return false;
}

/* The line of a module in modules.dep, its length, and that of its file's path. */
static const char *find(const struct module_index *index, const char *name, size_t *len,
                        size_t *path_len)
{
	for (const char *line = index->dep; *line;) {
		*len = strcspn(line, "\n");
		*path_len = strcspn(line, ":\n");
		if (*path_len < *len && is_module(line, *path_len, name))
			return line;
		line += *len + (line[*len] == '\n');
	}
	return NULL;
}

/* A path stays below the kernel's folder; depmod writes no other. */
static bool is_safe(const char *path, size_t len)
{
	return len > 0 && path[0] != '/' && !memmem(path, len, "..", 2);
}

static int add(struct module_list *l, const char *path, size_t len, struct arena *a, struct err *e)
{
	for (unsigned int i = 0; i < l->count; i++) {
		if (strlen(l->path[i]) == len && !memcmp(l->path[i], path, len))
			return 0;
	}
	if (l->count == MODULES_MAX)
		return err_set(e, ERR_SPEC, "more than %d modules are needed", MODULES_MAX);
	if (!is_safe(path, len))
		return err_set(e, ERR_SPEC, "modules.dep: \"%.*s\" is not below its folder",
		               (int)len, path);
	l->path[l->count++] = arena_string(a, path, len);
	return 0;
}

/* The line's dependencies from its end on, then the module itself. */
static int add_line(struct module_list *l, const char *line, size_t len, size_t path_len,
                    struct arena *a, struct err *e)
{
	const char *first = line + path_len + 1, *end = line + len;

	while (end > first) {
		const char *start;

		if (end[-1] == ' ') {
			end--;
			continue;
		}
		start = memrchr(first, ' ', (size_t)(end - first));
		start = start ? start + 1 : first;
		TRY(add(l, start, (size_t)(end - start), a, e));
		end = start;
	}
	return add(l, line, path_len, a, e);
}

static int add_wanted(struct module_list *l, const struct module_index *index,
                      const struct module_wanted *wanted, struct arena *a, struct err *e)
{
	size_t len, path_len;
	const char *line;

	if (is_built_in(index, wanted->name))
		return 0;
	line = find(index, wanted->name, &len, &path_len);
	if (line)
		return add_line(l, line, len, path_len, a, e);
	if (wanted->optional)
		return 0;
	return err_set(e, ERR_SPEC, "the kernel has no module %s, nor is it built in",
	               wanted->name);
}

int modules_resolve(const struct module_index *index, const struct module_wanted *wanted,
                    size_t count, struct arena *a, struct module_list *ret, struct err *e)
{
	struct module_list l = { 0 };

	for (size_t i = 0; i < count; i++) {
		if (!wanted[i].optional || wanted[i].early)
			TRY(add_wanted(&l, index, &wanted[i], a, e));
	}
	l.late = l.count;
	for (size_t i = 0; i < count; i++) {
		if (wanted[i].optional && !wanted[i].early)
			TRY(add_wanted(&l, index, &wanted[i], a, e));
	}
	l.late = l.count - l.late;
	*ret = l;
	return 0;
}
