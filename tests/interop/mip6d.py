"""
Our Mobile IPv6 with another's: a mip6d (UMIP) that the user has built plays the mobile with our home agent, and the home agent with our
mobile. In each pair the mobile is away, moves, comes home and is away again, under a stream and echo requests to its home address.

    mip6d.py [--movements N] MIP6D [MIP6D…]

One line a claim; the exit status is 0 only if all held. Neither side authenticates: mip6d knows IPsec and no RFC 4285. A last line
says how long the stream was interrupted when mip6d moved with mip6d, and our mobile with our home agent in the same network, both without
any fast handover, and ours with one. It boots a kernel that has what mip6d needs.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import lanes, movement, traffic  # noqa: E402
from lab.daemon import Daemon, Daemons, home_agent, mobile_node  # noqa: E402
from lab.netns import LabError  # noqa: E402
from lab.topology import Topology, wait_for  # noqa: E402

NEEDS = ("netns", "veth", "bridge", "tun", "ip6tnl", "mip6")
RATE = 200     # packets a second
ECHOES = 3
GAP_MS = 50
LIMIT = 90     # seconds for whatever is waited for
OPEN = {"mip6": {"auth": "none", "dad": "0ms"}}
ALONE = {**OPEN, "fmip6": {"enable": False}}

# What RFC 6275 §7 has a home link's routers say, at the pace that it allows them.
RADVD = """interface wlan
{
	AdvSendAdvert on;
	MinRtrAdvInterval 0.03;
	MaxRtrAdvInterval 0.07;
	MinDelayBetweenRAs 0.03;
	AdvIntervalOpt on;
	AdvSourceLLAddress on;
	%s
	prefix %s { AdvOnLink on; AdvAutonomous on; AdvRouterAddr on; };
};
"""
HOME_RADVD = "AdvHomeAgentFlag on; AdvHomeAgentInfo on; HomeAgentLifetime 1800;"

MOBILE_CONF = """NodeConfig MN;
UseMnHaIPsec disabled;
DoRouteOptimizationCN disabled;
DoRouteOptimizationMN disabled;
OptimisticHandoff enabled;
MnMaxHaBindingLife 600;
Interface "wlan0";
MnHomeLink "wlan0" {
	HomeAgentAddress %s;
	HomeAddress %s/64;
}
"""
AGENT_CONF = """NodeConfig HA;
UseMnHaIPsec disabled;
DoRouteOptimizationCN disabled;
DefaultBindingAclPolicy allow;
Interface "wlan";
"""


class Network(Topology):
    """The lab's, with a home link, and routers that advertise as often as RFC 6275 §7.5 lets them."""

    def __init__(self):
        super().__init__(home=True)

    def _radvd(self):
        for p in self.links:
            conf = self.dir / f"{p.name}.radvd"
            conf.write_text(RADVD % (HOME_RADVD if p is self.home else "", f"{p.router}/64"))
            self.start(p.name, ["radvd", "-n", "-m", "stderr", "-C", conf, "-p", self.dir / f"{p.name}.radvd.pid"], "radvd")


class Claims:
    def __init__(self):
        self.failed = 0

    def check(self, what, test):
        """test returns what was seen, or raises why not."""
        try:
            print(f"ok      {what}: {test()}", flush=True)
        except (LabError, AssertionError) as e:
            self.failed += 1
            print(f"FAILED  {what}: {e}", flush=True)


# ---- the two sides -------------------------------------------------------------------------------------------------

class Theirs:
    """mip6d in a node, in the foreground, as it stays while it says what it does. Its log is that."""

    def __init__(self, t, node, binary, text):
        conf = t.dir / f"{node}.mip6d.conf"
        conf.write_text(text)
        self.process = t.start(node, [binary, "-c", conf, "-d", "10"], "mip6d")

    def alive(self):
        if self.process.poll() is not None:
            raise LabError(f"mip6d ended, exit {self.process.returncode}")
        return True

    def at(self, point):
        """It is asked nothing: that it forwards, and to where, the traffic shows."""
        return self.alive()


class OurAgent:
    def __init__(self, t):
        self.t, self.daemon = t, Daemon(t, "ha", home_agent(t, OPEN)).start()

    def at(self, point):
        away = [b for b in self.daemon.show("home") if b["state"] == "away"]
        return [b["coa"].startswith(point.prefix[:-3]) for b in away] == ([] if point is self.t.home else [True])


class OurMobile:
    def __init__(self, t, extra=ALONE):
        self.t, self.daemon = t, Daemon(t, "mn1", mobile_node(t, t.mobiles[0], extra)).start()

    def at(self, point):
        (mine,) = self.daemon.show("home")
        if point is self.t.home:
            return mine["state"] == "home"
        return mine["state"] == "registered" and mine["registered"].startswith(point.prefix[:-3])


def agent_of(t, whose, binary):
    return Theirs(t, "ha", binary, AGENT_CONF) if whose == "their" else OurAgent(t)


def mobile_of(t, whose, binary):
    m = t.mobiles[0]
    return Theirs(t, "mn1", binary, MOBILE_CONF % (t.home.router, m.address(t.home))) if whose == "their" else OurMobile(t)


# ---- what is claimed -----------------------------------------------------------------------------------------------

def echoes(t, home):
    out = t.ns["cn"].run("ping", "-6", "-q", "-c", ECHOES, "-i", "0.2", "-W", "5", home, check=False)
    return int(out.split(" received")[0].split()[-1])


def reached(t, sides, stream, home, point):
    """Both sides know where the mobile is; the stream and echo requests to the home address arrive."""
    wait_for(f"registered at {point.prefix}", lambda: all(s.at(point) for s in sides), LIMIT, 0.2)
    flows = stream.report()["flows"]
    stream.wait((flows[0]["next"] if flows else 0) + RATE, LIMIT)
    wait_for("every echo request is answered", lambda: echoes(t, home) == ECHOES, LIMIT, 0.2)
    return f"{RATE} more packets of the stream arrived, {ECHOES} of {ECHOES} echo requests answered"


def begin(t, agent, mobile, binary):
    """The mobile is at the first access point, and what is to be shown begins there."""
    a = agent_of(t, agent, binary)
    t.bring_up()
    sides = (a, mobile_of(t, mobile, binary))
    home = t.mobiles[0].address(t.home)
    wait_for("the home address is there", lambda: home in t.ns["mn1"].run("ip", "-6", "addr", "show"), LIMIT)
    return sides, home


def pair(claims, mobile, agent, binary):
    """Away, moved, home, away again."""
    with Network() as t:
        sides, home = begin(t, agent, mobile, binary)
        stream = traffic.udp_receiver(t, "mn1")
        traffic.udp_sender(t, "cn", home, RATE)
        ar1, ar2 = t.points
        for stage, point in (("away", ar1), ("moved", ar2), ("home", t.home), ("away again", ar1)):
            if t.mobiles[0].point is not point:
                t.move([(t.mobiles[0], point)], GAP_MS)
            failed = claims.failed
            claims.check(f"{mobile} mobile, {agent} home agent: {stage}", lambda: reached(t, sides, stream, home, point))
            if claims.failed > failed:
                return said(t)
    return None


def said(t):
    """What the two daemons have said last, for whoever looks into a failure."""
    for name in ("mn1.mip6d.log", "ha.mip6d.log", "mn1.handoverd.log", "ha.handoverd.log"):
        path = t.dir / name
        if path.exists():
            print(f"---- {name}\n{path.read_text(errors='replace')[-2500:]}", file=sys.stderr)


# ---- how long a movement takes -------------------------------------------------------------------------------------

def interruptions(t, home, sides, n):
    """n movements between the access points, each under a stream of its own: the longest time without a packet."""
    mobile, out = t.mobiles[0], []
    for i in range(n):
        to = t.points[(i + 1) % 2]
        stream = traffic.udp_receiver(t, "mn1", 9100 + i)
        sender = traffic.udp_sender(t, "cn", home, RATE, port=9100 + i)
        stream.wait(RATE // 2, LIMIT)
        t.move([(mobile, to)], GAP_MS)
        wait_for("registered", lambda: all(s.at(to) for s in sides), LIMIT, 0.1)
        stream.wait(stream.report()["flows"][0]["next"] + RATE, LIMIT)
        sent = sender.finish("stop")
        out.append(stream.finish(f"total {sent['flows'][0]}")["flows"][0]["gap_ms"])
    return out


def alone(whose, binary, n):
    with Network() as t:
        sides, home = begin(t, whose, whose, binary)
        wait_for("registered", lambda: all(s.at(t.points[0]) for s in sides) and echoes(t, home) == ECHOES, LIMIT)
        return interruptions(t, home, sides, n)


def fast(n):
    """Ours with fast handovers under it, unannounced."""
    with Network() as t:
        daemons = Daemons(t, extra=OPEN, proxy=False).start("ar1", "ar2", "ha")
        t.bring_up()
        daemons.start("mn1")
        home, known = t.mobiles[0].address(t.home), OurMobile.__new__(OurMobile)
        known.t, known.daemon = t, daemons["mn1"]
        wait_for("registered", lambda: known.at(t.points[0]), LIMIT)
        for p in t.points:
            movement.wait_discovered(daemons["mn1"], p, LIMIT)
        try:
            return interruptions(t, home, (known,), n)
        finally:
            daemons.stop()


def compare(claims, binary, n):
    rows = (("mip6d with mip6d", lambda: alone("their", binary, n)), ("ours, Mobile IPv6 alone", lambda: alone("our", binary, n)),
            ("ours, reactive fast handover", lambda: fast(n)))
    print(f"interruption by a link gap of {GAP_MS} ms, router advertisements every 30 to 70 ms, {n} movements:", flush=True)
    for name, measure in rows:
        def line():
            got = measure()
            return f"median {statistics.median(got):.0f} ms, {min(got):.0f} to {max(got):.0f}"
        claims.check(name, line)


# ---- as a program --------------------------------------------------------------------------------------------------

def inside(args):
    claims = Claims()
    for binary in args.mip6d:
        version = subprocess.run([binary, "-V"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
        print(f"{binary}: {(version.strip() or 'says no version').splitlines()[0]}", flush=True)
        pair(claims, "their", "our", binary)
        pair(claims, "our", "their", binary)
        if args.movements:
            compare(claims, binary, args.movements)
    return 1 if claims.failed else 0


def main():
    p = argparse.ArgumentParser(prog="interop", description="Our Mobile IPv6 with a mip6d (UMIP) that you have built.")
    p.add_argument("mip6d", nargs="+", type=lambda b: str(Path(b).resolve(strict=True)), help="its path; each is tried with ours in both roles")
    p.add_argument("--movements", type=int, default=10, metavar="N", help="measured movements of each kind; 0: none (default %(default)s)")
    p.add_argument("--limit", type=float, default=1800, metavar="SECONDS", help="for all of it (default %(default)s)")
    args = p.parse_args()
    if os.environ.get("HANDOVERD_LANE"):
        return inside(args)
    argv = ["/usr/bin/python3", Path(__file__).resolve(), "--movements", args.movements, *args.mip6d]
    with tempfile.TemporaryDirectory(prefix="handoverd-interop.") as out:
        try:
            lane, status = lanes.run(argv, NEEDS, None, out, args.limit, env={"HANDOVERD_LANE": "native"})
        finally:
            for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
                if (Path(out) / name).exists():
                    with open(Path(out) / name, "rb") as f:
                        shutil.copyfileobj(f, stream.buffer)
                    stream.flush()
        print(f"ran on: {lane.name}")
        return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (lanes.LaneError, LabError, FileNotFoundError) as e:
        print(f"interop: {e}", file=sys.stderr)
        sys.exit(125)
