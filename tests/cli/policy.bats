#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Profiles in words: policy explain and policy diff. They touch no container.

load helpers

# The profile that the tests below ask about.
make_profile() {
	cat >profile.json <<-'END'
		{
			"defaultAction": "SCMP_ACT_ERRNO",
			"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
			"syscalls": [
				{ "names": ["read", "write", "exit_group", "statx"], "action": "SCMP_ACT_ALLOW" },
				{ "names": ["mount", "not_a_call"], "action": "SCMP_ACT_ALLOW" },
				{ "names": ["ptrace"], "action": "SCMP_ACT_KILL_PROCESS" },
				{ "names": ["clone"], "action": "SCMP_ACT_ALLOW",
				  "args": [{ "index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }] }
			]
		}
	END
}

# --- explain -----------------------------------------------------------------------------

@test "policy explain: groups, counts and what is dangerous" {
	make_profile
	expect 0 caisson policy explain profile.json
	says 'what no rule names: refused with EPERM'
	says 'what is newer than the profile: refused with ENOSYS'
	says 'architectures: x86_64, x86'
	says '5 of '
	says ' system calls allowed, 1 by their arguments, 0 asked'
	says $'mounts and namespaces: 1 of 13 allowed\n  allowed:\n    mount\n'
	says '  mount: mounts filesystems, over masked and read-only paths too'
	not says '  ptrace: controls other processes'
	awk 'length > 80' <<<"$output" | grep -v ': ' | not grep .
}

@test "policy explain --syscall: the rules, the conditions and the result" {
	make_profile
	expect 0 caisson policy explain --syscall read profile.json
	is $'read (files and folders): allowed\n  syscalls[0]: allowed'
	expect 0 caisson policy explain --syscall clone profile.json
	says 'clone (processes and threads): by its arguments; otherwise refused with EPERM'
	says '  syscalls[3]: allowed if flags (argument 0) & 0x7e020000 == 0'
	expect 0 caisson policy explain --syscall ptrace profile.json
	says 'kills the process'
	says 'dangerous: controls other processes'
	expect 0 caisson policy explain --syscall chmod profile.json
	says 'chmod (files and folders): refused with EPERM'
	says 'no rule names it: this is the default action'
	expect 0 caisson policy explain --syscall io_uring_setup profile.json
	says 'refused with ENOSYS'
	says 'newer than every system call that the profile names'
	refused '"not_a_call": x86-64 has no such system call' \
		caisson policy explain --syscall not_a_call profile.json
}

@test "policy explain --format json: each system call once, with its verdict" {
	make_profile
	expect 0 caisson policy explain --format json profile.json
	jq -e '[.groups[].syscalls[]] as $all
		| ($all | length) > 350
		and ($all | map(.name) | unique | length) == ($all | length)
		and ([$all[] | select(.verdict == "allowed").name] | sort)
			== ["exit_group", "mount", "read", "statx", "write"]
		and (.counts.allowed == 5 and .counts.conditional == 1)
		and .default == { action: "SCMP_ACT_ERRNO", errno: 1 }
		and ($all[] | select(.name == "clone").rules[0].pointer) == "/syscalls/3"' <<<"$output"
	expect 0 caisson policy explain --format json --syscall ptrace profile.json
	jq -e '.verdict == "refused" and .action == "SCMP_ACT_KILL_PROCESS"
		and .group == "observation" and (.danger | length) > 0' <<<"$output"
}

@test "policy explain: a bundle, its config.json, and one without a profile" {
	make_bundle b
	expect 0 caisson policy explain b
	says 'no seccomp profile: every system call is allowed'
	says '  reboot: can restart the host'
	make_profile
	# shellcheck disable=SC2016 # $p is jq's
	config b '.linux.seccomp = $p[0]' --slurpfile p profile.json
	expect 0 caisson policy explain b
	echo "$output" >bundle.txt
	expect 0 caisson policy explain b/config.json
	diff bundle.txt - <<<"$output"
	expect 0 caisson policy explain profile.json
	diff bundle.txt - <<<"$output"
}

@test "policy explain: rules for some capabilities and architectures, as engines keep them" {
	cat >engine.json <<-'END'
		{
			"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
			"archMap": [
				{ "architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"] },
				{ "architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] }
			],
			"syscalls": [
				{ "names": ["read"], "action": "SCMP_ACT_ALLOW" },
				{ "names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": { "caps": ["CAP_SYS_ADMIN"] } },
				{ "names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": { "caps": ["CAP_SYS_CHROOT"] } }
			]
		}
	END
	expect 0 caisson policy explain engine.json
	says 'architectures: x86_64, x86, x32'
	says '2 of '
	expect 0 caisson policy explain -s ptrace engine.json
	says 'ptrace (looking into processes and the kernel): refused with EPERM'
}

@test "policy explain: what is no profile is refused with its place" {
	refused 'missing: no such file' caisson policy explain missing
	echo '{"defaultAction": "SCMP_ACT_NOPE"}' >bad.json
	refused 'bad.json: defaultAction: "SCMP_ACT_NOPE"' caisson policy explain bad.json
	echo '{"linux": {}}' >bad.json
	refused 'bad.json: neither a config.json, which has ociVersion, nor a seccomp profile, which has defaultAction' \
		caisson policy explain bad.json
	mkdir folder
	refused 'config.json not found (looked for folder/config.json;' caisson policy explain folder
	echo '[' >bad.json
	refused 'bad.json: ' caisson policy explain bad.json
	mkfifo fifo
	refused 'fifo' caisson policy explain fifo
}

# --- diff --------------------------------------------------------------------------------

@test "policy diff: what each allows beyond the other, and the exit status" {
	make_profile
	jq '.syscalls[0].names -= ["write"] | .syscalls[0].names += ["reboot"]
		| .syscalls[2].action = "SCMP_ACT_TRAP"
		| .syscalls[3].args[0].value = 268435456' profile.json >other.json
	expect 1 caisson policy diff profile.json other.json
	says $'other.json allows, and profile.json does not (or not always):\n  reboot: allowed; was: refused with EPERM\n'
	says $'profile.json allows, and other.json does not (or not always):\n  write: refused with EPERM; was: allowed\n'
	says $'answered otherwise:\n'
	says '  ptrace: sends SIGSYS; was: kills the process'
	says '  clone: allowed if flags (argument 0) & 0x10000000 == 0, refused with EPERM; was: allowed if flags (argument 0) & 0x7e020000 == 0'
	expect 1 caisson policy diff --format json profile.json other.json
	jq -e '(.allowedBySecond | map(.name)) == ["reboot"]
		and (.allowedByFirst | map(.name)) == ["write"]
		and (.otherwise | map(.name) | sort) == ["clone", "ptrace"]' <<<"$output"
}

@test "policy diff: written otherwise, but the same; and no profile" {
	make_profile
	jq '.syscalls |= [.[] | . as $r | $r.names[] | . as $n | $r + { names: [$n] }] | .syscalls |= reverse
		| .syscalls += [{ names: ["chmod"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }]' profile.json >same.json
	expect 0 caisson policy diff profile.json same.json
	is 'the same for every system call'
	make_bundle b
	expect 1 caisson policy diff profile.json b
	says '  reboot: allowed; was: refused with EPERM'
	expect 2 caisson policy diff profile.json missing
}
