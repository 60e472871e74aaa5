"""
The lab's network as people with ordinary phones have it: access routers that serve clients (fmip6.clients), behind one gateway that
looks the same everywhere, IPv4 and IPv6; and clients that run nothing of ours: the kernel's own autoconfiguration, and DHCP.
"""

from . import dhcp, netns
from .daemon import FORMS, Daemons, merged
from .netns import LabError
from .topology import CN, Topology, wait_for

GATEWAY = {"link_local": "fe80::1", "link_address": "02:00:5e:00:00:01"}
CN4 = "192.0.2.2"
RADVD = """interface wlan
{
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 10;
	AdvSourceLLAddress on;
	AdvRASrcAddress { fe80::1; };
	prefix %s { AdvOnLink on; AdvAutonomous on; AdvValidLifetime 7200; AdvPreferredLifetime 3600; };
};
"""


def net4(point):
    return f"10.{16 + point.n}.0.0/16" if getattr(point, "crowded", False) else f"10.1.{point.n}.0/24"


def router4(point):
    return f"10.{16 + point.n}.0.1" if getattr(point, "crowded", False) else f"10.1.{point.n}.1"


class ClientTopology(Topology):
    """With IPv4 everywhere, and router advertisements that come from the gateway's address."""

    def _addresses(self):
        super()._addresses()
        for node in ("cn", "core", *(p.name for p in self.points)):
            self.ns[node].sysctl(ipv4__ip_forward=1, ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                                 **{f"ipv4__conf__{i}__rp_filter": 0 for i in ("eth0", "cn", "wlan", *(p.name for p in self.points))})
        self.ns["cn"].ip(f"addr add {CN4}/24 dev eth0", "route add default via 192.0.2.1")
        self.ns["core"].ip("addr add 192.0.2.1/24 dev cn", *[line for p in self.points for line in (
            f"addr add 10.0.{p.n}.1/24 dev {p.name}", f"route add {net4(p)} via 10.0.{p.n}.2")])
        for p in self.points:
            self.ns[p.name].ip(f"addr add 10.0.{p.n}.2/24 dev eth0", f"addr add {router4(p)}/{net4(p).split('/')[1]} dev wlan",
                               f"route add default via 10.0.{p.n}.1")

    def _radvd(self):
        pass

    def advertise(self, same=True):
        """Router advertisements: from the gateway's address, or, without handoverd, from each router's own."""
        for p in self.points:
            conf = self.dir / f"{p.name}.radvd"
            text = RADVD % p.prefix
            conf.write_text(text if same else text.replace("\tAdvRASrcAddress { fe80::1; };\n", ""))
            self.start(p.name, ["radvd", "-n", "-m", "stderr", "-C", conf, "-p", self.dir / f"{p.name}.radvd.pid"], "radvd")

    def bring_up_clients(self):
        """At the first access point, with an IPv6 address of their own making, and an IPv4 one from DHCP there. DHCP is everywhere."""
        for p in self.points:
            dhcp.serve(self, p)
        self.bring_up()
        self.dhcp = {m.name: dhcp.Client(self, m) for m in self.mobiles}
        for m in self.mobiles:
            m.address4 = self.dhcp[m.name].ask().split()[1]
            wait_for(f"{m.name} has IPv4", lambda: "bytes from" in self.ns[m.name].run("ping", "-n", "-c", "1", "-W", "5", CN4, check=False))


def config(extra=None):
    return merged(merged(FORMS["user"], {"fmip6": {"clients": True, "gateway": GATEWAY}, "dhcp4": {"relay": "all"}}), extra)


class Clients:
    """The routers with their daemons, and clients at the first access point. A context manager. crowded: links with room for many;
    the clients are somebody else's affair."""

    def __init__(self, routers=3, mobiles=1, extra=None, daemons=True, keep=None, crowded=False):
        self.topology = ClientTopology(routers=routers, mobiles=mobiles, keep=keep)
        for p in self.topology.points:
            p.crowded = crowded
        self.topology.__enter__()
        self.points, self.mobiles = self.topology.points, self.topology.mobiles
        self.daemons = None
        try:
            for p in self.points:
                for device in ("eth0", "wlan"):
                    wait_for(f"{p.name}: {device} is whole", lambda: self._settled(p, device))
            self.before = {p.name: netns.snapshot(self.topology.ns[p.name]) for p in self.points}
            if daemons:
                self._start(extra)
            self.topology.advertise(same=daemons)
            if crowded:
                self.topology.bring_up()
            else:
                self.topology.bring_up_clients()
        except BaseException:
            self.print_logs()
            self.close()
            raise

    def _settled(self, point, device):
        """Whether a link has the address that the kernel makes for it of its own link-layer address."""
        return any(a.get("scope") == "link" and not a.get("tentative")
                   for link in self.topology.ns[point.name].json("-6", "addr", "show", "dev", device) for a in link.get("addr_info", ()))

    def print_logs(self):
        for d in self.daemons or ():
            print(f"==== {d.node}\n{d.log()[-6000:]}")

    def _start(self, extra):
        self.daemons = Daemons(self.topology, extra=config(extra), proxy=False, mobiles=False)
        for p in self.points:
            d = self.daemons[p.name]
            for n in d.config["neighbors"]:
                other = next(q for q in self.points if q.name == n["name"])
                n["aps"][0].update(prefix4=net4(other), router4=router4(other), link_address=GATEWAY["link_address"])
            d.write()
        self.daemons.start()
        self.daemons.wait_associated()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.daemons:
            self.daemons.stop()
        self.topology.close()

    # -- what the routers know

    def bindings(self, point, address=None):
        return [b for b in self.daemons[point.name].show("bindings") if address is None or b["pcoa"] == address]

    def wait_state(self, point, address, state, limit=30.0):
        """Until that router says so of that address; None: it knows nothing of it any more."""
        def there():
            states = [b["state"] for b in self.bindings(point, address)]
            return states == ([state] if state else [])
        try:
            wait_for(f"{point.name}: {address} is {state}", there, limit)
        except LabError as e:
            raise LabError(f"{e}: {self.bindings(point)}") from None

    def addresses(self, mobile, point):
        """Of a client that got its addresses at that access point."""
        return [mobile.address(point), mobile.address4]

    def order(self, at, mobile, home, to):
        """An operator at that router has the client moved. Returns when its packets go to where it is awaited."""
        self.daemons[at.name].ctl("handover", mobile.address(home), "to", to.ap_id)
        for address in self.addresses(mobile, home):
            if to is home:
                self.wait_state(home, address, "coming-home")
            else:
                self.wait_state(to, address, "holding")
                self.wait_state(home, address, "moving")

    def settled(self, mobile, home, at):
        """Until the client is at that access point as far as the routers concerned know, and nowhere else."""
        for address in self.addresses(mobile, home):
            self.wait_state(home, address, "away" if at is not home else None)
            for p in self.points:
                if p is not home:
                    self.wait_state(p, address, "visiting" if p is at else None)


# ---- traffic of a client ---------------------------------------------------------------------------------------------

class Ping:
    """A ping of the client, one every `interval` seconds."""

    def __init__(self, topology, node, dst, interval=0.1):
        self.topology, self.node, self.name = topology, node, f"ping-{dst}"
        self.process = topology.start(node, ["ping", "-n", "-O", "-i", interval, dst], self.name)

    def replies(self):
        """Sequence numbers in the order in which they came back."""
        out = []
        for line in self.topology.log(self.node, self.name).splitlines():
            if "bytes from" in line and "seq=" in line:
                out.append(int(line.split("seq=")[1].split()[0]))
        return out

    def wait_more(self, n, limit=30.0):
        have = len(self.replies())
        wait_for(f"{self.node}: {n} replies of {self.name}", lambda: len(self.replies()) >= have + n, limit)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        got = self.replies()
        return {"received": len(got), "lost": got[-1] - len(set(got)) if got else None, "reordered": got != sorted(got)}
