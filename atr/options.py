"""Options that are chosen by name, and what the annotations of a dataclass of options allow."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from atr.schema import allowed_by, shown

# How a map covers a video; analysis/opacity.py says what each is.
OVERLAY_STYLES = ("value", "flat", "signed")

# Of processes that a command starts beside itself: more than any machine has processors for.
MOST_WORKERS = 256
# NumPy's oldest generators take no larger one.
MOST_SEED = 2**32 - 1

Value = TypeVar("Value")


def require(option: str, value: object, allowed: Iterable[object]) -> None:
    """Raises ValueError, naming the option, its value and what is allowed, where that is none of the allowed ones."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ValueError(f"{option}={value!r} is unknown; allowed: {', '.join(map(str, allowed))}")


def require_options(options: Any, but: tuple[str, ...] = ()) -> None:
    """Of a dataclass: raises ValueError as `require` does where a field has a value that its annotation does not allow.

    Of a field that is a dataclass itself only the class is looked at. but: fields that are left out.
    """
    for name, hint in get_type_hints(type(options), include_extras=True).items():
        value = getattr(options, name)
        if name in but:
            continue
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            if not isinstance(value, hint):
                raise ValueError(f"{name}={shown(value)} is not allowed; allowed: {hint.__name__}(...)")
            continue
        if get_origin(hint) is Literal:
            require(name, value, get_args(hint))
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as error:
            raise ValueError(f"{name}={shown(value)} is not allowed; allowed: {allowed_by(hint)}") from error


def require_between(option: str, value: float, least: float, most: float) -> None:
    """Raises ValueError, naming the option, its value and what is allowed, where that is less or more."""
    if not least <= value <= most:
        raise ValueError(f"{option}={shown(value)} is not possible; allowed: {least:,} to {most:,}")


def choose(option: str, value: str, table: Mapping[str, Value]) -> Value:
    """What `table` has for the value. Raises ValueError as `require` does."""
    require(option, value, table)
    return table[value]
