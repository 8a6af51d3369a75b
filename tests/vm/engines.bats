#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # single-quoted scripts are the container's
# The container engines with the runtime under test, in the test machine, where they
# are installed and configured (tests/vm/guest) and an image of busybox lies in each.

bats_require_minimum_version 1.5.0

load engines

RUNTIME=/opt/caisson/caisson

podman() {
	timeout -k 5 300 podman --runtime "$RUNTIME" --cgroup-manager "${MANAGER:-cgroupfs}" "$@"
}

run_podman() {
	podman run --network none "$@"
}

docker() {
	timeout -k 5 300 docker "$@"
}

run_docker() {
	docker run --runtime caisson --network none "$@"
}

ctr() {
	timeout -k 5 300 ctr "$@"
}

run_ctr() {
	ctr run --runc-binary "$RUNTIME" "$@"
}

teardown() {
	podman rm -a -f -t 0 >/dev/null 2>&1 || true
	clean_containerd
	# shellcheck disable=SC2046 # ids
	docker rm -f $(command docker ps -aq) >/dev/null 2>&1 || true
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

# --- podman --------------------------------------------------------------------------

@test "podman run --rm: output and exit status" {
	run -3 run_podman --rm busybox sh -c 'echo hello; exit 3'
	[ "$output" = hello ]
}

@test "podman run: a missing program is 127, one without permission 126" {
	run -127 run_podman --rm busybox nosuch
	[[ $output == *nosuch* ]]
	run -126 run_podman --rm busybox /etc/passwd
}

@test "podman run -it: a terminal" {
	run -4 script -qefc "podman --runtime $RUNTIME --cgroup-manager cgroupfs run --rm -it \
		--network none busybox sh -c 'tty; exit 4'" /dev/null
	[[ $output == *'/dev/pts/0'* ]]
}

@test "podman run -d, exec, logs, stop, rm" {
	run_podman -d --name c busybox sh -c 'trap "exit 5" TERM; echo started; while :; do sleep 0.2; done'
	wait_for sh -c 'podman logs c | grep started'
	run -0 podman exec c hostname
	run -6 podman exec -w /tmp -e A=b c sh -c 'echo "$PWD $A"; exit 6'
	[ "$output" = '/tmp b' ]
	run -0 podman exec -u 1000 c id -u
	[ "$output" = 1000 ]
	podman stop -t 20 c
	[ "$(podman inspect -f '{{.State.ExitCode}}' c)" = 5 ]
	podman rm c
}

@test "podman run with limits: they are in the container's cgroup" {
	run -0 run_podman --rm --memory 64m --pids-limit 99 --cpus 0.5 busybox \
		cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max
	[ "$output" = "$((64 << 20))"$'\n99\n50000 100000' ]
}

@test "podman pause, unpause, top" {
	run_podman -d --name c busybox sleep 10000
	podman pause c
	[ "$(podman inspect -f '{{.State.Status}}' c)" = paused ]
	podman unpause c
	run -0 podman top c
	[[ $output == *'sleep 10000'* ]]
	podman update --memory 32m c
	run -0 podman exec c cat /sys/fs/cgroup/memory.max
	[ "$output" = "$((32 << 20))" ]
	run -0 podman exec c echo alive
	[ "$output" = alive ]
	podman rm -f -t 0 c
}

@test "podman run --cap-drop --security-opt --user --tmpfs --volume" {
	mkdir -p "$BATS_TEST_TMPDIR/volume"
	echo from the host >"$BATS_TEST_TMPDIR/volume/file"
	run -0 run_podman --rm --cap-drop all --security-opt no-new-privileges \
		--user 1000:1000 --tmpfs /scratch -v "$BATS_TEST_TMPDIR/volume:/volume:ro" busybox \
		sh -c 'cat /volume/file; touch /scratch/a && echo scratch; ! touch /a && grep -E "CapEff|NoNewPrivs" /proc/self/status'
	[[ $output == *'from the host'* && $output == *scratch* ]]
	[[ $output =~ CapEff:[[:space:]]*0000000000000000 && $output =~ NoNewPrivs:[[:space:]]*1 ]]
}

@test "podman run --read-only, and --tmpfs over what the image has" {
	local mode
	mode=$(run_podman --rm busybox stat -c %a /tmp)
	run -0 run_podman --rm --read-only --tmpfs /etc busybox sh -c '
		touch /tmp/a /run/b /etc/c && grep ^root /etc/passwd && ! touch /c && stat -c %a /tmp'
	[[ $output == *root:x:0:0* && $output == *'Read-only file system'* ]]
	grep -qx "$mode" <<<"$output" # the two streams come by pipes of their own
}

@test "podman run --volume with id maps" {
	mkdir -p "$BATS_TEST_TMPDIR/volume"
	touch "$BATS_TEST_TMPDIR/volume/file"
	chmod 755 "$BATS_TEST_TMPDIR"
	run -0 run_podman --rm --uidmap 0:200000:65536 --gidmap 0:200000:65536 \
		-v "$BATS_TEST_TMPDIR/volume:/volume:idmap" busybox \
		sh -c 'stat -c %u:%g /volume/file; touch /volume/new; cat /proc/self/uid_map'
	[[ $output == 0:0* && $output == *200000* ]]
	[ "$(stat -c %u "$BATS_TEST_TMPDIR/volume/new")" = 0 ]
}

@test "podman run in a network of its own, made by netavark" {
	run -0 podman run --rm busybox ip -o addr show eth0
	[[ $output == *'inet '* ]]
}

# --- containerd ------------------------------------------------------------------------

@test "ctr run --rm: output and exit status" {
	run -3 run_ctr --rm localhost/busybox c1 sh -c 'echo hello; exit 3'
	[ "$output" = hello ]
}

@test "ctr run -d, exec, kill, rm" {
	run_ctr -d localhost/busybox c2 sleep 10000
	run -5 ctr task exec --exec-id e c2 sh -c 'echo inside; exit 5'
	[ "$output" = inside ]
	ctr task pause c2
	[[ $(ctr task ls | grep c2) == *PAUSED* ]]
	ctr task resume c2
	run -0 ctr task ps c2
	[ "$(wc -l <<<"$output")" = 2 ]
	ctr task metrics c2 >/dev/null
	ctr task kill -s KILL c2
	wait_for sh -c 'ctr task ls | grep c2 | grep STOPPED'
	ctr task rm c2 || true # its status is the task's: 137
	ctr container rm c2
	run ctr task ls -q
	[ "$output" = '' ]
}

@test "ctr run -t: a terminal" {
	run -0 script -qefc "ctr run --runc-binary $RUNTIME -t --rm localhost/busybox c3 tty" /dev/null
	[[ $output == *'/dev/pts/0'* ]]
}

# --- docker ------------------------------------------------------------------------------

@test "docker run --rm: output and exit status" {
	run -3 run_docker --rm busybox sh -c 'echo hello; exit 3'
	[ "$output" = hello ]
}

@test "docker run: a missing program is 127, one without permission 126" {
	run -127 run_docker --rm busybox nosuch
	run -126 run_docker --rm busybox /etc/passwd
}

@test "docker run -d, exec, top, pause, stop, rm" {
	run_docker -d --name dd --memory 64m busybox sh -c 'trap "exit 5" TERM; while :; do sleep 0.2; done'
	run -6 docker exec -w /tmp -e A=b dd sh -c 'echo "$PWD $A"; exit 6'
	[ "$output" = '/tmp b' ]
	run -0 docker exec dd cat /sys/fs/cgroup/memory.max
	[ "$output" = "$((64 << 20))" ]
	docker pause dd
	docker unpause dd
	docker update --memory 32m --memory-swap 32m --cpus 0.5 dd
	run -0 docker exec dd sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max'
	[ "$output" = "$((32 << 20))"$'\n50000 100000' ]
	run -0 docker top dd
	[[ $output == *sleep* ]]
	docker stop -t 20 dd
	[ "$(docker inspect -f '{{.State.ExitCode}}' dd)" = 5 ]
	docker rm dd
}

@test "docker run -t with a terminal, seccomp and AppArmor as docker sets them" {
	run -0 script -qefc "docker run --runtime caisson --rm -it --network none busybox \
		sh -c 'tty; grep Seccomp: /proc/self/status; cat /proc/self/attr/current'" /dev/null
	[[ $output == *'/dev/pts/0'* ]]
	[[ $output =~ Seccomp:[[:space:]]*2 ]]
	[[ $output == *'docker-default (enforce)'* ]]
}

# --- Kubernetes --------------------------------------------------------------------------

@test "a pod through containerd's CRI" {
	run -0 timeout -k 5 300 python3 "$BATS_TEST_DIRNAME/cri.py" \
		/run/containerd/containerd.sock localhost/busybox:latest "$BATS_TEST_TMPDIR"
	[[ $output == *'pod is removed'* ]]
	wait_for rmdir /sys/fs/cgroup/caisson-pods # the parent of all pods: a kubelet's to make and remove
}
