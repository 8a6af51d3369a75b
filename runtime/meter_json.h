/* SPDX-License-Identifier: Apache-2.0 */
/* A reading of a container's meter as JSON. */
#pragma once

#include "cgroups/stats.h"
#include "oci-spec/json.h"

/* {"some":{"avg10":…,"avg60":…,"avg300":…,"total":…},"full":{…}}: per cent, microseconds. */
void meter_pressure_json(struct json_writer *w, const struct meter_pressure *p);
