#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A pod's life over the Kubernetes Container Runtime Interface.

    cri.py SOCKET IMAGE LOG_DIR [CGROUP]

Asks a CRI server (containerd) for a pod sandbox and a container in it, runs commands
in the container, stops and removes everything, and prints one line for each step. The
pod's cgroups are below CGROUP, which is a slice where systemd makes them. The
messages are written by hand: field numbers are those of k8s.io/cri-api's
runtime/v1/api.proto, and a client needs only a few of them.
"""

import sys

import grpc

SERVICE = "/runtime.v1.RuntimeService/"


def varint(number):
    """A number as protobuf writes it: seven bits a byte, least significant first."""
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def encode(fields):
    """A message from {number: value}; value: int, str, bytes, dict, or a list of them."""
    out = b""
    for number, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int):
                out += varint(number << 3) + varint(item)
                continue
            if isinstance(item, dict):
                item = encode(item)
            elif isinstance(item, str):
                item = item.encode()
            out += varint(number << 3 | 2) + varint(len(item)) + item
    return out


def read_varint(data, at):
    """The number at data[at:] and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def decode(data):
    """{number: last value} of a message; a value is an int or bytes."""
    fields, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            fields[key >> 3], at = read_varint(data, at)
        elif key & 7 == 2:
            size, at = read_varint(data, at)
            fields[key >> 3], at = data[at : at + size], at + size
        else:
            raise ValueError(f"wire type {key & 7} is not used by the fields read here")
    return fields


class Client:
    """Calls by name, with messages as dicts."""

    def __init__(self, socket):
        self.channel = grpc.insecure_channel("unix://" + socket)

    def call(self, method, request):
        unary = self.channel.unary_unary(
            SERVICE + method, request_serializer=encode, response_deserializer=decode
        )
        return unary(request, timeout=120)

    def exec(self, container, *command):
        """Exit status, stdout, stderr of ExecSync."""
        reply = self.call("ExecSync", {1: container, 2: list(command), 3: 60})
        return reply.get(3, 0), reply.get(1, b"").decode(), reply.get(2, b"").decode()


def expect(what, condition, found=""):
    """One line for the caller, or the end."""
    if not condition:
        sys.exit(f"cri: {what}: {found}")
    print(f"cri: {what}")


def pod_config(log_dir, cgroup):
    """PodSandboxConfig: a pod with a name of its own below a cgroup of its own."""
    metadata = {1: "pod", 2: "00000000-0000-0000-0000-000000000001", 3: "default"}
    linux = {1: cgroup}
    return {1: metadata, 2: "pod", 3: log_dir, 8: linux}


def container_config(image):
    """ContainerConfig: sleeps, with limits."""
    resources = {1: 100000, 2: 50000, 4: 64 << 20}  # period, quota, memory limit
    return {
        1: {1: "container"},
        2: {1: image},
        3: ["sleep", "100000"],
        5: "/tmp",
        6: [{1: "GREETING", 2: "hello"}],
        11: "container.log",
        15: {1: resources},
    }


def main(socket, image, log_dir, cgroup="/caisson-pods"):
    client = Client(socket)
    config = pod_config(log_dir, cgroup)
    version = client.call("Version", {})
    expect("version", version.get(2), version)

    pod = client.call("RunPodSandbox", {1: config})[1].decode()
    expect("pod runs", pod)
    request = {1: pod, 2: container_config(image), 3: config}
    container = client.call("CreateContainer", request)[1].decode()
    expect("container is created", container)
    client.call("StartContainer", {1: container})
    state = decode(client.call("ContainerStatus", {1: container})[1]).get(3, 0)
    expect("container is started", state == 1, state)

    found = client.exec(container, "sh", "-c", "echo $GREETING; pwd; exit 3")
    expect("exec", found == (3, "hello\n/tmp\n", ""), found)
    found = client.exec(container, "cat", "/sys/fs/cgroup/memory.max")
    expect("memory limit", found == (0, f"{64 << 20}\n", ""), found)
    found = client.exec(container, "hostname")
    expect("hostname of the pod", found == (0, "pod\n", ""), found)
    found = client.exec(container, "ls", "/sys/class/net")
    expect("network of the pod", "eth0" in found[1], found)

    client.call("StopContainer", {1: container, 2: 1})
    status = decode(client.call("ContainerStatus", {1: container})[1])
    # the pod shares one pid namespace, so TERM is not lost on a pid 1
    expect("stop: the status is that of SIGTERM", status.get(7) == 143, status)
    client.call("RemoveContainer", {1: container})
    expect("container is removed", True)
    client.call("StopPodSandbox", {1: pod})
    client.call("RemovePodSandbox", {1: pod})
    expect("pod is removed", True)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
