/* SPDX-License-Identifier: Apache-2.0 */
/* check without a bundle: what this host can do, a line for each thing. */
#include "runtime/backend.h"
#include "runtime/cmd.h"
#include "runtime/host_check.h"

static void print_json(const struct host_line *l, size_t n, bool starts, struct buf *out)
{
	struct json_writer w = { .out = out, .indent = "  " };

	json_open(&w, '{');
	json_put_bool(&w, "starts", starts);
	json_key(&w, "lines");
	json_open(&w, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&w, '{');
		json_put_string(&w, "subject", l[i].subject);
		json_put_string(&w, "for", host_need_name(l[i].need));
		json_put_bool(&w, "ok", l[i].ok);
		json_put_string(&w, "text", l[i].text);
		if (l[i].fix[0])
			json_put_string(&w, "fix", l[i].fix);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	buf_text(out, "\n");
}

static void print_text(const struct host_line *l, size_t n, bool starts, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s  %s: %s", l[i].ok ? "ok" : "no", l[i].subject, l[i].text);
		if (l[i].fix[0])
			buf_printf(out, " (%s)", l[i].fix);
		buf_text(out, "\n");
	}
	buf_printf(out, "containers %s be started here\n", starts ? "can" : "cannot");
}

int cmd_check_host(const struct invocation *in, bool json, bool *ret_starts, struct err *e)
{
	struct host_report r = { .arena = in->arena, .root = "" };
	BUF struct buf out = { 0 };
	const struct host_line *l;
	size_t n;

	backends_check_host(&r);
	l = (const struct host_line *)(const void *)r.lines.data;
	n = r.lines.len / sizeof(*l);
	*ret_starts = true;
	for (size_t i = 0; i < n; i++)
		if (l[i].need == HOST_CONTAINERS && !l[i].ok)
			*ret_starts = false;
	if (json)
		print_json(l, n, *ret_starts, &out);
	else
		print_text(l, n, *ret_starts, &out);
	int result = buf_ok(&r.lines, e);
	buf_done(&r.lines);
	TRY(result);
	return cmd_print(&out, e);
}
