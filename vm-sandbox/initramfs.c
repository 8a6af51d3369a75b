/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules are unpacked here and not in the guest, where it would take longer and need the
 * kernel's own support. A signature is the file's last bytes, so it stays valid.
 */
#include "vm-sandbox/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/cpio.h"
#include "vm-sandbox/inflate.h"

enum {
	FILE_MAX = 32 << 20,
	PATH_ROOM = 96,
	CONSOLE_MAJOR = 5,
	CONSOLE_MINOR = 1,
};

static int read_module(int folder, const char *path, struct buf *ret, struct err *e)
{
	FD int fd = sys_openat2(folder, path, O_RDONLY | O_CLOEXEC, 0,
	                        RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	if (fd < 0)
		return err_sys(e, "open module %s", path);
	return fd_read_all(fd, FILE_MAX, path, ret, e);
}

static int unpack(const char *what, const void *packed, size_t len, struct buf *ret, struct err *e)
{
	enum inflate_format format = inflate_format_of(packed, len);
	char *room;
	ssize_t got;

	if (format == INFLATE_NONE) {
		buf_add(ret, packed, len);
		return buf_ok(ret, e);
	}
	room = buf_room(ret, FILE_MAX);
	TRY(buf_ok(ret, e));
	got = inflate_block(format, packed, len, room, FILE_MAX, e);
	if (got < 0)
		return err_in(e, "unpack %s", what);
	buf_used(ret, (size_t)got);
	return 0;
}

static int add_module(struct cpio *c, const char *below, unsigned int n, int folder,
                      const char *path, struct err *e)
{
	BUF struct buf packed = { 0 };
	BUF struct buf module = { 0 };
	char name[PATH_ROOM - 24], to[PATH_ROOM];

	if (!module_name(path, strlen(path), name, sizeof(name)))
		return err_set(e, ERR_SPEC, "\"%s\" is no module's file", path);
	TRY(read_module(folder, path, &packed, e));
	TRY(unpack(path, packed.data, packed.len, &module, e));
	if (module.len < 4 || memcmp(module.data, "\177ELF", 4) != 0)
		return err_set(e, ERR_SPEC, "module %s is no ELF file", path);
	(void)snprintf(to, sizeof(to), "%s/%02u-%s.ko", below, n, name);
	cpio_file(c, to, 0600, module.data, module.len);
	return 0;
}

int initramfs_build(const void *agent, size_t agent_len, int modules,
                    const struct module_list *list, struct buf *ret, struct err *e)
{
	struct cpio c = { .to = ret };
	BUF struct buf init = { 0 };

	TRY(unpack("the agent", agent, agent_len, &init, e));
	cpio_folder(&c, "dev", 0755);
	cpio_device(&c, "dev/console", S_IFCHR | 0600, CONSOLE_MAJOR, CONSOLE_MINOR);
	cpio_folder(&c, "m", 0700);
	cpio_folder(&c, "late", 0700);
	for (unsigned int i = 0; i < list->count; i++)
		TRY(add_module(&c, i < list->count - list->late ? "m" : "late", i, modules,
		               list->path[i], e));
	cpio_file(&c, "init", 0755, init.data, init.len);
	cpio_end(&c);
	return buf_ok(ret, e);
}
