"""What Mobile IPv6 alone adds to a link gap (router discovery, duplicate address detection, Binding Update), beside a fast handover in the
same network, by turns."""

import statistics

from tests.lab import movement
from tests.lab.daemon import FORMS, Daemons, merged
from tests.lab.topology import Topology, wait_for

# Nobody but the first two hands over fast. The solicitation leaves with the carrier, and is answered at once: what is left is waiting
# for duplicate address detection, or not even that.
ALONE = {
    "kernel": "router discovery, DAD, BU",
    "optimistic": "the same, optimistic DAD",
}
FAST = ("predictive", "reactive")


def cast(t, form):
    per_node = {m.name: merged(FORMS[form], {"fmip6": {"enable": False}, "mip6": {"care_of": how}})
                for m, how in zip(t.mobiles[2:], ALONE)}
    daemons = Daemons(t, extra=merged(FORMS[form], {"mip6": {"dad": "0ms"}}), proxy=False, per_node=per_node)
    for m in t.mobiles[:2]:  # theirs is the care-of address, kept by the previous router
        d = daemons[m.name]
        del d.config["mip6"]
        d.write()
    return daemons


def registered(daemon, coa):
    wait_for(f"{daemon.node} is registered at {coa}", lambda: daemon.show("home")[0]["registered"] == coa, 40)


def bench(args, measured, without_lead):
    """Returns {way: [figures]}; measured and without_lead are the interruption bench's."""
    rate = args.rate or 1000
    out = {way: [] for way in (*FAST, *ALONE)}
    with Topology(mobiles=4, home=True) as t:
        daemons = cast(t, args.form)
        daemons.start(*[p.name for p in t.links])
        daemons.wait_associated()
        t.bring_up()
        daemons.start(*[m.name for m in t.mobiles])
        mn1, mn2, *alone = t.mobiles
        for m in alone:
            registered(daemons[m.name], m.address(t.points[0]))
        for i in range(args.rounds):
            to, port = t.points[1 - i % 2], 9100 + 4 * i
            movement.wait_discovered(daemons["mn2"], to)
            out["predictive"].append(measured(t, mn1, rate, port, lambda: movement.predictive(t, daemons, mn1, to, args.gap)))
            out["reactive"].append(measured(t, mn2, rate, port + 1, lambda: t.move([(mn2, to)], args.gap)))
            for m in (mn1, mn2):
                daemons[m.name].wait_handover(count=i + 1)
            without_lead(out["predictive"][-1], daemons["mn1"])
            for k, (m, how) in enumerate(zip(alone, ALONE)):
                out[how].append(measured(t, m, rate, port + 2 + k, lambda: t.move([(m, to)], args.gap), address=m.address(t.home)))
                registered(daemons[m.name], m.address(to))
        daemons.stop()
    show(args, rate, out)
    return out


def show(args, rate, out):
    median = {way: statistics.median(r["added_ms"] for r in rounds) for way, rounds in out.items()}
    print(f"added to a link gap of {args.gap:g} ms, {rate} packets/s, {args.rounds} rounds by turns; Mobile IPv6 alone over each fast handover "
          f"(goal 100 over the reactive one):")
    for way in FAST:
        print(f"  {way:<26} median {median[way]:8.2f} ms  lost {sum(r['lost'] for r in out[way])}")
    for how, words in ALONE.items():
        ratios = "  ".join(f"{median[how] / max(median[way], 0.001):.0f} × {way}" for way in FAST)
        print(f"  {words:<26} median {median[how]:8.2f} ms  lost {sum(r['lost'] for r in out[how])}  {ratios}")
