"""Recording: the values are the model's own, nothing stays behind."""

import threading

import pytest
import torch
from torch import nn

from analysis.recording import record
from atr.block import ATRConfig, build_atr, build_atr_sim
from atr.models import unwrapped


def hooks(model):
    return sum(len(module._forward_hooks) for module in model.modules())


def test_logits_are_bit_identical_and_maps_are_the_locators(tiny, clips):
    model = tiny(block="atr")
    with torch.inference_mode():
        plain = model(clips)
        with record(model) as recording:
            assert torch.equal(model(clips), plain)
        assert recording.actionness.keys() == set(model.block_names)
        block = model.blocks["S3B1"]
        x = model.backbone.layer1(
            model.backbone.maxpool(model.backbone.bn1(model.backbone.conv1(clips.flatten(0, 1))).relu())
        )
        inside = model.backbone.layer2[0]
        y = inside.bn2(inside.conv2(inside.bn1(inside.conv1(x)).relu()))
        torch.testing.assert_close(recording.actionness["S3B1"].flatten(0, 1), block.arl(y).squeeze(1))
    assert recording.actionness["S3B1"].shape == (2, 4, 4, 4)
    assert recording.relations == {}


def test_relations_one_per_stacked_reasoner_of_the_latest_pass(tiny, clips):
    model = tiny(block="atr_sim", reasoner="gr", num_reasoners=2)
    with torch.inference_mode(), record(model) as recording:
        model(clips)
        model(clips[:1])
    assert recording.actionness == {}
    assert [w.shape for w in recording.relations["S5B2"]] == [(1, 4, 4)] * 2
    torch.testing.assert_close(recording.relations["S4B1"][1].sum(-1), torch.ones(1, 4))


def test_values_do_not_alias(tiny, clips):
    model = tiny(block="atr")
    with torch.inference_mode(), record(model) as recording:
        model(clips)
        before = recording.actionness["S5B2"].clone()
        kept = recording.actionness["S5B2"]
        model(clips.flip(1))
    assert torch.equal(kept, before)
    assert not torch.equal(recording.actionness["S5B2"], before)


def test_no_hook_survives_an_exception(tiny, clips):
    model = tiny(block="atr")
    with pytest.raises(ValueError, match="model takes"), record(model):
        model(clips[:, :2])
    assert hooks(model) == 0
    with record(model):
        model(clips)
    assert hooks(model) == 0


def test_nothing_to_record_and_nothing_recorded_are_said(tiny):
    for options in ({}, {"block": "atr_sim"}):
        with pytest.raises(ValueError, match="nothing to record"), record(tiny(**options)):
            pass
    with pytest.raises(RuntimeError, match="nothing was recorded"), record(tiny(block="atr")):
        pass


def test_threads_sharing_a_model_see_their_own_values(tiny, clips):
    model, wrong = tiny(block="atr"), []
    inputs = [torch.randn_like(clips) for _ in range(3)]

    def alone(x):
        with torch.inference_mode(), record(model) as recording:
            model(x)
        return recording.actionness["S4B2"]

    expected = [alone(x) for x in inputs]

    def work(x, y):
        wrong.extend(i for i in range(20) if not torch.equal(alone(x), y))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(inputs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


class Own(nn.Module):
    """A network of somebody's own with two ATR blocks and an ATR_sim."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3)
        self.first = build_atr(16, num_frames=4, config=ATRConfig())
        self.rest = nn.Sequential(
            build_atr(16, num_frames=4, config=ATRConfig(reasoner="gr", num_reasoners=2)),
            build_atr_sim(16, num_frames=4, config=ATRConfig(reasoner="gr", num_reasoners=1)),
        )

    def forward(self, clips):
        return self.rest(self.first(self.stem(clips.flatten(0, 1))))


def test_blocks_in_a_network_of_ones_own_are_named_by_their_places(clips):
    own = Own().eval()
    with torch.inference_mode(), record(own) as recording:
        own(clips)
        x = own.stem(clips.flatten(0, 1))
        torch.testing.assert_close(recording.actionness["first"].flatten(0, 1), own.first.arl(x).squeeze(1))
    assert {name: m.shape[:2] for name, m in recording.actionness.items()} == {
        "first": (2, 4),
        "rest.0": (2, 4),
    }
    assert {name: len(ws) for name, ws in recording.relations.items()} == {"rest.0": 2, "rest.1": 1}
    assert hooks(own) == 0


def test_what_is_wrapped_is_looked_into_and_a_part_named_module_is_a_part(clips):
    own = nn.Module()
    own.module, own.head = Own().eval(), build_atr(16, num_frames=4, config=ATRConfig()).eval()
    with torch.inference_mode(), record(own) as recording:
        own.module(clips)
        own.head(torch.randn(8, 16, 5, 5))
    assert recording.actionness.keys() == {"module.first", "module.rest.0", "head"}
    inner = Own().eval()
    for wrapped in (nn.DataParallel(inner), torch.compile(inner), nn.DataParallel(torch.compile(inner))):
        assert unwrapped(wrapped) is inner
    assert unwrapped(torch.compile(nn.DataParallel(inner))) is inner


def test_a_block_alone_is_recorded_and_a_network_without_blocks_is_named():
    block, x = build_atr(16, num_frames=4, config=ATRConfig()).eval(), torch.randn(8, 16, 5, 5)
    with torch.inference_mode(), record(block) as recording:
        block(x)
    assert recording.actionness["block"].shape == (2, 4, 5, 5)
    for model in (nn.Linear(2, 2), block.arl):
        with pytest.raises(ValueError, match="has no ATR or ATR_sim block with an A"), record(model):
            pass
