"""Video files and folders of frames in, frames out: exactly those asked for, or a line that says why not.

**Counting.** The packets of a file are read once; their time stamps say how many frames there are and in which order
they are shown (`atr.video.packets`). What a header states of counts and durations is never believed. Where packets
cannot tell, because they lack time stamps or because the coding lets a packet hold no frame or two, frames are counted
by decoding all of them.

**Choosing.** A wanted frame is decoded from the last key before it, and known by the packet it came from
(`atr.video.track`). If it does not come from there, an earlier key is tried, then the start.

**Damage.** `probe` decodes one frame, so it knows of damage only what the packets show: packets missing at the end
of a file that was cut short, or marked as damaged. Damage inside is found when the frames there are decoded, or by
`Video.check`, which decodes everything. A frame counts as not decodable when its packet fails, when the decoder had to make
parts of it up, or when it may be built on such a frame, that is up to the next key; the packet stored before a
damaged one is doubted, too. A wanted frame that cannot be decoded is an error: the file is then checked whole (long
films excepted), so that the error names all that is missing and where. A file of which fewer than nine frames in ten
are known to be decodable is refused. With `allow_damaged` nothing is refused, and the nearest frame that can be
decoded stands in, which a notice says; in a folder of frames, for numbers that are missing too.

What FFmpeg decodes without a word cannot be told from a right picture: it notices damage in H.264, MPEG and JPEG
nearly always, in HEVC and AV1 often, in VP8, VP9, WMV and FFV1 seldom, and packets that a container skips over leave
a gap in the times and nothing else.

**Notices** are sentences on `Video.notices` and `VideoInfo.notices`. They grow while frames are read. A notice's `kind`
tells whether frames are missing or stood in for ("damage"), or only something about them was changed ("change").
`atr.video.notices.collected` gathers those of every video that is read meanwhile, however deep below.
"""

from pathlib import Path

from atr.video.container import VIDEO_SUFFIXES
from atr.video.frame_folder import FrameFolder
from atr.video.limits import Limits
from atr.video.notices import Notice
from atr.video.video import DamageError, Video, VideoError, VideoInfo, one_line
from atr.video.video_file import VideoFile

__all__ = [
    "VIDEO_SUFFIXES",
    "DamageError",
    "Limits",
    "Notice",
    "Video",
    "VideoError",
    "VideoInfo",
    "open_video",
    "probe",
]


def open_video(path: str | Path, *, allow_damaged: bool = False, limits: Limits | None = None) -> Video:
    """A video file or a folder of frames, opened once for all that is asked of it::

        with open_video(path) as video:
            frames = video.frames(uniform_indices(video.length, 8))

    Args:
        allow_damaged: nothing is refused for damage; see above.
        limits: `Limits.of_environment()` if None.

    Raises VideoError when the path is missing, is no video, holds no frame, or is beyond a limit.
    """
    path, limits = Path(path), Limits.of_environment() if limits is None else limits
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError) as error:
        raise VideoError(f"{one_line(path)}: cannot be opened ({error})") from error
    return (FrameFolder if is_folder else VideoFile)(path, limits, allow_damaged)


def probe(path: str | Path, *, allow_damaged: bool = False, limits: Limits | None = None) -> VideoInfo:
    """Size, frame rate and exact number of frames of a video. Raises VideoError as `open_video` does."""
    with open_video(path, allow_damaged=allow_damaged, limits=limits) as video:
        return video.info
