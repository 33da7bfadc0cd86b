import pytest
import torch

import atr
from atr.tabletop import write_dataset


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


@pytest.fixture
def tiny():
    """Builds networks of 8 to 64 channels for 32-pixel clips."""

    def build(name="tsn_resnet18", **options):
        return atr.create_model(name, num_classes=5, num_frames=4, width=0.125, **options).eval()

    return build


@pytest.fixture
def clips():
    """(N, T, 3, H, W) = (2, 4, 3, 32, 32)"""
    return torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def clips_folder(tmp_path_factory):
    """Eleven clips of the demo set as files: ten frames of 64 pixels, true masks, annotations.json."""
    folder = tmp_path_factory.mktemp("data") / "clips"
    return write_dataset(folder, split="val", num_clips=11, num_frames=10, size=64, progress=False)
