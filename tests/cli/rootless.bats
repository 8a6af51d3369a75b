#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # single-quoted scripts are the container's, jq's, inner shells'
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
	echo '{"pids":{"limit":5}}' >"$W/limits"
	expect 1 plain update --resources "$W/limits" c
	is "container c has no cgroup of its own, so it has no limits"
	expect 1 plain delete c
	expect 0 plain kill c KILL
	wait_for is_user_status c stopped
	expect 0 plain ps -f json c
	is null
	expect 0 plain delete c
	nothing_left
}

@test "a user's terminal is the container's console" {
	requires script
	rootless_bundle 'tty; ls -l /dev/console; stty size'
	config "$W/b" '.process.terminal = true | .process.consoleSize = {height: 7, width: 77}'
	expect 3 as_user script -qefc "stty rows 5 cols 55; $W/caisson run --bundle $W/b c; exit 3" /dev/null
	says /dev/pts/0
	says "5 55"
	says /dev/console
}

@test "the state of a user is for nobody else to look at, and is told where it cannot be" {
	rootless_bundle 'exec sleep 100'
	expect 0 plain run --detach --bundle "$W/b" c
	[ "$(stat -c '%u %a' "$STATE" "$STATE/c" | tr '\n' ' ')" = "$ID 1700 $ID 700 " ]
	expect 2 setpriv --reuid $((ID + 1)) --clear-groups --inh-caps=-all ls "$STATE"
	expect 1 setpriv --reuid $((ID + 1)) --clear-groups --inh-caps=-all "$W/caisson" --root "$STATE" list
	says "permission denied"
	expect 0 plain delete --force c
	mkdir "$W/nobodys"
	expect 1 env XDG_RUNTIME_DIR="$W/nobodys" \
		setpriv --reuid $ID --regid $ID --clear-groups "$W/caisson" run --bundle "$W/b" c
	says "mkdir $W/nobodys/caisson: permission denied (the state goes to $W/nobodys/caisson: choose"
	one_line
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

# --- the root of somebody else's user namespace -------------------------------------------------

# As `unshare -r` of a user makes one: euid 0, one id, no setgroups.
inside() { # ARGUMENT... of the runtime
	as_user unshare -Ur timeout --foreground -k 2 "${LIMIT:-90}" "$W/caisson" "$@"
}

@test "root of a user namespace runs a container in it, and one in another below it" {
	rootless_bundle 'id; cat /proc/self/uid_map'
	config "$W/b" '.linux.namespaces |= map(select(.type != "user"))
		| del(.linux.uidMappings, .linux.gidMappings)'
	expect 0 inside run --bundle "$W/b" c
	says "uid=0(root) gid=0(root)"
	says "         0      $ID          1"
	[ -d "$W/run/caisson" ]
	config "$W/b" '.process.user.uid = 7'
	refused "process.user.uid: 7 is not in /proc/self/uid_map of the user namespace" \
		inside run --bundle "$W/b" c
	config "$W/b" '.process.user = {uid: 0, gid: 0, additionalGids: [0]}'
	refused "the kernel denies setgroups(2) in a user namespace" inside run --bundle "$W/b" c
	config "$W/b" '.process.user = {uid: 0, gid: 0} | .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}]
		| .linux.gidMappings = .linux.uidMappings'
	expect 0 inside run --bundle "$W/b" c
	says "         0          0          1"
	config "$W/b" '.linux.uidMappings[0].hostID = 5'
	refused "write uid_map: operation not permitted" inside run --bundle "$W/b" c
	says "see /proc/self/uid_map"
}

@test "a config made for root runs as the root of a user namespace, as far as that goes" {
	own_place
	config "$W/b" 'del(.linux.cgroupsPath) | .linux.resources = {devices: [{allow: false, access: "rwm"}]}'
	script "$W/b" 'echo ran; grep -c devpts /proc/mounts'
	expect 0 inside run --bundle "$W/b" c
	says ran
	config "$W/b" '.linux.resources.pids.limit = 5'
	refused "linux.resources.pids.limit; there is no cgroup" inside run --bundle "$W/b" c
}

@test "the limit of user namespaces is named where it is reached" {
	rootless_bundle true
	export W
	expect 1 as_user unshare -Ur sh -c \
		'echo 0 >/proc/sys/user/max_user_namespaces; exec "$0" run --bundle "$1" c' "$W/caisson" "$W/b"
	says "user-namespace"
	says "unshare: no space left on device (the user may have no more user namespaces"
	one_line
}

@test "a user namespace is joined by its owner only" {
	rootless_bundle 'id -u; cat /proc/self/uid_map'
	local sleeper='echo $$ >"$0"; exec sleep 100' ours theirs
	as_user unshare -Ur sh -c "$sleeper" "$W/run/ours" 3>&- &
	unshare -U sh -c "$sleeper" "$W/theirs" 3>&- &
	wait_for test -s "$W/run/ours"
	wait_for test -s "$W/theirs"
	ours=$(cat "$W/run/ours") theirs=$(cat "$W/theirs")
	background+=("$ours" "$theirs")
	config "$W/b" '(.linux.namespaces[] | select(.type == "user")).path = $p
		| del(.linux.uidMappings, .linux.gidMappings)' --arg p "/proc/$ours/ns/user"
	expect 0 plain run --bundle "$W/b" c
	says "         0      $ID          1"
	: >"$W/b/theirs"
	mount --bind "/proc/$theirs/ns/user" "$W/b/theirs"
	config "$W/b" '(.linux.namespaces[] | select(.type == "user")).path = $p' --arg p "$W/b/theirs"
	expect 1 plain run --bundle "$W/b" c
	umount "$W/b/theirs"
	says "theirs is a user namespace of uid 0: the kernel lets only its owner join it"
	one_line
}

# --- ids --------------------------------------------------------------------------------------

# Runs a command of root's where /etc is one with our user and its ranges, and FILE, if
# given, lies on newuidmap: the helpers ask /etc/passwd and /etc/subuid.
with_ranges() { # [FILE] COMMAND...
	rm -rf "${W:?}/etc"
	cp -a /etc "$W/etc"
	echo "rootless:x:$ID:$ID::/:/bin/sh" >>"$W/etc/passwd"
	echo "rootless:300000:65536" | tee "$W/etc/subuid" >"$W/etc/subgid"
	unshare -m --propagation private bash -c '
		mount --bind "$W/etc" /etc
		[ ! -e "$1" ] || mount --bind "$1" /usr/bin/newuidmap
		shift
		"$@"' bash "$@"
}

ranges() { # FIRST SIZE
	config "$W/b" '(.linux.uidMappings, .linux.gidMappings) = [
		{containerID: 0, hostID: $own, size: 1}, {containerID: 1, hostID: $first, size: $size}]' \
		--argjson own $ID --argjson first "$1" --argjson size "$2"
}

@test "a user's ranges of /etc/subuid and /etc/subgid are mapped by the helpers" {
	requires newuidmap
	export -f plain as_user
	export W ID
	rootless_bundle 'id; cat /proc/self/uid_map /proc/self/setgroups; touch /tmp/mine'
	ranges 300000 65536
	config "$W/b" '.process.user = {uid: 5, gid: 6, additionalGids: [7, 8]}'
	chmod 777 "$W/b/rootfs/tmp"
	expect 0 with_ranges - plain run --bundle "$W/b" c
	says "uid=5 gid=6 groups=7,8"
	says "         1     300000      65536"
	says allow
	[ "$(stat -c %u:%g "$W/b/rootfs/tmp/mine")" = 300004:300005 ]
	# exec and delete work for processes of all these ids
	script "$W/b" 'exec sleep 100'
	expect 0 with_ranges - plain run --detach --bundle "$W/b" c
	expect 0 plain exec c id
	says "uid=5 gid=6 groups=7,8"
	expect 0 plain exec --user 9 c id -u
	is 9
	expect 0 plain delete --force c
	nothing_left
}

@test "ids that are not the user's, or no helper to map them, are refused" {
	requires newuidmap
	export -f plain as_user
	export W ID
	rootless_bundle true
	ranges 400000 10
	expect 1 with_ranges - plain run --bundle "$W/b" c
	says "newuidmap: exit status 1: newuidmap: uid range [1-11) -> [400000-400010) not allowed"
	says "a line NAME:FIRST:COUNT in /etc/subuid"
	one_line
	ranges 300000 65537
	expect 1 with_ranges - plain run --bundle "$W/b" c
	says "not allowed"
	# without ranges at all
	ranges 300000 10
	refused "newuidmap: exit status 1" plain run --bundle "$W/b" c
	# a helper that others could have written is not root's word
	ranges 300000 65536
	cp /usr/bin/newuidmap "$W/helper"
	chmod 4775 "$W/helper"
	expect 1 with_ranges "$W/helper" plain run --bundle "$W/b" c
	says "/usr/bin/newuidmap: must be a file that is root's and writable for nobody else"
	chown $ID "$W/helper"
	chmod 755 "$W/helper"
	expect 1 with_ranges "$W/helper" plain run --bundle "$W/b" c
	says "must be a file that is root's"
	nothing_left
}

@test "neither the environment nor PATH has a say in the helper" {
	requires newuidmap
	requires strace
	! sanitized || skip "a sanitizer that looks for leaks does not work below strace"
	export -f plain as_user
	export W ID
	rootless_bundle 'echo ran'
	ranges 300000 65536
	mkdir "$W/evil"
	printf '#!/bin/sh\n: >%s/run/evil\n' "$W" | tee "$W/evil/newuidmap" >"$W/evil/newgidmap"
	chmod 755 "$W/evil/newuidmap" "$W/evil/newgidmap"
	PATH=$W/evil:$PATH expect 0 with_ranges - strace -qq -f -v -s 100 -e trace=execveat \
		-o "$W/trace" bash -c 'plain run --bundle "$W/b" c'
	is ran
	[ "$(grep -c 'execveat([0-9]*, "", \["new[ug]idmap", .*\], \[\], AT_EMPTY_PATH)' "$W/trace")" = 2 ]
	not [ -e "$W/run/evil" ]
}

@test "ids that are not mapped are refused by their names" {
	rootless_bundle true
	config "$W/b" '.process.user.uid = 5'
	refused "process.user.uid: 5 is not in linux.uidMappings" plain run --bundle "$W/b" c
	config "$W/b" '.process.user = {uid: 0, gid: 3}'
	refused "process.user.gid: 3 is not in linux.gidMappings" plain run --bundle "$W/b" c
	config "$W/b" '.process.user = {uid: 0, gid: 0, additionalGids: [0]}'
	refused "process.user.additionalGids: the kernel denies setgroups(2)" \
		plain run --bundle "$W/b" c
	says "newgidmap"
	config "$W/b" '.linux.namespaces |= map(select(.type != "user"))
		| del(.linux.uidMappings, .linux.gidMappings)'
	refused "linux.namespaces: without privileges a user namespace is needed" \
		plain run --bundle "$W/b" c
}

# --- devices, and what only root may ------------------------------------------------------------

@test "devices are the host's of the same path, or are refused with the reason" {
	rootless_bundle 'stat -c "%t:%T %F" /dev/fuse /dev/null'
	if [ -c /dev/fuse ]; then
		config "$W/b" '.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229}]'
		expect 0 plain run --bundle "$W/b" c
		says "a:e5 character special file"
	fi
	config "$W/b" '.linux.devices = [{path: "/dev/none-such", type: "c", major: 1, minor: 3}]'
	refused "device /dev/none-such (linux.devices[0]): /dev/none-such open: no such file" \
		plain run --bundle "$W/b" c
	says "(a user namespace makes no devices (mknod(2)), so the host's of the same path is bound"
	config "$W/b" '.linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 1}]'
	refused "but that is another one" plain run --bundle "$W/b" c
}

@test "a lower oom score and higher limits are refused with what they need" {
	rootless_bundle 'cat /proc/self/oom_score_adj'
	config "$W/b" '.process.oomScoreAdj = 999'
	expect 0 plain run --bundle "$W/b" c
	is 999
	config "$W/b" '.process.oomScoreAdj = -999'
	refused "only CAP_SYS_RESOURCE over the host lowers it" plain run --bundle "$W/b" c
	config "$W/b" 'del(.process.oomScoreAdj)
		| .process.rlimits = [{type: "RLIMIT_NICE", soft: 99, hard: 99}]'
	refused "raising a hard limit needs CAP_SYS_RESOURCE" plain run --bundle "$W/b" c
}

# --- mounts -----------------------------------------------------------------------------------

# A bundle that wants new mounts of all kinds, and gid 5 for terminals.
mounting_bundle() { # SCRIPT
	rootless_bundle "$1"
	config "$W/b" '.mounts |= (map(select(.destination != "/sys" and .destination != "/dev/pts"))
		+ [{destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid"]},
		{destination: "/dev/pts", type: "devpts", source: "devpts",
			options: ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]}])
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []'
}

share() { # NAMESPACE...: with the host
	local type
	for type; do
		config "$W/b" 'del(.linux.namespaces[] | select(.type == $t))' --arg t "$type"
	done
	config "$W/b" 'del(.hostname)'
}

@test "terminals of an unmapped group are had without it, and a word about that" {
	mounting_bundle 'grep devpts /proc/self/mounts'
	share network
	expect 0 plain run --bundle "$W/b" c
	says 'options: "gid=5" is left out: the user namespace has no such group'
	says "devpts /dev/pts devpts rw,"
	not grep -q gid= <<<"$(grep mode= <<<"$output" | grep -o 'gid=[0-9]*')"
}

@test "the host's network shows in the host's sysfs, read-only with all that is below it" {
	mounting_bundle 'grep " /sys" /proc/self/mounts; mkdir /sys/fs/cgroup/x; ls /sys/class/net'
	share network
	expect 0 plain run --bundle "$W/b" c
	says "sysfs /sys sysfs ro,nosuid,nodev,noexec"
	says "Read-only file system"
	not grep -q ' /sys.* rw' <<<"$output"
	# with a network of its own it is the container's
	config "$W/b" '.linux.namespaces += [{type: "network"}]'
	script "$W/b" 'grep " /sys " /proc/self/mounts; ls /sys/class/net'
	expect 0 plain run --bundle "$W/b" c
	says "sysfs /sys sysfs rw,nosuid,relatime"
	[ "$(tail -n 1 <<<"$output")" = lo ]
}

@test "the host's pids and queues show in the host's procfs and mqueue" {
	mounting_bundle 'echo "I am $$, first is $(tr "\0" " " </proc/1/cmdline)"; cat /proc/self/mounts'
	share network pid ipc
	if ! grep -q ' /dev/mqueue mqueue ' /proc/self/mounts; then
		expect 1 plain run --bundle "$W/b" c
		says "error mounting /dev/mqueue"
		config "$W/b" '.mounts |= map(select(.type != "mqueue"))'
	fi
	expect 0 plain run --bundle "$W/b" c
	says "first is $(tr '\0' ' ' </proc/1/cmdline)"
	says "proc /proc proc"
	not grep -q 'I am 1,' <<<"$output"
}

@test "a new procfs is refused where the one that is there is covered, by the kernel's rule" {
	rootless_bundle true
	config "$W/b" '.mounts |= map(select(.destination != "/sys")) | .linux.maskedPaths = []
		| .linux.readonlyPaths = []'
	export -f plain as_user
	export W ID
	covered() {
		unshare -m --propagation private bash -c 'mount -t tmpfs tmpfs /proc/acpi && "$@"' bash "$@"
	}
	[ -d /proc/acpi ] || skip "this kernel has no /proc/acpi to cover"
	expect 1 covered plain run --bundle "$W/b" c
	says "error mounting /proc (mounts[0]): proc fsmount: operation not permitted"
	says "mount_too_revealing"
	one_line
	nothing_left
}

# --- cgroups ----------------------------------------------------------------------------------

# A group of ours that belongs to the user, who is in a group below it.
delegate() {
	mkdir "$CGROUP$CGROUP_PREFIX/user" "$CGROUP$CGROUP_PREFIX/user/session"
	chown $ID "$CGROUP$CGROUP_PREFIX/user"
	local group=$CGROUP$CGROUP_PREFIX/user
	chown $ID "$group/cgroup.procs" "$group/cgroup.subtree_control" "$group/cgroup.threads"
}

in_session() { # COMMAND...
	bash -c 'echo 0 >"$1/cgroup.procs" && shift && "$@"' bash \
		"$CGROUP$CGROUP_PREFIX/user/session" "$@"
}

@test "a delegated cgroup is used: below it the container has one of its own" {
	rootless_bundle 'exec sleep 100'
	delegate
	export -f plain as_user
	export W ID CGROUP
	expect 0 in_session plain run --detach --bundle "$W/b" c
	group_has user/c 1
	group_has user/session 0
	expect 0 in_session plain exec --detach c sleep 99
	group_has user/c 2
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
	group_has user/x/y 1
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

@test "policy why: a plain user sees what other walls than the profile refuse, too" {
	rootless_bundle 'exec 2>/dev/null; mkdir /new /new; hostname other; (chroot /); cat /closed; true'
	mkdir -m 0 "$W/b/rootfs/closed"
	config "$W/b" '.root.readonly = true | .process.capabilities |= map_values([]) |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chroot"], action: "SCMP_ACT_ERRNO", errnoRet: 77}]}'
	chown -R $ID:$ID "$W/b"
	expect 0 plain policy why "$W/b"
	is "mkdir: EROFS, 2 times: /new: most likely the root is read-only (/root/readonly)
chroot: errno 77, 1 time: seccomp: the rule refuses it (/linux/seccomp/syscalls/0)
sethostname: EPERM, 1 time: most likely it wants CAP_SYS_ADMIN, which the config does not give (/process/capabilities)
openat: EACCES, 1 time: /closed: most likely the mode or the owner of the file, or a rule of the kernel's"
	# the same at the end of a run
	expect 0 plain run --report -b "$W/b" c
	says '--report without CAP_BPF and CAP_PERFMON over the host: each system call is stopped and looked at'
	says 'chroot: errno 77, 1 time: seccomp: the rule refuses it (/linux/seccomp/syscalls/0)'
	says 'openat: EACCES, 1 time: /closed: most likely'
	expect 0 plain list -q
	is ""
}
