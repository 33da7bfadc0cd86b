"""The page "What if" over data sets: stored results, those that cannot be read, and what is computed."""

import json

import atr
from analysis.commands.faithfulness import Faithfulness
from analysis.commands.order import Order
from analysis.what_if.faithfulness import faithfulness_folder
from analysis.what_if.order import order_folder
from analysis.what_if.rankings import rankings_of
from app.computing import digest_and_labels
from app.loading.results import readable_results
from app.runs import Run
from atr.results.questions import Options
from atr.results.store import place_of_answer
from tests.app.conftest import errors
from tests.app.world import LABELS, write_checkpoint


def drawn(app) -> list[str]:
    """The charts on the page, by what is said of them."""
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def opened(app, tab: str):
    """The page with that tab open, which alone is drawn, and its numbers."""
    app.session_state["what_if_tab"] = f"{tab} over a data set"
    app.session_state["what_if_numbers"] = True
    app.run()
    assert not errors(app) and not app.exception
    return app


def test_results_that_are_described_alike_can_both_be_chosen(launch, world, network):
    data, out = str(world / "clips"), world / "results"
    for number in (1, 2):
        assert Order(Options(network, data=data, out=out)).run(f"command {number}") == 0
        (folder,) = [each for each in out.glob("order-*") if not each.name.endswith("-own")]
        folder.rename(folder.with_name(f"order-{number}-own"))
    app = opened(launch("what_if"), "Order")
    folders = [out / f"order-{number}-own" for number in (1, 2)]
    texts = app.selectbox(key="stored order").options
    assert sorted(text.rpartition(" · ")[2] for text in texts) == [folder.name for folder in folders]
    for number, folder in enumerate(folders, start=1):
        app.selectbox(key="stored order").set_value(folder).run()
        app.run()
        told = [code.value for code in app.code if code.value.startswith("command ")]
        assert told == [f"command {number}"]


def test_stored_results_are_shown_and_without_one_the_page_says_so(launch, world, network):
    app = launch("what_if")
    for tab in ("Faithfulness", "Order"):
        assert ["No result over a data set" in info.value for info in opened(app, tab).info] == [True]
    data, out = str(world / "clips"), world / "results"
    assert Order(Options(network, data=data, out=out)).run("python -m analysis order --seed 0") == 0
    assert (
        Faithfulness(Options(network, data=data, out=out), block=("S4B1",)).run(
            "python -m analysis faithfulness"
        )
        == 0
    )
    assert not opened(app, "Order").info
    assert "python -m analysis order --seed 0" in [code.value for code in app.code]
    assert app.dataframe[0].value["class"].tolist() == ["all", *LABELS[:2]]
    assert len(app.get("plotly_chart")) == 2
    assert len(app.get("download_button")) == 5 + 3  # of the clip, of the result
    assert any("For this data set it is not known" in caption.value for caption in app.caption)
    opened(app, "Faithfulness")
    assert not app.info
    assert (
        app.dataframe[0].value["order"].tolist()
        == [
            "actionness S4B1",
            "Grad-CAM S4B1",
            "frame difference",
            "centre",
            "random",
        ]
        * 2
    )
    assert len(app.get("plotly_chart")) == 2
    assert len(app.get("download_button")) == 5 + 4


def test_results_of_another_checkpoint_are_not_shown(world, network):
    other = write_checkpoint(world / "checkpoints" / "other", block="atr")
    assert Order(Options(other, data=str(world / "clips"), out=world / "results")).run("order") == 0
    found, faults = readable_results("other", "order")
    assert len(found) == 1 and not faults
    assert readable_results("net", "order") == ({}, [])


def test_results_of_the_same_weights_with_other_labels_are_not_shown(world, network):
    assert Order(Options(network, data=str(world / "clips"), out=world / "results")).run("order") == 0
    assert len(readable_results("net", "order")[0]) == 1
    config = json.loads((network / "config.json").read_text())
    config["labels"] = config["labels"][::-1]
    (network / "config.json").write_text(json.dumps(config))
    assert readable_results("net", "order") == ({}, [])


def test_a_computation_is_started_with_what_was_chosen(launch, world, network, monkeypatch):
    started = []
    monkeypatch.setattr(Run, "start", lambda run, *command: started.append((run.folder, *command)))
    app, model, clips = launch("what_if"), atr.load_checkpoint(network), str(world / "clips")
    app.selectbox(key="data order").set_value(clips).run()
    app.number_input(key=f"clips {clips} order").set_value(1).run()
    app.button(key="compute order").click().run()
    opened(app, "Faithfulness")
    app.selectbox(key="block net faithfulness").set_value("S2B1").run()
    app.selectbox(key="fill faithfulness").set_value("blur").run()
    app.button(key="compute faithfulness").click().run()
    (order, order_arguments, module), (faithful, arguments, module) = started
    assert module == "analysis"
    root = (world / "results").resolve()
    given = ["--checkpoint", str(network.resolve()), "--data", clips, "--num-clips", "1"]
    assert order_arguments == ["order", *given, "--out", str(root)]
    digest, labels = digest_and_labels(clips, 1, model)
    assert order == order_folder(root, network, digest) and labels == LABELS
    given = ["--checkpoint", str(network.resolve()), "--data", "tabletop:val", "--num-clips", "200"]
    assert arguments == ["faithfulness", *given, "--block", "S2B1", "--fill", "blur", "--out", str(root)]
    digest, labels = digest_and_labels("tabletop:val", 200, model)
    folder = faithfulness_folder(root, network, digest, rankings_of(model, ("S2B1",)), fill="blur")
    assert faithful == place_of_answer(folder, LABELS, labels)  # rendered clips have other classes


def test_unreadable_and_incomplete_results_are_warned_of_and_the_rest_of_the_page_stays(
    launch, world, network
):
    data, out = str(world / "clips"), world / "results"
    assert Order(Options(network, data=data, out=out)).run("order") == 0
    (whole,) = out.glob("order-net-*/result.json")
    result = json.loads(whole.read_text())
    del result["overall"]
    for name, text in (("0", "{"), ("1", json.dumps(result)), ("2", "[]")):
        folder = out / f"order-net-{name}"
        folder.mkdir()
        (folder / "result.json").write_text(text)
    app = launch("what_if")
    assert not errors(app) and not app.exception
    unreadable, incomplete, foreign = [warning.value for warning in app.warning]
    assert "order-net-0 holds no readable result" in unreadable
    assert "order-net-1 is no whole result: its result.json has no 'overall'" in incomplete
    assert "order-net-2 is no whole result: its result.json has no 'checkpoint.weights_sha256'" in foreign
    assert app.metric and "Accuracies by order, over all clips and by class" in drawn(app)
    assert app.button(key="compute order")
    assert opened(app, "Faithfulness").button(key="compute faithfulness")


def test_a_result_is_stored_already_with_the_same_settings_alone(launch, world, network):
    options = Options(network, data=str(world / "clips"), out=world / "results")
    assert Faithfulness(options, block=("S4B1",)).run("python -m analysis faithfulness") == 0
    app = opened(launch("what_if"), "Faithfulness")
    app.selectbox(key="data faithfulness").set_value(str((world / "clips").resolve())).run()
    said = []
    for key, value in (("block net", "S5B2"), ("block net", "S4B1"), ("fill", "blur")):
        app.selectbox(key=f"{key} faithfulness").set_value(value).run()
        said.append("This result is stored already." in [caption.value for caption in app.caption])
    assert said == [False, True, False] and app.button(key="compute faithfulness")
