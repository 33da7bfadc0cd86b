"""The network of inference answers as the network it was made of, and leaves that one as it is."""

import pytest
import torch
from torch import nn

import atr
from analysis import record
from analysis.gradcam import gradcam
from atr.block import AFA, BLOCKS, AddingAFD, GlobalAveragePooling, build_atr, build_atr_sim
from atr.folding import OtherBlock
from atr.inference import computes_in_bf16, for_inference
from atr.locator import ActionRegionLocator
from atr.results.health import watch
from atr.sampling import Sampling

# Deep graph reasoners of fresh networks have logits of W that no float32 tells to 1e-5, so these have shallow ones.
SHALLOW = {"reasoner": "gr", "num_reasoners": 2, "scale": "sqrt", "placement": ("S3B1", "S3B2")}
NETWORKS = [
    ("tsn_resnet50", {"block": "atr"}),
    ("tsm_resnet50", {"block": "atr", "distribution": "scale", "bn_position": "reasoned"}),
    ("slowonly_resnet50", {"block": "atr", "distribution": "uniform", "arl_bn": False}),
    ("tsm_resnet50", {"block": "atr_sim", **SHALLOW}),
    ("tsn_resnet18", {"block": "atr", "bn_position": "reasoned", "motion": "bidirectional", "stem": "small"}),
    ("slowonly_resnet18", {"block": "atr_sim", "bn_position": "reasoned"}),
    ("tsm_resnet18", {"block": "atr", "reasoner": "gr", "bn_position": "none", "use_appearance": False}),
    ("tsm_efficientnet_lite0", {"block": "atr"}),
    ("tsn_resnet50", {}),
]


@pytest.fixture
def trained(tiny):
    """Networks whose normalisations are no identities."""

    def build(name, options):
        model = tiny(name, **options)
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.2)
        return model

    return build


def answers(model, clips):
    """Logits, and under their blocks' names all maps and relations."""
    with torch.inference_mode():
        if not model.blocks or (model.config.block, model.config.atr.reasoner) == ("atr_sim", "er"):
            return {"logits": model(clips)}
        with record(model) as recording:
            logits = model(clips)
    relations = {f"{b} W{i}": w for b, ws in recording.relations.items() for i, w in enumerate(ws)}
    return {"logits": logits, **recording.actionness, **relations}


def spread(values):
    return float(values.max() - values.min())


@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_in_float32_it_equals_the_network(trained, clips, name, options):
    model = trained(name, options)
    optimised = atr.optimised(model, precision="float32")
    assert not any(isinstance(module, OtherBlock) for module in optimised.modules())
    plain, fast = answers(model, clips), answers(optimised, clips)
    assert plain.keys() == fast.keys()
    for what, values in plain.items():
        assert fast[what].dtype == torch.float32
        torch.testing.assert_close(fast[what], values, rtol=0, atol=1e-5 * max(spread(values), 1), msg=what)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_kind_are_computed_with_in_float32(trained, clips, dtype):
    model = trained(*NETWORKS[0]).to(dtype)
    fast = atr.optimised(model, precision="float32")
    with torch.inference_mode():
        expected = model.float()(clips)
        torch.testing.assert_close(fast(clips), expected, rtol=0, atol=1e-5 * max(spread(expected), 1))


@pytest.mark.parametrize(("name", "options"), NETWORKS[:2])
def test_in_bf16_it_is_near_the_network(trained, clips, name, options):
    model = trained(name, options)
    plain, fast = answers(model, clips), answers(atr.optimised(model, precision="bf16"), clips)
    for what, values in plain.items():
        assert fast[what].dtype == torch.float32
        difference = float((fast[what] - values).abs().max())
        assert 0 < difference < 0.05 * spread(values), what


@pytest.mark.parametrize(("name", "block"), [("tsn_resnet50", "atr"), ("tsn_resnet18", "atr_sim")])
def test_in_bf16_the_vectors_that_are_reasoned_on_are_not_rounded(trained, clips, name, block):
    model = trained(name, {"block": block, "placement": ("S3B1",)})
    fast, vectors = atr.optimised(model, precision="bf16"), []
    reasoner = fast.blocks["S3B1"].reasoner
    reasoner.register_forward_hook(lambda module, inputs, output: vectors.extend((*inputs, output)))
    with torch.inference_mode():
        fast(clips)
    assert [vector.dtype for vector in vectors] == [torch.float32] * 2
    assert not any(torch.equal(vector, vector.bfloat16().float()) for vector in vectors)


def test_a_block_of_another_kind_is_given_what_it_is_given_in_the_network_in_either_precision(
    trained, clips, monkeypatch
):
    monkeypatch.setitem(BLOCKS, "mixing", lambda channels, **_: nn.Conv2d(channels, channels, 1))
    model = trained("tsn_resnet50", {"block": "mixing", "placement": ("S3B1",)})
    with torch.inference_mode():
        plain = model(clips)
        for precision, bound in (("float32", 1e-5), ("bf16", 0.05)):
            difference = (atr.optimised(model, precision=precision)(clips) - plain).abs().max()
            assert difference < bound * spread(plain)


class Brightest(AFA):
    def forward(self, x, actionness):
        return x.amax(dim=(2, 3)).unflatten(0, (-1, self.num_frames))


class Halved(AddingAFD):
    def forward(self, actionness, r):
        return super().forward(actionness, r) / 2


def other_part(part, kind, build):
    def built(channels, *, num_frames, config):
        block = build(channels, num_frames=num_frames, config=config)
        getattr(block, part).__class__ = kind
        return block

    return built


class Pooling(GlobalAveragePooling):
    def forward(self, x):
        return x.amax(dim=(2, 3)).unflatten(0, (-1, self.num_frames))


class Locator(ActionRegionLocator):
    def forward(self, x):
        return -super().forward(x)


@pytest.mark.parametrize("name", ["tsn_resnet18", "tsn_resnet50"])
@pytest.mark.parametrize(
    ("part", "kind", "build"),
    [
        ("arl", Locator, build_atr),
        ("afa", Brightest, build_atr),
        ("afd", Halved, build_atr),
        ("pool", Pooling, build_atr_sim),
    ],
)
def test_a_block_of_the_method_with_another_part_computes_with_that_part(
    trained, clips, monkeypatch, name, part, kind, build
):
    monkeypatch.setitem(BLOCKS, "own", other_part(part, kind, build))
    model = trained(name, {"block": "own", "placement": ("S4B1",)})
    with torch.inference_mode():
        fast = atr.optimised(model, precision="float32")(clips)
        torch.testing.assert_close(fast, model(clips), rtol=1e-4, atol=1e-5)


def test_gradients_pass_through_a_block_that_needs_its_output(trained, clips, monkeypatch):
    class Gate(nn.Module):
        def forward(self, x):
            return x.sigmoid()

    monkeypatch.setitem(BLOCKS, "gate", lambda channels, **_: Gate())
    model = trained("tsn_resnet18", {"block": "gate", "placement": "S4-5"})
    fast = atr.optimised(model, precision="float32")
    maps = (gradcam(network, clips, "S4B1", 0) for network in (fast, model))
    torch.testing.assert_close(*maps, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [NETWORKS[0], ("tsn_resnet18", {"block": "atr"}), NETWORKS[5]])
def test_the_health_of_its_blocks_and_its_gradients_are_the_networks(trained, clips, network):
    model = trained(*network)
    fast = atr.optimised(model, precision="float32")
    seen = []
    for each in (model, fast):
        with torch.inference_mode(), watch(each) as vitals:
            each(clips)
        seen.append(vitals.values())
    for block, quantities in seen[0].items():
        for quantity, values in quantities.items():
            assert seen[1][block][quantity] == pytest.approx(values, rel=1e-3, nan_ok=True), (block, quantity)
    for block in ("S3B1", "S4B2"):
        expected = gradcam(model, clips, block, 0, relu=False)
        torch.testing.assert_close(gradcam(fast, clips, block, 0, relu=False), expected, rtol=1e-3, atol=1e-5)


def test_the_network_it_was_made_of_stays_as_it_is(trained):
    model = trained(*NETWORKS[0]).train()
    model.labels = list("abcde")
    model.facts, model.sampling = {"shown_block": "S4B1"}, Sampling("dense", 32)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    drawn = torch.get_rng_state()
    fast = atr.optimised(model, precision="bf16")
    with torch.no_grad():
        for parameter in fast.parameters():
            parameter.zero_()
    assert torch.equal(torch.get_rng_state(), drawn)
    assert model.training and not fast.training
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert (fast.labels, fast.config, fast.block_names) == (model.labels, model.config, model.block_names)
    assert (fast.preprocessing, fast.sampling) == (model.preprocessing, model.sampling)
    assert fast.facts == model.facts and not any(p.requires_grad for p in fast.parameters())
    fast.labels[0], fast.facts["shown_block"] = "other", "S5B1"
    assert model.labels[0] == "a" and model.facts["shown_block"] == "S4B1"


def test_a_command_computes_in_the_precision_it_names_and_by_itself_in_what_the_machine_can(
    trained, monkeypatch
):
    model = trained("tsn_resnet18", {})
    for able, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr("atr.inference.computes_in_bf16", lambda device, able=able: able)
        assert atr.optimised(model).dtype == dtype
        assert for_inference(model, "float32").dtype == torch.float32
        assert for_inference(model, "bf16").dtype == torch.bfloat16
        assert for_inference(model, "plain") is model


def test_one_kind_of_instruction_is_enough_to_compute_in_bf16(monkeypatch):
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    for able in ((True, False), (False, True), (False, False)):
        for name, value in zip(names, able, strict=True):
            monkeypatch.setattr(torch.cpu, name, lambda value=value: value, raising=False)
        assert computes_in_bf16(torch.device("cpu")) == any(able)


def test_what_it_is_not_for_is_refused(trained, tmp_path):
    model = trained("tsn_resnet18", {})
    with pytest.raises(ValueError, match="precision='fp16' is unknown; allowed: auto, float32, bf16"):
        atr.optimised(model, precision="fp16")
    fast = atr.optimised(model)
    with pytest.raises(ValueError, match="optimised already"):
        atr.optimised(fast)
    with pytest.raises(ValueError, match="cannot be trained"):
        fast.train()
    with pytest.raises(ValueError, match="is not saved"):
        atr.save_checkpoint(tmp_path / "net", fast, labels=list("abcde"))
