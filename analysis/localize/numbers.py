"""Every map of a checkpoint against the true pixels of clips: sums clip by clip, then numbers with intervals."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from msgspec import UNSET, Struct, UnsetType
from torch import Tensor

from analysis.alignment import Alignment
from analysis.gradcam import gradcams
from analysis.localize.emphasis import QUANTITIES, Emphasis, both_kinds, emphasis_numbers
from analysis.localize.fig5 import Fig5, Score, fig5_row
from analysis.localize.maps import (
    ALL_BLOCKS,
    BASELINES,
    Estimate,
    Layout,
    Map,
    Method,
    flat,
    layouts_of,
    maps_of,
)
from analysis.localize.masked_clips import MaskedClips
from analysis.localize.measures import average_precision, baselines, tally
from analysis.localize.truths import ACTING, DISTRACTOR, MASKED, STATED, TARGET
from analysis.map_values import together
from analysis.recording import Recording, record
from analysis.statistics import estimate, mean_estimate
from atr.models import VideoClassifier
from atr.results.passes import per_clip
from atr.results.predict import evaluating, require_numbers
from atr.results.processes import process_state
from atr.results.store import Result, result_folder
from atr.schema import BlockName, Count, NotNegative, Share, Text, shown
from atr.video.transforms import normalise


class Measured(Struct):
    method: Method
    block: BlockName | None
    pointing: Estimate | None
    mass: Estimate | None
    ratio: Estimate | None
    average_precision: Estimate | None
    distractor_pointing: Estimate | None
    distractor_ratio: Estimate | None
    empty: Share | None


class Cost(Struct):
    forward: NotNegative
    gradcam: NotNegative


class LocalizeResult(Result):
    """What a reader may rely on."""

    clips: Count
    truth: Text
    frames: Count
    area: Share | None
    blocks: list[BlockName]
    maps: list[Measured]
    emphasis_clips: Count
    emphasis: list[Emphasis]
    milliseconds_per_clip: Cost
    alignment: Alignment | UnsetType = UNSET  # older results have none of these
    fig5: Fig5 | UnsetType = UNSET
    not_computed: list[Text] | UnsetType = UNSET

    def __post_init__(self) -> None:
        scores = [] if self.fig5 is UNSET else self.fig5.scores
        entries: list[Measured | Emphasis | Score] = [*self.maps, *self.emphasis, *scores]
        for entry in entries:
            if entry.method in ("actionness", "Grad-CAM") and entry.block not in self.blocks:
                raise ValueError(
                    f"{entry.method} is of block {shown(entry.block)}; allowed: {', '.join(self.blocks)}"
                )


def localize_folder(
    root: Path,
    checkpoint: Path,
    data_digest: str,
    blocks: tuple[str, ...],
    alignment: Alignment = "edges",
    all_blocks: bool = False,
) -> Path:
    """Where the result lies, complete or not. "scores", "mass" and "maps" tell it from older results, which have none.

    all_blocks: whether there are maps of all blocks together.
    """
    settings = {"data": data_digest, "blocks": list(blocks), "alignment": alignment, "scores": "costs"}
    if alignment == "centres":  # cells edge to edge all have one area
        settings["mass"] = "by area"
    if all_blocks:
        settings["maps"] = "together"
    return result_folder(root, "localize", checkpoint, settings)


def measure_clips(
    model: VideoClassifier,
    clips: MaskedClips,
    blocks: Sequence[str],
    alignment: Alignment = "edges",
    **options,
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """The T frames of each clip's evaluation, and {index: message} of the clips that could not be read.

    Grad-CAM explains the class that is predicted for the clip, as it would be asked for without knowing the true one.
    Place is measured in frames in which the action happens and which show the target.

    alignment: of cells with the picture, `alignment.cell_centres`. options: of `per_clip`.

    Returns:
        over these frames the sums "frames", "area", "distractor_frames", "distractor_area" (N,), and, for the M maps of
        `maps_of`, "hits", "mass", "distractor_hits", "distractor_mass" and the means "average_precision" (nan without
        such a frame) and "empty", the share of frames without any heat, all (N, M). Of all T frames "acting" bool
        (N, T), "stated" and "masked", whether the clip tells when the action happens and masks, (N,), "peak" and "mean"
        (N, M, T); those of `fig5_row`. "predicted" int (N,). "forward_seconds" of the pass that gives every
        block's actionness and the class, "gradcam_seconds" of one block, (N,). "index".
    """
    model.to(process_state().device)
    device, maps = next(model.parameters()).device, maps_of(model, blocks)
    layouts = layouts_of(model, blocks, alignment)

    def compute(items: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        frames, bits = items[..., :3].numpy(), items[..., 3].numpy()
        inputs = normalise(frames, model.preprocessing).to(device)
        started = perf_counter()
        has_actionness = bool(model.locators)
        with torch.inference_mode(), record(model) if has_actionness else nullcontext(Recording()) as seen:
            logits = model(inputs)
        require_numbers(logits, "class scores")
        predicted = logits.argmax(dim=1).cpu()
        forward_seconds = perf_counter() - started
        started = perf_counter()
        explained = gradcams(model, inputs, blocks, predicted)
        gradcam_seconds = (perf_counter() - started) / len(blocks)
        by_method = {"actionness": seen.actionness, "Grad-CAM": explained}
        values = {m: by_method[m.method][m.block].numpy() for m in maps if m.block is not None}
        finest = max((array.shape[2:] for array in values.values()), key=np.prod)
        for clip in frames:
            for m, array in zip(BASELINES, baselines(clip, *finest).values(), strict=True):
                values.setdefault(m, []).append(array)
        rows = []
        places = {block: layout.centres for block, layout in layouts.items()}
        for method, m in ALL_BLOCKS.items():
            if m in maps:
                of_method = {k.block: array for k, array in values.items() if k.block and k.method == method}
                values[m] = [
                    together({block: array[clip] for block, array in of_method.items()}, places)
                    for clip in range(len(frames))
                ]
        for clip, clip_bits in enumerate(bits):
            own = {m: values[m][clip] for m in maps}
            rows.append(measure(own, clip_bits, layouts) | fig5_row(own, clip_bits, layouts))
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]} | {
            "predicted": predicted.numpy(),
            "forward_seconds": np.full(len(rows), forward_seconds / len(rows)),
            "gradcam_seconds": np.full(len(rows), gradcam_seconds / len(rows)),
        }

    with evaluating(model):
        return per_clip(clips, compute, **options)


def measure(
    maps: dict[Map, np.ndarray], bits: np.ndarray, layouts: Mapping[str, Layout]
) -> dict[str, np.ndarray]:
    """One clip: maps (T, h, w) against bits uint8 (T, H, W) of `masked_clips`. As `measure_clips`, without N.

    layouts: of the blocks.
    """
    acting = (bits & ACTING).any(axis=(1, 2))
    target, distractor = (bits & TARGET) > 0, (bits & DISTRACTOR) > 0
    frames = acting & target.any(axis=(1, 2))
    centres = [layouts[m.block].centres if m.block else None for m in maps]
    placed = [(m.kind, values, place) for (m, values), place in zip(maps.items(), centres, strict=True)]
    on_target = [tally(values, target, frames, kind=kind, centres=place) for kind, values, place in placed]
    on_distractor = [
        tally(values, distractor, acting, kind=kind, centres=place) for kind, values, place in placed
    ]
    empty = [
        (values[frames] == 0).all(axis=(1, 2)).mean() if m.kind == "heat" and frames.any() else 0.0
        for m, values in maps.items()
    ]
    return {
        "frames": np.array(on_target[0].num_frames),
        "area": np.array(on_target[0].area),
        "hits": np.array([found.hits for found in on_target]),
        "mass": np.array([found.mass for found in on_target]),
        "average_precision": np.array(
            [average_precision(values, target, frames, centres=place) for _, values, place in placed]
        ),
        "empty": np.array(empty),
        "distractor_frames": np.array(on_distractor[0].num_frames),
        "distractor_area": np.array(on_distractor[0].area),
        "distractor_hits": np.array([found.hits for found in on_distractor]),
        "distractor_mass": np.array([found.mass for found in on_distractor]),
        "acting": acting,
        "stated": (bits & STATED).all(),
        "masked": (bits & MASKED).all(),
        "peak": np.stack([values.max(axis=(1, 2)) for values in maps.values()]).astype(np.float32),
        "mean": np.stack([mean_value(m, values) for m, values in maps.items()]).astype(np.float32),
    }


def mean_value(which: Map, values: np.ndarray) -> np.ndarray:
    """Of each frame, (L, h, w) -> (L,). Of the frame difference itself: the mean of its logarithms would be of the cells
    in which least changes.
    """
    return (np.exp(values) if which.method == "frame difference" else values).mean(axis=(1, 2))


def localization_numbers(rows: dict[str, np.ndarray], maps: Sequence[Map]) -> dict:
    """What `measure_clips` found, over all clips, fit for JSON; estimates are {"value", "low", "high"}, `estimate`.

    Returns:
        "frames", and the mask's share of them, "area", with "distractor_area" (None without distractors). "maps": an
        entry for each map, with "method", "block", and the estimates "pointing", "mass", "ratio" (mass over area),
        "average_precision" (the mean over clips; a clip's frames are ranked together), the same on distractors,
        "distractor_pointing", "distractor_ratio" (None without them), and the value "empty". "emphasis":
        `emphasis_numbers` over the "emphasis_clips" clips with both kinds of frames that say which are which.
        "not_computed": which scores the truth does not allow, in words.
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
    both = rows["stated"] & both_kinds(acting)
    return {
        "frames": int(frames.sum()),
        "area": share(area, frames),
        "distractor_area": share(distractor_area, distractor_frames),
        "maps": entries,
        "emphasis_clips": int(both.sum()),
        "emphasis": emphasis_numbers({key: rows[key][both] for key in QUANTITIES}, acting[both], maps),
        "not_computed": not_computed(rows["stated"], rows["masked"]),
    }


def not_computed(stated: np.ndarray, masked: np.ndarray) -> list[str]:
    """Which scores leave clips out because their truth is not told: bool (N,), when the action happens, and masks."""
    clips, notes = len(stated), []
    if missing := int((~stated).sum()):
        what = f"{missing} of {clips} clips do not say in which frames the action happens"
        notes.append(f"{what}: the Fig-5 score and the emphasis of acting frames are not computed for them")
    if boxes := int((stated & ~masked).sum()):
        what = f"{boxes} of {clips} clips have boxes and no masks"
        notes.append(f"{what}: the Fig-5 score, which is of pixels, is not computed for them")
    return notes


def share(numerators: np.ndarray, denominators: np.ndarray) -> float | None:
    return float(numerators.sum() / denominators.sum()) if denominators.sum() else None


def localization_table(result: dict) -> pd.DataFrame:
    """One row for every map; every estimate with the ends of its interval."""
    return pd.DataFrame([flat(entry) for entry in result["maps"]])


def acting_table(result: dict) -> pd.DataFrame:
    """One row for every map and quantity; every estimate with the ends of its interval."""
    return pd.DataFrame([flat(entry) for entry in result["emphasis"]])
