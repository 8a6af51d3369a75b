/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: what this kernel's ABI knows of what the config wants. Strict, the rest is
 * an error; else it is left out with a warning, and whoever reads the config must not
 * count on it.
 */
#include "base/scope.h"
#include "runtime/compile_parts.h"

/* Up to which ABI only these bits are known: Documentation/userspace-api/landlock.rst,
 * "Previous limitations". A newer kernel knows all that the config has words for. */
static const struct {
	int abi;
	uint64_t fs, net, scopes;
} known[] = {
	{ 1, 0x1fff, 0, 0 }, { 2, 0x3fff, 0, 0 }, { 3, 0x7fff, 0, 0 },
	{ 4, 0x7fff, 3, 0 }, { 5, 0xffff, 3, 0 },
};

struct wanted {
	uint64_t fs, net, scopes;
};

static struct wanted kernel_knows(int abi)
{
	if (abi == 0)
		return (struct wanted){ 0 };
	for (size_t i = 0; i < LEN(known); i++) {
		if (known[i].abi == abi)
			return (struct wanted){ known[i].fs, known[i].net, known[i].scopes };
	}
	return (struct wanted){ UINT64_MAX, UINT64_MAX, UINT64_MAX };
}

/* The first of these bits by its word. */
static const char *word_of(enum oci_landlock_kind kind, uint64_t bits)
{
	return oci_landlock_word(kind, (unsigned int)__builtin_ctzll(bits));
}

static const char *first_unknown(const struct oci_landlock *l, const struct wanted *kernel)
{
	if (!l->fs_implied && (l->fs & ~kernel->fs))
		return word_of(OCI_LANDLOCK_FS, l->fs & ~kernel->fs);
	if (!l->net_implied && (l->net & ~kernel->net))
		return word_of(OCI_LANDLOCK_NET, l->net & ~kernel->net);
	if (l->scopes & ~kernel->scopes)
		return word_of(OCI_LANDLOCK_SCOPE, l->scopes & ~kernel->scopes);
	return NULL;
}

static struct plan_list put_rules(struct compile *c, const struct oci_landlock *l,
                                  const struct wanted *w)
{
	struct plan_landlock *v =
		arena_array(&c->arena, l->path_count + l->port_count + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < l->path_count; i++) {
		v[n].access = l->paths[i].access & w->fs;
		v[n].path = plan_put_string(&c->plan, l->paths[i].path);
		n += v[n].access != 0;
	}
	for (size_t i = 0; i < l->port_count; i++) {
		v[n] = (struct plan_landlock){ .access = l->ports[i].access & w->net,
			                       .port = l->ports[i].port };
		n += v[n].access != 0;
	}
	return plan_put_array(&c->plan, v, n, sizeof(*v));
}

int compile_landlock(struct compile *c, struct err *e)
{
	static const char origin[] = "annotations[\"" OCI_LANDLOCK_ANNOTATION "\"]";
	const struct oci_landlock *l = c->config->landlock;
	struct wanted w;

	if (!l)
		return 0;
	w = kernel_knows(c->facts->landlock_abi);
	const char *missing = first_unknown(l, &w);
	if ((missing || c->facts->landlock_abi == 0) && l->strict) {
		if (c->facts->landlock_abi == 0)
			err_set(e, ERR_REFUSED, "%s: this kernel has no Landlock", origin);
		else
			err_set(e, ERR_REFUSED,
			        "%s: this kernel's Landlock (ABI %d) does not know \"%s\"", origin,
			        c->facts->landlock_abi, missing);
		return err_hint(e, "without disableBestEffort it would be left out");
	}
	if (c->warn && c->facts->landlock_abi == 0)
		c->warn("%s: this kernel has no Landlock: nothing of it is restricted", origin);
	else if (c->warn && missing)
		c->warn("%s: this kernel's Landlock (ABI %d) does not know \"%s\": it is not restricted",
		        origin, c->facts->landlock_abi, missing);
	w = (struct wanted){ l->fs & w.fs, l->net & w.net, l->scopes & w.scopes };
	if (!w.fs && !w.net && !w.scopes)
		return 0;
	struct plan_list rules = put_rules(c, l, &w);
	struct plan_step *step = plan_add(&c->plan, PLAN_LANDLOCK, origin);
	step->landlock.fs = w.fs;
	step->landlock.net = w.net;
	step->landlock.scopes = w.scopes;
	step->landlock.rules = rules;
	step->landlock.strict = l->strict;
	return 0;
}
