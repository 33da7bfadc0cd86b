"""Which classes are taken for which."""

import numpy as np
import pandas as pd


def confusion_table(targets: np.ndarray, predicted: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """Class indices (N,) and (N,) -> clips counted, (C, C): rows the true classes, columns the predicted ones."""
    classes = range(len(labels))
    table = pd.crosstab(targets, predicted).reindex(index=classes, columns=classes, fill_value=0)
    table.index, table.columns = pd.Index(labels, name="true class"), pd.Index(labels)
    return table


def most_confused(table: pd.DataFrame, count: int) -> list[dict]:
    """The largest entries off the diagonal: [{"true", "predicted", "clips", "of"}], `of` clips of the true class."""
    counts, labels = table.to_numpy(), list(table.columns)
    wrong = np.where(np.eye(len(labels), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:count]
    return [
        {"true": labels[t], "predicted": labels[p], "clips": int(wrong[t, p]), "of": int(counts[t].sum())}
        for t, p in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[t, p]
    ]
