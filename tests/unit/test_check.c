/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the whole config: check.c, check_sysctl.c, versions, limits, bombs. */
#include <sys/resource.h>

#include "oci.h"

#define LINUX(members) "'linux':{" members "}"

/* --- namespaces ------------------------------------------------------------------------ */

static void test_namespace_rules(void **state)
{
	static const struct bad list[] = {
		{ "'hostname':'h','domainname':'d'",
		  "hostname: unable to set hostname without a private UTS namespace; domainname: unable "
		  "to set domainname without a private UTS namespace" },
		{ LINUX("'uidMappings':[{'containerID':0,'hostID':0,'size':1}]"),
		  "linux.uidMappings: user namespace mappings specified, but user namespace isn't enabled "
		  "in the config" },
		{ LINUX("'namespaces':[{'type':'user'}]"),
		  "linux.uidMappings: a new user namespace needs both uidMappings and gidMappings" },
		{ LINUX("'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':0,"
		        "'size':1}]"),
		  "linux.uidMappings: a new user namespace needs both uidMappings and gidMappings" },
		{ LINUX("'namespaces':[{'type':'user','path':'/u'}],'gidMappings':[{'containerID':0,"
		        "'hostID':0,'size':1}]"),
		  "linux.uidMappings: user namespace enabled, but both namespace path and mappings "
		  "specified -- you may only provide one" },
		{ LINUX("'timeOffsets':{'boottime':{'secs':1}}"),
		  "linux.timeOffsets: time namespace offsets specified, but time namespace isn't enabled "
		  "in the config" },
		{ LINUX("'namespaces':[{'type':'time','path':'/t'}],'timeOffsets':{'monotonic':{}}"),
		  "linux.timeOffsets: time namespace enabled, but both namespace path and time offsets "
		  "specified -- you may only provide one" },
		{ LINUX("'maskedPaths':['/a'],'readonlyPaths':['/b']"),
		  "linux.maskedPaths: unable to restrict sys entries without a private MNT namespace; "
		  "linux.readonlyPaths: unable to restrict sys entries without a private MNT namespace" },
		{ LINUX("'netDevices':{'eth0':{}}"),
		  "linux.netDevices: unable to move network devices without a private NET namespace" },
		{ PROCESS(",'scheduler':{'policy':'SCHED_DEADLINE','runtime':1,'deadline':1}") "," LINUX(
			  "'resources':{'cpu':{'cpus':'0'}}"),
		  "process.scheduler: process scheduler can't be used together with AllowedCPUs "
		  "(linux.resources.cpu.cpus)" },
	};
	PARSED struct parsed p;
	PARSED struct parsed q;

	(void)state;
	REFUSE_ALL(list);
	accept(&p, "'hostname':'h'," LINUX("'namespaces':[{'type':'uts','path':'/u'},"
	                                   "{'type':'user','path':'/u'}]"));
	accept(&q, PROCESS(",'scheduler':{'policy':'SCHED_OTHER'}") "," LINUX(
			   "'resources':{'cpu':{'cpus':'0'}}"));
}

/* --- sysctl -------------------------------------------------------------------------------- */

static void test_sysctl_paths(void **state)
{
	static const struct {
		const char *key, *path;
	} cases[] = {
		{ "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", "net/ipv4/ip_forward" },
		{ "net.ipv4.conf.eno2/100.rp_filter", "net/ipv4/conf/eno2.100/rp_filter" },
		{ "net/ipv4/conf/eno2.100/rp_filter", "net/ipv4/conf/eno2.100/rp_filter" },
		{ "kernel", "kernel" },
		{ "net.ipv4.conf.a@b:0.x", "net/ipv4/conf/a@b:0/x" },
		{ "", NULL },
		{ ".", NULL },
		{ "/", NULL },
		{ "..", NULL },
		{ "net.", NULL },
		{ "net/", NULL },
		{ ".net.x", NULL },
		{ "/net/x", NULL },
		{ "net..x", NULL },
		{ "net//x", NULL },
		{ "net/./x", NULL },
		{ "net/../kernel/core_pattern", NULL },
		{ "net.//.kernel.core_pattern", NULL },
		{ "net.ipv4.x\nkernel.core_pattern", NULL },
		{ "net.ipv4.x y", NULL },
		{ "net.ipv4.*", NULL },
		{ "net.ipv4.x=1", NULL },
		{ "net.ipv4.\xc3\xa9", NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		const char *path = oci_sysctl_path(&a, cases[i].key);
		if (!cases[i].path && path)
			fail_msg("%s became %s", cases[i].key, path);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
	}
}

static void test_sysctl_rules(void **state)
{
#define OWN     "'namespaces':[{'type':'network'},{'type':'ipc'},{'type':'uts'},{'type':'mount'}],"
#define NOT_OWN "\" is not in a separate kernel namespace"
	static const struct bad list[] = {
		{ LINUX("'sysctl':{'net.core.somaxconn':'1','kernel.sem':'','fs.mqueue.msg_max':'1',"
		        "'kernel.domainname':'','user.max_user_namespaces':''}"),
		  "linux.sysctl['net.core.somaxconn']: sysctl 'net.core.somaxconn' not allowed in host "
		  "network namespace; linux.sysctl['kernel.sem']: sysctl 'kernel.sem' is not allowed in "
		  "the hosts ipc namespace; linux.sysctl['fs.mqueue.msg_max']: sysctl 'fs.mqueue.msg_max' "
		  "is not allowed in the hosts ipc namespace; linux.sysctl['kernel.domainname']: sysctl "
		  "'kernel.domainname' is not in a separate kernel namespace; "
		  "linux.sysctl['user.max_user_namespaces']: sysctl 'user.max_user_namespaces' is not "
		  "allowed in the hosts user namespace" },
		{ LINUX(OWN "'sysctl':{'kernel.hostname':'x'}"),
		  "linux.sysctl['kernel.hostname']: sysctl 'kernel.hostname' is not allowed as it "
		  "conflicts with the OCI 'hostname' field" },
		{ LINUX(OWN "'sysctl':{'kernel.core_pattern':'x'}"),
		  "linux.sysctl['kernel.core_pattern']: sysctl 'kernel.core_pattern' is not in a separate "
		  "kernel namespace" },
		{ LINUX(OWN "'sysctl':{'kernel/semx':'x'}"),
		  "linux.sysctl['kernel/semx']: sysctl 'kernel/semx' is not in a separate kernel "
		  "namespace" },
		{ LINUX(OWN "'sysctl':{'net':'x'}"),
		  "linux.sysctl['net']: sysctl 'net' is not in a separate kernel namespace" },
		{ LINUX(OWN "'sysctl':{'fs.mqueue':'x'}"),
		  "linux.sysctl['fs.mqueue']: sysctl 'fs.mqueue' is not in a separate kernel namespace" },
		{ LINUX(OWN "'sysctl':{'net/../kernel/core_pattern':'x'}"),
		  "linux.sysctl['net/../kernel/core_pattern']: sysctl 'net/../kernel/core_pattern' not a "
		  "name of a sysctl" },
		{ LINUX(OWN "'sysctl':{'vm.swappiness':1}"),
		  "linux.sysctl['vm.swappiness']: must be a string, not a number" },
	};
	PARSED struct parsed p;

	(void)state;
	REFUSE_ALL(list);
	accept(&p, LINUX(OWN "'sysctl':{'net/ipv4/ip_forward':'1','kernel.shm_rmid_forced':'1',"
	                     "'fs/mqueue/msg_max':'5','kernel.domainname':'d'}"));
}

/* --- versions and the required ------------------------------------------------------------- */

static void parse_raw(struct parsed *p, const char *text, size_t len)
{
	*p = (struct parsed){ 0 };
	arena_init(&p->arena, OCI_CONFIG_MAX_ARENA);
	if (oci_config_parse(&p->arena, text, len, &p->config, &p->e) < 0)
		p->config = NULL;
}

static void test_versions(void **state)
{
	static const char *const good[] = { "1.0.0",     "1.0.0-rc1",   "1.0.2-dev", "1.1.0+dev",
		                            "1.99.1234", "1.2.3-a.b+c", "1.3.0" };
	static const char *const bad[] = {
		"0.9.0",          "2.0.0",    "1.0",    "1",      "1.0.0.0", "v1.0.0", "1.0.x",
		"1..0",           "1.0.0-",   "1.0.0+", "1.0.0 ", " 1.0.0",  "1.01.0", "10.0.0",
		"1.0.0-\xc3\xa9", "1.0.0+a+b"
	};

	(void)state;
	for (size_t i = 0; i < LEN(good) + LEN(bad); i++) {
		const char *version = i < LEN(good) ? good[i] : bad[i - LEN(good)];
		PARSED struct parsed p;
		char text[128];

		(void)snprintf(text, sizeof(text),
		               "{\"ociVersion\":\"%s\",\"root\":{\"path\":\"r\"}}", version);
		parse_raw(&p, text, strlen(text));
		if ((p.config != NULL) != (i < LEN(good)))
			fail_msg("%s: %s", version, p.e.text);
	}
}

static void test_required(void **state)
{
	static const struct {
		const char *text, *error;
	} list[] = {
		{ "{}", "ociVersion: is required; root: is required" },
		{ "{\"ociVersion\":null,\"root\":{}}",
		  "ociVersion: is required; root.path: is required" },
		{ "{\"ociVersion\":\"\",\"root\":{\"path\":\"\"}}",
		  "ociVersion: \"\": must not be empty; root.path: \"\": must not be empty" },
		{ "{\"ociVersion\":\"2.0.0\",\"root\":[]}",
		  "ociVersion: \"2.0.0\": must be a version 1.x.y of the runtime-spec; root: must be an "
		  "object, not a list" },
		{ "[]", "line 1, column 1: must be an object" },
		{ "null", "line 1, column 4: must be an object" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(list); i++) {
		PARSED struct parsed p;

		parse_raw(&p, list[i].text, strlen(list[i].text));
		assert_null(p.config);
		assert_string_equal(p.e.text, list[i].error);
	}
}

/* --- many and long faults --------------------------------------------------------------------- */

static void test_many_faults(void **state)
{
	BUF struct buf text = { 0 };
	PARSED struct parsed p;
	size_t shown = 0;

	(void)state;
	buf_text(&text, "{"
	                "\"mounts\":[{}");
	for (int i = 0; i < 999; i++)
		buf_text(&text, ",{}");
	buf_text(&text, "]}");
	parse_raw(&p, text.data, text.len);
	assert_null(p.config);
	for (const char *at = p.e.text; (at = strstr(at, "; ")); at++)
		shown++;
	assert_int_equal(shown, 20);
	assert_non_null(strstr(p.e.text, "mounts[17].destination: is required; and 982 more"));
}

/* The longest paths and values: cut at whole characters, and the end still fits. */
static void test_long_faults(void **state)
{
	BUF struct buf text = { 0 };
	PARSED struct parsed p;

	(void)state;
	buf_text(&text, "{\"linux\":{\"sysctl\":{");
	for (int i = 0; i < 30; i++) {
		buf_printf(&text, "%s\"%d", i > 0 ? "," : "", i);
		for (int k = 0; k < 200; k++)
			buf_text(&text, "\xe2\x82\xac");
		buf_text(&text, "\":[]");
	}
	buf_text(&text, "}}}");
	parse_raw(&p, text.data, text.len);
	assert_null(p.config);
	assert_non_null(strstr(p.e.text, "; and 12 more"));
	assert_true(strlen(p.e.text) < ERR_TEXT_MAX - 1);
	for (const unsigned char *c = (const unsigned char *)p.e.text; *c;) {
		size_t size = *c < 0x80 ? 1 : 3;

		assert_true(size == 1 || (*c == 0xe2 && c[1] == 0x82 && c[2] == 0xac));
		c += size;
	}
}

/* --- limits and bombs ------------------------------------------------------------------------- */

/* Puts "[item,item,…]" with count items. */
static void put_list(struct buf *out, const char *item, size_t count)
{
	buf_text(out, "[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_text(out, ",");
		buf_text(out, item);
	}
	buf_text(out, "]");
}

/* A config with one list put into "before" … "after"; error "" means accepted. */
static void bomb(const char *before, const char *item, size_t count, const char *after,
                 const char *error)
{
	BUF struct buf text = { 0 };
	PARSED struct parsed p;

	put_quoted(&text, "{" MINIMAL ",");
	put_quoted(&text, before);
	BUF struct buf quoted = { 0 };
	put_quoted(&quoted, item);
	put_list(&text, quoted.data, count);
	put_quoted(&text, after);

	double start = seconds_now();
	parse_raw(&p, text.data, text.len);
	double took = seconds_now() - start;
	if (took > 1.0 && !getenv("SLOW"))
		fail_msg("%.2f s for %zu times %s", took, count, item);
	if (error[0] == '\0' && !p.config)
		fail_msg("refused: %s", p.e.text);
	if (error[0] != '\0' && !strstr(p.e.text, error))
		fail_msg("expected: %s\ngot: %s", error, p.e.text);
}

static void test_bombs(void **state)
{
	static const char end[] = "}";
	static const char process[] = "'process':{'cwd':'/','args':['a'],'env':";

	(void)state;
	bomb(process, "'A=1'", 100000, "}}", "");
	bomb(process, "'A=1'", 1000000, "}}", "process.env: more than 200000 values in all");
	bomb(process, "'A=123456789012345678901234567890'", 180000, "}}",
	     "process.args: args and env together are longer than 4194304 bytes");
	bomb("'mounts':", "{'destination':'/'}", 10000, end, "");
	bomb("'mounts':", "{'destination':'/'}", 10001, end, "mounts: 10001 mounts: at most 10000");
	bomb("'mounts':", "{'destination':'/'}", 100000, end, ": more than 200000 values in all");
	bomb("'process':{'cwd':'/','args':['a'],'user':{'additionalGids':", "1", 65537, "}}}",
	     "process.user.additionalGids: 65537 groups: at most 65536");
	bomb("'linux':{'uidMappings':", "{'containerID':0,'hostID':0,'size':1}", 341, "}}",
	     "linux.uidMappings: 341 entries: the kernel takes at most 340");
	/* Each of the many is wrong, or needs a look at its neighbours. */
	bomb("'linux':{'maskedPaths':", "'x'", 190000, "}}", "and 189981 more");
	bomb("'linux':{'namespaces':", "{'type':'pid'}", 90000, "}}", "and 89979 more");
	bomb("'process':{'cwd':'/','args':['a'],'rlimits':", "{}", 190000, "}}", "and 569980 more");
	bomb("'hooks':{'prestart':", "{}", 190000, "}}", "and 189980 more");
	bomb("'linux':{'seccomp':{'defaultAction':'SCMP_ACT_LOG','syscalls':", "{}", 190000, "}}}",
	     "and 379980 more");
	bomb("'x':", "{'a':1,'b':2,'c':3}", 49000, end, "");
}

/* Thousands of members and a member that is there twice, at each level. */
static void test_doubles(void **state)
{
	static const struct bad list[] = {
		{ "'ociVersion':'1.0.0'",
		  "line 1, column 34: ociVersion: this name is used twice in its "
		  "object" },
		{ "'process':{},'process':{}",
		  "line 1, column 23: process: this name is used twice in "
		  "its object" },
		{ "'linux':{'seccomp':{'syscalls':[{'names':['a'],'names':['b']}]}}",
		  "line 1, column 55: linux.seccomp.syscalls[0].names: this name is used twice in its "
		  "object" },
		{ "'x':{'y':1,'y':1}",
		  "line 1, column 15: x.y: this name is used twice in its object" },
	};

	(void)state;
	REFUSE_ALL(list);
}

/* The biggest trees that pass the limits stay below the arena's, which would end us. */
static void test_arena(void **state)
{
	static const struct {
		const char *before, *after;
	} shapes[] = {
		{ "'hooks':{'prestart':", "}" },
		{ "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_LOG','syscalls':", "}}" },
		{ "'linux':{'resources':{'devices':", "}}" },
		{ "'linux':{'devices':", "}" },
		{ "'process':{'rlimits':", "}" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(shapes); i++) {
		BUF struct buf text = { 0 };
		PARSED struct parsed p;

		put_quoted(&text, "{'annotations':{");
		for (int k = 0; k < 7; k++) {
			buf_printf(&text, "%s\"%d\":\"", k > 0 ? "," : "", k);
			for (size_t n = 0; n < OCI_STRING_MAX_BYTES / 16; n++)
				buf_text(&text, "0123456789abcdef");
			buf_text(&text, "\"");
		}
		put_quoted(&text, "},");
		put_quoted(&text, shapes[i].before);
		put_list(&text, "{}", OCI_CONFIG_MAX_VALUES - 20);
		put_quoted(&text, shapes[i].after);
		buf_text(&text, "}");
		assert_true(text.len <= OCI_CONFIG_MAX_BYTES);
		parse_raw(&p, text.data, text.len);
		assert_null(p.config);
		assert_non_null(strstr(p.e.text, "ociVersion: is required"));
		assert_true(p.arena.used < OCI_CONFIG_MAX_ARENA);
	}
}

/* One character below and at the limits of paths and of names of sysctls. */
static void test_long_texts(void **state)
{
	static const struct {
		const char *before, *after, *error;
		int longest;
	} cases[] = {
		{ "{'ociVersion':'1.0.0','root':{'path':'", "'}}",
		  "root.path: path of more than 4095 bytes", 4095 },
		{ "{" MINIMAL ",'mounts':[{'destination':'/", "'}]}",
		  "mounts[0].destination: path of more than 4095 bytes", 4094 },
		{ "{" MINIMAL ",'linux':{'namespaces':[{'type':'network'}],'sysctl':{'net.",
		  "':''}}}", "not a name of a sysctl", 255 },
		{ "{" MINIMAL
		  ",'linux':{'namespaces':[{'type':'network'}],'sysctl':{'net.a.a.a.a.a.a/"
		  "a/a/a/a/a",
		  "':''}}}", "not a name of a sysctl", 244 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		for (int more = 0; more < 2; more++) {
			BUF struct buf text = { 0 };
			PARSED struct parsed p;

			put_quoted(&text, cases[i].before);
			for (int n = 0; n < cases[i].longest + more; n++)
				buf_text(&text, "x");
			put_quoted(&text, cases[i].after);
			parse_raw(&p, text.data, text.len);
			if ((p.config != NULL) != (more == 0) ||
			    (more && !strstr(p.e.text, cases[i].error)))
				fail_msg("%s %d: %s", cases[i].before, more, p.e.text);
		}
	}
}

/* A key of many names, each of them short. */
static void test_long_sysctl(void **state)
{
	BUF struct buf text = { 0 };
	PARSED struct parsed p;

	(void)state;
	put_quoted(&text, "{" MINIMAL ",'linux':{'namespaces':[{'type':'network'}],'sysctl':{'net");
	for (int i = 0; i < 600; i++)
		buf_text(&text, ".x");
	put_quoted(&text, "':''}}}");
	parse_raw(&p, text.data, text.len);
	assert_null(p.config);
	assert_non_null(strstr(p.e.text, " not a name of a sysctl"));
}

/* A text cut anywhere is refused, and nothing is read behind its end. */
static void test_cut_anywhere(void **state)
{
	BUF struct buf text = { 0 };

	(void)state;
	oci_spec_default(true, 1000, 1000, &text);
	for (size_t len = 0; len + 2 < text.len; len++) {
		PARSED struct parsed p;
		char *exact = malloc(len > 0 ? len : 1);

		assert_non_null(exact);
		memcpy(exact, text.data, len);
		parse_raw(&p, exact, len);
		free(exact);
		assert_null(p.config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespace_rules), cmocka_unit_test(test_sysctl_paths),
		cmocka_unit_test(test_sysctl_rules),    cmocka_unit_test(test_versions),
		cmocka_unit_test(test_required),        cmocka_unit_test(test_many_faults),
		cmocka_unit_test(test_long_faults),     cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_doubles),         cmocka_unit_test(test_arena),
		cmocka_unit_test(test_long_texts),      cmocka_unit_test(test_long_sysctl),
		cmocka_unit_test(test_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
