#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# linux.netDevices: devices of the host that move into the container. The "host" is a
# network namespace of the test's own, so that nobody else's devices are touched.

load helpers

# A host: HOST is a command prefix, dev0 a device of it (a pair with dev1).
make_host() {
	requires root
	requires ip
	requires nsenter
	unshare -n sleep 1000 3>&- &
	background+=($!)
	HOST="nsenter --net=/proc/$!/ns/net"
	HOST_NS=/proc/$!/ns/net
	wait_for has_own_network $!
	$HOST ip link set lo up
	$HOST ip link add dev0 type veth peer name dev1 2>/dev/null || skip "a kernel without veth"
}

has_own_network() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

on_host() {
	$HOST timeout --foreground 60 "$CAISSON" --root "$STATE" "$@"
}

host_ip() {
	$HOST ip "$@"
}

# The namespace NAME of a test: a path for config.json
make_namespace() {
	unshare -n sleep 1000 3>&- &
	background+=($!)
	wait_for has_own_network $!
	NS=/proc/$!/ns/net
	config b '(.linux.namespaces[] | select(.type == "network")).path = $p' --arg p "$NS"
}

net_devices() { # JSON
	config b '.linux.netDevices = ($d | fromjson)' --arg d "$1"
}

@test "a device moves, keeps MTU, hardware and global addresses, and is up" {
	make_host
	make_bundle b
	net_devices '{ "dev0": {} }'
	script b 'ip addr show dev dev0; ip -6 route show dev dev0'
	host_ip link set dev dev0 mtu 1389 address 00:11:22:33:44:55
	host_ip addr add 169.254.169.77/32 dev dev0
	host_ip addr add 10.1.2.3/24 broadcast 10.1.2.250 dev dev0
	host_ip addr add 10.1.2.4/24 dev dev0
	host_ip addr add 127.0.0.33 scope host dev dev0
	host_ip addr add 2001:db8::7/64 dev dev0
	expect 0 on_host run -b b c
	says 'mtu 1389 '
	says 'ether 00:11:22:33:44:55 '
	says 'inet 169.254.169.77/32 '
	says 'inet 10.1.2.3/24 brd 10.1.2.250 '
	says 'inet 10.1.2.4/24 '
	says 'inet6 2001:db8::7/64 scope global'
	[[ $output == *,UP* ]]
	[[ $output != *127.0.0.33* ]]
	[[ $output != *'10.1.2.4/24 brd'* ]]
}

@test "a device gets another name, one with a number, one that the host has as well" {
	make_host
	make_bundle b
	net_devices '{ "dev0": { "name": "ctr%d" }, "dev1": { "name": "dev0" } }'
	script b 'ls /sys/class/net | tr "\n" " "'
	expect 0 on_host run -b b c
	is 'ctr0 dev0 lo '
}

@test "a namespace that exists: what is there is not in the way, and the device stays there" {
	make_host
	make_bundle b
	make_namespace
	# its index there is taken
	local index
	index=$(host_ip -o link show dev dev0 | cut -d : -f 1)
	nsenter --net="$NS" ip link add taken index "$index" type ifb 2>/dev/null ||
		nsenter --net="$NS" ip link add taken index "$index" type veth
	net_devices '{ "dev0": { "name": "moved" } }'
	host_ip addr add 10.9.9.9/24 dev dev0
	script b 'ip -o addr show dev moved'
	expect 0 on_host run -b b c
	says 10.9.9.9/24
	expect 0 nsenter --net="$NS" ip -o addr show dev moved
	says 10.9.9.9/24
	not host_ip link show dev dev0 2>/dev/null
	# and it can be moved back, as an administrator would
	nsenter --net="$NS" ip link set dev moved netns "$(cut -d / -f 3 <<<"$HOST_NS")"
	host_ip link show dev moved >/dev/null
}

@test "hooks and an exec find the device" {
	make_host
	make_bundle b
	net_devices '{ "dev0": { "name": "inner" } }'
	config b '.hooks.createRuntime = [{ "path": "/bin/sh", "args": ["sh", "-c", $s] }] | .process.args = ["sleep", "1000"]' \
		--arg s "pid=\$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p'); nsenter -t \$pid -n ip -o link show dev inner >$W/seen"
	expect 0 on_host run -d -b b c
	grep -q inner seen
	expect 0 caisson exec c ip -o link show dev inner
}

@test "a launch that fails afterwards brings the devices back as they were" {
	make_host
	make_bundle b
	host_ip addr add 10.1.2.3/24 dev dev0
	host_ip addr add 127.0.0.33 scope host dev dev0
	host_ip link set dev dev0 up
	host_ip link set dev dev1 up
	local index
	index=$(host_ip -o link show dev dev0 | cut -d : -f 1)
	# the second one is not there; then a hook; then the program; then the record
	net_devices '{ "dev0": { "name": "inner" }, "nothing": {} }'
	expect 1 on_host run -b b c
	says 'linux.netDevices: nothing: rtnetlink: no such device'
	one_line
	is_back
	net_devices '{ "dev0": { "name": "inner" } }'
	config b '.hooks.createRuntime = [{ "path": "/bin/false" }]'
	expect 1 on_host run -b b c
	is_back
	config b 'del(.hooks) | .process.args = ["/nothing"]'
	expect 1 on_host run -b b c
	is_back
	script b true
	expect 1 on_host create -b b --pid-file /nowhere/pid c
	is_back
	nothing_left
}

is_back() {
	[ "$(host_ip -o link show dev dev0 | cut -d : -f 1)" = "$index" ]
	host_ip -o addr show dev dev0 | grep -q 10.1.2.3/24
	host_ip -o addr show dev dev0 | grep -q 127.0.0.33
	host_ip link show dev dev0 | grep -q ,UP
}

@test "what cannot be moved" {
	make_host
	make_bundle b
	net_devices '{ "nothing": {} }'
	expect 1 on_host run -b b c
	says 'linux.netDevices: nothing: rtnetlink: no such device'
	one_line
	net_devices '{ "lo": {} }'
	expect 1 on_host run -b b c
	says 'linux.netDevices: lo: rtnetlink: '
	one_line
	net_devices '{ "dev0": { "name": "lo" } }'
	expect 1 on_host run -b b c
	says 'linux.netDevices: dev0: rtnetlink: '
	one_line
	# the container's namespace is the host's
	net_devices '{ "dev0": {} }'
	config b '(.linux.namespaces[] | select(.type == "network")).path = $p' --arg p "$HOST_NS"
	expect 1 on_host run -b b c
	says 'the one that they are in'
	config b 'del(.linux.namespaces[] | select(.type == "network"))'
	expect 1 on_host run -b b c
	says 'linux.netDevices: unable to move network devices without a private NET namespace'
	host_ip link show dev dev0 >/dev/null
	nothing_left
}
