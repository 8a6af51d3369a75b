/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a microVM boots. Root's is kept for the whole host, each user's own where the user
 * keeps such things: both survive the host's restart, which a kernel's file does, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/backend_vm.h"
#include "runtime/guest_kernel.h"
#include "vm-sandbox/prepare.h"

extern const char agent_image[], agent_image_end[]; /* vm-sandbox/agent_image.S */

const char *backend_vm_cache(struct arena *a)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return "/var/cache/caisson";
	if (cache && cache[0] == '/')
		return arena_printf(a, "%s/caisson", cache);
	return arena_printf(a, "%s/.cache/caisson", home && home[0] == '/' ? home : "/");
}

/* A user's folder of caches may not be there yet; what is wrong with it is told when ours
 * cannot be made in it. */
static void make_parent(struct arena *a, const char *folder)
{
	const char *slash = strrchr(folder, '/');

	if (geteuid() != 0)
		(void)mkdir(arena_string(a, folder, (size_t)(slash - folder)), 0700);
}

int backend_vm_prepare(struct arena *a, const struct vm_choice *choice, struct vm_kernel *ret,
                       struct err *e)
{
	const char *folder = choice->cache ? choice->cache : backend_vm_cache(a);
	struct guest_kernel host = { .path = choice->kernel };
	struct prepared p;
	FD int cache = -1;

	if (!choice->kernel)
		TRY(guest_kernel_find(a, "", &host, e));
	make_parent(a, folder);
	cache = prepare_cache(folder, e);
	TRY(cache);
	struct prepare_setup setup = {
		.kernel = host.path,
		.modules = "/lib/modules",
		.cache = cache,
		.agent = agent_image,
		.agent_len = (size_t)(agent_image_end - agent_image),
		.disk = choice->disk,
		.anew = choice->anew,
	};
	if (prepare(&setup, &p, e) < 0)
		return err_in(e, "prepare a guest");
	*ret = (struct vm_kernel){
		.vmlinux = p.kernel,
		.initramfs = p.initramfs,
		.made = p.made,
		.modules = p.modules,
		.bare = p.bare,
		.version = arena_string(a, p.version, strlen(p.version)),
		.path = host.path,
		.cache = folder,
	};
	return 0;
}
