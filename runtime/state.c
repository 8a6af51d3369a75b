/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record as JSON. Fields that a newer version adds are ignored by an older
 * one; STATE_VERSION grows only when an old field changes its meaning, and then
 * the reader keeps the old meaning for old records.
 */
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/scope.h"
#include "oci-spec/json.h"

enum { RECORD_MAX_BYTES = 4 << 20 };

static const char *const phase_names[] = {
	[PHASE_CREATING] = "creating",
	[PHASE_CREATED] = "created",
	[PHASE_STARTED] = "started",
};

int state_prepare(const struct state_dir *d, const struct state *state, struct err *e)
{
	BUF struct buf text = { 0 };
	struct json_writer w = { .out = &text, .indent = "" };

	json_open(&w, '{');
	json_put_u64(&w, "version", STATE_VERSION);
	json_put_string(&w, "id", state->id);
	json_put_string(&w, "bundle", state->bundle);
	json_put_string(&w, "rootfs", state->rootfs);
	json_put_string(&w, "backend", state->backend);
	json_put_string(&w, "bootId", state->boot_id);
	json_put_string(&w, "created", state->created);
	json_put_string(&w, "cgroup", state->cgroup ? state->cgroup : "");
	if (state->scope)
		json_put_string(&w, "scope", state->scope);
	json_put_string(&w, "phase", phase_names[state->phase]);
	json_put_u64(&w, "pid", (uint64_t)state->pid);
	json_put_u64(&w, "startTime", state->start_time);
	if (state->pidfd_inode)
		json_put_u64(&w, "pidfdInode", state->pidfd_inode);
	json_put_u64(&w, "owner", state->owner);
	json_put_bool(&w, "privatePids", state->private_pids);
	json_put_bool(&w, "startNeedsConfig", state->start_needs_config);
	if (state->keyring)
		json_put_string(&w, "keyring", state->keyring);
	else
		json_put_bool(&w, "keyring", false);
	json_put_bool(&w, "poststop", state->poststop);
	if (state->rdt)
		json_put_bool(&w, "rdt", true);
	if (state->shares_mounts)
		json_put_bool(&w, "sharesMounts", true);
	json_key(&w, "annotations");
	json_open(&w, '{');
	for (size_t i = 0; i < state->annotations.n; i++)
		json_put_string(&w, state->annotations.v[i].key, state->annotations.v[i].value);
	json_close(&w, '}');
	if (state->ended) {
		json_key(&w, "exit");
		json_open(&w, '{');
		json_put_u64(&w, "status", (uint64_t)state->exit_status);
		json_put_u64(&w, "signal", (uint64_t)state->exit_signal);
		json_close(&w, '}');
	}
	json_close(&w, '}');
	TRY(buf_ok(&text, e));
	return fd_replace_begin(d->fd, "state.json", 0600, text.data, text.len, e);
}

int state_commit(const struct state_dir *d, struct err *e)
{
	return fd_replace_end(d->fd, "state.json", e);
}

int state_save(const struct state_dir *d, const struct state *state, struct err *e)
{
	TRY(state_prepare(d, state, e));
	return state_commit(d, e);
}

/* --- reading: a field that is missing or of another type makes the record unusable -- */

struct reader {
	const struct json *record;
	const char *bad; /* the first field that did not fit */
};

static const char *get_string(struct reader *r, const char *key)
{
	const struct json *field = json_member(r->record, key);

	if (field && field->kind == JSON_STRING)
		return field->text;
	r->bad = r->bad ? r->bad : key;
	return "";
}

/* NULL where the field is missing: older records do not have it. */
static const char *get_optional(struct reader *r, const char *key)
{
	return json_member(r->record, key) ? get_string(r, key) : NULL;
}

static uint64_t get_number(struct reader *r, const char *key, uint64_t max)
{
	const struct json *field = json_member(r->record, key);
	uint64_t value = 0;

	if (!field || field->kind != JSON_NUMBER || num_u64(field->text, max, &value) < 0)
		r->bad = r->bad ? r->bad : key;
	return value;
}

static bool get_truth(struct reader *r, const char *key)
{
	const struct json *field = json_member(r->record, key);

	if (field && field->kind == JSON_BOOL)
		return field->truth;
	r->bad = r->bad ? r->bad : key;
	return false;
}

/* Older records say only whether there is one; its name was that of the container. */
static const char *get_keyring(struct reader *r, struct arena *a, const char *id)
{
	const struct json *field = json_member(r->record, "keyring");

	if (field && field->kind == JSON_STRING)
		return field->text;
	return get_truth(r, "keyring") ? arena_printf(a, "_ses.%s", id) : NULL;
}

static enum state_phase get_phase(struct reader *r)
{
	const char *name = get_string(r, "phase");

	for (unsigned int i = 0; i < LEN(phase_names); i++) {
		if (strcmp(name, phase_names[i]) == 0)
			return (enum state_phase)i;
	}
	r->bad = r->bad ? r->bad : "phase";
	return PHASE_CREATING;
}

static struct oci_pairs get_annotations(struct reader *r, struct arena *a)
{
	const struct json *field = json_member(r->record, "annotations");
	size_t n = 0;

	if (!field || field->kind != JSON_OBJECT) {
		r->bad = r->bad ? r->bad : "annotations";
		return (struct oci_pairs){ 0 };
	}
	struct oci_pair *pairs = arena_array(a, field->count, sizeof(*pairs));
	for (const struct json *j = field->first; j; j = j->next) {
		if (j->kind == JSON_STRING)
			pairs[n++] = (struct oci_pair){ .key = j->key, .value = j->text };
	}
	return (struct oci_pairs){ .v = pairs, .n = n };
}

static void get_exit(struct reader *r, struct state *ret)
{
	struct reader end = { .record = json_member(r->record, "exit") };

	if (!end.record)
		return;
	ret->ended = true;
	ret->exit_status = (int)get_number(&end, "status", UINT8_MAX);
	ret->exit_signal = (int)get_number(&end, "signal", UINT8_MAX - 128);
	if (end.bad)
		r->bad = r->bad ? r->bad : "exit";
}

static int unusable(const char *id, const char *why, struct err *e)
{
	err_set(e, ERR_STATE, "the record of container %s is damaged: %s", id, why);
	return err_hint(e, "delete --force %s removes it", id);
}

static int read_record(const char *id, struct arena *a, const struct json *record,
                       struct state *ret, struct err *e)
{
	struct reader r = { .record = record };
	uint64_t version = get_number(&r, "version", UINT32_MAX);

	if (!r.bad && version > STATE_VERSION)
		return err_set(e, ERR_STATE,
		               "container %s was made by a newer caisson (record version %llu)", id,
		               (unsigned long long)version);
	*ret = (struct state){
		.id = get_string(&r, "id"),
		.bundle = get_string(&r, "bundle"),
		.rootfs = get_string(&r, "rootfs"),
		.backend = get_string(&r, "backend"),
		.boot_id = get_string(&r, "bootId"),
		.created = get_string(&r, "created"),
		.cgroup = get_string(&r, "cgroup"),
		.scope = get_optional(&r, "scope"),
		.phase = get_phase(&r),
		.pid = (pid_t)get_number(&r, "pid", INT32_MAX),
		.start_time = get_number(&r, "startTime", UINT64_MAX),
		.pidfd_inode = json_member(record, "pidfdInode")
		                       ? get_number(&r, "pidfdInode", UINT64_MAX)
		                       : 0,
		.owner = (uint32_t)get_number(&r, "owner", UINT32_MAX),
		.private_pids = get_truth(&r, "privatePids"),
		.start_needs_config = get_truth(&r, "startNeedsConfig"),
		.keyring = get_keyring(&r, a, id),
		.poststop = get_truth(&r, "poststop"),
		.rdt = json_member(record, "rdt") != NULL,
		.shares_mounts = json_member(record, "sharesMounts") != NULL,
		.annotations = get_annotations(&r, a),
	};
	get_exit(&r, ret);
	if (!r.bad && strcmp(ret->id, id) != 0)
		r.bad = "id";
	if (!r.bad && ret->cgroup[0] != '/' && ret->cgroup[0])
		r.bad = "cgroup";
	if (!ret->cgroup[0])
		ret->cgroup = NULL;
	return r.bad ? unusable(id, r.bad, e) : 0;
}

int state_parse(const char *id, struct arena *a, const char *text, size_t len, struct state *ret,
                struct err *e)
{
	const struct json *record;
	ARENA struct arena nodes;

	arena_init(&nodes, 0);
	if (len == 0 || json_parse_apart(a, &nodes, text, len, &record, e) < 0)
		return unusable(id, "not JSON", e);
	return read_record(id, a, record, ret, e);
}

int state_load(const struct state_dir *d, struct arena *a, struct state *ret, struct err *e)
{
	BUF struct buf text = { 0 };

	if (fd_read_file(d->fd, "state.json", RECORD_MAX_BYTES, &text, e) < 0) {
		if (e->kind == ERR_REFUSED)
			return unusable(d->id, "not a file of ours", e);
		if (e->sys != ENOENT)
			return -1;
		*e = (struct err){ 0 };
		return 0;
	}
	TRY(state_parse(d->id, a, text.data, text.len, ret, e));
	return 1;
}

int state_boot_id(struct arena *a, const char **ret, struct err *e)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char text[sizeof("01234567-0123-0123-0123-0123456789ab\n")] = "";
	FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return err_sys(e, "read %s", path);
	*ret = arena_string(a, text, strcspn(text, "\n"));
	return 0;
}
