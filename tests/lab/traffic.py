"""Traffic over a topology: numbered UDP streams, a checked TCP download, and packet captures. See the tools for the numbers."""

import json
import os
import select
import struct
import subprocess
import time

from .netns import LabError, run
from .topology import tool, wait_for


class Tool:
    """A traffic tool in a node: commands on its standard input, lines of JSON on its standard output."""

    def __init__(self, topology, node, argv, name):
        self.name = f"{node}: {name}"
        self.topology, self.node, self.log_name = topology, node, name
        self.process = topology.start(node, argv, name, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._buffer = b""

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def line(self, limit=30.0):
        """The next line it prints, as JSON."""
        end = time.monotonic() + limit
        fd = self.process.stdout.fileno()
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise LabError(f"{self.name}: silent for {limit:g} s: {self.topology.log(self.node, self.log_name)[-500:]}")
            data = os.read(fd, 65536)
            if not data:
                raise LabError(f"{self.name}: ended, exit {self.process.wait()}: "
                               f"{self.topology.log(self.node, self.log_name)[-500:]}")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def ready(self):
        if self.line() != {"ready": True}:
            raise LabError(f"{self.name}: not ready")
        return self

    def wait(self, n, limit=30.0):
        """Until it has what `await N` means for it."""
        self.say(f"await {n}")
        self.line(limit)

    def report(self):
        self.say("report")
        return self.line()

    def finish(self, *last_words, limit=30.0):
        """Says the last words, if any, and returns the final report."""
        for words in last_words:
            self.say(words)
        out = self.line(limit)
        self.process.wait(limit)
        return out


def udp_receiver(topology, node, port=9000, groups=(), flows=1, base=0, idle_ms=1000, log=None):
    argv = [tool("udpflow"), "recv", "--port", port, "--flows", flows, "--flow-base", base, "--idle", idle_ms]
    for g in groups:
        argv += ["--group", g]
    return Tool(topology, node, argv + (["--log", log] if log else []), f"recv{port}").ready()


def udp_sender(topology, node, dst, rate, size=200, count=None, duration=None, port=9000, hop_limit=64, oif=None, log=None):
    """dst: one address or several; packet n of each goes at n/rate."""
    argv = [tool("udpflow"), "send", "--port", port, "--rate", rate, "--size", size, "--hop-limit", hop_limit]
    argv += ["--count", count] if count else []
    argv += ["--duration", duration] if duration else []
    argv += ["--oif", oif] if oif else []
    argv += ["--log", log] if log else []
    return Tool(topology, node, argv + ([dst] if isinstance(dst, str) else list(dst)), f"send{port}")


def tcp_server(topology, node, total=0, rate=0, port=9001):
    return Tool(topology, node, [tool("tcpflow"), "serve", "--port", port, "--bytes", total, "--rate", rate], f"serve{port}").ready()


def tcp_fetch(topology, node, dst, src=None, total=0, port=9001, log=None):
    argv = [tool("tcpflow"), "fetch", "--port", port, "--bytes", total]
    argv += ["--src", src] if src else []
    argv += ["--log", log] if log else []
    return Tool(topology, node, argv + [dst], f"fetch{port}").ready()


def thin_link(topology, point, rate):
    """The link at that access point is one of `rate` bits a second each way from now on. say("rate N") changes it, and is answered."""
    return Tool(topology, "air", topology.thin(point, rate), f"thin-{point.name}").ready()


def read_udp_log(path):
    """{flow: [(sent_ns, arrived_ns) by number; (0, 0) where it never came]} of udpflow --log."""
    data, at, out = path.read_bytes(), 0, {}
    while at < len(data):
        flow, n = struct.unpack_from("=QQ", data, at)
        out[flow] = list(struct.iter_unpack("=qq", data[at + 16:at + 16 + 16 * n]))
        at += 16 + 16 * n
    return out


def read_tcp_log(path):
    """[(arrived_ns, octets so far)] of tcpflow fetch --log."""
    return list(struct.iter_unpack("=qq", path.read_bytes()))


class Capture:
    """tcpdump in a node, listening when the constructor returns. stop() returns the file's path."""

    def __init__(self, topology, node, interface, expression="", name="capture"):
        self.path = topology.dir / f"{node}.{interface}.{name}.pcap"
        self.process = topology.start(node, ["tcpdump", "-i", interface, "-n", "-U", "--immediate-mode", "-w", self.path, "-Z", "root",
                                             *([expression] if expression else [])], name)
        wait_for("tcpdump listens", lambda: "listening on" in topology.log(node, name))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        return self.path


def dissect(path, fields):
    """What tshark reads in a capture: one dict for each packet."""
    argv = ["tshark", "-r", path, "-T", "fields", "-E", "separator=\t"]
    for f in fields:
        argv += ["-e", f]
    return [dict(zip(fields, line.split("\t"))) for line in run(*argv).splitlines()]
