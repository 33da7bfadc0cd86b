"""Questions asked of trained models."""

from analysis.actionness import ClipActionness, clip_actionness
from analysis.divergence import js_divergence
from analysis.recording import Recording, record
from analysis.relations import RelationAverage

__all__ = ["ClipActionness", "Recording", "RelationAverage", "clip_actionness", "js_divergence", "record"]
