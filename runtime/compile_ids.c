/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups: the maps of a new user namespace, and whether each id that the
 * config names has a meaning under them. The kernel would refuse most of this later
 * with a bare EINVAL; here it is known which id is meant.
 *
 * A caller without privileges may map its own user and group only, and only after
 * giving up setgroups(2) (user_namespaces(7)); so may root of a namespace that was
 * made that way.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/compile_parts.h"

static struct plan_list put_map(struct compile *c, struct oci_id_mappings maps)
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

/* Becoming 0:0 of the namespace is what gives init its rights over it. */
static int check_map(struct oci_id_mappings maps, const char *name, uint32_t own_id,
                     const struct host_facts *facts, struct err *e)
{
	if (!is_mapped(maps, 0))
		return err_set(e, ERR_SPEC, "linux.%s: id 0 of the container must be mapped", name);
	if (facts->euid == 0)
		return 0;
	if (maps.n == 1 && maps.v[0].size == 1 && maps.v[0].host_id == own_id)
		return 0;
	(void)err_set(e, ERR_REFUSED,
	              "linux.%s: without privileges only your own id %" PRIu32
	              " can be mapped: more is not supported yet",
	              name, own_id);
	return err_hint(e, "run it inside a user namespace that has the ids, as podman does");
}

int compile_maps(struct compile *c, struct err *e)
{
	const struct oci_linux *l = c->linux_;
	const struct oci_namespace *ns = &l->namespaces[OCI_NS_USER];

	c->user_namespace = ns->wanted;
	c->setgroups_denied = c->facts->setgroups_denied || c->facts->euid != 0;
	if (!ns->wanted && c->facts->euid != 0) {
		(void)err_set(e, ERR_REFUSED,
		              "linux.namespaces: without privileges a user namespace is needed");
		return err_hint(e, "`caisson spec --rootless` writes a config that has one");
	}
	if (!ns->wanted || ns->path)
		return 0;

	TRY(check_map(l->uid_mappings, "uidMappings", c->facts->euid, c->facts, e));
	TRY(check_map(l->gid_mappings, "gidMappings", c->facts->egid, c->facts, e));
	if (c->plan.head.kind == PLAN_EXEC)
		return 0;
	c->plan.head.uid_map = put_map(c, l->uid_mappings);
	c->plan.head.gid_map = put_map(c, l->gid_mappings);
	c->plan.head.setgroups_deny = c->facts->euid != 0;
	return 0;
}

/* Ids are as good as unmapped in a namespace that is joined: only the kernel knows. */
static int check_ids(const struct compile *c, struct err *e)
{
	const struct oci_namespace *ns = &c->linux_->namespaces[OCI_NS_USER];
	const struct oci_user *user = &c->process->user;

	if (!ns->wanted || ns->path)
		return 0;
	if (!is_mapped(c->linux_->uid_mappings, user->uid))
		return err_set(e, ERR_SPEC,
		               "process.user.uid: %" PRIu32 " is not in linux.uidMappings",
		               user->uid);
	if (!is_mapped(c->linux_->gid_mappings, user->gid))
		return err_set(e, ERR_SPEC,
		               "process.user.gid: %" PRIu32 " is not in linux.gidMappings",
		               user->gid);
	for (size_t i = 0; i < user->additional_gid_count; i++)
		if (!is_mapped(c->linux_->gid_mappings, user->additional_gids[i]))
			return err_set(e, ERR_SPEC,
			               "process.user.additionalGids[%zu]: %" PRIu32
			               " is not in linux.gidMappings",
			               i, user->additional_gids[i]);
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

int compile_ids(struct compile *c, struct err *e)
{
	const struct oci_user *user = &c->process->user;

	TRY(check_ids(c, e));
	if (c->setgroups_denied && user->additional_gid_count > 0)
		return err_set(e, ERR_REFUSED,
		               "process.user.additionalGids: setgroups(2) is denied here, in a "
		               "user namespace made without privileges");

	struct plan_list groups = plan_put_array(&c->plan, user->additional_gids,
	                                         user->additional_gid_count, sizeof(uint32_t));
	struct plan_step *step = plan_add(&c->plan, PLAN_IDS, "process.user");
	step->ids.uid = user->uid;
	step->ids.gid = user->gid;
	step->ids.groups = groups;
	step->ids.keep_groups = c->setgroups_denied || wants_caller_groups(c->config);
	return 0;
}
