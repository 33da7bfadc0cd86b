"""A part of the block is taken away by hooks, and comes back."""

import torch

from atr.block import ATRBlock
from benchmarks.parts import without


def test_each_part_does_without_m_and_only_meanwhile(tiny, clips):
    model = tiny("tsn_resnet18", block="atr")
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, ATRBlock):
                module.afd.bn.weight.fill_(1)
    (block, *_) = (module for module in model.modules() if isinstance(module, ATRBlock))
    seen = {}
    block.afa.register_forward_hook(lambda module, given, output: seen.update(afa=given[1]))
    block.afd.register_forward_hook(lambda module, given, output: seen.update(afd=given[0]))

    def logits(**parts):
        with torch.inference_mode(), without(model, **parts):
            return model(clips)

    whole = logits(aggregation=False, distribution=False)
    assert seen["afa"].std() > 0 and torch.equal(seen["afa"], seen["afd"])
    assert not torch.equal(logits(aggregation=True, distribution=False), whole)
    assert not seen["afa"].any() and seen["afd"].any()
    assert not torch.equal(logits(aggregation=False, distribution=True), whole)
    assert seen["afa"].std() > 0 and torch.equal(seen["afd"].amax((2, 3)), seen["afd"].amin((2, 3)))
    assert torch.equal(logits(aggregation=False, distribution=False), whole)
