/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy audit: one page on how well a bundle, or a container that runs, is walled off.
 * The exit status says whether something is bad enough, so that a pipeline can stop.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/audit.h"
#include "runtime/backend.h"
#include "runtime/cmd.h"
#include "runtime/creation.h"
#include "runtime/policy_profile.h"
#include "runtime/query.h"

enum { EXIT_FINE = 0, EXIT_FOUND = 1, EXIT_TROUBLE = 2 };

/* clang-format off */
static const struct option_spec audit_options[] = {
	{ .name = "against", .kind = OPTION_TEXT, .value = "BUNDLE", .complete = COMPLETE_DIR,
	  .help = "tell only what is worse (and what is better) than in this one" },
	{ .name = "fail-on", .kind = OPTION_TEXT, .value = "SEVERITY",
	  .words = "low medium high never",
	  .help = "exit with 1 on findings of at least this severity (default: high)" },
	{ .name = "format", .kind = OPTION_TEXT, .value = "FORMAT", .words = "text json",
	  .help = "text (default) or json" },
	{ .name = NULL },
};
/* clang-format on */

/* What was audited: a bundle, or a container with its bundle. */
struct target {
	const char *name;
	const char *id; /* NULL: a bundle */
	pid_t pid;      /* 0: nothing runs */
};

/* --- reading ----------------------------------------------------------------------------- */

static int read_bundle(struct arena *a, const char *bundle, struct audit *ret, struct err *e)
{
	const char *path = arena_printf(a, "%s/config.json", bundle);
	BUF struct buf text = { 0 };

	*ret = (struct audit){ .arena = a, .bundle = bundle };
	TRY(bundle_text(AT_FDCWD, path, &text, e));
	if (json_parse(a, text.data ? text.data : "", text.len, &ret->tree, e) < 0 ||
	    oci_config_parse(a, text.data ? text.data : "", text.len, &ret->config, e) < 0)
		return err_in(e, "%s", path);
	audit_config(ret);
	return 0;
}

static bool is_running(const struct found *f)
{
	return f->status == STATUS_CREATED || f->status == STATUS_RUNNING ||
	       f->status == STATUS_PAUSED;
}

static int read_container(const struct invocation *in, const char *id, struct target *t,
                          struct audit *ret, struct err *e)
{
	FOUND struct found f = FOUND_NONE;
	struct err ignored = { 0 };

	TRY(found_open(&in->context, in->arena, id, false, &f, e));
	if (!is_running(&f))
		return err_set(e, ERR_STATE, "container %s is %s: give its bundle instead", id,
		               container_status_name(f.status));
	if (backend_of_record(&f)->guest)
		return err_set(e, ERR_REFUSED,
		               "container %s: its process is the monitor of a microVM, which is "
		               "none of the config's: give its bundle instead",
		               id);
	t->id = id;
	t->pid = f.state.pid;

	FD int cgroup = f.state.cgroup ? cgroup_open(&f.cgroup, f.state.cgroup, &ignored) : -1;
	TRY(read_bundle(in->arena, f.state.bundle, ret, e));
	TRY(audit_kernel(ret, t->pid, cgroup, e));

	/* else the pid may have been somebody else's for a part of it */
	int ended = proc_wait_end(f.pidfd, 0, e);
	TRY(ended);
	return ended ? err_set(e, ERR_STATE, "container %s ended meanwhile", id) : 0;
}

/* A folder's path has a slash in it, or there is no container of that name. */
static int read_target(const struct invocation *in, const char *name, struct target *t,
                       struct audit *ret, struct err *e)
{
	struct err missing = { 0 };
	struct stat st;

	t->name = name;
	if (!strchr(name, '/') && container_id_check(name, &missing) == 0) {
		STATE_DIR struct state_dir dir = STATE_DIR_NONE;

		if (state_dir_open(in->context.root, name, &dir, &missing) == 0)
			return read_container(in, name, t, ret, e);
		if (stat(name, &st) < 0)
			return err_set(e, ERR_STATE,
			               "%s: there is neither a container nor a folder of this name",
			               name);
	}
	return read_bundle(in->arena, path_clean(in->arena, in->cwd, name), ret, e);
}

/* --- comparing --------------------------------------------------------------------------- */

static bool has(const struct audit *a, const struct audit_finding *f)
{
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i].rule, f->rule) == 0 && strcmp(a->v[i].what, f->what) == 0)
			return true;
	}
	return false;
}

/* What only the first has. */
static struct audit subtract(const struct audit *from, const struct audit *other)
{
	struct audit ret = *from;

	ret.v = arena_array(from->arena, from->n + 1, sizeof(*ret.v));
	ret.n = 0;
	for (size_t i = 0; i < from->n; i++) {
		if (!has(other, &from->v[i]))
			ret.v[ret.n++] = from->v[i];
	}
	return ret;
}

/* --- text -------------------------------------------------------------------------------- */

static void text_posture(const struct audit *a, struct buf *out)
{
	struct audit_line lines[AUDIT_POSTURE_MAX];
	size_t n = audit_posture(a, lines);

	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%-18s ", lines[i].key);
		buf_plain(out, lines[i].text);
		buf_text(out, "\n");
	}
	buf_text(out, "\n");
}

static void text_findings(const struct audit *a, struct buf *out)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct audit_finding *f = &a->v[i];

		buf_printf(out, "%-7s %s: ", audit_severity_name(f->severity), f->rule);
		buf_plain(out, f->what);
		buf_text(out, "\n        ");
		buf_plain(out, f->pointer);
		buf_text(out, ": ");
		buf_plain(out, f->fix);
		buf_text(out, "\n");
	}
	buf_printf(out, "%zu high, %zu medium, %zu low\n", audit_count(a, AUDIT_HIGH),
	           audit_count(a, AUDIT_MEDIUM), audit_count(a, AUDIT_LOW));
}

/* --- JSON -------------------------------------------------------------------------------- */

static void json_findings(struct json_writer *w, const char *key, const struct audit *a)
{
	json_key(w, key);
	json_open(w, '[');
	for (size_t i = 0; i < a->n; i++) {
		json_open(w, '{');
		json_put_string(w, "severity", audit_severity_name(a->v[i].severity));
		json_put_string(w, "rule", a->v[i].rule);
		json_put_string(w, "what", a->v[i].what);
		json_put_string(w, "pointer", a->v[i].pointer);
		json_put_string(w, "fix", a->v[i].fix);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void print_json(const struct target *t, const struct audit *a, const struct audit *gone,
                       struct buf *out)
{
	struct json_writer w = { .out = out, .indent = "  " };
	struct audit_line lines[AUDIT_POSTURE_MAX];
	size_t n = audit_posture(a, lines);

	json_open(&w, '{');
	json_put_string(&w, t->id ? "container" : "bundle", t->name);
	if (t->pid) {
		json_key(&w, "pid");
		json_i64(&w, t->pid);
	}
	json_key(&w, "counts");
	json_open(&w, '{');
	for (enum audit_severity s = AUDIT_LOW; s <= AUDIT_HIGH; s++)
		json_put_u64(&w, audit_severity_name(s), audit_count(a, s));
	json_close(&w, '}');
	json_key(&w, "posture");
	json_open(&w, '{');
	for (size_t i = 0; i < n; i++)
		json_put_string(&w, lines[i].key, lines[i].text);
	json_close(&w, '}');
	json_findings(&w, "findings", a);
	if (gone)
		json_findings(&w, "gone", gone);
	json_close(&w, '}');
	buf_text(out, "\n");
}

/* --- the command ------------------------------------------------------------------------- */

static bool fails(const struct audit *a, const char *limit)
{
	enum audit_severity least = AUDIT_HIGH;

	if (limit && strcmp(limit, "never") == 0)
		return false;
	for (enum audit_severity s = AUDIT_LOW; limit && s <= AUDIT_HIGH; s++) {
		if (strcmp(limit, audit_severity_name(s)) == 0)
			least = s;
	}
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].severity >= least)
			return true;
	}
	return false;
}

static int audit_run(const struct invocation *in, struct err *e)
{
	struct target t = { 0 }, o = { 0 };
	const char *format = cli_text(in, "format"), *other = cli_text(in, "against");
	struct audit a, against, gone = { 0 };
	BUF struct buf out = { 0 };

	TRY(read_target(in, in->args.v[0], &t, &a, e));
	if (other) {
		TRY(read_target(in, other, &o, &against, e));
		gone = subtract(&against, &a);
		a = subtract(&a, &against);
	}
	if (format && strcmp(format, "json") == 0) {
		print_json(&t, &a, other ? &gone : NULL, &out);
	} else {
		if (!other)
			text_posture(&a, &out);
		text_findings(&a, &out);
		if (other && gone.n > 0) {
			buf_text(&out, "\nwhat it does not have any more:\n");
			text_findings(&gone, &out);
		}
	}
	TRY(cmd_print(&out, e));
	return fails(&a, cli_text(in, "fail-on")) ? EXIT_FOUND : EXIT_FINE;
}

const struct command command_policy_audit = {
	.name = "policy audit",
	.arguments = "BUNDLE|ID",
	.summary = "show how well a container is walled off, and what weakens it",
	.description =
		"Prints what stands between the container and the host: namespaces, users, "
		"capabilities, system calls, mounts, devices, hidden paths and limits; then what "
		"weakens these walls, the worst first, each with its place in config.json and how "
		"to close it. \"high\" is a way to the host, \"medium\" helps who has got a foot in "
		"the door, \"low\" is more than most containers need.\n\n"
		"A name without a slash that is a container's id means that container: then it is "
		"also read back from the kernel what its process and its cgroup really have, and "
		"told (as \"drift\") where that is weaker than config.json.\n\n"
		"With --against only the difference is told: what is found here and not in the "
		"other, and what is found only there.\n\n"
		"The exit status is 1 when there is a finding of at least the severity that "
		"--fail-on names (with --against: one that the other does not have), 0 when there "
		"is none, and 2 when the audit itself failed.",
	.examples = "caisson policy audit /srv/web\n"
		    "caisson policy audit --against /srv/web.old --fail-on low /srv/web\n"
		    "caisson policy audit --format json web1\n",
	.options = audit_options,
	.complete = { COMPLETE_DIR },
	.args_min = 1,
	.args_max = 1,
	.failure = EXIT_TROUBLE,
	.run = audit_run,
};
