"""Questions asked of trained models."""

from typing import TYPE_CHECKING

from atr.lazy import imported_when_used

if TYPE_CHECKING:
    from analysis.actionness import ClipActionness, clip_actionness
    from analysis.recording import Recording, record
    from analysis.relations.average import RelationAverage, window_divergence
    from analysis.relations.divergence import js_divergence

__all__ = [
    "ClipActionness",
    "Recording",
    "RelationAverage",
    "clip_actionness",
    "js_divergence",
    "record",
    "window_divergence",
]

PLACES = {
    "ClipActionness": "actionness",
    "Recording": "recording",
    "RelationAverage": "relations.average",
    "clip_actionness": "actionness",
    "js_divergence": "relations.divergence",
    "record": "recording",
    "window_divergence": "relations.average",
}
__getattr__, __dir__ = imported_when_used(__name__, PLACES)
