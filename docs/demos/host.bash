# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A decoy host for the demos. Whoever includes this runs again in namespaces of his own:
# what a container reaches there, if it gets out, are this host's processes, network, name,
# shared memory and the tmpfs at /mnt, which is its disk. All of it ends with the script,
# however that ends; nothing of the machine is used or changed but a cgroup.

DEMOS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$DEMOS/../.." && pwd)

if [ "$(id -u)" != 0 ]; then
	echo "must be root" >&2
	exit 1
fi
if [ -z "${DECOY_HOST-}" ]; then
	CAISSON=$(realpath "${CAISSON:-$TOP/build/caisson}") || exit 1
	export DECOY_HOST=1 CAISSON LC_ALL=C
	# its own tree of cgroups, but where that would take the controllers away
	private=("$TOP/tests/private-cgroup")
	! grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || private=()
	exec "${private[@]}" unshare --mount --pid --net --uts --ipc --fork --kill-child --mount-proc \
		--propagation private bash "$0" "$@"
fi
set -euo pipefail

mount -t tmpfs -o mode=755 decoy /mnt
mkdir /mnt/bin
cat >/mnt/bin/caisson <<'PROGRAM'
#!/bin/bash
exec -a caisson "$CAISSON" --root /mnt/state "$@"
PROGRAM
chmod 755 /mnt/bin/caisson
PATH=/mnt/bin:$PATH
ip link set lo up
hostname decoy
cd /mnt

section() { # TITLE
	echo
	echo "## $*"
	echo
}

# The rest of a section cannot be shown here.
lacks() { # REASON
	echo "skipped: $*"
}

# Shows a command as one would type it, and what it says.
run() { # COMMAND-LINE
	local status=0
	echo "$ $1"
	bash -c "$1" 2>&1 </dev/null || status=$?
	[ $status = 0 ] || echo "(exit status $status)"
}

# Waits until a command succeeds, for at most a minute.
wait_for() { # COMMAND...
	local n
	for ((n = 0; n < 600; n++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	echo "this never came true: $*" >&2
	return 1
}

# Where there is no compiler it has been built before.
attack_program() {
	if [ -x "$TOP/build/tests/attack" ]; then
		cp "$TOP/build/tests/attack" bin/
	else
		cc -O1 -D_GNU_SOURCE -static -o bin/attack "$DEMOS/attack.c"
	fi
}

edit() { # BUNDLE FILTER
	jq "$2" "$1/config.json" >edited
	mv edited "$1/config.json"
}

has_controller() { # NAME
	grep -qw "$1" /sys/fs/cgroup/cgroup.controllers
}

# Why a wall cannot be put up on this kernel, or nothing
missing() { # WALL
	case $1 in
	landlock) caisson features | jq -r 'if .linux.landlock.enabled then empty
		else "this kernel has no Landlock" end' ;;
	user) [ "$(cat /proc/sys/user/max_user_namespaces)" != 0 ] ||
		echo "this kernel makes no user namespaces" ;;
	esac
}

# Why system calls cannot be watched here, or nothing; tried with a bundle's root
unwatched() { # BUNDLE
	cp -r "$1" watched
	edit watched '.process.args = ["true"]'
	caisson policy why watched 2>&1 >/dev/null </dev/null | tail -n 1
}
