/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: a log of the kernel's, in which others may have written. What must hold: no
 * sanitizer speaks; everything that is told has a layer, an answer and a sentence; no
 * control character comes through; without a config no rule of one is named.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "runtime/why_log.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char config_text[] =
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\","
	"\"args\":[\"x\"]},\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\","
	"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"chmod\"],\"action\":\"SCMP_ACT_KILL\"}]}}}";

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(struct arena *a, const struct oci_config *config, const char *text, size_t len)
{
	BUF struct buf out = { 0 };
	struct why_log found;

	why_log_read(a, config, text, len, &found);
	must(found.n <= WHY_LOG_LINES);
	for (size_t i = 0; i < found.n; i++) {
		const struct why *w = &found.v[i];

		must(w->call && *w->layer && *w->what && *w->answer && w->count > 0);
		must(!*w->pointer || w->pointer[0] == '/');
		must(config || strncmp(w->pointer, "/linux/seccomp", 14) != 0);
	}
	why_text(found.v, found.n, &out);
	for (size_t i = 0; i < out.len; i++)
		must(out.data[i] == '\n' || (unsigned char)out.data[i] >= ' ');
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const struct oci_config *config;
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	must(oci_config_parse(&a, config_text, sizeof(config_text) - 1, &config, &e) == 0);
	check(&a, NULL, (const char *)data, size);
	check(&a, config, (const char *)data, size);
	return 0;
}
