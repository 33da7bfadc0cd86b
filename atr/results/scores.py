"""Class scores of clips against their classes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Scores:
    """One row of class scores a clip.

    Attributes:
        scores: float32 (N, num_classes), class probabilities.
        targets: class index per clip, int64 (N,).
    """

    scores: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def predicted(self) -> np.ndarray:
        return self.scores.argmax(axis=1)

    @property
    def correct(self) -> np.ndarray:
        return self.predicted == self.targets

    @property
    def true_probability(self) -> np.ndarray:
        return self.scores[np.arange(len(self)), self.targets]

    @property
    def ranks(self) -> np.ndarray:
        """(N,): 0 where the true class has the highest score; of equal scores the lower class index comes first.

        A score that is no number counts as higher than any other: so does `predicted`, and none is right by it.
        """
        own = self.true_probability[:, None]
        earlier = np.arange(self.scores.shape[1]) < self.targets[:, None]
        return (~(self.scores <= own) | ((self.scores == own) & earlier)).sum(axis=1)

    def top(self, k: int) -> float:
        """Share of clips whose class is among the k highest scores."""
        return float((self.ranks < k).mean())

    def within_pairs(self, reversed_classes: tuple[int, ...]) -> float:
        """Share of clips predicted as their class or as its time reversal: what needs no order of frames."""
        images = np.asarray(reversed_classes)[self.targets]
        return float((self.correct | (self.predicted == images)).mean())

    def confusion(self) -> np.ndarray:
        """int64 (C, C): clips of class i (rows) predicted as class j (columns)."""
        return confusion_matrix(self.targets, self.predicted, self.scores.shape[1])


def confusion_matrix(rows: np.ndarray, columns: np.ndarray, num_classes: int) -> np.ndarray:
    """int64 (C, C): how often class i of `rows` (N,) meets class j of `columns` (N,).

    With true and predicted classes it is the confusion matrix, with the predictions of two models their table of agreement.

    Raises:
        ValueError: a class is none of 0 to C - 1; it would count as another.
    """
    for classes in (rows, columns):
        if ((classes < 0) | (classes >= num_classes)).any():
            raise ValueError(
                f"classes reach from {classes.min()} to {classes.max()}; allowed: 0 to {num_classes - 1}"
            )
    cells = np.bincount(rows * num_classes + columns, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def confusion_table(confusion: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """(C, C) with the classes' names: rows the true ones, columns the predicted ones."""
    return pd.DataFrame(confusion, pd.Index(labels, name="true class"), labels)


def most_confused(confusion: np.ndarray, labels: list[str], count: int) -> list[dict]:
    """The largest entries off the diagonal: [{"true", "predicted", "clips", "of"}], `of` clips of the true class."""
    wrong = np.where(np.eye(len(labels), dtype=bool), 0, confusion)
    order = np.argsort(-wrong, axis=None, kind="stable")[:count]
    return [
        {"true": labels[t], "predicted": labels[p], "clips": int(wrong[t, p]), "of": int(confusion[t].sum())}
        for t, p in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[t, p]
    ]
