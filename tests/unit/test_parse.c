/* SPDX-License-Identifier: Apache-2.0 */
/* parse_*.c and read.c: each field is read, and what asks for nothing is absent. */
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "oci.h"

#define LINUX(members)     "'linux':{" members "}"
#define RESOURCES(members) LINUX("'resources':{" members "}")
#define SECCOMP(members)   LINUX("'seccomp':{" members "}")

/* --- what is accepted ---------------------------------------------------------------- */

static void test_minimal(void **state)
{
	PARSED struct parsed p;
	const struct oci_config *c = accept(&p, "");

	(void)state;
	assert_string_equal(c->oci_version, "1.3.0");
	assert_string_equal(c->root_path, "rootfs");
	assert_false(c->root_readonly);
	assert_null(c->process);
	assert_null(c->hostname);
	assert_null(c->vm);
	assert_non_null(c->linux_);
	assert_null(c->linux_->resources);
	assert_null(c->linux_->seccomp);
	assert_int_equal(c->mount_count, 0);
	assert_int_equal(c->linux_->rootfs_propagation, 0);
	for (int kind = 0; kind < OCI_NS_KINDS; kind++)
		assert_false(c->linux_->namespaces[kind].wanted);
}

/* null is absent, an empty string too, and what is not known is not looked at. */
static void test_nothing(void **state)
{
	PARSED struct parsed p;
	const struct oci_config *c = accept(
		&p, "'process':null,'hostname':'','domainname':null,'mounts':null,'hooks':null,"
		    "'annotations':null,'vm':null,'windows':{'x':1},'future':[{'a':null}],"
		    "'linux':{'resources':{'memory':{'limit':0,'swap':0,'disableOOMKiller':false},"
		    "'cpu':{'cpus':'','mems':'','shares':0,'quota':0,'period':0},'blockIO':{},"
		    "'pids':{},'network':{'classID':0},'unified':{},'devices':null,'rdma':{}},"
		    "'seccomp':{'defaultAction':'','architectures':null,'syscalls':null},"
		    "'intelRdt':{},'sysctl':{},'cgroupsPath':'','rootfsPropagation':'',"
		    "'namespaces':null,'maskedPaths':null,'devices':[]}");

	(void)state;
	assert_null(c->process);
	assert_null(c->hostname);
	assert_null(c->vm);
	const struct oci_resources *r = c->linux_->resources;
	assert_non_null(r);
	assert_null(r->memory);
	assert_null(r->cpu);
	assert_null(r->block_io);
	assert_false(r->pids_limit.set);
	assert_false(r->network.class_id.set);
	assert_int_equal(r->unified.n, 0);
	assert_null(c->linux_->seccomp);
	assert_null(c->linux_->intel_rdt);
	assert_null(c->linux_->cgroups_path);
}

static void test_process(void **state)
{
	PARSED struct parsed p;
	const struct oci_process *q =
		accept(&p,
	               "'process':{'terminal':true,'consoleSize':{'height':25,'width':65535},"
	               "'user':{'uid':4294967294,'gid':7,'umask':18,'additionalGids':[0,4294967294],"
	               "'username':'x'},'args':['a','','b c'],'env':['A=1','B=','C=x=y'],"
	               "'cwd':'/w','noNewPrivileges':true,'oomScoreAdj':-1000,"
	               "'apparmorProfile':'acme','selinuxLabel':'s:l',"
	               "'rlimits':[{'type':'RLIMIT_NOFILE','soft':0,'hard':18446744073709551615},"
	               "{'type':'RLIMIT_CORE','soft':1,'hard':1}],"
	               "'scheduler':{'policy':'SCHED_DEADLINE','nice':-20,'runtime':1,'deadline':2,"
	               "'period':3,'flags':['SCHED_FLAG_RECLAIM','SCHED_FLAG_RESET_ON_FORK']},"
	               "'ioPriority':{'class':'IOPRIO_CLASS_IDLE','priority':7},"
	               "'execCPUAffinity':{'initial':'0-3,7','final':'1'}}")
			->process;

	(void)state;
	assert_true(q->terminal);
	assert_true(q->console_size.set);
	assert_int_equal(q->console_size.height, 25);
	assert_int_equal(q->console_size.width, 65535);
	assert_true(q->user.uid == 4294967294U);
	assert_int_equal(q->user.gid, 7);
	assert_true(q->user.umask.set && q->user.umask.value == 022);
	assert_int_equal(q->user.additional_gid_count, 2);
	assert_true(q->user.additional_gids[1] == 4294967294U);
	assert_int_equal(q->args.n, 3);
	assert_string_equal(q->args.v[1], "");
	assert_string_equal(q->args.v[2], "b c");
	assert_null(q->args.v[3]);
	assert_string_equal(q->env.v[2], "C=x=y");
	assert_string_equal(q->cwd, "/w");
	assert_true(q->no_new_privileges);
	assert_true(q->oom_score_adj.set && q->oom_score_adj.value == -1000);
	assert_string_equal(q->apparmor_profile, "acme");
	assert_string_equal(q->selinux_label, "s:l");
	assert_int_equal(q->rlimit_count, 2);
	assert_int_equal(q->rlimits[0].resource, RLIMIT_NOFILE);
	assert_string_equal(q->rlimits[0].name, "RLIMIT_NOFILE");
	assert_true(q->rlimits[0].hard == UINT64_MAX);
	assert_int_equal(q->scheduler->policy, SCHED_DEADLINE);
	assert_int_equal(q->scheduler->nice, -20);
	assert_int_equal(q->scheduler->flags, SCHED_FLAG_RECLAIM | SCHED_FLAG_RESET_ON_FORK);
	assert_int_equal(q->scheduler->period, 3);
	assert_int_equal(q->io_priority->class, IOPRIO_CLASS_IDLE);
	assert_int_equal(q->io_priority->priority, 7);
	assert_string_equal(q->exec_cpu_affinity.initial, "0-3,7");
	assert_string_equal(q->exec_cpu_affinity.final, "1");
	assert_null(q->capabilities);
}

static void test_capability_sets(void **state)
{
	PARSED struct parsed p;
	const struct oci_capabilities *c =
		accept(&p,
	               PROCESS(",'capabilities':{'bounding':['CAP_CHOWN','CAP_CHECKPOINT_RESTORE',"
	                       "'CAP_NEW'],'effective':['CAP_KILL'],'permitted':['CAP_KILL'],"
	                       "'inheritable':[],'ambient':['CAP_SYS_ADMIN','NOT_A_CAP']}"))
			->process->capabilities;

	(void)state;
	assert_true(c->bounding == (UINT64_C(1) | UINT64_C(1) << 40));
	assert_true(c->effective == UINT64_C(1) << 5);
	assert_true(c->permitted == UINT64_C(1) << 5);
	assert_true(c->inheritable == 0);
	assert_true(c->ambient == UINT64_C(1) << 21);
	assert_int_equal(c->unknown.n, 2);
	assert_string_equal(c->unknown.v[0], "CAP_NEW");
	assert_string_equal(c->unknown.v[1], "NOT_A_CAP");
	assert_null(c->unknown.v[2]);
}

static void test_mounts_and_hooks(void **state)
{
	PARSED struct parsed p;
	const struct oci_config *c = accept(
		&p,
		"'mounts':[{'destination':'tmp','type':'','source':'/s','options':['rbind','ro']},"
		"{'destination':'/d','uidMappings':[{'containerID':0,'hostID':0,'size':4294967295}],"
		"'gidMappings':[{'containerID':0,'hostID':0,'size':1}]}],"
		"'hooks':{'poststop':[{'path':'/h','args':['h','x'],'env':[],'timeout':2147483647}],"
		"'prestart':[{'path':'/p'}]},'annotations':{'a.b':'','c':'d'}");

	(void)state;
	assert_int_equal(c->mount_count, 2);
	assert_string_equal(c->mounts[0].destination, "tmp");
	assert_null(c->mounts[0].type);
	assert_string_equal(c->mounts[0].source, "/s");
	assert_string_equal(c->mounts[0].options.v[1], "ro");
	assert_int_equal(c->mounts[0].uid_mappings.n, 0);
	assert_true(c->mounts[1].uid_mappings.v[0].size == 4294967295U);
	assert_int_equal(c->mounts[1].gid_mappings.n, 1);

	const struct oci_hook *hook = c->hooks[OCI_HOOK_POSTSTOP].v;
	assert_string_equal(hook->path, "/h");
	assert_string_equal(hook->args.v[1], "x");
	assert_true(hook->env_set && hook->env.n == 0);
	assert_true(hook->timeout.set && hook->timeout.value == INT32_MAX);
	hook = c->hooks[OCI_HOOK_PRESTART].v;
	assert_true(!hook->env_set && !hook->timeout.set && hook->args.n == 0);
	assert_int_equal(c->hooks[OCI_HOOK_POSTSTART].n, 0);

	assert_int_equal(c->annotations.n, 2);
	assert_string_equal(c->annotations.v[0].key, "a.b");
	assert_string_equal(c->annotations.v[1].value, "d");
}

static void test_namespaces(void **state)
{
	PARSED struct parsed p;
	const struct oci_namespace *n =
		accept(&p,
	               LINUX("'namespaces':[{'type':'user','path':'/proc/1/ns/user'},{'type':'pid',"
	                     "'path':''},{'type':'cgroup'},{'type':'time','path':'/t'}]"))
			->linux_->namespaces;

	(void)state;
	assert_true(n[OCI_NS_USER].wanted);
	assert_string_equal(n[OCI_NS_USER].path, "/proc/1/ns/user");
	assert_int_equal(n[OCI_NS_USER].index, 0);
	assert_true(n[OCI_NS_PID].wanted);
	assert_null(n[OCI_NS_PID].path);
	assert_true(n[OCI_NS_CGROUP].wanted);
	assert_int_equal(n[OCI_NS_TIME].index, 3);
	assert_false(n[OCI_NS_MOUNT].wanted);
	assert_string_equal(oci_namespace_name(OCI_NS_NETWORK), "network");
	assert_true(oci_namespace_flag(OCI_NS_TIME) == CLONE_NEWTIME);
}

static void test_linux(void **state)
{
	PARSED struct parsed p;
	const struct oci_linux *l =
		accept(&p,
	               LINUX("'namespaces':[{'type':'user'},{'type':'time'},{'type':'network'},"
	                     "{'type':'mount'}],"
	                     "'uidMappings':[{'containerID':0,'hostID':1000,'size':1},"
	                     "{'containerID':1,'hostID':100000,'size':65536}],"
	                     "'gidMappings':[{'containerID':0,'hostID':1000,'size':1}],"
	                     "'timeOffsets':{'monotonic':{'secs':-5,'nanosecs':999999999},"
	                     "'boottime':{}},"
	                     "'devices':[{'type':'u','path':'/dev/a','major':4095,'minor':1048575,"
	                     "'fileMode':8630,'uid':1,'gid':0},{'type':'p','path':'/dev/p'}],"
	                     "'netDevices':{'eth0':{'name':'c%d'},'wlan0':{}},"
	                     "'cgroupsPath':'/a/b','rootfsPropagation':'rslave',"
	                     "'sysctl':{'net.ipv4.ip_forward':'1'},"
	                     "'maskedPaths':['/proc/kcore'],'readonlyPaths':['/proc/sys','/x'],"
	                     "'mountLabel':'l','personality':{'domain':'LINUX32','flags':[]},"
	                     "'intelRdt':{'closID':'/','l3CacheSchema':'L3:0=f','memBwSchema':'MB:0=1',"
	                     "'schemata':['L2:0=1'],'enableMonitoring':true},"
	                     "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0-1',"
	                     "'flags':['MPOL_F_STATIC_NODES']}"))
			->linux_;

	(void)state;
	assert_int_equal(l->uid_mappings.n, 2);
	assert_int_equal(l->uid_mappings.v[1].container_id, 1);
	assert_int_equal(l->uid_mappings.v[1].host_id, 100000);
	assert_int_equal(l->uid_mappings.v[1].size, 65536);
	assert_true(l->monotonic.set && l->monotonic.secs == -5);
	assert_int_equal(l->monotonic.nanosecs, 999999999);
	assert_true(l->boottime.set && l->boottime.secs == 0);
	assert_int_equal(l->device_count, 2);
	assert_int_equal(l->devices[0].type, 'c');
	assert_int_equal(l->devices[0].major, 4095);
	assert_int_equal(l->devices[0].minor, 1048575);
	assert_int_equal(l->devices[0].file_mode.value, 0666);
	assert_true(l->devices[0].uid.set && l->devices[0].gid.set);
	assert_int_equal(l->devices[1].type, 'p');
	assert_false(l->devices[1].file_mode.set || l->devices[1].uid.set);
	assert_int_equal(l->net_device_count, 2);
	assert_string_equal(l->net_devices[0].host_name, "eth0");
	assert_string_equal(l->net_devices[0].name, "c%d");
	assert_null(l->net_devices[1].name);
	assert_string_equal(l->cgroups_path, "/a/b");
	assert_true(l->rootfs_propagation == (MS_SLAVE | MS_REC));
	assert_string_equal(l->sysctl.v[0].key, "net.ipv4.ip_forward");
	assert_string_equal(l->masked_paths.v[0], "/proc/kcore");
	assert_int_equal(l->readonly_paths.n, 2);
	assert_string_equal(l->mount_label, "l");
	assert_true(l->personality.set && l->personality.domain == PER_LINUX32);
	assert_string_equal(l->intel_rdt->clos_id, "/");
	assert_string_equal(l->intel_rdt->schemata.v[0], "L2:0=1");
	assert_true(l->intel_rdt->enable_monitoring.value);
	assert_string_equal(l->memory_policy->mode_name, "MPOL_BIND");
	assert_int_equal(l->memory_policy->mode, MPOL_BIND);
	assert_string_equal(l->memory_policy->nodes, "0-1");
	assert_int_equal(l->memory_policy->flags, MPOL_F_STATIC_NODES);
}

static void test_devices_memory_cpu(void **state)
{
	PARSED struct parsed p;
	const struct oci_resources *r =
		accept(&p, RESOURCES("'devices':[{'allow':false,'access':'rwm'},{'allow':true,"
	                             "'type':'c','major':10,'minor':-1,'access':'r'}],"
	                             "'memory':{'limit':9223372036854775807,'reservation':1,"
	                             "'swap':-1,'kernel':-1,'kernelTCP':2,'swappiness':0,"
	                             "'disableOOMKiller':true,'useHierarchy':false,"
	                             "'checkBeforeUpdate':true},"
	                             "'cpu':{'shares':18446744073709551615,'quota':-1,'burst':0,"
	                             "'period':100000,'realtimeRuntime':5,'realtimePeriod':6,"
	                             "'cpus':'0-31:2/8, 9','mems':'0','idle':1}"))
			->linux_->resources;

	(void)state;
	assert_int_equal(r->device_count, 2);
	assert_int_equal(r->devices[0].type, 'a');
	assert_false(r->devices[0].allow || r->devices[0].major.set);
	assert_true(r->devices[0].read && r->devices[0].write && r->devices[0].mknod);
	assert_true(r->devices[1].allow && r->devices[1].read && !r->devices[1].write);
	assert_int_equal(r->devices[1].type, 'c');
	assert_int_equal(r->devices[1].minor.value, -1);
	assert_true(r->memory->limit.value == INT64_MAX);
	assert_int_equal(r->memory->swap.value, -1);
	assert_int_equal(r->memory->kernel_tcp.value, 2);
	assert_true(r->memory->swappiness.set && r->memory->swappiness.value == 0);
	assert_true(r->memory->disable_oom_killer.value);
	assert_true(r->memory->use_hierarchy.set && !r->memory->use_hierarchy.value);
	assert_true(r->memory->check_before_update.value);
	assert_true(r->cpu->shares.value == UINT64_MAX);
	assert_int_equal(r->cpu->quota.value, -1);
	assert_true(r->cpu->burst.set && r->cpu->burst.value == 0);
	assert_string_equal(r->cpu->cpus, "0-31:2/8, 9");
	assert_true(r->cpu->idle.set && r->cpu->idle.value == 1);
}

static void test_swap_of_zero(void **state)
{
	PARSED struct parsed alone;
	PARSED struct parsed beside;
	const struct oci_resources *r;

	(void)state;
	r = accept(&alone, RESOURCES("'memory':{'swap':0}"))->linux_->resources;
	assert_true(r->memory->swap.set && r->memory->swap.value == 0);
	r = accept(&beside, RESOURCES("'memory':{'limit':5,'swap':0}"))->linux_->resources;
	assert_false(r->memory->swap.set);
}

/* Rules that forbid: runc's own tests write "rwa". */
static void test_device_rule_of_all(void **state)
{
	PARSED struct parsed p;
	const struct oci_resources *r =
		accept(&p, RESOURCES("'devices':[{'allow':false,'access':'a'},"
	                             "{'allow':false,'access':'rwa'}]"))
			->linux_->resources;

	(void)state;
	assert_int_equal(r->device_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(r->devices[i].read && r->devices[i].write && r->devices[i].mknod);
}

/* As Go reads them: runc sets limits that are written so. */
static void test_names_in_any_case(void **state)
{
	PARSED struct parsed p;
	const struct oci_resources *r =
		accept(&p, RESOURCES("'cpu':{'shares':5},'CPU':{'Cpus':'0','MEMS':'1'},"
	                             "'pids':{'limit':3},"
	                             "'Pids':{'limit':4}"))
			->linux_->resources;

	(void)state;
	assert_int_equal(r->cpu->shares.value, 5);
	assert_string_equal(r->cpu->cpus, "0");
	assert_string_equal(r->cpu->mems, "1");
	assert_int_equal(r->pids_limit.value, 3);
}

static void test_other_resources(void **state)
{
	PARSED struct parsed p;
	const struct oci_resources *r =
		accept(&p, RESOURCES("'pids':{'limit':0},'blockIO':{'weight':10,'leafWeight':1000,"
	                             "'weightDevice':[{'major':8,'minor':0,'weight':500}],"
	                             "'throttleReadBpsDevice':[{'major':8,'minor':1,"
	                             "'rate':18446744073709551615}],"
	                             "'throttleWriteBpsDevice':[{'major':8,'minor':1,'rate':0}],"
	                             "'throttleReadIOPSDevice':[{'major':8,'minor':1,'rate':3}],"
	                             "'throttleWriteIOPSDevice':[{'major':8,'minor':1,'rate':4}]},"
	                             "'hugepageLimits':[{'pageSize':'2MB','limit':0},"
	                             "{'pagesize':'1GB','limit':1}],"
	                             "'network':{'classID':1048577,'priorities':[{'name':'eth0',"
	                             "'priority':5}]},'rdma':{'mlx5':{'hcaHandles':3}},"
	                             "'unified':{'memory.high':'max','cpu.weight':''}"))
			->linux_->resources;

	(void)state;
	assert_true(r->pids_limit.set && r->pids_limit.value == 0);
	assert_int_equal(r->block_io->weight.value, 10);
	assert_int_equal(r->block_io->weight_devices[0].weight.value, 500);
	assert_false(r->block_io->weight_devices[0].leaf_weight.set);
	assert_true(r->block_io->read_bps.v[0].rate == UINT64_MAX);
	assert_int_equal(r->block_io->write_bps.n, 1);
	assert_int_equal(r->block_io->read_iops.v[0].rate, 3);
	assert_int_equal(r->block_io->write_iops.v[0].rate, 4);
	assert_string_equal(r->hugepage_limits[0].page_size, "2MB");
	assert_string_equal(r->hugepage_limits[1].page_size, "1GB");
	assert_int_equal(r->network.class_id.value, 1048577);
	assert_string_equal(r->network.priorities[0].name, "eth0");
	assert_string_equal(r->rdma[0].device, "mlx5");
	assert_true(r->rdma[0].handles.set && !r->rdma[0].objects.set);
	assert_string_equal(r->unified.v[1].value, "");
}

static void test_seccomp(void **state)
{
	PARSED struct parsed p;
	const struct oci_seccomp *s =
		accept(&p,
	               SECCOMP("'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
	                       "'architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_LOONGARCH64'],"
	                       "'flags':['SECCOMP_FILTER_FLAG_LOG'],'listenerPath':'/l',"
	                       "'listenerMetadata':'m','syscalls':[{'names':['read','made_up'],"
	                       "'action':'SCMP_ACT_ALLOW','args':[{'index':5,'op':"
	                       "'SCMP_CMP_MASKED_EQ','value':18446744073709551615,'valueTwo':1}]},"
	                       "{'names':['x'],'action':'SCMP_ACT_TRACE','errnoRet':65535},"
	                       "{'names':['x'],'action':'SCMP_ACT_NOTIFY'},"
	                       "{'names':['x'],'action':'SCMP_ACT_KILL_THREAD'}]"))
			->linux_->seccomp;

	(void)state;
	assert_int_equal(s->default_action, OCI_ACT_ERRNO);
	assert_int_equal(s->default_errno_ret.value, 38);
	assert_int_equal(s->architectures.n, 2);
	assert_true(s->flags_set);
	assert_string_equal(s->flags.v[0], "SECCOMP_FILTER_FLAG_LOG");
	assert_string_equal(s->listener_path, "/l");
	assert_string_equal(s->listener_metadata, "m");
	assert_int_equal(s->rule_count, 4);
	assert_string_equal(s->rules[0].names.v[1], "made_up");
	assert_int_equal(s->rules[0].action, OCI_ACT_ALLOW);
	assert_int_equal(s->rules[0].args[0].index, 5);
	assert_int_equal(s->rules[0].args[0].op, OCI_CMP_MASKED_EQ);
	assert_true(s->rules[0].args[0].value == UINT64_MAX);
	assert_int_equal(s->rules[0].args[0].value_two, 1);
	assert_int_equal(s->rules[1].errno_ret.value, 65535);
	assert_int_equal(s->rules[2].action, OCI_ACT_NOTIFY);
	assert_int_equal(s->rules[3].action, OCI_ACT_KILL);

	PARSED struct parsed q;
	s = accept(&q, SECCOMP("'defaultAction':'SCMP_ACT_LOG','flags':[]"))->linux_->seccomp;
	assert_true(s->flags_set && s->flags.n == 0);
	PARSED struct parsed t;
	s = accept(&t, SECCOMP("'defaultAction':'SCMP_ACT_LOG'"))->linux_->seccomp;
	assert_false(s->flags_set);
}

static void test_vm(void **state)
{
	PARSED struct parsed p;
	const struct oci_vm *v =
		accept(&p, "'vm':{'hypervisor':{'path':'/h','parameters':['a','b']},"
	                   "'kernel':{'path':'/k','parameters':['quiet'],'initrd':'/i'},"
	                   "'image':{'path':'/m','format':'qcow2'},'hwConfig':{'deviceTree':'t',"
	                   "'vcpus':2,'memory':1073741824,'dtdevs':['d'],'iomems':[{'firstGFN':1,"
	                   "'firstMFN':2,'nrMFNs':3}],'irqs':[1,2]}}")
			->vm;

	(void)state;
	assert_string_equal(v->hypervisor_path, "/h");
	assert_int_equal(v->hypervisor_parameters.n, 2);
	assert_string_equal(v->kernel_path, "/k");
	assert_string_equal(v->initrd, "/i");
	assert_string_equal(v->image_format, "qcow2");
	assert_true(v->hw.present);
	assert_int_equal(v->hw.vcpus.value, 2);
	assert_int_equal(v->hw.memory.value, 1073741824);
}

/* --- entry points ------------------------------------------------------------------------------
 */

static void test_entry_points(void **state)
{
	static const char process[] = "{\"cwd\":\"/\",\"args\":[\"x\"]}";
	static const char bad_process[] = "{\"cwd\":\"x\",\"rlimits\":[{}]}";
	static const char resources[] = "{\"pids\":{\"limit\":-1}}";
	static const char bad_resources[] = "{\"memory\":{\"limit\":-5}}";
	const struct oci_process *p = NULL;
	const struct oci_resources *r = NULL;
	ARENA struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, OCI_CONFIG_MAX_ARENA);
	assert_int_equal(oci_process_parse(&a, process, strlen(process), &p, &e), 0);
	assert_string_equal(p->args.v[0], "x");
	assert_int_equal(oci_process_parse(&a, bad_process, strlen(bad_process), &p, &e), -1);
	assert_string_equal(e.text,
	                    "args: must not be empty; cwd: \"x\": must be an absolute path; "
	                    "rlimits[0].type: is required; rlimits[0].soft: is required; "
	                    "rlimits[0].hard: is required");
	assert_int_equal(oci_process_parse(&a, "[]", 2, &p, &e), -1);
	assert_string_equal(e.text, "line 1, column 1: must be an object");

	assert_int_equal(oci_resources_parse(&a, resources, strlen(resources), &r, &e), 0);
	assert_int_equal(r->pids_limit.value, -1);
	assert_int_equal(oci_resources_parse(&a, bad_resources, strlen(bad_resources), &r, &e), -1);
	assert_string_equal(e.text, "memory.limit: -5: must be -1 or at least 0");
	assert_int_equal(oci_resources_parse(&a, "1", 1, &r, &e), -1);
	assert_int_equal(oci_resources_parse(&a, "{}", 2, &r, &e), 0);
	assert_null(r->memory);
}

static void test_hook_names(void **state)
{
	(void)state;
	assert_string_equal(oci_hook_kind_name(OCI_HOOK_PRESTART), "prestart");
	assert_string_equal(oci_hook_kind_name(OCI_HOOK_POSTSTOP), "poststop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimal),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_capability_sets),
		cmocka_unit_test(test_mounts_and_hooks),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_linux),
		cmocka_unit_test(test_devices_memory_cpu),
		cmocka_unit_test(test_swap_of_zero),
		cmocka_unit_test(test_device_rule_of_all),
		cmocka_unit_test(test_names_in_any_case),
		cmocka_unit_test(test_other_resources),
		cmocka_unit_test(test_seccomp),
		cmocka_unit_test(test_vm),
		cmocka_unit_test(test_entry_points),
		cmocka_unit_test(test_hook_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
