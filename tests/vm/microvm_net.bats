#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2034 # scripts are the container's; tests are subshells
# A microVM's network, under nested KVM: what is in the container's network namespace is in
# the guest. The other end of its interface is on a bridge, in a namespace of its own.

load ../cli/helpers

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
}

eval "clean_$(declare -f teardown)"
teardown() {
	local clean=0
	clean_teardown || clean=$?
	ip netns del "peer$$" 2>/dev/null || true
	ip netns del "pod$$" 2>/dev/null || true
	return $clean
}

MAC=02:11:22:33:44:55

make_peer() {
	ip netns add "peer$$"
	ip -n "peer$$" link add br0 type bridge
	ip -n "peer$$" link set br0 up
	ip -n "peer$$" addr add 10.88.0.1/24 dev br0
	ip -n "peer$$" addr add fd88::1/64 dev br0 nodad
	leak_before=$(leak_snapshot)
}

# eth0 of a namespace, with its other end on the bridge; what a network plugin would do.
cat_plug() { # NAMESPACE-OPTION...
	cat <<-END
		ip $* link add eth0 address $MAC mtu 1400 type veth peer name port mtu 1400 netns peer$$
		ip -n peer$$ link set port master br0
		ip -n peer$$ link set port up
		ip $* link set eth0 addrgenmode none
		ip $* link set eth0 up
		ip $* addr add 10.88.0.2/24 brd 10.88.0.255 dev eth0
		ip $* addr add fd88::2/64 dev eth0 nodad
		ip $* route add default via 10.88.0.1 metric 7
		ip $* route add 10.99.0.0/16 via 10.88.0.9 src 10.88.0.2
		ip $* -6 route add default via fd88::1
	END
}

make_pod() {
	make_peer
	ip netns add "pod$$"
	bash -ec "$(cat_plug -n "pod$$")"
	leak_before=$(leak_snapshot)
}

in_a_guest() {
	make_bundle b copy
	config b '.root.readonly = false | .process.capabilities |= map_values(. + ["CAP_NET_RAW"])'
	export LIMIT=240
}

join() { # NAMESPACE
	config b '(.linux.namespaces[] | select(.type == "network")).path = $p' --arg p "$1"
}

no_tap() {
	[ "$(ip -n "pod$$" -o link show | grep -c caisson)" = 0 ]
}

not_redirected() {
	[ -z "$(tc -n "pod$$" qdisc show dev eth0 ingress)" ]
}

# A server of the bridge's, of what is in www/
serve() {
	mkdir www
	head -c 3000000 /dev/urandom >www/big
	ip netns exec "peer$$" busybox httpd -f -p 10.88.0.1:8000 -h www >/dev/null 2>&1 3>&- &
	background+=($!)
}

@test "addresses, routes, MTU and hardware address are the interface's, and packets go both ways" {
	make_pod
	in_a_guest
	join "/run/netns/pod$$"
	serve
	script b 'ip -o link show eth0; ip -o addr show eth0; ip route; ip -6 route
		ping -c 1 -w 60 10.88.0.1 && echo pinged; ping -c 1 -w 60 fd88::1 && echo pinged6
		wget -qO- http://10.88.0.1:8000/big | md5sum
		nc -l -p 5000 >/got &
		until grep -q :1388 /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done
		echo ready >/ready; wait; md5sum </got'
	caisson run -d --isolation=vm -b b c >out 2>&1 3>&-
	# a large transfer into the guest, to a server of its own
	wait_for test -e b/rootfs/ready
	ip netns exec "peer$$" busybox ping -c 1 -w 60 10.88.0.2
	ip netns exec "peer$$" socat -u FILE:www/big TCP:10.88.0.2:5000
	wait_for is_status c stopped
	output=$(cat out)
	says "mtu 1400"
	says "link/ether $MAC"
	says "inet 10.88.0.2/24 brd 10.88.0.255"
	says "inet6 fd88::2/64"
	not says "fe80::"
	says "default via 10.88.0.1 dev eth0"
	says "metric 7"
	says "10.99.0.0/16 via 10.88.0.9 dev eth0"
	says "src 10.88.0.2"
	says "default via fd88::1 dev eth0"
	says pinged
	says pinged6
	[ "$(grep -c "^$(md5sum <www/big)" out)" = 2 ]
	expect 0 caisson delete c
	# the interface has kept what is its own, and nothing else is left at it
	no_tap
	not_redirected
	ip -n "pod$$" addr show eth0 | grep -q 10.88.0.2
	nothing_left

	# and the next microVM takes over where this one has ended
	script b 'ping -c 1 -w 60 10.88.0.1 && echo again'
	expect 0 caisson run --isolation=vm -b b c
	says again
	not_redirected
	nothing_left
}

@test "delete: of another microVM's network, or what somebody has made there, nothing is taken" {
	make_pod
	in_a_guest
	join "/run/netns/pod$$"
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d --isolation=vm -b b c
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	not not_redirected
	# by now it is somebody else's
	expect 0 caisson run -d --isolation=vm -b b d
	expect 0 caisson delete c
	not not_redirected
	ip netns exec "peer$$" busybox ping -c 1 -w 60 10.88.0.2
	expect 0 caisson delete --force d
	not_redirected
	tc -n "pod$$" qdisc add dev eth0 ingress
	config b 'del(.process.args) | .process.args = ["true"]'
	refused "eth0: its traffic is redirected already" caisson run --isolation=vm -b b c
	not not_redirected
	nothing_left
}

@test "an interface that a hook puts into the container's own namespace" {
	make_peer
	in_a_guest
	# the other end's namespace has a name that only the host's ip knows
	cat >hook <<-END
		set -e
		pid=\$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
		ip link add hook$$ type veth peer name port netns peer$$
		ip link set hook$$ netns \$pid name eth0
		ip -n peer$$ link set port master br0
		ip -n peer$$ link set port up
		nsenter -t \$pid -n ip link set eth0 up
		nsenter -t \$pid -n ip addr add 10.88.0.2/24 dev eth0
		nsenter -t \$pid -n ip route add default via 10.88.0.1
	END
	config b '.hooks.createRuntime = [{ path: "/bin/sh", args: ["sh", $h] }]' --arg h "$W/hook"
	script b 'cat /sys/class/net/eth0/mtu; ping -c 1 -w 60 10.88.0.1 && echo pinged'
	expect 0 caisson run --isolation=vm -b b c
	says 1500
	says pinged
	nothing_left
}

@test "interfaces that come between create and start" {
	make_peer
	in_a_guest
	script b 'ip -o link show eth0; ip -o addr; ip route; ip -6 route
		ping -c 1 -w 60 10.88.0.1 && echo pinged; ping -c 1 -w 60 fd88::1 && echo pinged6'
	caisson create --isolation=vm -b b c >out 2>&1 3>&-
	# as Docker does
	ip netns attach "pod$$" "$(caisson state c | jq .pid)"
	bash -ec "$(cat_plug -n "pod$$")"
	ip -n "pod$$" link add eth1 address 02:11:22:33:44:66 type veth peer name port1 netns "peer$$"
	ip -n "pod$$" link set eth1 addrgenmode none
	ip -n "pod$$" link set eth1 up
	ip -n "pod$$" addr add 10.77.0.2/24 dev eth1
	expect 0 caisson start c
	wait_for is_status c stopped
	output=$(cat out)
	says "mtu 1400"
	says "link/ether $MAC"
	says "inet 10.88.0.2/24 brd 10.88.0.255"
	says "inet6 fd88::2/64"
	says "inet 10.77.0.2/24"
	not says "fe80::"
	says "default via 10.88.0.1 dev eth0"
	says "10.99.0.0/16 via 10.88.0.9 dev eth0"
	says "default via fd88::1 dev eth0"
	says pinged
	says pinged6
	ip netns del "pod$$"
	expect 0 caisson delete c
	nothing_left
}

@test "an interface that comes late and cannot be carried ends the start" {
	in_a_guest
	script b 'echo never >/never'
	caisson create --isolation=vm -b b c >out 2>&1 3>&-
	ip netns attach "pod$$" "$(caisson state c | jq .pid)"
	ip -n "pod$$" link add eth0 type veth peer name other
	ip -n "pod$$" link set eth0 up
	tc -n "pod$$" qdisc add dev eth0 ingress
	expect 1 caisson start c
	says "eth0: its traffic is redirected already"
	one_line
	no_tap
	wait_for is_status c stopped
	ip netns del "pod$$"
	expect 0 caisson delete c
	[ ! -e b/rootfs/never ]
	nothing_left
}

@test "an interface that comes to those of a namespace that is joined" {
	make_pod
	in_a_guest
	join "/run/netns/pod$$"
	script b 'ip -o addr; ping -c 1 -w 60 10.88.0.1 && echo pinged'
	caisson create --isolation=vm -b b c >out 2>&1 3>&-
	ip -n "pod$$" link add eth1 type veth peer name port1 netns "peer$$"
	ip -n "pod$$" link set eth1 addrgenmode none
	ip -n "pod$$" link set eth1 up
	ip -n "pod$$" addr add 10.77.0.2/24 dev eth1
	expect 0 caisson start c
	wait_for is_status c stopped
	output=$(cat out)
	says "inet 10.88.0.2/24"
	says "inet 10.77.0.2/24"
	says pinged
	expect 0 caisson delete c
	no_tap
	not_redirected
	[ -z "$(tc -n "pod$$" qdisc show dev eth1 ingress)" ]
	nothing_left
}

@test "no interface: the guest has its loopback alone" {
	in_a_guest
	script b 'ls /sys/class/net'
	expect 0 caisson run --isolation=vm -b b c
	is lo
	nothing_left
}

@test "what cannot be carried is refused, and leaves no trace" {
	make_pod
	in_a_guest
	join /proc/1/ns/net
	refused "cannot share the host's network namespace" caisson run --isolation=vm -b b c
	join "/run/netns/pod$$"
	# somebody else's traffic control
	tc -n "pod$$" qdisc add dev eth0 ingress
	refused "eth0: its traffic is redirected already" caisson run --isolation=vm -b b c
	tc -n "pod$$" qdisc del dev eth0 ingress
	ip -n "pod$$" tuntap add point mode tun
	ip -n "pod$$" link set point up
	refused "point: a microVM can have Ethernet alone" caisson run --isolation=vm -b b c
	[ -z "$(tc -n "pod$$" qdisc show dev eth0 ingress)" ]
	no_tap
}
