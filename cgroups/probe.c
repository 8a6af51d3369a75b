/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the host keeps its cgroup2 tree, by the magic of the filesystem. That costs one
 * or two system calls; /proc/mounts would cost time for each mount of the host.
 */
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int read_controllers(struct cgroup_facts *facts, struct err *e)
{
	char text[1024];
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	TRY(cgroup_file_read(mount, "cgroup.controllers", text, sizeof(text), e));
	facts->controllers = cgroup_controllers_parse(text);
	return 0;
}

int cgroup_probe(bool controllers, struct cgroup_facts *ret, struct err *e)
{
	struct cgroup_facts facts = { .mode = CGROUP_NONE };

	if (is_cgroup2("/sys/fs/cgroup")) {
		facts.mode = CGROUP_UNIFIED;
		facts.mount = "/sys/fs/cgroup";
	} else if (is_cgroup2("/sys/fs/cgroup/unified")) {
		facts.mode = CGROUP_HYBRID;
		facts.mount = "/sys/fs/cgroup/unified";
	}
	if (controllers && facts.mode != CGROUP_NONE)
		TRY(read_controllers(&facts, e));
	*ret = facts;
	return 0;
}

int cgroup_probe_accounting(struct cgroup_facts *facts, struct err *e)
{
	const char *file = facts->mode == CGROUP_UNIFIED ? "/sys/fs/cgroup/memory.stat"
	                                                 : "/sys/fs/cgroup/unified/memory.stat";

	if (facts->mode == CGROUP_NONE || access(file, F_OK) < 0)
		return 0;
	return read_controllers(facts, e);
}
