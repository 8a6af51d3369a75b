/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a seccomp agent, and the message that a runtime sends it. The message is
 * from whoever can connect, the rules are from who started the agent; both are read with
 * the same care. A rule with a misspelled `metadata` would hold for every container, so a
 * member that nobody knows is a fault there.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/scope.h"
#include "oci-spec/agent.h"
#include "oci-spec/read.h"

enum {
	ERRNO_MAX = 4094,
	DEVICE_NUMBER_MAX = 0xfffff, /* of Linux's majors and minors, the smaller limit's too */
	ID_MAX = 512,
	METADATA_MAX = 4096,
};

static const struct word action_words[] = {
	{ "allow", AGENT_ALLOW }, { "errno", AGENT_ERRNO }, { "log", AGENT_LOG },
	{ "mknod", AGENT_MKNOD }, { "mount", AGENT_MOUNT }, { 0 },
};

/* Filesystems whose content depends on nothing of the one who mounts them. */
static const struct word type_words[] = { { "tmpfs", 0 }, { "devpts", 0 }, { 0 } };

/* null, zero, full, tty, random, urandom: what every container may use. */
static const struct agent_device safe_devices[] = {
	{ S_IFCHR, 1, 3 }, { S_IFCHR, 1, 5 }, { S_IFCHR, 1, 7 },
	{ S_IFCHR, 5, 0 }, { S_IFCHR, 1, 8 }, { S_IFCHR, 1, 9 },
};

/* "c 1:3" */
static bool read_device(const char *text, struct agent_device *ret)
{
	const char *colon = strchr(text, ':');
	char major[16] = "";
	uint64_t first, second;

	if ((text[0] != 'c' && text[0] != 'b') || text[1] != ' ' || !colon ||
	    (size_t)(colon - text) - 2 >= sizeof(major))
		return false;
	memcpy(major, text + 2, (size_t)(colon - text) - 2);
	if (num_u64(major, DEVICE_NUMBER_MAX, &first) < 0 ||
	    num_u64(colon + 1, DEVICE_NUMBER_MAX, &second) < 0)
		return false;
	*ret = (struct agent_device){ .type = text[0] == 'c' ? S_IFCHR : S_IFBLK,
		                      .major = (uint32_t)first,
		                      .minor = (uint32_t)second };
	return true;
}

static void read_devices(struct reader *r, const struct json *j, struct agent_rule *ret)
{
	const struct json *list = read_list(r, j, "devices", JSON_STRING);
	struct agent_device *devices = read_room(r, list, sizeof(*devices));

	if (!devices) {
		ret->devices = safe_devices;
		ret->device_count = LEN(safe_devices);
		return;
	}
	for (const struct json *at = list->first; at; at = at->next) {
		if (!read_device(at->text, &devices[ret->device_count++]))
			fault(r, at, "\"%.*s\": must be like \"c 1:3\"", SHOWN(at->text));
	}
	ret->devices = devices;
}

static void read_types(struct reader *r, const struct json *j, struct agent_rule *ret)
{
	const struct json *list = read_list(r, j, "types", JSON_STRING);
	uint64_t known;

	for (const struct json *at = list->first; at; at = at->next)
		read_word_value(r, at, type_words, &known);
	ret->types = read_strings(r, list);
	if (ret->types.n == 0)
		fault_member(r, j, "types", "is required for mount");
}

/* An action on arguments needs the calls whose arguments it knows. */
static void check_names(struct reader *r, const struct json *j, const struct agent_rule *rule)
{
	static const char *const of_mknod[] = { "mknod", "mknodat", NULL };
	static const char *const of_mount[] = { "mount", NULL };
	const char *const *known = rule->action == AGENT_MKNOD   ? of_mknod
	                           : rule->action == AGENT_MOUNT ? of_mount
	                                                         : NULL;

	for (size_t i = 0; known && i < rule->names.n; i++) {
		bool found = false;

		for (size_t k = 0; known[k]; k++)
			found |= strcmp(rule->names.v[i], known[k]) == 0;
		if (!found)
			fault_member(r, j, "names", "\"%.*s\": cannot be done by %s",
			             SHOWN(rule->names.v[i]), known[0]);
	}
}

static void read_action(struct reader *r, const struct json *j, struct agent_rule *ret)
{
	struct opt_u32 number = read_u32(r, j, "errnoRet", ERRNO_MAX);
	uint64_t action;

	if (!read_needed(r, j, "action") || !read_word(r, j, "action", action_words, &action))
		return;
	ret->action = (enum agent_action)action;
	if (ret->action == AGENT_ERRNO)
		ret->errno_ret = number.set ? number.value : 1;
	else if (number.set)
		fault_member(r, j, "errnoRet", "can only be given with errno");
	if (ret->action == AGENT_MKNOD)
		read_devices(r, j, ret);
	if (ret->action == AGENT_MOUNT)
		read_types(r, j, ret);
}

static void read_rule(struct reader *r, const struct json *j, struct agent_rule *ret)
{
	static const char *const known[] = { "names",    "metadata", "action",
		                             "errnoRet", "devices",  "types" };

	read_only(r, j, known, LEN(known));
	ret->names = read_texts(r, j, "names");
	if (ret->names.n == 0)
		fault_member(r, j, "names", "is required");
	ret->metadata = read_text(r, j, "metadata");
	read_action(r, j, ret);
	check_names(r, j, ret);
}

int agent_rules_parse(struct arena *a, const char *text, size_t len, struct agent_rules *ret,
                      struct err *e)
{
	static const char *const known[] = { "default", "rules" };
	static const char *const of_default[] = { "action", "errnoRet", "devices", "types" };
	struct agent_rules rules = { .otherwise = { .action = AGENT_ERRNO, .errno_ret = 1 } };
	struct reader r = { .arena = a, .e = e };
	const struct json *j;

	TRY(json_parse(a, text, len, &j, e));
	if (!read_is(&r, j, JSON_OBJECT))
		return faults_end(&r);
	read_only(&r, j, known, LEN(known));

	const struct json *list = read_list(&r, j, "rules", JSON_OBJECT);
	const struct json *standard = read_object(&r, j, "default");
	struct agent_rule *v = read_room(&r, list, sizeof(*v));
	for (const struct json *at = list->first; at; at = at->next)
		read_rule(&r, at, &v[rules.n++]);
	rules.v = v;
	if (standard) {
		read_only(&r, standard, of_default, LEN(of_default));
		read_action(&r, standard, &rules.otherwise);
		if (rules.otherwise.action > AGENT_LOG)
			fault_member(&r, standard, "action", "is for calls that a rule names");
	}
	TRY(faults_end(&r));
	*ret = rules;
	return 0;
}

const struct agent_rule *agent_rule_for(const struct agent_rules *rules, const char *metadata,
                                        const char *name)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct agent_rule *rule = &rules->v[i];

		if (rule->metadata && strcmp(rule->metadata, metadata) != 0)
			continue;
		for (size_t k = 0; k < rule->names.n; k++) {
			if (strcmp(rule->names.v[k], name) == 0)
				return rule;
		}
	}
	return &rules->otherwise;
}

static const char *read_short(struct reader *r, const struct json *object, const char *key,
                              size_t max)
{
	const char *text = read_text(r, object, key);

	if (text && strlen(text) > max)
		fault_member(r, object, key, "is too long");
	return text ? text : "";
}

int agent_message_parse(struct arena *a, const char *text, size_t len, size_t fds,
                        struct agent_message *ret, struct err *e)
{
	struct reader r = { .arena = a, .e = e };
	struct agent_message message = { .listener = fds };
	const struct json *j;
	size_t n = 0;

	TRY(json_parse(a, text, len, &j, e));
	if (!read_is(&r, j, JSON_OBJECT))
		return faults_end(&r);
	for (const struct json *at = read_list(&r, j, "fds", JSON_STRING)->first; at;
	     at = at->next, n++) {
		if (strcmp(at->text, "seccompFd") == 0 && message.listener == fds && n < fds)
			message.listener = n;
	}
	if (message.listener == fds)
		fault_member(&r, j, "fds", "names no seccompFd among those that came");
	if (read_needed(&r, j, "pid"))
		message.pid = read_i64(&r, j, "pid", 1, INT32_MAX).value;
	message.metadata = read_short(&r, j, "metadata", METADATA_MAX);
	message.id = read_short(&r, read_object(&r, j, "state"), "id", ID_MAX);
	TRY(faults_end(&r));
	*ret = message;
	return 0;
}
