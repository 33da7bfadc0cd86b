"""What the side-by-side view is sent."""

import json

import numpy as np
import pytest

from app.explorer import Side, SidesError, pack_sides, side_by_side

LENGTH = 3
FRAMES = np.arange(LENGTH * 8 * 8 * 3, dtype=np.uint8).reshape(LENGTH, 8, 8, 3)


def packed(*sides: Side, frames: np.ndarray = FRAMES, identity: str = "one"):
    return pack_sides(
        identity,
        frames,
        video="a",
        indices=np.arange(len(frames)),
        fps=10,
        sampled=np.array([0, 2]),
        alt="a clip",
        true_label="moving left",
        sides=list(sides),
    )


def maps(*weights: float) -> np.ndarray:
    """Raw M (3, 2, 2) whose spatial softmax is these four weights in every frame."""
    return np.tile(np.log(weights).reshape(1, 2, 2), (LENGTH, 1, 1)).astype(np.float32)


def located(name: str, values: dict[str, np.ndarray], **options) -> Side:
    return Side(name, {"actionness": values}, uniform=False, scores=[("moving left", 0.75)], **options)


def pooling(name: str, source_maps: dict | None = None) -> Side:
    return Side(name, source_maps or {}, uniform=True, scores=[("moving right", 0.5)], true_probability=0.25)


A = located("atr", {"S5B1": maps(0.1, 0.2, 0.3, 0.4)}, true_probability=0.75, correct=True)


def decoded(payload, side: int, source: str, block: str) -> np.ndarray:
    entry = payload.header["sides"][side]["maps"][source][block]
    offset, size = entry["span"]
    codes = np.frombuffer(payload.body[offset : offset + size], "<u2")
    step = (entry["high"] - entry["low"]) / 65535
    return (entry["low"] + codes * step).reshape(-1, entry["height"], entry["width"])


def test_frames_are_sent_once_however_many_sides_there_are():
    two, four = packed(A, A), packed(A, A, A, A)
    assert len(four.header["frames"]) == LENGTH
    assert len(four.body) - len(two.body) == 2 * LENGTH * 4 * 2  # two more maps, two bytes a value


def test_the_message_holds_maps_scores_and_the_start():
    payload = packed(A, pooling("tsn"))
    message = payload.message(start={"frame": 1, "block": "S5B1"}, link={"clip": "x"})
    length = int.from_bytes(message[:4], "little")
    header = json.loads(message[4 : 4 + length])
    assert message[4 + length :] == payload.body
    assert header["start"] == {"frame": 1, "block": "S5B1"} and header["link"] == {"clip": "x"}
    assert header["sampled"] == [0, 2] and header["true_label"] == "moving left"
    first, second = header["sides"]
    assert first["scores"] == [["moving left", 0.75]] and first["correct"] is True
    assert second["true_probability"] == 0.25 and second["correct"] is None
    np.testing.assert_allclose(decoded(payload, 0, "actionness", "S5B1"), maps(0.1, 0.2, 0.3, 0.4), atol=3e-5)


def test_one_scale_is_the_widest_of_all_sides():
    """Half of each side's values lie at either of its ends, so its percentiles are these ends."""
    low = np.full((LENGTH, 2, 2), -2, np.float32)
    low[:, 0] = 1
    high = np.full((LENGTH, 2, 2), 0, np.float32)
    high[:, 1] = 5
    payload = packed(located("a", {"S5B1": low}), located("b", {"S5B1": high}))
    scales = payload.header["scales"]["actionness"]["S5B1"]
    assert scales["raw"] == (-2, 5)
    assert scales["sigmoid"] == pytest.approx((1 / (1 + np.exp(2)), 1 / (1 + np.exp(-5))))
    # Softmax of (1, 1, -2, -2) and of (0, 0, 5, 5), two equal weights and two equal rests each.
    weights = [np.exp([1, -2]) / (2 * np.exp([1, -2]).sum()), np.exp([0, 5]) / (2 * np.exp([0, 5]).sum())]
    assert scales["softmax"] == pytest.approx((np.min(weights), np.max(weights)))


def test_the_median_is_one_for_all_sides():
    """That of all their values together, whatever the source and the kind."""
    low, high = np.full((LENGTH, 2, 2), -2, np.float32), np.full((LENGTH, 2, 2), 1, np.float32)
    high[:, 0] = 5
    payload = packed(located("a", {"S5B1": low}), located("b", {"S5B1": high}))
    assert (
        payload.header["medians"]["actionness"]["S5B1"]["raw"] == -0.5
    )  # half of the values are -2, the others from 1
    payload = packed(A, pooling("tsn"))
    assert payload.header["medians"]["actionness"]["S5B1"]["softmax"] == pytest.approx(
        0.25
    )  # 1/HW, amid A's weights
    cam = np.zeros((LENGTH, 2, 2), np.float32)
    cam[:, 0] = 4
    payload = packed(Side("atr", {"gradcam": {"S5B1": cam}}, uniform=False, scores=[]), A)
    assert payload.header["medians"]["gradcam"]["S5B1"] == {"relative": 0.5, "raw": 2}


def test_without_an_arl_on_every_side_only_pooling_weights_compare():
    assert packed(A, A).header["sources"]["actionness"]["kinds"] == ("softmax", "raw", "sigmoid")
    payload = packed(A, pooling("atr-sim"))
    assert payload.header["sources"]["actionness"]["kinds"] == ("softmax",)
    assert list(payload.header["scales"]["actionness"]["S5B1"]) == ["softmax"]
    bare = Side("tsn", {}, uniform=False, scores=[], absent={"actionness": "No block."})
    assert packed(A, bare).header["sources"]["actionness"]["kinds"] == ("softmax",)


def test_a_uniform_side_has_a_constant_map_on_the_grid_it_is_compared_on():
    """Constant M: its softmax is 1/HW in every cell."""
    flat = decoded(packed(A, pooling("tsn")), 1, "actionness", "S5B1")
    assert flat.shape == (LENGTH, 2, 2) and np.ptp(flat) == 0
    cam = {"gradcam": {"S5B1": np.ones((LENGTH, 4, 6), np.float32)}}
    assert decoded(packed(A, pooling("tsn", cam)), 1, "actionness", "S5B1").shape == (LENGTH, 4, 6)
    own = {"actionness": {"S5B1": np.full((LENGTH, 3, 3), 1 / 9)}}
    payload = packed(A, pooling("atr-sim", own))
    assert decoded(payload, 1, "actionness", "S5B1").shape == (LENGTH, 3, 3)
    assert [side["own"] for side in payload.header["sides"]] == [{"actionness": ["S5B1"]}] * 2


def test_where_all_pool_uniformly_the_weight_lies_in_the_middle_of_the_scale():
    own = {"actionness": {"S5B1": np.full((LENGTH, 2, 2), 0.25)}}
    payload = packed(pooling("tsn", own), pooling("atr-sim", own))
    assert payload.header["scales"]["actionness"]["S5B1"]["softmax"] == pytest.approx((0, 0.5))


def test_blocks_are_those_of_any_side_from_shallow_to_deep():
    first = located("a", {"S4B10": maps(1, 1, 1, 1), "S5B1": maps(1, 1, 1, 1)})
    second = located("b", {"S4B2": maps(1, 1, 1, 1)})
    payload = packed(first, second)
    assert payload.blocks == ["S4B2", "S4B10", "S5B1", "all blocks"]
    assert list(payload.header["sides"][1]["maps"]["actionness"]) == ["S4B2"]


def test_all_blocks_together_stand_last_with_values_of_their_own():
    """Values 3 and 0, as many of each: their median is 1.5, and so is their standard deviation."""
    low = np.zeros((LENGTH, 2, 2), np.float32)
    low[:, 0] = 3
    several = {"S4B1": low, "S5B1": 10 * low}
    payload = packed(located("a", several), A, pooling("tsn"))
    assert payload.blocks == ["S4B1", "S5B1", "all blocks"] and payload.last_block == "S5B1"
    heat = decoded(payload, 0, "actionness", "all blocks")
    np.testing.assert_allclose(heat, [[[1, 1], [0, 0]]] * LENGTH, atol=1e-4)
    assert "all blocks" not in payload.header["sides"][1]["maps"]["actionness"]  # one block only
    assert decoded(payload, 2, "actionness", "all blocks").max() == 0  # nothing stands out
    assert payload.header["scales"]["actionness"]["all blocks"] == {
        "response": (0, pytest.approx(1, abs=1e-4))
    }
    assert payload.header["medians"]["actionness"]["all blocks"] == {"response": 0}


def test_blocks_that_only_pool_have_no_response_together():
    own = {"S4B1": np.zeros((LENGTH, 2, 2)), "S5B1": np.zeros((LENGTH, 2, 2))}
    assert packed(pooling("tsn", {"actionness": own}), A).blocks == ["S4B1", "S5B1"]
    cams = {block: np.eye(2, dtype=np.float32)[None].repeat(LENGTH, 0) for block in own}
    payload = packed(pooling("tsn", {"actionness": own, "gradcam": cams}), A)
    assert payload.blocks == ["S4B1", "S5B1", "all blocks"]
    np.testing.assert_allclose(decoded(payload, 0, "gradcam", "all blocks")[2], np.eye(2), atol=1e-4)


def test_gradcam_is_compared_as_parts_of_each_sides_maximum():
    cam = np.zeros((LENGTH, 2, 2), np.float32)
    cam[:, 0] = 4
    weak = pooling("tsn", {"gradcam": {"S5B1": cam / 100}})
    strong = Side("atr", {**A.maps, "gradcam": {"S5B1": cam}}, uniform=False, scores=[])
    payload = packed(strong, weak)
    assert payload.sources == ["actionness", "gradcam"]
    assert payload.header["scales"]["gradcam"]["S5B1"] == {"relative": (0, 1), "raw": (0, 4)}


def test_a_source_that_is_only_explained_is_told_and_cannot_be_asked_for():
    explained = located("a", A.maps["actionness"], absent={"gradcam": "Press the button."})
    assert packed(A, A).sources == ["actionness"]
    payload = packed(explained, A)
    assert payload.sources == ["actionness", "gradcam"] and payload.header["scales"]["gradcam"] == {}
    assert payload.allowed(None)["source"] == ["actionness"]
    assert payload.allowed("gradcam")["values"] == payload.allowed("actionness")["values"]


def test_a_link_may_ask_for_a_pair_where_there_are_several():
    assert packed(A, A).allowed(None)["pair"] == ["ab"]
    assert packed(A, A, A).allowed(None)["pair"] == ["ab", "ac", "ba", "bc", "ca", "cb"]


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ([A], "2 to 4 models, got 1"),
        ([A] * 5, "2 to 4 models, got 5"),
        ([A, located("b", {"S5B1": np.zeros((2, 2, 2))})], r"b: Actionness of S5B1 must be \(3, h, w\), got \(2, 2, 2\)"),
        ([A, located("b", {"S5B1": np.full((3, 2, 2), np.nan)})], "b: Actionness of S5B1 has values that are not finite"),
        ([A, pooling("b", {"gradcam": {"S5B1": np.full((3, 1, 1), -0.5)}})], "has a negative value, -0.5"),
        ([A, pooling("b", {"actionness": {"S5B1": maps(1, 2, 3, 4)}})], "is not constant, but the model is said to pool"),
        ([A, pooling("b", {"saliency": {}})], "maps are of actionness or gradcam, got 'saliency'"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(sides, message):
    with pytest.raises(SidesError, match=message):
        packed(*sides)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"block": "S9B9"}, "block is one of S5B1, got 'S9B9'"),
        ({"source": "gradcam"}, "source is one of actionness, got 'gradcam'"),
        ({"mode": "swap"}, "mode is one of sides, difference, swipe, got 'swap'"),
        ({"values": "relative"}, "values is one of softmax, raw, sigmoid, got 'relative'"),
        ({"palette": "pink"}, "palette is one of inferno, viridis, magma, cividis, got 'pink'"),
    ],
)
def test_a_start_that_is_not_there_is_refused(start, message):
    with pytest.raises(SidesError, match=message):
        side_by_side(packed(A, A), start={"frame": 0, **start})


def test_every_side_has_its_colour_its_notes_and_whether_it_locates():
    cam = {"gradcam": {"S5B1": np.ones((LENGTH, 2, 2), np.float32)}}
    noted = located("b", A.maps["actionness"], notes=("the last frames have no next one",))
    bare = Side("bare", cam, uniform=False, scores=[])  # no maps of its own but Grad-CAM
    first, second, third, fourth = packed(A, noted, pooling("tsn"), bare).header["sides"]
    assert len({side["colour"] for side in (first, second, third, fourth)}) == 4
    assert (first["notes"], second["notes"]) == ([], ["the last frames have no next one"])
    assert [side["locator"] for side in (first, second, third, fourth)] == [True, True, False, False]
