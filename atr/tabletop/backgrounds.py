"""Table tops: textured surfaces, drawn from the same noise at every size."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from atr.tabletop.sprites import Colour, darken, lighten, mix

WOODS = [(196, 152, 104), (168, 118, 74), (122, 84, 58), (214, 184, 142), (92, 66, 52), (181, 141, 112)]
STONES = [(196, 194, 190), (178, 176, 172), (88, 90, 96), (198, 188, 172), (142, 152, 154), (64, 72, 80)]
FABRICS = [
    (76, 104, 132),
    (148, 72, 70),
    (98, 124, 92),
    (206, 196, 176),
    (112, 98, 128),
    (190, 148, 96),
    (70, 84, 84),
]


@lru_cache(maxsize=1)
def _tile() -> np.ndarray:
    return np.random.default_rng(0).random((384, 384), dtype=np.float32)


def noise(rng: np.random.Generator, pixels: int, across: int, down: int | None = None) -> np.ndarray:
    """Smooth noise in [0, 1], (pixels, pixels), with `across` x `down` independent values."""
    down = down or across
    top, left = rng.integers(0, 384 - down), rng.integers(0, 384 - across)
    crop = _tile()[top : top + down, left : left + across]
    shrinking = max(across, down) > pixels
    return cv2.resize(crop, (pixels, pixels), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)


def blend(low: Colour, high: Colour, amount: np.ndarray) -> np.ndarray:
    """float32 (h, w, 3) from `low` where amount is 0 to `high` where it is 1."""
    low, high = np.array(low, np.float32), np.array(high, np.float32)
    return cv2.merge(
        [amount * float(top - bottom) + float(bottom) for bottom, top in zip(low, high, strict=True)]
    )


def choose(rng: np.random.Generator, options):
    return options[int(rng.integers(len(options)))]


def cells(pixels: int, count: float, offset: float) -> tuple[np.ndarray, np.ndarray]:
    """One axis cut into `count` cells: the number of each pixel's cell, and its position in it in [0, 1)."""
    position = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels * count + offset
    number = np.floor(position)
    return number.astype(np.int64), position - number


def line(position: np.ndarray, half_width: float) -> np.ndarray:
    """1 on the borders of cells, 0 inside, with a soft edge; half_width in cells."""
    distance = np.minimum(position, 1 - position)
    return np.clip(1.5 - distance / half_width, 0, 1)


def wood(rng, pixels):
    colour = choose(rng, WOODS)
    fine = noise(rng, pixels, 5, 150)
    coarse = noise(rng, pixels, 3, 26)
    amount = 0.5 * fine + 0.5 * coarse
    count = rng.uniform(2.5, 7)
    number, position = cells(pixels, count, rng.random())
    tones = rng.uniform(-0.16, 0.16, 16).astype(np.float32)
    rows = (1 + tones[number]) * (1 - 0.45 * line(position, 0.02))
    return blend(darken(colour, 0.3), lighten(colour, 0.18), amount) * rows[:, None, None]


def marble(rng, pixels):
    colour = choose(rng, STONES)
    warp = noise(rng, pixels, 5) + 0.45 * noise(rng, pixels, 12) + 0.2 * noise(rng, pixels, 30)
    veins = np.exp(-np.abs(warp - 0.82) * 26) + 0.5 * np.exp(-np.abs(warp - 1.0) * 40)
    surface = blend(colour, lighten(colour, 0.25), noise(rng, pixels, 7))
    vein = np.array(darken(colour, 0.45) if sum(colour) > 380 else lighten(colour, 0.5), np.float32)
    return surface + (vein - surface) * (0.6 * np.clip(veins, 0, 1))[..., None]


def tiles(rng, pixels):
    colour = choose(rng, STONES + FABRICS[:3])
    count = rng.uniform(4, 8)
    column, x = cells(pixels, count, rng.random())
    row, y = cells(pixels, count, rng.random())
    tones = rng.uniform(0.86, 1.08, (12, 12)).astype(np.float32)
    grout = np.maximum(line(x, 0.035)[None, :], line(y, 0.035)[:, None])
    surface = (
        blend(colour, lighten(colour, 0.2), noise(rng, pixels, 40)) * tones[row % 12][:, column % 12, None]
    )
    return surface + (np.array(mix(colour, (128, 122, 116), 0.7), np.float32) - surface) * grout[..., None]


def cloth(rng, pixels):
    colour = choose(rng, FABRICS)
    pale = lighten(colour, rng.uniform(0.4, 0.75))
    _, x = cells(pixels, rng.uniform(5, 12), rng.random())
    _, y = cells(pixels, rng.uniform(5, 12), rng.random())
    across = np.clip((np.abs(x - 0.5) - 0.25) * 30 + 0.5, 0, 1)
    down = np.clip((np.abs(y - 0.5) - 0.25) * 30 + 0.5, 0, 1)
    style = rng.integers(3)
    pattern = [
        0.5 * across[None, :] + 0.5 * down[:, None],
        np.broadcast_to(across[None, :], (pixels, pixels)),
        np.broadcast_to(0.15 * down[:, None], (pixels, pixels)),
    ][style]
    folds = 0.88 + 0.24 * noise(rng, pixels, 5)
    weave = 0.9 + 0.2 * noise(rng, pixels, 160)
    return blend(pale, colour, pattern.astype(np.float32)) * (folds * weave)[..., None]


def newspaper(rng, pixels):
    lines, letters, columns = 56, 140, 4
    ink = (rng.random((lines, letters)) < 0.72).astype(np.float32) * rng.uniform(0.35, 0.75, (lines, 1))
    gaps = (np.arange(letters) * columns % letters) < columns * 3
    ink[:, gaps] = 0
    heading = int(rng.integers(4, lines - 14))
    ink[heading : heading + 2] = ink[heading]
    ink[heading - 1] = ink[heading + 2] = 0
    page = np.zeros((2 * lines, letters), np.float32)
    page[::2] = ink
    page[2 * heading : 2 * heading + 4] = ink[heading]
    left, top = int(rng.integers(20, 100)), int(rng.integers(16, 70))
    page[top : top + 26, left : left + 30] = 0.3 + 0.45 * noise(rng, 30, 8)[:26]  # a photograph
    page = cv2.resize(
        page, (pixels, pixels), interpolation=cv2.INTER_AREA if pixels < 112 else cv2.INTER_LINEAR
    )
    return blend((228, 222, 206), (62, 60, 62), np.clip(page, 0, 1) * 0.75) * (
        0.94 + 0.1 * noise(rng, pixels, 6)[..., None]
    )


def terrazzo(rng, pixels):
    colour = choose(rng, STONES)
    surface = blend(colour, lighten(colour, 0.12), noise(rng, pixels, 60))
    for chip in (choose(rng, FABRICS), choose(rng, WOODS), darken(colour, 0.4)):
        there = np.clip((noise(rng, pixels, int(rng.integers(26, 60))) - 0.72) * 14, 0, 1) * 0.8
        surface += (np.array(chip, np.float32) - surface) * there[..., None]
    return surface


def felt(rng, pixels):
    colour = choose(rng, FABRICS)
    amount = 0.4 * noise(rng, pixels, 200) + 0.3 * noise(rng, pixels, 60) + 0.3 * noise(rng, pixels, 4)
    return blend(darken(colour, 0.2), lighten(colour, 0.16), amount)


SURFACES = (wood, wood, marble, tiles, cloth, cloth, newspaper, terrazzo, felt)


def mat(rng, surface: np.ndarray) -> None:
    """Lay a sheet of paper or a place mat on the surface, in place."""
    pixels = surface.shape[0]
    centre = rng.uniform(0.15, 0.85, 2)
    half = rng.uniform(0.14, 0.27, 2)
    angle = rng.uniform(-0.5, 0.5)
    c, s = math.cos(angle), math.sin(angle)
    corners = (np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half) @ np.array([[c, s], [-s, c]]) + centre
    shape = np.zeros((pixels, pixels), np.uint8)
    cv2.fillPoly(shape, [np.round(corners * pixels * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    shade = cv2.GaussianBlur(shape, (0, 0), 0.008 * pixels)
    surface *= 1 - (0.35 / 255) * shade[..., None].astype(np.float32)
    paper = rng.random() < 0.5
    colour = (238, 234, 224) if paper else choose(rng, FABRICS)
    _, stripe = cells(pixels, rng.uniform(24, 40), 0)
    ruled = (line(stripe, 0.08) if paper else np.where(stripe < 0.5, 0.5, 0.0)).astype(np.float32)[:, None]
    texture = (0.95 + 0.1 * noise(rng, pixels, 90)) * (1 - 0.12 * ruled)
    there = shape.astype(np.float32)[..., None] / 255
    surface += (texture[..., None] * np.array(colour, np.float32) - surface) * there


def background(rng: np.random.Generator, pixels: int) -> np.ndarray:
    """A random table top, uint8 RGB (pixels, pixels, 3)."""
    surface = choose(rng, SURFACES)(rng, pixels)
    if rng.random() < 0.5:
        surface = surface.transpose(1, 0, 2)
    surface = np.ascontiguousarray(surface, np.float32)
    for _ in range(int(rng.integers(0, 3))):
        mat(rng, surface)
    return cv2.convertScaleAbs(surface, alpha=0.92, beta=6)
