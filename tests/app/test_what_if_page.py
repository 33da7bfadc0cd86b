"""The page "What if": class scores under interventions, links, stored results and their computation."""

import shutil

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

import atr
from analysis.commands.faithfulness import Faithfulness, faithfulness_folder
from analysis.commands.order import Order, order_folder
from analysis.interventions import Intervention, intervene
from app import loading
from app.computing import digest_of
from app.loading.what_if import outcome, sampled
from app.runs import Run
from atr.video import decode
from tests.app.conftest import ROOT
from tests.app.world import LABELS, SIDE, write_checkpoint


@pytest.fixture
def network(world, monkeypatch):
    """A checkpoint for 4 frames whose answer depends on the order of the frames and on every block's M."""
    monkeypatch.setenv("ATR_RESULTS", str(world / "results"))
    model = atr.create_model("tsn_resnet18", num_classes=3, num_frames=4, width=0.125, block="atr").eval()
    nn.init.normal_(model.fc.weight)
    for block in model.blocks.values():
        nn.init.normal_(block.arl.cond.weight, std=20)
    with torch.no_grad():  # statistics of its own, so that activations neither die nor explode
        model.train()(torch.randn(8, 4, 3, SIDE, SIDE))
    return atr.save_checkpoint(
        world / "checkpoints" / "net",
        model.eval(),
        labels=LABELS,
        preprocessing=atr.Preprocessing(short_side=SIDE, crop=SIDE),
    )


def open_link(**query: str) -> AppTest:
    """The page as the first one of a session, so that it reads the address itself."""
    app = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return app.switch_page("views/what_if.py").run()


def errors(app) -> list[str]:
    return [error.value for error in app.error]


def expected(folder, intervention: Intervention, clip: int = 0) -> np.ndarray:
    """Probabilities of a shipped clip, computed without the page."""
    model, clips = atr.load_checkpoint(folder), loading.shipped_clips()
    frames = decode(clips[clip].path, [1, 4, 7, 10])
    return intervene(model, frames, intervention).probabilities


def shown(app) -> tuple[str, str | None]:
    (metric,) = app.metric
    return metric.value, metric.delta


def drawn(app) -> list[str]:
    """The charts on the page, by what is said of them."""
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def test_without_a_checkpoint_the_page_says_so(launch, world):
    (error,) = errors(launch("what_if"))
    assert str(world / "checkpoints") in error


def test_a_broken_checkpoint_is_one_error_and_another_choice_mends_it(launch, world, network):
    (world / "checkpoints" / "broken").mkdir()
    app = launch("what_if")
    app.selectbox(key="checkpoint").select("broken").run()
    (error,) = errors(app)
    assert "broken" in error and "config.json" in error
    app.selectbox(key="checkpoint").select("net").run()
    assert not errors(app) and not app.exception and app.metric


def test_damaged_weights_are_one_error(launch, network):
    (network / "model.safetensors").write_bytes(b"no tensors")
    (error,) = errors(launch("what_if"))
    assert "does not match the digest" in error


def test_at_first_nothing_is_changed(launch, network):
    app = launch("what_if")
    assert not errors(app) and not app.warning
    true = expected(network, Intervention())[LABELS.index("moving right")]
    assert shown(app) == (f"{true:.1%}", "")
    assert app.query_params == {"clip": "val-000000", "checkpoint": "net"}
    assert len(app.get("tab")) == 2


def test_every_control_moves_the_true_class_as_computed(launch, network):
    app = launch("what_if")
    was = expected(network, Intervention())[0]

    def now_is(**settings):
        now = expected(network, Intervention(**settings))[0]
        assert not errors(app) and not app.exception
        assert shown(app) == (f"{now:.1%}", f"{100 * (now - was):+.1f} points, from {was:.1%}")

    app.button_group(key="what_if order").set_value("reversed").run()
    now_is(order="reversed")
    app.button_group(key="what_if order").set_value("frozen").run()
    app.select_slider(key="what_if step").set_value(3).run()
    now_is(order="frozen", step=2)
    app.button_group(key="what_if order").set_value("shuffled").run()
    app.number_input(key="what_if seed").set_value(5).run()
    now_is(order="shuffled", seed=5)
    app.button_group(key="what_if hide").set_value("top").run()
    now_is(order="shuffled", seed=5, hide="top", share=0.2, block="S5B2")
    app.slider(key="what_if q").set_value(45).run()
    app.selectbox(key="what_if block").set_value("S3B1").run()
    app.selectbox(key="what_if fill").set_value("blur").run()
    now_is(order="shuffled", seed=5, hide="top", share=0.45, block="S3B1", fill="blur")
    assert any("29 of the 64 positions of S3B1 in every frame (45.3%)" in c.value for c in app.caption)
    app.button_group(key="what_if order").set_value("as it is").run()
    app.button_group(key="what_if hide").set_value("nothing").run()
    app.button_group(key="what_if actionness").set_value("zero").run()
    now_is(actionness="zero")
    app.button_group(key="what_if hide").set_value("bottom").run()
    assert app.slider(key="what_if q").value == 45  # a control that comes back has kept its value


def test_a_link_restores_the_settings(launch, network):
    app = launch(
        "what_if",
        clip="val-000001",
        checkpoint="net",
        order="frozen",
        step="2",
        hide="random",
        q="30",
        seed="9",
    )
    assert not app.warning and not errors(app)
    settings = {"order": "frozen", "step": 1, "hide": "random", "share": 0.3, "seed": 9, "block": "S5B2"}
    was = expected(network, Intervention(), clip=1)[1]
    now = expected(network, Intervention(**settings), clip=1)[1]
    assert shown(app) == (f"{now:.1%}", f"{100 * (now - was):+.1f} points, from {was:.1%}")
    assert app.query_params == {
        "clip": "val-000001",
        "checkpoint": "net",
        "order": "frozen",
        "step": "2",
        "hide": "random",
        "q": "30",
        "seed": "9",
        "block": "S5B2",
    }


def test_unknown_values_of_a_link_are_one_warning_and_the_defaults(launch, network):
    app = open_link(order="sideways", q="101", step="0", block="S9B1", actionness="<b>", seed="-1")
    (warning,) = [warning.value for warning in app.warning]
    for sentence in (
        "order 'sideways'; net allows: as it is, reversed, shuffled, frozen.",
        "q '101'; net allows: 0 to 100.",
        "step '0'; net allows: 1 to 4.",
        "block 'S9B1'; net allows: S3B1, S3B2, S4B1, S4B2, S5B1, S5B2.",
        "seed '-1'; net allows: 0 to 9999.",
    ):
        assert sentence in warning
    assert r"actionness '\<b\>'" in warning
    assert not errors(app)
    assert app.query_params == {"clip": "val-000000", "checkpoint": "net"}


def test_the_settings_survive_a_visit_to_another_page(launch, network):
    app = launch("what_if")
    app.button_group(key="what_if hide").set_value("bottom").run()
    app.slider(key="what_if q").set_value(65).run()
    app.switch_page("views/checkpoints.py").run()
    app.switch_page("views/what_if.py").run()
    assert app.button_group(key="what_if hide").value == "bottom"
    assert app.slider(key="what_if q").value == 65


@pytest.mark.parametrize("options", [{}, {"block": "atr_sim"}], ids=["backbone", "atr_sim"])
def test_a_checkpoint_without_actionness_hides_at_random_and_says_why(launch, world, network, options):
    write_checkpoint(world / "checkpoints" / "plain", **options)
    app = open_link(checkpoint="net", hide="top", actionness="zero")
    app.selectbox(key="checkpoint").select("plain").run()
    assert not errors(app) and not app.exception
    assert app.button_group(key="what_if hide").options == ["Nothing", "Random"]
    assert app.button_group(key="what_if hide").value == "nothing"
    assert any("no Action-related Region Locator" in caption.value for caption in app.caption)
    app.button_group(key="what_if hide").set_value("random").run()
    assert not errors(app)
    assert any("Hidden:" in caption.value for caption in app.caption)


def test_a_video_that_is_none_is_one_error(launch, network):
    app = launch("what_if")
    app.button_group(key="source").set_value("Upload").run()
    app.file_uploader(key="upload").upload("holiday.mp4", b"this is no video", "video/mp4").run()
    (error,) = errors(app)
    assert error.startswith("holiday.mp4: cannot be read as a video")


def test_an_upload_without_a_label_follows_the_class_first_predicted(launch, world, network):
    app = launch("what_if")
    app.button_group(key="source").set_value("Upload").run()
    app.file_uploader(key="upload").upload(
        "mine.mp4", (world / "clips" / "val-000001.mp4").read_bytes(), "video/mp4"
    ).run()
    assert not errors(app)
    assert app.metric[0].label.startswith("First predicted: ")
    assert app.query_params == {}


def test_what_is_computed_is_found_again_and_a_replaced_clip_is_read_anew(world, network):
    first, second = loading.shipped_clips()
    seen = sampled(first, "net")
    assert seen.indices.tolist() == [1, 4, 7, 10]
    before = outcome(seen, "net", Intervention())
    shutil.copy(second.path, first.path)
    again = sampled(first, "net")
    assert again.identity != seen.identity
    assert (outcome(again, "net", Intervention()).probabilities != before.probabilities).any()


# ---- over a data set


def test_stored_results_are_shown_and_without_one_the_page_says_so(launch, world, network):
    app = launch("what_if")
    assert ["No result over a data set" in info.value for info in app.info] == [True, True]
    data, out = str(world / "clips"), world / "results"
    assert Order(network, data=data, out=out).run("python -m analysis order --seed 0") == 0
    assert Faithfulness(network, data=data, out=out, block="S4B1").run("python -m analysis faithfulness") == 0
    app.run()
    assert not app.info and not errors(app) and not app.exception
    assert "python -m analysis order --seed 0" in [code.value for code in app.code]
    tables = [frame.value for frame in app.dataframe]
    assert tables[0]["class"].tolist() == ["all", *LABELS[:2]]
    assert tables[1]["order"].tolist() == ["actionness", "Grad-CAM", "centre", "random"] * 2
    assert len(app.get("plotly_chart")) == 3
    assert len(app.get("download_button")) == 7
    assert any("not known of this data set" in caption.value for caption in app.caption)


def test_results_of_another_checkpoint_are_not_shown(world, network):
    other = write_checkpoint(world / "checkpoints" / "other", block="atr")
    assert Order(other, data=str(world / "clips"), out=world / "results").run("order") == 0
    assert len(loading.stored_results("other", "order")) == 1
    assert loading.stored_results("net", "order") == {}


def test_a_computation_is_started_with_what_was_chosen(launch, world, network, monkeypatch):
    started = []
    monkeypatch.setattr(Run, "start", lambda run, *command: started.append((run.folder, *command)))
    app, model, clips = launch("what_if"), atr.load_checkpoint(network), str(world / "clips")
    app.selectbox(key="data order").set_value(clips).run()
    app.number_input(key=f"clips {clips} order").set_value(1).run()
    app.button(key="compute order").click().run()
    app.selectbox(key="block net faithfulness").set_value("S2B1").run()
    app.selectbox(key="fill faithfulness").set_value("blur").run()
    app.button(key="compute faithfulness").click().run()
    (order, order_arguments, module), (faithful, arguments, module) = started
    assert module == "analysis"
    root = (world / "results").resolve()
    given = ["--checkpoint", str(network.resolve()), "--data", clips, "--num-clips", "1"]
    assert order_arguments == ["order", *given, "--out", str(root)]
    assert order == order_folder(root, network, digest_of(clips, 1, model))
    given = ["--checkpoint", str(network.resolve()), "--data", "tabletop:val", "--num-clips", "200"]
    assert arguments == ["faithfulness", *given, "--block", "S2B1", "--fill", "blur", "--out", str(root)]
    digest = digest_of("tabletop:val", 200, model)
    assert faithful == faithfulness_folder(root, network, digest, "S2B1", fill="blur")


def test_an_unreadable_result_is_one_error_and_the_clip_stays(launch, world, network):
    folder = world / "results" / "order-net-000000000000"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("{")
    app = launch("what_if")
    (error,) = errors(app)
    assert "holds no readable result" in error
    assert app.metric
