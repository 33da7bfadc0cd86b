"""Answers of the benchmarks of speed, the tables made of them, and how a cost grows."""

import json
import subprocess
import sys

import numpy as np
import pytest

from atr.video.sampling import uniform_indices
from benchmarks import answers, performance
from benchmarks.answers import Answer, table_of_answers, table_of_rows
from benchmarks.costs import BLOCKS, draw, rows_of
from benchmarks.markdown import END, mark, require_marks, write_tables
from benchmarks.measuring import peak_bytes
from benchmarks.performance import Options
from benchmarks.profiled import KINDS, REST, kind_of
from benchmarks.profiled import rows_of as shares_of
from benchmarks.scaling import bytes_read


@pytest.mark.parametrize(
    ("measured", "bound", "met"),
    [(1.02, "≤ 1.02", True), (1.03, "≤ 1.02", False), (18.1, "≥ 18", True), (0.5, "", None)],
)
def test_an_answer_is_held_against_its_bound(measured, bound, met):
    assert Answer("?", measured, bound).met is met


def test_a_pass_and_its_memory_are_told_from_the_largest():
    time = [
        {"work": "both", "over the larger half": 1.07},
        {"work": "network alone", "over the larger half": 0.5},
    ]
    memory = [{"clips": 100, "peak MB": 500.0}, {"clips": 10_000, "peak MB": 540.0}]
    passed, grown = answers.passes({"time": time, "memory": memory})
    assert (passed.measured, grown.measured) == (1.07, 40.0)
    assert "10,000 clips less that of 100" in grown.question and grown.met is False


def test_decoding_is_held_against_the_quickest_other_way():
    row = {"video": "clip", "package_ms": 10.0, "opencv_ms": 30.0, "pyav_ms": 12.5, "pyav_seeking_ms": 40.0}
    (answer,) = answers.decoding({"frames": 8, "videos": [row]})
    assert answer.measured == 0.8 and answer.met


def test_every_wait_at_the_dashboard_has_its_bound():
    questions = {
        "start of the server to the first overlay": "≤ 4",
        "a new window with an empty cache to its overlay": "",
        "Compare, first visit": "≤ 1.5",
        "Compare, second visit": "≤ 1",
        "change of block to the picture, ms": "≤ 16",
        "change of clip, tabletop-atr": "",
        "the same beyond decoding and the network, tabletop-atr": "≤ 0.3",
    }
    told = answers.dashboard([{"question": question, "median": 1.0} for question in questions])
    assert {answer.question: answer.bound for answer in told} == questions


@pytest.fixture
def page(tmp_path):
    page = tmp_path / "page.md"
    begins = [mark(script) for script in ("performance", "profiled", "cold_start")]
    page.write_text("above\n" + "".join(f"{begin}\nold\n{END}\nbetween\n" for begin in begins))
    return page


def test_a_table_is_written_between_its_marks_and_the_text_around_it_stays(page):
    found = {"profiled": {"shares": [{"operators": "all", "TSN": 1.0}]}}
    write_tables(page, performance.tables_of(found) | {"elsewhere": "| of another page |"})
    assert table_of_rows(found["profiled"]["shares"]) == "| operators | TSN |\n|---|---|\n| all | 1 |"
    assert page.read_text().count("\nbetween\n") == 3
    assert f"{mark('profiled')}\n| operators | TSN |\n|---|---|\n| all | 1 |\n{END}" in page.read_text()
    assert page.read_text().count("\nold\n") == 1  # of what has not been run


def test_a_page_without_a_mark_is_refused_before_anything_runs(page, tmp_path):
    page.write_text(page.read_text().replace(mark("profiled"), ""))
    with pytest.raises(ValueError, match="benchmarks.profiled"):
        performance.main(Options(page=page, out=tmp_path / "found.json"))
    with pytest.raises(ValueError, match="benchmarks.profiled"):
        require_marks(page, ("performance", "profiled"))


def test_a_table_without_an_end_takes_no_text_with_it(page):
    page.write_text(page.read_text().replace(f"old\n{END}\nbetween", "old\nbetween", 1))
    before = page.read_text()
    with pytest.raises(ValueError, match="lacks one of the marks"):
        write_tables(page, {"performance": "| new |"})
    assert page.read_text() == before


def test_a_run_that_was_stopped_continues_and_the_file_stays_until_it_is_done(page, tmp_path, monkeypatch):
    out, asked = tmp_path / "found.json", []
    options = Options(only=("cold_start", "profiled"), out=out, page=page)

    def ran(script, arguments):
        asked.append(script)
        if asked == ["cold_start", "profiled"]:
            raise KeyboardInterrupt
        return [{"question": "?", "seconds": 1.0}] if script == "cold_start" else {"shares": [{"TSN": 1.0}]}

    monkeypatch.setattr(performance, "ran", ran)
    with pytest.raises(KeyboardInterrupt):
        performance.main(options)
    assert not out.exists() and "| ? |" not in page.read_text()
    performance.main(options)
    assert asked == ["cold_start", "profiled", "profiled"]
    assert set(json.loads(out.read_text())["found"]) == {"cold_start", "profiled"}
    assert [file.name for file in tmp_path.glob("*.json")] == ["found.json"]


def test_the_peak_memory_of_a_process_is_its_own():
    """Of a process that is small, started by one that holds 300 MB."""
    held = np.ones(300_000_000, np.uint8)
    code = "from benchmarks.measuring import peak_bytes; print(peak_bytes())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert 1_000_000 < int(done.stdout) < held.nbytes / 2
    assert peak_bytes() > held.nbytes


def test_of_a_folder_of_frames_what_is_sampled_is_counted(tmp_path):
    for number in range(1, 17):
        (tmp_path / f"{number:05d}.jpg").write_bytes(bytes(number))
    assert bytes_read(tmp_path, "uniform") == sum(index + 1 for index in uniform_indices(16, 8))
    assert bytes_read(tmp_path / "00005.jpg", "uniform") == 5


def test_scripts_that_do_not_run_keep_what_they_found_on_this_machine_alone(page, tmp_path, monkeypatch):
    out = tmp_path / "found.json"
    training = [{"question": "clips a second", "median": 70.0}]
    training.append({"question": "share of waiting for clips", "median": 0.01})
    made = {
        "starting": [{"question": "python -m atr --help", "CPU seconds": 0.2}],
        "training": {"preset": "small", "training": training},
    }
    monkeypatch.setattr(performance, "ran", lambda script, arguments: made[script])
    before = page.read_text()
    for script in made:
        performance.main(Options(only=(script,), out=out, page=page))
    assert page.read_text() == before  # which tells all scripts
    monkeypatch.setattr(performance, "SCRIPTS", tuple(made))
    performance.main(Options(only=("training",), out=out, page=page))
    written = json.loads(out.read_text())
    assert written["found"] == made and len(written["answers"]) == 3
    assert table_of_answers(performance.answers_of(made)) in page.read_text()
    out.write_text(json.dumps({**written, "torch": "1.0"}))
    with pytest.raises(ValueError, match="torch '1.0'"):
        performance.main(Options(only=("starting",), out=out, page=page))


def test_a_linear_cost_has_the_power_one_and_a_square_one_two(tmp_path):
    seconds = {("frames", "line", n): 0.5 * n for n in (1, 2, 8)}
    seconds |= {("frames", "square", n): 0.1 * n**2 for n in (1, 2, 8)}
    seconds |= {(BLOCKS, "line", n): 1 + n for n in (0, 3)}
    line, square, blocks = rows = rows_of(seconds)
    assert (
        line["power"] == pytest.approx(1) and square["power"] == pytest.approx(2) and blocks["power"] is None
    )
    assert square["over the first"] == pytest.approx([1, 4, 64])
    for row, name in zip(rows, ("TSN", "TSN + ATR", "TSN"), strict=True):
        row["network"] = name
    draw(rows, tmp_path / "a.svg")
    draw(rows, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_what_atr_adds_is_the_difference_of_two_columns():
    kinds = dict.fromkeys((*KINDS, REST), 0.0)
    taken = {
        "TSN, plain": {**kinds, "convolutions": 80.0, "batch norm": 20.0},
        "TSN, optimised": {**kinds, "convolutions": 80.0},
        "ATR, plain": {**kinds, "convolutions": 90.0, "batch norm": 30.0},
        "ATR, optimised": {**kinds, "convolutions": 85.0},
    }
    by_kind = {row.pop("operators"): row for row in shares_of(taken)}
    assert by_kind["all"]["ATR adds, plain"] == pytest.approx(0.2)
    assert by_kind["convolutions"]["ATR adds, optimised"] == pytest.approx(0.05)
    assert [kind_of(f"aten::{name}") for name in ("addmm", "add_", "mkldnn_convolution", "view")] == [
        "matrix products",
        "sums, products, ReLU",
        "convolutions",
        REST,
    ]
