/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filesystems and binds. A mount is complete, with its attributes, before it is
 * attached: nobody in the container ever sees it half-made, and the place where it
 * goes is a descriptor that was opened once. Clones of host paths are made private
 * or slave before they are attached, or they would stay peers of the host's mount.
 */
#include "runtime/launch/init/copy_up.h"
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/instead.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/roots.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/target.h"

/* The error text "key=value: message", with what the kernel left for us to read in
 * the filesystem context: "e message\n" (fsopen(2)). */
static _Noreturn void fail_config(int fs, long error, const char *key, const char *value)
{
	char buffer[FRAME_TEXT_MAX], message[256];
	struct text t = text_in(buffer, sizeof(buffer));
	long length = sys_read(fs, message, sizeof(message));

	text_add(&t, key);
	if (value) {
		text_add(&t, "=");
		text_add(&t, value);
	}
	if (length > 0 && message[length - 1] == '\n')
		length--;
	if (length > 2 && message[1] == ' ') {
		text_add(&t, ": ");
		text_add_bytes(&t, message + 2, (size_t)length - 2);
	}
	fail(CALL_FSCONFIG, error, buffer);
}

static void configure(int fs, unsigned int command, const char *key, const char *value,
                      const char *shown_key)
{
	long result = sys_fsconfig(fs, command, key, value);

	if (result < 0)
		fail_config(fs, -result, shown_key, value);
}

static void set_option(int fs, const char *key, const char *value)
{
	configure(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, key);
}

static int create(int fs, const char *fstype, uint32_t attributes)
{
	configure(fs, FSCONFIG_CMD_CREATE, NULL, NULL, fstype);
	return (int)must(sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes), CALL_FSMOUNT, fstype);
}

int mount_new(const char *fstype, const char *option, uint32_t attributes)
{
	int fs = (int)must(sys_fsopen(fstype, FSOPEN_CLOEXEC), CALL_FSOPEN, fstype);

	if (option)
		set_option(fs, option, NULL);
	return create(fs, fstype, attributes);
}

void mount_set(int fd, uint64_t set, uint64_t clear, uint32_t propagation, int recursive,
               const char *what)
{
	struct mount_attr attributes = {
		.attr_set = set,
		.attr_clr = clear,
		.propagation = propagation & ~(uint32_t)SYS_MS_REC,
	};

	if ((set | clear) & MOUNT_ATTR__ATIME)
		attributes.attr_clr |= MOUNT_ATTR__ATIME;
	must(sys_mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes),
	     CALL_MOUNT_SETATTR, what);
}

int mount_clone(int fd, int recursive, const char *what)
{
	const unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;

	return (int)must(sys_open_tree(fd, "", flags | (recursive ? AT_RECURSIVE : 0)),
	                 CALL_OPEN_TREE, what);
}

void mount_attach(int tree, int target, const char *what)
{
	must(sys_move_mount(tree, target), CALL_MOVE_MOUNT, what);
	fd_scratch(tree);
}

/* The same for a mount of the config, which may be the root itself. */
static void attach(int tree, int target, const char *name)
{
	mount_attach(tree, target, name);
	if (text_equal(name, "/"))
		root_replace(tree);
}

void step_clone_shared(const struct plan_step *step)
{
	const char *source = plan_string(step->tree.source);
	unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (step->tree.recursive ? AT_RECURSIVE : 0);
	int fd = (int)must(sys_open_tree(AT_FDCWD, source, flags), CALL_OPEN_TREE, source);

	slot_fill(step->tree.slot, fd_keep(fd));
}

/* As mount(8) would be told: /proc/mounts shows it. */
static void cover_mode(int fs, int place)
{
	char octal[5] = { 0 };
	struct stat st;

	must(sys_fstat(place, &st), CALL_STAT, NULL);
	for (unsigned int i = 0; i < 4; i++)
		octal[i] = (char)('0' + (st.st_mode >> (9 - 3 * i) & 7));
	set_option(fs, "mode", octal);
}

void step_mount(const struct plan_step *step)
{
	const struct plan_mount *m = &step->mount;
	const struct plan_option *option = plan_array(plan, m->options);
	const char *fstype = plan_string(m->fstype), *name = plan_string(m->target);
	const struct target target = {
		.kind = m->flags & PLAN_TARGET_FILE ? TARGET_FILE : TARGET_FOLDER,
		.plain = m->flags & PLAN_TARGET_PLAIN,
		.mode = m->target_mode,
	};
	bool made;
	int place = target_open_or_make(name, &target, &made), fs, tree;

	if (m->instead && bind_instead(m, place, name))
		return;
	fs = (int)must(sys_fsopen(fstype, FSOPEN_CLOEXEC), CALL_FSOPEN, fstype);
	if (m->source)
		set_option(fs, "source", plan_string(m->source));
	if (m->flags & PLAN_COVER_MODE && !made)
		cover_mode(fs, place);
	for (uint32_t i = 0; i < m->options.count; i++)
		set_option(fs, plan_string(option[i].key), plan_string(option[i].value));
	tree = create(fs, fstype, m->attr);
	if (m->flags & PLAN_COVER_CONTENT && !made)
		copy_up(place, tree, m->flags & PLAN_COVER_OWNER, name);
	attach(tree, place, name);
	if (m->propagation)
		mount_set(tree, 0, 0, m->propagation, !!(m->propagation & SYS_MS_REC), name);
}

/* Nothing is called for what is not to be changed. */
static void change(int tree, const struct plan_attr *a, uint32_t propagation, const char *what)
{
	bool all = propagation & SYS_MS_REC;

	if (a->set_all || a->clear_all || all)
		mount_set(tree, a->set_all, a->clear_all, all ? propagation : 0, 1, what);
	if (a->set || a->clear || (propagation && !all))
		mount_set(tree, a->set, a->clear, all ? 0 : propagation, 0, what);
}

/* What the ids of our user namespace may not enter or map, the launcher does. */
static int clone_source(const struct plan_bind *b, const char *what)
{
	bool recursive = b->flags & PLAN_BIND_RECURSIVE;
	long source = -EACCES;

	if (!(b->flags & (PLAN_BIND_IDMAP | PLAN_BIND_IDMAP_ALL)))
		source = root_host_clone(plan_string(b->source), recursive,
		                         b->flags & PLAN_SOURCE_NOFOLLOW ? O_NOFOLLOW : 0);
	if (source != -EACCES)
		return (int)must(source, CALL_OPEN, what);
	report_send(FRAME_SOURCE, (int64_t)report_current(), NULL, -1);
	return report_await(FRAME_GO);
}

/* The clone that is to be attached, with attributes and propagation. A slot that
 * the launcher or PLAN_CLONE_SHARED filled is a clone already; where `shared` is
 * asked for, that clone stays the peer that it is. */
static int bind_source(const struct plan_bind *b, const char *what)
{
	bool peer = b->slot != PLAN_NO_SLOT && b->propagation & SYS_MS_SHARED;
	uint32_t kind = b->propagation & SYS_MS_SLAVE ? SYS_MS_SLAVE : SYS_MS_PRIVATE;
	int tree = b->slot == PLAN_NO_SLOT ? clone_source(b, what) : slot_fd(b->slot);

	change(tree, &b->attr, peer ? 0 : kind | SYS_MS_REC, what);
	return tree;
}

static void bind(const struct plan_bind *b, const char *name)
{
	int tree = bind_source(b, b->source ? plan_string(b->source) : name);
	const struct target target = {
		.kind = b->flags & PLAN_TARGET_FILE ? TARGET_FILE : TARGET_LIKE,
		.like = tree,
		.nofollow = b->flags & PLAN_TARGET_NOFOLLOW,
		.plain = b->flags & PLAN_TARGET_PLAIN,
	};

	attach(tree, target_open(name, &target), name);
	if (b->propagation & ~(uint32_t)(SYS_MS_REC | SYS_MS_SLAVE | SYS_MS_PRIVATE))
		mount_set(tree, 0, 0, b->propagation, !!(b->propagation & SYS_MS_REC), name);
}

/* A source that is a link becomes a link of the same text. One that is there already
 * has to be the same. */
static bool copy_link(const struct plan_bind *b, const char *path)
{
	static char text[4096], there[4096]; /* PATH_MAX */
	long length = root_host_link(plan_string(b->source), text, sizeof(text)), made;
	const char *name;
	int folder;

	if (length == -EACCES || length == -EINVAL)
		return false;
	must(length, CALL_OPEN, plan_string(b->source));
	folder = target_parent(path, &name);
	made = sys_symlinkat(text, folder, name);
	if (made == -EEXIST) {
		made = sys_readlinkat(folder, name, there, sizeof(there) - 1);
		there[made > 0 ? made : 0] = '\0';
		made = text_equal(there, text) ? 0 : -EEXIST;
	}
	must(made, CALL_SYMLINK, path);
	return true;
}

void step_bind(const struct plan_step *step)
{
	const struct plan_bind *b = &step->bind;
	const char *name = plan_string(b->target);

	if (!(b->flags & PLAN_SOURCE_LINK) || !copy_link(b, name))
		bind(b, name);
}
void step_remount(const struct plan_step *step)
{
	const struct plan_remount *r = &step->remount;
	const char *name = plan_string(r->target);
	int place = (int)must(
		sys_openat2(AT_FDCWD, name, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS),
		CALL_OPEN, name);

	change(place, &r->attr, r->propagation, name);
}
