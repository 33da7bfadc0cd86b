"""A small world for the dashboard: tiny checkpoints, clips of a moving square with true masks."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import atr
from analysis.__main__ import main
from atr.results.predictions import Predictions, predictions_folder, write_predictions
from atr.results.store import checkpoint_facts
from atr.video.encoding import write_mp4
from atr.video.protocol import Protocol

LABELS = ["moving right", "moving left", "nothing"]
SIDE, NUM_FRAMES = 64, 12
TARGETS = [0, 0, 1, 1, 2, 2]  # of six clips
FIRST = [0, 0, 1, 1, 0, 0]  # what a checkpoint calls them: wrong on 4 and 5
SECOND = [0, 1, 0, 1, 0, 1]  # another: wrong on 1, 2, 4 and 5, never alone right
GRAPH = {"block": "atr_sim", "reasoner": "gr", "num_reasoners": 1, "placement": ("S4B1", "S5B2")}
ACTING = [False] * 3 + [True] * 6 + [False] * 3


def write_checkpoint(folder: Path, labels: Sequence[str] = LABELS, **options) -> Path:
    model = atr.create_model("tsn_resnet18", num_classes=3, num_frames=4, width=0.125, **options)
    return atr.save_checkpoint(
        folder,
        model.eval(),
        labels=labels,
        preprocessing=atr.Preprocessing(short_side=SIDE, crop=SIDE),
        training_data="nothing at all",
        metrics={"top1": 0.625},
        command=f"python -m atr train --preset {folder.name}",
    )


def square_clip(num_frames: int = NUM_FRAMES, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """A bright square (mask value 3) crossing a grey picture: frames (L, S, S, 3) and masks (L, S, S)."""
    frames = np.full((num_frames, side, side, 3), 90, np.uint8)
    masks = np.zeros((num_frames, side, side), np.uint8)
    for index in range(num_frames):
        left = 2 + index * (side - 20) // num_frames
        frames[index, 20:36, left : left + 16] = (250, 180, 60)
        masks[index, 20:36, left : left + 16] = 3
    return frames, masks


def write_clips(folder: Path) -> None:
    folder.mkdir()
    entries = []
    for number, label in enumerate(LABELS[:2]):
        frames, masks = square_clip()
        name = f"val-{number:06d}"
        write_mp4(folder / f"{name}.mp4", frames[:: 1 - 2 * number], fps=12)
        np.savez_compressed(folder / f"{name}.masks.npz", masks=masks[:: 1 - 2 * number])
        entry = {
            "id": name,
            "video": f"{name}.mp4",
            "masks": f"{name}.masks.npz",
            "label": label,
            "seed": number,
        }
        entries.append({**entry, "num_frames": NUM_FRAMES, "fps": 12, "acting": ACTING})
    annotations = {"labels": LABELS, "split": "val", "clips": entries}
    (folder / "annotations.json").write_text(json.dumps(annotations))


def write_calls(
    results: Path,
    checkpoint: Path,
    targets: list[int],
    calls: list[int],
    *,
    data: str = "tabletop:val",
    protocol: str = "1x1",
    sure: float = 0.8,
) -> Path:
    """Stored predictions of a checkpoint that calls clip i `calls[i]`, with probability `sure`."""
    scores = np.full((len(calls), len(LABELS)), (1 - sure) / (len(LABELS) - 1), np.float32)
    scores[np.arange(len(calls)), calls] = sure
    facts = {
        "kind": "predictions",
        "command": f"python -m atr evaluate --checkpoint {checkpoint.name}",
        "protocol": protocol,
        "labels": LABELS,
        "checkpoint": checkpoint_facts(checkpoint),
        "data": {"name": data, "description": f"toy list of {len(calls)}", "digest": f"{data} {len(calls)}"},
        "skipped": [],
        "milliseconds_per_clip": 2.5,
        "software": {"torch": "2"},
    }
    ids = tuple(f"val-{index:06d}" for index in range(len(calls)))
    folder = predictions_folder(results, checkpoint, facts["data"]["digest"], Protocol.named(protocol))
    folder.mkdir(parents=True)
    write_predictions(folder, Predictions(ids=ids, targets=np.array(targets), scores=scores, facts=facts))
    return folder


def store_relations(world: Path, checkpoint: Path) -> None:
    arguments = ["--checkpoint", checkpoint, "--data", world / "clips", "--out", world / "results"]
    assert main(["relations", *map(str, arguments)]) == 0
