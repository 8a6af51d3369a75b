/* SPDX-License-Identifier: Apache-2.0 */
/* vm prepare: what the first microVM of a kernel would have to wait for. */
#include <unistd.h>

#include "base/scope.h"
#include "runtime/backend_vm.h"
#include "runtime/cmd.h"

/* clang-format off */
static const struct option_spec prepare_options[] = {
	{ .name = "kernel", .letter = 'k', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "this kernel (default: the newest in /boot)" },
	{ .name = "cache", .kind = OPTION_TEXT, .value = "DIR", .complete = COMPLETE_DIR,
	  .help = "keep it in this folder, which is made" },
	{ .name = "force", .letter = 'f', .help = "even if it is prepared already" },
	{ .name = NULL },
};
/* clang-format on */

static int prepare_run(const struct invocation *in, struct err *e)
{
	struct vm_choice choice = {
		.kernel = cli_path(in, "kernel"),
		.cache = cli_path(in, "cache"),
		.anew = cli_flag(in, "force"),
	};
	struct vm_kernel kernel;
	BUF struct buf text = { 0 };

	TRY(backend_vm_prepare(in->arena, &choice, &kernel, e));
	(void)close(kernel.vmlinux);
	(void)close(kernel.initramfs);
	if (kernel.made)
		buf_printf(&text, "%s: prepared, with %u modules, in %s\n", kernel.path,
		           kernel.modules, kernel.cache);
	else
		buf_printf(&text, "%s: is prepared, in %s\n", kernel.path, kernel.cache);
	return cmd_print(&text, e);
}

const struct command command_vm_prepare = {
	.name = "vm prepare",
	.arguments = "",
	.summary = "unpack a kernel for microVMs, and make their first root",
	.description =
		"A microVM boots a distribution's kernel. This unpacks it, and packs the guest's "
		"agent with the modules that this kernel needs, in the order in which they can "
		"be loaded. Both are kept, and the first microVM does the same when nobody has "
		"done it; so this is for images of hosts, and after a kernel was installed. What "
		"was made of an older file of the same kernel, or with an older agent, is "
		"removed.\n\n"
		"It is kept in /var/cache/caisson, or for an ordinary user in "
		"$XDG_CACHE_HOME/caisson (~/.cache/caisson): a folder that nobody else may write.",
	.examples = "caisson vm prepare\n"
		    "caisson vm prepare --kernel /boot/vmlinuz-6.1.0-30-cloud-amd64\n",
	.options = prepare_options,
	.args_max = 0,
	.run = prepare_run,
};
