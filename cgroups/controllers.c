/* SPDX-License-Identifier: Apache-2.0 */
/* The controllers of cgroup v2 as bits and as the words of the kernel's files. */
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

static const struct {
	const char *name;
	unsigned int bit;
} controllers[] = {
	{ "cpu", CGROUP_CPU },       { "cpuset", CGROUP_CPUSET }, { "io", CGROUP_IO },
	{ "memory", CGROUP_MEMORY }, { "pids", CGROUP_PIDS },     { "hugetlb", CGROUP_HUGETLB },
	{ "rdma", CGROUP_RDMA },     { "misc", CGROUP_MISC },
};

/* The controller whose name is the first len bytes of text. */
static unsigned int find(const char *text, size_t len)
{
	for (size_t i = 0; i < LEN(controllers); i++) {
		if (strlen(controllers[i].name) == len &&
		    memcmp(controllers[i].name, text, len) == 0)
			return controllers[i].bit;
	}
	return 0;
}

unsigned int cgroup_file_controller(const char *file)
{
	return find(file, strcspn(file, "."));
}

unsigned int cgroup_controllers_parse(const char *text)
{
	unsigned int found = 0;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		size_t len = strcspn(text, " \n");

		found |= find(text, len);
		text += len;
	}
	return found;
}

void cgroup_controllers_print(unsigned int bits, const char *mark, char *ret, size_t room)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < LEN(controllers) && used < room; i++) {
		if (bits & controllers[i].bit)
			used += (size_t)snprintf(ret + used, room - used, "%s%s%s", used ? " " : "",
			                         mark, controllers[i].name);
	}
}
