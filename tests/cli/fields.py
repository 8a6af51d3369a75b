#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every field of config.json: how it is applied, what proves it, what it needs.

  fields.py doc      the table of docs/config.md
  fields.py run PREFIX...   carries out the cases of these fields, for fields.bats
  fields.py check    says what the parser knows and the table lacks, or the other way
                     round, and whether docs/config.md is the table

A case sets its field alone (`set`, jq, on the bundle of the tests) and tells what has
to be seen: `sh` is run in the container, or `run` by the test, and the output matches
`shows`; or the start is `refused` with that text. Where both are given, either will
do: it depends on the host. `file` is a file of the cgroup: where the host lacks its
controller, the field has to be refused by name.
"""
import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIELDS = []


def field(path, how, kernel="", see="", **case):
    FIELDS.append({"field": path, "how": how, "kernel": kernel, "see": see, "case": case})


def limit(path, how, value, file, shows, resources=None, kernel=""):
    keys = path.replace("[]", "").split(".")
    # fields that only mean something together are refused by the first of them
    name = ".".join(keys[:3]) if resources else path
    if resources is None:
        for key in reversed(keys[2:]):
            value = {key: value}
        resources = value
    seen = {"file": file, "shows": shows} if file else {}
    field(path, how, kernel, "units of cgroups", set=f".linux.resources = {json.dumps(resources)}",
          refused=name, **seen)


STATUS = "cat /proc/self/status"

# --- the whole --------------------------------------------------------------------------
field("ociVersion", "any 1.x.y is taken", set='.ociVersion = "2.0.0"', refused="ociVersion")
field("root.path", "cloned, entered, made the root",
      run='cp -a "$ROOTFS" other; touch other/marker; config b ".root.path = \\"$W/other\\""; caisson run -b b c',
      sh="ls /", shows="marker")
field("root.readonly", "mount attribute of the root", set=".root.readonly = true", sh="touch /x",
      shows="Read-only file system")
field("hostname", "sethostname(2)", set='.hostname = "field"', sh="hostname", shows="^field$")
field("domainname", "setdomainname(2)", set='.domainname = "field.org"',
      sh="cat /proc/sys/kernel/domainname", shows="^field.org$")
field('annotations["io.caisson.landlock"]', "Landlock: JSON text, as [policies](policy.md#landlock) says",
      see="landlock.bats", set='.annotations["io.caisson.landlock"] = "{"', refused="io.caisson.landlock")
field("annotations", "given back by state, list and hooks", see="lifecycle.bats",
      set='.annotations = { "a.b": "c" }', run="caisson create -b b c; caisson state c", shows='"a.b": "c"')

# --- mounts -----------------------------------------------------------------------------
MOUNT = '.mounts += [{ "destination": "/tmp/m", "type": "tmpfs", "source": "src", "options": ["size=64k"] }]'
LIST = "grep /tmp/m /proc/mounts"
field("mounts[].destination", "found below the root, made where it is missing; / is the root from then on", see="sources.bats",
      set=MOUNT, sh=LIST, shows=" /tmp/m ")
field("mounts[].type", "fsopen(2), or open_tree(2) of a bind", set=MOUNT, sh=LIST, shows="tmpfs")
field("mounts[].source", "what fsconfig(2) or open_tree(2) is given", see="sources.bats",
      set=MOUNT, sh=LIST, shows="^src ")
field("mounts[].options", "attributes, propagation, and what is left for the filesystem",
      see="propagation.bats", set=MOUNT, sh=LIST, shows="size=64k")
for side in "uid", "gid":
    field(f"mounts[].{side}Mappings", "id-mapped mount", "5.12",
          set='.mounts += [{ "destination": "/tmp/m", "source": "/", "options": ["bind"], '
              '"uidMappings": [{ "containerID": 0, "hostID": 5000, "size": 9 }], '
              '"gidMappings": [{ "containerID": 0, "hostID": 5000, "size": 9 }] }]',
          sh="stat -c %u:%g /tmp/m", shows="^5000:5000$", refused="mounts[")

# --- process ----------------------------------------------------------------------------
field("process.terminal", "a pty of the container's devpts", see="terminal.bats",
      set=".process.terminal = true", sh="test -t 0 && echo a terminal", shows="a terminal")
for key, value in ("height", "^11 "), ("width", " 22"):
    field(f"process.consoleSize.{key}", "ioctl_tty(2)", see="terminal.bats",
          set='.process.terminal = true | .process.consoleSize = { "height": 11, "width": 22 }',
          sh="stty size", shows=value)
field("process.user.uid", "setresuid(2), read back", set=".process.user.uid = 7", sh="id -u", shows="^7$")
field("process.user.gid", "setresgid(2), read back", set=".process.user.gid = 8", sh="id -g", shows="^8$")
field("process.user.umask", "umask(2); 022 without it", set=".process.user.umask = 63", sh=STATUS,
      shows="Umask:.0077")
field("process.user.additionalGids", "setgroups(2), read back", set=".process.user.additionalGids = [11, 12]",
      sh="id -G", shows="11 12")
field("process.args", "execve(2)", set='.process.args = ["echo", "words"]', shows="^words$")
field("process.env", "execve(2); of equal names the last", set='.process.env += ["A=1", "A=2"]',
      sh="echo $A", shows="^2$")
field("process.cwd", "chdir(2), and looked at", set='.process.cwd = "/tmp"', sh="pwd", shows="^/tmp$")
for name, short in (("bounding", "Bnd"), ("effective", "Eff"), ("permitted", "Prm"), ("inheritable", "Inh"),
                    ("ambient", "Amb")):
    field(f"process.capabilities.{name}", "prctl(2) and capset(2), read back; unknown ones are warned of",
          see="isolation.bats",
          set='.process.capabilities = (["bounding", "effective", "permitted", "inheritable", "ambient"] | '
              'map({ (.): ["CAP_KILL"] }) | add)',
          sh=STATUS, shows=f"Cap{short}:.0000000000000020")
for key, flag, value in ("type", "n", "41"), ("soft", "Sn", "41"), ("hard", "Hn", "43"):
    field(f"process.rlimits[].{key}", "prlimit(2)",
          set='.process.rlimits = [{ "type": "RLIMIT_NOFILE", "soft": 41, "hard": 43 }]',
          sh=f"ulimit -{flag}", shows=f"^{value}$")
field("process.noNewPrivileges", "prctl(2)", set=".process.noNewPrivileges = true", sh=STATUS,
      shows="NoNewPrivs:.1")
field("process.oomScoreAdj", "written to /proc/self/oom_score_adj", set=".process.oomScoreAdj = 77",
      sh="cat /proc/self/oom_score_adj", shows="^77$")
field("process.apparmorProfile", "written to our own procfs, read back; in a microVM the monitor has it",
      see="units of init, microvm_engines.bats",
      set='.process.apparmorProfile = "nothing"', refused="process.apparmorProfile")
field("process.selinuxLabel", "written to our own procfs, read back; the session's keyring has it, too", see="units of init",
      set='.process.selinuxLabel = "a:b:c"', refused="process.selinuxLabel")
SCHEDULER = 'sed "s/.*) //" /proc/self/stat | cut -d " " -f 17,38,39'
for key, value in (("policy", '{ "policy": "SCHED_BATCH" }'), ("nice", '{ "policy": "SCHED_BATCH", "nice": 4 }'),
                   ("priority", '{ "policy": "SCHED_FIFO", "priority": 5 }')):
    field(f"process.scheduler.{key}", "sched_setattr(2)", see="process.bats",
          set=f".process.scheduler = {value}", sh=SCHEDULER,
          shows={"policy": " 3$", "nice": "^4 ", "priority": " 5 1$"}[key])
field("process.scheduler.flags", "sched_setattr(2)", see="process.bats",
      set='.process.scheduler = { "policy": "SCHED_BATCH", "nice": -5, "flags": ["SCHED_FLAG_RESET_ON_FORK"] }',
      sh=SCHEDULER, shows="^0 0 3$")
for key in "runtime", "deadline", "period":
    field(f"process.scheduler.{key}", "sched_setattr(2)", see="process.bats",
          set='.process.scheduler = { "policy": "SCHED_DEADLINE", "runtime": 50000, "deadline": 900000, '
              '"period": 1000000, "flags": ["SCHED_FLAG_RESET_ON_FORK"] }',
          run='config b ".process.args = [\\"sleep\\", \\"100\\"]"; caisson run -d -b b c && chrt -p "$(pid_of c)"',
          shows="50000/900000/1000000")
for key, value in ("class", "^best-effort"), ("priority", " 6$"):
    field(f"process.ioPriority.{key}", "ioprio_set(2)", see="process.bats",
          set='.process.ioPriority = { "class": "IOPRIO_CLASS_BE", "priority": 6 }',
          run='config b ".process.args = [\\"sleep\\", \\"100\\"]"; caisson run -d -b b c && ionice -p "$(pid_of c)"',
          shows=value)
for key, how in ("initial", "sched_setaffinity(2) of the runtime"), ("final", "sched_setaffinity(2), exec only"):
    field(f"process.execCPUAffinity.{key}", how, see="process.bats",
          set=f'.process.args = ["sleep", "100"] | .process.execCPUAffinity = {{ "{key}": "8000" }}',
          run="caisson run -d -b b c && caisson exec c true || true", shows=f"process.execCPUAffinity.{key}")

# --- hooks ------------------------------------------------------------------------------
HOOK = ('.hooks.createRuntime = [{ "path": "/bin/sh", "args": ["zero", "-c", $s], "env": ["A=b"], "timeout": 1 }]')
for kind, where in (("prestart", "host"), ("createRuntime", "host"), ("createContainer", "the container's namespaces"),
                    ("startContainer", "container"), ("poststart", "host"), ("poststop", "host")):
    file = "/tmp/hooked" if kind == "startContainer" else "$W/hooked"
    field(f"hooks.{kind}", f"run, {where}", see="hooks.bats",
          run=f'config b ".hooks.{kind} = [{{ \\"path\\": \\"/bin/sh\\", \\"args\\": [\\"sh\\", \\"-c\\", '
             f'\\"echo ran >{file}\\"] }}]"; caisson run -b b c; cat $W/hooked || true',
          sh="cat /tmp/hooked 2>/dev/null", shows="^ran$")
for key, value, shows in (("path", '{ "path": "/nowhere/hook" }', "/nowhere/hook"),
                          ("args", '{ "path": "/bin/sh", "args": ["sh", "-c", "echo words >&2; exit 3"] }', "words"),
                          ("env", '{ "path": "/bin/sh", "args": ["sh", "-c", "echo $A >&2; exit 3"], "env": ["A=value"] }',
                           "value"),
                          ("timeout", '{ "path": "/bin/sleep", "args": ["sleep", "100"], "timeout": 1 }',
                           "no end after 1 s")):
    field(f"hooks.KIND[].{key}", {"timeout": "then it is killed, and has failed"}.get(key, "execve(2)"),
          see="hooks.bats", set=f".hooks.createRuntime = [{value}]", refused=shows)

# --- linux ------------------------------------------------------------------------------
field("linux.namespaces[].type", "clone3(2), setns(2)", see="isolation.bats, shared_mounts.bats",
      set='.linux.namespaces |= map(select(.type != "uts")) | del(.hostname)', sh="readlink /proc/self/ns/uts",
      run='caisson run -b b c; readlink /proc/self/ns/uts', shows="^(uts:[^ ]*)\n\\1$")
field("linux.namespaces[].path", "opened, its type compared, setns(2)", see="isolation.bats, shared_mounts.bats",
      set='(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/self/ns/ipc"', sh="readlink /proc/self/ns/ipc",
      run='caisson run -b b c; readlink /proc/self/ns/ipc', shows="^(ipc:[^ ]*)\n\\1$")
for side in "uid", "gid":
    for key, value in ("containerID", "^ +0 "), ("hostID", " 100000 "), ("size", " 65536$"):
        field(f"linux.{side}Mappings[].{key}", f"written to /proc/PID/{side}_map", see="isolation.bats",
              set='.linux.namespaces += [{ "type": "user" }] | '
                  '.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] | '
                  '.linux.gidMappings = .linux.uidMappings',
              sh=f"cat /proc/self/{side}_map", shows=value)
for clock in "monotonic", "boottime":
    for key, value in ("secs", "1234"), ("nanosecs", "5678"):
        field(f"linux.timeOffsets.{clock}.{key}", "written to /proc/self/timens_offsets", "5.6", "isolation.bats",
              set='.linux.namespaces += [{ "type": "time" }] | '
                  f'.linux.timeOffsets = {{ "{clock}": {{ "secs": 1234, "nanosecs": 5678 }} }}',
              sh="cat /proc/self/timens_offsets", shows=f"{clock} .* {value}")
DEVICE = ('.linux.devices = [{ "path": "/dev/field", "type": "c", "major": 1, "minor": 7, "fileMode": 416, '
          '"uid": 21, "gid": 22 }]')
for key, value in (("path", "^/dev/field "), ("type", " character special file "), ("major", " 1,"), ("minor", ",7 "),
                   ("fileMode", " 640 "), ("uid", " 21:"), ("gid", ":22$")):
    field(f"linux.devices[].{key}", "mknod(2); a bind of the host's in a user namespace", see="isolation.bats",
          set=DEVICE, sh='stat -c "%n %F %t,%T %a %u:%g" /dev/field', shows=value)
field("linux.netDevices.NAME", "moved by rtnetlink(7), with its addresses", "5.13", "netdev.bats",
      set='.linux.netDevices = { "nothing": {} }', refused="linux.netDevices: nothing")
field("linux.netDevices.NAME.name", "its name in the container", "5.13", "netdev.bats",
      set='.linux.netDevices = { "nothing": { "name": "a/b" } }', refused="linux.netDevices.nothing.name")
field("linux.cgroupsPath", "a group of cgroup v2", see="lifecycle.bats",
      run='config b ".linux.cgroupsPath = \\"$CGROUP_PREFIX/field\\" | .process.args = [\\"sleep\\", \\"100\\"]"; '
         'caisson run -d -b b c && cat /proc/"$(pid_of c)"/cgroup', shows="/field\n?$")
field("linux.sysctl", "written to our own procfs", see="isolation.bats",
      set='.linux.sysctl = { "net.ipv4.ip_forward": "1" }', sh="cat /proc/sys/net/ipv4/ip_forward", shows="^1$")
field("linux.rootfsPropagation", "mount_setattr(2)", "5.12", "propagation.bats",
      set='.linux.rootfsPropagation = "shared"', sh="cat /proc/self/mountinfo", shows="/busybox / .* shared:")
field("linux.maskedPaths", "covered by /dev/null or an empty read-only tmpfs", see="isolation.bats",
      set='.linux.maskedPaths = ["/proc/cmdline"]', sh="wc -c </proc/cmdline", shows="^0$")
field("linux.readonlyPaths", "bound read-only", see="isolation.bats",
      set='.linux.readonlyPaths = ["/tmp"]', sh="touch /tmp/x", shows="Read-only file system")
field("linux.mountLabel", "context of the filesystems that are mounted; refused without SELinux", set='.linux.mountLabel = "a:b:c"', refused="linux.mountLabel")
for key, value, how in (("closID", '"x"', "a folder of resctrl: made, or compared and used"),
                        ("l3CacheSchema", '"L3:0=f"', "its schemata"), ("memBwSchema", '"MB:0=1"', "its schemata"),
                        ("schemata", '["L2:0=1"]', "its schemata, written last"),
                        ("enableMonitoring", "true", "a folder of its mon_groups")):
    field(f"linux.intelRdt.{key}", how + "; refused without resctrl", see="units of cgroups",
          set=f'.linux.intelRdt = {{ "{key}": {value} }}', refused="linux.intelRdt: no resctrl")
for key, shows in ("mode", "^bind"), ("nodes", ":0$"), ("flags", "static"):
    field(f"linux.memoryPolicy.{key}", "set_mempolicy(2)", "5.15 for MPOL_PREFERRED_MANY, 6.9 for "
          "MPOL_WEIGHTED_INTERLEAVE" if key == "mode" else "", "process.bats",
          set='.linux.memoryPolicy = { "mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"] }',
          sh='head -n 1 /proc/self/numa_maps | cut -d " " -f 2', shows=shows, refused="set_mempolicy")
field("linux.personality.domain", "personality(2)", see="process.bats",
      set='.linux.personality = { "domain": "LINUX32" }', sh="uname -m", shows="^i686$")
field("linux.personality.flags", "the specification knows none", see="process.bats",
      set='.linux.personality = { "domain": "LINUX", "flags": ["X"] }', refused="linux.personality.flags")

# --- resources --------------------------------------------------------------------------
RULES = '.linux.resources.devices = [{ "allow": false, "access": "rwm" }, %s]'
RULE = '{ "allow": true, "type": "c", "major": 10, "minor": 229, "access": "%s" }'
FUSE = "mknod /tmp/k c 10 229; head -c 0 /tmp/k && echo opened; test -c /tmp/k && echo made"
CAPS = ' | .process.capabilities = (["bounding", "effective", "permitted"] | map({ (.): ["CAP_MKNOD"] }) | add) | '\
    '(.mounts[] | select(.destination == "/tmp")).options = []'
for key, access, shows in (("allow", "rm", "opened\nmade"), ("type", "rm", "opened\nmade"), ("major", "rm", "opened\nmade"),
                           ("minor", "rm", "opened\nmade"), ("access", "m", "(not permitted|^made)")):
    field(f"linux.resources.devices[].{key}", "an eBPF program of the cgroup" +
          ("; to forbid `a` is to forbid all" if key == "access" else ""), see="isolation.bats",
          set=RULES % (RULE % access) + CAPS, sh=FUSE, shows=shows)
limit("linux.resources.memory.limit", "memory.max", 64 << 20, "memory.max", "^67108864$")
limit("linux.resources.memory.reservation", "memory.low", 32 << 20, "memory.low", "^33554432$")
limit("linux.resources.memory.swap", "memory.swap.max, less the limit; 0 without a limit: no swap", 96 << 20, "memory.swap.max", "^33554432$",
      {"memory": {"limit": 64 << 20, "swap": 96 << 20}})
for key, value in (("kernel", 1 << 20), ("kernelTCP", 1 << 20), ("swappiness", 9), ("disableOOMKiller", True)):
    limit(f"linux.resources.memory.{key}", "only cgroup v1 has it", value, "", "")
field("linux.resources.memory.useHierarchy", "always so in cgroup v2; false counts as absent",
      set=".linux.resources.memory.useHierarchy = true", shows="^ran$")
field("linux.resources.memory.checkBeforeUpdate", "asked for by update only",
      set=".linux.resources.memory.checkBeforeUpdate = true", shows="^ran$")
limit("linux.resources.cpu.shares", "cpu.weight", 512, "cpu.weight", "^[1-9][0-9]*$")
limit("linux.resources.cpu.quota", "cpu.max", 50000, "cpu.max", "^50000 ")
limit("linux.resources.cpu.period", "cpu.max", 50000, "cpu.max", "^20000 50000$",
      {"cpu": {"quota": 20000, "period": 50000}})
limit("linux.resources.cpu.burst", "cpu.max.burst", 1000, "cpu.max.burst", "^1000$",
      {"cpu": {"quota": 20000, "period": 50000, "burst": 1000}}, "5.14")
for key in "realtimeRuntime", "realtimePeriod":
    limit(f"linux.resources.cpu.{key}", "only cgroup v1 has it", 1000, "", "")
limit("linux.resources.cpu.cpus", "cpuset.cpus", "0", "cpuset.cpus", "^0$")
limit("linux.resources.cpu.mems", "cpuset.mems", "0", "cpuset.mems", "^0$")
limit("linux.resources.cpu.idle", "cpu.idle", 1, "cpu.idle", "^1$", kernel="5.15")
limit("linux.resources.pids.limit", "pids.max", 50, "pids.max", "^50$")
limit("linux.resources.blockIO.weight", "io.bfq.weight, else io.weight", 200, "io.bfq.weight io.weight",
      "^(default )?(200|1920)$")
limit("linux.resources.blockIO.leafWeight", "only cgroup v1 has it", 200, "", "")
for key, value in ("major", 1), ("minor", 9), ("weight", 200):
    limit(f"linux.resources.blockIO.weightDevice[].{key}", "io.bfq.weight", 0, "io.bfq.weight", "200",
          {"blockIO": {"weightDevice": [{"major": 1, "minor": 0, "weight": 200}]}})
limit("linux.resources.blockIO.weightDevice[].leafWeight", "only cgroup v1 has it", 0, "", "",
      {"blockIO": {"weightDevice": [{"major": 1, "minor": 0, "leafWeight": 200}]}})
for key in "throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice":
    for part in "major", "minor", "rate":
        limit(f"linux.resources.blockIO.{key}[].{part}", "io.max", 0, "io.max", "=4096",
              {"blockIO": {key: [{"major": 1, "minor": 0, "rate": 4096}]}})
for key in "pageSize", "limit":
    limit(f"linux.resources.hugepageLimits[].{key}", "hugetlb.SIZE.max and .rsvd.max", 0, "hugetlb.2MB.max", "^2097152$",
          {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 << 20}]})
limit("linux.resources.network.classID", "only cgroup v1 has it", 7, "", "", {"network": {"classID": 7}})
for key in "name", "priority":
    limit(f"linux.resources.network.priorities[].{key}", "only cgroup v1 has it", 0, "", "",
          {"network": {"priorities": [{"name": "lo", "priority": 7}]}})
for key in "hcaHandles", "hcaObjects":
    limit(f"linux.resources.rdma.DEVICE.{key}", "rdma.max", 0, "rdma.max", "^$",
          {"rdma": {"mlx5_1": {key: 3}}})
limit("linux.resources.unified", "the file of that name", 0, "pids.max", "^51$", {"unified": {"pids.max": "51"}})

# --- seccomp ----------------------------------------------------------------------------
MKDIR = '{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 }'
SECCOMP = '.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [%s] }'
NOT_MADE = "mkdir /tmp/d"
field("linux.seccomp.defaultAction", "seccomp(2), compiled by libseccomp", see="seccomp.bats",
      set='.linux.seccomp = { "defaultAction": "SCMP_ACT_LOG" }', sh="grep Seccomp: /proc/self/status",
      shows="Seccomp:.2")
field("linux.seccomp.defaultErrnoRet", "of SCMP_ACT_ERRNO", see="seccomp.bats",
      set='.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 38 }',
      refused="linux.seccomp.defaultErrnoRet")
field("linux.seccomp.architectures", "beside the kernel's own", see="seccomp.bats",
      set='.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X"] }',
      refused="linux.seccomp.architectures[0]")
field("linux.seccomp.flags", "seccomp(2)", see="seccomp.bats",
      set='.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_X"] }',
      refused="linux.seccomp.flags[0]")
for key in "listenerPath", "listenerMetadata":
    field(f"linux.seccomp.{key}", "the listener is sent there, with the state", see="policy_agent.bats",
          set='.linux.seccomp = { "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nowhere/agent", '
              '"listenerMetadata": "text", "syscalls": [{ "names": ["mkdir"], "action": "SCMP_ACT_NOTIFY" }] }',
          refused="/nowhere/agent")
for key in "names", "action", "errnoRet":
    field(f"linux.seccomp.syscalls[].{key}", "rules of the filter", see="seccomp.bats", set=SECCOMP % MKDIR,
          sh=NOT_MADE, shows="Function not implemented")
for key in "index", "value", "valueTwo", "op":
    rule = ('{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, '
            '"args": [{ "index": %s, "value": 448, "valueTwo": 448, "op": "SCMP_CMP_MASKED_EQ" }] }')
    field(f"linux.seccomp.syscalls[].args[].{key}", "compares an argument", see="seccomp.bats",
          set=SECCOMP % (rule % 1).replace('"mkdir", "mkdirat"', '"mkdir"'),
          sh="mkdir -m 700 /tmp/d", shows="Function not implemented")

# --- vm ---------------------------------------------------------------------------------
KERNEL = f"/boot/vmlinuz-{os.uname().release}"  # where there is none, its path is in the message
field("vm.kernel.path", "the guest's kernel", see="microvm_life.bats",
      set='.vm = { "kernel": { "path": "/x/vmlinuz" } }', refused="/x/vmlinuz")
field("vm.kernel.initrd", "unpacked before ours", see="microvm_life.bats",
      set=f'.vm = {{ "kernel": {{ "path": "{KERNEL}", "initrd": "/x/initrd" }} }}', refused="/x/initrd")
for path, how, value, sh, shows in (
        ("kernel.parameters", "words for its command line", '["field.is=set"]', "cat /proc/cmdline", "field.is=set"),
        ("hwConfig.vcpus", "the guest's processors", "1", "nproc", "^1$"),
        ("hwConfig.memory", "the guest's memory", "268435456", "grep MemTotal /proc/meminfo", " 2[0-9]{5} kB")):
    top, key = path.split(".")
    field(f"vm.{path}", how, see="microvm_life.bats", sh=sh, shows=shows, refused=KERNEL,
          set=f'.vm = {{ "kernel": {{ "path": "{KERNEL}" }} }} | .vm.{top}.{key} = {value}')
for key, how, path, format, says in (("path", "the container's root", "/x/root.img", "raw", "/x/root.img"),
                                     ("format", "`raw`; others are refused", "/x", "qcow2", "vm.image.format")):
    field(f"vm.image.{key}", how, see="microvm_image.bats", refused=says,
          set=f'.vm = {{ "kernel": {{ "path": "{KERNEL}" }}, "image": {{ "path": "{path}", "format": "{format}" }} }}')
for path, value in (("hypervisor.path", '"/x"'), ("hypervisor.parameters", '["x"]'), ("hwConfig.deviceTree", '"/x"'),
                    ("hwConfig.dtdevs", '["x"]'), ("hwConfig.iomems", "[]"), ("hwConfig.irqs", "[1]")):
    top, key = path.split(".")
    field(f"vm.{path}", "refused", refused=f"vm.{top}",
          set=f'.vm = {{ "kernel": {{ "path": "{KERNEL}" }} }} | .vm.{top}.{key} = {value}')

# Parts of values that the table shows as one row, the numbers of Xen's memory ranges, and
# another spelling that is understood.
PARTS = {"firstGFN", "firstMFN", "nrMFNs", "irqs", "pagesize"}


def table():
    text = "| field | how it is applied | proved by | needs Linux |\n| --- | --- | --- | --- |\n"
    for f in FIELDS:
        proof = "`fields.bats`" + (f", {f['see']}" if f["see"] else "")
        text += f"| `{f['field']}` | {f['how']} | {proof} | {f['kernel'] or '6.1'} |\n"
    return text


# Readers of something else: the administrator's configuration, an engine's profile, an agent's rules, an annotation's text.
NO_CONFIG = {"parse_admin.c", "parse_agent.c", "parse_landlock.c", "parse_profile.c"}


def parser_keys():
    keys = set()
    for name in sorted(os.listdir(f"{TOP}/oci-spec")):
        if not name.startswith("parse") or not name.endswith(".c") or name in NO_CONFIG:
            continue
        with open(f"{TOP}/oci-spec/{name}", encoding="utf-8") as file:
            text = file.read()
        for call in re.finditer(r"\b(?:read|parse|json)_\w+\(([^;]*?)\)[,;.)\s]", text):
            keys |= set(re.findall(r'"([A-Za-z0-9]+)"', call.group(1)))
    return keys


def check():
    known = parser_keys()
    words = {word for f in FIELDS for word in re.findall(r"\w+", f["field"])}
    faults = [f"the parser knows \"{key}\", the table does not" for key in sorted(known - words - PARTS)]
    paths = [f["field"] for f in FIELDS]
    faults += [f"{path}: twice in the table" for path in sorted(set(paths)) if paths.count(path) > 1]
    leaves = {re.sub(r"\[\]$", "", path).split(".")[-1] for path in paths if '"' not in path}
    named = {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop", "NAME"}
    faults += [f"the table has \"{leaf}\", the parser has not" for leaf in sorted(leaves - known - named)]
    faults += [f"{f['field']}: has no case" for f in FIELDS
               if not any(key in f["case"] for key in ("shows", "refused"))]
    with open(f"{TOP}/docs/config.md", encoding="utf-8") as file:
        if table() not in file.read():
            faults.append("docs/config.md is not the table: tests/cli/fields.py doc")
    print("\n".join(faults))
    return 1 if faults else 0


def call(command):
    """Exit status and both outputs, as lines without a carriage return."""
    with open("output.txt", "wb") as out:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False,
                                timeout=120).returncode
    with open("output.txt", encoding="utf-8", errors="replace") as file:
        return status, file.read().replace("\r", "")


def write_config(case):
    """The bundle b of the test, changed by this case alone."""
    with open("base.json", encoding="utf-8") as file:
        text = file.read()
    if "set" in case:
        text = subprocess.run(["jq", case["set"]], input=text, capture_output=True, text=True, check=True).stdout
    config = json.loads(text)
    if "sh" in case:
        config["process"]["args"] = ["sh", "-c", case["sh"]]
    elif "file" in case:
        config["process"]["args"] = ["sleep", "100"]
    elif "run" not in case and "process.args" not in case.get("set", ""):
        config["process"]["args"] = ["echo", "ran"]
    with open("b/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)


def holds(case):
    """None, or what became of it instead."""
    caisson = [os.environ["CAISSON"], "--root", os.environ["STATE"]]
    write_config(case)
    if "run" in case:
        status, text = call(["bash", "-c", case["run"]])
    elif "file" in case:
        status, text = call(caisson + ["run", "-d", "-b", "b", "c"])
        if status == 0:
            names = [f"{os.environ['GROUP']}/{name}" for name in case["file"].split()]
            with open(next(filter(os.path.exists, names)), encoding="utf-8") as file:
                text = file.read()
    else:
        status, text = call(caisson + ["run", "-b", "b", "c"])
    if os.path.exists(f"{os.environ['STATE']}/c"):
        call(caisson + ["delete", "--force", "c"])
    if os.path.exists("hooked"):
        os.unlink("hooked")
    if "shows" in case and re.search(case["shows"], text, re.M):
        return None
    if "refused" in case and status != 0 and case["refused"] in text:
        return None
    return f"exit status {status}: {text[:300]}"


def run(prefixes):
    cases = [f for f in FIELDS if f["field"].startswith(tuple(prefixes))]
    faults = [(f["field"], holds(f["case"])) for f in cases]
    for path, text in faults:
        if text is not None:
            print(f"{path}: {text}")
    return 0 if cases and not any(text for _, text in faults) else 1


def main():
    if sys.argv[1:] == ["doc"]:
        sys.stdout.write(table())
    elif sys.argv[1:2] == ["run"]:
        return run(sys.argv[2:])
    elif sys.argv[1:] == ["check"]:
        return check()
    else:
        sys.stderr.write(__doc__)
        return 2
    return 0


sys.exit(main())
