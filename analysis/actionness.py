"""Actionness of one clip: where and when a model looks, M of every ATR block for every frame."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from analysis.recording import Recording, record
from analysis.shown_clip import ShownClip, maps_of_all_frames, nearest, show, time_steps
from atr.models import VideoClassifier
from atr.preprocessing import Preprocessing
from atr.results.predict import class_probabilities, require_numbers
from atr.video.decoding import Notice
from atr.video.transforms import normalise as normalise_frames


@dataclass(frozen=True)
class ClipActionness:
    """What a model saw in one clip.

    Attributes:
        frames: uint8 RGB (L, H, W, 3), the model's view cut from the original video, short side at most 480.
        indices: int (L,), the index in the original video of each of `frames`.
        fps: rate at which `frames` play at true speed.
        box: (top, left, height, width) of the view in the original frame; true masks are cut by it.
        maps: block name -> raw M, float32 (L, h, w), one for every frame; empty without an ARL in the model.
        seconds: spent in the network for the maps of all blocks.
        probabilities: float32 (num_classes,), of the evaluation sampling and the centre crop (1×1 protocol).
        sampled: int (T,), original indices of the frames the probabilities come from; they may repeat.
        relations: block name -> one W (T, T) per stacked graph reasoner, of that same pass; empty without one.
        notes: plain sentences on whatever a reader of the maps should know.
        input_size: (height, width) of a frame as the network was given it for the maps.
        notices: of the video, what is missing, stands in or was changed.
    """

    frames: np.ndarray
    indices: np.ndarray
    fps: float
    box: tuple[int, int, int, int]
    maps: dict[str, np.ndarray]
    seconds: float
    probabilities: np.ndarray
    sampled: np.ndarray
    relations: dict[str, list[np.ndarray]]
    notes: tuple[str, ...]
    input_size: tuple[int, int]
    notices: tuple[Notice, ...] = ()

    @property
    def key_frames(self) -> np.ndarray:
        """Positions in `frames` of the sampled frames, each once (the nearest ones where a long clip is thinned)."""
        return np.unique(nearest(self.indices, self.sampled))


def clip_actionness(
    model: VideoClassifier,
    clip: str | Path | np.ndarray,
    *,
    preprocessing: Preprocessing | None = None,
    view: str = "crop",
    max_frames: int = 300,
    batch_size: int = 4,
    fps: float = 25.0,
    progress: Callable[[int, int], None] | None = None,
    turn: AbstractContextManager = nullcontext(),  # noqa: B008 (holds nothing)
    allow_damaged: bool = False,
) -> ClipActionness:
    """M for every frame of a clip, and the class probabilities the evaluation would give it.

    A model takes T frames, drawn as its checkpoint declares (`model.sampling`). Shifted samplings together show it
    every frame, each in the company of T - 1 others as an evaluation shows them (`shown_clip.samplings_of`). At
    position T ARL's motion cue is zero by definition; `notes` say which frames stand there.

    Args:
        model: in evaluation mode, on any device.
        clip: a video file, or its frames as uint8 RGB (L, H, W, 3).
        preprocessing: the model's own when None.
        view: "crop", the square of the evaluation (the whole frame where that is squeezed), or "whole", the entire
            frame. The probabilities are the crop's in either case.
        max_frames: of a longer clip this many frames, evenly spread, get a map; `notes` say so.
        batch_size: samplings in one forward pass.
        fps: of a clip given as frames; a file states its own.
        progress: called with (samplings done, samplings in all).
        turn: entered when the clip is read, left when the network is done with it; of a program with several at once.
        allow_damaged: as `atr.video.decoding.open_video` has it.

    Raises:
        VideoError: the file is no readable video, or damaged.
        ValueError: the model is another one, or in training mode, its scores or maps are no numbers, `clip` is neither, or
            `view`, `max_frames`, `batch_size` or `fps` is not allowed.
    """
    shown = show(
        model, clip, preprocessing, view=view, max_frames=max_frames, fps=fps, allow_damaged=allow_damaged
    )
    preprocessing, device = preprocessing or model.preprocessing, next(model.parameters()).device

    def recorded_maps(pictures: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode(), record(model) as recording:
            model(normalise_frames(pictures, preprocessing).to(device))
        return {name: values.numpy() for name, values in recording.actionness.items()}

    maps, seconds = {}, 0.0
    with turn:
        recorded = record(model) if model.has_graph_reasoner else nullcontext(Recording())
        with recorded as recording:
            probabilities = class_probabilities(model, shown.evaluated[None], preprocessing)[0].cpu().numpy()
        if model.locators:
            maps, seconds = maps_of_all_frames(shown, recorded_maps, batch_size=batch_size, progress=progress)
    for name, values in maps.items():
        require_numbers(torch.from_numpy(values), f"values of M in {name}")
    relations = {name: [w[0].numpy() for w in ws] for name, ws in recording.relations.items()}

    return ClipActionness(
        frames=shown.frames,
        indices=shown.indices,
        fps=shown.fps,
        box=shown.box,
        maps=maps,
        seconds=seconds,
        probabilities=probabilities,
        sampled=shown.sampled,
        relations=relations,
        notes=tuple(notes_on(shown, model, max_frames)),
        input_size=next(iter(shown.pictures.values())).shape[:2],
        notices=shown.notices,
    )


def notes_on(shown: ShownClip, model: VideoClassifier, max_frames: int) -> Iterator[str]:
    """Sentences on what a reader of the maps must know."""
    num_frames, length = model.config.num_frames, shown.length
    if length < num_frames:
        frames = "frames" if length > 1 else "frame"
        yield f"The clip has {length} {frames}, fewer than the model's {num_frames}: frames repeat."
    elif (back := np.flatnonzero(np.diff(shown.sampled) < 0)).size:
        last, first = shown.sampled[back[0] : back[0] + 2]
        yield (
            f"The clip has {length} frames, fewer than the window of {model.sampling.window} that the model reads: it is "
            f"read in a loop, so that frame {first} follows frame {last}."
        )
    if length > max_frames:
        yield (
            f"The clip has {length:,} frames; {max_frames} of them, evenly spread, have a map. Sampled frames are marked "
            "at the nearest of these."
        )
    if not model.locators:
        yield (
            "This model has no Action-related Region Locator (only ATR blocks have one), so there is no actionness to "
            "show; the class probabilities are shown."
        )
    elif model.config.atr.use_motion and num_frames == 1:
        yield "The model sees one frame at a time, without a next one: its motion cue is zero everywhere."
    elif model.config.atr.use_motion and model.config.atr.motion != "bidirectional":
        last = shown.indices[time_steps(shown) == num_frames - 1]
        if len(last):  # of a clip that is thinned, no frame shown may stand there
            those = f"Frames {ranges(last, shown.indices)} are" if len(last) > 1 else f"Frame {last[0]} is"
            yield (
                f"{those} at the model's last time step, which has no next frame: its motion cue is zero there by "
                "definition, and a jump of the maps at that point is not an event of the clip."
            )


def ranges(chosen: np.ndarray, shown: np.ndarray) -> str:
    """Chosen ones of the shown frames in words, "56 to 63, 120 to 127": those that follow each other as one range."""
    places = np.searchsorted(shown, chosen)
    runs = np.split(chosen, np.flatnonzero(np.diff(places) > 1) + 1)
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
