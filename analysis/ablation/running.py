"""Cells trained and judged, many at once: a process each, or on a GPU side by side in one and judged by others."""

import math
import multiprocessing
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import cv2
import numpy as np
import torch
from torch.utils.data import Subset
from torch.utils.flop_counter import FlopCounterMode

from analysis.ablation.cells import Cell, CellResult, file_of, read_cell
from analysis.relations.average import local_mass, window_divergence
from analysis.relations.averaging import average_relations
from atr.block import build_reasoner
from atr.checkpoint import load_checkpoint
from atr.data.clips import ClipDataset
from atr.data.rendered import TabletopClips
from atr.describe import BlockDescription, count_parameters, describe
from atr.files import digest, write_json
from atr.models import ModelConfig, VideoClassifier
from atr.results.predict import class_probabilities
from atr.results.processes import process_state
from atr.results.scores import Scores
from atr.results.store import partial_folder, software, working_on
from atr.tabletop import RENDERER_VERSION, REVERSED
from atr.training.captured import Task, is_possible
from atr.training.config import TrainConfig
from atr.training.loop import train
from atr.training.resident import ResidentClips
from atr.training.side_by_side import train_side_by_side
from atr.training.state import workspace_of

SOURCE = Path(__file__).parents[2]
BATCH = 20  # clips judged at a time
RELATED = 500  # of the judged clips, over which W is averaged


def run_cells(
    cells: Sequence[Cell],
    folder: Path,
    *,
    work: Path,
    cache: Path,
    workers: int,
    minutes: float = math.inf,
    tell: Callable[[CellResult], None] = lambda result: None,
) -> dict[str, str]:
    """Run cells in the order given, as many at a time as there are workers; {cell's name: message} of those that failed.

    A cell that fails does not stop the others. On a GPU those that cannot train side by side, or have a state to continue
    from, come last, each by itself on the CPU.

    Args:
        minutes: after which no further training begins or is continued; cells that are trained are judged.
        tell: is given each result when it is there.
    """
    until = time.time() + 60 * minutes
    wanted = [cell for cell in cells if minutes or place_of(cell, work).exists()]
    needed = {
        list_of(cell.config, split): cell.config for cell in wanted for split in ("train", "dev", "val")
    }
    for (split, *_), config in needed.items():  # here, so that no two workers render the same clips
        rendered(config, split, cache, workers)
    faults = {}
    gpu = torch.device("cuda") if torch.cuda.is_available() else None
    # Spawned: a fork of a process in which torch has started threads may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), prepare_process)
    with pool:
        started: dict[Future[CellResult | None], str] = {}

        def finish(cell: Cell, until: float) -> None:
            started[pool.submit(run_alone, cell, folder, work, cache, until)] = cell.name

        def settle(done: Iterable[Future[CellResult | None]]) -> None:
            for future in done:
                name = started.pop(future)
                try:
                    if (result := future.result()) is not None:
                        tell(result)
                except (ValueError, OSError, RuntimeError) as error:
                    faults[name] = str(error)

        try:
            together = [c for c in cells if gpu and is_possible(c.config) and not is_begun(place_of(c, work))]
            if gpu:
                for cell, fault in trained_together(together, work, cache, gpu, workers, pool, until):
                    if fault is None:
                        finish(cell, until=math.inf)  # it is trained, and its checkpoint not written yet
                    else:
                        faults[cell.name] = fault
                    settle([future for future in started if future.done()])
            for cell in cells:
                if cell not in together:
                    finish(cell, until)
            settle(as_completed(list(started)))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            # Each would begin with the cell it has been given ahead.
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
    return faults


def trained_together(
    cells: Iterable[Cell],
    work: Path,
    cache: Path,
    device: torch.device,
    at_once: int,
    executor: Executor,
    until: float = math.inf,
) -> Iterator[tuple[Cell, str | None]]:
    """Each when it is trained, but for the judgement, or with why it could not be.

    After `until`, in seconds since the epoch, no more begin.
    """
    if time.time() > until:
        return
    residents: dict[tuple, ResidentClips] = {}

    def resident(config: TrainConfig, split: str) -> ResidentClips:
        key = *list_of(config, split), config.preprocessing
        if key not in residents:
            residents[key] = ResidentClips(rendered(config, split, cache), config.preprocessing, device)
        return residents[key]

    cell_of = {
        Task(c.config, place_of(c, work), resident(c.config, "train"), resident(c.config, "dev")): c
        for c in cells
    }
    for task, fault in train_side_by_side(cell_of, at_once, executor, until):
        yield cell_of[task], fault


def prepare_process() -> None:
    """One thread, so that a cell gives the same weights however many run beside it; on the CPU."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "", "ACCELERATE_TORCH_DEVICE": "cpu"}  # the second is for a Mac
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def run_alone(
    cell: Cell, folder: Path, work: Path, cache: Path, until: float = math.inf
) -> CellResult | None:
    """None where it is not trained yet and it is later than `until`.

    Raises ValueError where another program is at work on this cell.
    """
    if time.time() > until and not place_of(cell, work).exists():
        return None
    with working_on(work / cell.name):
        result = run_cell(cell, folder, work, cache)
        shutil.rmtree(partial_folder(work / cell.name), ignore_errors=True)  # it was there for the lock alone
        return result


def place_of(cell: Cell, work: Path) -> Path:
    """The folder of its checkpoint."""
    identity = digest([cell.settings, cell.start, RENDERER_VERSION])
    return work / f"{cell.name}-{identity[:8]}"


def is_begun(place: Path) -> bool:
    """Whether a training has left a state to continue from, or is done."""
    return place.exists() or workspace_of(place).exists()


def run_cell(cell: Cell, folder: Path, work: Path, cache: Path) -> CellResult:
    """Train and judge a cell, and write its file into `folder`; what it prints goes into a log in `work`.

    The checkpoint stays in `work`. A cell that was killed continues where its training was.
    """
    place = place_of(cell, work)
    work.mkdir(parents=True, exist_ok=True)
    with open(place.with_name(f"{place.name}.log"), "a") as log, redirect_stdout(log), redirect_stderr(log):
        if not place.exists():
            train(cell.config, place, cache, cell.command)
        values = measured(cell, load_checkpoint(place), cache)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(file_of(cell, folder), values)
    shutil.rmtree(workspace_of(place), ignore_errors=True)  # what it would have continued from
    return read_cell(file_of(cell, folder))


def measured(cell: Cell, model: VideoClassifier, cache: Path) -> dict:
    """What is stored of a trained cell."""
    model = model.to(process_state().device)
    clips = rendered(cell.config, "val", cache)
    scores = scores_of(model, clips)
    return {
        "network": cell.network,
        "seed": cell.seed,
        "command": cell.command,
        "commit": commit(),
        "software": software() | {"device": model.facts["environment"].get("device") or "not recorded"},
        "settings": cell.settings,
        "renderer": RENDERER_VERSION,
        "start": cell.start,
        "clips": clips.description,
        **costs_of(model.config, cell.config.size),
        "top1": scores.top(1),
        "within_pairs": scores.within_pairs(REVERSED),
        "correct": "".join("01"[right] for right in scores.correct.astype(int)),
        "history": with_last_health(model.facts["history"]),
        "fig5": model.facts.get("fig5", {}),
        "relations": relation_numbers(model, clips) if model.has_graph_reasoner else [],
        "seconds": model.facts["environment"]["training_seconds"],
    }


def with_last_health(history: list[dict]) -> list[dict]:
    """How the blocks are after the last epoch alone, as a training side by side tells it: the rest is most of a file."""
    *before, last = history
    return [{name: value for name, value in entry.items() if name != "blocks"} for entry in before] + [last]


def scores_of(model: VideoClassifier, clips: TabletopClips) -> Scores:
    """Of rendered clips, one view each."""
    parts = [
        class_probabilities(model, np.array(clips.frames[first : first + BATCH])).cpu().numpy()
        for first in range(0, len(clips), BATCH)
    ]
    return Scores(np.concatenate(parts), np.array(clips.targets))


def list_of(config: TrainConfig, split: str) -> tuple:
    """What tells the rendered clips of a split from those of other trainings."""
    count = getattr(config, f"{split}_clips")
    return split, config.train_split, count, config.model.num_frames, config.size


def rendered(config: TrainConfig, split: str, cache: Path, workers: int = 1) -> TabletopClips:
    """The clips of a split that a training takes, rendered into `cache` if they are not there yet."""
    return TabletopClips(
        config.train_split if split == "train" else split,
        getattr(config, f"{split}_clips"),
        num_frames=config.model.num_frames,
        size=config.size,
        cache=cache,
        workers=workers,
    )


def costs_of(config: ModelConfig, size: int) -> dict:
    """Parameters and multiply-accumulates for one clip of that size, of the network and of its reasoners alone."""
    network = describe(config, size)
    return {
        "parameters": network.parameters,
        "macs": network.macs,
        "reasoner": reasoner_costs(config, network.blocks),
    }


def reasoner_costs(config: ModelConfig, blocks: Iterable[BlockDescription]) -> dict[str, int] | None:
    """Parameters and multiply-accumulates of all reasoners alone, for one clip; None of a network without blocks."""
    counts = {"parameters": 0, "macs": 0}
    for block in blocks:
        with torch.device("meta"):
            reasoner = build_reasoner(block.channels, config.atr)
            s = torch.empty(1, config.num_frames, block.channels)
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            reasoner(s)
        counts["parameters"] += count_parameters(reasoner)
        counts["macs"] += counter.get_total_flops() // 2
    return counts if counts["parameters"] else None


def relation_numbers(model: VideoClassifier, clips: TabletopClips) -> list[dict]:
    """An entry a block and stacked graph reasoner, of W averaged over the first clips."""
    with TemporaryDirectory() as partial:
        first = cast(
            ClipDataset, Subset(clips, range(min(RELATED, len(clips))))
        )  # all that a pass asks of one
        average, _ = average_relations(model, first, partial=Path(partial))
    entries = []
    for block, matrices in average.mean.items():
        for number, w in enumerate(matrices):
            mass = local_mass(w)
            try:
                js = window_divergence(w).summary["mean"]
            except ValueError:  # a saturated softmax that looks at none of a time step's neighbours
                js = None
            near, chance = (float(values[1].mean()) for values in (mass.mass, mass.chance))
            entries.append(
                {"block": block, "reasoner": number, "local_mass": near, "chance": chance, "js": js}
            )
    return entries


def commit() -> str | None:
    """Of the source, with "-dirty" where files differ from it; None where it is in no repository."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*", "--abbrev=40"]
    try:
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
