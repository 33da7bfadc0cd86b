"""python -m analysis actionness: what the page "Actionness" shows, as files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from tqdm import tqdm

from analysis.actionness import (
    NORMALISATIONS,
    ClipActionness,
    actionness_blocks,
    clip_actionness,
    colour_limits,
    normalise,
    temporal_emphasis,
)
from analysis.export import emphasis_table, write_figure, write_gif, write_maps
from analysis.figures import COLORMAPS, block_frame_sheet, emphasis_figure, overlay, strip_figure
from atr.checkpoint import load_checkpoint
from atr.files import make_folder
from atr.results.processes import device_named
from atr.video.encoding import write_mp4
from atr.video.transforms import VIEWS


@dataclass(frozen=True)
class Actionness:
    """Where and when a checkpoint looks in one clip: overlays, figures and numbers in a folder."""

    clip: Annotated[Path, tyro.conf.Positional]
    """a video file"""
    checkpoint: Path
    """a checkpoint folder"""
    out: Path
    """the folder to write to; made when it does not exist"""
    block: tuple[str, ...] = ()
    """blocks to draw, by their paper names such as S5B2; all of them when none is given"""
    view: Literal[VIEWS] = "crop"
    """crop: the centre square the evaluation uses; whole: the entire frame"""
    normalisation: Literal[NORMALISATIONS] = "raw"
    """raw: M; sigmoid: sigmoid(M); softmax: the weights of AFA, which sum to 1 in every frame"""
    colormap: Literal[COLORMAPS] = "inferno"
    opacity: float = 0.6
    """of the map over the frame, 0 to 1"""
    max_frames: int = 300
    """a longer clip is thinned out to this many frames"""
    device: str = "cpu"
    """cpu, cuda, cuda:1, ..."""

    def run(self, command: str) -> int:
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity must lie in [0, 1], got {self.opacity}")
        make_folder(self.out)
        model = load_checkpoint(self.checkpoint).to(device_named(self.device))
        allowed = actionness_blocks(model)
        if unknown := [name for name in self.block if name not in allowed]:
            raise ValueError(
                f"block {', '.join(unknown)} has no actionness in {self.checkpoint}; "
                f"allowed: {', '.join(allowed) or 'none, the model has no Action-related Region Locator'}"
            )
        with tqdm(desc="actionness", unit="sampling", delay=0.5) as bar:  # an error comes before any bar

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            result = clip_actionness(
                model, self.clip, view=self.view, max_frames=self.max_frames, progress=progress
            )

        limits = {name: colour_limits(maps, self.normalisation) for name, maps in result.maps.items()}
        best = np.argsort(-result.probabilities, kind="stable")[:5]
        top5 = [
            {"label": model.labels[index], "probability": float(result.probabilities[index])}
            for index in best
        ]
        summary = {
            "clip": str(self.clip),
            "checkpoint": str(self.checkpoint),
            "command": command,
            "view": self.view,
            "normalisation": self.normalisation,
            "num_frames": len(result.frames),
            "fps": result.fps,
            "sampled_frames": result.sampled.tolist(),
            "top5": top5,
            "labels": model.labels,
            "probabilities": result.probabilities.tolist(),
            "colour_limits": limits,
            "notes": result.notes,
        }
        (self.out / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
        if result.maps:
            write_maps(self.out / "actionness.npz", result)
            emphasis_table(result).to_csv(self.out / "actionness.csv", index=False)
            self.write_pictures(result, self.block or allowed, limits)
        for guess in top5:
            print(f"{guess['probability']:7.1%}  {guess['label']}")
        for note in result.notes:
            print(note)
        pictures = "overlay-*.mp4 and .gif, strip-*.png and .svg, sheet.png, emphasis.html, actionness.npz and .csv, "
        print(f"written to {self.out}: {pictures if result.maps else ''}summary.json")
        return 0

    def write_pictures(self, result: ClipActionness, blocks: tuple[str, ...], limits: dict) -> None:
        keys = result.key_frames
        colours = {"colormap": self.colormap, "opacity": self.opacity}
        maps = {name: normalise(result.maps[name], self.normalisation) for name in blocks}
        for name in tqdm(blocks, desc="overlays", unit="block"):
            frames = overlay(result.frames, maps[name], limits[name], **colours)
            write_mp4(self.out / f"overlay-{name}.mp4", frames, result.fps)
            write_gif(self.out / f"overlay-{name}.gif", frames, result.fps)
            strip = strip_figure(
                result.frames[keys],
                maps[name][keys],
                limits[name],
                result.indices[keys],
                block=name,
                kind=self.normalisation,
                **colours,
            )
            write_figure(strip, [self.out / f"strip-{name}.png", self.out / f"strip-{name}.svg"])
        sheet = block_frame_sheet(
            result.frames[keys],
            {name: maps[name][keys] for name in blocks},
            limits,
            result.indices[keys],
            kind=self.normalisation,
            **colours,
        )
        write_figure(sheet, [self.out / "sheet.png"])
        emphasis = {name: temporal_emphasis(result.maps[name]) for name in blocks}
        figure = emphasis_figure(emphasis, result.indices, sampled=result.indices[keys])
        figure.write_html(self.out / "emphasis.html", include_plotlyjs=True)
