#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # filters are jq's; tests are subshells
# Kernels that distributions ship, as they are, beside the test machine's own: an older
# release's for clouds and its generic one. Each is named by the bundle, by an option, and
# finds its modules below /lib/modules.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	cp -a "$BATS_TEST_DIRNAME"/../../kernels/lib/modules/* /lib/modules/
}

kernel() { # cloud|generic
	local all=("$BATS_TEST_DIRNAME"/../../kernels/boot/vmlinuz-*)
	local cloud=("$BATS_TEST_DIRNAME"/../../kernels/boot/vmlinuz-*-cloud-*)
	if [ "$1" = cloud ]; then
		realpath "${cloud[0]}"
	else
		printf '%s\n' "${all[@]}" | grep -v -- -cloud- | xargs realpath
	fi
}

boots() { # KERNEL
	local version=${1##*/vmlinuz-}
	export LIMIT=240
	make_bundle b copy
	script b 'uname -r; grep -c ^processor /proc/cpuinfo; echo hello >/written; head -c 9 /proc/sys/kernel/random/boot_id'
	config b '.vm = { kernel: { path: $k }, hwConfig: { vcpus: 2, memory: 268435456 } }' --arg k "$1"
	expect 0 caisson run --isolation=vm -b b c
	says "$version
2"
	[ "$(cat b/rootfs/written)" = hello ]
	config b 'del(.vm)'
	expect 0 caisson run --isolation=vm --kernel "$1" -b b c
	says "$version"
	nothing_left
}

@test "a kernel for clouds of an older release" {
	boots "$(kernel cloud)"
}

@test "a generic kernel" {
	boots "$(kernel generic)"
}

@test "a kernel without modules of its own is refused, and nothing is left" {
	make_bundle b
	cp "$(kernel cloud)" kernel
	version=$(basename "$(kernel cloud)")
	version=${version#vmlinuz-}
	mv "/lib/modules/$version" "/lib/modules/$version.away"
	expect 1 caisson run --isolation=vm --kernel kernel -b b c
	mv "/lib/modules/$version.away" "/lib/modules/$version"
	says "no /lib/modules/$version"
	one_line
	nothing_left
}
