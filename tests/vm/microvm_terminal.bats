#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts are the container's; tests are subshells
# Terminals of containers in microVMs: the guest's kernel has them, the host has their size.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
}

# A bundle b with a terminal and this script.
terminal() { # SCRIPT
	make_bundle b copy
	config b '.process.terminal = true'
	script b "$1"
	export LIMIT=240
}

@test "create with a console socket: the terminal arrives, with its name and its size" {
	terminal 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; stty size; read -r line; echo "got $line"'
	config b '.process.consoleSize = { "height": 33, "width": 77 }'
	receive_tty tty.sock
	expect 0 caisson create --isolation=vm -b b --console-socket "$W/tty.sock" c
	is ''
	expect 0 caisson start c
	wait_for grep -q '33 77' tty.sock.out
	grep -q '^tty /dev/pts/' tty.sock.out
	grep -qx $'/dev/pts/0\r' tty.sock.out
	grep -qx $'all\r' tty.sock.out
	echo hello >tty.sock.in
	wait_for grep -q 'got hello' tty.sock.out
	wait_for is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "ctrl-c interrupts in the guest, and ctrl-d ends what is typed" {
	terminal 'trap "echo interrupted" INT; echo waits; while ! read -r line; do :; done; cat; exit 5'
	receive_tty tty.sock
	expect 0 caisson run -d --isolation=vm -b b --console-socket "$W/tty.sock" c
	wait_for grep -q waits tty.sock.out
	printf '\003' >tty.sock.in
	wait_for grep -q interrupted tty.sock.out
	is_status c running
	printf 'first\n' >tty.sock.in
	printf 'more\n' >tty.sock.in
	twice() { [ "$(grep -cx $'more\r' tty.sock.out)" = 2 ]; } # typed, and what cat printed
	wait_for twice
	printf '\004' >tty.sock.in
	wait_for is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "run in the foreground: keys, lines, the caller's size and the status" {
	terminal 'stty size; tty; read -r line; echo "got $line"; exit 4'
	status=0
	(wait_for grep -q /dev/pts/0 out && echo hello >typing) 3>&- &
	mkfifo typing
	in_terminal out sh -c 'stty rows 41 cols 87; stty -a >before; "$@"; s=$?; stty -a >after; exit $s' sh \
		"$CAISSON" --root "$STATE" run --isolation=vm -b b c || status=$?
	[ "$status" = 4 ]
	grep -qx $'41 87\r' out
	grep -qx $'got hello\r' out
	cmp before after
	nothing_left
}

@test "run in the foreground, where nobody types: lines end as a pipe's reader wants them" {
	terminal 'echo one; echo two'
	expect 0 caisson run --isolation=vm -b b c
	is $'one\ntwo'
	nothing_left
}

@test "a window that changes its size is told to the guest" {
	terminal 'trap "stty size; exit 6" WINCH; echo waits; while :; do sleep 0.1; done'
	mkfifo typing
	(
		wait_for grep -q waits out
		pid=$(pid_of c)
		# the master is with the command, whose terminal script has made
		stty -F "/dev/$(ps -o tty= -p "$(pgrep -oxf "$CAISSON --root $STATE run.*")")" rows 23 cols 45
		echo "$pid" >seen
	) 3>&- &
	status=0
	in_terminal out "$CAISSON" --root "$STATE" run --isolation=vm -b b c || status=$?
	[ "$status" = 6 ]
	grep -qx $'23 45\r' out
	nothing_left
}

@test "who has the master goes: the guest's terminal hangs up" {
	terminal 'trap "echo gone >/end; exit 7" HUP; echo waits; while :; do sleep 0.1; done'
	receive_tty tty.sock
	expect 0 caisson run -d --isolation=vm -b b --console-socket "$W/tty.sock" c
	wait_for grep -q waits tty.sock.out
	kill "${background[-1]}"
	wait_for is_status c stopped
	[ "$(cat b/rootfs/end)" = gone ]
	expect 0 caisson delete c
	nothing_left
}

@test "much output arrives whole, and more input than a terminal holds" {
	terminal 'stty -echo -opost; echo ready; cat; i=0; while [ $i -lt 5000 ]; do echo "line $i"; i=$((i + 1)); done'
	config b '.root.readonly = false'
	touch output
	# shellcheck disable=SC2094 # what is written is waited for
	(wait_for grep -q ready output && seq 5000 && printf '\004' && sleep 1) |
		caisson run --isolation=vm -b b c >output 2>&1 3>&-
	sed 1d output | diff -q - <(seq 5000; for ((i = 0; i < 5000; i++)); do echo "line $i"; done)
	nothing_left
}
