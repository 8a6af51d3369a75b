/* SPDX-License-Identifier: Apache-2.0 */
/* A reading of a container's meter as JSON. */
#pragma once

#include "cgroups/stats.h"
#include "oci-spec/json.h"

/* What waits for CPU, memory and I/O, as far as the kernel counts it:
 * {"cpu":{"some":{"avg10":…,"avg60":…,"avg300":…,"total":…},"full":{…}},"memory":…,"io":…},
 * per cent and microseconds. */
void meter_pressures_json(struct json_writer *w, const struct meter_reading *r);

/* The data of a "stats" event, in the shape of `runc events`: its keys, its units (bytes,
 * nanoseconds), version 1's names for what version 2 has too, and its omissions: a number
 * that is 0 or not known is left out, but for those that are always there. What version 2
 * knows beyond that is in one more object, "v2", in the kernel's names and units. */
void meter_stats_json(struct json_writer *w, const struct meter_reading *r);
