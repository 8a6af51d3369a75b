# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Tests as an ordinary user, who has what runc's tests/rootless.sh gives one: the name
# "rootless", subordinate ids, and a cgroup that its group may write to. All of it holds
# in the mount and cgroup namespaces of `inside` only.
USER_ID=1042 FIRST_UID=100000 FIRST_GID=200000
USER_GROUP=/sys/fs/cgroup/runc-cgroups-integration-test

user_entries() {
	local file
	mkdir /run/etc
	grep -v ^rootless: /etc/passwd >/run/etc/passwd
	echo "rootless:x:$USER_ID:$USER_ID::$home:/bin/bash" >>/run/etc/passwd
	grep -v ^rootless: /etc/group >/run/etc/group
	echo "rootless:x:$USER_ID:" >>/run/etc/group
	echo "rootless:$FIRST_UID:65536" >/run/etc/subuid
	echo "rootless:$FIRST_GID:65536" >/run/etc/subgid
	for file in passwd group subuid subgid; do
		touch "/etc/$file" && mount --bind "/run/etc/$file" "/etc/$file" || exit 2
	done
}

# Documentation/admin-guide/cgroup-v2.rst, Delegation
user_group() {
	local controller controllers
	read -r -a controllers </sys/fs/cgroup/cgroup.controllers
	for controller in "${controllers[@]}"; do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || exit 2
	done
	mkdir "$USER_GROUP" || exit 2
	chgrp $USER_ID "$USER_GROUP" "$USER_GROUP"/cgroup.{procs,subtree_control} /sys/fs/cgroup/cgroup.procs
	chmod g+rwx "$USER_GROUP"
	chmod g+rw "$USER_GROUP"/cgroup.{procs,subtree_control} /sys/fs/cgroup/cgroup.procs
}

# The libraries of the references are in the cache, perhaps below a home that is root's
# alone: in its place comes one in which the cache is all there is.
user_sees_cache() {
	[ -e "$CONFORMANCE_CACHE/sid" ] || return 0
	show "$CONFORMANCE_CACHE/sid" sid
	mount -t tmpfs -o mode=755 tmpfs ~root && mkdir -p "$CONFORMANCE_CACHE/sid" &&
		mount --bind /run/sid "$CONFORMANCE_CACHE/sid" || exit 2
}

# Sets become, what a command of the user begins with, and home.
become_user() {
	home=$TMPDIR/home
	mkdir -p "/run/user/$USER_ID" "$home" "$TMPDIR/tmp" "$TMPDIR/aux"
	chown "$USER_ID:$USER_ID" "/run/user/$USER_ID" "$home" "$TMPDIR/tmp"
	user_entries
	user_group
	user_sees_cache
	# what runc's suite is told; in its containers the user is 1000
	export ROOTLESS_FEATURES=idmap+cgroup
	export ROOTLESS_UIDMAP_START=$FIRST_UID ROOTLESS_UIDMAP_LENGTH=65536
	export ROOTLESS_GIDMAP_START=$FIRST_GID ROOTLESS_GIDMAP_LENGTH=65536
	export ROOTLESS_AUX_DIR=$TMPDIR/aux ROOTLESS_AUX_UID=1024
	chown $((FIRST_UID - 1000 + ROOTLESS_AUX_UID)) "$ROOTLESS_AUX_DIR"
	# shellcheck disable=SC2034 # the caller's
	become=(setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --init-groups --inh-caps=-all
		env HOME="$home" USER=rootless XDG_RUNTIME_DIR="/run/user/$USER_ID" TMPDIR="$TMPDIR/tmp")
}

forget_user() {
	echo 1 >"$USER_GROUP/cgroup.kill"
	find "$USER_GROUP" -depth -type d -exec rmdir {} + 2>/dev/null
}
