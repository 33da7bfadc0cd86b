"""The Checkpoints page beside odd facts in config.json: no crash, no markup, and the good folder is shown as ever."""

import json
import re

import pytest

from tests.app.conftest import launch, world  # noqa: F401 (fixtures)
from tests.app.world import write_checkpoint

MARKUP = "[here](https://example.org) <b>x</b> <a href='https://example.org'>y</a> :red[z] $q$ `c`"
MARKS = re.compile(r"(?<!\\)(\[here|<b>|<a |\$q|`c|\[z)")  # not escaped
FACTS = ("metrics", "history", "most_confused", "training", "training_data", "command", "notes", MARKUP)
ODD = {
    "text": "0.5",
    "null": None,
    "number": 5,
    "truth value": True,
    "huge number": 10**300,
    "nested lists": [1, [2, [3, {"a": None}]]],
    "lists of other lengths": [[1], [1, 2], "x", None],
    "objects of other keys": [{"a": 1}, {"b": [2]}, {"a": {"c": 3}}],
    "object of odd values": {"top1": "0.5", "top5": None, "within_pairs": [0.5], "x": {"y": 1}},
    "object of lists of other lengths": {"a": [1], "b": [1, 2]},
    "epochs of odd values": [
        {"epoch": "1", "loss": None, "phase": [1]},
        {"epoch": 2, "loss": 0.5, "dev_top1": "x"},
    ],
    "empty object": {},
    "empty list": [],
    "markup": MARKUP,
    "markup in an object": {MARKUP: 0.5, "top1": MARKUP},
    "markup in a list": [
        {MARKUP: 0.5, "loss": 0.5, "phase": MARKUP},
        {MARKUP: 0.7, "loss": 0.4, "phase": "b"},
    ],
    "huge text": "word " * 100_000,
}


def rendered(app) -> list[str]:
    """The texts that Streamlit takes as Markdown."""
    elements = (
        *app.markdown,
        *app.caption,
        *app.error,
        *app.warning,
        *app.info,
        *app.title,
        *app.subheader,
    )
    return [element.value for element in elements] + [metric.label for metric in app.metric]


@pytest.mark.parametrize("odd", ODD)
def test_odd_facts_of_a_checkpoint_are_shown_as_they_are(launch, world, odd):  # noqa: F811
    write_checkpoint(world / "checkpoints" / "good", block="atr")
    path = write_checkpoint(world / "checkpoints" / "odd", block="atr") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | dict.fromkeys(FACTS, ODD[odd])))
    app = launch("checkpoints", checkpoint="odd")
    assert not app.exception and not app.error
    assert [text for text in rendered(app) if MARKS.search(text)] == []
    drawn = [chart.proto.spec for chart in app.get("plotly_chart")]
    assert [spec for spec in drawn if "<a " in spec or "<b>x" in spec] == []
    shares = app.dataframe[0].value.set_index("Checkpoint")["Top-1"]
    assert set(shares.index) == {"good", "odd"} and shares["good"] == 62.5
