"""A wide video with a colour in each corner, grey elsewhere: what a network is given of it, cut and squeezed."""

import numpy as np
import pytest
import torch

import atr
from atr.preprocessing import Preprocessing
from atr.video.encoding import write_mp4
from tests.videos import predict

CORNERS = {(0, 0): (220, 30, 30), (0, -1): (30, 200, 30), (-1, 0): (30, 30, 220), (-1, -1): (220, 200, 30)}
GREY, TOLERANCE = 128, 25  # of the encoding, of 255


@pytest.fixture
def video(tmp_path):
    frames = np.full((8, 64, 160, 3), GREY, np.uint8)
    rows, columns = {0: slice(16), -1: slice(-16, None)}, {0: slice(32), -1: slice(-32, None)}
    for (row, column), colour in CORNERS.items():
        frames[:, rows[row], columns[column]] = colour
    write_mp4(tmp_path / "corners.mp4", frames, fps=8)
    return tmp_path / "corners.mp4"


def seen_of(video, fit):
    """The network's input as pictures, (T, 3, 32, 32) in 0 to 255."""
    model = atr.create_model("tsn_resnet18", 2, 4, width=1 / 32, dropout=0.0).eval()
    model.preprocessing = Preprocessing(32, 32, mean=(0, 0, 0), std=(1 / 255,) * 3, fit=fit)
    given = []
    with model.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0])):
        predict(model, video)
    ((clip,),) = given
    assert clip.shape == (4, 3, 32, 32)
    return clip


def test_squeezed_frames_show_every_corner(video):
    frames = seen_of(video, "squeeze")
    for (row, column), colour in CORNERS.items():
        expected = torch.tensor(colour, dtype=torch.float32).expand(4, 3)
        torch.testing.assert_close(frames[..., row, column], expected, rtol=0, atol=TOLERANCE)


def test_cropped_frames_show_none(video):
    frames = seen_of(video, "crop")
    torch.testing.assert_close(frames, torch.full_like(frames, GREY), rtol=0, atol=TOLERANCE)
