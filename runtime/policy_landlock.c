/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock's rules in words, for people and for programs. */
#include "oci-spec/json.h"
#include "runtime/policy_profile.h"

static void add_words(struct buf *ret, uint64_t bits, enum oci_landlock_kind kind)
{
	for (unsigned int bit = 0; oci_landlock_word(kind, bit); bit++) {
		if (bits & UINT64_C(1) << bit)
			buf_printf(ret, " %s", oci_landlock_word(kind, bit));
	}
}

static void add_kind(struct buf *ret, const char *title, uint64_t bits, enum oci_landlock_kind kind)
{
	if (!bits)
		return;
	buf_printf(ret, "  %s:", title);
	add_words(ret, bits, kind);
	buf_text(ret, "\n");
}

void policy_landlock_text(const struct oci_landlock *l, struct buf *ret)
{
	if (!l)
		return;
	buf_printf(ret, "\nLandlock (%s):\n",
	           l->strict ? "all of it, or no start" : "as far as the kernel knows it");
	add_kind(ret, "files, refused but for the rules", l->fs, OCI_LANDLOCK_FS);
	for (size_t i = 0; i < l->path_count; i++) {
		buf_text(ret, "    ");
		buf_plain(ret, l->paths[i].path);
		buf_text(ret, ":");
		add_words(ret, l->paths[i].access, OCI_LANDLOCK_FS);
		buf_text(ret, "\n");
	}
	add_kind(ret, "TCP ports, refused but for the rules", l->net, OCI_LANDLOCK_NET);
	for (size_t i = 0; i < l->port_count; i++) {
		buf_printf(ret, "    %u:", l->ports[i].port);
		add_words(ret, l->ports[i].access, OCI_LANDLOCK_NET);
		buf_text(ret, "\n");
	}
	add_kind(ret, "kept inside", l->scopes, OCI_LANDLOCK_SCOPE);
}

static void json_words(struct json_writer *w, const char *key, uint64_t bits,
                       enum oci_landlock_kind kind)
{
	json_key(w, key);
	json_open(w, '[');
	for (unsigned int bit = 0; oci_landlock_word(kind, bit); bit++) {
		if (bits & UINT64_C(1) << bit)
			json_string(w, oci_landlock_word(kind, bit));
	}
	json_close(w, ']');
}

void policy_landlock_json(const struct oci_landlock *l, struct json_writer *w)
{
	json_key(w, "landlock");
	if (!l) {
		json_null(w);
		return;
	}
	json_open(w, '{');
	json_put_bool(w, "strict", l->strict);
	json_words(w, "files", l->fs, OCI_LANDLOCK_FS);
	json_words(w, "network", l->net, OCI_LANDLOCK_NET);
	json_words(w, "scopes", l->scopes, OCI_LANDLOCK_SCOPE);
	json_key(w, "rules");
	json_open(w, '[');
	for (size_t i = 0; i < l->path_count; i++) {
		json_open(w, '{');
		json_put_string(w, "path", l->paths[i].path);
		json_words(w, "access", l->paths[i].access, OCI_LANDLOCK_FS);
		json_close(w, '}');
	}
	for (size_t i = 0; i < l->port_count; i++) {
		json_open(w, '{');
		json_put_u64(w, "port", l->ports[i].port);
		json_words(w, "access", l->ports[i].access, OCI_LANDLOCK_NET);
		json_close(w, '}');
	}
	json_close(w, ']');
	json_close(w, '}');
}
