"""
DHCP for IPv4 on the new link: a client that has moved asks again, with a real client and real servers (dnsmasq), and keeps its
address and lease; others get one of the link.
"""

import contextlib
import socket
import struct

import pytest

from lab.clients import CN4, Clients, Ping
from lab.daemon import FORMS
from lab.dhcp import Client, serve
from lab.topology import wait_for

pytestmark = pytest.mark.needs("tun", "nft")


def link4(point):
    return f"10.1.{point.n}.1"


@pytest.fixture
def cast(lab):
    """Two routers with IPv4, each with a DHCP server that says no wherever it can; daemons on the routers only."""
    def make(mobiles=2, **dhcp4):
        c = lab(mobiles=mobiles, proxy=False, extra={**FORMS["user"], "dhcp4": dhcp4})
        t = c.topology
        t.ipv4()
        for node in ("core", *(p.name for p in c.points)):
            t.ns[node].sysctl(ipv4__ip_forward=1)
        t.ns["core"].ip(*[f"route add 10.1.{p.n}.0/24 via 10.0.{p.n}.2" for p in c.points])
        for p in c.points:
            t.ns[p.name].ip(f"route add default via 10.0.{p.n}.1")
            d = c.daemons[p.name]
            for n in d.config["neighbors"]:
                other = next(q for q in c.points if q.name == n["name"])
                n["aps"][0].update(prefix4=f"10.1.{other.n}.0/24", router4=link4(other))
            d.write()
        c.daemons.start(*[p.name for p in c.points])
        c.servers = {p.name: serve(t, p) for p in c.points}
        for m in c.mobiles:
            t.ns[m.name].ip("addr flush dev wlan0 scope global", "link set wlan0 up")
        c.clients = [Client(t, m) for m in c.mobiles]
        t.move([(m, c.points[0]) for m in c.mobiles[:1]])
        return c
    return make


def server_said(c, point, mac, what):
    """The lines of a server's log in which it said that to that client."""
    log = c.topology.log(point.name, "dnsmasq")
    return [line for line in log.splitlines() if what in line and mac in line]


def renew(c, mobile, address, server):
    """A renewal in unicast (RFC 2131 §4.4.5), written out; what comes back for it, as (type, yiaddr)."""
    mac = bytes(int(x, 16) for x in mobile.mac.split(":"))
    message = struct.pack("!BBBBIHH4s12x16s192x", 1, 1, 6, 0, 0x5EED, 0, 0, socket.inet_aton(address), mac)
    message += bytes.fromhex("63825363 350103 ff")
    with c.topology.ns[mobile.name].entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, 68))
        s.settimeout(2)
        for _ in range(10):
            s.sendto(message, (server, 67))
            with contextlib.suppress(TimeoutError):
                answer = s.recv(2000)
                return answer[242], socket.inet_ntoa(answer[16:20])
    raise AssertionError("no answer to a renewal")


def test_a_client_keeps_its_address(cast):
    c = cast(relay="all")
    t, (old, new), (mobile, other), (phone, laptop) = c.topology, c.points, c.mobiles, c.clients
    why, address, server = phone.ask().split()
    assert why == "BOUND" and server == link4(old) and address.startswith("10.1.1."), (why, address, server)

    t.move([(mobile, new)])
    why, again, server = phone.ask().split()
    # From the server that it had it from; which is behind the new router's address from now on.
    assert (why, again, server) == ("REBOOT", address, link4(new))
    assert phone.told_lines()[1:] == [f"REBOOT {address} {link4(new)}"]
    assert len(server_said(c, old, mobile.mac, f"DHCPACK(eth0) {address}")) == 1
    assert not server_said(c, new, mobile.mac, "DHCP")

    # It renews in unicast where it was told to.
    t.ns[mobile.name].ip(f"route replace {link4(new)} dev wlan0")
    t.ns[new.name].ip(f"route add {address} dev wlan")
    assert renew(c, mobile, address, link4(new)) == (5, address)
    assert not server_said(c, new, mobile.mac, "DHCP")

    # A client of the new link is the new router's.
    t.move([(other, new)])
    why, address2, server = laptop.ask().split()
    assert why == "BOUND" and server == link4(new) and address2.startswith("10.1.2.")
    assert server_said(c, new, other.mac, f"DHCPACK(wlan) {address2}")

    shown = c.daemons[new.name].show("dhcp4")
    assert [(s["client"], s["address"], s["guarded"]) for s in shown] == [(mobile.mac, address, True)]
    counters = c.daemons[new.name].show("counters")
    assert counters["dhcp4.relayed"] >= 2 and counters["dhcp4.answered"] >= 2 and counters["dhcp4.malformed"] == 0
    assert "handoverd-dhcp4" in t.ns[new.name].run("nft", "list", "tables")
    c.daemons[new.name].stop()
    assert "handoverd-dhcp4" not in t.ns[new.name].run("nft", "list", "tables")


def test_without_its_server_a_client_is_one_of_the_link(cast):
    c = cast(mobiles=1, relay="all", timeout="1s")
    t, (old, new), (mobile,), (phone,) = c.topology, c.points, c.mobiles, c.clients
    phone.ask()
    c.servers[old.name].terminate()
    t.move([(mobile, new)])
    phone.config.write_text("timeout 60;\nretry 2;\nreboot 2;\ninitial-interval 1;\nbackoff-cutoff 2;\n")
    why, address, server = phone.ask().split()
    assert why == "BOUND" and server == link4(new) and address.startswith("10.1.2."), (why, address, server)
    assert "server is silent" in c.daemons[new.name].log()
    assert c.daemons[new.name].show("counters")["dhcp4.given_up"] >= 1


@pytest.fixture
def clients():
    """Routers that serve clients (fmip6.clients), with DHCP servers; the client has its IPv4 address from the first."""
    with Clients(routers=3, mobiles=1, extra={"dhcp4": {"relay": "visitors"}}) as c:
        yield c
        c.daemons.stop()
        assert not c.daemons.sanitizer_reports()


def test_a_phone_on_its_way(clients):
    """Announced at the second router, seen at the third: at each it asks again, and its ping goes on."""
    c = clients
    t, (home, second, third), (mobile,) = c.topology, c.points, c.mobiles
    phone, address = t.dhcp[mobile.name], mobile.address4
    assert phone.told_lines() == [f"BOUND {address} {link4(home)}"]
    ping = Ping(t, mobile.name, CN4)
    ping.wait_more(2)

    c.daemons[home.name].ctl("handover", address, "to", second.ap_id)
    c.wait_state(second, address, "holding")
    wait_for("the second router's server is kept quiet",
             lambda: [s["guarded"] for s in c.daemons[second.name].show("dhcp4") if s["client"] == mobile.mac] == [True])
    t.move([(mobile, second)])
    assert phone.ask().split() == ["REBOOT", address, link4(second)]
    c.wait_state(second, address, "visiting")
    ping.wait_more(2)
    assert not server_said(c, second, mobile.mac, "DHCP")

    t.move([(mobile, third)])
    c.wait_state(third, address, "visiting")
    # To the second router, which is its server as far as it knows: there, and back, by way of its home.
    assert renew(c, mobile, address, link4(second)) == (5, address)
    assert phone.ask().split() == ["REBOOT", address, link4(third)]
    ping.wait_more(2)
    assert not server_said(c, third, mobile.mac, "DHCP")
    assert len(server_said(c, home, mobile.mac, f"DHCPACK(eth0) {address}")) >= 3

    t.move([(mobile, home)])
    c.wait_state(home, address, None)
    why, again, server = phone.ask().split()
    assert (why, again) == ("REBOOT", address)
    # dnsmasq may keep to the name that it was given last; then the third router is asked, which knows it.
    assert renew(c, mobile, address, server) == (5, address), server
    ping.wait_more(2)
    ping.stop()
