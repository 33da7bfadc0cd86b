"""Text of lists: UTF-8, with or without a byte-order mark."""

from pathlib import Path


def read_text(file: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: it is not UTF-8; names the line and the byte.
    """
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Counted from the start of the file: the decoder counts from behind a byte-order mark.
        start = error.start + (len(content) - len(error.object))
        line = content.count(b"\n", 0, start) + 1
        byte = start - content.rfind(b"\n", 0, start)
        raise ValueError(
            f"{file} is not UTF-8 text: byte {byte} of line {line} is 0x{content[start]:02x}; save it as UTF-8"
        ) from error
