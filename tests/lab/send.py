"""
SEND (RFC 3971), CGA (RFC 3972) and the questions for handover keys (RFC 5269), written from the RFCs for the tests, with hashlib
and openssl(1): it shares nothing with what it judges. `python3 tests/lab/send.py samples` prints tests/unit/send_samples.h.
"""

import hashlib
import ipaddress
import os
import struct
import subprocess
import time

TAG = bytes.fromhex("086fca5e10b200c99c8ce00164277c08")
MODIFIER = bytes(range(0x10, 0x20))


def _openssl(*argv, data=None):
    return subprocess.run(["openssl", *map(str, argv)], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def packed(address):
    return ipaddress.IPv6Address(address).packed


class Key:
    """An RSA key pair in a file."""

    def __init__(self, path, bits=2048):
        self.path = str(path)
        if not os.path.exists(self.path):
            _openssl("genrsa", "-out", self.path, bits)
            os.chmod(self.path, 0o600)
        self.der = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")

    @property
    def fingerprint(self):
        return "sha256:" + hashlib.sha256(self.der).hexdigest()

    def sign(self, data):
        return _openssl("dgst", "-sha1", "-sign", self.path, data=data)

    def decrypt(self, data):
        return _openssl("pkeyutl", "-decrypt", "-inkey", self.path, data=data)

    def cga(self, prefix, collisions=0, modifier=MODIFIER):
        """(address, CGA Parameters) in a /64, Sec 0."""
        net = ipaddress.IPv6Network(prefix).network_address.packed[:8]
        params = modifier + net + bytes([collisions]) + self.der
        iid = bytearray(hashlib.sha1(params).digest()[:8])
        iid[0] &= 0x1C
        return str(ipaddress.IPv6Address(net + bytes(iid))), params


def checksum(src, dst, message):
    data = packed(src) + packed(dst) + struct.pack("!I3xB", len(message), 58) + message + b"\0" * (len(message) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def option(kind, body):
    body += b"\0" * (-(len(body) + 2) % 8)
    return bytes([kind, (len(body) + 2) // 8]) + body


def padded(kind, fixed, body):
    """An option whose first octet after type and length says how much padding it ends with."""
    pad = -(3 + len(fixed) + len(body)) % 8
    return bytes([kind, (3 + len(fixed) + len(body) + pad) // 8, pad]) + fixed + body + b"\0" * pad


def timestamp(at):
    return option(13, b"\0" * 6 + struct.pack("!Q", int(at * 65536)))


def signature(key, src, dst, message, signed=None):
    """The RSA Signature option for a message with checksum zero."""
    sum_ = struct.pack("!H", checksum(src, dst, message))
    data = signed if signed is not None else TAG + packed(src) + packed(dst) + message[:2] + sum_ + message[4:]
    return option(12, b"\0\0" + hashlib.sha1(key.der).digest()[:16] + key.sign(data))


def rtsolpr(identifier, mac):
    """Without more than RFC 5568 wants: a wildcard."""
    lla = option(19, bytes([4]) + bytes.fromhex(mac.replace(":", "")))
    return bytes([154, 0, 0, 0, 2, 0]) + struct.pack("!H", identifier) + lla + option(19, bytes([0]))


def question(key, src, dst, mac, params, wrap, identifier=0x1234, nonce=b"\1\2\3\4\5\6", at=None, signer=None, leave=()):
    """An RtSolPr with a Handover Key Request, its checksum zero. wrap: the key for the answer; leave: names of options that are left out."""
    parts = {
        "cga": padded(11, b"\0", params),
        "timestamp": timestamp(time.time() if at is None else at),
        "nonce": option(14, nonce),
        "request": padded(27, b"\0", wrap.der),
    }
    message = rtsolpr(identifier, mac) + b"".join(v for k, v in parts.items() if k not in leave)
    return message if "signature" in leave else message + signature(signer or key, src, dst, message)


def options(message):
    """{type: [body, …]} of an RtSolPr or PrRtAdv."""
    out, rest = {}, message[8:]
    while rest:
        n = rest[1] * 8
        out.setdefault(rest[0], []).append(rest[2:n])
        rest = rest[n:]
    return out


def granted(wrap, message):
    """(key, lifetime, nonce) of a PrRtAdv with a Handover Key Reply; None if it has none."""
    all_ = options(message)
    if 28 not in all_:
        return None
    body = all_[28][0]
    return wrap.decrypt(body[4:len(body) - body[0]]), struct.unpack("!H", body[2:4])[0], all_[14][0]


def _samples():
    def array(name, data):
        rows = "\n".join("\t" + " ".join(f"0x{b:02x}," for b in data[i:i + 16]) for i in range(0, len(data), 16))
        return f"static const uint8_t {name}[] = {{\n{rows}\n}};\n"

    def text(name, path):
        return f"static const char {name}[] =\n" + "\n".join(f'\t"{x}\\n"' for x in open(path).read().splitlines()) + ";\n"

    here = os.environ["KEYS"]
    mobile, wrap, router = (Key(f"{here}/{n}.pem", 1024) for n in ("mn", "hkepk", "router"))
    src, params = mobile.cga("2001:db8:1::/64")
    asked = question(mobile, src, "2001:db8:1::1", "02:00:00:00:00:05", params, wrap, at=1_700_000_000.5)
    print("/*\n * Made by tests/lab/send.py, that is by hashlib and openssl(1), from RFC 3971, 3972 and 5269. The keys protect nothing but\n"
          " * these samples.\n */\n#ifndef HANDOVERD_TESTS_SEND_SAMPLES_H\n#define HANDOVERD_TESTS_SEND_SAMPLES_H\n\n#include <stdint.h>\n")
    print(text("mobile_pem", mobile.path))
    print(text("wrap_pem", wrap.path))
    print(text("router_pem", router.path))
    print(array("mobile_public", mobile.der))
    print(f'#define MOBILE_FINGERPRINT "{mobile.fingerprint}"\n')
    print("/* In 2001:db8:1::/64, modifier 10 11 … 1f, Sec 0, no collision. */")
    print(array("mobile_cga", packed(src)))
    print("/* To 2001:db8:1::1: RtSolPr 0x1234 from 02:00:00:00:00:05, wildcard; CGA, Timestamp 1,700,000,000.5, Nonce 1 2 3 4 5 6,\n"
          " * Handover Key Request with the key of wrap_pem, RSA Signature. Checksum zero. */")
    print(array("question", asked))
    print("#endif")


if __name__ == "__main__":
    _samples()
