"""Every map of a checkpoint against the true pixels of clips: sums clip by clip, then numbers with intervals."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
import torch
from msgspec import Struct
from torch import Tensor

from analysis.actionness import actionness_blocks
from analysis.gradcam import gradcam
from analysis.localize.masked_clips import ACTING, DISTRACTOR, TARGET, MaskedClips
from analysis.localize.measures import acting_above, average_precision, baselines, spearman, tally
from analysis.recording import Recording, record
from analysis.statistics import estimate, mean_estimate
from atr.models import VideoClassifier
from atr.results.passes import per_clip
from atr.results.processes import process_state
from atr.results.store import Result, result_folder
from atr.schema import Count, Finite, Name, NotNegative, Share, Text, shown
from atr.video.transforms import normalise

Quantity = Literal["peak", "mean"]
QUANTITIES = get_args(Quantity)
Method = Literal["actionness", "Grad-CAM", "frame difference", "centre", "uniform"]


class Estimate(Struct):
    value: Finite
    low: Finite
    high: Finite


class Measured(Struct):
    method: Method
    block: Name | None
    pointing: Estimate | None
    mass: Estimate | None
    ratio: Estimate | None
    average_precision: Estimate | None
    distractor_pointing: Estimate | None
    distractor_ratio: Estimate | None
    empty: Share | None


class Emphasis(Struct):
    method: Method
    block: Name | None
    quantity: Quantity
    spearman: Estimate | None
    acting_above: Estimate | None
    beyond_course: Estimate | None


class Cost(Struct):
    forward: NotNegative
    gradcam: NotNegative


class LocalizeResult(Result):
    """What a reader may rely on."""

    clips: Count
    truth: Text
    frames: Count
    area: Share | None
    blocks: list[Name]
    maps: list[Measured]
    emphasis_clips: Count
    emphasis: list[Emphasis]
    milliseconds_per_clip: Cost

    def __post_init__(self) -> None:
        entries: list[Measured | Emphasis] = [*self.maps, *self.emphasis]
        for entry in entries:
            if entry.method in ("actionness", "Grad-CAM") and entry.block not in self.blocks:
                raise ValueError(
                    f"{entry.method} is of block {shown(entry.block)}; allowed: {', '.join(self.blocks)}"
                )


def localize_folder(root: Path, checkpoint: Path, data_digest: str, blocks: tuple[str, ...]) -> Path:
    """Where the result lies, complete or not."""
    return result_folder(root, "localize", checkpoint, {"data": data_digest, "blocks": list(blocks)})


class Map(NamedTuple):
    """One kind of map: "actionness" or "Grad-CAM" of a block, or a baseline, whose block is None."""

    method: str
    block: str | None
    kind: str  # of `localization.weights_of`


BASELINES = tuple(Map(name, None, "logits") for name in ("frame difference", "centre", "uniform"))


def maps_of(model: VideoClassifier, blocks: Sequence[str]) -> tuple[Map, ...]:
    """What there is to measure at these blocks: actionness where a block has it, Grad-CAM at all, the baselines."""
    actionness = [Map("actionness", block, "logits") for block in blocks if block in actionness_blocks(model)]
    return (*actionness, *(Map("Grad-CAM", block, "heat") for block in blocks), *BASELINES)


def measure_clips(
    model: VideoClassifier, clips: MaskedClips, blocks: Sequence[str], **options
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """The T frames of each clip's evaluation, and {index: message} of the clips that could not be read.

    Grad-CAM explains the class that is predicted for the clip, as it would be asked for without knowing the true one.
    Place is measured in frames in which the action happens and which show the target.

    options: of `per_clip`.

    Returns:
        over these frames the sums "frames", "area", "distractor_frames", "distractor_area" (N,), and, for the M maps of
        `maps_of`, "hits", "mass", "distractor_hits", "distractor_mass" and the means "average_precision" (nan without
        such a frame) and "empty", the share of frames without any heat, all (N, M). Of all T frames "acting" bool
        (N, T), "peak" and "mean" (N, M, T). "predicted" int (N,). "forward_seconds" of the pass that gives every
        block's actionness and the class, "gradcam_seconds" of one block, (N,). "index".
    """
    model = model.to(process_state().device).eval()
    device, maps = next(model.parameters()).device, maps_of(model, blocks)

    def compute(items: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        frames, bits = items[..., :3].numpy(), items[..., 3].numpy()
        inputs = normalise(frames, model.preprocessing).to(device)
        started = perf_counter()
        has_actionness = bool(actionness_blocks(model))
        with torch.inference_mode(), record(model) if has_actionness else nullcontext(Recording()) as seen:
            predicted = model(inputs).argmax(dim=1).cpu()
        forward_seconds = perf_counter() - started
        started = perf_counter()
        explained = {block: gradcam(model, inputs, block, predicted) for block in blocks}
        gradcam_seconds = (perf_counter() - started) / len(blocks)
        by_method = {"actionness": seen.actionness, "Grad-CAM": explained}
        values = {m: by_method[m.method][m.block].numpy() for m in maps if m.block is not None}
        finest = max((array.shape[2:] for array in values.values()), key=np.prod)
        for clip in frames:
            for m, array in zip(BASELINES, baselines(clip, *finest).values(), strict=True):
                values.setdefault(m, []).append(array)
        rows = [measure({m: values[m][clip] for m in maps}, clip_bits) for clip, clip_bits in enumerate(bits)]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]} | {
            "predicted": predicted.numpy(),
            "forward_seconds": np.full(len(rows), forward_seconds / len(rows)),
            "gradcam_seconds": np.full(len(rows), gradcam_seconds / len(rows)),
        }

    return per_clip(clips, compute, **options)


def measure(maps: dict[Map, np.ndarray], bits: np.ndarray) -> dict[str, np.ndarray]:
    """One clip: maps (T, h, w) against bits uint8 (T, H, W) of `masked_clips`. As `measure_clips`, without N."""
    acting = (bits & ACTING).any(axis=(1, 2))
    target, distractor = (bits & TARGET) > 0, (bits & DISTRACTOR) > 0
    frames = acting & target.any(axis=(1, 2))
    on_target = [tally(values, target, frames, kind=m.kind) for m, values in maps.items()]
    on_distractor = [tally(values, distractor, acting, kind=m.kind) for m, values in maps.items()]
    empty = [
        (values[frames] == 0).all(axis=(1, 2)).mean() if m.kind == "heat" and frames.any() else 0.0
        for m, values in maps.items()
    ]
    return {
        "frames": np.array(on_target[0].num_frames),
        "area": np.array(on_target[0].area),
        "hits": np.array([found.hits for found in on_target]),
        "mass": np.array([found.mass for found in on_target]),
        "average_precision": np.array([average_precision(v, target, frames) for v in maps.values()]),
        "empty": np.array(empty),
        "distractor_frames": np.array(on_distractor[0].num_frames),
        "distractor_area": np.array(on_distractor[0].area),
        "distractor_hits": np.array([found.hits for found in on_distractor]),
        "distractor_mass": np.array([found.mass for found in on_distractor]),
        "acting": acting,
        "peak": np.stack([values.max(axis=(1, 2)) for values in maps.values()]),
        "mean": np.stack([values.mean(axis=(1, 2)) for values in maps.values()]),
    }


def localization_numbers(rows: dict[str, np.ndarray], maps: Sequence[Map]) -> dict:
    """What `measure_clips` found, over all clips, fit for JSON; estimates are {"value", "low", "high"}, `estimate`.

    Returns:
        "frames", and the mask's share of them, "area", with "distractor_area" (None without distractors). "maps": an
        entry for each map, with "method", "block", and the estimates "pointing", "mass", "ratio" (mass over area),
        "average_precision" (the mean over clips; a clip's frames are ranked together), the same on distractors,
        "distractor_pointing", "distractor_ratio" (None without them), and the value "empty". "emphasis":
        `emphasis_numbers` over the "emphasis_clips" clips with both kinds of frames.
    """
    frames, area = rows["frames"], rows["area"]
    distractor_frames, distractor_area = rows["distractor_frames"], rows["distractor_area"]
    entries = []
    for column, (method, block, _) in enumerate(maps):
        hits, mass, precision = (rows[key][:, column] for key in ("hits", "mass", "average_precision"))
        entries.append(
            {
                "method": method,
                "block": block,
                "pointing": estimate(hits, frames),
                "mass": estimate(mass, frames),
                "ratio": estimate(mass, area),
                "average_precision": mean_estimate(precision[frames > 0]),
                "distractor_pointing": estimate(rows["distractor_hits"][:, column], distractor_frames),
                "distractor_ratio": estimate(rows["distractor_mass"][:, column], distractor_area),
                "empty": float(rows["empty"][frames > 0, column].mean()) if frames.any() else None,
            }
        )
    acting = rows["acting"]
    both = acting.any(axis=1) & ~acting.all(axis=1)
    return {
        "frames": int(frames.sum()),
        "area": share(area, frames),
        "distractor_area": share(distractor_area, distractor_frames),
        "maps": entries,
        "emphasis_clips": int(both.sum()),
        "emphasis": emphasis_numbers({key: rows[key][both] for key in QUANTITIES}, acting[both], maps),
    }


def emphasis_numbers(
    values: dict[str, np.ndarray], acting: np.ndarray, maps: Sequence[Map]
) -> list[dict[str, object]]:
    """Does a map rise in frames in which the action happens?

    Args:
        values: quantity of a frame, "peak" or "mean" of its map, -> (N, M, T).
        acting: bool (N, T), with both kinds of frames in each clip.

    Returns:
        an entry for each map and quantity with the estimates, means over clips, "spearman", "acting_above", and
        "beyond_course", which is "acting_above" after the mean over all clips was taken from each time step: actions
        happen in the middle of a clip, and a map that always rises there knows nothing of this clip (nor has a
        perfect one anything left to tell at steps at which all clips act). The entry "centre" is a guess that the
        middle acts. Estimates are None where there are no clips.
    """
    steps = np.arange(acting.shape[1])
    middle = np.broadcast_to(-np.abs(steps - steps.mean()), acting.shape)
    entries: list[dict[str, object]] = []
    for column, (method, block, _) in enumerate(maps):
        if method == "uniform":
            continue
        for quantity in QUANTITIES:
            found = middle if method == "centre" else values[quantity][:, column]
            entries.append(
                {
                    "method": method,
                    "block": block,
                    "quantity": quantity,
                    "spearman": mean_estimate(spearman(found, acting)),
                    "acting_above": mean_estimate(acting_above(found, acting)),
                    "beyond_course": mean_estimate(acting_above(found - mean_course(found), acting)),
                }
            )
    return entries


def mean_course(values: np.ndarray) -> np.ndarray:
    """(N, T) -> (T,), float64; of no clips, nothing to take away."""
    return values.mean(axis=0, dtype=np.float64) if len(values) else np.zeros(values.shape[1])


def share(numerators: np.ndarray, denominators: np.ndarray) -> float | None:
    return float(numerators.sum() / denominators.sum()) if denominators.sum() else None


def localization_table(result: dict) -> pd.DataFrame:
    """One row for every map; every estimate with the ends of its interval."""
    return pd.DataFrame([flat(entry) for entry in result["maps"]])


def acting_table(result: dict) -> pd.DataFrame:
    """One row for every map and quantity; every estimate with the ends of its interval."""
    return pd.DataFrame([flat(entry) for entry in result["emphasis"]])


def flat(entry: dict) -> dict:
    row = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            row |= {name: value["value"], f"{name}, low": value["low"], f"{name}, high": value["high"]}
        else:
            row[name] = value
    return row
