/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: other limits for a container that lives. The kernel's files are the record of
 * what holds, so nothing is written into the container's own; and what the new
 * resources do not mention stays as it is.
 */
#include "base/scope.h"
#include "runtime/backend.h"
#include "runtime/container.h"
#include "runtime/rdt.h"

int container_update(const struct container_context *c, const struct update_request *r,
                     struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;
	struct rdt_change rdt;

	TRY(found_open(c, &a, r->id, true, &f, e));
	if (f.status == STATUS_STOPPED)
		return err_set(e, ERR_STATE, "container not running");
	TRY(rdt_change(&f.dir, &a, r->rdt, &rdt, e));
	if (backend_of_record(&f)->update(&f, r, &a, e) < 0) {
		rdt_change_undo(&rdt);
		return -1;
	}
	return 0;
}
