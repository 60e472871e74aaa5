"""
FMIPv6 by hand: messages of RFC 5568 as bytes, with an authenticator computed by Python, and frames that carry them past the
kernel's own ideas of addresses and hop limits. It shares nothing with what it attacks.
"""

import hashlib
import hmac
import socket
import struct

RTSOLPR, PRRTADV = 2, 3
FBU, FBACK, FNA, HI, HACK = 8, 9, 10, 14, 15
ALL_NODES = "ff02::1"


def octets(address):
    return socket.inet_pton(socket.AF_INET6, address)


def mac_octets(mac):
    return bytes(int(x, 16) for x in mac.split(":"))


def link_local(mac):
    o = mac_octets(mac)
    return socket.inet_ntop(socket.AF_INET6, b"\xfe\x80" + bytes(6) + bytes((o[0] ^ 2, o[1], o[2], 0xFF, 0xFE, o[3], o[4], o[5])))


def checksum(src, dst, proto, data):
    data = octets(src) + octets(dst) + struct.pack("!II", len(data), proto) + data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(src, dst, proto, data, hops=255):
    return struct.pack("!IHBB", 6 << 28, len(data), proto, hops) + octets(src) + octets(dst) + data


# ---- ICMPv6 --------------------------------------------------------------------------------------------------------

def icmp(src, dst, message, hops=255):
    return packet(src, dst, 58, message[:2] + struct.pack("!H", checksum(src, dst, 58, message)) + message[4:], hops)


def lla(code, mac):
    """RFC 5568 §6.4.3"""
    return struct.pack("!BBB", 19, 2, code) + mac_octets(mac) + bytes(7)


def ip_option(code, plen, address):
    """RFC 5568 §6.4.1"""
    return struct.pack("!BBBB4x", 17, 3, code, plen) + octets(address)


def rtsolpr(src, dst, ident, source, *aps, hops=255, kind=154):
    """kind: 150 for RFC 4068's, §6.1.1."""
    options = lla(4, source) + b"".join(lla(1, ap) for ap in aps)
    return icmp(src, dst, struct.pack("!BBHBBH", kind, 0, 0, RTSOLPR, 0, ident) + options, hops)


def prrtadv(src, dst, ident, code, source, ap, nar_mac, nar, prefix, hops=255):
    """source None: the router does not tell its link-layer address."""
    options = (lla(4, source) if source else b"") + lla(1, ap) + lla(3, nar_mac) + ip_option(3, 64, nar) + ip_option(4, 64, prefix)
    return icmp(src, dst, struct.pack("!BBHBBH", 154, code, 0, PRRTADV, 0, ident) + options, hops)


def una(src, target, mac, hops=255):
    """RFC 5568 §6.3: a neighbour advertisement without any flag. mac: of any length."""
    option = mac_octets(mac) + bytes(-(len(mac_octets(mac)) + 2) % 8)
    option = struct.pack("!BB", 2, (len(option) + 2) // 8) + option
    return icmp(src, ALL_NODES, struct.pack("!BBHI", 136, 0, 0, 0) + octets(target) + option, hops)


def naack(src, dst, router_mac, status, hops=255):
    """RFC 5568 §6.4.6, without an address: an option of a Router Advertisement that says nothing else, of a router that stays one."""
    options = struct.pack("!BB", 1, 1) + mac_octets(router_mac) + struct.pack("!BBBB4x", 20, 1, 0, status)
    return icmp(src, dst, struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + options, hops)


# ---- Mobility Header -----------------------------------------------------------------------------------------------

def badf_key(master, pcoa):
    """As man handoverd(8) describes: HKDF-SHA256 of the master key. master: as configured, "hex:…"."""
    prk = hmac.new(bytes(32), bytes.fromhex(master[4:]), hashlib.sha256).digest()
    return hmac.new(prk, b"handoverd fmip6 badf\0" + octets(pcoa) + b"\x01", hashlib.sha256).digest()[:20]


def mobility(src, dst, mh, home=None, behind=b""):
    """mh without its checksum. home: in a Home Address option (RFC 6275 §6.3), and under the checksum. behind: what follows mh."""
    mh = mh[:4] + struct.pack("!H", checksum(home or src, dst, 135, mh)) + mh[6:]
    if home is None:
        return packet(src, dst, 135, mh + behind, 64)
    return packet(src, dst, 60, struct.pack("!BBBBBBBB", 135, 2, 1, 2, 0, 0, 0xC9, 16) + octets(home) + mh, 64)


def _header(kind, data):
    assert len(data) % 8 == 2  # with what stands before it: whole words
    return struct.pack("!BBBBH", 59, (6 + len(data)) // 8 - 1, kind, 0, 0) + data


def _signed(kind, data, key, coa, par):
    """data ends where a BADF (RFC 5568 §6.4.5) may begin."""
    mh = _header(kind, data + struct.pack("!BBI", 21, 16, 256) + bytes(12))
    return mh[:-12] + hmac.new(key, octets(coa) + octets(par) + mh[:-12], hashlib.sha1).digest()[:12]


def fbu(src, par, pcoa, ncoa, seq, mac, key, lifetime=60):
    """key: 20 octets, whoever's they are; None: without an authenticator. ncoa None: lifetime 0, and the address covered is the PCoA.
    mac None: it is not told."""
    data = struct.pack("!HBBH", seq, 0xC0, 0, lifetime if ncoa else 0)
    data += struct.pack("!BB", 3, 16) + octets(ncoa or pcoa) + (struct.pack("!BBB", 7, 7, 2) + mac_octets(mac) if mac else b"")
    if key is None:
        return mobility(src, par, _header(FBU, data + _pad(data, 0)), home=pcoa)
    return mobility(src, par, _signed(FBU, data + _pad(data), key, ncoa or pcoa, par), home=pcoa)


def fback(src, dst, seq, status, key, coa, par, lifetime=60):
    data = struct.pack("!BBHH", status, 0, seq, lifetime)
    return mobility(src, dst, _signed(FBACK, data + _pad(data), key, coa, par))


def fna(src, nar, mac, inner=b""):
    """RFC 4068 §6.3.3 and §6.4.4: its link-layer address option counts neither its Option-Code nor, as all do, type and length, and
    has an octet of padding. inner: a packet that goes with it."""
    data = struct.pack("!H", 0) + struct.pack("!BB4x", 1, 4) + struct.pack("!BBBB", 7, 7, 2, 0) + mac_octets(mac)
    mh = _header(FNA, data)
    return mobility(src, nar, (bytes((41,)) + mh[1:]) if inner else mh, behind=inner)


def _pad(data, to=6):
    """So many octets that the next option begins at 8n + `to` of the Mobility Header, whose first 6 stand before data."""
    n = (to - (len(data) + 6)) % 8
    return b"" if n == 0 else b"\0" if n == 1 else struct.pack("!BB", 1, n - 2) + bytes(n - 2)


def hi(src, dst, seq, mac, pcoa, ncoa, code=0, flags=0x40):
    data = struct.pack("!HBB", seq, flags, code) + struct.pack("!BBB", 7, 7, 2) + mac_octets(mac)
    for which, address in ((1, pcoa), (2, ncoa)):
        data += _pad(data, 4) + struct.pack("!BBBB", 34, 18, which, 128) + octets(address)
    return mobility(src, dst, _header(HI, data + _pad(data, 0)))


def hack(src, dst, seq, code, ncoa=None):
    data = struct.pack("!HBB", seq, 0, code)
    if ncoa:
        data += _pad(data, 4) + struct.pack("!BBBB", 34, 18, 2, 128) + octets(ncoa)
    return mobility(src, dst, _header(HACK, data + _pad(data, 0)))


# ---- IP in IP ------------------------------------------------------------------------------------------------------

def udp(src, dst, port, data, hops=64):
    head = struct.pack("!HHHH", port, port, 8 + len(data), 0)
    return packet(src, dst, 17, head[:6] + struct.pack("!H", checksum(src, dst, 17, head + data) or 0xFFFF) + data, hops)


def tunnelled(src, dst, inner):
    return packet(src, dst, 41, inner, 64)


class Wire:
    """Sends whole packets out of one interface of a node, as frames from any link-layer address."""

    def __init__(self, ns, interface):
        with ns.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.socket.bind((interface, 0x86DD))
        self.mac = ns.json("link", "show", interface)[0]["address"]

    def send(self, to, data, source=None):
        """to, source: link-layer addresses."""
        self.socket.send(mac_octets(to) + mac_octets(source or self.mac) + b"\x86\xdd" + data)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
