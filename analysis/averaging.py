"""The relation average over a data set: sharded over processes, resumable, with broken videos named."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from torch.utils.data import DataLoader, Subset

from analysis.recording import record
from analysis.relations import RelationAverage
from analysis.store import read_arrays, write_arrays
from atr.data import ClipDataset
from atr.models import VideoClassifier
from atr.transforms import normalised, to_unit
from atr.video import VideoError

BATCH = 8  # fixed, the last one filled up: a video's W must not depend on who is in its batch


class Tolerant(torch.utils.data.Dataset):
    """The same clips; one that cannot be read comes as its error instead of raising."""

    def __init__(self, clips: ClipDataset):
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int):
        try:
            return self.clips[index]
        except VideoError as error:
            return str(error), -1, index


def average_relations(
    model: VideoClassifier,
    clips: ClipDataset,
    *,
    partial: Path,
    strict: bool = False,
    num_workers: int = 0,
    save_every: float = 10.0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[RelationAverage, dict[int, str]]:
    """W averaged over all clips, and {index: message} of those that could not be read.

    Every process takes its share of what is not yet in `partial`, saves its sums there every `save_every` seconds
    in one atomic step, and merges everybody's at the end, so a run killed at any time goes on where it was, with
    any number of processes, and no video counts twice. Memory stays flat but for 12 (T - 2) bytes a block a video.

    Args:
        partial: folder of the partial sums of exactly these clips and this model.
        progress: called with (videos done, videos in all); what other processes have done is estimated.

    Raises:
        VideoError: `strict`, and a clip cannot be read.
    """
    state = process_state()
    partial.mkdir(parents=True, exist_ok=True)
    done = merged(partial)
    state.wait_for_everyone()  # nobody writes before all have read
    before = len(done[0]) + len(done[1])
    rest = sorted(set(range(len(clips))) - set(done[0].videos) - set(done[1]))
    mine = rest[state.process_index :: state.num_processes]
    average, broken = RelationAverage(), {}
    file = partial / f"{time.time_ns()}-{os.getpid()}-{state.process_index}.npz"
    model = model.to(state.device).eval()
    loader = DataLoader(Subset(Tolerant(clips), mine), BATCH, collate_fn=list, num_workers=num_workers)
    saved = time.monotonic()
    for items in loader:
        readable = [item for item in items if torch.is_tensor(item[0])]
        for message, _, index in (item for item in items if not torch.is_tensor(item[0])):
            if strict:
                raise VideoError(message)
            broken[index] = message
        if readable:
            frames = torch.stack([item[0] for item in readable + readable[:1] * (BATCH - len(readable))])
            with torch.inference_mode(), record(model) as recording:
                model(normalised(to_unit(frames.to(state.device)), model.preprocessing))
            relations = {b: [w[: len(readable)] for w in ws] for b, ws in recording.relations.items()}
            average.update(relations, [item[1] for item in readable], [item[2] for item in readable])
        if progress is not None:
            counted = (len(average) + len(broken)) * state.num_processes  # the others are about as far
            progress(min(before + counted, len(clips)), len(clips))
        if time.monotonic() - saved > save_every:
            save_part(file, average, broken)
            saved = time.monotonic()
    if mine:
        save_part(file, average, broken)
    state.wait_for_everyone()
    result = merged(partial)
    state.wait_for_everyone()  # nobody removes the parts before all have read them
    return result


def process_state() -> PartialState:
    """This process among those of `torchrun`; without an accelerator it must be told to use the CPU, or each is alone."""
    return PartialState(cpu=not torch.accelerator.is_available())


def save_part(file: Path, average: RelationAverage, broken: dict[int, str]) -> None:
    arrays = average.to_arrays()
    arrays["broken"] = np.array(list(broken), np.int64)
    arrays["messages"] = np.array(list(broken.values()), dtype=np.str_)
    write_arrays(file, arrays)


def merged(partial: Path) -> tuple[RelationAverage, dict[int, str]]:
    """The sum of the parts in a folder, in the order of their names."""
    average, broken = RelationAverage(), {}
    for file in sorted(partial.glob("*.npz")):
        arrays = read_arrays(file)
        average.merge(RelationAverage.from_arrays(arrays))
        broken |= dict(zip(arrays["broken"].tolist(), arrays["messages"].tolist(), strict=True))
    return average, broken
