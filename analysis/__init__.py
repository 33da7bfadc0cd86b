"""Questions asked of trained models."""

from analysis.actionness import ClipActionness, clip_actionness
from analysis.recording import Recording, record
from analysis.relations.average import RelationAverage
from analysis.relations.divergence import js_divergence

__all__ = ["ClipActionness", "Recording", "RelationAverage", "clip_actionness", "js_divergence", "record"]
