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
FROM_TSN = replace(TSN, init=Path("assets/checkpoints/tabletop-tsn"), still_epochs=0, arl_learning_rate=10)

# What let accuracy and maps grow together (README, "How the checkpoints were made"): blocks that start nearly silent,
# a kernel that starts as the change over time, the scaling form.
BLOCKS = ATRConfig(distribution="scale", bn_position="reasoned", bn_gamma_init=0.2, er_init="difference")


def from_tsn(*, atr: ATRConfig = BLOCKS, **model) -> TrainConfig:
    """A video network on the frame network of `tabletop-tsn`, as others start from ImageNet."""
    return replace(FROM_TSN, model=replace(SMALL, atr=atr, **model))


PRESETS: dict[str, TrainConfig] = {
    "tabletop-tsn": TSN,
    "tabletop-atr-sim": from_tsn(block="atr_sim"),
    "tabletop-atr": from_tsn(block="atr"),
    "tabletop-tsm": from_tsn(name="tsm_resnet18"),
    "tabletop-tsm-atr": from_tsn(name="tsm_resnet18", block="atr"),
    "tabletop-gr": replace(
        from_tsn(block="atr_sim", atr=replace(BLOCKS, reasoner="gr", num_reasoners=1)), epochs=4
    ),
}
