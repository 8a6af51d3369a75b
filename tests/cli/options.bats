#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells
# Every option of every command with values that no caller should send. The options come
# from --help, and so from the table that parses them: a new one is tested unasked.

load helpers

# The options of a command that take a value.
options_of() { # COMMAND...
	"$CAISSON" "$@" --help | sed -nE 's/^ +(-[a-zA-Z], )?--([a-z0-9-]+) [A-Z<].*/\2/p'
}

commands() {
	"$CAISSON" --help | sed -nE '/^[A-Za-z]*ommands/,/^$/s/^ +([a-z]+( [a-z]+)?)  .*/\1/p'
}

# Fails, or does not, but in one plain line, without a crash and in time.
survives() { # COMMAND...
	status=0
	timeout -k 1 20 "$CAISSON" --root "$STATE" "$@" >out 2>err </dev/null 3>&- 4<&- || status=$?
	case $status in
	0 | 1 | 2 | 3 | 255) ;; # 2 of policy: it could not be told
	*)
		echo "exit status $status of: ${*@Q}" | cut -c1-300
		return 1
		;;
	esac
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]' err || [ "$(wc -l <err)" -gt 1 ]; then
		echo "not one plain line, of: ${*@Q}" | cut -c1-300
		head -c 300 err | cat -v
		return 1
	fi
	[ "$status" = 0 ] || [ -s err ] || [ -s out ] || {
		echo "nothing said, of: ${*@Q}" | cut -c1-300
		return 1
	}
}

setup_values() {
	values=('' -1 18446744073709551616 ../x $'two\nlines' $'\e[31mred\e]0;title\a'
		$'\x01\xff\xfe\x80' "$(head -c 65536 /dev/zero | tr '\0' x)")
}

@test "the commands and their options are found" {
	[ "$(commands | wc -l)" -gt 12 ]
	commands | grep -qx create
	commands | grep -qx "policy audit"
	options_of create | grep -qx pid-file
	options_of exec | grep -qx cap
}

@test "every option of every command with eight bad values" {
	local option value options once words n=0
	setup_values
	mkdir empty && cd empty
	while read -ra words <&4; do
		mapfile -t options < <(options_of "${words[@]}")
		once=()
		[ "${words[0]}" != stats ] || once=(--no-stream) # without a name it goes on
		for option in "${options[@]}"; do
			for value in "${values[@]}"; do
				survives "${words[@]}" "--$option" "$value" nobody
				survives "${words[@]}" "${once[@]}" "--$option=$value"
				n=$((n + 2))
			done
		done
	done 4< <(commands)
	cd ..
	echo "# $n command lines" >&3
	[ "$n" -gt 300 ]
	nothing_left
}

@test "every option of the program with eight bad values" {
	local option value
	setup_values
	for option in log log-format log-level cgroup-manager rootless root; do
		for value in "${values[@]}"; do
			survives "--$option" "$value" state nobody
		done
	done
	nothing_left
}

@test "every command with eight bad ids, and with too many" {
	local value words
	setup_values
	mkdir empty && cd empty
	while read -ra words <&4; do
		for value in "${values[@]}"; do
			survives "${words[@]}" "$value"
			survives "${words[@]}" -- "$value" "$value" "$value"
		done
		survives "${words[@]}" --nosuchoption
		survives "${words[@]}" -Z
		survives "${words[@]}" "--$(head -c 65536 /dev/zero | tr '\0' x)"
		survives "${words[@]}" $'--\e[31m'
	done 4< <(commands)
	cd ..
	nothing_left
}

@test "no arguments, and names of commands that are none" {
	local value
	setup_values
	survives
	for value in "${values[@]}"; do
		survives "$value"
	done
	# argv without a name
	expect_any sh -c 'exec -a "" "$0" state' "$CAISSON" || true
}
