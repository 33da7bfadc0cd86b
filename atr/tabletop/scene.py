"""One clip: a table top with still objects, distractors that move by themselves, and a hand that acts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from atr.tabletop.actions import Wave, uniform
from atr.tabletop.backgrounds import background
from atr.tabletop.cast import NOTHING_ELSE, RECIPE, STILL, Cast, Recipe
from atr.tabletop.seeds import is_alone, label_of
from atr.tabletop.sprites import Picture

RENDERER_VERSION = 3  # of the pictures: to be raised whenever a seed looks different

MARGIN = 0.2  # how far the still background reaches beyond the frame
CANVAS = 1.5  # pixels of the still background per frame pixel


@dataclass(frozen=True)
class Clip:
    """frames: uint8 RGB (T, S, S, 3); label: index into CLASSES; masks: uint8 (T, S, S), 0 background, 1 still
    object, 2 distractor (what moves by itself, and hands that do nothing), 3 acted-on object, 4 acting hand; acting: bool
    (T,), the hand performs the action; objects: the kinds (indices into OBJECT_KINDS) that are seen in the clip."""

    frames: np.ndarray
    label: int
    masks: np.ndarray
    acting: np.ndarray
    objects: frozenset[int]


class Scene:
    """Everything about one clip except the times of its frames. All randomness is spent in the constructor,
    in an order that does not depend on `size`."""

    def __init__(self, seed: int, label: int, size: int, recipe: Recipe = RECIPE):
        rng = np.random.default_rng((seed, 1))
        self.size, self.label, self.rng = size, label, rng
        cast = Cast(rng, label, size, recipe)
        self.light, self.action, self.groups, self.still = cast.light, cast.action, cast.groups, cast.still
        self.pan_x, self.pan_y = (Wave.random(rng, uniform(rng, *recipe.pan)) for _ in range(2))
        self.roll, self.zoom = Wave.random(rng, recipe.roll), Wave.random(rng, recipe.zoom)
        self.brightness = Wave.random(rng, uniform(rng, 0.03, 0.12), (0.4, 0.9))
        self.warmth = Wave.random(rng, uniform(rng, 0.02, 0.06), (0.3, 0.8))
        self.lamp = [Wave.random(rng, 0.6, (0.3, 0.7)) for _ in range(2)]
        self.exposure = uniform(rng, 0.92, 1.06)
        self.canvas = self._paint_background()

    def _paint_background(self) -> Picture:
        pixels = round(self.size * CANVAS * (1 + 2 * MARGIN))
        scale = pixels / (1 + 2 * MARGIN)
        view = np.array([[scale, 0, MARGIN * scale - 0.5], [0, scale, MARGIN * scale - 0.5]])
        canvas = Picture(background(self.rng, pixels), np.zeros((pixels, pixels), np.uint8), view, self.light)
        for thing, pose in sorted(self.still, key=lambda item: item[1].y):
            canvas.place(thing.sprite, pose, STILL)
        return canvas

    def view(self, time: float) -> np.ndarray:
        """World -> frame pixels, (2, 3), of the unsteady camera."""
        zoom, angle = 1.0 + self.zoom(time), self.roll(time)
        c, s = math.cos(angle) * zoom * self.size, math.sin(angle) * zoom * self.size
        centre = np.array([0.5 + self.pan_x(time), 0.5 + self.pan_y(time)])
        linear = np.array([[c, -s], [s, c]])
        return np.column_stack([linear, self.size / 2 - 0.5 - linear @ centre])

    def illumination(self, time: float) -> np.ndarray:
        """Gain of each pixel and colour, float32 (S, S, 3)."""
        axis = np.linspace(-1, 1, 9, dtype=np.float32)
        x, y = axis[None, :], axis[:, None]
        lamp = np.exp(-0.6 * ((x - self.lamp[0](time)) ** 2 + (y - self.lamp[1](time)) ** 2))
        gain = (self.exposure + self.brightness(time)) * (0.88 + 0.28 * lamp)
        warmth = self.warmth(time) + 0.02
        coarse = cv2.merge([gain * (1 + warmth), gain, gain * (1 - warmth)])
        return cv2.resize(coarse, (self.size, self.size), interpolation=cv2.INTER_LINEAR)

    def frame(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """RGB uint8 (S, S, 3) and masks uint8 (S, S) at a time of the scene."""
        view, square = self.view(time), (self.size, self.size)
        # canvas pixels -> world -> frame pixels
        scale, _, offset = self.canvas.view[0]
        matrix = np.column_stack(
            [view[:, :2] / scale, view[:, 2] - view[:, :2] @ (offset / scale, offset / scale)]
        )
        rgb = cv2.warpAffine(
            self.canvas.rgb, matrix, square, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        ids = cv2.warpAffine(self.canvas.ids, matrix, square, flags=cv2.INTER_NEAREST)
        picture = Picture(rgb, ids, view, self.light)
        for group in self.groups:
            things, hands = group.placed(time)
            for thing, pose in things:
                picture.place(thing.sprite, pose, group.things)
            for hand, openness, pose in hands:
                picture.shadow(hand.sprite(openness), pose)
                picture.shadow(hand.sleeve, pose)
                picture.paint(hand.sprite(openness), pose, group.hands)
                picture.paint(hand.sleeve, pose, group.hands)
        return cv2.multiply(picture.rgb, self.illumination(time), dtype=cv2.CV_8U), picture.ids

    def visible_kinds(self) -> frozenset[int]:
        """Kinds of which something is well inside the frame at one of five times."""
        kinds = set()
        for time in np.linspace(0, 1, 5):
            view = self.view(time)
            moving = [placed for group in self.groups for placed in group.placed(time)[0]]
            for thing, pose in [*self.still, *moving]:
                x, y = view @ (pose.x, pose.y - 0.35 * pose.height * pose.unit, 1)
                if 0 <= x < self.size and 0 <= y < self.size:
                    kinds.add(thing.kind)
        return frozenset(kinds)


def render_scene(scene: Scene, times: Sequence[float]) -> Clip:
    """Frames of a scene: the odd class of a pair runs it backwards."""
    own = [1 - t if scene.label % 2 else t for t in times]
    rendered = [scene.frame(time) for time in own]
    return Clip(
        frames=np.stack([rgb for rgb, _ in rendered]),
        label=scene.label,
        masks=np.stack([ids for _, ids in rendered]),
        acting=np.array([scene.action.acting(time) for time in own]),
        objects=scene.visible_kinds(),
    )


def render_clip(
    seed: int, *, times: Sequence[float] | None = None, num_frames: int = 8, size: int = 96
) -> Clip:
    """The clip of a seed: a deterministic function of the seed and of continuous time.

    times: (T,) in [0, 1], by default the centres of `num_frames` equal segments; size: side of the frames in
    pixels, 32 or more. Raises ValueError for a negative seed, a time outside [0, 1] or too small a size.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    if size < 32:
        raise ValueError(f"size must be 32 or more, got {size}")
    if times is None:
        if num_frames < 1:
            raise ValueError(f"num_frames must be 1 or more, got {num_frames}")
        times = (np.arange(num_frames) + 0.5) / num_frames
    times = [float(time) for time in times]
    if not times or min(times) < 0 or max(times) > 1:
        raise ValueError(f"times must be one or more numbers in [0, 1], got {times}")
    recipe = NOTHING_ELSE if is_alone(seed) else RECIPE
    return render_scene(Scene(seed, label_of(seed), size, recipe), times)
