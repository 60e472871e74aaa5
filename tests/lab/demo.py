"""
The demo: one mobile moves between two access routers under traffic, without handoverd, with a predictive handover, and with
a reactive one. Shows each as a timeline and all in one table, and checks what it claims: exit status 0 only if it was so.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import demo_clients, demo_multicast, draw_svg, draw_text, lanes, movement, timeline, traffic  # noqa: E402
from lab.daemon import FORMS, Daemon, Daemons, multicast_proxy  # noqa: E402
from lab.netns import LabError  # noqa: E402
from lab.topology import Topology, wait_for  # noqa: E402

RATES = {"native": 1000, "uml": 500, "qemu": 100}
SILENT_NS = 100e6  # nothing for so long before the sender ended: it did not come back
INTERVAL_DOUBT = 1.5  # packets: when a missing packet was sent is known no better

TITLES = {"none": "Without handoverd", "predictive": "Predictive handover", "reactive": "Reactive handover"}
SCENARIOS = {"predictive": "1abcdef23456g", "reactive": "ab123456gcdef"}


def clock_offset():
    """CLOCK_REALTIME - CLOCK_MONOTONIC in ns."""
    return time.time_ns() - time.monotonic_ns()


# ---- the three movements -------------------------------------------------------------------------------------------

class Run:
    """One movement and everything known about it."""

    def __init__(self, mode, topology):
        self.mode, self.topology = mode, topology
        self.link = self.reports = None
        self.records = []  # [(lane, handover as JSON)]
        self.offset = clock_offset()
        self.notes = {}    # text: when, ns
        self.packets = {}
        self.reads = []

    @property
    def gap_ms(self):
        return (self.link["up_ns"] - self.link["down_ns"]) / 1e6

    def collect(self, streams):
        self.reports = streams.finish(tcp_limit=0.5 if self.mode == "none" else 30)
        for k in {"udp", "group"} & set(self.reports):
            self.packets[k] = traffic.read_udp_log(streams.logs[k])[0]
        self.reads = traffic.read_tcp_log(streams.logs["tcp"])

    def steps(self):
        return timeline.merge_steps(self.records, self.offset)

    def scenario(self):
        return timeline.scenario(self.steps())


def advertised(topology, mobile, there):
    """The mobile solicits as a host does (RFC 4861 §6.3.7): three times, four seconds apart. One solicitation may get lost."""
    for limit in (4, 4, 20):
        topology.solicit(mobile)
        with contextlib.suppress(LabError if limit == 4 else ()):
            return wait_for("an advertisement of the new router", lambda: topology.knows_address(mobile, there), limit)


def without(args, topology):
    """The routers forward, also multicast, but nobody prepares a handover: the mobile finds the new router by itself."""
    mobile, there = topology.mobiles[0], topology.points[1]
    run = Run("none", topology)
    for node in ["core"] + [p.name for p in topology.points] if args.multicast else []:
        Daemon(topology, node, multicast_proxy(topology, node)).start()
    topology.bring_up()
    streams = movement.Streams(topology, mobile, args.rate, multicast=args.multicast)
    streams.flowing()
    run.link = topology.move([(mobile, there)], args.gap)
    advertised(topology, mobile, there)
    run.notes["new address, to be checked"] = time.monotonic_ns()
    wait_for("the new address", lambda: topology.has_address(mobile, there), 20)
    run.notes["new address usable"] = time.monotonic_ns()
    time.sleep(0.5)  # for the picture: what comes after, if anything
    run.collect(streams)
    return run


def with_handoverd(mode, args, topology):
    mobile, here, there = topology.mobiles[0], *topology.points[:2]
    run = Run(mode, topology)
    daemons = Daemons(topology, extra=args.form, proxy=args.multicast)
    daemons.start(*(["core"] if args.multicast else []), *[p.name for p in topology.points])
    daemons.wait_associated()
    topology.bring_up()
    daemons.start(mobile.name)
    if mode == "reactive":
        movement.wait_discovered(daemons[mobile.name], there)
    streams = movement.Streams(topology, mobile, args.rate, multicast=args.multicast)
    streams.flowing()
    address = mobile.address(here)
    run.link = getattr(movement, mode)(topology, daemons, mobile, there, args.gap)
    lanes_of = {"mn": mobile.name, "par": here.name, "nar": there.name}
    try:
        for node in lanes_of.values():
            daemons[node].wait_handover(address)
        streams.past(0.3)
    except LabError as e:
        run.notes[str(e)[:80]] = time.monotonic_ns()
    run.collect(streams)
    for lane, node in lanes_of.items():
        mine = daemons[node].handovers(address)
        if mine:
            run.records.append((lane, mine[-1]))
    return run


def play(mode, args):
    keep = Path(args.keep) / mode if args.keep else None
    if keep:
        shutil.rmtree(keep, ignore_errors=True)
        keep.mkdir(parents=True)
    with Topology(routers=2, mobiles=1, keep=keep) as topology:
        return without(args, topology) if mode == "none" else with_handoverd(mode, args, topology)


# ---- the claims ----------------------------------------------------------------------------------------------------

def fbu_at_par(run):
    """When the pAR took the FBU."""
    return next((s["at_ns"] for s in run.steps() if s["node"] == "par" and s["name"] == "FBU"), None)


def check_loss(run):
    udp = run.reports["udp"]
    if udp["duplicated"] or udp["reordered"]:
        yield f"{udp['duplicated']} duplicated, {udp['reordered']} reordered"
    if run.mode == "predictive" and udp["lost"]:
        yield f"{udp['lost']} packets lost"
    if run.mode == "reactive":
        until = fbu_at_par(run)
        if until is None:
            yield "the previous router saw no FBU"
        else:
            slack = udp["sender"]["interval_ns"] * INTERVAL_DOUBT
            for r in movement.lost_outside(udp, run.link["down_ns"], until, slack):
                yield f"packets {r['first']} to {r['last']} were lost, sent outside the gap before the FBU"


def check_contexts(run):
    contexts = [c for lane, r in run.records if lane == "nar" for c in r["contexts"]]
    if not contexts:
        yield "no context was transferred"
    for c in contexts:
        if c["status"]:
            yield f"context {c['name']}: status {c['status']}"


def failures(run):
    """What was claimed and was not so; empty for the movement without handoverd, which claims nothing."""
    if run.mode == "none":
        return []
    out = list(check_loss(run)) + (list(check_contexts(run)) if "group" in run.reports else [])
    tcp = run.reports["tcp"]
    if not tcp["complete"] or not tcp["identical"]:
        out.append(f"the TCP download is {'incomplete' if not tcp['complete'] else 'altered'} after {tcp['bytes']} octets")
    group = run.reports.get("group", {"duplicated": 0, "reordered": 0})
    if group["duplicated"] or group["reordered"]:
        out.append("multicast packets were duplicated or reordered")
    if run.scenario() != SCENARIOS[run.mode]:
        out.append(f"the scenario was {run.scenario()}, not {SCENARIOS[run.mode]}")
    if len(run.records) < 3:
        out.append(f"only {', '.join(l for l, _ in run.records) or 'nobody'} recorded the handover")
    out += [f"{lane}: {r['result']}: {r['reason']}" for lane, r in run.records if r["result"] != "complete"]
    return out


# ---- showing -------------------------------------------------------------------------------------------------------

def longest_pause(packets, from_ns, report):
    """The longest time between two arrivals that ends after from_ns, in ms; None if nothing came any more while the sender went on:
    what lay in the link's queues may have come a moment after from_ns."""
    arrivals = sorted(a for s, a in packets if s)
    pauses = [b - a for a, b in zip(arrivals, arrivals[1:]) if b >= from_ns]
    if not pauses:
        return None
    until = report["sender"]["start_ns"] + report["sent"] * report["sender"]["interval_ns"]
    return max(pauses) / 1e6 if until - arrivals[-1] <= max(pauses) + SILENT_NS else None


def picture_of(run, width=82):
    """The timeline, its scale chosen so that the whole handover is seen."""
    zero = run.link["down_ns"]
    steps = run.steps()
    marks = [(s["at_ns"] - zero) / 1e6 for s in steps] + [(at - zero) / 1e6 for at in run.notes.values()] + [run.gap_ms]
    start, end = min(marks + [0.0]), max(marks)
    margin = max(10.0, (end - start) * 0.12)
    bin_ms = max(0.5, math.ceil((end - start + 2 * margin) / width * 2) / 2)
    start = math.floor((start - margin) / bin_ms) * bin_ms
    end = start + width * bin_ms
    strips = []
    for key, name in (("udp", "UDP"), ("group", "multicast")):
        if key not in run.packets:
            continue
        sender = run.reports[key]["sender"]
        strips.append(timeline.udp_strip(name, run.packets[key], zero, start, end, bin_ms, run.reports[key]["sent"],
                                         sender["interval_ns"], sender["start_ns"]))
    strips.insert(1, timeline.tcp_strip("TCP", run.reads, zero, start, end, bin_ms))
    notes = [((at - zero) / 1e6, text) for text, at in run.notes.items()]
    return timeline.Timeline(TITLES[run.mode], run.scenario() if steps else "", timeline.rows(steps, zero), 0.0,
                             run.gap_ms, start, end, bin_ms, strips, notes)


def results(run):
    """The figures of one movement, as they go into the table and the JSON."""
    udp, tcp, group = (run.reports.get(k) for k in ("udp", "tcp", "group"))
    down = run.link["down_ns"]
    back = longest_pause(run.packets["udp"], down, udp)
    again = longest_pause(run.packets["group"], down, group) if group else None
    contexts = [c for lane, r in run.records if lane == "nar" for c in r["contexts"]]
    return {
        "mode": run.mode, "sent": udp["sent"], "lost": udp["lost"], "duplicated": udp["duplicated"], "reordered": udp["reordered"],
        "gap_ms": round(run.gap_ms, 1), "interruption_ms": back if back is None else round(back, 1),
        "tcp": "complete" if tcp["complete"] and tcp["identical"] else "broken",
        "tcp_stall_ms": round(tcp["stall_ms"], 1) if tcp["complete"] else None,
        "multicast": bool(group), "multicast_lost": group["lost"] if group else None,
        "multicast_stall_ms": again if again is None else round(again, 1),
        "contexts": [{"name": c["name"], "status": c["status"]} for c in contexts],
        "held": next((r["held"] for lane, r in run.records if lane == "nar"), 0),
        "scenario": run.scenario(), "result": next((r["result"] for lane, r in run.records if lane == "mn"), "session lost"),
        "notes": {text: round((at - down) / 1e6, 1) for text, at in run.notes.items()},
        "steps": [{**s, "ms": round((s.pop("at_ns") - down) / 1e6, 3)} for s in run.steps()],
        "failures": failures(run),
    }


def table_of(figures, pen):
    def zero(n):
        return ("good", "0") if n == 0 else ("bad", f"{n:,}")

    def ms(v, never="never again"):
        return ("bad", never) if v is None else f"{v:,.1f}"

    def lost(f):
        # A reactive handover may lose what was sent into the gap; what it may not lose is a failure.
        return zero(f["lost"]) if f["mode"] != "reactive" or f["failures"] else ("late", f"{f['lost']:,} (in the gap)")

    lines = [
        ("UDP packets sent", [f"{f['sent']:,}" for f in figures]),
        ("  lost", [lost(f) for f in figures]),
        ("  duplicated", [zero(f["duplicated"]) for f in figures]),
        ("  reordered", [zero(f["reordered"]) for f in figures]),
        ("link gap, ms", [f"{f['gap_ms']:,.1f}" for f in figures]),
        ("interruption, ms", [ms(f["interruption_ms"]) for f in figures]),
        ("TCP download", [("good" if f["tcp"] == "complete" else "bad", f["tcp"]) for f in figures]),
        ("TCP stall, ms", [ms(f["tcp_stall_ms"]) for f in figures]),
        ("multicast stall, ms", [ms(f["multicast_stall_ms"], "never again" if f["multicast"] else "not on this kernel")
                                 for f in figures]),
        ("contexts transferred", [", ".join(c["name"] for c in f["contexts"] if c["status"] == 0) or "–" for f in figures]),
        ("packets held at the new router", [f"{f['held']:,}" for f in figures]),
        ("scenario (RFC 4260)", [f["scenario"] or "–" for f in figures]),
        ("result", [("good" if f["result"] == "complete" else "bad", f["result"]) for f in figures]),
    ]
    return draw_text.table([TITLES[f["mode"]] for f in figures], lines, pen)


def facts_of(f):
    words = (f"{f['sent']:,} packets sent: {f['lost']:,} lost, {f['duplicated']} duplicated, {f['reordered']} reordered. "
             f"Link gap {f['gap_ms']:.0f} ms, ")
    back = f["interruption_ms"]
    words += "the session does not come back" if back is None else f"interruption {back:.1f} ms"
    return words + (f", TCP stall {f['tcp_stall_ms']:.0f} ms." if f["tcp_stall_ms"] is not None else ".")


def show(runs, args, pen):
    figures = [results(r) for r in runs]
    print(table_of(figures, pen))
    print()
    if args.svg:
        heading = f"One mobile moves between two access routers ({args.gap:g} ms without a link)"
        Path(args.svg).write_text(draw_svg.picture([(picture_of(r), facts_of(f)) for r, f in zip(runs, figures)], heading))
        print(f"picture: {args.svg}")
    if args.json:
        everything = {"lane": args.lane, "gap_ms": args.gap, "rate": args.rate, "runs": figures}
        Path(args.json).write_text(json.dumps(everything, indent=1) + "\n")
    bad = [f"{TITLES[f['mode']]}: {words}" for f in figures for words in f["failures"]]
    for words in bad:
        print(pen("bad", "✗ " + words))
    if not bad:
        print(pen("good", "✓ every claim above was checked and holds"))
    return 1 if bad else 0


def arguments():
    p = argparse.ArgumentParser(prog="scripts/demo", description="Shows a handover: without handoverd, predictive, reactive.",
                                epilog="scripts/demo multicast [--help]: what a listener context saves on a thin link. "
                                "scripts/demo clients [--help]: the same for an ordinary phone.")
    p.add_argument("--gap", type=float, default=100, metavar="MS", help="how long the mobile is without a link (default 100)")
    p.add_argument("--rate", type=int, metavar="PPS", help="packets a second of the UDP and the multicast stream")
    p.add_argument("--svg", metavar="FILE", help="write the timelines as a picture")
    p.add_argument("--json", metavar="FILE", help="write the figures and steps")
    p.add_argument("--only", choices=list(TITLES), action="append", help="one kind of movement only (may be repeated)")
    p.add_argument("--keep", metavar="DIR", help="keep configurations, logs and streams there")
    p.add_argument("--colour", choices=("auto", "always", "never"), default="auto")
    p.add_argument("--lane", choices=[l.name for l in lanes.LANES], default=os.environ.get("HANDOVERD_LANE", "native"),
                   help="the kernel to run on")
    args = p.parse_args()
    args.rate = args.rate or RATES[args.lane]
    args.multicast, args.form = True, {}
    return args


def in_lane(args):
    """Runs this program again, inside the lane's kernel, and hands over what it wrote."""
    with tempfile.TemporaryDirectory(prefix="handoverd-demo.") as tmp:
        out = Path(tmp)
        argv = ["/usr/bin/python3", __file__, "--gap", args.gap, "--rate", args.rate, "--json", out / "json", "--svg", out / "svg",
                "--colour", "always" if draw_text.Pen(COLOUR[args.colour]).colour else "never"]
        for mode in args.only or ():
            argv += ["--only", mode]
        _, status = lanes.run(argv, ("tun", "netns", "veth", "bridge"), args.lane, out, limit=300)
        sys.stdout.write((out / "stdout").read_text())
        sys.stderr.write((out / "stderr").read_text())
        for name, target in (("json", args.json), ("svg", args.svg)):
            if target and (out / name).exists():
                shutil.copyfile(out / name, target)
        return status


COLOUR = {"auto": None, "always": True, "never": False}


def main():
    if sys.argv[1:2] == ["multicast"]:
        return demo_multicast.main(sys.argv[2:])
    if sys.argv[1:2] == ["clients"]:
        return demo_clients.main(sys.argv[2:])
    args = arguments()
    if args.lane != "native" and os.environ.get("HANDOVERD_LANE") != args.lane:
        return in_lane(args)
    if os.geteuid():
        print("demo: must be root, to make network namespaces", file=sys.stderr)
        return 1
    pen = draw_text.Pen(COLOUR[args.colour])
    args.multicast = not lanes.probe_missing(["mroute6"])
    kernel = not lanes.probe_missing(["sctp", "ip6tnl"])
    args.form = FORMS["kernel" if kernel else "user"]
    where = "in the kernel" if kernel else "in user space (TUN, usrsctp)"
    print(pen("dim", f"lane {args.lane}: tunnel and SCTP {where}; {args.rate} packets/s "
              f"UDP{' and multicast each' if args.multicast else ''}, a TCP download, link gap {args.gap:g} ms\n"))
    runs = []
    for mode in args.only or TITLES:
        run = play(mode, args)
        runs.append(run)
        print(draw_text.timeline(picture_of(run), pen) + "\n")
        sys.stdout.flush()
    return show(runs, args, pen)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the network is taken down
    try:
        sys.exit(main())
    except (LabError, lanes.LaneError) as e:
        print(f"demo: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
