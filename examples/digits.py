"""Batches of scikit-learn's digits, 8 x 8 pixels, for the examples."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor


def batches(batch_size: int = 128) -> list[tuple[Tensor, Tensor]]:
    """Images `(batch, 1, 8, 8)` of mean 0 and deviation 1, and labels `(batch,)`."""
    images, labels = (torch.from_numpy(values) for values in load_digits(return_X_y=True))
    images = ((images - images.mean()) / images.std()).float().view(-1, 1, 8, 8)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return [(images[part], labels[part]) for part in order.split(batch_size)]
