/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

static int check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "fstat %s", path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s: is not a file", path);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH)) {
		err_set(e, ERR_REFUSED, "%s: must belong to root, and nobody else may write it",
		        path);
		return err_hint(e, "chown root and chmod go-w it");
	}
	return 0;
}

int admin_config_read(struct arena *a, const char *dir, struct admin_config *ret, struct err *e)
{
	const char *path = arena_printf(a, "%s/config.json", dir);
	FD int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	BUF struct buf text = { 0 };

	*ret = (struct admin_config){ 0 };
	if (folder < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	/* a home that is somebody else's: who changes ids often keeps HOME */
	if (folder < 0 && errno == EACCES && strcmp(dir, ADMIN_CONFIG_DIR) != 0)
		return 0;
	if (folder < 0)
		return err_sys(e, "open %s", dir);
	/* no link: where it leads to, the folder's owner would not say */
	FD int file = openat(folder, "config.json",
	                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file < 0 && errno == ENOENT)
		return 0;
	if (file < 0)
		return err_sys(e, "open %s", path);
	TRY(check_owner(folder, dir, e));
	TRY(check_owner(file, path, e));
	TRY(fd_read_all(file, ADMIN_CONFIG_MAX_BYTES, path, &text, e));
	/* the structs point into the text, which the arena keeps */
	const char *kept = arena_string(a, text.data ? text.data : "", text.len);
	if (admin_config_parse(a, kept, text.len, ret, e) < 0)
		return err_in(e, "%s", path);
	return 0;
}
