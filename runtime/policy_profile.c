/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles come as people have them: a bundle, the config.json of one, the seccomp object
 * alone, or the format of an engine. Which of these a file is, its members tell: only a
 * config.json has ociVersion.
 */
#include "runtime/policy_profile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/scope.h"
#include "oci-spec/json.h"
#include "runtime/creation.h"

static int parse(struct arena *a, const struct buf *text, struct policy *ret, struct err *e)
{
	const char *data = text->data ? text->data : "";
	const struct oci_config *config;
	const struct json *j;

	TRY(json_parse(a, data, text->len, &j, e));
	if (j->kind == JSON_OBJECT && !json_member(j, "ociVersion") &&
	    !json_member(j, "defaultAction"))
		return err_set(
			e, ERR_SPEC,
			"neither a config.json, which has ociVersion, nor a seccomp profile, "
			"which has defaultAction");
	if (!json_member(j, "ociVersion"))
		return oci_profile_parse(a, data, text->len, &ret->seccomp, e);
	TRY(oci_config_parse(a, data, text->len, &config, e));
	*ret = (struct policy){ config->linux_->seccomp, config->landlock };
	return 0;
}

int policy_profile_read(struct arena *a, const char *path, struct policy *ret, struct err *e)
{
	BUF struct buf text = { 0 };
	struct stat st;
	bool is_bundle;

	*ret = (struct policy){ 0 };
	if (stat(path, &st) < 0)
		return err_sys(e, "%s", path);
	is_bundle = S_ISDIR(st.st_mode);
	if (is_bundle)
		path = arena_printf(a, "%s/config.json", path);
	TRY(is_bundle ? bundle_text(AT_FDCWD, path, &text, e)
	              : fd_read_file(AT_FDCWD, path, OCI_CONFIG_MAX_BYTES, &text, e));
	if (parse(a, &text, ret, e) < 0)
		return err_in(e, "%s", path);
	return 0;
}

void policy_word(struct buf *ret, size_t indent, size_t *column, const char *word)
{
	size_t len = strlen(word);

	if (*column > 0 && *column + 1 + len > POLICY_COLUMNS)
		policy_words_end(ret, column);
	if (*column == 0) {
		buf_printf(ret, "%*s", (int)indent, "");
		*column = indent;
	} else {
		buf_text(ret, " ");
		(*column)++;
	}
	buf_text(ret, word);
	*column += len;
}

void policy_words_end(struct buf *ret, size_t *column)
{
	if (*column > 0)
		buf_text(ret, "\n");
	*column = 0;
}
