/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/kvm_probe.h"

#include <string.h>

#include "vm-sandbox/boot.h"
#include "vm-sandbox/kvm.h"

#define CODE 0x100000ull

enum { COUNT_AT = 1 };

static int run(struct machine *m, unsigned int loops, unsigned int limit_ms, enum machine_end *ret,
               struct err *e)
{
	uint8_t code[] = {
		0xb9, 0,    0,    0,    0, /* mov $COUNT, %ecx */
		0xff, 0xc9,                /* again: dec %ecx */
		0x75, 0xfc,                /* jnz again */
		0x66, 0xba, 0x00, 0x06,    /* mov $GUEST_PORT_SLEEP_CONTROL, %dx */
		0xb0, 0x34,                /* mov $POWER_OFF, %al */
		0xee,                      /* out %al, %dx */
	};

	memcpy(code + COUNT_AT, &loops, sizeof(loops));
	TRY(boot_write_tables(&m->memory, e));
	if (guest_write(&m->memory, CODE, code, sizeof(code)) < 0)
		return err_set(e, ERR_BUG, "no memory for the probe");
	TRY(machine_boot(m, 1, CODE, e));
	return machine_run(m, limit_ms, ret, e);
}

int kvm_probe(unsigned int loops, unsigned int limit_ms, struct err *e)
{
	struct machine m;
	enum machine_end end = MACHINE_RUNS;
	int result;

	if (machine_new(&m, GUEST_MEMORY_MIN, e) < 0)
		return -1;
	result = run(&m, loops, limit_ms, &end, e);
	machine_done(&m);
	if (result < 0)
		return -1;
	if (end == MACHINE_POWER_OFF)
		return 0;
	if (end != MACHINE_TIME_OUT)
		return err_set(e, ERR_REFUSED,
		               "/dev/kvm: a guest of three instructions ended by %s",
		               machine_end_name(end));
	(void)err_set(e, ERR_REFUSED,
	              "/dev/kvm: too slow to boot a kernel: %u loops take more than %u ms", loops,
	              limit_ms);
	return err_hint(
		e, "this KVM seems to interpret guests without hardware; on a virtual machine, "
		   "switch nested virtualization on");
}
