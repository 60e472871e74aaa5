"""
Traffic that waits for contexts (RFC 4067 §3.1): for mobiles of FMIPv6 by fmip6.release, for others by cxtp.hold. Nothing reaches
the mobile, and nothing of it gets further than the router, before the contexts are in place; and it does not wait for ever.
"""

import contextlib
import socket
import struct
import threading
import time

import pytest

from lab import cxtp, loss, movement, traffic
from lab.cxtp import A_BIT, NAR, NCOA, PAR, PCOA, World, ctar
from lab.daemon import FORMS, merged
from lab.netns import run
from lab.topology import wait_for

pytestmark = pytest.mark.needs("tun", "nft")
RATE = 500


def realtime_offset():
    return time.time_ns() - time.monotonic_ns()


class Flow:
    """A numbered stream to a mobile of the lab, and when each packet arrived."""

    def __init__(self, c):
        self.c, self.mobile = c, c.mobiles[0]
        self.log = c.topology.dir / "arrived.flow"
        self.receiver = traffic.udp_receiver(c.topology, self.mobile.name, idle_ms=1500, log=self.log)
        self.sender = traffic.udp_sender(c.topology, "cn", self.mobile.address(self.mobile.point), RATE)
        self.receiver.wait(RATE // 5, 20)

    def finish(self):
        self.receiver.wait(self.receiver.report()["flows"][0]["next"] + RATE // 2, 20)
        sent = self.sender.finish("stop")["flows"][0]
        report = self.receiver.finish(f"total {sent}")["flows"][0]
        self.arrivals = [at for _, at in traffic.read_udp_log(self.log)[0] if at]
        return report


def started(lab, **fmip6):
    return lab(proxy=False, extra=merged(FORMS["user"], {"fmip6": {"release": "contexts", **fmip6}})).start()


def moved(c, announced):
    """A movement; when the link was there again, and the new router's record."""
    mobile, there = c.mobiles[0], c.points[1]
    address = mobile.address(c.points[0])
    movement.wait_discovered(c.daemons[mobile.name], there)
    how = movement.predictive if announced else movement.reactive
    link = how(c.topology, c.daemons, mobile, there, 20)
    return link["up_ns"], c.daemons[there.name].wait_handover(address, limit=30)


def at(record, step):
    return next(s["at_us"] for s in record["steps"] if s["name"] == step) * 1000 - realtime_offset()


@pytest.mark.parametrize("announced", [True, False], ids=["predictive", "reactive"])
def test_contexts_before_packets(lab, announced):
    """The CTARs to the new router are lost at first: until one comes, everything waits."""
    c = started(lab, release_timeout="10s")
    flow = Flow(c)
    with loss.Loss(c.topology, "CTAR", first=2 if announced else 1) as lost:
        up, nar = moved(c, announced)
        assert lost.count() == 1
    report = flow.finish()
    names = [s["name"] for s in nar["steps"]]
    assert nar["result"] == "complete" and names.index("contexts") < names.index("release")
    assert not [a for a in flow.arrivals if up < a < at(nar, "contexts")]
    assert (report["duplicated"], report["reordered"]) == (0, 0)
    assert nar["held"] and (not announced or report["lost"] == 0)


def test_contexts_that_never_come(lab):
    """The previous router's contexts do not get through at all: the timer ends it, and nothing is lost."""
    c = started(lab)
    flow = Flow(c)
    with loss.Loss(c.topology, "PCTD", count=1000), loss.Loss(c.topology, "CTD", count=1000):
        _, nar = moved(c, True)
        report = flow.finish()
    assert nar["result"] == "complete" and "contexts" not in [s["name"] for s in nar["steps"]] and nar["held"]
    assert (report["lost"], report["duplicated"], report["reordered"]) == (0, 0, 0)


# ---- without FMIPv6 ------------------------------------------------------------------------------------------------------


class Numbered:
    """UDP packets with numbers from one node to another, and when each arrived."""

    def __init__(self, source_ns, source, target_ns, target):
        with target_ns.entered():
            self.receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with source_ns.entered():
            self.sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.receiver.bind((target, 7000))
        self.sender.bind((source, 0))
        self.target, self.sent, self.came, self.over = target, 0, [], False
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._receive, self._send)]
        for t in self.threads:
            t.start()

    def _send(self):
        while not self.over:
            self.sender.sendto(struct.pack("!I", self.sent), (self.target, 7000))
            self.sent += 1
            time.sleep(0.005)

    def _receive(self):
        self.receiver.settimeout(0.1)
        while not self.over or len(self.came) < self.sent:
            with contextlib.suppress(TimeoutError):
                self.came.append((struct.unpack("!I", self.receiver.recv(100))[0], time.monotonic_ns()))
                continue
            if self.over and time.monotonic() > self.limit:
                break

    def finish(self):
        self.limit = time.monotonic() + 10
        self.over = True
        for t in self.threads:
            t.join(15)
        self.receiver.close()
        self.sender.close()
        return [n for n, _ in self.came]


@contextlib.contextmanager
def no_contexts(world):
    """No message with data gets from the previous router to the new one."""
    world.a.run("nft", "-f", "-", stdin="table inet lab { chain out { type filter hook output priority 0;\n"
                "meta l4proto sctp oif core0 @th,96,8 0 drop;\nmeta l4proto sctp oif core0 @th,96,8 3 @th,224,8 0 drop;\n}\n}\n")
    try:
        yield
    finally:
        world.a.run("nft", "delete", "table", "inet", "lab")


@pytest.mark.parametrize("answered", [True, False], ids=["late", "never"])
def test_without_fmip6(tmp_path, answered):
    with contextlib.ExitStack() as stack:
        world = World.__new__(World)
        stack.callback(world.close)
        world.__init__(tmp_path, {"cxtp": {"hold": True, "context_lifetime": "60s", "max_transfer_time": "20s" if answered else "300ms"}})
        world.a.ip("route add 2001:db8:b::/64 via 2001:db8:f::b")
        world.b.ip("route add 2001:db8:a::/64 via 2001:db8:f::a")
        world.m.run("ip", "-6", "rule", "add", "from", NCOA, "table", "9")
        world.m.ip(f"route add default via {NAR} dev m1 table 9")
        flows = [Numbered(world.a, "2001:db8:f::a", world.m, NCOA), Numbered(world.m, NCOA, world.a, "2001:db8:f::a")]
        wait_for("both ways", lambda: all(len(f.came) > 20 for f in flows), 20)
        with no_contexts(world):
            s = world.send(NCOA, NAR, ctar(PAR, 7, A_BIT))
            wait_for("held", lambda: world.nar.counter("held_mobiles") == 1, 20)
            held = time.monotonic_ns()
            wait_for("packets of both wait", lambda: any(t["held_now"] > 5 and t["held_from_now"] > 5 for t in world.nar.show("tunnels"))
                     or not answered, 20)
            if not answered:
                wait_for("given up", lambda: world.nar.counter("transfers_failed") == 1, 20)
        assert (world.answer(s, 20) == []) == answered
        now = [f.sent for f in flows]
        wait_for("both ways again", lambda: all(f.came and f.came[-1][0] > n + 20 for f, n in zip(flows, now)), 20)
        numbers = [f.finish() for f in flows]
        # Once for an address: whoever asks again, with another number, does not make it wait again.
        world.answer(world.send(NCOA, NAR, ctar(PAR, 8, A_BIT)), 20)
        assert world.nar.counter("held_mobiles") == 1
        for f, came in zip(flows, numbers):
            assert came == list(range(f.sent))
