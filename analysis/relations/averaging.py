"""The relation average over a data set, of trained reasoners and of untrained ones on the same vectors."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from analysis.recording import Recording, record
from analysis.relations.average import RelationAverage
from atr.data.clips import ClipDataset
from atr.models import VideoClassifier, build_model
from atr.reasoner import TemporalRelation
from atr.results.passes import pass_over
from atr.results.predict import class_logits, evaluating, require_numbers
from atr.results.processes import process_state

Average = TypeVar("Average", bound=RelationAverage)
CONTROL_SEED = 0
DRAWS = 20  # untrained reasoners in each place: a twenty-first lies beyond all of them in fewer than one of 20 cases


class UntrainedAverage(RelationAverage):
    """Of DRAWS untrained reasoners in each place of a stack, one after the other; only the first keeps its windows."""

    def _keep(self, key, windows) -> None:
        if key[1] % DRAWS == 0:
            super()._keep(key, windows)

    def first(self) -> RelationAverage:
        """Of the first untrained reasoner in each place."""
        found = RelationAverage()
        found._count(self.videos, self.labels)
        for (block, number), windows in self._windows.items():
            key = block, number // DRAWS
            found._sums[key], found._windows[key] = self._sums[block, number], windows
        return found


def average_relations(
    model: VideoClassifier, clips: ClipDataset, **options
) -> tuple[RelationAverage, dict[int, str]]:
    """W averaged over all clips, and {index: message} of those that could not be read.

    Memory stays flat but for 12 (T - 2) bytes a block and clip. options: of `pass_over`.
    """
    return _averaged(model, clips, RelationAverage, partial(record, model), **options)


def average_untrained(
    model: VideoClassifier, clips: ClipDataset, **options
) -> tuple[UntrainedAverage, dict[int, str]]:
    """The control: as `average_relations`, of DRAWS untrained reasoners in each place.

    They get the vectors that the trained one in their place gets: what their W has comes from these.

    model: as `load_checkpoint` gives it, not `optimised`.
    """
    with torch.random.fork_rng(devices=()):  # weights are drawn on the CPU
        torch.default_generator.manual_seed(CONTROL_SEED)
        untrained = [_relations_of(build_model(model.config)) for _ in range(DRAWS)]
    return _averaged(model, clips, UntrainedAverage, partial(_record_untrained, model, untrained), **options)


def _averaged(
    model: VideoClassifier,
    clips: ClipDataset,
    kind: type[Average],
    recorded: Callable[[], AbstractContextManager[Recording]],
    **options,
) -> tuple[Average, dict[int, str]]:
    model.to(process_state().device)

    def add(average: Average, frames: Tensor, targets: list[int], indices: list[int], count: int) -> None:
        with torch.inference_mode(), recorded() as recording:
            require_numbers(class_logits(model, frames), "class scores")
        relations = {block: [w[:count] for w in ws] for block, ws in recording.relations.items()}
        average.update(relations, labels=targets[:count], videos=indices[:count])

    with evaluating(model):
        return pass_over(clips, kind, add, **options)


def _relations_of(model: VideoClassifier) -> list[tuple[str, TemporalRelation]]:
    """(name of its block, module) of every graph reasoner, in their order."""
    return [
        (name, module)
        for name, block in model.blocks.items()
        for module in block.modules()
        if isinstance(module, TemporalRelation)
    ]


@contextmanager
def _record_untrained(
    model: VideoClassifier, untrained: list[list[tuple[str, TemporalRelation]]]
) -> Iterator[Recording]:
    """As `record`, of untrained reasoners on the vectors that those of `model` get."""
    recording = Recording()

    def hook(module, inputs, output, *, block, drawn):
        for relation in drawn:
            w = relation.to(inputs[0].device)(inputs[0])
            recording.relations.setdefault(block, []).append(w.to("cpu", torch.float32))

    hooks = [
        module.register_forward_hook(partial(hook, block=block, drawn=[relation for _, relation in drawn]))
        for (block, module), *drawn in zip(_relations_of(model), *untrained, strict=True)
    ]
    try:
        yield recording
    finally:
        for each in hooks:
            each.remove()
