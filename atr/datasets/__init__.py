"""Lists of clips, read from the files a data set is published with."""

from atr.datasets.annotations import SPLITS, Annotations
from atr.datasets.reading import read_annotations, splits_of

__all__ = ["SPLITS", "Annotations", "read_annotations", "splits_of"]
