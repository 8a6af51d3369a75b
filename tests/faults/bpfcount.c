/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpfcount: prints how many BPF programs of the type cgroup-device the kernel holds.
 * They belong to no process and no folder: one that is leaked shows nowhere else.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* 1: the program with this id is one; 0: it is another, or gone by now. */
static int is_device_program(uint32_t id)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { .prog_id = id };
	int fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	int result = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	(void)close(fd);
	return result < 0 ? -1 : info.type == BPF_PROG_TYPE_CGROUP_DEVICE;
}

int main(void)
{
	union bpf_attr attr = { .start_id = 0 };
	unsigned int count = 0;

	while (bpf(BPF_PROG_GET_NEXT_ID, &attr) == 0) {
		uint32_t id = attr.next_id;
		int is_one = is_device_program(id);

		if (is_one < 0) {
			perror("bpfcount");
			return 1;
		}
		count += (unsigned int)is_one;
		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
	}
	if (errno != ENOENT) {
		perror("bpfcount");
		return 1;
	}
	printf("%u\n", count);
	return 0;
}
