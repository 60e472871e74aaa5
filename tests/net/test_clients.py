"""
Clients: mobiles that run no software of ours. Nothing runs in their namespaces but the kernel and the traffic; they move between
routers that serve clients, and keep both their addresses.
"""

import contextlib
import os
import socket
import struct
import time

import pytest

from lab import fmip6, movement, netns, timeline, traffic
from lab.clients import CN4, Ping, router4
from lab.daemon import FORMS
from lab.netns import LabError
from lab.topology import CN, wait_for

RATE = {"native": 1000, "uml": 300, "qemu": 30}[os.environ.get("HANDOVERD_LANE", "native")]
user_form = pytest.mark.needs("tun", "nft")
forms = pytest.mark.parametrize("form", [
    pytest.param("user", marks=user_form), pytest.param("kernel", marks=pytest.mark.needs("tun", "sctp", "ip6tnl"))])
QUEUED = 250e6  # ns: how old what lies in a queue may be on a busy machine


class Sessions:
    """What a person does all the while: a stream, a download and a ping over each family."""

    def __init__(self, c, mobile, home):
        t = c.topology
        self.c, self.mobile = c, mobile
        self.to = c.addresses(mobile, home)
        self.log = t.dir / "sent.flow"
        self.receivers = [traffic.udp_receiver(t, mobile.name, port=9000 + i, idle_ms=1500) for i in (0, 1)]
        self.senders = [traffic.udp_sender(t, "cn", a, RATE, port=9000 + i, log=t.dir / f"sent{i}.flow") for i, a in enumerate(self.to)]
        self.servers = [traffic.tcp_server(t, "cn", 0, 400_000, 9010 + i) for i in (0, 1)]
        self.fetches = [traffic.tcp_fetch(t, mobile.name, dst, src, 0, 9010 + i)
                        for i, (dst, src) in enumerate(zip((CN, CN4), self.to))]
        self.pings = [Ping(t, mobile.name, dst) for dst in (CN, CN4)]
        self.go_on()

    def flows(self):
        return [r.report()["flows"] for r in self.receivers]

    def drained(self):
        """Until nothing comes any more: it waits where the client is awaited."""
        def still():
            before = [f[0]["next"] if f else 0 for f in self.flows()]
            time.sleep(0.1)
            return before == [f[0]["next"] if f else 0 for f in self.flows()]
        wait_for("what was under way has come", still)

    def go_on(self):
        """Until everything flows, with what was sent just now."""
        for r in self.receivers:
            flows = r.report()["flows"]
            r.wait((flows[0]["next"] if flows else 0) + RATE // 4, 30)
        for f in self.fetches:
            f.wait(f.report()["bytes"] + 20_000, 30)
        for p in self.pings:
            p.wait_more(2)

    def finish(self):
        """(reports of the streams, when each packet was sent), both by family."""
        self.go_on()
        for p in self.pings:
            assert not p.stop()["reordered"]
        for f in self.fetches:
            report = f.finish("stop")
            assert report["identical"] and not report["error"], report
        for s in self.servers:
            s.process.terminate()
        sent = [s.finish("stop")["flows"][0] for s in self.senders]
        reports = [r.finish(f"total {n}")["flows"][0] for r, n in zip(self.receivers, sent)]
        return reports, [[at for at, _ in traffic.read_udp_log(self.c.topology.dir / f"sent{i}.flow")[0]] for i in (0, 1)]


def clean(report, lost=0):
    assert (report["lost"], report["duplicated"], report["reordered"]) == (lost, 0, 0), report


@forms
def test_announced(net, form):
    """An operator has the client moved, at its router or where it is: on, to a third router, and home. Nothing is lost. Where the
    kernel has tunnels of its own everything takes its time, and one router to go to is enough."""
    c = net(routers=3 if form == "user" else 2, extra=FORMS[form])
    mobile, home, second, last = c.mobiles[0], *c.points[:2], c.points[-1]
    with fmip6.Wire(c.topology.ns[mobile.name], "wlan0") as w:  # one that speaks RFC 4068, and cannot prove who it is, is a client all the same
        w.send("33:33:00:00:00:02", fmip6.rtsolpr(mobile.address(home), "ff02::2", 1, mobile.mac, second.ap_id, kind=150))
        wait_for("it is answered", lambda: counter(c, home, "rtsolpr_rfc4068") == counter(c, home, "prrtadv_sent") == 1)
    s = Sessions(c, mobile, home)
    for at, to in ((home, second), *([(second, last)] if last is not second else []), (home, home)):
        c.order(at, mobile, home, to)
        s.drained()
        c.topology.move([(mobile, to)], 20)
        c.settled(mobile, home, to)
        s.go_on()
    reports, _ = s.finish()
    for r in reports:
        clean(r)
    for h in c.daemons[home.name].handovers() + c.daemons[second.name].handovers():
        assert (h["mode"], h["result"]) == ("network", "complete"), h


@user_form
def test_seen(net):
    """Nobody says anything: lost is what was sent before the client was seen and its router had been asked. So when it comes home."""
    c = net()
    mobile, (home, second, third) = c.mobiles[0], c.points
    s = Sessions(c, mobile, home)
    spans = []
    for to, step in ((second, "tunnel"), (third, "tunnel"), (home, "release")):
        link = c.topology.move([(mobile, to)], 20)
        c.settled(mobile, home, to)
        # As phones do whenever their link comes up; the new link's own server would give another address.
        told = c.topology.dhcp[mobile.name].ask().split()
        assert told[:2] == ["REBOOT", mobile.address4], told
        s.go_on()
        records = [c.daemons[home.name].handovers(a)[-1] for a in s.to]
        steps = timeline.merge_steps([("par", r) for r in records], time.time_ns() - time.monotonic_ns())
        spans.append((link["down_ns"] - QUEUED, max(x["at_ns"] for x in steps if x["name"] == step) + QUEUED))
    reports, sent = s.finish()
    for report, times in zip(reports, sent):
        assert (report["duplicated"], report["reordered"]) == (0, 0), report
        for run in report["missing"]:
            assert any(a <= times[run["first"]] and times[run["last"]] <= b for a, b in spans), (run, spans)


@user_form
def test_gateway_and_neighbours(net):
    """Away, the client still reaches its gateway's own addresses and a host of its home link, and is reached from there."""
    c = net(routers=2, mobiles=2)
    (mobile, other), (home, second) = c.mobiles, c.points
    for a in c.addresses(mobile, home):  # it knows where to find it
        c.topology.ns[other.name].run("ping", "-n", "-c", "1", "-W", "5", a, check=False)
    c.topology.move([(mobile, second)], 20)
    c.topology.ns[mobile.name].run("ping", "-c", "3", "-i", "0.2", "-W", "20", CN, check=False)  # it is seen
    c.settled(mobile, home, second)
    mine, theirs = c.addresses(mobile, home), c.addresses(other, home)
    for here, there in ((mobile, [home.router, router4(home), *theirs]), (other, mine)):
        for a in there:
            wait_for(f"{here.name} reaches {a}", lambda: "bytes from" in c.topology.ns[here.name].run(
                "ping", "-n", "-c", "1", "-W", "2", a, check=False))
    # Its addresses are defended at home, and where it is it is not answered for what is its own.
    ns = c.topology.ns[other.name]
    ns.ip(f"addr add {mine[0]}/64 dev wlan0")
    wait_for("the duplicate is found", lambda: any(
        a.get("dadfailed") for link in ns.json("-6", "addr", "show", "dev", "wlan0") for a in link.get("addr_info", ())
        if a["local"] == mine[0]))
    ns.ip(f"addr del {mine[0]}/64 dev wlan0")
    # Both elsewhere: each is found by the other as before.
    c.topology.move([(other, second)], 20)
    c.topology.ns[other.name].run("ping", "-c", "3", "-i", "0.2", "-W", "20", CN, check=False)
    c.settled(other, home, second)
    for a in theirs:
        wait_for(f"{mobile.name} reaches {a}", lambda: "bytes from" in c.topology.ns[mobile.name].run(
            "ping", "-n", "-c", "1", "-W", "2", a, check=False))


def counter(c, point, name):
    return c.daemons[point.name].counters()[f"fmip6.{name}"]


def unsolicited(lladdr, pcoa):
    """A HAck with Code 4 (RFC 5568 §6.2.1.2) as a Mobility Header."""
    mac = bytes(int(x, 16) for x in lladdr.split(":"))
    body = struct.pack("!HBB", 1, 0, 4) + bytes((7, 7, 2)) + mac + bytes(1) + bytes((34, 18, 1, 128)) + socket.inet_pton(socket.AF_INET6, pcoa)
    return bytes((59, (6 + len(body)) // 8 - 1, 15, 0, 0, 0)) + body


@user_form
def test_attacks(net):
    """A station with the address of another, one that makes up many, and a node that is nobody's neighbour: nothing changes."""
    c = net(routers=2, mobiles=2, extra={"fmip6": {"client_rate": 2}})
    (mobile, thief), (home, second) = c.mobiles, c.points
    six = mobile.address(home)
    with c.topology.ns["cn"].entered(), socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135) as s:
        s.setsockopt(41, 7, 4)  # IPV6_CHECKSUM, at offset 4
        s.sendto(unsolicited(mobile.mac, six), (home.address, 0))
    wait_for("the stranger's HAck is counted", lambda: counter(c, home, "hack_ignored") >= 1)
    c.topology.move([(thief, second)], 20)
    ns = c.topology.ns[thief.name]
    ns.ip("addr flush dev wlan0 scope global", f"addr add {six}/64 dev wlan0 nodad", f"addr add {mobile.address4}/24 dev wlan0",
          "route replace default via fe80::1 dev wlan0")
    ns.run("ping", "-c", "3", "-i", "0.2", "-W", "1", "-I", six, CN, check=False)
    wait_for("the thief is not believed", lambda: counter(c, home, "clients_mismatch") >= 1)
    with ns.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("wlan0", 0))
        for i in range(2000):  # ARP requests of as many stations
            mac, ip = bytes((2, 1, 1, 1, i >> 8, i & 255)), bytes((10, 1, 1, 100 + i % 100))
            s.send(b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, 1) + mac + ip + bytes(6) + bytes((10, 1, 1, 1)))
    wait_for("the flood is limited", lambda: counter(c, second, "clients_limited") >= 100)
    assert counter(c, second, "clients_asked") <= 100
    for a in c.addresses(mobile, home):  # the thief's own are where it is
        assert c.bindings(home, a) == [] and c.bindings(second, a) == []
        assert c.daemons[home.name].handovers(a) == []


@user_form
def test_nothing_stays(net):
    """With a client visiting, a router stops, or is killed and started again: it is as it was before."""
    c = net(routers=2)
    mobile, (home, second) = c.mobiles[0], c.points
    for how in ("stop", "kill"):
        c.topology.move([(mobile, second)], 20)
        c.topology.ns[mobile.name].run("ping", "-c", "3", "-i", "0.2", "-W", "20", CN, check=False)
        c.settled(mobile, home, second)
        for p in (second, home):
            d = c.daemons[p.name]
            if how == "kill":
                d.kill()
                d.start()
            d.stop()
        for p in (second, home):
            ns = c.topology.ns[p.name]
            with contextlib.suppress(LabError):  # the kernel's own traces of a link that has just come or gone pass
                wait_for("all is as it was", lambda: not netns.differences(c.before[p.name], netns.snapshot(ns), ("groups",)), 10)
            assert netns.differences(c.before[p.name], netns.snapshot(ns), ("groups",)) == []
            assert "proto 200" not in ns.run("ip", "-4", "route", "show", "table", "all") + ns.run("ip", "-4", "rule")
        c.topology.move([(mobile, home)], 20)
        for p in (home, second):
            c.daemons[p.name].start()
        c.daemons.wait_associated()
        for src, dst in zip(c.addresses(mobile, home), (CN, CN4)):  # the router must know both addresses again
            wait_for("the client is at home", lambda: "bytes from" in c.topology.ns[mobile.name].run(
                "ping", "-n", "-c", "1", "-W", "2", "-I", src, dst, check=False))


@user_form
def test_new_address_and_restarts(net):
    """Away, a client makes up another address of its home link; then its anchor is killed and started again, and then the router where
    it is: all its addresses are served each time, by one rule of each family, without its doing."""
    c = net(routers=2)
    mobile, (home, second) = c.mobiles[0], c.points
    c.topology.move([(mobile, second)], 20)
    ns = c.topology.ns[mobile.name]
    ns.run("ping", "-c", "3", "-i", "0.2", "-W", "20", CN, check=False)
    c.settled(mobile, home, second)
    new = home.prefix.replace("/64", "abcd:1")
    ns.ip(f"addr add {new}/64 dev wlan0")

    def reached():
        for src, dst in zip((new, *c.addresses(mobile, home)), (CN, CN, CN4)):
            wait_for(f"{src} reaches {dst}", lambda: "bytes from" in ns.run("ping", "-n", "-c", "1", "-W", "1", "-I", src, dst, check=False))
        for a in (new, *c.addresses(mobile, home)):
            c.wait_state(home, a, "away")
            c.wait_state(second, a, "visiting")
        for family in ("-6", "-4"):
            rules = c.topology.ns[second.name].run("ip", family, "rule").splitlines()
            assert sum("iif wlan" in line for line in rules) == 1, rules
    reached()
    assert counter(c, home, "clients_adopted") == 1
    for p in (home, second):
        c.daemons[p.name].kill()
        c.daemons[p.name].start()
        c.daemons.wait_associated()
        reached()


@user_form
def test_beside_mobiles(lab):
    """Routers that serve clients hand mobiles over as ever: nobody takes one that moves by itself for a client."""
    c = lab(proxy=False, extra={**FORMS["user"], "fmip6": {"clients": True}}).start()
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    movement.wait_discovered(c.daemons[mobile.name], there)
    movement.predictive(c.topology, c.daemons, mobile, there, 20)
    assert c.daemons[mobile.name].wait_handover(address)["result"] == "complete"
    movement.wait_discovered(c.daemons[mobile.name], here)
    movement.reactive(c.topology, c.daemons, mobile, here, 20)
    assert c.daemons[mobile.name].wait_handover(count=2)["result"] == "complete"
    wait_for("the routers' records end", lambda: all(
        h["result"] != "running" for p in c.points for h in c.daemons[p.name].handovers()))
    for p in c.points:
        assert {h["mode"] for h in c.daemons[p.name].handovers()} == {"predictive", "reactive"}
        assert c.daemons[p.name].counters()["fmip6.visits"] == 0 and c.daemons[p.name].counters()["fmip6.clients_away"] == 0
