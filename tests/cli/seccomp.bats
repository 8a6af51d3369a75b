#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # filters are jq's
# linux.seccomp: each action, flag, operator and architecture, in the kernel. Every call of
# three engines' profiles is in seccomp_table.bats, random profiles in the units, agents in
# policy_agent.bats, and when the filter is loaded in isolation.bats.

load helpers

# profile JQ-EXPRESSION: bundle b has it, and the program calls
profile() {
	[ -d b ] || {
		make_bundle b copy
		cp "$TOOLS/calls" b/rootfs/calls
	}
	config b ".linux.seccomp = $1"
}

# A rule for one call; the default allows.
rule() { # NAME ACTION [MORE]
	profile '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
		syscalls: [{names: ["'"$1"'"], action: "'"$2"'"} + ('"${3:-{\}}"')]}'
}

# call STATUS OUTPUT ARGUMENT...: what the program calls prints in the container
call() {
	local status_wanted=$1 wanted=$2
	shift 2
	config b '.process.args = $a' --argjson a "$(printf '%s\n' /calls "$@" | jq -R . | jq -cs .)"
	expect "$status_wanted" caisson run -b b c
	is "$wanted"
}

GETPPID=110 GETUID=102 PERSONALITY=135

@test "seccomp: ERRNO, ALLOW and LOG, with and without no_new_privs" {
	local nnp
	for nnp in true false; do
		rule getppid SCMP_ACT_ERRNO
		config b ".process.noNewPrivileges = $nnp"
		call 0 'errno 1' $GETPPID
		call 0 ok $GETUID
		rule getppid SCMP_ACT_ERRNO '{errnoRet: 4094}'
		call 0 'errno 4094' $GETPPID
		rule getppid SCMP_ACT_ERRNO '{errnoRet: 0}'
		call 0 ok $GETPPID
		rule getppid SCMP_ACT_LOG
		call 0 ok $GETPPID
		rule getppid SCMP_ACT_ALLOW
		call 0 ok $GETPPID
	done
}

@test "seccomp: TRAP sends a signal, TRACE without a tracer says ENOSYS" {
	rule getppid SCMP_ACT_TRAP
	call 159 '' $GETPPID
	call 0 $'SIGSYS 0\nok' -h $GETPPID # what came back is what went in
	rule getppid SCMP_ACT_TRACE
	call 0 'errno 38' $GETPPID
	rule getppid SCMP_ACT_TRACE '{errnoRet: 7}'
	call 0 'errno 38' $GETPPID
}

@test "seccomp: KILL_PROCESS ends the process, KILL and KILL_THREAD the thread" {
	rule getppid SCMP_ACT_KILL_PROCESS
	call 159 '' $GETPPID
	call 159 '' -h $GETPPID # it cannot be caught
	call 159 '' -t $GETPPID
	local action
	for action in SCMP_ACT_KILL SCMP_ACT_KILL_THREAD; do
		rule getppid $action
		call 159 '' $GETPPID
		call 0 'still here' -t $GETPPID
	done
}

@test "seccomp: the default action, its errno, and calls that are newer than the profile" {
	# what a static program needs, and one call that is new
	local needed='{names: ["execve", "arch_prctl", "brk", "exit_group", "getrandom", "mprotect", "prlimit64",
		"readlink", "readlinkat", "rseq", "set_robust_list", "set_tid_address", "write", "newfstatat", "faccessat2"],
		action: "SCMP_ACT_ALLOW"}'
	profile '{defaultAction: "SCMP_ACT_ERRNO", syscalls: ['"$needed"']}'
	call 0 'errno 1' $GETPPID
	call 0 'errno 38' 440 # one after faccessat2
	call 0 'errno 38' 9999
	profile '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 95, syscalls: ['"$needed"']}'
	call 0 'errno 95' $GETPPID
	call 0 'errno 38' 440
	profile '{defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls: ['"$needed"']}'
	call 159 '' $GETPPID
	call 159 '' 9999
	profile '{defaultAction: "SCMP_ACT_LOG", syscalls: ['"$needed"']}'
	call 0 ok $GETPPID
}

@test "seccomp: names that are unknown are skipped" {
	rule 'no_such_call", "getppid' SCMP_ACT_ERRNO
	call 0 'errno 1' $GETPPID
}

@test "seccomp: each operator, on 64 bits" {
	local big=$((1 << 32))
	judge() { # OP VALUE VALUE-TWO REFUSED... -- ALLOWED...
		local wanted='errno 1' value
		rule personality SCMP_ACT_ERRNO \
			"{args: [{index: 0, op: \"SCMP_CMP_$1\", value: $2, valueTwo: $3}]}"
		shift 3
		for value; do
			[ "$value" != -- ] || {
				wanted=ok
				continue
			}
			call 0 "$wanted" $PERSONALITY "$value"
		done
	}
	# 0xffffffff changes nothing; other values are this process' own affair
	judge EQ 8 0 8 -- 0 $((big + 8))
	judge NE 8 0 0 $((big + 8)) -- 8
	judge LT $big 0 8 -- $big
	judge LE $big 0 $big -- $((big + 1))
	judge GT $big 0 $((big + 1)) -- $big
	judge GE $big 0 $big -- 8
	judge MASKED_EQ $((big + 8)) $big $((big + 1)) -- 8 $((big + 8))
}

@test "seccomp: conditions on several arguments must all hold, of several on one any" {
	rule getppid SCMP_ACT_ERRNO '{args: [{index: 0, op: "SCMP_CMP_EQ", value: 1},
		{index: 5, op: "SCMP_CMP_EQ", value: 2}]}'
	call 0 'errno 1' $GETPPID 1 0 0 0 0 2
	call 0 ok $GETPPID 1 0 0 0 0 3
	call 0 ok $GETPPID 0 0 0 0 0 2
	rule getppid SCMP_ACT_ERRNO '{args: [{index: 0, op: "SCMP_CMP_EQ", value: 1},
		{index: 0, op: "SCMP_CMP_EQ", value: 2}, {index: 1, op: "SCMP_CMP_EQ", value: 3}]}'
	call 0 'errno 1' $GETPPID 1
	call 0 'errno 1' $GETPPID 2
	call 0 'errno 1' $GETPPID 7 3
	call 0 ok $GETPPID 7 4
	# several rules for one call: the first whose conditions hold, or the one without
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["getppid"], action: "SCMP_ACT_ERRNO", errnoRet: 5, args: [{index: 0, op: "SCMP_CMP_LT", value: 5}]},
		{names: ["getppid"], action: "SCMP_ACT_ERRNO", errnoRet: 9, args: [{index: 0, op: "SCMP_CMP_LT", value: 9}]}]}'
	call 0 'errno 5' $GETPPID 4
	call 0 'errno 9' $GETPPID 8
	call 0 ok $GETPPID 9
}

@test "seccomp: architectures that the profile has, and those that it has not" {
	local allow='{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getppid"], action: "SCMP_ACT_ERRNO"}]'
	profile "$allow}"
	call 0 'errno 1' $GETPPID # the native one is always there
	call 159 '' -i 64
	call 159 '' $((0x40000000 + GETPPID))
	profile "$allow, architectures: [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]}"
	call 0 'errno 1' $GETPPID
	call 0 'errno 1' -i 64
	call 0 'errno 1' $((0x40000000 + GETPPID))
	call 0 'errno 38' $((0x40000000 + GETUID)) || is ok # allowed; the kernel may have no x32
	profile "$allow, architectures: [\"SCMP_ARCH_X86\"]}"
	call 0 'errno 1' $GETPPID
	call 0 'errno 1' -i 64
	call 0 ok -i 20
}

@test "seccomp: flags, without a list, and with an empty one" {
	flags() { # LIST WANTED
		profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getppid"], action: "SCMP_ACT_ERRNO"}]'"$1}"
		expect 0 caisson plan b
		[ "$(jq -r '.steps[] | select(.op == "seccomp") | .flags // ""' <<<"$output")" = "$2" ]
		call 0 'errno 1' $GETPPID
	}
	flags '' SECCOMP_FILTER_FLAG_SPEC_ALLOW
	flags ', flags: null' SECCOMP_FILTER_FLAG_SPEC_ALLOW
	flags ', flags: []' ''
	local flag
	for flag in TSYNC LOG SPEC_ALLOW; do
		flags ", flags: [\"SECCOMP_FILTER_FLAG_$flag\"]" SECCOMP_FILTER_FLAG_$flag
	done
	flags ', flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]' '' # of a listener, and there is none
	profile '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/agent", flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
		syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}'
	expect 0 caisson plan b
	jq -e '.steps[] | select(.op == "seccomp") | .notify and (.flags | contains("WAIT_KILLABLE_RECV"))' <<<"$output"
	# what runc says of them with --debug, which TSYNC adds nothing to
	profile '{defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"]}'
	expect 0 caisson --debug run -b b c
	says 'msg="seccomp filter flags: 2"'
	expect 0 caisson features
	jq -e '.linux.seccomp | (.knownFlags - .supportedFlags) == ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]' <<<"$output"
	profile '{defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]}'
	refused linux.seccomp.flags caisson run -b b c
}

@test "seccomp: a startContainer hook runs under the filter" {
	rule mkdir SCMP_ACT_ERRNO '{errnoRet: 95}'
	printf '#!/bin/sh\nmkdir /x 2>/said; :\n' >b/rootfs/hook
	chmod 755 b/rootfs/hook
	config b '.hooks.startContainer = [{path: "/hook"}]'
	call 0 ok $GETUID
	grep -q 'Operation not supported' b/rootfs/said
}

@test "seccomp: exec has the same filter, with and without no_new_privs" {
	local nnp
	rule getppid SCMP_ACT_ERRNO '{errnoRet: 95}'
	for nnp in true false; do
		config b ".process.noNewPrivileges = $nnp | .process.args = [\"sleep\", \"1000\"]"
		expect 0 caisson run -d -b b c
		expect 0 caisson exec c /calls $GETPPID
		is 'errno 95'
		expect 0 caisson exec --user 1000:1000 c /calls $GETUID
		is ok
		expect 0 caisson exec --user 1000:1000 c /calls $GETPPID
		is 'errno 95'
		# and so has what it starts
		expect 0 caisson exec c sh -c "/calls $GETPPID; :"
		is 'errno 95'
		expect 0 caisson delete --force c
	done
}

@test "seccomp: what may not be notified, and nobody to notify" {
	local call
	for call in write sendmsg; do
		profile '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/agent",
			syscalls: [{names: ["'$call'"], action: "SCMP_ACT_NOTIFY"}]}'
		refused "SCMP_ACT_NOTIFY cannot be used for the $call syscall" caisson run -b b c
	done
	profile '{defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/run/agent"}'
	refused 'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action' caisson run -b b c
	rule mkdir SCMP_ACT_NOTIFY
	refused 'linux.seccomp.listenerPath' caisson run -b b c
	profile '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/nowhere/agent"}'
	call 0 ok $GETUID # not needed, not asked
}

@test "seccomp: an agent that is named, but not asked, is told if it is there" {
	command -v python3 >/dev/null || skip "needs the program python3"
	profile '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'"$W"'/agent", listenerMetadata: "text"}'
	python3 - <<-'END' >told 3>&- &
		import array, json, os, socket
		s = socket.socket(socket.AF_UNIX)
		s.bind("agent")
		s.listen(1)
		s.settimeout(60)
		c = s.accept()[0]
		text, extra, _, _ = c.recvmsg(65536, 100)
		fds = array.array("i")
		for _, _, data in extra: fds.frombytes(data)
		m = json.loads(text)
		print(len(fds), os.readlink("/proc/self/fd/%d" % fds[0]), m["fds"], m["metadata"], m["state"]["status"], m["ociVersion"])
	END
	background+=($!)
	local agent=$!
	wait_for test -S agent
	call 0 ok $GETUID
	wait $agent
	[ "$(cat told)" = "1 anon_inode:seccomp notify ['seccompFd'] text creating 0.2.0" ]
}
