/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: the same parser, compiler and host facts that create uses, but every fault is
 * kept instead of the first alone; then what only trying can tell. Errors are made by
 * the code that would make them at create (runtime/launch/report.c), so that they read
 * the same.
 */
#include "runtime/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/path.h"
#include "base/scope.h"
#include "runtime/compile.h"
#include "runtime/creation.h"
#include "runtime/launch/frame.h"
#include "runtime/launch/plan_check.h"
#include "runtime/launch/report.h"

#define CREATION __attribute__((cleanup(creation_end)))

/* --- verdicts ------------------------------------------------------------------------- */

static const char *keep(struct check *c, const char *text)
{
	return arena_string(c->arena, text, strlen(text));
}

static void take(struct check *c, const struct check_packet *p)
{
	struct err e = { 0 };
	struct check_verdict v;

	(void)err_point(&e, p->text);
	(void)err_point(&e, p->subject);
	v = (struct check_verdict){
		.subject = keep(c, p->subject),
		.text = keep(c, p->text),
		.hint = keep(c, p->hint),
		.pointer = keep(c, p->result == CHECK_FAIL ? e.pointer : ""),
		.sys = p->sys,
	};
	if (p->result == CHECK_PASS)
		v.result = CHECK_PASS;
	else if (p->result == CHECK_FAIL)
		v.result = CHECK_FAIL;
	else
		v.result = CHECK_UNKNOWN;
	buf_add(&c->verdicts, &v, sizeof(v));
}

static void give(struct check *c, const struct check_packet *p)
{
	if (c->report < 0)
		take(c, p);
	else
		(void)!send(c->report, p, sizeof(*p), MSG_NOSIGNAL);
}

static void fill(struct check_packet *p, const char *subject, const char *text)
{
	(void)snprintf(p->subject, sizeof(p->subject), "%.120s", subject);
	(void)snprintf(p->text, sizeof(p->text), "%.1000s", text);
}

void check_pass(struct check *c, const char *subject)
{
	struct check_packet p = { .result = CHECK_PASS };

	fill(&p, subject, "");
	give(c, &p);
}

void check_unknown(struct check *c, const char *subject, const char *why)
{
	struct check_packet p = { .result = CHECK_UNKNOWN };

	fill(&p, subject, why);
	give(c, &p);
}

void check_fail(struct check *c, const char *subject, const struct err *e)
{
	struct check_packet p = { .result = CHECK_FAIL, .sys = e->sys };

	fill(&p, subject, e->text);
	(void)snprintf(p.hint, sizeof(p.hint), "%s", e->hint);
	give(c, &p);
}

void check_result(struct check *c, const char *subject, int result, const struct err *e)
{
	if (result < 0)
		check_fail(c, subject, e);
	else
		check_pass(c, subject);
}

const char *check_subject(const struct check *c, const struct plan_step *step)
{
	const char *origin = plan_text(c->plan, step->origin);

	return origin ? origin : plan_op_name(step->op);
}

void check_step_error(const struct check *c, const struct plan_step *step, uint32_t call,
                      const char *what, struct err *ret)
{
	const struct plan_step *steps = plan_array(c->plan, c->plan->steps);
	struct frame f = {
		.type = FRAME_ERROR,
		.step = (uint32_t)(step - steps),
		.error = errno,
		.call = call,
	};

	(void)snprintf(f.text, sizeof(f.text), "%.400s", what);
	(void)report_error(c->plan, &f, ret);
}

/* --- the config ------------------------------------------------------------------------ */

/* The field that a message begins with, or a word. */
static void fail_parts(struct check *c, const struct err *e, const char *word)
{
	struct err part;

	for (unsigned int i = 0; err_part(e, i, &part); i++) {
		char subject[128];
		int len = (int)strcspn(part.text, ": ");

		(void)snprintf(subject, sizeof(subject), "%.*s",
		               part.pointer[0] && len < 120 ? len : 0, part.text);
		check_fail(c, subject[0] ? subject : word, &part);
	}
}

static int parse(struct check *c, struct buf *text, struct err *e)
{
	const struct create_request *r = c->request;
	const char *path = path_clean(c->arena, r->bundle, r->config);

	return bundle_config(c->arena, AT_FDCWD, path, text, &c->config, e);
}

/* The plan without what is refused; NULL when nothing can be made of the rest. */
static void compile(struct check *c, const struct container_context *context, struct buf *ret)
{
	const struct create_request *r = c->request;
	BUF struct buf faults = { 0 };
	const struct compile_options options = {
		.id = r->id,
		.bundle = r->bundle,
		.no_pivot = r->no_pivot,
		.keyring = r->no_new_keyring ? NULL : "_ses",
		.preserve_fds = r->preserve_fds,
		.no_cgroup = context->no_cgroup,
		.systemd = context->systemd_cgroup,
		.seccomp_cache = -1,
		.faults = &faults,
	};
	struct err e = { 0 };
	int result = compile_create(c->config, &options, c->facts, ret, &e);

	for (size_t i = 0; i < faults.len / sizeof(e); i++)
		fail_parts(c, &((const struct err *)(const void *)faults.data)[i], "config");
	if (result == 0)
		c->plan = (const struct plan *)(const void *)ret->data;
	else if (e.kind != ERR_BUG || faults.len == 0)
		fail_parts(c, &e, "config"); /* ERR_BUG: a plan with parts missing */
	if (!c->plan)
		check_unknown(c, "host", "not looked at: the config has to be right first");
	else if (faults.len == 0)
		check_pass(c, "config");
}

int container_check(const struct container_context *context, const struct create_request *r,
                    struct arena *a, struct check_verdict **ret, size_t *ret_count, struct err *e)
{
	struct check c = { .arena = a, .request = r, .report = -1, .root = -1 };
	BUF struct buf text = { 0 };
	BUF struct buf plan = { 0 };
	const struct facts_options options = { .rootless = context->rootless,
		                               .no_cgroup = context->no_cgroup,
		                               .systemd = context->systemd_cgroup };
	struct host_facts facts;
	struct err fault = { 0 };
	int result = 0;

	if (parse(&c, &text, &fault) < 0) {
		fail_parts(&c, &fault, r->config);
	} else {
		TRY(host_facts_read(a, c.config, &options, &facts, e));
		c.facts = &facts;
		compile(&c, context, &plan);
	}
	if (c.plan) {
		check_host(&c);
		result = check_inside(&c, e);
	}
	*ret_count = c.verdicts.len / sizeof(struct check_verdict);
	*ret = arena_array(a, *ret_count, sizeof(struct check_verdict));
	if (*ret_count)
		memcpy(*ret, c.verdicts.data, c.verdicts.len);
	buf_done(&c.verdicts);
	return result;
}
