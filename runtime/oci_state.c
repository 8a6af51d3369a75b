/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/oci_state.h"

void oci_state_write(struct json_writer *w, const struct state *state, pid_t pid,
                     const char *status)
{
	json_open(w, '{');
	json_put_string(w, "ociVersion", OCI_SPEC_VERSION);
	json_put_string(w, "id", state->id);
	json_put_string(w, "status", status);
	if (pid > 0) {
		json_key(w, "pid");
		json_i64(w, pid);
	}
	json_put_string(w, "bundle", state->bundle);
	if (state->annotations.n > 0) {
		json_key(w, "annotations");
		json_open(w, '{');
		for (size_t i = 0; i < state->annotations.n; i++)
			json_put_string(w, state->annotations.v[i].key,
			                state->annotations.v[i].value);
		json_close(w, '}');
	}
	json_close(w, '}');
}
