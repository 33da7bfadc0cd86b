"""Options that are chosen by name."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

# How a map covers a video; analysis/opacity.py says what each is.
OVERLAY_STYLES = ("value", "flat", "signed")

Value = TypeVar("Value")


def require(option: str, value: object, allowed: Iterable[object]) -> None:
    """Raises ValueError, naming the option, its value and what is allowed, where that is none of the allowed ones."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ValueError(f"{option}={value!r} is unknown; allowed: {', '.join(map(str, allowed))}")


def choose(option: str, value: str, table: Mapping[str, Value]) -> Value:
    """What `table` has for the value. Raises ValueError as `require` does."""
    require(option, value, table)
    return table[value]
