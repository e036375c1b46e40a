import math

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from movingtarget.theory.gaussian_information import block_information, linear_channel_information


def random_covariance(size: int, seed: int) -> Tensor:
    """A positive definite matrix."""
    factor = torch.randn(size, size + 2, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    return factor @ factor.mT


def pair(correlation: float) -> Tensor:
    """Covariance of two standard normal variables."""
    return torch.tensor([[1, correlation], [correlation, 1]], dtype=torch.double)


@given(correlation=st.floats(-0.99, 0.99))
def test_a_pair(correlation: float) -> None:
    expected = -math.log(1 - correlation**2) / 2
    assert block_information(pair(correlation), 1).item() == pytest.approx(expected, abs=1e-12)


def test_a_pair_by_numerical_integration() -> None:
    grid = np.linspace(-7, 7, 141)
    points = np.stack(np.meshgrid(grid, grid), -1)
    joint = scipy.stats.multivariate_normal(cov=pair(0.6).numpy())
    alone = scipy.stats.norm.logpdf(points).sum(-1)
    heights = joint.pdf(points) * (joint.logpdf(points) - alone)
    # the trapezium rule is exact to many digits for a smooth function that vanishes at both ends
    integral = scipy.integrate.trapezoid(scipy.integrate.trapezoid(heights, grid), grid)
    assert block_information(pair(0.6), 1).item() == pytest.approx(integral, abs=1e-8)


@given(below=st.integers(1, 5), above=st.integers(1, 5), seed=st.integers(0, 2**31))
def test_blocks_by_canonical_correlations(below: int, above: int, seed: int) -> None:
    covariance = random_covariance(below + above, seed)
    x, y, across = covariance[:below, :below], covariance[below:, below:], covariance[:below, below:]
    whitened = [np.linalg.inv(scipy.linalg.sqrtm(block.numpy())) for block in (x, y)]
    canonical = np.linalg.svd(whitened[0] @ across.numpy() @ whitened[1], compute_uv=False)
    expected = -np.log(1 - canonical**2).sum() / 2
    assert block_information(covariance, below).item() == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_blocks_by_monte_carlo() -> None:
    covariance = random_covariance(5, seed=1).numpy()
    normal = scipy.stats.multivariate_normal
    draws = normal.rvs(cov=covariance, size=20000, random_state=0)
    alone = normal.logpdf(draws[:, :2], cov=covariance[:2, :2]) + normal.logpdf(
        draws[:, 2:], cov=covariance[2:, 2:]
    )
    ratios = normal.logpdf(draws, cov=covariance) - alone
    standard_error = ratios.std() / len(ratios) ** 0.5
    value = block_information(torch.from_numpy(covariance), 2).item()
    assert value == pytest.approx(ratios.mean(), abs=4 * standard_error)
    assert value > 20 * standard_error


@given(size=st.integers(2, 6), seed=st.integers(0, 2**31), data=st.data())
def test_laws_of_information(size: int, seed: int, data: st.DataObject) -> None:
    split = data.draw(st.integers(1, size - 1))
    covariance = random_covariance(size, seed)
    information = block_information(covariance, split)
    swapped = covariance.roll((size - split, size - split), (0, 1))
    scales = torch.linspace(0.1, 10, size, dtype=torch.double)
    assert information >= -1e-12
    assert_close(block_information(swapped, size - split), information, rtol=1e-6, atol=1e-9)
    rescaled = covariance * scales * scales[:, None]
    assert_close(block_information(rescaled, split), information, rtol=1e-6, atol=1e-9)


def test_leading_axes_are_kept() -> None:
    covariances = torch.stack([random_covariance(4, seed) for seed in range(6)])
    alone = torch.stack([block_information(covariance, 1) for covariance in covariances])
    assert_close(block_information(covariances.view(2, 3, 4, 4), 1), alone.view(2, 3), rtol=0, atol=1e-12)


def random_weight(outputs: int, inputs: int, seed: int) -> Tensor:
    """A Gaussian weight matrix."""
    source = torch.Generator().manual_seed(seed)
    return torch.randn(outputs, inputs, dtype=torch.double, generator=source)


@given(
    outputs=st.integers(1, 6),
    inputs=st.integers(1, 6),
    noise=st.floats(0.1, 10),
    seed=st.integers(0, 2**31),
)
def test_channel_is_the_block_information_of_its_covariance(
    outputs: int, inputs: int, noise: float, seed: int
) -> None:
    weight = random_weight(outputs, inputs, seed)
    received = weight @ weight.mT + noise**2 * torch.eye(outputs).double()
    rows = [torch.cat([torch.eye(inputs).double(), weight.mT], 1), torch.cat([weight, received], 1)]
    expected = block_information(torch.cat(rows), inputs)
    assert_close(linear_channel_information(weight, noise), expected, rtol=1e-6, atol=1e-9)


@given(size=st.integers(1, 6), noise=st.floats(0.1, 10), seed=st.integers(0, 2**31))
def test_channel_is_widest_for_orthogonal_weights(size: int, noise: float, seed: int) -> None:
    weight = random_weight(size, size, seed)
    orthogonal = torch.linalg.qr(weight)[0] * weight.norm() / size**0.5
    widest = linear_channel_information(orthogonal, noise)
    closed_form = size / 2 * math.log(1 + weight.norm().item() ** 2 / size / noise**2)
    assert widest.item() == pytest.approx(closed_form, rel=1e-9)
    assert linear_channel_information(weight, noise) <= widest + 1e-9


def test_channel_keeps_leading_axes() -> None:
    weights = torch.stack([random_weight(3, 2, seed) for seed in range(4)])
    alone = torch.stack([linear_channel_information(weight, 0.5) for weight in weights])
    assert_close(linear_channel_information(weights, 0.5), alone, rtol=0, atol=1e-12)
