/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups: the maps of a new user namespace, and whether each id that the
 * config names has a meaning under them. The kernel would refuse most of this later
 * with a bare EINVAL; here it is known which id is meant.
 *
 * A caller without privileges may map its own user and group only, and only after
 * giving up setgroups(2) (user_namespaces(7)); so may root of a namespace that was
 * made that way. Any other map of such a caller's is written by newuidmap(1) and
 * newgidmap(1), which know what ids the administrator gave to whom.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/compile_parts.h"

struct plan_list compile_put_map(struct compile *c, struct oci_id_mappings maps)
{
	struct plan_idmap *out = arena_array(&c->arena, maps.n, sizeof(*out));

	for (size_t i = 0; i < maps.n; i++)
		out[i] = (struct plan_idmap){
			.inside = maps.v[i].container_id,
			.outside = maps.v[i].host_id,
			.count = maps.v[i].size,
		};
	return plan_put_array(&c->plan, out, maps.n, sizeof(*out));
}

static bool is_mapped(struct oci_id_mappings maps, uint32_t id)
{
	for (size_t i = 0; i < maps.n; i++)
		if (id >= maps.v[i].container_id && id - maps.v[i].container_id < maps.v[i].size)
			return true;
	return false;
}

bool compile_host_id(const struct compile *c, struct oci_id_mappings maps, uint32_t id,
                     uint32_t *ret)
{
	const struct oci_namespace *ns = &c->linux_->namespaces[OCI_NS_USER];

	*ret = id;
	for (size_t i = 0; i < maps.n && ns->wanted && !ns->path; i++) {
		const struct oci_id_mapping *m = &maps.v[i];

		if (id < m->container_id || id - m->container_id >= m->size)
			continue;
		*ret = m->host_id + (id - m->container_id);
		return true;
	}
	return !ns->wanted;
}

/* Becoming 0:0 of the namespace is what gives init its rights over it. */
static int check_map(struct oci_id_mappings maps, const char *name, struct err *e)
{
	if (!is_mapped(maps, 0))
		return err_set(e, ERR_SPEC, "linux.%s: id 0 of the container must be mapped", name);
	return 0;
}

/* Whether the kernel lets us write no such map. */
static bool needs_helper(const struct compile *c, struct oci_id_mappings maps, uint32_t own_id)
{
	return c->facts->euid != 0 &&
	       !(maps.n == 1 && maps.v[0].size == 1 && maps.v[0].host_id == own_id);
}

int compile_maps(struct compile *c, struct err *e)
{
	const struct oci_linux *l = c->linux_;
	const struct oci_namespace *ns = &l->namespaces[OCI_NS_USER];
	bool unprivileged = c->facts->euid != 0;
	bool joined = ns->path;
	bool uid_helper = needs_helper(c, l->uid_mappings, c->facts->euid);
	bool gid_helper = needs_helper(c, l->gid_mappings, c->facts->egid);

	c->user_namespace = ns->wanted;
	c->setgroups_denied =
		c->facts->setgroups_denied || (unprivileged && !joined && !gid_helper);
	if (!ns->wanted && unprivileged) {
		(void)err_set(e, ERR_REFUSED,
		              "linux.namespaces: without privileges a user namespace is needed");
		return err_hint(e, "`caisson spec --rootless` writes a config that has one");
	}
	if (!ns->wanted || joined)
		return 0;

	TRY(check_map(l->uid_mappings, "uidMappings", e));
	TRY(check_map(l->gid_mappings, "gidMappings", e));
	if (c->plan.head.kind == PLAN_EXEC)
		return 0;
	c->plan.head.uid_map = compile_put_map(c, l->uid_mappings);
	c->plan.head.gid_map = compile_put_map(c, l->gid_mappings);
	c->plan.head.uid_helper = uid_helper;
	c->plan.head.gid_helper = gid_helper;
	c->plan.head.setgroups_deny = unprivileged && !gid_helper;
	return 0;
}

static const struct oci_id_mappings unknown;

/* The ids that there are: those of a namespace that is made, else of ours. Without any,
 * it is a namespace that is joined, which only the kernel knows, or all of them. */
static struct oci_id_mappings known_uids(const struct compile *c)
{
	const struct oci_namespace *ns = &c->linux_->namespaces[OCI_NS_USER];

	if (ns->path)
		return unknown;
	return ns->wanted ? c->linux_->uid_mappings : c->facts->own_uids;
}

static struct oci_id_mappings known_gids(const struct compile *c)
{
	const struct oci_namespace *ns = &c->linux_->namespaces[OCI_NS_USER];

	if (ns->path)
		return unknown;
	return ns->wanted ? c->linux_->gid_mappings : c->facts->own_gids;
}

static bool is_known(struct oci_id_mappings maps, uint32_t id)
{
	return maps.n == 0 || is_mapped(maps, id);
}

bool compile_gid_is_mapped(const struct compile *c, uint32_t gid)
{
	return is_known(known_gids(c), gid);
}

static int refuse_id(const struct compile *c, const char *field, uint32_t id, bool group,
                     struct err *e)
{
	if (c->user_namespace) {
		err_set(e, ERR_SPEC, "process.user.%s: %" PRIu32 " is not in linux.%sMappings",
		        field, id, group ? "gid" : "uid");
		return err_hint(e, "in a user namespace there are no ids but those that are "
		                   "mapped: map it, or use one that is");
	}
	err_set(e, ERR_REFUSED,
	        "process.user.%s: %" PRIu32
	        " is not in /proc/self/%s_map of the user namespace that "
	        "caisson runs in",
	        field, id, group ? "gid" : "uid");
	return err_hint(e,
	                "use an id that is, or make that namespace with more, as podman does "
	                "with ranges of /etc/sub%s",
	                group ? "gid" : "uid");
}

static int check_ids(const struct compile *c, struct err *e)
{
	const struct oci_user *user = &c->process->user;

	if (!is_known(known_uids(c), user->uid))
		return refuse_id(c, "uid", user->uid, false, e);
	if (!compile_gid_is_mapped(c, user->gid))
		return refuse_id(c, "gid", user->gid, true, e);
	for (size_t i = 0; i < user->additional_gid_count; i++) {
		char name[48];

		if (compile_gid_is_mapped(c, user->additional_gids[i]))
			continue;
		(void)snprintf(name, sizeof(name), "additionalGids[%zu]", i);
		return refuse_id(c, name, user->additional_gids[i], true, e);
	}
	return 0;
}

/* Podman's --group-add keep-groups: the caller's groups stay, mapped or not. */
static bool wants_caller_groups(const struct oci_config *config)
{
	for (size_t i = 0; i < config->annotations.n; i++)
		if (strcmp(config->annotations.v[i].key, "run.oci.keep_original_groups") == 0)
			return strcmp(config->annotations.v[i].value, "1") == 0;
	return false;
}

/* Whether setgroups(2) is denied in a namespace that is joined only the kernel knows. */
static enum plan_groups which_groups(const struct compile *c)
{
	bool joined = c->linux_->namespaces[OCI_NS_USER].path;

	if (c->setgroups_denied || wants_caller_groups(c->config))
		return PLAN_GROUPS_KEEP;
	if (joined && c->facts->euid != 0 && c->process->user.additional_gid_count == 0)
		return PLAN_GROUPS_TRY;
	return PLAN_GROUPS_SET;
}

/* user_namespaces(7): else a process could shed a group that is denied something. */
static int refuse_groups(const struct compile *c, struct err *e)
{
	err_set(e, ERR_REFUSED,
	        "process.user.additionalGids: the kernel denies setgroups(2) in a user namespace "
	        "whose group ids were mapped without privileges");
	if (c->facts->euid != 0)
		return err_hint(e, "leave them out, or map a range of /etc/subgid in "
		                   "linux.gidMappings: newgidmap writes that with privileges");
	return err_hint(e, "leave them out, or start caisson in a user namespace whose "
	                   "/proc/self/setgroups says allow, as podman makes it");
}

int compile_ids(struct compile *c, struct err *e)
{
	const struct oci_user *user = &c->process->user;

	TRY(check_ids(c, e));
	if (c->setgroups_denied && user->additional_gid_count > 0)
		return refuse_groups(c, e);

	struct plan_list groups = plan_put_array(&c->plan, user->additional_gids,
	                                         user->additional_gid_count, sizeof(uint32_t));
	struct plan_step *step = plan_add(&c->plan, PLAN_IDS, "process.user");
	step->ids.uid = user->uid;
	step->ids.gid = user->gid;
	step->ids.groups = groups;
	step->ids.keep_groups = which_groups(c);
	return 0;
}
