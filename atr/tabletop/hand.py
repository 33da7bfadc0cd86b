"""A drawn hand with its sleeve. The origin is the point it grips; fingers point to -y, the arm to +y."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from atr.tabletop.backgrounds import choose
from atr.tabletop.solids import PALETTES
from atr.tabletop.sprites import Brush, Colour, Sprite, darken, lighten, mix

SKINS: tuple[Colour, ...] = (
    (250, 214, 186),
    (238, 190, 152),
    (220, 164, 122),
    (188, 128, 88),
    (144, 94, 62),
    (100, 66, 48),
)
# Joints, each for the closed hand and for the open one; units of a tenth of the frame or so.
THUMB = ([(-0.34, 1.45), (-0.74, 0.86), (-0.5, 0.14)], [(-0.34, 1.45), (-0.86, 0.88), (-0.98, 0.2)])
FINGERS = (
    ([(-0.38, 0.78), (-0.36, 0.2), (-0.18, -0.16)], [(-0.38, 0.78), (-0.46, 0.1), (-0.52, -0.42)]),
    ([(-0.13, 0.66), (-0.1, 0.06), (0.02, -0.3)], [(-0.13, 0.66), (-0.15, -0.1), (-0.16, -0.72)]),
    ([(0.13, 0.68), (0.18, 0.08), (0.22, -0.24)], [(0.13, 0.68), (0.18, -0.06), (0.22, -0.64)]),
    ([(0.37, 0.84), (0.44, 0.34), (0.4, 0.04)], [(0.37, 0.84), (0.5, 0.24), (0.62, -0.24)]),
)
PALM = np.array(
    [(-0.5, 0.72), (-0.3, 0.58), (0, 0.52), (0.3, 0.58), (0.5, 0.76), (0.52, 1.3), (0.4, 1.95), (-0.4, 1.95)]
    + [(-0.52, 1.4)]
)
POSES = 4  # sprites between the open hand and the closed one


@dataclass
class Hand:
    """The looks of one arm; its sprites are drawn when first asked for.

    thumb: -1 when it is left on a hand that points up, else 1; light: unit vector towards the light, in
    the world; angle: typical orientation of the hand, from which it is lit; length: from the grip to the end of the
    sleeve.
    """

    seed: int
    thumb: int
    light: tuple[float, float]
    angle: float
    size: float
    length: float = 1.24
    poses: dict[int, Sprite] = field(default_factory=dict, init=False)

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        self.skin = choose(rng, SKINS)
        self.unit = 0.1 * rng.uniform(0.98, 1.14)
        self.cuff = rng.uniform(2.15, 3.0)
        c, s = math.cos(self.angle), math.sin(self.angle)
        self.lit = (c * self.light[0] + s * self.light[1], -s * self.light[0] + c * self.light[1])
        self.rng = rng

    def sprite(self, openness: float) -> Sprite:
        """The hand without its sleeve. openness: 0 gripping .. 1 open."""
        pose = round(min(max(openness, 0.0), 1.0) * (POSES - 1))
        if pose not in self.poses:
            self.poses[pose] = self._draw(pose / (POSES - 1))
        return self.poses[pose]

    def _draw(self, openness: float) -> Sprite:
        skin, light = self.skin, self.lit
        brush = Brush(self.unit, self.size, -1.15, -0.95, 1.15, self.cuff + 0.4, light)
        outline, bright = darken(skin, 0.34), lighten(skin, 0.16)
        flip = np.array((-self.thumb, 1))  # everything below is written for a thumb on the left

        def limb(points, width):
            brush.path(points, width + 0.07, outline)
            brush.path(points, width, skin)
            brush.path(points + (0.05 * light[0], 0.05 * light[1]), width * 0.5, bright)

        def posed(closed, opened):
            closed, opened = np.array(closed), np.array(opened)
            return (closed + (opened - closed) * openness) * flip

        brush.polygon([(-0.4, 1.8), (0.4, 1.8), (0.46, 3.4), (-0.46, 3.4)], skin)  # forearm
        limb(posed(*THUMB), 0.27)
        brush.polygon(PALM * flip, skin)
        brush.shade(0.32, 0.12)
        brush.glow(-0.05 * self.thumb, 1.15, 0.5, 0.6, 0.22, lighten(skin, 0.5))
        brush.glow(0, self.cuff + 0.1, 0.8, 0.3, 0.5, darken(skin, 0.7))
        nail = lighten(mix(skin, (236, 150, 140), 0.3), 0.35)
        for finger, width in zip(FINGERS[::-1], (0.2, 0.24, 0.25, 0.24), strict=True):
            base, joint, tip = posed(*finger)
            limb(np.stack([base, joint, tip]), width)
            bend = (tip - joint) / np.linalg.norm(tip - joint)
            x, y = tip + 0.02 * bend
            brush.ellipse(x, y, 0.09, 0.07, nail, math.atan2(bend[1], bend[0]))
            brush.path([joint - (0.06, 0), joint + (0.06, 0)], 0.035, mix(skin, outline, 0.6))
        for finger in FINGERS:
            x, y = np.array(finger[0][0]) * flip
            brush.glow(x, y + 0.05, 0.14, 0.12, 0.35, bright)
        return brush.sprite(shadow_softness=0.02)

    @cached_property
    def sleeve(self) -> Sprite:
        rng, cuff, end = self.rng, self.cuff, self.length * 10
        brush = Brush(self.unit, self.size, -1.05, cuff - 0.1, 1.05, end + 0.1, self.lit)
        palette = choose(rng, PALETTES)
        first, second = (palette[int(k)] for k in rng.permutation(len(palette))[:2])
        edge, far = rng.uniform(0.64, 0.74), 0.95
        brush.polygon([(-edge, cuff), (edge, cuff), (far, end), (-far, end)], first)
        style = int(rng.integers(4))
        rows = np.arange(cuff + 0.6, end, 0.62)
        halves = edge + (far - edge) * (rows - cuff) / (end - cuff)
        if style == 0:  # hoops
            for y, half in zip(rows, halves, strict=True):
                brush.rectangle(0, y, half, 0.15, second)
        elif style == 1:  # checks
            for x in (-0.42, 0.0, 0.42):
                brush.rectangle(x, (cuff + end) / 2, 0.07, (end - cuff) / 2, mix(first, second, 0.6))
            for y, half in zip(rows, halves, strict=True):
                brush.rectangle(0, y, half, 0.07, mix(first, second, 0.6))
        elif style == 2:  # dots
            for k, y in enumerate(rows):
                for x in (-0.4, 0.1, 0.6) if k % 2 else (-0.6, -0.15, 0.35):
                    brush.ellipse(x, y, 0.1, 0.1, second)
        brush.rectangle(0, cuff + 0.18, edge + 0.05, 0.18, choose(rng, [darken(first, 0.2), second]), 0.06)
        x, y = brush.grid()
        side = 1.0 if self.lit[0] > 0 else -1.0
        tone = 1.08 - 0.42 * np.clip(np.abs(x - 0.25 * side), 0, 1.1) ** 2 + 0 * y
        for _ in range(5):  # folds
            at, slope = rng.uniform(cuff + 0.6, max(9, 0.75 * end)), rng.uniform(-0.5, 0.5)
            rows = slice(*np.searchsorted(y[:, 0], (at - 1, at + 1)))
            tone[rows] -= 0.14 * np.exp(-(((y[rows] - at - slope * x) / 0.12) ** 2))
        brush.tone(tone.astype(np.float32))
        return brush.sprite(shadow_softness=0.02)
