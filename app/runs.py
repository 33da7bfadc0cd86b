"""Computations started from a page: one subprocess a result, known to every session and across reloads."""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.loading.roots import HOME
from atr.files import write_json
from atr.results.store import RESULT, partial_folder

PATIENCE = 10.0  # seconds a stopped computation has to end by itself


@dataclass(frozen=True)
class Run:
    """The computation of one result folder. What is known of it lies in files beside the folder."""

    folder: Path

    @property
    def record(self) -> Path:
        return self.folder.parent / f".{self.folder.name}.run"

    @property
    def log(self) -> Path:
        return self.folder.parent / f".{self.folder.name}.log"

    @property
    def complete(self) -> bool:
        return (self.folder / RESULT).is_file()

    def start(self, arguments: list[str], module: str = "analysis") -> None:
        """Start `python -m MODULE ARGUMENTS`, unless it runs already: whoever asks second shares the first's run."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if self.pid() is not None:
                return
            with open(self.log, "w") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", module, *arguments],
                    cwd=HOME,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            record = {"pid": process.pid, "birth": birth(process.pid), "arguments": arguments}
            write_json(self.record, record)

    def pid(self) -> int | None:
        """The running process, None when there is none (any more)."""
        try:
            record = json.loads(self.record.read_text())
            pid, recorded = record["pid"], record["birth"]
        except (FileNotFoundError, ValueError, TypeError, KeyError):  # there is none, or another program's
            return None
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # a child of this server that is over must not look alive
        born = birth(pid)
        return pid if born is not None and born == recorded else None

    def stop(self) -> None:
        """End it and wait for its end; what was summed stays on disk, and a later start goes on there."""
        with self._alone():
            deadline = time.monotonic() + PATIENCE
            ending = signal.SIGTERM
            while (pid := self.pid()) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, ending)
                if time.monotonic() > deadline:
                    ending = signal.SIGKILL
                time.sleep(0.05)
            self.record.unlink(missing_ok=True)

    def progress(self) -> dict | None:
        """{"phase", "done", "total", "rate"} of the computation, None before its first step."""
        try:
            return json.loads((partial_folder(self.folder) / "progress.json").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def failure(self) -> str | None:
        """The last line of the log of a run that ended without a result."""
        if not self.record.exists() or self.pid() is not None or self.complete:
            return None
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "the computation ended without a message"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops this run meanwhile; the system lifts the lock of a process that dies."""
        with open(self.folder.parent / f".{self.folder.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def running(root: Path, kind: str, checkpoint: Path) -> list[Run]:
    """The computations under way in a root for a checkpoint, whoever started them and however they are set."""
    # As `result_folder` names them; names of other checkpoints may begin with this one's.
    name = re.escape(checkpoint.resolve().name)
    record = re.compile(rf"\.{kind}-{name}-[0-9a-f]+(-[0-9a-f]{{8}})?\.run")
    paths = sorted(path for path in root.glob(".*.run") if record.fullmatch(path.name))
    runs = [Run(root / path.stem.removeprefix(".")) for path in paths]
    return [run for run in runs if run.pid() is not None]


def birth(pid: int) -> str | None:
    """When a process was started, None when it is over: numbers of processes are given again, with another birth."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if state in "ZX" else fields[18]  # starttime, field 22 of proc(5)
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
