"""From a decoded frame to the picture as it is displayed: progressive, RGB, with square pixels, upright."""

import struct
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter

from atr.video.notices import Notice
from atr.video.transforms import resize

# Pixels that deviate from a square by less are left alone: encoders state such shapes where a size was rounded.
NEARLY_SQUARE = 0.02
WIDEST_PIXEL = 16
HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}  # FFmpeg's numbers of transfer characteristics
UPRIGHT = ((1, 0), (0, 1))
TURN = 1 << 16  # 1.0 in the numbers of a display matrix


class PictureMaker:
    """Turns decoded frames of one track into pictures.

    Interlaced frames, where they are marked, lose one of their two fields: its lines are interpolated from those of
    the other, along edges (FFmpeg's estdif). No neighbouring frame is used, so that a picture is the same however it
    is reached. Colours follow the matrix and the range that the file states, and BT.601 where it states none.

    Attributes:
        notices: what was changed so far.
    """

    def __init__(self, pixel_shape: Fraction | None):
        self.pixel_shape = _usable(pixel_shape)
        self.notices: dict[Notice, None] = {}
        self._reformatter = VideoReformatter()
        self._deinterlacer: Deinterlacer | None = None

    def size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = frame.height, self._displayed_width(frame)
        return (width, height) if orientation(frame)[0][0] == 0 else (height, width)

    def note(self, frame: av.VideoFrame) -> None:
        """Add what has to be known about a frame to `notices`."""
        bits = max(component.bits for component in frame.format.components)
        if bits > 8:
            self._say(f"{bits} bits a colour are rounded to 8")
        if frame.color_trc in HIGH_DYNAMIC_RANGE:
            kind = HIGH_DYNAMIC_RANGE[frame.color_trc]
            self._say(
                f"brightness of high dynamic range ({kind}) is shown as it is stored, so colours look pale"
            )
        if frame.interlaced_frame:
            self._say("interlaced frames are deinterlaced: one field is kept, the other interpolated")
        if (matrix := display_matrix(frame)) is not None and _right_angles(matrix) is None:
            self._say("the file states a rotation that is no quarter turn; it is not applied")

    def picture(self, frame: av.VideoFrame) -> np.ndarray:
        """uint8 RGB (H, W, 3)."""
        self.note(frame)
        if frame.interlaced_frame:
            if self._deinterlacer is None or not self._deinterlacer.takes(frame):
                self._deinterlacer = Deinterlacer(frame)
            progressive = self._deinterlacer(frame)
        else:
            progressive = frame
        # Bicubic chroma without accurate rounding: pixel for pixel what OpenCV's reader gives.
        converted = self._reformatter.reformat(
            progressive, format="rgb24", interpolation=Interpolation.BICUBIC, threads=1
        )
        pixels = converted.to_ndarray()
        width = self._displayed_width(frame)
        if width != frame.width:
            pixels = resize(pixels[None], frame.height, width)[0]
        return turned(pixels, orientation(frame))

    def _displayed_width(self, frame: av.VideoFrame) -> int:
        return max(round(frame.width * self.pixel_shape), 1)

    def _say(self, sentence: str) -> None:
        self.notices[Notice(sentence, "change")] = None


class Deinterlacer:
    """A filter graph for frames of one size and format."""

    def __init__(self, frame: av.VideoFrame):
        self._kind = (frame.width, frame.height, frame.format.name)
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
        )
        interpolate = graph.add("estdif", "mode=frame:deint=interlaced")
        self._sink = graph.add("buffersink")
        source.link_to(interpolate)
        interpolate.link_to(self._sink)
        graph.configure()
        self._graph, self._source = graph, source

    def takes(self, frame: av.VideoFrame) -> bool:
        return self._kind == (frame.width, frame.height, frame.format.name)

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        result = None
        for _ in range(2):  # the filter hands a frame out when the next one comes: the same one again
            self._source.push(frame)
            while True:
                try:
                    result = self._sink.pull()
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
        return result


def display_matrix(frame: av.VideoFrame) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """((a, b), (c, d)): a pixel at (x, y) is displayed at (a·x + c·y, b·x + d·y); None where none is stated."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d, _, _, _, _ = struct.unpack("=9i", bytes(data))
            return (a / TURN, b / TURN), (c / TURN, d / TURN)
    return None


def orientation(frame: av.VideoFrame) -> tuple[tuple[int, int], tuple[int, int]]:
    matrix = display_matrix(frame)
    return UPRIGHT if matrix is None else _right_angles(matrix) or UPRIGHT


def turned(pixels: np.ndarray, matrix: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """Pixels (H, W, 3) moved by a matrix of quarter turns and flips."""
    if matrix == UPRIGHT:
        return pixels
    (a, b), (c, d) = matrix
    if a == 0:  # columns become rows
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return np.ascontiguousarray(pixels[::d, ::a])


def _right_angles(matrix) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The matrix with entries -1, 0, 1; None where it is no quarter turn or flip."""
    (a, b), (c, d) = ((_sign(value) for value in row) for row in matrix)
    straight = a and d and not b and not c
    across = b and c and not a and not d
    return ((a, b), (c, d)) if straight or across else None


def _sign(value: float) -> int:
    return 0 if abs(value) < 1e-3 else 1 if value > 0 else -1


def _usable(shape: Fraction | None) -> Fraction:
    """Width over height of a pixel; 1 where it is nearly that, or unknown, or absurd."""
    if (
        shape is None
        or not Fraction(1, WIDEST_PIXEL) <= shape <= WIDEST_PIXEL
        or abs(shape - 1) < NEARLY_SQUARE
    ):
        return Fraction(1)
    return shape
