"""
Mobiles with IPv4 (CTAR and CTAA in ICMP type 41), and with both families at once: each of its addresses is moved by a transfer
of its own.
"""

import hashlib
import hmac
import ipaddress
import socket
import struct
import time

import pytest

from lab import movement
from lab.daemon import FORMS, KEY
from lab.topology import wait_for

pytestmark = pytest.mark.needs("tun")
CTAR, CTAA, V4, A_BIT = 0x21, 0x22, 0x80, 0x40


def net4(point):
    return f"192.0.2.{point.n * 64 - 64}/26"


def router4(point):
    return f"192.0.2.{point.n * 64 - 63}"


def address4(point):
    return f"192.0.2.{point.n * 64 - 54}"


@pytest.fixture
def cast(lab):
    """The lab's network with IPv4 on the access links; the mobile at the first router, known there by both families."""
    def make(**kw):
        c = lab(proxy=False, extra=FORMS["user"], **kw)
        for p in c.points:
            config = c.daemons[p.name].config
            for n in config["neighbors"]:
                other = next(q for q in c.points if q.name == n["name"])
                n["aps"][0].update(prefix4=net4(other), router4=router4(other))
            config["mobiles"].append({"prefix": "192.0.2.0/24", "key": KEY})
            c.daemons[p.name].write()
            c.topology.ns[p.name].ip(f"addr add {router4(p)}/26 dev wlan")
        for m in c.mobiles:
            c.daemons[m.name].config["mobiles"].append({"prefix": "192.0.2.0/24", "key": KEY})
            c.daemons[m.name].write()
            c.topology.ns[m.name].ip("link set wlan0 up", f"addr add {address4(c.points[0])}/26 dev wlan0",
                                     f"route add default via {router4(c.points[0])}")
        c.start()
        for m in c.mobiles:
            c.topology.ns[m.name].run("ping", "-c1", "-W5", router4(c.points[0]))
        return c
    return make


def renumber(c, mobile, here, there):
    """What a DHCP client does on the new link."""
    c.topology.ns[mobile.name].ip(f"addr del {address4(here)}/26 dev wlan0", f"addr add {address4(there)}/26 dev wlan0",
                                  f"route add default via {router4(there)}")


def test_both_families_move(cast):
    c = cast()
    mobile, (here, there) = c.mobiles[0], c.points
    six, four = mobile.address(here), address4(here)
    movement.wait_discovered(c.daemons[mobile.name], there)
    movement.predictive(c.topology, c.daemons, mobile, there, 20)
    renumber(c, mobile, here, there)
    for node, step in ((mobile.name, "CTAA"), (there.name, "contexts"), (here.name, "CTDR")):
        for address in (six, four):
            record = c.daemons[node].wait_handover(address, limit=30)
            assert record["result"] == "complete" and step in [s["name"] for s in record["steps"]], (node, record)
    # The IPv6 one announced, the IPv4 one on arrival.
    assert "PCTD" in [s["name"] for s in c.daemons[there.name].handovers(six)[-1]["steps"]]
    assert "CT-Req" in [s["name"] for s in c.daemons[there.name].handovers(four)[-1]["steps"]]


# ---- the octets of IPv4, by a mobile that is not the daemon --------------------------------------------------------------


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ctar4(pcoa, par, named, seq, flags, forged=False):
    """RFC 4067 §2.5.1 with the V bit, under the key of a transfer between IPv4 addresses in their mapped form."""
    def mapped(a):
        return bytes(10) + b"\xff\xff" + ipaddress.IPv4Address(a).packed

    number = struct.pack("!I", seq)
    prk = hmac.new(bytes(32), bytes.fromhex(KEY[4:]), hashlib.sha256).digest()
    key = hmac.new(prk, b"handoverd cxtp transfer\0" + mapped(pcoa) + mapped(par) + number + b"\x01", hashlib.sha256).digest()[:20]
    token = hmac.new(key, ipaddress.IPv4Address(pcoa).packed + number, hashlib.sha1).digest()[:4]
    if forged:
        token = bytes(b ^ 255 for b in token)
    message = struct.pack("!BBH", CTAR, V4 | flags, 20) + ipaddress.IPv4Address(pcoa).packed + ipaddress.IPv4Address(named).packed
    packet = struct.pack("!BBHB3x", 41, 0, 0, 1) + message + number + token
    return packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]


class Mobile4:
    def __init__(self, ns, source, to, packet, ttl=255):
        with ns.entered():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        self.socket.bind((source, 0))
        self.socket.sendto(packet, (to, 0))

    def answer(self, limit=20):
        """(TTL, CTAA) of the answer."""
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            data = self.socket.recv(2048)
            body = data[(data[0] & 15) * 4:]
            if body[0] == 41 and body[4] == 1 and body[8] == CTAA:
                assert checksum(body) == 0
                return data[8], body[8:]
        raise TimeoutError


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "on-arrival"])
def test_octets_of_ipv4(cast, announced):
    c = cast()
    mobile, (here, there) = c.mobiles[0], c.points
    ns, (par, nar) = c.topology.ns[mobile.name], (c.daemons[here.name], c.daemons[there.name])
    c.daemons[mobile.name].stop()
    pcoa = address4(here)

    def count(daemon, name):
        return daemon.counters()["cxtp." + name]

    Mobile4(ns, pcoa, router4(here), ctar4(pcoa, router4(here), router4(there), 8, 0), ttl=64)
    Mobile4(ns, pcoa, router4(here), ctar4(pcoa, router4(here), router4(there), 9, 0, forged=True))
    wait_for("both refused", lambda: count(par, "hop_limit") == 1 and count(par, "token_refused") == 1, 20)
    if announced:
        Mobile4(ns, pcoa, router4(here), ctar4(pcoa, router4(here), router4(there), 7, 0))
        wait_for("the push", lambda: count(nar, "pctd_received") == 1, 20)
    c.topology.move([(mobile, there)], 0)
    renumber(c, mobile, here, there)
    ttl, ctaa = Mobile4(ns, address4(there), router4(there), ctar4(pcoa, router4(here), router4(here), 7, A_BIT)).answer()
    assert ttl == 255 and ctaa == struct.pack("!BBH", CTAA, V4, 8) + ipaddress.IPv4Address(pcoa).packed
    wait_for("the CTDR", lambda: count(par, "ctdr_received") == 1, 20)
    assert count(nar, "ctreq_sent") == (0 if announced else 1)
