#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line as far as it needs no container, no root and no cgroup.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup() {
	CAISSON=$(realpath "${CAISSON:-$TOP/build/caisson}")
	W=$(mktemp -d "${BATS_TMPDIR:-/tmp}/caisson-usage.XXXXXX")
	cd "$W" || return
	"$CAISSON" version >/dev/null # a loop over no commands would prove nothing
}

teardown() {
	cd /
	rm -rf "$W"
}

# caisson ARG...: its exit status in $status, what it prints in the files out and err
caisson() {
	status=0
	"$CAISSON" --root "$W/state" "$@" >out 2>err || status=$?
}

# The same without --root, which is an option like any other.
bare() {
	status=0
	"$CAISSON" "$@" >out 2>err || status=$?
}

# expect STATUS OUT ERR: "" is nothing at all; other texts are the whole line
expect() {
	echo "status $status, stdout: $(head -5 out) stderr: $(cat err)"
	[ "$status" = "$1" ]
	[ "$(cat out)" = "$2" ]
	[ "$(cat err)" = "$3" ]
}

all_commands() {
	"$CAISSON" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\)  .*/\1/p'
}

# --- help and version -------------------------------------------------------------------

@test "help lists the commands, by itself, as an option and without arguments" {
	for words in help --help -h -help ""; do
		# shellcheck disable=SC2086 # nothing at all for ""
		bare $words
		[ "$status" = 0 ]
		[ ! -s err ]
		grep -q '^usage: caisson \[OPTION...\] COMMAND' out
		grep -q '^  create  *make a container' out
		cp out "help.$((++n))"
	done
	cmp help.1 help.5
}

@test "each command of the list has help, in four spellings" {
	local count=0
	while read -r command; do
		# shellcheck disable=SC2086 # a command of two words is two arguments
		bare help $command
		[ "$status" = 0 ]
		grep -q "^usage: caisson $command " out
		grep -q '^  *-h, --help' out
		cp out expected
		for option in --help -h -help; do
			# shellcheck disable=SC2086
			bare $command $option
			[ "$status" = 0 ]
			[ ! -s err ]
			cmp out expected
		done
		count=$((count + 1))
	done < <(all_commands)
	[ $count -ge 15 ]
}

@test "help fits a terminal of 80 columns" {
	while read -r command; do
		# shellcheck disable=SC2086
		bare help $command
		sed '/^examples:/,$d' out >text
		run ! grep -E '.{81}' text
	done < <(all_commands)
}

@test "hidden commands and options are not told, but work" {
	bare help
	run ! grep -q generate out
	bare create --help
	run ! grep -q no-subreaper out
	bare generate --help
	[ "$status" = 0 ]
}

@test "version has the lines that engines look for" {
	for words in version --version -v; do
		bare $words
		[ "$status" = 0 ]
		[ ! -s err ]
		sed -n 1p out | grep -qE '^caisson version [0-9]+\.[0-9]+\.[0-9]+'
		sed -n 2p out | grep -qE '^commit: [^ ]+$'
		[ "$(sed -n 3p out)" = "spec: 1.3.0" ]
		sed -n 4p out | grep -qE '^libseccomp: [0-9]+\.[0-9]+\.[0-9]+$'
		[ "$(wc -l <out)" = 4 ]
	done
}

@test "called as runc, the answers begin as runc's" {
	ln -s "$CAISSON" runc
	./runc --version >out
	sed -n 1p out | grep -qE '^runc version [0-9]+\.[0-9]+\.[0-9]+$'
	./runc -h >out
	[ "$(sed -n 1,2p out)" = $'NAME:\n   runc - Open Container Initiative runtime' ]
	grep -qx 'usage: runc \[OPTION...\] COMMAND \[ARG...\]' out
	./runc list -h >out
	[ "$(sed -n 1,2p out)" = $'NAME:\n   runc list - list the containers' ]
	status=0
	./runc foo -h >out 2>err || status=$?
	[ "$status" = 3 ]
	[ "$(cat err)" = "No help topic for 'foo' (see 'runc --help')" ]
}

# --- mistakes ------------------------------------------------------------------------------

@test "an unknown command exits with 3 and is corrected" {
	caisson creat x
	expect 3 "" "unknown command \"creat\"; did you mean \"create\"? (see 'caisson --help')"
	caisson checkpoint --help
	expect 3 "" "unknown command \"checkpoint\" (see 'caisson --help')"
	caisson help creat
	expect 3 "" "unknown command \"creat\"; did you mean \"create\"? (see 'caisson --help')"
}

@test "an unknown option exits with 1 and is corrected" {
	caisson create --bundel /x y
	expect 1 "" "unknown option --bundel; did you mean --bundle? (see 'caisson create --help')"
	caisson --debgu list
	expect 1 "" "unknown option --debgu; did you mean --debug? (see 'caisson --help')"
	caisson create --root /x y
	expect 1 "" "unknown option --root; it belongs in front of \"create\" (see 'caisson create --help')"
}

@test "a wrong number of arguments exits with 1 and says which" {
	caisson start
	expect 1 "" "start: argument ID is missing (see 'caisson start --help')"
	caisson start a b
	expect 1 "" "start: unexpected argument \"b\" (see 'caisson start --help')"
	caisson create a --bundle
	expect 1 "" "flag needs an argument: --bundle (see 'caisson create --help')"
}

@test "exec fails with 255, and with 1 when it was called wrongly" {
	caisson exec x
	expect 255 "" "exec failed: no command is given (name one after the id, or a file with --process)"
	caisson exec
	expect 1 "" "exec: argument ID is missing (see 'caisson exec --help')"
}

@test "an id that is no id is refused by every command that takes one" {
	for command in start state pause resume delete kill ps; do
		caisson $command ../x
		expect 1 "" "invalid container ID format"
	done
	caisson create ../x
	expect 1 "" "caisson create failed: invalid container ID format"
	caisson run ..
	expect 1 "" "caisson run failed: invalid container ID format"
	caisson exec a/b true
	expect 255 "" "exec failed: invalid container ID format"
}

@test "an unknown signal is named" {
	caisson kill x FOO
	expect 1 "" 'unknown signal "FOO"'
	caisson kill x 65
	expect 1 "" 'unknown signal "65"'
}

@test "a state folder that cannot be one is refused" {
	for root in "" / /.. //; do
		bare --root "$root" list
		expect 1 "" "--root: must not be empty or /"
	done
}

# --- the log ---------------------------------------------------------------------------------

one_line() { # FILE
	[ "$(wc -l <"$1")" = 1 ]
}

@test "a log file gets one line of text, stderr the bare message" {
	caisson --log log kill x FOO
	expect 1 "" 'unknown signal "FOO"'
	one_line log
	grep -qE '^time="[0-9-]{10}T[0-9:]{8}Z" level=error msg="unknown signal \\"FOO\\""$' log
}

@test "a log file gets one line of JSON that containerd and podman can read" {
	caisson --log log --log-format json kill x FOO
	expect 1 "" 'unknown signal "FOO"'
	one_line log
	[ "$(jq -r .msg log)" = 'unknown signal "FOO"' ]
	[ "$(jq -r .level log)" = error ]
	[ "$(jq -c 'keys_unsorted[:3]' log)" = '["level","msg","time"]' ]
	jq -e '.time | fromdate' log
}

@test "the log is appended to" {
	caisson --log log kill x FOO
	caisson --log log kill x BAR
	[ "$(wc -l <log)" = 2 ]
}

@test "JSON without a file goes to stderr" {
	caisson --log-format json kill x FOO
	[ "$status" = 1 ]
	one_line err
	[ "$(jq -r .msg err)" = 'unknown signal "FOO"' ]
}

@test "mistakes in the command line reach the log that it names" {
	caisson --log log --log-format json creat x
	[ "$status" = 3 ]
	one_line log
	jq -r .msg log | grep -q '^unknown command "creat"'
	caisson --log log2 create --bogus x
	grep -q 'unknown option --bogus' log2
	caisson --log log3 --root / list
	one_line log3
}

@test "a log that cannot be opened is an error of its own" {
	caisson --log nowhere/log list
	expect 1 "" "open log file nowhere/log: no such file or directory"
	caisson --log nowhere/log creat
	expect 3 "" "unknown command \"creat\"; did you mean \"create\"? (see 'caisson --help')"
}

@test "success writes nothing to the log" {
	caisson --log log --log-format json help
	[ "$status" = 0 ]
	[ ! -s err ]
	[ -e log ]
	[ ! -s log ]
}

@test "an option's value cannot fake a line of the log" {
	caisson --log log $'create\n{"level":"error"}'
	[ "$status" = 3 ]
	one_line log
	one_line err
}

# --- standard files ------------------------------------------------------------------------

@test "closed standard files are not filled with something else" {
	status=0
	"$CAISSON" --log log help <&- >&- 2>&- || status=$?
	[ "$status" = 0 ]
	[ ! -s log ]
}

@test "a full disk behind stdout is an error" {
	status=0
	"$CAISSON" help >/dev/full 2>err || status=$?
	[ "$status" = 1 ]
	grep -q 'no space left on device' err
}

# --- spec -----------------------------------------------------------------------------------

@test "spec writes a config.json, with tabs, and says nothing" {
	caisson spec
	expect 0 "" ""
	jq -e '.ociVersion == "1.3.0" and .process.args == ["sh"] and .root.path == "rootfs"' config.json
	grep -q "^	\"" config.json
}

@test "spec does not replace a config.json" {
	echo mine >config.json
	caisson spec
	expect 1 "" "$W/config.json exists already (remove it first)"
	[ "$(cat config.json)" = mine ]
	ln -sf nowhere config.json
	caisson spec
	[ "$status" = 1 ]
	[ ! -e nowhere ]
}

@test "spec --bundle writes elsewhere" {
	mkdir b
	caisson spec --bundle b
	[ "$status" = 0 ]
	[ -s b/config.json ]
	[ ! -e config.json ]
	caisson spec -b missing
	expect 1 "" "open bundle $W/missing: no such file or directory"
}

@test "spec --rootless maps the caller into a user namespace" {
	caisson spec --rootless
	[ "$status" = 0 ]
	jq -e '[.linux.namespaces[].type] | index("user")' config.json
	jq -e --argjson uid "$(id -u)" \
		'.linux.uidMappings == [{containerID: 0, hostID: $uid, size: 1}]' config.json
	caisson --rootless true spec --bundle "$(mktemp -d -p .)"
	[ "$status" = 0 ]
	run ! jq -e '[.linux.namespaces[].type] | index("user")' tmp.*/config.json
}

# --- features -------------------------------------------------------------------------------

@test "features is JSON and nothing else" {
	bare features
	[ "$status" = 0 ]
	[ ! -s err ]
	jq -e . out >/dev/null
	jq -e '.ociVersionMin and .ociVersionMax == "1.3.0"' out
	jq -e '.hooks | index("createRuntime")' out
	jq -e '.linux.namespaces | index("user")' out
	jq -e '.linux.mountExtensions.idmap.enabled' out
	jq -e '.linux.seccomp.enabled and (.linux.seccomp.actions | index("SCMP_ACT_ERRNO"))' out
}

@test "features names the mount options that are understood" {
	bare features
	[ "$status" = 0 ]
	jq -e '.mountOptions | index("rro") and index("rbind") and index("nosuid")' out
	jq -e '.mountOptions | index("size=64k") | not' out
}

# --- lists ----------------------------------------------------------------------------------

@test "no containers: a table of one line, null, and nothing" {
	mkdir -m 700 state
	caisson list
	[ "$status" = 0 ]
	[ "$(tr -s ' ' <out)" = "ID PID STATUS BUNDLE CREATED OWNER" ]
	caisson list --format json
	expect 0 null ""
	caisson list --quiet
	expect 0 "" ""
}

@test "no such container" {
	mkdir -m 700 state
	for command in start state pause resume delete ps; do
		caisson $command nobody
		expect 1 "" "container does not exist"
	done
	caisson kill nobody 9
	expect 1 "" "container does not exist"
	caisson exec nobody true
	expect 255 "" "exec failed: container does not exist"
	caisson delete --force nobody
	expect 0 "" ""
}

# --- what is made of the table ------------------------------------------------------------------

@test "manual pages: one for each command, accepted by mandoc" {
	command -v mandoc >/dev/null || skip "no mandoc"
	mkdir man
	caisson generate man man
	expect 0 "" ""
	while read -r command; do
		[ -s "man/caisson-${command// /-}.1" ]
	done < <(all_commands)
	mandoc -Tlint -Werror man/*.1
	MANWIDTH=78 mandoc -Tascii man/caisson-create.1 | col -b | grep -q -- '-b, --bundle DIR'
	[ ! -e man/caisson-generate.1 ]
}

@test "manual pages: a folder that is missing" {
	caisson generate man missing
	expect 1 "" "open missing: no such file or directory"
	caisson generate completion csh
	expect 1 "" 'shell "csh": must be bash, zsh or fish'
}

@test "completion: bash accepts it and completes" {
	caisson generate completion bash
	[ "$status" = 0 ]
	bash -n out
	cat >complete.bash <<-'END'
		source ./out
		compopt() { :; }
		try() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _caisson; echo "${COMPREPLY[*]}"; }
		caisson() { [ "$*" = "--root /r list -q" ] && echo web worker db; }
		try caisson st
		try caisson --roo
		try caisson --log-format j
		try caisson --log-format = t
		try caisson create --no-
		try caisson --root /r kill w
		try caisson --root = /r kill w
		try caisson --root /r kill web KI
		try caisson --root /r exec -e A=1 d
		try caisson exec web --
		try caisson help res
		try caisson pol
		try caisson policy ex
		try caisson policy explain --sy
		try caisson --debug policy diff --format j
	END
	bash complete.bash >completed
	cat completed
	diff completed - <<-'END'
		start state stats
		--root --rootless
		json
		text
		--no-pivot --no-new-keyring
		web worker
		web worker
		KILL
		db

		resume
		policy
		explain
		--syscall
		json
	END
}

@test "completion: zsh accepts it" {
	command -v zsh >/dev/null || skip "no zsh"
	caisson generate completion zsh
	[ "$status" = 0 ]
	zsh -f -n out
}

@test "completion: fish accepts it and completes" {
	command -v fish >/dev/null || skip "no fish"
	caisson generate completion fish
	[ "$status" = 0 ]
	fish --no-execute out
	completed=$(fish --no-config -c "source ./out; complete -C 'caisson kill web KIL'")
	[ "$completed" = KILL ]
	completed=$(fish --no-config -c "source ./out; complete -C 'caisson policy expl'")
	[[ $completed == explain* ]]
	completed=$(fish --no-config -c "source ./out; complete -C 'caisson policy explain --sys'")
	[[ $completed == --syscall* ]]
}
