#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A guest without a kernel that does to its monitor what it can (tests/microvm/hostile.c), under
# nested KVM. Whatever that is, the monitor, in its jail, ends as one that has a name for it, and in
# time; it dies of nothing, and takes no more memory than the guest has and it is itself.

BOOT=${BOOT:-/opt/caisson/build/tests/microvm-boot}
HOSTILE=${HOSTILE:-/opt/caisson/build/tests/microvm-hostile}

GUEST=64 OWN=10 # MiB

setup_file() {
	[ -w /dev/kvm ] || skip "no /dev/kvm"
}

# The end is one of the monitor's, or KVM's: an instruction that it cannot carry out.
attack() { # NAME [OPTION...]
	local share=$BATS_TEST_TMPDIR/share name=$1 peak
	shift
	mkdir "$share"
	status=0
	timeout -k 5 300 "$BOOT" -m $GUEST -t 120 -s "$share" -a "attack=$name" "$@" "$HOSTILE" "$HOSTILE" \
		>"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
	output=$(tr -d '\0' <"$BATS_TEST_TMPDIR/out")
	echo "$output" | cut -c 1-200
	case $status in
	0 | 1[0-9]) grep -q '^end: ' <<<"$output" ;;
	*) grep -q '^boot: run the guest: ' <<<"$output" ;;
	esac
	peak=$(sed -n 's/^peak: \([0-9]*\) KiB$/\1/p' <<<"$output")
	[ "$peak" -le $(((GUEST + OWN) * 1024)) ]
}

# It got through all of it, and ended the machine itself.
survived() { # NAME [OPTION...]
	attack "$@"
	[ "$status" = 0 ]
	grep -qx 'done' <<<"$output"
}

@test "each port, in and out, of each width, and many bytes at once" {
	survived ports
}

@test "memory that is not there, of each width and over the ends of pages" {
	survived memory
}

@test "configuration space: each register, and BARs over RAM, the APIC and each other" {
	survived config -c 2
}

@test "rings that loop, that lie outside of memory, or are longer than they may be" {
	survived rings
}

@test "devices' registers and rings full of nonsense" {
	attack devices
}

@test "a line without an end to the serial port; all of the memory written" {
	survived serial
	rm -r "$BATS_TEST_TMPDIR/share"
	survived ram
}

@test "the random number device gives all that is asked, in pieces" {
	survived random
	grep -qx 'it gave all' <<<"$output"
}

@test "registers, instructions, interrupts and tables that are KVM's affair" {
	local name
	for name in msr processor int apic fetch tables; do
		attack $name -e 10
		rm -r "$BATS_TEST_TMPDIR/share"
	done
}

@test "a guest that stands still, and one that never does, end when their owner says so" {
	local name
	for name in halt spin; do
		attack $name -e 3 -c 2
		grep -qx 'end: stopped' <<<"$output"
		[ "$(sed -n 's/^ended after: \([0-9]*\) ms$/\1/p' <<<"$output")" -le 20000 ]
		rm -r "$BATS_TEST_TMPDIR/share"
	done
}
