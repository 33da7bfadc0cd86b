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
    acting_table,
    localization_numbers,
    localization_table,
    maps_of,
    measure_clips,
)
from atr.checkpoint import load_checkpoint
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.results.processes import process_state
from atr.results.questions import answered, asked_of_all, facts_of, named_rows
from atr.results.store import RESULT, complete, result_folder


@dataclass(frozen=True)
class Localize:
    """Do the maps find the action? Actionness and Grad-CAM of every block against true masks or boxes.

    Runs under `torchrun --nproc_per_node N -m analysis localize ...` too. A run that was stopped goes on where it was;
    one that is complete is only printed. Exit code 3: some videos could not be read; they are listed.
    """

    checkpoint: Path
    """a checkpoint folder; without an Action-related Region Locator it has Grad-CAM only"""
    data: str = "tabletop:val"
    """tabletop:val, rendered here; a folder with masks or boxes in its annotations.json; or a folder of sequences, each
    with a clip.mp4 and masks/*.png"""
    block: tuple[str, ...] = ()
    """by their paper names, such as S3B2; those with an ATR block, or all of stages 3 to 5, when none is given"""
    num_clips: int | None = None
    """the first so many; all (2,000 rendered ones) when not given"""
    out: Path = Path("results")
    """where result folders lie; named by checkpoint, data and settings"""
    strict: bool = False
    """stop at the first video that cannot be read"""
    workers: int = 0
    """decoding processes beside each computing one"""

    def run(self, command: str) -> int:
        model = load_checkpoint(self.checkpoint)
        blocks = self.block or explained_blocks(model)
        for block in blocks:
            residual_block(model, block)  # or it says which there are
        clips = open_masked(
            self.data,
            num_frames=model.config.num_frames,
            preprocessing=model.preprocessing,
            num_clips=self.num_clips,
        )
        folder = localize_folder(self.out, self.checkpoint, clips.digest, blocks)
        return answered(folder, partial(self.compute, model, clips, blocks, folder, command), print_result)

    def compute(
        self, model: VideoClassifier, clips: MaskedClips, blocks: tuple[str, ...], folder: Path, command: str
    ) -> None:
        ask = partial(measure_clips, model, clips, blocks)
        options = {"strict": self.strict, "num_workers": self.workers}
        rows, broken = asked_of_all(ask, clips, folder, "localize", **options)
        if not process_state().is_main_process:
            return
        maps = maps_of(model, blocks)
        result = facts_of("localize", command, self.checkpoint, self.data, clips, broken) | {
            "truth": clips.truth,
            "clips": len(rows["index"]),
            "blocks": list(blocks),
            "milliseconds_per_clip": {
                "forward": 1e3 * float(np.median(rows["forward_seconds"])),
                "gradcam": 1e3 * float(np.median(rows["gradcam_seconds"])),
            },
            **localization_numbers(rows, maps),
        }
        names = np.array([f"{m.method} {m.block}" if m.block else m.method for m in maps])

        def write(unfinished: Path) -> None:
            write_json(unfinished / RESULT, result)
            write_arrays(unfinished / "localize.npz", {**named_rows(clips, rows), "maps": names})
            localization_table(result).to_csv(unfinished / "localize.csv", index=False)
            acting_table(result).to_csv(unfinished / "emphasis.csv", index=False)
            (unfinished / "localize.html").write_text(localize_page(result))

        complete(folder, write)


def localize_folder(out: Path, checkpoint: Path, data_digest: str, blocks: tuple[str, ...]) -> Path:
    """Where the result lies, complete or not."""
    return result_folder(out, "localize", checkpoint, {"data": data_digest, "blocks": list(blocks)})


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
            "Do they rise in frames in which the action happens?",
            paragraph(
                "How often such a frame stands above another of its clip; ½ is chance. Open points: after the mean course "
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
        print(f"\ndo they rise in frames in which the action happens? ({result['emphasis_clips']:,} clips)")
        shown = ["method", "block", "quantity", "spearman", "acting_above"]
        shown += ["acting_above, low", "acting_above, high", "beyond_course"]
        table = acting_table(result)[shown]
        print(table.fillna({"block": ""}).to_string(index=False, float_format="%.3f"))
    cost = result["milliseconds_per_clip"]
    print(
        f"\n{cost['forward']:.1f} ms a clip for the forward pass, which gives the actionness of every block; "
        f"{cost['gradcam']:.1f} ms more for Grad-CAM of one\nwritten to {folder}"
    )
