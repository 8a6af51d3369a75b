/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source of the rules: config-linux.md "IntelRdt". The kernel says what it did not like
 * in info/last_cmd_status, which is repeated in our error.
 */
#include "cgroups/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/scope.h"

enum { FILE_MAX = 1 << 20, RESCTRL_MAGIC = 0x7655821 /* linux/magic.h */ };

/* --- what the config asks for --------------------------------------------------------------- */

static bool is_set(const char *text)
{
	return text && *text;
}

static bool is_bandwidth(const char *line)
{
	return strncmp(line, "MB:", 3) == 0;
}

/* Where memBwSchema is given, a line of that kind in the other counts for nothing. */
static const char *limit_lines(struct arena *a, const struct oci_intel_rdt *rdt)
{
	BUF struct buf text = { 0 };
	const char *line = is_set(rdt->l3_cache_schema) ? rdt->l3_cache_schema : "";

	while (*line) {
		size_t len = strcspn(line, "\n");

		if (len > 0 && !(is_set(rdt->mem_bw_schema) && is_bandwidth(line))) {
			buf_add(&text, line, len);
			buf_text(&text, "\n");
		}
		line += len + (line[len] == '\n');
	}
	if (is_set(rdt->mem_bw_schema))
		buf_printf(&text, "%s\n", rdt->mem_bw_schema);
	return arena_string(a, text.data ? text.data : "", text.len);
}

static const char *schemata_lines(struct arena *a, struct oci_strings lines)
{
	BUF struct buf text = { 0 };

	for (size_t i = 0; i < lines.n; i++)
		buf_printf(&text, "%s\n", lines.v[i]);
	return arena_string(a, text.data ? text.data : "", text.len);
}

static int check_name(const char *name, const char *where, struct err *e)
{
	static const char *const taken[] = { "info", "mon_groups", "mon_data" };

	for (size_t i = 0; i < LEN(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return err_set(e, ERR_SPEC, "%s: %s is a folder of resctrl's own", where,
			               name);
	if (strchr(name, '\n'))
		return err_set(e, ERR_SPEC, "%s: resctrl takes no name with a newline", where);
	return 0;
}

int resctrl_group(struct arena *a, const struct oci_intel_rdt *rdt, const char *id,
                  struct resctrl_group *ret, struct err *e)
{
	bool named = is_set(rdt->clos_id);
	const char *class = named ? rdt->clos_id : id;

	if (strcmp(class, "/") == 0)
		class = ".";
	TRY(check_name(class, named ? "linux.intelRdt.closID" : "linux.intelRdt", e));
	*ret = (struct resctrl_group){
		.class = class,
		.limits = limit_lines(a, rdt),
		.schemata = schemata_lines(a, rdt->schemata),
	};
	ret->existing = named && !*ret->limits && !*ret->schemata;
	if (rdt->enable_monitoring.set && rdt->enable_monitoring.value)
		ret->monitor = arena_printf(a, "%s/mon_groups/%s", class, id);
	return 0;
}

/* --- the filesystem --------------------------------------------------------------------------- */

int resctrl_open(struct err *e)
{
	FD int fd = open(RESCTRL_PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == RESCTRL_MAGIC)
		return fd_give(&fd);
	err_set(e, ERR_REFUSED, "no resctrl filesystem is mounted at " RESCTRL_PLACE);
	return err_hint(
		e,
		"the processor must have Intel RDT or AMD QoS: mount -t resctrl resctrl " RESCTRL_PLACE);
}

bool resctrl_is_mounted(void)
{
	struct err ignored = { 0 };
	FD int fd = resctrl_open(&ignored);

	return fd >= 0;
}

/* The kernel's own words about the last write, which end with a newline; "ok" is none. */
static int explain(int root, struct err *e)
{
	BUF struct buf words = { 0 };
	struct err ignored = { 0 };

	if (fd_read_file(root, "info/last_cmd_status", FILE_MAX, &words, &ignored) < 0 ||
	    words.len == 0 || strncmp(words.data, "ok", 2) == 0)
		return -1;
	return err_hint(e, "the kernel says: %.*s", (int)strcspn(words.data, "\n"), words.data);
}

static int write_file(int root, const char *folder, const char *file, const char *text,
                      struct err *e)
{
	char path[4200];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	FD int fd = openat(root, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "linux.intelRdt: open " RESCTRL_PLACE "/%s", path);
	if (fd_write_all(fd, text, strlen(text), path, e) < 0) {
		(void)err_in(e, "linux.intelRdt: " RESCTRL_PLACE);
		return explain(root, e);
	}
	return 0;
}

/* --- comparing -------------------------------------------------------------------------------- */

/* The next "DOMAIN=VALUE" of a line; false at its end. */
static bool next_entry(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	while (*at < end && (**at == ';' || **at == ' '))
		(*at)++;
	if (*at == end)
		return false;
	*ret = *at;
	while (*at < end && **at != ';')
		(*at)++;
	*ret_len = (size_t)(*at - *ret);
	return true;
}

/* The same domain and value; leading zeros and case say nothing. */
static bool same_entry(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const char *a_value = memchr(a, '=', a_len), *b_value = memchr(b, '=', b_len);

	if (!a_value || !b_value || a_value - a != b_value - b ||
	    memcmp(a, b, (size_t)(a_value - a)) != 0)
		return false;
	for (a_value++; a_value < a + a_len - 1 && *a_value == '0'; a_value++)
		;
	for (b_value++; b_value < b + b_len - 1 && *b_value == '0'; b_value++)
		;
	size_t len = (size_t)(a + a_len - a_value);

	return len == (size_t)(b + b_len - b_value) && strncasecmp(a_value, b_value, len) == 0;
}

/* Behind the name of the line's resource; NULL: it has none. */
static const char *entries_of(const char *line, const char *end)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));

	return colon ? colon + 1 : NULL;
}

static bool has_entry(const char *line, const char *end, const char *entry, size_t len)
{
	const char *at = entries_of(line, end), *there;
	size_t there_len;

	while (at && next_entry(&at, end, &there, &there_len))
		if (same_entry(entry, len, there, there_len))
			return true;
	return false;
}

/* The file's line for the resource that `wanted` names; NULL: there is none. */
static const char *line_of(const char *text, const char *wanted, size_t name_len)
{
	while (*text) {
		text += strspn(text, " ");
		if (strncmp(text, wanted, name_len) == 0 && text[name_len] == ':')
			return text;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

static bool line_holds(const char *text, const char *line, const char *end)
{
	const char *at = entries_of(line, end), *entry;
	const char *there = at ? line_of(text, line, (size_t)(at - 1 - line)) : NULL;
	size_t len;

	while (there && next_entry(&at, end, &entry, &len))
		if (!has_entry(there, there + strcspn(there, "\n"), entry, len))
			return false;
	return there != NULL;
}

/* A text that ends with a zero byte. */
static int read_schemata(int root, const char *class, struct buf *ret, struct err *e)
{
	char path[4200];

	(void)snprintf(path, sizeof(path), "%s/schemata", class);
	if (fd_read_file(root, path, FILE_MAX, ret, e) < 0)
		return err_in(e, "linux.intelRdt: " RESCTRL_PLACE);
	buf_add(ret, "", 1);
	return buf_ok(ret, e);
}

static int compare(int root, const struct resctrl_group *g, struct err *e)
{
	BUF struct buf text = { 0 };

	TRY(read_schemata(root, g->class, &text, e));
	for (const char *line = g->limits; *line;) {
		const char *end = line + strcspn(line, "\n");

		if (!line_holds(text.data, line, end))
			return err_set(e, ERR_STATE,
			               "linux.intelRdt: the class %s exists, and its schemata do "
			               "not have %.*s",
			               g->class, (int)(end - line), line);
		line = end + (*end == '\n');
	}
	return 0;
}

/* --- making ----------------------------------------------------------------------------------- */

static bool exists(int root, const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* *ret_made: it was not there before. */
static int make_folder(int root, const char *path, resctrl_note *note, void *context,
                       bool *ret_made, struct err *e)
{
	*ret_made = false;
	if (exists(root, path))
		return 0;
	TRY(note(context, path, e));
	if (mkdirat(root, path, 0755) == 0) {
		*ret_made = true;
		return 0;
	}
	int why = errno;
	TRY(note(context, "", e));
	if (why == EEXIST)
		return 0;
	errno = why;
	(void)err_sys(e, "linux.intelRdt: mkdir " RESCTRL_PLACE "/%s", path);
	if (why == ENOSPC)
		return err_hint(e, "the processor has no class or monitor left");
	return explain(root, e);
}

static int make_monitor(int root, const struct resctrl_group *g, bool noted, resctrl_note *note,
                        void *context, struct err *e)
{
	bool made = false;

	if (!g->monitor)
		return 0;
	if (!noted) {
		TRY(make_folder(root, g->monitor, note, context, &made, e));
	} else { /* it goes with the class */
		made = mkdirat(root, g->monitor, 0755) == 0;
		if (!made && errno != EEXIST) {
			(void)err_sys(e, "linux.intelRdt: mkdir " RESCTRL_PLACE "/%s", g->monitor);
			return explain(root, e);
		}
	}
	if (made)
		return 0;
	return err_set(e, ERR_STATE, "linux.intelRdt: the monitoring group %s exists", g->monitor);
}

int resctrl_make(int root, const struct resctrl_group *g, resctrl_note *note, void *context,
                 struct err *e)
{
	bool made = false;

	if (!g->existing)
		TRY(make_folder(root, g->class, note, context, &made, e));
	else if (!exists(root, g->class))
		return err_set(e, ERR_STATE,
		               "linux.intelRdt.closID: there is no class %s, and nothing says what "
		               "its limits would be",
		               g->class);
	if (*g->limits)
		TRY(made ? write_file(root, g->class, "schemata", g->limits, e)
		         : compare(root, g, e));
	if (*g->schemata)
		TRY(write_file(root, g->class, "schemata", g->schemata, e));
	return make_monitor(root, g, made, note, context, e);
}

int resctrl_change(struct arena *a, int root, const char *class, const struct oci_intel_rdt *rdt,
                   const char **ret_before, struct err *e)
{
	BUF struct buf text = { 0 };

	TRY(read_schemata(root, class, &text, e));
	TRY(write_file(root, class, "schemata", limit_lines(a, rdt), e));
	*ret_before = arena_string(a, text.data, text.len - 1);
	return 0;
}

void resctrl_restore(int root, const char *class, const char *before)
{
	struct err ignored = { 0 };

	/* what held a moment ago is no news to the kernel, and there is nobody left to tell */
	(void)!write_file(root, class, "schemata", before, &ignored);
}

/* The class first: a monitor takes only its own class's tasks. */
int resctrl_join(int root, const struct resctrl_group *g, pid_t pid, struct err *e)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	TRY(write_file(root, g->class, "tasks", text, e));
	return g->monitor ? write_file(root, g->monitor, "tasks", text, e) : 0;
}

/* Others may have joined a class that has a name. Whoever is dead is nobody. */
static bool is_inhabited(int root, const char *path)
{
	BUF struct buf text = { 0 };
	struct err ignored = { 0 };
	char tasks[4200];

	(void)snprintf(tasks, sizeof(tasks), "%s/tasks", path);
	if (fd_read_file(root, tasks, FILE_MAX, &text, &ignored) < 0)
		return false;
	for (size_t at = 0; at < text.len;) {
		size_t len = strcspn(text.data + at, "\n");
		char digits[16];
		uint64_t pid;
		struct proc_stat stat;

		(void)snprintf(digits, sizeof(digits), "%.*s", (int)len, text.data + at);
		ignored = (struct err){ 0 };
		if (num_u64(digits, INT32_MAX, &pid) == 0 &&
		    proc_stat((pid_t)pid, &stat, &ignored) == 0)
			return true;
		at += len + 1;
	}
	return false;
}

int resctrl_remove(int root, const char *path, struct err *e)
{
	if (is_inhabited(root, path) || unlinkat(root, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return err_sys(e, "remove " RESCTRL_PLACE "/%s", path);
}
