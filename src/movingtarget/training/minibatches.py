"""The order in which examples are shown: each seed's own, shared by its learning rates."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from movingtarget.networks.initialise import generator


def batches(examples: int, batch_size: int, seeds: Sequence[int], epoch: int) -> Iterator[Tensor]:
    """Indices `(seeds, batch)` of each minibatch of one epoch, a fresh permutation for each seed and epoch.

    Examples left over after the last full minibatch wait for the next epoch's permutation.
    """
    orders = [
        torch.randperm(examples, generator=generator(seed, f"order of epoch {epoch}")) for seed in seeds
    ]
    whole = torch.stack(orders)[:, : examples // batch_size * batch_size]
    yield from torch.split(whole, batch_size, dim=1)
