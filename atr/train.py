"""One visible training loop. A run can be stopped at any time and goes on after its last whole epoch."""

import dataclasses
import json
import platform
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from tqdm import tqdm

from atr.augment import Augmentation, augment
from atr.checkpoint import load_checkpoint, save_checkpoint
from atr.data import TabletopClips
from atr.evaluate import class_scores
from atr.models import ModelConfig, VideoClassifier, build_model, copy_frame_network
from atr.optimisation import derived_seed, one_cycle, parameter_groups
from atr.training_state import load_state, save_state
from atr.transforms import Preprocessing, normalised, to_unit


@dataclass(frozen=True)
class TrainConfig:
    """A training run on the demo set.

    Attributes:
        model: the network.
        init: a checkpoint folder whose frame network this one starts from (its blocks and classifier do not come
            along); None for fresh weights.
        size: side of the rendered frames in pixels.
        train_clips, dev_clips, val_clips: rendered clips, all of different seeds; `dev_clips` are looked at after
            every epoch, `val_clips` once, at the end.
        still_epochs: epochs of warm-up of the frame network on still images before the clips, with the image-level
            target "which kinds of objects are in the picture" (no positions, no masks, no hand).
        epochs, batch_size: of clips; the batch is the total over all processes.
        learning_rate: peak of the one-cycle schedule; ARL's is `arl_learning_rate` times that.
        mixed_precision: "no" | "bf16" | "fp16".
        workers: processes that render the cache.
    """

    model: ModelConfig
    init: Path | None = None
    size: int = 96
    train_clips: int = 10_000
    dev_clips: int = 500
    val_clips: int = 2_000
    still_epochs: int = 0
    epochs: int = 8
    batch_size: int = 16
    learning_rate: float = 2e-3
    arl_learning_rate: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    gradient_clip: float = 5.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    mixed_precision: Literal["no", "bf16", "fp16"] = "bf16"
    seed: int = 0
    workers: int = 2

    def groups(self, model: nn.Module) -> list[dict]:
        return parameter_groups(
            model,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            arl_learning_rate=self.arl_learning_rate,
        )


def train(config: TrainConfig, out: Path, cache: Path) -> dict:
    """Train, evaluate, write the checkpoint folder `out`; returns its metrics.

    Log (JSON lines) and the state a later call continues from lie beside it in `.{name}.training`.

    Raises:
        ValueError: the state found there belongs to another configuration, or there is less than a batch to train on.
    """
    # Without an accelerator the processes of torchrun find each other only when told to use the CPU.
    accelerator = Accelerator(
        cpu=not torch.accelerator.is_available(), mixed_precision=config.mixed_precision
    )
    workspace = out.parent / f".{out.name}.training"
    workspace.mkdir(parents=True, exist_ok=True)

    def clips(split: str, num_clips: int) -> TabletopClips:
        with accelerator.main_process_first():
            return TabletopClips(
                split,
                num_clips,
                num_frames=config.model.num_frames,
                size=config.size,
                cache=cache,
                workers=config.workers,
            )

    data, dev, val = (clips(s, getattr(config, f"{s}_clips")) for s in ("train", "dev", "val"))
    preprocessing = Preprocessing(short_side=config.size, crop=config.size)
    per_process = max(config.batch_size // accelerator.num_processes, 1)
    smallest = config.batch_size * (
        config.model.num_frames if config.still_epochs else 1
    )  # stills are a frame each
    if len(data) < smallest:
        raise ValueError(f"train_clips={len(data)} is less than a batch; allowed: {smallest} or more")

    torch.manual_seed(config.seed)
    model = build_model(config.model)
    run = Run(config, accelerator, data, preprocessing, workspace / "log.jsonl")
    state_file = workspace / "state.pt"
    if not state_file.exists():
        if config.init:
            copy_frame_network(load_checkpoint(config.init), model)
        if config.still_epochs:
            warm_up(model, run, config.still_epochs, per_process * config.model.num_frames)

    order = torch.Generator()
    loader = DataLoader(data, per_process, shuffle=True, generator=order, drop_last=True)
    optimizer = torch.optim.AdamW(config.groups(model))
    steps = config.epochs * (len(data) // (per_process * accelerator.num_processes))
    schedule = one_cycle(optimizer, steps)
    # Stepped once a batch of all processes, so the schedule is not accelerate's to multiply.
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    model.to(memory_format=torch.channels_last)
    dev_loader = accelerator.prepare(DataLoader(dev, 2 * per_process))
    val_loader = accelerator.prepare(DataLoader(val, 2 * per_process))

    first, seconds = 0, 0.0
    if state_file.exists():
        first, seconds, run.history = load_state(
            state_file, settings_of(config), accelerator.unwrap_model(model), optimizer, schedule
        )
    for epoch in range(first, config.epochs):
        started = time.monotonic()
        order.manual_seed(derived_seed(config.seed, epoch))
        torch.manual_seed(derived_seed(config.seed, epoch, accelerator.process_index))  # dropout
        draws = torch.Generator().manual_seed(
            derived_seed(config.seed, epoch, accelerator.process_index + 1000)
        )
        model.train()
        total, right, count = 0.0, 0, 0
        bar = run.bar(loader, f"epoch {epoch + 1}/{config.epochs}")
        for frames, labels, _ in bar:
            frames, labels = augment(to_unit(frames), labels, data.symmetry, config.augmentation, draws)
            with accelerator.autocast():
                logits = model(normalised(frames, preprocessing))
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=config.label_smoothing)
            run.step(loss, model, optimizer, schedule)
            total += loss.item() * len(labels)
            right += int((logits.argmax(1) == labels).sum())
            count += len(labels)
            bar.set_postfix(loss=f"{total / count:.3f}", top1=f"{100 * right / count:.1f}")
        scores = class_scores(model, dev_loader, preprocessing, accelerator)
        seconds += time.monotonic() - started
        run.log(
            phase="clips",
            epoch=epoch + 1,
            loss=total / count,
            train_top1=right / count,
            dev_top1=scores.top(1),
            dev_pairs=scores.within_pairs(data.symmetry.reversed),
            seconds=seconds,
        )
        if accelerator.is_main_process:
            network = accelerator.unwrap_model(model)
            progress = (epoch + 1, seconds, run.history)
            save_state(state_file, settings_of(config), progress, network, optimizer, schedule)

    scores = class_scores(model, val_loader, preprocessing, accelerator)
    metrics = {
        "protocol": "1x1",
        "data": val.description,
        "top1": scores.top(1),
        "top5": scores.top(5),
        "within_pairs": scores.within_pairs(data.symmetry.reversed),
    }
    if accelerator.is_main_process:
        save_checkpoint(
            out,
            accelerator.unwrap_model(model),
            labels=data.labels,
            preprocessing=preprocessing,
            training_data=data.description,
            metrics=metrics,
            training=json.loads(settings_of(config)),
            history=run.history,
            command=command_line(),
            environment={
                "torch": torch.__version__,
                "machine": platform.machine(),
                "training_seconds": round(seconds),
            },
        )
    accelerator.wait_for_everyone()
    return metrics


@dataclass
class Run:
    """What both phases of a training share: one optimisation step, the progress bar, the log."""

    config: TrainConfig
    accelerator: Accelerator
    data: TabletopClips
    preprocessing: Preprocessing
    log_file: Path
    history: list[dict] = field(default_factory=list)

    def step(self, loss, model, optimizer, schedule) -> None:
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(model.parameters(), self.config.gradient_clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()

    def bar(self, loader: DataLoader, name: str) -> tqdm:
        return tqdm(loader, desc=name, unit="batch", disable=not self.accelerator.is_main_process)

    def log(self, **entry) -> None:
        self.history.append(entry)
        if self.accelerator.is_main_process:
            self.log_file.write_text("".join(json.dumps(e) + "\n" for e in self.history))
            tqdm.write(
                "  ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items())
            )


def warm_up(model: VideoClassifier, run: Run, epochs: int, batch_size: int) -> None:
    """Train the frame network on single frames: which kinds of objects are in the picture (image-level, no masks).

    The blocks take no part: a network without them is trained, and its weights are copied into `model`.
    """
    config, accelerator, data = run.config, run.accelerator, run.data
    objects = data.objects.to(accelerator.device)
    stills = build_model(
        dataclasses.replace(config.model, block=None, num_frames=1, num_classes=objects.shape[1], dropout=0.0)
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(config.groups(stills))
    loader = DataLoader(
        data, batch_size, shuffle=True, drop_last=True, generator=torch.Generator().manual_seed(1)
    )
    steps = epochs * (len(data) // (batch_size * accelerator.num_processes))
    schedule = one_cycle(optimizer, steps)
    stills, optimizer, loader = accelerator.prepare(stills, optimizer, loader)
    draws = torch.Generator().manual_seed(derived_seed(config.seed, -1, accelerator.process_index))
    for epoch in range(epochs):
        started, total, count = time.monotonic(), 0.0, 0
        for frames, labels, indices in run.bar(loader, f"stills {epoch + 1}/{epochs}"):
            chosen = torch.randint(0, frames.shape[1], (len(frames),), generator=draws)
            frames = frames[torch.arange(len(frames)), chosen.to(frames.device)][:, None]
            frames, _ = augment(to_unit(frames), labels, data.symmetry, config.augmentation, draws)
            with accelerator.autocast():
                logits = stills(normalised(frames, run.preprocessing))
            loss = F.binary_cross_entropy_with_logits(logits.float(), objects[indices])
            run.step(loss, stills, optimizer, schedule)
            total, count = total + loss.item() * len(labels), count + len(labels)
        run.log(phase="stills", epoch=epoch + 1, loss=total / count, seconds=time.monotonic() - started)
    copy_frame_network(accelerator.unwrap_model(stills), model)


def settings_of(config: TrainConfig) -> str:
    """The configuration as JSON: what a resumed run is compared by, and what the checkpoint tells."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True, default=str)


def command_line() -> str:
    """The command that is running, as a person would type it."""
    return "python -m atr " + shlex.join(sys.argv[1:])
