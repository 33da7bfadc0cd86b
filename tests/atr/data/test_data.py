"""Lists of clips: their frames, views and random draws, and what `--data` may name."""

import json
from pathlib import Path

import numpy as np
import pytest

from atr.data.opening import open_clips
from atr.data.reading import read_annotations
from atr.data.rendered import TabletopClips
from atr.data.symmetry import mirrored_classes
from atr.data.videos import VideoClips
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.tabletop import CLASSES, REVERSED, render_clip, split_seed, write_dataset
from atr.video.decoding import VideoError
from atr.video.encoding import write_mp4
from atr.video.protocol import Protocol
from atr.video.sampling import uniform_indices
from atr.video.transforms import cut_view
from tests.videos import decode

SIZES = Preprocessing(short_side=64, crop=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_dataset(
        tmp_path_factory.mktemp("data") / "clips",
        split="val",
        num_clips=3,
        num_frames=9,
        size=64,
        progress=False,
    )


def test_rendered_clips_are_the_renderers(tmp_path):
    clips = TabletopClips("val", 3, num_frames=4, size=32, cache=tmp_path)
    assert (len(clips), clips.labels, clips.ids[2]) == (3, list(CLASSES), "val-000002")
    rendered = render_clip(split_seed("val", 2), num_frames=4, size=32)
    frames, label, index = clips[2]
    assert np.array_equal(frames.numpy(), rendered.frames)
    assert (label, index) == (rendered.label, 2)
    assert clips.objects[2].nonzero().flatten().tolist() == sorted(rendered.objects)


def test_the_digest_tells_lists_apart(tmp_path):
    def digest(**changed):
        options = {"num_frames": 4, "size": 32, "cache": tmp_path} | changed
        return TabletopClips(options.pop("split", "val"), options.pop("num_clips", 2), **options).digest

    digests = [digest(), digest(), digest(num_clips=1), digest(split="dev"), digest(size=34)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_videos_give_the_uniformly_sampled_frames(folder):
    clips = VideoClips(folder, num_frames=4, preprocessing=SIZES)
    rendered = render_clip(split_seed("val", 1), num_frames=9, size=64)
    frames, label, index = clips[1]
    differences = np.abs(frames.numpy()[:, None].astype(float) - rendered.frames).mean(axis=(2, 3, 4))
    assert differences.argmin(axis=1).tolist() == uniform_indices(9, 4).tolist()
    assert differences.min(axis=1).mean() < 8  # of 255: what H.264 costs a finely textured table
    assert (label, index) == (rendered.label, 1)


def test_a_missing_video_is_named(folder, tmp_path):
    annotations = json.loads((folder / "annotations.json").read_text())
    (tmp_path / "annotations.json").write_text(json.dumps(annotations))
    clips = VideoClips(tmp_path, num_frames=4, preprocessing=SIZES)
    with pytest.raises(VideoError, match="val-000000.mp4"):
        clips[0]


@pytest.mark.parametrize(("clips", "shifts"), [(2, [0.5, 0.0]), (10, (np.arange(10) + 0.5) / 10)])
def test_rendered_clips_are_sampled_at_shifts_of_their_segments(tmp_path, clips, shifts):
    protocol = Protocol(clips, 3)
    data = TabletopClips("val", 1, num_frames=4, size=32, cache=tmp_path, protocol=protocol)
    views = data.views(0, protocol)
    assert views.shape == (3 * clips, 4, 32, 32, 3)
    for c in range(clips):
        times = (np.arange(4) + shifts[c]) / 4
        expected = render_clip(split_seed("val", 0), times=times, size=32).frames
        for crop in range(3):  # of a square
            assert np.array_equal(views[3 * c + crop], expected)
    assert data.digest == TabletopClips.digest_of("val", 1, num_frames=4, size=32)
    with pytest.raises(ValueError, match=f"opened for protocol {clips}x3, 1x1 is asked for"):
        data[0]


def test_rendered_clips_have_the_size_of_the_crop_or_of_the_whole_short_side(tmp_path):
    for protocol, side in ((Protocol(1, 1), 32), (Protocol(2, 3), 48)):
        sizes = Preprocessing(short_side=48, crop=32)
        options = {"num_frames": 2, "num_clips": 1, "cache": tmp_path, "protocol": protocol}
        views = open_clips("tabletop:val", preprocessing=sizes, **options).views(0, protocol)
        assert views.shape == (protocol.num_views, 2, side, side, 3)


@pytest.fixture
def wide(tmp_path):
    """Two class folders of one clip each, 200 frames of 24 x 48 whose red tells the frame, green the column."""
    frames = np.zeros((200, 24, 48, 3), np.uint8)
    frames[..., 0] = np.arange(200)[:, None, None]
    frames[..., 1] = 5 * np.arange(48)
    for label in ("turn_left", "turn_right"):
        (tmp_path / "wide" / "val" / label).mkdir(parents=True)
        write_mp4(tmp_path / "wide" / "val" / label / "0.mp4", frames, 25)
    return tmp_path / "wide"


def test_views_are_clips_by_crops(wide):
    sizes = Preprocessing(short_side=24, crop=16)
    clips = VideoClips(wide, num_frames=4, preprocessing=sizes)
    views = clips.views(0, Protocol(2, 3))
    assert views.shape == (6, 4, 24, 24, 3)
    frames = decode(clips.paths[0])
    for c, chosen in enumerate(([25, 75, 125, 175], [0, 50, 100, 150])):  # 1/2 and 0 of segments of 50 frames
        for crop, left in enumerate((0, 12, 24)):
            assert np.array_equal(views[3 * c + crop], frames[chosen, :, left : left + 24])
    single = clips.views(0, Protocol(1, 1))
    assert np.array_equal(single[0], cut_view(frames[[25, 75, 125, 175]], sizes))
    assert np.array_equal(single[0], clips[0][0].numpy())


def test_dense_views_are_windows_of_64_frames(wide):
    clips = VideoClips(wide, num_frames=4, preprocessing=SIZES, sampling=Sampling("dense"))

    def first_frames(protocol):
        return [round(float(view[0, ..., 0].mean())) for view in clips.views(0, protocol)[:: protocol.crops]]

    assert first_frames(Protocol(2, 3)) == pytest.approx(
        [0, 136], abs=4
    )  # compression moves the red a little
    assert first_frames(Protocol(1, 1)) == pytest.approx([68], abs=4)


@pytest.mark.parametrize("sampling", ["uniform", "dense"])
def test_random_frames_are_whole_and_reproducible(wide, sampling):
    clips = VideoClips(wide, num_frames=4, preprocessing=SIZES, sampling=Sampling(sampling))
    frames = clips.random_frames(0, np.random.default_rng(3))
    assert frames.shape == (4, 24, 48, 3)
    assert np.array_equal(frames, clips.random_frames(0, np.random.default_rng(3)))
    places = frames[..., 0].mean(axis=(1, 2))
    if sampling == "uniform":
        assert (
            np.abs(places - (25 + 50 * np.arange(4))) < 29
        ).all()  # within its segment of 50, but for compression
    else:
        assert np.diff(places) == pytest.approx([16] * 3, abs=4)
    others = clips.random_frames(0, np.random.default_rng(4))
    assert not np.array_equal(frames, others)


def test_the_mirror_of_a_list_is_told_by_its_labels(wide, folder):
    clips = VideoClips(wide, num_frames=4, preprocessing=SIZES)
    assert (clips.symmetry.mirrored, clips.symmetry.reversed) == ((1, 0), None)
    written = VideoClips(folder, num_frames=4, preprocessing=SIZES)
    assert written.symmetry.mirrored == mirrored_classes(CLASSES)
    assert TabletopClips.symmetry.reversed == REVERSED


def test_a_subset_keeps_its_clips_and_their_counted_frames(folder):
    clips = VideoClips(folder, num_frames=4, preprocessing=SIZES)
    clips.lengths = [9, 8, 7]
    subset = clips.subset([2, 1]).subset([0])
    assert (subset.ids, list(subset.paths)) == (["val-000002"], [folder / "val-000002.mp4"])
    assert subset.targets == [clips.targets[2]]
    assert subset.length(0, None) == 7  # no file is asked
    assert len({clips.digest, subset.digest, clips.subset([0, 1]).digest}) == 3
    assert clips.subset([0, 1, 2]).digest == clips.digest


def test_a_folder_and_its_split(wide):
    options = {"num_frames": 4, "preprocessing": SIZES, "cache": Path("unused")}
    assert open_clips(f"{wide}:val", **options).ids == open_clips(str(wide), **options).ids
    with pytest.raises(ValueError, match="no labelled split 'train'; allowed: val"):
        open_clips(f"{wide}:train", **options)
    with pytest.raises(ValueError, match=":own' is unknown; allowed: .*:train, :val, :test, :dev"):
        open_clips(f"{wide}:own", **options)


def test_a_data_set_named_by_a_dot_has_its_folders_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert read_annotations(Path(".")).name == read_annotations(folder).name == f"{folder.name} val"


def test_the_split_dev_that_was_written_can_be_named(tmp_path):
    write_dataset(tmp_path / "x", split="dev", num_clips=1, num_frames=4, size=32, progress=False)
    options = {"num_frames": 4, "preprocessing": SIZES, "cache": Path("unused")}
    assert open_clips(f"{tmp_path / 'x'}:dev", **options).ids == ["dev-000000"]


def test_open_clips_names_what_is_allowed(folder, tmp_path):
    options = {"num_frames": 4, "preprocessing": SIZES, "cache": tmp_path / "cache"}
    assert open_clips(str(folder), **options).ids == ["val-000000", "val-000001", "val-000002"]
    assert len(open_clips("tabletop:dev", num_clips=2, **options)) == 2
    with pytest.raises(ValueError, match="'kinetics'.*tabletop:val"):
        open_clips("kinetics", **options)
    with pytest.raises(ValueError, match="no annotations.json"):
        open_clips(str(tmp_path), **options)
    with pytest.raises(ValueError, match="4 clips asked for.*has 3"):
        open_clips(str(folder), num_clips=4, **options)
    with pytest.raises(ValueError, match="'test'"):
        open_clips("tabletop:test", **options)
    for none in (0, -1):
        with pytest.raises(ValueError, match=f"^num_clips={none} is not allowed; allowed: 1 or more$"):
            open_clips("tabletop:val", num_clips=none, **options)
    annotations = json.loads((folder / "annotations.json").read_text())
    annotations["clips"][0]["label"] = "juggling"
    (tmp_path / "annotations.json").write_text(json.dumps(annotations))
    with pytest.raises(ValueError, match="juggling"):
        open_clips(str(tmp_path), **options)
    (tmp_path / "annotations.json").write_text(json.dumps(annotations | {"clips": []}))
    with pytest.raises(ValueError, match="lists no clips"):
        open_clips(str(tmp_path), **options)


def listed(folder, *clips):
    entries = [{"id": name, "video": video, "label": "wave"} for name, video in clips]
    folder.mkdir(exist_ok=True)
    (folder / "annotations.json").write_text(json.dumps({"labels": ["wave"], "clips": entries}))
    return str(folder)


OPTIONS = {"num_frames": 4, "preprocessing": SIZES, "cache": Path("unused")}


def test_an_id_of_two_clips_is_refused_before_anything_is_read(tmp_path):
    data = listed(tmp_path / "data", ("a", "1.mp4"), ("b", "2.mp4"), ("b", "3.mp4"), ("a", "4.mp4"))
    message = "2 clips have the id of an earlier one, the first is b, entries 2 and 3 of the list"
    with pytest.raises(ValueError, match=message):
        open_clips(data, **OPTIONS)


def test_clips_outside_the_folder_are_refused_or_followed(folder, tmp_path):
    video = folder / "val-000000.mp4"
    data = listed(tmp_path / "data", ("a", str(video)), ("b", "../link.mp4"), ("c", "linked.mp4"))
    (tmp_path / "link.mp4").symlink_to(video)
    (tmp_path / "data" / "linked.mp4").symlink_to(video)
    with pytest.raises(
        ValueError, match="3 clips lie outside .*data, the first is a at .*--follow-outside reads"
    ):
        open_clips(data, **OPTIONS)
    clips = open_clips(data, follow_outside=True, **OPTIONS)
    whole = open_clips(str(folder), **OPTIONS)
    assert all(np.array_equal(clips[k][0], whole[0][0]) for k in range(3))


def test_what_is_not_used_is_told_by_the_clips(wide):
    assert open_clips(str(wide), **OPTIONS).notes == ()
    (wide / "val" / "turn_left" / "notes.txt").write_text("")
    (note,) = open_clips(str(wide), **OPTIONS).notes
    assert note == f"{wide}: 1 found and not used: 1 .txt (val/turn_left/notes.txt)"
    assert VideoClips(wide, num_frames=4, preprocessing=SIZES).subset([0]).notes == (note,)
