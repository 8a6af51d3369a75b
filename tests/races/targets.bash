# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034,SC2154 # jq's and @N@'s dollars; tests/races/run has the rest
# What is raced for. Each target makes a bundle $B, two names that are exchanged while
# the container is created, and a judge, which finds everything as it was named first:
#
#	prepare_TARGET	writes $B/config.in (@N@ is the trial's number) and sets SWAP
#	escaped_TARGET	true if a wall fell; $pid is init's or empty if create refused
#	control_TARGET	who is known to let it out: runtimes of Debian, or mutants
#
# Not here: the folders above a bundle, a hook or --root, which only the caller may
# change (docs/threat-model.md, 5); layers and shares, which caisson does not have.
#
# The host's side is the decoy $D: whatever changes there has escaped. Where every mount
# has its place, the mounts must be exactly those of a container that nobody disturbed.

# --- judges ---------------------------------------------------------------------------------

decoy_changed() {
	[ "$decoy_before" != "$(decoy_now)" ]
}

# Mounts by place, kind and rights, without what differs between two containers.
mounts_of() { # PID
	sed -E 's/^[0-9]+ [0-9]+ [0-9:]+ (\S+) (\S+) ([^ ,]+)\S* .*- (\S+) .*/\2 \4 \3/' \
		"/proc/$1/mountinfo" 2>/dev/null
}

mounts_differ() {
	[ -n "$pid" ] || return 1
	[ "$mounts_quiet" != "$(mounts_of "$pid")" ]
}

# --- bundles --------------------------------------------------------------------------------

# base FILTER [JQ OPTION...]: the config without a /dev of its own and without /tmp
base() {
	local filter=$1
	shift
	jq --arg group "$CGROUP_PREFIX/c" --arg d "$D" --arg w "$W" "$@" \
		'.linux.cgroupsPath = $group | .root.readonly = false | .process.args = ["true"]
			| .mounts |= map(select(.destination | test("^/(dev|tmp)") | not)) | '"$filter" \
		tests/cli/config.json >"$B/config.in"
}

link_beside() { # LINK TARGET
	ln -s "$2" "$B/rootfs/$1"
}

# --- places to mount on -------------------------------------------------------------------------

# CVE-2021-30465, CVE-2024-45310
prepare_destination() {
	mkdir "$B/rootfs/a"
	link_beside b "$D"
	SWAP=("$B/rootfs/a" "$B/rootfs/b")
	base '.mounts += [range(5) | {destination: "/a/folder@N@-\(.)", type: "tmpfs", source: "tmpfs"}]
		| .mounts += [range(5) | {destination: "/a/file@N@-\(.)", type: "bind", source: ($w + "/file"), options: ["bind"]}]'
}
escaped_destination() { decoy_changed; }
control_destination() { echo runc; }

# The same in a volume, whose links the neighbour in another container makes.
prepare_volume() {
	mkdir -p "$W/volume/a"
	ln -s "$D" "$W/volume/b"
	SWAP=("$W/volume/a" "$W/volume/b")
	base '.mounts += [{destination: "/volume", type: "bind", source: ($w + "/volume"), options: ["rbind"]}]
		| .mounts += [range(10) | {destination: "/volume/a/folder@N@-\(.)", type: "tmpfs", source: "tmpfs"}]'
}
escaped_volume() { decoy_changed; }
control_volume() { echo runc; }

# --- /dev ---------------------------------------------------------------------------------------

# CVE-2026-41579, CVE-2026-47766
prepare_dev() {
	link_beside link "$D"
	SWAP=("$B/rootfs/dev" "$B/rootfs/link")
	base .
}
escaped_dev() { decoy_changed; }
control_dev() { echo crun; }

# CVE-2025-31133, CVE-2025-62161, CVE-2026-88265
prepare_null() {
	mknod -m 666 "$B/rootfs/dev/null" c 1 3
	link_beside dev/link /volume/file
	SWAP=("$B/rootfs/dev/null" "$B/rootfs/dev/link")
	# not as a user: crun would give it the null device that stdin is
	base '.mounts += [{destination: "/volume", type: "bind", source: $d, options: ["bind"]}]'
}
escaped_null() { decoy_changed || mounts_differ || mask_is_not_null; }
control_null() { echo runc crun mutant:null-of-the-image; }

mask_is_not_null() {
	[ -n "$pid" ] && [ "$(stat -L -c %t:%T "/proc/$pid/root/proc/keys")" != 1:3 ]
}

# CVE-2026-88264, CVE-2025-52565
prepare_console() {
	touch "$B/rootfs/dev/console"
	link_beside dev/link "$D/made"
	SWAP=("$B/rootfs/dev/console" "$B/rootfs/dev/link")
	TERMINAL=1
	base '.process.terminal = true | .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts",
		options: ["newinstance", "ptmxmode=0666"]}]'
}
escaped_console() { decoy_changed || mounts_differ; }
control_console() { echo crun; }

# CVE-2025-52565. The link leads to a place with a ptmx and a devpts, but not to one.
prepare_pts() {
	mkdir -p "$B/rootfs/dev/pts" "$B/rootfs/other/pts"
	mknod -m 666 "$B/rootfs/other/ptmx" c 5 2
	link_beside dev/link /other
	SWAP=("$B/rootfs/dev/pts" "$B/rootfs/dev/link")
	TERMINAL=1
	base '.process.terminal = true | .mounts += (["/other/pts", "/dev/pts"] | map({destination: ., type: "devpts",
		source: "devpts", options: ["newinstance", "ptmxmode=0666"]}))'
}
escaped_pts() {
	decoy_changed || { [ -n "$pid" ] && grep -q '^tty' "$W/tty.out" && pty_of_other; }
}
pty_of_other() {
	local other=
	other=$(awk '$5 == "/other/pts" { print $3 }' "/proc/$pid/mountinfo")
	[ "$(stat -L -c %d "/proc/$pid/fd/0" 2>/dev/null)" = "${other#*:}" ]
}
control_pts() { echo mutant:any-ptmx; }

# --- file systems of the kernel -------------------------------------------------------------------

# CVE-2019-19921, CVE-2023-27561, CVE-2025-52881. The link leads to a folder that looks
# like one of them.
prepare_kernel() { # proc|sys
	mkdir -p "$B/rootfs/fake/sys/net/ipv4" "$B/rootfs/fake/firmware" "$B/rootfs/fake/fs/cgroup"
	touch "$B/rootfs/fake/keys" "$B/rootfs/fake/sys/net/ipv4/ip_forward"
	link_beside link fake
	SWAP=("$B/rootfs/$1" "$B/rootfs/link")
	# a mount below /sys may go through a link, to another place in the container
	base '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .mounts |= map(select(.type != "cgroup"))'
}
prepare_proc() { prepare_kernel proc; }
escaped_proc() { decoy_changed || mounts_differ || [ -s "$B/rootfs/fake/sys/net/ipv4/ip_forward" ]; }
control_proc() { echo mutant:proc-through-links; }

prepare_sys() { prepare_kernel sys; }
escaped_sys() { escaped_proc; }
control_sys() { echo mutant:proc-through-links; }

# --- what is hidden, where one stands, what is the root ---------------------------------------------

prepare_masked() {
	mkdir -p "$B/rootfs/real/folder" "$B/rootfs/other/folder"
	touch "$B/rootfs/"{real,other}/{file,plain}
	link_beside link other
	SWAP=("$B/rootfs/real" "$B/rootfs/link")
	base '.linux.maskedPaths += ["/real/file", "/real/folder"] | .linux.readonlyPaths += ["/real/plain"]'
}
escaped_masked() { decoy_changed || mounts_differ; }
control_masked() { echo mutant:mask-through-links; }

# CVE-2024-21626. A stdin that is a folder of the host is the only way that is left.
prepare_cwd() {
	mkdir "$B/rootfs/work"
	link_beside link /proc/self/fd/0
	SWAP=("$B/rootfs/work" "$B/rootfs/link")
	STDIN=$D
	base '.process.cwd = "/work"'
}
escaped_cwd() {
	decoy_changed || { [ -n "$pid" ] && [ "/proc/$pid/cwd" -ef "$D" ]; }
}
control_cwd() { echo mutant:cwd-anywhere; }

# Two roots. A container may have one or the other; not a part of each.
prepare_rootfs() {
	cp -a "$B/rootfs" "$B/second"
	SWAP=("$B/rootfs" "$B/second")
	base '.mounts += [range(10) | {destination: "/made@N@-\(.)", type: "tmpfs", source: "tmpfs"}]'
}
escaped_rootfs() {
	local first second
	first=$(find "$B/rootfs" -maxdepth 1 -name "made$n-*" | wc -l)
	second=$(find "$B/second" -maxdepth 1 -name "made$n-*" | wc -l)
	decoy_changed || { [ "$first" != 0 ] && [ "$second" != 0 ]; }
}
control_rootfs() { echo mutant:root-looked-up-again runc crun; }

TARGETS=(destination volume dev null console pts proc sys masked cwd rootfs)
