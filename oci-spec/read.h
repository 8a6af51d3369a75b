/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of one field each, so that the parse_*.c files read like a list of the
 * specification's fields. They never fail alone: a wrong value is noted with its
 * path, a harmless one is returned, and faults_end() fails once for all of them.
 *
 * null means absent, and an empty string too, as Go's encoders write them. An
 * absent object is a NULL, from which every field reads as absent. Inside oci-spec
 * only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/json.h"
#include "oci-spec/spec.h"

struct reader {
	struct arena *arena;
	struct arena *nodes; /* for what is needed while the text is read; NULL: the same */
	struct err *e;
	size_t faults; /* found so far */
};

/* Notes "path: message" for a node, for a member of a node, or as written. */
void fault(struct reader *r, const struct json *at, const char *fmt, ...) PRINTF(3, 4);
void fault_member(struct reader *r, const struct json *at, const char *key, const char *fmt, ...)
	PRINTF(4, 5);
void fault_rule(struct reader *r, const char *fmt, ...) PRINTF(2, 3);

/* 0, or -1 and ERR_SPEC when there were faults. */
MUST_CHECK int faults_end(struct reader *r);

/* For "\"%.*s\"": a value from the file, not longer than a message bears. */
enum { SHOWN_MAX = 48 };
#define SHOWN(text) json_cut(text, SHOWN_MAX), text

/* The member, or NULL when it is absent or null. */
const struct json *read_member(const struct json *object, const char *key);
/* The same; absent is a fault. */
const struct json *read_needed(struct reader *r, const struct json *object, const char *key);
bool read_is(struct reader *r, const struct json *j, enum json_kind kind);
/* For formats of our own: a member that is not among the known ones is a fault. */
void read_only(struct reader *r, const struct json *object, const char *const *known, size_t count);

/* NULL when absent. */
const struct json *read_object(struct reader *r, const struct json *object, const char *key);
/* Never NULL: absent is an empty list. All its elements are of the kind, or there
 * was a fault and it is empty. */
const struct json *read_list(struct reader *r, const struct json *object, const char *key,
                             enum json_kind of);
/* Zeroed room for what the list (or the object used as a map) holds; NULL for none. */
void *read_room(struct reader *r, const struct json *list, size_t size);

bool read_bool(struct reader *r, const struct json *object, const char *key);
struct opt_bool read_opt_bool(struct reader *r, const struct json *object, const char *key);

struct opt_u64 read_u64(struct reader *r, const struct json *object, const char *key, uint64_t max);
struct opt_u32 read_u32(struct reader *r, const struct json *object, const char *key, uint32_t max);
struct opt_i64 read_i64(struct reader *r, const struct json *object, const char *key, int64_t min,
                        int64_t max);
/* One number of a list. */
uint64_t read_u64_value(struct reader *r, const struct json *j, uint64_t max);
/* A user or group id. */
struct opt_u32 read_id(struct reader *r, const struct json *object, const char *key);

const char *read_text(struct reader *r, const struct json *object, const char *key);
const char *read_needed_text(struct reader *r, const struct json *object, const char *key);
/* An absolute path shorter than PATH_MAX. */
const char *read_path(struct reader *r, const struct json *object, const char *key);
const char *read_needed_path(struct reader *r, const struct json *object, const char *key);
void read_check_path(struct reader *r, const struct json *at, bool absolute);

/* The texts of a list of strings. */
struct oci_strings read_strings(struct reader *r, const struct json *list);
struct oci_strings read_texts(struct reader *r, const struct json *object, const char *key);
struct oci_strings read_paths(struct reader *r, const struct json *object, const char *key);
/* A map of strings. */
struct oci_pairs read_pairs(struct reader *r, const struct json *object, const char *key);
/* A list of CPUs or memory nodes as the kernel reads it: "0-3,8,16-31:1/4". */
const char *read_cpu_list(struct reader *r, const struct json *object, const char *key);

/* A word that stands for a number; the table ends with a NULL name. */
struct word {
	const char *name;
	uint64_t value;
};

/* false when it is absent or unknown (a fault); ret is set only when true. */
bool read_word(struct reader *r, const struct json *object, const char *key,
               const struct word *words, uint64_t *ret);
bool read_word_value(struct reader *r, const struct json *j, const struct word *words,
                     uint64_t *ret);
