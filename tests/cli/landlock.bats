#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Landlock by annotation: what a rule does not allow is refused to the container's root,
# in the first process and in exec, and comes back by no right.

load helpers

# landlock DIR JSON: the annotation's value
landlock() {
	# shellcheck disable=SC2016 # $l is jq's
	config "$1" '.annotations["io.caisson.landlock"] = ($l | fromjson | tostring)' --arg l "$2"
}

# The ABI of this kernel, or a skip.
needs_abi() { # NUMBER
	local abi
	abi=$(python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')
	[ "$abi" -ge "$1" ] || skip "this kernel's Landlock has ABI $abi, not $1"
}

# What busybox needs to run, and a place to write to.
readonly RUNS='{ "allowedAccess": ["execute", "read_file", "read_dir"], "paths": ["/bin", "/lib", "/lib64", "/usr"] }'

@test "landlock: files, for root, in the first process and in exec" {
	needs_abi 1
	make_bundle b copy
	mkdir b/rootfs/open b/rootfs/shut
	echo secret >b/rootfs/shut/file
	config b '.process.args = ["sleep", "100"]'
	config b '.process.capabilities = {bounding: ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"], permitted: ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"], effective: ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"]}'
	landlock b '{ "rules": { "pathBeneath": ['"$RUNS"',
		{ "allowedAccess": ["read_file", "write_file", "make_reg", "read_dir", "truncate"], "paths": ["/open"] } ] } }'
	caisson run -d -b b web
	expect 0 caisson exec web sh -c 'echo hello >/open/file && cat /open/file'
	is hello
	expect 1 caisson exec web cat /shut/file
	says 'ermission denied'
	expect 1 caisson exec web sh -c 'echo x >/shut/new'
	says 'ermission denied'
	expect 1 caisson exec web rm /open/file
	says 'ermission denied'
	expect 1 caisson exec web mount -t tmpfs t /open
	says 'denied'
	caisson kill web KILL
	wait_for is_status web stopped
	caisson delete web

	script b 'cat /shut/file || echo refused; echo x >/open/y && echo written'
	expect 0 caisson run -b b web
	says refused
	says written
	# the same without the annotation: it was the wall that refused
	config b 'del(.annotations)'
	expect 0 caisson run -b b web
	says secret
}

@test "landlock: with new privileges allowed, a user of the container's own, and a user namespace" {
	needs_abi 1
	make_bundle b copy
	mkdir -m 755 b/rootfs/shut
	mkdir -m 700 b/rootfs/roots
	echo secret >b/rootfs/shut/file
	landlock b '{ "rules": { "pathBeneath": ['"$RUNS"', { "allowedAccess": ["read_file"], "paths": ["/roots", "/none"] }] } }'
	script b 'cat /shut/file'
	config b '.process.noNewPrivileges = false'
	expect 1 caisson run -b b web
	says 'ermission denied'
	config b '.process.user = {uid: 1000, gid: 1000}'
	expect 1 caisson run -b b web
	says 'ermission denied'
	config b 'del(.annotations)'
	expect 0 caisson run -b b web
	is secret
	landlock b '{ "rules": { "pathBeneath": ['"$RUNS"'] } }'
	config b '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 b/rootfs
	chmod 755 b b/rootfs
	expect 1 caisson run -b b web
	says 'ermission denied'
}

@test "landlock: TCP ports" {
	needs_abi 4
	make_bundle b
	landlock b '{ "ruleset": { "handledAccessNetwork": ["bind_tcp"] },
		"rules": { "networkPort": [{ "allowedAccess": ["bind_tcp"], "ports": [8080] }] } }'
	script b 'timeout 1 nc -l -p 8080; echo $?; timeout 1 nc -l -p 8081; echo $?'
	expect 0 caisson run -b b web
	says '143'
	says 'ermission denied'
	config b 'del(.annotations)'
	expect 0 caisson run -b b web
	not says 'ermission denied'
}

@test "landlock: scopes keep signals inside" {
	needs_abi 6
	make_bundle b
	config b '.process.args = ["sleep", "100"]'
	landlock b '{ "ruleset": { "scoped": ["signal", "abstract_unix_socket"] } }'
	caisson run -d -b b web
	# an exec is confined by itself: the first process is outside of what it may signal
	expect 1 caisson exec web kill -CONT 1
	says 'ermitted'
	expect 0 caisson exec web sh -c 'sleep 5 & kill $!'
	caisson kill web KILL
	wait_for is_status web stopped
	caisson delete web
	config b 'del(.annotations)'
	caisson run -d -b b web
	expect 0 caisson exec web kill -CONT 1
}

@test "landlock: the plan has it, and features tells it" {
	make_bundle b
	landlock b '{ "disableBestEffort": true, "ruleset": { "handledAccessFS": ["write_file"] },
		"rules": { "pathBeneath": [{ "allowedAccess": ["write_file"], "paths": ["/tmp", "/dev"] }] } }'
	expect 0 caisson plan b
	jq -e '.steps[] | select(.op == "landlock") | .files == ["write_file"] and .strict
		and .rules == [{ path: "/tmp", access: ["write_file"] }, { path: "/dev", access: ["write_file"] }]
		and .origin == "annotations[\"io.caisson.landlock\"]"' <<<"$output"
	expect 0 caisson features
	jq -e '.linux.landlock.enabled and .linux.landlock.annotation == "io.caisson.landlock"
		and (.linux.landlock.accessFS | length) == 16' <<<"$output"
}

@test "landlock: audit and explain tell it" {
	make_bundle b
	landlock b '{ "rules": { "pathBeneath": [{ "allowedAccess": ["read_file"], "paths": ["/etc"] }],
		"networkPort": [{ "allowedAccess": ["bind_tcp"], "ports": [80] }] }, "ruleset": { "scoped": ["signal"] } }'
	expect 0 caisson policy audit b
	says 'Landlock           16 accesses of files, 2 of ports, 1 scopes; 2 rules; best effort'
	expect 0 caisson policy explain b
	says $'Landlock (as far as the kernel knows it):\n  files, refused but for the rules: execute write_file '
	says $'    /etc: read_file\n  TCP ports, refused but for the rules: bind_tcp connect_tcp\n    80: bind_tcp\n  kept inside: signal'
	expect 0 caisson policy explain --format json b
	jq -e '.landlock.rules == [{ path: "/etc", access: ["read_file"] }, { port: 80, access: ["bind_tcp"] }]' <<<"$output"
	config b 'del(.annotations)'
	expect 0 caisson policy audit b
	says 'Landlock           none'
}

@test "landlock: strict, a path that is missing is an error; else it is none" {
	needs_abi 1
	make_bundle b
	script b 'echo runs'
	landlock b '{ "rules": { "pathBeneath": ['"$RUNS"', { "allowedAccess": ["read_file"], "paths": ["/no/such"] }] } }'
	expect 0 caisson run -b b web
	is runs
	landlock b '{ "disableBestEffort": true, "rules": { "pathBeneath": [{ "allowedAccess": ["read_file"], "paths": ["/bin", "/no/such"] }] } }'
	refused '/no/such' caisson run -b b web
}

@test "landlock: what is wrong with it is told with its place" {
	make_bundle b
	check() { # JSON TEXT
		landlock b "$1"
		expect 1 caisson plan b
		says "annotations[\"io.caisson.landlock\"]: $2"
		one_line
	}
	check '{}' 'restricts nothing'
	check '[]' 'line 1, column 1: must be an object'
	check '{ "ruleset": { "handledAccessFS": ["read"] } }' 'ruleset.handledAccessFS[0]: "read"'
	check '{ "ruleset": { "scoped": ["x"] } }' 'ruleset.scoped[0]: "x"'
	check '{ "ruleset": { "handledAccessFS": ["read_file"] }, "rules": { "pathBeneath": [{ "allowedAccess": ["write_file"], "paths": ["/"] }] } }' \
		'rules.pathBeneath[0].allowedAccess: allows what the ruleset does not handle'
	check '{ "rules": { "pathBeneath": [{ "allowedAccess": ["write_file"], "paths": ["tmp"] }] } }' \
		'rules.pathBeneath[0].paths[0]: "tmp": must be an absolute path'
	check '{ "rules": { "networkPort": [{ "allowedAccess": ["bind_tcp"], "ports": [65536] }] } }' \
		'rules.networkPort[0].ports[0]: 65536'
	check '{ "rules": { "pathBeneath": [{ "paths": ["/"] }] } }' 'rules.pathBeneath[0].allowedAccess: is required'
	config b '.annotations["io.caisson.landlock"] = "{"'
	expect 1 caisson plan b
	says 'annotations["io.caisson.landlock"]: '
}
