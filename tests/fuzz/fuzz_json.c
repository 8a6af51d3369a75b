/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes to our JSON parser and to yajl's. What must hold: they agree, in
 * the sense of tests/unit/json_yajl.h, and no sanitizer speaks.
 */
#include <stdlib.h>

#include "tests/unit/json_yajl.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	if (json_disagree((const char *)data, size))
		abort();
	return 0;
}
