#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; single-quoted scripts are the container's
# What published vulnerabilities of runtimes did with paths of an image or a volume,
# tried here on a decoy (decoy.bash). Those around processes are in cve_process.bats.
#
# That these tests can fail was shown with CAISSON=/usr/sbin/runc and CAISSON=/usr/bin/crun
# of Debian 12 (runc 1.1.5, crun 1.8.1), where walls fall in these: CVE-2016-9962 (crun:
# descriptors), -2026-41579 (both), -2026-88264 (crun), -2026-88265 (both), -2025-31133
# (runc), -2025-24965 (both), -2026-30892 (both), GHSA-g54h-m393-cpwq (crun), -2025-23266
# (both, the caller's environment), exec --cap beyond the container's bounding set (both),
# a neighbour's keyring (runc shares its keys in the trap, crun's can be linked).
# In the others they only fail for their words; those walls were broken in older builds.

load helpers
load decoy

@test "CVE-2026-41579, CVE-2026-47766: /dev of the image is a link to a folder of the host" {
	image
	rm -rf b/rootfs/dev
	ln -s "$W/decoy" b/rootfs/dev
	config b '.mounts |= map(select(.destination | test("^/(dev|tmp)") | not))'
	try run -b b c
	decoy_is_untouched
	# refused, or the link was followed inside of the rootfs
	[ "$status" != 0 ] || [ -d "b/rootfs$W/decoy" ]
}

@test "CVE-2026-88264: /dev/console of the image is a link to a file of the host" {
	image
	rm -rf b/rootfs/dev
	mkdir b/rootfs/dev
	ln -s "$W/decoy/made" b/rootfs/dev/console
	config b '.mounts |= map(select(.destination == "/dev" | not)) | .process.terminal = true'
	receive_tty "$W/tty"
	try create -b b --console-socket "$W/tty" c
	decoy_is_untouched
	[ "$status" != 0 ]
}

@test "CVE-2026-88265: /dev/null of the image is a link, and stdio is the null device" {
	image
	rm -rf b/rootfs/dev
	mkdir b/rootfs/dev
	ln -s /volume/file b/rootfs/dev/null
	# root's file in a volume, which the user of the process may not write
	config b '.mounts |= map(select(.destination == "/dev" | not))
		| .mounts += [{destination: "/volume", type: "bind", source: $d, options: ["bind"]}]
		| .process.user = {uid: 1000, gid: 1000} | .process.args = ["echo", "written"]' \
		--arg d "$W/decoy"
	# the null device is a decoy, too: some runtimes give it to the user
	mknod -m 666 null c 1 3
	# shellcheck disable=SC2094 # a device, not a file that is read while written
	LIMIT=20 caisson run -b b c <null >null 2>null 3>&- || true
	decoy_is_untouched
	[ "$(stat -c '%t:%T %u %g %a' null)" = "1:3 0 0 666" ]
}

@test "CVE-2025-31133: a masked file is never covered by what the image calls /dev/null" {
	image
	rm -rf b/rootfs/dev
	mkdir b/rootfs/dev
	echo attacker >b/rootfs/fake
	ln -s /fake b/rootfs/dev/null
	config b '.mounts |= map(select(.destination == "/dev" | not))'
	script b 'head -c 20 /proc/keys >/seen 2>&1; echo x >/proc/keys; cat /fake >/fake.after'
	try run -b b c
	decoy_is_untouched
	[ "$(cat b/rootfs/fake)" = attacker ]
	[ ! -s b/rootfs/seen ]
}

@test "CVE-2019-19921, CVE-2023-27561: /proc and /sys of the image are links" {
	image
	for name in proc sys; do
		rm -rf b/rootfs/proc b/rootfs/sys
		mkdir -p b/rootfs/proc b/rootfs/sys b/rootfs/tmp/fake
		rmdir "b/rootfs/$name"
		ln -s tmp/fake "b/rootfs/$name"
		expect 1 caisson run -b b c
		one_line
		says "/$name"
		says 'must be mounted on ordinary directory'
		decoy_is_untouched
	done
}

@test "CVE-2019-16884: a folder bound on /proc is refused, with a label and without" {
	image
	mkdir -p decoy/self/attr
	remember_decoy
	for filter in . '.process.apparmorProfile = "p"' '.process.selinuxLabel = "l"'; do
		make_bundle l
		config l "$filter"'| .mounts += [{destination: "/proc", type: "bind", source: $d, options: ["rbind"]}]' \
			--arg d "$W/decoy"
		expect 1 caisson run -b l c
		one_line
		decoy_is_untouched
	done
}

@test "the host's /dev/null is not the null device: nothing is masked with it" {
	make_bundle b
	echo x >file
	expect 1 unshare -m sh -c 'mount --bind file /dev/null && exec "$@"' sh \
		"$CAISSON" --root "$STATE" run -b b c
	says /dev/null
	one_line
	nothing_left
}

@test "a node of the image that is not the device that is meant" {
	image
	config b '.mounts |= map(select(.destination | startswith("/dev") | not))'
	for make in 'mknod null c 1 8' 'mknod null b 1 3' 'touch null' 'mkfifo null' 'mkdir null' \
		'mknod tty c 5 1'; do
		rm -rf b/rootfs/dev
		mkdir b/rootfs/dev
		(cd b/rootfs/dev && $make)
		expect 1 caisson run -b b c
		says '/dev/'
		says 'file exists'
		one_line
	done
	rm -rf b/rootfs/dev/*
	mknod -m 666 b/rootfs/dev/null c 1 3
	expect 0 caisson run -b b c
}

@test "CVE-2024-45310, CVE-2019-18837: missing targets are made inside, also through links" {
	image
	mkdir b/rootfs/plain decoy/there
	ln -s "$W/decoy" b/rootfs/link
	ln -s "$W/decoy/dangling" b/rootfs/dangling
	touch file
	remember_decoy
	# our own folder lies in /tmp
	config b '.mounts |= map(select(.destination != "/tmp")) | .mounts += ([$w + "/decoy/made/deep", "/link/made", "/link/there", "/dangling", "/plain/made",
			"/plain/../link/up", "/../../../link/out"]
			| map({destination: ., type: "tmpfs", source: "tmpfs"}))
		| .mounts += ([$w + "/decoy/madefile", "/link/file2", "/link/file"]
			| map({destination: ., type: "bind", source: ($w + "/file"), options: ["bind"]}))' \
		--arg w "$W"
	expect 0 caisson run -b b c
	decoy_is_untouched
	for name in made/deep made there dangling up out madefile file2 file; do
		[ -e "b/rootfs$W/decoy/$name" ]
	done
}

# Nothing of ours is ever written into an image but what must be there to mount on.
@test "CVE-2025-24965: links in place of every name that is made in an image" {
	image
	config b '.mounts |= map(select(.destination | startswith("/dev") | not)) | .process.cwd = "/work/dir"'
	for name in dev proc sys dev/{null,zero,full,random,urandom,tty,console,ptmx,pts,shm,mqueue,fd,stdin,stdout,stderr} \
		etc/{hostname,hosts,resolv.conf,mtab} run tmp work .caisson caisson caisson-init; do
		for target in absent file .; do
			rm -rf b/rootfs/{dev,proc,sys,work,run,tmp,.caisson,caisson,caisson-init}
			mkdir b/rootfs/{dev,proc,sys,run,tmp}
			rm -f "b/rootfs/etc/"{hostname,hosts,resolv.conf,mtab}
			rm -rf "b/rootfs/$name"
			ln -s "$W/decoy/$target" "b/rootfs/$name"
			try run -b b c
			decoy_is_untouched
		done
	done
}

@test "CVE-2025-52565: a terminal of something that is no devpts, and links for a console" {
	image
	config b '.mounts |= map(select(.destination | startswith("/dev") | not)) | .process.terminal = true'
	cp b/config.json plain.json
	# one that works, in the wrong place
	config b '.mounts += [{destination: "/dev/pts/pts", type: "devpts", source: "devpts",
		options: ["newinstance", "ptmxmode=0666"]}]'
	mkdir -p b/rootfs/dev/pts/pts
	mknod -m 666 b/rootfs/dev/pts/ptmx c 5 2
	receive_tty "$W/tty0"
	expect 1 caisson create -b b --console-socket "$W/tty0" c
	says /dev/pts
	one_line
	decoy_is_untouched
	rm -rf b/rootfs/dev/pts
	cp plain.json b/config.json
	config b '.mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts",
		options: ["newinstance", "ptmxmode=0666"]}]'
	touch b/rootfs/dev/plain
	for target in /proc/sysrq-trigger "$W/decoy/file" plain null pts/ptmx; do
		rm -f b/rootfs/dev/console
		ln -s "$target" b/rootfs/dev/console
		receive_tty "$W/tty${#target}"
		expect 1 caisson create -b b --console-socket "$W/tty${#target}" c
		says /dev/console
		decoy_is_untouched
	done
}

@test "CVE-2025-52881, CVE-2025-62596: sysctls reach the kernel, whatever lies in /proc" {
	image
	config b '.mounts |= map(if .destination == "/proc" then .destination = "/real" else . end)
		| .linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	script b 'cat /real/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_forward'
	mkdir -p b/rootfs/real b/rootfs/proc/sys/net/ipv4
	echo fake >b/rootfs/proc/sys/net/ipv4/ip_forward
	expect 0 caisson run -b b c
	is $'1\nfake'
	rm -rf b/rootfs/proc/sys
	ln -s "$W/decoy" b/rootfs/proc/sys
	script b 'cat /real/sys/net/ipv4/ip_forward'
	expect 0 caisson run -b b c
	is 1
	decoy_is_untouched
}

# setns(2) leads to what lies uppermost on the root of a mount namespace.
@test "the old root is gone from the container's mount namespace" {
	make_bundle b
	make_decoy
	config b '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"])'
	script b 'nsenter --mount=/proc/self/ns/mnt ls / >/tmp/root && [ -s /tmp/root ] && echo entered
		nsenter --mount=/proc/self/ns/mnt cat '"$W"'/decoy/file'
	expect 1 caisson run -b b c
	says entered
	not grep -qx host <<<"$output"
	decoy_is_untouched
}

@test "CVE-2023-25809: without a cgroup namespace the group is there to be read only" {
	for options in '[]' '["rw"]' '["rw", "nosuid"]'; do
		make_bundle b
		config b '.linux.namespaces |= map(select(.type != "cgroup"))
			| .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"])
			| (.mounts[] | select(.type == "cgroup")).options = $o' --argjson o "$options"
		script b 'cd /sys/fs/cgroup && ls; mkdir x && echo made; echo 0 >cgroup.procs && echo written
			[ -e ../cgroup.procs ] && echo above; :'
		expect 0 caisson run -b b c
		says cgroup.procs
		not grep -qE 'made|written|above' <<<"$output"
		nothing_left
	done
}

@test "CVE-2022-0492: there is no cgroup v1, and nothing with a release agent" {
	make_bundle b
	config b '(.mounts[] | select(.type == "cgroup")).options = ["ro"]'
	script b 'grep cgroup /proc/mounts; find / -xdev -name release_agent; find /sys/fs/cgroup -name release_agent'
	expect 0 caisson run -b b c
	says cgroup2
	not grep -q release_agent <<<"$output"
	for options in '["memory"]' '["none", "name=x"]' '["release_agent=/x"]'; do
		config b '(.mounts[] | select(.type == "cgroup")).options = $o' --argjson o "$options"
		expect_any caisson run -b b c
		[ "$status" = 1 ] || says cgroup2
		not grep -q release_agent <<<"$(grep ^/ <<<"$output")"
	done
}

@test "CVE-2023-6476, CVE-2025-47291: cgroupsPath leads to no other group" {
	make_bundle b
	groups=$(find "$CGROUP" -type d | sort)
	long=$(printf 'a/%.0s' {1..2100})
	for path in .. ../x /.. /../x a/../../b "$CGROUP_PREFIX/../../x" "$CGROUP_PREFIX/.." / // . /. ./. \
		"$long" "$(printf 'x%.0s' {1..300})" $'a\nb' $'\x01' 'a:b:c' 'x.slice:y:z' '-.slice:a:b' '::'; do
		config b '.linux.cgroupsPath = $p' --arg p "$path"
		expect 1 caisson run -b b c
		says linux.cgroupsPath
		one_line
		[ "$groups" = "$(find "$CGROUP" -type d | sort)" ]
	done
}
