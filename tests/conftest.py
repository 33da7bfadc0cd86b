import os
from pathlib import Path

# One thread a process, before torch and OpenCV start their own: tests run side by side, as many as there are cores,
# and the processes that tests start inherit it.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # tests are of the CPU, where a training can be repeated to the bit
for name in [name for name in os.environ if name.startswith("ATR_")]:
    del os.environ[name]  # folders and limits of the person who runs them

import cv2  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

import atr  # noqa: E402
from atr.tabletop import write_dataset  # noqa: E402

torch.set_num_threads(1)
cv2.setNumThreads(1)


TESTS = Path(__file__).parent
ROOT = TESTS.parent
LATER = (TESTS / "app", TESTS / "browser")


def pytest_collection_modifyitems(items):
    """The fast ones first: those of the packages, then whole pages, then pages in a browser."""
    items.sort(key=lambda item: [item.path.is_relative_to(folder) for folder in reversed(LATER)])


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
