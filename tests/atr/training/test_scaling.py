"""Batch statistics over all processes, and a compiled step: the network keeps its parameters, names and results."""

import shutil
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import nn
from torch._inductor import config as inductor
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

import atr
from atr.checkpoint import read_config
from atr.data.rendered import TabletopClips
from atr.models import ModelConfig, build_model
from atr.tabletop import CLASSES
from atr.training import loop as training
from atr.training.config import DEFAULTS, TrainConfig, filled, identity_of, settings_of
from atr.training.loop import train
from atr.training.optimisation import freeze, training_mode
from atr.training.scaling import require_scalable

CONFIG = TrainConfig(
    ModelConfig(
        "tsn_resnet18", len(CLASSES), num_frames=2, width=0.125, block="atr", placement=("S2B1",), dropout=0.5
    ),
    size=32,
    train_clips=24,
    dev_clips=4,
    val_clips=4,
    epochs=2,
    batch_size=8,
    learning_rate=1e-3,
    mixed_precision="no",
    workers=1,
)
OPTIONS = [
    ("tsn_resnet18", {"block": "atr"}),
    ("tsn_resnet18", {"block": "atr_sim", "bn_position": "reasoned"}),
    ("slowonly_resnet18", {"block": "atr", "bn_position": "reasoned", "arl_bn": True}),
    ("tsm_efficientnet_lite0", {"block": "atr", "bn_position": "reasoned"}),
]

convert = nn.SyncBatchNorm.convert_sync_batchnorm  # torch's own is enough


def norms(model):
    return {name: module for name, module in model.named_modules() if isinstance(module, BatchNorm)}


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_every_normalisation_is_converted_with_its_parameters(tiny, clips, name, options):
    """Where there is one process it computes what it did: the same gradients and statistics."""
    plain, shared = tiny(name, **options), tiny(name, **options)
    shared.load_state_dict(plain.state_dict())
    parameters = dict(shared.named_parameters())
    shared = convert(shared)
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in norms(shared).values())
    assert norms(shared).keys() == norms(plain).keys()
    assert any(".atr." in name for name in norms(shared))
    assert all(value is parameters[key] for key, value in shared.named_parameters())
    for model in (plain, shared):
        training_mode(model)
        torch.manual_seed(0)  # dropout
        model(clips).logsumexp(1).sum().backward()
    for one, other in zip(plain.parameters(), shared.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
    state = shared.state_dict()
    assert list(state) == list(plain.state_dict())
    assert [key for key, value in plain.state_dict().items() if not torch.equal(value, state[key])] == []


def test_what_is_frozen_stays_frozen(tiny):
    plain, shared = tiny(block="atr"), tiny(block="atr")
    for model in (plain, shared):
        freeze(model, ("backbone.layer1",), partial_bn=True)
    shared = convert(shared)
    for model in (plain, shared):
        training_mode(model)
    assert {name: p.requires_grad for name, p in shared.named_parameters()} == {
        name: p.requires_grad for name, p in plain.named_parameters()
    }
    modes = {name: norm.training for name, norm in norms(shared).items()}
    assert modes == {name: norm.training for name, norm in norms(plain).items()}
    assert set(modes.values()) == {True, False}


def test_a_checkpoint_of_it_is_one_of_the_plain_network(tiny, clips, tmp_path):
    model = tiny(block="atr", bn_position="reasoned")
    expected = model(clips)
    atr.save_checkpoint(tmp_path / "shared", convert(model), labels=list("abcde"))
    loaded = atr.load_checkpoint(tmp_path / "shared")
    assert not any(isinstance(norm, nn.SyncBatchNorm) for norm in norms(loaded).values())
    assert torch.equal(loaded(clips), expected)


def test_a_single_process_has_all_clips(tmp_path, monkeypatch):
    """Whatever it trains on: nothing is converted, and the weights are the same."""
    monkeypatch.setattr(
        nn.SyncBatchNorm,
        "convert_sync_batchnorm",
        lambda model: pytest.fail("one process needs no other"),
    )
    config = replace(CONFIG, epochs=1)
    for name, sync_bn in (("own", False), ("shared", True)):
        train(replace(config, sync_bn=sync_bn), tmp_path / name, tmp_path / "cache")
    own, shared = (load_file(tmp_path / name / "model.safetensors") for name in ("own", "shared"))
    assert [name for name in own if not torch.equal(own[name], shared[name])] == []


def test_states_and_results_from_before_these_settings_stay_valid(tmp_path):
    """They were made with the defaults; others are other trainings."""
    clips = TabletopClips("train", 8, num_frames=2, size=32, cache=tmp_path)
    identity = identity_of(CONFIG, clips)
    assert "sync_bn" not in identity and "compile" not in identity
    for other in (replace(CONFIG, sync_bn=True), replace(CONFIG, compile=True), replace(CONFIG, seed=1)):
        assert identity_of(other, clips) != identity
    assert filled({}, DEFAULTS)["sync_bn"] is filled({}, DEFAULTS)["compile"] is False
    assert '"sync_bn": false' in settings_of(CONFIG) and '"compile": false' in settings_of(CONFIG)


def test_where_nothing_can_be_compiled_one_line_says_what_is_missing():
    torch._dynamo.reset()  # what was compiled before is kept
    missing = inductor.patch({"cpp.cxx": (None, "no-such-compiler"), "fx_graph_cache": False})
    message = "compile=True needs a C.. compiler .*; allowed here: False.*no-such"
    with missing, pytest.raises(ValueError, match=message) as raised:
        require_scalable(False, True, Accelerator(cpu=True))
    assert "\n" not in str(raised.value)


def shallow(config):
    """The first residual block alone: to compile every kernel takes a second or two."""
    model = build_model(config)
    backbone = model.backbone
    del backbone.layer1[1:], backbone.layer2[:], backbone.layer3[:], backbone.layer4[:]
    model.fc = nn.Linear(8, config.num_classes)
    return model


@pytest.mark.skipif(
    shutil.which("g++") is None, reason="torch.compile needs a C++ compiler, and g++ is not here"
)
def test_a_compiled_training_learns_the_same_and_can_be_stopped(tmp_path, monkeypatch):
    """Weights were measured to be 5e-7 apart at most after six steps; Adam's are of 1e-3."""
    steps, looks, compiled, evaluate = [], [], training.compiled, training.class_scores

    def counted(model):
        forward = compiled(model)

        def step(frames):
            steps.append(len(frames))
            return forward(frames)

        return step

    def stopped_in_the_second_epoch(*args, **options):
        looks.append(1)
        if len(looks) == 2:
            raise KeyboardInterrupt
        return evaluate(*args, **options)

    for module in ("training.loop", "checkpoint"):
        monkeypatch.setattr(f"atr.{module}.build_model", shallow)
    monkeypatch.setattr(training, "compiled", counted)
    train(CONFIG, tmp_path / "plain", tmp_path / "cache")
    assert steps == []
    config = replace(CONFIG, compile=True)
    train(config, tmp_path / "compiled", tmp_path / "cache")
    assert steps == [8] * 6  # what is looked at after an epoch goes through the network itself
    monkeypatch.setattr(training, "class_scores", stopped_in_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "stopped", tmp_path / "cache")
    train(config, tmp_path / "stopped", tmp_path / "cache")
    assert steps == [8] * 15  # the second epoch, which was not looked at, once more

    names = ("plain", "compiled", "stopped")
    plain, whole, stopped = (load_file(tmp_path / name / "model.safetensors") for name in names)
    assert [name for name in whole if not torch.equal(whole[name], stopped[name])] == []
    assert whole.keys() == plain.keys()
    for name, values in plain.items():
        torch.testing.assert_close(whole[name], values, rtol=1e-5, atol=1e-5)
    seen, expected, _ = (read_config(tmp_path / name)["history"][-1] for name in names)
    assert [block["block"] for block in seen["blocks"]] == ["S2B1"]
    for quantity, value in expected["blocks"][0].items():
        assert seen["blocks"][0][quantity] == (
            pytest.approx(value, rel=2e-3) if isinstance(value, float) else value
        )
