#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are sh's
# caisson check without a bundle: a line for each thing, ok or no with the fix, true of the
# host that it runs on, and an exit status that tells whether containers start.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# Scripts of sh's call the program by its name.
export CAISSON

line() { # SUBJECT: its line of the last output
	grep -E "^(ok|no)  $1: " <<<"$output"
}

@test "each line says ok, or no and what to do" {
	expect 0 caisson check
	[ "$(tail -n 1 <<<"$output")" = "containers can be started here" ]
	local text
	while read -r text; do
		[[ $text =~ ^"ok  "[A-Za-z/].*": ". || $text =~ ^"no  "[A-Za-z/].*": ".*")"$ ]]
	done < <(head -n -1 <<<"$output")
	[[ $(line kernel) == "ok  kernel: $(uname -r)" ]]
	[[ $(line namespaces) == ok* ]]
	[ ! -e "$STATE" ]
	nothing_left
}

@test "the JSON says the same" {
	expect 0 caisson check
	caisson check --format json >host.json
	jq -r '.lines[] | (if .ok then "ok" else "no" end) + "  " + .subject + ": " + .text +
		(if .fix then " (\(.fix))" else "" end)' host.json >from-json
	diff <(head -n -1 <<<"$output") from-json
	jq -e '.starts and all(.lines[]; .ok or .for != "containers")' host.json
	jq -e '[.lines[].for] - ["containers", "limits", "microVMs", "options"] == []' host.json
}

@test "what says ok holds: a container starts; what the host lacks is said" {
	expect 0 caisson check
	make_bundle b
	expect 0 caisson run -b b c
	expect 0 unshare --user --map-root-user sh -c \
		'echo 0 >/proc/sys/user/max_user_namespaces && exec "$CAISSON" check'
	[[ $(line "user namespaces") == "no  user namespaces: "*"(raise the sysctl user.max_user_namespaces)" ]]
	expect 0 unshare --mount sh -c 'mount -t tmpfs none /proc/sys && exec "$CAISSON" check'
	[[ $(line seccomp) == "no  seccomp: "* ]]
}

@test "the exit status is 1 where no container can be started" {
	expect 1 unshare --mount sh -c 'umount -R /sys/fs/cgroup && exec "$CAISSON" check'
	[[ $(line "cgroup version 2") == "no  "*"(mount -t cgroup2 cgroup2 /sys/fs/cgroup)" ]]
	[ "$(tail -n 1 <<<"$output")" = "containers cannot be started here" ]
	unshare --mount sh -c 'umount -R /sys/fs/cgroup && "$CAISSON" check --format json' >host.json && return 1
	jq -e '.starts == false' host.json
}

@test "KVM, a kernel and its modules: there or not, and what to do" {
	expect 0 unshare --mount sh -c 'mount -t tmpfs none /dev && exec "$CAISSON" check'
	[[ $(line KVM) == "no  KVM: open /dev/kvm: no such file or directory (load kvm_intel or kvm_amd; "* ]]
	expect 0 unshare --mount sh -c 'mount -t tmpfs none /dev && touch /dev/kvm && exec setpriv \
		--reuid 1000 --regid 1000 --clear-groups "$CAISSON" check'
	[[ $(line KVM) == "no  KVM: open /dev/kvm: permission denied (let the user into the group kvm; "* ]]
	expect 0 unshare --mount sh -c 'mount -t tmpfs none /boot && exec "$CAISSON" check'
	[[ $(line "guest kernel") == "no  guest kernel: "*"(install a distribution"* ]]
	expect 0 unshare --mount sh -c 'mount -t tmpfs none /boot && echo >/boot/vmlinuz-9.9-none &&
		exec "$CAISSON" check'
	[[ $(line "guest kernel") == "ok  guest kernel: /boot/vmlinuz-9.9-none" ]]
	[[ $(line "guest modules") == "no  guest modules: /lib/modules/9.9-none/modules.dep "* ]]
}

@test "a microVM's network: the taps' device, and whether traffic can be redirected to them" {
	expect 0 unshare --mount sh -c 'mount -t tmpfs none /dev && exec "$CAISSON" check'
	[[ $(line "microVM's network") == "no  microVM's network: open /dev/net/tun: no such file or directory (load tun; "* ]]
	expect 0 unshare --mount sh -c 'mount -t tmpfs none /dev && mkdir /dev/net && touch /dev/net/tun &&
		exec "$CAISSON" check'
	[[ $(line "microVM's network") == "ok  microVM's network: "* ]]
	# whatever this kernel has, it is tried, and nothing stays
	[[ $(line "microVM's traffic") == "ok  "* || $(line "microVM's traffic") == "no  "*"(install the kernel's modules sch_ingress"* ]]
	[ -z "$(tc qdisc show dev lo ingress)" ]
	# who may make no namespace cannot try
	expect_any unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_net_namespaces && exec "$CAISSON" check'
	[[ $(line "microVM's traffic") == "no  microVM's traffic: make a network namespace: "* ]]
}

@test "a KVM that is too slow to boot a kernel is told from one that is not there" {
	[ -c /dev/kvm ] || skip "this machine has no /dev/kvm"
	expect 0 caisson check
	[[ $(line KVM) == "ok  KVM: "* ]]
	# which of the two depends on the machine; that it is told does not
	[[ $(line "KVM's speed") == "ok  "* || $(line "KVM's speed") == "no  "*"too slow"*"nested virtualization"* ]]
}

@test "a user is told what users need" {
	expect_any setpriv --reuid 1000 --regid 1000 --clear-groups "$CAISSON" check --format json
	jq -e '.lines[] | select(.subject == "user namespaces") | .for == "containers"' <<<"$output"
}
