#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2317 # single-quoted scripts are the container's; wait_for calls
# Engines with the name caisson-vm for their runtime, under nested KVM: what they do with a
# container, its stdio, network, volumes and numbers, they do with a microVM.

load ../cli/helpers
load engines

setup_file() {
	[ -w /dev/kvm ] || skip_all "no /dev/kvm"
	"${CAISSON:-/opt/caisson/caisson}" vm prepare
	ln -sf caisson /opt/caisson/caisson-vm
}

RUNTIME=/opt/caisson/caisson-vm

podman() {
	timeout --foreground -k 5 300 podman --runtime "$RUNTIME" --cgroup-manager cgroupfs "$@"
}

ctr() {
	timeout --foreground -k 5 300 ctr "$@"
}

run_ctr() {
	ctr run --runtime io.containerd.runc.v2 --runc-binary "$RUNTIME" "$@"
}

eval "clean_$(declare -f teardown)"
teardown() {
	podman rm -a -f -t 0 >/dev/null 2>&1 || true
	podman volume rm -f "volume$$" >/dev/null 2>&1 || true
	clean_containerd
	clean_teardown
}

# The guest's kernel is the test machine's, so what tells them apart is what a boot makes.
boot_id=/proc/sys/kernel/random/boot_id

# --- podman ------------------------------------------------------------------------------

@test "podman run: output, exit status, and what is wrong with the program" {
	expect 3 podman run --rm --network none busybox sh -c "cat $boot_id; echo hello; exit 3"
	says hello
	not says "$(cat $boot_id)"
	expect 127 podman run --rm --network none busybox nosuch
	says nosuch
	expect 126 podman run --rm --network none busybox /etc/passwd
}

@test "podman run: a profile of the host's kernel is the monitor's, with all its threads" {
	grep -q Y /sys/module/apparmor/parameters/enabled || skip "no AppArmor"
	expect 0 podman run -d --name c --network none busybox sleep 1000
	local task pid profile
	pid=$(podman inspect -f '{{.State.Pid}}' c)
	profile=$(podman inspect -f '{{.AppArmorProfile}}' c)
	[[ $profile = containers-default* ]]
	for task in /proc/"$pid"/task/*; do
		[ "$(cat "$task/attr/apparmor/current")" = "$profile (enforce)" ]
	done
	expect 0 podman exec c true
	expect 0 podman rm -f -t 0 c
	expect 0 podman run --rm --security-opt apparmor=unconfined --network none busybox true
}

@test "a profile that is not loaded" {
	grep -q Y /sys/module/apparmor/parameters/enabled || skip "no AppArmor"
	make_bundle b copy
	config b '.process.apparmorProfile = "nosuch"'
	export LIMIT=240
	expect 1 caisson run --isolation=vm -b b c
	says "process.apparmorProfile: enter nosuch"
	says "the profile is not loaded"
	nothing_left
}

@test "podman run -it: a terminal" {
	expect 4 command script -qefc "podman --runtime $RUNTIME --cgroup-manager cgroupfs run --rm -it \
		--network none busybox sh -c 'tty; exit 4'" /dev/null
	says /dev/pts/0
}

@test "podman run -d, exec, logs, stats, pause, stop, start, rm" {
	expect 0 podman run -d --name c --network none busybox \
		sh -c 'trap "exit 5" TERM; echo started; while :; do sleep 0.2; done'
	logged() { podman logs c 2>&1 | grep -q started; }
	wait_for logged
	expect 6 podman exec -w /tmp -e A=b c sh -c 'echo "$PWD $A"; exit 6'
	is '/tmp b'
	expect 0 podman exec -u 1000 c id -u
	is 1000
	expect 0 command script -qefc "podman --runtime $RUNTIME --cgroup-manager cgroupfs exec -it c tty" /dev/null
	says /dev/pts/
	# the numbers of the host's group, with the monitor in it
	expect 0 podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c
	[[ $output =~ ^c\ [1-9][0-9]*\ [1-9].*MB\ / ]]
	expect 0 podman pause c
	[ "$(podman inspect -f '{{.State.Status}}' c)" = paused ]
	expect 0 podman unpause c
	expect 0 podman stop -t 120 c
	[ "$(podman inspect -f '{{.State.ExitCode}}' c)" = 5 ]
	expect 0 podman start c
	expect 0 podman exec c echo again
	is again
	expect 0 podman rm -f -t 0 c
}

@test "podman run with limits and without capabilities: they hold in the guest" {
	expect 0 podman run --rm --network none --memory 256m --pids-limit 99 --cpus 0.5 --cap-drop all \
		--security-opt no-new-privileges --user 1000:1000 busybox sh -c 'cd /sys/fs/cgroup
		cat memory.max pids.max cpu.max; grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; id -u'
	is "$((256 << 20))"$'\n99\n50000 100000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n1000'
}

@test "podman run --volume and --tmpfs: what the host has, a volume that stays, and memory" {
	mkdir bound
	echo "from the host" >bound/file
	expect 0 podman run --rm --network none -v "$W/bound:/bound:ro" -v "volume$$:/kept" --tmpfs /scratch \
		busybox sh -c 'cat /bound/file; touch /bound/new; touch /scratch/a && echo scratch; echo kept >/kept/f'
	says "from the host"
	says ead-only
	says scratch
	[ ! -e bound/new ]
	expect 0 podman run --rm --network none -v "volume$$:/kept" busybox cat /kept/f
	is kept
}

@test "podman run --read-only" {
	expect 0 podman run --rm --network none --read-only busybox sh -c 'touch /tmp/a /run/b && echo scratch; ! touch /c'
	says scratch
	says ead-only
}

@test "podman cp: with a container that does not run, both ways" {
	expect 0 podman create --name c --network none busybox \
		sh -c 'cat /in; echo out >/out'
	echo "from the host" >in
	expect 0 podman cp in c:/in
	expect 0 podman start -a c
	is "from the host"
	expect 0 podman cp c:/out .
	[ "$(cat out)" = out ]
}

@test "podman run in a bridge's network: an address, the way out, a published port" {
	expect 0 podman run --name c -d -p 8099:80 busybox sh -c '
		ip -o addr show eth0; ip route; mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www'
	served() { [ "$(busybox wget -T 5 -qO- http://127.0.0.1:8099/index.html)" = page ]; }
	wait_for served
	expect 0 podman logs c
	says "inet $(podman inspect -f '{{.NetworkSettings.IPAddress}}' c)/"
	says "default via"
	expect 0 podman rm -f -t 0 c
	nothing_left
}

# --- containerd -----------------------------------------------------------------------------

@test "ctr run --rm: output and exit status" {
	expect 3 run_ctr --rm localhost/busybox c1 sh -c "cat $boot_id; echo hello; exit 3"
	says hello
	not says "$(cat $boot_id)"
}

@test "ctr run -d, exec, pause, metrics, kill, rm" {
	expect 0 run_ctr -d localhost/busybox c2 sleep 10000
	expect 5 ctr task exec --exec-id e c2 sh -c 'echo inside; exit 5'
	says inside
	expect 0 ctr task pause c2
	expect 0 ctr task ls
	says PAUSED
	expect 0 ctr task resume c2
	# shims of the engine count the host's group
	expect 0 ctr task metrics c2
	says memory.usage
	expect 0 ctr task kill -s KILL c2
	stopped() { ctr task ls | grep c2 | grep -q STOPPED; }
	wait_for stopped
	ctr task rm c2 || true # its status is the task's: 137
	expect 0 ctr container rm c2
	expect 0 ctr task ls -q
	is ''
}

@test "ctr run -t: a terminal" {
	expect 0 command script -qefc "ctr run --runtime io.containerd.runc.v2 --runc-binary $RUNTIME -t --rm \
		localhost/busybox c3 tty" /dev/null
	says /dev/pts/0
}
