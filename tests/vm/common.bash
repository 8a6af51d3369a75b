# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the scripts of the test machine share: where things lie, and how they fail.

VM_CACHE=${CAISSON_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/caisson-vm}
VM_SUITE=${CAISSON_VM_SUITE:-trixie}
# shellcheck disable=SC2034 # used by those who include this
VM_IMAGE=$VM_CACHE/$VM_SUITE # root.img vmlinuz initrd.img packages.txt key snapshot/

die() {
	echo "${0##*/}: $*" >&2
	exit 125
}
