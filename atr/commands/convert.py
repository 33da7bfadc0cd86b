"""python -m atr convert: a checkpoint folder from weights trained elsewhere."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from atr.checkpoint import require_free, save_checkpoint
from atr.convert import LAYOUTS, convert
from atr.data.something_something import WHOLE
from atr.data.text import read_text
from atr.files import sha256
from atr.preprocessing import Fit, Preprocessing
from atr.sampling import SAMPLINGS, Sampling
from atr.schema import Labels, check, counted, line, parse_json, shown

PREPROCESSING = ("short_side", "crop", "fit", "mean", "std")  # options here and fields of `Preprocessing`


@dataclass(frozen=True)
class Convert:
    """Make a checkpoint folder from a file of torchvision's, the TSM repository's or mmaction2's weights.

    The network (TSN, TSM, SlowOnly; depth; classes) is derived from the weights, and all of them are used. Nothing but
    tensors and plain values is unpickled.
    """

    file: Annotated[Path, tyro.conf.Positional]
    """.pth, .pt, .pth.tar of torch.save, or .safetensors"""
    out: Path
    """the checkpoint folder to write"""
    labels: Path
    """the classes in the order of the logits: a text file of one a line, or JSON, a list or label -> number"""
    layout: Literal["auto", *LAYOUTS] = "auto"
    """which project's names the weights have"""
    num_frames: int | None = None
    """T, 1 to 1,024, if the file does not record it"""
    sampling: Literal[SAMPLINGS] | None = None
    """how frames were drawn in training, if the file does not record it: uniform over the whole video, or dense"""
    window: int | None = None
    """frames of the window of dense sampling: the number of frames times the stride"""
    short_side: int | None = None
    """pixels the shorter side was resized to; 256 by default"""
    crop: int | None = None
    """side in pixels of the square cut from it; 224 by default"""
    fit: Fit | None = None
    """how frames became squares: crop, the longer side cut, by default; or squeeze, both sides resized to short_side"""
    mean: tuple[float, float, float] | None = None
    """of red, green and blue in [0, 1]; ImageNet's by default"""
    std: tuple[float, float, float] | None = None
    """of red, green and blue; ImageNet's by default"""

    def run(self, command: str) -> int:
        self.require_own()
        labels, given = read_labels(self.labels), self.preprocessing()
        preprocessing = Preprocessing(**given)
        model, layout = convert(
            self.file,
            labels=labels,
            layout=self.layout,
            num_frames=self.num_frames,
            sampling=self.stated_sampling(),
        )
        if not model.sampling.stated:
            raise ValueError(
                f"sampling is needed: {self.file} does not note how frames were drawn in training; "
                f"--sampling {' or '.join(SAMPLINGS)}"
            )
        assumed = [name for name in PREPROCESSING if name not in given]
        facts = {
            "source": {"file": self.file.name, "sha256": sha256(self.file), "layout": layout},
            **model.sampling.facts(),
            **({"assumed": assumed} if assumed else {}),
        }
        save_checkpoint(self.out, model, labels=labels, preprocessing=preprocessing, command=command, **facts)
        config = model.config
        print(
            f"{self.out}: {config.name}, {counted(config.num_classes, 'class', 'classes')}, "
            f"{counted(config.num_frames, 'frame')}, {model.sampling}, every weight of {self.file.name} used (layout {layout})"
        )
        if assumed:
            values = ", ".join(f"{name} {getattr(preprocessing, name)}" for name in assumed)
            print(f"not given and assumed: {values}")
        return 0

    def require_own(self) -> None:
        """Raises ValueError where another checkpoint would be replaced, FileExistsError where something else would."""
        if not (found := require_free(self.out)):
            return
        source = found.get("source")
        if not isinstance(source, dict) or source.get("sha256") != sha256(self.file):
            raise ValueError(f"{self.out} is another checkpoint; remove it, or give another --out")

    def preprocessing(self) -> dict:
        """What is said of the frames, by the names of `Preprocessing`. Raises ValueError for pixels in [0, 255]."""
        given = {name: value for name in PREPROCESSING if (value := getattr(self, name)) is not None}
        for name in ("mean", "std"):
            if any(value > 1 for value in given.get(name, ())):
                raise ValueError(
                    f"{name}={given[name]} is not of pixels in [0, 1]; allowed: values up to 1, those of pixels in "
                    "[0, 255] divided by 255"
                )
        return given

    def stated_sampling(self) -> Sampling | None:
        """As it was given. Raises ValueError where half of it is missing."""
        if self.sampling == "dense" and self.window is None:
            raise ValueError(
                "window is needed for dense sampling: --window with the frames it spans, such as 64"
            )
        if self.sampling != "dense" and self.window is not None:
            raise ValueError(f"window={self.window} is of dense sampling; allowed: with --sampling dense")
        if self.sampling is None:
            return None
        return Sampling(self.sampling) if self.window is None else Sampling(self.sampling, self.window)


def read_labels(path: Path) -> list[str]:
    """Labels from a text file, or from JSON as Something-Something V2 has it: {"Bending something": "0", ...}.

    Raises:
        ValueError: it is not such a list, a label is listed twice, or the numbers are not 0, 1, 2, ...
    """
    labels = listed_labels(path)
    try:
        check(labels, Labels)
    except ValueError as error:
        raise ValueError(line(f"{shown(path)} {error}")) from error
    if twice := [label for label, count in Counter(labels).items() if count > 1]:
        raise ValueError(f"{path} lists {twice[0]!r} more than once; allowed: each label once")
    return labels


def listed_labels(path: Path) -> list[str]:
    text = read_text(path)
    if path.suffix != ".json":
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        found = parse_json(text)
        if isinstance(found, dict):
            numbers = {label_number(number): label for label, number in found.items()}
            found = [numbers[i] for i in range(len(found))]
    except KeyError as error:
        raise ValueError(f"{path} numbers its {len(found)} labels, and none is number {error}") from error
    except ValueError as error:
        raise ValueError(f"{path} is not a list of labels, nor numbers them 0, 1, 2, ...: {error}") from error
    return found


def label_number(value: object) -> int:
    """7 or "7". Raises ValueError for anything else: 1.9 is not 1."""
    if isinstance(value, bool) or not WHOLE.fullmatch(str(value)):
        raise ValueError(f"{shown(value)} is no such number")
    return int(str(value))
