"""What painted things share: palettes, and the shapes and shading of simple solids."""

from __future__ import annotations

import cv2
import numpy as np

from atr.tabletop.sprites import SUBPIXEL_BITS, Brush, Colour, darken, lighten, unit_arc

# One palette colours all painted things of a clip.
PALETTES: tuple[tuple[Colour, ...], ...] = (
    ((214, 84, 66), (240, 176, 76), (58, 124, 140), (34, 64, 96), (238, 226, 200)),
    ((232, 110, 96), (92, 158, 152), (244, 208, 120), (72, 84, 128), (246, 238, 226)),
    ((66, 104, 176), (226, 120, 70), (120, 176, 128), (238, 206, 96), (206, 76, 96)),
    ((148, 72, 124), (236, 150, 92), (88, 132, 190), (244, 216, 150), (72, 92, 88)),
    ((52, 140, 112), (236, 188, 84), (220, 96, 72), (240, 232, 214), (60, 76, 110)),
    ((198, 64, 72), (60, 110, 168), (246, 196, 70), (104, 164, 104), (236, 236, 232)),
    ((176, 124, 186), (96, 180, 190), (238, 132, 120), (250, 214, 134), (86, 90, 136)),
)


def paints(rng, palette, count: int) -> list[Colour]:
    """`count` different colours."""
    return [palette[int(k)] for k in rng.permutation(len(palette))[:count]]


def arc(rx, ry, y, start, end) -> np.ndarray:
    return unit_arc(start, end) * (rx, ry) + (0, y)


def barrel(rx, ry, top, bottom, narrowing) -> np.ndarray:
    """Side of a standing cylinder or cone: upper rim to lower rim, radius rx above and `narrowing` below."""
    return np.concatenate([arc(rx, ry, top, 180, 360), arc(narrowing, ry * narrowing / rx, bottom, 0, 180)])


def slab(brush: Brush, colour: Colour, half_width, top, edge, bottom) -> None:
    """A box seen from above and in front: its top from `top` to `edge`, its front from `edge` to `bottom`."""
    brush.polygon(
        [(-half_width, top), (half_width, top), (half_width, bottom), (-half_width, bottom)], colour
    )
    brush.polygon(
        [(-half_width, edge), (half_width, edge), (half_width, bottom), (-half_width, bottom)],
        darken(colour, 0.28),
    )
    brush.path([(-half_width, edge), (half_width, edge)], 0.05, lighten(colour, 0.35))


def sphere(brush: Brush) -> None:
    """Shade everything drawn so far as one ball of radius 1."""
    x, y = brush.grid()
    z = np.sqrt(np.clip(1.04 - x * x - y * y, 0, None))
    facing = 0.55 * (x * brush.light[0] + y * brush.light[1]) + 0.75 * z
    brush.tone(0.58 + 0.58 * facing)
    brush.glow(0.4 * brush.light[0], 0.4 * brush.light[1], 0.36, 0.36, 0.8)


def cylinder(brush: Brush, radius) -> None:
    """Shade as an upright cylinder: light comes from one side."""
    x, _ = brush.grid()
    x = np.clip(x / radius, -1, 1)
    side = 1.0 if brush.light[0] > 0 else -1.0
    tone = np.maximum(1.1 - 0.5 * (x - 0.4 * side) ** 2, 0.6)
    brush.tone(np.broadcast_to(tone, brush.image.shape[:2]))


def lengthwise(brush: Brush, radius) -> None:
    """Shade as a lying cylinder along x."""
    _, y = brush.grid()
    y = np.clip(y / radius, -1, 1)
    side = 1.0 if brush.light[1] > 0 else -1.0
    tone = np.maximum(1.12 - 0.42 * (y - 0.4 * side) ** 2, 0.6)
    brush.tone(np.broadcast_to(tone, brush.image.shape[:2]))


def hollow(brush: Brush, outline) -> None:
    """Cut a hole."""
    solid = np.full(brush.image.shape[:2], 255, np.uint8)
    cv2.fillPoly(solid, [brush.points(outline)], 0, cv2.LINE_AA, SUBPIXEL_BITS)
    brush.image[:] = cv2.multiply(brush.image, cv2.merge([solid] * 4), scale=1 / 255)
