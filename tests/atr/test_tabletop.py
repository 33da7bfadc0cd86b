import json
import math

import cv2
import numpy as np
import pytest

from atr.tabletop import (
    CLASSES,
    MIRRORED,
    OBJECT_KINDS,
    REVERSED,
    render_batch_cache,
    render_clip,
    split_seed,
    write_dataset,
)
from atr.tabletop.cast import ACTED, HAND, NOTHING_ELSE, STILL
from atr.tabletop.scene import Scene, render_scene
from atr.tabletop.seeds import label_of

ACTING = np.linspace(0, 1, 21)  # progress of an action
SEEDS = range(8)


def plans(label):
    for seed in SEEDS:
        yield Scene(seed, label, 32).action


def positions(action, index):
    """(len(ACTING), 2) positions of the index-th thing."""
    poses = [action.state(progress)[0][index][1] for progress in ACTING]
    return np.array([(pose.x, pose.y) for pose in poses])


def test_same_seed_same_clip():
    first, second = render_clip(5, size=48), render_clip(5, size=48)
    assert np.array_equal(first.frames, second.frames) and np.array_equal(first.masks, second.masks)
    assert (first.label, first.objects) == (second.label, second.objects)
    assert not np.array_equal(first.frames, render_clip(6, size=48).frames)


def test_a_frame_depends_on_its_time_only():
    clip = render_clip(7, num_frames=4, size=48)
    alone = render_clip(7, times=[0.625], size=48)
    assert np.array_equal(alone.frames[0], clip.frames[2])
    assert np.array_equal(alone.masks[0], clip.masks[2])


@pytest.mark.parametrize("label", range(0, 20, 2))
def test_odd_class_is_the_even_class_backwards(label):
    times = np.array([0.1, 0.35, 0.5, 0.8])
    forwards = render_scene(Scene(3, label, 48), times)
    backwards = render_scene(Scene(3, label + 1, 48), 1 - times)
    assert np.array_equal(forwards.frames, backwards.frames)
    assert np.array_equal(forwards.masks, backwards.masks)
    assert np.array_equal(forwards.acting, backwards.acting)


@pytest.mark.parametrize(("label", "axis", "sign"), [(0, 1, 1), (1, 1, -1), (2, 0, -1), (3, 0, 1)])
def test_a_clip_shows_its_class_and_not_the_reverse(label, axis, sign):
    for seed in range(3):
        clip = render_scene(Scene(seed, label, 64, NOTHING_ELSE), np.linspace(0, 1, 9))
        places = [
            np.argwhere(masks == ACTED)[:, axis].mean() for masks in clip.masks if (masks == ACTED).any()
        ]
        assert sign * (places[-1] - places[0]) > 6


def test_symmetries_of_the_classes():
    everything = list(range(len(CLASSES)))
    assert [REVERSED[k] for k in REVERSED] == everything and [MIRRORED[k] for k in MIRRORED] == everything
    assert all(REVERSED[k] != k for k in everything)
    left_right = {k for k in everything if MIRRORED[k] != k}
    assert left_right == {k for k, name in enumerate(CLASSES) if "left" in name or "clockwise" in name}


def test_labels_are_balanced_in_blocks_of_twenty():
    for block in (0, 20, 10_000_000):
        assert sorted(label_of(seed) for seed in range(block, block + 20)) == list(range(20))


def test_splits_are_disjoint():
    indices = (0, 1, 9_999_999)
    seeds = [split_seed(split, index) for split in ("train", "dev", "val") for index in indices]
    assert len(set(seeds)) == 9 and split_seed("train", 7) == 7 and split_seed("val", 7) == 10_000_007
    with pytest.raises(ValueError, match="test"):
        split_seed("test", 0)
    with pytest.raises(ValueError, match="10000000"):
        split_seed("train", 10_000_000)


def test_moving_things_go_where_the_class_says():
    for action in plans(0):
        path = positions(action, 0)
        assert path[-1, 0] - path[0, 0] > 0.3 and np.all(np.diff(path[:, 0]) >= 0)
    for action in plans(2):
        path = positions(action, 0)
        assert path[0, 1] - path[-1, 1] > 0.3
    for action in plans(4):
        gap = np.linalg.norm(positions(action, 0) - positions(action, 1), axis=1)
        assert gap[0] - gap[-1] > 0.25 and np.all(np.diff(gap) <= 1e-9)


def test_cover_ends_on_the_thing_and_the_thing_ends_in_the_container():
    for label in (6, 8):
        for action in plans(label):
            gap = np.linalg.norm(positions(action, 0) - positions(action, 1), axis=1)
            assert gap[0] > 0.25 and gap[-1] < 0.06


def test_turning_is_clockwise_and_far_enough():
    for action in plans(14):
        angles = [action.state(progress)[0][0][1].angle for progress in ACTING]
        assert math.degrees(angles[-1] - angles[0]) > 100 and np.all(np.diff(angles) >= 0)


@pytest.mark.parametrize("label", [16, 18])
def test_pretended_actions_leave_the_thing_where_it_is(label):
    for action in plans(label):
        assert np.ptp(positions(action, 0), axis=0).max() == 0
        first, last = action.state(0)[1][0], action.state(1)[1][0]
        assert last.x - first.x > 0.3 if label == 16 else last.height - first.height > 0.3


def test_picking_up_lifts_the_thing_and_takes_it_along():
    for action in plans(10):
        (_, before), (_, after) = (action.state(progress)[0][0] for progress in (0, 1))
        assert before.height == 0 and after.height > 0.3
        carried = action.at(min(action.end + 0.1, 1.0))[0][0][1]
        assert (carried.x, carried.y) != (after.x, after.y)


@pytest.mark.parametrize("seed", range(20))
def test_masks(seed):
    clip = render_clip(seed, num_frames=6, size=64)
    assert clip.frames.shape == (6, 64, 64, 3) and clip.frames.dtype == np.uint8
    assert clip.masks.shape == (6, 64, 64) and clip.masks.dtype == np.uint8 and clip.masks.max() <= 4
    assert clip.acting.dtype == bool and 1 <= clip.acting.sum() < 6
    hand = (clip.masks == HAND).mean((1, 2))
    assert (
        np.all(hand[clip.acting] > 0) and hand[clip.acting].max() > 0.01
    )  # it may be covered or at the edge
    assert (clip.masks == ACTED).any()
    assert clip.objects and clip.objects < set(range(len(OBJECT_KINDS)))


def test_mask_is_where_the_hand_is_drawn():
    scene = Scene(1, 0, 64)
    time = (scene.action.start + scene.action.end) / 2
    with_hand, masks = scene.frame(time)
    scene.action.arms, state = [], scene.action.state
    scene.action.state = lambda progress: (state(progress)[0], [])
    without_hand, _ = scene.frame(time)
    changed = np.abs(with_hand.astype(int) - without_hand).max(-1) > 0
    inside = cv2.erode((masks == HAND).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert inside.any() and changed[inside].mean() > 0.98


def test_masks_of_still_things_are_where_they_are_drawn(monkeypatch):
    monkeypatch.setattr(
        "atr.tabletop.scene.background", lambda rng, pixels: np.full((pixels, pixels, 3), 128, np.uint8)
    )
    scene = Scene(1, 0, 64)
    things, masks = scene.frame(0.5)
    scene.still = []
    scene.canvas = scene._paint_background()
    nothing, bare = scene.frame(0.5)
    changed = np.abs(things.astype(int) - nothing).max(-1) > 0
    inside = cv2.erode((masks == STILL).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert inside.any() and changed[inside].mean() > 0.98 and not (bare == STILL).any()


def test_things_that_stand_still_are_among_the_kinds_that_are_seen():
    seen = set()
    for seed in SEEDS:
        scene = Scene(seed, 0, 32)
        moving = {thing.kind for group in scene.groups for thing, _ in group.placed(0.5)[0]}
        still = {thing.kind for thing, _ in scene.still}
        seen |= (scene.visible_kinds() & still) - moving
    assert seen


def test_larger_clips_show_the_same():
    for seed in (2, 11):
        small = render_clip(seed, times=[0.2, 0.5], size=96)
        large = render_clip(seed, times=[0.2, 0.5], size=192)
        for k in range(2):
            shrunk = cv2.resize(large.frames[k], (96, 96), interpolation=cv2.INTER_AREA)
            assert np.abs(shrunk.astype(int) - small.frames[k]).mean() < 6
            assert (large.masks[k, ::2, ::2] == small.masks[k]).mean() > 0.97
        assert small.label == large.label and small.objects == large.objects


@pytest.mark.parametrize(
    "arguments", [{"times": [1.2]}, {"times": []}, {"size": 8}, {"num_frames": 0}, {"seed": -1}]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError):
        render_clip(**{"seed": 0, **arguments})


def test_dataset_can_be_read_back(tmp_path):
    folder = write_dataset(
        tmp_path / "clips", split="val", num_clips=3, num_frames=4, size=64, first=20, progress=False
    )
    annotations = json.loads((folder / "annotations.json").read_text())
    assert annotations["labels"] == list(CLASSES) and annotations["split"] == "val"
    assert [clip["id"] for clip in annotations["clips"]] == ["val-000020", "val-000021", "val-000022"]
    for entry in annotations["clips"]:
        clip = render_clip(entry["seed"], num_frames=4, size=64)
        assert entry["label"] == CLASSES[clip.label] and entry["acting"] == clip.acting.tolist()
        assert np.array_equal(np.load(folder / entry["masks"])["masks"], clip.masks)
        video = cv2.VideoCapture(str(folder / entry["video"]))
        for frame in clip.frames:
            read, decoded = video.read()
            assert read and np.abs(decoded[..., ::-1].astype(int) - frame).mean() < 8
        assert not video.read()[0]
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]  # nothing unfinished is left


def test_dataset_never_overwrites(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        write_dataset(tmp_path, split="val", num_clips=1, progress=False)
    assert (tmp_path / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize(
    ("numbers", "allowed"),
    [
        ({"size": 65}, "even numbers from 32 to 2,048"),
        ({"size": 10**9}, "even numbers from 32 to 2,048"),
        ({"num_frames": 10**9}, "1 to 65,536"),
        ({"num_frames": 0}, "1 to 65,536"),
        ({"num_clips": 10**9}, "1 to 10,000,000"),
        ({"fps": 1001}, "1 to 1,000"),
        ({"fps": math.nan}, "1 to 1,000"),
        ({"first": -1}, "0 to 9,999,999"),
    ],
)
def test_sizes_that_cannot_be_written_are_told_before_a_clip_is_rendered(numbers, allowed, tmp_path):
    ((name, value),) = numbers.items()
    with pytest.raises(ValueError, match=f"{name}={value} is not possible; allowed: {allowed}$"):
        write_dataset(tmp_path / "new", split="val", **{"num_clips": 1, "size": 64} | numbers, progress=False)
    assert not list(tmp_path.iterdir())


def test_no_clip_beyond_the_end_of_a_split_is_asked_for(tmp_path):
    last = {"split": "val", "first": 9_999_999, "num_frames": 1, "size": 32, "progress": False}
    assert write_dataset(tmp_path / "last", num_clips=1, **last) == tmp_path / "last"
    with pytest.raises(ValueError, match="^num_clips=2 is not possible; allowed: 1 to 1$"):
        write_dataset(tmp_path / "more", num_clips=2, **last)


def test_cache_is_written_once(tmp_path):
    seeds = [0, 1, 2]
    rendered = render_batch_cache(tmp_path, seeds, num_frames=2, size=32)
    clips = [render_clip(seed, num_frames=2, size=32) for seed in seeds]
    assert np.array_equal(rendered.frames, [clip.frames for clip in clips])
    assert rendered.labels.tolist() == [clip.label for clip in clips]
    assert np.array_equal(rendered.acting, [clip.acting for clip in clips])
    assert [frozenset(np.flatnonzero(row)) for row in rendered.objects] == [clip.objects for clip in clips]
    files = sorted(tmp_path.iterdir())
    written = [path.stat().st_mtime_ns for path in files]
    again = render_batch_cache(tmp_path, seeds, num_frames=2, size=32)
    assert np.array_equal(again.frames, rendered.frames)
    assert [path.stat().st_mtime_ns for path in files] == written and len(files) == 2
    facts = next(path for path in files if path.suffix == ".npz")
    whole = facts.read_bytes()
    facts.write_bytes(whole[:200])
    with pytest.raises(ValueError, match=r"npz or .*npy is damaged; remove both to have"):
        render_batch_cache(tmp_path, seeds, num_frames=2, size=32)
    facts.write_bytes(whole)
    render_batch_cache(tmp_path, seeds[:2], num_frames=2, size=32)
    assert len(list(tmp_path.iterdir())) == 4


def test_in_the_clips_of_one_split_nothing_happens_but_the_action():
    for index in range(20):
        clip = render_clip(split_seed("alone", index), num_frames=4, size=48)
        assert not (clip.masks == 2).any() and (clip.masks == ACTED).any()
    assert any((render_clip(seed, num_frames=4, size=48).masks == 2).any() for seed in range(5))


def test_neither_the_middle_of_the_clip_nor_of_the_picture_tells_the_action():
    """Of 150 clips: AUC of the nearness to the middle for acting frames, and the action's share of the central quarter."""
    clips = [render_clip(seed, size=32) for seed in range(150)]
    nearness = -np.abs(np.arange(8) - 3.5)
    aucs = []
    for clip in clips:
        acting, idle = nearness[clip.acting][:, None], nearness[~clip.acting][None]
        aucs.append(np.mean((acting > idle) + 0.5 * (acting == idle)))
    assert 0.5 < np.mean(aucs) < 0.65
    action = np.concatenate([np.isin(clip.masks[clip.acting], (ACTED, HAND)) for clip in clips])
    assert 0.05 < action.mean() < 0.12
    assert action[:, 8:24, 8:24].mean() < 2 * action.mean()
