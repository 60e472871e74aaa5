"""handoverd in the nodes of a topology: its configuration, its life, and what it says about itself."""

import json
import os
import signal
import subprocess
import threading
import time

from .netns import LabError
from .topology import build_dir, wait_for

KEY = "hex:000102030405060708090a0b0c0d0e0f1011121314151617"
SANITIZER = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")


# The two forms of the data plane and of SCTP, as configured.
FORMS = {
    "user": {"net": {"tunnel": "tun"}, "cxtp": {"backend": "usrsctp"}},
    "kernel": {"net": {"tunnel": "ip6tnl"}, "cxtp": {"backend": "kernel"}},
}


# On a busy machine seconds pass between a mobile's order and the end of its link: it waits for that, and the new router with it.
PATIENCE = {"fmip6": {"prepared_time": "30s", "hold_time": "40s"}}


# ---- configuration -------------------------------------------------------------------------------------------------

def libconfig(value, depth=0):
    """A Python value as libconfig writes it: dict a group, list a list, the rest scalars."""
    pad = "\t" * depth
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inner = "".join(f"{pad}\t{k} = {libconfig(v, depth + 1)};\n" for k, v in value.items())
        return "{\n" + inner + pad + "}" if inner else "{ }"
    if isinstance(value, (list, tuple)):
        return "( " + ", ".join(libconfig(v, depth) for v in value) + " )"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def config_text(config):
    return "".join(f"{k} = {libconfig(v)};\n" for k, v in config.items())


def merged(base, extra):
    """base with extra's keys put over it, group by group."""
    out = dict(base)
    for k, v in (extra or {}).items():
        out[k] = merged(out[k], v) if isinstance(v, dict) and isinstance(out.get(k), dict) else v
    return out


def _common(topology, node, role):
    return {"role": role, "name": node, "control": {"socket": str(topology.dir / f"{node}.sock")},
            "log": {"level": os.environ.get("HANDOVERD_LAB_LOG", "debug"), "sink": "stderr"}}


def access_router(topology, point, neighbours=None, extra=None):
    """An access router that knows all the others (or those given)."""
    others = [p for p in topology.points if p is not point] if neighbours is None else neighbours
    return merged({
        **_common(topology, point.name, "access-router"),
        "interfaces": [{"name": "wlan", "kind": "access", "aps": [point.ap_id]}, {"name": "eth0", "kind": "core"}],
        "neighbors": [{"name": p.name, "address": p.address, "protect": "none",
                       "aps": [{"id": p.ap_id, "prefix": p.prefix, "router": p.router, "link_address": p.mac}]} for p in others],
        "mobiles": [{"prefix": p.prefix, "key": KEY} for p in topology.points],
        **PATIENCE,
    }, extra)


def mobile_node(topology, mobile, extra=None):
    home = topology.home
    return merged({
        **_common(topology, mobile.name, "mobile-node"),
        "interfaces": [{"name": "wlan0", "kind": "access"}],
        "mobiles": [{"prefix": p, "key": KEY} for p in sorted({p.prefix for p in topology.links})],
        **({"mip6": {"home_address": mobile.address(home), "home_agent": home.router}} if home else {}),
        **PATIENCE,
    }, extra)


def home_agent(topology, extra=None):
    """The home agent of a topology with a home link."""
    return merged({
        **_common(topology, topology.home.name, "home-agent"),
        "interfaces": [{"name": "wlan", "kind": "access"}, {"name": "eth0", "kind": "core"}],
        "mobiles": [{"prefix": topology.home.prefix, "key": KEY}],
    }, extra)


def multicast_proxy(topology, node="core", extra=None):
    """A router that forwards groups from its core side to whoever listens on its access side (RFC 4605), and nothing else."""
    if node == "core":
        interfaces = [{"name": "cn", "kind": "core"}] + [{"name": p.name, "kind": "access"} for p in topology.points]
    else:
        interfaces = [{"name": "wlan", "kind": "access"}, {"name": "eth0", "kind": "core"}]
    return merged({**_common(topology, node, "access-router"), "interfaces": interfaces, "neighbors": [], "mobiles": []}, extra)


# ---- the daemon ----------------------------------------------------------------------------------------------------

class Daemon:
    """One handoverd. start() returns when it answers its control socket."""

    def __init__(self, topology, node, config):
        self.topology, self.node, self.config = topology, node, config
        self.file = topology.dir / f"{node}.conf"
        self.socket = config["control"]["socket"]
        self.binary = build_dir() / "handoverd"
        self.process = None
        self.write()

    def write(self, config=None):
        self.config = config or self.config
        self.file.write_text(config_text(self.config))
        self.file.chmod(0o600)

    def start(self, limit=30.0):
        env = {**os.environ, "ASAN_OPTIONS": "abort_on_error=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1"}
        self.process = self.topology.start(self.node, [self.binary, "-f", "-c", self.file], "handoverd", env=env)
        wait_for(f"{self.node}: handoverd answers", self._answers, limit)
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise LabError(f"{self.node}: handoverd ended, exit {self.process.returncode}: {self.log()[-1500:]}")
        return os.path.exists(self.socket) and self.ctl_raw("show", "modules").returncode == 0

    def log(self):
        return self.topology.log(self.node, "handoverd")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, limit=30.0):
        """SIGTERM, as an operator would. Returns the exit status."""
        if self.alive():
            self.process.terminate()
        return self.process.wait(limit)

    def kill(self):
        """SIGKILL: nothing is tidied up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def reload(self):
        return self.ctl_raw("reload")

    def sanitizer_reports(self):
        return [line for line in self.log().splitlines() if any(s in line for s in SANITIZER)]

    # -- asking it

    def argv(self, *words, as_json=False):
        return ["handoverctl", "-s", self.socket, *(["-j"] if as_json else []), *map(str, words)]

    def ctl_raw(self, *words, as_json=False, limit=30.0):
        """The result of one handoverctl command, whatever it is. The client is the daemon's program under another name."""
        return subprocess.run(self.argv(*words, as_json=as_json), executable=self.binary, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=limit,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    def ctl_start(self, *words):
        """A command that runs while others do: its process."""
        return subprocess.Popen(self.argv(*words), executable=self.binary, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    def ctl(self, *words):
        r = self.ctl_raw(*words)
        if r.returncode:
            raise LabError(f"{self.node}: handoverctl {' '.join(map(str, words))}: exit {r.returncode}: {r.stderr.strip()}")
        return r.stdout

    def show(self, what):
        r = self.ctl_raw("show", what, as_json=True)
        if r.returncode:
            raise LabError(f"{self.node}: handoverctl show {what}: exit {r.returncode}: {r.stderr.strip()}")
        return json.loads(r.stdout)

    def handovers(self, mobile=None):
        """Handover records, newest last; of one mobile if its address is given."""
        return [h for h in self.show("handovers") if mobile is None or h["mobile"] == mobile]

    def counters(self):
        return self.show("counters")

    def wait_handover(self, mobile=None, count=1, limit=30.0):
        """Until `count` records have ended; the last of them."""
        def ended():
            done = [h for h in self.handovers(mobile) if h["result"] != "running"]
            return done if len(done) >= count else None
        return wait_for(f"{self.node}: handover {count} ends", ended, limit)[-1]

    def watch(self):
        """From when this returns, events are kept."""
        return Watch(self).ready()


class Watch:
    """`handoverctl -j watch` in the background. Events are kept; wait() looks at those that came since watch() too."""

    def __init__(self, daemon):
        self.node = daemon.node
        self.events = []
        self._cond = threading.Condition()
        self.process = subprocess.Popen(daemon.argv("watch", as_json=True), executable=daemon.binary, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            with self._cond:
                self.events.append(json.loads(line))
                self._cond.notify_all()
        with self._cond:
            self.process.wait()
            self._cond.notify_all()

    def wait(self, what, test, limit=30.0):
        """The first event for which test(event) is true."""
        end, seen = time.monotonic() + limit, 0
        with self._cond:
            while True:
                for event in self.events[seen:]:
                    if test(event):
                        return event
                seen = len(self.events)
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None and not self._thread.is_alive():
                    raise LabError(f"{self.node}: watch: waited in vain: {what}; saw {self.events[-5:]}")
                self._cond.wait(min(left, 0.5))

    def ready(self):
        self.wait("the greeting", lambda e: e["event"] == "watching")
        return self

    def wait_step(self, name, limit=30.0):
        return self.wait(f"step {name}", lambda e: e["event"] == "handover-step" and e["name"] == name, limit)

    def wait_ended(self, limit=30.0):
        return self.wait("a handover ends", lambda e: e["event"] == "handover-ended", limit)["handover"]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self._thread.join(2)
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- all of them ---------------------------------------------------------------------------------------------------

class Daemons:
    """The usual cast: a handoverd in every access router and mobile, and the multicast proxy in core."""

    def __init__(self, topology, extra=None, proxy=True, mobiles=True, per_node=None):
        per_node = per_node or {}
        self.topology = topology
        self.by_node = {}
        if proxy:
            self._add("core", multicast_proxy(topology, extra=merged(extra or {}, per_node.get("core"))))
        for p in topology.points:
            self._add(p.name, access_router(topology, p, extra=merged(extra or {}, per_node.get(p.name))))
        if topology.home:
            self._add(topology.home.name, home_agent(topology, extra=merged(extra or {}, per_node.get(topology.home.name))))
        if mobiles:
            for m in topology.mobiles:
                self._add(m.name, mobile_node(topology, m, extra=merged(extra or {}, per_node.get(m.name))))

    def _add(self, node, config):
        self.by_node[node] = Daemon(self.topology, node, config)

    def __getitem__(self, node):
        return self.by_node[node]

    def __iter__(self):
        return iter(self.by_node.values())

    def start(self, *nodes):
        for d in [self.by_node[n] for n in nodes] or self:
            d.start()
        return self

    def wait_associated(self, limit=30.0):
        """Until every router's association to each of its neighbours stands."""
        for p in self.topology.points:
            d = self.by_node[p.name]
            wait_for(f"{p.name}: associated with its neighbours",
                     lambda: all(n["association"] == "up" for n in d.show("neighbors")), limit)

    def stop(self):
        for d in self:
            if d.alive():
                d.stop()

    def sanitizer_reports(self):
        return [f"{d.node}: {line}" for d in self for line in d.sanitizer_reports()]
