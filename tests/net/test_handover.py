"""
What a handover must do to the traffic of a mobile, and what must remain when something goes wrong. Each test runs on both forms of
the data plane: in user space (TUN and usrsctp), and the kernel's own (ip6tnl and kernel SCTP), the latter wherever there is one.
"""

import contextlib
import os
import threading
import time

import pytest

from lab import loss, movement, netns, traffic
from lab.daemon import FORMS, merged
from lab.netns import LabError
from lab.topology import CN, GROUP, GROUP4, eui64, wait_for

LANE = os.environ.get("HANDOVERD_LANE", "native")
# Packets a second: what the lane carries well below its limit. A sanitized daemon gets a fifth.
RATE = {"native": 10000, "uml": 2000, "qemu": 50}[LANE] // (5 if os.environ.get("HANDOVERD_LAB_SLOW") else 1)
PPS = {"user": RATE, "kernel": RATE}

forms = pytest.mark.parametrize("form", [
    pytest.param("user", marks=pytest.mark.needs("tun", "nft")),
    pytest.param("kernel", marks=pytest.mark.needs("tun", "sctp", "ip6tnl")),
])
user_form = pytest.mark.needs("tun", "nft")


@pytest.fixture
def cast(lab, request):
    """cast(form, …): the usual cast in that form, started. Without multicast where the kernel has no multicast routing."""
    def make(form, **kw):
        kw["extra"] = merged(FORMS[form], kw.get("extra"))
        kw.setdefault("proxy", False)
        return lab(**kw).start()
    return make


GROUPS = ((9002, GROUP), (9003, GROUP4))


class Flow:
    """A numbered stream to each of some mobiles, at the addresses they have now."""

    def __init__(self, c, mobiles=None, rate=RATE, settle=0.3):
        self.c, self.mobiles = c, mobiles or c.mobiles
        self.rate = rate
        self.interval = 1e9 / rate
        self.to = {m.name: m.address(m.point) for m in self.mobiles}
        self.receivers = [traffic.udp_receiver(c.topology, m.name, flows=1, base=i, idle_ms=1500) for i, m in enumerate(self.mobiles)]
        self.log = c.topology.dir / "sent.flow"
        self.sender = traffic.udp_sender(c.topology, "cn", list(self.to.values()), rate, log=self.log)
        self.wait(int(rate * settle))

    def wait(self, packets, limit=20):
        for r in self.receivers:
            r.wait(packets, limit)

    def more(self, seconds):
        """Until packets have come that were sent `seconds` later than the last that came."""
        for r in self.receivers:
            r.wait(r.report()["flows"][0]["next"] + int(seconds * self.rate), seconds + 15)

    def finish(self):
        """{mobile's name: report}"""
        sent = self.sender.finish("stop")
        self.sent = sent["flows"]
        return {m.name: r.finish(f"total {n}")["flows"][0] for m, r, n in zip(self.mobiles, self.receivers, sent["flows"])}

    def sent_ns(self, mobile):
        """When each packet to that mobile was sent, after finish()."""
        return [at for at, _ in traffic.read_udp_log(self.log)[self.mobiles.index(mobile)]]


def assert_clean(report, what="", lost=0):
    words = f"{what} {report['lost']} lost, {report['duplicated']} duplicated, {report['reordered']} reordered: {report['missing'][:5]}"
    assert (report["duplicated"], report["reordered"]) == (0, 0), words
    if lost is not None:
        assert report["lost"] == lost, words


QUEUED = 250e6  # ns: how old what lies in a queue may be on a busy machine


def assert_lost_in_one(report, flow, mobile, link, fbu):
    """One run is missing and no more: once the previous router holds, nothing is lost. It begins with what lay in the link's queues
    when it went, and ends with what lay in the previous router's when it read the FBU."""
    assert len(report["missing"]) <= 1, report["missing"]
    assert movement.lost_outside(report, link["down_ns"] - QUEUED, fbu + QUEUED, flow.interval * 2, flow.sent_ns(mobile)) == []


def record(c, node, address):
    return c.daemons[node].wait_handover(address)


def steps(handover):
    return [s["name"] for s in handover["steps"]]


def letters(c, mobile, here, there, address):
    """The scenario as all three saw it, in order of time."""
    from lab import timeline
    records = [(lane, record(c, node, address)) for lane, node in (("mn", mobile.name), ("par", here.name), ("nar", there.name))]
    return timeline.scenario(timeline.merge_steps(records, 0))


# ---- the main job ------------------------------------------------------------------------------------------------------

@forms
@pytest.mark.parametrize("gap", [0, 20, 100, 500])
def test_predictive(cast, form, gap):
    """Nothing lost, nothing twice, nothing out of order, however long the link was away."""
    c = cast(form)
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    movement.wait_discovered(c.daemons[mobile.name], there)  # its first question may be under way: "a" would stand before "1"
    flow = Flow(c)
    link = movement.predictive(c.topology, c.daemons, mobile, there, gap)
    mn = record(c, mobile.name, address)
    flow.more(0.3)
    report = flow.finish()[mobile.name]
    assert_clean(report)
    assert mn["result"] == "complete" and mn["mode"] == "predictive"
    assert letters(c, mobile, here, there, address) == "1abcdef23456g"
    print(f"link gap {(link['up_ns'] - link['down_ns']) / 1e6:.1f} ms, interruption {report['gap_ms']:.1f} ms")


@forms
@pytest.mark.parametrize("gap", [20, 100, 500])
def test_reactive(cast, form, gap):
    """What is lost was sent into the gap before the FBU reached the previous router; after that nothing."""
    c = cast(form)
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    movement.wait_discovered(c.daemons[mobile.name], there)
    flow = Flow(c)
    offset = time.time_ns() - time.monotonic_ns()
    link = movement.reactive(c.topology, c.daemons, mobile, there, gap)
    mn = record(c, mobile.name, address)
    flow.more(0.3)
    report = flow.finish()[mobile.name]
    par = record(c, here.name, address)
    fbu = next(s["at_us"] for s in par["steps"] if s["name"] == "FBU") * 1000 - offset
    assert_clean(report, lost=None)
    assert_lost_in_one(report, flow, mobile, link, fbu)
    assert mn["result"] == "complete" and mn["mode"] == "reactive"
    assert letters(c, mobile, here, there, address) == "ab123456gcdef"


@forms
def test_ten_mobiles_at_the_same_moment(cast, form):
    c = cast(form, mobiles=10)
    here, there = c.points
    addresses = {m.name: m.address(here) for m in c.mobiles}
    flow = Flow(c, rate=RATE / 10)  # each: together what one mobile gets in the other tests, which is what the lane carries
    with contextlib.ExitStack() as stack:
        watches = [stack.enter_context(c.daemons[m.name].watch()) for m in c.mobiles]
        orders = [c.daemons[m.name].ctl_start("handover", "self", "to", there.ap_id) for m in c.mobiles]
        assert [o.wait(20) for o in orders] == [0] * 10
        for watch in watches:
            watch.wait_step("FBack", 20)
    c.topology.move([(m, there) for m in c.mobiles], 50)
    for m in c.mobiles:
        assert record(c, m.name, addresses[m.name])["result"] == "complete"
    flow.more(0.5)
    for name, report in flow.finish().items():
        assert_clean(report, name)


@forms
def test_back_before_the_first_handover_has_finished(cast, form):
    """To the new router and, as soon as the link is there, back to the old one."""
    c = cast(form)
    mobile, (here, there) = c.mobiles[0], c.points
    flow = Flow(c)
    movement.predictive(c.topology, c.daemons, mobile, there, 20)
    movement.predictive(c.topology, c.daemons, mobile, here, 20)
    flow.more(1)
    assert_clean(flow.finish()[mobile.name])


@user_form
def test_announced_and_lost(cast):
    """The mobile announces its move and vanishes: the new router gives up its contexts and says so (CTC). When it does come, it has
    everything all the same."""
    c = cast("user", extra={"fmip6": {"hold_time": "500ms", "prepared_time": "400ms"}, "cxtp": {"context_lifetime": "10min"}}, proxy=True)
    mobile, (here, there) = c.mobiles[0], c.points
    group = traffic.udp_receiver(c.topology, mobile.name, 9002, groups=[f"{GROUP}%wlan0"])
    wait_for("the previous router knows the listener", lambda: movement.listens(c.daemons[here.name], GROUP))
    d = c.daemons[mobile.name]
    with d.watch() as watch:
        d.ctl("handover", "self", "to", there.ap_id)
        watch.wait_step("FBack")
        c.topology.move([(mobile, None)])
    wait_for("the new router gives up", lambda: c.daemons[here.name].counters()["cxtp.ctc_received"] == 1)
    assert not movement.listens(c.daemons[there.name], GROUP)
    c.topology.move([(mobile, there)])
    wait_for("the contexts are there", lambda: movement.listens(c.daemons[there.name], GROUP))
    group.finish("stop")


@user_form
def test_routers_of_rfc_4068(lab):
    """compat = "rfc4068": HI and HAck go over ICMPv6. Every one in a Mobility Header would be dropped, and nothing is missed."""
    c = lab(extra=FORMS["user"], proxy=False)
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    for point in c.points:
        d = c.daemons[point.name]
        d.config["neighbors"][0]["compat"] = "rfc4068"
        d.write()
    c.start()
    movement.wait_discovered(c.daemons[mobile.name], there)
    flow = Flow(c)
    with loss.Loss(c.topology, "HI", count=100) as hi, loss.Loss(c.topology, "HAck", count=100) as hack:
        movement.predictive(c.topology, c.daemons, mobile, there, 20)
        records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
        flow.more(0.5)
        assert (hi.count(), hack.count()) == (0, 0)
    assert all(r["result"] == "complete" for r in records.values()), records
    assert letters(c, mobile, here, there, address) == "1abcdef23456g"
    assert_clean(flow.finish()[mobile.name])


@user_form
@pytest.mark.parametrize("asks", [True, False])
def test_another_node_has_the_new_address(cast, asks):
    """The new router asks its link before it answers, or its kernel has heard that node, and gives the mobile another address: nothing
    is lost on the way there."""
    c = cast("user", mobiles=2, extra={"fmip6": {"dad": "200ms" if asks else "0ms", "hi_timeout": "2s", "fbu_timeout": "2s"}})
    (mobile, other), (here, there) = c.mobiles, c.points
    address, taken = mobile.address(here), mobile.address(there)
    movement.wait_discovered(c.daemons[mobile.name], there)
    c.topology.move([(other, there)])
    c.topology.ns[other.name].ip(f"addr add {taken}/64 dev wlan0 nodad")
    if not asks:
        c.topology.ns[there.name].sysctl(ipv6__neigh__wlan__base_reachable_time_ms=3600000)
        wait_for("the router reaches the other node", lambda: "REACHABLE" in c.topology.ns[there.name].run(
            "ping", "-c", "1", "-W", "2", taken, check=False) + c.topology.ns[there.name].run("ip", "neigh", "show", taken, "dev", "wlan"))
    flow = Flow(c, [mobile])
    movement.predictive(c.topology, c.daemons, mobile, there, 20)
    flow.more(0.5)
    records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
    assert all(r["result"] == "complete" for r in records.values()), records
    assert len({r["ncoa"] for r in records.values()}) == 1 and records[there.name]["ncoa"] != taken, records
    assert c.daemons[there.name].counters()["fmip6.assigned"] == 1
    assert_clean(flow.finish()[mobile.name])


@forms
def test_new_router_serves_the_previous_address(cast, form):
    """The new address is another node's: the mobile keeps the one that it has, there and back again, and loses nothing."""
    c = cast(form, mobiles=2, extra={"fmip6": {"collision": "pcoa", "dad": "200ms", "hi_timeout": "2s", "fbu_timeout": "2s"}})
    (mobile, other), (here, there) = c.mobiles, c.points
    address, taken = mobile.address(here), mobile.address(there)
    movement.wait_discovered(c.daemons[mobile.name], there)
    c.topology.move([(other, there)])
    c.topology.ns[other.name].ip(f"addr add {taken}/64 dev wlan0 nodad")
    flow = Flow(c, [mobile])
    movement.predictive(c.topology, c.daemons, mobile, there, 20)
    records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
    assert all(r["result"] == "complete" for r in records.values()), records
    flow.more(0.5)
    assert [b["state"] for b in c.daemons[there.name].show("bindings") if b["pcoa"] == address] == ["serving"]
    assert taken not in c.topology.ns[mobile.name].run("ip", "addr", "show", "dev", "wlan0")
    c.topology.ns[mobile.name].run("ping", "-c", "3", "-i", "0.2", "-W", "5", "-I", address, CN)
    ends = [t for t in c.daemons[there.name].show("tunnels") if t["state"] == "end-visitor"]
    assert len(ends) == 1 and ends[0]["address"] == address, ends
    back = [t for t in c.daemons[here.name].show("tunnels") if t["state"] == "end-router" and t["address"] == address]
    assert len(back) == 1 and back[0]["decapsulated"] >= 3, back
    movement.predictive(c.topology, c.daemons, mobile, here, 20)
    wait_for("the service is over", lambda: c.daemons[there.name].counters()["fmip6.lodgers"] == 0)
    flow.more(0.5)
    assert not [t for t in c.daemons[there.name].show("tunnels") if t["address"] == address]
    assert address not in c.topology.ns[there.name].run("ip", "-6", "route", "show")
    assert_clean(flow.finish()[mobile.name])


@user_form
def test_addresses_come_by_dhcp(lab):
    """The previous router says so (PrRtAdv Code 5), and the new one serves the address that the mobile has."""
    c = lab(extra=FORMS["user"], proxy=False)
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    for ap in c.daemons[here.name].config["neighbors"][0]["aps"]:
        ap["addresses"] = "dhcp"
    for interface in c.daemons[there.name].config["interfaces"]:
        if interface["kind"] == "access":
            interface["addresses"] = "dhcp"
    for point in c.points:
        c.daemons[point.name].write()
    c.start()
    movement.wait_discovered(c.daemons[mobile.name], there)
    flow = Flow(c)
    movement.predictive(c.topology, c.daemons, mobile, there, 20)
    records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
    assert all(r["result"] == "complete" for r in records.values()), records
    flow.more(0.5)
    assert c.daemons[there.name].counters()["fmip6.lodgers"] == 1
    assert mobile.address(there) not in c.topology.ns[mobile.name].run("ip", "addr", "show", "dev", "wlan0")
    assert_clean(flow.finish()[mobile.name])


@user_form
def test_told_to_move_by_the_router(cast):
    """The network decides (RFC 5568 §3.3): the order is given on the router, and nothing is lost."""
    c = cast("user")
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    movement.wait_discovered(c.daemons[mobile.name], there)
    flow = Flow(c)
    refused = c.daemons[here.name].ctl_raw("handover", "2001:db8::66", "to", there.ap_id)
    assert refused.returncode == 1 and "not on a link" in refused.stderr
    with c.daemons[mobile.name].watch() as watch:
        c.daemons[here.name].ctl("handover", address, "to", there.ap_id)
        watch.wait_step("FBack")
        c.topology.move([(mobile, there)], 20)
    records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
    flow.more(0.5)
    assert all(r["result"] == "complete" for r in records.values()), records
    assert letters(c, mobile, here, there, address) == "b1cdef23456g"
    assert_clean(flow.finish()[mobile.name])


@forms
def test_announced_but_never_gone(cast, form):
    """The mobile announces its move, leaves, and comes back to where it was: what the new router holds must reach it."""
    c = cast(form)
    mobile, (here, there) = c.mobiles[0], c.points
    flow = Flow(c)
    d = c.daemons[mobile.name]
    d.ctl("handover", "self", "to", there.ap_id)
    movement.wait_step(d, "FBack")
    c.topology.move([(mobile, here)], 50)
    flow.more(1)
    assert_clean(flow.finish()[mobile.name])


@forms
def test_download_over_ten_movements(cast, form):
    """100 MB, octet by octet the same after ten movements back and forth."""
    total = 100_000_000 if LANE == "native" else 5_000_000
    if os.environ.get("HANDOVERD_LAB_SLOW"):
        total //= 5
    c = cast(form)
    mobile = c.mobiles[0]
    traffic.tcp_server(c.topology, "cn", total, rate=total / 12)
    fetch = traffic.tcp_fetch(c.topology, mobile.name, CN, mobile.address(mobile.point), total)
    for i in range(10):
        fetch.wait(int(total * (i + 0.5) / 11), 60)
        movement.predictive(c.topology, c.daemons, mobile, c.points[(i + 1) % 2], 20)
    report = fetch.line(120)
    assert report["complete"] and report["identical"] and report["bytes"] == total, report


# ---- when messages get lost ----------------------------------------------------------------------------------------------

@user_form
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("message", ["HI", "HAck", "FBack", "PCTD", "CTDR"])
def test_a_message_is_lost(cast, message, times):
    """The handover completes all the same, or goes on as the next scenario, and the timeline says which."""
    c = cast("user", proxy=True)
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    group = traffic.udp_receiver(c.topology, mobile.name, 9002, groups=[f"{GROUP}%wlan0"])
    wait_for("the previous router knows the listener", lambda: movement.listens(c.daemons[here.name], GROUP))
    flow = Flow(c)
    d = c.daemons[mobile.name]
    with loss.Loss(c.topology, message, count=times) as lost:
        d.ctl("handover", "self", "to", there.ap_id)
        try:
            movement.wait_step(d, "FBack", 5)
        except LabError:
            pass  # then the mobile leaves without: reactive
        c.topology.move([(mobile, there)], 50)
        # Contexts may come after the packets' way was settled.
        wait_for("the new router has the contexts", lambda: record(c, there.name, address)["contexts"])
        records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
        if message in ("PCTD", "CTDR"):
            wait_for(f"{times} lost", lambda: lost.count() == times)
        assert lost.count() == times
    flow.more(0.5)
    report = flow.finish()[mobile.name]
    group.finish("stop")
    assert all(r["result"] == "complete" for r in records.values()), records
    early = letters(c, mobile, here, there, address).startswith("1abcdef2")
    assert records[mobile.name]["mode"] == ("predictive" if early else "reactive")
    assert_clean(report, message, lost=0 if early else None)
    # Who asked again says what was lost: the HI at the PAR, the FBU at the mobile; contexts that were not pushed are fetched.
    if message in ("HI", "HAck"):
        assert steps(records[here.name]).count("HI") == 1 + times
    if message == "FBack":
        assert steps(records[mobile.name]).count("FBU") == 1 + times
    if message == "PCTD":
        took = set(steps(records[there.name]))
        assert "PCTD" in took or {"CT-Req", "CTD"} < took  # SCTP repeated it in time, or not
    contexts = records[there.name]["contexts"]
    assert contexts and all(x["status"] == 0 for x in contexts)


@user_form
@pytest.mark.parametrize("message", ["HI", "HAck", "FBack"])
def test_the_mobile_leaves_without_an_fback(cast, message):
    """It leaves while the FBack is overdue: what was begun goes on as a reactive handover, and the timeline says so."""
    c = cast("user", extra={"fmip6": {"fbu_timeout": "2s", "hi_timeout": "2s"}})  # no repetition mends it before the mobile is gone
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    flow = Flow(c)
    offset = time.time_ns() - time.monotonic_ns()
    d = c.daemons[mobile.name]
    sender = c.daemons[there.name if message == "HAck" else here.name]
    with loss.Loss(c.topology, message) as lost, sender.watch() as watch:
        d.ctl("handover", "self", "to", there.ap_id)
        watch.wait_step(message)
        link = c.topology.move([(mobile, there)], 20)
        records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
        assert lost.count() == 1
    flow.more(0.5)
    report = flow.finish()[mobile.name]
    assert all(r["result"] == "complete" for r in records.values()), records
    mn, par = records[mobile.name], records[here.name]
    assert (mn["mode"], mn["scenario"], mn["reason"]) == ("reactive", "1abc23456gf", "the link changed before the FBack")
    if message == "FBack":  # all the routers had to do was done
        assert par["mode"] == "predictive"
        assert_clean(report)
        return
    assert (par["mode"], par["reason"]) == ("reactive", "the mobile left before the FBack")
    fbu = [s["at_us"] for s in par["steps"] if s["name"] == "FBU"][1] * 1000 - offset
    assert_clean(report, lost=None)
    assert_lost_in_one(report, flow, mobile, link, fbu)


@user_form
def test_the_mobile_leaves_while_its_previous_router_copies(cast):
    """Its handover is not prepared when the link goes. What was sent into the gap waited as copies: nothing is lost, some comes twice."""
    c = cast("user", extra={"fmip6": {"fbu_timeout": "8s", "hi_timeout": "8s", "early_buffer": True}})
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    flow = Flow(c)
    d = c.daemons[mobile.name]
    with loss.Loss(c.topology, "HI"), c.daemons[here.name].watch() as watch:
        d.ctl("handover", "self", "to", there.ap_id)
        watch.wait_step("HI")
        flow.more(0.3)  # nothing that was sent before lies in a queue any more
        c.topology.move([(mobile, there)], 20)
        records = {n: record(c, n, address) for n in (mobile.name, here.name, there.name)}
    flow.more(0.5)
    report = flow.finish()[mobile.name]
    assert all(r["result"] == "complete" for r in records.values()), records
    assert records[here.name]["mode"] == "reactive"
    assert report["lost"] == 0 and report["duplicated"] > 0, report


# ---- crashes and restarts ------------------------------------------------------------------------------------------------

def test_routers_restart_while_one_serves(cast):
    """The new router serves the mobile's previous address. It dies, comes back and serves it again; then the previous one dies: the mobile
    is reached again, by the same way or through an address of its own. When it is home nothing is left of the service."""
    c = cast("user", mobiles=2, extra={"fmip6": {"collision": "pcoa", "dad": "200ms", "hi_timeout": "300ms", "fbu_timeout": "300ms",
                                                 "lifetime": "6s"}})
    (mobile, other), (here, there) = c.mobiles, c.points
    address, taken = mobile.address(here), mobile.address(there)
    d, ns = c.daemons, c.topology.ns
    movement.wait_discovered(d[mobile.name], there)
    c.topology.move([(other, there)])
    ns[other.name].ip(f"addr add {taken}/64 dev wlan0 nodad")
    clean = netns.snapshot(ns[there.name])

    def served():
        return [b["state"] for b in d[there.name].show("bindings") if b["pcoa"] == address] == ["serving"]

    def answers():
        return "bytes from" in ns[mobile.name].run("ping", "-n", "-c", "1", "-W", "2", "-I", address, CN, check=False)

    movement.predictive(c.topology, d, mobile, there, 20)
    wait_for("it is served", served)
    d[there.name].kill()
    d[there.name].start()
    wait_for("it is served again", served, 40)
    wait_for("the mobile is reached", answers, 40)
    d[here.name].kill()
    d[here.name].start()
    wait_for("the mobile is reached", answers, 60)
    bound, = (b["ncoa"] for b in d[here.name].show("bindings") if b["pcoa"] == address)
    assert served() if bound == there.address else bound in ns[mobile.name].run("ip", "addr", "show", "dev", "wlan0")
    movement.predictive(c.topology, d, mobile, here, 20)
    wait_for("nothing is served", lambda: d[there.name].counters()["fmip6.lodgers"] == 0)
    wait_for("the mobile is at home", lambda: all(b["pcoa"] != address for b in d[here.name].show("bindings")))
    wait_for("the mobile is reached", answers)
    assert [t for t in d[there.name].show("tunnels") if t["address"] == address] == []
    assert [x for x in netns.differences(clean, netns.snapshot(ns[there.name])) if address in x] == []


KILLS = ([("par", s) for s in ("RtSolPr", "FBU", "HI", "HAck", "tunnel", "FBack")]
         + [("nar", s) for s in ("HI", "hold", "HAck", "UNA", "release")]
         + [("mn", s) for s in ("RtSolPr", "PrRtAdv", "FBU", "FBack", "join", "UNA")])


@user_form
@pytest.mark.parametrize("role,step", KILLS)
def test_killed_at_a_step(cast, role, step):
    """A daemon dies at this step and comes back: nothing of its earlier life is left, and the mobile can hand over again."""
    c = cast("user", proxy=True)
    mobile, (here, there) = c.mobiles[0], c.points
    victim = c.daemons[{"par": here.name, "nar": there.name, "mn": mobile.name}[role]]
    before = netns.snapshot(c.topology.ns[victim.node])
    d = c.daemons[mobile.name]
    with victim.watch() as watch:
        d.ctl("handover", "self", "to", there.ap_id)
        late = step in ("UNA", "release", "join")
        if late:
            movement.wait_step(d, "FBack")
            c.topology.move([(mobile, there)], 20)
        watch.wait_step(step)
        victim.kill()
    if not late:
        c.topology.move([(mobile, there)], 20)
    victim.start()
    after = netns.snapshot(c.topology.ns[victim.node])
    # A mobile's own addresses and routes change with the link it is on.
    ignore = ("addresses", "routes", "groups") if role == "mn" else ()
    assert netns.differences(before, after, ignore) == []
    again(c, mobile, there, here)


def again(c, mobile, here, there):
    """From wherever it was left, the mobile gets an address at `here` and hands over to `there` without loss."""
    c.daemons.wait_associated()
    c.topology.solicit(mobile)
    d = c.daemons[mobile.name]
    wait_for("the movement before has ended", lambda: all(h["result"] != "running" for h in d.handovers()), 15)
    wait_for("an address at the new router", lambda: c.topology.has_address(mobile, here), 15)
    c.topology.ns[mobile.name].run("ping", "-6", "-c", "1", "-W", "5", "-I", mobile.address(here), CN)
    flow = Flow(c)
    movement.predictive(c.topology, c.daemons, mobile, there, 20)
    assert record(c, mobile.name, mobile.address(here))["result"] == "complete"
    flow.more(0.2)
    assert_clean(flow.finish()[mobile.name], "the next handover:")


@forms
@pytest.mark.parametrize("moment", ["idle", "prepared", "moved"])
def test_terminated_daemons_restore_the_system(lab, form, moment):
    c = lab(extra=FORMS[form], proxy=False)
    c.topology.bring_up()
    mobile, (here, there) = c.mobiles[0], c.points
    before = {n: netns.snapshot(c.topology.ns[n]) for n in (here.name, there.name, mobile.name)}
    c.daemons.start(here.name, there.name, mobile.name)
    c.daemons.wait_associated()
    d = c.daemons[mobile.name]
    if moment != "idle":
        d.ctl("handover", "self", "to", there.ap_id)
        movement.wait_step(d, "FBack")
    if moment == "moved":
        c.topology.move([(mobile, there)], 20)
        d.wait_handover()
    for node in (mobile.name, there.name, here.name):
        assert c.daemons[node].stop() == 0
        # The mobile may keep what it autoconfigured on the new link.
        ignore = ("addresses", "routes", "groups") if node == mobile.name and moment == "moved" else ()
        assert netns.differences(before[node], netns.snapshot(c.topology.ns[node]), ignore) == [], node


# ---- bounds ---------------------------------------------------------------------------------------------------------------

class Polled:
    """The octets of a daemon's holds, asked again and again in the background."""

    def __init__(self, daemon, out):
        self.daemon, self.out, self.over = daemon, out, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(0.02):
            self.out.append(counter(self.daemon, "path_hold_octets"))

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

def counter(daemon, name):
    return daemon.counters()[f"net.{name}"]


@forms
@pytest.mark.parametrize("mobiles", [1, 3])
def test_a_full_hold_drops_the_oldest(cast, form, mobiles):
    """One mobile meets its own limit, three the one of all together: the oldest packets of each go, and no others."""
    limit = 32 << 10 if mobiles == 1 else 64 << 10
    c = cast(form, mobiles=mobiles, extra={"hold": {"limit": "64k", "limit_mobile": "32k"}})
    here, there = c.points
    nar = c.daemons[there.name]
    addresses = {m.name: m.address(here) for m in c.mobiles}
    flow = Flow(c, rate=(2000 if LANE == "native" else 500) / mobiles)
    octets = []
    with Polled(nar, octets):
        for m in c.mobiles:
            c.daemons[m.name].ctl("handover", "self", "to", there.ap_id)
        for m in c.mobiles:
            movement.wait_step(c.daemons[m.name], "FBack")
        c.topology.move([(m, there) for m in c.mobiles], 800)
    records = {m.name: record(c, there.name, addresses[m.name]) for m in c.mobiles}
    flow.more(0.3)
    reports = flow.finish()
    for name, r in records.items():
        assert r["held_dropped"] > 0
        assert_clean(reports[name], name, lost=r["held_dropped"])
        assert reports[name]["missing_runs"] == 1, "the oldest are one run"
    assert limit * 0.9 < max(octets) <= limit, "full, and never more than that"
    assert counter(nar, "path_held_dropped") == sum(r["held_dropped"] for r in records.values())
    assert "held packets dropped" in nar.log() and ("limit-per-mobile" if mobiles == 1 else "limit-total") in nar.log()


# ---- contexts ----------------------------------------------------------------------------------------------------------------

@pytest.mark.needs("tun", "nft", "mroute6")
@pytest.mark.parametrize("mode", ["predictive", "reactive"])
def test_multicast_follows_without_a_report(cast, mode):
    """The new router forwards the mobile's groups before the mobile has said a word of MLD there."""
    c = cast("user", proxy=True)
    mobile, (here, there) = c.mobiles[0], c.points
    c.topology.ipv4()
    movement.wait_discovered(c.daemons[mobile.name], there)
    receivers = [traffic.udp_receiver(c.topology, mobile.name, port, groups=[f"{group}%wlan0"]) for port, group in GROUPS]
    senders = [traffic.udp_sender(c.topology, "cn", group, 500, port=port, hop_limit=16, oif="eth0") for port, group in GROUPS]
    for r in receivers:
        r.wait(200)
    # The kernel would report its groups whenever the carrier comes: keep it quiet from here on.
    c.topology.ns[mobile.name].run("nft", "-f", "-", stdin="table inet lab_mld {\nchain out { type filter hook output priority 0;\n"
                                   "icmpv6 type { 131, 132, 143 } drop;\nip protocol igmp drop;\n}\n}\n")
    capture = traffic.Capture(c.topology, there.name, "wlan", "ip6 or ip")
    getattr(movement, mode)(c.topology, c.daemons, mobile, there, 50)
    c.daemons[mobile.name].wait_handover()
    for r in receivers:
        r.wait(r.report()["flows"][0]["next"] + 300)
    for tool in senders + receivers:
        tool.finish("stop")
    packets = traffic.dissect(capture.stop(), ["ipv6.src", "ipv6.dst", "icmpv6.type", "ip.src", "ip.dst", "igmp.type"])
    for group in (GROUP, GROUP4):
        assert [p for p in packets if group in (p["ipv6.dst"], p["ip.dst"])]
    own = str(eui64("fe80::/64", there.mac))  # the router itself listens to groups of its own
    assert [p for p in packets if p["icmpv6.type"] in ("131", "132", "143") and p["ipv6.src"] != own] == []
    assert [p for p in packets if p["igmp.type"] not in ("", "0x11") and p["ip.src"] != f"10.1.{there.n}.1"] == []
    names = [x["name"] for x in c.daemons[there.name].handovers()[-1]["contexts"]]
    assert {"multicast-listener", "multicast4"} <= set(names), names


@pytest.mark.needs("tun", "sctp", "ip6tnl")
def test_a_kernel_and_a_user_space_router_talk(lab):
    """One router has the kernel's SCTP, the other usrsctp, in UDP (RFC 6951): one kernel's SCTP would answer for both."""
    c = lab(extra=merged(FORMS["kernel"], {"cxtp": {"udp_port": 9899}}), proxy=False,
            per_node={"ar2": {"cxtp": {"backend": "usrsctp"}}}).start()
    for p in c.points:
        assert [n["association"] for n in c.daemons[p.name].show("neighbors")] == ["up"]
