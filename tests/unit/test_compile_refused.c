/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler refuses, with the text that the user sees: nothing that a config
 * asks for is ever ignored. What contradicts itself is refused earlier, by the
 * parser (test_config). */
#include "plan_case.h"

#define BIND(destination, source) \
	"{\"destination\":\"" destination "\",\"type\":\"bind\",\"source\":\"" source "\"}"
#define TMPFS(destination) \
	"{\"destination\":\"" destination "\",\"type\":\"tmpfs\",\"source\":\"t\"}"
#define BIND_OPTIONS(options) \
	"{\"destination\":\"/x\",\"source\":\"/v\",\"options\":[\"rbind\"," options "]}"

static const struct host_facts no_cgroup2 = { .cgroup = { .mode = CGROUP_NONE } };
static const struct host_facts unprivileged = {
	.euid = 1000,
	.egid = 1001,
	.rootless = true,
	.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup", .limited = true },
};
static const struct host_facts delegated_nothing = {
	.euid = 1000,
	.egid = 1001,
	.rootless = true,
	.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/x", .limited = true, .base = "/mine" },
};
#define OWN_MAPS                                                            \
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]," \
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":1001,\"size\":1}]"
static const struct oci_id_mapping only_root = { .size = 1 };
static const struct host_facts root_alone = {
	.user_namespace = true,
	.rootless = true,
	.setgroups_denied = true,
	.own_uids = { .v = &only_root, .n = 1 },
	.own_gids = { .v = &only_root, .n = 1 },
	.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup", .limited = true },
};
static const struct host_facts setgroups_denied = {
	.user_namespace = true,
	.rootless = true,
	.setgroups_denied = true,
	.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup" },
};
static const struct host_facts hybrid = {
	.cgroup = { .mode = CGROUP_HYBRID,
	            .mount = "/sys/fs/cgroup/unified",
	            .controllers = CGROUP_HUGETLB },
};

static const struct {
	struct plan_case given;
	enum err_kind kind;
	const char *text;
} cases[] = {
	/* --- what is not built yet --- */
	{ { .namespaces = "{\"type\":\"user\"}", .linux_ = PLAN_CASE_MAPS },
	  ERR_REFUSED,
	  "linux.namespaces: a user namespace has no rights over the host's mounts: it needs a "
	  "mount namespace, too" },
	{ { .namespaces = "{\"type\":\"user\"},{\"type\":\"mount\",\"path\":\"/m\"}",
	    .linux_ = PLAN_CASE_MAPS },
	  ERR_REFUSED,
	  "linux.namespaces: a new user namespace has no rights over the mounts of a mount "
	  "namespace that exists already" },
	{ { .linux_ = "\"intelRdt\":{\"closID\":\"x\"}" },
	  ERR_REFUSED,
	  "linux.intelRdt: no resctrl filesystem is mounted at /sys/fs/resctrl" },
	{ { .linux_ = "\"mountLabel\":\"u:r:t\"" },
	  ERR_REFUSED,
	  "linux.mountLabel: selinux label is specified in config, but selinux is disabled or not "
	  "supported" },
	{ { .top = "\"vm\":{\"kernel\":{\"path\":\"/k\"}}" },
	  ERR_REFUSED,
	  "vm: describes a microVM, and this is to be a container" },
	{ { .linux_ = "\"intelRdt\":{\"closID\":\"x\"},\"mountLabel\":\"l\"" },
	  ERR_REFUSED,
	  "linux.intelRdt: no resctrl filesystem is mounted at /sys/fs/resctrl; "
	  "linux.mountLabel: selinux label is specified in config, but selinux is disabled or not "
	  "supported" },

	/* --- what the host lacks --- */
	{ { .process = "\"apparmorProfile\":\"p\"" },
	  ERR_REFUSED,
	  "process.apparmorProfile: apparmor: config provided but apparmor not supported" },
	{ { .process = "\"selinuxLabel\":\"l\"" },
	  ERR_REFUSED,
	  "process.selinuxLabel: selinux label is specified in config, but selinux is disabled or "
	  "not supported" },
	{ { .mounts = "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup2\"}",
	    .facts = &no_cgroup2 },
	  ERR_REFUSED,
	  "mounts[0]: this host has no cgroup2" },
	{ { .facts = &unprivileged },
	  ERR_REFUSED,
	  "linux.namespaces: without privileges a user namespace is needed" },
	{ { .user = "{\"uid\":0,\"gid\":0,\"additionalGids\":[1]}", .facts = &setgroups_denied },
	  ERR_REFUSED,
	  "process.user.additionalGids: the kernel denies setgroups(2) in a user namespace whose "
	  "group ids were mapped without privileges" },
	{ { .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = OWN_MAPS,
	    .user = "{\"uid\":0,\"gid\":0,\"additionalGids\":[0]}",
	    .facts = &unprivileged },
	  ERR_REFUSED,
	  "process.user.additionalGids: the kernel denies setgroups(2) in a user namespace whose "
	  "group ids were mapped without privileges" },

	{ { .user = "{\"uid\":7,\"gid\":0}", .facts = &root_alone },
	  ERR_REFUSED,
	  "process.user.uid: 7 is not in /proc/self/uid_map of the user namespace that caisson "
	  "runs in" },
	{ { .user = "{\"uid\":0,\"gid\":7}", .facts = &root_alone },
	  ERR_REFUSED,
	  "process.user.gid: 7 is not in /proc/self/gid_map of the user namespace that caisson "
	  "runs in" },

	/* --- cgroups --- */
	{ { .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = OWN_MAPS ",\"resources\":{\"pids\":{\"limit\":5},\"cpu\":{\"quota\":5000,"
	                       "\"period\":10000}}",
	    .facts = &unprivileged },
	  ERR_REFUSED,
	  "linux.resources.pids.limit; linux.resources.cpu.quota; there is no cgroup to set these "
	  "limits in: the kernel lets only the owner of a group make others below it, and none is "
	  "delegated to us" },
	{ { .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = OWN_MAPS ",\"resources\":{\"pids\":{\"limit\":5}}",
	    .facts = &delegated_nothing },
	  ERR_REFUSED,
	  "linux.resources.pids.limit: the pids controller is not delegated to us in cgroup /mine" },

	/* --- ids --- */
	{ { .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = PLAN_CASE_MAPS,
	    .user = "{\"uid\":1000,\"gid\":0}" },
	  ERR_SPEC,
	  "process.user.uid: 1000 is not in linux.uidMappings" },
	{ { .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = PLAN_CASE_MAPS,
	    .user = "{\"uid\":0,\"gid\":4294967294}" },
	  ERR_SPEC,
	  "process.user.gid: 4294967294 is not in linux.gidMappings" },
	{ { .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = PLAN_CASE_MAPS,
	    .user = "{\"uid\":0,\"gid\":0,\"additionalGids\":[5,1000]}" },
	  ERR_SPEC,
	  "process.user.additionalGids[1]: 1000 is not in linux.gidMappings" },
	{ { .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = "\"uidMappings\":[{\"containerID\":1,\"hostID\":0,\"size\":9}],"
	              "\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":9}]" },
	  ERR_SPEC,
	  "linux.uidMappings: id 0 of the container must be mapped" },

	/* --- mounts: CVE-2019-16884 and its followers --- */
	{ { .mounts = BIND("/proc", "/decoy") },
	  ERR_REFUSED,
	  "mounts[0].destination: only a procfs may be mounted on /proc" },
	{ { .mounts = TMPFS("/dev/../proc/") },
	  ERR_REFUSED,
	  "mounts[0].destination: only a procfs may be mounted on /proc" },
	{ { .mounts = TMPFS("/a") "," BIND("//proc/./self/attr", "/decoy") },
	  ERR_REFUSED,
	  "mounts[1].destination: /proc/self/attr: nothing may be mounted inside of /proc" },
	{ { .mounts = BIND("/proc/sys/kernel", "/decoy") },
	  ERR_REFUSED,
	  "mounts[0].destination: /proc/sys/kernel: nothing may be mounted inside of /proc" },
	{ { .mounts = TMPFS("/proc/meminfo") },
	  ERR_REFUSED,
	  "mounts[0].destination: /proc/meminfo: nothing may be mounted inside of /proc" },
	{ { .mounts = TMPFS("/bundle/rootfs"), .namespaces = "{\"type\":\"pid\"}" },
	  ERR_REFUSED,
	  "mounts[0].destination: another root needs a mount namespace of its own" },
	{ { .mounts = BIND("/m", "/proc/self/fd/7"),
	    .namespaces = PLAN_CASE_USER_NAMESPACE,
	    .linux_ = PLAN_CASE_MAPS },
	  ERR_REFUSED,
	  "mounts[0].source: /proc/self/fd/7: what a process has open cannot be bound with a new "
	  "user namespace, whose root could change the mount's flags" },
	{ { .mounts = "{\"destination\":\"/m\",\"type\":\"bind\",\"source\":\"/dev/fd/7\","
	              "\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}],"
	              "\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]}" },
	  ERR_REFUSED,
	  "mounts[0].source: /dev/fd/7: what a process has open cannot be id-mapped: name it by its "
	  "path" },
	{ { .mounts = TMPFS("/bundle/rootfs/proc") },
	  ERR_REFUSED,
	  "mounts[0].destination: only a procfs may be mounted on /proc" },
	{ { .mounts = BIND_OPTIONS("\"size=4k\",\"roo\"") },
	  ERR_SPEC,
	  "mounts[0].options: \"roo\": not an option of a bind mount" },
	{ { .mounts = BIND_OPTIONS("\"tmpcopyup\"") },
	  ERR_SPEC,
	  "mounts[0].options: \"tmpcopyup\": only a tmpfs can" },
	{ { .mounts = "{\"destination\":\"/x\",\"type\":\"ramfs\","
	              "\"options\":[\"tmpcopyup\"]}" },
	  ERR_SPEC,
	  "mounts[0].options: \"tmpcopyup\": only a tmpfs can" },
	{ { .mounts = "{\"destination\":\"/x\",\"type\":\"tmpfs\","
	              "\"options\":[\"dest-nofollow\"]}" },
	  ERR_SPEC,
	  "mounts[0].options: only a bind mount has a source that could be a link" },
	{ { .mounts = BIND_OPTIONS("\"remount\",\"size=4k\"") },
	  ERR_REFUSED,
	  "mounts[0].options: \"size=4k\": \"remount\" changes the flags of a mount, not its "
	  "filesystem" },
	{ { .mounts = BIND_OPTIONS("\"remount\",\"sync\"") },
	  ERR_REFUSED,
	  "mounts[0].options: \"sync\": \"remount\" changes the flags of a mount, not its "
	  "filesystem" },
	{ { .mounts = "{\"destination\":\"/x\",\"source\":\"/v\",\"type\":\"none\"}" },
	  ERR_SPEC,
	  "mounts[0].type: required unless it is a bind mount" },
	{ { .mounts = "{\"destination\":\"/x\",\"options\":[\"bind\"]}" },
	  ERR_SPEC,
	  "mounts[0].source: required for a bind mount" },
	{ { .mounts = "{\"destination\":\"/x\",\"type\":\"tmpfs\","
	              "\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}],"
	              "\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}" },
	  ERR_SPEC,
	  "mounts[0]: only a bind mount can be id-mapped" },
	{ { .mounts = BIND_OPTIONS("\"ridmap\"") },
	  ERR_SPEC,
	  "mounts[0].options: \"ridmap\": there is neither a map nor a user namespace that has "
	  "one" },
	{ { .mounts = BIND_OPTIONS("\"remount\",\"idmap\"") },
	  ERR_SPEC,
	  "mounts[0].options: \"idmap\": what is mounted already cannot be id-mapped" },
	{ { .mounts = BIND_OPTIONS("\"idmap=uids=0-1-1\"") },
	  ERR_SPEC,
	  "mounts[0].options: idmap: \"uids=0-1-1\": maps are written as "
	  "uids=FROM-TO-LENGTH#…;gids=FROM-TO-LENGTH#…" },
	{ { .mounts = BIND_OPTIONS("\"idmap=uids=0-1-4294967296;gids=0-1-1\"") },
	  ERR_SPEC,
	  "mounts[0].options: idmap: \"4294967296;gids=0-1-1\": maps are written as "
	  "uids=FROM-TO-LENGTH#…;gids=FROM-TO-LENGTH#…" },
	{ { .mounts = BIND_OPTIONS("\"idmap=uids=@0-5-1;gids=0-1-1\"") },
	  ERR_SPEC,
	  "mounts[0].options: idmap: \"@0-5-1;gids=0-1-1\": not within one range of the "
	  "container's own map" },
	{ { .linux_ = "\"devices\":[{\"path\":\"/proc/x\",\"type\":\"c\",\"major\":1,"
	              "\"minor\":3}]" },
	  ERR_REFUSED,
	  "linux.devices[0].path: /proc/x: no place for a device" },

	/* --- process --- */
	{ { .process = "\"capabilities\":{\"effective\":[\"CAP_SYS_ADMIN\"]}" },
	  ERR_SPEC,
	  "process.capabilities.effective: CAP_SYS_ADMIN is not in the permitted set" },
	{ { .process = "\"capabilities\":{\"inheritable\":[\"CAP_KILL\"]}" },
	  ERR_SPEC,
	  "process.capabilities.inheritable: CAP_KILL is not in the bounding set" },

	/* --- cgroup --- */
	{ { .linux_ = "\"cgroupsPath\":\"/a/../../b\"" }, ERR_SPEC, "linux.cgroupsPath: " },
	{ { .linux_ = "\"resources\":{\"memory\":{\"limit\":1000000}}", .facts = &hybrid },
	  ERR_REFUSED,
	  "linux.resources.memory.limit: " },
};

/* Texts of other parts (those that end in a blank here) are compared as far as the
 * field's path: their wording is theirs to test. */
static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct host_facts facts =
			cases[i].given.facts ? *cases[i].given.facts : plan_case_root;
		struct plan_case given = cases[i].given;
		size_t len = strlen(cases[i].text);
		ARENA struct arena a;
		BUF struct buf bytes = { 0 };
		struct err e = { 0 };

		arena_init(&a, 0);
		facts.capabilities = plan_case_root.capabilities;
		given.facts = &facts;
		if (plan_case_compile(&a, &given, &bytes, &e) == 0)
			fail_msg("accepted, but expected: %s", cases[i].text);
		if (cases[i].text[len - 1] == ' ')
			e.text[len] = '\0';
		assert_string_equal(e.text, cases[i].text);
		assert_int_equal(e.kind, cases[i].kind);
		assert_null(bytes.data);
	}
}

/* Messages that say what to do. */
static void test_hints(void **state)
{
	const struct plan_case no_namespace = { .facts = &unprivileged };
	ARENA struct arena a;
	BUF struct buf bytes = { 0 };
	struct err e = { 0 };

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(plan_case_compile(&a, &no_namespace, &bytes, &e), -1);
	assert_string_equal(e.hint, "`caisson spec --rootless` writes a config that has one");
}

static void test_too_many_shared(void **state)
{
	enum { COUNT = 129 };
	ARENA struct arena a;
	BUF struct buf mounts = { 0 }, bytes = { 0 };
	struct err e = { 0 };

	(void)state;
	arena_init(&a, 0);
	for (int i = 0; i < COUNT; i++)
		buf_printf(&mounts,
		           "%s{\"destination\":\"/%d\",\"source\":\"/\",\"options\":[\"bind\","
		           "\"shared\"]}",
		           i ? "," : "", i);
	const struct plan_case c = { .mounts = mounts.data,
		                     .linux_ = "\"rootfsPropagation\":\"shared\"" };
	assert_int_equal(plan_case_compile(&a, &c, &bytes, &e), -1);
	assert_string_equal(e.text, "mounts: 129 shared binds, at most 128 are possible");
}

static void assert_exec_refused(const struct oci_config *config, const struct oci_process *process,
                                const char *text)
{
	const struct compile_exec_options options = {
		.config = config, .process = process, .cgroup = "/c", .seccomp_cache = -1
	};
	BUF struct buf bytes = { 0 };
	struct err e = { 0 };

	assert_int_equal(compile_exec(&options, &plan_case_root, &bytes, &e), -1);
	assert_string_equal(e.text, text);
}

/* An exec meets the same rules, and one more: its process may come from a command
 * line that no parser has seen. */
static void test_exec_refused(void **state)
{
	static const char *const env[] = { "A=1", "B", NULL }, *const unnamed[] = { "=1", NULL };
	const struct plan_case c = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	const struct oci_config *config = plan_case_config(&a, &c);
	struct oci_process process = *config->process;

	process.exec_cpu_affinity.final = "8192";
	assert_exec_refused(config, &process,
	                    "process.execCPUAffinity.final: 8192: no kernel has more than 8192");
	process.exec_cpu_affinity.initial = "0-9000";
	assert_exec_refused(
		config, &process,
		"process.execCPUAffinity.initial: 0-9000: no kernel has more than 8192");
	process.env = (struct oci_strings){ .v = env, .n = 2 };
	assert_exec_refused(config, &process, "process.env[1]: must be NAME=VALUE");
	process.env = (struct oci_strings){ .v = unnamed, .n = 1 };
	assert_exec_refused(config, &process, "process.env[0]: must be NAME=VALUE");
	process.args.n = 0;
	assert_exec_refused(config, &process, "process.args: must name a program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_too_many_shared),
		cmocka_unit_test(test_exec_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
