"""Text of lists: UTF-8, with or without a byte-order mark."""

from pathlib import Path

from atr.schema import line, read_bytes, shown

MOST_BYTES = 2**30


def read_text(file: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: it cannot be read, is no regular file, is too long or is not UTF-8, with the line and the byte.
    """
    try:
        content = read_bytes(file, MOST_BYTES)
    except OSError as error:
        raise ValueError(line(f"{shown(file)} cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise ValueError(line(f"{shown(file)} {error}")) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Counted from the start of the file: the decoder counts from behind a byte-order mark.
        start = error.start + (len(content) - len(error.object))
        number = content.count(b"\n", 0, start) + 1
        byte = start - content.rfind(b"\n", 0, start)
        raise ValueError(
            line(
                f"{shown(file)} is not UTF-8 text: byte {byte} of line {number} is 0x{content[start]:02x}; "
                "save it as UTF-8"
            )
        ) from error
