"""Tables in Markdown pages, between marks that name the command that writes them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

BEGIN, END = "<!-- table: ", "<!-- end of table -->"


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    first, *rest = (
        "|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in (header, *lines)
    )
    return "\n".join((first, "|---" * len(header) + "|", *rest))


def mark(command: str) -> str:
    """What stands above a table."""
    return f"{BEGIN}python -m benchmarks.{command} -->"


def require_marks(page: Path, commands: Iterable[str]) -> None:
    """Raises ValueError where a table has no place, or no end before another one begins."""
    text = page.read_text()
    for begin in map(mark, commands):
        inside, end, _ = text.partition(begin)[2].partition(END)
        if not end or BEGIN in inside:
            raise ValueError(f"{page} lacks one of the marks between which a table stands: {begin} {END}")


def write_tables(page: Path, tables: Mapping[str, str]) -> None:
    """Replace what stands between the marks that a page has; the text around stays.

    Raises ValueError as `require_marks`, of those that it has.
    """
    text = page.read_text()
    require_marks(page, [command for command in tables if mark(command) in text])
    for command, made in tables.items():
        before, begin, rest = text.partition(mark(command))
        if begin:
            text = f"{before}{begin}\n{made}\n{END}{rest.partition(END)[2]}"
    page.write_text(text)
