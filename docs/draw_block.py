"""Draw the ATR block inside a residual block: `python docs/draw_block.py`.

Writes docs/block.svg, for light pages, and docs/block-dark.svg. The same matplotlib writes the same bytes.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path as FilePath

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from matplotlib.path import Path

WIDTH, HEIGHT = 880, 452  # of the drawing; y points down
CHAIN, IDENTITY, VECTORS, MAPS = 56, 152, 244, 332  # heights of the horizontal wires
TOP, BOTTOM = 188, 434  # of the parts inside the block
Point = tuple[float, float]


@dataclass(frozen=True)
class Palette:
    """Colours of one theme. A part has an edge and a fill."""

    text: str
    muted: str
    wire: str
    plain: tuple[str, str]
    panel: tuple[str, str]
    atr: tuple[str, str]
    arl: tuple[str, str]
    afa: tuple[str, str]
    er: tuple[str, str]
    afd: tuple[str, str]
    heat: tuple[str, str]  # of the smallest and the largest M


LIGHT = Palette(
    text="#1f2328",
    muted="#59636e",
    wire="#59636e",
    plain=("#818b98", "#ffffff"),
    panel=("#d1d9e0", "#f6f8fa"),
    atr=("#59636e", "#eaeef2"),
    arl=("#0969da", "#ddf4ff"),
    afa=("#bc4c00", "#fff1e5"),
    er=("#1a7f37", "#dafbe1"),
    afd=("#8250df", "#fbefff"),
    heat=("#ddf4ff", "#cf222e"),
)
DARK = Palette(
    text="#f0f6fc",
    muted="#9198a1",
    wire="#9198a1",
    plain=("#656c76", "#0d1117"),
    panel=("#3d444d", "#151b23"),
    atr=("#9198a1", "#262c36"),
    arl=("#4493f8", "#12243d"),
    afa=("#f0883e", "#35210f"),
    er=("#3fb950", "#12301b"),
    afd=("#ab7df8", "#2a1f45"),
    heat=("#12243d", "#ff7b72"),
)


class Drawing:
    def __init__(self, axes: Axes, palette: Palette):
        self.axes, self.palette = axes, palette

    def text(
        self, x: float, y: float, text: str, *, size: float = 12, colour: str | None = None, **style
    ) -> None:
        style = {"ha": "center", "va": "center_baseline"} | style
        self.axes.text(x, y, text, fontsize=size, color=colour or self.palette.text, zorder=5, **style)

    def note(self, x: float, y: float, text: str, **style) -> None:
        self.text(x, y, text, **({"size": 10.5, "colour": self.palette.muted} | style))

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colours: tuple[str, str],
        *lines: str,
        **style,
    ) -> None:
        """A rounded box with lines of text in its middle."""
        edge, fill = colours
        style = {"linewidth": 1.2, "zorder": 3, "edgecolor": edge, "facecolor": fill} | style
        shape = "round,pad=0,rounding_size=6"
        self.axes.add_patch(FancyBboxPatch((left, top), right - left, bottom - top, boxstyle=shape, **style))
        x, y = (left + right) / 2, (top + bottom) / 2
        for i, line in enumerate(lines):
            self.text(x, y + 16 * (i - (len(lines) - 1) / 2), line)

    def part(
        self, left: float, right: float, bottom: float, colours: tuple[str, str], name: str, does: str
    ) -> None:
        """A part of the block: a tinted box with its name and what it does at the top."""
        self.box(left, TOP, right, bottom, colours, zorder=2)
        self.text(left + 9, TOP + 15, name, size=12.5, colour=colours[0], ha="left", weight="bold")
        self.note(right - 9, TOP + 15, does, ha="right")

    def operator(self, x: float, y: float, sign: str) -> None:
        """A circle with + or - in it."""
        edge = self.palette.wire
        self.axes.add_patch(
            Circle((x, y), 9, edgecolor=edge, facecolor=self.palette.plain[1], linewidth=1.2, zorder=3)
        )
        strokes = [((x - 4.5, x + 4.5), (y, y))] + [((x, x), (y - 4.5, y + 4.5))] * (sign == "+")
        for xs, ys in strokes:
            self.axes.plot(xs, ys, color=self.palette.text, linewidth=1.3, zorder=4, solid_capstyle="round")

    def wire(self, *points: Point, arrow: bool = True) -> None:
        """A line through the points with rounded corners, with an arrow head at its end."""
        vertices, codes = [points[0]], [Path.MOVETO]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            vertices += [towards(corner, before, 6), corner, towards(corner, after, 6)]
            codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
        path = Path([*vertices, points[-1]], [*codes, Path.LINETO])
        head = "-|>,head_length=5,head_width=2.6" if arrow else "-"
        style = {"linewidth": 1.3, "color": self.palette.wire, "fill": arrow, "zorder": 2.5}
        self.axes.add_patch(FancyArrowPatch(path=path, arrowstyle=head, mutation_scale=1, **style))

    def dot(self, x: float, y: float) -> None:
        """Where one wire becomes two."""
        self.axes.add_patch(Circle((x, y), 2.6, color=self.palette.wire, linewidth=0, zorder=3))


def towards(start: Point, end: Point, distance: float) -> Point:
    (x, y), (a, b) = start, end
    length = max(abs(a - x), abs(b - y))  # wires are horizontal or vertical
    return x + (a - x) / length * distance, y + (b - y) / length * distance


def draw_chain(drawing: Drawing) -> None:
    """The residual block: where X comes from and where Y goes."""
    palette, y = drawing.palette, CHAIN
    drawing.wire((96, y), (150, y))
    drawing.dot(122, y)
    drawing.wire((122, y), (122, 18), (664, 18), (664, y - 10))
    drawing.note(396, 9, "shortcut")
    drawing.box(150, y - 19, 278, y + 19, palette.plain, "Conv, BN, ReLU, …")
    drawing.wire((278, y), (312, y))
    drawing.box(312, y - 19, 412, y + 19, palette.plain, "last Conv, BN")
    drawing.wire((412, y), (476, y))
    drawing.text(442, y - 10, "$X$", size=13)
    drawing.box(476, y - 19, 582, y + 19, palette.atr, linewidth=2)
    drawing.text(529, y, "ATR block", size=12.5, weight="bold")
    drawing.wire((582, y), (654, y))
    drawing.text(617, y - 10, "$Y$", size=13)
    drawing.operator(664, y, "+")
    drawing.wire((674, y), (704, y))
    drawing.box(704, y - 19, 762, y + 19, palette.plain, "ReLU")
    drawing.wire((762, y), (800, y))


def draw_panel(drawing: Drawing) -> None:
    """The enlarged block's background, and the lines that say what is enlarged."""
    edge, fill = drawing.palette.panel
    corners = [(478, CHAIN + 21), (580, CHAIN + 21), (866, 112), (14, 112)]
    drawing.axes.add_patch(Polygon(corners, facecolor=fill, alpha=0.6, linewidth=0, zorder=0))
    for near, far in (corners[0], corners[3]), (corners[1], corners[2]):
        drawing.axes.plot(
            *zip(near, far, strict=True), color=edge, linewidth=1, linestyle=(0, (4, 3)), zorder=1
        )
    drawing.box(8, 112, 872, 446, drawing.palette.panel, zorder=1)


def draw_identity(drawing: Drawing) -> None:
    """Y = X + F, along the top of the block."""
    y = IDENTITY
    drawing.wire((20, y), (800, y))
    drawing.text(28, y - 14, "$X$", size=15)
    drawing.note(42, y - 13, "N·T, C, H, W", ha="left")
    drawing.operator(810, y, "+")
    drawing.wire((820, y), (862, y))
    drawing.text(846, y - 14, "$Y$", size=15)


def draw_arl(drawing: Drawing) -> None:
    """M from appearance and motion."""
    palette, y = drawing.palette, MAPS
    inside = (palette.arl[0], palette.plain[1])
    upper, lower = y - 56, y + 56
    drawing.part(62, 424, BOTTOM, palette.arl, "ARL", "locate")
    drawing.dot(36, IDENTITY)
    drawing.wire((36, IDENTITY), (36, y), (80, y))
    drawing.box(80, y - 22, 152, y + 22, inside, "Conv 1×1", "BN", linewidth=1)
    drawing.note(116, y + 36, "C → C/r")
    drawing.wire((152, y), (172, y), arrow=False)
    drawing.wire((172, y), (172, upper), (222, upper))
    drawing.wire((172, y), (172, lower), (222, lower))
    drawing.wire((172, y), (316, y), (316, lower - 10))
    drawing.dot(172, y)
    drawing.text(196, upper - 11, "$Xr_t$")
    drawing.text(198, lower - 11, "$Xr_{t+1}$")
    drawing.text(248, y - 11, "$Xr_t$")
    drawing.box(222, upper - 17, 292, upper + 17, inside, "$dw_a$ 3×3", linewidth=1)
    drawing.box(222, lower - 17, 292, lower + 17, inside, "$dw_m$ 3×3", linewidth=1)
    drawing.note(257, upper - 29, "appearance")
    drawing.note(257, lower + 29, "motion")
    drawing.wire((292, lower), (306, lower))
    drawing.operator(316, lower, "-")
    drawing.wire((292, upper), (346, upper), (346, y - 10))
    drawing.wire((326, lower), (346, lower), (346, y + 10))
    drawing.operator(346, y, "+")
    drawing.wire((356, y), (370, y))
    drawing.box(370, y - 22, 412, y + 22, inside, "cond", "1×1", linewidth=1)


def draw_maps(drawing: Drawing) -> None:
    """M on its way to AFA and AFD, and what it looks like."""
    palette, y = drawing.palette, MAPS
    drawing.wire((412, y), (758, y))
    drawing.dot(505, y)
    drawing.wire((505, y), (505, VECTORS + 48))
    drawing.text(446, y - 13, "$M$", size=15)
    drawing.note(530, y - 11, "N·T, 1, H, W", ha="left")
    cell, top = 9, y + 20
    for frame, (row, column) in enumerate([(3.6, 1.2), (2.6, 2.4), (1.4, 3.6)]):
        left = 448 + 64 * frame
        for i in range(6):
            for j in range(6):
                share = 2.718 ** (-((i - row) ** 2 + (j - column) ** 2) / 1.8)
                colour = mixed(*palette.heat, share)
                place = (left + cell * j, top + cell * i)
                drawing.axes.add_patch(Rectangle(place, cell, cell, color=colour, linewidth=0.3, zorder=3))
        edge = palette.arl[0]
        frame_edge = Rectangle((left, top), 54, 54, edgecolor=edge, fill=False, linewidth=1, zorder=4)
        drawing.axes.add_patch(frame_edge)
    drawing.note(646, top + 19, "actionness $M$: one logit", ha="left")
    drawing.note(646, top + 35, "for each position of each frame", ha="left")


def mixed(low: str, high: str, share: float) -> list[float]:
    """A colour between two, by a share from 0 to 1."""
    pairs = zip(to_rgb(low), to_rgb(high), strict=True)
    return [(1 - share) * a + share * b for a, b in pairs]


def draw_vectors(drawing: Drawing) -> None:
    """AFA, two ER and AFD: one vector a frame, reasoned over and given back to the maps."""
    palette, y = drawing.palette, VECTORS
    bottom = y + 48
    drawing.part(440, 570, bottom, palette.afa, "AFA", "aggregate")
    drawing.text(505, y - 2, "softmax over H, W")
    drawing.text(505, y + 18, "weighted sum of $X$")
    drawing.dot(505, IDENTITY)
    drawing.wire((505, IDENTITY), (505, TOP))
    drawing.wire((570, y), (610, y))
    drawing.text(590, y - 11, "$S$", size=14)
    drawing.note(590, y + 12, "N, T, C", size=10)

    drawing.part(610, 718, bottom, palette.er, "ER × 2", "reason")
    columns, rows = (634, 664, 694), [y - 22 + 11.5 * i for i in range(5)]
    for left, right in zip(columns, columns[1:], strict=False):
        for i, start in enumerate(rows):
            for end in rows[max(i - 1, 0) : i + 2]:  # k = 1: three frames
                drawing.axes.plot(
                    (left, right), (start, end), color=palette.er[0], linewidth=0.9, alpha=0.7, zorder=3
                )
    for x in columns:
        for row in rows:
            drawing.axes.add_patch(Circle((x, row), 3.6, facecolor=palette.er[0], linewidth=0, zorder=4))
    drawing.note(664, bottom - 9, "LN, ReLU between", size=10)

    drawing.wire((718, y), (758, y))
    drawing.text(737, y - 11, "$R$", size=14)
    drawing.note(738, y + 12, "N, T, C", size=10)
    drawing.part(758, 862, MAPS + 22, palette.afd, "AFD", "distribute")
    middle = (y + MAPS) / 2
    drawing.text(810, middle - 12, "BN($M$ + $r$)", size=13)
    drawing.note(810, middle + 8, "$r_t$ added at")
    drawing.note(810, middle + 23, "every position")
    drawing.wire((810, TOP), (810, IDENTITY + 10))
    drawing.text(822, (TOP + IDENTITY) / 2 + 4, "$F$", size=15, ha="left")
    drawing.note(800, (TOP + IDENTITY) / 2 + 4, "N·T, C, H, W", ha="right")


def draw(palette: Palette) -> Figure:
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))  # a point a unit
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.set_axis_off()
    drawing = Drawing(axes, palette)
    for part in draw_panel, draw_chain, draw_identity, draw_arl, draw_maps, draw_vectors:
        part(drawing)
    return figure


def main() -> None:
    matplotlib.rcParams |= {
        "svg.hashsalt": "the ATR block",  # names of clip paths and glyphs, else random
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "mathtext.fontset": "stix",
    }
    folder = FilePath(__file__).parent
    for name, palette in ("block.svg", LIGHT), ("block-dark.svg", DARK):
        draw(palette).savefig(folder / name, transparent=True, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()  # there are no options
    main()
