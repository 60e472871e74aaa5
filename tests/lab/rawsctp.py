"""
As much SCTP as an attacker needs, on a raw socket: it sets up an association, sends chunks cut as it likes, and answers only
what it wants to answer.
"""

import os
import socket
import struct
import time

PPID = 0x43585450
DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, COOKIE_ECHO, COOKIE_ACK = 0, 1, 2, 3, 4, 5, 6, 10, 11
BEGIN, END, UNORDERED = 2, 1, 4


def _table():
    out = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        out.append(n)
    return out


CRC = _table()


def crc32c(data):
    c = 0xFFFFFFFF
    for b in data:
        c = CRC[(c ^ b) & 0xFF] ^ c >> 8
    return c ^ 0xFFFFFFFF


def chunk(kind, flags, body):
    return struct.pack("!BBH", kind, flags, 4 + len(body)) + body + bytes(-len(body) % 4)


class Refused(Exception):
    pass


class Sctp:
    """An association of our own making with a router's CXTP port."""

    def __init__(self, ns, local, peer, port=5091):
        with ns.entered():
            self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 132)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((local, 0))
        self.peer, self.port = peer, port
        self.tag, self.peer_tag, self.tsn = os.urandom(4), bytes(4), 1
        self.acknowledged = 0
        self.answering = True

    def close(self):
        self.socket.close()

    def send(self, *chunks, tag=None):
        packet = struct.pack("!HH4s", self.port, 5091, self.peer_tag if tag is None else tag) + bytes(4) + b"".join(chunks)
        self.socket.sendto(packet[:8] + struct.pack("<I", crc32c(packet)) + packet[12:], (self.peer, 0))

    def packets(self, limit):
        """Chunks as they come, until nothing has come for `limit` seconds."""
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                packet = self.socket.recv(65536)
            except TimeoutError:
                return
            if packet[4:8] != self.tag: # of an association before this one
                continue
            at = 12
            while at + 4 <= len(packet):
                kind, flags, size = struct.unpack_from("!BBH", packet, at)
                if size < 4:
                    return
                yield kind, flags, packet[at + 4:at + size]
                at += size + -size % 4

    def init(self):
        """An INIT and nothing more."""
        self.send(chunk(INIT, 0, self.tag + struct.pack("!IHHI", 1 << 20, 1, 1, self.tsn)), tag=bytes(4))

    def connect(self, limit=15):
        """The whole handshake, begun again each second. Refused if the other side aborts it."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            self.tag = os.urandom(4)
            self.init()
            for kind, _, body in self.packets(1):
                if kind == ABORT:
                    raise Refused
                if kind == INIT_ACK:
                    self.peer_tag = body[:4]
                    self.send(chunk(COOKIE_ECHO, 0, self._cookie(body)))
                elif kind == COOKIE_ACK:
                    return self
        raise TimeoutError("no association")

    @staticmethod
    def _cookie(body):
        at = 16
        while at + 4 <= len(body):
            kind, size = struct.unpack_from("!HH", body, at)
            if kind == 7:
                return body[at + 4:at + size]
            at += size + -size % 4
        raise ValueError("INIT ACK without a cookie")

    def data(self, payload, flags=BEGIN | END):
        """A DATA chunk, not yet sent."""
        out = chunk(DATA, UNORDERED | flags, struct.pack("!IHHI", self.tsn, 0, 0, PPID) + payload)
        self.tsn = self.tsn + 1 & 0xFFFFFFFF
        return out

    def say(self, *chunks, each=40, limit=30):
        """Sends DATA chunks, `each` of them to a packet, and again what is not acknowledged, until all are. Silence or an ABORT
        of the other side: False."""
        waiting = [(struct.unpack_from("!I", c, 4)[0], c) for c in chunks]
        end = time.monotonic() + limit
        while waiting and time.monotonic() < end:
            window = waiting[:each * 16]
            for i in range(0, len(window), each):
                self.send(*[c for _, c in window[i:i + each]])
            for kind, _, body in self.packets(1):
                if kind == ABORT:
                    return False
                if kind == SACK:
                    self.acknowledged = struct.unpack_from("!I", body)[0]
                    if self.acknowledged >= window[-1][0]:
                        break
                self._answer(kind, body)
            waiting = [w for w in waiting if w[0] > self.acknowledged]
        return not waiting

    def _answer(self, kind, body):
        if kind == HEARTBEAT and self.answering:
            self.send(chunk(HEARTBEAT_ACK, 0, body))
        elif kind == DATA and self.answering:
            self.send(chunk(SACK, 0, body[:4] + struct.pack("!IHH", 1 << 20, 0, 0)))
