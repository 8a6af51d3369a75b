/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One poll(2) on what is awaited and on what ends the wait. Signals and the deadline are
 * looked at first: a peer that never stops talking must not be able to hold us. A frozen
 * one does not talk, so whatever it said before counts.
 */
#include "runtime/patience.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "cgroups/cgroup.h"

enum { FDS_MAX = 4, ENDINGS = 2, FRACTION_DIGITS = 9 };

/* --- spans of time ------------------------------------------------------------------- */

/* Nanoseconds of the unit that the text begins with; 0: none. */
static int64_t unit_at(const char **text)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		/* longer names first: "ms" is not "m" */
		{ "ms", 1000000 },   { "us", 1000 },       { "ns", 1 },
		{ "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 },
	};

	for (size_t i = 0; i < LEN(units); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*text, units[i].name, len) != 0)
			continue;
		*text += len;
		return units[i].ns;
	}
	return 0;
}

/* One number with its unit, in nanoseconds; -1: it is none, or too much. */
static int64_t term_at(const char **text)
{
	int64_t whole = 0, fraction = 0, scale = 1;
	const char *start = *text;

	for (; isdigit((unsigned char)**text); (*text)++) {
		whole = whole * 10 + (**text - '0');
		if (whole > INT32_MAX)
			return -1;
	}
	bool digits = *text > start;
	if (**text == '.') {
		for (start = ++*text; isdigit((unsigned char)**text); (*text)++) {
			if (*text - start >= FRACTION_DIGITS)
				return -1;
			fraction = fraction * 10 + (**text - '0');
			scale *= 10;
		}
		digits = digits || *text > start;
	}
	int64_t unit = digits ? unit_at(text) : 0;
	int64_t ns;

	if (unit == 0 || __builtin_mul_overflow(whole, unit, &ns))
		return -1;
	/* less than one unit: it cannot make ns too large, which is a multiple of it */
	return ns + (int64_t)((__int128)fraction * unit / scale);
}

int patience_parse(const char *text, int64_t *ret_ms, struct err *e)
{
	const char *rest = text;
	int64_t total = 0;

	do {
		int64_t term = term_at(&rest);

		if (term < 0 || __builtin_add_overflow(total, term, &total) ||
		    total / 1000000 >= INT32_MAX) {
			err_set(e, ERR_USAGE, "%s: not a span of time", text);
			return err_hint(e, "numbers with units, as in 5s, 500ms or 1m30s");
		}
	} while (*rest);
	*ret_ms = total / 1000000 + (total % 1000000 != 0);
	return 0;
}

/* --- waiting --------------------------------------------------------------------------- */

/* After a process has been waited for, the fd tells of all signals: others are dropped. */
static int interrupted(int signals, struct err *e)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	switch (info.ssi_signo) {
	case SIGHUP:
		return err_set(e, ERR_STATE, "interrupted by SIGHUP");
	case SIGINT:
		return err_set(e, ERR_STATE, "interrupted by SIGINT");
	case SIGQUIT:
		return err_set(e, ERR_STATE, "interrupted by SIGQUIT");
	case SIGTERM:
		return err_set(e, ERR_STATE, "interrupted by SIGTERM");
	default:
		return 0;
	}
}

static int frozen(int freezer, struct err *e)
{
	int is = cgroup_watch_frozen(freezer, e);

	if (is <= 0)
		return is;
	return err_set(e, ERR_STATE, "the container was paused meanwhile");
}

/* Milliseconds for poll(2): the nearer of two moments, each -1 for never. */
static int nearer(int64_t a, int64_t b)
{
	int64_t least = a < 0 || (b >= 0 && b < a) ? b : a;

	return least > INT32_MAX ? INT32_MAX : (int)least;
}

static int64_t left_until(int64_t moment)
{
	int64_t left = moment < 0 ? -1 : moment - clock_ms();

	return moment >= 0 && left < 0 ? 0 : left;
}

static int count_ready(const struct pollfd *fds, size_t count)
{
	int ready = 0;

	for (size_t i = 0; i < count; i++)
		ready += fds[i].revents != 0;
	return ready;
}

int patience_poll(const struct patience *p, struct pollfd *fds, size_t count, int64_t timeout_ms,
                  struct err *e)
{
	static const struct patience endless = PATIENCE_ENDLESS;
	struct pollfd all[FDS_MAX + ENDINGS];
	int64_t until = timeout_ms > 0 ? clock_ms() + timeout_ms : timeout_ms;

	if (!p)
		p = &endless;
	if (count > FDS_MAX)
		return err_set(e, ERR_BUG, "patience_poll: %zu descriptors", count);
	all[0] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
	all[1] = (struct pollfd){ .fd = p->freezer, .events = POLLPRI };
	memcpy(all + ENDINGS, fds, count * sizeof(*fds));

	for (;;) {
		int64_t patient = left_until(p->deadline);
		int64_t asked = timeout_ms > 0 ? left_until(until) : timeout_ms;
		int ready = poll(all, count + ENDINGS, nearer(patient, asked));

		if (ready < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (ready > 0 && all[0].revents)
			TRY(interrupted(p->signals, e));
		if (left_until(p->deadline) == 0)
			return err_set(e, ERR_STATE, "not done within %s", p->limit);
		if (ready <= 0 && asked != 0)
			continue;
		memcpy(fds, all + ENDINGS, count * sizeof(*fds));
		ready = count_ready(fds, count);
		if (ready > 0 || asked == 0)
			return ready;
		if (all[1].revents)
			TRY(frozen(p->freezer, e));
	}
}

int patience_wait(const struct patience *p, int fd, struct err *e)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return patience_poll(p, &one, 1, -1, e) < 0 ? -1 : 0;
}
