/* SPDX-License-Identifier: Apache-2.0 */
/* What each field of a config turns into. */
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "plan_case.h"

/* --- root, devices, mounts ---------------------------------------------------------------- */

static void test_rootfs(void **state)
{
	(void)state;
	PLAN_CASE(plan, 0);
	const struct plan_step *s = plan_case_step(plan, PLAN_ROOTFS, 0);
	assert_string_equal(plan_text(plan, s->rootfs.path), "/bundle/rootfs");
	assert_int_equal(s->rootfs.propagation, MS_SLAVE | MS_REC);
	assert_int_equal(plan_case_step(plan, PLAN_PROPAGATION, 0)->propagation, MS_SLAVE | MS_REC);
	assert_int_equal(plan_case_find(plan, PLAN_ROOT_READONLY, 0), -1);
	assert_int_equal(plan_case_find(plan, PLAN_ROOT_PROPAGATION, 0), -1);
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_KEYRING, 0)->string),
	                    "_ses.c1");
}

static void test_private_rootfs(void **state)
{
	(void)state;
	PLAN_CASE(plan, .linux_ = "\"rootfsPropagation\":\"rprivate\"", .no_new_keyring = true);
	assert_int_equal(plan_case_step(plan, PLAN_ROOTFS, 0)->rootfs.propagation,
	                 MS_PRIVATE | MS_REC);
	assert_int_equal(plan_case_step(plan, PLAN_ROOT_PROPAGATION, 0)->propagation, MS_PRIVATE);
	assert_int_equal(plan_case_find(plan, PLAN_KEYRING, 0), -1);
}

static void test_default_devices(void **state)
{
	static const char *const paths[] = { "/dev/null",   "/dev/zero",    "/dev/full",
		                             "/dev/random", "/dev/urandom", "/dev/tty" };

	(void)state;
	PLAN_CASE(plan, 0);
	for (unsigned int i = 0; i < LEN(paths); i++) {
		const struct plan_step *s = plan_case_step(plan, PLAN_DEVICE, i);

		assert_string_equal(plan_text(plan, s->device.path), paths[i]);
		assert_int_equal(s->device.mode, S_IFCHR | 0666);
		assert_int_equal(s->device.how, PLAN_DEVICE_MAKE);
	}
	assert_int_equal(plan_case_find(plan, PLAN_DEVICE, LEN(paths)), -1);
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_SYMLINK, 4)->link.target),
	                    "pts/ptmx");
}

/* CVE-2023-25809: without a namespace of its own a container sees its own group only,
 * and cannot write, whatever the options say. */
static void test_cgroup_without_namespace(void **state)
{
	(void)state;
	PLAN_CASE(plan, .namespaces = "{\"type\":\"mount\"}",
	          .mounts = "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\","
	                    "\"source\":\"cgroup\",\"options\":[\"nosuid\",\"rw\"]}");
	const struct plan_step *s = plan_case_step(plan, PLAN_BIND, 0);

	assert_int_equal(plan_case_find(plan, PLAN_CGROUP_MOUNT, 0), -1);
	assert_string_equal(plan_text(plan, s->bind.target), "/sys/fs/cgroup");
	const char *path = plan_text(plan, plan->cgroup.path);
	const char *source = plan_text(plan, s->bind.source);
	assert_string_equal(source + strlen(source) - strlen(path), path);
	assert_true(s->bind.attr.set_all & MOUNT_ATTR_RDONLY);
	assert_true(s->bind.attr.set_all & MOUNT_ATTR_NOSUID);
	assert_int_equal(s->bind.flags & PLAN_BIND_RECURSIVE, 0);
}

static void test_devices(void **state)
{
	(void)state;
	PLAN_CASE(
		plan,
		.linux_ =
			"\"devices\":[{\"path\":\"/dev//null\",\"type\":\"c\",\"major\":1,\"minor\":3,"
			"\"fileMode\":384,\"uid\":7,\"gid\":8},"
			"{\"path\":\"/dev/pipe\",\"type\":\"p\"},"
			"{\"path\":\"/dev/ptmx\",\"type\":\"c\",\"major\":5,\"minor\":2}]");
	const struct plan_step *null = plan_case_step(plan, PLAN_DEVICE, 5);
	assert_string_equal(plan_text(plan, null->device.path), "/dev/null");
	assert_int_equal(null->device.mode, S_IFCHR | 0600);
	assert_int_equal(null->device.uid, 7);
	assert_int_equal(null->device.gid, 8);
	assert_int_equal(plan_case_step(plan, PLAN_DEVICE, 6)->device.mode, S_IFIFO | 0666);
	assert_int_equal(plan_case_find(plan, PLAN_DEVICE, 7), -1);
}

/* The host's own /dev is left as it is. */
static void test_bound_dev(void **state)
{
	(void)state;
	PLAN_CASE(
		plan,
		.mounts = "{\"destination\":\"/dev/\",\"source\":\"/dev\",\"options\":[\"rbind\"]}",
		.linux_ =
			"\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":3}]");
	assert_int_equal(plan_case_find(plan, PLAN_DEVICE, 0), -1);
	assert_int_equal(plan_case_find(plan, PLAN_SYMLINK, 0), -1);
}

static void test_new_filesystem(void **state)
{
	(void)state;
	PLAN_CASE(plan,
	          .mounts = "{\"destination\":\"x/../dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
	                    "\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"sync\"]},"
	                    "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}");
	const struct plan_mount *m = &plan_case_step(plan, PLAN_MOUNT, 0)->mount;
	const struct plan_option *o = plan_array(plan, m->options);
	assert_string_equal(plan_text(plan, m->target), "/dev");
	assert_string_equal(plan_text(plan, m->fstype), "tmpfs");
	assert_int_equal(m->attr, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
	assert_int_equal(m->flags, 0);
	assert_int_equal(m->options.count, 2);
	assert_string_equal(plan_text(plan, o[0].key), "sync");
	assert_int_equal(o[0].value, 0);
	assert_string_equal(plan_text(plan, o[1].key), "mode");
	assert_string_equal(plan_text(plan, o[1].value), "755");
	assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 1)->mount.flags, PLAN_TARGET_PLAIN);
}

#define TMPFS(target, options)                                \
	"{\"destination\":\"" target "\",\"type\":\"tmpfs\"," \
	"\"options\":[" options "]}"

/* What a tmpfs takes from the folder below it: all that its options do not give. */
static void test_tmpfs_covers(void **state)
{
	(void)state;
	PLAN_CASE(plan, .mounts = TMPFS("/a", "") "," TMPFS("/b", "\"mode=755\"") "," TMPFS(
				"/c", "\"tmpcopyup\"") "," TMPFS("/d", "\"tmpcopyup\",\"uid=1\""));
	const uint32_t flags[] = {
		PLAN_COVER_MODE,
		0,
		PLAN_COVER_MODE | PLAN_COVER_OWNER | PLAN_COVER_CONTENT,
		PLAN_COVER_MODE | PLAN_COVER_CONTENT,
	};
	for (unsigned int i = 0; i < LEN(flags); i++)
		assert_int_equal(plan_case_step(plan, PLAN_MOUNT, i)->mount.flags, flags[i]);
	assert_int_equal(plan_case_find(plan, PLAN_REMOUNT, 0), -1);
}

/* Read-only when the devices, folders and links are there, and only what is seen. */
static void test_read_only_late(void **state)
{
	(void)state;
	PLAN_CASE(plan,
	          .mounts =
	                  TMPFS("/dev", "\"ro\",\"nosuid\"") "," TMPFS("/two", "\"ro\"") "," TMPFS(
				  "/two", "") ",{\"destination\":\"/sys\",\"type\":\"sysfs\","
	                                      "\"options\":[\"ro\"]}");
	const struct plan_step *s = plan_case_step(plan, PLAN_REMOUNT, 0);
	assert_string_equal(plan_text(plan, s->remount.target), "/dev");
	assert_int_equal(s->remount.attr.set, MOUNT_ATTR_RDONLY);
	assert_true(plan_case_find(plan, PLAN_REMOUNT, 0) > plan_case_find(plan, PLAN_PIVOT, 0));
	assert_int_equal(plan_case_find(plan, PLAN_REMOUNT, 1), -1);
	assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 0)->mount.attr, MOUNT_ATTR_NOSUID);
	assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 1)->mount.attr, MOUNT_ATTR_RDONLY);
	assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 3)->mount.attr, MOUNT_ATTR_RDONLY);
}

static void test_binds(void **state)
{
	(void)state;
	PLAN_CASE(plan,
	          .mounts = "{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"vol\"},"
	                    "{\"destination\":\"/b\",\"type\":\"none\",\"source\":\"/v\","
	                    "\"options\":[\"rbind\",\"ro\",\"rro\",\"rprivate\"]},"
	                    "{\"destination\":\"/proc/meminfo\",\"type\":\"bind\","
	                    "\"source\":\"/var/lib/lxcfs/proc/meminfo\"},"
	                    "{\"destination\":\"/proc\",\"type\":\"bind\",\"source\":\"/proc\"}");
	const struct plan_bind *a = &plan_case_step(plan, PLAN_BIND, 0)->bind;
	const struct plan_bind *b = &plan_case_step(plan, PLAN_BIND, 1)->bind;
	assert_string_equal(plan_text(plan, a->source), "/bundle/vol");
	assert_int_equal(a->slot, PLAN_NO_SLOT);
	assert_int_equal(a->flags | a->propagation, 0);
	assert_int_equal(a->attr.set | a->attr.clear | a->attr.set_all | a->attr.clear_all, 0);
	assert_int_equal(b->flags, PLAN_BIND_RECURSIVE);
	assert_int_equal(b->attr.set, 0);
	assert_int_equal(b->attr.set_all, MOUNT_ATTR_RDONLY);
	assert_int_equal(b->propagation, MS_PRIVATE | MS_REC);
	assert_true(plan_case_find(plan, PLAN_BIND, 3) > 0);
}

/* What holds for all mounts wins over what holds for the first; alone, there is no
 * difference. */
/* A bind with any plain flag has these alone. */
#define BUT(named)                                                                                 \
	((uint32_t)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
	            MOUNT_ATTR_NOSYMFOLLOW) &                                                      \
	 ~(uint32_t)(named))

static void test_attributes(void **state)
{
	static const struct {
		const char *options;
		struct plan_attr attr;
	} cases[] = {
		{ "\"bind\"", { 0 } },
		{ "\"bind\",\"ro\",\"suid\"",
		  { .set_all = MOUNT_ATTR_RDONLY, .clear_all = BUT(MOUNT_ATTR_RDONLY) } },
		{ "\"bind\",\"rro\"", { .set_all = MOUNT_ATTR_RDONLY } },
		{ "\"bind\",\"rro\",\"nosuid\"",
		  { .set_all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
		    .clear_all = BUT(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID) } },
		{ "\"rbind\",\"ro\",\"suid\"",
		  { .set = MOUNT_ATTR_RDONLY, .clear = BUT(MOUNT_ATTR_RDONLY) } },
		{ "\"rbind\",\"ro\",\"rnosuid\"",
		  { .set = MOUNT_ATTR_RDONLY,
		    .clear = BUT(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID),
		    .set_all = MOUNT_ATTR_NOSUID } },
		{ "\"rbind\",\"rro\",\"rw\",\"exec\"",
		  { .set_all = MOUNT_ATTR_RDONLY, .clear = BUT(MOUNT_ATTR_RDONLY) } },
		{ "\"rbind\",\"ro\",\"rrw\"",
		  { .clear = BUT(MOUNT_ATTR_RDONLY), .clear_all = MOUNT_ATTR_RDONLY } },
		{ "\"rbind\",\"noatime\",\"rstrictatime\",\"nodev\"",
		  { .set_all = MOUNT_ATTR_STRICTATIME,
		    .clear_all = MOUNT_ATTR__ATIME,
		    .set = MOUNT_ATTR_NODEV,
		    .clear = BUT(MOUNT_ATTR_NODEV) | MOUNT_ATTR_NODIRATIME } },
		{ "\"rbind\",\"noatime\",\"rrelatime\"",
		  { .clear = BUT(0) | MOUNT_ATTR_NODIRATIME, .clear_all = MOUNT_ATTR__ATIME } },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		ARENA struct arena a;
		arena_init(&a, 0);
		PLAN_CASE(plan, .mounts = arena_printf(&a,
		                                       "{\"destination\":\"/a\",\"source\":"
		                                       "\"/v\",\"options\":[%s]}",
		                                       cases[i].options));
		const struct plan_attr *attr = &plan_case_step(plan, PLAN_BIND, 0)->bind.attr;

		assert_memory_equal(attr, &cases[i].attr, sizeof(*attr));
	}
}

/* The bundle of these cases is /bundle, its rootfs /bundle/rootfs. */
static void test_target_below_rootfs(void **state)
{
	(void)state;
	PLAN_CASE(plan, .mounts = TMPFS("/bundle/rootfs/../rootfs/a",
	                                "") "," TMPFS("/bundle/rootfsx", ""));
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_MOUNT, 0)->mount.target),
	                    "/a");
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_MOUNT, 1)->mount.target),
	                    "/bundle/rootfsx");
}

/* Without pivot_root the host's procfs and sysfs go one by one, but for those that
 * are in the rootfs. */
static void test_no_pivot(void **state)
{
	static const char *const mounts[] = { "/proc", "/bundle/rootfs/proc", "/sys" };
	struct host_facts facts = plan_case_root;

	(void)state;
	facts.kernel_mounts = (struct oci_strings){ .v = (const char *const *)mounts, .n = 3 };
	PLAN_CASE(plan, .no_pivot = true, .facts = &facts);
	assert_int_equal(plan_case_find(plan, PLAN_PIVOT, 0), -1);
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_HIDE, 0)->string), "/proc");
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_HIDE, 1)->string), "/sys");
	assert_int_equal(plan_case_find(plan, PLAN_HIDE, 2), -1);
	assert_true(plan_case_find(plan, PLAN_MOVE_ROOT, 0) > plan_case_find(plan, PLAN_HIDE, 1));
}

/* Nodes of the config are the host's to make; an id without a place there cannot be
 * had, and without rights over the host its own node has to do. */
static void test_lent_devices(void **state)
{
	static const char devices[] =
		PLAN_CASE_MAPS ",\"devices\":[{\"path\":\"/dev/a\",\"type\":\"b\",\"major\":1,"
			       "\"minor\":5,\"fileMode\":111,\"uid\":10,\"gid\":11},"
			       "{\"path\":\"/dev/b\",\"type\":\"c\",\"major\":1,\"minor\":5,"
			       "\"uid\":5000},"
			       "{\"path\":\"/dev/c\",\"type\":\"p\",\"uid\":10}]";
	const struct plan_step *s;

	(void)state;
	PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = devices);
	assert_int_equal(plan_case_step(plan, PLAN_DEVICE, 0)->device.how, PLAN_DEVICE_BIND);
	s = plan_case_step(plan, PLAN_DEVICE, 6);
	assert_int_equal(s->device.how, PLAN_DEVICE_LENT);
	assert_int_equal(s->device.mode, S_IFBLK | 0157);
	assert_int_equal(s->device.uid, 100010);
	assert_int_equal(s->device.gid, 200011);
	assert_int_equal(plan_case_step(plan, PLAN_DEVICE, 7)->device.how, PLAN_DEVICE_BIND);
	s = plan_case_step(plan, PLAN_DEVICE, 8);
	assert_int_equal(s->device.how, PLAN_DEVICE_MAKE);
	assert_int_equal(s->device.uid, 10);
}

#define CGROUP_MOUNT(options)                                      \
	"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\"," \
	"\"options\":[" options "]}"

static uint32_t owner_of(const char *namespaces, const char *linux_, const char *user,
                         const char *mounts)
{
	PLAN_CASE(plan, .namespaces = namespaces, .linux_ = linux_, .user = user, .mounts = mounts);
	return plan->cgroup.owner;
}

/* A group is given away only if all of it is the container's, and writable. */
static void test_cgroup_owner(void **state)
{
	static const char user[] = "{\"uid\":7,\"gid\":8}", rw[] = CGROUP_MOUNT("\"rw\"");
	static const char joined[] = PLAN_CASE_NAMESPACES ",{\"type\":\"user\",\"path\":\"/u\"}";

	(void)state;
	assert_int_equal(owner_of(PLAN_CASE_USER_NAMESPACE, PLAN_CASE_MAPS, user, rw), 100007);
	assert_int_equal(owner_of(NULL, NULL, user, rw), 7);
	assert_int_equal(owner_of(NULL, NULL, NULL, rw), PLAN_NO_OWNER);
	assert_int_equal(owner_of(NULL, NULL, user, CGROUP_MOUNT("\"rro\"")), PLAN_NO_OWNER);
	assert_int_equal(owner_of(NULL, NULL, user, NULL), PLAN_NO_OWNER);
	assert_int_equal(owner_of("{\"type\":\"mount\"}", NULL, user, rw), PLAN_NO_OWNER);
	assert_int_equal(owner_of(joined, NULL, user, rw), PLAN_NO_OWNER);
}

/* One label for all files of what is mounted anew; an empty one is none. */
static void test_mount_label(void **state)
{
	struct host_facts facts = plan_case_root;
	static const char mounts[] = TMPFS("/a", "\"mode=755\"") ",{\"destination\":\"/proc\","
								 "\"type\":\"proc\"}";

	(void)state;
	facts.selinux = true;
	PLAN_CASE(plan, .facts = &facts, .mounts = mounts,
	          .linux_ = "\"mountLabel\":\"u:r:t:s0:c1,c2\"");
	const struct plan_mount *m = &plan_case_step(plan, PLAN_MOUNT, 0)->mount;
	const struct plan_option *o = plan_array(plan, m->options);
	assert_int_equal(m->options.count, 2);
	assert_string_equal(plan_text(plan, o[1].key), "context");
	assert_string_equal(plan_text(plan, o[1].value), "u:r:t:s0:c1,c2");
	assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 1)->mount.options.count, 0);
}

static void test_no_mount_label(void **state)
{
	(void)state;
	PLAN_CASE(plan, .mounts = TMPFS("/a", ""), .linux_ = "\"mountLabel\":\"\"");
	assert_int_equal(plan_case_step(plan, PLAN_MOUNT, 0)->mount.options.count, 0);
}

static void test_remount(void **state)
{
	(void)state;
	PLAN_CASE(plan, .mounts = TMPFS("/a", "") ",{\"destination\":\"/a\",\"options\":["
	                                          "\"remount\",\"ro\",\"rnosuid\","
	                                          "\"shared\"]}");
	const struct plan_step *s = plan_case_step(plan, PLAN_REMOUNT, 0);
	assert_string_equal(plan_text(plan, s->remount.target), "/a");
	assert_int_equal(s->remount.attr.set, MOUNT_ATTR_RDONLY);
	assert_int_equal(s->remount.attr.set_all, MOUNT_ATTR_NOSUID);
	assert_int_equal(s->remount.propagation, MS_SHARED);
	assert_true(plan_case_find(plan, PLAN_REMOUNT, 0) > plan_case_find(plan, PLAN_MOUNT, 0));
	assert_true(plan_case_find(plan, PLAN_REMOUNT, 0) < plan_case_find(plan, PLAN_DEVICE, 0));
}

#define MAPPED(options, maps) \
	"{\"destination\":\"/a\",\"source\":\"/v\",\"options\":[" options "]" maps "}"
#define MAPS                                                                              \
	",\"uidMappings\":[{\"containerID\":1,\"hostID\":2,\"size\":3}],\"gidMappings\":" \
	"[{\"containerID\":4,\"hostID\":5,\"size\":6}]"

static void expect_maps(const struct plan *plan, unsigned int index, uint32_t flags,
                        struct plan_idmap uid, struct plan_idmap gid)
{
	const struct plan_bind *b = &plan_case_step(plan, PLAN_BIND, index)->bind;

	assert_int_equal(b->flags, flags);
	assert_int_equal(b->slot, PLAN_NO_SLOT);
	assert_int_equal(b->id_maps > 0, uid.count > 0);
	if (uid.count == 0)
		return;
	const struct plan_id_maps *maps = plan_maps(plan, b->id_maps);
	assert_int_equal(maps->uid.count, 1);
	assert_int_equal(maps->gid.count, 1);
	assert_memory_equal(plan_array(plan, maps->uid), &uid, sizeof(uid));
	assert_memory_equal(plan_array(plan, maps->gid), &gid, sizeof(gid));
}

/* Given beside the options, in them, or by the user namespace. */
static void test_id_maps(void **state)
{
	(void)state;
	PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = PLAN_CASE_MAPS,
	          .mounts = MAPPED("\"bind\"", MAPS) "," MAPPED(
			  "\"rbind\",\"ridmap\",\"shared\"",
			  MAPS) "," MAPPED("\"bind\",\"idmap\"",
	                                   "") "," MAPPED("\"bind\",\"idmap=gids=7-8-9;"
	                                                  "uids=@1-2-3\"",
	                                                  "") "," MAPPED("\"bind\"", ""));
	const struct plan_idmap uid = { 1, 2, 3 }, gid = { 4, 5, 6 }, none = { 0 };
	expect_maps(plan, 0, PLAN_BIND_IDMAP, uid, gid);
	expect_maps(plan, 1, PLAN_BIND_RECURSIVE | PLAN_BIND_IDMAP_ALL, uid, gid);
	expect_maps(plan, 2, PLAN_BIND_IDMAP, none, none);
	expect_maps(plan, 3, PLAN_BIND_IDMAP, (struct plan_idmap){ 1, 100002, 3 },
	            (struct plan_idmap){ 7, 8, 9 });
	expect_maps(plan, 4, 0, none, none);
	assert_int_equal(plan_case_find(plan, PLAN_CLONE_SHARED, 0), -1);
}

static void test_shared_bind_below_a_root_that_is_not(void **state)
{
	(void)state;
	PLAN_CASE(plan, .mounts = PLAN_CASE_SHARED_MOUNT);
	assert_int_equal(plan_case_find(plan, PLAN_CLONE_SHARED, 0), -1);
}

/* Its slot comes after those that the launcher fills. */
static void test_shared_bind(void **state)
{
	(void)state;
	PLAN_CASE(plan, .mounts = PLAN_CASE_SHARED_MOUNT,
	          .linux_ = "\"rootfsPropagation\":\"shared\"",
	          .namespaces = "{\"type\":\"mount\"},{\"type\":\"pid\",\"path\":\"/p\"}");
	const struct plan_step *clone = plan_case_step(plan, PLAN_CLONE_SHARED, 0);
	assert_int_equal(plan->fds.count, 2);
	assert_int_equal(clone->tree.slot, 2);
	assert_int_equal(clone->tree.recursive, 1);
	assert_int_equal(plan_case_step(plan, PLAN_BIND, 0)->bind.slot, 2);
}

/* --- process -------------------------------------------------------------------------------- */

static const char *env_at(const struct plan *plan, unsigned int index)
{
	const struct plan_step *s = plan_case_step(plan, PLAN_EXECVE, 0);
	const plan_vector_entry *entry = plan_array(plan, s->exec.envp);

	assert_true(index <= s->exec.envp.count);
	return plan_text(plan, (plan_str)entry[index]);
}

static void test_environment(void **state)
{
	(void)state;
	PLAN_CASE(plan,
	          .process = "\"env\":[\"A=1\",\"PATH=/x\",\"B=2\",\"A=3\",\"HOME=\",\"PATH=/y\"]");
	assert_string_equal(env_at(plan, 0), "B=2");
	assert_string_equal(env_at(plan, 1), "A=3");
	assert_string_equal(env_at(plan, 2), "PATH=/y");
	assert_null(env_at(plan, 3));
	assert_null(env_at(plan, 4));
	const struct plan_step *s = plan_case_step(plan, PLAN_EXECVE, 0);
	assert_int_equal(s->exec.envp.count, 4);
	assert_string_equal(plan_text(plan, s->exec.search), "/y");
	assert_int_equal(plan_case_step(plan, PLAN_ENVIRONMENT, 0)->home.env_slot, 3);
}

/* What a service manager gave the runtime; the config's own variables mean nothing. */
static void test_activation(void **state)
{
	(void)state;
	PLAN_CASE(plan, .process = "\"env\":[\"LISTEN_PID=7\",\"NOTIFY_SOCKET=/x\",\"A=1\"]",
	          .listen_fds = 2, .preserve_fds = 2, .notify_folder = "/run/c/c1/notify");
	assert_string_equal(env_at(plan, 0), "A=1");
	assert_string_equal(env_at(plan, 1), "LISTEN_FDS=2");
	assert_string_equal(env_at(plan, 2), "LISTEN_PID=1");
	assert_string_equal(env_at(plan, 3), "NOTIFY_SOCKET=/run/notify/notify.sock");
	const struct plan_fd *fd = plan_array(plan, plan->fds);
	assert_int_equal(fd[0].kind, PLAN_FD_TREE);
	assert_string_equal(plan_text(plan, fd[0].path), "/run/c/c1/notify");
	const struct plan_step *s = plan_case_step(plan, PLAN_BIND, 0);
	assert_int_equal(s->bind.slot, 0);
	assert_string_equal(plan_text(plan, s->bind.target), "/run/notify");
	assert_true(s->bind.attr.set & MOUNT_ATTR_RDONLY);
	assert_int_equal(plan_case_step(plan, PLAN_CLOSE_FDS, 0)->value, 5);
}

static void test_home_given(void **state)
{
	(void)state;
	PLAN_CASE(plan, .process = "\"env\":[\"HOME=/h\"]");
	assert_int_equal(plan_case_find(plan, PLAN_ENVIRONMENT, 0), -1);
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_EXECVE, 0)->exec.search),
	                    "/bin:/usr/bin");
}

static void test_no_capabilities(void **state)
{
	(void)state;
	PLAN_CASE(plan, 0);
	const struct plan_step *s = plan_case_step(plan, PLAN_CAPS, 0);
	assert_int_equal(s->caps.bounding | s->caps.effective | s->caps.permitted |
	                         s->caps.inheritable | s->caps.ambient,
	                 0);
	assert_int_equal(plan_case_step(plan, PLAN_BOUNDING, 0)->caps.bounding, 0);
}

static void test_capabilities(void **state)
{
	(void)state;
	PLAN_CASE(plan, .process = "\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_CHOWN\"],"
	                           "\"permitted\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"]}");
	const struct plan_step *s = plan_case_step(plan, PLAN_CAPS, 0);
	assert_int_equal(plan_case_step(plan, PLAN_BOUNDING, 0)->caps.bounding,
	                 1u << CAP_KILL | 1u << CAP_CHOWN);
	assert_int_equal(s->caps.permitted, 1u << CAP_KILL);
	assert_int_equal(s->caps.effective, 1u << CAP_KILL);
	assert_int_equal(s->caps.inheritable, 0);
}

static void test_user(void **state)
{
	(void)state;
	PLAN_CASE(plan, .user = "{\"uid\":5,\"gid\":6,\"umask\":63,\"additionalGids\":[7,8]}",
	          .preserve_fds = 3);
	const struct plan_step *s = plan_case_step(plan, PLAN_IDS, 0);
	const uint32_t *groups = plan_array(plan, s->ids.groups);
	assert_int_equal(s->ids.uid, 5);
	assert_int_equal(s->ids.gid, 6);
	assert_int_equal(s->ids.groups.count, 2);
	assert_int_equal(groups[1], 8);
	assert_int_equal(s->ids.keep_groups, 0);
	assert_int_equal(plan_case_step(plan, PLAN_UMASK, 0)->value, 63);
	assert_int_equal(plan_case_step(plan, PLAN_CLOSE_FDS, 0)->value, 6);
	assert_int_equal(plan->preserve_fds, 3);
}

static void test_defaults(void **state)
{
	(void)state;
	PLAN_CASE(plan, .top = "\"annotations\":{\"run.oci.keep_original_groups\":\"1\"}");
	assert_int_equal(plan_case_step(plan, PLAN_UMASK, 0)->value, 022);
	assert_int_equal(plan_case_step(plan, PLAN_UMASK, 0)->origin, 0);
	assert_int_equal(plan_case_step(plan, PLAN_CLOSE_FDS, 0)->value, 3);
	assert_int_equal(plan_case_step(plan, PLAN_IDS, 0)->ids.keep_groups, 1);
	assert_int_equal(plan->terminal, 0);
	assert_string_equal(plan_text(plan, plan->cgroup.path), "/c1");
	assert_int_not_equal(plan->cgroup.devices.count, 0);
}

static void test_raised_limits(void **state)
{
	struct host_facts facts = plan_case_root;

	(void)state;
	facts.hard_limits[RLIMIT_NOFILE] = 1024;
	facts.hard_limits[RLIMIT_CORE] = UINT64_MAX;
	PLAN_CASE(plan, .namespaces = PLAN_CASE_USER_NAMESPACE, .linux_ = PLAN_CASE_MAPS,
	          .process = "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":0},"
	                     "{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":4096}]",
	          .facts = &facts);
	const struct plan_step *s = plan_case_step(plan, PLAN_RLIMIT, 0);
	assert_int_equal(s->rlimit.resource, RLIMIT_NOFILE);
	assert_int_equal(s->rlimit.soft, 4096);
	assert_int_equal(s->rlimit.hard, 4096);
	assert_int_equal(plan_case_step(plan, PLAN_RLIMIT, 1)->rlimit.resource, RLIMIT_CORE);
	assert_int_equal(plan_case_step(plan, PLAN_RLIMIT, 2)->rlimit.soft, 10);
	assert_int_equal(plan_case_find(plan, PLAN_RLIMIT, 3), -1);
	plan_case_order(plan, PLAN_RLIMIT, PLAN_USER_NAMESPACE);
}

static void test_labels(void **state)
{
	struct host_facts facts = plan_case_root;

	(void)state;
	facts.apparmor = facts.selinux = true;
	PLAN_CASE(plan,
	          .process = "\"apparmorProfile\":\"docker-default\",\"selinuxLabel\":\"u:r:t\"",
	          .facts = &facts);
	/* the session's keyring has it, too */
	const struct plan_step *s = plan_case_step(plan, PLAN_LABEL, 0);
	assert_string_equal(plan_text(plan, s->label.attribute), "keycreate");
	assert_string_equal(plan_text(plan, s->label.value), "u:r:t");
	assert_int_equal(plan_case_find(plan, PLAN_KEYRING, 0),
	                 plan_case_find(plan, PLAN_LABEL, 0) + 1);
	s = plan_case_step(plan, PLAN_LABEL, 1);
	assert_string_equal(plan_text(plan, s->label.attribute), "apparmor/exec");
	assert_string_equal(plan_text(plan, s->label.value), "exec docker-default");
	s = plan_case_step(plan, PLAN_LABEL, 2);
	assert_string_equal(plan_text(plan, s->label.attribute), "exec");
	assert_string_equal(plan_text(plan, s->label.value), "u:r:t");
	assert_true(plan_case_find(plan, PLAN_LABEL, 1) > plan_case_find(plan, PLAN_PIVOT, 0));
	assert_true(plan_case_find(plan, PLAN_LABEL, 2) < plan_case_find(plan, PLAN_BOUNDING, 0));
}

static void test_no_keyring_no_label(void **state)
{
	struct host_facts facts = plan_case_root;

	(void)state;
	facts.selinux = true;
	PLAN_CASE(plan, .process = "\"selinuxLabel\":\"u:r:t\"", .facts = &facts,
	          .no_new_keyring = true);
	assert_string_equal(plan_text(plan, plan_case_step(plan, PLAN_LABEL, 0)->label.attribute),
	                    "exec");
}

/* A hook gets nothing but its own environment: not the process's, not ours. */
static void test_hooks(void **state)
{
	(void)state;
	PLAN_CASE(
		plan, .process = "\"env\":[\"LD_PRELOAD=/evil.so\"]",
		.top = "\"hooks\":{\"createContainer\":[{\"path\":\"/h\",\"timeout\":9}],"
		       "\"startContainer\":[{\"path\":\"/s\",\"args\":[\"s\",\"x\"],\"env\":[\"E=1\"]}]}");
	const struct plan_step *host = plan_case_step(plan, PLAN_HOOK_HOST, 0);
	const plan_vector_entry *argv = plan_array(plan, host->hook.argv);
	assert_int_equal(host->hook.envp.count, 0);
	assert_int_equal(host->hook.argv.count, 1);
	assert_string_equal(plan_text(plan, (plan_str)argv[0]), "/h");
	assert_int_equal(host->hook.timeout_s, 9);
	assert_int_equal(plan->runtime_hooks, 1);
	assert_true(plan_case_find(plan, PLAN_WAIT_HOOKS, 0) > 0);

	const struct plan_step *start = plan_case_step(plan, PLAN_HOOK_CONTAINER, 0);
	assert_int_equal(start->hook.envp.count, 1);
	assert_int_equal(start->hook.argv.count, 2);
	assert_string_equal(plan_text(plan, start->origin), "hooks.startContainer[0]");
}

static void test_no_hooks_to_wait_for(void **state)
{
	(void)state;
	PLAN_CASE(plan,
	          .top = "\"hooks\":{\"startContainer\":[{\"path\":\"/s\"}],"
	                 "\"poststart\":[{\"path\":\"/p\"}],\"poststop\":[{\"path\":\"/p\"}]}");
	assert_int_equal(plan_case_find(plan, PLAN_WAIT_HOOKS, 0), -1);
	assert_int_equal(plan->runtime_hooks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rootfs),
		cmocka_unit_test(test_private_rootfs),
		cmocka_unit_test(test_default_devices),
		cmocka_unit_test(test_cgroup_without_namespace),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_bound_dev),
		cmocka_unit_test(test_new_filesystem),
		cmocka_unit_test(test_tmpfs_covers),
		cmocka_unit_test(test_read_only_late),
		cmocka_unit_test(test_binds),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_target_below_rootfs),
		cmocka_unit_test(test_no_pivot),
		cmocka_unit_test(test_lent_devices),
		cmocka_unit_test(test_cgroup_owner),
		cmocka_unit_test(test_mount_label),
		cmocka_unit_test(test_no_mount_label),
		cmocka_unit_test(test_remount),
		cmocka_unit_test(test_id_maps),
		cmocka_unit_test(test_shared_bind_below_a_root_that_is_not),
		cmocka_unit_test(test_shared_bind),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_activation),
		cmocka_unit_test(test_home_given),
		cmocka_unit_test(test_no_capabilities),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_raised_limits),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_no_keyring_no_label),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_no_hooks_to_wait_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
