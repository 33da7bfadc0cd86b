"""python -m atr describe | train | tabletop"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from accelerate import PartialState

from atr.block import ATRConfig
from atr.describe import as_text, describe
from atr.models import ModelConfig
from atr.presets import PRESETS
from atr.tabletop import write_dataset
from atr.train import TrainConfig, train


@dataclass(frozen=True)
class Describe:
    """Print a network's blocks by their paper names, its parameters and its MACs for one clip."""

    name: Annotated[str, tyro.conf.Positional]
    """{tsn,tsm,slowonly}_resnet{18,34,50,101}"""
    block: Literal["atr", "atr_sim"] | None = None
    placement: str | tuple[str, ...] = "S3-5"
    """S5-3, S5, S4-5, S3-5, S2-5, or names of blocks"""
    num_classes: int = 174
    num_frames: int = 8
    width: float = 1.0
    stem: Literal["imagenet", "small"] = "imagenet"
    size: int = 224
    """side of the frames in pixels"""
    atr: ATRConfig = field(default_factory=ATRConfig)

    def run(self) -> None:
        config = ModelConfig(
            self.name,
            self.num_classes,
            self.num_frames,
            block=self.block,
            placement=self.placement,
            width=self.width,
            stem=self.stem,
            atr=self.atr,
        )
        print(as_text(config, describe(config, self.size), self.size))


@dataclass(frozen=True)
class Train:
    """Train a network; `--preset` names the settings, every one of them can be given otherwise.

    A run that was stopped goes on after its last whole epoch when the same command is given again.
    """

    out: Path
    """the checkpoint folder to write"""
    preset: Literal[tuple(PRESETS)] = "tabletop-atr"
    cache: Path = Path("cache")
    """folder for rendered clips"""
    config: TrainConfig = PRESETS["tabletop-atr"]

    def run(self) -> None:
        metrics = train(self.config, self.out, self.cache)
        if PartialState().is_main_process:
            values = (f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in metrics.items())
            print(f"{self.out}: {', '.join(values)}")


@dataclass(frozen=True)
class Tabletop:
    """Render clips of the demo set: H.264 videos, true masks, annotations.json."""

    out: Path
    num_clips: int = 40
    split: Literal["train", "val"] = "val"
    num_frames: int = 32
    size: int = 128
    """side in pixels"""
    fps: float = 12
    first: int = 0
    """index of the first clip in the split"""

    def run(self) -> None:
        write_dataset(
            self.out,
            split=self.split,
            num_clips=self.num_clips,
            num_frames=self.num_frames,
            size=self.size,
            fps=self.fps,
            first=self.first,
        )
        print(f"{self.num_clips} clips in {self.out}")


def main(argv: list[str]) -> int:
    command = tyro.cli(commands(argv), args=argv, prog="python -m atr", config=(tyro.conf.OmitArgPrefixes,))
    try:
        command.run()
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def commands(argv: list[str]) -> type:
    """The commands; the settings of the preset named in `argv` are the defaults of `train`."""
    preset = next((value for flag, value in zip(argv, argv[1:], strict=False) if flag == "--preset"), None)
    defaults = Train(out=tyro.MISSING, config=PRESETS.get(preset, Train.config))
    return (
        Annotated[Describe, tyro.conf.subcommand("describe")]
        | Annotated[Train, tyro.conf.subcommand("train", default=defaults)]
        | Annotated[Tabletop, tyro.conf.subcommand("tabletop")]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
