"""
Real runs on the wire, read by tshark: every FMIPv6 message that a mobile and two routers exchange, without a malformed or
unexpected field, and with the values that were configured. tshark's own faults are not asked about: it shows the lifetime of FBU
and FBack four times too long, an authenticator two octets short, the address in a NAACK four octets early, and reads the link-layer
address of an FNA as if its option were RFC 5568's.
"""

import contextlib
import re
import socket
import subprocess

import pytest

from lab import fmip6, movement, traffic
from lab.clients import CN4
from lab.daemon import FORMS, KEY
from lab.fmip6 import Wire, link_local
from lab.topology import CN, Mobile, Point, wait_for

pytestmark = pytest.mark.needs("tun", "nft")
AR1, AR2, AR3, MN1 = Point(1), Point(2), Point(3), Mobile(1)
PCOA, NCOA = MN1.address(AR1), MN1.address(AR2)
UNKNOWN, NARROW = "02:00:00:00:0f:01", "02:00:00:00:0f:02"
# A CTAR (ICMPv6 type 150, subtype 1) tshark takes for neighbour discovery.
OURS = "icmpv6.type == 154 or mipv6 or (icmpv6.type == 136 and ipv6.dst == ff02::1) or icmpv6.type == 134 or (icmpv6.type == 150 and icmpv6[4] != 1)"
WRONG = re.compile(r"Malformed|\[incorrect|Unknown|Unassigned|Expert Info \((?:Error|Warning)|Undecoded|Trailing", re.I)


def bare(mac):
    return mac.replace(":", "")


# What tshark reads wrong, to the end of the message, and the Code of a PrRtAdv for which it has no name.
ITS_OWN = re.compile(r"Supplied NCoA.*|Code: 5 \(Unknown 5\)|(?<=Fast Neighbor Advertisement: 0000\n).*?(?=\nInternet Protocol Version 6|\Z)", re.S)


class Reading:
    """What passed at the mobile's port and between the routers, and how tshark reads it."""

    def __init__(self, topology, *ports):
        where = [("air", p) for p in ports or ("mn1",)] + [("core", "ar1")]
        self.captures = [traffic.Capture(topology, node, port, "ip6", f"capture-{port}") for node, port in where]

    def finish(self):
        self.packets = []
        for c in self.captures:
            text = subprocess.run(["tshark", "-r", c.stop(), "-Y", OURS, "-V"], capture_output=True, text=True, check=True).stdout
            self.packets += [p[p.index("Internet Protocol Version 6"):] for p in re.split(r"^Frame ", text, flags=re.M) if p]
        for p in self.packets:
            wrong = WRONG.search(ITS_OWN.sub("", p))
            assert wrong is None, wrong.group() + "\n" + p
        return self

    def has(self, *lines):
        """There is a packet in whose reading these stand in this order."""
        pattern = re.compile(".*?".join(map(re.escape, lines)), re.S)
        if not any(pattern.search(p) for p in self.packets):
            print("\n".join(self.packets))
            raise AssertionError("no packet has " + " … ".join(lines))


RTSOLPR = "Subtype: Router Solicitation for Proxy Advertisement (2)"
PRRTADV = "Subtype: Proxy Router Advertisement (3)"
AP = "Option-code: Link-layer Address of the New Access Point (1)"


def address(code, value, plen=None):
    return [f"Option-code: {code}", *([f"Prefix Length: {plen}"] if plen else []), f"IPv6 Address: {value}"]


def mn_lla():
    return ["Option-Code: Link Layer Address of the MN (2)", f"Link-layer address: {MN1.mac}"]


def expect_advertisements(r):
    tuple_of_ar2 = [AP, f"Link-Layer Address: {bare(AR2.ap_id)}", "Option-code: Link-layer Address of the NAR (3)", bare(AR2.mac),
                    *address("NAR's IP address (3)", AR2.router), *address("NAR's Prefix (sent in PrRtAdv) (4)", "2001:db8:b::", 64)]
    r.has("Hop Limit: 255", "Code: 0", RTSOLPR, "Option-code: Link-layer Address of the source (4)", bare(MN1.mac), "Option-code: Wildcard (0)")
    r.has("Hop Limit: 255", f"Source Address: {link_local(AR1.mac)}", "Code: 0", PRRTADV, "Identifier: 28673",
          "Option-code: Link-layer Address of the source (4)", bare(AR1.mac), *tuple_of_ar2)
    for n, words, ap in ((28674, "No prefix information available (6)", UNKNOWN), (28676, "No fast handovers support available (7)", AR3.ap_id),
                         (28675, "The AP belongs to the current interface of the router (5)", AR1.ap_id)):
        r.has("Code: 2", PRRTADV, f"Identifier: {n}", f"Option-code: {words}", bare(ap))
    r.has("Code: 3", PRRTADV, "Identifier: 28677", *tuple_of_ar2, "Option-code: No prefix information available (6)", bare(UNKNOWN))
    r.has("Hop Limit: 255", f"Source Address: {link_local(AR2.mac)}", "Code: 1", PRRTADV, "Identifier: 0", AP, bare(AR1.ap_id))


def expect_predictive(r):
    r.has(f"Source Address: {PCOA}", f"Destination Address: {AR1.router}", f"MIPv6 Home Address: {PCOA}", "Fast Binding Update (8)",
          "Fast Binding Acknowledgement requested", "Home Registration", f"Alternate care-of address: {NCOA}", *mn_lla(),
          "Binding Authorization Data for FMIPv6 (BADF)", "Length: 16", "SPI: 256")
    r.has(f"Source Address: {AR1.address}", f"Destination Address: {AR2.address}", "Handover Initiate (14)", "(S) flag: False",
          "Buffer flag (U) flag: True", "Code: 0", f"Link-layer address: {MN1.mac}", "Option-Code: 1", PCOA, "Option-Code: 2", NCOA)
    r.has(f"Source Address: {AR2.address}", f"Destination Address: {AR1.address}", "Handover Acknowledge (15)", "Code: 0")
    r.has(f"Source Address: {AR1.router}", f"Destination Address: {PCOA}", "Fast Binding Acknowledgment (9)", "Status: ", "(0)", "SPI: 256")
    r.has("Hop Limit: 255", f"Source Address: {NCOA}", "Destination Address: ff02::1", "Neighbor Advertisement (136)", "Router: Not set",
          "Solicited: Not set", "Override: Not set", f"Target Address: {NCOA}", "Target link-layer address", MN1.mac)


def expect_reactive(r):
    r.has(f"Source Address: {NCOA}", f"Destination Address: {AR1.router}", f"MIPv6 Home Address: {PCOA}", "Fast Binding Update (8)",
          *mn_lla(), "SPI: 256")
    r.has("Handover Initiate (14)", "Buffer flag (U) flag: False", "Code: 1", PCOA, NCOA)
    r.has(f"Destination Address: {NCOA}", "Fast Binding Acknowledgment (9)", "(0)", "SPI: 256")


def expect_return(r):
    """On the previous router's link again: the address covered by the authenticator is the one it has had all the time."""
    r.has(f"Source Address: {PCOA}", f"Destination Address: {AR1.router}", f"MIPv6 Home Address: {PCOA}", "Fast Binding Update (8)",
          "Lifetime: 0 (0 seconds)", "SPI: 256")
    r.has(f"Source Address: {AR1.router}", f"Destination Address: {PCOA}", "Fast Binding Acknowledgment (9)", "Status: ", "(0)",
          "Lifetime: 0", "SPI: 256")


def test_all_messages_of_rfc_5568(lab):
    """Questions of every kind; there with notice, back on the router's order, there again without."""
    c = lab(routers=3, proxy=False, extra=FORMS["user"])
    d, t, mobile = c.daemons, c.topology, c.mobiles[0]
    here, there, _ = c.points
    for node in ("ar1", "ar2"):
        ar3 = next(n for n in d[node].config["neighbors"] if n["name"] == "ar3")
        ar3["compat"] = "none"
        d[node].write()
    d.start("ar1", "ar2")
    t.bring_up()
    reading = Reading(t)
    with Wire(t.ns["mn1"], "wlan0") as w:
        for n, aps in enumerate([(AR2.ap_id,), (UNKNOWN,), (AR1.ap_id,), (AR3.ap_id,), (AR2.ap_id, UNKNOWN)]):
            mac = f"02:77:00:00:00:{n:02x}"
            w.send(AR1.mac, fmip6.rtsolpr(link_local(mac), AR1.router, 0x7001 + n, mac, *aps), mac)
        wait_for("all are answered", lambda: d["ar1"].counters()["fmip6.prrtadv_sent"] >= 5)
    d.start("mn1")
    movement.wait_discovered(d["mn1"], there)
    movement.predictive(t, d, mobile, there, 20)
    d["mn1"].wait_handover(count=1)
    movement.wait_discovered(d["mn1"], here)
    with d["mn1"].watch() as watch:
        d["ar2"].ctl("handover", NCOA, "to", here.ap_id)
        watch.wait_step("FBack")
        t.move([(mobile, here)], 20)
    d["mn1"].wait_handover(count=2)
    wait_for("the previous router forwards no longer", lambda: all(b["pcoa"] != PCOA for b in d["ar1"].show("bindings")))
    movement.wait_discovered(d["mn1"], there)
    movement.reactive(t, d, mobile, there, 20)
    assert d["mn1"].wait_handover(count=3)["mode"] == "reactive"
    r = reading.finish()
    expect_advertisements(r)
    expect_predictive(r)
    expect_reactive(r)
    expect_return(r)


def take_the_new_address(c):
    """The other mobile moves first, and has the address that mn1 would have there as well."""
    d, t, other, there = c.daemons, c.topology, c.mobiles[1], c.points[1]
    for m in c.mobiles:
        movement.wait_discovered(d[m.name], there)
    movement.predictive(t, d, other, there, 20)
    d["mn2"].wait_handover()
    t.ns["mn2"].ip(f"addr add {NCOA}/64 dev wlan0 nodad")


def test_addresses_that_are_taken(lab):
    """HAck with another address, FBack with it; and to who announces an address that is a mobile's, a NAACK in a Router Advertisement."""
    c = lab(mobiles=2, proxy=False, extra={**FORMS["user"], "fmip6": {"dad": "200ms", "hi_timeout": "2s", "fbu_timeout": "2s"}}).start()
    d, t, (mobile, other), (_, there) = c.daemons, c.topology, c.mobiles, c.points
    take_the_new_address(c)
    reading = Reading(t)
    movement.predictive(t, d, mobile, there, 20)
    given = d["mn1"].wait_handover()["ncoa"]
    assert given != NCOA
    with Wire(t.ns["mn1"], "wlan0") as w:
        w.send("33:33:00:00:00:01", fmip6.una(other.address(there), other.address(there), MN1.mac))
        wait_for("a NAACK", lambda: d["ar2"].counters()["fmip6.naack_sent"])
    r = reading.finish()
    r.has("Handover Acknowledge (15)", "Code: 2", "Option-Code: 2", given)
    r.has("Fast Binding Acknowledgment (9)", "Status: Accepted but use supplied NCoA (1)", f"Alternate care-of address: {given}", "SPI: 256")
    r.has("Hop Limit: 255", f"Source Address: {link_local(AR2.mac)}", f"Destination Address: {other.address(there)}",
          "Router Advertisement (134)", "Source link-layer address", AR2.mac, "Neighbor Advertisement Acknowledgment (20)", "Length: 3",
          "Status: New CoA is invalid, use the supplied CoA (2)")


def test_previous_addresses_that_are_served(lab):
    """Where the new address is another's: HAck with Code 3, FBack with the previous address, NAACK with Status 4 and 3; then what both routers
    say of the service, by the new one's own address, and that it is over. And that addresses come by DHCP (PrRtAdv with Code 5)."""
    c = lab(mobiles=2, proxy=False, extra={**FORMS["user"], "fmip6": {"collision": "pcoa", "dad": "200ms", "hi_timeout": "2s",
                                                                    "fbu_timeout": "2s", "lifetime": "8s"}}).start()
    d, t, (mobile, other), (here, there) = c.daemons, c.topology, c.mobiles, c.points
    take_the_new_address(c)
    reading = Reading(t)
    movement.predictive(t, d, mobile, there, 20)
    assert d["mn1"].wait_handover()["result"] == "complete"
    his = d["ar1"].counters()["fmip6.hi_sent"]
    wait_for("the service is renewed", lambda: d["ar1"].counters()["fmip6.hi_sent"] > his)
    with Wire(t.ns["mn1"], "wlan0") as w:
        for n, coa in enumerate((NCOA, other.address(there))):
            w.send("33:33:00:00:00:01", fmip6.una(coa, coa, MN1.mac))
            wait_for("a NAACK", lambda: d["ar2"].counters()["fmip6.naack_sent"] > n)
        movement.predictive(t, d, mobile, here, 20)
        wait_for("the service is over", lambda: d["ar2"].counters()["fmip6.lodgers"] == 0)
        for ap in d["ar1"].config["neighbors"][0]["aps"]:
            ap["addresses"] = "dhcp"
        d["ar1"].write()
        d["ar1"].reload()
        mac, sent = "02:77:00:00:00:01", d["ar1"].counters()["fmip6.prrtadv_sent"]
        w.send(AR1.mac, fmip6.rtsolpr(link_local(mac), AR1.router, 0x7101, mac, AR2.ap_id), mac)
        wait_for("it is answered", lambda: d["ar1"].counters()["fmip6.prrtadv_sent"] > sent)
    r = reading.finish()
    out, back = ((f"Source Address: {a.address}", f"Destination Address: {b.address}") for a, b in ((AR1, AR2), (AR2, AR1)))
    r.has(*back, "Handover Acknowledge (15)", "Code: 3")
    r.has("Fast Binding Acknowledgment (9)", "Status: Accepted but use supplied NCoA (1)", f"Alternate care-of address: {PCOA}", "SPI: 256")
    r.has("Hop Limit: 255", f"Source Address: {link_local(AR2.mac)}", f"Destination Address: {other.address(there)}",
          "Neighbor Advertisement Acknowledgment (20)", "Length: 1", "Status: NCoA is invalid, use NAR's IP address as NCoA in FBU (3)")
    r.has("Hop Limit: 255", f"Source Address: {link_local(AR2.mac)}", f"Destination Address: {NCOA}",
          "Neighbor Advertisement Acknowledgment (20)", "Length: 3", "Status: PCoA supplied, do not send FBU (4)")
    r.has(*out, "Handover Initiate (14)", "(S) flag: False", "(U) flag: False", "Code: 1", "Option-Code: 1", PCOA, "Option-Code: 2", AR2.router)
    r.has(*out, "Handover Initiate (14)", "(S) flag: False", "(U) flag: False", "Code: 2", "Option-Code: 1", PCOA)
    r.has(*back, "Handover Acknowledge (15)", "Code: 0")
    r.has("Hop Limit: 255", "Code: 5", PRRTADV, "Identifier: 28929", AP, bare(AR2.ap_id), *address("NAR's IP address (3)", AR2.router))


def test_what_routers_say_unasked(lab):
    """What is behind a new access point (PrRtAdv with Code 4): it is known then, and nobody moves. That an interface identifier is too long
    for the prefix of another (FBack with Status 131). That an address is another's, without
    another to use instead, and that a link-layer address is none there (NAACK with Status 1 and 128). Told the latter, in its router's
    name, the mobile makes itself another address, and its previous router sends there."""
    c = lab(mobiles=2, proxy=False, extra=FORMS["user"], per_node={"ar1": {"fmip6": {"inform": "1h"}}, "ar2": {"fmip6": {"collision": "refuse"}}})
    d, t, (mobile, other), there = c.daemons, c.topology, c.mobiles, c.points[1]
    d.start("ar1", "ar2")
    d.wait_associated()
    t.bring_up()
    d.start("mn1")
    movement.wait_discovered(d["mn1"], there)
    reading = Reading(t, "mn1", "mn2")
    aps = d["ar1"].config["neighbors"][0]["aps"]
    aps.append({**aps[0], "id": UNKNOWN})
    aps.append({**aps[0], "id": NARROW, "prefix": "2001:db8:0:c::/80", "router": "2001:db8:0:c::1"})
    d["ar1"].write()
    d["ar1"].ctl("reload")
    wait_for("the mobile knows another access point", lambda: any(
        a.get("id") == UNKNOWN and a.get("router") == AR2.router for n in d["mn1"].show("neighbors") for a in n.get("aps", ())))
    assert d["mn1"].counters()["fmip6.triggers_received"] == 0 and d["mn1"].handovers() == []
    theirs, too_long = other.address(c.points[0]), "2001:db8:0:c:200:ff:fe00:2"
    with Wire(t.ns["mn2"], "wlan0") as w:
        w.send(AR1.mac, fmip6.fbu(theirs, AR1.router, theirs, too_long, 1, other.mac, fmip6.badf_key(KEY, theirs)))
        wait_for("it is refused", lambda: d["ar1"].counters()["fmip6.fbu_bad_identifier"])
    movement.predictive(t, d, mobile, there, 20)
    with Wire(t.ns["ar2"], "wlan") as w:
        def told():
            if not d["mn1"].counters()["fmip6.naack_received"]:
                w.send(MN1.mac, fmip6.naack(link_local(AR2.mac), NCOA, AR2.mac, 128))
                return False
            return True
        wait_for("the mobile has heard it", told, step=0.2)

    def bound():
        return [b["ncoa"] for b in d["ar1"].show("bindings") if b["pcoa"] == PCOA]

    wait_for("the previous router knows the mobile's own address", lambda: bound() not in ([], [NCOA]))
    own, = bound()
    t.move([(other, there)])
    free = other.address(there)
    with Wire(t.ns["mn2"], "wlan0") as w:
        for target, mac, counter in ((own, other.mac, "una_ignored"), (free, "02:00:00:ff:fe:00:00:02", "una_unrecognized")):
            def naack():
                w.send(AR2.mac, fmip6.una(target, target, mac))
                return d["ar2"].counters()[f"fmip6.{counter}"]
            wait_for("a NAACK", naack, step=0.2)
    d.stop()
    r = reading.finish()
    old, new = ([AP, f"Link-Layer Address: {bare(ap)}", "Option-code: Link-layer Address of the NAR (3)", bare(AR2.mac),
                 *address("NAR's IP address (3)", AR2.router), *address("NAR's Prefix (sent in PrRtAdv) (4)", "2001:db8:b::", 64)]
                for ap in (AR2.ap_id, UNKNOWN))
    r.has("Hop Limit: 255", f"Source Address: {link_local(AR1.mac)}", f"Destination Address: {link_local(MN1.mac)}", "Code: 4", PRRTADV, "Identifier: 0",
          "Option-code: Link-layer Address of the source (4)", bare(AR1.mac), *old, *new)
    r.has(f"Source Address: {AR1.router}", f"Destination Address: {theirs}", "Fast Binding Acknowledgment (9)",
          "Status: ", "(131)", "Sequence number: 1", "SPI: 256")
    for to, status in ((NCOA, "LLA is unrecognized (128)"), (free, "LLA is unrecognized (128)"),
                       (own, "New CoA is invalid, perform address configuration (1)")):
        r.has("Hop Limit: 255", f"Source Address: {link_local(AR2.mac)}", f"Destination Address: {to}", "Router Advertisement (134)",
              "Source link-layer address", AR2.mac, "Neighbor Advertisement Acknowledgment (20)", "Length: 1", f"Status: {status}")
    r.has(f"Source Address: {own}", f"Destination Address: {AR1.router}", f"MIPv6 Home Address: {PCOA}", "Fast Binding Update (8)")


def seen(c, mobile):
    """It asks until it is answered, over each family."""
    ns = c.topology.ns[mobile.name]
    for dst in (CN, CN4):
        wait_for(f"{dst} answers", lambda: "bytes from" in ns.run("ping", "-n", "-c", "1", "-i", "0.2", "-w", "5", dst, check=False))


def test_between_routers_of_clients(net):
    """A client is seen at another router, comes home, and is to be awaited there again: each time for both its addresses."""
    c = net(routers=2)
    mobile, (home, there) = c.mobiles[0], c.points
    six, four = c.addresses(mobile, home)
    reading = Reading(c.topology)
    for to in (there, home):
        c.topology.move([(mobile, to)])
        seen(c, mobile)
        c.settled(mobile, home, to)
    c.order(home, mobile, home, there)
    c.daemons.stop()
    r = reading.finish()
    out, back = ((f"Source Address: {a.address}", f"Destination Address: {b.address}") for a, b in ((AR1, AR2), (AR2, AR1)))
    mac = ["Option-Code: Link Layer Address of the MN (2)", f"Link-layer address: {mobile.mac}"]
    r.has(*back, "Handover Acknowledge (15)", "Code: 4", *mac)
    for which in (["IPv6 Address/Prefix", "Option-Code: 1", f"IPv6 Address: {six}"], [f"IPv4 Home Address: {four}"]):
        for there_yet in (True, False):
            r.has(*out, "Handover Initiate (14)", "(S) flag: False", f"(U) flag: {not there_yet}", "Code: 1", *mac, *which)
        r.has(*out, "Handover Initiate (14)", "(U) flag: False", "Code: 2", *mac, *which,
              f"Mobile Node Identifier: {mobile.mac.replace(':', '-')}")
    for code in (3, 0):
        r.has(*back, "Handover Acknowledge (15)", f"Code: {code}")


def test_routers_of_rfc_4068(lab):
    c = lab(proxy=False, extra=FORMS["user"])
    d, t, mobile, (here, there) = c.daemons, c.topology, c.mobiles[0], c.points
    for p in c.points:
        d[p.name].config["neighbors"][0]["compat"] = "rfc4068"
        d[p.name].write()
    c.start()
    movement.wait_discovered(d["mn1"], there)
    reading = Reading(t)
    movement.predictive(t, d, mobile, there, 20)
    d["mn1"].wait_handover()
    r = reading.finish()
    assert not any("Handover Initiate (14)" in p or "Handover Acknowledge (15)" in p for p in r.packets)
    r.has("Hop Limit: 255", f"Source Address: {AR1.address}", f"Destination Address: {AR2.address}", "(150)", "Code: 0",
          "Subtype: Handover Initiate (4)", MN1.mac.replace(":", ""), PCOA, NCOA)
    r.has("Hop Limit: 254", f"Source Address: {AR2.address}", f"Destination Address: {AR1.address}", "(150)", "Code: 0",
          "Subtype: Handover Acknowledge (5)")


class OlderMobile:
    """A mobile that announces itself as RFC 4068 has it, played by hand: nothing runs in its namespace. What comes to it through a
    tunnel is what it has got, opened by nobody."""

    def __init__(self, stack, topology, mobile):
        self.topology, self.mobile = topology, mobile
        self.pcoa, self.ncoa = mobile.address(AR1), mobile.address(AR2)
        ns = topology.ns[mobile.name]
        ns.ip(f"addr add {self.ncoa}/64 dev wlan0 nodad")
        self.wire = stack.enter_context(Wire(ns, "wlan0"))
        with ns.entered():
            self.tunnel = stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_RAW, 41))
            self.answers = stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135))
        self.got = []

    def goes(self, to):
        self.topology.move([(self.mobile, to)])
        if to:
            wait_for("its link is up", lambda: self.topology.ns[self.mobile.name].json("link", "show", "wlan0")[0]["operstate"] == "UP")

    def asks(self, ident, ap):
        self.wire.send(AR1.mac, fmip6.rtsolpr(self.pcoa, AR1.router, ident, self.mobile.mac, ap, kind=150))

    def fbu(self, src):
        return fmip6.fbu(src, AR1.router, self.pcoa, self.ncoa, 1, self.mobile.mac, fmip6.badf_key(KEY, self.pcoa))

    def fna(self, inner=b""):
        self.wire.send(AR2.mac, fmip6.fna(self.ncoa, AR2.router, self.mobile.mac, inner))

    def wait_fback(self):
        def comes():
            with contextlib.suppress(BlockingIOError):
                data = self.answers.recv(2048, socket.MSG_DONTWAIT)
                return data[2] == fmip6.FBACK and data[6] == 0
        wait_for("an FBack", comes)

    def wait_packets(self, n):
        """Until so many have come; the numbers of all, in their order."""
        def come():
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, src = self.tunnel.recvfrom(2048, socket.MSG_DONTWAIT)
                    assert (src[0], data[24:40]) == (AR1.router, fmip6.octets(self.pcoa))
                    self.got.append(data[48])
            return len(self.got) >= n
        wait_for(f"{n} packets", come)
        return self.got


def expect_older_advertisements(r, first):
    """Asked by name, asked for all (an access point of zeros), not known, told to move, told unasked: in RFC 4068's words."""
    head = ("Hop Limit: 255", f"Source Address: {link_local(AR1.mac)}", f"Destination Address: {first.pcoa}", "(150)")
    tuple_of_ar2 = [AP, f"Link-Layer Address: {bare(AR2.ap_id)}", "Option-code: Link-layer Address of the NAR (3)", bare(AR2.mac),
                    *address("NAR's IP address (3)", AR2.router), "New Router Prefix Information (18)", "Length: 3 (24 bytes)",
                    "Option-code: 0", "Prefix Length: 64", "Prefix: 2001:db8:b::"]
    r.has(*head, "Code: 0", PRRTADV, "Identifier: 28673", *tuple_of_ar2)
    r.has(*head, "Code: 3", PRRTADV, "Identifier: 28674", "Option-code: The AP belongs to the current interface of the router (5)", *tuple_of_ar2)
    r.has(*head, "Code: 2", PRRTADV, "Identifier: 28675", "Option-code: No prefix information available (6)", bare(UNKNOWN))
    for code in (1, 4):
        r.has(*head, f"Code: {code}", PRRTADV, "Identifier: 0", *tuple_of_ar2)


def expect_older_mobiles(r, first, second):
    r.has("Hop Limit: 255", f"Source Address: {link_local(AR2.mac)}", f"Destination Address: {second.ncoa}", "Router Advertisement (134)",
          "Neighbor Advertisement Acknowledgment (20)", "Length: 1", "LLA is unrecognized (128)")
    older_hi = "Subtype: Handover Initiate (4)"
    for m, code in ((first, 0), (second, 1)):
        r.has("Hop Limit: 255", f"Source Address: {AR1.address}", f"Destination Address: {AR2.address}", "(150)", f"Code: {code}",
              older_hi, bare(m.mobile.mac), m.pcoa, m.ncoa)
    r.has(f"Source Address: {AR1.router}", f"Destination Address: {first.pcoa}", "Fast Binding Acknowledgment (9)", "(0)", "SPI: 256")
    r.has(f"Source Address: {first.ncoa}", f"Destination Address: {AR2.router}", "Payload protocol: No Next Header for IPv6 (59)",
          "Header length: 2 (24 bytes)", "Fast Neighbor Advertisement (10)", "Option-Code: Link Layer Address of the MN (2)")
    fbu = (f"Source Address: {second.ncoa}", f"Destination Address: {AR1.router}", f"MIPv6 Home Address: {second.pcoa}",
           "Fast Binding Update (8)", "Sequence number: 1", f"Alternate care-of address: {second.ncoa}", "SPI: 256")
    r.has(f"Source Address: {second.ncoa}", f"Destination Address: {AR2.router}", "Payload protocol: IPv6 (41)",
          "Fast Neighbor Advertisement (10)", "Hop Limit: 64", *fbu)
    r.has("Hop Limit: 62", *fbu)  # out of the FNA, and two routers further
    r.has(f"Source Address: {AR1.router}", f"Destination Address: {second.ncoa}", "Fast Binding Acknowledgment (9)", "(0)",
          "Sequence number: 1", "SPI: 256")


def test_mobiles_of_rfc_4068(lab):
    """Mobiles of RFC 4068 between routers that speak with each other as they do: what they ask is answered in their words, an FBU
    without an authenticator changes nothing; then with notice and an FNA, and with an FBU in the FNA. What was sent while
    one had no link is held for it, and it gets all, in order."""
    c = lab(mobiles=2, proxy=False, extra=FORMS["user"], per_node={"ar1": {"fmip6": {"inform": "1s"}}})
    d, t, (here, there) = c.daemons, c.topology, c.points
    for p in c.points:
        d[p.name].config["neighbors"][0]["compat"] = "rfc4068"
        d[p.name].write()
    d.start("ar1", "ar2")
    d.wait_associated()
    t.bring_up()
    reading = Reading(t, "mn1", "mn2")
    with contextlib.ExitStack() as stack:
        first, second = (OlderMobile(stack, t, m) for m in c.mobiles)
        with t.ns["cn"].entered():
            cn = stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))

        def sent(mobile, numbers):
            for n in numbers:
                cn.sendto(bytes((n,)), (mobile.pcoa, 9000))

        def state(node, mobile):
            return [b["state"] for b in d[node].show("bindings") if b["pcoa"] == mobile.pcoa]

        for n, ap in enumerate((AR2.ap_id, "00:00:00:00:00:00", UNKNOWN)):
            first.asks(0x7001 + n, ap)
        wait_for("all are answered, and more is said", lambda: d["ar1"].counters()["fmip6.rtsolpr_rfc4068"] == 3 and
                 d["ar1"].counters()["fmip6.informs_sent"])
        d["ar1"].ctl("handover", first.pcoa, "to", there.ap_id)
        first.wire.send(AR1.mac, fmip6.fbu(first.pcoa, AR1.router, first.pcoa, first.ncoa, 1, first.mobile.mac, None))
        wait_for("it proves nothing", lambda: d["ar1"].counters()["fmip6.fbu_bad_auth"] >= 1)
        assert state("ar1", first) == []
        first.wire.send(AR1.mac, first.fbu(first.pcoa))
        first.wait_fback()
        first.goes(None)
        sent(first, range(20))
        wait_for("they are held", lambda: d["ar2"].counters()["net.path_held"] >= 20)
        second.goes(there)
        second.wire.send(AR2.mac, fmip6.fna(first.ncoa, AR2.router, first.mobile.mac))
        wait_for("nobody else gets them", lambda: d["ar2"].counters()["fmip6.una_ignored"] >= 1)
        first.goes(there)
        assert state("ar2", first) == ["holding"]
        first.fna()
        assert first.wait_packets(20) == list(range(20))
        second.wire.send(AR2.mac, fmip6.fna(second.ncoa, AR2.router, "00:00:00:00:00:00"))
        wait_for("that is no link-layer address", lambda: d["ar2"].counters()["fmip6.una_unrecognized"] == 1)
        second.fna(second.fbu(second.ncoa))
        second.wait_fback()
        for m in (first, second):
            wait_for("it has arrived", lambda: (state("ar1", m), state("ar2", m)) == (["forwarding"], ["arrived"]))
            before = len(m.got)
            sent(m, range(20, 30))
            assert m.wait_packets(before + 10)[before:] == list(range(20, 30))
            for p in c.points:
                h = d[p.name].wait_handover(m.pcoa)
                assert (h["mode"], h["result"]) == ("predictive" if m is first else "reactive", "complete"), h
    d.stop()
    r = reading.finish()
    expect_older_advertisements(r, first)
    expect_older_mobiles(r, first, second)
