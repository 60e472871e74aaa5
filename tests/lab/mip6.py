"""
A home agent with its home link, a host on it, and a mobile that is written here: its Binding Updates are made by scapy, their
authenticators by Python's HMAC, so that nothing of the daemon judges itself.

    H eth0 ──┐ bridge "home"
             HA ── core ── v0 M       M's port m0 on the home link is pulled until it comes home
    M m0 ────┘
"""

import errno
import hashlib
import hmac
import json
import os
import socket
import struct
import threading
import time

import scapy.config

scapy.config.conf.ipv6_enabled = True
from scapy.layers.inet6 import (  # noqa: E402
    HAO, MIP6MH_BA, MIP6MH_BE, MIP6MH_BU, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6HAADReply, ICMPv6HAADRequest, ICMPv6ND_RA,
    ICMPv6NDOptHAInfo, ICMPv6NDOptPrefixInfo, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6OptAltCoA,
    MIP6OptMNID, MIP6OptMsgAuth, MIP6OptReplayProtection)

from .cxtp import Router, octets  # noqa: E402
from .daemon import KEY, merged  # noqa: E402
from .netns import Netns, run  # noqa: E402
from .topology import wait_for  # noqa: E402

AGENT, HOST, HOME = "2001:db8:1::1", "2001:db8:1::9", "2001:db8:1::5"
ANYCAST = "2001:db8:1:0:fdff:ffff:ffff:fffe"  # of the home agents (RFC 2526)
CORE, COA, COA2 = "2001:db8:2::1", "2001:db8:2::10", "2001:db8:2::11"
ETH_P_IPV6, OUTGOING = 0x86DD, 4
ACK_HOME, LINK_LOCAL = "AH", "L"  # the letters of the flags
NTP = 2208988800


def home_key(home=HOME):
    """What man handoverd.conf(5) describes: HKDF-SHA256 of the master key."""
    prk = hmac.new(bytes(32), bytes.fromhex(KEY[4:]), hashlib.sha256).digest()
    return hmac.new(prk, b"handoverd mip6 mn-ha\0" + octets(home) + b"\x01", hashlib.sha256).digest()[:16]


def authenticator(key, coa, home, mh):
    """RFC 4285 §5.1; mh ends with its 12 octets of authenticator."""
    mh = mh[:4] + bytes(2) + mh[6:-12]
    return hmac.new(key, octets(coa) + octets(home) + mh, hashlib.sha1).digest()[:12]


def binding_update(seq, home=HOME, coa=COA, src=None, lifetime=30, flags=ACK_HOME, key=None, stamp=True, alt=True, hao=True,
                   at=None, spi=256):
    """A whole packet to the home agent. key: b"" for none, None for the right one. stamp: True for now."""
    src = src or coa
    options = [MIP6OptAltCoA(acoa=coa)] if alt else []
    options += [MIP6OptMNID(id=b"mn1@example.net")]
    if stamp is not None:
        t = int(((time.time() if stamp is True else stamp) + NTP) * 2 ** 32)
        options.append(MIP6OptReplayProtection(timestamp=t))
    if key != b"":
        options.append(MIP6OptMsgAuth(mspi=spi, authdata=bytes(12)))
    bu = MIP6MH_BU(seq=seq, flags=flags, mhtime=lifetime, options=options)
    packet = IPv6(src=src, dst=at or AGENT, hlim=64)
    if hao:
        packet = packet / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)])
    whole = bytes(packet / bu)
    if key == b"":
        return whole
    at = len(bytes(packet)) if not hao else 64
    mh = whole[at:]
    end = mh.rindex(struct.pack("!BBBI", 9, 17, 1, spi)) + 19
    mh = mh[:end]  # nothing stands behind the authentication option
    assert len(mh) % 8 == 0, "scapy aligned the option where padding has to follow"
    mh = mh[:1] + bytes((len(mh) // 8 - 1,)) + mh[2:-12] + authenticator(key or home_key(home), coa, home, mh)
    whole = whole[:4] + struct.pack("!H", at - 40 + len(mh)) + whole[6:at] + mh
    return with_checksum(whole, at, home if hao else src, at_dst=whole[24:40])


def with_checksum(whole, at, src, at_dst):
    mh = whole[at:at + 4] + bytes(2) + whole[at + 6:]
    pseudo = octets(src) + at_dst + struct.pack("!II", len(mh), 135) + mh
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return whole[:at + 4] + struct.pack("!H", ~total & 0xFFFF) + whole[at + 6:]


def elsewhere(whole, src):
    """The same packet from another source; its checksum is over the home address and does not tell."""
    return whole[:8] + octets(src) + whole[24:]


class Answer:
    """A Binding Acknowledgement as it came in."""

    def __init__(self, raw, at):
        self.raw, self.at, packet = raw, at, IPv6(raw)
        self.dst = packet.dst
        self.routed = packet[IPv6ExtHdrRouting].addresses[0] if IPv6ExtHdrRouting in packet else None
        self.type2 = IPv6ExtHdrRouting in packet and packet[IPv6ExtHdrRouting].type == 2
        ba = packet[MIP6MH_BA]
        self.status, self.seq, self.lifetime = ba.status, ba.seq, ba.mhtime
        self.options = {o.otype: o for o in ba.options}
        self.mh = raw[64 if self.routed else 40:]

    def authentic(self, coa, home=HOME, key=None):
        return 9 in self.options and self.mh[-12:] == authenticator(key or home_key(home), coa, home, self.mh)


class Mobile(threading.Thread):
    """Takes what comes to the mobile's namespace: keeps acknowledgements, and answers echo requests out of the tunnel into it."""

    def __init__(self, ns):
        super().__init__(daemon=True)
        self.answers, self.errors, self.inner, self.discovered = [], [], [], {}
        self.reverse = None  # (outer source, inner source) other than what came; for attacks
        self._cond, self._ended = threading.Condition(), False
        with ns.entered():
            self.packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IPV6))
            self.raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.packets.settimeout(0.2)
        self.start()

    def run(self):
        while not self._ended:
            try:
                data, (_, _, kind, *_) = self.packets.recvfrom(65536)
            except (TimeoutError, OSError):
                continue
            if kind != OUTGOING and len(data) >= 40:
                self._take(data)

    def _take(self, data):
        if data[6] == 41:
            inner = IPv6(data[40:])
            with self._cond:
                self.inner.append((socket.inet_ntop(socket.AF_INET6, data[8:24]), socket.inet_ntop(socket.AF_INET6, data[24:40]), inner))
                self._cond.notify_all()
            if ICMPv6EchoRequest in inner:
                self._reply(data, inner)
        elif data[6] == 58 and ICMPv6HAADReply in IPv6(data):
            reply = IPv6(data)[ICMPv6HAADReply]
            with self._cond:
                self.discovered[reply.id] = list(reply.addresses)
                self._cond.notify_all()
        elif data[6] == 135 and MIP6MH_BE in IPv6(data):
            with self._cond:
                self.errors.append(IPv6(data)[MIP6MH_BE])
        elif data[6] in (43, 135) and MIP6MH_BA in IPv6(data):
            with self._cond:
                self.answers.append(Answer(data, time.monotonic()))
                self._cond.notify_all()

    def _reply(self, data, inner):
        echo = inner[ICMPv6EchoRequest]
        coa = socket.inet_ntop(socket.AF_INET6, data[24:40])
        self.tunnelled(coa, IPv6(src=inner.dst, dst=inner.src) / ICMPv6EchoReply(id=echo.id, seq=echo.seq, data=echo.data))

    def tunnelled(self, coa, inner, to=AGENT):
        self.send(bytes(IPv6(src=coa, dst=to) / inner))

    def send(self, packet, limit=10.0):
        end = time.monotonic() + limit
        while True:
            try:
                return self.raw.sendto(packet, (socket.inet_ntop(socket.AF_INET6, packet[24:40]), 0))
            except OSError as e:  # the kernel's neighbour table, one for all namespaces, is full for a moment
                if e.errno != errno.EINVAL or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def answer(self, seq, limit=20, status=None):
        """The acknowledgement with that sequence number (and status, if given)."""
        with self._cond:
            found = []

            def there():
                found[:] = [a for a in self.answers if a.seq == seq and status in (None, a.status)]
                return found
            assert self._cond.wait_for(there, limit), f"no BA for {seq}: {[(a.seq, a.status) for a in self.answers]}"
            return found[-1]

    def discover(self, src, ident, limit=20):
        """The home agents that a Home Agent Address Discovery Reply names."""
        with self._cond:
            self.discovered.pop(ident, None)
        self.send(bytes(IPv6(src=src, dst=ANYCAST) / ICMPv6HAADRequest(id=ident)))
        with self._cond:
            assert self._cond.wait_for(lambda: ident in self.discovered, limit), "no reply"
            return self.discovered[ident]

    def ask(self, packet, seq, **kw):
        self.send(packet)
        return self.answer(seq, **kw)

    def close(self):
        self._ended = True
        self.join(5)
        self.packets.close()
        self.raw.close()


class HomeWorld:
    """extra: over the home agent's configuration."""

    def __init__(self, directory, extra=None):
        prefix = f"mh{os.getpid()}"
        self.ha, self.h, self.m = (Netns(prefix + n) for n in ("ha", "h", "m"))
        self.mobile = self.daemon = None
        for ns in (self.ha, self.h, self.m):
            run("ip", "netns", "add", ns.name)
            ns.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_ra=0)
        self.ha.sysctl(ipv6__conf__all__forwarding=1)
        for left, right in ((("p1", self.ha), ("eth0", self.h)), (("p2", self.ha), ("m0", self.m)), (("core", self.ha), ("v0", self.m))):
            run("ip", "link", "add", left[0], "netns", left[1].name, "type", "veth", "peer", "name", right[0], "netns", right[1].name)
        self.ha.ip("link set lo up", "link add home type bridge stp_state 0 mcast_snooping 0 forward_delay 0", "link set home up",
                   "link set p1 master home up", "link set core up", f"addr add {AGENT}/64 dev home nodad",
                   f"addr add {CORE}/64 dev core nodad")
        self.h.ip("link set lo up", "link set eth0 up", f"addr add {HOST}/64 dev eth0 nodad", f"route add default via {AGENT}")
        self.m.ip("link set lo up", "link set v0 up", f"addr add {COA}/64 dev v0 nodad", f"addr add {COA2}/64 dev v0 nodad",
                  f"route add default via {CORE}")
        self.config = merged({"role": "home-agent", "name": "ha", "log": {"level": "debug", "sink": "stderr"},
                              "interfaces": [{"name": "home", "kind": "access"}, {"name": "core", "kind": "core"}],
                              "mobiles": [{"prefix": "2001:db8:1::/64", "key": KEY}], "net": {"tunnel": "tun"},
                              "mip6": {"dad": "200ms"}}, extra)
        self.directory = directory

    def start(self):
        self.daemon = Router(self.ha, self.directory, "ha", self.config)
        wait_for("the home agent answers", lambda: self.daemon.show("home") is not None, 30)
        self.mobile = Mobile(self.m)
        return self

    def bindings(self):
        return {b["home"]: b for b in self.daemon.show("home")}

    def counter(self, name, module="mip6"):
        return self.daemon.counter(name, module)

    def ping(self, to=HOME, count=3, source=None, interval=0.05):
        """How many of the host's echo requests were answered."""
        out = self.h.run("ping", "-6", "-q", "-c", count, "-i", interval, "-W", "10", *(["-I", source] if source else []), to, check=False)
        return int(out.split(" received")[0].split()[-1])

    def neighbour(self, address=HOME):
        """What the host holds for the link-layer address of a home address."""
        for n in self.h.json("-6", "neigh", "show", address):
            return n.get("lladdr")
        return None

    def advertise(self, address, preference, flags=1):
        """A Router Advertisement on the home link, by which the host there says that it is a home agent."""
        ra = (IPv6(src="fe80::77", dst="ff02::1", hlim=255) / ICMPv6ND_RA(H=flags, routerlifetime=100)
              / ICMPv6NDOptPrefixInfo(prefix=address, prefixlen=64, R=1) / ICMPv6NDOptHAInfo(pref=preference, lifetime=60))
        with self.h.entered():
            with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as s:
                s.sendto(bytes(ra), ("eth0", ETH_P_IPV6, 0, 0, bytes.fromhex("333300000001")))

    def mac(self, ns, device):
        return json.loads(run("ip", "-n", ns.name, "-j", "link", "show", "dev", device))[0]["address"]

    def come_home(self):
        """The mobile's other interface is plugged into the home link, with the home address on it."""
        self.ha.ip("link set p2 master home up")
        self.m.ip("link set m0 up", f"addr add {HOME}/64 dev m0 nodad")

    def close(self):
        if self.mobile:
            self.mobile.close()
        ended = None
        if self.daemon:
            if self.daemon.process.poll() is None:
                self.daemon.process.terminate()
            ended = self.daemon.process.wait(15)
            self.daemon.log.close()
        for ns in (self.ha, self.h, self.m):
            run("ip", "netns", "del", ns.name, check=False)
        assert not ended
