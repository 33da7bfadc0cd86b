from pathlib import Path

import pytest
import torch
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from torch import nn

import atr
from tests.app.world import FIRST, LABELS, SECOND, SIDE, TARGETS, write_calls, write_checkpoint, write_clips

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def packages_scanned_once():
    """Every AppTest looks for components in all installed packages, which takes longer than most pages."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Roots with two shipped clips and no checkpoint yet."""
    (tmp_path / "checkpoints").mkdir()
    write_clips(tmp_path / "clips")
    monkeypatch.setenv("ATR_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("ATR_CLIPS", str(tmp_path / "clips"))
    monkeypatch.delenv("ATR_VIDEOS", raising=False)
    monkeypatch.setattr("app.actionness.below.HEAD_START", 0)  # there is no browser that could use it
    return tmp_path


@pytest.fixture
def launch(world):
    """Opens the dashboard: launch(page="checkpoints", clip="val-000001") -> AppTest after its first run."""

    def open_page(page: str = "actionness", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        if page != "actionness":
            app.switch_page(f"views/{page}.py").run()
        assert not app.exception
        return app

    return open_page


def errors(app: AppTest) -> list[str]:
    return [error.value for error in app.error]


def open_link(page: str, **query: str) -> AppTest:
    """That page as the first one of a session, so that it reads the address itself."""
    app = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(f"views/{page}.py").run()
    assert not app.exception
    return app


@pytest.fixture
def results(world, monkeypatch):
    monkeypatch.setenv("ATR_RESULTS", str(world / "results"))
    return world / "results"


@pytest.fixture
def two(world, results):
    """Checkpoints "first" (ATR) and "second" (ATR_sim) with predictions of six rendered clips."""
    first = write_checkpoint(world / "checkpoints" / "first", block="atr")
    second = write_checkpoint(world / "checkpoints" / "second", block="atr_sim")
    write_calls(results, first, TARGETS, FIRST)
    write_calls(results, second, TARGETS, SECOND)
    return first, second


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
