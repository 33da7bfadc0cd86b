"""Sessions take turns at the networks: side by side on the same cores each would be slower by more than its share."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 0.2  # seconds between two looks at whether a session still wants what it waits for


class Turns:
    """One turn at a time, first come first served, for threads."""

    def __init__(self) -> None:
        self._tickets: list[object] = []  # the first of them has its turn
        self._change = threading.Condition()

    @contextmanager
    def turn(self, waiting: Callable[[int], None]) -> Iterator[None]:
        """Waits until all who came before are done.

        waiting: told how many those are, now and then, and once more (0) when it is our turn. Whatever it raises, as
        Streamlit does in a session that has moved on, gives the place in the queue up.
        """
        ticket = object()
        with self._change:
            self._tickets.append(ticket)
        try:
            while before := self._before(ticket):
                waiting(before)
            waiting(0)
            yield
        finally:
            with self._change:
                self._tickets.remove(ticket)
                self._change.notify_all()

    def _before(self, ticket: object) -> int:
        """How many are before a ticket, after a while in which that may have changed."""
        with self._change:
            if self._tickets.index(ticket):
                self._change.wait(PATIENCE)
            return self._tickets.index(ticket)


# One for all networks: torch gives every forward pass all cores.
networks = Turns()
