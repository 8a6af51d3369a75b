/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames out and in. Init never prints: what goes wrong is told in one frame, and
 * whoever gets it has the words. A frame without a descriptor is one plain write,
 * because a seccomp profile that is already loaded may forbid sendmsg(2).
 *
 * A peer that is gone is no reason to hang or to go on: a write then raises
 * SIGPIPE, whose default action is in force, and where the kernel shields pid 1 of
 * a namespace from that, it fails with EPIPE and init ends all the same.
 */
#include "runtime/launch/init/report.h"

#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum {
	FDS_MAX = 253,  /* SCM_MAX_FD, unix(7) */
	STEP_NONE = -1, /* before the first step */
	EXIT_FAILED = 1,
};

static int socket_fd = -1;
static uint32_t step = (uint32_t)STEP_NONE;

void report_to(int socket)
{
	socket_fd = socket;
}

int report_socket(void)
{
	return socket_fd;
}

void report_step(uint32_t index)
{
	step = index;
}

uint32_t report_current(void)
{
	return step;
}

static long send_with_fd(const struct frame *frame, int fd)
{
	struct {
		struct sys_control head;
		int fd, unused;
	} control = {
		.head = { sizeof(struct sys_control) + sizeof(int), SYS_SOL_SOCKET,
		          SYS_SCM_RIGHTS },
		.fd = fd,
	};
	struct frame copy = *frame;
	struct sys_iovec part = { &copy, sizeof(copy) };
	struct sys_message message = {
		.parts = &part,
		.part_count = 1,
		.control = &control,
		.control_length = sizeof(control),
	};

	return sys_sendmsg(socket_fd, &message, 0);
}

static void send(const struct frame *frame, int fd)
{
	long sent;

	do
		sent = fd < 0 ? sys_write(socket_fd, frame, sizeof(*frame))
		              : send_with_fd(frame, fd);
	while (sent == -EINTR);
	if (sent != sizeof(*frame))
		sys_exit(EXIT_FAILED);
}

static void set_text(struct frame *frame, const char *source)
{
	struct text t = text_in(frame->text, sizeof(frame->text));

	if (source)
		text_add(&t, source);
}

void report_send(enum frame_type type, int64_t value, const char *text, int fd)
{
	struct frame frame = { .type = type, .step = step, .value = value };

	set_text(&frame, text);
	send(&frame, fd);
}

static _Noreturn void fail_with(enum frame_call call, long error, int64_t value, const char *text)
{
	struct frame frame = {
		.type = FRAME_ERROR,
		.step = step,
		.error = (int32_t)error,
		.call = call,
		.value = value,
	};

	set_text(&frame, text);
	send(&frame, -1);
	sys_exit(EXIT_FAILED);
}

void fail(enum frame_call call, long error, const char *text)
{
	fail_with(call, error, 0, text);
}

void fail_value(enum frame_call call, int64_t value, const char *text)
{
	fail_with(call, 0, value, text);
}

/* Copies the descriptors of a control message: false if they are not as they should be. */
static bool take_fds(const struct sys_message *message, int *ret_fds, uint32_t room)
{
	const struct sys_control *head = message->control;
	size_t bytes;

	if (message->flags & SYS_MSG_CTRUNC)
		return false;
	if (message->control_length < sizeof(*head))
		return true;
	if (head->level != SYS_SOL_SOCKET || head->type != SYS_SCM_RIGHTS ||
	    head->length < sizeof(*head) || head->length > message->control_length)
		return false;
	bytes = head->length - sizeof(*head);
	if (bytes > room * sizeof(int))
		return false;
	memcpy(ret_fds, head + 1, bytes);
	return true;
}

static struct frame received;

uint32_t report_receive(int socket, int *ret_fds, uint32_t room)
{
	struct {
		struct sys_control head;
		int fds[FDS_MAX];
	} control;
	struct sys_iovec part = { &received, sizeof(received) };
	struct sys_message message = { .parts = &part, .part_count = 1, .control = &control };
	long got;

	for (uint32_t i = 0; i < room; i++)
		ret_fds[i] = -1;
	do {
		message.control_length = sizeof(control.head) + room * sizeof(int);
		got = sys_recvmsg(socket, &message, SYS_MSG_CMSG_CLOEXEC);
	} while (got == -EINTR);
	if (got != sizeof(received) || !take_fds(&message, ret_fds, room))
		return 0;
	return received.type;
}

const struct frame *report_received(void)
{
	return &received;
}

/* What comes when the launcher is ready, maybe while we wait for something else. */
static bool network_joined, cgroup_joined;

static void join_network(int fd)
{
	if (fd < 0)
		fail(CHECK_PROTOCOL, 0, NULL);
	must(sys_setns(fd, CLONE_NEWNET), CALL_SETNS, NULL);
	network_joined = true;
}

static bool came_early(enum frame_type type, int fd)
{
	if (type == FRAME_NETWORK)
		join_network(fd);
	else if (type == FRAME_CGROUP)
		cgroup_joined = true;
	else
		return false;
	return true;
}

static void await(const bool *joined)
{
	int fd;

	while (!*joined) {
		enum frame_type got = report_receive(socket_fd, &fd, 1);

		if (!came_early(got, fd))
			fail(CHECK_PROTOCOL, 0, NULL);
	}
}

void report_await_network(void)
{
	await(&network_joined);
}

void report_await_cgroup(void)
{
	await(&cgroup_joined);
}

int report_await(enum frame_type type)
{
	enum frame_type got;
	int fd;

	do
		got = report_receive(socket_fd, &fd, 1);
	while (came_early(got, fd));
	if (got != type)
		fail(CHECK_PROTOCOL, 0, NULL);
	return fd;
}
