#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # single-quoted scripts are the container's; tests are subshells
# The systemd driver with real controllers: limits as systemd and as the kernel see them, of
# root and of a user; the engines that drive it.

bats_require_minimum_version 1.5.0

RUNTIME=/opt/caisson/caisson
USER_HOME=/home/tester
USER_GROUP=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

outside() { # COMMAND...: of the user, in a group of root's
	(cd $USER_HOME && runuser -u tester -- env -i HOME=$USER_HOME USER=tester PATH="$PATH" LANG=C.UTF-8 \
		XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "$@")
}

as_tester() { # COMMAND...: of the user, in the session
	outside systemd-run --user --wait --pipe --collect -q -p WorkingDirectory=$USER_HOME -p KillMode=process \
		-E HOME -E USER -E PATH -E LANG -E XDG_RUNTIME_DIR -E DBUS_SESSION_BUS_ADDRESS -- "$@"
}

podman() {
	timeout -k 5 300 podman --runtime "$RUNTIME" --cgroup-manager systemd "$@"
}

rootless_podman() {
	as_tester timeout -k 5 300 podman --runtime "$RUNTIME" --cgroup-manager systemd "$@"
}

# The same with groups that podman names and caisson makes.
podman_of_files() {
	timeout -k 5 300 podman --runtime "$RUNTIME" --cgroup-manager cgroupfs "$@"
}

rootless_podman_of_files() {
	as_tester timeout -k 5 300 podman --runtime "$RUNTIME" --cgroup-manager cgroupfs "$@"
}

setup_file() {
	as_tester timeout 200 podman load -q -i /var/lib/busybox.oci
	as_tester sh -c "mkdir -p s/rootfs && tar -C s/rootfs -xf /var/lib/busybox.tar && chmod 755 s s/rootfs"
}

setup() {
	B=$BATS_TEST_TMPDIR/b
	mkdir -p "$B/rootfs"
	tar -C "$B/rootfs" -xf /var/lib/busybox.tar
	chmod 755 "$B/rootfs"
	(cd "$B" && $RUNTIME spec)
	config '.process.terminal = false | .linux.cgroupsPath = "vt-a.slice:vt:c"'
	UNIT=vt-c.scope
	GROUP=/sys/fs/cgroup/vt.slice/vt-a.slice/$UNIT
}

teardown() {
	$RUNTIME delete --force c >/dev/null 2>&1 || true
	as_tester $RUNTIME delete --force c >/dev/null 2>&1 || true
	podman rm -a -f -t 0 >/dev/null 2>&1 || true
	rootless_podman rm -a -f -t 0 >/dev/null 2>&1 || true
	# shellcheck disable=SC2046 # ids
	docker rm -f $(docker ps -aq) >/dev/null 2>&1 || true
}

config() { # FILTER
	jq "$1" "$B/config.json" >"$B/new"
	mv "$B/new" "$B/config.json"
}

wait_for() { # COMMAND...
	local n
	for ((n = 0; n < 120; n++)); do
		! "$@" >/dev/null 2>&1 3>&- || return 0
		sleep 0.5
	done
	echo "this never came true: $*"
	return 1
}

no_scope() { # PATTERN
	[ -z "$(systemctl list-units --all --plain --no-legend "$1")" ] &&
		[ -z "$(outside systemctl --user list-units --all --plain --no-legend "$1")" ] &&
		[ -z "$(find /sys/fs/cgroup -name "$1")" ]
}

shows() { # PROPERTY=VALUE...
	local property
	for property; do
		[ "$(systemctl show -p "${property%%=*}" "$UNIT")" = "$property" ] || {
			echo "expected $property, got $(systemctl show -p "${property%%=*}" "$UNIT")"
			return 1
		}
	done
}

says() { # FILE=TEXT...
	local file
	for file; do
		[ "$(cat "$GROUP/${file%%=*}")" = "${file#*=}" ] || {
			echo "expected $file, got $(cat "$GROUP/${file%%=*}")"
			return 1
		}
	done
}

# --- limits -----------------------------------------------------------------------------

@test "systemd and the kernel have the same limits, and a reload changes neither" {
	config '.process.args = ["sleep", "1000"] | .linux.resources = {memory: {limit: 67108864, reservation: 33554432, swap: 67108864},
		cpu: {shares: 512, quota: 33333, period: 100000, cpus: "0-1", mems: "0"}, pids: {limit: 50},
		hugepageLimits: [{pageSize: "2MB", limit: 4194304}], unified: {"memory.high": "50331648", "cgroup.max.depth": "3"}}'
	$RUNTIME --systemd-cgroup run -d -b "$B" c
	for again in daemon-reload daemon-reexec is-system-running; do
		shows MemoryMax=67108864 MemoryLow=33554432 MemorySwapMax=0 MemoryHigh=50331648 TasksMax=50 \
			CPUQuotaPerSecUSec=340ms CPUQuotaPeriodUSec=100ms 'AllowedCPUs=0-1' AllowedMemoryNodes=0 \
			CPUWeight="$(cat "$GROUP/cpu.weight")"
		says memory.max=67108864 memory.low=33554432 memory.swap.max=0 memory.high=50331648 pids.max=50 \
			'cpu.max=34000 100000' cpuset.cpus=0-1 hugetlb.2MB.max=4194304 cgroup.max.depth=3
		systemctl $again || true
	done
	$RUNTIME delete --force c
	wait_for no_scope 'vt-*.scope'
}

@test "update changes both, exactly; a value that the kernel refuses changes neither" {
	config '.process.args = ["sleep", "1000"] | .linux.resources = {memory: {limit: 67108864}}'
	$RUNTIME --systemd-cgroup run -d -b "$B" c
	$RUNTIME update --memory 33554432 --pids-limit 20 --cpu-quota 12345 --cpu-period 50000 --cpuset-cpus 1 c
	says memory.max=33554432 pids.max=20 'cpu.max=12500 50000' cpuset.cpus=1
	shows MemoryMax=33554432 TasksMax=20 CPUQuotaPerSecUSec=250ms CPUQuotaPeriodUSec=50ms AllowedCPUs=1
	systemctl daemon-reload
	says memory.max=33554432 pids.max=20 'cpu.max=12500 50000'
	run -1 $RUNTIME update --memory 16777216 --cpuset-cpus 999 c
	says memory.max=33554432 cpuset.cpus=1
	shows MemoryMax=33554432 AllowedCPUs=1
	$RUNTIME update --memory -1 --cpu-quota -1 c
	says memory.max=max 'cpu.max=max 50000'
	shows MemoryMax=infinity CPUQuotaPerSecUSec=infinity
}

@test "limits are felt: a hog is killed, a fork bomb stops" {
	config '.process.args = ["sh", "-c", "x=x; while :; do x=$x$x; done"] | .linux.resources.memory = {limit: 16777216, swap: 16777216}'
	run -137 $RUNTIME --systemd-cgroup run -b "$B" c
	wait_for no_scope 'vt-*.scope'
	config '.process.args = ["sh", "-c", "for n in 1 2 3 4 5 6 7 8 9; do sleep 30 & done; wait"] | .linux.resources = {pids: {limit: 4}}'
	run $RUNTIME --systemd-cgroup run -b "$B" c
	[[ $output == *fork* ]]
	wait_for no_scope 'vt-*.scope'
}

@test "I/O limits of a device" {
	local disk device
	truncate -s 16M "$BATS_TEST_TMPDIR/disk"
	disk=$(losetup -f --show "$BATS_TEST_TMPDIR/disk")
	device=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
	config '.process.args = ["sleep", "1000"] | .linux.resources.blockIO = {throttleReadBpsDevice: [{major: 7, minor: '"${device#*:}"', rate: 1048576}]}'
	$RUNTIME --systemd-cgroup run -d -b "$B" c
	[[ $(cat "$GROUP/io.max") == "$device rbps=1048576 "* ]]
	[[ $(systemctl show -P IOReadBandwidthMax "$UNIT") == *1048576* ]]
	$RUNTIME delete --force c
	losetup -d "$disk"
}

# --- a user ------------------------------------------------------------------------------

@test "a user's containers are in scopes of the user's systemd, from a session or outside" {
	for where in as_tester outside; do
		$where sh -c "cd s && rm -f config.json && $RUNTIME spec --rootless && sed -i 's/\"terminal\": true/\"terminal\": false/' config.json"
		jq '.process.args = ["sleep", "1000"] | .linux.cgroupsPath = "user.slice:vt:c"
			| .linux.resources = {memory: {limit: 33554432}, pids: {limit: 30}, cpu: {quota: 50000, period: 100000}}' \
			$USER_HOME/s/config.json >$USER_HOME/s/new
		mv $USER_HOME/s/new $USER_HOME/s/config.json
		$where $RUNTIME --systemd-cgroup run -d -b s c
		GROUP=$USER_GROUP/user.slice/vt-c.scope
		says memory.max=33554432 pids.max=30 'cpu.max=50000 100000'
		[ "$(wc -l <"$GROUP/cgroup.procs")" = 1 ]
		[ "$(outside systemctl --user show -P MemoryMax vt-c.scope)" = 33554432 ]
		outside systemctl --user daemon-reload
		$where $RUNTIME update --memory 16777216 c
		says memory.max=16777216 pids.max=30
		[ "$(outside systemctl --user show -P MemoryMax vt-c.scope)" = 16777216 ]
		$where $RUNTIME pause c
		$where $RUNTIME resume c
		run -0 as_tester $RUNTIME exec c cat /proc/self/cgroup
		[[ $output == *'0::/' ]]
		$where $RUNTIME delete --force c
		wait_for no_scope 'vt-*.scope'
	done
}

@test "a user whose systemd does not run hears so" {
	run -1 outside env XDG_RUNTIME_DIR=/nonexistent $RUNTIME --systemd-cgroup run -b s c
	[[ $output == *'there is no systemd that serves this user'* ]]
}

# --- podman ----------------------------------------------------------------------------------

engine_life() { # PODMAN
	run -0 "$1" run --rm --network none --memory 64m --pids-limit 99 --cpus 0.5 localhost/busybox \
		sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	[ "$output" = "$((64 << 20))"$'\n99\n50000 100000' ]
	"$1" run -d --name c --network none --memory 64m localhost/busybox sleep 10000
	run -0 "$1" exec c cat /proc/self/cgroup
	"$1" pause c
	"$1" unpause c
	"$1" update --memory 32m --cpus 0.25 c
	run -0 "$1" exec c sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max'
	[ "$output" = "$((32 << 20))"$'\n25000 100000' ]
	run -0 "$1" stats --no-stream --format '{{.MemUsage}}' c
	[[ $output == *33.55MB* ]]
	"$1" rm -f -t 0 c
	wait_for no_scope 'libpod-*.scope'
}

@test "podman of root: limits, exec, pause, update, stats, rm; no scope is left" {
	engine_life podman
}

@test "podman of a user: the same" {
	engine_life rootless_podman
}

@test "podman of root with cgroupfs: the same" {
	engine_life podman_of_files
}

@test "podman of a user with cgroupfs: the same" {
	engine_life rootless_podman_of_files
}

@test "podman --cgroups=split, where podman itself makes the group" {
	run -3 systemd-run --wait --pipe --collect -q -p Delegate=yes -- timeout 200 podman --runtime $RUNTIME \
		--cgroup-manager systemd run --rm --cgroups=split --network none localhost/busybox sh -c 'exit 3'
}

# --- containerd and docker -----------------------------------------------------------------

@test "containerd: ctr with systemd's cgroups" {
	run -3 timeout 200 ctr run --rm --runc-binary $RUNTIME --runc-systemd-cgroup --cgroup system.slice:ctr:vt1 \
		localhost/busybox vt1 sh -c 'cat /proc/self/cgroup; exit 3'
	timeout 200 ctr run -d --runc-binary $RUNTIME --runc-systemd-cgroup --cgroup system.slice:ctr:vt2 \
		localhost/busybox vt2 sleep 10000
	[ "$(systemctl is-active ctr-vt2.scope)" = active ]
	run -5 timeout 200 ctr task exec --exec-id e vt2 sh -c 'exit 5'
	ctr task metrics vt2 >/dev/null
	ctr task kill -s KILL vt2
	wait_for sh -c 'ctr task ls | grep vt2 | grep STOPPED'
	ctr task rm vt2 || true
	ctr container rm vt2
	wait_for no_scope 'ctr-*.scope'
}

@test "containerd's CRI with SystemdCgroup" {
	cp /etc/containerd/config.toml "$BATS_TEST_TMPDIR/"
	sed -i 's/SystemdCgroup = false/SystemdCgroup = true/' /etc/containerd/config.toml
	systemctl restart containerd
	run timeout -k 5 300 python3 "$BATS_TEST_DIRNAME/cri.py" \
		/run/containerd/containerd.sock localhost/busybox:latest "$BATS_TEST_TMPDIR" /caisson-pods.slice
	cp "$BATS_TEST_TMPDIR/config.toml" /etc/containerd/
	systemctl restart containerd
	echo "$output"
	[[ $output == *'pod is removed'* ]]
	wait_for no_scope 'cri-containerd-*.scope'
}

docker_life() {
	timeout 200 docker run -d --name dd --runtime caisson --network none --memory 64m busybox sleep 10000 &&
		[ "$(systemctl list-units --plain --no-legend 'docker-*.scope' | wc -l)" = 1 ] &&
		timeout 200 docker update --memory 32m --memory-swap 32m --cpus 0.5 dd &&
		[ "$(timeout 200 docker exec dd sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max')" = "$((32 << 20))"$'\n50000 100000' ] &&
		timeout 200 docker pause dd && timeout 200 docker unpause dd &&
		timeout 200 docker rm -f dd && wait_for no_scope 'docker-*.scope'
}

@test "docker with the systemd driver" {
	cp /etc/docker/daemon.json "$BATS_TEST_TMPDIR/"
	sed -i 's/cgroupdriver=cgroupfs/cgroupdriver=systemd/' /etc/docker/daemon.json
	systemctl restart docker
	result=0
	docker_life || result=$?
	cp "$BATS_TEST_TMPDIR/daemon.json" /etc/docker/
	systemctl restart docker
	return $result
}
