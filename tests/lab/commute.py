"""
Very many movements of one mobile, back and forth between two access points, under traffic to both of its addresses: at each
movement one address is left behind and the other comes home. What that did to the traffic, movement by movement; and what the
daemons keep of it, which must not be more after a thousand movements than after a few.
"""

import array
import bisect
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import movement, netns, traffic
from .topology import wait_for

# On a busy machine a link may take seconds to change: nobody gives up meanwhile, and everything is held.
PATIENT = {"fmip6": {"prepared_time": "30s", "hold_time": "40s"}, "hold": {"limit": "256M", "limit_mobile": "128M"}}
PORT = 9000
SETTLE = 0.1  # s of traffic after a movement, before the next
AROUND = (20e6, 300e6)  # ns before the link goes and after it is back in which a silence is the movement's


@dataclass
class Movement:
    mode: str
    down_ns: int
    up_ns: int
    lead_ms: float  # from the FBack, when packets begin to wait, to the cut: the lab's time, not the handover's
    told_ns: int  # when the mobile sent its last FBU: from then on nothing may be lost
    interruption_ms: float = 0.0

    @property
    def gap_ms(self):
        return (self.up_ns - self.down_ns) / 1e6

    @property
    def added_ms(self):
        return self.interruption_ms - self.gap_ms - self.lead_ms


@dataclass
class Account:
    """What all movements did to all flows."""
    movements: list
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    packets: int = 0
    runs: list = field(default_factory=list)  # of lost packets, as lines
    outside: int = 0  # of these: sent when a reactive movement, too, must lose nothing
    left: list = field(default_factory=list)  # what is more at the routers and the mobile than it was, as lines
    held: dict = field(default_factory=dict)  # node: (Held before, Held after)

    def added(self):
        return sorted(m.added_ms for m in self.movements)


@dataclass
class Held:
    """What a daemon has of the system."""
    memory: int  # octets
    descriptors: int
    cpu: float  # s, so far

    @classmethod
    def by(cls, daemon):
        proc = Path(f"/proc/{daemon.process.pid}")
        stat = (proc / "stat").read_text().rsplit(")", 1)[1].split()
        return cls(int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE"), len(list((proc / "fd").iterdir())),
                   (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"))


class Commuter:
    """One mobile at the first of two access points, with an address at each, and a flow to either."""

    def __init__(self, topology, daemons, mobile, rate, gap_ms, mode):
        self.t, self.daemons, self.mobile = topology, daemons, mobile
        self.rate, self.gap, self.mode = rate / 2, gap_ms, mode
        self.nodes = [p.name for p in topology.points[:2]] + [mobile.name]
        self.offset = time.time_ns() - time.monotonic_ns()
        self.movements = []
        for _ in range(2):  # there and back: now it has both addresses
            self._move()
        self.movements.clear()
        self._settled()
        self.before = {n: netns.snapshot(topology.ns[n]) for n in self.nodes}
        self.remember()
        self.logs = [topology.dir / f"commute{i}.flow" for i in range(2)]
        self.receivers = [traffic.udp_receiver(topology, mobile.name, PORT + i, base=0, idle_ms=2000, log=self.logs[i]) for i in range(2)]
        self.senders = [traffic.udp_sender(topology, "cn", mobile.address(p), self.rate, port=PORT + i)
                        for i, p in enumerate(topology.points[:2])]
        for r in self.receivers:
            r.wait(int(self.rate * 0.3))
        self.starts = [(time.monotonic(), r.report()["flows"][0]["next"]) for r in self.receivers]

    def remember(self):
        """What the daemons have of the system now is what the account begins with."""
        self.held = {n: Held.by(self.daemons[n]) for n in self.nodes}

    def _elsewhere(self):
        return self.t.points[1 if self.mobile.point is self.t.points[0] else 0]

    def _move(self):
        """One movement, to its end in the mobile's eyes."""
        d, to = self.daemons[self.mobile.name], self._elsewhere()
        movement.wait_discovered(d, to)
        with d.watch() as watch:
            if self.mode == "predictive":
                d.ctl("handover", "self", "to", to.ap_id)
                watch.wait_step("FBack")
            link = self.t.move([(self.mobile, to)], self.gap)
            record = watch.wait_ended()
        if record["result"] != "complete" or record["mode"] != self.mode:
            raise netns.LabError(f"movement {len(self.movements) + 1}: {record['result']}, {record['mode']}: {record['reason']}")
        at = {s["name"]: s["at_us"] * 1000 - self.offset for s in record["steps"]}  # the last of each name
        lead = max(0.0, (link["down_ns"] - at["FBack"]) / 1e6) if self.mode == "predictive" else 0.0
        self.movements.append(Movement(self.mode, link["down_ns"], link["up_ns"], lead, at["FBU"]))

    def _flowing(self, seconds):
        """Until packets sent `seconds` from now have come on both flows."""
        for r, (at, n) in zip(self.receivers, self.starts):
            r.wait(int(n + (time.monotonic() - at + seconds) * self.rate), 30)

    def _settled(self):
        """Nothing of the last movement is under way any more."""
        for n in self.nodes:
            wait_for(f"{n}: no handover is running", lambda: all(h["result"] != "running" for h in self.daemons[n].handovers()))
        for p in self.t.points[:2]:
            wait_for(f"{p.name}: no hold", lambda: all(b["state"] in ("forwarding", "arrived") for b in self.daemons[p.name].show("bindings")))

    def commute(self, count, every=None):
        """count must be even: it ends where it began. every(n) is called after each movement."""
        for n in range(count):
            self._move()
            self._flowing(SETTLE)
            if every:
                every(n + 1)

    def finish(self):
        self._flowing(0.3)
        sent = [s.finish("stop", limit=60)["flows"][0] for s in self.senders]
        reports = [r.finish(f"total {n}", limit=120)["flows"][0] for r, n in zip(self.receivers, sent)]
        self._settled()
        out = Account(self.movements)
        for n, r, log in zip(sent, reports, self.logs):
            out.packets += n
            for k in ("lost", "duplicated", "reordered"):
                setattr(out, k, getattr(out, k) + r[k])
            out.runs += [self._run_line(m) for m in r["missing"]]
            self._interruptions(log, out)
        if out.lost or out.reordered:
            out.runs += [f"{n}: {self._drops(n)}" for n in self.nodes]
        # The mobile's own addresses live and die by the routers' advertisements.
        for n in self.nodes:
            out.left += [f"{n}: {line}" for line in netns.differences(self.before[n], netns.snapshot(self.t.ns[n]),
                                                                      ("addresses", "routes") if n == self.mobile.name else ())]
            out.held[n] = (self.held[n], Held.by(self.daemons[n]))
        return out

    def _run_line(self, missing):
        """When, by the movement that had begun."""
        at = missing["sent_before_ns"]
        n = bisect.bisect(self.movements, at, key=lambda m: m.down_ns)
        m = self.movements[max(n - 1, 0)]
        return (f"{missing['last'] - missing['first'] + 1} sent {(at - m.down_ns) / 1e6:.1f} ms after the link went for movement {n}, "
                f"back {m.gap_ms:.1f} ms after that")

    def _drops(self, node):
        """What a node says that it dropped or waited for in vain, and what its devices dropped."""
        counted = {k: v for k, v in self.daemons[node].counters().items() if v and any(word in k for word in ("dropped", "timeout", "expired", "overrun"))}
        for link in self.t.ns[node].json("-s", "link", "show"):
            for way, c in link.get("stats64", {}).items():
                counted.update({f"{link['ifname']} {way} {k}": c[k] for k in ("dropped", "errors") if c.get(k)})
        return counted

    def _interruptions(self, log, out):
        """The longest silence around each movement, of either flow; and what was lost when it must not."""
        data = array.array("q")
        data.frombytes(log.read_bytes()[16:])
        sent, arrived, number = data[::2], data[1::2], range(len(data) // 2)
        if 0 in arrived:  # a number that never came stands in the way of the search
            out.outside += lost_outside(sent, self.movements)
            number = [n for n in number if arrived[n]]
            sent, arrived = [sent[n] for n in number], [arrived[n] for n in number]
        ends = [m.down_ns - AROUND[0] for m in self.movements[1:]] + [arrived[-1]]
        for m, end in zip(self.movements, ends):
            first = max(0, bisect.bisect_left(arrived, m.down_ns - AROUND[0]) - 1)
            last = min(bisect.bisect_right(arrived, min(end, m.up_ns + AROUND[1]), first), len(arrived) - 1)
            # What the sender itself was late by is not the movement's.
            silences = (arrived[i + 1] - arrived[i] - max(0, sent[i + 1] - sent[i] - (number[i + 1] - number[i]) * 1e9 / self.rate)
                        for i in range(first, last))
            m.interruption_ms = max(m.interruption_ms, max(silences, default=0) / 1e6)


def lost_outside(sent, movements, slack=250e6):
    """How many that never came were sent at another time than from a link's end to the FBU, give or take what lies in queues. When,
    is told by their neighbours."""
    missing, at = 0, 0
    for s in sent:
        if s:
            at = s
        elif not any(m.down_ns - slack <= at <= m.told_ns + slack for m in movements):
            missing += 1
    return missing


def percentile(values, p):
    """Of sorted values."""
    return values[min(len(values) - 1, int(len(values) * p / 100))] if values else 0.0
