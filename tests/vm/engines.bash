# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests with engines share.

# The machine is the test's own, so all that containerd has is.
clean_containerd() {
	local task
	for task in $(ctr task ls -q) $(ctr container ls -q); do
		ctr task kill -s KILL "$task"
		sleep 1
		ctr task rm -f "$task"
		ctr container rm "$task"
	done >/dev/null 2>&1 || true
}
