#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# stats: the table for people, and what it costs.

load helpers.bash

sleeping() { # ID...
	local id
	for id in "$@"; do
		make_bundle "$id"
		config "$id" '.process.args = ["sleep", "1000"]'
		expect 0 caisson run -d -b "$id" "$id"
	done
}

# In the background; $! is what has to be killed.
follow() { # FILE ARGUMENT...
	local file=$1
	shift
	(exec timeout -k 2 60 "$CAISSON" --root "$STATE" stats --interval 50ms "$@" >"$file" 2>&1 3>&-) &
	background+=($!)
}

has() { # NUMBER PATTERN FILE: at least so many of it
	[ "$(grep -ao -- "$2" "$3" | wc -l)" -ge "$1" ]
}

# System calls between two pauses: the most of any refresh but the first, which opens.
calls_of_refresh() {
	rm -f trace
	timeout -k 2 30 strace -o trace "$CAISSON" --root "$STATE" stats --interval 50ms \
		>/dev/null 2>&1 3>&- &
	local tracer=$!
	background+=("$tracer")
	wait_for has 5 nanosleep trace
	kill "$tracer"
	wait "$tracer" || true
	awk '/nanosleep/ { if (pauses++ > 1 && pauses < 5 && n > most) most = n; n = 0; next } { n++ }
		END { print most }' trace
}

@test "stats --no-stream: a line for each that lives" {
	sleeping a b
	make_bundle dead
	expect 0 caisson run --keep -b dead dead
	expect 0 caisson pause b
	expect 0 caisson stats --no-stream --interval 50ms
	[ "$(wc -l <<<"$output")" = 3 ]
	[[ $output == 'ID '*'CPU %'*'MEMORY / LIMIT'*$'\na '*$'\nb '*paused ]]
	expect 0 caisson stats --no-stream --interval 50ms b
	[ "$(wc -l <<<"$output")" = 2 ]
	expect 0 caisson resume b
}

@test "stats as JSON: absent is what is not counted" {
	sleeping a
	expect 0 caisson stats --no-stream --interval 50ms --format json
	one_line
	jq -e '.id == "a" and (.paused | not) and .cpu.percent >= 0 and .cpu.usageUsec > 0' <<<"$output"
	if [ -e "$CGROUP$CGROUP_PREFIX/a/memory.current" ]; then
		jq -e '.memory.usage > 0 and (.memory | has("limit") | not) and .pids.current == 1' \
			<<<"$output"
	else
		jq -e 'has("memory") or has("pids") or has("io") or has("oomKills") | not' <<<"$output"
	fi
}

@test "stats of what is not there or has ended" {
	expect 1 caisson stats nobody
	is 'nobody: container does not exist'
	expect 0 caisson stats --no-stream --interval 10ms
	[[ $output == ID* ]]
	make_bundle b
	expect 0 caisson run --keep -b b b
	expect 1 caisson stats b
	is 'b: container not running'
	expect 1 caisson stats ../b
	says 'invalid container ID'
}

@test "stats go on until all that were named have ended, and take up new ones" {
	sleeping a
	follow named --format json a
	local named=$!
	follow all --format json
	wait_for test -s named
	sleeping b
	wait_for grep -qs '"id":"b"' all
	expect 0 caisson kill a KILL
	wait_for not kill -0 "$named"
	wait "$named"
	not grep -q '"id":"b"' named
	# an id that is used again is another container
	expect 0 caisson delete a
	local before
	before=$(grep -c '"id":"a"' all)
	expect 0 caisson run -d -b a a
	wait_for has $((before + 1)) '"id":"a"' all
}

@test "stats on a terminal: drawn over the last table" {
	requires script
	sleeping a
	timeout -k 2 60 script -qec "stty cols 40; $CAISSON --root $STATE stats --interval 50ms a" \
		/dev/null >screen 2>&1 </dev/null 3>&- &
	background+=($!)
	wait_for has 3 "$(printf '\033\\[H')" screen
	expect 0 caisson kill a KILL
	wait_for not kill -0 "$!"
	[ "$(grep -ac "$(printf '\033\\[2J')" screen)" = 1 ]
	# no line is wider than the terminal, without what drives it
	sed 's/\x1b\[[0-9]*[A-Z]//g; s/\r$//' screen | awk 'length > 40 { exit 1 }'
}

@test "a refresh is at most twelve system calls a container" {
	requires strace
	local one three
	sleeping a
	one=$(calls_of_refresh)
	sleeping b c
	three=$(calls_of_refresh)
	echo "one container: $one, three: $three"
	[ "$one" -gt 3 ]
	[ $((three - one)) -le 24 ]
	# and a few for the list, however long it is
	[ "$one" -le 20 ]
}
