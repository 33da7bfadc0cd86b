"""What every layout of a data set is read into."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atr.files import digest

SPLITS = ("train", "val", "test")
Sampling = Literal["uniform", "dense"]
Row = tuple[str, str, str]  # id, file below the root, text of the label


@dataclass(frozen=True)
class Annotations:
    """One split of a data set, as its own files list it; nothing is said about whether the videos are there.

    Attributes:
        layout: name of the layout.
        root: folder of the data set.
        split: "train", "val" or "test".
        labels: one text per class.
        ids, files, targets: one per clip; files are relative to `root`. A file is a video or a folder of frames.
        unlisted: index of a clip -> its label, where that is none of `labels`; its target is -1.
        sampling: how frames are drawn from a clip of this data set.
        lengths: frames per clip, where the files state them.
    """

    layout: str
    root: Path
    split: str
    labels: list[str]
    ids: list[str]
    files: list[str]
    targets: list[int]
    unlisted: dict[int, str] = field(default_factory=dict)
    sampling: Sampling = "uniform"
    lengths: list[int] | None = None

    @classmethod
    def of_rows(
        cls, layout: str, root: Path, split: str, labels: Iterable[str], rows: Iterable[Row], **options
    ) -> "Annotations":
        labels = list(labels)
        numbers = {label: number for number, label in enumerate(labels)}
        ids, files, targets, unlisted = [], [], [], {}
        for name, file, label in rows:
            if label not in numbers:
                unlisted[len(ids)] = label
            ids.append(name)
            files.append(file)
            targets.append(numbers.get(label, -1))
        return cls(layout, root, split, labels, ids, files, targets, unlisted, **options)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def name(self) -> str:
        return f"{self.root.name} {self.split}"

    @property
    def digest(self) -> str:
        """Of the list, wherever it lies and whatever is done with it."""
        values = [self.labels, self.ids, self.files, self.targets]
        return digest(values)


def found(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of `names` that is a file in the folder, its labels/ or its annotations/."""
    candidates = (folder / place / name for name in names for place in (".", "labels", "annotations"))
    return next((path for path in candidates if path.is_file()), None)
