#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# What goes wrong is said in one line that names it, in the words that engines look
# for, and leaves nothing behind.

load helpers

# refuses STATUS TEXT COMMAND...: fails so, says so, leaves nothing
refuses() {
	local want=$1 text=$2
	shift 2
	expect "$want" "$@"
	says "$text"
	one_line
	nothing_left
}

# --- the bundle ----------------------------------------------------------------------

@test "no config.json" {
	mkdir b
	refuses 1 'JSON specification file config.json not found' caisson create -b b c
}

@test "no bundle" {
	refuses 1 'no such file or directory' caisson create -b nowhere c
}

@test "config.json is not JSON" {
	make_bundle b
	echo '{ "ociVersion": "1.0.2", }' >b/config.json
	refuses 1 'config.json' caisson create -b b c
	: >b/config.json
	refuses 1 'config.json' caisson create -b b c
	printf '{"ociVersion":"1.0.2"' >b/config.json
	refuses 1 'config.json' caisson create -b b c
	jq . "$TOP/tests/cli/config.json" >b/config.json
	echo trailing >>b/config.json
	refuses 1 'config.json' caisson create -b b c
}

@test "config.json is nested without end" {
	make_bundle b
	head -c 1000000 /dev/zero | tr '\0' '[' >b/config.json
	refuses 1 'config.json' caisson create -b b c
}

@test "a field of the wrong type is named by its path" {
	local case
	for case in 'process.cwd 7' 'process.args "true"' 'process.args[0] 1' 'process.user.uid "root"' \
		'process.user.uid -1' 'process.user.uid 1.5' 'root.path []' 'hostname {}' 'mounts {}' \
		'mounts[0].destination 1' 'linux.namespaces[0].type 3' 'linux.namespaces 1' \
		'process.terminal "yes"' 'linux.resources.memory.limit "1G"' \
		'linux.seccomp.syscalls "read"' 'hooks.prestart[0].path null'; do
		make_bundle b
		config b ".${case%% *} = ${case#* }"
		expect 1 caisson create -b b c
		says "${case%% *}"
		one_line
	done
	nothing_left
}

@test "a value that means nothing is named by its path" {
	local case
	for case in 'linux.namespaces[0].type "galaxy"' 'process.rlimits[0].type "RLIMIT_FOO"' \
		'linux.seccomp.defaultAction "SCMP_ACT_MAYBE"' \
		'linux.resources.memory.limit -5' 'linux.rootfsPropagation "sideways"'; do
		make_bundle b
		config b '.process.rlimits = [{ "soft": 1, "hard": 1 }]'
		config b ".${case%% *} = ${case#* }"
		expect 1 caisson create -b b c
		says "${case%% *}"
		one_line
	done
	nothing_left
}

@test "NUL and relative paths have no place in a config" {
	make_bundle b
	config b '.process.cwd = "relative"'
	refuses 1 'process.cwd' caisson create -b b c
	make_bundle b
	config b '.process.args = ["true\u0000false"]'
	refuses 1 'process.args' caisson create -b b c
}

@test "no process.args" {
	make_bundle b
	config b '.process.args = []'
	refuses 1 'process.args' caisson create -b b c
	config b 'del(.process)'
	refuses 1 'process' caisson create -b b c
}

@test "an unknown field is ignored" {
	make_bundle b
	config b '.unheardOf = { "a": 1 } | .linux.unheardOf = [1] | .process.unheardOf = null'
	expect 0 caisson run -b b c
}

@test "two namespaces of one type" {
	make_bundle b
	config b '.linux.namespaces += [{ "type": "pid" }]'
	refuses 1 'linux.namespaces' caisson create -b b c
}

@test "a namespace of another type" {
	make_bundle b
	config b '(.linux.namespaces[] | select(.type == "network")) += { "path": "/proc/self/ns/uts" }'
	refuses 1 '/proc/self/ns/uts' caisson create -b b c
}

@test "no rootfs" {
	make_bundle b
	config b '.root.path = "nowhere"'
	refuses 1 'nowhere' caisson create -b b c
	says 'no such file or directory'
}

@test "the rootfs is a file" {
	make_bundle b
	touch b/file
	config b '.root.path = "file"'
	refuses 1 'file' caisson create -b b c
	says 'not a directory'
}

@test "a mount without its source" {
	make_bundle b
	config b '.mounts += [{ "destination": "/tmp/m", "type": "bind", "source": "/nowhere/at/all", "options": ["rbind"] }]'
	refuses 1 '/nowhere/at/all' caisson create -b b c
	says 'no such file or directory'
}

@test "a file system that the kernel does not have" {
	make_bundle b
	config b '.mounts += [{ "destination": "/tmp", "type": "nosuchfs", "source": "none" }]'
	refuses 1 'nosuchfs' caisson create -b b c
}

# --- the program -----------------------------------------------------------------------

@test "no such program in PATH" {
	make_bundle b
	config b '.process.args = ["nosuch"]'
	refuses 1 'exec: "nosuch": executable file not found in $PATH' caisson run -b b c
}

@test "no such program at its path" {
	make_bundle b
	config b '.process.args = ["/bin/nosuch"]'
	refuses 1 'exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory' \
		caisson run -b b c
}

@test "the program is not executable" {
	make_bundle b
	config b '.process.args = ["/etc/passwd"]'
	refuses 1 'exec: "/etc/passwd": permission denied' caisson run -b b c
}

@test "the program is a directory" {
	make_bundle b
	config b '.process.args = ["/etc"]'
	refuses 1 'exec: "/etc": is a directory: permission denied' caisson run -b b c
}

@test "the program is for another architecture" {
	make_bundle b copy
	# an ELF header of an aarch64 program
	printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0\1\0\0\0' >b/rootfs/bin/foreign
	head -c 200 /dev/zero >>b/rootfs/bin/foreign
	chmod 755 b/rootfs/bin/foreign
	config b '.process.args = ["foreign"]'
	expect 255 caisson run -b b c || [ "$status" = 1 ]
	says 'exec format error'
	says 'aarch64'
	nothing_left
}

@test "the interpreter of a script is missing, and is named" {
	make_bundle b copy
	printf '#!/opt/nosuch/interpreter -x\n' >b/rootfs/bin/program
	chmod 755 b/rootfs/bin/program
	config b '.process.args = ["program"]'
	expect 255 caisson run -b b c || [ "$status" = 1 ]
	says 'no such file or directory'
	says '/opt/nosuch/interpreter'
	nothing_left
}

@test "the loader of a dynamic program is missing, and is named" {
	make_bundle b copy
	cp "$(command -v jq)" b/rootfs/bin/program
	config b '.process.args = ["program"]'
	expect 255 caisson run -b b c || [ "$status" = 1 ]
	says 'no such file or directory'
	says 'ld-linux-x86-64.so.2'
	# and so are its libraries, which the rootfs tells
	says 'libjq.so.1'
	nothing_left
}

@test "a script with the line ends of DOS" {
	make_bundle b copy
	printf '#!/bin/sh\r\necho\r\n' >b/rootfs/bin/program
	chmod 755 b/rootfs/bin/program
	config b '.process.args = ["program"]'
	expect 255 caisson run -b b c
	says 'carriage return'
	one_line
	# an exec, too
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 255 caisson exec c program
	says 'carriage return'
	expect 0 caisson delete --force c
	nothing_left
}

@test "the working directory cannot be made" {
	make_bundle b
	config b '.process.cwd = "/etc/passwd/nowhere"'
	refuses 1 '/etc/passwd/nowhere' caisson run -b b c
	says 'cwd'
	says 'not a directory'
}

@test "the working directory is missing: it is made, also below a read-only root" {
	make_bundle b copy
	config b '.process.cwd = "/made/for/it" | .process.args = ["pwd"] | .root.readonly = true'
	expect 0 caisson run -b b c
	is /made/for/it
}

@test "exec of what is not there" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 255 caisson exec c nosuch
	says 'exec: "nosuch": executable file not found in $PATH'
	one_line
	expect 255 caisson exec c /nosuch
	says 'exec: "/nosuch": stat /nosuch: no such file or directory'
	expect 255 caisson exec c /etc
	says 'is a directory'
	expect 255 caisson exec --cwd /nowhere c true
	says '/nowhere'
	is_status c running
}

# --- ids and moments -------------------------------------------------------------------

@test "an id that is in use" {
	make_bundle b
	expect 0 caisson create -b b c
	make_bundle b2
	expect 1 caisson create -b b2 c
	says 'already exists'
	one_line
	is_status c created
	[ ! -d "$CGROUP$CGROUP_PREFIX/b2" ]
	expect 0 caisson delete c
	nothing_left
}

@test "an id that is none" {
	local id
	make_bundle b
	for id in '' . .. a/b ../c 'a b' $'a\nb' 'ä' "$(printf 'x%.0s' {1..2000})"; do
		expect 1 caisson create -b b "$id"
		one_line
	done
	nothing_left
}

@test "a container that does not exist" {
	local command
	for command in state start delete pause resume ps kill; do
		expect 1 caisson "$command" nobody
		says 'container does not exist'
		one_line
	done
	expect 255 caisson exec nobody true
	says 'container does not exist'
	one_line
	nothing_left
}

@test "a container that has stopped" {
	make_bundle b
	expect 0 caisson run --keep -b b c
	expect 1 caisson kill c
	says 'container not running'
	one_line
	expect 1 caisson pause c
	says 'container not running'
	expect 255 caisson exec c true
	says 'cannot exec in a stopped container'
	one_line
	expect 1 caisson start c
	says 'cannot start a container that has stopped'
	one_line
	expect 0 caisson delete c
	nothing_left
}

@test "a paused container: exec is refused, and so is a second pause" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 1 caisson resume c
	says 'container not paused'
	expect 0 caisson pause c
	expect 255 caisson exec c true
	says 'cannot exec in a paused container'
	expect 1 caisson pause c
	expect 0 caisson resume c
	expect 0 caisson exec c true
}

@test "a signal that is none" {
	make_bundle b
	expect 0 caisson create -b b c
	expect 1 caisson kill c NOSUCH
	says 'unknown signal "NOSUCH"'
	one_line
	expect 1 caisson kill c 4096
	says '4096'
	expect 1 caisson kill c -- -1
	is_status c created
}

# --- sockets and files ------------------------------------------------------------------

@test "a console socket that is none" {
	make_bundle b
	config b '.process.terminal = true'
	refuses 1 'nowhere.sock' caisson create -b b --console-socket "$W/nowhere.sock" c
	mkdir dir.sock
	refuses 1 'dir.sock' caisson create -b b --console-socket "$W/dir.sock" c
	touch file.sock
	refuses 1 'file.sock' caisson create -b b --console-socket "$W/file.sock" c
	long=$W/$(printf 'x%.0s' {1..120})
	refuses 1 'xxxxxx' caisson create -b b --console-socket "$long" c
}

@test "a terminal wants a console socket, and a console socket a terminal" {
	make_bundle b
	config b '.process.terminal = true'
	refuses 1 'console' caisson create -b b c
	config b '.process.terminal = false'
	refuses 1 'console' caisson create -b b --console-socket "$W/s.sock" c
}

@test "a pid file that cannot be written" {
	make_bundle b
	refuses 1 'nowhere/pid' caisson create -b b --pid-file "$W/nowhere/pid" c
}

@test "a state directory that cannot be made" {
	make_bundle b
	touch file
	expect 1 "$CAISSON" --root "$W/file" create -b b c
	says "$W/file"
	expect 1 "$CAISSON" --root "$W/file/below" create -b b c
	says "$W/file"
	nothing_left
}

@test "--log: engines find the error there, as one line of JSON" {
	make_bundle b
	config b '.process.args = ["nosuch"]'
	expect 1 caisson --log "$W/log.json" --log-format json create -b b c
	[ "$(wc -l <log.json)" = 1 ]
	[ "$(jq -r .level log.json)" = error ]
	[[ $(jq -r .msg log.json) == *'executable file not found in $PATH'* ]]
	date -d "$(jq -r .time log.json)"
	# appended, never truncated
	expect 1 caisson --log "$W/log.json" --log-format json create -b b c
	[ "$(wc -l <log.json)" = 2 ]
	# and stderr still tells it
	says 'executable file not found in $PATH'
}

# details KEY VALUE...: of the only line of log.json, whose first three keys are runc's
details() {
	[ "$(wc -l <log.json)" = 1 ]
	[ "$(jq -c 'keys_unsorted[:3]' log.json)" = '["level","msg","time"]' ]
	while [ $# -gt 0 ]; do
		[ "$(jq -r ".$1" log.json)" = "$2" ] || {
			echo "$1 is not $2 in $(cat log.json)"
			return 1
		}
		shift 2
	done
	rm log.json
}

@test "--log-format json: phase, errno, place in the config and hint stand beside the message" {
	local log=(--log "$W/log.json" --log-format json)
	make_bundle b
	config b '.mounts[1].options += ["nosuchoption"]'
	expect 1 caisson "${log[@]}" create -b b c
	details phase mount errno 22 pointer /mounts/1 \
		hint 'the filesystem does not know this option or its value'
	make_bundle b
	config b '.linux.rootfsPropagation = "sideways"'
	expect 1 caisson "${log[@]}" create -b b c
	details phase config errno null pointer /linux/rootfsPropagation hint null
	make_bundle b
	config b '.process.args = ["/nosuch"]'
	expect 1 caisson "${log[@]}" create -b b c
	details phase executable errno 2 pointer /process/args
	expect 1 caisson "${log[@]}" state nobody
	details phase state pointer null
	expect 1 caisson "${log[@]}" state
	details phase usage pointer null
	nothing_left
}

@test "nothing is logged where nothing is wrong" {
	make_bundle b
	expect 0 caisson --log "$W/log.json" --log-format json run -b b c
	is ''
	[ ! -s log.json ]
}

@test "text of others is escaped before it is printed" {
	make_bundle b
	config b '.process.args = ["\u001b[31mred\nline"]'
	expect 1 caisson run -b b c
	one_line
}

# --- the command line ------------------------------------------------------------------------

@test "usage errors say what is wrong" {
	expect 3 caisson nosuchcommand
	says 'nosuchcommand'
	expect 1 caisson create --nosuchoption c
	says 'nosuchoption'
	expect 1 caisson state
	expect 1 caisson state a b
	expect 1 caisson create --pid-file
	says 'argument'
}

@test "not root: what is missing is said" {
	make_bundle b
	requires setpriv
	chmod 777 .
	mkdir -m 777 state
	expect 1 setpriv --reuid 1000 --regid 1000 --clear-groups \
		"$CAISSON" --root "$STATE" create -b b c
	one_line
	[[ $output == *'ermission denied'* || $output == *'not permitted'* || $output == *root* ]]
	nothing_left
}
