#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Commands that are killed, or whose system calls fail, where there are controllers and a
# systemd that is told of limits. Natively there are more commands and all steps, but neither.

sweep() { # NAME...
	# fixed points, so that a failure comes again; each takes a second and more here
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATIENCE=120 SLICE=5 KILL_STEP=11 ERROR_STEP=17 UNISTD=build/unistd_64.h \
		tests/faults/killsweep short "$@" 3>&- || {
		cat build/results/faults.log
		return 1
	}
}

@test "run, pause and update, killed or failed at some call, leave nothing" {
	sweep run pause update
}

@test "with the systemd driver: neither group nor unit is left" {
	sweep run-systemd pause-systemd update-systemd
}
