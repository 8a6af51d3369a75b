#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The demos where there are controllers: the wall that other hosts have to leave out.

@test "demos: each prints what its text says, on another kernel, and with limits" {
	status=0
	"$BATS_TEST_DIRNAME/../demos" walls mount >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- || status=$?
	cat "$BATS_TEST_TMPDIR/out"
	[ $status = 0 ]
	grep -q '^demos: [0-9]* passed, 0 failed, 0 skipped$' "$BATS_TEST_TMPDIR/out"
}
