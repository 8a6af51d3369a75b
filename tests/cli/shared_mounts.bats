#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # scripts are the container's
# Containers without a mount namespace of their own: in the host's, or in one that others
# are in. What they mount does not end with them, so somebody has to take it away; and
# what belongs to the others is not theirs to change.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# make_host DIR: a bundle in the host's mount namespace
make_host() {
	make_bundle "$1" copy
	config "$1" '.linux.namespaces |= map(select(.type != "mount")) |
		del(.linux.maskedPaths, .linux.readonlyPaths)'
}

# make_others NAME [PROPAGATION]: a mount namespace with one process, $others
make_others() {
	unshare -m --propagation "${2:-private}" sh -c 'echo $$ >pid; exec sleep 1000' \
		</dev/null >/dev/null 2>&1 3>&- &
	background+=($!)
	wait_for test -s pid
	others=$(cat pid)
	rm pid
}

# make_joined DIR: a bundle that joins it
make_joined() {
	make_host "$1"
	config "$1" '.linux.namespaces += [{ "type": "mount", "path": $p }]' \
		--arg p "/proc/$others/ns/mnt"
}

# Mounts of the test, as a process (default: bats) sees them.
mounts_of() { # [PID]
	awk -v own="$W/" 'index($5 "/", own) == 1 { print $5 }' "/proc/${1:-self}/mountinfo"
}

@test "the host's mount namespace: its own root, and the host's mounts beside" {
	make_host b
	script b 'readlink /proc/self/ns/mnt; [ -e /bin/busybox ] && [ ! -e /proc/1/root/etc/hostname ]
		echo $?; pwd; mount -t tmpfs t /tmp && echo mounted; grep -c / /proc/self/mountinfo'
	config b '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	cut -d ' ' -f 3- /proc/self/mountinfo >before
	expect 0 caisson run -b b c
	[ "$(sed -n 1p <<<"$output")" = "$(readlink /proc/self/ns/mnt)" ]
	[ "$(sed -n 2,4p <<<"$output")" = $'0\n/\nmounted' ]
	# it sees what lies below its root, and nothing of the host's
	[ "$(sed -n 5p <<<"$output")" -lt "$(($(wc -l <before) + 12))" ]
	nothing_left
}

@test "the host's mount namespace: nothing of it changes its propagation" {
	make_others own shared
	make_host b
	config b '.linux.rootfsPropagation = "rslave" | .process.args = ["sleep", "1000"]'
	cut -d ' ' -f 5,7- "/proc/$others/mountinfo" >before
	expect 0 nsenter -t "$others" -m "$CAISSON" --root "$STATE" run -d -b "$W/b" c
	[ -n "$(mounts_of "$others")" ]
	cut -d ' ' -f 5,7- "/proc/$others/mountinfo" | grep -v "^$W/" >during
	diff before during
	expect 0 nsenter -t "$others" -m "$CAISSON" --root "$STATE" delete --force c
	cut -d ' ' -f 5,7- "/proc/$others/mountinfo" | diff before -
}

@test "the host's mount namespace: exec goes to the container's root" {
	make_host b
	config b '.process.args = ["sleep", "1000"]'
	touch b/rootfs/marked
	expect 0 caisson run -d -b b c
	expect 0 caisson exec c sh -c 'ls -d /marked; pwd; readlink /proc/1/ns/mnt'
	is $'/marked\n/\n'"$(readlink /proc/self/ns/mnt)"
	expect 0 caisson exec --tty --console-socket "$(receive_tty "$W/tty" && echo "$W/tty")" \
		-d c sh -c 'ls -d /marked; tty'
	wait_for grep -q /dev/pts tty.out
	expect 0 caisson delete --force c
	nothing_left
}

@test "the host's mount namespace: exec does not enter what replaced the root" {
	make_host b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	mount -t tmpfs other b/rootfs
	expect 255 caisson exec c true
	says "the container's root is not mounted there any more"
	one_line
	umount b/rootfs
	expect 0 caisson exec c true
}

@test "the host's mount namespace: what is mounted on top is not ours to unmount" {
	make_host b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	mount -t tmpfs other b/rootfs
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 1 caisson delete c
	says "$W/b/rootfs: another mount covers the container's root"
	[ "$(findmnt -n -o SOURCE --mountpoint "$W/b/rootfs" | tail -n 1)" = other ]
	umount b/rootfs
	expect 0 caisson delete c
	nothing_left
}

@test "the host's mount namespace: delete lets a later mount be" {
	make_host b
	config b '.process.args = ["true"]'
	expect 0 caisson run -d -b b c
	wait_for is_status c stopped
	umount -R b/rootfs
	mount -t tmpfs other b/rootfs
	expect 0 caisson delete --force c
	[ "$(findmnt -n -o SOURCE --mountpoint "$W/b/rootfs")" = other ]
	umount b/rootfs
	nothing_left
}

@test "the host's mount namespace: a source keeps its peers, and gets no new ones" {
	make_host b
	mkdir source
	mount -t tmpfs source source
	mount --make-shared source
	mkdir source/below
	config b '.process.args = ["sleep", "1000"] |
		.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"]) |
		.mounts += [{ "destination": "/m", "type": "bind", "source": $s, "options": ["rbind"] }]' \
		--arg s "$W/source"
	expect 0 caisson run -d -b b c
	expect 0 caisson exec c mount -t tmpfs inner /m/below
	not findmnt --mountpoint "$W/source/below"
	expect 0 caisson delete --force c
	umount source
	nothing_left
}

@test "the host's mount namespace: a failure half-way leaves nothing mounted" {
	make_host b
	config b '.mounts += [{ "destination": "/x", "type": "tmpfs", "options": ["nonsense=1"] }]'
	refused nonsense caisson run -b b c
	refused nonsense caisson create -b b c
	make_host b
	config b '.process.args = ["/nothing"]'
	refused "no such file" caisson run -b b c
	make_host b
	config b '.hooks.createContainer = [{ "path": "/bin/false" }]'
	refused createContainer caisson run -b b c
}

@test "the host's mount namespace: createContainer hooks see the mounts" {
	make_host b
	config b '.hooks.createContainer = [{ "path": "/bin/sh", "args": ["sh", "-c",
		"findmnt -n -o FSTYPE --mountpoint " + $r + "/proc >" + $r + "/../seen"] }]' \
		--arg r "$W/b/rootfs"
	script b true
	expect 0 caisson run -b b c
	[ "$(cat b/seen)" = proc ]
	nothing_left
}

@test "the host's mount namespace: a damaged record is no reason to stay mounted" {
	make_host b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	echo nonsense >"$STATE/c/state.json"
	expect 0 caisson delete --force c
	nothing_left
}

@test "the host's mount namespace: who made the container needs no record to unmount" {
	make_host b
	mkdir go
	mkfifo go/fifo
	config b '.mounts += [{ "destination": "/tmp/go", "source": $s, "options": ["bind"] }]' --arg s "$W/go"
	script b 'cat /tmp/go/fifo >/dev/null; exit 7'
	"$CAISSON" --root "$STATE" run -b b c </dev/null >out 2>&1 3>&- &
	local run=$! status=0
	wait_for is_status c running
	rm -r "$STATE/c"
	echo go >go/fifo
	wait "$run" || status=$?
	[ "$status" = 7 ]
	[ -z "$(mounts_of)" ]
	nothing_left
	# a hook takes it away, and ends the creation
	config b '.hooks.createRuntime = [{ "path": "/bin/sh", "args": ["sh", "-c", "rm -r " + $s + "; exit 1"],
		"env": ["PATH=/usr/bin:/bin"] }]' --arg s "$STATE/c"
	refused createRuntime caisson create -b b c
	[ -z "$(mounts_of)" ]
}

@test "the host's mount namespace: what would hide things from the host is refused" {
	make_host b
	config b '.linux.maskedPaths = ["/proc/kcore"]'
	refused "linux.maskedPaths: unable to restrict sys entries" caisson run -b b c
	make_host b
	config b '.linux.readonlyPaths = ["/proc/sys"]'
	refused "linux.readonlyPaths: unable to restrict sys entries" caisson run -b b c
	make_host b
	config b '.root.readonly = true'
	refused "root.readonly: needs a mount namespace" caisson run -b b c
	make_host b
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = .linux.uidMappings'
	refused "a user namespace has no rights over the host's mounts" caisson run -b b c
	make_host b
	config b '.root.path = "/"'
	refused "root.path: / needs a mount namespace of its own" caisson run -b b c
	make_host b
	ln -s / link
	config b '.root.path = $l' --arg l "$W/link"
	refused "is the root of a mount namespace that others are in" caisson run -b b c
}

@test "check does not touch the host's mounts" {
	make_host b
	cat /proc/self/mountinfo >before
	expect 0 caisson check b
	diff before /proc/self/mountinfo
}

@test "a joined mount namespace: the root goes there, and leaves it" {
	make_others own
	make_joined b
	config b '.linux.maskedPaths = ["/proc/kcore"] | .root.readonly = true |
		.process.args = ["sleep", "1000"]'
	cut -d ' ' -f 3- "/proc/$others/mountinfo" >before
	expect 0 caisson run -d -b b c
	[ -z "$(mounts_of)" ]
	[ -n "$(mounts_of "$others")" ]
	[ "$(readlink "/proc/$(pid_of c)/ns/mnt")" = "$(readlink "/proc/$others/ns/mnt")" ]
	# not pivoted: who was there sees what it saw
	[ -d "/proc/$others/root$W" ]
	expect 0 caisson exec c sh -c 'ls /bin/busybox; touch /x 2>/dev/null || echo read-only'
	is $'/bin/busybox\nread-only'
	expect 0 caisson delete --force c
	cut -d ' ' -f 3- "/proc/$others/mountinfo" | diff before -
}

@test "a joined mount namespace: delete finds it without its path" {
	make_others own
	make_joined b
	ln -s "/proc/$others/ns/mnt" link
	config b '(.linux.namespaces[] | select(.type == "mount")).path = $p |
		.process.args = ["true"]' --arg p "$W/link"
	expect 0 caisson run -d -b b c
	wait_for is_status c stopped
	[ -n "$(mounts_of "$others")" ]
	rm link
	expect 0 caisson delete c
	[ -z "$(mounts_of "$others")" ]
}

@test "a joined mount namespace that is gone takes its mounts along" {
	make_others own
	make_joined b
	config b '.process.args = ["true"]'
	expect 0 caisson run -d -b b c
	wait_for is_status c stopped
	kill "$others"
	wait_for not test -e "/proc/$others/ns/mnt"
	expect 0 caisson delete c
	nothing_left
}

@test "a joined mount namespace: a new user namespace has no rights there" {
	make_others own
	make_joined b
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = .linux.uidMappings'
	refused "a new user namespace has no rights" caisson run -b b c
}

@test "a container's mounts do not spread to the peers of a shared namespace" {
	make_others own shared
	local first=$others
	# a peer of it
	nsenter -t "$first" -m unshare -m --propagation unchanged \
		sh -c "echo \$\$ >$W/pid; exec sleep 1000" </dev/null >/dev/null 2>&1 3>&- &
	background+=($!)
	wait_for test -s pid
	local peer
	peer=$(cat pid)
	others=$first
	make_joined b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	[ "$(mounts_of "$first" | wc -l)" -gt 3 ]
	# the kernel hands on what is attached to a shared mount; nothing below it follows
	[ "$(mounts_of "$peer" | wc -l)" -le 1 ]
	expect 0 caisson delete --force c
	[ -z "$(mounts_of "$first")" ]
	[ -z "$(mounts_of "$peer")" ]
}
