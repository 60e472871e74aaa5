"""CXTP between two daemons, judged by a mobile that is not the daemon: see lab/cxtp.py."""

import pytest

from lab.cxtp import A_BIT, NAR, NCOA, PAR, PCOA, World, ctar
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
