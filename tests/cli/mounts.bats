#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# What each kind of mount and each option does, seen from inside.

load helpers

undo=()

# What a test did to the host, undone before the folder goes.
eval "$(declare -f teardown | sed '1s/teardown/teardown_all/')"
teardown() {
	local command
	for command in "${undo[@]}"; do
		$command || true
	done
	leak_before=${leak_first-$leak_before}
	teardown_all
}

# host_changed COMMAND: what undoes it
host_changed() {
	undo=("$1" "${undo[@]}")
	leak_first=${leak_first-$leak_before}
	leak_before=$(leak_snapshot)
}

# mounted MOUNT...: bundle b, with these mounts (JSON) behind its own
mounted() {
	[ -d b ] || make_bundle b copy
	config b '.mounts += $m' --argjson m "[$(
		IFS=,
		echo "$*"
	)]"
}

# inside SCRIPT: its output, in a new container of bundle b
inside() {
	script b "$1"
	expect 0 caisson run -b b c
}

tmpfs() { # TARGET OPTION...: a mount as JSON
	jq -nc '{ destination: $ARGS.positional[0], type: "tmpfs", source: "tmpfs",
		options: $ARGS.positional[1:] }' --args "$@"
}

bind() { # SOURCE TARGET OPTION...
	jq -nc '{ source: $ARGS.positional[0], destination: $ARGS.positional[1],
		options: $ARGS.positional[2:] }' --args "$@"
}

# --- tmpfs -----------------------------------------------------------------------------

@test "a tmpfs has the mode of the folder that it covers, unless it is given one" {
	make_bundle b copy
	mkdir b/rootfs/own b/rootfs/given
	chmod 2751 b/rootfs/own b/rootfs/given
	mounted "$(tmpfs /own)" "$(tmpfs /given mode=1700)" "$(tmpfs /new/deep)"
	inside 'stat -c %a /own /given /new/deep /new; grep " /own " /proc/mounts'
	[ "${output%%tmpfs*}" = $'2751\n1700\n1777\n755\n' ]
	says mode=2751
	[ "$(stat -c %a b/rootfs/given)" = 2751 ]
}

@test "a read-only tmpfs may hold mountpoints and devices" {
	mounted "$(tmpfs /ro ro)" "$(tmpfs /ro/below)" "$(tmpfs /ro/last ro)"
	config b '(.mounts[] | select(.destination == "/dev") | .options) += ["ro"]'
	inside 'for f in /ro/x /ro/last/x /dev/x; do ! touch $f 2>/dev/null || echo $f; done
		touch /ro/below/x /dev/shm/x && echo x >/dev/null && ls -d /dev/fd && echo fine'
	is $'/dev/fd\nfine'
}

@test "of two tmpfs in one place the one on top counts" {
	mounted "$(tmpfs /two ro)" "$(tmpfs /two)"
	inside 'touch /two/file && echo fine'
	is fine
}

@test "tmpcopyup: the folder's content is in the tmpfs, and not written back" {
	make_bundle b copy
	mkdir -p b/rootfs/d/sub/deep b/rootfs/d/empty
	echo text >b/rootfs/d/sub/deep/file
	ln -s /etc/shadow b/rootfs/d/link
	mkfifo b/rootfs/d/fifo
	mknod b/rootfs/d/null c 1 3
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("b/rootfs/d/socket")'
	chmod 4756 b/rootfs/d/sub/deep/file
	chmod 1711 b/rootfs/d/sub
	chmod 777 b/rootfs/d
	chown -h 7:8 b/rootfs/d/sub b/rootfs/d/sub/deep/file b/rootfs/d/link b/rootfs/d/fifo
	chown 3:4 b/rootfs/d
	touch -d @1000000000 b/rootfs/d/sub/deep/file b/rootfs/d/sub b/rootfs/d
	chmod 4756 b/rootfs/d/sub/deep/file
	mounted "$(tmpfs /d tmpcopyup)"
	inside 'cd /d && stat -c "%n %F %a %u:%g" * sub/deep/file . | sort
		stat -c %Y sub/deep/file sub .; stat -c %t:%T null; readlink link; cat sub/deep/file
		grep -c " /d tmpfs" /proc/mounts; echo more >>sub/deep/file; rm -r empty'
	is ". directory 777 3:4
empty directory 755 0:0
fifo fifo 644 7:8
link symbolic link 777 7:8
null character special file 644 0:0
socket socket 755 0:0
sub directory 1711 7:8
sub/deep/file regular file 4756 7:8
1000000000
1000000000
1000000000
1:3
/etc/shadow
text
1"
	[ "$(cat b/rootfs/d/sub/deep/file)" = text ]
	[ -d b/rootfs/d/empty ]
}

@test "tmpcopyup keeps capabilities of files" {
	requires setcap
	make_bundle b copy
	mkdir b/rootfs/d
	cp b/rootfs/bin/busybox b/rootfs/d/grep
	setcap cap_kill+ep b/rootfs/d/grep
	mounted "$(tmpfs /d tmpcopyup)"
	config b '.process.user = { "uid": 1000, "gid": 1000 } | .process.noNewPrivileges = false'
	inside '/bin/grep CapEff /proc/self/status; /d/grep CapEff /proc/self/status'
	is $'CapEff:\t0000000000000000\nCapEff:\t0000000000000020'
}

@test "tmpcopyup: holes stay holes" {
	make_bundle b copy
	mkdir b/rootfs/d
	truncate -s 3T b/rootfs/d/huge
	printf end | dd of=b/rootfs/d/huge bs=1 seek=1M conv=notrunc status=none
	mounted "$(tmpfs /d tmpcopyup size=64k)"
	inside 'stat -c %s /d/huge; dd if=/d/huge bs=1M skip=1 count=1 status=none | head -c 3'
	is $'3298534883328\nend'
}

@test "tmpcopyup: a size, owner or mode that is given counts" {
	make_bundle b copy
	mkdir b/rootfs/d
	chown 5:6 b/rootfs/d
	dd if=/dev/zero of=b/rootfs/d/file bs=1k count=200 status=none
	mounted "$(tmpfs /d tmpcopyup uid=9 mode=700)"
	inside 'stat -c "%u:%g %a" /d'
	is '9:0 700'
	config b '.mounts[-1].options = ["tmpcopyup", "size=64k"]'
	refused 'the tmpfs is too small' caisson run -b b c
	says '/d/file'
}

@test "tmpcopyup: what is mounted below the folder is not its content" {
	make_bundle b copy
	mkdir -p b/rootfs/d/volume source
	touch source/secret b/rootfs/d/kept b/rootfs/d/covered
	echo secret >file
	mounted "$(bind "$W/source" /d/volume rbind)" "$(bind "$W/file" /d/covered bind)" "$(tmpfs /d tmpcopyup)"
	inside 'ls -A /d /d/volume; wc -c </d/covered'
	is $'/d:\ncovered\nkept\nvolume\n\n/d/volume:\n0'
}

@test "tmpcopyup: depth is bounded" {
	make_bundle b copy
	mkdir b/rootfs/d
	(
		cd b/rootfs/d || exit
		for ((n = 0; n < 120; n++)); do mkdir x && cd x || exit; done
	)
	mounted "$(tmpfs /d tmpcopyup)"
	refused 'file name too long' caisson run -b b c
}

@test "tmpcopyup in a user namespace" {
	make_bundle b copy
	mkdir b/rootfs/d
	touch b/rootfs/d/{root,user,stranger}
	chown -R 100000:100000 b/rootfs
	chown 100005:100006 b/rootfs/d/user b/rootfs/d
	chown 5:5 b/rootfs/d/stranger
	chmod 644 b/rootfs/d/*
	mounted "$(tmpfs /d tmpcopyup)"
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 1000 }] |
		.linux.gidMappings = [{ "containerID": 0, "hostID": 100000, "size": 1000 }]'
	inside 'stat -c "%n %u:%g" /d /d/*'
	is $'/d 5:6\n/d/root 0:0\n/d/stranger 0:0\n/d/user 5:6'
}

@test "tmpcopyup is for a tmpfs alone" {
	mounted "$(bind /tmp /d bind tmpcopyup)"
	refused 'mounts[8].options: "tmpcopyup": only a tmpfs can' caisson run -b b c
	config b '.mounts[-1] |= { destination: "/d", type: "ramfs", options: ["tmpcopyup"] }'
	refused 'mounts[8].options: "tmpcopyup": only a tmpfs can' caisson run -b b c
}

# --- attributes ------------------------------------------------------------------------

# source OPTIONS: a mount with a mount below it, at $W/source, both with these options
source_tree() {
	mkdir source
	mount -t tmpfs tmpfs source
	mkdir source/below
	mount -t tmpfs tmpfs source/below
	mount -o "remount,bind,$1" source/below
	mount -o "remount,bind,$1" source
	host_changed "umount -R $W/source"
}

# options_of PLACE: prints its mount options, from inside
options_of() {
	local place
	for place; do
		echo "awk '\$5 == \"$place\" { print \$6 }' /proc/self/mountinfo | tail -n 1;"
	done
}

user_namespace() {
	chown -R 100000:100000 b/rootfs
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
}

@test "attributes: of one mount, and of all below it" {
	local -A want=(
		[rbind]="rw,relatime rw,relatime"
		[rbind,ro]="ro,relatime rw,relatime"
		[rbind,rro]="ro,relatime ro,relatime"
		[rbind,ro,rro]="ro,relatime ro,relatime"
		[rbind,rro,rw]="ro,relatime ro,relatime"
		[rbind,ro,rnosuid,rnodev]="ro,nosuid,nodev,relatime rw,nosuid,nodev,relatime"
		[rbind,nosuid,rnoexec,rnoatime]="rw,nosuid,noexec,noatime rw,noexec,noatime"
		[rbind,noatime,rstrictatime]="rw rw"
		[rbind,rnodiratime,nosymfollow]="rw,nodiratime,relatime,nosymfollow rw,nodiratime,relatime"
		[rbind,rnosymfollow]="rw,relatime,nosymfollow rw,relatime,nosymfollow"
	)
	source_tree relatime
	local options
	for options in "${!want[@]}"; do
		rm -rf b
		mounted "$(bind "$W/source" /m "${options//,/\",\"}" | sed 's/\\"/"/g')"
		inside "$(options_of /m /m/below)"
		echo "$options"
		is "${want[$options]/ /$'\n'}"
	done
}

@test "attributes: clears for all" {
	source_tree ro,nosuid,nodev,noexec,noatime,nodiratime
	mounted "$(bind "$W/source" /m rbind rrw rsuid rdev rexec ratime rdiratime)" \
		"$(bind "$W/source" /n rbind rw dev rsymfollow)" "$(bind "$W/source" /o rbind)"
	inside "$(options_of /m /m/below /n /n/below /o /o/below)"
	local all=ro,nosuid,nodev,noexec,noatime,nodiratime
	is "rw,relatime
rw,relatime
rw,noatime,nodiratime
$all
$all
$all"
}

@test "a bind has its source's flags, or those alone that it names" {
	source_tree nosuid,noexec,noatime
	mounted "$(bind "$W/source" /a bind)" "$(bind "$W/source" /b bind ro)" \
		"$(bind "$W/source" /c bind suid)" "$(bind "$W/source" /d bind atime)" \
		"$(bind "$W/source" /e bind nodiratime)" "$(bind "$W/source" /f bind strictatime)"
	inside "$(options_of /a /b /c /d /e /f)"
	is $'rw,nosuid,noexec,noatime\nro,noatime\nrw,noatime\nrw,noatime\nrw,nodiratime,relatime\nrw'
}

@test "a user namespace keeps the flags of the host's mounts" {
	source_tree ro,nosuid,noexec,noatime
	mounted "$(bind "$W/source" /m rbind)" "$(bind "$W/source" /n rbind nodev)"
	user_namespace
	inside "$(options_of /m /m/below /n)"
	is $'ro,nosuid,noexec,noatime\nro,nosuid,noexec,noatime\nro,nosuid,nodev,noexec,noatime'
	local option
	for option in rw suid exec relatime strictatime; do
		config b '.mounts[-1].options = ["rbind", $o]' --arg o "$option"
		refused 'locked in a user namespace' caisson run -b b c
		says 'mounts[9]'
		says 'mount_setattr '
		says "$option"
	done
	config b '.mounts[-1].options = ["rbind", "rrw", "nodev"]'
	refused 'mount_setattr rw,' caisson run -b b c
	# a flag that is not there can be cleared
	config b '.mounts[-1].options = ["rbind", "dev", "symfollow"]'
	inside true
}

@test "remount changes the flags of what is mounted" {
	source_tree relatime
	mounted "$(tmpfs /t)" "$(bind "$W/source" /m rbind)" \
		'{ "destination": "/t", "options": ["remount", "ro", "nosuid"] }' \
		'{ "destination": "/m", "source": "/m", "options": ["bind", "remount", "ro", "rnodev"] }' \
		'{ "destination": "/", "options": ["remount", "noatime"] }'
	inside "$(options_of /t /m /m/below /)"
	is $'ro,nosuid,relatime\nro,nodev,relatime\nrw,nodev,relatime\nrw,noatime'
	[[ $(grep " $W/source " /proc/self/mountinfo) == *' rw,relatime '* ]]
}

@test "remount of what is no mount, or of a filesystem, is refused" {
	make_bundle b copy
	mkdir b/rootfs/plain
	mounted '{ "destination": "/plain", "options": ["remount", "ro"] }'
	refused 'nothing is mounted at that path' caisson run -b b c
	says 'error mounting /plain (mounts[8])'
	config b '.mounts[-1].options = ["remount", "size=4k"]'
	refused 'mounts[8].options: "size=4k": "remount" changes the flags of a mount' caisson run -b b c
}

# --- id maps -----------------------------------------------------------------------------

# owned_tree: files of several owners, and a mount below with more of them
owned_tree() {
	mkdir -p tree/below inner
	touch tree/{a,b} inner/c
	chown 0:0 tree tree/a
	chown 100:211 tree/b
	chown 101:222 inner inner/c
	mount --bind inner tree/below
	host_changed "umount $W/tree/below"
}

# mapped OPTIONS UIDMAP GIDMAP: JSON of a bind of the tree at /m; maps are C:H:N, or empty
mapped() {
	jq -nc --arg s "$W/tree" --arg o "$1" --arg u "${2-}" --arg g "${3-}" '
		def map: if . == "" then empty else split(":") | map(tonumber) |
			[{ containerID: .[0], hostID: .[1], size: .[2] }] end;
		{ source: $s, destination: "/m", options: ($o | split(",")) } +
		if $u == "" then {} else { uidMappings: ($u | map), gidMappings: ($g | map) } end'
}

owners='stat -c "%n %u:%g" /m/a /m/b /m/below/c'

@test "idmap without a user namespace" {
	owned_tree
	mounted "$(mapped rbind 0:1000:200 200:3000:100)"
	inside "$owners"
	is $'/m/a 1000:65534\n/m/b 1100:3011\n/m/below/c 101:222'
	config b '.mounts[-1].options = ["rbind", "idmap", "ro"]'
	inside "$owners; touch /m/x 2>&1"' | grep -o Read-only'
	is $'/m/a 1000:65534\n/m/b 1100:3011\n/m/below/c 101:222\nRead-only'
	config b '.mounts[-1].options = ["rbind", "ridmap", "nosuid", "rnodev"]'
	inside "$owners; $(options_of /m /m/below)"
	is $'/m/a 1000:65534\n/m/b 1100:3011\n/m/below/c 1101:3022\nrw,nosuid,nodev,relatime,idmapped\nrw,nodev,relatime,idmapped' ||
		is $'/m/a 1000:65534\n/m/b 1100:3011\n/m/below/c 1101:3022\nrw,nosuid,nodev,relatime\nrw,nodev,relatime'
}

@test "idmap in a user namespace: maps are the host's, or those of the namespace" {
	owned_tree
	mounted "$(mapped rbind,idmap 0:100500:200 0:100600:500)"
	user_namespace
	inside "$owners"
	is $'/m/a 500:600\n/m/b 600:811\n/m/below/c 65534:65534'
	config b 'del(.mounts[-1].uidMappings, .mounts[-1].gidMappings)'
	inside "$owners; touch /m/new"
	is $'/m/a 0:0\n/m/b 100:211\n/m/below/c 65534:65534'
	[ "$(stat -c %u:%g tree/new)" = 0:0 ]
	config b '.mounts[-1].options = ["rbind", "ridmap"]'
	inside "$owners"
	is $'/m/a 0:0\n/m/b 100:211\n/m/below/c 101:222'
}

@test "idmap by the map of a user namespace that is joined" {
	owned_tree
	mounted "$(mapped rbind,idmap)"
	user_namespace
	cp -a b first
	config first '.process.args = ["sleep", "1000"] | del(.mounts[-1]) | .linux.cgroupsPath += "1"'
	expect 0 caisson run -d -b first first
	config b '(.linux.namespaces[] | select(.type == "user")).path = $p |
		del(.linux.uidMappings, .linux.gidMappings)' --arg p "/proc/$(pid_of first)/ns/user"
	inside "$owners"
	is $'/m/a 0:0\n/m/b 100:211\n/m/below/c 65534:65534'
	expect 0 caisson delete --force first
}

@test "idmap with maps in the option" {
	owned_tree
	mounted "$(mapped 'rbind,idmap=uids=0-5000-1#100-7000-1;gids=0-6000-300')"
	inside "$owners"
	is $'/m/a 5000:6000\n/m/b 7000:6211\n/m/below/c 101:222'
	user_namespace
	config b '.mounts[-1].options = ["rbind", "ridmap=uids=@0-50-200;gids=@0-60-300"]'
	inside "$owners"
	is $'/m/a 50:60\n/m/b 150:271\n/m/below/c 151:282'
}

@test "idmap: shared is among the container's own" {
	owned_tree
	mounted "$(mapped bind,idmap,shared 0:1000:200 0:1000:300)"
	inside "awk '\$5 == \"/m\"' /proc/self/mountinfo"
	says shared:
}

@test "idmap: nothing of the map's user namespace is left" {
	owned_tree
	# a map that nobody else on this host has
	local size=$((100000 + RANDOM))
	mounted "$(mapped bind,idmap "0:1000:$size" "0:1000:$size")"
	config b '.process.args = ["sleep", "1000"] | .process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 16, hard: 16 }]'
	expect 0 caisson run -d -b b c
	not grep -lsE " $size\$" /proc/[0-9]*/uid_map
	[ "$(readlink "/proc/$(pid_of c)/ns/user")" = "$(readlink /proc/self/ns/user)" ]
	[ "$(find "/proc/$(pid_of c)/fd" -lname 'user:*' | wc -l)" = 0 ]
}

@test "idmap: what cannot be is refused by name" {
	owned_tree
	mounted "$(mapped bind,idmap)"
	refused 'mounts[8].options: "idmap": there is neither a map nor a user namespace' caisson run -b b c
	config b '.mounts[-1].options = ["bind", "idmap=uids=0-1;gids=0-1-1"]'
	refused 'mounts[8].options: idmap: "1;gids=0-1-1": maps are written as' caisson run -b b c
	config b '.mounts[-1] = { destination: "/m", type: "tmpfs", options: ["idmap"] }'
	refused 'mounts[8]: only a bind mount can be id-mapped' caisson run -b b c
	config b '.mounts[-1] = { destination: "/sysfs", type: "bind", source: "/sys", options: ["bind"],
		uidMappings: [{ containerID: 0, hostID: 5, size: 1 }],
		gidMappings: [{ containerID: 0, hostID: 5, size: 1 }] }'
	refused 'its filesystem (sysfs), or one below it, cannot be id-mapped' caisson run -b b c
	says 'error mounting /sysfs (mounts[8]): mount_setattr idmap of /sys'
	config b '.mounts[-1] |= (.source = $s | .uidMappings[0].hostID = 4294967295)' --arg s "$W/tree"
	expect 1 caisson run -b b c
	one_line
}

@test "a source that only the host's root may reach" {
	make_bundle b copy
	mkdir -p closed/source
	echo text >closed/source/file
	chmod 700 closed
	mounted "$(bind "$W/closed/source" /m rbind ro)"
	user_namespace
	inside "cat /m/file; $(options_of /m)"
	is $'text\nro,relatime'
	# its flags are locked, as those of any mount of the host
	config b '.mounts[-1].source += "/missing"'
	refused 'no such file or directory' caisson run -b b c
	says 'mounts[8]'
}

@test "a source that only the host's root may reach keeps its flags" {
	make_bundle b copy
	mkdir closed
	chmod 700 closed
	mkdir closed/source
	mount -t tmpfs -o ro,nosuid tmpfs closed/source
	host_changed "umount $W/closed/source"
	mounted "$(bind "$W/closed/source" /m bind suid)"
	user_namespace
	refused 'locked in a user namespace' caisson run -b b c
	config b '.mounts[-1].options = ["bind"] | .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	script b 'mount -o remount,bind,rw /m 2>&1; touch /m/x 2>&1; true'
	expect 0 caisson run -b b c
	says 'Read-only file system'
}

# --- places ------------------------------------------------------------------------------

@test "a destination may be given as the host sees it" {
	make_bundle b copy
	mounted "$(tmpfs "$W/b/rootfs/t")"
	inside 'touch /t/file; grep -c " /t " /proc/mounts'
	is 1
	[ ! -e b/rootfs/t/file ]
}

# --- the root ----------------------------------------------------------------------------

@test "--no-pivot: the root is the container's, the host's procfs and sysfs are gone" {
	make_bundle b copy
	mkdir 'a proc'
	mount -t proc proc 'a proc'
	host_changed "umount $W/proc-link"
	ln -s 'a proc' proc-link
	config b '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SETFCAP"]) |
		.linux.maskedPaths = ["/proc/kcore"] | .linux.readonlyPaths = ["/proc/sys"]'
	script b 'ls /; grep -cE " - (proc|sysfs) " /proc/self/mountinfo
		unshare -Umrpf sh -c "mount -t proc none /proc" 2>&1
		touch /made; nsenter -t 1 -m ls / >/tmp/in && ls / >/tmp/here && cmp /tmp/in /tmp/here && echo same'
	local entry
	expect 0 caisson run --no-pivot -b b c
	[ -e b/rootfs/made ]
	rm b/rootfs/made
	for entry in b/rootfs/*; do says "${entry##*/}"; done
	says $'\n3\n' # proc, its read-only part, sysfs
	says 'denied'
	says same
	not grep -q state <<<"$output"
	config b '.root.readonly = true | .process.args = ["touch", "/x"]'
	expect 1 caisson run --no-pivot -b b c
	says 'Read-only'
}

# --- cgroups -----------------------------------------------------------------------------

# owners_of_group: owner of the container's group, and of some files in it
owners_of_group() {
	cd "$CGROUP$CGROUP_PREFIX/b" || return
	stat -c %u . cgroup.procs cgroup.threads cgroup.subtree_control cgroup.freeze | tr '\n' ' '
	cd "$W" || return
}

writable_cgroup='(.mounts[] | select(.type == "cgroup2" or .type == "cgroup") | .options) -= ["ro"]'

@test "a writable cgroup mount in a cgroup namespace: the group is the container's" {
	make_bundle b copy
	user_namespace
	config b "$writable_cgroup"' | .process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	[ "$(owners_of_group)" = "100000 100000 100000 100000 0 " ]
	expect 0 caisson exec c sh -c 'cd /sys/fs/cgroup && mkdir inner && echo $$ >inner/cgroup.procs &&
		cat /proc/self/cgroup; echo 1 2>&1 >cgroup.freeze; echo 1 2>&1 >cgroup.max.depth; ls -ld . | cut -c 1-10'
	says /inner
	says denied
	expect 0 caisson delete --force c
	config b '.process.user = { uid: 1000, gid: 1000 }'
	expect 0 caisson run -d -b b c
	[ "$(owners_of_group)" = "101000 101000 101000 101000 0 " ]
	expect 0 caisson delete --force c
	# without a user namespace
	config b '.linux.namespaces -= [{ type: "user" }] | del(.linux.uidMappings, .linux.gidMappings)'
	expect 0 caisson run -d -b b c
	[ "$(owners_of_group)" = "1000 1000 1000 1000 0 " ]
}

@test "in all other cases the group stays the host's" {
	make_bundle b copy
	user_namespace
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c # read-only
	[ "$(owners_of_group)" = "0 0 0 0 0 " ]
	expect 0 caisson delete --force c
	config b "$writable_cgroup"' | .linux.namespaces -= [{ type: "cgroup" }]'
	expect 0 caisson run -d -b b c # the bind of the own group is always read-only
	[ "$(owners_of_group)" = "0 0 0 0 0 " ]
	expect 1 caisson exec c mkdir /sys/fs/cgroup/inner
	says 'Read-only'
	expect 0 caisson delete --force c
	config b 'del(.mounts[] | select(.type == "cgroup2" or .type == "cgroup")) |
		.linux.namespaces += [{ type: "cgroup" }]'
	expect 0 caisson run -d -b b c # no cgroupfs at all
	[ "$(owners_of_group)" = "0 0 0 0 0 " ]
}

@test "without a cgroup namespace only the own group is there, and read-only" {
	make_bundle b
	config b "$writable_cgroup"' | .linux.namespaces -= [{ type: "cgroup" }] |
		.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	script b 'cd /sys/fs/cgroup; grep -c . cgroup.procs; mkdir x 2>&1; mkdir ../x 2>&1; echo 1 2>&1 >cgroup.freeze
		ls -d caisson-tests 2>&1'
	expect 1 caisson run -b b c
	[ "${output%%$'\n'*}" -ge 1 ]
	[ "$(grep -c 'Read-only' <<<"$output")" = 3 ]
	says 'caisson-tests: No such file'
}

# --- what is bound, and over what ----------------------------------------------------------

@test "a file, a fifo, a socket and a device are bound onto files that are made for them" {
	make_bundle b copy
	echo text >file
	mkfifo fifo
	mknod node c 1 5
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	mounted "$(bind "$W/file" /new/a/file bind ro)" "$(bind "$W/fifo" /new/a/fifo bind rro)" \
		"$(bind "$W/socket" /new/a/socket bind)" "$(bind "$W/node" /new/a/node bind)"
	inside 'cd /new/a; stat -c "%n %F" *; cat file; echo x 2>&1 >file; ls -ld /new /new/a | cut -c 1-10'
	is "fifo fifo
file regular file
node character special file
socket socket
text
sh: can't create file: Read-only file system
drwxr-xr-x
drwxr-xr-x"
	[ "$(stat -c '%F %a %u' b/rootfs/new/a/fifo)" = 'regular empty file 644 0' ]
	not diff file b/rootfs/new/a/file
}

@test "links of the image lead into the image, also those that lead to nothing" {
	make_bundle b copy
	mkdir -p b/rootfs/real outside
	echo text >file
	ln -s /real b/rootfs/abs
	ln -s ../../../../../../real b/rootfs/up
	ln -s "$W/outside" b/rootfs/host
	ln -s /nowhere/at/all b/rootfs/dangling
	ln -s dangling/below b/rootfs/chain
	mounted "$(bind "$W/file" /abs/1 bind)" "$(bind "$W/file" /up/2 bind)" \
		"$(bind "$W/file" /host/3 bind)" "$(bind "$W/file" /dangling bind)" "$(bind "$W/file" /chain bind)"
	refused 'not a directory' caisson run -b b c # /dangling is a file, so nothing is below it
	config b 'del(.mounts[-1])'
	inside "cat /real/1 /real/2 $W/outside/3 /nowhere/at/all"
	is $'text\ntext\ntext\ntext'
	[ -z "$(ls outside)" ]
	[ ! -e /nowhere ]
	ln -s loop b/rootfs/loop
	config b '.mounts[-1].destination = "/loop/x"'
	refused 'too many levels of symbolic links' caisson run -b b c
}

@test "a mount may lie in, and be taken from, what was mounted before it" {
	make_bundle b copy
	mkdir -p one/x two
	touch one/x/file two/other
	mounted "$(bind "$W/one" /m rbind)" "$(bind "$W/two" /m/x bind)" "$(tmpfs /m/x/t)" \
		"$(bind "$W/b/rootfs/m" /n rbind)" "$(bind "$W/b/rootfs/m" /o bind)"
	inside 'ls /m/x /n/x /o/x; grep -c tmpfs.*/x/t /proc/mounts'
	is $'/m/x:\nother\nt\n\n/n/x:\nother\nt\n\n/o/x:\nfile\n2'
}

@test "src-nofollow binds a link, dest-nofollow binds over one" {
	make_bundle b copy
	echo text >file
	ln -s file link
	ln -s point-to-nowhere b/rootfs/target
	mounted "$(bind "$W/link" /target bind dest-nofollow)"
	inside 'cat /target; readlink /target || echo no link'
	is $'text\nno link'
	config b '.mounts[-1].options += ["src-nofollow"]'
	inside 'readlink /target'
	is file
	config b '.mounts[-1] |= (.destination = "/fresh" | .options = ["bind", "src-nofollow", "dest-nofollow", "ro"])'
	inside 'readlink /fresh'
	is file
	user_namespace
	inside 'readlink /fresh'
	is file
	[ "$(readlink b/rootfs/target)" = point-to-nowhere ]
}

@test "copy-symlink makes a link of a link, and binds all else" {
	make_bundle b copy
	echo text >file
	ln -s nowhere/at/all link
	mounted "$(bind "$W/link" /a/sym/link rbind copy-symlink)" "$(bind "$W/file" /b bind copy-symlink)"
	inside 'readlink /a/sym/link; cat /b'
	is $'nowhere/at/all\ntext'
	inside 'readlink /a/sym/link' # it is there now
	ln -sfn other link
	refused 'symlink: file exists' caisson run -b b c
	config b '.mounts[-1] = { destination: "/t", type: "tmpfs", options: ["copy-symlink"] }'
	refused 'mounts[9].options: only a bind mount' caisson run -b b c
}

# --- devices -----------------------------------------------------------------------------

devices='[{ path: "/dev/block", type: "b", major: 1, minor: 5, fileMode: 111, uid: 10, gid: 11 },
	{ path: "/dev/deep/zero", type: "u", major: 1, minor: 5 },
	{ path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 384 },
	{ path: "/srv/fifo", type: "p", fileMode: 416, uid: 5, gid: 6 }]'
seen='b 157 10:11 1:5 /dev/block
c 666 0:0 1:5 /dev/deep/zero
c 600 0:0 1:3 /dev/null
p 640 5:6 0:0 /srv/fifo
4'

look='ls -ln /dev/block /dev/deep/zero /dev/null /srv/fifo | cut -c 1 >/tmp/types
	stat -c "%a %u:%g %t:%T %n" /dev/block /dev/deep/zero /dev/null /srv/fifo | paste -d " " /tmp/types - 2>/dev/null ||
	stat -c "%a %u:%g %t:%T %n" /dev/block /dev/deep/zero /dev/null /srv/fifo >/tmp/rest
	[ ! -e /tmp/rest ] || paste -d " " /tmp/types /tmp/rest
	head -c 4 /dev/deep/zero | wc -c'

@test "devices have the type, numbers, mode and owner of the config, whatever the umask is" {
	make_bundle b copy
	config b ".linux.devices = $devices | .linux.resources.devices = [{ allow: true, access: \"rwm\" }]"
	umask 077
	inside "$look"
	is "$seen"
}

@test "devices in a user namespace are the same" {
	make_bundle b copy
	config b ".linux.devices = $devices | .linux.resources.devices = [{ allow: true, access: \"rwm\" }]"
	user_namespace
	umask 077
	inside "$look"
	is "$seen"
	not grep -q /proc/node /proc/self/mountinfo
	# an id that is not mapped: the host's node has to do
	config b '.linux.devices = [{ path: "/dev/zero", type: "c", major: 1, minor: 5, uid: 99999 }]'
	inside 'head -c 4 /dev/zero | wc -c'
	is 4
	config b '.linux.devices = [{ path: "/dev/nosuch", type: "c", major: 1, minor: 5, uid: 99999 }]'
	refused '/dev/nosuch' caisson run -b b c
}

@test "a device in the place of something else is refused" {
	make_bundle b copy
	touch b/rootfs/srv
	config b '.linux.devices = [{ path: "/srv", type: "c", major: 1, minor: 5 }]'
	refused 'mknod: file exists' caisson run -b b c
	says 'device /srv (linux.devices[0])'
}
