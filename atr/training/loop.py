"""One visible training loop. A run can be stopped at any time and ends as if it had not been."""

import dataclasses
import json
import platform
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, is_initialized
from torch import nn

from atr.checkpoint import CONFUSIONS, require_free, save_checkpoint
from atr.data.clips import ClipDataset
from atr.data.names import TABLETOP
from atr.files import folder_to_write, whole_file
from atr.inference import computes_in_bf16
from atr.locks import held
from atr.models import VideoClassifier, build_model, copy_frame_network
from atr.results.evaluate import class_scores
from atr.results.fig5 import fig5_of_blocks
from atr.results.health import Vitals, health_numbers, watch
from atr.results.processes import device_name, process_state, require_alike, whole_float32
from atr.results.scores import confusion_table, most_confused
from atr.schema import parse_json
from atr.training.clips import TrainingClips, TrainingStills, opening_lines, training_splits
from atr.training.config import (
    TrainConfig,
    fitted,
    identity_of,
    require_network,
    require_own,
    run_facts,
    settings_of,
)
from atr.training.log import WRITTEN_EVERY, TrainingLog
from atr.training.optimisation import (
    build_optimizer,
    build_schedule,
    channels_last,
    derived_seed,
    freeze,
    narrow,
    training_mode,
)
from atr.training.run import CLIPS, STILLS, Phase, Run, class_objective, object_objective
from atr.training.sampler import share_of
from atr.training.scaling import compiled, require_scalable
from atr.training.starting_weights import left_behind, start_from
from atr.training.state import STATE, TrainingState, workspace_of
from atr.video.transforms import normalise

HEALTH_BATCHES = 4  # of the dev clips, whose forward passes the blocks are watched in


def train(config: TrainConfig, out: Path, cache: Path, command: str | None = None) -> dict:
    """Train, evaluate, write the checkpoint folder `out`, with the classes' confusions in it; returns its metrics.

    Logs and the state that a later call goes on from lie beside it in `.{name}.training`. A run that was killed, at any
    moment, ends with the weights it would have ended with; on a CPU, with as many threads and as many processes, one or two,
    to the last bit.

    Raises:
        ValueError: the state or the checkpoint found there is of another configuration, a setting is not possible, here
            or at all, or does not fit the data, or clips are faulty.
    """
    found = require_free(out)
    folder_to_write(out.resolve().parent)  # before clips are rendered or read
    if not (workspace_of(out) / STATE).exists():  # else it tells whether it is of this training
        require_own(out, found, config)
    device = process_state().device
    if config.mixed_precision == "fp16" and device.type == "cpu":  # where accelerate would train in float32
        raise ValueError("mixed_precision='fp16' is for GPUs; allowed on a CPU: no, bf16")
    if is_initialized() and (first := AcceleratorState().mixed_precision) != config.mixed_precision:
        raise ValueError(
            f"mixed_precision={config.mixed_precision!r} is not possible in this process, which has computed in {first!r}; "
            f"allowed: {first!r}, or a process of its own"
        )
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision=config.mixed_precision,
        gradient_accumulation_steps=config.accumulation,
    )
    require_scalable(config.sync_bn, config.compile, accelerator)
    share_of(config.batch_size, accelerator.num_processes, config.accumulation)
    require_network(config)
    data, dev, val = training_splits(
        config.data,
        {split: getattr(config, f"{split}_clips") for split in ("train", "dev", "val")},
        num_frames=config.model.num_frames,
        preprocessing=config.preprocessing,
        cache=cache,
        workers=config.workers,
        leave_out=config.leave_out_faulty,
        follow_outside=config.follow_outside,
        train_split=config.train_split,
        state=accelerator.state,
    )
    network = fitted(config, data)
    for fact in (settings_of(config), json.dumps(command)):
        parse_json(fact)  # as it is read from a checkpoint
    if accelerator.is_main_process:
        told = [
            *left_behind(config.init, config.preprocessing),
            *opening_lines(config.augmentation, data, val),
        ]
        told += precision_lines(config.mixed_precision, accelerator.device)
        print(*told, sep="\n", file=sys.stderr)
    workspace = workspace_of(out)
    busy = f"another program is training {out}; wait for it, or give another --out"
    alone = held(workspace, busy=busy, refused=f"{out} cannot be written")
    with alone if accelerator.is_main_process else nullcontext():
        accelerator.wait_for_everyone()
        state = TrainingState(workspace / STATE, identity_of(config, data), config.save_every)
        require_alike(accelerator.state, str(state.progress), str(workspace))
        facts = run_facts(config, accelerator.num_processes, data, val)
        torch.manual_seed(config.seed)
        model = build_model(network)
        with TrainingLog(workspace, facts, accelerator.device, main=accelerator.is_main_process) as log:
            run = Run(config, accelerator, data, state, log)
            model = learn_clips(model, run, dev)
        return judge(model, run, val, facts, out, command)


def learn_clips(model: VideoClassifier, run: Run, dev: ClipDataset) -> nn.Module:
    """All epochs that are left, before them what the network starts from. Returns the model as prepared."""
    config = run.config
    if run.state.progress.phase != CLIPS:
        if config.init:
            start_from(model, config.init)
        if config.still_epochs:
            learn_objects(model, run)
    freeze(model, config.freeze, config.partial_bn)

    dev_loader = run.evaluation(dev)

    def on_dev_clips(model: nn.Module) -> dict:
        with watch(model, HEALTH_BATCHES) as vitals:
            scores = class_scores(model, dev_loader, config.preprocessing, run.accelerator)
        accuracy = {"dev_top1": scores.top(1), **run.within_pairs(scores, "dev_pairs")}
        return {**accuracy, **health_of(vitals)}

    shown = (config.epochs, config.batch_size, TrainingClips)
    return fit(model, run, Phase(CLIPS, *shown, class_objective, "train_top1", on_dev_clips))


def precision_lines(mixed_precision: str, device: torch.device, *, has_fp16: bool = True) -> list[str]:
    """A warning where bfloat16 is wanted of a processor that has no instructions for it.

    has_fp16: whether the command that is asked for another precision takes fp16.
    """
    known = device.type == "cuda" or (device.type == "cpu" and platform.machine() in ("x86_64", "AMD64"))
    if mixed_precision != "bf16" or not known or computes_in_bf16(device):
        return []
    faster = "fp16" if device.type == "cuda" and has_fp16 else "no"
    return [
        "warning: bfloat16 is emulated here, which can take ten times as long as float32; faster on this processor: "
        f"--mixed-precision {faster}"
    ]


def health_of(vitals: Vitals) -> dict[str, list[dict]]:
    """For the history: "blocks", an entry of each, to four digits; of this process's share of the clips."""
    entries = health_numbers(vitals.values(), vitals.cells)
    rounded = [
        {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in entry.items()}
        for entry in entries
    ]
    return {"blocks": rounded} if rounded else {}


def fit(model: nn.Module, run: Run, phase: Phase) -> nn.Module:
    """The loop: the epochs of one phase, from where the run's state stands. Returns the model as prepared."""
    config, accelerator, state, log = run.config, run.accelerator, run.state, run.log
    per_epoch, parts = len(run.data) // phase.batch_size, config.accumulation
    pinned = (
        accelerator.device.type == "cuda"
    )  # from other memory a copy that nobody waits for may come too late
    channels_last(model)
    if config.sync_bn and accelerator.num_processes > 1:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    optimizer = build_optimizer(config.optimizer, config.groups(model), config.momentum)
    schedule = build_schedule(
        config.schedule,
        optimizer,
        epochs=phase.epochs,
        per_epoch=per_epoch,
        decay_epochs=config.decay_epochs if phase.name == CLIPS else (),
        warm_up_epochs=config.warm_up_epochs if phase.name == CLIPS else 0.0,
    )
    # Not accelerate's to change: the loader, whose sampler gives each process its share, and the schedule, which is
    # stepped once a batch of all processes.
    model, optimizer = accelerator.prepare(model, optimizer)
    # What is compiled has no hooks, so the blocks are looked at in the network itself.
    forward = compiled(model) if config.compile else model
    learnt = (accelerator.unwrap_model(model), optimizer, schedule, accelerator.scaler)
    mean_over_processes = partial(accelerator.reduce, reduction="mean")
    progress = state.begin(phase.name, *learnt)
    if progress.epoch < phase.epochs:
        progress.device = device_name(accelerator.device)
    log.begin(phase.name, progress.epoch * per_epoch + progress.batch)

    is_narrow = narrow(model)
    for epoch in range(progress.epoch, phase.epochs):
        loader, start = run.batches(phase, epoch, progress.batch), progress.batch * parts
        bar = log.batches(
            loader,
            f"{phase.name} {epoch + 1}/{phase.epochs}",
            clips=phase.batch_size // parts,
            left=len(loader) + (phase.epochs - epoch - 1) * per_epoch * parts,
        )
        training_mode(model)
        seen = torch.zeros(2, device=accelerator.device)
        for part, (frames, targets, _) in enumerate(bar, start):
            torch.manual_seed(
                derived_seed(*run.key(phase, epoch), part, accelerator.process_index)
            )  # dropout
            frames, targets = (each.to(accelerator.device, non_blocking=pinned) for each in (frames, targets))
            with accelerator.accumulate(model):
                with accelerator.autocast():
                    clips = normalise(frames, config.preprocessing)  # a view with the channels last
                    logits = forward(clips.contiguous() if is_narrow else clips)
                loss, hit = phase.objective(logits.float(), targets, config.label_smoothing)
                accelerator.backward(loss)  # a part of a batch counts as its share
                seen += torch.stack([loss.detach(), hit]) / parts
                if accelerator.sync_gradients:
                    norm = accelerator.clip_grad_norm_(model.parameters(), config.gradient_clip)
                optimizer.step()  # both wait for a batch's last part
                optimizer.zero_grad()
            if not accelerator.sync_gradients:
                continue
            rate = optimizer.param_groups[0]["lr"]
            schedule.step()
            progress.add(seen)
            seen = torch.zeros_like(seen)
            number = epoch * per_epoch + progress.batch
            # To read the losses is to wait for the device, and for the other processes, which have to do it at the same
            # step: one alone may do so whenever its state is to be saved.
            if number % WRITTEN_EVERY == 0 or (state.due and accelerator.num_processes == 1):
                progress.read(mean_over_processes)
            if log.shows(number):
                mean_loss, mean_hit = progress.means()
                values = {"loss": mean_loss, phase.hit: mean_hit, "learning_rate": rate}
                log.step(number, {**values, "gradient_norm": float(norm)})
            if state.due and progress.is_read and accelerator.is_main_process:
                state.save(*learnt)
        progress.read(mean_over_processes)
        mean_loss, mean_hit = progress.means()
        looked = phase.look(model)
        progress.end_epoch(
            phase=phase.name, epoch=epoch + 1, loss=mean_loss, **{phase.hit: mean_hit}, **looked
        )
        log.epoch(progress.history, (epoch + 1) * per_epoch)
        if accelerator.is_main_process:
            state.save(*learnt)
    return model


def learn_objects(model: VideoClassifier, run: Run) -> None:
    """Train the frame network on single frames: which kinds of objects are in the picture (image-level, no masks).

    The blocks take no part: a network without them is trained, and its weights are copied into `model`.
    """
    config, kinds = run.config, run.data.objects.shape[1]
    stills = dataclasses.replace(model.config, block=None, num_frames=1, num_classes=kinds, dropout=0.0)
    shown = (config.still_epochs, config.batch_size * config.model.num_frames, TrainingStills)
    phase = Phase(STILLS, *shown, object_objective, "train_objects", lambda _: {})
    learnt = fit(build_model(stills), run, phase)
    copy_frame_network(run.accelerator.unwrap_model(learnt), model)
    run.accelerator.free_memory()  # which else keeps that network and its optimiser for the rest of the training


def judge(model: nn.Module, run: Run, val: ClipDataset, facts: dict, out: Path, command: str | None) -> dict:
    """Score the clips of the validation split, write the checkpoint folder; returns the metrics."""
    config, accelerator, data = run.config, run.accelerator, run.data
    scores = class_scores(model, run.evaluation(val), config.preprocessing, accelerator)
    confusion = scores.confusion()
    metrics = {
        "protocol": "1x1",
        "data": val.description,
        "top1": scores.top(1),
        "top5": scores.top(5),
        **run.within_pairs(scores, "within_pairs"),
    }
    if accelerator.is_main_process:
        # Without the mixed precision: maps are judged in float32, as by `analysis localize`.
        network = accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        shown: dict[str, object] = {}
        with whole_float32():
            fig5 = fig5_of_blocks(network.eval(), config.preprocessing) if config.data == TABLETOP else {}
        if fig5:
            shown = {"fig5": fig5, "shown_block": max(fig5, key=fig5.__getitem__)}
        save_checkpoint(
            out,
            network,
            labels=data.labels,
            preprocessing=config.preprocessing,
            training_data=data.description,
            metrics=metrics,
            most_confused=most_confused(confusion, data.labels, 10),
            training=json.loads(settings_of(config)),
            run=facts,
            **shown,
            history=run.state.progress.history,
            command=command,
            **data.sampling.facts(),
            environment={
                "torch": torch.__version__,
                "machine": platform.machine(),
                "device": run.state.progress.device,
                "training_seconds": round(run.state.progress.seconds),
            },
        )
        with whole_file(out / CONFUSIONS) as unfinished:
            confusion_table(confusion, data.labels).to_csv(unfinished)
        for pair in most_confused(confusion, data.labels, 5):
            print("{clips} of the {of} clips of {true!r} are taken for {predicted!r}".format(**pair))
    accelerator.wait_for_everyone()
    return metrics
