#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; single-quoted scripts are the container's
# A container's life through the commands, as an engine or a person goes through it.

load helpers

@test "run: the program runs, its output and status come back, nothing stays" {
	make_bundle b
	script b 'echo hello; echo world >&2; exit 7'
	expect 7 caisson run -b b c
	says hello
	says world
	nothing_left
}

@test "run: death by a signal is 128 + its number" {
	make_bundle b
	# as pid 1 it would be immune to its own signals
	script b 'sh -c "kill -TERM \$\$"; exit $?'
	expect 143 caisson run -b b c
	nothing_left
}

@test "run: the bundle is the current directory by default" {
	make_bundle b
	script b 'echo here'
	cd b
	expect 0 caisson run c
	is here
}

@test "run: stdin reaches the program" {
	make_bundle b
	config b '.process.args = ["wc", "-c"]'
	printf 12345 >input
	caisson run -b b c <input >output 3>&-
	[ "$(tr -d ' \n' <output)" = 5 ]
}

@test "run: a rootfs with a relative path is found from the bundle" {
	make_bundle b copy
	script b 'echo relative'
	cd /
	expect 0 caisson run -b "$W/b" c
	is relative
}

@test "create, start, state, kill, delete" {
	make_bundle b copy
	script b 'trap "exit 3" TERM; echo up >/up; while :; do sleep 0.1; done'
	expect 0 caisson create -b b --pid-file "$W/pid" c
	is ''
	is_status c created
	pid=$(cat pid)
	[ "$(wc -l <pid)" = 0 ] # a number, no newline: engines parse all of it
	[ "$pid" = "$(pid_of c)" ]
	# no code of the user's has run
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" != "sh -c*" ]
	expect 0 caisson start c
	is ''
	is_status c running
	wait_for test -e b/rootfs/up
	expect 0 caisson kill c TERM
	wait_for is_status c stopped
	[ "$(pid_of c)" = 0 ]
	expect 0 caisson delete c
	is ''
	nothing_left
}

@test "state: the fields that engines read" {
	make_bundle b
	config b '.annotations = { "org.example.key": "value" }'
	expect 0 caisson create -b b c
	expect 0 caisson state c
	[ "$(jq -r .id <<<"$output")" = c ]
	[ "$(jq -r .status <<<"$output")" = created ]
	[ "$(jq -r .bundle <<<"$output")" = "$W/b" ]
	[ "$(jq -r .rootfs <<<"$output")" = "$ROOTFS" ]
	[ "$(jq -r '.annotations["org.example.key"]' <<<"$output")" = value ]
	[[ $(jq -r .ociVersion <<<"$output") == 1.* ]]
	created=$(jq -r .created <<<"$output")
	[ "$(date -d "$created" +%s)" -le "$(date +%s)" ]
	[ "$(jq -r .pid <<<"$output")" -gt 1 ]
}

@test "start: a second one is refused" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson create -b b c
	expect 0 caisson start c
	expect 1 caisson start c
	says 'cannot start an already running container'
	one_line
}

@test "start: the config is that of create, whatever became of the file" {
	make_bundle b
	script b 'echo first >/dev/stdout'
	caisson create -b b c </dev/null >created 2>&1 3>&-
	script b 'echo second'
	expect 0 caisson start c
	wait_for is_status c stopped
	[ "$(cat created)" = first ]
}

@test "run -d: returns when the program runs" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --pid-file pid -b b c
	is_status c running
	[ "$(cat pid)" = "$(pid_of c)" ]
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "create: a container that waits for its start has nothing open but its socket" {
	make_bundle b
	config b '.process.terminal = false | .linux.maskedPaths += ["/etc/passwd"]'
	expect 0 caisson create -b b c
	local pid fd
	pid=$(caisson state c | jq .pid)
	for fd in "/proc/$pid/fd/"*; do
		[ "${fd##*/}" -le 2 ] || readlink "$fd"
	done >open
	not grep -v '^socket:' open
	[ "$(wc -l <open)" = 1 ]
}

@test "run --keep: the stopped container stays" {
	make_bundle b
	expect 0 caisson run --keep -b b c
	is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "run: signals go to the program" {
	make_bundle b copy
	script b 'trap "exit 9" USR1; echo up >/up; while :; do sleep 0.1; done'
	"$CAISSON" --root "$STATE" run --pid-file "$W/pid" -b b c </dev/null >output 2>&1 3>&- &
	runner=$!
	wait_for test -s pid
	wait_for test -e b/rootfs/up
	kill -USR1 "$runner"
	status=0
	wait "$runner" || status=$?
	[ "$status" = 9 ]
	nothing_left
}

@test "kill: by name, with SIG, by number" {
	make_bundle b copy
	script b 'trap "echo usr1 >>/got" USR1; trap "echo hup >>/got" HUP
		trap "echo int >>/got" INT; echo up >/up; while :; do sleep 0.1; done'
	expect 0 caisson run -d -b b c
	wait_for test -e b/rootfs/up
	expect 0 caisson kill c USR1
	wait_for grep -q usr1 b/rootfs/got
	expect 0 caisson kill c SIGHUP
	wait_for grep -q hup b/rootfs/got
	expect 0 caisson kill c 2
	wait_for grep -q int b/rootfs/got
}

@test "kill: TERM is the default" {
	make_bundle b copy
	script b 'trap "exit 0" TERM; echo up >/up; while :; do sleep 0.1; done'
	expect 0 caisson run -d -b b c
	wait_for test -e b/rootfs/up
	expect 0 caisson kill c
	wait_for is_status c stopped
}

@test "kill: a container that was created dies of KILL" {
	make_bundle b
	expect 0 caisson create -b b c
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "kill KILL without a pid namespace ends every process of the container" {
	make_bundle b
	config b '.linux.namespaces |= map(select(.type != "pid"))'
	script b 'sleep 1000 & sleep 1000 & wait'
	expect 0 caisson run -d -b b c
	wait_for has_processes c 3
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "delete: a running container is refused, with --force it goes" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 1 caisson delete c
	says 'cannot delete container c that is not stopped: running'
	one_line
	is_status c running
	expect 0 caisson delete --force c
	is ''
	nothing_left
}

@test "delete: a created container goes" {
	make_bundle b
	expect 0 caisson create -b b c
	expect 0 caisson delete c
	nothing_left
}

@test "delete --force: one that does not exist is no error" {
	expect 0 caisson delete --force nobody
}

@test "list: table, ids, JSON" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson create -b b first
	config b '.linux.cgroupsPath += "-2"'
	expect 0 caisson run -d -b b second
	expect 0 caisson list
	[[ ${output%%$'\n'*} =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER ]]
	[[ $output =~ first\ +$(pid_of first)\ +created\ +$W/b ]]
	[[ $output =~ second\ +$(pid_of second)\ +running\ +$W/b ]]
	expect 0 caisson list -q
	is $'first\nsecond'
	expect 0 caisson list --format json
	[ "$(jq -r '.[] | .id + " " + .status' <<<"$output")" = $'first created\nsecond running' ]
}

@test "list: what it says of each is what state says" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	for id in created running paused stopped; do
		config b '.linux.cgroupsPath = $g' --arg g "$CGROUP_PREFIX/$id"
		expect 0 caisson create -b b $id
		[ $id = created ] || expect 0 caisson start $id
	done
	expect 0 caisson pause paused
	caisson kill stopped KILL
	wait_for is_status stopped stopped
	# as long as a record may be, and longer than most
	config b '.linux.cgroupsPath = $g | .annotations.long = ("x" * 20000)' --arg g "$CGROUP_PREFIX/long"
	expect 0 caisson run -d -b b long
	expect 0 caisson list --format json
	jq -r '.[] | "\(.id) \(.status) \(.pid)"' <<<"$output" >listed
	for id in created long paused running stopped; do
		caisson state $id | jq -r '"\(.id) \(.status) \(.pid)"'
	done >asked
	diff listed asked
	grep -qx 'stopped stopped 0' listed
	grep -q '^paused paused [1-9]' listed
	for id in created long paused running stopped; do
		expect 0 caisson delete --force $id
	done
}

@test "ps: pids of the container's processes, as JSON and as a table" {
	make_bundle b
	script b 'sleep 1000 & sleep 1000 & wait'
	expect 0 caisson run -d -b b c
	wait_for has_processes c 3
	expect 0 caisson ps --format json c
	pid=$(in_microvm && jq 'min' <<<"$output" || pid_of c) # there they are the guest's
	[ "$(jq "index($pid) != null" <<<"$output")" = true ]
	expect 0 caisson ps c
	says PID
	says 'sleep 1000'
	says "$pid"
}

@test "kill ends a created container, too, by the signals that end others" {
	make_bundle b
	for signal in HUP INT QUIT TERM; do
		expect 0 caisson create -b b c
		expect 0 caisson kill c $signal
		wait_for is_status c stopped
		expect 0 caisson delete c
	done
	# the program has no handler of ours
	script b 'grep SigCgt /proc/self/status; sleep 1000'
	caisson create -b b c >out 2>&1 </dev/null 3>&-
	expect 0 caisson start c
	wait_for grep -q 'SigCgt.*0000000000000000' out
}

@test "exec: another process in the container, with its status" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec c hostname
	is caisson
	expect 42 caisson exec c sh -c 'exit 42'
	# options after the id belong to the program
	expect 0 caisson exec c echo -n -t
	is '-t'
	expect 0 caisson exec --cwd /tmp --env A=b --user 1000:1000 c \
		sh -c 'echo "$PWD $A $(id -u) $(id -g)"'
	is '/tmp b 1000 1000'
	expect 0 caisson exec c cat /proc/1/cmdline
	is sleep1000
}

@test "exec: stdin reaches the program" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	printf 12345 >input
	caisson exec c wc -c <input >output 3>&-
	[ "$(tr -d ' \n' <output)" = 5 ]
}

@test "exec --process: as engines do it" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	jq '.process | .args = ["sh", "-c", "echo $WHERE; exit 5"] | .env += ["WHERE=there"]' \
		b/config.json >process.json
	expect 5 caisson exec --process process.json c
	is there
}

@test "exec -d: returns at once, and the pid file names the process" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec -d --pid-file pid c sleep 2000
	in_microvm || [ "$(tr '\0' ' ' <"/proc/$(cat pid)/cmdline")" = 'sleep 2000 ' ]
	# in the container's namespaces and group
	[ "$(readlink "/proc/$(cat pid)/ns/pid")" = "$(readlink "/proc/$(pid_of c)/ns/pid")" ]
	[ "$(cat "/proc/$(cat pid)/cgroup")" = "$(cat "/proc/$(pid_of c)/cgroup")" ]
}

@test "exec: a process that init did not start dies with the container" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec -d --pid-file pid c sleep 2000
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	wait_for test ! -d "/proc/$(cat pid)"
	expect 0 caisson delete c
	nothing_left
}

@test "pause and resume" {
	make_bundle b copy
	counts_on() { [ "$(cat b/rootfs/count)" != "$before" ]; }
	script b 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.05; done'
	expect 0 caisson run -d -b b c
	wait_for test -s b/rootfs/count
	expect 0 caisson pause c
	is_status c paused
	before=$(cat b/rootfs/count)
	sleep 0.3
	[ "$(cat b/rootfs/count)" = "$before" ]
	expect 0 caisson resume c
	is_status c running
	wait_for counts_on
	expect 0 caisson pause c
	expect 0 caisson delete --force c
	nothing_left
}

@test "two state directories do not know of each other" {
	make_bundle b
	expect 0 caisson create -b b c
	expect 1 "$CAISSON" --root "$W/other" state c
	says 'container does not exist'
}

@test "the same id may be used again after delete" {
	make_bundle b
	for _ in 1 2 3; do
		expect 0 caisson create -b b c
		expect 0 caisson start c
		wait_for is_status c stopped
		expect 0 caisson delete c
	done
	nothing_left
}

@test "global options may be given twice, and long ones with one dash" {
	make_bundle b
	expect 0 caisson -root "$STATE" --root="$STATE" create -bundle b --pid-file=pid c
	[ -s pid ]
	expect 0 caisson delete --force=true c
	nothing_left
}

@test "--debug tells what happens, on stderr or in the log" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson --debug run -d -b b c
	says 'level=debug msg="nsexec container setup'
	says 'child process in init()'
	says 'init: closing the pipe to signal completion'
	expect 0 caisson --debug --log log --log-format json exec c true
	is ''
	jq -e 'select(.level == "debug") | .msg' log >messages
	grep -q 'setns_init: about to exec' messages
	expect 0 caisson exec c true
	is ''
}

@test "exec -p takes the process from a pipe, too" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec -p <(echo '{"args": ["echo", "piped"], "cwd": "/", "user": {"uid": 0, "gid": 0}}') c
	is piped
	expect 255 caisson exec -p b c
	says 'b: is a directory'
	expect 255 caisson exec -p <(echo '{') c
}
