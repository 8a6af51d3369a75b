#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # single-quoted scripts are the container's
# What the systemd driver refuses: names, properties and hosts. All of it before anything
# is made, so systemd is never asked.

load helpers

# with_mounts COMMANDS ARGUMENT...: the runtime where COMMANDS have changed what is mounted
with_mounts() {
	local commands=$1
	shift
	unshare -m --propagation private bash -c "set -e; $commands"'; exec timeout --preserve-status "${LIMIT:-60}" "$0" "$@"' \
		"$CAISSON" --root "$STATE" --systemd-cgroup "$@"
}

@test "CVE-2024-3154: an annotation sets no other property" {
	bundle b
	for name in ExecStart ExecStartPre ExecStopPost User Environment DevicePolicy DeviceAllow Delegate Slice PIDs \
		Wants Requires OnFailure Conflicts JoinsNamespaceOf MemoryMax RootDirectory BindPaths NoSuchProperty ''; do
		config b '.annotations = {("org.systemd.property." + $n): "true"}' --arg n "$name"
		refused "annotations['org.systemd.property.$name']: this property may not be set so" scoped run -b b c
	done
	config b '.annotations = {"org.systemd.property.KillMode": "7"}'
	refused 'must be a string in quotes' scoped run -b b c
	no_unit
}

@test "a cgroupsPath that is no slice:prefix:name is refused" {
	bundle b
	for path in / /a/b a/b ../.. a.slice:b a.slice:b:c:d :: a.slice:b: a:b:c .slice:b:c a.service:b:c ../a.slice:b:c \
		/a.slice:b:c a.slice:../b:c a.slice:b:../../c $'a.slice:b:c\n' 'a.slice:b:c d' 'a.slice:b:c@d' \
		'a.slice:b:$(c)' -a.slice:b:c a-.slice:b:c a--b.slice:b:c a.slice:b:c.slice; do
		config b '.linux.cgroupsPath = $p' --arg p "$path"
		refused linux.cgroupsPath scoped run -b b c
	done
	config b '.linux.cgroupsPath = ("n" * 4096)'
	refused linux.cgroupsPath scoped run -b b c
}

@test "a host in hybrid mode, or without systemd, is refused, and what to do instead is said" {
	bundle b
	mkdir tree
	hybrid='mount --bind /sys/fs/cgroup tree; mount -t tmpfs tmpfs /sys/fs/cgroup
		mkdir /sys/fs/cgroup/unified; mount --move tree /sys/fs/cgroup/unified'
	refused 'controllers are in cgroup v1 hierarchies (hybrid mode)' with_mounts "$hybrid" run -b b c
	says '--cgroup-manager cgroupfs'
	refused 'this host has no cgroup2' with_mounts 'mount -t tmpfs tmpfs /sys/fs/cgroup' run -b b c
	refused 'there is no systemd on this host' with_mounts 'mount -t tmpfs tmpfs /run/systemd' run -b b c
	says '--cgroup-manager cgroupfs'
}

@test "a systemd that does not listen is named" {
	requires python3
	bundle b
	dead='mount -t tmpfs tmpfs /run/systemd; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"/run/systemd/private\")"'
	refused 'connect to /run/systemd/private: connection refused' with_mounts "$dead" run -b b c
}

@test "a systemd that does not answer is not waited for against one's will" {
	requires python3
	bundle b
	mute='mount -t tmpfs tmpfs /run/systemd
		python3 -c "
import os, socket
s = socket.socket(socket.AF_UNIX)
s.bind(\"/run/systemd/private\")
s.listen()
if os.fork() == 0:
	c = s.accept()[0]
	while c.recv(4096): pass
"'
	begin=$SECONDS
	export LIMIT=2
	expect 1 with_mounts "$mute" run -b b c
	says 'interrupted by SIGTERM'
	[ $((SECONDS - begin)) -lt 60 ]
	nothing_left
}
