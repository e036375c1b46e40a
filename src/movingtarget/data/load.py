"""Load a data set's IDX files as standardised tensors."""

import hashlib
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from movingtarget.data import idx
from movingtarget.data.catalogue import TEST_INPUTS, TEST_LABELS, TRAIN_INPUTS, TRAIN_LABELS, Dataset


class Images(NamedTuple):
    """A data set of images and their classes.

    Attributes:
        train_inputs: `(images, pixels)` float32, standardised.
        train_labels: `(images,)` int64.
        test_inputs: `(test images, pixels)` float32, standardised as the training images are.
        test_labels: `(test images,)` int64.
        mean, deviation: of the training pixels, 0 to 255, by which both are standardised.
    """

    train_inputs: Tensor
    train_labels: Tensor
    test_inputs: Tensor
    test_labels: Tensor
    mean: float = 0.0
    deviation: float = 255.0

    @property
    def device(self) -> torch.device:
        """Where they are; what is made of them is made there."""
        return self.train_inputs.device

    @property
    def features(self) -> int:
        """Pixels of an image."""
        return self.train_inputs.shape[1]

    @property
    def side(self) -> int:
        """Height and width of an image in pixels; raises ValueError unless images are square."""
        side = math.isqrt(self.features)
        if side**2 != self.features:
            raise ValueError(f"images must be square, got {self.features} pixels")
        return side

    @property
    def classes(self) -> int:
        """Of the training images."""
        return int(self.train_labels.max()) + 1

    def to(self, device: torch.device | str) -> "Images":
        """The same images on a device.

        >>> inputs, labels = torch.ones(2, 4), torch.tensor([0, 1])
        >>> Images(inputs, labels, inputs, labels).to("meta").device
        device(type='meta')
        """
        train, train_labels, test, test_labels = (part.to(device) for part in self[:4])
        return Images(train, train_labels, test, test_labels, self.mean, self.deviation)

    def to_reconstruct(self) -> "Images":
        """The images in [0, 1], whose labels are the images themselves.

        >>> white = torch.full((2, 4), 1.0)
        >>> labels = torch.tensor([0, 1])
        >>> images = Images(white, labels, white, labels, mean=55.0, deviation=200.0)
        >>> images.to_reconstruct().train_labels[0].tolist()
        [1.0, 1.0, 1.0, 1.0]
        """
        train, test = (
            (inputs * self.deviation + self.mean).round_().div_(255)
            for inputs in (self.train_inputs, self.test_inputs)
        )
        return Images(train, train, test, test)


def load(folder: Path) -> Images:
    r"""Images and labels of the four uncompressed IDX files in a folder.

    $$ x = (p - \mu) / \sigma $$

    with $\mu$ and $\sigma$ the mean and the (population) standard deviation of all training pixels $p$, one
    number each.

    Raises:
        FileNotFoundError: one of the four files is not there.
        ValueError: a file is not IDX, the numbers of images and labels or the shapes of training and test
            images differ, or the training pixels are all the same.
    """
    train, train_labels = _read_pair(folder / TRAIN_INPUTS, folder / TRAIN_LABELS)
    test, test_labels = _read_pair(folder / TEST_INPUTS, folder / TEST_LABELS)
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(f"{folder}: training images are {train.shape[1:]}, test images {test.shape[1:]}")
    mean, deviation = _moments(train, folder)
    levels = ((np.arange(256) - mean) / deviation).astype(np.float32)
    return Images(
        train_inputs=torch.from_numpy(levels[train].reshape(len(train), -1)),
        train_labels=torch.from_numpy(train_labels.astype(np.int64)),
        test_inputs=torch.from_numpy(levels[test].reshape(len(test), -1)),
        test_labels=torch.from_numpy(test_labels.astype(np.int64)),
        mean=mean,
        deviation=deviation,
    )


def load_published(dataset: Dataset, folder: Path) -> Images:
    """Images and labels of a data set, its files once more compared with the published ones.

    Raises:
        ValueError: a file's bytes are not the published ones; names it.
        FileNotFoundError: one of the four files is not there.
    """
    for name, sha256 in dataset.sha256.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            raise ValueError(f"{folder / name} is not the published file; delete it to have it fetched again")
    return load(folder)


def _read_pair(images_file: Path, labels_file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, labels = _read(images_file), _read(labels_file)
    if images.ndim < 2 or labels.ndim != 1 or len(images) != len(labels):
        raise ValueError(
            f"{images_file} of shape {images.shape} and {labels_file.name} of shape {labels.shape} "
            "do not hold one label for each image"
        )
    return images, labels


def _read(path: Path) -> NDArray[np.uint8]:
    try:
        return idx.decode(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _moments(pixels: NDArray[np.uint8], folder: Path) -> tuple[float, float]:
    """Mean and (population) standard deviation of all the pixels, from their histogram."""
    # in parts: bincount makes eight bytes of each pixel, a second's work for all at once
    parts = np.array_split(pixels, max(1, len(pixels) // 100))
    counts = np.sum([np.bincount(part.ravel(), minlength=256) for part in parts], axis=0)
    if np.count_nonzero(counts) < 2:
        raise ValueError(f"{folder / TRAIN_INPUTS}: pixels do not vary, so they cannot be standardised")
    values = np.arange(256)
    mean = np.average(values, weights=counts)
    deviation = np.sqrt(np.average((values - mean) ** 2, weights=counts))
    return float(mean), float(deviation)
