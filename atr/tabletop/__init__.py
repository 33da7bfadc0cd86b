"""A rendered demo set: tabletop actions in the manner of Something-Something, with true masks."""

from atr.tabletop.actions import CLASSES, MIRRORED, REVERSED
from atr.tabletop.objects import OBJECT_KINDS
from atr.tabletop.scene import RENDERER_VERSION, Clip, render_clip
from atr.tabletop.seeds import clip_name, named_seed, split_seed
from atr.tabletop.writing import RenderedClips, render_batch_cache, write_dataset

__all__ = [
    "CLASSES",
    "MIRRORED",
    "OBJECT_KINDS",
    "RENDERER_VERSION",
    "REVERSED",
    "Clip",
    "RenderedClips",
    "clip_name",
    "named_seed",
    "render_batch_cache",
    "render_clip",
    "split_seed",
    "write_dataset",
]
