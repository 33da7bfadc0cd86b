"""What a command's `--data` names: the rendered demo set, or a folder with a data set; and a split of it."""

from pathlib import Path
from typing import NamedTuple

from atr.data.annotations import LISTED_SPLITS

TABLETOP = "tabletop"


class DataName(NamedTuple):
    """folder: None for the demo set. split: None where the name tells none."""

    folder: Path | None
    split: str | None


def data_name(name: str) -> DataName:
    """ "tabletop", "tabletop:val", "FOLDER" or "FOLDER:val" in its parts; a folder's own colons stay its own.

    Raises:
        ValueError: there is no such folder.
    """
    place, colon, split = name.rpartition(":")
    if name == TABLETOP or (place == TABLETOP and split):
        return DataName(None, split if colon else None)
    if split in LISTED_SPLITS and Path(place).is_dir():
        return DataName(Path(place), split)
    if Path(name).is_dir():
        return DataName(Path(name), None)
    splits = ", ".join(f":{split}" for split in LISTED_SPLITS)
    raise ValueError(
        f"data={name!r} is unknown; allowed: {TABLETOP}:val, {TABLETOP}:dev, {TABLETOP}:train, {TABLETOP}:alone, a folder "
        f"with a data set, or such a folder and one of {splits}"
    )
