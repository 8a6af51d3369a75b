/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes the private procfs handles that later steps of the plan need, while the
 * host's proc is still there. */
void proc_prepare(void);

/* Writes a file of our own folder in the /proc of the root we are in: for the steps
 * of stage 1, which stands in the host's. */
void proc_self_write(const char *name, const char *data);
