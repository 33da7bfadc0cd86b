import numpy as np
import pandas as pd
import pytest

from analysis.colours import SERIES
from analysis.compare.figures import (
    confusion_difference_figure,
    confusion_figure,
    cost_figure,
    per_class_figure,
    reliability_figure,
    shortened,
)
from atr.tabletop import CLASSES


def test_top_1_stands_at_its_cost_with_its_interval():
    table = pd.DataFrame(
        {
            "checkpoint": ["a", "b"],
            "top1": [0.8, 0.7],
            "top1_low": [0.75, 0.6],
            "top1_high": [0.82, 0.78],
            "parameters": [24e6, 25e6],
            "macs": [33e9, 34e9],
        }
    )
    first, second = cost_figure(table).data
    assert (first.name, list(first.x), list(first.y)) == ("a", [33], [0.8])
    assert first.error_y.array == pytest.approx([0.02])
    assert first.error_y.arrayminus == pytest.approx([0.05])
    assert list(cost_figure(table, "parameters").data[1].x) == [25]
    assert first.marker.color != second.marker.color and first.marker.symbol != second.marker.symbol


def per_class_table(labels):
    return pd.DataFrame(
        {
            "label": labels,
            "clips": [10, 20, 10],
            "a": [0.9, 0.5, 0.1],
            "b": [0.4, 0.5, 0.3],
            "difference": [0.5, 0.0, -0.2],
            "only_a": [5, 1, 0],
            "only_b": [0, 1, 2],
            "p_holm": [0.01, 1.0, 0.5],
        }
    )


def test_a_bar_a_class_in_the_order_of_the_table_faint_where_it_may_be_luck():
    figure = per_class_figure(per_class_table(["push", "pull", "turn"]), "x", "y")
    bars = figure.data[0]
    assert list(bars.x) == pytest.approx([50, 0, -20])
    assert list(figure.layout.yaxis.ticktext) == ["push", "pull", "turn"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first is on top
    assert [row[0] for row in bars.customdata] == ["push", "pull", "turn"]
    assert bars.customdata[0].tolist() == ["push", 10, 0.9, 0.4, 5, 0, 0.01, "push"]
    blue, orange = ((0, 114, 178), (230, 159, 0))
    assert list(bars.marker.color) == [f"rgba{(*blue, 1)}", f"rgba{(*blue, 0.35)}", f"rgba{(*orange, 0.35)}"]


def test_the_chosen_class_stands_out():
    table = per_class_table(["push", "pull", "turn"])

    def opacities(chosen):
        return per_class_figure(table, "x", "y", chosen=chosen).data[0].marker.opacity.tolist()

    assert opacities("pull") == [0.25, 1, 0.25]
    assert opacities(None) == opacities("all of them") == [1, 1, 1]


def test_labels_that_are_shortened_to_the_same_text_keep_their_own_bars():
    long = "Pretending to put {} things underneath something that stands"
    figure = per_class_figure(per_class_table([long.format("blue"), long.format("red"), "turn"]), "x", "y")
    assert len(set(figure.layout.yaxis.ticktext)) == 2
    assert len(set(figure.data[0].y)) == 3


def test_empty_bins_are_no_points_of_the_reliability_curve():
    table = pd.DataFrame(
        {
            "low": [0, 0.5],
            "high": [0.5, 1],
            "clips": [0, 4],
            "confidence": [np.nan, 0.75],
            "accuracy": [np.nan, 0.5],
            "accuracy_low": [np.nan, 0.15],
            "accuracy_high": [np.nan, 0.85],
        }
    )
    diagonal, curve, counts = reliability_figure({"a": (table, 0.25)}).data
    assert list(diagonal.x) == list(diagonal.y) == [0, 1]
    assert (list(curve.x), list(curve.y), curve.name) == ([0.75], [0.5], "a, ECE 0.250")
    assert list(counts.y) == [0, 4] and list(counts.x) == [0.25, 0.75]


def test_confusions_are_shares_of_the_true_class_and_a_class_without_clips_is_blank():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]])
    figure = confusion_figure({"a": matrix, "b": matrix.T}, ["push", "pull", "turn"])
    heat_map = figure.data[0]
    np.testing.assert_allclose(heat_map.z, [[0.75, 0.25, 0], [np.nan] * 3, [0, 0, 1]])
    assert heat_map.text[0][1] == "push<br>predicted pull"
    assert len(figure.data) == 2
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis2.scaleanchor) == ("x", "x2")


def test_the_difference_of_confusions_has_white_at_0_and_the_colour_of_a_above():
    a, b = np.array([[3, 1], [0, 2]]), np.array([[1, 3], [0, 2]])
    figure = confusion_difference_figure(a, b, ["push", "pull"])
    assert np.array(figure.data[0].z).tolist() == [[2, -2], [0, 0]]
    colours = figure.layout.coloraxis
    assert (colours.cmin, colours.cmax) == (-2, 2)
    (low, low_colour), (zero, clear), (also_zero, also_clear), (high, high_colour) = colours.colorscale
    assert (low, zero, also_zero, high) == (0, 0.5, 0.5, 1)
    assert (low_colour, high_colour) == (SERIES[1], SERIES[0])
    assert clear.endswith(", 0)") and also_clear.endswith(", 0)")
    same = confusion_difference_figure(a, a, ["push", "pull"]).layout.coloraxis
    assert same.cmin < same.cmax


def test_many_classes_are_named_by_the_pointer_only():
    labels = [f"class {i}" for i in range(61)]
    many = confusion_figure({"a": np.eye(61, dtype=int)}, labels)
    assert many.layout.xaxis.showticklabels is False
    assert many.data[0].hovertemplate.startswith("%{y}<br>predicted %{x}<br>")
    assert list(many.data[0].x) == list(many.data[0].y) == labels
    few = confusion_figure({"a": np.eye(60, dtype=int)}, labels[:60])
    assert list(few.layout.xaxis.ticktext) == labels[:60]


def test_a_long_label_ends_in_an_ellipsis():
    assert shortened("push", 4) == "push"
    assert shortened("push something", 6) == "p…hing"
    assert len({shortened(label, 32) for label in CLASSES}) == len(CLASSES)


def test_intervals_of_the_reliability_curve_reach_to_their_own_ends():
    table = pd.DataFrame({"low": [0.5], "high": [1.0], "clips": [4], "confidence": [0.75], "accuracy": [0.5]})
    table = table.assign(accuracy_low=0.4, accuracy_high=0.9)
    _, curve, _ = reliability_figure({"a": (table, 0.25)}).data
    assert list(curve.error_y.array) == pytest.approx([0.4])
    assert list(curve.error_y.arrayminus) == pytest.approx([0.1])


def test_true_classes_run_down_and_the_pointer_tells_a_and_b():
    a, b = np.array([[3, 1], [0, 2]]), np.array([[1, 3], [0, 2]])
    figure = confusion_difference_figure(a, b, ["push", "pull"])
    assert figure.layout.yaxis.autorange == "reversed" and figure.layout.yaxis.title.text == "true class"
    assert figure.data[0].hovertemplate.endswith(
        "A %{customdata[0]}, B %{customdata[1]} clips<extra></extra>"
    )
    assert figure.data[0].customdata[0][1].tolist() == [1, 3]


def test_the_legend_of_the_classes_names_both_sides():
    figure = per_class_figure(per_class_table(["push", "pull", "turn"]), "x", "y")
    legend = {trace.name: trace.marker.color for trace in figure.data[1:3]}
    assert legend == {"A better (x)": SERIES[0], "B better (y)": SERIES[1]}
