#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Distributions' kernels in a microVM, on the nested KVM of the test machine: booted with
# their own modules, each device tried from inside, and every way to end told truthfully.
# Counts, not times: they are the same on every machine.

setup() {
	[ -w /dev/kvm ] || skip "no /dev/kvm"
	bin=${BATS_TEST_DIRNAME}/../../build/tests
	[ -x "$bin/microvm-boot" ] || skip "build/tests/microvm-boot is not here: run by tests/vm/check"
	kernel=/boot/vmlinuz-$(uname -r)
	[ -e "$kernel" ] || skip "no $kernel"
	mkdir "$BATS_TEST_TMPDIR/share"
	echo "a word from the host" >"$BATS_TEST_TMPDIR/share/hello"
}

boot() { # [OPTION...]: the guest's own words and the machine's end in $output
	run timeout 300 "$bin/microvm-boot" -t 200 -l "/lib/modules/$(uname -r)" \
		-s "$BATS_TEST_TMPDIR/share" "$@" "$kernel" "$bin/microvm-init"
	echo "$output"
	[ "$status" = 0 ]
}

says() { # LINE
	grep -qFx "$1" <<<"$output"
}

@test "a kernel boots, and every device works" {
	boot
	says "processors: 1"
	says "files: a word from the host"
	says "random: 16"
	says "echo: hello, guest"
	says "end: power off"
	[ "$(stat -c '%a %s' "$BATS_TEST_TMPDIR/share/made/reply")" = "640 100000" ]
	[ "$(head -c 20 "$BATS_TEST_TMPDIR/share/made/reply")" = 01234567890123456789 ]
}
