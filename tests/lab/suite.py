"""
Everything that scripts/test runs, part by part, and one line at the end that sums it up: N passed, N failed. What could not
run counts as failed.

    unit   make check in each kind of build: unit and replay tests, the fuzz corpus
    fuzz   each fuzz target over its corpus and a few seconds beyond
    net    the network tests, with the optimised daemon on every lane that is needed, and with the sanitized one natively
    dist   make distcheck, and an installation into a DESTDIR that must be complete
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PARTS = ("unit", "fuzz", "net", "dist")
VARIANTS = ("plain", "clang", "asan")
INSTALLED = ("sbin/handoverd", "bin/handoverctl", "share/man/man8/handoverd.8", "share/man/man8/handoverctl.8",
             "share/man/man5/handoverd.conf.5", "lib/systemd/system/handoverd.service",
             "share/doc/handoverd/examples/access-router.conf", "share/doc/handoverd/examples/mobile-node.conf",
             "share/doc/handoverd/examples/home-agent.conf", "share/handoverd/wireshark/cxtp.lua")


class Tally:
    def __init__(self):
        self.passed, self.failed, self.bad, self.times = 0, 0, [], []

    def count(self, passed, failed, names=()):
        self.passed += passed
        self.failed += failed
        self.bad += names

    def one(self, name, ok, said=""):
        self.count(int(ok), int(not ok), [] if ok else [name])
        if not ok:
            print(f"FAILED {name}\n{tail(said)}", flush=True)


def tail(text, lines=60):
    return "\n".join(text.splitlines()[-lines:])


def run(*argv, limit=1800, env=None, cwd=TOP):
    """(succeeded, what it said)"""
    try:
        r = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace", timeout=limit, cwd=cwd, env={**os.environ, **(env or {})})
        return r.returncode == 0, r.stdout
    except subprocess.TimeoutExpired as e:
        return False, f"{(e.stdout or b'').decode(errors='replace')}\nnot done after {limit} s"


def build(tally, variant):
    ok, said = run(TOP / "scripts/build", variant)
    if not ok:
        tally.one(f"build {variant}", False, said)
    return ok


# ---- the parts -----------------------------------------------------------------------------------------------------

def unit(tally, args):
    for variant in VARIANTS:
        if not build(tally, variant):
            continue
        chosen = [t for t in tests_of(variant) if args.k in t]
        # Those that send traffic have the machine for themselves.
        for jobs, tests in ((2, [t for t in chosen if "tests/net/" not in t]), (1, [t for t in chosen if "tests/net/" in t])):
            if tests:
                check(tally, variant, jobs, tests)


def check(tally, variant, jobs, tests):
    ok, said = run("make", "-C", TOP / "build" / variant, "-s", f"-j{jobs}", "check", "-k", f"TESTS={' '.join(tests)}",
                   env={"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"})
    sums = {k: int(v) for k, v in re.findall(r"^# (PASS|FAIL|XPASS|ERROR|SKIP|TOTAL): +(\d+)", said, re.M)}
    bad = [f"{variant}: {name}" for name in re.findall(r"^(?:FAIL|ERROR|SKIP): (.+)$", said, re.M)]
    failed = sum(sums.get(k, 0) for k in ("FAIL", "ERROR", "XPASS", "SKIP"))
    tally.count(sums.get("PASS", 0), failed, bad)
    if failed:
        log = TOP / "build" / variant / "test-suite.log"
        print(tail(log.read_text(errors="replace") if log.exists() else said, 150), flush=True)
    elif not ok or sums.get("TOTAL", 0) != len(tests):
        tally.one(f"make check ({variant})", False, said)


def tests_of(variant):
    """What make check runs, as the makefile lists it."""
    makefile = (TOP / "build" / variant / "Makefile").read_text()
    listed = re.search(r"^TESTS = ((?:.*\\\n)*.*)$", makefile, re.M).group(1)
    return listed.replace("\\\n", " ").replace("$(EXEEXT)", "").split()


def fuzz_one(program, seconds):
    name = program.name.removeprefix("fuzz_")
    corpus = TOP / "tests/fuzz/corpus" / name
    found = program.parent / "found"
    found.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="handoverd-fuzz.") as fresh:
        ok, said = run(program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
                       f"-artifact_prefix={found}/{name}-", fresh, *([corpus] if corpus.is_dir() else []), limit=seconds + 120, cwd=fresh)
    if not corpus.is_dir():
        ok, said = False, said + f"\n{corpus}: no corpus"
    return f"fuzz {name}", ok, said


def fuzz(tally, args):
    if not build(tally, "fuzz"):
        return
    programs = sorted(p for p in (TOP / "build/fuzz/tests/fuzz").glob("fuzz_*") if p.is_file() and os.access(p, os.X_OK))
    programs = [p for p in programs if args.k in p.name] if args.k else programs
    if not programs and not args.k:
        tally.one("fuzz: no fuzz target was built", False)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, ok, said in pool.map(lambda p: fuzz_one(p, args.fuzz_seconds), programs):
            tally.one(name, ok, said)


def pytest(tally, name, env, *more):
    with tempfile.NamedTemporaryFile(prefix="handoverd-net.", suffix=".xml") as xml:
        ok, said = run("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", TOP,
                       f"--junitxml={xml.name}", TOP / "tests/net", *more, env=env, limit=3000)
        try:
            suite = ElementTree.parse(xml.name).getroot().find("testsuite")
        except ElementTree.ParseError:
            tally.one(f"network tests ({name})", False, said)
            return
    total, bad = int(suite.get("tests")), [k for k in ("failures", "errors", "skipped") if int(suite.get(k))]
    failed = sum(int(suite.get(k)) for k in bad)
    names = [f"{name}: {c.get('name')}" for c in suite.iter("testcase")
             if any(c.find(x) is not None for x in ("failure", "error", "skipped"))]
    tally.count(total - failed, failed, names)
    if failed or not ok:
        print(tail(said, 400), flush=True)
    if not failed and not ok and not (more and total == 0):
        tally.one(f"network tests ({name})", False, said)


def net(tally, args):
    select = ["-k", args.k] if args.k else []
    if build(tally, "plain"):
        pytest(tally, "optimised", {"HANDOVERD_BUILD": str(TOP / "build/plain")}, *select)
    # Address sanitizer's memory layout does not fit under user-mode-linux: natively only, at a fifth of the rate.
    if build(tally, "asan"):
        pytest(tally, "sanitized", {"HANDOVERD_BUILD": str(TOP / "build/asan"), "HANDOVERD_LAB_SLOW": "1",
                                    "HANDOVERD_LAB_LANES": "native"}, *select)


def dist(tally, args):
    if not build(tally, "plain"):
        return
    ok, said = run("make", "-C", TOP / "build/plain", "-s", "distcheck")  # one at a time: some of its tests send traffic
    tally.one("make distcheck", ok, said)
    with tempfile.TemporaryDirectory(prefix="handoverd-dest.") as dest:
        ok, said = run("make", "-C", TOP / "build/plain", "-s", "install", f"DESTDIR={dest}")
        tally.one("make install into a DESTDIR", ok, said)
        prefix = Path(dest) / "usr/local"
        missing = [f for f in INSTALLED if not (prefix / f).exists()]
        tally.one("the installation is complete", not missing, "missing: " + ", ".join(missing))
        tally.one("the installed handoverctl runs", *run(prefix / "bin/handoverctl", "--version"))
        ok, said = run("make", "-C", TOP / "build/plain", "-s", "uninstall", f"DESTDIR={dest}")
        left = [str(f) for f in Path(dest).rglob("*") if not f.is_dir() or f.is_symlink()]
        tally.one("make uninstall takes everything away", ok and not left, said + "\n".join(left))


# ---- all of it -----------------------------------------------------------------------------------------------------

def main():
    p = argparse.ArgumentParser(prog="scripts/test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=PARTS, action="append", help="this part (may be repeated)")
    p.add_argument("-k", default="", metavar="WORDS", help="only tests whose names contain this (pytest's -k for the network tests)")
    p.add_argument("--fuzz-seconds", type=int, default=5, metavar="N", help="for each target, beyond its corpus (default 5)")
    args = p.parse_args()
    if os.geteuid():
        print("test: must be root, for network namespaces")
        return 1
    tally = Tally()
    for part in args.only or PARTS:
        start = time.monotonic()
        before = (tally.passed, tally.failed)
        globals()[part](tally, args)
        print(f"{part:5} {tally.passed - before[0]} passed, {tally.failed - before[1]} failed, {time.monotonic() - start:.0f} s", flush=True)
    for name in tally.bad:
        print(f"FAILED {name}")
    if not tally.passed:
        tally.failed += 1
        print("nothing ran")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
