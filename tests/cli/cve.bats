#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; single-quoted scripts are the container's
# What published vulnerabilities of runtimes did, tried here. The host's side is a
# decoy: a folder that must be the same afterwards, whatever the exit status was, in
# names, inodes, modes, owners and bytes. A refusal alone proves nothing.

load helpers

# A process of the container that may look into others (CAP_SYS_PTRACE) waits for what
# exec brings into its pid namespace. Nothing there may have the host's root or files.
@test "CVE-2016-9962: exec shows the container neither our root nor our descriptors" {
	make_bundle b
	mkdir out decoy
	echo host-secret >decoy/secret
	config b '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])
		| .mounts += [{destination: "/tmp/out", type: "bind", source: $w, options: ["bind"]}]' \
		--arg w "$W/out"
	script b 'while :; do
		for p in /proc/[2-9] /proc/[0-9][0-9]*; do
			read -r x <$p/root'"$W"'/decoy/secret && echo "$p: $x"
			[ -e $p/fd/9/secret ] && echo "$p: descriptor 9"
		done
	done >/tmp/out/seen 2>/dev/null'
	expect 0 caisson run -d -b b c
	wait_for test -e out/seen
	for _ in $(seq 30); do
		caisson exec c true 9<decoy </dev/null
	done
	[ ! -s out/seen ] || {
		sort out/seen | uniq -c
		false
	}
}
