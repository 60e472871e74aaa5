"""One mobile back and forth, again and again, under traffic to both of its addresses. `scripts/bench movements` is the long form."""

import os

import pytest

from lab.commute import PATIENT, Commuter
from lab.daemon import FORMS

LANE = os.environ.get("HANDOVERD_LANE", "native")
SLOW = bool(os.environ.get("HANDOVERD_LAB_SLOW"))
MOVEMENTS = 30 if LANE == "native" and not SLOW else 10
# So few that the devices' queues keep what comes in ten seconds in which a busy machine changes no route.
RATE = {"native": 2000, "uml": 1000, "qemu": 50}[LANE]

forms = pytest.mark.parametrize("form", [
    pytest.param("user", marks=pytest.mark.needs("tun", "nft")),
    pytest.param("kernel", marks=pytest.mark.needs("tun", "sctp", "ip6tnl")),
])


@forms
def test_back_and_forth(lab, form):
    """Nothing is lost, doubled or overtaken, and nothing of a movement stays behind when the next has begun."""
    c = lab(extra={**FORMS[form], **PATIENT, "log": {"level": "notice"}}, proxy=False).start()
    commuter = Commuter(c.topology, c.daemons, c.mobiles[0], RATE, 20, "predictive")
    commuter.commute(MOVEMENTS)
    account = commuter.finish()
    assert (account.lost, account.duplicated, account.reordered) == (0, 0, 0), account.runs
    assert len(account.movements) == MOVEMENTS and account.packets > 0
    assert account.left == []
    for node, (before, after) in account.held.items():
        assert after.descriptors <= before.descriptors, node
