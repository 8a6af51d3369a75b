#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# What is to hold a container: who says so, who may not, and what a microVM refuses before
# anything exists.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# The machine's /etc, as a copy of our own in a mount namespace: administered FILE COMMAND...
administered() {
	cp -a "$1" "$W/admin.json"
	chown 0:0 "$W/admin.json"
	rm -rf "${W:?}/etc" "$W/etc.work"
	CONFIG=$W/admin.json unshare --mount --propagation private sh -euc '
		mkdir -p "$W/etc" "$W/etc.work"
		mount -t overlay -o "lowerdir=/etc,upperdir=$W/etc,workdir=$W/etc.work" none /etc
		mkdir -p /etc/caisson
		mount -t tmpfs none /boot
		cp "$CONFIG" /etc/caisson/config.json
		chmod 755 /etc/caisson; chmod 644 /etc/caisson/config.json
		[ -z "${SPOIL-}" ] || eval "$SPOIL"
		shift
		exec "$@"' sh "$@"
}

# Without the kernels of the host, so that what was chosen cannot start.
without_kernels() {
	[ "$1" != caisson ] || set -- "$CAISSON" --root "$STATE" "${@:2}"
	unshare --mount --propagation private sh -euc 'mount -t tmpfs none /boot; exec "$@"' sh "$@"
}

# chosen COMMAND...: a microVM was, whose guest has no kernel; nothing was made
chosen() {
	local before=$leak_before
	[ "$1" = administered ] || set -- without_kernels "$@"
	expect 1 "$@"
	says "a guest"
	one_line
	leak_before=$before
	nothing_left
}

export W CAISSON STATE

@test "the command line and the program's name ask for a microVM, and --isolation comes first" {
	make_bundle b
	chosen caisson run --isolation=vm -b b c
	chosen caisson create --isolation vm -b b c
	ln -s "$CAISSON" caisson-vm
	chosen ./caisson-vm --root "$STATE" run -b b c
	script b 'echo in a container'
	expect 0 ./caisson-vm --root "$STATE" run --isolation=container -b b c
	is "in a container"
	expect 1 caisson run --isolation=other -b b c
	says isolation
	expect 1 caisson run --kernel /boot/k -b b c
	says "--kernel: a container has no kernel of its own"
}

@test "the object vm of config.json asks for one; asked for a container, it is refused" {
	make_bundle b
	config b '.vm = { "kernel": { "path": "/boot/vmlinuz" } }'
	chosen caisson run -b b c
	expect 1 caisson run --isolation=container -b b c
	says "vm: describes a microVM"
	nothing_left
}

@test "an annotation chooses only where the administrator lets it" {
	make_bundle b
	script b 'echo in a container'
	config b '.annotations = { "io.caisson.isolation": "vm" }'
	expect 1 caisson run -b b c
	says "annotations.io.caisson.isolation: annotations may not choose"
	nothing_left
	echo '{ "annotations": true }' >allow.json
	chosen administered allow.json "$CAISSON" --root "$STATE" run -b b c
	echo '{ "isolation": "vm" }' >vm.json
	chosen administered vm.json "$CAISSON" --root "$STATE" run -b b c
	config b '.annotations = { "io.caisson.isolation": "container" }'
	expect 1 administered vm.json "$CAISSON" --root "$STATE" run -b b c
	says "annotations may not choose"
	expect 0 caisson run -b b c
	is "in a container"
}

@test "a profile is one of the administrator's, never a path" {
	make_bundle b
	echo '{ "annotations": true, "profiles": { "small": { "vcpus": 1 } } }' >allow.json
	config b '.annotations = { "io.caisson.isolation": "vm", "io.caisson.profile": "small" }'
	chosen administered allow.json "$CAISSON" --root "$STATE" run -b b c
	config b '.annotations["io.caisson.profile"] = "/boot/vmlinuz"'
	expect 1 administered allow.json "$CAISSON" --root "$STATE" run -b b c
	says "annotations.io.caisson.profile: the administrator has defined no such profile"
}

@test "a configuration that others may write, or that is wrong, is refused" {
	make_bundle b
	echo '{}' >empty.json
	export SPOIL
	SPOIL='chmod o+w /etc/caisson/config.json'
	expect 1 administered empty.json "$CAISSON" --root "$STATE" run -b b c
	says "/etc/caisson/config.json: must belong to root"
	SPOIL='chown 1000 /etc/caisson'
	expect 1 administered empty.json "$CAISSON" --root "$STATE" run -b b c
	says "/etc/caisson: must belong to root"
	SPOIL=
	echo '{ "isolaton": "vm" }' >wrong.json
	expect 1 administered wrong.json "$CAISSON" --root "$STATE" run -b b c
	says "/etc/caisson/config.json: isolaton: is not known"
	# the command line has said all there is to say
	expect 0 administered wrong.json "$CAISSON" --root "$STATE" run --isolation=container -b b c
}

@test "what a microVM cannot give is refused with its field, all of it" {
	make_bundle b
	config b '.linux.namespaces |= map(select(.type != "ipc")) |
		.mounts += [{ "destination": "/k", "source": "/dev/kvm", "options": ["bind"] }] |
		.linux.devices = [{ "path": "/dev/fuse", "type": "c", "major": 10, "minor": 229 }]'
	expect 1 caisson run --isolation=vm -b b c
	says "linux.namespaces: a microVM cannot share the host's ipc namespace; "
	says "linux.devices[0]: /dev/fuse"
	says ".source: /dev/kvm is the host kernel's"
	one_line
	[ ! -e "$STATE" ]
	nothing_left
}

@test "a microVM for a plain user is refused" {
	requires root
	requires setpriv
	make_bundle b
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 1000, "size": 1 }] | .linux.gidMappings = .linux.uidMappings'
	mkdir theirs
	chown 1000 theirs
	expect 1 setpriv --reuid 1000 --regid 1000 --clear-groups "$CAISSON" --root "$W/theirs" run --isolation=vm -b b c
	says "a microVM takes root"
	says "without a microVM"
	one_line
	[ -z "$(ls theirs)" ]
}

# The host's kernel would tell of the monitor's system calls instead.
@test "what looks at the process or its system calls refuses a microVM, a new one and one that runs" {
	make_bundle b
	refused "system calls in a microVM are the guest kernel's" caisson run --report --isolation=vm -b b c
	config b '.vm = { "kernel": { "path": "/boot/vmlinuz" } }'
	refused "microVM" caisson policy trace -o profile b
	refused "microVM" caisson policy why b
	config b 'del(.vm) | .process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	sed -i 's/"backend":"namespaces"/"backend":"vm"/' "$STATE/c/state.json"
	local command
	for command in 'trace -o profile' why; do
		# shellcheck disable=SC2086 # words
		expect 1 caisson policy $command --for 1 c
		says "container c: system calls in a microVM are the guest kernel's"
		one_line
	done
	[ ! -e profile ]
	# nor is the monitor what the config describes
	expect 2 caisson policy audit c
	says "container c: its process is the monitor of a microVM"
	one_line
	sed -i 's/"backend":"vm"/"backend":"namespaces"/' "$STATE/c/state.json"
	expect 0 caisson delete --force c
	nothing_left
}
