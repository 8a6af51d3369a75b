#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# How a process is scheduled, and where: what the config says of it, for run and exec.

load helpers

# The words behind NAME: in /proc/PID/status.
status_field() { # NAME [PID]
	sed -n "s/^$1:[[:space:]]*//p" "/proc/${2:-self}/status"
}

# The CPUs that the container's first process may use.
cpus_of() { # ID
	caisson exec "$1" sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/1/status
}

# A container that sleeps.
sleeper() {
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
}

# exec_process FILTER: executes the process of bundle b as FILTER changes it
exec_process() {
	jq ".process | .terminal = false | $1" b/config.json >process.json
	caisson exec --process process.json c
}

# --- CPU affinity ----------------------------------------------------------------------

requires_cpus() {
	requires taskset
	ALL=$(status_field Cpus_allowed_list)
	FIRST=${ALL%%[-,]*}
	LAST=${ALL##*[-,]}
	[ "$FIRST" != "$LAST" ] || skip "needs two CPUs"
}

@test "being pinned is not inherited from the caller: run, create, exec" {
	requires_cpus
	make_bundle b
	script b 'grep Cpus_allowed_list: /proc/self/status; exec sleep 1000'
	expect 0 taskset -c "$FIRST" timeout 60 "$CAISSON" --root "$STATE" create -b b c
	[ "$(cpus_of c)" = "$ALL" ]
	expect 0 taskset -c "$FIRST" timeout 60 "$CAISSON" --root "$STATE" start c
	[ "$(cpus_of c)" = "$ALL" ]
	expect 0 taskset -c "$FIRST" timeout 60 "$CAISSON" --root "$STATE" exec c \
		grep Cpus_allowed_list: /proc/self/status
	is $'Cpus_allowed_list:\t'"$ALL"
}

@test "execCPUAffinity: final is where the process runs, initial where the runtime waits" {
	requires_cpus
	make_bundle b
	config b '.process.execCPUAffinity = { "initial": $f, "final": $l }' --arg f "$FIRST" --arg l "$LAST"
	sleeper
	# not for the container's own process
	[ "$(cpus_of c)" = "$ALL" ]
	"$CAISSON" --root "$STATE" exec --pid-file pid c sleep 1000 </dev/null >out 2>&1 3>&- &
	background+=($!)
	local runtime=$!
	wait_for test -s pid
	if ! in_microvm; then # where both are the guest's
		[ "$(status_field Cpus_allowed_list "$(cat pid)")" = "$LAST" ]
		[ "$(status_field Cpus_allowed_list "$runtime")" = "$FIRST" ]
	fi
	# a process of its own: initial alone leaves the CPUs of the container's cgroup
	local list='.args = ["grep", "Cpus_allowed_list:", "/proc/self/status"]'
	expect 0 exec_process "$list | .execCPUAffinity = { \"initial\": \"$FIRST\" }"
	is $'Cpus_allowed_list:\t'"$ALL"
	expect 0 exec_process "$list | .execCPUAffinity = { \"final\": \"$LAST\" }"
	is $'Cpus_allowed_list:\t'"$LAST"
	expect 0 exec_process "$list | .execCPUAffinity = { \"final\": \"$FIRST,$LAST\" }"
	is $'Cpus_allowed_list:\t'"$ALL"
}

@test "execCPUAffinity: CPUs that are not there" {
	requires_cpus
	make_bundle b
	sleeper
	expect 255 exec_process '.execCPUAffinity = { "final": "8000" }'
	says 'process.execCPUAffinity.final'
	says "none of these CPUs"
	expect 255 exec_process '.execCPUAffinity = { "initial": "8000" }'
	says 'process.execCPUAffinity.initial'
	expect 255 exec_process '.execCPUAffinity = { "initial": "8192" }'
	says 'no kernel has more than 8192'
	expect 255 exec_process '.execCPUAffinity = { "final": "1-0" }'
	says 'execCPUAffinity.final: "1-0": must be a list'
}

# --- scheduler -------------------------------------------------------------------------

# A program for an exec that waits, and tells its pid in the container to b/rootfs/pid.
waits='echo $$ >/pid; exec sleep 1000'

# policy_of ID [PID]: policy, priority and nice value of a process of the container
policy_of() {
	caisson exec "$1" cat "/proc/${2:-1}/stat" | sed 's/.*) //' | cut -d ' ' -f 39,38,17
}

# Where the config gives no nice value it is the caller's.
be_no_nicer() {
	renice --priority 0 --pid "$BASHPID" >/dev/null
}

@test "scheduler: every policy, for run" {
	be_no_nicer
	local policy
	while read -r policy want rest; do
		make_bundle b
		config b '.process.scheduler = { "policy": $p } + ($r | fromjson)' --arg p "$policy" --arg r "$rest"
		sleeper
		[ "$(policy_of c)" = "${want//,/ }" ] || {
			echo "$policy: $(policy_of c)"
			return 1
		}
		expect 0 caisson delete --force c
	done <<-'POLICIES'
		SCHED_OTHER 5,0,0 { "nice": 5 }
		SCHED_OTHER -3,0,0 { "nice": -3 }
		SCHED_BATCH 19,0,3 { "nice": 19, "priority": 0 }
		SCHED_IDLE 0,0,5 {}
		SCHED_FIFO 0,7,1 { "priority": 7 }
		SCHED_RR 0,99,2 { "priority": 99, "flags": ["SCHED_FLAG_RESET_ON_FORK"] }
		SCHED_DEADLINE 0,0,6 { "runtime": 42000, "deadline": 100000, "period": 1000000, "flags": ["SCHED_FLAG_RESET_ON_FORK"] }
	POLICIES
}

@test "scheduler: an exec has the container's, or its own" {
	requires chrt
	be_no_nicer
	make_bundle b copy
	config b '.process.scheduler = { "policy": "SCHED_BATCH", "nice": 19 }'
	sleeper
	expect 0 caisson exec -d c sh -c "$waits"
	wait_for test -s b/rootfs/pid
	[ "$(policy_of c "$(cat b/rootfs/pid)")" = '19 0 3' ]
	expect 0 caisson exec c sh -c 'true; sed "s/.*) //" /proc/self/stat | cut -d " " -f 17,38,39'
	is '19 0 3'
	jq '.process | .scheduler = { "policy": "SCHED_DEADLINE", "nice": 19, "priority": 0,
		"runtime": 42000, "deadline": 100000, "period": 1000000, "flags": ["SCHED_FLAG_RESET_ON_FORK"] }' \
		b/config.json >process.json
	rm b/rootfs/pid
	jq '.args = ["sh", "-c", $s]' --arg s "$waits" process.json >waiting.json
	expect 0 caisson exec -d --pid-file pid --process waiting.json c
	wait_for test -s b/rootfs/pid
	[ "$(policy_of c "$(cat b/rootfs/pid)")" = '0 0 6' ]
	! in_microvm || return 0
	expect 0 chrt -p "$(cat pid)"
	says 'SCHED_DEADLINE|SCHED_RESET_ON_FORK'
	says '42000/100000/1000000'
}

@test "scheduler: real time and what a fork resets, with a user and a joined pid namespace" {
	be_no_nicer
	make_bundle b copy
	config b '.process.scheduler = { "policy": "SCHED_FIFO", "priority": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"] } |
		.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 b/rootfs
	sleeper
	[ "$(policy_of c)" = '0 3 1' ]
	expect 0 caisson exec -d c sh -c "$waits"
	wait_for test -s b/rootfs/pid
	[ "$(policy_of c "$(cat b/rootfs/pid)")" = '0 3 1' ]
}

@test "scheduler: what the kernel refuses ends the start, and says why" {
	make_bundle b
	config b '.process.scheduler = { "policy": "SCHED_ISO" }'
	refused 'process.scheduler: sched_setattr: invalid argument' caisson run -b b c
	config b '.process.scheduler = { "policy": "SCHED_DEADLINE", "runtime": 5, "deadline": 6, "period": 7 }'
	refused 'process.scheduler: sched_setattr' caisson run -b b c
	config b '.process.scheduler = { "policy": "SCHED_DEADLINE", "runtime": 42000, "deadline": 1000000, "period": 1000000 } |
		.linux.resources.cpu.cpus = "0"'
	refused "process scheduler can't be used together with AllowedCPUs" caisson run -b b c
	config b '.process.scheduler = { "policy": "SCHED_OTHER", "priority": 1 } | del(.linux.resources.cpu)'
	refused 'process.scheduler.priority: can only be given for' caisson run -b b c
}

# --- I/O priority ----------------------------------------------------------------------

@test "ioPriority: for run, for an exec the container's or its own" {
	make_bundle b copy
	config b '.process.ioPriority = { "class": "IOPRIO_CLASS_BE", "priority": 4 }'
	sleeper
	expect 0 caisson exec c ionice -p 1
	is 'best-effort: prio 4'
	expect 0 caisson exec -d c sh -c "$waits"
	wait_for test -s b/rootfs/pid
	expect 0 caisson exec c ionice -p "$(cat b/rootfs/pid)"
	is 'best-effort: prio 4'
	rm b/rootfs/pid
	jq '.process | .ioPriority = { "class": "IOPRIO_CLASS_IDLE" } | .args = ["sh", "-c", $s]' \
		--arg s "$waits" b/config.json >process.json
	expect 0 caisson exec -d --process process.json c
	wait_for test -s b/rootfs/pid
	expect 0 caisson exec c ionice -p "$(cat b/rootfs/pid)"
	is idle
}

@test "ioPriority: the real-time class, with a user namespace" {
	requires ionice
	make_bundle b copy
	config b '.process.ioPriority = { "class": "IOPRIO_CLASS_RT", "priority": 1 } |
		.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 b/rootfs
	sleeper
	expect 0 ionice -p "$(pid_of c)"
	is 'realtime: prio 1'
}

@test "ioPriority: what is no priority" {
	make_bundle b
	config b '.process.ioPriority = { "class": "IOPRIO_CLASS_BE", "priority": 8 }'
	refused 'process.ioPriority.priority: 8' caisson run -b b c
	config b '.process.ioPriority = { "class": "IOPRIO_CLASS_NONE", "priority": 0 }'
	refused 'process.ioPriority.class: "IOPRIO_CLASS_NONE"' caisson run -b b c
}

# --- personality -----------------------------------------------------------------------

@test "personality: LINUX32 says i686, LINUX does not; for run and exec, under a filter that forbids it" {
	[ "$(uname -m)" = x86_64 ] || skip "the machine's name is that of x86-64"
	local domain want
	while read -r domain want; do
		rm -rf b
		make_bundle b copy
		config b '.linux.personality = { "domain": $d, "flags": [] } |
			.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW",
				"syscalls": [{ "names": ["personality"], "action": "SCMP_ACT_ERRNO" }] } |
			.process.noNewPrivileges = $n' --arg d "$domain" --argjson n "$([ "$domain" = LINUX ] && echo true || echo false)"
		script b 'uname -m >/machine; exec sleep 1000'
		expect 0 caisson run -d -b b c
		wait_for test -s b/rootfs/machine
		expect 0 caisson exec c sh -c 'cat /machine; uname -m'
		is "$want"$'\n'"$want"
		expect 0 caisson delete --force c
	done <<<$'LINUX32 i686\nLINUX x86_64'
}

@test "personality: flags and other domains are refused" {
	make_bundle b
	config b '.linux.personality = { "domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"] }'
	refused 'linux.personality.flags: must be empty' caisson run -b b c
	config b '.linux.personality = { "domain": "BSD" }'
	refused 'linux.personality.domain: "BSD"' caisson run -b b c
}

# --- memory policy ---------------------------------------------------------------------

requires_numa() {
	grep -q ' default ' /proc/self/numa_maps 2>/dev/null || skip "a kernel without NUMA"
}

# The policy of the first mapping.
POLICY='head -n 1 /proc/self/numa_maps | cut -d " " -f 2'

@test "memoryPolicy: modes, flags and nodes, for run and exec" {
	requires_numa
	local want policy
	while read -r want policy; do
		make_bundle b
		config b '.linux.memoryPolicy = ($p | fromjson)' --arg p "$policy"
		script b "$POLICY >/tmp/policy; exec sleep 1000"
		expect 0 caisson run -d -b b c
		wait_for test -s "/proc/$(pid_of c)/root/tmp/policy"
		expect 0 caisson exec c sh -c "cat /tmp/policy; $POLICY"
		is "$want"$'\n'"$want"
		expect 0 caisson delete --force c
	done <<-'POLICIES'
		interleave:0 { "mode": "MPOL_INTERLEAVE", "nodes": "0" }
		bind=static:0 { "mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"] }
		prefer=relative:0 { "mode": "MPOL_PREFERRED", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"] }
		prefer { "mode": "MPOL_PREFERRED_MANY", "nodes": "0" }
		local { "mode": "MPOL_PREFERRED" }
		local { "mode": "MPOL_LOCAL" }
		default { "mode": "MPOL_DEFAULT" }
	POLICIES
}

@test "memoryPolicy: what is no policy, or not on this host" {
	make_bundle b
	local want policy
	while IFS=: read -r want policy; do
		config b '.linux.memoryPolicy = ($p | fromjson)' --arg p "$policy"
		refused "$want" caisson run -b b c
	done <<-'POLICIES'
		invalid memory policy mode:{}
		invalid memory policy mode:{ "nodes": "0-7" }
		invalid memory policy mode:{ "mode": "INTERLEAVE", "nodes": "0" }
		invalid memory policy flag:{ "mode": "MPOL_BIND", "nodes": "0", "flags": ["badflag"] }
		mode requires 0 nodes but got 8:{ "mode": "MPOL_DEFAULT", "nodes": "0-7" }
		invalid memory policy node:{ "mode": "MPOL_BIND", "nodes": "0-9876543210" }
		set_mempolicy:{ "mode": "MPOL_BIND", "nodes": "1023" }
	POLICIES
}

@test "memoryPolicy: features tells the modes and flags that are taken" {
	make_bundle b
	expect 0 caisson features
	local name modes=0 flags=0 features=$output
	while read -r name; do
		config b '.linux.memoryPolicy = { "mode": $n, "nodes": (if $n | IN("MPOL_DEFAULT", "MPOL_LOCAL") then "" else "0" end) }' --arg n "$name"
		expect 0 caisson plan b
		says memory-policy
		modes=$((modes + 1))
	done < <(jq -r '.linux.memoryPolicy.modes[]' <<<"$features")
	while read -r name; do
		config b '.linux.memoryPolicy = { "mode": "MPOL_BIND", "nodes": "0", "flags": [$n] }' --arg n "$name"
		expect 0 caisson plan b
		says "$name"
		flags=$((flags + 1))
	done < <(jq -r '.linux.memoryPolicy.flags[]' <<<"$features")
	[ "$modes $flags" = '7 3' ]
}

# session-keyring(7): what is in the caller's is not the container's to use. What is executed in
# a container later uses the same keys as what runs there.
@test "the session keyring: each container has its own, for each exec too, or the caller's" {
	local ours theirs user users=('.' '.linux.namespaces += [{ "type": "user" }] | .linux.uidMappings =
		[{ "containerID": 0, "hostID": 100000, "size": 65536 }] | .linux.gidMappings = .linux.uidMappings')
	ours=$("$TOOLS/session")
	! in_microvm || users=('.') ours=
	for user in "${users[@]}"; do
		make_bundle b copy
		cp "$TOOLS/session" b/rootfs/
		chmod 755 b b/rootfs b/rootfs/session
		config b "$user"
		script b '/session >/tmp/session; exec sleep 1000'
		expect 0 caisson run -d -b b c
		wait_for caisson exec c test -s /tmp/session
		theirs=$(caisson exec c cat /tmp/session)
		[[ ${theirs#* } == _ses.c.???????????????? ]]
		[ "${theirs% *}" != "${ours% *}" ]
		expect 0 caisson exec c /session
		is "$theirs"
		expect 0 caisson exec --user 1000 c /session
		is "$theirs"
		expect 0 caisson delete --force c
		# the next of the same name has another one
		script b /session
		expect 0 caisson run -b b c
		[[ ${output#* } == _ses.c.???????????????? ]]
		[ "${output% *}" != "${theirs% *}" ]
		[ "${output#* }" != "${theirs#* }" ]
		expect 0 caisson run --no-new-keyring -b b c
		not says _ses.c
		# that of a guest's first process is none of the host's
		[ "$user" != . ] || [ -z "$ours" ] || is "$ours"
		script b 'exec sleep 1000'
		expect 0 caisson run --no-new-keyring -d -b b c
		expect 0 caisson exec c /session
		not says _ses.c
		expect 0 caisson delete --force c
		rm -rf b
	done
}

# A record that says no name: its keyring is not open to us, so an exec has another one.
@test "the session keyring: a container of an older caisson" {
	make_bundle b copy
	cp "$TOOLS/session" b/rootfs/
	script b 'exec sleep 1000'
	expect 0 caisson run -d -b b c
	jq -c '.keyring = true' "$STATE/c/state.json" >state.json
	cp state.json "$STATE/c/state.json"
	expect 0 caisson exec c /session
	[ "${output#* }" = _ses.c ]
	jq -c '.keyring = 5' "$STATE/c/state.json" >state.json
	cp state.json "$STATE/c/state.json"
	expect 255 caisson exec c /session
	says 'damaged: keyring'
}
