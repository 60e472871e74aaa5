"""Five hundred mobiles move through one pair of routers within one second. `scripts/bench crowd` says what it costs."""

import pytest

from lab.crowd import PATIENT, Crowd
from lab.daemon import FORMS

MOBILES, RATE = 500, 4


@pytest.mark.needs("tun", "nft")
def test_all_at_once(lab):
    c = lab(proxy=False, extra={**FORMS["user"], **PATIENT, "log": {"level": "notice"}})
    del c.daemons.by_node["mn1"]  # they speak for themselves
    c.daemons.start()
    c.daemons.wait_associated()
    c.topology.bring_up()
    crowd = Crowd(c.topology, c.daemons, c.mobiles[0], MOBILES, RATE)
    try:
        out = crowd.move()
    finally:
        crowd.close()
    assert out.answered == MOBILES
    assert out.complete == {"par": MOBILES, "nar": MOBILES}
    assert (out.lost, out.disorder) == (0, 0), out
