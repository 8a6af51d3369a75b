# SPDX-License-Identifier: Apache-2.0
"""The part of util-linux' Python binding that crun's tests of mounts use.

Debian does not package the binding, and without it that file reports no test at all.
"""


class Mount:
    """One line of mountinfo: options of the mount and of its superblock."""

    def __init__(self, vfs_options, fs_options):
        self.vfs_options = vfs_options
        self.fs_options = fs_options


class Table:
    """The last mount on each target of a file like /proc/self/mountinfo."""

    def __init__(self, path):
        self.mounts = {}
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                mount, separator, filesystem = line.partition(" - ")
                mount, filesystem = mount.split(), filesystem.split()
                if separator and len(mount) >= 6 and len(filesystem) >= 3:
                    target = mount[4].encode().decode("unicode_escape")
                    self.mounts[target] = Mount(mount[5], filesystem[2])

    def find_target(self, target):
        """The mount there, or None."""
        return self.mounts.get(target)
