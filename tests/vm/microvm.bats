#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The monitor with the test machine's own kernel, under nested KVM: what a distribution's
# kernel finds and does, how each end is told, and how often the guest comes to us until
# it is ready. tests/microvm/boot.c is the program, init.c the guest's first process.

bats_require_minimum_version 1.5.0

# exit statuses of boot.c: monitor.h's ends
POWER_OFF=0 PANIC=11 RESET=12 TRIPLE_FAULT=13 NOT_READY=14

setup_file() {
	[ -w /dev/kvm ] || skip "no /dev/kvm"
	version=$(uname -r)
	export version
}

setup() {
	share=$BATS_TEST_TMPDIR/share readonly=$BATS_TEST_TMPDIR/ro
	mkdir "$share" "$readonly"
	echo "from the host" >"$share/hello"
	echo "stays" >"$readonly/hello"
}

# The output is in $output; the time limits are for what hangs, not for what is slow.
microvm() { # STATUS [OPTION...]
	local expected=$1
	shift
	run timeout -k 5 300 /opt/caisson/build/tests/microvm-boot -t 240 -s "$share" -r "$readonly" \
		-l "/lib/modules/$version" "$@" "/boot/vmlinuz-$version" /opt/caisson/build/tests/microvm-init
	[ "$status" = "$expected" ] || {
		echo "status $status, not $expected"
		echo "$output"
		return 1
	}
}

says() { # LINE...: each is one of the output's
	local line
	for line; do
		grep -qxF -- "$line" <<<"$output" || {
			echo "not said: $line"
			echo "$output"
			return 1
		}
	done
}

at_most() { # NUMBER WHAT: of the lines "WHAT: NUMBER"
	local found
	found=$(sed -n "s/^$2: //p" <<<"$output")
	[ -n "$found" ]
	[ "$found" -le "$1" ] || {
		echo "$2: $found, over $1"
		echo "$output"
		return 1
	}
}

@test "a kernel boots, uses each device, and powers off" {
	microvm $POWER_OFF
	says "end: power off" READY "processors: 1" "files: from the host" "random: 16" \
		"echo: hello, guest" "read-only: make: Read-only file system" \
		"read-only: remove: Read-only file system"
	[ "$(stat -c %s:%a "$share/made/reply")" = 1000:640 ]
	[ "$(stat -c %a "$share/made")" = 750 ]
	[ "$(ls -A "$readonly")" = hello ]
	# until it is ready: the sum, and what must not come back
	at_most 500 "exits until ready"
	at_most 0 "exits by port"
	at_most 0 "exits by memory"
	at_most 10 "exits by notify"
	at_most 10 "exits by serial port"
	at_most 30 "exits by configuration by ports"
}

@test "a panic is told, with the kernel's reason" {
	microvm $PANIC -a caisson.end=panic
	says "end: kernel panic" READY
	[[ $output == *"panic: "*"Kernel panic - not syncing: Attempted to kill init!"* ]]
}

@test "a reboot and a triple fault are told apart" {
	microvm $RESET -a caisson.end=reboot
	says "end: reset" READY
	microvm $TRIPLE_FAULT -a "caisson.end=reboot reboot=t"
	says "end: triple fault" READY
}

@test "a guest that never gets ready is ended" {
	microvm $NOT_READY -t 1 -a caisson.end=hang
	says "end: not ready in time" "exits until ready: 0"
}

@test "four processors, and memory on both sides of the hole below 4 GiB" {
	microvm $POWER_OFF -c 4 -m 5120
	says "processors: 4" "files: from the host" "echo: hello, guest"
	[ "$(sed -n 's/^memory: \([0-9]*\) MiB$/\1/p' <<<"$output")" -gt 4800 ]
}

@test "128 MiB are enough" {
	microvm $POWER_OFF -c 2 -m 128
	says "processors: 2" "files: from the host" "echo: hello, guest"
}

@test "vm prepare makes what this kernel needs, once" {
	expect_prepared() { # WORD [OPTION...]
		run /opt/caisson/caisson vm prepare --cache "$BATS_TEST_TMPDIR/kept" "${@:2}"
		[ "$status" = 0 ]
		[[ $output == "/boot/vmlinuz-$version: $1"* ]]
	}
	expect_prepared "prepared, with "
	[[ $output != *"with 0 modules"* ]]
	grep -qa virtio_rng.ko "$BATS_TEST_TMPDIR"/kept/"$version"-*.initramfs
	expect_prepared "is prepared"
	expect_prepared "is prepared" --kernel "/boot/vmlinuz-$version"
}
