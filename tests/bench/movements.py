"""scripts/bench movements: one mobile moves back and forth, again and again, under traffic."""

import sys

from tests.lab.commute import PATIENT, Commuter, percentile
from tests.lab.daemon import FORMS, Daemons
from tests.lab.topology import Topology

GOALS = {"predictive": 1.0, "reactive": 3.0}  # ms that the 99th percentile may add to the link's gap
RECORDS, RECORD = 1100, 3072  # of so many movements a daemon keeps its account, in so many octets
LEAK = 64  # octets that it may grow by at each beyond these
HELD = 512  # octets of a packet in a hold
WARM = 50  # movements until its caches and heap have found their size


def run(form, mode, count, rate, gap):
    """(figures, what must not be, as lines)"""
    count += count % 2
    with Topology() as t:
        daemons = Daemons(t, extra={**FORMS[form], **PATIENT, "log": {"level": "notice"}}, proxy=False)
        daemons.start(*(p.name for p in t.points))
        daemons.wait_associated()
        t.bring_up()
        daemons.start("mn1")
        c = Commuter(t, daemons, t.mobiles[0], rate, gap, mode)

        def every(n):
            if n == WARM:
                c.remember()
            if n % 100 == 0 and sys.stderr.isatty():
                print(f"\r{mode}: {n} of {count}", end="", file=sys.stderr, flush=True)
        c.commute(count, every)
        account = c.finish()
        daemons.stop()
    return figures_of(account, mode), judge(account, mode, count - min(count, WARM), rate)


def figures_of(account, mode):
    added = account.added()
    return {"mode": mode, "movements": len(account.movements), "packets": account.packets, "lost": account.lost,
            "duplicated": account.duplicated, "reordered": account.reordered, "added_median_ms": percentile(added, 50),
            "added_p99_ms": percentile(added, 99), "added_worst_ms": added[-1], "goal_p99_ms": GOALS[mode],
            "lead_median_ms": percentile(sorted(m.lead_ms for m in account.movements), 50),
            "held": {n: {"memory": [a.memory, b.memory], "descriptors": [a.descriptors, b.descriptors], "cpu_s": b.cpu - a.cpu}
                     for n, (a, b) in account.held.items()}}


def allowed(since):
    return (1 << 20) + RECORD * min(since, RECORDS) + LEAK * max(0, since - RECORDS)


def judge(account, mode, since, rate):
    """since: how many movements the account of memory spans."""
    wrong = account.left + (account.runs if mode == "predictive" else account.runs[-3:] if account.reordered else [])
    lost = account.lost if mode == "predictive" else account.outside
    for n, what in ((lost, "lost" if mode == "predictive" else "lost outside the link's gaps"),
                    (account.duplicated, "duplicated"), (account.reordered, "reordered")):
        if n:
            wrong.append(f"{n} packets {what}")
    # What the longest hold took, the heap may keep.
    held = int(max(m.gap_ms + m.lead_ms for m in account.movements) / 1e3 * rate * HELD)
    for node, (before, after) in account.held.items():
        if after.descriptors > before.descriptors:
            wrong.append(f"{node}: {after.descriptors - before.descriptors} more descriptors than before")
        if after.memory - before.memory > allowed(since) + held:
            wrong.append(f"{node}: {(after.memory - before.memory) / max(since, 1):.0f} octets more at each of {since} movements")
    return wrong


def show(f):
    print(f"{f['movements']:,} {f['mode']} handovers back and forth, {f['packets']:,} packets: {f['lost']} lost, {f['duplicated']} duplicated, "
          f"{f['reordered']} reordered")
    also = f" and the {f['lead_median_ms']:.1f} ms that the lab takes from FBack to the cut" if f["mode"] == "predictive" else ""
    print(f"  beyond the link's gap{also}: "
          f"median {f['added_median_ms']:.2f} ms, p99 {f['added_p99_ms']:.2f} ms (goal {f['goal_p99_ms']:g}), worst {f['added_worst_ms']:.2f} ms")
    for node, h in f["held"].items():
        (m0, m1), (d0, d1) = h["memory"], h["descriptors"]
        print(f"  {node}: {m0 >> 10} KiB, then {m1 >> 10} KiB; {d0} descriptors, then {d1}; {1e3 * h['cpu_s'] / f['movements']:.1f} ms of CPU a movement, "
              f"traffic included")


def bench(args):
    kernel = args.form == "kernel"
    rate = args.rate or (2000 if kernel else 10000)
    out = []
    for mode, count in (("predictive", args.count or (200 if kernel else 1000)), ("reactive", min(args.count or 200, 200))):
        figures, wrong = run(args.form, mode, count, rate, args.gap)
        show(figures)
        for line in wrong:
            print(f"  MUST NOT BE: {line}")
        args.status |= bool(wrong)
        out.append({**figures, "wrong": wrong})
    return out
