"""What to load a checkpoint does not import."""

import subprocess
import sys

LOADED = """
import itertools, sys, torch
import atr
from atr.models import build_model

backbones = ("resnet18", "resnet50", "efficientnet_lite0")
networks = [f"{family}_{name}" for family, name in itertools.product(("tsn", "tsm", "trn"), backbones)]
settings = [
    {},
    {"block": "atr"},
    {"block": "atr", "distribution": "scale", "bn_position": "reasoned", "motion": "bidirectional"},
    {"block": "atr", "distribution": "uniform", "er_transform": "full"},
    {"block": "atr_sim", "reasoner": "gr"},
    {"block": "atr_sim", "er_transform": "bottleneck", "er_kernel": "shared"},
]
for name, options in itertools.product([*networks, "slowonly_resnet18"], settings):
    config = atr.create_model(name, 3, 4, width=0.125, **options).config
    with torch.device("meta"):
        build_model(config)
    print(*(module for module in ("torch._dynamo", "sympy") if module in sys.modules))
"""


def test_a_network_without_values_imports_no_compiler():
    """Arithmetic and draws on the device "meta" would: to load a checkpoint would take more than a second longer."""
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert not told.stdout.strip()
