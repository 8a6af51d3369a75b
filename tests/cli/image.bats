#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# What init is executed from where memory files may not be (sysctl vm.memfd_noexec): the
# installed copy, which a container must not be able to write.

load helpers

# As in setup, but from an installation; the sysctl is one of a pid namespace.
install() {
	[ -e /proc/sys/vm/memfd_noexec ] || skip "this kernel has no sysctl vm.memfd_noexec"
	"$TOP/tests/install" "$TOP/build" "$W/installed" >/dev/null
	CAISSON=$W/installed/bin/caisson
	INIT=$W/installed/libexec/caisson/caisson-init
}

# forbidden SCRIPT: runs it where memory files cannot be executed
forbidden() {
	unshare --pid --fork --mount-proc --kill-child sh -euc \
		'echo 2 >/proc/sys/vm/memfd_noexec; caisson() { "$CAISSON" --root "$STATE" "$@"; }; '"$1"
}

@test "run, create, start and exec without memory files that can be executed" {
	export CAISSON STATE INIT
	install
	make_bundle b
	script b 'echo ran; exit 4'
	expect 4 forbidden 'caisson run -b b c'
	is ran
	nothing_left
	config b '.process.args = ["sleep", "1000"]'
	expect 0 forbidden 'caisson create -b b c; caisson start c; caisson exec c hostname
		caisson delete --force c'
	is caisson
	config b '.linux.namespaces += [{ "type": "user" }] | .process.args = ["id", "-u"]
		| .linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 1000 }]
		| .linux.gidMappings = [{ "containerID": 0, "hostID": 100000, "size": 1000 }]'
	expect 0 forbidden 'caisson run -b b c'
	is 0
}

@test "the installed copy cannot be written, nor its mount changed, through /proc/PID/exe" {
	requires python3
	export CAISSON STATE INIT
	install
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	# what the container had opened while init ran, it writes when nobody executes it any more
	cat >attack.py <<-'END'
		import ctypes, errno, os, subprocess, sys
		exe = f"/proc/{sys.argv[1]}/exe"
		assert os.path.samefile(exe, os.environ["INIT"])
		held = os.open(exe, os.O_PATH), os.open(exe, os.O_RDONLY)
		subprocess.check_call([os.environ["CAISSON"], "--root", os.environ["STATE"], "start", "c"])
		libc = ctypes.CDLL(None, use_errno=True)
		for fd in held:
		    attributes = (ctypes.c_uint64 * 4)(0, 1, 0, 0)  # clear MOUNT_ATTR_RDONLY
		    assert libc.syscall(442, fd, b"", 0x1000, ctypes.byref(attributes), 32) == -1
		    assert ctypes.get_errno() == errno.EINVAL, ctypes.get_errno()
		    try:
		        os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_TRUNC)
		        sys.exit("it could be opened for writing")
		    except OSError as e:
		        assert e.errno == errno.EROFS, e
	END
	before=$(sha256sum "$INIT")
	expect 0 forbidden 'caisson create -b b c
		python3 attack.py "$(caisson state c | sed -n "s/.*\"pid\": \([0-9]*\).*/\1/p")"
		caisson delete --force c'
	[ "$before" = "$(sha256sum "$INIT")" ]
	nothing_left
}

@test "a copy that is not there, is another's, or that others may write, is refused" {
	export CAISSON STATE INIT
	install
	make_bundle b
	chmod o+w "$INIT"
	expect 1 forbidden 'caisson run -b b c'
	says 'memfd_noexec'
	says "$INIT: not a file that only its owner"
	one_line
	chmod 755 "$INIT"
	chown 1000 "$INIT"
	expect 1 forbidden 'caisson run -b b c'
	says "$INIT: not a file that only its owner"
	chown 0 "$INIT"
	echo >>"$INIT"
	expect 1 forbidden 'caisson run -b b c'
	says "$INIT: belongs to another build"
	one_line
	cp /bin/true "$INIT"
	expect 1 forbidden 'caisson run -b b c'
	says 'belongs to another build'
	rm "$INIT"
	expect 1 forbidden 'caisson run -b b c'
	says 'no such file or directory'
	one_line
	nothing_left
}
