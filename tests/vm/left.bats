#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The last file of each run in the test machine: nothing of all that ran before it is left.
# What there was before the first one is in $BEFORE (tests/vm/check).

what_is_left() {
	comm -13 <(sort -u "$BEFORE") <("$BATS_TEST_DIRNAME/left" 3>&- | sort -u)
}

@test "nothing is left: no group, unit, process, mount, device program or record" {
	local left end=$((SECONDS + 60))
	while :; do # engines and systemd tidy up behind the command that they answer
		left=$(what_is_left)
		[ -n "$left" ] || return 0
		[ $SECONDS -lt $end ] || break
		sleep 1
	done
	echo "$left"
	return 1
}
