# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the lint scripts share. Each of them runs from the top of the tree, prints
# what is wrong, one finding a line, and exits with 1 if there is any.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tracked() { # PATTERN...: files of ours, committed or not
	git ls-files --cached --others --exclude-standard -- "$@"
}

sources() {
	tracked '*.c'
}

headers() {
	tracked '*.h'
}

# What the compiler is told besides the warnings.
# shellcheck disable=SC2034 # used by those who include this
CPPFLAGS=(-std=gnu17 -I. -D_GNU_SOURCE -DCAISSON_VERSION='"0"' -DCAISSON_COMMIT='"0"'
	-DSOURCE_DIR='"."')

findings=0
finding() {
	echo "$*"
	findings=$((findings + 1))
}

finish() {
	[ $findings = 0 ]
	exit
}
