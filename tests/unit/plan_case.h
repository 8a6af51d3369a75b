/* SPDX-License-Identifier: Apache-2.0 */
/* Configs as text to plans, for tests of the compiler. Hosts are forged. */
#pragma once

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/compile.h"
#include "runtime/launch/plan_check.h"
#include "unit.h"

/* What a case changes; NULL: as it stands in plan_case_text(). */
struct plan_case {
	const char *process;    /* members behind args, cwd and user: "\"env\": []" */
	const char *user;       /* process.user */
	const char *mounts;     /* elements */
	const char *namespaces; /* elements */
	const char *linux_;     /* members of linux behind namespaces */
	const char *top;        /* members of the whole */
	const struct host_facts *facts;
	bool no_pivot, no_new_keyring, run, systemd;
	unsigned int preserve_fds, listen_fds;
	const char *notify_folder;
};

#define PLAN_CASE_NAMESPACES                                              \
	"{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"network\"}," \
	"{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"cgroup\"}"
#define PLAN_CASE_USER_NAMESPACE PLAN_CASE_NAMESPACES ",{\"type\":\"user\"}"
#define PLAN_CASE_MAPS                                                           \
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1000}]," \
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":200000,\"size\":1000}]"

static const struct host_facts plan_case_root = {
	.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup", .controllers = 0xff },
	.capabilities = (UINT64_C(2) << CAP_LAST_CAP) - 1,
};

static inline const char *plan_case_text(struct arena *a, const struct plan_case *c)
{
	return arena_printf(
		a,
		"{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"user\":%s%s%s},"
		"\"root\":{\"path\":\"rootfs\"},\"mounts\":[%s],"
		"\"linux\":{\"namespaces\":[%s]%s%s}%s%s}",
		c->user ? c->user : "{\"uid\":0,\"gid\":0}", c->process ? "," : "",
		c->process ? c->process : "", c->mounts ? c->mounts : "",
		c->namespaces ? c->namespaces : PLAN_CASE_NAMESPACES, c->linux_ ? "," : "",
		c->linux_ ? c->linux_ : "", c->top ? "," : "", c->top ? c->top : "");
}

static inline const struct oci_config *plan_case_config(struct arena *a, const struct plan_case *c)
{
	const char *text = plan_case_text(a, c);
	const struct oci_config *config = NULL;
	struct err e = { 0 };

	if (oci_config_parse(a, text, strlen(text), &config, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return config;
}

static inline int plan_case_compile(struct arena *a, const struct plan_case *c, struct buf *ret,
                                    struct err *e)
{
	const struct compile_options options = {
		.id = "c1",
		.bundle = "/bundle",
		.no_pivot = c->no_pivot,
		.keyring = c->no_new_keyring ? NULL : "_ses.c1",
		.preserve_fds = c->preserve_fds,
		.listen_fds = c->listen_fds,
		.notify_folder = c->notify_folder,
		.listener = !c->run,
		.systemd = c->systemd,
		.seccomp_cache = -1,
	};

	return compile_create(plan_case_config(a, c), &options,
	                      c->facts ? c->facts : &plan_case_root, ret, e);
}

/* A plan that has to come out, and pass the check. */
static inline const struct plan *plan_case_plan(struct arena *a, const struct plan_case *c,
                                                struct buf *ret)
{
	struct err e = { 0 };

	if (plan_case_compile(a, c, ret, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(plan_check(ret->data, ret->len), 0);
	return (const struct plan *)(const void *)ret->data;
}

/* The index of the nth (from 0) step with this op, or -1. */
static inline int plan_case_find(const struct plan *plan, enum plan_op op, unsigned int nth)
{
	const struct plan_step *s = plan_array(plan, plan->steps);

	for (unsigned int i = 0; i < plan->steps.count; i++)
		if (s[i].op == op && nth-- == 0)
			return (int)i;
	return -1;
}

static inline const struct plan_step *plan_case_step(const struct plan *plan, enum plan_op op,
                                                     unsigned int nth)
{
	const struct plan_step *s = plan_array(plan, plan->steps);
	int index = plan_case_find(plan, op, nth);

	if (index < 0)
		fail_msg("no step %s #%u", plan_op_name(op), nth);
	return &s[index];
}

/* Declares NAME, the plan of a case, which lives as long as the block. */
#define PLAN_CASE(name, ...)          \
	ARENA struct arena arena;     \
	BUF struct buf bytes = { 0 }; \
	arena_init(&arena, 0);        \
	const struct plan *name = plan_case_plan(&arena, &(struct plan_case){ __VA_ARGS__ }, &bytes)

#define PLAN_CASE_SHARED_MOUNT \
	"{\"destination\":\"/s\",\"source\":\"/srv\",\"options\":[\"rbind\",\"rshared\"]}"

static inline void plan_case_order(const struct plan *plan, enum plan_op first, enum plan_op second)
{
	int a = plan_case_find(plan, first, 0), b = plan_case_find(plan, second, 0);

	if (a < 0 || b < 0 || a > b)
		fail_msg("%s (%d) has to come before %s (%d)", plan_op_name(first), a,
		         plan_op_name(second), b);
}
