"""python -m atr doctor: every clip of a data set checked once, before training."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro

from atr.data.annotations import Annotations
from atr.data.doctor import MIN_FRAMES, check
from atr.data.faults import FAULTS, Fault, Findings
from atr.data.names import data_name
from atr.data.reading import read_annotations, splits_of
from atr.files import filled_folder, folder_to_write, require_own_files
from atr.options import MOST_WORKERS, require_between
from atr.results.notices import notice_facts, tell_notices
from atr.results.passes import SKIPPED
from atr.schema import require_unicode
from atr.video.decoding import Notice
from atr.video.limits import Limits

FILES = ("faults.csv", "notices.csv", "table.csv")


@dataclass(frozen=True)
class Doctor:
    """Decode every clip of a data set once: missing, unreadable, too short, wrong frame counts and labels, duplicates.
    What else lies in the folder and is not used is counted.

    Writes faults.csv (a row a fault), notices.csv (what else is to be known of a clip that can be used) and table.csv
    (clips and faults by split), and keeps what it found for training. It can be interrupted and resumed. Exit code 3: there
    are faults, or clips that lack frames.
    """

    data: Annotated[str, tyro.conf.Positional]
    """a folder with a data set, all splits; or such a folder and :train, :val or :test"""
    workers: int = 2
    """processes that decode, 1 to 256"""
    out: Path | None = None
    """folder to write to; results/doctor-NAME by default"""
    min_frames: int = MIN_FRAMES
    """a clip of fewer frames is too short; 1 to 500,000"""
    cache: Path = Path("cache")
    """folder in which training looks for what was found"""
    follow_outside: bool = False
    """read clips that lie outside the folder, by their path in a list or by a link"""

    def run(self, command: str) -> int:
        require_between("workers", self.workers, 1, MOST_WORKERS)
        require_between("min_frames", self.min_frames, 1, Limits.frames)
        lists = self.lists()
        for annotations in lists:
            require_unicode(annotations.ids)
        for note in dict.fromkeys(note for annotations in lists for note in annotations.notes):
            print(note, file=sys.stderr)
        out = self.out or Path("results") / f"doctor-{lists[0].root.resolve().name}"
        require_own_files(out, FILES)
        folder_to_write(out)
        all_findings = check(lists, min_frames=self.min_frames, workers=self.workers, cache=self.cache)
        faults = [
            row(annotations, fault)
            for annotations, findings in zip(lists, all_findings, strict=True)
            for fault in findings.faults
        ]
        told: dict[str, list[Notice]] = {}
        remarks = []
        for annotations, findings in zip(lists, all_findings, strict=True):
            for remark in findings.remarks:
                name, split = annotations.ids[remark.index], annotations.split
                remarks.append((name, split, remark.kind, remark.text))
                told.setdefault(f"{name} ({split})", []).append(Notice(remark.text, remark.kind))
        table = table_of(lists, all_findings)
        with filled_folder(out) as unfinished:
            columns = ["id", "split", "path", "fault", "detail"]
            pd.DataFrame(faults, columns=columns).to_csv(unfinished / "faults.csv", index=False)
            columns = ["id", "split", "kind", "notice"]
            pd.DataFrame(remarks, columns=columns).to_csv(unfinished / "notices.csv", index=False)
            table.to_csv(unfinished / "table.csv")
        print(table.to_string(), f"written to {out}", sep="\n")
        lacking = tell_notices(notice_facts(told))
        return SKIPPED if faults or lacking else 0

    def lists(self) -> list[Annotations]:
        folder, split = data_name(self.data)
        if folder is None:
            raise ValueError(f"{self.data} is rendered and has no files to check")
        # Training last: of two clips with the same content the one in training is at fault.
        splits = [split] if split else sorted(splits_of(folder), key=lambda split: split == "train")
        return [read_annotations(folder, each, follow_outside=self.follow_outside) for each in splits]


def row(annotations: Annotations, fault: Fault) -> tuple[str, str, str, str, str]:
    index = fault.index
    return annotations.ids[index], annotations.split, annotations.files[index], fault.kind, fault.detail


def table_of(lists: list[Annotations], all_findings: list[Findings]) -> pd.DataFrame:
    """A row a split: clips, clips without a fault, faults of each kind."""
    rows = {}
    for annotations, findings in zip(lists, all_findings, strict=True):
        faulty = {fault.index for fault in findings.faults}
        kinds = [fault.kind for fault in findings.faults]
        rows[annotations.split] = {"clips": len(annotations), "sound": len(annotations) - len(faulty)} | {
            kind: kinds.count(kind) for kind in FAULTS
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("split")
