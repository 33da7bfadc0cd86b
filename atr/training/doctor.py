"""What is wrong with the clips of a list: every file decoded once, what was found kept for training."""

import hashlib
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import av
from tqdm import tqdm

from atr.data.annotations import Annotations
from atr.data.clips import ClipDataset, VideoClips
from atr.files import digest, sha256, stamp, write_json
from atr.schema import line, shown
from atr.video.decoding import iterate
from atr.video.frame_folder import missing_numbers, numbered_frames
from atr.video.limits import Limits
from atr.video.notices import Kind, collected
from atr.video.parallel import in_processes
from atr.video.track import Track
from atr.video.video_file import DECODABLE

FAULTS = ("outside", "missing", "unreadable", "too short", "frame count", "label", "duplicate")
MIN_FRAMES = 8
CHUNK = 16  # clips handed to a process at a time


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
class Examined:
    """One clip's file. length: frames that can be decoded; content: digest of the bytes, empty without a file."""

    index: int
    length: int
    content: str
    faults: tuple[Fault, ...]
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Health:
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
    def read(cls, file: Path) -> "Health":
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


def health_file(cache: Path, annotations: Annotations) -> Path:
    """Where the health of a list is kept, found again by what the list says, where it lies and what its files are now."""
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
    file = health_file(cache, clips.annotations)
    remarks: list[Remark] = []
    if file.is_file():
        health = Health.read(file)
        faults, clips.lengths, remarks = health.faults, health.lengths, health.remarks
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
            f"`python -m atr doctor {clips.annotations.root}` lists them, --leave-out-faulty trains on the others"
        )
    sound = clips.subset([k for k, place in enumerate(clips.positions) if place not in first_faults])
    if not len(sound):
        raise ValueError(f"{found}, none is left")
    sound.description += f", {len(faulty)} faulty ones left out"
    return sound


def missing_frames(clips: VideoClips, remarks: list[Remark]) -> tuple[str, ...]:
    """A note on those of the clips that can be used and lack frames; none where there are none."""
    lacking = {remark.index: remark.text for remark in remarks if remark.kind == "damage"}
    found = [place for place in clips.positions if place in lacking]
    if not found:
        return ()
    name, first = clips.annotations.name, clips.annotations.ids[found[0]]
    return (f"{len(found)} clips of {name} lack frames, the first is {first}: {lacking[found[0]]}",)


def check(
    lists: list[Annotations], *, min_frames: int, workers: int, cache: Path, progress: bool = True
) -> list[Health]:
    """Decode every clip of some lists of one data set, and keep what was found in `cache`.

    Args:
        lists: of two clips with the same content the one in the later list, or later in its list, is at fault.
        min_frames: a clip of fewer frames is too short.
        workers: processes that decode.
    """
    files = [health_file(cache, annotations) for annotations in lists]
    partials = [file.with_name(f".{file.stem}-{min_frames}.jsonl") for file in files]
    examined = [
        examine_all(annotations, min_frames=min_frames, workers=workers, partial=partial, progress=progress)
        for annotations, partial in zip(lists, partials, strict=True)
    ]
    healths = []
    for annotations, clips, doubles in zip(lists, examined, duplicates(lists, examined), strict=True):
        faults = [*listing_faults(annotations), *(fault for clip in clips for fault in clip.faults), *doubles]
        faults.sort(key=lambda fault: fault.index)
        lengths = [clip.length for clip in clips]
        remarks = [remark for clip in clips for remark in clip.remarks]
        healths.append(Health(annotations.digest, min_frames, lengths, faults, remarks))
    for health, file, partial in zip(healths, files, partials, strict=True):
        health.write(file)
        partial.unlink()
    return healths


def examine_all(
    annotations: Annotations, *, min_frames: int, workers: int, partial: Path, progress: bool = True
) -> list[Examined]:
    """Every clip's file, in the order of the list.

    Args:
        workers: processes that decode.
        partial: file of what was examined so far, a line a clip; a check that was stopped goes on after it.
    """
    examined = {clip.index: clip for clip in whole_lines(partial)}
    examined |= {index: Examined(index, 0, "", ()) for index in annotations.outside}
    jobs = [
        (
            index,
            annotations.root / file,
            annotations.lengths[index] if annotations.lengths else None,
            min_frames,
        )
        for index, file in enumerate(annotations.files)
        if index not in examined
    ]
    partial.parent.mkdir(parents=True, exist_ok=True)
    bar = tqdm(
        desc=annotations.name,
        total=len(annotations),
        initial=len(examined),
        unit="clip",
        disable=not progress,
    )
    with partial.open("a") as lines, bar:
        for clip in in_processes(examine, jobs, workers, CHUNK):
            examined[clip.index] = clip
            lines.write(json.dumps(asdict(clip)) + "\n")
            bar.update()
    return [examined[index] for index in range(len(annotations))]


def whole_lines(file: Path) -> list[Examined]:
    """What an earlier check wrote; a last line that was cut short is taken off the file."""
    if not file.is_file():
        return []
    content = file.read_bytes()
    os.truncate(file, content.rfind(b"\n") + 1)
    lines = [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]
    return [
        Examined(**line | {name: tuple(found) for name, found in found_in(line).items()}) for line in lines
    ]


def examine(job: tuple[int, Path, int | None, int]) -> Examined:
    """job: (index, path, frames stated by the list or None, fewest frames allowed)."""
    index, path, listed, min_frames = job
    try:
        fault = file_fault(index, path)
        if fault is not None:
            return Examined(index, 0, "", (fault,))
        with collected() as notices:
            length = sum(1 for _ in iterate(path))
        # An edit list or another track may state more than is to be shown; the decoder then misses nothing.
        missed = any(notice.kind == "damage" for notice in notices)
        stated, content = stated_length(path) if missed else None, content_of(path)
    except (ValueError, OSError) as error:  # VideoError, and what PyAV raises, are among them
        return Examined(index, 0, "", (Fault(index, "unreadable", str(error)),))
    faults = []
    if length < min_frames:
        faults.append(Fault(index, "too short", f"{length} frames, fewer than {min_frames}"))
    decodable = f"{length} frames can be decoded"
    if listed is not None and length != listed:
        faults.append(Fault(index, "frame count", f"{decodable}, the list states {listed}"))
    if stated is not None and length < DECODABLE * stated:
        faults.append(Fault(index, "frame count", f"{decodable}, the file states {stated}"))
    remarks = tuple(Remark(index, notice.kind, str(notice)) for notice in notices)
    return Examined(index, length, content, tuple(faults), remarks)


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


def stated_length(path: Path) -> int | None:
    """Frames that a container says it holds, or its duration times its rate; None where it says neither."""
    if path.is_dir():
        return None
    track = Track(path, Limits.of_environment())
    try:
        stream, duration = track.stream, track.container.duration
        if stream.frames > 0:
            return stream.frames
        if duration is None or stream.average_rate is None:
            return None
        return round(duration / av.time_base * stream.average_rate)
    finally:
        track.close()


def content_of(path: Path) -> str:
    """SHA-256 of a file, or of the frames of a folder in their order."""
    if path.is_file():
        return sha256(path)
    content = hashlib.sha256()
    for _, frame in sorted(numbered_frames(path).items()):
        content.update(frame.read_bytes())
    return content.hexdigest()


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


def duplicates(lists: list[Annotations], examined: list[list[Examined]]) -> list[list[Fault]]:
    """Per list, the clips whose file holds what the file of an earlier clip holds."""
    first: dict[str, tuple[str, str, str]] = {}
    faults: list[list[Fault]] = [[] for _ in lists]
    for annotations, clips, own_faults in zip(lists, examined, faults, strict=True):
        for clip in clips:
            own = (annotations.split, annotations.ids[clip.index], annotations.files[clip.index])
            split, name, file = first.setdefault(clip.content, own) if clip.content else own
            if (split, file) != (own[0], own[2]):
                own_faults.append(Fault(clip.index, "duplicate", f"has the content of {name} of {split}"))
    return faults
