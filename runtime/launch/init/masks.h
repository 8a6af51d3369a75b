/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* If the plan has a mask step: clones the host's /dev/null while it can be reached. */
void mask_prepare(void);
