"""What a training starts from."""

from pathlib import Path

from atr.checkpoint import CONFIG, load_checkpoint, read_config
from atr.convert import load_imagenet
from atr.models import VideoClassifier, copy_frame_network

PACKAGED = "efficientnet-lite0"
FILES = (".pth", ".safetensors")
TORCHVISION = "https://download.pytorch.org/models/resnet50-0676ba61.pth"


def require_start(init: Path) -> None:
    """Raises ValueError for what is neither a checkpoint folder, nor a file of weights, nor the packaged ones."""
    if str(init) == PACKAGED or (init / CONFIG).is_file() or (init.is_file() and init.suffix in FILES):
        return
    raise ValueError(
        f"init={str(init)!r} is no checkpoint folder and no file of torchvision's weights ({', '.join(FILES)}, such as "
        f"{TORCHVISION}); allowed besides these: {PACKAGED}, and None for fresh weights"
    )


def left_behind(init: Path | None) -> list[str]:
    """A line on what of a checkpoint a training does not start from, where somebody may expect it to."""
    if init is None or not (init / CONFIG).is_file() or not (block := read_config(init)["model"]["block"]):
        return []
    return [f"of {init} only the frame network is taken: its {block} blocks and its classifier begin anew"]


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
