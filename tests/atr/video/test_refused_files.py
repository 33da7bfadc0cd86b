"""What is no video, or too much of one, is refused with one line before it is decoded."""

import os
import stat
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from numbered import number_of, numbered_frame, write_film  # noqa: E402

from atr.video.container import demultiplexer  # noqa: E402
from atr.video.decoding import Limits, VideoError, open_video, probe  # noqa: E402
from tests.videos import decode  # noqa: E402

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names and folders")


def refusal(path, read=probe, **options):
    with pytest.raises(VideoError) as caught:
        read(path, **options)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()
    return str(caught.value)


TEXTS = {
    "a playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nreal.mp4\n#EXT-X-ENDLIST\n",
    "a list to join": "ffconcat version 1.0\nfile real.mp4\n",
    "an older list to join": "file 'real.mp4'\n",
    "a session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "subtitles": "1\n00:00:01,000 --> 00:00:02,000\nHello\n",
    "an address": "http://127.0.0.1/real.mp4\n",
    "a page": "<html><video src=real.mp4></video></html>",
    "letters": "G" * 100,
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".avi"])
def test_text_under_the_name_of_a_video(tmp_path, name, suffix):
    write_film(tmp_path / "real.mp4", 3)
    path = tmp_path / f"f{suffix}"
    path.write_text(TEXTS[name])
    assert "cannot be read as a video" in refusal(path)


def test_a_picture_and_a_pattern_of_pictures(tmp_path):
    for number in range(3):
        Image.fromarray(numbered_frame(number)).save(tmp_path / f"p{number:03}.png")
    (tmp_path / "p000.png").rename(tmp_path / "picture.mp4")
    assert "cannot be read as a video" in refusal(tmp_path / "picture.mp4")
    assert "no such file" in refusal(tmp_path / "p%03d.mp4")


@pytest.mark.parametrize(
    "name",
    [
        b"12:30.mp4",
        b"-.mp4",
        b"-i.mp4",
        b"a\nb.mp4",
        pytest.param(b"\xff\xfe.mp4", marks=ON_LINUX),
        b"p%03d.mp4",
        b"file:x.mp4",
        b"*?[.mp4",
    ],
)
def test_names_are_only_names(tmp_path, name, monkeypatch):
    content = write_film(tmp_path / "real.mp4", 4).read_bytes()
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
    path.write_bytes(content)
    assert [number_of(frame) for frame in decode(path)] == [0, 1, 2, 3]
    monkeypatch.chdir(tmp_path)
    assert probe(path.name).length == 4
    path.write_bytes(b"text")
    refusal(path)


def test_names_that_cannot_be(tmp_path):
    assert "cannot be opened" in refusal(tmp_path / ("n" * 300 + ".mp4"))
    assert "cannot be opened" in refusal("a\0b.mp4")
    link = tmp_path / "l.mp4"
    link.symlink_to(link)
    refusal(link)


def test_only_regular_files_are_opened(tmp_path):
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    assert "no regular file" in refusal(pipe)
    link = tmp_path / "null.mp4"
    link.symlink_to("/dev/zero")
    assert stat.S_ISCHR(link.stat().st_mode) and "no regular file" in refusal(link)


def test_sound_without_pictures(tmp_path):
    path = tmp_path / "f.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        film.mux(stream.encode(frame))
        film.mux(stream.encode())
    assert "f.mp4: holds no video track" in refusal(path)


@pytest.mark.parametrize(("marked", "first"), [((), 0), ((1,), 100), ((0, 1), 0), ((1, 2), 0)])
def test_of_several_video_tracks_the_one_marked_as_the_default_is_read_and_this_is_said(
    tmp_path, marked, first
):
    path = tmp_path / "f.mkv"
    with av.open(str(path), "w") as film:
        streams = [film.add_stream("libx264", rate=25) for _ in range(3)]
        for index in marked:
            streams[index].disposition = av.stream.Disposition.default
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(4):
            for stream, number in zip(streams, (index, 100 + index, 200 + index), strict=True):
                film.mux(stream.encode(av.VideoFrame.from_ndarray(numbered_frame(number), "rgb24")))
        for stream in streams:
            film.mux(stream.encode())
    assert [number_of(frame) for frame in decode(path)] == [first, first + 1, first + 2, first + 3]
    assert any(notice.startswith("of 3 video tracks") for notice in probe(path).notices)


def test_the_picture_on_the_cover_is_no_video_track(tmp_path):
    path = tmp_path / "f.mp4"
    with av.open(str(path), "w") as film:
        cover, track = film.add_stream("mjpeg", rate=25), film.add_stream("libx264", rate=25)
        cover.disposition = av.stream.Disposition.attached_pic
        for stream, pixel_format in ((cover, "yuvj420p"), (track, "yuv420p")):
            stream.width, stream.height, stream.pix_fmt = 96, 64, pixel_format
        for stream, numbers in ((cover, [200]), (track, range(4))):
            for number in numbers:
                frame = av.VideoFrame.from_ndarray(numbered_frame(number), "rgb24")
                film.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
            film.mux(stream.encode())
    assert [number_of(frame) for frame in decode(path)] == [0, 1, 2, 3] and probe(path).notices == ()


def test_containers_are_told_by_their_first_bytes():
    transport = (b"G" + bytes(187)) * 30
    assert demultiplexer(transport[:4096]) == "mpegts"
    assert demultiplexer((bytes(100) + transport)[:4096]) == "mpegts"
    for before, size in ((4, 192), (0, 204)):  # a time stamp in front, a checksum behind
        packet = bytes(before) + b"G" + bytes(size - before - 1)
        assert demultiplexer((packet * 30)[:4096]) == "mpegts"
    assert demultiplexer(b"\0\0\0\x20ftypisom") == demultiplexer(b"\0\0\0\x08mdat") == "mov"
    assert demultiplexer(b"GIF87a") == demultiplexer(b"GIF89a") == "gif"
    bare = {b"\xb3": "mpegvideo", b"\xb0": "m4v", b"\0": "m4v", b"\x20": "m4v", b"\xba": "mpeg"}
    assert {code: demultiplexer(b"\0\0\1" + code) for code in bare} == bare
    assert demultiplexer(b"RIFF\0\0\0\0WAVE") is None
    assert demultiplexer(b"") is None


def huge_gif(path, side):
    """A GIF of one frame whose header states side x side pixels."""
    picture = path.with_suffix(".small.gif")
    Image.new("P", (8, 8)).save(picture)
    content = bytearray(picture.read_bytes())
    content[6:10] = side.to_bytes(2, "little") * 2
    path.write_bytes(content)
    return path


def test_frames_of_too_many_pixels(tmp_path):
    assert "frames of more than 40000000 pixels" in refusal(huge_gif(tmp_path / "f.gif", 16000))
    path = write_film(tmp_path / "f.mp4", 3)
    assert "have 96x64 = 6144 pixels; at most 6143 are read" in refusal(path, limits=Limits(pixels=6143))
    assert probe(path, limits=Limits(pixels=6144)).length == 3
    wide = write_film(tmp_path / "wide.mkv", 3, pixel_shape=4)
    assert "384x64 pixels; at most 7000" in refusal(wide, limits=Limits(pixels=7000))


def test_frames_that_are_all_but_a_line_are_refused(tmp_path):
    """A few kilobytes would become gigabytes where the shorter side grows to what a model takes."""
    Image.new("RGB", (20_000, 1)).save(tmp_path / "00001.png")
    with pytest.raises(
        VideoError, match="20000x1 pixels; the longer side is at most 100 times as long as the shorter"
    ):
        decode(tmp_path)
    Image.new("RGB", (200, 2)).save(tmp_path / "00001.png")
    assert decode(tmp_path).shape == (1, 2, 200, 3)


def test_too_many_frames_seconds_and_bytes(tmp_path):
    path = write_film(tmp_path / "f.mp4", 30)
    assert "f.mp4: has more than 29 frames" in refusal(path, limits=Limits(frames=29))
    assert probe(path, limits=Limits(frames=30)).length == 30
    size = path.stat().st_size
    assert f"at most {size - 1} are read" in refusal(path, limits=Limits(file_bytes=size - 1))
    assert probe(path.rename(tmp_path / "F.MP4"), limits=Limits(file_bytes=size)).length == 30
    (tmp_path / "f.mp4").touch()
    assert "f.mp4: is empty" in refusal(path)
    slow = write_film(tmp_path / "slow.mp4", 3, times=[0, 100, 5000])
    assert "lasts 200 s; at most 100 s" in refusal(slow, limits=Limits(seconds=100))
    counted = write_film(tmp_path / "f.wmv", 30, "wmv2")
    assert "has to be decoded to count its frames" in refusal(counted, limits=Limits(counted_pixels=10**5))


def test_an_array_of_frames_is_bounded_and_frames_one_by_one_are_not(tmp_path):
    path = write_film(tmp_path / "f.mp4", 10)
    limits = Limits(decoded_bytes=5 * 64 * 96 * 3)
    assert "10 frames of 96x64 pixels need 184320 bytes" in refusal(path, decode, limits=limits)
    assert len(decode(path, range(5), limits=limits)) == 5
    with open_video(path, limits=limits) as video:
        assert sum(1 for _ in video.iterate()) == 10
    assert "20 frames" in refusal(path, lambda p, **o: decode(p, [0] * 20, **o), limits=limits)


def test_limits_are_set_in_the_environment(tmp_path, monkeypatch):
    path = write_film(tmp_path / "f.mp4", 3)
    monkeypatch.setenv("ATR_VIDEO_FRAMES", "2")
    assert "more than 2 frames" in refusal(path)
    monkeypatch.setenv("ATR_VIDEO_FRAMES", "many")
    with pytest.raises(ValueError, match="ATR_VIDEO_FRAMES must be a positive whole number, got 'many'"):
        probe(path)


def save(folder, *names, size=(8, 8)):
    folder.mkdir()
    for name in names:
        Image.new("RGB", size).save(folder / name)
    return folder


def test_a_folder_holds_one_sequence_of_one_kind(tmp_path):
    assert "more than one sequence" in refusal(save(tmp_path / "1", "a1.jpg", "a2.jpg", "b3.jpg"))
    assert "two kinds" in refusal(save(tmp_path / "2", "1.jpg", "2.png"))
    assert "two frames numbered 1, 01.jpg and 1.jpg" in refusal(save(tmp_path / "3", "1.jpg", "01.jpg"))
    assert probe(save(tmp_path / "4", "1.png", "2.png")).codec == "PNG"
    assert "number 2 is missing" in refusal(save(tmp_path / "5", "1.jpg", "20231126123456.jpg"))


def test_pictures_of_a_folder_are_bounded_and_told_by_their_content(tmp_path):
    folder = save(tmp_path / "large", "1.jpg", size=(100, 100))
    assert "1.jpg has 100x100 pixels" in refusal(folder, limits=Limits(pixels=9999))
    folder = save(tmp_path / "gif", "1.jpg")
    Image.new("RGB", (8, 8)).save(folder / "1.jpg", format="GIF")
    assert "frame 0 cannot be decoded" in refusal(folder)
    assert "more than" not in refusal(tmp_path) and "is a folder" in refusal(tmp_path)


@ON_LINUX
def test_nothing_is_printed_and_files_are_closed(tmp_path, capfd):
    path = write_film(tmp_path / "f.mp4", 20, options={"g": "5"})
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :][:200] = bytes(200)
    (tmp_path / "bad.mp4").write_bytes(content[: len(content) * 3 // 4])
    capfd.readouterr()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        decode(path, [15])
        with open_video(path) as video:
            next(video.iterate())
            assert video.length == 20
        refusal(tmp_path / "bad.mp4")
    assert len(os.listdir("/proc/self/fd")) == before
    assert capfd.readouterr() == ("", "")
