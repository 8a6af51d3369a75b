/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The administrator's configuration (docs/configuration.md): what holds a container when
 * nobody says, the profiles of microVMs that there are, and whether a bundle's annotations
 * may choose among them. It is the only file beside a bundle that names paths for us.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

enum { ADMIN_CONFIG_MAX_BYTES = 1 << 20 };

/* What "isolation" can be; a value of admin_isolation_word. */
enum admin_isolation { ADMIN_UNSET, ADMIN_CONTAINER, ADMIN_VM };

struct admin_profile {
	const char *name;
	const char *kernel, *initrd; /* absolute; NULL: as without a profile */
	struct oci_strings parameters;
	struct opt_u32 vcpus;
	struct opt_u64 memory; /* bytes */
};

struct admin_config {
	enum admin_isolation isolation;
	bool annotations;                   /* may choose isolation and profile */
	const struct admin_profile *preset; /* of a microVM that names none; or NULL */
	const struct admin_profile *profiles;
	size_t profile_count;
};

/* "container" or "vm"; ADMIN_UNSET: neither. */
enum admin_isolation admin_isolation_of(const char *word);

/* Every fault is told, with its path; a member that is not known is one. Strings are in
 * the arena. */
MUST_CHECK int admin_config_parse(struct arena *a, const char *text, size_t len,
                                  struct admin_config *ret, struct err *e);

/* NULL: there is none of this name. */
const struct admin_profile *admin_profile_find(const struct admin_config *c, const char *name);
