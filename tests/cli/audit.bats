#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policy audit: each weakness that is planted in the default bundle is found, by its name
# and with its place, and was not found before; and what a running container really has.

load helpers

# RULE SEVERITY POINTER JQ-FILTER
weaknesses() {
	cat <<-'END'
		host-pid high /linux/namespaces .linux.namespaces |= map(select(.type != "pid"))
		host-pid high /linux/namespaces/0/path .linux.namespaces[0].path = "/proc/1/ns/pid"
		host-network high /linux/namespaces .linux.namespaces |= map(select(.type != "network"))
		host-ipc medium /linux/namespaces .linux.namespaces |= map(select(.type != "ipc"))
		host-uts low /linux/namespaces .linux.namespaces |= map(select(.type != "uts")) | del(.hostname)
		host-mount high /linux/namespaces .linux.namespaces |= map(select(.type != "mount")) | del(.linux.maskedPaths, .linux.readonlyPaths)
		host-cgroup low /linux/namespaces .linux.namespaces |= map(select(.type != "cgroup"))
		joined-namespace low /linux/namespaces/1/path .linux.namespaces[1].path = "/run/netns/other"
		maps-host-root medium /linux/uidMappings/0 .linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 10}] | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 10}]
		maps-system-ids low /linux/gidMappings/0 .linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}] | .linux.gidMappings = [{containerID: 0, hostID: 10, size: 10}]
		host-sysctl high /linux/sysctl/net.ipv4.ip_forward .linux.namespaces[1].path = "/proc/1/ns/net" | .linux.sysctl = {"net.ipv4.ip_forward": "1"}
		capability high /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_SYS_ADMIN"]
		capability high /process/capabilities/permitted/3 .process.capabilities.permitted += ["CAP_SYS_MODULE"]
		capability high /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_SYS_PTRACE"]
		capability high /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_DAC_READ_SEARCH"]
		capability high /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_SYS_RAWIO"]
		capability high /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_BPF"]
		capability medium /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_NET_ADMIN"]
		capability high /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_NET_ADMIN"] | .linux.namespaces |= map(select(.type != "network"))
		capability low /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_NET_RAW"]
		capability medium /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_SYSLOG"]
		capability medium /process/capabilities/bounding/3 .process.capabilities.bounding += ["CAP_SYS_ADMIN"] | .linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}] | .linux.gidMappings = .linux.uidMappings
		inheritable-capabilities low /process/capabilities/inheritable .process.capabilities.inheritable = ["CAP_KILL"]
		ambient-capabilities low /process/capabilities/ambient .process.capabilities.ambient = ["CAP_KILL"]
		new-privileges medium /process/noNewPrivileges .process.noNewPrivileges = false
		new-privileges medium /process/noNewPrivileges del(.process.noNewPrivileges)
		root-group low /process/user/additionalGids/1 .process.user = {uid: 5, gid: 5, additionalGids: [5, 0]}
		open-umask low /process/user/umask .process.user.umask = 0
		apparmor-unconfined medium /process/apparmorProfile .process.apparmorProfile = "unconfined"
		selinux-unconfined medium /process/selinuxLabel .process.selinuxLabel = "system_u:system_r:spc_t:s0"
		secret-in-environment medium /process/env/2 .process.env += ["DB_PASSWORD=x"]
		secret-in-environment medium /process/env/2 .process.env += ["github_token=x"]
		oom-protected medium /process/oomScoreAdj .process.oomScoreAdj = -500
		realtime medium /process/scheduler/policy .process.scheduler = {policy: "SCHED_FIFO", priority: 5}
		realtime-io low /process/ioPriority/class .process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 0}
		seccomp-allows-by-default medium /linux/seccomp/defaultAction .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["reboot"], action: "SCMP_ACT_ERRNO"}]}
		dangerous-syscall medium /linux/seccomp/syscalls/1 .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["read"], action: "SCMP_ACT_ALLOW"}, {names: ["mount"], action: "SCMP_ACT_ALLOW"}]}
		dangerous-syscall low /linux/seccomp/syscalls/0 .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["io_uring_setup"], action: "SCMP_ACT_ALLOW"}]}
		speculation low /linux/seccomp/flags/0 .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", flags: ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}
		host-root high /root/path .root.path = "/"
		writable-root low /root/readonly .root.readonly = false
		shared-mount medium /linux/rootfsPropagation .linux.rootfsPropagation = "rshared"
		shared-mount medium /mounts/7/options .linux.rootfsPropagation = "rshared" | .mounts += [{destination: "/d", source: "/srv/d", options: ["bind", "ro", "rshared"]}]
		loose-mount low /mounts/7/options .mounts += [{destination: "/d", source: "/srv/d", options: ["bind", "nodev"]}]
		engine-socket high /mounts/7/source .mounts += [{destination: "/s", source: "/var/run/docker.sock", options: ["bind", "ro"]}]
		engine-socket high /mounts/7/source .mounts += [{destination: "/s", source: "/run/containerd/containerd.sock", type: "bind", options: ["rbind"]}]
		host-root high /mounts/7/source .mounts += [{destination: "/h", source: "/", options: ["rbind", "ro"]}]
		host-root high /mounts/7/source .mounts += [{destination: "/h", source: "/srv/..", options: ["rbind", "ro"]}]
		host-etc high /mounts/7/source .mounts += [{destination: "/e", source: "/etc", options: ["rbind"]}]
		host-etc medium /mounts/7/source .mounts += [{destination: "/e", source: "/etc", options: ["rbind", "ro"]}]
		host-secrets high /mounts/7/source .mounts += [{destination: "/e", source: "/etc/shadow", options: ["bind", "ro"]}]
		host-secrets high /mounts/7/source .mounts += [{destination: "/k", source: "/home/me/.ssh", options: ["bind", "ro"]}]
		host-proc high /mounts/7/source .mounts += [{destination: "/hostproc", source: "/proc", options: ["rbind", "ro"]}]
		host-sys high /mounts/7/source .mounts += [{destination: "/hostsys", source: "/sys", options: ["rbind"]}]
		host-sys-kernel high /mounts/7/source .mounts += [{destination: "/k", source: "/sys/kernel/debug", options: ["rbind", "ro"]}]
		host-cgroup-mount high /mounts/7/source .mounts += [{destination: "/c", source: "/sys/fs/cgroup", options: ["rbind"]}]
		host-dev high /mounts/7/source .mounts += [{destination: "/hostdev", source: "/dev", options: ["rbind"]}]
		host-disk high /mounts/7/source .mounts += [{destination: "/disk", source: "/dev/sda1", options: ["bind", "ro"]}]
		host-disk high /mounts/7/source .mounts += [{destination: "/disk", source: "/dev/vdb", type: "ext4", options: ["ro"]}]
		host-device high /mounts/7/source .mounts += [{destination: "/mem", source: "/dev/mem", options: ["bind", "ro"]}]
		host-home high /mounts/7/source .mounts += [{destination: "/r", source: "/root", options: ["rbind"]}]
		host-boot high /mounts/7/source .mounts += [{destination: "/b", source: "/boot", options: ["rbind"]}]
		host-system high /mounts/7/source .mounts += [{destination: "/u", source: "/usr/local/bin", options: ["rbind"]}]
		host-run high /mounts/7/source .mounts += [{destination: "/hr", source: "/var/run", options: ["rbind", "ro"]}]
		host-var high /mounts/7/source .mounts += [{destination: "/v", source: "/var", options: ["rbind"]}]
		host-log medium /mounts/7/source .mounts += [{destination: "/l", source: "/var/log", options: ["rbind"]}]
		host-socket high /mounts/7/source .mounts += [{destination: "/d", source: "/run/dbus/system_bus_socket", options: ["bind"]}]
		host-tmp medium /mounts/7/source .mounts += [{destination: "/t", source: "/tmp", options: ["bind"]}]
		engine-data high /mounts/7/source .mounts += [{destination: "/d", source: "/var/lib/docker", options: ["rbind", "ro"]}]
		host-filesystem high /mounts/7/type .mounts += [{destination: "/d", source: "debugfs", type: "debugfs"}]
		host-filesystem high /mounts/7/type .mounts += [{destination: "/d", source: "dev", type: "devtmpfs"}]
		writable-sys high /mounts/5/options .mounts[5].options -= ["ro"]
		writable-cgroup medium /mounts/6/options .mounts[6].options -= ["ro"]
		writable-cgroup high /mounts/6/options .mounts[6].options -= ["ro"] | .linux.namespaces |= map(select(.type != "cgroup"))
		endless-tmpfs low /mounts/7/options .mounts += [{destination: "/t", source: "t", type: "tmpfs"}]
		all-devices high /linux/resources/devices/1 .linux.resources.devices += [{allow: true, access: "rwm"}]
		all-devices high /linux/resources/devices/1 .linux.resources.devices += [{allow: true, type: "b", access: "rwm"}]
		device-rule high /linux/resources/devices/1 .linux.resources.devices += [{allow: true, type: "b", major: 8, minor: 0, access: "r"}]
		device-rule high /linux/resources/devices/1 .linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 1, access: "r"}]
		device-rule low /linux/resources/devices/1 .linux.resources.devices += [{allow: true, type: "c", major: 10, minor: 229, access: "rw"}]
		device-node high /linux/devices/0 .linux.devices = [{path: "/dev/sda", type: "b", major: 8, minor: 0}]
		device-node high /linux/devices/0 .linux.devices = [{path: "/dev/mem", type: "c", major: 1, minor: 1}]
		unmasked-path medium /linux/maskedPaths .linux.maskedPaths -= ["/proc/kcore"]
		unmasked-path medium /linux/maskedPaths .linux.maskedPaths -= ["/proc/keys"]
		writable-path high /linux/readonlyPaths .linux.readonlyPaths -= ["/proc/sys"]
		writable-path high /linux/readonlyPaths .linux.readonlyPaths -= ["/proc/sysrq-trigger"]
		writable-path medium /linux/readonlyPaths .linux.readonlyPaths -= ["/proc/irq"]
		no-oom-killer medium /linux/resources/memory/disableOOMKiller .linux.resources.memory = {limit: 1000000, disableOOMKiller: true}
		hook low /hooks/createRuntime/0 .hooks.createRuntime = [{path: "/usr/bin/hook"}]
		hook-in-open-folder high /hooks/poststop/0 .hooks.poststop = [{path: "/tmp/hook"}]
		hook-of-image high /hooks/createContainer/0 .root.path = "/srv/b/rootfs" | .hooks.createContainer = [{path: "/srv/b/rootfs/bin/hook"}]
		keeps-groups medium /annotations/run.oci.keep_original_groups .annotations = {"run.oci.keep_original_groups": "1"}
		landlock-best-effort low /annotations/io.caisson.landlock .annotations = {"io.caisson.landlock": "{\"ruleset\":{\"scoped\":[\"signal\"]}}"}
		landlock-allows-all low /annotations/io.caisson.landlock .annotations = {"io.caisson.landlock": "{\"rules\":{\"pathBeneath\":[{\"allowedAccess\":[\"read_file\"],\"paths\":[\"/\"]}]},\"ruleset\":{\"handledAccessFS\":[\"read_file\"]}}"}
		net-device low /linux/netDevices/eth1 .linux.netDevices = {eth1: {}}
	END
}

findings() { # BUNDLE: "rule severity pointer what" of each
	expect_any caisson policy audit --format json --fail-on never "$1"
	[ "$status" = 0 ] || {
		echo "$output"
		return 1
	}
	jq -r '.findings[] | "\(.rule) \(.severity) \(.pointer) \(.what)"' <<<"$output" | sort
}

@test "policy audit: the default bundle has nothing of severity high" {
	mkdir b
	caisson spec -b b
	expect 0 caisson policy audit b
	says '0 high, '
	says 'namespaces         own: pid network mount ipc uts cgroup; the host'"'"'s: user time'
	says 'no new privileges  yes'
	says $'medium  no-memory-limit: can use all memory of the host\n        /linux/resources/memory/limit: set it'
	expect 0 caisson policy audit --format json b
	jq -e '.counts.high == 0 and ([.findings[].severity] | index("high")) == null
		and .posture.seccomp == "none"' <<<"$output"
}

@test "policy audit: every weakness of the table is found, and none before it is planted" {
	local rule severity pointer filter n=0 missed=0
	mkdir b
	caisson spec -b b
	cp b/config.json default.json
	findings b >before
	while read -r rule severity pointer filter; do
		n=$((n + 1))
		jq "$filter" default.json >b/config.json
		findings b >after || {
			echo "refused: $filter: $(cat after)"
			missed=$((missed + 1))
		}
		comm -13 before after >new
		if ! grep -q "^$rule $severity $pointer " new; then
			echo "missed: $rule $severity $pointer: $filter"
			echo "new findings: $(cat new)"
			missed=$((missed + 1))
		fi
	done < <(weaknesses)
	echo "# measured: $n weaknesses planted, $missed of them missed" >&3
	[ "$n" -ge 80 ] && [ "$missed" = 0 ]
}

@test "policy audit: a well closed bundle has no finding at all" {
	mkdir b
	caisson spec -b b
	config b '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings
		| .process.user = {uid: 1000, gid: 1000}
		| .process.apparmorProfile = "web"
		| .linux.resources += {memory: {limit: 100000000}, pids: {limit: 50}, cpu: {quota: 50000, period: 100000}}
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["read", "write", "execve"], action: "SCMP_ACT_ALLOW"}]}
		| .mounts += [{destination: "/data", source: "/srv/data", options: ["bind", "nosuid", "nodev"]}]'
	expect 0 caisson policy audit --fail-on low b
	says '0 high, 0 medium, 0 low'
	says 'host mounts        /srv/data on /data (bind,nosuid,nodev)'
	says 'limits             memory 100000000, pids 50, cpu quota 50000'
	says 'user               1000:1000; 0-65535 are the host'"'"'s 100000-165535'
}

@test "policy audit: the exit status follows --fail-on" {
	mkdir b
	caisson spec -b b
	expect 0 caisson policy audit b
	expect 1 caisson policy audit --fail-on medium b
	expect 0 caisson policy audit --fail-on never b
	config b '.root.path = "/"'
	expect 1 caisson policy audit b
	expect 0 caisson policy audit --fail-on never b
	expect 1 caisson policy audit --fail-on bogus b
	says '--fail-on: "bogus": must be low, medium, high or never'
	expect 2 caisson policy audit nowhere/b
	says 'nowhere/b: no such file or directory'
	expect 2 caisson policy audit nowhere
	says 'nowhere: there is neither a container nor a folder of this name'
	expect 2 caisson policy audit b/config.json
	says 'b/config.json: not a directory (a bundle is the folder with a config.json)'
	echo '{"ociVersion": "1.0.0"}' >b/config.json
	expect 2 caisson policy audit b
	says 'root: is required'
}

@test "policy audit --against: only what is worse, and what is better" {
	mkdir old new
	caisson spec -b old
	cp old/config.json new
	config new '.process.noNewPrivileges = false | .linux.resources.pids.limit = 10'
	expect 0 caisson policy audit --against old new
	says $'medium  new-privileges: setuid programs and file capabilities work\n'
	says '0 high, 1 medium, 0 low'
	says $'what it does not have any more:\nmedium  no-pids-limit'
	expect 1 caisson policy audit --fail-on medium --against old new
	expect 0 caisson policy audit --fail-on low --against old old
	is '0 high, 0 medium, 0 low'
	expect 0 caisson policy audit --format json --against old new
	jq -e '([.findings[].rule] == ["new-privileges"]) and ([.gone[].rule] == ["no-pids-limit"])' <<<"$output"
}

@test "policy audit: control characters of a config do not reach the terminal" {
	mkdir b
	caisson spec -b b
	config b '.mounts += [{destination: "/a\u001b[31m", source: "/etc", options: ["bind"]}]'
	expect 1 caisson policy audit b
	says '/a\u001b[31m'
	not grep -q $'\x1b' <<<"$output"
}

# --- what runs -----------------------------------------------------------------------------

@test "policy audit ID: a container that is as its config says has no drift" {
	make_bundle b
	config b '.process.args = ["sleep", "100"] | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [{names: ["reboot"], action: "SCMP_ACT_ERRNO"}]}'
	caisson run -d -b b web
	expect 0 caisson policy audit --fail-on never web
	not says drift
	says 'seccomp            '
	expect 0 caisson policy audit --fail-on never --format json web
	jq -e '.container == "web" and .pid > 1 and ([.findings[].rule] | index("drift")) == null' <<<"$output"
	caisson kill web KILL
	wait_for is_status web stopped
	expect 2 caisson policy audit web
	says 'container web is stopped: give its bundle instead'
}

# The container is made with one config and audited with another, as if the kernel did
# not hold what was asked for.
@test "policy audit ID: what the kernel does not hold is told as drift" {
	make_bundle b
	config b '.process.args = ["sleep", "100"] | .process.noNewPrivileges = false
		| .linux.namespaces |= map(select(.type != "uts" and .type != "ipc")) | del(.hostname)
		| .mounts |= map(select(.destination != "/dev/mqueue"))
		| .mounts |= map(select(.destination != "/tmp"))
		| .mounts += [{destination: "/tmp", type: "tmpfs", source: "t"}]
		| .process.capabilities.bounding += ["CAP_NET_RAW"]'
	caisson run -d -b b web
	config b '.process.noNewPrivileges = true
		| .linux.namespaces += [{type: "uts"}, {type: "ipc"}]
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO"}
		| .process.capabilities.bounding -= ["CAP_NET_RAW"]
		| (.mounts[] | select(.destination == "/tmp")).options = ["ro", "nosuid"]
		| .linux.maskedPaths += ["/proc/uptime", "/proc/no/such/path"]
		| .linux.readonlyPaths += ["/proc/tty"]'
	expect 1 caisson policy audit --format json web
	jq -r '.findings[] | select(.rule == "drift") | "\(.severity) \(.pointer) \(.what)"' <<<"$output" |
		sed 's/[0-9]* \(The\)/\1/' | sort >drift
	cat drift
	local last
	last=$(jq '.linux.namespaces | length - 1' b/config.json)
	grep -Fq "high /linux/namespaces/$last the process is in the ipc namespace of the host" drift
	grep -Fq "high /linux/namespaces/$((last - 1)) the process is in the uts namespace of the host" drift
	grep -Fq 'high /linux/seccomp no seccomp filter is loaded' drift
	grep -Fq 'high /process/noNewPrivileges the process may gain privileges' drift
	grep -Fq 'high /process/capabilities the process has CAP_NET_RAW, which the config gives to no set' drift
	grep -q 'high /mounts/[0-9]*/options /tmp is mounted without ro' drift
	grep -q 'medium /mounts/[0-9]*/options /tmp is mounted without nosuid' drift
	grep -q 'high /linux/maskedPaths/[0-9]* /proc/uptime is not masked' drift
	grep -q 'high /linux/readonlyPaths/[0-9]* /proc/tty is not read-only' drift
	[ "$(wc -l <drift)" = 9 ]
}

@test "policy audit ID: a user namespace with other maps than the config has" {
	make_bundle b copy
	chown -R 100000:100000 b/rootfs
	chmod 755 b b/rootfs
	config b '.process.args = ["sleep", "100"] | .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings'
	caisson run -d -b b web
	expect 0 caisson policy audit --fail-on never web
	not says drift
	config b '.linux.uidMappings[0].size = 10'
	expect 1 caisson policy audit web
	says "high    drift: uid_map: 0 is the host's 100000 (1000 ids), which the config does not say"
	not says 'gid_map'
}
