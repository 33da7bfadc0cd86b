"""Killed trainings end as uninterrupted ones; two processes learn what one learns with the double batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import atr

SCRIPT = Path(__file__).with_name("scale_processes.py")


def run(*command: str) -> None:
    """In the repository's root, with one thread a process."""
    root = SCRIPT.parents[3]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    run(sys.executable, str(SCRIPT), "kill", str(folder))
    return folder


@pytest.mark.parametrize("name", ["stateful", "cycled", "bfloat16"])
def test_a_training_killed_again_and_again_ends_bit_identical(killed, name):
    whole, patched = (atr.load_checkpoint(killed / f"{name}-{kind}") for kind in ("whole", "killed"))
    weights = patched.state_dict()
    assert [key for key, w in whole.state_dict().items() if not torch.equal(w, weights[key])] == []
    assert whole.facts["metrics"] == patched.facts["metrics"]

    def told(history):
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in history]

    assert told(whole.facts["history"]) == told(patched.facts["history"])
    lines = (killed / f".{name}-killed.training" / "log.jsonl").read_text().splitlines()
    phases = ["stills"] * 2 * (name == "stateful") + ["clips"] * 2
    assert [json.loads(line)["phase"] for line in lines] == ["start", *phases]
    events = EventAccumulator(str(killed / f".{name}-killed.training" / "tensorboard" / "clips"))
    events.Reload()
    assert [event.step for event in events.Scalars("epoch/loss")] == [5, 10]


@pytest.fixture(scope="module")
def gradients(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gradients")
    run(sys.executable, str(SCRIPT), "gradients", str(folder), "one")
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    run(*torchrun, str(SCRIPT), "gradients", str(folder), "two")

    def read(name: str) -> torch.Tensor:
        parts = torch.load(folder / f"{name}.pt", weights_only=True)
        return torch.cat([part.flatten() for part in parts])

    return read


@pytest.mark.parametrize("other", ["two-fixed", "one-parts", "two-parts"])
def test_gradients_do_not_depend_on_how_a_batch_is_shared_out(gradients, other):
    """Where no module looks at more than one clip: with fixed statistics, and without dropout."""
    whole, shared = gradients("one-fixed"), gradients(other)
    assert whole.abs().max() > 1e-3
    torch.testing.assert_close(shared, whole, rtol=1e-4, atol=1e-6)


def test_statistics_of_the_batch_are_each_process_own(gradients):
    whole, shared = gradients("one-batch-statistics"), gradients("two-batch-statistics")
    assert (whole - shared).norm() > 0.01 * whole.norm()
