/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM and its life. Each processor has a thread, which runs it until the machine has an
 * end. Who sets the end wakes the others: `immediate_exit` first, then a signal, so that a
 * processor that is just about to enter the guest comes back at once, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "vm-sandbox/kvm.h"

enum {
	SLOT_ECAM = GUEST_REGIONS_MAX,
};

static const char *const names[] = {
	[MACHINE_RUNS] = "runs",         [MACHINE_POWER_OFF] = "power off",
	[MACHINE_RESET] = "reset",       [MACHINE_TRIPLE_FAULT] = "triple fault",
	[MACHINE_TIME_OUT] = "time out", [MACHINE_STOPPED] = "stopped",
	[MACHINE_FAILED] = "failed",
};

const char *machine_end_name(enum machine_end end)
{
	return names[end];
}

static int open_kvm(struct err *e)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		bool none = errno == ENOENT;

		(void)err_sys(e, "open /dev/kvm");
		e->kind = ERR_REFUSED;
		if (none)
			return err_hint(e,
			                "the host has no virtualization, or its module (kvm_intel, "
			                "kvm_amd) is not loaded");
		return err_hint(e, "let the user into the group kvm");
	}
	if (kvm_ask(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		(void)close(fd);
		return err_set(e, ERR_REFUSED, "/dev/kvm has another version than %d",
		               KVM_API_VERSION);
	}
	return fd;
}

static int add_slot(const struct machine *m, uint32_t slot, uint32_t flags, uint64_t addr,
                    uint64_t size, void *host, struct err *e)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = addr,
		.memory_size = size,
		.userspace_addr = (uint64_t)(uintptr_t)host,
	};

	if (sys_ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &r) < 0)
		return err_sys(e, "give the guest memory at 0x%llx", (unsigned long long)addr);
	return 0;
}

/* Interrupt controllers come before processors; the two addresses are for processors of
 * Intel's that cannot run real mode. */
static int make_vm(struct machine *m, struct err *e)
{
	uint64_t identity = GUEST_IDENTITY_PAGE;

	m->vm = kvm_ask(m->kvm, KVM_CREATE_VM, 0);
	if (m->vm < 0)
		return err_sys(e, "make a virtual machine");
	if (kvm_ask(m->vm, KVM_SET_TSS_ADDR, GUEST_TSS) < 0 ||
	    sys_ioctl(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    kvm_ask(m->vm, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_sys(e, "set the virtual machine up");
	return 0;
}

static int add_memory(struct machine *m, struct err *e)
{
	for (unsigned int i = 0; i < m->memory.count; i++) {
		const struct guest_region *r = &m->memory.region[i];

		TRY(add_slot(m, i, 0, r->addr, r->size, r->host, e));
	}
	/* reads cost nothing; writes come to us */
	return add_slot(m, SLOT_ECAM, KVM_MEM_READONLY, GUEST_ECAM, GUEST_ECAM_SIZE, m->bus.ecam,
	                e);
}

static int make(struct machine *m, uint64_t memory, struct err *e)
{
	int size;

	m->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->ended < 0)
		return err_sys(e, "make an eventfd");
	m->kvm = open_kvm(e);
	TRY(m->kvm);
	size = kvm_ask(m->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0)
		return err_sys(e, "ask KVM for a size");
	m->run_size = (size_t)size;
	TRY(make_vm(m, e));
	TRY(guest_memory_new(&m->memory, memory, e));
	TRY(pci_bus_new(&m->bus, e));
	return add_memory(m, e);
}

int machine_new(struct machine *m, uint64_t memory, struct err *e)
{
	*m = (struct machine){ .kvm = -1, .vm = -1, .ended = -1 };
	(void)pthread_mutex_init(&m->devices, NULL);
	(void)pthread_mutex_init(&m->lock, NULL);
	if (make(m, memory, e) < 0) {
		machine_done(m);
		return err_in(e, "microVM");
	}
	return 0;
}

void machine_done(struct machine *m)
{
	for (unsigned int i = 0; i < m->vcpu_count; i++) {
		if (m->vcpu[i].run)
			(void)munmap(m->vcpu[i].run, m->run_size);
		fd_drop(&m->vcpu[i].fd);
	}
	m->vcpu_count = 0;
	for (unsigned int i = 0; i < m->line_count; i++)
		fd_drop(&m->line[i].eventfd);
	m->line_count = 0;
	fd_drop(&m->vm);
	fd_drop(&m->kvm);
	fd_drop(&m->ended);
	pci_bus_done(&m->bus);
	guest_memory_done(&m->memory);
	(void)pthread_mutex_destroy(&m->lock);
	(void)pthread_mutex_destroy(&m->devices);
}

static int make_vcpu(struct machine *m, struct err *e)
{
	struct machine_vcpu *v = &m->vcpu[m->vcpu_count];
	void *run;

	*v = (struct machine_vcpu){ .machine = m, .id = m->vcpu_count };
	v->fd = kvm_ask(m->vm, KVM_CREATE_VCPU, v->id);
	if (v->fd < 0)
		return err_sys(e, "make vCPU %u", v->id);
	m->vcpu_count++;
	run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED)
		return err_sys(e, "map vCPU %u", v->id);
	v->run = run;
	return 0;
}

int machine_boot(struct machine *m, unsigned int vcpus, uint64_t entry, struct err *e)
{
	if (vcpus == 0 || vcpus > GUEST_VCPUS_MAX)
		return err_set(e, ERR_SPEC, "%u vCPUs; 1 to %d are possible", vcpus,
		               GUEST_VCPUS_MAX);
	while (m->vcpu_count < vcpus)
		TRY(make_vcpu(m, e));
	for (unsigned int i = 0; i < vcpus; i++)
		TRY(vcpu_prepare(&m->vcpu[i], e));
	return vcpu_enter(&m->vcpu[0], entry, e);
}

static void set_end(struct machine *m, enum machine_end end, int why)
{
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&m->lock);
	if (m->end == MACHINE_RUNS) {
		m->end = end;
		m->why = why;
		(void)!write(m->ended, &one, sizeof(one));
	}
	(void)pthread_mutex_unlock(&m->lock);
}

void machine_stop(struct machine *m, enum machine_end end)
{
	set_end(m, end, 0);
}

static bool has_ended(struct machine *m)
{
	bool ended;

	(void)pthread_mutex_lock(&m->lock);
	ended = m->end != MACHINE_RUNS;
	(void)pthread_mutex_unlock(&m->lock);
	return ended;
}

static void confine(struct machine *m)
{
	struct err e = { 0 };

	if (m->confine && m->confine(&e) < 0)
		set_end(m, MACHINE_FAILED, e.sys);
}

static void *run_vcpu(void *arg)
{
	struct machine_vcpu *v = arg;
	struct machine *m = v->machine;

	__atomic_store_n(&v->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	confine(m);
	while (!has_ended(m)) {
		enum machine_end end;
		int why = 0;

		if (kvm_ask(v->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			set_end(m, MACHINE_FAILED, errno);
			break;
		}
		end = vcpu_exit(v, &why);
		if (end != MACHINE_RUNS)
			set_end(m, end, why);
	}
	return NULL;
}

/* Only there to end a system call. */
static void on_kick(int signo)
{
	(void)signo;
}

static int kick_signal(void)
{
	return SIGRTMIN;
}

int machine_start(struct machine *m, struct err *e)
{
	struct sigaction act = { .sa_handler = on_kick };

	if (sigaction(kick_signal(), &act, NULL) < 0)
		return err_sys(e, "set the signal that stops vCPUs");
	for (unsigned int i = 0; i < m->vcpu_count; i++) {
		errno = pthread_create(&m->vcpu[i].thread, NULL, run_vcpu, &m->vcpu[i]);
		if (errno)
			return err_sys(e, "start vCPU %u", i);
		m->vcpu[i].started = true;
	}
	return 0;
}

/* A thread that has not begun sees immediate_exit. By tgkill(2), which names our process, and
 * not by pthread_kill: a jailed monitor may signal nobody else (jail_calls.c). */
static void kick(struct machine_vcpu *v)
{
	pid_t tid;

	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	tid = __atomic_load_n(&v->tid, __ATOMIC_SEQ_CST);
	if (tid > 0)
		(void)syscall(SYS_tgkill, getpid(), tid, kick_signal());
}

static void join_threads(struct machine *m)
{
	for (unsigned int i = 0; i < m->vcpu_count; i++) {
		if (m->vcpu[i].started)
			kick(&m->vcpu[i]);
	}
	for (unsigned int i = 0; i < m->vcpu_count; i++) {
		if (m->vcpu[i].started)
			(void)pthread_join(m->vcpu[i].thread, NULL);
		m->vcpu[i].started = false;
	}
}

int machine_finish(struct machine *m, enum machine_end *ret, struct err *e)
{
	machine_stop(m, MACHINE_STOPPED);
	join_threads(m);
	if (m->end == MACHINE_FAILED && m->why > 0) {
		errno = m->why;
		return err_sys(e, "run the guest");
	}
	if (m->end == MACHINE_FAILED)
		return err_set(e, ERR_KERNEL, "run the guest: KVM gave up on it (suberror %d)",
		               -m->why);
	*ret = m->end;
	return 0;
}

/* Milliseconds until `end`, -1 where there is no limit: as poll(2) wants them. */
static int left_until(int64_t end)
{
	int64_t left = end - clock_ms();

	if (!end)
		return -1;
	return left < 0 ? 0 : (int)left;
}

int machine_run(struct machine *m, unsigned int limit_ms, enum machine_end *ret, struct err *e)
{
	struct pollfd ended = { .fd = m->ended, .events = POLLIN };
	int64_t end = limit_ms ? clock_ms() + limit_ms : 0;
	int n;

	if (machine_start(m, e) < 0) {
		struct err unused;

		(void)!machine_finish(m, ret, &unused);
		return -1;
	}
	do
		n = poll(&ended, 1, left_until(end));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		machine_stop(m, MACHINE_TIME_OUT);
	return machine_finish(m, ret, e);
}
