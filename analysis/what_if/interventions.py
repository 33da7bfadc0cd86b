"""What if: the frames of a clip in another order, a part of every frame hidden, actionness made uniform.

Frames are one clip as a data set gives it, uint8 (T, H, W, 3); what is returned is exactly what the model is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from analysis.what_if.hiding import FILLS, HIDDEN, filling, hidden_positions, hide
from analysis.what_if.replaced_actionness import ACTIONNESS, changed_actionness
from atr.models import VideoClassifier
from atr.options import require
from atr.results.predict import class_probabilities

ORDERS = ("as it is", "reversed", "shuffled", "frozen")


@dataclass(frozen=True)
class Intervention:
    """What is done to a clip and its model; the defaults do nothing.

    Attributes:
        order: of the frames, `frame_order`.
        seed: of the shuffled order and of the positions hidden at random.
        step: the frame that is shown all the time in the order "frozen", 0-based.
        hide: the positions with the highest actionness ("top"), with the lowest ("bottom"), or random ones.
        share: of the positions of every frame that are hidden, 0 to 1.
        block: whose actionness, and whose positions; None where nothing is hidden.
        fill: what is put in the place of hidden pixels, `filling`.
        actionness: M as "computed"; "zero" or "mean", the same everywhere, `uniform_actionness`; "not in AFA" or "not in
            AFD", `withheld_actionness`.

    Raises:
        ValueError: a value is not one of those allowed.
    """

    order: str = "as it is"
    seed: int = 0
    step: int = 0
    hide: str = "nothing"
    share: float = 0.2
    block: str | None = None
    fill: str = "mean"
    actionness: str = "computed"

    def __post_init__(self) -> None:
        require("order", self.order, ORDERS)
        require("hide", self.hide, HIDDEN)
        require("fill", self.fill, FILLS)
        require("actionness", self.actionness, ACTIONNESS)
        if not 0 <= self.share <= 1:
            raise ValueError(f"share = {self.share} is not allowed; allowed: 0 to 1")
        if self.hide != "nothing" and self.block is None:
            raise ValueError(f"hide = {self.hide!r} needs the block whose positions are meant")

    @property
    def changes_nothing(self) -> bool:
        return (self.order, self.hide, self.actionness) == ("as it is", "nothing", "computed")


@dataclass(frozen=True)
class Outcome:
    """What a model was given and what it made of it.

    frames: uint8 (T, H, W, 3). order: int (T,), which of the clip's frames each was. hidden: bool (T, h, w), the hidden
    positions, None where none are. probabilities: float32 (num_classes,).
    """

    frames: np.ndarray
    order: np.ndarray
    hidden: np.ndarray | None
    probabilities: np.ndarray


def intervene(model: VideoClassifier, frames: np.ndarray, intervention: Intervention) -> Outcome:
    """One clip under an intervention. The order comes first: hidden is what the model looks at in the ordered clip.

    Raises:
        ValueError: there is no such block or frame, or the positions are to be ranked by an actionness that the block
            has not.
    """
    order = frame_order(intervention.order, len(frames), seed=intervention.seed, step=intervention.step)
    given, hidden = frames[order], None
    if intervention.hide != "nothing":
        hidden = hidden_positions(
            model,
            given,
            cast(str, intervention.block),  # what hides has one
            which=intervention.hide,
            share=intervention.share,
            seed=intervention.seed,
        )
        given = hide(given, hidden, filling(given, intervention.fill))
    with changed_actionness(model, intervention.actionness):
        probabilities = class_probabilities(model, given[None])[0].cpu().numpy()
    return Outcome(given, order, hidden, probabilities)


def frame_order(kind: str, num_frames: int, *, seed: int | Sequence[int] = 0, step: int = 0) -> np.ndarray:
    """Which of T frames is shown at each time step, int (T,).

    "reversed" plays the sampled frames backwards (they are not sampled anew); "shuffled" is a random permutation of
    `seed`, never the identity; "frozen" shows frame `step` (0-based) at all times.

    Raises:
        ValueError: `kind` is unknown, there is no frame `step`, or a single frame is to be shuffled.
    """
    require("order", kind, ORDERS)
    steps = np.arange(num_frames)
    if kind == "as it is":
        return steps
    if kind == "reversed":
        return steps[::-1].copy()
    if kind == "frozen":
        if not 0 <= step < num_frames:
            raise ValueError(f"step = {step} is not allowed; allowed: 0 to {num_frames - 1}")
        return np.full(num_frames, step)
    if num_frames < 2:
        raise ValueError("one frame has no other order: it cannot be shuffled")
    generator = np.random.default_rng(seed)
    while np.array_equal(shuffled := generator.permutation(num_frames), steps):
        pass
    return shuffled
