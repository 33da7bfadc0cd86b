"""The frame asked for is the frame that comes, in every coding and container."""

import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from numbered import number_of, write_film  # noqa: E402

from atr.video.decoding import open_video, probe  # noqa: E402
from tests.videos import decode  # noqa: E402

FILMS = {
    "h264 with B frames": ("f.mp4", "libx264", "yuv420p", {"g": "12", "bf": "3"}),
    "h264 with open groups": (
        "f.mkv",
        "libx264",
        "yuv420p",
        {"x264-params": "open-gop=1:keyint=10:bframes=3"},
    ),
    "h264 with intra refresh": ("f.mp4", "libx264", "yuv420p", {"x264-params": "intra-refresh=1:keyint=10"}),
    "h264 in mov": ("f.mov", "libx264", "yuv420p", {"g": "12"}),
    "h264 in ts": ("f.ts", "libx264", "yuv420p", {"g": "12"}),
    "h264 in m2ts": ("f.m2ts", "libx264", "yuv420p", {"g": "12"}),
    "h264 in flv": ("f.flv", "libx264", "yuv420p", {"g": "12"}),
    "h264 in avi": ("f.avi", "libx264", "yuv420p", {"g": "12"}),
    "h264 of 10 bits": ("f.mkv", "libx264", "yuv420p10le", {"g": "12"}),
    "hevc with open groups": ("f.mp4", "libx265", "yuv420p", {"x265-params": "keyint=10:log-level=none"}),
    "hevc in mkv": ("f.mkv", "libx265", "yuv420p", {"x265-params": "keyint=10:open-gop=0:log-level=none"}),
    "av1": ("f.mp4", "libsvtav1", "yuv420p", {"g": "12", "preset": "12"}),
    "av1 in mkv": ("f.mkv", "libsvtav1", "yuv420p", {"g": "12", "preset": "12"}),
    "vp8": (
        "f.webm",
        "libvpx",
        "yuv420p",
        {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "10", "cpu-used": "8"},
    ),
    "vp9": (
        "f.webm",
        "libvpx-vp9",
        "yuv420p",
        {"g": "16", "auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "5"},
    ),
    "mpeg1": ("f.mpg", "mpeg1video", "yuv420p", {"g": "12", "bf": "2"}),
    "mpeg2 in ps": ("f.mpg", "mpeg2video", "yuv420p", {"g": "12", "bf": "2"}),
    "mpeg2 in ts": ("f.ts", "mpeg2video", "yuv420p", {"g": "12", "bf": "2"}),
    "mpeg2 in mkv": ("f.mkv", "mpeg2video", "yuv420p", {"g": "12", "bf": "2"}),
    "mpeg4": ("f.mp4", "mpeg4", "yuv420p", {"g": "12", "bf": "2"}),
    "mpeg4 in avi": ("f.avi", "mpeg4", "yuv420p", {"g": "12"}),
    "mpeg4 in avi with B frames": ("f.avi", "mpeg4", "yuv420p", {"g": "12", "bf": "2"}),
    "h263": ("f.3gp", "h263", "yuv420p", {"g": "12"}),
    "msmpeg4": ("f.avi", "msmpeg4v3", "yuv420p", {"g": "12"}),
    "wmv": ("f.wmv", "wmv2", "yuv420p", {"g": "12"}),
    "flv1": ("f.flv", "flv", "yuv420p", {"g": "12"}),
    "mjpeg": ("f.mov", "mjpeg", "yuvj420p", {}),
    "mjpeg in avi": ("f.avi", "mjpeg", "yuvj420p", {}),
    "prores": ("f.mov", "prores_ks", "yuv422p10le", {}),
    "ffv1": ("f.mkv", "ffv1", "yuv420p", {"g": "12"}),
    "gif": ("f.gif", "gif", "rgb8", {}),
}
SIZES = {"h263": (96, 128)}
NUM_FRAMES = 40


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Name -> file, written when it is first asked for."""
    written = {}

    def film(name):
        if name not in written:
            file, codec, pixel_format, options = FILMS[name]
            try:
                av.Codec(codec, "w")
            except av.codec.codec.UnknownCodecError:
                pytest.skip(f"this FFmpeg has no encoder {codec}")
            height, width = SIZES.get(name, (64, 96))
            options |= {"b": "2000000"} if not codec.startswith("lib") else {}
            path = tmp_path_factory.mktemp("film") / file
            written[name] = write_film(
                path, NUM_FRAMES, codec, pixel_format, options=options, height=height, width=width
            )
        return written[name]

    return film


def assert_every_frame_is_the_one_asked_for(path, expected):
    """Alone, in random order, all at once, and one after the other."""
    assert probe(path).length == len(expected)
    generator = np.random.default_rng(0)
    order = generator.permutation(len(expected))
    together = decode(path)
    assert [number_of(frame) for frame in together] == expected
    with open_video(path) as video:
        for index in order:
            (frame,) = video.frames([index])
            assert number_of(frame) == expected[index]
            assert np.array_equal(frame, together[index])
        assert np.array_equal(video.frames(order), together[order])
        some = np.sort(order[:7])
        assert np.array_equal(np.stack(list(video.iterate(some))), together[some])
    assert np.array_equal(decode(path, order[:5]), together[order[:5]])


@pytest.mark.parametrize("name", FILMS)
def test_the_frame_asked_for_is_the_frame_that_comes(films, name):
    assert_every_frame_is_the_one_asked_for(films(name), list(range(NUM_FRAMES)))


@pytest.mark.parametrize("name", FILMS)
def test_rate_and_times(films, name):
    with open_video(films(name)) as video:
        assert video.fps == pytest.approx(25, rel=1e-6)
        assert np.allclose(video.times, np.arange(NUM_FRAMES) / 25, atol=0.011)  # GIF counts in 10 ms


@pytest.mark.parametrize("name", ["f.mp4", "f.mkv"])
def test_a_varying_rate_keeps_its_times(tmp_path, name):
    ticks = np.cumsum(np.random.default_rng(0).integers(1, 9, 30)).tolist()
    path = write_film(tmp_path / name, 30, times=ticks, rate=50, options={"g": "8"})
    assert_every_frame_is_the_one_asked_for(path, list(range(30)))
    with open_video(path) as video:
        seconds = (np.array(ticks) - ticks[0]) / 50
        assert np.allclose(video.times, seconds, atol=0.002)
        assert video.fps == pytest.approx(29 / seconds[-1], rel=0.01)


def with_edit_list(path, start, duration, target):
    """The first track trimmed by an edit list, in the place of the one that the muxer writes. In media ticks."""
    content = bytearray(path.read_bytes())
    at = content.find(b"elst")
    scale = struct.unpack(">I", content[content.find(b"mvhd") + 16 :][:4])[0]
    media = struct.unpack(">I", content[content.find(b"mdhd") + 16 :][:4])[0]
    struct.pack_into(">II", content, at + 12, round(duration * scale / media), start)
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("first", [0, 5, 12, 17])
def test_what_an_edit_list_hides_is_not_there(tmp_path, codec, first):
    whole = write_film(tmp_path / "whole.mp4", 40, codec, options={"g": "12", "bf": "2", "b": "2000000"})
    with av.open(str(whole)) as film:
        stream = film.streams.video[0]
        tick = int(1 / (stream.time_base * 25))
        delay = tick * 2 if codec == "libx264" else tick
    path = with_edit_list(whole, delay + first * tick, 20 * tick, tmp_path / "trimmed.mp4")
    shown = [number_of(frame) for frame in decode(path)]
    assert shown[0] == first and shown == list(range(first, first + len(shown))) and 20 <= len(shown) <= 23
    assert_every_frame_is_the_one_asked_for(path, shown)


@pytest.mark.parametrize(
    ("name", "codec", "options", "first"),
    [
        ("f.ts", "libx264", {"g": "12", "bf": "0"}, 12),
        ("f.ts", "mpeg2video", {"g": "12", "bf": "2", "b": "2000000"}, 12),
        ("f.mkv", "libx265", {"x265-params": "keyint=10:min-keyint=10:log-level=none:scenecut=0"}, 10),
    ],
)
def test_a_recording_that_begins_between_keys_says_what_it_leaves_out(tmp_path, name, codec, options, first):
    path = write_film(tmp_path / name, 40, codec, options=options, skip=5)
    info = probe(path)
    assert any("frames at the start" in notice for notice in info.notices)
    expected = list(range(40 - info.length, 40))
    assert expected[0] <= first
    assert_every_frame_is_the_one_asked_for(path, expected)


def test_frames_that_share_a_time_stamp_are_counted_by_decoding(tmp_path):
    path = tmp_path / "f.mkv"
    whole = write_film(tmp_path / "whole.mkv", 20, options={"g": "5", "bf": "0"})
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        track = source.streams.video[0]
        copy = target.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.dts is not None:
                packet.pts = packet.dts = packet.pts // 80 * 80  # two frames to a time
                packet.stream = copy
                target.mux(packet)
    assert_every_frame_is_the_one_asked_for(path, list(range(20)))


def test_bare_mpeg4_under_the_name_of_an_mp4(tmp_path):
    path = tmp_path / "f.mp4"
    write_film(path, 30, "mpeg4", options={"g": "12", "b": "2000000"}, container_format="m4v")
    assert_every_frame_is_the_one_asked_for(path, list(range(30)))


def test_a_film_written_in_fragments(tmp_path):
    path = write_film(
        tmp_path / "f.mp4",
        40,
        options={"g": "10"},
        container_options={"movflags": "frag_keyframe+empty_moov"},
    )
    assert_every_frame_is_the_one_asked_for(path, list(range(40)))


def test_placeholders_of_dropped_frames_are_no_frames(tmp_path):
    """As in XviD's AVI files: packets of one byte."""

    def signed(packet):
        picture = b"\0\0\1\xb6"
        return bytes(packet).replace(picture, b"\0\0\1\xb2XviD0046" + picture, 1)

    whole = write_film(tmp_path / "whole.avi", 30, "mpeg4", options={"g": "12", "b": "2000000"})
    path = tmp_path / "f.avi"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        track = source.streams.video[0]
        copy = target.add_stream_from_template(track)
        for count, packet in enumerate(p for p in source.demux(track) if p.size):
            for place, coded in enumerate([signed(packet)] + [b"\x7f"] * (count in (3, 4, 11))):
                each = av.Packet(coded)
                each.pts = each.dts = count + place + sum(count > dropped for dropped in (3, 4, 11))
                each.time_base, each.is_keyframe = Fraction(1, 25), packet.is_keyframe
                each.stream = copy
                target.mux(each)
    assert_every_frame_is_the_one_asked_for(path, list(range(30)))


def test_a_rate_that_no_film_has_is_told_as_the_highest_that_is_written(tmp_path):
    path = write_film(tmp_path / "fast.mp4", 12, rate=9000)
    assert probe(path).fps == 1000
    with open_video(path) as video:
        assert video.times[1] == pytest.approx(1 / 9000)
