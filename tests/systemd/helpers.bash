# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034 # filters are jq's; tests use what is set here
# What the tests of the systemd driver share. They run beside a real systemd: that of the
# test machine, or one that tests/private-systemd has started.

load ../cli/helpers

setup_file() {
	[ -S /run/systemd/private ] || skip "needs a systemd (tests/private-systemd)"
	systemctl --version >/dev/null
}

# Every unit of a test begins with its own word, so that what is left can be found.
bundle() { # DIR [JQ FILTER [JQ OPTION...]]
	make_bundle "$1"
	WORD=t${W##*.}
	SLICE=caisson-$WORD.slice
	UNIT=$WORD-$1.scope
	GROUP=/sys/fs/cgroup/caisson.slice/$SLICE/$UNIT
	config "$1" '.linux.cgroupsPath = $p' --arg p "$SLICE:$WORD:$1"
	[ $# = 1 ] || config "$@"
}

scoped() {
	caisson --systemd-cgroup "$@"
}

shows() { # PROPERTY VALUE
	local value
	value=$(systemctl show -P "$1" -- "$UNIT")
	[ "$value" = "$2" ] || {
		echo "$UNIT: $1: expected $2, got $value"
		return 1
	}
}

# Neither a unit nor a group; systemd forgets a unit a moment after its group is gone.
no_unit() {
	[ -z "$(systemctl list-units --all --plain --no-legend "$WORD-*.scope")" ] &&
		[ -z "$(find /sys/fs/cgroup -name "$WORD-*.scope")" ]
}

gone() {
	wait_for no_unit
	nothing_left
}
