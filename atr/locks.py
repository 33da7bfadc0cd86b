"""One program at a time at work in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_held: set[int] = set()  # files that are open for a lock


def _let_go() -> None:
    for place in _held:
        os.close(place)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def held(folder: Path, *, busy: str, refused: str) -> Iterator[None]:
    """Make a folder, and let no other program be at work in it meanwhile. A new one into which nothing was put is removed.

    The system lifts the lock when this process dies: the processes that it has forked, which may live a little longer, do
    not hold it.

    Raises ValueError, `busy` where another program is at work there, `refused` and the reason where it cannot be made.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ValueError(f"{refused}: {error.strerror}") from error
    _held.add(place)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(busy) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        if place in _held:  # of a fork it is closed
            if made:
                with suppress(OSError):  # something was put into it
                    folder.rmdir()
            _held.remove(place)
            os.close(place)
