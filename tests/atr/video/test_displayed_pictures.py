"""Frames come as they are displayed: upright, with square pixels, progressive, in the colours that the file states."""

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from numbered import number_of, numbered_frame, write_film  # noqa: E402

from atr.video.decoding import probe  # noqa: E402
from atr.video.transforms import resize  # noqa: E402
from tests.videos import decode  # noqa: E402

ONE = 1 << 16
TURNS = {  # a, b, c, d of the display matrix: x' = a·x + c·y, y' = b·x + d·y
    "upright": ((1, 0, 0, 1), lambda frame: frame),
    "quarter turn right": ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),
    "half turn": ((-1, 0, 0, -1), lambda frame: np.rot90(frame, 2)),
    "quarter turn left": ((0, -1, 1, 0), lambda frame: np.rot90(frame)),
    "left and right swapped": ((-1, 0, 0, 1), lambda frame: frame[:, ::-1]),
    "top and bottom swapped": ((1, 0, 0, -1), lambda frame: frame[::-1]),
    "mirrored at the diagonal": ((0, 1, 1, 0), lambda frame: frame.swapaxes(0, 1)),
    "mirrored at the other diagonal": ((0, -1, -1, 0), lambda frame: frame[::-1, ::-1].swapaxes(0, 1)),
}


def copy_turned(source, target, matrix):
    """The same coded frames with a display matrix."""
    with av.open(str(source)) as film, av.open(str(target), "w") as turned:
        track = film.streams.video[0]
        stream = turned.add_stream_from_template(track)
        stream.set_display_matrix(matrix)
        for packet in film.demux(track):
            if packet.size:
                packet.stream = stream
                turned.mux(packet)


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("file", ["f.mp4", "f.mov"])
def test_turns_and_flips_are_applied(tmp_path, name, file):
    (a, b, c, d), turn = TURNS[name]
    source, path = write_film(tmp_path / f"plain-{file}", 6), tmp_path / file
    copy_turned(source, path, [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30])
    plain = decode(source)
    expected = np.stack([turn(frame) for frame in plain])
    assert np.array_equal(decode(path), expected)
    info = probe(path)
    assert (info.height, info.width) == expected.shape[1:3]
    assert info.notices == ()


def test_a_rotation_by_other_angles_is_left_out_and_said(tmp_path):
    cos, sin = int(0.8 * ONE), int(0.6 * ONE)
    path = write_film(tmp_path / "f.mp4", 3, matrix=[cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30])
    assert decode(path).shape == (3, 64, 96, 3)
    assert "the file states a rotation that is no quarter turn; it is not applied" in probe(path).notices


@pytest.mark.parametrize(
    ("shape", "width"),
    [
        (Fraction(4, 3), 128),
        (Fraction(3, 4), 72),
        (Fraction(16, 15), 102),
        (Fraction(1), 96),
        (Fraction(65, 64), 96),
    ],
)
def test_pixels_are_square(tmp_path, shape, width):
    path = write_film(tmp_path / "f.mkv", 4, pixel_shape=shape)
    plain = decode(write_film(tmp_path / "plain.mkv", 4))
    info = probe(path)
    assert (info.height, info.width) == (64, width)
    frames = decode(path)
    expected = plain if width == 96 else resize(plain, 64, width)
    assert np.abs(frames.astype(int) - expected).mean() < 2  # each film was encoded by itself


def woven(index):
    """The lines of two instants."""
    frame, later = numbered_frame(index), numbered_frame(index)
    later[:, 64:] = np.roll(later, 6, axis=1)[:, 64:]
    frame[1::2] = later[1::2]
    return frame


def combs(frames):
    """How much lines differ from both neighbours."""
    grey = frames[:, 34:, 64:, 0].astype(int)
    return np.abs(2 * grey[:, 1:-1] - grey[:, :-2] - grey[:, 2:]).mean()


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("f.mp4", "libx264", {"flags": "+ildct+ilme", "x264-params": "tff=1", "crf": "10", "g": "8"}),
        ("f.mpg", "mpeg2video", {"flags": "+ildct+ilme", "b": "4000000", "g": "8"}),
        ("f.ts", "libx264", {"flags": "+ildct+ilme", "x264-params": "tff=1", "crf": "10", "g": "8"}),
    ],
)
@pytest.mark.parametrize("marked", [True, False])
def test_interlaced_frames_are_deinterlaced_where_they_are_marked(tmp_path, name, codec, options, marked):
    path = tmp_path / name
    if not marked:
        options = {key: value for key, value in options.items() if key in ("crf", "b", "g")}
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.thread_count, stream.options = 1, options
        for index in range(24):
            frame = av.VideoFrame.from_ndarray(woven(index), "rgb24")
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    together = decode(path)
    assert [number_of(frame) for frame in together] == list(range(24))
    assert (combs(together) < 8) == marked
    for index in (17, 3, 23, 0):  # a frame is the same however it is reached
        assert np.array_equal(decode(path, [index])[0], together[index])
    assert any("deinterlaced" in notice for notice in probe(path).notices) == marked


def test_digital_video_tape(tmp_path):
    path = write_film(tmp_path / "f.avi", 4, "dvvideo", height=576, width=720)
    frames = decode(path)
    assert [number_of(frame) for frame in frames] == [0, 1, 2, 3]


def test_ten_bits_and_high_dynamic_range_give_a_picture_and_a_notice(tmp_path):
    path = write_film(tmp_path / "f.mkv", 4, pixel_format="yuv420p10le")
    assert [number_of(frame) for frame in decode(path)] == [0, 1, 2, 3]
    assert probe(path).notices == ("10 bits a colour are rounded to 8",)
    path = write_film(
        tmp_path / "pq.mp4",
        4,
        "libx265",
        "yuv420p10le",
        options={"x265-params": "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"},
    )
    assert [number_of(frame) for frame in decode(path)] == [0, 1, 2, 3]
    assert any("(PQ)" in notice for notice in probe(path).notices)


def test_the_colour_matrix_that_a_file_states_is_used(tmp_path):
    def red(**options):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.mkv"
        with av.open(str(path), "w") as film:
            stream = film.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv444p"
            stream.options = {"crf": "1", **options}
            planes = np.stack(
                [np.full((64, 64), value, np.uint8) for value in (81, 90, 240)]
            )  # red of BT.601
            film.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv444p")))
            film.mux(stream.encode())
        return decode(path)[0, 32, 32].astype(int)

    assert np.abs(red() - [255, 0, 0]).max() <= 3  # BT.601 where nothing is stated
    stated = red(**{"x264-params": "colormatrix=bt709"})
    # BT.709: G = 1.164·(81 - 16) - 0.213·(90 - 128) - 0.533·(240 - 128)
    assert abs(stated[1] - 24) <= 4
