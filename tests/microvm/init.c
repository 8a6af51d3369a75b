/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a test's microVM: loads the modules it was given, says READY on the
 * console's port, tries each device, says how that went, and powers off. What it is to do
 * comes from the kernel's command line: caisson.end=power-off, reboot, panic or hang (before
 * it has said anything).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int port = -1;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(port >= 0 ? port : 1, line, (size_t)len) < 0)
		_exit(1);
}

static void load_modules(void)
{
	struct dirent **names;
	int count = scandir("/m", &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[300];
		int fd;

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/m/%s", names[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
			printf("module %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

static void open_port(void)
{
	for (int i = 0; i < 500 && port < 0; i++) {
		port = open("/dev/vport0p1", O_RDWR | O_CLOEXEC);
		if (port < 0)
			usleep(10000);
	}
	if (port < 0)
		printf("no port: %s\n", strerror(errno));
}

/* Reads a file of the share, and leaves another there. */
static void try_files(void)
{
	char text[64] = { 0 };
	struct stat st;
	int fd;

	mkdir("/s", 0755);
	if (mount("caisson", "/s", "virtiofs", 0, NULL) < 0) {
		say("files: mount: %s\n", strerror(errno));
		return;
	}
	fd = open("/s/share/hello", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
		say("files: hello: %s\n", strerror(errno));
		return;
	}
	close(fd);
	mkdir("/s/share/made", 0750);
	fd = open("/s/share/made/reply", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	for (int i = 0; i < 100; i++) {
		if (fd < 0 || write(fd, "0123456789", 10) != 10) {
			say("files: reply: %s\n", strerror(errno));
			return;
		}
	}
	close(fd);
	if (stat("/s/share/made/reply", &st) < 0 || st.st_size != 1000)
		say("files: reply is not what was written\n");
	say("files: %s\n", text);
}

/* A share that may only be read says so. */
static void try_read_only(void)
{
	if (access("/s/ro", F_OK) < 0)
		return;
	say("read-only: make: %s\n", mkdir("/s/ro/new", 0755) < 0 ? strerror(errno) : "made");
	say("read-only: remove: %s\n", unlink("/s/ro/hello") < 0 ? strerror(errno) : "removed");
}

static void try_random(void)
{
	unsigned char bytes[16] = { 0 };
	int fd = open("/dev/hwrng", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	say("random: %zd\n", got);
	close(fd);
}

/* What the host sends comes back. */
static void try_echo(void)
{
	char text[64];
	ssize_t got;

	got = read(port, text, sizeof(text) - 1);
	if (got > 0)
		say("echo: %.*s\n", (int)got, text);
}

static const char *option(const char *name)
{
	static char line[2048];
	FILE *f = fopen("/proc/cmdline", "re");
	char *at;

	if (!f || !fgets(line, sizeof(line), f))
		return "";
	fclose(f);
	at = strstr(line, name);
	if (!at)
		return "";
	at += strlen(name);
	at[strcspn(at, " \n")] = '\0';
	return at;
}

int main(void)
{
	const char *end;

	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	load_modules();
	open_port();
	end = option("caisson.end=");
	if (!strcmp(end, "hang"))
		pause();
	say("READY\n");
	say("processors: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	say("memory: %ld MiB\n", sysconf(_SC_PHYS_PAGES) / 256);
	try_files();
	try_read_only();
	try_random();
	try_echo();
	sync();
	if (!strcmp(end, "reboot"))
		reboot(RB_AUTOBOOT);
	if (!strcmp(end, "panic"))
		return 1;
	reboot(RB_POWER_OFF);
	return 1;
}
