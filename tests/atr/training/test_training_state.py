"""One state, always whole, with everything in it that moves."""

import errno
import json
import resource
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from atr.training.config import identities_differ
from atr.training.state import Progress, TrainingState


@pytest.fixture
def clock(monkeypatch):
    """Its `now` is what `time.monotonic` tells."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("atr.training.state.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def learnt():
    """A model, its optimiser, schedule and gradient scaler, some steps into a training."""

    def build(steps):
        torch.manual_seed(0)
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
        for _ in range(steps):
            scaler.scale(model(torch.ones(1, 2)).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            schedule.step()
        return model, optimizer, schedule, scaler

    return build


def saved(path, learnt, steps, identity="a"):
    state = TrainingState(path, identity, save_every=0.0)
    state.progress.begin_epoch("clips", 1)
    state.progress.add(torch.tensor([2.0, 0.5]))
    state.progress.read(lambda values: values)
    state.save(*learnt(steps))


def test_everything_comes_back(tmp_path, learnt):
    saved(tmp_path / "state.pt", learnt, 3)
    state = TrainingState(tmp_path / "state.pt", "a", save_every=0.0)
    model, optimizer, schedule, scaler = learnt(0)
    progress = state.begin("clips", model, optimizer, schedule, scaler)
    expected = learnt(3)
    assert torch.equal(model.weight, expected[0].weight)
    assert str(optimizer.state_dict()) == str(expected[1].state_dict())
    assert (schedule.last_epoch, scaler.get_scale()) == (3, 8.0)
    assert scaler.state_dict() == expected[3].state_dict()
    assert (progress.phase, progress.epoch, progress.batch, progress.means()) == ("clips", 1, 1, [2.0, 0.5])


def test_another_phase_begins_with_nothing_of_the_last(tmp_path, learnt):
    saved(tmp_path / "state.pt", learnt, 3)
    state = TrainingState(tmp_path / "state.pt", "a", save_every=0.0)
    fresh = learnt(0)
    progress = state.begin("another", *fresh)
    assert torch.equal(fresh[0].weight, learnt(0)[0].weight)
    assert (progress.phase, progress.epoch, progress.batch) == ("another", 0, 0)


def test_a_save_that_fails_leaves_the_state_before(tmp_path, learnt, monkeypatch):
    saved(tmp_path / "state.pt", learnt, 1)
    before = (tmp_path / "state.pt").read_bytes()

    def full(state, file):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        saved(tmp_path / "state.pt", learnt, 2)
    assert (tmp_path / "state.pt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_full_disk_names_the_state(tmp_path, learnt):
    path = tmp_path / "state.pt"
    saved(path, learnt, 1)
    before, limit = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(OSError, match=rf"^\[Errno {errno.EFBIG}\] File too large: '{path}'$"):
            saved(path, learnt, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["state.pt"]


def test_another_identity_is_refused(tmp_path, learnt):
    saved(tmp_path / "state.pt", learnt, 1, identity="a")
    with pytest.raises(ValueError, match="holds a training of another configuration"):
        TrainingState(tmp_path / "state.pt", "b", save_every=0.0)


def test_what_is_unlike_another_training_is_named():
    model = {"block": "atr", "atr": {"reduction": 16}}
    there = json.dumps([json.dumps({"seed": 0, "model": model}), "digest"])
    other = json.dumps([json.dumps({"seed": 0, "model": model | {"atr": {"reduction": 8}}}), "digest"])
    assert identities_differ(there, other) == "model.atr.reduction 16 there, 8 here"
    assert identities_differ(there, there.replace("digest", "other")).startswith("other clips")
    assert identities_differ(there, "no JSON") == ""


def test_means_are_over_the_batches_of_the_epoch():
    progress = Progress()
    progress.begin_epoch("clips", 0)
    for loss in (3.0, 1.0):
        progress.add(torch.tensor([loss, 0.25]))
    assert progress.means() == [2.0, 0.25]
    progress.read(lambda values: values)
    assert progress.means() == [2.0, 0.25]
    progress.end_epoch(epoch=1, loss=2.0)
    assert (progress.epoch, progress.batch, progress.sums) == (1, 0, [0.0, 0.0])
    assert progress.history[0].items() >= {"epoch": 1, "loss": 2.0}.items()


def test_what_is_read_is_the_mean_of_all_processes_and_does_not_depend_on_when():
    batches = [torch.tensor([0.1 * 3**k, 1 / (k + 3)]) for k in range(9)]

    def read_after(*batches_read):
        progress = Progress()
        progress.begin_epoch("clips", 0)
        for number, batch in enumerate(batches, start=1):
            progress.add(batch)
            if number in batches_read:
                progress.read(lambda values: values * 2)  # another process has three times as much
        assert progress.is_read == (len(batches) in batches_read)
        return progress.means()

    own = torch.stack(batches).double().mean(0)
    assert read_after() == pytest.approx(own.tolist(), rel=1e-12)
    assert read_after(9) == read_after(1, 2, 3, 4, 5, 6, 7, 8, 9) == read_after(4, 9)
    assert read_after(9) == pytest.approx((2 * own).tolist(), rel=1e-12)


def test_a_save_is_due_so_many_seconds_after_the_last_one(tmp_path, learnt, clock):
    state, due = TrainingState(tmp_path / "state.pt", "a", save_every=10.0), []
    for clock.now in (9, 10):
        due.append(state.due)
    state.save(*learnt(0))
    for clock.now in (10, 19, 20):
        due.append(state.due)
    assert due == [False, True, False, False, True]


def test_seconds_are_counted_once(clock):
    progress = Progress()
    for clock.now in (2, 5):
        progress.count_time()
    assert progress.seconds == 5
