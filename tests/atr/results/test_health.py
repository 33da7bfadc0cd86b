"""The vitals of blocks by hand, and what a training says of them."""

import math

import numpy as np
import pytest
import torch

import atr
from atr.locator import ActionRegionLocator
from atr.results.health import health_numbers, mean_of, of_actionness, of_relation, state_of, watch
from atr.training.log import health_lines


def test_actionness_by_hand():
    """Three frames of four cells: all weight on the first cell, 1/2 on it, and 1/2 on the second."""
    rows = [[50, 0, 0, 0], [math.log(3), 0, 0, 0], [0, math.log(3), 0, 0]]
    found = of_actionness(torch.tensor([rows], dtype=torch.float64))
    assert found["largest"].tolist() == [50]
    assert found["peak"].item() == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert found["same_cell"].item() == pytest.approx(1 / 2)
    assert "same_cell" not in of_actionness(torch.zeros(2, 1, 4))
    assert of_actionness(torch.tensor([[[-5.0, 1], [0, 2]]]))["largest"].tolist() == [5]  # of either sign


def test_relations_by_hand():
    logits = torch.tensor([[[0.0, math.log(3)], [0.0, 0.0]]])
    found = of_relation(logits, torch.softmax(logits, -1))
    assert found["relation_peak"].item() == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found["relation_spread"].item() == pytest.approx(math.log(3) / 2)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ((0.8, 0.6, 0.5), "collapsed"),
        ((0.8, 0.59, 0.5), "alive"),
        ((0.79, 0.6, 0.5), "alive"),
        ((0.02, 0.85, 0.5), "frozen"),
        ((0.95, 0.95, 0.001), "collapsed"),
        ((0.1, 0.1, 0.0199), "silent"),
        ((0.1, 0.1, 0.02), "alive"),
        ((None, None, 0.01), "silent"),
        ((None, None, 0.1), "alive"),
        ((0.9, None, 0.1), "alive"),  # one frame: there is none before it
    ],
)
def test_the_word_for_a_block(values, state):
    assert state_of(*values) == state


def test_a_map_of_one_cell_has_not_collapsed():
    assert state_of(1.0, 1.0, 0.5, 4) == "collapsed"
    assert (state_of(1.0, 1.0, 0.5, 1), state_of(1.0, 1.0, 0.01, 1)) == ("alive", "silent")


def test_a_network_is_watched_as_it_computes(tiny, clips):
    model = tiny(block="atr", placement="S4-5")
    block, seen = model.blocks["S4B1"], {}
    block.register_forward_hook(lambda _, inputs, output: seen.update(x=inputs[0], y=output))
    block.arl.register_forward_hook(lambda _, __, output: seen.update(m=output))
    with torch.inference_mode(), watch(model) as vitals:
        plain = model(clips)
    values = vitals.values()
    assert list(values) == ["S4B1", "S4B2", "S5B1", "S5B2"]
    x, y, m = (seen[key].unflatten(0, (2, 4)).flatten(2) for key in "xym")
    expected = torch.stack([(b - a).norm() / a.norm() for a, b in zip(x, y, strict=True)])
    np.testing.assert_allclose(values["S4B1"]["share"], expected, rtol=1e-4)
    np.testing.assert_allclose(values["S4B1"]["peak"], torch.softmax(m, -1).amax(-1).mean(1), rtol=1e-5)
    assert np.isnan(values["S4B1"]["relation_peak"]).all()
    (first, *_) = health_numbers(values, vitals.cells)
    assert (first["block"], first["cells"], first["relation_peak"]) == ("S4B1", m.shape[-1], None)
    assert first["times_uniform"] == pytest.approx(first["peak"] * m.shape[-1])
    assert torch.equal(model(clips), plain)


def test_stacked_reasoners_are_averaged_and_a_block_without_a_locator_has_no_cells(tiny, clips):
    model = tiny(block="atr_sim", placement=("S5B2",), reasoner="gr", num_reasoners=2)
    seen = []
    for reasoner in (model.blocks["S5B2"].reasoner[0], model.blocks["S5B2"].reasoner[-1]):
        reasoner.relation.register_forward_hook(lambda _, __, output: seen.append(output.amax(-1).mean(1)))
    with torch.inference_mode(), watch(model) as vitals:
        model(clips)
    np.testing.assert_allclose(vitals.values()["S5B2"]["relation_peak"], torch.stack(seen).mean(0), rtol=1e-6)
    (entry,) = health_numbers(vitals.values(), vitals.cells)
    assert (entry["cells"], entry["peak"], entry["state"] in ("alive", "silent")) == (None, None, True)


def test_only_the_first_batches_count_and_no_hook_stays(tiny, clips):
    model = tiny(block="atr")
    before = sum(len(module._forward_hooks) for module in model.modules())
    with torch.inference_mode(), pytest.raises(KeyError), watch(model, 2) as vitals:
        for _ in range(3):
            model(clips)
        raise KeyError
    assert len(vitals.values()["S5B2"]["peak"]) == 2 * len(clips)
    assert sum(len(module._forward_hooks) for module in model.modules()) == before


def test_a_block_that_looks_at_one_cell_has_collapsed(tiny, clips):
    """M of one cell is 40 everywhere and always, whatever the clip."""
    model = tiny(block="atr", placement=("S4B1",))

    def stuck(module, inputs, output):
        output = torch.zeros_like(output)
        output[..., 0, 0] = 40
        return output

    (locator,) = (module for module in model.modules() if isinstance(module, ActionRegionLocator))
    locator.register_forward_hook(stuck)
    with torch.inference_mode(), watch(model) as vitals:
        model(clips)
    (entry,) = health_numbers(vitals.values(), vitals.cells)
    assert (entry["state"], entry["largest"], entry["same_cell"]) == ("collapsed", 40, 1)
    assert entry["peak"] == pytest.approx(1)
    line, warning = health_lines([entry])
    assert line == "blocks: S4B1 collapsed (softmax peak 1.00)"
    assert warning.startswith("warning: block S4B1 has collapsed") and "100% of frames" in warning


def test_a_network_without_blocks_has_nothing_to_watch(clips):
    model = atr.create_model("tsn_resnet18", num_classes=2, num_frames=4, width=0.125).eval()
    with torch.inference_mode(), watch(model) as vitals:
        model(clips)
    assert health_numbers(vitals.values(), vitals.cells) == [] and health_lines([]) == []


@pytest.mark.parametrize("values", [[], [math.inf, 1], [math.nan, 1]])
def test_what_is_no_number_has_no_mean(values):
    assert mean_of(np.array(values)) is None
