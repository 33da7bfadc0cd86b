import copy
import functools
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from analysis.ablation.cells import Cell, CellResult
from analysis.ablation.figures import (
    clips_figure,
    cost_figure,
    epochs_figure,
    placements_figure,
    table_figure,
)
from analysis.ablation.grids import NETWORKS, TABLES, Claim
from analysis.ablation.numbers import (
    NOT_RUN,
    accuracy,
    by_network,
    claims_texts,
    clip_curves,
    difference,
    epoch_curves,
    health_texts,
    judged,
    left_out,
    maps_texts,
    over_seeds,
    relations_texts,
    share,
    summary,
    table_texts,
)
from analysis.ablation.report import scale_text, shortened
from analysis.crossed import HOLDS, OPEN, Estimate, crossed_estimate
from atr.tabletop import RENDERER_VERSION
from tests.analysis.ablation.toy_cells import CLIPS, values_of


def results(*cells, **changed):
    return [msgspec.convert(values_of(*cell, **changed), CellResult) for cell in cells]


@pytest.fixture
def found():
    arms = (("tsn", 0.3), ("atr-sim-s3-5", 0.5), ("atr-s3-5", 0.7))
    return by_network(results(*((name, seed, share) for name, share in arms for seed in range(3))))


def test_a_difference_is_paired_over_the_seeds_that_both_have():
    a, b = results(("atr-s3-5", 0, 0.7), ("atr-s3-5", 1, 0.7)), results(("tsn", 1, 0.3), ("tsn", 2, 0.3))
    gain = difference(a, b)
    assert gain.seeds == 1 and gain.value == pytest.approx(
        (a[1].verdicts.astype(float) - b[0].verdicts).mean()
    )
    assert difference(a[:1], b) is None


def test_accuracy_is_that_over_seeds_and_clips(found):
    matrix = np.stack([result.verdicts for result in found["tsn"]])
    assert matrix.shape == (3, CLIPS)
    assert accuracy(found["tsn"]) == crossed_estimate(matrix)
    assert accuracy([]) is None


def test_claims_are_judged_by_the_interval_of_the_difference(found):
    claim = Claim("better", "atr-s3-5", "atr-sim-s3-5")
    assert judged(claim, found).word == HOLDS
    sentence = judged(claim, found).sentence
    assert "+20.0 points [" in sentence and sentence.endswith("3 seeds, 200 clips.")
    assert judged(Claim("not yet", "gr-1", "tsn"), found).word == NOT_RUN
    one = {name: each[:1] for name, each in found.items()}
    assert judged(claim, one).word == OPEN and "one seed" in judged(claim, one).sentence
    two = {name: each[:2] for name, each in found.items()}
    assert judged(claim, two).word == OPEN and "Fewer than 3 seeds" in judged(claim, two).sentence


def test_a_claim_of_little_gain_is_held_by_an_interval_below_a_point(found):
    same = {"a": found["tsn"], "b": found["tsn"], "c": found["atr-s3-5"]}
    assert judged(Claim("little", "a", "b", plateau=True), same).word == HOLDS
    assert judged(Claim("little", "c", "b", plateau=True), same).word == "does not hold here"


def test_cells_of_another_grid_or_of_other_starting_weights_are_left_out():
    kept = results(("tsn", 0, 0.3), ("tsn", 1, 0.3))
    other_length = results(("tsn", 2, 0.3), settings={"epochs": 99})
    other_start = results(("atr-s3-5", 0, 0.3), start="b" * 64)
    unknown = [msgspec.structs.replace(kept[0], network="of-another-version")]
    stored = [*kept, *other_length, *other_start, *unknown]
    assert by_network(stored) == {"tsn": kept}
    (line,) = left_out(stored, {"tsn": kept})
    assert line.startswith("3 of 5 stored results do not count") and left_out(kept, {"tsn": kept}) == []


def test_a_table_has_the_papers_numbers_where_nothing_was_run():
    lines = table_texts(TABLES["1"], {}).set_index("Network")
    assert lines.loc["no block", "Paper, %"] == "27.5 (stated)"
    assert lines.loc["ATR at S2-5", "Paper, %"] == ""
    assert set(lines["Here, % [95 %]"]) == {""}
    assert lines.loc["no block", "Seeds"] == "0 of 5"


def test_a_table_has_ours_beside_them(found):
    lines = table_texts(TABLES["4"], found).set_index("Network")
    assert lines.loc["adding", "Paper, %"] == "59.6 (stated)"
    assert lines.loc["adding", "Here, % [95 %]"].startswith("70.")
    assert (lines.loc["adding", "Seeds"], lines.loc["scaling", "Seeds"]) == ("3 of 5", "0 of 5")
    assert lines.loc["adding", "MACs, G"] == "0.300" and lines.loc["adding", "Parameters, M"] == "0.700"
    assert lines.loc["adding", "Within pairs, %"] == "90.0"
    assert "Reasoner: MACs, M" not in lines and "Reasoner: MACs, M" in table_texts(TABLES["2"], found)


def test_the_summary_counts_verdicts(found):
    words = list(claims_texts(TABLES["1"], found).Verdict)
    assert words.count(HOLDS) == 1 and words.count(NOT_RUN) == 9
    assert summary([TABLES["1"]], found).startswith("Of 10 claims 1 holds, 9 have not been run yet.")


def test_what_holds_alone_may_not_hold_among_many_claims():
    spread = [("tsn", seed, 0.3) for seed in range(3)]
    spread += [("atr-sim-s5-3", seed, value) for seed, value in enumerate((0.50, 0.60, 0.55))]
    told = summary([TABLES["1"]], by_network(results(*spread)))
    assert told.startswith("Of 10 claims 1 holds,")
    assert told.endswith(" Judged together, each by an interval of 99.5 %, 0 still hold.")
    alike = [("tsn", seed, 0.3) for seed in range(3)] + [("atr-sim-s5-3", seed, 0.55) for seed in range(3)]
    assert summary([TABLES["1"]], by_network(results(*alike))).endswith(" 1 still holds.")


def test_curves_are_of_the_history_and_of_the_number_of_clips(found):
    curves = epoch_curves(found, ["tsn", "gr-1"])
    assert list(curves) == ["tsn"] and curves["tsn"].shape == (3, 6)
    np.testing.assert_allclose(curves["tsn"][:, -1], 0.3)
    found = found | by_network(results(("tsn-500-clips", 0, 0.1)))
    points = clip_curves(found)
    assert list(points["no block"]) == [500, 24000] and list(points["ATR"]) == [24000]
    assert points["no block"][500].low is None


def test_networks_come_in_the_order_of_the_tables():
    assert list(by_network(results(("tsm", 0, 0.3), ("atr-s3-5", 0, 0.3), ("tsn", 0, 0.3)))) == [
        "tsn",
        "atr-s3-5",
        "tsm",
    ]


def test_maps_are_told_over_seeds(found):
    (line,) = maps_texts(found).to_dict("records")
    assert (line["Table"], line["Network"]) == ("1", "ATR at S3-5")
    assert (line["S4B1"], line["S5B1"]) == ("0.40 ± 0.00", "0.20 ± 0.10")
    assert line["which"] == "S4B1, S4B1, S4B1" and line["Best block"] == "0.40 ± 0.00"


def test_relations_are_told_over_seeds():
    entry = {"block": "S5B1", "reasoner": 0, "local_mass": 0.5, "chance": 0.34, "js": None}
    cells = results(("gr-1", 0, 0.3), relations=[entry]) + results(
        ("gr-1", 1, 0.3), relations=[entry | {"local_mass": 0.7, "js": 0.002}]
    )
    (line,) = relations_texts(by_network(cells)).to_dict("records")
    assert line["Reasoner"] == 1  # counted from one, as in GR×1
    (saturated,) = relations_texts(by_network(cells[:1])).to_dict("records")
    assert saturated["JS, nats"] == "not defined"
    assert (line["Local mass"], line["Chance"], line["JS, nats"]) == ("0.60 ± 0.14", "0.34", "0.002")


def test_settings_that_a_result_lacks_are_younger_and_at_their_defaults():
    def without(*place, **others):
        settings = copy.deepcopy(values_of("tsn", 0, 0.3)["settings"] | others)
        within = functools.reduce(dict.get, place[:-1], settings)
        del within[place[-1]]
        return by_network(results(("tsn", 0, 0.3), settings=settings))

    assert without("fit") and without("model", "atr", "er_kernel")
    assert not without("model", "width") and not without(
        "train_clips"
    )  # that of the grid is another than the default
    assert not without("fit", seed=1)


def test_spreads_and_costs_of_reasoners_have_the_units_of_their_columns():
    cells = results(("atr-sim-s3-5", 0, 0.5), ("atr-sim-s3-5", 1, 0.6))
    lines = table_texts(TABLES["2"], by_network(cells)).set_index("Network")
    assert lines.loc["ER×2", "sd of seeds"] == "7.1"  # points: 10 apart
    assert lines.loc["ER×2", "Reasoner: parameters, k"] == "5.0"
    assert lines.loc["ER×2", "Reasoner: MACs, M"] == "0.04"


def test_a_claim_of_two_tables_about_the_same_networks_counts_once(found):
    tables = [TABLES["1"], TABLES["5"]]
    made = [(claim.better, claim.worse) for table in tables for claim in table.claims]
    assert len(made) > len(set(made))
    assert summary(tables, found).startswith(f"Of {len(set(made))} claims ")


def test_blocks_that_are_not_alive_at_the_end_are_named():
    values = values_of("atr-s3-5", 1, 0.7)
    last = [{"block": "S4B1", "state": "collapsed"}, {"block": "S5B1", "state": "alive"}]
    values["history"][0]["blocks"] = [{"block": "S3B1", "state": "silent"}]
    values["history"][-1]["blocks"] = last
    (line,) = health_texts(by_network([msgspec.convert(values, CellResult)])).to_dict("records")
    assert line == {"Table": "1", "Network": "ATR at S3-5", "Seed": 1, "Blocks": "S4B1 collapsed"}


def test_the_figure_of_a_table_has_ours_and_the_papers_in_the_order_of_its_rows(found):
    figure = table_figure(TABLES["5"], found)
    papers, ours = ({y: x for x, y in zip(trace.x, trace.y, strict=True)} for trace in figure.data)
    assert ours["TSN"] == accuracy(found["tsn"]).value and len(ours) == 3
    assert papers == pytest.approx(
        {"TSN": 0.275, "TSN + ATR_sim": 0.547, "TSN + ATR": 0.596, "TSM + ATR": 0.64}
    )
    assert figure.layout.yaxis.categoryarray[-1] == "TSN"  # the last of them is on top


def test_the_figure_of_placements_has_a_curve_a_block_and_the_papers_numbers(found):
    figure = placements_figure(found)
    curves = {trace.name: dict(zip(trace.x, trace.y, strict=True)) for trace in figure.data}
    none = accuracy(found["tsn"]).value
    assert curves == {
        "ATR_sim": {"no block": none, "S3-5": accuracy(found["atr-sim-s3-5"]).value},
        "ATR_sim, paper": pytest.approx({"no block": 0.275, "S5-3": 0.471, "S3-5": 0.547}),
        "ATR": {"no block": none, "S3-5": accuracy(found["atr-s3-5"]).value},
        "ATR, paper": pytest.approx({"no block": 0.275, "S5-3": 0.503, "S3-5": 0.596}),
    }
    places = ("no block", "S5-3", "S5", "S4-5", "S3-5", "S2-5")  # in this order, whatever has been trained
    assert figure.layout.xaxis.categoryarray == places


def test_accuracy_stands_over_billions_of_multiply_accumulates(found):
    traces = {trace.name: trace for trace in cost_figure(found).data}
    networks = {"TSN, ATR": "atr-s3-5", "TSN, ATR_sim": "atr-sim-s3-5", "TSN, no block": "tsn"}
    assert traces.keys() == networks.keys()
    for name, network in networks.items():
        assert list(traces[name].x) == [0.3] and list(traces[name].y) == [accuracy(found[network]).value]
    more = found | by_network(results(("gr-1", 0, 0.4), ("uniform", 0, 0.6), ("tsm-atr", 0, 0.7)))
    # Each network is named in the first table that has it.
    assert {trace.name: sorted(trace.text) for trace in cost_figure(more).data} == {
        "TSN, ATR": ["Table 1: ATR at S3-5", "Table 3: appearance and motion"],
        "TSN, ATR_sim": ["Table 1: ATR_sim at S3-5", "Table 2: GR×1"],
        "TSN, no block": ["Table 1: no block"],
        "TSM, ATR": ["Table 5: TSM + ATR"],
    }


def test_epochs_are_counted_from_one_and_spread_is_that_of_the_seeds():
    values = np.array([[0.1, 0.2, 0.4], [0.1, 0.4, 0.4]])
    (trace,) = epochs_figure({"tsn": values}, {"tsn": "no block"}).data
    assert list(trace.x) == [1, 2, 3] and list(trace.y) == pytest.approx([0.1, 0.3, 0.4])
    assert list(trace.error_y.array) == pytest.approx([0, 0.02**0.5, 0])


def test_a_commit_of_changed_files_is_told_as_one():
    assert [shortened(commit) for commit in ("0123456789abcdef", "0123456789abcdef-dirty", None)] == [
        "0123456789ab",
        "0123456789ab-dirty",
        "unknown",
    ]


def test_the_figure_of_clips_has_their_numbers_below_and_intervals():
    curve = {500: Estimate(0.2, 0.02, 0.1, 0.4, 3, 200), 24_000: Estimate(0.8, None, None, None, 1, 200)}
    (trace,) = clips_figure({"ATR": curve}).data
    assert (list(trace.x), list(trace.y), trace.name) == ([500, 24_000], [0.2, 0.8], "ATR")
    assert list(trace.error_y.array) == pytest.approx([0.2, 0])
    assert list(trace.error_y.arrayminus) == pytest.approx([0.1, 0])


def result(network="tsn", seed=0, top1=0.3, **changed):
    return msgspec.convert(values_of(network, seed, top1, **changed), CellResult)


def test_results_of_another_renderer_or_start_do_not_count():
    assert by_network([result(renderer=RENDERER_VERSION + 1)]) == {}
    cell = Cell.of("tsn", NETWORKS["tsn"], 0)
    vars(cell)["start"] = "b" * 64
    assert cell.is_of(result()) and not cell.is_done(result())


def test_both_ends_of_intervals_are_told():
    found = by_network(
        [
            result(network, seed, top1)
            for network, top1 in (("atr-s3-5", 0.7), ("atr-sim-s3-5", 0.5))
            for seed in range(3)
        ]
    )
    told = judged(Claim("b", "atr-s3-5", "atr-sim-s3-5"), found)
    low, high = told.difference.low, told.difference.high
    assert low < high and f"[{100 * low:+.1f}, {100 * high:+.1f}]" in told.sentence
    assert share(Estimate(0.705, 0.01, 0.65, 0.76, 3, 200)) == "70.5 [65.0, 76.0]"


def test_pairs_are_the_mean_over_seeds():
    found = by_network([result(seed=seed, within_pairs=pairs) for seed, pairs in ((0, 0.8), (1, 0.9))])
    (row,) = table_texts(replace(TABLES["5"], rows=TABLES["5"].rows[:1]), found).to_dict("records")
    assert row["Within pairs, %"] == "85.0"


def test_a_claim_and_its_opposite_count_both(found):
    claims = tuple(Claim("c", "atr-s3-5", "tsn", plateau=plateau) for plateau in (False, True))
    told = summary([replace(TABLES["5"], claims=claims)], found)
    assert told.startswith("Of 2 claims 1 holds, 1 does not hold here.")


def test_what_a_seed_lacks_is_left_out_of_the_mean():
    assert over_seeds([0.5, float("nan")]) == over_seeds([None, 0.5]) == "0.50"
    assert over_seeds([float("nan"), None]) == ""


def test_histories_of_unlike_lengths_have_no_curve():
    two = results(("tsn", 0, 0.3), ("tsn", 1, 0.3))
    shorter = msgspec.structs.replace(two[1], history=two[1].history[:-1])
    assert list(epoch_curves({"tsn": two}, ["tsn"])) == ["tsn"]
    assert epoch_curves({"tsn": [two[0], shorter]}, ["tsn"]) == {}


def test_networks_of_several_devices_are_told_to_be_so():
    of = {
        device: results(("tsn", seed, 0.3), software={"device": device})
        for seed, device in enumerate(("gpu", "cpu"))
    }
    assert scale_text(by_network(of["cpu"])).endswith(" Trained on cpu.")
    both = scale_text(by_network([*of["cpu"], *of["gpu"]]))
    assert both.endswith(" Trained on cpu and gpu; intervals do not account for differences between devices.")
