"""Something-Something V2 and V1 (Goyal et al. 2017), as 20BN and Qualcomm publish them."""

import re
from collections import Counter
from pathlib import Path

from msgspec import Struct

from atr.data.annotations import SPLITS, Annotations, Row, found, require_labels, require_single
from atr.data.listing import contents
from atr.data.text import NamedFault, faults_of, read_rows, read_text
from atr.data.unused import Unused
from atr.schema import FileName, check, parse_json, shown

OFFICIAL = {"train": "train", "val": "validation", "test": "test"}
V2, V2_VIDEOS = "Something-Something V2", "20bn-something-something-v2"
V1, V1_VIDEOS = "Something-Something V1", "20bn-something-something-v1"
WITHOUT_LABEL = "in no list with labels"
NO_CLASSES = "cannot be read as the list of classes"


class Unlabelled(Struct):
    """A clip of a list; what else an entry has is not used."""

    id: FileName  # without its suffix


class Labelled(Unlabelled):
    template: str


WHOLE = re.compile(r"[0-9]{1,9}")  # the number of a class
# Of what other lists hold no more is needed, and to parse the training list takes seconds.
ID = re.compile(r'"id"\s*:\s*"([^"]*)"')


def v2_lists(folder: Path) -> dict[str, Path]:
    """split -> its list; empty when the folder holds no Something-Something V2. test needs test-answers.csv."""
    if v2_file(folder, "labels") is None:
        return {}
    files = {split: v2_file(folder, OFFICIAL[split]) for split in SPLITS}
    if answers(folder) is None:
        files.pop("test")
    return {split: file for split, file in files.items() if file is not None}


def v2_file(folder: Path, name: str) -> Path | None:
    """Qualcomm's name or the older one of 20BN."""
    return found(folder, (f"{name}.json", f"something-something-v2-{name}.json"))


def answers(folder: Path) -> Path | None:
    """The labels of the test list (id;label), which were published later."""
    return found(folder, ("test-answers.csv",))


def read_v2(folder: Path, split: str, file: Path) -> Annotations:
    """Lists of {"id", "label", "template", "placeholders"}; classes in the order of labels.json, template -> "0".

    Clips are .webm files, or of other suffixes where they were converted, or folders of JPEG frames as in V1.
    """
    labels = v2_labels(there(v2_file(folder, "labels")))
    clips = parse_json(read_text(file))
    check(clips, list[Unlabelled] if split == "test" else list[Labelled])
    if split == "test":
        of_answers = there(answers(folder))
        texts = dict(rows_of(of_answers))
        if untold := [clip["id"] for clip in clips if clip["id"] not in texts]:
            raise NamedFault(
                f"{shown(of_answers)} tells no label of clip {shown(untold[0])}; allowed: one for each of {file.name}"
            )
        clips = [clip | {"template": texts[clip["id"]]} for clip in clips]
    listed = {name for path in v2_lists(folder).values() for name in ID.findall(read_text(path))}
    pairs = [(clip["id"], without_placeholders(clip["template"])) for clip in clips]
    rows, unused = with_files(folder, V2_VIDEOS, pairs, listed, ".webm")
    return Annotations.of_rows(V2, folder, split, labels, rows, unused=unused)


def v2_labels(file: Path) -> list[str]:
    """Templates without brackets by their numbers, "0" or 0. Raises NamedFault where they are not these."""
    with faults_of(file, NO_CLASSES):
        numbers = parse_json(read_text(file))
        check(numbers, dict[str, str | int])
        if wrong := [label for label, number in numbers.items() if not WHOLE.fullmatch(str(number))]:
            raise ValueError(f"has {shown(wrong[0])}: {shown(numbers[wrong[0]])}; allowed: whole numbers")
        by_number = sorted(numbers, key=lambda label: int(numbers[label]))
        if [int(numbers[label]) for label in by_number] != list(range(len(by_number))):
            raise ValueError(f"does not number its {len(by_number)} classes from 0 to {len(by_number) - 1}")
        require_labels(by_number)
    return by_number


def with_files(
    folder: Path, place: str, pairs: list[tuple[str, str]], listed: set[str], suffix: str
) -> tuple[list[Row], Unused]:
    """(id, label) -> (id, file, label), by what lies in the folder of the clips; and what is not used there.

    Args:
        listed: ids of all lists.
        suffix: of the clips where none is there ("" is a folder of frames). A missing clip has the suffix of most.

    Raises:
        NamedFault: there are several files of one id.
    """
    clips = contents(folder / place)
    files: dict[str, list[str]] = {name: [name] for name in clips.folders}
    suffixes = Counter({"": len(clips.folders)})
    for name in clips.videos:
        stem, _, kind = name.rpartition(".")
        files.setdefault(stem, []).append(name)
        suffixes[f".{kind}"] += 1
    require_single(folder, (name for name, _ in pairs), files, f"files in {place}")
    usual = suffixes.most_common(1)[0][0] if files else suffix
    rows = [(name, f"{place}/{files.get(name, [name + usual])[0]}", label) for name, label in pairs]
    unlisted = [name for stem, names in files.items() if stem not in listed for name in names]
    left = [*((WITHOUT_LABEL, name) for name in unlisted), *clips.others]
    return rows, Unused.of((why, f"{place}/{name}") for why, name in left)


def there(file: Path | None) -> Path:
    """A file without which the folder would not be of its layout."""
    if file is None:
        raise ValueError("a list that was there a moment ago is gone")
    return file


def without_placeholders(template: str) -> str:
    """ "Putting [something] on a surface" as labels.json has it, without the brackets."""
    return template.replace("[", "").replace("]", "")


def v1_lists(folder: Path) -> dict[str, Path]:
    """split -> its list; empty when the folder holds no Something-Something V1. The test list has no labels."""
    if v1_file(folder, "labels") is None:
        return {}
    files = {split: v1_file(folder, OFFICIAL[split]) for split in ("train", "val")}
    return {split: file for split, file in files.items() if file is not None}


def v1_file(folder: Path, name: str) -> Path | None:
    return found(folder, (f"something-something-v1-{name}.csv",))


def read_v1(folder: Path, split: str, file: Path) -> Annotations:
    """Rows id;label; classes in the order of the labels file, one a line. Clips are folders of JPEG frames, or videos."""
    of_classes = there(v1_file(folder, "labels"))
    labels = [label for row in read_text(of_classes).splitlines() if (label := row.strip())]
    with faults_of(of_classes, NO_CLASSES):
        require_labels(labels)
    listed = {name for path in v1_lists(folder).values() for name, _ in rows_of(path)}
    rows, unused = with_files(folder, V1_VIDEOS, rows_of(file), listed, "")
    return Annotations.of_rows(V1, folder, split, labels, rows, unused=unused)


def rows_of(file: Path) -> list[tuple[str, str]]:
    """(id, label) of a semicolon CSV without a header. Raises NamedFault where it is none."""
    rows = []
    for number, row in read_rows(file, ";"):
        if len(row) != 2:
            raise NamedFault(f"{shown(file)}: line {number} is {shown(';'.join(row))}; allowed: id;label")
        rows.append((row[0], without_placeholders(row[1])))
    return rows
