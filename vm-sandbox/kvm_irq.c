/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts by message. KVM has one table of routes, which is always set as a whole: the
 * lines of the legacy controllers, which would be lost otherwise, then one route for each
 * vector that the guest has given a message. A route is there before its irqfd, or the
 * first interrupt would lead nowhere.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vm-sandbox/kvm.h"

enum {
	PIC_PINS = 8,
	IOAPIC_PINS = 24,
	ROUTES_MAX = 2 * PIC_PINS + IOAPIC_PINS + MACHINE_LINES_MAX,
	FIRST_GSI = IOAPIC_PINS,
};

int machine_lines_new(struct machine *m, unsigned int count, struct machine_lines *ret,
                      struct err *e)
{
	struct machine_lines lines = { .machine = m, .first = m->line_count, .count = count };

	if (count > MACHINE_LINES_MAX - m->line_count)
		return err_set(e, ERR_BUG, "more than %d interrupts", MACHINE_LINES_MAX);
	for (unsigned int i = 0; i < count; i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return err_sys(e, "make an eventfd");
		m->line[m->line_count++] = (struct machine_line){ .eventfd = fd };
	}
	*ret = lines;
	return 0;
}

static void add_pin(struct kvm_irq_routing *table, uint32_t gsi, uint32_t chip, uint32_t pin)
{
	table->entries[table->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static bool set_routes(const struct machine *m)
{
	_Alignas(struct kvm_irq_routing)
		uint8_t room[sizeof(struct kvm_irq_routing) +
	                     ROUTES_MAX * sizeof(struct kvm_irq_routing_entry)];
	struct kvm_irq_routing *table = (struct kvm_irq_routing *)(void *)room;

	memset(room, 0, sizeof(room));
	for (uint32_t i = 0; i < 2 * PIC_PINS; i++)
		add_pin(table, i, i < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
		        i % PIC_PINS);
	for (uint32_t i = 0; i < IOAPIC_PINS; i++)
		add_pin(table, i, KVM_IRQCHIP_IOAPIC, i);
	for (unsigned int i = 0; i < m->line_count; i++) {
		const struct machine_line *l = &m->line[i];

		if (!l->routed)
			continue;
		table->entries[table->nr++] = (struct kvm_irq_routing_entry){
			.gsi = FIRST_GSI + i,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = (uint32_t)l->message.address,
			           .address_hi = (uint32_t)(l->message.address >> 32),
			           .data = l->message.data },
		};
	}
	return sys_ioctl(m->vm, KVM_SET_GSI_ROUTING, table) == 0;
}

/* The guest chose the message: one that KVM refuses is not routed, and does nothing. */
static bool route(void *owner, unsigned int vector, const struct msix_message *message)
{
	const struct machine_lines *lines = owner;
	struct machine *m = lines->machine;
	struct machine_line *l;
	struct kvm_irqfd irqfd = { 0 };

	if (vector >= lines->count)
		return false;
	l = &m->line[lines->first + vector];
	l->message = *message;
	l->routed = true;
	if (!set_routes(m)) {
		l->routed = false;
		return false;
	}
	if (l->assigned)
		return true;
	irqfd.fd = (uint32_t)l->eventfd;
	irqfd.gsi = FIRST_GSI + lines->first + vector;
	l->assigned = sys_ioctl(m->vm, KVM_IRQFD, &irqfd) == 0;
	return l->assigned;
}

static void fire(void *owner, unsigned int vector)
{
	const struct machine_lines *lines = owner;
	const uint64_t one = 1;

	/* it is full only when KVM has not taken 2^64-2 of them */
	(void)!write(lines->machine->line[lines->first + vector].eventfd, &one, sizeof(one));
}

const struct msix_sink machine_sink = { .route = route, .fire = fire };

int machine_notify_fd(const struct machine *m, uint64_t addr, int eventfd, bool on, struct err *e)
{
	struct kvm_ioeventfd io = {
		.addr = addr,
		.len = sizeof(uint16_t),
		.fd = eventfd,
		.flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	if (sys_ioctl(m->vm, KVM_IOEVENTFD, &io) < 0)
		return err_sys(e, "watch the guest's address 0x%llx", (unsigned long long)addr);
	return 0;
}
