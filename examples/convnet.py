"""A convolutional network with batch norm, by momentum, in training mode: nothing is wrong with it.

movingtarget probe examples.convnet:build
"""

import torch
from torch import nn

from examples.digits import batches


class Convnet(nn.Module):
    """Three convolutions, the mean over places, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.down = nn.Sequential(nn.Conv2d(16, 32, 3, 2, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.deep = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.head = nn.Linear(32, 10)

    def forward(self, images):
        """Logits `(batch, 10)`."""
        return self.head(self.deep(self.down(self.stem(images))).mean((2, 3)))


def build():
    """The network, its loss, its batches and its optimiser."""
    torch.manual_seed(0)
    network = Convnet()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    return network, nn.CrossEntropyLoss(), batches(), optimiser
