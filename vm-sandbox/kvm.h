/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine under KVM: memory, processors, interrupts, and what the guest does that KVM
 * hands to us. In the order of KVM's rules:
 *
 *	machine_new       the VM, its interrupt controllers, memory, the bus
 *	                  (devices are put on machine.bus, interrupts by machine_lines)
 *	machine_boot      processors, the first of them at the kernel's entry
 *	machine_start     a thread for each processor
 *	                  (machine.ended can be read once the guest has ended)
 *	machine_finish    waits for the threads, and says how it ended
 *	machine_done
 *
 * Source: Documentation/virt/kvm/api.rst.
 */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/sys.h"
#include "vm-sandbox/layout.h"
#include "vm-sandbox/memory.h"
#include "vm-sandbox/msix.h"
#include "vm-sandbox/pci.h"

enum { MACHINE_LINES_MAX = 64 };

/* How a machine ended. */
enum machine_end {
	MACHINE_RUNS,
	MACHINE_POWER_OFF,
	MACHINE_RESET,        /* by its kernel: a reboot, or a panic with panic=-1 */
	MACHINE_TRIPLE_FAULT, /* it lost its footing entirely */
	MACHINE_TIME_OUT,
	MACHINE_STOPPED, /* by machine_stop */
	MACHINE_FAILED,  /* KVM could not go on */
};

const char *machine_end_name(enum machine_end end);

/* Interrupts by message: each line is a GSI with a route and an irqfd. */
struct machine_line {
	int eventfd;
	bool routed, assigned;
	struct msix_message message;
};

/* What the guest did that came to us. */
enum machine_reason {
	EXIT_PORT_CONFIG, /* PCI configuration space by ports, where there is none */
	EXIT_PORT_SERIAL,
	EXIT_PORT,       /* another */
	EXIT_CONFIG,     /* a write into PCI configuration space */
	EXIT_BAR_COMMON, /* virtio_pci.h has the parts of a BAR */
	EXIT_BAR_DEVICE,
	EXIT_BAR_NOTIFY,
	EXIT_BAR_MSIX,
	EXIT_MEMORY, /* where nothing is */
	EXIT_OTHER,
	EXIT_REASONS,
};

struct machine_exits {
	unsigned long total, by[EXIT_REASONS];
};

const char *machine_reason_name(enum machine_reason reason);

struct machine;

struct machine_vcpu {
	struct machine *machine;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	pid_t tid; /* 0: it has not begun */
	bool started;
};

struct machine {
	int kvm, vm;
	size_t run_size; /* of a processor's mapping */
	struct guest_memory memory;
	struct pci_bus bus;
	unsigned int vcpu_count, line_count;
	struct machine_vcpu vcpu[GUEST_VCPUS_MAX];
	struct machine_line line[MACHINE_LINES_MAX];

	pthread_mutex_t devices; /* around the bus and all that is on it */
	pthread_mutex_t lock;    /* around `end` and `why` */
	int ended;               /* an eventfd */
	enum machine_end end;
	int why; /* an errno, or KVM's reason, beside MACHINE_FAILED */
	struct machine_exits exits;

	/* where each processor's thread begins, NULL: nowhere else; -1: it runs no guest then */
	int (*confine)(struct err *e);

	/* a byte of the guest's serial port, when it has one */
	void (*serial)(void *owner, uint8_t byte);
	void *owner;
};

/* The lines of one device, for its MSI-X: `owner` of machine_sink. */
struct machine_lines {
	struct machine *machine;
	unsigned int first, count;
};

extern const struct msix_sink machine_sink;

/* `m` stays where it is. ERR_REFUSED when there is no /dev/kvm for us, with what to do. */
MUST_CHECK int machine_new(struct machine *m, uint64_t memory, struct err *e);
void machine_done(struct machine *m);

MUST_CHECK int machine_lines_new(struct machine *m, unsigned int count, struct machine_lines *ret,
                                 struct err *e);

/* Has KVM write to the eventfd when the guest writes 16 bits to this address, without an
 * exit to us; or, with `on` false, not any more. */
MUST_CHECK int machine_notify_fd(const struct machine *m, uint64_t addr, int eventfd, bool on,
                                 struct err *e);

/* Makes the processors; the first starts at `entry`, as boot_registers has it. */
MUST_CHECK int machine_boot(struct machine *m, unsigned int vcpus, uint64_t entry, struct err *e);

/* After a failure, too, machine_finish has to be called. */
MUST_CHECK int machine_start(struct machine *m, struct err *e);

/* Stops what still runs. -1 and ERR_KERNEL when KVM could not go on; what the guest does is
 * no error. */
MUST_CHECK int machine_finish(struct machine *m, enum machine_end *ret, struct err *e);

/* Both, with a wait between them: until the guest ends or `limit_ms` have passed (0: no
 * limit). */
MUST_CHECK int machine_run(struct machine *m, unsigned int limit_ms, enum machine_end *ret,
                           struct err *e);

/* Ends the guest from any thread; the first end counts. */
void machine_stop(struct machine *m, enum machine_end end);

/* A request of KVM's whose argument is a number. */
static inline int kvm_ask(int fd, unsigned long request, unsigned long value)
{
	return sys_ioctl(fd, request, (void *)value);
}

/* Sets a new processor up; kvm_vcpu_x86_64.c. */
MUST_CHECK int vcpu_prepare(const struct machine_vcpu *v, struct err *e);
MUST_CHECK int vcpu_enter(const struct machine_vcpu *v, uint64_t entry, struct err *e);

/* Answers why a processor stopped: what the machine's end is then, or MACHINE_RUNS; beside
 * MACHINE_FAILED, why (kvm_exit.c). */
enum machine_end vcpu_exit(struct machine_vcpu *v, int *why);
