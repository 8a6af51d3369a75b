#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the hooks'
# Whoever is talked to misbehaves: hooks, and the receivers of terminals, pidfds and
# seccomp listeners. Every command ends in time, with success or one line, and a failed
# one has undone everything.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# hook KIND SCRIPT: of bundle b, with a time limit of two seconds
hook() {
	printf '#!/bin/sh\nstate=$(cat)\n%s\n' "$2" >hook
	chmod 755 hook
	make_bundle b
	config b '.hooks[$k] = [{ "path": $p, "timeout": $t, "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] }] |
		.process.args = ["sleep", "1000"]' --arg k "$1" --arg p "$W/hook" --argjson t "${TIMEOUT:-60}"
}

# misbehaves KIND SCRIPT TEXT: run says the text and is undone
misbehaves() {
	hook "$1" "$2"
	local begin=$SECONDS
	expect 1 caisson run -d -b b c
	[ $((SECONDS - begin)) -lt 60 ]
	one_line
	says "$1 hook #0"
	says "$3"
	caisson delete --force c >/dev/null 2>&1 || true
	nothing_left
}

# endures KIND SCRIPT: run works all the same
endures() {
	hook "$1" "$2"
	expect 0 caisson run -d -b b c
	is_status c running
	expect 0 caisson delete --force c
	nothing_left
}

@test "hooks that fail: by status, by signal, without a word, with control characters" {
	local kind
	for kind in prestart createRuntime createContainer poststart; do
		misbehaves "$kind" 'echo what; exit 7' 'what'
		misbehaves "$kind" 'kill -9 $$' ''
		misbehaves "$kind" 'printf "\033[31mred\001\nline two\n" >&2; exit 1' 'line two'
		misbehaves "$kind" 'exit 255' '255'
	done
}

@test "hooks that do not end: asleep, stopped, deaf to signals, spinning" {
	local kind TIMEOUT=2
	for kind in prestart createContainer poststart; do
		misbehaves "$kind" 'exec sleep 1000' ''
	done
	misbehaves prestart 'kill -STOP $$' ''
	misbehaves prestart 'trap "" TERM INT HUP; while :; do sleep 1; done' ''
	misbehaves prestart 'while :; do :; done' ''
}

@test "hooks that write without end: their time limit holds, and memory does not grow" {
	local TIMEOUT=2
	misbehaves prestart 'exec cat /dev/zero' ''
	misbehaves prestart 'yes >&2' ''
	(
		sanitized || ulimit -v 65536 # it needs terabytes
		misbehaves createRuntime 'head -c 300000000 /dev/zero | tr "\0" x; exit 3' ''
	)
}

@test "hooks that close, fork and stay" {
	local TIMEOUT=20 # less than they sleep
	endures prestart 'exec 0<&- 1>&- 2>&-'
	endures prestart 'sleep 30 >/dev/null 2>&1 </dev/null &'
	endures createContainer 'sleep 30 </dev/null >/dev/null 2>&1 &'
	endures prestart 'head -c 100000 /dev/zero'
}

@test "hooks that take the container's things away" {
	local script
	for script in 'rm -rf "$(dirname "$0")/b"' 'rm -f "$(dirname "$0")/state/c/state.json"' \
		'kill -9 "$(echo "$state" | sed "s/.*\"pid\": *\([0-9]*\).*/\1/")"' \
		'rm -rf "$(dirname "$0")/state/c"' 'kill -STOP "$(echo "$state" | sed "s/.*\"pid\": *\([0-9]*\).*/\1/")"; (sleep 1; kill -CONT "$(echo "$state" | sed "s/.*\"pid\": *\([0-9]*\).*/\1/")") </dev/null >/dev/null 2>&1 &'; do
		hook createRuntime "$script"
		expect_any caisson run -d -b b c
		[ "$status" = 0 ] || one_line
		expect_any caisson delete --force c
		wait_for nothing_left || nothing_left
	done
}

@test "hooks that call the runtime on the container that is being made" {
	local command
	for command in 'state c' 'kill c KILL' 'list' 'exec c true' 'pause c' 'start c'; do
		hook createRuntime "timeout 1 $CAISSON --root $STATE $command; :"
		expect_any caisson run -d -b b c
		[ "$status" = 0 ] || one_line
		expect 0 caisson delete --force c
		nothing_left
	done
}

@test "files that are no hooks" {
	local path
	mkdir folder
	mkfifo fifo
	touch plain
	printf '#!/nowhere\n' >script
	ln -s loop loop
	chmod 755 script fifo
	for path in folder fifo plain script loop missing; do
		make_bundle b
		config b '.hooks.prestart = [{ "path": $p, "timeout": 2 }]' --arg p "$W/$path"
		refused 'prestart hook #0' caisson run -b b c
		config b '.hooks = { "startContainer": [{ "path": $p, "timeout": 2 }] }' --arg p "/$path"
		refused 'startContainer hook #0' caisson run -b b c
	done
}

# --- receivers ---------------------------------------------------------------------------

# receiver MODE SOCKET: absent, deaf, close, mute, reset, garbage, talker, datagram,
# packets, gone
receiver() {
	rm -f "$2"
	[ "$1" != absent ] || return 0
	python3 - "$1" "$2" 3>&- <<-'SERVER' &
		import os, socket, struct, sys, time
		mode, path = sys.argv[1:]
		kind = {"datagram": socket.SOCK_DGRAM, "packets": socket.SOCK_SEQPACKET}.get(mode, socket.SOCK_STREAM)
		s = socket.socket(socket.AF_UNIX, kind)
		s.bind(path + ".new")
		if mode == "gone":
		    os.rename(path + ".new", path)
		    sys.exit()
		if mode != "datagram":
		    s.listen(0 if mode == "deaf" else 8)
		if mode == "deaf":
		    full = socket.socket(socket.AF_UNIX, kind)
		    full.connect(path + ".new")
		os.rename(path + ".new", path)
		kept = []
		while mode not in ("deaf", "datagram"):
		    c, _ = s.accept()
		    if mode == "reset":
		        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    if mode == "garbage":
		        c.send(b"\x00\xff" * 100)
		    if mode == "talker":
		        c.setblocking(False)
		        try:
		            while True:
		                c.send(b"x" * 65536)
		        except OSError:
		            pass
		    if mode in ("close", "reset"):
		        c.close()
		    else:
		        kept.append(c)
		time.sleep(1000)
	SERVER
	background+=($!)
	wait_for test -S "$2"
}

modes=(absent deaf close mute reset garbage talker datagram packets gone)

# tries COMMAND...: ends within a minute; a failure is one line, and undone
tries() {
	local begin=$SECONDS
	expect_any caisson "$@"
	[ $((SECONDS - begin)) -le 60 ]
	[ "$status" = 0 ] || one_line
	expect 0 caisson delete --force c
	nothing_left
}

@test "receivers of the terminal" {
	local mode
	for mode in "${modes[@]}"; do
		make_bundle b
		config b '.process.terminal = true | .process.args = ["sleep", "1000"]'
		receiver "$mode" "$W/s"
		tries create --console-socket "$W/s" -b b c
	done
}

@test "receivers of the pidfd" {
	local mode
	for mode in "${modes[@]}"; do
		make_bundle b
		config b '.process.args = ["sleep", "1000"]'
		receiver "$mode" "$W/s"
		tries run -d --pidfd-socket "$W/s" -b b c
	done
}

@test "receivers of the seccomp listener" {
	local mode
	for mode in "${modes[@]}"; do
		make_bundle b
		config b '.process.args = ["true"] | .linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW",
			"listenerPath": $p, "syscalls": [{ "names": ["acct"], "action": "SCMP_ACT_NOTIFY" }] }' \
			--arg p "$W/s"
		receiver "$mode" "$W/s"
		tries run -d -b b c
	done
}
