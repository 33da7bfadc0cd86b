"""python -m atr predict: the classes of videos of one's own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from atr.checkpoint import load_checkpoint
from atr.files import write_json
from atr.results.passes import SKIPPED
from atr.results.predict import distinct_names, predict, search_videos
from atr.results.processes import device_named
from atr.results.store import checkpoint_facts, software
from atr.video.decoding import VideoError
from atr.video.protocol import PROTOCOLS, SAMPLINGS, Protocol


@dataclass(frozen=True)
class Predict:
    """Print the five most probable classes of videos. Exit code 3: some could not be read; they are listed."""

    clips: Annotated[tuple[str, ...], tyro.conf.Positional]
    """video files, folders, glob patterns"""
    checkpoint: Path
    """a checkpoint folder"""
    protocol: Literal[PROTOCOLS] = "1x1"
    """clips x crops a video"""
    sampling: Literal[SAMPLINGS] | None = None
    """uniform over the whole video, or dense: a window of 64 frames; as the checkpoint was trained by default"""
    json: Path | None = None
    """a file for all class probabilities"""
    overlay: Path | None = None
    """a folder for the actionness over each video (MP4, GIF, maps), as `python -m analysis actionness` makes it"""
    device: str = "cpu"
    """cpu, cuda, cuda:1, ..."""
    follow_outside: bool = False
    """follow the links in a folder that lead out of it"""

    def run(self, command: str, write_overlay: Callable[..., object]) -> int:
        """The exit code.

        write_overlay: (model, video, folder, checkpoint=..., command=...) fills the folder of a video. Maps are a
            question of the package above this one, so it is handed down.
        """
        videos, unused = search_videos(list(self.clips), follow_outside=self.follow_outside)
        if unused:
            print(unused, file=sys.stderr)
        protocol = Protocol.named(self.protocol)
        model = load_checkpoint(self.checkpoint).to(device_named(self.device))
        if self.overlay is not None and model.config.block != "atr":
            raise ValueError(
                f"{self.checkpoint} has no Action-related Region Locator (block={model.config.block!r}): there is no "
                "actionness to lay over a video"
            )
        for folder in (self.json and self.json.parent, self.overlay):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        sampling = self.sampling or model.facts.get("sampling", "uniform")
        answers, unreadable = [], []
        for video, name in zip(videos, distinct_names(videos), strict=True):
            try:
                probabilities = predict(model, video, protocol, sampling)
                if self.overlay is not None:
                    folder = self.overlay / name
                    write_overlay(model, video, folder, checkpoint=self.checkpoint, command=command)
            except VideoError as error:
                unreadable.append({"clip": str(video), "message": str(error)})
                print(f"skipped {error}", file=sys.stderr)
                continue
            best = np.argsort(-probabilities, kind="stable")[:5]
            print(video)
            for index in best:
                print(f"  {probabilities[index]:6.1%}  {model.labels[index]}")
            top5 = [{"label": model.labels[i], "probability": float(probabilities[i])} for i in best]
            answers.append({"clip": str(video), "top5": top5, "probabilities": probabilities.tolist()})
        if self.json is not None:
            facts = {
                "command": command,
                "checkpoint": checkpoint_facts(self.checkpoint),
                "labels": model.labels,
            }
            settings = {"protocol": self.protocol, "sampling": sampling, "software": software()}
            write_json(self.json, facts | settings | {"clips": answers, "unreadable": unreadable})
        return SKIPPED if unreadable else 0
