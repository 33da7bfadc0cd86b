"""What lies in a data set's folder and is not used."""

from collections.abc import Iterable
from dataclasses import dataclass, field

Left = tuple[str, str]  # why it is not used, path below the folder
NAMED = 3  # of each reason


@dataclass(frozen=True)
class Unused:
    """What was found and left alone.

    Attributes:
        counts: reason -> how many.
        first: reason -> the first few of them, paths below the folder.
    """

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, left: Iterable[Left]) -> "Unused":
        counts: dict[str, int] = {}
        first: dict[str, tuple[str, ...]] = {}
        for reason, path in left:
            counts[reason] = counts.get(reason, 0) + 1
            if counts[reason] <= NAMED:
                first[reason] = (*first.get(reason, ()), path)
        return cls(counts, first)

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __str__(self) -> str:
        """ "12 found and not used: 7 .txt (a.txt, b.txt, c.txt, ...), 5 in subfolders of classes (...)"."""
        reasons = (
            f"{count} {reason} ({', '.join(self.first[reason])}{', ...' if count > NAMED else ''})"
            for reason, count in self.counts.items()
        )
        return f"{len(self)} found and not used: {', '.join(reasons)}"
