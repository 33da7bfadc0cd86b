"""The clips that a command's `--data` names."""

from pathlib import Path

from atr.data.annotations import require_listed_labels, require_one_answer
from atr.data.clips import ClipDataset
from atr.data.names import data_name
from atr.data.rendered import TabletopClips, rendered_count, require_uniform
from atr.data.videos import VideoClips
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.video.protocol import SINGLE_VIEW, Protocol


def open_clips(
    name: str,
    *,
    num_frames: int,
    preprocessing: Preprocessing,
    cache: Path,
    num_clips: int | None = None,
    protocol: Protocol = SINGLE_VIEW,
    follow_outside: bool = False,
    sampling: Sampling | None = None,
    allow_damaged: bool = False,
) -> ClipDataset:
    """The clips a command's `--data` names.

    Args:
        name: as `data_name` takes it. The demo set is rendered at the size of the model's crop; val where no split is
            named.
        num_clips: the first so many; NUM_RENDERED of a rendered split, all of a folder when None.
        protocol: what `views` will be asked for (matters for rendered clips).
        follow_outside: clips of a folder may lie outside it.
        sampling: of the checkpoint that is asked; as the data set has it when None.
        allow_damaged: of `VideoClips`; rendered clips have no files.

    Raises:
        ValueError: `name` is neither, `num_clips` is below 1, there are fewer clips than asked for, two clips have one id,
            a clip lies outside the folder, its label is not listed, or rendered clips are to be sampled densely.
    """
    folder, split = data_name(name)
    if folder is None:
        require_uniform(name, sampling)
        return TabletopClips(
            split or "val",
            rendered_count(num_clips),
            num_frames=num_frames,
            size=protocol.side(preprocessing),
            cache=cache,
            protocol=protocol,
        )
    clips = VideoClips(
        folder,
        num_frames=num_frames,
        preprocessing=preprocessing,
        num_clips=num_clips,
        split=split,
        follow_outside=follow_outside,
        sampling=sampling,
        allow_damaged=allow_damaged,
    )
    require_one_answer(clips.annotations)
    require_listed_labels(clips.annotations)
    return clips
