import json

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.commands.compare import Compare
from analysis.compare.numbers import clip_table, confusions, paired, per_class
from atr.results.predictions import write_predictions
from tests.analysis.compare.toy_predictions import TARGETS, predictions


@pytest.fixture
def a():
    return predictions("first", [0, 0, 1, 1, 0, 2])


@pytest.fixture
def b():
    return predictions("second", [0, 1, 1, 1, 1, 0])


def written(root, *found):
    for p in found:
        (root / p.name).mkdir()
        write_predictions(root / p.name, p)
    return tuple(root / p.name for p in found)


def test_it_prints_the_sentence_and_writes_what_the_functions_compute(a, b, tmp_path, capsys):
    out = tmp_path / "new" / "comparison"
    assert Compare(written(tmp_path, a, b), out).run("the command") == 0
    printed = capsys.readouterr().out
    assert paired(a, b).sentence in printed and "66.7 [30.0, 90.3]" in printed

    tables = {path.stem: pd.read_csv(path) for path in out.glob("*.csv")}
    for name, table in (
        ("classes", per_class),
        ("confusions", confusions),
        ("clips", lambda *two: clip_table(two)),
    ):
        pd.testing.assert_frame_equal(tables[name], table(a, b), check_dtype=False, rtol=1e-6)
    assert tables["summary"].top1.tolist() == pytest.approx([4 / 6, 3 / 6])
    assert tables["reliability"].groupby("checkpoint").clips.sum().to_dict() == {"first": 6, "second": 6}

    result = json.loads((out / "comparison.json").read_text())
    assert result["command"] == "the command"
    assert result["paired"]["only_a"] == 2 and result["agreement"]["share"] == 0.5
    assert result["checkpoints"]["second"]["checkpoint"]["weights_sha256"] == "digest of second"
    assert "the command" in (out / "report.html").read_text()


def test_files_of_something_else_are_not_replaced(a, b, tmp_path):
    folders, out = written(tmp_path, a, b), tmp_path / "out"
    for _ in range(2):  # its own are
        assert Compare(folders, out).run("x") == 0
    (out / "summary.csv").unlink()
    (out / "clips.csv").write_text("mine")
    with pytest.raises(
        FileExistsError, match="out holds another pairs.csv, which is left as it is; remove it or"
    ):
        Compare(folders, out).run("x")
    assert (out / "clips.csv").read_text() == "mine"


def test_what_a_label_would_do_to_a_terminal_is_escaped(a, b, tmp_path, capsys):
    for each in (a, b):
        each.facts["labels"] = ["\x1b[31mred", *each.facts["labels"][1:]]
    assert Compare(written(tmp_path, a, b)).run("x") == 0
    printed = capsys.readouterr().out
    assert r"\x1b[31mred" in printed and "\x1b" not in printed


def test_without_a_folder_nothing_is_written(a, b, tmp_path, capsys):
    folders = written(tmp_path, a, b)
    assert Compare(folders).run("x") == 0
    assert sorted(tmp_path.iterdir()) == sorted(folders)
    assert "what differs\nnothing" in capsys.readouterr().out


def test_of_three_every_two_are_printed(a, b, tmp_path, capsys):
    Compare(written(tmp_path, a, b, predictions("third", TARGETS))).run("x")
    assert "every two" in capsys.readouterr().out


def test_what_cannot_be_read_or_compared_is_one_error(a, tmp_path):
    folders = written(tmp_path, a, predictions("other", [0] * 6, protocol="2x3"))
    with pytest.raises(ValueError, match="protocol 1x1 against 2x3"):
        Compare(folders).run("x")
    with pytest.raises(ValueError, match="2 to 4 folders of predictions are compared, got 5"):
        Compare(folders[:1] * 5).run("x")
    with pytest.raises(ValueError, match="holds no readable result"):
        Compare((folders[0], tmp_path)).run("x")
    (tmp_path / "order").mkdir()
    (tmp_path / "order" / "result.json").write_text('{"kind": "order"}')
    with pytest.raises(ValueError, match="order is a result of the kind 'order'; allowed: predictions, of "):
        Compare((folders[0], tmp_path / "order")).run("x")
    with pytest.raises(ValueError, match="first/../first is given twice"):
        Compare((folders[0], folders[0] / ".." / "first")).run("x")


@pytest.mark.parametrize("flag", [[], ["--predictions"]], ids=["as compare takes them", "by name"])
def test_the_report_takes_its_predictions(flag, a, b, tmp_path, capsys):
    folders = [str(folder) for folder in written(tmp_path, a, b)]
    out = tmp_path / "report.html"
    assert main(["report", "--num-clips", "0", *flag, *folders, "--out", str(out)]) == 0
    assert paired(a, b).sentence.split(" (")[0] in out.read_text()
    assert (
        main(["report", "--num-clips", "0", *flag, *folders, "--out", str(out)]) == 0
    )  # its own is replaced
    capsys.readouterr()
    theirs = tmp_path / "first" / "result.json"
    assert main(["report", "--num-clips", "0", *flag, *folders, "--out", str(theirs)]) == 2
    assert f"{theirs} is another file and is left as it is; remove it or" in capsys.readouterr().err
    assert main(["report", *flag, folders[0], "--out", str(out)]) == 2
    assert "2 to 4 folders of predictions are compared, got 1" in capsys.readouterr().err


def test_four_are_compared(a, b, tmp_path, capsys):
    others = (predictions(name, TARGETS) for name in ("third", "fourth"))
    assert Compare(written(tmp_path, a, b, *others)).run("x") == 0
    assert "fourth" in capsys.readouterr().out
