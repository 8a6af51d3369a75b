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

# What the container's monitor tells from now on, in the file told; $watcher is the process.
watch_events() {
	caisson events --interval 1h c >told 2>&1 3>&- &
	watcher=$!
	background+=("$watcher")
	# it looks before it listens: until then nothing would be news
	connected() { [ "$(grep -c "commands.sock" /proc/net/unix)" -ge 2 ]; }
	wait_for connected
}

# The last event; before 6.15 the kernel does not tell it where the parent was quicker.
ended_with() { # STATUS
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	if [ $((major * 1000 + minor)) -lt 6015 ] && ! grep -q '"type":"exit"' told; then
		echo "# not looked at: the parent reaped it first, and $(uname -r) does not tell then" >&3
		return
	fi
	[[ $(tail -n 1 told) == *'"type":"exit"'*"\"status\":$1"* ]]
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

@test "kill: any signal, to the first process or to all in the guest" {
	in_a_guest
	script b 'trap "echo usr1 >>/first" USR1
		trap "echo trap >>/first" TRAP
		sh -c "trap \"echo usr1 >>/other\" USR1; echo up >/up; while :; do sleep 0.1; done" &
		while :; do sleep 0.1; done'
	expect 0 caisson run -d --isolation=vm -b b c
	wait_for test -s b/rootfs/up
	got() { [ "$(tr '\n' ' ' <"b/rootfs/$1")" = "$2 " ]; }

	expect 0 caisson kill c USR1
	wait_for got first usr1
	# the monitor itself would end by this one
	expect 0 caisson kill c TRAP
	wait_for got first "usr1 trap"
	[ ! -e b/rootfs/other ]
	expect 0 caisson kill --all c USR1
	wait_for got other usr1
	wait_for got first "usr1 trap usr1"
	is_status c running
	expect 0 caisson kill --all c KILL
	wait_for is_status c stopped
	expect 0 caisson kill --all c TERM
	expect 1 caisson kill c TERM
	says "container not running"
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

@test "events: a process killed for want of memory in the guest, then the end" {
	in_a_guest
	config b '.linux.resources = {memory: {limit: 33554432, swap: 33554432}}'
	script b 'while [ ! -e /go ]; do sleep 0.1; done
		tail -c 200000000 /dev/zero; echo survived >/there
		while [ ! -e /end ]; do sleep 0.1; done; exit 7'
	expect 0 caisson run -d --isolation=vm -b b c
	watch_events
	: >b/rootfs/go
	wait_for test -s b/rootfs/there
	wait_for grep -q '"type":"oom"' told
	wait_for grep -q '"resource":"memory"' told
	grep -q '"limit":33554432' told
	: >b/rootfs/end
	wait "$watcher"
	ended_with 7
	expect 0 caisson delete c
	nothing_left
}

@test "update: the guest's limits and the host's, or neither" {
	in_a_guest
	config b '.linux.resources = {memory: {limit: 134217728}, pids: {limit: 50}, cpu: {quota: 50000, period: 100000}}'
	script b 'echo there >/there; while :; do cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max >/.now; mv /.now /now; sleep 0.2; done'
	config b '.mounts += [{ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] },
		{ destination: "/fill", type: "tmpfs", source: "tmpfs" }]'
	expect 0 caisson run -d --isolation=vm -b b c
	wait_for test -s b/rootfs/there
	local group overhead=$((96 << 20))
	group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(pid_of c)/cgroup")
	[ "$(cat "$group/memory.max")" = $((134217728 + overhead)) ]
	inside() { [ "$(tr '\n' ' ' <b/rootfs/now)" = "$1 " ]; }
	wait_for inside "50 134217728"

	expect 0 caisson update --memory 1g --pids-limit 70 c
	wait_for inside "70 1073741824"
	[ "$(cat "$group/memory.max")" = $((1073741824 + overhead)) ]
	# threads of the monitor are not the container's
	[ "$(cat "$group/pids.max")" = max ]
	expect 0 caisson update --cpu-quota 70000 c
	[ "$(cat "$group/cpu.max")" = "70000 100000" ]
	expect 0 caisson events --stats c
	[ "$(jq .data.pids.limit <<<"$output")" = 70 ]

	# the guest has no such processor: the host, which may have it, is as before
	echo '{"memory":{"limit":805306368},"cpu":{"cpus":"63"}}' >wanted.json
	expect 1 caisson update -r wanted.json c
	[ "$(cat "$group/memory.max")" = $((1073741824 + overhead)) ]
	wait_for inside "70 1073741824"
	# what the monitor holds already is not the host's to take
	expect 0 caisson exec c sh -c 'head -c 200000000 /dev/zero >/fill/up'
	expect 1 caisson update --memory 1m --pids-limit 60 c
	says "gives none"
	wait_for inside "70 1073741824"

	expect 0 caisson pause c
	expect 1 caisson update --pids-limit 10 c
	says paused
	expect 0 caisson delete --force c
	nothing_left
}

@test "update: a smaller memory limit is felt in the guest, and events and state tell of it" {
	in_a_guest
	config b '.linux.resources = {memory: {limit: 536870912, swap: 536870912}}'
	script b 'echo there >/there; while [ ! -e /go ]; do sleep 0.1; done; exec tail -c 400000000 /dev/zero'
	expect 0 caisson run -d --isolation=vm -b b c
	wait_for test -s b/rootfs/there
	expect 0 caisson update --memory 268435456 --memory-swap 268435456 c
	watch_events
	: >b/rootfs/go
	wait "$watcher"
	grep -q '"type":"oom"' told
	ended_with 137
	is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "a group of systemd's: limits, update, exec and the end" {
	in_a_guest
	config b '.linux.cgroupsPath = "vm-a.slice:vm:c" | .linux.resources = {memory: {limit: 268435456}}'
	script b 'echo there >/there; sleep 1000'
	expect 0 caisson --systemd-cgroup create --isolation=vm -b b c
	local boot_id=/proc/sys/kernel/random/boot_id overhead=$((96 << 20)) group=/sys/fs/cgroup/vm.slice/vm-a.slice/vm-c.scope
	shows() { [ "$(systemctl show -P "$1" vm-c.scope)" = "$2" ]; }
	shows ActiveState active
	shows Slice vm-a.slice
	shows MemoryMax $((268435456 + overhead))
	[ "$(cat $group/memory.max)" = $((268435456 + overhead)) ]
	grep -qx "$(pid_of c)" $group/cgroup.procs
	expect 0 caisson start c
	wait_for test -s b/rootfs/there

	# a daemon-reload sets what systemd knows
	expect 0 caisson update --memory 512m c
	systemctl daemon-reload
	shows MemoryMax $((536870912 + overhead))
	[ "$(cat $group/memory.max)" = $((536870912 + overhead)) ]
	expect 0 caisson exec c cat $boot_id
	not says "$(cat $boot_id)"
	expect 0 caisson pause c
	is_status c paused
	expect 0 caisson resume c

	expect 0 caisson delete --force c
	wait_for shows ActiveState inactive
	wait_for [ ! -e $group ]
	nothing_left
}

@test "update: the first process's own limits and score, and device rules" {
	make_bundle b copy
	config b '.process.args = ["sh", "-c", "trap \"ulimit -n; ulimit -Hn; cat /proc/1/oom_score_adj; : </dev/full && echo full\" USR1
		mknod /dev/probe c 10 239; echo ready; while :; do sleep 0.1; done"]
		| .process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	export LIMIT=240
	caisson run -d --isolation=vm -b b c >out 2>&1 3>&-
	heard() { grep -q "$1" out; }
	wait_for heard ready
	expect 0 caisson update --rlimit nofile=100:200 --oom-score-adj 5 --pids-limit 50 c
	expect 0 caisson kill c USR1
	wait_for heard full
	[ "$(xargs <out)" = "ready 100 200 5 full" ]
	expect 0 caisson exec c cat /sys/fs/cgroup/pids.max
	is 50
	# all or nothing
	echo '{"pids":{"limit":40},"unified":{"pids.max":"many"}}' >resources.json
	expect 1 caisson update --rlimit nofile=90:200 -r resources.json c
	says pids.max
	# no kernel has such a device, which is told where the rules let it be opened
	expect 1 caisson exec c cat /dev/probe
	says "not permitted"
	echo '{"devices":[{"allow":true,"type":"c","major":10,"minor":239,"access":"rw"}]}' >resources.json
	expect 0 caisson update --device-rules --rlimit nofile=110 -r resources.json c
	expect 1 caisson exec c cat /dev/probe
	says "No such device"
	expect 0 caisson exec c cat /sys/fs/cgroup/pids.max
	is 50
	expect 0 caisson delete --force c
	nothing_left
}
