import io

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.actionness import TOGETHER
from analysis.overlays import overlay
from analysis.sheets import block_frame_sheet, strip_figure


def example(num_frames=3, height=20, width=30):
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)
    return frames, generator.normal(size=(num_frames, 4, 6)).astype(np.float32)


def test_only_raw_maps_are_signed():
    frames, maps = example()
    with pytest.raises(
        ValueError, match="overlay_style='signed' is of raw M, not of softmax; allowed: value, flat"
    ):
        strip_figure(frames, maps, (0, 1), range(3), block="S3B1", kind="softmax", style="signed")
    with pytest.raises(ValueError, match="overlay_style='wash' is unknown; allowed: value, flat, signed"):
        overlay(frames, maps, (0, 1), style="wash")


def test_the_median_of_a_strip_is_that_of_its_clip():
    frames, maps = example()
    strip = strip_figure(frames, maps, (-2, 2), range(3), block="S3B1", median=1)
    shown = strip.axes[1].images[0].get_array()  # the first of the second row
    np.testing.assert_array_equal(shown, overlay(frames, maps, (-2, 2), median=1)[0])
    assert (shown != overlay(frames, maps, (-2, 2))[0]).any()


@pytest.mark.parametrize("num_frames", [1, 8])
def test_sheets_show_their_limits_and_cut_nothing_off(num_frames):
    frames, maps = example(num_frames)
    limits = {"S3B1": (-1.5, 2.5), "S5B2": (-0.125, 0.75)}
    sheet = block_frame_sheet(frames, {"S3B1": maps, "S5B2": maps}, limits, range(num_frames))
    strip = strip_figure(frames, maps, (-1.5, 2.5), range(num_frames), block="S3B1", kind="softmax")
    for figure in (sheet, strip):
        figure.savefig(io.BytesIO())
        canvas = figure.bbox
        for text in figure.findobj(matplotlib.text.Text):
            if text.get_text() and text.get_visible():
                box = text.get_window_extent()
                assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= canvas.x1 and box.y1 <= canvas.y1, text
    texts = {text.get_text() for text in sheet.findobj(matplotlib.text.Text)}
    assert {"-1.5", "2.5", "-0.125", "0.75", "frame 0", "S3B1\n4×6"} <= texts


@pytest.mark.parametrize("dark", [False, True])
def test_a_sheet_is_written_in_the_ink_of_its_page(dark):
    frames, maps = example(2)
    sheet = block_frame_sheet(frames, {"S3B1": maps}, {"S3B1": (0, 1)}, range(2), dark=dark)
    sheet.savefig(io.BytesIO())
    written = [text for text in sheet.findobj(matplotlib.text.Text) if text.get_text() and text.get_visible()]
    luminance = [sum(to_rgb(text.get_color())) / 3 for text in written]
    assert set(luminance) == {float(dark)}
    ground = to_rgb(sheet.get_facecolor()[:3])
    assert max(ground) < 0.2 if dark else min(ground) > 0.9


def test_all_blocks_together_have_values_of_their_own_and_no_sign():
    frames, maps = example()
    responses, limits = np.abs(maps), {"S3B1": (-2, 2), TOGETHER: (0.0, 1.5)}
    sheet = block_frame_sheet(
        frames, {"S3B1": maps, TOGETHER: responses}, limits, range(3), kind="raw", style="signed"
    )
    texts = {text.get_text() for text in sheet.findobj(matplotlib.text.Text)}
    assert {"M", "response", "all blocks\n4×6"} <= texts
    shown = sheet.axes[2].images[0].get_array()  # the first of the third row
    np.testing.assert_array_equal(shown, overlay(frames, responses, (0.0, 1.5), style="value")[0])
