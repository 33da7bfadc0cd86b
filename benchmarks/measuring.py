"""What the benchmarks of speed share: medians of works that take turns, peak memory, the machine, the file of what came of it."""

import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from atr.files import write_json

Key = TypeVar("Key")


def medians_in_turn(
    works: Mapping[Key, Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
    warm_up: int = 1,
) -> dict[Key, float]:
    """Median seconds of each, of the CPU unless another clock is given: other work on the machine then hardly matters.

    Every round takes all of them in turn, and the first `warm_up` rounds do not count.
    """

    def taken(work: Callable[[], object]) -> float:
        start = clock()
        work()
        return clock() - start

    rounds = [{key: taken(work) for key, work in works.items()} for _ in range(warm_up + repeats)][warm_up:]
    return {key: statistics.median(each[key] for each in rounds) for key in works}


def processor() -> str:
    """As the system names it, where it does."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def peak_bytes() -> int:
    """That this process has held at most. On Linux `ru_maxrss` begins at what the parent held, so /proc is asked there."""
    import resource  # which Windows has not

    status = Path("/proc/self/status")
    if status.is_file() and (found := re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)):
        return int(found[1]) * 1024
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def chromium_path() -> str | None:
    """$CHROMIUM, or Debian's where it is installed; None is playwright's own."""
    debian = "/usr/bin/chromium"
    return os.environ.get("CHROMIUM", debian if Path(debian).exists() else None)


def write_found(values: Any, out: Path) -> None:
    """JSON, in a folder that is made where it is missing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, values)
