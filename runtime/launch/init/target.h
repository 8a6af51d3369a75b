/* SPDX-License-Identifier: Apache-2.0 */
/* Finding places inside the container's root, and making those that are missing. */
#pragma once

#include <stdbool.h>

#include "runtime/launch/init/sys.h"

enum target_kind {
	TARGET_FOLDER,
	TARGET_FILE,
	TARGET_LIKE, /* whatever `like` is: a folder, or else a file */
};

struct target {
	enum target_kind kind; /* what is made when nothing is there */
	int like;              /* TARGET_LIKE: a descriptor */
	bool nofollow;         /* the end may be a link, which is the target itself */
	bool plain;            /* no symbolic link anywhere; the end is a folder */
	unsigned int mode;     /* of a folder that is made; 0: 0755 */
};

/* Opens path (O_PATH), or makes it. Ends init when that fails. */
int target_open(const char *path, const struct target *target);

/* The same, and whether it was made. */
int target_open_or_make(const char *path, const struct target *target, bool *ret_made);

/* Opens path (O_PATH) without following any link. -1 when it does not exist. */
int target_find(const char *path);

/* The folder that path's last part lies in, made if missing, and that last part. */
int target_parent(const char *path, const char **ret_name);

/* The folder of the last target_parent() was closed. */
void target_forget(void);
