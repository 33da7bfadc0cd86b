"""What does the paper's grid need: GPU hours, decoder cores, disk, network?

    python -m benchmarks.scaling --sthv2 CLIP.webm ... --k400 CLIP.mp4 ... --sthv1 FRAME_FOLDER ...

Measures what one clip costs one core (count its frames, decode the sampled ones, cut the crop) and counts what it costs the
network; the rest is arithmetic on the sizes of the data sets and on a GPU's rate, which are options. Without files of a
data set, rendered ones of its size and kind stand in. CPU seconds, not the clock: other work on the machine does not
count. Prints two tables and writes one JSON file, of which `python -m benchmarks.tables` makes those of docs/scaling.md.
"""

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd

from atr.describe import describe
from atr.preprocessing import Preprocessing
from atr.tabletop import render_clip
from atr.training.presets import PRESETS
from atr.video.decoding import open_video
from atr.video.sampling import dense_indices, uniform_indices
from atr.video.transforms import cut_view
from benchmarks.command import start
from benchmarks.measuring import write_found


@dataclass(frozen=True)
class DataSet:
    """Published sizes; `frames`, `width`, `height`, `fps` of a typical clip, for the stand-in."""

    name: str
    train_clips: int
    val_clips: int
    sampling: str
    frames: int
    width: int
    height: int
    fps: int


DATA_SETS = (
    DataSet("sthv1", 86_017, 11_522, "uniform", 45, 176, 100, 12),
    DataSet("sthv2", 168_913, 24_777, "uniform", 45, 426, 240, 12),
    DataSet("k400", 240_436, 19_796, "dense", 300, 340, 256, 30),
)


@dataclass(frozen=True)
class Options:
    sthv1: tuple[Path, ...] = ()
    """folders of JPEG frames"""
    sthv2: tuple[Path, ...] = ()
    k400: tuple[Path, ...] = ()
    gpu_tflops: float = 312.0
    """dense bfloat16 rate of one GPU on its data sheet (A100: 312)"""
    utilisation: float = 0.25
    """share of that rate a ResNet in PyTorch sustains: an assumption, to be replaced by a measured one"""
    repeats: int = 5
    out: Path = Path("results/scaling.json")


def main(options: Options) -> None:
    cv2.setNumThreads(1)
    decoding = {data.name: decoding_cost(data, options) for data in DATA_SETS}
    print(pd.DataFrame(decoding.values()).to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    rows = [
        needs(data, preset, decoding[data.name], options)
        for data in DATA_SETS
        for preset in PRESETS
        if preset.startswith(f"{data.name}-")
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    written = {"decoding": list(decoding.values()), "needs": rows}
    written["options"] = {k: v for k, v in asdict(options).items() if not isinstance(v, tuple | Path)}
    write_found(written, options.out)


def decoding_cost(data: DataSet, options: Options) -> dict:
    """CPU milliseconds of one clip, median over files and repeats, and its bytes, a mean over files."""
    with tempfile.TemporaryDirectory() as folder:
        given = getattr(options, data.name)
        paths = given or (stand_in(data, Path(folder)),)
        seconds = [cpu_seconds(path, data.sampling) for path in paths for _ in range(options.repeats)]
        size = np.mean([bytes_of(path) for path in paths])
        read = np.mean([bytes_read(path, data.sampling) for path in paths])
    decoding = float(np.median(seconds))
    return {
        "data": data.name,
        "files": len(given) or "rendered",
        "decoding_ms": 1e3 * decoding,
        "clips_per_core_second": 1 / decoding,
        "kilobytes_per_clip": size / 1e3,
        "kilobytes_read_per_clip": read / 1e3,
        "train_gigabytes": size * data.train_clips / 1e9,
    }


def cpu_seconds(path: Path, sampling: str) -> float:
    """For counting the frames, decoding eight of them and cutting the crop."""
    started = time.process_time()
    with open_video(path) as video:
        cut_view(video.frames(sampled(video.length, sampling)), Preprocessing())
    return time.process_time() - started


def sampled(length: int, sampling: str) -> np.ndarray:
    return (uniform_indices if sampling == "uniform" else dense_indices)(length, 8)


def needs(data: DataSet, preset: str, decoding: dict, options: Options) -> dict:
    config = PRESETS[preset]
    counted = describe(config.model)
    # A training step is a forward and a backward pass, the latter of twice the cost; a MAC is two operations.
    rate = options.gpu_tflops * 1e12 * options.utilisation / (3 * 2 * counted.macs)
    hours = data.train_clips * config.epochs / rate / 3600
    return {
        "preset": preset,
        "parameters_M": counted.parameters / 1e6,
        "GMACs": counted.macs / 1e9,
        "clips_per_gpu_second": rate,
        "gpu_hours": hours,
        "hours_8_gpus": hours / 8,
        "hours_64_gpus": hours / 64,
        "decoder_cores_per_gpu": rate / decoding["clips_per_core_second"],
        "megabytes_per_gpu_second": rate * decoding["kilobytes_read_per_clip"] / 1e3,
    }


def stand_in(data: DataSet, folder: Path) -> Path:
    """A rendered clip of the data set's size, length and kind: VP9 in WebM, H.264 in MP4, JPEG frames in a folder."""
    times = (np.arange(data.frames) + 0.5) / data.frames
    square = render_clip(0, times=times, size=max(data.height, 96)).frames
    frames = np.stack([cv2.resize(frame, (data.width, data.height)) for frame in square])
    if data.name == "sthv1":
        path = folder / "1"
        path.mkdir()
        for number, frame in enumerate(frames, start=1):
            cv2.imwrite(str(path / f"{number:05d}.jpg"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        return path
    suffix, codec, bits = {"sthv2": (".webm", "libvpx-vp9", 500_000), "k400": (".mp4", "libx264", 400_000)}[
        data.name
    ]
    path = folder / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=data.fps)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = (
            data.width,
            data.height,
            "yuv420p",
            bits,
        )
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def bytes_of(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def bytes_read(path: Path, sampling: str) -> int:
    """Of a video all; of a folder the frames that are sampled alone."""
    if path.is_file():
        return path.stat().st_size
    files = sorted(path.iterdir())
    return sum(files[index].stat().st_size for index in sampled(len(files), sampling).tolist())


if __name__ == "__main__":
    start(main, Options, __doc__)
