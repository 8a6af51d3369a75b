# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of published vulnerabilities share. The host's side is a decoy: a
# folder that must be the same afterwards, whatever the exit status was, in names,
# inodes, modes, owners and bytes. A refusal alone proves nothing.

# Everything about the decoy that a runtime could change.
decoy_state() {
	find "$W/decoy" -printf '%p %i %m %U %G %s %T@ %l\n' | sort
	find "$W/decoy" -type f -exec sha256sum {} +
}

make_decoy() {
	mkdir "$W/decoy"
	echo host >"$W/decoy/file"
	echo host >"$W/decoy/ptmx"
	remember_decoy
}

# As it is now, it is to stay.
remember_decoy() {
	before=$(decoy_state)
}

decoy_is_untouched() {
	if [ "$before" != "$(decoy_state)" ]; then
		diff <(echo "$before") <(decoy_state)
		return 1
	fi
}

# Any exit status, but in time. A terminal's answers go into a file.
try() {
	status=0
	LIMIT=20 caisson "$@" >"$W/output" 2>&1 </dev/null 3>&- || status=$?
	[ "$status" != 124 ] && [ "$status" != 137 ]
}

# A bundle with a rootfs of its own that the test may spoil, and the decoy
image() {
	make_bundle b copy
	make_decoy
}
