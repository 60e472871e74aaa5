"""Contexts that move with a mobile: the neighbour binding, and those of another program (scripts/examples/context-client.py)."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

import pytest

from lab.cxtp import A_BIT, NAR, NCOA, PAR, PCOA, World, ctar, octets
from lab.daemon import merged
from lab.netns import run
from lab.topology import TOP, wait_for

EXAMPLE = TOP / "scripts/examples/context-client.py"
NEIGHBOR, FILES = 65281, 65400
NO_PROGRAM = 7


class Contexts(World):
    """Each router has a socket of its own for programs."""

    def _router(self, directory, ns, name, *rest):
        both, self.extra = self.extra, merged(self.extra or {}, {"context": {"socket": {"path": f"{directory}/{name}.context"}}})
        try:
            return super()._router(directory, ns, name, *rest)
        finally:
            self.extra = both


@pytest.fixture
def make(tmp_path):
    worlds = []

    def one(**kw):
        worlds.append(Contexts.__new__(Contexts))
        worlds[-1].__init__(tmp_path, **kw)
        return worlds[-1]

    yield one
    for w in worlds:
        w.close()


# ---- the neighbour binding ----

IPV4, GATEWAY = "192.0.2.10", "192.0.2.1"


class Capture(threading.Thread):
    """What arrives at the mobile's new link, until told to stop."""

    def __init__(self, ns, link):
        super().__init__(daemon=True)
        with ns.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((link, 0))
        self.socket.settimeout(0.1)
        self.frames, self.over = [], False
        self.start()

    def run(self):
        while not self.over:
            try:
                frame, (_, _, kind, *_) = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            if kind != socket.PACKET_OUTGOING:
                self.frames.append(frame)

    def stop(self):
        self.over = True
        self.join()
        self.socket.close()

    @staticmethod
    def read(frame):
        """("asks", address), ("packet", address), or None."""
        kind = struct.unpack("!H", frame[12:14])[0]
        if kind == 0x0806:
            return ("asks", socket.inet_ntop(socket.AF_INET, frame[38:42])) if frame[20:22] == b"\0\1" else None
        if kind == 0x0800:
            return "packet", socket.inet_ntop(socket.AF_INET, frame[30:34])
        if kind != 0x86dd:
            return None
        if frame[20] == 58 and frame[54] == 135:  # a neighbour solicitation: its target
            return "asks", socket.inet_ntop(socket.AF_INET6, frame[62:78])
        return "packet", socket.inet_ntop(socket.AF_INET6, frame[38:54])

    def events(self):
        return [e for e in map(self.read, list(self.frames)) if e]


def place(world):
    """The mobile has an IPv4 address that both links know, and one link-layer address; its new router has never heard of it."""
    mac = json.loads(run("ip", "-n", world.m.name, "-j", "link", "show", "m0"))[0]["address"]
    router = json.loads(run("ip", "-n", world.b.name, "-j", "link", "show", "acc0"))[0]["address"]
    for ns in (world.a, world.b):
        ns.ip(f"addr add {GATEWAY}/24 dev acc0")
    world.m.sysctl(ipv6__conf__m1__router_solicitations=0)
    world.m.ip(f"addr add {IPV4}/24 dev m0", "link set m1 down", f"link set m1 address {mac}")
    run("ip", "netns", "exec", world.m.name, "ping", "-q", "-c1", GATEWAY)
    run("ip", "netns", "exec", world.m.name, "ping", "-q", "-c1", "fe80::1%m0")
    known = lambda: {c.get("address") for c in world.par.show("contexts") if c["name"] == "neighbor"}
    local = next(a["local"] for a in json.loads(run("ip", "-n", world.m.name, "-j", "addr", "show", "dev", "m0"))[0]["addr_info"]
                 if a["scope"] == "link")
    wait_for("the old router knows it all", lambda: {PCOA, IPV4, local} <= known(), 20)
    return local, router


def move(world, router):
    """From the old link, which others still use, to the new one; the router there is known, as from its advertisement."""
    world.m.ip(f"addr del {IPV4}/24 dev m0", f"addr del {PCOA}/64 dev m0", "link set m1 up", f"addr add {NCOA}/64 dev m1 nodad",
               f"addr add {IPV4}/24 dev m1", f"neigh replace {NAR} lladdr {router} dev m1 nud permanent",
               f"neigh replace {GATEWAY} lladdr {router} dev m1 nud permanent")
    wait_for("the new link", lambda: json.loads(run("ip", "-n", world.b.name, "-j", "link", "show", "acc0"))[0]["operstate"] == "UP", 20)


@pytest.mark.parametrize("accept", [["multicast-listener", "neighbor"], ["multicast-listener"]], ids=["taken", "not-taken"])
def test_the_new_router_need_not_ask_for_the_mobile(make, accept):
    world = make(extra={"context": {"accept": accept}, "cxtp": {"max_transfer_time": "5s"}})
    taken = "neighbor" in accept
    world.a.ip("addr add fe80::1/64 dev acc0 nodad")
    local, router = place(world)
    move(world, router)
    capture = Capture(world.m, "m1")
    try:
        failed = world.answer(world.send(NCOA, NAR, ctar(PAR, 1, A_BIT)))
        assert dict(failed).get(NEIGHBOR) == (None if taken else 6)  # 6: not accepted
        for address in (IPV4, f"{local}%acc0"):
            run("ip", "netns", "exec", world.b.name, "ping", "-q", "-c1", "-W10", address)
        wanted = {NCOA, IPV4, local}
        wait_for("packets for every address", lambda: wanted <= {a for what, a in capture.events() if what == "packet"}, 20)
    finally:
        capture.stop()
    events = capture.events()
    asked = {a for a in wanted if ("asks", a) in events[:events.index(("packet", a))]}
    assert asked == (set() if taken else wanted)
    if taken:
        assert world.nar.counter("neighbor_installed", "context") == 3


# ---- another program ----

class Program:
    """The example, beside one of the routers."""

    def __init__(self, directory, name):
        self.files = directory / f"files-{name}"
        self.files.mkdir()
        self.socket = directory / f"{name}.context"
        self.process = subprocess.Popen([sys.executable, EXAMPLE, str(FILES), self.files, self.socket])

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def files(make, tmp_path, request):
    """request.param: how long a program's word is waited for."""
    world = make(extra={"context": {"programs": [{"fpt": FILES, "name": "files"}]}, "cxtp": {"max_transfer_time": request.param}})
    world.programs = [Program(tmp_path, name) for name in "AB"]
    try:
        for r in world.routers:
            wait_for("the program", lambda: any(p["connected"] for p in r.show("programs")), 20)
        yield world
    finally:
        for p in world.programs:
            p.close()


def deposited(router, address):
    return [c for c in router.show("contexts") or [] if c["name"] == "files" and c["mobile"] == address]


@pytest.mark.parametrize("files", ["5s"], indirect=True)
def test_a_file_moves_with_its_mobile(files):
    here, there = files.programs
    content = os.urandom(1500) + b"\n\0\n\0"
    (here.files / PCOA).write_bytes(content)
    (here.files / "192.0.2.77").write_text("another mobile's")
    wait_for("the deposit", lambda: deposited(files.par, PCOA) and deposited(files.par, "192.0.2.77"), 20)
    files.send(PCOA, PAR, ctar(NAR, 1))
    wait_for("the push", lambda: files.nar.counter("pctd_received") == 1, 20)
    assert not (there.files / NCOA).exists()  # the token has yet to come
    assert files.answer(files.send(NCOA, NAR, ctar(PAR, 1, A_BIT))) == []
    assert (there.files / NCOA).read_bytes() == content
    assert files.nar.groups()
    wait_for("the old router forgets", lambda: not (here.files / PCOA).exists(), 20)
    assert not deposited(files.par, PCOA) and deposited(files.par, "192.0.2.77")
    wait_for("ready for the next movement", lambda: deposited(files.nar, NCOA), 20)


@pytest.mark.parametrize("files", ["2s"], indirect=True)
def test_a_program_that_sleeps_or_is_gone_delays_nobody_else(files):
    here, there = files.programs
    (here.files / PCOA).write_text("something")
    wait_for("the deposit", lambda: deposited(files.par, PCOA), 20)
    there.process.send_signal(signal.SIGSTOP)
    assert files.answer(files.send(NCOA, NAR, ctar(PAR, 2, A_BIT))) == [(FILES, NO_PROGRAM)]
    assert files.nar.groups()  # the other contexts stand
    there.process.kill()
    there.process.wait()
    wait_for("its end is seen", lambda: not files.nar.show("programs")[0]["connected"], 20)
    (here.files / PCOA).write_text("something else")
    wait_for("another deposit", lambda: deposited(files.par, PCOA), 20)
    assert files.answer(files.send(NCOA, NAR, ctar(PAR, 3, A_BIT))) == [(FILES, NO_PROGRAM)]
    assert "feature=files fpt=65400 status=7 reason=\"no-program" in files.nar.said()
