"""Pictures of results, as Plotly or Matplotlib figures; nothing is computed and nothing is shown here.

Maps come normalised (`actionness.normalise`) and with their colour limits, one pair per clip and block.
"""

import html
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from analysis.actionness import TOGETHER, upsample
from analysis.alignment import Centres
from analysis.colours import SERIES
from analysis.opacity import OPACITY, SIGNED_COLORMAP, opacity_of, require_signed, scale_limits
from analysis.shown_clip import nearest
from atr.options import choose, require

COLORMAPS = ("inferno", "magma", "plasma", "viridis", "cividis")  # perceptually uniform, all of them
EMPHASIS_TITLES = {
    "peak": "peak of M",
    "mean": "mean of M",
    "entropy": "entropy of softmax(M), in nats",
    "normalised_entropy": "entropy of softmax(M) / its maximum",
}
VALUE_TITLES = {
    "raw": "M",
    "sigmoid": "sigmoid(M)",
    "softmax": "softmax\nof M",
    "gradcam": "Grad-CAM\n/ its max",
    TOGETHER: "response",
}


def overlay(
    frames: np.ndarray,
    maps: np.ndarray,
    limits: tuple[float, float],
    *,
    median: float | None = None,
    style: str = "value",
    colormap: str = "inferno",
    opacity: float | None = None,
    centres: Centres | None = None,
) -> np.ndarray:
    """Coloured maps over frames, uint8 (L, H, W, 3).

    frames: uint8 (L, H, W, 3). maps: normalised (L, h, w), brought to the frames' size bilinearly. limits: values
    that get the first and the last colour; what lies beyond is clipped. median: of the whole clip; of the maps given,
    where these are the whole clip. style: see `opacity.opacity_of`; "signed" has colours of its own, and limits with
    the median amid. opacity: 0 shows the frames, 1 the maps where they are strongest; None: as `OPACITY` has it.
    centres: of the maps' cells (`alignment.cell_centres`); None for edge to edge.
    """
    if len(frames) != len(maps):
        raise ValueError(f"{len(frames)} frames and {len(maps)} maps: one map for each frame is needed")
    opacity = choose("overlay_style", style, OPACITY) if opacity is None else opacity
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in [0, 1], got {opacity}")
    median = float(np.median(maps)) if median is None else median
    low, high = limits = scale_limits(limits, median, style)
    palette = palette_of(colormap) if style != "signed" else _palette(SIGNED_COLORMAP)
    blended = np.empty_like(frames)
    for index, (frame, map_) in enumerate(zip(frames, maps, strict=True)):
        values = upsample(map_, frame.shape[0], frame.shape[1], centres)
        colours = palette[np.round(np.clip((values - low) / (high - low), 0, 1) * 255).astype(int)]
        cover = opacity * opacity_of(values, median, limits, style)[..., None]
        blended[index] = np.round((1 - cover) * frame + cover * colours)
    return blended


def palette_of(colormap: str) -> np.ndarray:
    """The 256 colours of a colour map, float (256, 3) in 0 ... 255."""
    require("colormap", colormap, COLORMAPS)
    return _palette(colormap)


def _palette(name: str) -> np.ndarray:
    return matplotlib.colormaps[name](np.arange(256))[:, :3] * 255


def emphasis_figure(
    emphasis: Mapping[str, Mapping[str, np.ndarray]],
    indices: np.ndarray,
    *,
    sampled: Sequence[int] = (),
    quantities: Sequence[str] = ("peak", "mean", "normalised_entropy"),
) -> go.Figure:
    """Temporal emphasis, one row per quantity and one line per block.

    emphasis: block name -> `temporal_emphasis`. indices: original index of each frame. sampled: original indices
    of the frames the class probabilities come from, marked by dots (at the nearest where they are not among the frames).
    """
    figure = make_subplots(
        rows=len(quantities),
        shared_xaxes=True,
        vertical_spacing=0.09,
        subplot_titles=[EMPHASIS_TITLES[quantity] for quantity in quantities],
    )
    marked = np.unique(nearest(indices, sampled))
    for number, (block, values) in enumerate(emphasis.items()):
        colour = SERIES[number % len(SERIES)]
        dash = ("solid", "dash", "dot")[number // len(SERIES) % 3]  # beyond six blocks colours return, dashed
        for row, quantity in enumerate(quantities, start=1):
            shared = {"x": indices, "legendgroup": block, "name": block}
            hover = f"{block} · frame %{{x}} · %{{y:.3f}}<extra></extra>"
            line = go.Scatter(
                **shared,
                y=values[quantity],
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                showlegend=row == 1,
                hovertemplate=hover,
            )
            dots = go.Scatter(
                x=indices[marked],
                y=values[quantity][marked],
                mode="markers",
                legendgroup=block,
                marker={"color": colour, "size": 7},
                showlegend=False,
                hovertemplate=f"{block} · frame %{{x}} (sampled) · %{{y:.3f}}<extra></extra>",
            )
            figure.add_trace(line, row=row, col=1)
            figure.add_trace(dots, row=row, col=1)
    figure.update_xaxes(
        title_text="frame (dots: the frames the class probabilities come from)", row=len(quantities)
    )
    figure.update_yaxes(automargin=True, nticks=5)
    figure.update_annotations(font_size=13)
    return _plain(figure, height=110 + 150 * len(quantities), top=90)  # room for two rows of the legend


def probabilities_figure(probabilities: np.ndarray, labels: Sequence[str], *, top: int = 5) -> go.Figure:
    """The most probable classes as bars, strongest on top."""
    best = np.argsort(-probabilities, kind="stable")[:top][::-1]
    bars = go.Bar(
        x=probabilities[best],
        y=[wrapped(labels[index], 26) for index in best],
        orientation="h",
        marker_color=SERIES[0],
        text=[f"{probabilities[index]:.1%}" for index in best],
        textposition="outside",
        cliponaxis=False,
        hovertext=[as_text(labels[index]) for index in best],
        hovertemplate="%{hovertext}: %{x:.4f}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_xaxes(range=[0, 1.12], tickvals=[0, 0.5, 1], tickformat=".0%", title_text="probability")
    figure.update_yaxes(automargin=True, showgrid=False, ticksuffix=" ")
    return _plain(figure, height=80 + 44 * len(best), top=10)


def block_frame_sheet(
    frames: np.ndarray,
    maps: Mapping[str, np.ndarray],
    limits: Mapping[str, tuple[float, float]],
    indices: Sequence[int],
    *,
    medians: Mapping[str, float] | None = None,
    style: str = "value",
    kind: str = "raw",
    colormap: str = "inferno",
    opacity: float | None = None,
    centres: Mapping[str, Centres] | None = None,
    dark: bool = False,
) -> Figure:
    """Blocks down, frames across, one colour scale a row.

    frames: uint8 (K, H, W, 3), the K frames to show. maps: block name -> normalised (K, h, w). limits: block name
    -> colour limits of the whole clip; medians likewise, of the K maps where these are the whole clip. indices: K
    original frame indices. style: as in `overlay`. kind: what the values are.
    centres: block name -> where its cells lie, as in `overlay`. dark: for a dark page.
    """
    require_signed(style, kind)
    # The dark one is that of the dashboard's theme.
    ground, ink = ("#14161b", "white") if dark else ("white", "black")
    figure, rows, bars = _grid(1 + len(maps), frames, ground)
    _fill(rows[0], frames, "video", ink)
    above = rows[0].get_ylim()[1] + GAP
    for column, index in enumerate(indices):
        middle = column * (WIDTH + GAP) + WIDTH / 2
        rows[0].text(middle, above, f"frame {index}", fontsize=9, ha="center", va="bottom", color=ink)
    for row, bar, (name, values) in zip(rows[1:], bars, maps.items(), strict=True):
        place = None if centres is None else centres[name]
        median = float(np.median(values)) if medians is None else medians[name]
        pictures = overlay(
            frames,
            values,
            limits[name],
            median=median,
            style=style,
            colormap=colormap,
            opacity=opacity,
            centres=place,
        )
        _fill(row, pictures, f"{name}\n{values.shape[1]}×{values.shape[2]}", ink)
        _colour_bar(
            figure,
            bar,
            limits[name],
            kind,
            median=median,
            style=style,
            colormap=colormap,
            ground=ground,
            ink=ink,
        )
    return figure


def strip_figure(
    frames: np.ndarray,
    maps: np.ndarray,
    limits: tuple[float, float],
    indices: Sequence[int],
    *,
    block: str,
    median: float | None = None,
    style: str = "value",
    kind: str = "raw",
    colormap: str = "inferno",
    opacity: float | None = None,
    centres: Mapping[str, Centres] | None = None,
) -> Figure:
    """One block in the manner of the paper's Fig 5: frames above, overlays below, one colour scale.

    Arguments as in `block_frame_sheet`, for one block; maps are normalised (K, h, w).
    """
    return block_frame_sheet(
        frames,
        {block: maps},
        {block: limits},
        indices,
        medians=None if median is None else {block: median},
        style=style,
        kind=kind,
        colormap=colormap,
        opacity=opacity,
        centres=centres,
    )


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

    def placed(row: int, x: float, width: float) -> Axes:
        y = figure_height - TOP - row * (height + GAP) - height
        return figure.add_axes(
            (x / figure_width, y / figure_height, width / figure_width, height / figure_height)
        )

    rows = [placed(row, LEFT, across - GAP) for row in range(num_rows)]
    bars = [placed(row, LEFT + across, BAR) for row in range(1, num_rows)]
    for axis in rows:
        axis.set(xlim=(0, across - GAP), ylim=(0, height), xticks=[], yticks=[], frame_on=False)
    return figure, rows, bars


def _fill(axis: Axes, pictures: np.ndarray, name: str, ink: str) -> None:
    _, height = axis.get_ylim()
    for column, picture in enumerate(pictures):
        left = column * (WIDTH + GAP)
        axis.imshow(picture, aspect="auto", extent=(left, left + WIDTH, 0, height))
    axis.set_ylabel(name, fontsize=9, color=ink)


def _colour_bar(
    figure: Figure,
    axis: Axes,
    limits: tuple[float, float],
    kind: str,
    *,
    median: float,
    style: str,
    colormap: str,
    ground: str,
    ink: str,
) -> None:
    """As transparent over the ground as the map is over the frames."""
    limits = scale_limits(limits, median, style)
    colours = _palette(SIGNED_COLORMAP if style == "signed" else colormap) / 255
    cover = opacity_of(np.linspace(*limits, len(colours)), median, limits, style)[:, None]
    shown = ScalarMappable(Normalize(*limits), ListedColormap(cover * colours + (1 - cover) * to_rgb(ground)))
    bar = figure.colorbar(shown, cax=axis, ticks=limits, format="%.3g")
    bar.ax.tick_params(labelsize=8, length=2, color=ink, labelcolor=ink)
    bar.outline.set(visible=style != "flat", linewidth=0.4, edgecolor="0.5")
    low, high = (
        bar.ax.get_yticklabels()
    )  # kept inside the bar's height, so that rows do not run into each other
    low.set_verticalalignment("bottom")
    high.set_verticalalignment("top")
    bar.ax.text(1.8, 0.5, VALUE_TITLES[kind], fontsize=8, va="center", transform=bar.ax.transAxes, color=ink)


def _plain(figure: go.Figure, *, height: int, top: int) -> go.Figure:
    """No ground of its own and thin grey lines: readable in a light and in a dark page."""
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 20, "t": top, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1, "yref": "container", "yanchor": "top", "x": 0},
    )
    return figure


def wrapped(label: str, width: int = 40) -> str:
    """Line breaks between words, so that long labels leave room."""
    return "<br>".join(map(as_text, textwrap.wrap(label, width))) or as_text(label)


def as_text(name: str) -> str:
    """A name that comes from a file, for Plotly, which would render marks and links in it."""
    return html.escape(name, quote=False)


def plain(figure: go.Figure) -> go.Figure:
    """No ground of its own: readable in a light and in a dark page."""
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 40, "r": 20, "b": 40, "t": 40},
    )
    return figure
