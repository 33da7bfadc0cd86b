"""python -m analysis localize: the maps of a checkpoint against true masks or boxes, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from analysis.alignment import ALIGNMENTS
from analysis.gradcam import explained_blocks, residual_block
from analysis.html_page import Figures, page, paragraph, section
from analysis.localize.fig5 import Ranked, fig5_numbers, fig5_table, ranked_of
from analysis.localize.figures import (
    acting_figure,
    costs_figure,
    fig5_figure,
    has_costs,
    localization_figure,
)
from analysis.localize.maps import ALL_BLOCKS, Map, layouts_of, maps_of
from analysis.localize.masked_clips import MaskedClips, open_masked, require_marked
from analysis.localize.numbers import (
    LocalizeResult,
    acting_table,
    localization_numbers,
    localization_table,
    localize_folder,
    measure_clips,
)
from analysis.statistics import FEWEST
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.results.processes import found_once, process_state
from atr.results.questions import (
    Arrays,
    Options,
    Question,
    SharedOptions,
    answer,
    named_rows,
    number_classes_alike,
)
from atr.results.store import RESULT


@dataclass(frozen=True)
class Localize:
    """Do the maps find the action? Actionness and Grad-CAM of every block against true masks or boxes.

    The data is tabletop:val, rendered here; a folder with masks or boxes in its annotations.json; or a folder of sequences,
    each with a clip.mp4 and masks/*.png. A checkpoint without an Action-related Region Locator has Grad-CAM only.

    Runs under `torchrun --nproc_per_node N -m analysis localize ...` too. It can be interrupted and resumed; a complete
    result is not computed again. Exit code 3: some clips could not be read or lack frames; they are
    listed.
    """

    options: SharedOptions
    block: tuple[str, ...] = ()
    """by their paper names, such as S3B2; default: those with an ATR block, or all of stages 3 to 5. Frame difference, centre and
    uniform are measured on the finest grid of these"""
    alignment: Literal[ALIGNMENTS] = "edges"
    """edges: cells edge to edge over the picture; centres: each where its receptive field has its centre"""

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        blocks = tuple(dict.fromkeys(self.block)) or explained_blocks(model)
        for block in blocks:
            residual_block(model, block)  # or it says which there are
        settings = {"blocks": blocks, "alignment": self.alignment}
        maps = maps_of(model, blocks)
        ranked = ranked_of(maps, layouts_of(model, **settings))
        return Question(
            "localize",
            folder=partial(localize_folder, **settings, all_blocks=ALL_BLOCKS["actionness"] in maps),
            passes={"localize": partial(measure_clips, model, **settings)},
            write=partial(write_result, settings, maps, ranked),
            show=print_result,
            result=LocalizeResult,
            open=masked_clips,
        )


def masked_clips(model: VideoClassifier, options: Options) -> MaskedClips:
    opened = partial(
        open_masked,
        options.data,
        num_frames=model.config.num_frames,
        preprocessing=model.preprocessing,
        sampling=model.sampling,
        num_clips=options.num_clips,
        follow_outside=options.follow_outside,
        allow_damaged=options.allow_damaged,
    )
    clips = found_once(process_state(), opened)
    found_once(process_state(), partial(require_marked, clips, options.data))
    if set(model.labels) == set(clips.labels):  # other classes may be asked where their maps point, too
        number_classes_alike(model, clips, options)
    return clips


def write_result(
    settings: dict,
    maps: tuple[Map, ...],
    ranked: tuple[Ranked, ...],
    folder: Path,
    facts: dict,
    clips: MaskedClips,
    rows: Arrays,
) -> None:
    times = {name: 1e3 * float(np.median(rows[f"{name}_seconds"])) for name in ("forward", "gradcam")}
    result = facts | {
        "truth": clips.truth,
        "clips": len(rows["index"]),
        **settings,
        "milliseconds_per_clip": times,
        **localization_numbers(rows, maps),
        "fig5": fig5_numbers(rows, ranked),
    }
    names = np.array([f"{m.method} {m.block}" if m.block else m.method for m in maps])
    scored = np.array([f"{r.method} {r.block or r.grid}" for r in ranked])
    write_json(folder / RESULT, result)
    write_arrays(folder / "localize.npz", {**named_rows(clips, rows), "maps": names, "ranked": scored})
    localization_table(result).to_csv(folder / "localize.csv", index=False)
    acting_table(result).to_csv(folder / "emphasis.csv", index=False)
    fig5_table(result).to_csv(folder / "fig5.csv", index=False)
    (folder / "localize.html").write_text(localize_page(result), encoding="utf-8")


def described(result: dict) -> str:
    area = "no area" if result["area"] is None else f"{result['area']:.1%} of the area"
    return (
        f"{result['data']['description']}, cells aligned by their {result['alignment']}, {result['frames']:,} frames of {result['clips']:,} clips. "
        f"Target: {result['truth']} ({area}). Grad-CAM is that of the predicted class."
    )


def localize_page(result: dict) -> str:
    """The figures in one self-contained HTML page."""
    figures = Figures()
    parts = [
        paragraph(described(result)),
        *(paragraph(f"{note}.") for note in result["not_computed"]),
        figures.html(localization_figure([result])),
    ]
    if result["emphasis_clips"]:
        parts.append(
            section(
                "Are they higher in frames in which the action happens?",
                paragraph(
                    "How often such a frame is higher than another of its clip; ½ is chance. Open points: after the mean "
                    "course over all clips was taken away."
                ),
                figures.html(acting_figure([result])),
            )
        )
    if result["fig5"]["clips"]:
        parts.append(
            section(
                "Where and when at once",
                paragraph(fig5_described(result)),
                figures.html(fig5_figure([result])),
                *([figures.html(costs_figure([result]))] if has_costs(result) else []),
            )
        )
    return page(f"{result['checkpoint']['name']}: do the maps find the action?", *parts)


def fig5_described(result: dict) -> str:
    """What the Fig-5 score is, and over which clips."""
    fig5 = result["fig5"]
    left = f"{fig5['never_acting']} in which nobody acts are left out" if fig5["never_acting"] else ""
    untold = f"{fig5['without_truth']} do not tell the truth that it needs" if fig5["without_truth"] else ""
    others = "; ".join(part for part in (left, untold) if part)
    return (
        f"Fig-5 score, {fig5['clips']:,} clips{f' ({others})' if others else ''}: average precision of raw maps over "
        "all pixels of all frames of a clip; positive is the target while it acts. fig5_next: the union with the "
        "target of the next sampled frame. clip_pointing: the strongest pixel of the whole clip lies on the target while "
        "it acts. without_...: the score if something were not ranked, the last frame; or of the negatives the frames in "
        "which nobody acts (idle), what else moves (distractors), or all others (rest). true masks: the best that a grid of "
        "cells allows."
    )


WHERE = (
    "pointing: share of frames whose strongest cell lies on the target. ratio: share of the map's mass on it, divided by its "
    "share of the area. average_precision: of the map as a classifier of the pixels of a frame. distractor_...: the same of "
    "what else moves. empty: share of frames without any heat."
)
WHEN = (
    "spearman: rank correlation with acting over a clip. acting_above: of all pairs of a frame in which the action happens and "
    "another of its clip, the share in which the first is higher; 0.5 is chance. beyond_course: the same after the mean course "
    "over all clips was taken away. ..._without_last: without the last time step."
)


def print_result(result: dict, folder: Path) -> None:
    print(f"{result['checkpoint']['name']} · {described(result)}\n{WHERE}")
    shown = ["method", "block", "pointing", "ratio", "average_precision", "distractor_pointing"]
    shown += ["distractor_ratio", "empty"]
    table = localization_table(result).reindex(columns=shown).dropna(axis="columns", how="all")
    print(table.fillna({"block": ""}).to_string(index=False, float_format="%.3f"))
    if result["emphasis_clips"]:
        print(
            f"\nare they higher in frames in which the action happens? ({result['emphasis_clips']:,} clips)\n{WHEN}"
        )
        shown = ["method", "block", "quantity", "spearman", "acting_above"]
        shown += ["acting_above, low", "acting_above, high", "beyond_course"]
        shown += ["acting_above_without_last", "beyond_course_without_last"]
        table = acting_table(result)[shown].dropna(axis="columns", how="all")
        print(table.fillna({"block": ""}).to_string(index=False, float_format="%.3f"))
    if result["fig5"]["clips"]:
        print(f"\n{fig5_described(result)}")
        table = fig5_table(result).fillna({"block": ""}).dropna(axis="columns", how="all")
        ends = [name for name in table if name.startswith("without_") and "," in name]
        print(table.drop(columns=ends).to_string(index=False, float_format="%.3f"))
    if result["clips"] < FEWEST:
        print(f"\nthere are no intervals of fewer than {FEWEST} clips")
    if result["not_computed"]:
        print("", *result["not_computed"], sep="\n")
    cost = result["milliseconds_per_clip"]
    print(
        f"\n{cost['forward']:.1f} ms a clip for the forward pass, which gives the actionness of every block; "
        f"{cost['gradcam']:.1f} ms more for Grad-CAM of one"
    )
