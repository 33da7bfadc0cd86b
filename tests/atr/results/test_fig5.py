"""The blocks' Fig-5 scores of the training command, against those of `analysis localize`."""

import numpy as np
import pytest
import torch

import atr
from analysis.localize.fig5 import fig5_row
from analysis.localize.maps import Layout, Map
from analysis.localize.masked_clips import MaskedTabletop
from analysis.recording import record
from atr.results import fig5
from atr.results.fig5 import Ranking, fig5_of_blocks
from atr.tabletop import split_seed
from atr.video.transforms import normalise

SMALL = atr.Preprocessing(short_side=32, crop=32)


def test_equal_scores_are_one_threshold_in_whatever_order():
    scores = np.array([1.0, 1, 1, 0, 2])
    for positives in ([True, False, False, True, False], [False, False, True, True, False]):
        # 1 of 4 at the threshold 1, 2 of 5 at the threshold 0
        expected = 1 / 2 * 1 / 4 + 1 / 2 * 2 / 5
        assert Ranking.of(scores).average_precision(np.array(positives)) == pytest.approx(expected)


def test_a_constant_map_has_the_share_of_positives():
    assert Ranking.of(np.ones(4)).average_precision(np.arange(4) < 1) == 1 / 4


def test_pointing_is_of_the_strongest_position_and_ties_share_it():
    positives = np.array([False, True, True, False])
    assert Ranking.of(np.array([0.0, 3, 1, 2])).pointing(positives) == 1
    assert Ranking.of(np.array([0.0, 2, 3, 3])).pointing(positives) == 1 / 2
    assert Ranking.of(np.zeros(4)).pointing(positives) == 1 / 2  # chance: the share of positives


def test_blocks_have_the_scores_that_localize_gives_them(tiny):
    model, clips = tiny(block="atr"), MaskedTabletop("val", 3, num_frames=4, size=32)
    expected = []
    for index in range(len(clips)):
        pixels = clips.sampled_frames(index)
        with torch.inference_mode(), record(model) as recording:
            model(normalise(pixels[None, ..., :3], SMALL))
        maps = {Map("actionness", block, "logits"): m[0].numpy() for block, m in recording.actionness.items()}
        layouts = {map_.block: Layout(m.shape[1:], None) for map_, m in maps.items()}
        expected.append(fig5_row(maps, pixels[..., 3], layouts)["fig5"][: len(maps)])
    found = fig5_of_blocks(model, SMALL, split="val", num_clips=3)
    assert tuple(found) == model.block_names
    assert list(found.values()) == pytest.approx(np.nanmean(expected, axis=0).tolist(), abs=1e-6)


def test_a_network_without_actionness_has_no_scores(tiny):
    assert fig5_of_blocks(tiny(block="atr_sim"), SMALL, num_clips=1) == {}
    assert fig5_of_blocks(tiny(block=None), SMALL, num_clips=1) == {}


def test_the_block_is_not_chosen_on_clips_it_is_judged_by(tiny, monkeypatch):
    asked = set()
    monkeypatch.setattr(fig5, "split_seed", lambda split, index: asked.add(split) or split_seed(split, index))
    fig5_of_blocks(tiny(block="atr"), SMALL, num_clips=1)
    assert asked == {"dev"}
