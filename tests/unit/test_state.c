/* SPDX-License-Identifier: Apache-2.0 */
/* state.c, state_dir.c: a record survives being read, and no damage to it or to its
 * folder does more than make a clean error. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "runtime/state.h"
#include "unit.h"

static char root[64];

static void name_in_root(char *path, size_t room, const char *name)
{
	(void)snprintf(path, room, "%s/%s", root, name);
}

static int make_root(void **unused)
{
	(void)unused;
	(void)strcpy(root, "/tmp/caisson-state.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **unused)
{
	(void)unused;
	return rmdir(root);
}

static struct state example(void)
{
	static const struct oci_pair pairs[] = { { "org.example/a", "1" }, { "\"\n", "\\\x01" } };

	return (struct state){
		.id = "c",
		.bundle = "/some/where \"else\"",
		.rootfs = "/some/where/rootfs",
		.backend = "namespaces",
		.boot_id = "01234567-0123-0123-0123-0123456789ab",
		.created = "2026-01-02T03:04:05.6Z",
		.cgroup = "/some/group",
		.phase = PHASE_CREATED,
		.pid = 4711,
		.start_time = UINT64_MAX,
		.pidfd_inode = UINT64_MAX - 1,
		.owner = 4294967294u,
		.private_pids = true,
		.start_needs_config = false,
		.poststop = true,
		.annotations = { .v = pairs, .n = LEN(pairs) },
		.ended = true,
		.exit_status = 137,
		.exit_signal = 9,
	};
}

static void put(const struct state_dir *d, const char *text, size_t len)
{
	struct err e = { 0 };

	assert_int_equal(fd_replace_file(d->fd, "state.json", 0600, text, len, &e), 0);
}

/* The record of the example as it is in the file. */
static void record_of_example(const struct state_dir *d, struct buf *ret)
{
	const struct state state = example();
	struct err e = { 0 };

	assert_int_equal(state_save(d, &state, &e), 0);
	assert_int_equal(fd_read_file(d->fd, "state.json", 1 << 20, ret, &e), 0);
}

static void done_with(struct state_dir *d)
{
	struct err e = { 0 };

	assert_int_equal(state_dir_remove(d, &e), 0);
}

static void what_is_saved_is_loaded(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	const struct state want = example();
	struct state got;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)unused;
	arena_init(&a, 0);
	assert_int_equal(state_dir_make(root, "c", &d, &e), 0);
	assert_int_equal(state_load(&d, &a, &got, &e), 0); /* there is none yet */
	assert_int_equal(state_save(&d, &want, &e), 0);
	assert_int_equal(state_load(&d, &a, &got, &e), 1);
	assert_string_equal(got.id, want.id);
	assert_string_equal(got.bundle, want.bundle);
	assert_string_equal(got.rootfs, want.rootfs);
	assert_string_equal(got.backend, want.backend);
	assert_string_equal(got.boot_id, want.boot_id);
	assert_string_equal(got.created, want.created);
	assert_string_equal(got.cgroup, want.cgroup);
	assert_int_equal(got.phase, want.phase);
	assert_int_equal(got.pid, want.pid);
	assert_true(got.start_time == want.start_time);
	assert_true(got.pidfd_inode == want.pidfd_inode);
	assert_true(got.owner == want.owner);
	assert_true(got.private_pids && !got.start_needs_config && got.poststop);
	assert_int_equal(got.annotations.n, want.annotations.n);
	for (size_t i = 0; i < got.annotations.n; i++) {
		assert_string_equal(got.annotations.v[i].key, want.annotations.v[i].key);
		assert_string_equal(got.annotations.v[i].value, want.annotations.v[i].value);
	}
	done_with(&d);
}

static void a_container_without_a_cgroup(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	struct state want = example(), got;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)unused;
	arena_init(&a, 0);
	want.cgroup = NULL;
	assert_int_equal(state_dir_make(root, "c", &d, &e), 0);
	assert_int_equal(state_save(&d, &want, &e), 0);
	assert_int_equal(state_load(&d, &a, &got, &e), 1);
	assert_null(got.cgroup);
	done_with(&d);
}

/* Puts `with` in the place of `what` and loads the record. */
static int load_edited(const char *what, const char *with, struct err *e)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	BUF struct buf text = { 0 };
	BUF struct buf edited = { 0 };
	struct state got;
	ARENA struct arena a;

	arena_init(&a, 0);
	assert_int_equal(state_dir_make(root, "c", &d, e), 0);
	record_of_example(&d, &text);
	buf_add(&text, "", 1);
	char *at = strstr(text.data, what);
	assert_non_null(at);
	buf_add(&edited, text.data, (size_t)(at - text.data));
	buf_add(&edited, with, strlen(with));
	buf_add(&edited, at + strlen(what), strlen(at + strlen(what)));
	put(&d, edited.data, edited.len);
	int result = state_load(&d, &a, &got, e);
	done_with(&d);
	return result;
}

static void versions(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(load_edited("\"version\":1", "\"version\":2", &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_string_equal(e.text, "container c was made by a newer caisson (record version 2)");
	e = (struct err){ 0 };
	/* what a newer one adds without a new version means nothing to us */
	assert_int_equal(load_edited("\"version\":1", "\"version\":1,\"x\":{\"y\":[1]}", &e), 1);
}

static void fields_that_do_not_fit_are_named(void **unused)
{
	static const struct {
		const char *what, *with, *field;
	} cases[] = {
		{ "\"version\":1", "\"version\":\"1\"", "version" },
		{ "\"id\":\"c\"", "\"id\":\"d\"", "id" },
		{ "\"pid\":4711", "\"pid\":-1", "pid" },
		{ "\"pid\":4711", "\"pid\":4294967296", "pid" },
		{ "\"pid\":4711", "\"pit\":4711", "pid" },
		{ "\"created\",", "\"creates\",", "phase" },
		{ "\"privatePids\":true", "\"privatePids\":1", "privatePids" },
		{ "\"cgroup\":\"/some/group\"", "\"cgroup\":null", "cgroup" },
		{ "\"cgroup\":\"/some/group\"", "\"cgroup\":\"some/group\"", "cgroup" },
		{ "\"startTime\":18446744073709551615", "\"startTime\":18446744073709551616",
		  "startTime" },
	};

	(void)unused;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct err e = { 0 };
		char want[128];

		assert_int_equal(load_edited(cases[i].what, cases[i].with, &e), -1);
		(void)snprintf(want, sizeof(want), "the record of container c is damaged: %s",
		               cases[i].field);
		assert_string_equal(e.text, want);
		assert_int_equal(e.kind, ERR_STATE);
		assert_string_equal(e.hint, "delete --force c removes it");
	}
}

/* Loads these bytes; an error is one of ours, a value is whole. */
static void load_bytes(const struct state_dir *d, const char *data, size_t len)
{
	struct err e = { 0 };
	struct state got;
	ARENA struct arena a;

	arena_init(&a, 0);
	put(d, data, len);
	if (state_load(d, &a, &got, &e) == 1) {
		/* every string can be read, every value is in its range */
		assert_true(strlen(got.bundle) + strlen(got.rootfs) + strlen(got.backend) < len);
		assert_true(strlen(got.boot_id) + strlen(got.created) < len);
		assert_string_equal(got.id, "c");
		assert_true(!got.cgroup || (got.cgroup[0] == '/' && strlen(got.cgroup) < len));
		assert_true(got.pid >= 0 && got.phase <= PHASE_STARTED);
	} else {
		assert_int_equal(e.kind, ERR_STATE);
		assert_true(e.text[0] != '\0' && !strchr(e.text, '\n'));
	}
}

static void every_truncation_and_every_flipped_bit(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	BUF struct buf text = { 0 };
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(state_dir_make(root, "c", &d, &e), 0);
	record_of_example(&d, &text);
	for (size_t len = 0; len < text.len; len++)
		load_bytes(&d, text.data, len);
	for (size_t bit = 0; bit < text.len * 8; bit++) {
		text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
		load_bytes(&d, text.data, text.len);
		text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
	}
	done_with(&d);
}

static void records_that_are_no_files(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	struct state got;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)unused;
	arena_init(&a, 0);
	assert_int_equal(state_dir_make(root, "c", &d, &e), 0);
	assert_int_equal(mkfifoat(d.fd, "state.json", 0600), 0);
	assert_int_equal(state_load(&d, &a, &got, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_int_equal(unlinkat(d.fd, "state.json", 0), 0);
	assert_int_equal(mkdirat(d.fd, "state.json", 0700), 0);
	assert_int_equal(state_load(&d, &a, &got, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	done_with(&d); /* the folder goes, too */
}

/* --- the folder --------------------------------------------------------------------- */

static void an_id_is_claimed_once(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	STATE_DIR struct state_dir again = STATE_DIR_NONE;
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(state_dir_open(root, "c", &d, &e), -1);
	assert_true(state_dir_missing(&e));
	assert_int_equal(state_dir_make(root, "c", &d, &e), 0);
	assert_int_equal(state_dir_make(root, "c", &again, &e), -1);
	assert_string_equal(e.text, "container with given ID already exists");
	assert_false(state_dir_missing(&e));
	done_with(&d);
}

static void the_lock_keeps_others_out(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	STATE_DIR struct state_dir other = STATE_DIR_NONE;
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(state_dir_make(root, "c", &d, &e), 0);
	assert_int_equal(state_dir_open(root, "c", &other, &e), 0);
	assert_int_equal(state_dir_is_locked(&other, &e), 1);
	/* asking does not take the lock away */
	assert_int_equal(state_dir_is_locked(&other, &e), 1);
	state_dir_unlock(&d);
	assert_int_equal(state_dir_is_locked(&other, &e), 0);
	assert_int_equal(state_dir_lock(&other, &e), 0);
	assert_int_equal(state_dir_is_locked(&d, &e), 1);
	/* who waited for a container that was deleted meanwhile hears so */
	done_with(&other);
	state_dir_close(&other);
	assert_int_equal(state_dir_lock(&d, &e), -1);
	assert_true(state_dir_missing(&e));
}

static void the_note_of_the_cgroup(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	struct err e = { 0 };
	const char *path = "", *scope;
	ARENA struct arena a;

	(void)unused;
	arena_init(&a, 0);
	assert_int_equal(state_dir_make(root, "c", &d, &e), 0);
	assert_int_equal(state_dir_noted_cgroup(&d, &a, &path, &scope, &e), 0);
	assert_null(path);
	assert_int_equal(state_dir_note_cgroup(&d, "/some/group", false, &e), 0);
	assert_int_equal(state_dir_noted_cgroup(&d, &a, &path, &scope, &e), 0);
	assert_string_equal(path, "/some/group");
	assert_null(scope);
	/* of a scope: the unit's name is that of its folder, as cg_escape has it */
	assert_int_equal(unlinkat(d.fd, "cgroup", 0), 0);
	assert_int_equal(state_dir_note_cgroup(&d, "/a.slice/_io.x.scope", true, &e), 0);
	assert_int_equal(state_dir_noted_cgroup(&d, &a, &path, &scope, &e), 0);
	assert_string_equal(path, "/a.slice/_io.x.scope");
	assert_string_equal(scope, "io.x.scope");
	/* none of ours: a relative path, a file */
	assert_int_equal(unlinkat(d.fd, "cgroup", 0), 0);
	assert_int_equal(symlinkat("../group", d.fd, "cgroup"), 0);
	assert_int_equal(state_dir_noted_cgroup(&d, &a, &path, &scope, &e), 0);
	assert_null(path);
	assert_int_equal(unlinkat(d.fd, "cgroup", 0), 0);
	assert_int_equal(fd_replace_file(d.fd, "cgroup", 0600, "/x", 2, &e), 0);
	assert_int_equal(state_dir_noted_cgroup(&d, &a, &path, &scope, &e), 0);
	assert_null(path);
	done_with(&d);
}

static void links_and_files_are_no_containers(void **unused)
{
	STATE_DIR struct state_dir d = STATE_DIR_NONE;
	struct err e = { 0 };
	char path[128];

	(void)unused;
	name_in_root(path, sizeof(path), "c");
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(state_dir_open(root, "c", &d, &e), -1);
	assert_false(state_dir_missing(&e));
	assert_int_equal(state_dir_make(root, "c", &d, &e), -1);
	assert_string_equal(e.text, "container with given ID already exists");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(state_dir_open(root, "c", &d, &e), -1);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_is_loaded),
		cmocka_unit_test(a_container_without_a_cgroup),
		cmocka_unit_test(versions),
		cmocka_unit_test(fields_that_do_not_fit_are_named),
		cmocka_unit_test(every_truncation_and_every_flipped_bit),
		cmocka_unit_test(records_that_are_no_files),
		cmocka_unit_test(an_id_is_claimed_once),
		cmocka_unit_test(the_lock_keeps_others_out),
		cmocka_unit_test(the_note_of_the_cgroup),
		cmocka_unit_test(links_and_files_are_no_containers),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
