/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which descriptors outlive a step. The kernel hands out the lowest free number,
 * so what is kept early lies low, and "everything above the highest kept one" is
 * scratch: one close_range(2) frees it all. Everything is close-on-exec besides,
 * and PLAN_CLOSE_FDS ends the rest, so nothing hangs on a sweep for safety.
 */
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/sys.h"
#include "runtime/launch/init/target.h"

enum {
	SLOTS = 256,       /* plan_check refuses more */
	SCRATCH_MANY = 16, /* so that a start is content with 32 descriptors */
};

static int slots[SLOTS]; /* fd + 1; 0: empty */
static int highest = 2;  /* stdio is never scratch */
static int in_use;       /* the greatest scratch descriptor that was told of */

int slot_fd(uint32_t slot)
{
	return slots[slot] - 1;
}

void slot_fill(uint32_t slot, int fd)
{
	slots[slot] = fd + 1;
}

void fd_reserve(int fd)
{
	if (fd > highest)
		highest = fd;
}

void slots_take(const int *fds, uint32_t count)
{
	if (plan->fds.count > count)
		fail(CHECK_PROTOCOL, 0, NULL);
	for (uint32_t slot = 0; slot < plan->fds.count; slot++) {
		if (fds[slot] < 0)
			fail(CHECK_PROTOCOL, 0, NULL);
		fd_reserve(fds[slot]);
		slot_fill(slot, fds[slot]);
	}
}

static void close_from(int first, int last)
{
	must(sys_close_range((unsigned int)first, (unsigned int)last), CALL_CLOSE_RANGE, NULL);
	target_forget();
}

int fd_keep(int fd)
{
	if (fd > highest + 1)
		close_from(highest + 1, fd - 1);
	fd_reserve(fd);
	return fd;
}

void fd_scratch(int fd)
{
	if (fd > in_use)
		in_use = fd;
}

bool fd_crowded(void)
{
	return in_use > highest + SCRATCH_MANY;
}

void fd_sweep(void)
{
	close_from(highest + 1, -1);
	in_use = 0;
}
