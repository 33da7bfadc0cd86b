"""The page "Evidence": without cells, with some, with broken ones."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from analysis.ablation.cells import Cell
from analysis.ablation.grids import NETWORKS
from app.loading import evidence
from atr.checkpoint import CONFIG
from tests.analysis.ablation.toy_cells import values_of, write_cell, write_headline
from tests.app.conftest import ROOT
from tests.app.world import write_checkpoint


@pytest.fixture
def cells(results, tmp_path, monkeypatch):
    """Where this world's cells lie; the shipped ones are out of sight."""
    monkeypatch.setattr(evidence, "ASSETS", tmp_path / "shipped")
    return results / evidence.CELLS


@pytest.fixture
def opened(cells):
    """Opens the page at once, as a link does."""

    def open_page(tab: str | None = None) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)
        if tab is not None:
            app.query_params["tab"] = tab
        app.switch_page("views/evidence.py").run()
        assert not app.exception
        return app

    return open_page


def texts(app) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.code)
    return "\n".join(element.value for kind in kinds for element in kind)


def columns(app, name: str) -> list[str]:
    return [value for table in app.dataframe if name in table.value for value in table.value[name]]


def test_without_cells_it_shows_the_papers_numbers_and_the_command(opened):
    app = opened()
    assert "No cell of this grid has been trained yet" in texts(app)
    assert "python -m analysis ablate all --workers 2" in texts(app)
    assert {word for words in columns(app, "Verdict") for word in words} == {"not run yet"}
    app = opened("Table 1")
    assert "27.5 (stated)" in columns(app, "Paper, %") and set(columns(app, "Here, % [95 %]")) == {""}
    assert "gray-badge[not run yet]" in texts(app) and "green-badge" not in texts(app)


def test_with_cells_it_shows_numbers_and_verdicts(opened, cells):
    write_headline(cells)
    app = opened()
    (claims,) = app.dataframe
    first = claims.value.set_index("Claim").loc["ATR in three stages is better than ATR_sim there"]
    assert first.Verdict == ["holds"] and first.Table == "Table 1" and "3 seeds" in first.Here
    assert set(claims.value.Table) == {*(f"Table {n}" for n in range(1, 6)), "Rivals", "Length"}
    app = opened("Table 1")
    shown = texts(app)
    assert ":green-badge[holds] ATR in three stages is better than ATR_sim there." in shown.replace("\\", "")
    assert "10 trainings of 4 networks" in shown.replace("\\", "")
    assert any(value.startswith("70.") for value in columns(app, "Here, % [95 %]"))
    assert not app.warning
    assert "0.40 ± 0.00" in columns(opened("Maps"), "S4B1")


def test_a_link_opens_a_tab_and_one_that_is_not_there_is_told(opened, cells):
    assert opened("Table 5").query_params == {"tab": "Table 5"}
    app = opened("Maps")  # which there are only of cells
    (warning,) = app.warning
    assert "tab 'Maps', which is not here; there are: Claims, Table 1" in warning.value
    assert app.query_params == {"tab": "Claims"}


def test_a_broken_cell_is_named_and_the_others_are_shown(opened, cells):
    write_headline(cells)
    (cells / "tsn-seed9.json").write_text("{")
    app = opened("Table 1")
    (warning,) = app.warning
    assert "tsn-seed9.json" in warning.value
    assert "green-badge[holds]" in texts(app)


def test_a_row_links_to_compare_where_a_checkpoint_of_its_training_is_here(opened, world):
    """Of any seed; one of the same network that was trained for longer is none of the row's."""
    cell = Cell.of("scaling", NETWORKS["scaling"], seed=7)
    for name, settings in (("mine", cell.settings), ("longer", cell.settings | {"epochs": 60})):
        folder = write_checkpoint(world / "checkpoints" / name, block="atr")
        config = json.loads((folder / CONFIG).read_text()) | {"training": settings}
        (folder / CONFIG).write_text(json.dumps(config))
    links = columns(opened("Table 4"), "Compare")
    assert "compare?a=mine" in links and "compare?a=longer" not in links


def test_verdicts_have_colours_of_their_own(opened, cells):
    """TSM far above TSM with ATR: the claim that TSM gains by ATR fails. ATR_sim varies: nothing is decided."""
    write_headline(cells)
    for seed in range(3):
        for network, share in (("tsm", 0.8), ("tsm-atr", 0.4), ("tsm-atr-sim", 0.3 + 0.1 * seed)):
            write_cell(cells, network, seed, share)
    shown = texts(opened("Table 5")).replace("\\", "")
    assert ":red-badge[does not hold here] TSM gains by ATR." in shown
    assert (
        ":orange-badge[cannot be decided at this scale] TSM gains more by ATR than by ATR_sim (ours)."
        in shown
    )


def test_blocks_that_are_not_alive_are_told(opened, cells):
    write_headline(cells)
    values = values_of("atr-s3-5", 1, 0.7)
    values["history"][-1]["blocks"] = [{"block": "S4B1", "state": "collapsed"}]
    write_cell(cells, "atr-s3-5", 1, 0.7, history=values["history"])
    assert "S4B1 collapsed" in columns(opened("Maps"), "Blocks")


def test_own_cells_stand_in_the_place_of_shipped_ones_and_what_does_not_count_is_told(
    opened, cells, tmp_path
):
    for seed in range(3):
        write_cell(tmp_path / "shipped" / "results" / evidence.CELLS, "tsn", seed, 0.3)
        write_cell(cells, "tsn", seed, 0.6)
    write_cell(cells, "tsm", 0, 0.5, settings={"epochs": 99})
    app = opened("Table 1")
    assert any(value.startswith("60.") for value in columns(app, "Here, % [95 %]"))
    (warning,) = app.warning
    assert "1 of 4 stored results do not count" in warning.value.replace("\\", "")
