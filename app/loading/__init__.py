"""Everything the pages read: checkpoints, clips, maps, results. Only this package caches, and every cache is bounded.

Where things lie: ATR_CHECKPOINTS (checkpoint folders), ATR_CLIPS (shipped clips with annotations.json), ATR_VIDEOS (the
folder a typed path must lie in), ATR_RESULTS, and ATR_DATA, a data set to browse (none when not set). What is cached is
addressed by content, so a replaced file is read anew.
"""

from app.loading.checkpoints import (
    checkpoint_names,
    configuration,
    description,
    learnt_from_videos,
    megabytes,
    model,
    model_config,
    no_checkpoint,
    whole_checkpoint,
)
from app.loading.clips import Clip, absent_clips, clip_in_root, predicted_clip, shipped_clips
from app.loading.looks import Look, common_view, look, payload, sides_payload
from app.loading.roots import ASSETS, ChoiceError, root, stamp_of
from app.loading.thumbnails import predicted_film
from app.loading.uploads import UPLOAD_KINDS, keep_upload, upload_folder

__all__ = [
    "ASSETS",
    "UPLOAD_KINDS",
    "ChoiceError",
    "Clip",
    "Look",
    "absent_clips",
    "checkpoint_names",
    "clip_in_root",
    "common_view",
    "configuration",
    "description",
    "keep_upload",
    "learnt_from_videos",
    "look",
    "megabytes",
    "model",
    "model_config",
    "no_checkpoint",
    "payload",
    "predicted_clip",
    "predicted_film",
    "root",
    "shipped_clips",
    "sides_payload",
    "stamp_of",
    "upload_folder",
    "whole_checkpoint",
]
