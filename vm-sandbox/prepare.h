/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a microVM boots, made once for each kernel and kept in a folder: the kernel unpacked,
 * and an initramfs of the agent and the modules that this kernel needs.
 *
 * The folder is ours alone (prepare_cache). A file's name tells what it was made of: the
 * kernel's version and a hash of the kernel's file, its modules' list and the agent. So a
 * file that is there is right, and another version of anything makes a new one; what was
 * made of an older file of the same kernel is removed then. Guests with a disk have an initramfs
 * for its file system, so that the others do not unpack what they do not need.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { PREPARE_VERSION_ROOM = 128 };

struct prepare_setup {
	const char *kernel;  /* a bzImage or vmlinux */
	const char *modules; /* /lib/modules */
	int cache;           /* prepare_cache() */
	const void *agent;   /* a static program, compressed or not */
	size_t agent_len;
	const char *disk; /* the file system of a guest's disk; NULL: it has none */
	bool anew;        /* even if it is there */
};

/* The caller closes both descriptors. */
struct prepared {
	int kernel, initramfs;              /* as struct monitor_config has them */
	bool made;                          /* now */
	unsigned int modules;               /* how many, when made now */
	bool bare;                          /* there is no folder of modules for it */
	char version[PREPARE_VERSION_ROOM]; /* of the kernel; empty when its file does not tell */
};

/* Opens the folder, which is made when its parent exists. ERR_REFUSED when others may write
 * in it, or it is another user's. */
MUST_CHECK int prepare_cache(const char *path, struct err *e);

/* ERR_SPEC when the kernel, or a module, is broken or lacks what a microVM needs. Two at once
 * take turns. */
MUST_CHECK int prepare(const struct prepare_setup *setup, struct prepared *ret, struct err *e);
void prepared_done(struct prepared *p);

/* The version that a kernel's file tells, or else its name (vmlinuz-VERSION); empty: neither
 * does, or it could not be a folder's name. */
void prepare_version(const char *path, const void *file, size_t len,
                     char ret[PREPARE_VERSION_ROOM]);
