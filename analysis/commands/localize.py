"""python -m analysis localize: the maps of a checkpoint against true masks or boxes, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from analysis.gradcam import explained_blocks, residual_block
from analysis.html_page import Figures, page, paragraph, section
from analysis.localize.figures import acting_figure, localization_figure
from analysis.localize.masked_clips import MaskedClips, open_masked
from analysis.localize.numbers import (
    LocalizeResult,
    Map,
    acting_table,
    localization_numbers,
    localization_table,
    localize_folder,
    maps_of,
    measure_clips,
)
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
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
    """by their paper names, such as S3B2; default: those with an ATR block, or all of stages 3 to 5"""

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        blocks = self.block or explained_blocks(model)
        for block in blocks:
            residual_block(model, block)  # or it says which there are
        return Question(
            "localize",
            folder=partial(localize_folder, blocks=blocks),
            passes={"localize": partial(measure_clips, model, blocks=blocks)},
            write=partial(write_result, blocks, maps_of(model, blocks)),
            show=print_result,
            result=LocalizeResult,
            open=masked_clips,
        )


def masked_clips(model: VideoClassifier, options: Options) -> MaskedClips:
    clips = open_masked(
        options.data,
        num_frames=model.config.num_frames,
        preprocessing=model.preprocessing,
        sampling=model.sampling,
        num_clips=options.num_clips,
        follow_outside=options.follow_outside,
        allow_damaged=options.allow_damaged,
    )
    if set(model.labels) == set(clips.labels):  # other classes may be asked where their maps point, too
        number_classes_alike(model, clips, options)
    return clips


def write_result(
    blocks: tuple[str, ...],
    maps: tuple[Map, ...],
    folder: Path,
    facts: dict,
    clips: MaskedClips,
    rows: Arrays,
) -> None:
    times = {name: 1e3 * float(np.median(rows[f"{name}_seconds"])) for name in ("forward", "gradcam")}
    result = facts | {
        "truth": clips.truth,
        "clips": len(rows["index"]),
        "blocks": list(blocks),
        "milliseconds_per_clip": times,
        **localization_numbers(rows, maps),
    }
    names = np.array([f"{m.method} {m.block}" if m.block else m.method for m in maps])
    write_json(folder / RESULT, result)
    write_arrays(folder / "localize.npz", {**named_rows(clips, rows), "maps": names})
    localization_table(result).to_csv(folder / "localize.csv", index=False)
    acting_table(result).to_csv(folder / "emphasis.csv", index=False)
    (folder / "localize.html").write_text(localize_page(result))


def described(result: dict) -> str:
    area = "no area" if result["area"] is None else f"{result['area']:.1%} of the area"
    return (
        f"{result['data']['description']}, {result['frames']:,} frames of {result['clips']:,} clips. "
        f"Target: {result['truth']} ({area}). Grad-CAM is that of the predicted class."
    )


def localize_page(result: dict) -> str:
    """Both figures in one self-contained HTML page."""
    figures = Figures()
    return page(
        f"{result['checkpoint']['name']}: do the maps find the action?",
        paragraph(described(result)),
        figures.html(localization_figure([result])),
        section(
            "Are they higher in frames in which the action happens?",
            paragraph(
                "How often such a frame is higher than another of its clip; ½ is chance. Open points: after the mean course "
                "over all clips was taken away."
            ),
            figures.html(acting_figure([result])),
        ),
    )


def print_result(result: dict, folder: Path) -> None:
    print(f"{result['checkpoint']['name']} · {described(result)}")
    shown = ["method", "block", "pointing", "ratio", "average_precision", "distractor_pointing"]
    shown += ["distractor_ratio", "empty"]
    table = localization_table(result).reindex(columns=shown).dropna(axis="columns", how="all")
    print(table.fillna({"block": ""}).to_string(index=False, float_format="%.3f"))
    if result["emphasis_clips"]:
        print(
            f"\nare they higher in frames in which the action happens? ({result['emphasis_clips']:,} clips)"
        )
        shown = ["method", "block", "quantity", "spearman", "acting_above"]
        shown += ["acting_above, low", "acting_above, high", "beyond_course"]
        table = acting_table(result)[shown]
        print(table.fillna({"block": ""}).to_string(index=False, float_format="%.3f"))
    cost = result["milliseconds_per_clip"]
    print(
        f"\n{cost['forward']:.1f} ms a clip for the forward pass, which gives the actionness of every block; "
        f"{cost['gradcam']:.1f} ms more for Grad-CAM of one"
    )
