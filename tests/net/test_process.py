"""The life of the process: background, readiness, signals, reload, privileges. The kernel is its own network namespace."""

import os
import re
import signal
import socket
import subprocess
import time

import pytest

from lab.topology import build_dir, wait_for

CONFIG = """role = "access-router";
name = "ar1";
interfaces = ( {{ name = "lo"; kind = "access"; }} );
neighbors = ( );
control = {{ socket = "{dir}/ctl"; }};
log = {{ level = "{level}"; }};
{more}
"""
ENV = {"ASAN_OPTIONS": "exitcode=99"}


class Process:
    """One handoverd in a network namespace of its own, watched as a service manager would."""

    def __init__(self, dir):
        self.dir, self.file, self.pid, self.process = dir, dir / "test.conf", None, None
        self.binary = build_dir() / "handoverd"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(dir / "notify"))
        self.notify.settimeout(10)
        self.env = {**os.environ, **ENV, "NOTIFY_SOCKET": str(dir / "notify")}
        self.write()

    def write(self, level="info", more="", text=None):
        self.file.write_text(text if text is not None else CONFIG.format(dir=self.dir, level=level, more=more))
        self.file.chmod(0o600)

    def told(self):
        return self.notify.recv(4096).decode().split("\n")

    def foreground(self, *args):
        self.log = open(self.dir / "log", "w+")
        self.process = subprocess.Popen(["unshare", "-n", str(self.binary), "-f", "-c", str(self.file), *args], env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid  # unshare becomes it
        assert self.told() == ["READY=1", "STATUS=running"]

    def logged(self):
        return (self.dir / "log").read_text()

    def ctl(self, *words):
        return subprocess.run(["handoverctl", "-s", str(self.dir / "ctl"), *words], executable=self.binary, text=True,
                              capture_output=True, timeout=10, env={**self.env, "ASAN_OPTIONS": "detect_leaks=0"})

    def level(self):
        return re.search(r"^log\.level +(\S+)", self.ctl("show", "config").stdout, re.M)[1]

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.notify.close()


@pytest.fixture
def process(tmp_path):
    p = Process(tmp_path)
    yield p
    p.close()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(process, signum):
    process.foreground()
    os.kill(process.pid, signal.SIGPIPE)  # ignored
    os.kill(process.pid, signum)
    assert process.told() == ["STOPPING=1"]
    assert process.process.wait(10) == 0, process.logged()
    assert not (process.dir / "ctl").exists()


def test_hangup_takes_over_a_right_configuration(process):
    process.foreground()
    assert process.level() == "info"
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    process.write(level="debug")
    os.kill(process.pid, signal.SIGHUP)
    reloading = process.told()
    assert reloading[0] == "RELOADING=1"
    assert before <= int(reloading[1].removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert process.told() == ["READY=1", "STATUS=running"]
    assert process.level() == "debug"


@pytest.mark.parametrize("text, complaint", [
    ("role = ", "syntax error"),
    ('role = "access-router";\nneighbours = ( );\n', ":2: neighbours is unknown; did you mean neighbors?"),
    ('role = "mobile-node";\ninterfaces = ( { name = "lo"; kind = "access"; } );\n', "role cannot change while running"),
    (None, "this file cannot be read"),
])
def test_hangup_refuses_a_wrong_one_and_keeps_the_old(process, text, complaint):
    process.foreground()
    process.write(text=text or "")
    if text is None:
        process.file.unlink()
    os.kill(process.pid, signal.SIGHUP)
    wait_for("the refusal", lambda: "the old configuration stays in force" in process.logged())
    assert complaint in process.logged()
    assert process.level() == "info"
    refused = process.ctl("reload")
    assert refused.returncode == 1
    assert complaint in refused.stderr
    os.kill(process.pid, signal.SIGTERM)
    assert process.told() == ["STOPPING=1"]
    assert process.process.wait(10) == 0


def test_it_keeps_few_privileges(process):
    process.foreground()
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{process.pid}/status") if ":\t" in line)
    kept = {1, 12, 13, 14, 23}  # DAC_OVERRIDE, NET_ADMIN, NET_RAW, IPC_LOCK, SYS_NICE
    for field in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[field], 16) & ~sum(1 << c for c in kept) == 0, field
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert re.search(r"Max core file size +0 +0 ", open(f"/proc/{process.pid}/limits").read())


def test_a_watchdog_gets_its_signs_of_life(process):
    process.env["WATCHDOG_USEC"] = "200000"
    process.foreground()
    assert [process.told() for _ in range(3)] == [["WATCHDOG=1"]] * 3


def background(process):
    return subprocess.run(["unshare", "-n", str(process.binary), "-c", str(process.file)], env=process.env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30)


def test_in_the_background_it_is_up_when_its_parent_ends(process):
    started = background(process)
    assert started.returncode == 0, started.stderr
    assert process.told() == ["READY=1", "STATUS=running"]
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.connect(str(process.dir / "ctl"))  # it listens
    pid = int.from_bytes(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little")
    peer.close()
    # A relative path was meant from where it was started, not from where the daemon went.
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    os.kill(pid, signal.SIGTERM)
    assert process.told() == ["STOPPING=1"]
    wait_for("its end", lambda: not (process.dir / "ctl").exists())


def test_in_the_background_a_failed_start_is_told(process):
    process.write(more="wrong = 1;")
    failed = background(process)
    assert failed.returncode == 1
    assert re.fullmatch(rf"{process.file}:\d+: wrong is unknown; write one of .*\n", failed.stderr)


def test_check_only(process):
    run = lambda: subprocess.run([process.binary, "-t", "-c", process.file], capture_output=True, text=True, env=process.env)  # noqa: E731
    right = run()
    assert (right.returncode, right.stdout, right.stderr) == (0, "", "")
    process.write(more="hold = { limit = 5; };\nreal_time = true;")
    wrong = run()
    assert wrong.returncode == 1
    assert [line.split(": ")[0] for line in wrong.stderr.splitlines()] == [f"{process.file}:7", f"{process.file}:8"]
    assert wrong.stderr.splitlines()[1].endswith("did you mean realtime?")


def test_a_key_pair_in_a_file(process):
    """Handover keys: the file is made, kept, and refused when others can read it; a reload takes up another and gives all of it up."""
    pem, other = process.dir / "ar1.pem", process.dir / "other.pem"
    keys = lambda path, mode="on": f'fmip6 = {{ handover_keys = {{ mode = "{mode}"; bits = 1024; key_file = "{path}"; }}; }};'  # noqa: E731
    shown = lambda: re.findall(r"handover keys are given fingerprint=(\S+)", process.logged())  # noqa: E731
    own = lambda: subprocess.run(["nsenter", "-t", str(process.pid), "-n", "ip", "-6", "addr", "show", "dev", "lo", "scope", "link"],  # noqa: E731
                                 capture_output=True, text=True).stdout.count("inet6 fe80")

    def end():
        os.kill(process.pid, signal.SIGTERM)
        assert process.told() == ["STOPPING=1"]
        assert process.process.wait(10) == 0, process.logged()

    process.write(more=keys(pem))
    process.foreground()
    first = shown()
    assert len(first) == 1 and pem.stat().st_mode & 0o777 == 0o600 and own() == 1
    process.write(more=keys(other))
    assert process.ctl("reload").returncode == 0
    wait_for("another key", lambda: len(shown()) == 2)
    assert shown()[1] != first[0] and own() == 1
    process.write(more=keys(other, "off"))
    assert process.ctl("reload").returncode == 0
    assert own() == 0
    while process.told() != ["READY=1", "STATUS=running"]:
        pass
    while process.told() != ["READY=1", "STATUS=running"]:
        pass
    end()
    process.write(more=keys(pem))
    process.foreground()
    assert shown() == first
    end()
    pem.chmod(0o644)
    refused = subprocess.run(["unshare", "-n", process.binary, "-f", "-c", process.file], capture_output=True, text=True, env=process.env)
    assert refused.returncode == 1 and "key file refused" in refused.stderr and "chmod 600" in refused.stderr
    process.write(more='fmip6 = { handover_keys = { key_file = "ar1.pem"; trust = ( "sha256:12" ); }; };')
    wrong = subprocess.run([process.binary, "-t", "-c", process.file], capture_output=True, text=True, env=process.env)
    assert wrong.returncode == 1 and "write the whole path" in wrong.stderr and "is no fingerprint" in wrong.stderr


def test_usage(process):
    bad = subprocess.run([process.binary, "-x"], capture_output=True, text=True)
    assert bad.returncode == 2 and "usage:" in bad.stderr
    version = subprocess.run([process.binary, "--version"], capture_output=True, text=True)
    assert version.returncode == 0 and re.fullmatch(r"handoverd \d+\.\d+\.\d+\n", version.stdout)
    help_ = subprocess.run([process.binary, "--help"], capture_output=True, text=True)
    assert help_.returncode == 0 and "usage:" in help_.stdout
