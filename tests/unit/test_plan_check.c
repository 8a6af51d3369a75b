/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One well-formed plan with a step of every kind, then each of its fields made bad,
 * one at a time: plan_check has to say where.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/launch/plan_check.h"
#include "unit.h"

enum { STEPS = PLAN_OP_END + 2 };

/* A plan laid out by hand: every array in a place of its own, one string at the end. */
struct layout {
	struct plan head;
	struct plan_fd fds[4];
	struct plan_idmap maps[2];
	struct plan_id_maps id_maps;
	struct plan_cgroup_write writes[1];
	uint64_t insns[3];
	struct plan_net_device devices[2];
	struct plan_option options[2];
	plan_vector_entry argv[3], envp[3];
	struct plan_landlock landlock[2];
	uint32_t groups[4];
	struct plan_step steps[STEPS];
	char text[24];
};

static struct layout good; /* all zero but for what good_plan() sets */
static uint32_t slot_of_shared;

#define AT(field)      ((uint32_t)offsetof(struct layout, field))
#define LIST(field, n) ((struct plan_list){ .at = AT(field), .count = (n) })

static struct plan_step *step_of(struct layout *p, enum plan_op op)
{
	for (size_t i = 0; i < STEPS; i++) {
		if (p->steps[i].op == op)
			return &p->steps[i];
	}
	abort();
}

/* Of the steps: what points at something. */
static void fill_setup(struct plan_step *s)
{
	const plan_str text = AT(text);

	switch (s->op) {
	case PLAN_TIME_OFFSETS:
	case PLAN_KEYRING:
	case PLAN_JOIN_KEYRING:
	case PLAN_MASK:
	case PLAN_READONLY:
	case PLAN_HOSTNAME:
	case PLAN_DOMAINNAME:
	case PLAN_CWD:
	case PLAN_FOLDER:
	case PLAN_HIDE:
		s->string = text;
		break;
	case PLAN_CPU_AFFINITY:
		s->bits = LIST(insns, 2);
		break;
	case PLAN_MEMORY_POLICY:
		s->memory_policy.nodes = LIST(insns, 2);
		break;
	case PLAN_JOIN:
		s->join.types = CLONE_NEWNET;
		break;
	case PLAN_CLONE_SHARED:
		s->tree.slot = slot_of_shared;
		s->tree.source = text;
		break;
	case PLAN_ROOTFS:
		s->rootfs.path = text;
		break;
	case PLAN_MOUNT:
	case PLAN_CGROUP_MOUNT:
		s->mount.fstype = s->mount.target = text;
		s->mount.options = LIST(options, 2);
		break;
	case PLAN_BIND:
		s->bind.target = text;
		s->bind.slot = slot_of_shared;
		s->bind.id_maps = AT(id_maps);
		break;
	case PLAN_REMOUNT:
		s->remount.target = text;
		break;
	case PLAN_DEVICE:
		s->device.path = text;
		break;
	case PLAN_SYMLINK:
		s->link.target = s->link.path = text;
		break;
	case PLAN_SYSCTL:
		s->sysctl.path = s->sysctl.value = text;
		break;
	default:
		break;
	}
}

static void fill_process(struct plan_step *s)
{
	const plan_str text = AT(text);

	switch (s->op) {
	case PLAN_HOOK_HOST:
	case PLAN_HOOK_CONTAINER:
		s->hook.path = text;
		s->hook.argv = LIST(argv, 2);
		s->hook.envp = LIST(envp, 2);
		break;
	case PLAN_FIND_ROOT:
		s->find.path = text;
		break;
	case PLAN_LABEL:
		s->label.attribute = s->label.value = text;
		break;
	case PLAN_IDS:
		s->ids.groups = LIST(groups, 4);
		break;
	case PLAN_ENVIRONMENT:
		s->home.env_slot = 1;
		break;
	case PLAN_EXECUTABLE:
	case PLAN_EXECVE:
		s->exec.file = text;
		s->exec.argv = LIST(argv, 2);
		s->exec.envp = LIST(envp, 2);
		break;
	case PLAN_CLOSE_FDS:
		s->value = 3;
		break;
	case PLAN_LANDLOCK:
		s->landlock.fs = 0xffff;
		s->landlock.net = 1;
		s->landlock.scopes = 3;
		s->landlock.rules = LIST(landlock, 2);
		break;
	case PLAN_SECCOMP:
		s->seccomp.filter = LIST(insns, 3);
		break;
	default:
		break;
	}
}

static int set_up(void **unused)
{
	struct plan *head = &good.head;

	(void)unused;
	memset(&good, 0, sizeof(good));
	slot_of_shared = 4; /* one past the launcher's */
	*head = (struct plan){
		.magic = PLAN_MAGIC,
		.version = PLAN_VERSION,
		.size = sizeof(good),
		.kind = PLAN_CREATE,
		.clone_flags = CLONE_NEWNS | CLONE_NEWPID | 0x80 /* CLONE_NEWTIME */,
		.fds = LIST(fds, 4),
		.uid_map = LIST(maps, 1),
		.gid_map = LIST(maps, 2),
		.cgroup = { .path = AT(text),
		            .writes = LIST(writes, 1),
		            .devices = LIST(insns, 3),
		            .properties = LIST(text, 5) },
		.net_devices = LIST(devices, 2),
		.steps = LIST(steps, STEPS),
	};
	for (uint32_t i = 0; i < 4; i++)
		good.fds[i] = (struct plan_fd){ .kind = i, .path = AT(text) };
	good.id_maps = (struct plan_id_maps){ .uid = LIST(maps, 1), .gid = LIST(maps, 2) };
	good.writes[0] = (struct plan_cgroup_write){ .file = AT(text), .value = AT(text) };
	for (int i = 0; i < 2; i++) {
		good.options[i].key = AT(text);
		good.devices[i] =
			(struct plan_net_device){ .host_name = AT(text), .name = AT(text) };
		good.argv[i] = AT(text);
	}
	good.envp[0] = AT(text);
	good.landlock[0] = (struct plan_landlock){ .access = 0xffff, .path = AT(text) };
	good.landlock[1] = (struct plan_landlock){ .access = 1, .port = 65535 };
	(void)strcpy(good.text, "text");
	for (unsigned int op = 1; op < PLAN_OP_END; op++)
		good.steps[op - 1].op = (uint16_t)op;
	for (size_t i = PLAN_OP_END - 1; i < STEPS; i++)
		good.steps[i].op = PLAN_EXECVE;
	good.steps[PLAN_EXECVE - 1].op = PLAN_PARK;
	good.steps[PLAN_EXECVE].op = PLAN_BIND;
	good.steps[PLAN_EXECVE + 1].op = PLAN_PIVOT;
	for (size_t i = 0; i < STEPS; i++) {
		fill_setup(&good.steps[i]);
		fill_process(&good.steps[i]);
	}
	good.steps[PLAN_EXECVE].bind.slot = PLAN_NO_SLOT;
	good.steps[PLAN_EXECVE].bind.source = AT(text);
	return 0;
}

static void expect_good(const struct layout *p)
{
	assert_int_equal(plan_check(p, sizeof(*p)), 0);
}

/* The fault is found, and at this field. */
static void expect_bad(const struct layout *p, const void *field)
{
	size_t wanted = (size_t)((const char *)field - (const char *)p);

	assert_int_equal(plan_check(p, sizeof(*p)), wanted ? wanted : 1);
}

/* Sets one field of a copy of the good plan and expects plan_check to point at it. */
#define BAD(expression, bad)                   \
	do {                                   \
		struct layout p = good;        \
		expect_good(&p);               \
		p.expression = (bad);          \
		expect_bad(&p, &p.expression); \
	} while (0)

#define BAD_STEP(kind, expression, bad)                       \
	do {                                                  \
		struct layout p = good;                       \
		struct plan_step *step = step_of(&p, (kind)); \
		step->expression = (bad);                     \
		expect_bad(&p, &step->expression);            \
	} while (0)

#define BAD_STRING(expression)                            \
	do {                                              \
		BAD(expression, 1);                       \
		BAD(expression, sizeof(struct plan) - 1); \
		BAD(expression, sizeof(good));            \
		BAD(expression, UINT32_MAX);              \
	} while (0)

#define BAD_STEP_STRING(kind, expression)                 \
	do {                                              \
		BAD_STEP(kind, expression, 1);            \
		BAD_STEP(kind, expression, sizeof(good)); \
		BAD_STEP(kind, expression, UINT32_MAX);   \
	} while (0)

#define BAD_STEP_TEXT(kind, expression)            \
	do {                                       \
		BAD_STEP_STRING(kind, expression); \
		BAD_STEP(kind, expression, 0);     \
	} while (0)

/* The argument is a path of fields, which takes no parentheses. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
/* A list: unaligned, in the head, past the end, too long, as long as 2^32 allows. */
#define BAD_LIST(l)                                  \
	do {                                         \
		BAD(l.at, good.l.at + 4);            \
		BAD(l.at, 8);                        \
		BAD(l.at, (sizeof(good) + 7) & ~7u); \
		BAD(l.at, UINT32_MAX & ~7u);         \
		BAD(l.count, sizeof(good) / 8);      \
		BAD(l.count, UINT32_MAX);            \
		BAD(l.count, UINT32_MAX - 1);        \
	} while (0)

#define BAD_STEP_LIST(kind, l)                          \
	do {                                            \
		BAD_STEP(kind, l.at, 8);                \
		BAD_STEP(kind, l.at, AT(steps) + 4);    \
		BAD_STEP(kind, l.at, UINT32_MAX & ~7u); \
		BAD_STEP(kind, l.count, sizeof(good));  \
		BAD_STEP(kind, l.count, UINT32_MAX);    \
	} while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

static void the_head_is_checked(void **unused)
{
	(void)unused;
	BAD(head.magic, PLAN_MAGIC + 1);
	BAD(head.version, PLAN_VERSION + 1);
	BAD(head.size, sizeof(good) - 1);
	BAD(head.size, sizeof(good) + 1);
	BAD(head.kind, 0);
	BAD(head.kind, PLAN_EXEC + 1);
	BAD(head.clone_flags, CLONE_VM);
	BAD(head.clone_flags, 1ull << 40);
	BAD(head.two_stages, 2);
	BAD(head.network, 2);
	BAD(head.setgroups_deny, 2);
	BAD(head.terminal, UINT32_MAX);
	BAD(head.runtime_hooks, 2);
	BAD(head.scheduler.given, 2);
	BAD_LIST(head.net_devices);
	BAD(head.preserve_fds, UINT32_MAX);
	BAD_LIST(head.fds);
	BAD_LIST(head.uid_map);
	BAD_LIST(head.gid_map);
	BAD_STRING(head.cgroup.path);
	BAD_LIST(head.cgroup.writes);
	BAD_LIST(head.cgroup.devices);
	BAD_STRING(head.cgroup.unit);
	BAD_STRING(head.cgroup.slice);
	BAD(head.cgroup.properties.at, AT(steps) + 4);
	BAD(head.cgroup.properties.count, UINT32_MAX);
	BAD_LIST(head.steps);
	BAD(head.steps.count, 0);
	BAD(text[23], 'x'); /* the last byte ends every string */
}

static void sizes_are_checked_first(void **unused)
{
	(void)unused;
	assert_int_equal(plan_check(&good, 0), 1);
	assert_int_equal(plan_check(&good, sizeof(struct plan)), 1);
	assert_int_equal(plan_check(&good, (size_t)PLAN_SIZE_MAX + 1), 1);
	assert_int_not_equal(plan_check(&good, sizeof(good) - 8), 0);
}

static void descriptors_and_writes_are_checked(void **unused)
{
	(void)unused;
	BAD(fds[3].kind, PLAN_FD_LISTENER + 1);
	BAD_STRING(fds[0].path);
	BAD(fds[PLAN_FD_NAMESPACE].path, 0);
	BAD(fds[PLAN_FD_TREE].path, 0);
	BAD(fds[0].ns_type, CLONE_FILES);
	BAD(fds[1].recursive, 2);
	BAD_STRING(fds[2].origin);
	BAD(devices[0].host_name, 0);
	BAD_STRING(devices[1].name);
	BAD_STRING(writes[0].file);
	BAD(writes[0].file, 0);
	BAD_STRING(writes[0].value);
	BAD(writes[0].value, 0);
	BAD_STRING(writes[0].origin);
}

/* The smallest count whose last element does not lie in the plan any more. */
#define ONE_TOO_MANY(l, type) \
	BAD(l.count, (uint32_t)((sizeof(good) - good.l.at) / sizeof(type)) + 1) /* NOLINT */

static void lists_end_inside(void **unused)
{
	(void)unused;
	ONE_TOO_MANY(head.steps, struct plan_step);
	ONE_TOO_MANY(head.fds, struct plan_fd);
	ONE_TOO_MANY(head.uid_map, struct plan_idmap);
	ONE_TOO_MANY(head.gid_map, struct plan_idmap);
	ONE_TOO_MANY(head.cgroup.writes, struct plan_cgroup_write);
	ONE_TOO_MANY(head.cgroup.devices, uint64_t);
}

static void mounts_are_checked(void **unused)
{
	(void)unused;
	BAD_STEP_LIST(PLAN_CPU_AFFINITY, bits);
	BAD_STEP_LIST(PLAN_MEMORY_POLICY, memory_policy.nodes);
	BAD_STEP_TEXT(PLAN_MOUNT, mount.fstype);
	BAD_STEP_TEXT(PLAN_CGROUP_MOUNT, mount.fstype);
	BAD_STEP_STRING(PLAN_MOUNT, mount.source);
	BAD_STEP_TEXT(PLAN_MOUNT, mount.target);
	BAD_STEP_LIST(PLAN_MOUNT, mount.options);
	BAD_STEP(PLAN_MOUNT, mount.flags, PLAN_BIND_RECURSIVE);
	BAD_STEP(PLAN_MOUNT, mount.flags, PLAN_COVER_CONTENT << 1);
	BAD_STEP(PLAN_MOUNT, mount.target_mode, 010000);
	BAD_STEP_TEXT(PLAN_REMOUNT, remount.target);
	BAD_STRING(options[1].key);
	BAD(options[0].key, 0);
	BAD_STRING(options[1].value);
	BAD_STEP_STRING(PLAN_BIND, bind.source);
	BAD_STEP_TEXT(PLAN_BIND, bind.target);
	BAD_STEP(PLAN_BIND, bind.slot, 5);
	BAD_STEP(PLAN_BIND, bind.slot, 256);
	BAD_STEP(PLAN_BIND, bind.flags, PLAN_COVER_MODE);
	BAD_STEP(PLAN_BIND, bind.id_maps, 8);
	BAD_STEP(PLAN_BIND, bind.id_maps, good.steps[PLAN_BIND].bind.id_maps + 4);
	BAD_STEP(PLAN_BIND, bind.id_maps, sizeof(good) - 8);
	BAD_STEP(PLAN_BIND, bind.id_maps, UINT32_MAX - 7);
	BAD_LIST(id_maps.uid);
	BAD_LIST(id_maps.gid);
	BAD(steps[PLAN_EXECVE].bind.source, 0); /* neither a slot nor a source */
	BAD_STEP_TEXT(PLAN_CLONE_SHARED, tree.source);
	BAD_STEP(PLAN_CLONE_SHARED, tree.recursive, 2);
	BAD_STEP(PLAN_CLONE_SHARED, tree.slot, 252);
	BAD_STEP(PLAN_CLONE_SHARED, tree.slot, PLAN_NO_SLOT);
	BAD_STEP_TEXT(PLAN_ROOTFS, rootfs.path);
	BAD_STEP(PLAN_ROOTFS, rootfs.recursive, 2);
	BAD_STEP(PLAN_ROOTFS, rootfs.lasting, 2);
	BAD_STEP_TEXT(PLAN_FIND_ROOT, find.path);
}

static void a_slot_is_filled_before_it_is_used(void **unused)
{
	struct layout p = good;

	(void)unused;
	step_of(&p, PLAN_CLONE_SHARED)->op = PLAN_PIVOT;
	expect_bad(&p, &step_of(&p, PLAN_BIND)->bind.slot);
	p = good;
	step_of(&p, PLAN_JOIN)->join.slot = slot_of_shared; /* filled later */
	expect_bad(&p, &step_of(&p, PLAN_JOIN)->join.slot);
}

static void steps_are_checked(void **unused)
{
	static const enum plan_op with_string[] = { PLAN_TIME_OFFSETS, PLAN_KEYRING,
		                                    PLAN_MASK,         PLAN_READONLY,
		                                    PLAN_HOSTNAME,     PLAN_DOMAINNAME,
		                                    PLAN_CWD };

	(void)unused;
	BAD(steps[0].op, 0);
	BAD(steps[0].op, PLAN_OP_END);
	BAD(steps[0].op, UINT16_MAX);
	BAD(steps[0].op, PLAN_EXECVE); /* only the last */
	BAD(steps[STEPS - 1].op, PLAN_PARK);
	BAD(steps[0].flags, 1);
	BAD_STRING(steps[0].origin);
	for (size_t i = 0; i < sizeof(with_string) / sizeof(*with_string); i++)
		BAD_STEP_TEXT(with_string[i], string);
	BAD_STEP(PLAN_JOIN, join.slot, 9);
	BAD_STEP(PLAN_JOIN, join.types, CLONE_THREAD);
	BAD_STEP(PLAN_CLONE, clone.clone_flags, CLONE_VM);
	BAD_STEP_TEXT(PLAN_DEVICE, device.path);
	BAD_STEP(PLAN_DEVICE, device.how, PLAN_DEVICE_LENT + 1);
	BAD_STEP_TEXT(PLAN_SYMLINK, link.target);
	BAD_STEP_TEXT(PLAN_SYMLINK, link.path);
	BAD_STEP(PLAN_TERMINAL, terminal.console, 2);
	BAD_STEP_TEXT(PLAN_LABEL, label.attribute);
	BAD_STEP_TEXT(PLAN_LABEL, label.value);
	BAD_STEP_TEXT(PLAN_SYSCTL, sysctl.path);
	BAD_STEP_TEXT(PLAN_SYSCTL, sysctl.value);
	BAD_STEP_LIST(PLAN_IDS, ids.groups);
	BAD_STEP(PLAN_IDS, ids.keep_groups, PLAN_GROUPS_END);
	BAD_STEP(PLAN_CLOSE_FDS, value, 2);
	BAD_STEP(PLAN_CLOSE_FDS, value, -1);
	BAD_STEP(PLAN_CLOSE_FDS, value, INT64_MAX);
	BAD_STEP(PLAN_LANDLOCK, landlock.fs, 0x10000);
	BAD_STEP(PLAN_LANDLOCK, landlock.net, 4);
	BAD_STEP(PLAN_LANDLOCK, landlock.scopes, 4);
	BAD_STEP(PLAN_LANDLOCK, landlock.strict, 2);
	BAD_STEP_LIST(PLAN_LANDLOCK, landlock.rules);
	BAD_STRING(landlock[0].path);
	BAD(landlock[0].access, 0x10000);
	BAD(landlock[0].access, 0);
	BAD(landlock[1].access, 2); /* of a port, and not handled */
	BAD(landlock[1].port, 65536);
	BAD_STEP_LIST(PLAN_SECCOMP, seccomp.filter);
	BAD_STEP(PLAN_SECCOMP, seccomp.filter.count, 4097);
	BAD_STEP(PLAN_SECCOMP, seccomp.notify, 2);
}

static void processes_and_hooks_are_checked(void **unused)
{
	(void)unused;
	BAD_STEP_TEXT(PLAN_EXECVE, exec.file);
	BAD_STEP_TEXT(PLAN_EXECUTABLE, exec.file);
	BAD_STEP_STRING(PLAN_EXECVE, exec.search);
	BAD_STEP_LIST(PLAN_EXECVE, exec.argv);
	BAD_STEP_LIST(PLAN_EXECUTABLE, exec.envp);
	BAD_STEP(PLAN_ENVIRONMENT, home.env_slot, 2);
	BAD_STEP(PLAN_ENVIRONMENT, home.env_slot, UINT32_MAX);
	BAD_STEP_TEXT(PLAN_HOOK_HOST, hook.path);
	BAD_STEP_LIST(PLAN_HOOK_HOST, hook.argv);
	BAD_STEP_LIST(PLAN_HOOK_CONTAINER, hook.envp);
	BAD_STEP(PLAN_HOOK_HOST, hook.timeout_s, UINT32_MAX);
	BAD(argv[0], 1);
	BAD(argv[1], sizeof(good));
	BAD(argv[1], UINT64_MAX);
	BAD(envp[0], 1ull << 32 | AT(text)); /* 64 bits count */
	BAD(argv[2], AT(text));              /* no end */
}

static void what_may_be_absent_may(void **unused)
{
	struct layout p = good;

	(void)unused;
	p.head.cgroup = (struct plan_cgroup){ 0 };
	p.head.uid_map = (struct plan_list){ 0 };
	step_of(&p, PLAN_HOOK_HOST)->hook.envp = (struct plan_list){ 0 };
	step_of(&p, PLAN_IDS)->ids.groups = (struct plan_list){ 0 };
	p.argv[1] = 0; /* a spare entry */
	expect_good(&p);
	step_of(&p, PLAN_EXECUTABLE)->exec.argv = (struct plan_list){ 0 };
	expect_bad(&p, &step_of(&p, PLAN_EXECUTABLE)->exec.argv.count);
}

static void every_step_has_a_name_of_its_own(void **unused)
{
	(void)unused;
	assert_null(plan_op_name(0));
	assert_null(plan_op_name(PLAN_OP_END));
	assert_null(plan_op_name(UINT32_MAX));
	for (unsigned int op = 1; op < PLAN_OP_END; op++) {
		assert_true(plan_op_name(op)[0] != '\0');
		for (unsigned int other = 1; other < op; other++)
			assert_string_not_equal(plan_op_name(op), plan_op_name(other));
	}
	assert_string_equal(plan_op_name(PLAN_NO_NEW_PRIVS), "no-new-privs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_head_is_checked),
		cmocka_unit_test(sizes_are_checked_first),
		cmocka_unit_test(descriptors_and_writes_are_checked),
		cmocka_unit_test(lists_end_inside),
		cmocka_unit_test(mounts_are_checked),
		cmocka_unit_test(a_slot_is_filled_before_it_is_used),
		cmocka_unit_test(steps_are_checked),
		cmocka_unit_test(processes_and_hooks_are_checked),
		cmocka_unit_test(what_may_be_absent_may),
		cmocka_unit_test(every_step_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
