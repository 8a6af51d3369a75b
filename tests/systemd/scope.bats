#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # single-quoted scripts are the container's
# The systemd driver at work: a container's life in a scope, and what stays whatever systemd
# does. Limits, which need controllers, are in tests/vm/scope.bats.

load helpers

sleeping() { # [JQ FILTER]
	bundle b '.process.args = ["sleep", "1000"]'
	[ $# = 0 ] || config b "$1"
	expect 0 scoped run -d -b b c
}

# --- a life ----------------------------------------------------------------------------

@test "run: the process is in its scope, which is gone with it" {
	bundle b
	script b 'cat /proc/self/cgroup; exit 7'
	expect 7 scoped run -b b c
	says '0::/' # its cgroup namespace begins there
	[[ $output != *caisson* ]]
	gone
}

@test "create, start, exec, kill, delete: all processes are in the scope, and the unit knows them" {
	bundle b '.process.args = ["sleep", "1000"]'
	expect 0 scoped create -b b c
	[ "$(cat "$GROUP/cgroup.procs")" = "$(pid_of c)" ]
	shows ActiveState active
	shows Slice "$SLICE"
	shows Description 'caisson container c'
	shows Delegate yes
	shows CollectMode inactive-or-failed
	shows ControlGroup "/caisson.slice/$SLICE/$UNIT"
	# engines do not always repeat the option
	expect 0 caisson start c
	caisson exec -d c sleep 1000
	wait_for test "$(wc -l <"$GROUP/cgroup.procs")" = 2
	expect 0 caisson pause c
	is_status c paused
	expect 0 caisson resume c
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 0 caisson delete c
	gone
}

@test "delete --force ends what runs, and groups that it made in its scope" {
	bundle b '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]}]'
	config b 'del(.mounts[] | select(.destination == "/sys"))'
	script b 'mkdir -p /sys/fs/cgroup/a/b && echo $$ >/sys/fs/cgroup/a/b/cgroup.procs && exec sleep 1000'
	expect 0 scoped run -d -b b c
	wait_for test -e "$GROUP/a/b"
	expect 0 caisson delete --force c
	gone
}

@test "a container whose unit is stopped has stopped" {
	# the first process of a pid namespace takes no notice of SIGTERM
	sleeping '.annotations = {"org.systemd.property.TimeoutStopUSec": "uint64 100000"}'
	systemctl stop "$UNIT"
	wait_for is_status c stopped
	expect 0 caisson delete c
	gone
}

@test "in a user namespace, of two stages" {
	bundle b '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	script b 'cat /proc/self/cgroup; id -u; exec sleep 1000'
	expect 0 scoped create -b b c
	[ "$(cat "$GROUP/cgroup.procs")" = "$(pid_of c)" ]
	expect 0 caisson delete --force c
	script b 'cat /proc/self/cgroup; id -u'
	expect 0 scoped run -b b c
	says '0::/'
	gone
}

@test "without a cgroup namespace the container sees its scope read-only" {
	bundle b 'del(.linux.namespaces[] | select(.type == "cgroup"))'
	config b '.mounts |= map(select(.destination != "/sys/fs/cgroup"))
		+ [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]}]'
	script b 'cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.events; mkdir /sys/fs/cgroup/x || true'
	expect 0 scoped run -b b c
	says "$SLICE/$UNIT"
	says 'populated 1'
	says 'Read-only file system'
	gone
}

@test "hooks of create find the process in its scope" {
	bundle b
	printf '#!/bin/sh\njq -r .pid | xargs -I{} cat /proc/{}/cgroup >%s/seen\n' "$W" >hook
	chmod 755 hook
	config b '.hooks.createRuntime = [{"path": $h}]' --arg h "$W/hook"
	expect 0 scoped run -b b c
	grep -qF "$SLICE/$UNIT" seen
	gone
}

@test "without a place of its own it gets one by its id" {
	bundle b 'del(.linux.cgroupsPath) | .process.args = ["sleep", "1000"]'
	expect 0 scoped run -d -b b "$WORD+x"
	[ -n "$(pid_of "$WORD+x")" ]
	grep -q "/system.slice/caisson-$WORD.x2bx.scope" "/proc/$(pid_of "$WORD+x")/cgroup"
	expect 0 caisson delete --force "$WORD+x"
	nothing_left
}

@test "one call is all that systemd is asked, and nothing at the end" {
	requires strace
	bundle b
	expect 0 strace -f -o trace -e trace=connect,sendto "$CAISSON" --root "$STATE" --systemd-cgroup run -b b c
	[ "$(grep -c '"l\\1' trace)" = 1 ]
	[ "$(grep -c 'AUTH EXTERNAL' trace)" = 1 ]
	gone
}

# --- what stays, whatever systemd does -----------------------------------------------------

@test "device rules hold across daemon-reload and daemon-reexec" {
	bundle b '.process.capabilities |= map_values(. + ["CAP_MKNOD", "CAP_SYSLOG"])'
	script b 'cd /dev; mknod x c 1 11; while :; do
			if head -c 0 x 2>/dev/null; then echo open; else echo refused; fi >>/dev/shm/log
			head -c 1 zero >/dev/null && echo fine >>/dev/shm/log; sleep 0.1; done'
	config b '.mounts |= map(select(.destination != "/dev/shm")) + [{"destination": "/dev/shm", "type": "bind", "source": $d, "options": ["bind", "rw"]}]' --arg d "$W/seen"
	mkdir seen
	expect 0 scoped run -d -b b c
	wait_for grep -q fine seen/log
	for command in daemon-reload daemon-reexec; do
		systemctl $command
		wait_for systemctl show-environment
		before=$(wc -l <seen/log)
		more_than() { [ "$(wc -l <seen/log)" -gt $((before + $1)) ]; }
		wait_for more_than 4
		tail -n +$((before + 1)) seen/log | grep -q fine
		[ "$(grep -c open seen/log)" = 0 ]
	done
	shows NeedDaemonReload no
	expect 0 caisson delete --force c
	gone
}

@test "a unit of that name that has failed is cleared, one with processes left alone" {
	bundle b '.process.args = ["sleep", "1000"]'
	systemd-run -q --scope --unit="$UNIT" --slice="$SLICE" -p RuntimeMaxSec=1 sleep 1000 >out 2>&1 </dev/null 3>&- || true
	wait_for shows ActiveState failed
	expect 0 scoped run -d -b b c
	shows ActiveState active
	expect 1 scoped run -b b d
	says "container's cgroup is not empty"
	says UnitExists
	one_line
	is_status c running
	expect 0 caisson delete --force c
	gone
}

@test "a group that is frozen is refused: nobody would come out of it" {
	bundle b
	mkdir -p "$GROUP"
	echo 1 >"$GROUP/cgroup.freeze"
	expect 1 timeout 20 "$CAISSON" --root "$STATE" --systemd-cgroup run -b b c
	says "container's cgroup unexpectedly frozen"
	echo 0 >"$GROUP/cgroup.freeze"
	expect 0 scoped run -b b c
	gone
}

@test "a unit that its time limit has ended says so until the container is deleted" {
	bundle b '.annotations = {"org.systemd.property.RuntimeMaxSec": "1", "org.systemd.property.TimeoutStopSec": "1"}
		| .process.args = ["sleep", "1000"]'
	expect 0 scoped run -d -b b c
	wait_for is_status c stopped
	wait_for shows ActiveState failed
	shows Result timeout
	expect 0 caisson delete c
	gone
	# in the foreground it is deleted at once, and told by the status
	expect 137 scoped run -b b c
	gone
}

@test "systemd as the container's own init makes groups in its scope, and the host's leaves them alone" {
	mkdir layers root units
	mount -t tmpfs tmpfs layers
	mkdir layers/upper layers/work
	mount -t overlay overlay -o lowerdir=/,upperdir=layers/upper,workdir=layers/work root
	printf '[Unit]\nDefaultDependencies=no\n' >units/inner.target
	bundle b '.root = {path: $r} | .process.args = ["/lib/systemd/systemd", "--unit=inner.target"]
		| .process.env += ["container=oci"]
		| .process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID"])
		| .mounts += [{destination: "/run", type: "tmpfs", source: "tmpfs", options: ["mode=755"]},
			{destination: "/run/lock", type: "tmpfs", source: "tmpfs"},
			{destination: "/usr/lib/systemd/system", type: "tmpfs", source: "tmpfs", options: ["ro"]},
			{destination: "/etc/systemd/system", type: "bind", source: $u, options: ["bind", "ro"]}]
		| .mounts |= map(if .type == "cgroup" then .options = ["rw"] else . end)' --arg r "$W/root" --arg u "$W/units"
	scoped run -d -b b c >out 2>&1 </dev/null 3>&-
	wait_for grep -q . "$GROUP/init.scope/cgroup.procs"
	wait_for caisson exec c systemctl is-active inner.target
	expect 0 caisson exec c systemd-run -q --unit=inside -p DefaultDependencies=no sleep 1000
	wait_for grep -q . "$GROUP/system.slice/inside.service/cgroup.procs"
	systemctl daemon-reload
	expect 0 caisson exec c systemctl is-active inside.service
	is active
	expect 0 caisson delete --force c
	umount root layers
	gone
}

# --- annotations -----------------------------------------------------------------------------

@test "annotations set some properties of the unit, by their types" {
	sleeping '.annotations = {"org.systemd.property.KillMode": "'"'mixed'"'",
		"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.SendSIGHUP": "true",
		"org.systemd.property.After": "['"'a.service'"']", "some.other": "thing"}'
	shows KillMode mixed
	shows TimeoutStopUSec 7s
	shows SendSIGHUP yes
	[[ $(systemctl show -P After -- "$UNIT") == *a.service* ]]
	caisson features | jq -e '.potentiallyUnsafeConfigAnnotations | index("org.systemd.property.")'
	expect 0 caisson delete --force c
	gone
}

# --- creates that come to nothing -------------------------------------------------------------

@test "a create that fails leaves no unit" {
	bundle b '.process.args = ["/nonexistent"]'
	refused '/nonexistent' scoped run -b b c
	wait_for no_unit
	bundle b '.mounts += [{"destination": "/x", "type": "bind", "source": "/nonexistent", "options": ["bind"]}]'
	refused '/nonexistent' scoped create -b b c
	wait_for no_unit
	bundle b '.hooks.createRuntime = [{"path": "/bin/false"}]'
	refused 'hook' scoped create -b b c
	wait_for no_unit
}

@test "a create that is killed at any moment leaves no unit" {
	bundle b '.process.args = ["sleep", "1000"]'
	for ((n = 0; n < 30; n++)); do
		timeout -s KILL "0.0$(printf %02d $((n * 3)))" "$CAISSON" --root "$STATE" --systemd-cgroup create -b b c \
			>/dev/null 2>&1 </dev/null 3>&- || true
		expect 0 caisson delete --force c
	done
	gone
}

@test "check looks for the unit, plan names it" {
	bundle b '.process.args = ["sleep", "1000"]'
	scoped plan b | jq -e --arg u "$UNIT" --arg s "$SLICE" '.cgroup.unit == $u and .cgroup.slice == $s'
	expect 0 scoped run -d -b b c
	expect 1 scoped check b
	says 'there are processes in'
	expect 0 caisson delete --force c
	wait_for no_unit
	expect 0 scoped check b
	# a cgroup2 that is mounted in the host's cgroup namespace takes the host's options
	config b '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}]'
	before=$(grep cgroup2 /proc/self/mountinfo)
	expect 0 scoped check b
	[ "$before" = "$(grep cgroup2 /proc/self/mountinfo)" ]
}
