/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parse_*.c files offer each other: one function for each object of
 * config.json. Each takes the object (NULL: absent), returns the struct, and notes
 * faults in the reader. Inside oci-spec only.
 */
#pragma once

#include "oci-spec/read.h"

/* Reads the text; whatever it is must be an object. NULL: it is none, an error is set. */
const struct json *parse_text(struct reader *r, const char *text, size_t len);

const struct oci_process *parse_process(struct reader *r, const struct json *process);
const struct oci_linux *parse_linux(struct reader *r, const struct json *linux_);
const struct oci_resources *parse_resources(struct reader *r, const struct json *resources);
const struct oci_seccomp *parse_seccomp(struct reader *r, const struct json *seccomp);
/* The same with only those rules for which `applies` (NULL: all) is true. */
typedef bool rule_filter(const struct json *rule);
struct oci_seccomp *parse_profile(struct reader *r, const struct json *seccomp,
                                  rule_filter *applies);
const struct oci_landlock *parse_landlock(struct reader *r, const struct oci_pairs *annotations);
const struct oci_vm *parse_vm(struct reader *r, const struct json *vm);

/* uidMappings or gidMappings of an object. */
struct oci_id_mappings parse_id_mappings(struct reader *r, const struct json *object,
                                         const char *key);

/* Namespaces, devices and the other parts of linux that have a file of their own. */
void parse_namespaces(struct reader *r, const struct json *linux_, struct oci_linux *ret);
void parse_devices(struct reader *r, const struct json *linux_, struct oci_linux *ret);

/* Rules that tie fields of different objects together. */
void check_config(struct reader *r, const struct oci_config *config);
void check_sysctl(struct reader *r, const struct oci_config *config);
