"""Which clips a process sees when: a pure function of the seed, so there is no state to save."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from atr.schema import counted


def share_of(batch_size: int, num_processes: int, accumulation: int) -> int:
    """Clips that one process works on at a time, when a total batch is cut into equal shares.

    Raises:
        ValueError: it cannot be cut so.
    """
    share, rest = divmod(batch_size, num_processes * accumulation)
    if rest or share == 0:
        raise ValueError(
            f"batch_size={batch_size} cannot be shared by {num_processes} processes in {accumulation} parts each; "
            f"allowed: multiples of {num_processes * accumulation}"
        )
    return share


class EpochBatches(Sampler[list[int]]):
    """The batches of one epoch that one process works on, as lists of clip indices.

    The clips are brought into an order drawn from `key` and cut into total batches; the last one, if it is not whole, is
    dropped. Each total batch is cut into equal parts, `accumulation` after each other, each of them one share a process.
    So the clips of a step of the optimiser are the same for any number of processes and parts.

    Args:
        batch_size: of all processes and parts together.
        key: what the order is drawn from; whole numbers >= 0, such as (seed, epoch).
        start: total batches that have been worked on already.
        process, num_processes: this process among all.
        accumulation: parts of a total batch.

    Raises:
        ValueError: a total batch cannot be cut into equal shares, or there are fewer clips than it takes.
    """

    def __init__(
        self,
        num_clips: int,
        batch_size: int,
        key: tuple[int, ...],
        *,
        start: int = 0,
        process: int = 0,
        num_processes: int = 1,
        accumulation: int = 1,
    ):
        self.share = share_of(batch_size, num_processes, accumulation)
        if num_clips < batch_size:
            raise ValueError(
                f"{counted(num_clips, 'clip is', 'clips are')} less than a batch; allowed: {batch_size} or more"
            )
        # No clip has this number, so none draws its augmentation from the same stream.
        self.order = np.random.default_rng((*key, num_clips)).permutation(num_clips)
        self.num_batches, self.start = num_clips // batch_size, start
        self.process, self.num_processes, self.accumulation = process, num_processes, accumulation

    def __len__(self) -> int:
        """Parts of batches, all of them with a share for this process."""
        return (self.num_batches - self.start) * self.accumulation

    def __iter__(self) -> Iterator[list[int]]:
        for part in range(self.start * self.accumulation, self.num_batches * self.accumulation):
            first = (part * self.num_processes + self.process) * self.share
            yield self.order[first : first + self.share].tolist()
