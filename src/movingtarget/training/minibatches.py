"""The order in which examples are shown: each seed's own, shared by its learning rates."""

from collections.abc import Sequence

import torch
from torch import Tensor

from movingtarget.networks.initialise import generator


def batches(examples: int, batch_size: int, seeds: Sequence[int], epoch: int) -> Tensor:
    """Indices `(minibatches, seeds, batch)` of one epoch, a fresh permutation for each seed and epoch.

    Examples left over after the last full minibatch wait for the next epoch's permutation.

    >>> batches(examples=7, batch_size=2, seeds=[0, 1], epoch=0).shape
    torch.Size([3, 2, 2])
    """
    orders = [
        torch.randperm(examples, generator=generator(seed, f"order of epoch {epoch}")) for seed in seeds
    ]
    count = examples // batch_size
    return torch.stack(orders)[:, : count * batch_size].view(len(seeds), count, batch_size).transpose(0, 1)
