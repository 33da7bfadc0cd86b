"""What is on the table of one clip, and who: the action, what else moves, the hands that do nothing, what stands still."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from atr.tabletop.actions import Action, Arm, Stage, Wave, direction, smooth, uniform
from atr.tabletop.backgrounds import choose
from atr.tabletop.hand import Hand
from atr.tabletop.objects import KINDS, Thing
from atr.tabletop.plans import PLANS
from atr.tabletop.solids import PALETTES
from atr.tabletop.sprites import Pose, Spot

BACKGROUND, STILL, DISTRACTOR, ACTED, HAND = range(5)  # values of the masks


@dataclass(frozen=True)
class Recipe:
    """How scenes are made up. Pairs are the lowest and the highest value, of counts both included.

    Attributes:
        unit: side of the square that an action takes place in, in sides of the frame.
        phantoms: actions without a hand, at about the time of the true one.
        attended: phantoms beside which a hand rests.
        sliders: things that slide, roll, turn or hop by themselves.
        bystanders: hands that tap, wave, pass by or hold something still.
        still: things that do not move.
        pan, roll, zoom: of the camera, in sides of the frame, radians, and shares.
        durations: of the action, in lengths of the clip.
        shift: how far the middle of a phantom may be from that of the true action, in lengths of the clip.
    """

    unit: tuple[float, float] = (0.72, 0.92)
    phantoms: tuple[int, int] = (0, 1)
    attended: tuple[int, int] = (0, 2)
    sliders: tuple[int, int] = (0, 1)
    bystanders: tuple[int, int] = (0, 1)
    still: tuple[int, int] = (2, 4)
    pan: tuple[float, float] = (0.01, 0.05)
    roll: float = 0.02
    zoom: float = 0.02
    durations: tuple[float, float] = (0.25, 0.6)
    shift: float = 0.075


RECIPE = Recipe()
NOTHING_ELSE = replace(RECIPE, phantoms=(0, 0), attended=(0, 0), sliders=(0, 0), bystanders=(0, 0))
HABITS = ("tap", "wave", "pass", "hold")  # of bystanders; none is a class


@dataclass
class Group:
    """What belongs together and is drawn together. at: time -> (things with poses, (hand, openness, pose) of each hand)
    in the coordinates of `spot`; things, hands: their values in the masks."""

    spot: Spot
    at: Callable[[float], tuple[list[tuple[Thing, Pose]], list[tuple[Hand, float, Pose]]]]
    things: int
    hands: int = DISTRACTOR

    def placed(self, time: float) -> tuple[list[tuple[Thing, Pose]], list[tuple[Hand, float, Pose]]]:
        things, hands = self.at(time)
        return (
            [(thing, self.spot.outside(pose)) for thing, pose in things],
            [(hand, openness, self.spot.outside(pose)) for hand, openness, pose in hands],
        )


class Cast:
    """All that is drawn on the background of a scene, planned at random in an order that does not depend on `size`.

    Attributes:
        action: what the clip's class says, before it may be reversed.
        groups: what moves, and all hands, in drawing order.
        still: what does not move, with its pose.
    """

    def __init__(self, rng: np.random.Generator, label: int, size: int, recipe: Recipe):
        self.rng, self.size, self.recipe = rng, size, recipe
        azimuth = rng.uniform(-0.85, 0.85)
        self.light = (math.sin(azimuth), -math.cos(azimuth))
        self.palette = choose(rng, PALETTES)
        self.unit = uniform(rng, *recipe.unit)
        self.occupied: list[tuple[float, float, float]] = []
        stage = self._stage()
        self.action: Action = PLANS[label // 2](stage)
        acting = Group(stage.spot, self.action.at, ACTED, HAND)
        self._occupy(acting)
        others = [
            *(self._phantom(attended=False) for _ in range(count(rng, recipe.phantoms))),
            *(self._phantom(attended=True) for _ in range(count(rng, recipe.attended))),
            *(self._slider() for _ in range(count(rng, recipe.sliders))),
            *(self._bystander() for _ in range(count(rng, recipe.bystanders))),
        ]
        self.groups = [others[k] for k in rng.permutation(len(others))]
        # What is drawn later covers what was drawn before: the action is seldom hidden.
        self.groups.insert(int(rng.integers(len(others) // 2, len(others) + 1)), acting)
        self.still = [self._still() for _ in range(count(rng, recipe.still))]

    def _stage(self) -> Stage:
        """A spot about anywhere in the frame, the least crowded of some."""
        unit = self.unit * uniform(self.rng, 0.9, 1.1)
        corners = -0.14 * unit + (1 - 0.72 * unit) * self.rng.beta(0.5, 0.5, (6, 2))
        x, y = corners[0]
        if self.occupied:
            others = np.array(self.occupied)
            distance = np.linalg.norm(corners[:, None] + unit / 2 - others[None, :, :2], axis=-1)
            x, y = corners[int(np.clip(0.45 * unit + others[:, 2] - distance, 0, None).sum(1).argmin())]
        spot = Spot(float(x), float(y), unit)
        return Stage(self.rng, self.palette, self.light, self.size, spot, self.recipe.durations)

    def _occupy(self, group: Group) -> None:
        self.occupied += [
            (pose.x, pose.y, thing.radius * pose.unit)
            for time in (0, 0.25, 0.5, 0.75, 1)
            for thing, pose in group.placed(time)[0]
        ]

    def _free_place(self, stage: Stage, radius: float, path=None) -> tuple[float, float]:
        """Of some random places in the frame, the one where the thing, along its path of offsets, overlaps least; all
        but the place's own coordinates in units of the stage's spot."""
        rng, unit = stage.rng, stage.spot.unit
        offsets = (np.zeros((1, 2)) if path is None else np.asarray(path)) * unit
        low, high = 0.05 - np.minimum(offsets.min(0), 0), 0.95 - np.maximum(offsets.max(0), 0)
        places = low + (high - low) * rng.random((10, 2))
        others = np.array(self.occupied)
        points = places[:, None, None, :] + offsets[None, :, None, :]
        distance = np.linalg.norm(points - others[None, None, :, :2], axis=-1)
        overlap = np.clip(others[:, 2] + radius * unit - distance, 0, None).sum((1, 2))
        x, y = places[int(overlap.argmin())]
        return stage.spot.inside(float(x), float(y))

    def _phantom(self, *, attended: bool) -> Group:
        """Another action, or its reverse, at about the same time, that no hand does; `attended`, one rests beside it."""
        stage, rng, true = self._stage(), self.rng, self.action
        action = choose(rng, PLANS[:8])(stage)  # the last two are nothing without a hand
        length = (true.end - true.start) * uniform(rng, 0.8, 1.2)
        middle = (true.start + true.end) / 2 + self.recipe.shift * uniform(rng, -1, 1)
        action.start = min(max(middle - length / 2, 0.0), 1 - length)
        action.end = action.start + length
        backwards = rng.random() < 0.5
        arm, grip = action.arms[0], action.state(float(rng.random() < 0.5))[1][0]
        resting = self._resting(arm, (grip.x, grip.y), uniform(rng, 0.0, 0.12))
        openness = choose(rng, (0.0, 0.3, 1.0))

        def at(time: float):
            things = action.at(1 - time if backwards else time)[0]
            return things, [(arm.hand, openness, resting(time))] if attended else []

        group = Group(stage.spot, at, DISTRACTOR)
        self._occupy(group)
        return group

    def _resting(self, arm: Arm, place: tuple[float, float], beside: float) -> Callable[[float], Pose]:
        """Where a hand is that rests on the table, `beside` a place on the side of its arm, and sways a little."""
        rng = self.rng
        dx, dy = direction(place, arm.shoulder)
        angle = math.atan2(dy, dx) - math.pi / 2
        sway, turn = [Wave.random(rng, 0.015) for _ in range(2)], Wave.random(rng, 0.06)

        def at(time: float) -> Pose:
            x, y = place[0] + dx * beside + sway[0](time), place[1] + dy * beside + sway[1](time)
            return Pose(x, y, angle + turn(time), 0.04)

        return at

    def _bystander(self) -> Group:
        """A hand that taps, waves, passes by, or holds something still."""
        stage, rng = self._stage(), self.rng
        what = choose(rng, HABITS)
        place = (uniform(rng, 0.25, 0.75), uniform(rng, 0.3, 0.8))
        arm = stage.arm(place, "bblr")
        resting = self._resting(arm, place, 0.0)
        openness = 0.0 if what == "hold" else choose(rng, (0.0, 0.5, 1.0))
        thing = stage.small() if what == "hold" else None
        beat, phase = uniform(rng, 9, 18), uniform(rng, 0, 2 * math.pi)
        wave = Wave.random(rng, 0.4, (2.0, 3.5))
        bearing, length = uniform(rng, -math.pi, math.pi), uniform(rng, 0.5, 0.9)
        duration = uniform(rng, 0.25, 0.6)
        start = uniform(rng, 0, 1 - duration)

        def at(time: float):
            pose = resting(time)
            if what == "tap":
                pose = replace(pose, height=0.12 * max(math.sin(beat * time + phase), 0.0))
            elif what == "wave":
                pose = replace(pose, height=0.14, angle=pose.angle + wave(time))
            elif what == "pass":
                share = smooth((time - start) / duration) - 0.5
                x, y = (
                    pose.x + length * share * math.cos(bearing),
                    pose.y + length * share * math.sin(bearing),
                )
                pose = replace(pose, x=x, y=y, height=0.3)
            held = [] if thing is None else [(thing, replace(pose, angle=thing.angle + pose.angle))]
            return held, [(arm.hand, openness, pose)]

        group = Group(stage.spot, at, DISTRACTOR)
        middle = stage.spot.outside(Pose(*place))
        self.occupied.append((middle.x, middle.y, 0.12 * stage.spot.unit))
        return group

    def _slider(self) -> Group:
        """A thing that slides, rolls, turns or hops by itself."""
        stage, rng = self._stage(), self.rng
        thing = stage.small(0.09, 0.12)
        duration = uniform(rng, 0.4, 0.75)
        start = uniform(rng, 0.0, 1 - duration)
        length, bearing = uniform(rng, 0.3, 0.48), choose(rng, (0, 0, 1, 1, 2, 2, 3, 3, 4)) * math.pi / 2
        if bearing == 2 * math.pi:
            bearing = uniform(rng, 0, 2 * math.pi)
        else:
            bearing += uniform(rng, -0.15, 0.15)
        step = np.array([math.cos(bearing), math.sin(bearing)]) * length
        kind = KINDS[thing.kind]
        spin, hop = 0.0, 0.0
        style = rng.random()
        if kind.rolls:
            spin = choose(rng, (-1, 1)) * length / thing.radius
        elif kind.flat and style < 0.4:
            spin = choose(rng, (-1, 1)) * math.radians(uniform(rng, 100, 170))
            step = step * (0.0 if style < 0.25 else 0.6)
        elif style > 0.88:
            hop, step = uniform(rng, 0.2, 0.36), step * 0.5
        if kind.name == "toy car" and not spin:
            thing.angle = bearing + (math.pi if rng.random() < 0.5 else 0)
        path = np.linspace(0, 1, 4)[:, None] * step
        x, y = self._free_place(stage, thing.radius, path)

        def at(time: float):
            linear = (time - start) / duration
            share = smooth(linear)
            height = hop * math.sin(math.pi * share)
            pose = Pose(x + step[0] * share, y + step[1] * share, thing.angle + spin * share, height)
            return [(thing, pose)], []

        group = Group(stage.spot, at, DISTRACTOR)
        self._occupy(group)
        return group

    def _still(self) -> tuple[Thing, Pose]:
        stage = self._stage()
        thing = stage.small(0.08, 0.13)
        pose = stage.spot.outside(Pose(*self._free_place(stage, thing.radius), thing.angle))
        self.occupied.append((pose.x, pose.y, thing.radius * pose.unit))
        return thing, pose


def count(rng, bounds: tuple[int, int]) -> int:
    return int(rng.integers(bounds[0], bounds[1] + 1))
