"""What reading 8 uniform frames of a video costs: the decoder of this package against reading everything before them.

    python -m benchmarks.decoding

Four kinds of videos: clips of the demo set, 4 s at 240p in VP9 and in H.264, and 10 minutes of 1080p in H.264, which
are written to a temporary folder. Four ways of reading: OpenCV and PyAV one frame after the other up to the last
wanted one, both after counting all frames as an exact length requires; PyAV with a seek to the key before each wanted
frame; and `atr.video.decoding`, whose length is exact without counting. All in this process, in turn, after one pass
that is not timed.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import av
import cv2
import numpy as np
import pandas as pd

from atr.video.decoding import open_video
from atr.video.encoding import write_mp4, write_webm
from atr.video.sampling import uniform_indices
from benchmarks.command import start
from benchmarks.measuring import write_found

CLIPS = Path(__file__).parents[1] / "assets" / "clips"
NUM_FRAMES = 8
SHORT = 4 * 25  # frames: 4 s


@dataclass(frozen=True)
class Options:
    """out: JSON file; repeats: of every way of reading, the median counts; minutes: of the long film."""

    out: Path = Path("results/decoding.json")
    repeats: int = 7
    minutes: float = 10.0


def main(options: Options) -> None:
    with tempfile.TemporaryDirectory() as folder:
        videos = {"demo clip": sorted(CLIPS.glob("*.mp4"))[0], **write_videos(Path(folder), options.minutes)}
        rows = [{"video": name, **medians(path, options.repeats)} for name, path in videos.items()]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    write_found({"frames": NUM_FRAMES, "repeats": options.repeats, "videos": rows}, options.out)


def write_videos(folder: Path, minutes: float) -> dict[str, Path]:
    frames = np.stack([scene(index, 240, 426) for index in range(SHORT)])
    return {
        "4 s 240p VP9": write_webm(folder / "short.webm", frames, 25),
        "4 s 240p H.264": write_mp4(folder / "short.mp4", frames, 25),
        f"{minutes:g} min 1080p H.264": write_long(folder / "long.mp4", round(minutes * 60 * 25)),
    }


def scene(index: int, height: int, width: int) -> np.ndarray:
    """A blurred texture that moves under a still frame, uint8 RGB (H, W, 3)."""
    texture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.roll(cv2.GaussianBlur(texture, (0, 0), 4), 2 * index, axis=1)


def write_long(path: Path, num_frames: int) -> Path:
    """Ten seconds, a square that moves over grey, again and again: encoded once, its packets written repeatedly."""
    loop = 250  # frames, as far apart as x264 sets keys by itself
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.options = {"preset": "ultrafast", "bf": "2", "g": str(loop), "x264-params": "open-gop=0"}
        packets = []
        for index in range(loop):
            planes = np.full((1620, 1920), 128, np.uint8)
            planes[500:600, 7 * index : 7 * index + 100] = 235
            packets += stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p"))
        packets += stream.encode()
        coded = [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in packets]
        tick = packets[0].time_base
        for offset in range(0, num_frames, loop):
            for content, pts, dts, is_key in coded:
                packet = av.Packet(content)
                packet.stream, packet.time_base, packet.is_keyframe = stream, tick, is_key
                shift = round(offset / 25 / tick)
                packet.pts, packet.dts = pts + shift, dts + shift
                film.mux(packet)
    return path


def medians(path: Path, repeats: int) -> dict:
    """Milliseconds of each way, and how many times quicker the package is."""
    ways: dict[str, Callable[[Path], list[np.ndarray]]] = {
        "opencv": read_opencv,
        "pyav": read_pyav,
        "pyav_seeking": read_seeking,
        "package": read_package,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, read in ways.items():
            started = perf_counter()
            read(path)
            if repeat:
                seconds[name].append(perf_counter() - started)
    row = {f"{name}_ms": 1e3 * float(np.median(each)) for name, each in seconds.items()}
    return row | {
        f"{name}_over_package": row[f"{name}_ms"] / row["package_ms"] for name in ways if name != "package"
    }


def read_package(path: Path) -> list[np.ndarray]:
    with open_video(path) as video:
        return list(video.iterate(uniform_indices(video.length, NUM_FRAMES)))


def read_opencv(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    length = 0
    while capture.grab():
        length += 1
    capture.release()
    wanted = set(uniform_indices(length, NUM_FRAMES).tolist())
    capture, frames = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), []
    for index in range(max(wanted) + 1):
        capture.grab()
        if index in wanted:
            frames.append(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB))
    capture.release()
    return frames


def read_pyav(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        film.streams.video[0].thread_type = "AUTO"
        length = sum(1 for _ in film.decode(video=0))
    wanted = set(uniform_indices(length, NUM_FRAMES).tolist())
    frames = []
    with av.open(str(path)) as film:
        film.streams.video[0].thread_type = "AUTO"
        for index, frame in enumerate(film.decode(video=0)):
            if index in wanted:
                frames.append(frame.to_ndarray(format="rgb24"))
            if index == max(wanted):
                return frames
    return frames


def read_seeking(path: Path) -> list[np.ndarray]:
    """By time stamps that a constant rate implies: the quickest way, exact for these videos alone."""
    frames = []
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        stream.thread_type = "AUTO"
        length = sum(packet.size > 0 for packet in film.demux(stream))
        for index in uniform_indices(length, NUM_FRAMES).tolist():
            moment = round(index / (stream.average_rate * stream.time_base))
            film.seek(moment, stream=stream)
            tolerance = 0.5 / float(stream.average_rate * stream.time_base)
            for frame in film.decode(stream):
                if frame.pts >= moment - tolerance:
                    frames.append(frame.to_ndarray(format="rgb24"))
                    break
    return frames


if __name__ == "__main__":
    start(main, Options, __doc__)
