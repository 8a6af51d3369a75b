/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people. */
#pragma once

#include <stdint.h>

enum { SIZE_TEXT_MAX = 24 };

/* "512 B", "1.5 KiB", "32 MiB": three digits at least where there are that many. */
void size_text(uint64_t bytes, char ret[SIZE_TEXT_MAX]);
