#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # $n in a script is the container's
# Limits as the container feels them, and what is told of it: state, events, the last words
# of run. What needs controllers runs in the test machine.

load helpers.bash

state_says() { # ID JQ
	caisson state "$1" | jq -e "$2"
}

@test "how a kept container ended stands in its state" {
	make_bundle b
	script b 'exit 3'
	expect 3 caisson run --keep -b b c
	caisson state c | jq -e '.exit.status == 3 and (.exit | has("signal") | not)'
	caisson state c | jq -e '.exit.rusage.userUsec + .exit.rusage.systemUsec > 0'
	caisson state c | jq -e '.exit.oom == false and (has("limits") | not)'
	[ "$(status_of c)" = stopped ]
	expect 0 caisson delete c

	config b '.process.args = ["sleep", "1000"]'
	caisson run --keep -b b c 3>&- &
	background+=($!)
	wait_for is_status c running
	caisson state c | jq -e 'has("exit") | not'
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	wait_for state_says c '.exit.status == 137 and .exit.signal == 9'
	expect 0 caisson delete c
}

@test "what a detached container used is known until delete" {
	make_bundle b
	script b 'n=0; while [ $n -lt 3000 ]; do n=$((n + 1)); done'
	expect 0 caisson run -d -b b c
	wait_for is_status c stopped
	caisson state c | jq -e '.exit.rusage.userUsec > 0 and (.exit | has("status") | not)'
	expect 0 caisson delete c
}
