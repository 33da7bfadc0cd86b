"""TRN's relations among frames, and networks that have them."""

from itertools import combinations
from math import comb

import pytest
import torch

import atr
from atr.trn import SAMPLED, MultiScaleRelations, combination


@pytest.fixture
def relations():
    torch.manual_seed(0)
    return MultiScaleRelations(6, num_frames=4, units=5).eval()


def test_there_is_a_relation_for_every_number_of_frames_from_two_on(relations):
    assert list(relations.scales) == [2, 3, 4]
    assert [layer.in_features for layer in relations.relations] == [10, 15, 20]
    assert relations(torch.randn(2, 4, 6)).shape == (2, 1, relations.num_features) == (2, 1, 15)


def test_all_frames_at_once_by_hand(relations):
    features = torch.randn(2, 4, 6)
    frames = relations.bottleneck(features).relu()
    whole = relations.relations[-1](frames.flatten(1)).relu()
    torch.testing.assert_close(relations(features)[:, 0, -5:], whole)


def test_pairs_by_hand(relations):
    features = torch.randn(1, 4, 6)
    frames = relations.bottleneck(features).relu()[0]
    pairs = [
        (0, 1),
        (0, 3),
        (2, 3),
    ]  # of the six in lexicographic order the first, third and last; Python rounds 2.5 to 2
    assert [combination(index, 2, 4) for index in relations.looked_at(comb(4, 2))] == pairs
    seen = [relations.relations[0](torch.cat([frames[i], frames[j]])).relu() for i, j in pairs]
    torch.testing.assert_close(relations(features)[0, 0, :5], torch.stack(seen).mean(dim=0))


def test_the_order_of_frames_counts(relations):
    features = torch.randn(1, 4, 6)
    assert (relations(features) - relations(features.flip(1))).abs().max() > 1e-2


def test_training_looks_at_other_relations_each_time_evaluation_does_not(relations):
    features = torch.randn(1, 4, 6)
    assert torch.equal(relations(features), relations(features))
    drawn = {tuple(relations.train().looked_at(6)) for _ in range(20)}
    assert len(drawn) > 5 and all(len(set(ways)) == SAMPLED for ways in drawn)


def test_combinations_are_those_of_itertools_in_their_order():
    for num_frames in range(1, 10):
        for n in range(1, num_frames + 1):
            every = list(combinations(range(num_frames), n))
            assert [combination(index, n, num_frames) for index in range(len(every))] == every


def test_many_frames_have_no_list_of_all_their_combinations():
    relations = MultiScaleRelations(2, 64, units=1)
    features = torch.randn(1, 64, 2)
    assert torch.equal(relations.eval()(features), relations(features))
    assert relations.train()(features).shape == (1, 1, 63)
    assert len({tuple(relations.looked_at(2**60)) for _ in range(5)}) == 5


def test_a_network_with_them_is_saved_loaded_and_optimised(tmp_path):
    torch.manual_seed(0)
    model = atr.create_model("trn_resnet18", 3, 4, width=0.1, stem="small").eval()
    assert model.trn.units == 26
    clips = torch.randn(2, 4, 3, 32, 32)
    atr.save_checkpoint(tmp_path / "trn", model, labels=["a", "b", "c"])
    with torch.inference_mode():
        logits = model(clips)
        assert torch.equal(atr.load_checkpoint(tmp_path / "trn")(clips), logits)
        torch.testing.assert_close(
            atr.optimised(model, precision="float32")(clips), logits, atol=1e-4, rtol=1e-4
        )
        assert (model(clips.flip(1)) - logits).abs().max() > 1e-5


def test_a_network_of_single_frames_can_be_built():
    assert atr.create_model("trn_resnet18", 3, 1, width=0.1)(torch.randn(2, 1, 3, 32, 32)).shape == (2, 3)


def test_all_of_very_many_combinations_can_be_drawn():
    relations = MultiScaleRelations(2, 64, units=1).train()
    assert max(relations.looked_at(2**60)) > 2**50


def test_relations_are_averaged_after_their_relu():
    """Differences of the frames 1, 2 and 0: -1, 1 and 2, of which 0, 1 and 2 are left."""
    relations = MultiScaleRelations(1, num_frames=3, units=1).eval()
    with torch.no_grad():
        for parameter in relations.parameters():
            parameter.zero_()
        relations.bottleneck.weight.fill_(1)
        relations.relations[0].weight.copy_(torch.tensor([[1.0, -1.0]]))
    assert relations(torch.tensor([[[1.0], [2.0], [0.0]]]))[0, 0, 0] == 1
