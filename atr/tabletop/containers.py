"""Painters of things that hold, hide or open: the same arguments as in handhelds.py."""

from __future__ import annotations

import math

import numpy as np

from atr.tabletop.backgrounds import choose
from atr.tabletop.solids import arc, cylinder, hollow, paints, sphere
from atr.tabletop.sprites import Brush, darken, lighten


def bowl(brush: Brush, rng, palette, part: str = "whole"):
    colour, inside = paints(rng, palette, 2)
    foot = [(-0.86, 0.32), (-0.55, 0.76), *arc(0.5, 0.16, 0.78, 180, 0), (0.55, 0.76), (0.86, 0.32)]
    brush.polygon(np.concatenate([arc(1, 0.62, -0.22, 0, 180), foot]), colour)
    if part == "whole":
        brush.ellipse(0, -0.22, 1, 0.62, colour)
    cylinder(brush, 1.0)
    brush.ring(0, -0.22, 0.97, 0.59, 0.07, lighten(colour, 0.45), 0, 180 if part == "front" else 360)
    if part == "whole":
        brush.ellipse(0, -0.21, 0.92, 0.54, darken(lighten(inside, 0.35), 0.22))
        brush.ellipse(0, -0.08, 0.7, 0.36, lighten(inside, 0.35))
        brush.glow(0, -0.68, 0.9, 0.3, 0.45, (20, 16, 30))
    else:
        hollow(brush, arc(0.93, 0.55, -0.22, 0, 360))
    stripe = arc(0.9, 0.45, 0.1, 150, 30)
    brush.path(stripe, 0.08, lighten(inside, 0.2))


def crate(brush: Brush, rng, palette, part: str = "whole"):
    """An open box."""
    card = choose(rng, [(190, 146, 98), (170, 126, 84), *palette[:3]])
    if part == "whole":
        brush.polygon([(-0.98, -0.8), (0.98, -0.8), (0.98, 0.9), (-0.98, 0.9)], card)
        brush.polygon([(-0.88, -0.7), (0.88, -0.7), (0.88, 0.22), (-0.88, 0.22)], darken(card, 0.55))
        brush.polygon([(-0.88, -0.7), (0.88, -0.7), (0.76, -0.28), (-0.76, -0.28)], darken(card, 0.36))
        brush.polygon([(-0.76, -0.28), (0.76, -0.28), (0.76, 0.3), (-0.76, 0.3)], darken(card, 0.46))
    brush.polygon([(-0.98, 0.2), (0.98, 0.2), (0.98, 0.92), (-0.98, 0.92)], darken(card, 0.14))
    brush.polygon([(-0.98, 0.2), (0.98, 0.2), (0.98, 0.29), (-0.98, 0.29)], lighten(card, 0.25))
    brush.rectangle(0, 0.58, 0.28, 0.08, darken(card, 0.5), 0.08)
    brush.shade(0.22, 0.05)


def napkin(brush: Brush, rng, palette):
    colour, other = paints(rng, palette, 2)
    turn = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    square = 1 / np.maximum(np.abs(np.cos(turn)), np.abs(np.sin(turn)))
    reach = np.minimum(square, 1.28) * 0.8 + 0.05 * np.sin(7 * turn + rng.uniform(0, 6)) * np.sin(3 * turn)
    outline = np.stack([np.cos(turn) * reach, np.sin(turn) * reach], 1)
    brush.polygon(outline, colour)
    brush.polygon(outline * 0.86, lighten(other, 0.35))
    brush.polygon(outline * 0.8, colour)
    for x, y in [(i, j) for i in (-0.48, -0.16, 0.16, 0.48) for j in (-0.48, -0.16, 0.16, 0.48)]:
        brush.ellipse(x, y, 0.075, 0.075, lighten(other, 0.35))
    for _ in range(4):  # folds over what lies beneath
        turn, reach = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 0.65)
        x, y = reach * math.cos(turn), reach * math.sin(turn)
        brush.glow(x, y, rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.5), 0.22, darken(colour, 0.6))
    brush.glow(0.15 * brush.light[0], 0.15 * brush.light[1], 0.6, 0.6, 0.25)
    brush.shade(0.32, 0.09)


def dome(brush: Brush, rng, palette):
    """A dish cover with a knob."""
    metal = choose(rng, [(190, 196, 206), (206, 176, 124), *palette[:3]])
    brush.ellipse(0, 0, 1, 0.97, darken(metal, 0.2))
    brush.ellipse(0, 0, 0.9, 0.87, metal)
    sphere(brush)
    brush.ellipse(0.03, 0.03, 0.22, 0.22, darken(metal, 0.5))
    brush.ellipse(0, 0, 0.19, 0.19, lighten(metal, 0.3))
    brush.glow(-0.06, -0.07, 0.12, 0.12, 0.9)


def cabinet(brush: Brush, rng, palette):
    """The top of a small chest; its drawer comes out towards +y."""
    timber = choose(rng, [(164, 116, 76), (128, 88, 62), (204, 164, 118), *palette[:2]])
    brush.rectangle(0, -0.05, 1, 0.72, darken(timber, 0.3), 0.06)
    brush.rectangle(0, -0.08, 1, 0.67, timber, 0.06)
    for y in np.linspace(-0.6, 0.45, 6):
        brush.path([(-0.9, y), (-0.2, y + rng.uniform(-0.04, 0.04)), (0.9, y)], 0.025, darken(timber, 0.12))
    brush.shade(0.3, 0.07)
    brush.glow(-0.3, -0.4, 0.8, 0.4, 0.2)


def drawer(brush: Brush, rng, palette):
    """Centred on its handle, which is at the origin; the tray lies towards -y."""
    timber = choose(rng, [(186, 142, 98), (150, 108, 78), (216, 184, 140)])
    brush.rectangle(0, -0.67, 0.82, 0.66, timber)
    brush.rectangle(0, -0.69, 0.7, 0.57, darken(timber, 0.62))
    brush.rectangle(0, -0.62, 0.7, 0.49, darken(timber, 0.5))
    for _ in range(5):
        x, y = rng.uniform(-0.5, 0.5), rng.uniform(-1.0, -0.25)
        brush.ellipse(x, y, 0.12, 0.1, choose(rng, palette))
    brush.rectangle(0, -0.09, 0.9, 0.1, lighten(timber, 0.15), 0.03)
    brush.shade(0.25, 0.05)
    brush.rectangle(0, 0.04, 0.2, 0.07, (216, 186, 110), 0.06)


def chest(brush: Brush, rng, palette):
    """A box without its lid."""
    colour, lining = paints(rng, palette, 2)
    brush.rectangle(0, 0.1, 1, 0.85, darken(colour, 0.2), 0.04)
    brush.rectangle(0, -0.05, 1, 0.7, colour, 0.04)
    brush.rectangle(0, -0.05, 0.88, 0.58, darken(lining, 0.55))
    brush.rectangle(0, 0.05, 0.88, 0.48, darken(lining, 0.35))
    for _ in range(4):
        x, y = rng.uniform(-0.6, 0.6), rng.uniform(-0.2, 0.3)
        brush.ellipse(x, y, 0.15, 0.13, lighten(choose(rng, palette), 0.2))
    brush.rectangle(0, 0.82, 0.12, 0.09, (216, 186, 110), 0.03)
    brush.shade(0.25, 0.05)


def lid(brush: Brush, rng, palette):
    """The lid of a chest; the hinge is the line y = 0, the lid lies towards +y."""
    colour, lining = paints(rng, palette, 2)
    brush.rectangle(0, 0.72, 1.03, 0.72, colour, 0.05)
    brush.rectangle(0, 0.72, 0.84, 0.54, lighten(colour, 0.14), 0.05)
    brush.polygon([(0, 0.36), (0.34, 0.72), (0, 1.08), (-0.34, 0.72)], lighten(lining, 0.25))
    brush.shade(0.3, 0.06)
