/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot [OPTION...] KERNEL INIT: boots a distribution's kernel in a microVM with this program
 * as its first process, and prints what the guest says on its port, how it ended and how
 * many exits that took. The parts of vm-sandbox/ put together, for tests.
 *
 *	-m MIB        memory (512)         -c COUNT  vCPUs (1)
 *	-l FOLDER     the kernel's folder in /lib/modules
 *	-s FOLDER     what is shared with the guest (rw)
 *	-a WORDS      added to the kernel's command line
 *	-t SECONDS    the watchdog (120)   -v        the serial port, to stderr
 */
#include "vm-sandbox/boot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "vm-sandbox/acpi.h"
#include "vm-sandbox/console.h"
#include "vm-sandbox/fs_device.h"
#include "vm-sandbox/initramfs.h"
#include "vm-sandbox/kernel.h"
#include "vm-sandbox/kvm.h"
#include "vm-sandbox/rng.h"
#include "vm-sandbox/virtio_pci.h"

enum { DEVICES = 3, READ_MAX = 256 << 20 };

static struct {
	unsigned long memory, vcpus, seconds;
	const char *modules, *share, *words, *kernel, *init;
	bool verbose;
} o = { .memory = 512, .vcpus = 1, .seconds = 120, .share = "/tmp", .words = "" };

static struct machine machine;
static struct console console;
static struct fs_device files;
static struct virtio_device rng;
static struct virtio_pci function[DEVICES];
static struct machine_lines lines[DEVICES];
static bool greeted;

static void on_serial(void *owner, uint8_t byte)
{
	(void)owner;
	(void)fputc(byte, stderr);
}

/* Prints what the guest says; when it is ready, greets it. */
static bool on_receive(void *owner, const struct iovec *iov, unsigned int count, size_t len)
{
	(void)owner;
	(void)len;
	for (unsigned int i = 0; i < count; i++) {
		(void)fwrite(iov[i].iov_base, 1, iov[i].iov_len, stdout);
		if (!greeted && memmem(iov[i].iov_base, iov[i].iov_len, "READY", 5)) {
			printf("exits until ready: %lu\n", machine.exits.total);
			greeted = console_send(&console, "hello, guest", 12) == 12;
		}
	}
	return true;
}

static int read_path(const char *path, struct buf *ret, struct err *e)
{
	FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open %s", path) : fd_read_all(fd, READ_MAX, path, ret, e);
}

static int load_kernel(struct kernel_layout *ret, struct err *e)
{
	KERNEL_IMAGE struct kernel_image image = { 0 };
	BUF struct buf packed = { 0 };
	FD int fd = memfd_create("vmlinux", MFD_CLOEXEC);

	TRY(read_path(o.kernel, &packed, e));
	TRY(kernel_unpack(o.kernel, packed.data, packed.len, &image, e));
	TRY(kernel_layout_of(image.data, image.len, image.len, ret, e));
	TRY(fd_write_all(fd, image.data, image.len, "vmlinux", e));
	return kernel_load(fd, ret, &machine.memory, e);
}

/* The modules that the kernel has and we need; none when no folder was named. */
static int make_initramfs(struct buf *ret, struct err *e)
{
	static const char *const wanted[] = { "virtio_pci", "virtio_console", "virtiofs",
		                              "virtio_rng" };
	BUF struct buf init = { 0 };
	BUF struct buf dep = { 0 };
	BUF struct buf builtin = { 0 };
	ARENA struct arena a;
	struct module_list list = { 0 };
	FD int folder = -1;

	arena_init(&a, 0);
	TRY(read_path(o.init, &init, e));
	if (o.modules) {
		struct module_index index;

		folder = open(o.modules, O_PATH | O_DIRECTORY | O_CLOEXEC);
		TRY(fd_read_file(folder, "modules.dep", READ_MAX, &dep, e));
		TRY(fd_read_file(folder, "modules.builtin", READ_MAX, &builtin, e));
		index = (struct module_index){ dep.data, builtin.data };
		TRY(modules_resolve(&index, wanted, LEN(wanted), &a, &list, e));
		for (unsigned int i = 0; i < list.count; i++)
			printf("module: %s\n", list.path[i]);
	}
	return initramfs_build(init.data, init.len, folder, &list, ret, e);
}

static int load(struct err *e)
{
	BUF struct buf initramfs = { 0 };
	char cmdline[1024];
	struct boot_setup setup = { .cmdline = cmdline, .ecam = true };

	(void)snprintf(cmdline, sizeof(cmdline),
	               "quiet panic=-1 reboot=k no_timer_check tsc=reliable random.trust_cpu=on "
	               "cryptomgr.notests rdinit=/init %s %s",
	               o.verbose ? "console=ttyS0" : "8250.nr_uarts=0", o.words);
	TRY(load_kernel(&setup.kernel, e));
	TRY(make_initramfs(&initramfs, e));
	setup.initramfs = initramfs.data;
	setup.initramfs_size = initramfs.len;
	if (getrandom(setup.seed, sizeof(setup.seed), 0) < 0)
		return err_sys(e, "getrandom");
	TRY(boot_prepare(&setup, &machine.memory, e));
	TRY(acpi_write(&machine.memory, (unsigned int)o.vcpus, e));
	return machine_boot(&machine, (unsigned int)o.vcpus, setup.kernel.entry, e);
}

static int plug(struct fs_worker *worker, struct err *e)
{
	struct virtio_device *devices[DEVICES] = { &console.device, &files.device, &rng };

	console_init(&console, &machine.memory);
	console.receive = on_receive;
	TRY(fs_device_init(&files, "caisson", worker, &machine.memory, e));
	virtio_init(&rng, &rng_kind, &machine.memory);
	for (unsigned int i = 0; i < DEVICES; i++) {
		TRY(machine_lines_new(&machine, devices[i]->kind->queues + 1u, &lines[i], e));
		virtio_pci_add(&machine.bus, i + 1, &function[i], devices[i], &machine_sink,
		               &lines[i]);
	}
	return 0;
}

static int run(struct fs *fs, struct err *e)
{
	struct fs_worker *worker = NULL;
	enum machine_end end;
	int result;

	TRY(fs_worker_new(fs, &worker, e));
	TRY(machine_new(&machine, (uint64_t)o.memory << 20, e));
	if (o.verbose)
		machine.serial = on_serial;
	result = plug(worker, e);
	if (result == 0)
		result = load(e);
	if (result == 0)
		result = machine_run(&machine, (unsigned int)o.seconds * 1000, &end, e);
	if (result == 0)
		printf("end: %s\nexits: %lu\n", machine_end_name(end), machine.exits.total);
	machine_done(&machine);
	fs_worker_free(worker);
	return result;
}

static int serve(struct err *e)
{
	FD int share_fd = open(o.share, O_PATH | O_DIRECTORY | O_CLOEXEC);
	FD int proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fs_share share = { .name = "share", .fd = share_fd, .cache_seconds = 1 };
	struct fs_setup setup = { .shares = &share,
		                  .share_count = 1,
		                  .proc_fds = proc_fds,
		                  .inodes_max = 4096,
		                  .handles_max = 1024 };
	struct fs *fs = NULL;
	int result;

	if (share_fd < 0 || proc_fds < 0)
		return err_sys(e, "open %s", o.share);
	TRY(fs_new(&setup, &fs, e));
	result = run(fs, e);
	fs_free(fs);
	return result;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	for (int c; (c = getopt(argc, argv, "m:c:l:s:a:t:v")) != -1;) {
		switch (c) {
		case 'm':
			o.memory = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			o.vcpus = strtoul(optarg, NULL, 10);
			break;
		case 't':
			o.seconds = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			o.modules = optarg;
			break;
		case 's':
			o.share = optarg;
			break;
		case 'a':
			o.words = optarg;
			break;
		case 'v':
			o.verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2)
		return 2;
	o.kernel = argv[optind];
	o.init = argv[optind + 1];
	(void)umask(0);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (serve(&e) < 0) {
		(void)fprintf(stderr, "boot: %s\n", e.text);
		return 1;
	}
	return 0;
}
