"""What a reader of a video is told, and how it reaches whoever reads many."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Kind = Literal["damage", "change"]


class Notice(str):
    """A sentence on a video.

    Attributes:
        kind: "damage", frames are missing, left out, or stood in for; "change", all frames are there and something
            about them, or the choice of a track, is to be known.
    """

    kind: Kind

    def __new__(cls, text: str, kind: Kind) -> "Notice":
        notice = super().__new__(cls, text)
        notice.kind = kind
        return notice

    def __reduce__(self) -> tuple:  # for pickle
        return Notice, (str(self), self.kind)


_collected: ContextVar[dict[Notice, None] | None] = ContextVar("collected", default=None)


@contextmanager
def collected() -> Iterator[dict[Notice, None]]:
    """The notices, each once, of every video that is closed by this thread in the meantime.

    Those of a video that raised an error are among them. Whoever collects around this gets them too.
    """
    notices: dict[Notice, None] = {}
    token = _collected.set(notices)
    try:
        yield notices
    finally:
        _collected.reset(token)
        hand_over(notices)


def hand_over(notices: Iterable[Notice]) -> None:
    """To whoever collects: of a video that is being closed."""
    if (collection := _collected.get()) is not None:
        collection.update(dict.fromkeys(notices))
