"""Films whose every frame carries its number, so that a decoded frame tells which one it is."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS, SIDE = 8, 16  # the number in binary, a white or black block of 16x16 pixels a bit
HEIGHT, WIDTH = 64, 96


def numbered_frame(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Eight blocks in the top left 32x64 pixels, the rest a pattern that moves; uint8 RGB (H, W, 3)."""
    rows, columns = np.mgrid[:height, :width]
    grey = 128 + 60 * np.sin((columns + 5 * number) / 7) * np.cos((rows - 3 * number) / 9)
    for bit in range(BITS):
        top, left = SIDE * (bit // 4), SIDE * (bit % 4)
        grey[top : top + SIDE, left : left + SIDE] = 235 if number >> bit & 1 else 20
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def number_of(frame: np.ndarray) -> int:
    """The number that a decoded frame (H, W, 3) carries in its top left corner."""
    number = 0
    for bit in range(BITS):
        top, left = SIDE * (bit // 4) + 4, SIDE * (bit % 4) + 4
        block = frame[top : top + SIDE - 8, left : left + SIDE - 8].astype(float)
        assert abs(block.mean() - 128) > 40, "a block that is neither black nor white"
        number |= int(block.mean() > 128) << bit
    return number


def write_film(
    path: Path,
    num_frames: int = 40,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    *,
    options: dict | None = None,
    container_options: dict | None = None,
    container_format: str | None = None,
    times: list[int] | None = None,
    rate: Fraction | int = 25,
    height: int = HEIGHT,
    width: int = WIDTH,
    interlaced: bool = False,
    matrix: list[int] | None = None,
    pixel_shape: Fraction | None = None,
    skip: int = 0,
    colours: dict | None = None,
) -> Path:
    """Frames 0 ... num_frames - 1 of `numbered_frame`.

    Args:
        times: of the frames in ticks of 1/rate; 0, 1, 2, ... if None.
        matrix: display matrix, nine numbers as FFmpeg stores them.
        skip: packets of the start that are left out, as in a recording that begins in the middle.
        colours: attributes of the stream: color_trc, color_primaries, colorspace, color_range.
    """
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as film:
        stream = film.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.time_base = 1 / Fraction(rate)
        stream.codec_context.thread_count = 1
        if pixel_shape is not None:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        for name, value in (colours or {}).items():
            setattr(stream.codec_context, name, value)
        stream.options = options or {}
        if matrix is not None:
            stream.set_display_matrix(matrix)
        packets = []
        for index in range(num_frames):
            frame = av.VideoFrame.from_ndarray(numbered_frame(index, height, width), "rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts = index if times is None else times[index]
            frame.time_base = 1 / Fraction(rate)
            packets += stream.encode(frame)
        packets += stream.encode()
        for packet in packets[skip:]:
            film.mux(packet)
    return path


def damaged(path: Path, start: float, length: int, target: Path) -> Path:
    """A copy with `length` bytes overwritten at the fraction `start` of the file."""
    content = bytearray(path.read_bytes())
    position = int(start * len(content))
    noise = np.random.default_rng(0).integers(0, 256, length, dtype=np.uint8)
    content[position : position + length] = noise.tobytes()
    target.write_bytes(content)
    return target
