#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # scripts are the container's; tests are subshells
# What commands see and change of a container in a microVM, under nested KVM: the guest.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
}

in_a_guest() {
	make_bundle b copy
	config b '.root.readonly = false'
	export LIMIT=240
}


@test "ps: the guest's processes, by the guest's numbers" {
	in_a_guest
	script b 'sleep 1234 & echo there >/there; wait'
	expect 0 caisson run -d --isolation=vm -b b c
	wait_for test -s b/rootfs/there
	expect 0 caisson ps c
	says "CMD"
	says "sleep 1234"
	[ "$(wc -l <<<"$output")" = 3 ]
	expect 0 caisson ps -f json c
	[ "$(jq length <<<"$output")" = 2 ]
	# none of them is the host's number of it
	[ "$(jq "index($(pid_of c))" <<<"$output")" = null ]
	expect_any caisson ps c -ef
	[ "$status" != 0 ]
	says "does not see into c"
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 0 caisson ps -f json c
	[ "$output" = null ]
	expect 0 caisson delete c
	nothing_left
}

@test "pause: nobody is asked who cannot answer, and resume wakes the guest's processes" {
	in_a_guest
	script b 'trap "echo got >>/got" USR1; while :; do date +%s%N >/beat; sleep 0.1; done'
	expect 0 caisson run -d --isolation=vm -b b c
	wait_for test -s b/rootfs/beat
	expect 0 caisson pause c
	is_status c paused
	local before
	before=$(cat b/rootfs/beat)
	expect 1 caisson ps c
	says "paused"
	expect 1 caisson kill --all c USR1
	says "paused"
	expect 1 caisson kill c TRAP
	says "paused"
	# one that can wait does
	expect 0 caisson kill c USR1
	[ "$(cat b/rootfs/beat)" = "$before" ]
	expect 0 caisson resume c
	is_status c running
	beats() { [ "$(cat b/rootfs/beat)" != "$before" ]; }
	wait_for beats
	wait_for test -s b/rootfs/got
	expect 0 caisson ps c
	expect 0 caisson delete --force c
	nothing_left
}

@test "a monitor that does not answer is told of, and can be ended" {
	in_a_guest
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --isolation=vm -b b c
	kill -STOP "$(pid_of c)"
	expect 1 caisson ps c
	says "does not answer"
	is_status c running
	expect 0 caisson delete --force c
	nothing_left
}

@test "only the owner of the record's folder can connect" {
	in_a_guest
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --isolation=vm -b b c
	[ -S "$STATE/c/commands.sock" ]
	[ "$(stat -c %a "$STATE/c/commands.sock")" = 600 ]
	[ "$(stat -c %a%u "$STATE/c")" = 7000 ]
	expect 0 caisson delete --force c
	nothing_left
}

@test "stats and events: the numbers of the guest's group" {
	in_a_guest
	config b '.linux.resources = {pids: {limit: 33}, memory: {limit: 201326592}}'
	script b 'echo there >/there; while :; do :; done'
	expect 0 caisson run -d --isolation=vm -b b c
	wait_for test -s b/rootfs/there
	expect 0 caisson events --stats c
	[ "$(jq .data.pids.limit <<<"$output")" = 33 ]
	[ "$(jq .data.pids.current <<<"$output")" = 1 ]
	[ "$(jq .data.memory.usage.limit <<<"$output")" = 201326592 ]
	[ "$(jq '.data.memory.usage.usage < 201326592' <<<"$output")" = true ]
	local used
	used=$(jq .data.cpu.usage.total <<<"$output")
	spins() { [ "$("$CAISSON" --root "$STATE" events --stats c | jq .data.cpu.usage.total)" -gt "$used" ]; }
	wait_for spins
	expect 0 caisson stats --no-stream -f json c
	[ "$(jq .pids.limit <<<"$output")" = 33 ]

	# one that stands still counts nothing, and nobody waits for it
	expect 0 caisson pause c
	expect 0 caisson events --stats c
	[ "$(jq .data.pids.limit <<<"$output")" = null ]
	expect 0 caisson stats --no-stream
	says paused
	expect 0 caisson resume c
	expect 0 caisson stats --no-stream
	says " / 33"
	expect 0 caisson delete --force c
	nothing_left
}
