#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # filters are jq's
# Real servers from Debian's packages: each is traced, works under the profile that comes
# out, and is refused what it did not do; and that profile is far smaller than Docker's.

load helpers
load servers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	command -v python3 >/dev/null || skip_all "needs the program python3"
	"$BATS_TEST_DIRNAME/../rootfs" servers >"$BATS_FILE_TMPDIR/rootfs" 2>&1 ||
		skip_all "no root file system of Debian's packages: $(tail -n 1 "$BATS_FILE_TMPDIR/rootfs")"
}

setup_network() {
	unshare -n sh -c 'ip link set lo up && exec sleep 1000' 3>&- &
	NETWORK=$!
	background+=("$NETWORK")
	wait_for has_own_network
}

has_own_network() {
	[ "$(cat "/proc/$NETWORK/comm")" = sleep ]
}

# The container that `policy trace` and `policy why` run has a name of their own.
running_id() {
	find "$STATE" -mindepth 1 -maxdepth 1 -name 'trace-*' -printf '%f\n'
}

# watched COMMAND...: caisson with a server in the foreground, until it answers
watched() {
	"$CAISSON" --root "$STATE" "$@" >watched.out 2>&1 </dev/null 3>&- &
	WATCHER=$!
	background+=("$WATCHER")
	wait_for "$SERVER"_answers || {
		cat watched.out
		return 1
	}
}

# The server is asked to end, and what the watcher printed becomes $output.
end_watched() {
	local status=0
	caisson kill "$(running_id)" INT
	wait "$WATCHER" || status=$?
	output=$(cat watched.out)
	[ $status = 0 ] || {
		echo "exit status $status: $output"
		return 1
	}
}

allowed() { # PROFILE: how many calls
	caisson policy explain --format json "$1" | jq '.counts | .allowed + .conditional'
}

# Fewer than a third of what Docker allows, and the figure is printed.
is_small() { # PROFILE
	local own docker
	own=$(allowed "$1")
	docker=$(allowed "$TOP/tests/cli/profiles/docker.json")
	echo "# measured: $SERVER: its own profile allows $own system calls, Docker's $docker" >&3
	[ "$((own * 3))" -lt "$docker" ]
}

chroot_is_explained() {
	says 'chroot: EPERM, 1 time: seccomp: no rule names it, and the default refuses it (/linux/seccomp/defaultAction)'
}

trace_and_run() { # SERVER
	SERVER=$1
	setup_network
	server_bundle b "$SERVER"
	watched policy trace -o one.json b
	"$SERVER"_works
	end_watched
	says 'the profile names '
	# what only a slow machine, or a fast one, needs: a second run adds to the first
	watched policy trace --merge one.json -o p.json b
	"$SERVER"_works
	end_watched
	is_small p.json

	# it was free to do this before
	watched policy why b
	expect 0 caisson exec --user 0 "$(running_id)" chroot / true
	end_watched
	config b '.linux.seccomp = $p[0]' --slurpfile p p.json
	watched policy why b
	"$SERVER"_works
	expect 125 caisson exec --user 0 "$(running_id)" chroot / true
	says 'peration not permitted'
	"$SERVER"_works
	end_watched
	chroot_is_explained
}

@test "servers: nginx under a profile from its trace" {
	trace_and_run nginx
}

@test "servers: redis under a profile from its trace" {
	trace_and_run redis
}

@test "servers: python's web server under a profile from its trace" {
	trace_and_run python
}

@test "servers: apt-get update under a profile from its trace" {
	SERVER=apt
	setup_network
	repository
	server_bundle b apt
	expect 0 caisson policy trace -o p.json b
	updated
	is_small p.json
	# with what decides in the arguments, too
	expect 0 caisson policy trace --args -o args.json b
	updated
	jq -e '[.syscalls[] | select(.names == ["socket"]).args[0].valueTwo] | index(2)' args.json
	config b '.linux.seccomp = $p[0]' --slurpfile p args.json
	expect 0 caisson run -b b c
	updated
	config b 'del(.linux.seccomp)'

	config b '.process.args[2] += " && chroot / true"'
	expect 0 caisson policy why b
	updated
	config b '.linux.seccomp = $p[0]' --slurpfile p p.json
	expect 0 caisson policy why b
	updated
	chroot_is_explained
	says 'cannot change root directory'
}
