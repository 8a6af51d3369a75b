/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities, capabilities(7): the bounding set shrinks while CAP_SETPCAP is still
 * there, before the ids change; the other sets are written after, and read back.
 */
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum { SETS_BITS = 64 };

static bool has(uint64_t set, unsigned int cap)
{
	return set >> cap & 1;
}

/* EINVAL: the kernel has no capability of that number, nor any above it. */
void step_bounding(const struct plan_step *step)
{
	for (unsigned int cap = 0; cap < SETS_BITS; cap++) {
		long result;

		if (has(step->caps.bounding, cap))
			continue;
		result = sys_prctl(PR_CAPBSET_DROP, cap, 0);
		if (result == -EINVAL)
			return;
		must(result, CALL_PRCTL, NULL);
	}
}

/* A capability that may not become ambient is a warning: engines ask for the whole
 * set on kernels and users that have less of it. */
static void set_ambient(uint64_t ambient)
{
	must(sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0), CALL_PRCTL, NULL);
	for (unsigned int cap = 0; cap < SETS_BITS; cap++) {
		char buffer[FRAME_TEXT_MAX];
		struct text t = text_in(buffer, sizeof(buffer));

		if (!has(ambient, cap) || sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap) == 0)
			continue;
		text_add(&t, "ambient capability ");
		text_add_number(&t, cap);
		report_send(FRAME_WARNING, cap, buffer, -1);
	}
}

void step_caps(const struct plan_step *step)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct wanted[2], found[2];

	for (unsigned int half = 0; half < 2; half++) {
		wanted[half].effective = (uint32_t)(step->caps.effective >> 32 * half);
		wanted[half].permitted = (uint32_t)(step->caps.permitted >> 32 * half);
		wanted[half].inheritable = (uint32_t)(step->caps.inheritable >> 32 * half);
	}
	must(sys_capset(&header, wanted), CALL_CAPSET, NULL);
	/* without inheritable ones capset(2) has emptied the ambient set */
	if (step->caps.inheritable)
		set_ambient(step->caps.ambient);
	must(sys_capget(&header, found), CALL_CAPSET, NULL);
	if (memcmp(wanted, found, sizeof(found)) != 0)
		fail(CHECK_READ_BACK, 0, "capabilities");
}

void step_no_new_privs(const struct plan_step *step)
{
	(void)step;
	must(sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0), CALL_PRCTL, NULL);
}
