"""One pass over a list of clips: sharded over processes, resumable at any time, with unreadable clips named."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import torch
from accelerate import PartialState
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from atr.files import read_arrays, write_arrays, write_json
from atr.results.processes import process_state
from atr.video.decoding import Notice, VideoError
from atr.video.notices import collected

BATCH = 8
# Exit code of a command whose result lacks clips that could not be read, frames of clips, or trainings for want of time.
SKIPPED = 3


class Clips(Protocol):
    """What a pass goes over."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class Gathered(Protocol):
    """What a pass gathers: sums, or a row a clip. `indices` are the indices of the clips in it."""

    @property
    def indices(self) -> list[int]: ...
    def __len__(self) -> int: ...
    def merge(self, other: Self) -> None: ...
    def to_arrays(self) -> dict[str, np.ndarray]: ...
    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self: ...


Kind = TypeVar("Kind", bound=Gathered)


class Rows:
    """One row a clip of each of several named arrays."""

    def __init__(self):
        self.parts: list[dict[str, np.ndarray]] = []

    def add(self, rows: dict[str, np.ndarray], indices: list[int]) -> None:
        self.parts.append({**rows, "index": np.asarray(indices, np.int64)})

    @property
    def indices(self) -> list[int]:
        return [index for part in self.parts for index in part["index"].tolist()]

    def __len__(self) -> int:
        return sum(len(part["index"]) for part in self.parts)

    def merge(self, other: "Rows") -> None:
        self.parts += other.parts

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Every array with its rows in the order of the list of clips, and "index", the clips they belong to."""
        if not self.parts:
            return {}
        arrays = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        order = np.argsort(arrays["index"], kind="stable")
        return {name: values[order] for name, values in arrays.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Rows":
        rows = cls()
        if arrays:
            rows.parts.append(arrays)
        return rows


class Tolerant(Dataset):
    """The same clips, each with the notices of its video; one that cannot be read comes as its error instead of raising."""

    def __init__(self, clips: Clips):
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int):
        with collected() as notices:
            try:
                frames, label, _ = self.clips[index]
            except VideoError as error:
                return str(error), -1, index, ()
        return frames, label, index, tuple(notices)


def per_clip(
    clips: Clips, compute: Callable[[Tensor, list[int], list[int]], dict[str, np.ndarray]], **options
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """A row for every clip, in the order of the list, and {index: message} of those that could not be read.

    Args:
        clips: items (frames uint8, label, index), all frames of one shape.
        compute: (frames (n, ...), targets, indices) -> named arrays whose first dimension is n.
        options: of `pass_over`.

    Returns:
        The arrays of `compute` over all readable clips and "index", the clips they belong to; {} when there is none.
    """

    def add(rows: Rows, frames: Tensor, targets: list[int], indices: list[int], count: int) -> None:
        computed = compute(frames, targets, indices)
        rows.add({name: values[:count] for name, values in computed.items()}, indices[:count])

    rows, broken = pass_over(clips, Rows, add, **options)
    return rows.to_arrays(), broken


def pass_over(
    clips: Clips,
    kind: type[Kind],
    add: Callable[[Kind, Tensor, list[int], list[int], int], None],
    *,
    partial: Path,
    batch_size: int = BATCH,
    num_workers: int = 0,
    strict: bool = False,
    save_every: float = 10.0,
    progress: Callable[[int, int], None] | None = None,
    notices: dict[int, tuple[Notice, ...]] | None = None,
) -> tuple[Kind, dict[int, str]]:
    """Everything that `add` gathers from the clips, and {index: message} of those that could not be read.

    Every process takes its share of what is not yet in `partial`, saves what it has gathered there every `save_every`
    seconds in one atomic step, and merges everybody's at the end: a pass can be interrupted at any time and resumed,
    with any number of processes, and no clip counts twice. Clips that could not be read are tried again.

    Args:
        kind: what is gathered: `kind()` is empty.
        add: (gathered, frames (n, ...), targets, indices, count) adds the first `count` clips. The rest of n repeats a
            clip: a batch is always full, for a clip's numbers must not depend on how many are in its batch.
        partial: folder of the parts of exactly this pass: these clips, this model, these settings.
        progress: called with (clips done, clips in all); what other processes have done is estimated.
        notices: is given the index of every clip whose video has notices, and those.

    Raises:
        VideoError: `strict`, and a clip cannot be read.
        ValueError: parts are missing: not all processes see the same `partial`.
    """
    state = process_state()
    partial.mkdir(parents=True, exist_ok=True)
    if state.is_main_process:
        remove_damaged(partial, kind)
    state.wait_for_everyone()
    done, _, _ = merged(partial, kind)
    state.wait_for_everyone()  # nobody writes before all have read
    before = len(done)
    rest = sorted(set(range(len(clips))) - set(done.indices))
    mine = rest[state.process_index :: state.num_processes]
    gathered, broken, noticed, counted, saved = kind(), {}, {}, 0, time.monotonic()

    def save() -> None:
        file = partial / f"{time.time_ns()}-{os.getpid()}-{state.process_index}.npz"
        told = [(index, notice) for index, each in noticed.items() for notice in each]
        faults = {
            "broken": np.array(list(broken), np.int64),
            "messages": np.array(list(broken.values()), np.str_),
            "noticed": np.array([index for index, _ in told], np.int64),
            "notices": np.array([notice for _, notice in told], np.str_),
            "kinds": np.array([notice.kind for _, notice in told], np.str_),
        }
        write_arrays(file, gathered.to_arrays() | faults)

    num_workers = min(num_workers, -(-len(mine) // batch_size))  # more would have nothing to do
    loader = DataLoader(
        Subset(Tolerant(clips), mine),
        batch_size,
        collate_fn=list,
        num_workers=num_workers,
        generator=torch.Generator(),  # its workers' seed is not drawn from the caller's random numbers
    )
    for items in loader if num_workers else ahead(loader):
        readable = [item for item in items if torch.is_tensor(item[0])]
        for message, _, index, _ in (item for item in items if not torch.is_tensor(item[0])):
            if strict:
                raise VideoError(message)
            broken[index] = message
        noticed |= {index: each for *_, index, each in readable if each}
        if readable:
            full = readable + readable[:1] * (batch_size - len(readable))
            frames, targets, indices, _ = zip(*full, strict=True)
            add(gathered, torch.stack(frames), list(targets), list(indices), len(readable))
        counted += len(items)
        if progress is not None:  # the others are about as far
            progress(min(before + counted * state.num_processes, len(clips)), len(clips))
        if time.monotonic() - saved > save_every:
            save()
            gathered, broken, noticed, saved = kind(), {}, {}, time.monotonic()
    if len(gathered) or broken:
        save()
    state.wait_for_everyone()
    gathered, broken, noticed = merged(partial, kind)
    lacking = set(range(len(clips))) - set(gathered.indices) - broken.keys()
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(clips)} clips are in no part of the pass in {partial}: --out must be on a disk that all "
            "processes share, and nothing else may remove what is there"
        )
    state.wait_for_everyone()  # nobody removes the parts before all have read them
    if notices is not None:
        notices.update(noticed)
    return gathered, broken


def ahead(items: Iterable[Any]) -> Iterator[Any]:
    """The same items, each of them fetched while the one before is in use: a thread decodes while the network computes."""
    source, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, source, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, source, end)
            yield item


def read_part(file: Path, kind: type[Kind]) -> tuple[Kind, dict[int, str], dict[int, tuple[Notice, ...]]]:
    arrays = read_arrays(file)
    names = ("broken", "messages", "noticed", "notices", "kinds")
    indices, messages, *told = (arrays.pop(name).tolist() for name in names)
    noticed: dict[int, tuple[Notice, ...]] = {}
    for index, text, about in zip(*told, strict=True):
        noticed[index] = (*noticed.get(index, ()), Notice(text, about))
    return kind.from_arrays(arrays), dict(zip(indices, messages, strict=True)), noticed


def remove_damaged(partial: Path, kind: type[Kind]) -> None:
    """Of the parts in a folder, those that cannot be read; their clips are then computed again, which is said."""
    for file in sorted(partial.glob("*.npz")):
        try:
            read_part(file, kind)
        except (OSError, ValueError, KeyError, TypeError) as error:
            file.unlink()
            print(f"{file} is damaged ({error}); its clips are computed again", file=sys.stderr)


def merged(partial: Path, kind: type[Kind]) -> tuple[Kind, dict[int, str], dict[int, tuple[Notice, ...]]]:
    """All parts in a folder as one, in the order of their names; the clips that could not be read; their notices.

    Raises:
        ValueError: a clip is in two parts: two programs were at work in this folder.
    """
    gathered, broken, noticed = kind(), {}, {}
    for file in sorted(partial.glob("*.npz")):
        part, faults, notices = read_part(file, kind)
        gathered.merge(part)
        broken |= faults
        noticed |= notices
    if len(set(gathered.indices)) < len(gathered):
        raise ValueError(f"two programs have been at work in {partial}; remove it and start anew")
    for index in broken.keys() & set(gathered.indices):  # it could be read the next time
        del broken[index]
    return gathered, broken, noticed


class progress_of:
    """A progress bar of the main process, and the same facts in `partial/progress.json` for the dashboard."""

    def __init__(self, partial: Path, phase: str, total: int, state: PartialState):
        self.file = partial / "progress.json"
        self.phase, self.total, self.main = phase, total, state.is_main_process
        self.written = 0.0

    def __enter__(self) -> Callable[[int, int], None]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.bar = tqdm(desc=self.phase, total=self.total, unit="clip", disable=not self.main)
        return self.update

    def update(self, done: int, total: int) -> None:
        if not self.main:
            return
        self.bar.update(done - self.bar.n)
        if time.monotonic() - self.written > 0.5 or done == total:
            rate = self.bar.format_dict["rate"]
            write_json(self.file, {"phase": self.phase, "done": done, "total": total, "rate": rate})
            self.written = time.monotonic()

    def __exit__(self, *_) -> None:
        self.bar.close()
