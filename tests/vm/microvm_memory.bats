#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a microVM takes of the host's memory, under nested KVM: the guest's own, which comes
# back when the guest has freed it, and what the monitor adds to it.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
}

# KiB that are resident of the container's monitor: guest, the guest's memory, which alone is not
# for children (VmFlags dc), and own, all else.
resident() {
	local pid
	pid=$(pid_of c)
	read -r guest own < <(awk '
		/^Rss:/ { rss = $2 }
		/^VmFlags:/ { if (/ dc( |$)/) guest += rss; else own += rss }
		END { print guest + 0, own + 0 }' "/proc/$pid/smaps")
}

@test "what a guest frees is the host's again, and its monitor takes at most 4 MiB" {
	local full guest own
	make_bundle b copy
	config b '.process.args = ["sleep", "1000"]
		| .mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs", options: ["size=200m"]}]'
	export LIMIT=240
	expect 0 caisson run -d --isolation=vm -b b c
	expect 0 caisson exec c dd if=/dev/zero of=/data/file bs=1M count=100
	resident
	full=$guest
	echo "# guest: $full KiB, of them 102400 a file's; monitor: $own KiB" >&3
	[ "$full" -gt 102400 ]
	[ "$own" -gt 0 ]
	[ "$own" -le 4096 ]
	expect 0 caisson exec c rm /data/file
	# it reports some seconds later, and only what hangs together
	gone() { resident && [ "$guest" -lt $((full - 65536)) ]; }
	wait_for gone
	echo "# guest without it: $guest KiB" >&3
	# and memory that was given back is there when it is wanted
	expect 0 caisson exec c sh -c 'dd if=/dev/zero of=/data/file bs=1M count=100 && tr -d "\0" </data/file | wc -c'
	says 0
	expect 0 caisson delete --force c
	nothing_left
}
