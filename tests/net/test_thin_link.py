"""A mobile that listens to a group arrives at a router behind a thin link. What brings the group is asked, not how fast."""

import pytest

from lab import thinair
from lab.daemon import FORMS

RATE = 100_000


@pytest.mark.needs("tun", "nft", "mroute6")
@pytest.mark.parametrize("way,mld", [("context", 2), ("report", 2), ("context", 1)])
def test_the_group_comes(way, mld):
    m = thinair.thin_move(way, RATE, FORMS["user"], mld)
    assert not m.failures
    # The link: a packet takes as long as its bits do, and none overtakes another.
    for up in (True, False):
        lane = [f for f in m.frames if f.up == up]
        for f in lane:
            assert f.end - f.start == pytest.approx(f.octets * 8 / RATE * 1000, abs=1e-3)
        assert all(a.end <= b.start + 1e-3 for a, b in zip(lane, lane[1:]))
    # Nothing arrives before its last bit. A group that the router is told of late may come later still, never sooner.
    assert m.first_ms >= thinair.end_of(m.frames, "group", False) - 1
