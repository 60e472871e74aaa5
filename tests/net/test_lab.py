"""The lab itself, with the plain kernel as its subject: streams count right, links go when told, lanes have what they say."""

import pytest

from lab import lanes, movement, netns, traffic
from lab.topology import CN, Topology, wait_for


@pytest.fixture
def net():
    with Topology(routers=2, mobiles=2) as t:
        t.bring_up()
        yield t


def stream(net, mobile, rate, count):
    receiver = traffic.udp_receiver(net, mobile.name, idle_ms=300)
    return receiver, traffic.udp_sender(net, "cn", mobile.address(mobile.point), rate, count=count)


def test_a_standing_mobile_gets_every_packet(net):
    receiver, sender = stream(net, net.mobiles[0], 2000, 3000)
    assert sender.finish()["flows"] == [3000]
    report = receiver.finish("total 3000")["flows"][0]
    assert (report["received"], report["lost"], report["duplicated"], report["reordered"]) == (3000, 0, 0, 0)


def test_a_gap_is_seen_as_long_as_it_was(net):
    """Away for 50 ms and back: what is sent meanwhile is lost, and the receiver's gap is the link's."""
    mobile, here = net.mobiles[0], net.points[0]
    receiver, sender = stream(net, mobile, 1000, 1500)
    receiver.wait(300)
    link = net.move([(mobile, here)], 50)
    sender.finish()
    report = receiver.finish("total 1500")["flows"][0]
    gap = (link["up_ns"] - link["down_ns"]) / 1e6
    assert 50 <= gap
    assert gap - 5 <= report["gap_ms"]
    assert 45 <= report["lost"]
    assert not movement.lost_outside(report, link["down_ns"], link["up_ns"], 2e6) or report["gap_ms"] > gap


def test_without_handoverd_the_session_is_lost(net):
    mobile, there = net.mobiles[0], net.points[1]
    receiver, sender = stream(net, mobile, 1000, 1000)
    receiver.wait(200)
    net.move([(mobile, there)], 0)
    sender.finish()
    report = receiver.finish("total 1000")["flows"][0]
    assert report["lost"] > 500
    net.solicit(mobile)
    wait_for("the address of the new link", lambda: net.has_address(mobile, there))


def test_all_mobiles_move_at_the_same_instant(net):
    link = net.move([(m, net.points[1]) for m in net.mobiles], 20)
    assert 20e6 <= link["up_ns"] - link["down_ns"]
    for m in net.mobiles:
        state = netns.run("ip", "-n", net.ns[m.name].name, "-br", "link", "show", "wlan0")
        assert " UP " in state


def test_a_download_is_compared_octet_by_octet(net):
    mobile = net.mobiles[0]
    traffic.tcp_server(net, "cn", 2_000_000)
    report = traffic.tcp_fetch(net, mobile.name, CN, mobile.address(mobile.point), 2_000_000).line()
    assert report["complete"] and report["identical"] and report["bytes"] == 2_000_000


@pytest.mark.needs("nft")
def test_one_message_is_dropped_and_counted(net):
    """The same rule as for protocol messages, on echo requests: the second of three is dropped, no other."""
    from lab import loss
    mobile = net.mobiles[0]
    with loss.Loss(net, "ICMPv6 128", first=2) as dropped:
        net.ns[mobile.name].run("ping", "-6", "-c", "3", "-i", "0.05", "-W", "1", CN, check=False)
        assert dropped.count() == 1
        assert dropped.seen() == 3


def test_differences_are_found(net):
    ns = net.ns["ar1"]
    before = netns.snapshot(ns)
    assert netns.differences(before, netns.snapshot(ns)) == []
    ns.ip("route add 2001:db8:dead::/48 dev eth0 proto 77", "neigh add proxy 2001:db8:a::9 dev wlan")
    found = {line.split(":")[0] for line in netns.differences(before, netns.snapshot(ns))}
    assert found == {"routes", "proxies", "groups"}  # the kernel listens for solicitations to a proxied address


@pytest.mark.needs("sctp", "ip6tnl")
def test_a_lane_has_what_it_was_chosen_for():
    assert lanes.probe_missing(["sctp", "ip6tnl"]) == []


def test_a_need_that_nothing_meets_is_an_error():
    with pytest.raises(lanes.LaneError):
        lanes.choose(["hwsim"], "uml")
    with pytest.raises(lanes.LaneError):
        lanes.choose(["no such thing"])
