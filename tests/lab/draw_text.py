"""A timeline and the table of results as text: box characters, and colours where a terminal can show them."""

import re
import sys
from types import SimpleNamespace

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 100
HEADS = {"mn": "mobile", "par": "previous router", "nar": "new router"}
COLUMN = {"mn": 20, "par": 50, "nar": 80}
COLOURS = {"good": "32", "late": "33", "bad": "31;1", "dim": "2", "bold": "1", "message": "36", "context": "35", "gap": "41"}


class Pen:
    def __init__(self, colour=None):
        self.colour = sys.stdout.isatty() if colour is None else colour

    def __call__(self, kind, text):
        return f"\033[{COLOURS[kind]}m{text}\033[0m" if self.colour and text else text


def visible(text):
    return len(re.sub(r"\033\[[0-9;]*m", "", text))


# ---- the strips ----------------------------------------------------------------------------------------------------

def strip_line(strip, pen):
    top = sorted(strip.came)[int(len(strip.came) * 0.9)] or max(map(max, (strip.came, strip.late))) or 1
    out = []
    for came, late, lost in zip(strip.came, strip.late, strip.lost):
        level = BARS[min(8, max(1, round((came + late) / top * 4)))] if came + late else " "
        if lost:
            out.append(pen("bad", "×"))
        elif late:
            out.append(pen("late", level))
        elif came:
            out.append(pen("good", level))
        else:
            out.append(" ")
    return "".join(out)


def column_of(t, ms, n):
    return min(n - 1, max(0, int((ms - t.start) // t.bin)))


def link_line(t, n, pen):
    down, up = column_of(t, 0, n), column_of(t, t.up, n)
    gone = max(1, up - down)
    return pen("good", "━" * down) + pen("bad", "╳" * gone) + pen("good", "━" * (n - down - gone))


def axis_lines(t, n):
    """A tick about every 12 columns, at round numbers."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000) if s / t.bin >= 12)
    ticks, labels = [" "] * n, [" "] * (n + 12)
    at = -(-t.start // step) * step
    while at <= t.end:
        c = column_of(t, at, n)
        ticks[c] = "┴"
        text = f"{at + 0:g}"
        first = max(0, c - len(text) // 2)
        if all(x == " " for x in labels[max(0, first - 1):first + len(text) + 1]):
            labels[first:first + len(text)] = text
        at += step
    return ["".join(ticks).replace(" ", "─"), "".join(labels).rstrip() + " ms"]


def strips(t, pen):
    n = len(t.strips[0].came) if t.strips else 0
    out = [f"{'link':>16}  {link_line(t, n, pen)}"]
    out += [f"{s.name:>16}  {strip_line(s, pen)}" for s in t.strips]
    ticks, labels = axis_lines(t, n)
    out += [f"{'':18}{pen('dim', ticks)}", f"{'':18}{pen('dim', labels)}"]
    for ms, text in t.notes:
        c = column_of(t, ms, n)
        words = f"{text} ({ms:+.0f} ms)"
        out.append(" " * 18 + (" " * c + "▲ " + words if c + len(words) + 2 < n else " " * max(0, c - len(words) - 1) + words + " ▲"))
    return out


# ---- the sequence chart --------------------------------------------------------------------------------------------

def put(cells, at, text):
    for i, ch in enumerate(text):
        if 0 <= at + i < len(cells):
            cells[at + i] = ch


def lifelines(in_gap):
    cells = [" "] * WIDTH
    for lane, c in COLUMN.items():
        cells[c] = "╳" if lane == "mn" and in_gap else "│"
    return cells


def arrow(cells, row):
    a, b = COLUMN[row.lane], COLUMN[row.to]
    low, high = min(a, b), max(a, b)
    for c in range(low + 1, high):
        cells[c] = "┼" if cells[c] == "│" else "─" if not row.lost else "╌"
    label = f" {row.name} "
    # Over the middle of the half nearest the sender, so that labels of long arrows stay off the lane between.
    middle = (a + (COLUMN["par"] if abs(COLUMN[row.lane] - COLUMN[row.to]) > 40 else b)) // 2
    put(cells, middle - len(label) // 2, label)
    cells[a] = "├" if a < b else "┤"
    cells[b] = "×" if row.lost else "▶" if a < b else "◀"


def row_line(row, in_gap, pen):
    cells = lifelines(in_gap)
    if row.to:
        arrow(cells, row)
    else:
        cells[COLUMN[row.lane]] = "●"
        put(cells, COLUMN[row.lane] + 2, row.name)
    body = "".join(cells).rstrip()
    kind = "bad" if row.lost or row.name == "link down" else "good" if row.name in ("link up", "first packet", "released") else \
        "context" if row.name.startswith(("CT", "PCTD", "contexts")) else "message" if row.to else "bold"
    head = f"{row.at:>9.2f}  {row.letter:<5}"
    return head + pen(kind, body[16:])


def chart(t, pen):
    heads = [" "] * WIDTH
    for lane, c in COLUMN.items():
        put(heads, c - len(HEADS[lane]) // 2, HEADS[lane])
    put(heads, 7, "ms")
    out = [pen("bold", "".join(heads).rstrip())]
    gone = False
    for row in t.rows:
        if row.name == "link up":
            gone = False
        out.append(row_line(row, gone, pen))
        if row.name == "link down":
            gone = True
    return out


def timeline(t, pen):
    title = pen("bold", t.title) + (f"   {pen('message', t.scenario)}" if t.scenario else "")
    return "\n".join([title, ""] + strips(t, pen) + ([""] + chart(t, pen) if t.rows else []))


# ---- the table -----------------------------------------------------------------------------------------------------

def table(heads, lines, pen):
    """lines: [(label, [cell or (kind, cell)])]"""
    text = [[c if isinstance(c, tuple) else (None, c) for c in cells] for _, cells in lines]
    first = max([len(label) for label, _ in lines])
    widths = [max([len(h)] + [len(row[i][1]) for row in text]) for i, h in enumerate(heads)]
    rule = "─" * (first + 1) + "┼" + "┼".join("─" * (w + 2) for w in widths)
    out = [" " * first + " │ " + " │ ".join(pen("bold", h.rjust(w)) for h, w in zip(heads, widths)), rule]
    for (label, _), row in zip(lines, text):
        cells = [pen(kind, c.rjust(w)) if kind else c.rjust(w) for (kind, c), w in zip(row, widths)]
        out.append(label.ljust(first) + " │ " + " │ ".join(cells))
    return "\n".join(out)


# ---- what is on a thin link ------------------------------------------------------------------------------------------

FRAME_KINDS = {"CTAR": "context", "CTAA": "context", "MLD report": "late", "group": "good", "UNA": "message"}


def lane(frames, n, bin_ms, pen):
    """Each frame a box as long as it takes."""
    cells, at = [], 0
    for f in frames:
        first, last = max(at, round(f.start / bin_ms)), round(f.end / bin_ms)
        if first >= n or last <= first:
            continue
        width = min(last, n) - first
        label = f.name if len(f.name) + 2 <= width else f.name.split()[0]
        box = "▕" + (label if len(label) + 1 <= width else "").center(width - 1, "░")
        cells += [" " * (first - at), pen(FRAME_KINDS.get(f.name, "dim"), box)]
        at = first + width
    return "".join(cells) + " " * (n - at)


def thin_link(title, m, end_ms, pen, width=92):
    """One movement: what went each way over the link from the attachment on."""
    bin_ms = end_ms / width
    out = [pen("bold", title)]
    for name, up in (("to the router", True), ("to the mobile", False)):
        out.append(f"{name:>14}  " + lane([f for f in m.frames if f.up == up and f.end > 0], width, bin_ms, pen))
    scale = SimpleNamespace(start=0, end=end_ms, bin=bin_ms)
    c = column_of(scale, m.first_ms, width)
    words = f"first packet of the group: {m.first_ms:.1f} ms"
    out.append(" " * 16 + (pen("good", words + " ▲").rjust(c + 1 + len(pen("good", words + " ▲")) - len(words) - 2) if c >= len(words) + 1
                           else " " * c + pen("good", "▲ " + words)))
    return out + [" " * 16 + pen("dim", line) for line in axis_lines(scale, width)]
