"""A damaged file gives right frames or a line that says which are missing, never a wrong frame in silence."""

import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from numbered import damaged, number_of, numbered_frame, write_film  # noqa: E402

from atr.video.decoding import Limits, VideoError, open_video, probe  # noqa: E402
from atr.video.ending import CUT, TORN, fault_of_structure  # noqa: E402
from atr.video.video import spans  # noqa: E402
from tests.videos import check, decode  # noqa: E402

# Codings whose damage FFmpeg notices; it decodes damaged bytes of the others into wrong pictures without a word.
# Without mbtree x264 writes the same bytes every time, so that the same ones are damaged.
FILMS = {
    "h264": ("f.mp4", "libx264", {"g": "10", "bf": "2", "x264-params": "mbtree=0"}),
    "h264 in mkv": ("f.mkv", "libx264", {"x264-params": "open-gop=1:keyint=10:bframes=3:mbtree=0"}),
    "mpeg2 in ts": ("f.ts", "mpeg2video", {"g": "10", "bf": "2", "b": "2000000"}),
    "mpeg2 in ps": ("f.mpg", "mpeg2video", {"g": "10", "bf": "2", "b": "2000000"}),
    "mpeg1": ("f.mpg", "mpeg1video", {"g": "10", "bf": "2", "b": "2000000"}),
    "mpeg4": ("f.mp4", "mpeg4", {"g": "10", "bf": "2", "b": "2000000"}),
    "mpeg4 in avi": ("f.avi", "mpeg4", {"g": "10", "bf": "2", "b": "2000000"}),
    "msmpeg4": ("f.avi", "msmpeg4v3", {"g": "10", "b": "2000000"}),
    "mjpeg": ("f.mov", "mjpeg", {"b": "2000000"}),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    written = {}

    def film(name):
        if name not in written:
            file, codec, options = FILMS[name]
            try:
                av.Codec(codec, "w")
            except av.codec.codec.UnknownCodecError:
                pytest.skip(f"this FFmpeg has no encoder {codec}")
            path = tmp_path_factory.mktemp("film") / file
            pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            written[name] = write_film(path, 60, codec, pixel_format, options=options, height=128, width=192)
        return written[name]

    return film


def sound_frames(path):
    """Index -> frame, of those that are given when asked for one by one."""
    given = {}
    with open_video(path, allow_damaged=False) as video:
        for index in range(video.length):
            try:
                (given[index],) = video.frames([index])
            except VideoError as error:
                assert f"frame {index}" in str(error) or "cannot be decoded" in str(error)
                assert "\n" not in str(error)
        return given, video.notices


@pytest.mark.parametrize("place", [0.3, 0.55, 0.8])
@pytest.mark.parametrize("name", FILMS)
def test_frames_given_are_right_and_the_others_are_named(films, tmp_path, name, place):
    whole = decode(films(name))
    path = damaged(films(name), place, 60, tmp_path / films(name).name)
    try:
        given, notices = sound_frames(path)
    except VideoError as error:  # too much is lost
        assert "cannot be decoded" in str(error)
        return
    for index, frame in given.items():
        difference = np.abs(frame.astype(int) - whole[number_of(frame)]).max()
        assert difference < 30, f"frame {index} is damaged and was given"
    if len(given) < 60:
        assert any("cannot be decoded" in notice for notice in notices)


def test_a_picture_whose_start_was_lost_spoils_the_one_before_it(tmp_path):
    options = {"g": "10", "bf": "2", "x264-params": "mbtree=0"}
    whole = write_film(tmp_path / "whole.ts", 160, options=options, height=128, width=192)
    packets = [whole.read_bytes()[first : first + 188] for first in range(0, whole.stat().st_size, 188)]
    starts = [
        at for at, packet in enumerate(packets) if packet[1:3] == bytes([0x41, 0])
    ]  # of a picture, PID 256
    del packets[starts[11]]  # of the one after the second key, whose rest then lies in the key's packet
    path = tmp_path / "f.ts"
    path.write_bytes(b"".join(packets))
    true = decode(whole).astype(int)
    given, notices = sound_frames(path)
    assert 140 < len(given) < 155 and any("cannot be decoded" in notice for notice in notices)
    for frame in given.values():
        assert min(np.abs(frame - each).max() for each in true) < 40


@pytest.mark.parametrize("name", ["h264", "h264 in mkv", "mpeg1", "msmpeg4", "mjpeg"])
def test_several_threads_find_the_damage_that_one_finds(films, tmp_path, monkeypatch, name):
    path, found = damaged(films(name), 0.55, 60, tmp_path / films(name).name), []
    for enough in (0, 10**9):
        monkeypatch.setattr("atr.video.track.WORTH_THREADS", enough)
        given, notices = sound_frames(path)
        found.append(({index: number_of(frame) for index, frame in given.items()}, notices))
    assert found[0] == found[1] and len(found[0][0]) < 60


def test_a_film_that_is_replaced_while_it_is_open_is_refused(tmp_path):
    path = write_film(tmp_path / "f.mkv", 80, options={"g": "10"})
    other = write_film(tmp_path / "other.mkv", 80, options={"g": "9"})
    with open_video(path) as video:
        path.write_bytes(other.read_bytes())
        with pytest.raises(VideoError, match="f.mkv: the file changed while it was read"):
            video.frames([70])


def test_damage_is_named_by_a_check_and_met_when_its_frames_are_read(tmp_path):
    whole = write_film(tmp_path / "whole.mov", 40, "mjpeg", "yuvj420p", options={"b": "2000000"})
    path = damaged(whole, 0.5, 100, tmp_path / "f.mov")
    info = check(path)
    (notice,) = info.notices
    spoilt = int(notice.split()[1])
    assert info.length == 40 and notice == f"frames {spoilt} of 40 cannot be decoded"
    assert probe(path).notices == ()  # which decodes one frame only
    assert len(decode(path, [0, 39])) == 2
    with pytest.raises(VideoError, match=f"frame {spoilt} cannot be decoded"):
        decode(path)
    with open_video(path, allow_damaged=True) as video:
        frames = video.frames()
        near = number_of(frames[spoilt])
        assert abs(near - spoilt) == 1
        assert [number_of(frame) for frame in frames] == [*range(spoilt), near, *range(spoilt + 1, 40)]
        assert notice in video.notices
        assert f"for frames {spoilt} the nearest that can be decoded are shown" in video.notices


def test_a_group_that_lost_its_key_is_lost(tmp_path):
    whole = write_film(tmp_path / "whole.mp4", 50, options={"g": "10", "bf": "0"})
    with av.open(str(whole)) as film:
        key = [packet for packet in film.demux(video=0) if packet.is_keyframe][2]
        place = key.pos
    content = bytearray(whole.read_bytes())
    content[place + 4 : place + key.size] = bytes(key.size - 4)
    path = tmp_path / "f.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match="frames (19|20) to 29 of 50 cannot be decoded; at least 90%"):
        check(path)
    assert check(path, allow_damaged=True).notices[0].endswith(" to 29 of 50 cannot be decoded")
    shown = [number_of(frame) for frame in decode(path, [18, 22, 27, 30], allow_damaged=True)]
    assert shown in ([18, 18, 30, 30], [18, 19, 30, 30])  # the frame before the damage may be doubted


@pytest.mark.parametrize(("kept", "refused"), [(0.97, False), (0.5, True)])
def test_a_film_cut_short_says_how_much_is_missing(tmp_path, kept, refused):
    whole = write_film(
        tmp_path / "whole.mp4", 100, options={"g": "10"}, container_options={"movflags": "faststart"}
    )
    content = whole.read_bytes()
    path = tmp_path / "f.mp4"
    path.write_bytes(content[: int(kept * len(content))])
    if refused:
        with pytest.raises(VideoError, match="of 100 are missing: the file was cut short; at least 90%"):
            probe(path)
    info = probe(path, allow_damaged=True)
    assert f"frames {info.length} to 99 of 100 are missing: the file was cut short" in info.notices
    assert 0 < info.length < 100
    shown = [number_of(frame) for frame in decode(path, allow_damaged=True)]
    assert shown[:-4] == list(range(info.length - 4))  # B frames at the end may lack what they are built on


@pytest.mark.parametrize("name", ["f.mkv", "f.avi", "f.ts", "f.webm"])
def test_other_containers_cut_short_give_what_is_there(tmp_path, name):
    codec = "libvpx-vp9" if name == "f.webm" else "libx264"
    whole = write_film(tmp_path / f"whole{name}", 60, codec, options={"g": "10"})
    content = whole.read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) * 6 // 10])
    info = probe(path)
    assert 10 < info.length < 50
    if name != "f.ts":  # which states no length
        assert any("states" in notice for notice in info.notices)
    with open_video(path, allow_damaged=True) as video:
        shown = [number_of(frame) for frame in video.frames()]
    assert shown == sorted(shown) and shown[: info.length - 4] == list(range(info.length - 4))


def test_a_folder_that_lacks_frames_shows_the_nearest_where_damage_is_allowed(tmp_path):
    for number in range(20):
        if number not in (3, 4, 5):
            Image.fromarray(numbered_frame(number)).save(tmp_path / f"{number:05d}.png")
    with pytest.raises(VideoError, match="number 3 is missing; the nearest are shown .*--allow-damaged"):
        probe(tmp_path)
    (tmp_path / "00010.png").write_bytes(b"no picture")
    with open_video(tmp_path, allow_damaged=True) as video:
        assert video.length == 20
        assert [str(notice) for notice in video.notices] == [
            "3 to 5 of 20 frames are missing or cannot be decoded"
        ]
        shown = [number_of(frame) for frame in video.frames()]
        assert shown == [0, 1, 2, 2, 2, 6, 6, 7, 8, 9, 9, *range(11, 20)]
        assert [(str(notice), notice.kind) for notice in video.notices] == [
            ("3 to 5, 10 of 20 frames are missing or cannot be decoded", "damage"),
            ("for frames 3 to 5, 10 the nearest that can be decoded are shown", "damage"),
        ]
    few = Limits(frames=19)
    with pytest.raises(VideoError, match="has 20 frames; at most 19 are read"):
        probe(tmp_path, allow_damaged=True, limits=few)
    for file in tmp_path.iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(VideoError, match="holds no frame that can be decoded"):
        decode(tmp_path, [0], allow_damaged=True)


def test_a_file_that_ends_in_its_first_frame(tmp_path):
    whole = write_film(tmp_path / "whole.mkv", 10)
    path = tmp_path / "f.mkv"
    path.write_bytes(whole.read_bytes()[:900])
    with pytest.raises(VideoError) as caught:
        probe(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["h264", "mpeg4 in avi", "mpeg2 in ts"])
def test_any_damage_ends_in_frames_or_in_one_silent_line(films, tmp_path, name, capfd):
    generator = np.random.default_rng(0)
    whole = films(name).read_bytes()
    path = tmp_path / films(name).name
    capfd.readouterr()
    for _ in range(25):
        content = bytearray(whole)
        for place in generator.integers(0, len(content), 3):
            content[place : place + 100] = generator.integers(0, 256, 100, dtype=np.uint8).tobytes()
        place = generator.integers(0, 600)
        del content[place : place + generator.integers(0, 8)]
        path.write_bytes(content)
        for allow_damaged in (False, True):
            try:
                with open_video(path, allow_damaged=allow_damaged) as video:
                    assert len(video.frames([0, video.length - 1])) == 2
                    video.check()
            except VideoError as error:
                assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


def fault(path, demultiplexer, num_frames=0):
    with path.open("rb") as file:
        return fault_of_structure(file, demultiplexer, num_frames)


@pytest.mark.parametrize("stamp", [b"", bytes(4)], ids=["ts", "m2ts"])
def test_a_transport_stream_is_made_of_whole_packets(tmp_path, stamp):
    path, content = tmp_path / "f.ts", (stamp + b"G" + bytes(187)) * 50
    path.write_bytes(content)
    assert fault(path, "mpegts") is None
    path.write_bytes(content[:-60])
    assert fault(path, "mpegts") == CUT
    path.write_bytes(content[:6000] + content[6010:])
    assert fault(path, "mpegts") == TORN


def test_a_gif_ends_with_its_trailer_and_holds_the_pictures_that_are_read(tmp_path):
    path = tmp_path / "f.gif"
    first, *others = (Image.fromarray(numbered_frame(number)) for number in range(3))
    first.save(path, save_all=True, append_images=others)
    assert fault(path, "gif", 3) is None
    assert fault(path, "gif", 2) == "of 3 pictures in the file 2 can be read"
    path.write_bytes(path.read_bytes()[:-1])
    assert fault(path, "gif", 3) == CUT


def test_the_segment_of_a_matroska_file_ends_where_it_says(tmp_path):
    path = write_film(tmp_path / "f.mkv", 3)
    assert fault(path, "matroska") is None
    path.write_bytes(path.read_bytes()[:-1])
    assert fault(path, "matroska") == CUT


def test_many_spans_of_frames_are_counted():
    assert spans([60, 3, 9, 58, 59]) == "3, 9, 58 to 60"
    assert spans(range(0, 14, 2)) == "0, 2, 4, 6, 8 and 2 more spans"
