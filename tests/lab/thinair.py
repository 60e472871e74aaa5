"""
RFC 4067 appendix B, measured: a mobile that listens to a multicast group moves to a router behind a thin link. How long from its
attachment to the first packet of the group, when its listener context has gone ahead of it, and when its own MLD report must say
what it listens to?

The two ways differ in one thing: without the context the mobile's CTARs are dropped before they leave it. Everything else of the
handover is the same. A mobile's Linux speaks MLDv2, one report for all groups, and sends it in both ways: it does not know of
contexts. The RFC's estimate is of MLDv1, a report for each group, and of a mobile that leaves them out when its context has gone
ahead: with mld=1 it is made to do that. The previous link is as fast as the machine, the new one is made thin by thinlink, whose
log says what was on it and when. The source is faster than the thin link, so that the first packet is not one that had yet to be
sent; it is the only one that counts.
"""

import statistics
import struct
from dataclasses import dataclass, field

from . import movement, traffic
from .daemon import Daemons
from .netns import LabError
from .topology import GROUP, Topology, wait_for

RATES = (20_000, 100_000)
ESTIMATED = {20_000: 115, 100_000: 23}  # ms: what the RFC expects to be saved
WAYS = ("context", "report")
SOURCE_RATE, PAYLOAD, PORT = 500, 24, 9002
GAP_MS = 50
RECORD = struct.Struct("=QqqqQ128s")
ICMP = {131: "MLD report", 132: "MLD done", 133: "RS", 134: "RA", 135: "NS", 136: "NA", 143: "MLD report", 150: "CXTP",
        154: "FMIPv6", 130: "MLD query"}
MOBILITY = {8: "FBU", 9: "FBack"}
DROP = "table inet lab_thin {\nchain out { type filter hook output priority 0;\nicmpv6 type { %s } drop;\n}\n}\n"
CTARS, REPORTS = "150", "131, 132, 143"


@dataclass
class Frame:
    """What was on the thin link: ms from the attachment."""
    up: bool       # from the mobile
    name: str
    octets: int
    start: float   # its first bit
    end: float     # its last


@dataclass
class Movement:
    way: str
    rate: int
    mld: int
    first_ms: float   # from the attachment to the first packet of the group at the mobile
    una_ms: float     # … to the UNA at the router
    asked_ms: float   # … to what tells the router of the group: the CTAR, or the mobile's first report
    contexts: list
    frames: list
    report: dict      # thinlink's
    failures: list = field(default_factory=list)


def packet_name(packet):
    """What a packet is, from its first octets."""
    protocol, at = packet[6], 40
    if packet[0] >> 4 != 6:
        return "?"
    while protocol in (0, 60) and at + 2 <= len(packet):
        protocol, at = packet[at], at + 8 * (packet[at + 1] + 1)
    if protocol == 17:
        return "group" if packet[24] == 0xff else "UDP"
    if protocol != 58 or at >= len(packet):  # 135: Mobility Header
        return MOBILITY.get(packet[at + 2], "MH") if protocol == 135 and at + 3 <= len(packet) else "?"
    if packet[at] == 150 and at + 9 <= len(packet):
        return {1: "CTAR", 2: "CTAA"}.get(packet[at + 8] & 0x1f, "CXTP")
    return ICMP.get(packet[at], f"ICMP {packet[at]}")


def read_log(path, zero_ns, since_ns):
    """The frames that came to a thin link since a moment, in order of their end."""
    out = []
    data = path.read_bytes()
    for way, came, start, end, octets, packet in RECORD.iter_unpack(data[:len(data) // RECORD.size * RECORD.size]):
        if came >= since_ns:
            name = packet_name(packet)
            # An unsolicited advertisement from the mobile is what FMIPv6 calls a UNA.
            name = "UNA" if way and name == "NA" and not any(f.name == "UNA" for f in out) else name
            out.append(Frame(bool(way), name, octets, (start - zero_ns) / 1e6, (end - zero_ns) / 1e6))
    return sorted(out, key=lambda f: f.end)


def end_of(frames, name, up):
    return next((f.end for f in frames if f.name == name and f.up == up), None)


def thin_move(way, rate, form, mld=2, keep=None):
    """One movement, in a network of its own: nothing of an earlier one (a listener that some router still knows) makes it faster."""
    with Topology(routers=2, mobiles=1, keep=keep) as t:
        mobile, (here, there) = t.mobiles[0], t.points
        # A router is a listener itself, and repeats its reports up to a second later: not on the link that is looked at.
        for p in t.points:
            t.ns[p.name].sysctl(ipv6__conf__wlan__mldv2_unsolicited_report_interval=10)
        daemons = Daemons(t, extra=form)
        daemons.start("core", here.name, there.name)
        daemons.wait_associated()
        t.ns[mobile.name].sysctl(ipv6__conf__wlan0__force_mld_version=mld)
        t.bring_up()
        link = traffic.thin_link(t, there, 0)
        daemons.start(mobile.name)
        movement.wait_discovered(daemons[mobile.name], there)
        log = t.dir / "group.flow"
        receiver = traffic.udp_receiver(t, mobile.name, PORT, groups=[f"{GROUP}%wlan0"], log=log)
        sender = traffic.udp_sender(t, "cn", GROUP, SOURCE_RATE, PAYLOAD, port=PORT, hop_limit=16, oif="eth0")
        receiver.wait(50)
        wait_for("the previous router knows the listener", lambda: movement.listens(daemons[here.name], GROUP))
        if way == "report" or mld == 1:
            t.ns[mobile.name].run("nft", "-f", "-", stdin=DROP % (CTARS if way == "report" else REPORTS))
        ask(link, f"rate {rate}")
        ask(link, "report")
        address = mobile.address(here)
        moved = movement.predictive(t, daemons, mobile, there, GAP_MS)
        receiver.wait(receiver.report()["flows"][0]["next"] + 1, 20)
        records = [daemons[n].wait_handover(address) for n in (mobile.name, there.name)]
        shaped = ask(link, "report")
        sender.finish("stop")
        receiver.finish("stop")
        # From when it went: a busy machine notes late that the link is back.
        frames = read_log(t.dir / f"{there.name}.thin", moved["up_ns"], moved["down_ns"])
        return evaluate(way, rate, mld, moved["up_ns"], traffic.read_udp_log(log)[0], frames, records, shaped)


def ask(link, words):
    link.say(words)
    return link.line()


def evaluate(way, rate, mld, up, packets, frames, records, shaped):
    sent = next((f.start for f in frames if f.name == "group" and not f.up), None)
    first = min((a for s, a in packets if s and sent is not None and a > up + sent * 1e6), default=None)
    if first is None:
        raise LabError("no packet of the group came over the new link")
    mobile, nar = records
    out = Movement(way, rate, mld, (first - up) / 1e6, end_of(frames, "UNA", True),
                   end_of(frames, "CTAR" if way == "context" else "MLD report", True), nar["contexts"], frames, shaped)
    out.failures = list(failures(out, mobile, nar))
    return out


def failures(m, record, nar):
    """What must be so in any movement, however long things took."""
    for who, r in (("mobile", record), ("new router", nar)):
        if (r["result"], r["mode"]) != ("complete", "predictive"):
            yield f"{who}: {r['mode']}, {r['result']}: {r['reason']}"
    listeners = [c for c in m.contexts if c["name"] == "multicast-listener"]
    if m.way == "context" and [c["status"] for c in listeners] != [0]:
        yield f"the listener context is not in place: {m.contexts}"
    if m.way == "report" and (0 in [c["status"] for c in listeners] or end_of(m.frames, "CTAR", True) is not None):
        yield f"a listener context is in place, or a CTAR was sent: {m.contexts}"
    if m.asked_ms is None or m.una_ms is None:
        yield f"no {'CTAR' if m.way == 'context' else 'MLD report'} or no UNA was on the new link"
    elif m.first_ms < m.asked_ms:
        yield "the group came before the router could know of it"
    if m.way == "context" and m.mld == 1 and end_of(m.frames, "MLD report", True) is not None:
        yield "the mobile has reported its groups"


def compared(rounds):
    """rounds: {"context": [Movement], "report": [Movement]}, taken by turns. What the context saves: medians of the rounds' ratios
    and differences."""
    def median(what):
        return statistics.median(what(c, r) for c, r in zip(rounds["context"], rounds["report"]))
    return {"context_ms": median(lambda c, r: c.first_ms), "report_ms": median(lambda c, r: r.first_ms),
            "ratio": median(lambda c, r: c.first_ms / r.first_ms), "saved_ms": median(lambda c, r: r.first_ms - c.first_ms),
            "una_context_ms": median(lambda c, r: c.una_ms), "una_report_ms": median(lambda c, r: r.una_ms),
            "una_saved_ms": median(lambda c, r: r.una_ms - c.una_ms),
            "late_us": max(m.report["late_us"] for ms in rounds.values() for m in ms)}
