"""What is known to be wrong with the clips of a list, and what a training makes of it."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from atr.data.annotations import Annotations, doctor_command
from atr.data.clips import ClipDataset
from atr.data.videos import VideoClips
from atr.files import digest, stamp, write_json
from atr.schema import counted, line, shown
from atr.video.frame_folder import missing_numbers
from atr.video.notices import Kind

FAULTS = ("outside", "missing", "unreadable", "too short", "frame count", "label", "duplicate")


@dataclass(frozen=True)
class Fault:
    """index: of the clip in its list; kind: one of FAULTS."""

    index: int
    kind: str
    detail: str


@dataclass(frozen=True)
class Remark:
    """A notice on the video of a clip that can be used. index: of the clip in its list; kind: of the notice."""

    index: int
    kind: Kind
    text: str


@dataclass(frozen=True)
class Findings:
    """What was found in one list. lengths: frames per clip, 0 where none can be decoded."""

    digest: str
    min_frames: int
    lengths: list[int]
    faults: list[Fault]
    remarks: list[Remark] = field(default_factory=list)

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(self))

    @classmethod
    def read(cls, file: Path) -> "Findings":
        try:
            values = json.loads(file.read_text())
            return cls(**values | found_in(values))
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(
                line(f"{shown(file)} cannot be read as what the doctor found: {error}; remove it")
            ) from error


def found_in(values: dict) -> dict:
    """The faults and remarks that JSON holds; an older file has no remarks."""
    return {
        "faults": [Fault(**fault) for fault in values["faults"]],
        "remarks": [Remark(**remark) for remark in values.get("remarks", ())],
    }


def findings_file(cache: Path, annotations: Annotations) -> Path:
    """Where the findings of a list are kept, found again by what the list says, where it lies and what its files are now."""
    files = [stamp(annotations.root / file) for file in annotations.files]
    place = [str(annotations.root.resolve()), annotations.split, annotations.digest, digest(files)]
    # Clips outside the folder were not looked at, unless they were to be followed.
    identity = digest([*place, sorted(annotations.outside)] if annotations.outside else place)
    return cache / f"health-{identity[:16]}.json"


def checked(clips: ClipDataset, leave_out: bool, *, cache: Path = Path("cache")) -> ClipDataset:
    """The clips, when none of them is known to be faulty, or those that are not; for training.

    What `python -m atr doctor` found is used, also for how many frames a clip has. Where it has not looked at this list,
    only what costs no decoding is checked: missing and empty files, gaps in folders of frames, and what the list itself
    says. Rendered clips have no files.

    Args:
        leave_out: leave faulty clips out; the description then says how many.
        cache: folder in which the doctor keeps what it found.

    Raises:
        ValueError: there are faulty clips and `leave_out` is False, or nothing is left.
    """
    if not isinstance(clips, VideoClips):
        return clips
    file = findings_file(cache, clips.annotations)
    remarks: list[Remark] = []
    if file.is_file():
        findings = Findings.read(file)
        faults, clips.lengths, remarks = findings.faults, findings.lengths, findings.remarks
    else:
        faults = file_faults(clips.annotations)
    faults = [*listing_faults(clips.annotations), *faults]
    first_faults = {fault.index: fault for fault in reversed(faults)}
    faulty = [first_faults[place] for place in clips.positions if place in first_faults]
    clips.notes += missing_frames(clips, [remark for remark in remarks if remark.index not in first_faults])
    if not faulty:
        return clips
    counts = ", ".join(f"{count} {kind}" for kind, count in Counter(fault.kind for fault in faulty).items())
    found = f"{len(faulty)} of the {len(clips)} clips of {clips.annotations.name} have faults ({counts})"
    if not leave_out:
        first = faulty[0]
        raise ValueError(
            f"{found}, the first is {clips.annotations.ids[first.index]}: {first.detail}; "
            f"{doctor_command(clips.annotations.root)} lists them, --leave-out-faulty trains on the others"
        )
    sound = clips.subset([k for k, place in enumerate(clips.positions) if place not in first_faults])
    if not len(sound):
        raise ValueError(f"{found}, none is left")
    sound.description += f", {counted(len(faulty), 'faulty one')} left out"
    return sound


def missing_frames(clips: VideoClips, remarks: list[Remark]) -> tuple[str, ...]:
    """A note on those of the clips that can be used and lack frames; none where there are none."""
    lacking = {remark.index: remark.text for remark in remarks if remark.kind == "damage"}
    found = [place for place in clips.positions if place in lacking]
    if not found:
        return ()
    name, first = clips.annotations.name, clips.annotations.ids[found[0]]
    lack = counted(len(found), f"clip of {name} lacks", f"clips of {name} lack")
    return (f"{lack} frames, the first is {first}: {lacking[found[0]]}",)


def file_fault(index: int, path: Path) -> Fault | None:
    """What is wrong with a clip's file, or its folder of frames, before anything is decoded."""
    if not path.exists():
        return Fault(index, "missing", f"{path}: no such file")
    if not (any(path.iterdir()) if path.is_dir() else path.stat().st_size):
        return Fault(index, "unreadable", f"{path}: is empty")
    if path.is_file():
        return None
    missing = missing_numbers(path)
    return Fault(index, "frame count", f"{path}: frame {missing[0]} is missing") if missing else None


def file_faults(annotations: Annotations) -> list[Fault]:
    inside = (place for place in enumerate(annotations.files) if place[0] not in annotations.outside)
    faults = (file_fault(index, annotations.root / file) for index, file in inside)
    return [fault for fault in faults if fault is not None]


def listing_faults(annotations: Annotations) -> list[Fault]:
    """What a list gives away by itself: clips outside the data set, labels that are no class's or not their folder's,
    clips and ids listed twice."""
    faults = [
        Fault(index, "outside", f"lies outside the data set, at {place}; --follow-outside reads it")
        for index, place in annotations.outside.items()
    ]
    faults += [
        Fault(index, "label", f"{label!r} is not in the list of labels")
        for index, label in annotations.unlisted.items()
    ]
    names = [label.replace("_", " ") for label in annotations.labels]  # as folders may be named
    known, first, first_ids = set(names), {}, {}
    listed = zip(annotations.ids, annotations.files, annotations.targets, strict=True)
    for index, (name, file, target) in enumerate(listed):
        folder = os.path.basename(os.path.dirname(file)).replace("_", " ")
        if target >= 0 and folder in known and folder != names[target]:
            detail = f"listed as {annotations.labels[target]!r}, lies in the folder {folder!r}"
            faults.append(Fault(index, "label", detail))
        if file in first:
            faults.append(Fault(index, "duplicate", f"{file} is also clip {first[file]} of the list"))
        elif name in first_ids:
            faults.append(
                Fault(index, "duplicate", f"{name} is also the id of clip {first_ids[name]} of the list")
            )
        first.setdefault(file, index)
        first_ids.setdefault(name, index)
    return faults
