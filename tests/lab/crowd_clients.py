"""
Very many clients that move at the same moment between two routers: one program behind one port, which has a link-layer address, an
IPv6 and an IPv4 address for each, says something for each when it comes to a link, and answers who asks for it. Everything else the
routers do. Packets that come for them are counted.
"""

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from . import traffic
from .clients import net4, router4
from .commute import Held
from .crowd import FLOWS, MAGIC, PORT, member
from .netns import LabError
from .topology import wait_for

TABLE = 7000  # paths.table: tables and priorities of handoverd's own
ASK_AGAIN = 1.0


@dataclass
class Stream:
    next: int = 0
    received: int = 0
    disorder: int = 0  # a number not greater than one before: overtaken, or twice
    gaps: list = field(default_factory=list)  # (packets missing in a row, between when and when)
    at: float = 0.0

    def take(self, seq, now):
        self.received += 1
        self.disorder += seq < self.next
        if seq > self.next and self.received > 1:
            self.gaps.append((seq - self.next, self.at, now))
        self.next, self.at = max(self.next, seq + 1), now


@dataclass
class Move:
    """What came of one movement of all."""
    took_s: float = 0.0    # from the link's return until the last is settled, as the routers see it
    outage_s: float = 0.0  # the longest silence after the link's return
    lost: int = 0
    runs: int = 0          # most silences of one stream
    disorder: int = 0
    packets: int = 0
    held: dict = field(default_factory=dict)  # router: (Held before, Held after)


class ClientCrowd:
    """c: lab.clients.Clients(crowded=True), whose first mobile's port they share."""

    def __init__(self, c, n, rate):
        self.c, self.t, self.n, self.rate = c, c.topology, n, rate
        self.mobile = self.t.mobiles[0]
        self.home, self.away = self.t.points[:2]
        self.six = [member(self.home.prefix, i) for i in range(n)]
        self.four = [net4(self.home).rsplit(".", 2)[0] + f".{4 + i // 250}.{1 + i % 250}" for i in range(n)]
        self.macs = [bytes((2, 0xC0, 0, 0, i >> 8, i & 255)) for i in range(n)]
        self.mac_of = {}
        for i, mac in enumerate(self.macs):
            self.mac_of[socket.inet_pton(socket.AF_INET6, self.six[i])] = mac
            self.mac_of[socket.inet_pton(socket.AF_INET, self.four[i])] = mac
        self.streams = {(p, f): Stream() for p in range(PORT, PORT + 2 * -(-n // FLOWS)) for f in range(FLOWS)}
        with self.t.ns[self.mobile.name].entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            self.socket.bind(("wlan0", 3))
        self.socket.settimeout(0.2)
        # All namespaces share the kernel's tables of neighbours, and they learn no more than 1024 unless told otherwise.
        colons = [":".join(f"{b:02x}" for b in m) for m in self.macs]
        self.t.ns[self.home.name].ip(*[f"neigh replace {a} lladdr {m} nud permanent dev wlan"
                                       for i, m in enumerate(colons) for a in (self.six[i], self.four[i])])
        self.over = False
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def addresses(self):
        return self.six + self.four

    # -- what comes in

    def _receive(self):
        while not self.over:
            with contextlib.suppress(TimeoutError, OSError):
                self._frame(self.socket.recv(4096))

    def _frame(self, f):
        kind = f[12:14]
        if kind == b"\x86\xdd" and f[20] == 17 and f[38:54] in self.mac_of:
            self._datagram(f, 54)
        elif kind == b"\x08\x00" and f[23] == 17 and f[30:34] in self.mac_of:
            self._datagram(f, 34)
        elif kind == b"\x86\xdd" and f[20] == 58 and f[54] == 135 and f[62:78] in self.mac_of:
            self._advertise(f)
        elif kind == b"\x08\x06" and f[20:22] == b"\0\1" and f[38:42] in self.mac_of:
            self._arp(2, self.mac_of[f[38:42]], f[38:42], f[6:12], f[28:32], f[6:12])

    def _datagram(self, f, at):
        port, = struct.unpack_from("!H", f, at + 2)
        magic, flow, seq = struct.unpack_from("=IIQ", f, at + 8)
        s = self.streams.get((port, flow))
        if magic == MAGIC and s:
            s.take(seq, time.monotonic())

    def _advertise(self, f):
        mac, target, asker = self.mac_of[f[62:78]], f[62:78], f[22:38]
        if mac == f[6:12]:
            return
        flags = 0x60000000 if any(asker) else 0x20000000
        dst = asker if any(asker) else socket.inet_pton(socket.AF_INET6, "ff02::1")
        body = struct.pack("!BBHI", 136, 0, 0, flags) + target + bytes((2, 1)) + mac
        pseudo = target + dst + struct.pack("!II", len(body), 58)
        body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
        self.socket.send(f[6:12] + mac + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(body), 58, 255) + target + dst + body)

    def _arp(self, op, mac, address, to_mac, to, frame_to):
        self.socket.send(frame_to + mac + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, op) + mac + address + to_mac + to)

    # -- what goes out

    def ask_for_gateway(self, which):
        """As a host does that has just come: it asks for its gateway, by ARP."""
        gateway = socket.inet_aton(router4(self.home))
        for i in which:
            self._arp(1, self.macs[i], socket.inet_aton(self.four[i]), bytes(6), gateway, b"\xff" * 6)

    def _arrive(self, spread_s, settled):
        """Each speaks, all within so long; and again each second while the routers have not settled."""
        start = time.monotonic()
        for i in range(self.n):
            wait = start + spread_s * i / self.n - time.monotonic()
            if wait > 0.002:
                time.sleep(wait)
            self.ask_for_gateway([i])
        end = time.monotonic() + 60
        while not settled():
            if time.monotonic() > end:
                raise LabError(f"not settled: {self.states(self.home)}, {self.states(self.away)}")
            time.sleep(0.05)
            if time.monotonic() - start > spread_s + ASK_AGAIN:
                start = time.monotonic() - spread_s
                self.ask_for_gateway(range(self.n))

    # -- what the routers say

    def counter(self, point, name):
        return self.c.daemons[point.name].counters()[f"fmip6.{name}"]

    def states(self, point):
        out = {}
        ours = set(self.addresses())
        for b in self.c.bindings(point):
            if b["pcoa"] in ours:
                out[b["state"]] = out.get(b["state"], 0) + 1
        return out

    def settled(self, point):
        there = self.counter(self.away, "visits")  # cheaper to ask for than what follows; the port's own node is a client too
        if (there >= self.n) if point is self.home else (there < 2 * self.n):
            return False
        if point is self.home:
            return self.states(self.home) == {} and self.states(self.away) == {}
        return self.states(self.home) == {"away": 2 * self.n} and self.states(self.away) == {"visiting": 2 * self.n}

    def announced(self, to):
        """An operator has all of them moved. Until their packets wait where they are awaited."""
        for a in self.six:
            self.c.daemons[self.home.name].ctl("handover", a, "to", to.ap_id)
        wait_for("all are awaited", lambda: (self.states(self.home) == {"coming-home": 2 * self.n} if to is self.home else
                                             self.states(to) == {"holding": 2 * self.n}), 60)
        wait_for("what was under way has come", self._silent)

    def _silent(self):
        before = sum(s.received for s in self.streams.values())
        time.sleep(0.2)
        return before == sum(s.received for s in self.streams.values())

    def kernel(self):
        """What is in the kernels because of them: {router: {what: how many}}."""
        ours = set(self.addresses())
        out = {}
        for p in (self.home, self.away):
            ns = self.t.ns[p.name]
            rules = ns.run("ip", "-6", "rule") + ns.run("ip", "-4", "rule")
            routes = ns.run("ip", "-6", "route", "show", "table", "all") + ns.run("ip", "-4", "route", "show", "table", "all")
            out[p.name] = {"rules": sum(f"lookup {TABLE // 1000}" in line for line in rules.splitlines()),
                           "routes": sum("proto 200" in line for line in routes.splitlines()),
                           "neighbours": sum(line.split()[0] in ours for line in ns.run("ip", "neigh", "show", "dev", "wlan").splitlines()
                                             if p is self.away and line and "FAILED" not in line)}
        return out

    # -- all of it

    def start_traffic(self):
        self.senders = []
        for k, addresses in enumerate((self.six, self.four)):
            for i in range(0, self.n, FLOWS):
                port = PORT + k * -(-self.n // FLOWS) + i // FLOWS
                self.senders.append(traffic.udp_sender(self.t, "cn", addresses[i:i + FLOWS], self.rate, port=port))
        self.used = {(PORT + k * -(-self.n // FLOWS) + i // FLOWS, i % FLOWS) for k in range(2) for i in range(self.n)}
        self.flowing(3)

    def flowing(self, more):
        """Until every stream has `more` packets more."""
        want = {k: self.streams[k].received + more for k in self.used}
        wait_for("packets to all", lambda: all(self.streams[k].received >= want[k] for k in self.used), 60)

    def stop_traffic(self):
        for s in self.senders:
            s.finish("stop")

    def move(self, to, gap_ms=50, spread_s=1.0):
        before = {p.name: Held.by(self.c.daemons[p.name]) for p in (self.home, self.away)}
        for k in self.used:
            self.streams[k].gaps.clear()
        start = [self.streams[k].received for k in self.used]
        disorder = sum(s.disorder for s in self.streams.values())
        link = self.t.move([(self.mobile, to)], gap_ms)
        up = link["up_ns"] / 1e9
        self._arrive(spread_s, lambda: self.settled(to))
        out = Move(took_s=time.monotonic() - up)
        self.flowing(3)
        gaps = {k: list(self.streams[k].gaps) for k in self.used}
        out.lost = sum(n for g in gaps.values() for n, _, _ in g)
        out.runs = max(len(g) for g in gaps.values())
        out.outage_s = max((b - max(a, up) for g in gaps.values() for _, a, b in g), default=0.0)
        out.disorder = sum(s.disorder for s in self.streams.values()) - disorder
        out.packets = sum(self.streams[k].received for k in self.used) - sum(start) + out.lost
        out.held = {name: (b, Held.by(self.c.daemons[name])) for name, b in before.items()}
        return out

    def sightings(self, count):
        """So many frames in a row that each show one who is here. (a second sent, looked at, missed, CPU seconds of the router)."""
        d = self.c.daemons[self.away.name]
        seen = lambda: [d.counters()[f"net.sight_{k}"] for k in ("frames", "missed")]  # noqa: E731
        first, held, start = seen(), Held.by(d), time.monotonic()
        for i in range(count // self.n):
            self.ask_for_gateway(range(self.n))
        rate = count // self.n * self.n / (time.monotonic() - start)
        wait_for("the router has looked at all", lambda: sum(seen()) - sum(first) >= 0.99 * (count // self.n * self.n), 60)
        last = seen()
        return rate, last[0] - first[0], last[1] - first[1], Held.by(d).cpu - held.cpu

    def close(self):
        self.over = True
        self.thread.join(5)
        self.socket.close()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
