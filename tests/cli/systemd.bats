#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# What a service manager gives the runtime, and the runtime the container: sockets
# (sd_listen_fds(3)) and the socket for notifications (sd_notify(3)).

load helpers

# --- LISTEN_FDS ------------------------------------------------------------------------

# caisson_with VARIABLES ARGUMENT...: in a process whose pid is in $$ of VARIABLES
caisson_with() {
	local variables=$1
	shift
	bash -c "export $variables; exec timeout --foreground 60 \"\$0\" \"\$@\"" \
		"$CAISSON" --root "$STATE" "$@"
}

listening() {
	script b 'echo "fds $LISTEN_FDS pid $LISTEN_PID"; for n in 3 4 5 6; do cat <&$n; done 2>/dev/null; true'
	echo three >three
	echo four >four
	echo five >five
}

@test "LISTEN_FDS: sockets are passed, and the process told that they are its own" {
	make_bundle b
	listening
	config b '.process.env += ["LISTEN_FDS=9", "LISTEN_PID=99"]'
	caisson_with LISTEN_FDS=2 run -b b c </dev/null >out 2>&1 3<three 4<four 5<five
	[ "$(cat out)" = $'fds 2 pid 1\nthree\nfour' ]
	caisson_with LISTEN_FDS=1 run --preserve-fds 1 -b b c </dev/null >out 2>&1 3<three 4<four 5<five
	[ "$(cat out)" = $'fds 1 pid 1\nthree\nfour' ]
	caisson_with LISTEN_FDS=2 create -b b c </dev/null >out 2>&1 3<three 4<four 5<five
	expect 0 caisson start c
	wait_for is_status c stopped
	[ "$(cat out)" = $'fds 2 pid 1\nthree\nfour' ]
}

@test "LISTEN_FDS: LISTEN_PID says whose they are" {
	make_bundle b
	listening
	# the shell's pid is that of the runtime it becomes
	bash -c 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"' "$CAISSON" --root "$STATE" \
		run -b b c </dev/null >out 2>&1 3<three
	[ "$(cat out)" = $'fds 1 pid 1\nthree' ]
	caisson_with 'LISTEN_FDS=1 LISTEN_PID=1' run -b b c </dev/null >out 2>&1 3<three
	[ "$(cat out)" = 'fds  pid ' ]
	caisson_with 'LISTEN_FDS=0' run -b b c </dev/null >out 2>&1 3<three
	[ "$(cat out)" = 'fds  pid ' ]
}

@test "LISTEN_FDS: no number, a --preserve-fds behind them that is not open, none of ours instead" {
	make_bundle b
	listening
	refused 'LISTEN_FDS=-1: must be a number' caisson_with LISTEN_FDS=-1 run -b b c
	refused 'LISTEN_FDS=1000000: must be a number' caisson_with LISTEN_FDS=1000000 run -b b c
	refused '--preserve-fds 1: fd 5 is not open' caisson_with LISTEN_FDS=2 run --preserve-fds 1 -b b c
	# what is said to be there and is not: the runtime's own must not take its place
	script b 'for n in /proc/self/fd/*; do readlink "$n"; done; true'
	caisson_with LISTEN_FDS=30 run -b b c </dev/null >out 2>&1 3>&- 4>&-
	grep -q /dev/null out
	not grep -E "memfd|$STATE|cgroup|socket|pidfd" out
}

# --- NOTIFY_SOCKET ---------------------------------------------------------------------

# manager ADDRESS [slow]: what it is told goes to the file told, a line each
manager() {
	requires python3
	python3 - "$@" 3>&- <<-'MANAGER' &
		import array, os, socket, sys, time
		address = sys.argv[1].replace("@", "\0", 1) if sys.argv[1][0] == "@" else sys.argv[1]
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(address)
		told = open("told", "a", buffering=1)
		open("listens", "w").close()
		while True:
		    time.sleep(len(sys.argv) - 2)
		    text, control, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(4))
		    told.write(text.decode() + "\n")
		    for level, kind, data in control:
		        os.close(array.array("i", data)[0])
	MANAGER
	background+=($!)
	wait_for test -e listens
	export NOTIFY_SOCKET=$1
}

# notify ID TEXT...: sends each, as the container's process would
notify() {
	local id=$1
	shift
	python3 - "/proc/$(pid_of "$id")/root/run/notify/notify.sock" "$@" <<-'NOTIFY'
		import os, socket, sys
		os.chdir(os.path.dirname(sys.argv[1]))
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.connect("notify.sock")
		for text in sys.argv[2:]:
		    socket.send_fds(s, [text.encode()], [0])
	NOTIFY
}

sleeper() {
	make_bundle b "$@"
	script b 'echo "$NOTIFY_SOCKET" >/tmp/socket; exec sleep 1000'
}

ended() { # PID
	not kill -0 "$1" 2>/dev/null
}

@test "NOTIFY_SOCKET: start waits until the process says that it is ready" {
	manager "$W/manager"
	sleeper
	expect 0 caisson create -b b c
	"$CAISSON" --root "$STATE" start c >out 2>&1 </dev/null 3>&- &
	local start=$!
	wait_for is_status c running
	expect 0 caisson exec c cat /tmp/socket
	is /run/notify/notify.sock
	# whatever else is said there is nobody's business
	wait_for notify c STATUS=loading $'X=1\nREADY=0' 'MAINPID=1' BARRIER=1 "$(printf 'A%.0s' {1..4000})"
	sleep 0.3
	[ ! -s told ]
	kill -0 "$start"
	# and other commands may work on it meanwhile
	expect 0 caisson pause c
	expect 0 caisson resume c
	notify c $'STATUS=up\nREADY=1\nMAINPID=1'
	wait "$start"
	[ "$(cat told)" = "READY=1"$'\n'"MAINPID=$(pid_of c)"$'\n'"BARRIER=1" ]
	[ ! -s out ]
	# nobody is there any more, and that is what a sender hears
	not notify c READY=1 2>/dev/null
	expect 0 caisson delete --force c
	nothing_left
}

@test "NOTIFY_SOCKET: an abstract one, run --detach, a user namespace" {
	manager "@caisson-test-$$-$RANDOM"
	sleeper copy
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = .linux.uidMappings | .process.user = { "uid": 1000, "gid": 1000 }'
	chown -R 100000:100000 b/rootfs
	"$CAISSON" --root "$STATE" run -d -b b c >out 2>&1 </dev/null 3>&- &
	local run=$!
	wait_for is_status c running
	expect 0 caisson exec c sh -c 'ls -ld /run/notify /run/notify/notify.sock; ! touch /run/notify/x'
	says 'srwxrwxrwx'
	says 'Read-only'
	wait_for notify c READY=1
	wait "$run"
	[ "$(head -n 2 told)" = "READY=1"$'\n'"MAINPID=$(pid_of c)" ]
}

@test "NOTIFY_SOCKET: run in the foreground relays and stays" {
	manager "$W/manager"
	sleeper
	"$CAISSON" --root "$STATE" run -b b c >out 2>&1 </dev/null 3>&- &
	local run=$!
	wait_for is_status c running
	wait_for notify c STATUS=loading
	notify c READY=1
	wait_for grep -q BARRIER told
	[ "$(cat told)" = "READY=1"$'\n'"MAINPID=$(pid_of c)"$'\n'"BARRIER=1" ]
	kill -0 "$run"
	expect 0 caisson kill c KILL
	wait "$run" || [ $? = 137 ]
	nothing_left
}

@test "NOTIFY_SOCKET: run does not end before the manager has read the last word" {
	manager "$W/manager" slow
	make_bundle b
	# syslog(3) writes datagrams, too; the line that counts is its second
	script b 'ln -s /run/notify/notify.sock /dev/log; logger "x
READY=1
y"'
	expect 0 caisson run -b b c
	grep -q BARRIER told
	# and not for ever
	kill -STOP "${background[0]}"
	within 20 0 caisson run -b b c
	says 'no answer to BARRIER after 5 s'
	kill -CONT "${background[0]}"
}

@test "NOTIFY_SOCKET: the process ends without a word, or the manager is gone: no waiting" {
	export NOTIFY_SOCKET=$W/nobody
	make_bundle b
	script b 'exit 7'
	within 20 7 caisson run -b b c
	within 20 0 caisson run -d -b b c
	expect 0 caisson delete c
	nothing_left
	sleeper
	expect 0 caisson create -b b c
	"$CAISSON" --root "$STATE" start c >out 2>&1 </dev/null 3>&- &
	local start=$!
	wait_for notify c READY=1
	wait "$start"
	grep -q "NOTIFY_SOCKET=$W/nobody" out
	is_status c running
	expect 0 caisson delete --force c
	# only the caller of start has one: the container knows of none
	unset NOTIFY_SOCKET
	script b 'echo "${NOTIFY_SOCKET-none}"; ls /run/notify'
	expect 0 caisson create -b b c
	NOTIFY_SOCKET=$W/nobody within 20 0 caisson start c
}
