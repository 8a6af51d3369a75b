/* SPDX-License-Identifier: Apache-2.0 */
/* What a microVM needs of the host: a KVM that is there, for us, and fast enough to boot a
 * kernel, which only trying tells; a kernel and its modules; taps, and traffic control. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/proc.h"
#include "base/scope.h"
#include "runtime/backend_vm.h"
#include "runtime/guest_kernel.h"
#include "vm-sandbox/kvm_probe.h"
#include "vm-sandbox/wire.h"

static void no_kvm(struct host_report *r, int why)
{
	static const char *const fix[] = {
		"load kvm_intel or kvm_amd; in a virtual machine, switch nested virtualization on "
		"where it is run",
		"let the user into the group kvm; in a container, pass the device in",
	};

	host_no(r, HOST_VM, "KVM", fix[why != ENOENT && why != ENODEV && why != ENXIO],
	        "open /dev/kvm: %s", err_words(why));
}

static void check_kvm(struct host_report *r)
{
	static const char subject[] = "KVM's speed";
	FD int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct err e = { 0 };

	if (fd < 0) {
		no_kvm(r, errno);
		return;
	}
	host_ok(r, HOST_VM, "KVM", "/dev/kvm is there, and for us");
	if (kvm_probe(KVM_PROBE_LOOPS, KVM_PROBE_LIMIT_MS, &e) < 0)
		host_error(r, HOST_VM, subject, &e);
	else
		host_ok(r, HOST_VM, subject, "a guest runs as fast as a kernel's start needs");
}

static void check_kernel(struct host_report *r)
{
	struct guest_kernel kernel;
	struct err e = { 0 };

	if (guest_kernel_find(r->arena, r->root, &kernel, &e) < 0) {
		host_error(r, HOST_VM, "guest kernel", &e);
		return;
	}
	host_ok(r, HOST_VM, "guest kernel", "%s", kernel.path);
	if (kernel.modules)
		host_ok(r, HOST_VM, "guest modules", "%s", kernel.modules);
	else
		host_no(r, HOST_VM, "guest modules",
		        "install the kernel's package again, or run depmod",
		        "%s/lib/modules/%s/modules.dep cannot be read", r->root, kernel.version);
}

/* --- its network ---------------------------------------------------------------------------- */

/* In a child, and a network namespace that ends with it: only trying tells whether a kernel
 * has what may be built in, loaded, or there to be loaded. */
static int try_traffic(void *context, struct err *e)
{
	(void)context;
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return err_sys(e, "make a network namespace");
	return wires_probe(e);
}

static void check_traffic(struct host_report *r)
{
	static const char subject[] = "microVM's traffic";
	struct err e = { 0 };

	if (proc_in_child(try_traffic, NULL, &e) == 0)
		host_ok(r, HOST_VM, subject, "can be redirected to a guest");
	else
		host_no(r, HOST_VM, subject,
		        "install the kernel's modules sch_ingress, cls_u32 and act_mirred, and load "
		        "them",
		        "%s", e.text);
}

static void check_network(struct host_report *r)
{
	static const char subject[] = "microVM's network";
	FD int fd = open(arena_printf(r->arena, "%s/dev/net/tun", r->root), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		host_no(r, HOST_VM, subject, "load tun; in a container, pass the device in",
		        "open /dev/net/tun: %s", err_words(errno));
	else
		host_ok(r, HOST_VM, subject, "/dev/net/tun is there, and for us");
	check_traffic(r);
}

void backend_vm_check(struct host_report *r)
{
	check_kvm(r);
	check_kernel(r);
	check_network(r);
}
