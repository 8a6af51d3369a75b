/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/meter_json.h"

#include "base/scope.h"

static void put(struct json_writer *w, const char *key, uint64_t value)
{
	json_key(w, key);
	json_u64(w, value);
}

static void put_stall(struct json_writer *w, const char *key, const struct meter_stall *s)
{
	const struct {
		const char *key;
		uint32_t value;
	} averages[] = { { "avg10", s->avg10 }, { "avg60", s->avg60 }, { "avg300", s->avg300 } };

	json_key(w, key);
	json_open(w, '{');
	for (size_t i = 0; i < LEN(averages); i++) {
		json_key(w, averages[i].key);
		json_hundredths(w, averages[i].value);
	}
	put(w, "total", s->total);
	json_close(w, '}');
}

void meter_pressure_json(struct json_writer *w, const struct meter_pressure *p)
{
	json_open(w, '{');
	put_stall(w, "some", &p->some);
	put_stall(w, "full", &p->full);
	json_close(w, '}');
}
