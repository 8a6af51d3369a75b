/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of the container. Init stands in the container's root when this runs
 * (chroot, and the working folder is that root), so no path leads to the host
 * whatever the image holds; RESOLVE_IN_ROOT keeps ".." inside while others rename
 * folders, and magic links are never followed.
 *
 * A missing target is made from the last folder that exists, one part at a time,
 * each opened without following links: what appears meanwhile is not walked
 * through. A link that leads to nothing is replaced by what it says and looked up
 * again, because images ship such links (/etc/resolv.conf, /var/run) and expect
 * their end to be made.
 */
#include "runtime/launch/init/target.h"

#include "runtime/launch/init/report.h"
#include "runtime/launch/init/string.h"

enum {
	ROOM = 4096,    /* PATH_MAX */
	LINKS_MAX = 40, /* as the kernel's own limit, path_resolution(7) */
	FOLDER_MODE = 0755,
	FILE_MODE = 0644,
};

/* The folder that the last thing was made in: the next is often made there, too. What is
 * mounted on something that was there already may cover it, so that makes us forget it. */
static struct {
	const char *path; /* its first `length` bytes name the folder */
	size_t length;
	int fd;
} parent = { .fd = -1 };

static bool is_parent(const char *path, size_t length)
{
	return parent.fd >= 0 && parent.length == length && memcmp(parent.path, path, length) == 0;
}

static uint64_t resolve(const struct target *target)
{
	return RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (target->plain ? RESOLVE_NO_SYMLINKS : 0);
}

static long look_up(const char *path, const struct target *target)
{
	uint64_t flags =
		O_PATH | (target->plain ? O_DIRECTORY : 0) | (target->nofollow ? O_NOFOLLOW : 0);
	long fd = sys_openat2(AT_FDCWD, path, flags, resolve(target));

	if (target->plain && (fd == -ELOOP || fd == -ENOTDIR))
		fail(CHECK_NOT_FOLDER, 0, path);
	return fd;
}

/* The first part of *rest, cut out with NUL; *rest moves behind it. NULL at the end. */
static char *next_part(char **rest)
{
	char *part = *rest, *end;

	while (*part == '/')
		part++;
	if (!*part)
		return NULL;
	for (end = part; *end && *end != '/'; end++)
		;
	*rest = end;
	if (*end)
		*(*rest)++ = '\0';
	return part;
}

static bool is_last(const char *rest)
{
	while (*rest == '/')
		rest++;
	return !*rest;
}

static bool wants_file(const struct target *target)
{
	struct stat st;

	if (target->kind != TARGET_LIKE)
		return target->kind == TARGET_FILE;
	must(sys_fstat(target->like, &st), CALL_STAT, NULL);
	return (st.st_mode & S_IFMT) != S_IFDIR;
}

/* Makes one part and opens it. -EEXIST when something is there that is not it. */
static long make_part(int folder, const char *name, bool last, const struct target *target)
{
	bool file = last && wants_file(target);
	unsigned int mode = last && target->mode ? target->mode : FOLDER_MODE;
	long made;

	if (text_equal(name, "..")) /* of a folder that did not exist */
		return -ENOENT;
	made = file ? sys_mknodat(folder, name, S_IFREG | FILE_MODE, 0)
	            : sys_mkdirat(folder, name, mode);
	if (made < 0)
		return made;
	return sys_openat2(folder, name, O_PATH | (file ? 0 : O_DIRECTORY),
	                   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* `prefix`/`name` is a link to nothing: path becomes what it says, then `rest`. */
static long expand_link(int folder, const char *prefix, const char *name, const char *rest,
                        char *path)
{
	static char link[ROOM], joined[ROOM];
	struct text t = text_in(joined, ROOM);
	long length = sys_readlinkat(folder, name, link, ROOM - 1);

	if (length < 0)
		return length == -EINVAL ? -EEXIST : length;
	link[length] = '\0';
	if (link[0] != '/') {
		text_add(&t, prefix);
		text_add(&t, "/");
	}
	text_add(&t, link);
	text_add(&t, "/");
	text_add(&t, rest);
	if (t.cut)
		return -ENAMETOOLONG;
	memcpy(path, joined, t.length + 1);
	return 0;
}

/* Splits path at the end of its longest part that exists: opens that part, leaves
 * its text in path and the start of what is missing in *ret_rest. */
static long existing(char *path, char **ret_rest, const struct target *target)
{
	const struct target folder = { .plain = target->plain };
	size_t end = text_length(path);

	for (;;) {
		long fd;

		while (end && path[end - 1] == '/')
			end--;
		while (end && path[end - 1] != '/')
			end--;
		if (!end) {
			*ret_rest = path;
			return sys_openat2(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
		}
		if (!target->plain && is_parent(path, end - 1)) {
			path[end - 1] = '\0';
			*ret_rest = path + end;
			return parent.fd;
		}
		path[end - 1] = '\0';
		fd = end == 1 ? sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0)
		              : look_up(path, &folder);
		if (fd != -ENOENT) {
			*ret_rest = path + end;
			return fd;
		}
		path[end - 1] = '/';
	}
}

/* One try: the target's descriptor, or -EAGAIN after a link was put into path. */
static long make_once(char *path, const struct target *target)
{
	char *rest, *part;
	long fd = existing(path, &rest, target);
	bool first = true;

	if (fd >= 0 && rest != path) {
		parent.length = text_length(path);
		parent.fd = (int)fd;
	}
	while (fd >= 0 && (part = next_part(&rest))) {
		long made;

		if (text_equal(part, "."))
			continue;
		made = make_part((int)fd, part, is_last(rest), target);
		if (made == -EEXIST && first) {
			made = target->plain ? -ELOOP
			                     : expand_link((int)fd, path, part, rest, path);
			return made < 0 ? made : -EAGAIN;
		}
		first = false;
		fd = made;
	}
	return fd;
}

static long make(const char *path, const struct target *target)
{
	static char copy[ROOM];
	struct text t = text_in(copy, ROOM);
	long fd = -EAGAIN;

	text_add(&t, path);
	if (t.cut)
		return -ENAMETOOLONG;
	for (unsigned int i = 0; i < LINKS_MAX && fd == -EAGAIN; i++) {
		fd = make_once(copy, target);
		parent.path = path;
		if (i > 0 || fd < 0)
			target_forget(); /* it is where a link leads */
		if (fd == -EAGAIN) {
			fd = look_up(copy, target);
			if (fd == -ENOENT)
				fd = -EAGAIN;
		}
	}
	return fd == -EAGAIN ? -ELOOP : fd;
}

/* Where the last thing had to be made, this one is most likely missing, too. Else, whatever
 * the reason, it is looked for as any other. */
static long make_beside(const char *path, const struct target *target)
{
	const char *slash = text_last_slash(path);

	if (!slash || target->plain || !is_parent(path, (size_t)(slash - path)))
		return -ENOENT;
	return make_part(parent.fd, slash + 1, true, target);
}

int target_open_or_make(const char *path, const struct target *target, bool *ret_made)
{
	long fd = make_beside(path, target);

	*ret_made = fd >= 0;
	if (*ret_made)
		return (int)fd;
	fd = look_up(path, target);
	*ret_made = fd == -ENOENT;
	if (fd >= 0)
		target_forget();
	if (fd == -ENOENT) {
		fd = make(path, target);
		if (fd == -ELOOP && target->plain)
			fail(CHECK_NOT_FOLDER, 0, path);
		if (fd < 0)
			fail(wants_file(target) ? CALL_OPEN : CALL_MKDIR, -fd, path);
	}
	return (int)must(fd, CALL_OPEN, path);
}

int target_open(const char *path, const struct target *target)
{
	bool made;

	return target_open_or_make(path, target, &made);
}

int target_find(const char *path)
{
	long fd = sys_openat2(AT_FDCWD, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);

	return fd == -ENOENT ? -1 : (int)must(fd, CALL_OPEN, path);
}

void target_forget(void)
{
	parent.fd = -1;
}

int target_parent(const char *path, const char **ret_name)
{
	static const struct target folder = { .kind = TARGET_FOLDER };
	static char name[ROOM];
	const char *slash = text_last_slash(path);
	size_t length = slash ? (size_t)(slash - path) : 0;
	struct text t = text_in(name, ROOM);

	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name)
		fail(CALL_OPEN, EISDIR, path);
	if (is_parent(path, length))
		return parent.fd;
	text_add_bytes(&t, path, length);
	if (!length)
		text_add(&t, "/");
	if (t.cut)
		fail(CALL_OPEN, ENAMETOOLONG, path);
	parent.fd = target_open(name, &folder);
	parent.path = path;
	parent.length = length;
	return parent.fd;
}
