"""What is done to a clip: orders, hidden areas, constant actionness; and that nothing of it outlives its context."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

import atr
from analysis.recording import record
from analysis.what_if.figures import scores_figure
from analysis.what_if.hiding import FILLS, actionness, count_of, filling, grid_of, hide, hiding_order
from analysis.what_if.interventions import Intervention, frame_order, intervene
from analysis.what_if.replaced_actionness import uniform_actionness
from atr.results.predict import class_probabilities


@pytest.fixture
def model(tiny):
    """An ATR network for clips of 4 frames of 32 pixels whose M is far from constant."""
    model = tiny(block="atr", placement="S3-5", stem="small")
    for block in model.blocks.values():
        nn.init.normal_(block.arl.cond.weight, std=20)
    model.preprocessing = atr.Preprocessing(short_side=32, crop=32)
    return model


@pytest.fixture
def frames():
    """uint8 (T, H, W, 3) = (4, 32, 32, 3)"""
    return np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


# ---- order


def test_orders_by_hand():
    assert frame_order("as it is", 4).tolist() == [0, 1, 2, 3]
    assert frame_order("reversed", 4).tolist() == [3, 2, 1, 0]
    assert frame_order("frozen", 4, step=2).tolist() == [2, 2, 2, 2]


def test_reversed_twice_is_the_clip(frames):
    order = frame_order("reversed", len(frames))
    np.testing.assert_array_equal(frames[order][order], frames)


def test_a_shuffled_order_is_a_permutation_of_its_seed_and_never_the_identity():
    orders = [frame_order("shuffled", 2, seed=seed).tolist() for seed in range(50)]
    assert orders == [[1, 0]] * 50  # half of all permutations of two are the identity
    assert sorted(frame_order("shuffled", 8, seed=3)) == list(range(8))
    np.testing.assert_array_equal(frame_order("shuffled", 8, seed=3), frame_order("shuffled", 8, seed=3))
    assert len({tuple(frame_order("shuffled", 8, seed=(0, clip))) for clip in range(20)}) > 15


def test_orders_that_cannot_be_had_are_named():
    with pytest.raises(
        ValueError, match="order='sideways' is unknown; allowed: as it is, reversed, shuffled, frozen"
    ):
        frame_order("sideways", 4)
    with pytest.raises(ValueError, match="step = 4 is not allowed; allowed: 0 to 3"):
        frame_order("frozen", 4, step=4)
    with pytest.raises(ValueError, match="one frame has no other order"):
        frame_order("shuffled", 1)


# ---- hiding


def test_ranks_by_hand():
    scores = np.array([[[1.0, 4.0], [3.0, 2.0]], [[-1.0, -2.0], [-4.0, -3.0]]])
    ranks = hiding_order(scores, np.random.default_rng(0))
    assert ranks.tolist() == [
        [[3, 0], [1, 2]],
        [[0, 1], [3, 2]],
    ]  # the second frame's values do not matter to the first


def test_ties_fall_at_random_and_are_repeated_by_the_seed():
    ranks = [hiding_order(np.zeros((2, 3, 3)), np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(ranks[0], ranks[1])
    assert (ranks[0] != ranks[2]).any() and (ranks[0][0] != ranks[0][1]).any()
    firsts = np.bincount(
        [np.argmin(hiding_order(np.zeros((1, 2, 2)), np.random.default_rng(s))) for s in range(400)]
    )
    assert firsts.min() > 60  # 100 each on average, standard deviation 8.7


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.5, 1])
def test_top_random_and_bottom_hide_the_same_share_of_every_frame(model, frames, share):
    """S3B1 has 8 × 8 positions of 4 × 4 pixels."""
    for kind in ("top", "random", "bottom"):
        outcome = intervene(model, frames, Intervention(hide=kind, share=share, block="S3B1"))
        assert outcome.hidden.shape == (4, 8, 8)
        assert outcome.hidden.sum(axis=(1, 2)).tolist() == [count_of(share, (8, 8))] * 4
        changed = (outcome.frames != frames).any(axis=-1)
        colour = filling(frames, "mean")[0, 0, 0]
        already = (frames == colour).all(axis=-1)
        np.testing.assert_array_equal(
            changed, np.kron(outcome.hidden, np.ones((4, 4), bool)).astype(bool) & ~already
        )


def test_count_of_by_hand():
    assert [count_of(share, (3, 3)) for share in (0, 0.05, 0.06, 0.2, 0.5, 1)] == [0, 0, 1, 2, 5, 9]


def test_top_hides_what_actionness_ranks_highest_and_bottom_the_lowest(model, frames):
    maps = actionness(model, frames[None], "S4B1")[0]
    hidden = {
        kind: intervene(model, frames, Intervention(hide=kind, share=0.25, block="S4B1")).hidden
        for kind in ("top", "bottom")
    }
    for frame, map_ in enumerate(maps):
        assert map_[hidden["top"][frame]].min() > map_[~hidden["top"][frame]].max()
        assert map_[hidden["bottom"][frame]].max() < map_[~hidden["bottom"][frame]].min()


def test_what_is_hidden_is_ranked_on_the_clip_in_its_new_order(model, frames):
    outcome = intervene(model, frames, Intervention(order="reversed", hide="top", share=0.1, block="S3B1"))
    maps = actionness(model, frames[::-1][None], "S3B1")[0]
    strongest = maps.reshape(4, -1).argmax(axis=1)
    assert outcome.hidden.reshape(4, -1)[np.arange(4), strongest].all()


def test_hidden_pixels_by_hand():
    """Three pixels in two cells: the first cell takes two of them."""
    frames = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1).repeat(3, axis=-1)
    hidden = np.array([[[True, False], [False, True]]])
    result = hide(frames, hidden, np.full_like(frames, 99))[0, :, :, 0]
    assert result.tolist() == [[99, 99, 2], [99, 99, 5], [6, 7, 99]]


def test_the_mean_colour_is_one_colour_and_the_blur_keeps_a_constant_picture():
    frames = np.zeros((2, 4, 4, 3), np.uint8)
    frames[0] = (100, 50, 3)
    assert np.unique(filling(frames, "mean").reshape(-1, 3), axis=0).tolist() == [[50, 25, 2]]
    grey = np.full((1, 16, 16, 3), 77, np.uint8)
    np.testing.assert_array_equal(filling(grey, "blur"), grey)
    edge = np.zeros((1, 32, 32, 3), np.uint8)
    edge[:, :, 16:] = 200
    blurred = filling(edge, "blur")[0, 16, :, 0].astype(int)
    assert (np.diff(blurred) >= 0).all() and np.diff(blurred).max() < 30
    with pytest.raises(ValueError, match="fill='pink' is unknown; allowed: mean, blur"):
        filling(grey, "pink")


@pytest.mark.parametrize("stem", ["imagenet", "small"])
def test_the_grid_is_that_of_the_maps(tiny, stem):
    model = tiny(block="atr", placement="S2-5", stem=stem)
    for side in (32, 56, 100):
        with torch.inference_mode(), record(model) as recording:
            model(torch.zeros(1, 4, 3, side, side + 8))
        for block, maps in recording.actionness.items():
            assert grid_of(model, block, side, side + 8) == tuple(maps.shape[2:])


def test_a_network_without_actionness_can_be_hidden_from_at_random_only(tiny, frames):
    model = tiny()
    model.preprocessing = atr.Preprocessing(short_side=32, crop=32)
    hidden = intervene(model, frames, Intervention(hide="random", share=0.5, block="S3B1")).hidden
    assert hidden.shape == (4, 4, 4) and hidden.sum() == 32
    with pytest.raises(
        ValueError, match="block 'S3B1' has no actionness; allowed: none, the model has no Action"
    ):
        intervene(model, frames, Intervention(hide="top", block="S3B1"))
    with pytest.raises(ValueError, match="block='S9B1' is unknown; allowed: S2B1, S2B2"):
        intervene(model, frames, Intervention(hide="random", block="S9B1"))


def test_doing_nothing_is_the_evaluation(model, frames):
    outcome = intervene(model, frames, Intervention())
    np.testing.assert_array_equal(outcome.frames, frames)
    np.testing.assert_array_equal(outcome.probabilities, class_probabilities(model, frames[None])[0].numpy())
    assert outcome.hidden is None and outcome.order.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"order": "x"}, "order='x' is unknown; allowed: as it is, reversed, shuffled, frozen"),
        ({"hide": "x"}, "hide='x' is unknown; allowed: nothing, top, random, bottom"),
        ({"hide": "top"}, "hide = 'top' needs the block"),
        ({"share": 1.5}, "share = 1.5 is not allowed; allowed: 0 to 1"),
        (
            {"actionness": "x"},
            "actionness='x' is unknown; allowed: computed, zero, mean, not in AFA, not in AFD",
        ),
    ],
)
def test_an_intervention_that_makes_no_sense_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Intervention(**values)


# ---- uniform actionness


class Zeros(nn.Module):
    def forward(self, x):
        return torch.zeros_like(x[:, :1])


@pytest.mark.parametrize("distribution", ["add", "scale", "uniform"])
def test_uniform_is_a_network_whose_locators_give_zero(tiny, clips, distribution):
    model = tiny(block="atr", distribution=distribution)
    for block in model.blocks.values():
        nn.init.normal_(block.arl.cond.weight, std=20)
    with torch.inference_mode():
        computed = model(clips)
        with uniform_actionness(model):
            uniform = model(clips)
        for block in model.blocks.values():
            block.arl = Zeros()
        expected = model(clips)
    torch.testing.assert_close(uniform, expected, rtol=0, atol=0)
    assert not torch.allclose(computed, uniform, atol=1e-4)


def test_blocks_are_chosen_and_the_mean_is_the_clips_own(model, clips):
    with torch.inference_mode(), record(model) as before:
        model(clips)
    with (
        torch.inference_mode(),
        uniform_actionness(model, ["S3B1"], level="mean"),
        record(model) as recording,
    ):
        model(clips)
    means = before.actionness["S3B1"].mean(dim=(1, 2, 3))
    assert means[0] != pytest.approx(means[1].item(), abs=1e-3)
    torch.testing.assert_close(recording.actionness["S3B1"], means[:, None, None, None].expand(2, 4, 8, 8))
    assert recording.actionness["S3B2"].std() > 0.1


def test_uniform_pooling_of_a_clip_is_the_mean_over_positions(model, clips):
    """s_t of a block with M = 0 is global average pooling."""
    block, seen = model.blocks["S3B1"], {}
    hooks = [
        block.register_forward_hook(lambda module, inputs, output: seen.update(x=inputs[0])),
        block.afa.register_forward_hook(lambda module, inputs, output: seen.update(s=output)),
    ]
    with torch.inference_mode(), uniform_actionness(model):
        model(clips)
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(seen["s"].flatten(0, 1), seen["x"].mean(dim=(2, 3)), rtol=1e-5, atol=1e-5)


def hooks_of(model):
    return [hook for module in model.modules() for hook in module._forward_hooks.values()]


def test_no_hook_survives_an_exception(model, clips):
    with pytest.raises(RuntimeError, match="in between"), uniform_actionness(model):
        assert len(hooks_of(model)) == len(model.locators) == 6
        raise RuntimeError("in between")
    assert not hooks_of(model)
    with pytest.raises(ValueError, match="block='S2B1' is unknown; allowed: S3B1, .*S5B2"):  # noqa: SIM117
        with uniform_actionness(model, ["S3B1", "S2B1"]):
            pass
    assert not hooks_of(model)


def test_a_context_in_which_nothing_was_replaced_says_so(model):
    with pytest.raises(RuntimeError, match="actionness was not replaced: no forward pass ran"):  # noqa: SIM117
        with uniform_actionness(model):
            pass
    assert not hooks_of(model)


def test_only_the_thread_that_asked_is_changed(model, clips):
    with torch.inference_mode():
        computed, elsewhere = model(clips), []

        def ask():
            with torch.inference_mode():
                elsewhere.append(model(clips))

        with uniform_actionness(model):
            other = threading.Thread(target=ask)
            other.start()
            other.join()
            assert not torch.allclose(model(clips), computed, atol=1e-4)
    torch.testing.assert_close(elsewhere[0], computed, rtol=0, atol=0)


def test_a_network_without_locators_has_nothing_to_replace(tiny):
    for options in ({}, {"block": "atr_sim"}):
        with pytest.raises(ValueError, match="no Action-related Region Locator"):  # noqa: SIM117
            with uniform_actionness(tiny(**options)):
                pass


def test_hidden_pixels_of_a_frame_that_is_wider_than_high():
    frames = np.zeros((1, 2, 6, 3), np.uint8)
    hidden = np.array([[[False, True, False]]])
    assert hide(frames, hidden, np.full_like(frames, 9))[0, :, :, 0].tolist() == [[0, 0, 9, 9, 0, 0]] * 2


def test_positions_hidden_at_random_are_those_of_the_seed(model, frames):
    hidden = [
        intervene(model, frames, Intervention(hide="random", share=0.5, block="S3B1", seed=seed)).hidden
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(hidden[0], hidden[1]) and not np.array_equal(hidden[0], hidden[2])


def test_class_scores_before_and_after_stand_side_by_side():
    before, after = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.1, 0.2, 0.1, 0.6])
    figure = scores_figure(before, after, ["a", "b", "c", "d"], top=1, true_class=2)
    names = figure.layout.yaxis.ticktext
    bars = {trace.name: dict(zip(names, trace.x, strict=True)) for trace in figure.data}
    assert bars["original clip"] == {"d": 0, "c ✓": 0.2, "a": 0.5}
    assert bars["after"] == {"d": 0.6, "c ✓": 0.1, "a": 0.1}
    assert list(names) == ["d", "c ✓", "a"] and list(figure.data[0].y) == [0, 1, 2]  # from the bottom
    (unchanged,) = scores_figure(before, None, ["a", "b", "c", "d"], top=1, true_class=2).data
    assert unchanged.name == "original clip" and list(unchanged.x) == [0.2, 0.5]


@pytest.mark.parametrize("level", ["zero", "mean"])
def test_actionness_is_replaced_while_a_clip_is_answered(model, frames, level):
    found = intervene(model, frames, Intervention(actionness=level)).probabilities
    with uniform_actionness(model, level=level):
        expected = class_probabilities(model, frames[None])[0].numpy()
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(found, class_probabilities(model, frames[None])[0].numpy())


@pytest.mark.parametrize("fill", FILLS)
def test_hidden_pixels_are_those_of_the_filling(model, frames, fill):
    outcome = intervene(model, frames, Intervention(hide="top", share=0.5, block="S3B1", fill=fill))
    hidden = np.kron(outcome.hidden, np.ones((4, 4), bool)).astype(bool)
    np.testing.assert_array_equal(outcome.frames[hidden], filling(frames, fill)[hidden])
    np.testing.assert_array_equal(outcome.frames[~hidden], frames[~hidden])


@pytest.mark.parametrize(
    ("values", "nothing"),
    [
        ({"seed": 3, "step": 1, "share": 0.5, "block": "S3B1", "fill": "blur"}, True),
        ({"order": "reversed"}, False),
        ({"hide": "random", "block": "S3B1"}, False),
        ({"actionness": "not in AFA"}, False),
    ],
)
def test_order_hiding_and_actionness_change_something(values, nothing):
    assert Intervention(**values).changes_nothing == nothing


def test_the_blur_is_a_gaussian_of_an_eighth_of_the_shorter_side():
    """Of 2 pixels: 200 times its distribution function at -3.5, -2.5 … 3.5 pixels from an edge."""
    frames = np.zeros((1, 16, 64, 3), np.uint8)
    frames[:, :, 32:] = 200
    assert filling(frames, "blur")[0, 8, 28:36, 0].tolist() == [8, 20, 45, 80, 120, 155, 180, 192]
