/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of oci-spec share. Configs are written with ' for ", so that they
 * can be read; the smallest valid one is MINIMAL, and members are put in front of it.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/scope.h"
#include "oci-spec/spec.h"
#include "unit.h"

#define MINIMAL "'ociVersion':'1.3.0','root':{'path':'rootfs'}"

/* A process that is complete but for `members`. */
#define PROCESS(members) "'process':{'cwd':'/','args':['sh']" members "}"

struct parsed {
	struct arena arena;
	struct err e;
	const struct oci_config *config; /* NULL: refused, see e */
};

static inline void put_quoted(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_add(out, *text == '\'' ? "\"" : text, 1);
}

/* Parses {members, MINIMAL}, or {MINIMAL} where members is empty. */
static inline void parse_members(struct parsed *p, const char *members)
{
	BUF struct buf text = { 0 };

	*p = (struct parsed){ 0 };
	arena_init(&p->arena, OCI_CONFIG_MAX_ARENA);
	buf_text(&text, "{");
	put_quoted(&text, members);
	put_quoted(&text, members[0] ? "," MINIMAL "}" : MINIMAL "}");
	if (oci_config_parse(&p->arena, text.data, text.len, &p->config, &p->e) < 0)
		p->config = NULL;
}

static inline void parsed_done(struct parsed *p)
{
	arena_done(&p->arena);
}

#define PARSED __attribute__((cleanup(parsed_done)))

/* The config of members that must be accepted. */
static inline const struct oci_config *accept(struct parsed *p, const char *members)
{
	parse_members(p, members);
	if (!p->config)
		fail_msg("refused: %s\n%s", p->e.text, members);
	return p->config;
}

/* Members and the whole text of the error that they must give, with ' for " too. */
struct bad {
	const char *members, *text;
};

static inline void refuse_all(const struct bad *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		PARSED struct parsed p;

		parse_members(&p, list[i].members);
		if (p.config)
			fail_msg("accepted: %s", list[i].members);
		for (char *c = p.e.text; *c; c++)
			*c = *c == '"' ? '\'' : *c;
		if (strcmp(p.e.text, list[i].text) != 0)
			fail_msg("for %s\nexpected: %s\ngot:      %s", list[i].members,
			         list[i].text, p.e.text);
		assert_int_equal(p.e.kind, ERR_SPEC);
	}
}

#define REFUSE_ALL(list) refuse_all(list, LEN(list))

static inline double seconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
