import io

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.map_values import TOGETHER
from analysis.overlays import Scale, overlay, scales_of
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
        strip_figure(frames, maps, Scale((0, 1), 0, "signed"), range(3), block="S3B1", kind="softmax")


def test_a_strip_has_the_scale_that_is_given():
    frames, maps = example()
    scale = Scale((-2, 2), 1)
    strip = strip_figure(frames, maps, scale, range(3), block="S3B1")
    shown = strip.axes[1].images[0].get_array()  # the first of the second row
    np.testing.assert_array_equal(shown, overlay(frames, maps, scale)[0])
    assert (shown != overlay(frames, maps, Scale.of(maps, limits=(-2, 2)))[0]).any()


@pytest.mark.parametrize("num_frames", [1, 8])
def test_sheets_show_their_limits_and_cut_nothing_off(num_frames):
    frames, maps = example(num_frames)
    scales = {"S3B1": Scale((-1.5, 2.5), 0), "S5B2": Scale((-0.125, 0.75), 0)}
    sheet = block_frame_sheet(frames, {"S3B1": maps, "S5B2": maps}, scales, range(num_frames))
    strip = strip_figure(frames, maps, scales["S3B1"], range(num_frames), block="S3B1", kind="softmax")
    for figure in (sheet, strip):
        figure.savefig(io.BytesIO())
        canvas = figure.bbox
        for text in figure.findobj(matplotlib.text.Text):
            if text.get_text() and text.get_visible():
                box = text.get_window_extent()
                assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= canvas.x1 and box.y1 <= canvas.y1, text
    texts = {text.get_text() for text in sheet.findobj(matplotlib.text.Text)}
    assert {"≤ −1.5", "≥ 2.5", "≤ −0.125", "≥ 0.75", "frame 0", "S3B1\n4×6"} <= texts


@pytest.mark.parametrize("dark", [False, True])
def test_a_sheet_is_written_in_the_ink_of_its_page(dark):
    frames, maps = example(2)
    sheet = block_frame_sheet(frames, {"S3B1": maps}, {"S3B1": Scale((0, 1), 0)}, range(2), dark=dark)
    sheet.savefig(io.BytesIO())
    written = [text for text in sheet.findobj(matplotlib.text.Text) if text.get_text() and text.get_visible()]
    luminance = [sum(to_rgb(text.get_color())) / 3 for text in written]
    assert set(luminance) == {float(dark)}
    ground = to_rgb(sheet.get_facecolor()[:3])
    assert max(ground) < 0.2 if dark else min(ground) > 0.9


def test_all_blocks_together_have_values_of_their_own_beside_signed_blocks():
    frames, maps = example()
    shown = {"S3B1": maps, TOGETHER: np.abs(maps)}
    sheet = block_frame_sheet(frames, shown, scales_of(shown, style="signed"), range(3))
    texts = {text.get_text() for text in sheet.findobj(matplotlib.text.Text)}
    assert {"M", "response", "all blocks\n4×6"} <= texts
    last = sheet.axes[2].images[0].get_array()  # the first of the third row
    np.testing.assert_array_equal(last, overlay(frames, np.abs(maps), Scale.of(np.abs(maps)))[0])


def test_frames_are_called_by_their_numbers_in_the_video():
    frames, maps = example()
    strip = strip_figure(frames, maps, Scale.of(maps), [3, 12, 18], block="S3B1")
    texts = [text.get_text() for text in strip.axes[0].texts]
    assert texts == ["frame 3", "frame 12", "frame 18"]


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("raw", "M"),
        ("sigmoid", "sigmoid(M)"),
        ("softmax", "softmax\nof M"),
        ("gradcam", "Grad-CAM\n/ its max"),
        ("gradcam_raw", "Grad-CAM"),
    ],
)
def test_the_colour_bar_says_what_the_values_are(kind, title):
    frames, maps = example()
    bar = strip_figure(frames, maps, Scale.of(maps), range(3), block="S3B1", kind=kind).axes[-1]
    assert title in [text.get_text() for text in bar.texts]


@pytest.mark.parametrize("style", ["flat", "signed"])
def test_the_colour_bar_has_the_colours_of_the_overlay(style):
    frames, maps = example()
    scale = Scale((-1, 2), 0, style)
    bar = strip_figure(frames, maps, scale, range(3), block="S3B1").axes[-1]
    colours = bar.collections[-1].cmap(np.array([0, 255]))[:, :3]  # of the lowest and the highest value
    np.testing.assert_allclose(colours, scale.colours[[0, -1]] / 255, atol=1e-6)
    ends = [text.get_text() for text in bar.get_yticklabels()]
    assert (
        ends == {"flat": ["≤ −1", "≥ 2"], "signed": ["−2", "2"]}[style]
    )  # a signed scale leaves nothing out


def test_every_block_has_its_own_centres():
    frames, maps = example()
    centres = {
        name: (np.linspace(edge, 1 - edge, 4), np.linspace(edge, 1 - edge, 6))
        for name, edge in (("S3B1", 0.1), ("S5B2", 0.3))
    }
    scales = dict.fromkeys(centres, Scale.of(maps))
    sheet = block_frame_sheet(frames, dict.fromkeys(centres, maps), scales, range(3), centres=centres)
    for row, name in enumerate(centres, start=1):
        expected = overlay(frames, maps, scales[name], centres=centres[name])[0]
        np.testing.assert_array_equal(sheet.axes[row].images[0].get_array(), expected)
