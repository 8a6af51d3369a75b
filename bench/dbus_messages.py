# SPDX-License-Identifier: Apache-2.0
"""Counts the D-Bus messages in a trace of strace -f -xx -s 1000000: whole ones, by their own
lengths, whatever pieces they were sent and read in."""
import collections
import re
import struct
import sys

CALL = re.compile(r"^(\d+)\s+(sendmsg|sendto|recvmsg|recvfrom|read|write)\((\d+),(.*)\)\s+=\s+(\d+)$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def whole_lines(trace):
    """Lines of the trace; a call that another process interrupted is put together again."""
    begun = {}
    for line in trace:
        pid = line.split(" ", 1)[0]
        if line.rstrip().endswith("<unfinished ...>"):
            begun[pid] = line.rstrip()[: -len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"^\d+\s+<\.\.\. \w+ resumed>(.*)$", line)
        yield begun.pop(pid, pid) + resumed.group(1) + "\n" if resumed else line


def streams(path):
    """(fd, direction) -> bytes, of the connections that began with a handshake."""
    found = collections.OrderedDict()
    with open(path, encoding="ascii", errors="replace") as trace:
        for line in whole_lines(trace):
            match = CALL.match(line)
            if not match:
                continue
            _, name, fd, rest, length = match.groups()
            # the address of a recvmsg and control data are no text of the message
            data = b"".join(bytes.fromhex(t.replace("\\x", "")) for t in TEXT.findall(rest.split("msg_control")[0]))
            data = data[: int(length)]
            sent = name in ("sendmsg", "sendto", "write")
            if sent and data.startswith(b"\0AUTH"):
                found[fd, "sent", len(found)] = b""
                found[fd, "received", len(found)] = b""
            for key in reversed(list(found)):
                if key[0] == fd and (key[1] == "sent") == sent:
                    found[key] += data
                    break
    return found


def messages(data):
    """The types of the messages behind the handshake."""
    at = 0
    while at < len(data) and not (data[at:at + 1] == b"l" and data[at + 3:at + 4] == b"\1"):
        line = data.find(b"\r\n", at)
        if line < 0:
            return
        at = line + 2
    while at + 16 <= len(data):
        body, _, fields = struct.unpack_from("<III", data, at + 4)
        yield data[at + 1]
        at += 16 + (fields + 7 & ~7) + body


def main():
    counts = collections.Counter()
    for key, data in streams(sys.argv[1]).items():
        for kind in messages(data):
            counts[key[1]] += 1
            counts[key[1], kind] += 1
    print(f"{counts['sent'] + counts['received']} in all: {counts['sent']} sent, {counts['received']} received "
          f"({counts['received', 2]} replies, {counts['received', 3]} errors, {counts['received', 4]} signals)")


main()
