"""Augmentation of one sampled clip: every frame is changed alike, and the label with the frames."""

from dataclasses import dataclass

import cv2
import numpy as np

from atr.data.symmetry import NO_CLASS, ClassSymmetry
from atr.options import require_options
from atr.preprocessing import Fit
from atr.video.transforms import resize

LUMA = (0.299, 0.587, 0.114)  # of R, G, B, ITU-R BT.601
MID_GREY = 127.5
USUAL_MIRROR = 0.5


@dataclass(frozen=True)
class Augmentation:
    """Strengths, 0 to 1; zero switches a part off.

    Attributes:
        crop_scales: the crop's sides, as shares of the frame's shorter side, in falling order; height and width are
            drawn one step apart at most, the place is a corner or the centre (Wang et al. 2016, TSN). Of frames that are
            squeezed, each as a share of its own side. Empty: the frames are as large as the crop already.
        mirror: probability of a horizontal flip; the label becomes its mirror class, and a clip whose mirror image is of
            no class is not flipped. None: one half where the mirror classes are known (Something-Something, the demo
            set), zero elsewhere.
        reverse: probability of playing a clip backwards; the label becomes its reversed class.
        shift: largest translation of a whole clip, in pixels, 0 or more, the border repeated.
        light: largest relative change of each colour channel's brightness.
        contrast: largest relative change of the distance from mid-grey.
        saturation: largest relative change of the distance from the pixel's own grey.
    """

    crop_scales: tuple[float, ...] = ()
    mirror: float | None = None
    reverse: float = 0.5
    shift: int = 6
    light: float = 0.2
    contrast: float = 0.0
    saturation: float = 0.0

    def __post_init__(self) -> None:
        # Lists are what JSON and the command line give.
        object.__setattr__(self, "crop_scales", tuple(self.crop_scales))
        require_options(self)
        if not all(0 < scale <= 1 for scale in self.crop_scales):
            raise ValueError(
                f"crop_scales={self.crop_scales} is not possible; allowed: shares above 0, up to 1"
            )
        for name in ("mirror", "reverse", "light", "contrast", "saturation"):
            if getattr(self, name) is not None and not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} is not possible; allowed: 0 to 1")
        if self.shift < 0:
            raise ValueError(f"shift={self.shift} is not possible; allowed: 0 or more")


def augment(
    frames: np.ndarray,
    label: int,
    symmetry: ClassSymmetry | None,
    strength: Augmentation,
    size: int,
    generator: np.random.Generator,
    fit: Fit = "crop",
) -> tuple[np.ndarray, int]:
    """Frames uint8 (T, H, W, 3) and a label -> uint8 (T, size, size, 3) and the label of what they show now.

    Args:
        symmetry: what the classes become; None where it is not known, and then no clip is flipped.
        fit: how frames become squares, `Preprocessing`.

    Raises:
        ValueError: there are no crop scales and the frames are not `size` large, or a clip is to be played backwards
            and it is not known what its class becomes.
    """
    if strength.crop_scales:
        whole_height, whole_width = frames.shape[1:3]
        height, width, top, left = crop_box(whole_height, whole_width, strength.crop_scales, generator, fit)
        frames = resize(frames[:, top : top + height, left : left + width], size, size)
    if frames.shape[1:3] != (size, size):
        raise ValueError(
            f"crop_scales is empty, so frames must be {size}×{size}; they are {frames.shape[1]}×{frames.shape[2]}"
        )
    change = drawn_change(label, symmetry, strength, generator)
    if change.mirror:
        frames = np.stack([cv2.flip(frame, 1) for frame in frames])  # a quarter of the time of [:, :, ::-1]
    if change.reverse:
        frames = frames[::-1]
    if strength.shift:
        frames = shifted(frames, change.offset, strength.shift)
    return coloured(frames, change.colours), change.label


@dataclass(frozen=True)
class Change:
    """What is drawn for a clip of frames as large as the network's input.

    Attributes:
        mirror, reverse: flips, as far as the clip's class allows them.
        offset: (2,), rows and columns, of `shifted`; zeros without a shift.
        colours: (3, 4), of `coloured`.
        label: of what the clip shows then.
    """

    mirror: bool
    reverse: bool
    offset: np.ndarray
    colours: np.ndarray
    label: int


def drawn_change(
    label: int, symmetry: ClassSymmetry | None, strength: Augmentation, generator: np.random.Generator
) -> Change:
    """Raises ValueError where a clip is to be played backwards and it is not known what its class becomes."""
    # Both are drawn whatever the class, so that what follows does not depend on it.
    mirror = generator.random() < mirrored_share(strength, symmetry)
    reverse = generator.random() < strength.reverse
    if mirror := mirror and symmetry is not None and symmetry.mirrored[label] != NO_CLASS:
        label = symmetry.mirrored[label]
    if reverse:
        if symmetry is None or symmetry.reversed is None:
            raise ValueError(f"reverse={strength.reverse}, but the classes of reversed clips are not known")
        if reverse := symmetry.reversed[label] != NO_CLASS:
            label = symmetry.reversed[label]
    offset = generator.integers(2 * strength.shift + 1, size=2) if strength.shift else np.zeros(2, int)
    return Change(mirror, reverse, offset, colour_matrix(strength, generator), label)


def mirrored_share(strength: Augmentation, symmetry: ClassSymmetry | None) -> float:
    """Of all clips, those that are to be flipped."""
    if symmetry is None:
        return 0.0
    if strength.mirror is None:
        return USUAL_MIRROR if symmetry.known else 0.0
    return strength.mirror


def crop_box(
    height: int,
    width: int,
    scales: tuple[float, ...],
    generator: np.random.Generator,
    fit: Fit = "crop",
) -> tuple[int, int, int, int]:
    """A crop's (height, width, top, left) in pixels, drawn as `crop_scales` says."""
    of = (height, width) if fit == "squeeze" else (min(height, width),) * 2  # what the scales are shares of
    heights, widths = ([max(round(side * scale), 1) for scale in scales] for side in of)
    shapes = [(h, w) for i, h in enumerate(heights) for j, w in enumerate(widths) if abs(i - j) <= 1]
    crop_height, crop_width = shapes[generator.integers(len(shapes))]
    below, right = height - crop_height, width - crop_width
    places = [(0, 0), (0, right), (below, 0), (below, right), (below // 2, right // 2)]
    return crop_height, crop_width, *places[generator.integers(len(places))]


def shifted(frames: np.ndarray, offset: tuple[int, int], margin: int) -> np.ndarray:
    """Frames (T, H, W, 3) cut at an offset, rows and columns, out of themselves with edges repeated `margin` far."""
    height, width = frames.shape[1:3]
    farthest = np.array([height, width]) - 1
    down, right = np.clip(np.array(offset) - margin, -farthest, farthest).tolist()
    seen = frames[:, max(down, 0) : height + down, max(right, 0) : width + right]
    edges = (max(-down, 0), max(down, 0), max(-right, 0), max(right, 0))
    return np.stack([cv2.copyMakeBorder(frame, *edges, cv2.BORDER_REPLICATE) for frame in seen])


def colour_matrix(strength: Augmentation, generator: np.random.Generator) -> np.ndarray:
    """A random affine change of colours, (3, 4): gains of the channels, then saturation, then contrast."""
    gains = 1 + strength.light * generator.uniform(-1, 1, size=3)
    saturation = 1 + strength.saturation * generator.uniform(-1, 1)
    contrast = 1 + strength.contrast * generator.uniform(-1, 1)
    grey = np.tile(LUMA, (3, 1))
    mixed = saturation * np.eye(3) + (1 - saturation) * grey
    offset = np.full((3, 1), (1 - contrast) * MID_GREY)
    return np.hstack([contrast * mixed * gains, offset])


def coloured(frames: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """An affine change (3, 4) of each pixel's colour of frames uint8 (T, H, W, 3), rounded and cut off at 0 and 255."""
    num_frames, height, width, _ = frames.shape
    rows = np.ascontiguousarray(frames).reshape(num_frames * height, width, 3)
    return cv2.transform(rows, matrix).reshape(frames.shape)
