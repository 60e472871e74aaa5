"""Links as they are found in the world: with several prefixes, and with mobiles that say no more in an FBU than they must."""

import pytest

from lab import fmip6, movement
from lab.daemon import FORMS, KEY
from lab.fmip6 import Wire, link_local
from lab.topology import Mobile, Point, wait_for

pytestmark = pytest.mark.needs("tun")
AR1, AR2, MN1 = Point(1), Point(2), Mobile(1)


def local_prefix(point):
    """A unique local one, beside the global one."""
    return f"fd00:{point.n}::/64"


@pytest.fixture
def routers(lab):
    """Two, each with two prefixes on its access link, the local one set last; at the first a mobile that speaks by hand."""
    keys = {"mobiles": [{"prefix": p, "key": KEY} for point in (AR1, AR2) for p in (point.prefix, local_prefix(point))]}
    cast = lab(proxy=False, extra=FORMS["user"], per_node={p.name: keys for p in (AR1, AR2)})
    t, d = cast.topology, cast.daemons
    del d.by_node["mn1"]
    for p in cast.points:
        t.ns[p.name].ip(f"addr add fd00:{p.n}::1/64 dev wlan nodad")
    d.start("ar1", "ar2")
    d.wait_associated()
    t.bring_up()
    t.ns["mn1"].ip("addr add fd00:1::5/64 dev wlan0 nodad")
    return t, d


def bound(daemon, pcoa, ncoa):
    return any((b["pcoa"], b["ncoa"], b["state"]) == (pcoa, ncoa, "forwarding") for b in daemon.show("bindings"))


def test_two_prefixes(routers):
    """An FBU for an address of either prefix of the link, without the link-layer address, which the router has to know."""
    t, d = routers
    ns = t.ns["mn1"]
    ncoa = MN1.address(AR2)
    with Wire(ns, "wlan0") as w:
        for seq, pcoa in enumerate((MN1.address(AR1), "fd00:1::5"), 100):
            ns.run("ping", "-6", "-c", "3", "-i", "0.2", "-I", pcoa, AR1.router)
            w.send(AR1.mac, fmip6.fbu(pcoa, AR1.router, pcoa, ncoa, seq, None, fmip6.badf_key(KEY, pcoa)))
            wait_for(f"{pcoa} is forwarded", lambda a=pcoa: bound(d["ar1"], a, ncoa))
        # From its link-local address nothing can be tunnelled.
        refused, local = d["ar1"].counters()["fmip6.fbu_refused"], link_local(AR1.mac)
        w.send(AR1.mac, fmip6.fbu(pcoa, local, pcoa, MN1.address(AR2), 200, MN1.mac, fmip6.badf_key(KEY, pcoa)))
        wait_for("it is refused", lambda: d["ar1"].counters()["fmip6.fbu_refused"] == refused + 1)
        assert bound(d["ar1"], pcoa, ncoa)
    assert all(b["lladdr"] == MN1.mac for b in d["ar2"].show("bindings"))


def test_new_addresses_in_two_prefixes(routers):
    """New addresses in either prefix of the new router's link."""
    t, d = routers
    core = t.ns["core"].json("link", "show", "ar1")[0]["address"]
    with Wire(t.ns["ar1"], "eth0") as w:
        for seq, (pcoa, ncoa) in enumerate((("fd00:1::5", "fd00:2::5"), (MN1.address(AR1), MN1.address(AR2))), 100):
            w.send(core, fmip6.hi(AR1.address, AR2.address, seq, MN1.mac, pcoa, ncoa))
            wait_for(f"{ncoa} is expected", lambda a=ncoa: any(b["ncoa"] == a for b in d["ar2"].show("bindings")))
    assert d["ar2"].counters()["fmip6.hi_refused"] == 0


def test_link_set_down_and_up(lab):
    """Of a mobile whose PAR forwards for an older address: that address, and all that belongs to it, comes back with the link."""
    cast = lab(proxy=False, extra=FORMS["user"]).start()
    t, d, (mn1,) = cast.topology, cast.daemons, cast.mobiles
    movement.wait_discovered(d["mn1"], AR2)
    movement.predictive(t, d, mn1, AR2, 20)
    ns, pcoa = t.ns["mn1"], MN1.address(AR1)
    reached = lambda: "bytes from" in t.ns["cn"].run("ping", "-6", "-c", "1", "-W", "1", pcoa, check=False)
    wait_for("the older address is reached", reached)
    ns.ip("link set wlan0 down")
    wait_for("it is gone", lambda: not any(a["local"] == pcoa for a in ns.json("addr", "show", "wlan0")[0]["addr_info"]))
    ns.ip("link set wlan0 up")
    wait_for("the older address is reached again", reached)


def test_told_to_move_by_a_router_that_does_not_name_itself(lab):
    """By a PrRtAdv without the source link-layer address, which SHOULD be there: the frame has it. From another frame it is not believed."""
    cast = lab(proxy=False, extra=FORMS["user"]).start()
    t, d = cast.topology, cast.daemons
    movement.wait_discovered(d["mn1"], AR2)
    order = fmip6.prrtadv(link_local(AR1.mac), MN1.address(AR1), 0, 1, None, AR2.ap_id, AR2.mac, AR2.router, AR2.prefix.split("/")[0])
    count = lambda name: d["mn1"].counters()[f"fmip6.{name}"]
    with Wire(t.ns["ar1"], "wlan") as w:
        w.send(MN1.mac, order, source="02:00:00:00:66:66")
        wait_for("it is not believed", lambda: count("prrtadv_ignored") == 1)
        assert count("triggers_received") == 0
        w.send(MN1.mac, order)
        movement.wait_step(d["mn1"], "FBack")
    assert count("triggers_received") == 1
