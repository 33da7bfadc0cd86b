"""What all commands do alike that ask something of a checkpoint over a list of clips and keep the answer."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from atr.data.clips import ClipDataset, open_clips
from atr.models import VideoClassifier
from atr.results.passes import SKIPPED, progress_of
from atr.results.processes import process_state
from atr.results.store import RESULT, checkpoint_facts, partial_folder, read_result, software
from atr.video.protocol import SINGLE_VIEW, Protocol

Arrays = dict[str, np.ndarray]  # a row a clip
Broken = dict[int, str]  # index of a clip that could not be read -> message


def clips_for(
    model: VideoClassifier,
    data: str,
    *,
    cache: Path,
    num_clips: int | None = None,
    protocol: Protocol = SINGLE_VIEW,
) -> ClipDataset:
    """`open_clips` with the sizes of a checkpoint's model; of several processes one renders."""
    with process_state().main_process_first():
        return open_clips(
            data,
            num_frames=model.config.num_frames,
            preprocessing=model.preprocessing,
            cache=cache,
            num_clips=num_clips,
            protocol=protocol,
        )


def require_same_labels(model: VideoClassifier, clips: ClipDataset, checkpoint: Path, data: str) -> None:
    """Raises ValueError where a checkpoint's classes are not the data's."""
    if len(model.labels) != len(clips.labels):
        raise ValueError(f"{checkpoint} knows {len(model.labels)} classes, {data} has {len(clips.labels)}")
    for index, (own, other) in enumerate(zip(model.labels, clips.labels, strict=True)):
        if own != other:
            raise ValueError(f"class {index} is {own!r} in {checkpoint} and {other!r} in {data}")


def asked_of_all(
    ask: Callable[..., tuple[Arrays, Broken]], clips: ClipDataset, folder: Path, phase: str, **options
) -> tuple[Arrays, Broken]:
    """What `ask` finds over all clips, on the way to the result `folder`, with a progress bar.

    ask, options: takes `partial`, `progress` and these options, all of `pass_over`.

    Raises:
        ValueError: no clip could be read.
    """
    partial = partial_folder(folder)
    with progress_of(partial, phase, len(clips), process_state()) as progress:
        found, broken = ask(partial=partial / phase, progress=progress, **options)
    if not len(found):
        raise ValueError(f"none of the {len(clips)} clips of {clips.description} could be read")
    return found, broken


def facts_of(
    kind: str, command: str, checkpoint: Path, data: str, clips: ClipDataset, broken: Broken
) -> dict:
    """What every result says of where it comes from."""
    return {
        "kind": kind,
        "command": command,
        "checkpoint": checkpoint_facts(checkpoint),
        "data": {"name": data, "description": clips.description, "digest": clips.digest},
        "skipped": [{"id": clips.ids[index], "message": broken[index]} for index in sorted(broken)],
        "software": software(),
    }


def named_rows(clips: ClipDataset, rows: Arrays) -> Arrays:
    """The rows with the "id" and the "target" of the clips they belong to."""
    ids, targets = ([values[index] for index in rows["index"]] for values in (clips.ids, clips.targets))
    return {**rows, "id": np.array(ids), "target": np.array(targets, np.int64)}


def answered(folder: Path, compute: Callable[[], None], show: Callable[[dict, Path], None]) -> int:
    """Compute a result that is not there yet, show it, name what could not be read; the exit code.

    compute: writes `folder` in the main process; every process takes part.
    """
    state = process_state()
    if folder.exists() and not (folder / RESULT).is_file():
        raise ValueError(f"{folder} is there, but has no {RESULT}: it is no result; remove it")
    if not folder.exists():
        compute()
    state.wait_for_everyone()
    if not state.is_main_process:
        return 0
    result = read_result(folder)
    show(result, folder)
    for clip in result["skipped"]:
        print(f"skipped {clip['id']}: {clip['message']}", file=sys.stderr)
    return SKIPPED if result["skipped"] else 0
