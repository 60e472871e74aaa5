"""
scripts/demo clients: somebody with an ordinary phone, IPv4 and IPv6, moves from one access router to the next and back, with an
ssh-like session, a stream and a ping over each. Nothing runs on the phone but its kernel and its DHCP client. Once the routers
do not know of each other; once they run handoverd, and the phone is announced (by its router, as a radio would) or just seen.
Prints one table. Exit status 0 only if with handoverd everything went on, and nothing was lost that was announced.
"""

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

from . import draw_text, lanes, traffic
from .clients import CN4, Clients, Ping
from .daemon import FORMS
from .netns import LabError
from .topology import CN

WAYS = {"without": "without handoverd", "announced": "announced", "seen": "only seen"}
FAMILIES = ("IPv6", "IPv4")
RATE = 500
LEAVES, RETURNS = "moves", "comes back"


class Sessions:
    """A stream to the phone, a slow session from it, and its ping, for each family."""

    def __init__(self, c, mobile, home):
        t = c.topology
        self.c, self.mobile, self.to = c, mobile, c.addresses(mobile, home)
        self.receivers = [traffic.udp_receiver(t, mobile.name, port=9000 + i, idle_ms=1500) for i in (0, 1)]
        self.senders = [traffic.udp_sender(t, "cn", a, RATE, port=9000 + i) for i, a in enumerate(self.to)]
        self.servers = [traffic.tcp_server(t, "cn", 0, 100_000, 9010 + i) for i in (0, 1)]
        self.fetches = [traffic.tcp_fetch(t, mobile.name, dst, src, 0, 9010 + i) for i, (dst, src) in enumerate(zip((CN, CN4), self.to))]
        self.pings = [Ping(t, mobile.name, dst, 0.05) for dst in (CN, CN4)]
        for p in self.pings:
            p.wait_more(3)
        for r in self.receivers:
            r.wait(RATE // 4)

    def came_back(self, limit):
        """For each family: does something come that was sent after now?"""
        out = []
        for r in self.receivers:
            flows = r.report()["flows"]
            ahead = int((time.monotonic_ns() - flows[0]["last_ns"]) / 1e9 * RATE) + RATE // 4
            try:
                r.wait(flows[0]["next"] + ahead, limit)
                out.append(True)
            except LabError:
                out.append(False)
        return out

    def tcp_goes_on(self, limit):
        out = []
        for f in self.fetches:
            try:
                f.wait(f.report()["bytes"] + 20_000, limit)
                out.append(True)
            except LabError:
                out.append(False)
        return out

    def finish(self):
        """Figures for each family."""
        pings = [p.stop() for p in self.pings]
        tcps = [f.finish("stop") for f in self.fetches]
        for s in self.servers:
            s.process.terminate()
        sent = [s.finish("stop")["flows"][0] for s in self.senders]
        streams = [r.finish(f"total {n}")["flows"][0] for r, n in zip(self.receivers, sent)]
        return [{"stream": s, "session": t, "ping": p} for s, t, p in zip(streams, tcps, pings)]


def dhcp_again(c, mobile):
    """As a phone does when its link has come up. Without handoverd the new link's server gives it another address."""
    with contextlib.suppress(LabError):
        return c.topology.dhcp[mobile.name].ask().split()[:2]
    return None


def movement(way, form, gap):
    """{moved, returned: did it go on; figures; dhcp: what was told on the new link}"""
    with Clients(routers=2, mobiles=1, daemons=way != "without", extra=form) as c:
        mobile, (home, there) = c.mobiles[0], c.points
        s = Sessions(c, mobile, home)
        out = {"way": way, "links": [], "back": []}
        for name, to in ((LEAVES, there), (RETURNS, home)):
            if way == "announced":
                c.order(home, mobile, home, to)
            out["links"].append(c.topology.move([(mobile, to)], gap))
            told = dhcp_again(c, mobile)
            out.setdefault("dhcp", told)
            limit = 5 if way == "without" else 30
            out["back"].append([a and b for a, b in zip(s.came_back(limit), s.tcp_goes_on(limit))])
            if way == "without":
                break  # what it has lost it does not get back by going home
        out["families"] = s.finish()
        out["address4"] = mobile.address4
        return out


def outage(run, family):
    """The longest silence of the stream, ms."""
    return run["families"][family]["stream"]["gap_ms"]


def table(runs, pen):
    def each(text):
        return [text(r) for r in runs]

    def goes_on(family, which):
        def cell(r):
            if which >= len(r["back"]):
                return "–"
            return ("good", "goes on") if r["back"][which][family] else ("bad", "dead")
        return cell

    def lost(family):
        def cell(r):
            s = r["families"][family]["stream"]
            if not all(b[family] for b in r["back"]):
                return ("bad", "all from then on")
            return ("good" if not s["lost"] else "late", f"{s['lost']:,} of {s['received'] + s['lost']:,}")
        return cell

    lines = []
    for f, family in enumerate(FAMILIES):
        lines += [
            (f"{family}: after the phone has moved", each(goes_on(f, 0))),
            ("  and when it has come back", each(goes_on(f, 1))),
            ("  packets of the stream lost", each(lost(f))),
            ("  out of order or twice", each(lambda r: str(r["families"][f]["stream"]["reordered"] + r["families"][f]["stream"]["duplicated"]))),
            ("  longest silence of the stream, ms", each(lambda r: f"{outage(r, f):,.0f}" if all(b[f] for b in r["back"]) else "∞")),
            ("  longest stall of the session, ms",
             each(lambda r: f"{r['families'][f]['session']['stall_ms']:,.0f}" if all(b[f] for b in r["back"]) else "∞")),
            ("  pings answered", each(lambda r: f"{r['families'][f]['ping']['received']:,}")),
        ]
    lines.append(("its IPv4 address after DHCP on the new link", each(
        lambda r: ("good", "the same") if r["dhcp"] and r["dhcp"][1] == r["address4"] else ("bad", "another" if r["dhcp"] else "none"))))
    return draw_text.table([WAYS[r["way"]] for r in runs], lines, pen)


def claims(runs):
    for r in runs:
        if r["way"] == "without":
            continue
        for f, family in enumerate(FAMILIES):
            s = r["families"][f]["stream"]
            if not all(b[f] for b in r["back"]):
                yield f"{WAYS[r['way']]}: {family} did not go on"
            if s["reordered"] or s["duplicated"]:
                yield f"{WAYS[r['way']]}: {family}: {s['reordered']} out of order, {s['duplicated']} twice"
            if r["way"] == "announced" and s["lost"]:
                yield f"{WAYS[r['way']]}: {family}: {s['lost']} lost"
            if not r["families"][f]["session"]["identical"]:
                yield f"{WAYS[r['way']]}: {family}: the session's octets are not what was sent"
        if not r["dhcp"] or r["dhcp"][1] != r["address4"]:
            yield f"{WAYS[r['way']]}: the phone was given another IPv4 address"


def main(argv):
    p = argparse.ArgumentParser(prog="scripts/demo clients", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gap", type=float, default=50, metavar="MS", help="how long the phone is without a link (default 50)")
    p.add_argument("--json", metavar="FILE", help="write the figures")
    p.add_argument("--colour", choices=("auto", "always", "never"), default="auto")
    args = p.parse_args(argv)
    pen = draw_text.Pen({"auto": None, "always": True, "never": False}[args.colour])
    missing = lanes.probe_missing(["tun", "nft"])
    if missing:
        print(f"demo: this kernel has no {', '.join(missing)}", file=sys.stderr)
        return 1
    kernel = not lanes.probe_missing(["sctp", "ip6tnl"])
    print(pen("dim", f"a phone without any software of ours moves and comes back; {RATE} packets/s to each of its addresses, a session "
              f"and a ping from each; link gap {args.gap:g} ms\n"))
    sys.stdout.flush()
    runs = [movement(way, FORMS["kernel" if kernel else "user"], args.gap) for way in WAYS]
    print(table(runs, pen) + "\n")
    if args.json:
        Path(args.json).write_text(json.dumps(runs, indent=1) + "\n")
    bad = list(claims(runs))
    for words in bad:
        print(pen("bad", "✗ " + words))
    if not bad:
        print(pen("good", "✓ with handoverd everything went on, there and back; nothing was lost that was announced"))
    return 1 if bad else 0
