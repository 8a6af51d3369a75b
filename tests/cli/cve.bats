#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; single-quoted scripts are the container's
# What published vulnerabilities of runtimes did, tried here. The host's side is a
# decoy: a folder that must be the same afterwards, whatever the exit status was, in
# names, inodes, modes, owners and bytes. A refusal alone proves nothing.
#
# That these tests can fail was shown with CAISSON=/usr/sbin/runc and CAISSON=/usr/bin/crun
# of Debian 12 (runc 1.1.5, crun 1.8.1), where walls fall in these: CVE-2016-9962 (crun:
# descriptors), -2026-41579 (both), -2026-88264 (crun), -2026-88265 (both), -2025-31133
# (runc), -2026-30892 (both), -2025-23266 (both, the caller's environment), exec --cap
# beyond the container's bounding set (both). In the others they only fail for their
# words; those walls were broken in older builds.

load helpers

# A process of the container that may look into others (CAP_SYS_PTRACE) waits for what
# exec brings into its pid namespace. Nothing there may have the host's root or files.
@test "CVE-2016-9962: exec shows the container neither our root nor our descriptors" {
	make_bundle b
	mkdir out decoy
	echo host-secret >decoy/secret
	config b '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])
		| .mounts += [{destination: "/tmp/out", type: "bind", source: $w, options: ["bind"]}]' \
		--arg w "$W/out"
	script b 'while :; do
		for p in /proc/[2-9] /proc/[0-9][0-9]*; do
			read -r x <$p/root'"$W"'/decoy/secret && echo "$p: $x"
			[ -e $p/fd/9/secret ] && echo "$p: descriptor 9"
		done
	done >/tmp/out/seen 2>/dev/null'
	expect 0 caisson run -d -b b c
	wait_for test -e out/seen
	for _ in $(seq 30); do
		caisson exec c true 9<decoy </dev/null
	done
	[ ! -s out/seen ] || {
		sort out/seen | uniq -c
		false
	}
}

# --- paths of the image -----------------------------------------------------------------

# Everything about the decoy that a runtime could change.
decoy_state() {
	find "$W/decoy" -printf '%p %i %m %U %G %s %T@ %l\n' | sort
	find "$W/decoy" -type f -exec sha256sum {} +
}

make_decoy() {
	mkdir "$W/decoy"
	echo host >"$W/decoy/file"
	echo host >"$W/decoy/ptmx"
	before=$(decoy_state)
}

decoy_is_untouched() {
	if [ "$before" != "$(decoy_state)" ]; then
		diff <(echo "$before") <(decoy_state)
		return 1
	fi
}

# Any exit status, but in time. A terminal's answers go into a file.
try() {
	status=0
	LIMIT=20 caisson "$@" >"$W/output" 2>&1 </dev/null 3>&- || status=$?
	[ "$status" != 124 ] && [ "$status" != 137 ]
}

# A bundle with a rootfs of its own that the test may spoil, and the decoy
image() {
	make_bundle b copy
	make_decoy
}

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
		says 'ordinary folder'
		decoy_is_untouched
	done
}

@test "CVE-2019-16884: a folder bound on /proc is refused, with a label and without" {
	image
	mkdir -p decoy/self/attr
	before=$(decoy_state)
	for filter in . '.process.apparmorProfile = "p"' '.process.selinuxLabel = "l"'; do
		make_bundle l
		config l "$filter"'| .mounts += [{destination: "/proc", type: "bind", source: $d, options: ["rbind"]}]' \
			--arg d "$W/decoy"
		expect 1 caisson run -b l c
		one_line
		decoy_is_untouched
	done
}

# --- descriptors and programs -------------------------------------------------------------

@test "CVE-2024-21626: the working folder is a descriptor that leads to the host" {
	make_bundle b
	make_decoy
	script b 'echo escaped; ls'
	for fd in 3 5 6 7 8 9 12; do
		config b '.process.cwd = $p' --arg p "/proc/self/fd/$fd"
		try run -b b c 9<decoy 8<decoy
		[ "$status" != 0 ]
		run ! grep -qE 'escaped|ptmx' output
	done
	make_bundle e
	config e '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b e e
	for fd in 3 5 6 7 8 9 12; do
		try exec --cwd "/proc/self/fd/$fd" e ls 9<decoy 8<decoy
		[ "$status" != 0 ]
		run ! grep -q ptmx output
	done
	decoy_is_untouched
}

@test "no descriptor but stdio is inside, for run and exec" {
	make_bundle b
	script b 'ls /proc/$$/fd; sleep 1000'
	caisson run -d -b b c >out 2>&1 </dev/null 9<"$W" 3>&-
	wait_for grep -q 2 out
	[ "$(tr '\n' ' ' <out)" = "0 1 2 " ]
	expect 0 caisson exec c sh -c 'ls /proc/self/fd' 9<"$W"
	# ls itself reads the folder
	is $'0\n1\n2\n3'
}

@test "CVE-2019-5736: init's executable is a sealed copy, not a file of the host" {
	make_bundle b
	cp "$CAISSON" host-binary
	before=$(sha256sum host-binary)
	script b 'while :; do for p in /proc/[1-9]*; do echo overwritten >$p/exe; done 2>/dev/null; done'
	config b '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"])'
	expect 0 timeout 30 ./host-binary --root "$STATE" create -b b c
	[[ $(readlink "/proc/$(pid_of c)/exe") == /memfd:caisson-init* ]]
	run ! sh -c "echo x >/proc/$(pid_of c)/exe"
	expect 0 caisson start c
	for _ in $(seq 20); do
		timeout 30 ./host-binary --root "$STATE" exec c /proc/self/exe true >/dev/null 2>&1 \
			</dev/null 3>&- || true
	done
	[ "$before" = "$(sha256sum host-binary)" ]
}

# --- identity -------------------------------------------------------------------------------

@test "CVE-2022-27650, CVE-2022-29162: nothing is inheritable, exec's bounding set is the container's" {
	make_bundle b
	script b 'grep Cap /proc/self/status; sleep 1000'
	caisson run -d -b b c >out 2>&1 </dev/null 3>&-
	wait_for grep -q CapAmb out
	grep -q 'CapInh:.*0000000000000000' out
	bound=$(sed -n 's/CapBnd:\t//p' out)
	expect 0 caisson exec c cat /proc/self/status
	says $'CapInh:\t0000000000000000'
	says $'CapBnd:\t'"$bound"
	# what the host's administrator names is added: no more, and not to be inherited
	expect 0 caisson exec --cap CAP_KILL c cat /proc/self/status
	says $'CapInh:\t0000000000000000'
	says $'CapBnd:\t'"$(printf %016x $((0x$bound | 1 << 5)))"
}

@test "CVE-2026-30892: a user that is not a number of 32 bits is refused" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	for user in 4294967296 4294967295 -1 ' 1' '1 ' +1 0x1 1e0 18446744073709551616 : 1: :1 \
		1:4294967296 1:-1 '1: 1' root $'1\n'; do
		expect 255 caisson exec -u "$user" c id -u
		one_line
	done
	expect 0 caisson exec -u 4294967294:1 c id -u
	is 4294967294
}

@test "CVE-2016-3697: a number is never looked up as a name" {
	make_bundle b copy
	echo '1:x:0:0:::' >b/rootfs/etc/passwd
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec -u 1 c id -u
	is 1
}

# --- sysctls, hooks, ids ----------------------------------------------------------------------

@test "CVE-2022-0811: only sysctls of the container's own namespaces, by exact names" {
	make_bundle b
	cp b/config.json good.json
	before=$(cat /proc/sys/kernel/core_pattern)
	for key in kernel.core_pattern kernel/core_pattern kernel.shm_rmid_forced/../core_pattern \
		net/../kernel/core_pattern net.ipv4/../../kernel/core_pattern /kernel/core_pattern \
		net. net .net net..ipv4 . .. '' $'net.ipv4.ip_forward\nkernel.core_pattern' \
		vm.overcommit_memory fs.suid_dumpable kernel.hostname user.max_user_namespaces; do
		cp good.json b/config.json
		config b '.linux.sysctl = {($k): "|/pwn"}' --arg k "$key"
		expect 1 caisson run -b b c
		one_line
	done
	[ "$before" = "$(cat /proc/sys/kernel/core_pattern)" ]
}

@test "CVE-2025-23266: a hook has its own environment, not the image's and not the caller's" {
	make_bundle b
	printf '#!/bin/sh\ncat /proc/self/environ >>%s\necho END >>%s\n' "$W/env" "$W/env" >hook
	chmod 755 hook
	config b '.process.env += ["LD_PRELOAD=/image.so", "FROM_IMAGE=1"]
		| .hooks = ({path: $h} | {prestart: [.], createRuntime: [.], createContainer: [.],
			poststart: [.], poststop: [. + {env: ["OWN=1"]}]})' --arg h "$W/hook"
	FROM_CALLER=1 expect 0 caisson run -b b c
	[ "$(grep -ac END env)" = 5 ]
	run ! grep -qaE 'IMAGE|image|CALLER|PRELOAD|PATH' env
	grep -qa OWN=1 env
}

@test "an id never names a folder outside of the state directory" {
	make_bundle b
	make_decoy
	mkdir -p "$STATE"
	before=$(decoy_state)
	for id in .. . ../decoy decoy/../../decoy /tmp '' a/b '@seccomp' $'a\nb'; do
		for command in "create -b b" state "delete --force" "kill"; do
			# shellcheck disable=SC2086 # the command's words
			try $command -- "$id"
			[ "$status" != 0 ]
		done
		decoy_is_untouched
	done
}
