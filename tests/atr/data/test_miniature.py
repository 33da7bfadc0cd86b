"""The demo set in the official formats of real data sets is read back as what was rendered."""

import json

import numpy as np
import pytest

from atr.data.miniature import write_miniature
from atr.data.reading import read_annotations, splits_of
from atr.tabletop import CLASSES, render_clip, split_seed
from atr.video.decoding import probe
from tests.videos import decode

SIZES = {"num_clips": 20, "num_frames": 6, "size": 32, "progress": False}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("miniatures")
    return {
        layout: write_miniature(root / layout, layout, **SIZES)
        for layout in ("sthv2", "sthv1", "kinetics", "folders")
    }


def number_of(name):
    """Of the rendered clip: "Moving something up/000003.mp4", "train000003_000003_000013", or "4" counted from 1."""
    if name.isdigit():
        return int(name) - 1
    return int(name.split("/")[-1].removeprefix("train")[:6])


@pytest.mark.parametrize("layout", ["sthv2", "sthv1", "kinetics", "folders"])
def test_every_video_shows_its_label(written, layout):
    folder = written[layout]
    of_one_clip_a_class = layout == "folders"  # of which none is held out
    assert splits_of(folder) == (["train"] if of_one_clip_a_class else ["train", "val"])
    train = read_annotations(folder, "train")
    assert sorted(label.lower() for label in train.labels) == sorted(label.lower() for label in CLASSES)
    first = train.ids.index(min(train.ids, key=number_of))
    rendered = render_clip(split_seed("train", number_of(train.ids[first])), num_frames=6, size=32)
    assert train.labels[train.targets[first]].lower() == CLASSES[rendered.label].lower()
    frames = decode(train.root / train.files[first])
    assert (
        np.abs(frames.astype(int) - rendered.frames).mean() < 14
    )  # of 255: what the compression costs at 32 pixels


def test_something_something_writes_what_the_official_lists_hold(written):
    entry = json.loads((written["sthv2"] / "labels" / "train.json").read_text())[0]
    assert set(entry) == {"id", "label", "template", "placeholders"}
    assert "[something]" in entry["template"] and "[" not in entry["label"]
    assert len(entry["placeholders"]) == entry["template"].count("[something]")
    for layout in ("sthv2", "sthv1"):
        assert read_annotations(written[layout]).labels == list(CLASSES)
        assert (
            len(read_annotations(written[layout], "train"))
            == 2 * len(read_annotations(written[layout]))
            == 20
        )
    video = read_annotations(written["sthv2"])
    assert probe(video.root / video.files[0]).codec == "VP90"


def test_one_kinetics_video_in_ten_is_missing(written):
    for split, count in (("train", 2), ("val", 1)):
        clips = read_annotations(written["kinetics"], split)
        absent = [name for name in clips.files if not (clips.root / name).exists()]
        assert len(absent) == count
        assert clips.sampling == "dense"


def test_what_cannot_be_written_is_named(written, tmp_path):
    with pytest.raises(FileExistsError, match="not an empty folder"):
        write_miniature(written["sthv2"], "sthv2", **SIZES)
    with pytest.raises(
        ValueError, match="layout='ucf101' is unknown; allowed: sthv2, sthv1, kinetics, folders"
    ):
        write_miniature(tmp_path / "new", "ucf101", **SIZES)
    for many in (0, 100_001):  # the next number is the first of the validation split
        with pytest.raises(ValueError, match=f"^num_clips={many} is not possible; allowed: 1 to 100,000$"):
            write_miniature(tmp_path / "new", "sthv2", **SIZES | {"num_clips": many})
    assert not list(tmp_path.iterdir())
