"""Layers that have been read through noise."""

import math
from typing import Any

import pytest
import torch
from information_cases import normal, permuted
from torch import Tensor

from movingtarget.estimators import ESTIMATORS
from movingtarget.measures import mutual_information
from movingtarget.measures.mutual_information import information, read
from movingtarget.measures.mutual_information.by_name import information_through_noise
from movingtarget.measures.mutual_information.channel import noise_like, scaled
from movingtarget.networks.initialise import generator


def both(below: Tensor, above: Tensor, seed: int = 0, noise: float = 0.3) -> tuple[Any, Any]:
    """Two layers, each read by noise of its own."""
    source = generator(seed, "noise")
    first = read(below, noise, "deviation", source)
    return first, read(above, noise, "deviation", source)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_is_the_information_through_noise(estimator: str) -> None:
    below = normal(80, 3)
    above = (below @ normal(3, 3, seed=1)).tanh()
    expected = information_through_noise(below, above, estimator, noise=0.3)
    assert repr(information(*both(below, above), estimator)) == repr(expected)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_never_negative(estimator: str) -> None:
    layer = normal(60, 3)
    found = [information(*both(layer, permuted(layer), seed), estimator) for seed in range(20)]
    assert all(estimate.value >= 0 for estimate in found)
    if estimator in ("gaussian", "copula", "nearest-neighbours"):
        plain = [
            information_through_noise(layer, permuted(layer), estimator, 0.3, seed=s).value for s in range(20)
        ]
        assert min(plain) < 0
        assert [estimate.value for estimate in found] == [max(0, value) for value in plain]


def test_layers_in_the_raw_are_refused() -> None:
    layer = 5 * normal(200, 3) + 3
    seen = read(layer, 0.3, "deviation", torch.Generator())
    with pytest.raises(ValueError, match=r"^below is Tensor; allowed: a layer read through noise, as"):
        information(layer, layer)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^above is list; allowed: a layer read through noise"):
        information(seen, [[1.0], [2.0]])  # type: ignore[arg-type]


def test_what_does_not_belong_together_is_refused() -> None:
    first, second = both(normal(80, 3), normal(80, 2))
    with pytest.raises(ValueError, match=r"^below has 80 examples and above 79; allowed: the same examples"):
        information(first, both(normal(79, 3), normal(79, 3))[0])
    with pytest.raises(ValueError, match=r"^below is read through noise 0.3 and above 0.1; allowed: as much"):
        information(first, both(normal(80, 3), normal(80, 3), noise=0.1)[1])
    with pytest.raises(ValueError, match=r"^below and above share their noise; allowed: layers read apart"):
        information(first, first)
    with pytest.raises(ValueError, match=r"^estimator 'gausian' is unknown \(did you mean gaussian\?\)"):
        information(first, second, "gausian")


def test_reading_scales_and_draws_noise() -> None:
    layer = 5 * normal(80, 3) + 3
    seen = read(torch.cat([layer, torch.ones(80, 1)], 1), 0.3, "deviation", torch.Generator().manual_seed(2))
    assert torch.equal(seen.clean, scaled(layer, "deviation"))
    assert torch.equal(seen.drawn, noise_like(layer, torch.Generator().manual_seed(2)))
    assert seen.noise == 0.3


@pytest.mark.parametrize(
    ("layer", "noise", "scaling", "line"),
    [
        ([[1.0], [math.nan]], 0.1, "deviation", "layer has values that are not finite"),
        ([[1.0], [1.0]], 0.1, "deviation", "layer is the same for all 2 examples"),
        ([[1.0], [2.0]], 0.0, "deviation", "noise is 0.0; allowed: a finite number above 0"),
        ([[1.0], [2.0]], 0.1, "size", "scaling 'size' is unknown"),
        (torch.eye(3).to_sparse(), 0.1, "deviation", "layer is torch.sparse_coo; allowed: dense tensors"),
    ],
)
def test_what_cannot_be_read(layer: Any, noise: float, scaling: Any, line: str) -> None:
    with pytest.raises(ValueError, match=f"^{line}"):
        read(layer, noise, scaling, torch.Generator())


def test_on_a_device_without_values_it_has_none() -> None:
    layer = torch.empty(64, 8, device="meta")
    seen = read(layer, 0.1, "deviation", torch.Generator())
    assert seen.clean.is_meta
    for layers in ((layer, layer), (seen, seen)):
        assert math.isnan(information(*layers).value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^below is on device meta, which holds no values; allowed"):
        information_through_noise(layer, layer)


def test_what_is_exported_is_there_and_nothing_else() -> None:
    assert all(callable(getattr(mutual_information, name)) for name in mutual_information.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'informatoin'"):
        mutual_information.informatoin  # noqa: B018
