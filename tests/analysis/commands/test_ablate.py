"""The commands ablate and evidence."""

import pytest

from analysis.__main__ import main
from analysis.ablation import running
from analysis.ablation.grids import TABLES
from analysis.commands import ablate
from tests.analysis.ablation.toy_cells import write_cell, write_headline


@pytest.fixture
def listed(tmp_path, capsys, monkeypatch):
    """Prints the cells of a table: listed("1", ...) -> (exit code, text, errors)."""
    monkeypatch.setattr(
        ablate.Cell, "start", "a" * 64
    )  # of the toy cells; the checkpoint itself may not be here

    def run(*words):
        code = main(["ablate", *words, "--list", "--out", str(tmp_path / "cells")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_list_prints_cells_what_is_done_and_the_table(listed, tmp_path):
    write_headline(tmp_path / "cells")
    code, text, _ = listed("4")
    assert code == 0
    lines = [line for line in text.splitlines() if "--only" in line]
    assert len(lines) == 3 + 5 + 5
    done = [line for line in lines if line.startswith("done")]
    assert [line.split()[1] for line in done] == ["atr-s3-5-seed0", "atr-s3-5-seed1", "atr-s3-5-seed2"]
    assert TABLES["4"].title in text and "59.6 (stated)" in text and "Adding is better than scaling" in text


def test_cells_can_be_chosen_by_network_and_seed(listed):
    _, text, _ = listed("all", "--only", "gr-1", "er-1", "--seeds", "7")
    cells = [line.split()[2] for line in text.splitlines() if line.startswith("to do")]
    assert cells == ["gr-1-seed7", "er-1-seed7"]


def test_seeds_come_one_after_the_other_so_that_every_row_soon_has_one(listed):
    _, text, _ = listed("3")
    seeds = [line.split()[2][-1] for line in text.splitlines() if line.startswith("to do")]
    assert seeds == sorted(seeds) and seeds.count("0") == 3


def test_cells_in_float32_are_done_by_those_in_bfloat16(listed, tmp_path):
    write_headline(tmp_path / "cells")
    _, text, _ = listed("1", "--only", "atr-s3-5", "--seeds", "2", "9", "--mixed-precision", "no")
    done, to_do = (line for line in text.splitlines() if "--only" in line)
    assert done.startswith("done   atr-s3-5-seed2")
    assert to_do.endswith("ablate all --only atr-s3-5 --seeds 9 --mixed-precision no")


def test_a_broken_file_is_named_and_its_cell_is_to_be_run(listed, tmp_path):
    path = write_cell(tmp_path / "cells", "scaling", 0, 0.5)
    path.write_text(path.read_text()[:100])
    _, text, errors = listed("4", "--seeds", "0")
    assert "scaling-seed0.json" in errors and "to do  scaling-seed0" in text


def test_what_is_not_in_the_table_is_refused(listed):
    code, _, errors = listed("4", "--only", "gr-1")
    assert code == 2 and "gr-1 is not in table 4; allowed: uniform, scaling, atr-s3-5" in errors


def test_finished_cells_are_not_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ablate.Cell, "start", "a" * 64)
    asked = []
    monkeypatch.setattr(running, "run_cells", lambda cells, *place, **options: asked.extend(cells) or {})
    write_cell(tmp_path, "uniform", 0, 0.5)
    assert main(["ablate", "4", "--seeds", "0", "--out", str(tmp_path), "--minutes", "0"]) == 3
    assert [cell.network for cell in asked] == ["scaling", "atr-s3-5"]
    printed = capsys.readouterr()
    assert "1 of 3 cells are done" in printed.out
    told = "2 of 2 cells were left when the minutes were over: scaling-seed0, atr-s3-5-seed0"
    assert told in printed.err


def test_failed_cells_are_named_at_the_end(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ablate.Cell, "start", None)
    monkeypatch.setattr(running, "run_cells", lambda *place, **options: {"uniform-seed0": "no disk"})
    assert main(["ablate", "4", "--only", "uniform", "--seeds", "0", "--out", str(tmp_path)]) == 2
    assert "1 of 1 cells failed: uniform-seed0: no disk" in capsys.readouterr().err


def written(tmp_path, capsys) -> tuple[str, str]:
    out = tmp_path / "page.html"
    assert main(["evidence", "--cells", str(tmp_path / "cells"), "--out", str(out)]) == 0
    return out.read_text(), capsys.readouterr().err


def test_without_cells_the_page_has_the_papers_numbers_and_the_command(tmp_path, capsys):
    (tmp_path / "cells").mkdir()
    text, _ = written(tmp_path, capsys)
    assert "No cell of this grid has been trained yet" in text and "python -m analysis ablate all" in text
    assert "27.5 (stated)" in text and "not run yet" in text and "holds</td>" not in text


def test_cells_that_are_no_folder_are_refused(tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["evidence", "--cells", str(tmp_path / "nowhere"), "--out", str(out)]) == 2
    assert "nowhere' is no folder; `python -m analysis ablate` fills one" in capsys.readouterr().err
    assert not out.exists()


def test_with_cells_it_has_numbers_verdicts_and_where_they_are_from(tmp_path, capsys):
    write_headline(tmp_path / "cells")
    text, _ = written(tmp_path, capsys)
    assert "10 trainings of 4 networks" in text and '<td class="short">holds</td>' in text
    assert f"Commits: {'0' * 12}." in text and "0.40 ± 0.00" in text


def test_a_broken_cell_is_named_on_the_page_and_the_others_are_shown(tmp_path, capsys):
    write_headline(tmp_path / "cells")
    (tmp_path / "cells" / "tsn-seed9.json").write_text("[1, <script>")
    text, errors = written(tmp_path, capsys)
    assert "tsn-seed9.json" in errors and "Not used: " in text and '<td class="short">holds</td>' in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--workers", "0"), "workers=0 is not possible; allowed: 1 to 256"),
        (("--minutes", "-1"), "minutes=-1.0 is not allowed; allowed: 0 or more"),
        (("--workers", "257"), "workers=257 is not possible; allowed: 1 to 256"),
        (("--seeds", "1", "-2"), "seeds=-2 is not possible; allowed: 0 to 4,294,967,295"),
        (("--seeds", "4294967296"), "seeds=4294967296 is not possible; allowed: 0 to 4,294,967,295"),
        (("--minutes", "nan"), "minutes=nan is not allowed"),
    ],
)
def test_impossible_numbers_are_refused(listed, words, told):
    code, _, errors = listed("4", *words)
    assert code == 2 and told in errors
