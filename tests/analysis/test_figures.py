import numpy as np

from analysis.figures import emphasis_figure, probabilities_figure
from analysis.map_values import temporal_emphasis


def example(num_frames=3, height=20, width=30):
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)
    return frames, generator.normal(size=(num_frames, 4, 6)).astype(np.float32)


def test_emphasis_figure_draws_every_block_and_marks_the_sampled_frames():
    _, maps = example(6)
    emphasis = {"S3B1": temporal_emphasis(maps), "S5B2": temporal_emphasis(maps + 1)}
    indices = np.arange(0, 12, 2)
    figure = emphasis_figure(emphasis, indices, sampled=[2, 8])
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert len(lines) == len(dots) == 2 * 3
    assert [title.text for title in figure.layout.annotations] == [
        "peak of M",
        "mean of M",
        "entropy of softmax(M) / its maximum",
    ]
    quantities = [(block, row) for block in emphasis for row in ("peak", "mean", "normalised_entropy")]
    for (block, quantity), line, marks in zip(quantities, lines, dots, strict=True):
        np.testing.assert_array_equal(line.y, emphasis[block][quantity])
        np.testing.assert_array_equal(marks.y, emphasis[block][quantity][[1, 4]])
        assert list(marks.x) == [2, 8] and line.name == block
    assert [line.yaxis for line in lines[:3]] == ["y", "y2", "y3"]
    thinned = emphasis_figure(
        emphasis, indices, sampled=[3, 9, 11]
    )  # of a long clip not every frame is shown
    assert all(list(t.x) == [2, 8, 10] for t in thinned.data if t.mode == "markers")
    assert [trace.name for trace in lines if trace.showlegend] == ["S3B1", "S5B2"]
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_probabilities_figure_has_the_strongest_class_on_top():
    figure = probabilities_figure(np.array([0.1, 0.6, 0.3]), ["first", "second", "third"], top=2)
    axis, (bars,) = figure.layout.yaxis, figure.data
    assert dict(zip(axis.tickvals, axis.ticktext, strict=True)) == {0: "third", 1: "second"}
    assert list(bars.y) == [0, 1] and list(bars.text) == ["30.0 %", "60.0 %"]


def test_long_labels_are_cut_and_two_of_one_beginning_stay_two_bars():
    labels = ["word " * 90 + "one", "word " * 90 + "two", "x" * 300]
    figure = probabilities_figure(np.array([0.2, 0.5, 0.3]), labels)
    assert list(figure.data[0].y) == [0, 1, 2] and [text[-3:] for text in figure.data[0].hovertext] == [
        "one",
        "xxx",
        "two",
    ]
    for text in figure.layout.yaxis.ticktext:
        assert len(text.split("<br>")) == 3 and max(map(len, text.split("<br>"))) <= 26 and text.endswith("…")


def test_classes_that_are_called_by_numbers_stay_names():
    """A dashboard's template of its own would draw them on an axis of numbers."""
    figure = probabilities_figure(np.array([0.1, 0.6, 0.3]), ["3", "17", "250"])
    assert figure.layout.autotypenumbers == "strict"
