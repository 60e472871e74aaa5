"""
Network tests: each says what it needs of a kernel, and runs on the first lane that has it.

    @pytest.mark.needs("sctp", "ip6tnl")

Tests whose needs this kernel meets run here. The others are collected by lane; a lane is booted once and pytest runs inside
it for all of them; their results are reported here as if they had run here. A need that no lane meets is a failure.
The sanitized build runs on the kernel here only: it does not fit under user-mode-linux.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import lanes  # noqa: E402
from lab.clients import Clients  # noqa: E402
from lab.daemon import Daemons  # noqa: E402
from lab.topology import Topology  # noqa: E402

ALWAYS = ("netns", "veth", "bridge")
INSIDE = os.environ.get("HANDOVERD_LANE")  # set by lanes.Guest: we are in a guest already
LANE_LIMIT = float(os.environ.get("HANDOVERD_LANE_LIMIT", "1200"))


def pytest_addoption(parser):
    parser.addoption("--lab-reports", metavar="FILE", help="write each report as a line of JSON (used inside a lane)")


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(*names): what the kernel must have, see tests/lab/lanes.py")
    path = config.getoption("--lab-reports")
    if path:
        config.pluginmanager.register(Reports(config, path))


class Reports:
    """Inside a lane: each report goes to a file as soon as it is made."""

    def __init__(self, config, path):
        self.config, self.file = config, open(path, "a", buffering=1, encoding="utf-8")

    def pytest_runtest_logreport(self, report):
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.file.write(json.dumps(data, default=str) + "\n")


def needs_of(item):
    return sorted({*ALWAYS, *(n for m in item.iter_markers("needs") for n in m.args)})


def pytest_collection_modifyitems(config, items):
    """Chooses each test's lane, and puts tests of one lane together."""
    chosen = {}
    for item in items:
        needs = tuple(needs_of(item))
        if needs not in chosen:
            try:
                chosen[needs] = (lanes.choose(needs, "native" if INSIDE else None), None)
            except lanes.LaneError as e:
                chosen[needs] = (None, str(e))
        item.lab_lane, item.lab_refusal = chosen[needs]
    if not INSIDE and (only := os.environ.get("HANDOVERD_LAB_LANES")):
        away = [i for i in items if i.lab_lane and i.lab_lane.name not in only.split(",")]
        config.hook.pytest_deselected(items=away)
        items[:] = [i for i in items if i not in away]
    items.sort(key=lambda i: lanes.LANES.index(i.lab_lane) if i.lab_lane else 99)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    lane = item.lab_lane
    if lane is not None and (lane.name == "native" or INSIDE):
        return None
    if lane is None:
        reports = [failed(item, item.lab_refusal)]
    else:
        results = item.session.__dict__.setdefault("lab_results", {})
        if lane.name not in results:
            results[lane.name] = run_in(lane, [i for i in item.session.items if i.lab_lane is lane], item.config)
        reports, trouble = results[lane.name]
        reports = reports.get(item.nodeid) or [failed(item, trouble or f"{lane.name}: no report of this test came back")]
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def failed(item, why):
    return pytest.TestReport(nodeid=item.nodeid, location=item.location, keywords={item.name: 1}, outcome="failed",
                             longrepr=why, when="call", sections=[], duration=0.0)


def run_in(lane, items, config):
    """Boots the lane, runs these tests there. ({nodeid: [reports]}, what went wrong or None)"""
    out = Path(tempfile.mkdtemp(prefix=f"handoverd-{lane.name}."))
    reports, trouble = {}, None
    argv = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", config.rootpath, "--lab-reports",
            out / "reports", *(["-x"] if config.getoption("exitfirst", False) else []),
            *[config.rootpath / i.nodeid for i in items]]
    needs = {n for i in items for n in needs_of(i)}
    try:
        _, status = lanes.run(argv, needs, lane, out, limit=LANE_LIMIT, cwd=str(config.rootpath))
        if status not in (0, 1):
            said = (out / "stdout").read_text()[-3000:] + (out / "stderr").read_text()[-2000:]
            trouble = f"{lane.name}: pytest ended with {status}:\n{said}"
    except lanes.LaneError as e:
        trouble = str(e)
    if (out / "reports").exists():
        for line in (out / "reports").read_text().splitlines():
            report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(line))
            report.sections = [(f"[{lane.name}] {title}", text) for title, text in report.sections]
            reports.setdefault(report.nodeid, []).append(report)
    shutil.rmtree(out, ignore_errors=True)
    return reports, trouble


# ---- what tests stand on ---------------------------------------------------------------------------------------------

@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Fixtures learn whether the test failed: the logs of the nodes are shown then."""
    outcome = yield
    setattr(item, "lab_" + call.when, outcome.get_result())


@pytest.fixture
def lab(request):
    """lab(routers=…, mobiles=…, …) makes a topology with its daemons, not yet started; see Cast. All of it is gone after the
    test, and the test fails if a sanitizer said anything."""
    casts = []

    def make(**kw):
        casts.append(Cast(**kw))
        return casts[-1]

    yield make
    said = []
    for cast in casts:
        cast.daemons.stop()
        said += cast.daemons.sanitizer_reports()
        if said or getattr(request.node, "lab_call", None) is None or request.node.lab_call.failed:
            cast.print_logs()
        cast.topology.close()
    assert not said, "\n".join(said)


@pytest.fixture
def net(request):
    """net(…): lab.clients.Clients, gone after the test; what the routers said is shown if it failed, or a sanitizer spoke."""
    with contextlib.ExitStack() as stack:
        made = []

        def make(**kw):
            made.append(stack.enter_context(Clients(**kw)))
            return made[-1]
        yield make
        said = []
        for c in made:
            c.daemons.stop()
            said += c.daemons.sanitizer_reports()
            if said or getattr(request.node, "lab_call", None) is None or request.node.lab_call.failed:
                c.print_logs()
        assert not said, "\n".join(said)


class Cast:
    """A topology and its daemons."""

    def __init__(self, routers=2, mobiles=1, extra=None, proxy=True, per_node=None, home=False):
        self.topology = Topology(routers=routers, mobiles=mobiles, home=home).__enter__()
        self.points, self.mobiles = self.topology.points, self.topology.mobiles
        self.daemons = Daemons(self.topology, extra=extra, proxy=proxy, per_node=per_node)

    def start(self):
        """Everyone is up, associated, and the mobiles are at the first access point."""
        routers = [p.name for p in self.topology.links]
        self.daemons.start(*(["core"] if "core" in self.daemons.by_node else []), *routers)
        self.daemons.wait_associated()
        self.topology.bring_up()
        self.daemons.start(*[m.name for m in self.mobiles])
        return self

    def print_logs(self):
        for d in self.daemons:
            print(f"==== {d.node}\n{d.log()[-6000:]}")
