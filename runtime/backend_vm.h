/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the backend that holds a container in a microVM (runtime/backend.h). Its
 * files are the only ones of the runtime that see vm-sandbox/.
 */
#pragma once

#include "runtime/host_check.h"

/* The lines on what it needs of the host, HOST_VM. */
void backend_vm_check(struct host_report *r);
