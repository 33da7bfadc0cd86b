"""Every clip once an epoch, and a step's clips the same however they are shared out."""

import numpy as np
import pytest

from atr.training.sampler import EpochBatches


def test_an_epoch_shows_each_clip_once_but_the_last_unfilled_batch():
    batches = list(EpochBatches(22, 4, (0, 0)))
    seen = [index for batch in batches for index in batch]
    assert [len(batch) for batch in batches] == [4] * 5
    assert len(set(seen)) == 20
    assert set(seen) < set(range(22))
    assert len(EpochBatches(8, 8, (0,))) == 1


def test_the_order_is_the_keys():
    orders = [list(EpochBatches(50, 10, key)) for key in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert orders[0] == orders[1]
    assert orders[0] not in orders[2:]
    assert orders[2] != orders[3]


@pytest.mark.parametrize(("processes", "accumulation"), [(2, 1), (1, 2), (2, 2), (4, 2)])
def test_the_clips_of_a_step_do_not_depend_on_processes_and_parts(processes, accumulation):
    whole = list(EpochBatches(27, 8, (3,)))
    shares = [
        list(EpochBatches(27, 8, (3,), process=p, num_processes=processes, accumulation=accumulation))
        for p in range(processes)
    ]
    assert {len(share) for share in shares} == {len(whole) * accumulation}
    for step, batch in enumerate(whole):
        parts = range(step * accumulation, (step + 1) * accumulation)
        assert [index for part in parts for share in shares for index in share[part]] == batch


def test_it_goes_on_after_the_batches_that_are_done():
    options = {"process": 1, "num_processes": 2, "accumulation": 2}
    whole = list(EpochBatches(40, 8, (0,), **options))
    rest = EpochBatches(40, 8, (0,), start=3, **options)
    assert list(rest) == whole[6:]
    assert len(rest) == 4
    assert list(EpochBatches(40, 8, (0,), start=5, **options)) == []


def test_unequal_shares_are_refused():
    with pytest.raises(
        ValueError, match="batch_size=6.*2 processes in 2 parts each; allowed: multiples of 4"
    ):
        EpochBatches(20, 6, (0,), num_processes=2, accumulation=2)
    with pytest.raises(ValueError, match="7 clips are less than a batch; allowed: 8 or more"):
        EpochBatches(7, 8, (0,))


def test_the_order_is_not_drawn_from_what_a_clip_is_augmented_from():
    order = EpochBatches(50, 10, (0, 1, 2)).order
    of_clips = [np.random.default_rng((0, 1, 2, index)).permutation(50) for index in range(50)]
    assert not any(np.array_equal(order, other) for other in of_clips)
