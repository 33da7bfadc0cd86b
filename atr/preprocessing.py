"""How frames are prepared for a model: sizes and normalisation."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from msgspec import Meta

from atr.options import require_options

MOST_SIDE = 8192  # pixels
Pixels = Annotated[int, Meta(ge=1, le=MOST_SIDE)]
Mean = Annotated[float, Meta(ge=-1000, le=1000)]
Std = Annotated[float, Meta(gt=0, le=1000)]
Fit = Literal["crop", "squeeze"]


@dataclass(frozen=True)
class Preprocessing:
    """How frames are prepared for a model; saved in its checkpoint.

    short_side: length in pixels the shorter side is resized to. crop: side of the square cut from the centre.
    mean, std: per channel (RGB, values in [0, 1]); the defaults are ImageNet's. fit: "crop", the longer side is resized
    as the shorter one is; "squeeze", it is resized to `short_side` too, so that the square shows the whole frame where
    `crop` is `short_side`.
    """

    short_side: Pixels = 256
    crop: Pixels = 224
    mean: tuple[Mean, Mean, Mean] = (0.485, 0.456, 0.406)
    std: tuple[Std, Std, Std] = (0.229, 0.224, 0.225)
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        # JSON knows no tuples; equality between a saved and a built instance needs them.
        object.__setattr__(self, "mean", tuple(float(value) for value in self.mean))
        object.__setattr__(self, "std", tuple(float(value) for value in self.std))
        require_options(self)
        if self.crop > self.short_side:
            raise ValueError(f"crop = {self.crop} must not be larger than short_side = {self.short_side}")

    def to_dict(self) -> dict:
        """For JSON. `fit` is in it where it is "squeeze" only: so what is older than the choice keeps its digest."""
        values = asdict(self)
        if self.fit == "crop":
            del values["fit"]
        return values

    @classmethod
    def from_dict(cls, values: dict) -> "Preprocessing":
        """Raises TypeError for an unknown name."""
        return cls(**values)
