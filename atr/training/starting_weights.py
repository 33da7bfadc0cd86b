"""What a training starts from."""

from pathlib import Path

from atr.checkpoint import CONFIG, load_checkpoint, read_config
from atr.convert import load_imagenet
from atr.models import VideoClassifier, copy_frame_network
from atr.preprocessing import Preprocessing

PACKAGED = "efficientnet-lite0"
FILES = (".pth", ".safetensors")
TORCHVISION = "https://download.pytorch.org/models/resnet50-0676ba61.pth"


def require_start(init: Path) -> None:
    """Raises ValueError for what is neither a checkpoint folder, nor a file of weights, nor the packaged ones."""
    if str(init) == PACKAGED or (init / CONFIG).is_file() or (init.is_file() and init.suffix in FILES):
        return
    raise ValueError(
        f"init={str(init)!r} is no checkpoint folder, such as python -m atr train writes, and no file of torchvision's "
        f"weights ({', '.join(FILES)}, such as {TORCHVISION}); allowed besides these: {PACKAGED}, and None for fresh weights"
    )


def left_behind(init: Path | None, preprocessing: Preprocessing) -> list[str]:
    """Lines on what of a checkpoint a training does not start from, where somebody may expect it to.

    preprocessing: of the training.
    """
    if init is None or not (init / CONFIG).is_file():
        return []
    config, lines = read_config(init), []
    if block := config["model"]["block"]:
        lines += [
            f"of {init} only the frame network is taken: its {block} blocks and its classifier begin anew"
        ]
    its = Preprocessing.from_dict(config["preprocessing"])
    for name in ("mean", "std", "fit"):
        if (there := getattr(its, name)) != (here := getattr(preprocessing, name)):
            lines += [f"{init} was trained with {name} {there}, this training has {here}"]
    return lines


def start_from(model: VideoClassifier, init: Path) -> None:
    """The weights that `init` stands for into the frame network of `model`; blocks and classifier keep theirs.

    Args:
        init: a checkpoint folder, a torchvision ResNet file, or "efficientnet-lite0", which comes in a package.

    Raises:
        ValueError: it is none of these, or does not fit the network.
    """
    require_start(init)
    if str(init) == PACKAGED:
        load_imagenet(model.backbone)
    elif (init / CONFIG).is_file():
        copy_frame_network(load_checkpoint(init), model)
    else:
        load_imagenet(model.backbone, init)
