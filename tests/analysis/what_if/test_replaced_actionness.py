"""A part of the block does without actionness by hooks, and has it again."""

import pytest
import torch
from torch import nn

from analysis.what_if.replaced_actionness import changed_here, withheld_actionness
from atr.block import ATRBlock
from atr.inference import optimised


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

    def logits():
        with torch.inference_mode():
            return model(clips)

    whole = logits()
    assert seen["afa"].std() > 0 and torch.equal(seen["afa"], seen["afd"])
    with withheld_actionness(model, "AFA"):
        assert not torch.equal(logits(), whole)
    assert not seen["afa"].any() and seen["afd"].any()
    with withheld_actionness(model, "AFD"):
        assert not torch.equal(logits(), whole)
    assert seen["afa"].std() > 0 and torch.equal(seen["afd"].amax((2, 3)), seen["afd"].amin((2, 3)))
    assert torch.equal(logits(), whole)


def test_what_cannot_be_withheld_is_refused(tiny):
    for block, part, told in (
        ("atr", "ARL", "part='ARL' is unknown; allowed: AFA, AFD"),
        ("atr_sim", "AFA", "no Action-related Region Locator"),
    ):
        with (
            pytest.raises(ValueError, match=told),
            withheld_actionness(tiny("tsn_resnet18", block=block), part),
        ):
            pass
    model = tiny("tsn_resnet18", block="atr")
    with pytest.raises(RuntimeError, match="no forward pass ran"), withheld_actionness(model, "AFA"):
        pass


@pytest.mark.parametrize("form", ["add", "scale", "uniform"])
@pytest.mark.parametrize("part", ["AFA", "AFD"])
def test_an_optimised_network_does_without_it_too(tiny, clips, form, part):
    model = tiny("tsn_resnet18", block="atr", distribution=form)
    found = []
    for network in (model, optimised(model, precision="float32")):
        with torch.inference_mode(), withheld_actionness(network, part):
            found.append(network(clips))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)


def test_afd_gets_the_mean_of_each_frame_of_each_clip(tiny, clips):
    model = tiny("tsn_resnet18", block="atr")
    block, seen = model.blocks["S5B2"], {}
    block.arl.register_forward_hook(lambda _, given, m: seen.update(m=m))
    block.afd.register_forward_hook(lambda _, given, out: seen.update(afd=given[0]))
    with torch.inference_mode(), withheld_actionness(model, "AFD"):
        model(clips)
    torch.testing.assert_close(seen["afd"], seen["m"].mean((2, 3), keepdim=True).expand_as(seen["m"]))


def test_a_module_that_was_not_passed_is_told_though_another_one_was():
    passed, other = nn.Identity(), nn.Identity()
    with (
        pytest.raises(RuntimeError, match="actionness was not replaced"),
        changed_here([passed, other], "register_forward_hook", lambda given, output: -output),
    ):
        assert passed(torch.ones(1)) == -1
