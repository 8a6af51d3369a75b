# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# How a suite reports: it counts with passed, failed and skipped and ends with
# `result NAME`, which leaves "PASSED FAILED SKIPPED" in build/results/NAME for
# tests/summary and says whether all is well. A suite that dies before leaves none,
# and that counts as a failure.

# What the caller left open would count where a test looks at descriptors and their numbers.
close_inherited() {
	local fd
	for fd in /proc/self/fd/*; do
		fd=${fd##*/}
		# bash reads a script by 255
		[ "$fd" -le 2 ] || [ "$fd" -ge 200 ] || eval "exec $fd>&-"
	done
}

result_passed=0 result_failed=0 result_skipped=0

passed() {
	result_passed=$((result_passed + 1))
}

failed() { # WHAT
	result_failed=$((result_failed + 1))
	echo "FAILED $*"
}

skipped() { # WHAT and why
	result_skipped=$((result_skipped + 1))
	echo "skipped $*"
}

result() { # NAME
	mkdir -p build/results
	echo "$result_passed $result_failed $result_skipped" >"build/results/$1"
	echo "$1: $result_passed passed, $result_failed failed, $result_skipped skipped"
	[ "$result_failed" = 0 ]
}
