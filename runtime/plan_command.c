/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what create would execute, and nothing else. */
#include "runtime/compile.h"
#include "runtime/container.h"
#include "runtime/creation.h"

#define CREATION __attribute__((cleanup(creation_end)))

int container_plan(const struct container_context *context, const struct create_request *r,
                   struct buf *ret, struct err *e)
{
	CREATION struct creation c;

	creation_begin(&c, context, r);
	TRY(creation_read(&c, e));
	if (!r->no_new_keyring)
		c.keyring = arena_printf(&c.arena, "_ses.%s", r->id);
	TRY(creation_compile_plan(&c, true, e));
	plan_print(creation_plan(&c), ret);
	return buf_ok(ret, e);
}
