/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* linux.resources.cpu.shares (2 to 262144; outside values count as the nearest of
 * these) as cpu.weight (1 to 10000): with l = log2(shares) the smallest integer not
 * below 10^((l^2 + 125 l) / 612 - 7/34), which maps 2 to 1, 1024 to 100 and 262144
 * to 10000, as the other runtimes do since 2025. */
uint64_t cgroup_weight(uint64_t shares);
