# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# More of bench/run, which includes this: what a profile costs, what watching system calls
# costs, what a thousand neighbours cost, and instructions that valgrind counts. Uses its W,
# ROOTFS, json, rounds, neighbours, part, names and programs.
# shellcheck disable=SC2154 # those are set there

caisson=${programs[0]}
state=$W/state-more
bundle "$W/plain" plain '["/bin/true"]'

# pair FIRST-COMMAND SECOND-COMMAND [min_ms]: medians (or the least) of both in microseconds,
# alternating
pair() {
	printf 'a run %s\nb run %s\n' "$1" "$2" >"$W/pair"
	build/bench/compare -j -n "$rounds" "$W/pair" |
		jq -r ".${3-median_ms} * 1000 | round" | paste -sd ' '
}

# Docker's profile for bench/libseccomp: its architectures, then a call a line with its errno
# and its condition, that with the operator's number.
seccomp_lines() {
	jq -r '{ SCMP_CMP_NE: 1, SCMP_CMP_LT: 2, SCMP_CMP_LE: 3, SCMP_CMP_EQ: 4, SCMP_CMP_GE: 5,
		SCMP_CMP_GT: 6, SCMP_CMP_MASKED_EQ: 7 } as $op |
		(.architectures[] | select(. != "SCMP_ARCH_X86_64") | "arch " + (ltrimstr("SCMP_ARCH_") | ascii_downcase)),
		(.syscalls[] | . as $rule | .names[] |
		"\(.) \(if $rule.action == "SCMP_ACT_ALLOW" then 0 else $rule.errnoRet // 1 end)" +
		($rule.args // [] | map(" \(.index) \($op[.op]) \(.value) \(.valueTwo // 0)") | add // ""))' \
		tests/cli/profiles/docker.json >"$W/profile.lines"
}

# What Docker's profile costs: found in the cache, without one, and what is spent on it at least,
# by seccomp(2) with our filter and by libseccomp, with its own.
part_seccomp() {
	local plain with cold length bare its_length its_compile its_load
	bundle "$W/filtered" filtered '["/bin/true"]'
	seccomp_lines
	jq --slurpfile p tests/cli/profiles/docker.json '.linux.seccomp = $p[0]' "$W/filtered/config.json" >"$W/new"
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
		printf "run: %d us; with the profile, cached: %+d us, x %.2f of seccomp(2) with libseccomp'"'"'s filter, x %.2f with its own\n",
			p, w - p, (w - p) / l, (w - p) / b
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
			"${programs[$i]}" --root "$W/state-${names[$i]}" run -b "$W/${names[$i]}-loop" l </dev/null |
				sed "s/^/${names[$i]} /"
		done
		build/bench/loop | sed 's/^/bare /'
	done | jq -Rrn --argjson json "$json" '
		[inputs | split(" ") | { contender: .[0], call: .[1], ns: (.[2] | tonumber) }] |
		group_by([.call, .contender]) | map(min_by(.ns)) |
		if $json == 1 then .[] | { step: "call" } + . | tojson else
			"\nnanoseconds a system call, with the filter of each runtime for the same profile",
			(group_by(.call)[] | "\(.[0].call): " + (map("\(.contender) \(.ns)") | join(", "))) end'
}

# What `policy trace` and `policy why` cost a workload that does nothing but system calls,
# and everybody else meanwhile, as the command says at its end (the least of all runs).
part_trace() {
	local calls=400000 rounds=5 how line alone watched others=
	bundle "$W/busy" busy '["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count='$((calls / 2))'"]'
	[ "$json" = 1 ] || printf '\n%d system calls (dd) while they are watched\n' "$calls"
	for how in "trace -o $W/traced" "trace --args -o $W/traced" why "trace --notify -o $W/traced"; do
		read -r alone watched < <(pair "$caisson --root $state run -b $W/busy t" \
			"$caisson --root $state policy $how $W/busy" min_ms 2>/dev/null)
		how="policy ${how% -o *}"
		if [ "$json" = 1 ]; then
			jq -cn '{ step: "watched", command: $c, calls: $n, alone_us: $a, watched_us: $w, ratio: ($w / $a) }' \
				--arg c "$how" --argjson n "$calls" --argjson a "$alone" --argjson w "$watched"
		else
			awk -v h="$how" -v a="$alone" -v w="$watched" 'BEGIN {
				printf "%-24s %8d us alone %8d us watched  x %.2f\n", h, a, w, w / a }'
		fi
	done
	for ((line = 0; line < rounds; line++)); do
		how=$("$caisson" --root "$state" policy trace -o "$W/traced" "$W/plain" 2>&1 </dev/null |
			sed -n 's/.* took about \([0-9]*\) ns longer.*/\1/p')
		[ -n "$others" ] && [ "$others" -le "$how" ] || others=$how
	done
	if [ "$json" = 1 ]; then
		printf '{"step":"watched","others_ns_a_call":%d}\n' "$others"
	else
		printf 'each call of every other process: %+d ns\n' "$others"
	fi
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

for part in ${part:-seccomp calls trace instructions scale}; do
	"part_$part"
done
