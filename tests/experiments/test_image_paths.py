"""Slopes of random networks along paths of images."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from movingtarget.data.load import Images
from movingtarget.experiments.image_paths import measure
from movingtarget.measures.paths import rotation, shift, straight_line
from movingtarget.networks.initialise import generator
from movingtarget.networks.random import random_network

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
PLAIN: dict[str, Any] = {"network": "feedforward", "normalisation": "none"}
NORMALISED: dict[str, Any] = {"network": "feedforward", "normalisation": "batch-norm"}
RESIDUAL: dict[str, Any] = {"network": "residual", "normalisation": "batch-norm", "beta": 0.1}
SIZES: dict[str, Any] = {
    **{"width": 8, "depth": 3, "points": 12, "lags": 2},
    **{"rotation_degrees": 40, "shift_share": 0.4},
}


@pytest.fixture(scope="module")
def squares() -> Images:
    """60 images of 5 x 5 pixels."""
    inputs = torch.randn(60, 25, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) % 4
    return Images(inputs[:40], labels[:40], inputs[40:], labels[40:])


def paths(images: Images, seed: int) -> dict[str, Tensor]:
    first, second = torch.randperm(20, generator=generator(seed, "paths"))[:2]
    start, end = images.test_inputs[first], images.test_inputs[second]
    return {
        "straight line": straight_line(start, end, 12),
        "rotation": rotation(start, 40, 12),
        "shift": shift(start, 0.4, 12),
    }


def test_every_network_seed_path_and_statistics_fill_the_table(squares: Images, written: Written) -> None:
    said: list[str] = []
    networks = [PLAIN, NORMALISED, RESIDUAL]
    table = measure(squares, [0, 3], networks=networks, say=said.append, **SIZES)["path_autocorrelation"]
    assert len(written(table, "path_autocorrelation")) == 3 * 2 * 3 * 2 * 3
    assert len(said) == len(set(said)) == 3
    assert (table.loc[table["lag"] == 0, "value"] == 1).all()
    alone = measure(squares, [3], networks=[RESIDUAL], **SIZES)["path_autocorrelation"]
    own = table.query("network == 'residual' and seed == 3")
    assert own["value"].tolist() == alone["value"].tolist()


@pytest.mark.parametrize("network", [PLAIN | {"beta": float("nan")}])
def test_values_follow_from_the_gradient_at_one_image_after_the_other(
    squares: Images, network: dict[str, Any]
) -> None:
    table = measure(squares, [4], networks=[network], **SIZES)["path_autocorrelation"]
    made = random_network(**network, depth=3, width=8, seed=4, inputs=25)
    for name, path in paths(squares, 4).items():
        gradients = np.array([torch.autograd.functional.jacobian(made, x)[0].numpy() for x in path])
        slopes = (gradients * np.gradient(path.numpy(), axis=0)).sum(1).astype(float)
        centred = slopes - slopes.mean()
        expected = [centred[lag:] @ centred[: 12 - lag] / (centred @ centred) for lag in range(3)]
        for statistics in ("path", "images"):
            measured = table[(table["path"] == name) & (table["statistics"] == statistics)]["value"]
            # single precision in the gradients
            np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-4)


def test_statistics_matter_to_batch_norm_alone(squares: Images) -> None:
    table = measure(squares, [0], networks=[PLAIN, NORMALISED], **SIZES)["path_autocorrelation"]
    one = table[table["lag"] == 1].set_index(["normalisation", "path", "statistics"])["value"].unstack()
    same = one["path"] == one["images"]
    assert same.groupby("normalisation").sum().to_dict() == {"none": 3, "batch-norm": 0}


def test_statistics_of_images_are_those_of_training_images(squares: Images) -> None:
    other = squares._replace(train_inputs=3 * squares.train_inputs + 1)
    tables = [
        measure(images, [0], networks=[NORMALISED], **SIZES)["path_autocorrelation"].query("lag == 1")
        for images in (squares, other)
    ]
    differs = tables[0]["value"] != tables[1]["value"]
    assert differs[tables[0]["statistics"] == "images"].all()
    assert not differs[tables[0]["statistics"] == "path"].any()


def test_one_unit_and_one_layer_give_values_or_none(squares: Images) -> None:
    sizes = SIZES | {"width": 1, "depth": 1}
    table = measure(squares, range(6), networks=[PLAIN, RESIDUAL], **sizes)["path_autocorrelation"]
    assert not np.isinf(table["value"]).any()


def test_oblong_images_are_refused(squares: Images) -> None:
    oblong = squares._replace(
        train_inputs=squares.train_inputs[:, :20], test_inputs=squares.test_inputs[:, :20]
    )
    with pytest.raises(ValueError, match="an image of 20 pixels is not square"):
        measure(oblong, [0], networks=[PLAIN], **SIZES)
