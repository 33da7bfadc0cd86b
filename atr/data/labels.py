"""The labels of a model and of a data set, brought together by their texts."""

from collections.abc import Sequence


def label_mapping(model_labels: Sequence[str], data_labels: Sequence[str]) -> list[int]:
    """Class of the data -> place of the same text among the model's labels.

    Raises:
        ValueError: the texts are not the same, or one is there twice.
    """
    for whose, labels in (("the model", model_labels), ("the data", data_labels)):
        if len(set(labels)) < len(labels):
            double = next(label for k, label in enumerate(labels) if label in labels[:k])
            raise ValueError(f"{double!r} is the label of more than one class of {whose}")
    places = {label: place for place, label in enumerate(model_labels)}
    unknown = [label for label in data_labels if label not in places]
    if unknown or len(model_labels) != len(data_labels):
        missing = [label for label in model_labels if label not in set(data_labels)]
        differences = [
            f"class {labels.index(others[0])} is {others[0]!r} in {whose} alone"
            for whose, labels, others in (
                ("the model", model_labels, missing),
                ("the data", data_labels, unknown),
            )
            if others
        ]
        raise ValueError(f"the labels are not the same: {', '.join(differences)}")
    return [places[label] for label in data_labels]
