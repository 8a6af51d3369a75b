/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a folder of the image holds, copied into the empty tmpfs that will cover it
 * (tmpcopyup). The tmpfs is not attached yet, so nobody sees it half-full.
 *
 * The tree is the image author's: each part is opened from the folder that it lies
 * in, without following a link, and what is opened counts, not what a look at its
 * name said before. Links are copied as links. What is mounted below the folder is
 * not its content: an empty place is left for it. Depth is bounded here, number and
 * size by the tmpfs itself.
 *
 * Owner, mode, times and extended attributes are kept, in an order in which no step
 * undoes an earlier one: content, owner (which drops set-id bits and capabilities),
 * mode, attributes, times. An owner that has no id in this user namespace cannot be
 * kept. Names that were links to the same file become files of their own.
 */
#include "runtime/launch/init/copy_up.h"

#include "runtime/launch/init/report.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum {
	DEPTH_MAX = 100,     /* folders; each has two descriptors open */
	ENTRIES_ROOM = 2048, /* of one folder, read at once */
	ATTRIBUTES_ROOM = 4096,
	PATH_ROOM = 4096,
	CHUNK = 1 << 30,
};

static const uint64_t one_name =
	RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;

static char path_buffer[PATH_ROOM];
static struct text path; /* of what is being copied, for errors */

static long ok(long result)
{
	return must(result, CALL_COPY, path_buffer);
}

/* --- what is kept of one file ---------------------------------------------------------- */

/* Labels come from the mount and signatures from whoever has the key; trusted ones
 * belong to the filesystem below. */
static bool is_kept(const char *name)
{
	return text_equal(name, "security.capability") || text_begins(name, "user.") ||
	       text_begins(name, "system.posix_acl_");
}

/* A tmpfs without ACLs or user attributes has no place for them. */
static void copy_attributes(int from, int to)
{
	static char names[ATTRIBUTES_ROOM], value[ATTRIBUTES_ROOM];
	long length = sys_flistxattr(from, names, sizeof(names));

	for (long at = 0; at < length; at += (long)text_length(names + at) + 1) {
		const char *name = names + at;
		long size, result;

		if (!is_kept(name))
			continue;
		size = ok(sys_fgetxattr(from, name, value, sizeof(value)));
		result = sys_fsetxattr(to, name, value, (size_t)size);
		if (result != -EOPNOTSUPP)
			ok(result);
	}
	if (length != -EOPNOTSUPP)
		ok(length);
}

static void copy_owner(int folder, const char *name, const struct stat *st, int flags)
{
	long result = sys_fchownat(folder, name, st->st_uid, st->st_gid, flags);

	if (result != -EINVAL)
		ok(result);
}

static void copy_times(int folder, const char *name, const struct stat *st, int flags)
{
	const struct __kernel_timespec times[2] = {
		{ .tv_sec = (int64_t)st->st_atime, .tv_nsec = (int64_t)st->st_atime_nsec },
		{ .tv_sec = (int64_t)st->st_mtime, .tv_nsec = (int64_t)st->st_mtime_nsec },
	};

	ok(sys_utimensat(folder, name, times, flags));
}

/* --- files --------------------------------------------------------------------------- */

/* The parts with content, one after another: holes stay holes, since a file of the
 * image may be larger than any memory. */
static void copy_content(int from, int to, long size)
{
	long start = 0, end;

	ok(sys_ftruncate(to, size));
	while ((start = sys_lseek(from, start, SYS_SEEK_DATA)) >= 0) {
		end = ok(sys_lseek(from, start, SYS_SEEK_HOLE));
		ok(sys_lseek(from, start, 0));
		ok(sys_lseek(to, start, 0));
		while (start < end) {
			long left = end - start;
			long sent = ok(sys_sendfile(to, from, left < CHUNK ? (size_t)left : CHUNK));

			if (sent == 0)
				return; /* it was cut short meanwhile */
			start += sent;
		}
	}
	if (start != -ENXIO)
		ok(start);
}

static void copy_file(int from_folder, int to_folder, const char *name)
{
	/* O_NONBLOCK: it may have become a fifo since it was looked at */
	long opened = sys_openat2(from_folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, one_name);
	struct stat st;
	int from, to;

	ok(sys_mknodat(to_folder, name, S_IFREG | 0600, 0));
	if (opened == -EXDEV)
		return; /* something is mounted on it */
	from = (int)ok(opened);
	ok(sys_fstat(from, &st));
	if (!S_ISREG(st.st_mode))
		fail(CALL_COPY, ESTALE, path_buffer);
	to = (int)ok(sys_openat2(to_folder, name, O_WRONLY, one_name));
	copy_content(from, to, (long)st.st_size);
	copy_owner(to, "", &st, AT_EMPTY_PATH);
	ok(sys_fchmod(to, st.st_mode & 07777));
	copy_attributes(from, to);
	copy_times(to, NULL, &st, 0);
	(void)sys_close(to);
	(void)sys_close(from);
}

static void copy_link(int from_folder, int to_folder, const char *name, const struct stat *st)
{
	static char link[PATH_ROOM];
	long length = ok(sys_readlinkat(from_folder, name, link, sizeof(link) - 1));

	link[length] = '\0';
	ok(sys_symlinkat(link, to_folder, name));
	copy_owner(to_folder, name, st, AT_SYMLINK_NOFOLLOW);
	copy_times(to_folder, name, st, AT_SYMLINK_NOFOLLOW);
}

/* Devices, sockets and fifos. */
static void copy_node(int to_folder, const char *name, const struct stat *st)
{
	ok(sys_mknodat(to_folder, name, st->st_mode, (unsigned int)st->st_rdev));
	copy_owner(to_folder, name, st, AT_SYMLINK_NOFOLLOW);
	copy_times(to_folder, name, st, AT_SYMLINK_NOFOLLOW);
}

/* --- folders --------------------------------------------------------------------------- */

static void copy_folder(int from, int to, unsigned int depth);

static void copy_subfolder(int from_folder, int to_folder, const char *name, unsigned int depth)
{
	long from = sys_openat2(from_folder, name, O_RDONLY | O_DIRECTORY, one_name);
	struct stat st;
	int to;

	ok(sys_mkdirat(to_folder, name, 0700));
	if (from == -EXDEV)
		return; /* something is mounted there */
	ok(from);
	to = (int)ok(sys_openat2(to_folder, name, O_RDONLY | O_DIRECTORY, one_name));
	ok(sys_fstat((int)from, &st));
	copy_folder((int)from, to, depth + 1);
	copy_owner(to, "", &st, AT_EMPTY_PATH);
	ok(sys_fchmod(to, st.st_mode & 07777));
	copy_attributes((int)from, to);
	copy_times(to, NULL, &st, 0);
	(void)sys_close(to);
	(void)sys_close((int)from);
}

static void copy_entry(int from, int to, const char *name, unsigned int depth)
{
	struct stat st;

	ok(sys_newfstatat(from, name, &st, AT_SYMLINK_NOFOLLOW));
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		copy_subfolder(from, to, name, depth);
		break;
	case S_IFREG:
		copy_file(from, to, name);
		break;
	case S_IFLNK:
		copy_link(from, to, name, &st);
		break;
	default:
		copy_node(to, name, &st);
	}
}

static void copy_folder(int from, int to, unsigned int depth)
{
	char entries[ENTRIES_ROOM] __attribute__((aligned(8)));
	size_t length = path.length;
	long end;

	if (depth > DEPTH_MAX)
		fail(CALL_COPY, ENAMETOOLONG, path_buffer);
	while ((end = ok(sys_getdents(from, entries, sizeof(entries)))) > 0) {
		for (long at = 0; at < end;) {
			const struct sys_entry *entry = (const void *)(entries + at);

			at += entry->size;
			if (text_equal(entry->name, ".") || text_equal(entry->name, ".."))
				continue;
			text_add(&path, "/");
			text_add(&path, entry->name);
			copy_entry(from, to, entry->name, depth);
			text_cut(&path, length);
		}
	}
}

void copy_up(int folder, int tree, bool owner, const char *name)
{
	int from = (int)must(sys_openat2(folder, ".", O_RDONLY | O_DIRECTORY, one_name), CALL_OPEN,
	                     name);
	int to = (int)must(sys_openat2(tree, ".", O_RDONLY | O_DIRECTORY, one_name), CALL_OPEN,
	                   name);
	struct stat st;

	path = text_in(path_buffer, sizeof(path_buffer));
	text_add(&path, name);
	ok(sys_fstat(from, &st));
	copy_folder(from, to, 0);
	if (owner)
		copy_owner(to, "", &st, AT_EMPTY_PATH);
	copy_attributes(from, to);
	copy_times(to, NULL, &st, 0);
	(void)sys_close(to);
	(void)sys_close(from);
}
