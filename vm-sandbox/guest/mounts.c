/* SPDX-License-Identifier: Apache-2.0 */
/* What the host wants mounted before the first process: its shares, and the guest's disk. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm-sandbox/guest/agent.h"

/* The folders of an absolute path. */
static int make_folders(const char *path, struct err *e)
{
	char part[4096];

	for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		size_t len = slash ? (size_t)(slash - path) : strlen(path);

		if (len >= sizeof(part))
			return err_set(e, ERR_SPEC, "a path that is too long");
		memcpy(part, path, len);
		part[len] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "mkdir %s", part);
		if (!slash)
			return 0;
	}
}

static int mount_one(const char *type, const char *source, const char *target, const char *options)
{
	if (!type[0])
		return mount(source, target, NULL, MS_BIND | MS_REC, NULL);
	if (strcmp(options, "ro") == 0)
		return mount(source, target, type, MS_RDONLY, NULL);
	return mount(source, target, type, 0, options[0] ? options : NULL);
}

int mounts_make(struct agent_texts texts, struct err *e)
{
	const char *type;

	while ((type = agent_text(&texts))) {
		const char *source = agent_text(&texts), *target = agent_text(&texts);
		const char *options = agent_text(&texts);

		if (target[0] != '/')
			return err_set(e, ERR_SPEC, "mount at \"%s\": not an absolute path",
			               target);
		TRY(make_folders(target, e));
		if (mount_one(type, source, target, options) < 0)
			return err_sys(e, "mount %s at %s", type[0] ? type : source, target);
	}
	return 0;
}

/* A file system that is read-only has nothing left to write, nor to recover when it is mounted the
 * next time. One that somebody still writes to can at least be written out. */
void mounts_settle(void)
{
	sync();
	(void)mount(NULL, AGENT_IMAGE, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}
