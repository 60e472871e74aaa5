"""DHCP for IPv4 as people have it: dhclient in a mobile, dnsmasq in a router."""

import re

from .topology import wait_for

SCRIPT = """#!/bin/sh
case $reason in BOUND|RENEW|REBIND|REBOOT)
	ip -4 addr show dev "$interface" | grep -q " $new_ip_address/" || {
		ip -4 addr flush dev "$interface"
		ip addr add "$new_ip_address/24" dev "$interface"
	}
	[ -z "$new_routers" ] || ip route replace default via "${new_routers%% *}" dev "$interface"
	echo "$reason $new_ip_address $new_dhcp_server_identifier" >>"$LAB_TOLD" ;;
NAK)
	echo "NAK none none" >>"$LAB_TOLD" ;;
esac
"""


class Client:
    """A mobile's DHCP client. Each start is one more time that its link has come up."""

    def __init__(self, topology, mobile):
        self.topology, self.mobile, self.dir = topology, mobile, topology.dir
        self.told = self.dir / f"{mobile.name}.told"
        self.leases = self.dir / f"{mobile.name}.leases"
        self.script = self.dir / "dhclient-script"
        for path in (self.leases, self.told):
            path.touch()
        self.script.write_text(SCRIPT)
        self.script.chmod(0o755)
        self.config = self.dir / "dhclient.conf"
        self.config.write_text("timeout 60;\nretry 2;\nreboot 30;\ninitial-interval 1;\nbackoff-cutoff 2;\n")

    def told_lines(self):
        return self.told.read_text().splitlines()

    def ask(self):
        """Until it is told something new: the line."""
        before = len(self.told_lines())
        argv = ["dhclient", "-4", "-d", "-1", "-cf", self.config, "-lf", self.leases, "-pf", self.dir / f"{self.mobile.name}.pid",
                "-sf", self.script, "-e", f"LAB_TOLD={self.told}", "wlan0"]
        p = self.topology.start(self.mobile.name, argv, "dhclient")
        try:
            wait_for(f"{self.mobile.name} is told an address", lambda: len(self.told_lines()) > before, 60)
            # It forgets what it has not written down.
            address = self.told_lines()[before].split()[1]
            wait_for(f"{self.mobile.name} has noted its lease",
                     lambda: re.search(rf"fixed-address {address};[^}}]*}}\n$", self.leases.read_text()), 60)
        finally:
            p.terminate()
            p.wait(10)
        return self.told_lines()[before]


def serve(topology, point):
    leases = topology.dir / f"{point.name}.dnsmasq-leases"
    argv = ["dnsmasq", "-k", "-C", "/dev/null", "--port=0", "--log-dhcp", "--log-facility=-", "--user=root", "--no-ping",
            f"--pid-file={topology.dir / point.name}.dnsmasq.pid", f"--dhcp-leasefile={leases}", "--interface=wlan",
            f"--dhcp-option=option:router,10.1.{point.n}.1", "--interface=eth0", "--dhcp-authoritative", f"--dhcp-range=10.1.{point.n}.50,10.1.{point.n}.90,255.255.255.0,1h"]
    server = topology.start(point.name, argv, "dnsmasq")
    wait_for(f"{point.name}'s DHCP server", lambda: "DHCP, IP range" in topology.log(point.name, "dnsmasq"), 20)
    return server
