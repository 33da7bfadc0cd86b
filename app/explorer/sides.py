"""Models side by side on one clip: its frames once, with the maps and class scores of two to four of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import streamlit as st

from analysis.colours import SERIES
from analysis.map_values import PERCENTILES, TOGETHER, map_names, normalise, with_together
from app.explorer.display import DISPLAY
from app.explorer.payload import Body, Payload, clip_header, clip_view, packed_map, palette

SOURCES = {"actionness": "Actionness", "gradcam": "Grad-CAM"}
MODES = ("sides", "difference", "swipe")  # beside each other; with |A − B|; A and B under a divider
GRADCAM_VALUES = ("relative", "raw")  # over the largest value of the clip and block; as computed
RESPONSE = "response"  # of all blocks together: the one kind there is, of either source
DIFFERENCE_PALETTE = "YlGnBu_r"  # unlike every palette of the maps: a difference is not a map
MOST_SIDES = 4

Maps = dict[str, dict[str, np.ndarray]]  # source -> block -> values

_side_by_side = st.components.v2.component("atr_side_by_side", **clip_view("side_by_side", "side_panel.js"))


class SidesError(ValueError):
    """Something that cannot be shown side by side; the message names it and what is allowed."""


@dataclass(frozen=True)
class Side:
    """One model on the clip.

    Attributes:
        name: of the checkpoint.
        maps: source ("actionness", "gradcam") -> block -> float (L, h, w), covering the whole frame, one for every
            frame shown. Actionness is raw M; Grad-CAM is not negative. A source or block may be missing.
        uniform: the model has no ARL and pools with equal weights, 1/(h·w), at every position. Its actionness maps,
            where given, are constant and tell its blocks and their grids; without them it is shown on the grid of
            its own Grad-CAM, or else on that of the other sides.
        scores: (label, probability) of the most probable classes in the T-sampled evaluation, best first.
        true_probability: probability of the clip's true class; None when the clip has no label.
        correct: whether the best class is the true one; None when the clip has no label.
        notes: plain sentences on what a reader of these maps should know.
        absent: source -> the sentence shown where this side has no map of it, e.g. how to have it computed.
    """

    name: str
    maps: Maps
    uniform: bool
    scores: list[tuple[str, float]]
    true_probability: float | None = None
    correct: bool | None = None
    notes: tuple[str, ...] = ()
    absent: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SidesPayload(Payload):
    """A packed clip with its sides."""

    @property
    def blocks(self) -> list[str]:
        """From shallow to deep, and `TOGETHER` where a side has maps of several."""
        return self.header["blocks"]

    @property
    def last_block(self) -> str:
        return [block for block in self.blocks if block != TOGETHER][-1]

    @property
    def sources(self) -> list[str]:
        return list(self.header["sources"])

    def allowed(self, source: str | None) -> dict[str, Sequence[str]]:
        """What a link may ask for, by name, where it asks for this source of maps; None for the first."""
        # Where no side has Grad-CAM, the view offers it only to say how it is had.
        sources = [name for name in self.sources if name != "gradcam" or self.header["scales"][name]]
        kinds = self.header["sources"][source if source in sources else self.sources[0]]["kinds"]
        letters = "abcd"[: len(self.header["sides"])]
        pairs = ["".join(pair) for pair in permutations(letters, 2)] if len(letters) > 2 else ["ab"]
        chosen = {"block": self.blocks, "source": sources, "mode": MODES, "pair": pairs}
        return chosen | DISPLAY | {"values": kinds}


def pack_sides(
    identity: str, frames: np.ndarray, *, true_label: str | None, sides: list[Side], **clip
) -> SidesPayload:
    """Pack one clip and its sides for the browser.

    identity: differs whenever anything here does. true_label: None when it is not known. sides: two to four.
    frames, clip: the arguments of `clip_header`.

    Raises:
        SidesError: too few or too many sides, or maps that are not what `Side` says.
    """
    if not 2 <= len(sides) <= MOST_SIDES:
        raise SidesError(f"side by side stand 2 to {MOST_SIDES} models, got {len(sides)}")
    for side in sides:
        _check(side, len(frames))
    blocks = sorted(
        {block for side in sides for maps in side.maps.values() for block in maps},
        key=lambda name: [int(number) for number in re.findall(r"\d+", name)],
    )
    shown = [_with_pooling(side, sides, blocks, len(frames)) for side in sides]
    if any(TOGETHER in map_names(maps) for side in sides for maps in _located(side).values()):
        blocks.append(TOGETHER)
        shown = [{source: with_together(maps) for source, maps in of_side.items()} for of_side in shown]
    sources = [
        source
        for source in SOURCES
        if any(source in maps or source in side.absent for side, maps in zip(sides, shown, strict=True))
    ]
    if not sources:
        raise SidesError(f"none of {', '.join(side.name for side in sides)} has a map to show")
    # M and its sigmoid exist only with an ARL; AFA's weights and 1/(h·w) are the same quantity.
    everywhere = all(_has_locator(side) for side in sides)
    actionness = ("softmax", "raw", "sigmoid") if everywhere else ("softmax",)
    kinds = {"actionness": actionness, "gradcam": GRADCAM_VALUES}

    def of_all_sides(measure: Callable) -> dict:
        """source -> block -> kind -> a measure of the maps of all sides."""
        return {
            source: {
                block: {kind: measure(source, kind, maps) for kind in allowed}
                for block in blocks
                for allowed in [(RESPONSE,) if block == TOGETHER else kinds[source]]
                if (maps := [side[source][block] for side in shown if block in side.get(source, {})])
            }
            for source in sources
        }

    body = Body()
    header = {
        "id": identity,
        **clip_header(body, frames, **clip),
        "true_label": true_label,
        "blocks": blocks,
        "sources": {source: {"name": SOURCES[source], "kinds": kinds[source]} for source in sources},
        "together": TOGETHER,
        "scales": of_all_sides(_scale),
        "medians": of_all_sides(_median),
        "difference_palette": body.add(palette(DIFFERENCE_PALETTE)),
        "sides": [
            {
                "name": side.name,
                "colour": colour,
                "uniform": side.uniform,
                "locator": _has_locator(side),
                "own": {source: list(maps) for source, maps in side.maps.items()},
                "maps": {
                    source: {block: packed_map(body, values) for block, values in maps.items()}
                    for source, maps in all_maps.items()
                },
                "scores": [[label, float(probability)] for label, probability in side.scores],
                "true_probability": None if side.true_probability is None else float(side.true_probability),
                "correct": None if side.correct is None else bool(side.correct),
                "notes": list(side.notes),
                "absent": dict(side.absent),
            }
            for side, all_maps, colour in zip(sides, shown, SERIES, strict=False)
        ],
    }
    return SidesPayload(header, bytes(body.data))


def side_by_side(
    payload: SidesPayload, *, start: dict, link: dict | None = None, key: str = "side_by_side"
) -> None:
    """Show two to four models on one packed clip.

    start: ``{"frame": int}`` and, where they are asked for, the names of `SidesPayload.allowed`: the view to open a clip
    with. What is not asked for stays as it is on screen, at first the last block, actionness, "sides" and the first
    choices of the display. link: query parameters of a link to this clip and these checkpoints, to which the browser
    adds block, frame (index in the original video), source, mode and what of pair and display is not the first choice; None
    when the clip has no address.

    Raises:
        SidesError: start asks for something that is not there.
    """
    for name, values in payload.allowed(start.get("source")).items():
        if start.get(name) is not None and start[name] not in values:
            raise SidesError(f"{name} is one of {', '.join(values) or 'none'}, got {start[name]!r}")
    _side_by_side(key=key, data=payload.message(start=start, link=link))


def _has_locator(side: Side) -> bool:
    return not side.uniform and bool(side.maps.get("actionness"))


def _located(side: Side) -> Maps:
    """Its maps that can respond to something: not those that only tell where a uniform side pools."""
    return {source: maps for source, maps in side.maps.items() if source != "actionness" or not side.uniform}


def _check(side: Side, num_frames: int) -> None:
    for source, maps in side.maps.items():
        if source not in SOURCES:
            raise SidesError(f"{side.name}: maps are of {' or '.join(SOURCES)}, got {source!r}")
        for block, values in maps.items():
            where = f"{side.name}: {SOURCES[source]} of {block}"
            if values.ndim != 3 or len(values) != num_frames:
                raise SidesError(f"{where} must be ({num_frames}, h, w), got {values.shape}")
            if not np.isfinite(values).all():
                raise SidesError(f"{where} has values that are not finite")
            if source == "gradcam" and values.min() < 0:
                raise SidesError(f"{where} has a negative value, {values.min():.3g}")
            if source == "actionness" and side.uniform and values.min() != values.max():
                raise SidesError(f"{where} is not constant, but the model is said to pool uniformly")


def _with_pooling(side: Side, sides: list[Side], blocks: list[str], num_frames: int) -> Maps:
    """The side's maps; a uniform side has one at every block. A constant M is uniform pooling: softmax gives 1/(h·w)."""
    if not side.uniform:
        return side.maps
    actionness = {}
    for block in blocks:
        grids = [maps[block].shape[1:] for maps in side.maps.values() if block in maps]
        grids += [maps[block].shape[1:] for other in sides for maps in other.maps.values() if block in maps]
        actionness[block] = np.zeros((num_frames, *grids[0]), np.float32)
    return {**side.maps, "actionness": actionness}


def _scale(source: str, kind: str, maps: list[np.ndarray]) -> tuple[float, float]:
    """Ends of the one colour scale of all sides: the lowest and the highest of each side's own percentiles."""
    ends = [np.percentile(values_of(source, kind, values), PERCENTILES) for values in maps]
    low = 0.0 if source == "gradcam" else float(min(end[0] for end in ends))
    high = float(max(end[1] for end in ends))
    if high > low:
        return low, high
    return (0.0, 2 * high) if high > 0 else (low, low + 1)  # flat maps: mid-scale, or nothing stands out


def _median(source: str, kind: str, maps: list[np.ndarray]) -> float:
    """Of the values of all sides together: like the ends of the scale, one for all, so that what is alike looks alike."""
    return float(np.median(np.concatenate([values_of(source, kind, values).ravel() for values in maps])))


def values_of(source: str, kind: str, values: np.ndarray) -> np.ndarray:
    """Maps (L, h, w) of a source as they are drawn: a key of NORMALISATIONS, one of GRADCAM_VALUES, or RESPONSE."""
    if kind == RESPONSE:
        return values
    if source == "actionness":
        return normalise(values, kind)
    highest = values.max() if kind == "relative" else 1
    return values / highest if highest > 0 else values
