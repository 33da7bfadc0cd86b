import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from atr.preprocessing import Preprocessing
from atr.video.transforms import cut_view, normalise, resize, standardised, view_box
from tests.videos import preprocess


def test_view_box_is_the_centre_square_scaled_back_to_the_original():
    # 240x427 -> 256x455; the 224 square is at (16, 115); in original pixels times 240/256
    assert view_box(240, 427, Preprocessing()) == (15, 108, 210, 210)
    assert view_box(96, 96, Preprocessing(short_side=96, crop=96)) == (0, 0, 96, 96)
    assert view_box(240, 427, Preprocessing(), "whole") == (0, 0, 240, 427)


def test_view_box_of_a_squeezed_frame_is_the_same_share_of_both_sides():
    assert view_box(240, 427, Preprocessing(128, 128, fit="squeeze")) == (0, 0, 240, 427)
    # the 96 square is at (16, 16) of 128x128; in original pixels times 240/128 and 427/128
    assert view_box(240, 427, Preprocessing(128, 96, fit="squeeze")) == (30, 53, 180, 320)
    assert view_box(240, 427, Preprocessing(128, 96, fit="squeeze"), "whole") == (0, 0, 240, 427)


@pytest.mark.parametrize("fit", ["crop", "squeeze"])
@pytest.mark.parametrize(("height", "width"), [(240, 427), (427, 240), (100, 100), (33, 500)])
def test_what_the_model_sees_is_the_view_box(height, width, fit):
    """A picture whose value tells its position: the model's view and the box cut from the frame agree."""
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack([rows * 255 / height, columns * 255 / width, 0 * rows], axis=-1).astype(np.uint8)[None]
    settings = Preprocessing(short_side=64, crop=48, fit=fit)
    top, left, box_height, box_width = view_box(height, width, settings)
    cut = picture[:, top : top + box_height, left : left + box_width]
    seen = cut_view(picture, settings)
    assert seen.shape == (1, 48, 48, 3)
    assert np.abs(resize(cut, 48, 48).astype(int) - seen).max() <= 255 * 2 / 48


def test_whole_view_keeps_the_frame_in_multiples_of_32():
    frames = np.zeros((2, 240, 427, 3), np.uint8)
    assert preprocess(frames, Preprocessing(), "whole").shape == (2, 3, 256, 448)
    assert preprocess(frames, Preprocessing(short_side=96, crop=96), "whole").shape == (2, 3, 96, 160)
    assert preprocess(frames.swapaxes(1, 2), Preprocessing(), "whole").shape == (2, 3, 448, 256)
    squeezed = Preprocessing(128, 96, fit="squeeze")
    assert preprocess(frames, squeezed, "whole").shape == (2, 3, 128, 128)


def test_normalisation_by_hand():
    frames = np.full((1, 8, 8, 3), (255, 0, 51), np.uint8)
    settings = Preprocessing(short_side=8, crop=8, mean=(0.5, 0.5, 0.2), std=(0.5, 0.25, 1))
    values = preprocess(frames, settings)
    assert values.shape == (1, 3, 8, 8) and values.dtype == torch.float32
    torch.testing.assert_close(values[0, :, 3, 3], torch.tensor([1.0, -2.0, 0.0]))


def test_shrinking_averages_and_same_size_is_untouched():
    picture = np.zeros((1, 4, 4, 3), np.uint8)
    picture[:, ::2, ::2] = 200
    assert (resize(picture, 2, 2) == 50).all()
    assert (resize(picture, 4, 4) == picture).all()


def test_settings_survive_json():
    settings = Preprocessing(short_side=96, crop=96, mean=(0.1, 0.2, 0.3))
    assert Preprocessing.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    squeezed = replace(settings, fit="squeeze")
    assert Preprocessing.from_dict(json.loads(json.dumps(squeezed.to_dict()))) == squeezed
    assert "fit" not in settings.to_dict() and squeezed.to_dict() != settings.to_dict()


def test_bad_settings_and_views_are_named():
    with pytest.raises(ValueError, match="crop = 300 must not be larger than short_side = 256"):
        Preprocessing(crop=300)
    with pytest.raises(
        ValueError, match=r"std=\(0.0, 1.0, 1.0\) is not allowed; allowed: .* above 0 to 1,000"
    ):
        Preprocessing(std=(0, 1, 1))
    with pytest.raises(ValueError, match=r"mean=\(0.5, 0.5\) is not allowed; allowed: a list of 3"):
        Preprocessing(mean=(0.5, 0.5))
    with pytest.raises(
        ValueError, match="crop='large' is not allowed; allowed: a whole number from 1 to 8,192"
    ):
        Preprocessing(crop="large")
    with pytest.raises(ValueError, match="fit='stretch' is unknown; allowed: crop, squeeze"):
        Preprocessing(fit="stretch")
    with pytest.raises(TypeError):
        Preprocessing.from_dict({"size": 3})
    with pytest.raises(ValueError, match="view='half' is unknown; allowed: crop, whole"):
        cut_view(np.zeros((1, 300, 300, 3), np.uint8), Preprocessing(), "half")


def test_standardised_by_hand():
    frames = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 1, 3)
    mean, std = torch.tensor([0.0, 0.1, 0.5])[:, None, None], torch.tensor([1.0, 0.1, 0.25])[:, None, None]
    found = standardised(frames, mean, std)
    assert found.shape == (1, 1, 3, 1, 1)
    torch.testing.assert_close(found.flatten(), torch.tensor([0.0, 1.0, 2.0]))


def test_the_table_of_values_is_the_arithmetic_to_the_last_bit():
    settings = Preprocessing()
    columns = (torch.tensor(each)[:, None, None] for each in (settings.mean, settings.std))
    frames = torch.randint(0, 256, (2, 3, 40, 24, 3), dtype=torch.uint8)
    found, expected = normalise(frames, settings), standardised(frames, *columns)
    assert torch.equal(found, expected) and found.stride() == expected.stride()
    assert torch.equal(normalise(frames.numpy()[:, :, ::2, ::-1], settings)[..., 0], expected[..., ::2, -1])
    assert normalise(frames[:0], settings).shape == (0, 3, 3, 40, 24)


def test_constants_are_brought_to_a_device_once(monkeypatch):
    """A GPU is waited for whenever one is: not in every step of a training. "meta" stands for a GPU."""
    frames, settings = (
        torch.zeros(1, 4, 4, 3, dtype=torch.uint8, device="meta"),
        Preprocessing(4, 4, (0.1, 0.2, 0.3)),
    )
    assert normalise(frames, settings).shape == (1, 3, 4, 4)
    monkeypatch.setattr(torch, "tensor", lambda *_, **__: pytest.fail("brought there again"))
    normalise(frames, settings)


def test_sides_of_the_whole_view_are_the_nearest_multiples():
    frames = np.zeros((1, 240, 440, 3), np.uint8)
    assert cut_view(frames, Preprocessing(), "whole").shape[1:3] == (256, 480)


def test_a_frame_that_loses_pixels_is_averaged():
    frames = np.random.default_rng(0).integers(0, 256, (1, 24, 200, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        resize(frames, 32, 32)[0], cv2.resize(frames[0], (32, 32), interpolation=cv2.INTER_AREA)
    )
