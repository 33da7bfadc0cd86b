"""The relation average over a data set."""

import torch
from torch import Tensor

from analysis.recording import record
from analysis.relations.average import RelationAverage
from atr.data.clips import ClipDataset
from atr.models import VideoClassifier
from atr.results.passes import pass_over
from atr.results.processes import process_state
from atr.video.transforms import normalised, to_unit


def average_relations(
    model: VideoClassifier, clips: ClipDataset, **options
) -> tuple[RelationAverage, dict[int, str]]:
    """W averaged over all clips, and {index: message} of those that could not be read.

    Memory stays flat but for 12 (T - 2) bytes a block a video. options: of `pass_over`.
    """
    device = process_state().device
    model = model.to(device).eval()

    def add(
        average: RelationAverage, frames: Tensor, labels: list[int], indices: list[int], count: int
    ) -> None:
        with torch.inference_mode(), record(model) as recording:
            model(normalised(to_unit(frames.to(device)), model.preprocessing))
        relations = {block: [w[:count] for w in ws] for block, ws in recording.relations.items()}
        average.update(relations, labels[:count], indices[:count])

    return pass_over(clips, RelationAverage, add, **options)
