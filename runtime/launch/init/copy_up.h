/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a folder that a tmpfs will cover, copied into that tmpfs. */
#pragma once

#include <stdbool.h>

/* folder, tree: descriptors (O_PATH will do) of the folder of the image and of the
 * detached tmpfs. `owner`: the tmpfs's root gets the folder's owner too. Ends init on
 * failure; `name` begins the path that its error names. */
void copy_up(int folder, int tree, bool owner, const char *name);
