import struct

import av
import numpy as np
import pytest
from PIL import Image

from atr.video.decoding import VideoError, open_video, probe
from atr.video.encoding import write_mp4, write_webm
from atr.video.sampling import covering_indices, dense_indices, uniform_indices
from tests.videos import decode


def write_video(path, num_frames=20, codec="libx264", pixel_format="yuv420p", height=48, width=64):
    """Frame i is red of strength 12·i, so a decoded frame tells its own index."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.bit_rate = 2_000_000
        for index in range(num_frames):
            picture = np.zeros((height, width, 3), np.uint8)
            picture[..., 0] = 12 * index
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


def indices_of(frames):
    assert frames[..., 1:].max() < 24  # green and blue stay dark: channels come as RGB
    return np.round(frames[..., 0].mean(axis=(1, 2)) / 12).astype(int).tolist()


KINDS = {
    "clip.mp4": ("libx264", "yuv420p"),
    "clip.mov": ("libx264", "yuv420p"),
    "clip.mkv": ("libx264", "yuv420p10le"),
    "clip.webm": ("libvpx-vp9", "yuv420p"),
    "clip.avi": ("mpeg4", "yuv420p"),
    "clip.gif": ("gif", "rgb8"),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_accepted_kind_is_probed_and_decoded(tmp_path, name):
    codec, pixel_format = KINDS[name]
    path = write_video(tmp_path / name, codec=codec, pixel_format=pixel_format)
    info = probe(path)
    assert (info.length, info.fps, info.height, info.width) == (20, 10, 48, 64)
    frames = decode(path)
    assert frames.dtype == np.uint8 and frames.shape == (20, 48, 64, 3)
    if name != "clip.gif":  # eight bits a pixel blur neighbouring strengths
        assert indices_of(frames) == list(range(20))


def test_indices_come_in_the_order_given_and_may_repeat(tmp_path):
    path = write_video(tmp_path / "clip.mp4")
    assert indices_of(decode(path, [7, 2, 2, 19, 0])) == [7, 2, 2, 19, 0]
    with open_video(path) as video:
        assert indices_of(np.stack(list(video.iterate([9, 3])))) == [3, 9]


def test_a_frame_after_the_end_is_an_error(tmp_path):
    path = write_video(tmp_path / "clip.mp4", num_frames=5)
    with pytest.raises(VideoError, match="frame 5 is wanted, but the video ends after 5 frames"):
        decode(path, [0, 5])
    with pytest.raises(ValueError, match="non-empty"):
        decode(path, [])


def test_the_frames_of_a_file_cut_short_are_counted_not_believed(tmp_path):
    whole = write_video(tmp_path / "clip.webm", codec="libvpx-vp9").read_bytes()
    cut = tmp_path / "cut.webm"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    num_frames = probe(cut).length
    assert 0 < num_frames < 20
    assert len(decode(cut)) == num_frames


def test_rotation_metadata_is_applied(tmp_path):
    content = bytearray(write_video(tmp_path / "clip.mp4").read_bytes())
    matrix = content.find(b"tkhd") + 44  # a quarter turn in the track header
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30)
    path = tmp_path / "turned.mp4"
    path.write_bytes(content)
    info = probe(path)
    assert (info.height, info.width) == (64, 48)
    assert decode(path, [0]).shape == (1, 64, 48, 3)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), bytes(range(256)) * 20])
def test_a_file_that_is_no_video_is_one_clear_line(tmp_path, content, capfd):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    for read in (probe, decode):
        with pytest.raises(VideoError) as caught:
            read(path)
        message = str(caught.value)
        assert "broken.mp4" in message and "mp4, webm, avi" in message and "\n" not in message
    assert capfd.readouterr().err == ""


def test_missing_files_folders_and_other_suffixes(tmp_path):
    with pytest.raises(VideoError, match="no such file"):
        probe(tmp_path / "absent.mp4")
    with pytest.raises(VideoError, match="is a folder and holds no frames"):
        probe(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(VideoError, match="suffix"):
        probe(tmp_path / "notes.txt")


def write_frames(folder, num_frames=20, first=1, name="{:05d}.jpg"):
    """As `write_video`, a picture a frame."""
    folder.mkdir()
    for index in range(num_frames):
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[..., 0] = 12 * index
        Image.fromarray(picture).save(folder / name.format(first + index), quality=95)
    return folder


@pytest.mark.parametrize(("first", "name"), [(1, "{:05d}.jpg"), (0, "img_{:05d}.jpeg"), (7, "{}.JPG")])
def test_a_folder_of_frames_is_a_video(tmp_path, first, name):
    folder = write_frames(tmp_path / "clip", 20, first, name)
    (folder / "notes.txt").write_text("no frame")
    info = probe(folder)
    assert (info.length, info.fps, info.height, info.width, info.codec) == (20, 12, 48, 64, "JPEG")
    assert indices_of(decode(folder)) == list(range(20))
    assert indices_of(decode(folder, [7, 2, 2, 19, 0])) == [7, 2, 2, 19, 0]
    with pytest.raises(VideoError, match="frame 20 is wanted, but the video ends after 20 frames"):
        decode(folder, [20])


def test_faults_of_a_folder_of_frames_are_named(tmp_path):
    folder = write_frames(tmp_path / "clip", 6)
    last = folder / "00006.jpg"
    last.write_bytes(last.read_bytes()[:-200])
    with pytest.raises(VideoError, match="frame 5 cannot be decoded"):
        decode(folder)
    assert len(decode(folder, [0, 4])) == 2
    (folder / "00003.jpg").unlink()
    for read in (probe, decode):
        with pytest.raises(VideoError, match="5 frames numbered 1 to 6; number 3 is missing"):
            read(folder)


@pytest.mark.parametrize(("write", "name"), [(write_mp4, "clip.mp4"), (write_webm, "clip.webm")])
def test_written_videos_hold_their_frames_and_are_the_same_every_time(tmp_path, write, name):
    frames = np.zeros((9, 47, 64, 3), np.uint8)
    frames[..., 0] = 24 * np.arange(9)[:, None, None]
    path = write(tmp_path / name, frames, 12)
    assert (probe(path).length, probe(path).fps) == (9, 12)
    decoded = decode(path)
    assert decoded.shape == (9, 48, 64, 3)  # 4:2:0 needs even sides: the last row is repeated
    assert np.abs(decoded[:, :47].astype(int) - frames).mean() < 4
    assert write(tmp_path / f"again-{name}", frames, 12).read_bytes() == path.read_bytes()


def test_uniform_centres_by_hand():
    # floor((t + 0.5) * 20 / 4) and floor((t + 0.5) * 10 / 8)
    assert uniform_indices(20, 4).tolist() == [2, 7, 12, 17]
    assert uniform_indices(10, 8).tolist() == [0, 1, 3, 4, 5, 6, 8, 9]
    assert uniform_indices(20, 4, shift=0).tolist() == [0, 5, 10, 15]


def test_uniform_repeats_frames_of_a_short_clip():
    assert uniform_indices(3, 8).tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert uniform_indices(1, 8).tolist() == [0] * 8


def test_uniform_random_stays_inside_its_segments_and_reaches_all_of_them():
    generator = np.random.default_rng(0)
    draws = np.stack([uniform_indices(32, 4, generator=generator) for _ in range(400)])
    assert (draws // 8 == np.arange(4)).all()
    assert all(set(column) == set(range(8 * t, 8 * t + 8)) for t, column in enumerate(draws.T))


def test_dense_window_by_hand():
    assert dense_indices(100, 8, position=0).tolist() == [0, 8, 16, 24, 32, 40, 48, 56]
    assert dense_indices(100, 8).tolist() == [18, 26, 34, 42, 50, 58, 66, 74]
    assert dense_indices(100, 8, position=1)[0] == 36
    assert dense_indices(20, 8).tolist() == [0, 8, 16, 4, 12, 0, 8, 16]  # shorter than the window: a loop
    draws = [dense_indices(66, 8, generator=np.random.default_rng(seed))[0] for seed in range(50)]
    assert set(draws) == {0, 1, 2}


def test_covering_by_hand():
    assert covering_indices(8, 4).tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]
    # segments [0, 1], [2], [3, 4] of 5 frames in 3: bounds floor(5t / 3) = 0, 1, 3, 5
    assert covering_indices(5, 3).tolist() == [[0, 1, 3], [0, 2, 4]]


@pytest.mark.parametrize("num_frames", [1, 2, 7, 8, 9, 15, 16, 17, 50, 301])
@pytest.mark.parametrize("num_segments", [1, 3, 8])
def test_covering_shows_every_frame_in_temporal_order(num_frames, num_segments):
    passes = covering_indices(num_frames, num_segments)
    assert set(passes.flat) == set(range(num_frames))
    assert (np.diff(passes, axis=1) >= 0).all()
    assert len(passes) == max(-(-num_frames // num_segments), 1)
    if num_frames >= num_segments:
        assert (np.diff(passes, axis=1) > 0).all()


def test_impossible_samplings_are_named():
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        uniform_indices(0, 8)
    with pytest.raises(ValueError, match="num_frames"):
        covering_indices(8, 0)
    with pytest.raises(ValueError, match="shift"):
        uniform_indices(8, 8, shift=1)
    with pytest.raises(ValueError, match="position"):
        dense_indices(8, 8, position=1.5)
    with pytest.raises(ValueError, match="window"):
        dense_indices(80, 8, window=4)
