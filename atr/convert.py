"""Weights from elsewhere: torchvision's ResNets, checkpoints of the TSM repository and of mmaction2.

Names are translated from ours to theirs, so a file is held against the whole list of keys it has to have: what is
missing and what is left over is an error, and so is a shift in another place than here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from atr.efficientnet import EfficientNetLite0, imagenet_weights
from atr.models import ModelConfig, VideoClassifier, build_model, load_backbone
from atr.options import require
from atr.resnet import DEPTHS
from atr.sampling import ASSUMED, WINDOW, Sampling
from atr.schema import counted
from atr.temporal import ShiftConv
from atr.weights import check_fit


@dataclass(frozen=True)
class Layout:
    """How a project names weights, and where it notes what weights cannot tell.

    Attributes:
        renames: pattern and replacement, one after the other, from our name of a weight to theirs.
        frames: for a family of networks ("tsm"), the pattern of T in a file's notes (`ForeignFile`).
        sampling: notes -> how the training drew frames, None where they do not tell.
        strange: pattern of settings in the notes that no network of this package has.
    """

    renames: tuple[tuple[str, str], ...]
    frames: dict[str, str] = field(default_factory=dict)
    sampling: Callable[[str], Sampling | None] = lambda notes: None
    strange: str | None = None


def tsm_sampling(notes: str) -> Sampling | None:
    """By the name that the TSM repository gives a run: TSM_kinetics_RGB_resnet50_…_segment8_e50_dense."""
    if not re.search(r"TSM_.*_segment\d+_e\d+", notes):
        return None
    return Sampling("dense") if "_dense" in notes else Sampling()


def mmaction2_sampling(notes: str) -> Sampling | None:
    """By the steps of its pipelines: SampleFrames(clip_len, frame_interval, num_clips), or DenseSampleFrames."""
    found = set()
    for step in re.findall(r"\b(?:Dense)?SampleFrames\b[^)}]*", notes):
        length, interval, reach = (
            int(number[1]) if (number := re.search(rf"['\"]?{name}['\"]?\s*[=:]\s*(\d+)", step)) else default
            for name, default in (("clip_len", 0), ("frame_interval", 1), ("sample_range", WINDOW))
        )
        if step.startswith("Dense"):
            found.add(Sampling("dense", reach))
        elif length:
            found.add(Sampling("dense", length * interval) if length > 1 else Sampling())
    return found.pop() if len(found) == 1 else None


LAYOUTS: dict[str, Layout] = {
    # torchvision/models/resnet.py: conv1.weight, layer1.0.downsample.0.weight, fc.weight
    "torchvision": Layout(renames=((r"^backbone\.", ""),)),
    # ops/models.py, ops/temporal_shift.py: base_model.layer1.0.conv1.net.weight, new_fc.weight. File names tell the
    # settings (test_models.py reads them too): TSM_kinetics_RGB_resnet50_shift8_blockres_avg_segment8_e50.pth
    "tsm": Layout(
        renames=((r"^backbone\.", "base_model."), (r"^fc\.", "new_fc.")),
        frames={"tsn": r"segment(\d+)", "tsm": r"segment(\d+)"},
        sampling=tsm_sampling,
        strange=r"shift(?!8_)\d+(?=_)",
    ),
    # mmaction/models/backbones/resnet.py, resnet_tsm.py, resnet3d_slowonly.py: a convolution and its normalisation
    # are one ConvModule: backbone.layer1.0.conv1.conv.weight, ….bn.weight, ….conv.net.weight, cls_head.fc_cls.weight
    "mmaction2": Layout(
        renames=(
            (r"\bconv(\d)\.", r"conv\1.conv."),
            (r"\bbn(\d)\.", r"conv\1.bn."),
            (r"\bdownsample\.0\.", "downsample.conv."),
            (r"\bdownsample\.1\.", "downsample.bn."),
            (r"^fc\.", "cls_head.fc_cls."),
        ),
        frames={"tsm": r"num_segments\s*=\s*(\d+)", "slowonly": r"clip_len\s*=\s*(\d+)"},
        sampling=mmaction2_sampling,
        # C2D has a ResNet's keys and pools over time; all else normalises as torchvision's weights want it.
        strange=r"shift_div\s*=\s*(?!8\b)\d+|shift_place\s*=\s*'block'|style\s*=\s*'caffe'"
        r"|temporal_pool\s*=\s*True|type\s*=\s*'C2D'|to_bgr\s*=\s*True|mean\s*=\s*\[(?!123\.675)[^]]*\]",
    ),
}


@dataclass(frozen=True)
class ForeignFile:
    """`weights` by their names in the file, without the "module." of data-parallel training; `notes`: the file's name
    and, where mmaction2 left it inside, the text of the training's configuration.
    """

    path: Path
    weights: dict[str, Tensor]
    notes: str

    def outputs_of(self, name: str) -> int:
        """Of a layer. Raises ValueError where its weight is a single number."""
        weight = self.weights[name]
        if not weight.ndim:
            raise ValueError(f"{self.path}: {name} is a single number, and no weight of a layer")
        return len(weight)


def read_foreign(path: Path) -> ForeignFile:
    """A file of torch.save, of which nothing but tensors and plain values is unpickled, or of safetensors.

    Kernels that span one frame come without their dimension of time: (C', C, 1, h, w) -> (C', C, h, w).

    Raises:
        ValueError: the file is damaged, holds Python objects, or is not a set of named tensors.
    """
    try:
        content = opened(path)
    except OSError:
        raise
    except Exception as error:  # a damaged file raises many kinds, an object in it UnpicklingError
        if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise ValueError(
                f"{path} holds Python objects ({found[1]}), which could run anything, so it is not opened; where it "
                "can be trusted, save its 'state_dict' alone"
            ) from error
        raise ValueError(f"{path} is not a readable file of torch.save or safetensors") from error
    meta = content.get("meta", {}) if isinstance(content, dict) else {}
    configuration = meta.get("cfg", meta.get("config", "")) if isinstance(meta, dict) else ""
    weights = content.get("state_dict", content) if isinstance(content, dict) else {}
    if (
        not isinstance(weights, dict)
        or not weights
        or not all(isinstance(n, str) and isinstance(w, Tensor) for n, w in weights.items())
    ):
        raise ValueError(f"{path} is not a set of named tensors, nor has it one as its 'state_dict'")
    if all(name.startswith("module.") for name in weights):
        weights = {name.removeprefix("module."): weight for name, weight in weights.items()}
    flat = {n: w.squeeze(2) if w.ndim == 5 and w.shape[2] == 1 else w for n, w in weights.items()}
    return ForeignFile(path, flat, f"{path.name}\n{configuration}")


def opened(path: Path) -> object:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def read_torchvision(path: Path) -> dict[str, Tensor]:
    """The weights of a torchvision ResNet, which are a `ResNet`'s by name, and `fc`. Raises ValueError for others."""
    file = read_foreign(path)
    layout_of(file, "torchvision")
    return file.weights


def load_imagenet(backbone: nn.Module, path: Path | None = None) -> None:
    """ImageNet's weights into a backbone, all of them; its ATR blocks keep theirs, `fc` is left aside.

    Args:
        path: torchvision's file for this ResNet (resnet50-0676ba61.pth, or the same as .safetensors); None for
            EfficientNet-Lite0, whose weights are a package's (`imagenet_weights`).

    Raises:
        ValueError: a weight is missing, left over or of another shape, or the file cannot be read as said.
        FileNotFoundError: there is no such file, or the package is not installed.
    """
    if isinstance(backbone, EfficientNetLite0) != (path is None):
        wanted = (
            "'efficientnet-lite0'"
            if isinstance(backbone, EfficientNetLite0)
            else "a file of torchvision's weights"
        )
        given = path or "efficientnet-lite0"
        raise ValueError(
            f"init={str(given)!r} is of another network: this {type(backbone).__name__} starts from {wanted}, from a "
            "checkpoint, or from fresh weights (None)"
        )
    weights = imagenet_weights() if path is None else read_torchvision(path)
    inner = {name: weight for name, weight in weights.items() if name not in ("fc.weight", "fc.bias")}
    load_backbone(backbone, inner, f"{path or 'the package'} into this {type(backbone).__name__}")


def convert(
    path: Path,
    *,
    labels: list[str],
    layout: str = "auto",
    num_frames: int | None = None,
    sampling: Sampling | None = None,
) -> tuple[VideoClassifier, str]:
    """The network that a foreign file holds, and the name of the file's layout; every key of the file is used.

    Family, depth, width and number of classes are read off the weights.

    Args:
        labels: one text per class, in the order of the file's logits.
        layout: one of LAYOUTS, or "auto": the one that has the file's first convolution.
        num_frames: T; may be None where the file notes it.
        sampling: how the training drew frames; `model.sampling` is what the file notes when None, ASSUMED where it does
            not.

    Raises:
        ValueError: the file is of no such layout, a key is missing or left over, labels, frames or sampling do not fit.
    """
    file = read_foreign(path)
    layout = layout_of(file, layout)
    refuse_strange(file, LAYOUTS[layout].strange)
    classifier = translated("fc.weight", layout)
    if classifier not in file.weights:
        raise ValueError(f"{path} has no classifier {classifier}")
    num_classes = file.outputs_of(classifier)
    if len(labels) != num_classes:
        classes = counted(num_classes, "class", "classes")
        raise ValueError(
            f"{counted(len(labels), 'label does', 'labels do')} not fit {path}, which has {classes}"
        )
    family = family_of(file)
    config = ModelConfig(
        f"{family}_resnet{depth_of(file)}",
        num_classes,
        frames_of(file, layout, family, num_frames),
        width=file.outputs_of(translated("backbone.conv1.weight", layout)) / 64,
    )
    model = build_model(config)
    own, theirs = model.state_dict(), names_in(layout, model)
    check_fit(
        {theirs[name]: weight for name, weight in own.items()}, file.weights, f"{path} as {config.name}"
    )
    model.load_state_dict(
        {n: file.weights[theirs[n]] for n in own if theirs[n] in file.weights}, strict=False
    )
    model.sampling = sampling_of(file, layout, sampling)
    model.sampling.require_room(config.num_frames)
    return model.eval(), layout


def translated(name: str, layout: str) -> str:
    """Our name of a weight -> its name in a file of this layout."""
    for pattern, replacement in LAYOUTS[layout].renames:
        name = re.sub(pattern, replacement, name)
    return name


def names_in(layout: str, model: VideoClassifier) -> dict[str, str]:
    """Our name of each weight of `model` -> its name in a file of this layout; a shifted convolution is a `net`."""
    shifted = {name for name, module in model.named_modules() if isinstance(module, ShiftConv)}
    names = {}
    for name in model.state_dict():
        owner, _, parameter = name.rpartition(".")
        names[name] = translated(f"{owner}.net.{parameter}" if owner in shifted else name, layout)
    return names


def layout_of(file: ForeignFile, layout: str) -> str:
    """The layout the file has. Raises ValueError where it is not the one asked for, or none."""
    stems = {name: translated("backbone.conv1.weight", name) for name in LAYOUTS}
    require("layout", layout, ("auto", *LAYOUTS))
    for name, stem in stems.items():
        if layout in (name, "auto") and stem in file.weights:
            return name
    wanted = ", ".join(f"{stem} ({name})" for name, stem in stems.items() if layout in (name, "auto"))
    raise ValueError(f"{file.path} has no {wanted}; its keys begin with {next(iter(file.weights))}")


def refuse_strange(file: ForeignFile, pattern: str | None) -> None:
    if pattern and (found := re.search(pattern, file.notes)):
        raise ValueError(f"{file.path} was trained with {found[0]}, which no network here has")


def family_of(file: ForeignFile) -> str:
    if any(".net." in name for name in file.weights):
        return "tsm"
    return "slowonly" if any(weight.ndim == 5 for weight in file.weights.values()) else "tsn"


def depth_of(file: ForeignFile) -> int:
    """18, 34, 50 or 101, by the numbers of blocks and whether they have a third convolution."""
    blocks = {found for name in file.weights for found in re.findall(r"layer([1-4])\.(\d+)\.", name)}
    counts = tuple(len({b for layer, b in blocks if layer == str(stage)}) for stage in range(1, 5))
    bottleneck = any(".conv3." in name for name in file.weights)
    for depth, expected in DEPTHS.items():
        if (counts, bottleneck) == (expected, depth >= 50):
            return depth
    allowed = ", ".join(map(str, DEPTHS))
    raise ValueError(
        f"{file.path} has {counts} blocks in its four layers; allowed: those of ResNet-{allowed}"
    )


def frames_of(file: ForeignFile, layout: str, family: str, num_frames: int | None) -> int:
    """T as given, held against what the file notes; TSN is not bound to one."""
    pattern = LAYOUTS[layout].frames.get(family)
    noted = sorted({int(found) for found in re.findall(pattern, file.notes)}) if pattern else []
    if num_frames is None and len(noted) == 1:
        return noted[0]
    if num_frames is None:
        raise ValueError(f"num_frames is needed: {file.path} notes {noted or 'none'}; --num-frames")
    if family != "tsn" and noted and num_frames not in noted:
        raise ValueError(f"num_frames={num_frames} is not what {file.path} notes: {noted}")
    return num_frames


def sampling_of(file: ForeignFile, layout: str, sampling: Sampling | None) -> Sampling:
    """The sampling as given, held against what the file notes."""
    noted = LAYOUTS[layout].sampling(file.notes)
    if sampling is not None and noted is not None and sampling != noted:
        raise ValueError(f"{sampling} is not what {file.path} notes: {noted}")
    return sampling or noted or ASSUMED
