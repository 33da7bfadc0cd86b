"""How strongly the colours of a map cover a frame; opacity.js has the same for the browser.

Maps are normalised (`map_values.normalise`); limits and median are one pair and one number of a whole clip and block.
"""

import numpy as np

from atr.options import OVERLAY_STYLES, require

OPACITY = {"value": 0.85, "flat": 0.55, "signed": 0.85}  # set at first: what covers little may cover it well
SIGNED_COLORMAP = "coolwarm"  # Moreland's: blue below the median, red above it, grey at it
SIGNED_HELP = (
    "What red and blue mark differs from block to block: where the hand is, where it goes, where it left."
)


def opacity_of(values: np.ndarray, median: float, limits: tuple[float, float], style: str) -> np.ndarray:
    """Share of the set opacity, 0 to 1, of each value; same shape as the values.

    "value": 0 up to the median, rising to 1 at the upper limit. "signed": rising with the distance from the median,
    to 1 at either limit of `scale_limits`. "flat": 1.
    """
    require("overlay_style", style, OVERLAY_STYLES)
    values, high = np.asarray(values, float), limits[1]
    if style == "flat":
        return np.ones_like(values)
    distance = np.abs(values - median) if style == "signed" else values - median
    if high <= median:  # half of all values are at the upper limit: none but those beyond it stands out
        return (distance > 0).astype(float)
    return np.clip(distance / (high - median), 0, 1)


def scale_limits(limits: tuple[float, float], median: float, style: str) -> tuple[float, float]:
    """Values of the first and the last colour: the limits; for "signed", the narrowest around them with the median amid."""
    require("overlay_style", style, OVERLAY_STYLES)
    if style != "signed":
        return limits
    reach = max(limits[1] - median, median - limits[0])
    return median - reach, median + reach


def require_signed(style: str, kind: str) -> None:
    """Raises ValueError for the signed style of anything but raw M, which alone has two directions."""
    if style == "signed" and kind != "raw":
        raise ValueError(
            f"overlay_style='signed' is of raw M, not of {kind}; allowed: {', '.join(s for s in OVERLAY_STYLES if s != style)}"
        )
