"""
Transfers that the network begins (RFC 4067 §5.1, §5.2), with a mobile that says nothing on its old link. It has come to its
router by a transfer: so the router can tell the sequence number of its next CTAR, and give others the key to check it with.
"""

import pytest

from lab import loss, movement
from lab.daemon import FORMS, merged
from lab.netns import LabError
from lab.topology import wait_for

pytestmark = pytest.mark.needs("tun", "nft")


def count(daemon, name):
    return daemon.counters()["cxtp." + name]


@pytest.fixture
def cast(lab):
    """Three routers, and the mobile at the second, where it came from the first with its contexts."""
    def make(**cxtp):
        c = lab(routers=3, proxy=False, extra=merged(FORMS["user"], {"cxtp": {}}), per_node={"ar2": {"cxtp": cxtp}}).start()
        mobile, (first, second, _) = c.mobiles[0], c.points
        address = mobile.address(first)
        movement.wait_discovered(c.daemons[mobile.name], second)
        movement.predictive(c.topology, c.daemons, mobile, second, 20)
        for node in (mobile.name, first.name, second.name):
            c.daemons[node].wait_handover(address, limit=30)
        wait_for("arrived with its contexts", lambda: count(c.daemons["ar2"], "arrivals") == 1, 20)
        wait_for("its address", lambda: c.topology.has_address(mobile, second), 20)
        return c
    return make


def comes(c, to):
    """Without a word to the router it leaves."""
    mobile = c.mobiles[0]
    address = mobile.address(mobile.point)
    movement.wait_discovered(c.daemons[mobile.name], to)
    movement.reactive(c.topology, c.daemons, mobile, to, 20)
    record = c.daemons[to.name].wait_handover(address, limit=30)
    wait_for("its contexts", lambda: "contexts" in [s["name"] for s in c.daemons[to.name].handovers(address)[-1]["steps"]], 30)
    return record


@pytest.mark.parametrize("candidates", [None, ["ar3"]], ids=["any", "named"])
def test_pushed_to_the_candidates(cast, candidates):
    c = cast(**({"candidates": candidates} if candidates else {}))
    mobile, ar2 = c.mobiles[0], c.daemons["ar2"]
    address = mobile.address(c.points[1])
    pushed = {n: count(c.daemons[n], "pctd_received") for n in ("ar1", "ar3")}
    ar2.ctl("handover", address, "to", "any")
    wait_for("the push", lambda: count(c.daemons["ar3"], "pctd_received") == pushed["ar3"] + 1, 20)
    if not candidates:
        wait_for("the other push", lambda: count(c.daemons["ar1"], "pctd_received") == pushed["ar1"] + 1, 20)
    comes(c, c.points[2])
    # The token passed under the pushed key: nobody was asked for anything.
    assert count(c.daemons["ar3"], "ctreq_sent") == 0
    wait_for("the CTDR", lambda: count(ar2, "ctdr_received") == 1, 20)
    assert count(c.daemons["ar1"], "pctd_received") == pushed["ar1"] + (not candidates)


def test_asked_for_ahead(cast):
    """§5.2: the new router is told, and asks."""
    c = cast()
    mobile, ar3 = c.mobiles[0], c.daemons["ar3"]
    ar3.ctl("handover", mobile.address(c.points[1]), "to", c.points[2].ap_id)
    wait_for("contexts and key", lambda: count(ar3, "pctd_received") == 1, 20)
    comes(c, c.points[2])
    assert count(ar3, "ctreq_sent") == 1 and count(c.daemons["ar2"], "ctd_sent") == 0


def test_an_fbu_says_it_too(cast):
    """The CTAR to the previous router is lost; the FBU is not, and the contexts are there before the mobile."""
    c = cast(network=True)
    mobile, to = c.mobiles[0], c.points[2]
    address = mobile.address(c.points[1])
    movement.wait_discovered(c.daemons[mobile.name], to)
    with loss.Loss(c.topology, "CTAR") as lost:
        movement.predictive(c.topology, c.daemons, mobile, to, 20)
        assert lost.count() == 1
    wait_for("its contexts", lambda: any("contexts" in [s["name"] for s in h["steps"]] for h in c.daemons["ar3"].handovers(address)), 30)
    ar3 = c.daemons["ar3"]
    assert (count(ar3, "pctd_received"), count(ar3, "ctreq_sent")) == (1, 0)


def test_refused_with_words(cast):
    c = cast()
    for words, why in ((("2001:db8:b::dead", "to", "any"), "cannot be told"), (("2001:db8:ffff::1", "to", "any"), "no key")):
        with pytest.raises(LabError, match=why):
            c.daemons["ar2"].ctl("handover", *words)
