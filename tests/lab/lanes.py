"""
Which kernel a test or a demo runs on.

A lane is a kernel to run commands on: the one that runs here (native), Debian's user-mode-linux (uml), or Debian's
own kernel in an emulator (qemu). A command names what it needs; the first lane that has all of it is taken. The kernel
here is asked by trying, not by its version. A need that no lane has is an error, never a skip.

As a program (scripts/lane):  lanes.py [--needs A,B] [--lane NAME] [--out DIR] [--limit SECONDS] -- COMMAND…
                              lanes.py --list            what each lane has
                              lanes.py --probe A,B       which of these are missing on this kernel; exit 1 if any is
"""

import argparse
import ctypes
import fcntl
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CLONE_NEWNET = 0x40000000


class LaneError(Exception):
    pass


# ---- what a kernel can do, found by trying -------------------------------------------------------------------------

def quiet(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def can_link(kind, *args):
    return quiet("ip", "link", "add", "lab-probe", "type", kind, *args) == 0


def can_veth():
    return can_link("veth", "peer", "name", "lab-probe2")


def can_vlan():
    return can_link("bridge", "vlan_filtering", "1") and quiet(*"ip link add link lab-probe type vlan id 10".split()) == 0


def can_tun():
    with open("/dev/net/tun", "r+b", buffering=0) as f:
        fcntl.ioctl(f, 0x400454CA, struct.pack("16sH22x", b"lab-probe-tun", 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
    return True


def can_sctp():
    quiet("ip", "link", "set", "lo", "up")
    with socket.socket(socket.AF_INET6, socket.SOCK_SEQPACKET, 132) as s:
        s.bind(("::1", 0))
        s.listen(1)  # fails when the cookie's hash cannot be loaded
    return True


def can_esp():
    return quiet("ip", "xfrm", "state", "add", "src", "2001:db8::1", "dst", "2001:db8::2", "proto", "esp", "spi", "1",
                 "mode", "transport", "aead", "rfc4106(gcm(aes))", "0x" + "11" * 20, "128") == 0


def can_netem():
    return quiet("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms") == 0


def can_nft():
    return quiet("nft", "add", "table", "inet", "lab_probe") == 0


def can_nfqueue():
    return quiet("nft", "add table inet lab_q; add chain inet lab_q c { type filter hook input priority 0 ; };"
                 " add rule inet lab_q c queue num 1") == 0


def can_conntrack():
    if quiet("nft", "add table inet lab_ct; add chain inet lab_ct c { type filter hook forward priority 0 ; };"
             " add rule inet lab_ct c ct state established accept"):
        return False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as s:  # NETLINK_NETFILTER: a dump of all entries
        s.send(struct.pack("=IHHIIBBH", 20, 0x101, 0x301, 1, 0, 0, 0, 0))
        return struct.unpack_from("=IH", s.recv(65536))[1] != 2  # NLMSG_ERROR


def can_mroute6():
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, 200, 1)  # MRT6_INIT
    return True


def can_mroute4():
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP) as s:
        s.setsockopt(socket.IPPROTO_IP, 200, 1)  # MRT_INIT
    return True


def can_hwsim():
    return Path("/sys/class/mac80211_hwsim").exists()


def can_optimistic_dad():
    return Path("/proc/sys/net/ipv6/conf/lo/optimistic_dad").exists()


def can_mip6():
    return quiet("ip", "xfrm", "state", "add", "src", "2001:db8::1", "dst", "2001:db8::2", "proto", "hao", "reqid", "1",
                 "mode", "ro", "coa", "2001:db8::3") == 0


# need: (how to try it, modules that may have to be loaded first)
NEEDS = {
    "netns": (lambda: True, ()),
    "veth": (can_veth, ("veth",)),
    "bridge": (lambda: can_link("bridge"), ("bridge",)),
    "vlan": (can_vlan, ("bridge", "8021q")),
    "tun": (can_tun, ("tun",)),
    "nft": (can_nft, ("nf_tables",)),
    "conntrack": (can_conntrack, ("nf_tables", "nft_ct", "nf_conntrack_netlink")),
    "nfqueue": (can_nfqueue, ("nf_tables", "nft_queue", "nfnetlink_queue")),
    "sctp": (can_sctp, ("md5", "hmac", "sctp")),
    "esp": (can_esp, ("xfrm_user", "esp4", "esp6", "authenc", "cbc", "gcm", "ctr", "seqiv", "ghash_generic")),
    "ip6tnl": (lambda: can_link("ip6tnl", "external"), ("ip6_tunnel",)),
    "mip6": (can_mip6, ("mip6", "xfrm_user")),
    "netem": (can_netem, ("sch_netem",)),
    "mroute6": (can_mroute6, ()),
    "mroute4": (can_mroute4, ()),
    "vxlan": (lambda: can_link("vxlan", "id", "1", "dstport", "4789"), ("vxlan",)),
    "hwsim": (can_hwsim, ("ccm", "ctr", "mac80211_hwsim")),
    "optimistic_dad": (can_optimistic_dad, ()),
}


def in_new_netns(fn):
    """fn's truth in a network namespace of its own, from which nothing remains."""
    pid = os.fork()
    if pid == 0:
        ok = False
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
                ok = bool(fn())
        except OSError:
            pass
        except BaseException as e:  # a bug here must not pass for a missing feature unnoticed
            print(f"lanes: probe: {e!r}", file=sys.stderr)
        os._exit(0 if ok else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def check_known(needs):
    unknown = sorted(set(needs) - set(NEEDS))
    if unknown:
        raise LaneError(f"no such need: {', '.join(unknown)} (known: {', '.join(sorted(NEEDS))})")


def probe_missing(needs):
    """Those of needs that this kernel does not have, after an attempt to load their modules."""
    check_known(needs)
    missing = []
    for need in sorted(set(needs)):
        test, modules = NEEDS[need]
        if in_new_netns(test):
            continue
        for module in modules:
            if shutil.which("modprobe"):
                quiet("modprobe", "-q", module)
        if not (modules and in_new_netns(test)):
            missing.append(need)
    return missing


# ---- the lanes -----------------------------------------------------------------------------------------------------

class Native:
    name = "native"

    def why_not(self):
        return None if os.geteuid() == 0 else "must be root"

    def missing(self, needs):
        return probe_missing(needs)

    def run(self, argv, out, limit, needs, cwd, env):
        with open(out / "stdout", "wb") as o, open(out / "stderr", "wb") as e:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=o, stderr=e, cwd=cwd,
                                     env={**os.environ, **env}, start_new_session=True)
            try:
                return child.wait(limit)
            except BaseException as x:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                if not isinstance(x, subprocess.TimeoutExpired):
                    raise
                raise LaneError(f"native: not done after {limit:g} s") from None


class Guest:
    """A kernel of its own, whose init is tests/lab/guest-init. What it has is stated here and tried again inside."""
    lacks = frozenset()

    def missing(self, needs):
        check_known(needs)
        return sorted(set(needs) & self.lacks)

    def prepare(self, argv, out, needs, cwd, env):
        modules = [m for n in needs for m in NEEDS[n][1]]
        keep = {k: v for k, v in os.environ.items() if k.startswith("HANDOVERD_") or k in ("LANG", "LC_ALL", "COLUMNS")}
        env = {**keep, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "HANDOVERD_LANE": self.name, **env}
        lines = [f"export {k}={shlex.quote(v)}" for k, v in sorted(env.items())]
        lines += [f"modprobe -q {m}" for m in dict.fromkeys(modules)]
        lines += [f"/usr/bin/python3 {shlex.quote(str(HERE / 'lanes.py'))} --probe {','.join(needs)} || exit 125"] if needs else []
        lines += [f"cd {shlex.quote(str(cwd))} || exit 126", shlex.join(argv)]
        (out / "command").write_text("\n".join(lines) + "\n")
        for name in ("status", "stdout", "stderr", "boot"):
            (out / name).unlink(missing_ok=True)

    def finish(self, out, ended, limit):
        if (out / "status").exists():
            status = int((out / "status").read_text())
            if status == 125:
                raise LaneError(f"{self.name}: promised more than it has: {(out / 'stderr').read_text().strip()}")
            return status
        console = (out / "console").read_text(errors="replace")[-2000:]
        why = f"not done after {limit:g} s" if not ended else "ended without a result"
        raise LaneError(f"{self.name}: {why}; last words on the console:\n{console}")

    def wait(self, argv, out, limit, env=None, cpu=None):
        """Runs the kernel with its console in a file, on one CPU if told; True if it ended by itself."""
        libc = ctypes.CDLL(None)

        def prepare():
            libc.prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG: a guest does not outlive who waits for it
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})

        with open(out / "console", "wb") as console:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                                     start_new_session=True, env=env, preexec_fn=prepare)
            try:
                child.wait(limit)
                return True
            except subprocess.TimeoutExpired:
                return False
            finally:
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                child.wait()


class Uml(Guest):
    name = "uml"
    kernel = "/usr/bin/linux.uml"
    modules = Path("/usr/lib/uml/modules")
    lacks = frozenset(("nft", "nfqueue", "mroute6", "hwsim", "optimistic_dad"))  # of nf_tables only the bridge family

    def why_not(self):
        if not Path(self.kernel).exists() or not self.modules.is_dir():
            return "no user-mode-linux installed"
        return None

    def run(self, argv, out, limit, needs, cwd, env):
        self.prepare(argv, out, needs, cwd, env)
        # One CPU: the kernel and its processes wait for each other all the time, three times as long from one CPU to another.
        cpus = sorted(os.sched_getaffinity(0))
        with tempfile.TemporaryDirectory(prefix="handoverd-uml.") as tmp:
            umid = Path(tmp).name
            ended = self.wait(
                [self.kernel, f"mem={os.environ.get('HANDOVERD_UML_MEM', '1G')}", "root=/dev/root", "rootfstype=hostfs",
                 "hostfs=/", "ro", f"init={HERE / 'guest-init'}", f"uml_dir={tmp}", f"umid={umid}", "con=null",
                 "con0=null,fd:1", "quiet", f"LAB_OUT={out}", "LAB_ROOT=hostfs", f"LAB_TIME={time.time():.6f}"],
                out, limit, env={"PATH": os.environ["PATH"], "TMPDIR": shm_or(tmp)},
                cpu=cpus[os.getpid() % len(cpus)])
        return self.finish(out, ended, limit)


def shm_or(tmp):
    """Where user-mode-linux keeps its memory file: must be executable."""
    flags = os.statvfs("/dev/shm").f_flag if Path("/dev/shm").is_dir() else os.ST_NOEXEC
    return tmp if flags & os.ST_NOEXEC else "/dev/shm"


class Qemu(Guest):
    name = "qemu"
    emulator = "qemu-system-x86_64"

    def why_not(self):
        if not shutil.which(self.emulator):
            return "no qemu-system-x86 installed"
        if not Path("/bin/busybox").exists():
            return "no busybox-static installed"
        if not shutil.which("apt-get") and not self.kernel_dir():
            return "no kernel package here and no apt-get to fetch it"
        return None

    @staticmethod
    def kernel_dir():
        return next(iter(sorted((TOP / "build/lab/kernel").glob("boot/vmlinuz-*"))), None)

    def run(self, argv, out, limit, needs, cwd, env):
        sys.path.append(str(HERE))  # lanes.py may run as a program or as part of a package
        import qemu_image
        kernel, initramfs, modules = qemu_image.make(TOP / "build/lab")
        self.prepare(argv, out, needs, cwd, env)
        share = "local,security_model=none,multidevs=remap"
        ended = self.wait(
            [self.emulator, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2G", "-nographic", "-no-reboot",
             "-nic", "none", "-kernel", str(kernel), "-initrd", str(initramfs),
             "-fsdev", f"{share},id=root,path=/,readonly=on", "-device", "virtio-9p-pci,fsdev=root,mount_tag=labroot",
             "-fsdev", f"{share},id=out,path={out}", "-device", "virtio-9p-pci,fsdev=out,mount_tag=labout",
             "-append", f"console=ttyS0 quiet panic=-1 mitigations=off LAB_OUT={out} LAB_ROOT=9p LAB_MODULES={modules}"
                        f" LAB_TIME={time.time():.6f} LAB_INIT={HERE / 'guest-init'}"],
            out, limit)
        return self.finish(out, ended, limit)


LANES = (Native(), Uml(), Qemu())


def by_name(name):
    for lane in LANES:
        if lane.name == name:
            return lane
    raise LaneError(f"no such lane: {name} ({', '.join(l.name for l in LANES)})")


def choose(needs, name=None):
    """The first lane (or the one named) that has all of needs. LaneError says what is missing where."""
    check_known(needs)
    reasons = []
    for lane in [by_name(name)] if name else LANES:
        why = lane.why_not()
        if not why:
            missing = lane.missing(needs)
            if not missing:
                return lane
            why = "has no " + ", ".join(missing)
        reasons.append(f"{lane.name} {why}")
    raise LaneError(f"no lane for {', '.join(sorted(needs)) or 'this'}: {'; '.join(reasons)}")


def run(argv, needs=(), lane=None, out=None, limit=600, cwd=None, env=None):
    """Runs argv on a lane (a Lane, a name or None: by need) and returns (lane, exit status); its output is in the files
    stdout and stderr of the directory out."""
    lane = choose(needs, lane) if lane is None or isinstance(lane, str) else lane
    out = Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    return lane, lane.run([str(a) for a in argv], out, limit, sorted(set(needs)), cwd or os.getcwd(), env or {})


# ---- as a program --------------------------------------------------------------------------------------------------

def show_list():
    for lane in LANES:
        why = lane.why_not()
        missing = [] if why else lane.missing(list(NEEDS))
        print(f"{lane.name:7} {why or 'has ' + ' '.join(n for n in NEEDS if n not in missing)}")
        if missing:
            print(f"{'':7} lacks {' '.join(missing)}")


def main():
    p = argparse.ArgumentParser(prog="lane", description="Runs a command on the first kernel that has what it needs.")
    p.add_argument("--needs", default="", metavar="A,B", help="of: " + " ".join(NEEDS))
    p.add_argument("--lane", choices=[l.name for l in LANES], help="this one and no other")
    p.add_argument("--out", metavar="DIR", help="keep stdout, stderr, status and the console here")
    p.add_argument("--limit", type=float, default=600, metavar="SECONDS")
    p.add_argument("--list", action="store_true", help="what each lane has")
    p.add_argument("--probe", metavar="A,B", help="print what this kernel lacks of these")
    p.add_argument("command", nargs=argparse.REMAINDER)
    a = p.parse_args()
    if a.list:
        return show_list()
    if a.probe is not None:
        missing = probe_missing(list(filter(None, a.probe.split(","))))
        if missing:
            print("missing: " + ", ".join(missing), file=sys.stderr)
        return 1 if missing else 0
    command = a.command[1:] if a.command[:1] == ["--"] else a.command
    if not command:
        p.error("no command")
    with tempfile.TemporaryDirectory(prefix="handoverd-lane.") as tmp:
        out = Path(a.out or tmp)
        lane, status = run(command, list(filter(None, a.needs.split(","))), a.lane, out, a.limit)
        (out / "lane").write_text(lane.name + "\n")
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            with open(out / name, "rb") as f:
                shutil.copyfileobj(f, stream.buffer)
            stream.flush()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LaneError as e:
        print(f"lane: {e}", file=sys.stderr)
        sys.exit(125)
