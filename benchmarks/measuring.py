"""Medians of works that take turns, in CPU seconds: other work on the machine does not count, and hardly matters."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Key = TypeVar("Key")


def medians_in_turn(
    works: Mapping[Key, Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
    warm_up: int = 1,
) -> dict[Key, float]:
    """Median seconds of each; every round takes all of them in turn, and the first `warm_up` rounds do not count."""

    def taken(work: Callable[[], object]) -> float:
        start = clock()
        work()
        return clock() - start

    rounds = [{key: taken(work) for key, work in works.items()} for _ in range(warm_up + repeats)][warm_up:]
    return {key: statistics.median(each[key] for each in rounds) for key in works}
