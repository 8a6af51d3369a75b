#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # scripts are the container's
# policy why and run --report: each wall refuses once, and is named.

load helpers

# The line of a call, which is not the program's own complaint; or fails.
line_of() { # CALL
	grep "^$1: .*, [0-9]* times*: " <<<"$output" || {
		echo "no line of $1 in: $output"
		return 1
	}
}

@test "policy why: seccomp, by a rule, by the default, by arguments, and newer calls" {
	make_bundle b
	script b 'exec 2>/dev/null; rmdir /tmp/none; mkdir /tmp/x; hostname other; true'
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["reboot"], action: "SCMP_ACT_ERRNO"},
		{names: ["rmdir"], action: "SCMP_ACT_ERRNO", errnoRet: 77},
		{names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 1, args: [{index: 1, value: 511, op: "SCMP_CMP_EQ"}]}]}'
	expect 0 caisson policy why b
	[[ $(line_of rmdir) == 'rmdir: errno 77, 1 time: seccomp: the rule refuses it (/linux/seccomp/syscalls/1)' ]]
	[[ $(line_of mkdir) == 'mkdir: EPERM, 1 time: seccomp: decided by its arguments (argument 1 == 0x1ff) (/linux/seccomp/syscalls/2)' ]]
	# the filter let it in: it was something else
	[[ $(line_of sethostname) == 'sethostname: EPERM, 1 time: most likely it wants CAP_SYS_ADMIN, which the config does not give (/process/capabilities)' ]]

	script b 'mkdir /tmp/x; true'
	config b 'del(.linux.seccomp)'
	expect 0 caisson policy trace -o p.json b
	script b 'mkdir /tmp/x; rmdir /tmp/x; true'
	config b '.linux.seccomp = $p[0]' --slurpfile p p.json
	expect 0 caisson policy why b
	line_of rmdir | grep -F 'seccomp: no rule names it, and the default refuses it (/linux/seccomp/defaultAction)'
}

@test "policy why: a call that is answered with SIGSYS, or death" {
	make_bundle b
	script b 'exec 2>/dev/null; rmdir /tmp; mkdir /tmp/x'
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["rmdir"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	expect 0 caisson policy why b
	[[ $(line_of rmdir) == 'rmdir: SIGSYS, 1 time: seccomp: the rule refuses it (/linux/seccomp/syscalls/0)' ]]
	config b '.linux.seccomp.syscalls[0].action = "SCMP_ACT_TRAP"'
	expect 0 caisson policy why b
	line_of rmdir
}

@test "policy why: capability, read-only root, Landlock, the rights of a file" {
	make_bundle b copy
	script b 'exec >/dev/null 2>&1; mount -t tmpfs t /tmp; mkdir /new; cat /etc/shut; su nobody 2>/dev/null; true'
	config b '.root.readonly = true'
	expect 0 caisson policy why --format json b
	jq -e '.status == 0
		and any(.refused[]; .syscall == "mount" and .layer == "capability" and .pointer == "/process/capabilities" and .errno == 1)
		and any(.refused[]; .syscall == "mkdir" and .layer == "read-only" and .pointer == "/root/readonly" and .errno == 30)
		and all(.refused[]; .layer != "seccomp" and .layer != "landlock")' <<<"$output"
	# which wall it was, by the path; at most five of each call
	script b 'exec >/dev/null 2>&1; mkdir /new /new; mkdir /tmp/ok; cd /; mkdir bin/here; echo x >/proc/sys/kernel/hostname
		echo x >/ro/file; mkdir /proc/asound/x; for i in 1 2 3 4 5 6 7; do rmdir /d$i; done; true'
	mkdir b/rootfs/ro b/rootfs/d{1..7}
	config b '.mounts += [{destination: "/ro", type: "tmpfs", source: "t", options: ["ro"]}, {destination: "/tmp", type: "tmpfs", source: "t"}]'
	expect 0 caisson policy why --format json b
	jq -e '[.refused[] | select(.errno == 30 and .syscall == "mkdir") | [.path, .pointer, .count]] |
		contains([["/new", "/root/readonly", 2], ["bin/here", "/root/readonly", 1]]) and all(.[]; .[0] != "/tmp/ok")' <<<"$output"
	jq -e '[.refused[] | select(.errno == 30) | .path + " " + .pointer] | any(.[]; test("^/proc/sys/kernel/hostname /linux/readonlyPaths/")) and
		any(.[]; test("^/ro/file /mounts/[0-9]+/options"))' <<<"$output"
	jq -e '[.refused[] | select(.syscall == "rmdir")] | [.[] | .path] == ["/d1", "/d2", "/d3", "/d4", "/d5", null] and .[5].count == 2' <<<"$output"
	expect 0 caisson policy why b
	says 'mkdir: EROFS, 2 times: /new: most likely the root is read-only (/root/readonly)'
	config b '.annotations["io.caisson.landlock"] = "{\"ruleset\":{\"handledAccessFS\":[\"read_file\"]},\"rules\":{\"pathBeneath\":[{\"allowedAccess\":[\"read_file\"],\"paths\":[\"/bin\"]}]}}"'
	script b 'exec 2>/dev/null; cat /etc/passwd'
	echo x >b/rootfs/etc/passwd
	expect 0 caisson policy why --format json b
	jq -e '.status == 1 and any(.refused[]; .layer == "landlock" and .errno == 13 and .certain == false)' <<<"$output"
}

@test "policy why: a device rule, a masked folder, a read-only mount" {
	make_bundle b
	script b 'exec 2>/dev/null; mknod /dev/node c 1 11; cat /dev/node; mkdir /home/x; mkdir /sys/x; true'
	config b '.linux.maskedPaths = ["/proc/kcore", "/home"] | .process.capabilities |= map_values(. + ["CAP_MKNOD"]) |
		.linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 11, access: "m"}]'
	expect 0 caisson policy why b
	says 'openat: EPERM, 1 time: /dev/node: most likely no device rule allows it (/linux/resources/devices)'
	says 'mkdir: EROFS, 1 time: /home/x: most likely it is masked (/linux/maskedPaths/1)'
	says 'mkdir: EROFS, 1 time: /sys/x: most likely the mount on /sys is read-only (/mounts/'
}

@test "policy why: a capability that is held, but in a user namespace" {
	make_bundle b copy
	chown -R 100000:100000 b/rootfs
	chmod 755 b
	script b 'hostname other 2>/dev/null; true'
	config b 'del(.hostname) | .process.capabilities |= map_values(["CAP_SYS_ADMIN"]) |
		.linux.namespaces |= map(select(.type != "uts")) + [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	expect 0 caisson policy why b
	[[ $(line_of sethostname) == 'sethostname: EPERM, 1 time: most likely it wants CAP_SYS_ADMIN, which the user namespace gives over its own things alone (/linux/namespaces/5)' ]]
}

@test "policy why: nothing, children, and threads that come out of clone" {
	make_bundle b
	script b 'for i in 1 2 3; do (true) & done; wait; echo | cat >/dev/null'
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["rmdir"], action: "SCMP_ACT_ERRNO"}]}'
	expect 0 caisson policy why b
	not says seccomp
	script b 'for i in 1 2 3; do rmdir /tmp/none; done; true'
	expect 0 caisson policy why b
	says 'rmdir: EPERM, 3 times: seccomp'
}

@test "run --report: the same at the end, with the program's exit status" {
	make_bundle b
	script b 'echo works; rmdir /tmp/none 2>/dev/null; exit 7'
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["rmdir"], action: "SCMP_ACT_ERRNO"}]}'
	expect 7 caisson run --report -b b c
	is $'works\nrmdir: EPERM, 1 time: seccomp: the rule refuses it (/linux/seccomp/syscalls/0)'
	script b 'true'
	expect 0 caisson run --report -b b c
	not says seccomp
	refused '--report: nobody waits with --detach' caisson run --report -d -b b c
}

# A line as dmesg has it: of chmod, that a filter has killed.
record() { # COMM CODE
	echo "[   12.5] audit: type=1326 audit(1700000000.100:8): auid=1 uid=0 gid=0 ses=1 pid=77 comm=\"$1\" exe=\"/x\" sig=31 arch=c000003e syscall=90 compat=0 ip=0x7f code=$2"
}

@test "policy why LOG: records of the kernel's, from a file and from stdin" {
	make_bundle b
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chmod"], action: "SCMP_ACT_ERRNO", errnoRet: 77}]}'
	{
		echo '[    1.0] Linux version 6.18'
		record web 0x50000
		record web 0x50000
	} >kernel.log
	expect 0 caisson policy why kernel.log
	is 'chmod (web): an error, 2 times: the answer of its seccomp filter'
	expect 0 caisson policy why --bundle b kernel.log
	is 'chmod (web): errno 77, 2 times: seccomp: the rule refuses it (/linux/seccomp/syscalls/0)'
	expect 0 bash -c '"$1" policy why --format json -b b - <kernel.log' - "$CAISSON"
	jq -e '.refused == [{syscall: "chmod", program: "web", answer: "errno 77", errno: 77, count: 2, layer: "seccomp",
		certain: true, why: "seccomp: the rule refuses it", pointer: "/linux/seccomp/syscalls/0"}]' <<<"$output"
	# a pipe is a log, too; a user needs no rights for it
	expect 0 unshare -U "$CAISSON" policy why <(record other 0x0)
	is 'chmod (other): thread killed, 1 time: the answer of its seccomp filter'
	# no record is no proof
	echo 'no record' >kernel.log
	expect 0 caisson policy why kernel.log
	is 'kernel.log: none of its lines (1) is a record of a refusal; errors of a seccomp profile are recorded with SECCOMP_FILTER_FLAG_LOG alone'
	expect 0 caisson policy why - </dev/null
	says 'stdin: none of its lines (0)'
	echo 'type=SYSCALL msg=audit(1.1:1): arch=c000003e syscall=90 success=no exit=-2 comm="x"' >kernel.log
	expect 0 caisson policy why kernel.log
	is 'kernel.log: what it records was refused by no wall'
	refused '--for: a log is not watched' caisson policy why --for 1 kernel.log
	refused '--bundle: goes with a log alone' caisson policy why --bundle b b
	refused 'none: no such file' caisson policy why --bundle none kernel.log
	refused 'none: there is neither a container nor a bundle or log of this name' caisson policy why none
}
