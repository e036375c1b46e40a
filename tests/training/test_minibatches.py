import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from movingtarget.training.minibatches import batches


def epoch_of(examples: int, batch_size: int, seeds: list[int], epoch: int) -> Tensor:
    """Every minibatch's indices, `(seeds, shown examples)`."""
    return batches(examples, batch_size, seeds, epoch).transpose(0, 1).flatten(1)


@given(
    examples=st.integers(1, 50),
    batch_size=st.integers(1, 50),
    seeds=st.lists(st.integers(0, 2**31), min_size=1, max_size=4),
    epoch=st.integers(0, 1000),
)
def test_every_example_at_most_once_an_epoch(
    examples: int, batch_size: int, seeds: list[int], epoch: int
) -> None:
    shown = epoch_of(examples, batch_size, seeds, epoch)
    assert shown.shape == (len(seeds), examples // batch_size * batch_size)
    assert all(len(set(row)) == len(row) and set(row) <= set(range(examples)) for row in shown.tolist())


@given(seeds=st.lists(st.integers(0, 1000), min_size=2, max_size=5, unique=True), epoch=st.integers(0, 100))
def test_each_seed_has_its_own_order_whatever_its_company(seeds: list[int], epoch: int) -> None:
    together = epoch_of(40, 8, seeds, epoch)
    alone = torch.cat([epoch_of(40, 8, [seed], epoch) for seed in seeds])
    assert torch.equal(together, alone)
    assert len(set(map(tuple, together.tolist()))) == len(seeds)


@given(seed=st.integers(0, 1000))
def test_each_epoch_has_its_own_order(seed: int) -> None:
    orders = [tuple(epoch_of(40, 8, [seed], epoch)[0].tolist()) for epoch in range(5)]
    assert len(set(orders)) == 5


def test_batches_all_have_the_same_size() -> None:
    assert [batch.shape for batch in batches(11, 3, [0, 1], 0)] == [(2, 3)] * 3
