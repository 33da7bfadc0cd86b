"""The ten actions, each planned at random: where things are, which way they go, where the hand comes from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from atr.tabletop.actions import (
    GRASP,
    Action,
    Grip,
    Stage,
    apart,
    between,
    direction,
    hold,
    moved,
    openness,
    smooth,
    span,
    uniform,
)
from atr.tabletop.backgrounds import choose
from atr.tabletop.objects import KINDS, OBJECT_KINDS, TURNABLE
from atr.tabletop.sprites import Pose


def slide(stage: Stage, across: bool) -> Action:
    rng, thing = stage.rng, stage.small()
    length, drift = uniform(rng, 0.34, 0.48), uniform(rng, -0.05, 0.05)
    along, aside = span(rng, 0.2, 0.8, length), uniform(rng, 0.28, 0.72)
    if across:
        start, end = Pose(along, aside, thing.angle), Pose(along + length, aside + drift, thing.angle)
    else:
        start, end = Pose(aside, along + length, thing.angle), Pose(aside + drift, along, thing.angle)
    arm = stage.arm((start.x, start.y), "bbblr" if across else "bblr")

    def state(progress):
        pose = between(start, end, moved(progress))
        return [(thing, pose)], [hold(arm, pose, thing.radius, progress)]

    return stage.action([arm], state)


def move_sideways(stage: Stage) -> Action:
    return slide(stage, across=True)


def move_up(stage: Stage) -> Action:
    return slide(stage, across=False)


def move_closer(stage: Stage) -> Action:
    """Two hands bring two things together, or one hand brings one thing to the other."""
    rng, first = stage.rng, stage.small(0.095, 0.11)
    second = stage.small(0.095, 0.11)
    if rng.random() < 0.5:
        second = replace(first, seed=first.seed)
    tilt = uniform(rng, -0.5, 0.5) + (math.pi if rng.random() < 0.5 else 0)
    dx, dy = math.cos(tilt), math.sin(tilt)
    touching = 0.95 * (first.radius + second.radius)
    far = max(touching + 0.34, uniform(rng, 0.56, 0.64))
    centre = (uniform(rng, 0.44, 0.56), uniform(rng, 0.38, 0.6))
    both = rng.random() < 0.65
    ends = (-touching / 2, touching / 2) if both else (far / 2 - touching, far / 2)
    starts = (-far / 2, far / 2)

    def poses(share):
        return [
            Pose(centre[0] + dx * s, centre[1] + dy * s, thing.angle)
            for thing, s in zip(
                (first, second), (a + (b - a) * share for a, b in zip(starts, ends, strict=True)), strict=True
            )
        ]

    arms = []
    for pose in poses(0)[: 2 if both else 1]:
        arms.append(stage.arm((pose.x, pose.y), "l" if pose.x < centre[0] else "r"))
    if both:  # one person: both arms look alike and move together
        arms[1] = replace(
            arms[0], hand=replace(arms[1].hand, seed=arms[0].hand.seed), shoulder=arms[1].shoulder
        )
        for arm in arms:
            arm.hand.thumb = 1 if arm.shoulder[0] < centre[0] else -1

    def state(progress):
        now = poses(moved(progress))
        grips = [
            hold(arm, pose, thing.radius, progress, 0.4)
            for arm, pose, thing in zip(arms, now, (first, second), strict=False)
        ]
        return list(zip((first, second), now, strict=True)), grips

    return stage.action(arms, state)


def cover(stage: Stage) -> Action:
    rng, target = stage.rng, stage.small(0.08, 0.095)
    name = choose(rng, ("napkin", "napkin", "dome", "book", "box"))
    base = {"napkin": 0.125, "dome": 0.13, "book": 0.15, "box": 0.155}[name] * uniform(rng, 0.96, 1.08)
    if target.radius > 0.12:  # long things must fit under it
        target.radius = 0.12
    cloth = stage.thing(name, base, uniform(rng, -0.5, 0.5) if name in ("napkin", "book") else 0.0)
    place, beside = apart(rng, uniform(rng, 0.36, 0.46))
    end, start = Pose(*place, cloth.angle), Pose(*beside, cloth.angle)
    arm = stage.arm(beside, "bblr")

    def state(progress):
        pose = between(start, end, moved(progress), lift=0.2)
        return [(target, Pose(*place, target.angle)), (cloth, pose)], [
            hold(arm, pose, cloth.radius, progress, 0.62)
        ]

    return stage.action([arm], state)


def put_into(stage: Stage) -> Action:
    rng = stage.rng
    thing = stage.small(0.075, 0.09)
    thing.radius = min(thing.radius, 0.11)
    name = choose(rng, ("bowl", "crate"))
    container = stage.thing(name, uniform(rng, 0.118, 0.135))
    front = replace(container, part="front")
    place, beside = apart(rng, uniform(rng, 0.36, 0.44))
    start, over = Pose(*beside, thing.angle), Pose(place[0], place[1] - 0.06, thing.angle, height=0.2)
    inside = Pose(place[0], place[1] - 0.035, thing.angle, scale=0.85)
    arm = stage.arm(beside, "bblr")

    def state(progress):
        share = moved(progress)
        if share < 0.65:
            pose = between(start, over, share / 0.65)
            pose = replace(pose, height=0.2 * smooth(share / 0.3))
        else:
            pose = between(over, inside, smooth((share - 0.65) / 0.35))
        grip = hold(arm, pose, thing.radius, progress)
        standing = Pose(*place)
        things = [(container, standing), (thing, pose)]
        return things + ([(front, standing)] if share > 0.75 else []), [grip]

    return stage.action([arm], state)


def lift(stage: Stage, pretended: bool) -> Action:
    """The hand closes on the thing, rises, and leaves with it; or without it."""
    rng, thing = stage.rng, stage.small()
    place = (uniform(rng, 0.3, 0.7), uniform(rng, 0.36, 0.7))
    arm = stage.arm(place, "bbblr")
    dx, dy = direction(place, arm.shoulder)
    start = Pose(*place, thing.angle)
    top = Pose(place[0] + 0.06 * dx, place[1] + 0.06 * dy - 0.09, thing.angle, height=0.38)
    hover = 0.07 if pretended else 0.0

    def state(progress):
        pose = between(start, top, smooth((progress - GRASP) / (1 - GRASP)))
        grip = replace(
            hold(arm, pose, thing.radius, progress, height=hover), openness=1 - smooth(progress / GRASP)
        )
        return [(thing, start if pretended else pose)], [grip]

    return stage.action([arm], state, carried=None if pretended else thing)


def pick_up(stage: Stage) -> Action:
    return lift(stage, pretended=False)


def pretend_pick_up(stage: Stage) -> Action:
    return lift(stage, pretended=True)


def open_(stage: Stage) -> Action:
    return choose(stage.rng, (open_drawer, open_lid))(stage)


def open_drawer(stage: Stage) -> Action:
    rng = stage.rng
    radius = uniform(rng, 0.104, 0.12)
    # Out towards the viewer, or to either side.
    side = choose(rng, (0.0, 0.0, math.pi / 2, -math.pi / 2))
    out = (-math.sin(side), math.cos(side))
    chest = stage.thing("cabinet", radius, side)
    tray = stage.thing("drawer", radius, side)
    radius = chest.radius
    centre = (uniform(rng, 0.42, 0.58) - 0.1 * out[0], uniform(rng, 0.36, 0.5) - 0.06 * out[1])
    arm = stage.arm(centre, {0.0: "bbblr", math.pi / 2: "lb", -math.pi / 2: "rb"}[side])

    def state(progress):
        share = moved(progress)
        at = radius * (0.68 + 1.22 * share)
        handle = Pose(centre[0] + out[0] * at, centre[1] + out[1] * at, side)
        grip = Grip(handle.x + 0.01 * out[0], handle.y + 0.01 * out[1], 0.0, openness(progress))
        return [(tray, handle), (chest, Pose(*centre, side))], [grip]

    return stage.action([arm], state)


def open_lid(stage: Stage) -> Action:
    rng = stage.rng
    chest = stage.thing("chest", uniform(rng, 0.1, 0.12))
    seed = chest.seed
    top = stage.thing("lid", chest.radius / KINDS[chest.kind].reach, seed=seed)
    radius = chest.radius
    centre = (uniform(rng, 0.36, 0.64), uniform(rng, 0.54, 0.64))
    arm = stage.arm(centre, "bblr")
    hinge = centre[1] - 0.75 * radius

    def state(progress):
        turn = math.radians(165) * moved(progress)
        reach = math.cos(turn) - 0.5 * math.sin(turn)  # the free edge rises towards the viewer's upper side
        free = hinge + 1.44 * radius * reach
        pose = Pose(
            centre[0], hinge, stretch=(1 + 0.12 * math.sin(turn), reach if abs(reach) > 0.03 else 0.03)
        )
        grip = Grip(centre[0] + 0.2 * radius, free, 0.25 * math.sin(turn) * 0.5, openness(progress))
        return [(chest, Pose(*centre)), (top, pose)], [grip]

    return stage.action([arm], state)


def turn_clockwise(stage: Stage) -> Action:
    rng = stage.rng
    thing = stage.thing(choose(rng, TURNABLE), uniform(rng, 0.105, 0.125))
    long_side = math.pi / 2 if OBJECT_KINDS[thing.kind] in ("book", "phone") else 0.0
    place = (uniform(rng, 0.36, 0.64), uniform(rng, 0.36, 0.6))
    arm = stage.arm(place, "bbblr")
    dx, dy = direction(place, arm.shoulder)
    facing, sweep = math.atan2(dy, dx), math.radians(uniform(rng, 115, 165))
    end = (0.0 if rng.random() < 0.5 else math.pi) - long_side  # which end is held
    thing.angle = facing + end

    def state(progress):
        held = facing + sweep * (moved(progress) - 0.5)
        x, y = (
            place[0] + 0.75 * thing.radius * math.cos(held),
            place[1] + 0.75 * thing.radius * math.sin(held),
        )
        return [(thing, Pose(*place, held + end))], [Grip(x, y, 0.0, openness(progress))]

    return stage.action([arm], state)


def pretend_sideways(stage: Stage) -> Action:
    """The hand makes the movement over the thing, which stays."""
    rng, thing = stage.rng, stage.small()
    length, drift = uniform(rng, 0.36, 0.5), uniform(rng, -0.05, 0.05)
    left, y = span(rng, 0.2, 0.8, length), uniform(rng, 0.3, 0.7)
    place = Pose(left + length * uniform(rng, 0.1, 0.9), y + uniform(rng, -0.06, 0.06), thing.angle)
    arm = stage.arm((left + length / 2, y))
    start, end = Pose(left, y), Pose(left + length, y + drift)
    height = uniform(rng, 0.06, 0.14)

    def state(progress):
        pose = between(start, end, moved(progress))
        return [(thing, place)], [Grip(pose.x, pose.y, height, openness(progress))]

    return stage.action([arm], state)


PLANS: tuple[Callable[[Stage], Action], ...] = (
    move_sideways,
    move_up,
    move_closer,
    cover,
    put_into,
    pick_up,
    open_,
    turn_clockwise,
    pretend_sideways,
    pretend_pick_up,
)
