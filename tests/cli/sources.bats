#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # scripts are the container's
# Unusual ends of a mount: the root itself as its target, and as its source what a process
# has open, which only a magic link of /proc names (proc(5)).

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# bound SOURCE TARGET: b binds it before all other mounts
bound() {
	make_bundle b
	config b '.mounts = [{ "destination": $d, "type": "bind", "source": $s,
		"options": ["rbind"] }] + .mounts' --arg s "$1" --arg d "$2"
}

inside() { # SCRIPT
	script b "$1"
	expect 0 caisson run -b b c
	nothing_left
}

# --- the root as the target --------------------------------------------------------------

@test "a bind onto / is the root from then on" {
	cp -a "$ROOTFS" other
	echo other >other/marked
	bound "$W/other" /
	config b '.mounts += [{ "destination": "/new", "type": "tmpfs" }] | .root.readonly = true'
	inside 'cat /marked; cd /new/..; pwd; touch /x 2>&1 || grep -c " / " /proc/1/mountinfo'
	says $'other\n/\n'
	says 'Read-only file system'
	# made where it was missing, and not in the rootfs below
	[ -d other/new ]
	[ ! -e "$ROOTFS/new" ]
}

@test "a bind onto / in a user namespace" {
	cp -a "$ROOTFS" other
	echo other >other/marked
	bound "$W/other" /
	config b '.linux.namespaces += [{ "type": "user" }] | .linux.gidMappings = .linux.uidMappings |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = .linux.uidMappings'
	chmod 755 "$W"
	inside 'cat /marked; ls -d /proc/1'
	is $'other\n/proc/1'
}

@test "a tmpfs onto / takes a copy of the rootfs: changes are lost, not kept" {
	make_bundle b copy
	config b '.mounts = [{ "destination": "/", "type": "tmpfs", "options": ["tmpcopyup"] }] + .mounts'
	inside 'echo lost >/lost; cat /lost; stat -f -c %T /bin'
	is $'lost\ntmpfs'
	[ ! -e b/rootfs/lost ]
}

@test "a file cannot be the root" {
	touch file
	bound "$W/file" /
	refused "mounts[0]" caisson run -b b c
}

@test "exec ends up in the root that was mounted onto /" {
	cp -a "$ROOTFS" other
	echo other >other/marked
	bound "$W/other" /
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson run -d -b b c
	expect 0 caisson exec c cat /marked
	is other
}

@test "check takes a mount onto / for the root" {
	mkdir -p other/bin other/proc other/dev other/sys other/tmp
	bound "$W/other" /
	script b true
	expect 1 caisson check b
	says 'sh'
	rm -r other
	cp -a "$ROOTFS" other
	expect 0 caisson check b
}

@test "nothing is executed of a source that is mounted so, unless the bind says otherwise" {
	mkdir source
	mount -t tmpfs -o noexec,nosuid tmpfs source
	cp "$ROOTFS/bin/busybox" source/
	bound "$W/source" /tmp/m
	config b '.mounts |= .[1:] + .[:1]'
	script b '/tmp/m/busybox true 2>&1 || grep " /tmp/m " /proc/mounts'
	expect 0 caisson run -b b c
	says 'Permission denied'
	says nosuid
	config b '.mounts[-1].options += ["exec"]'
	script b '/tmp/m/busybox echo executed'
	expect 0 caisson run -b b c
	is executed
	umount source
	nothing_left
}

@test "a source below the rootfs is what is mounted there" {
	make_bundle b copy
	config b '.mounts += [{ "destination": "/t", "type": "tmpfs" }, { "destination": "/u",
		"type": "bind", "source": ($w + "/b/rootfs/t"), "options": ["rbind"] }]' --arg w "$W"
	inside 'touch /t/file; ls /u; grep -cE " /[tu] " /proc/mounts'
	is $'file\n2'
}

# --- magic links as the source -------------------------------------------------------------

@test "a descriptor of the caller is bound" {
	mkdir source
	echo text >source/file
	local path
	for path in /proc/self/fd/7 /dev/fd/7 /proc/thread-self/fd/7; do
		bound "$path" /tmp/m
		config b '.mounts |= .[1:] + .[:1]'
		script b 'cat /tmp/m/file'
		expect 0 caisson run -b b c 7<source
		is text
	done
	bound /proc/self/fd/7/file /tmp/m
	config b '.mounts |= .[1:] + .[:1]'
	script b 'cat /tmp/m; ls /proc/self/fd'
	expect 0 caisson run -b b c 7<source
	is $'text\n0\n1\n2\n3' # the last is that of ls
	nothing_left
}

@test "a descriptor of a file that has no name any more cannot be bound" {
	echo text >source
	bound /proc/self/fd/7 /tmp/m
	config b '.mounts |= .[1:] + .[:1]'
	script b 'cat /tmp/m'
	exec 7<source
	rm source
	refused "what has no name any more cannot be mounted" caisson run -b b c
	exec 7<&-
}

@test "the root of another process is bound" {
	mkdir source
	echo text >source/file
	bound "/proc/$$/root$W/source" /tmp/m
	config b '.mounts |= .[1:] + .[:1]'
	inside 'cat /tmp/m/file'
	is text
	unshare -m sh -c 'echo $$ >pid; exec sleep 1000' </dev/null >/dev/null 2>&1 3>&- &
	background+=($!)
	wait_for test -s pid
	bound "/proc/$(cat pid)/root$W/source" /tmp/m
	# what is mounted in another namespace cannot be cloned (open_tree(2), EINVAL)
	refused "mounts[0].source: open_tree /proc/" caisson run -b b c
}

# with_stdio COMMAND...: without the descriptors that bats has left open
with_stdio() (
	for fd in {3..63}; do eval "exec $fd>&-"; done
	"$@"
)

@test "a descriptor of caisson's own, or of nobody's, is not for a config" {
	local fd
	for fd in 3 4 5 6 7 8 9 10 63; do
		bound "/proc/self/fd/$fd" /tmp/m
		refused "the caller has no such descriptor open" with_stdio caisson run -b b c
	done
}

@test "a bound descriptor is no peer of the host's mount" {
	mkdir source
	mount -t tmpfs source source
	mount --make-shared source
	mkdir source/below
	bound /proc/self/fd/7 /tmp/m
	config b '.mounts |= .[1:] + .[:1] | .process.args = ["sleep", "1000"] |
		.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	expect 0 caisson run -d -b b c 7<source
	expect 0 caisson exec c mount -t tmpfs inner /tmp/m/below
	not findmnt --mountpoint "$W/source/below"
	expect 0 caisson delete --force c
	umount source
	nothing_left
}

@test "with a user namespace a descriptor is refused" {
	mkdir source
	bound /proc/self/fd/7 /tmp/m
	config b '.linux.namespaces += [{ "type": "user" }] |
		.linux.uidMappings = [{ "containerID": 0, "hostID": 100000, "size": 65536 }] |
		.linux.gidMappings = .linux.uidMappings'
	exec 7<source
	refused "whose root could change the mount's flags" caisson run -b b c
	exec 7<&-
}

@test "a bind leaves out what its filesystem alone knows, and says so" {
	make_bundle b
	mkdir -m 750 source
	config b '.mounts += [{ "destination": "/tmp/m", "source": $s, "options": ["bind", "size=1k", "mode=700"] }]' \
		--arg s "$W/source"
	script b 'echo "mode $(stat -c %a /tmp/m)"'
	expect 0 caisson run -b b c
	says 'mode 750'
	says '.options: "size=1k" is left out'
	says '.options: "mode=700" is left out'
	# this could have been meant for a flag
	config b '.mounts[-1].options = ["bind", "readonly"]'
	refused '.options: "readonly": not an option of a bind mount' caisson run -b b c
}

@test "targets beside one that had to be made: there already, a link, a link to nothing, a file" {
	make_bundle b copy
	mkdir -p b/rootfs/d/there b/rootfs/far
	ln -s ../far b/rootfs/d/link
	ln -s ../made b/rootfs/d/nowhere
	echo image >b/rootfs/d/file
	echo bound >source
	# whatever is there already makes init forget the folder, so each is beside a new one
	config b '.root.readonly = false |
		.mounts += ([["new1", "there", "new2", "link", "new3", "nowhere"][] |
			{ destination: ("/d/" + .), type: "tmpfs", source: "tmpfs" }] +
		[{ destination: "/d/new4", type: "tmpfs", source: "tmpfs" },
		 { destination: "/d/file", type: "bind", source: $s, options: ["bind"] },
		 { destination: "/d/new5", type: "tmpfs", source: "tmpfs" },
		 { destination: "/d/new6", type: "bind", source: $s, options: ["bind"] }])' --arg s "$W/source"
	config b '.process.args = ["sh", "-c", "
		for at in /d/new1 /d/there /d/new2 /far /d/new3 /made /d/new4 /d/new5; do
			grep -q \" $at \" /proc/self/mountinfo || echo $at is no mount
		done
		readlink /d/link
		readlink /d/nowhere
		cat /d/file /d/new6"]'
	expect 0 caisson run -b b c
	is $'../far\n../made\nbound\nbound'
	[ "$(cat b/rootfs/d/file)" = image ]
	nothing_left
}
