# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the bats files share. A test works in its own folder $W, with its own state
# directory $STATE and its own cgroup below /caisson-tests; teardown deletes what the
# test left and fails it if the runtime did not clean up after itself.
#
#	caisson ARGUMENT...	the runtime with --root $STATE and a time limit
#	expect STATUS COMMAND...	runs it; its exit status must be STATUS
#	says TEXT, is TEXT	what the last expect printed (both streams)
#	make_bundle DIR [copy]	a bundle of busybox; copy: with a rootfs of its own
#	config DIR FILTER [JQ OPTION...]	edits its config.json
#
# A container's output never goes into a pipe of bats: a detached one would hold it,
# and bats would wait for it. So everything is written to files.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
CAISSON=$(realpath -s "${CAISSON:-$TOP/build/caisson}") # its name counts
TOOLS=${CAISSON_TOOLS:-$TOP/build/tests}
ROOTFS=$TOP/build/rootfs/busybox
. "$TOP/tests/leaks.bash"

setup() {
	W=$(mktemp -d "${BATS_TMPDIR:-/tmp}/caisson.XXXXXX")
	chmod 755 "$W"
	STATE=$W/state
	CGROUP_PREFIX=/caisson-tests/${W##*.}
	[ "$(id -u)" != 0 ] || mkdir -p "$CGROUP$CGROUP_PREFIX"
	background=()
	leak_before=$(leak_snapshot)
	cd "$W" || return
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || skip "$(cat "$BATS_FILE_TMPDIR/skip")"
	! in_microvm || except_microvm
}

in_microvm() {
	[ "${CAISSON##*/}" = caisson-vm ]
}

# Skips a test that cannot be the same in a microVM, with the reason that the table gives.
except_microvm() {
	local reason
	reason=$(awk -F ' *[|] *' -v file="${BATS_TEST_FILENAME##*/}" -v name="$BATS_TEST_DESCRIPTION" \
		'$2 == file && ($3 == name || $3 == "all") { print $4; exit }' "$TOP/docs/microvm-tests.md")
	[ -z "$reason" ] || skip "microVM: $reason"
}

# For setup_file, where bats 1.8 takes a skip for a failure
skip_all() { # REASON
	echo "$1" >"$BATS_FILE_TMPDIR/skip"
}

teardown() {
	local id pid leak_after
	for pid in "${background[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	for id in "$STATE"/*; do
		[ -e "$id" ] || continue
		timeout -k 2 60 "$CAISSON" --root "$STATE" delete --force "${id##*/}" \
			>"$W/delete.out" 2>&1 </dev/null 3>&- || true
	done
	leak_after=$(leak_snapshot)
	cd /
	if [ "$leak_before" != "$leak_after" ]; then
		echo "delete --force did not clean up:"
		diff <(echo "$leak_before") <(echo "$leak_after")
		clean_by_force
		return 1
	fi
	rmdir "$CGROUP$CGROUP_PREFIX" "$CGROUP/caisson-tests" 2>/dev/null || true
	rm -rf "$W"
}

caisson() {
	timeout --foreground -k 2 "${LIMIT:-90}" "$CAISSON" --root "$STATE" "$@"
}

expect() { # STATUS COMMAND...
	local want=$1
	shift
	status=0
	"$@" >"$W/output" 2>&1 </dev/null 3>&- || status=$?
	# the next one gets a file of its own, since a container may still write to this
	output=$(tr -d '\0' <"$W/output")
	rm -f "$W/output"
	if [ "$status" != "$want" ]; then
		echo "expected exit status $want, got $status, of: $*"
		echo "$output"
		return 1
	fi
}

says() { # TEXT
	if [[ $output != *"$1"* ]]; then
		echo "expected: ... $1 ..."
		echo "got:      $output"
		return 1
	fi
}

is() { # TEXT
	if [ "$output" != "$1" ]; then
		echo "expected: $1"
		echo "got:      $output"
		return 1
	fi
}

# bats takes no notice of a "!" before a command
not() { # COMMAND...
	if "$@"; then
		echo "unexpectedly true: $*"
		return 1
	fi
}

# within SECONDS EXIT-STATUS COMMAND...: it does not wait for what never ends. A machine with
# other work has four times as long, which proves the same.
within() {
	local limit=$1 begin=$SECONDS
	shift
	expect "$@"
	[ $((SECONDS - begin)) -le $((limit * 4)) ] || {
		echo "took $((SECONDS - begin)) s, not $limit: $*"
		return 1
	}
}

# any exit status but those of a crash or of the time limit
expect_any() {
	status=0
	"$@" >"$W/output" 2>&1 </dev/null 3>&- || status=$?
	output=$(cat "$W/output")
	rm "$W/output"
	[ "$status" -lt 124 ] || {
		echo "exit status $status of: $*: $output"
		return 1
	}
}

# The last command failed with one line of text, without control characters.
one_line() {
	local text=$output
	if [ "$(wc -l <<<"$text")" != 1 ] || [[ $text == *[$'\x01'-$'\x1f']* ]] || [ -z "$text" ]; then
		echo "expected one plain line, got: $text"
		return 1
	fi
}

# The test has left nothing behind, without delete --force.
nothing_left() {
	local after
	after=$(leak_snapshot)
	if [ "$leak_before" != "$after" ]; then
		echo "something was left:"
		diff <(echo "$leak_before") <(echo "$after")
		return 1
	fi
}

# refused TEXT COMMAND...: fails with one line that has the text, and undoes all
refused() { # TEXT COMMAND...
	local text=$1
	shift
	expect 1 "$@"
	says "$text"
	one_line
	nothing_left
}

make_bundle() { # DIR [copy]
	mkdir -p "$1"
	if [ "${2-}" = copy ]; then
		cp -a "$ROOTFS" "$1/rootfs"
		jq --arg group "$CGROUP_PREFIX/${1##*/}" \
			'.linux.cgroupsPath = $group | .root.readonly = false' \
			"$TOP/tests/cli/config.json" >"$1/config.json"
	else
		jq --arg group "$CGROUP_PREFIX/${1##*/}" --arg root "$ROOTFS" \
			'.linux.cgroupsPath = $group | .root.path = $root' \
			"$TOP/tests/cli/config.json" >"$1/config.json"
	fi
}

config() { # DIR FILTER [JQ OPTION...]
	local dir=$1 filter=$2
	shift 2
	jq "$@" "$filter" "$dir/config.json" >"$dir/config.json.new"
	mv "$dir/config.json.new" "$dir/config.json"
}

# The process becomes: sh -c SCRIPT
script() { # DIR SCRIPT
	# shellcheck disable=SC2016 # $s is jq's
	config "$1" '.process.args = ["sh", "-c", $s]' --arg s "$2"
}

status_of() { # ID
	caisson state "$1" | jq -r .status
}

pid_of() { # ID
	caisson state "$1" | jq -r .pid
}

# Waits until a command succeeds: thirty seconds or so, and then it fails (PATIENCE: tenths).
wait_for() { # COMMAND...
	local n
	for ((n = 0; n < ${PATIENCE:-300}; n++)); do
		! "$@" >/dev/null 2>&1 3>&- || return 0
		sleep 0.1
	done
	echo "this never came true: $*"
	return 1
}

is_status() { # ID STATUS
	[ "$(status_of "$1")" = "$2" ]
}

has_processes() { # ID NUMBER
	[ "$(caisson ps --format json "$1" | jq length)" = "$2" ]
}

group_has() { # GROUP NUMBER
	[ "$(find "$CGROUP$CGROUP_PREFIX/$1" -name cgroup.procs -exec cat {} + | wc -l)" = "$2" ]
}

# A file of the container's group, which in a microVM is the guest's.
group_file() { # ID GROUP FILE
	if in_microvm; then
		caisson exec "$1" cat "/sys/fs/cgroup/$3"
	else
		cat "$CGROUP$CGROUP_PREFIX/$2/$3"
	fi
}

# Starts a receiver for a terminal at SOCKET; its output is in SOCKET.out and what
# is written to SOCKET.in goes to the terminal.
receive_tty() { # SOCKET
	mkfifo "$1.in"
	"$TOOLS/recvtty" "$1" <>"$1.in" >"$1.out" 2>&1 3>&- &
	background+=($!)
	wait_for test -S "$1"
}

# in_terminal FILE COMMAND...: runs it with a terminal of its own; output in FILE. What
# is written to $W/typing is typed there.
in_terminal() {
	local file=$1
	shift
	[ -p "$W/typing" ] || mkfifo "$W/typing"
	timeout -k 2 "${LIMIT:-60}" script -qefc "$(printf '%q ' "$@")" "$file" <>"$W/typing" >/dev/null 3>&-
}

# CAISSON is one of `make SANITIZE=1`
sanitized() {
	ldd "$CAISSON" 2>/dev/null | grep -q libasan
}

requires() { # root|cgroup-CONTROLLER|COMMAND
	case $1 in
	root) [ "$(id -u)" = 0 ] || skip "needs root" ;;
	cgroup-*) grep -qw "${1#cgroup-}" "$CGROUP/cgroup.controllers" ||
		skip "this cgroup2 tree has no ${1#cgroup-} controller" ;;
	*) command -v "$1" >/dev/null || skip "needs the program $1" ;;
	esac
}
