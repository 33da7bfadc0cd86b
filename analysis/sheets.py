"""Frames and the maps of blocks over them on one sheet, as Matplotlib figures."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure

from analysis.alignment import Centres
from analysis.map_values import TOGETHER
from analysis.opacity import require_signed
from analysis.overlays import Scale, overlay

VALUE_TITLES = {
    "raw": "M",
    "sigmoid": "sigmoid(M)",
    "softmax": "softmax\nof M",
    "gradcam": "Grad-CAM\n/ its max",
    "gradcam_raw": "Grad-CAM",
    TOGETHER: "response",
}


def block_frame_sheet(
    frames: np.ndarray,
    maps: Mapping[str, np.ndarray],
    scales: Mapping[str, Scale],
    indices: Sequence[int],
    *,
    kind: str = "raw",
    centres: Mapping[str, Centres] | None = None,
    dark: bool = False,
) -> Figure:
    """Blocks down, frames across, one colour scale a row.

    frames: uint8 (K, H, W, 3), the K frames to show. maps: block name, or `TOGETHER`, -> (K, h, w). scales: of the whole
    clip, by the same names. indices: K original frame indices. kind: what the values of blocks are. centres: block name ->
    where its cells lie, as in `overlay`. dark: for a dark page.
    """
    # The dark one is that of the dashboard's theme.
    ground, ink = ("#14161b", "white") if dark else ("white", "black")
    figure, rows, bars = _grid(1 + len(maps), frames, ground)
    _fill(rows[0], frames, "video", ink)
    above = rows[0].get_ylim()[1] + GAP
    for column, index in enumerate(indices):
        middle = column * (WIDTH + GAP) + WIDTH / 2
        rows[0].text(middle, above, f"frame {index}", fontsize=9, ha="center", va="bottom", color=ink)
    for row, bar, (name, values) in zip(rows[1:], bars, maps.items(), strict=True):
        scale, of_kind = scales[name], TOGETHER if name == TOGETHER else kind
        require_signed(scale.style, of_kind)
        pictures = overlay(frames, values, scale, centres=(centres or {}).get(name))
        _fill(row, pictures, f"{name}\n{values.shape[1]}×{values.shape[2]}", ink)
        _colour_bar(figure, bar, scale, of_kind, ground=ground, ink=ink)
    return figure


def strip_figure(
    frames: np.ndarray,
    maps: np.ndarray,
    scale: Scale,
    indices: Sequence[int],
    *,
    block: str,
    kind: str = "raw",
    centres: Mapping[str, Centres] | None = None,
) -> Figure:
    """One block in the manner of the paper's Fig 5: frames above, overlays below, one colour scale.

    Arguments as in `block_frame_sheet`, for one block; maps (K, h, w).
    """
    return block_frame_sheet(frames, {block: maps}, {block: scale}, indices, kind=kind, centres=centres)


# Inches. Placed by hand: automatic layouts shrink pictures of fixed proportions, but not the bars beside them.
LEFT, RIGHT, TOP, BOTTOM, GAP, BAR, WIDTH = 0.55, 0.75, 0.3, 0.1, 0.06, 0.09, 1.35


def _grid(num_rows: int, frames: np.ndarray, ground: str) -> tuple[Figure, list[Axes], list[Axes]]:
    """Axes for the rows of K pictures of their true proportions, and for the colour bars of all rows but the first.

    One axis a row, in inches: making axes is what takes most of the time of a sheet.
    """
    num_frames, frame_height, frame_width = frames.shape[:3]
    across, height = num_frames * (WIDTH + GAP), WIDTH * frame_height / frame_width
    figure_width = LEFT + across + BAR + RIGHT
    figure_height = TOP + num_rows * (height + GAP) - GAP + BOTTOM
    figure = Figure(figsize=(figure_width, figure_height), facecolor=ground)

    def placed(row: int, x: float, width: float, inset: float = 0) -> Axes:
        y = figure_height - TOP - row * (height + GAP) - height + inset
        tall = height - 2 * inset
        return figure.add_axes(
            (x / figure_width, y / figure_height, width / figure_width, tall / figure_height)
        )

    rows = [placed(row, LEFT, across - GAP) for row in range(num_rows)]
    bars = [placed(row, LEFT + across, BAR, inset=GAP) for row in range(1, num_rows)]
    for axis in rows:
        axis.set(xlim=(0, across - GAP), ylim=(0, height), xticks=[], yticks=[], frame_on=False)
    return figure, rows, bars


def _fill(axis: Axes, pictures: np.ndarray, name: str, ink: str) -> None:
    _, height = axis.get_ylim()
    for column, picture in enumerate(pictures):
        left = column * (WIDTH + GAP)
        axis.imshow(picture, aspect="auto", extent=(left, left + WIDTH, 0, height))
    axis.set_ylabel(name, fontsize=9, color=ink)


def _colour_bar(figure: Figure, axis: Axes, scale: Scale, kind: str, *, ground: str, ink: str) -> None:
    """As transparent over the ground as the map is over the frames."""
    limits, colours = scale.ends, scale.colours / 255
    cover = scale.strength(np.linspace(*limits, len(colours)))[:, None]
    shown = ScalarMappable(Normalize(*limits), ListedColormap(cover * colours + (1 - cover) * to_rgb(ground)))
    bar = figure.colorbar(shown, cax=axis, ticks=limits)
    beyond = ("", "") if scale.style == "signed" else ("≤ ", "≥ ")  # limits are percentiles
    texts = [f"{sign}{limit:.3g}".replace("-", "−") for sign, limit in zip(beyond, limits, strict=True)]
    bar.ax.set_yticks(limits, labels=texts)
    bar.ax.tick_params(labelsize=8, length=2, color=ink, labelcolor=ink)
    bar.outline.set(visible=scale.style != "flat", linewidth=0.4, edgecolor="0.5")
    # Kept inside the bar's height, so that rows do not run into each other.
    low, high = bar.ax.get_yticklabels()
    low.set_verticalalignment("bottom")
    high.set_verticalalignment("top")
    bar.ax.text(1.8, 0.5, VALUE_TITLES[kind], fontsize=8, va="center", transform=bar.ax.transAxes, color=ink)
