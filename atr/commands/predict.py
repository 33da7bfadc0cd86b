"""python -m atr predict: the classes of videos of one's own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro

from atr.checkpoint import load_checkpoint
from atr.files import file_to_write, folder_to_write, require_folder, write_json
from atr.inference import for_inference
from atr.models import VideoClassifier
from atr.options import OVERLAY_STYLES
from atr.results.notices import notice_facts, tell_notices
from atr.results.passes import SKIPPED
from atr.results.predict import (
    AVERAGES,
    PROBABILITIES,
    VideoViews,
    distinct_names,
    search_videos,
    video_views,
    view_probabilities,
)
from atr.results.processes import device_named, whole_float32
from atr.results.questions import InferenceOption
from atr.results.store import checkpoint_facts, sampling_facts, software
from atr.sampling import SAMPLINGS, Sampling
from atr.schema import printable
from atr.video.decoding import Notice, VideoError
from atr.video.notices import collected
from atr.video.protocol import PROTOCOLS, Protocol
from atr.video.video import one_line

OWN = '"command": "python -m atr predict'  # at the beginning of a file of --json


@dataclass(frozen=True)
class Predict:
    """Print the five most probable classes of videos.

    Exit code 3: some could not be read or lack frames; they are listed.
    """

    clips: Annotated[tuple[str, ...], tyro.conf.Positional]
    """video files, folders, glob patterns"""
    checkpoint: Path
    """a checkpoint folder"""
    protocol: Literal[PROTOCOLS] = "1x1"
    """clips x crops a video"""
    average: Literal[AVERAGES] = PROBABILITIES
    """of the views: their probabilities, as mmaction2 does, or their logits, as TSM does"""
    sampling: Literal[SAMPLINGS] | None = None
    """uniform over the whole video, or dense: a window of frames; as the checkpoint was trained by default"""
    window: int | None = None
    """frames of a dense window, not fewer than the model takes; as the checkpoint was trained, else 64, by default"""
    json: Path | None = None
    """a file for all class probabilities"""
    overlay: Path | None = None
    """a folder for the actionness over each video (MP4, GIF, maps), as `python -m analysis actionness` makes it"""
    overlay_style: Literal[OVERLAY_STYLES] = "value"
    """of --overlay: as in `python -m analysis actionness`"""
    device: str = "cpu"
    """cpu, cuda, cuda:1, ..."""
    inference: InferenceOption = "float32"
    follow_outside: bool = False
    """follow the links in a folder that lead out of it"""
    allow_damaged: bool = False
    """use videos that cannot be decoded whole; the nearest frames stand in for those missing, and the answer says so"""

    def run(self, command: str, write_overlay: Callable[..., object]) -> int:
        """The exit code.

        write_overlay: (model, video, folder, style=..., checkpoint=..., command=..., allow_damaged=...) fills the folder
            of a video. Maps are a question of the package above this one, so it is handed down.
        """
        if not self.clips:
            raise ValueError(
                "no video is given; allowed: files, folders and glob patterns, before the options"
            )
        videos, unused = search_videos(list(self.clips), follow_outside=self.follow_outside)
        if unused:
            print(unused, file=sys.stderr)
        protocol = Protocol.named(self.protocol)
        device = device_named(self.device)
        model = for_inference(load_checkpoint(self.checkpoint), self.inference).to(device)
        if self.overlay is not None and not model.locators:
            raise ValueError(
                f"{self.checkpoint} has no Action-related Region Locator (block={model.config.block!r}): there is no "
                "actionness to lay over a video"
            )
        out = None if self.json is None else file_to_write(self.json, OWN)
        if self.overlay is not None:
            require_folder(self.overlay)
            folder_to_write(self.overlay)
        own, model.sampling = model.sampling, self.asked_for(model.sampling)
        model.sampling.require_room(model.config.num_frames)
        notes = list(model.sampling.notes)
        if own.stated and own != model.sampling:
            notes.append(f"The checkpoint was trained with {own}; {model.sampling} is used, as asked for.")
        for note in notes:
            print(note, file=sys.stderr)
        found = Answers([], [], {})
        overlaid = partial(
            write_overlay,
            model,
            style=self.overlay_style,
            checkpoint=self.checkpoint,
            command=command,
            allow_damaged=self.allow_damaged,
        )
        try:
            self.answer(model, videos, protocol, overlaid, found)
        finally:  # of a run that is stopped what it has answered is kept
            told = notice_facts(found.notices)
            if out is not None and (done := found.count):
                facts = self.facts(model, protocol, command) | {"notes": notes, **told}
                if left := [str(video) for video in videos[done:]]:
                    facts["not_reached"] = left
                facts |= {"software": software(device), "clips": found.clips, "unreadable": found.unreadable}
                write_json(out, facts)
        lacking = tell_notices(told)
        return SKIPPED if found.unreadable or lacking else 0

    def answer(
        self,
        model: VideoClassifier,
        videos: list[Path],
        protocol: Protocol,
        write_overlay: Callable[[Path, Path], object],
        found: "Answers",
    ) -> None:
        """Of one video after the other, printed and added to `found`; unreadable ones are skipped."""
        for video, name in zip(videos, distinct_names(videos), strict=True):
            try:
                with collected() as noticed, whole_float32():
                    views = video_views(model, video, protocol, allow_damaged=self.allow_damaged)
                    frames = torch.from_numpy(views.frames)[None]
                    probabilities = view_probabilities(model, frames, self.average)[0].cpu().numpy()
                    if self.overlay is not None:
                        write_overlay(video, self.overlay / name)
            except VideoError as error:
                found.unreadable.append({"clip": str(video), "message": str(error)})
                print(f"skipped {error}", file=sys.stderr)
                continue
            found.notices[str(video)] = tuple(noticed)
            best = np.argsort(-probabilities, kind="stable")[:5]
            print(one_line(video))
            print(f"  {model.sampling}: {frames_in_words(views)}")
            for index in best:
                print(f"  {probabilities[index]:6.1%}  {printable(model.labels[index])}")
            top5 = [{"label": model.labels[i], "probability": float(probabilities[i])} for i in best]
            sampled = {"num_frames": views.length, "sampled_frames": views.indices.tolist()}
            found.clips.append(
                {"clip": str(video), **sampled, "top5": top5, "probabilities": probabilities.tolist()}
            )

    def facts(self, model: VideoClassifier, protocol: Protocol, command: str) -> dict:
        """What the answers are of and how they came about."""
        views = {"offsets": protocol.offsets(model.sampling), "average": self.average}
        return {
            "command": command,
            "checkpoint": checkpoint_facts(self.checkpoint),
            "labels": model.labels,
            "protocol": self.protocol,
            **sampling_facts(model.sampling),
            "inference": self.inference,
            **(views if protocol.num_views > 1 else {}),
        }

    def asked_for(self, own: Sampling) -> Sampling:
        """The sampling to use. Raises ValueError for an impossible one."""
        if self.sampling is None and self.window is None:
            return own
        kind = self.sampling or own.kind
        if self.window is not None and kind != "dense":
            raise ValueError(
                f"window={self.window} is of dense sampling, this is {kind}; allowed: --sampling dense"
            )
        return Sampling(kind, own.window if self.window is None else self.window)


@dataclass(frozen=True)
class Answers:
    """Of the videos so far: those answered, those that cannot be read, and the notices on each."""

    clips: list[dict]
    unreadable: list[dict]
    notices: dict[str, tuple[Notice, ...]]

    @property
    def count(self) -> int:
        return len(self.clips) + len(self.unreadable)


def frames_in_words(views: VideoViews) -> str:
    """ "frames 3, 11, 18, 26 of 30", every sampling in brackets where there are several."""
    lists = [", ".join(map(str, indices)) for indices in views.indices.tolist()]
    shown = lists[0] if len(lists) == 1 else " ".join(f"({each})" for each in lists)
    return f"frames {shown} of {views.length}"
