/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features: what this build can do, for engines to read before they run anything. The
 * lists come from the tables by which configs are judged, so that nothing is promised
 * that would be refused.
 */
#include "oci-spec/features.h"
#include "runtime/cmd.h"
#include "runtime/mount_options.h"
#include "seccomp/seccomp.h"

static const struct option_spec no_options[] = { { .name = NULL } };

/* Annotations that change with which rights a container runs, or how the host treats it. */
static const char *const unsafe_annotations[] = { "org.systemd.property.",
	                                          "run.oci.keep_original_groups", NULL };

static const char *const *mount_options(struct arena *a)
{
	size_t n = 0;

	while (mount_option_name(n))
		n++;
	const char **names = arena_array(a, n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = mount_option_name(i);
	return names;
}

static int features_run(const struct invocation *in, struct err *e)
{
	const struct oci_features_input input = {
		.mount_options = mount_options(in->arena),
		.seccomp_actions = seccomp_action_names,
		.seccomp_operators = seccomp_operator_names,
		.seccomp_archs = seccomp_arch_names,
		.seccomp_known_flags = seccomp_flag_names,
		.seccomp_supported_flags = seccomp_common_flag_names,
		.unsafe_annotations = unsafe_annotations,
	};
	BUF struct buf out = { 0 };

	oci_features_write(&input, &out);
	return cmd_print(&out, e);
}

const struct command command_features = {
	.name = "features",
	.arguments = "",
	.summary = "print what this build supports, as JSON",
	.description =
		"Prints the features document of the OCI runtime specification: namespaces, "
		"capabilities, mount options, seccomp actions and the like that a config.json "
		"may ask for. It tells of this build, not of the host.",
	.options = no_options,
	.args_max = 0,
	.run = features_run,
};
