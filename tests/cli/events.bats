#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# events and stats: the shape of what they print, and when they end. That the numbers are
# right is felt in limits.bats, in the test machine.

load helpers.bash

sleeping() { # ID
	make_bundle "$1"
	config "$1" '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b "$1" "$1"
}

follow() { # FILE ARGUMENT...: events in the background
	local file=$1
	shift
	(exec timeout -k 2 60 "$CAISSON" --root "$STATE" events "$@" >"$file" 2>&1 3>&-) &
	follower=$!
	background+=("$follower")
}

has_lines() { # FILE NUMBER
	[ "$(wc -l <"$1")" -ge "$2" ]
}

@test "events --stats: runc's keys, in runc's order, and the kernel's in an object of their own" {
	sleeping c
	expect 0 caisson events --stats c
	one_line
	[[ $output == '{"type":"stats","id":"c","data":{"cpu":{"usage":{'* ]]
	jq -e '.data | keys_unsorted == ["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb",
		"intel_rdt", "network_interfaces", "v2"]' <<<"$output"
	# what Go never leaves out
	jq -e '.data.cpu.usage | has("kernel") and has("user")' <<<"$output"
	jq -e '.data.memory | .usage.failcnt == 0 and .kernel == {"limit": 0, "failcnt": 0}' <<<"$output"
	jq -e '.data.cpuset.sched_relax_domain_level == 0' <<<"$output"
	# CPU time is counted without a controller; nanoseconds there, microseconds here
	jq -e '.data | .cpu.usage.total == .v2["cpu.stat"].usage_usec * 1000 and .cpu.usage.total > 0' \
		<<<"$output"
	[ ! -e "$CGROUP$CGROUP_PREFIX/c/cpu.pressure" ] ||
		jq -e '.data.cpu.psi | (.some, .full) | has("avg10") and has("total")' <<<"$output"
}

@test "a controller that is not there has no numbers" {
	sleeping c
	expect 0 caisson events --stats c
	if [ -e "$CGROUP$CGROUP_PREFIX/c/memory.current" ]; then
		jq -e '.data | .memory.usage.usage > 0 and .pids.current == 1 and
			.memory.raw.anon > 0 and .v2["memory.peak"] > 0' <<<"$output"
	else
		jq -e '.data | .memory | has("raw") or has("cache") | not' <<<"$output"
		jq -e '.data.v2 | has("memory.peak") or has("memory.events") | not' <<<"$output"
	fi
}

@test "events come at intervals until the container is deleted" {
	sleeping c
	follow out --interval 100ms c
	wait_for has_lines out 2
	expect 0 caisson delete --force c
	wait_for not kill -0 "$follower"
	wait "$follower"
	jq -e -s 'all((.type == "stats" or .type == "exit") and .id == "c")' out
}

@test "events end when the container does" {
	sleeping c
	follow out c
	wait_for grep -qs events "/proc/$follower/cmdline"
	sleep 0.3 # a moment in which it may begin; later it would say the same
	expect 0 caisson kill c KILL
	wait_for not kill -0 "$follower"
	[ ! -s out ] || grep -qE 'is not running|"type":"exit"' out
}

# The last event; before 6.15 it may be lost where the parent was quicker.
told() { # FILE EVENT
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	[ $((major * 1000 + minor)) -ge 6015 ] || grep -q '"type":"exit"' "$1" ||
		skip "the parent reaped it first, and $(uname -r) does not tell then"
	[ "$(tail -1 "$1")" = "$2" ]
}

@test "how it ended is the last event, and stands in the state" {
	make_bundle b
	script b 'read -r line; exit 7'
	mkfifo in
	exec 4<>in
	caisson run -d -b b c <&4 >/dev/null 2>&1 3>&-
	follow out --interval 50ms c
	wait_for test -s out
	echo >&4
	exec 4>&-
	wait_for not kill -0 "$follower"
	wait "$follower"
	told out '{"type":"exit","id":"c","data":{"status":7}}'
	caisson state c | jq -e '.exit.status == 7 and (.exit | has("signal") | not)'
	expect 0 caisson delete c

	sleeping s
	follow other --interval 50ms s
	wait_for test -s other
	expect 0 caisson kill s KILL
	wait_for not kill -0 "$follower"
	told other '{"type":"exit","id":"s","data":{"status":137,"signal":9}}'
	caisson state s | jq -e '.exit.status == 137 and .exit.signal == 9'
}

@test "events of what does not run, and with an interval of nothing" {
	expect 1 caisson events c
	is 'container does not exist'
	sleeping c
	expect 1 caisson events --interval 0s c
	says 'duration interval must be greater than 0'
	expect 1 caisson events --interval soon c
	says '--interval: soon: not a span of time'
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 1 caisson events c
	is 'container with id c is not running'
	expect 1 caisson events --stats c
	is 'container with id c is not running'
}

@test "a container without a group of its own has no numbers" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"] | .linux.resources = {"devices": [{"allow": true, "access": "rwm"}]}'
	expect 0 caisson --cgroup-manager disabled run -d -b b c
	expect 1 caisson events --stats c
	is 'container c has no cgroup of its own, so nothing counts what it uses'
	expect 0 caisson delete --force c
}
