#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; single-quoted scripts are the container's
# What published vulnerabilities of runtimes did with descriptors, programs, ids,
# groups, sysctls and hooks, tried here. Which of these fail with the runc and crun of
# Debian 12 is said in cve.bats.

load helpers
load decoy

# --- descriptors and programs -------------------------------------------------------------

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

# Root of another container with the same capabilities, in the same pid namespace.
@test "a neighbour cannot look into init before it executes the program" {
	make_bundle b
	expect 0 caisson create -b b c
	make_bundle n
	config n '(.linux.namespaces[] | select(.type == "pid")).path = $p' --arg p "/proc/$(pid_of c)/ns/pid"
	script n 'grep caisson-init /proc/1/status
		for n in /proc/1/root /proc/1/exe /proc/1/cwd /proc/1/fd/*; do readlink $n; done
		ls /proc/1/root/ && ls /proc/1/fd/3/; head -c 1 /proc/1/mem; head -c 1 /proc/1/environ'
	expect_any caisson run -b n n
	[ "$(wc -l <<<"$output")" = 4 ]
	says caisson-init
	[ "$(grep -c "can't open\|Permission denied" <<<"$output")" = 3 ]
	expect 0 caisson start c
}

# Also if it could be looked into: what it has open is of its own mounts.
@test "a created container holds no descriptor of the host" {
	image
	config b '.mounts = [{destination: "/proc", type: "proc", source: "proc"}, {destination: "/tmp", type: "bind",
			source: $d, options: ["bind"]}] | .linux.maskedPaths = [] | .linux.readonlyPaths = []' --arg d "$W/decoy"
	# many open files of the caller: numbers below init's socket are not swept
	expect 0 bash -c 'for n in {3..60}; do eval "exec $n</dev/null"; done; exec "$@"' sh \
		timeout 60 "$CAISSON" --root "$STATE" create -b b c
	pid=$(pid_of c)
	cut -d ' ' -f 1 "/proc/$pid/mountinfo" >mounts
	for fd in "/proc/$pid/fd"/*; do
		n=${fd##*/}
		[[ $n -gt 2 && $(readlink "$fd") == /* ]] || continue
		grep -qxF "$(sed -n 's/mnt_id:\t//p' "/proc/$pid/fdinfo/$n")" mounts || {
			ls -l "/proc/$pid/fd"
			return 1
		}
	done
}

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
	# what is given on purpose leads out no less
	config b '.process.cwd = "/proc/self/fd/0"'
	status=0
	LIMIT=20 caisson run -b b c <decoy >output 2>&1 3>&- || status=$?
	[ "$status" = 1 ]
	run ! grep -qE 'escaped|ptmx' output
	make_bundle e
	config e '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b e e
	status=0
	LIMIT=20 caisson exec --cwd /proc/self/fd/0 e ls <decoy >output 2>&1 3>&- || status=$?
	[ "$status" != 0 ]
	run ! grep -q ptmx output
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

# CVE-2026-88265 again, with nodes that may be spoiled.
@test "stdio that is a device or a file stays whose it is" {
	make_bundle b
	config b '.process.user = {uid: 1000, gid: 1000} | .process.args = ["true"]'
	mknod -m 666 null c 1 3
	mknod -m 666 zero c 1 5
	: >file
	# shellcheck disable=SC2094 # not read
	LIMIT=20 caisson run -b b c <zero >null 2>file 3>&-
	[ "$(stat -c '%u %g %a' null zero file | sort -u)" = $'0 0 644\n0 0 666' ]
}

@test "CVE-2016-3697: a number is never looked up as a name" {
	make_bundle b copy
	echo '1:x:0:0:::' >b/rootfs/etc/passwd
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec -u 1 c id -u
	is 1
}

@test "CVE-2024-40635, CVE-2026-46680: a user of the config has 32 bits, or there is no container" {
	make_bundle b
	script b 'id -u; id -g'
	cp b/config.json good.json
	for number in 4294967295 4294967296 -1 -0.5 1.5 1e3 18446744073709551616 "$(printf '9%.0s' {1..400})" \
		'"0"' '"1000"' '[0]' '{}' true; do
		for field in uid gid additionalGids; do
			value=$number
			[ $field != additionalGids ] || value="[$number]"
			# not by jq, which would round it
			sed "s/\"user\": {/\"user\": {\"$field\": $value}, \"oldUser\": {/" <(jq . good.json) >b/config.json
			expect 1 caisson run -b b c
			says "process.user.$field"
			one_line
		done
	done
	for number in 2147483647 2147483648 4294967294; do
		user="{\"uid\": $number, \"gid\": $number}"
		sed "s/\"user\": {/\"user\": $user, \"oldUser\": {/" <(jq . good.json) >b/config.json
		expect 0 caisson run -b b c
		is "$number"$'\n'"$number"
	done
}

@test "CVE-2022-36109, CVE-2023-25173: groups are exactly those of the config" {
	make_bundle b copy
	echo secret >b/rootfs/for-others
	chown 0:29 b/rootfs/for-others
	chmod 607 b/rootfs/for-others
	# whoever is in group 29 may not read it
	script b 'id -G; cat /for-others; sleep 1000'
	config b '.process.user = {uid: 1000, gid: 1000, additionalGids: [29, 30]}'
	setpriv --groups 5,6 "$CAISSON" --root "$STATE" run -d -b b c >out 2>&1 </dev/null 3>&-
	wait_for grep -q denied out
	grep -qx '1000 29 30' out
	expect 1 caisson exec c cat /for-others
	expect 0 caisson exec c id -G
	is '1000 29 30'
	expect 0 caisson delete --force c
	config b '.process.user = {uid: 1000, gid: 1000} | .process.args = ["id", "-G"]'
	expect 0 setpriv --groups 5,6 "$CAISSON" --root "$STATE" run -b b c
	is 1000
}

@test "CVE-2026-47262, CVE-2025-4437: /etc/passwd of the image is huge, endless, or no file" {
	make_bundle b copy
	rm -f b/rootfs/etc/passwd
	script b 'echo $HOME'
	for make in 'truncate -s 1G passwd' 'mkfifo passwd' 'ln -s /dev/zero passwd' 'mkdir passwd' \
		'ln -s passwd passwd' 'ln -s /proc/1/environ passwd' 'mknod passwd c 1 5'; do
		(cd b/rootfs/etc && $make)
		within 10 0 caisson run -b b c
		is /
		rm -rf b/rootfs/etc/passwd
	done
	# one line, too long to be one
	{
		printf 'x:x:0:0::/'
		head -c 70000 /dev/zero | tr '\0' x
	} >b/rootfs/etc/passwd
	within 10 0 caisson run -b b c
	is /
}

@test "CVE-2022-4318: a newline in HOME is data" {
	make_bundle b copy
	before=$(sha256sum b/rootfs/etc/passwd)
	config b '.process.env += ["HOME=/x\nroot2:x:0:0::/:/bin/sh"]'
	script b 'echo "$HOME" | wc -l'
	expect 0 caisson run -b b c
	is 2
	[ "$before" = "$(sha256sum b/rootfs/etc/passwd)" ]
}

# capset is 126, setresuid 117, setresgid 119 (syscall_x86_64.h)
@test "calls that lie: what was not done is noticed before the program runs" {
	make_bundle b
	config b '.process.user = {uid: 1000, gid: 1000}'
	script b 'echo ran'
	expect 0 caisson run -b b c
	for call in 126 117 119; do
		expect 1 "$TOOLS/lie" "$call" "$CAISSON" --root "$STATE" run -b b c
		one_line
		nothing_left
	done
}

# --- sockets, namespaces, devices -------------------------------------------------------------

@test "CVE-2020-15257: no abstract sockets, and nobody else starts a container" {
	make_bundle b
	config b '.linux.namespaces |= map(select(.type != "network")) | .process.args = ["sleep", "1000"]'
	umask 0
	expect 0 caisson create -b b c
	umask 022
	# all sockets that init has, as the container of the host's network sees them
	for link in "/proc/$(pid_of c)"/fd/*; do
		inode=$(readlink "$link")
		[[ $inode != socket:* ]] || awk -v n="${inode//[^0-9]/}" '$7 == n { print $8 }' /proc/net/unix
	done >sockets
	grep -q 'start.sock$' sockets
	not grep -q '^@' sockets
	[ "$(stat -c %a "$STATE/c/start.sock")" = 600 ]
	[ "$(stat -c %a "$STATE" "$STATE/c" | sort -u)" = 700 ]
	# even if somebody lets them in
	chmod 755 "$STATE" "$STATE/c"
	for _ in $(seq 100); do
		not setpriv --reuid 1000 --regid 1000 --clear-groups perl -MSocket -e '
			socket(S, AF_UNIX, SOCK_SEQPACKET, 0) or die;
			connect(S, sockaddr_un($ARGV[0])) or exit 1' "$STATE/c/start.sock"
	done
	is_status c created
	expect 0 caisson start c
}

@test "CVE-2021-43784: a path of 70,000 bytes for a namespace" {
	make_bundle b
	for len in 4096 65530 65536 65540 70000; do
		config b '(.linux.namespaces[] | select(.type == "network")).path = "/" + $len * "n"' \
			--argjson len "$len"
		refused 'linux.namespaces' caisson run -b b c
	done
}

@test "GHSA-g54h-m393-cpwq: without any rule a device is refused" {
	make_bundle b
	config b '.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	script b 'cd /dev; for n in "b 8 0" "b 7 0" "c 1 1" "c 1 11" "c 10 229"; do
			mknod x $n || echo "mknod $n"; head -c 1 x >read 2>said && echo "open $n"
			grep -q "not permitted" said || cat said; rm x; done; head -c 1 zero | wc -c'
	for resources in null '{}' '{"devices": []}' '{"devices": null}'; do
		config b '.linux.resources = $r' --argjson r "$resources"
		expect_any caisson run -b b c
		[ "$status" = 0 ] && [ "$output" = 1 ] || {
			echo "with $resources: $output"
			[ "$resources" != null ] && [ "$status" = 1 ] && says linux.resources
		}
	done
}

# Whatever an annotation says, the programs of the host that run are the same.
@test "CVE-2026-84042, CVE-2020-27151, CVE-2024-3154: no annotation becomes a program, an argument or a property" {
	requires strace
	make_bundle b
	make_decoy
	printf '#!/bin/sh\ntouch %s/decoy/ran\n' "$W" >helper
	chmod 755 helper
	names=$({
		"$CAISSON" features | jq -r '(.annotations // {} | keys[]), (.potentiallyUnsafeConfigAnnotations // [] | .[])'
		printf '%s\n' run.oci.handler run.oci.hooks.stderr run.oci.hooks.stdout run.oci.seccomp_fail_unknown_syscall \
			run.oci.timens_offset run.oci.systemd.subgroup run.oci.delegate-cgroup run.oci.mount_context_type \
			run.oci.pidfd_receiver krun.use_passt krun.ram_mib io.katacontainers.config_path \
			io.katacontainers.config.hypervisor.path io.katacontainers.config.hypervisor.virtio_fs_extra_args \
			org.systemd.property.ExecStartPre org.systemd.property.Delegate io.kubernetes.cri-o.Devices \
			cdi.k8s.io/x module.wasm.image/variant
	} | sort -u | jq -R . | jq -s .)
	programs() { # what is executed, with its arguments; the numbers of descriptors may differ
		strace -f -qq -o trace -e trace=execve,execveat -s 300 "$CAISSON" --root "$STATE" run -b b c \
			>output 2>&1 </dev/null 3>&- || true
		sed -nE 's/^[0-9]+ +(execve(at)?\([^,]*, .*), 0x.*= 0$/\1/p' trace |
			sed -E 's/^execveat\([0-9]+, "", \["caisson-init", "[0-9]+"/execveat(INIT, "", ["caisson-init", "SOCKET"/'
	}
	usual=$(programs)
	[ -n "$usual" ]
	for value in --flag "$W/helper" 'a b' $'a\nb' "binary://$W/helper" '; touch decoy/ran' true 1; do
		config b '.annotations = ($n | map({key: ., value: $v}) | from_entries)' \
			--argjson n "$names" --arg v "$value"
		found=$(programs)
		# a value that is refused ends it before anything is executed
		diff <(echo "$usual" | head -n "$(wc -l <<<"$found")") <(echo "$found")
		decoy_is_untouched
	done
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

@test "CVE-2025-23266: a hook has its own environment and descriptors, not the image's and not the caller's" {
	make_bundle b
	make_decoy
	printf '#!/bin/sh\ncat /proc/self/environ >>%s\necho END >>%s\nls -l /proc/self/fd >>%s\n' \
		"$W/env" "$W/env" "$W/fds" >hook
	chmod 755 hook
	config b '.process.env += ["LD_PRELOAD=/image.so", "FROM_IMAGE=1"]
		| .hooks = ({path: $h} | {prestart: [.], createRuntime: [.], createContainer: [.],
			poststart: [.], poststop: [. + {env: ["OWN=1"]}]})' --arg h "$W/hook"
	FROM_CALLER=1 expect 0 caisson run -b b c 7<decoy 9<decoy/file
	[ "$(grep -ac END env)" = 5 ]
	[ "$(grep -c ' 0 -> ' fds)" = 5 ]
	run ! grep -qE 'decoy|socket|namespace|caisson-(init|plan)' fds
	run ! grep -qaE 'IMAGE|image|CALLER|PRELOAD|PATH' env
	grep -qa OWN=1 env
}

# Containers without a user namespace of their own have one uid, and keyrings(7) know nothing
# else: whoever has made a keyring with the name of the next container's would share its keys,
# and so would who links it by its number, which can be guessed.
@test "a neighbour of the same uid neither sets a trap for a container's keys nor takes them" {
	local theirs
	make_bundle b copy
	cp "$TOOLS/session" b/rootfs/
	script b '/session offer _ses.c >/tmp/trap'
	expect 0 caisson run -d -b b neighbour
	wait_for test -s "/proc/$(pid_of neighbour)/root/tmp/trap"
	config b '.linux.cgroupsPath += "-c"'
	script b '/session >/tmp/session; exec sleep 1000'
	expect 0 caisson run -d -b b c
	wait_for test -s "/proc/$(pid_of c)/root/tmp/session"
	theirs=$(cat "/proc/$(pid_of c)/root/tmp/session")
	[ "${theirs% *}" != "$(cut -d ' ' -f 1 "/proc/$(pid_of neighbour)/root/tmp/trap")" ]
	# the number says nothing to it, the trap is one for whoever wants it
	expect 1 caisson exec neighbour /session take "${theirs% *}"
	says 'Permission denied'
	expect 0 caisson exec neighbour /session take \
		"$(cut -d ' ' -f 1 "/proc/$(pid_of neighbour)/root/tmp/trap")"
}

@test "an id never names a folder outside of the state directory" {
	make_bundle b
	make_decoy
	mkdir -p "$STATE"
	remember_decoy
	for id in .. . ../decoy decoy/../../decoy /tmp '' a/b '@seccomp' $'a\nb'; do
		for command in "create -b b" state "delete --force" "kill"; do
			# shellcheck disable=SC2086 # the command's words
			try $command -- "$id"
			[ "$status" != 0 ]
		done
		decoy_is_untouched
	done
}
