"""scripts/bench clients: five hundred clients, dual stack, move within a second; and come home, announced."""

import statistics

from tests.lab.clients import Clients
from tests.lab.crowd import PATIENT
from tests.lab.crowd_clients import ClientCrowd
from tests.lab.daemon import FORMS, merged
from tests.lab.topology import wait_for

CLIENTS, RATE, SIGHTINGS = 500, 2, 100_000


def run(form, n, rate):
    extra = merged(FORMS[form], merged(PATIENT, {"log": {"level": "notice"}}))
    with Clients(routers=2, extra=extra, crowded=True) as c:
        crowd = ClientCrowd(c, n, rate)
        try:
            crowd.start_traffic()
            empty = crowd.kernel()
            seen = crowd.move(crowd.away)
            kernel = crowd.kernel()
            sightings = crowd.sightings(SIGHTINGS)
            crowd.announced(crowd.home)
            home = crowd.move(crowd.home)
            crowd.stop_traffic()
            wait_for("nothing stays in the kernels", lambda: crowd.kernel() == empty, 60)
            gone = all(crowd.counter(p, "visits") == 0 and crowd.counter(p, "clients_away") == 0 for p in c.points)
            return seen, home, kernel, sightings, gone
        finally:
            crowd.close()


def cost(moves, router, n):
    cpu = statistics.median((b.cpu - a.cpu) / n for a, b in (m.held[router] for m in moves))
    memory = statistics.median((b.memory - a.memory) / n for a, b in (m.held[router] for m in moves))
    return {"cpu_us": 1e6 * cpu, "octets": memory}


def bench(args):
    n, rate = args.count or CLIENTS, args.rate or RATE
    rounds = [run(args.form, n, rate) for _ in range(min(args.rounds, 3))]
    seen, home = [r[0] for r in rounds], [r[1] for r in rounds]
    ok = all(m.runs <= 1 and not m.disorder for m in seen) and all(not m.lost and not m.disorder for m in home) and all(r[4] for r in rounds)
    print(f"{n} clients of two addresses, {rate} packets/s to each, {len(rounds)} rounds: {'all served' if ok else 'NOT as it must be'}")
    for name, moves in (("away, nobody said so, within 1 s", seen), ("home, announced", home)):
        print(f"  {name}: all settled {statistics.median(m.took_s for m in moves):.2f} s after the link's return; longest silence after "
              f"it {max(m.outage_s for m in moves):.2f} s; {sum(m.lost for m in moves)} packets lost, {sum(m.disorder for m in moves)} twice or "
              f"out of order of {sum(m.packets for m in moves):,}")
    figures = {}
    for router in seen[0].held:
        figures[router] = {"away": cost(seen, router, n), "home": cost(home, router, n), "kernel": rounds[-1][2][router]}
        print(f"  {router}: {figures[router]['away']['cpu_us']:.0f} and {figures[router]['home']['cpu_us']:.0f} µs of CPU a client for the two "
              f"movements, its traffic included; {figures[router]['away']['octets']:.0f} octets; in the kernel while they are away: "
              + ", ".join(f"{v} {k}" for k, v in figures[router]["kernel"].items()))
    sent, looked, missed, cpu = (statistics.median(r[3][i] for r in rounds) for i in range(4))
    print(f"  sightings: {sent:.0f}/s sent, {looked:.0f} looked at, {missed:.0f} dropped by the kernel; {1e6 * cpu / max(1, looked):.1f} µs each: "
          f"{looked / max(cpu, 1e-3):.0f} in a second of CPU")
    args.status |= not ok
    return {"clients": n, "good": ok, "routers": figures, "sightings": {"sent": sent, "looked": looked, "missed": missed, "cpu_s": cpu}}
