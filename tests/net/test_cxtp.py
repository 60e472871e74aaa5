"""CXTP between two daemons, judged by a mobile that is not the daemon: see lab/cxtp.py."""

import contextlib
import socket
import struct

import pytest

from lab import loss, movement
from lab.cxtp import A_BIT, CTAA, NAR, NCOA, PAR, PCOA, SUBTYPE, TYPE, World, ctar, octets
from lab.daemon import FORMS
from lab.topology import wait_for


@pytest.fixture
def world(tmp_path):
    w = World.__new__(World)
    try:
        w.__init__(tmp_path)
        yield w
    finally:
        w.close()


def test_predictive(world):
    world.send(PCOA, PAR, ctar(NAR, 1))
    wait_for("the push", lambda: world.nar.counter("pctd_received") == 1, 15)
    assert not world.nar.groups()
    assert world.answer(world.send(NCOA, NAR, ctar(PAR, 1, A_BIT))) == []
    assert world.nar.counter("ctreq_sent") == 0
    assert [g["mobile"] for g in world.nar.groups()] == [NCOA]
    wait_for("the CTDR", lambda: world.par.counter("ctdr_received") == 1, 15)
    # Not its groups are asked for: this mobile is still on its old link as well, and may report them there once more.
    assert world.par.counter("forgotten", "context") == 1


def test_reactive(world):
    assert world.answer(world.send(NCOA, NAR, ctar(PAR, 2, A_BIT))) == []
    assert world.nar.counter("ctreq_sent") == 1 and world.par.counter("ctd_sent") == 1
    assert world.nar.groups()


def test_forged_tokens_and_distant_senders_change_nothing(world):
    world.send(PCOA, PAR, ctar(NAR, 3, forged=True))
    world.send(PCOA, PAR, ctar(NAR, 4), hops=64)
    wait_for("both refused", lambda: world.par.counter("token_refused") == 1 and world.par.counter("hop_limit") == 1, 15)
    assert world.answer(world.send(NCOA, NAR, ctar(PAR, 5, A_BIT, forged=True)))[0] == (1, 17)
    assert world.par.counter("pctd_sent") == world.par.counter("ctd_sent") == 0
    assert not world.nar.groups() and world.par.groups()
    # The mobile itself is served after all that, with one of the sequence numbers.
    assert world.answer(world.send(NCOA, NAR, ctar(PAR, 5, A_BIT))) == []
    assert world.nar.groups()


def test_a_transfer_serves_once(world):
    assert world.answer(world.send(NCOA, NAR, ctar(PAR, 6, A_BIT))) == []
    world.send(PCOA, PAR, ctar(NAR, 6))
    wait_for("the replay ignored", lambda: world.par.counter("ctar_repeated") == 1, 15)
    assert world.par.counter("pctd_sent") == 0
    # A new router that has forgotten everything asks again, in vain.
    world.nar.stop()
    world.nar.start()
    wait_for("the association again", world.associated, 20)
    assert world.answer(world.send(NCOA, NAR, ctar(PAR, 6, A_BIT)))[0] == (1, 17)
    assert world.par.counter("replayed") == 1


def test_a_killed_neighbour_is_back(world):
    """Nobody says goodbye. The one that starts again sets the association up, and the other notices at once that it is another
    life of it: long before heartbeats would."""
    for _ in range(3):
        restarts = world.par.counter("restarts", "sctp")
        world.nar.kill()
        world.nar.start()
        wait_for("the restart noticed", lambda: world.par.counter("restarts", "sctp") > restarts, 20)
        wait_for("the association", world.associated, 20)
    assert world.par.counter("down", "sctp") == 0
    world.send(PCOA, PAR, ctar(NAR, 1))
    wait_for("the push", lambda: world.nar.counter("pctd_received") == 1, 15)
    assert world.answer(world.send(NCOA, NAR, ctar(PAR, 1, A_BIT))) == []


def test_icmp_fields(world):
    """RFC 4067 §3.2: type, code 0, subtype; reserved octets zero as sent and ignored as received; hop limit 255."""
    other_code, odd = bytearray(ctar(PAR, 8, A_BIT)), bytearray(ctar(PAR, 9, A_BIT))
    other_code[1] = 1
    odd[5:8] = b"\xff\xff\xff"
    world.send(NCOA, NAR, bytes(other_code))
    s = world.send(NCOA, NAR, bytes(odd))
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    s.settimeout(20)
    while True:
        data, ancillary, _, (source, *_) = s.recvmsg(2048, 64)
        if data[0] == TYPE and source == NAR:
            break
    assert data[:2] + data[4:] == bytes([TYPE, 0, SUBTYPE, 0, 0, 0, CTAA, 0, 0, 20]) + octets(PCOA)
    assert struct.unpack("@i", ancillary[0][2])[0] == 255
    wait_for("the other code refused", lambda: world.nar.counter("malformed") == 1, 20)
    assert world.nar.counter("ctreq_sent") == 1


@pytest.mark.needs("tun", "nft")
@pytest.mark.parametrize("fbus_lost", [0, 1])
def test_the_ctar_rides_in_the_fbu(lab, fbus_lost):
    """RFC 4067 §3.2: one packet of the mobile's less on the old link; lost with the FBU, it is repeated with it."""
    c = lab(proxy=False, extra=FORMS["user"], per_node={"mn1": {"cxtp": {"piggyback": True}}}).start()
    mobile, (here, there) = c.mobiles[0], c.points
    address = mobile.address(here)
    movement.wait_discovered(c.daemons[mobile.name], there)
    with loss.Loss(c.topology, "CTAR", first=1000) as ctars, contextlib.ExitStack() as stack:
        if fbus_lost:
            stack.enter_context(loss.Loss(c.topology, "FBU", count=fbus_lost))
        movement.predictive(c.topology, c.daemons, mobile, there, 20)
        records = {node: c.daemons[node].wait_handover(address, limit=30) for node in (mobile.name, here.name, there.name)}
        wait_for("the CTDR", lambda: c.daemons[here.name].counters()["cxtp.ctdr_received"] == 1, 20)
        assert ctars.seen() == 1  # to the new router
    assert all(r["result"] == "complete" for r in records.values())
    names = {node: [s["name"] for s in r["steps"]] for node, r in records.items()}
    assert "CTAR to pAR" in names[mobile.name] and "CTAR to pAR" in names[here.name] and "PCTD" in names[there.name]
    assert c.daemons[there.name].counters()["cxtp.ctreq_sent"] == 0
