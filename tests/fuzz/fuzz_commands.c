/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of a command's connection to a microVM. The thread beside the monitor gets packets
 * of two commands, and replies of the guest in any order: each is somebody's who asked, once.
 * The command gets packets of a monitor that has been taken over: it ends with an answer that
 * fits, or an error. The input is packets with a length in front of each.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/backend_vm_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENDS = 2, LEN_MAX = 4096, INPUT_MAX = 1 << 16 };

static struct vm_commands commands;
static struct agent_client agent;
static const struct agent_client_events none;

static size_t next(const uint8_t **data, size_t *size)
{
	size_t len = *size < 2 ? 0 : (size_t)((*data)[0] | ((*data)[1] & 15) << 8);

	*data += *size < 2 ? *size : 2;
	*size -= *size < 2 ? *size : 2;
	return len < *size ? len : *size;
}

static void serve(void)
{
	struct pollfd polled[VM_COMMANDS_POLLS];

	vm_commands_wants(&commands, polled);
	if (poll(polled, VM_COMMANDS_POLLS, 0) > 0)
		vm_commands_io(&commands, polled);
	agent.channel.out_len = 0; /* it was sent */
}

/* To the newest of what is unanswered. */
static void reply(const uint8_t *data, size_t len)
{
	static _Alignas(8) uint8_t message[LEN_MAX];
	struct agent_reply r = { 0 };

	if (len < sizeof(struct agent_head) || agent_check(AGENT_GUEST, 1, data, len))
		return;
	memcpy(message, data, len);
	agent_reply_read(message, len, &r);
	for (size_t i = LEN(commands.asked); i-- > 0;) {
		uint32_t number = commands.asked[i].request;

		if (!number)
			continue;
		memset(agent.request, 0, sizeof(agent.request));
		if (!vm_commands_replied(&commands, number, &r) ||
		    vm_commands_replied(&commands, number, &r))
			abort();
		return;
	}
}

static void try_thread(const uint8_t *data, size_t size)
{
	int pair[ENDS][2];
	uint8_t drain[LEN_MAX];

	agent_client_init(&agent, &none, NULL);
	agent.ready = true;
	vm_commands_init(&commands, -1, &agent);
	for (int i = 0; i < ENDS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair[i]) < 0)
			abort();
		commands.command[i].socket = pair[i][0];
	}
	for (unsigned int turn = 0; size > 0; turn++) {
		size_t len = next(&data, &size);
		int to = pair[turn % ENDS][1];

		if (turn % 3 == 2)
			reply(data, len);
		else
			(void)!send(to, data, len, MSG_NOSIGNAL);
		if (turn % 7 == 6)
			vm_commands_oom(&commands, turn);
		while (turn % 2 && recv(to, drain, sizeof(drain), 0) > 0)
			;
		serve();
		data += len;
		size -= len;
	}
	vm_commands_done(&commands);
	agent_client_done(&agent);
	for (int i = 0; i < ENDS; i++)
		(void)close(pair[i][1]);
}

static void try_command(const uint8_t *data, size_t size)
{
	static struct vm_client client;
	const struct agent_ps ask = { .head.type = AGENT_PS };
	struct agent_reply r;
	struct err e = { 0 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	client.socket = pair[0];
	while (size > 0) {
		size_t len = next(&data, &size);

		(void)!send(pair[1], data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		data += len;
		size -= len;
	}
	(void)shutdown(pair[1], SHUT_WR); /* there is no more to wait for */
	if (size % 2)
		(void)vm_client_hear(&client);
	while (vm_client_ask(&client, &ask, sizeof(ask), &r, &e) == 0) {
		if (r.type != AGENT_PROCESSES || r.count > AGENT_PROCESSES_A_REPLY)
			abort();
	}
	if (e.kind == ERR_NONE)
		abort();
	vm_client_close(&client);
	(void)close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	try_thread(data, size);
	try_command(data, size);
	return 0;
}
