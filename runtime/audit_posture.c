/* SPDX-License-Identifier: Apache-2.0 */
/* The page's first half: each wall in a line, as the config has it. */
#include <linux/mount.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "runtime/audit.h"
#include "runtime/mount_options.h"
#include "seccomp/verdict.h"

static const char *keep(struct arena *a, const struct buf *text, const char *empty)
{
	return arena_printf(a, "%s", text->len > 0 ? text->data : empty);
}

static void add(struct buf *out, const char *between, const char *text)
{
	if (out->len > 0)
		buf_text(out, between);
	buf_text(out, text);
}

static const char *namespaces(const struct audit *a)
{
	BUF struct buf own = { 0 }, joined = { 0 }, host = { 0 };

	for (enum oci_namespace_kind kind = 0; kind < OCI_NS_KINDS; kind++) {
		const struct oci_namespace *ns = &a->config->linux_->namespaces[kind];

		if (!ns->wanted)
			add(&host, " ", oci_namespace_name(kind));
		else if (!ns->path)
			add(&own, " ", oci_namespace_name(kind));
		else
			add(&joined, " ",
			    arena_printf(a->arena, "%s (%s)", oci_namespace_name(kind), ns->path));
	}
	return arena_printf(a->arena, "own: %s%s%s; the host's: %s", keep(a->arena, &own, "none"),
	                    joined.len > 0 ? "; joined: " : "", keep(a->arena, &joined, ""),
	                    keep(a->arena, &host, "none"));
}

static const char *mappings(const struct audit *a, const struct oci_id_mappings *maps)
{
	BUF struct buf out = { 0 };

	for (size_t i = 0; i < maps->n; i++)
		add(&out, ", ",
		    arena_printf(a->arena, "%u-%u are the host's %u-%u", maps->v[i].container_id,
		                 maps->v[i].container_id + maps->v[i].size - 1, maps->v[i].host_id,
		                 maps->v[i].host_id + maps->v[i].size - 1));
	return keep(a->arena, &out, "all ids are the host's");
}

static const char *user(const struct audit *a)
{
	const struct oci_process *p = a->config->process;
	const char *maps = mappings(a, &a->config->linux_->uid_mappings);

	if (!p)
		return maps;
	return arena_printf(a->arena, "%u:%u; %s", p->user.uid, p->user.gid, maps);
}

static const char *capabilities(const struct audit *a)
{
	const struct oci_process *p = a->config->process;
	const struct oci_capabilities *c = p ? p->capabilities : NULL;
	uint64_t held = c ? c->bounding | c->permitted | c->inheritable | c->ambient : 0;
	BUF struct buf out = { 0 };

	for (int i = 0; i < 64; i++) {
		const char *name = held & 1ULL << i ? oci_capability_name(i) : NULL;

		if (name)
			add(&out, " ", name + strlen("CAP_"));
	}
	return keep(a->arena, &out, "none");
}

static const char *seccomp(const struct audit *a)
{
	const struct oci_seccomp *profile = a->config->linux_->seccomp;
	size_t n, count[VERDICT_REFUSED + 1] = { 0 };
	struct verdict *v;

	if (!profile)
		return "none";
	verdict_all(a->arena, profile, &v, &n);
	for (size_t i = 0; i < n; i++)
		count[v[i].kind]++;
	return arena_printf(a->arena,
	                    "%zu of %zu system calls allowed, %zu by their arguments; else %s",
	                    count[VERDICT_ALLOWED], n, count[VERDICT_CONDITIONAL],
	                    verdict_action_name(profile->default_action));
}

static const char *lsm(const struct audit *a)
{
	const struct oci_process *p = a->config->process;

	if (p && p->apparmor_profile)
		return arena_printf(a->arena, "AppArmor: %s", p->apparmor_profile);
	if (p && p->selinux_label)
		return arena_printf(a->arena, "SELinux: %s", p->selinux_label);
	return "none";
}

static const char *landlock(const struct audit *a)
{
	const struct oci_landlock *l = a->config->landlock;

	if (!l)
		return "none";
	return arena_printf(a->arena, "%d accesses of files, %d of ports, %d scopes; %zu rules; %s",
	                    __builtin_popcountll(l->fs), __builtin_popcountll(l->net),
	                    __builtin_popcountll(l->scopes), l->path_count + l->port_count,
	                    l->strict ? "strict" : "best effort");
}

static const char *root(const struct audit *a)
{
	return arena_printf(a->arena, "%s, %s",
	                    a->config->root_path ? a->config->root_path : "none",
	                    a->config->root_readonly ? "read-only" : "writable");
}

static const char *mounts(const struct audit *a)
{
	BUF struct buf out = { 0 };

	for (size_t i = 0; i < a->config->mount_count; i++) {
		const struct oci_mount *m = &a->config->mounts[i];
		struct mount_options o;
		BUF struct buf options = { 0 };

		mount_options_parse(a->arena, m, &o);
		if (!o.bind)
			continue;
		for (size_t k = 0; k < m->options.n; k++)
			add(&options, ",", m->options.v[k]);
		add(&out, "; ",
		    arena_printf(a->arena, "%s on %s (%s)", m->source ? m->source : "?",
		                 m->destination, keep(a->arena, &options, "")));
	}
	return keep(a->arena, &out, "none");
}

static const char *devices(const struct audit *a)
{
	const struct oci_linux *l = a->config->linux_;
	size_t allowed = 0;
	BUF struct buf nodes = { 0 };

	for (size_t i = 0; i < l->device_count; i++)
		add(&nodes, " ", l->devices[i].path);
	for (size_t i = 0; l->resources && i < l->resources->device_count; i++)
		allowed += l->resources->devices[i].allow;
	return arena_printf(a->arena, "nodes: %s; rules that allow: %zu",
	                    keep(a->arena, &nodes, "none"), allowed);
}

static const char *paths(const struct audit *a)
{
	return arena_printf(a->arena, "%zu masked, %zu read-only",
	                    a->config->linux_->masked_paths.n, a->config->linux_->readonly_paths.n);
}

static const char *limits(const struct audit *a)
{
	const struct oci_resources *r = a->config->linux_->resources;
	BUF struct buf out = { 0 };

	if (r && r->memory && r->memory->limit.set && r->memory->limit.value >= 0)
		add(&out, ", ",
		    arena_printf(a->arena, "memory %lld", (long long)r->memory->limit.value));
	if (r && r->pids_limit.set && r->pids_limit.value > 0)
		add(&out, ", ",
		    arena_printf(a->arena, "pids %lld", (long long)r->pids_limit.value));
	if (r && r->cpu && r->cpu->quota.set && r->cpu->quota.value > 0)
		add(&out, ", ",
		    arena_printf(a->arena, "cpu quota %lld", (long long)r->cpu->quota.value));
	return keep(a->arena, &out, "none");
}

size_t audit_posture(const struct audit *a, struct audit_line ret[AUDIT_POSTURE_MAX])
{
	const struct oci_process *p = a->config->process;
	const struct audit_line lines[] = {
		{ "namespaces", namespaces(a) },
		{ "user", user(a) },
		{ "capabilities", capabilities(a) },
		{ "no new privileges", p && p->no_new_privileges ? "yes" : "no" },
		{ "seccomp", seccomp(a) },
		{ "security module", lsm(a) },
		{ "Landlock", landlock(a) },
		{ "root", root(a) },
		{ "host mounts", mounts(a) },
		{ "devices", devices(a) },
		{ "paths", paths(a) },
		{ "limits", limits(a) },
	};

	memcpy(ret, lines, sizeof(lines));
	return LEN(lines);
}
