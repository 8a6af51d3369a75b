/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"

/* A descriptor of caisson-init that can be executed, and through which nobody can write
 * a file of the host's: a container sees it as /proc/PID/exe. The caller closes it. */
MUST_CHECK int image_open(struct err *e);
