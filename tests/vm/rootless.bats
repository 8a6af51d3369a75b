#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # single-quoted scripts are the container's
# A user of the test machine (tester, who has a session of systemd with delegated
# controllers, and ranges in /etc/subuid) with the runtime under test: alone, and
# under podman.

bats_require_minimum_version 1.5.0

RUNTIME=/opt/caisson/caisson
export USER_HOME=/home/tester

# A command in the user's systemd session, in a group of its own below it, where what it
# leaves in the background stays.
as_tester() { # COMMAND...
	runuser -u tester -- env -i HOME=$USER_HOME USER=tester LANG=C.UTF-8 PATH="$PATH" \
		XDG_RUNTIME_DIR=/run/user/1000 \
		systemd-run --user --wait --pipe --collect -q -p WorkingDirectory=$USER_HOME -p KillMode=process \
		-E HOME -E USER -E PATH -E LANG -E XDG_RUNTIME_DIR -- "$@"
}

# One without: what a login outside of the session has, a group of root's.
outside() { # COMMAND...
	(cd $USER_HOME && runuser -u tester -- env -i HOME=$USER_HOME USER=tester PATH="$PATH" \
		XDG_RUNTIME_DIR=/run/user/1000 "$@")
}

podman() {
	as_tester timeout -k 5 300 podman --runtime caisson --cgroup-manager cgroupfs "$@"
}

run_podman() {
	podman run --network none "$@"
}

setup_file() {
	local conf=$USER_HOME/.config/containers/containers.conf
	install -d -o tester -g tester $USER_HOME/.config $USER_HOME/.config/containers
	printf '[engine]\nruntime_supports_nocgroup = ["crun", "caisson"]\n[engine.runtimes]\ncaisson = ["%s"]\n' \
		$RUNTIME >$conf
	podman load -q -i /var/lib/busybox.oci
	as_tester sh -c "mkdir -p b/rootfs && tar -C b/rootfs -xf /var/lib/busybox.tar && chmod 755 b b/rootfs"
}

setup() {
	rm -f $USER_HOME/b/config.json
	as_tester sh -c "cd b && $RUNTIME spec --rootless"
	config '.process.terminal = false'
}

teardown() {
	podman rm -a -f -t 0 >/dev/null 2>&1 || true
	as_tester $RUNTIME delete --force c >/dev/null 2>&1 || true
}

config() { # FILTER
	jq "$1" $USER_HOME/b/config.json >$USER_HOME/b/new
	mv $USER_HOME/b/new $USER_HOME/b/config.json
}

# --- alone -----------------------------------------------------------------------------

@test "a user in a session has limits, pause and exec, in a group of its own" {
	config '.process.args = ["sleep", "1000"] | .linux.resources.memory.limit = 67108864
		| .linux.resources.pids.limit = 20 | .linux.resources.cpu = {quota: 50000, period: 100000}'
	as_tester $RUNTIME run --detach --bundle b c
	group=/sys/fs/cgroup$(cut -d: -f3 "/proc/$(as_tester $RUNTIME state c | jq .pid)/cgroup")
	[[ $group == /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/c ]]
	[ "$(cat "$group/memory.max" "$group/pids.max" "$group/cpu.max")" = 67108864$'\n20\n50000 100000' ]
	run -0 as_tester $RUNTIME exec c id -u
	[ "$output" = 0 ]
	as_tester $RUNTIME pause c
	run -0 as_tester $RUNTIME state c
	[[ $output == *'"status": "paused"'* ]]
	as_tester $RUNTIME resume c
	as_tester $RUNTIME delete --force c
	[ ! -e "$group" ]
}

@test "a user outside of a session has none of that, and hears what forbids it" {
	config '.process.args = ["cat", "/proc/self/cgroup"]'
	run -0 outside $RUNTIME run --bundle b c
	config '.linux.resources.memory.limit = 67108864'
	run -1 outside $RUNTIME run --bundle b c
	[[ $output == *'linux.resources.memory.limit; there is no cgroup to set'*'systemd-run --user --scope'* ]]
	run -0 as_tester systemd-run --user --scope -q $RUNTIME run --bundle b c
}

@test "a controller that the session was not given is named" {
	config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 0}]'
	run -1 as_tester $RUNTIME run --bundle b c
	[[ $output == *'the hugetlb controller is not delegated to us in cgroup /user.slice'* ]]
}

@test "exec from outside of the session cannot join the container's group" {
	config '.process.args = ["sleep", "1000"]'
	as_tester $RUNTIME run --detach --bundle b c
	run -255 outside $RUNTIME exec c true
	[[ $output == *'clone3: permission denied'* ]]
	as_tester $RUNTIME delete --force c
}

@test "ranges of /etc/subuid are mapped by newuidmap" {
	config '.process.args = ["sh", "-c", "id; cat /proc/self/uid_map"]
		| .process.user = {uid: 5, gid: 6, additionalGids: [7]}
		| .linux.uidMappings += [{containerID: 1, hostID: 100000, size: 65536}]
		| .linux.gidMappings += [{containerID: 1, hostID: 100000, size: 65536}]'
	run -0 as_tester $RUNTIME run --bundle b c
	[[ $output == *'uid=5 gid=6 groups=7'*'1     100000      65536'* ]]
}

# --- podman ----------------------------------------------------------------------------

@test "rootless podman run --rm: output and exit status" {
	run -3 run_podman --rm busybox sh -c 'id -u; cat /proc/self/uid_map; exit 3'
	[[ $output == *'0       1000          1'*'1     100000      65536'* ]]
	run -127 run_podman --rm busybox nosuch
	[[ $output == *nosuch* ]]
}

@test "rootless podman run -d, exec, top, pause, stop, rm" {
	run_podman -d --name c busybox sh -c 'trap "exit 5" TERM; while :; do sleep 0.2; done'
	run -0 podman exec -u 1000 c id -u
	[ "$output" = 1000 ]
	run -0 podman top c
	[[ $output == *trap* ]]
	podman pause c
	[ "$(podman inspect -f '{{.State.Status}}' c)" = paused ]
	podman unpause c
	podman stop -t 60 c
	[ "$(podman inspect -f '{{.State.ExitCode}}' c)" = 5 ]
	podman rm c
}

@test "rootless podman --cgroups=disabled: run --rm, and -d, exec, stop, rm" {
	run -0 run_podman --rm --cgroups=disabled busybox id -u
	[ "$output" = 0 ]
	run_podman -d --cgroups=disabled --name c busybox sleep 10000
	run -0 podman exec c id -u
	[ "$output" = 0 ]
	podman stop -t 0 c
	podman rm c
}

@test "rootless podman: limits, the host's namespaces, keep-id" {
	run -0 run_podman --rm --memory 64m --pids-limit 33 busybox \
		cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
	[ "$output" = $'67108864\n33' ]
	run -0 podman run --rm --network host --pid host --ipc host busybox \
		sh -c 'tr "\0" " " </proc/1/cmdline; mkdir /sys/fs/cgroup/x 2>&1 || true'
	[[ $output == *init* || $output == *systemd* ]]
	[[ $output == *Read-only* ]]
	run -0 run_podman --rm --userns keep-id busybox id -u
	[ "$output" = 1000 ]
	# without a cgroup namespace the tree may be looked at only (CVE-2023-25809)
	run -1 run_podman --rm --cgroupns host busybox mkdir /sys/fs/cgroup/x
	[[ $output == *Read-only* ]]
}
