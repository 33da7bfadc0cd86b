"""Text of lists: UTF-8, with or without a byte-order mark; and faults that name the list that has them."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atr.schema import line, read_bytes, shown

MOST_BYTES = 2**30


class NamedFault(ValueError):
    """Its message names the file or the folder that is at fault: who reads that one among others adds no name."""


@contextmanager
def faults_of(path: Path, what: str) -> Iterator[None]:
    """What goes wrong within is a `NamedFault`: of `path`, which `what` is said of, unless it is one already."""
    try:
        yield
    except NamedFault:
        raise
    except OSError as error:
        place = Path(error.filename or path)
        raise NamedFault(line(f"{shown(place)} cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise NamedFault(line(f"{shown(path)} {what}: {error}")) from error


def read_text(file: Path) -> str:
    """The text of a file.

    Raises:
        NamedFault: it cannot be read, is no regular file, is too long or is not UTF-8, with the line and the byte.
    """
    try:
        content = read_bytes(file, MOST_BYTES)
    except OSError as error:
        raise NamedFault(line(f"{shown(file)} cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise NamedFault(line(f"{shown(file)} {error}")) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Counted from the start of the file: the decoder counts from behind a byte-order mark.
        start = error.start + (len(content) - len(error.object))
        number = content.count(b"\n", 0, start) + 1
        byte = start - content.rfind(b"\n", 0, start)
        raise NamedFault(
            line(
                f"{shown(file)} is not UTF-8 text: byte {byte} of line {number} is 0x{content[start]:02x}; "
                "save it as UTF-8"
            )
        ) from error


def read_rows(file: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its line, fields) of every row of a CSV; blank lines are none.

    Raises:
        NamedFault: as `read_text`; or a quotation mark is not closed, or a field is too long.
    """
    rows = csv.reader(io.StringIO(read_text(file), newline=""), delimiter=separator, strict=True)
    number = 1
    try:
        for row in rows:
            if row:
                yield number, row
            number = rows.line_num + 1
    except csv.Error as error:
        allowed = (
            f"quotation marks that are closed, and fields of up to {csv.field_size_limit():,} characters"
        )
        raise NamedFault(f"{shown(file)}: line {number} is no row of a CSV; allowed: {allowed}") from error
