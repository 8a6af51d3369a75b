/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_streams.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"

void vm_streams_init(struct vm_streams *s, const struct vm_streams_peer *calls, void *peer,
                     const int fds[3])
{
	s->calls = calls;
	s->peer = peer;
	s->open = false;
	s->in = fds[0];
	s->out[0] = fds[1];
	s->out[1] = fds[2];
	s->out_ends[0] = s->out_ends[1] = false;
	s->in_len = s->out_len[0] = s->out_len[1] = 0;
}

void vm_streams_done(struct vm_streams *s)
{
	fd_drop(&s->in);
	fd_drop(&s->out[0]);
	fd_drop(&s->out[1]);
}

static bool is_null(int fd)
{
	enum { MAJOR = 1, MINOR = 3 };
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(MAJOR, MINOR);
}

uint32_t vm_streams_leave_null(struct vm_streams *s)
{
	int *const fds[] = { &s->in, &s->out[0], &s->out[1] };
	uint32_t wanted = AGENT_HAS_ALL;

	for (unsigned int i = 0; i < LEN(fds); i++) {
		if (!is_null(*fds[i]))
			continue;
		*fds[i] = -1; /* open: its number is not for another file */
		wanted &= ~(1u << (AGENT_STDIN + i));
	}
	return wanted;
}

/* --- towards the program -------------------------------------------------------------------- */

void vm_streams_input_writable(struct vm_streams *s)
{
	size_t taken = s->calls->input(s->peer, s->in_data, s->in_len);

	memmove(s->in_data, s->in_data + taken, s->in_len - taken);
	s->in_len -= taken;
}

void vm_streams_input_closed(struct vm_streams *s)
{
	s->in_len = 0;
	fd_drop(&s->in);
}

static void read_input(struct vm_streams *s)
{
	ssize_t n = read(s->in, s->in_data, sizeof(s->in_data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) { /* EIO: a terminal whose master is gone */
		fd_drop(&s->in);
		s->calls->input_end(s->peer);
		return;
	}
	s->in_len = (size_t)n;
	vm_streams_input_writable(s);
}

/* --- from the program ----------------------------------------------------------------------- */

static enum agent_stream stream_of(int i)
{
	return i ? AGENT_STDERR : AGENT_STDOUT;
}

/* Nobody reads it any more, and the program shall hear of that. */
static void close_output(struct vm_streams *s, int i)
{
	fd_drop(&s->out[i]);
	s->out_len[i] = 0;
	s->calls->output_end(s->peer, stream_of(i));
}

/* A pipe that polls writable takes so much at once without waiting, whoever shares it. */
static void write_output(struct vm_streams *s, int i)
{
	struct pollfd room = { .fd = s->out[i], .events = POLLOUT };
	ssize_t n;

	do {
		size_t len = s->out_len[i] < PIPE_BUF ? s->out_len[i] : PIPE_BUF;

		n = write(s->out[i], s->out_data[i] + s->out_start[i], len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			close_output(s, i);
		if (n <= 0)
			return;
		s->out_start[i] += (size_t)n;
		s->out_len[i] -= (size_t)n;
		s->calls->consumed(s->peer, stream_of(i), (uint32_t)n);
	} while (s->out_len[i] > 0 && poll(&room, 1, 0) > 0);
	if (s->out_len[i] == 0 && s->out_ends[i])
		fd_drop(&s->out[i]);
}

void vm_streams_output_ended(struct vm_streams *s, enum agent_stream which)
{
	int i = which == AGENT_STDERR;

	s->out_ends[i] = true;
	if (s->out_len[i] == 0)
		fd_drop(&s->out[i]);
}

void vm_streams_output(struct vm_streams *s, enum agent_stream which, const uint8_t *data,
                       size_t len)
{
	int i = which == AGENT_STDERR;

	if (s->out[i] < 0)
		return;
	memmove(s->out_data[i], s->out_data[i] + s->out_start[i], s->out_len[i]);
	s->out_start[i] = 0;
	if (len > sizeof(s->out_data[i]) - s->out_len[i])
		return; /* never: no more than a window is on its way (channel.h) */
	memcpy(s->out_data[i] + s->out_len[i], data, len);
	s->out_len[i] += len;
}

/* --- the loop ------------------------------------------------------------------------------- */

void vm_streams_ask(const struct vm_streams *s, struct pollfd ret[VM_STREAMS_POLLS])
{
	ret[0] = (struct pollfd){ .fd = s->open && s->in_len == 0 ? s->in : -1, .events = POLLIN };
	for (int i = 0; i < 2; i++)
		ret[1 + i] = (struct pollfd){ .fd = s->out[i],
			                      .events = s->out_len[i] > 0 ? POLLOUT : 0 };
}

void vm_streams_serve(struct vm_streams *s, const struct pollfd p[VM_STREAMS_POLLS])
{
	if (p[0].revents)
		read_input(s);
	for (int i = 0; i < 2; i++) {
		if (p[1 + i].revents & POLLOUT)
			write_output(s, i);
		else if (p[1 + i].revents)
			close_output(s, i);
	}
}

bool vm_streams_are_empty(const struct vm_streams *s)
{
	return s->out_len[0] == 0 && s->out_len[1] == 0;
}
