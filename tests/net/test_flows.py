"""
Connection-tracking entries move with their mobile. Both routers have a stateful firewall: what belongs to a connection
passes, new ones come from inside only, and begin with a SYN. The mobile keeps its address when it moves, as where host routes
follow it; CXTP is spoken as in lab/cxtp.py.

              ┌─ core0 A acc0 ── m0 ─┐
    CN ── br0 ┤                      M
              └─ core0 B acc0 ── m1 ─┘
"""

import contextlib
import json
import os
import socket

import pytest

from lab import movement, traffic
from lab.cxtp import A_BIT, CTAA, NAR, NCOA, PAR, PCOA, SUBTYPE, TYPE, Router, ctar, octets
from lab.daemon import FORMS, KEY, merged
from lab.netns import Netns, run
from lab.topology import CN as LAB_CN, wait_for

CN, A_CORE, B_CORE = "2001:db8:f::c", "2001:db8:f::a", "2001:db8:f::b"
CN4, PCOA4, ACCESS4 = "198.51.100.7", "192.0.2.10", "192.0.2.1"
FPT = 65283

FIREWALL = """
table inet firewall {
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		iifname "acc0" ct state new tcp flags & (fin | syn | rst | ack) == syn accept
		counter drop
	}
	chain postrouting {
		type nat hook postrouting priority 100;
		tcp dport 8080 masquerade
	}
}
"""


class World:
    def __init__(self, directory, stack, carried=True, firewall=FIREWALL, context=None):
        prefix = f"fl{os.getpid()}"
        self.a, self.b, self.m, self.cn = (Netns(prefix + n) for n in ("a", "b", "m", "cn"))
        self.stack, self.firewall, self.context = stack, firewall, context or {}
        for ns in (self.a, self.b, self.m, self.cn):
            run("ip", "netns", "add", ns.name)
            stack.callback(run, "ip", "netns", "del", ns.name, check=False)
            ns.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
        self.cn.ip("link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set br0 up", f"addr add {CN}/64 dev br0 nodad",
                   f"addr add {CN4}/24 dev br0")
        self._router(self.a, "to-a", "m0", A_CORE, PAR, "198.51.100.1")
        self._router(self.b, "to-b", "m1", B_CORE, NAR, "198.51.100.2")
        self.m.ip("link set m0 up", "link set m1 up", f"addr add {PCOA}/64 dev m0 nodad", f"addr add {NCOA}/64 dev m1 nodad",
                  f"route add default via {PAR} dev m0", f"addr add {PCOA4}/24 dev m0", f"route add default via {ACCESS4} dev m0")
        self.cn.ip(f"route add {PCOA}/128 via {A_CORE}", f"route add {PCOA4}/32 via 198.51.100.1")
        self.par = self._daemon(directory, self.a, "A", A_CORE, "B", B_CORE, "2001:db8:b::/64", NAR, self.b, carried)
        self.nar = self._daemon(directory, self.b, "B", B_CORE, "A", A_CORE, "2001:db8:a::/64", PAR, self.a, carried)
        wait_for("the association", lambda: self.par.associated() and self.nar.associated(), 30)

    def _router(self, ns, port, mobile_port, core, access, core4):
        for left, right in ((("core0", ns), (port, self.cn)), (("acc0", ns), (mobile_port, self.m))):
            run("ip", "link", "add", left[0], "netns", left[1].name, "type", "veth", "peer", "name", right[0], "netns", right[1].name)
        ns.sysctl(ipv6__conf__all__forwarding=1, ipv4__ip_forward=1)
        ns.ip("link set core0 up", "link set acc0 up", f"addr add {core}/64 dev core0 nodad", f"addr add {access}/64 dev acc0 nodad",
              f"addr add {core4}/24 dev core0", f"addr add {ACCESS4}/24 dev acc0")
        self.cn.ip(f"link set {port} master br0 up")
        ns.run("nft", "-f", "-", stdin=self.firewall)

    def _daemon(self, directory, ns, name, address, peer, peer_address, prefix, router, peer_ns, carried):
        mac = json.loads(run("ip", "-n", peer_ns.name, "-j", "link", "show", "acc0"))[0]["address"]
        aps = {"A": "02:00:00:00:00:0a", "B": "02:00:00:00:00:0b"}
        d = Router(ns, directory, name, {
            "role": "access-router", "name": name,
            "interfaces": [{"name": "acc0", "kind": "access", "aps": [aps[name]]}, {"name": "core0", "kind": "core"}],
            "neighbors": [{"name": peer, "address": peer_address, "protect": "none",
                           "aps": [{"id": aps[peer], "prefix": prefix, "router": router, "link_address": mac}]}],
            "mobiles": [{"prefix": "2001:db8:a::/64", "key": KEY}, {"prefix": "2001:db8:b::/64", "key": KEY}],
            "context": {"conntrack": {"enabled": carried}, **self.context.get(name, {})},
            "cxtp": {"address": address, "backend": "usrsctp"}})
        self.stack.callback(self._end, d)
        return d

    @staticmethod
    def _end(daemon):
        daemon.process.terminate()
        assert daemon.process.wait(30) == 0

    def connection(self, port, to=CN, source=PCOA):
        """The mobile's and the correspondent's end of a TCP connection."""
        family = socket.AF_INET if "." in to else socket.AF_INET6
        with self.cn.entered():
            server = self.stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        with self.m.entered():
            mobile = self.stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        server.bind((to, port))
        server.listen(1)
        mobile.bind((source, 0))
        for s in (server, mobile):
            s.settimeout(30)
        mobile.connect((to, port))
        peer = self.stack.enter_context(server.accept()[0])
        peer.settimeout(30)
        for sender, receiver in ((mobile, peer), (peer, mobile)):
            sender.sendall(b"before")
            assert receive(receiver, 6) == b"before"
        return mobile, peer

    def move(self):
        """The mobile and its address go to the other link, and the way to it follows."""
        self.b.ip(f"route add {PCOA}/128 dev acc0")
        self.m.ip("route del default dev m0", "route del ::/0 dev m0", f"addr del {PCOA4}/24 dev m0", f"addr del {PCOA}/64 dev m0",
                  f"addr add {PCOA4}/24 dev m1", f"addr add {PCOA}/128 dev m1 nodad", f"route add default via {ACCESS4} dev m1",
                  f"route add default via {NAR} dev m1")
        self.cn.ip(f"route replace {PCOA}/128 via {B_CORE}", f"route replace {PCOA4}/32 via 198.51.100.2")

    def transfer(self, seq):
        """CTAR at the new router; the entries of the CTAA that answers: what did not come."""
        return self.ask(NCOA, NAR, ctar(PAR, seq, A_BIT), PCOA)

    def ask(self, source, router, message, named):
        with self.m.entered():
            s = self.stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
        s.bind((source, 0))
        s.settimeout(30)
        s.sendto(message, (router, 0))
        while True:
            data = s.recv(2048)
            if data[0] == TYPE and data[4] == SUBTYPE and data[8] == CTAA and data[12:28] == octets(named):
                return {int.from_bytes(data[i:i + 2], "big"): data[i + 2] for i in range(28, len(data), 4)}

    def metric(self, router, name):
        text = run(router.ctl, "-s", router.socket, "metrics")
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"handoverd_{name}"))

    def dropped(self, ns):
        rules = json.loads(ns.run("nft", "-j", "list", "chain", "inet", "firewall", "forward"))["nftables"]
        return sum(e["counter"]["packets"] for r in rules if "rule" in r for e in r["rule"]["expr"] if "counter" in e)


def receive(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        assert more
        data += more
    return data


@pytest.fixture
def make_world(tmp_path):
    with contextlib.ExitStack() as stack:
        yield lambda **kw: World(tmp_path, stack, **kw)


@pytest.mark.needs("nft", "conntrack")
def test_an_established_connection_passes_the_new_firewall(make_world):
    world = make_world()
    mobile, peer = world.connection(8000)
    mobile4, peer4 = world.connection(8000, CN4, PCOA4)
    world.connection(8080)
    world.move()
    assert FPT not in world.transfer(1)
    # Whichever end is the first to speak.
    for sender, receiver in ((peer, mobile), (mobile, peer), (mobile4, peer4), (peer4, mobile4)):
        sender.sendall(b"after")
        assert receive(receiver, 5) == b"after"
    assert world.metric(world.nar, "conntrack_written") >= 2
    # What is translated stays, and nothing of the mobile's else.
    wait_for("the old router's entries removed", lambda: world.metric(world.par, "conntrack_removed") >= 2, 30)
    assert world.metric(world.par, "context_conntrack_nat") == 1
    # And what nobody asked for is still kept out.
    before = world.dropped(world.b)
    with world.cn.entered(), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.setblocking(False)
        s.connect_ex((PCOA, 22))
        wait_for("a stranger's SYN dropped", lambda: world.dropped(world.b) > before, 30)


@pytest.mark.needs("nft", "conntrack")
def test_without_the_context_it_stalls(make_world):
    world = make_world(carried=False)
    mobile, peer = world.connection(8000)
    world.move()
    world.transfer(1)
    peer.sendall(b"after")
    mobile.sendall(b"after")
    wait_for("both ends to send again in vain", lambda: world.dropped(world.b) >= 6, 60)
    for s in (mobile, peer):
        s.setblocking(False)
        with pytest.raises(BlockingIOError):
            s.recv(1)


TUNNELLING = """
table inet firewall {
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		iifname "wlan" ct state new tcp flags & (fin | syn | rst | ack) == syn accept
		iifname "wlan" ct state new meta l4proto != tcp accept
		iifname "eth0" meta l4proto 41 accept
		counter drop
	}
}
"""


@pytest.mark.needs("tun", "nft", "conntrack")
def test_a_router_that_tunnels_keeps_the_entries(lab):
    """The previous router's firewall sees the flow before the tunnel. Its entries go only when the tunnel has gone."""
    c = lab(proxy=False, extra=merged(FORMS["user"], {"fmip6": {"lifetime": "4s"}}))
    here, there = c.points
    for p in c.points:
        c.topology.ns[p.name].run("nft", "-f", "-", stdin=TUNNELLING)
    c.start()
    mobile = c.mobiles[0]
    traffic.tcp_server(c.topology, "cn", 1 << 30, rate=400_000)
    fetch = traffic.tcp_fetch(c.topology, mobile.name, LAB_CN, mobile.address(here), 1 << 30)
    fetch.wait(20000)
    movement.wait_discovered(c.daemons[mobile.name], there)
    movement.predictive(c.topology, c.daemons, mobile, there, 0)
    counter = lambda name: c.daemons[here.name].counters()[name]  # noqa: E731
    wait_for("the contexts acknowledged", lambda: counter("cxtp.ctdr_received") >= 1, 30)
    fetch.wait(fetch.report()["bytes"] + 400_000, 60)
    assert counter("conntrack.removed") == 0
    c.daemons[mobile.name].stop()
    wait_for("the entries removed after the tunnel", lambda: counter("conntrack.removed") >= 1, 60)
