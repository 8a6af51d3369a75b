/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.namespaces: a list in the file, a table by kind in the struct, because all
 * who use it ask "is there one of this kind". config-linux.md, "Namespaces".
 */
#include <linux/sched.h>

#include "oci-spec/parse.h"

static const struct {
	const char *name;
	uint64_t flag;
} kinds[OCI_NS_KINDS] = {
	[OCI_NS_PID] = { "pid", CLONE_NEWPID },
	[OCI_NS_NETWORK] = { "network", CLONE_NEWNET },
	[OCI_NS_MOUNT] = { "mount", CLONE_NEWNS },
	[OCI_NS_IPC] = { "ipc", CLONE_NEWIPC },
	[OCI_NS_UTS] = { "uts", CLONE_NEWUTS },
	[OCI_NS_USER] = { "user", CLONE_NEWUSER },
	[OCI_NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP },
	[OCI_NS_TIME] = { "time", CLONE_NEWTIME },
};

static const struct word kind_words[] = {
	{ "pid", OCI_NS_PID },       { "network", OCI_NS_NETWORK }, { "mount", OCI_NS_MOUNT },
	{ "ipc", OCI_NS_IPC },       { "uts", OCI_NS_UTS },         { "user", OCI_NS_USER },
	{ "cgroup", OCI_NS_CGROUP }, { "time", OCI_NS_TIME },       { 0 },
};

const char *oci_namespace_name(enum oci_namespace_kind kind)
{
	return kinds[kind].name;
}

uint64_t oci_namespace_flag(enum oci_namespace_kind kind)
{
	return kinds[kind].flag;
}

void parse_namespaces(struct reader *r, const struct json *linux_, struct oci_linux *ret)
{
	const struct json *list = read_list(r, linux_, "namespaces", JSON_OBJECT);
	unsigned int index = 0;

	for (const struct json *j = list->first; j; j = j->next, index++) {
		uint64_t kind;

		if (!read_needed_text(r, j, "type") || !read_word(r, j, "type", kind_words, &kind))
			continue;
		if (ret->namespaces[kind].wanted) {
			fault(r, j, "duplicated namespace %s", kinds[kind].name);
			continue;
		}
		ret->namespaces[kind] = (struct oci_namespace){
			.wanted = true,
			.path = read_path(r, j, "path"),
			.index = index,
		};
	}
}
