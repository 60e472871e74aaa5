"""
Attacks on fast handovers: none changes what a router or a mobile has, each is counted, and none costs more than a line now and
then. mn1 is a mobile like others; mn2 is in the attackers' hands, with a key of its own; cn is nobody's neighbour.
"""

import contextlib
import re
import socket
import threading
import time

import pytest

from lab import fmip6, loss, movement, netns, traffic
from lab.daemon import FORMS, KEY
from lab.fmip6 import Wire, link_local
from lab.topology import CN, Mobile, Point, wait_for

pytestmark = pytest.mark.needs("tun", "nft")
OWN = "hex:202122232425262728292a2b2c2d2e2f3031323334353637"  # mn2's key
FORGED = bytes(20)
PATIENT = {"hi_timeout": "1s", "hi_retries": 6, "fbu_timeout": "1s", "fbu_retries": 6}  # while HIs are lost
LINES = 60  # of one kind, however often it happened
AR1, AR2 = Point(1), Point(2)
MN1, MN2 = Mobile(1), Mobile(2)


def keys(*mobiles):
    return {"mobiles": [{"address": m.address(p), "key": {"mn1": KEY, "mn2": OWN}[m.name]} for m in mobiles for p in (AR1, AR2)]}


class Siege:
    def __init__(self, lab, **extra):
        both = keys(MN1, MN2)
        self.cast = lab(mobiles=2, proxy=False, extra={**FORMS["user"], **extra}, per_node={"ar1": both, "ar2": both, "mn1": keys(MN1)})
        self.t, self.d = self.cast.topology, self.cast.daemons
        del self.d.by_node["mn2"]
        self.d.start("ar1", "ar2")
        self.d.wait_associated()
        self.t.bring_up()
        self.d.start("mn1")
        self.mn1, self.mn2 = self.cast.mobiles
        self.here, self.there = self.cast.points
        movement.wait_discovered(self.d["mn1"], self.there)
        self.pcoa, self.ncoa = MN1.address(AR1), MN1.address(AR2)

    def wire(self):
        """Where mn2 sends."""
        return Wire(self.t.ns["mn2"], "wlan0")

    def counter(self, node, name, module="fmip6"):
        return self.d[node].counters()[f"{module}.{name}"]

    def counted(self, node, name, n, module="fmip6"):
        wait_for(f"{node}: {name} {n}", lambda: self.counter(node, name, module) >= n)

    def said(self, node, words):
        """The log has said it, and not too often."""
        lines = len(re.findall(words, self.d[node].log()))
        assert 0 < lines <= LINES, f"{node}: {lines} lines of {words}"

    def state(self, node):
        shown = {what: self.d[node].show(what) for what in ("bindings", "handovers", "tunnels", *(["contexts"] if node != "mn1" else []))}
        for tunnel in shown["tunnels"]:  # what is right passes meanwhile
            for count in ("encapsulated", "decapsulated"):
                tunnel.pop(count, None)
        for h in shown["handovers"]:
            if h["result"] == "running":  # what it has sent, it may send again
                h.pop("steps")
        return shown, netns.snapshot(self.t.ns[node])

    @contextlib.contextmanager
    def unchanged(self, *nodes):
        before = {n: self.state(n) for n in nodes}
        yield
        for n in nodes:
            shown, system = self.state(n)
            assert shown == before[n][0], n
            # What the routers advertise is the mobile's kernel's own business.
            assert netns.differences(before[n][1], system, ("addresses", "routes", "groups") if n == "mn1" else ()) == [], n

    def hands_over(self, to=None, gap=20):
        """mn1, as ever."""
        movement.predictive(self.t, self.d, self.mn1, to or self.there, gap)
        d = self.d["mn1"]
        wait_for("nothing is under way", lambda: all(h["result"] != "running" for h in d.handovers()))
        assert (d.handovers()[-1]["mode"], d.handovers()[-1]["result"]) == ("predictive", "complete")


@pytest.fixture
def siege(lab):
    return lambda **kw: Siege(lab, **kw)


class Overheard:
    """The Mobility Headers of one type that pass an interface."""

    def __init__(self, ns, interface, kind):
        self.kind = kind
        with ns.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((interface, 3))
        self.socket.setblocking(False)

    def frames(self):
        """(link-layer destination, packet, sequence number) of each so far."""
        out = []
        with contextlib.suppress(BlockingIOError):
            while True:
                f = self.socket.recv(2048)
                at = {60: 78, 135: 54}.get(f[20])  # behind a Home Address option, or not
                if f[12:14] == b"\x86\xdd" and at and f[at + 2] == self.kind:
                    out.append((":".join(f"{b:02x}" for b in f[:6]), f[14:], int.from_bytes(f[at + 6:at + 8], "big")))
        return out

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


# ---- at the previous router --------------------------------------------------------------------------------------------

def test_fbus(siege):
    """Forged; by another's key; with a new address that is no neighbour's; for an address that is not this router's; repeated by
    somebody else after the mobile has moved, and after it has come back."""
    s = siege()
    own = fmip6.badf_key(OWN, MN2.address(AR1))
    outside = "2001:db8:1::66"
    with s.unchanged("ar1", "ar2"), s.wire() as w:
        def fbu(src, pcoa, ncoa, seq, key):
            w.send(AR1.mac, fmip6.fbu(src, AR1.router, pcoa, ncoa, seq, MN2.mac, key))
        for seq in range(100):
            fbu(s.pcoa, s.pcoa, s.ncoa, 1000 + seq, FORGED)
            fbu(s.pcoa, s.pcoa, MN2.address(AR2), 2000 + seq, fmip6.badf_key(OWN, s.pcoa))
            fbu(MN2.address(AR1), s.pcoa, None, 3000 + seq, own)  # as if mn1 wanted to be forwarded no longer
        s.counted("ar1", "fbu_bad_auth", 300)
        for seq in range(20):
            fbu(MN2.address(AR1), MN2.address(AR1), outside, 4000 + seq, own)
            fbu(MN2.address(AR2), MN2.address(AR2), MN2.address(AR1), 5000 + seq, fmip6.badf_key(OWN, MN2.address(AR2)))
        s.counted("ar1", "fbu_foreign_ncoa", 20)
        s.counted("ar1", "fbu_foreign_pcoa", 20)
        s.counted("ar1", "fbu_refused", 340)
    s.said("ar1", "FBU refused")
    assert s.counter("ar1", "hi_sent") == 0
    with Overheard(s.t.ns["mn1"], "wlan0", fmip6.FBU) as heard, s.wire() as w:
        s.hands_over()
        frames = [f for f in heard.frames() if f[0] == AR1.mac]
        assert frames
        for home in (False, True):
            if home:
                s.hands_over(s.here)
            replayed = s.counter("ar1", "fbu_replayed")
            with s.unchanged("ar1"):
                for mac, packet, _ in frames:
                    w.send(mac, packet)
                s.counted("ar1", "fbu_replayed", replayed + len(frames))


def test_a_stranger_among_the_routers(siege):
    """cn announces mobiles (HI), and answers HIs that it was never sent, while mn1's is under way."""
    s = siege(fmip6=PATIENT)
    core = s.t.ns["core"].json("link", "show", "cn")[0]["address"]
    with Wire(s.t.ns["cn"], "eth0") as w:
        with s.unchanged("ar1", "ar2"):
            for seq in range(100):
                w.send(core, fmip6.hi(CN, AR2.address, seq, MN2.mac, MN2.address(AR1), MN2.address(AR2), code=seq % 2))
            s.counted("ar2", "hi_stranger", 100)
            assert s.counter("ar2", "hack_sent") == s.counter("ar2", "nar_sessions") == 0
        with loss.Loss(s.t, "HI", count=1000) as lost, Overheard(s.t.ns["core"], "ar1", fmip6.HI) as heard:
            order = s.d["mn1"].ctl_start("handover", "self", "to", AR2.ap_id)
            wait_for("the HI is lost", lost.count)
            seq = heard.frames()[-1][2]
            with s.unchanged("ar1"):
                for n in range(100):
                    w.send(core, fmip6.hack(CN, AR1.address, seq, (0, 2, 128)[n % 3], s.ncoa))
                    w.send(core, fmip6.hack(AR2.address, AR1.address, seq + 1 & 0xFFFF, 0))  # as if from the neighbour, by a guess
                s.counted("ar1", "hack_ignored", 200)
        assert order.wait(40) == 0
        movement.wait_step(s.d["mn1"], "FBack", 40)
    s.t.move([(s.mn1, s.there)], 20)
    assert s.d["mn1"].wait_handover()["mode"] == "predictive"
    s.said("ar2", "HI ignored")
    s.said("ar1", "HAck ignored")


class Flood:
    """RtSolPr from mobiles that do not exist, as long as it stands."""

    def __init__(self, wire, rate=1000):
        self.wire, self.rate, self.n, self.over = wire, rate, 0, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        start = time.monotonic()
        while not self.over.wait(0.005):
            while self.n < (time.monotonic() - start) * self.rate:
                self.n += 1
                mac = "02:66:" + ":".join(f"{b:02x}" for b in self.n.to_bytes(4, "big"))
                self.wire.send(AR1.mac, fmip6.rtsolpr(link_local(mac), AR1.router, self.n & 0xFFFF or 1, mac, AR2.ap_id), mac)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(10)


def test_a_flood_of_rtsolpr(siege):
    """Five times what a link is answered, each from somebody else: mn1 hands over all the same, and the memory is bounded."""
    s = siege()
    with s.wire() as w, Flood(w):
        s.counted("ar1", "rtsolpr_limited", 1000)
        s.hands_over()
        s.counted("ar1", "rtsolpr_limited", 2000)
    s.said("ar1", "RtSolPr ignored")


# ---- at the new router -------------------------------------------------------------------------------------------------

def test_unas(siege):
    """While mn1 is on its way, mn2 says at the new router that it has its address: from its own link-layer address, from mn1's, from
    one that no station there can have, and from afar. What is held is held on, and all of it is mn1's; nobody is told to leave it."""
    s = siege(fmip6={"prepared_time": "20s", "hold_time": "30s"})
    s.t.move([(s.mn2, s.there)])
    receiver = traffic.udp_receiver(s.t, "mn1")
    sender = traffic.udp_sender(s.t, "cn", s.pcoa, 500)
    receiver.wait(100)
    with s.d["mn1"].watch() as watch, s.wire() as w:
        s.d["mn1"].ctl("handover", "self", "to", AR2.ap_id)
        watch.wait_step("FBack")
        s.t.move([(s.mn1, None)])
        all_nodes = "33:33:00:00:00:01"
        before = s.d["ar2"].show("bindings")
        assert [b["state"] for b in before] == ["holding"]
        for _ in range(50):
            w.send(all_nodes, fmip6.una(s.ncoa, s.ncoa, MN2.mac))
            w.send(all_nodes, fmip6.una(s.ncoa, s.ncoa, MN1.mac))
            w.send(all_nodes, fmip6.una(s.ncoa, s.ncoa, MN1.mac, hops=64), MN1.mac)
            w.send(all_nodes, fmip6.una(MN2.address(AR2), s.ncoa, MN2.mac))
            w.send(all_nodes, fmip6.una(s.ncoa, s.ncoa, "02:00:00:ff:fe:00:00:01"))
        s.counted("ar2", "una_ignored", 100)
        s.counted("ar2", "una_unrecognized", 50)
        s.counted("ar2", "hop_limit", 50)
        assert s.d["ar2"].show("bindings") == before and s.counter("ar2", "path_released", "net") == 0
        s.t.move([(s.mn1, s.there)])
    assert s.d["mn1"].wait_handover()["result"] == "complete"
    receiver.wait(receiver.report()["flows"][0]["next"] + 200)
    sent = sender.finish("stop")["flows"][0]
    report = receiver.finish(f"total {sent}")["flows"][0]
    assert (report["lost"], report["duplicated"], report["reordered"]) == (0, 0, 0)
    for words in ("UNA refused", "UNA ignored.*sent by another", "UNA ignored.*reason=hop-limit", "UNA names a link-layer address.*told=no"):
        s.said("ar2", words)
    assert "told=yes" not in s.d["ar2"].log()


def test_the_reverse_tunnel(siege):
    """Only mn1 may send from its previous address through its previous router, and nothing else comes out there."""
    s = siege()
    s.t.move([(s.mn2, s.there)])
    s.t.solicit(s.mn2)
    own = MN2.address(AR2)
    wait_for("mn2's address", lambda: s.t.has_address(s.mn2, s.there))
    s.hands_over()
    with s.t.ns["cn"].entered(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as cn:
        cn.bind(("::", 7777))
        cn.settimeout(0.2)
        bad = {b"another's address inside": (s.ncoa, MN2.address(AR1)), b"the new address inside": (s.ncoa, s.ncoa),
               b"cn's own address inside": (s.ncoa, CN), b"another's address outside": (own, s.pcoa),
               b"a stranger's address outside": ("2001:db8:13::66", s.pcoa)}
        got = set()

        def heard():
            with contextlib.suppress(TimeoutError):
                while True:
                    got.add(cn.recv(2048))
            return got

        with s.unchanged("ar1"), s.wire() as w:
            for words, (outer, inner) in bad.items():
                for _ in range(20):
                    w.send(AR2.mac, fmip6.tunnelled(outer, AR1.router, fmip6.udp(inner, CN, 7777, words)))
            # What is right comes through, behind all of these.
            w.send(AR2.mac, fmip6.tunnelled(s.ncoa, AR1.router, fmip6.udp(s.pcoa, CN, 7777, b"mn1's own")))
            wait_for("the packet of mn1", lambda: b"mn1's own" in heard())
        assert got == {b"mn1's own"}
    s.counted("ar1", "path_decap_refused", 20 * len(bad), "net")


def test_a_previous_address_that_is_served(siege):
    """The new router serves mn1's previous address. In its router's name it is asked to serve what is not behind that router; mn2 says on
    its link that it has the address; and what is wrapped wrongly comes out at neither end."""
    s = siege(fmip6={"collision": "pcoa", "dad": "200ms", "fbu_timeout": "2s", "hi_timeout": "2s"})
    s.t.move([(s.mn2, s.there)])
    s.t.solicit(s.mn2)
    own = MN2.address(AR2)
    wait_for("mn2's address", lambda: s.t.has_address(s.mn2, s.there))
    s.t.ns["mn2"].ip(f"addr add {s.ncoa}/64 dev wlan0 nodad")
    s.hands_over()
    served = s.d["ar2"].show("bindings")
    assert [(b["pcoa"], b["state"]) for b in served] == [(s.pcoa, "serving")] and s.counter("ar2", "lodged") == 1
    core = s.t.ns["core"].json("link", "show", "cn")[0]["address"]
    strangers = (own, AR2.router, AR2.address, AR1.router, AR1.address, "2001:db8:c::66", "fe80::66", "ff02::1", "::")
    refused = s.counter("ar2", "hi_refused")
    with s.unchanged("ar1", "ar2"), Wire(s.t.ns["cn"], "eth0") as cn, s.wire() as w:
        for n, pcoa in enumerate(strangers):
            for code in (0, 1):
                cn.send(core, fmip6.hi(AR1.address, AR2.address, 0x4001 + 4 * n + 2 * code, MN2.mac, pcoa, AR2.router, code=code))
        s.counted("ar2", "hi_refused", refused + 2 * len(strangers))
        ignored = s.counter("ar2", "una_ignored")
        for _ in range(20):
            w.send("33:33:00:00:00:01", fmip6.una(s.pcoa, s.pcoa, MN2.mac))
            w.send("33:33:00:00:00:01", fmip6.una(s.pcoa, s.pcoa, MN1.mac))
        s.counted("ar2", "una_ignored", ignored + 40)
        bad = [s.counter(n, "path_decap_refused", "net") for n in ("ar1", "ar2")]
        inside = fmip6.udp(s.pcoa, CN, 7777, b"wrong"), fmip6.udp(CN, s.pcoa, 7777, b"wrong")
        for _ in range(10):
            w.send(AR2.mac, fmip6.tunnelled(own, AR1.router, inside[0]))
            w.send(AR2.mac, fmip6.tunnelled(AR2.address, AR1.router, fmip6.udp(MN2.address(AR1), CN, 7777, b"wrong")))
            cn.send(core, fmip6.tunnelled(CN, AR2.address, inside[1]))
            cn.send(core, fmip6.tunnelled(AR1.router, AR2.address, fmip6.udp(CN, own, 7777, b"wrong")))
        for node, before in zip(("ar1", "ar2"), bad):
            s.counted(node, "path_decap_refused", before + 20, "net")
        assert s.d["ar2"].show("bindings") == served and s.counter("ar2", "lodged") == 1
    s.said("ar2", "HI refused")
    s.t.ns["mn1"].run("ping", "-6", "-c", "1", "-W", "10", "-I", s.pcoa, CN)


# ---- at the mobile, and from afar --------------------------------------------------------------------------------------

def test_towards_the_mobile(siege):
    """PrRtAdvs that tell it to move or answer what it has not asked, and FBacks, while it waits for one."""
    s = siege(fmip6=PATIENT)
    ll1, ll2 = link_local(AR1.mac), link_local(MN2.mac)
    trap = ("02:66:00:00:00:01", "02:66:00:00:00:fe", AR2.router, AR2.prefix.split("/")[0])
    with s.unchanged("mn1", "ar1"), s.wire() as w:
        known = s.d["mn1"].show("neighbors")
        for n in range(20):
            w.send(AR1.mac, fmip6.rtsolpr(ll2, AR1.router, 1 + n, MN2.mac, AR2.ap_id, hops=(1, 64, 254)[n % 3]))
        s.counted("ar1", "hop_limit", 20)
        for n in range(20):
            w.send(MN1.mac, fmip6.prrtadv(ll2, s.pcoa, 0, 1, MN2.mac, *trap))        # not the router
            w.send(MN1.mac, fmip6.prrtadv(ll2, s.pcoa, 0, 1, AR1.mac, *trap))        # says that it is the router
            w.send(MN1.mac, fmip6.prrtadv(ll1, s.pcoa, 0, 1, AR1.mac, *trap))        # ... and has its address
            w.send(MN1.mac, fmip6.prrtadv(ll1, s.pcoa, 0x100 + n, 0, AR1.mac, *trap), AR1.mac)  # answers no question
            w.send(MN1.mac, fmip6.prrtadv(ll1, s.pcoa, 0, 1, AR1.mac, *trap, hops=64), AR1.mac)
        s.counted("mn1", "prrtadv_ignored", 80)
        s.counted("mn1", "hop_limit", 20)
        assert s.d["mn1"].show("neighbors") == known and s.counter("mn1", "triggers_received") == 0
    s.t.ns["ar1"].run("ping", "-6", "-c", "1", "-W", "5", s.pcoa)  # so that the bridge knows again where the router is
    # It has sent its FBU, and the HI was lost: whoever answers now would be believed to be the router.
    with loss.Loss(s.t, "HI", count=1000), s.d["ar1"].watch() as par, Overheard(s.t.ns["mn1"], "wlan0", fmip6.FBU) as heard, s.wire() as w:
        order = s.d["mn1"].ctl_start("handover", "self", "to", AR2.ap_id)
        par.wait_step("HI")
        seq = heard.frames()[-1][2]
        with s.unchanged("mn1"):
            for key in (FORGED, fmip6.badf_key(OWN, s.pcoa)):
                for status in (0, 128):
                    for _ in range(25):
                        w.send(MN1.mac, fmip6.fback(AR1.router, s.pcoa, seq, status, key, s.ncoa, AR1.router), AR1.mac)
            s.counted("mn1", "fback_ignored", 100)
    assert order.wait(40) == 0
    movement.wait_step(s.d["mn1"], "FBack", 40)
    s.t.move([(s.mn1, s.there)], 20)
    assert s.d["mn1"].wait_handover()["mode"] == "predictive"
    s.said("mn1", "FBack ignored")
    s.said("mn1", "PrRtAdv ignored.*not our router")
    s.said("mn1", "PrRtAdv ignored.*sent by another")
    s.said("mn1", "PrRtAdv ignored.*reason=hop-limit")
    s.said("ar1", "RtSolPr ignored.*reason=hop-limit")
