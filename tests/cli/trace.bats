#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# policy trace: the profile that it writes lets the workload run, and nothing more.

load helpers

# The kernel may be built without the tracepoints, or we may not use them.
setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

allowed() { # PROFILE: names, one a line
	jq -r '[.syscalls[].names[]] | unique[]' "$1"
}

use_profile() { # DIR PROFILE
	config "$1" '.linux.seccomp = $p[0]' --slurpfile p "$2"
}

@test "policy trace: the workload runs under its own profile, and does nothing else there" {
	make_bundle b
	script b 'echo hello; mkdir /tmp/a; ls /tmp | while read x; do echo "<$x>"; done; exit 3'
	expect 3 caisson policy trace -o p.json b
	says $'hello\n<a>'
	says 'the profile names '
	says ' ns longer meanwhile'
	allowed p.json >names
	grep -qx execve names && grep -qx mkdir names && grep -qx exit_group names
	# what init did is not in it
	not grep -qx -e mount -e pivot_root -e setresuid -e seccomp -e recvmsg names
	[ "$(wc -l <names)" -lt 60 ]

	use_profile b p.json
	expect 3 caisson run -b b c
	is $'hello\n<a>'
	script b 'chmod 700 /tmp && echo changed; rmdir /proc || echo refused'
	expect 0 caisson run -b b c
	says 'peration not permitted'
	not says changed
	expect 0 caisson policy explain --syscall chmod p.json
	says 'refused with EPERM'
}

@test "policy trace: children, and calls that a profile refuses" {
	make_bundle b
	script b '(sleep 0; chmod 700 /tmp) & wait; rmdir /tmp/none 2>/dev/null; true'
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["rmdir", "unlinkat"], action: "SCMP_ACT_ERRNO", errnoRet: 13}]}'
	expect 0 caisson policy trace -o p.json b
	allowed p.json >names
	grep -qx rmdir names && grep -Eqx 'chmod|fchmodat' names && grep -Eqx 'clone|fork|vfork' names
}

@test "policy trace: only the container's processes are seen" {
	make_bundle b
	# a neighbour that does what the container does not
	(while :; do mkdir -p "$W/n" && rmdir "$W/n"; done) 3>&- &
	background+=($!)
	script b 'sleep 1'
	expect 0 caisson policy trace -o p.json b
	allowed p.json >names
	grep -Eqx 'clock_nanosleep|nanosleep' names
	not grep -Eqx 'mkdir|rmdir|unlinkat' names
}

@test "policy trace --args: values instead of whole calls" {
	make_bundle b
	config b '.process.args = ["ping", "-c", "1", "127.0.0.1"] | .process.capabilities |= map_values(. + ["CAP_NET_RAW"])'
	expect 0 caisson policy trace --args -o p.json b
	jq -e '[.syscalls[] | select(.names == ["socket"])] | length > 0
		and all(.[]; .args[0].index == 0 and .args[0].op == "SCMP_CMP_MASKED_EQ" and .args[0].value == 4294967295)
		and any(.[]; .args[0].valueTwo == 2)' p.json
	jq -e '[.syscalls[] | select(has("args") | not).names[]] | index("socket") == null' p.json
	use_profile b p.json
	expect 0 caisson run -b b c
	expect 0 caisson policy explain --syscall socket p.json
	says 'if domain (argument 0) & 0xffffffff == 2'
}

@test "policy trace --merge: runs add up" {
	make_bundle b
	script b 'mkdir /tmp/a; true'
	expect 0 caisson policy trace --args -o one.json b
	script b 'chmod 700 /tmp; true'
	expect 0 caisson policy trace --args --merge one.json -o both.json b
	allowed both.json >names
	grep -qx mkdir names
	grep -Eqx 'chmod|fchmodat' names
	# the same again changes nothing
	expect 0 caisson policy trace --args --merge both.json -o again.json b
	expect 0 caisson policy diff both.json again.json
	# one without --args opens what was narrow
	expect 0 caisson policy explain --syscall clone both.json
	says 'by its arguments'
	expect 0 caisson policy trace --merge both.json -o open.json b
	expect 0 caisson policy explain --syscall clone open.json
	says 'clone (processes and threads): allowed'
	refused 'nowhere: there is neither a container nor a bundle of this name' caisson policy trace nowhere
	refused 'both.json: not a directory (a bundle is the folder with a config.json)' caisson policy trace --notify both.json
	expect 1 caisson policy trace --merge nowhere -o x.json b
	says 'nowhere: no such file'
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >loose.json
	expect 1 caisson policy trace --merge loose.json -o x.json b
	says 'loose.json: defaultAction: it allows what it does not name'
	[ ! -e x.json ]
}

@test "policy trace ID: a container that runs, for a time and until it ends" {
	make_bundle b
	script b 'while [ ! -e /tmp/stop ]; do mkdir -p /tmp/x; sleep 0.1; done; chmod 700 /tmp'
	caisson run -d -b b web
	expect 0 caisson policy trace --for 2 -o p.json web
	allowed p.json >names
	grep -Eqx 'clock_nanosleep|nanosleep' names
	not grep -Eqx 'chmod|fchmodat' names
	[ "$(status_of web)" = running ]
	"$CAISSON" --root "$STATE" policy trace -o end.json web >trace.out 2>&1 3>&- &
	local tracer=$!
	background+=("$tracer")
	# its last descriptor: by then it counts
	counts() { find "/proc/$tracer/fd" -lname '*signalfd*' | grep -q .; }
	wait_for counts
	caisson exec web touch /tmp/stop
	wait $tracer
	allowed end.json >names
	grep -Eqx 'chmod|fchmodat' names
	expect 1 caisson policy trace web
	says "container web is stopped (give its bundle, to run it once more: $W/b)"
}

@test "policy trace --notify: sees what the tracepoints see" {
	make_bundle b
	script b 'echo hello; mkdir /tmp/a; (rmdir /tmp/a); exit 3'
	expect 3 caisson policy trace --args -o seen.json b
	expect 3 caisson policy trace --args --notify -o asked.json b
	says hello
	says 'the workload waited for an answer at each of its calls'
	diff <(allowed seen.json) <(allowed asked.json)
	[ "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'caisson-trace.*' -newer seen.json)" = "" ]
	use_profile b asked.json
	expect 3 caisson run -b b c
	is hello
	# under a profile of its own, what that refuses is seen, too
	script b 'mkdir /tmp/a; rmdir /tmp/a; chmod 700 /tmp; true'
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"], syscalls: [
		{names: ["rmdir"], action: "SCMP_ACT_ERRNO", errnoRet: 95},
		{names: ["chmod", "fchmodat", "fchmodat2"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	expect 0 caisson policy trace --notify -o asked.json b
	says 'Operation not supported'
	says 'Function not implemented'
	allowed asked.json >names
	grep -qx mkdir names && grep -qx rmdir names && grep -Eqx 'chmod|fchmodat' names
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/nowhere", syscalls: [{names: ["rmdir"], action: "SCMP_ACT_NOTIFY"}]}'
	refused 'linux.seccomp: it asks an agent itself' caisson policy trace --notify -o x.json b
	[ ! -e x.json ]
}

@test "policy trace --notify: a start that fails, and a container that runs" {
	make_bundle b
	config b '.process.args = ["/no/such"]'
	refused 'no such file' caisson policy trace --notify -o x.json b
	config b '.process.args = ["sleep", "100"]'
	caisson run -d -b b web
	expect 1 caisson policy trace --notify -o x.json web
	says 'one that runs already is watched only by who has CAP_BPF'
	[ ! -e x.json ]
}

@test "policy trace: without rights over the host each call is asked about" {
	make_bundle b
	script b 'mkdir /tmp/a && echo made'
	expect 0 unshare -U -r "$CAISSON" --root "$STATE" policy trace -o p.json b
	says made
	says 'the workload waited for an answer at each of its calls'
	allowed p.json >names
	grep -qx mkdir names && grep -qx execve names
	script b 'mkdir /tmp/a; rmdir /tmp/a; true'
	config b '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["rmdir"], action: "SCMP_ACT_ERRNO", errnoRet: 95}, {names: ["mkdir"], action: "SCMP_ACT_KILL"}]}'
	expect 0 unshare -U -r "$CAISSON" --root "$STATE" policy why b
	says 'rmdir: errno 95, 1 time: seccomp: the rule refuses it (/linux/seccomp/syscalls/0)'
	says 'mkdir: SIGSYS, 1 time: seccomp: the rule refuses it (/linux/seccomp/syscalls/1)'
	nothing_left
}

# why_lines OPTION...: what policy why says of bundle b, but for where it begins
why_lines() {
	expect 0 caisson policy why "$@" b
	grep -E '^[a-z0-9_]+: [A-Z]' <<<"$output"
}

@test "policy why --notify: tells of each wall what the tracepoints tell" {
	make_bundle b
	script b 'exec 2>/dev/null; mkdir /new /new; hostname other; mount -t tmpfs t /tmp; (chroot /); mknod /tmp/n c 1 3
		for i in 1 2 3 4 5 6 7; do rmdir /d$i; done; echo x >/proc/sys/kernel/hostname; (sleep 0; rmdir /in/a/child) & wait'
	config b '.root.readonly = true | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["chroot"], action: "SCMP_ACT_ERRNO", errnoRet: 1}]}'
	why_lines >traced
	why_lines --notify >asked
	diff traced asked
	grep -q '^sethostname: EPERM, .* CAP_SYS_ADMIN' asked
	[ "$(grep -c '^rmdir: EROFS' asked)" = 6 ]
}

@test "policy why --notify: who is followed is stopped, continued and killed as ever" {
	make_bundle b
	script b 'exec 2>/dev/null; sh -c "trap \"echo handled\" USR1; kill -USR1 \$\$; exit 3"; echo $?
		sh -c "kill -9 \$\$"; echo $?; sleep 1000 & kill -STOP $!
		until grep -qi "^State:.t" /proc/$!/status; do :; done; kill -CONT $!; kill $!; wait $!; echo $?; mkdir /new; exit 4'
	config b '.root.readonly = true'
	expect 0 caisson policy why --notify --format json b
	sed '/^{/,$d' <<<"$output" >printed
	[ "$(cat printed)" = $'handled\n3\n137\n143' ]
	sed -n '/^{/,$p' <<<"$output" | jq -e '.status == 4 and any(.refused[]; .syscall == "mkdir" and .path == "/new" and .layer == "read-only")'
	nothing_left
}

# Runs a command whose ptrace(2) fails with EPERM.
without_ptrace() { # COMMAND...
	python3 - "$@" <<-'END'
		import ctypes, os, struct, sys
		# load the number; is it ptrace's?; EPERM; allow
		code = [(0x20, 0, 0, 0), (0x15, 0, 1, 101), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)]
		room = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
		program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(room)))
		if ctypes.CDLL(None).prctl(22, 2, program, 0, 0) != 0:
		    sys.exit("no filter")
		os.execv(sys.argv[1], sys.argv[1:])
	END
}

@test "policy why --notify: where following is forbidden, it says what it did not see" {
	command -v python3 >/dev/null || skip "needs the program python3"
	! sanitized || skip "LeakSanitizer wants ptrace"
	make_bundle b
	script b 'exec 2>/dev/null; mkdir /new; (chroot /); true'
	config b '.root.readonly = true | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["chroot"], action: "SCMP_ACT_ERRNO", errnoRet: 1}]}'
	expect 0 without_ptrace "$CAISSON" --root "$STATE" policy why --notify b
	says 'only what the seccomp profile refuses was seen: the rest takes CAP_BPF and CAP_PERFMON over the host, or ptrace'
	says 'chroot: EPERM, 1 time: seccomp: the rule refuses it'
	not says mkdir
}

# A program of i386: getpid, stat64 of "/"; if that works, it writes "32"; ends with 7.
program32() {
	base64 -d <<-'END'
		f0VMRgEBAQAAAAAAAAAAAAIAAwABAAAAVIAECDQAAAAAAAAAAAAAADQAIAABAAAAAAAAAAEAAAAAAAAAAIAECACABAiXAAAAABAAAAcAAAAAEAAA
		uBQAAADNgLjDAAAAu5WABAi5AI4ECM2AhcB1FrgEAAAAuwEAAAC5koAECLoDAAAAzYC4AQAAALsHAAAAzYAzMgovAA==
	END
}

@test "policy trace: calls of 32-bit programs, with their architecture" {
	local how status=0
	make_bundle b copy
	program32 >b/rootfs/p32
	chmod 755 b/rootfs/p32
	b/rootfs/p32 >/dev/null || status=$?
	[ $status = 7 ] || skip "this kernel runs no 32-bit programs"
	for how in '' --notify; do
		config b 'del(.linux.seccomp)'
		script b 'mkdir /tmp/a; /p32'
		# shellcheck disable=SC2086 # nothing, or one word
		expect 7 caisson policy trace $how --args -o p.json b
		says 'calls were those of 32-bit programs: the profile has their architecture, too'
		jq -e '.architectures == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]' p.json
		allowed p.json >names
		grep -qx stat64 names && grep -qx getpid names && grep -qx mkdir names
		not grep -qx rmdir names
		use_profile b p.json
		expect 7 caisson run -b b c
		is 32
		# one of its own calls less, and that is refused
		jq '.syscalls |= map(.names -= ["stat64"])' p.json >less.json
		use_profile b less.json
		expect 7 caisson run -b b c
		is ''
	done
	# and merging keeps them
	config b 'del(.linux.seccomp)'
	script b 'true'
	expect 0 caisson policy trace --merge p.json -o both.json b
	allowed both.json | grep -qx stat64
	jq -e '.architectures[1] == "SCMP_ARCH_X86"' both.json
}

@test "policy trace -o: a device is written to, and stays what it is" {
	make_bundle b
	script b true
	mknod null c 1 3
	expect 0 caisson policy trace -o "$W/null" b
	[ -c null ]
	caisson policy trace -o /proc/self/fd/1 b >profile 2>/dev/null
	jq -e .defaultAction profile
}
