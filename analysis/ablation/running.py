"""Many cells at once, a process each."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from analysis.ablation.cells import Cell, CellResult, prepare_process, rendered, run_cell
from atr.results.store import working_on


def run_cells(
    cells: Sequence[Cell],
    folder: Path,
    *,
    work: Path,
    cache: Path,
    workers: int,
    tell: Callable[[CellResult], None] = lambda result: None,
) -> dict[str, str]:
    """Run cells in the order given, as many at a time as there are workers; {cell's name: message} of those that failed.

    A cell that fails does not stop the others. tell: is given each result when it is there.
    """
    needed = {
        (split, c.train_split, getattr(c, f"{split}_clips"), c.model.num_frames, c.size): c
        for c in (cell.config for cell in cells)
        for split in ("train", "dev", "val")
    }
    for (split, *_), config in needed.items():  # here, so that no two workers render the same clips
        rendered(config, split, cache, workers)
    faults = {}
    # Spawned: a fork of a process in which torch has started threads may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), prepare_process)
    with pool:
        started = {pool.submit(run_alone, cell, folder, work, cache): cell.name for cell in cells}
        try:
            for done in as_completed(started):
                try:
                    tell(done.result())
                except (ValueError, OSError, RuntimeError) as error:
                    faults[started[done]] = str(error)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():  # each would begin with what it had been given ahead
                worker.terminate()
            raise
    return faults


def run_alone(cell: Cell, folder: Path, work: Path, cache: Path) -> CellResult:
    """Raises ValueError where another program is at work on this cell."""
    with working_on(work / cell.name):
        return run_cell(cell, folder, work, cache)
