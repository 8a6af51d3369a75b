#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # scripts are the container's; tests are subshells
# A container in a microVM, under nested KVM: the same commands, the same bundle.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
}

# The guest's kernel is the test machine's, so what tells them apart is what a boot makes.
boot_id=/proc/sys/kernel/random/boot_id

in_a_guest() {
	make_bundle b copy
	config b '.root.readonly = false'
	export LIMIT=240
}

@test "run: streams and exit status, on a kernel of its own" {
	in_a_guest
	config b '.hostname = "inside"'
	script b "cat $boot_id; hostname; cat; echo complaint >&2; echo \$\$ >/written; exit 7"
	expect_any sh -c 'echo through | "$0" --root "$1" run --isolation=vm -b b c' "$CAISSON" "$STATE"
	[ "$status" = 7 ]
	says inside
	says through
	says complaint
	not says "$(cat $boot_id)"
	[ "$(cat b/rootfs/written)" = 1 ]
	nothing_left
}

@test "create, start, state, list, pause, kill and delete" {
	in_a_guest
	script b 'trap "echo asked >/end; exit 5" TERM; while :; do date +%s%N >/beat; sleep 0.1; done'
	expect 0 caisson create --isolation=vm --pid-file pid -b b c
	is_status c created
	[ "$(cat pid)" = "$(pid_of c)" ]
	[ ! -e b/rootfs/beat ]
	expect 0 caisson start c
	wait_for test -s b/rootfs/beat
	is_status c running
	caisson list | grep -q '^c .*running'

	expect 0 caisson pause c
	is_status c paused
	local before
	before=$(cat b/rootfs/beat)
	sleep 1
	[ "$(cat b/rootfs/beat)" = "$before" ]
	expect 0 caisson resume c
	is_status c running
	beats() { [ "$(cat b/rootfs/beat)" != "$before" ]; }
	wait_for beats

	expect 0 caisson kill c TERM
	wait_for is_status c stopped
	[ "$(cat b/rootfs/end)" = asked ]
	expect 0 caisson delete c
	nothing_left
}

@test "delete --force: the guest is gone with its monitor" {
	in_a_guest
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --isolation=vm -b b c
	local pid
	pid=$(pid_of c)
	expect 0 caisson delete --force c
	[ ! -d "/proc/$pid" ]
	nothing_left
}

@test "binds: both ways, and read-only on the host's side" {
	in_a_guest
	mkdir shared fixed
	echo "from the host" >shared/in
	echo stays >fixed/f
	chmod 777 shared fixed
	config b '.mounts += [{ destination: "/tmp/s", source: $s, options: ["bind"] },
		{ destination: "/tmp/f", source: $f, options: ["bind", "ro"] }]' --arg s "$W/shared" --arg f "$W/fixed"
	script b 'cat /tmp/s/in; echo "from the guest" >/tmp/s/out; echo lost >/tmp/f/f; cat /tmp/f/f'
	expect 0 caisson run --isolation=vm -b b c
	says "from the host"
	says "stays"
	says "ead-only"
	[ "$(cat shared/out)" = "from the guest" ]
	[ "$(cat fixed/f)" = stays ]
	nothing_left
}

@test "whoever may mount in the guest cannot write what the host keeps read-only" {
	in_a_guest
	mkdir fixed
	echo stays >fixed/f
	config b '.mounts += [{ destination: "/tmp/f", source: $f, type: "rbind", options: ["ro"] }] |
		.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' --arg f "$W/fixed"
	script b 'mount -o remount,bind,rw /tmp/f && grep " /tmp/f " /proc/mounts; echo lost >/tmp/f/f; cat /tmp/f/f'
	expect 0 caisson run --isolation=vm -b b c
	says " rw," # the guest's mount is, by now
	says "ead-only"
	says stays
	[ "$(cat fixed/f)" = stays ]
	nothing_left
}

@test "a read-only root gets the mount points that its image lacks, and is so on the host's side" {
	in_a_guest
	config b '.root.readonly = true | .mounts += [{ destination: "/new/point", type: "tmpfs", source: "tmpfs" }] |
		.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	script b 'echo works >/new/point/f && cat /new/point/f; echo lost >/new/f
		mount -o remount,bind,rw / && grep " / " /proc/mounts; echo lost >/new/f; rm -r /etc/passwd; ls -A /new'
	expect 0 caisson run --isolation=vm -b b c
	says works
	says " rw," # the guest's mount is, by now
	[ "$(grep -c "ead-only" <<<"$output")" = 3 ]
	[ "$(ls -A b/rootfs/new)" = point ]
	[ -s b/rootfs/etc/passwd ]
	# exec finds it as it is
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --isolation=vm -b b c
	expect 1 caisson exec c touch /new/f
	says "ead-only"
	expect 0 caisson delete --force c
	nothing_left
}

@test "a bind shows the mounts below its source only if it is recursive" {
	in_a_guest
	mkdir -p source/below
	mount -t tmpfs none source/below
	touch source/below/file
	config b '.mounts += [{ destination: "/tmp/s", source: $s, options: [$how] }]' --arg s "$W/source" --arg how bind
	script b 'ls /tmp/s/below; echo looked'
	expect 0 caisson run --isolation=vm -b b c
	is looked
	config b '.mounts[-1].options = ["rbind"]'
	expect 0 caisson run --isolation=vm -b b c
	says file
	umount source/below
	nothing_left
}

@test "what the host changes is seen at the next open, though the guest keeps what it has read" {
	in_a_guest
	mkdir source
	echo one >source/f
	sleep 3
	config b '.mounts += [{ destination: "/tmp/s", source: $s, options: ["bind"] }]' --arg s "$W/source"
	script b 'cd /tmp/s; cat f; cat f; echo >ready; until [ -e go ]; do sleep 0.1; done; cat f; for n in 1 2; do
		(for i in $(seq 200); do echo $n $i >>all; done) & done; wait'
	caisson run --isolation=vm -b b c >out 2>&1 3>&- &
	background+=($!)
	wait_for test -e source/ready
	echo two >source/f
	touch source/go
	wait "${background[-1]}"
	[ "$(cat out)" = $'one\none\ntwo' ]
	[ "$(sort -u source/all | wc -l)" = 400 ] # of two who append nobody's is lost
	nothing_left
}

@test "the monitor is in jail: an empty root, few capabilities, a filter for each thread" {
	in_a_guest
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --isolation=vm -b b c
	local pid thread
	pid=$(pid_of c)
	[ -z "$(ls -A "/proc/$pid/root/")" ]
	[ "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)" ]
	[ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
	grep -qx 'CapBnd:	0000000000000000' "/proc/$pid/status"
	grep -qx 'NoNewPrivs:	1' "/proc/$pid/status"
	for thread in "/proc/$pid/task"/*; do
		grep -qx 'Seccomp_filters:	2' "$thread/status"
	done
	expect 0 caisson delete --force c
	nothing_left
}

@test "vm.kernel.initrd: the kernel unpacks it as well, and the first process is ours" {
	in_a_guest
	mkdir theirs
	head -c 9000000 /dev/urandom >theirs/ballast
	printf '#!/bin/sh\nexit 1\n' >theirs/init
	chmod +x theirs/init
	(cd theirs && find . | busybox cpio -o -H newc) >plain
	gzip -1 <plain >packed
	config b '.vm = {kernel: {path: $k, initrd: $i}, hwConfig: {memory: 536870912}} |
		.process.capabilities |= map_values(. + ["CAP_SYSLOG"])' --arg k "/boot/vmlinuz-$(uname -r)" --arg i "$W/plain"
	script b 'dmesg | grep -E "Freeing initrd|unpacking failed"; echo runs'
	local initrd
	for initrd in plain packed; do
		config b '.vm.kernel.initrd = $i' --arg i "$W/$initrd"
		expect 0 caisson run -b b c
		says runs
		not says "unpacking failed"
		[[ $output =~ "Freeing initrd memory: "([0-9]+)K ]]
		[ "${BASH_REMATCH[1]}" -ge 8789 ]
	done
	config b '.vm.kernel.initrd = $i' --arg i "$W/nosuch"
	refused "vm.kernel.initrd: open $W/nosuch" caisson run -b b c
}

@test "what fails in the guest says what a container says" {
	in_a_guest
	config b '.process.args = ["nothing-of-that-name"]'
	expect 1 caisson run --isolation=vm -b b c
	says "executable file not found in \$PATH"
	one_line
	nothing_left
}

@test "hooks: the runtime's on the host, createContainer beside the guest's network, startContainer in the guest" {
	in_a_guest
	hook() { # KIND SCRIPT
		config b ".hooks.$1 += [{ path: \"/bin/sh\", args: [\"sh\", \"-c\", \$s] }]" --arg s "$2"
	}
	hook createRuntime "echo runtime >>$W/order; readlink /proc/self/ns/net >$W/runtime"
	hook createContainer "echo container >>$W/order; cat >$W/told; readlink /proc/self/ns/net >$W/container
		touch ./made; mount -t tmpfs tmpfs ./tmp; touch ./tmp/inside"
	hook startContainer 'cat >/started; echo >>/started; cat /proc/sys/kernel/random/boot_id >>/started'
	script b 'ls /made; cat /proc/sys/kernel/random/boot_id; sleep 1000'
	caisson run -d --isolation=vm -b b c >out 2>&1 3>&-
	wait_for grep -q - out
	[ "$(cat order)" = $'runtime\ncontainer' ]
	[ "$(cat runtime)" = "$(readlink /proc/self/ns/net)" ]
	[ "$(cat container)" = "$(readlink "/proc/$(pid_of c)/ns/net")" ]
	[ "$(jq -r '.status, .pid' told)" = "creating"$'\n'"$(pid_of c)" ]
	grep -qx /made out
	[ ! -e b/rootfs/tmp/inside ]
	head -n 1 b/rootfs/started | jq -e '.id == "c" and .status == "created" and .pid == 1'
	[ "$(tail -n 1 b/rootfs/started)" = "$(tail -n 1 out)" ]
	expect 0 caisson delete --force c

	hook createContainer 'echo the reason >&2; exit 3'
	expect 1 caisson run --isolation=vm -b b c
	says "createContainer hook #1"
	says "the reason"
	one_line
	nothing_left
}

@test "what is not there yet is refused by name" {
	in_a_guest
	config b '.mounts += [{ destination: "/x", type: "bind", source: "/srv", options: ["bind", "idmap"] }]'
	expect 1 caisson run --isolation=vm -b b c
	says "idmap: not supported in a microVM yet"
	nothing_left
}
