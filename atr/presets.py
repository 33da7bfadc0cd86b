"""Settings by name, as instances of the configurations they fill."""

from dataclasses import replace
from pathlib import Path

from atr.block import ATRConfig
from atr.models import ModelConfig
from atr.tabletop import CLASSES
from atr.train import TrainConfig

# A ResNet-18 of a quarter of the width: 0.7 M parameters, minutes an epoch on two cores.
SMALL = ModelConfig("tsn_resnet18", len(CLASSES), width=0.25, dropout=0.2)
TSN = TrainConfig(SMALL, train_clips=12_000, still_epochs=8, epochs=10)
# What lets accuracy and maps grow together (README, "Do the maps find the action?"): blocks that start silent, kernels
# that start as the change over time, the scaling form, a fast ARL, and an early end: two epochs. The long runs of ten
# start at a fifth and end more accurate, with maps that find the action in fewer blocks.
BLOCKS = ATRConfig(distribution="scale", bn_position="reasoned", bn_gamma_init=0.0, er_init="difference")
LONG_BLOCKS = replace(BLOCKS, bn_gamma_init=0.2)


def from_tsn(epochs: int, atr: ATRConfig = BLOCKS, **model) -> TrainConfig:
    """A video network on the frame network of `tabletop-tsn`, as others start from ImageNet."""
    return replace(
        TSN,
        model=replace(SMALL, atr=atr, **model),
        init=Path("assets/checkpoints/tabletop-tsn"),
        still_epochs=0,
        epochs=epochs,
        arl_learning_rate=10,
    )


PRESETS: dict[str, TrainConfig] = {
    "tabletop-tsn": TSN,
    "tabletop-atr-sim": from_tsn(2, block="atr_sim"),
    "tabletop-atr": from_tsn(2, block="atr"),
    "tabletop-atr-sim-long": from_tsn(10, LONG_BLOCKS, block="atr_sim"),
    "tabletop-atr-long": from_tsn(10, LONG_BLOCKS, block="atr"),
    "tabletop-tsm": from_tsn(2, name="tsm_resnet18"),
    "tabletop-tsm-atr": from_tsn(2, name="tsm_resnet18", block="atr"),
    # Unscaled, the logits saturate: rows of W with a single 1 in them.
    "tabletop-gr": from_tsn(
        2, replace(LONG_BLOCKS, reasoner="gr", num_reasoners=1, scale="sqrt"), block="atr_sim"
    ),
}
