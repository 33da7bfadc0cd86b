"""Questions asked of trained models."""

from analysis.actionness import ClipActionness, clip_actionness
from analysis.recording import Recording, record

__all__ = ["ClipActionness", "Recording", "clip_actionness", "record"]
