"""One mobile moves from one access point to another under traffic, and what that did to the traffic."""

import time

from . import traffic
from .topology import CN, GROUP, wait_for

UDP_PORT, TCP_PORT, GROUP_PORT = 9000, 9001, 9002
GROUP_HOPS = 16


class Streams:
    """The three streams of the demo towards one mobile: numbered UDP and a TCP download to the address it has now, and a
    multicast group it has joined."""

    def __init__(self, topology, mobile, rate=1000, size=200, tcp_total=4_000_000, tcp_rate=1_600_000, group=GROUP, multicast=True):
        self.topology, self.mobile = topology, mobile
        self.rate, self.address = rate, mobile.address(mobile.point)
        d = topology.dir
        self.logs = {k: d / f"{mobile.name}.{k}.flow" for k in ("udp", "tcp", "group")}
        self.udp_in = traffic.udp_receiver(topology, mobile.name, UDP_PORT, log=self.logs["udp"])
        self.group_in = None
        if multicast:
            self.group_in = traffic.udp_receiver(topology, mobile.name, GROUP_PORT, groups=[f"{group}%wlan0"], log=self.logs["group"])
        self.tcp_out = traffic.tcp_server(topology, "cn", tcp_total, tcp_rate, TCP_PORT) if tcp_total else None
        self.udp_out = traffic.udp_sender(topology, "cn", self.address, rate, size, port=UDP_PORT)
        self.group_out = None
        if multicast:
            self.group_out = traffic.udp_sender(topology, "cn", group, rate, size, port=GROUP_PORT, hop_limit=GROUP_HOPS, oif="eth0")
        self.tcp_in = None
        if tcp_total:
            self.tcp_in = traffic.tcp_fetch(topology, mobile.name, CN, self.address, tcp_total, TCP_PORT, log=self.logs["tcp"])

    def flowing(self, packets=300, limit=30.0):
        """Until all streams arrive."""
        self.udp_in.wait(packets, limit)
        if self.group_in:
            self.group_in.wait(packets, limit)
        if self.tcp_in:
            self.tcp_in.wait(20000, limit)

    def past(self, seconds, limit=30.0):
        """Until packets have come that were sent `seconds` from now; False if they do not come."""
        report = self.udp_in.report()["flows"][0]
        now = time.monotonic_ns()
        ahead = int(((now - report["last_ns"]) / 1e9 + seconds) * self.rate)
        try:
            self.udp_in.wait(report["next"] + ahead, limit)
            return True
        except Exception:
            return False

    def finish(self, tcp_limit=30.0):
        """Ends the streams and returns {udp, group, tcp}: the receivers' reports, with `sent` added."""
        out = {}
        sent = self.udp_out.finish("stop")
        out["udp"] = {**self.udp_in.finish(f"total {sent['flows'][0]}")["flows"][0], "sent": sent["flows"][0], "sender": sent}
        if self.group_out:
            sent = self.group_out.finish("stop")
            out["group"] = {**self.group_in.finish(f"total {sent['flows'][0]}")["flows"][0], "sent": sent["flows"][0], "sender": sent}
        if self.tcp_in:
            try:
                out["tcp"] = self.tcp_in.line(tcp_limit)
            except Exception:
                out["tcp"] = self.tcp_in.finish("stop")
            self.tcp_out.process.terminate()
        return out


def wait_step(daemon, name, limit=30.0):
    """Until the newest handover at that node has a step of this name."""
    def there():
        mine = daemon.handovers()
        return mine and any(s["name"] == name for s in mine[-1]["steps"])
    wait_for(f"{daemon.node}: step {name}", there, limit, 0.005)


def listens(daemon, group):
    """Whether that router's context module knows a listener of the group."""
    return group in daemon.ctl("show", "contexts")


def predictive(topology, daemons, mobile, to, gap_ms):
    """The mobile is told to move, gets its FBack on the old link, then the link goes. Returns the link's times."""
    d = daemons[mobile.name]
    with d.watch() as watch:
        d.ctl("handover", "self", "to", to.ap_id)
        watch.wait_step("FBack")
        return topology.move([(mobile, to)], gap_ms)


def wait_discovered(daemon, point, limit=30.0):
    """Until the mobile has learnt, by RtSolPr and PrRtAdv, what is behind that access point. A handover that is to be reactive
    needs it beforehand: a mobile without a PrRtAdv cannot send a UNA."""
    wait_for(f"{daemon.node} knows {point.ap_id}",
             lambda: any(a.get("id") == point.ap_id for n in daemon.show("neighbors") for a in n.get("aps", ())), limit)


def reactive(topology, daemons, mobile, to, gap_ms):
    """The link goes without a warning."""
    return topology.move([(mobile, to)], gap_ms)


def interruption(udp, link):
    """(ms, before, after): the longest time without a packet that overlaps the link's gap."""
    gap = udp.get("gap")
    if not gap:
        return None
    return udp["gap_ms"]


def lost_outside(udp, from_ns, until_ns, interval_ns, sent=None):
    """Missing packets that were not sent between from_ns and until_ns, as runs; interval_ns is allowed on each side. With sent
    (when each number was sent) they are judged by that; without, a missing packet's moment is known only between its neighbours',
    and only those that were certainly sent outside count."""
    out = []
    for run in udp["missing"]:
        if sent:
            first, last = sent[run["first"]], sent[run["last"]]
        else:
            first = run["sent_before_ns"] + interval_ns
            last = run["sent_after_ns"] - interval_ns if run["sent_after_ns"] else None
        if first < from_ns - interval_ns or last is None or last > until_ns + interval_ns:
            out.append({**run, "first_ms": (first - from_ns) / 1e6, "last_ms": (last - until_ns) / 1e6 if last else None})
    return out
