/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a processor says of itself, and its first state. KVM_GET_SUPPORTED_CPUID is what the
 * host could do, not what a guest shall see: each processor gets its own number and the
 * others' count; what is not there for a guest (nested virtualization, performance
 * counters, MONITOR) is taken out.
 * Source: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E;
 * Documentation/virt/kvm/x86/cpuid.rst.
 */
#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "vm-sandbox/boot.h"
#include "vm-sandbox/kvm.h"

enum { CPUID_MAX = 256 };

#define BIT(n) (1u << (n))

/* Leaf 1 */
#define ECX_DTES64       BIT(2)
#define ECX_MONITOR      BIT(3)
#define ECX_VMX          BIT(5)
#define ECX_SMX          BIT(6)
#define ECX_PDCM         BIT(15)
#define ECX_TSC_DEADLINE BIT(24)
#define ECX_HYPERVISOR   BIT(31)
#define EDX_HTT          BIT(28)

/* Leaf 0x80000001 */
#define ECX_SVM BIT(2)

/* Leaf 0x40000001: pages that come later need a guest that was tested with it */
#define KVM_LATE_PAGES (BIT(4) | BIT(10) | BIT(14))

#define MSR_MISC_ENABLE   0x1a0
#define MISC_FAST_STRING  1
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_WRITE_BACK   0x806 /* enabled, and cached by default */

static void set_leaf_1(struct kvm_cpuid_entry2 *e, const struct machine_vcpu *v)
{
	uint32_t count = v->machine->vcpu_count;

	e->ebx = (e->ebx & 0xffff) | count << 16 | v->id << 24;
	e->ecx &= ~(ECX_DTES64 | ECX_MONITOR | ECX_VMX | ECX_SMX | ECX_PDCM | ECX_TSC_DEADLINE);
	e->ecx |= ECX_HYPERVISOR;
	if (kvm_ask(v->machine->kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
		e->ecx |= ECX_TSC_DEADLINE;
	e->edx = count > 1 ? e->edx | EDX_HTT : e->edx & ~EDX_HTT;
}

static void clear(struct kvm_cpuid_entry2 *e)
{
	e->eax = e->ebx = e->ecx = e->edx = 0;
}

static void set_entry(struct kvm_cpuid_entry2 *e, const struct machine_vcpu *v)
{
	uint32_t others = v->machine->vcpu_count - 1;

	switch (e->function) {
	case 1:
		set_leaf_1(e, v);
		break;
	case 4: /* caches: the cores of a package */
		if (e->eax & 0x1f)
			e->eax = (e->eax & 0x03ffffff) | others << 26;
		break;
	case 0xa:        /* performance counters */
	case 0x8000000a: /* nested virtualization of AMD's */
		clear(e);
		break;
	case 0xb: /* topology: the number; the rest as if there were none */
	case 0x1f:
		e->eax = e->ebx = 0;
		e->ecx &= 0xff;
		e->edx = v->id;
		break;
	case 0x40000001:
		e->eax &= ~KVM_LATE_PAGES;
		break;
	case 0x80000001:
		e->ecx &= ~ECX_SVM;
		break;
	case 0x80000008:
		e->ecx = others;
		break;
	case 0x8000001e:
		e->eax = v->id;
		e->ebx = v->id;
		e->ecx = 0;
		break;
	default:
		break;
	}
}

static int set_cpuid(const struct machine_vcpu *v, struct err *e)
{
	_Alignas(struct kvm_cpuid2) uint8_t
		room[sizeof(struct kvm_cpuid2) + CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
	struct kvm_cpuid2 *c = (struct kvm_cpuid2 *)(void *)room;

	memset(room, 0, sizeof(room));
	c->nent = CPUID_MAX;
	if (sys_ioctl(v->machine->kvm, KVM_GET_SUPPORTED_CPUID, c) < 0)
		return err_sys(e, "ask KVM what a processor can do");
	for (uint32_t i = 0; i < c->nent; i++)
		set_entry(&c->entries[i], v);
	if (sys_ioctl(v->fd, KVM_SET_CPUID2, c) < 0)
		return err_sys(e, "tell vCPU %u what it can do", v->id);
	return 0;
}

/* KVM_SET_MSRS says how many were set, and stops at the first that was not. */
static int set_msrs(const struct machine_vcpu *v, struct err *e)
{
	static const struct kvm_msr_entry entries[] = {
		{ .index = MSR_MISC_ENABLE, .data = MISC_FAST_STRING },
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_WRITE_BACK },
	};
	_Alignas(struct kvm_msrs) uint8_t room[sizeof(struct kvm_msrs) + sizeof(entries)] = { 0 };
	struct kvm_msrs *msrs = (struct kvm_msrs *)(void *)room;
	int done;

	msrs->nmsrs = LEN(entries);
	memcpy(msrs->entries, entries, sizeof(entries));
	done = sys_ioctl(v->fd, KVM_SET_MSRS, msrs);
	if (done < 0)
		return err_sys(e, "set registers of vCPU %u", v->id);
	if (done < (int)LEN(entries))
		return err_set(e, ERR_KERNEL, "vCPU %u: KVM refuses MSR 0x%x", v->id,
		               entries[done].index);
	return 0;
}

int vcpu_prepare(const struct machine_vcpu *v, struct err *e)
{
	struct kvm_fpu fpu = { .fcw = 0x37f, .mxcsr = 0x1f80 };

	TRY(set_cpuid(v, e));
	TRY(set_msrs(v, e));
	if (sys_ioctl(v->fd, KVM_SET_FPU, &fpu) < 0)
		return err_sys(e, "set registers of vCPU %u", v->id);
	return 0;
}

int vcpu_enter(const struct machine_vcpu *v, uint64_t entry, struct err *e)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (sys_ioctl(v->fd, KVM_GET_SREGS, &sregs) < 0)
		return err_sys(e, "get registers of vCPU %u", v->id);
	boot_registers(entry, &regs, &sregs);
	if (sys_ioctl(v->fd, KVM_SET_SREGS, &sregs) < 0 ||
	    sys_ioctl(v->fd, KVM_SET_REGS, &regs) < 0)
		return err_sys(e, "set registers of vCPU %u", v->id);
	return 0;
}
