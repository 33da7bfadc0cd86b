"""Clips with the truth about every pixel: what is acted on, what else moves, and when the action happens.

A source is a list of clips whose frames have a fourth channel of bits beside red, green and blue, cut as the frames
are: TARGET where the pixel belongs to what acts or is acted on, DISTRACTOR where it belongs to something else that
moves, and ACTING everywhere in a frame in which the action happens. Everywhere in a clip, STATED says that ACTING was
stated and not concluded from the masks, and MASKED that the target is told by pixels, not by boxes. There are three:

- `tabletop:val` (or :dev, :train), rendered here: the target is the hand and what it acts on;
- a folder with an annotations.json whose clips have "masks", an NPZ file with `masks` uint8 (frames, H, W) as
  `python -m atr tabletop` writes them, or "boxes", for every frame a list of [left, top, width, height] in pixels;
  "acting" says in which frames the action happens, all those with a target when it is missing;
- a folder of sequences, each with a clip.mp4 and numbered masks/*.png, one for every frame (0: background), as cut from
  DAVIS.
"""

import os
from pathlib import Path

import cv2
import numpy as np

from analysis.localize.truths import (
    ACTING,
    MASKED,
    RENDERED,
    STATED,
    TARGET,
    Whole,
    box_bits,
    chosen,
    is_marked,
    require_each_frame,
    stored_bits,
    with_bits,
)
from atr.data.annotations import require_one_answer
from atr.data.clips import ClipDataset
from atr.data.folders import ANNOTATED, annotated_clips
from atr.data.listing import contents, leading_out
from atr.data.names import data_name
from atr.data.reading import splits_of
from atr.data.rendered import TabletopClips, rendered_count, require_count, require_uniform
from atr.data.unused import Unused
from atr.data.videos import VideoClips
from atr.files import digest, stamp
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.schema import counted
from atr.tabletop import CLASSES, clip_name, render_clip, split_seed
from atr.tabletop.seeds import label_of
from atr.video.decoding import VideoError, open_video
from atr.video.frame_folder import numbered_frames
from atr.video.protocol import UNIFORM, evaluated_indices
from atr.video.transforms import cut_view, view_box


class MaskedClips(ClipDataset):
    """Items: (uint8 (T, H, W, 4), label, index); label -1 where none is known. truth: the target in words."""

    truth: str


class MaskedTabletop(MaskedClips):
    """The T frames of the evaluation with their masks, rendered when asked for."""

    truth = "the hand and what it acts on, in frames in which it acts"

    def __init__(self, split: str, num_clips: int, *, num_frames: int, size: int):
        self.split, self.num_frames, self.size = split, num_frames, size
        self.labels = list(CLASSES)
        self.ids = [clip_name(split, index) for index in range(num_clips)]
        self.targets = [label_of(split_seed(split, index)) for index in range(num_clips)]
        self.description = TabletopClips.description_of(split, num_clips, num_frames=num_frames, size=size)
        self.digest = TabletopClips.digest_of(split, num_clips, num_frames=num_frames, size=size)

    def sampled_frames(self, index: int) -> np.ndarray:
        clip = render_clip(split_seed(self.split, index), num_frames=self.num_frames, size=self.size)
        bits = RENDERED[clip.masks] | ACTING * clip.acting[:, None, None] | STATED | MASKED
        return with_bits(clip.frames, bits)


class MaskedVideos(MaskedClips):
    """Videos of any kind with their true pixels; what differs is how a folder lists them and where those come from.

    num_clips: the first so many; all when None. The others: of `open_masked`.
    """

    def __init__(
        self,
        folder: Path,
        num_clips: int | None,
        *,
        num_frames: int,
        preprocessing: Preprocessing,
        sampling: Sampling,
        follow_outside: bool,
        allow_damaged: bool,
    ):
        self.folder, self.num_frames, self.preprocessing = folder, num_frames, preprocessing
        self.sampling, self.allow_damaged = sampling, allow_damaged
        self._list(num_clips, follow_outside)

    def _list(self, num_clips: int | None, follow_outside: bool) -> None:
        """What every list of clips has, and what tells the videos and their bits."""
        raise NotImplementedError

    def video(self, index: int) -> Path:
        raise NotImplementedError

    def bits(self, index: int, frames: np.ndarray, video: Whole) -> np.ndarray:
        """uint8 (T, H, W), of these frames of the whole video. Raises VideoError where not all frames have theirs."""
        raise NotImplementedError

    def sampled_frames(self, index: int) -> np.ndarray:
        path = self.video(index)
        with open_video(path, allow_damaged=self.allow_damaged) as video:
            chosen = evaluated_indices(video.length, self.num_frames, self.sampling)
            frames = video.frames(chosen)
            damaged = any(notice.kind == "damage" for notice in video.notices)
            whole = Whole(video.length, damaged, *frames.shape[1:3])
        bits = self.bits(index, chosen, whole)
        top, left, height, width = view_box(whole.height, whole.width, self.preprocessing)
        side = self.preprocessing.crop
        cut = [
            cv2.resize(b, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
            for b in bits[:, top : top + height, left : left + width]
        ]
        return with_bits(cut_view(frames, self.preprocessing), np.stack(cut))


class AnnotatedVideos(MaskedVideos):
    """A folder with an annotations.json that tells masks or boxes.

    Raises:
        ValueError: a clip has neither, two have one id, or a file lies outside the folder and is not to be followed.
    """

    truth = "what its annotations mark, in frames in which the action happens"

    def _list(self, num_clips: int | None, follow_outside: bool) -> None:
        folder = self.folder
        self.clips = clips = VideoClips(
            folder,
            num_frames=self.num_frames,
            preprocessing=self.preprocessing,
            num_clips=num_clips,
            sampling=self.sampling,
            follow_outside=follow_outside,
            allow_damaged=self.allow_damaged,
        )
        require_one_answer(clips.annotations)
        file = folder / ANNOTATED
        entries = {entry["id"]: entry for entry in annotated_clips(file)["clips"]}
        self.entries = [entries[name] for name in clips.ids]
        for entry in self.entries:
            if not {"masks", "boxes"} & entry.keys():
                raise ValueError(f"{folder}: clip {entry['id']} has neither masks nor boxes")
        if not follow_outside:
            require_inside(folder, [entry["masks"] for entry in self.entries if "masks" in entry])
        self.labels, self.ids, self.targets, self.notes = clips.labels, clips.ids, clips.targets, clips.notes
        self.description = clips.description
        masks = [folder / entry["masks"] for entry in self.entries if "masks" in entry]
        self.digest = digest([clips.digest, file.read_text(), stamps_of(folder, masks)])

    def video(self, index: int) -> Path:
        return self.clips.paths[index]

    def bits(self, index: int, frames: np.ndarray, video: Whole) -> np.ndarray:
        entry = self.entries[index]
        if "masks" in entry:
            bits = stored_bits(self.folder / entry["masks"], frames, video, entry["id"]) | MASKED
        else:
            boxes = chosen(entry, "boxes", frames, video)
            bits = np.stack(
                [self.boxed(*each, entry["id"], video) for each in zip(frames, boxes, strict=True)]
            )
        if "acting" in entry:
            acting = np.array(chosen(entry, "acting", frames, video), bool)
            bits = bits | STATED
        else:
            acting = (bits & TARGET).any(axis=(1, 2))
        return bits | ACTING * acting[:, None, None].astype(np.uint8)

    def boxed(self, frame: int, boxes: list, clip: str, video: Whole) -> np.ndarray:
        """`box_bits` of one frame. Raises VideoError where they are none."""
        try:
            return box_bits(boxes, video.height, video.width)
        except ValueError as error:
            allowed = "for every frame a list of [left, top, width, height] in pixels"
            raise VideoError(
                f"{self.folder / ANNOTATED}: boxes of clip {clip}, frame {frame}: {error}; allowed: {allowed}"
            ) from error


class Sequences(MaskedVideos):
    """A folder of sequences, each with a clip.mp4 and numbered masks/*.png, one for every frame.

    Raises:
        ValueError: there is none, or one lies outside the folder and is not to be followed.
    """

    truth = "the annotated object, in all frames that show it"

    def _list(self, num_clips: int | None, follow_outside: bool) -> None:
        folder = self.folder
        self.folders = sorted(path.parent for path in folder.glob("*/clip.mp4"))[:num_clips]
        if not self.folders:
            raise ValueError(
                f"{folder} has neither an {ANNOTATED} nor folders with a clip.mp4: nothing tells masks"
            )
        if not follow_outside:
            names = [f"{path.name}/{part}" for path in self.folders for part in ("clip.mp4", "masks")]
            require_inside(folder, names)
        others = contents(folder)
        left = [*others.others, *(("without a clip.mp4", name) for name in others.videos)]
        left += [
            ("without a clip.mp4", name)
            for name in others.folders
            if not (folder / name / "clip.mp4").is_file()
        ]
        self.notes = (f"{folder}: {unused}",) if (unused := Unused.of(left)) else ()
        self.labels, self.ids = [], [path.name for path in self.folders]
        self.targets = [-1] * len(self.ids)
        sequences, frames = counted(len(self.ids), "sequence"), counted(self.num_frames, "frame")
        self.description = f"{folder.resolve().name}, {sequences}, {frames}"
        files = [sorted([*path.glob("*.mp4"), *path.glob("masks/*.png")]) for path in self.folders]
        values = [self.ids, stamps_of(folder, sum(files, [])), self.num_frames, self.preprocessing.to_dict()]
        self.digest = digest([*values, "damaged ones"] if self.allow_damaged else values)

    def video(self, index: int) -> Path:
        return self.folders[index] / "clip.mp4"

    def bits(self, index: int, frames: np.ndarray, video: Whole) -> np.ndarray:
        folder = self.folders[index] / "masks"
        numbered = numbered_frames(folder) if folder.is_dir() else {}
        files = [numbered[number] for number in sorted(numbered) if numbered[number].suffix == ".png"]
        require_each_frame(self.ids[index], "masks", len(files), video)
        masks = [cv2.imread(str(files[frame]), cv2.IMREAD_GRAYSCALE) for frame in frames]
        for frame, mask in zip(frames, masks, strict=True):
            if mask is None or mask.shape != (video.height, video.width):
                raise VideoError(f"{files[frame]} is no mask of {video.width}x{video.height} pixels")
        return np.where(np.stack(masks) > 0, TARGET | ACTING | MASKED, ACTING | MASKED).astype(np.uint8)


def open_masked(
    name: str,
    *,
    num_frames: int,
    preprocessing: Preprocessing,
    sampling: Sampling = UNIFORM,
    num_clips: int | None = None,
    follow_outside: bool = False,
    allow_damaged: bool = False,
) -> MaskedClips:
    """The clips a `--data` names, with their true pixels.

    Args:
        num_clips: the first so many; 2,000 of a rendered split, all of a folder when None.
        follow_outside: clips and masks of a folder may lie outside it.
        allow_damaged: of videos, as `atr.video.decoding.open_video` has it.

    Raises:
        ValueError: `name` is none of the three kinds, `num_clips` is below 1, there are fewer clips than asked for, two
            have one id, a file lies outside the folder, or rendered clips are to be sampled densely.
    """
    folder, split = data_name(name)
    if folder is None:
        require_uniform(name, sampling)
        return MaskedTabletop(
            split or "val", rendered_count(num_clips), num_frames=num_frames, size=preprocessing.crop
        )
    kind = AnnotatedVideos if (folder / ANNOTATED).is_file() else Sequences
    if split and split not in (splits := splits_of(folder) if kind is AnnotatedVideos else ()):
        there = f"; there are: {', '.join(splits)}" if splits else ""
        raise ValueError(f"{folder} has no split {split!r}{there}; leave it out for all clips")
    require_count(num_clips)
    clips = kind(
        folder,
        num_clips,
        num_frames=num_frames,
        preprocessing=preprocessing,
        sampling=sampling,
        follow_outside=follow_outside,
        allow_damaged=allow_damaged,
    )
    if num_clips is not None and num_clips > len(clips):
        raise ValueError(
            f"{counted(num_clips, 'clip')} asked for, {name} has {len(clips)}; allowed: 1 to that"
        )
    return clips


def require_marked(clips: MaskedClips, data: str) -> None:
    """Looks at clips up to the first that is marked; those that cannot be read are told when they are measured.

    Raises:
        ValueError: those that can be read are not marked, and there would be nothing to measure.
    """
    readable = 0
    for index in range(len(clips)):
        try:
            bits = clips.sampled_frames(index)[..., 3]
        except VideoError:
            continue
        readable += 1
        if is_marked(bits):
            return
    if readable:
        raise ValueError(
            f"{data} marks nothing in the sampled frames of its {readable} clips, so nothing can be measured; allowed: "
            'masks or boxes in frames in which the action happens, or an "acting" that some frames of a clip have'
        )


def require_inside(folder: Path, files: list[str]) -> None:
    """Raises ValueError where a file leads out of the folder, by its path or by a link."""
    if outside := leading_out(folder, files):
        index, place = next(iter(outside.items()))
        raise ValueError(
            f"{counted(len(outside), 'file lies', 'files lie')} outside {folder}, the first is {files[index]} at {place}; "
            "--follow-outside reads them"
        )


def stamps_of(folder: Path, files: list[Path]) -> list[tuple[str, str]]:
    """What files below a folder are: videos or masks that were exchanged are another question."""
    return [(os.path.relpath(file, folder), stamp(file)) for file in files]
