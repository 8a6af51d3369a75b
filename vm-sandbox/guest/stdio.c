/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the streams of a process and its pipes or its terminal. Nothing is read from a
 * program that there is no credit for, so it waits in its own pipe; nothing is taken from the
 * host beyond a window, which is kept here until the program reads. An end goes both ways:
 * that of a stream closes the pipe, and a pipe that nobody has open any more ends the stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/scope.h"
#include "vm-sandbox/guest/agent.h"

static const enum agent_stream stream_of[] = { AGENT_STDOUT, AGENT_STDERR };

/* ours: the end that does not block; *ret_theirs: the program's */
static int make_pipe(bool we_read, int *ours, int *ret_theirs, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe2");
	*ours = ends[we_read ? 0 : 1];
	*ret_theirs = ends[we_read ? 1 : 0];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? err_sys(e, "fcntl") : 0;
}

static int open_null(int *ret, struct err *e)
{
	*ret = open("/dev/null", O_RDWR | O_CLOEXEC);
	return *ret < 0 ? err_sys(e, "open /dev/null") : 0;
}

static int open_stream(struct agent *a, const struct process *p, enum agent_stream which,
                       struct err *e)
{
	if (channel_open(&a->channel, agent_stream(p->number, which)))
		return 0;
	return err_set(e, ERR_STATE, "there are too many streams at once");
}

int stdio_make(struct agent *a, struct process *p, int ret[3], struct err *e)
{
	int *const ours[] = { &p->in, &p->out[0], &p->out[1] };

	for (int i = 0; i < 3; i++) {
		enum agent_stream which = AGENT_STDIN + (unsigned int)i;

		if (!(p->stdio & 1u << which)) {
			TRY(open_null(&ret[i], e));
			continue;
		}
		TRY(open_stream(a, p, which, e));
		if (p->terminal)
			TRY(open_null(&ret[i], e));
		else
			TRY(make_pipe(i > 0, ours[i], &ret[i], e));
	}
	return 0;
}

/* What was typed before, or that nobody will, has waited for it. */
void stdio_terminal(struct agent *a, struct process *p, int master)
{
	struct termios t;

	(void)fcntl(master, F_SETFL, O_NONBLOCK);
	if (p->plain && tcgetattr(master, &t) == 0) {
		t.c_oflag &= ~(tcflag_t)ONLCR;
		(void)tcsetattr(master, TCSANOW, &t);
	}
	p->out[0] = master;
	p->in = fcntl(master, F_DUPFD_CLOEXEC, 3);
	stdio_write(a, p);
}

/* --- towards the program -------------------------------------------------------------------- */

void stdio_close_input(struct agent *a, struct process *p)
{
	uint32_t stream = agent_stream(p->number, AGENT_STDIN);

	fd_drop(&p->in);
	(void)channel_end(&a->channel, stream);
	channel_close(&a->channel, stream);
}

void stdio_input(struct agent *a, struct process *p, const uint8_t *data, size_t len)
{
	/* never more than a window is on its way, and a window is the room */
	memmove(p->in_data, p->in_data + p->in_start, p->in_len);
	p->in_start = 0;
	memcpy(p->in_data + p->in_len, data, len);
	p->in_len += len;
	stdio_write(a, p);
}

void stdio_write(struct agent *a, struct process *p)
{
	ssize_t n = 1;

	/* while it is being built, it may yet get a terminal */
	while (p->in >= 0 && p->in_len > 0 && n > 0) {
		n = write(p->in, p->in_data + p->in_start, p->in_len);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			stdio_close_input(a, p);
		if (n <= 0)
			break;
		p->in_start += (size_t)n;
		p->in_len -= (size_t)n;
		channel_consumed(&a->channel, agent_stream(p->number, AGENT_STDIN), (uint32_t)n);
	}
	if (!p->in_ends || p->in < 0 || p->in_len > 0)
		return;
	if (p->terminal)
		stdio_hang_up(a, p);
	else
		stdio_close_input(a, p);
}

void stdio_input_end(struct process *p)
{
	p->in_ends = true;
}

/* --- from the program ----------------------------------------------------------------------- */

void stdio_close_output(struct agent *a, struct process *p, int which)
{
	uint32_t stream = agent_stream(p->number, stream_of[which]);

	fd_drop(&p->out[which]);
	(void)channel_end(&a->channel, stream);
	channel_close(&a->channel, stream);
}

bool stdio_has_room(const struct agent *a, const struct process *p, int which)
{
	const void *data;

	return p->out[which] >= 0 && channel_pending(&a->channel, &data) < TALK_DATA_MAX &&
	       channel_writable(&a->channel, agent_stream(p->number, stream_of[which])) > 0;
}

void stdio_read(struct agent *a, struct process *p, int which)
{
	static uint8_t data[CHANNEL_PAYLOAD_MAX];
	uint32_t stream = agent_stream(p->number, stream_of[which]);

	while (stdio_has_room(a, p, which)) {
		size_t room = channel_writable(&a->channel, stream);
		ssize_t n = read(p->out[which], data, room);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) { /* EIO: a terminal that nobody has open any more */
			stdio_close_output(a, p, which);
			return;
		}
		p->sent[which] += channel_write(&a->channel, stream, data, (size_t)n);
	}
}

uint64_t stdio_total(const struct process *p, int which)
{
	int waiting = 0;

	if (p->terminal && which == 0 && p->out[0] >= 0)
		return UINT64_MAX;
	if (p->out[which] >= 0 && ioctl(p->out[which], FIONREAD, &waiting) < 0)
		waiting = 0;
	return p->sent[which] + (uint64_t)waiting;
}

void stdio_hang_up(struct agent *a, struct process *p)
{
	stdio_close_input(a, p);
	stdio_close_output(a, p, 0);
}

void stdio_close(struct agent *a, struct process *p)
{
	stdio_close_input(a, p);
	stdio_close_output(a, p, 0);
	stdio_close_output(a, p, 1);
}
