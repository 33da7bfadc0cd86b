"""python -m atr convert: a checkpoint folder from weights trained elsewhere."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from atr.checkpoint import save_checkpoint
from atr.convert import LAYOUTS, convert
from atr.data.text import read_text
from atr.files import sha256


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
    """T, if the file does not record it"""

    def run(self, command: str) -> int:
        labels = read_labels(self.labels)
        model, layout = convert(self.file, labels=labels, layout=self.layout, num_frames=self.num_frames)
        source = {"file": self.file.name, "sha256": sha256(self.file), "layout": layout}
        save_checkpoint(self.out, model, labels=labels, source=source, command=command)
        config = model.config
        print(
            f"{self.out}: {config.name}, {config.num_classes} classes, {config.num_frames} frames, "
            f"every weight of {self.file.name} used (layout {layout})"
        )
        return 0


def read_labels(path: Path) -> list[str]:
    """Labels from a text file, or from JSON as Something-Something V2 has it: {"Bending something": "0", ...}.

    Raises:
        ValueError: it is not such a list, or its numbers are not 0, 1, 2, ...
    """
    text = read_text(path)
    if path.suffix != ".json":
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        found = json.loads(text)
        if isinstance(found, dict):
            numbers = {int(number): label for label, number in found.items()}
            found = [numbers[i] for i in range(len(found))]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not a list of labels, nor numbers them 0, 1, 2, ...: {error}") from error
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise ValueError(f"{path} is not a list of labels, nor label -> number")
    return found
