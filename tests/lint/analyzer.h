/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before every file that clang-tidy and cppcheck look at, and by nothing
 * else: what they cannot see, because it is true in another file.
 */
#pragma once

#include "base/err.h"

/* All of these return -1; `return err_set(...)` is a failure. */
#define err_sys(...)  ((void)err_sys(__VA_ARGS__), -1)
#define err_set(...)  ((void)err_set(__VA_ARGS__), -1)
#define err_in(...)   ((void)err_in(__VA_ARGS__), -1)
#define err_also(...) ((void)err_also(__VA_ARGS__), -1)
#define err_hint(...) ((void)err_hint(__VA_ARGS__), -1)
