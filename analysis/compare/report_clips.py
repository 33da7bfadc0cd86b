"""Chosen clips for a report: the frames each model was shown, and where A and B look in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.compare.comparable import LETTERS
from analysis.compare.numbers import FILTERS, clip_table, of_class
from analysis.compare.report import ReportClip, Strip
from analysis.gradcam import explained_blocks, gradcam
from analysis.overlays import Scale, overlay
from analysis.recording import record
from atr import tabletop
from atr.checkpoint import CONFIG, load_checkpoint, read_config
from atr.data.names import data_name
from atr.data.opening import open_clips
from atr.data.rendered import require_uniform
from atr.models import VideoClassifier
from atr.options import choose
from atr.results.predict import class_probabilities
from atr.results.predictions import Predictions
from atr.video.decoding import VideoError
from atr.video.notices import collected
from atr.video.transforms import normalise, resize

FrameSource = Callable[[str], np.ndarray | None]
LARGEST = 160  # pixels of a frame's side in a strip


@dataclass(frozen=True)
class DataFrames:
    """The frames of a data set's clips: a `FrameSource`. notes: of the clips, `ClipDataset`."""

    read: FrameSource
    notes: tuple[str, ...] = ()

    def __call__(self, name: str) -> np.ndarray | None:
        return self.read(name)


def chosen_clips(
    predictions: Sequence[Predictions],
    models: Sequence[VideoClassifier],
    sources: Sequence[FrameSource],
    *,
    filter: str = "only_a",
    label: str | None = None,
    count: int = 6,
    block: str | None = None,
    style: str = "value",
) -> tuple[list[ReportClip], str]:
    """The first clips of a filter that the sources have, and a sentence on how they were chosen.

    Args:
        models, sources: of A and of B, the first two predictions; a source gives the frames of a clip by its id, uint8
            (T, H, W, 3), or None where it does not have it.
        filter: a key of `compare.numbers.FILTERS`.
        label: the clips' true class; of all classes when None.
        block: whose maps are drawn; `shown_blocks` when None.

    Raises:
        ValueError: the filter is unknown, a model has no such block, or the sources have none of the filter's clips.
    """
    title, narrow = choose("filter", filter, FILTERS)
    found = narrow(of_class(clip_table(predictions), label))
    blocks = shown_blocks(*models) if block is None else (block, block)
    called = [f"{letter} {p.name}" for letter, p in zip(LETTERS, predictions, strict=False)]
    clips: list[ReportClip] = []
    unreadable: list[str] = []
    for row in found.to_dict("records"):
        if len(clips) == count:
            break
        try:
            with collected() as notices:
                shown = [source(row["id"]) for source in sources]
        except VideoError as error:
            unreadable.append(str(error))
            continue
        if any(frames is None for frames in shown):
            continue
        answers = [
            f"{name}: {row[f'predicted_{letter}']}; {row[f'p_true_{letter}']:.1%} for the true class"
            for letter, name in zip(LETTERS.lower(), called, strict=False)
        ]
        strips = [Strip("the frames that A is shown", small(shown[0]))]
        for i, (model, frames, its_block) in enumerate(zip(models, shown, blocks, strict=True)):
            strips.append(looked_at(model, frames, its_block, called[i], style))
        clips.append(ReportClip(row["id"], row["label"], tuple(answers), tuple(strips), tuple(notices)))
    if not clips and len(found) and count:
        fault = f": {unreadable[0]}" if unreadable else f"; the first is {found.id.iloc[0]!r}"
        raise ValueError(f"none of the {len(found):,} clips to choose from can be shown{fault}")
    kind = f"“{title}”" if label is None else f"“{title}” and of the class “{label}”"
    order = "in the order of the list" if filter == "all" else "those on which the models disagree most first"
    return clips, (
        f"{len(clips)} of {len(found):,} clips of the kind {kind}, of those available, {order}. "
        f"{f'{len(unreadable)} could not be read: {unreadable[0]}. ' if unreadable else ''}"
        "Maps and their captions are of one view of these frames; the predictions above them are those of the evaluation."
    )


def shown_blocks(a: VideoClassifier, b: VideoClassifier) -> tuple[str, str]:
    """The block that A opens with; B's own deepest where B has no such block."""
    first = a.shown_block
    return first, first if first in b.backbone.slots() else explained_blocks(b)[-1]


def looked_at(
    model: VideoClassifier, frames: np.ndarray, block: str, name: str, style: str = "value"
) -> Strip:
    """Actionness of a block over the frames, or Grad-CAM for the class that is called where it has none.

    frames: uint8 (T, H, W, 3), one view as the evaluation shows it. style: of `overlay`; Grad-CAM, which has no sign, is
    drawn by value where M is drawn signed.
    """
    if block in model.locators:
        with record(model) as recording:
            probabilities = class_probabilities(model, frames[None])[0]
        maps, kind = recording.actionness[block][0].numpy(), "actionness M"
    else:
        probabilities = class_probabilities(model, frames[None])[0]
        clip = normalise(frames, model.preprocessing)[None]
        maps = gradcam(model, clip, block, int(probabilities.argmax()))[0].numpy()
        kind = "Grad-CAM for the predicted class"
        style = "value" if style == "signed" else style
    scale = Scale.of(maps, style=style)
    best = int(probabilities.argmax())
    caption = (
        f"{name}, {block}: {kind}, {scale_in_words(scale)}; predicts {model.labels[best]} "
        f"({probabilities[best]:.1%})"
    )
    return Strip(caption, small(overlay(frames, maps, scale)))


def scale_in_words(scale: Scale) -> str:
    low, high, median = (f"{value:.3g}" for value in (*scale.ends, scale.median))
    return {
        "value": f"dark {low} to bright {high}, transparent up to the median {median}",
        "flat": f"dark {low} to bright {high}",
        "signed": f"blue {low} to red {high}, transparent at the median {median}",
    }[scale.style]


def small(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:3]
    scale = LARGEST / max(height, width)
    return resize(frames, round(height * scale), round(width * scale)) if scale < 1 else frames


def evaluated_model(roots: Sequence[Path], predictions: Predictions) -> VideoClassifier:
    """The model that made predictions: of the roots one of its name, or a folder of its name in one.

    Raises ValueError where there is none, or its weights are others.
    """
    name, digest = predictions.name, predictions.facts["checkpoint"]["weights_sha256"]
    own = [root for root in roots if root.name == name and (root / CONFIG).is_file()]
    folders = own + [root / name for root in roots if (root / name).is_dir()]
    for folder in folders:
        if read_config(folder)["weights_sha256"] == digest:
            return load_checkpoint(folder)
    if not folders:
        looked_in = ", ".join(map(str, roots)) or "no folder"
        raise ValueError(
            f"there is no checkpoint {name!r} in {looked_in}; --checkpoints names them or the folders they lie in"
        )
    raise ValueError(f"{folders[0]} has other weights than the predictions of {name} were made with")


def frame_source(
    data: str, model: VideoClassifier, *, follow_outside: bool = False, allow_damaged: bool = False
) -> DataFrames:
    """Frames by a clip's id, as the evaluation of `data` shows them: rendered anew ("tabletop:val"), or read.

    Raises ValueError where `data` is neither a split of the demo set nor a data set on disk, or is rendered and to be
    sampled densely.
    """
    num_frames, preprocessing = model.config.num_frames, model.preprocessing
    folder, split = data_name(data)
    if folder is None:
        require_uniform(data, model.sampling)
        split = split or "val"
        tabletop.split_seed(split, 0)  # whether there is such a split

        def rendered(name: str) -> np.ndarray | None:
            if not name.startswith(f"{split}-"):
                return None
            seed = tabletop.named_seed(name)
            return tabletop.render_clip(seed, num_frames=num_frames, size=preprocessing.crop).frames

        return DataFrames(rendered)
    clips = open_clips(
        data,
        num_frames=num_frames,
        preprocessing=preprocessing,
        cache=Path("cache"),
        follow_outside=follow_outside,
        sampling=model.sampling,
        allow_damaged=allow_damaged,
    )
    places = {name: index for index, name in enumerate(clips.ids)}

    def listed(name: str) -> np.ndarray | None:
        return clips.sampled_frames(places[name]) if name in places else None

    return DataFrames(listed, clips.notes)
