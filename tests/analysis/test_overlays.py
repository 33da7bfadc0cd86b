import numpy as np
import pytest

from analysis.overlays import COLORMAPS, Scale, colours_of, overlay, scales_of


def example(num_frames=3, height=20, width=30):
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)
    return frames, generator.normal(size=(num_frames, 4, 6)).astype(np.float32)


def test_overlay_by_hand():
    frames = np.full((3, 2, 2, 3), 100, np.uint8)
    maps = np.array([0.0, 1.0, 7.0]).reshape(3, 1, 1)  # the first colour, the last, and clipped to the last
    palette = colours_of("viridis")
    blended = overlay(frames, maps, Scale((0, 1), 1, "flat", "viridis", 0.25))
    for index, colour in enumerate((palette[0], palette[-1], palette[-1])):
        np.testing.assert_array_equal(
            blended[index], np.broadcast_to(np.round(75 + 0.25 * colour), (2, 2, 3)).astype(np.uint8)
        )


def test_an_overlay_puts_cells_where_they_are_said_to_lie():
    frames, maps = np.zeros((1, 1, 4, 3), np.uint8), np.array([[[0.0, 1]]])
    ramp = np.round(np.array([0, 0.5, 1, 1]) * 255).astype(int)  # centres on the first and the third pixel
    centres = (np.array([0.5]), np.array([0.125, 0.625]))
    scale = Scale((0, 1), 0.5, "flat", opacity=1)
    blended = overlay(frames, maps, scale, centres=centres)
    np.testing.assert_array_equal(blended[0, 0], np.round(colours_of("inferno")[ramp]).astype(np.uint8))
    assert (overlay(frames, maps, scale) != blended).any()


def test_opacity_goes_from_the_frames_to_the_maps():
    frames, maps = example()
    np.testing.assert_array_equal(overlay(frames, maps, Scale((-1, 1), 0, opacity=0)), frames)
    covering = Scale((-1, 1), 0, "flat", opacity=1)
    np.testing.assert_array_equal(overlay(frames, maps, covering), overlay(255 - frames, maps, covering))


def test_by_value_the_median_shows_the_frame_and_only_what_stands_out_is_coloured():
    frames = np.full((4, 2, 2, 3), 100, np.uint8)
    maps = np.array([-2.0, 1.0, 2.0, 9.0]).reshape(
        4, 1, 1
    )  # below the median, at it, half way up, beyond the limit
    palette = colours_of("inferno")
    blended = overlay(frames, maps, Scale((-1, 3), 1, opacity=0.5))
    np.testing.assert_array_equal(blended[:2], frames[:2])
    colours = (palette[191], palette[255])  # of 0.75 and 1 of the scale
    for index, cover, colour in zip((2, 3), (0.25, 0.5), colours, strict=True):
        expected = np.round((1 - cover) * 100 + cover * colour).astype(np.uint8)
        np.testing.assert_array_equal(blended[index], np.broadcast_to(expected, (2, 2, 3)))


def test_the_scale_of_a_clip_is_of_all_its_values():
    maps = np.arange(201.0).reshape(3, 1, 67)
    assert Scale.of(maps) == Scale((1, 199), 100)  # the 0.5th and the 99.5th percentile
    assert Scale.of(maps, limits=(0, 1), style="flat") == Scale((0, 1), 100, "flat")
    assert Scale((0, 4), 1, "signed").ends == (-2, 4) and Scale((0, 4), 1).ends == (0, 4)


@pytest.mark.parametrize("style", ["value", "flat", "signed"])
def test_all_blocks_together_have_no_sign(style):
    maps = {"S3B1": np.arange(3.0).reshape(3, 1, 1), "all blocks": np.ones((3, 1, 1))}
    scales = scales_of(maps, style=style, colormap="magma")
    assert scales["S3B1"] == Scale.of(maps["S3B1"], style=style, colormap="magma")
    assert scales["all blocks"].style == {"signed": "value"}.get(style, style)


def test_signed_is_blue_below_the_median_and_red_above_by_as_much():
    frames = np.full((3, 2, 2, 3), 100, np.uint8)
    maps = np.array([-2.0, 1.0, 4.0]).reshape(3, 1, 1)
    below, at, above = overlay(frames, maps, Scale((0, 4), 1, "signed", opacity=1))[:, 0, 0].astype(int)
    np.testing.assert_array_equal(at, [100, 100, 100])
    assert below[2] > below[0] + 100 and above[0] > above[2] + 100  # at the ends of -2 to 4


def test_one_scale_keeps_an_idle_frame_dark():
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    maps = np.stack([np.eye(4), 0.01 * np.eye(4)])
    busy, idle = overlay(frames, maps, Scale((0, 1), 0, opacity=1)).astype(int).sum(axis=(1, 2, 3))
    assert idle < busy / 10


@pytest.mark.parametrize("name", COLORMAPS)
def test_colour_maps_grow_lighter_all_the_way(name):
    lightness = colours_of(name) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > -0.5).all() and lightness[-1] - lightness[0] > 120


def test_bad_arguments_are_named():
    frames, maps = example()
    with pytest.raises(ValueError, match="colormap='jet' is unknown; allowed: inferno, "):
        Scale((0, 1), 0, colormap="jet")
    with pytest.raises(ValueError, match="overlay_style='wash' is unknown; allowed: value, flat, signed"):
        Scale((0, 1), 0, "wash")
    for opacity in (1.5, -0.1, float("nan")):
        with pytest.raises(ValueError, match=f"opacity must lie in .0, 1., got {opacity}"):
            Scale((0, 1), 0, opacity=opacity)
    with pytest.raises(ValueError, match="3 frames and 2 maps"):
        overlay(frames, maps[:2], Scale((0, 1), 0))
