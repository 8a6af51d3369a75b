#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Commands on microVMs, and the monitor, that are killed, or whose system calls fail: neither mounts,
# groups, processes, records nor taps are left, and the guest has no process that nobody knows of.
# More sweeps, with more points: POINTS=60 tests/faults/killsweep short exec-inside-vm delete-vm ...

setup_file() {
	[ -w /dev/kvm ] || skip "no /dev/kvm"
}

sweep() { # POINTS NAME...
	local points=$1
	shift
	[ "${FAULTS-}" != long ] || points=40
	# fixed points, so that a failure comes again; each takes a microVM's start and more here
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	POINTS=$points PATIENCE=240 SLICE=5 JOBS=1 UNISTD=build/unistd_64.h tests/faults/killsweep short "$@" \
		>sweep.out 2>&1 3>&- || {
		cat sweep.out build/results/faults.log
		return 1
	}
}

@test "create that is killed, or fails, at some call leaves nothing" {
	sweep 6 create-vm
}

@test "a monitor that is killed, or fails, at some call ends its create, and leaves nothing" {
	sweep 8 init-vm
}

@test "start and exec leave nothing, in the guest neither" {
	sweep 6 start-vm exec-vm
}
