/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `caisson features` prints: features.md and features-linux.md of the
 * runtime-spec. Facts about this build, not about the host.
 */
#pragma once

#include "base/buf.h"

/* What other parts know; each list ends with NULL and is printed in its order. */
struct oci_features_input {
	const char *const *mount_options;
	const char *const *seccomp_actions;
	const char *const *seccomp_operators;
	const char *const *seccomp_archs;
	const char *const *seccomp_known_flags;
	const char *const *seccomp_supported_flags;
	/* Names (or beginnings, with a dot at the end) of annotations that change how
	 * a container is run, so that engines do not let an image set them. */
	const char *const *unsafe_annotations;
};

/* Appends the document, indented by 4 blanks, with a newline at its end. */
void oci_features_write(const struct oci_features_input *in, struct buf *ret);
