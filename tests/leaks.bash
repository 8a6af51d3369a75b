# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Whether a runtime cleaned up. Whoever includes this sets W (a folder of its own),
# STATE (the runtime's --root), CGROUP_PREFIX (where its groups are made) and, if systemd
# makes them, SCOPES (what the names of its units have in common, as a pattern), and, if a
# microVM has its network from one, POD (a network namespace).

CGROUP=/sys/fs/cgroup
[ -e $CGROUP/cgroup.procs ] || CGROUP=/sys/fs/cgroup/unified

# What a container may leave on the host: mounts, groups, processes, state. Dying
# groups are freed late and do not show in the tree.
leak_snapshot() {
	echo "mounts:"
	# but those of a test beside this one, and of services that systemd starts by its clock
	cut -d ' ' -f 3- /proc/self/mountinfo |
		awk -v own="$W/" '$3 !~ "^/run/credentials/" &&
			($3 !~ "^/tmp/caisson[.-]" || index($3 "/", own) == 1)' | sort
	echo "groups:"
	find "$CGROUP" -type d -path '*caisson-tests*' 2>/dev/null | grep -F "${CGROUP_PREFIX}" || true
	if [ -n "${SCOPES-}" ]; then
		find "$CGROUP" -type d -name "$SCOPES"
		echo "units:"
		systemctl list-units --all --plain --no-legend "$SCOPES"
	fi
	echo "processes:"
	processes_of_test
	if [ -n "${POD-}" ]; then
		echo "network:"
		ip -n "$POD" -o link show | grep -o 'caisson[0-9]*'
		tc -n "$POD" qdisc show dev eth0 ingress
	fi
	echo "state:"
	# what begins with @ is no container's: a cache, which is meant to stay
	find "$STATE" -mindepth 1 -path "$STATE/@*" -prune -o -print 2>/dev/null | sort
	# the kernel's whole: it says nothing beside other workers
	if [ "${jobs:-1}" = 1 ] && command -v bpftool >/dev/null; then
		echo "bpf:"
		bpftool prog list 2>/dev/null | grep -c cgroup_device || true
	fi
}

# Those in a group of ours, and those that have our state directory as an argument.
processes_of_test() {
	local file
	find "$CGROUP$CGROUP_PREFIX" -name cgroup.procs -exec cat {} + 2>/dev/null
	# not as an argument, where it would find itself
	grep -lsaF -f <(echo "$STATE") /proc/[0-9]*/cmdline | while read -r file; do
		echo "${file//[^0-9]/} $(tr '\0' ' ' <"$file" 2>/dev/null)"
	done
}

# So that one failure does not make every later test look bad.
clean_by_force() {
	local place
	echo 1 >"$CGROUP$CGROUP_PREFIX/cgroup.kill"
	while read -r place; do
		umount -l "$place"
	done < <(cut -d ' ' -f 5 /proc/self/mountinfo | grep -F "$W" | sort -r)
	sleep 0.2
	find "$CGROUP$CGROUP_PREFIX" -depth -type d -exec rmdir {} +
	rm -rf "$W"
} 2>/dev/null
