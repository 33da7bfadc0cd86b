"""Do ATR blocks learn what people do in real videos, and do their maps find the people?

    python -m benchmarks.people --clips FOLDER --masks FOLDER --boxes FOLDER --workers 2

Trains `people-atr` and `people-atr-sim` on a folder of clips, a folder a class: five times without a fifth of the
recordings that the clips were cut from, for the accuracy, and once with all of them, for the network to keep. The maps of
the latter are held against true masks and boxes of other videos. Writes `checkpoints/`, in half precision, and
people.json. One thread each; what is complete is not made again and a training that was stopped is resumed, so the same
command can be given at any time.

--masks has a folder a sequence, with a clip.mp4 and a masks/*.png for every frame, as cut from DAVIS. --boxes has videos
of UCF101-24 and a boxes.json: video -> "class" and "tubes", each with "sf", the frame it begins with, and one box a frame.
"""

import json
import re
import shlex
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from analysis.statistics import LEVEL, mean_estimate, wilson_interval
from atr.checkpoint import load_checkpoint, read_config, save_checkpoint
from atr.data.listing import contents
from atr.files import read_arrays, write_json
from atr.results.store import RESULT, read_result, results
from atr.video.decoding import probe
from benchmarks.command import start
from benchmarks.shipped import made, run

ARMS = ("people-atr", "people-atr-sim")
ALL, MASKS, BOXES = "all", "masks", "boxes"
BOX_GRID = (320, 240)  # width and height that the boxes of UCF101-24 are stated on
BASELINES = ("frame difference", "centre")
Clip = tuple[str, str]  # class, name of the file


@dataclass(frozen=True)
class Options:
    clips: Path
    """a folder a class; the names of the files tell the recordings they were cut from"""
    masks: Path
    """sequences with true masks"""
    boxes: Path
    """videos with true boxes"""
    recording: str = r"seq\d+"
    """what in a file's name tells the recording: clips of one are never on both sides of a fold"""
    folds: int = 5
    out: Path = Path("runs/people")
    """folder for all that is written"""
    workers: int = 2
    """commands that run side by side"""


# ---- data ------------------------------------------------------------------------------------------------------------


def clips_by_recording(folder: Path, pattern: str) -> dict[str, list[Clip]]:
    """Recording -> its clips, in alphabetical order. Raises ValueError where a file's name does not tell it."""
    found: dict[str, list[Clip]] = {}
    for label in contents(folder).folders:
        for name in contents(folder / label).videos:
            told = re.search(pattern, name)
            if told is None:
                raise ValueError(f"{label}/{name} does not tell its recording; looked for: {pattern}")
            found.setdefault(told[0], []).append((label, name))
    return dict(sorted(found.items()))


def folds_of(recordings: dict[str, list[Clip]], folds: int) -> dict[str, tuple[list[Clip], list[Clip]]]:
    """Name -> clips to train on and clips to validate with: the recordings dealt out in turn, and all of them twice.

    Raises ValueError for more folds than recordings, or fewer than two.
    """
    if not 2 <= folds <= len(recordings):
        raise ValueError(f"folds={folds} is not possible; allowed: 2 to {len(recordings)}, the recordings")
    everything = sum(recordings.values(), [])
    split = {}
    for fold in range(folds):
        held_out = set(list(recordings)[fold::folds])
        sides: tuple[list[Clip], list[Clip]] = ([], [])
        for recording, clips in recordings.items():
            sides[recording in held_out].extend(clips)
        split[f"fold-{fold + 1}-of-{folds}"] = sides
    return {ALL: (everything, everything), **split}


def link_clips(folder: Path, clips: Path, train: Sequence[Clip], val: Sequence[Clip]) -> None:
    """A data set with train and val folders, of links; those of an earlier split are gone."""
    shutil.rmtree(folder, ignore_errors=True)
    for split, chosen in (("train", train), ("val", val)):
        for label, name in chosen:
            link(folder / split / label / name, clips / label / name)


def link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target.resolve())


def link_boxes(folder: Path, boxes: Path) -> None:
    """The videos with an annotations.json as `python -m analysis localize` reads it, of links."""
    entries = []
    found = json.loads((boxes / "boxes.json").read_text())
    for name, told in sorted(found.items()):
        link(folder / name, boxes / name)
        info = probe(boxes / name)
        scale = (info.width / BOX_GRID[0], info.height / BOX_GRID[1])
        frames = boxes_of_frames(told["tubes"], info.length, scale)
        entry = {"id": Path(name).stem, "video": name, "label": told["class"], "num_frames": info.length}
        entries.append({**entry, "boxes": frames})
    labels = sorted({entry["label"] for entry in entries})
    write_json(folder / "annotations.json", {"labels": labels, "split": "val", "clips": entries})


def boxes_of_frames(tubes: list[dict], length: int, scale: tuple[float, float]) -> list[list[list[float]]]:
    """For every frame its boxes as [left, top, width, height], each times `scale`, across and down."""
    frames: list[list[list[float]]] = [[] for _ in range(length)]
    for tube in tubes:
        for frame, box in enumerate(tube["boxes_xywh_on_320x240"], start=tube["sf"]):
            if frame < length:
                frames[frame].append([value * scale[i % 2] for i, value in enumerate(box)])
    return frames


# ---- commands --------------------------------------------------------------------------------------------------------


def training(out: Path, arm: str, split: str) -> str:
    data = quoted(out / "data" / f"people-{split}")
    options = "--follow-outside --workers 0"  # trainings run side by side: processes that decode would be in their way
    return f"atr train --preset {arm} --data {data} {options} --out {quoted(trained(out, arm, split))}"


def trained(out: Path, arm: str, split: str) -> Path:
    return out / "trained" / f"{arm}-{split}"


def localizing(out: Path, arm: str, kind: str) -> str:
    checkpoint, data, results = (
        quoted(out / folder) for folder in (f"checkpoints/{arm}", f"data/{kind}", f"results/{kind}")
    )
    return f"analysis localize --checkpoint {checkpoint} --data {data} --follow-outside --out {results}"


def quoted(path: Path) -> str:
    """As a word of a command."""
    return shlex.quote(str(path))


def together(commands: Sequence[str], workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, [command for command in commands if not made(command)]))


# ---- results ---------------------------------------------------------------------------------------------------------


def accuracy_of(top1: Sequence[float], clips: Sequence[int]) -> dict:
    """Of each fold's network on the clips of its fold, which it has not seen: fold by fold, their mean, all clips."""
    hits = round(float(np.dot(top1, clips)))
    low, high = wilson_interval(hits, sum(clips))
    return {
        "folds": list(top1),
        "clips": list(clips),
        "mean": mean_of_folds(np.array(top1)),
        "pooled": {"value": hits / sum(clips), "low": low, "high": high},
    }


def mean_of_folds(values: np.ndarray) -> dict[str, float]:
    """With the interval of Student's t, for folds are few; they share training clips, so it is rather too narrow."""
    mean = float(values.mean())
    reach = float(scipy.stats.sem(values) * scipy.stats.t.ppf((1 + LEVEL) / 2, len(values) - 1))
    return {"value": mean, "low": mean - reach, "high": mean + reach}


def keep(source: Path, kept: Path, accuracy: dict, training_data: str, shown_block: str | None) -> None:
    """The network that has seen all clips, in half precision, with the accuracy of those that have not.

    What its training says of accuracy is of clips that it has seen, so it is left out.
    """
    model = load_checkpoint(source)
    facts = {key: value for key, value in model.facts.items() if key != "most_confused"}
    facts["history"] = [{k: v for k, v in epoch.items() if k != "dev_top1"} for epoch in facts["history"]]
    facts["training_data"] = training_data
    facts["metrics"] = {
        "protocol": "1x1",
        "data": f"{sum(accuracy['clips'])} clips, each by one of {len(accuracy['clips'])} other networks of this "
        "preset, which was not trained on its recording",
        "top1": accuracy["pooled"]["value"],
    }
    if shown_block is not None:
        facts["shown_block"] = shown_block
    save_checkpoint(kept, model.half(), labels=model.labels, **facts)


def localized(folder: Path) -> list[dict]:
    """Average precision by frame of every map, and how much higher it is than the baselines', in the mean over clips."""
    rows = read_arrays(folder / "localize.npz")
    precision = rows["average_precision"][rows["frames"] > 0]  # (clips, maps)
    names = rows["maps"].tolist()
    entries = []
    for name, values in zip(names, precision.T, strict=True):
        entry = {"map": name, "average_precision": mean_estimate(values)}
        for baseline in BASELINES if name not in BASELINES else ():
            entry[f"above {baseline}"] = mean_estimate(values - precision[:, names.index(baseline)])
        entries.append(entry)
    return entries


def result_of(root: Path, checkpoint: Path) -> Path:
    """The newest complete result of a checkpoint's weights."""
    digest = read_config(checkpoint)["weights_sha256"]
    return max(
        (
            folder
            for folder in results(root, "localize")
            if read_result(folder)["checkpoint"]["weights_sha256"] == digest
        ),
        key=lambda folder: (folder / RESULT).stat().st_mtime,
    )


def best_block(localisation: dict[str, list[dict]], method: str = "actionness") -> str | None:
    """The block whose map has the highest average precision, in the mean over data sets; None without any."""
    values: dict[str, list[float]] = {}
    for entry in (entry for entries in localisation.values() for entry in entries):
        of_map, _, block = entry["map"].rpartition(" ")
        if of_map == method:
            values.setdefault(block, []).append(entry["average_precision"]["value"])
    return max(values, key=lambda block: np.mean(values[block])) if values else None


def main(options: Options) -> None:
    out = options.out
    recordings = clips_by_recording(options.clips, options.recording)
    splits = folds_of(recordings, options.folds)
    for split, (train, val) in splits.items():
        link_clips(out / "data" / f"people-{split}", options.clips, train, val)
    link(out / "data" / MASKS, options.masks)
    link_boxes(out / "data" / BOXES, options.boxes)
    together([training(out, arm, split) for split in splits for arm in ARMS], options.workers)

    everything, folds = splits.pop(ALL)[0], list(splits)
    told = f"{len(everything)} clips of {options.clips.name}, {len(recordings)} recordings"
    accuracies = {}
    for arm in ARMS:
        top1 = [read_config(trained(out, arm, fold))["metrics"]["top1"] for fold in folds]
        accuracies[arm] = accuracy_of(top1, [len(splits[fold][1]) for fold in folds])
        keep(trained(out, arm, ALL), out / "checkpoints" / arm, accuracies[arm], told, None)
    together([localizing(out, arm, kind) for arm in ARMS for kind in (MASKS, BOXES)], options.workers)
    localisation = {}
    for arm in ARMS:
        kept = out / "checkpoints" / arm
        localisation[arm] = {
            kind: localized(result_of(out / "results" / kind, kept)) for kind in (MASKS, BOXES)
        }
        keep(trained(out, arm, ALL), kept, accuracies[arm], told, best_block(localisation[arm]))
    with_atr, without = (np.array(accuracies[arm]["folds"]) for arm in ARMS)
    all_seen = read_config(trained(out, ARMS[0], ALL))
    found = {
        "clips": told,
        "accuracy": accuracies,
        "difference": mean_of_folds(with_atr - without),
        "localisation": localisation,
        "blocks": all_seen["history"][-1]["blocks"],
        "environment": all_seen["environment"],
    }
    write_json(out / "people.json", found)
    print(table(accuracies, localisation).to_string(index=False, float_format="%.3f"))


def table(accuracies: dict[str, dict], localisation: dict[str, dict[str, list[dict]]]) -> pd.DataFrame:
    """One row a number, with the ends of its interval."""
    rows = [
        {"network": arm, "number": "top-1, mean of folds", **found["mean"]}
        for arm, found in accuracies.items()
    ]
    for arm, kinds in localisation.items():
        for kind, entries in kinds.items():
            for entry in entries:
                number = f"AP on {kind}, {entry['map']}"
                rows.append({"network": arm, "number": number, **entry["average_precision"]})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    start(main, Options, __doc__)
