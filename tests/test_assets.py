"""What is shipped: checkpoints, clips, results and pictures open with what reads them, and say what the README says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import atr
from analysis.ablation.cells import read_cells
from analysis.ablation.grids import NETWORKS, TABLES
from analysis.ablation.numbers import by_network, summary
from analysis.statistics import wilson_interval
from app.loading.predictions import stored_predictions
from app.loading.predictions import tables as prediction_tables
from app.loading.results import REQUIRED, readable_results
from atr.files import read_arrays
from atr.results.evaluate import Scores
from atr.results.predictions import read_predictions
from atr.tabletop import CLASSES, REVERSED
from atr.training.config import DEFAULTS, filled, settings_of
from atr.training.presets import PRESETS
from atr.video.decoding import probe
from benchmarks.markdown import END, mark
from benchmarks.performance import SCRIPTS, tables_of, told
from benchmarks.tables import __main__ as tables
from tests.videos import decode

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "assets"
CHECKPOINTS = sorted(path.name for path in (ASSETS / "checkpoints").iterdir())
KINDS = {  # the files of a result folder, beside result.json
    "predictions": {"predictions.parquet"},
    "order": {"order.csv", "order.npz"},
    "faithfulness": {"areas.csv", "curves.csv", "faithfulness.npz"},
    "localize": {"emphasis.csv", "fig5.csv", "localize.csv", "localize.npz"},
    "health": {"health.csv", "health.npz"},
    "relations": {"fig4.pdf", "fig4.svg", "relations.csv", "relations.npz"},
}
CELLS = ASSETS / "results" / "ablations"
RESULTS = sorted(path.name for path in (ASSETS / "results").iterdir() if path.is_dir() and path != CELLS)
CLIPS = json.loads((ASSETS / "clips" / "annotations.json").read_text())


@pytest.fixture(autouse=True)
def shipped(monkeypatch, tmp_path):
    """The pages look at what is shipped, and at nothing else."""
    for name in ("CHECKPOINTS", "CLIPS", "VIDEOS", "DATA"):
        monkeypatch.delenv(f"ATR_{name}", raising=False)
    monkeypatch.setenv("ATR_RESULTS", str(tmp_path))


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint_loads_and_its_logits_are_numbers(name):
    model = atr.load_checkpoint(ASSETS / "checkpoints" / name)
    assert model.labels == list(CLASSES)
    side = model.preprocessing.crop
    with torch.inference_mode():
        logits = model(torch.randn(2, model.config.num_frames, 3, side, side))
    assert logits.shape == (2, len(CLASSES))
    assert logits.isfinite().all()
    command = model.facts["command"]
    assert f"--preset {name} " in command and command.endswith(f" --out assets/checkpoints/{name}")
    # Whatever else the command says, the preset says too, but for the number of processes that render.
    settings = {**model.facts["training"], "workers": PRESETS[name].workers}
    assert filled(settings, DEFAULTS) == json.loads(settings_of(PRESETS[name]))


@pytest.mark.parametrize("entry", CLIPS["clips"], ids=lambda entry: entry["id"])
def test_a_clip_decodes_and_has_masks_of_its_shape(entry):
    video = ASSETS / "clips" / entry["video"]
    info = probe(video)
    assert (info.length, info.fps) == (entry["num_frames"], entry["fps"])
    frames = decode(video, np.arange(info.length))
    assert frames.shape == (info.length, info.height, info.width, 3)
    masks = read_arrays(ASSETS / "clips" / entry["masks"])["masks"]
    assert (masks.shape, masks.dtype) == (frames.shape[:3], np.uint8)
    assert set(np.unique(masks)) <= {0, 1, 2, 3, 4}
    assert len(entry["acting"]) == info.length
    assert entry["label"] in CLIPS["labels"]


def test_the_clips_are_two_of_every_class():
    assert CLIPS["labels"] == list(CLASSES)
    counts = pd.Series([entry["label"] for entry in CLIPS["clips"]]).value_counts()
    assert counts.to_dict() == dict.fromkeys(CLASSES, 2)


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_whole_and_its_arrays_and_tables_open(name):
    folder = ASSETS / "results" / name
    kind = name.split("-")[0]
    files = {path.name for path in folder.iterdir()}
    assert files == {"result.json", *KINDS[kind]}
    for path in folder.iterdir():
        if path.suffix == ".npz":
            assert all(len(values) for values in read_arrays(path).values() if values.ndim)
        elif path.suffix == ".csv":
            assert len(pd.read_csv(path))
        else:
            assert path.stat().st_size > 100


def test_every_result_is_found_by_the_pages_under_its_checkpoint():
    found = set()
    for checkpoint in CHECKPOINTS:
        for kind in REQUIRED:
            results, faults = readable_results(checkpoint, kind)
            assert faults == []
            for folder, result in results.items():
                assert folder.name.startswith(f"{kind}-{checkpoint}-")
                assert result["checkpoint"]["name"] == checkpoint
            found |= {folder.name for folder in results}
    assert found == set(RESULTS)


@pytest.mark.parametrize(
    "checkpoints", [CHECKPOINTS[first : first + 4] for first in range(0, len(CHECKPOINTS), 4)], ids=", ".join
)
def test_shipped_predictions_can_be_compared_and_have_the_accuracies_of_the_benchmark(checkpoints):
    chosen = []
    for checkpoint in checkpoints:
        stored, faults = stored_predictions(checkpoint)
        assert faults == []
        chosen += stored.values()
    benchmark = json.loads((ASSETS / "results" / "accuracy.json").read_text())["accuracy"]
    expected = [(e["checkpoint"], e["top1"], e["top5"]) for e in benchmark if e["checkpoint"] in checkpoints]
    numbers = prediction_tables(chosen).numbers
    found = list(zip(numbers["checkpoint"], numbers["top1"], numbers["top5"], strict=True))
    assert found == sorted(expected)
    assert len(found) == len(checkpoints)


def test_the_cells_are_of_the_grid_and_the_shipped_networks_are_among_them():
    cells, faults = read_cells(CELLS)
    found = by_network(cells)
    assert faults == [] and sum(map(len, found.values())) == len(cells)
    start = json.loads((ASSETS / "checkpoints" / "tabletop-tsn" / "config.json").read_text())[
        "weights_sha256"
    ]
    assert {cell.start for cell in cells} == {start}
    shipped = {
        name: network
        for name in CHECKPOINTS
        for network in NETWORKS
        if NETWORKS[network] == replace(PRESETS[name], seed=0)
    }
    assert shipped.keys() == set(CHECKPOINTS) - {"tabletop-tsn"}
    for name, network in shipped.items():
        stored, _ = stored_predictions(name)
        (shipped,) = (each.predictions for each in stored.values())
        assert np.array_equal(found[network][PRESETS[name].seed].verdicts, shipped.correct)


def test_the_tables_told_are_what_is_stored():
    readme = (ROOT / "README.md").read_text()
    for page, written in tables.tables_of(ASSETS / "results").items():
        for command, made in written.items():
            assert f"{mark(command)}\n{made}\n{END}" in (ROOT / page).read_text()
            assert mark(command) not in readme or f"{mark(command)}\n{made}\n{END}" in readme
    assert mark("tables accuracy") in readme


def test_the_claims_told_are_judged_by_the_cells():
    judged = summary(TABLES.values(), by_network(read_cells(CELLS)[0]))
    for page in ("docs/results.md", "README.md"):
        assert judged in (ROOT / page).read_text()


def test_the_benchmark_of_scaling_has_a_row_for_every_preset_of_the_paper():
    rows = json.loads((ASSETS / "results" / "scaling.json").read_text())["needs"]
    paper = {name for name in PRESETS if name.split("-")[0] in ("sthv1", "sthv2", "k400")}
    assert sorted(row["preset"] for row in rows) == sorted(paper)


def test_the_tables_of_performance_are_what_was_measured():
    found = json.loads((ASSETS / "results" / "benchmarks.json").read_text())
    assert set(found["found"]) == set(SCRIPTS)
    assert told(found["found"]) == found["answers"]
    page = (ROOT / "docs" / "performance.md").read_text()
    machine = "{machine}, {cores} cores, Python {python}, torch {torch}".format(**found)
    assert machine in page.replace("\n", " ")
    for script, table in tables_of(found["found"]).items():
        assert f"{mark(script)}\n{table}\n{END}" in page


def told_accuracies() -> dict[str, tuple[float, float, float, float]]:
    """{checkpoint: (top-1, low, high, pairs)} in per cent, from the table of the Markdown file that holds it."""
    number = r"(\d+\.\d)"
    row = re.compile(
        rf"^\|[ *]*`(tabletop-[\w-]+)`[^|]*\|[ *]*{number} \[{number}, {number}\][ *]*\| {number} \|"
    )
    told = {}
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for line in path.read_text().splitlines():
            if match := row.match(line):
                name, *values = match.groups()
                values = tuple(map(float, values))
                assert told.setdefault(name, values) == values, f"{path.name} tells of {name} something else"
    return told


def test_the_accuracies_told_follow_from_the_shipped_predictions():
    told = told_accuracies()
    assert sorted(told) == CHECKPOINTS
    for folder in (ASSETS / "results").glob("predictions-*"):
        predictions = read_predictions(folder)
        low, high = wilson_interval(int(predictions.correct.sum()), len(predictions))
        pairs = Scores(predictions.scores, predictions.targets).within_pairs(REVERSED)
        measured = [100 * value for value in (predictions.correct.mean(), low, high, pairs)]
        # half a digit of the last place, and what arithmetic leaves: 0.9755 is told as 97.6
        assert told[predictions.name] == pytest.approx(measured, abs=0.0501, rel=0), predictions.name


@pytest.mark.parametrize("path", sorted((ASSETS / "pictures").iterdir()), ids=lambda path: path.name)
def test_a_picture_opens(path):
    with Image.open(path) as picture:
        picture.load()
        assert picture.width >= 600 and picture.height >= 300


def test_assets_stay_small():
    size = sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file())
    assert size < 40e6, f"assets/ holds {size / 1e6:.1f} MB; allowed: below 40"


def is_told_of(parts: tuple[str, ...], text: str) -> bool:
    """A file of assets/ by the parts of its path: in `text` by its own name, or by the command that made its folder."""
    match parts:
        case ("README.md",) | ("clips", "annotations.json"):
            return True
        case ("clips", name):
            return any(name in (entry["video"], entry["masks"]) for entry in CLIPS["clips"])
        case ("checkpoints", name, "model.safetensors" | "config.json" | "confusion.csv"):
            return re.search(rf"train .*--out assets/checkpoints/{name}\n", text) is not None
        case ("results", "ablations", name):
            return name.endswith(".json") and "`ablations/` holds a file for each cell" in text
        case ("results", folder, _):
            kind, name, _ = re.fullmatch(r"([a-z]+)-([\w-]+)-([0-9a-f]{12})", folder).groups()
            program = "atr evaluate" if kind == "predictions" else f"analysis {kind}"
            return name in CHECKPOINTS and f"python -m {program} --checkpoint " in text
        case ("results", name):
            return f"assets/results/{name}\n" in text
        case ("pictures", name):
            return f"`{name}`" in text
    return False


def test_every_file_is_told_of_in_the_readme():
    text = (ASSETS / "README.md").read_text()
    files = [path.relative_to(ASSETS) for path in sorted(ASSETS.rglob("*")) if path.is_file()]
    assert [str(path) for path in files if not is_told_of(path.parts, text)] == []
