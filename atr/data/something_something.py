"""Something-Something V2 and V1 (Goyal et al. 2017), as 20BN and Qualcomm publish them."""

import csv
import json
from pathlib import Path

from atr.data.annotations import SPLITS, Annotations, found

OFFICIAL = {"train": "train", "val": "validation", "test": "test"}
V2, V2_VIDEOS = "Something-Something V2", "20bn-something-something-v2"
V1, V1_VIDEOS = "Something-Something V1", "20bn-something-something-v1"


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

    Clips are .webm files, or, where the first one is a folder, all of them folders of JPEG frames as in V1.
    """
    numbers = json.loads(there(v2_file(folder, "labels")).read_text())
    labels = sorted(numbers, key=lambda label: int(numbers[label]))
    if sorted(int(number) for number in numbers.values()) != list(range(len(labels))):
        raise ValueError(f"the classes of {len(labels)} labels are not numbered from 0 to {len(labels) - 1}")
    clips = json.loads(file.read_text())
    if split == "test":
        texts = dict(rows_of(there(answers(folder))))
        clips = [clip | {"template": texts[clip["id"]]} for clip in clips]
    taken_apart = bool(clips) and (folder / V2_VIDEOS / clips[0]["id"]).is_dir()
    suffix = "" if taken_apart else ".webm"
    rows = (
        (clip["id"], f"{V2_VIDEOS}/{clip['id']}{suffix}", without_placeholders(clip["template"]))
        for clip in clips
    )
    return Annotations.of_rows(V2, folder, split, labels, rows)


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
    """Rows id;label; classes in the order of the labels file, one a line. Clips are folders of JPEG frames."""
    labels = [
        line.strip() for line in there(v1_file(folder, "labels")).read_text().splitlines() if line.strip()
    ]
    rows = ((name, f"{V1_VIDEOS}/{name}", label) for name, label in rows_of(file))
    return Annotations.of_rows(V1, folder, split, labels, rows)


def rows_of(file: Path) -> list[tuple[str, str]]:
    """(id, label) of a semicolon CSV without a header."""
    with file.open(newline="") as lines:
        return [(name, without_placeholders(label)) for name, label in csv.reader(lines, delimiter=";")]
