"""The labels of a model and of a data set are brought together by their texts."""

import pytest

from atr.data.labels import label_mapping


def test_the_place_of_each_label_of_the_data_among_the_models():
    assert label_mapping(["wave", "clap", "jump"], ["jump", "wave", "clap"]) == [2, 0, 1]
    assert label_mapping(["wave"], ["wave"]) == [0]


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (["a", "b"], ["a", "c"], "class 1 is 'b' in the model alone, class 1 is 'c' in the data alone"),
        (["a", "b"], ["a"], "class 1 is 'b' in the model alone"),
        (["a"], ["b", "a"], "class 0 is 'b' in the data alone"),
        (["a", "a"], ["a", "b"], "'a' is the label of more than one class of the model"),
        (["a", "b"], ["b", "b"], "'b' is the label of more than one class of the data"),
        (["Wave"], ["wave"], "class 0 is 'Wave' in the model alone, class 0 is 'wave' in the data alone"),
    ],
)
def test_other_texts_and_doubles_are_refused(model, data, message):
    with pytest.raises(ValueError, match=message):
        label_mapping(model, data)
