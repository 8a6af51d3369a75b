/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_commands.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/scope.h"

size_t vm_packet_make(void *ret, enum vm_packet kind, uint32_t stream, uint32_t count,
                      const void *data, size_t len)
{
	const struct vm_packet_head head = {
		.kind = (uint16_t)kind,
		.stream = (uint16_t)stream,
		.count = count,
	};

	memcpy(ret, &head, sizeof(head));
	if (len > 0)
		memcpy((uint8_t *)ret + sizeof(head), data, len);
	return sizeof(head) + len;
}

/* --- connections ---------------------------------------------------------------------------- */

/* Its request goes on, and the answer is nobody's. */
static void drop(struct vm_commands *c, struct vm_command *command)
{
	for (size_t i = 0; i < LEN(c->asked); i++) {
		if (c->asked[i].command == command)
			c->asked[i].command = NULL;
	}
	if (command->exec)
		vm_exec_gone(command->exec);
	fd_drop(&command->socket);
	*command = (struct vm_command){ .socket = -1 };
}

/* It is not only asked and answered, and silence means nothing. */
static bool stays(const struct vm_command *command)
{
	return command->watches || command->exec;
}

static bool may_stay(const struct vm_commands *c)
{
	size_t staying = 0;

	for (size_t i = 0; i < LEN(c->command); i++)
		staying += stays(&c->command[i]);
	return staying < VM_COMMANDS_STAYING;
}

/* A free place, or that of the one that has been silent for longest. NULL: all are used. */
static struct vm_command *place(struct vm_commands *c)
{
	struct vm_command *oldest = NULL;

	for (size_t i = 0; i < LEN(c->command); i++) {
		struct vm_command *one = &c->command[i];

		if (one->socket < 0)
			return one;
		if (!one->asking && !stays(one) && (!oldest || one->since < oldest->since))
			oldest = one;
	}
	if (oldest)
		drop(c, oldest);
	return oldest;
}

static void take_connection(struct vm_commands *c)
{
	/* cppcheck-suppress nullPointer ; accept4(2) takes NULL */
	FD int socket = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct vm_command *command = socket < 0 ? NULL : place(c);

	if (command)
		*command = (struct vm_command){ .socket = fd_give(&socket), .since = ++c->count };
}

/* False: there is no room in its socket, or it is gone. */
static bool send_packet(const struct vm_command *command, enum vm_packet kind, const void *data,
                        size_t len)
{
	struct vm_packet_head head = { .kind = (uint16_t)kind };
	const struct iovec parts[] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = len },
	};

	return writev(command->socket, parts, LEN(parts)) >= 0; /* it does not block */
}

/* Whoever asks has room for the answer, or is not served. */
static void answer(struct vm_commands *c, struct vm_command *command, const void *data, size_t len)
{
	if (!send_packet(command, VM_MESSAGE, data, len))
		drop(c, command);
}

static void refuse(struct vm_commands *c, struct vm_command *command, enum err_kind kind,
                   const char *text)
{
	struct {
		struct agent_failed m;
		char texts[128 + 4];
	} message = {
		.m = { .head.type = AGENT_FAILED, .kind = kind },
	};
	size_t length = strnlen(text, sizeof(message.texts) - 4);

	memcpy(message.texts, text, length);
	answer(c, command, &message, sizeof(message.m) + length + 4); /* four texts */
}

/* --- what a command says -------------------------------------------------------------------- */

static size_t unanswered(const struct vm_commands *c)
{
	size_t n = 0;

	for (size_t i = 0; i < LEN(c->asked); i++)
		n += c->asked[i].request != 0;
	return n;
}

/* What is the thread's own business is not a command's. */
static bool may_ask(unsigned int type)
{
	return type == AGENT_SIGNAL || type == AGENT_RESIZE || type == AGENT_PS ||
	       type == AGENT_READ || type == AGENT_UPDATE || type == AGENT_CHANGE ||
	       type == AGENT_PAUSE || type == AGENT_RESUME;
}

static void take_request(struct vm_commands *c, struct vm_command *command, const void *data,
                         size_t len)
{
	struct agent_head head;
	uint32_t request;

	if (agent_check(AGENT_HOST, 1, data, len)) {
		drop(c, command);
		return;
	}
	memcpy(&head, data, sizeof(head));
	if (!may_ask(head.type)) {
		refuse(c, command, ERR_REFUSED, "the microVM takes no such request");
		return;
	}
	request = agent_client_pass(c->agent, data, len);
	if (request == 0) {
		refuse(c, command, ERR_STATE, "the guest's agent takes no request now");
		return;
	}
	for (size_t i = 0; i < LEN(c->asked); i++) {
		if (c->asked[i].request)
			continue;
		c->asked[i].request = request;
		c->asked[i].command = command;
		command->asking = true;
		return;
	}
}

static void begin_watch(struct vm_commands *c, struct vm_command *command)
{
	if (may_stay(c))
		command->watches = true;
	else
		drop(c, command);
}

/* An AGENT_EXEC makes the connection that of an exec. */
static void take_message(struct vm_commands *c, struct vm_command *command, const void *data,
                         size_t len)
{
	struct agent_head head = { 0 };

	if (len >= sizeof(head))
		memcpy(&head, data, sizeof(head));
	if (head.type != AGENT_EXEC) {
		take_request(c, command, data, len);
		return;
	}
	if (may_stay(c))
		command->exec = vm_exec_begin(&c->execs, command->socket, data, len);
	if (!command->exec)
		drop(c, command);
}

/* False: there was none, or it was the last. */
static bool take_packet(struct vm_commands *c, struct vm_command *command)
{
	ssize_t n = recv(command->socket, c->packet, sizeof(c->packet), MSG_DONTWAIT | MSG_TRUNC);
	struct vm_packet_head head;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < (ssize_t)sizeof(head) || n > (ssize_t)sizeof(c->packet)) {
		drop(c, command);
		return false;
	}
	memcpy(&head, c->packet, sizeof(head));
	command->since = ++c->count;
	if (command->exec) {
		if (!vm_exec_packet(&c->execs, command->exec, &head, c->packet + sizeof(head),
		                    (size_t)n - sizeof(head)))
			drop(c, command);
	} else if (head.kind == VM_MESSAGE)
		take_message(c, command, c->packet + sizeof(head), (size_t)n - sizeof(head));
	else if (head.kind == VM_WATCH)
		begin_watch(c, command);
	else
		drop(c, command);
	return true;
}

/* --- what the agent says -------------------------------------------------------------------- */

bool vm_commands_replied(struct vm_commands *c, uint32_t request, const struct agent_reply *reply)
{
	if (vm_execs_replied(&c->execs, request, reply))
		return true;
	for (size_t i = 0; i < LEN(c->asked); i++) {
		struct vm_command *command = c->asked[i].command;

		if (c->asked[i].request != request)
			continue;
		c->asked[i].request = 0;
		c->asked[i].command = NULL;
		if (command) {
			command->asking = false;
			answer(c, command, reply->message, reply->len);
		}
		return true;
	}
	return false;
}

static void tell_kills(const struct vm_commands *c, struct vm_command *command)
{
	const struct agent_oom m = { .head.type = AGENT_OOM, .kills = c->kills };

	command->owed = !send_packet(command, VM_MESSAGE, &m, sizeof(m)) && errno == EAGAIN;
}

void vm_commands_oom(struct vm_commands *c, uint64_t kills)
{
	c->kills = kills;
	for (size_t i = 0; i < LEN(c->command); i++) {
		if (c->command[i].watches)
			tell_kills(c, &c->command[i]);
	}
}

/* --- the loop's ----------------------------------------------------------------------------- */

void vm_commands_init(struct vm_commands *c, int listener, struct agent_client *agent)
{
	memset(c, 0, sizeof(*c));
	vm_execs_init(&c->execs, agent);
	c->listener = listener;
	c->agent = agent;
	for (size_t i = 0; i < LEN(c->command); i++)
		c->command[i].socket = -1;
}

void vm_commands_done(struct vm_commands *c)
{
	for (size_t i = 0; i < LEN(c->command); i++)
		drop(c, &c->command[i]);
	vm_execs_done(&c->execs);
}

/* One that is owed an answer is heard after it; all, after some of many are answered. */
void vm_commands_wants(const struct vm_commands *c, struct pollfd ret[VM_COMMANDS_POLLS])
{
	bool busy = unanswered(c) == LEN(c->asked);
	bool room = false;

	for (size_t i = 0; i < LEN(c->command); i++) {
		const struct vm_command *one = &c->command[i];
		bool heard = !one->asking && !busy;

		ret[i] = (struct pollfd){ .fd = one->socket };
		ret[i].events = (short)((heard ? POLLIN : 0) | (one->owed ? POLLOUT : 0));
		if (one->exec && vm_exec_owes(one->exec))
			ret[i].events |= POLLOUT;
		room |= one->socket < 0 || (!one->asking && !stays(one));
	}
	ret[VM_COMMANDS_MAX] = (struct pollfd){ .fd = room ? c->listener : -1, .events = POLLIN };
}

/* An exec's plan is several packets: a look around for each would cost more than they do. */
static void take_packets(struct vm_commands *c, struct vm_command *command)
{
	enum { AT_ONCE = 4 };

	for (int i = 0; i < AT_ONCE && !command->asking && unanswered(c) < LEN(c->asked); i++) {
		if (!take_packet(c, command) || command->socket < 0)
			return;
	}
}

static void serve(struct vm_commands *c, struct vm_command *command, const struct pollfd *polled)
{
	if (polled->revents & POLLOUT && command->owed)
		tell_kills(c, command);
	if (polled->revents & POLLIN)
		take_packets(c, command);
	else if (polled->revents & (POLLHUP | POLLERR))
		drop(c, command);
}

void vm_commands_io(struct vm_commands *c, const struct pollfd polled[VM_COMMANDS_POLLS])
{
	for (size_t i = 0; i < LEN(c->command); i++) {
		if (polled[i].revents && c->command[i].socket == polled[i].fd)
			serve(c, &c->command[i], &polled[i]);
	}
	if (polled[VM_COMMANDS_MAX].revents & POLLIN)
		take_connection(c);
	vm_execs_tend(&c->execs);
}
