/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's order: steps, namespaces, stages, exec. What each field turns into is
 * in test_compile_steps.c, what is refused in test_compile_refused.c. */
#include <linux/mount.h>
#include <linux/sched.h>

#include "plan_case.h"

/* One after the other, each there; ends with 0. */
static void assert_order(const struct plan *plan, const enum plan_op *ops)
{
	for (; ops[0] && ops[1]; ops++)
		plan_case_order(plan, ops[0], ops[1]);
}

#define EVERYTHING_PROCESS                                               \
	"\"terminal\":true,\"oomScoreAdj\":100,\"env\":[\"PATH=/bin\"]," \
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":20}]"
#define EVERYTHING_LINUX                                                                \
	"\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"],"          \
	"\"rootfsPropagation\":\"rshared\",\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}," \
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"   \
	"[\"acct\"],\"action\":\"SCMP_ACT_ERRNO\"}]}"
#define EVERYTHING_TOP                                                                      \
	"\"hostname\":\"h\",\"domainname\":\"d\",\"hooks\":{\"createRuntime\":[{\"path\":"  \
	"\"/h1\"}],\"createContainer\":[{\"path\":\"/h2\"}],\"startContainer\":[{\"path\":" \
	"\"/h3\"}]}"
#define CGROUP_MOUNT \
	"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\"}"

/* --- order ----------------------------------------------------------------------------- */

static void test_order(void **state)
{
	static const enum plan_op order[] = { PLAN_OOM_SCORE_ADJ,
		                              PLAN_KEYRING,
		                              PLAN_CLONE_SHARED,
		                              PLAN_PROPAGATION,
		                              PLAN_ROOTFS,
		                              PLAN_ENTER_ROOT,
		                              PLAN_BIND,
		                              PLAN_DEVICE,
		                              PLAN_SYMLINK,
		                              PLAN_TERMINAL,
		                              PLAN_NETWORK,
		                              PLAN_WAIT_HOOKS,
		                              PLAN_HOOK_HOST,
		                              PLAN_PIVOT,
		                              PLAN_ROOT_PROPAGATION,
		                              PLAN_MASK,
		                              PLAN_READONLY,
		                              PLAN_SYSCTL,
		                              PLAN_HOSTNAME,
		                              PLAN_DOMAINNAME,
		                              PLAN_BOUNDING,
		                              PLAN_RLIMIT,
		                              PLAN_UMASK,
		                              PLAN_CWD,
		                              PLAN_IDS,
		                              PLAN_CAPS,
		                              PLAN_ENVIRONMENT,
		                              PLAN_EXECUTABLE,
		                              PLAN_CLOSE_FDS,
		                              PLAN_PARK,
		                              PLAN_SECCOMP,
		                              PLAN_HOOK_CONTAINER,
		                              PLAN_EXECVE,
		                              0 };

	(void)state;
	PLAN_CASE(plan, .process = EVERYTHING_PROCESS, .linux_ = EVERYTHING_LINUX,
	          .top = EVERYTHING_TOP, .mounts = PLAN_CASE_SHARED_MOUNT "," CGROUP_MOUNT);
	assert_order(plan, order);
	plan_case_order(plan, PLAN_ENTER_ROOT, PLAN_CGROUP_MOUNT);
	assert_int_equal(plan_case_find(plan, PLAN_CLOSE_FDS, 1), -1);
	assert_int_equal(plan_case_find(plan, PLAN_NO_NEW_PRIVS, 0), -1);
	assert_int_equal(plan_case_find(plan, PLAN_SECCOMP, 1), -1);
	assert_int_equal(plan_case_step(plan, PLAN_CAPS, 0)->caps.permitted >> CAP_SYS_ADMIN & 1,
	                 1);
	assert_int_equal(plan_case_step(plan, PLAN_CAPS, 0)->caps.effective >> CAP_SYS_ADMIN & 1,
	                 1);
	assert_int_equal(plan_case_step(plan, PLAN_CAPS, 0)->caps.bounding >> CAP_SYS_ADMIN & 1, 0);
	assert_int_equal(plan->two_stages, 0);
}

/* Only no_new_privs takes the place of the capability that loads the filter. */
static void test_order_no_new_privs(void **state)
{
	static const enum plan_op order[] = {
		PLAN_IDS,     PLAN_CAPS,           PLAN_CLOSE_FDS, PLAN_PARK, PLAN_NO_NEW_PRIVS,
		PLAN_SECCOMP, PLAN_HOOK_CONTAINER, PLAN_EXECVE,    0
	};

	(void)state;
	PLAN_CASE(plan, .process = "\"noNewPrivileges\":true", .linux_ = EVERYTHING_LINUX,
	          .top = EVERYTHING_TOP);
	assert_order(plan, order);
	assert_int_equal(plan_case_step(plan, PLAN_CAPS, 0)->caps.permitted >> CAP_SYS_ADMIN & 1,
	                 0);
}

static void test_order_two_stages(void **state)
{
	static const enum plan_op order[] = { PLAN_OOM_SCORE_ADJ,  PLAN_RLIMIT,       PLAN_JOIN,
		                              PLAN_USER_NAMESPACE, PLAN_TIME_OFFSETS, PLAN_CLONE,
		                              PLAN_KEYRING,        PLAN_PROPAGATION,  0 };

	(void)state;
	PLAN_CASE(plan, .process = EVERYTHING_PROCESS,
	          .namespaces = "{\"type\":\"mount\"},{\"type\":\"user\"},{\"type\":\"time\"},"
	                        "{\"type\":\"network\",\"path\":\"/run/netns/x\"}",
	          .linux_ = PLAN_CASE_MAPS
	          ",\"timeOffsets\":{\"monotonic\":{\"secs\":5,\"nanosecs\":6},"
	          "\"boottime\":{\"secs\":-7}}");
	assert_order(plan, order);
	assert_int_equal(plan->two_stages, 1);
	assert_int_equal(plan->clone_flags, 0);
	assert_int_equal(plan_case_step(plan, PLAN_CLONE, 0)->clone.clone_flags, CLONE_NEWNS);
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_TIME_OFFSETS, 0)->string),
	                    "monotonic 5 6\nboottime -7 0\n");
}

/* --- namespaces -------------------------------------------------------------------------- */

static void test_one_clone(void **state)
{
	(void)state;
	PLAN_CASE(plan, 0);
	assert_int_equal(plan->clone_flags, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
	                                            CLONE_NEWUTS | CLONE_NEWCGROUP);
	assert_int_equal(plan->fds.count, 1);
	assert_int_equal(plan_case_find(plan, PLAN_JOIN, 0), -1);
}

/* The launcher makes it beside init's work; who might look at it waits for it. */
static void test_network(void **state)
{
	static const char *const before[] = { "proc", "tmpfs", "devpts", "mqueue" };

	(void)state;
	PLAN_CASE(plan, .mounts = "{\"destination\":\"/a\",\"type\":\"proc\"},"
	                          "{\"destination\":\"/b\",\"type\":\"tmpfs\"},"
	                          "{\"destination\":\"/c\",\"type\":\"devpts\"},"
	                          "{\"destination\":\"/d\",\"type\":\"mqueue\"},"
	                          "{\"destination\":\"/e\",\"type\":\"sysfs\"},"
	                          "{\"destination\":\"/f\",\"type\":\"nfs\"}");
	int at = plan_case_find(plan, PLAN_NETWORK, 0);
	assert_int_equal(plan->network, 1);
	assert_int_equal(plan_case_find(plan, PLAN_MOUNT, 0), at - (int)LEN(before));
	for (unsigned int i = 0; i < LEN(before); i++)
		assert_string_equal(
			plan_text(plan, plan_case_step(plan, PLAN_MOUNT, i)->mount.fstype),
			before[i]);
	assert_int_equal(plan_case_find(plan, PLAN_MOUNT, LEN(before)), at + 1);
	assert_int_equal(plan_case_find(plan, PLAN_NETWORK, 1), -1);
	assert_int_equal(plan_case_find(plan, PLAN_LOOPBACK, 0), -1);
}

static const struct host_facts with_systemd = {
	.cgroup = { .mode = CGROUP_UNIFIED,
	            .mount = "/sys/fs/cgroup",
	            .controllers = 0xff,
	            .systemd = "" },
	.capabilities = (UINT64_C(2) << CAP_LAST_CAP) - 1,
};

#define WITH_SYSTEMD .facts = &with_systemd, .systemd = true

/* Where systemd makes the cgroup, init waits for it before what it is for; its namespace is
 * made then, and not by the clone. */
static void test_scope(void **state)
{
	(void)state;
	PLAN_CASE(
		plan, WITH_SYSTEMD,
		.linux_ =
			"\"cgroupsPath\":\"a-b.slice:p:n\",\"resources\":{\"pids\":{\"limit\":9}}",
		.mounts = "{\"destination\":\"/proc\",\"type\":\"proc\"},"
			  "{\"destination\":\"/g\",\"type\":\"cgroup\"}");
	assert_string_equal(plan_text(plan, plan->cgroup.unit), "p-n.scope");
	assert_string_equal(plan_text(plan, plan->cgroup.slice), "a-b.slice");
	assert_string_equal(plan_text(plan, plan->cgroup.path), "/a.slice/a-b.slice/p-n.scope");
	assert_true(plan->cgroup.properties.count > 0);
	assert_int_equal(plan->cgroup.writes.count, 1);
	assert_false(plan->clone_flags & CLONE_NEWCGROUP);
	assert_int_equal(plan_case_step(plan, PLAN_CGROUP, 0)->value, CLONE_NEWCGROUP);
	assert_int_equal(plan_case_find(plan, PLAN_CGROUP, 0) + 1,
	                 plan_case_find(plan, PLAN_CGROUP_MOUNT, 0));
	assert_int_equal(plan_case_find(plan, PLAN_CGROUP, 1), -1);
}

static void test_scope_of_others(void **state)
{
	(void)state;
	{ /* nothing shows it: before hooks */
		PLAN_CASE(plan, WITH_SYSTEMD,
		          .top = "\"hooks\":{\"createRuntime\":[{\"path\":\"/h\"}]}");
		plan_case_order(plan, PLAN_CGROUP, PLAN_WAIT_HOOKS);
		plan_case_order(plan, PLAN_CGROUP, PLAN_PARK);
	}
	{ /* the host's cgroup namespace */
		PLAN_CASE(plan, WITH_SYSTEMD, .namespaces = "{\"type\":\"mount\"}",
		          .mounts = "{\"destination\":\"/g\",\"type\":\"cgroup\"}");
		assert_int_equal(plan_case_step(plan, PLAN_CGROUP, 0)->value, 0);
		plan_case_order(plan, PLAN_CGROUP, PLAN_BIND);
	}
	{ /* two stages: the second is born in it */
		PLAN_CASE(plan, WITH_SYSTEMD, .namespaces = PLAN_CASE_USER_NAMESPACE,
		          .linux_ = PLAN_CASE_MAPS);
		assert_int_equal(plan_case_step(plan, PLAN_CGROUP, 0)->value, 0);
		assert_int_equal(plan_case_find(plan, PLAN_CGROUP, 0) + 1,
		                 plan_case_find(plan, PLAN_CLONE, 0));
		assert_true(plan_case_step(plan, PLAN_CLONE, 0)->clone.clone_flags &
		            CLONE_NEWCGROUP);
	}
	{ /* memory that is filled counts */
		PLAN_CASE(plan, WITH_SYSTEMD,
		          .mounts = "{\"destination\":\"/t\",\"type\":\"tmpfs\","
		                    "\"options\":[\"tmpcopyup\"]}");
		plan_case_order(plan, PLAN_CGROUP, PLAN_MOUNT);
	}
	{ /* it was not asked for */
		PLAN_CASE(plan, .facts = &with_systemd);
		assert_int_equal(plan_case_find(plan, PLAN_CGROUP, 0), -1);
		assert_int_equal(plan->cgroup.unit, 0);
	}
}

static void test_network_joined(void **state)
{
	(void)state;
	PLAN_CASE(plan, .namespaces = "{\"type\":\"mount\"},"
	                              "{\"type\":\"network\",\"path\":\"/run/netns/x\"}");
	assert_int_equal(plan->network, 0);
	assert_int_equal(plan_case_find(plan, PLAN_NETWORK, 0), -1);
}

/* It has to belong to the user namespace, which init makes. */
static void test_network_of_user_namespace(void **state)
{
	(void)state;
	PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = PLAN_CASE_MAPS);
	assert_int_equal(plan->network, 0);
	assert_int_equal(plan_case_find(plan, PLAN_NETWORK, 0), -1);
	assert_true(plan_case_step(plan, PLAN_CLONE, 0)->clone.clone_flags & CLONE_NEWNET);
	assert_true(plan_case_find(plan, PLAN_LOOPBACK, 0) > 0);
}

static void test_joined_pid(void **state)
{
	(void)state;
	PLAN_CASE(plan,
	          .namespaces =
	                  "{\"type\":\"mount\"},{\"type\":\"pid\",\"path\":\"/proc/7/ns/pid\"}",
	          .run = true);
	const struct plan_fd *fd = plan_array(plan, plan->fds);
	assert_int_equal(plan->fds.count, 1);
	assert_int_equal(fd[0].kind, PLAN_FD_NAMESPACE);
	assert_int_equal(fd[0].ns_type, CLONE_NEWPID);
	assert_string_equal(plan_text(plan, fd[0].path), "/proc/7/ns/pid");
	assert_string_equal(plan_text(plan, fd[0].origin), "linux.namespaces[1].path");
	/* nobody in there ever sees the process that still has our root */
	assert_int_equal(plan_case_step(plan, PLAN_JOIN, 0)->join.types, CLONE_NEWPID);
	assert_int_equal(plan->two_stages, 1);
	assert_int_equal(plan->clone_flags, 0);
	assert_int_equal(plan_case_step(plan, PLAN_CLONE, 0)->clone.clone_flags, CLONE_NEWNS);
	plan_case_order(plan, PLAN_JOIN, PLAN_CLONE);
}

/* With a joined user namespace all others are joined by init, the pid one too, and
 * before it, which need not own them. */
static void test_joined_user(void **state)
{
	(void)state;
	PLAN_CASE(plan,
	          .namespaces =
	                  "{\"type\":\"mount\"},{\"type\":\"pid\",\"path\":\"/p\"},"
	                  "{\"type\":\"ipc\",\"path\":\"/i\"},{\"type\":\"user\",\"path\":\"/u\"}");
	assert_int_equal(plan_case_step(plan, PLAN_JOIN, 0)->join.types, CLONE_NEWPID);
	assert_int_equal(plan_case_step(plan, PLAN_JOIN, 1)->join.types, CLONE_NEWIPC);
	assert_int_equal(plan_case_step(plan, PLAN_JOIN, 2)->join.types, CLONE_NEWUSER);
	assert_int_equal(plan->two_stages, 1);
	assert_int_equal(plan->uid_map.count, 0);
	assert_int_equal(plan_case_find(plan, PLAN_USER_NAMESPACE, 0), -1);
}

static void test_maps(void **state)
{
	(void)state;
	PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = PLAN_CASE_MAPS);
	const struct plan_idmap *uid = plan_array(plan, plan->uid_map);
	const struct plan_idmap *gid = plan_array(plan, plan->gid_map);
	assert_int_equal(plan->uid_map.count, 1);
	assert_int_equal(uid->inside, 0);
	assert_int_equal(uid->outside, 100000);
	assert_int_equal(uid->count, 1000);
	assert_int_equal(gid->outside, 200000);
	assert_int_equal(plan->setgroups_deny, 0);
}

/* Time without offsets needs a fork all the same: the launcher's clone shares memory. */
static void test_time_without_offsets(void **state)
{
	(void)state;
	PLAN_CASE(plan, .namespaces = "{\"type\":\"mount\"},{\"type\":\"time\"}");
	assert_int_equal(plan->two_stages, 1);
	assert_int_equal(plan_case_step(plan, PLAN_CLONE, 0)->clone.clone_flags,
	                 CLONE_NEWNS | CLONE_NEWTIME);
	assert_int_equal(plan_case_find(plan, PLAN_TIME_OFFSETS, 0), -1);
}

/* --- rootless ------------------------------------------------------------------------------ */

static const struct host_facts user_1000 = {
	.euid = 1000,
	.egid = 1001,
	.rootless = true,
	.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup" },
	.capabilities = (UINT64_C(2) << CAP_LAST_CAP) - 1,
};

#define OWN_ID_MAPS                                                         \
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]," \
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":1001,\"size\":1}]"

static void test_rootless(void **state)
{
	(void)state;
	PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = OWN_ID_MAPS,
	          .facts = &user_1000);
	assert_int_equal(plan->setgroups_deny, 1);
	assert_int_equal(plan_case_step(plan, PLAN_IDS, 0)->ids.keep_groups, 1);
	assert_int_equal(plan_case_step(plan, PLAN_DEVICE, 0)->device.how, PLAN_DEVICE_BIND);
}

/* More than the own ids: by those who know whose they are. */
static void test_helpers(void **state)
{
	static const char ranges[] =
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1},"
		"{\"containerID\":1,\"hostID\":100000,\"size\":65536}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":1001,\"size\":1},"
		"{\"containerID\":1,\"hostID\":100000,\"size\":65536}]";
	static const char uids_only[] =
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":1001,\"size\":1}]";

	(void)state;
	{
		PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = ranges,
		          .user = "{\"uid\":5,\"gid\":5,\"additionalGids\":[6]}",
		          .facts = &user_1000);
		assert_true(plan->uid_helper && plan->gid_helper && !plan->setgroups_deny);
		assert_int_equal(plan_case_step(plan, PLAN_IDS, 0)->ids.keep_groups,
		                 PLAN_GROUPS_SET);
	}
	{
		PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = uids_only,
		          .facts = &user_1000);
		assert_true(plan->uid_helper && !plan->gid_helper && plan->setgroups_deny);
		assert_int_equal(plan_case_step(plan, PLAN_IDS, 0)->ids.keep_groups,
		                 PLAN_GROUPS_KEEP);
	}
	{
		PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = ranges);
		assert_false(plan->uid_helper || plan->gid_helper || plan->setgroups_deny);
	}
	{
		PLAN_CASE(plan, .facts = &user_1000,
		          .namespaces = PLAN_CASE_NAMESPACES
		          ",{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}");
		assert_false(plan->uid_helper || plan->gid_helper || plan->setgroups_deny);
		assert_int_equal(plan_case_step(plan, PLAN_IDS, 0)->ids.keep_groups,
		                 PLAN_GROUPS_TRY);
	}
}

/* Root of a user namespace could not come back from a network made beside the clone. */
static void test_network_of_a_user_namespace(void **state)
{
	static const struct host_facts inside = {
		.user_namespace = true,
		.rootless = true,
		.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup", .limited = true },
		.capabilities = (UINT64_C(2) << CAP_LAST_CAP) - 1,
	};

	(void)state;
	PLAN_CASE(plan, .facts = &inside);
	assert_int_equal(plan->network, 0);
	assert_true(plan->clone_flags & CLONE_NEWNET);
	assert_int_equal(plan_case_find(plan, PLAN_NETWORK, 0), -1);
}

#define PROC_SYS_QUEUES                                                       \
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"  \
	"{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\"}," \
	"{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\"}"

static const char *instead(const struct plan *plan, unsigned int nth)
{
	const char *path = plan_text(plan, plan_case_step(plan, PLAN_MOUNT, nth)->mount.instead);

	return path ? path : "";
}

/* What may be bound of the host's where a new one is refused, and what never. */
static void test_instead(void **state)
{
	(void)state;
	{
		PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = OWN_ID_MAPS,
		          .facts = &user_1000, .mounts = PROC_SYS_QUEUES);
		assert_string_equal(instead(plan, 0), "");
		assert_string_equal(instead(plan, 1), "/sys");
		assert_true(plan_case_step(plan, PLAN_MOUNT, 1)->mount.instead_attr &
		            MOUNT_ATTR_RDONLY);
		assert_string_equal(instead(plan, 2), "");
	}
	{
		PLAN_CASE(plan, .namespaces = "{\"type\":\"mount\"},{\"type\":\"user\"}",
		          .linux_ = OWN_ID_MAPS, .facts = &user_1000, .mounts = PROC_SYS_QUEUES);
		assert_string_equal(instead(plan, 0), "/proc");
		assert_string_equal(instead(plan, 1), "/sys");
		assert_string_equal(instead(plan, 2), "/dev/mqueue");
	}
	{
		PLAN_CASE(plan, .mounts = PROC_SYS_QUEUES, .namespaces = "{\"type\":\"mount\"}");
		for (unsigned int i = 0; i < 3; i++)
			assert_string_equal(instead(plan, i), "");
	}
}

/* gid 5 of a devpts, where it is mapped and where it is not. */
static void test_terminal_group(void **state)
{
	static const char devpts[] = "{\"destination\":\"/dev/pts\",\"type\":\"devpts\","
				     "\"options\":[\"mode=0620\",\"gid=5\"]}";

	(void)state;
	{
		PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = OWN_ID_MAPS,
		          .facts = &user_1000, .mounts = devpts);
		assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 0)->mount.options.count, 1);
	}
	{
		PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = PLAN_CASE_MAPS,
		          .mounts = devpts);
		assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 0)->mount.options.count, 2);
	}
	{
		PLAN_CASE(plan, .mounts = devpts);
		assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 0)->mount.options.count, 2);
	}
}

/* --- exec ------------------------------------------------------------------------------------ */

static const struct plan *exec_plan(struct arena *a, const struct plan_case *c, const char *root,
                                    struct buf *ret)
{
	const struct oci_config *config = plan_case_config(a, c);
	const struct compile_exec_options options = {
		.config = config,
		.process = config->process,
		.cgroup = "/c1",
		.keyring = "_ses.c1",
		.root = root,
		.root_mount = 77,
		.seccomp_cache = -1,
	};
	struct err e = { 0 };

	if (compile_exec(&options, &plan_case_root, ret, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(plan_check(ret->data, ret->len), 0);
	return (const struct plan *)(const void *)ret->data;
}

static void test_exec(void **state)
{
	static const enum plan_op order[] = {
		PLAN_JOIN, PLAN_CLONE, PLAN_TERMINAL,   PLAN_BOUNDING,  PLAN_UMASK, PLAN_CWD,
		PLAN_IDS,  PLAN_CAPS,  PLAN_EXECUTABLE, PLAN_CLOSE_FDS, PLAN_PARK,  PLAN_EXECVE,
		0
	};
	const struct plan_case c = {
		.process = "\"terminal\":true,\"capabilities\":{\"bounding\":[\"CAP_KILL\","
			   "\"CAP_SYS_ADMIN\"],\"permitted\":[\"CAP_KILL\",\"CAP_SYS_ADMIN\"]}",
	};
	ARENA struct arena a;
	BUF struct buf bytes = { 0 };

	(void)state;
	arena_init(&a, 0);
	const struct plan *plan = exec_plan(&a, &c, NULL, &bytes);
	const struct plan_fd *fd = plan_array(plan, plan->fds);
	assert_int_equal(plan->kind, PLAN_EXEC);
	assert_int_equal(plan->fds.count, 1);
	assert_int_equal(fd->kind, PLAN_FD_CONTAINER);
	assert_int_equal(plan->two_stages, 1);
	assert_int_equal(plan->clone_flags, 0);
	assert_order(plan, order);
	assert_int_equal(plan_case_step(plan, PLAN_JOIN, 0)->join.types,
	                 CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
	                         CLONE_NEWCGROUP);
	assert_int_equal(plan_case_step(plan, PLAN_TERMINAL, 0)->terminal.console, 0);
	assert_int_equal(plan_case_step(plan, PLAN_CAPS, 0)->caps.permitted,
	                 1u << CAP_KILL | 1u << CAP_SYS_ADMIN);
	assert_int_equal(plan_case_step(plan, PLAN_BOUNDING, 0)->caps.bounding,
	                 1u << CAP_KILL | 1u << CAP_SYS_ADMIN);
	/* the caller's keys are not the container's */
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_JOIN_KEYRING, 0)->string),
	                    "_ses.c1");
	assert_int_equal(plan_case_find(plan, PLAN_PIVOT, 0), -1);
	assert_string_equal(plan_text(plan, plan->cgroup.path), "/c1");
}

/* In a mount namespace of others nothing of theirs changes: / stays what it is, and is
 * not pivoted. */
static void test_shared_mounts(void **state)
{
	static const char *const namespaces[] = {
		"{\"type\":\"pid\"}",
		"{\"type\":\"mount\",\"path\":\"/m\"}",
	};

	(void)state;
	for (unsigned int i = 0; i < LEN(namespaces); i++) {
		PLAN_CASE(plan, .namespaces = namespaces[i], .no_pivot = i == 1);
		assert_int_equal(plan_case_find(plan, PLAN_PROPAGATION, 0), -1);
		assert_int_equal(plan_case_find(plan, PLAN_PIVOT, 0), -1);
		assert_int_equal(plan_case_find(plan, PLAN_MOVE_ROOT, 0), -1);
		assert_int_equal(plan_case_find(plan, PLAN_HIDE, 0), -1);
		assert_int_equal(plan_case_step(plan, PLAN_ROOTFS, 0)->rootfs.lasting, 1);
		plan_case_order(plan, PLAN_ENTER_ROOT, PLAN_DEVICE);
	}
	PLAN_CASE(own, 0);
	assert_int_equal(plan_case_step(own, PLAN_ROOTFS, 0)->rootfs.lasting, 0);
}

/* What a process has open is looked up by the launcher: only the path of it is text. */
static void test_magic_sources(void **state)
{
	static const struct {
		const char *source;
		bool magic;
	} cases[] = {
		{ "/proc/self/fd/7", true },   { "/dev/fd/7/below", true },
		{ "/proc/1/root/x", true },    { "/proc/thread-self/cwd", true },
		{ "/proc/../dev/fd/3", true }, { "/proc", false },
		{ "/proc/selfish", false },    { "/proc/sys/kernel", false },
		{ "/dev/fdx", false },         { "/proc/12a/root", false },
	};

	(void)state;
	for (unsigned int i = 0; i < LEN(cases); i++) {
		char mounts[256];
		(void)snprintf(mounts, sizeof(mounts),
		               "{\"destination\":\"/m\",\"type\":\"bind\",\"source\":\"%s\","
		               "\"options\":[\"rbind\"]}",
		               cases[i].source);
		PLAN_CASE(plan, .mounts = mounts);
		const struct plan_step *s = plan_case_step(plan, PLAN_BIND, 0);
		const struct plan_fd *fd = plan_array(plan, plan->fds);

		if (!cases[i].magic) {
			assert_int_equal(s->bind.slot, PLAN_NO_SLOT);
			continue;
		}
		assert_true(s->bind.slot < plan->fds.count);
		fd += s->bind.slot;
		assert_int_equal(fd->kind, PLAN_FD_TREE);
		assert_int_equal(fd->recursive, 1);
		assert_string_equal(plan_text(plan, fd->path), plan_text(plan, s->bind.source));
	}
}

static void test_exec_finds_root(void **state)
{
	const struct plan_case c = { .namespaces = "{\"type\":\"mount\",\"path\":\"/m\"}",
		                     .process = "\"terminal\":true" };
	ARENA struct arena a;
	BUF struct buf bytes = { 0 };

	(void)state;
	arena_init(&a, 0);
	const struct plan *plan = exec_plan(&a, &c, "/r", &bytes);
	const struct plan_step *s = plan_case_step(plan, PLAN_FIND_ROOT, 0);
	assert_string_equal(plan_text(plan, s->find.path), "/r");
	assert_int_equal(s->find.mount, 77);
	plan_case_order(plan, PLAN_JOIN, PLAN_FIND_ROOT);
	plan_case_order(plan, PLAN_FIND_ROOT, PLAN_TERMINAL);
}

static void test_exec_user_namespace(void **state)
{
	const struct plan_case c = { .namespaces = PLAN_CASE_USER_NAMESPACE,
		                     .linux_ = PLAN_CASE_MAPS };
	ARENA struct arena a;
	BUF struct buf bytes = { 0 };

	(void)state;
	arena_init(&a, 0);
	const struct plan *plan = exec_plan(&a, &c, NULL, &bytes);
	assert_int_equal(plan->two_stages, 1);
	assert_int_equal(plan->uid_map.count, 0);
	assert_true(plan_case_step(plan, PLAN_JOIN, 0)->join.types & CLONE_NEWPID);
	assert_int_equal(plan_case_step(plan, PLAN_JOIN, 1)->join.types, CLONE_NEWUSER);
	plan_case_order(plan, PLAN_JOIN, PLAN_CLONE);
	assert_int_equal(plan_case_step(plan, PLAN_CLONE, 0)->clone.clone_flags, 0);
}

/* `initial` is the launcher's own affair; a container's first process has neither. */
static void test_exec_affinity(void **state)
{
	const struct plan_case c = {
		.process = "\"execCPUAffinity\":{\"initial\":\"0\",\"final\":\"1,65-66\"}",
	};
	ARENA struct arena a;
	BUF struct buf exec_bytes = { 0 }, create_bytes = { 0 };

	(void)state;
	arena_init(&a, 0);
	const struct plan *plan = exec_plan(&a, &c, NULL, &exec_bytes);
	const struct plan_step *s = plan_case_step(plan, PLAN_CPU_AFFINITY, 0);
	const uint64_t *words = plan_array(plan, s->bits);
	assert_int_equal(s->bits.count, 2);
	assert_int_equal(words[0], 2);
	assert_int_equal(words[1], 6);
	plan_case_order(plan, PLAN_CPU_AFFINITY, PLAN_JOIN);
	assert_int_equal(plan_case_find(plan, PLAN_CPU_AFFINITY, 1), -1);
	plan = plan_case_plan(&a, &c, &create_bytes);
	assert_int_equal(plan_case_find(plan, PLAN_CPU_AFFINITY, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_no_new_privs),
		cmocka_unit_test(test_order_two_stages),
		cmocka_unit_test(test_one_clone),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_network_joined),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_scope_of_others),
		cmocka_unit_test(test_network_of_user_namespace),
		cmocka_unit_test(test_joined_pid),
		cmocka_unit_test(test_joined_user),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_time_without_offsets),
		cmocka_unit_test(test_rootless),
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_network_of_a_user_namespace),
		cmocka_unit_test(test_instead),
		cmocka_unit_test(test_terminal_group),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_shared_mounts),
		cmocka_unit_test(test_magic_sources),
		cmocka_unit_test(test_exec_finds_root),
		cmocka_unit_test(test_exec_user_namespace),
		cmocka_unit_test(test_exec_affinity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
