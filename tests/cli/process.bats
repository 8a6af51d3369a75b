#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# How a process is scheduled, and where: what the config says of it, for run and exec.

load helpers

# The words behind NAME: in /proc/PID/status.
status_field() { # NAME [PID]
	sed -n "s/^$1:[[:space:]]*//p" "/proc/${2:-self}/status"
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
	[ "$(status_field Cpus_allowed_list "$(pid_of c)")" = "$ALL" ]
	expect 0 taskset -c "$FIRST" timeout 60 "$CAISSON" --root "$STATE" start c
	[ "$(status_field Cpus_allowed_list "$(pid_of c)")" = "$ALL" ]
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
	[ "$(status_field Cpus_allowed_list "$(pid_of c)")" = "$ALL" ]
	"$CAISSON" --root "$STATE" exec --pid-file pid c sleep 1000 </dev/null >out 2>&1 3>&- &
	background+=($!)
	local runtime=$!
	wait_for test -s pid
	[ "$(status_field Cpus_allowed_list "$(cat pid)")" = "$LAST" ]
	[ "$(status_field Cpus_allowed_list "$runtime")" = "$FIRST" ]
	# a process of its own: initial alone leaves the CPUs of the container's cgroup
	local list='.args = ["grep", "Cpus_allowed_list:", "/proc/self/status"]'
	expect 0 exec_process "$list | .execCPUAffinity = { \"initial\": \"$FIRST\" }"
	is $'Cpus_allowed_list:\t'"$ALL"
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
