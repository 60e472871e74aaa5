"""
scripts/wireshark/cxtp.lua, read by tshark: messages written out in octets, right and wrong ones, and what goes between two
routers and a mobile in a predictive and a reactive handover.
"""

import hashlib
import hmac
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from lab import movement, traffic
from lab.daemon import FORMS, KEY
from lab.netns import LabError
from lab.topology import GROUP, TOP, wait_for

LUA = TOP / "scripts/wireshark/cxtp.lua"
FIELDS = """frame.protocols _ws.col.Protocol _ws.col.Info ipv6.src ipv6.dst icmpv6.type icmp.type cxtp.type cxtp.flags.v cxtp.flags.a
cxtp.flags.s cxtp.flags.reserved cxtp.length cxtp.elapsed cxtp.mobile.ipv6 cxtp.mobile.ipv4 cxtp.router.ipv6 cxtp.router.ipv4 cxtp.seq
cxtp.token cxtp.algorithm cxtp.key.length cxtp.key cxtp.fpt cxtp.cdb.length cxtp.cdb.p cxtp.cdb.presence cxtp.cdb.data cxtp.cdb.padding
cxtp.neighbor.link_address cxtp.neighbor.ipv6 cxtp.neighbor.ipv4 cxtp.filter.mode cxtp.filter.group.ipv6 cxtp.filter.group.ipv4
cxtp.filter.source.ipv6 cxtp.filter.source.ipv4 cxtp.conntrack.mobile.ipv4 cxtp.conntrack.left_out cxtp.conntrack.protocol
cxtp.conntrack.peer.ipv4 cxtp.conntrack.peer.ipv6 cxtp.conntrack.srcport cxtp.conntrack.dstport cxtp.conntrack.mark
cxtp.conntrack.state cxtp.conntrack.responder cxtp.conntrack.sctp.vtag cxtp.rate.down cxtp.rate.up cxtp.rate.burst
cxtp.rate.class cxtp.rate.dscp cxtp.status cxtp.trailer cxtp.mld.prefix cxtp.mld.group cxtp.response_in cxtp.response_to cxtp.time cxtp.repeats""".split()
REMARKS = """wrong_version unknown_type malformed bad_length bad_checksum bad_code bad_hop_limit bad_reserved bad_padding bad_address
bad_group unknown_algorithm ordered short_form refused no_token repeated cut""".split()
BROKEN = ("_ws.lua.error", "_ws.expert.message")


def broken(packet):
    """Whether a dissector fell over it. Remarks about malformed messages are no such thing."""
    return packet.get("_ws.lua.error") or "xception" in packet.get("_ws.expert.message", "")


def read(pcap, *options):
    """One dict for each packet: the fields that it has, and the set of the dissector's remarks as "remarks"."""
    fields = FIELDS + ["cxtp." + r for r in REMARKS] + list(BROKEN)
    argv = ["tshark", "-X", f"lua_script:{LUA}", "-2", *options, "-r", pcap, "-T", "fields", "-E", "separator=\t"]
    r = subprocess.run(argv + [w for f in fields for w in ("-e", f)], capture_output=True, text=True, check=True)
    out = []
    for line in r.stdout.splitlines():
        p = {f: v for f, v in zip(fields, line.split("\t")) if v}
        p["remarks"] = {r for r in REMARKS if p.pop("cxtp." + r, None)}
        out.append(p)
    return out


# ---- octets on a wire ----------------------------------------------------------------------------------------------------

A, B = (socket.inet_pton(socket.AF_INET6, a) for a in ("2001:db8:a::10", "2001:db8:a::1"))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data)) if len(data) % 2 == 0 else checksum_odd(data)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def checksum_odd(data):
    return sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0"))


def ip6(protocol, payload, hops, source=A, to=B):
    return struct.pack("!IHBB", 0x60000000, len(payload), protocol, hops) + source + to + payload


def ip4(protocol, payload, ttl):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, ttl, protocol, 0) + bytes((192, 0, 2, 10, 192, 0, 2, 1))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def icmp6(message, hops=255, kind=150, code=0, subtype=1, spoil=0, source=A, to=B):
    body = struct.pack("!BBHB3x", kind, code, 0, subtype) + message
    right = checksum(source + to + struct.pack("!II", len(body), 58) + body)
    return ip6(58, body[:2] + struct.pack("!H", right ^ spoil) + body[4:], hops, source, to)


def icmp4(message, ttl=255, spoil=0):
    body = struct.pack("!BBHB3x", 41, 0, 0, 1) + message
    return ip4(1, body[:2] + struct.pack("!H", checksum(body) ^ spoil) + body[4:], ttl)


def sctp(*messages, tsn, unordered=True, ppid=0x43585450, port=5091, source=A, to=B):
    chunks = b"".join(struct.pack("!BBHIHHI", 0, 7 if unordered else 3, 16 + len(m), tsn + i, 0, 0, ppid) + m + bytes(-len(m) % 4)
                      for i, m in enumerate(messages))
    return ip6(132, struct.pack("!HHII", port, port, 1, 0) + chunks, 64, source, to)


def in_udp(packet):
    """A bare IPv6 packet of SCTP, in UDP."""
    payload = struct.pack("!HHHH", 9899, 9899, len(packet) - 32, 0) + packet[40:]
    return ip6(17, payload, 64)


def write_pcap(path, packets, snap=65535):
    """Bare IP packets, a millisecond apart."""
    out = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap, 101)
    for i, p in enumerate(packets):
        out += struct.pack("=IIII", 1, i * 1000, len(p[:snap]), len(p)) + p[:snap]
    path.write_bytes(out)
    return path


# ---- messages, each with what must be read in it and nothing else to remark ------------------------------------------------

MN6, AR6, SEQ_TOKEN = "20010db8000a00000000000000000010", "20010db8000b00000000000000000001", "01020304 a0b0c0d0"
MN4, AR4 = "c000020a", "c6336401"
MLD = "0001 04 00 20010db8000b0000 ff3e0000000000000000000000001234 00000000"
PRESENT = "4001 02 80 c0000000 5a00000000000000"
ASK = "0001 01 00 00000000"
KEY20 = "000102030405060708090a0b0c0d0e0f10111213"
V6 = {"cxtp.flags.v": "0", "cxtp.mobile.ipv6": "2001:db8:a::10"}
V4 = {"cxtp.flags.v": "1", "cxtp.mobile.ipv4": "192.0.2.10"}
ASKED = {"cxtp.seq": "0x01020304", "cxtp.token": "0xa0b0c0d0"}
LISTENS = {"cxtp.mld.prefix": "2001:db8:b::", "cxtp.mld.group": "ff3e::1234", "cxtp.cdb.padding": "00000000"}

GOOD = [
    ("CTAR v6", "21 00 002c" + MN6 + AR6 + SEQ_TOKEN,
     {**V6, **ASKED, "cxtp.type": "1", "cxtp.flags.a": "0", "cxtp.length": "44", "cxtp.router.ipv6": "2001:db8:b::1"}),
    ("CTAR v6, A, two features", "21 40 003c" + MN6 + AR6 + SEQ_TOKEN + ASK + "ffff 01 00 00000000",
     {**V6, **ASKED, "cxtp.flags.a": "1", "cxtp.fpt": "0x0001,0xffff", "cxtp.cdb.length": "1,1"}),
    ("CTAR v4", "21 80 0014" + MN4 + AR4 + SEQ_TOKEN, {**V4, **ASKED, "cxtp.type": "1", "cxtp.router.ipv4": "198.51.100.1"}),
    ("CTAA v6, all transferred", "22 00 0014" + MN6, {**V6, "cxtp.type": "2"}),
    ("CTAA v4, all transferred", "22 80 0008" + MN4, {**V4, "cxtp.type": "2"}),
    ("CTD v6, nothing to transfer", "23 00 0018 00000000" + MN6, {**V6, "cxtp.type": "3", "cxtp.elapsed": "0", "cxtp.flags.a": "0"}),
    ("CTD v6", "23 40 0048 000003e8" + MN6 + MLD + PRESENT,
     {**V6, **LISTENS, "cxtp.type": "3", "cxtp.flags.a": "1", "cxtp.elapsed": "1000", "cxtp.fpt": "0x0001,0x4001",
      "cxtp.cdb.length": "4,2", "cxtp.cdb.p": "0,1", "cxtp.cdb.presence": "0xc0000000", "cxtp.cdb.data": "5a00000000000000"}),
    ("CTD v4", "23 c0 002c ffffffff" + MN4 + MLD, {**V4, **LISTENS, "cxtp.elapsed": "4294967295"}),
    ("PCTD v6", "24 40 0050 000003e8" + MN6 + "0001 0014" + KEY20 + MLD,
     {**V6, **LISTENS, "cxtp.type": "4", "cxtp.algorithm": "1", "cxtp.key.length": "20", "cxtp.key": None}),
    ("PCTD v4, a key of one octet", "24 80 0011 00000000" + MN4 + "0001 0001 5a",
     {**V4, "cxtp.type": "4", "cxtp.key.length": "1", "cxtp.key": None}),
    ("CTDR v6, S", "25 40 0018" + MN6 + "0001 00 00", {**V6, "cxtp.type": "5", "cxtp.flags.s": "1", "cxtp.fpt": "0x0001", "cxtp.status": "0"}),
    ("CTDR v4, S", "25 c0 0008" + MN4, {**V4, "cxtp.type": "5", "cxtp.flags.s": "1", "cxtp.flags.a": None}),
    ("a neighbour binding, both addresses", "23 00 0038 00000000" + MN6 + "ff01 04 00 020000000001" + MN6 + MN4 + "0000",
     {"cxtp.fpt": "0xff01", "cxtp.neighbor.link_address": "02:00:00:00:00:01", "cxtp.neighbor.ipv6": "2001:db8:a::10",
      "cxtp.neighbor.ipv4": "192.0.2.10", "cxtp.cdb.data": None}),
    ("a neighbour binding, no IPv6 address", "23 00 0030 00000000" + MN6 + "ff01 03 80 a0000000 020000000001" + MN4 + "000000000000",
     {"cxtp.neighbor.link_address": "02:00:00:00:00:01", "cxtp.neighbor.ipv6": None, "cxtp.neighbor.ipv4": "192.0.2.10"}),
    ("an IPv4 listener with two sources", "23 00 0030 00000000" + MN6 + "ff02 03 00 04 00 0002 e8010203" + MN4 + AR4 + "00000000",
     {"cxtp.filter.mode": "0", "cxtp.filter.group.ipv4": "232.1.2.3", "cxtp.filter.source.ipv4": "192.0.2.10,198.51.100.1"}),
    ("an IPv6 listener to all but none", "23 00 0030 00000000" + MN6 + "ff05 03 00 10 01 0000 ff3e0000000000000000000000001234",
     {"cxtp.filter.mode": "1", "cxtp.filter.group.ipv6": "ff3e::1234", "cxtp.filter.source.ipv6": None}),
    ("two flows, IPv4", "23 80 0044 00000000" + MN4 + "ff03 07 00 01 04 02 00 0003" + MN4
     + "70 06" + AR4 + "d431 0050 00000e10 0000002a 03 22 77" + "80 01" + AR4 + "1234 0800 0000001e" + "00" * 7,
     {"cxtp.conntrack.mobile.ipv4": "192.0.2.10", "cxtp.conntrack.left_out": "3", "cxtp.conntrack.protocol": "6,1",
      "cxtp.conntrack.peer.ipv4": "198.51.100.1,198.51.100.1", "cxtp.conntrack.srcport": "54321,4660",
      "cxtp.conntrack.dstport": "80,2048", "cxtp.conntrack.mark": "0x0000002a", "cxtp.conntrack.state": "3",
      "cxtp.conntrack.responder": "0,1", "cxtp.cdb.padding": "00000000000000"}),
    ("a flow of SCTP, IPv6", "23 00 0058 00000000" + MN6 + "ff03 08 00 01 06 01 00 0000" + MN6
     + "00 84" + AR6 + "13e3 13e3 00000078 04 11111111 22222222" + "000000",
     {"cxtp.conntrack.peer.ipv6": "2001:db8:b::1", "cxtp.conntrack.sctp.vtag": "0x11111111,0x22222222", "cxtp.conntrack.state": "4"}),
    ("a rate towards the mobile and a DSCP", "23 00 0030 00000000" + MN6 + "ff04 03 80 88000000 00000000000f4240 2e 00000000000000",
     {"cxtp.rate.down": "1000000", "cxtp.rate.dscp": "46", "cxtp.rate.up": None, "cxtp.rate.burst": None,
      "cxtp.cdb.padding": "00000000000000"}),
    ("a rate of all fields", "23 00 0038 00000000" + MN6 + "ff04 04 00 00000000000f4240 000000000007a120 00004000 00010020 ff 000000",
     {"cxtp.rate.down": "1000000", "cxtp.rate.up": "500000", "cxtp.rate.burst": "16384", "cxtp.rate.class": "0x00010020",
      "cxtp.rate.dscp": "255"}),
    ("CTC v6", "26 00 0014" + MN6, {**V6, "cxtp.type": "6"}),
    ("CTC v4", "26 80 0008" + MN4, {**V4, "cxtp.type": "6"}),
    ("CT-Req v6", "27 00 0024" + MN6 + SEQ_TOKEN + ASK, {**V6, **ASKED, "cxtp.type": "7", "cxtp.fpt": "0x0001"}),
    ("CT-Req v4", "27 80 0010" + MN4 + SEQ_TOKEN, {**V4, **ASKED, "cxtp.type": "7"}),
]

# ---- and those with something to remark: what, and what is read nevertheless ------------------------------------------------

C = "26 00 0014" + MN6
REMARKABLE = [
    ("version 2", "41 00 002c" + MN6 + AR6 + SEQ_TOKEN, {"wrong_version"}, {"cxtp.length": None}),
    ("version 0", "06 00 0014" + MN6, {"wrong_version"}, {}),
    ("type 0", "20 00 0014" + MN6, {"unknown_type"}, {"cxtp.length": "20"}),
    ("type 8", "28 00 0014" + MN6, {"unknown_type"}, {}),
    ("all reserved bits, no flag in it", "26 7f 0014" + MN6, {"bad_reserved"}, {"cxtp.flags.reserved": "0x7f"}),
    ("all reserved bits beside a flag", "25 7f 0014" + MN6, {"bad_reserved"}, {"cxtp.flags.reserved": "0x3f", "cxtp.flags.s": "1"}),
    ("a reserved octet of a status entry", "25 00 0018" + MN6 + "0001 00 ff", {"bad_reserved"}, {"cxtp.status": "0"}),
    ("reserved bits of a block", "23 00 0020 00000000" + MN6 + "4001 01 7f 11223344", {"bad_reserved"}, {"cxtp.cdb.p": "0"}),
    ("one octet", "26", {"malformed"}, {}),
    ("header only", "26 00 0004", {"malformed"}, {"cxtp.type": "6"}),
    ("length 0", "26 00 0000" + MN6, {"bad_length"}, V6),
    ("length too large", "26 00 ffff" + MN6, {"bad_length"}, V6),
    ("length too small", "26 00 0013" + MN6, {"bad_length", "malformed"}, {"cxtp.trailer": "10"}),
    ("octets after the message", C + "0000", {"bad_length"}, {**V6, "cxtp.trailer": "0000"}),
    ("octets after the last field", "26 00 0018" + MN6 + "01020304", {"malformed"}, {**V6, "cxtp.trailer": "01020304"}),
    ("ends in the mobile's address", "26 00 0013" + MN6[:-2], {"malformed"}, {}),
    ("ends in the router's address", "21 00 0018" + MN6 + "20010db8", {"malformed"}, V6),
    ("ends in the token", "27 00 001a" + MN6 + "01020304 a0b0", {"malformed"}, {"cxtp.seq": "0x01020304", "cxtp.token": None}),
    ("a mobile that is a group", "26 00 0014 ff020000000000000000000000000001", {"bad_address"}, {}),
    ("a mobile that is nobody", "26 00 0014" + "00" * 16, {"bad_address"}, {}),
    ("a mobile that is IPv4 in disguise", "26 00 0014" + "00" * 10 + "ffff" + MN4, {"bad_address"}, {}),
    ("a mobile 224.0.0.1", "26 80 0008 e0000001", {"bad_address"}, {}),
    ("no key", "24 00 001c 00000000" + MN6 + "0001 0000", {"malformed"}, {"cxtp.key.length": "0"}),
    ("key longer than the message", "24 00 001d 00000000" + MN6 + "0001 0002 5a", {"malformed"}, {"cxtp.key.length": "2"}),
    ("an algorithm not defined", "24 00 001d 00000000" + MN6 + "0002 0001 5a", {"unknown_algorithm"}, {"cxtp.algorithm": "2"}),
    ("half a block", "23 00 001a 00000000" + MN6 + "0001", {"malformed"}, {"cxtp.fpt": None}),
    ("a block longer than the message", "23 00 0020 00000000" + MN6 + "4001 02 00 00000000", {"malformed"}, {"cxtp.fpt": "0x4001"}),
    ("a block of 255 words in a short message", "23 00 0020 00000000" + MN6 + "4001 ff 00 00000000", {"malformed"}, {"cxtp.cdb.length": "255"}),
    ("a block of 0 words with data", "23 00 0020 00000000" + MN6 + "4001 00 00 00000000", {"malformed"}, {"cxtp.cdb.length": "0"}),
    ("a request in its short form, 0", "27 00 0020" + MN6 + SEQ_TOKEN + "0001 00 00", {"short_form"}, {"cxtp.fpt": "0x0001"}),
    ("a request in its short form, 1", "27 00 0020" + MN6 + SEQ_TOKEN + "0001 01 00", {"short_form"}, {"cxtp.fpt": "0x0001"}),
    ("a short form has no presence vector", "27 00 0020" + MN6 + SEQ_TOKEN + "0001 00 80", {"short_form", "malformed"}, {}),
    ("padding of a request", "27 00 0024" + MN6 + SEQ_TOKEN + "0001 01 00 00000001", {"bad_padding"}, {}),
    ("padding of a listener", "23 00 0038 00000000" + MN6 + MLD[:-1] + "1", {"bad_padding"}, {"cxtp.mld.group": "ff3e::1234"}),
    ("a listener of a word too many", "23 00 0040 00000000" + MN6 + MLD.replace("0001 04", "0001 05") + "00" * 8, {"malformed"}, {}),
    ("a listener cut short", "23 00 0028 00000000" + MN6 + "0001 02 00 20010db8000b0000 ff3e0000", {"malformed"}, {"cxtp.mld.group": None}),
    ("a listener of no group", "23 00 0038 00000000" + MN6 + MLD.replace("ff3e", "fe3e"), {"bad_group"}, {}),
    ("an unknown field of a neighbour binding", "23 00 0030 00000000" + MN6 + "ff01 03 80 b0000000 020000000001" + MN4 + "000000000000",
     {"malformed"}, {}),
    ("a listener whose sources are missing", "23 00 0028 00000000" + MN6 + "ff02 02 00 04 00 0009 e8010203 c0000201", {"malformed"}, {}),
    ("a listener of an odd family", "23 00 0020 00000000" + MN6 + "ff02 01 00 05 00 0000", {"malformed"}, {}),
    ("flows of another version", "23 00 0020 00000000" + MN6 + "ff03 01 00 02 00 0000", {"malformed"}, {}),
    ("fewer flows than are said", "23 00 0038 00000000" + MN6 + "ff03 04 00 01 06 01 00 0000" + MN6 + "000000000000", {"malformed"}, {}),
    ("a status of its feature's own", "25 00 001c" + MN6 + "ff01 20 00 ff03 21 00", {"refused"}, {"cxtp.status": "32,33"}),
    ("a piece of a status entry", "22 00 0017" + MN6 + "000102", {"malformed"}, {"cxtp.status": None}),
    ("refused contexts", "22 00 001c" + MN6 + "0001 02 00 ffff ff 00", {"refused"}, {"cxtp.fpt": "0x0001,0xffff", "cxtp.status": "2,255"}),
    ("asked before the CTAR came", "27 00 001c" + MN6 + "00000000 00000000", {"no_token"}, {"cxtp.seq": "0x00000000"}),
]

OVER_ICMP = ("1", "2")


def carried(octets, tsn):
    """The message the way its type travels."""
    message = bytes.fromhex(octets)
    if message[0] & 0x1f not in (1, 2):
        return sctp(message, tsn=tsn)
    return icmp4(message) if len(message) > 1 and message[1] & 0x80 else icmp6(message)


def good(name):
    return bytes.fromhex(next(octets for n, octets, _ in GOOD if n == name))


def has(packet, expected):
    return {k: packet.get(k) for k in expected}


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    octets = [x[1] for x in GOOD + REMARKABLE]
    # Each from a sender of its own, so that none answers or repeats another.
    pcap = write_pcap(tmp_path_factory.mktemp("cxtp") / "messages.pcap", [carried(x, 7 * i + 1) for i, x in enumerate(octets)])
    out = read(pcap)
    assert len(out) == len(octets)
    return out


def test_messages_are_read(readings):
    for (name, octets, expected), p in zip(GOOD, readings):
        assert p["_ws.col.Protocol"] == "CXTP" and p["frame.protocols"].endswith("cxtp"), name
        assert not p["remarks"] - {"repeated"} and not broken(p), (name, p)
        assert has(p, expected) == expected, name
        over = {"1": "cxtp_icmp", "2": "cxtp_icmp"}.get(p["cxtp.type"], "sctp")
        assert over in p["frame.protocols"], name


def test_what_is_wrong_is_remarked(readings):
    for (name, octets, remarks, expected), p in zip(REMARKABLE, readings[len(GOOD):]):
        assert not broken(p), (name, p)
        assert p["remarks"] - {"repeated"} == remarks, (name, p)
        assert has(p, expected) == expected, name


def test_every_message_cut_at_every_length(tmp_path):
    """Whatever is missing, there is a remark and no error."""
    messages = [bytes.fromhex(octets) for _, octets, _ in GOOD]
    cuts = [m[:n] for m in messages for n in range(len(m))]
    for p in read(write_pcap(tmp_path / "cut.pcap", [sctp(m, tsn=i + 1) for i, m in enumerate(cuts) if m])):
        assert p["remarks"] & {"malformed", "bad_length"} and not broken(p), p


def test_a_capture_with_short_packets(tmp_path):
    """A message that the capture has cut is not called malformed."""
    whole = icmp6(good("CTAR v6, A, two features"))
    for snap in (51, 55, 70, 90, 92, 100, len(whole) - 1):
        for p in read(write_pcap(tmp_path / "snapped.pcap", [whole], snap)):
            assert p["remarks"] == {"cut"}, snap


def test_the_key_is_shown_on_demand(tmp_path):
    pcap = write_pcap(tmp_path / "pctd.pcap", [sctp(good("PCTD v6"), tsn=1)])
    assert "cxtp.key" not in read(pcap)[0]
    assert read(pcap, "-o", "cxtp.show_key:TRUE")[0]["cxtp.key"] == KEY20


def test_numbers_of_contexts_are_configurable(tmp_path):
    name, octets, expected = next(x for x in GOOD if x[0].startswith("an IPv4 listener"))
    pcap = write_pcap(tmp_path / "private.pcap", [sctp(bytes.fromhex(octets.replace("ff02", "4001")), tsn=1)])
    assert "cxtp.filter.mode" not in read(pcap)[0]
    assert has(read(pcap, "-o", "cxtp.fpt_multicast4:16385")[0], expected) == expected


def test_what_carries_a_message(tmp_path):
    ctar = good("CTAR v6")
    packets = [
        (icmp6(ctar, hops=64), {"bad_hop_limit"}),
        (icmp6(ctar, spoil=0x10), {"bad_checksum"}),
        (icmp6(ctar, code=1), {"bad_code"}),
        (icmp6(b""), {"malformed"}),
        (icmp4(good("CTAR v4"), ttl=1, spoil=1), {"bad_hop_limit", "bad_checksum"}),
        (sctp(bytes.fromhex(C), tsn=1, ppid=0), set()),                 # known by its port
        (sctp(bytes.fromhex(C), tsn=2, port=40000), set()),             # known by its identifier
        (sctp(bytes.fromhex(C), tsn=3, unordered=False), {"ordered"}),
        (in_udp(sctp(bytes.fromhex(C), tsn=4)), set()),                 # RFC 6951
        (sctp(bytes.fromhex(C), good("CTDR v6, S"), tsn=5), set()),  # bundled
    ]
    out = read(write_pcap(tmp_path / "carriers.pcap", [p for p, _ in packets]))
    for (_, remarks), p in zip(packets, out):
        assert p["remarks"] - {"repeated"} == remarks and "cxtp" in p["frame.protocols"], p
    assert out[-1]["cxtp.type"] == "6,5"
    assert out[0]["icmpv6.type"] == "150" and out[4]["icmp.type"] == "41"


def test_others_are_left_to_wireshark(tmp_path):
    """FMIPv6 under the same type, echo requests, something malformed, and an error message that quotes a CTAR."""
    ctar = icmp6(good("CTAR v6"), hops=64)
    packets = [icmp6(bytes.fromhex("0101020000000001"), subtype=2), icmp6(b"", kind=128), ip4(1, bytes.fromhex("0800f7ff00000000"), 64),
               icmp6(b"\x12\x34", subtype=2), icmp6(ctar, kind=3, subtype=0)]
    plain = subprocess.run(["tshark", "-2", "-r", write_pcap(tmp_path / "others.pcap", packets), "-T", "fields", "-e", "frame.number",
                            "-e", "icmpv6.type", "-e", "icmp.type", "-e", "_ws.col.Protocol"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    out = read(tmp_path / "others.pcap")
    for words, p in zip(plain[:4], out):
        assert words.split("\t")[1:] == [p.get("icmpv6.type", ""), p.get("icmp.type", ""), p["_ws.col.Protocol"]]
        assert "cxtp.type" not in p and not p.get("_ws.lua.error")
    # What is quoted is read, and not judged by the headers of the message that quotes it.
    assert out[4]["icmpv6.type"] == "3,150" and out[4]["cxtp.seq"] == "0x01020304" and not out[4]["remarks"]


def test_questions_and_answers(tmp_path):
    request, reply, data, result = (good(x) for x in ("CT-Req v6", "CTAA v6, all transferred", "CTD v6", "CTDR v6, S"))
    ctar = good("CTAR v6, A, two features")
    packets = [icmp6(ctar), icmp6(ctar), sctp(request, tsn=1), sctp(data, tsn=2, source=B, to=A), sctp(result, tsn=3),
               icmp6(reply, source=B, to=A), sctp(result, tsn=4)]
    out = read(write_pcap(tmp_path / "pairs.pcap", packets))
    links = [(p.get("cxtp.response_in"), p.get("cxtp.response_to"), p.get("cxtp.repeats")) for p in out]
    assert links == [(None, None, None), ("6", None, "1"), ("4", None, None), ("5", "3", None), (None, "4", None), (None, "2", None),
                     (None, None, None)]
    assert [float(p["cxtp.time"]) for p in out if "cxtp.time" in p] == pytest.approx([0.001, 0.001, 0.004])


# ---- a real run --------------------------------------------------------------------------------------------------------------

def token(mobile, router, seq, cdbs=b""):
    """RFC 4067 §2.5.1 under the key that handoverd.conf(5) describes."""
    mobile, router = (socket.inet_pton(socket.AF_INET6, a) for a in (mobile, router))
    prk = hmac.new(bytes(32), bytes.fromhex(KEY[4:]), hashlib.sha256).digest()
    key = hmac.new(prk, b"handoverd cxtp transfer\0" + mobile + router + seq + b"\x01", hashlib.sha256).digest()[:20]
    return hmac.new(key, mobile + seq + cdbs, hashlib.sha1).hexdigest()[:8]


def check_ctar(p, mobile, named, par):
    """named: the router that it names; par: the one whose key it is signed for."""
    assert (p["cxtp.mobile.ipv6"], p["cxtp.router.ipv6"]) == (mobile, named)
    assert p["cxtp.token"] == "0x" + token(mobile, par, bytes.fromhex(p["cxtp.seq"][2:]))


def spoken(packets, kind):
    return [p for p in packets if p.get("cxtp.type") == str(kind)]


def hand_over(c, mobile, to):
    """With notice. A router that has no time answers late, and the mobile then has given up: it is told again."""
    d = c.daemons[mobile.name]
    address = mobile.address(mobile.point)
    for _ in range(5):
        with d.watch() as watch:
            d.ctl("handover", "self", "to", to.ap_id)
            said = watch.wait("FBack, or the end", lambda e: e.get("mobile") == address and (
                e["event"] == "handover-ended" or e.get("name") == "FBack"), 30)
        if said["event"] != "handover-ended":
            c.topology.move([(mobile, to)], 20)
            return
    raise LabError(f"{mobile.name} was not handed over")


@pytest.mark.needs("tun", "nft", "mroute6")
def test_a_real_run(lab):
    """To the second router without notice, back to the first with: what is said is read, and is what the daemons tell."""
    c = lab(extra=FORMS["user"]).start()
    mobile, (here, there) = c.mobiles[0], c.points
    d = c.daemons[mobile.name]
    movement.wait_discovered(d, there)
    traffic.udp_receiver(c.topology, mobile.name, 9002, groups=[f"{GROUP}%wlan0"])
    wait_for("the previous router knows the listener", lambda: movement.listens(c.daemons[here.name], GROUP), 30)
    captures = [traffic.Capture(c.topology, there.name, "eth0", "ip6 proto 132"),
                *(traffic.Capture(c.topology, p.name, "wlan", "icmp6 and ip6[40] == 150", "air") for p in (here, there))]
    nodes = (mobile.name, here.name, there.name)
    first, second = mobile.address(here), mobile.address(there)
    # Long enough that a busy kernel tells of a link that went and one that came, and not of nothing.
    movement.reactive(c.topology, c.daemons, mobile, there, 500)
    records = {n: c.daemons[n].wait_handover(first, limit=30) for n in nodes}
    assert records[mobile.name]["mode"] == "reactive"
    wait_for("the second router knows the listener", lambda: movement.listens(c.daemons[there.name], GROUP), 30)
    wait_for("the first CTAA", lambda: d.counters()["cxtp.ctaa_received"] >= 1, 30)
    hand_over(c, mobile, here)
    for n in nodes:
        wait_for(f"{n}: handed over", lambda: any(h["result"] == "complete" for h in c.daemons[n].handovers(second)), 30)
    for r in (here, there):
        wait_for(f"{r.name} has counted a CTDR", lambda: c.daemons[r.name].counters()["cxtp.ctdr_received"] >= 1, 30)
    wait_for("both CTAAs", lambda: d.counters()["cxtp.ctaa_received"] >= 2, 30)
    wire, air_here, air_there = (read(capture.stop()) for capture in captures)
    wire = [p for p in wire if "cxtp.type" in p]
    everything = wire + air_here + air_there
    assert {p["cxtp.type"] for p in everything} >= {"1", "2", "3", "4", "5", "7"}
    for p in everything:
        assert not p["remarks"] - {"repeated", "refused"} and not broken(p), p
        assert p["_ws.col.Protocol"] == "CXTP"

    # The way there: the CT-Req repeats the CTAR, the CTD answers the CT-Req.
    asked, data = spoken(wire, 7)[0], spoken(wire, 3)[0]
    ctar = spoken(air_there, 1)[0]
    check_ctar(ctar, first, here.router, here.router)
    assert has(asked, ("cxtp.mobile.ipv6", "cxtp.seq", "cxtp.token")) == has(ctar, ("cxtp.mobile.ipv6", "cxtp.seq", "cxtp.token"))
    assert (asked["ipv6.src"], asked["ipv6.dst"]) == (there.address, here.address) == (data["ipv6.dst"], data["ipv6.src"])
    assert data["cxtp.mld.group"] == GROUP and data["cxtp.mld.prefix"] + "/64" == there.prefix
    assert data["cxtp.response_to"] and float(data["cxtp.time"]) >= 0
    contexts = {f'0x{x["fpt"]:04x}': str(x["status"]) for x in records[there.name]["contexts"]}
    reply = next(p for p in spoken(wire, 5) if p["cxtp.mobile.ipv6"] == first)
    statuses = dict(zip(reply["cxtp.fpt"].split(","), reply["cxtp.status"].split(",")))
    assert statuses["0x0001"] == "0" and statuses.items() <= contexts.items()

    # The way back: the CTAR to each of the two routers has the same number and token, and the PCTD names the link it goes to.
    pushed, to_par, to_nar = spoken(wire, 4)[0], *(next(p for p in spoken(air, 1) if p["cxtp.mobile.ipv6"] == second)
                                                   for air in (air_there, air_here))
    check_ctar(to_par, second, here.router, there.router)
    check_ctar(to_nar, second, there.router, there.router)
    assert has(to_par, ("cxtp.seq", "cxtp.token")) == has(to_nar, ("cxtp.seq", "cxtp.token"))
    assert has(pushed, ("cxtp.mobile.ipv6", "cxtp.key.length", "cxtp.key", "cxtp.algorithm")) == {
        "cxtp.mobile.ipv6": second, "cxtp.key.length": "20", "cxtp.key": None, "cxtp.algorithm": "1"}
    assert pushed["cxtp.mld.group"] == GROUP and pushed["cxtp.mld.prefix"] + "/64" == here.prefix
    for p in spoken(wire, 5):
        assert p["cxtp.response_to"] and p["cxtp.flags.s"] == ("1" if set(p["cxtp.status"].split(",")) == {"0"} else "0")
    # What the daemons say they received is what was seen to be sent.
    for name, kind in (("ctreq_received", 7), ("pctd_received", 4), ("ctd_received", 3), ("ctdr_received", 5)):
        total = sum(c.daemons[r.name].counters()[f"cxtp.{name}"] for r in c.points)
        assert total == len(spoken(wire, kind)), name
