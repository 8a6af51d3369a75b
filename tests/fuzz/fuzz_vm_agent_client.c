/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side and a hostile guest (vm_frames.h): whatever replies, events, data and ends
 * come, the one who uses it sees replies to what it asked, and events of processes that it has
 * made, each once. Requests are made all the while.
 */
#include <stdlib.h>

#include "tests/fuzz/vm_frames.h"
#include "vm-sandbox/agent_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS = 8 };

static struct agent_client client;
static uint8_t frame[sizeof(struct channel_head) + CHANNEL_PAYLOAD_MAX];
static bool asked[1 << 16], exited[NUMBERS], finished[NUMBERS];

static void on_replied(void *owner, uint32_t request, const struct agent_reply *reply)
{
	struct agent_texts files = reply->files;

	(void)owner;
	if (request >= sizeof(asked) || !asked[request])
		abort();
	asked[request] = false;
	if (reply->type == AGENT_FAILED &&
	    (reply->err.kind == ERR_NONE || memchr(reply->err.text, 0, ERR_TEXT_MAX) == NULL))
		abort();
	for (size_t i = 0; i < reply->count; i++)
		if (strlen(reply->process[i].arguments) >= sizeof(reply->process[i].arguments))
			abort();
	while (files.at && agent_text(&files))
		;
}

static void on_output(void *owner, uint32_t process, enum agent_stream which, const uint8_t *data,
                      size_t len)
{
	volatile uint8_t last = len ? data[len - 1] : 0;

	(void)owner;
	(void)last;
	if (!agent_client_find(&client, process))
		abort();
	if (len % 3 == 0)
		agent_client_consumed(&client, process, which, (uint32_t)len);
}

static void on_exited(void *owner, uint32_t process, int status, int signal)
{
	(void)owner;
	if (process >= NUMBERS || exited[process] || status < 0 || status > 255 || signal < 0)
		abort();
	exited[process] = true;
}

static void on_finished(void *owner, uint32_t process)
{
	(void)owner;
	if (process >= NUMBERS || !exited[process] || finished[process])
		abort();
	finished[process] = true;
}

static void on_warning(void *owner, const char *text)
{
	(void)owner;
	if (strlen(text) > CHANNEL_PAYLOAD_MAX)
		abort();
}

static const struct agent_client_events events = {
	.replied = on_replied,
	.output = on_output,
	.exited = on_exited,
	.finished = on_finished,
	.warning = on_warning,
};

static void note(uint32_t request)
{
	if (request)
		asked[request] = true;
}

/* One request for each frame that came, of each kind in turn. */
static void ask(unsigned int turn)
{
	static const char *const files[] = { "memory.max", "max" };
	uint32_t process = 1 + turn / 8 % (NUMBERS - 1);

	switch (turn % 8) {
	case 0:
		if (exited[process] || agent_client_find(&client, process))
			break;
		note(agent_client_launch(&client, process == 1 ? AGENT_CREATE : AGENT_EXEC, process,
		                         files, sizeof(files), AGENT_HAS_ALL, ""));
		break;
	case 1:
		note(agent_client_start(&client, "{}"));
		break;
	case 2:
		note(agent_client_ps(&client, turn));
		break;
	case 3:
		note(agent_client_files(&client, AGENT_READ, files, 1));
		break;
	case 4:
		note(agent_client_files(&client, AGENT_UPDATE, files, 2));
		break;
	case 5:
		(void)agent_client_input(&client, process, files, sizeof(files));
		break;
	case 6:
		note(agent_client_signal(&client, process, 15, turn % 3));
		break;
	default:
		if (finished[process])
			agent_client_forget(&client, process);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_frames f = { .data = data, .size = size };
	struct err e = { 0 };
	const void *out;
	size_t len;
	int sends;

	memset(asked, 0, sizeof(asked));
	memset(exited, 0, sizeof(exited));
	memset(finished, 0, sizeof(finished));
	agent_client_init(&client, &events, NULL);
	for (unsigned int turn = 0; (len = vm_frames_next(&f, frame, &sends)) > 0; turn++) {
		if (agent_client_receive(&client, frame, len, &e) < 0)
			break;
		ask(turn);
		if (channel_pending(&client.channel, &out) > CHANNEL_OUT_MAX)
			abort();
		if (sends) {
			channel_sent(&client.channel, channel_pending(&client.channel, &out));
			agent_client_flush(&client);
		}
	}
	agent_client_done(&client);
	return 0;
}
