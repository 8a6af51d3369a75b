/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host has at most AGENT_REQUESTS_MAX requests unanswered, and the output of programs
 * leaves room for the answers. So a reply that finds no room means a host that breaks the
 * rule; an event just waits.
 */
#include <stdio.h>
#include <string.h>

#include "vm-sandbox/guest/agent.h"

bool talk_send(struct agent *a, uint32_t request, const void *message, size_t len)
{
	bool sent = channel_send(&a->channel, request, message, len);

	if (!sent && request && !a->channel.broken)
		a->channel.broken = "more requests than may wait";
	return sent;
}

bool talk_done(struct agent *a, uint32_t request, uint32_t process, int64_t value)
{
	const struct agent_done m = {
		.head = { .type = AGENT_DONE, .process = process },
		.value = value,
	};

	return talk_send(a, request, &m, sizeof(m));
}

bool talk_failed(struct agent *a, uint32_t request, uint32_t process, const struct err *e)
{
	static uint8_t m[sizeof(struct agent_failed) + ERR_TEXT_MAX + ERR_HINT_MAX + ERR_PHASE_MAX +
	                 ERR_POINTER_MAX];
	const struct agent_failed head = {
		.head = { .type = AGENT_FAILED, .process = process },
		.kind = e->kind,
		.sys = e->sys,
	};
	const char *const texts[] = { e->text, e->hint, e->phase, e->pointer };
	size_t len = sizeof(head);

	memcpy(m, &head, sizeof(head));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = strlen(texts[i]) + 1;

		memcpy(m + len, texts[i], n);
		len += n;
	}
	return talk_send(a, request, m, len);
}

bool talk_warning(struct agent *a, const char *text)
{
	static uint8_t m[sizeof(struct agent_head) + ERR_TEXT_MAX];
	const struct agent_head head = { .type = AGENT_WARNING };
	size_t len = strnlen(text, ERR_TEXT_MAX - 1);

	memcpy(m, &head, sizeof(head));
	memcpy(m + sizeof(head), text, len);
	m[sizeof(head) + len] = '\0';
	return talk_send(a, 0, m, sizeof(head) + len + 1);
}
