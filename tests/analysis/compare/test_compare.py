import json
import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.compare.comparable import NotComparable, names, require_comparable
from analysis.compare.numbers import (
    ABSENT,
    FILTERS,
    Paired,
    agreement,
    all_pairs,
    clip_table,
    config_differences,
    confusions,
    costs,
    p_text,
    paired,
    per_class,
    reliability,
    summary,
)
from analysis.compare.report import build_report
from analysis.compare.tables import (
    agreement_text,
    confusions_texts,
    missing_frames,
    pairs_texts,
    per_class_texts,
    provenance,
    summary_texts,
    trainings_text,
)
from atr.block import ATRConfig
from atr.describe import describe
from atr.models import ModelConfig
from atr.preprocessing import Preprocessing
from atr.training.config import TrainConfig, settings_of
from tests.analysis.compare.toy_predictions import TARGETS, predictions

NO_BRACKETS = str.maketrans("", "", "[,]")


@pytest.fixture
def a():
    return predictions("first", [0, 0, 1, 1, 0, 2])  # wrong on clips 2 and 4


@pytest.fixture
def b():
    return predictions("second", [0, 1, 1, 1, 1, 0])  # wrong on clips 1, 2 and 5


def test_the_summary_holds_accuracies_with_intervals_and_calibration(a, b):
    table = summary([a, b])
    assert table.checkpoint.tolist() == ["first", "second"]
    assert table.clips.tolist() == [6, 6]
    np.testing.assert_allclose(table.top1, [4 / 6, 3 / 6])
    np.testing.assert_allclose(table.top5, 1)  # of three classes
    # all clips are in the bin of 0.8: the calibration error is the distance of the accuracy from it
    np.testing.assert_allclose(table.ece, [0.8 - 4 / 6, 0.8 - 3 / 6], atol=1e-6)
    z2 = 1.959964**2
    centre, half = (3 + z2 / 2) / (6 + z2), math.sqrt(z2) * math.sqrt(1.5 + z2 / 4) / (6 + z2)
    assert table.top1_low[1] == pytest.approx(centre - half, abs=1e-6)
    assert table.top1_high[1] == pytest.approx(centre + half, abs=1e-6)
    assert table.ms_per_clip.tolist() == [2.5, 2.5]


def test_costs_are_those_of_the_network_that_was_evaluated(a):
    config = ModelConfig("tsn_resnet18", 3, 4, width=0.25, stem="small", block="atr", placement="S5")
    table = costs([a, predictions("wide", [0] * 6, model=config)])
    assert table.parameters[1] == describe(config, 32).parameters > table.parameters[0]
    assert table.macs[1] == describe(config, 32).macs > table.macs[0]


def test_a_view_of_three_crops_is_as_large_as_the_short_side():
    checkpoint = predictions("x", TARGETS).facts["checkpoint"]
    checkpoint["preprocessing"] = Preprocessing(short_side=64, crop=32).to_dict()
    one, three = (
        predictions("x", TARGETS, checkpoint=checkpoint, protocol=protocol) for protocol in ("1x1", "2x3")
    )
    config = ModelConfig.from_dict(checkpoint["model"])
    assert costs([one]).macs[0] == describe(config, 32).macs
    assert costs([three]).macs[0] == describe(config, 64).macs


def test_the_paired_difference_of_a_toy(a, b):
    found = paired(a, b)
    assert (found.both, found.only_a, found.only_b, found.neither) == (2, 2, 1, 1)
    assert found.difference == pytest.approx(1 / 6)
    assert found.low < found.difference < found.high
    assert found.p == 1  # B(3, 1/2): 2 against 1 is the middle
    top3 = paired(a, b, k=3)
    assert (top3.both, top3.difference, top3.p) == (6, 0, 1)


def test_the_sides_can_be_exchanged(a, b):
    one, other = paired(a, b), paired(b, a)
    assert one.difference == -other.difference and one.p == other.p
    assert (one.only_a, one.only_b) == (other.only_b, other.only_a)


def test_the_sentence_says_which_side_and_whether_it_is_more_than_luck():
    above = Paired("x", "y", 1, 2_000, 0.152, 0.134, 0.17, 1393, 357, 53, 197, 1.855e-56)
    assert above.sentence == (
        "Top-1 of x is 87.5 %, of y 72.3 %: a difference of +15.2 points (95 % interval +13.4 to +17.0; 2,000 clips). "
        "Only x is right on 357 clips, only y on 53: exact McNemar p = 2·10⁻⁵⁶, significant at the 5 % level."
    )
    below = Paired("x", "y", 5, 100, -0.02, -0.05, 0.01, 90, 1, 3, 6, 0.625).sentence
    assert (
        "Top-5 of x is 91.0 %, of y 93.0 %: a difference of -2.0 points (95 % interval -5.0 to +1.0;" in below
    )
    assert below.endswith("p = 0.62, not significant at the 5 % level.")
    at = Paired("x", "y", 1, 100, 0.05, 0.0, 0.1, 80, 10, 5, 5, 0.05).sentence
    assert at.endswith("p = 0.05, not significant at the 5 % level.")
    assert Paired("x", "y", 1, 9, 0.0, 0.0, 0.0, 9, 0, 0, 0, 1.0).sentence.startswith(
        "Top-1 of x is 100.0 %, of y 100.0 %: a difference of +0.0 points"
    )


@pytest.mark.parametrize(
    "p, text",
    [(0.5, "0.5"), (0.0094752, "0.0095"), (0.001, "0.001"), (3.2e-4, "3·10⁻⁴"), (1e-10, "1·10⁻¹⁰"), (0, "0")],
)
def test_small_probabilities_are_written_as_powers(p, text):
    assert p_text(p) == text


def test_every_two_of_three_are_paired_and_adjusted_together(a, b):
    c = predictions("third", TARGETS)
    table = all_pairs([a, b, c])
    assert list(zip(table.a, table.b, strict=True)) == [
        ("first", "second"),
        ("first", "third"),
        ("second", "third"),
    ]
    # 1, 2·(1/2)² = 0.5 and 2·(1/2)³ = 0.25: times 3, 2, 1
    np.testing.assert_allclose(table.p, [1, 0.5, 0.25])
    np.testing.assert_allclose(table.p_holm, [1, 1, 0.75])


def test_classes_are_sorted_by_their_difference(a, b):
    table = per_class(a, b)
    assert table.label.tolist() == ["turn", "push", "pull"]
    assert table.clips.tolist() == [1, 3, 2]
    np.testing.assert_allclose(table.a, [1, 2 / 3, 1 / 2])
    np.testing.assert_allclose(table.b, [0, 1 / 3, 1])
    np.testing.assert_allclose(table.difference, [1, 1 / 3, -1 / 2])
    assert table.only_a.tolist() == [1, 1, 0]
    assert table.only_b.tolist() == [0, 0, 1]
    np.testing.assert_allclose(table.p, 1)


def test_the_p_of_a_class_is_that_of_its_clips_adjusted_for_the_number_of_classes():
    targets = [0] * 6 + [1] * 6
    a = predictions("a", targets, targets=targets)
    b = predictions("b", [1] * 6 + [1] * 6, targets=targets)
    table = per_class(a, b)
    assert table.label.tolist() == ["push", "pull"]  # turn has no clip
    np.testing.assert_allclose(table.p, [2 / 64, 1])
    np.testing.assert_allclose(table.p_holm, [4 / 64, 1])
    texts = per_class_texts(table)
    assert [texts[name][0] for name in ("p (McNemar)", "p, adjusted (Holm)")] == ["0.031", "0.062"]


def test_confusions_tell_what_the_other_model_solves(a, b):
    rows = confusions(a, b).set_index(["label", "predicted"])
    assert len(rows) == 3
    assert rows.loc[("push", "pull")].to_dict() == {
        "a_count": 1,  # clip 2
        "b_count": 2,  # clips 1 and 2
        "solved_by_b": 0,
        "solved_by_a": 1,  # clip 1
    }
    assert rows.loc[("pull", "push")].to_dict() == {
        "a_count": 1,
        "b_count": 0,
        "solved_by_b": 1,
        "solved_by_a": 0,
    }
    assert rows.loc[("turn", "push")].to_dict() == {
        "a_count": 0,
        "b_count": 1,
        "solved_by_b": 0,
        "solved_by_a": 1,
    }


def test_confusions_in_which_two_models_differ_most_come_first():
    a = predictions("a", [1, 1, 1, 1, 0, 2])
    b = predictions("b", [0, 0, 0, 0, 0, 2])
    table = confusions(a, b)
    assert (table.label[0], table.predicted[0], table.a_count[0], table.b_count[0]) == ("push", "pull", 3, 0)
    assert confusions(b, b).a_count.tolist() == [2] and confusions(a, a).solved_by_a.tolist() == [0, 0]


def test_a_perfect_model_has_no_confusion(a):
    perfect = predictions("perfect", TARGETS)
    assert len(confusions(perfect, perfect)) == 0
    assert perfect.confusion().tolist() == [[3, 0, 0], [0, 2, 0], [0, 0, 1]]
    assert a.confusion().tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_agreement_by_hand(a, b):
    # calls 0 0 1 1 0 2 and 0 1 1 1 1 0: alike on clips 0, 2, 3; margins 3, 2, 1 and 2, 4, 0
    found = agreement(a, b)
    assert found.share == pytest.approx(1 / 2)
    expected = (3 * 2 + 2 * 4 + 1 * 0) / 36
    assert found.kappa == pytest.approx((1 / 2 - expected) / (1 - expected))
    assert (found.both_wrong, found.same_error) == (1, 1)
    assert agreement(a, a).kappa == pytest.approx(1)
    other = predictions("third", [0, 0, 2, 1, 0, 2])
    assert agreement_text(a, other).endswith("of the 2 clips that both get wrong, 1 alike.")
    stuck = [predictions(name, [1] * 6) for name in ("fourth", "fifth")]
    assert agreement(*stuck).kappa is None and "(Cohen's kappa is not defined)" in agreement_text(*stuck)


def test_the_reliability_table_has_a_row_a_bin():
    table, ece = reliability(predictions("a", [0, 0, 1, 1, 0, 2], sure=0.7))
    assert len(table) == 15 and table.clips.sum() == 6
    (filled,) = table[table.clips > 0].to_dict("records")
    assert (filled["low"], filled["high"]) == pytest.approx((10 / 15, 11 / 15))
    assert filled["confidence"] == pytest.approx(0.7)
    assert filled["accuracy"] == pytest.approx(4 / 6)
    # Wilson's of 4 in 6
    assert (filled["accuracy_low"], filled["accuracy_high"]) == pytest.approx((0.29999, 0.90323), abs=1e-5)
    assert table[table.clips == 0].accuracy.isna().all()
    assert ece == pytest.approx(0.7 - 4 / 6, abs=1e-6)


def test_the_clip_table_of_a_toy(a, b):
    table = clip_table([a, b])
    assert table.id.tolist() == list(a.ids)
    assert table.label.tolist() == ["push"] * 3 + ["pull"] * 2 + ["turn"]
    assert table.predicted_b.tolist() == ["push", "pull", "pull", "pull", "pull", "push"]
    assert table.right_a.tolist() == [True, True, False, True, False, True]
    np.testing.assert_allclose(table.p_true_a, [0.8, 0.8, 0.1, 0.8, 0.1, 0.8], rtol=1e-6)
    # two classes exchange 0.8 and 0.1, their middle is 0.45; the third class has 0.1 in both
    js = 0.8 * math.log(0.8 / 0.45) + 0.1 * math.log(0.1 / 0.45)
    np.testing.assert_allclose(table.disagreement, [0, js, 0, 0, js, js], atol=1e-6)


def test_disagreement_is_the_mean_over_every_two(a, b):
    two, three = clip_table([a, b]), clip_table([a, b, a])
    np.testing.assert_allclose(three.disagreement, two.disagreement * 2 / 3, atol=1e-9)


def test_one_who_is_certain_and_another_who_is_certain_of_another_class_disagree_by_ln_2():
    one, other = (predictions("x", [call] * 6, sure=1.0) for call in (0, 1))
    np.testing.assert_allclose(clip_table([one, other]).disagreement, math.log(2))


def test_filters_of_a_toy(a, b):
    table = clip_table([a, b])
    chosen = {name: [int(i) for i in narrow(table).index] for name, (_, narrow) in FILTERS.items()}
    assert chosen == {
        "all": [0, 1, 2, 3, 4, 5],
        "only_a": [1, 5],
        "only_b": [4],
        "both_right": [0, 3],
        "both_wrong": [2],
        "disagreed": [1, 4, 5, 0, 2, 3],
    }


def test_with_three_models_all_means_all_and_a_and_b_are_the_first_two(a, b):
    c = predictions("third", [1, 0, 0, 1, 1, 2])  # wrong on clip 0
    table = clip_table([a, b, c])
    assert FILTERS["both_right"][1](table).index.tolist() == [3]
    assert FILTERS["both_wrong"][1](table).empty
    assert FILTERS["only_a"][1](table).index.tolist() == [1, 5]


def test_the_most_disagreed_clip_of_a_filter_comes_first(a):
    calls = [1, 1, 0, 1, 1, 0]
    b = predictions("second", calls)
    b.scores[5] = [1, 0, 0]
    assert FILTERS["only_a"][1](clip_table([a, b])).index.tolist() == [5, 0, 1]


def test_only_settings_that_differ_are_listed():
    configs = [
        ModelConfig("tsn_resnet18", 3, 4, width=0.125, stem="small", **options)
        for options in ({"block": "atr"}, {"block": "atr_sim"}, {"placement": "S5"})
    ]
    found = [
        predictions(name, TARGETS, model=model, software={"torch": version})
        for name, model, version in zip("xyz", configs, ("2.1", "2.1", "2.2"), strict=True)
    ]
    table = config_differences(found[:2]).set_index("setting")
    assert table.to_dict("index") == {"model.block": {"x": "atr", "y": "atr_sim"}}
    table = config_differences(found).set_index("setting")
    assert table.loc["model.placement"].tolist() == ["S3-5", "S3-5", ABSENT]  # without blocks there is none
    assert "model.atr.reduction" not in table.index  # those with blocks share it
    assert table.loc["software.torch"].tolist() == ["2.1", "2.1", "2.2"]
    assert config_differences([found[0], found[0]]).empty


def test_clips_whose_files_have_changed_are_a_difference_between_networks_that_are_given_alike_frames():
    names, longer = ("x", "y"), ModelConfig("tsn_resnet18", 3, 8, width=0.125, stem="small")
    data = [{"name": "toy", "description": "six toys", "digest": f"{i}" * 64} for i in range(2)]
    x, y = (predictions(name, TARGETS, data=its) for name, its in zip(names, data, strict=True))
    table = config_differences([x, y]).set_index("setting")
    assert table.to_dict("index") == {"data.files": {"x": "digest 000000000000", "y": "digest 111111111111"}}
    z = predictions("z", TARGETS, data=data[0] | {"name": "toy:val"})
    assert config_differences([x, z]).empty  # another spelling
    assert "data.name" in config_differences([y, z]).setting.tolist()
    of_more_frames = predictions("z", TARGETS, model=longer, data=data[1])
    assert "data.files" not in config_differences([x, of_more_frames]).setting.tolist()
    y.facts["checkpoint"]["preprocessing"] = Preprocessing(32, 32, fit="squeeze").to_dict()
    table = config_differences([x, y]).set_index("setting")
    assert table.to_dict("index") == {"preprocessing.fit": {"x": "crop", "y": "squeeze"}}


def test_settings_that_are_younger_than_a_training_were_at_their_defaults():
    settings = json.loads(settings_of(TrainConfig(ModelConfig("tsn_resnet18", 3))))
    older = {name: value for name, value in settings.items() if name not in ("fit", "sync_bn")}
    other = settings | {"epochs": settings["epochs"] + 1, "batch_size": float(settings["batch_size"])}
    of = [predictions(name, TARGETS) for name in "xyz"]
    for each, training in zip(of, (older, settings, other), strict=True):
        each.facts["checkpoint"]["training"] = training
    assert config_differences(of[:2]).empty
    table = config_differences(of).set_index("setting")
    assert table.index.tolist() == ["training.epochs"]
    of[1].facts["checkpoint"]["training"] = settings | {"workers": 7, "save_every": 1.5}
    assert config_differences(of[:2]).empty


def test_a_block_setting_in_which_two_differ_is_told_beside_a_network_without():
    configs = [ModelConfig("tsn_resnet18", 3, 4, block="atr", atr=ATRConfig(num_reasoners=n)) for n in (1, 2)]
    configs.append(ModelConfig("tsn_resnet18", 3, 4))
    found = [predictions(name, TARGETS, model=model) for name, model in zip("xyz", configs, strict=True)]
    table = config_differences(found).set_index("setting")
    assert table.loc["model.atr.num_reasoners"].tolist() == ["1", "2", ABSENT]
    assert [name for name in table.index if name.startswith("model.atr.")] == ["model.atr.num_reasoners"]


def test_trainings_that_differ_are_named_but_not_what_is_each_network_s_own():
    settings = json.loads(settings_of(TrainConfig(ModelConfig("tsn_resnet18", 3))))
    own = settings | {"seed": 1, "arl_learning_rate": 3.0, "dev_clips": 100}
    shorter = own | {"epochs": settings["epochs"] - 1, "train_split": "alone"}
    of = [predictions(name, TARGETS) for name in "xyz"]
    for each, training in zip(of, (settings, own, shorter), strict=True):
        each.facts["checkpoint"]["training"] = training
    assert trainings_text(config_differences(of[:2])) == ""
    told = "The trainings differ too (epochs, train_split): what separates them is not the networks alone."
    assert trainings_text(config_differences(of)) == told
    assert told in build_report(of, command="x") and told not in build_report(of[:2], command="x")


def test_how_the_networks_were_computed_and_the_window_of_dense_sampling_are_told():
    dense = {"sampling": "dense", "window": 32, "inference": "float32"}
    found = [
        predictions("x", TARGETS, **dense),
        predictions("y", TARGETS, **dense | {"window": 64, "inference": "bf16"}),
        predictions("older", TARGETS),
    ]
    table = config_differences(found).set_index("setting")
    assert table.loc["inference"].tolist() == ["float32", "bf16", ABSENT]
    assert table.loc["window"].tolist() == ["32", "64", ABSENT]
    assert table.loc["sampling"].tolist() == ["dense", "dense", "uniform"]


def test_two_of_one_name_are_told_apart(a):
    assert summary([a, a]).checkpoint.tolist() == ["A first", "B first"]
    assert len(set(names([a] * 5))) == 5
    assert names([a, predictions("second", TARGETS), a]) == ["A first", "B second", "C first"]
    assert "of A first is 66.7 %, of B first 66.7 %: a difference of +0.0" in paired(a, a).sentence


def refusal(*found):
    with pytest.raises(NotComparable) as error:
        require_comparable(found)
    return str(error.value)


def test_what_cannot_be_compared_is_refused_and_named(a, b):
    require_comparable([a, b])
    assert "two predictions or more" in refusal(a)
    start = "first and second cannot be compared: "
    other = predictions("second", [0] * 6, protocol="2x3")
    assert refusal(a, other).startswith(f"{start}protocol 1x1 against 2x3")
    other = predictions("second", [0] * 6, labels=["push", "pull", "twist"])
    assert refusal(a, other) == f"{start}class 2 is 'turn' against 'twist'"
    other = predictions("second", [0] * 5, targets=TARGETS[:5], skipped=[{"id": "clip-5", "message": "gone"}])
    assert refusal(a, other) == f"{start}6 clip entries against 5 (0 skipped, 1 skipped)"
    other = replace(b, ids=(*a.ids[:4], "other", a.ids[5]))
    assert refusal(a, other).startswith(f"{start}clip 4 is 'clip-4' against 'other'")
    assert refusal(a, replace(b, ids=b.ids[::-1])).startswith(f"{start}clip 0 is 'clip-0' against 'clip-5'")
    other = predictions("first", [0] * 6, protocol="2x3")
    assert refusal(a, other).startswith("A first and B first cannot be compared: protocol")
    other = predictions("second", [0] * 6, targets=[0, 0, 2, 1, 1, 2])
    assert refusal(a, other).startswith(f"{start}true classes differ on 1 of 6 clips")
    assert "'clip-2', 'push' against 'turn'" in refusal(a, b, other)


@pytest.mark.parametrize("question", [paired, per_class, confusions, agreement, lambda *two: clip_table(two)])
def test_no_question_is_answered_about_unlike_lists(a, question):
    other = predictions("second", [0] * 5, targets=TARGETS[:5])
    with pytest.raises(NotComparable, match="6 clip entries against 5"):
        question(a, other)


def test_three_of_one_name_are_told_apart():
    three = [predictions("net", TARGETS) for _ in range(3)]
    table, (a, b, c) = all_pairs(three), names(three)
    assert table[["a", "b"]].to_numpy().tolist() == [[a, b], [a, c], [b, c]]


def test_the_texts_of_the_tables_are_the_numbers(a, b):
    three = [a, b, predictions("third", TARGETS)]
    pairs = pairs_texts(three)
    assert pairs["only the first"].tolist() == [2, 0, 0] and pairs["only the second"].tolist() == [1, 2, 3]
    assert pairs["p (McNemar)"].tolist() == ["1", "0.5", "0.25"]
    assert pairs["p, adjusted (Holm)"].tolist() == ["1", "1", "0.75"]
    classes = per_class_texts(per_class(a, b))
    difference, low, high = pairs["difference of top-1, points [95 %]"][0].translate(NO_BRACKETS).split()
    found = paired(a, b)
    assert (difference, low, high) == ("+16.7", f"{100 * found.low:+.1f}", f"{100 * found.high:+.1f}")
    columns = ("class", "A, %", "B, %", "A minus B, points", "only A right", "only B right")
    assert [tuple(row) for row in classes[list(columns)].to_numpy().tolist()] == [
        ("turn", "100.0", "0.0", "+100.0", 1, 0),
        ("push", "66.7", "33.3", "+33.3", 1, 0),
        ("pull", "50.0", "100.0", "-50.0", 0, 1),
    ]
    shown, found = summary_texts(three), costs(three)
    assert shown["MACs, G"].tolist() == [f"{n / 1e9:.3f}" for n in found.macs]
    assert shown["parameters, M"].tolist() == [f"{n / 1e6:.3f}" for n in found.parameters]
    assert shown["top-1, % [95 %]"][1] == "50.0 [18.8, 81.2]"
    assert shown["top-5, % [95 %]"][1] == "100.0 [61.0, 100.0]"  # Wilson: 6 / (6 + z²)
    assert shown["ECE"].tolist() == ["0.133", "0.300", "0.200"]
    confused = confusions_texts(confusions(a, b)).set_index(["true class", "predicted"])
    assert confused.loc[("push", "pull")].to_dict() == {
        "by A": 1,
        "by B": 2,
        "of A's solved by B": 0,
        "of B's solved by A": 1,
    }


def test_what_predictions_are_without_is_counted_in_their_provenance(a):
    notices = {"clip-0": ["frame 3 is missing"]}
    skipped = [{"id": "clip-9", "message": "gone"}]
    b = predictions("second", [0] * 6, skipped=skipped, notices=notices, damaged=["clip-0"])
    rows = provenance([a, b]).set_index("predictions")
    assert rows.loc["clips that could not be read"].tolist() == ["0", "1"]
    assert rows.loc["clips that lack frames"].tolist() == ["not recorded", "1 · clip-0: frame 3 is missing"]
    seven = {"damaged": [f"clip-{i}" for i in range(7)], "notices": {}}
    assert missing_frames(seven) == "7 · clip-0:  · clip-1:  · clip-2:  · clip-3:  · clip-4: "


def test_confusions_that_both_have_come_after_those_of_one():
    targets = [0] * 4 + [1] * 2
    a = predictions("a", [1, 1, 1, 1, 2, 2], targets=targets)
    b = predictions("b", [1, 1, 1, 0, 1, 1], targets=targets)
    assert confusions(a, b)[["a_count", "b_count"]].to_numpy().tolist() == [[2, 0], [4, 3]]


def test_of_confusions_that_differ_alike_the_most_frequent_come_first():
    targets = [0] * 2 + [1] * 4
    a = predictions("a", [1, 0, 0, 0, 0, 1], targets=targets)
    b = predictions("b", [0, 0, 0, 0, 1, 1], targets=targets)
    assert confusions(a, b)[["a_count", "b_count"]].to_numpy().tolist() == [[3, 2], [1, 0]]


def test_the_older_of_two_evaluations_of_several_views_is_named():
    older, newer = (
        predictions("a", TARGETS, protocol="2x3"),
        predictions("b", TARGETS, protocol="2x3", offsets=[0.5, 0]),
    )
    for two in ((older, newer), (newer, older)):
        with pytest.raises(NotComparable, match=": a is older and was shown other frames; evaluate it anew"):
            require_comparable(two)


def test_ps_of_classes_are_stepped_down():
    """Six, five and no clips that one alone gets right: 2/64, 2/32 and 1, times 3, 2 and 1."""
    targets = [0] * 6 + [1] * 6 + [2] * 6
    a = predictions("a", targets, targets=targets)
    b = predictions("b", [1] * 6 + [0] * 5 + [1] + [2] * 6, targets=targets)
    np.testing.assert_allclose(per_class(a, b).p_holm, [3 * 2 / 64, 2 * 2 / 32, 1])


def test_settings_that_are_no_whole_numbers_are_written_in_full():
    found = [predictions(name, TARGETS, software={"x": x}) for name, x in (("x", 2.5), ("y", 2.0))]
    table = config_differences(found).set_index("setting")
    assert table.to_dict("index") == {"software.x": {"x": "2.5", "y": "2"}}
