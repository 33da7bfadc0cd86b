"""One function over many jobs, in several processes of this machine."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import cv2

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    function: Callable[[Job], Result], jobs: list[Job], workers: int, chunk: int = 1
) -> Iterator[Result]:
    """Results in the order of the jobs; with one worker this process does them.

    chunk: jobs handed over at a time. Processes are fresh ones, since OpenCV's threads do not survive a fork.
    """
    if workers == 1:
        yield from map(function, jobs)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        yield from pool.map(function, jobs, chunksize=chunk)
