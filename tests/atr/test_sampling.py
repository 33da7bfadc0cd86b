"""How a checkpoint declares its sampling, and what is said where it does not."""

import json

import pytest

import atr
from atr.checkpoint import CONFIG, CheckpointError
from atr.sampling import ASSUMED, Sampling


def saved(folder, model, **facts):
    return atr.save_checkpoint(folder, model, labels=list("abcde"), **facts)


def test_a_checkpoint_declares_its_sampling(tiny, tmp_path):
    assert atr.load_checkpoint(saved(tmp_path / "a", tiny(), sampling="dense")).sampling == Sampling(
        "dense", 64
    )
    uniform = atr.load_checkpoint(saved(tmp_path / "b", tiny(), sampling="uniform")).sampling
    assert uniform == Sampling() and uniform.stated and uniform.notes == ()
    model = tiny()
    model.sampling = Sampling("dense", 16)
    folder = saved(tmp_path / "c", model)
    assert json.loads((folder / CONFIG).read_text())["window"] == 16
    again = saved(tmp_path / "d", atr.load_checkpoint(folder))
    assert atr.load_checkpoint(again).sampling == Sampling("dense", 16)


def test_a_checkpoint_that_does_not_state_it_says_so(tiny, tmp_path):
    found = atr.load_checkpoint(saved(tmp_path / "old", tiny())).sampling
    assert (found, found.stated) == (ASSUMED, False)
    assert found.notes == ("The checkpoint does not state its sampling; uniform sampling is assumed.",)


def test_facts_come_back():
    for sampling in (Sampling(), Sampling("dense"), Sampling("dense", 32)):
        assert Sampling.of_facts(sampling.facts(), 8) == sampling
    assert Sampling("dense").facts() == {"sampling": "dense"}  # as checkpoints had it before windows
    assert Sampling("uniform", 32).facts() == {"sampling": "uniform"}  # which has no window
    assert ASSUMED.facts() == {}


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"sampling": "dens"}, "sampling='dens' is unknown; allowed: uniform, dense"),
        ({"sampling": "dense", "window": 0}, "window=0 is not possible"),
        ({"sampling": "dense", "window": "64"}, "window='64' is not possible"),
        ({"sampling": "dense", "window": True}, "window=True is not possible; allowed: a number of frames"),
        (
            {"sampling": "dense", "window": 2**63},
            "window=9223372036854775808 is not possible; allowed: a number",
        ),
        ({"sampling": "dense", "window": 3}, "window=3 is not possible; allowed: 4 frames or more"),
    ],
)
def test_an_impossible_sampling_is_named(facts, named, tiny, tmp_path):
    with pytest.raises(ValueError, match=named):
        saved(tmp_path / "new", tiny(), **facts)
    folder = saved(tmp_path / "old", tiny())
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | facts))
    with pytest.raises(CheckpointError, match=f"config.json {named}"):
        atr.load_checkpoint(folder)


def test_a_window_of_as_many_frames_as_the_model_takes_is_wide_enough():
    Sampling("dense", 8).require_room(8)
    with pytest.raises(ValueError, match="window=8 is not possible; allowed: 9 frames or more"):
        Sampling("dense", 8).require_room(9)
