/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder with the socket for sd_notify(3) (runtime/notify.h). The launcher opens
 * it: in a user namespace init may not pass through the runtime's state folder. Its
 * target is made where it is missing, after all mounts, one of which may be /run.
 */
#include <linux/mount.h>

#include "runtime/compile_parts.h"
#include "runtime/notify.h"

void compile_open_notify(struct compile *c, const char *folder)
{
	c->notify_slot = PLAN_NO_SLOT;
	if (folder)
		c->notify_slot =
			compile_add_fd(c, &(struct plan_fd){
						  .kind = PLAN_FD_TREE,
						  .path = plan_put_string(&c->plan, folder),
					  });
}

void compile_mount_notify(struct compile *c)
{
	plan_str target;

	if (c->notify_slot == PLAN_NO_SLOT)
		return;
	target = plan_put_string(&c->plan, NOTIFY_FOLDER_INSIDE);

	struct plan_step *step = plan_add(&c->plan, PLAN_BIND, "NOTIFY_SOCKET");
	step->bind.target = target;
	step->bind.slot = c->notify_slot;
	step->bind.attr.set =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
}
