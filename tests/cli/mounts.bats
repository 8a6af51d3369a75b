#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# What each kind of mount and each option does, seen from inside.

load helpers

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
