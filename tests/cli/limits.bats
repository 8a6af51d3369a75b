#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # $n in a script is the container's
# Limits as the container feels them, and what is told of it: state, events, the last words
# of run. What needs controllers runs in the test machine.

load helpers.bash

ends_with_test() { # PID
	background+=("$1")
}

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
	ends_with_test $!
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
	caisson state c | jq -e '(.exit.rusage | .userUsec + .systemUsec) > 0 and (.exit | has("status") | not)'
	expect 0 caisson delete c
}

# tail keeps all that it is asked for
hog='tail -c 200000000 /dev/zero'

# lines of FILE that are events of a kind
events_of() { # FILE KIND
	jq -ce --arg kind "$2" 'select(.type == $kind)' "$1"
}

counter() { # GROUP FILE KEY
	awk -v key="$3" '$1 == key { print $2 }' "$CGROUP$CGROUP_PREFIX/$1/$2"
}

@test "what has no limit is counted all the same" {
	requires cgroup-memory
	make_bundle b
	config b '.process.args = ["sleep", "1000"] | del(.linux.resources.memory, .linux.resources.pids,
		.linux.resources.cpu)'
	expect 0 caisson run -d -b b c
	[ "$(group_file c b memory.current)" -gt 0 ]
	in_microvm || [ "$(group_file c b pids.current)" = 1 ] # the other is the one that reads
	# all that the tree has, but what a newer kernel may know
	[ "$(controllers_of "$CGROUP")" = "$(controllers_of "$CGROUP$CGROUP_PREFIX/b")" ]
}

controllers_of() { # GROUP
	tr ' ' '\n' <"$1/cgroup.controllers" | sort |
		grep -xE 'cpu|cpuset|io|memory|pids|hugetlb|rdma|misc'
}

@test "out of memory: run says it, with the limit and the peak" {
	requires cgroup-memory
	make_bundle b
	config b '.linux.resources.memory = { "limit": 33554432, "swap": 33554432 }'
	script b "$hog; exit 5"
	expect 5 caisson run -b b c
	says 'container c: 1 process was killed when memory was used up: the limit is 32 MiB, the peak was '
	nothing_left
	# its first process
	config b '.process.args = ["tail", "-c", "200000000", "/dev/zero"]'
	expect 137 caisson run --keep -b b c
	says 'the limit is 32 MiB'
	caisson state c | jq -e '.exit == (.exit | .status = 137 | .signal = 9 | .oom = true) and
		.exit.rusage.memoryPeak > 30000000 and
		(.limits[0] | .resource == "memory" and .count == 1 and .limit == 33554432 and .peak > 30000000)'
}

@test "out of memory: events and state tell of a detached one" {
	requires cgroup-memory
	make_bundle b
	config b '.linux.resources.memory = { "limit": 33554432, "swap": 33554432 }'
	script b "read -r line; $hog; read -r line; exec $hog"
	mkfifo in
	exec 4<>in
	caisson run -d -b b c <&4 >/dev/null 2>&1 3>&-
	(exec timeout -k 2 120 "$CAISSON" --root "$STATE" events --interval 200ms c >out 2>&1 3>&- 4>&-) &
	local follower=$!
	ends_with_test "$follower"
	wait_for events_of out stats
	echo >&4
	wait_for grep -qxF '{"type":"oom","id":"c"}' out
	wait_for events_of out limit
	[ "$(status_of c)" = running ]
	caisson state c | jq -e '(has("exit") | not) and .limits[0].event == "oom_kill"'
	expect 0 caisson stats --no-stream --interval 50ms c
	says '/ 32 MiB'
	says '1 OOM-killed'
	# what ends the container is told before the stream ends
	echo >&4
	exec 4>&-
	wait_for not kill -0 "$follower"
	wait "$follower"
	[ "$(grep -cxF '{"type":"oom","id":"c"}' out)" = 2 ]
	events_of out limit | tail -1 | jq -e '.data | .count == 2 and .limit == 33554432 and .peak > 30000000'
	is_status c stopped
	caisson state c | jq -e '.exit.oom and .limits[0].count == 2'
}

@test "a limit of 6 MiB is the container's own, one that no process fits into is named" {
	requires cgroup-memory
	make_bundle b
	config b '.linux.resources.memory = { "limit": 6291456, "swap": 6291456 } | .process.args = ["true"]'
	expect 0 caisson run -b b c
	is ''
	config b '.linux.resources.memory = { "limit": 65536, "swap": 65536 }'
	expect 1 caisson run -b b c
	says 'container init was OOM-killed (memory limit too low?)'
	one_line
	nothing_left
}

@test "a fork bomb stops at the limit, and is told of" {
	requires cgroup-pids
	make_bundle b
	config b '.linux.resources.pids = { "limit": 20 }'
	script b 'bomb() { bomb | bomb & }; bomb; exec sleep 1000'
	expect 0 caisson run -d -b b c
	wait_for state_says c '.limits[0] | .resource == "pids" and .event == "max" and .limit == 20'
	[ "$(<"$CGROUP$CGROUP_PREFIX/b/pids.current")" -le 20 ]
	caisson state c | jq -e '.limits[0] | .count > 0 and .peak == 20'
	expect 0 caisson kill --all c KILL
	wait_for is_status c stopped
	expect 0 caisson delete c
	script b 'i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i + 1)); done'
	expect_any caisson run -b b c
	says ' a new process was refused: the limit is 20, the peak was 20'
	nothing_left
}

@test "a spinner gets its quota, within 5 %" {
	requires cgroup-cpu
	local periods usage share
	make_bundle b
	config b '.linux.resources.cpu = { "quota": 20000, "period": 100000 }'
	script b 'while :; do :; done'
	expect 0 caisson run -d -b b c
	enough_periods() { [ "$(counter b cpu.stat nr_periods)" -ge 100 ]; }
	wait_for enough_periods
	periods=$(counter b cpu.stat nr_periods)
	usage=$(counter b cpu.stat usage_usec)
	share=$((usage * 1000 / (periods * 20000)))
	echo "$usage us in $periods periods: $share per mille of the quota"
	[ "$share" -ge 950 ]
	[ "$share" -le 1050 ]
	caisson state c | jq -e '.limits[0] | .resource == "cpu" and .limit == 20000 and .period == 100000
		and .count > 50'
	expect 0 caisson events --stats c
	jq -e '.data.cpu.throttling | .throttledPeriods > 50 and .throttledTime > 1000000' <<<"$output"
	# and without one it is not
	expect 0 caisson update --cpu-quota -1 c
	local throttled
	throttled=$(counter b cpu.stat nr_throttled)
	usage=$(counter b cpu.stat usage_usec)
	more_usage() { [ "$(counter b cpu.stat usage_usec)" -gt $((usage + 500000)) ]; }
	wait_for more_usage
	[ "$(counter b cpu.stat nr_throttled)" -le $((throttled + 1)) ]
}

@test "run says that the CPU was withheld most of the time" {
	requires cgroup-cpu
	make_bundle b
	config b '.linux.resources.cpu = { "quota": 5000, "period": 50000 }'
	script b 'n=0; while [ $n -lt 40000 ]; do n=$((n + 1)); done; exit 3'
	expect 3 caisson run -b b c
	says 'container c: the CPU was withheld in '
	says 'the limit is 5000 us of CPU time in 50000 us'
}

@test "reads from a block device are held to their rate" {
	requires cgroup-io
	requires losetup
	local device numbers free
	truncate -s 8M image
	modprobe loop 2>/dev/null || true
	device=$(losetup --find --show "$W/image") || skip "there are no loop devices"
	exec 5<"$device"
	losetup -d "$device" # it goes when the last, this test, has closed it
	numbers=$(lsblk -dno MAJ:MIN "$device" | tr -d ' ')
	make_bundle b
	config b '.linux.devices = [{ "path": "/dev/disk", "type": "b", "major": $major, "minor": $minor }] |
		.linux.resources.devices += [{ "allow": true, "type": "b", "major": $major, "minor": $minor,
		"access": "r" }]' --argjson major "${numbers%:*}" --argjson minor "${numbers#*:}"
	script b 'dd if=/dev/disk of=/dev/null bs=64k count=48 iflag=direct 2>/dev/null &&
		awk "{ print \$1 }" /proc/uptime'
	measure() { # sets took: hundredths of a second until the container has read all
		local begin
		begin=$(cut -d ' ' -f 1 /proc/uptime)
		expect 0 caisson run -b b c
		took=$((${output/./} - ${begin/./}))
	}
	measure
	free=$took
	config b '.linux.resources.blockIO.throttleReadBpsDevice = [{ "major": $major, "minor": $minor,
		"rate": 524288 }]' --argjson major "${numbers%:*}" --argjson minor "${numbers#*:}"
	measure
	echo "3 MiB in $free cs, at 512 KiB/s in $took cs"
	[ "$took" -ge $((free + 300)) ]
}
