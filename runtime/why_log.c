/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is one line of fields. What kind it is, its fields tell: dmesg has the
 * record's number (type=1326), auditd its name (type=SECCOMP), the journal the bare name.
 * Text of programs has neither quotes nor blanks there: the kernel writes it as
 * hexadecimal digits else (audit_log_untrustedstring), so a blank in front of a word
 * means that the kernel has written that word.
 *
 * One event may have several records with one serial number. That of the system call
 * comes behind that of whoever refused it, and tells the rest of it.
 */
#include "runtime/why_log.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/scope.h"
#include "seccomp/seccomp.h"
#include "seccomp/verdict.h"

enum { LINE_MAX_BYTES = 8192, TEXT_MAX = 512, NAME_MAX_SHOWN = 128, WORD_MAX = 80 };

enum kind { KIND_NONE, KIND_SECCOMP, KIND_CALL, KIND_SELINUX, KIND_APPARMOR, KIND_LANDLOCK };

struct record {
	enum kind kind;
	uint32_t arch,
		answer; /* KIND_SECCOMP: what the filter returned; else an errno, 0: unknown */
	char event[WORD_MAX]; /* "1364481363.243:24287" */
	char call[WORD_MAX];  /* or what a security module says that was wanted */
	char who[WORD_MAX];
	char what[TEXT_MAX];
	uint64_t count;
};

struct reader {
	struct record *v;
	size_t n;
	uint64_t lost, records, lines;
	struct record last; /* not counted yet: its system call may follow */
};

/* --- fields ------------------------------------------------------------------------------------
 */

/* Behind "key=" in the line; NULL: it has no such field. */
static const char *find_field(const char *line, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = strstr(line, key); at; at = strstr(at + len, key)) {
		if ((at == line || at[-1] == ' ') && at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

/* As the kernel writes them: in capitals. */
static unsigned int hex_digit(char c)
{
	return c <= '9' ? (unsigned int)(c - '0') : (unsigned int)(c - 'A') + 10;
}

/* Text that was written as digits. */
static void decode(char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len % 2 != 0 || strspn(text, "0123456789ABCDEF") != len)
		return;
	for (size_t i = 0; i < len; i += 2) {
		unsigned int byte = hex_digit(text[i]) << 4 | hex_digit(text[i + 1]);

		text[i / 2] = (char)(byte ? byte : '?');
	}
	text[len / 2] = '\0';
}

/* A field's value without its quotes, cut to fit. */
static bool get(const char *line, const char *key, char *ret, size_t room)
{
	const char *at = find_field(line, key);
	bool quoted = at && *at == '"';

	*ret = '\0';
	if (!at)
		return false;
	at += quoted;
	size_t len = strcspn(at, quoted ? "\"" : " ");
	len = len < room ? len : room - 1;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return true;
}

/* A field with text of others, which the kernel may have had to write as digits. */
static bool get_text(const char *line, const char *key, char *ret, size_t room)
{
	const char *at = find_field(line, key);

	if (!get(line, key, ret, room))
		return false;
	if (*at != '"')
		decode(ret);
	return strcmp(ret, "(null)") != 0;
}

static bool get_number(const char *line, const char *key, uint64_t *ret)
{
	char text[WORD_MAX];

	return get(line, key, text, sizeof(text)) && num_u64(text, UINT32_MAX, ret) == 0;
}

static bool get_hex(const char *line, const char *key, uint32_t *ret)
{
	char text[WORD_MAX];
	uint64_t value;

	if (!get(line, key, text, sizeof(text)) ||
	    num_hex64(text + (strncmp(text, "0x", 2) == 0 ? 2 : 0), &value) < 0)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool is(const char *line, const char *key, const char *value)
{
	char text[WORD_MAX];

	return get(line, key, text, sizeof(text)) && strcmp(text, value) == 0;
}

/* --- records -----------------------------------------------------------------------------------
 */

static bool read_call(const char *line, struct record *r)
{
	uint64_t number;

	if (!get_hex(line, "arch", &r->arch) || !get_number(line, "syscall", &number))
		return false;
	seccomp_call_name(r->arch, (int)number, r->call);
	return true;
}

static bool read_seccomp(const char *line, struct record *r)
{
	r->kind = KIND_SECCOMP;
	return find_field(line, "sig") && get_hex(line, "code", &r->answer) && read_call(line, r);
}

static bool read_failed_call(const char *line, struct record *r)
{
	char text[WORD_MAX];
	int64_t exit;

	r->kind = KIND_CALL;
	if (!is(line, "success", "no") || !get(line, "exit", text, sizeof(text)) ||
	    num_i64(text, -4095, -1, &exit) < 0 || !read_call(line, r))
		return false;
	r->answer = (uint32_t)-exit;
	return true;
}

/* "user:role:type:level" */
static void get_type(const char *line, const char *key, char ret[WORD_MAX])
{
	char text[TEXT_MAX], *type = text;

	ret[0] = '\0';
	if (!get(line, key, text, sizeof(text)))
		return;
	for (int i = 0; i < 2 && type; i++) {
		type = strchr(type, ':');
		if (type)
			type++;
	}
	if (type)
		(void)snprintf(ret, WORD_MAX, "%.*s", (int)strcspn(type, ":"), type);
}

/* "avc:  denied  { read open } for  pid=1 …" */
static bool read_selinux(const char *line, struct record *r)
{
	const char *open = strstr(line, "denied  {"), *close = open ? strchr(open, '}') : NULL;
	char from[WORD_MAX], to[WORD_MAX], what[WORD_MAX], name[NAME_MAX_SHOWN];
	uint64_t number;

	r->kind = KIND_SELINUX;
	if (!close || is(line, "permissive", "1") || !get(line, "tclass", what, sizeof(what)))
		return false;
	open += strlen("denied  {");
	open += strspn(open, " ");
	while (close > open && close[-1] == ' ')
		close--;
	(void)snprintf(r->call, sizeof(r->call), "%.*s", (int)(close - open), open);
	get_type(line, "scontext", from);
	get_type(line, "tcontext", to);
	bool named = get_text(line, "path", name, sizeof(name)) ||
	             get_text(line, "name", name, sizeof(name));
	if (strncmp(what, "capability", 10) == 0 && get_number(line, "capability", &number) &&
	    number <= CAP_LAST_CAP)
		(void)snprintf(r->what, sizeof(r->what), "SELinux: %s may not use %s", from,
		               oci_capability_name((int)number));
	else
		(void)snprintf(r->what, sizeof(r->what), "SELinux: %s may not %s a %s of %s%s%s",
		               from, r->call, what, to, named ? ", " : "", name);
	return true;
}

static bool read_apparmor(const char *line, struct record *r)
{
	char profile[WORD_MAX], object[NAME_MAX_SHOWN], mask[WORD_MAX];

	r->kind = KIND_APPARMOR;
	if (!is(line, "apparmor", "DENIED") || !get(line, "operation", r->call, sizeof(r->call)))
		return false;
	(void)get_text(line, "profile", profile, sizeof(profile));
	if (get(line, "capname", object, sizeof(object))) {
		(void)snprintf(r->what, sizeof(r->what),
		               "AppArmor: the profile %s does not allow the capability %s", profile,
		               object);
		return true;
	}
	if (!get_text(line, "name", object, sizeof(object)))
		(void)get(line, "family", object, sizeof(object));
	(void)get(line, "denied_mask", mask, sizeof(mask));
	(void)snprintf(r->what, sizeof(r->what), "AppArmor: the profile %s does not allow %s%s%s",
	               profile, *mask ? mask : r->call, *object ? " on " : "", object);
	return true;
}

static bool read_landlock(const char *line, struct record *r)
{
	char path[NAME_MAX_SHOWN];

	r->kind = KIND_LANDLOCK;
	if (!get(line, "blockers", r->call, sizeof(r->call)))
		return false;
	(void)get_text(line, "path", path, sizeof(path));
	(void)snprintf(r->what, sizeof(r->what), "no rule of Landlock allows %s%s%s", r->call,
	               *path ? " on " : "", path);
	return true;
}

static bool read_record(const char *line, struct record *r)
{
	static bool (*const readers[])(const char *, struct record *) = {
		read_apparmor, read_selinux, read_landlock, read_seccomp, read_failed_call,
	};
	const char *event = strstr(line, "audit(");

	for (size_t i = 0; i < LEN(readers); i++) {
		*r = (struct record){ .count = 1 };
		if (!readers[i](line, r))
			continue;
		(void)get_text(line, "comm", r->who, sizeof(r->who));
		if (event)
			(void)snprintf(r->event, sizeof(r->event), "%.*s",
			               (int)strcspn(event + 6, ")"), event + 6);
		return true;
	}
	return false;
}

/* --- the log -----------------------------------------------------------------------------------
 */

static bool same(const struct record *a, const struct record *b)
{
	return a->kind == b->kind && a->arch == b->arch && a->answer == b->answer &&
	       strcmp(a->call, b->call) == 0 && strcmp(a->who, b->who) == 0 &&
	       strcmp(a->what, b->what) == 0;
}

static void count_last(struct reader *l)
{
	const struct record *r = &l->last;

	if (r->kind == KIND_NONE)
		return;
	for (size_t i = 0; i < l->n; i++) {
		if (same(&l->v[i], r)) {
			l->v[i].count++;
			return;
		}
	}
	if (l->n < WHY_LOG_LINES)
		l->v[l->n++] = *r;
	else
		l->lost++;
}

static void take_line(struct reader *l, const char *line)
{
	struct record r, *last = &l->last;

	l->lines++;
	if (!read_record(line, &r))
		return;
	l->records++;
	if (r.kind != KIND_CALL || !r.event[0] || strcmp(r.event, last->event) != 0) {
		count_last(l);
		*last = r;
	} else if (last->kind != KIND_SECCOMP && last->kind != KIND_CALL) {
		/* the same event: who it was, which call, and what came of it */
		(void)snprintf(last->who, sizeof(last->who), "%s", r.who);
		(void)snprintf(last->call, sizeof(last->call), "%s", r.call);
		last->answer = r.answer;
	}
}

static void take_all(struct reader *l, const char *text, size_t len)
{
	char line[LINE_MAX_BYTES];

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t all = end ? (size_t)(end - text) : len;
		size_t kept = all < sizeof(line) ? all : sizeof(line) - 1;

		memcpy(line, text, kept);
		line[kept] = '\0'; /* a NUL in it ends it, too */
		take_line(l, line);
		text += all + (end != NULL);
		len -= all + (end != NULL);
	}
	count_last(l);
}

/* --- what they mean ----------------------------------------------------------------------------
 */

static void explain_module(struct arena *a, const struct record *r, struct why *w)
{
	static const struct {
		const char *layer, *pointer;
	} modules[] = {
		[KIND_SELINUX] = { "selinux", "/process/selinuxLabel" },
		[KIND_APPARMOR] = { "apparmor", "/process/apparmorProfile" },
		[KIND_LANDLOCK] = { "landlock", "/annotations/" OCI_LANDLOCK_ANNOTATION },
	};

	w->layer = modules[r->kind].layer;
	w->pointer = modules[r->kind].pointer;
	w->certain = true;
	w->what = arena_printf(a, "%s", r->what);
	w->answer = r->answer ? why_answer(a, r->answer) : "denied";
	w->errno_value = r->answer;
}

static const char *returned(uint32_t code)
{
	switch (code & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
		return "process killed";
	case SECCOMP_RET_KILL_THREAD:
		return "thread killed";
	case SECCOMP_RET_TRAP:
		return "SIGSYS";
	case SECCOMP_RET_ERRNO:
		return "an error";
	case SECCOMP_RET_USER_NOTIF:
		return "asked an agent";
	case SECCOMP_RET_TRACE:
		return "asked a tracer";
	case SECCOMP_RET_LOG:
		return "let through";
	default:
		return "logged";
	}
}

static void explain_filter(struct arena *a, const struct oci_config *config, const struct record *r,
                           struct why *w)
{
	const struct oci_seccomp *profile = config ? config->linux_->seccomp : NULL;
	struct verdict v;

	w->layer = "seccomp";
	w->certain = true;
	w->answer = returned(r->answer);
	w->what = "the answer of its seccomp filter";
	if (!profile) {
		w->what = config ? "the filter of somebody else: this config has none" : w->what;
		return;
	}
	if (!verdict_has_arch(profile, r->arch)) {
		w->pointer = "/linux/seccomp/architectures";
		w->what = arena_printf(a, "seccomp: the profile has no architecture %x", r->arch);
		return;
	}
	why_filtered(a, profile, w);
	if (!verdict_of(profile, w->call, &v))
		return;
	if (v.kind == VERDICT_ALLOWED && v.action == OCI_ACT_ALLOW) {
		w->pointer = "/linux/seccomp";
		w->what = "the filter of somebody else: this profile allows it";
	} else if (v.action == OCI_ACT_ERRNO) {
		w->errno_value = v.errno_value;
		w->answer = why_answer(a, v.errno_value);
	} else if (v.action == OCI_ACT_LOG) {
		w->what = "seccomp: the rule lets it through, and notes it";
	}
}

static void explain_call(struct arena *a, const struct oci_config *config, const struct record *r,
                         struct why *w)
{
	const struct trace_refusal refusal = { .errno_value = r->answer };

	w->answer = why_answer(a, r->answer);
	w->errno_value = r->answer;
	w->layer = "permissions";
	w->what = "a capability, the mode or the owner of the file, or a rule of the kernel's";
	if (config)
		why_refused(a, config, &refusal, w);
}

void why_log_read(struct arena *a, const struct oci_config *config, const char *text, size_t len,
                  struct why_log *ret)
{
	struct reader l = { .v = arena_array(a, WHY_LOG_LINES, sizeof(*l.v)) };

	take_all(&l, text, len);
	*ret = (struct why_log){ .v = arena_array(a, l.n + 1, sizeof(*ret->v)),
		                 .lost = l.lost,
		                 .records = l.records,
		                 .lines = l.lines };
	for (size_t i = 0; i < l.n; i++) {
		const struct record *r = &l.v[i];
		struct why *w = &ret->v[ret->n];

		if (r->kind == KIND_CALL && !why_is_refusal(r->answer))
			continue;
		*w = (struct why){ .call = r->call,
			           .who = r->who[0] ? r->who : NULL,
			           .count = r->count,
			           .pointer = "" };
		if (r->kind == KIND_SECCOMP)
			explain_filter(a, config, r, w);
		else if (r->kind == KIND_CALL)
			explain_call(a, config, r, w);
		else
			explain_module(a, r, w);
		ret->n++;
	}
}
