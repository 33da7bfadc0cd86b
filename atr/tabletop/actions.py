"""The twenty classes: ten actions and their time reversals.

Each action is planned once, as a function of its progress from 0 to 1. The class with the odd number is the
same plan seen backwards (scene.py evaluates the whole scene at 1 - t), so single frames tell nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from atr.tabletop.backgrounds import choose
from atr.tabletop.hand import Hand
from atr.tabletop.objects import KINDS, OBJECT_KINDS, SMALL, Thing
from atr.tabletop.sprites import Pose, Spot

CLASSES: tuple[str, ...] = (
    "Moving something from left to right",
    "Moving something from right to left",
    "Moving something up",
    "Moving something down",
    "Moving something and something closer to each other",
    "Moving something and something away from each other",
    "Covering something with something",
    "Uncovering something",
    "Putting something into something",
    "Taking something out of something",
    "Picking something up",
    "Putting something down",
    "Opening something",
    "Closing something",
    "Turning something clockwise",
    "Turning something counter-clockwise",
    "Pretending to move something from left to right",
    "Pretending to move something from right to left",
    "Pretending to pick something up",
    "Pretending to put something down",
)
REVERSED: tuple[int, ...] = tuple(label ^ 1 for label in range(len(CLASSES)))
MIRRORED: tuple[int, ...] = tuple(
    label ^ 1 if label // 2 in (0, 7, 8) else label for label in range(len(CLASSES))
)

GRASP = 0.12  # share of the action in which the hand closes, and again in which it opens


@dataclass(frozen=True)
class Grip:
    """What a hand does at one moment: the point it holds, its height above the table, openness 0 .. 1."""

    x: float
    y: float
    height: float = 0.0
    openness: float = 0.0


@dataclass(frozen=True)
class Rest:
    """Where an arm is before (or after) the action: `distance` back along itself, reached in `duration`."""

    duration: float
    distance: float


@dataclass
class Arm:
    hand: Hand
    shoulder: tuple[float, float]
    before: Rest
    after: Rest


State = tuple[list[tuple[Thing, Pose]], list[Grip]]


@dataclass
class Action:
    """state: progress in [0, 1] -> (things in drawing order, one grip per arm); start, end: the times between
    which the action takes place; carried: a thing that leaves the frame with the first hand after the end."""

    start: float
    end: float
    arms: list[Arm]
    state: Callable[[float], State]
    carried: Thing | None = None

    def acting(self, time: float) -> bool:
        return self.start <= time <= self.end

    def at(self, time: float) -> tuple[list[tuple[Thing, Pose]], list[tuple[Hand, float, Pose]]]:
        """Things with their poses, and for each arm (hand, openness, pose), at a time in [0, 1]."""
        progress = min(max((time - self.start) / (self.end - self.start), 0.0), 1.0)
        things, grips = self.state(progress)
        hands = []
        for arm, grip in zip(self.arms, grips, strict=True):
            away, rest = (
                max(self.start - time, time - self.end, 0.0),
                arm.before if time < self.start else arm.after,
            )
            share = smooth(away / rest.duration)
            dx, dy = direction((grip.x, grip.y), arm.shoulder)
            angle = math.atan2(dy, dx) - math.pi / 2
            step = (dx * share * rest.distance, dy * share * rest.distance)
            height = grip.height + 0.08 * share
            hands.append((arm.hand, grip.openness, Pose(grip.x + step[0], grip.y + step[1], angle, height)))
            if self.carried is not None and time > self.end:
                things = [
                    (
                        thing,
                        replace(
                            pose, x=pose.x + step[0], y=pose.y + step[1], height=pose.height + 0.08 * share
                        ),
                    )
                    if thing is self.carried
                    else (thing, pose)
                    for thing, pose in things
                ]
        return things, hands


def smooth(x: float) -> float:
    """0 below 0, 1 above 1, and a cubic with level ends between: the same forwards and backwards."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


@dataclass
class Wave:
    """A smooth function of time: a sum of sinusoids with the given amplitude in all."""

    amplitudes: np.ndarray
    frequencies: np.ndarray
    phases: np.ndarray

    @classmethod
    def random(cls, rng, amplitude: float, frequencies=(0.5, 1.3, 3.1)) -> Wave:
        weights = rng.random(len(frequencies)) / np.asarray(frequencies) ** 0.7
        amplitudes = amplitude * weights / max(weights.sum(), 1e-9)
        jitter = rng.uniform(0.8, 1.25, len(frequencies))
        return cls(
            amplitudes, 2 * math.pi * jitter * frequencies, rng.uniform(0, 2 * math.pi, len(frequencies))
        )

    def __call__(self, time: float) -> float:
        return float(np.dot(self.amplitudes, np.sin(self.frequencies * time + self.phases)))


def direction(start, end) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    return dx / length, dy / length


def openness(progress: float) -> float:
    """Open, closed while something is held, open."""
    return 1 - smooth(progress / GRASP) * smooth((1 - progress) / GRASP)


def moved(progress: float) -> float:
    """Share of the way done between grasping and letting go."""
    return smooth((progress - GRASP) / (1 - 2 * GRASP))


def uniform(rng, low, high) -> float:
    return low + (high - low) * float(rng.random())


@dataclass
class Stage:
    """What every plan of one clip shares."""

    rng: np.random.Generator
    palette: tuple
    light: tuple[float, float]
    size: int
    spot: Spot = Spot()
    durations: tuple[float, float] = (0.25, 0.6)

    def thing(self, name: str, radius: float, angle: float = 0.0, **options) -> Thing:
        kind = OBJECT_KINDS.index(name)
        seed = options.pop("seed", None) or int(self.rng.integers(1, 2**31))
        return Thing(
            kind,
            radius * KINDS[kind].reach,
            seed,
            self.palette,
            self.light,
            angle,
            size=self.size * self.spot.unit,
            **options,
        )

    def small(self, low=0.1, high=0.125) -> Thing:
        """An object that a hand can hold, in any orientation natural to it."""
        name = choose(self.rng, SMALL)
        flat = KINDS[OBJECT_KINDS.index(name)].flat
        angle = uniform(self.rng, -math.pi, math.pi) if flat else uniform(self.rng, -0.12, 0.12)
        return self.thing(name, uniform(self.rng, low, high), angle)

    def arm(self, target, sides: str = "bbblr") -> Arm:
        """An arm that reaches for `target`, from the nearer of two shoulders outside the frame, each on one of the sides
        b(ottom), l(eft), r(ight). Before and after the action it is mostly out of the frame."""
        rng = self.rng
        shoulders = [self.shoulder(choose(rng, sides)) for _ in range(2)]
        shoulder = min(shoulders, key=lambda place: math.dist(target, place))
        dx, dy = direction(target, shoulder)
        thumb = choose(rng, (-1, 1))
        away = math.dist(target, shoulder)
        hand = Hand(
            int(rng.integers(1, 2**31)),
            thumb,
            self.light,
            math.atan2(dy, dx) - math.pi / 2,
            self.size * self.spot.unit,
            length=away + 0.75,
        )

        def rest():
            distance = away + 0.1 if rng.random() < 0.5 else uniform(rng, 0.2, 0.5)
            return Rest(uniform(rng, 0.1, 0.2), distance)

        return Arm(hand, shoulder, rest(), rest())

    def shoulder(self, side: str) -> tuple[float, float]:
        """A point outside the frame at its b(ottom), l(eft) or r(ight), in the coordinates of the spot."""
        along, beyond = uniform(self.rng, 0.1, 0.9), 0.32 * self.spot.unit + 0.05
        low = self.spot.y + self.spot.unit * (0.35 + 0.7 * along)
        return self.spot.inside(
            *{
                "b": (along, 1 + beyond),
                "l": (-beyond, low),
                "r": (1 + beyond, low),
            }[side]
        )

    def action(self, arms, state, **options) -> Action:
        duration = uniform(self.rng, *self.durations)
        # Often at one end: in the middle of the clip the hand acts no more than half of the time.
        start = (1 - duration) * float(self.rng.beta(0.3, 0.3))
        return Action(start, start + duration, arms, state, **options)


def hold(
    arm: Arm, pose: Pose, radius: float, progress: float, reach: float = 0.5, height: float = 0.0
) -> Grip:
    """Hold a thing on the side that faces the arm."""
    dx, dy = direction((pose.x, pose.y), arm.shoulder)
    return Grip(
        pose.x + dx * reach * radius, pose.y + dy * reach * radius, pose.height + height, openness(progress)
    )


def between(start: Pose, end: Pose, share: float, lift: float = 0.0) -> Pose:
    height = start.height + (end.height - start.height) * share + lift * math.sin(math.pi * share)
    x, y = start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share
    scale = start.scale + (end.scale - start.scale) * share
    return replace(
        start, x=x, y=y, height=height, scale=scale, angle=start.angle + (end.angle - start.angle) * share
    )


def span(rng, low: float, high: float, length: float) -> float:
    """Where a stretch of `length` may begin inside [low, high]."""
    return uniform(rng, low, max(low, high - length))


def apart(rng, distance: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two points of the frame at about this distance, in a random direction."""
    low, high = 0.24, 0.76
    for _ in range(50):
        x, y, turn = uniform(rng, low, high), uniform(rng, low + 0.06, high), uniform(rng, -math.pi, math.pi)
        other = (x + distance * math.cos(turn), y + distance * math.sin(turn))
        if low <= other[0] <= high and low <= other[1] <= high:
            return (x, y), other
    return (0.35, 0.5), (0.35 + distance, 0.5)
