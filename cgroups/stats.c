/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the files of a group, and what their text says. The kernel makes each file's
 * text in one piece at the first byte (seq_file), so one pread from offset 0 is one
 * consistent state; a text longer than the room loses its end, never half a line.
 *
 * A kernel may add keys and lines, so nothing is expected of a text but its shape.
 */
#include "cgroups/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

enum { TEXT_MAX = 64 << 10, HUGE_SIZES_MAX = 8 };

enum shape { NUMBER, TABLE, LINES, PRESSURE, WORDS };

static const struct {
	const char *name;
	enum shape shape;
} files[METER_FILES] = {
	[METER_MEMORY_CURRENT] = { "memory.current", NUMBER },
	[METER_MEMORY_MAX] = { "memory.max", NUMBER },
	[METER_MEMORY_PEAK] = { "memory.peak", NUMBER },
	[METER_SWAP_CURRENT] = { "memory.swap.current", NUMBER },
	[METER_SWAP_MAX] = { "memory.swap.max", NUMBER },
	[METER_PIDS_CURRENT] = { "pids.current", NUMBER },
	[METER_PIDS_MAX] = { "pids.max", NUMBER },
	[METER_PIDS_PEAK] = { "pids.peak", NUMBER },
	[METER_GROUP_EVENTS] = { "cgroup.events", TABLE },
	[METER_CPU_STAT] = { "cpu.stat", TABLE },
	[METER_MEMORY_STAT] = { "memory.stat", TABLE },
	[METER_MEMORY_EVENTS] = { "memory.events", TABLE },
	[METER_PIDS_EVENTS] = { "pids.events", TABLE },
	[METER_MISC_CURRENT] = { "misc.current", TABLE },
	[METER_IO_STAT] = { "io.stat", LINES },
	[METER_RDMA_CURRENT] = { "rdma.current", LINES },
	[METER_CPU_PRESSURE] = { "cpu.pressure", PRESSURE },
	[METER_MEMORY_PRESSURE] = { "memory.pressure", PRESSURE },
	[METER_IO_PRESSURE] = { "io.pressure", PRESSURE },
	[METER_CPU_MAX] = { "cpu.max", WORDS },
	[METER_CPUS] = { "cpuset.cpus.effective", WORDS },
	[METER_MEMS] = { "cpuset.mems.effective", WORDS },
};

struct meter meter_none(void)
{
	struct meter m = { .group = -1 };

	for (size_t i = 0; i < METER_FILES; i++)
		m.files[i] = -1;
	return m;
}

void meter_close(struct meter *m)
{
	for (size_t i = 0; i < METER_FILES; i++)
		fd_drop(&m->files[i]);
	fd_drop(&m->group);
	if (m->source)
		m->source->close(m->from);
	m->source = NULL;
}

int meter_news(const struct meter *m)
{
	return m->source ? m->source->news(m->from) : -1;
}

const char *meter_file_name(enum meter_file file)
{
	return files[file].name;
}

/* Hands it to the caller, whose scope it now is. */
static struct meter give(struct meter *m)
{
	struct meter given = *m;

	*m = meter_none();
	return given;
}

int meter_open(int cgroup, uint32_t wanted, struct meter *ret, struct err *e)
{
	METER struct meter m = meter_none();

	m.wanted = wanted;
	m.group = cgroup_open_below(cgroup, ".", e);
	TRY(m.group);
	for (size_t i = 0; i < METER_FILES; i++) {
		if (!(wanted & METER_BIT(i)))
			continue;
		m.files[i] = openat(m.group, files[i].name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (m.files[i] < 0 && errno != ENOENT && errno != EACCES && errno != ENODEV)
			return err_sys(e, "open %s", files[i].name);
	}
	*ret = give(&m);
	return 0;
}

/* --- text ---------------------------------------------------------------------------- */

/* The first `most` words of a line, cut into it; how many there were. */
static size_t split(char *line, const char *separators, char **ret, size_t most)
{
	char *rest = NULL;
	size_t n = 0;

	for (char *word = strtok_r(line, separators, &rest); word && n < most;
	     word = strtok_r(NULL, separators, &rest))
		ret[n++] = word;
	return n;
}

static bool number(const char *text, uint64_t *ret)
{
	if (strcmp(text, "max") == 0) {
		*ret = METER_NO_LIMIT;
		return true;
	}
	return num_u64(text, UINT64_MAX, ret) == 0;
}

/* "12.34" as 1234; the kernel prints two digits (kernel/sched/psi.c). */
static bool hundredths(const char *text, uint32_t *ret)
{
	char whole[8];
	size_t length = strcspn(text, ".");
	uint64_t high, low;

	if (length >= sizeof(whole) || strlen(text + length) != strlen(".00"))
		return false;
	memcpy(whole, text, length);
	whole[length] = '\0';
	if (num_u64(whole, 100, &high) < 0 || num_u64(text + length + 1, 99, &low) < 0)
		return false;
	*ret = (uint32_t)(high * 100 + low);
	return true;
}

static size_t count(const char *text, char wanted)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == wanted;
	return n;
}

static const char *keep(struct arena *a, const char *text)
{
	return arena_string(a, text, strlen(text));
}

/* Lines of a key, a blank and a number. */
static struct meter_table parse_table(struct arena *a, char *text)
{
	struct meter_entry *entries = arena_array(a, count(text, '\n') + 1, sizeof(*entries));
	char *rest = NULL, *words[2];
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (split(line, " ", words, LEN(words)) < LEN(words) ||
		    !number(words[1], &entries[n].value))
			continue;
		entries[n++].key = keep(a, words[0]);
	}
	return (struct meter_table){ entries, n };
}

/* The key=number that are left of a line. */
static struct meter_table parse_pairs(struct arena *a, char *text)
{
	struct meter_entry *entries = arena_array(a, count(text, '=') + 1, sizeof(*entries));
	char *rest = NULL;
	size_t n = 0;

	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (number(value, &entries[n].value))
			entries[n++].key = keep(a, word);
	}
	return (struct meter_table){ entries, n };
}

/* Lines of a name and key=number. A device without any is left out. */
static void parse_lines(struct arena *a, enum meter_file file, char *text,
                        struct meter_reading *ret)
{
	struct meter_line *lines = arena_array(a, count(text, '\n') + 1, sizeof(*lines));
	char *rest = NULL;
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *end = strchr(line, ' ');

		if (!end)
			continue;
		*end = '\0';
		lines[n].name = keep(a, line);
		lines[n].values = parse_pairs(a, end + 1);
		n += lines[n].values.n > 0;
	}
	ret->lines[file].v = lines;
	ret->lines[file].n = n;
}

/* "avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static bool parse_stall(char **words, struct meter_stall *ret)
{
	static const char *const keys[] = { "avg10=", "avg60=", "avg300=", "total=" };
	uint32_t *averages[] = { &ret->avg10, &ret->avg60, &ret->avg300 };

	for (size_t i = 0; i < LEN(keys); i++) {
		size_t length = strlen(keys[i]);

		if (strncmp(words[i], keys[i], length) != 0)
			return false;
		if (i < LEN(averages) ? !hundredths(words[i] + length, averages[i])
		                      : !number(words[i] + length, &ret->total))
			return false;
	}
	return true;
}

static struct meter_pressure parse_pressure(char *text)
{
	struct meter_pressure p = { .set = false };
	char *rest = NULL, *words[5];

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (split(line, " ", words, LEN(words)) < LEN(words))
			continue;
		if (strcmp(words[0], "some") == 0)
			p.set = parse_stall(words + 1, &p.some);
		else if (strcmp(words[0], "full") == 0)
			(void)parse_stall(words + 1, &p.full);
	}
	return p;
}

void meter_parse(struct arena *a, enum meter_file file, char *text, struct meter_reading *ret)
{
	switch (files[file].shape) {
	case NUMBER:
		text[strcspn(text, "\n")] = '\0';
		ret->number[file].set = number(text, &ret->number[file].value);
		break;
	case TABLE:
		ret->table[file] = parse_table(a, text);
		break;
	case LINES:
		parse_lines(a, file, text, ret);
		break;
	case PRESSURE:
		ret->pressure[file] = parse_pressure(text);
		break;
	case WORDS:
		ret->words[file] = arena_string(a, text, strcspn(text, "\n"));
		break;
	}
}

bool meter_find(const struct meter_table *t, const char *key, uint64_t *ret)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->v[i].key, key) != 0)
			continue;
		*ret = t->v[i].value;
		return true;
	}
	return false;
}

uint64_t meter_get(const struct meter_table *t, const char *key)
{
	uint64_t value = 0;

	(void)meter_find(t, key, &value);
	return value;
}

/* --- files --------------------------------------------------------------------------- */

/* "hugetlb.2MB.current": its size, of which there is a file each; NULL for another name. */
static const char *huge_size(struct arena *a, const char *name)
{
	static const char begin[] = "hugetlb.", end[] = ".current";
	size_t length = strlen(name), least = strlen(begin) + strlen(end);

	if (length <= least || strncmp(name, begin, strlen(begin)) != 0 ||
	    strcmp(name + length - strlen(end), end) != 0)
		return NULL;
	const char *size = arena_string(a, name + strlen(begin), length - least);
	return strchr(size, '.') ? NULL : size; /* "hugetlb.2MB.rsvd.current" */
}

static uint64_t huge_number(int group, const char *size, const char *suffix)
{
	char name[64], text[64];
	struct err ignored = { 0 };
	uint64_t value = 0;

	(void)snprintf(name, sizeof(name), "hugetlb.%s.%s", size, suffix);
	if (cgroup_file_read(group, name, text, sizeof(text), &ignored) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	/* "max 3": hugetlb.*.events counts what was refused */
	const char *blank = strchr(text, ' ');
	(void)number(blank ? blank + 1 : text, &value);
	return value;
}

static void read_huge(int group, struct arena *a, struct meter_reading *ret)
{
	struct meter_huge *all = arena_array(a, HUGE_SIZES_MAX, sizeof(*all));
	struct err ignored = { 0 };
	int listing = cgroup_open_below(group, ".", &ignored);
	DIR *dir = listing < 0 ? NULL : fdopendir(listing);
	const struct dirent *entry;

	if (!dir) {
		scope_close(&listing);
		return;
	}
	while ((entry = readdir(dir)) && ret->huge_count < HUGE_SIZES_MAX) {
		const char *size = huge_size(a, entry->d_name);

		if (!size)
			continue;
		all[ret->huge_count++] = (struct meter_huge){
			.size = size,
			.current = huge_number(group, size, "current"),
			.max = huge_number(group, size, "max"),
			.failures = huge_number(group, size, "events"),
		};
	}
	(void)closedir(dir);
	ret->huge = all;
}

/* The text that the file has now, whole lines. */
static ssize_t read_text(int fd, char *text, size_t room)
{
	ssize_t n = pread(fd, text, room - 1, 0);

	if (n < 0)
		return n;
	text[n] = '\0';
	if ((size_t)n == room - 1 && strrchr(text, '\n'))
		*strrchr(text, '\n') = '\0';
	return n;
}

static int read_files(const struct meter *m, struct arena *a, struct meter_reading *ret,
                      struct err *e)
{
	char text[TEXT_MAX];

	for (unsigned int i = 0; i < METER_FILES; i++) {
		if (m->files[i] < 0)
			continue;
		ssize_t n = read_text(m->files[i], text, sizeof(text));
		if (n < 0 && errno == ENODEV)
			return 0;                 /* kernfs: its folder was removed */
		if (n < 0 && errno != EOPNOTSUPP) /* PSI that is switched off */
			return err_sys(e, "read %s", files[i].name);
		if (n >= 0)
			meter_parse(a, (enum meter_file)i, text, ret);
	}
	if (m->wanted == METER_ALL)
		read_huge(m->group, a, ret);
	return 1;
}

int meter_read(const struct meter *m, struct arena *a, struct meter_reading *ret, struct err *e)
{
	memset(ret, 0, sizeof(*ret));
	int there = read_files(m, a, ret, e);
	return there >= 0 && m->source ? m->source->read(m->from, there, a, ret, e) : there;
}
