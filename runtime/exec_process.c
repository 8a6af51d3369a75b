/* SPDX-License-Identifier: Apache-2.0 */
/* What an exec runs: the container's own process as the command line changes it, or
 * whatever a file says. */
#include "runtime/exec_process.h"

#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/scope.h"

static int apply_user(const char *text, struct oci_user *user, struct err *e)
{
	char uid[16] = "";
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (len < sizeof(uid)) {
		memcpy(uid, text, len);
		if (num_id(uid, &user->uid) == 0 && (!colon || num_id(colon + 1, &user->gid) == 0))
			return 0;
	}
	err_set(e, ERR_USAGE, "--user %s: must be UID or UID:GID", text);
	return err_hint(e, "numbers only, 0 to 4294967294; names are not looked up");
}

static int apply_groups(struct arena *a, struct oci_strings groups, struct oci_user *user,
                        struct err *e)
{
	size_t total = user->additional_gid_count + groups.n;
	uint32_t *gids = arena_array(a, total + 1, sizeof(*gids));

	if (user->additional_gid_count > 0)
		memcpy(gids, user->additional_gids, user->additional_gid_count * sizeof(*gids));
	for (size_t i = 0; i < groups.n; i++) {
		if (num_id(groups.v[i], &gids[user->additional_gid_count + i]) < 0)
			return err_set(e, ERR_USAGE, "--additional-gids %s: must be a number",
			               groups.v[i]);
	}
	user->additional_gids = gids;
	user->additional_gid_count = total;
	return 0;
}

static void apply_caps(struct arena *a, struct oci_strings names, struct oci_process *p)
{
	struct oci_capabilities *caps = arena_new(a, sizeof(*caps));

	if (p->capabilities)
		*caps = *p->capabilities;
	for (size_t i = 0; i < names.n; i++) {
		int number = oci_capability_number(names.v[i]);

		if (number < 0) { /* as in a config: it may be newer than we are */
			log_warn("--cap %s: ignored, this version does not know it", names.v[i]);
			continue;
		}
		uint64_t bit = (uint64_t)1 << number;
		caps->bounding |= bit;
		caps->effective |= bit;
		caps->permitted |= bit;
		if (caps->inheritable & bit)
			caps->ambient |= bit;
	}
	p->capabilities = caps;
}

static struct oci_strings join_strings(struct arena *a, struct oci_strings first,
                                       struct oci_strings second)
{
	const char **all = arena_array(a, first.n + second.n + 1, sizeof(*all));

	if (first.n > 0)
		memcpy(all, first.v, first.n * sizeof(*all));
	if (second.n > 0)
		memcpy(all + first.n, second.v, second.n * sizeof(*all));
	return (struct oci_strings){ .v = all, .n = first.n + second.n };
}

static int from_flags(struct arena *a, const struct exec_request *r, const struct oci_process *own,
                      const struct oci_process **ret, struct err *e)
{
	struct oci_process *p = arena_new(a, sizeof(*p));

	if (!own)
		return err_set(e, ERR_SPEC, "process: missing in the container's config.json");
	*p = *own;
	p->args = r->args;
	p->terminal = r->tty;
	p->env = join_strings(a, p->env, r->env);
	p->no_new_privileges |= r->no_new_privs;
	if (r->cwd)
		p->cwd = r->cwd;
	if (r->apparmor)
		p->apparmor_profile = r->apparmor;
	if (r->process_label)
		p->selinux_label = r->process_label;
	if (r->user)
		TRY(apply_user(r->user, &p->user, e));
	if (r->groups.n > 0)
		TRY(apply_groups(a, r->groups, &p->user, e));
	if (r->caps.n > 0)
		apply_caps(a, r->caps, p);
	*ret = p;
	return 0;
}

static int from_file(struct arena *a, const char *file, const struct oci_process **ret,
                     struct err *e)
{
	BUF struct buf text = { 0 };
	/* a pipe, too: shells make one of <(...) */
	FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, "open %s", file);
	TRY(fd_read_all(fd, OCI_CONFIG_MAX_BYTES, file, &text, e));
	if (oci_process_parse(a, text.data ? text.data : "", text.len, ret, e) < 0)
		return err_in(e, "%s", file);
	return 0;
}

int exec_process(struct arena *a, const struct exec_request *r, const struct oci_process *own,
                 const struct oci_process **ret, struct err *e)
{
	return r->process ? from_file(a, r->process, ret, e) : from_flags(a, r, own, ret, e);
}
