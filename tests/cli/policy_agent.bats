#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # scripts are the container's, and filters jq's
# policy agent: what it answers and does for containers, and who tries to make more of it.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	command -v python3 >/dev/null || skip_all "needs the program python3"
}

agent() { # RULES
	echo "$1" >rules.json
	rm -f agent
	"$CAISSON" policy agent --listen "$W/agent" rules.json >told 2>agent.err 3>&- &
	AGENT=$!
	background+=("$AGENT")
	wait_for test -S agent
}

# The container's root, with these capabilities, asks the agent about these calls.
supervised() { # CAPABILITIES-AS-JSON CALLS-AS-JSON
	make_bundle b copy
	config b '.process.noNewPrivileges = false | .process.capabilities |= with_entries(.value = $c) |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: ($w + "/agent"),
			listenerMetadata: "meta", syscalls: [{names: $n, action: "SCMP_ACT_NOTIFY"}]}' \
		--arg w "$W" --argjson c "$1" --argjson n "$2"
}

in_userns() {
	chown -R 100000:100000 b/rootfs
	chmod 755 b
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
}

# send TEXT WHAT: to the agent, with a descriptor: of a file, a pipe, none, or never ending
send() {
	python3 - "$1" "$2" <<-'END'
		import array, os, socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.connect("agent")
		fd = {"file": lambda: os.open("/dev/null", 0), "pipe": lambda: os.pipe()[0], "none": lambda: -1,
		      "socket": lambda: socket.socket(socket.AF_UNIX).detach()}[sys.argv[2]]()
		fds = [] if fd < 0 else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
		text = sys.argv[1].encode()
		if text == b"huge":
		    text = b" " * 200000
		try:
		    s.sendmsg([text[:60000]], fds)
		    s.sendall(text[60000:])
		except OSError:
		    pass
	END
}

@test "policy agent: allow, log and errno, by call and by metadata" {
	agent '{ "default": { "action": "errno", "errnoRet": 38 }, "rules": [
		{ "names": ["rmdir"], "metadata": "another", "action": "errno", "errnoRet": 5 },
		{ "names": ["rmdir"], "metadata": "meta", "action": "errno", "errnoRet": 95 },
		{ "names": ["mkdir", "mkdirat"], "action": "log" },
		{ "names": ["sync"], "action": "allow" }] }'
	supervised '[]' '["mkdir", "mkdirat", "rmdir", "sync", "chmod"]'
	script b 'mkdir /new && sync && chmod 700 /new; rmdir /new; ls -d /new'
	expect 0 caisson run -b b c
	says '/new: Function not implemented'
	says 'Operation not supported'
	says $'\n/new'
	[ "$(jq -r '[.container, .syscall, .answer, .errno] | join(" ")' told)" = 'c mkdir allow 0
c chmod errno 38
c rmdir errno 95' ]
}

@test "policy agent: exec'd processes are asked about, too" {
	agent '{ "rules": [{ "names": ["mkdir"], "action": "errno", "errnoRet": 95 }] }'
	supervised '[]' '["mkdir"]'
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 1 caisson exec c mkdir /new
	says 'Operation not supported'
	expect 1 caisson exec c mkdir /new
	says 'Operation not supported'
}

@test "policy agent: a startContainer hook is asked about, too" {
	agent '{ "rules": [{ "names": ["mkdir"], "action": "errno", "errnoRet": 95 }] }'
	supervised '[]' '["mkdir"]'
	printf '#!/bin/sh\nmkdir /new 2>/said; :\n' >b/rootfs/hook
	chmod 755 b/rootfs/hook
	config b '.hooks.startContainer = [{path: "/hook"}] | .process.args = ["cat", "/said"]'
	expect 0 caisson run -b b c
	says 'Operation not supported'
	[ "$(jq -r '[.container, .syscall] | join(" ")' told)" = 'c mkdir' ]
}

@test "policy agent: makes harmless devices, in a user namespace and without one" {
	local where
	for where in without in_userns; do
		agent '{ "rules": [{ "names": ["mknod", "mknodat"], "action": "mknod", "devices": ["c 1:3", "c 1:9"] }] }'
		supervised '["CAP_MKNOD"]' '["mknod", "mknodat"]'
		[ $where = without ] || in_userns
		script b 'umask 027; mkdir /d; cd /d; mknod n c 1 3 && mknod ../u c 1 9 && mkfifo f
			stat -c "%n %F %a %u %t:%T" n ../u f
			mknod m c 1 1; mknod k b 8 0; mknod n c 1 3; mknod /nowhere/n c 1 3'
		expect 1 caisson run -b b c
		says $'n character special file 640 0 1:3\n../u character special file 640 0 1:9\nf fifo 640 0 0:0'
		says 'm: Operation not permitted'
		says 'k: Operation not permitted'
		says 'n: File exists'
		says '/nowhere/n: No such file or directory'
		[ "$(jq -r 'select(.answer == "done").syscall' told | sort -u)" = mknodat ]
		kill "$AGENT"
		rm -rf b
	done
}

@test "policy agent: makes no device for who could not make one in its own namespace" {
	agent '{ "rules": [{ "names": ["mknod", "mknodat"], "action": "mknod" }] }'
	supervised '["CAP_CHOWN"]' '["mknod", "mknodat"]'
	script b 'mknod /n c 1 3; mkfifo /f && echo fifo; ls /n'
	expect 1 caisson run -b b c
	says 'n: Operation not permitted'
	says fifo
	# nor where the caller may not write
	supervised '["CAP_MKNOD"]' '["mknod", "mknodat"]'
	config b '.process.user = {uid: 1000, gid: 1000} | .process.capabilities.inheritable = ["CAP_MKNOD"] |
		.process.capabilities.ambient = ["CAP_MKNOD"]'
	script b 'mknod /n c 1 3; mknod /tmp/n c 1 3 && stat -c "%u %F" /tmp/n'
	expect 0 caisson run -b b c
	says '/n: Permission denied'
	says '1000 character special file'
}

@test "policy agent: mounts a tmpfs, but nothing else" {
	local where
	for where in without in_userns; do
		agent '{ "rules": [{ "names": ["mount"], "action": "mount", "types": ["tmpfs"] }] }'
		supervised '["CAP_SYS_ADMIN"]' '["mount"]'
		[ $where = without ] || in_userns
		script b 'mkdir /mnt; mount -t tmpfs -o size=64k,noexec none /mnt && grep " /mnt " /proc/self/mounts; touch /mnt/x
			mount -t proc none /mnt; mount --bind / /mnt; mount -t tmpfs -o uid=0 none /mnt
			mount -t tmpfs none /proc/1/root/mnt; mount -o remount,suid /mnt; ls /mnt'
		expect 0 caisson run -b b c
		says 'none /mnt tmpfs rw,nosuid,nodev,noexec,'
		says 'size=64k'
		says $'\nx'
		[ "$(grep -o 'Operation not permitted\|permission denied' <<<"$output" | wc -l)" -ge 4 ]
		[ "$(jq -s 'map(select(.answer == "done")) | length' told)" = 1 ]
		kill "$AGENT"
		rm -rf b
	done
}

@test "policy agent: whoever sends nonsense is turned away, and nobody else is" {
	local text what
	agent '{ "rules": [{ "names": ["mkdir"], "action": "errno", "errnoRet": 95 }] }'
	local good='{"ociVersion":"1.0.2","fds":["seccompFd"],"pid":1,"metadata":"","state":{"id":"x"}}'
	for what in file pipe socket none; do
		for text in "$good" '{' '{}' '[]' 'null' "${good/seccompFd/other}" "${good/1,/-1,}" huge; do
			send "$text" $what
		done
	done
	[ "$(wc -l <agent.err)" = 32 ]
	grep -q 'is no seccomp listener' agent.err
	# ones that never send do not keep others out, nor do more than there is room for
	python3 -c '
import socket, time
s = [socket.socket(socket.AF_UNIX) for _ in range(10)]
for one in s: one.connect("agent")
time.sleep(1000)' 3>&- &
	background+=($!)
	supervised '[]' '["mkdir"]'
	config b '.process.args = ["mkdir", "/x"]'
	expect 1 caisson run -b b c
	says 'Operation not supported'
	kill -0 "$AGENT"
}

@test "policy agent: a flood from one container, which is then killed, does not keep another waiting" {
	agent '{ "rules": [{ "names": ["mkdir"], "action": "errno", "errnoRet": 95 },
		{ "names": ["mknod", "mknodat"], "action": "mknod" }] }'
	supervised '["CAP_MKNOD"]' '["mkdir", "mknod", "mknodat"]'
	script b 'for i in 1 2 3 4 5 6 7 8; do (while :; do mknod /f$i p; rm /f$i; mkdir /x 2>/dev/null; done) & done; wait'
	expect 0 caisson run -d -b b flood
	wait_for grep -q mknod told
	mv b b2
	supervised '[]' '["mkdir"]'
	config b '.process.args = ["sh", "-c", "for i in 1 2 3 4 5; do mkdir /x; done"] | .linux.cgroupsPath += "2"'
	LIMIT=30 expect 1 caisson run -b b c
	[ "$(grep -c 'Operation not supported' <<<"$output")" = 5 ]
	expect 0 caisson delete --force flood
	LIMIT=30 expect 1 caisson run -b b c
	kill "$AGENT"
	wait "$AGENT"
	[ ! -e agent ] # and it cleans up
}

@test "policy agent: nobody who reads its lines is no reason to keep a container waiting" {
	mkfifo told
	exec 8<>told
	agent '{ "rules": [{ "names": ["mkdir"], "action": "errno", "errnoRet": 95 }] }'
	supervised '[]' '["mkdir"]'
	# some 150 bytes a line, and a pipe holds 64 KiB
	script b 'i=0; while [ $i -lt 600 ]; do mkdir /x 2>/dev/null; i=$((i + 1)); done; mkdir /x'
	LIMIT=60 expect 1 caisson run -b b c
	says 'Operation not supported'
	exec 8<&-
}

@test "policy agent: rules that are refused, each with its place" {
	bad() { # TEXT RULES
		echo "$2" >rules.json
		expect 1 caisson policy agent --listen "$W/agent" rules.json
		says "rules.json: $1"
		one_line
		[ ! -e agent ]
	}
	bad 'line 1' '{'
	bad 'rules[0].names: is required' '{"rules": [{"action": "allow"}]}'
	bad 'rules[0].action: is required' '{"rules": [{"names": ["read"]}]}'
	bad 'rules[0].action' '{"rules": [{"names": ["read"], "action": "what"}]}'
	bad 'rules[0].errnoRet: can only be given with errno' '{"rules": [{"names": ["read"], "action": "allow", "errnoRet": 1}]}'
	bad 'rules[0].errnoRet' '{"rules": [{"names": ["read"], "action": "errno", "errnoRet": 5000}]}'
	bad 'rules[0].names: "read": cannot be done by mknod' '{"rules": [{"names": ["read"], "action": "mknod"}]}'
	bad 'rules[0].devices[0]' '{"rules": [{"names": ["mknod"], "action": "mknod", "devices": ["c 1"]}]}'
	bad 'rules[0].types[0]' '{"rules": [{"names": ["mount"], "action": "mount", "types": ["proc"]}]}'
	bad 'rules[0].types: is required' '{"rules": [{"names": ["mount"], "action": "mount"}]}'
	bad 'default.action' '{"default": {"action": "mount", "types": ["tmpfs"]}}'
	expect 1 caisson policy agent rules.json
	says '--listen is required'
	echo '{}' >rules.json
	: >taken
	expect 1 caisson policy agent --listen "$W/taken" rules.json
	[ -f taken ]
}
