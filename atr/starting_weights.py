"""What a training starts from."""

from pathlib import Path

from atr.checkpoint import CONFIG, load_checkpoint
from atr.convert import load_imagenet
from atr.models import VideoClassifier, copy_frame_network

PACKAGED = "efficientnet-lite0"
FILES = (".pth", ".safetensors")


def start_from(model: VideoClassifier, init: Path) -> None:
    """The weights that `init` stands for into the frame network of `model`; blocks and classifier keep theirs.

    Args:
        init: a checkpoint folder, a torchvision ResNet file, or "efficientnet-lite0", which comes in a package.

    Raises:
        ValueError: it is none of these, or does not fit the network.
    """
    if str(init) == PACKAGED:
        load_imagenet(model.backbone)
    elif (init / CONFIG).is_file():
        copy_frame_network(load_checkpoint(init), model)
    elif init.is_file() and init.suffix in FILES:
        load_imagenet(model.backbone, init)
    else:
        raise ValueError(
            f"init={str(init)!r} is no checkpoint folder and no file of torchvision's weights ({', '.join(FILES)}); "
            f"allowed besides these: {PACKAGED}, and None for fresh weights"
        )
