"""
Loss of single protocol messages, in the network between the nodes and not in the nodes: whatever kind of socket they use, the
packet is gone. Messages between routers are dropped in core, those of a mobile in the air. Needs nftables.
"""

import re

CORE, AIR = "core", "air"
PPID = "@th,192,32 0x43585450"  # "CXTP", in a DATA chunk that comes first
PPID_BEHIND_SACK = "@th,320,32 0x43585450"


def _mh(kind):
    return [f"mh type {kind}"]


def _cxtp(first_octet):
    """A CXTP message between routers by its first octet: in the first chunk of the SCTP packet, or behind a SACK without gaps."""
    return [f"meta l4proto sctp @th,96,8 0 {PPID} @th,224,8 {first_octet}",
            f"meta l4proto sctp @th,96,8 3 @th,112,16 16 @th,224,8 0 {PPID_BEHIND_SACK} @th,352,8 {first_octet}"]


def _icmp6(kind, *more):
    return [" ".join([f"meta l4proto icmpv6 icmpv6 type {kind}", *more])]


MESSAGES = {
    "FBU": (AIR, _mh(8)), "FBack": (AIR, _mh(9)), "HI": (CORE, _mh(14)), "HAck": (CORE, _mh(15)),
    "RtSolPr": (AIR, _icmp6(154, "@th,32,8 2")), "PrRtAdv": (AIR, _icmp6(154, "@th,32,8 3")),
    "UNA": (AIR, _icmp6(136)),
    "CTAR": (AIR, _icmp6(150, "@th,64,8 0x21")), "CTAA": (AIR, _icmp6(150, "@th,64,8 0x22")),
    "CTD": (CORE, _cxtp("0x23")), "PCTD": (CORE, _cxtp("0x24")), "CTDR": (CORE, _cxtp("0x25")), "CTC": (CORE, _cxtp("0x26")),
    "CT-Req": (CORE, _cxtp("0x27")),
    "ICMPv6 128": (AIR, _icmp6(128)),
}


class Loss:
    """From the first-th message of that name on, `count` of them are dropped. Context manager.
    count() tells how many were dropped, seen() how many came by."""

    def __init__(self, topology, message, first=1, count=1):
        self.message = message
        place, self.matches = MESSAGES[message]
        self.ns = topology.ns[place]
        self.family = "bridge" if place == AIR else "inet"
        self.table = "lab_" + re.sub(r"\W", "_", message.lower())
        self.first, self.n = first, count

    def __enter__(self):
        # Every match goes through one chain, so that the packets are numbered in the order they come.
        last = self.first + self.n - 2
        which = f"numgen inc mod 1000000 {self.first - 1}-{last}" if self.n > 1 else f"numgen inc mod 1000000 {self.first - 1}"
        self.ns.run("nft", "-f", "-", stdin="\n".join([
            f"table {self.family} {self.table} {{",
            "counter seen { }", "counter dropped { }",
            f"chain drop_some {{ counter name seen {which} counter name dropped drop; }}",
            "chain forward { type filter hook forward priority 0; policy accept;",
            *[f"{m} jump drop_some;" for m in self.matches],
            "}", "}", ""]))
        return self

    def __exit__(self, *_):
        self.ns.run("nft", "delete", "table", self.family, self.table, check=False)

    def _counter(self, name):
        out = self.ns.run("nft", "list", "counter", self.family, self.table, name)
        return int(re.search(r"packets (\d+)", out).group(1))

    def count(self):
        return self._counter("dropped")

    def seen(self):
        return self._counter("seen")
