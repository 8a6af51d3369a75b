/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error value. The first call that fails fills it, callers on the way up
 * add frames in front, and it is printed once, at the top. It has a fixed size
 * and no pointers, so it can live on any stack and cross any socket. Beside the
 * sentence for people it has what a program wants to know (docs/errors.md): the phase,
 * errno and the place in config.json.
 *
 * Every function here returns -1, so `return err_sys(...)` is a whole error
 * path. Text is one line: frames from outermost to innermost, joined by ": ".
 * errno's words are in lower case, because engines match them that way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Who must act. ERR_EXEC has an exit status of its own (runtime/main.c). */
enum err_kind {
	ERR_NONE,
	ERR_USAGE,   /* the command line is wrong */
	ERR_SPEC,    /* config.json is wrong */
	ERR_STATE,   /* right command, wrong moment of the life */
	ERR_KERNEL,  /* a system call failed */
	ERR_REFUSED, /* our policy, or what is not built yet */
	ERR_EXEC,    /* the program could not be executed, after all else was done */
	ERR_BUG,     /* we broke our own rule */
};

enum {
	ERR_TEXT_MAX = 4096,
	ERR_HINT_MAX = 256,
	ERR_PHASE_MAX = 32,
	ERR_POINTER_MAX = 256,
	ERR_PARTS_MAX = 32,
};

struct err {
	enum err_kind kind;
	int sys;                 /* errno of the failing call, 0: none */
	char text[ERR_TEXT_MAX]; /* frames, outermost first */
	char hint[ERR_HINT_MAX]; /* what to do about it; may be empty */
	char phase[ERR_PHASE_MAX];
	char pointer[ERR_POINTER_MAX];       /* RFC 6901; may be empty */
	unsigned short parts[ERR_PARTS_MAX]; /* where in text err_also began */
	unsigned short part_count;
};

/* Sets the text to the message and ": " and the words of errno; kind ERR_KERNEL. */
int err_sys(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Sets kind and text; no errno. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);

/* Puts a frame in front of what is there: "frame: text". */
int err_in(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Adds a line of text after what is there, joined by "; " (for lists of faults). */
int err_also(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Faults that are looked for one after the other, and reported together. */
struct err_faults {
	struct err *e;
	bool any;
};

/* One more of them; the first one's kind is that of the error. */
void err_fault(struct err_faults *f, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);

/* Says what to do. The first hint given wins: it is nearest to the cause. */
int err_hint(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Says when it happened. The first phase given wins. */
int err_phase(struct err *e, const char *phase);

/* Says where in config.json the cause is, by the path that `path` begins with, as
 * messages have it: "mounts[7].options: …" is /mounts/7/options. Text that begins with
 * no path of a config, and a second path, change nothing. err_in and log_err do this
 * with the text of the error itself. */
int err_point(struct err *e, const char *path);

/* The Nth of the faults that err_also has joined, from 0 on, as an error of its own;
 * false when there is none. */
bool err_part(const struct err *e, unsigned int n, struct err *ret);

/* errno's words as Go and the engines spell them: "no such file or directory". */
const char *err_words(int sys);

/* Returns from the calling function with -1 if expr is negative. Legal only
 * where every resource of the caller is scoped (base/scope.h). */
#define TRY(expr)                  \
	do {                       \
		if ((expr) < 0)    \
			return -1; \
	} while (0)
