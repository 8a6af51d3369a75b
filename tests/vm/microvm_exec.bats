#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # scripts are the container's; tests are subshells
# exec in a container in a microVM: what its caller sees is what it sees of any container.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
}

# A container with a process that does nothing, as c.
container() { # [JQ FILTER]
	make_bundle b copy
	config b '.root.readonly = false | .process.args = ["sleep", "1000"]'
	[ $# = 0 ] || config b "$1"
	export LIMIT=240
	expect 0 caisson run -d --isolation=vm -b b c
}

over() {
	expect 0 caisson delete --force c
	nothing_left
}

group_of() { # PID
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

ended() { # PID
	[ ! -d "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"
}

one_process() {
	[ "$("$CAISSON" --root "$STATE" ps --format json c | jq length)" = 1 ]
}

@test "exec: streams, exit status, user, environment, folder, and the guest's kernel" {
	container '.hostname = "inside"'
	expect 7 caisson exec c sh -c 'echo out; echo err >&2; exit 7'
	says out
	says err
	expect 0 caisson exec -u 1000:100 -g 8 -e A=1 -e B='x y' --cwd /tmp c sh -c \
		'id -u; id -g; echo "$A $B"; pwd; hostname; cat /proc/sys/kernel/random/boot_id'
	says $'1000\n100\n1 x y\n/tmp\ninside'
	not says "$(cat /proc/sys/kernel/random/boot_id)"
	[ "$(echo through | caisson exec c cat)" = through ]
	# what is /dev/null here is so there, and all else a pipe
	expect 0 caisson exec c sh -c 'for i in 0 1 2; do stat -L -c "%F %t:%T" /proc/self/fd/$i; done'
	is $'character special file 1:3\nfifo 0:0\nfifo 0:0'
	expect 137 caisson exec c sh -c 'kill -9 $$'
	jq '.process | .args = ["sh", "-c", "id -u; echo $V"] | .user.uid = 12 | .env += ["V=v w"]' \
		b/config.json >process.json
	expect 0 caisson exec -p process.json c
	is $'12\nv w'
	over
}

@test "exec: much both ways, and who does not read holds up nobody else" {
	container
	seq 100000 >input
	caisson exec c cat <input >through
	cmp through input
	mkfifo stuck
	sleep 1000 <>stuck 3>&- &
	background+=($!)
	# its standard output is full, and yet its error and its end by a signal come
	caisson exec c sh -c 'trap "echo asked >&2; exit 9" TERM
		(while :; do echo line; done) & echo ready >&2; while :; do sleep 0.1; done' >stuck 2>errors 3>&- &
	local pid=$!
	wait_for grep -q ready errors
	expect 0 caisson exec c echo beside
	is beside
	kill -TERM "$(pgrep -oxf "$CAISSON --root $STATE exec c sh -c trap.*")"
	wait_for grep -q asked errors
	kill "${background[-1]}"
	kill "$pid" 2>/dev/null || :
	over
}

@test "exec: a reader that goes away ends the program" {
	container
	[ "$(caisson exec c sh -c 'trap "" PIPE; while echo line; do :; done 2>/dev/null; echo gone >/gone' | head -n 1)" = line ]
	wait_for test -s b/rootfs/gone
	over
}

@test "exec --detach: the pid file's process is the caller's to signal, and in the container's group" {
	container
	expect 0 caisson exec -d --pid-file pid c sh -c 'trap "echo asked >/end; exit 0" TERM; echo >/begun; while :; do sleep 0.1; done'
	wait_for test -e b/rootfs/begun
	[ "$(group_of "$(cat pid)")" = "$(group_of "$(pid_of c)")" ]
	kill -TERM "$(cat pid)"
	wait_for test -s b/rootfs/end
	wait_for ended "$(cat pid)"
	over
}

@test "exec: SIGKILL to the host's process ends the guest's" {
	container
	expect 0 caisson exec -d --pid-file pid c sh -c 'echo >/begun; while :; do date +%s%N >/beat; sleep 0.1; done'
	wait_for test -s b/rootfs/beat
	kill -KILL "$(cat pid)"
	stands() {
		local before
		before=$(cat b/rootfs/beat)
		sleep 1
		[ "$(cat b/rootfs/beat)" = "$before" ]
	}
	wait_for stands
	is_status c running
	over
}

@test "exec --deadline: the guest's process is killed, with what it has started" {
	container
	within 30 255 caisson exec --deadline 5s c sh -c 'sleep 2000 & sleep 3000'
	says 'the process has not ended within 5s (--deadline)'
	one_line
	wait_for one_process
	expect 7 caisson exec --deadline 1m c sh -c 'exit 7'
	# one that has a terminal, and one whose output nobody reads
	within 60 255 caisson exec -t --deadline 20s c sh -c 'echo printed; sleep 2000 & sleep 3000'
	says printed
	wait_for one_process
	mkfifo stuck
	sleep 1000 <>stuck 3>&- &
	background+=($!)
	status=0
	caisson exec --deadline 5s c sh -c 'sleep 2000 & while :; do echo line; done' >stuck 2>errors 3>&- || status=$?
	[ "$status" = 255 ]
	grep -q 'within 5s' errors
	wait_for one_process
	over
}

@test "exec: the container's end is that of all that run in it" {
	container
	expect 0 caisson exec -d --pid-file pid c sleep 1000
	caisson exec c sleep 1000 3>&- &
	local waiting=$!
	wait_for pgrep -xf "$CAISSON --root $STATE exec c sleep 1000"
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	wait_for ended "$(cat pid)"
	status=0
	wait "$waiting" || status=$?
	[ "$status" = 137 ]
	expect 255 caisson exec c true
	says "cannot exec in a stopped container"
	over
}

@test "exec -t: a terminal in front and by a console socket, with its size" {
	container
	status=0
	in_terminal out sh -c 'stty rows 41 cols 87; "$@"' sh \
		"$CAISSON" --root "$STATE" exec -t c sh -c 'tty; stty size; exit 6' || status=$?
	[ "$status" = 6 ]
	grep -q /dev/pts/ out
	grep -qx $'41 87\r' out
	expect 0 caisson exec -t c echo one
	is one
	receive_tty tty.sock
	expect 0 caisson exec -d --tty --console-socket "$W/tty.sock" --pid-file "$W/pid" c \
		sh -c 'trap "echo interrupted" INT; echo waits; while ! read -r line; do :; done; echo "got $line"; exit 3'
	wait_for grep -q waits tty.sock.out
	printf '\003' >tty.sock.in
	wait_for grep -q interrupted tty.sock.out
	echo hello >tty.sock.in
	wait_for grep -q $'got hello\r' tty.sock.out
	wait_for ended "$(cat pid)"
	over
}

@test "exec: what fails says what it says of any container" {
	container
	expect 255 caisson exec c nosuch
	says 'exec: "nosuch": executable file not found in $PATH'
	one_line
	expect 255 caisson exec --cwd /nowhere c true
	says /nowhere
	one_line
	expect 255 caisson exec --cgroup nosuch c true
	one_line
	expect 255 caisson exec --cgroup "$(printf 'x/%.0s' {1..2100})" c true
	says 'longer than any can be'
	expect 255 caisson exec --cgroup ../.. c true
	says "is not a sub cgroup path"
	expect 255 caisson exec --preserve-fds 1 c true 3</dev/null
	says "--preserve-fds"
	one_line
	jq '.process | .args = ["true"] | .apparmorProfile = "x"' b/config.json >process.json
	expect 255 caisson exec -p process.json c
	says "process.apparmorProfile"
	over
}

@test "exec: created and paused containers" {
	make_bundle b copy
	config b '.process.args = ["sleep", "1000"]'
	export LIMIT=240
	expect 0 caisson create --isolation=vm -b b c
	expect 0 caisson exec c echo early
	is early
	is_status c created
	expect 0 caisson start c
	expect 0 caisson pause c
	expect 255 caisson exec c true
	says "cannot exec in a paused container"
	one_line
	caisson exec --ignore-paused c echo later >out 2>&1 3>&- &
	local pid=$!
	sleep 1
	expect 0 caisson resume c
	wait "$pid"
	[ "$(cat out)" = later ]
	over
}
