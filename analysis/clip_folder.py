"""One clip as a folder: overlays, figures and numbers of where and when a model looks."""

import json
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from analysis.actionness import ClipActionness, clip_actionness
from analysis.alignment import ALIGNMENTS, Centres, cell_centres
from analysis.export import emphasis_table, write_figure, write_gif, write_maps
from analysis.figures import emphasis_figure
from analysis.map_values import NORMALISATIONS, TOGETHER, in_file_names, map_values, temporal_emphasis
from analysis.opacity import SIGNED_HELP, require_signed
from analysis.overlays import COLORMAPS, Scale, overlay, scales_of
from analysis.sheets import block_frame_sheet, strip_figure
from atr.files import filled_folder, require_folder
from atr.models import VideoClassifier
from atr.options import OVERLAY_STYLES
from atr.results.notices import notice_facts
from atr.results.store import sampling_facts
from atr.schema import line
from atr.video.encoding import write_mp4
from atr.video.transforms import VIEWS

SUMMARY = "summary.json"
PICTURES = ("overlay-*.mp4", "overlay-*.gif", "strip-*.png", "strip-*.svg", "sheet.png", "emphasis.html")
VALUES = ("actionness.npz", "actionness.csv")


@dataclass(frozen=True)
class Drawing:
    """Which maps are drawn, and how."""

    block: tuple[str, ...] = ()
    """blocks to draw, by their paper names such as S5B2; default: all"""
    view: Literal[VIEWS] = "crop"
    """crop: the centre square the evaluation uses; whole: the entire frame"""
    normalisation: Literal[NORMALISATIONS] = "raw"
    """raw: M; sigmoid: sigmoid(M); softmax: the weights of AFA, which sum to 1 in every frame"""
    overlay_style: Literal[OVERLAY_STYLES] = "value"
    """value: transparent up to the clip's median, the stronger the more opaque; flat: everywhere as opaque; signed: of
    raw M, to both sides of the median, in two colours"""
    colormap: Literal[COLORMAPS] = "inferno"
    """of the styles value and flat"""
    opacity: float | None = None
    """of the map over the frame where it is strongest, 0 to 1; by default 0.55 of a flat one, else 0.85"""
    alignment: Literal[ALIGNMENTS] = "edges"
    """edges: cells edge to edge over the frame; centres: each where its receptive field has its centre"""
    max_frames: int = 300
    """of a longer clip this many frames are used, evenly spread; not fewer than the model takes"""


def write_clip(
    model: VideoClassifier,
    clip: Path,
    out: Path,
    drawing: Drawing = Drawing(),  # noqa: B008 (frozen)
    *,
    checkpoint: Path,
    command: str,
    progress: bool = False,
    allow_damaged: bool = False,
) -> dict:
    """Fill a folder, created if it does not exist, and give what its summary.json holds.

    Files that it has written before are replaced when all of the new ones are there; others stay.

    Pictures and maps come where the model has an Action-related Region Locator; the summary says so where it has none.

    Args:
        model: in evaluation mode, on any device.
        checkpoint: where the model comes from, for the summary.
        command: as it was typed, for the summary.
        progress: whether bars are shown.
        allow_damaged: as `atr.video.decoding.open_video` has it.

    Raises:
        VideoError: the file is no readable video, or damaged.
        ValueError: the drawing is not possible, a file stands in the folder's place, or the folder holds what was made of
            another clip or by another checkpoint.
        FileExistsError: without a summary the folder holds a file of a name that would be written.
    """
    colours = {
        "style": drawing.overlay_style,
        "colormap": drawing.colormap,
        "opacity": drawing.opacity,
    }
    Scale((0, 1), 0, **colours)  # what is not allowed is told before the network is asked
    require_signed(drawing.overlay_style, drawing.normalisation)
    require_folder(out)
    if clip.exists():  # else it is told that it does not
        require_own(out, {"clip": clip, "checkpoint": checkpoint})
    allowed = model.locators
    if unknown := [name for name in drawing.block if name not in allowed]:
        raise ValueError(
            f"block {', '.join(unknown)} has no actionness in {checkpoint}; "
            f"allowed: {', '.join(allowed) or 'none, the model has no Action-related Region Locator'}"
        )
    # An error comes before any bar.
    with tqdm(desc="actionness", unit="sampling", delay=0.5, disable=not progress) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = clip_actionness(
            model,
            clip,
            view=drawing.view,
            max_frames=drawing.max_frames,
            progress=show,
            allow_damaged=allow_damaged,
        )
    centres: dict[str, Centres] = {}
    if drawing.alignment != "edges":
        size = result.input_size
        centres = {name: cell_centres(model, name, *size, drawing.alignment) for name in allowed}
    maps = map_values(result.maps, drawing.normalisation, centres)
    scales = scales_of(maps, **colours)
    signed = (SIGNED_HELP,) if result.maps and drawing.overlay_style == "signed" else ()
    best = np.argsort(-result.probabilities, kind="stable")[:5]
    summary = {
        "clip": str(clip),
        "checkpoint": str(checkpoint),
        "command": command,
        "view": drawing.view,
        "normalisation": drawing.normalisation,
        "alignment": drawing.alignment,
        "overlay_style": drawing.overlay_style,
        "num_frames": len(result.frames),
        "fps": result.fps,
        **sampling_facts(model.sampling),
        "sampled_frames": result.sampled.tolist(),
        "top5": [
            {"label": model.labels[index], "probability": float(result.probabilities[index])}
            for index in best
        ],
        "labels": model.labels,
        "probabilities": result.probabilities.tolist(),
        "colour_limits": {name: scale.ends for name, scale in scales.items()},
        "medians": {name: scale.median for name, scale in scales.items()},
        "notes": (*result.notes, *signed),
        **notice_facts({str(clip): result.notices}),
    }
    with filled_folder(out) as unfinished:
        text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
        (unfinished / SUMMARY).write_text(text, encoding="utf-8")
        if result.maps:
            write_maps(unfinished / "actionness.npz", result)
            emphasis_table(result).to_csv(unfinished / "actionness.csv", index=False)
            shown = {name: maps[name] for name in drawing.block or maps}
            write_pictures(
                unfinished, result, shown, scales, drawing.normalisation, centres, progress=progress
            )
    return summary


def require_own(out: Path, paths: dict[str, Path]) -> None:
    """Raises ValueError where the summary of a folder names other paths: what is in the folder would be mixed.

    FileExistsError where it has no summary, and yet a file of a name that is written.
    """
    if not (file := out / SUMMARY).exists():
        for other in chain.from_iterable(map(out.glob, (*PICTURES, *VALUES))):
            raise FileExistsError(
                f"{other} is another file and is left as it is; remove it or give another folder"
            )
        return
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        found = {what: Path(stored[what]) for what in paths}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not of this command; choose another folder or remove it") from error
    for what, path in paths.items():
        if found[what].resolve() != path.resolve():
            raise ValueError(
                line(
                    f"{out} holds what was made of the {what} {found[what]}; choose another folder or remove it",
                    490,
                )
            )


def write_pictures(
    out: Path,
    result: ClipActionness,
    maps: dict[str, np.ndarray],
    scales: dict[str, Scale],
    kind: str,
    centres: dict[str, Centres],
    *,
    progress: bool,
) -> None:
    """overlay-*.mp4 and .gif, strip-*.png and .svg, sheet.png, emphasis.html.

    maps: of blocks and of all together, as they are shown; emphasis is of the blocks. kind: what the values of blocks are.
    """
    keys = result.key_frames
    frames, indices = result.frames[keys], result.indices[keys]
    for name, values in tqdm(maps.items(), desc="overlays", unit="block", disable=not progress):
        scale, file = scales[name], in_file_names(name)
        film = overlay(result.frames, values, scale, centres=centres.get(name))
        write_mp4(out / f"overlay-{file}.mp4", film, result.fps)
        write_gif(out / f"overlay-{file}.gif", film, result.fps)
        strip = strip_figure(frames, values[keys], scale, indices, block=name, kind=kind, centres=centres)
        write_figure(strip, [out / f"strip-{file}.png", out / f"strip-{file}.svg"])
    chosen = {name: values[keys] for name, values in maps.items()}
    sheet = block_frame_sheet(frames, chosen, scales, indices, kind=kind, centres=centres)
    write_figure(sheet, [out / "sheet.png"])
    emphasis = {name: temporal_emphasis(result.maps[name]) for name in maps if name != TOGETHER}
    figure = emphasis_figure(emphasis, result.indices, sampled=indices)
    figure.write_html(out / "emphasis.html", include_plotlyjs=True)
