"""What the processes of test_sharing.py run: each writes down what it was sent, what it asked of files, what it raised.

torchrun --nproc_per_node 2 sharing_processes.py FOLDER
"""

import json
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import torch

from atr.data import faults, videos
from atr.files import write_json
from atr.models import ModelConfig
from atr.preprocessing import Preprocessing
from atr.results.processes import process_state, require_alike
from atr.results.questions import Options, Question, answer, clips_of_its_classes
from atr.results.store import RESULT
from atr.sampling import Sampling
from atr.training import clips as training_clips
from atr.training.clips import training_splits
from atr.training.loop import TrainConfig, train

ASKED: Counter[str] = Counter()
SIZES = Preprocessing(32, 24)


def counted(owner, name: str) -> None:
    whole = getattr(owner, name)

    def counting(*arguments, **options):
        ASKED[name] += 1
        return whole(*arguments, **options)

    setattr(owner, name, counting)


def message(work) -> str | None:
    try:
        work()
    except (ValueError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def answered(folder: Path, out: Path) -> int:
    """The exit code of a question without passes."""
    question = Question(
        "toy",
        folder=lambda out, checkpoint, digest: out / "toy-net",
        passes={},
        write=lambda unfinished, facts, clips: write_json(unfinished / RESULT, facts),
        show=lambda result, folder: None,
    )
    options = Options(folder / "net", str(folder / "sound"), out=out, cache=folder / "cache")
    return answer(options, lambda model: question, "toy")


def main(folder: Path) -> None:
    state = process_state()
    counted(videos, "read_annotations")
    counted(videos, "stamp")
    counted(faults, "stamp")
    counted(faults, "file_fault")

    def splits(data: Path):
        counts = dict.fromkeys(("train", "dev", "val"))
        sizes = {"num_frames": 4, "preprocessing": SIZES, "cache": folder / "cache", "workers": 1}
        return training_splits(str(data), counts, leave_out=False, state=state, **sizes)

    def classes():
        """Clips of a data set whose classes the model lists the other way round."""
        orders: list = []
        model = SimpleNamespace(
            config=SimpleNamespace(num_frames=4),
            preprocessing=SIZES,
            sampling=Sampling("uniform"),
            labels=["move right", "move left"],
            reorder_classes=orders.append,
        )
        return clips_of_its_classes(
            model, Options(folder, str(folder / "sound"), cache=folder / "cache")
        ), orders

    def gone(*_, **__):
        raise FileNotFoundError(2, "No such file or directory", "list.json")

    found: dict = {
        "splits": [[clips.list_digest, clips.ids, clips.notes] for clips in splits(folder / "sound")]
    }
    asked_of, orders = classes()
    found |= {"digest": asked_of.digest, "orders": [list(order) for order in orders], "asked": dict(ASKED)}
    found["faulty"] = message(lambda: splits(folder / "faulty"))
    training_clips.checked = gone
    found["gone"] = message(lambda: splits(folder / "sound"))
    alone = TrainConfig(ModelConfig("tsn_resnet18", 0), batch_size=2)
    found["sync_bn"] = message(lambda: train(replace(alone, sync_bn=True), folder / "out", folder / "cache"))
    found["apart"] = message(lambda: require_alike(state, f"batch {state.process_index}", "the state"))
    found["alike"] = message(lambda: require_alike(state, "batch 1", "the state"))
    shared, own = folder / "shared", folder / f"of-{state.process_index}"
    found["answered"] = [answered(folder, shared)]
    if state.is_main_process:  # the other process does not see what lies in the main one's folder
        shutil.copytree(shared, own)
    found["answered"].append(answered(folder, own))
    (folder / f"{state.process_index}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
    torch.distributed.destroy_process_group()
