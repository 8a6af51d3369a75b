#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# Hooks: when each runs, where, what it is told, and what its failure means.

load helpers

# hook KIND SCRIPT [EXTRA-JSON]: adds one to bundle b; $1 of the script is its kind
hook() {
	config b '.hooks[$k] += [{ "path": "/bin/sh", "args": ["sh", "-c", $s, "sh", $k] } + $e]' \
		--arg k "$1" --arg s "$2" --argjson e "${3:-{\}}"
}

@test "the order of their moments" {
	make_bundle b
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind "echo \$1 >>$W/order"
	done
	script b "true"
	expect 0 caisson create -b b c
	[ "$(cat order)" = $'prestart\ncreateRuntime\ncreateContainer' ]
	expect 0 caisson start c
	[ "$(tail -n 1 order)" = poststart ]
	wait_for is_status c stopped
	expect 0 caisson delete c
	[ "$(tail -n 1 order)" = poststop ]
	[ "$(wc -l <order)" = 5 ]
}

@test "startContainer runs in the container, before the program" {
	make_bundle b
	hook startContainer 'echo "$1 in $(hostname) as $$" >/tmp/hook; cat >/tmp/state'
	script b 'cat /tmp/hook; grep -o "\"status\": *\"[a-z]*\"" /tmp/state'
	expect 0 caisson run -b b c
	says 'startContainer in caisson'
	says created
}

@test "startContainer gets its state however many steps there are before it" {
	make_bundle b
	hook startContainer 'grep -q "\"id\": *\"c\"" && echo >/tmp/told'
	script b 'test -e /tmp/told'
	local n
	for ((n = 0; n < 24; n++)); do
		config b '.mounts += [{ "destination": "/mnt", "type": "tmpfs", "source": "tmpfs" }]'
		expect 0 caisson run -b b c
		expect 0 caisson create -b b c
		expect 0 caisson start c
		expect 0 caisson delete --force c
	done
}

@test "they are told the state on stdin" {
	make_bundle b
	config b '.annotations = { "key": "value" }'
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind "cat >$W/\$1.json"
	done
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	local pid
	pid=$(pid_of c)
	expect 0 caisson delete --force c
	for kind in prestart createRuntime createContainer poststart poststop; do
		[ "$(jq -r .id $kind.json)" = c ]
		[ "$(jq -r .bundle $kind.json)" = "$W/b" ]
		[ "$(jq -r '.annotations.key' $kind.json)" = value ]
	done
	[ "$(jq -r .status prestart.json)" = created ]
	[ "$(jq -r .status createRuntime.json)" = creating ]
	[ "$(jq -r .pid createRuntime.json)" = "$pid" ]
	[ "$(jq -r .status poststart.json)" = running ]
	[ "$(jq -r .pid poststart.json)" = "$pid" ]
	[ "$(jq -r .status poststop.json)" = stopped ]
}

@test "createRuntime runs in the host's namespaces, createContainer in the container's" {
	make_bundle b
	hook createRuntime "readlink /proc/self/ns/mnt /proc/self/ns/net >$W/runtime"
	hook createContainer "readlink /proc/self/ns/mnt /proc/self/ns/net >$W/container"
	expect 0 caisson create -b b c
	pid=$(pid_of c)
	[ "$(cat runtime)" = "$(readlink /proc/self/ns/mnt /proc/self/ns/net)" ]
	[ "$(cat container)" = "$(readlink "/proc/$pid/ns/mnt" "/proc/$pid/ns/net")" ]
}

@test "the host's hooks work in the bundle, wherever their caller is" {
	make_bundle b
	local kind
	for kind in prestart createRuntime poststart poststop; do
		hook $kind "echo \$1 in \$(pwd) >>$W/places"
	done
	script b 'exec sleep 1000'
	cd /
	expect 0 caisson create -b "$W/b" c
	expect 0 caisson start c
	mv "$W/b" "$W/gone"
	expect 0 caisson delete --force c
	cd "$W"
	[ "$(cat places)" = "prestart in $W/b
createRuntime in $W/b
poststart in $W/b
poststop in /" ]
}

@test "createContainer works in the container's root, with the host's programs" {
	make_bundle b copy
	hook createContainer 'touch ./etc/made; mount -t tmpfs tmpfs ./opt; touch opt/inside; /usr/bin/env true'
	script b 'ls /etc/made /opt; exit 4'
	expect 4 caisson run -b b c
	# what it mounts is the host's, and not seen by another kernel
	is $'/etc/made\n\n/opt:'"$(in_microvm || printf '\ninside')"
}

@test "args and env are exactly those of the config" {
	make_bundle b
	export LEAKED=1
	config b '.hooks.createRuntime = [{ "path": "/bin/sh", "args": ["name", "-c", $s, "zero", "a b", "c"],
		"env": ["ONLY=this"] }]' --arg s "echo \"\$0|\$1|\$2\" >$W/args; tr '\\0' '\\n' </proc/self/environ >$W/env"
	expect 0 caisson create -b b c
	[ "$(cat args)" = 'zero|a b|c' ]
	grep -qx ONLY=this env
	not grep -q LEAKED env
}

@test "one that fails ends the start, names itself, and leaves nothing" {
	local kind
	for kind in prestart createRuntime createContainer startContainer; do
		make_bundle b
		hook $kind 'echo the reason >&2; exit 3'
		hook poststop "echo stopped >>$W/poststop"
		expect 1 caisson run -b b c
		says "$kind"
		says '#'
		rm -f poststop
		nothing_left
	done
}

@test "poststart that fails stops the container" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	hook poststart 'exit 3'
	expect 1 caisson run -d -b b c
	says poststart
}

@test "poststop that fails is only warned of" {
	make_bundle b
	hook poststop 'exit 3'
	hook poststop "touch $W/next"
	expect 0 caisson create -b b c
	expect 0 caisson delete --force c
	says 'poststop hook #0'
	test -e next
	nothing_left
}

@test "one that takes too long is killed" {
	make_bundle b
	hook createRuntime 'exec sleep 1000' '{ "timeout": 1 }'
	within 8 1 caisson create -b b c
	says createRuntime
	[[ $output == *time* ]]
	nothing_left
}

@test "one that is not there" {
	make_bundle b
	config b '.hooks.createRuntime = [{ "path": "/nowhere/hook" }]'
	expect 1 caisson create -b b c
	says /nowhere/hook
	one_line
	nothing_left
}

@test "one that reads nothing and writes much does not block" {
	make_bundle b
	hook createRuntime 'exec <&-; head -c 10000000 /dev/zero'
	hook createContainer 'head -c 1000000 /dev/zero >&2'
	caisson create -b b c </dev/null >out 2>&1 3>&-
	is_status c created
}

@test "a network that a hook made is there before the program runs" {
	make_bundle b
	hook createRuntime 'pid=$(sed -n "s/.*\"pid\": *\([0-9]*\).*/\1/p"); nsenter -t "$pid" -n ip link add dummy9 type dummy ||
		nsenter -t "$pid" -n ip link add name dummy9 type bridge; nsenter -t "$pid" -n ip link set dummy9 up'
	script b 'ls /sys/class/net'
	nsenter --net=/proc/self/ns/net true # the tool is there
	expect 0 caisson run -b b c
	says dummy9
}

@test "a hook that a signal ended: the message says which" {
	make_bundle b
	hook createRuntime 'kill -SYS $$'
	expect 1 caisson create -b b c
	says 'exit status 159 (bad system call)'
	make_bundle b
	config b '.hooks.startContainer = [{ "path": "/bin/sh", "args": ["sh", "-c", "kill -KILL $$"] }]'
	expect 1 caisson run -b b c
	says 'exit status 137 (killed)'
}

# interrupt SIGNAL COMMAND...: runs it until $W/hangs is there, sends it the signal and
# leaves its exit status in $status, what it printed in $output
interrupt() {
	local pid signal=$1
	shift
	"$CAISSON" --root "$STATE" "$@" >"$W/output" 2>&1 </dev/null 3>&- &
	pid=$!
	background+=("$pid")
	wait_for test -e hangs || { cat "$W/output"; return 1; }
	kill "-$signal" "$pid"
	status=0
	wait "$pid" || status=$?
	output=$(cat "$W/output")
}

@test "a run whose hook hangs ends by SIGINT and SIGTERM, and leaves nothing" {
	local kind signal
	for kind in prestart createRuntime createContainer startContainer poststart; do
		for signal in INT TERM; do
			make_bundle b
			config b '.process.args = ["sleep", "1000"]'
			case $kind in
			startContainer)
				config b '.mounts += [{ "destination": "/tmp", "type": "bind",
					"source": $w, "options": ["rbind"] }]' --arg w "$W"
				hook $kind 'echo >/tmp/hangs; exec sleep 1000'
				;;
			*) hook $kind "echo >$W/hangs; exec sleep 1000" ;;
			esac
			interrupt $signal run -b b c
			[ "$status" = 1 ]
			says "interrupted by SIG$signal"
			one_line
			rm hangs
			nothing_left
		done
	done
}

@test "a poststop hook that hangs is ended by the second signal" {
	make_bundle b
	config b '.process.args = ["true"]'
	hook poststop "echo >$W/hangs; exec sleep 1000"
	interrupt TERM run -b b c
	[ "$status" = 0 ]
	says 'interrupted by SIGTERM'
	rm hangs
	nothing_left
	# the first ends what hangs at the start, and the undoing begins
	hook prestart "echo >$W/first; exec sleep 1000"
	"$CAISSON" --root "$STATE" run -b b c >"$W/output" 2>&1 </dev/null 3>&- &
	background+=($!)
	wait_for test -e first
	kill $!
	wait_for test -e hangs || { cat "$W/output"; return 1; }
	kill $!
	status=0
	wait $! || status=$?
	[ "$status" = 1 ]
	nothing_left
}

@test "startContainer without env has the process's, HOME and all; an empty one is empty" {
	make_bundle b
	config b '.process.env = ["ONE=two", "PATH=/bin"] |
		.hooks.startContainer = [{ "path": "/bin/sh", "args": ["sh", "-c", "echo $ONE $HOME >/tmp/env"] },
			{ "path": "/bin/sh", "args": ["sh", "-c", "env >/tmp/empty"], "env": [] }]'
	script b 'cat /tmp/env; grep -c -e ONE -e HOME /tmp/empty'
	export LEAKED=1
	caisson run -b b c </dev/null >out 2>&1 3>&- || true
	[ "$(cat out)" = $'two /\n0' ] || [ "$(cat out)" = $'two /root\n0' ]
	# never so for a program of the host
	config b 'del(.hooks) | .hooks.createRuntime = [{ "path": "/bin/sh", "args": ["sh", "-c", $s] }] |
		.hooks.createContainer = .hooks.createRuntime' --arg s "env >>$W/host"
	caisson run -b b c </dev/null >out 2>&1 3>&- || true
	[ -e host ]
	not grep -E '^(ONE|HOME|LEAKED)=' host
}

@test "poststop: all of them run, whatever becomes of each" {
	make_bundle b
	hook poststop 'echo first; exit 3'
	hook poststop "echo second >$W/second"
	config b '.hooks.poststop += [{ "path": "/nowhere/hook" }]'
	expect 0 caisson create -b b c
	expect 0 caisson delete --force c
	says 'poststop hook #0'
	says 'poststop hook #2'
	[ "$(cat second)" = second ]
	nothing_left
}

@test "the first of several that fails is the last: its number is told" {
	make_bundle b
	local kind
	for kind in prestart createRuntime createContainer startContainer poststart; do
		make_bundle b
		config b '.process.args = ["sleep", "1000"]'
		hook $kind true
		hook $kind 'exit 3'
		hook $kind "echo ran >$W/third; echo ran >/tmp/third"
		expect 1 caisson run -d -b b c
		says "error running $kind hook #1: "
		[ ! -e third ]
		nothing_left
	done
}

@test "a gigabyte of output, and nobody to read it" {
	make_bundle b
	hook createRuntime 'head -c 1073741824 /dev/zero'
	hook createContainer 'head -c 100000000 /dev/zero >&2'
	within 60 0 caisson create -b b c
}
