"""What does a GPU make of it? One command, within six minutes on one card.

    python -m benchmarks.gpu

Ratios of one run: blocks over the network without them, the recorded forward over the bare one, the network of inference
over the plain one, mixed precision over float32 in training, with clips a second and peak memory beside them; how far maps
on the GPU are from those on the CPU; how far a training that was killed and resumed ends from one that was not. Where no
GPU is found it says what it leaves out; `--device cpu` measures there what does not need one. Prints tables and writes one
JSON file with the name of the card.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
from safetensors.torch import load_file

import atr
from atr.results.processes import device_name
from atr.training.state import STATE, workspace_of
from atr.video.transforms import normalise
from benchmarks.command import start
from benchmarks.inspection import recorded
from benchmarks.measuring import medians_in_turn, processor, write_found
from benchmarks.optimised import compared

PARTS = ("forward", "training", "maps", "resumed")
NETWORKS = {"bare": {}, "ATR_sim": {"block": "atr_sim"}, "ATR": {"block": "atr"}}
WARM_UP = 3  # rounds that do not count: kernels are chosen and memory is taken in them


@dataclass(frozen=True)
class Options:
    device: str | None = None
    """what to measure on; the GPU when not given"""
    parts: tuple[Literal[PARTS], ...] = PARTS
    """what to measure; the others stay in the file as they were, if they are of the same device and network"""
    backbone: str = "tsm_resnet50"
    size: int = 224
    batches: tuple[int, ...] = (1, 32)
    """clips in a forward pass"""
    train_batch: int = 32
    repeats: int = 7
    checkpoint: Path = Path("assets/checkpoints/tabletop-atr")
    """whose maps are compared"""
    data: str = "assets/clips"
    """the clips they are compared on"""
    resumed: tuple[str, ...] = ("no", "bf16", "fp16")
    """precisions of the trainings that are killed"""
    out: Path = Path("results/gpu.json")


def main(options: Options) -> None:
    if options.device is None and not torch.accelerator.is_available():
        raise ValueError(
            "no GPU is found; allowed: --device cpu, which measures forward, training and resumption here"
        )
    device = torch.device(options.device or torch.accelerator.current_accelerator())
    facts = {
        "device": processor() if device.type == "cpu" else device_name(device),
        "torch": torch.__version__,
        "TF32": tf32(),
        "network": f"{options.backbone}, 8 x {options.size} x {options.size}",
    }
    precisions = options.resumed
    if device.type == "cpu" and "fp16" in precisions:
        print("resumption in fp16: left out, it is for GPUs")
        precisions = tuple(precision for precision in precisions if precision != "fp16")
    before = json.loads(options.out.read_text()) if options.out.exists() else facts
    if other := [f"{key} {before.get(key)!r}" for key in facts if before.get(key) != facts[key]]:
        raise ValueError(
            f"{options.out} was made otherwise ({', '.join(other)}); remove it, or give another --out"
        )
    written: dict = before | facts
    parts = {
        "forward": lambda: [row for batch in options.batches for row in forward(options, device, batch)],
        "training": lambda: [
            row for precision in ("no", "bf16") for row in training(options, device, precision)
        ],
        "maps": lambda: [maps(options, device)],
        "resumed": lambda: [resumed(precision, device) for precision in precisions],
    }
    for name in options.parts:
        if name == "maps" and device.type == "cpu":
            print("maps: left out, there is no GPU to compare the CPU with")
            continue
        start = time.perf_counter()
        written[name] = parts[name]()
        print(f"\n{name}, {time.perf_counter() - start:.0f} s, on {written['device']}")
        print(
            pd.DataFrame(written[name]).to_string(index=False, float_format=lambda value: f"{value:.4g}"),
            flush=True,
        )
        write_found(written, options.out)  # after every part: a run cut short is not lost


def tf32() -> str:
    """What torch computes float32 in it, as it is set."""
    used = {
        "convolutions": torch.backends.cudnn.allow_tf32,
        "products": torch.backends.cuda.matmul.allow_tf32,
    }
    return ", ".join(name for name, is_used in used.items() if is_used) or "nothing"


def forward(options: Options, device: torch.device, batch: int) -> list[dict]:
    """A row a way to run each network: milliseconds, clips/s, over the bare network, over its plain float32 pass."""
    clips = torch.randn(batch, 8, 3, options.size, options.size, device=device)
    works: dict[tuple[str, str], Callable[[], object]] = {}
    for name, block in NETWORKS.items():
        model = atr.create_model(options.backbone, 174, 8, **block).eval().to(device)
        works[name, "float32"] = lambda m=model: m(clips)
        if name == "ATR":
            works[name, "float32, recorded"] = lambda m=model: recorded(m, clips)
        for precision in ("float32", "bf16"):
            fast = atr.optimised(model, precision=precision)
            works[name, f"optimised, {precision}"] = lambda m=fast: m(clips)
    with torch.inference_mode():
        seconds = medians_in_turn(works, options.repeats, clock_of(device), WARM_UP)
    return [
        {
            "clips": batch,
            "network": name,
            "kind": kind,
            "ms": 1e3 * value,
            "clips/s": batch / value,
            "over plain": value / seconds[name, "float32"],
            "over bare": value / seconds["bare", kind] if ("bare", kind) in seconds else None,
        }
        for (name, kind), value in seconds.items()
    ]


def training(options: Options, device: torch.device, precision: str) -> list[dict]:
    """A row a network: milliseconds of a step, clips/s, over the bare network, peak memory in GB."""
    frames = torch.randint(0, 256, (options.train_batch, 8, options.size, options.size, 3), dtype=torch.uint8)
    targets = torch.randint(0, 174, (options.train_batch,), device=device)
    rows: list[dict] = []
    for name, block in NETWORKS.items():
        model = atr.create_model(options.backbone, 174, 8, **block).to(device)
        optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)

        def step(model=model, optimizer=optimizer) -> None:
            clips = normalise(frames.to(device, non_blocking=True), model.preprocessing)
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                logits = model(clips)
            torch.nn.functional.cross_entropy(logits.float(), targets).backward()
            optimizer.step()
            optimizer.zero_grad()

        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        seconds = medians_in_turn({name: step}, options.repeats, clock_of(device), WARM_UP)[name]
        peak = torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else None
        over = seconds / (rows[0]["ms"] / 1e3) if rows else 1.0
        found = {
            "ms": 1e3 * seconds,
            "clips/s": options.train_batch / seconds,
            "over bare": over,
            "peak, GB": peak,
        }
        rows.append({"precision": precision, "network": name, **found})
    return rows


def clock_of(device: torch.device) -> Callable[[], float]:
    """Seconds, when the device has done what it was given."""

    def clock() -> float:
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return time.perf_counter()

    return clock


def maps(options: Options, device: torch.device) -> dict:
    """A shipped checkpoint on the GPU against the same on the CPU."""
    model, there = (atr.load_checkpoint(options.checkpoint) for _ in range(2))
    return {"checkpoint": options.checkpoint.name, **compared(model, there.to(device), options.data)}


def resumed(precision: str, device: torch.device) -> dict:
    """A short training killed at its first state and resumed, against one that was not: the weights' largest distance.

    Over the largest weight of each tensor. Two whole trainings are compared too: what they differ by is not due to the
    resumption.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole, again, killed = (Path(folder) / name for name in ("whole", "again", "killed"))
        environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if device.type == "cpu" else {})
        for out in (whole, again):
            subprocess.run(command(out, precision), check=True, stdout=subprocess.DEVNULL, env=environment)
        state = workspace_of(killed) / STATE
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command(killed, precision), env=environment, **silent) as process:
            while process.poll() is None and not state.exists():
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        was_killed = not killed.exists()
        if was_killed:
            subprocess.run(command(killed, precision), check=True, stdout=subprocess.DEVNULL, env=environment)
        return {
            "mixed precision": precision,
            "killed in time": was_killed,
            "resumed against whole": distance(killed, whole),
            "whole against whole": distance(again, whole),
        }


def command(out: Path, precision: str) -> list[str]:
    """Three epochs of the demo set's ATR on 256 clips."""
    few = [
        "--train-clips",
        "256",
        "--dev-clips",
        "40",
        "--val-clips",
        "40",
        "--epochs",
        "3",
        "--save-every",
        "0",
    ]
    words = ["train", "--preset", "tabletop-atr", "--out", str(out), "--mixed-precision", precision, *few]
    return [sys.executable, "-m", "atr", *words]


def distance(one: Path, other: Path) -> float:
    a, b = (load_file(folder / "model.safetensors") for folder in (one, other))
    return max(
        float((a[name].float() - b[name].float()).abs().max() / a[name].float().abs().max().clamp(min=1e-12))
        for name in a
    )


if __name__ == "__main__":
    start(main, Options, __doc__)
