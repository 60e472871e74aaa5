"""
Very many mobiles that move at the same moment through one pair of routers. The routers are real; the mobiles are one program
behind one port, which speaks each one's side: FBU, repeated with a greater sequence number until its FBack comes, UNA, and answers to
who asks for its addresses. Packets that come for them are counted where they come, in the tunnel or out of it.
"""

import contextlib
import ipaddress
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from . import fmip6, traffic
from .commute import Held
from .daemon import KEY
from .topology import wait_for

PORT = 9000
FLOWS = 250  # of one sender
MAGIC = 0x68646C62  # udpflow's
FBU_WAIT, FBU_TRIES = 0.5, 10
UNA_WAIT, UNA_TRIES = 0.1, 5
BURST = 20  # frames without a pause


def member(prefix, i):
    return str(ipaddress.IPv6Network(prefix)[0x02C0_0000_0000_0000 + i + 1])


@dataclass
class Stream:
    next: int = 0
    received: int = 0
    disorder: int = 0  # a number not greater than one before: overtaken, or twice


@dataclass
class Outcome:
    mobiles: int
    answered: int = 0  # FBacks that accept
    complete: dict = field(default_factory=dict)  # router: handovers of these mobiles that ended well
    lost: int = 0
    disorder: int = 0
    packets: int = 0
    asking_s: float = 0.0    # from the first FBU to the last FBack
    arriving_s: float = 0.0  # from the link's return to the last release
    held: dict = field(default_factory=dict)  # router: (Held before, Held after)


# Nobody gives up before a busy machine has moved all.
PATIENT = {"fmip6": {"hold_time": "40s", "hi_timeout": "500ms"}}


class Crowd:
    """All on mobile's port, at the first access point; `rate` packets a second to each."""

    def __init__(self, topology, daemons, mobile, n, rate):
        self.t, self.d, self.mobile, self.n, self.rate = topology, daemons, mobile, n, rate
        self.here, self.there = topology.points[:2]
        self.pcoa = [member(self.here.prefix, i) for i in range(n)]
        self.ncoa = [member(self.there.prefix, i) for i in range(n)]
        self.ours = {fmip6.octets(a) for a in self.pcoa + self.ncoa}
        self.streams = {(PORT + i // FLOWS, i % FLOWS): Stream() for i in range(n)}
        self.accepted = {}  # PCoA or NCoA: when its FBack came
        self.wire = fmip6.Wire(topology.ns[mobile.name], "wlan0")
        with topology.ns[mobile.name].entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            self.socket.bind(("wlan0", 0x86DD))
        self.socket.settimeout(0.2)
        self.over = False
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()
        # All namespaces share the kernel's one table of neighbours, and it learns no more than 1024 unless told otherwise.
        topology.ns[self.here.name].ip(*[f"neigh replace {a} lladdr {mobile.mac} nud permanent dev wlan" for a in self.pcoa])
        keys = [fmip6.badf_key(KEY, a) for a in self.pcoa]
        self.fbus = [[fmip6.fbu(a, self.here.router, a, b, 100 + k, mobile.mac, key) for a, b, key in zip(self.pcoa, self.ncoa, keys)]
                     for k in range(FBU_TRIES)]
        self.unas = [fmip6.una(b, b, mobile.mac) for b in self.ncoa]

    # -- what comes in

    def _receive(self):
        while not self.over:
            with contextlib.suppress(TimeoutError, OSError):
                f = self.socket.recv(4096)
                self._packet(f, 14)

    def _packet(self, f, at):
        proto, dst = f[at + 6], f[at + 24:at + 40]
        if dst not in self.ours and not (proto == 58 and dst[0] == 0xFF):
            return
        if proto == 41:
            self._packet(f, at + 40)
        elif proto == 17:
            self._datagram(f, at + 40)
        elif proto == 135 and f[at + 42] == fmip6.FBACK and f[at + 46] < 128:
            self.accepted.setdefault(dst, time.monotonic())
        elif proto == 58 and f[at + 40] == 135 and f[at + 48:at + 64] in self.ours:
            self._answer(f[at + 48:at + 64], f[at + 8:at + 24], f[6:12])

    def _datagram(self, f, at):
        port, = struct.unpack_from("!H", f, at + 2)
        magic, flow, seq = struct.unpack_from("=IIQ", f, at + 8)
        s = self.streams.get((port, flow))
        if magic == MAGIC and s:
            s.received += 1
            s.disorder += seq < s.next
            s.next = max(s.next, seq + 1)

    def _answer(self, target, who, mac):
        text = [socket.inet_ntop(socket.AF_INET6, a) for a in (target, who)]
        advert = struct.pack("!BBHI", 136, 0, 0, 0x60000000) + target + struct.pack("!BB", 2, 1) + fmip6.mac_octets(self.mobile.mac)
        self.wire.send(":".join(f"{b:02x}" for b in mac), fmip6.icmp(text[0], text[1], advert))

    # -- what goes out

    def _say(self, mac, packets):
        for i, p in enumerate(packets):
            self.wire.send(mac, p)
            if i % BURST == BURST - 1:
                time.sleep(0.005)

    def _ask(self):
        """Every FBU, until every one has its FBack."""
        for fbus in self.fbus:
            self._say(self.here.mac, [m for m, a in zip(fbus, self.pcoa) if fmip6.octets(a) not in self.accepted])
            end = time.monotonic() + FBU_WAIT
            while time.monotonic() < end and self._answered() < self.n:
                time.sleep(0.005)
            if self._answered() == self.n:
                return

    def _answered(self):
        return sum(fmip6.octets(a) in self.accepted for a in self.pcoa)

    def _records(self, role, result="complete"):
        return sum(h["role"] == role and h["result"] == result for h in self.d[self.there.name if role == "nar" else self.here.name].handovers())

    def _flowing(self, more):
        """Until every stream has `more` packets more."""
        want = {k: s.received + more for k, s in self.streams.items()}
        wait_for("packets to all", lambda: all(s.received >= want[k] for k, s in self.streams.items()), 60)

    def _missing(self):
        return sum(s.next - s.received for s in self.streams.values())

    # -- all of it

    def move(self, gap_ms=50):
        out = Outcome(self.n)
        routers = (self.here.name, self.there.name)
        senders = [traffic.udp_sender(self.t, "cn", self.pcoa[i:i + FLOWS], self.rate, port=PORT + i // FLOWS) for i in range(0, self.n, FLOWS)]
        self._flowing(3)
        early = self._missing()  # while the router was still asking for their link-layer addresses
        before = {r: Held.by(self.d[r]) for r in routers}
        start = time.monotonic()
        self._ask()
        out.answered = self._answered()
        out.asking_s = max(self.accepted.values(), default=start) - start
        link = self.t.move([(self.mobile, self.there)], gap_ms)
        for _ in range(UNA_TRIES):
            self._say("33:33:00:00:00:01", self.unas)
            time.sleep(UNA_WAIT)
            if self._records("nar") >= out.answered:
                break
        wait_for("nothing runs at the new router", lambda: self._records("nar", "running") == 0, 60)
        out.arriving_s = self._last_release() - link["up_ns"] / 1e9
        out.complete = {"par": self._records("par"), "nar": self._records("nar")}
        self._flowing(3)
        out.held = {r: (before[r], Held.by(self.d[r])) for r in routers}
        sent = [n for s in senders for n in s.finish("stop")["flows"]]
        with contextlib.suppress(Exception):
            wait_for("what is under way", lambda: sum(s.received for s in self.streams.values()) >= sum(sent), 10)
        out.packets = sum(sent)
        out.lost = out.packets - sum(s.received for s in self.streams.values()) - early
        out.disorder = sum(s.disorder for s in self.streams.values())
        return out

    def _last_release(self):
        offset = time.time_ns() - time.monotonic_ns()
        return max((s["at_us"] * 1e3 - offset) / 1e9 for h in self.d[self.there.name].handovers() for s in h["steps"])

    def close(self):
        self.over = True
        self.thread.join(5)
        self.socket.close()
        self.wire.close()
