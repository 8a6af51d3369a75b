#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# caisson check: what it accepts starts, what it rejects is refused by create or run in
# the same words, it finds all faults, and it leaves no trace.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# Everything that a bundle and the host have, with the times of change.
trace() {
	find b -printf '%p %y %m %U:%G %s %T@ %C@\n' 2>/dev/null | sort
	leak_snapshot
	ls -A /dev/shm
}

# check STATUS: of the bundle b; no trace is left. The JSON says the same.
check() {
	local before
	before=$(trace)
	expect "$1" caisson check b
	if [ "$before" != "$(trace)" ]; then
		diff <(echo "$before") <(trace)
		return 1
	fi
	[ ! -e "$STATE" ]
	caisson check --format json b >check.json || [ "$1" = 1 ]
	[ "$(jq .starts check.json)" = "$([ "$1" = 0 ] && echo true || echo false)" ]
}

# rejected TEXT: by check, and in the same words by run
rejected() {
	check 1
	says "$1"
	one_line
	# 255: only executing the program failed
	expect 1 caisson run -b b c >/dev/null || [ "$status" = 255 ]
	says "$1"
	nothing_left
	rm -rf "$STATE"
}

@test "a bundle that starts: check says so, and leaves no trace" {
	make_bundle b copy
	check 0
	says 'would start'
	expect 0 caisson run -b b c
}

@test "what check accepts starts" {
	local filter
	for filter in \
		'.linux.namespaces += [{ "type": "user" }] |
			.linux.uidMappings = [{ "containerID": 0, "hostID": 0, "size": 65536 }] |
			.linux.gidMappings = .linux.uidMappings' \
		'.process.user = { "uid": 1000, "gid": 1000, "additionalGids": [29] }' \
		'.process.cwd = "/made/for/it"' \
		'.process.args = ["sh", "-c", ":"] | .process.cwd = "/tmp"' \
		'.process.rlimits = [{ "type": "RLIMIT_CORE", "soft": 0, "hard": 0 }]' \
		'.mounts += [{ "destination": "/new/below", "type": "bind", "source": "/usr", "options": ["rbind", "ro"] }]' \
		'.mounts += [{ "destination": "/etc/passwd", "type": "bind", "source": "/etc/passwd", "options": ["bind"] }]' \
		'.mounts += [{ "destination": "/bin", "type": "bind", "source": $bin, "options": ["rbind", "ro"] }]' \
		'.linux.sysctl = { "net.ipv4.ip_forward": "1" }' \
		'.hooks.startContainer = [{ "path": "/bin/true" }] | .hooks.poststop = [{ "path": "/bin/true" }]' \
		'.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{ "names": ["acct"], "action": "SCMP_ACT_ERRNO" }] }' \
		'.linux.devices = [{ "path": "/dev/fuse", "type": "c", "major": 10, "minor": 229 }]' \
		'.linux.namespaces |= map(select(.type != "cgroup"))' \
		'.root.readonly = false'; do
		rm -rf b
		make_bundle b copy
		config b "$filter" --arg bin "$ROOTFS/bin"
		check 0
		expect 0 caisson run -b b c
		rm -rf "$STATE"
	done
	nothing_left
}

@test "what check rejects is refused" {
	local text filter
	while IFS='|' read -r text filter; do
		rm -rf b
		make_bundle b copy
		printf '#!/opt/nosuch -x\n' >b/rootfs/bin/script
		printf '#!/bin/sh\r\n' >b/rootfs/bin/dos
		printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0\1\0\0\0%0100d' 0 >b/rootfs/bin/foreign
		cp "$(command -v jq)" b/rootfs/bin/dynamic
		chmod 755 b/rootfs/bin/{script,dos,foreign,dynamic}
		touch b/file
		config b "${filter//;/|}"
		echo "# $filter"
		rejected "$text"
	done <<-'CASES'
		process.cwd|.process.cwd = 7
		mounts[0].destination|.mounts[0].destination = 1
		process.selinuxLabel|.process.selinuxLabel = "nosuch"
		only a procfs|.mounts[0].type = "tmpfs"
		required unless|del(.mounts[1].type)
		nowhere|.root.path = "nowhere"
		not a directory|.root.path = "file"
		nosuchfs|.mounts += [{ "destination": "/x", "type": "nosuchfs" }]
		nosuchoption|.mounts[1].options += ["nosuchoption"]
		/nowhere/at/all|.mounts += [{ "destination": "/x", "type": "bind", "source": "/nowhere/at/all", "options": ["bind"] }]
		the other a file|.mounts += [{ "destination": "/etc", "type": "bind", "source": "/etc/passwd", "options": ["bind"] }]
		not a directory|.mounts += [{ "destination": "/etc/passwd/x", "type": "bind", "source": "/etc", "options": ["bind"] }]
		executable file not found in $PATH|.process.args = ["nosuch"]
		stat /nosuch: no such file|.process.args = ["/nosuch"]
		is a directory|.process.args = ["/etc"]
		"/etc/passwd": permission denied|.process.args = ["/etc/passwd"]
		/opt/nosuch|.process.args = ["script"]
		carriage return|.process.args = ["dos"]
		aarch64|.process.args = ["foreign"]
		ld-linux-x86-64.so.2|.process.args = ["/bin/dynamic"]
		/etc/passwd/nowhere|.process.cwd = "/etc/passwd/nowhere"
		process.rlimits[0]|.process.rlimits = [{ "type": "RLIMIT_NOFILE", "soft": 9999999999, "hard": 9999999999 }]
		not in linux.uidMappings|.process.user.uid = 7 ; .linux.namespaces += [{ "type": "user" }] ; .linux.uidMappings = [{ "containerID": 0, "hostID": 0, "size": 1 }] ; .linux.gidMappings = [{ "containerID": 0, "hostID": 0, "size": 65536 }]
		/nohook|.hooks.prestart = [{ "path": "/nohook" }]
		/etc/passwd|.hooks.createRuntime = [{ "path": "/etc/passwd" }]
		/nohook|.hooks.startContainer = [{ "path": "/nohook" }]
		/proc/self/ns/uts|(.linux.namespaces[] ; select(.type == "network")) += { "path": "/proc/self/ns/uts" }
		/nowhere|(.linux.namespaces[] ; select(.type == "network")) += { "path": "/nowhere" }
		memory controller|.linux.resources.memory.limit = 100000000
		SCMP_ACT_MAYBE|.linux.seccomp.defaultAction = "SCMP_ACT_MAYBE"
		net.ipv4.nosuch|.linux.sysctl = { "net.ipv4.nosuch": "1" }
		process.apparmorProfile|.process.apparmorProfile = "nosuch"
	CASES
}

@test "all faults are told at once, each with its place" {
	make_bundle b
	config b '.mounts += [{ "destination": "/x", "type": "nosuchfs" },
		{ "destination": "/y", "type": "bind", "source": "/nowhere", "options": ["bind"] },
		{ "destination": "/proc/x", "type": "tmpfs" }] | .process.args = ["nosuch"] |
		.hooks.prestart = [{ "path": "/nohook" }] | .process.selinuxLabel = "nosuch"'
	check 1
	[ "$(wc -l <<<"$output")" = 6 ]
	[ "$(jq -c '[.verdicts[] | select(.verdict == "fail").pointer] | sort' check.json)" = \
		'["/hooks/prestart/0/path","/mounts/10/destination","/mounts/8","/mounts/9","/process/args","/process/selinuxLabel"]' ]
	# faults of the text itself: all of the fields, too
	config b '.process.cwd = 7 | .mounts[0].destination = 1 | .hostname = []'
	check 1
	[ "$(wc -l <<<"$output")" = 3 ]
}

@test "no bundle, no config: one line" {
	expect 1 caisson check nowhere
	one_line
	mkdir b
	expect 1 caisson check b
	says 'config.json not found'
	one_line
	echo '{' >b/config.json
	expect 1 caisson check b
	one_line
}

@test "a group that is in use" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 1 caisson check b
	says 'not empty'
	expect 0 caisson delete --force c
	expect 0 caisson check b
}

@test "a caller with less capabilities" {
	make_bundle b
	requires setpriv
	expect 1 setpriv --bounding-set -kill --inh-caps -kill "$CAISSON" --root "$STATE" check b
	says 'process.capabilities'
	expect 1 setpriv --bounding-set -kill --inh-caps -kill "$CAISSON" --root "$STATE" run -b b c
	one_line
	expect 1 setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$CAISSON" --root "$STATE" check b
	says 'linux.namespaces'
	nothing_left
}

@test "a console socket that is none" {
	make_bundle b
	config b '.process.terminal = true'
	expect 0 caisson check b
	says 'unknown: process.terminal'
	touch file
	expect 1 caisson check --console-socket "$W/file" b
	says 'is not a socket'
	expect 1 caisson check --console-socket "$W/nowhere" b
	receive_tty "$W/socket"
	expect 0 caisson check --console-socket "$W/socket" b
	# nobody has connected to it
	expect 0 caisson create --console-socket "$W/socket" -b b c
}

@test "no hook runs, and no fifo or device holds it" {
	make_bundle b copy
	printf '#!/bin/sh\ntouch %s/ran\n' "$W" >hook
	chmod 755 hook
	config b '.hooks = { "prestart": [{ "path": $h }], "createContainer": [{ "path": $h }],
		"poststop": [{ "path": $h }] }' --arg h "$W/hook"
	check 0
	[ ! -e ran ]
	mkfifo fifo b/rootfs/bin/fifo
	chmod 755 fifo b/rootfs/bin/fifo
	config b '.hooks.prestart[0].path = $h' --arg h "$W/fifo"
	LIMIT=15 expect 1 caisson check b
	config b 'del(.hooks) | .process.args = ["fifo"]'
	LIMIT=15 expect_any caisson check b
	mkfifo b/fifo.json
	LIMIT=15 expect 1 caisson check --config fifo.json b
}
