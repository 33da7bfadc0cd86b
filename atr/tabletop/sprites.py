"""Sprites: small premultiplied RGBA pictures, drawn once per clip and placed in every frame by an affine map.

Lengths are fractions of the frame's side throughout, so a scene looks the same at every size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

SUPERSAMPLING = 2  # sprite pixels per frame pixel; bilinear sampling at this ratio is an exact box filter
SUBPIXEL_BITS = 4

Colour = tuple[float, float, float]


def mix(first: Colour, second: Colour, amount: float) -> Colour:
    """`first` for amount 0, `second` for amount 1."""
    red, green, blue = ((1 - amount) * a + amount * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def lighten(colour: Colour, amount: float) -> Colour:
    return mix(colour, (255, 252, 244), amount)


def darken(colour: Colour, amount: float) -> Colour:
    return mix(colour, (24, 18, 32), amount)


@dataclass(frozen=True)
class Sprite:
    """rgba: premultiplied uint8 (h, w, 4); shadow: uint8 (h', w') soft silhouette at half the resolution.

    pixels: sprite pixels per frame side; origin: the sprite pixel (x, y) that is placed at a pose's position.
    """

    rgba: np.ndarray
    shadow: np.ndarray
    pixels: float
    origin: tuple[float, float]
    shadow_padding: int


@dataclass(frozen=True)
class Pose:
    """Where something is: x, y in the world (the frame is about [0, 1] x [0, 1], y down), angle in radians
    clockwise, height above the table, stretch along the object's own two axes; unit: how long the unit of its
    sprite's radius and of `height` is in the world (see `Spot`)."""

    x: float
    y: float
    angle: float = 0.0
    height: float = 0.0
    scale: float = 1.0
    stretch: tuple[float, float] = (1.0, 1.0)
    unit: float = 1.0


@dataclass(frozen=True)
class Spot:
    """A small world inside the world: its [0, 1] x [0, 1] covers a square of side `unit` whose upper left corner is
    at (x, y). Things of a spot are drawn `unit` times as large."""

    x: float = 0.0
    y: float = 0.0
    unit: float = 1.0

    def outside(self, pose: Pose) -> Pose:
        """A pose of this world as one of the world around it."""
        x, y = self.x + self.unit * pose.x, self.y + self.unit * pose.y
        return Pose(x, y, pose.angle, pose.height, pose.scale, pose.stretch, self.unit)

    def inside(self, x: float, y: float) -> tuple[float, float]:
        """A point of the world around as one of this world."""
        return (x - self.x) / self.unit, (y - self.y) / self.unit


class Brush:
    """Draws one sprite in the coordinates of an object: lengths in units of `radius`, x right, y down."""

    def __init__(
        self, radius: float, size: float, left: float, top: float, right: float, bottom: float, light
    ):
        self.scale = radius * size * SUPERSAMPLING  # pixels per unit
        margin = 3
        width = math.ceil((right - left) * self.scale) + 2 * margin
        height = math.ceil((bottom - top) * self.scale) + 2 * margin
        self.origin = (margin - left * self.scale, margin - top * self.scale)
        self.image = np.zeros((height, width, 4), np.uint8)
        self.light = light  # unit vector towards the light, in the object's axes
        self.pixels = size * SUPERSAMPLING

    def points(self, points) -> np.ndarray:
        one = 1 << SUBPIXEL_BITS
        offset = (self.origin[0] * one + 0.5, self.origin[1] * one + 0.5)
        return (np.asarray(points, np.float64) * (self.scale * one) + offset).astype(np.int32)

    def polygon(self, points, colour: Colour) -> None:
        cv2.fillPoly(self.image, [self.points(points)], (*colour, 255), cv2.LINE_AA, SUBPIXEL_BITS)

    def ellipse(
        self, x, y, rx, ry, colour: Colour, angle: float = 0.0, start: float = 0, end: float = 360
    ) -> None:
        """Filled ellipse, or the sector from `start` to `end` degrees."""
        outline = unit_arc(start, end) * (rx, ry)
        if angle:
            c, s = math.cos(angle), math.sin(angle)
            outline = outline @ np.array([[c, s], [-s, c]])
        self.polygon(outline + (x, y), colour)

    def ring(self, x, y, rx, ry, width, colour: Colour, start: float = 0, end: float = 360) -> None:
        self.path(unit_arc(start, end) * (rx, ry) + (x, y), width, colour)

    def path(self, points, width, colour: Colour) -> None:
        """Open line with round ends."""
        thickness = max(1, round(width * self.scale))
        cv2.polylines(
            self.image, [self.points(points)], False, (*colour, 255), thickness, cv2.LINE_AA, SUBPIXEL_BITS
        )

    def rectangle(self, x, y, half_width, half_height, colour: Colour, corner: float = 0.0) -> None:
        if corner == 0:
            corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
            return self.polygon(np.array(corners) * (half_width, half_height) + (x, y), colour)
        corner = min(corner, half_width, half_height)
        self.polygon(_ROUND * corner + _SIGN * (half_width - corner, half_height - corner) + (x, y), colour)

    def glow(self, x, y, rx, ry, strength: float, colour: Colour = (255, 255, 255)) -> None:
        """Soft highlight (or, with a dark colour, soft shade) on what is drawn already."""
        height, width = self.image.shape[:2]
        left, top = (x - rx) * self.scale + self.origin[0], (y - ry) * self.scale + self.origin[1]
        columns = slice(max(0, math.floor(left)), min(width, math.ceil(left + 2 * rx * self.scale) + 1))
        rows = slice(max(0, math.floor(top)), min(height, math.ceil(top + 2 * ry * self.scale) + 1))
        size = (columns.stop - columns.start, rows.stop - rows.start)
        if min(size) <= 0:
            return
        n = _blob().shape[0]
        matrix = np.array(
            [
                [2 * rx * self.scale / n, 0, left - columns.start],
                [0, 2 * ry * self.scale / n, top - rows.start],
            ]
        )
        amount = cv2.warpAffine(_blob(), matrix, size)[..., None] * np.float32(strength)
        patch = self.image[rows, columns]
        target = patch[..., 3:] * (np.array(colour, np.float32) / 255)
        patch[..., :3] = patch[..., :3] * (1 - amount) + target * amount

    def shade(self, strength: float = 0.5, softness: float = 0.18) -> None:
        """Round the silhouette off: brighter where its outline faces the light, darker on the other side."""
        alpha = cv2.extractChannel(self.image, 3)
        sigma = max(0.6, softness * self.scale)
        slope_x, slope_y = cv2.spatialGradient(cv2.GaussianBlur(alpha, (0, 0), sigma))
        # A blurred step has slope 255 / (sqrt(2 pi) sigma); the Sobel kernel multiplies by 8.
        gain = -strength * sigma * math.sqrt(2 * math.pi) / (255 * 8)
        shading = cv2.addWeighted(
            slope_x, gain * self.light[0], slope_y, gain * self.light[1], 1.0, dtype=cv2.CV_32F
        )
        rgb = cv2.multiply(
            cv2.cvtColor(self.image, cv2.COLOR_RGBA2RGB),
            cv2.cvtColor(shading, cv2.COLOR_GRAY2RGB),
            dtype=cv2.CV_8U,
        )
        self.image[..., :3] = cv2.min(rgb, cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB))

    def tone(self, amount: np.ndarray) -> None:
        """Multiply the colours by a field (h, w)."""
        rgb = self.image[..., :3] * amount[..., None]
        self.image[..., :3] = np.minimum(rgb, self.image[..., 3:])

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates x (1, w) and y (h, 1) of the sprite's pixels."""
        height, width = self.image.shape[:2]
        x = (np.arange(width, dtype=np.float32) - self.origin[0]) / self.scale
        y = (np.arange(height, dtype=np.float32) - self.origin[1]) / self.scale
        return x[None, :], y[:, None]

    def sprite(self, shadow_softness: float = 0.018) -> Sprite:
        """shadow_softness: standard deviation of the shadow's blur."""
        padding = math.ceil(3 * shadow_softness * self.pixels / 2)
        height, width = self.image.shape[:2]
        alpha = cv2.extractChannel(self.image, 3)
        half = cv2.resize(alpha, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        half = cv2.copyMakeBorder(half, padding, padding, padding, padding, cv2.BORDER_CONSTANT, value=0)
        shadow = cv2.GaussianBlur(half, (0, 0), shadow_softness * self.pixels / 2)
        return Sprite(self.image, shadow, self.pixels, self.origin, padding)


_TURN = np.linspace(0, 2 * math.pi, 24, endpoint=False) + math.pi / 24
_ROUND = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)
_SIGN = np.sign(_ROUND)


@lru_cache(maxsize=256)
def unit_arc(start: float, end: float) -> np.ndarray:
    """Points of the unit circle from `start` to `end` degrees, clockwise from the right, (33, 2)."""
    turn = np.linspace(math.radians(start), math.radians(end), 33)
    return np.stack([np.cos(turn), np.sin(turn)], 1)


@lru_cache(maxsize=1)
def _blob() -> np.ndarray:
    axis = np.linspace(-1, 1, 32, dtype=np.float32) ** 2
    return np.clip(1 - axis[:, None] - axis[None, :], 0, 1) ** 1.5


@dataclass
class Picture:
    """A frame (or the larger still background) being painted.

    rgb: uint8 (h, w, 3); ids: uint8 (h, w); view: float (2, 3), maps the world to the picture's pixels;
    light: unit vector towards the light, in the world.
    """

    rgb: np.ndarray
    ids: np.ndarray
    view: np.ndarray
    light: tuple[float, float] = field(default=(-0.6, -0.8))

    def place(self, sprite: Sprite, pose: Pose, identity: int) -> None:
        """Paint a sprite's shadow, then the sprite."""
        self.shadow(sprite, pose)
        self.paint(sprite, pose, identity)

    def paint(self, sprite: Sprite, pose: Pose, identity: int) -> None:
        """Paint a sprite without its shadow. `identity` is written to `ids` where it is opaque."""
        scale = pose.scale * pose.unit * (1 + 0.9 * pose.height)
        # Seen obliquely, something held above the table appears further up in the picture.
        matrix = self._matrix(sprite, pose, scale, pose.x, pose.y - 0.35 * pose.height * pose.unit)
        placed = self._warp(sprite.rgba, matrix)
        if placed is None:
            return
        patch, rows, columns = placed
        alpha = cv2.extractChannel(patch, 3)
        under = self.rgb[rows, columns]
        under = cv2.multiply(under, cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2RGB), scale=1 / 255)
        self.rgb[rows, columns] = cv2.add(under, cv2.cvtColor(patch, cv2.COLOR_RGBA2RGB))
        self.ids[rows, columns][alpha > 127] = identity

    def shadow(self, sprite: Sprite, pose: Pose) -> None:
        offset = (0.014 + 0.45 * pose.height) * pose.unit
        x, y = pose.x - self.light[0] * offset, pose.y - self.light[1] * offset * 0.8
        matrix = self._matrix(sprite, pose, pose.scale * pose.unit * (1 + 0.35 * pose.height), x, y)
        matrix[:, 2] += matrix[:, :2] @ np.full(2, 0.5 - 2 * sprite.shadow_padding)
        matrix[:, :2] *= 2
        placed = self._warp(sprite.shadow, matrix)
        if placed is None:
            return
        patch, rows, columns = placed
        remaining = cv2.convertScaleAbs(patch, alpha=-0.55 * (1 - 0.9 * min(pose.height, 0.7)), beta=255)
        self.rgb[rows, columns] = cv2.multiply(
            self.rgb[rows, columns], cv2.cvtColor(remaining, cv2.COLOR_GRAY2RGB), scale=1 / 255
        )

    def _matrix(self, sprite: Sprite, pose: Pose, scale: float, x: float, y: float) -> np.ndarray:
        """Sprite pixels -> picture pixels, (2, 3): view @ rotation @ stretch, its origin going to (x, y)."""
        (a, b, e), (c, d, f) = self.view.tolist()
        cosine, sine = (
            math.cos(pose.angle) * scale / sprite.pixels,
            math.sin(pose.angle) * scale / sprite.pixels,
        )
        wide, high = pose.stretch
        xx, xy = (a * cosine + b * sine) * wide, (b * cosine - a * sine) * high
        yx, yy = (c * cosine + d * sine) * wide, (d * cosine - c * sine) * high
        left, top = sprite.origin
        return np.array(
            [
                [xx, xy, a * x + b * y + e - xx * left - xy * top],
                [yx, yy, c * x + d * y + f - yx * left - yy * top],
            ]
        )

    def _warp(self, image: np.ndarray, matrix: np.ndarray):
        """The part of the warped image inside the picture, and the rows and columns it goes to; or None."""
        height, width = image.shape[:2]
        (a, b, x), (c, d, y) = matrix.tolist()
        xs = (x, x + a * width, x + b * height, x + a * width + b * height)
        ys = (y, y + c * width, y + d * height, y + c * width + d * height)
        left, top = max(0, math.floor(min(xs)) - 1), max(0, math.floor(min(ys)) - 1)
        right = min(self.rgb.shape[1], math.ceil(max(xs)) + 2)
        bottom = min(self.rgb.shape[0], math.ceil(max(ys)) + 2)
        if left >= right or top >= bottom or abs(a * d - b * c) < 1e-9:
            return None
        matrix[0, 2] -= left
        matrix[1, 2] -= top
        patch = cv2.warpAffine(image, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        return patch, slice(top, bottom), slice(left, right)
