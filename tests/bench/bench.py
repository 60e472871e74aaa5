"""
scripts/bench: how fast, always over a floor measured in the same run.

    interruption   a predictive and a reactive handover, beside the same carrier gap without any change of router
    mobileip       what router discovery, duplicate address detection and a Binding Update add to a link gap, over what a fast handover adds
    movements      one mobile back and forth, 1,000 times with notice and 200 times without, at 10,000 packets/s to two addresses: what is
                   lost, duplicated, reordered, added to the link's gap, and what the daemons keep (--count, --rate, --gap); anything
                   lost or kept that must not be exits 1
    crowd          500 mobiles move at the same moment through one pair of routers: all must complete, without loss; time, CPU and
                   memory per handover (--count, --rate for each)
    clients        500 clients without handoverd, of two addresses each, move within a second and come home announced: all must be
                   served, nothing be lost when announced, nothing stay; CPU, memory and kernel objects a client, and frames that show
                   one that a router takes (--count, --rate for each address)
    hi             what a movement waits for beforehand, each with all that it installs:
                   HI → HAck at a living router, over a UDP echo of the same octets;
                   FBU → FBack, the FBU verified, HI and HAck, the tunnel, the FBack authenticated, over an echo that goes the same
                   ways: a program at the previous router hands it on to the new one's echo (two UDP echoes, one within the other);
                   HI → HAck with ESP between the routers, over the echo with ESP (in a lane if the kernel here has none; alone: esp)
    routes         host routes a second through net/rtnl, over a raw netlink batch of the same messages
    hold           packets a second held and released, over plain forwarding of the same packets
    cost           CPU time and memory a handover, of each router and the mobile, beside what they use without
    context        context transactions a second, over an SCTP echo of the same octets on the same backend
    tail           the slowest of very many context transfers, with a peer that delays its SACKs (--transfers)
    token          a token, over OpenSSL's HMAC under a key set up before
    multicast      a mobile that listens to a group arrives on a link of 20 and 100 kbit/s, with its listener context ahead of it,
                   over the same without (RFC 4067 appendix B)
    tables         time and memory per mobile with 1,000 and 1,000,000 mobiles: the table of mobiles, over an array of the same
                   records; all tables, in context transactions
    simulate       CXTP's machines without sockets: 1,000 routers, 1,000,000 mobiles that move at random, lost messages;
                   what must hold is checked all the way, and a violation exits 1 (--routers, --mobiles, --seed)

Absolute figures hold for the machine and the lane they were measured on; the ratios travel further.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import clients, crowd, mobileip, movements  # noqa: E402
from tests.lab import lanes, movement, thinair, traffic  # noqa: E402
from tests.lab.daemon import FORMS, KEY, Daemons, merged  # noqa: E402
from tests.lab.topology import Topology, build_dir  # noqa: E402

HERE = Path(__file__).resolve()
ECHO_PORT = 5998
REALTIME = ("chrt", "-r", "1")  # as handoverd runs: or its echo would be the slower one on a busy machine


def program(name):
    return build_dir() / "tests/bench" / name


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


# ---- interruption --------------------------------------------------------------------------------------------------

class Flow:
    """One numbered stream to a mobile's present address, or to that given; gap_ms() is the longest silence."""

    def __init__(self, topology, mobile, rate, port, address=None):
        self.received = traffic.udp_receiver(topology, mobile.name, port)
        self.sent = traffic.udp_sender(topology, "cn", address or mobile.address(mobile.point), rate, 200, port=port)
        self.received.wait(rate // 5)

    def finish(self, more):
        report = self.received.report()["flows"][0]
        self.received.wait(report["next"] + more, 15)
        sent = self.sent.finish("stop")
        return self.received.finish(f"total {sent['flows'][0]}")["flows"][0]


def measured(topology, mobile, rate, port, move, address=None):
    flow = Flow(topology, mobile, rate, port, address)
    link = move()
    gap = (link["up_ns"] - link["down_ns"]) / 1e6
    report = flow.finish(rate)
    return {"gap_ms": gap, "down_ns": link["down_ns"], "interruption_ms": report["gap_ms"], "added_ms": report["gap_ms"] - gap,
            "lost": report["lost"], "reordered": report["reordered"]}


def without_lead(figures, daemon):
    """Packets wait from the FBack on, the link goes when the lab has heard of it: that time is the lab's, not the handover's."""
    offset = time.time_ns() - time.monotonic_ns()
    fback = next(s["at_us"] for s in daemon.handovers()[-1]["steps"] if s["name"] == "FBack") * 1000 - offset
    figures["lead_ms"] = max(0.0, (figures["down_ns"] - fback) / 1e6)
    figures["added_ms"] -= figures["lead_ms"]


def bench_interruption(args):
    """Three mobiles take turns: mn1 hands over with notice, mn2 without, mn3 leaves and comes back to the same link and has no
    handoverd at all. What mn3 loses beyond its gap is the floor."""
    rate = args.rate or 1000
    out = {"predictive": [], "reactive": [], "floor": []}
    with Topology(mobiles=3) as t:
        daemons = Daemons(t, extra=FORMS[args.form], per_node={m.name: FORMS[args.form] for m in t.mobiles})
        del daemons.by_node["mn3"]
        daemons.start()
        daemons.wait_associated()
        t.bring_up()
        for i in range(args.rounds):
            to = t.points[1 - i % 2]
            mn1, mn2, mn3 = t.mobiles
            movement.wait_discovered(daemons["mn2"], to)
            port = 9100 + 3 * i
            out["floor"].append(measured(t, mn3, rate, port, lambda: t.move([(mn3, mn3.point)], args.gap)))
            out["predictive"].append(measured(t, mn1, rate, port + 1,
                                              lambda: movement.predictive(t, daemons, mn1, to, args.gap)))
            out["reactive"].append(measured(t, mn2, rate, port + 2,
                                            lambda: movement.reactive(t, daemons, mn2, to, args.gap)))
            for m in (mn1, mn2):
                daemons[m.name].wait_handover(count=i + 1)
            without_lead(out["predictive"][-1], daemons["mn1"])
        daemons.stop()
    floor = statistics.median(r["added_ms"] for r in out["floor"])
    lead = statistics.median(r["lead_ms"] for r in out["predictive"])
    print(f"interruption beyond a link gap of {args.gap:g} ms, {rate} packets/s, {args.rounds} rounds by turns (predictive: also "
          f"beyond the {lead:.1f} ms that the lab took from FBack to cutting the link)")
    for name in ("floor", "predictive", "reactive"):
        added = [r["added_ms"] for r in out[name]]
        print(f"  {name:<11} median {statistics.median(added):7.2f} ms  worst {max(added):7.2f} ms  over floor "
              f"{statistics.median(added) - floor:+6.2f} ms  lost {sum(r['lost'] for r in out[name])}  "
              f"reordered {sum(r['reordered'] for r in out[name])}")
    return out


# ---- HI, contexts --------------------------------------------------------------------------------------------------

def ratio_line(r, goal):
    print(f"{r['name']}: {r['ratio']:.2f}  (goal {goal}; floor {r['floor_us']:.0f} µs, subject {r['subject_us']:.0f} µs, medians of "
          f"{r['rounds']} rounds of {r['count']})")
    return r


def one_router(t, form, fmip6):
    """Only ar2 lives; the bench program speaks in the place of ar1."""
    daemons = Daemons(t, extra=merged(FORMS[form], fmip6), proxy=False, mobiles=False)
    daemons.start("ar2")
    return daemons["ar2"]


def answering(t, node, *argv):
    """One of the bench programs that answer datagrams, and does by the time this returns."""
    p = t.start(node, [*REALTIME, *argv], Path(argv[0]).name, stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline().strip() == "ready"


def protect(t, a, b):
    """ESP in transport mode on all that passes between the two routers."""
    ways = (a.address, b.address, "0x1001"), (b.address, a.address, "0x1002")
    for node in (a, b):
        for src, dst, spi in ways:
            t.ns[node.name].run("ip", "xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp", "spi", spi, "mode", "transport",
                                "aead", "rfc4106(gcm(aes))", "0x" + spi[2:] * 10, "128")
            t.ns[node.name].run("ip", "xfrm", "policy", "add", "src", src, "dst", dst, "dir", "out" if src == node.address else "in",
                                "tmpl", "src", src, "dst", dst, "proto", "esp", "mode", "transport")


HI_CONFIG = {"fmip6": {"hold_time": "500ms"}, "log": {"level": "info"}}


def bench_hi_hack(args, esp=False):
    with Topology(routers=2, mobiles=0) as t:
        ar1, ar2 = t.points
        if esp:
            protect(t, ar1, ar2)
        daemon = one_router(t, args.form, HI_CONFIG)
        answering(t, "ar2", program("hi_bench"), "echo", ECHO_PORT)
        text = t.ns["ar1"].run(program("hi_bench"), ar1.address, ar2.address, ECHO_PORT, ar1.prefix, ar2.prefix, args.rounds, 50)
        daemon.stop()
    r = last_json(text)
    if esp:
        r["name"] += ", both under ESP"
    return ratio_line(r, goal=2.5)


def bench_esp(args):
    if lanes.in_new_netns(lanes.NEEDS["esp"][0]):
        return bench_hi_hack(args, esp=True)
    try:
        if os.environ.get("HANDOVERD_LANE"):
            raise lanes.LaneError("no ESP here")
        status, figures = in_lane(args, ["esp", "--lane", "uml", "--rounds", args.rounds], "esp")
    except lanes.LaneError as e:
        print(f"HI to HAck under ESP: not measured: {e}")
        status, figures = 1, {}
    args.status |= status
    return figures.get("esp")


def bench_fbu(args):
    with Topology(routers=2, mobiles=1) as t:
        (ar1, ar2), mn = t.points, t.mobiles[0]
        daemons = Daemons(t, extra=merged(FORMS[args.form], HI_CONFIG), proxy=False, mobiles=False)
        daemons.start()
        daemons.wait_associated()
        t.bring_up(ar1)
        t.ns["mn1"].ip(f"route add local {ar1.prefix.replace('::/64', ':0:200:ff::/96')} dev lo")
        answering(t, "ar2", program("hi_bench"), "echo", ECHO_PORT)
        answering(t, "ar1", program("fbu_bench"), "relay", ECHO_PORT, ar2.address, ECHO_PORT)
        text = t.ns["mn1"].run(program("fbu_bench"), ar1.router, ECHO_PORT, ar1.prefix, ar2.prefix, mn.mac, KEY, args.rounds, 50)
        daemons.stop()
    return ratio_line(last_json(text), goal=2.5)


def bench_hi(args):
    return [bench_hi_hack(args), bench_fbu(args), bench_esp(args)]


MOBILES = 512  # known to the router, with a neighbour entry each


def known_mobiles(t, point):
    """Their neighbour entries at their router: FIRST, and where mobiles that come are found: another FIRST."""
    here, coming = (point.prefix.replace("::/64", f"::{n}:0:0:") for n in (1, 2))
    t.ns[point.name].ip(*[line for i in range(MOBILES) for line in (
        f"neigh replace {here}{i:x} lladdr 02:10:00:00:{i >> 8:02x}:{i & 255:02x} nud permanent dev wlan",
        f"neigh replace {coming}{i:x} lladdr {t.mobiles[0].mac} nud permanent dev wlan")])
    t.ns["mn1"].ip(f"route add local {coming}0/80 dev lo")
    return here + "0", coming + "0"


def context_daemon(args, t, extra=None):
    # A whole block of mobiles asks before the first one's contexts are sent.
    more = merged({"cxtp": {"request_rate": 1000000, "transfers": 262144, "memory": "256M", "max_transfer_time": "2s"}, "log": {"level": "info"}}, extra)
    ar1, ar2, ar3 = t.points
    backend = FORMS[args.form]["cxtp"]["backend"]
    daemon = one_router(t, args.form, more)
    t.start("ar3", [*REALTIME, program("sctp_echo"), "server", "--backend", backend, "--local", ar3.address, "--port", 5999], "echo")
    t.bring_up(ar2)
    here, coming = known_mobiles(t, ar2)
    ends = (backend, ar1.address, ar2.address, ar3.address)

    def bench(mode, *options):
        about = ("--first", coming, "--on-link", ar2.router, "--par", ar1.router, "--netns", t.ns["mn1"].path) if mode == "install" else (
            "--first", here, "--par", ar2.router, "--key", KEY)
        return last_json(t.ns["ar1"].run(*REALTIME, program("ct_bench"), mode, *about, "--mobiles", MOBILES, *options, *ends))

    return daemon, bench


CONTEXT_GOALS = {"store": 0.85, "install": 0.65}


def bench_context(args):
    names = {"store": "validate and store", "install": "validate, store and install"}
    out = []
    with Topology(routers=3, mobiles=1) as t:
        daemon, bench = context_daemon(args, t)
        for mode, name in names.items():
            for window in (1, 32):
                r = bench(mode, "--window", window, "--rounds", args.rounds, "--count", 480)
                print(f"context transactions, {name}, {'one by one' if window == 1 else f'bursts of {window}'}: {r['ratio']:.2f} of the echo's "
                      f"rate (goal {CONTEXT_GOALS[mode]}; {r['subject_per_s']:,.0f}/s, echo {r['floor_per_s']:,.0f}/s of {r['octets']} octets)")
                out.append(r)
        daemon.stop()
    return out


def bench_tail(args):
    with Topology(routers=3, mobiles=1) as t:
        daemon, bench = context_daemon(args, t)
        r = bench("tail", "--window", 4, "--count", args.transfers, "--sack-delay", 200)
        daemon.stop()
    print(f"{r['count']:,} context transfers, 4 at a time, peer with a delayed SACK of 200 ms: p50 {r['p50_ms']:g} ms, p99 {r['p99_ms']:g} ms, "
          f"p99.9 {r['p99.9_ms']:g} ms, p99.99 {r['p99.99_ms']:g} ms (goal 20), slowest {r['max_ms']:g} ms; {r['per_s']:,.0f}/s")
    return r


# ---- routes --------------------------------------------------------------------------------------------------------

def bench_routes(args):
    with Topology(routers=1, mobiles=0) as t:
        t.bring_up()
        r = last_json(t.ns["ar1"].run(*REALTIME, program("routes_bench"), "wlan", 2 * args.rounds + 1, 1000))
    print(f"host routes set and deleted, over a raw netlink batch of the same messages: {r['gathered_ratio']:.2f} (goal 0.9; "
          f"{r['gathered_per_s']:,.0f}/s, raw {r['floor_per_s']:,.0f}/s); one by one, each result known: {r['single_ratio']:.2f} "
          f"({r['single_per_s']:,.0f}/s)")
    return r


# ---- hold ----------------------------------------------------------------------------------------------------------

def bench_hold(args):
    r = last_json(subprocess.run([*REALTIME, program("hold_bench"), str(2 * args.rounds + 1)], check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"packets held and released, over the same packets forwarded plainly: {r['ratio']:.2f} ({r['subject_per_s']:,.0f}/s, plain "
          f"{r['floor_per_s']:,.0f}/s; {r['packets']:,} of {r['octets']} octets at a time, sender and receiver included)")
    return r


# ---- cost ----------------------------------------------------------------------------------------------------------

def used(daemon):
    """CPU time in ms, resident memory in KiB."""
    proc = Path(f"/proc/{daemon.process.pid}")
    status = (proc / "status").read_text()
    cpu = sum(int((thread / "schedstat").read_text().split()[0]) for thread in (proc / "task").iterdir())
    return cpu / 1e6, next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def bench_cost(args):
    """One mobile back and forth, without traffic. The floor: what the same daemons use in as much time without a handover."""
    handovers = 4 * args.rounds
    with Topology(mobiles=1) as t:
        mn = t.mobiles[0]
        daemons = Daemons(t, extra=merged(FORMS[args.form], {"log": {"level": "info"}}), per_node={"mn1": FORMS[args.form]})
        daemons.start()
        daemons.wait_associated()
        t.bring_up()
        nodes = ("ar1", "ar2", "mn1")

        def move(n):
            to = t.points[1 - t.points.index(mn.point)]
            movement.wait_discovered(daemons["mn1"], to)
            movement.predictive(t, daemons, mn, to, args.gap)
            daemons["mn1"].wait_handover(count=n)
        for i in range(4):
            move(i + 1)  # what is allocated once is
        before, start = {n: used(daemons[n]) for n in nodes}, time.monotonic()
        for i in range(handovers):
            move(i + 5)
        after, middle = {n: used(daemons[n]) for n in nodes}, time.monotonic()
        time.sleep(middle - start)
        idle = {n: used(daemons[n]) for n in nodes}
        daemons.stop()
    out = []
    print(f"cost of a predictive handover with contexts, mean of {handovers}, beyond what the same time costs without one:")
    for n in nodes:
        r = {"node": n, "cpu_ms": (after[n][0] - before[n][0]) / handovers, "idle_cpu_ms": (idle[n][0] - after[n][0]) / handovers,
             "resident_kib": after[n][1], "grown_kib": (after[n][1] - before[n][1]) / handovers}
        print(f"  {n:<4} {r['cpu_ms'] - r['idle_cpu_ms']:6.2f} ms of CPU (idle {r['idle_cpu_ms']:.2f} ms in the same time); resident "
              f"{r['resident_kib'] / 1024:.1f} MiB, {r['grown_kib']:+.1f} KiB a handover")
        out.append(r)
    return out


# ---- multicast -----------------------------------------------------------------------------------------------------

HOSTS = {2: "MLDv2, one report for all groups", 1: "MLDv1, a report for each group; none where a context goes ahead"}


def bench_multicast(args):
    """The RFC estimates what MLDv1's reports cost before anything else can be sent; Linux reports with MLDv2."""
    out = []
    for mld, host in HOSTS.items():
        for rate in thinair.RATES:
            rounds = {way: [] for way in thinair.WAYS}
            for _ in range(args.rounds):
                for way in thinair.WAYS:
                    rounds[way].append(thinair.thin_move(way, rate, FORMS[args.form], mld))
            bad = [words for ms in rounds.values() for m in ms for words in m.failures]
            if bad:
                raise SystemExit(f"bench: {rate} bit/s: {bad[0]}")
            r = {"rate": rate, "mld": mld, **thinair.compared(rounds), "estimate_ms": thinair.ESTIMATED[rate]}
            print(f"multicast, {rate // 1000} kbit/s, host with {host} ({args.rounds} rounds by turns, packets at most "
                  f"{r['late_us'] / 1e3:.1f} ms late):")
            print(f"  first packet of the group: {r['context_ms']:.1f} ms with the context, {r['report_ms']:.1f} ms without: saved "
                  f"{r['saved_ms']:+.1f} ms, ratio {r['ratio']:.2f} (the RFC's estimate: {r['estimate_ms']} ms)")
            print(f"  UNA at the new router: {r['una_context_ms']:.1f} ms with the context, {r['una_report_ms']:.1f} ms without: saved "
                  f"{r['una_saved_ms']:+.1f} ms")
            out.append(r)
    return out


# ---- tables --------------------------------------------------------------------------------------------------------

def bench_tables(args):
    out = last_json(subprocess.run([program("tables_bench")], check=True, capture_output=True, text=True).stdout)
    print("table of mobiles, per mobile:")
    for r in out:
        print(f"  {r['mobiles']:>9,} mobiles: {r['octets_per_mobile']:.0f} octets; insert {r['insert_ns']:.0f} ns, find "
              f"{r['find_ns']:.0f} ns, remove {r['remove_ns']:.0f} ns (floor: array in the same order {r['floor_ns']:.1f} ns)")
    text = subprocess.run([*REALTIME, program("scale_bench")], check=True, stdout=subprocess.PIPE, text=True).stdout
    print("all tables of a router, per mobile with two addresses and a group; a context transaction of one of them at random:")
    for r in last_json(text):
        print(f"  {r['mobiles']:>9,} mobiles: {r['octets_per_mobile']:.0f} octets (goal 1,024); {r['sctp_us']:.1f} µs over SCTP, "
              f"{r['sctp_ratio']:.2f} times that with the fewest (goal 1.25); {r['machines_us']:.1f} µs, {r['machines_ratio']:.2f} times, "
              f"without sockets")
        out.append(r)
    return out


# ---- token ---------------------------------------------------------------------------------------------------------

def bench_token(args):
    out = last_json(subprocess.run([program("token_bench")], check=True, capture_output=True, text=True).stdout)
    print("token of a CTAR, under a key of its own, over HMAC under a key set up before (goal 1.3):")
    for r in out:
        print(f"  {r['blocks']:>3} octets of CDBs: {r['ratio']:.2f}  (floor {r['floor_ns']:.0f} ns, token {r['token_ns']:.0f} ns; deriving its "
              f"key {r['key_ns']:.0f} ns)")
    return out


# ---- simulation ----------------------------------------------------------------------------------------------------

def bench_simulate(args):
    p = subprocess.run([program("simulate"), "--routers", str(args.routers), "--mobiles", str(args.mobiles), "--seed",
                        str(args.seed)], stdout=subprocess.PIPE, text=True)
    if p.returncode not in (0, 1):
        sys.exit(p.returncode)
    r = last_json(p.stdout)
    kept = r["transfers"] - r["cancelled"]
    print(f"simulation of {r['routers']:,} routers and {r['mobiles']:,} mobiles, seed {r['seed']}: {r['virtual_s'] / 60:.0f} minutes of "
          f"theirs in {r['took_s']:.0f} s of ours, {r['steps']:,} messages")
    print(f"  transfers        {r['transfers']:,}: {r['in_place']:,} in place, {r['failed']:,} failed, {r['cancelled']:,} given up by "
          f"the mobile for another ({100 * r['in_place'] / max(kept, 1):.2f} %)")
    print(f"  lost             {r['lost']:,} messages, {r['doubled']:,} doubled; {r['forged']:,} CTARs forged, {r['replayed']:,} replayed")
    print(f"  retransmissions  {r['retransmissions']:,} (" +
          ", ".join(f"{k} {v:,}" for k, v in r["again"].items() if v) + ")")
    print("  in place after   " + ", ".join(f"{k} {v:g} ms" for k, v in r["in_place_ms"].items()))
    print(f"  signalling       {r['octets_per_handover']:.0f} octets a handover")
    print(f"  memory           {r['octets_per_mobile']:.0f} octets a mobile in all machines at most ({r['transfers_most']:,} transfers known at a "
          f"time), {r['octets_per_router'] / 1024:.0f} KiB a router")
    if p.returncode == 0:
        print("  held             one transfer a mobile, no key after its use, no context without a token, every transfer ended")
    else:
        args.status = 1
    return r


def in_lane(args, words, *needs):
    """The exit status of this program in a lane, and its figures."""
    with tempfile.TemporaryDirectory(prefix="handoverd-bench.") as tmp:
        figures = Path(tmp) / "figures"
        _, status = lanes.run(["/usr/bin/python3", HERE, *words, "--json", figures], ("ip6tnl", "sctp", *needs), args.lane, tmp, limit=900)
        sys.stdout.write((Path(tmp) / "stdout").read_text())
        sys.stderr.write((Path(tmp) / "stderr").read_text())
        return status, json.loads(figures.read_text()) if figures.exists() else {}


def bench_mobileip(args):
    return mobileip.bench(args, measured, without_lead)


BENCHES = {"interruption": bench_interruption, "mobileip": bench_mobileip, "movements": movements.bench, "crowd": crowd.bench,
           "clients": clients.bench, "hi": bench_hi, "esp": bench_esp, "routes": bench_routes, "hold": bench_hold, "cost": bench_cost, "context": bench_context,
           "tail": bench_tail, "token": bench_token, "multicast": bench_multicast, "tables": bench_tables,
           "simulate": bench_simulate}


def main():
    p = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", nargs="*", metavar="WHAT", help="which (default: all)")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--gap", type=float, default=50.0, help="link gap in ms")
    p.add_argument("--rate", type=int, help="packets a second (default: interruption 1000, movements 10000; 2000 in a lane)")
    p.add_argument("--count", type=int, help="movements, crowd, clients: how many")
    p.add_argument("--transfers", type=int, default=1000000, help="tail: how many")
    p.add_argument("--routers", type=int, default=1000, help="simulate: how many")
    p.add_argument("--mobiles", type=int, default=1000000, help="simulate: how many")
    p.add_argument("--seed", type=int, default=1, help="simulate: one seed, one course")
    p.add_argument("--lane", choices=("native", "uml", "qemu"), help="default: native, user-space data plane")
    p.add_argument("--json", metavar="FILE", help="all figures")
    args = p.parse_args()
    unknown = set(args.what) - set(BENCHES)
    if unknown:
        p.error(f"no such bench: {', '.join(sorted(unknown))} (there are {', '.join(BENCHES)})")
    if args.lane not in (None, "native") and not os.environ.get("HANDOVERD_LANE"):
        status, figures = in_lane(args, sys.argv[1:])
        if args.json:
            Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")
        return status
    args.status = 0
    args.form = "kernel" if args.lane not in (None, "native") else "user"
    figures = {}
    for name in args.what or [n for n in BENCHES if n != "esp"]:  # it is a part of hi
        figures[name] = BENCHES[name](args)
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")
    return args.status


if __name__ == "__main__":
    sys.exit(main())
