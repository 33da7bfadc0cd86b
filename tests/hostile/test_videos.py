"""Broken video files: refused with one line, read in full, or read with a notice; never less than asked for in silence.

    python tests/hostile/test_videos.py

makes them all, damages of more codings besides, and prints how many ended how.
"""

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "atr" / "video"))
sys.path.insert(0, str(Path(__file__).parent))
from numbered import write_film  # noqa: E402
from refusal import little_memory, one_clear_line  # noqa: E402

from atr.video.decoding import VideoError, open_video  # noqa: E402
from tests.videos import check, decode  # noqa: E402

LENGTH = 30  # frames of a film
DIFFERENT = 40  # grey levels between a frame and the one that should have come, in the worst 16x16 pixels


def film(path: Path, codec: str, options: dict, pixel_format: str = "yuv420p", **container) -> Path:
    return write_film(path, LENGTH, codec, pixel_format, options={"g": "10"} | options, **container)


# Without mbtree x264 writes the same bytes every time, so that the same ones are damaged.
X264 = {"bf": "2", "x264-params": "mbtree=0"}
FAST_START = {"container_options": {"movflags": "faststart"}}
NOTICED = {  # codings whose damage FFmpeg notices
    "h264.mp4": lambda path: film(path, "libx264", X264, **FAST_START),
    "h264.mkv": lambda path: film(path, "libx264", X264),
    "h264.ts": lambda path: film(path, "libx264", X264),
    "mpeg2.mpg": lambda path: film(path, "mpeg2video", {"bf": "2", "b": "2000000"}),
    "mpeg4.avi": lambda path: film(path, "mpeg4", {"bf": "2", "b": "2000000"}),
    "mjpeg.mov": lambda path: film(path, "mjpeg", {"b": "2000000"}, "yuvj420p"),
}
UNNOTICED = {  # codings of which it decodes some damage into wrong pictures without a word
    "hevc.mp4": lambda path: film(path, "libx265", {"x265-params": "log-level=none"}),
    "av1.mp4": lambda path: film(path, "libsvtav1", {"preset": "12"}),
    "vp8.webm": lambda path: film(path, "libvpx", {"b": "500000"}),
    "vp9.webm": lambda path: film(path, "libvpx-vp9", {"b": "500000"}),
    "gif.gif": lambda path: film(path, "gif", {}, "rgb8"),
}


def noise(content: bytes, place: float, length: int) -> bytes:
    start = int(place * len(content))
    return content[:start] + random.Random(0).randbytes(length) + content[start + length :]


def zeros(content: bytes, place: float, length: int) -> bytes:
    start = int(place * len(content))
    return content[:start] + bytes(length) + content[start + length :]


def without(content: bytes, place: float, length: int) -> bytes:
    start = int(place * len(content))
    return content[:start] + content[start + length :]


CUTS = {f"cut to {share:.0%}": share for share in (0.02, 0.3, 0.6, 0.95)}
OUTSIDE = {  # harm that does not depend on the coding
    **{
        name: lambda content, share=share: content[: int(share * len(content))]
        for name, share in CUTS.items()
    },
    "empty": lambda content: b"",
    "the last byte missing": lambda content: content[:-1],
    "the first 100 bytes missing": lambda content: content[100:],
    "its first half alone, twice": lambda content: content[: len(content) // 2] * 2,
    "noise behind it": lambda content: content + random.Random(1).randbytes(5000),
    "nothing but its last half": lambda content: content[len(content) // 2 :],
    "noise at its head": lambda content: noise(content, 0, 64),
}
INSIDE = {
    "noise at a third": lambda content: noise(content, 0.34, 60),
    "noise at two thirds": lambda content: noise(content, 0.67, 60),
    "zeros in the middle": lambda content: zeros(content, 0.5, 300),
    "zeros near the end": lambda content: zeros(content, 0.9, 200),
    "a tenth taken out": lambda content: without(content, 0.5, len(content) // 10),
    "a byte taken out": lambda content: without(content, 0.45, 1),
    "noise in every part": lambda content: noise(noise(noise(content, 0.2, 20), 0.5, 20), 0.8, 20),
}


def blocks(frame: np.ndarray) -> np.ndarray:
    """Mean grey of each 16x16 pixels, (H / 16, W / 16)."""
    height, width = frame.shape[:2]
    return frame.mean(2).reshape(height // 16, 16, width // 16, 16).mean((1, 3))


def are_same(frames: np.ndarray, others: np.ndarray) -> bool:
    if frames.shape != others.shape:
        return False
    return all(abs(blocks(a) - blocks(b)).max() < DIFFERENT for a, b in zip(frames, others, strict=True))


def outcome(path: Path, whole: np.ndarray) -> str:
    """ "refused" | "whole" | "told" | "silent": what became of a file that should hold the frames `whole`."""
    try:
        with little_memory():
            check(path)
            with open_video(path, allow_damaged=True) as video:
                frames, notices = video.frames(), video.notices
    except VideoError as error:
        one_clear_line(error, path.name)
        return "refused"
    if are_same(frames, whole):
        return "whole"
    return "told" if notices else "silent"


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    made: dict[str, tuple[Path, np.ndarray]] = {}

    def get(name: str) -> tuple[Path, np.ndarray]:
        if name not in made:
            path = tmp_path_factory.mktemp("film") / name
            try:
                {**NOTICED, **UNNOTICED}[name](path)
            except av.codec.codec.UnknownCodecError as error:
                pytest.skip(f"this FFmpeg has no encoder for {name}: {error}")
            made[name] = path, decode(path)
        return made[name]

    return get


@pytest.mark.parametrize("name", [*NOTICED, *UNNOTICED])
def test_the_films_that_are_broken_below_are_whole(films, name):
    path, whole = films(name)
    with open_video(path) as video:
        assert video.length == LENGTH and video.notices == ()
    assert outcome(path, whole) == "whole"


# What no check of FFmpeg's finds and no count tells: pictures that decode, into something else.
UNTOLD = {
    ("mpeg2.mpg", "cut to 30%"),  # behind a whole packet
    ("mpeg4.avi", "zeros in the middle"),
    ("mjpeg.mov", "zeros in the middle"),
    ("vp8.webm", "its first half alone, twice"),
}
CASES = [(name, harm) for name in NOTICED for harm in (*OUTSIDE, *INSIDE) if (name, harm) not in UNTOLD]
CASES += [(name, harm) for name in UNNOTICED for harm in OUTSIDE if (name, harm) not in UNTOLD]


@pytest.mark.parametrize(("name", "harm"), CASES)
def test_nothing_is_missing_in_silence(films, tmp_path, name, harm):
    path, whole = films(name)
    broken = tmp_path / name
    broken.write_bytes({**OUTSIDE, **INSIDE}[harm](path.read_bytes()))
    assert outcome(broken, whole) != "silent"


def main() -> None:
    """Print the table of outcomes."""
    rows: dict[str, Counter] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in {**NOTICED, **UNNOTICED}.items():
            path = make(Path(folder) / name)
            whole, content = decode(path), path.read_bytes()
            for kind, harms in {"outside": OUTSIDE, "inside": INSIDE}.items():
                for harm in harms.values():
                    path.write_bytes(harm(content))
                    rows.setdefault(f"{name}, {kind}", Counter())[outcome(path, whole)] += 1
    kinds = ("refused", "whole", "told", "silent")
    print("| film, harm |", " | ".join(kinds), "|\n|---|" + "---|" * len(kinds))
    for name, counts in rows.items():
        print(f"| {name} |", " | ".join(str(counts[kind]) for kind in kinds), "|")


if __name__ == "__main__":
    main()
