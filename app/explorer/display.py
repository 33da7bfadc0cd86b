"""How a clip is displayed, beside its block and frame: what a link may ask for, in the words of viewer.js."""

from analysis.map_values import NORMALISATIONS
from app.explorer.payload import PALETTES
from atr.options import OVERLAY_STYLES

HUNDREDTHS = tuple(f"{part / 100:g}" for part in range(101))

DISPLAY = {
    "values": tuple(NORMALISATIONS),
    "overlay": OVERLAY_STYLES,
    "opacity": HUNDREDTHS,
    "palette": PALETTES,
    "threshold": HUNDREDTHS,
    "interpolation": ("smooth", "cells"),
    "masks": ("shown",),
}
