"""The labels of a model and of a data set are brought together by their texts."""

import pytest

from atr.data.labels import label_mapping


def test_the_place_of_each_label_of_the_data_among_the_models():
    assert label_mapping(["wave", "clap", "jump"], ["jump", "wave", "clap"]) == [2, 0, 1]
    assert label_mapping(["wave"], ["wave"]) == [0]


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (["a", "b"], ["a", "c"], "the data has 'c', the model has 'b'"),
        (["a", "b"], ["a"], "the model has 'b'"),
        (["a"], ["b", "a"], "the data has 'b'"),
        (["a", "a"], ["a", "b"], "'a' is the label of more than one class of the model"),
        (["a", "b"], ["b", "b"], "'b' is the label of more than one class of the data"),
        (["Wave"], ["wave"], "the data has 'wave', the model has 'Wave'"),
    ],
)
def test_other_texts_and_doubles_are_refused(model, data, message):
    with pytest.raises(ValueError, match=message):
        label_mapping(model, data)
