"""scripts/bench crowd: five hundred mobiles move at the same moment."""

import statistics

from tests.lab.crowd import PATIENT, Crowd
from tests.lab.daemon import FORMS, Daemons
from tests.lab.topology import Topology

MOBILES, RATE = 500, 4


def run(form, mobiles, rate):
    with Topology() as t:
        daemons = Daemons(t, extra={**FORMS[form], **PATIENT, "log": {"level": "notice"}}, proxy=False, mobiles=False)
        daemons.start()
        daemons.wait_associated()
        t.bring_up()
        crowd = Crowd(t, daemons, t.mobiles[0], mobiles, rate)
        try:
            return crowd.move()
        finally:
            crowd.close()
            daemons.stop()


def bench(args):
    n = args.count or MOBILES
    outcomes = [run(args.form, n, args.rate or RATE) for _ in range(min(args.rounds, 3))]
    good = all(o.answered == n and o.complete == {"par": n, "nar": n} and not o.lost and not o.disorder for o in outcomes)
    middle = {k: statistics.median(getattr(o, k) for o in outcomes) for k in ("asking_s", "arriving_s")}
    print(f"{n} mobiles at once, {args.rate or RATE} packets/s to each, {len(outcomes)} rounds: "
          f"{'all complete' if good else 'NOT all complete'}, {sum(o.lost for o in outcomes)} packets lost, {sum(o.disorder for o in outcomes)} "
          f"out of order of {sum(o.packets for o in outcomes):,}")
    print(f"  from the first FBU to the last FBack {1e3 * middle['asking_s']:.0f} ms; from the link's return to the last release "
          f"{1e3 * middle['arriving_s']:.0f} ms (medians)")
    costs = {}
    for router in outcomes[0].held:
        cpu = statistics.median((b.cpu - a.cpu) / n for a, b in (o.held[router] for o in outcomes))
        memory = statistics.median((b.memory - a.memory) / n for a, b in (o.held[router] for o in outcomes))
        costs[router] = {"cpu_us": 1e6 * cpu, "octets": memory}
        print(f"  {router}: {1e6 * cpu:.0f} µs of CPU and {memory:.0f} octets a handover, its traffic and its record included")
    args.status |= not good
    return {"mobiles": n, **middle, "good": good, "routers": costs}
