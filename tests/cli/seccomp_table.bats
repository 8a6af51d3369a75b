#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # $p and $g are jq's
# Every number of a system call, of all three kinds that x86-64 has, with many values of
# the first argument, is answered as under runc with the profiles that engines use.

load helpers

# answers RUNTIME...: what syscalls (tests/cli/syscalls.c) prints in bundle b
answers() {
	expect 0 "$@" run -b b t
	[ "$(wc -l <<<"$output")" = 1536 ] || {
		echo "$output" | tail -3
		return 1
	}
}

compare() { # PROFILE
	make_bundle b copy
	cp "$TOOLS/syscalls" b/rootfs/syscalls
	config b '.process.args = ["/syscalls"] | .linux.seccomp = $p[0]' \
		--slurpfile p "$BATS_TEST_DIRNAME/profiles/$1.json"
	answers caisson
	echo "$output" >ours
	# as many are refused as a profile of this kind refuses
	[ "$(grep -cE '^x86_64.* (1 1 1|38 38 38)' ours)" -gt 20 ]
	[ "$(grep -c '^x86_64.* \. \. \.' ours)" -gt 250 ]
	grep -qE '^x86_64 135 \. [0-9]+ ' ours # personality: by its argument
	requires runc
	config b '.linux.cgroupsPath = $g' --arg g "$CGROUP_PREFIX/runc"
	answers runc --root "$W/runc"
	echo "$output" >theirs
	diff ours theirs
}

@test "seccomp: every system call under Docker's profile, as under runc" { compare docker; }
@test "seccomp: every system call under Podman's profile, as under runc" { compare containers-common; }
@test "seccomp: every system call under containerd's profile, as under runc" { compare containerd; }
