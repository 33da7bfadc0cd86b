"""Files that others may have written: JSON read within limits, values checked against types, one short line a fault."""

import dataclasses
import json
import math
import os
import re
import reprlib
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec import inspect as types

MOST_LEVELS = 32  # of values within values
MOST_DIGITS = 400  # of a whole number; a float has 309 at most
LONGEST_LINE, LONGEST_PATH, LONGEST_VALUE = (
    480,
    200,
    80,
)  # characters of a message, of a path and of a value in it

Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
Count = Annotated[int, Meta(ge=0, le=2**53)]  # what a float still holds exactly
Positive = Annotated[int, Meta(ge=1, le=2**53)]
Flag = bool | Annotated[int, Meta(ge=0, le=1)]
NotNegative = Annotated[float, Meta(ge=0, le=1e300)]
Share = Annotated[float, Meta(ge=-1e-6, le=1 + 1e-6)]  # with what rounding may add
Text = Annotated[str, Meta(max_length=100_000)]
Name = Annotated[str, Meta(min_length=1, max_length=1000)]
BlockName = Annotated[str, Meta(pattern=r"^S\d+B\d+$", max_length=20)]
WITHOUT_NUL = r"^[^\x00]+$"
FileName = Annotated[str, Meta(min_length=1, max_length=4096, pattern=WITHOUT_NUL)]
Labels = Annotated[list[Name], Meta(min_length=1, max_length=100_000)]


# ---- messages --------------------------------------------------------------------------------------------------------


def counted(count: int, one: str, several: str = "") -> str:
    """ "1 clip" and "2 clips" of "clip"; "1 clip has" and "2 clips have" where both are given."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def printable(text: str, but: str = "") -> str:
    """The text with all other characters escaped: from a file of others they could steer the terminal. but: stay."""
    return "".join(c if c.isprintable() or c in but else repr(c)[1:-1] for c in text)


def line(text: str, most: int = LONGEST_LINE) -> str:
    """The text on one line; of a longer one the beginning and the end."""
    text = printable(text)
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 3]} … {text[-end:]}"


def shown(value: object) -> str:
    """A path or a value in a message: both ends of a long one."""
    if isinstance(value, Path):
        return line(str(value), LONGEST_PATH)
    short = reprlib.Repr()
    short.maxstring = short.maxlong = short.maxother = LONGEST_VALUE
    short.maxlevel, short.maxlist, short.maxdict = 2, 4, 4
    return line(short.repr(value), LONGEST_VALUE)


# ---- files -----------------------------------------------------------------------------------------------------------


def regular_size(path: Path) -> int:
    """Bytes of a file. Raises OSError where there is none to read, ValueError for a pipe, a device or a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer would be waited for
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is not a regular file")
    return found.st_size


def read_bytes(path: Path, most: int) -> bytes:
    """A whole file. Raises as `regular_size`, and ValueError where it is longer than `most` bytes."""
    size = regular_size(path)
    if size > most:
        raise ValueError(f"has {size:,} bytes; allowed: at most {most:,}")
    with open(path, "rb") as file:
        content = file.read(size + 1)
    if len(content) != size:  # a system's own file that states no size, or one that is being written
        raise ValueError("has another length than stated")
    return content


def read_json(path: Path, *, most: int) -> Any:
    """What a JSON file holds, as `parse_json` takes it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no regular file, longer than `most` bytes, not UTF-8, or no such JSON.
    """
    content = read_bytes(path, most)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"is not UTF-8 text: byte {error.start + 1} is 0x{content[error.start]:02x}"
        ) from error
    return parse_json(text)


def parse_json(text: str) -> Any:
    """JSON without infinite numbers, keys that stand twice in an object, and more than MOST_LEVELS levels.

    Raises:
        ValueError: it is none.
    """
    try:
        values = json.loads(
            text, object_pairs_hook=without_twins, parse_constant=refuse_constant, parse_int=whole_number
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is not readable JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except RecursionError as error:
        raise ValueError(f"has more than {MOST_LEVELS} levels of values within values") from error
    require_plain(values)
    return values


def without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {shown(twin)} stands twice in one object")
    return found


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"has a number of {len(digits):,} digits; allowed: up to {MOST_DIGITS}")
    return int(digits)


def require_plain(values: object) -> None:
    """Raises ValueError for a float that is infinite, half a surrogate pair, or too many levels."""
    level = [values]
    for _ in range(MOST_LEVELS):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner += value
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, float) and not math.isfinite(value):
                raise ValueError("a number is too large for a float")
            elif isinstance(value, str) and not value.isascii():
                try:
                    value.encode()
                except UnicodeEncodeError as error:
                    raise ValueError(f"has half a surrogate pair, in {shown(value)}") from error
        level = inner
        if not level:
            return
    raise ValueError(f"has more than {MOST_LEVELS} levels of values within values")


def require_unicode(texts: Iterable[str]) -> None:
    """Raises ValueError for a text, such as a file's name, whose bytes are not UTF-8: no result could hold it."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{shown(text)} is not UTF-8; rename it") from error


# ---- types -----------------------------------------------------------------------------------------------------------


def exact(kind: type, **others: Any) -> type[msgspec.Struct]:
    """What a dataclass looks like in JSON: all of its fields and no other, of the types they are annotated with.

    others: types of fields whose annotation does not tell all that is allowed; with UnsetType the key may be missing.
    """
    hints = get_type_hints(kind, include_extras=True) | others
    fields: list[tuple] = []
    for name, hint in hints.items():
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            hint = exact(hint)
        fields.append((name, hint, UNSET) if UnsetType in get_args(hint) else (name, hint))
    return msgspec.defstruct(kind.__name__, fields, forbid_unknown_fields=True, kw_only=True)


def check(values: object, kind: Any) -> None:
    """Raises ValueError, "has …", which names the key, the value and what is allowed, where values are not of a type.

    kind: a msgspec Struct, or whatever else msgspec converts to. Numbers, truth values and texts do not stand in for
    each other, but for a whole number in place of a float.
    """
    try:
        msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ValueError(explained(str(error), values, kind)) from error


def explained(message: str, values: object, kind: Any) -> str:
    """What msgspec says, such as "Expected `int`, got `str` - at `$.model.atr.k`", with the value and what is allowed."""
    message, _, place = message.partition(" - at `$")
    place = place.rstrip("`")
    info: types.Type | None = types.type_info(kind)
    for step in re.findall(r"\[(?:\d+|\.\.\.)\]|[^.\[\]]+", place):
        values, info = inside(values, info, step)
    where = place.removeprefix(".")
    if named := re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", message, re.DOTALL):
        name = shown(f"{where}.{named[2]}".removeprefix("."))
        if named[1] == "missing required":
            return f"has no {name}"
        known = ", ".join(field.encode_name for field in getattr(info, "fields", ()))
        return f"has the unknown key {name}; allowed: {line(known, 240)}"
    if not message.startswith(("Expected", "Invalid", "Number")):
        return f"has {where or 'values'} of which {message}"
    value = "" if values is UNKNOWN else f" = {shown(values)}"
    return (
        f"has {line(where, 100)}{value}; allowed: {line(allowed(info), 240)}"
        if where
        else (f"holds {shown(values)}; allowed: {allowed(info)}")
    )


UNKNOWN = object()


def inside(values: Any, info: types.Type | None, step: str) -> tuple[Any, types.Type | None]:
    """One step down, from a value and its type: a key, "[3]", or "[...]", some value of an object with any keys."""
    for each in info.types if isinstance(info, types.UnionType) else (info,):
        match each:
            case types.StructType():
                for field in each.fields:
                    if field.encode_name == step:
                        return values[step], field.type
            case types.ListType() | types.VarTupleType() if step[0] == "[":
                return (UNKNOWN if values is UNKNOWN else values[int(step[1:-1])]), each.item_type
            case types.TupleType() if step[0] == "[":
                index = int(step[1:-1])
                return (UNKNOWN if values is UNKNOWN else values[index]), each.item_types[index]
            case types.DictType():
                return UNKNOWN, each.value_type
    return UNKNOWN, None


def allowed_by(hint: Any) -> str:
    """What an annotation allows, in words."""
    return allowed(types.type_info(hint))


def allowed(info: types.Type | None) -> str:
    """A type in words."""
    match info:
        case types.UnionType():
            return " or ".join(allowed(each) for each in info.types)
        case types.LiteralType():
            return ", ".join(json.dumps(value) for value in info.values)
        case types.IntType():
            return "a whole number" + bounds(info.ge, info.gt, info.le, info.lt)
        case types.FloatType():
            return "a number" + bounds(info.ge, info.gt, info.le, info.lt)
        case types.StrType():
            length = bounds(info.min_length, None, info.max_length, None, " of", " characters")
            if info.pattern == WITHOUT_NUL:
                return f"a name of files{length}, none of them NUL"
            return f"a text like {info.pattern}" if info.pattern else f"a text{length}"
        case types.ListType() | types.VarTupleType():
            length = bounds(info.min_length, None, info.max_length, None, " of", " entries")
            return f"a list{length}, each {allowed(info.item_type)}"
        case types.TupleType():
            return f"a list of {len(info.item_types)}, each {allowed(info.item_types[0])}"
        case types.BoolType():
            return "true or false"
        case types.NoneType():
            return "null"
        case types.CustomType():
            return f"a {info.cls.__name__}"
        case _:
            return "an object"


def bounds(ge, gt, le, lt, before: str = "", after: str = "") -> str:
    parts = (("from", ge), ("above", gt), ("to", le), ("below", lt))
    told = "".join(f" {word} {limit:,}" for word, limit in parts if limit is not None)
    return f"{before}{told}{after}" if told else ""
