/* SPDX-License-Identifier: Apache-2.0 */
/* spec: a config.json to begin with. It never replaces one that somebody has edited. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "runtime/cmd.h"

/* clang-format off */
static const struct option_spec spec_options[] = {
	{ .name = "bundle", .letter = 'b', .kind = OPTION_TEXT, .value = "DIR",
	  .complete = COMPLETE_DIR, .help = "write it to this folder (default: the current one)" },
	{ .name = "rootless", .help = "make it for a container without root's rights" },
	{ .name = NULL },
};
/* clang-format on */

static const char file_name[] = "config.json";

static int spec_write(const char *bundle, const struct buf *text, struct err *e)
{
	FD int dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, "open bundle %s", bundle);
	FD int fd = openat(dir, file_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST) {
		err_set(e, ERR_STATE, "%s/%s exists already", bundle, file_name);
		return err_hint(e, "remove it first");
	}
	if (fd < 0)
		return err_sys(e, "create %s/%s", bundle, file_name);
	if (fd_write_all(fd, text->data, text->len, file_name, e) < 0) {
		(void)unlinkat(dir, file_name, 0); /* half a file would be taken for a whole one */
		return -1;
	}
	return 0;
}

static int spec_run(const struct invocation *in, struct err *e)
{
	const char *bundle = cli_path(in, "bundle");
	BUF struct buf text = { 0 };

	oci_spec_default(cli_flag(in, "rootless"), geteuid(), getegid(), &text);
	TRY(buf_ok(&text, e));
	return spec_write(bundle ? bundle : in->cwd, &text, e);
}

const struct command command_spec = {
	.name = "spec",
	.arguments = "",
	.summary = "write a config.json to begin with",
	.description =
		"Writes a config.json that runs a shell in the folder \"rootfs\" beside it, with the "
		"usual namespaces, mounts and a small set of capabilities. Edit it to taste.\n"
		"\n"
		"With --rootless it has a user namespace that maps root to the caller, and nothing "
		"that needs rights on the host.",
	.examples = "mkdir -p bundle/rootfs\n"
		    "caisson spec --bundle bundle\n",
	.options = spec_options,
	.args_max = 0,
	.run = spec_run,
};
