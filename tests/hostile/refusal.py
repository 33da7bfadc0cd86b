"""What every refusal of a bad file has in common, and mutations of JSON."""

import copy
import json
import resource
from contextlib import contextmanager
from pathlib import Path

LONGEST = 500  # characters of a message
ROOM = (
    1 << 29
)  # bytes that may be allocated on the way to a refusal, with the libraries that are loaded on the way


def one_clear_line(error: Exception, *named: str) -> str:
    """The message of an error, after a look at it: short, one line, naming what is at fault."""
    message = str(error)
    assert len(message) < LONGEST, message
    assert message.isprintable(), message
    assert (
        "Traceback" not in message and "memory" not in message.lower() and "allocate" not in message.lower()
    )
    for name in named:
        assert name in message, message
    return message


@contextmanager
def little_memory():
    """Where the system tells how much a process has, it gets no more than ROOM besides."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def edited(path: Path, place: str, value=...) -> None:
    """Set the value at a place such as "model.atr.k" or "clips.0.id" of a JSON file; delete it where none is given."""
    values = json.loads(path.read_text())
    *outer, last = (int(part) if part.isdecimal() else part for part in place.split("."))
    inner = values
    for part in outer:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = copy.deepcopy(value)
    path.write_text(json.dumps(values))


def of_another_type(value):
    """A value that no reader can take for this one."""
    if isinstance(value, bool):
        return "yes"
    if isinstance(value, (int, float)):
        return [value]
    if isinstance(value, str):
        return {"text": value}
    return 5
