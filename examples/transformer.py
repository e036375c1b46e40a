"""A small transformer that takes an image's rows by keyword, and its labels along with them.

movingtarget probe examples.transformer:build
"""

import torch
from torch import nn

from examples.digits import batches


class Transformer(nn.Module):
    """Rows are embedded, two layers attend to them, and their mean is classified."""

    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Linear(8, width)
        self.positions = nn.Parameter(0.1 * torch.randn(8, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True) for _ in range(2)
        )
        self.head = nn.Linear(width, 10)

    def forward(self, rows, labels=None):
        """A dict, as models of many libraries return it."""
        hidden = self.embed(rows) + self.positions
        for layer in self.layers:
            hidden = layer(hidden)
        return {"logits": self.head(hidden.mean(1))}


def loss(outputs, batch):
    """Of a batch that is a mapping, the loss is given all."""
    return nn.functional.cross_entropy(outputs["logits"], batch["labels"])


def build():
    """The network, its loss, its batches and its optimiser."""
    torch.manual_seed(0)
    network = Transformer()
    named = [{"rows": images[:, 0], "labels": labels} for images, labels in batches()]
    return network, loss, named, torch.optim.AdamW(network.parameters(), lr=1e-3)
