"""
A mobile's rate moves with it: its first router has it from the configuration, the next ones from CXTP. The network is that
of test_flows.py, without the firewalls.
"""

import contextlib
import hashlib
import hmac
import json
import socket
import struct

import pytest

from lab.cxtp import A_BIT, CTAR, NAR, NCOA, PAR, PCOA, SUBTYPE, TYPE, octets
from lab.daemon import KEY
from lab.topology import wait_for
from test_flows import CN, World

FPT = 65284
RATE = {"prefix": "2001:db8:a::/64", "down": "8k", "up": "1M", "burst": "1k", "dscp": 46}  # 1,000 octets a second, and 1,024


@pytest.fixture
def world(tmp_path):
    with contextlib.ExitStack() as stack:
        yield World(tmp_path, stack, firewall="", context={"A": {"rate": {"mobiles": [RATE]}}})


def ctar_back(seq):
    """The mobile that was NCOA at B asks A for its contexts (RFC 4067 §2.5.1; the key: handoverd.conf(5))."""
    number = struct.pack("!I", seq)
    prk = hmac.new(bytes(32), bytes.fromhex(KEY[4:]), hashlib.sha256).digest()
    info = b"handoverd cxtp transfer\0" + octets(NCOA) + octets(NAR) + number
    key = hmac.new(prk, info + b"\x01", hashlib.sha256).digest()[:20]
    token = hmac.new(key, octets(NCOA) + number, hashlib.sha1).digest()[:4]
    body = octets(NCOA) + octets(NAR) + number + token
    return struct.pack("!BBHB3x", TYPE, 0, 0, SUBTYPE) + struct.pack("!BBH", CTAR, A_BIT, 4 + len(body)) + body


def rates(router):
    return [c for c in router.show("contexts") or [] if c["fpt"] == FPT]


def dropped(ns, chain):
    rules = json.loads(ns.run("nft", "-j", "list", "chain", "inet", "handoverd-rate", chain))["nftables"]
    return sum(e["counter"]["packets"] for r in rules if "rule" in r for e in r["rule"]["expr"] if "counter" in e)


def flood(world, to):
    """100,000 octets at once, of which the rate lets some 2,000 pass, and 1,000 more with each second. Returns the receiver."""
    with world.m.entered():
        receiver = world.stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    receiver.setsockopt(socket.IPPROTO_IPV6, 66, 1)  # IPV6_RECVTCLASS
    receiver.settimeout(30)
    receiver.bind((to, 9000))
    with world.cn.entered(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(bytes(452), (to, 9000))
    return receiver


def dscp(receiver):
    _, control, _, _ = receiver.recvmsg(2048, 64)
    return struct.unpack("@i", control[0][2])[0] >> 2


@pytest.mark.needs("nft", "conntrack")
def test_the_rate_moves_with_the_mobile(world):
    receiver = flood(world, PCOA)
    wait_for("the configured rate", lambda: dropped(world.a, "down-prefix0") >= 100, 30)
    assert dscp(receiver) == 46
    world.move()
    world.cn.ip("route add 2001:db8:b::/64 via 2001:db8:f::b", "route add 2001:db8:a::/64 via 2001:db8:f::a")
    assert FPT not in world.transfer(1)
    there = rates(world.nar)
    assert [(r["mobile"], r["down"], r["up"], r["dscp"]) for r in there] == [(NCOA, 8000, 1000000, 46)]
    receiver = flood(world, NCOA)
    wait_for("the rate at the new router", lambda: dropped(world.b, "known-down") >= 100, 30)
    assert dscp(receiver) == 46
    # Back to the first router, which gets it from the second; there it is gone.
    world.m.ip(f"addr del {PCOA}/128 dev m1", f"addr add {PCOA}/64 dev m0 nodad")
    assert FPT not in world.ask(PCOA, PAR, ctar_back(2), NCOA)
    assert [(r["mobile"], r["down"]) for r in rates(world.par)] == [(PCOA, 8000)]
    wait_for("the rate gone", lambda: not rates(world.nar), 30)
    table = world.b.run("nft", "list", "table", "inet", "handoverd-rate")
    assert "elements" not in table and "limit down-" not in table
