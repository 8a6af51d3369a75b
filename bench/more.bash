# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# More of bench/run, which includes this: what a profile costs, what a thousand neighbours
# cost, and instructions that valgrind counts. Uses its W, ROOTFS, json, rounds, neighbours
# names and programs.
# shellcheck disable=SC2154 # those are set there

caisson=${programs[0]}
state=$W/state-more

# pair FIRST-COMMAND SECOND-COMMAND: medians of both in microseconds, alternating
pair() {
	printf 'a run %s\nb run %s\n' "$1" "$2" >"$W/pair"
	build/bench/compare -j -n "$rounds" "$W/pair" |
		jq -r '.median_ms * 1000 | round' | paste -sd ' '
}

# A profile of the size that engines use: what most of the kernel's calls are to it, with
# conditions on some.
seccomp_profile() {
	sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/\1/p' /usr/include/x86_64-linux-gnu/asm/unistd_64.h |
		jq -Rn '[inputs] | map(select(test("module|reboot|kexec|mount|swap|^bpf$|personality|clone"
			) | not)) | { defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"],
		syscalls: ([{ names: ., action: "SCMP_ACT_ALLOW" }, { names: ["clone"], action: "SCMP_ACT_ALLOW",
			args: [{ index: 0, value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }] }] +
			[(0, 8, 131072, 131080, 4294967295) | { names: ["personality"], action: "SCMP_ACT_ALLOW",
			args: [{ index: 0, value: ., op: "SCMP_CMP_EQ" }] }]) }'
}

# The same for bench/libseccomp: a call a line, its condition with the operator's number.
seccomp_lines() {
	jq -r '{ SCMP_CMP_NE: 1, SCMP_CMP_LT: 2, SCMP_CMP_LE: 3, SCMP_CMP_EQ: 4, SCMP_CMP_GE: 5,
		SCMP_CMP_GT: 6, SCMP_CMP_MASKED_EQ: 7 } as $op | .syscalls[] | . as $rule | .names[] |
		. + ($rule.args // [] | map(" \(.index) \($op[.op]) \(.value) \(.valueTwo // 0)") | add // "")' \
		"$W/profile" >"$W/profile.lines"
}

# What a profile costs: found in the cache, without one, and what is spent on it at least,
# by seccomp(2) with our filter and by libseccomp, with its own.
part_seccomp() {
	local plain with cold length bare its_length its_compile its_load
	bundle "$W/plain" plain '["/bin/true"]'
	bundle "$W/filtered" filtered '["/bin/true"]'
	seccomp_profile >"$W/profile"
	seccomp_lines
	jq --slurpfile p "$W/profile" '.linux.seccomp = $p[0]' "$W/filtered/config.json" >"$W/new"
	mv "$W/new" "$W/filtered/config.json"
	"$caisson" --root "$state" create -b "$W/filtered" f </dev/null >/dev/null
	read -r length bare < <(build/bench/filter "$state/f/plan")
	"$caisson" --root "$state" delete -f f
	read -r its_length its_compile its_load < <(build/bench/libseccomp "$W/profile.lines")
	read -r plain with < <(pair "$caisson --root $state run -b $W/plain t" \
		"$caisson --root $state run -b $W/filtered u")
	# a file where the cache's folder would be: there is none
	mkdir "$W/state-cold"
	: >"$W/state-cold/@seccomp"
	read -r _ cold < <(pair "$caisson --root $state run -b $W/plain t" \
		"$caisson --root $W/state-cold run -b $W/filtered u")
	if [ "$json" = 1 ]; then
		jq -cn '{ step: "seccomp", instructions: $length, without_us: $plain, with_us: $with,
			cold_us: $cold, bare_us: $bare, own_us: ($with - $plain - $bare),
			libseccomp_instructions: $its_length, libseccomp_compile_us: $its_compile,
			libseccomp_bare_us: $its_load }' \
			--argjson length "$length" --argjson plain "$plain" --argjson with "$with" \
			--argjson cold "$cold" --argjson bare "$bare" --argjson its_length "$its_length" \
			--argjson its_compile "$its_compile" --argjson its_load "$its_load"
		return
	fi
	printf '\n%-24s %12s %12s %14s\n' seccomp instructions 'compile us' 'seccomp(2) us'
	printf '%-24s %12d %12s %14d\n' "caisson's filter" "$length" - "$bare"
	printf '%-24s %12d %12d %14d\n' "libseccomp's filter" "$its_length" "$its_compile" "$its_load"
	awk -v p="$plain" -v w="$with" -v c="$cold" -v b="$bare" -v l="$its_load" -v k="$its_compile" 'BEGIN {
		printf "run: %d us; with the profile, cached: %+d us, x %.2f of seccomp(2), x %.2f of it with libseccomp'"'"'s\n",
			p, w - p, (w - p) / b, (w - p) / l
		printf "without a cache: %+d us more, x %.2f of compiling with libseccomp\n", c - w, (c - w) / k }'
}

# What the filter of each runtime costs a system call, with Docker's profile: nanoseconds a
# call, the least of all rounds, since a filter can only add to them.
part_calls() {
	local i name round
	for i in "${!names[@]}"; do
		name=${names[$i]}
		bundle "$W/$name-loop" "$name-l" '["/dev/loop"]'
		jq --slurpfile p tests/cli/profiles/docker.json --arg loop "$PWD/build/bench/loop" '
			.linux.seccomp = $p[0] |
			.mounts += [{ destination: "/dev/loop", type: "bind", source: $loop, options: ["bind", "ro"] }]' \
			"$W/$name-loop/config.json" >"$W/new"
		mv "$W/new" "$W/$name-loop/config.json"
	done
	for ((round = 0; round < 10; round++)); do
		for i in "${!names[@]}"; do
			name=${names[$i]}
			"${programs[$i]}" --root "$W/state-$name" run -b "$W/$name-loop" l </dev/null |
				sed "s/^/$name /"
		done
		build/bench/loop | sed 's/^/bare /'
	done | jq -Rrn --argjson json "$json" '
		[inputs | split(" ") | { contender: .[0], call: .[1], ns: (.[2] | tonumber) }] |
		group_by([.call, .contender]) | map(min_by(.ns)) |
		if $json == 1 then .[] | { step: "call" } + . | tojson else
			"\nnanoseconds a system call, with the filter of each runtime for the same profile",
			(group_by(.call)[] | "\(.[0].call): " + (map("\(.contender) \(.ns)") | join(", "))) end'
}

scale_line() { # SITUATION: runs of the floor and of ours, and what they grew by
	local floor ours
	read -r floor ours < <(pair "$PWD/build/bench/floor $ROOTFS /sys/fs/cgroup/bench/floor" \
		"$caisson --root $state run -b $W/plain t")
	: "${floor_first:=$floor}" "${ours_first:=$ours}"
	if [ "$json" = 1 ]; then
		jq -cn '{ step: "scale", situation: $s, floor_us: $f, caisson_us: $o,
			floor_growth: ($f / $ff), caisson_growth: ($o / $of) }' --arg s "$1" --argjson f "$floor" \
			--argjson o "$ours" --argjson ff "$floor_first" --argjson of "$ours_first"
	else
		awk -v s="$1" -v f="$floor" -v o="$ours" -v ff="$floor_first" -v of="$ours_first" 'BEGIN {
			printf "%-16s %8d us  x %.2f %8d us  x %.2f\n", s, f, f / ff, o, o / of }'
	fi
}

part_scale() {
	local i
	[ "$json" = 1 ] || printf '\n%-16s %11s %18s\n' scale floor caisson
	scale_line plain
	mkdir "$W/many"
	for ((i = 0; i < neighbours; i++)); do
		mkdir "$W/many/$i"
		mount -t tmpfs tmpfs "$W/many/$i"
	done
	scale_line "$neighbours mounts"
	for ((i = 0; i < neighbours; i++)); do
		umount "$W/many/$i"
	done
	bundle "$W/alive" alive '["/bin/sleep", "1000"]'
	for ((i = 0; i < neighbours; i++)); do
		jq --arg g "/bench/alive-$i" '.linux.cgroupsPath = $g' "$W/alive/config.json" >"$W/new"
		cp "$W/new" "$W/alive/config.json"
		"$caisson" --root "$state" run -d -b "$W/alive" "n$i" </dev/null >/dev/null
	done
	scale_line "$neighbours containers"
	for ((i = 0; i < neighbours; i++)); do
		"$caisson" --root "$state" delete -f "n$i"
	done
}

# The pure part, from the config's text to the plan's: the same on every machine.
part_instructions() {
	local count
	command -v valgrind >/dev/null || {
		echo "bench: valgrind is not installed, instructions are not counted" >&2
		return
	}
	count=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$caisson" plan "$W/plain" 2>&1 >/dev/null | sed -n 's/.*Collected : //p')
	if [ "$json" = 1 ]; then
		printf '{"step":"plan","contender":"caisson","instructions":%d}\n' "$count"
	else
		printf '\nplan: %d instructions\n' "$count"
	fi
}

part_seccomp
part_calls
part_instructions
part_scale
