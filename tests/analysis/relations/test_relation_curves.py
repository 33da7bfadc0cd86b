"""The figures beside Fig 4 hold the numbers they are given; other bases and kernels by hand."""

import json
import math

import numpy as np
import pytest

from analysis.relations.average import RelationAverage, local_windows
from analysis.relations.curves import convergence_figure, kernels_figure, local_mass_figure, offsets
from analysis.relations.fig4 import fig4, limits_of, matrices_figure, windows_figure
from analysis.relations.findings import HARDLY
from analysis.relations.kernels import efficient_kernels, kernel_summary, mean_windows, starting_kernels
from analysis.relations.numbers import (
    ARRAYS,
    Relation,
    block_numbers,
    class_entries,
    columns_mass,
    convergences,
    in_base,
    relations_table,
    table,
)
from atr.schema import check


@pytest.fixture
def average():
    w = np.random.default_rng(0).dirichlet([1.0] * 5, (2, 12, 5)).astype(np.float32)
    average = RelationAverage()
    average.update({"S3B1": [w[0]], "S5B2": [w[1]]})
    return average


def stored(average, base):
    entries = block_numbers(average, base=base, resamples=50)
    return {
        "base": base,
        "trained": entries,
        "untrained": entries,
        "convergence": convergences(average, base),
    }


def test_another_base_is_what_would_have_been_computed_in_it(average):
    converted, computed = in_base(stored(average, math.e), 2.0), stored(average, 2.0)
    assert converted["base"] == 2
    for a, b in zip(converted["trained"] + converted["untrained"], computed["trained"] * 2, strict=True):
        assert a["js"] == pytest.approx(b["js"], rel=1e-12)
        assert a["js_pairs"] == [pytest.approx(pair, rel=1e-12) for pair in b["js_pairs"]]
        for name in ("mean", "max", "std"):
            assert a["js_interval"][name] == pytest.approx(b["js_interval"][name], rel=1e-12)
        assert a["inner_mass_interval"] == b["inner_mass_interval"]
    for a, b in zip(converted["convergence"], computed["convergence"], strict=True):
        assert a["js_mean"] == pytest.approx(b["js_mean"], rel=1e-12)
        assert a["distance"] == b["distance"]


def test_figures_hold_the_stored_numbers(average):
    result = stored(average, math.e)
    entries = result["trained"]
    traces = local_mass_figure(entries, result["untrained"]).data
    assert [list(trace.y) for trace in traces[:2]] == [entry["local_mass"] for entry in entries]
    assert list(traces[2].y) == entries[0]["chance"]
    assert list(traces[3].x) == [columns_mass(entry) for entry in entries]
    points = traces[4]
    assert list(points.x) == [entry["inner_mass"] for entry in entries]
    ends = np.stack([points.x - points.error_x.arrayminus, points.x + points.error_x.array], axis=1)
    np.testing.assert_allclose(ends, [entry["inner_mass_interval"] for entry in entries], rtol=1e-12)
    curves = convergence_figure(result["convergence"], "nats").data
    assert [list(trace.y) for trace in curves] == [
        curve[name] for curve in result["convergence"] for name in ("js_mean", "distance")
    ]


def test_one_video_has_numbers_and_no_intervals():
    average = RelationAverage()
    average.update({"S3B1": [np.full((1, 5, 5), 0.2)]})
    result = stored(average, math.e)
    (entry,) = result["trained"]
    check(json.loads(json.dumps(entry)), Relation)
    assert entry["js_interval"] is None and entry["inner_mass_interval"] is None
    assert in_base(result, 2.0)["trained"][0]["js_interval"] is None
    assert np.isnan(relations_table(result).local_mass_low).all()
    assert list(local_mass_figure(result["trained"], result["untrained"]).data[-2].x) == pytest.approx([0.6])


def test_no_two_of_twelve_blocks_look_alike():
    generator, average = np.random.default_rng(0), RelationAverage()
    blocks = [f"S{stage}B{number}" for stage in (3, 4, 5) for number in range(1, 5)]
    average.update({block: [generator.dirichlet([1.0] * 5, (2, 5))] for block in blocks})
    result = stored(average, math.e)
    figures = [
        local_mass_figure(result["trained"], result["untrained"]).data[:12],
        convergence_figure(result["convergence"], "nats").data[::2],
    ]
    for traces in figures:
        assert len({(trace.line.color, trace.marker.symbol) for trace in traces}) == 12


def test_a_block_without_js_leaves_the_others_as_they_are(average):
    """Every step looks at the last alone: of three windows two have no mass."""
    arrays, saturated = average.to_arrays(), np.zeros((5, 5))
    saturated[:, 4] = 1
    arrays |= {
        "sums/S5B1/0": 12 * saturated[None],
        "classes/S5B1/0": np.array([0]),
        "windows/S5B1/0": np.stack([local_windows(saturated)] * 12),
    }
    beside = RelationAverage.from_arrays(arrays)
    *others, silent = block_numbers(beside, resamples=50)
    assert others == block_numbers(average, resamples=50)
    assert silent["windows"] == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert silent["js"] is silent["js_interval"] is None
    assert (silent["js_pairs"], silent["js_left_out"]) == ([], 1)
    assert silent["inner_mass"] == pytest.approx(1 / 3)

    result = in_base(stored(beside, math.e), 2.0)
    for entry in json.loads(json.dumps(result["trained"])):
        check(entry, Relation)
    assert result["trained"][2]["js"] is None and result["convergence"][2]["videos"] == []
    assert relations_table(result).js_mean.isna().tolist() == [False, False, True] * 2
    assert mean_windows([silent])["S5B1", 0].tolist() == [0, 0, 1]
    titles = [note.text for note in windows_figure(result["trained"]).layout.annotations]
    assert titles[2] == "S5B1 · no JS: a window has no mass" and "JS mean" in titles[1]
    paper = fig4(result["trained"], limits=(0, 1))
    assert [axes.get_title() for axes in paper.axes].count("no JS: a window has no mass") == 1


def test_kernels_by_hand():
    weights = np.array([[-1.0, 2.0, 1.0], [3.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    signed = kernel_summary({("S3B1", 0): weights}, shapes=False)["S3B1", 0]
    np.testing.assert_allclose(signed["mean"], [2 / 3, 2 / 3, 0])
    shapes = kernel_summary({("S3B1", 0): weights}, shapes=True)["S3B1", 0]
    np.testing.assert_allclose(shapes["mean"], [0.5, 0.25, 0.25])  # the channel of zeros has no shape
    np.testing.assert_allclose(shapes["low"], [0.3, 0.05, 0.25])
    np.testing.assert_allclose(shapes["high"], [0.7, 0.45, 0.25])
    assert kernel_summary({("S3B1", 0): np.zeros((2, 3))}, shapes=True) == {}


def test_kernels_and_windows_share_a_panel(average):
    entries = block_numbers(average, resamples=10)
    windows = mean_windows(entries)
    np.testing.assert_allclose(windows["S3B1", 0], np.mean(entries[0]["windows"], axis=0), rtol=0)
    weights = {("S3B1", r): np.arange(6.0).reshape(2, 3) + r for r in (0, 1)}
    start = kernel_summary({("S3B1", r): np.array([[-0.5, 0, 0.5]]) for r in (0, 1)}, shapes=True)
    figure = kernels_figure(kernel_summary(weights, shapes=True), start, windows)
    means = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert [trace.name for trace in means] == [
        "ER 1",
        "ER 2",
        "GR, mean window",
    ]  # S5B2 has no kernel to compare
    assert list(means[-1].y) == list(windows["S3B1", 0])
    (dotted,) = [trace for trace in figure.data if trace.name == "start of training"]
    assert list(dotted.y) == [0.5, 0, 0.5]
    assert all(list(trace.x) == ["t−1", "t", "t+1"] for trace in figure.data)


def test_the_band_of_a_kernel_is_between_its_quantiles_and_a_name_is_in_the_legend_once():
    summary = {(block, 0): {"low": [0, 1, 2], "mean": [3, 4, 5], "high": [6, 7, 8]} for block in ("a", "b")}
    traces = kernels_figure(summary, summary, {}).data
    bands = [(above, below) for above, below in zip(traces, traces[1:], strict=False) if below.fill]
    assert [(list(above.y), list(below.y)) for above, below in bands] == [([6, 7, 8], [0, 1, 2])] * 2
    assert [trace.name for trace in traces if trace.showlegend] == ["ER 1", "start of training"]


def test_a_wider_kernel_has_more_offsets():
    assert offsets(5) == ["t−2", "t−1", "t", "t+1", "t+2"]
    summary = kernel_summary({("S5B1", 0): np.eye(5)}, shapes=False)
    figure = kernels_figure(summary, summary, {})
    assert len(figure.data[0].x) == len(figure.data[0].y) == 5


def test_the_start_of_training_is_the_untrained_kernel_without_its_noise(tiny):
    model = tiny(block="atr_sim", er_init="difference")
    starts, kernels = starting_kernels(model), efficient_kernels(model)
    assert starts.keys() == kernels.keys()
    assert starts["S3B1", 0].tolist() == [[-0.5, 0, 0.5]]
    wider = starting_kernels(tiny(block="atr_sim", er_init="symmetric", k=2, num_reasoners=2))
    assert wider["S5B2", 1].tolist() == [[0.125, 0.125, 0.5, 0.125, 0.125]]
    for key, weights in kernels.items():
        np.testing.assert_allclose(weights.mean(0), starts[key][0], atol=0.2)


@pytest.fixture
def two_networks(average):
    """The entries of a network and of another one, which are nowhere the same."""
    other = RelationAverage()
    w = np.random.default_rng(1).dirichlet([1.0] * 5, (2, 12, 5))
    other.update({"S3B1": [w[0]], "S5B2": [w[1]]})
    return block_numbers(average, resamples=50), block_numbers(other, resamples=50)


def test_around_what_columns_give_stands_how_far_untrained_reasoners_are_from_theirs(two_networks):
    trained, untrained = two_networks
    drawn = [[0.001, -0.002], [0.03, -0.04]]
    controls = [entry | {"departures": each} for entry, each in zip(untrained, drawn, strict=True)]
    figure = local_mass_figure(trained, controls)
    (chance,) = figure.layout.shapes
    assert chance.xref == "x2" and chance.x0 == chance.x1 == 3 / 5  # of rows with both neighbours
    assert list(figure.data[-2].error_x.array) == [HARDLY, 0.04]
    own = [abs(entry["inner_mass"] - columns_mass(entry)) for entry in untrained]  # of an older result
    band = local_mass_figure(trained, untrained).data[-2].error_x.array
    assert list(band) == pytest.approx([max(HARDLY, each) for each in own])


def test_convergence_is_drawn_over_the_number_of_videos(average):
    curves = convergences(average)
    for trace in convergence_figure(curves, "nats").data:
        assert list(trace.x) == curves[0]["videos"] == [1, 2, 4, 8, 12]


def test_rows_whose_strongest_column_is_near_are_counted(two_networks):
    entries = [two_networks[0][0] | {"argmax": [0, 2, 4, 1, 0]}]
    table = relations_table({"trained": entries, "untrained": entries})
    assert table[["argmax_within_1", "rows"]].to_numpy().tolist() == [[2, 5]] * 2


def test_time_steps_of_the_paper_figure_are_numbered_from_one_on_one_colour_scale(two_networks):
    entries = two_networks[0]
    axes = fig4(entries, limits=(0, 0.5)).axes
    maps, lines = [each for each in axes if each.images], [each for each in axes if each.lines]
    for panel, entry in zip(maps, entries, strict=True):
        assert panel.images[0].get_clim() == (0, 0.5)
        np.testing.assert_array_equal(panel.images[0].get_array(), entry["mean"])
        for axis in (panel.xaxis, panel.yaxis):
            assert [label.get_text() for label in axis.get_ticklabels()] == ["1", "2", "3", "4", "5"]
    for panel, entry in zip(lines, entries, strict=True):
        assert [line.get_label() for line in panel.lines] == ["t = 2", "t = 3", "t = 4"]
        assert [list(line.get_ydata()) for line in panel.lines] == entry["windows"]


def test_rows_of_a_matrix_run_down_and_its_cells_are_named(two_networks):
    figure = matrices_figure(two_networks[0], limits=(0, 0.5))
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 0.5)
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    heat_map, cells = figure.data[:2]
    assert "step %{y} attends to step %{x} with %{text}" in cells.hovertemplate
    for x, y, text in zip(cells.x, cells.y, cells.text, strict=True):
        assert text == f"{heat_map.z[y - 1][x - 1]:.4f}"


def test_matrices_of_classes_of_unequal_size_are_read_by_their_own(tmp_path):
    average = RelationAverage()
    w = np.random.default_rng(0).dirichlet([1.0] * 5, (3, 5))
    average.update({"S3B1": [w]}, labels=[7, 2, 7])
    np.savez(tmp_path / ARRAYS, **{f"trained/{name}": values for name, values in average.to_arrays().items()})
    for place, expected in ((0, w[1]), (1, (w[0] + w[2]) / 2)):
        np.testing.assert_allclose(class_entries(tmp_path, place)[0]["mean"], expected)


@pytest.fixture
def entry():
    """Of W by hand, (4, 4)."""
    w = np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.4, 0.2, 0.2], [0, 0, 0.5, 0.5], [0.25] * 4])
    average = RelationAverage()
    average.update({"S3B1": [np.stack([w, w])]})
    return block_numbers(average, resamples=20)[0]


def test_mass_chance_and_strongest_columns_of_an_entry_by_hand(entry):
    assert entry["local_mass"] == pytest.approx([0.4625, 0.775, 0.9125, 1])
    assert entry["chance"] == pytest.approx([1 / 4, 5 / 8, 7 / 8, 1])
    assert entry["argmax"] == [0, 1, 2, 0] and entry["inner_chance"] == 3 / 4
    np.testing.assert_allclose(entry["windows"], [[0.25, 0.5, 0.25], [0, 0.5, 0.5]])


def test_windows_on_the_page_are_named_by_their_time_steps(entry):
    assert [trace.name for trace in windows_figure([entry]).data if trace.name] == ["t = 2", "t = 3"]


def test_the_table_has_the_ends_of_the_intervals():
    average = RelationAverage()
    average.update({"S3B1": [np.random.default_rng(0).dirichlet([1.0] * 5, (12, 5))]})
    entries = block_numbers(average, resamples=50)
    row = table(entries, "x").iloc[0]
    assert (row.local_mass_low, row.local_mass_high) == entries[0]["inner_mass_interval"]


def test_the_colour_scale_reaches_the_largest_value_of_all_blocks():
    assert limits_of([{"mean": [[0.3, 0.7]]}, {"mean": [[0.1, 0.9]]}, {"mean": [[0.5, 0.5]]}]) == (0, 0.9)
