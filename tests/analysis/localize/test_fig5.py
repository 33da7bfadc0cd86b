"""The Fig-5 score by hand: one ranking of all pixels of all frames, where and when at once."""

import numpy as np
import pytest

from analysis.localize.emphasis import both_kinds, emphasis_numbers
from analysis.localize.fig5 import (
    SCORES,
    WITHOUT,
    Ranked,
    fig5_numbers,
    fig5_row,
    positives_of,
    ranked_of,
    remaining,
)
from analysis.localize.figures import costs_figure, fig5_figure, has_costs
from analysis.localize.maps import BASELINES, Layout, Map, flat, maps_of
from analysis.localize.measures import average_precision, hits, overlaps_of, tally
from analysis.localize.numbers import localization_numbers, measure, not_computed
from analysis.localize.truths import ACTING, DISTRACTOR, MASKED, STATED, TARGET

FINE, COARSE = Map("actionness", "S3B1", "logits"), Map("actionness", "S5B1", "logits")
LAYOUTS = {"S3B1": Layout((2, 2), None), "S5B1": Layout((1, 1), None)}
TOLD = STATED | MASKED


def clip_bits():
    """Three frames of 2x2 pixels; the target is top left, top right, bottom left, and acts in the first two."""
    bits = np.zeros((3, 2, 2), np.uint8)
    bits[0, 0, 0] = bits[1, 0, 1] = bits[2, 1, 0] = TARGET
    bits[:2] |= ACTING
    return bits | TOLD


def test_positives_are_the_target_where_it_acts_and_its_union_with_the_next():
    now, union = positives_of(clip_bits())
    assert [np.argwhere(frame).tolist() for frame in now] == [[[0, 0]], [[0, 1]], []]
    # the second frame acts, the third does not: what it shows is where the target of the second goes
    assert [np.argwhere(frame).tolist() for frame in union] == [[[0, 0], [0, 1]], [[0, 1], [1, 0]], []]


def test_the_last_frame_has_no_next_one():
    now, union = positives_of(clip_bits()[:2])
    np.testing.assert_array_equal(union[1], now[1])


def test_the_scores_by_hand():
    """An idle frame that is brighter than the action costs precision, although its map points rightly."""
    fine = np.zeros((3, 2, 2))
    fine[2, 1, 0], fine[0, 0, 0], fine[0, 1, 1], fine[1, 0, 1] = 9, 8, 7, 6
    found = fig5_row({FINE: fine, COARSE: np.array([3.0, 2, 1]).reshape(3, 1, 1)}, clip_bits(), LAYOUTS)
    # ranked - + - + and eight tied: precision 1/2 at the first positive, 2/4 at the second
    assert found["fig5"][0] == pytest.approx(1 / 2 * 1 / 2 + 1 / 2 * 2 / 4)
    # two more positives among the eight that are tied last: 4/12 for the rest
    assert found["fig5_next"][0] == pytest.approx(1 / 4 * 1 / 2 + 1 / 4 * 2 / 4 + 2 / 4 * 4 / 12)
    # one value a frame: 1 of 4 in the first, 2 of 8 in the first two
    assert found["fig5"][1] == pytest.approx(1 / 4)
    # the brightest pixel of all is in the idle frame; the coarse map's first frame has one positive of four
    assert found["clip_pointing"][:2].tolist() == [0, 1 / 4]
    assert average_precision(fine, positives_of(clip_bits())[0]) > found["fig5"][0]  # acting frames alone


def test_chance_is_the_share_of_positives_and_a_ceiling_that_of_its_grid():
    uniform = next(m for m in BASELINES if m.method == "uniform")
    maps = {FINE: np.zeros((3, 2, 2)), uniform: np.zeros((3, 2, 2))}
    found, ranked = fig5_row(maps, clip_bits(), LAYOUTS), ranked_of(list(maps), LAYOUTS)
    assert [(r.method, r.grid) for r in ranked[2:]] == [
        ("centre x middle", (2, 2)),
        ("true masks", (2, 2)),
        ("true masks", (1, 1)),
    ]
    assert found["fig5"][1] == pytest.approx(2 / 12) and found["fig5_next"][1] == pytest.approx(4 / 12)
    assert found["fig5"][3] == found["fig5_next"][3] == 1  # a cell for each pixel
    assert found["fig5"][4] == pytest.approx(2 / 8)  # one cell: knows when, not where
    assert found["fig5_next"][4] == pytest.approx(4 / 8)


def test_the_centre_in_the_middle_is_the_highest_of_its_baseline():
    bits = np.full((3, 3, 3), TOLD, np.uint8)
    bits[1] |= ACTING
    bits[1, 1, 1] |= TARGET
    layouts = {"S3B1": Layout((3, 3), None)}
    found = fig5_row({FINE: np.zeros((3, 3, 3))}, bits, layouts)
    assert found["fig5"][1] == 1


def test_clips_without_action_or_truth_are_left_out_and_counted():
    clips = [clip_bits(), *(clip_bits() & (255 - bit) for bit in (ACTING, STATED, MASKED))]
    maps = {FINE: np.random.default_rng(0).normal(size=(3, 2, 2))}
    found = [fig5_row(maps, bits, LAYOUTS) for bits in clips]
    rows = {name: np.stack([row[name] for row in found]) for name in found[0]}
    numbers = fig5_numbers(rows, ranked_of(list(maps), LAYOUTS))
    assert (numbers["clips"], numbers["never_acting"], numbers["without_truth"]) == (1, 1, 2)
    assert numbers["scores"][0]["fig5"]["value"] == found[0]["fig5"][0]
    only = fig5_numbers({name: values[1:] for name, values in rows.items()}, ranked_of(list(maps), LAYOUTS))
    assert only["clips"] == 0 and only["scores"][0]["fig5"] is None


def test_what_the_truth_does_not_allow_is_said():
    assert not_computed(np.array([True, True]), np.array([True, True])) == []
    acting, boxes = not_computed(np.array([True, False, True]), np.array([False, True, True]))
    assert acting.startswith(
        "1 of 3 clips do not say in which frames the action happens: the Fig-5 score and"
    )
    assert boxes.startswith("1 of 3 clips have boxes and no masks: the Fig-5 score")
    # of a clip that tells neither, boxes are not what is missing
    assert not_computed(np.array([True, False]), np.array([False, False]))[1].startswith("1 of 2 clips have")


def test_emphasis_without_the_last_step():
    """The last step is high in every clip; without it, the map follows the action."""
    acting = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], bool)
    values = {"peak": np.array([[[0.0, 1, 2]], [[1.0, 0, 2]], [[0.0, 0, 2]]])}
    values["mean"] = values["peak"]
    peak, _ = emphasis_numbers(values, acting, [FINE])
    assert peak["acting_above"]["value"] == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert peak["acting_above_without_last"]["value"] == 1  # of the two clips that have both kinds there
    # the course of all three clips is 1/3, 1/3
    assert peak["beyond_course_without_last"]["value"] == 1


def test_cells_by_their_centres():
    """Two columns centred on the first and the third of four pixels; they meet at the second."""
    centres = (np.array([0.5]), np.array([0.125, 0.625]))
    np.testing.assert_allclose(overlaps_of(centres[1], 4), [[2 / 3, 1 / 3, 0, 0], [0, 0.2, 0.4, 0.4]])
    masks = np.array([[[True, False, False, False]]])
    maps = np.array([[[5.0, 0]]])
    assert hits(maps, masks, centres) == [1]
    assert hits(maps, masks) == [0]  # edge to edge it is over the second pixel
    heat = tally(maps, masks, kind="heat", centres=centres)
    assert heat.mass == pytest.approx(2 / 3)
    right = np.array([[[0.0, 5]]])
    assert average_precision(right, masks[..., ::-1]) == 1
    assert average_precision(right, masks[..., ::-1], centres=centres) == 1 / 2  # held beyond the third pixel


def test_the_figure_has_the_scores_and_the_ceiling_over_each_block():
    def at(value):
        return {"value": value, "low": value, "high": value}

    scores = [
        {"method": method, "block": block, "grid": grid, "fig5": at(value), "fig5_next": at(value + 0.1)}
        for method, block, grid, value in (
            ("actionness", "S3B1", [2, 2], 0.3),
            ("actionness", "S5B1", [1, 1], 0.2),
            ("uniform", None, [2, 2], 0.1),
            ("true masks", None, [2, 2], 0.8),
            ("true masks", None, [1, 1], 0.5),
        )
    ]
    result = {"checkpoint": {"name": "net"}, "blocks": ["S3B1", "S5B1"], "fig5": {"scores": scores}}
    figure = fig5_figure([result])
    traces = {(trace.name, trace.yaxis): list(trace.y) for trace in figure.data}
    assert traces["actionness", "y"] == [0.3, 0.2]
    assert traces["actionness", "y2"] == pytest.approx([0.4, 0.3])
    assert traces["true masks on the grid: ceiling", "y"] == [0.8, 0.5]
    assert traces["true masks on the grid: ceiling", "y2"] == pytest.approx([0.9, 0.6])
    assert traces["uniform: chance", "y"] == [0.1, 0.1]
    assert not [
        trace for trace in figure.data if trace.yaxis == "y3"
    ]  # clip pointing, which older results lack


def test_what_costs_the_score_by_hand():
    """Each negative belongs to one kind; without its kind the score is what is left of the ranking."""
    bits = clip_bits()
    bits[0, 1, 1] |= DISTRACTOR
    # the positives are 0 and 5; above both are four idle pixels, 3 is the distractor
    fine = np.arange(12.0).reshape(3, 2, 2)
    kept = remaining(bits)
    negatives = ~positives_of(bits)[0]
    taken = [negatives & ~kept[kind] for kind in ("without_idle", "without_distractors", "without_rest")]
    np.testing.assert_array_equal(np.sum(taken, axis=0), negatives)
    assert [int(each.sum()) for each in taken] == [4, 1, 5]
    found = fig5_row({FINE: fine}, bits, LAYOUTS)
    # from the top: four idle, 7 and 6, the positive 5, 4, the distractor 3, 2, 1, the positive 0
    scores = {name: found[name][0] for name in ("fig5", *WITHOUT)}
    assert scores == pytest.approx(
        {
            "fig5": 1 / 2 * 1 / 7 + 1 / 2 * 2 / 12,
            "without_last": 1 / 2 * 1 / 3 + 1 / 2 * 2 / 8,
            "without_idle": 1 / 2 * 1 / 3 + 1 / 2 * 2 / 8,
            "without_distractors": 1 / 2 * 1 / 7 + 1 / 2 * 2 / 11,
            "without_rest": 1 / 2 * 1 / 5 + 1 / 2 * 2 / 7,
        }
    )


def test_a_clip_that_acts_in_its_last_frame_alone_has_no_score_without_it():
    bits = np.full((2, 2, 2), TOLD, np.uint8)
    bits[1] |= ACTING
    bits[1, 0, 0] |= TARGET
    maps = {FINE: np.zeros((2, 2, 2))}
    found = [fig5_row(maps, each, LAYOUTS) for each in (bits, bits[::-1])]
    assert np.isnan(found[0]["without_last"][0]) and found[1]["without_last"][0] == 1 / 4
    rows = {name: np.stack([row[name] for row in found]) for name in found[0]}
    score = fig5_numbers(rows, ranked_of(list(maps), LAYOUTS))["scores"][0]
    assert score["without_last"] == {"value": 0.25, "low": None, "high": None}


def test_the_figure_of_costs_has_a_bar_and_four_points_for_each_block():
    def at(value):
        return {"value": value, "low": value, "high": value}

    entry = {"method": "actionness", "block": "S3B1", "grid": [2, 2], "fig5": at(0.2)}
    older = {"checkpoint": {"name": "net"}, "blocks": ["S3B1"], "fig5": {"scores": [dict(entry)]}}
    entry |= {name: at(0.3 + 0.1 * place) for place, name in enumerate(WITHOUT)}
    result = older | {"fig5": {"scores": [entry]}}
    assert has_costs(result) and not has_costs(older) and not has_costs({})
    figure = costs_figure([result])
    assert {trace.name: trace.y[0] for trace in figure.data} == pytest.approx(
        {
            "actionness": 0.2,
            "without the last frame": 0.3,
            "without idle frames": 0.4,
            "without what else moves": 0.5,
            "without all that is still": 0.6,
        }
    )


def test_clips_that_do_not_say_when_the_action_happens_have_no_emphasis():
    maps = {FINE: np.random.default_rng(0).normal(size=(3, 2, 2))}
    rows = [measure(maps, bits, LAYOUTS) for bits in (clip_bits(), clip_bits() & (255 - STATED))]
    numbers = localization_numbers(
        {name: np.stack([row[name] for row in rows]) for name in rows[0]}, list(maps)
    )
    assert numbers["emphasis_clips"] == 1


def test_distractors_count_while_the_target_is_out_of_view():
    bits = np.full((2, 2, 2), ACTING | DISTRACTOR, np.uint8)
    bits[0, 0, 0] = ACTING | TARGET
    assert measure({FINE: np.zeros((2, 2, 2))}, bits, LAYOUTS)["distractor_frames"] == 2


CENTRES = (np.array([0.5]), np.array([0.125, 0.625]))  # of 1×2 cells: those of the receptive fields


@pytest.fixture
def last_pixel():
    """Bits of one frame of 1×4 pixels that acts; the target is its last pixel, between the centres of the cells."""
    bits = np.full((1, 1, 4), TOLD | ACTING, np.uint8)
    bits[0, 0, 3] |= TARGET
    return bits


def test_a_score_and_its_ceiling_are_of_the_cells_places(last_pixel):
    maps = {FINE: np.array([[[0.0, 5]]])}
    edges, fields = (
        fig5_row(maps, last_pixel, {"S3B1": Layout((1, 2), places)})["fig5"] for places in (None, CENTRES)
    )
    assert edges[0] == 1 and fields[0] == fields[2] == 1 / 2


def test_pointing_and_precision_are_of_the_cells_places(last_pixel):
    first = np.array([[[True, False, False, False]]])
    assert tally(np.array([[[5.0, 0]]]), first, centres=CENTRES).hits == 1
    maps = {FINE: np.array([[[0.0, 5]]])}
    found = measure(maps, last_pixel, {"S3B1": Layout((1, 2), CENTRES)})
    assert found["average_precision"][0] == 1 / 2


def test_emphasis_of_the_baseline_of_peak_and_mean_and_beyond_the_course_of_all_clips():
    acting = np.array([[0, 1, 0], [0, 1, 0]], bool)
    nothing = dict.fromkeys(("peak", "mean"), np.zeros((2, 1, 3)))
    (middle,) = emphasis_numbers(nothing, acting, [Map("centre", None, "logits")])[:1]
    assert middle["acting_above"]["value"] == 1
    opposite = {"peak": acting[:, None] * 1.0, "mean": acting[:, None] * -1.0}
    assert [entry["acting_above"]["value"] for entry in emphasis_numbers(opposite, acting, [FINE])] == [1, 0]
    acting = np.array([[1, 0, 0], [0, 0, 1]], bool)
    values = dict.fromkeys(("peak", "mean"), np.array([[[3.0, 2, 0]], [[3.0, 0, 0]]]))
    assert emphasis_numbers(values, acting, [FINE])[0]["beyond_course_without_last"]["value"] == 0


def test_a_clip_is_left_out_for_one_reason():
    rows = dict.fromkeys(SCORES, np.zeros((3, 1)))
    rows |= {"told": np.array([True, True, False]), "acts": np.array([True, False, False])}
    numbers = fig5_numbers(rows, [Ranked("uniform", None, None)])
    assert (numbers["clips"], numbers["never_acting"], numbers["without_truth"]) == (1, 1, 1)


def test_clips_that_act_in_some_frames_and_not_in_others_have_both_kinds():
    acting = np.array([[True, True], [True, False], [False, False]])
    assert both_kinds(acting).tolist() == [False, True, False]


def test_the_area_of_distractors_is_that_of_the_frames_with_them():
    row = measure({FINE: np.zeros((3, 2, 2))}, clip_bits(), LAYOUTS)
    rows = {name: np.stack([value] * 3) for name, value in row.items()} | {
        "frames": np.array([1, 3, 0]),
        "distractor_frames": np.array([2, 0, 4]),
        "distractor_area": np.array([0.2, 0, 0.6]),
    }
    assert localization_numbers(rows, [FINE])["distractor_area"] == pytest.approx(0.8 / 6)


def test_the_peak_is_the_highest_value_and_not_the_farthest_from_0():
    maps = np.array([[[-5.0, 1], [0, -2]], [[-3.0, -1], [-2, -4]], [[0.0, 7], [1, -9]]])
    assert measure({FINE: maps}, clip_bits(), LAYOUTS)["peak"].tolist() == [[1, -1, 7]]


def test_all_blocks_together_are_told_of_several_alone(tiny):
    model = tiny(block="atr")
    one, two = ([m.method for m in maps_of(model, blocks)] for blocks in (("S5B2",), ("S5B1", "S5B2")))
    assert one == ["actionness", "Grad-CAM", "frame difference", "centre", "uniform"]
    assert {"actionness, all blocks", "Grad-CAM, all blocks"} <= set(two)
    assert not any("all blocks" in m.method for m in maps_of(tiny(), ("S5B1", "S5B2")))


def test_a_row_of_a_table_has_both_ends_of_an_interval():
    row = flat({"block": "S5B2", "mass": {"value": 0.5, "low": 0.25, "high": 0.75}})
    assert row == {"block": "S5B2", "mass": 0.5, "mass, low": 0.25, "mass, high": 0.75}
