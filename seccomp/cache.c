/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters compiled before. A wrong filter would be a hole in a container, so nothing
 * in a file is believed: it must be a plain file of ours that nobody else may write,
 * have the expected size, hold the very key, and a sum of all that must fit.
 *
 * The key spells out the meaning of the profile (its flags and listener are not in the
 * filter) and who compiles it; each part of it is counted, ends with a NUL, or has a
 * fixed size, so that two profiles never look the same. A hash of it names the file. No
 * more hangs on the hash: who finds two profiles with the same one makes them take turns
 * in one file, and never gets one's filter for the other. So it may be a cheap one.
 *
 * Files are written under a name of their own and renamed, so two writers at once each
 * leave a whole file. Their number is bounded when one is written: the oldest go.
 */
#include "seccomp/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

/* Raise it whenever filter.c compiles a profile differently. */
#define CACHE_VERSION 6u

enum {
	NAME_HEX = 16,     /* name of a file: its key's hash */
	LISTED_MAX = 4096, /* files looked at when the folder is tidied */
	DROPPED = 16,      /* removed beyond what is too much, to tidy seldom */
};

/* After it come the key and the instructions. */
struct head {
	char magic[8];
	uint32_t version, length; /* instructions */
	uint64_t key_bytes, sum;
};

static const char magic[8] = "csnscmp";

/* --- the key ---------------------------------------------------------------------- */

/* FNV-1a over whole words: each step is one to one, so that no flipped bit is lost. */
static uint64_t add_words(uint64_t sum, const void *data, size_t bytes)
{
	const unsigned char *next = data;

	for (size_t i = 0; i + sizeof(uint64_t) <= bytes; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, next + i, sizeof(word));
		sum = (sum ^ word) * UINT64_C(0x100000001b3);
	}
	return sum;
}

/* The names of most profiles fit into the first room; a larger one begins anew. */
enum { KEY_ROOM = 8192 };

struct key_writer {
	unsigned char *to;
	size_t len, room;
	bool full; /* there was no room for all */
};

static inline void put_number(struct key_writer *w, uint64_t number)
{
	if (w->room - w->len < sizeof(number)) {
		w->full = true;
		return;
	}
	memcpy(w->to + w->len, &number, sizeof(number));
	w->len += sizeof(number);
}

/* With its NUL. Names are short: byte by byte is quicker than to look for the end first. */
static void put_text(struct key_writer *w, const char *text)
{
	unsigned char *to = w->to;
	size_t at = w->len, room = w->room;
	char c = ' ';

	while (at < room && c != '\0') {
		c = *text++;
		to[at++] = (unsigned char)c;
	}
	w->len = at;
	if (c != '\0')
		w->full = true;
}

static void put_texts(struct key_writer *w, const struct oci_strings *texts)
{
	put_number(w, texts->n);
	for (size_t i = 0; i < texts->n; i++)
		put_text(w, texts->v[i]);
}

static void put_errno(struct key_writer *w, struct opt_u32 number)
{
	put_number(w, number.set);
	put_number(w, number.set ? number.value : 0);
}

static void put_rule(struct key_writer *w, const struct oci_seccomp_rule *rule)
{
	put_texts(w, &rule->names);
	put_number(w, rule->action);
	put_errno(w, rule->errno_ret);
	put_number(w, rule->arg_count);
	for (size_t i = 0; i < rule->arg_count; i++) {
		put_number(w, rule->args[i].index);
		put_number(w, rule->args[i].op);
		put_number(w, rule->args[i].value);
		put_number(w, rule->args[i].value_two);
	}
}

static void put_key(struct key_writer *w, const struct oci_seccomp *profile,
                    const struct filter_maker *maker)
{
	put_number(w, CACHE_VERSION);
	put_number(w, maker->native_arch);
	for (size_t i = 0; i < LEN(maker->version); i++)
		put_number(w, maker->version[i]);
	put_text(w, maker->kernel.release);
	put_text(w, maker->kernel.version);
	put_number(w, profile->default_action);
	put_errno(w, profile->default_errno_ret);
	put_texts(w, &profile->architectures);
	put_number(w, profile->rule_count);
	for (size_t i = 0; i < profile->rule_count; i++)
		put_rule(w, &profile->rules[i]);
}

void cache_key(struct arena *a, const struct oci_seccomp *profile, const struct filter_maker *maker,
               struct cache_key *ret)
{
	struct key_writer w = { .full = true };

	for (size_t room = KEY_ROOM; w.full; room *= 2) {
		w = (struct key_writer){ .to = arena_new(a, room), .room = room };
		put_key(&w, profile, maker);
	}
	/* zeros up to a whole word: a room is a number of them */
	w.len = (w.len + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
	*ret = (struct cache_key){ .bytes = w.to,
		                   .len = w.len,
		                   .hash = add_words(UINT64_C(0xcbf29ce484222325), w.to, w.len) };
}

/* Both are a whole number of words. */
static bool same_words(const void *a, const void *b, size_t bytes)
{
	const unsigned char *left = a, *right = b;
	uint64_t differ = 0;

	for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
		uint64_t x, y;

		memcpy(&x, left + i, sizeof(x));
		memcpy(&y, right + i, sizeof(y));
		differ |= x ^ y;
	}
	return differ == 0;
}

static void file_name(const struct cache_key *key, char ret[NAME_HEX + 1])
{
	(void)snprintf(ret, NAME_HEX + 1, "%016" PRIx64, key->hash);
}

/* Tells a damaged file. That nobody else writes here is for its owner and mode to say. */
static uint64_t checksum(const struct cache_key *key, const struct filter *filter)
{
	return add_words(key->hash, filter->v, filter->n * sizeof(*filter->v));
}

/* --- reading ---------------------------------------------------------------------- */

/* The file's size, or 0 when it is not one that we may believe. */
static size_t believable_size(int fd, size_t before_filter)
{
	const size_t max = before_filter + BPF_MAXINSNS * sizeof(struct sock_filter);
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;

	size_t size = (size_t)st.st_size;
	if (size <= before_filter || size > max ||
	    (size - before_filter) % sizeof(struct sock_filter) != 0)
		return 0;
	return size;
}

bool cache_load(struct arena *a, int dir, const struct cache_key *key, struct filter *ret)
{
	const size_t before_filter = sizeof(struct head) + key->len;
	char name[NAME_HEX + 1];
	struct head head;

	file_name(key, name);
	/* not blocking: a fifo must not hold us before fstat sees that it is one */
	FD int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;

	size_t size = believable_size(fd, before_filter);
	if (size == 0)
		return false;
	unsigned char *content = arena_new(a, size);
	if (read(fd, content, size) != (ssize_t)size)
		return false;

	memcpy(&head, content, sizeof(head));
	struct filter filter = { .v = (const struct sock_filter *)(const void *)(content +
		                                                                 before_filter),
		                 .n = (size - before_filter) / sizeof(struct sock_filter) };
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.version != CACHE_VERSION ||
	    head.length != filter.n || head.key_bytes != key->len ||
	    !same_words(content + sizeof(head), key->bytes, key->len))
		return false;
	if (head.sum != checksum(key, &filter))
		return false;
	*ret = filter;
	return true;
}

/* --- writing ---------------------------------------------------------------------- */

struct listed {
	struct timespec changed;
	char name[NAME_HEX + 32];
};

static int compare_age(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	return (x->changed.tv_nsec > y->changed.tv_nsec) -
	       (x->changed.tv_nsec < y->changed.tv_nsec);
}

/* Our files alone: names that begin with a key. Those of writers that died count too. */
static bool is_ours(const char *name)
{
	return strspn(name, "0123456789abcdef") == NAME_HEX &&
	       strlen(name) < sizeof(((struct listed *)0)->name);
}

static size_t list_files(int dir, struct listed *files)
{
	int listing = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = listing < 0 ? NULL : fdopendir(listing);
	const struct dirent *entry;
	size_t count = 0;

	if (!stream) {
		scope_close(&listing);
		return 0;
	}
	while (count < LISTED_MAX && (entry = readdir(stream)) != NULL) {
		struct stat st;

		if (!is_ours(entry->d_name) ||
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		files[count].changed = st.st_mtim;
		(void)snprintf(files[count].name, sizeof(files[count].name), "%s", entry->d_name);
		count++;
	}
	(void)closedir(stream);
	return count;
}

/* Drops the oldest files when there are too many. */
static void tidy(int dir)
{
	struct listed *files = calloc(LISTED_MAX, sizeof(*files));
	size_t count = files ? list_files(dir, files) : 0;

	if (count > CACHE_FILES_MAX) {
		qsort(files, count, sizeof(*files), compare_age);
		for (size_t i = 0; i < count - CACHE_FILES_MAX + DROPPED; i++)
			(void)unlinkat(dir, files[i].name, 0);
	}
	free(files);
}

void cache_store(int dir, const struct cache_key *key, const struct filter *filter)
{
	char name[NAME_HEX + 1], tmp[sizeof(((struct listed *)0)->name)];
	struct head head = { .version = CACHE_VERSION,
		             .length = (uint32_t)filter->n,
		             .key_bytes = key->len,
		             .sum = checksum(key, filter) };
	struct err ignored = { 0 };
	uint64_t unique;

	if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
		return;
	file_name(key, name);
	(void)snprintf(tmp, sizeof(tmp), "%s.%016llx", name, (unsigned long long)unique);
	memcpy(head.magic, magic, sizeof(magic));

	FD int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (fd_write_all(fd, &head, sizeof(head), tmp, &ignored) < 0 ||
	    fd_write_all(fd, key->bytes, key->len, tmp, &ignored) < 0 ||
	    fd_write_all(fd, filter->v, filter->n * sizeof(*filter->v), tmp, &ignored) < 0 ||
	    renameat(dir, tmp, dir, name) < 0)
		(void)unlinkat(dir, tmp, 0);
	tidy(dir);
}
