#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# Faults from outside: what a container stands on goes away, or the runtime's caller has
# little to give. Each ends in one line that says what is wrong, and leaves nothing.

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# survives COMMAND...: a create of c that works, or says in one line why not and leaves
# nothing. Counts in $worked and $refused.
survives() {
	status=0
	timeout -k 2 60 "$@" </dev/null >out 2>&1 3>&- || status=$?
	output=$(cat out)
	rm -f out
	case $status in
	0)
		worked=$((worked + 1))
		expect 0 caisson delete --force c
		;;
	1) refused=$((refused + 1)) && one_line ;;
	*)
		echo "exit status $status of: $*: $output"
		return 1
		;;
	esac
	nothing_left || {
		echo "after exit status $status of: $*: $output"
		return 1
	}
}

number_of() { # SYSTEM-CALL
	awk -v name="__NR_$1" '$1 == "#define" && $2 == name { print $3 }' \
		/usr/include/x86_64-linux-gnu/asm/unistd_64.h
}

# --- what it stands on goes away -----------------------------------------------------------

@test "the rootfs is gone, or is something else, before create" {
	make_bundle b copy
	mv b/rootfs away
	refused "rootfs" caisson create -b b c
	says "no such file or directory"
	touch b/rootfs
	refused "not a directory" caisson create -b b c
	rm b/rootfs
	mkfifo b/rootfs
	refused "not a directory" caisson create -b b c
	rm b/rootfs
	ln -s loop b/loop
	ln -s loop b/rootfs
	refused "too many levels of symbolic links" caisson create -b b c
	rm b/rootfs
	mkdir b/rootfs
	refused "executable file not found" caisson create -b b c
}

@test "the rootfs goes away between create and start" {
	make_bundle b copy
	script b 'exit 7'
	expect 0 caisson create -b b c
	rm -r b/rootfs
	expect 255 caisson start c
	says 'exec sh: no such file or directory'
	one_line
	expect 0 caisson delete --force c
	nothing_left
}

@test "the bundle goes away while the container runs" {
	make_bundle b copy
	config b '.process.args = ["sleep", "1000"] | .hooks.poststop = [{ "path": "/bin/true" }]'
	expect 0 caisson create -b b c
	mv b away
	expect 0 caisson start c
	expect 0 caisson exec c true
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "a rootfs that is emptied under a running container" {
	make_bundle b copy
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	find b/rootfs -xdev -mindepth 1 -delete 2>/dev/null || true
	expect 255 caisson exec c ls
	says 'executable file not found'
	one_line
	expect 0 caisson delete --force c
	nothing_left
}

@test "the cgroup is removed once its processes have ended" {
	make_bundle b
	config b '.process.args = ["true"]'
	expect 0 caisson run -d -b b c
	wait_for is_status c stopped
	rmdir "$CGROUP$CGROUP_PREFIX/b"
	is_status c stopped
	expect 1 caisson kill c TERM
	says 'container not running'
	expect 0 caisson ps c
	expect 1 caisson pause c
	one_line
	expect 0 caisson delete c
	nothing_left
}

@test "the cgroup is removed under a living container" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	pid_of c >"$CGROUP$CGROUP_PREFIX/cgroup.procs"
	rmdir "$CGROUP$CGROUP_PREFIX/b"
	is_status c running
	expect 255 caisson exec c true
	one_line
	for command in pause "update --pids-limit 5"; do
		# shellcheck disable=SC2086 # words
		expect 1 caisson $command c
		one_line
	done
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 0 caisson delete c
	nothing_left
}

@test "the record is removed under a container in front" {
	make_bundle b
	script b 'cat /tmp/go/fifo >/dev/null; exit 7'
	mkdir go
	mkfifo go/fifo
	config b '.mounts += [{ "destination": "/tmp/go", "source": $s, "options": ["bind"] }]' --arg s "$W/go"
	"$CAISSON" --root "$STATE" run -b b c </dev/null >out 2>&1 3>&- &
	local run=$!
	wait_for is_status c running
	rm -r "$STATE/c"
	expect 1 caisson state c
	says 'container does not exist'
	echo go >go/fifo
	status=0
	wait "$run" || status=$?
	[ "$status" = 7 ]
	nothing_left
}

@test "the record is removed between create and start" {
	make_bundle b
	expect 0 caisson create -b b c
	local pid
	pid=$(pid_of c)
	rm -r "$STATE/c"
	local command
	for command in start delete state; do
		expect 1 caisson $command c
		says 'container does not exist'
	done
	expect 255 caisson exec c true
	says 'container does not exist'
	# the same bundle: its group is in use, and stays whose it is
	expect 1 caisson create -b b d
	says "container's cgroup is not empty: 1 process(es) found"
	kill -KILL "$pid"
	wait_for rmdir "$CGROUP$CGROUP_PREFIX/b"
	nothing_left
}

# --- little to give ---------------------------------------------------------------------------

@test "little address space" {
	! sanitized || skip "a sanitizer needs some terabytes of it"
	make_bundle b
	local kib worked=0 refused=0
	for kib in 1000 1200 1400 1600 1800 2000 2200 2400 2800 3200 4000 6000 10000; do
		# below that not even the program is there
		prlimit --as=$((kib * 1024)) "$CAISSON" --version </dev/null >out 2>&1 3>&- || continue
		survives prlimit --as=$((kib * 1024)) "$CAISSON" --root "$STATE" create -b b c
	done
	[ $worked -gt 0 ]
}

@test "small files only" {
	make_bundle b
	config b '.process.args = ["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"]'
	local bytes worked=0 refused=0
	for bytes in 1000 4096 20000 65536; do
		survives prlimit --fsize=$bytes "$CAISSON" --root "$STATE" create -b b c
		[ "$status" = 0 ] || says 'file too large'
	done
	[ $worked -gt 0 ] && [ $refused -gt 0 ]
	# not even the message finds room
	for bytes in 0 1 100; do
		expect 1 prlimit --fsize=$bytes "$CAISSON" --root "$STATE" create -b b c
		nothing_left
	done
	expect 1 prlimit --fsize=1000 "$CAISSON" --root "$STATE" run -b b c
	says 'write memfd caisson-init: file too large'
	says 'ulimit -f'
	# the signal is the container's as ever
	local mask
	expect 0 prlimit --fsize=65536 "$CAISSON" --root "$STATE" run -b b c
	[ "$(wc -l <<<"$output")" = 2 ]
	while read -r _ mask; do
		[ $((16#$mask >> 24 & 1)) = 0 ] # SIGXFSZ, signal(7)
	done <<<"$output"
	nothing_left
}

@test "few locked pages, signals, processes, little stack" {
	make_bundle b
	local limit worked=0 refused=0
	local limits=(memlock=0 sigpending=0 nproc=1 stack=131072 msgqueue=0 rtprio=0 nice=0 core=0 cpu=5)
	sanitized || limits+=(data=1000000)
	for limit in "${limits[@]}"; do
		survives prlimit "--$limit" "$CAISSON" --root "$STATE" create -b b c
	done
	[ $worked -gt 5 ]
}

@test "without each one of root's capabilities" {
	make_bundle b
	local cap worked=0 refused=0
	for cap in chown dac_override dac_read_search fowner kill setgid setuid setpcap net_admin \
		sys_chroot sys_ptrace sys_admin sys_resource mknod setfcap bpf perfmon; do
		survives setpriv --bounding-set "-$cap" --inh-caps "-$cap" \
			"$CAISSON" --root "$STATE" create -b b c
		[ "$cap" != sys_admin ] || [ "$status" = 1 ]
	done
	[ $worked -gt 8 ]
}

@test "a filter of the caller's refuses a system call" {
	make_bundle b
	local call error worked=0 refused=0
	for call in clone3 openat2 fsopen fsconfig fsmount open_tree move_mount mount_setattr mount \
		umount2 pivot_root chroot unshare setns memfd_create execveat socketpair sendmsg \
		symlinkat mkdirat renameat flock bpf keyctl sethostname capset setresuid \
		setgroups prlimit64 sched_setaffinity setsid prctl pidfd_send_signal close_range; do
		for error in 1 38; do # EPERM, ENOSYS: engines' own profiles give both
			survives "$TOOLS/lie" "$(number_of $call):$error" "$CAISSON" --root "$STATE" create -b b c
		done
	done
	[ $refused -gt 40 ]
}

@test "no procfs on /proc, something else on it, no /dev/null, no /sys" {
	! sanitized || skip "a sanitizer reads procfs itself"
	make_bundle b
	local break worked=0 refused=0
	for break in 'umount -l /proc' 'mount -t tmpfs t /proc' 'mount --bind /etc/passwd /dev/null' \
		'mount -t tmpfs t /dev' 'mount -t tmpfs t /sys' 'mount -t tmpfs t /sys/fs/cgroup'; do
		survives unshare -m --propagation private sh -c "$break; exec \"\$@\"" sh \
			"$CAISSON" --root "$STATE" create -b b c
	done
	[ $refused -gt 3 ]
}
