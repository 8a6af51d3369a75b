#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# Whether mounts cross the container's wall: only where the config lets them.

load helpers

setup_source() { # PROPAGATION: a mount at $W/source
	mkdir source
	mount -t tmpfs tmpfs source
	mount "--make-$1" source
}

teardown_source() {
	umount -R source
}

# bound OPTION...: bundle b with the source at /tmp/m
bound() {
	make_bundle b
	config b '.process.args = ["sleep", "1000"] | .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"]) |
		.mounts += [{ "destination": "/tmp/m", "type": "bind", "source": $s, "options": $o }]' \
		--arg s "$W/source" --argjson o "$(printf '%s\n' "$@" | jq -R . | jq -s .)"
}

# A mount on the host below the source: does the container see it?
arrives() {
	mkdir -p source/below
	mount -t tmpfs tmpfs source/below
	touch source/below/seen
	caisson exec c ls /tmp/m/below >seen 2>&1 </dev/null 3>&-
	umount source/below
	grep -q seen seen
}

# A mount in the container below the source: does the host see it?
escapes() {
	mkdir -p source/inner
	expect 0 caisson exec c mount -t tmpfs tmpfs /tmp/m/inner
	grep -q " $W/source/inner " /proc/self/mountinfo
}

@test "rprivate: neither way" {
	setup_source shared
	bound rbind rprivate
	expect 0 caisson run -d -b b c
	not arrives
	not escapes
	expect 0 caisson delete --force c
	teardown_source
}

@test "rslave: the host's mounts arrive, the container's do not escape" {
	setup_source shared
	bound rbind rslave
	expect 0 caisson run -d -b b c
	arrives
	not escapes
	expect 0 caisson delete --force c
	teardown_source
}

@test "rshared: both ways" {
	setup_source shared
	bound rbind rshared
	config b '.linux.rootfsPropagation = "rshared"' # as engines do
	expect 0 caisson run -d -b b c
	arrives
	escapes
	expect 0 caisson delete --force c
	teardown_source
}

@test "rshared below a root that is not shared: the host's mounts may arrive, none escapes" {
	setup_source shared
	bound rbind rshared
	expect 0 caisson run -d -b b c
	not escapes
	grep ' /tmp/m ' "/proc/$(pid_of c)/mountinfo" | grep -q 'shared:' # among the container's own
	expect 0 caisson delete --force c
	teardown_source
}

@test "without a word about it: neither way" {
	setup_source shared
	bound rbind
	expect 0 caisson run -d -b b c
	not escapes
	expect 0 caisson delete --force c
	teardown_source
}

@test "the container's root: rslave by default is no way out" {
	make_bundle b copy
	config b '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	script b 'mkdir /m && mount -t tmpfs tmpfs /m && touch /m/file; grep -c " /m " /proc/self/mountinfo'
	expect 0 caisson run -b b c
	is 1
	[ ! -e b/rootfs/m/file ]
}

@test "rootfsPropagation is what / has inside" {
	local kind
	for kind in private slave shared unbindable; do
		make_bundle b
		config b '.linux.rootfsPropagation = $k' --arg k $kind
		script b 'grep " / / \| [^ ]* / " /proc/self/mountinfo | grep -E "^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ / "'
		expect 0 caisson run -b b c
		case $kind in
		shared) says shared: ;;
		unbindable) says unbindable ;;
		*) not grep -q shared: <<<"$output" ;;
		esac
	done
}

@test "whatever happens, the host's propagation stays as it was" {
	before=$(cut -d ' ' -f 5- /proc/self/mountinfo | sort)
	make_bundle b
	expect 0 caisson run -b b c
	config b '.linux.rootfsPropagation = "shared"'
	expect 0 caisson run -b b c
	[ "$before" = "$(cut -d ' ' -f 5- /proc/self/mountinfo | sort)" ]
}

# peers PLACE: the propagation of a mount, from inside
peers() {
	echo "awk '\$5 == \"$1\" { p = \"\"; for (i = 7; \$i != \"-\"; i++) { sub(/:.*/, \"\", \$i); p = p \" \" \$i }; print p }' /proc/self/mountinfo;"
}

@test "propagation of a new mount, and of all mounts of a bind, in every mode" {
	local mode want script
	mkdir source
	mount -t tmpfs tmpfs source
	mkdir source/below
	mount -t tmpfs tmpfs source/below
	mount --make-rprivate source
	make_bundle b copy
	config b '.mounts += [{ destination: "/n", type: "tmpfs" }, { destination: "/m", source: $s, type: "bind" }]' --arg s "$W/source"
	script="$(peers /n)$(peers /m)$(peers /m/below)"
	while read -r mode want; do
		config b '.mounts[-2].options = [$m] | .mounts[-1].options = ["rbind", $m]' --arg m "$mode"
		script b "$script"
		expect 0 caisson run -b b c
		echo "$mode"
		is "$(tr ',' '\n' <<<"${want//_/ }")"
	done <<-'MODES'
		private ,,
		rprivate ,,
		slave ,,
		rslave ,,
		shared _shared,_shared,
		rshared _shared,_shared,_shared
		unbindable _unbindable,_unbindable,
		runbindable _unbindable,_unbindable,_unbindable
	MODES
	teardown_source
}
