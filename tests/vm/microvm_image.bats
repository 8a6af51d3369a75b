#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # scripts are the container's; tests are subshells
# vm.image: the root of a microVM is the file system in an image. /opt/caisson/root.ext4 is one
# with the busybox of the other tests, which tests/vm/check makes.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	[ -e /opt/caisson/root.ext4 ] || skip_all "no image"
}

# The bundle's root.path is an empty folder.
in_an_image() {
	cp --sparse=always /opt/caisson/root.ext4 image
	make_bundle b
	mkdir b/rootfs
	config b '.root = {path: "rootfs"} |
		.vm = {kernel: {path: $k}, image: {path: $i, format: "raw"}, hwConfig: {memory: 268435456}}' \
		--arg k "/boot/vmlinuz-$(uname -r)" --arg i "$W/image"
	export LIMIT=240
}

# What is run next has a group of its own, beside that of a container that is there.
for_another() {
	config b '.linux.cgroupsPath += "-another"'
}

# What is in the image, by a kernel that may not look into its journal.
in_image() { # FILE
	mkdir -p mnt
	mount -o ro,loop,noload image mnt
	cat "mnt/$1"
	umount mnt
}

# Whether the next one to mount it has to recover something: INCOMPAT_RECOVER
is_clean() {
	(($(od -An -tu4 -j $((1024 + 96)) -N 4 image) & 4)) && return 1
	return 0
}

@test "the image is the root, and has all that was written when the container has ended" {
	in_an_image
	mkdir shared
	echo "from the host" >shared/in
	config b '.mounts += [{ destination: "/tmp/s", source: $s, options: ["bind"] }]' --arg s "$W/shared"
	script b 'grep " / " /proc/mounts; cat /tmp/s/in; echo back >/tmp/s/out; id -u >/written
		head -c 3000000 /dev/zero >/zeros; mkdir /home/made; exit 7'
	expect 7 caisson run -b b c
	says "/dev/vda / ext4 rw"
	says "from the host"
	[ "$(cat shared/out)" = back ]
	is_clean
	[ "$(in_image written)" = 0 ]
	[ "$(in_image zeros | wc -c)" = 3000000 ]
	[ -z "$(ls -A b/rootfs)" ]
	# and it is there for the next
	script b 'cat /written; rmdir /home/made && rm /zeros'
	expect 0 caisson run -b b c
	is 0
	is_clean
	nothing_left
}

@test "create, start, exec, kill and delete" {
	in_an_image
	script b 'trap "echo asked >/end; exit 5" TERM; while :; do sleep 0.1; done'
	expect 0 caisson create -b b c
	is_status c created
	expect 0 caisson start c
	expect 0 caisson exec c sh -c 'echo by exec >/exec; stat -f -c %T /'
	says ext
	refused_another() {
		expect 1 caisson run -b b d
		says "vm.image.path: $W/image: is in use by another microVM"
		one_line
		expect 1 caisson --log-format json --log log.json run -b b d
		[ "$(jq -r .pointer log.json)" = /vm/image/path ]
		rm log.json
	}
	for_another
	refused_another
	config b '.root.readonly = true'
	refused_another
	expect 0 caisson kill c TERM
	wait_for is_status c stopped
	expect 0 caisson delete c
	[ "$(in_image end)" = asked ]
	[ "$(in_image exec)" = "by exec" ]
	# one that is ended by force is no longer in the way
	config b '.root.readonly = false | .process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson delete --force c
	config b '.process.args = ["cat", "/end"]'
	expect 0 caisson run -b b c
	is asked
	nothing_left
}

@test "a read-only root: the device is so, and several can share it" {
	in_an_image
	sha256sum image >sum
	config b '.root.readonly = true | .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	script b 'cat /sys/block/vda/ro; echo lost >/etc/f; mount -o remount,rw /; echo lost >/etc/f; sleep 1000'
	chmod 400 image
	expect 0 caisson run -d -b b c
	for_another
	script b 'cat /sys/block/vda/ro; mount -o remount,rw / && echo writable; echo lost >/etc/f; ls /etc'
	expect 0 caisson run -b b d
	says 1
	says "ead-only"
	says passwd
	not says writable
	expect 0 caisson delete --force c
	sha256sum -c sum
	nothing_left
}

@test "a block device of the host's can be the image, unless it is mounted" {
	in_an_image
	local device
	device=$(losetup -f --show image)
	config b '.vm.image.path = $d' --arg d "$device"
	script b 'echo through the device >/written; grep -c vda /proc/partitions'
	expect 0 caisson run -b b c
	is 1
	mkdir -p mnt
	mount "$device" mnt
	[ "$(cat mnt/written)" = "through the device" ]
	expect 1 caisson run -b b c
	says "vm.image.path: open $device"
	umount mnt
	losetup -d "$device"
	nothing_left
}

# With the place where its name is, and nothing else of it: the guest's kernel has its module, and
# finds that it is none.
@test "a broken file system is the image's fault, whichever it is" {
	in_an_image
	put() { # MAGIC OFFSET
		truncate -s 0 image && truncate -s 20M image
		printf %b "$1" | dd of=image bs=1 seek="$2" conv=notrunc status=none
	}
	local type magic at
	while read -r type magic at; do
		put "$magic" "$at"
		expect 1 caisson --log-format json --log log.json run -b b c
		jq -r .msg log.json
		[[ $(jq -r .msg log.json) == *"vm.image.path: mount $type at /run/image: "* ]]
		[[ $(jq -r .msg log.json) != *"no such device"* ]]
		[ "$(jq -r .pointer log.json)" = /vm/image/path ]
		rm log.json
	done <<-'TYPES'
		ext4 \x53\xef 1080
		xfs XFSB 0
		btrfs _BHRfS_M 65600
		erofs \xe2\xe1\xf5\xe0 1024
		squashfs hsqs 0
	TYPES
	nothing_left
}

@test "what cannot be an image is refused before anything is there" {
	in_an_image
	config b '.vm.image.format = "qcow2"'
	refused "vm.image.format: qcow2: only raw images are supported" caisson run -b b c
	says "qemu-img convert -O raw"
	config b '.vm.image.format = "raw"'
	touch b/rootfs/file
	refused "root.path: $W/b/rootfs is not empty" caisson run -b b c
	rm b/rootfs/file
	truncate -s 1000 image
	refused "vm.image.path: $W/image: 1000 bytes" caisson run -b b c
	truncate -s 0 image
	truncate -s 1M image
	refused "vm.image.path: $W/image: no file system that a microVM knows" caisson run -b b c
	rm image
	refused "vm.image.path: open $W/image" caisson run -b b c
}
