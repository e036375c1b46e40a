"""Two classes told apart by pixels, by strokes, through random layers and by trained networks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from movingtarget.data.load import Images
from movingtarget.experiments.two_classes import (
    by_hand,
    measure,
    of_classes,
    random_layers,
    read_out,
    subset,
)
from movingtarget.measures.strokes import stroke_directions
from movingtarget.networks.described import Description
from movingtarget.statistics.rows import where

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SIZES: dict[str, Any] = {
    **{"hidden_width": 6, "depth": 2, "channels": [3, 4]},
    **{"activation": "relu", "initial_weights": "normal"},
}

SETTINGS: dict[str, Any] = {
    **{"seeds": [0, 1], "classes": [1, 3], "examples": 40, "penalty": 1.0, "directions": 4, "cells": 2},
    **{"learning_rates": [0.1], "tuning_seeds": [100, 101], "batch_size": 8, "steps": 12},
}


@pytest.fixture(scope="module")
def squares() -> Images:
    """160 images of 6 x 6 pixels in four classes, 120 of them to train on."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(160) % 4
    centres = torch.randn(4, 36, generator=source)
    inputs = centres[labels] + 2 * torch.randn(160, 36, generator=source)
    return Images(inputs[:120], labels[:120], inputs[120:], labels[120:])


@pytest.fixture(scope="module")
def pair(squares: Images) -> Images:
    return of_classes(squares, [3, 1], 20)


def test_classes_are_numbered_in_their_order(squares: Images, pair: Images) -> None:
    assert len(pair.train_labels) == 60
    assert pair.classes == 2
    for inputs, label in zip(pair.train_inputs, pair.train_labels.tolist(), strict=True):
        (place,) = torch.where((squares.train_inputs == inputs).all(1))
        assert squares.train_labels[place].item() == (3, 1)[label]


def test_a_draw_is_balanced_and_each_seeds_own(pair: Images) -> None:
    first, second = subset(pair, 20, 0), subset(pair, 20, 1)
    assert first.train_labels.sum() == 10
    assert not torch.equal(first.train_inputs, second.train_inputs)
    assert torch.equal(first.train_inputs, subset(pair, 20, 0).train_inputs)
    assert len(torch.unique(first.train_inputs, dim=0)) == 20
    assert torch.equal(first.test_inputs, pair.test_inputs)


@pytest.mark.parametrize(("lacking", "share"), [(0, 3), (1, 17)])
def test_a_rare_class_leaves_its_share_to_the_other(pair: Images, lacking: int, share: int) -> None:
    rare = torch.cat([torch.where(pair.train_labels == lacking)[0][:3]])
    kept = torch.cat([rare, torch.where(pair.train_labels != lacking)[0]])
    few = pair._replace(train_inputs=pair.train_inputs[kept], train_labels=pair.train_labels[kept])
    assert (subset(few, 20, 0).train_labels == 0).sum() == share


def test_too_few_images_or_classes_are_refused(squares: Images) -> None:
    with pytest.raises(ValueError, match="examples is 61; allowed: 4 to 60, the training images of both"):
        of_classes(squares, [3, 1], 61)
    with pytest.raises(ValueError, match="classes has 7, of which there are no images"):
        of_classes(squares, [1, 7], 20)


def minimised(inputs: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """Weights and bias by a general minimiser, the objective written out."""
    signs = 2.0 * labels - 1

    def objective(point: np.ndarray) -> float:
        margins = signs * (inputs @ point[:-1] + point[-1])
        return float(np.logaddexp(0, -margins).sum() + penalty / 2 * (point[:-1] ** 2).sum())

    reached: np.ndarray = minimize(objective, np.zeros(inputs.shape[1] + 1)).x
    return reached


@pytest.mark.parametrize("penalty", [0.3, 30.0])
def test_a_read_out_is_the_penalised_logistic_regression(pair: Images, penalty: float) -> None:
    """Wherever the features lie: what the penalty weighs has no part of their mean."""
    drawn = subset(pair, 30, 0)
    train_inputs, test_inputs = drawn.train_inputs[:, :4], drawn.test_inputs[:, :4]
    centre, spread = train_inputs.mean(0), (train_inputs - train_inputs.mean(0)).square().mean().sqrt()
    scaled = [((part - centre) / spread).double().numpy() for part in (train_inputs, test_inputs)]
    point = minimised(scaled[0], drawn.train_labels.numpy(), penalty)
    found = read_out((3 * train_inputs + 50, 3 * test_inputs + 50), drawn, penalty)
    for part, labels, name in zip(
        scaled, (drawn.train_labels, drawn.test_labels), ("train_accuracy", "test_accuracy"), strict=True
    ):
        right = ((part @ point[:-1] + point[-1] > 0) == labels.numpy().astype(bool)).mean()
        assert found[name] == pytest.approx(right)


def test_random_layers_are_those_of_the_network(pair: Images) -> None:
    drawn, description = subset(pair, 20, 0), Description("plain", **SIZES)
    read = random_layers(drawn, [description], 5)
    network = description.draw(drawn, 5)
    hidden = network.get_submodule("hidden")
    first = hidden.get_submodule("0")(drawn.test_inputs)
    assert [*read] == [("random-layers", "plain", layers) for layers in (1, 2)]
    torch.testing.assert_close(read["random-layers", "plain", 1][1], first.detach())
    second: Tensor = hidden.get_submodule("1")(first)
    torch.testing.assert_close(read["random-layers", "plain", 2][1], second.detach())


def test_random_batch_norm_has_the_statistics_of_the_training_images(pair: Images) -> None:
    drawn, description = subset(pair, 20, 0), Description("batch-norm", **SIZES)
    _, test_features = random_layers(drawn, [description], 5)["random-layers", "batch-norm", 1]
    linear = description.draw(drawn, 5).get_submodule("hidden.0.linear")
    of_training = linear(drawn.train_inputs)
    variance = of_training.var(0, correction=0)
    expected = ((linear(drawn.test_inputs) - of_training.mean(0)) / (variance + 1e-5).sqrt()).relu()
    torch.testing.assert_close(test_features, expected.detach(), rtol=1e-4, atol=1e-5)


def test_strokes_are_read_from_square_images(pair: Images) -> None:
    read = by_hand(pair, directions=4, cells=3)
    expected = stroke_directions(pair.test_inputs.view(-1, 6, 6), 4, 3)
    assert torch.equal(read["strokes", "none", 0][1], expected)
    assert read["strokes-whole", "none", 0][0].shape == (60, 4)


def test_table_holds_every_classifier_and_seed(squares: Images, written: Written) -> None:
    tables = measure(squares, networks=["plain", "convolutional"], **SETTINGS, **SIZES)
    for name, table in tables.items():
        assert len(written(table, name)) == len(table)
    tests = where(tables["two_classes"], quantity="test_accuracy")
    assert len(tests) == 2 * (3 + 2 + 2 + 2)
    assert set(tests["seed"]) == {0, 1}
    shares = tests["value"] * 20  # test images of the two classes
    np.testing.assert_allclose(shares, shares.round(), atol=1e-9)
    assert where(tests, classifier="trained")["value"].mean() > 0.6
    assert set(tables["two_classes_search"]["seed"]) == {100, 101}
