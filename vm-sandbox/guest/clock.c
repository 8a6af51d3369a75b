/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of day, and entropy that no other guest has: one that was restored from a saved
 * state goes on with the random numbers of all others that were, until it is told otherwise.
 * The kernel counts what comes in this way, and makes its generator anew of it at once
 * (random(4), RNDADDENTROPY and RNDRESEEDCRNG).
 */
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/guest/agent.h"

static int add_entropy(const uint8_t entropy[AGENT_ENTROPY], struct err *e)
{
	struct {
		struct rand_pool_info head;
		uint8_t bytes[AGENT_ENTROPY];
	} pool = { .head = { .entropy_count = 8 * AGENT_ENTROPY, .buf_size = AGENT_ENTROPY } };
	FD int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /dev/urandom");
	memcpy(pool.bytes, entropy, sizeof(pool.bytes));
	if (sys_ioctl(fd, RNDADDENTROPY, &pool) < 0 || sys_ioctl(fd, RNDRESEEDCRNG, NULL) < 0)
		return err_sys(e, "add entropy");
	return 0;
}

int clock_set(const struct agent_clock *m, struct err *e)
{
	const struct timespec now = { .tv_sec = m->seconds, .tv_nsec = m->nanoseconds };

	TRY(add_entropy(m->entropy, e));
	return clock_settime(CLOCK_REALTIME, &now) < 0 ? err_sys(e, "clock_settime") : 0;
}
