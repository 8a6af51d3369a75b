#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs in the container: each line says what an attack on the host brought. Whether the
# names of the host have changed is seen from there.
# attacks.sh HANDLE
say() { # NAME WHAT-IT-BROUGHT
	printf '%-12s%s\n' "$1" "${2:-refused}"
}

say process "$(cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -m 1 ^DECOY=)"
say network "$(nc 127.0.0.1 7777 </dev/null 2>/dev/null)"
say memory "$(grep -q ' 57024 ' /proc/sysvipc/shm && echo 'sees shared memory of the host')"
say handle "$(attack handle "$1")"
say keys "$(grep -q decoy-key /proc/keys 2>/dev/null && echo 'sees a key of the host')"
group=$(sed -n 's/^0:://p' /proc/self/cgroup)
say cgroup "$([ "$group" = / ] || echo 'sees its place among the groups of the host')"
mknod /dev/log c 1 11 2>/dev/null
say device "$( (: </dev/log) 2>/dev/null && echo 'could read the log of the kernel')"
hostname taken 2>/dev/null
echo taken 2>/dev/null >/proc/sys/kernel/domainname
true
