#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# Terminals: by a console socket, as engines want them, and in the foreground.

load helpers

@test "create with a console socket: the terminal arrives, with its name" {
	make_bundle b
	config b '.process.terminal = true'
	script b 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; ls -l /dev/console'
	receive_tty tty.sock
	expect 0 caisson create -b b --console-socket "$W/tty.sock" c
	is ''
	expect 0 caisson start c
	wait_for is_status c stopped
	wait_for grep -q console tty.sock.out
	grep -q '^tty /dev/' tty.sock.out
	tr -d '\r' <tty.sock.out | grep -qx /dev/pts/0
	tr -d '\r' <tty.sock.out | grep -qx all
	grep -q 'crw.*/dev/console' tty.sock.out
	expect 0 caisson delete c
	nothing_left
}

@test "what is typed arrives, and ctrl-c interrupts" {
	make_bundle b
	config b '.process.terminal = true'
	script b 'trap "echo interrupted; exit 5" INT; read -r line; echo "got $line"; while :; do sleep 0.1; done'
	receive_tty tty.sock
	expect 0 caisson run -d -b b --console-socket "$W/tty.sock" c
	echo hello >tty.sock.in
	wait_for grep -q 'got hello' tty.sock.out
	printf '\003' >tty.sock.in
	wait_for grep -q interrupted tty.sock.out
	wait_for is_status c stopped
}

@test "the terminal has the size that the config asks for" {
	make_bundle b
	config b '.process.terminal = true | .process.consoleSize = { "height": 33, "width": 77 }'
	config b '.process.args = ["stty", "size"]'
	receive_tty tty.sock
	expect 0 caisson run -d -b b --console-socket "$W/tty.sock" c
	wait_for grep -q '33 77' tty.sock.out
}

@test "the terminal belongs to the user" {
	make_bundle b
	config b '.process.terminal = true | .process.user = { "uid": 1000, "gid": 1000 }'
	script b 'stat -c "%u %g %a" "$(tty)"; echo writable >/dev/tty'
	receive_tty tty.sock
	expect 0 caisson run -d -b b --console-socket "$W/tty.sock" c
	wait_for grep -q writable tty.sock.out
	tr -d '\r' <tty.sock.out | grep -qx '1000 5 620'
}

@test "exec with a console socket" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	receive_tty tty.sock
	expect 0 caisson exec -d --tty --console-socket "$W/tty.sock" --pid-file "$W/pid" c \
		sh -c 'tty; read -r line; echo "got $line"; exit 3'
	wait_for grep -q /dev/pts/ tty.sock.out
	echo hello >tty.sock.in
	wait_for grep -q 'got hello' tty.sock.out
	wait_for test ! -d "/proc/$(cat pid)"
}

@test "run in the foreground: the container has a terminal, and its status comes back" {
	make_bundle b
	config b '.process.terminal = true'
	script b 'tty; read -r line; echo "got $line"; exit 4'
	status=0
	mkfifo typing
	(sleep 0.5 && echo hello >typing) 3>&- &
	in_terminal out "$CAISSON" --root "$STATE" run -b b c || status=$?
	[ "$status" = 4 ]
	tr -d '\r' <out | grep -qx /dev/pts/0
	grep -q 'got hello' out
	nothing_left
}

@test "run in the foreground: lines end as the reader wants them" {
	make_bundle b
	config b '.process.terminal = true'
	script b 'echo one; echo two'
	expect 0 caisson run -b b c
	is $'one\ntwo'
	# a terminal adds the carriage return itself
	in_terminal out "$CAISSON" --root "$STATE" run -b b c
	[ "$(grep -c $'^\(one\|two\)\r$' out)" = 2 ]
	config b '.process.terminal = false | .process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec -t c echo one
	is one
}

@test "run in the foreground: the caller's terminal is as it was" {
	make_bundle b
	config b '.process.terminal = true'
	in_terminal out sh -c 'stty -a >before; "$@"; stty -a >after' sh \
		"$CAISSON" --root "$STATE" run -b b c
	cmp before after
	grep -q icanon before
}

@test "run in the foreground: the size follows the caller's" {
	make_bundle b
	config b '.process.terminal = true'
	config b '.process.args = ["stty", "size"]'
	in_terminal out sh -c 'stty rows 41 cols 87; "$@"' sh \
		"$CAISSON" --root "$STATE" run -b b c
	grep -q '41 87' out
}

@test "run in the foreground: a terminal that is asked for but not there" {
	make_bundle b
	config b '.process.terminal = true'
	script b 'test -t 1 && echo terminal'
	# stdin is no terminal: whoever runs this cannot type, but the program has its own
	if expect 0 caisson run -b b c; then
		says terminal
	else
		one_line
	fi
	nothing_left
}

@test "exec -t in the foreground" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	status=0
	in_terminal out "$CAISSON" --root "$STATE" exec -t c sh -c 'tty; exit 6' || status=$?
	[ "$status" = 6 ]
	grep -q /dev/pts/ out
}

@test "much output through a terminal arrives whole" {
	make_bundle b
	config b '.process.terminal = true'
	script b 'stty -opost; i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i + 1)); done'
	in_terminal out "$CAISSON" --root "$STATE" run -b b c
	[ "$(tr -d '\r' <out | grep -c '^line [0-9]*$')" = 20000 ]
}

# Without the terminal's echo: of that the kernel drops what it cannot place in time
# (ECHO_DISCARD_WATERMARK in drivers/tty/n_tty.c).
@test "run: more input than a terminal holds neither blocks nor gets lost" {
	make_bundle b
	config b '.process.terminal = true'
	script b 'stty -echo; echo ready; exec cat'
	touch output
	# shellcheck disable=SC2094 # what is written is waited for
	(wait_for grep -q ready output && seq 20000 && printf '\004' && sleep 1) |
		LIMIT=60 caisson run -b b c >output 2>&1 3>&- || {
		tail -n 3 output
		return 1
	}
	sed 1d output | tr -d '\r' | diff -q - <(seq 20000)
}
