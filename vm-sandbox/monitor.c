/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order: what can fail because of the config comes first, the machine and its devices,
 * then the kernel into the guest's memory, then the caller's jail, and only then threads.
 */
#include "vm-sandbox/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "vm-sandbox/acpi.h"
#include "vm-sandbox/agent_port.h"
#include "vm-sandbox/balloon.h"
#include "vm-sandbox/boot.h"
#include "vm-sandbox/fs_device.h"
#include "vm-sandbox/jail.h"
#include "vm-sandbox/kernel.h"
#include "vm-sandbox/rng.h"
#include "vm-sandbox/serial_log.h"
#include "vm-sandbox/virtio_pci.h"

enum {
	DEVICES_ALWAYS = 4,
	DISK = DEVICES_ALWAYS + MONITOR_NETS_MAX, /* its place, behind all interfaces */
	DEVICES,
	KERNEL_HEAD = 64 << 10, /* of the file, with its program headers */
	DESCRIPTORS_OURS = 256, /* beside those of the guest's files */
	DESCRIPTORS_MAX = 1 << 20,
};

/* Quiet, and without what a guest has no use for: self-tests of its cryptography, looking for
 * PCI devices with known faults by ports, which there are none behind, and for serial ports.
 * The early console needs no looking for, and stays for the last words. */
static const char cmdline_always[] =
	"quiet loglevel=3 panic=-1 reboot=k no_timer_check tsc=reliable random.trust_cpu=on cryptomgr.notests "
	"pci=noearly 8250.nr_uarts=0 earlycon=uart8250,io,0x3f8 keep_bootcon rdinit=/init";

struct monitor {
	const struct monitor_config *config;
	struct machine machine;
	struct console console;
	struct agent_port port;
	struct serial_log log;
	int proc_fds;
	struct fs *fs;
	struct fs_worker *worker;
	struct fs_device files;
	struct virtio_device rng, balloon;
	unsigned int net_count; /* that are on the bus */
	struct net net[MONITOR_NETS_MAX];
	struct blk disk;
	struct virtio_pci function[DEVICES];
	struct machine_lines lines[DEVICES];
	struct machine_exits before; /* the agent's first byte */
};

static const char *const ends[] = {
	[MONITOR_POWER_OFF] = "power off",
	[MONITOR_PANIC] = "kernel panic",
	[MONITOR_RESET] = "reset",
	[MONITOR_TRIPLE_FAULT] = "triple fault",
	[MONITOR_NOT_READY] = "not ready in time",
	[MONITOR_STOPPED] = "stopped",
};

const char *monitor_end_name(enum monitor_end end)
{
	return ends[end];
}

static void on_serial(void *owner, uint8_t byte)
{
	serial_log_byte(&((struct monitor *)owner)->log, byte);
}

static void on_ready(void *owner)
{
	struct monitor *m = owner;

	m->before = m->machine.exits;
}

/* Each file that the guest knows is a descriptor, and each that it has open another. */
static int set_limits(struct fs_setup *setup, struct err *e)
{
	struct rlimit limit;
	rlim_t most;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, "get the limit of open files");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, "raise the limit of open files");
	most = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (most <= 2 * (rlim_t)DESCRIPTORS_OURS)
		return err_set(e, ERR_REFUSED, "at most %llu open files: too few",
		               (unsigned long long)most);
	most -= DESCRIPTORS_OURS;
	setup->handles_max = (unsigned int)most / 4;
	setup->inodes_max = (unsigned int)most - setup->handles_max;
	return 0;
}

/* /proc/self/fd. Making a mount of it takes rights that only a jail needs as well. */
static int open_descriptors(bool jailed, struct err *e)
{
	int fd;

	if (jailed)
		return jail_proc_fds(e);
	fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open /proc/self/fd") : fd;
}

static int make_fs(struct monitor *m, struct err *e)
{
	struct fs_setup setup = {
		.shares = m->config->shares,
		.share_count = m->config->share_count,
	};

	m->proc_fds = open_descriptors(m->config->jailed, e);
	TRY(m->proc_fds);
	setup.proc_fds = m->proc_fds;
	TRY(set_limits(&setup, e));
	TRY(fs_new(&setup, &m->fs, e));
	return fs_worker_new(m->fs, &m->worker, e);
}

static void on_net_change(void *owner)
{
	agent_port_wake(&((struct monitor *)owner)->port);
}

static void plug_one(struct monitor *m, unsigned int place, struct virtio_device *d)
{
	virtio_pci_add(&m->machine.bus, place + 1, &m->function[place], d, &machine_sink,
	               &m->lines[place]);
}

static void plug_nets(struct monitor *m, unsigned int count)
{
	for (; m->net_count < count; m->net_count++) {
		struct net *n = &m->net[m->net_count];

		net_init(n, &m->config->nets[m->net_count], &m->machine.memory);
		n->changed = on_net_change;
		n->owner = m;
		plug_one(m, DEVICES_ALWAYS + m->net_count, &n->device);
	}
}

static void on_taken(void *owner)
{
	struct monitor *m = owner;

	if (m->config->nets_now)
		plug_nets(m, atomic_load(m->config->nets_now));
}

static int plug_disk(struct monitor *m, struct err *e)
{
	TRY(machine_lines_new(&m->machine, VIRTIO_PCI_VECTORS, &m->lines[DISK], e));
	blk_init(&m->disk, m->config->disk, &m->machine.memory);
	plug_one(m, DISK, &m->disk.device);
	return 0;
}

static int plug(struct monitor *m, struct err *e)
{
	struct virtio_device *always[DEVICES_ALWAYS] = { &m->console.device, &m->files.device,
		                                         &m->rng, &m->balloon };
	const struct guest_memory *memory = &m->machine.memory;
	/* those that come later have their interrupts, which cannot be made in jail */
	const unsigned int nets = m->config->nets_now ? MONITOR_NETS_MAX : m->config->net_count;

	console_init(&m->console, memory);
	m->port.first = on_ready;
	m->port.taken = on_taken;
	m->port.owner = m;
	TRY(agent_port_init(&m->port, &m->console, m->config->agent, e));
	TRY(make_fs(m, e));
	TRY(fs_device_init(&m->files, MONITOR_FS_TAG, m->worker, memory, e));
	virtio_init(&m->rng, &rng_kind, memory);
	virtio_init(&m->balloon, &balloon_kind, memory);
	for (unsigned int i = 0; i < DEVICES_ALWAYS + nets; i++)
		TRY(machine_lines_new(&m->machine, VIRTIO_PCI_VECTORS, &m->lines[i], e));
	for (unsigned int i = 0; i < DEVICES_ALWAYS; i++)
		plug_one(m, i, always[i]);
	plug_nets(m, m->config->net_count);
	return m->config->disk ? plug_disk(m, e) : 0;
}

static int size_of(int fd, const char *what, uint64_t *ret, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat the %s", what);
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int load_kernel(const struct monitor *m, struct kernel_layout *ret, struct err *e)
{
	FREE void *head = malloc(KERNEL_HEAD);
	uint64_t size;
	ssize_t got;

	if (!head)
		return err_sys(e, "read the kernel");
	TRY(size_of(m->config->kernel, "kernel", &size, e));
	got = pread(m->config->kernel, head, KERNEL_HEAD, 0);
	if (got < 0)
		return err_sys(e, "read the kernel");
	if (kernel_layout_of(head, (size_t)got, size, ret, e) < 0)
		return err_in(e, "kernel");
	return kernel_load(m->config->kernel, ret, &m->machine.memory, e);
}

static int set_cmdline(const struct monitor *m, char *to, size_t room, struct err *e)
{
	const char *more = m->config->cmdline ? m->config->cmdline : "";
	int len = snprintf(to, room, "%s %s", cmdline_always, more);

	if (len < 0 || (size_t)len >= room)
		return err_set(e, ERR_SPEC, "the kernel's command line is longer than %zu bytes",
		               room - 1);
	return 0;
}

/* A file as a read-only mapping. */
struct mapped {
	void *data; /* NULL: none */
	size_t size;
};

static int map(int fd, const char *what, struct mapped *ret, struct err *e)
{
	uint64_t size;
	void *data;

	TRY(size_of(fd, what, &size, e));
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(e, "map the %s", what);
	*ret = (struct mapped){ data, size };
	return 0;
}

static void unmap(struct mapped *m)
{
	if (m->data)
		(void)munmap(m->data, m->size);
	m->data = NULL;
}

/* The mappings are needed until boot_prepare has copied them. */
static int prepare(struct monitor *m, const struct kernel_layout *kernel,
                   const struct mapped *initramfs, const struct mapped *initrd, struct err *e)
{
	char cmdline[GUEST_CMDLINE_MAX];
	struct boot_setup setup = {
		.cmdline = cmdline,
		.initramfs = initramfs->data,
		.initramfs_size = initramfs->size,
		.initrd = initrd->data,
		.initrd_size = initrd->size,
		.ecam = true,
		.kernel = *kernel,
	};

	TRY(set_cmdline(m, cmdline, sizeof(cmdline), e));
	if (getrandom(setup.seed, sizeof(setup.seed), 0) < 0)
		return err_sys(e, "getrandom");
	return boot_prepare(&setup, &m->machine.memory, e);
}

static int load(struct monitor *m, struct err *e)
{
	const struct monitor_config *c = m->config;
	struct kernel_layout kernel;
	struct mapped initramfs = { 0 }, initrd = { 0 };
	int result;

	TRY(load_kernel(m, &kernel, e));
	result = map(c->initramfs, "initramfs", &initramfs, e);
	if (result == 0 && c->initrd > 0)
		result = map(c->initrd, "initrd", &initrd, e);
	if (result == 0)
		result = prepare(m, &kernel, &initramfs, &initrd, e);
	unmap(&initramfs);
	unmap(&initrd);
	TRY(result);
	TRY(acpi_write(&m->machine.memory, c->vcpus, e));
	return machine_boot(&m->machine, c->vcpus, kernel.entry, e);
}

/* Moves what there is, and says what to wait for on the socket, and until when. False: the
 * owner is gone. */
static bool look_at_port(struct monitor *m, struct pollfd *ret, int64_t *limit)
{
	bool there;

	(void)pthread_mutex_lock(&m->machine.devices);
	there = agent_port_move(&m->port);
	if (m->port.heard)
		*limit = 0;
	*ret = (struct pollfd){ .fd = m->port.socket, .events = agent_port_events(&m->port) };
	(void)pthread_mutex_unlock(&m->machine.devices);
	return there;
}

/* The frames that have come, and which taps to wait for. */
static nfds_t look_at_nets(struct monitor *m, struct pollfd *ret)
{
	const unsigned int count = m->net_count;

	(void)pthread_mutex_lock(&m->machine.devices);
	for (unsigned int i = 0; i < count; i++) {
		if (ret[i].revents)
			net_receive(&m->net[i]);
		ret[i] = (struct pollfd){
			.fd = net_wants(&m->net[i]) ? m->config->nets[i].tap : -1,
			.events = POLLIN,
		};
	}
	(void)pthread_mutex_unlock(&m->machine.devices);
	return count;
}

/* Waits once; 0 when the time is over. */
static int wait_once(struct pollfd *fds, nfds_t count, int64_t limit)
{
	int64_t left = limit ? limit - clock_ms() : -1;
	int n = poll(fds, count, limit && left < 0 ? 0 : (int)left);

	return n < 0 ? 1 : n;
}

/* Until the guest has ended or its owner has gone: whether it was too slow to get ready. */
static bool attend(struct monitor *m)
{
	int64_t limit = m->config->ready_ms ? clock_ms() + m->config->ready_ms : 0;
	enum { ENDED, WAKE, OWNER, NETS };
	struct pollfd fds[NETS + MONITOR_NETS_MAX] = {
		[ENDED] = { .fd = m->machine.ended, .events = POLLIN },
		[WAKE] = { .fd = m->port.wake, .events = POLLIN },
	};

	while (look_at_port(m, &fds[OWNER], &limit)) {
		nfds_t nets = look_at_nets(m, &fds[NETS]);

		if (wait_once(fds, NETS + nets, limit) == 0)
			return true;
		if (fds[ENDED].revents || (fds[OWNER].revents & POLLHUP))
			break;
	}
	return false;
}

static enum monitor_end end_of(const struct monitor *m, enum machine_end end, bool late)
{
	switch (end) {
	case MACHINE_POWER_OFF:
		return MONITOR_POWER_OFF;
	case MACHINE_RESET:
		return m->log.panic[0] ? MONITOR_PANIC : MONITOR_RESET;
	case MACHINE_TRIPLE_FAULT:
		return MONITOR_TRIPLE_FAULT;
	default:
		return late ? MONITOR_NOT_READY : MONITOR_STOPPED;
	}
}

static int confine_vcpu(struct err *e)
{
	return jail_thread(JAIL_VCPU, e);
}

static int enter_jail(struct monitor *m, struct err *e)
{
	if (!m->config->jailed)
		return 0;
	m->machine.confine = confine_vcpu;
	return jail_enter(m->config->shares, m->config->share_count, m->config->profile, e);
}

/* The processors' threads, and then nothing but waiting for them. */
static int start(struct monitor *m, struct err *e)
{
	TRY(machine_start(&m->machine, e));
	return m->config->jailed ? jail_thread(JAIL_MAIN, e) : 0;
}

static int run(struct monitor *m, struct monitor_result *ret, struct err *e)
{
	enum machine_end end = MACHINE_RUNS;
	bool late = false;
	int started;

	TRY(plug(m, e));
	TRY(load(m, e));
	TRY(enter_jail(m, e));
	if (m->config->sealed)
		TRY(m->config->sealed(m->config->owner, e));
	started = start(m, e);
	if (started == 0)
		late = attend(m);
	if (machine_finish(&m->machine, &end, e) < 0 || started < 0)
		return -1;
	serial_log_end(&m->log);
	*ret = (struct monitor_result){
		.end = end_of(m, end, late),
		.exits = m->machine.exits.total,
		.before = m->before,
	};
	memcpy(ret->panic, m->log.panic, sizeof(ret->panic));
	memcpy(ret->lines, m->log.lines, sizeof(ret->lines));
	return 0;
}

int monitor_run(const struct monitor_config *config, struct monitor_result *ret, struct err *e)
{
	FREE struct monitor *m = calloc(1, sizeof(*m));
	int result;

	if (!m)
		return err_sys(e, "microVM");
	m->config = config;
	m->proc_fds = m->port.wake = -1;
	m->log.fd = config->serial;
	TRY(machine_new(&m->machine, config->memory_bytes, e));
	m->machine.serial = on_serial;
	m->machine.owner = m;
	result = run(m, ret, e);
	machine_done(&m->machine);
	fs_worker_free(m->worker);
	fs_free(m->fs);
	agent_port_done(&m->port);
	fd_drop(&m->proc_fds);
	return result;
}
