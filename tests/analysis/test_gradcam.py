"""Grad-CAM against the same by hand with autograd, and what it leaves behind: nothing."""

import threading

import numpy as np
import pytest
import torch

import atr
from analysis.actionness import clip_actionness
from analysis.gradcam import clip_gradcam, explained_blocks, gradcam, gradcams, residual_block, twin
from atr.preprocessing import Preprocessing
from atr.video.sampling import covering_indices
from tests.videos import preprocess

SETTINGS = Preprocessing(short_side=32, crop=32)
NETWORKS = [
    ("tsn_resnet18", {}, "S4B1"),
    ("tsn_resnet18", {"block": "atr_sim"}, "S5B2"),
    ("tsm_resnet18", {"block": "atr"}, "S3B2"),
    ("slowonly_resnet50", {"block": "atr"}, "S4B3"),
    ("tsn_efficientnet_lite0", {}, "S3B1"),
]


def by_hand(model, clips, block, targets):
    """Keep the block's output, differentiate each clip's own logit by it, average over positions, sum over channels."""
    kept = {}
    hook = residual_block(model, block).register_forward_hook(lambda *call: kept.update(output=call[2]))
    logits = model(clips)
    hook.remove()
    features = kept["output"]
    maps = []
    for n, target in enumerate(targets):
        (gradient,) = torch.autograd.grad(logits[n, target], features, retain_graph=True)
        own = slice(n * clips.shape[1], (n + 1) * clips.shape[1])
        weights = gradient[own].mean(dim=(2, 3), keepdim=True)
        maps.append((weights * features[own]).sum(dim=1))
    return torch.stack(maps).detach()


def hooks_of(model) -> int:
    return sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()
    )


@pytest.mark.parametrize(("name", "options", "block"), NETWORKS)
def test_it_is_grad_cam(tiny, clips, name, options, block):
    model = tiny(name, **options)
    expected = by_hand(model, clips, block, [1, 3])
    assert expected.min() < 0 < expected.max()
    found = gradcam(model, clips, block, torch.tensor([1, 3]), relu=False)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)
    positive = gradcam(model, clips, block, torch.tensor([1, 3]))
    torch.testing.assert_close(positive, expected.clamp(min=0), atol=1e-6, rtol=1e-4)
    assert positive.dtype == torch.float32 and not positive.requires_grad


def test_blocks_explained_together_are_as_explained_alone_by_one_copy(tiny, clips, monkeypatch):
    model, target = tiny("tsm_resnet18", block="atr"), torch.tensor([1, 3])
    alone = {block: gradcam(model, clips, block, target, relu=False) for block in ("S5B1", "S3B2", "S4B1")}
    copied = []
    monkeypatch.setattr("analysis.gradcam.twin", lambda network: copied.append(network) or twin(network))
    together = gradcams(model, clips, tuple(alone), target, relu=False)
    assert copied == [model]
    assert list(together) == list(alone)
    assert all(torch.equal(together[block], maps) for block, maps in alone.items())


def test_one_class_for_all_clips_is_that_class_for_each(tiny, clips):
    model = tiny()
    assert torch.equal(gradcam(model, clips, "S5B1", 2), gradcam(model, clips, "S5B1", torch.tensor([2, 2])))


def test_a_frame_has_its_own_channel_weights(tiny, clips):
    """Without convolutions over time a frame's map depends on that frame alone; averaged weights would mix them."""
    model = tiny()
    changed = clips.clone()
    changed[:, 1:] = torch.randn(2, 3, 3, 32, 32)
    first, second = (gradcam(model, each, "S4B2", 0)[:, 0] for each in (clips, changed))
    torch.testing.assert_close(first, second)


def test_the_model_is_left_as_it_was(tiny, clips):
    model = tiny(block="atr")
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    logits = model(clips).detach()
    gradcam(model, clips, "S4B1", 0)
    with pytest.raises(ValueError, match="allowed: 0 to 4"):
        gradcam(model, clips, "S4B1", 5)
    with pytest.raises(ValueError, match="takes"):  # captum's own pass fails
        gradcam(model, clips[:, :2], "S4B1", 0)
    assert hooks_of(model) == 0
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())
    assert torch.equal(model(clips).detach(), logits)


def test_inside_inference_mode_it_is_the_same(tiny, clips):
    model = tiny(block="atr")
    expected = gradcam(model, clips, "S4B1", torch.tensor([0, 1]))
    with torch.inference_mode():
        target = torch.tensor([0, 1]) + 0
        assert torch.equal(gradcam(model, clips + 0, "S4B1", target), expected)


def test_threads_may_share_a_model(tiny, clips):
    model = tiny(block="atr")
    inputs = [clips + shift for shift in range(4)]
    expected = [gradcam(model, each, "S4B1", 0) for each in inputs]
    found = {}

    def explain(place):
        for _ in range(3):
            found.setdefault(place, []).append(gradcam(model, inputs[place], "S4B1", 0))
            with torch.inference_mode():
                model(inputs[place])

    threads = [threading.Thread(target=explain, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, maps in found.items():
        assert len(maps) == 3 and all(torch.equal(each, expected[place]) for each in maps)


def test_a_twin_computes_the_same_with_the_same_memory(tiny, clips):
    model = tiny("slowonly_resnet18", block="atr", reasoner="gr")
    model.fc.register_forward_hook(lambda *call: call[2] * 0)
    other = twin(model)
    model.fc._forward_hooks.clear()
    assert other.fc.weight.data_ptr() == model.fc.weight.data_ptr()
    assert {id(m) for m in other.modules()}.isdisjoint(id(m) for m in model.modules())
    assert not other(clips).requires_grad and hooks_of(other) == 0
    assert torch.equal(other(clips), model(clips).detach())


def test_every_frame_has_the_map_of_its_first_pass(tiny):
    model = tiny(block="atr_sim")
    model.preprocessing = SETTINGS
    frames = np.random.default_rng(0).integers(0, 256, (10, 40, 48, 3), dtype=np.uint8)
    beside = clip_actionness(model, frames)
    target = int(beside.probabilities.argmax())
    maps, seconds = clip_gradcam(model, frames, ("S4B2", "S5B1"), target=target, batch_size=2)
    assert list(maps) == ["S4B2", "S5B1"] and seconds > 0
    assert len(maps["S4B2"]) == len(maps["S5B1"]) == len(beside.indices) == 10
    expected = {}
    for row in covering_indices(10, 4):
        for block in maps:
            computed = gradcam(model, preprocess(frames[row], SETTINGS)[None], block, target)[0]
            for position, index in enumerate(row.tolist()):
                expected.setdefault((block, index), computed[position].numpy())
    assert len(expected) == 2 * 10
    for (block, index), values in expected.items():
        np.testing.assert_allclose(maps[block][index], values, atol=1e-6)
    other, _ = clip_gradcam(model, frames, ("S4B2",), target=(target + 1) % 5)
    assert not np.allclose(other["S4B2"], maps["S4B2"])


def test_blocks_to_explain(tiny):
    assert explained_blocks(tiny()) == ("S3B1", "S3B2", "S4B1", "S4B2", "S5B1", "S5B2")
    assert explained_blocks(tiny(block="atr_sim", placement="S5")) == ("S5B1", "S5B2")
    model = tiny()
    assert residual_block(model, "S3B1") is model.backbone.layer2[0]


def test_bad_input_is_named(tiny, clips):
    with pytest.raises(ValueError, match="'S6B1' is unknown; allowed: S2B1, S2B2, S3B1"):
        gradcam(tiny(), clips, "S6B1", 0)
    with pytest.raises(ValueError, match="one for each of 2 clips"):
        gradcam(tiny(), clips, "S4B1", torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="training mode"):
        gradcam(atr.create_model("tsn_resnet18", 5, 4, width=0.125), clips, "S4B1", 0)
