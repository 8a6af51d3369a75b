#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# Disks that are full, sockets that do not answer, descriptors that run out, hooks that
# stay: each command ends soon, with one clear line or with success, and leaves nothing.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# --- places that cannot be written ------------------------------------------------------

@test "--pid-file: a folder, a missing folder, a fifo, a long name" {
	make_bundle b
	script b 'sleep 1000'
	mkdir folder
	refused 'pid file' caisson create -b b --pid-file folder c
	refused 'pid file' caisson create -b b --pid-file nowhere/pid c
	refused 'pid file' caisson create -b b --pid-file "$(printf 'x%.0s' {1..254})" c
	refused 'pid file' caisson run -d -b b --pid-file folder c
	# a fifo is replaced by a file, nobody waits for a reader
	mkfifo fifo fifo.tmp
	within 10 0 caisson create -b b --pid-file fifo c
	[ "$(cat fifo)" = "$(pid_of c)" ]
	[ "$(ls)" = "$(printf 'b\nfifo\nfolder\nstate')" ]
}

@test "--log: a folder, a missing folder, a fifo" {
	make_bundle b
	mkdir folder
	refused 'open log file' caisson --log folder create -b b c
	refused 'open log file' caisson --log nowhere/log create -b b c
	mkfifo fifo
	within 10 1 caisson --log fifo create -b b c
	says 'open log file'
	nothing_left
}

# What is there now is what nothing_left compares with.
remember() {
	# shellcheck disable=SC2034 # nothing_left reads it
	leak_before=$(leak_snapshot)
}

# mount_tmpfs DIR OPTIONS: in the mount namespace of bats, undone by unmount_tmpfs
mount_tmpfs() {
	mkdir -p "$1"
	mount -t tmpfs -o "$2" caisson-robust "$1"
	remember
}

unmount_tmpfs() {
	umount "$1"
	remember
}

@test "--pid-file and --log on a full disk" {
	make_bundle b
	mount_tmpfs full size=4k
	head -c 4096 /dev/zero >full/filler || true
	local result=0
	{
		refused 'no space left on device' caisson create -b b --pid-file full/pid c &&
			refused 'no space left on device' caisson run -d -b b --pid-file full/pid c &&
			expect 1 caisson --log full/log delete nothing && says 'container does not exist' &&
			[ "$(ls full)" = "$(printf 'filler\nlog')" ]
	} || result=$?
	unmount_tmpfs full
	[ "$result" = 0 ]
}

@test "a state directory that is read-only, full, or has no inodes" {
	make_bundle b
	STATE=$W/full/state
	local result=0 options
	for options in ro size=4k size=8k size=12k nr_inodes=1 nr_inodes=2 nr_inodes=3 nr_inodes=4 \
		nr_inodes=5 nr_inodes=6; do
		mount_tmpfs full "$options"
		case $options in
		size=*) mkdir full/state && head -c 4000 /dev/zero >full/filler ;;
		nr_inodes=1) ;;
		nr*) mkdir full/state ;;
		esac
		remember
		case $options in
		ro) want='read-only file system' ;;
		*) want='no space left on device' ;;
		esac
		expect_any caisson create -b b c || result=1
		if [ "$status" = 0 ]; then
			# there was room for all of it
			[[ $options == size=[89]k || $options == size=1?k || $options == nr_inodes=[56] ]] || result=1
			expect 0 caisson delete --force c || result=1
		else
			says "$want" && one_line || result=1
		fi
		nothing_left || result=1
		[ "$result" = 0 ] || echo "with $options"
		unmount_tmpfs full
		[ "$result" = 0 ] || break
	done
	STATE=$W/state
	[ "$result" = 0 ]
}

# --- sockets ---------------------------------------------------------------------------

terminal_bundle() {
	make_bundle b
	config b '.process.terminal = true | .process.args = ["sleep", "1000"]'
}

# socket_server MODE PATH: deaf (never accepts, no room for another), close (accepts and
# closes), mute (accepts and does nothing)
socket_server() {
	python3 - "$1" "$2" 3>&- <<-'SERVER' &
		import socket, sys, time
		mode, path = sys.argv[1:]
		s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		s.bind(path + ".new")
		s.listen(0 if mode == "deaf" else 8)
		if mode == "deaf":
		    c = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		    c.connect(path + ".new")
		import os
		os.rename(path + ".new", path)
		kept = []
		while mode != "deaf":
		    c, _ = s.accept()
		    if mode == "mute":
		        kept.append(c)
		    else:
		        c.close()
		time.sleep(1000)
	SERVER
	background+=($!)
	wait_for test -S "$2"
}

@test "a console socket that is absent, or no socket" {
	terminal_bundle
	touch file
	mkdir folder
	mkfifo fifo
	local path
	for path in absent file folder fifo /dev/null; do
		refused 'console socket' caisson create -b b --console-socket "$path" c
	done
}

@test "no console socket, and nobody who would stay to serve the terminal" {
	terminal_bundle
	refused '(use --console-socket)' caisson create -b b c
	refused '(use --console-socket)' caisson run -d -b b c
}

@test "a console socket that nobody accepts on: an end after ten seconds" {
	requires python3
	terminal_bundle
	socket_server deaf socket
	within 20 1 caisson create -b b --console-socket socket c
	says 'nobody accepts the connection'
	one_line
	nothing_left
}

@test "a console socket that is closed early, or never read" {
	requires python3
	terminal_bundle
	socket_server close closing
	# who is fast enough sends before it is closed
	LIMIT=20 expect_any caisson create -b b --console-socket closing c
	[ "$status" = 0 ] || { says 'console socket' && one_line && nothing_left; }
	expect 0 caisson delete --force c
	nothing_left
	socket_server mute mute
	within 20 0 caisson create -b b --console-socket mute c
	is_status c created
}

@test "a pidfd socket that is absent, or closed early" {
	requires python3
	make_bundle b
	script b 'sleep 1000'
	refused 'pidfd socket' caisson create -b b --pidfd-socket absent c
	refused 'pidfd socket' caisson run -d -b b --pidfd-socket absent c
	socket_server deaf socket
	within 20 1 caisson create -b b --pidfd-socket socket c
	says 'pidfd socket'
	one_line
	nothing_left
}

# --- descriptors -------------------------------------------------------------------------

@test "stdin, stdout and stderr closed, in all combinations" {
	make_bundle b
	# what is there is a descriptor that works, and no file of ours
	script b 'for n in 0 1 2; do readlink /proc/self/fd/$n; done >/tmp/x; exec 0<&- ; exit 7'
	local which
	for which in '' '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		status=0
		bash -c "exec '$CAISSON' --root '$STATE' run -b b c $which" \
			</dev/null >out 2>&1 3>&- || status=$?
		[ "$status" = 7 ] || {
			echo "run with $which: $status $(cat out)"
			return 1
		}
		status=0
		bash -c "exec '$CAISSON' --root '$STATE' create -b b c $which" \
			</dev/null >out 2>&1 3>&- || status=$?
		[ "$status" = 0 ]
		expect 0 caisson start c
		wait_for is_status c stopped
		expect 0 caisson delete c
		nothing_left
	done
}

@test "few descriptors: it works, or says so and leaves nothing" {
	make_bundle b
	script b 'exit 7'
	local limit worked=0
	for limit in 4 6 8 10 12 14 16 18 20 24 28 32 36 40 64; do
		status=0
		bash -c "ulimit -n $limit; exec '$CAISSON' --root '$STATE' run -b b c" \
			</dev/null >out 2>&1 3>&- || status=$?
		output=$(cat out)
		case $status in
		7) worked=$((worked + 1)) ;;
		1) says 'too many open files' && one_line ;;
		*)
			echo "limit $limit: exit status $status: $output"
			return 1
			;;
		esac
		nothing_left
		status=0
		bash -c "ulimit -n $limit; exec '$CAISSON' --root '$STATE' create -b b c" \
			</dev/null >out 2>&1 3>&- || status=$?
		[ "$status" -lt 2 ]
		[ "$status" = 1 ] || is_status c created
		expect 0 caisson delete --force c
		nothing_left
	done
	[ "$worked" -ge 1 ]
}

@test "few descriptors: 32 are enough, however many mounts there are" {
	make_bundle b
	script b 'exit 7'
	config b '.mounts += [range(60) | { destination: "/tmp/\(.)", type: "tmpfs", source: "tmpfs" }]'
	status=0
	bash -c "ulimit -Sn 32; exec '$CAISSON' --root '$STATE' run -b b c" \
		</dev/null >out 2>&1 3>&- || status=$?
	[ "$status" = 7 ] || {
		cat out
		return 1
	}
	nothing_left
}

# --- hooks -------------------------------------------------------------------------------

hook() { # KIND SCRIPT [TIMEOUT]
	config b '.hooks[$kind] = [{ "path": "/bin/sh", "args": ["sh", "-c", $s] } +
		if $t == "" then {} else { "timeout": ($t | tonumber) } end]' \
		--arg kind "$1" --arg s "$2" --arg t "${3-}"
}

@test "a hook that fails: what it said is told, and everything is undone" {
	local kind
	for kind in prestart createRuntime createContainer startContainer poststart; do
		make_bundle b
		hook "$kind" 'echo bad luck >&2; exit 3'
		refused "bad luck" caisson run -d -b b c
		says "$kind hook #0"
		says 'exit status 3'
	done
	for kind in startContainer poststart; do
		make_bundle b
		script b 'sleep 1000'
		hook "$kind" 'echo bad luck >&2; exit 3'
		expect 0 caisson create -b b c
		expect 1 caisson start c
		says 'bad luck'
		one_line
		wait_for is_status c stopped
		expect 0 caisson delete c
		nothing_left
	done
}

@test "a hook that takes too long: its time limit holds" {
	local kind
	for kind in prestart createRuntime createContainer startContainer poststart; do
		make_bundle b
		hook "$kind" 'exec sleep 1000' 1
		within 10 1 caisson run -d -b b c
		says "$kind hook #0"
		says 'no end after 1 s'
		one_line
		nothing_left
	done
}

@test "a hook that forks and stays: nobody waits for it" {
	local kind
	for kind in prestart createRuntime poststart poststop; do
		make_bundle b
		script b 'exit 7'
		hook "$kind" "(exec yes) & echo \$! >>$W/pids"
		within 10 7 caisson run -b b c
		nothing_left
	done
	# the pipe is gone, and so is who wrote into it
	local pid
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
	done <pids
	[ "$(wc -l <pids)" = 4 ]
}

@test "a poststop hook that fails does not keep the container" {
	make_bundle b
	script b 'exit 7'
	hook poststop 'exit 3'
	expect 7 caisson run -b b c
	nothing_left
	expect 0 caisson create -b b c
	expect 0 caisson delete c
	says 'poststop hook #0'
	nothing_left
}

# --- version 1 ------------------------------------------------------------------------------

@test "a host of cgroup version 1 alone is refused, whatever the container asks for" {
	make_bundle b
	cp b/config.json whole
	for change in . 'del(.mounts[] | select(.type == "cgroup"))' '.linux.resources.pids.limit = 5 |
		del(.mounts[] | select(.type == "cgroup"))'; do
		cp whole b/config.json
		config b "$change"
		refused 'this host has no cgroup2' unshare --mount sh -c '
			umount -R /sys/fs/cgroup && mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/pids &&
				exec "$0" --root "$1" run -b b c' "$CAISSON" "$STATE"
		says '(mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup)'
	done
}
