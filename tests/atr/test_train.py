"""The training loop on a few rendered clips: a stopped run ends as an uninterrupted one."""

import dataclasses
import json

import pytest
import torch

import atr
from atr import train as training
from atr.models import ModelConfig, copy_frame_network
from atr.optimisation import one_cycle
from atr.tabletop import CLASSES
from atr.train import TrainConfig, train


@pytest.fixture
def config():
    return TrainConfig(
        ModelConfig("tsn_resnet18", len(CLASSES), num_frames=4, width=0.125, block="atr"),
        size=32,
        train_clips=32,
        dev_clips=8,
        val_clips=8,
        still_epochs=1,
        epochs=2,
        batch_size=8,
        mixed_precision="no",
        workers=1,
    )


def weights(folder):
    return atr.load_checkpoint(folder).state_dict()


def test_a_stopped_run_goes_on_and_ends_bit_identical(config, tmp_path, monkeypatch):
    train(config, tmp_path / "whole", tmp_path / "cache")

    calls, evaluate = [], training.class_scores

    def stopped_in_the_second_epoch(*args, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(*args, **options)

    monkeypatch.setattr(training, "class_scores", stopped_in_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "stopped", tmp_path / "cache")
    assert not (tmp_path / "stopped").exists()
    train(config, tmp_path / "stopped", tmp_path / "cache")

    whole, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert [name for name in whole if not torch.equal(whole[name], stopped[name])] == []


def test_the_checkpoint_says_how_it_was_made(config, tmp_path):
    metrics = train(config, tmp_path / "a", tmp_path / "cache")
    model = atr.load_checkpoint(tmp_path / "a")
    assert model.labels == list(CLASSES)
    assert model.preprocessing == atr.Preprocessing(short_side=32, crop=32)
    assert model.facts["metrics"] == metrics
    assert metrics["top1"] <= metrics["within_pairs"]
    assert [(entry["phase"], entry["epoch"]) for entry in model.facts["history"]] == [
        ("stills", 1),
        ("clips", 1),
        ("clips", 2),
    ]
    assert model.facts["training"] == json.loads(json.dumps(dataclasses.asdict(config)))
    assert model.facts["command"].startswith("python -m atr ")


def test_the_state_of_another_configuration_is_refused(config, tmp_path):
    train(config, tmp_path / "a", tmp_path / "cache")
    with pytest.raises(ValueError, match="another configuration"):
        train(dataclasses.replace(config, learning_rate=1e-3), tmp_path / "a", tmp_path / "cache")


def test_less_than_a_batch_is_refused(config, tmp_path):
    with pytest.raises(ValueError, match="train_clips=31.*32 or more"):
        train(dataclasses.replace(config, train_clips=31), tmp_path / "a", tmp_path / "cache")


def test_a_frame_network_starts_another_network_and_inflates(config, tmp_path):
    source = atr.create_model("tsn_resnet18", num_classes=3, width=0.125, block="atr")
    for name in ("tsm_resnet18", "slowonly_resnet18"):
        model = atr.create_model(name, num_classes=5, width=0.125, block="atr_sim")
        before = {k: v.clone() for k, v in model.state_dict().items()}
        copy_frame_network(source, model)
        for key, value in model.state_dict().items():
            if ".atr." in key or key.startswith("fc."):
                assert torch.equal(value, before[key]), key
            else:
                copied = source.state_dict()[key]
                assert torch.equal(value[:, :, 1] if value.ndim == 5 else value, copied), key
    with pytest.raises(ValueError, match="does not fit"):
        copy_frame_network(source, atr.create_model("tsn_resnet18", num_classes=5, width=0.25))


def test_parameter_groups_hold_every_parameter_once(config):
    model = atr.create_model("tsn_resnet18", num_classes=5, width=0.125, block="atr")
    decayed, spared, locator = dataclasses.replace(config, learning_rate=0.1, arl_learning_rate=10).groups(
        model
    )
    names = {id(p): name for name, p in model.named_parameters()}
    held = [names[id(p)] for group in (decayed, spared, locator) for p in group["params"]]
    assert sorted(held) == sorted(names.values())
    assert (decayed["lr"], spared["lr"], locator["lr"]) == (0.1, 0.1, 1.0)
    assert (decayed["weight_decay"], spared["weight_decay"], locator["weight_decay"]) == (0.05, 0, 0)
    assert {".arl." in names[id(p)] for p in locator["params"]} == {True}
    spared_names = {names[id(p)] for p in spared["params"]}
    assert {"backbone.layer2.0.atr.reasoner.0.weight", "backbone.bn1.weight", "fc.bias"} <= spared_names
    assert "backbone.layer2.0.conv1.weight" in {names[id(p)] for p in decayed["params"]}


@pytest.mark.parametrize("steps", [1, 2, 4, 5, 40])
def test_the_learning_rate_ends_near_nothing_for_any_number_of_steps(steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = one_cycle(optimizer, steps)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert max(rates) <= 0.1 + 1e-9
    if steps >= 4:
        assert max(rates) == pytest.approx(0.1)
        assert rates[-1] < 1e-4
