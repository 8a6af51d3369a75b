/* SPDX-License-Identifier: Apache-2.0 */
/* Where the administrator's configuration lies, and who may have written it. */
#pragma once

#include "oci-spec/admin.h"

/* Of the host's root; a user has his own in caisson/config.json below config_home. */
#define ADMIN_CONFIG_DIR "/etc/caisson"

/* Reads it; one that is not there is empty. The file and its folder have to belong to root,
 * or to us, and nobody else may write them: ERR_REFUSED otherwise. `dir` is absolute. */
MUST_CHECK int admin_config_read(struct arena *a, const char *dir, struct admin_config *ret,
                                 struct err *e);
