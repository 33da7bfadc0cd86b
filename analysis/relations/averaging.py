"""The relation average over a data set, of a trained network and of the same frame network with untrained blocks."""

import torch
from torch import Tensor

from analysis.recording import record
from analysis.relations.average import RelationAverage
from atr.data.clips import ClipDataset
from atr.models import VideoClassifier, build_model, copy_frame_network
from atr.results.passes import pass_over
from atr.results.predict import class_logits, evaluating, require_numbers
from atr.results.processes import process_state

CONTROL_SEED = 0


def average_relations(
    model: VideoClassifier, clips: ClipDataset, **options
) -> tuple[RelationAverage, dict[int, str]]:
    """W averaged over all clips, and {index: message} of those that could not be read.

    Memory stays flat but for 12 (T - 2) bytes a block and clip. options: of `pass_over`.
    """
    model.to(process_state().device)

    def add(
        average: RelationAverage, frames: Tensor, targets: list[int], indices: list[int], count: int
    ) -> None:
        with torch.inference_mode(), record(model) as recording:
            require_numbers(class_logits(model, frames), "class scores")
        relations = {block: [w[:count] for w in ws] for block, ws in recording.relations.items()}
        average.update(relations, labels=targets[:count], videos=indices[:count])

    with evaluating(model):
        return pass_over(clips, RelationAverage, add, **options)


def average_untrained(
    model: VideoClassifier, clips: ClipDataset, **options
) -> tuple[RelationAverage, dict[int, str]]:
    """The control: as `average_relations`, of the same frame network with untrained blocks.

    What W has here comes from the features: a whole network with fresh weights has others, which may saturate W.

    model: as `load_checkpoint` gives it, not `optimised`.
    """
    with torch.random.fork_rng(devices=()):  # weights are drawn on the CPU
        torch.default_generator.manual_seed(CONTROL_SEED)
        control = build_model(model.config)
    copy_frame_network(model, control)
    control.preprocessing = model.preprocessing
    return average_relations(control, clips, **options)
