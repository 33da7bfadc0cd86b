"""Everything the pages read: checkpoints, clips, maps, results. Only this package caches, and every cache is bounded.

Where things lie: ATR_CHECKPOINTS (checkpoint folders), ATR_CLIPS (shipped clips with annotations.json), ATR_VIDEOS (the
folder a typed path must lie in), ATR_RESULTS, and ATR_DATA, a data set to browse (none when not set). What is cached is
addressed by content, so a replaced file is read anew.
"""

from app.loading.checkpoints import (
    checkpoint_names,
    checkpoint_stamp,
    description,
    model,
    no_checkpoint,
    reasons_by_graph,
    whole_checkpoint,
)
from app.loading.clips import (
    FILM_FRAMES,
    FILM_SIDE,
    UPLOAD_KINDS,
    Clip,
    blank_film,
    clip_in_root,
    film,
    keep_upload,
    shipped_clips,
)
from app.loading.maps import Seen, payload, progress_bar, seen, sheet
from app.loading.roots import ASSETS, ChoiceError, digest_of, root, stamp_of

__all__ = [
    "ASSETS",
    "FILM_FRAMES",
    "FILM_SIDE",
    "UPLOAD_KINDS",
    "ChoiceError",
    "Clip",
    "Seen",
    "blank_film",
    "checkpoint_names",
    "checkpoint_stamp",
    "clip_in_root",
    "description",
    "digest_of",
    "film",
    "keep_upload",
    "model",
    "no_checkpoint",
    "payload",
    "progress_bar",
    "reasons_by_graph",
    "root",
    "seen",
    "sheet",
    "shipped_clips",
    "stamp_of",
    "whole_checkpoint",
]
