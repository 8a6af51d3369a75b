#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # tests are subshells; scripts are python's
# config.json as a bomb: each is refused with one line that says where, within two seconds
# of processor time and 64 MiB of memory (both are enforced: who exceeds them is killed),
# and nothing is created.

load helpers

# bomb TEXT PYTHON: prints config.json from c, the whole default config as text, and d,
# the same as a dictionary; create says TEXT
bomb() {
	make_bundle b
	python3 -c "import sys, json
c = open('b/config.json').read()
d = json.loads(c)
def out(text): sys.stdout.buffer.write(text if isinstance(text, bytes) else text.encode())
$2" >bomb.json
	mv bomb.json b/config.json
	local limits=(-t 2)
	sanitized || limits+=(-v 65536)
	# shellcheck disable=SC2317 # expect runs it
	limited() {
		(ulimit "${limits[@]}" && exec timeout -k 1 20 "$CAISSON" --root "$STATE" "$@")
	}
	refused "$1" limited create -b b c
	[[ $output != *'out of memory'* ]]
	[ "${#output}" -lt 4200 ]
	expect 1 limited check b
	[ ! -e "$STATE/c" ]
}

@test "nested arrays, 10^6 deep" {
	bomb 'line 1, column' 'out("[" * 10**6)'
}

@test "nested objects, 10^6 deep" {
	bomb 'line 1, column' 'out("{\"a\":" * 10**6)'
}

@test "arrays in a field that nobody knows" {
	bomb 'line 1, column' 'out("{\"x\":" + "[" * 10**5 + "]" * 10**5 + "," + c.strip()[1:])'
}

@test "one byte more than 16 MiB" {
	bomb 'config.json' 'out(c + " " * (16 * 2**20 - len(c) + 1))'
}

@test "a sparse file of a TiB" {
	make_bundle b
	truncate -s 1T b/config.json
	refused 'config.json' caisson create -b b c
}

@test "a string of 15 MiB in a field that nobody knows" {
	bomb 'x' 'd["x"] = "y" * (15 * 2**20); out(json.dumps(d))'
}

@test "an argument of 3 MiB" {
	bomb 'process.args' 'd["process"]["args"] = ["y" * (3 * 2**20)]; out(json.dumps(d))'
}

@test "arguments and environment of 8 MiB together" {
	bomb 'process' 'd["process"]["args"] = ["y" * 10**6] * 4
d["process"]["env"] = ["A%d=%s" % (i, "z" * 10**6) for i in range(4)]; out(json.dumps(d))'
}

@test "10^6 variables" {
	bomb 'process.env' 'd["process"]["env"] = ["A%d=" % i for i in range(10**6)]; out(json.dumps(d))'
}

@test "10^5 mounts" {
	bomb 'mounts' 'd["mounts"] = [{ "destination": "/tmp/%d" % i, "type": "tmpfs" } for i in range(10**5)]
out(json.dumps(d))'
}

@test "10^6 members of an object that nobody knows" {
	bomb 'config.json' 'd["x"] = { "k%d" % i: 1 for i in range(10**6) }; out(json.dumps(d))'
}

@test "10^6 values in a list that nobody knows" {
	bomb 'config.json' 'out("{\"x\":[" + "0," * (3 * 10**6) + "0]," + c.strip()[1:])'
}

@test "a name that stands twice" {
	bomb 'process: this name is used twice' 'out(c.strip()[:-1] + ", \"process\": {}}")'
}

@test "a name that stands twice, once with an escape" {
	bomb 'used twice' 'out(c.strip()[:-1] + ", \"proc\\u0065ss\": {}}")'
}

@test "10^5 names that stand twice" {
	bomb 'used twice' 'out("{" + "\"x\":1," * 10**5 + c.strip()[1:])'
}

@test "bytes that are no UTF-8" {
	bomb 'hostname' 'd["hostname"] = "HERE"; out(json.dumps(d).encode().replace(b"HERE", b"\xff\xfe"))'
}

@test "UTF-8 of more bytes than needed" {
	bomb 'hostname' 'd["hostname"] = "HERE"; out(json.dumps(d).encode().replace(b"HERE", b"\xc0\xaf"))'
}

@test "half of a surrogate pair" {
	bomb 'hostname' 'd["hostname"] = "HERE"; out(json.dumps(d).replace("HERE", "\\ud800"))'
}

@test "NUL in a path" {
	bomb 'process.cwd' 'd["process"]["cwd"] = "/\0x"; out(json.dumps(d))'
}

@test "NUL in a name" {
	bomb 'config.json' 'd["a\0b"] = 1; out(json.dumps(d))'
}

@test "text after the end" {
	bomb 'config.json: line' 'out(c + "{}")'
}

@test "a mark of byte order" {
	bomb 'config.json: line 1, column 1' 'out(b"\xef\xbb\xbf" + c.encode())'
}

@test "a number of 10^5 digits" {
	bomb 'process.user.uid' 'd["process"]["user"]["uid"] = 4242; out(json.dumps(d).replace("4242", "9" * 10**5))'
}

@test "a number with an exponent" {
	bomb 'process.user.uid' 'd["process"]["user"]["uid"] = 4242; out(json.dumps(d).replace("4242", "1e400"))'
}

@test "a number that wraps to 0" {
	bomb 'process.user.uid' 'd["process"]["user"]["uid"] = 2**64; out(json.dumps(d))'
}

@test "10^5 faults: a few are told" {
	bomb 'more' 'd["process"]["args"] = [7] * 10**5; out(json.dumps(d))'
}

@test "10^5 namespaces" {
	bomb 'linux.namespaces' 'd["linux"]["namespaces"] = [{ "type": "pid" }] * 10**5; out(json.dumps(d))'
}

@test "config.json is a device, a fifo, a folder, a link to itself" {
	make_bundle b
	rm b/config.json
	ln -s /dev/zero b/config.json
	LIMIT=5 refused 'config.json' caisson create -b b c
	rm b/config.json
	mkfifo b/config.json
	LIMIT=5 refused 'config.json' caisson create -b b c
	rm b/config.json
	mkdir b/config.json
	LIMIT=5 refused 'config.json' caisson create -b b c
	rmdir b/config.json
	ln -s config.json b/config.json
	LIMIT=5 refused 'config.json' caisson create -b b c
}

@test "what is many but not too many is carried out" {
	make_bundle b
	script b 'mount | grep -c /tmp/n'
	config b '.mounts += [range(500) | { "destination": "/tmp/n\(.)", "type": "bind", "source": "/usr", "options": ["bind"] }]'
	expect 0 caisson run -b b c
	is 500
}
