"""
Attacks on context transfer: none succeeds, and none costs more than a counter and a line now and then. Router A has two
neighbours, B and C; C is in the attackers' hands, and so is a node that is nobody's neighbour, and the mobile's links.

    M ── m0 ── acc0 A core0 ── core0 B acc0 ── m1 ── M
                    A core1 ── x0 X: C, and a stranger
"""

import os
import re
import socket
import struct
import threading
import time

import pytest

from lab.cxtp import A_BIT, NAR, NCOA, PAR, PCOA, World, ctar, octets, token
from lab.netns import Netns, run
from lab.rawsctp import BEGIN, END, Refused, Sctp
from lab.topology import wait_for

pytestmark = pytest.mark.needs("nft")
A, C, STRANGER = "2001:db8:f::a", "2001:db8:e::c", "2001:db8:e::66"
CTD, PCTD, CTDR, CTC, CTREQ = 0x23, 0x24, 0x25, 0x26, 0x27
# A sanitizer keeps what was freed for a while.
MEMORY = (640 if os.environ.get("HANDOVERD_LAB_SLOW") else 64) << 20
LINES = 60  # of one kind, however often it happened: 20 at once and five a second


def message(kind, mobile, body=b"", flags=0):
    return struct.pack("!BBH", kind, flags, 20 + len(body)) + octets(mobile) + body


def ctreq(mobile, seq=1, tok=b"\x01\x02\x03\x04"):
    return message(CTREQ, mobile, struct.pack("!I", seq) + tok)


def ctd(mobile, kind=CTD):
    """A context of a multicast listener, with a key before it in a PCTD."""
    body = struct.pack("!BBHI", kind, A_BIT, 0, 0) + octets(mobile)
    if kind == PCTD:
        body += struct.pack("!HH", 1, 20) + bytes(20)
    body += struct.pack("!HBB", 1, 4, 0) + octets("2001:db8:b::")[:8] + octets("ff3e::1234") + bytes(4)
    return body[:2] + struct.pack("!H", len(body)) + body[4:]


class Besieged(World):
    def __init__(self, directory, **cxtp):
        self.x = Netns(f"cx{os.getpid()}x")
        run("ip", "netns", "add", self.x.name)
        self.x.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
        super().__init__(directory, {"cxtp": {"reconnect_max": "300ms", **cxtp}} if cxtp else None, [
            {"name": "C", "address": C, "protect": "none",
             "aps": [{"id": "02:00:00:00:00:0c", "prefix": "2001:db8:c::/64", "router": "2001:db8:c::1",
                      "link_address": "02:00:00:00:00:0c"}]}])
        run("ip", "link", "add", "core1", "netns", self.a.name, "type", "veth", "peer", "name", "x0", "netns", self.x.name)
        self.a.ip("link set core1 up", "addr add 2001:db8:e::a/64 dev core1 nodad")
        self.x.ip("link set x0 up", f"addr add {C}/64 dev x0 nodad", f"addr add {STRANGER}/64 dev x0 nodad",
                  "route add 2001:db8:f::/64 via 2001:db8:e::a")

    def close(self):
        run("ip", "netns", "del", self.x.name, check=False)
        super().close()

    def peer(self, address=C):
        return Sctp(self.x, address, A)

    def counted(self, name, n, router=None, module="cxtp", limit=20):
        router = router or self.par
        wait_for(f"{name} {n}", lambda: router.counter(name, module) >= n, limit)

    def quiet(self, words, router=None):
        """The log has said it, and not too often."""
        lines = len(re.findall(words, (router or self.par).said()))
        assert 0 < lines <= LINES, f"{lines} lines of {words}"

    def served(self, seq):
        """The mobile itself, with an announcement or without one."""
        return self.answer(self.send(NCOA, NAR, ctar(PAR, seq, A_BIT))) == [] and self.nar.groups()


@pytest.fixture
def siege(tmp_path):
    worlds = []

    def make(**cxtp):
        w = Besieged.__new__(Besieged)
        worlds.append(w)
        w.__init__(tmp_path, **cxtp)
        return w

    yield make
    for w in worlds:
        w.close()


def test_from_the_mobiles_link(siege):
    """Forged tokens, a replayed CTAR, CTARs from afar: at the previous router and at the new one."""
    w = siege()
    for seq in range(1, 6):
        w.send(PCOA, PAR, ctar(NAR, seq, forged=True))
    for hops in (1, 64, 254):
        w.send(PCOA, PAR, ctar(NAR, 10), hops=hops)
        w.send(NCOA, NAR, ctar(PAR, 10, A_BIT), hops=hops)
    w.counted("token_refused", 5)
    w.counted("hop_limit", 3)
    w.counted("hop_limit", 3, w.nar)
    assert w.answer(w.send(NCOA, NAR, ctar(PAR, 11, A_BIT, forged=True)))  # refused: it says what it did not get
    assert w.par.counter("pctd_sent") == w.par.counter("ctd_sent") == 0 and not w.nar.groups()
    w.quiet("CTAR refused")
    w.quiet("reason=hop-limit", w.nar)
    # The overheard CTAR of a transfer that is over, played again by another node of the new link.
    assert w.served(12)
    w.m.ip("addr add 2001:db8:b::666/64 dev m1 nodad")
    w.nar.stop()
    w.nar.start()
    wait_for("the association again", w.associated, 20)
    assert w.answer(w.send("2001:db8:b::666", NAR, ctar(PAR, 12, A_BIT)))
    w.counted("replayed", 1)
    assert not w.nar.groups()
    w.quiet("sequence-number-served-before")


def test_a_stranger_among_the_routers(siege):
    """Nobody's neighbour: its associations are refused, and without one its CT-Req and CTD are nobody's messages."""
    w = siege()
    s = w.peer(STRANGER)
    for _ in range(30):
        with pytest.raises(Refused):
            s.connect()
    w.counted("refused", 30, module="sctp")
    for m in (ctreq(PCOA, 1, token(1)), ctd("2001:db8:b::10"), ctd("2001:db8:b::10", PCTD)):
        s.peer_tag = b"\x12\x34\x56\x78"
        s.send(s.data(m))
    w.quiet("association refused")
    assert w.served(1)
    assert all(w.par.counter(n) == 0 for n in ("pctd_received", "unexpected", "pctd_sent")) and w.par.counter("ctreq_received") == 1
    s.close()


def test_a_neighbour_that_lies(siege):
    """C asks for a mobile with a token that it does not have, sends contexts nobody asked it for, of mobiles that are not its
    own, and speaks about a transfer between others."""
    w = siege()
    c = w.peer().connect()
    assert c.say(*[c.data(ctreq(PCOA, seq)) for seq in range(1, 101)])
    w.counted("token_refused", 100)
    assert c.say(*[c.data(ctd("2001:db8:b::10")) for _ in range(100)])
    w.counted("unexpected", 100)
    assert c.say(*[c.data(ctd("2001:db8:b::10", PCTD)) for _ in range(100)])
    w.counted("foreign_mobile", 100)
    w.send(PCOA, PAR, ctar(NAR, 7))
    w.counted("pctd_received", 1, w.nar)
    assert c.say(c.data(message(CTC, PCOA)), c.data(message(CTDR, PCOA, flags=A_BIT)))
    w.counted("wrong_peer", 2)
    assert w.par.counter("ctd_sent") == 0 and w.par.counter("nar_transfers") == 0
    assert w.served(7)
    w.counted("ctdr_received", 2)  # C's, and B's
    for words in ("CT-Req refused", "CTD refused.*not-asked-for", "PCTD refused", "reason=another-router-has-the-contexts"):
        w.quiet(words)
    c.close()


def test_one_octet_at_a_time(siege):
    """Messages of one octet; a message in pieces of one octet; and pieces without end."""
    w = siege()
    c = w.peer().connect()
    assert c.say(*[c.data(bytes([n & 255])) for n in range(300)])
    w.counted("malformed", 300)
    w.quiet("message refused")
    m = ctreq(PCOA, 3)
    ends = {0: BEGIN, len(m) - 1: END}
    assert c.say(*[c.data(m[i:i + 1], ends.get(i, 0)) for i in range(len(m))])
    w.counted("token_refused", 1)
    # It may be cut off for it, or told to be silent: what it cannot do is to make the router keep more and more.
    before = w.memory()
    c.say(*[c.data(b"x", BEGIN if i == 0 else 0) for i in range(20000)], each=60, limit=5)
    assert w.memory() - before < MEMORY
    assert w.served(4)
    c.close()


def test_a_peer_that_says_nothing(siege):
    """C connects and is silent from then on, again and again; INITs without an end. The others are served meanwhile."""
    w = siege(heartbeat="100ms", rto_max="200ms")
    c = w.peer()
    c.answering = False
    for _ in range(3):
        c.connect()
    for _ in range(200):
        c.tag = os.urandom(4)
        c.init()
    assert w.served(1)
    wait_for("the silent one given up", lambda: "association down peer=C" in w.par.said(), 60)
    assert w.associated() and not w.par.associated("C")
    assert len(w.par.show("neighbors")) == 2
    c.close()


class Flood:
    """CTARs in frames made here, from addresses nobody has, for mobiles that do not exist, as long as it stands."""

    def __init__(self, world, rate=1000):
        with world.m.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.socket.bind(("m1", 0x86DD))
        mac = world.b.json("link", "show", "acc0")[0]["address"]
        self.to = bytes(int(x, 16) for x in mac.split(":"))
        self.rate, self.n, self.over = rate, 0, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def frame(self, n):
        source = octets("2001:db8:b::bad:0:0")[:12] + struct.pack("!I", n)
        mobile = octets("2001:db8:a::bad:0:0")[:12] + struct.pack("!I", n)
        ctar = struct.pack("!BBH", 0x21, 0, 44) + mobile + octets(PAR) + struct.pack("!II", n, 0xDEADBEEF)
        body = struct.pack("!BBHB3x", 150, 0, 0, 1) + ctar
        pseudo = source + octets(NAR) + struct.pack("!II", len(body), 58)
        total = sum(struct.unpack(f"!{(len(pseudo) + len(body)) // 2}H", pseudo + body))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        body = body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:]
        ip = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + source + octets(NAR)
        return self.to + b"\x02\x66\x66\x66\x66\x66" + b"\x86\xdd" + ip + body

    def _run(self):
        start = time.monotonic()
        while not self.over:
            while self.n < (time.monotonic() - start) * self.rate:
                self.n += 1
                self.socket.send(self.frame(self.n))
            time.sleep(0.005)

    def close(self):
        self.over = True
        self.thread.join(10)
        self.socket.close()


def test_a_flood_of_ctars(siege):
    """A hundred times the rate, each for another mobile, from another address. The mobile gets its contexts within three tries."""
    w = siege()
    flood = Flood(w)
    try:
        w.counted("ctar_received", 2000, w.nar, limit=60)
        tries = next((n for n in range(1, 4) if w.answer(w.send(NCOA, NAR, ctar(PAR, 20, A_BIT)), 2) == []), None)
        w.counted("rate_dropped", 1900, w.nar, limit=60)
    finally:
        flood.close()
    assert tries and w.nar.groups()
    asked = w.nar.counter("ctreq_sent")
    assert asked <= w.nar.counter("ctar_received") - w.nar.counter("rate_dropped")
    w.counted("token_refused", 1)
    w.quiet("CT-Req refused")
    assert w.nar.said().count("\n") < 1000


def test_ten_thousand_mobiles_abandoned(siege):
    """C asks for 10,000 mobiles and is never heard of again: by tokens it does not have, and in the name of mobiles still to come,
    as a new router may (§2.5.6). The table is bounded, and the mobile that is really there is served."""
    w = siege(transfers=1000)
    c = w.peer().connect()
    nobody = [f"2001:db8:a:0:1::{n:x}" for n in range(1, 10001)]
    before = w.memory()
    assert c.say(*[c.data(ctreq(m)) for m in nobody], each=15, limit=60)
    w.counted("token_refused", 10000, limit=60)
    assert w.par.counter("par_transfers") == 0
    c.say(*[c.data(ctreq(m, 1, bytes(4))) for m in nobody], each=15, limit=60)
    w.counted("ctreq_received", 20000, limit=60)
    assert w.par.counter("par_transfers") <= 1000
    assert w.memory() - before < MEMORY
    assert w.served(1)
    w.quiet("CT-Req refused")
    c.close()
