#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2034 # scripts are the container's; tests are subshells
# A user namespace in a microVM, under nested KVM: what its container sees of ids, and what the
# host sees of its files, is what it is without a microVM.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
}

FIRST=100000 # id 0 of the container

# A bundle whose container has a user namespace, and a rootfs that is its root's.
in_a_namespace() {
	make_bundle b copy
	chown -hR $FIRST:$FIRST b/rootfs
	config b '.root.readonly = false
		| .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: $first, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings
		| .process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_DAC_OVERRIDE",
			"CAP_SETUID", "CAP_SETGID", "CAP_MKNOD", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"])' \
		--argjson first $FIRST
	export LIMIT=240
}

@test "ids: the guest has those of the map, and the host's files belong to what they stand for" {
	in_a_namespace
	mkdir volume
	install -m 600 -o $((FIRST + 7)) -g $((FIRST + 8)) /dev/null volume/theirs
	install -m 644 /dev/null volume/hosts
	install -m 600 /dev/null volume/closed
	config b '.mounts += [{destination: "/volume", source: $v, options: ["bind"]}]' --arg v "$W/volume"
	chown $FIRST:$FIRST volume
	script b 'id -u; id -g; cat /proc/self/uid_map | tr -s " "
		stat -c "%n %u:%g" /bin /volume/*
		echo one >/root-file; mkdir /folder; mkfifo /fifo; ln -s x /link
		chown 7:8 /root-file; chmod 4755 /root-file
		chown 0:9 /volume/theirs
		chown 0 /volume/hosts 2>&1; cat /volume/closed 2>&1; : >/volume/made
		chown 70000 /folder 2>&1; mknod /node c 1 3 2>&1
		chmod 1777 /tmp; su -s /bin/sh daemon -c "id -u; echo x >/tmp/daemon-file" 2>&1
		stat -c "%n %u:%g %a" /root-file /tmp/daemon-file /volume/theirs'
	# /tmp shall be the rootfs's
	config b 'del(.mounts[] | select(.destination == "/tmp"))'
	run_it() { caisson run "$@" -b b c; }
	expect 0 run_it --isolation=vm
	in_vm=$output
	files() { # of both places, as the host sees them
		(cd b/rootfs && stat -c '%n %u:%g %a %F' root-file folder fifo link tmp/daemon-file)
		stat -c '%n %u:%g %a' volume/*
	}
	files >vm.files
	cat vm.files
	grep -q "^root-file $((FIRST + 7)):$((FIRST + 8)) 4755" vm.files
	grep -q "^tmp/daemon-file $((FIRST + 1)):$((FIRST + 1))" vm.files
	grep -q "^volume/made $FIRST:$FIRST" vm.files
	grep -q "^volume/hosts 0:0" vm.files
	# and all of it is the same without a microVM
	(cd b/rootfs && rm -r root-file folder fifo link tmp/daemon-file ../../volume/made)
	chown $((FIRST + 7)):$((FIRST + 8)) volume/theirs
	expect 0 run_it
	files >own.files
	is "$in_vm"
	diff own.files vm.files
	nothing_left
}

# The network that a plugin has made, in a namespace of its own: eth0, with its other end on a
# bridge in another one.
make_pod() {
	ip netns add "peer$$"
	ip netns add "pod$$"
	ip -n "pod$$" link add eth0 mtu 1400 type veth peer name port netns "peer$$"
	ip -n "peer$$" link set port up
	ip -n "peer$$" addr add 10.88.0.1/24 dev port
	ip -n "peer$$" addr add fd88::1/64 dev port nodad
	ip -n "pod$$" link set eth0 addrgenmode none
	ip -n "pod$$" link set eth0 up
	ip -n "pod$$" addr add 10.88.0.2/24 brd 10.88.0.255 dev eth0
	ip -n "pod$$" addr add fd88::2/64 dev eth0 nodad
	ip -n "pod$$" route add default via 10.88.0.1 metric 7
	ip -n "pod$$" -6 route add default via fd88::1
	leak_before=$(leak_snapshot)
}

eval "clean_$(declare -f teardown)"
teardown() {
	local clean=0
	clean_teardown || clean=$?
	ip netns del "peer$$" 2>/dev/null || true
	ip netns del "pod$$" 2>/dev/null || true
	return $clean
}

@test "the network belongs to the user namespace: sysctls, sysfs and its root's rights over it" {
	make_pod
	in_a_namespace
	config b '(.linux.namespaces[] | select(.type == "network")).path = $p
		| .linux.sysctl = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.eth0.forwarding": "0", "net.core.somaxconn": "77"}' \
		--arg p "/run/netns/pod$$"
	script b 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/eth0/forwarding /proc/sys/net/core/somaxconn
		ls /sys/class/net; grep " /sys " /proc/self/mounts
		ip -o addr show dev lo; ip -o link show eth0; ip -o addr show eth0; ip route; ip -6 route
		ping -c 1 -w 60 10.88.0.1 && echo pinged; ping -c 1 -w 60 fd88::1 && echo pinged6
		ip addr add 10.77.0.1/24 dev eth0 && echo mine'
	expect 0 caisson run --isolation=vm -b b c
	says $'1\n0\n77\neth0\nlo\nsysfs /sys sysfs'
	says "inet 127.0.0.1/8"
	says "mtu 1400"
	says "inet 10.88.0.2/24 brd 10.88.0.255"
	says "inet6 fd88::2/64"
	not says "fe80::"
	says "default via 10.88.0.1 dev eth0"
	says "default via fd88::1 dev eth0"
	says pinged
	says pinged6
	says mine
	nothing_left
}
