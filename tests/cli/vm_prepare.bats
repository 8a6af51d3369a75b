#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# caisson vm prepare: what is kept of a kernel, where, and what is refused. Real kernels and
# their modules are in the test machine (tests/vm/microvm.bats).

load helpers

# An ELF file of one segment at 16 MiB, as a kernel that tells no version.
kernel() { # FILE
	python3 - "$1" <<-'END'
		import struct, sys
		head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1,
		    1 << 24, 64, 0, 0, 64, 56, 1, 0, 0, 0)
		head += struct.pack("<IIQQQQQQ", 1, 5, 120, 1 << 24, 1 << 24, 8, 8, 4096)
		open(sys.argv[1], "wb").write(head + b"\xf4" * 8)
	END
}

@test "vm prepare: a kernel is prepared once" {
	kernel mine
	expect 0 caisson vm prepare --kernel mine --cache kept
	[ "$output" = "$PWD/mine: prepared, with 0 modules, in $PWD/kept" ]
	[ "$(stat -c %a kept)" = 700 ]
	cmp mine kept/*.vmlinux
	grep -qa TRAILER!!! kept/*.initramfs
	grep -qa caisson.0 kept/*.initramfs # the port's name, in the agent
	expect 0 caisson vm prepare --kernel mine --cache kept
	[ "$output" = "$PWD/mine: is prepared, in $PWD/kept" ]
	expect 0 caisson vm prepare --kernel mine --cache kept --force
	[[ $output == *prepared,* ]]
	# a newer file: what was made of the older one goes
	kernel mine.new
	mv mine.new mine
	expect 0 caisson vm prepare --kernel mine --cache kept
	[[ $output == *prepared,* ]]
	[ "$(find kept -type f | wc -l)" = 2 ]
}

@test "vm prepare: what is no kernel, and a folder of others, are refused" {
	kernel mine
	echo "no kernel" >other
	expect 1 caisson vm prepare --kernel other --cache kept
	[[ $output == *"$PWD/other: neither a bzImage nor an ELF file"* ]]
	expect 1 caisson vm prepare --kernel none --cache kept
	[[ $output == *"open kernel $PWD/none: no such file or directory"* ]]
	mkdir open
	chmod 777 open
	expect 1 caisson vm prepare --kernel mine --cache open
	[[ $output == *"$PWD/open: has to be a folder of user"* ]]
	ln -s kept link
	expect 1 caisson vm prepare --kernel mine --cache link
	[ -z "$(find kept open -type f)" ]
}
