/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether this host's KVM can boot a kernel. That /dev/kvm is there, and takes every
 * request, does not say so: a KVM without hardware behind it interprets a guest's
 * instructions one by one, and a kernel takes an hour. So a guest of three instructions
 * runs, against the clock.
 */
#pragma once

#include "base/err.h"

enum { KVM_PROBE_LOOPS = 2000000, KVM_PROBE_LIMIT_MS = 250 };

/* 0 when a guest counts down from `loops` within the limit; ERR_REFUSED, with what to do,
 * when there is no KVM for us or it is too slow. Takes a millisecond where there is
 * hardware, at most the limit where there is none. */
MUST_CHECK int kvm_probe(unsigned int loops, unsigned int limit_ms, struct err *e);
