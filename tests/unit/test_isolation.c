/* SPDX-License-Identifier: Apache-2.0 */
/* isolation.c, vm_refuse.c: who decides what holds a container, and what a guest gets. */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan_case.h"
#include "runtime/admin.h"
#include "runtime/backend.h"
#include "runtime/isolation.h"
#include "runtime/vm_box.h"

#define VM_TOP \
	"\"vm\":{\"kernel\":{\"path\":\"/k\",\"parameters\":[\"quiet\"]},\"hwConfig\":{\"vcpus\":3,\"memory\":268435456}}"
#define ANNOTATED(key, value) "\"annotations\":{\"" key "\":\"" value "\"}"

static const struct admin_profile profiles[] = {
	{ .name = "small", .vcpus = { true, 1 }, .memory = { true, 128 << 20 } },
	{ .name = "own-kernel", .kernel = "/srv/vmlinuz", .initrd = "/srv/initrd" },
};

static const struct admin_config nothing = { 0 },
				 vm_by_default = { .isolation = ADMIN_VM,
	                                           .preset = &profiles[0],
	                                           .profiles = profiles,
	                                           .profile_count = 2 },
				 open_hand = { .annotations = true,
	                                       .profiles = profiles,
	                                       .profile_count = 2 };

enum { REFUSED = -1, CONTAINER, VM };

static void the_first_that_says_so_decides(void **state)
{
	static const struct {
		const char *top;
		enum admin_isolation asked;
		int want;
		const struct admin_config *admin;
		const char *profile;
	} cases[] = {
		{ NULL, ADMIN_UNSET, CONTAINER, &nothing, NULL },
		{ NULL, ADMIN_VM, VM, &nothing, NULL },
		{ NULL, ADMIN_UNSET, VM, &vm_by_default, "small" },
		{ NULL, ADMIN_CONTAINER, CONTAINER, &vm_by_default, NULL },
		{ VM_TOP, ADMIN_UNSET, VM, &nothing, NULL },
		{ VM_TOP, ADMIN_CONTAINER, CONTAINER, &nothing, NULL },
		/* annotations: not without the administrator, in neither direction */
		{ ANNOTATED("io.caisson.isolation", "vm"), ADMIN_UNSET, REFUSED, &nothing, NULL },
		{ ANNOTATED("io.caisson.isolation", "container"), ADMIN_UNSET, REFUSED,
		  &vm_by_default, NULL },
		{ ANNOTATED("io.caisson.isolation", "container"), ADMIN_UNSET, CONTAINER, &nothing,
		  NULL },
		{ ANNOTATED("io.caisson.isolation", "vm"), ADMIN_UNSET, VM, &open_hand, NULL },
		{ ANNOTATED("io.caisson.isolation", "vm"), ADMIN_CONTAINER, CONTAINER, &open_hand,
		  NULL },
		{ ANNOTATED("io.caisson.isolation", "VM"), ADMIN_UNSET, REFUSED, &open_hand, NULL },
		/* profiles: only those that there are */
		{ ANNOTATED("io.caisson.profile", "own-kernel"), ADMIN_VM, VM, &open_hand,
		  "own-kernel" },
		{ ANNOTATED("io.caisson.profile", "none"), ADMIN_VM, REFUSED, &open_hand, NULL },
		{ ANNOTATED("io.caisson.profile", "/srv/vmlinuz"), ADMIN_VM, REFUSED, &open_hand,
		  NULL },
		{ ANNOTATED("io.caisson.profile", "own-kernel"), ADMIN_VM, REFUSED, &vm_by_default,
		  NULL },
		{ ANNOTATED("io.caisson.profile", "small"), ADMIN_VM, VM, &vm_by_default, "small" },
		/* of a container it says nothing */
		{ ANNOTATED("io.caisson.profile", "none"), ADMIN_UNSET, CONTAINER, &nothing, NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct isolation got = { 0 };
		struct err e = { 0 };
		ARENA struct arena a;

		arena_init(&a, 0);
		const struct oci_config *config =
			plan_case_config(&a, &(struct plan_case){ .top = cases[i].top });
		int result = isolation_choose(config, cases[i].asked, cases[i].admin, &got, &e);
		if ((result < 0 ? REFUSED : got.vm) != cases[i].want)
			fail_msg("case %zu: %d, %s", i, result, e.text);
		if (result < 0)
			assert_non_null(strstr(e.text, "annotations.io.caisson."));
		else if (cases[i].profile)
			assert_string_equal(got.profile->name, cases[i].profile);
		else
			assert_null(got.profile);
	}
}

static struct vm_settings settings(struct arena *a, const struct plan_case *c,
                                   const struct admin_profile *profile)
{
	struct vm_settings got;
	struct err e = { 0 };

	if (vm_settings_of(plan_case_config(a, c), profile, 4, &got, &e) < 0)
		fail_msg("%s", e.text);
	return got;
}

static void a_guest_is_as_large_as_its_resources_ask(void **state)
{
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct vm_settings s = settings(&a, &(struct plan_case){ 0 }, NULL);
	assert_int_equal(s.vcpus, 4);
	assert_int_equal(s.memory_bytes, 1024u << 20);
	assert_null(s.kernel);

	s = settings(&a,
	             &(struct plan_case){ .linux_ = "\"resources\":{\"cpu\":{\"quota\":150000},"
	                                            "\"memory\":{\"limit\":1073741824}}" },
	             NULL);
	assert_int_equal(s.vcpus, 2);
	assert_int_equal(s.memory_bytes, 1152u << 20);

	s = settings(&a,
	             &(struct plan_case){ .linux_ = "\"resources\":{\"cpu\":{\"quota\":9000000}}" },
	             &profiles[0]);
	assert_int_equal(s.vcpus, 1);
	assert_int_equal(s.memory_bytes, 128u << 20);

	s = settings(&a, &(struct plan_case){ .top = VM_TOP }, &profiles[1]);
	assert_string_equal(s.kernel, "/k");
	assert_int_equal(s.parameters.n, 1);
	assert_int_equal(s.vcpus, 3);
	assert_int_equal(s.memory_bytes, 256u << 20);
	assert_null(s.initrd); /* the profile's belongs to another kernel */
}

static void what_a_guest_cannot_be_given_is_refused(void **state)
{
	static const struct {
		struct plan_case c;
		const char *said;
	} cases[] = {
		{ { .namespaces = "{\"type\":\"mount\"}" },
		  "linux.namespaces: a microVM cannot share the host's pid namespace; "
		  "linux.namespaces: a microVM cannot share the host's network namespace" },
		{ { .namespaces = PLAN_CASE_NAMESPACES ",{\"type\":\"user\",\"path\":\"/u\"}",
		    .linux_ = NULL },
		  "linux.namespaces: /u: the user namespace is the host kernel's" },
		{ { .linux_ = "\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,"
		              "\"minor\":229}]" },
		  "linux.devices[0]: /dev/fuse: " },
		{ { .linux_ = "\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,"
		              "\"minor\":5}]" },
		  "linux.devices[0]: /dev/null: " },
		{ { .linux_ = "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
		              "\"listenerPath\":\"/s\",\"syscalls\":[{\"names\":[\"mknod\"],"
		              "\"action\":\"SCMP_ACT_NOTIFY\"}]}" },
		  "linux.seccomp.listenerPath: " },
		{ { .linux_ = "\"resources\":{\"hugepageLimits\":[{\"pageSize\":\"2MB\","
		              "\"limit\":1}]}" },
		  "linux.resources.hugepageLimits: " },
		{ { .linux_ = "\"rootfsPropagation\":\"rshared\"" }, "linux.rootfsPropagation: " },
		{ { .linux_ = "\"mountLabel\":\"l\"" }, "linux.mountLabel: " },
		{ { .process = "\"selinuxLabel\":\"l\"" }, "process.selinuxLabel: " },
		{ { .top = ANNOTATED("io.caisson.landlock",
		                     "{\\\"ruleset\\\":{\\\"scoped\\\":[\\\"signal\\\"]}}") },
		  "annotations[\"io.caisson.landlock\"]: " },
		{ { .mounts = "{\"destination\":\"/x\",\"source\":\"/srv/../dev//kvm\","
		              "\"options\":[\"bind\"]}" },
		  "mounts[0].source: /srv/../dev//kvm is the host kernel's" },
		{ { .mounts = "{\"destination\":\"/x\",\"type\":\"none\",\"source\":\"/sys\","
		              "\"options\":[\"rbind\"]}" },
		  "mounts[0].source: /sys is" },
		{ { .mounts =
		            "{\"destination\":\"/x\",\"type\":\"rbind\",\"source\":\"/proc/1\"}" },
		  "mounts[0].source: /proc/1 is" },
		{ { .mounts = "{\"destination\":\"/x\",\"source\":\"/srv\","
		              "\"options\":[\"bind\",\"idmap\"]}" },
		  "mounts[0].options: idmap" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct err e = { 0 };
		ARENA struct arena a;

		arena_init(&a, 0);
		if (vm_refuse(plan_case_config(&a, &cases[i].c), &(struct vm_request){ 0 }, &e) ==
		    0)
			fail_msg("accepted: %s", cases[i].said);
		if (strncmp(e.text, cases[i].said, strlen(cases[i].said)) != 0)
			fail_msg("expected %s\ngot %s", cases[i].said, e.text);
		assert_int_equal(e.kind, ERR_REFUSED);
	}
}

static void what_it_can_be_given_is_not(void **state)
{
	static const struct plan_case fine = {
		.namespaces = "{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"ipc\"},"
			      "{\"type\":\"uts\"},{\"type\":\"network\",\"path\":\"/n\"}",
		.mounts = "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
			  "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"/proc\"},"
			  "{\"destination\":\"/x\",\"source\":\"/srv\",\"options\":[\"bind\"]}",
		.linux_ = "\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,"
			  "\"minor\":3}],\"resources\":{\"memory\":{\"limit\":100000000}},"
			  "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
	};
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	const struct oci_config *config = plan_case_config(&a, &fine);
	if (vm_refuse(config, &(struct vm_request){ 0 }, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(vm_refuse(config, &(struct vm_request){ .preserve_fds = 1 }, &e), -1);
	assert_int_equal(vm_refuse(config, &(struct vm_request){ .notify = true }, &e), -1);
	e = (struct err){ 0 };
	assert_int_equal(vm_refuse(config, &(struct vm_request){ .plain = true }, &e), -1);
	assert_non_null(strstr(e.text, "takes root"));
	assert_int_equal(e.kind, ERR_REFUSED);
}

static const struct compile_options in_b = { .id = "id", .bundle = "/b", .seccomp_cache = -1 };

/* A profile that is none is what a guest has, whatever the host's kernel knows of profiles. */
static void unconfined_is_what_a_guest_is(void **state)
{
	static const char *const profiles_[] = { "\"apparmorProfile\":\"unconfined\"",
		                                 "\"apparmorProfile\":\"\"",
		                                 "\"selinuxLabel\":\"\"" };

	(void)state;
	for (size_t i = 0; i < LEN(profiles_); i++) {
		const struct plan_case c = { .process = profiles_[i] };
		struct vm_box box = { 0 };
		struct err e = { 0 };
		ARENA struct arena a;

		arena_init(&a, 0);
		const struct oci_config *config = plan_case_config(&a, &c);
		if (vm_refuse(config, &(struct vm_request){ 0 }, &e) < 0 ||
		    vm_box_make(&a, config, &in_b, &box, &e) < 0)
			fail_msg("%s", e.text);
		else
			assert_null(box.host->process->apparmor_profile);
		vm_box_done(&box);

		const struct compile_exec_options exec = { .config = config,
			                                   .process = config->process };
		BUF struct buf plan = { 0 };
		if (vm_box_exec(&exec, NULL, &plan, &e) < 0)
			fail_msg("exec: %s", e.text);
	}
}

/* A profile of the host's kernel is for the monitor; neither the plan of the host's side nor the
 * guest's has it. An exec may ask for the same one alone. */
static void a_profile_is_the_monitors(void **state)
{
	static const struct plan_case c = { .process = "\"apparmorProfile\":\"p\"" };
	struct vm_box box = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	const struct oci_config *config = plan_case_config(&a, &c);
	if (vm_refuse(config, &(struct vm_request){ 0 }, &e) < 0 ||
	    vm_box_make(&a, config, &in_b, &box, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(box.profile, "p");
	assert_true(box.host && !box.host->process->apparmor_profile);
	vm_box_done(&box);

	struct oci_process process = *config->process;
	const struct compile_exec_options exec = { .config = config, .process = &process };
	BUF struct buf plan = { 0 };
	if (vm_box_exec(&exec, NULL, &plan, &e) < 0)
		fail_msg("exec: %s", e.text);
	process.apparmor_profile = "unconfined";
	buf_done(&plan);
	assert_int_equal(vm_box_exec(&exec, NULL, &plan, &e), 0);
	process.apparmor_profile = "q";
	buf_done(&plan);
	assert_int_equal(vm_box_exec(&exec, NULL, &plan, &e), -1);
	assert_string_equal(e.text, "process.apparmorProfile: q: all of a microVM has the "
	                            "container's");
}

/* What is a bind to a container is a share to a guest, with the same mounts below and the
 * same right to write; nothing else is. */
static void binds_are_shares(void **state)
{
	static const struct plan_case c = {
		.mounts =
			"{\"destination\":\"/a\",\"type\":\"rbind\",\"source\":\"/srv/a\"},"
			"{\"destination\":\"/b\",\"source\":\"b\",\"options\":[\"bind\",\"ro\",\"rw\"]},"
			"{\"destination\":\"/c\",\"type\":\"none\",\"source\":\"/srv/c\","
			"\"options\":[\"bind\",\"ro\"]},"
			"{\"destination\":\"/d\",\"source\":\"/srv/d\","
			"\"options\":[\"rbind\",\"rro\",\"copy-symlink\"]},"
			"{\"destination\":\"/e\",\"source\":\"/srv/e\","
			"\"options\":[\"bind\",\"src-nofollow\"]},"
			"{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}",
	};
	static const struct {
		const char *name, *source;
		bool recursive, read_only, nofollow;
	} want[] = {
		{ "rootfs", "/b/rootfs", true, false, false }, /* yet */
		{ "v0", "/srv/a", true, false, false },
		{ "v1", "/b/b", false, false, false },
		{ "v2", "/srv/c", false, true, false },
		{ "v3", "/srv/d", true, true, true },
		{ "v4", "/srv/e", false, false, true },
	};
	struct vm_box box = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct oci_config config = *plan_case_config(&a, &c);
	config.root_path = "rootfs";
	config.root_readonly = true;
	if (vm_box_make(&a, &config, &in_b, &box, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(box.share_count, LEN(want));
	for (size_t i = 0; i < LEN(want); i++) {
		assert_string_equal(box.shares[i].name, want[i].name);
		assert_string_equal(box.shares[i].source, want[i].source);
		assert_int_equal(box.shares[i].recursive, want[i].recursive);
		assert_int_equal(box.shares[i].read_only, want[i].read_only);
		assert_int_equal(box.shares[i].nofollow, want[i].nofollow);
	}
	assert_ptr_equal(box.rootfs, &box.shares[0]);
	assert_true(box.rootfs->sealed_late);
	vm_box_done(&box);
}

static void an_image_takes_the_place_of_the_root(void **state)
{
	static const struct plan_case c = {
		.top = "\"vm\":{\"kernel\":{\"path\":\"/k\"},\"image\":{\"path\":\"/i\",\"format\":\"raw\"}}",
		.mounts = "{\"destination\":\"/a\",\"type\":\"rbind\",\"source\":\"/srv/a\"}",
	};
	struct vm_box box = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct oci_config config = *plan_case_config(&a, &c);
	config.root_path = "rootfs";
	if (vm_settings_of(&config, NULL, 4, &box.settings, &e) < 0 ||
	    vm_box_make(&a, &config, &in_b, &box, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(box.settings.image, "/i");
	assert_string_equal(box.root, "/b/rootfs");
	assert_null(box.rootfs);
	assert_int_equal(box.share_count, 1);
	assert_string_equal(box.shares[0].source, "/srv/a");
	assert_non_null(memmem(box.plan.data, box.plan.len, "/run/image", sizeof("/run/image")));
	assert_null(memmem(box.plan.data, box.plan.len, "/run/shares/rootfs", 18));
	vm_box_done(&box);
}

/* The plan as text; `ret` holds it. */
static const char *plan_text_of(const struct buf *bytes, struct buf *ret)
{
	assert_int_equal(plan_check(bytes->data, bytes->len), 0);
	plan_print((const struct plan *)(const void *)bytes->data, ret);
	buf_add(ret, "", 1);
	return (const char *)ret->data;
}

/* A guest's plan is the container's own: its session has a keyring, in which an exec is, too; a
 * place that is named as the host sees it is found; its disks are the host's to limit. */
static void a_guest_is_told_the_same(void **state)
{
	static const struct plan_case c = {
		.mounts =
			"{\"destination\":\"/b/rootfs/t\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}",
		.linux_ = "\"resources\":{\"pids\":{\"limit\":5},\"blockIO\":{\"weight\":500}}",
	};
	const struct compile_options options = {
		.id = "id", .bundle = "/b", .keyring = "_ses.id.1", .seccomp_cache = -1
	};
	struct vm_box box = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;
	BUF struct buf text = { 0 };
	BUF struct buf exec_plan = { 0 };
	BUF struct buf exec_text = { 0 };

	(void)state;
	arena_init(&a, 0);
	struct oci_config config = *plan_case_config(&a, &c);
	config.root_path = "rootfs";
	if (vm_box_make(&a, &config, &options, &box, &e) < 0)
		fail_msg("%s", e.text);
	const char *said = plan_text_of(&box.plan, &text);
	assert_non_null(strstr(said, "\"_ses.id.1\""));
	assert_non_null(strstr(said, "\"/t\""));
	assert_null(strstr(said, "/b/rootfs"));
	assert_non_null(strstr(said, "pids.max"));
	assert_null(strstr(said, "io."));
	assert_non_null(box.host->linux_->resources->block_io);
	vm_box_done(&box);

	const struct compile_exec_options exec = { .config = &config,
		                                   .process = config.process,
		                                   .keyring = "_ses.id.1" };
	if (vm_box_exec(&exec, NULL, &exec_plan, &e) < 0)
		fail_msg("exec: %s", e.text);
	assert_non_null(strstr(plan_text_of(&exec_plan, &exec_text), "\"_ses.id.1\""));
}

static const struct plan *plan_of(const struct buf *bytes)
{
	assert_int_equal(plan_check(bytes->data, bytes->len), 0);
	return (const struct plan *)(const void *)bytes->data;
}

/* Its root has rights over no other network; the agent brings the interfaces before a sysctl
 * names one. The group on the host, with the monitor in it, is none of its business. */
static void a_user_namespace_owns_its_network(void **state)
{
	static const struct plan_case c = {
		.namespaces = PLAN_CASE_USER_NAMESPACE,
		.linux_ = PLAN_CASE_MAPS ",\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}",
		.mounts =
			"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\"}",
	};
	struct vm_box box = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	const struct oci_config *config = plan_case_config(&a, &c);
	const struct compile_options options = { .id = "id", .bundle = "/b", .seccomp_cache = -1 };
	if (vm_refuse(config, &(struct vm_request){ 0 }, &e) < 0 ||
	    vm_box_make(&a, config, &options, &box, &e) < 0)
		fail_msg("%s", e.text);
	const struct plan *guest = plan_of(&box.plan);
	assert_int_equal(plan_case_step(guest, PLAN_CLONE, 0)->clone.clone_flags & CLONE_NEWNET,
	                 CLONE_NEWNET);
	plan_case_order(guest, PLAN_WAIT_HOOKS, PLAN_SYSCTL);
	assert_int_equal(guest->cgroup.owner, 100000);
	vm_box_done(&box);

	BUF struct buf bytes = { 0 };
	if (compile_create(box.host, &options, &plan_case_root, &bytes, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(plan_of(&bytes)->cgroup.owner, PLAN_NO_OWNER);
}

static void a_bundle_names_no_hypervisor(void **state)
{
	static const char *const tops[] = {
		"\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hypervisor\":{\"path\":\"/bin/sh\"}}",
		"\"vm\":{\"kernel\":{\"path\":\"/k\"},\"image\":{\"path\":\"/i\",\"format\":\"qcow2\"}}",
		"\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"deviceTree\":\"/d\"}}",
		"\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"vcpus\":0}}",
		"\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"irqs\":[1]}}",
		"\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"memory\":4096}}",
	};

	(void)state;
	for (size_t i = 0; i < LEN(tops); i++) {
		struct vm_settings got;
		struct err e = { 0 };
		ARENA struct arena a;

		arena_init(&a, 0);
		const struct oci_config *config =
			plan_case_config(&a, &(struct plan_case){ .top = tops[i] });
		assert_int_equal(vm_settings_of(config, NULL, 4, &got, &e), -1);
		assert_int_equal(strncmp(e.text, "vm.", 3), 0);
	}
}

/* --- the administrator's file --------------------------------------------------------- */

static int parse(struct arena *a, const char *text, struct admin_config *ret, struct err *e)
{
	*e = (struct err){ 0 };
	return admin_config_parse(a, text, strlen(text), ret, e);
}

static void the_configuration_is_read_strictly(void **state)
{
	static const struct {
		const char *text, *said;
	} bad[] = {
		{ "{\"isolation\":\"vn\"}", "isolation: " },
		{ "{\"anotations\":true}", "anotations: is not known" },
		{ "{\"profile\":\"x\"}", "profile: \"x\": there is no such profile" },
		{ "{\"profiles\":{\"a b\":{}}}", "profiles" },
		{ "{\"profiles\":{\"a\":{\"kernel\":\"k\"}}}", "profiles.a.kernel: " },
		{ "{\"profiles\":{\"a\":{\"vcpus\":0}}}", "profiles.a.vcpus: must be at least 1" },
		{ "{\"profiles\":{\"a\":{\"memory\":4096}}}", "profiles.a.memory: " },
		{ "{\"profiles\":{\"a\":{\"hypervisor\":\"/x\"}}}",
		  "profiles.a.hypervisor: is not known" },
		{ "[]", "must be an object" },
	};
	struct admin_config got;
	struct err e;
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(bad); i++) {
		if (parse(&a, bad[i].text, &got, &e) == 0 || !strstr(e.text, bad[i].said))
			fail_msg("%s: %s", bad[i].text, e.text);
	}
	assert_int_equal(parse(&a,
	                       "{\"isolation\":\"vm\",\"annotations\":true,\"profile\":\"b\","
	                       "\"profiles\":{\"a\":{},\"b\":{\"kernel\":\"/k\",\"vcpus\":2,"
	                       "\"memory\":134217728,\"parameters\":[\"quiet\"]}}}",
	                       &got, &e),
	                 0);
	assert_int_equal(got.isolation, ADMIN_VM);
	assert_true(got.annotations);
	assert_int_equal(got.profile_count, 2);
	assert_string_equal(got.preset->kernel, "/k");
	assert_string_equal(admin_profile_find(&got, "a")->name, "a");
	assert_null(admin_profile_find(&got, ""));
	assert_int_equal(parse(&a, "{}", &got, &e), 0);
	assert_int_equal(got.isolation, ADMIN_UNSET);
	assert_false(got.annotations);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static int read_admin(struct arena *a, struct admin_config *ret, struct err *e)
{
	*e = (struct err){ 0 };
	return admin_config_read(a, "caisson", ret, e);
}

static void only_its_owner_may_write_it(void **state)
{
	char folder[] = "/tmp/caisson-admin.XXXXXX";
	struct admin_config got;
	struct err e;
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(read_admin(&a, &got, &e), 0); /* there is none */
	assert_int_equal(mkdir("caisson", 0755), 0);
	assert_int_equal(read_admin(&a, &got, &e), 0);
	put("caisson/config.json", "{\"isolation\":\"vm\"}");
	assert_int_equal(read_admin(&a, &got, &e), 0);
	assert_int_equal(got.isolation, ADMIN_VM);

	assert_int_equal(chmod("caisson/config.json", 0664), 0);
	assert_int_equal(read_admin(&a, &got, &e), -1);
	assert_non_null(strstr(e.text, "caisson/config.json: must belong to root"));
	assert_int_equal(chmod("caisson/config.json", 0644), 0);
	assert_int_equal(chmod("caisson", 0757), 0);
	assert_int_equal(read_admin(&a, &got, &e), -1);
	assert_int_equal(chmod("caisson", 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown("caisson/config.json", 1000, 1000), 0);
		assert_int_equal(read_admin(&a, &got, &e), -1);
	}
	assert_int_equal(rename("caisson/config.json", "real.json"), 0);
	assert_int_equal(symlink("../real.json", "caisson/config.json"), 0);
	assert_int_equal(read_admin(&a, &got, &e), -1);
	assert_int_equal(unlink("caisson/config.json"), 0);
	assert_int_equal(mkfifo("caisson/config.json", 0600), 0);
	assert_int_equal(read_admin(&a, &got, &e), -1);
	assert_int_equal(unlink("caisson/config.json") | unlink("real.json") | rmdir("caisson") |
	                         chdir("/") | rmdir(folder),
	                 0);
}

/* The state comes later, and whoever was killed before that may have left things all the same. */
static void a_record_without_a_state_is_of_whom_it_was_begun(void **unused)
{
	char folder[] = "/tmp/caisson-record-XXXXXX";
	struct found f = { 0 };

	(void)unused;
	assert_non_null(mkdtemp(folder));
	f.dir.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f.dir.fd >= 0);
	assert_ptr_equal(backend_of_record(&f), backend_of(false));
	assert_int_equal(mknodat(f.dir.fd, backend_of(true)->commands, S_IFSOCK | 0600, 0), 0);
	assert_ptr_equal(backend_of_record(&f), backend_of(true));
	f.state.backend = backend_of(false)->name;
	assert_ptr_equal(backend_of_record(&f), backend_of(false));
	assert_int_equal(unlinkat(f.dir.fd, backend_of(true)->commands, 0), 0);
	assert_int_equal(close(f.dir.fd), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_says_so_decides),
		cmocka_unit_test(a_guest_is_as_large_as_its_resources_ask),
		cmocka_unit_test(what_a_guest_cannot_be_given_is_refused),
		cmocka_unit_test(what_it_can_be_given_is_not),
		cmocka_unit_test(unconfined_is_what_a_guest_is),
		cmocka_unit_test(a_profile_is_the_monitors),
		cmocka_unit_test(binds_are_shares),
		cmocka_unit_test(a_guest_is_told_the_same),
		cmocka_unit_test(an_image_takes_the_place_of_the_root),
		cmocka_unit_test(a_user_namespace_owns_its_network),
		cmocka_unit_test(a_bundle_names_no_hypervisor),
		cmocka_unit_test(the_configuration_is_read_strictly),
		cmocka_unit_test(a_record_without_a_state_is_of_whom_it_was_begun),
		cmocka_unit_test(only_its_owner_may_write_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
