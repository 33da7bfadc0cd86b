"""Which frames and which squares of them each protocol shows."""

import numpy as np
import pytest

from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.video.protocol import PROTOCOLS, SINGLE_VIEW, Protocol, three_crops
from atr.video.sampling import uniform_indices
from atr.video.transforms import cut_view, resize

DENSE = Sampling("dense")


def test_names():
    assert [str(Protocol.named(name)) for name in PROTOCOLS] == ["1x1", "2x3", "10x3"]
    assert Protocol.named("10x3").num_views == 30
    assert Protocol.named("1x1") == SINGLE_VIEW
    for name in ("3x2", "2×3", "", "axb"):
        with pytest.raises(ValueError, match=f"protocol='{name}' is unknown; allowed: 1x1, 2x3, 10x3"):
            Protocol.named(name)


def test_uniform_clips_by_hand():
    # 4 segments of 10 frames; shifts 1/2 and 0, in the order of TSM's and mmaction2's twice_sample
    assert Protocol(2, 3).indices(40, 4).tolist() == [[5, 15, 25, 35], [0, 10, 20, 30]]
    # TSM: tick = 30 / 4 = 7.5; int(tick / 2 + tick * x), int(tick * x)
    assert Protocol(2, 3).indices(30, 4).tolist() == [[3, 11, 18, 26], [0, 7, 15, 22]]
    assert Protocol(2, 3).indices(3, 4).tolist() == [[0, 1, 1, 2], [0, 0, 1, 2]]  # fewer frames than segments
    assert Protocol(1, 1).indices(40, 4).tolist() == [uniform_indices(40, 4).tolist()]
    assert Protocol(10, 3).indices(40, 4)[:, 0].tolist() == list(
        range(10)
    )  # shift (c + 0.5) / 10 of a segment


def test_dense_clips_by_hand():
    # windows of 64 frames out of 164: starts from 0 to 100
    assert Protocol(2, 3).indices(164, 8, DENSE)[:, 0].tolist() == [0, 100]
    assert Protocol(1, 1).indices(164, 8, DENSE)[:, 0].tolist() == [50]
    assert Protocol(10, 3).indices(163, 8, DENSE)[:, 0].tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert np.diff(Protocol(2, 3).indices(164, 8, DENSE)).tolist() == [[8] * 7] * 2
    short = Sampling("dense", window=16)
    assert Protocol(1, 1).indices(164, 8, short).tolist() == [list(range(74, 90, 2))]
    assert Protocol(2, 3).indices(164, 8, short)[:, 0].tolist() == [0, 148]


def columns(height, width):
    """One frame whose pixels tell their row (green) and column (red)."""
    frames = np.zeros((1, height, width, 3), np.uint8)
    frames[..., 0], frames[..., 1] = np.arange(width), np.arange(height)[:, None]
    return frames


def test_three_crops_lie_along_the_longer_side():
    wide = three_crops(columns(8, 20), 8)
    assert wide.shape == (3, 1, 8, 8, 3)
    assert wide[:, 0, 0, 0, 0].tolist() == [0, 6, 12]
    tall = three_crops(columns(20, 8), 8)
    assert tall[:, 0, 0, 0, 1].tolist() == [0, 6, 12]
    assert tall[:, 0, 0, 0, 0].tolist() == [0, 0, 0]


def test_three_crops_are_of_the_whole_short_side_and_coincide_in_a_square():
    crops = Protocol(2, 3).cut(columns(30, 60), Preprocessing(short_side=16, crop=12))
    assert crops.shape == (3, 1, 16, 16, 3)
    square = three_crops(columns(9, 9), 9)
    assert np.array_equal(square[0], square[1]) and np.array_equal(square[1], square[2])


def test_three_crops_of_a_squeezed_frame_coincide_and_are_all_of_it():
    frames, sizes = columns(30, 60), Preprocessing(short_side=15, crop=15, fit="squeeze")
    crops = Protocol(2, 3).cut(frames, sizes)
    assert np.array_equal(crops, np.stack([resize(frames, 15, 15)] * 3))
    assert np.array_equal(Protocol(1, 1).cut(frames, sizes), crops[:1])


def test_one_crop_is_the_one_of_training():
    frames, sizes = columns(30, 60), Preprocessing(short_side=16, crop=12)
    assert np.array_equal(Protocol(1, 1).cut(frames, sizes)[0], cut_view(frames, sizes))
