/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes, by name:
 *
 *	user.*                 as it is, but for user.caisson.*, which is ours
 *	security.capability    as it is
 *	trusted.*              the host's user.caisson.trusted.*: the guest's root may have its
 *	                       own without touching what the host trusts
 *	all else               not supported; ACLs among it, since nothing would enforce them
 *
 * They are set on a descriptor, so on what can be opened: regular files and folders.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/scope.h"
#include "vm-sandbox/fs_internal.h"

#define OURS    "user.caisson."
#define MAPPED  "user.caisson.trusted."
#define TRUSTED "trusted."

enum { XATTR_NAME_ROOM = 256, XATTR_VALUE_MAX = 64 << 10 };

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The host's name for a guest's; false when there is none. */
static bool to_host(const char *name, char ret[XATTR_NAME_ROOM])
{
	int len;

	if (begins(name, TRUSTED))
		len = snprintf(ret, XATTR_NAME_ROOM, "%s%s", MAPPED, name + strlen(TRUSTED));
	else if ((begins(name, "user.") && !begins(name, OURS)) ||
	         !strcmp(name, "security.capability"))
		len = snprintf(ret, XATTR_NAME_ROOM, "%s", name);
	else
		return false;
	return len < XATTR_NAME_ROOM;
}

/* The attribute's host name and a descriptor of the inode's file. */
static int open_for(struct fs_call *c, char host[XATTR_NAME_ROOM])
{
	const char *name = fs_text(c, FS_NAME_MAX);

	if (!name)
		return -EINVAL;
	if (!c->inode->share || !to_host(name, host) ||
	    (c->inode->type != S_IFREG && c->inode->type != S_IFDIR))
		return -EOPNOTSUPP;
	return fs_inode_open(c->fs, c->inode, O_RDONLY);
}

int fs_op_setxattr(struct fs_call *c)
{
	/* without FUSE_SETXATTR_EXT only the first half is there */
	const struct fuse_setxattr_in *in = fs_arg(c, FUSE_COMPAT_SETXATTR_IN_SIZE);
	char name[XATTR_NAME_ROOM];
	const void *value;
	int fd, result = 0;

	if (!in)
		return -EINVAL;
	fd = open_for(c, name);
	if (fd < 0)
		return fd;
	value = fs_arg(c, in->size);
	if (!value || in->size > XATTR_VALUE_MAX)
		result = -EINVAL;
	else if (fsetxattr(fd, name, value, in->size, (int)in->flags) < 0)
		result = fs_failed();
	scope_close(&fd);
	return result;
}

/* Asked with a size of 0, what is wanted is the length alone. */
static int answer_size(struct fs_call *c, ssize_t len)
{
	struct fuse_getxattr_out *out = fs_answer(c, sizeof(*out));

	if (!out)
		return -EINVAL;
	out->size = (uint32_t)len;
	return 0;
}

static size_t value_room(const struct fs_call *c, uint32_t asked)
{
	size_t room = FS_REPLY_MAX - sizeof(struct fuse_out_header);

	if (room > c->room)
		room = c->room;
	return asked < room ? asked : room;
}

int fs_op_getxattr(struct fs_call *c)
{
	const struct fuse_getxattr_in *in = fs_arg(c, sizeof(*in));
	char name[XATTR_NAME_ROOM];
	ssize_t len;
	int fd;

	if (!in)
		return -EINVAL;
	fd = open_for(c, name);
	if (fd < 0)
		return fd;
	len = fgetxattr(fd, name, in->size ? c->reply : NULL,
	                in->size ? value_room(c, in->size) : 0);
	scope_close(&fd);
	if (len < 0)
		return fs_failed();
	if (in->size == 0)
		return answer_size(c, len);
	c->reply_len = (size_t)len;
	return 0;
}

/* Adds the guest's name for a host's, or nothing where it has none; false: no room. */
static bool add_name(const char *host, char *to, size_t room, size_t *len)
{
	char name[XATTR_NAME_ROOM];
	size_t size;

	if (begins(host, MAPPED))
		(void)snprintf(name, sizeof(name), "%s%s", TRUSTED, host + strlen(MAPPED));
	else if (!to_host(host, name) || begins(host, TRUSTED))
		return true;
	size = strlen(name) + 1;
	if (to && size > room - *len)
		return false;
	if (to)
		memcpy(to + *len, name, size);
	*len += size;
	return true;
}

int fs_op_listxattr(struct fs_call *c)
{
	const struct fuse_getxattr_in *in = fs_arg(c, sizeof(*in));
	char *names = (char *)c->worker->request; /* all of it is read by now */
	uint32_t asked;
	size_t len = 0;
	ssize_t got;
	int fd;

	if (!in)
		return -EINVAL;
	asked = in->size;
	if (!c->inode->share || (c->inode->type != S_IFREG && c->inode->type != S_IFDIR))
		return asked ? 0 : answer_size(c, 0);
	fd = fs_inode_open(c->fs, c->inode, O_RDONLY);
	if (fd < 0)
		return fd;
	got = flistxattr(fd, names, FS_REQUEST_MAX);
	scope_close(&fd);
	if (got < 0)
		return fs_failed();
	for (ssize_t at = 0; at < got; at += (ssize_t)strlen(names + at) + 1) {
		if (!add_name(names + at, asked ? (char *)c->reply : NULL, value_room(c, asked),
		              &len))
			return -ERANGE;
	}
	if (asked == 0)
		return answer_size(c, (ssize_t)len);
	c->reply_len = len;
	return 0;
}

int fs_op_removexattr(struct fs_call *c)
{
	char name[XATTR_NAME_ROOM];
	int fd = open_for(c, name), result = 0;

	if (fd < 0)
		return fd;
	if (fremovexattr(fd, name) < 0)
		result = fs_failed();
	scope_close(&fd);
	return result;
}
