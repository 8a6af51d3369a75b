/* SPDX-License-Identifier: Apache-2.0 */
/* Every mount option of the spec: what it sets, what it clears, where it is kept. */
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/scope.h"
#include "runtime/launch/plan.h"
#include "runtime/mount_options.h"
#include "unit.h"

enum { OPTIONS_MAX = 8 };

/* Splits "a,b,c". */
static void parse(struct arena *a, const char *text, struct mount_options *ret)
{
	const char **v = arena_array(a, OPTIONS_MAX + 1, sizeof(*v));
	char *copy = arena_string(a, text, strlen(text)), *rest = copy, *part;
	size_t n = 0;

	while ((part = strsep(&rest, ",")) && *text) {
		assert_true(n < OPTIONS_MAX);
		v[n++] = part;
	}
	mount_options_parse(a, &(struct oci_mount){ .options = { .v = v, .n = n } }, ret);
}

#define ATIME MOUNT_ATTR__ATIME

static const struct {
	const char *options;
	uint32_t set, clear, set_below, clear_below, propagation;
	bool bind, recursive, remount, named; /* named: by a negation alone */
} attributes[] = {
	{ "", .set = 0 },
	{ "bind", .bind = true },
	{ "rbind", .bind = true, .recursive = true },
	{ "bind,rbind", .bind = true, .recursive = true },
	{ "bind,remount,ro", .bind = true, .remount = true, .set = MOUNT_ATTR_RDONLY },
	{ "ro", .set = MOUNT_ATTR_RDONLY },
	{ "rw", .clear = MOUNT_ATTR_RDONLY },
	{ "ro,rw", .clear = MOUNT_ATTR_RDONLY },
	{ "rw,ro", .set = MOUNT_ATTR_RDONLY },
	{ "nosuid,nodev,noexec", .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
	{ "suid,dev,exec", .clear = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", .set = MOUNT_ATTR_NOSYMFOLLOW },
	{ "symfollow", .clear = MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime", .set = MOUNT_ATTR_NODIRATIME },
	{ "diratime", .named = true },
	{ "nodiratime,diratime", .named = true },
	{ "relatime", .clear = ATIME },
	{ "norelatime", .named = true },
	{ "noatime", .set = MOUNT_ATTR_NOATIME, .clear = ATIME },
	{ "atime", .named = true },
	{ "noatime,atime", .named = true },
	{ "strictatime", .set = MOUNT_ATTR_STRICTATIME, .clear = ATIME },
	{ "nostrictatime", .named = true },
	{ "noatime,strictatime", .set = MOUNT_ATTR_STRICTATIME, .clear = ATIME },
	{ "noatime,relatime", .clear = ATIME },
	{ "rro", .set_below = MOUNT_ATTR_RDONLY },
	{ "ro,rro", .set = MOUNT_ATTR_RDONLY, .set_below = MOUNT_ATTR_RDONLY },
	{ "rrw", .clear_below = MOUNT_ATTR_RDONLY },
	{ "rnosuid,rnodev,rnoexec",
	  .set_below = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
	{ "rsuid,rdev,rexec",
	  .clear_below = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
	{ "rnosymfollow", .set_below = MOUNT_ATTR_NOSYMFOLLOW },
	{ "rsymfollow", .clear_below = MOUNT_ATTR_NOSYMFOLLOW },
	{ "rnodiratime", .set_below = MOUNT_ATTR_NODIRATIME },
	{ "rdiratime", .clear_below = MOUNT_ATTR_NODIRATIME },
	{ "rrelatime", .clear_below = ATIME },
	{ "rnorelatime", .clear_below = ATIME },
	{ "rnoatime", .set_below = MOUNT_ATTR_NOATIME, .clear_below = ATIME },
	{ "ratime", .clear_below = ATIME },
	{ "rstrictatime", .set_below = MOUNT_ATTR_STRICTATIME, .clear_below = ATIME },
	{ "rnostrictatime", .clear_below = ATIME },
	{ "shared", .propagation = MS_SHARED },
	{ "rshared", .propagation = MS_SHARED | MS_REC },
	{ "slave", .propagation = MS_SLAVE },
	{ "rslave", .propagation = MS_SLAVE | MS_REC },
	{ "private", .propagation = MS_PRIVATE },
	{ "rprivate", .propagation = MS_PRIVATE | MS_REC },
	{ "unbindable", .propagation = MS_UNBINDABLE },
	{ "runbindable", .propagation = MS_UNBINDABLE | MS_REC },
	{ "shared,rprivate", .propagation = MS_PRIVATE | MS_REC },
	{ "defaults,silent,loud,iversion,noiversion", .set = 0 },
};

static void test_attributes(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(attributes); i++) {
		ARENA struct arena a;
		struct mount_options o;

		arena_init(&a, 0);
		parse(&a, attributes[i].options, &o);
		assert_int_equal(o.attr_set, attributes[i].set);
		assert_int_equal(o.attr_clear, attributes[i].clear);
		assert_int_equal(o.attr_named, attributes[i].named || attributes[i].set != 0 ||
		                                       attributes[i].clear != 0);
		assert_int_equal(o.attr_set_below, attributes[i].set_below);
		assert_int_equal(o.attr_clear_below, attributes[i].clear_below);
		assert_int_equal(o.propagation, attributes[i].propagation);
		assert_int_equal(o.bind, attributes[i].bind);
		assert_int_equal(o.recursive, attributes[i].recursive);
		assert_int_equal(o.remount, attributes[i].remount);
		assert_int_equal(o.flags.n, 0);
		assert_int_equal(o.data.n, 0);
	}
}

static void test_flags_and_data(void **state)
{
	ARENA struct arena a;
	struct mount_options o;

	(void)state;
	arena_init(&a, 0);
	parse(&a, "size=64k,sync,nosuid,newinstance,lazytime,ROX", &o);
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOSUID);
	assert_int_equal(o.flags.n, 2);
	assert_string_equal(o.flags.v[0], "sync");
	assert_string_equal(o.flags.v[1], "lazytime");
	assert_int_equal(o.data.n, 3);
	assert_string_equal(o.data.v[0], "size=64k");
	assert_string_equal(o.data.v[1], "newinstance");
	assert_string_equal(o.data.v[2], "ROX");
}

static void test_empty(void **state)
{
	static const char *const options[] = { "", "size=64k", "" };
	struct mount_options o;
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	mount_options_parse(
		&a, &(struct oci_mount){ .options = { .v = options, .n = LEN(options) } }, &o);
	assert_int_equal(o.data.n, 1);
	assert_string_equal(o.data.v[0], "size=64k");
}

/* An option or the type says that it is a bind; no type is none. */
static void test_type(void **state)
{
	static const struct {
		const char *type;
		bool bind, recursive;
	} cases[] = { { NULL, false, false },
		      { "", false, false },
		      { "tmpfs", false, false },
		      { "bind", true, false },
		      { "rbind", true, true } };

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct mount_options o;
		ARENA struct arena a;

		arena_init(&a, 0);
		mount_options_parse(&a, &(struct oci_mount){ .type = cases[i].type }, &o);
		assert_int_equal(o.bind, cases[i].bind);
		assert_int_equal(o.recursive, cases[i].recursive);
	}
}

static void test_copy_up(void **state)
{
	ARENA struct arena a;
	struct mount_options o;

	(void)state;
	arena_init(&a, 0);
	parse(&a, "rw,size=64k", &o);
	assert_false(o.copy_up);
	parse(&a, "rw,tmpcopyup,size=64k", &o);
	assert_true(o.copy_up);
	assert_int_equal(o.data.n, 1);
}

static void test_idmap(void **state)
{
	ARENA struct arena a;
	struct mount_options o;

	(void)state;
	arena_init(&a, 0);
	parse(&a, "bind,idmap", &o);
	assert_true(o.idmap && !o.idmap_below && !o.idmap_text);
	parse(&a, "bind,ridmap", &o);
	assert_true(!o.idmap && o.idmap_below && !o.idmap_text);
	parse(&a, "bind,idmap=uids=0-1-2", &o);
	assert_true(o.idmap && !o.idmap_below);
	assert_string_equal(o.idmap_text, "uids=0-1-2");
	parse(&a, "bind,ridmap=gids=0-1-2", &o);
	assert_true(!o.idmap && o.idmap_below);
	assert_int_equal(o.data.n, 0);
}

static void test_links(void **state)
{
	ARENA struct arena a;
	struct mount_options o;

	(void)state;
	arena_init(&a, 0);
	parse(&a, "bind,src-nofollow,dest-nofollow", &o);
	assert_int_equal(o.links, PLAN_SOURCE_NOFOLLOW | PLAN_TARGET_NOFOLLOW);
	parse(&a, "rbind,copy-symlink", &o);
	assert_int_equal(o.links, PLAN_SOURCE_LINK);
	assert_int_equal(o.data.n, 0);
}

/* Every name that `features` lists is known here: none of them is left to a
 * filesystem to make sense of. */
static void test_names(void **state)
{
	const char *name;

	(void)state;
	assert_non_null(mount_option_name(0));
	for (size_t i = 0; (name = mount_option_name(i)); i++) {
		ARENA struct arena a;
		struct mount_options o;

		arena_init(&a, 0);
		parse(&a, name, &o);
		assert_int_equal(o.data.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_flags_and_data),
		cmocka_unit_test(test_empty),      cmocka_unit_test(test_type),
		cmocka_unit_test(test_copy_up),    cmocka_unit_test(test_idmap),
		cmocka_unit_test(test_links),      cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
