# shellcheck shell=bash disable=SC2016,SC2034 # filters are jq's; WALLS is the scripts'
# SPDX-License-Identifier: Apache-2.0
# The decoy's secrets, the attacks on them, and the walls of a container one by one: an edit
# of config.json each. Without any of them a container has a file system tree of its own,
# and else whatever the host's root has.

WALLS=(pid network uts ipc cgroup user capabilities seccomp landlock read-only masked devices)
# As people give them to make an error go away
readonly CAPABILITIES='["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_KILL",
	"CAP_NET_ADMIN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_SETUID", "CAP_SETGID", "CAP_SYSLOG"]'

decoy() {
	attack_program
	cp -a "$("$TOP/tests/rootfs" busybox)" /mnt/rootfs
	cp bin/attack rootfs/bin/attack
	echo "the host's secret file" >secret
	chmod 600 secret
	mkdir rootfs/below
	cp "$DEMOS/attacks.sh" rootfs/attacks.sh
	DECOY=the-secret attack host sleep 100000 &
	busybox nc -ll -p 7777 -e echo "for the host alone" &
	wait_for bash -c ": </dev/tcp/127.0.0.1/7777"
	wait_for grep -q decoy-key /proc/keys
	handle=$(attack tell secret)
}

# What puts it up, as an edit of config.json by jq
wall() { # NAME
	case $1 in
	pid | network | uts | ipc | cgroup | mount) echo ".linux.namespaces += [{type: \"$1\"}]" ;;
	user)
		echo '.linux.namespaces += [{type: "user"}]'
		echo '| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]'
		echo '| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]'
		;;
	capabilities) echo '.process.capabilities |= map_values(["CAP_KILL"])' ;;
	seccomp) echo '.linux.seccomp = $docker[0]' ;;
	landlock)
		echo '.annotations["io.caisson.landlock"] = ({rules: {pathBeneath: ['
		echo '    {allowedAccess: ["execute", "read_file", "read_dir"], paths: ["/bin", "/attacks.sh"]},'
		echo '    {allowedAccess: ["read_file", "read_dir"], paths: ["/proc"]},'
		echo '    {allowedAccess: ["read_file", "write_file"], paths: ["/dev"]}]}} | tostring)'
		;;
	read-only) echo '.linux.readonlyPaths = ["/proc/sys"]' ;;
	masked) echo '.linux.maskedPaths = ["/proc/keys"]' ;;
	devices) echo '.linux.resources.devices = [{allow: false, access: "rwm"}]' ;;
	limits) echo '.linux.resources.pids = {limit: 20}' ;;
	esac
}

# A bundle at /mnt/NAME with these walls
bundle() { # NAME WALL...
	local name=$1 filter='.' one
	shift
	mkdir -p "$name"
	for one in "$@"; do
		filter+=" | $(wall "$one")"
	done
	# a procfs of its own is not to be had in the host's namespace of processes
	[[ " $* " == *' pid '* ]] || filter+=' | .mounts[0] |= (.type = "bind" | .source = "/proc" | .options = ["rbind"])'
	jq --arg handle "$handle" --slurpfile docker "$TOP/tests/cli/profiles/docker.json" '
		.process.args = ["sh", "/attacks.sh", $handle] | .process.noNewPrivileges = false |
		.process.capabilities = ({bounding: [], permitted: [], effective: []} | map_values($all)) |
		.root = {path: "/mnt/rootfs"} | del(.hostname) | .mounts = .mounts[:2] |
		.linux = {namespaces: [{type: "mount"}], resources: {devices: [{allow: true, access: "rwm"}]}} |
		'"$filter" --argjson all "$CAPABILITIES" "$TOP/tests/cli/config.json" >"$name/config.json"
}

# attempt WALL...: runs the attacks behind these walls, and tells what they brought
attempt() {
	local name
	bundle b "$@"
	caisson run -b b b 2>&1 </dev/null
	for name in hostname domainname; do
		printf '%-12s' $name
		if grep -q taken /proc/sys/kernel/$name; then
			echo "the host's has changed"
		else
			echo refused
		fi
	done
	hostname decoy
	echo '(none)' >/proc/sys/kernel/domainname
}

# What is another line in the second file
changes() { # FILE FILE
	diff --changed-group-format='%>' --unchanged-group-format='' "$1" "$2" || true
}
