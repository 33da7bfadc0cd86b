"""How frames are drawn from a clip, as a checkpoint declares it."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from atr.options import require
from atr.schema import shown

Kind = Literal["uniform", "dense"]
SAMPLINGS: tuple[Kind, ...] = get_args(Kind)
WINDOW = 64  # frames, of TSM's and this package's dense sampling
LONGEST_WINDOW = 10**6  # frames, nine hours


@dataclass(frozen=True)
class Sampling:
    """How frames are drawn from a clip: in training at random, in evaluation at fixed places.

    Attributes:
        kind: "uniform", one frame of each of T equal segments; "dense", a window of consecutive frames, every
            (window / T)-th of them.
        window: of dense sampling, in frames.
        stated: whether a checkpoint says so itself; what it does not say is assumed, and whoever answers tells that.

    Raises:
        ValueError: the kind is unknown, or the window no number of frames.
    """

    kind: Kind = "uniform"
    window: int = WINDOW
    stated: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        require("sampling", self.kind, SAMPLINGS)
        if type(self.window) is not int or not 1 <= self.window <= LONGEST_WINDOW:
            raise ValueError(
                f"window={shown(self.window)} is not possible; allowed: a number of frames, 1 to {LONGEST_WINDOW:,}"
            )

    @classmethod
    def of_facts(cls, facts: dict, num_frames: int) -> "Sampling":
        """As the facts of a checkpoint of T = `num_frames` have it; `ASSUMED` where they do not say."""
        if "sampling" not in facts:
            return ASSUMED
        found = cls(facts["sampling"], facts.get("window", WINDOW))
        found.require_room(num_frames)
        return found

    def facts(self) -> dict:
        """For a checkpoint; {} where nobody has said."""
        if not self.stated:
            return {}
        different = self.kind == "dense" and self.window != WINDOW
        return {"sampling": self.kind} | ({"window": self.window} if different else {})

    def require_room(self, num_frames: int) -> None:
        """Raises ValueError where T frames do not fit in the window."""
        if self.kind == "dense" and self.window < num_frames:
            raise ValueError(
                f"window={self.window} is not possible; allowed: {num_frames} frames or more, as many as the model takes"
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads an answer should know."""
        if self.stated:
            return ()
        return (f"The checkpoint does not state its sampling; {self} is assumed.",)

    def __str__(self) -> str:
        return "uniform sampling" if self.kind == "uniform" else f"dense sampling of {self.window} frames"


ASSUMED = Sampling(stated=False)
