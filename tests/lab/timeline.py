"""
The timeline of one movement, put together from what the three nodes recorded and what the traffic's receivers saw. Everything
here is in milliseconds relative to the moment the link went. No drawing: see draw_text and draw_svg.
"""

import json
from dataclasses import dataclass, field

LANES = ("mn", "par", "nar")
# Messages: who sends to whom. None: whoever of the routers recorded it.
MESSAGES = {
    "RtSolPr": ("mn", "par"), "PrRtAdv": ("par", "mn"), "FBU": ("mn", "par"), "HI": ("par", "nar"), "HAck": ("nar", "par"),
    "FBack": ("par", "mn"), "UNA": ("mn", "nar"), "CTAR to pAR": ("mn", "par"), "PCTD": ("par", "nar"), "CTAR to nAR": ("mn", "nar"),
    "CT-Req": ("nar", "par"), "CTD": ("par", "nar"), "CTDR": ("nar", "par"), "CTAA": (None, "mn"), "CTC": ("par", "nar"),
}
LATE_MS = 3.0  # a packet that took longer than the usual way by this much has waited somewhere


@dataclass
class Row:
    """One line of the sequence chart: a message from lane to lane, or something that happened at one node."""
    at: float
    name: str
    letter: str = ""
    lane: str = ""    # where it happened; for a message, who sent it
    to: str = ""      # a message's other end
    took: float = None  # ms on the way, if both ends saw it
    lost: bool = False  # sent, and never seen at the other end


@dataclass
class Strip:
    """A stream over time: per bin what came, the usual way or late, and what was sent in it and never came."""
    name: str
    came: list = field(default_factory=list)
    late: list = field(default_factory=list)
    lost: list = field(default_factory=list)


@dataclass
class Timeline:
    title: str
    scenario: str
    rows: list
    down: float  # the link's gap: 0, and when it was back
    up: float
    start: float  # what is shown
    end: float
    bin: float
    strips: list
    notes: list = field(default_factory=list)  # [(ms, text)] on the time axis


def merge_steps(records, offset_ns):
    """Steps of all nodes in order of time: {node, step, name, at_ns}. records: [(lane, handover as JSON)]; offset_ns:
    CLOCK_REALTIME - CLOCK_MONOTONIC."""
    out = []
    for lane, record in records:
        at = 0
        for s in record["steps"]:
            at = max(at, s["at_us"])  # a node's own order stands, whatever a microsecond of rounding says
            out.append({"node": lane, "step": s["step"], "name": s["name"], "at_ns": at * 1000 - offset_ns})
    return sorted(out, key=lambda s: s["at_ns"])


def scenario(steps):
    """The observed notation: each letter once, where it came first; an answer never stands before its question."""
    letters = []
    for s in steps:
        if s["step"] and s["step"] not in letters:
            letters.append(s["step"])
    for question, answer in (("a", "b"), ("d", "e"), ("c", "f")):
        if question in letters and answer in letters and letters.index(answer) < letters.index(question):
            letters.remove(answer)
            letters.insert(letters.index(question) + 1, answer)
    return "".join(letters)


def _message_rows(name, marks, zero):
    source, target = MESSAGES[name]
    if source is None:
        source = next((m["node"] for m in marks if m["node"] != target), "nar")
    sent = [m["at_ns"] for m in marks if m["node"] == source]
    seen = [m["at_ns"] for m in marks if m["node"] == target]
    letter = marks[0]["step"]
    rows, used = [], set()
    for i, at in enumerate(sent):
        # The arrival that belongs to it: the first not taken, before the next sending.
        until = sent[i + 1] if i + 1 < len(sent) else float("inf")
        hit = next((s for s in seen if s not in used and at - 2e5 <= s < until), None)
        if hit is not None:
            used.add(hit)
        rows.append(Row((at - zero) / 1e6, name, letter, source, target, None if hit is None else (hit - at) / 1e6,
                        lost=hit is None and bool(seen) and i + 1 < len(sent)))
    rows += [Row((s - zero) / 1e6, name, letter, source, target) for s in seen if s not in used and not sent]
    return rows


def rows(steps, zero_ns):
    """The sequence chart's lines in order of time."""
    out = []
    for name in dict.fromkeys(s["name"] for s in steps):
        marks = [s for s in steps if s["name"] == name]
        if name in MESSAGES:
            out += _message_rows(name, marks, zero_ns)
        else:
            out += [Row((m["at_ns"] - zero_ns) / 1e6, name, m["step"], m["node"]) for m in marks]
    return fold(sorted(out, key=lambda r: r.at))


def fold(chart):
    """On a plain wire the link-layer steps 3 to 6 are one event: one line for several letters of one moment at one node."""
    out = []
    for r in chart:
        last = out[-1] if out else None
        if (last and r.letter.isdigit() and last.letter.isdigit() and last.lane == r.lane and not r.to and not last.to
                and abs(r.at - last.at) < 0.2 and r.letter > last.letter):
            last.letter += r.letter
            last.name = {"2": "link down", "12": "link down", "3456": "link up"}.get(last.letter, f"{last.name}, {r.name}")
        else:
            out.append(Row(r.at, {"2": "link down", "1": "told to move"}.get(r.letter, r.name), r.letter, r.lane, r.to, r.took, r.lost))
    return out


def udp_strip(name, packets, zero_ns, start, end, bin_ms, sent_total=None, interval_ns=0, sender_start_ns=0):
    """packets: [(sent, arrived)] by number. A packet that never came counts where it was sent."""
    n = max(1, round((end - start) / bin_ms))
    strip = Strip(name, [0] * n, [0] * n, [0] * n)
    usual = sorted(a - s for s, a in packets if s)[:max(1, len(packets) // 2)]
    usual = usual[-1] if usual else 0
    total = max(len(packets), sent_total or 0)
    for i in range(total):
        sent, arrived = packets[i] if i < len(packets) else (0, 0)
        at = arrived if sent else sender_start_ns + i * interval_ns
        b = int(((at - zero_ns) / 1e6 - start) // bin_ms)
        if not 0 <= b < n:
            continue
        if not sent:
            strip.lost[b] += 1
        elif arrived - sent > usual + LATE_MS * 1e6:
            strip.late[b] += 1
        else:
            strip.came[b] += 1
    return strip


def tcp_strip(name, reads, zero_ns, start, end, bin_ms):
    """reads: [(arrived, octets so far)]."""
    n = max(1, round((end - start) / bin_ms))
    strip = Strip(name, [0] * n, [0] * n, [0] * n)
    before = 0
    for at, octets in reads:
        b = int(((at - zero_ns) / 1e6 - start) // bin_ms)
        if 0 <= b < n:
            strip.came[b] += octets - before
        before = octets
    return strip


def to_json(t):
    return json.loads(json.dumps(t, default=lambda o: o.__dict__))
