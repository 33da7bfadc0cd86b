"""A question asked of a checkpoint over a list of clips: the options they share, one run from weights to a result folder."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from msgspec import Struct

from atr.checkpoint import load_checkpoint
from atr.data.clips import ClipDataset
from atr.data.labels import label_mapping
from atr.data.names import data_name
from atr.data.opening import open_clips
from atr.inference import Inference, for_inference
from atr.models import VideoClassifier
from atr.options import MOST_WORKERS, require_between
from atr.results.notices import notice_facts, tell_notices
from atr.results.passes import SKIPPED, Gathered, progress_of
from atr.results.processes import found_once, process_state, whole_float32
from atr.results.store import (
    RESULT,
    Result,
    checkpoint_facts,
    complete,
    partial_folder,
    place_of_answer,
    read_result,
    sampling_facts,
    software,
    working_on,
)
from atr.schema import counted, printable, require_unicode
from atr.video.decoding import Notice
from atr.video.protocol import SINGLE_VIEW, Protocol

Arrays = dict[str, np.ndarray]  # a row a clip
Broken = dict[int, str]  # index of a clip that could not be read -> message
Noticed = dict[int, tuple[Notice, ...]]  # index of a clip -> the notices of its video
# --num-videos was the name in one command; the help puts the alias first.
NumClips = Annotated[int | None, tyro.conf.arg(name="num-videos", aliases=["--num-clips"])]

InferenceOption = Annotated[
    Inference,
    tyro.conf.arg(
        help="float32: the network optimised, equal to 1e-5; bf16: faster, and less exact; plain: the network as it was "
        "trained"
    ),
]


@dataclass(frozen=True)
class Options:
    """Which checkpoint, over which clips, and where the result goes."""

    checkpoint: Path
    """a checkpoint folder"""
    data: str = "tabletop:val"
    """tabletop:val, rendered here, or the folder of a data set and a split, FOLDER:val"""
    num_clips: NumClips = None
    """use only the first clips, 1 or more; default: all (2,000 of the rendered set)"""
    out: Path = Path("results")
    """folder for result folders, which are named by checkpoint, data and settings"""
    strict: bool = False
    """stop at the first video that cannot be read"""
    workers: int = 0
    """decoding processes for each computing process, 0 to 256"""
    cache: Path = Path("cache")
    """folder for rendered clips"""
    follow_outside: bool = False
    """read clips that lie outside the data set's folder, by their path in a list or by a link"""
    allow_damaged: bool = False
    """use videos that cannot be decoded whole; the nearest frames stand in for those missing, and the result says so"""
    inference: InferenceOption = "float32"


SharedOptions = Annotated[
    Options, tyro.conf.arg(name="")
]  # of a command: without a prefix, in its own box of --help


def any_clips(model: VideoClassifier, options: Options, protocol: Protocol = SINGLE_VIEW) -> ClipDataset:
    """The clips of `--data` in the sizes of the model, whatever their classes."""

    def opened() -> ClipDataset:
        clips = open_clips(
            options.data,
            num_frames=model.config.num_frames,
            preprocessing=model.preprocessing,
            cache=options.cache,
            num_clips=options.num_clips,
            protocol=protocol,
            follow_outside=options.follow_outside,
            sampling=model.sampling,
            allow_damaged=options.allow_damaged,
        )
        require_unicode(clips.ids)
        clips.digest  # noqa: B018  # asked for here: it asks every file what it is
        return clips

    state, (folder, _) = process_state(), data_name(options.data)
    if folder is not None:
        return found_once(state, opened)
    with state.main_process_first():  # which renders; the clips lie in a file that each opens
        return opened()


def clips_of_its_classes(
    model: VideoClassifier, options: Options, protocol: Protocol = SINGLE_VIEW
) -> ClipDataset:
    """As `any_clips`; the classes of the model are put into the order of the data's, by their texts.

    Raises:
        ValueError: the checkpoint's classes are not the data's.
    """
    clips = any_clips(model, options, protocol)
    number_classes_alike(model, clips, options)
    return clips


def number_classes_alike(model: VideoClassifier, clips: ClipDataset, options: Options) -> None:
    """Put the classes of the model into the order of the data's, by their texts; a note of the clips says so.

    Raises:
        ValueError: the checkpoint's classes are not the data's.
    """
    checkpoint, data = options.checkpoint, options.data
    if model.labels == clips.labels:
        return
    if len(model.labels) != len(clips.labels):
        raise ValueError(f"{checkpoint} knows {len(model.labels)} classes, {data} has {len(clips.labels)}")
    try:
        model.reorder_classes(label_mapping(model.labels, clips.labels))
    except ValueError as error:
        raise ValueError(f"{checkpoint} does not fit {data}: {error}") from error
    note = f"{checkpoint} lists its {len(model.labels)} classes in another order than {data}: mapped by their texts"
    clips.notes = (*clips.notes, note)


@dataclass(frozen=True)
class Question:
    """What one command asks of a model over all clips.

    Attributes:
        kind: of the result; its folder's name begins with it.
        folder: (root of the results, checkpoint, digest of the clips) -> the folder of the result.
        passes: name of the pass -> (clips, **options of `pass_over`) -> what it finds, and the clips it cannot read.
        write: (folder, facts, clips, *what the passes found) fills the folder: its `result.json` begins with the facts.
        show: (result, folder) prints the result.
        open: (model, options) -> the clips.
        result: what a reader may rely on, of `atr.results.store.Result`.
    """

    kind: str
    folder: Callable[[Path, Path, str], Path]
    passes: dict[str, Callable[..., tuple[Arrays | Gathered, Broken]]]
    write: Callable[..., None]
    show: Callable[[dict, Path], None]
    open: Callable[[VideoClassifier, Options], ClipDataset] = clips_of_its_classes
    result: type[Struct] = Result


def answer(options: Options, question_for: Callable[[VideoClassifier], Question], command: str) -> int:
    """Compute a result that is not there yet, show it, name what could not be read or lacks frames; the exit code.

    Every process takes part; the main one writes and prints. A run that was interrupted is resumed.

    Args:
        question_for: what to ask of the loaded model; raises ValueError where it cannot be asked.
        command: as it was typed.

    Raises:
        ValueError: the checkpoint, the data or the question do not fit, or no clip could be read.
    """
    require_between("workers", options.workers, 0, MOST_WORKERS)
    state, checkpoint = process_state(), checkpoint_facts(options.checkpoint)
    model = for_inference(load_checkpoint(options.checkpoint), options.inference)
    labels = list(model.labels)
    question = question_for(model)
    clips = question.open(model, options)
    if state.is_main_process:
        for note in (*model.sampling.notes, *clips.notes):
            print(note, file=sys.stderr)
    folder = question.folder(options.out, options.checkpoint, clips.digest)
    folder = place_of_answer(folder, labels, clips.labels, in_bf16=options.inference == "bf16")
    # All processes go by what the main one sees: others may see a folder later than it.
    if not found_once(state, lambda: is_stored(folder)):
        with working_on(folder) if state.is_main_process else nullcontext(), whole_float32():
            if not found_once(state, lambda: is_stored(folder)):  # nobody has been quicker
                found, broken, notices = found_by(question, clips, folder, options)
                if state.is_main_process:
                    facts = facts_of(
                        question.kind, command, options, checkpoint, model, clips, broken, notices
                    )
                    complete(folder, lambda unfinished: question.write(unfinished, facts, clips, *found))
    state.wait_for_everyone()
    if not state.is_main_process:
        return 0
    result = read_result(folder, question.result)
    if options.strict and result["skipped"]:
        first, left_out = result["skipped"][0], len(result["skipped"])
        raise ValueError(
            f"{folder} is a result without the {counted(left_out, 'clip')} that could not be read, of which strict allows none; the "
            f"first is {first['id']}: {first['message']}"
        )
    question.show(result, folder)
    print(f"written to {folder}")
    for clip in result["skipped"]:
        print(printable(f"skipped {clip['id']}: {clip['message']}"), file=sys.stderr)
    lacking = tell_notices(result)
    alone = state.num_processes == 1  # torchrun takes every other code than 0 for a failure
    return SKIPPED if alone and (result["skipped"] or lacking) else 0


def is_stored(folder: Path) -> bool:
    """Whether a result is there. Raises ValueError where the folder is none."""
    if folder.exists() and not (folder / RESULT).is_file():
        raise ValueError(f"{folder} is there, but has no {RESULT}: it is no result; remove it")
    return folder.exists()


def found_by(
    question: Question, clips: ClipDataset, folder: Path, options: Options
) -> tuple[list[Arrays | Gathered], Broken, Noticed]:
    """What each pass of a question finds, on the way to the result `folder`, with a progress bar.

    Raises:
        ValueError: no clip could be read.
    """
    unfinished, found, broken, notices = partial_folder(folder), [], {}, {}
    for name, ask in question.passes.items():
        with progress_of(unfinished, name, len(clips), process_state()) as progress:
            rows, faults = ask(
                clips,
                partial=unfinished / name,
                progress=progress,
                strict=options.strict,
                num_workers=options.workers,
                notices=notices,
            )
        if not len(rows):
            first = min(faults)
            raise ValueError(
                f"none of the {len(clips)} clips of {clips.description} could be read; the first, {clips.ids[first]}: "
                f"{faults[first]}"
            )
        found.append(rows)
        broken |= faults
    return found, broken, notices


def facts_of(
    kind: str,
    command: str,
    options: Options,
    checkpoint: dict,
    model: VideoClassifier,
    clips: ClipDataset,
    broken: Broken,
    notices: Noticed,
) -> dict:
    """What every result says of where it comes from. checkpoint: its facts when it was loaded."""
    data: dict = {"name": options.data, "description": clips.description, "digest": clips.digest}
    if clips.notes:
        data["notes"] = list(clips.notes)
    return {
        "kind": kind,
        "command": command,
        "checkpoint": checkpoint,
        "data": data,
        **sampling_facts(model.sampling),
        "inference": options.inference,
        "notes": list(model.sampling.notes),
        "skipped": [{"id": clips.ids[index], "message": broken[index]} for index in sorted(broken)],
        **notice_facts({clips.ids[index]: notices[index] for index in sorted(notices)}),
        "software": software(process_state().device),
    }


def named_rows(clips: ClipDataset, rows: Arrays) -> Arrays:
    """The rows with the "id" and the "target" of the clips they belong to."""
    ids, targets = ([values[index] for index in rows["index"]] for values in (clips.ids, clips.targets))
    return {**rows, "id": np.array(ids), "target": np.array(targets, np.int64)}
