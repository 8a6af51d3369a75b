/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages and shell completions, made from the table of commands. What is
 * hidden in the table is in none of them. */
#pragma once

#include "base/buf.h"
#include "runtime/cli.h"

/* Manual pages in the man(7) macros: caisson.1 and caisson-COMMAND.1. */
void generate_man_program(struct buf *ret);
void generate_man_command(const struct command *command, struct buf *ret);

/* One script each, which completes commands, options, their words, files, the ids of
 * containers (asked of `caisson list -q`) and signals. */
void generate_bash(struct buf *ret);
void generate_zsh(struct buf *ret);
void generate_fish(struct buf *ret);
