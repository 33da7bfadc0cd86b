"""Evaluation protocols: which views of a clip a network is shown; its class scores are averaged over them."""

from dataclasses import dataclass

import numpy as np

from atr.options import require
from atr.preprocessing import Fit, Preprocessing
from atr.sampling import Sampling
from atr.video.decoding import Video
from atr.video.sampling import dense_indices, uniform_indices
from atr.video.transforms import cut_view, resize, resized_size

PROTOCOLS = ("1x1", "2x3", "10x3")
UNIFORM = Sampling()


@dataclass(frozen=True)
class Protocol:
    """`clips` samplings of the frames, each cut in `crops` ways. 1x1 is the centre of everything.

    Attributes:
        clips: samplings of the frames, at `offsets`.
        crops: 1, the frame resized and the centre cut as in training; or 3, squares of the whole short side at the two
            ends and in the middle of the longer side, which coincide in frames that are squeezed.
    """

    clips: int = 1
    crops: int = 1

    @classmethod
    def named(cls, name: str) -> "Protocol":
        """Raises ValueError for a name that is not one of `PROTOCOLS`."""
        require("protocol", name, PROTOCOLS)
        return cls(*(int(count) for count in name.split("x")))

    def __str__(self) -> str:
        return f"{self.clips}x{self.crops}"

    @property
    def num_views(self) -> int:
        return self.clips * self.crops

    def side(self, preprocessing: Preprocessing) -> int:
        """Of the square that a view shows the network, in pixels."""
        return preprocessing.crop if self.crops == 1 else preprocessing.short_side

    def offsets(self, sampling: Sampling = UNIFORM) -> tuple[float, ...]:
        """Where the frames of each of the samplings are taken, in the order of the views.

        Uniform: of every segment the frame at this share of it. One is at 1/2; two are at 1/2 and 0, as TSM's and
        mmaction2's `twice_sample`; n are at (c + 1/2) / n. Dense: the window at this share of the way from the first
        to the last possible place. One is at 1/2, n are spread from 0 to 1, as TSM's ten.
        """
        if self.clips == 1:
            return (0.5,)
        if sampling.kind == "dense":
            return tuple(np.linspace(0, 1, self.clips).tolist())
        if self.clips == 2:
            return (0.5, 0.0)
        return tuple(((np.arange(self.clips) + 0.5) / self.clips).tolist())

    def indices(self, length: int, num_frames: int, sampling: Sampling = UNIFORM) -> np.ndarray:
        """Frames shown of a clip of L = `length`, int (clips, T)."""
        offsets = self.offsets(sampling)
        if sampling.kind == "uniform":
            return np.stack([uniform_indices(length, num_frames, shift=offset) for offset in offsets])
        window = sampling.window
        return np.stack(
            [dense_indices(length, num_frames, window=window, position=offset) for offset in offsets]
        )

    def cut(self, frames: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        """Frames uint8 (L, H, W, 3) -> uint8 (crops, L, h, w, 3)."""
        if self.crops == 1:
            return cut_view(frames, preprocessing)[None]
        return three_crops(frames, preprocessing.short_side, preprocessing.fit)

    def views(self, video: Video, chosen: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        """What is shown of a video, uint8 (V, T, h, w, 3), the crops of one sampling together.

        chosen: of `indices`, (clips, T). Raises VideoError where a frame cannot be read.
        """
        frames = video.frames(chosen.ravel())  # once for all samplings
        crops = self.cut(frames, preprocessing)
        crops = crops.reshape(self.crops, *chosen.shape, *crops.shape[2:])
        return crops.swapaxes(0, 1).reshape(self.num_views, *crops.shape[2:])


SINGLE_VIEW = Protocol()


def evaluated_indices(length: int, num_frames: int, sampling: Sampling) -> np.ndarray:
    """The frames of protocol 1x1, int (T,): what a model answers from wherever one view of a clip is asked for."""
    return SINGLE_VIEW.indices(length, num_frames, sampling)[0]


def three_crops(frames: np.ndarray, side: int, fit: Fit = "crop") -> np.ndarray:
    """Frames uint8 (L, H, W, 3), the short side resized to `side`, as squares along the longer side: left, centre,
    right or top, centre, bottom; uint8 (3, L, side, side, 3). Those of square and of squeezed frames coincide."""
    height, width = frames.shape[1:3]
    resized = resize(frames, *resized_size(height, width, side, fit))
    space = np.array(resized.shape[1:3]) - side
    corners = [(0, 0), space // 2, space]
    return np.stack([resized[:, top : top + side, left : left + side] for top, left in corners])
