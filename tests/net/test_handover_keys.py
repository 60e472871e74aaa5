"""
Handover keys (RFC 5269) on a real link: no router has a key for any mobile in its configuration, and yet they hand over; who only
pretends to own an address gets nothing. The pretender is tests/lab/send.py, which shares nothing with the daemon.
"""

import os
import socket
import time

import pytest

from lab import movement, traffic
from lab.daemon import FORMS
from lab.send import Key, granted, question, rtsolpr
from lab.topology import CN, wait_for

pytestmark = pytest.mark.needs("tun", "nft")
RATE = 2000 // (5 if os.environ.get("HANDOVERD_LAB_SLOW") else 1)
MOVES = 4


@pytest.fixture
def keyed(lab, tmp_path):
    """keyed(mobile={…}, router={…}): two routers with key files, a mobile that trusts them; nobody has a configured key."""
    def make(mobile=None, router=None, mode="required", fmip6=None, **kw):
        keys = {f"ar{i}": Key(tmp_path / f"ar{i}.pem") for i in (1, 2)}
        per_node = {n: {"mobiles": [], "fmip6": {"rtsolpr_rate": 1000, **(fmip6 or {}), "handover_keys": {
            "mode": mode, "key_file": k.path, **(router or {})}}}
                    for n, k in keys.items()}
        trust = [k.fingerprint for k in keys.values()]
        per_node["mn1"] = {"mobiles": [], "fmip6": {"handover_keys": {
            "mode": mode, "key_file": str(tmp_path / "mn1.pem"), "trust": trust, **(mobile or {})}}}
        c = lab(extra=FORMS["user"], proxy=False, per_node=per_node, **kw)
        c.keys = keys
        return c
    return make


def key_at(c, point):
    """The mobile's own address there, when it has a key for it."""
    d = c.daemons[c.mobiles[0].name]
    def has():
        return next((k["mobile"] for k in d.show("keys") if k["router"] == point.router), None)
    return wait_for(f"a handover key of {point.name}", has, 60)


def counter(daemon, name):
    return daemon.counters()[f"fmip6.{name}"]


def test_a_mobile_that_nobody_configured(keyed):
    """Back and forth with keys from the exchange alone: nothing lost, nothing twice, nothing out of order; and tshark knows SEND."""
    c = keyed().start()
    mobile, d = c.mobiles[0], c.daemons["mn1"]
    here, there = c.points
    capture = traffic.Capture(c.topology, "mn1", "wlan0", "icmp6 or ip6 proto 135 or ip6 proto 60")
    first = key_at(c, here)
    movement.wait_discovered(d, there)
    receiver = traffic.udp_receiver(c.topology, "mn1", flows=1, idle_ms=1500)
    sender = traffic.udp_sender(c.topology, "cn", first, RATE)
    receiver.wait(RATE // 2)
    done = 0
    for i in range(MOVES):
        target, back = (there, here) if i % 2 == 0 else (here, there)
        address = key_at(c, back)
        movement.predictive(c.topology, c.daemons, mobile, target, 20)
        done += 1
        record = wait_for(f"movement {done} ends", lambda: [h for h in d.handovers() if h["result"] != "running"][done - 1:done], 60)[0]
        assert (record["result"], record["mode"], record["mobile"]) == ("complete", "predictive", address), record
        receiver.wait(receiver.report()["flows"][0]["next"] + RATE // 2, 30)
        key_at(c, target)
        movement.wait_discovered(d, back)
    sent = sender.finish("stop")["flows"][0]
    report = receiver.finish(f"total {sent}")["flows"][0]
    assert (report["lost"], report["duplicated"], report["reordered"]) == (0, 0, 0), report
    for p in c.points:
        assert counter(c.daemons[p.name], "hk_granted") > 0 and counter(c.daemons[p.name], "hk_refused") == 0
    judged(capture.stop())


def judged(pcap):
    """What tshark says of the capture: SEND's options are what they should be, FBU and FBack name keys of RFC 5269, nothing is
    malformed. One fault is its own: of the padding in options 27 and 28 it counts a single octet, and calls the rest unknown data."""
    fields = ("icmpv6.opt.type", "icmpv6.opt.cga.pad_length", "icmpv6.opt.cga.count", "icmpv6.opt.nonce", "icmpv6.opt.rsa.key_hash",
              "icmpv6.opt.timestamp", "mip6.badff.spi", "_ws.malformed", "_ws.expert.message")
    seen = traffic.dissect(pcap, fields)
    for p in seen:
        if p["_ws.malformed"]:
            assert {"27", "28"} & set(p["icmpv6.opt.type"].split(",")) and p["_ws.expert.message"] == "Unknown Data (not interpreted)", p
    for option in ("27", "28"):
        keyed = [p for p in seen if option in p["icmpv6.opt.type"].split(",")]
        assert len(keyed) >= 2
        for p in keyed:
            assert p["icmpv6.opt.type"].endswith(f"11,13,14,{option},12"), p
            assert p["icmpv6.opt.cga.pad_length"] and p["icmpv6.opt.cga.count"] == "00", p
            assert p["icmpv6.opt.nonce"] and p["icmpv6.opt.rsa.key_hash"] and p["icmpv6.opt.timestamp"], p
    assert {p["mip6.badff.spi"] for p in seen if p["mip6.badff.spi"]} == {"0"}


class Pretender:
    """A node on the mobile's link that says what it likes."""

    def __init__(self, c, directory):
        self.c, self.point = c, c.points[0]
        self.ns, self.mac = c.topology.ns["mn1"], c.mobiles[0].mac
        self.key, self.wrap = Key(directory / "pretender.pem"), Key(directory / "wrap.pem")
        self.address, self.params = self.key.cga(self.point.prefix)
        self.ns.ip(f"addr add {self.address}/64 dev wlan0 nodad")
        # The kernel takes a while to let packets to a new address in.
        wait_for("the address serves", lambda: " 0% packet loss" in self.ns.run(
            "ping", "-6", "-c", "1", "-W", "1", "-I", self.address, self.point.router, check=False), 30)
        self.identifier = 0x4000

    def question(self, src=None, **kw):
        self.identifier += 1
        kw = {"params": self.params, "wrap": self.wrap, "nonce": os.urandom(6), **kw}
        return question(self.key, src or self.address, self.point.router, self.mac, identifier=self.identifier, **kw)

    def ask(self, message, src=None, limit=30):
        """The PrRtAdv that answers it. Every question gets one, with a key or without."""
        with self.ns.entered(), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            s.bind((src or self.address, 0))
            s.settimeout(1)
            end = time.monotonic() + limit
            s.sendto(message, (self.point.router, 0))
            while time.monotonic() < end:
                try:
                    data = s.recv(2000)
                except socket.timeout:
                    continue
                if data[0] == 154 and data[4] == 3 and data[6:8] == message[6:8]:
                    return data
        raise AssertionError("no PrRtAdv")

    def flood(self, messages):
        with self.ns.entered(), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            s.bind((self.address, 0))
            for m in messages:
                s.sendto(m, (self.point.router, 0))


def test_who_gets_a_key(keyed, tmp_path):
    """A node that shares no code with ours gets one; whoever does not own the address it asks for, or asks again what was asked before,
    gets an answer without, and nobody's key changes."""
    c = keyed(fmip6={"inform": "1s"}).start()
    router, victim = c.daemons["ar1"], key_at(c, c.points[0])
    p = Pretender(c, tmp_path)
    good = p.question()
    key, lifetime, _ = granted(p.wrap, p.ask(good))
    assert len(key) == 20 and 43100 < lifetime <= 43200
    assert granted(p.wrap, p.ask(p.question()))[0] == key  # asked again, it is the same key
    broken = bytearray(p.question())
    broken[-20] ^= 1
    victims = p.key.cga(p.point.prefix)[1]
    forged = {
        "seen before": (good, None),
        "the signature is broken": (bytes(broken), None),
        "signed with another key": (p.question(signer=p.wrap), None),
        "for somebody else's address": (p.question(src=victim, params=victims), victim),
        "an hour old": (p.question(at=time.time() - 3600), None),
        "no timestamp": (p.question(leave=("timestamp",)), None),
        "no nonce": (p.question(leave=("nonce",)), None),
        "no signature": (p.question(leave=("signature",)), None),
        "no CGA": (p.question(leave=("cga",)), None),
        "a smaller key for the answer": (p.question(wrap=Key(tmp_path / "small.pem", 1024)), None),
    }
    before = counter(router, "hk_refused")
    for n, (what, (message, src)) in enumerate(forged.items(), 1):
        assert granted(p.wrap, p.ask(message, src)) is None, what
        assert counter(router, "hk_refused") == before + n, what
    assert granted(p.wrap, p.ask(p.question())) [0] == key
    assert {k["mobile"] for k in router.show("keys")} == {p.address, victim}
    d = c.daemons["mn1"]
    movement.wait_discovered(d, c.points[1])
    wait_for("it is told unasked what is around, signed", lambda: counter(d, "informs_received"))
    wait_for("traffic, so that the router knows it as a neighbour", lambda: " 0% packet loss" in c.topology.ns["mn1"].run(
        "ping", "-6", "-c", "1", "-W", "2", "-I", victim, CN, check=False), 30)
    with d.watch() as watch:
        router.ctl("handover", victim, "to", c.points[1].ap_id)  # by a PrRtAdv that is signed, or the mobile would not obey
        watch.wait_step("FBack")
        c.topology.move([(c.mobiles[0], c.points[1])], 20)
    assert d.wait_handover(victim)["result"] == "complete" and counter(d, "triggers_received") == 1


def test_a_flood_of_questions(keyed, tmp_path):
    """More valid questions than the router will verify: some are left out, by chance; who goes on asking gets its key."""
    c = keyed(router={"rate": 5}).start()
    victim = key_at(c, c.points[0])
    p = Pretender(c, tmp_path)
    p.flood([p.question() for _ in range(60)])
    router = c.daemons["ar1"]
    wait_for("all are dealt with", lambda: counter(router, "hk_requests") >= 61, 30)
    assert counter(router, "hk_limited") > 0
    wait_for("a key in spite of it", lambda: granted(p.wrap, p.ask(p.question())), 60)
    assert {k["mobile"] for k in router.show("keys")} == {p.address, victim}


def test_a_router_that_forgot(keyed):
    """The router was started anew and knows no key: the handover that fails on it is the last one that does."""
    c = keyed().start()
    d, (here, there) = c.daemons["mn1"], c.points
    address = key_at(c, here)
    movement.wait_discovered(d, there)
    asked = counter(d, "hk_received")
    c.daemons["ar1"].stop()
    c.daemons["ar1"].start()
    c.daemons.wait_associated()
    d.ctl("handover", "self", "to", there.ap_id)
    assert d.wait_handover(address)["result"] == "failed"
    wait_for("a new key", lambda: counter(d, "hk_received") > asked, 60)
    movement.predictive(c.topology, c.daemons, c.mobiles[0], there, 20)
    assert d.wait_handover(address, 2)["result"] == "complete"


def test_without_a_key_of_this_router(keyed, tmp_path):
    """The router's key is none that the mobile trusts: with "on" the configured key serves, and the log says why."""
    c = keyed(mode="on", mobile={"trust": [Key(tmp_path / "another.pem", 1024).fingerprint]})
    from lab.daemon import KEY
    for d in c.daemons:
        d.write({**d.config, "mobiles": [{"prefix": q.prefix, "key": KEY} for q in c.points]})
    c.start()
    d = c.daemons["mn1"]
    wait_for("the mobile gives up", lambda: "no handover key" in d.log(), 60)
    assert "is not listed in fmip6.handover_keys.trust" in d.log() and d.show("keys") == []
    movement.wait_discovered(d, c.points[1])
    movement.predictive(c.topology, c.daemons, c.mobiles[0], c.points[1], 20)
    assert d.wait_handover()["result"] == "complete"
