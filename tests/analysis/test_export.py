from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from analysis.export import emphasis_table, write_figure, write_gif, write_maps
from analysis.map_values import together
from atr.video.decoding import probe
from atr.video.encoding import write_mp4
from tests.videos import decode


def grey_frames(num_frames=6, height=31, width=45):
    levels = np.linspace(20, 220, num_frames).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (num_frames, height, width, 3)).copy()


def test_mp4_is_h264_of_even_sides_with_the_same_frames(tmp_path):
    frames = grey_frames()
    path = write_mp4(tmp_path / "overlay.mp4", frames, fps=12.5)
    info = probe(path)
    assert (info.codec, info.length, info.fps, info.height, info.width) == ("h264", 6, 12.5, 32, 46)
    assert np.abs(decode(path)[:, :31, :45].astype(int) - frames).max() <= 4


@pytest.mark.parametrize("fps", [29.97, 3.3333, 240 / 7])
def test_mp4_takes_any_rate(tmp_path, fps):
    assert probe(write_mp4(tmp_path / "overlay.mp4", grey_frames(), fps)).fps == pytest.approx(fps, rel=1e-2)


def test_gif_plays_for_ever_at_its_rate_and_fits_its_side(tmp_path):
    path = write_gif(tmp_path / "overlay.gif", grey_frames(height=60, width=120), fps=10, max_side=60)
    with Image.open(path) as picture:
        assert picture.size == (60, 30)
        assert (picture.n_frames, picture.info["duration"], picture.info["loop"]) == (6, 100, 0)
    assert probe(path).length == 6


def test_a_gif_has_one_palette_for_all_frames(tmp_path):
    frames = np.repeat(grey_frames(2), 3, axis=0)
    decoded = decode(write_gif(tmp_path / "overlay.gif", frames, fps=10))
    assert len({frame.tobytes() for frame in decoded}) <= 2


@pytest.mark.parametrize("fps", [1 / 3600, 30000 / 1001, 1000.0])
def test_films_of_any_rate_are_written(tmp_path, fps):
    """A GIF shows a frame for eleven minutes at most."""
    assert probe(write_mp4(tmp_path / "a.mp4", grey_frames(), fps)).fps == pytest.approx(fps, rel=1e-12)
    write_gif(tmp_path / "a.gif", grey_frames(), fps)
    shown = Image.open(tmp_path / "a.gif").info["duration"] / 1000  # seconds
    assert shown == pytest.approx(min(max(1 / fps, 0.02), 655.35), abs=0.01)


def test_figures_are_written_in_every_format_asked_for(tmp_path):
    figure = Figure()
    write_figure(figure, [tmp_path / "a.png", tmp_path / "a.svg"])
    assert Image.open(tmp_path / "a.png").format == "PNG"
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_bad_frames_and_rates_are_named(tmp_path):
    with pytest.raises(ValueError, match="fps must be positive, and 1000 at most, got 0"):
        write_mp4(tmp_path / "a.mp4", grey_frames(), 0)
    with pytest.raises(ValueError, match="uint8"):
        write_gif(tmp_path / "a.gif", grey_frames().astype(float), 10)


def test_files_of_a_thinned_clip_tell_the_frames_of_the_video(tmp_path):
    maps = {"S5B1": np.arange(8.0).reshape(2, 2, 2)}
    result = SimpleNamespace(indices=np.array([4, 9]), box=(1, 2, 3, 4), fps=5.0, maps=maps)
    write_maps(tmp_path / "maps.npz", result)
    with np.load(tmp_path / "maps.npz") as file:
        assert (file["indices"].tolist(), file["box"].tolist(), file["fps"]) == ([4, 9], [1, 2, 3, 4], 5)
        assert "all blocks" not in file
    more = SimpleNamespace(**vars(result) | {"maps": maps | {"S5B2": np.arange(8.0, 0, -1).reshape(2, 2, 2)}})
    write_maps(tmp_path / "more.npz", more)
    with np.load(tmp_path / "more.npz") as file:
        np.testing.assert_array_equal(file["all blocks"], together(more.maps))
    table = emphasis_table(result)
    assert (table.frame.tolist(), table.block.tolist(), table.peak.tolist()) == ([4, 9], ["S5B1"] * 2, [3, 7])
