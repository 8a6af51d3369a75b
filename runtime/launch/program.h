/* SPDX-License-Identifier: Apache-2.0 */
/* What a program needs of the tree that it runs in: for hints, and for `check`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { PROGRAM_LACK_MAX = 200 };

/* Looks at the file `path` in the tree `root` (an fd of a folder; links and ".." stay
 * below it) for what execve(2) or the dynamic loader would not find: the interpreter of
 * a "#!" line, the loader of an ELF program, its libraries, the machine. True, and what
 * it lacks in words, when something is missing; false also where nothing can be told.
 * The file is hostile input: bounded reads, no mapping. */
bool program_lacks(int root, const char *path, char ret[PROGRAM_LACK_MAX]);

/* The name of an e_machine of elf(5); never NULL. */
const char *program_machine(unsigned int machine);
