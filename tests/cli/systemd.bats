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
	script b 'readlink /proc/self/fd/*; true'
	caisson_with LISTEN_FDS=30 run -b b c </dev/null >out 2>&1 3>&- 4>&-
	grep -q /dev/null out
	not grep -E "memfd|caisson|$STATE|cgroup|socket" out
}
