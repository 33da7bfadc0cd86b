"""What stored results are without is said on the pages that show them; bad ones are named beside the good."""

import json
import shutil

import pytest

from analysis.__main__ import main
from atr.results.store import RESULT
from tests.app.world import TARGETS, write_calls, write_checkpoint

MARKUP = "[here](https://example.org) <b>x</b> :red[z] `c` _e_"
LEFT_OUT = {
    "skipped": [{"id": MARKUP, "message": MARKUP}],
    "damaged": ["half.mp4", MARKUP],
    "notices": {"half.mp4": ["frames 20 to 39 of 40 are missing"], MARKUP: [MARKUP]},
}
PAGES = {"relations": "relations", "order": "what_if", "faithfulness": "what_if"}


def warnings(app) -> list[str]:
    """Those on results: the address of the page before names a clip that the page "Compare" does not have."""
    found = [warning.value for warning in app.warning]
    return [warning for warning in found if not warning.startswith("The link asks for")]


def opened(launch, kind: str):
    """The page with results of that kind, and its tab open."""
    app = launch(PAGES[kind])
    if kind == "faithfulness":
        app.session_state["what_if_tab"] = "Faithfulness over a data set"
        app.run()
    return app


def edit(folder, **values) -> None:
    facts = json.loads((folder / RESULT).read_text())
    (folder / RESULT).write_text(json.dumps(facts | values))


@pytest.fixture
def stored(world, results):
    """stored(kind) -> the folder of a result of the only checkpoint."""
    checkpoint = write_checkpoint(
        world / "checkpoints" / "graph", block="atr", reasoner="gr", num_reasoners=1
    )

    def made(kind: str):
        arguments = ["--checkpoint", checkpoint, "--data", world / "clips", "--out", results]
        assert main([kind, *map(str, arguments)]) == 0
        (folder,) = results.glob(f"{kind}-*")
        return folder

    return made


def told(app) -> None:
    skipped, damaged = warnings(app)
    assert skipped.startswith("1 video left out that could not be read: \\[here")
    assert damaged.startswith("2 videos with frames that are missing or cannot be decoded: half.mp4, \\[here")
    assert "<b>" not in skipped.replace("\\<b", "") and "`c`" not in skipped


@pytest.mark.parametrize("kind", PAGES)
def test_what_a_result_is_without_is_said_beside_it(launch, stored, kind):
    folder = stored(kind)
    assert not warnings(opened(launch, kind))
    edit(folder, **LEFT_OUT)
    app = opened(launch, kind)
    told(app)
    assert not app.error


def test_what_predictions_are_without_is_said_once_for_all(launch, two, results):
    for folder in results.glob("predictions-*"):
        edit(folder, **LEFT_OUT)
    app = launch("compare")
    told(app)
    assert not app.error


ODD = {
    "null": None,
    "text": "text",
    "number": 5,
    "nested lists": [[1], [2, [3]]],
    "objects of odd values": [{"id": None, "message": []}],
    "huge text": "word " * 100_000,
}


@pytest.mark.parametrize("kind", PAGES)
def test_results_of_odd_shape_are_named_beside_the_good_one(launch, stored, kind):
    good, shown = stored(kind), opened(launch, kind)
    odd = []
    for number, key in enumerate(("skipped", "data", "damaged", "notices", "command")):
        for name, value in ODD.items():
            if key == "command" and isinstance(value, str) and len(value) < 10:
                continue  # a command like any other
            folder = good.parent / f"{kind}-odd{number}-{name.replace(' ', '-')}"
            shutil.copytree(good, folder)
            edit(folder, **{key: value})
            odd.append(folder.name)
    app = opened(launch, kind)
    assert not app.error
    assert len(warnings(app)) == len(odd)
    assert all(any(name in warning for warning in warnings(app)) for name in odd)
    assert len(app.get("plotly_chart")) == len(shown.get("plotly_chart"))


def test_markup_in_a_result_is_shown_as_it_is(launch, stored):
    for kind in PAGES:
        folder = stored(kind)
        data = json.loads((folder / RESULT).read_text())["data"]
        edit(folder, command=MARKUP, notes=[MARKUP], data=data | {"description": MARKUP})
    for kind in PAGES:
        app = opened(launch, kind)
        texts = [e.value for of in (app.markdown, app.caption, app.warning, app.error) for e in of]
        assert any("\\[here" in text for text in texts)
        assert not any("https://" in text or "[here" in text.replace("\\[here", "") for text in texts)


def test_addresses_in_the_facts_of_a_checkpoint_become_no_links(launch, world):
    folder = write_checkpoint(world / "checkpoints" / "only", block="atr")
    config = json.loads((folder / "config.json").read_text())
    address = "https://example.org www.example.org me@example.org"
    config |= {"training_data": address, "metrics": {address: 0.5}}
    (folder / "config.json").write_text(json.dumps(config))
    app = launch("checkpoints")
    texts = [e.value for kind in (app.markdown, app.caption) for e in kind] + [m.label for m in app.metric]
    assert sum("example.org" in text for text in texts) == 2
    assert not any(found in text for text in texts for found in ("https://", "www.", "@e"))


def test_predictions_of_odd_shape_are_named_beside_the_good_ones(launch, two, results):
    names = []
    for number, (key, value) in enumerate(
        (key, value) for key in ("labels", "data") for value in ODD.values()
    ):
        folder = write_calls(results, two[0], TARGETS[:4], TARGETS[:4], data=f"other {number}")
        edit(folder, **{key: value})
        names.append(folder.name)
    app = launch("compare")
    assert not app.error and app.title[0].value == "first against second"
    assert len(warnings(app)) == len(names)
    assert all(any(name in warning for warning in warnings(app)) for name in names)
