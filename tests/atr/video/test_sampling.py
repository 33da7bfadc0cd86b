"""Dense samplings that show every frame."""

import numpy as np
import pytest

from atr.video.sampling import covering_windows, dense_indices


def test_windows_by_hand():
    # 20 frames, windows of 8 read every second frame; the evaluation's starts at 6
    assert covering_windows(20, 4, window=8).tolist() == [
        [6, 8, 10, 12],
        [0, 2, 4, 6],
        [1, 3, 5, 7],
        [9, 11, 13, 15],
        [12, 14, 16, 18],  # 14 as the first one would end behind the clip
        [13, 15, 17, 19],
    ]


@pytest.mark.parametrize(
    ("length", "num_frames", "window"), [(300, 8, 64), (65, 8, 64), (64, 8, 64), (101, 4, 18)]
)
def test_every_frame_is_seen_in_a_window_inside_the_clip(length, num_frames, window):
    passes = covering_windows(length, num_frames, window=window)
    assert passes[0].tolist() == dense_indices(length, num_frames, window=window).tolist()
    assert set(passes.ravel().tolist()) == set(range(length))
    offsets = np.arange(num_frames) * window // num_frames
    assert (passes - passes[:, :1] == offsets).all()  # none is read in a loop
    assert len(passes) <= 2 * -(-length // num_frames)


@pytest.mark.parametrize("length", [1, 5, 40, 63])
def test_a_clip_shorter_than_the_window_is_read_in_a_loop(length):
    passes = covering_windows(length, 8)
    assert set(passes.ravel().tolist()) == set(range(length))
    steps = np.diff(passes, axis=1) % length
    assert (steps == 8 % length).all()


def test_a_loop_begins_at_the_first_frame_that_is_not_seen():
    # windows of 8 read every second frame: inside of 7 frames one can only start at 0
    assert covering_windows(7, 4, window=8).tolist() == [[0, 2, 4, 6], [1, 3, 5, 0]]
    assert covering_windows(5, 4, window=8).tolist() == [[0, 2, 4, 1], [3, 0, 2, 4]]
    assert covering_windows(60, 8)[4].tolist() == [4, 12, 20, 28, 36, 44, 52, 0]


def test_only_wanted_frames_need_be_seen():
    wanted = np.array([0, 500, 999])
    passes = covering_windows(1000, 8, wanted=wanted)
    assert len(passes) == 3 and set(wanted.tolist()) <= set(passes.ravel().tolist())
    assert 500 in passes[0] and 0 in passes[1] and 999 in passes[2]


def test_the_middle_window_begins_as_in_the_original_code():
    assert dense_indices(163, 8)[0] == 49 and dense_indices(67, 8)[0] == 1 and dense_indices(65, 8)[0] == 0


def test_every_window_can_be_drawn():
    g = np.random.default_rng(0)
    assert {int(dense_indices(66, 8, generator=g)[0]) for _ in range(200)} == {0, 1, 2}
