"""A home agent and a mobile that is not of our making, in network namespaces: RFC 6275 §10 and RFC 4285 on the wire."""

import time

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, MIP6MH_CoTI, MIP6MH_HoTI

from lab.daemon import KEY
from lab.mip6 import ACK_HOME, AGENT, COA, COA2, HOME, HOST, LINK_LOCAL, NTP, HomeWorld, binding_update, elsewhere
from lab.netns import differences, snapshot
from lab.topology import wait_for

FOREIGN = "2001:db8:7::5"
pytestmark = pytest.mark.needs("nft")


@pytest.fixture
def world(tmp_path, request):
    worlds = []

    def make(**mip6):
        w = HomeWorld.__new__(HomeWorld)
        worlds.append(w)
        w.__init__(tmp_path, {"mip6": mip6})
        return w

    yield make
    for w in worlds:
        if getattr(request.node, "lab_call", None) is None or request.node.lab_call.failed:
            print(w.daemon.said()[-8000:] if w.daemon else "")
        w.close()


def test_away_moving_and_home_again(world):
    w = world()
    w.come_home()
    assert w.ping() == 3
    at_home = w.neighbour()
    w.ha.ip("link set p2 down")
    w.m.ip("link set m0 down")
    before = snapshot(w.ha)
    w.start()
    agent_mac = w.mac(w.ha, "home")

    # Registered: behind a type 2 routing header, authenticated, with what the update had.
    a = w.mobile.ask(binding_update(7, flags=ACK_HOME + LINK_LOCAL), 7)
    assert (a.status, a.dst, a.routed, a.type2) == (0, COA, HOME, True)
    assert a.lifetime == 30 and a.authentic(COA)
    assert a.options[2].rinter == 15 and a.options[8].id == b"mn1@example.net"
    assert w.bindings()[HOME]["coa"] == COA and w.bindings()[HOME]["nai"] == "mn1@example.net"
    # The home link believes it, though it knew another link-layer address; what comes arrives in the tunnel, and so the other way.
    wait_for("the host holds the home agent's link-layer address", lambda: w.neighbour() == agent_mac != at_home, 20)
    assert w.ping() == 3
    assert {(src, dst) for src, dst, _ in w.mobile.inner} == {(AGENT, COA)}
    # Its own addresses are defended, the link-local one too.
    proxies = {n["dst"] for n in w.ha.json("-6", "neigh", "show", "proxy")}
    assert proxies == {HOME, "fe80::5"}

    # It moves while packets are under way: none is lost.
    w.mobile.inner.clear()
    stream = w.h.popen(["ping", "-6", "-q", "-c", "40", "-i", "0.02", "-W", "10", HOME], stdout=-1, text=True)
    wait_for("packets at the first care-of address", lambda: len(w.mobile.inner) > 5, 20)
    assert w.mobile.ask(binding_update(8, coa=COA2, flags=ACK_HOME + LINK_LOCAL), 8).status == 0
    assert " 40 received" in stream.communicate(timeout=30)[0]
    order = [i.seq for _, _, p in w.mobile.inner if (i := p.getlayer(ICMPv6EchoRequest))]
    assert order == sorted(order) and {dst for _, dst, _ in w.mobile.inner} == {COA, COA2}
    assert w.bindings()[HOME]["moves"] == 1

    # What comes from elsewhere, or with another inner source, goes nowhere.
    for source, inner in ((COA2, "2001:db8:1::77"), (COA, HOME)):
        refused = w.counter("path_decap_refused", "net")

        def sent_and_refused():
            w.mobile.tunnelled(source, IPv6(src=inner, dst=HOST) / ICMPv6EchoRequest(id=1))
            return w.counter("path_decap_refused", "net") > refused
        wait_for("it is refused", sent_and_refused, 20)

    # Home: the answer comes without a routing header, and the host finds the mobile itself.
    w.come_home()
    a = w.mobile.ask(binding_update(9, coa=HOME, hao=False, alt=False, lifetime=0), 9)
    assert (a.status, a.dst, a.routed, a.lifetime) == (0, HOME, None, 0) and a.authentic(HOME)
    w.mobile.inner.clear()
    w.h.run("ip", "neigh", "flush", "dev", "eth0")
    assert w.ping() == 3 and not w.mobile.inner
    assert w.bindings()[HOME]["state"] == "home"
    # A delayed update of the time abroad does not bring it back.
    a = w.mobile.ask(binding_update(6, stamp=1000), 6)
    assert a.status == 144 and w.ping(count=1) == 1 and not w.mobile.inner
    w.daemon.stop()
    assert not [line for line in differences(before, snapshot(w.ha)) if "p2" not in line]


def test_what_is_refused(world):
    w = world(lifetime="100s")
    w.config["mobiles"].append({"address": FOREIGN, "key": KEY})
    w.start()
    assert w.mobile.ask(binding_update(1, lifetime=65535), 1).lifetime == 25
    binding = w.bindings()[HOME]

    def unchanged():
        return {k: v for k, v in w.bindings()[HOME].items() if k != "left"} == {k: v for k, v in binding.items() if k != "left"}

    # A wrong authenticator; the right one on another care-of address; a recorded update, as it was and with another source.
    assert w.mobile.ask(binding_update(2, key=bytes(16), coa=COA2), 2).status == 146
    forged = elsewhere(binding_update(3, alt=False), COA2)
    assert w.mobile.ask(forged, 3).status == 146 and unchanged()
    first = binding_update(4)
    assert w.mobile.ask(first, 4).status == 0
    binding = w.bindings()[HOME]
    a = w.mobile.ask(first, 4, status=144)
    assert a.authentic(COA) and unchanged()
    # Too far from this clock: told what the clock is.
    a = w.mobile.ask(binding_update(5, stamp=1e9), 5)
    assert a.status == 144 and abs(a.options[10].timestamp / 2 ** 32 - NTP - time.time()) < 60
    assert w.mobile.ask(binding_update(6, stamp=None), 6).status == 145
    # Somebody else's home, a care-of address that is the home agent's own.
    assert w.mobile.ask(binding_update(7, home=FOREIGN), 7).status == 132
    assert w.mobile.ask(binding_update(8, coa="2001:db8:2::1", src=COA), 8).status == 174
    # Without authentication, under another SPI, not a home registration: no answer at all.
    discarded = w.counter("bu_discarded")
    w.mobile.send(binding_update(9, key=b""))
    w.mobile.send(binding_update(10, spi=257))
    w.mobile.send(binding_update(11, flags="A"))
    wait_for("three discarded", lambda: w.counter("bu_discarded") == discarded + 3, 20)
    assert unchanged() and not [a for a in w.mobile.answers if a.seq in (9, 10, 11)]
    # The address of a host that is there.
    a = w.mobile.ask(binding_update(12, home=HOST), 12)
    assert a.status == 134 and a.authentic(COA, HOST) and w.counter("dad_failed") == 1
    # Nothing of all that hurt.
    assert w.ping() == 3


def test_killed_and_started_again(world):
    w = world().start()
    assert w.mobile.ask(binding_update(1), 1).status == 0
    assert w.ping() == 3
    w.daemon.kill()
    assert w.ha.json("-6", "neigh", "show", "proxy")
    w.daemon.start()
    wait_for("the home agent answers", lambda: w.daemon.show("home") == [], 30)
    assert not w.ha.json("-6", "neigh", "show", "proxy")
    # It knows nothing of the binding, and takes it anew; what was recorded before its start is worth nothing.
    assert w.mobile.ask(binding_update(2, lifetime=0), 2).status == 133
    assert w.mobile.ask(binding_update(3), 3).status == 0
    assert w.ping() == 3


def test_discovery(world):
    """Asked at the anycast address of the home prefix: this home agent and one more that advertises itself on the home link."""
    w = world(preference=3)
    w.start()
    assert w.mobile.discover(COA, 77) == [AGENT]
    w.advertise("2001:db8:1::77", preference=9)
    wait_for("the other one is first", lambda: w.mobile.discover(COA, 78) == ["2001:db8:1::77", AGENT], 20)
    w.advertise("2001:db8:1::77", preference=9, flags=0)
    wait_for("it is one no longer", lambda: w.mobile.discover(COA, 79) == [AGENT], 20)
    assert w.counter("discovery_answered") >= 3
    w.daemon.stop()
    with w.ha.entered():
        assert "fdfffffffffffffe" not in open("/proc/thread-self/net/anycast6").read()


def test_route_optimisation_is_refused(world):
    """Who begins it is told that nobody here knows it, and keeps to the tunnel (RFC 6275 §9.2, §11.3.6)."""
    w = world().start()
    for begin in (MIP6MH_HoTI, MIP6MH_CoTI):
        n = len(w.mobile.errors)
        w.mobile.send(bytes(IPv6(src=COA, dst=AGENT) / begin()))
        wait_for("a Binding Error", lambda n=n: len(w.mobile.errors) > n, 20)
        assert w.mobile.errors[-1].status == 2 and w.mobile.errors[-1].ha == "::"
