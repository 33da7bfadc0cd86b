"""Trainings side by side learn what `train` learns."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

import atr
from analysis.ablation.grids import NETWORKS
from analysis.ablation.running import rendered
from atr.models import ModelConfig
from atr.tabletop import CLASSES
from atr.training import captured
from atr.training.augment import Augmentation
from atr.training.captured import CapturedTraining, Task, is_possible
from atr.training.clips import TrainingClips
from atr.training.config import TrainConfig
from atr.training.flat_adamw import FlatAdamW
from atr.training.loop import train
from atr.training.optimisation import one_cycle
from atr.training.resident import ResidentClips, drawn_changes
from atr.training.side_by_side import train_side_by_side
from atr.video.transforms import normalise

CPU = torch.device("cpu")
TINY = TrainConfig(
    ModelConfig("tsn_resnet18", len(CLASSES), num_frames=4, width=0.125, placement="S5", block="atr"),
    size=32,
    train_clips=32,
    dev_clips=8,
    val_clips=24,
    epochs=2,
    batch_size=8,
    learning_rate=1e-3,
    mixed_precision="no",
    workers=1,
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def task(config, out, cache):
    residents = (
        ResidentClips(rendered(config, split, cache), config.preprocessing, CPU) for split in ("train", "dev")
    )
    return Task(config, out, *residents)


def test_clips_are_augmented_as_by_the_training(cache):
    strong = Augmentation(shift=4, light=0.2, contrast=0.2, saturation=0.3)
    clips, key = rendered(TINY, "train", cache), (3, 1, 2)
    shown = TrainingClips(clips, strong, TINY.size, key)
    changes = drawn_changes(clips.targets, clips.symmetry, strong, key)
    indices = torch.arange(len(clips)).flip(0)
    found = ResidentClips(clips, TINY.preprocessing, CPU).shown(indices, changes, strong.shift)
    for place, index in enumerate(indices.tolist()):
        frames, label, _ = shown[index]
        # OpenCV multiplies in fixed-point numbers: some pixels are one grey level apart.
        level = (found[place] - normalise(frames, TINY.preprocessing)).abs() * 255 * 0.225
        assert level.max() < 1.2 and (level > 0.1).float().mean() < 0.25
        assert label == changes["label"][index]
    for name in ("mirror", "reverse"):
        assert 0 < changes[name].float().mean() < 1


def test_its_optimiser_is_that_of_torch_under_the_same_schedule():
    generator = torch.Generator().manual_seed(0)
    shapes = [(8, 4, 3, 3), (8,), (5, 8), (6, 4, 1, 1)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    start[0] = start[0].contiguous(memory_format=torch.channels_last)

    def groups():
        a, b, c, d = (torch.nn.Parameter(values.clone()) for values in start)
        return [
            {"params": [a, c], "lr": 1e-2, "weight_decay": 0.05},
            {"params": [], "lr": 1e-2, "weight_decay": 0.0},
            {"params": [d, b], "lr": 3e-2, "weight_decay": 0.0},
        ]

    theirs, ours = groups(), groups()
    steps = 12
    torch_optimizer = torch.optim.AdamW(theirs)
    schedule = one_cycle(torch_optimizer, steps)
    flat = FlatAdamW(ours, steps)
    reference = [p for group in theirs for p in group["params"]]
    assert flat.parameters[0].is_contiguous(memory_format=torch.channels_last)
    for _ in range(steps):
        gradients = [torch.randn(p.shape, generator=generator) for p in reference]
        for parameter, gradient in zip(reference, gradients, strict=True):
            parameter.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_(reference, 5.0)
        torch_optimizer.step()
        schedule.step()
        flat.step(gradients, clip=5.0)
        for one, other in zip(reference, flat.parameters, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("block", ["atr", "atr_sim", None])
def test_the_same_weights_as_by_the_training_loop(cache, tmp_path, block):
    config = replace(TINY, model=replace(TINY.model, block=block, dropout=0.0))
    apart = train(config, tmp_path / "apart", cache)
    tasks = [task(replace(config, seed=seed), tmp_path / f"seed{seed}", cache) for seed in (0, 1)]
    with ThreadPoolExecutor(1) as executor:
        done = list(train_side_by_side(tasks, 2, executor))
    assert {each.out for each, fault in done if fault is None} == {each.out for each in tasks}
    together = train(config, tmp_path / "seed0", cache)
    assert together == apart
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("apart", "seed0"))
    for name, values in one.items():
        torch.testing.assert_close(values, other[name], rtol=2e-2, atol=2e-3)
    one, other = (atr.load_checkpoint(tmp_path / name).facts["history"] for name in ("apart", "seed0"))
    for expected, found in zip(one, other, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-3)
        assert found["train_top1"] == expected["train_top1"] and found["dev_top1"] == expected["dev_top1"]
    states = [{each["block"]: each["state"] for each in end[-1].get("blocks", [])} for end in (one, other)]
    assert states[0] == states[1] and len(states[0]) == (2 if block else 0)
    assert train(replace(config, seed=1), tmp_path / "seed1", cache).keys() == apart.keys()


def test_one_that_comes_after_another_of_the_same_clips_learns_what_it_learns_alone(cache, tmp_path):
    first, second = (replace(TINY, learning_rate=rate) for rate in (1e-3, 2e-3))
    clips = task(first, tmp_path / "clips", cache).residents
    with ThreadPoolExecutor(1) as executor:
        for tasks in (
            [Task(first, tmp_path / "before", *clips), Task(second, tmp_path / "after", *clips)],
            [Task(second, tmp_path / "alone", *clips)],
        ):
            assert all(fault is None for _, fault in train_side_by_side(tasks, 1, executor))
    after, alone = (torch.load(tmp_path / f".{name}.training" / "state.pt") for name in ("after", "alone"))
    assert torch.equal(after["model"]["fc.weight"], alone["model"]["fc.weight"])


def test_one_that_cannot_begin_is_told_and_the_others_are_trained(cache, tmp_path):
    short = replace(TINY, epochs=1)
    tasks = [
        task(replace(short, batch_size=64), tmp_path / "bad", cache),
        task(short, tmp_path / "good", cache),
    ]
    with ThreadPoolExecutor(1) as executor:
        (bad, fault), (good, none) = train_side_by_side(tasks, 2, executor)
    assert [bad, good] == tasks and none is None
    assert "32 clips to train on, less than a batch (batch_size=" in fault


def test_where_memory_is_too_little_for_so_many_they_begin_later(cache, tmp_path, monkeypatch):
    """And none is held by anything when another begins after it, nor are clips that no other one takes."""
    short, begun, alive = replace(TINY, epochs=1), [], []
    begin = CapturedTraining.__init__

    def with_room_for_one(self, *arguments):
        gc.collect()
        alive.append(sum(training() is not None for training in begun))
        if alive[-1]:
            raise torch.OutOfMemoryError("too little memory")
        begun.append(weakref.ref(self))
        begin(self, *arguments)

    monkeypatch.setattr(CapturedTraining, "__init__", with_room_for_one)
    # A captured graph does not hold the training, as its methods do.
    monkeypatch.setattr(
        captured, "captured", lambda work: partial(work.__func__, weakref.proxy(work.__self__))
    )
    tasks = [task(replace(short, seed=seed), tmp_path / f"{seed}", cache) for seed in range(3)]
    with ThreadPoolExecutor(1) as executor:
        assert list(train_side_by_side(tasks, 3, executor)) == [(each, None) for each in tasks]
    assert alive == [0, 1, 0, 0]
    assert not any("frames" in vars(clips) for each in tasks for clips in each.residents)


def test_one_that_fails_on_its_way_is_told_and_the_others_are_trained(cache, tmp_path, monkeypatch):
    tasks = [task(replace(TINY, epochs=1, seed=seed), tmp_path / f"{seed}", cache) for seed in range(2)]

    def health(self):
        if self.task is tasks[0]:
            raise torch.OutOfMemoryError("too little memory")
        return {}

    monkeypatch.setattr(CapturedTraining, "health", health)
    with ThreadPoolExecutor(1) as executor:
        done = dict(train_side_by_side(tasks, 2, executor))
    assert done == {tasks[0]: "too little memory", tasks[1]: None}


def test_no_further_one_begins_when_the_time_is_over(cache, tmp_path):
    with ThreadPoolExecutor(1) as executor:
        assert list(train_side_by_side([task(TINY, tmp_path / "late", cache)], 1, executor, until=-1)) == []


def test_cells_can_be_trained_side_by_side_but_for_trn():
    assert is_possible(TINY)
    assert [name for name, config in NETWORKS.items() if not is_possible(config)] == ["trn"]


@pytest.mark.parametrize(
    "option",
    [
        {"optimizer": "sgd"},
        {"still_epochs": 1},
        {"sync_bn": True},
        {"compile": True},
        {"partial_bn": True},
        {"accumulation": 2},
        {"mixed_precision": "fp16"},
        {"schedule": "steps"},
        {"augmentation": replace(TINY.augmentation, crop_scales=(1.0, 0.75))},
    ],
    ids=lambda option: next(iter(option)),
)
def test_what_a_captured_step_cannot_do_is_left_to_the_loop(option):
    assert not is_possible(replace(TINY, **option))


def test_its_optimiser_begins_again_as_it_began():
    parameter = torch.nn.Parameter(torch.arange(4.0))
    flat = FlatAdamW([{"params": [parameter], "lr": 0.1, "weight_decay": 0.1}], 9)
    start, seen = flat.values.clone(), []
    for _ in range(2):
        for _ in range(2):
            flat.step([torch.ones(4)], 5.0)
        seen.append(flat.values.clone())
        flat.restart()
        flat.values.copy_(start)
    assert torch.equal(*seen)


def test_a_training_that_diverges_ends_with_that_as_its_fault(cache, tmp_path):
    diverging = task(replace(TINY, epochs=1, learning_rate=1e30), tmp_path / "net", cache)
    with ThreadPoolExecutor(1) as executor:
        ((_, fault),) = train_side_by_side([diverging], 1, executor)
    assert fault.startswith("the loss is nan in epoch 1 (clips): the training has diverged")
