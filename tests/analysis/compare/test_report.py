import base64
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from analysis.compare import report
from analysis.compare.comparable import NotComparable
from analysis.compare.report import ReportClip, Strip, build_report, strip_html, table
from atr.video.decoding import Notice
from tests.analysis.compare.toy_predictions import TARGETS, predictions

SCRIPT = "</script><script>alert(1)</script>"


@pytest.fixture
def small(monkeypatch):
    """Pages without the five megabytes of plotly.js."""
    monkeypatch.setattr("analysis.html_page.get_plotlyjs", lambda: "Plotly")


@pytest.fixture
def two():
    return [predictions("first", [0, 0, 1, 1, 0, 2]), predictions("second", [0, 1, 1, 1, 1, 0])]


class Elements(HTMLParser):
    """Tags with their attributes, and texts, as a browser would see them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.inside = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.texts.append(data)


def test_the_page_fetches_nothing_and_forbids_it(two, small):
    page = Elements(build_report(two, command="the command"))
    for tag, attributes in page.tags:
        addresses = [attributes[key] for key in ("src", "href") if key in attributes]
        assert all(address.startswith("data:") for address in addresses), (tag, addresses)
    (policy,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy and "http" not in policy


def test_plotly_is_in_it_once_and_every_figure_has_its_own_place(two):
    page = build_report(two, command="the command")
    assert page.count("plotly.js v") == 1
    places = re.findall(r'id="(figure-\d+)"', page)
    assert places == [f"figure-{n}" for n in range(1, 6)]


def test_it_says_what_the_functions_say_and_what_made_it(two, small):
    text = " ".join(Elements(build_report(two, command="python -m analysis report …")).texts)
    assert "a difference of +16.7 points" in text
    assert "50.0 [18.8, 81.2]" in text  # Wilson of 3 in 6
    assert "A and B give the same prediction for 50.0 % of the clips" in text
    assert "python -m atr evaluate --checkpoint second" in text
    assert "digest of first" in text and "digest of the toys" in text
    assert "python -m analysis report …" in text and f"numpy {np.__version__}" in text


def test_the_same_predictions_give_the_same_page(two, small):
    assert build_report(two, command="x") == build_report(two, command="x")


def test_texts_from_outside_are_texts(two, small):
    clip = ReportClip(SCRIPT, SCRIPT, (SCRIPT,), (Strip(SCRIPT, np.zeros((1, 2, 2, 3), np.uint8)),))
    labels = [SCRIPT, "pull", "turn"]
    named = [predictions(name, TARGETS[::-1], labels=labels) for name in (SCRIPT, "second")]
    plain = Elements(build_report(two, command="x", clips=[clip], chosen="none"))
    page = Elements(build_report(named, command=SCRIPT, clips=[clip], chosen=SCRIPT))
    scripts = [sum(tag == "script" for tag, _ in found.tags) for found in (plain, page)]
    assert scripts[0] == scripts[1]
    assert "".join(page.texts).count(SCRIPT) >= 5


def test_more_than_two_are_paired_in_a_table_and_the_first_two_are_a_and_b(two, small):
    text = " ".join(Elements(build_report([*two, predictions("third", TARGETS)], command="x")).texts)
    assert "only the second" in text and "a difference of +16.7 points" in text


def test_that_there_are_no_clips_can_be_explained(two, small):
    assert "<h2>Clips</h2>" not in build_report(two, command="x")
    page = build_report(two, command="x", chosen="the videos are elsewhere")
    assert "<h2>Clips</h2>" in page and "the videos are elsewhere" in page


def test_unlike_predictions_are_refused(two):
    with pytest.raises(NotComparable, match="protocol 1x1 against 2x3"):
        build_report([two[0], predictions("second", [0] * 6, protocol="2x3")], command="x")


def test_frames_of_a_strip_stand_side_by_side_as_png(tmp_path):
    frames = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    ((_, image),) = [
        found for found in Elements(strip_html(Strip("two frames", frames))).tags if found[0] == "img"
    ]
    assert image["alt"] == "two frames"
    kind, data = image["src"].split(",")
    assert kind == "data:image/png;base64"
    (tmp_path / "strip.png").write_bytes(base64.b64decode(data))
    picture = np.asarray(Image.open(tmp_path / "strip.png"))
    np.testing.assert_array_equal(picture[:, :4], frames[0])
    np.testing.assert_array_equal(picture[:, 4:], frames[1])


def test_long_texts_of_tables_are_not_cut():
    long = "word " * 60 + "end"
    assert long in table(pd.DataFrame({"text": [long]}))


def test_the_figures_of_confusions_are_of_a_and_b_in_this_order(two, small, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        report, "confusion_difference_figure", lambda *of: drawn.append(of[:2]) or go.Figure()
    )
    monkeypatch.setattr(report, "confusion_figure", lambda found, _: drawn.append(list(found)) or go.Figure())
    build_report([*two, predictions("third", TARGETS)], command="x")
    (a, b), names = drawn
    assert a.tolist() == two[0].confusion().tolist() and b.tolist() == two[1].confusion().tolist()
    assert names == ["first", "second"]


def test_what_is_wrong_with_the_video_of_a_clip_stands_beside_it(two, small):
    clip = ReportClip("a", "push", ("A says push",), (), (Notice("frames 3 to 4 are missing", "damage"),))
    text = " ".join(Elements(build_report(two, command="x", clips=[clip])).texts)
    assert "A says push" in text and "frames 3 to 4 are missing" in text
