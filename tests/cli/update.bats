#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # $major and $minor are jq's; tests are subshells
# update: limits that change while the container runs, read back from the kernel. What
# needs controllers runs in the test machine; cgroup.max.* are there on every host.

load helpers.bash

sleeping() { # [JQ FILTER]
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	[ $# = 0 ] || config b "$1"
	expect 0 caisson run -d -b b c
}

group_says() { # FILE TEXT
	local text
	text=$(group_file c b "$1")
	[ "$text" = "$2" ] || {
		echo "$1: expected $2, got $text"
		return 1
	}
}

update_json() { # JSON: update --resources - c
	caisson update --resources - c <<<"$1"
}

expect_json() { # STATUS JSON
	echo "$2" >"$W/resources.json"
	expect "$1" caisson update -r "$W/resources.json" c
}

@test "resources from a file and from standard input" {
	sleeping
	expect_json 0 '{"unified":{"cgroup.max.depth":"7"}}'
	is ''
	group_says cgroup.max.depth 7
	update_json '{"unified":{"cgroup.max.depth":"8"}}'
	group_says cgroup.max.depth 8
	expect_json 0 '{}'
	group_says cgroup.max.depth 8
}

@test "a value that is refused takes back those before it" {
	sleeping
	expect_json 0 '{"unified":{"cgroup.max.depth":"7"}}'
	expect_json 1 '{"unified":{"cgroup.max.depth":"9","cgroup.max.descendants":"many"}}'
	says 'linux.resources.unified["cgroup.max.descendants"]: write "many"'
	one_line
	group_says cgroup.max.depth 7
	group_says cgroup.max.descendants max
	[ "$(status_of c)" = running ]
}

@test "in a created and in a paused container, not in a stopped one" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson create -b b c
	expect_json 0 '{"unified":{"cgroup.max.depth":"2"}}'
	expect 0 caisson start c
	expect 0 caisson pause c
	expect_json 0 '{"unified":{"cgroup.max.depth":"3"}}'
	group_says cgroup.max.depth 3
	[ "$(status_of c)" = paused ]
	expect 0 caisson resume c
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect_json 1 '{"unified":{"cgroup.max.depth":"4"}}'
	is 'container not running'
}

with_limits() {
	sleeping '.process.rlimits = [{ "type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1024 }]'
}

limit_is() { # NAME-IN-PROC SOFT HARD
	grep -E "^$1 +$2 +$3( |\$)" <(caisson exec c cat /proc/1/limits)
}

score_is() { # SCORE
	[ "$(caisson exec c cat /proc/1/oom_score_adj)" = "$1" ]
}

@test "limits and OOM score of the first process" {
	with_limits
	limit_is 'Max open files' 1024 1024
	expect 0 caisson update --rlimit nofile=100:200 --rlimit RLIMIT_CORE=0 --oom-score-adj 700 c
	is ''
	limit_is 'Max open files' 100 200
	limit_is 'Max core file size' 0 0
	score_is 700
	# beside a file, which is for the group
	echo '{"unified":{"cgroup.max.depth":"7"}}' >resources.json
	expect 0 caisson update -r resources.json --rlimit nofile=50 c
	limit_is 'Max open files' 50 50
	group_says cgroup.max.depth 7
	score_is 700
}

@test "if one of all is refused, none is changed" {
	with_limits
	expect 0 caisson update --oom-score-adj 300 c
	# no process may have so many
	expect 1 caisson update --rlimit nproc=10:20 --rlimit nofile=1:9999999999 --oom-score-adj 400 c
	says '--rlimit RLIMIT_NOFILE: prlimit of process '
	one_line
	limit_is 'Max open files' 1024 1024
	not limit_is 'Max processes' 10 20
	score_is 300
	# the group refuses
	echo '{"unified":{"cgroup.max.depth":"7","cgroup.max.descendants":"many"}}' >resources.json
	expect 1 caisson update --rlimit nproc=10:20 --oom-score-adj 400 -r resources.json c
	says 'cgroup.max.descendants'
	not limit_is 'Max processes' 10 20
	group_says cgroup.max.depth max
	score_is 300
}

@test "limits of the first process that make no sense" {
	with_limits
	local text
	for text in 'files=1: there is no limit of this name' 'nofile: it has no value' \
		'nofile=9:8: soft must not be above hard' 'nofile=many: not a number' \
		'nofile=1:x: not a number' '=1: there is no limit'; do
		expect 1 caisson update --rlimit "${text%%: *}" c
		says "--rlimit $text"
		one_line
	done
	expect 1 caisson update --rlimit nofile=1 --rlimit RLIMIT_NOFILE=2 c
	says 'it is given twice'
	expect 1 caisson update --oom-score-adj 1001 c
	says 'not a number from -1000 to 1000'
	limit_is 'Max open files' 1024 1024
}

@test "what is not to be understood is refused" {
	sleeping
	expect 1 caisson update nobody
	is 'container does not exist'
	expect_json 1 '{"memory":{"limit":"much"}}'
	says 'memory.limit'
	one_line
	expect_json 1 '{} trailing'
	expect_json 1 '{"unified":{"../cgroup.max.depth":"4"}}'
	says 'without slashes'
	expect_json 1 '{"unified":{"cgroup.freeze":"1"}}'
	says 'the file is not a resource'
	expect 1 caisson update -r nosuch c
	says 'nosuch: no such file or directory'
	expect 1 caisson update --memory 1x c
	is '--memory: "1x" is not a number of bytes, such as 512m'
	expect 1 caisson update --pids-limit many c
	is '--pids-limit: "many" is not a number'
	expect 1 caisson update --memory 1m -r "$W/resources.json" c
	says 'leave the other options out'
	expect 1 caisson update --cpu-rt-period 1000 c
	says 'cgroup v2 has no realtime limits'
	[ "$(status_of c)" = running ]
}

# A container with a node of the host's log, which opens unless the device rules refuse it.
with_node() { # [JQ FILTER]
	sleeping '.process.capabilities |= map_values(. + ["CAP_MKNOD", "CAP_SYSLOG"])'"${1:+ | $1}"
	expect 0 caisson exec c mknod /dev/x c 1 11
}

opens() { # yes|no
	expect_any caisson exec c head -c 0 /dev/x
	case $1 in
	yes) [ "$status" = 0 ] ;;
	no) says 'Operation not permitted' ;;
	esac
}

@test "device rules that come along change nothing" {
	with_node
	opens no
	expect_json 0 '{"devices":[{"allow":true,"access":"rwm"}]}'
	opens no
}

rules() { # STATUS JSON
	echo "$2" >"$W/rules.json"
	expect "$1" caisson update --device-rules -r "$W/rules.json" c
}

@test "device rules: those of --resources take the place of the old ones, in one step" {
	none='{"devices":[{"allow":false,"access":"rwm"}]}'
	one='{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"rw"}]}'
	# null is always allowed: it never stops to open
	with_node '.process.args = ["sh", "-c", "while head -c 0 /dev/null; do :; done; exit 1"]'
	opens no
	for ((n = 0; n < 40; n++)); do # as many beside each other the kernel would not take
		rules 0 "$one"
		opens yes
		rules 0 "$none"
	done
	opens no
	rules 0 '{"devices":[{"allow":true,"access":"rwm"}]}'
	opens yes
	rules 0 "$none"
	opens no
	is_status c running
}

@test "device rules: all or nothing with the values beside them, and only where there are some" {
	with_node
	rules 0 '{"unified":{"cgroup.max.depth":"7"},"devices":[{"allow":false,"access":"rwm"}]}'
	rules 1 '{"unified":{"cgroup.max.depth":"-5"},"devices":[{"allow":true,"access":"rwm"}]}'
	says cgroup.max.depth
	group_says cgroup.max.depth 7
	opens no
	expect 1 caisson update --device-rules --pids-limit 5 c
	says '--device-rules: there are none'
	rules 1 '{"devices":[]}'
	says '--device-rules: there are none'
}

@test "limits that this host cannot set are refused, with the controller's name" {
	not grep -qw memory "$CGROUP/cgroup.controllers" || skip "this host can set memory limits"
	sleeping
	expect 1 caisson update --memory 64m c
	says 'linux.resources.memory.limit: '
	says 'memory controller'
}

@test "every option reaches its file" {
	requires cgroup-memory
	sleeping
	expect 0 caisson update --memory 64m --memory-reservation 32m --memory-swap 96m \
		--pids-limit 30 --cpu-share 512 --cpu-quota 20000 --cpu-period 50000 \
		--cpu-burst 10000 --cpuset-cpus 0 --cpuset-mems 0 c
	group_says memory.max $((64 << 20))
	group_says memory.low $((32 << 20))
	group_says memory.swap.max $((32 << 20))
	group_says pids.max 30
	group_says cpu.weight 59
	group_says cpu.max '20000 50000'
	group_says cpu.max.burst 10000
	group_says cpuset.cpus 0
	group_says cpuset.mems 0
	expect 0 caisson update --memory -1 --pids-limit -1 --cpu-quota -1 c
	group_says memory.max max
	group_says memory.swap.max max
	group_says pids.max max
	group_says cpu.max 'max 50000'
}

@test "an idle group has no weight: of both idle wins, and a weight alone ends it" {
	requires cgroup-cpu
	sleeping
	expect 0 caisson update --cpu-idle 1 c
	group_says cpu.idle 1
	expect 0 caisson update --cpu-share 512 c
	group_says cpu.idle 0
	group_says cpu.weight 59
	expect 0 caisson update --cpu-share 200 --cpu-idle 1 c
	says 'unable to apply both'
	group_says cpu.idle 1
	expect 0 update_json '{ "unified": { "cpu.weight": "8" } }'
	group_says cpu.idle 0
	group_says cpu.weight 8
	expect 0 update_json '{ "unified": { "cpu.weight": "9", "cpu.idle": "1" } }'
	says 'unable to apply both'
	group_says cpu.idle 1
	expect 0 caisson update --cpu-share 512 --cpu-idle 0 c
	group_says cpu.idle 0
	group_says cpu.weight 59
}

@test "quota and period, memory and swap: the half that is not mentioned stays" {
	requires cgroup-memory
	sleeping '.linux.resources = { "cpu": { "quota": 30000, "period": 60000 },
		"memory": { "limit": 67108864 } }'
	expect 0 caisson update --cpu-quota 40000 c
	group_says cpu.max '40000 60000'
	expect 0 caisson update --cpu-period 80000 c
	group_says cpu.max '40000 80000'
	expect 0 caisson update --memory-swap 100m c
	group_says memory.swap.max $((36 << 20))
	echo '{"memory": {"swap": 0}}' >wanted.json
	expect 0 caisson update -r wanted.json c
	group_says memory.swap.max 0
	group_says memory.max $((64 << 20))
	expect 1 caisson update --memory-swap 10m c
	says 'must be at least memory.limit'
}

@test "a quota below the burst: whichever has to change first does" {
	requires cgroup-cpu
	sleeping '.linux.resources = { "cpu": { "quota": 30000, "period": 60000, "burst": 20000 } }'
	expect 0 caisson update --cpu-quota 10000 --cpu-burst 5000 c
	group_says cpu.max '10000 60000'
	group_says cpu.max.burst 5000
	expect 0 caisson update --cpu-quota 50000 --cpu-burst 45000 c
	group_says cpu.max '50000 60000'
	group_says cpu.max.burst 45000
	expect 1 caisson update --cpu-quota 1000 --memory 100m --cpu-burst 0 --cpuset-cpus 4000 c
	group_says cpu.max '50000 60000'
	group_says cpu.max.burst 45000
	group_says memory.max max
	expect 0 caisson update --cpu-burst 0 c
	group_says cpu.max.burst 0
	group_says cpu.max '50000 60000'
}

@test "checkBeforeUpdate refuses less memory than is in use" {
	requires cgroup-memory
	# memory that was taken before the controller watched is counted nowhere
	sleeping '.linux.resources.memory = { "limit": -1, "reservation": 4096 }'
	expect_json 1 '{"memory":{"limit":4096,"checkBeforeUpdate":true}}'
	says 'rejecting memory limit 4096: lower than current memory usage'
	group_says memory.max max
	expect_json 1 '{"memory":{"limit":4096,"swap":8192,"checkBeforeUpdate":true}}'
	says 'rejecting memory+swap limit 8192: lower than current memory+swap usage'
	group_says memory.max max
	[ "$(status_of c)" = running ]
	expect_json 0 '{"memory":{"limit":104857600,"checkBeforeUpdate":true}}'
	group_says memory.max 104857600
}

@test "checkBeforeUpdate where no parent hands the memory controller down any more" {
	requires cgroup-memory
	local parent="$CGROUP_PREFIX/fresh-$BASHPID"
	sleeping ".linux.cgroupsPath = \"$parent/b\""
	echo -memory >"$CGROUP$parent/cgroup.subtree_control" # as systemd may do it
	[ ! -e "$CGROUP$parent/b/memory.current" ]
	expect_json 0 '{"memory":{"limit":104857600,"checkBeforeUpdate":true}}'
	[ "$(<"$CGROUP$parent/b/memory.max")" = 104857600 ]
	expect 0 caisson delete -f c
	[ ! -e "$CGROUP$parent" ] || rmdir "$CGROUP$parent"
}

@test "the new limit is felt" {
	requires cgroup-pids
	sleeping
	expect 0 caisson exec c sh -c 'sleep 0.1 & sleep 0.1 & sleep 0.1 & wait'
	expect 0 caisson update --pids-limit 3 c
	expect_any caisson exec c sh -c 'sleep 0.1 & sleep 0.1 & sleep 0.1 & wait'
	says "can't fork"
}

# The host's disks are the host's to limit, also for a microVM.
io_says() { # FILE TEXT
	[ "$(cat "$CGROUP$CGROUP_PREFIX/b/$1")" = "$2" ] || {
		echo "$1: expected $2, got $(cat "$CGROUP$CGROUP_PREFIX/b/$1")"
		return 1
	}
}

@test "block I/O: throttles and weights, at create and by update" {
	requires cgroup-io
	local device
	device=$(lsblk -dno MAJ:MIN | head -1 | tr -d ' ')
	[ -n "$device" ] || skip "there is no block device"
	make_bundle b
	config b '.process.args = ["sleep", "1000"] | .linux.resources = { "blockIO": {
		"throttleReadBpsDevice": [{ "major": $major, "minor": $minor, "rate": 1048576 }] } }' \
		--argjson major "${device%:*}" --argjson minor "${device#*:}"
	expect 0 caisson run -d -b b c
	io_says io.max "$device rbps=1048576 wbps=max riops=max wiops=max"
	expect_json 0 '{"blockIO":{"throttleWriteIOPSDevice":[{"major":'"${device%:*}"',"minor":'"${device#*:}"',"rate":120}]}}'
	io_says io.max "$device rbps=1048576 wbps=max riops=max wiops=120"
	# the first line is taken back when the second value is refused
	expect_json 1 '{"blockIO":{"throttleReadBpsDevice":[{"major":'"${device%:*}"',"minor":'"${device#*:}"',"rate":99}],
		"throttleWriteIOPSDevice":[{"major":4000,"minor":3,"rate":5}]}}'
	says 'linux.resources.blockIO.throttleWriteIOPSDevice[0]'
	io_says io.max "$device rbps=1048576 wbps=max riops=max wiops=120"
	if [ -e "$CGROUP$CGROUP_PREFIX/b/io.bfq.weight" ] || [ -e "$CGROUP$CGROUP_PREFIX/b/io.weight" ]; then
		expect 0 caisson update --blkio-weight 500 c
		[ ! -e "$CGROUP$CGROUP_PREFIX/b/io.bfq.weight" ] || io_says io.bfq.weight 'default 500'
	fi
}

@test "the class of caches is changed where there is one, or nothing is" {
	[ ! -e /sys/fs/resctrl/schemata ] || skip "this machine has resctrl"
	sleeping
	for option in --l3-cache-schema=L3:0=f --mem-bw-schema=MB:0=20; do
		expect_json 0 '{"unified":{"cgroup.max.depth":"7"}}'
		echo '{"unified":{"cgroup.max.depth":"8"}}' >"$W/resources.json"
		expect 1 caisson update "$option" -r "$W/resources.json" c
		says 'no resctrl filesystem is mounted at /sys/fs/resctrl'
		one_line
		group_says cgroup.max.depth 7
	done
}
