/* SPDX-License-Identifier: Apache-2.0 */
/* caisson-init builds a container: namespaces, roots, mounts, masks. */
#include "walk.h"

static void a_container_runs(void **unused)
{
	(void)unused;
	begin(ALL);
	add_root();
	add_mounts();
	add(PLAN_PIVOT);
	add_string(PLAN_HOSTNAME, "walker");
	add(PLAN_LOOPBACK);
	add_string(PLAN_FOLDER, "/made/for/it");
	add_string(PLAN_CWD, "/made/for/it");
	add_program("sh", "echo pid $$ home $HOME cwd $PWD host $(hostname) >/out;"
	                  "ls /proc/self/fd >>/out; ls -l /dev >>/out; cat /proc/mounts >>/out;"
	                  "cat /sys/class/net/lo/flags >>/out 2>&1; exit 7");
	int status = run();
	if (status != 7)
		fail_msg("status %d: %s", status, error.text);
	expect_out("pid 1 home /root-home cwd /made/for/it host walker");
	expect_out("proc /proc proc rw,nosuid");
	expect_out("1,   3");
	expect_out("fd -> /proc/self/fd");
	assert_null(strstr(out(), rootfs)); /* nothing of the host is left */
}

static void a_network_is_made_meanwhile(void **unused)
{
	char ours[64], host[128] = "";

	(void)unused;
	assert_true(readlink("/proc/self/ns/net", host, sizeof(host) - 1) > 0);
	begin(ALL & ~CLONE_NEWNET);
	builder.head.network = 1;
	add_root();
	add_mount("proc", "/proc", NULL, NULL)->mount.flags = PLAN_TARGET_PLAIN;
	add(PLAN_NETWORK);
	add(PLAN_PIVOT);
	add_program("sh", "readlink /proc/self/ns/net >/out; cat /proc/net/dev >>/out;"
	                  "cat /proc/net/fib_trie >>/out; ls /proc/self/fd >>/out");
	expect_ok(run());
	assert_null(strstr(out(), host));
	expect_out("lo:");
	expect_out("127.0.0.1"); /* it is up */
	expect_out("\n0\n1\n2\n3\n");
	assert_null(strstr(out(), "\n4\n")); /* ls has one itself */

	/* the launcher is where it was */
	ssize_t n = readlink("/proc/self/ns/net", ours, sizeof(ours) - 1);
	assert_true(n > 0);
	ours[n] = '\0';
	assert_string_equal(ours, host);
}

/* What the launcher tells too early for init is kept, and then init goes on. */
static void a_cgroup_is_waited_for(void **unused)
{
	(void)unused;
	begin(ALL & ~CLONE_NEWNET);
	builder.head.network = 1;
	builder.head.cgroup.unit = put("a.scope");
	add(PLAN_CGROUP)->value = CLONE_NEWCGROUP;
	add_root();
	add_mount("proc", "/proc", NULL, NULL)->mount.flags = PLAN_TARGET_PLAIN;
	add(PLAN_NETWORK);
	add(PLAN_PIVOT);
	add_program("sh", "cat /proc/self/cgroup >/out");
	expect_ok(run());
	expect_out("0::/\n");
}

static void a_user_namespace_takes_two_stages(void **unused)
{
	const struct plan_idmap map = { .inside = 0, .outside = 100000, .count = 65536 };

	(void)unused;
	assert_int_equal(chown(rootfs, 100000, 100000), 0);
	make_file("out", "", 0666);
	begin(0);
	builder.head.two_stages = 1;
	builder.head.uid_map = plan_put_array(&builder, &map, 1, sizeof(map));
	builder.head.gid_map = plan_put_array(&builder, &map, 1, sizeof(map));
	add(PLAN_OOM_SCORE_ADJ)->value = 500;
	add(PLAN_USER_NAMESPACE);
	add_string(PLAN_TIME_OFFSETS, "boottime 86400 0\n");
	add(PLAN_CLONE)->clone.clone_flags = ALL;
	add_root();
	add_mount("proc", "/proc", NULL, NULL)->mount.flags = PLAN_TARGET_PLAIN;
	add_mount("tmpfs", "/dev", "mode", "755");
	add_device("/dev/null", 1, 3, true);
	add(PLAN_PIVOT);
	add_string(PLAN_MASK, "/proc/timer_list");
	add_program("sh", "id -u >/out; echo pid $$ >>/out; cat /proc/self/uid_map >>/out;"
	                  "cat /proc/self/oom_score_adj >>/out; cat /proc/timer_list >>/out;"
	                  "cat /proc/self/timens_offsets >>/out; echo x >/dev/null");
	expect_ok(run());
	expect_out("0\npid 1\n");
	expect_out("100000");
	expect_out("\n500\n");
	expect_out("boottime        86400");
}

static void paths_are_hidden_and_read_only(void **unused)
{
	(void)unused;
	make_dir("secret");
	make_file("secret/file", "hidden", 0644);
	make_file("a", "hidden", 0644);
	make_file("b", "hidden", 0644);
	make_dir("fixed");
	begin(ALL);
	add_root();
	add_mounts();
	add(PLAN_PIVOT);
	add_string(PLAN_MASK, "/secret");
	add_string(PLAN_MASK, "/a");
	add_string(PLAN_MASK, "/b");
	add_string(PLAN_MASK, "/proc/keys");
	add_string(PLAN_MASK, "/not/there");
	add_string(PLAN_READONLY, "/fixed");
	add_string(PLAN_READONLY, "/proc/sys");
	add_string(PLAN_READONLY, "/not/there");
	add_program("sh",
	            "(ls /secret; cat /a /b /proc/keys; touch /secret/x /fixed/x;"
	            "echo 1 >/proc/sys/kernel/domainname; stat -c %t:%T /a) >/out 2>&1; exit 0");
	expect_ok(run());
	assert_null(strstr(out(), "hidden"));
	expect_out("/secret/x: Read-only");
	expect_out("/fixed/x: Read-only");
	expect_out("domainname: Read-only");
	expect_out("1:3");
}

/* What a mask shares with the next one outlives the sweeps between them. */
static void a_hundred_masks_share_two_covers(void **unused)
{
	char name[32];

	(void)unused;
	begin(ALL);
	add_root();
	add_mounts();
	add(PLAN_PIVOT);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "/d%02d", i);
		make_dir(name + 1);
		add_string(PLAN_MASK, name);
		(void)snprintf(name, sizeof(name), "/d%02d/f", i);
		make_file(name + 1, "hidden", 0644);
		(void)snprintf(name, sizeof(name), "/f%02d", i);
		make_file(name + 1, "hidden", 0644);
		add_string(PLAN_MASK, name);
	}
	add_program(
		"sh",
		"cat /f[0-9]* /d[0-9]*/* >/out 2>/dev/null; grep -c ' /[df][0-9]' /proc/mounts >>/out");
	expect_ok(run());
	assert_string_equal(out(), "100\n");
}

static void a_mask_follows_no_link(void **unused)
{
	(void)unused;
	make_dir("real");
	make_link("real", "link");
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_string(PLAN_MASK, "/link");
	add_program("sh", "exit 0");
	expect_error(run(), "mask /link");
}

static void proc_needs_a_plain_folder(void **unused)
{
	(void)unused;
	make_dir("fake");
	make_link("fake", "proc");
	begin(ALL);
	add_root();
	add_mounts();
	add_program("sh", "exit 0");
	expect_error(run(), "mounted on ordinary directory");
}

static void targets_are_made_inside(void **unused)
{
	char host[] = "/tmp/caisson-decoy-XXXXXX", link[64];

	(void)unused;
	assert_non_null(mkdtemp(host));
	(void)snprintf(link, sizeof(link), "../../../../..%s/in", host);
	make_link(link, "etc/astray");
	make_link("/run/resolve/conf", "etc/resolv.conf");
	make_dir("run");
	make_link("run", "var");
	begin(ALL);
	add_root();
	add_mounts();
	add_bind("/etc/hostname", "/etc/resolv.conf");
	add_bind("/etc", "/etc/astray/deep");
	add_bind("/etc", "/var/lib/x");
	add_bind("/etc/passwd", "/file")->bind.attr.set = MOUNT_ATTR_RDONLY;
	add(PLAN_PIVOT);
	add_program("sh", "(cat /run/resolve/conf && ls /etc/astray/deep/fstab /run/lib/x/fstab;"
	                  "echo >/file) >/out 2>&1; exit 0");
	expect_ok(run());
	expect_out("/etc/astray/deep/fstab");
	expect_out("/run/lib/x/fstab");
	expect_out("/file: Read-only");
	assert_int_equal(rmdir(host), 0); /* still empty */
}

/* What was made in a folder is made where it can be seen, also when another mount has
 * covered the folder meanwhile. */
static void a_covered_folder_is_looked_up_again(void **unused)
{
	(void)unused;
	begin(ALL);
	add_root();
	add_mounts();
	add_mount("tmpfs", "/dev/one", "size", "64k");
	add_mount("tmpfs", "/dev/two", "size", "64k");
	add_mount("tmpfs", "/dev", "mode", "755");
	add_mount("tmpfs", "/dev/three", "size", "64k");
	add_mount("tmpfs", "/dev/four", "size", "64k");
	add(PLAN_PIVOT);
	add_program("sh", "ls /dev >/out");
	expect_ok(run());
	expect_out("four\nthree\n");
	assert_null(strstr(out(), "one"));
	assert_null(strstr(out(), "two"));
}

/* CVE-2026-41579: /dev of the image is a link to a folder of the host. */
static void a_linked_dev_lies_in_the_root(void **unused)
{
	char host[] = "/tmp/caisson-decoy-XXXXXX", inside[128];
	struct stat st;

	(void)unused;
	assert_non_null(mkdtemp(host));
	make_link(host, "dev");
	begin(ALL);
	add_root();
	add_device("/dev/zero", 1, 5, false);
	add_device("/dev/null", 1, 3, true);
	add_link("/proc/self/fd", "/dev/fd");
	add(PLAN_PIVOT);
	add_program("sh", "exit 0");
	expect_ok(run());
	path_in(inside, sizeof(inside), host + 1);
	assert_int_equal(stat(inside, &st), 0); /* the link's end, made in the rootfs */
	assert_int_equal(rmdir(host), 0);       /* the host's folder is still empty */
}

static void broken_steps_are_blamed(void **unused)
{
	(void)unused;
	begin(ALL);
	add_root();
	add_mount("tmpfs", "/dev", "nonsense", "1");
	add_program("sh", "");
	expect_error(run(), "error mounting /dev: nonsense=1");
	begin(ALL);
	add_root();
	add_mount("nofs", "/dev", NULL, NULL);
	add_program("sh", "");
	expect_error(run(), "fsopen: no such device");
	begin(ALL);
	add_root();
	add_bind("/no/such/source", "/x");
	add_program("sh", "");
	expect_error(run(), "/no/such/source");
	begin(ALL);
	add_root();
	make_file("file", "", 0644);
	add_bind("/etc", "/file/x");
	add_program("sh", "");
	expect_error(run(), "error mounting /file/x");
	begin(ALL);
	add_root();
	add_device("/file", 1, 3, false);
	add_program("sh", "");
	expect_error(run(), "device /file: /file mknod: file exists");
}

static void sysctls_are_written_around_proc(void **unused)
{
	(void)unused;
	begin(ALL);
	add_root();
	add_mount("proc", "/proc", NULL, NULL);
	add(PLAN_PIVOT);
	plan_str path = put("net/ipv4/ip_default_ttl"), value = put("33");
	struct plan_step *step = add(PLAN_SYSCTL);
	step->sysctl.path = path;
	step->sysctl.value = value;
	add_program("sh", "cat /proc/sys/net/ipv4/ip_default_ttl >/out");
	expect_ok(run());
	expect_out("33\n");
	begin(ALL);
	add_root();
	path = put("../1/comm");
	step = add(PLAN_SYSCTL);
	step->sysctl.path = path;
	step->sysctl.value = value;
	add_program("sh", "");
	expect_error(run(), "sysctl ../1/comm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WALK_TEST(a_container_runs),
		WALK_TEST(a_network_is_made_meanwhile),
		WALK_TEST(a_cgroup_is_waited_for),
		WALK_TEST(a_user_namespace_takes_two_stages),
		WALK_TEST(paths_are_hidden_and_read_only),
		WALK_TEST(a_hundred_masks_share_two_covers),
		WALK_TEST(a_mask_follows_no_link),
		WALK_TEST(proc_needs_a_plain_folder),
		WALK_TEST(targets_are_made_inside),
		WALK_TEST(a_covered_folder_is_looked_up_again),
		WALK_TEST(a_linked_dev_lies_in_the_root),
		WALK_TEST(broken_steps_are_blamed),
		WALK_TEST(sysctls_are_written_around_proc),
	};

	if (!can_walk())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
