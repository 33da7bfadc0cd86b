"""Computations started from a page: one subprocess a result, known to every session and across reloads."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from analysis.store import RESULT, partial_folder

ROOT = Path(__file__).parent.parent


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

    def start(self, arguments: list[str]) -> None:
        """Start `python -m analysis ARGUMENTS`, unless it runs already: whoever asks second shares the first's run."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if self.pid() is None:
            self.record.unlink(missing_ok=True)  # of a run that is over
        try:
            record = os.open(self.record, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return
        with os.fdopen(record, "w") as file, open(self.log, "w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "analysis", *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            json.dump({"pid": process.pid, "arguments": arguments}, file)

    def pid(self) -> int | None:
        """The running process, None when there is none (any more)."""
        try:
            pid = json.loads(self.record.read_text())["pid"]
        except FileNotFoundError:
            return None
        except ValueError:  # being written by the session that starts it, or left by one that was killed then
            return -1 if time.time() - self.record.stat().st_mtime < 10 else None
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # a child of this server that is over must not look alive
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        return pid

    def stop(self) -> None:
        """End it; what was summed stays on disk, and a later start goes on there."""
        pid = self.pid()
        if pid is not None and pid > 0:
            os.killpg(pid, signal.SIGTERM)
        self.record.unlink(missing_ok=True)

    def progress(self) -> dict | None:
        """{"phase", "done", "total", "rate"} of the computation, None before its first step."""
        try:
            return json.loads((partial_folder(self.folder) / "progress.json").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def failure(self) -> str | None:
        """The last line of the log of a run that ended without a result."""
        if not self.record.exists() or self.pid() is not None or (self.folder / RESULT).exists():
            return None
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "the computation ended without a word"
