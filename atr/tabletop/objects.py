"""The kinds of things on the table, and one thing with its sprite."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from atr.tabletop import containers, handhelds
from atr.tabletop.sprites import Brush, Colour, Sprite


@dataclass(frozen=True)
class Kind:
    """draw: the painter; reach: its typical radius over that of a ball; flat: it lies on the table in any
    orientation; rolls: it turns as it moves; box: left, top, right, bottom of the sprite in radii."""

    name: str
    draw: Callable
    reach: float = 1.0
    flat: bool = False
    rolls: bool = False
    box: tuple[float, float, float, float] = (-1.1, -1.1, 1.1, 1.1)


_LOW = (-1.05, -0.45, 1.05, 0.45)
KINDS: tuple[Kind, ...] = (
    Kind("ball", handhelds.ball, 0.9, rolls=True),
    Kind("apple", handhelds.apple, 0.9),
    Kind("orange", handhelds.orange, 0.86, rolls=True),
    Kind("banana", handhelds.banana, 1.25, flat=True, box=(-1.2, -0.65, 1.2, 0.6)),
    Kind("cup", handhelds.cup, 1.08),
    Kind("can", handhelds.can, 1.05, box=(-0.7, -1, 0.7, 1.05)),
    Kind("bottle", handhelds.bottle, 1.5, flat=True, box=_LOW),
    Kind("book", handhelds.book, 1.2, flat=True),
    Kind("plate", handhelds.plate, 1.12, flat=True),
    Kind("toy car", handhelds.toy_car, 1.15, flat=True, box=(-1.05, -0.68, 1.05, 0.68)),
    Kind("phone", handhelds.phone, 1.15, flat=True, box=(-0.62, -1.08, 0.62, 1.08)),
    Kind("spoon", handhelds.spoon, 1.45, flat=True, box=_LOW),
    Kind("pen", handhelds.pen, 1.45, flat=True, box=_LOW),
    Kind("block", handhelds.block, 0.9),
    Kind("box", handhelds.box, 1.05),
    Kind("tape", handhelds.tape, 0.95, flat=True),
    Kind("bowl", containers.bowl, 1.5, box=(-1.08, -0.95, 1.08, 1.02)),
    Kind("crate", containers.crate, 1.45),
    Kind("napkin", containers.napkin, 1.45, flat=True),
    Kind("dome", containers.dome, 1.35),
    Kind("cabinet", containers.cabinet, 1.6),
    Kind("drawer", containers.drawer, 1.6, box=(-1.0, -1.4, 1.0, 0.2)),
    Kind("chest", containers.chest, 1.5),
    Kind("lid", containers.lid, 1.5, box=(-1.1, -0.1, 1.1, 1.55)),
)
OBJECT_KINDS: tuple[str, ...] = tuple(kind.name for kind in KINDS)
SMALL = OBJECT_KINDS[: OBJECT_KINDS.index("bowl")]
# Things whose turning is plain to see.
TURNABLE = ("banana", "bottle", "book", "toy car", "phone", "spoon", "pen")


@dataclass
class Thing:
    """One object of a scene. radius: in frame sides; seed: of its looks; angle: its orientation when the
    scene begins, from which it is lit; part: "whole", or "front" for the front wall of a container."""

    kind: int
    radius: float
    seed: int
    palette: tuple[Colour, ...]
    light: tuple[float, float]
    angle: float = 0.0
    part: str = "whole"
    size: float = 96

    @cached_property
    def sprite(self) -> Sprite:
        kind = KINDS[self.kind]
        c, s = math.cos(self.angle), math.sin(self.angle)
        light = (c * self.light[0] + s * self.light[1], -s * self.light[0] + c * self.light[1])
        brush = Brush(self.radius, self.size, *kind.box, light)
        extra = {} if self.part == "whole" else {"part": self.part}
        kind.draw(brush, np.random.default_rng(self.seed), self.palette, **extra)
        return brush.sprite()
