"""A Sequential whose weights were drawn too small.

movingtarget probe examples.sequential:build
"""

import torch
from torch import nn

from examples.digits import batches


def build():
    """The network, its loss, its batches and its optimiser: all that the probe needs."""
    torch.manual_seed(0)
    hidden = [part for _ in range(6) for part in (nn.Linear(64, 64), nn.ReLU())]
    network = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(64, 10))
    for part in network:
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=0.02)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    return network, nn.functional.cross_entropy, batches(), optimiser
