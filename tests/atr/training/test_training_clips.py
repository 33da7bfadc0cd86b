"""What an epoch shows comes from the seed, the epoch and the clip, and from nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

from atr.data.rendered import TabletopClips
from atr.preprocessing import Preprocessing
from atr.results.processes import process_state
from atr.training.augment import Augmentation
from atr.training.clips import TrainingClips, TrainingStills, opening_lines, training_splits
from atr.training.presets import PRESETS
from atr.training.run import CLIPS, Phase, Run
from atr.video.encoding import write_mp4
from atr.video.transforms import resize

REAL = Augmentation(crop_scales=(1.0, 0.75), shift=0, reverse=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of ten clips of 12 frames, 40×32 pixels, all different."""
    root = tmp_path_factory.mktemp("my clips")
    generator = np.random.default_rng(0)
    for label in ("move left", "move right"):
        (root / label).mkdir()
        for clip in range(10):
            frames = np.repeat(generator.integers(256, size=(12, 4, 5, 3), dtype=np.uint8), 8, axis=1)
            write_mp4(root / label / f"{clip}.mp4", np.repeat(frames, 8, axis=2), fps=12)
    return root


def splits(data, cache, counts=None, **options):
    settings = {
        "num_frames": 4,
        "preprocessing": Preprocessing(32, 24),
        "cache": cache,
        "workers": 1,
        "leave_out": False,
        "state": process_state(),
    }
    return training_splits(str(data), counts or dict.fromkeys(("train", "dev", "val")), **settings | options)


def test_items_do_not_depend_on_what_was_asked_for_before(folder, tmp_path):
    clips = splits(folder, tmp_path)[0]
    forwards = [TrainingClips(clips, REAL, 24, (7, 1))[index] for index in range(4)]
    again = TrainingClips(clips, REAL, 24, (7, 1))
    for index in (3, 1, 2, 0):
        frames, label, own = again[index]
        assert frames.shape == (4, 24, 24, 3)
        assert torch.equal(frames, forwards[index][0])
        assert (label, own) == forwards[index][1:]
    other_epoch = TrainingClips(clips, REAL, 24, (7, 2))
    assert not all(torch.equal(other_epoch[index][0], forwards[index][0]) for index in range(4))


def test_the_training_shows_squeezed_frames_where_the_evaluation_does(folder, tmp_path):
    """The largest crop of a frame of 40×32 is all of it, and the largest square its middle."""
    strength = Augmentation(crop_scales=(1.0,), mirror=0, reverse=0, shift=0, light=0)
    config = replace(PRESETS["laptop"], batch_size=2, size=24, augmentation=strength, workers=0)
    clips = splits(folder, tmp_path)[0]
    phase = Phase(CLIPS, 1, 2, TrainingClips, None, "", None)
    for fit, width in (("crop", 32), ("squeeze", 40)):
        settings = replace(config, fit=fit)
        assert settings.preprocessing.fit == fit
        run = Run(settings, Accelerator(cpu=True), clips, None, None)
        shown = run.batches(phase, 0, 0).dataset
        whole = clips.random_frames(3, np.random.default_rng((*run.key(phase, 0), 3)))
        seen, places = shown[3][0].numpy(), range(0, 41 - width, 4)
        expected = [resize(whole[:, :, left : left + width], 24, 24) for left in places]
        assert any(np.array_equal(seen, each) for each in expected)


def test_items_do_not_depend_on_the_number_of_workers(folder, tmp_path):
    clips = TrainingClips(splits(folder, tmp_path)[0], REAL, 24, (0, 0))
    (alone,), (shared,) = (list(DataLoader(clips, 8, num_workers=n, drop_last=True))[:1] for n in (0, 2))
    assert all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True))


def test_a_mirrored_clip_has_the_other_label(folder, tmp_path):
    clips = splits(folder, tmp_path)[0]
    flipped = TrainingClips(clips, Augmentation(mirror=1, shift=0, crop_scales=(1.0,), reverse=0), 24, (0,))
    unflipped = TrainingClips(clips, Augmentation(mirror=0, shift=0, crop_scales=(1.0,), reverse=0), 24, (0,))
    for index in range(len(clips)):
        assert unflipped[index][1] == clips.targets[index]
        assert flipped[index][1] == 1 - clips.targets[index]


def test_stills_are_frames_with_the_objects_in_them(tmp_path):
    clips = TabletopClips("train", 4, num_frames=3, size=32, cache=tmp_path)
    off = Augmentation(mirror=0, reverse=0, shift=0, light=0)
    stills = TrainingStills(clips, off, 32, (0, 0))
    for index in range(4):
        frame, objects, own = stills[index]
        assert own == index
        assert torch.equal(objects, clips.objects[index])
        assert any(np.array_equal(frame[0], frames) for frames in clips.sampled_frames(index))
    chosen = {
        next(
            t
            for t in range(3)
            if np.array_equal(TrainingStills(clips, off, 32, (e,))[0][0][0], clips.frames[0][t])
        )
        for e in range(30)
    }
    assert chosen == {0, 1, 2}


def test_dev_is_spread_evenly_over_val(folder, tmp_path):
    train, dev, val = splits(folder, tmp_path, {"train": None, "dev": 2, "val": None})
    assert (len(train), len(val)) == (16, 4)
    assert dev.ids == [val.ids[0], val.ids[3]]
    assert not set(train.ids) & set(val.ids)
    assert len(splits(folder, tmp_path, {"train": 5, "dev": 100, "val": 3})[1]) == 3


def test_faulty_clips_are_left_out_only_when_told(folder, tmp_path):
    train = splits(folder, tmp_path)[0]
    broken = train.paths[3]
    whole = broken.read_bytes()
    broken.write_bytes(b"")
    try:
        with pytest.raises(ValueError, match="1 of the 16 clips .* have faults"):
            splits(folder, tmp_path)
        left = splits(folder, tmp_path, leave_out=True)[0]
    finally:
        broken.write_bytes(whole)
    assert left.ids == [name for name in train.ids if name != train.ids[3]]
    assert "1 faulty" in left.description


def test_the_two_splits_have_the_same_classes(tmp_path):
    for split, labels in (("train", ("a", "b")), ("val", ("a", "b"))):
        for label in labels:
            (tmp_path / "data" / split / label).mkdir(parents=True)
            write_mp4(tmp_path / "data" / split / label / "1.mp4", np.zeros((4, 32, 32, 3), np.uint8), fps=12)
    train, _, val = splits(tmp_path / "data", tmp_path)
    assert train.labels == val.labels == ["a", "b"]
    with pytest.raises(ValueError, match="unknown"):
        splits(tmp_path / "nothing", tmp_path)


def test_a_class_that_train_lacks_is_refused_and_one_that_val_lacks_is_told(tmp_path):
    for place in ("train/wave", "train/clap", "val/clap"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.mp4").write_bytes(b"video")
    train, _, val = splits(tmp_path, tmp_path)
    told = f"{tmp_path}: val has no clips of 1 class (wave), which another split has"
    assert told in opening_lines(REAL, train, val)
    (tmp_path / "val" / "clap").rename(tmp_path / "val" / "Clap")
    message = r"train of .* has no clips of 1 class \(Clap\), .*; allowed: classes that train has"
    with pytest.raises(ValueError, match=message):
        splits(tmp_path, tmp_path)


def test_clips_are_rendered_without_workers_too(tmp_path):
    train, dev, val = splits(
        "tabletop", tmp_path, {"train": 2, "dev": 1, "val": 1}, workers=0, preprocessing=Preprocessing(32, 32)
    )
    assert (len(train), len(dev), len(val)) == (2, 1, 1)
