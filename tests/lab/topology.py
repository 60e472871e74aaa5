"""
The network of the demo and the tests, each node a network namespace:

    cn ── core ─┬─ ar1 ── [ap1]
                ├─ ar2 ── [ap2]      mn1, mn2, …: each in the bridge of one access point, or in none
                └─ ar3 ── [ap3]

cn is the correspondent, core a plain router, ar1… the access routers. The access points are bridges in a namespace of their
own, "air"; a mobile moves when its port is taken out of one bridge and put into another (moveport), so it loses and finds its
carrier as on a radio. Addresses: 2001:db8:1::/64 at cn, 2001:db8:1N::/64 between core and arN, 2001:db8:a::/64, b, c at the
access points, with ::1 the router. Routers advertise with radvd; mobiles configure themselves. With home=True there is a home agent,
ha, with a home link, 2001:db8:f::/64; with home="last" it is a further machine, ::2, on the last access router's link.
"""

import ipaddress
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import netns
from .netns import LabError, Netns

TOP = Path(__file__).resolve().parents[2]
GROUP = "ff3e::8000:1"
GROUP4 = "239.8.0.1"
CN = "2001:db8:1::2"

RADVD = """interface wlan
{
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 10;
	AdvSourceLLAddress on;
	prefix %s { AdvOnLink on; AdvAutonomous on; AdvValidLifetime 7200; AdvPreferredLifetime 3600; };
};
"""


def build_dir():
    """Where the programs under test are: HANDOVERD_BUILD, or build/plain."""
    return Path(os.environ.get("HANDOVERD_BUILD") or TOP / "build/plain")


def tool(name):
    """One of the lab's own tools: from the optimised build wherever there is one."""
    for place in (Path(os.environ.get("HANDOVERD_TOOLS") or TOP / "build/plain/tests/lab"), build_dir() / "tests/lab"):
        if (place / name).exists():
            return place / name
    raise LabError(f"{name} is not built: scripts/build")


def wait_for(what, test, limit=30.0, step=0.02):
    """Asks until test() is true and returns its value; LabError after limit seconds."""
    end = time.monotonic() + limit
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {limit:g} s in vain: {what}")
        time.sleep(step)


def eui64(prefix, mac):
    o = [int(x, 16) for x in mac.split(":")]
    iid = bytes([o[0] ^ 2, o[1], o[2], 0xFF, 0xFE, o[3], o[4], o[5]])
    return ipaddress.IPv6Address(ipaddress.IPv6Network(prefix).network_address.packed[:8] + iid)


class Point:
    """An access router with its access point."""

    guest = False  # a machine on another's link

    def __init__(self, n):
        letter = "abcdef"[n - 1]
        self.n = n
        self.name = f"ar{n}"
        self.bridge = f"ap{n}"
        self.ap_id = f"02:00:00:00:0{letter}:01"
        self.mac = f"02:00:00:00:0{letter}:fe"
        self.prefix = f"2001:db8:{letter}::/64"
        self.router = f"2001:db8:{letter}::1"
        self.address = f"2001:db8:1{n}::2"  # on the core side: where other routers talk to it
        self.core_address = f"2001:db8:1{n}::1"


class HomeLink(Point):
    """A home agent, "ha", with its home link, to which mobiles can be moved as to any access point."""

    def __init__(self):
        super().__init__(6)
        self.n, self.name, self.bridge = 9, "ha", "aphome"
        self.address, self.core_address = "2001:db8:19::2", "2001:db8:19::1"


class HomeAgent(HomeLink):
    """A home agent, "ha", on an access router's link, which is the home link. It has a way of its own to core."""

    def __init__(self, point):
        super().__init__()
        self.bridge, self.prefix, self.router, self.guest = point.bridge, point.prefix, point.prefix.replace("/64", "2"), True


class Mobile:
    def __init__(self, n):
        self.n = n
        self.name = f"mn{n}"
        self.port = f"mn{n}"  # its end in "air"
        self.mac = f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"
        self.point = None

    def address(self, point):
        return str(eui64(point.prefix, self.mac))


class Topology:
    """Use as a context manager. Names of namespaces start with prefix, which is unique to this process by default."""

    def __init__(self, routers=2, mobiles=1, prefix=None, keep=None, home=False):
        self.prefix = prefix or f"hl{os.getpid()}-"
        self.points = [Point(i + 1) for i in range(routers)]
        self.home = HomeAgent(self.points[-1]) if home == "last" else HomeLink() if home else None
        self.links = self.points + ([self.home] if home else [])  # every link where a mobile can be
        self.mobiles = [Mobile(i + 1) for i in range(mobiles)]
        self.dir = Path(keep or tempfile.mkdtemp(prefix="handoverd-lab."))
        self.keep = keep is not None
        self.ns = {}
        self.processes = []
        self._index = 100

    # -- making

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _link(self, a, a_if, b, b_if, a_mac=None, b_mac=None):
        # Two different interface numbers: with equal ones the kernel delays the news of a carrier by up to a second.
        first, self._index = self._index, self._index + 2
        a_mac = f" address {a_mac}" if a_mac else ""
        b_mac = f" address {b_mac}" if b_mac else ""
        return (f"link add name {a_if} index {first}{a_mac} netns {self.ns[a].name} type veth "
                f"peer name {b_if} index {first + 1}{b_mac} netns {self.ns[b].name}")

    def _build(self):
        names = ["cn", "core", "air"] + [p.name for p in self.links] + [m.name for m in self.mobiles]
        self.ns = {n: Netns(self.prefix + n) for n in names}
        netns.ip_batch([f"netns add {ns.name}" for ns in self.ns.values()])
        for n in names:
            quick = {} if n.startswith("mn") else {"ipv6__conf__default__accept_ra": 0, "ipv6__conf__default__accept_dad": 0}
            self.ns[n].sysctl(**quick)
        lines = [self._link("cn", "eth0", "core", "cn")]
        for p in self.links:
            lines += [self._link("core", p.name, p.name, "eth0"),
                      self._link(p.name, "wlan", "air", p.name, a_mac=p.mac)]
        lines += [self._link(m.name, "wlan0", "air", m.port, a_mac=m.mac) for m in self.mobiles]
        netns.ip_batch(lines)
        self._addresses()
        self._radvd()

    def _addresses(self):
        self.ns["cn"].ip("link set lo up", "link set eth0 up", f"addr add {CN}/64 dev eth0 nodad",
                         "route add default via 2001:db8:1::1")
        self.ns["core"].sysctl(ipv6__conf__all__forwarding=1)
        self.ns["core"].ip("link set lo up", "link set cn up", "addr add 2001:db8:1::1/64 dev cn nodad",
                           *[line for p in self.links for line in (
                               f"link set {p.name} up", f"addr add {p.core_address}/64 dev {p.name} nodad",
                               *([] if p.guest else [f"route add {p.prefix} via {p.address}"]))])
        for p in self.links:
            self.ns[p.name].sysctl(ipv6__conf__all__forwarding=1)
            self.ns[p.name].ip("link set lo up", "link set eth0 up", "link set wlan up", f"addr add {p.address}/64 dev eth0 nodad",
                               f"addr add {p.router}/64 dev wlan nodad", f"route add default via {p.core_address}")
        self.ns["air"].sysctl(ipv6__conf__default__disable_ipv6=1, ipv6__conf__all__disable_ipv6=1)
        self.ns["air"].ip(*[line for p in self.links for line in (
            *([] if p.guest else [f"link add {p.bridge} type bridge stp_state 0 mcast_snooping 0 forward_delay 0",
                                  f"link set {p.bridge} up"]),
            f"link set {p.name} master {p.bridge} up")])
        for m in self.mobiles:
            self.ns[m.name].ip("link set lo up")

    def ipv4(self):
        """IPv4 as far as multicast needs it: from cn through core to the access points; a mobile keeps one address everywhere."""
        for node in ("cn", "core", *(p.name for p in self.points), *(m.name for m in self.mobiles)):
            self.ns[node].sysctl(**{f"ipv4__conf__{i}__rp_filter": 0 for i in ("all", "eth0", "cn", "wlan", *(p.name for p in self.points))})
        self.ns["cn"].ip("addr add 192.0.2.2/24 dev eth0")
        self.ns["core"].ip("addr add 192.0.2.1/24 dev cn", *[f"addr add 10.0.{p.n}.1/24 dev {p.name}" for p in self.points])
        for p in self.points:
            self.ns[p.name].ip(f"addr add 10.0.{p.n}.2/24 dev eth0", f"addr add 10.1.{p.n}.1/24 dev wlan")
        for m in self.mobiles:
            self.ns[m.name].ip(f"addr add 10.1.1.{10 + m.n}/24 dev wlan0")

    def _radvd(self):
        for p in self.links:
            if p.guest:
                continue
            conf = self.dir / f"{p.name}.radvd"
            conf.write_text(RADVD % p.prefix)
            self.start(p.name, ["radvd", "-n", "-m", "stderr", "-C", conf, "-p", self.dir / f"{p.name}.radvd.pid"], "radvd")

    # -- running things

    def start(self, node, argv, name, **kw):
        """A process in a node's namespace, ended with the topology; what it says on standard error goes to a file."""
        with open(self.dir / f"{node}.{name}.log", "ab") as log:
            kw.setdefault("stdin", subprocess.DEVNULL)
            kw.setdefault("stdout", log)
            p = self.ns[node].popen(argv, stderr=log, **kw)
        self.processes.append(p)
        return p

    def log(self, node, name):
        path = self.dir / f"{node}.{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # -- mobiles

    def mobile(self, name):
        return next(m for m in self.mobiles if m.name == name)

    def bring_up(self, point=None, mobiles=None):
        """Mobiles appear at an access point (the first), and have their address there when this returns. Solicitation and
        duplicate address detection are hurried for this first time and have the kernel's defaults afterwards."""
        point = point or self.points[0]
        mobiles = mobiles or self.mobiles
        for m in mobiles:
            self.ns[m.name].sysctl(ipv6__conf__wlan0__router_solicitation_delay=0, ipv6__conf__wlan0__accept_dad=0)
            self.ns[m.name].ip("link set wlan0 up")
        self.ns["air"].ip(*[f"link set {m.port} master {point.bridge} up" for m in mobiles])
        for m in mobiles:
            m.point = point
            wait_for(f"{m.name} has an address", lambda: self.has_address(m, point), 20)
            self.ns[m.name].sysctl(ipv6__conf__wlan0__router_solicitation_delay=1, ipv6__conf__wlan0__accept_dad=1)
            # The first packet of a flow must not be the one that finds the neighbours out.
            self.ns[m.name].run("ping", "-6", "-c", "1", "-W", "5", "-I", m.address(point), CN)

    def _address(self, mobile, point):
        want = mobile.address(point)
        for link in self.ns[mobile.name].json("-6", "addr", "show", "dev", "wlan0"):
            for a in link.get("addr_info", ()):
                if a.get("local") == want:
                    return a
        return None

    def knows_address(self, mobile, point):
        """Whether a mobile has its address of that access point, were it still to be checked for duplicates."""
        return self._address(mobile, point) is not None

    def has_address(self, mobile, point):
        """Whether a mobile has its address of that access point, and may use it."""
        a = self._address(mobile, point)
        return a is not None and not a.get("tentative")

    def solicit(self, mobile):
        """A router solicitation, as a host's network manager sends when the carrier comes: the kernel alone sends none when
        the link goes and comes back. A unicast advertisement answers it."""
        with self.ns[mobile.name].entered(), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            mac = bytes(int(x, 16) for x in mobile.mac.split(":"))
            s.sendto(bytes((133, 0, 0, 0, 0, 0, 0, 0, 1, 1)) + mac, ("ff02::2", 0, 0, socket.if_nametoindex("wlan0")))

    def move(self, moves, gap_ms=0.0):
        """moves: [(mobile, point or None)], all at the same instant. Returns {down_ns, up_ns} as it really was."""
        args = [f"{m.port}:{p.bridge if p else ''}" for m, p in moves]
        out = json.loads(self.ns["air"].run(tool("moveport"), gap_ms, *args))
        for m, p in moves:
            m.point = p
        return out

    def thin(self, point, rate):
        """Makes the link between a router and its access point a line of so many bits a second each way (thinlink). Returns
        the argument for traffic.Tool that runs it: say("rate N") changes it."""
        near, far = f"{point.name}-near", f"{point.name}-far"
        self.ns["air"].ip(f"link set {point.name} nomaster", f"link add {near} type veth peer name {far}", f"link set {near} up",
                          f"link set {far} master {point.bridge} up")
        return ["chrt", "-r", "1", tool("thinlink"), rate, point.name, near, self.dir / f"{point.name}.thin"]

    # -- end

    def close(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.terminate()
        for p in reversed(self.processes):
            try:
                p.wait(3)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
            for stream in (p.stdin, p.stdout):
                if stream:
                    stream.close()
        self.processes.clear()
        for ns in self.ns.values():
            netns.run("ip", "netns", "del", ns.name, check=False)
        self.ns.clear()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)
