"""
scripts/demo multicast: RFC 4067's appendix B measured. A mobile that listens to a group moves to a router behind a link of 20 and
of 100 kbit/s, its listener context gone ahead of it or not. Shows what was on the link, and in a table what the context saves.
Exit status 0 only if every movement was what it is called: with the context in place and brought by it, or without one.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from . import draw_text, lanes, thinair
from .daemon import FORMS

TITLES = {"context": "listener context sent ahead", "report": "no context, only the mobile's MLD report"}


def movements(rates, rounds, form):
    """{rate: {way: [Movement]}}, by turns."""
    out = {rate: {way: [] for way in thinair.WAYS} for rate in rates}
    for _ in range(rounds):
        for rate in rates:
            for way in thinair.WAYS:
                out[rate][way].append(thinair.thin_move(way, rate, form))
    return out


def typical(several):
    """The movement in the middle."""
    return sorted(several, key=lambda m: m.first_ms)[len(several) // 2]


def pictures(rate, ways, pen):
    shown = {way: typical(ms) for way, ms in ways.items()}
    end = max(m.first_ms for m in shown.values()) * 1.04
    lines = []
    for way, m in shown.items():
        lines += draw_text.thin_link(f"{rate // 1000} kbit/s, {TITLES[way]}", m, end, pen) + [""]
    return "\n".join(lines)


def octets_until_asked(m):
    return sum(f.octets for f in m.frames if f.up and f.end <= m.asked_ms)


def table(all_ways, pen):
    saved = {rate: thinair.compared(ways) for rate, ways in all_ways.items()}
    cells = [(rate, way) for rate in all_ways for way in thinair.WAYS]

    def each(text):
        return [text(all_ways[rate][way]) for rate, way in cells]

    def of_rate(text):
        return [text(rate, saved[rate]) if way == "context" else "" for rate, way in cells]

    def median(value):
        return lambda ms: f"{statistics.median(map(value, ms)):,.1f}"

    lines = [
        ("first packet of the group, ms", each(median(lambda m: m.first_ms))),
        ("  fastest", each(lambda ms: f"{min(m.first_ms for m in ms):,.1f}")),
        ("  slowest", each(lambda ms: f"{max(m.first_ms for m in ms):,.1f}")),
        ("router told of the group, ms", each(median(lambda m: m.asked_ms))),
        ("  by", each(lambda ms: "CTAR" if ms[0].way == "context" else "MLD report")),
        ("  octets sent to the router until then", each(lambda ms: f"{statistics.median(map(octets_until_asked, ms)):.0f}")),
        ("the context saves, ms", of_rate(lambda rate, s: ("good" if s["saved_ms"] > 0 else "bad", f"{s['saved_ms']:,.1f}"))),
        ("  times as long", of_rate(lambda rate, s: f"{s['ratio']:.2f}")),
        ("  RFC 4067's estimate, for MLDv1, ms", of_rate(lambda rate, s: str(thinair.ESTIMATED.get(rate, "–")))),
    ]
    return draw_text.table([f"{rate // 1000} kbit/s {way}" for rate, way in cells], lines, pen)


def claims(all_ways):
    for rate, ways in all_ways.items():
        for ms in ways.values():
            yield from (f"{rate // 1000} kbit/s, {TITLES[m.way]}: {words}" for m in ms for words in m.failures)


def verdict(all_ways):
    saved = [f"{thinair.compared(ways)['saved_ms']:+.1f} ms at {rate // 1000} kbit/s" for rate, ways in all_ways.items()]
    return f"✓ every movement was what it is called; saved by the context: {', '.join(saved)}"


def figures(all_ways):
    return [{"rate": rate, **thinair.compared(ways), "estimate_ms": thinair.ESTIMATED.get(rate),
             "movements": [{"way": m.way, "first_ms": m.first_ms, "una_ms": m.una_ms, "asked_ms": m.asked_ms, "link": m.report,
                            "failures": m.failures} for ms in ways.values() for m in ms]} for rate, ways in all_ways.items()]


def main(argv):
    p = argparse.ArgumentParser(prog="scripts/demo multicast", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=5, metavar="N", help="movements of each kind (default 5)")
    p.add_argument("--json", metavar="FILE", help="write the figures")
    p.add_argument("--colour", choices=("auto", "always", "never"), default="auto")
    args = p.parse_args(argv)
    pen = draw_text.Pen({"auto": None, "always": True, "never": False}[args.colour])
    missing = lanes.probe_missing(["mroute6", "tun", "nft"])
    if missing:
        print(f"demo: this kernel has no {', '.join(missing)}", file=sys.stderr)
        return 1
    kernel = not lanes.probe_missing(["sctp", "ip6tnl"])
    print(pen("dim", f"{args.rounds} movements of each kind by turns; a packet of n octets is n·8/rate on the link; times from the attachment\n"))
    sys.stdout.flush()
    all_ways = movements(thinair.RATES, args.rounds, FORMS["kernel" if kernel else "user"])
    for rate, ways in all_ways.items():
        print(pictures(rate, ways, pen))
    print(table(all_ways, pen) + "\n")
    if args.json:
        Path(args.json).write_text(json.dumps(figures(all_ways), indent=1) + "\n")
    bad = list(claims(all_ways))
    for words in bad:
        print(pen("bad", "✗ " + words))
    if not bad:
        print(pen("good", verdict(all_ways)))
    return 1 if bad else 0
