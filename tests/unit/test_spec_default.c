/* SPDX-License-Identifier: Apache-2.0 */
/* spec_default.c against this parser and the installed runc, and features.c. */
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci-spec/features.h"
#include "oci-spec/json.h"
#include "oci.h"

static const struct oci_config *parse_default(struct parsed *p, bool rootless)
{
	BUF struct buf text = { 0 };

	*p = (struct parsed){ 0 };
	arena_init(&p->arena, OCI_CONFIG_MAX_ARENA);
	oci_spec_default(rootless, 1000, 1001, &text);
	if (oci_config_parse(&p->arena, text.data, text.len, &p->config, &p->e) < 0)
		fail_msg("%s", p->e.text);
	assert_memory_equal(text.data, "{\n\t\"ociVersion\": \"1.3.0\",\n", 26);
	assert_string_equal(text.data + text.len - 3, "\n}\n");
	return p->config;
}

static void test_default(void **state)
{
	const uint64_t caps = UINT64_C(1) << CAP_AUDIT_WRITE | UINT64_C(1) << CAP_KILL |
	                      UINT64_C(1) << CAP_NET_BIND_SERVICE;
	PARSED struct parsed p;
	const struct oci_config *c = parse_default(&p, false);
	const struct oci_linux *l = c->linux_;

	(void)state;
	assert_true(c->process->terminal && c->process->no_new_privileges);
	assert_string_equal(c->process->args.v[0], "sh");
	assert_true(c->process->capabilities->bounding == caps);
	assert_true(c->process->capabilities->permitted == caps);
	assert_true(c->process->capabilities->ambient == 0);
	assert_true(c->root_readonly);
	assert_int_equal(c->mount_count, 7);
	assert_true(l->namespaces[OCI_NS_NETWORK].wanted && l->namespaces[OCI_NS_CGROUP].wanted);
	assert_false(l->namespaces[OCI_NS_USER].wanted || l->namespaces[OCI_NS_TIME].wanted);
	assert_int_equal(l->resources->device_count, 1);
	assert_int_equal(l->uid_mappings.n, 0);
}

static void test_rootless(void **state)
{
	PARSED struct parsed p;
	const struct oci_config *c = parse_default(&p, true);
	const struct oci_linux *l = c->linux_;

	(void)state;
	assert_true(l->namespaces[OCI_NS_USER].wanted && !l->namespaces[OCI_NS_NETWORK].wanted);
	assert_int_equal(l->uid_mappings.v[0].host_id, 1000);
	assert_int_equal(l->gid_mappings.v[0].host_id, 1001);
	assert_null(l->resources);
	for (size_t i = 0; i < c->mount_count; i++) {
		for (size_t k = 0; k < c->mounts[i].options.n; k++)
			assert_null(strstr(c->mounts[i].options.v[k], "gid="));
	}
	assert_string_equal(c->mounts[5].source, "/sys");
}

/*
 * Field by field with jq; the script ends with 77 where runc or jq is missing. The
 * differences that are meant are taken out: version and hostname; ambient
 * capabilities (of older runcs); the cgroup namespace (runc asks the host whether it
 * is cgroup v2); the tpm mask (of newer runcs).
 */
static void compare_with_runc(bool rootless)
{
	static const char script[] =
		"command -v runc >/dev/null && command -v jq >/dev/null || exit 77; "
		"cd \"$0\" && runc spec $1 -b . && "
		"jq -S 'del(.ociVersion, .hostname, .process.capabilities.ambient) | "
		".linux.namespaces -= [{type: \"cgroup\"}] | "
		".linux.maskedPaths -= [\"/sys/devices/virtual/tpm\"]' config.json >runc.json && "
		"jq -S 'del(.ociVersion, .hostname) | .linux.namespaces -= [{type: \"cgroup\"}] | "
		".linux.maskedPaths -= [\"/sys/devices/virtual/tpm\"]' ours.json >caisson.json && "
		"diff runc.json caisson.json >&2";
	char folder[] = "/tmp/test_spec_default.XXXXXX", name[sizeof(folder) + 32];
	BUF struct buf text = { 0 };

	assert_non_null(mkdtemp(folder));
	oci_spec_default(rootless, geteuid(), getegid(), &text);
	(void)snprintf(name, sizeof(name), "%s/ours.json", folder);
	FILE *file = fopen(name, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);

	pid_t child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", script, folder, rootless ? "--rootless" : "", NULL);
		_exit(127);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	static const char *const files[] = { "ours.json", "config.json", "runc.json",
		                             "caisson.json" };
	for (size_t i = 0; i < LEN(files); i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", folder, files[i]);
		(void)unlink(name);
	}
	(void)rmdir(folder);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("needs runc and jq\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void test_like_runc(void **state)
{
	(void)state;
	compare_with_runc(false);
	compare_with_runc(true);
}

/* --- features ------------------------------------------------------------------------------- */

static void test_features(void **state)
{
	static const char *const options[] = { "bind", "rro", NULL };
	static const char *const words[] = { "A", NULL };
	static const char *const none[] = { NULL };
	struct oci_features_input in = {
		.mount_options = options,
		.seccomp_actions = words,
		.seccomp_operators = words,
		.seccomp_archs = words,
		.seccomp_known_flags = words,
		.seccomp_supported_flags = none,
		.unsafe_annotations = words,
	};
	BUF struct buf text = { 0 }, second = { 0 };
	ARENA struct arena a;
	const struct json *j;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	oci_features_write(&in, &text);
	assert_int_equal(json_parse(&a, text.data, text.len, &j, &e), 0);
	assert_memory_equal(text.data, "{\n    \"ociVersionMin\": \"1.0.0\",\n", 32);
	assert_string_equal(json_member(j, "ociVersionMax")->text, OCI_SPEC_VERSION);
	assert_int_equal(json_member(j, "hooks")->count, 6);
	assert_string_equal(json_member(j, "mountOptions")->first->next->text, "rro");
	const struct json *l = json_member(j, "linux");
	assert_int_equal(json_member(l, "namespaces")->count, 8);
	assert_int_equal(json_member(l, "capabilities")->count, CAP_LAST_CAP + 1);
	assert_true(json_member(json_member(l, "cgroup"), "v2")->truth);
	assert_true(json_member(json_member(l, "cgroup"), "systemd")->truth);
	assert_true(json_member(json_member(l, "cgroup"), "systemdUser")->truth);
	const struct json *s = json_member(l, "seccomp");
	assert_true(json_member(s, "enabled")->truth);
	assert_int_equal(json_member(s, "supportedFlags")->count, 0);
	/* containerd takes an absent one for "cannot do idmap", but reads it unasked. */
	assert_true(json_member(json_member(json_member(l, "mountExtensions"), "idmap"), "enabled")
	                    ->truth);
	assert_string_equal(json_member(json_member(j, "annotations"), "io.caisson.version")->text,
	                    CAISSON_VERSION);
	assert_int_equal(json_member(j, "potentiallyUnsafeConfigAnnotations")->count, 1);

	in.unsafe_annotations = none;
	oci_features_write(&in, &second);
	assert_null(strstr(second.data, "potentiallyUnsafeConfigAnnotations"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_rootless),
		cmocka_unit_test(test_like_runc),
		cmocka_unit_test(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
