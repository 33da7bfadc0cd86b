"""What every layout of a data set is read into."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from atr.data.text import NamedFault
from atr.data.unused import Unused
from atr.files import digest
from atr.sampling import Kind
from atr.schema import Labels, check, counted, line, shown

SPLITS = ("train", "val", "test")
LISTED_SPLITS = (*SPLITS, "dev")  # of an annotations.json
PLACES = (".", "labels", "annotations")  # of the lists, below the folder of a data set
SPLIT_NAMES = {  # of folders and lists, in any case
    "train": ("train", "training"),
    "val": ("val", "valid", "validate", "validation"),
    "test": ("test", "testing"),
}
NAMED = 10  # labels in a message
Row = tuple[str, str, str]  # id, file below the root, text of the label


@dataclass(frozen=True)
class Annotations:
    """One split of a data set, as its own files list it; nothing is said about whether the videos are there.

    Attributes:
        layout: name of the layout.
        root: folder of the data set.
        split: of `LISTED_SPLITS`.
        labels: one text per class.
        ids, files, targets: one per clip; files are relative to `root`. A file is a video or a folder of frames.
        unlisted: index of a clip -> its label, where that is none of `labels`; its target is -1.
        sampling: how frames are drawn from a clip of this data set.
        lengths: frames per clip, where the files state them.
        unused: what was found beside the clips and is not used.
        outside: index of a clip -> where its file lies, where that is not in `root`, by its path or by a link.
        lacking: split -> labels of which it has no clip and another split has some; of a data set whose labels are
            those of its clips, so that one that is spelled in two ways is two.
    """

    layout: str
    root: Path
    split: str
    labels: list[str]
    ids: list[str]
    files: list[str]
    targets: list[int]
    unlisted: dict[int, str] = field(default_factory=dict)
    sampling: Kind = "uniform"
    lengths: list[int] | None = None
    unused: Unused = field(default_factory=Unused)
    outside: dict[int, str] = field(default_factory=dict)
    lacking: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of_rows(
        cls, layout: str, root: Path, split: str, labels: Iterable[str], rows: Iterable[Row], **options
    ) -> "Annotations":
        """Raises ValueError as `require_labels`."""
        labels = list(labels)
        require_labels(labels)
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
        return f"{self.root.resolve().name} {self.split}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever opens the list should be told, a line each."""
        lacking = (
            f"{self.root}: {split} has no clips of {named(labels)}, which another split has"
            for split, labels in self.lacking.items()
        )
        return (*lacking, *((f"{self.root}: {self.unused}",) if self.unused else ()))

    @property
    def digest(self) -> str:
        """Of the list, wherever it lies and whatever is done with it."""
        values = [self.labels, self.ids, self.files, self.targets]
        return digest(values)


def lacking_labels(labels: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """`Annotations.lacking` of the labels that the clips of each split have."""
    own = {split: set(each) for split, each in labels.items()}
    every = set().union(*own.values())
    return {split: tuple(sorted(every - each)) for split, each in own.items() if every - each}


def named(labels: Sequence[str]) -> str:
    """ "2 classes (Wave, wave)"; of many the first few."""
    more = ", ..." if len(labels) > NAMED else ""
    return f"{counted(len(labels), 'class', 'classes')} ({', '.join(labels[:NAMED])}{more})"


def require_learnable(annotations: Annotations) -> None:
    """Raises ValueError where train has no clip of a class that another split has: a label may be spelled in two ways."""
    if lacking := annotations.lacking.get("train"):
        raise ValueError(
            f"train of {annotations.root} has no clips of {named(lacking)}, which another split has: they could not be "
            "learnt; allowed: classes that train has"
        )


def require_single(folder: Path, ids: Iterable[str], files: Mapping[str, Sequence[str]], what: str) -> None:
    """Raises NamedFault where a clip has several of the files that are there, by its id."""
    if several := [name for name in ids if len(files.get(name, ())) > 1]:
        have = counted(len(several), "clip has", "clips have")
        first = f"the first is {several[0]}: {', '.join(files[several[0]])}"
        raise NamedFault(line(f"{shown(folder)}: {have} several {what}, {first}; keep one"))


class OfClasses(Struct):
    labels: Labels


def require_labels(labels: list[str]) -> None:
    """Raises ValueError where these are no labels of classes: none, one too short or too long, or two that are one."""
    check({"labels": labels}, OfClasses)
    if double := [label for label, count in Counter(labels).items() if count > 1]:
        raise ValueError(f"{double[0]!r} is the label of more than one class")


def require_one_answer(annotations: Annotations) -> None:
    """Raises ValueError where an id stands for several clips, or a clip lies outside the data set."""
    first: dict[str, int] = {}
    repeated = [index for index, name in enumerate(annotations.ids) if first.setdefault(name, index) != index]
    if repeated:
        name = annotations.ids[repeated[0]]
        raise ValueError(
            f"{annotations.name}: {counted(len(repeated), 'clip has', 'clips have')} the id of an earlier one, the first "
            f"is {name}, entries {first[name] + 1} and {repeated[0] + 1} of the list"
        )
    if annotations.outside:
        index, place = next(iter(annotations.outside.items()))
        raise ValueError(
            f"{annotations.name}: {counted(len(annotations.outside), 'clip lies', 'clips lie')} outside {annotations.root}, "
            f"the first is {annotations.ids[index]} at {place}; --follow-outside reads them"
        )


def doctor_command(data: str | Path, *options: str) -> str:
    """As it is advised to be typed, in the backticks of a message."""
    return f"`{shlex.join(['python', '-m', 'atr', 'doctor', str(data), *options])}`"


def require_listed_labels(annotations: Annotations) -> None:
    """Raises ValueError where a clip's label is none of the data set's own labels."""
    if annotations.unlisted:
        index, label = next(iter(annotations.unlisted.items()))
        raise ValueError(
            f"{annotations.name}: the labels of {counted(len(annotations.unlisted), 'clip')} are not in the list of labels, the "
            f"first is {label!r} of clip {annotations.ids[index]}; {doctor_command(annotations.root)} lists them"
        )


def found(
    folder: Path, names: Iterable[str], fits: Callable[[Path], bool] = lambda file: True
) -> Path | None:
    """The file of one of these names in the folder, its labels/ or its annotations/ that fits; None where there is none.

    Raises:
        NamedFault: there are several, and they differ.
    """
    candidates = [folder / place / name for name in names for place in PLACES]
    there = [file for file in candidates if file.is_file() and fits(file)]
    for other in there[1:]:
        if not other.samefile(there[0]) and other.read_bytes() != there[0].read_bytes():
            raise NamedFault(f"{there[0]} and {other} differ, and each could be the list; remove one")
    return there[0] if there else None
