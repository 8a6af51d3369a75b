# shellcheck shell=bash disable=SC2016 # filters are jq's
# SPDX-License-Identifier: Apache-2.0
# Bundles of real servers, over one read-only root (tests/rootfs servers) with tmpfs where
# they write, and what they are to do. They listen in the network namespace of the process
# $NETWORK, where the one who asks is, too: his system calls are none of theirs.

# Docker's, so that what is refused is refused by the profile
readonly CAPABILITIES='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD",
	"CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP",
	"CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"]'

inside() { # COMMAND...: in the network of the server
	nsenter -t "$NETWORK" -n "$@"
}

# Connects, sends a text and prints the answer, until the end or a line END.
ask() { # PORT TEXT
	# shellcheck disable=SC2016 # the inner shell's
	inside timeout 20 bash -c 'exec 9<>"/dev/tcp/127.0.0.1/$1" && printf "$2" >&9 && cat <&9' \
		bash "$1" "$2" 2>/dev/null
}

get() { # PORT PATH
	ask "$1" "GET $2 HTTP/1.0\r\nHost: localhost\r\n\r\n" | tr -d '\r'
}

server_bundle() { # DIR SERVER
	make_bundle "$1"
	config "$1" '.root.path = $root |
		.process.capabilities = {bounding: $c, permitted: $c, effective: $c} |
		.linux.namespaces |= map(if .type == "network" then .path = $net else . end) |
		.mounts += [{destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev"]}]' \
		--arg root "$TOP/build/rootfs/servers" --argjson c "$CAPABILITIES" \
		--arg net "/proc/$NETWORK/ns/net"
	"$2"_config "$1"
}

# A tmpfs of the container's at PATH, or a folder of the host's
writable() { # DIR PATH [OPTION|FOLDER]
	case ${3-} in
	/*) config "$1" '.mounts += [{destination: $p, type: "bind", source: $s, options: ["bind"]}]' \
		--arg p "$2" --arg s "$3" ;;
	*) config "$1" '.mounts += [{destination: $p, type: "tmpfs", source: "tmpfs",
		options: ["nosuid", "nodev", $o]}]' --arg p "$2" --arg o "${3-mode=755}" ;;
	esac
}

nginx_config() { # DIR
	mkdir www
	echo 'a page' >www/index.html
	head -c 300000 /dev/zero | tr '\0' x >www/large
	writable "$1" /var/www/html "$W/www"
	writable "$1" /var/log/nginx
	writable "$1" /var/lib/nginx
	config "$1" '.process.args = ["nginx", "-g", "daemon off;"]'
}

nginx_answers() {
	get 80 / | grep -q 'a page'
}

nginx_works() {
	get 80 /none | grep -q '404 Not Found'
	[ "$(get 80 /large | wc -c)" -gt 300000 ]
	get 80 / | grep -q 'Server: nginx'
}

redis_config() { # DIR
	writable "$1" /var/lib/redis uid=101
	config "$1" '.process.user = {uid: 101, gid: 101} | .process.args = ["redis-server",
		"/etc/redis/redis.conf", "--daemonize", "no", "--logfile", "", "--pidfile", ""]'
}

redis_answers() {
	ask 6379 'PING\r\nQUIT\r\n' | grep -q '^+PONG'
}

redis_works() {
	ask 6379 'SET a hello\r\nGET a\r\nLPUSH l 1 2 3\r\nSAVE\r\nQUIT\r\n' >redis.out
	grep -q '^hello' redis.out
	grep -q '^:3\|^:6' redis.out
	[ "$(grep -c '^+OK' redis.out)" = 3 ] # SET, SAVE and QUIT
}

python_config() { # DIR
	mkdir www
	echo 'a page' >www/index.html
	mkdir www/folder
	: >www/folder/file
	writable "$1" /srv "$W/www"
	config "$1" '.process.args = ["python3", "-m", "http.server", "--directory", "/srv", "8000"]'
}

python_answers() {
	get 8000 / | grep -q 'a page'
}

python_works() {
	get 8000 /none | grep -q '404 File not found'
	get 8000 /folder/ | grep -q '>file<'
	get 8000 / | grep -q 'a page'
}

# A repository of one package on port 8001 of the network, and apt's source for it
repository() {
	mkdir -p repository lists
	cat >repository/Packages <<-'END'
		Package: hello
		Version: 1.0
		Architecture: all
		Maintainer: nobody <nobody@localhost>
		Filename: ./hello.deb
		Size: 1
		SHA256: 0000000000000000000000000000000000000000000000000000000000000000
		Description: says hello
	END
	printf 'Date: %s\nSHA256:\n %s %s Packages\n' "$(date -Ru)" \
		"$(sha256sum <repository/Packages | cut -d ' ' -f 1)" \
		"$(wc -c <repository/Packages)" >repository/Release
	echo 'deb [trusted=yes] http://127.0.0.1:8001/ ./' >sources.list
	# not by a function, whose process would not be the server
	nsenter -t "$NETWORK" -n python3 -m http.server --directory repository 8001 >/dev/null 2>&1 3>&- &
	background+=($!)
	wait_for repository_answers
}

# By its text: a pipeline's status is that of its last command.
repository_answers() {
	get 8001 /Release | grep -q '^SHA256:'
}

apt_config() { # DIR
	writable "$1" /etc/apt/sources.list "$W/sources.list"
	writable "$1" /var/lib/apt/lists "$W/lists"
	writable "$1" /var/cache/apt
	config "$1" '.process.args = ["sh", "-c", "apt-get -q update"]'
}

updated() {
	says 'Get:'
	grep -q '^Package: hello' lists/*_Packages
	rm -r lists/*
}
