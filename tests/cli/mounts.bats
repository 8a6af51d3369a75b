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
	cp /bin/true b/rootfs/d/tool
	setcap cap_net_raw+ep b/rootfs/d/tool
	mounted "$(tmpfs /d tmpcopyup)"
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 getcap "/proc/$(pid_of c)/root/d/tool"
	says cap_net_raw
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
rw,nosuid,noexec,noatime,nodiratime
$all
$all
$all"
}

@test "a bind keeps what its options do not name" {
	source_tree nosuid,noexec
	mounted "$(bind "$W/source" /m bind ro)" "$(bind "$W/source" /n bind exec)"
	inside "$(options_of /m /n)"
	is $'ro,nosuid,noexec,relatime\nrw,nosuid,relatime'
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
		says "mount_setattr $option:"
	done
	config b '.mounts[-1].options = ["rbind", "rrw", "nodev"]'
	refused 'mount_setattr rw,nodev:' caisson run -b b c
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
	says 'remount /plain (mounts[8])'
	config b '.mounts[-1].options = ["remount", "size=4k"]'
	refused 'mounts[8].options: "size=4k": "remount" changes the flags of a mount' caisson run -b b c
}
