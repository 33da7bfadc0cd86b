"""A data set whose films lack something: cut a little, cut in half, one frame spoilt, ten bits a colour, or nothing."""

import json
import sys
from pathlib import Path

import av
import numpy as np

from tests.app.world import LABELS

sys.path.insert(0, str(Path(__file__).parent / "atr" / "video"))
from numbered import write_film  # noqa: E402

LENGTH, SIDE = 40, 64
SPOILT = 15  # a frame that four evenly spread ones of 40 hit: 5, 15, 25, 35
FAST_START = {"container_options": {"movflags": "faststart"}, "options": {"g": "10", "bf": "0"}}
ALL = ("whole", "cut", "half", "spot", "deep")


def write_damaged(folder: Path, names: tuple[str, ...] = ALL) -> Path:
    """Films of these kinds with true masks, and the annotations.json that lists them."""
    folder.mkdir()
    masks = np.zeros((LENGTH, SIDE, 2 * SIDE), np.uint8)
    masks[:, 8:40, 30:90] = 3
    np.savez_compressed(folder / "masks.npz", masks=masks)
    entries = []
    for index, name in enumerate(names):
        label = LABELS[index % len(LABELS)]
        entries.append({"id": name, "video": write(folder, name).name, "masks": "masks.npz", "label": label})
    annotations = {"labels": LABELS, "split": "val", "clips": entries}
    (folder / "annotations.json").write_text(json.dumps(annotations))
    return folder


def write(folder: Path, name: str) -> Path:
    size = {"height": SIDE, "width": 2 * SIDE}
    if name == "spot":
        path = write_film(folder / "spot.mov", LENGTH, "mjpeg", "yuvj420p", options={"b": "2000000"}, **size)
        with av.open(str(path)) as film:
            packet = [packet for packet in film.demux(video=0) if packet.size][SPOILT]
            start, end = packet.pos + packet.size // 3, packet.pos + packet.size
        content = bytearray(path.read_bytes())
        content[start:end] = np.random.default_rng(0).integers(0, 256, end - start, dtype=np.uint8).tobytes()
        path.write_bytes(content)
        return path
    pixel_format = "yuv420p10le" if name == "deep" else "yuv420p"
    path = write_film(folder / f"{name}.mp4", LENGTH, "libx264", pixel_format, **FAST_START, **size)
    kept = {"cut": 0.95, "half": 0.5}.get(name)
    if kept is not None:
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    return path
