"""Painters of small things: brush in units of the thing's radius, a generator for its looks, a palette."""

from __future__ import annotations

import math

import numpy as np

from atr.tabletop.backgrounds import choose
from atr.tabletop.solids import barrel, cylinder, lengthwise, paints, slab, sphere
from atr.tabletop.sprites import Brush, Colour, darken, lighten, mix


def ball(brush: Brush, rng, palette):
    first, second = paints(rng, palette, 2)
    brush.ellipse(0, 0, 1, 1, first)
    style = rng.integers(3)
    if style == 0:
        for turn in (20, 140, 260):
            brush.ellipse(0, 0, 1, 1, second, start=turn, end=turn + 60)
        brush.ellipse(0, 0, 0.2, 0.2, (245, 242, 235))
    elif style == 1:
        brush.ring(-0.9, 0, 0.75, 1.0, 0.16, second, -70, 70)
        brush.ring(0.9, 0, 0.75, 1.0, 0.16, second, 110, 250)
    else:
        brush.polygon([(-0.98, -0.22), (0.98, -0.22), (0.98, 0.22), (-0.98, 0.22)], second)
    sphere(brush)


def fruit(brush: Brush, rng, skin: Colour, blush: Colour):
    brush.ellipse(-0.3, 0.02, 0.68, 0.92, skin)
    brush.ellipse(0.3, 0.02, 0.68, 0.92, skin)
    brush.glow(rng.uniform(-0.4, 0.4), 0.3, 0.8, 0.8, 0.7, blush)
    brush.glow(0, -0.5, 0.34, 0.2, 0.7, darken(skin, 0.6))
    sphere(brush)
    brush.path([(0, -0.5), (0.06, -0.78), (0.16, -0.95)], 0.13, (92, 64, 44))
    brush.polygon([(0.14, -0.86), (0.4, -1.04), (0.66, -0.92), (0.42, -0.76)], (92, 138, 62))


def apple(brush: Brush, rng, palette):
    skin, blush = choose(rng, [((206, 44, 48), (236, 140, 60)), ((136, 178, 62), (206, 204, 96))])
    fruit(brush, rng, skin, blush)


def orange(brush: Brush, rng, palette):
    brush.ellipse(0, 0, 0.97, 0.95, (240, 146, 40))
    for x, y in rng.uniform(-0.6, 0.6, (14, 2)):
        brush.ellipse(x, y, 0.045, 0.045, (224, 126, 30))
    sphere(brush)
    brush.ellipse(0.1, -0.3, 0.12, 0.1, (110, 128, 52))


def banana(brush: Brush, rng, palette):
    turn = np.linspace(math.radians(200), math.radians(340), 20)
    width = 0.27 * np.sin(np.linspace(0.25, math.pi - 0.2, 20)) ** 0.6
    centre = np.stack([np.cos(turn) * 0.98, np.sin(turn) * 0.9 + 0.62], 1)
    normal = np.stack([np.cos(turn), np.sin(turn)], 1)
    outer, inner = centre + normal * width[:, None], centre - normal * width[:, None]
    brush.polygon(np.concatenate([outer, inner[::-1]]), (240, 204, 66))
    brush.polygon(np.concatenate([centre - 0.25 * (centre - inner), inner[::-1]]), (216, 166, 46))
    brush.path(centre[2:-2] + normal[2:-2] * 0.08, 0.05, (250, 226, 120))
    brush.shade(0.5, 0.1)
    brush.path([centre[0], centre[0] * 1.0 + (-0.1, 0.14)], 0.15, (112, 92, 40))
    brush.path([centre[-1], centre[-1] + (0.04, 0.07)], 0.14, (84, 62, 38))
    for _ in range(3):
        k = int(rng.integers(4, 16))
        brush.path([centre[k], centre[k] + normal[k] * 0.06], 0.05, (140, 98, 46))


def cup(brush: Brush, rng, palette):
    colour, other = paints(rng, palette, 2)
    side = -1 if rng.random() < 0.5 else 1
    brush.ring(side * 0.66, 0.18, 0.34, 0.34, 0.17, darken(colour, 0.18))
    brush.polygon(barrel(0.72, 0.27, -0.45, 0.62, 0.6), colour)
    if rng.random() < 0.6:
        band = barrel(0.68, 0.26, 0.0, 0.26, 0.66)
        brush.polygon(band, other)
    cylinder(brush, 0.72)
    brush.ellipse(0, -0.45, 0.72, 0.34, lighten(colour, 0.4))
    brush.ellipse(0, -0.43, 0.61, 0.26, darken(colour, 0.5))
    drink = choose(rng, [(92, 58, 38), (176, 122, 60), (236, 230, 218)])
    brush.ellipse(0, -0.36, 0.52, 0.19, drink)
    brush.glow(-0.2, -0.4, 0.3, 0.1, 0.5)


def can(brush: Brush, rng, palette):
    colour, other = paints(rng, palette, 2)
    brush.polygon(barrel(0.6, 0.24, -0.62, 0.74, 0.6), (196, 198, 204))
    brush.polygon(barrel(0.6, 0.24, -0.48, 0.62, 0.6), colour)
    brush.polygon(barrel(0.6, 0.24, -0.12, 0.3, 0.6), lighten(other, 0.2))
    brush.ellipse(0, 0.3, 0.2, 0.17, colour)
    cylinder(brush, 0.6)
    brush.ellipse(0, -0.62, 0.6, 0.26, (226, 228, 232))
    brush.ellipse(0, -0.61, 0.5, 0.2, (176, 180, 188))
    brush.ellipse(0.08, -0.58, 0.2, 0.08, (230, 232, 236))


def bottle(brush: Brush, rng, palette):
    """Lying on its side, neck to the right."""
    glass = choose(rng, [(64, 122, 84), (150, 92, 48), (96, 150, 186), *palette[:2]])
    label, cap = lighten(choose(rng, palette), 0.35), choose(rng, palette)
    body = [(-0.98, -0.26), (-0.92, -0.33), (0.2, -0.33), (0.36, -0.27), (0.52, -0.13), (0.82, -0.12)]
    brush.polygon(body + [(x, -y) for x, y in body[::-1]], glass)
    brush.rectangle(-0.38, 0, 0.34, 0.325, label)
    brush.rectangle(-0.38, 0.02, 0.2, 0.09, mix(label, glass, 0.7), 0.05)
    lengthwise(brush, 0.33)
    brush.rectangle(0.9, 0, 0.1, 0.15, cap, 0.03)
    brush.shade(0.35, 0.06)
    brush.path([(-0.86, -0.18), (0.2, -0.18)], 0.05, lighten(glass, 0.7))


def book(brush: Brush, rng, palette):
    colour, other = paints(rng, palette, 2)
    brush.rectangle(0.03, 0.04, 0.74, 0.96, darken(colour, 0.35), 0.05)
    brush.rectangle(0.05, 0.02, 0.69, 0.9, (236, 228, 208))
    brush.rectangle(-0.03, -0.03, 0.73, 0.93, colour, 0.05)
    brush.rectangle(-0.66, -0.03, 0.1, 0.93, darken(colour, 0.22), 0.04)
    brush.rectangle(0.08, -0.42, 0.42, 0.24, lighten(other, 0.25), 0.04)
    brush.path([(-0.16, -0.48), (0.32, -0.48)], 0.07, darken(other, 0.4))
    brush.path([(-0.08, -0.34), (0.24, -0.34)], 0.06, darken(other, 0.3))
    if rng.random() < 0.5:
        brush.ellipse(0.08, 0.38, 0.28, 0.28, other)
        brush.polygon([(0.08, 0.18), (0.28, 0.5), (-0.12, 0.5)], lighten(colour, 0.5))
    else:
        for y in (0.2, 0.38, 0.56):
            brush.path([(-0.3, y), (0.46, y)], 0.07, other)
    brush.shade(0.2, 0.05)
    brush.glow(-0.2, -0.6, 0.9, 0.5, 0.16)


def plate(brush: Brush, rng, palette):
    glaze, rim = lighten(choose(rng, palette), 0.72), choose(rng, palette)
    brush.ellipse(0, 0, 1, 0.96, glaze)
    brush.shade(0.3, 0.08)
    brush.ring(0, 0, 0.88, 0.84, 0.08, rim)
    brush.ellipse(0, 0.01, 0.63, 0.6, darken(glaze, 0.14))
    brush.ellipse(0.015, 0.03, 0.6, 0.57, lighten(glaze, 0.3))
    if rng.random() < 0.5:
        brush.ellipse(0.05, 0.02, 0.34, 0.3, (206, 152, 84))  # a biscuit
        for x, y in rng.uniform(-0.18, 0.18, (6, 2)):
            brush.ellipse(x + 0.05, y, 0.05, 0.05, (92, 58, 42))
    brush.glow(-0.4, -0.5, 0.4, 0.3, 0.6)


def toy_car(brush: Brush, rng, palette):
    """Seen from above, driving to the right."""
    colour, other = paints(rng, palette, 2)
    for x in (-0.55, 0.55):
        for y in (-0.48, 0.48):
            brush.rectangle(x, y, 0.2, 0.11, (38, 36, 42), 0.06)
    brush.rectangle(0, 0, 0.98, 0.48, colour, 0.26)
    brush.shade(0.5, 0.1)
    brush.rectangle(-0.1, 0, 0.56, 0.38, darken(colour, 0.25), 0.14)
    brush.polygon([(0.16, -0.34), (0.42, -0.27), (0.42, 0.27), (0.16, 0.34)], (172, 206, 222))
    brush.polygon([(-0.44, -0.34), (-0.6, -0.26), (-0.6, 0.26), (-0.44, 0.34)], (118, 148, 168))
    brush.rectangle(-0.15, 0, 0.27, 0.33, lighten(colour, 0.16), 0.08)
    brush.rectangle(-0.15, 0, 0.27, 0.08, other)
    brush.rectangle(0.7, 0, 0.24, 0.08, other)
    for y in (-0.32, 0.32):
        brush.ellipse(0.9, y, 0.07, 0.1, (252, 240, 180))
        brush.ellipse(-0.93, y, 0.05, 0.09, (216, 58, 52))
    brush.glow(-0.2, -0.18, 0.3, 0.16, 0.5)


def phone(brush: Brush, rng, palette):
    case, wall = choose(rng, [(40, 42, 50), (224, 226, 230), *palette[:3]]), paints(rng, palette, 2)
    brush.rectangle(0, 0, 0.54, 1, case, 0.16)
    brush.shade(0.35, 0.05)
    brush.rectangle(0, 0, 0.47, 0.92, (30, 34, 46), 0.11)
    brush.rectangle(0, -0.02, 0.43, 0.82, darken(wall[0], 0.25), 0.07)
    brush.glow(0.1, 0.4, 0.6, 0.7, 0.9, wall[1])
    for x in (-0.27, 0, 0.27):
        for y in (0.12, 0.42):
            brush.rectangle(x, y, 0.1, 0.1, lighten(choose(rng, palette), 0.35), 0.04)
    brush.rectangle(0, -0.48, 0.26, 0.1, (244, 244, 246), 0.04)
    brush.ellipse(0, -0.84, 0.05, 0.05, (80, 92, 110))
    brush.polygon(
        [(-0.42, -0.8), (0.1, -0.8), (-0.42, 0.2)], mix(darken(wall[0], 0.25), (255, 255, 255), 0.16)
    )


def spoon(brush: Brush, rng, palette):
    metal = choose(rng, [(198, 202, 210), (202, 164, 104), (176, 128, 84)])
    brush.path([(-0.9, 0), (-0.3, 0)], 0.15, metal)
    brush.path([(-0.4, 0), (0.5, 0)], 0.1, metal)
    brush.ellipse(0.64, 0, 0.36, 0.25, metal)
    brush.shade(0.55, 0.06)
    brush.ellipse(0.65, 0.01, 0.27, 0.17, darken(metal, 0.28))
    brush.glow(0.72, 0.06, 0.2, 0.12, 0.8)
    brush.path([(-0.86, -0.02), (0.24, -0.02)], 0.03, lighten(metal, 0.7))


def pen(brush: Brush, rng, palette):
    colour, other = paints(rng, palette, 2)
    brush.path([(0.36, -0.15), (0.92, -0.15)], 0.06, darken(other, 0.3))
    brush.rectangle(0.5, 0, 0.48, 0.15, other, 0.06)
    brush.rectangle(-0.24, 0, 0.4, 0.135, colour, 0.03)
    brush.polygon([(-0.62, -0.12), (-0.9, -0.035), (-0.98, 0), (-0.9, 0.035), (-0.62, 0.12)], (206, 206, 212))
    brush.rectangle(0.06, 0, 0.05, 0.145, (222, 200, 130))
    lengthwise(brush, 0.15)
    brush.path([(-0.55, -0.06), (0.9, -0.06)], 0.03, lighten(colour, 0.7))


def block(brush: Brush, rng, palette):
    colour, other = paints(rng, palette, 2)
    slab(brush, colour, 0.72, -0.85, 0.35, 0.85)
    letter = rng.integers(3)
    if letter == 0:
        brush.ring(0, -0.25, 0.3, 0.3, 0.16, lighten(other, 0.2))
    elif letter == 1:
        brush.path([(-0.3, 0.05), (0, -0.55), (0.3, 0.05)], 0.16, lighten(other, 0.2))
        brush.path([(-0.16, -0.14), (0.16, -0.14)], 0.12, lighten(other, 0.2))
    else:
        brush.polygon([(0, -0.62), (0.36, -0.25), (0, 0.12), (-0.36, -0.25)], lighten(other, 0.2))
    brush.shade(0.22, 0.06)


def box(brush: Brush, rng, palette):
    """A closed cardboard parcel."""
    card = choose(rng, [(196, 152, 104), (178, 134, 90), (212, 176, 132)])
    slab(brush, card, 0.95, -0.78, 0.28, 0.8)
    tape = lighten(choose(rng, palette), 0.2)
    brush.rectangle(0, -0.25, 0.95, 0.12, tape)
    brush.rectangle(0.5, 0.52, 0.24, 0.14, (238, 234, 224))
    brush.path([(0.36, 0.5), (0.64, 0.5)], 0.04, (90, 86, 84))
    brush.shade(0.2, 0.05)


def tape(brush: Brush, rng, palette):
    """A roll of sticky tape: a ring one can see through."""
    colour = choose(rng, palette)
    brush.ring(0, 0, 0.74, 0.72, 0.46, colour)
    brush.shade(0.6, 0.09)
    brush.ring(0, 0, 0.54, 0.52, 0.1, (206, 172, 126))
    brush.ring(0, 0, 0.9, 0.88, 0.03, lighten(colour, 0.5), 190, 280)
