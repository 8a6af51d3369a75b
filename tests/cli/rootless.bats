#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Without root's rights: as a plain user, with and without ranges of ids of one's own,
# and as the root of a user namespace that somebody else made. The user and its ranges
# are made up, in a mount namespace where /etc is a copy; the host's is never touched.

load helpers

ID=42421 # of a user that no host has

setup_file() {
	requires root
	requires setpriv
}

# Where our user can read and write; the tree's folder may be closed to others.
own_place() {
	mkdir -p "$W/run" "$W/etc"
	cp "$CAISSON" "$W/caisson"
	make_bundle "$W/b" copy
	chown -R $ID:$ID "$W/b" "$W/run"
	# shellcheck disable=SC2034 # of helpers.bash
	STATE=$W/run/caisson
}

as_user() { # COMMAND...
	env -i PATH="$PATH" HOME="$W" XDG_RUNTIME_DIR="$W/run" \
		setpriv --reuid $ID --regid $ID --clear-groups --inh-caps=-all "$@"
}

# The runtime of our user; its default --root is $STATE.
plain() { # ARGUMENT...
	as_user timeout --foreground -k 2 "${LIMIT:-90}" "$W/caisson" "$@"
}

# A bundle as the documentation of runtimes makes one, with a script for a shell.
rootless_bundle() { # SCRIPT
	own_place
	rm "$W/b/config.json"
	(cd "$W/b" && plain spec --rootless)
	config "$W/b" '.process.terminal = false | .root.readonly = false'
	script "$W/b" "$1"
	chown $ID:$ID "$W/b/config.json"
}

@test "a bundle of spec --rootless runs as a plain user, word for word" {
	own_place
	rm "$W/b/config.json"
	cd "$W/b" || return
	plain spec --rootless
	sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"id"/' config.json
	expect 0 plain run mycontainerid
	is "uid=0(root) gid=0(root)"
	expect 0 plain list -q
	is ""
}

@test "its root is the user, and it has no more rights than that" {
	rootless_bundle 'cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups
		touch /made; cat /theirs; mknod /node c 1 3; mount -t tmpfs tmpfs /sys; echo end'
	echo secret >"$W/b/rootfs/theirs"
	chmod 600 "$W/b/rootfs/theirs"
	expect 0 plain run --bundle "$W/b" c
	says "         0      $ID          1"
	says deny
	says "cat: can't open '/theirs': Permission denied"
	says "mknod: /node: Operation not permitted"
	says "mount: permission denied"
	[ "$(stat -c %u "$W/b/rootfs/made")" = $ID ]
	not [ -e "$W/b/rootfs/node" ]
}

@test "a user's container lives its life: create, start, state, exec, ps, kill, delete" {
	rootless_bundle 'sleep 100 & exec sleep 100'
	expect 0 plain create --bundle "$W/b" c
	expect 0 plain state c
	says '"status": "created"'
	expect 255 plain exec c id -u
	says "cannot exec in a created container without privileges"
	expect 0 plain start c
	expect 0 plain exec c id -u
	is 0
	expect 0 plain exec c sh -c 'ls /proc | grep -c "^[0-9]*$"; cat /proc/self/setgroups'
	expect 0 plain ps -f json c
	[ "$(jq length <<<"$output")" = 2 ]
	expect 0 plain list
	says "running"
	says "#$ID"
	expect 1 plain pause c
	is "container c has no cgroup of its own, so nothing can freeze it"
	expect 1 plain delete c
	expect 0 plain kill c KILL
	wait_for is_user_status c stopped
	expect 0 plain ps -f json c
	is null
	expect 0 plain delete c
	nothing_left
}

is_user_status() { # ID STATUS
	[ "$(plain state "$1" | jq -r .status)" = "$2" ]
}

@test "delete --force and kill --all end a container without a cgroup" {
	rootless_bundle 'sleep 100 & exec sleep 100'
	expect 0 plain run --detach --bundle "$W/b" c
	expect 0 plain kill --all c KILL
	wait_for is_user_status c stopped
	expect 0 plain delete c
	expect 0 plain run --detach --bundle "$W/b" c
	expect 0 plain delete --force c
	nothing_left
	# in the host's pid namespace only the first process can be told from others
	config "$W/b" 'del(.linux.namespaces[] | select(.type == "pid")) | .mounts |= map(
		if .type == "proc" then . + {type: "bind", source: "/proc", options: ["rbind"]} else . end)'
	script "$W/b" 'exec sleep 100'
	expect 0 plain run --detach --bundle "$W/b" c
	expect 1 plain ps c
	says "neither a cgroup nor a pid namespace of its own"
	expect 0 plain kill c KILL
	says "only its first process is signalled"
	wait_for is_user_status c stopped
	expect 0 plain delete c
}

@test "a limit that nothing can set is refused, with every field and the way out" {
	rootless_bundle true
	config "$W/b" '.linux.resources.memory.limit = 9000000 | .linux.resources.pids.limit = 9'
	refused "linux.resources.pids.limit; linux.resources.memory.limit; there is no cgroup to set" \
		plain run --bundle "$W/b" c
	config "$W/b" '.linux.resources.memory.limit = -1 | .linux.resources.pids.limit = -1'
	expect 0 plain run --bundle "$W/b" c
	config "$W/b" '.linux.cgroupsPath = "a/b"'
	refused 'linux.cgroupsPath: "a/b" is relative, but no cgroup is delegated to us' \
		plain run --bundle "$W/b" c
	config "$W/b" '.linux.cgroupsPath = "/a"'
	refused "mkdir cgroup /a: permission denied" plain run --bundle "$W/b" c
}

@test "--rootless says whether the lack of a cgroup is an error" {
	rootless_bundle true
	expect 0 plain --rootless true run --bundle "$W/b" c
	expect 0 plain --rootless=auto run --bundle "$W/b" c
	refused "mkdir cgroup /c: permission denied" plain --rootless=false run --bundle "$W/b" c
}

# A group of ours that belongs to the user, who is in a group below it.
delegate() {
	mkdir "$CGROUP$CGROUP_PREFIX/user" "$CGROUP$CGROUP_PREFIX/user/session"
	chown $ID "$CGROUP$CGROUP_PREFIX/user"
	local group=$CGROUP$CGROUP_PREFIX/user
	chown $ID "$group/cgroup.procs" "$group/cgroup.subtree_control" "$group/cgroup.threads"
}

in_session() { # COMMAND...
	# shellcheck disable=SC2016 # the inner shell's arguments
	bash -c 'echo 0 >"$1/cgroup.procs" && shift && "$@"' bash \
		"$CGROUP$CGROUP_PREFIX/user/session" "$@"
}

@test "a delegated cgroup is used: below it the container has one of its own" {
	rootless_bundle 'exec sleep 100'
	delegate
	export -f plain as_user
	export W ID CGROUP
	expect 0 in_session plain run --detach --bundle "$W/b" c
	has_processes user/c 1
	has_processes user/session 0
	expect 0 in_session plain exec --detach c sleep 99
	has_processes user/c 2
	expect 0 in_session plain pause c
	expect 0 plain state c
	says '"status": "paused"'
	expect 0 in_session plain resume c
	expect 0 in_session plain delete --force c
	not [ -e "$CGROUP$CGROUP_PREFIX/user/c" ]
	# from outside of the delegated tree the kernel lets nobody move in
	expect 0 in_session plain run --detach --bundle "$W/b" c
	expect 255 plain exec c true
	says "clone3: permission denied"
	says "systemd-run --user --scope"
	expect 0 plain delete --force c
	config "$W/b" '.linux.cgroupsPath = "x/y"'
	expect 0 in_session plain run --detach --bundle "$W/b" c
	has_processes user/x/y 1
	expect 0 in_session plain delete --force c
	(cd "$CGROUP$CGROUP_PREFIX/user" && rmdir x session && rmdir "$PWD")
}

@test "a container of root's may stay in its caller's cgroup, if it may use all devices" {
	make_bundle "$W/b" copy
	script "$W/b" 'exec sleep 100'
	refused "linux.resources.devices: without a cgroup nothing keeps" \
		caisson --cgroup-manager disabled run --bundle "$W/b" c
	config "$W/b" '.linux.resources = {devices: [{allow: true, access: "rwm"}]}'
	expect 0 caisson --cgroup-manager disabled run --detach --bundle "$W/b" c
	not [ -e "$CGROUP$CGROUP_PREFIX/b" ]
	[ "$(grep ^0:: "/proc/$(pid_of c)/cgroup")" = "$(grep ^0:: /proc/self/cgroup)" ]
	expect 0 caisson exec --detach c sleep 99
	expect 0 caisson ps -f json c
	[ "$(jq length <<<"$output")" = 2 ]
	expect 255 caisson exec --cgroup sub c true
	says "the container has no cgroup of its own"
	expect 0 caisson delete --force c
	config "$W/b" '.linux.resources.pids.limit = 5'
	refused "linux.resources.pids.limit; there is no cgroup to set these limits in" \
		caisson --cgroup-manager disabled run --bundle "$W/b" c
}
