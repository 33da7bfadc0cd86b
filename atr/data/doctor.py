"""Every file of a list decoded once: what is wrong with its clips, kept for training."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import av
from tqdm import tqdm

from atr.data.annotations import Annotations
from atr.data.faults import Fault, Findings, Remark, file_fault, findings_file, found_in, listing_faults
from atr.files import sha256
from atr.video.decoding import open_video
from atr.video.frame_folder import numbered_frames
from atr.video.limits import Limits
from atr.video.notices import collected
from atr.video.parallel import in_processes
from atr.video.track import Track
from atr.video.video_file import DECODABLE

MIN_FRAMES = 8
CHUNK = 16  # clips handed to a process at a time


@dataclass(frozen=True)
class Examined:
    """One clip's file. length: frames that can be decoded; content: digest of the bytes, empty without a file."""

    index: int
    length: int
    content: str
    faults: tuple[Fault, ...]
    remarks: tuple[Remark, ...] = ()


def check(
    lists: list[Annotations], *, min_frames: int, workers: int, cache: Path, progress: bool = True
) -> list[Findings]:
    """Decode every clip of some lists of one data set, and keep what was found in `cache`.

    Args:
        lists: of two clips with the same content the one in the later list, or later in its list, is at fault.
        min_frames: a clip of fewer frames is too short.
        workers: processes that decode.
    """
    files = [findings_file(cache, annotations) for annotations in lists]
    partials = [file.with_name(f".{file.stem}-{min_frames}.jsonl") for file in files]
    examined = [
        examine_all(annotations, min_frames=min_frames, workers=workers, partial=partial, progress=progress)
        for annotations, partial in zip(lists, partials, strict=True)
    ]
    all_findings = []
    for annotations, clips, doubles in zip(lists, examined, duplicates(lists, examined), strict=True):
        faults = [*listing_faults(annotations), *(fault for clip in clips for fault in clip.faults), *doubles]
        faults.sort(key=lambda fault: fault.index)
        lengths = [clip.length for clip in clips]
        remarks = [remark for clip in clips for remark in clip.remarks]
        all_findings.append(Findings(annotations.digest, min_frames, lengths, faults, remarks))
    for findings, file, partial in zip(all_findings, files, partials, strict=True):
        findings.write(file)
        partial.unlink(missing_ok=True)  # another check of the same list may have ended before
    return all_findings


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
    """What earlier checks wrote; a last line that was cut short is taken off the file.

    Another that is no whole one, as where two checks wrote at once, is passed over: its clip is examined again.
    """
    if not file.is_file():
        return []
    content = file.read_bytes()
    os.truncate(file, content.rfind(b"\n") + 1)
    examined = []
    for text in content.splitlines(keepends=True):
        try:
            line = json.loads(text) if text.endswith(b"\n") else {}
            examined.append(Examined(**line | {name: tuple(of) for name, of in found_in(line).items()}))
        except (ValueError, TypeError, KeyError):
            continue
    return examined


def examine(job: tuple[int, Path, int | None, int]) -> Examined:
    """job: (index, path, frames stated by the list or None, fewest frames allowed)."""
    index, path, listed, min_frames = job
    try:
        fault = file_fault(index, path)
        if fault is not None:
            return Examined(index, 0, "", (fault,))
        with collected() as notices, open_video(path) as video:
            length = sum(1 for _ in video.iterate())
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
