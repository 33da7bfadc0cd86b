"""The training loop on a few clips, rendered and read from files: a stopped run ends as an uninterrupted one."""

import dataclasses
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate import Accelerator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import atr
from atr.block import ATRConfig
from atr.checkpoint import read_config
from atr.data.doctor import check
from atr.data.reading import read_annotations
from atr.locks import held
from atr.models import ModelConfig, build_model, copy_frame_network
from atr.results.fig5 import fig5_of_blocks
from atr.tabletop import CLASSES
from atr.training import loop as training
from atr.training.augment import Augmentation
from atr.training.loop import TrainConfig, train
from atr.training.optimisation import one_cycle
from atr.training.presets import PRESETS
from atr.training.starting_weights import left_behind
from atr.training.state import workspace_of
from atr.video.decoding import VideoError
from atr.video.encoding import write_mp4


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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": {"placement": "S9"}}, "placement has unknown S9"),
        ({"model": {"num_frames": 0}}, "num_frames=0 is not allowed"),
        ({"model": {"num_classes": 7}}, "num_classes=7, but tabletop has 20 classes"),
        ({"freeze": ("backbone.layer9",)}, "freeze names 'backbone.layer9'"),
        ({"accumulation": 3}, "batch_size=8 cannot be shared by 1 processes in 3 parts"),
        ({"init": Path("nowhere")}, "init='nowhere' is no checkpoint folder"),
    ],
)
def test_what_is_not_possible_is_told_before_clips_are_rendered(
    config, tmp_path, monkeypatch, settings, message
):
    monkeypatch.setattr(training, "training_splits", None)
    model = replace(config.model, **settings.pop("model", {}))
    with pytest.raises(ValueError, match=message):
        train(replace(config, model=model, **settings), tmp_path / "out", tmp_path / "cache")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 1.5}, "epochs=1.5 is not allowed; allowed: a whole number"),
        ({"optimizer": "adam"}, "optimizer='adam' is unknown; allowed: adamw, sgd"),
        ({"schedule": "cosine"}, "schedule='cosine' is unknown; allowed: one_cycle, steps"),
        ({"freeze": "backbone.layer1"}, "freeze='backbone.layer1' is not allowed; allowed: a list"),
        ({"augmentation": None}, r"augmentation=None is not allowed; allowed: Augmentation\(...\)"),
        ({"init": "a"}, "init='a' is not allowed; allowed: a Path or null"),
        ({"decay_epochs": (2,)}, "'one_cycle' has neither"),
        ({"warm_up_epochs": 1.0}, "'one_cycle' has neither"),
        ({"schedule": "steps", "decay_epochs": (4, 4)}, r"decay_epochs=\(4, 4\) is not possible"),
    ],
)
def test_settings_that_mean_nothing_are_refused(config, settings, message):
    with pytest.raises(ValueError, match=message):
        replace(config, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of ten clips: a bright square that moves to the left, or to the right."""
    root = tmp_path_factory.mktemp("moving")
    for label, step in (("move left", -2), ("move right", 2)):
        (root / label).mkdir()
        for clip in range(10):
            frames = np.full((8, 32, 32, 3), 20 + 5 * clip, np.uint8)
            for t, frame in enumerate(frames):
                left = 12 + step * (t - 4)
                frame[8 + clip : 16 + clip, left : left + 8] = 230
            write_mp4(root / label / f"{clip}.mp4", frames, fps=12)
    return root


@pytest.fixture
def real(config, folder):
    """Of `config`, for a data set on disk."""
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, name="slowonly_resnet18", num_classes=0),
        data=str(folder),
        short_side=36,
        train_clips=None,
        dev_clips=None,
        val_clips=None,
        still_epochs=0,
        augmentation=Augmentation(crop_scales=(1.0, 0.875), reverse=0.0, shift=0),
    )


def weights(folder):
    return atr.load_checkpoint(folder).state_dict()


def test_a_training_begins_with_what_a_flip_makes_of_the_classes(
    real, config, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(training, "fit", lambda *arguments: 1 / 0)  # it has begun

    def opening(config) -> str:
        with pytest.raises(ZeroDivisionError):
            train(config, tmp_path / "out", tmp_path / "cache")
        return capsys.readouterr().err

    (folder / "notes.txt").touch()
    try:
        told = opening(real)
    finally:
        (folder / "notes.txt").unlink()  # other tests read the folder
    assert told.count("1 found and not used: 1 .txt (notes.txt)") == 1
    assert told.count("no clip is flipped; --mirror 0.5 would flip half of them: 1 pair of classes") == 1
    assert "'move left' <-> 'move right'" in told
    flipping = dataclasses.replace(real, augmentation=dataclasses.replace(real.augmentation, mirror=0.25))
    assert "25% of the clips are flipped" in opening(flipping)
    assert "50% of the clips are flipped" in opening(config)


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
    metrics = train(config, tmp_path / "a", tmp_path / "cache", "python -m atr train --epochs 2")
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
    assert model.facts["command"] == "python -m atr train --epochs 2"
    assert model.facts["sampling"] == "uniform"
    assert tuple(model.facts["fig5"]) == model.block_names
    assert model.facts["fig5"][model.facts["shown_block"]] == max(model.facts["fig5"].values())


def test_every_epoch_says_how_its_blocks_are_and_warns_of_collapsed_ones(
    config, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("atr.results.health.COLLAPSED_PEAK", 0.0)
    monkeypatch.setattr("atr.results.health.COLLAPSED_SAME", 0.0)
    train(dataclasses.replace(config, epochs=1), tmp_path / "a", tmp_path / "cache")
    model = atr.load_checkpoint(tmp_path / "a")
    stills, clips = model.facts["history"]
    assert "blocks" not in stills  # without blocks
    assert [block["block"] for block in clips["blocks"]] == list(model.block_names)
    for block in clips["blocks"]:
        assert 1 / block["cells"] <= block["peak"] <= 1 and block["share"] > 0
    printed = capsys.readouterr().out
    several = sum(
        block["cells"] > 1 for block in clips["blocks"]
    )  # with a single cell there is nothing to collapse to
    assert printed.count("has collapsed: the largest softmax weight") == several == 4
    assert "blocks: S3B1 collapsed (softmax peak" in printed
    events = EventAccumulator(str(tmp_path / ".a.training" / "tensorboard" / "clips")).Reload()
    assert {"blocks/S5B2/peak", "epoch/dev_top1"} <= set(events.Tags()["scalars"])


def test_the_state_of_another_configuration_is_refused(config, tmp_path):
    train(config, tmp_path / "a", tmp_path / "cache")
    with pytest.raises(ValueError, match=r"another configuration \(learning_rate 0.002 there, 0.001 here\)"):
        train(dataclasses.replace(config, learning_rate=1e-3), tmp_path / "a", tmp_path / "cache")


def test_a_second_training_of_the_same_folder_says_so(config, tmp_path):
    out = tmp_path / "a"
    with (
        held(workspace_of(out), busy="", refused=""),
        pytest.raises(ValueError, match="another program is training .*a; wait for it, or"),
    ):
        train(dataclasses.replace(config, epochs=1), out, tmp_path / "cache")
    assert not out.exists()
    assert train(dataclasses.replace(config, epochs=1, still_epochs=0), out, tmp_path / "cache")


def test_a_folder_that_cannot_be_made_is_one_error(config, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="Not a directory: '.*file'"):
        train(config, tmp_path / "file" / "a", tmp_path / "cache")


def test_another_checkpoint_is_not_replaced_where_only_the_place_of_a_state_is_there(config, tiny, tmp_path):
    model = tiny()
    out = atr.save_checkpoint(tmp_path / "out", model, labels=[*"abcdefgh"][: model.config.num_classes])
    workspace_of(out).mkdir()
    with pytest.raises(ValueError, match="out is another checkpoint"):
        train(config, out, tmp_path)
    assert atr.load_checkpoint(out).labels == [*"abcdefgh"][: model.config.num_classes]


@pytest.mark.parametrize(
    ("changes", "command", "named"),
    [
        ({}, "train caf\udce9", "has half a surrogate pair"),
        ({"model": {"atr": ATRConfig(k=65)}}, None, "k=65 is not allowed; allowed: .* 64"),
    ],
)
def test_what_the_checkpoint_could_not_hold_is_refused_before_the_training(
    config, tmp_path, changes, command, named, monkeypatch
):
    monkeypatch.setattr("atr.training.loop.fit", lambda *_: pytest.fail("it trains"))
    changes = {
        name: replace(getattr(config, name), **value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    with pytest.raises(ValueError, match=named):
        train(replace(config, **changes), tmp_path / "out", tmp_path, command)


def test_a_narrow_network_is_given_frames_in_order(config, tmp_path, monkeypatch):
    """Its backward pass writes beyond its memory where channels come last (`optimisation.narrow`)."""
    given = []
    forward = atr.models.VideoClassifier.forward

    def watched(self, clips):
        if self.training:
            given.append(clips.is_contiguous())
        return forward(self, clips)

    monkeypatch.setattr(atr.models.VideoClassifier, "forward", watched)
    narrow = replace(config, model=replace(config.model, width=1 / 16), still_epochs=0, init=None)
    train(narrow, tmp_path / "narrow", tmp_path)
    assert given and all(given)


def test_less_than_a_batch_is_refused(config, tmp_path):
    with pytest.raises(
        ValueError, match=r"31 clips to train on, less than a batch \(batch_size=8\); allowed: 32 or more"
    ):
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
    groups = dataclasses.replace(config, learning_rate=0.1, arl_learning_rate=10).groups(model)
    decayed, spared, located, located_spared, *_ = groups
    names = {id(p): name for name, p in model.named_parameters()}
    held = [names[id(p)] for group in groups for p in group["params"]]
    assert sorted(held) == sorted(names.values())
    assert [group["lr"] for group in groups] == [0.1, 0.1, 1.0, 1.0, 0.1, 0.1]
    assert [group["weight_decay"] for group in groups] == [0.05, 0] * 3
    in_locator = [{".arl." in names[id(p)] for p in group["params"]} for group in groups]
    assert in_locator == [{False}, {False}, {True}, {True}, set(), set()]
    assert {p.ndim for p in located["params"]} == {4} and {p.ndim for p in located_spared["params"]} == {1}
    spared_names = {names[id(p)] for p in spared["params"]}
    assert {"backbone.layer2.0.atr.reasoner.0.weight", "backbone.bn1.weight", "fc.bias"} <= spared_names
    assert "backbone.layer2.0.conv1.weight" in {names[id(p)] for p in decayed["params"]}


def test_theta_and_phi_of_the_graph_reasoner_learn_at_their_own_rate(config, tiny):
    model = tiny(block="atr_sim", reasoner="gr", num_reasoners=1)
    groups = dataclasses.replace(config, learning_rate=0.1, relation_learning_rate=0.5).groups(model)
    names = {id(p): name for name, p in model.named_parameters()}
    slower = {names[id(p)] for group in groups if group["lr"] == 0.05 for p in group["params"]}
    assert slower == {name for name in names.values() if ".theta." in name or ".phi." in name}
    assert len(slower) == 2 * len(model.block_names)


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


def test_log_tensorboard_and_confusions_tell_of_the_run(config, tmp_path, capsys):
    config = dataclasses.replace(config, batch_size=4, reference_batch=16)
    metrics = train(config, tmp_path / "a", tmp_path / "cache")
    facts = atr.load_checkpoint(tmp_path / "a").facts
    assert facts["run"]["learning_rate"] == pytest.approx(config.learning_rate / 4)
    assert facts["run"]["learning_rate_rule"] == "0.002 for a batch of 16, in proportion to the batch"

    workspace = tmp_path / ".a.training"
    start, *history = map(json.loads, (workspace / "log.jsonl").read_text().splitlines())
    assert start == {"phase": "start", **facts["run"]}
    assert history == facts["history"]

    events = EventAccumulator(str(workspace / "tensorboard" / "clips"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("epoch/dev_top1")] == [
        (8 * entry["epoch"], pytest.approx(entry["dev_top1"])) for entry in history[1:]
    ]

    table = pd.read_csv(tmp_path / "a" / "confusion.csv", index_col=0)
    assert list(table.columns) == list(table.index) == list(CLASSES)
    assert table.to_numpy().sum() == config.val_clips
    assert np.trace(table.to_numpy()) == metrics["top1"] * config.val_clips
    worst = facts["most_confused"][0]
    assert table.loc[worst["true"], worst["predicted"]] == worst["clips"]
    assert f"of {worst['true']!r} are taken for {worst['predicted']!r}" in capsys.readouterr().out


def test_clips_on_disk_are_learnt_from_with_the_classes_they_have(real, folder, tmp_path):
    """With 3D convolutions, workers, and the flip that exchanges the two classes."""
    metrics = train(real, tmp_path / "a", tmp_path / "cache")
    model = atr.load_checkpoint(tmp_path / "a")
    assert model.labels == ["move left", "move right"]
    assert model.config.num_classes == 2
    assert model.preprocessing == atr.Preprocessing(short_side=36, crop=32)
    assert model.facts["training_data"].startswith(f"{folder.name} train, 16 clips")
    assert metrics["data"].startswith(f"{folder.name} val, 4 clips")
    assert "within_pairs" not in metrics


@pytest.mark.parametrize("name", ["sthv2-tsm-atr", "k400-slowonly-atr-sim", "laptop-atr"])
def test_the_recipes_for_real_video_run(name, folder, tmp_path):
    """With a network and frames small enough for a test; what is left of the preset is its recipe."""
    preset = PRESETS[name]
    model = dataclasses.replace(
        preset.model,
        name=preset.model.name.replace("resnet50", "resnet18"),
        num_classes=0,
        num_frames=4,
        width=0.125,
    )
    small = {
        "size": 32,
        "short_side": 36,
        "batch_size": 8,
        "epochs": 1,
        "workers": 0,
        "mixed_precision": "no",
    }
    config = dataclasses.replace(preset, model=model, data=str(folder), init=None, **small)
    train(config, tmp_path / "a", tmp_path / "cache")
    facts = atr.load_checkpoint(tmp_path / "a").facts
    assert facts["run"]["learning_rate"] == config.used_learning_rate
    assert facts["training"]["augmentation"] == json.loads(
        json.dumps(dataclasses.asdict(preset.augmentation))
    )
    assert np.isfinite(facts["history"][0]["loss"])


def test_workers_and_saving_do_not_matter_to_the_weights_or_to_going_on(real, tmp_path):
    train(real, tmp_path / "a", tmp_path / "cache")
    other = dataclasses.replace(real, workers=0, save_every=0.0)
    train(other, tmp_path / "b", tmp_path / "cache")
    a, b = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    train(other, tmp_path / "a", tmp_path / "cache")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"model": ModelConfig("tsn_resnet18", 3, 4)},
            "num_classes=3, but .* has 2 classes; allowed: 2, or 0",
        ),
        ({"augmentation": Augmentation(crop_scales=(1.0,))}, "reverse=0.5, but .*not known; allowed: 0"),
        ({"still_epochs": 1}, "still_epochs=1 are for data='tabletop'; allowed: 0"),
        (
            {"batch_size": 32},
            r"16 clips to train on, less than a batch \(batch_size=32\); allowed: 32 or more",
        ),
        ({"accumulation": 3}, "batch_size=8 cannot be shared by 1 processes in 3 parts"),
        ({"accumulation": 16}, "batch_size=8 cannot be shared by 1 processes in 16 parts"),
        ({"freeze": ("layer1",)}, "freeze names 'layer1'"),
        ({"data": "nowhere"}, "nowhere"),
        ({"train_clips": 17}, "17 clips asked for"),
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused(real, tmp_path, changes, named):
    with pytest.raises(ValueError, match=named):
        train(dataclasses.replace(real, **changes), tmp_path / "a", tmp_path / "cache")
    assert not (tmp_path / "a").exists()


def test_a_faulty_clip_that_is_met_last_does_not_cost_the_training(real, folder, tmp_path):
    data = shutil.copytree(folder, tmp_path / "data")
    val = read_annotations(data, "val")
    video = data / val.files[-1]
    video.write_bytes(video.read_bytes()[:200])
    config = dataclasses.replace(real, data=str(data), dev_clips=1, epochs=1)
    out, cache = tmp_path / "net", tmp_path / "cache"
    with pytest.raises(VideoError):
        train(config, out, cache)
    check([val], min_frames=1, workers=1, cache=cache, progress=False)
    metrics = train(dataclasses.replace(config, leave_out_faulty=True), out, cache)
    assert "3 clips" in metrics["data"] and "1 faulty one left out" in metrics["data"]
    assert len(read_config(out)["history"]) == 1  # of the first call


def test_a_training_that_diverges_ends_in_that_epoch(config, tmp_path):
    config = dataclasses.replace(config, learning_rate=1e30, still_epochs=0)
    with pytest.raises(ValueError, match=r"loss is nan in epoch 1 \(clips\).* lower --learning-rate"):
        train(config, tmp_path / "a", tmp_path / "cache")
    assert not (tmp_path / "a").exists() and not (tmp_path / ".a.training" / "state.pt").exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"val_clips": None}, "val_clips=None is for a data set on disk; allowed: 1 or more"),
        ({"epochs": 0}, "epochs=0 is not possible; allowed: 1 or more"),
        ({"gradient_clip": math.inf}, "gradient_clip=inf is not possible; allowed: more than 0, such as 1e9"),
        ({"save_every": math.inf}, "save_every=inf is not possible; allowed: 0 or more, and finite"),
    ],
)
def test_impossible_settings_are_refused_when_made(config, changes, named):
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(config, **changes)


def test_a_torchvision_file_starts_a_network(config, tmp_path):
    """Seen before anything is learnt: the rate is zero."""
    source = atr.create_model("tsn_resnet18", num_classes=7, width=0.125)
    file = tmp_path / "resnet18.pth"
    torch.save(source.backbone.state_dict() | source.fc.state_dict(prefix="fc."), file)
    still = dataclasses.replace(config, init=file, still_epochs=0, learning_rate=0.0, epochs=1)
    train(still, tmp_path / "a", tmp_path / "cache")
    learnt = atr.load_checkpoint(tmp_path / "a").backbone.state_dict()
    for name, weight in source.backbone.state_dict().items():
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.equal(learnt[name], weight), name
    with pytest.raises(
        ValueError,
        match="init='nothing' is no checkpoint folder, such as python -m atr train writes, and no file of torchvision's",
    ):
        train(dataclasses.replace(still, init=Path("nothing")), tmp_path / "b", tmp_path / "cache")


def test_another_precision_than_the_process_has_is_refused_before_anything_is_rendered(config, tmp_path):
    Accelerator(cpu=True, mixed_precision="no")
    with pytest.raises(ValueError, match="mixed_precision='bf16' is not possible in this process, .* 'no'"):
        train(dataclasses.replace(config, mixed_precision="bf16"), tmp_path / "a", tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


def test_fp16_is_refused_on_a_cpu_where_it_would_be_float32(config, tmp_path):
    with pytest.raises(ValueError, match="mixed_precision='fp16' is for GPUs; allowed on a CPU: no, bf16"):
        train(dataclasses.replace(config, mixed_precision="fp16"), tmp_path / "a", tmp_path / "cache")


def test_what_of_a_checkpoint_a_training_does_not_start_from_is_told(config, tmp_path):
    for name, block in (("with", "atr"), ("without", None)):
        network = atr.create_model("tsn_resnet18", num_classes=2, width=0.125, block=block)
        atr.save_checkpoint(tmp_path / name, network, labels=["a", "b"])
    own = atr.Preprocessing(short_side=36, crop=32)  # a size is what one types, and nobody is told of it
    (told,) = left_behind(tmp_path / "with", own)
    assert told.endswith("with only the frame network is taken: its atr blocks and its classifier begin anew")
    for start in (tmp_path / "without", Path("efficientnet-lite0"), None):
        assert left_behind(start, own) == []
    told = left_behind(tmp_path / "without", replace(own, std=(0.5, 0.5, 0.5), fit="squeeze"))
    assert told == [
        f"{tmp_path / 'without'} was trained with std (0.229, 0.224, 0.225), this training has (0.5, 0.5, 0.5)",
        f"{tmp_path / 'without'} was trained with fit crop, this training has squeeze",
    ]


@pytest.mark.parametrize(
    ("precision", "device", "has_it", "told"),
    [
        ("bf16", "cpu", False, "--mixed-precision no"),
        ("bf16", "cuda", False, "--mixed-precision fp16"),
        ("bf16", "cpu", True, None),
        ("bf16", "mps", False, None),  # nothing is known of it
        ("no", "cpu", False, None),
    ],
)
def test_a_processor_that_emulates_bfloat16_is_told_of(precision, device, has_it, told, monkeypatch):
    monkeypatch.setattr(training, "computes_in_bf16", lambda device: has_it)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    lines = training.precision_lines(precision, torch.device(device))
    assert [line.split(": ")[-1] for line in lines] == ([] if told is None else [told])
    lines = training.precision_lines(precision, torch.device(device), has_fp16=False)
    assert [line.split(": ")[-1] for line in lines] == ([] if told is None else ["--mixed-precision no"])


@pytest.fixture
def brief(config):
    """Four steps."""
    model = dataclasses.replace(config.model, dropout=0.0)
    return dataclasses.replace(config, model=model, still_epochs=0, epochs=1)


def test_the_fig5_score_is_of_the_network_as_it_is_saved(brief, tmp_path):
    training.train(brief, tmp_path / "a", tmp_path / "cache")
    model = atr.load_checkpoint(tmp_path / "a")
    training.channels_last(
        model
    )  # other kernels round otherwise, which can order maps as flat as these in another way
    assert model.facts["fig5"] == pytest.approx(fig5_of_blocks(model, brief.preprocessing), rel=1e-5)
    # Nothing after the four steps went into the statistics of batches.
    assert int(model.state_dict()["backbone.bn1.num_batches_tracked"]) == 4


def test_a_checkpoint_of_another_training_is_not_replaced(brief, tmp_path, monkeypatch):
    out = tmp_path / "a"
    training.train(brief, out, tmp_path / "cache")
    shutil.rmtree(training.workspace_of(out))
    weights = (out / "model.safetensors").read_bytes()
    with pytest.raises(
        ValueError, match=r"a is another checkpoint \(epochs 1 there, 2 here\); remove it, or"
    ):
        training.train(dataclasses.replace(brief, epochs=2), out, tmp_path / "cache")
    assert (out / "model.safetensors").read_bytes() == weights
    training.train(dataclasses.replace(brief, save_every=99.0), out, tmp_path / "cache")  # the same again
    config = json.loads((out / "config.json").read_text())
    del config["training"]["fit"], config["training"]["augmentation"]["light"]  # as if they were younger
    (out / "config.json").write_text(json.dumps(config))
    training.train(brief, out, tmp_path / "cache")
    shutil.rmtree(training.workspace_of(out))
    with pytest.raises(ValueError, match=r"a is another checkpoint \(fit 'crop' there, 'squeeze' here\)"):
        training.train(dataclasses.replace(brief, fit="squeeze"), out, tmp_path / "cache")
    for facts in ({}, {"training": "mine"}):
        atr.save_checkpoint(tmp_path / "b", atr.load_checkpoint(out), labels=list(CLASSES), **facts)
        with pytest.raises(ValueError, match=r"b is another checkpoint \(it comes from elsewhere\)"):
            training.train(brief, tmp_path / "b", tmp_path / "cache")


def test_gradients_are_clipped(brief, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "fig5_of_blocks", lambda *_: {})
    plain = {"optimizer": "sgd", "schedule": "steps", "weight_decay": 0.0, "gradient_clip": 1e-6}
    training.train(dataclasses.replace(brief, **plain), tmp_path / "a", tmp_path / "cache")
    torch.manual_seed(brief.seed)
    start, learnt = build_model(brief.model), atr.load_checkpoint(tmp_path / "a")
    for one, other in zip(start.parameters(), learnt.parameters(), strict=True):
        torch.testing.assert_close(one.detach(), other.detach(), rtol=0, atol=1e-6)


def test_clips_are_normalised_as_the_configuration_says(brief, tmp_path, monkeypatch):
    seen, normalise = [], training.normalise

    def watched(frames, preprocessing):
        seen.append(preprocessing)
        return normalise(frames, preprocessing)

    monkeypatch.setattr(training, "fig5_of_blocks", lambda *_: {})
    monkeypatch.setattr(training, "normalise", watched)
    own = dataclasses.replace(brief, mean=(0.1,) * 3, std=(0.3,) * 3)
    training.train(own, tmp_path / "a", tmp_path / "cache")
    assert set(seen) == {own.preprocessing}


def test_clips_start_from_what_stills_taught_and_no_two_batches_share_a_seed(config, tmp_path, monkeypatch):
    fit, derived, weights, drawn = training.fit, training.derived_seed, [], []

    def watched(model, *rest):
        weights.append(model.state_dict()["backbone.conv1.weight"].clone())
        learnt = fit(model, *rest)
        weights.append(learnt.state_dict()["backbone.conv1.weight"].clone())
        return learnt

    monkeypatch.setattr(training, "fig5_of_blocks", lambda *_: {})
    monkeypatch.setattr(training, "fit", watched)
    monkeypatch.setattr(training, "derived_seed", lambda *parts: drawn.append(parts) or derived(*parts))
    train(config, tmp_path / "a", tmp_path / "cache")
    assert torch.equal(weights[1], weights[2]) and not torch.equal(weights[0], weights[1])
    # One batch of stills, of all frames of as many clips; twice four batches of clips.
    assert len(set(drawn)) == len(drawn) == 1 + 2 * 4


def test_the_loss_is_a_mean_over_the_parts_of_a_batch(brief, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "fig5_of_blocks", lambda *_: {})
    losses = []
    for parts in (1, 2):
        out = tmp_path / str(parts)
        train(dataclasses.replace(brief, accumulation=parts), out, tmp_path / "cache")
        losses.append(atr.load_checkpoint(out).facts["history"][-1]["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.3)
