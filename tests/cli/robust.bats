#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# Commands that race and records that are damaged: each command ends soon, with one clear
# line or with success, and leaves nothing.

load helpers

ROUNDS=${ROUNDS:-20}

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# in_parallel NUMBER FUNCTION: runs FUNCTION 1, FUNCTION 2, … at once; NAME.N has what
# each printed, and its exit status as the last line
in_parallel() {
	local n pids=()
	for ((n = 1; n <= $1; n++)); do
		{
			status=0
			"$2" "$n" || status=$?
			echo "$status"
		} >"$2.$n" 2>&1 </dev/null 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# count FUNCTION STATUS [TEXT]: how many of them ended so and said so
count() {
	local file n=0
	for file in "$1".[0-9]*; do
		if [ "$(tail -n 1 "$file")" = "$2" ] && grep -qF -- "${3-}" "$file"; then
			n=$((n + 1))
		fi
	done
	echo "$n"
}

show() { # FUNCTION
	sort "$1".[0-9]* | uniq -c
	return 1
}

# --- races ---------------------------------------------------------------------------

create_c() {
	caisson create -b b c
}

@test "64 creates of one id at once: one wins, and the others say why not" {
	make_bundle b
	local round
	for ((round = 0; round < ROUNDS; round++)); do
		in_parallel 64 create_c
		[ "$(count create_c 0)" = 1 ] || show create_c
		[ "$(count create_c 1 'container with given ID already exists')" = 63 ] || show create_c
		is_status c created
		expect 0 caisson delete c
		nothing_left
	done
}

create_n() {
	caisson create -b "b$1" "c$1"
}

@test "64 creates of different ids at once" {
	local n
	for ((n = 1; n <= 64; n++)); do
		make_bundle "b$n"
	done
	in_parallel 64 create_n
	[ "$(count create_n 0)" = 64 ] || show create_n
	[ "$(caisson list -q | wc -l)" = 64 ]
	for ((n = 1; n <= 64; n++)); do
		expect 0 caisson delete --force "c$n"
	done
	nothing_left
}

end_n() { # 4 commands on each of 16 containers
	local id=c$((($1 + 3) / 4))
	case $(($1 % 4)) in
	0) caisson kill "$id" KILL ;;
	1 | 2) caisson delete --force "$id" ;;
	3) caisson state "$id" >/dev/null ;;
	esac
}

@test "kill, state and two deletes race for each of 16 containers" {
	local n round
	for ((n = 1; n <= 16; n++)); do
		make_bundle "b$n"
		script "b$n" 'sleep 1000'
	done
	for ((round = 0; round < 3; round++)); do
		for ((n = 1; n <= 16; n++)); do
			expect 0 caisson run -d -b "b$n" "c$n"
		done
		in_parallel 64 end_n
		# to be late is the only thing that may go wrong
		[ $(($(count end_n 0) + $(count end_n 1 'does not exist') + \
			$(count end_n 1 'not running'))) = 64 ] || show end_n
		nothing_left
	done
}

start_c() {
	caisson start c
}

@test "two starts at once: one wins" {
	make_bundle b
	script b 'sleep 1000'
	local round
	for ((round = 0; round < 10; round++)); do
		expect 0 caisson create -b b c
		in_parallel 2 start_c
		[ "$(count start_c 0)" = 1 ] || show start_c
		[ "$(count start_c 1 'cannot start an already running container')" = 1 ] || show start_c
		is_status c running
		expect 0 caisson delete --force c
	done
	nothing_left
}

start_or_delete() {
	if [ "$1" = 1 ]; then
		caisson start c
	else
		caisson delete --force c
	fi
}

@test "start races with delete --force" {
	make_bundle b
	script b 'sleep 1000'
	local round
	for ((round = 0; round < 20; round++)); do
		expect 0 caisson create -b b c
		in_parallel 2 start_or_delete
		[ "$(tail -n 1 start_or_delete.2)" = 0 ] || show start_or_delete
		[ "$(tail -n 1 start_or_delete.1)" = 0 ] ||
			grep -q 'container does not exist' start_or_delete.1 || show start_or_delete
		nothing_left
	done
}

create_or_delete() {
	if [ $(($1 % 2)) = 1 ]; then
		caisson create -b b c
	else
		caisson delete --force c
	fi
}

@test "create races with delete --force" {
	make_bundle b
	local round
	for ((round = 0; round < 10; round++)); do
		in_parallel 8 create_or_delete
		expect 0 caisson delete --force c
		nothing_left
	done
}

@test "state does not wait, nor do others lie, while many ask" {
	make_bundle b
	expect 0 caisson create -b b c
	ask() {
		caisson state c | jq -r .status
	}
	in_parallel 64 ask
	[ "$(count ask 0 created)" = 64 ] || show ask
}

@test "a container that runs in the foreground can be paused, resumed, executed in and deleted" {
	make_bundle b
	script b 'sleep 1000'
	caisson run -b b c >run.out 2>&1 </dev/null 3>&- &
	local pid=$!
	wait_for is_status c running
	within 5 0 caisson pause c
	is_status c paused
	within 5 0 caisson resume c
	within 5 0 caisson exec c true
	within 5 0 caisson delete --force c
	local status=0
	wait $pid || status=$?
	[ "$status" = 137 ]
	[ ! -s run.out ] || cat run.out
	[ ! -s run.out ]
	nothing_left
}

@test "what init says last is heard, however fast it ends" {
	make_bundle b
	script b 'sleep 1000'
	expect 0 caisson run -d -b b c
	local n
	for ((n = 0; n < 100; n++)); do
		expect 255 caisson exec c /nosuch
		says 'exec: "/nosuch": stat /nosuch: no such file or directory'
	done
}

# --- wrecks --------------------------------------------------------------------------

# A container whose record is about to be damaged; its process lives.
make_wreck() {
	make_bundle b
	script b 'sleep 1000'
	expect 0 caisson run -d -b b c
	pid=$(pid_of c)
}

# What every command makes of a damaged record, and that delete --force clears it.
clears_damage() {
	expect 1 caisson state c
	says 'the record of container c is damaged'
	one_line
	expect 1 caisson kill c KILL
	one_line
	expect 1 caisson delete c
	one_line
	expect 0 caisson list -q
	clears
}

clears() {
	within 12 0 caisson delete --force c
	nothing_left
	[ ! -e "/proc/$pid" ] || [ "$(cut -d ' ' -f 3 "/proc/$pid/stat")" = Z ]
}

@test "a record that is empty, cut or garbage" {
	local damage
	for damage in ': >"$f"' 'truncate -s 1 "$f"' 'truncate -s -1 "$f"' 'truncate -s 200 "$f"' \
		'head -c 300 /dev/urandom >"$f"' 'echo null >"$f"' 'echo "{}" >"$f"' \
		'echo "{}" >>"$f"' 'sed -i "s/\"pid\":[0-9]*/\"pid\":-1/" "$f"' \
		'sed -i "s/\"id\":\"c\"/\"id\":\"d\"/" "$f"' 'rm "$f"; mkfifo "$f"' 'rm "$f"; mkdir "$f"'; do
		make_wreck
		f=$STATE/c/state.json bash -c "$damage"
		clears_damage
	done
}

@test "a plan that is damaged: start says so, and does not execute it" {
	local damage
	for damage in ': >"$f"' 'truncate -s -1 "$f"' 'printf "\377" | dd of="$f" bs=1 seek=9 conv=notrunc' \
		'printf "\377\377\377\377" | dd of="$f" bs=1 seek=24 conv=notrunc' \
		'cat "$f" >"$f.2"; cat "$f.2" >>"$f"; rm "$f.2"' 'rm "$f"; mkdir "$f"' 'rm "$f"; mkfifo "$f"'; do
		make_bundle b
		script b 'echo ran'
		expect 0 caisson create -b b c
		f=$STATE/c/plan bash -c "$damage" 2>/dev/null
		within 10 1 caisson start c
		says plan
		one_line
		is_status c created
		expect 0 caisson delete c
		nothing_left
	done
}

@test "a record of a newer version" {
	make_wreck
	sed -i 's/"version":1/"version":2/' "$STATE/c/state.json"
	expect 1 caisson state c
	says 'newer caisson'
	one_line
	expect 1 caisson delete c
	[ -e "/proc/$pid" ]
	clears
}

@test "a record that is missing" {
	make_wreck
	rm "$STATE/c/state.json"
	is_status c stopped
	expect 1 caisson start c
	clears
}

@test "a folder without anything, and one with the note alone" {
	make_bundle b
	mkdir -p "$STATE/c"
	is_status c stopped
	expect 1 caisson create -b b c
	says 'already exists'
	expect 0 caisson delete c
	nothing_left
	mkdir "$STATE/c"
	ln -s "$CGROUP_PREFIX/b" "$STATE/c/cgroup"
	expect 0 caisson delete --force c
	nothing_left
}

# What a create is between its mkdir and its lock, for longer than it ever takes.
@test "a folder that a create has made but not locked yet is not taken for a wreck" {
	mkdir -p "$STATE/c"
	(
		sleep 0.1
		exec 9<"$STATE/c"
		flock 9
		touch "$STATE/c/config.json"
		sleep 1
		rm -r "$STATE/c"
	) 3>&- &
	is_status c creating
	within 5 1 caisson start c
	says 'container does not exist'
	wait
}

@test "a record whose note is missing" {
	make_wreck
	rm "$STATE/c/cgroup"
	is_status c running
	clears
}

# A group with a process of somebody else's in it: its pid is in $stranger.
make_stranger() {
	mkdir "$CGROUP$CGROUP_PREFIX/others"
	sleep 1000 3>&- &
	stranger=$!
	background+=("$stranger")
	echo "$stranger" >"$CGROUP$CGROUP_PREFIX/others/cgroup.procs"
}

drop_stranger() {
	kill -0 "$stranger"
	kill "$stranger"
	wait "$stranger" || true
	rmdir "$CGROUP$CGROUP_PREFIX/others"
}

@test "a note that names a group of others: nothing there is touched" {
	make_stranger
	mkdir -p "$STATE/c"
	ln -s "$CGROUP_PREFIX/others" "$STATE/c/cgroup"
	expect 0 caisson kill --all c KILL
	expect 1 caisson kill c KILL
	says 'container not running'
	expect 0 caisson delete --force c
	says 'left alone'
	drop_stranger
	nothing_left
}

@test "notes that are no paths of groups" {
	local note
	for note in nowhere ../../.. /../.. / "$CGROUP_PREFIX/.." /proc/self; do
		mkdir -p "$STATE/c"
		ln -s "$note" "$STATE/c/cgroup"
		expect 0 caisson list
		# what cannot be a group's path may be refused, but nothing hangs or is killed
		LIMIT=15 expect_any caisson delete --force c
		rm -rf "$STATE/c"
	done
	mkdir "$STATE/c"
	echo /x >"$STATE/c/cgroup"
	expect 0 caisson delete --force c
	nothing_left
}

@test "a group that others took since the container ended" {
	make_bundle b
	script b 'true'
	expect 0 caisson run --keep -b b c
	is_status c stopped
	# the empty group still has our mark, until another one takes it
	script b 'sleep 1000'
	STATE=$W/other expect 0 caisson run -d -b b other
	expect 0 caisson kill --all c KILL
	expect 0 caisson delete c
	says 'left alone'
	sleep 0.2
	STATE=$W/other is_status other running
	STATE=$W/other expect 0 caisson delete --force other
	nothing_left
}

@test "an id whose folder is a file or a link: it is not followed, nor removed" {
	make_bundle b
	mkdir -p "$STATE" decoy
	touch decoy/cgroup
	local command
	for make in 'ln -s ../decoy' 'ln -s nowhere' 'touch' 'mkfifo'; do
		(cd "$STATE" && $make c)
		for command in 'create -b b' start state delete 'delete --force' kill pause; do
			# shellcheck disable=SC2086 # words
			LIMIT=15 expect_any caisson $command c
			[ "$status" = 1 ]
			one_line
		done
		expect_any caisson list
		[ -e decoy/cgroup ]
		rm "$STATE/c"
	done
	nothing_left
}

@test "a pid that is somebody else's by now" {
	make_wreck
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	make_stranger
	sed -i "s/\"pid\":[0-9]*/\"pid\":$stranger/" "$STATE/c/state.json"
	is_status c stopped
	expect 1 caisson kill c KILL
	says 'container not running'
	one_line
	expect 255 caisson exec c true
	says 'stopped container'
	expect 0 caisson kill --all c KILL
	expect 0 caisson delete --force c
	drop_stranger
	nothing_left
}

@test "the host was booted since: the container has stopped" {
	make_wreck
	sed -i 's/"bootId":"[0-9a-f]*/"bootId":"00000000/' "$STATE/c/state.json"
	is_status c stopped
	expect 1 caisson kill c TERM
	says 'container not running'
	clears
}

@test "delete --force ends a process that was moved out of its group" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --pid-file pid -b b c
	mkdir "$CGROUP$CGROUP_PREFIX/elsewhere"
	cat pid >"$CGROUP$CGROUP_PREFIX/elsewhere/cgroup.procs"
	expect 0 caisson delete --force c
	wait_for sh -c "! kill -0 $(cat pid) 2>/dev/null"
	rmdir "$CGROUP$CGROUP_PREFIX/elsewhere"
}

@test "memory that runs out while config.json is read is said" {
	! sanitized || skip "a sanitizer maps most of it, and dies of that"
	make_bundle b
	local at
	# among these calls is every mmap of the parser
	for ((at = 14; at < 30; at++)); do
		expect_any "$TOOLS/sysfault" -o calls -e "$at:12" "$CAISSON" --root "$STATE" plan b
		[ "$status" = 0 ] || one_line
	done
	nothing_left
}

@test "a record that names another group than the note does" {
	make_wreck
	sed -i 's/caisson-tests/caisson-tasts/' "$STATE/c/state.json"
	within 12 0 caisson delete --force c
	nothing_left
}
