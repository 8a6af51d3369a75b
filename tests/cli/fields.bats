#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# Every field of config.json, one at a time (fields.py): its effect is seen, or it is
# refused by name. None is silently ignored.

load helpers

FIELDS=$BATS_TEST_DIRNAME/fields.py

setup_file() {
	command -v python3 >/dev/null || skip_all "needs the program python3"
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# all_of PREFIX...: the cases of the fields that begin so
all_of() {
	make_bundle b
	cp b/config.json base.json
	export CAISSON STATE W ROOTFS CGROUP CGROUP_PREFIX
	export GROUP=$CGROUP$CGROUP_PREFIX/b
	export -f caisson config status_of pid_of
	expect 0 python3 "$FIELDS" run "$@"
}

@test "the table has every field that the parser knows, and the manual has the table" {
	expect 0 python3 "$FIELDS" check
}

@test "the whole: ociVersion, root, names, annotations" {
	all_of ociVersion root hostname domainname annotations
}

@test "mounts" { all_of mounts; }
@test "process" { all_of process; }
@test "hooks" { all_of hooks; }

@test "linux: all but resources and seccomp" {
	all_of linux.{namespaces,uid,gid,time,devices,net,cgroups,sysctl,rootfs,masked,readonly,mountL,intel,memoryP,pers}
}

@test "linux.resources" { all_of linux.resources; }
@test "linux.seccomp" { all_of linux.seccomp; }
@test "vm" { all_of vm; }
