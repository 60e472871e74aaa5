"""
A mobile keeps its home address: with fast handovers under it, with the chain from those down to Mobile IPv6 alone, and without any
fast handover, by router advertisements. Home agent and mobile are ours; test_home_agent.py has a home agent beside another's mobile.
"""

import socket
import time

import pytest
from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6NDOptPrefixInfo, IPv6, MIP6MH_HoTI

from lab import movement, traffic
from lab.daemon import FORMS, KEY, merged
from lab.netns import differences, snapshot
from lab.topology import CN, eui64, wait_for

user_form = pytest.mark.needs("tun", "nft")
forms = pytest.mark.parametrize("form", [
    pytest.param("user", marks=user_form), pytest.param("kernel", marks=pytest.mark.needs("tun", "sctp", "ip6tnl"))])
# Nobody else has the home addresses: the home agent need not see first (RFC 6275 §10.3.1), which costs a second.
EXTRA = {"mip6": {"dad": "0ms"}}
PLAIN = {"fmip6": {"enable": False}}
RATE = 1000
QUEUED = 250_000_000  # ns: how old what lies in a queue may be on a busy machine


@pytest.fixture
def cast(lab):
    """The usual cast and a home agent; the mobile is at the first access point, away from home, and registered."""
    def make(form="user", home=True, routers=2, **mn1):
        c = lab(home=home, routers=routers, proxy=False, extra=merged(FORMS[form], EXTRA), per_node={"mn1": mn1})
        c.start()
        at(c, c.mobiles[0].address(c.points[0]))
        return c
    return make


def home_of(c):
    return c.mobiles[0].address(c.topology.home)


def at(c, coa):
    """Until the home agent forwards to that care-of address, and the mobile knows it; None: the mobile is at home."""
    state = "registered" if coa else "home"

    def there():
        mine, theirs = c.daemons["mn1"].show("home")[0], [b for b in c.daemons["ha"].show("home") if b["state"] == "away"]
        return mine["state"] == state and mine["registered"] == coa and [b["coa"] for b in theirs] == ([coa] if coa else [])
    wait_for(f"the home agent knows the mobile at {coa or 'home'}", there, 60)


class Sessions:
    """A numbered stream to the home address and a download by it, for as long as the test wants."""

    def __init__(self, c):
        self.home = home_of(c)
        self.udp_in = traffic.udp_receiver(c.topology, "mn1", 9000)
        self.tcp_out = traffic.tcp_server(c.topology, "cn", 0, 400_000, 9001)
        self.udp_out = traffic.udp_sender(c.topology, "cn", self.home, RATE)
        self.udp_in.wait(200)
        self.tcp_in = traffic.tcp_fetch(c.topology, "mn1", CN, self.home, 0, 9001)
        self.octets = 0
        self.go_on()

    def go_on(self):
        """Both still carry something new."""
        n = self.udp_in.report()["flows"][0]["next"]
        self.udp_in.wait(n + RATE // 4, 60)
        self.octets += 100_000
        self.tcp_in.wait(self.octets, 60)

    def udp(self):
        return self.udp_in.report()["flows"][0]

    def clean(self, since):
        """Nothing of the stream was lost, doubled or reordered since that report."""
        now = self.udp()
        assert [now[k] - since[k] for k in ("lost", "duplicated", "reordered")] == [0, 0, 0], now


def records(c, n):
    """The mobile's first n handovers, once that many have ended."""
    c.daemons["mn1"].wait_handover(count=n, limit=60)
    return c.daemons["mn1"].handovers()[:n]


def names(record):
    return [s["name"] for s in record["steps"]]


@forms
def test_down_the_chain_and_home(cast, form):
    """Predictive; then the previous router dies, and what was a reactive handover ends with the home agent; then home. A stream and a
    download to the home address go on through all of it, and the record says which step was taken why."""
    c = cast(form)
    mobile, (ar1, ar2) = c.mobiles[0], c.points
    movement.wait_discovered(c.daemons["mn1"], ar2)
    s = Sessions(c)

    before = s.udp()
    movement.predictive(c.topology, c.daemons, mobile, ar2, 20)
    at(c, mobile.address(ar2))
    s.go_on()
    if form == "user":
        s.clean(before)  # not by the fast handover, nor when the home agent changed over from its tunnel
    (first,) = records(c, 1)
    assert (first["mode"], first["result"], first["reason"]) == ("predictive", "complete", "")
    wait_for("the record has the home agent's word", lambda: {"BU", "BA"} <= set(names(records(c, 1)[0])))

    movement.wait_discovered(c.daemons["mn1"], ar1)
    c.daemons["ar2"].kill()
    c.topology.move([(mobile, ar1)], 20)
    at(c, mobile.address(ar1))
    s.go_on()
    fallen = records(c, 2)[1]
    assert (fallen["mode"], fallen["result"]) == ("mobile-ip", "complete")
    assert fallen["reason"].startswith("no FBack after 4 FBUs in ") and fallen["reason"].endswith(": a Binding Update to the home agent")
    assert names(fallen).index("FBU") < names(fallen).index("BU") < names(fallen).index("BA")
    assert "FBack" not in names(fallen)
    log = c.daemons["mn1"].log()
    assert "fast handover failed, on by Mobile IPv6" in log and 'from=reactive reason="no FBack after 4 FBUs in ' in log

    c.topology.move([(mobile, c.topology.home)], 20)
    at(c, None)
    s.go_on()
    back = records(c, 3)[2]
    assert (back["mode"], back["result"]) == ("mobile-ip", "complete")
    # No carrier was seen to go, and router advertisements alone told it; or a fast handover was begun, for which nobody is there.
    assert back["reason"] == "" or back["reason"].startswith("no FMIPv6 router on the new link after ")
    assert {"RA", "BU", "BA"} <= set(names(back))
    counters = c.daemons["mn1"].counters()
    assert counters["mip6.devolved"] >= 1 and counters["mip6.returns_home"] == 1


@user_form
@pytest.mark.parametrize("care_of", ["kernel", "optimistic"])
def test_alone(cast, care_of):
    """Without any fast handover: router advertisements say where the mobile is."""
    c = cast(mip6={"care_of": care_of}, **PLAIN)
    mobile, (ar1, ar2) = c.mobiles[0], c.points
    s = Sessions(c)
    for n, (point, there) in enumerate(((ar2, mobile.address(ar2)), (c.topology.home, None), (ar1, mobile.address(ar1))), 1):
        c.topology.move([(mobile, point)], 20)
        at(c, there)
        s.go_on()
        r = records(c, n)[n - 1]
        assert (r["mode"], r["result"], r["scenario"]) == ("mobile-ip", "complete", "123456")
        steps = [x for x in names(r) if x in ("RA", "care-of address", "BU", "BA")]
        assert [steps[0], steps[-1]] == ["RA", "BA"] and "BU" in steps and ("care-of address" in steps) == (there is not None)
    assert s.udp()["duplicated"] == 0


@user_form
def test_killed_restarted_and_stopped(cast):
    """What a mobile that was killed left behind does not stand in its next life's way; the end leaves nothing."""
    c = cast(**PLAIN)
    mobile, ns, d = c.mobiles[0], c.topology.ns["mn1"], c.daemons["mn1"]
    d.stop()
    before = snapshot(ns)
    d.start()
    at(c, mobile.address(c.points[0]))
    assert home_of(c) in ns.run("ip", "-6", "addr", "show")
    d.kill()
    d.start()
    at(c, mobile.address(c.points[0]))
    Sessions(c)
    # A reload that takes the home address away is a start without it.
    d.write({**d.config, "mip6": {}})
    d.reload()
    wait_for("no home address", lambda: d.show("home") == [])
    assert home_of(c) not in ns.run("ip", "-6", "addr", "show")
    assert differences(before, {**snapshot(ns), "nft": before["nft"]}, ("links", "groups", "routes")) == []
    d.stop()
    assert differences(before, snapshot(ns)) == []


@user_form
def test_a_home_agent_that_forgets(cast):
    """It dies and comes again without its binding cache: the mobile that is registered notices by what its system says of the tunnel."""
    c = cast(**PLAIN)
    c.daemons["ha"].kill()
    ns = c.topology.ns["mn1"]
    ns.run("ping", "-6", "-c", "1", "-W", "1", "-I", home_of(c), CN, check=False)
    c.daemons["ha"].start()
    assert c.daemons["ha"].show("home") == []
    wait_for("the mobile is registered again", lambda: not ns.run("ping", "-6", "-c", "1", "-W", "1", "-I", home_of(c), CN, check=False).count(
        "100% packet loss"), 60)


@user_form
def test_two_home_addresses(lab):
    """One movement, a binding for each; both are reached wherever the mobile is."""
    further = "2001:db8:f::77:1"
    c = lab(home=True, proxy=False, extra=merged(FORMS["user"], EXTRA),
            per_node={"mn1": {"mip6": {"home_addresses": [{"address": further}]}, **PLAIN}})
    c.start()
    mobile, ar2 = c.mobiles[0], c.points[1]
    homes = {home_of(c), further}

    def both(coa):
        def there():
            mine = {h["home"]: h["registered"] for h in c.daemons["mn1"].show("home")}
            theirs = {b["home"]: b["coa"] for b in c.daemons["ha"].show("home") if b["state"] == "away"}
            return mine == {h: coa for h in homes} and theirs == ({h: coa for h in homes} if coa else {})
        wait_for(f"both home addresses are at {coa or 'home'}", there, 60)
        for home in homes:
            wait_for(f"{home} is reached", lambda home=home: c.topology.ns["cn"].run(
                "ping", "-6", "-c", "1", "-W", "2", home, check=False).count(" 1 received"), 30)

    both(mobile.address(c.points[0]))
    c.topology.move([(mobile, ar2)], 20)
    both(mobile.address(ar2))
    c.topology.move([(mobile, c.topology.home)], 20)
    both(None)
    assert len(records(c, 2)) == 2  # not one for each home address
    c.daemons["mn1"].stop()
    assert further not in c.topology.ns["mn1"].run("ip", "-6", "addr", "show")


@user_form
def test_a_home_agent_is_looked_for(lab):
    """A mobile that knows its home address and no home agent asks the home link's routers, and keeps to the one it found."""
    c = lab(home=True, proxy=False, extra=merged(FORMS["user"], EXTRA), per_node={"mn1": {"mip6": {"home_agent": "::"}, **PLAIN}})
    c.start()
    mobile, ar2 = c.mobiles[0], c.points[1]
    at(c, mobile.address(c.points[0]))
    assert c.daemons["mn1"].show("home")[0]["agent"] == c.topology.home.router
    assert c.daemons["ha"].counters()["mip6.discovery_answered"] >= 1
    asked = c.daemons["mn1"].counters()["mip6.discovery_sent"]
    c.topology.move([(mobile, ar2)], 20)
    at(c, mobile.address(ar2))
    assert c.daemons["mn1"].counters()["mip6.discovery_sent"] == asked

    # A correspondent that would optimise the route is told that nobody here knows how (RFC 6275 §9.2).
    begin = bytes(IPv6(src=CN, dst=home_of(c)) / MIP6MH_HoTI())
    with c.topology.ns["cn"].entered(), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(begin, (home_of(c), 0))
    wait_for("a Binding Error", lambda: c.daemons["mn1"].counters()["mip6.be_sent"] == 1, 30)

    # The prefix of the care-of address is deprecated, and there is another (§11.5.3).
    router = str(eui64("fe80::/64", ar2.mac))
    renumbered = (IPv6(src=router, dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=1800)
                  / ICMPv6NDOptPrefixInfo(prefix=ar2.prefix.split("/")[0], prefixlen=64, validlifetime=9000, preferredlifetime=0)
                  / ICMPv6NDOptPrefixInfo(prefix="2001:db8:bb::", prefixlen=64, validlifetime=9000, preferredlifetime=9000))

    def changed():
        with c.topology.ns["ar2"].entered(), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as s:
            s.sendto(bytes(renumbered), ("wlan", 0x86DD, 0, 0, bytes.fromhex("333300000001")))
        return c.daemons["mn1"].show("home")[0]["coa"].startswith("2001:db8:bb:")
    wait_for("a care-of address that is not deprecated", changed, 30)


class Walk:
    """A mobile under traffic goes from link to link; the last access router's is its home link, its home agent a machine beside."""

    def __init__(self, c):
        self.c, self.mobile, self.s = c, c.mobiles[0], Sessions(c)
        self.daemon = c.daemons["mn1"]

    def ready(self, point):
        """No movement is under way, and the mobile knows of that link."""
        movement.wait_discovered(self.daemon, point)
        wait_for("no handover runs", lambda: all(h["result"] != "running" for h in self.daemon.handovers()))

    def go(self, point, how):
        """Moves; nothing is lost once a fast handover's tunnel stands, and before only what one movement may lose. The record."""
        self.ready(point)
        before = self.s.udp()
        link = how(self.c.topology, self.c.daemons, self.mobile, point, 20)
        home = point is self.c.points[-1]
        wait_for("the home agent knows", lambda: self.registered(point) or (home and self.daemon.show("home")[0]["state"] == "home"), 60)
        self.ready(point)
        self.s.go_on()
        now, record = self.s.udp(), self.daemon.handovers()[-1]
        assert record["result"] == "complete", record
        assert now["duplicated"] == before["duplicated"], now
        # At home what is still on the long way, by the home agent, is overtaken by what comes straight.
        assert home or now["reordered"] == before["reordered"], now
        missing = now["missing"][len(before["missing"]):]
        if how is movement.predictive:
            assert missing == [], missing
        else:
            offset = time.time_ns() - time.monotonic_ns()
            fback = next(s["at_us"] for s in record["steps"] if s["name"] == "FBack") * 1000 - offset
            assert len(missing) <= 1, missing
            assert movement.lost_outside({"missing": missing}, link["down_ns"] - QUEUED, fback + QUEUED, 2_000_000_000 // RATE) == [], missing
        return record

    def registered(self, point):
        mine = self.daemon.show("home")[0]
        return mine["state"] == "registered" and mine["registered"].rpartition("::")[0] == point.prefix.rpartition("::")[0]


@user_form
def test_the_home_link_has_an_access_router(cast):
    """Home, away, elsewhere, home. Away from home the access router forwards for the home address first, from the home agent's word on the
    home agent alone; home again the home address is used when the home agent has given it back, and the next movement has it."""
    c = cast(home="last", routers=3, mip6={"fast_wait": "10s"})
    ar1, ar2, home = c.points
    w, address = Walk(c), home_of(c)
    for how, mode in ((movement.predictive, "predictive"), (movement.reactive, "reactive")):
        back = w.go(home, how)
        assert back["mode"] == mode and back["ncoa"].startswith("2001:db8:c:")
        # The home agent defends the home address there; unannounced, a router advertisement may have told us to take it back first.
        assert back["ncoa"] != address or how is movement.reactive
        away = w.go(ar1, how)
        assert away["mode"] == mode and away["mobile"] == address
        wait_for("the access router forwards no longer", lambda: address not in [
            t["address"] for t in c.daemons[home.name].show("tunnels") if t["state"] == "tunnel"])
        (end,) = (t for t in c.daemons["mn1"].show("tunnels") if t["address"] == address)
        assert (end["state"], end["remote"]) == ("end-mobile", c.topology.home.router)
        assert address not in [b["pcoa"] for b in c.daemons["mn1"].show("bindings")]
        assert w.go(ar2, how)["mobile"] == w.mobile.address(ar1)

    # A home agent that does not answer: the access router forwards for as long as it takes.
    w.go(home, movement.predictive)
    c.daemons["ha"].kill()
    before = w.s.udp()
    w.ready(ar1)
    movement.predictive(c.topology, c.daemons, w.mobile, ar1, 20)
    wait_for("a Binding Update is out", lambda: c.daemons["mn1"].show("home")[0]["state"] == "updating")
    w.s.go_on()
    assert c.daemons["mn1"].show("home")[0]["state"] == "updating"
    c.daemons["ha"].start()
    wait_for("the home agent knows", lambda: w.registered(ar1), 60)
    w.s.go_on()
    w.s.clean(before)


@user_form
def test_home_prefixes(lab):
    """The home agent says how long the home prefix lives, again when that changes, and a mobile takes an address of a new one."""
    discovery = {"mip6": {"dad": "0ms", "prefixes": True, "prefix_min": "100ms", "prefix_max": "200ms"},
                 "mobiles": [{"prefix": "2001:db8::/32", "key": KEY}]}
    c = lab(home=True, proxy=False, extra=merged(FORMS["user"], discovery), per_node={"mn1": PLAIN})
    c.start()
    mobile, ns = c.mobiles[0], c.topology.ns["ha"]
    coa = mobile.address(c.points[0])
    at(c, coa)

    def mine():
        return c.daemons["mn1"].show("home")
    wait_for("the mobile has asked and was told", lambda: c.daemons["mn1"].counters()["mip6.prefixes_told"] >= 1, 60)
    assert [h["valid_s"] for h in mine()] == [None]
    ns.run("ip", "addr", "change", f"{c.topology.home.router}/64", "dev", "wlan", "valid_lft", "90000", "preferred_lft", "80000")
    wait_for("the mobile knows how long", lambda: mine()[0]["valid_s"] and 80000 < mine()[0]["valid_s"] <= 90000, 60)

    ns.run("ip", "addr", "add", "2001:db8:e::1/64", "dev", "wlan", "nodad")
    further = home_of(c).replace("2001:db8:f:", "2001:db8:e:")
    wait_for("it has an address of the new prefix too", lambda: {h["home"]: h["registered"] for h in mine()} == {home_of(c): coa, further: coa}, 60)
    assert {b["home"] for b in c.daemons["ha"].show("home") if b["state"] == "away"} == {home_of(c), further}
    counters = c.daemons["ha"].counters()
    assert counters["mip6.prefixes_sent"] >= counters["mip6.prefixes_asked"] >= 2
    for node in ("ha", "mn1"):
        assert "nothing secures Mobile Prefix Solicitations" in c.daemons[node].log()
        c.daemons[node].stop()
        assert "handoverd-mh" not in c.topology.ns[node].run("nft", "list", "tables")
