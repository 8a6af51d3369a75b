/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's first root: the agent as /init, /dev/console (a kernel without it gives init
 * no standard streams), and the modules as /m/00-NAME.ko, /m/01-NAME.ko..., unpacked and in
 * the order in which the agent loads them; those that a start does not wait for are in /late.
 */
#pragma once

#include "base/buf.h"
#include "vm-sandbox/modules.h"

/* `modules` is the folder that the list's paths are below, open; -1 when the list is empty.
 * ERR_SPEC when a module's file, or the agent, is broken. */
MUST_CHECK int initramfs_build(const void *agent, size_t agent_len, int modules,
                               const struct module_list *list, struct buf *ret, struct err *e);
