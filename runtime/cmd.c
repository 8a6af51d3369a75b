/* SPDX-License-Identifier: Apache-2.0 */
/* What most commands begin and end with. */
#include "runtime/cmd.h"

#include <unistd.h>

#include "base/fd.h"
#include "runtime/patience.h"

int cmd_id(const struct invocation *in, const char **ret, struct err *e)
{
	TRY(container_id_check(in->args.v[0], e));
	*ret = in->args.v[0];
	return 0;
}

int cmd_interval(const struct invocation *in, int64_t *ret_ms, struct err *e)
{
	const char *text = cli_text(in, "interval");

	if (!text)
		return 0;
	if (patience_parse(text, ret_ms, e) < 0)
		return err_in(e, "--interval");
	if (*ret_ms <= 0)
		return err_set(e, ERR_USAGE,
		               "--interval: duration interval must be greater than 0");
	return 0;
}

int cmd_print(const struct buf *text, struct err *e)
{
	TRY(buf_ok(text, e));
	return fd_write_all(STDOUT_FILENO, text->data, text->len, "standard output", e);
}
