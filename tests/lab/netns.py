"""Network namespaces: making them, running things in them, and comparing what is in them before and after."""

import contextlib
import ctypes
import json
import os
import re
import subprocess
from pathlib import Path

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    pass


def run(*argv, stdin=None, check=True, env=None):
    """Runs to the end and returns what it printed; LabError with its words if it failed."""
    r = subprocess.run([str(a) for a in argv], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
                       stdin=subprocess.DEVNULL if stdin is None else None)
    if check and r.returncode:
        raise LabError(f"{' '.join(map(str, argv))}: exit {r.returncode}: {r.stderr.strip() or r.stdout.strip()}")
    return r.stdout


def ip_batch(lines, netns=None):
    """One process for many `ip` commands."""
    if lines:
        run("ip", *(["-n", netns] if netns else []), "-batch", "-", stdin="\n".join(lines) + "\n")


class Netns:
    """A namespace known to `ip netns` by name. Processes are started from inside, without `ip netns exec`."""

    def __init__(self, name):
        self.name = name
        self.path = Path("/run/netns") / name

    @contextlib.contextmanager
    def entered(self):
        """This thread is inside for the time being, and so is what it starts."""
        with open("/proc/thread-self/ns/net", "rb") as back, open(self.path, "rb") as there:
            self._setns(there)
            try:
                yield
            finally:
                self._setns(back)

    @staticmethod
    def _setns(f):
        if libc.setns(f.fileno(), CLONE_NEWNET):
            raise LabError(f"setns: {os.strerror(ctypes.get_errno())}")

    def run(self, *argv, **kw):
        with self.entered():
            return run(*argv, **kw)

    def popen(self, argv, **kw):
        with self.entered():
            return subprocess.Popen([str(a) for a in argv], **kw)

    def ip(self, *lines):
        ip_batch(lines, self.name)

    def sysctl(self, **settings):
        """ipv6__conf__all__forwarding=1: a double underscore is a slash, under net."""
        with self.entered():
            for key, value in settings.items():
                path = Path("/proc/sys/net") / key.replace("__", "/")
                if path.exists():
                    path.write_text(str(value))

    def json(self, *argv):
        return json.loads(self.run("ip", "-j", *argv, check=False) or "[]")

    def pids(self):
        return [int(p) for p in run("ip", "netns", "pids", self.name, check=False).split()]


# ---- what is there: to be the same after as before ------------------------------------------------------------------

VOLATILE = ("expires", "pref", "flags", "linkmode", "group", "stats", "stats64", "operstate", "link_index", "link_netnsid")


def _plain(items, *keep):
    out = set()
    for item in items:
        if item:
            item = {k: v for k, v in item.items() if k not in VOLATILE and (not keep or k in keep)}
            out.add(json.dumps(item, sort_keys=True))
    return out


def _lines(text):
    return {line.strip() for line in text.splitlines() if line.strip()}


def snapshot(ns):
    """Everything a daemon could leave behind in a namespace, by kind. What the kernel itself makes and expires (cached
    neighbours, lifetimes) is left out."""
    neigh = [n for n in ns.json("-6", "neigh", "show") if {"PERMANENT", "NOARP"} & set(n.get("state", ()))]
    with ns.entered():
        mif = Path("/proc/thread-self/net/ip6_mr_vif")
        mfc = Path("/proc/thread-self/net/ip6_mr_cache")
        dev_mc = Path("/proc/thread-self/net/igmp6").read_text()
        mifs = _lines(mif.read_text()) if mif.exists() else set()
        mfcs = _lines(mfc.read_text()) if mfc.exists() else set()
    return {
        "links": _plain(ns.json("link", "show"), "ifname", "mtu", "address"),
        "addresses": {f"{l['ifname']} {a['local']}/{a['prefixlen']}" for l in ns.json("-6", "addr", "show") if l
                      for a in l.get("addr_info", ()) if a.get("scope") != "link"},
        "routes": _plain(ns.json("-6", "route", "show", "table", "all"), "dst", "dev", "gateway", "table", "protocol", "encap",
                         "type", "metric"),
        "rules": _plain(ns.json("-6", "rule", "show")),
        "neighbours": _plain(neigh, "dst", "dev", "lladdr"),
        "proxies": _plain(ns.json("-6", "neigh", "show", "proxy")),
        "nft": _lines(re.sub(r"packets \d+ bytes \d+", "", ns.run("nft", "list", "ruleset", check=False))),
        "multicast interfaces": {m for m in mifs if not m.startswith("Interface")},
        "multicast routes": {m for m in mfcs if not m.startswith("Group")},
        "groups": {" ".join(line.split()[1:3]) for line in dev_mc.splitlines()},
    }


def differences(before, after, ignore=()):
    """What is new or gone, as lines for a person; empty if nothing."""
    out = []
    for kind in before:
        if kind in ignore:
            continue
        out += [f"{kind}: left behind: {x}" for x in sorted(after[kind] - before[kind])]
        out += [f"{kind}: taken away: {x}" for x in sorted(before[kind] - after[kind])]
    return out
