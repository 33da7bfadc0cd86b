"""python -m atr describe: a network by its blocks, its parameters and its MACs."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

import tyro

from atr.block import ATRConfig
from atr.describe import as_text, describe
from atr.models import ModelConfig
from atr.options import require_between
from atr.preprocessing import MOST_SIDE

OF_ARL = ("reduction", "use_appearance", "use_motion", "motion", "arl_bn", "distribution")
OF_ER = ("k", "er_kernel", "er_transform", "er_init")
# What another choice must be for an option to change the network.
NEEDED = {
    **dict.fromkeys(OF_ARL, ("block", "atr")),
    **dict.fromkeys(OF_ER, ("reasoner", "er")),
    "scale": ("reasoner", "gr"),
}


@dataclass(frozen=True)
class Describe:
    """Print a network's blocks by their paper names, its parameters and its MACs for one clip."""

    name: Annotated[str, tyro.conf.Positional]
    """{tsn,tsm,trn,slowonly}_resnet{18,34,50,101} or {tsn,tsm,trn}_efficientnet_lite0"""
    block: Literal["atr", "atr_sim"] | None = None
    placement: str | tuple[str, ...] = "S3-5"
    """S5-3, S5, S4-5, S3-5, S2-5, or names of blocks"""
    num_classes: int = 174
    """1 to 100,000"""
    num_frames: int = 8
    """1 to 1,024"""
    width: float = 1.0
    """scales every channel count of the backbone; 1/64 to 8"""
    stem: Literal["imagenet", "small"] = "imagenet"
    size: int = 224
    """side of the frames in pixels, 1 to 8,192"""
    atr: ATRConfig = field(default_factory=ATRConfig)

    def run(self, command: str) -> int:
        asked = [name for name, value in asdict(self.atr).items() if value != getattr(ATRConfig(), name)]
        if asked and self.block is None:
            raise ValueError(
                f"{asked[0]} is of blocks, and there are none; allowed: with --block atr or atr_sim"
            )
        chosen = {"block": self.block, "reasoner": self.atr.reasoner}
        for name in asked:
            choice, needed = NEEDED.get(name, ("block", self.block))  # the others are of either block
            if chosen[choice] != needed:
                raise ValueError(
                    f"{name} changes nothing of {choice}={chosen[choice]!r}; allowed: with --{choice} {needed}"
                )
        config = ModelConfig(
            self.name,
            self.num_classes,
            self.num_frames,
            block=self.block,
            placement=self.placement,
            width=self.width,
            stem=self.stem,
            atr=self.atr,
        )
        require_between("size", self.size, 1, MOST_SIDE)
        print(as_text(config, describe(config, self.size), self.size))
        return 0
