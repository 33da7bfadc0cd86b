"""What the benchmarks of speed found beside what was aimed at, and the tables of docs/performance.md."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.markdown import table

BOUNDS = {"≤": operator.le, "≥": operator.ge}


@dataclass(frozen=True)
class Answer:
    """bound: "≤ 1.02"; "" where nothing was aimed at."""

    question: str
    measured: float
    bound: str = ""

    @property
    def met(self) -> bool | None:
        if not self.bound:
            return None
        sign, limit = self.bound.split()
        return BOUNDS[sign](self.measured, float(limit))


# ---- one function a script: what it wrote -> answers ----------------------------------------------------------------


def starting(rows: list[dict]) -> list[Answer]:
    by_name = {row["question"]: row for row in rows}
    over = [
        Answer(f"{name}, over import torch", by_name[name]["over import torch"], "≤ 1.2")
        for name in by_name
        if name.startswith(("import atr", "import analysis"))
    ]
    helps = [
        Answer(f"{name}, CPU seconds", row["CPU seconds"], "≤ 1.5")
        for name, row in by_name.items()
        if name.endswith("--help")
    ]
    return over + helps


def inspection(rows: list[dict]) -> list[Answer]:
    bounds = ("≤ 1.02", "≥ 18", "≤ 0.8", "≤ 0.8", "≥ 10", "")
    return [Answer(row["question"], row["ratio"], bound) for row, bound in zip(rows, bounds, strict=True)]


def optimised(found: dict) -> list[Answer]:
    answers = []
    for row in found["forward"]:
        clips = f"{row['clips']} clip{'s' if row['clips'] > 1 else ''}"
        if row["network"] == "TSN" and row["kind"] != "plain":
            bound = "≤ 0.4" if row["kind"] == "bf16" else ""
            question = f"optimised in {row['kind']} over plain, TSN, {clips}"
            answers.append(Answer(question, row["over plain"], bound))
        if row["network"] != "TSN":
            bound = "" if row["kind"] == "plain" else "≤ 1.06" if row["network"] == "TSN + ATR" else "≤ 1.02"
            kind = "plain" if row["kind"] == "plain" else f"optimised in {row['kind']}"
            answers.append(Answer(f"{row['network']} over TSN, {kind}, {clips}", row["over TSN"], bound))
    for row in found["answers"]:
        what = f"{row['checkpoint']}, optimised in {row['precision']}, {row['clips']} clips"
        if difference := row["largest difference over span"]:
            question = f"largest difference of a map over its span: {what}"
            answers.append(Answer(question, difference, "≤ 0.02"))
        answers.append(Answer(f"clips of another class: {what}", row["other classes"], "≤ 0"))
    return answers


def passes(found: dict) -> list[Answer]:
    time = next(row["over the larger half"] for row in found["time"] if row["work"] == "both")
    peaks = {row["clips"]: row["peak MB"] for row in found["memory"]}
    growth = f"peak memory of {max(peaks):,} clips less that of {min(peaks):,}, MB"
    return [
        Answer("a pass over a data set, over the larger of decoding and network", time, "≤ 1.05"),
        Answer(growth, peaks[max(peaks)] - peaks[min(peaks)], "≤ 30"),
    ]


def decoding(found: dict) -> list[Answer]:
    answers = []
    for row in found["videos"]:
        others = [row[f"{way}_ms"] for way in ("opencv", "pyav", "pyav_seeking")]
        question = f"decoding {found['frames']} frames of {row['video']}, over the quickest other way"
        answers.append(Answer(question, row["package_ms"] / min(others), "≤ 1"))
    return answers


def training(found: dict) -> list[Answer]:
    by_name = {row["question"]: row["median"] for row in found["training"]}
    return [
        Answer(
            f"training {found['preset']}, share of waiting for clips",
            by_name["share of waiting for clips"],
            "≤ 0.02",
        ),
        Answer(f"training {found['preset']}, clips a second of one core", by_name["clips a second"]),
    ]


def dashboard(rows: list[dict]) -> list[Answer]:
    """In seconds of the clock where nothing else is said."""
    bounds = {
        "start of the server to the first overlay": "≤ 4",
        "a new window of the same browser to its overlay": "≤ 0.8",
        "explorer's message, 13 blocks, 8 frames of 224 pixels, kB": "≤ 400",
        "messages to the server for these changes": "≤ 0",
    }
    of_kinds = {
        "first visit": "≤ 1.5",
        "second visit": "≤ 1",
        "to the picture, ms": "≤ 16",
        "beyond decoding and the network": "≤ 0.3",
    }

    def bound(question: str) -> str:
        kinds = (bound for kind, bound in of_kinds.items() if kind in question)
        return bounds.get(question) or next(kinds, "")

    return [Answer(row["question"], row["median"], bound(row["question"])) for row in rows]


# ---- tables in Markdown ----------------------------------------------------------------------------------------------

WORDS = {True: "met", False: "**missed**", None: ""}


def table_of_answers(answers: Mapping[str, list[Answer]]) -> str:
    """answers: script -> its answers."""
    lines = (
        (a.question, number(a.measured), a.bound, WORDS[a.met], f"`{script}`")
        for script, each in answers.items()
        for a in each
    )
    return table(("question", "measured", "aimed at", "", "script"), lines)


def table_of_rows(rows: list[dict]) -> str:
    """The keys of the first row as a header; numbers as `number` tells them."""
    lines = (
        [number(value) if isinstance(value, float) else str(value) for value in row.values()] for row in rows
    )
    return table(list(rows[0]), lines)


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
