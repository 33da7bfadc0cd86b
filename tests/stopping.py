"""A pass over clips that is stopped, as by Ctrl-C."""

from collections.abc import Callable


def stop_at(report: int) -> Callable[[int, int], None]:
    """For `progress`: raises KeyboardInterrupt when told of progress for the `report`-th time."""
    reports = []

    def progress(done: int, total: int) -> None:
        reports.append(done)
        if len(reports) == report:
            raise KeyboardInterrupt

    return progress
