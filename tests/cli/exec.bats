#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are the container's
# exec: its options, where the process is, and that it never hangs.

load helpers

# A container with a process that does nothing, as c.
container() { # [JQ FILTER]
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	[ $# = 0 ] || config b "$1"
	expect 0 caisson run -d -b b c
}

# A process object for --process: the container's, with a filter of jq's applied.
process() { # FILTER
	jq ".process | .args = [\"sleep\", \"1000\"] | $1" b/config.json >process.json
}

group_of() { # PID
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

# --- options ------------------------------------------------------------------------------

@test "exec: an empty user is an error, not no user" {
	container
	expect 255 caisson exec -u '' c id -u
	says '--user'
	one_line
	expect 255 caisson exec --user= c id -u
	one_line
}

@test "exec: user, groups, environment, folder" {
	container '.process.user.additionalGids = [7]'
	expect 0 caisson exec -u 1000:100 -g 8 -g 9 c id
	says 'uid=1000'
	says 'gid=100'
	says 'groups=7,8,9'
	expect 0 caisson exec -u 1000 c sh -c 'echo $(id -u) $(id -g)'
	is '1000 0'
	expect 0 caisson exec -e A=1 -e B='x y' -e A=2 c sh -c 'echo "$A $B"'
	is '2 x y'
	expect 255 caisson exec -e NOTHING c true
	says 'must be NAME=VALUE'
	one_line
	expect 255 caisson exec -g staff c true
	one_line
	expect 255 caisson exec --cwd /nowhere c true
	says '/nowhere'
	one_line
	expect 0 caisson exec --cap CAP_NOTHING c true
	says CAP_NOTHING
	one_line
}

@test "exec: descriptors are preserved only if they are open" {
	container
	echo content >file
	exec 7<file
	expect 0 bash -c "exec 3</dev/null 4<&3 5<&3 6<&3; exec '$CAISSON' --root '$STATE' \
		exec --preserve-fds 5 c sh -c 'cat <&7'"
	is content
	expect 255 bash -c "exec 3>&- 4>&-; exec '$CAISSON' --root '$STATE' exec --preserve-fds 2 c true"
	says 'fd 3 is not open'
	one_line
	exec 7<&-
}

@test "exec --process: all that the process may be" {
	container
	process '.args = ["sh", "-c", "id; umask; pwd; ulimit -n; echo $V; cat /proc/self/oom_score_adj; grep -E \"NoNewPrivs|CapEff\" /proc/self/status"]
		| .user = { "uid": 12, "gid": 34, "umask": 7, "additionalGids": [56] }
		| .cwd = "/tmp" | .env += ["V=v w"] | .oomScoreAdj = 123 | .noNewPrivileges = true
		| .rlimits = [{ "type": "RLIMIT_NOFILE", "soft": 77, "hard": 88 }]
		| .capabilities = { "bounding": ["CAP_KILL"] }'
	expect 0 caisson exec -p process.json c
	is 'uid=12 gid=34 groups=56
0007
/tmp
77
v w
123
CapEff:	0000000000000000
NoNewPrivs:	1'
	process '.args = []'
	expect 255 caisson exec -p process.json c
	says 'process.json'
	one_line
	process '.rlimits = [{ "type": "RLIMIT_NOTHING", "soft": 1, "hard": 1 }]'
	expect 255 caisson exec -p process.json c
	says 'RLIMIT_NOTHING'
	one_line
}

# --- states ---------------------------------------------------------------------------------

@test "exec: created, running and stopped containers" {
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	expect 0 caisson create -b b c
	expect 0 caisson exec c hostname
	is caisson
	is_status c created
	expect 0 caisson start c
	expect 0 caisson exec c hostname
	expect 0 caisson kill c KILL
	wait_for is_status c stopped
	expect 255 caisson exec c true
	says 'cannot exec in a stopped container'
	one_line
}

@test "exec --ignore-paused: the process runs when the container is resumed" {
	container
	expect 0 caisson pause c
	caisson exec --ignore-paused c sh -c 'echo ran; exit 3' >out 2>&1 </dev/null 3>&- &
	local pid=$!
	background+=("$pid")
	wait_for group_has b 2
	[ ! -s out ]
	expect 0 caisson resume c
	status=0
	wait "$pid" || status=$?
	[ "$status" = 3 ]
	[ "$(cat out)" = ran ]
}

@test "exec: a cgroup that was frozen from above is refused, too" {
	container
	echo 1 >"$CGROUP$CGROUP_PREFIX/cgroup.freeze"
	wait_for grep -q 'frozen 1' "$CGROUP$CGROUP_PREFIX/b/cgroup.events"
	within 10 255 caisson exec c true
	says frozen
	one_line
	mkdir "$CGROUP$CGROUP_PREFIX/b/sub"
	within 10 255 caisson exec --cgroup sub c true
	says frozen
	echo 0 >"$CGROUP$CGROUP_PREFIX/cgroup.freeze"
	wait_for grep -q 'frozen 0' "$CGROUP$CGROUP_PREFIX/b/cgroup.events"
	expect 0 caisson exec c true
}

# --- deadlines ------------------------------------------------------------------------------

@test "exec --deadline: a process that has no end is killed, with its group" {
	container
	within 10 255 caisson exec --deadline 3s c sh -c 'sleep 2000 & sleep 3000'
	says 'the process has not ended within 3s (--deadline)'
	one_line
	wait_for has_processes c 1
	expect 0 caisson exec --deadline 60s c true
	expect 7 caisson exec --deadline 1m c sh -c 'exit 7'
}

@test "exec --deadline: in a frozen cgroup nothing hangs and nothing is left" {
	container
	expect 0 caisson pause c
	within 10 255 caisson exec --ignore-paused --deadline 500ms c true
	says 'not done within 500ms (--deadline)'
	one_line
	within 10 255 caisson exec -d --ignore-paused --deadline 500ms c true
	wait_for group_has b 1
	expect 0 caisson resume c
	expect 0 caisson exec c true
	group_has b 1
}

@test "exec --deadline: what is no time" {
	container
	for time in 5 -1s x 1y 99999999h; do
		expect 255 caisson exec --deadline "$time" c true
		says "--deadline"
		one_line
	done
}

@test "exec: an exec that waits in a paused container ends by SIGTERM" {
	container
	expect 0 caisson pause c
	"$CAISSON" --root "$STATE" exec --ignore-paused c true >out 2>&1 </dev/null 3>&- &
	local pid=$!
	background+=("$pid")
	wait_for group_has b 2
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 255 ]
	grep -q 'interrupted by SIGTERM' out
	wait_for group_has b 1
	expect 0 caisson resume c
}

# --- cgroups ----------------------------------------------------------------------------------

@test "exec --cgroup: groups below the container's, and none else" {
	container
	mkdir -p "$CGROUP$CGROUP_PREFIX/b/sub/deep" "$CGROUP$CGROUP_PREFIX/other"
	for sub in sub /sub sub/deep sub/../sub/deep / .; do
		expect 0 caisson exec -d --cgroup "$sub" --pid-file pid c sleep 1000
		[ "$(group_of "$(cat pid)")" = "$(realpath -m "$CGROUP_PREFIX/b/$sub")" ] ||
			[ "$sub" = / ]
	done
	for sub in .. ../other sub/../../other /.. ../b2; do
		expect 255 caisson exec --cgroup "$sub" c true
		says "$sub is not a sub cgroup path"
		one_line
	done
	expect 255 caisson exec --cgroup nowhere c true
	says 'no such file or directory'
	one_line
	expect 255 caisson exec --cgroup cpu,memory:sub c true
	says 'no controllers to choose'
	one_line
	expect 255 caisson exec --cgroup sub --cgroup sub/deep c true
	one_line
	rmdir "$CGROUP$CGROUP_PREFIX/other"
}

@test "exec: where the container's processes went, if its group may have none itself" {
	local group=$CGROUP$CGROUP_PREFIX/b controller
	read -r controller _ <"$CGROUP/cgroup.controllers"
	[ -n "${controller-}" ] || skip "this cgroup2 tree has no controller to hand down"
	container
	mkdir "$group/inner"
	pid_of c >"$group/inner/cgroup.procs"
	# nothing is handed down yet: the top is where it goes
	expect 0 caisson exec -d --pid-file pid c sleep 1000
	[ "$(group_of "$(cat pid)")" = "$CGROUP_PREFIX/b" ]
	cat pid >"$group/inner/cgroup.procs"
	for above in "$CGROUP" "$CGROUP/caisson-tests" "$CGROUP$CGROUP_PREFIX" "$group"; do
		echo "+$controller" >"$above/cgroup.subtree_control" ||
			skip "the controller $controller cannot be handed down here"
	done
	expect 0 caisson exec -d --pid-file pid c sleep 1000
	[ "$(group_of "$(cat pid)")" = "$CGROUP_PREFIX/b/inner" ]
	expect 0 caisson exec c true
	# asked for by name there is no other place
	expect 255 caisson exec --cgroup / c true
	says 'device or resource busy'
	one_line
	# and no place outside
	mkdir "$CGROUP$CGROUP_PREFIX/outside"
	pid_of c >"$CGROUP$CGROUP_PREFIX/outside/cgroup.procs"
	expect 255 caisson exec c true
	says 'outside of'
	one_line
	pid_of c >"$group/inner/cgroup.procs"
	rmdir "$CGROUP$CGROUP_PREFIX/outside"
}

# --- terminals ---------------------------------------------------------------------------------

@test "exec: terminals that cannot be, in words" {
	container
	expect 255 caisson exec -d -t c true
	says 'cannot allocate tty if runc will detach without setting console socket'
	one_line
	receive_tty tty.sock
	expect 255 caisson exec -d --console-socket tty.sock c true
	says 'cannot use console socket if runc will not detach or allocate tty'
	one_line
	expect 255 caisson exec -d -t --console-socket nowhere.sock c true
	says nowhere.sock
	one_line
}

@test "exec -t: stdin that is no terminal reaches the program, and its end does" {
	container
	printf 'one\ntwo\n\004' >input
	LIMIT=20 caisson exec -t c sh -c 'test -t 0 && cat' <input >out 2>&1 3>&-
	tr -d '\r' <out | grep -qx two
	LIMIT=20 caisson exec -t c sh -c 'test -t 0 && test -t 1 && test -t 2; echo is $?' \
		</dev/null >out 2>&1 3>&-
	grep -q 'is 0' out
	LIMIT=20 expect 9 caisson exec -t c sh -c 'exit 9'
}

@test "exec: a terminal by --process, in front and detached" {
	container
	process '.terminal = true | .args = ["sh", "-c", "tty; stty size; id -u; stat -c %u $(tty)"]
		| .consoleSize = { "height": 12, "width": 34 } | .user = { "uid": 5, "gid": 5 }'
	expect 0 caisson exec -p process.json c
	says /dev/pts/
	says '12 34'
	receive_tty tty.sock
	expect 0 caisson exec -d -p process.json --console-socket tty.sock c
	wait_for grep -q '12 34' tty.sock.out
	[ "$(tr -d '\r' <tty.sock.out | tail -n 2)" = $'5\n5' ]
	expect 255 caisson exec -d -p process.json c
	one_line
}

@test "exec -t --deadline: what was printed until then is shown" {
	container
	within 15 255 caisson exec -t --deadline 5s c sh -c 'echo printed; sleep 1000'
	says printed
	says 'within 5s'
	wait_for has_processes c 1
}

# --- pidfd sockets --------------------------------------------------------------------------------

# Listens on $W/pidfd.sock, prints the text of the message and kills what comes.
pidfd_kill() { # SIGNAL
	cat >pidfd.py <<-'END'
		import signal, socket, sys
		listener = socket.socket(socket.AF_UNIX)
		listener.bind("pidfd.sock")
		listener.listen()
		connection, _ = listener.accept()
		text, fds, _, _ = socket.recv_fds(connection, 64, 4)
		print(text.decode(), len(fds), flush=True)
		sys.stdin.readline()
		signal.pidfd_send_signal(fds[0], signal.Signals[sys.argv[1]])
	END
	rm -f pidfd.sock go
	mkfifo go
	python3 pidfd.py "$1" <>go >pidfd.out 2>&1 3>&- &
	background+=($!)
	wait_for test -S pidfd.sock
}

@test "--pidfd-socket: create, run and exec" {
	requires python3
	make_bundle b
	config b '.process.args = ["sleep", "1000"]'
	pidfd_kill SIGTERM
	expect 0 caisson create -b b --pidfd-socket pidfd.sock c
	is_status c created
	wait_for grep -qx 'standard 1' pidfd.out
	echo >go
	wait_for is_status c stopped
	expect 0 caisson delete c

	pidfd_kill SIGKILL
	expect 0 caisson run -d -b b --pidfd-socket pidfd.sock c
	wait_for grep -qx 'standard 1' pidfd.out
	pidfd_kill SIGKILL
	expect 0 caisson exec -d --pid-file pid --pidfd-socket pidfd.sock c sleep 2000
	wait_for grep -qx 'setns 1' pidfd.out
	test -d "/proc/$(cat pid)"
	echo >go
	wait_for not test -d "/proc/$(cat pid)"
	is_status c running
	expect 255 caisson exec -d --pidfd-socket nowhere.sock c sleep 2000
	says 'pidfd socket'
	one_line
	has_processes c 1
}

# --- a container that means ill --------------------------------------------------------------------

@test "exec: a container whose first process has swapped what exec could look at" {
	make_bundle b copy
	config b '.process.capabilities.bounding += ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]
		| .process.capabilities.effective += ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]
		| .process.capabilities.permitted += ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]'
	script b 'mount -t tmpfs none /proc && mkdir -p /proc/self/attr /proc/self/fd /proc/sys &&
		mkfifo /proc/self/attr/exec /proc/self/oom_score_adj &&
		mount -t tmpfs none /dev/pts && ln -s / /dev/pts/ptmx && : >/dev/pts/0 &&
		rm -f /etc/passwd && mkfifo /etc/passwd && : >/ready; sleep 1000'
	expect 0 caisson run -d -b b c
	wait_for test -e b/rootfs/ready
	within 10 0 caisson exec c sh -c 'echo $HOME'
	is /
	process '.oomScoreAdj = 100'
	jq '.args = ["true"]' process.json >adjusted.json
	within 10 0 caisson exec -p adjusted.json c
	within 10 255 caisson exec -t c true
	says /dev/pts
	one_line
	# what is read of a huge file has an end
	rm b/rootfs/etc/passwd
	truncate -s 1G b/rootfs/etc/passwd
	within 10 0 caisson exec c sh -c 'echo $HOME'
	is /
	rm b/rootfs/etc/passwd
	ln -s /proc/self/mem b/rootfs/etc/passwd
	within 10 0 caisson exec c sh -c 'echo $HOME'
	is /
}
