"""Timelines as a picture: one panel for each movement, with the streams to scale above and the messages in order below."""

from html import escape

from .draw_text import HEADS

WIDTH, MARGIN, LABEL = 1000, 28, 110
STRIP, STRIP_GAP, ROW = 26, 8, 22
INK, SOFT, PAPER, PANEL = "#1f2933", "#7b8794", "#ffffff", "#f7f9fb"
COLOUR = {"good": "#2f9e63", "late": "#e8a317", "bad": "#d64545", "gap": "#fbe3e3", "message": "#2b6cb0", "context": "#8746af",
          "event": "#1f2933"}
LANE_X = {"mn": 260, "par": 540, "nar": 820}


class Svg:
    def __init__(self):
        self.parts = []

    def add(self, text):
        self.parts.append(text)

    def rect(self, x, y, w, h, fill, extra=""):
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0.4):.1f}" height="{h:.1f}" fill="{fill}"{extra}/>')

    def line(self, x1, y1, x2, y2, stroke=SOFT, width=1.0, extra=""):
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width}"{extra}/>')

    def text(self, x, y, words, size=12, fill=INK, anchor="start", weight="normal", extra=""):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" font-weight="{weight}"{extra}>'
                 f'{escape(words)}</text>')


def x_of(t, ms):
    left, right = MARGIN + LABEL, WIDTH - MARGIN
    return left + (min(max(ms, t.start), t.end) - t.start) / (t.end - t.start) * (right - left)


def draw_strip(svg, t, strip, y):
    svg.text(MARGIN + LABEL - 12, y + STRIP * 0.68, strip.name, 12, INK, "end")
    svg.rect(x_of(t, t.start), y, x_of(t, t.end) - x_of(t, t.start), STRIP, PAPER, ' stroke="#e4e7eb"')
    svg.rect(x_of(t, 0), y, x_of(t, t.up) - x_of(t, 0), STRIP, COLOUR["gap"])
    top = (sorted(strip.came)[int(len(strip.came) * 0.9)] or max(strip.came + strip.late) or 1) * 2
    width = (x_of(t, t.start + t.bin) - x_of(t, t.start))
    for i, (came, late, lost) in enumerate(zip(strip.came, strip.late, strip.lost)):
        x = x_of(t, t.start + i * t.bin)
        h = min(1.0, (came + late) / top) * (STRIP - 2)
        if came + late:
            share = h * late / (came + late)
            svg.rect(x, y + STRIP - 1 - h, width * 0.92, h - share, COLOUR["good"])
            if late:
                svg.rect(x, y + STRIP - 1 - share, width * 0.92, share, COLOUR["late"])
        if lost:
            svg.rect(x, y + 2, width * 0.92, 4, COLOUR["bad"])


def draw_axis(svg, t, y):
    left, right = x_of(t, t.start), x_of(t, t.end)
    svg.line(left, y, right, y)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000) if s / (t.end - t.start) * (right - left) >= 70)
    at = -(-t.start // step) * step
    while at <= t.end:
        svg.line(x_of(t, at), y, x_of(t, at), y + 5)
        svg.text(x_of(t, at), y + 18, f"{at + 0:g}", 11, SOFT, "middle")
        at += step
    svg.text(MARGIN + LABEL - 12, y + 18, "ms since link down", 11, SOFT, "end")


def draw_arrow(svg, row, y):
    a, b = LANE_X[row.lane], LANE_X[row.to]
    colour = COLOUR["context"] if row.name.startswith(("CT", "PCTD")) else COLOUR["message"]
    way = 1 if b > a else -1
    end = a + way * 225 if row.lost else b - way * 7
    svg.line(a, y, end, y, colour, 1.6, ' stroke-dasharray="4 3"' if row.lost else "")
    if row.lost:
        svg.text(end, y + 4, "×", 15, COLOUR["bad"], "middle", "bold")
    else:
        svg.add(f'<path d="M{b - way:.1f} {y:.1f} l{-way * 9} -4 v8 z" fill="{colour}"/>')
    middle = a + way * 140
    words = row.name + (f"  {row.took:.2f} ms" if row.took is not None and row.took >= 0.005 else "")
    width = len(words) * 6.4 + 10
    svg.rect(middle - width / 2, y - 8, width, 16, PANEL, ' rx="3"')
    svg.text(middle, y + 4, words, 11.5, colour, "middle")


def draw_chart(svg, t, y):
    bottom = y + 26 + ROW * len(t.rows)
    for lane, x in LANE_X.items():
        svg.text(x, y + 8, HEADS[lane], 12.5, INK, "middle", "bold")
        svg.line(x, y + 16, x, bottom, "#cbd2d9", 1.5)
    at = [y + 30 + i * ROW for i in range(len(t.rows))]
    down = next((i for i, r in enumerate(t.rows) if r.name == "link down"), None)
    up = next((i for i, r in enumerate(t.rows) if r.name == "link up"), None)
    if down is not None and up is not None and up > down:
        svg.rect(MARGIN, at[down], WIDTH - 2 * MARGIN, at[up] - at[down], COLOUR["gap"], ' opacity="0.7"')
        svg.line(LANE_X["mn"], at[down], LANE_X["mn"], at[up], COLOUR["bad"], 2, ' stroke-dasharray="2 4"')
    for row, yy in zip(t.rows, at):
        svg.text(MARGIN + 66, yy + 4, f"{row.at:.2f}", 11.5, SOFT, "end", extra=' font-family="DejaVu Sans Mono, monospace"')
        if row.letter:
            w = 10 + 8 * len(row.letter)
            svg.rect(MARGIN + 80, yy - 8, w, 16, INK, ' rx="8"')
            svg.text(MARGIN + 80 + w / 2, yy + 4, row.letter, 11.5, PAPER, "middle", "bold")
        if row.to:
            draw_arrow(svg, row, yy)
        else:
            colour = COLOUR["bad"] if row.name == "link down" else COLOUR["good"] if row.name in ("link up", "first packet", "released") \
                else COLOUR["context"] if row.name == "contexts" else COLOUR["event"]
            svg.add(f'<circle cx="{LANE_X[row.lane]}" cy="{yy:.1f}" r="4.5" fill="{colour}"/>')
            svg.text(LANE_X[row.lane] + 11, yy + 4, row.name, 11.5, colour)
    return bottom


def panel_height(t):
    h = 64 + (STRIP + STRIP_GAP) * len(t.strips) + 30 + 16 * len(t.notes)
    return h + (50 + ROW * len(t.rows) if t.rows else 10)


def draw_panel(svg, t, facts, y):
    svg.rect(MARGIN / 2, y, WIDTH - MARGIN, panel_height(t) - 8, PANEL, ' rx="10" stroke="#e4e7eb"')
    svg.text(MARGIN, y + 26, t.title, 17, INK, weight="bold")
    if t.scenario:
        svg.text(WIDTH - MARGIN, y + 26, t.scenario, 16, COLOUR["message"], "end", "bold", ' font-family="DejaVu Sans Mono, monospace"')
    svg.text(MARGIN, y + 46, facts, 12.5, SOFT)
    at = y + 60
    for strip in t.strips:
        draw_strip(svg, t, strip, at)
        at += STRIP + STRIP_GAP
    draw_axis(svg, t, at)
    at += 30
    for ms, words in t.notes:
        x = x_of(t, ms)
        svg.line(x, y + 60, x, at - 30, COLOUR["message"], 1, ' stroke-dasharray="3 3"')
        anchor = "end" if x > WIDTH * 0.6 else "start"
        svg.text(x + (-6 if anchor == "end" else 6), at + 6, f"{words}: {ms:.0f} ms", 11.5, COLOUR["message"], anchor)
        at += 16
    if t.rows:
        draw_chart(svg, t, at + 16)


def legend(svg, y):
    x = MARGIN
    for colour, words in (("good", "packet, the usual way"), ("late", "packet that waited or took the tunnel's way round"),
                          ("bad", "packet lost"), ("gap", "no link")):
        svg.rect(x, y, 12, 12, COLOUR[colour], ' rx="2"')
        svg.text(x + 18, y + 10.5, words, 12, SOFT)
        x += 40 + len(words) * 6.6


def picture(timelines, heading):
    """timelines: [(Timeline, a line of facts)]. The whole SVG document."""
    svg = Svg()
    y = 74
    for t, facts in timelines:
        draw_panel(svg, t, facts, y)
        y += panel_height(t) + 6
    body = svg.parts
    svg.parts = []
    svg.rect(0, 0, WIDTH, y + 10, PAPER)
    svg.text(MARGIN, 32, heading, 20, INK, weight="bold")
    legend(svg, 48)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10:.0f}" viewBox="0 0 {WIDTH} {y + 10:.0f}" '
            f'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n' + "\n".join(svg.parts + body) + "\n</svg>\n")
