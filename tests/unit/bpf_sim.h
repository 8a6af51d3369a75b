/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a filter answers; one that seccomp(2) would not take fails the test, by the
 * SIM_FAULT (a call with a text) of who includes this.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "seccomp/seccomp.h"

#ifndef SIM_FAULT
#include "tests/unit/unit.h"
#define SIM_FAULT(text) fail_msg("%s", text)
#endif

static inline uint32_t sim_run(const struct sock_filter *filter, size_t length,
                               const struct seccomp_data *data)
{
	uint32_t ret = 0;

	if (!seccomp_run(filter, length, data, &ret))
		SIM_FAULT("an instruction that seccomp(2) refuses, or no end");
	return ret;
}
