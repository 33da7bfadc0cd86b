"""A pass over clips: rows in order, clips that could not be read tried again, damaged parts, two programs in one folder."""

import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from atr.results import passes
from atr.results.passes import ahead, per_clip, progress_of
from atr.video.decoding import VideoError


class Numbers:
    """Clip i is a picture of the value i; some cannot be read."""

    def __init__(self, count, missing=()):
        self.count, self.missing = count, missing

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index in self.missing:
            raise VideoError(f"{index} is gone")
        return torch.full((1, 2, 2, 3), index, dtype=torch.uint8), index % 3, index


def mean_of(frames, labels, indices):
    return {"mean": frames.float().mean(dim=(1, 2, 3, 4)).numpy(), "label": np.array(labels)}


def test_rows_are_in_the_order_of_the_clips_and_batches_are_always_full(tmp_path):
    sizes = []

    def compute(frames, labels, indices):
        sizes.append(len(frames))
        return mean_of(frames, labels, indices)

    rows, broken = per_clip(Numbers(11), compute, partial=tmp_path, batch_size=4)
    assert sizes == [4, 4, 4]
    assert broken == {}
    assert rows["index"].tolist() == rows["mean"].tolist() == list(range(11))
    assert rows["label"].tolist() == [i % 3 for i in range(11)]


def test_no_more_processes_read_than_there_are_batches(tmp_path, monkeypatch):
    started = []

    class Counted(DataLoader):
        def __init__(self, *arguments, num_workers, **options):
            started.append(num_workers)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(passes, "DataLoader", Counted)
    for part, workers in enumerate((0, 2, 200)):
        per_clip(Numbers(7), mean_of, partial=tmp_path / str(part), batch_size=2, num_workers=workers)
    assert started == [0, 2, 4]


def test_a_clip_that_could_not_be_read_is_tried_again(tmp_path):
    rows, broken = per_clip(Numbers(5, missing={1, 3}), mean_of, partial=tmp_path, batch_size=2)
    assert rows["index"].tolist() == [0, 2, 4]
    assert broken == {1: "1 is gone", 3: "3 is gone"}
    rows, broken = per_clip(Numbers(5, missing={3}), mean_of, partial=tmp_path, batch_size=2)
    assert rows["mean"].tolist() == [0, 1, 2, 4]
    assert broken == {3: "3 is gone"}
    with pytest.raises(VideoError, match="3 is gone"):
        per_clip(Numbers(5, missing={3}), mean_of, partial=tmp_path, batch_size=2, strict=True)


def test_two_programs_in_one_folder_are_noticed(tmp_path):
    per_clip(Numbers(3), mean_of, partial=tmp_path)
    (part,) = tmp_path.glob("*.npz")
    part.with_name("another.npz").write_bytes(part.read_bytes())
    with pytest.raises(ValueError, match="two programs have been at work"):
        per_clip(Numbers(3), mean_of, partial=tmp_path)


def test_a_part_that_is_not_seen_is_no_result_without_its_clips(tmp_path):
    def remove(done, total):
        for part in tmp_path.glob("*.npz"):
            part.unlink()

    with pytest.raises(
        ValueError, match="6 of 7 clips are in no part of the pass .* disk that all processes"
    ):
        per_clip(Numbers(7), mean_of, partial=tmp_path, batch_size=2, save_every=-1, progress=remove)
    assert len(per_clip(Numbers(7), mean_of, partial=tmp_path)[0]["index"]) == 7


@pytest.mark.parametrize("damage", ["cut", "empty", "bits", "other"])
def test_a_damaged_part_is_computed_again_and_told_once(tmp_path, capsys, damage):
    whole, _ = per_clip(Numbers(6), mean_of, partial=tmp_path / "whole")
    per_clip(Numbers(4), mean_of, partial=tmp_path / "parts")
    per_clip(Numbers(6), mean_of, partial=tmp_path / "parts")
    part, _ = sorted((tmp_path / "parts").glob("*.npz"))
    content = part.read_bytes()
    middle = len(content) // 3
    part.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "empty": b"",
            "bits": content[:middle] + bytes(255 - byte for byte in content[middle:-200]) + content[-200:],
            "other": b"",
        }[damage]
    )
    if damage == "other":
        np.savez(part, mean=np.zeros(4))
    rows, broken = per_clip(Numbers(6), mean_of, partial=tmp_path / "parts")
    assert broken == {} and rows.keys() == whole.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(rows[name], values)
    per_clip(Numbers(6), mean_of, partial=tmp_path / "parts")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{part} is damaged (") and line.endswith("); its clips are computed again")


def test_the_next_item_is_fetched_while_one_is_in_use():
    fetched = [threading.Event() for _ in range(3)]

    def items():
        for number, event in enumerate(fetched):
            event.set()
            yield number
        raise ValueError("the fourth")

    seen = []
    with pytest.raises(ValueError, match="the fourth"):
        for item in ahead(items()):
            if item < 2:
                assert fetched[item + 1].wait(timeout=10)
            seen.append(item)
    assert seen == [0, 1, 2]
    assert list(ahead([])) == []


def test_rows_saved_on_the_way_are_not_counted_again(tmp_path):
    rows, broken = per_clip(Numbers(7, missing={5}), mean_of, partial=tmp_path, batch_size=2, save_every=-1)
    assert len(list(tmp_path.glob("*.npz"))) > 2
    assert rows["index"].tolist() == [0, 1, 2, 3, 4, 6] and broken == {5: "5 is gone"}


def test_progress_counts_what_was_there_before_and_what_could_not_be_read(tmp_path):
    per_clip(Numbers(3), mean_of, partial=tmp_path)
    told, options = [], {"partial": tmp_path, "batch_size": 2}
    per_clip(Numbers(8, missing={3}), mean_of, progress=lambda *of: told.append(of), **options)
    assert told == [(5, 8), (7, 8), (8, 8)]


def test_the_main_process_alone_tells_its_progress_and_tells_the_last_step(tmp_path):
    for main in (False, True):
        progress = progress_of(tmp_path / str(main), "maps", 5, SimpleNamespace(is_main_process=main))
        with progress as update:
            update(2, 5)
            update(5, 5)
        assert progress.bar.n == (5 if main else 0)
    assert not (tmp_path / "False" / "progress.json").exists()
    told = json.loads((tmp_path / "True" / "progress.json").read_text())
    assert (told["phase"], told["done"], told["total"]) == ("maps", 5, 5)


def test_unreadable_clips_alone_are_told_too(tmp_path):
    per_clip(Numbers(3), mean_of, partial=tmp_path)
    rows, broken = per_clip(Numbers(4, missing={3}), mean_of, partial=tmp_path)
    assert rows["index"].tolist() == [0, 1, 2] and broken == {3: "3 is gone"}


def test_a_batch_with_an_unreadable_clip_is_full_too(tmp_path):
    sizes = []

    def compute(frames, labels, indices):
        sizes.append(len(frames))
        return mean_of(frames, labels, indices)

    rows, _ = per_clip(Numbers(4, missing={1}), compute, partial=tmp_path, batch_size=4)
    assert sizes == [4] and rows["index"].tolist() == [0, 2, 3]


def test_what_is_gathered_is_saved_when_so_many_seconds_have_passed(tmp_path, monkeypatch):
    """Six seconds a clip: with ten between two saves, every second clip is one."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "atr.results.passes.time", SimpleNamespace(monotonic=lambda: clock.now, time_ns=time.time_ns)
    )

    def compute(frames, labels, indices):
        clock.now += 6
        return mean_of(frames, labels, indices)

    per_clip(Numbers(5), compute, partial=tmp_path, batch_size=1, save_every=10)
    parts = [np.load(file)["index"].tolist() for file in sorted(tmp_path.glob("*.npz"))]
    assert parts == [[0, 1], [2, 3], [4]]
