"""Bad stored results and predictions: one ValueError each, which names the folder and the key."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.localize.numbers import LocalizeResult
from analysis.relations.numbers import RelationsResult
from analysis.what_if.faithfulness import FaithfulnessResult
from analysis.what_if.order import OrderResult
from atr.results.predictions import TABLE, PredictionsResult, read_predictions
from atr.results.store import RESULT, Result, read_result
from tests.hostile.refusal import edited, little_memory, of_another_type, one_clear_line

SHIPPED = Path(__file__).parent.parent.parent / "assets" / "results"
KINDS = {
    "predictions": PredictionsResult,
    "order": OrderResult,
    "faithfulness": FaithfulnessResult,
    "localize": LocalizeResult,
    "relations": RelationsResult,
}
NUM_CLASSES = 20


@pytest.fixture
def stored(tmp_path):
    """Copies a shipped result of a kind, without its figures."""

    def copied(kind):
        source = sorted(SHIPPED.glob(f"{kind}-*"))[0]
        folder = tmp_path / f"{kind}-broken"
        folder.mkdir()
        for name in (RESULT, TABLE):
            if (source / name).is_file():
                shutil.copy(source / name, folder / name)
        return folder

    return copied


def refused(folder, kind, *named):
    read = read_predictions if kind == "predictions" else lambda place: read_result(place, KINDS[kind])
    with little_memory(), pytest.raises(ValueError) as caught:
        read(folder)
    return one_clear_line(caught.value, folder.name, *named)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_broken_below_is_a_good_one(stored, kind):
    folder = stored(kind)
    assert read_result(folder, KINDS[kind]) == read_result(folder, Result)


COMMON = ["checkpoint", "checkpoint.name", "checkpoint.weights_sha256", "command", "skipped", "data"]
COMMON += ["data.name", "data.description", "data.digest"]
OWN = {
    "predictions": [
        "protocol",
        "labels",
        "milliseconds_per_clip",
        "checkpoint.model",
        "checkpoint.model.name",
        "checkpoint.model.atr.k",
        "checkpoint.preprocessing",
        "checkpoint.preprocessing.crop",
    ],
    "order": [
        "clips",
        "overall",
        "overall.as it is",
        "overall.shuffled.low",
        "drops.reversed.difference",
        "classes",
        "classes.3.label",
        "classes.3.reversed.value",
    ],
    "faithfulness": [
        "clips",
        "block",
        "grid",
        "fill",
        "orders",
        "shares",
        "curves",
        "curves.1.mode",
        "curves.1.order",
        "curves.1.probability",
        "curves.1.area",
        "differences",
        "differences.0.of",
        "differences.0.low",
    ],
    "localize": [
        "clips",
        "truth",
        "frames",
        "blocks",
        "maps",
        "maps.0.method",
        "maps.0.pointing.value",
        "emphasis",
        "emphasis_clips",
        "emphasis.0.quantity",
        "emphasis.0.spearman.low",
        "milliseconds_per_clip.forward",
    ],
    "relations": [
        "videos",
        "base",
        "checkpoint.model",
        "checkpoint.model.block",
        "trained",
        "trained.0.block",
        "trained.0.mean",
        "trained.0.js.mean",
        "trained.0.js_interval.max",
        "trained.0.windows",
        "trained.0.argmax",
        "untrained",
        "untrained.0.inner_mass",
        "convergence",
        "convergence.0.videos",
        "classes",
        "classes.0.label",
    ],
}
PLACES = [
    (kind, place)
    for kind in KINDS
    for place in (*(COMMON if kind in ("predictions", "order") else ()), *OWN[kind])
]


def written(place):
    """As messages write it: classes[3].label."""
    return "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in place.split("."))[1:]


@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_a_missing_key_is_named(stored, kind, place):
    folder = stored(kind)
    edited(folder / RESULT, place)
    refused(folder, kind, f"has no '{written(place)}'")


@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_a_value_of_another_type_is_named_with_its_key(stored, kind, place):
    folder = stored(kind)
    value = json.loads((folder / RESULT).read_text())
    for part in place.split("."):
        value = value[int(part) if part.isdecimal() else part]
    edited(folder / RESULT, place, of_another_type(value))
    refused(folder, kind, written(place))


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        ("predictions", "protocol", "5x5"),
        ("predictions", "labels", ["x"] * NUM_CLASSES + ["y"]),
        ("predictions", "labels", ["x"] * (NUM_CLASSES - 1)),
        ("predictions", "milliseconds_per_clip", -1),
        ("predictions", "checkpoint.model.num_classes", 10**9),
        ("predictions", "checkpoint.model.width", 1e6),
        ("predictions", "skipped", [{"id": "a"}]),
        ("predictions", "skipped", ["a"]),
        ("order", "clips", -1),
        ("order", "overall.reversed.value", 1.5),
        ("order", "classes.0", None),
        ("faithfulness", "fill", "noise"),
        ("faithfulness", "orders", ["entropy"]),
        ("faithfulness", "grid", [2]),
        ("faithfulness", "grid", [2, -2]),
        ("faithfulness", "shares", [0, 1]),
        ("faithfulness", "curves.0.order", "entropy"),
        ("faithfulness", "curves.0.accuracy", [0.5]),
        ("faithfulness", "curves.0.probability", [0.5, "x"]),
        ("localize", "maps.0.method", "SHAP"),
        ("localize", "maps.0.block", "S9B9"),
        ("localize", "maps.0.block", None),
        ("localize", "blocks", []),
        ("localize", "emphasis.0.quantity", "median"),
        ("relations", "base", 1),
        ("relations", "base", 0),
        ("relations", "trained", []),
        ("relations", "trained.0.mean", []),
        ("relations", "trained.0.mean", [[1.0]]),
        ("relations", "trained.0.mean.0", [0.5, 0.5]),
        ("relations", "trained.0.mean.0.0", None),
        ("relations", "trained.0.mean.0.0", 2),
        ("relations", "trained.0.argmax", [0]),
        ("relations", "trained.0.argmax.0", 8),
        ("relations", "trained.0.windows.0", [1, 2]),
        ("relations", "trained.1.mean", [[1 / 3] * 3] * 3),
        ("relations", "convergence.0.videos", []),
        ("relations", "checkpoint.model.block", None),
        ("relations", "classes.0.videos", -1),
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_value_that_cannot_be_is_named(stored, kind, place, value):
    folder = stored(kind)
    edited(folder / RESULT, place, value)
    refused(folder, kind)


TEXTS = {
    "empty": b"",
    "a brace": b"{",
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "bytes": bytes(range(256)),
    "UTF-16": "{}".encode("utf-16"),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "a key twice": b'{"command": "a", "command": "b"}',
    "NaN": b'{"command": NaN}',
    "an object": b"{}",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("kind", ["predictions", "relations"])
def test_a_file_that_is_no_result_is_refused(stored, kind, name):
    folder = stored(kind)
    (folder / RESULT).write_bytes(TEXTS[name])
    refused(folder, kind, RESULT)


def test_a_result_of_another_kind_is_refused(stored):
    for kind in KINDS:
        folder = stored(kind)
        for other in set(KINDS) - {kind}:
            with pytest.raises(ValueError, match=r"is no whole result: its result.json has"):
                read_result(folder, KINDS[other])


PUT = {
    "nothing": lambda path: None,
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "too long": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
}


@pytest.mark.parametrize("what", PUT)
@pytest.mark.parametrize("name", [RESULT, TABLE])
def test_only_regular_files_are_opened(stored, name, what):
    folder = stored("predictions")
    (folder / name).unlink()
    PUT[what](folder / name)
    refused(folder, "predictions", name)


# ---- tables ----------------------------------------------------------------------------------------------------------


def scores_of(table):
    return [str(index) for index in range(NUM_CLASSES)]


def put(column, row, value):
    def change(table):
        table = table.astype(
            {column: object if isinstance(value, str) or value is None else table[column].dtype}
        )
        table.loc[row, column] = value
        return table

    return change


CHANGES = {
    "no id": (lambda t: t.drop(columns="id"), "no column 'id'"),
    "no target": (lambda t: t.drop(columns="target"), "no column 'target'"),
    "a class less": (lambda t: t.drop(columns="19"), "no column '19'"),
    "a class more": (
        lambda t: t.assign(**{"20": np.float32(0)}),
        "scores of 21 classes, result.json has 20 labels",
    ),
    "no rows": (lambda t: t.iloc[:0], "0 clips"),
    "ids of numbers": (lambda t: t.assign(id=range(len(t))), "column 'id' holds int64; allowed: texts"),
    "targets of texts": (lambda t: t.assign(target="0"), "column 'target' holds"),
    "targets of floats": (lambda t: t.assign(target=t["target"] + 0.5), "column 'target' holds double"),
    "scores of texts": (lambda t: t.assign(**{"3": "0.5"}), "column '3' holds"),
    "scores of truth values": (lambda t: t.assign(**{"3": True}), "column '3' holds bool"),
    "scores of whole numbers": (lambda t: t.assign(**{"3": 0}), "column '3' holds int64"),
    "scores of lists": (lambda t: t.assign(**{"3": [[0.5]] * len(t)}), "column '3' holds list"),
    "an id missing": (put("id", 5, None), "column 'id' has empty cells"),
    "an id twice": (lambda t: t.assign(id=t["id"].where(t.index != 5, t["id"][0])), "stands twice"),
    "a target too high": (put("target", 5, 20), "targets run from 0 to 20; allowed: 0 to 19"),
    "a target too low": (put("target", 5, -1), "targets run from -1"),
    "a score NaN": (put("3", 5, np.nan), ""),
    "a score infinite": (put("3", 5, np.inf), "no numbers"),
    "a score negative": (lambda t: t.assign(**{"3": t["3"] - 1, "4": t["4"] + 1}), "outside 0 to 1"),
    "a score above one": (put("3", 5, 1.5), "outside 0 to 1"),
    "sums of two": (lambda t: t.assign(**{name: t[name] * 0.5 for name in scores_of(t)}), "sum is not 1"),
    "all zero": (lambda t: t.assign(**dict.fromkeys(scores_of(t), np.float32(0))), "sum is not 1"),
    "logits": (
        lambda t: t.assign(**{name: np.log(t[name] + 1e-6) for name in scores_of(t)}),
        "outside 0 to 1",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_table_that_holds_no_probabilities_is_refused(stored, name):
    folder, (change, said) = stored("predictions"), CHANGES[name]
    change(pd.read_parquet(folder / TABLE)).to_parquet(folder / TABLE, index=False)
    refused(folder, "predictions", TABLE, said)


def test_a_table_of_too_many_clips_is_not_read(stored, monkeypatch):
    monkeypatch.setattr("atr.results.predictions.MOST_CLIPS", 1999)
    refused(stored("predictions"), "predictions", "2,000 clips of 20 classes; allowed: 1 to 1,999 clips")


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"PAR1" * 1000, bytes(5000), b"PK\x03\x04" + bytes(100)],
    ids=lambda b: str(b[:5]),
)
def test_a_file_that_is_no_table_is_refused(stored, content):
    folder = stored("predictions")
    (folder / TABLE).write_bytes(content)
    refused(folder, "predictions", TABLE)


def test_a_table_that_was_cut_or_damaged_is_refused(stored):
    folder = stored("predictions")
    whole = (folder / TABLE).read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-1], whole[len(whole) // 2 :]):
        (folder / TABLE).write_bytes(content)
        refused(folder, "predictions", TABLE)
