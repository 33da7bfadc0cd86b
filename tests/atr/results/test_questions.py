"""A question of several passes: what any of them could not read is told."""

import torch

from atr.results.passes import per_clip
from atr.results.questions import Options, Question, found_by
from atr.video.decoding import VideoError


class Flaky:
    """Four clips of one frame; `missing` cannot be read."""

    description = "four toys"

    def __init__(self):
        self.missing = ()

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index in self.missing:
            raise VideoError(f"clip {index} is gone")
        return torch.zeros(1, 2, 2, 3, dtype=torch.uint8), 0, index


def pass_without(*missing):
    def ask(clips, **options):
        clips.missing = missing
        return per_clip(
            clips, lambda frames, labels, indices: {"sum": frames.numpy().sum((1, 2, 3, 4))}, **options
        )

    return ask


def test_clips_that_any_pass_could_not_read_are_told(tmp_path):
    passes = {"first": pass_without(1, 2), "second": pass_without(2, 3), "third": pass_without()}
    question = Question("toy", folder=None, passes=passes, write=None, show=None)
    options = Options(checkpoint=tmp_path / "net")
    found, broken, notices = found_by(question, Flaky(), tmp_path / "toy", options)
    assert [rows["index"].tolist() for rows in found] == [[0, 3], [0, 1], [0, 1, 2, 3]]
    assert broken == {index: f"clip {index} is gone" for index in (1, 2, 3)} and notices == {}
