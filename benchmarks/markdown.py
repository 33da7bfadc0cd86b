"""Tables in Markdown pages, between marks that name the command that writes them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

END = "<!-- end of table -->"


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    first, *rest = (
        "|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in (header, *lines)
    )
    return "\n".join((first, "|---" * len(header) + "|", *rest))


def mark(command: str) -> str:
    """What stands above a table."""
    return f"<!-- table: python -m benchmarks.{command} -->"


def require_marks(page: Path, commands: Iterable[str]) -> None:
    """Raises SystemExit where a table has no place."""
    text = page.read_text()
    for begin in map(mark, commands):
        if END not in text.partition(begin)[2]:
            sys.exit(f"error: {page} lacks one of the marks between which a table stands: {begin} {END}")


def write_tables(page: Path, tables: Mapping[str, str]) -> None:
    """Replace what stands between the marks that a page has; the text around stays."""
    text = page.read_text()
    for command, made in tables.items():
        before, begin, rest = text.partition(mark(command))
        if begin:
            text = f"{before}{begin}\n{made}\n{END}{rest.partition(END)[2]}"
    page.write_text(text)
