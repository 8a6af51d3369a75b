/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/activation.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"

enum { LISTEN_FDS_MAX = 65536 };

/* LISTEN_PID says whom the descriptors are for: variables that a parent forgot to
 * remove are somebody else's. Engines may leave it out. */
static int read_listen_fds(unsigned int *ret, struct err *e)
{
	const char *pid_text = getenv("LISTEN_PID"), *fds_text = getenv("LISTEN_FDS");
	uint64_t number;

	*ret = 0;
	if (!fds_text)
		return 0;
	if (pid_text && (num_u64(pid_text, INT32_MAX, &number) < 0 || (pid_t)number != getpid()))
		return 0;
	if (num_u64(fds_text, LISTEN_FDS_MAX, &number) < 0)
		return err_set(e, ERR_USAGE,
		               "LISTEN_FDS=%s: must be a number of descriptors, at "
		               "most %d",
		               fds_text, LISTEN_FDS_MAX);
	*ret = (unsigned int)number;
	return 0;
}

int activation_read(struct activation *ret, struct err *e)
{
	const char *notify = getenv("NOTIFY_SOCKET");

	/* sd_notify(3): a path or, with '@', an abstract name; vsock: is for machines */
	ret->notify = notify && (notify[0] == '/' || notify[0] == '@') ? notify : NULL;
	return read_listen_fds(&ret->listen_fds, e);
}
