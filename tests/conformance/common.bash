# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the scripts of the foreign suites share: where things lie, and how they fail.

# shellcheck disable=SC2034 # used by those who include this
CONFORMANCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CONFORMANCE_CACHE=${CAISSON_CONFORMANCE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/caisson-conformance}
# shellcheck disable=SC2034
SUITES_BUILT=$CONFORMANCE_CACHE/suites # runtime-tools/ runc/ crun/
# shellcheck disable=SC2034
REFERENCES=$CONFORMANCE_CACHE/bin # runc crun

die() {
	echo "conformance: $*" >&2
	exit 2
}
