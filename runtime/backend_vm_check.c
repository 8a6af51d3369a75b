/* SPDX-License-Identifier: Apache-2.0 */
/* What a microVM needs of the host: a KVM that is there, for us, and fast enough to boot a
 * kernel, which only trying tells; a kernel and its modules. */
#include <errno.h>
#include <fcntl.h>

#include "base/scope.h"
#include "runtime/backend_vm.h"
#include "runtime/guest_kernel.h"
#include "vm-sandbox/kvm_probe.h"

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

void backend_vm_check(struct host_report *r)
{
	check_kvm(r);
	check_kernel(r);
}
