"""
CXTP between two daemons and a mobile written here: its token is computed by Python, so that nothing of the daemon judges
itself. The mobile has one link to each router; it has joined a group on the old one.

    M ── m0 ── acc0 A core0 ── core0 B acc0 ── m1 ── M
"""

import hashlib
import hmac
import json
import os
import socket
import struct
import subprocess
import time

from .daemon import KEY, config_text, merged
from .netns import Netns, run
from .topology import build_dir, wait_for

PCOA, NCOA = "2001:db8:a::10", "2001:db8:b::10"
PAR, NAR = "2001:db8:a::1", "2001:db8:b::1"
GROUP = "ff3e::1234"
TYPE, SUBTYPE, CTAR, CTAA, A_BIT = 150, 1, 0x21, 0x22, 0x40


def octets(address):
    return socket.inet_pton(socket.AF_INET6, address)


def token(seq, cdbs=b""):
    """RFC 4067 §2.5.1 under the key that man handoverd.conf(5) describes: HKDF-SHA256 of the master key."""
    seq = struct.pack("!I", seq)
    prk = hmac.new(bytes(32), bytes.fromhex(KEY[4:]), hashlib.sha256).digest()
    info = b"handoverd cxtp transfer\0" + octets(PCOA) + octets(PAR) + seq
    key = hmac.new(prk, info + b"\x01", hashlib.sha256).digest()[:20]
    return hmac.new(key, octets(PCOA) + seq + cdbs, hashlib.sha1).digest()[:4]


def ctar(router, seq, flags=0, forged=False):
    tok = bytes(b ^ 0xff for b in token(seq)) if forged else token(seq)
    body = octets(PCOA) + octets(router) + struct.pack("!I", seq) + tok
    return struct.pack("!BBHB3x", TYPE, 0, 0, SUBTYPE) + struct.pack("!BBH", CTAR, flags, 4 + len(body)) + body


class Router:
    def __init__(self, ns, directory, name, config):
        self.ns, self.name = ns, name
        self.socket, self.file = f"{directory}/{name}.sock", directory / f"{name}.conf"
        config["control"] = {"socket": self.socket}
        self.file.write_text(config_text(config))
        self.file.chmod(0o600)
        self.log_file = directory / f"{name}.log"
        self.log = open(self.log_file, "ab")
        self.ctl = directory / "handoverctl"
        if not self.ctl.exists():
            self.ctl.symlink_to(build_dir() / "handoverd")
        self.start()

    def start(self):
        self.process = self.ns.popen([build_dir() / "handoverd", "-f", "-c", self.file], stdout=self.log, stderr=subprocess.STDOUT)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0

    def show(self, what):
        r = subprocess.run([self.ctl, "-s", self.socket, "-j", "show", what], capture_output=True, text=True)
        return json.loads(r.stdout) if r.returncode == 0 else None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def said(self):
        return self.log_file.read_text(errors="replace")

    def associated(self, name=None):
        return any(name in (None, n["name"]) and n["association"] == "up" for n in self.show("neighbors") or [])

    def groups(self):
        return [c for c in self.show("contexts") or [] if c.get("group") == GROUP]

    def counter(self, name, module="cxtp"):
        text = run(self.ctl, "-s", self.socket, "metrics")
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"handoverd_{module}_{name}"))


class World:
    routers, group = (), None

    def __init__(self, directory, extra=None, neighbors=()):
        """extra: over both routers' configuration; neighbors: A's, besides B."""
        prefix = f"cx{os.getpid()}"
        self.extra, self.neighbors = extra, list(neighbors)
        self.a, self.b, self.m = (Netns(prefix + n) for n in "abm")
        for ns in (self.a, self.b, self.m):
            run("ip", "netns", "add", ns.name)
            ns.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
        for ns in (self.a, self.b):
            ns.sysctl(ipv6__conf__all__forwarding=1)
        for left, right in ((("core0", self.a), ("core0", self.b)), (("acc0", self.a), ("m0", self.m)), (("acc0", self.b), ("m1", self.m))):
            run("ip", "link", "add", left[0], "netns", left[1].name, "type", "veth", "peer", "name", right[0], "netns", right[1].name)
        self.a.ip("link set core0 up", "link set acc0 up", "addr add 2001:db8:f::a/64 dev core0 nodad", f"addr add {PAR}/64 dev acc0 nodad")
        self.b.ip("link set core0 up", "link set acc0 up", "addr add 2001:db8:f::b/64 dev core0 nodad", f"addr add {NAR}/64 dev acc0 nodad")
        self.m.ip("link set m0 up", "link set m1 up", f"addr add {PCOA}/64 dev m0 nodad", f"addr add {NCOA}/64 dev m1 nodad")
        self.routers = []
        for args in ((self.a, "A", "2001:db8:f::a", "B", "2001:db8:f::b", "2001:db8:b::/64", NAR, self.b),
                     (self.b, "B", "2001:db8:f::b", "A", "2001:db8:f::a", "2001:db8:a::/64", PAR, self.a)):
            self.routers.append(self._router(directory, *args))
        self.par, self.nar = self.routers
        wait_for("the association", self.associated, 20)
        with self.m.entered():
            self.group = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self.group.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, octets(GROUP) + struct.pack("@I", socket.if_nametoindex("m0")))
        run("ip", "netns", "exec", self.m.name, "ping", "-q", "-c1", "-I", PCOA, PAR)
        wait_for("the listener at the previous router", lambda: self.par.groups(), 20)

    def associated(self):
        return self.par.associated("B") and self.nar.associated("A")

    def _router(self, directory, ns, name, address, peer, peer_address, prefix, router, peer_ns):
        mac = json.loads(run("ip", "-n", peer_ns.name, "-j", "link", "show", "acc0"))[0]["address"]
        aps = {"A": "02:00:00:00:00:0a", "B": "02:00:00:00:00:0b"}
        return Router(ns, directory, name, merged({
            "role": "access-router", "name": name,
            "interfaces": [{"name": "acc0", "kind": "access", "aps": [aps[name]]}, {"name": "core0", "kind": "core"}],
            "neighbors": [{"name": peer, "address": peer_address, "protect": "none",
                           "aps": [{"id": aps[peer], "prefix": prefix, "router": router, "link_address": mac}]}, *(self.neighbors if name == "A" else ())],
            "mobiles": [{"prefix": "2001:db8:a::/64", "key": KEY}, {"prefix": "2001:db8:b::/64", "key": KEY}],
            "cxtp": {"address": address, "backend": "usrsctp"}}, self.extra))

    def close(self):
        if self.group:
            self.group.close()
        for r in self.routers:
            r.process.terminate()
        ended = [r.process.wait(15) for r in self.routers]
        for ns in (self.a, self.b, self.m):
            run("ip", "netns", "del", ns.name, check=False)
        for r in self.routers:
            r.log.close()
        assert not any(ended)

    def send(self, source, to, message, hops=255):
        with self.m.entered():
            s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        s.bind((source, 0))
        s.sendto(message, (to, 0))
        return s

    def memory(self):
        """Octets that the previous router's daemon has in memory."""
        with open(f"/proc/{self.par.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def answer(self, s, limit=15):
        """The entries of the CTAA that comes back, or None."""
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0:
            s.settimeout(left)
            try:
                data, (source, *_) = s.recvfrom(2048)
            except TimeoutError:
                return None
            if data[0] == TYPE and data[4] == SUBTYPE and data[8] == CTAA:
                assert source == NAR and data[12:28] == octets(PCOA)
                return [struct.unpack("!HBx", data[i:i + 4])[:2] for i in range(28, len(data), 4)]
        return None
