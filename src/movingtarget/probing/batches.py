"""Batches for a probe by name: of the user's own code, of a folder of arrays, or of a data set of ours."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import torch
from numpy.typing import NDArray
from torch import Tensor

from movingtarget.data.catalogue import DATASETS, dataset_named
from movingtarget.data.fetch import DataUnavailable, fetch
from movingtarget.data.load import load_published
from movingtarget.names import meant
from movingtarget.probing.refused import CannotMeasure
from movingtarget.probing.users_code import call, named
from movingtarget.study import Say

Batch = tuple[Tensor, Tensor]

SEED = 0
"""Of the order in which examples are read."""


def batches_of(place: str, batch_size: int, say: Say) -> Iterable[Any]:
    """The batches that a name stands for.

    Args:
        place: a data set of ours; a folder with `inputs.npy` and `targets.npy`, an example a row; or
            "module:name", an iterable of batches or a function that returns one.
        batch_size: of the first two; an incomplete last batch is left out. Their examples come in an order
            that is drawn from one fixed seed.
        say: is told where files come from.

    Raises:
        CannotMeasure: it names nothing, or what it names cannot be read; one line.
    """
    if place in DATASETS:
        return _published(place, batch_size, say)
    if Path(place).is_dir():
        return _of_folder(Path(place), batch_size)
    if ":" in place:
        return _users(place)
    raise CannotMeasure(
        f"data '{place}' is unknown{meant(place, DATASETS)}; allowed: {', '.join(DATASETS)}, "
        "a folder with inputs.npy and targets.npy, or module:name"
    )


def _users(place: str) -> Iterable[Any]:
    found = named(place)
    if not isinstance(found, Iterable) and callable(found):
        found = call(place)
    if not isinstance(found, Iterable):
        raise CannotMeasure(f"{place} is a {type(found).__name__}; allowed: an iterable of batches")
    return found


def _published(name: str, batch_size: int, say: Say) -> Iterable[Batch]:
    """Standardised training images `(batch, 1, height, width)` and their classes."""
    dataset, folder = dataset_named(name), os.environ.get("MOVINGTARGET_DATA")
    destination = Path(pooch.os_cache("movingtarget")) / name
    try:
        fetch(dataset, destination, Path(folder).expanduser() if folder else None, say)
        images = load_published(dataset, destination)
    except (DataUnavailable, OSError, ValueError) as error:
        raise CannotMeasure(" ".join(str(error).split())) from error
    shape = (-1, 1, images.side, images.side)
    return Batches(images.train_inputs.reshape(shape).numpy(), images.train_labels.numpy(), batch_size)


def _of_folder(folder: Path, batch_size: int) -> Iterable[Batch]:
    inputs, targets = (_array(folder / f"{name}.npy") for name in ("inputs", "targets"))
    if inputs.ndim < 1 or targets.ndim < 1 or len(inputs) != len(targets):
        raise CannotMeasure(
            f"{folder}: inputs.npy is {inputs.shape}, targets.npy {targets.shape}; "
            "allowed: as many targets as inputs"
        )
    if not len(inputs):
        raise CannotMeasure(f"{folder}: inputs.npy is empty")
    return Batches(inputs, targets, batch_size)


def _array(path: Path) -> NDArray[Any]:
    """The numbers of a file, read only when they are wanted."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r")
        if not isinstance(array, np.ndarray):
            raise TypeError("it holds several arrays; allowed: one, as np.save writes it")
        torch.from_numpy(np.empty(0, array.dtype))
    except FileNotFoundError:
        raise CannotMeasure(f"there is no {path}") from None
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise CannotMeasure(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    return array


class Batches:
    """Batches of two arrays, the same each time they are gone through."""

    def __init__(self, inputs: NDArray[Any], targets: NDArray[Any], batch_size: int) -> None:
        self.inputs, self.targets = inputs, targets
        order = np.random.default_rng(SEED).permutation(len(inputs))
        whole = len(order) // batch_size * batch_size
        self.rows = [order[start : start + batch_size] for start in range(0, whole or len(order), batch_size)]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Batch]:
        for rows in self.rows:
            yield _tensor(self.inputs[rows]), _tensor(self.targets[rows])


def _tensor(rows: NDArray[Any]) -> Tensor:
    """Of a copy; double precision becomes single, as networks have it."""
    tensor = torch.from_numpy(np.ascontiguousarray(rows))
    return tensor.float() if tensor.dtype == torch.float64 else tensor
