/* SPDX-License-Identifier: Apache-2.0 */
/* parse_*.c and read.c: every wrong value is refused, with its path and the reason. */
#include "oci.h"

#define LINUX(members)     "'linux':{" members "}"
#define RESOURCES(members) LINUX("'resources':{" members "}")
#define SECCOMP(members)   LINUX("'seccomp':{" members "}")

static void test_bad_types(void **state)
{
	static const struct bad list[] = {
		{ "'process':[]", "process: must be an object, not a list" },
		{ "'mounts':{}", "mounts: must be a list, not an object" },
		{ "'mounts':[1,{'destination':'/'},'x']",
		  "mounts[0]: must be an object, not a number; mounts[2]: must be an object, not a "
		  "string" },
		{ "'hostname':1", "hostname: must be a string, not a number" },
		{ "'annotations':{'a':1,'b':'','c':null}",
		  "annotations.a: must be a string, not a number; annotations.c: must be a string, not "
		  "null" },
		{ "'annotations':{'':'x'}", "annotations: '': a name must not be empty" },
		{ "'linux':true", "linux: must be an object, not true or false" },
		{ "'vm':''", "vm: must be an object, not a string" },
		{ "'hooks':{'prestart':{}}", "hooks.prestart: must be a list, not an object" },
		{ PROCESS(",'terminal':1"),
		  "process.terminal: must be true or false, not a number" },
		{ PROCESS(",'noNewPrivileges':'true'"),
		  "process.noNewPrivileges: must be true or false, not a string" },
		{ PROCESS(",'env':['A=1',2]"), "process.env[1]: must be a string, not a number" },
		{ PROCESS(",'user':{'uid':'0'}"),
		  "process.user.uid: must be a number, not a string" },
		{ "'process':{'cwd':'/','args':'sh'}",
		  "process.args: must be a list, not a string" },
		{ RESOURCES("'unified':{'a':1}"),
		  "linux.resources.unified.a: must be a string, not a number" },
		{ RESOURCES("'rdma':{'a':1}"),
		  "linux.resources.rdma.a: must be an object, not a number" },
		{ LINUX("'timeOffsets':{'boottime':1},'namespaces':[{'type':'time'}]"),
		  "linux.timeOffsets.boottime: must be an object, not a number" },
		{ LINUX("'netDevices':{'a':1},'namespaces':[{'type':'network'}]"),
		  "linux.netDevices.a: must be an object, not a number" },
		{ SECCOMP("'defaultAction':1"),
		  "linux.seccomp.defaultAction: must be a string, not a number" },
		{ SECCOMP("'syscalls':{}"),
		  "linux.seccomp.defaultAction: is required; "
		  "linux.seccomp.syscalls: must be a list, not an object" },
	};

	(void)state;
	REFUSE_ALL(list);
}

/* Every kind of number at its borders and beyond. */
static void test_bad_numbers(void **state)
{
#define UID  "process.user.uid: "
#define FRAC ": must be a whole number, without fraction or exponent"
	static const struct bad list[] = {
		{ PROCESS(",'user':{'uid':-1}"), UID "-1: must be at least 0" },
		{ PROCESS(",'user':{'uid':-0}"), UID "-0: must be at least 0" },
		{ PROCESS(",'user':{'uid':4294967295}"),
		  UID "4294967295: must be at most 4294967294" },
		{ PROCESS(",'user':{'uid':4294967296}"),
		  UID "4294967296: must be at most 4294967294" },
		{ PROCESS(",'user':{'uid':18446744073709551616}"),
		  UID "18446744073709551616: must be at most 4294967294" },
		{ PROCESS(",'user':{'uid':1e3}"), UID "1e3" FRAC },
		{ PROCESS(",'user':{'uid':1.0}"), UID "1.0" FRAC },
		{ PROCESS(",'user':{'gid':4294967295}"),
		  "process.user.gid: 4294967295: must be at most 4294967294" },
		{ PROCESS(",'user':{'umask':512}"),
		  "process.user.umask: 512: must be at most 511" },
		{ PROCESS(",'user':{'additionalGids':[1,4294967295]}"),
		  "process.user.additionalGids[1]: 4294967295: must be at most 4294967294" },
		{ PROCESS(",'oomScoreAdj':-1001"),
		  "process.oomScoreAdj: -1001: must be at least -1000" },
		{ PROCESS(",'oomScoreAdj':1001"),
		  "process.oomScoreAdj: 1001: must be at most 1000" },
		{ PROCESS(",'consoleSize':{'height':65536}"),
		  "process.consoleSize.width: is required; process.consoleSize.height: 65536: must be "
		  "at most 65535" },
		{ PROCESS(",'rlimits':[{'type':'RLIMIT_AS','soft':-1,'hard':18446744073709551616}]"),
		  "process.rlimits[0].soft: -1: must be at least 0; process.rlimits[0].hard: "
		  "18446744073709551616: must be at most 18446744073709551615" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_limits(void **state)
{
#define LIM "linux.resources.memory.limit: "
	static const struct bad list[] = {
		{ RESOURCES("'memory':{'limit':-5}"), LIM "-5: must be -1 or at least 0" },
		{ RESOURCES("'memory':{'limit':9223372036854775808}"),
		  LIM "9223372036854775808: must be at most 9223372036854775807" },
		{ RESOURCES("'memory':{'limit':-9223372036854775809}"),
		  LIM "-9223372036854775809: must be -1 or at least 0" },
		{ RESOURCES("'memory':{'limit':1E6}"), LIM "1E6" FRAC },
		{ RESOURCES("'memory':{'swappiness':101}"),
		  "linux.resources.memory.swappiness: 101: must be at most 100" },
		{ RESOURCES("'cpu':{'shares':-1}"),
		  "linux.resources.cpu.shares: -1: must be at least 0" },
		{ RESOURCES("'cpu':{'idle':2}"), "linux.resources.cpu.idle: 2: must be at most 1" },
		{ RESOURCES("'pids':{'limit':-2}"),
		  "linux.resources.pids.limit: -2: must be -1 or at least 0" },
		{ RESOURCES("'blockIO':{'weight':9}"),
		  "linux.resources.blockIO.weight: 9: must be from 10 to 1000" },
		{ RESOURCES("'blockIO':{'weight':1001}"),
		  "linux.resources.blockIO.weight: 1001: must be at most 1000" },
		{ LINUX("'devices':[{'type':'c','path':'/d','major':4096,'minor':1048576}]"),
		  "linux.devices[0].major: 4096: must be at most 4095; linux.devices[0].minor: "
		  "1048576: must be at most 1048575" },
		{ LINUX("'timeOffsets':{'boottime':{'nanosecs':1000000000}},"
		        "'namespaces':[{'type':'time'}]"),
		  "linux.timeOffsets.boottime.nanosecs: 1000000000: must be at most 999999999" },
		{ "'hooks':{'poststop':[{'path':'/h','timeout':0}]}",
		  "hooks.poststop[0].timeout: 0: must be at least 1" },
		{ "'hooks':{'poststop':[{'path':'/h','timeout':-1}]}",
		  "hooks.poststop[0].timeout: -1: must be at least 1" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_LOG','syscalls':[{'names':['x'],'action':"
		          "'SCMP_ACT_LOG','args':[{'index':6,'value':1,'op':'SCMP_CMP_EQ'}]}]"),
		  "linux.seccomp.syscalls[0].args[0].index: 6: must be at most 5" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_process(void **state)
{
	static const struct bad list[] = {
		{ "'process':{}", "process.args: must not be empty; process.cwd: is required" },
		{ "'process':{'args':[],'cwd':''}",
		  "process.args: must not be empty; process.cwd: '': must not be empty" },
		{ "'process':{'args':['x'],'cwd':'rel/x'}",
		  "process.cwd: 'rel/x': must be an absolute path" },
		{ PROCESS(",'env':['A','=b']"),
		  "process.env[0]: 'A': must have the form NAME=VALUE; "
		  "process.env[1]: '=b': its name is empty" },
		{ PROCESS(",'rlimits':[{'type':'RLIMIT_FOO','soft':1,'hard':1}]"),
		  "process.rlimits[0].type: 'RLIMIT_FOO': is not known" },
		{ PROCESS(",'rlimits':[{'soft':1,'hard':1}]"),
		  "process.rlimits[0].type: is required" },
		{ PROCESS(",'rlimits':[{'type':'RLIMIT_AS','soft':2,'hard':1}]"),
		  "process.rlimits[0]: soft must not be above hard" },
		{ PROCESS(",'rlimits':[{'type':'RLIMIT_AS','soft':1,'hard':1},"
		          "{'type':'RLIMIT_AS','soft':1,'hard':1}]"),
		  "process.rlimits[1]: duplicated rlimit type RLIMIT_AS" },
		{ PROCESS(",'scheduler':{}"), "process.scheduler.policy: is required" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_X'}"),
		  "process.scheduler.policy: 'SCHED_X': must be one of SCHED_OTHER, SCHED_FIFO, "
		  "SCHED_RR, SCHED_BATCH, SCHED_ISO, SCHED_IDLE, SCHED_DEADLINE" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_OTHER','nice':20}"),
		  "process.scheduler.nice: 20: must be at most 19" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_FIFO'}"),
		  "process.scheduler.priority: must be from 1 to 99 for SCHED_FIFO" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_FIFO','priority':200}"),
		  "process.scheduler.priority: 200: must be at most 99" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_BATCH','priority':1,'runtime':1}"),
		  "process.scheduler.priority: can only be given for SCHED_FIFO or SCHED_RR; "
		  "process.scheduler: runtime, deadline and period can only be given for "
		  "SCHED_DEADLINE" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_DEADLINE','runtime':5,'deadline':4}"),
		  "process.scheduler: must have 0 < runtime <= deadline <= period for "
		  "SCHED_DEADLINE" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_OTHER','flags':['SCHED_FLAG_X']}"),
		  "process.scheduler.flags[0]: 'SCHED_FLAG_X': is not known" },
		{ PROCESS(",'ioPriority':{'class':'X','priority':8}"),
		  "process.ioPriority.class: 'X': must be one of IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, "
		  "IOPRIO_CLASS_IDLE; process.ioPriority.priority: 8: must be at most 7" },
		{ PROCESS(",'execCPUAffinity':{'initial':'0-','final':'0,,1'}"),
		  "process.execCPUAffinity.initial: '0-': must be a list like 0-3,8; "
		  "process.execCPUAffinity.final: '0,,1': must be a list like 0-3,8" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_mounts_and_hooks(void **state)
{
	static const struct bad list[] = {
		{ "'mounts':[{}]", "mounts[0].destination: is required" },
		{ "'mounts':[{'destination':''}]", "mounts[0].destination: '': must not be empty" },
		{ "'mounts':[{'destination':'/','options':['a',1]}]",
		  "mounts[0].options[1]: must be a string, not a number" },
		{ "'mounts':[{'destination':'/','uidMappings':[{'containerID':0,'hostID':0,"
		  "'size':1}]}]",
		  "mounts[0]: uidMappings and gidMappings must be given both or neither" },
		{ "'hooks':{'prestart':[{}],'createRuntime':[{'path':''}],'createContainer':"
		  "[{'path':'x'}],'startContainer':[{'path':1}]}",
		  "hooks.prestart[0].path: is required; hooks.createRuntime[0].path: '': must not be "
		  "empty; hooks.createContainer[0].path: 'x': must be an absolute path; "
		  "hooks.startContainer[0].path: must be a string, not a number" },
		{ "'hooks':{'poststart':[{'path':'/x','args':1}],'poststop':[{'path':'/x','env':[1]}]}",
		  "hooks.poststart[0].args: must be a list, not a number; hooks.poststop[0].env[0]: "
		  "must be a string, not a number" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_linux(void **state)
{
	static const struct bad list[] = {
		{ LINUX("'namespaces':[{'path':'/x'}]"), "linux.namespaces[0].type: is required" },
		{ LINUX("'namespaces':[{'type':'pid','path':'x'}]"),
		  "linux.namespaces[0].path: 'x': must be an absolute path" },
		{ LINUX("'namespaces':[{'type':'mnt'}]"),
		  "linux.namespaces[0].type: 'mnt': must be one of pid, network, mount, ipc, uts, "
		  "user, cgroup, time" },
		{ LINUX("'namespaces':[{'type':'pid'},{'type':'ipc'},{'type':'pid'}]"),
		  "linux.namespaces[2]: duplicated namespace pid" },
		{ LINUX("'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':0,"
		        "'size':0}],'gidMappings':[{'containerID':1,'hostID':0,'size':4294967295}]"),
		  "linux.uidMappings[0].size: must be at least 1; linux.gidMappings[0]: goes beyond the "
		  "last id, 4294967294" },
		{ LINUX("'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':0,"
		        "'size':10},{'containerID':10,'hostID':9,'size':1}],'gidMappings':[{}]"),
		  "linux.uidMappings: entries 0 and 1 overlap; linux.gidMappings[0].containerID: is "
		  "required; linux.gidMappings[0].hostID: is required; linux.gidMappings[0].size: is "
		  "required" },
		{ LINUX("'timeOffsets':{'realtime':{}}"),
		  "linux.timeOffsets.realtime: no such clock: must be monotonic or boottime" },
		{ LINUX("'devices':[{'path':'/x'},{'type':'c','path':'x'},{'type':'d','path':'/x'}]"),
		  "linux.devices[0].type: is required; linux.devices[1].path: 'x': must be an absolute "
		  "path; linux.devices[1].major: is required; linux.devices[1].minor: is required; "
		  "linux.devices[2].type: 'd': must be one of c, u, b, p" },
		{ LINUX("'namespaces':[{'type':'network'}],'netDevices':{'a/b':{},'..':{},"
		        "'c':{'name':'sixteencharacters'},'':{}}"),
		  "linux.netDevices['a/b']: not a name of a network device; linux.netDevices['..']: "
		  "not a name of a network device; linux.netDevices.c.name: 'sixteencharacters': not a "
		  "name of a network device; linux.netDevices['']: not a name of a network device" },
		{ LINUX("'rootfsPropagation':'rprivat'"),
		  "linux.rootfsPropagation: 'rprivat': must be one of shared, rshared, slave, rslave, "
		  "private, rprivate, unbindable, runbindable" },
		{ LINUX("'namespaces':[{'type':'mount'}],'maskedPaths':['/a','b'],'readonlyPaths':['']"),
		  "linux.maskedPaths[1]: 'b': must be an absolute path; linux.readonlyPaths[0]: '': must "
		  "be an absolute path" },
		{ LINUX("'personality':{'domain':'BSD','flags':['x']}"),
		  "linux.personality.domain: 'BSD': must be one of LINUX, LINUX32; "
		  "linux.personality.flags: must be empty: the specification knows no flags" },
		{ LINUX("'intelRdt':{'closID':'../x'}"),
		  "linux.intelRdt.closID: '../x': must be '/' or a name without slashes" },
		{ LINUX("'intelRdt':{'closID':'..'}"),
		  "linux.intelRdt.closID: '..': must be '/' or a name without slashes" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_memory_policy(void **state)
{
	static const struct bad list[] = {
		{ LINUX("'memoryPolicy':{'mode':'MPOL_X','flags':['MPOL_F_X']}"),
		  "linux.memoryPolicy.flags[0]: 'MPOL_F_X': invalid memory policy flag; "
		  "linux.memoryPolicy.mode: 'MPOL_X': invalid memory policy mode" },
		{ LINUX("'memoryPolicy':{}"),
		  "linux.memoryPolicy.mode: '': invalid memory policy mode" },
		{ LINUX("'memoryPolicy':{'mode':'MPOL_LOCAL','nodes':'0'}"),
		  "linux.memoryPolicy.nodes: invalid memory policy: the mode requires 0 nodes but got 1" },
		{ LINUX("'memoryPolicy':{'mode':'MPOL_DEFAULT','nodes':'0-7'}"),
		  "linux.memoryPolicy.nodes: invalid memory policy: the mode requires 0 nodes but got 8" },
		{ LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0-9876543210'}"),
		  "linux.memoryPolicy.nodes: '0-9876543210': invalid memory policy nodes: must be a list "
		  "like 0-3,8" },
		{ LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'9000'}"),
		  "linux.memoryPolicy.nodes: '9000': invalid memory policy nodes: must be a list like "
		  "0-3,8" },
		{ LINUX("'memoryPolicy':{'mode':'MPOL_INTERLEAVE','flags':['MPOL_F_STATIC_NODES',"
		        "'MPOL_F_RELATIVE_NODES','MPOL_F_NUMA_BALANCING']}"),
		  "linux.memoryPolicy.nodes: invalid memory policy: the mode requires at least one node "
		  "but got 0; "
		  "linux.memoryPolicy.flags: MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each "
		  "other; linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING goes only with MPOL_BIND and "
		  "MPOL_PREFERRED_MANY" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_resources(void **state)
{
	static const struct bad list[] = {
		{ RESOURCES("'devices':[{}]"), "linux.resources.devices[0].allow: is required; "
		                               "linux.resources.devices[0].access: is required" },
		{ RESOURCES("'devices':[{'allow':true,'type':'p','access':'rx'}]"),
		  "linux.resources.devices[0].type: 'p': must be one of a, c, b; "
		  "linux.resources.devices[0].access: 'rx': must consist of r, w and m" },
		{ RESOURCES(
			  "'devices':[{'allow':true,'access':'a'},{'allow':false,'access':'ax'}]"),
		  "linux.resources.devices[0].access: 'a': must consist of r, w and m; "
		  "linux.resources.devices[1].access: 'ax': must consist of r, w and m" },
		{ RESOURCES("'memory':{'limit':10,'swap':9}"),
		  "linux.resources.memory: swap is memory and swap together: it must not be below "
		  "limit" },
		{ RESOURCES("'cpu':{'cpus':'0-3;x','mems':'-1'}"),
		  "linux.resources.cpu.cpus: '0-3;x': must be a list like 0-3,8; "
		  "linux.resources.cpu.mems: '-1': must be a list like 0-3,8" },
		{ RESOURCES("'hugepageLimits':[{},{'pageSize':'2mb','limit':1},{'pageSize':'../B',"
		            "'limit':1},{'pageSize':'02MB','limit':1},{'pageSize':'2','limit':1}]"),
		  "linux.resources.hugepageLimits[0].limit: is required; "
		  "linux.resources.hugepageLimits[0].pageSize: is required; "
		  "linux.resources.hugepageLimits[1].pageSize: '2mb': must be a size like 2MB or 1GB; "
		  "linux.resources.hugepageLimits[2].pageSize: '../B': must be a size like 2MB or 1GB; "
		  "linux.resources.hugepageLimits[3].pageSize: '02MB': must be a size like 2MB or 1GB; "
		  "linux.resources.hugepageLimits[4].pageSize: '2': must be a size like 2MB or 1GB" },
		{ RESOURCES("'unified':{'../x':'1','..':''}"),
		  "linux.resources.unified['../x']: must be the name of a file of the cgroup, without "
		  "slashes; linux.resources.unified['..']: must be the name of a file of the cgroup, "
		  "without slashes" },
		{ RESOURCES("'rdma':{'a b':{}}"),
		  "linux.resources.rdma['a b']: not a name of an RDMA device" },
		{ RESOURCES("'blockIO':{'throttleReadBpsDevice':[{}]}"),
		  "linux.resources.blockIO.throttleReadBpsDevice[0].rate: is required; "
		  "linux.resources.blockIO.throttleReadBpsDevice[0].major: is required; "
		  "linux.resources.blockIO.throttleReadBpsDevice[0].minor: is required" },
		{ RESOURCES("'network':{'priorities':[{}]}"),
		  "linux.resources.network.priorities[0].priority: is required; "
		  "linux.resources.network.priorities[0].name: is required" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_seccomp(void **state)
{
#define RULE(members) \
	SECCOMP("'defaultAction':'SCMP_ACT_LOG','syscalls':[{'names':['x']," members "}]")
	static const struct bad list[] = {
		{ SECCOMP("'syscalls':[{'names':['x'],'action':'SCMP_ACT_LOG'}]"),
		  "linux.seccomp.defaultAction: is required" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_DENY'"),
		  "linux.seccomp.defaultAction: 'SCMP_ACT_DENY': is not known" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'/l'"),
		  "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_ALLOW','defaultErrnoRet':1"),
		  "linux.seccomp.defaultErrnoRet: can only be given with SCMP_ACT_ERRNO or "
		  "SCMP_ACT_TRACE" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':4096"),
		  "linux.seccomp.defaultErrnoRet: 4096: must be at most 4095" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_LOG','architectures':['SCMP_ARCH_VAX'],"
		          "'flags':['X'],'listenerPath':'l'"),
		  "linux.seccomp.architectures[0]: 'SCMP_ARCH_VAX': is not known; "
		  "linux.seccomp.flags[0]: 'X': is not known; linux.seccomp.listenerPath: 'l': must be "
		  "an absolute path" },
		{ RULE("'action':'SCMP_ACT_NOTIFY'"),
		  "linux.seccomp.listenerPath: is required when a rule has SCMP_ACT_NOTIFY" },
		{ RULE("'action':'SCMP_ACT_KILL','errnoRet':1"),
		  "linux.seccomp.syscalls[0].errnoRet: can only be given with SCMP_ACT_ERRNO or "
		  "SCMP_ACT_TRACE" },
		{ RULE("'action':'SCMP_ACT_TRACE','errnoRet':65536"),
		  "linux.seccomp.syscalls[0].errnoRet: 65536: must be at most 65535" },
		{ RULE("'args':[{}]"), "linux.seccomp.syscalls[0].action: is required; "
		                       "linux.seccomp.syscalls[0].args[0].index: is required; "
		                       "linux.seccomp.syscalls[0].args[0].value: is required; "
		                       "linux.seccomp.syscalls[0].args[0].op: is required" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_LOG','syscalls':[{'names':[],'action':"
		          "'SCMP_ACT_LOG'},{'action':'SCMP_ACT_LOG'},{'names':[''],'action':"
		          "'SCMP_ACT_LOG'}]"),
		  "linux.seccomp.syscalls[0].names: must name at least one system call; "
		  "linux.seccomp.syscalls[1].names: must name at least one system call; "
		  "linux.seccomp.syscalls[2].names[0]: '': must not be empty" },
	};

	(void)state;
	REFUSE_ALL(list);
}

static void test_bad_vm(void **state)
{
	static const struct bad list[] = {
		{ "'vm':{}", "vm.kernel: is required" },
		{ "'vm':{'kernel':{'path':'k'}}", "vm.kernel.path: 'k': must be an absolute path" },
		{ "'vm':{'kernel':{},'hypervisor':{},'image':{}}",
		  "vm.hypervisor.path: is required; vm.kernel.path: is required; vm.image.path: is "
		  "required; vm.image.format: is required" },
		{ "'vm':{'kernel':{'path':'/k','parameters':'a b'},'image':{'path':'/i',"
		  "'format':'iso'},'hwConfig':{'vcpus':-1,'irqs':['x'],'iomems':[{'firstGFN':-1}],"
		  "'dtdevs':{}}}",
		  "vm.kernel.parameters: must be a list, not a string; vm.image.format: 'iso': must be "
		  "one of raw, qcow2, vdi, vmdk, vhd; vm.hwConfig.vcpus: -1: must be at least 0; "
		  "vm.hwConfig.irqs[0]: must be a number, not a string; vm.hwConfig.dtdevs: must be a "
		  "list, not an object; vm.hwConfig.iomems[0].firstGFN: -1: must be at least 0" },
	};

	(void)state;
	REFUSE_ALL(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_types),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_bad_limits),
		cmocka_unit_test(test_bad_process),
		cmocka_unit_test(test_bad_mounts_and_hooks),
		cmocka_unit_test(test_bad_linux),
		cmocka_unit_test(test_bad_memory_policy),
		cmocka_unit_test(test_bad_resources),
		cmocka_unit_test(test_bad_seccomp),
		cmocka_unit_test(test_bad_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
