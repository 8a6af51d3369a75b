#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# What a process sees and may do inside, and what it may not.

load helpers

# inside SCRIPT: its output, in a new container of bundle b
inside() {
	script b "$1"
	expect 0 caisson run -b b c
}

# --- namespaces ------------------------------------------------------------------------

@test "it is pid 1, and sees no processes but its own" {
	make_bundle b
	inside 'echo $$; ls -d /proc/[0-9]* | wc -l'
	[ "${output%%$'\n'*}" = 1 ]
	[ "${output##*$'\n'}" -le 3 ]
}

@test "each namespace that the config asks for is a new one, the others are the host's" {
	make_bundle b
	inside 'for n in pid net ipc uts mnt cgroup user time; do readlink /proc/self/ns/$n; done'
	local inner=$output name n=0
	for name in pid net ipc uts mnt cgroup user time; do
		n=$((n + 1))
		if [ "$(sed -n ${n}p <<<"$inner")" = "$(readlink /proc/self/ns/$name)" ]; then
			[[ $name == user || $name == time ]]
		else
			[[ $name != user && $name != time ]]
		fi
	done
}

@test "a namespace that exists is joined by its path" {
	make_bundle b
	unshare --net --uts sh -c 'hostname joined; ip link set lo up; exec sleep 1000' &
	background+=($!)
	local pid=$!
	wait_for sh -c "[ \"\$(nsenter -t $pid -u hostname)\" = joined ]"
	config b '.linux.namespaces |= map(select(.type != "network" and .type != "uts")) +
		[{ "type": "network", "path": $n }, { "type": "uts", "path": $u }] | del(.hostname)' \
		--arg n "/proc/$pid/ns/net" --arg u "/proc/$pid/ns/uts"
	inside 'hostname; readlink /proc/self/ns/net'
	is "joined"$'\n'"$(readlink "/proc/$pid/ns/net")"
}

@test "host name and domain name" {
	make_bundle b
	config b '.hostname = "inner" | .domainname = "example.org"'
	inside 'hostname; cat /proc/sys/kernel/domainname'
	is $'inner\nexample.org'
	[ "$(hostname)" != inner ]
}

@test "the network is empty but for a loopback that is up" {
	make_bundle b
	inside 'ls /sys/class/net; cat /sys/class/net/lo/operstate; ip -o addr show lo | grep -c 127.0.0.1'
	[ "${output%%$'\n'*}" = lo ]
	[ "${output##*$'\n'}" = 1 ]
}

@test "a user namespace: root inside is nobody of importance outside" {
	make_bundle b copy
	chown -R 100000:100000 b/rootfs
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
	inside 'id -u; cat /proc/self/uid_map | tr -s " "; touch /made && stat -c %u /made'
	is $'0\n 0 100000 65536\n0'
	[ "$(stat -c %u b/rootfs/made)" = 100000 ]
}

@test "a user namespace and a network namespace that it does not own are joined, by exec, too" {
	make_bundle b
	# /sys is bound: a new sysfs wants rights over the network namespace
	config b '.linux.namespaces |= map(select(.type != "network")) |
		.linux.namespaces += [{ "type": "user", "path": $u }, { "type": "network", "path": "/proc/self/ns/net" }] |
		.mounts |= map(if .type == "sysfs" then
			{ "destination": "/sys", "source": "/sys", "options": ["rbind"] }
			else .options = ((.options // []) - ["gid=5"]) end) | .process.args = ["sleep", "1000"]' --arg u /dev/null
	unshare --user sleep 1000 &
	background+=($!)
	local user=/proc/$!/ns/user
	wait_for sh -c "[ \"\$(readlink $user)\" != \"\$(readlink /proc/self/ns/user)\" ]"
	echo 0 100000 65536 | tee "/proc/$!/uid_map" >"/proc/$!/gid_map"
	config b '(.linux.namespaces[] | select(.type == "user")).path = $u' --arg u "$user"
	expect 0 caisson run -d -b b c
	expect 0 caisson exec c sh -c 'readlink /proc/self/ns/user; readlink /proc/self/ns/net'
	is "$(readlink "$user")"$'\n'"$(readlink /proc/self/ns/net)"
}

@test "a time namespace has its own clocks" {
	make_bundle b
	config b '.linux.namespaces += [{ "type": "time" }] |
		.linux.timeOffsets = { "boottime": { "secs": 1000000, "nanosecs": 0 } }'
	inside 'cut -d . -f 1 /proc/uptime'
	[ "$output" -ge 1000000 ]
}

# --- mounts and paths -------------------------------------------------------------------

@test "it has its own mounts, and the host has none of them" {
	make_bundle b
	inside 'cut -d " " -f 5 /proc/self/mountinfo'
	for place in / /proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup /tmp; do
		grep -qx "$place" <<<"$output"
	done
	# nothing of the old root
	not grep -q "$W" <<<"$output"
	not grep -q caisson /proc/self/mountinfo
}

@test "a read-only root file system" {
	make_bundle b
	script b 'touch /file'
	expect 1 caisson run -b b c
	says 'Read-only file system'
	make_bundle w copy
	script w 'touch /file'
	expect 0 caisson run -b w c
	[ -e w/rootfs/file ]
}

@test "masked paths: files are empty, folders too" {
	make_bundle b copy
	mkdir b/rootfs/secrets
	echo secret | tee b/rootfs/secret >b/rootfs/secrets/file
	config b '.linux.maskedPaths = ["/secret", "/secrets", "/proc/kcore", "/proc/timer_list", "/not/there"]'
	inside 'head -c 100 /secret; ls -A /secrets; cat /proc/timer_list; echo end'
	is end
	script b 'echo x >/secrets/new'
	expect 1 caisson run -b b c
	[ "$(cat b/rootfs/secret)" = secret ]
}

@test "read-only paths" {
	make_bundle b copy
	mkdir b/rootfs/fixed
	config b '.linux.readonlyPaths += ["/fixed", "/not/there"]'
	script b 'echo x >/fixed/file || echo 1 >/proc/sys/kernel/panic'
	expect 1 caisson run -b b c
	[ "$(grep -c 'Read-only file system' <<<"$output")" = 2 ]
	[ ! -e b/rootfs/fixed/file ]
}

@test "bind mounts: read-only and writable, of folders and files" {
	make_bundle b
	mkdir source
	echo data >source/file
	config b '.mounts += [
		{ "destination": "/tmp/ro", "type": "bind", "source": $s, "options": ["rbind", "ro"] },
		{ "destination": "/tmp/rw", "type": "bind", "source": $s, "options": ["rbind", "rw"] },
		{ "destination": "/tmp/file", "type": "bind", "source": ($s + "/file"), "options": ["bind"] }]' \
		--arg s "$W/source"
	inside 'cat /tmp/ro/file /tmp/file; touch /tmp/rw/new; touch /tmp/ro/no 2>&1; true'
	says $'data\ndata'
	says 'Read-only file system'
	[ -e source/new ]
	[ ! -e source/no ]
}

@test "a path of the image cannot lead a mount out of it" {
	make_bundle b copy
	mkdir decoy
	ln -s "$W/decoy" b/rootfs/way
	config b '.mounts += [{ "destination": "/way/out", "type": "tmpfs", "source": "tmpfs" }]'
	script b 'true'
	caisson run -b b c </dev/null >out 2>&1 3>&- || true
	[ -z "$(ls -A decoy)" ]
	nothing_left
}

@test "/dev has the devices of the specification, and no others" {
	make_bundle b
	inside 'for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done
		for d in fd stdin stdout stderr ptmx; do readlink /dev/$d; done
		echo x >/dev/null; head -c 3 /dev/zero | wc -c'
	is $'/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n3'
	inside 'find /dev -type b -o -type c | grep -vE "/(null|zero|full|random|urandom|tty|console|ptmx|pts/.*)$"; true'
	is ''
}

# --- privileges -----------------------------------------------------------------------------

@test "capabilities are those of the config" {
	make_bundle b
	inside 'grep Cap /proc/self/status | tr -d "\t"'
	is $'CapInh:0000000000000000\nCapPrm:0000000020000420\nCapEff:0000000020000420\nCapBnd:0000000020000420\nCapAmb:0000000000000000'
	config b 'del(.process.capabilities)'
	inside 'grep -c "Cap.*0000000000000000" /proc/self/status'
	is 5
}

@test "ambient capabilities reach a user" {
	make_bundle b
	config b '.process.user = { "uid": 1000, "gid": 1000 } |
		.process.capabilities |= . + { "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"] }'
	inside 'grep -E "CapAmb|CapEff" /proc/self/status | tr -d "\t"; id -u'
	is $'CapEff:0000000000000020\nCapAmb:0000000000000020\n1000'
}

@test "no new privileges" {
	make_bundle b
	inside 'grep NoNewPrivs /proc/self/status | tr -d "\t"'
	is NoNewPrivs:1
	config b '.process.noNewPrivileges = false'
	inside 'grep NoNewPrivs /proc/self/status | tr -d "\t"'
	is NoNewPrivs:0
}

@test "seccomp: what the profile refuses fails with its errno" {
	make_bundle b
	config b '.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95 }] }'
	script b 'grep "Seccomp:" /proc/self/status | tr -d "\t"; mkdir /tmp/x'
	expect 1 caisson run -b b c
	says Seccomp:2
	says 'Operation not supported'
	config b '.process.noNewPrivileges = false'
	expect 1 caisson run -b b c
	says 'Operation not supported'
}

# Whatever init does besides, the profile has no say in it. The rest is busybox's.
@test "seccomp: nothing of init's work but execve has to be allowed" {
	make_bundle b
	config b '.process.args = ["true"] | .process.user = { "uid": 1000, "gid": 1000 } |
		.linux.seccomp = { "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{ "names": ["execve", "arch_prctl", "brk", "exit_group", "getgid",
			"getrandom", "getuid", "mprotect", "newfstatat", "prctl", "prlimit64",
			"readlink", "rseq", "set_robust_list", "set_tid_address", "setgid",
			"setuid"], "action": "SCMP_ACT_ALLOW" }] }'
	local nnp n
	for nnp in true false; do
		config b ".process.noNewPrivileges = $nnp"
		for ((n = 0; n < 24; n++)); do # whatever is done after every so many steps
			config b '.mounts += [{ "destination": "/mnt", "type": "tmpfs", "source": "tmpfs" }]'
			expect 0 caisson run -b b c
		done
		expect 0 caisson create -b b c
		expect 0 caisson start c
		wait_for is_status c stopped
		expect 0 caisson delete c
	done
}

@test "seccomp: init keeps no capability for the program" {
	make_bundle b
	config b '.process.noNewPrivileges = false |
		.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW" }'
	local user
	for user in 0 1000; do
		config b ".process.user = { \"uid\": $user, \"gid\": $user } | del(.linux.seccomp)"
		inside 'grep Cap /proc/self/status'
		local without=$output
		config b '.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW" }'
		inside 'grep Cap /proc/self/status'
		is "$without"
		config b 'del(.process.capabilities)'
		inside 'grep -c "Cap.*0000000000000000" /proc/self/status'
		is 5
		make_bundle b
		config b '.process.noNewPrivileges = false'
	done
}

@test "seccomp: a profile older than faccessat2 does not keep the program from being found" {
	make_bundle b
	config b '.process.noNewPrivileges = false | .process.args = ["true"] |
		.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{"names": ["faccessat2"], "action": "SCMP_ACT_ERRNO"}] }'
	expect 0 caisson run -b b c
	config b '.process.args = ["/bin/true"]'
	expect 0 caisson run -b b c
	config b '.process.args = ["/etc/passwd"]'
	expect 1 caisson run -b b c
	says 'exec: "/etc/passwd": permission denied'
	config b '.process.args = ["nosuch"]'
	expect 1 caisson run -b b c
	says 'exec: "nosuch": executable file not found in $PATH'
}

@test "seccomp: a profile that forbids to close descriptors by range hides them all the same" {
	make_bundle b
	config b '.process.noNewPrivileges = false | .process.args = ["ls", "/proc/self/fd"] |
		.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{"names": ["close_range"], "action": "SCMP_ACT_ERRNO"}] }'
	exec 7</etc/passwd
	expect 0 caisson run -b b c
	is $'0\n1\n2\n3' # ls has the folder open itself
	expect 0 caisson create -b b c
	expect 0 caisson start c
	wait_for is_status c stopped
	expect 0 caisson delete c
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec c ls /proc/self/fd
	is $'0\n1\n2\n3'
	exec 7<&-
}

@test "seccomp holds for exec, too" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"] | .linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW",
		"syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO" }] }'
	expect 0 caisson run -d -b b c
	expect 1 caisson exec c mkdir /tmp/x
	says 'Operation not permitted'
}

@test "resource limits of the process" {
	make_bundle b
	config b '.process.rlimits = [{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 },
		{ "type": "RLIMIT_CORE", "soft": 0, "hard": 0 }]'
	inside 'ulimit -Sn; ulimit -Hn; ulimit -Hc'
	is $'100\n200\n0'
}

@test "user, groups, umask" {
	make_bundle b
	config b '.process.user = { "uid": 1000, "gid": 1001, "additionalGids": [5, 29], "umask": 63 }'
	inside 'id -u; id -g; id -G; umask; grep Groups /proc/self/status | cut -f 2'
	is $'1000\n1001\n1001 5 29\n0077\n5 29 '
}

@test "environment: what the config says, HOME of the user, and nothing of the caller's" {
	make_bundle b
	config b '.process.env += ["GREETING=hello world", "EMPTY="]'
	export LEAKED_FROM_THE_CALLER=1
	inside 'env | grep -vE "^(SHLVL|PWD|OLDPWD)=" | sort'
	is $'EMPTY=\nGREETING=hello world\nHOME=/root\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
	config b '.process.user = { "uid": 1000, "gid": 1000 }'
	inside 'echo $HOME'
	is /home/user
}

@test "working directory" {
	make_bundle b
	config b '.process.cwd = "/usr/bin"'
	inside pwd
	is /usr/bin
}

@test "oom_score_adj" {
	make_bundle b
	config b '.process.oomScoreAdj = 123'
	inside 'cat /proc/self/oom_score_adj'
	is 123
}

@test "sysctls of the container's namespaces" {
	make_bundle b
	config b '.linux.sysctl = { "net.ipv4.ip_forward": "1", "kernel.msgmax": "9000" }'
	inside 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax'
	is $'1\n9000'
	[ "$(cat /proc/sys/kernel/msgmax)" != 9000 ]
}

@test "a sysctl of the whole host is refused" {
	make_bundle b
	config b '.linux.sysctl = { "kernel.panic": "1" }'
	expect 1 caisson run -b b c
	says kernel.panic
	one_line
	nothing_left
}

# --- descriptors and the host's files ----------------------------------------------------------

@test "no descriptor of the runtime or its caller gets in" {
	make_bundle b
	script b 'ls -l /proc/self/fd; true'
	exec 7<"$TOP" 8</etc/passwd 9</dev/zero
	expect 0 caisson run -b b c
	exec 7<&- 8<&- 9<&-
	# stdio; ls's own is gone when it is read
	[ "$(grep -c ' -> ' <<<"$output")" = 3 ]
	not grep -qE "$TOP|passwd|memfd|socket|state" <<<"$output"
}

@test "exec leaks none either" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	exec 7<"$TOP" 8</etc/passwd
	expect 0 caisson exec c ls -l /proc/self/fd
	exec 7<&- 8<&-
	[ "$(grep -c ' -> ' <<<"$output")" = 3 ]
	# and the container's first process holds nothing but its stdio
	[ "$(find "/proc/$(pid_of c)/fd" -type l | wc -l)" = 3 ]
}

@test "--preserve-fds passes those that were asked for" {
	make_bundle b
	script b 'cat <&3; ls /proc/self/fd | tr "\n" " "'
	echo passed >file
	caisson run --preserve-fds 1 -b b c </dev/null >out 2>&1 3<file 4</etc/passwd
	cat out
	[ "$(cat out)" = $'passed\n0 1 2 3 4 ' ] # 4: of ls itself
}

@test "the runtime's file cannot be reached from inside" {
	make_bundle b
	config b '.process.args = ["/proc/self/exe", "--version"]'
	status=0
	caisson run -b b c </dev/null >out 2>&1 3>&- || status=$?
	[ "$status" != 0 ]
	not grep -q '^caisson version' out
}

@test "one cannot trace or look into init before it executes the program" {
	make_bundle b
	expect 0 caisson create -b b c
	pid=$(pid_of c)
	# not dumpable: what belongs to it belongs to root
	[ "$(stat -c %u "/proc/$pid/environ")" = 0 ]
	expect 2 setpriv --reuid 1000 --clear-groups ls "/proc/$pid/fd/"
}

# --- cgroups --------------------------------------------------------------------------------------

@test "it is in the group that the config names, and sees it as the root" {
	make_bundle b
	script b 'cat /proc/self/cgroup; sleep 1000'
	expect 0 caisson run -d -b b c
	grep -q "0::.*$CGROUP_PREFIX/b$" "/proc/$(pid_of c)/cgroup"
	expect 0 caisson exec c grep ^0: /proc/self/cgroup
	is 0::/
	expect 0 caisson delete --force c
	[ ! -d "$CGROUP$CGROUP_PREFIX/b" ]
}

@test "device rules: what is not allowed is refused" {
	make_bundle b
	config b '.linux.resources = { "devices": [{ "allow": false, "access": "rwm" }] } |
		.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	script b 'echo x >/dev/null && head -c 1 /dev/zero | wc -c
		mknod /dev/mem c 1 1 && head -c 1 /dev/mem'
	expect 1 caisson run -b b c
	says 1
	says '/dev/mem: Operation not permitted'
}

@test "limits: memory, pids, cpu" {
	requires cgroup-memory
	make_bundle b
	config b '.linux.resources = { "memory": { "limit": 33554432, "swap": 33554432 },
		"pids": { "limit": 20 }, "cpu": { "shares": 512, "quota": 20000, "period": 100000 } }'
	inside 'cd /sys/fs/cgroup; cat memory.max memory.swap.max pids.max cpu.max'
	is $'33554432\n0\n20\n20000 100000'
}

@test "limits: more memory than allowed is death by the kernel" {
	requires cgroup-memory
	make_bundle b
	# tail keeps all that it is asked for
	config b '.linux.resources = { "memory": { "limit": 16777216, "swap": 16777216 } } |
		.process.args = ["tail", "-c", "100000000", "/dev/zero"]'
	expect 137 caisson run -b b c
	nothing_left
}

@test "limits: huge pages, used and reserved" {
	requires cgroup-hugetlb
	make_bundle b
	config b '.linux.resources = { "hugepageLimits": [{ "pageSize": "2MB", "limit": 4194304 }] }'
	inside 'cd /sys/fs/cgroup; cat hugetlb.2MB.max hugetlb.2MB.rsvd.max'
	is $'4194304\n4194304'
}

@test "limits: a size of huge pages that this host has not is refused" {
	requires cgroup-hugetlb
	[ ! -e /sys/kernel/mm/hugepages/hugepages-64kB ] || skip "this host has pages of 64 KB"
	make_bundle b
	config b '.linux.resources = { "hugepageLimits": [{ "pageSize": "64KB", "limit": 65536 }] }'
	expect 1 caisson run -b b c
	says 'linux.resources.hugepageLimits[0].limit'
	says hugetlb.64KB.max
	one_line
	nothing_left
}

@test "limits that this host cannot set are refused, with the controller's name" {
	not grep -qw memory "$CGROUP/cgroup.controllers" || skip "this host can set memory limits"
	make_bundle b
	config b '.linux.resources = { "memory": { "limit": 33554432 } }'
	expect 1 caisson run -b b c
	says memory
	one_line
	nothing_left
}

@test "a group that holds processes already is refused" {
	make_bundle b
	mkdir "$CGROUP$CGROUP_PREFIX/b"
	sleep 1000 &
	background+=($!)
	echo $! >"$CGROUP$CGROUP_PREFIX/b/cgroup.procs"
	expect 1 caisson run -b b c
	says 'not empty'
	kill "${background[0]}"
	wait "${background[0]}" || true
	rmdir "$CGROUP$CGROUP_PREFIX/b"
	nothing_left
}

@test "capabilities that cannot be had are warned of, and the start goes on" {
	make_bundle b
	config b '.process.capabilities = {bounding: ["CAP_KILL", "CAP_NO_SUCH", "CHOWN", "cap_chown"], permitted: ["CAP_KILL"],
		effective: ["CAP_KILL"], ambient: ["CAP_KILL"]} | .process.args = ["true"]'
	expect 0 caisson run -b b c
	says 'CAP_NO_SUCH: ignored'
	says ' CHOWN: ignored'
	says 'cap_chown: ignored'
	says "can't raise ambient capability CAP_KILL: "
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b d
	expect 0 caisson exec --cap CAP_NO_SUCH --cap CAP_CHOWN d grep CapEff /proc/self/status
	says 'CAP_NO_SUCH: ignored'
	says 0000000000000021
	expect 0 caisson delete --force d
	config b '.process.args = ["true"]'
	expect 0 caisson --log "$W/log" run -b b c
	[ ! -s "$W/log" ]
	is ''
}

# The agent is recvtty: it takes the message with the descriptor, prints it, and goes,
# so that the call which waits for an answer fails with ENOSYS.
@test "seccomp: an agent gets the listener, with and without no_new_privs, for exec, too" {
	local nnp
	for nnp in true false; do
		make_bundle b copy
		config b '.process.noNewPrivileges = $nnp | .root.readonly = false |
			.process.args = ["sh", "-c", "mkdir /new || echo refused; exec sleep 1000"] |
			.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: ($w + "/agent"),
				listenerMetadata: "meta", syscalls: [
				{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}' --argjson nnp $nnp --arg w "$W"
		"$TOOLS/recvtty" agent >told 2>&1 </dev/null 3>&- &
		background+=($!)
		wait_for test -S agent
		"$CAISSON" --root "$STATE" run -d -b b c >out 2>&1 </dev/null 3>&-
		wait_for grep -q refused out
		grep -q '"fds":\["seccompFd"\],"pid":[0-9]*,"metadata":"meta","state":{' told
		rm agent
		"$TOOLS/recvtty" agent >told 2>&1 </dev/null 3>&- &
		background+=($!)
		wait_for test -S agent
		expect 1 caisson exec c mkdir /new
		grep -q "seccompFd.*\"pid\":[0-9]*,.*\"pid\":$(caisson state c | jq .pid)," told
		rm agent
		expect 1 caisson exec c true || [ "$status" = 255 ]
		says 'linux.seccomp.listenerPath: failed to connect with seccomp agent: '
		expect 0 caisson delete --force c
		rm -rf b
	done
}

# The agent is gone at once, so that the call fails with ENOSYS. An agent that is told too
# late would be waited for for ever.
@test "seccomp: the agent has the listener before the next system call may ask it" {
	make_bundle b
	config b '.process.noNewPrivileges = false | .process.args = ["true"] |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: ($w + "/agent"),
		syscalls: [{names: ["faccessat2"], action: "SCMP_ACT_NOTIFY"}]}' --arg w "$W"
	"$TOOLS/recvtty" agent >told 2>&1 </dev/null 3>&- &
	background+=($!)
	wait_for test -S agent
	LIMIT=10 expect 0 caisson run -b b c
}

@test "a user can open the pipes of stdio again, and nothing else is given away" {
	make_bundle b
	config b '.process.user = {uid: 1000, gid: 1000} |
		.process.args = ["sh", "-c", "echo again >/dev/stdout"]'
	"$CAISSON" --root "$STATE" run -b b c </dev/null 2>err | cat >out
	[ "$(cat out)" = again ]
	: >file
	caisson run -b b c >file 2>&1 || true
	[ "$(stat -c %u file)" = 0 ]
	[ "$(stat -c %u /dev/null)" = 0 ]
}

@test "a user namespace whose ids may not enter the folders of the rootfs and of bind sources" {
	requires root
	make_bundle b copy
	mkdir -p hidden/a/dir hidden/b/dir
	echo one >hidden/a/dir/foo
	echo two >hidden/b/dir/foo
	chown -R 100000:100000 b/rootfs hidden/a/dir hidden/b/dir
	mkdir -p b/rootfs/mnt/a b/rootfs/mnt/b
	chown 100000:100000 b/rootfs/mnt b/rootfs/mnt/a b/rootfs/mnt/b
	chmod 700 hidden b "$W"
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.mounts += [
		{ "destination": "/mnt/a", "type": "bind", "source": ($w + "/hidden/a/dir"), "options": ["bind"] },
		{ "destination": "/mnt/b", "type": "bind", "source": ($w + "/hidden/b/dir"), "options": ["rbind", "ro"] }]' \
		--arg w "$W"
	script b 'cat /mnt/a/foo /mnt/b/foo; echo new >/mnt/a/new; echo new >/made; touch /mnt/b/new; id -u'
	expect 0 caisson run -b b c
	says $'one\ntwo'
	says 'Read-only file system'
	[ "$(stat -c %u b/rootfs/made hidden/a/dir/new | uniq)" = 100000 ]
	nothing_left
	# nothing of it shows on the host, nor does the host's in it
	config b '.linux.rootfsPropagation = "slave" | .root.readonly = true'
	script b 'echo new >/made2; sleep 1000'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec c cat /mnt/a/foo
	is one
	[ ! -e b/rootfs/made2 ]
	[ ! -e b/rootfs/proc/self ]
	expect 0 caisson delete --force c
	# the flags of the host's mount cannot be taken off inside
	config b '.root.readonly = false'
	unshare -m --propagation private sh -euc 'mount --bind b/rootfs b/rootfs
		mount -o remount,bind,nosuid,ro b/rootfs; exec "$@"' sh \
		"$CAISSON" --root "$STATE" run -b b c >out 2>&1 </dev/null 3>&- &
	background+=($!)
	wait_for is_status c running
	expect 1 caisson exec --cap CAP_SYS_ADMIN c mount -o remount,bind,rw /
	expect 0 caisson delete --force c
}
