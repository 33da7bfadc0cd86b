"""The two kinds of clip lists, and what `--data` may name."""

import json

import numpy as np
import pytest

from atr.data import TabletopClips, VideoClips, open_clips
from atr.tabletop import CLASSES, render_clip, split_seed, write_dataset
from atr.transforms import Preprocessing
from atr.video import VideoError, uniform_indices

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
    expected = rendered.frames[uniform_indices(9, 4)].astype(float)
    assert np.abs(frames.numpy() - expected).mean() < 6  # of 255: what H.264 costs
    assert (label, index) == (rendered.label, 1)


def test_a_missing_video_is_named(folder, tmp_path):
    annotations = json.loads((folder / "annotations.json").read_text())
    (tmp_path / "annotations.json").write_text(json.dumps(annotations))
    clips = VideoClips(tmp_path, num_frames=4, preprocessing=SIZES)
    with pytest.raises(VideoError, match="val-000000.mp4"):
        clips[0]


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
    annotations = json.loads((folder / "annotations.json").read_text())
    annotations["clips"][0]["label"] = "juggling"
    (tmp_path / "annotations.json").write_text(json.dumps(annotations))
    with pytest.raises(ValueError, match="juggling"):
        open_clips(str(tmp_path), **options)
