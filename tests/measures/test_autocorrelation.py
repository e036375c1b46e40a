import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.tsa.stattools import acf  # type: ignore[import-untyped]
from torch import Tensor
from torch.testing import assert_close

from movingtarget.measures.autocorrelation import gradient_autocorrelation

POINTS = 40


def noise(*shape: int, seed: int = 0) -> Tensor:
    """White Gaussian noise."""
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


@given(seed=st.integers(0, 2**31), points=st.integers(2, 60), brown=st.booleans())
def test_agrees_with_statsmodels(seed: int, points: int, brown: bool) -> None:
    gradients = noise(points, seed=seed).cumsum(-1) if brown else noise(points, seed=seed)
    theirs = torch.from_numpy(acf(gradients.numpy(), adjusted=False, nlags=points - 1, fft=False))
    assert_close(gradient_autocorrelation(gradients, points - 1), theirs, rtol=0, atol=1e-12)


def test_white_noise_has_no_memory() -> None:
    # the standard error of each entry is 1 / sqrt(10000) = 0.01
    assert gradient_autocorrelation(noise(10000), 15)[1:].abs().max() < 0.04


def test_memory_that_fades_by_half_at_every_point() -> None:
    series, innovations = [torch.zeros(20, dtype=torch.double)], noise(20000, 20)
    for innovation in innovations:
        series.append(series[-1] / 2 + innovation)
    correlation = gradient_autocorrelation(torch.stack(series[100:], -1), 5).mean(0)
    # 20 runs of 20000 points: standard error below 0.002
    assert_close(correlation, 0.5 ** torch.arange(6, dtype=torch.double), rtol=0, atol=0.008)


def test_alternating_gradient() -> None:
    correlation = gradient_autocorrelation((-1.0) ** torch.arange(10), 3)
    assert_close(correlation, torch.tensor([1, -0.9, 0.8, -0.7]).double(), rtol=0, atol=1e-6)


@given(
    seed=st.integers(0, 2**31),
    offset=st.floats(-100, 100),
    scale=st.floats(-100, 100),
    lags=st.integers(0, POINTS - 1),
)
def test_neither_offset_nor_scale_matters(seed: int, offset: float, scale: float, lags: int) -> None:
    assume(abs(scale) > 0.01)
    gradients = noise(3, POINTS, seed=seed)
    expected = gradient_autocorrelation(gradients, lags)
    assert_close(gradient_autocorrelation(scale * gradients + offset, lags), expected, rtol=0, atol=1e-8)
    assert_close(expected[:, 0], torch.ones(3).double(), rtol=0, atol=1e-12)
    assert expected.abs().max() <= 1 + 1e-12


def test_runs_are_measured_one_by_one() -> None:
    gradients = noise(2, 3, POINTS)
    alone = [[gradient_autocorrelation(run, 5) for run in runs] for runs in gradients]
    expected = torch.stack([torch.stack(rows) for rows in alone])
    assert_close(gradient_autocorrelation(gradients, 5), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e30])
def test_constant_gradient_is_undefined(value: float) -> None:
    gradients = torch.stack([torch.full((POINTS,), value), noise(POINTS).float()])
    correlation = gradient_autocorrelation(gradients, 3)
    assert correlation[0].isnan().all()
    assert correlation[1].isfinite().all()


@pytest.mark.parametrize("lags", [-1, POINTS, POINTS + 1])
def test_lags_beyond_the_points_are_an_error(lags: int) -> None:
    with pytest.raises(ValueError, match=f"lags must be from 0 to 39 for 40 points, got {lags}"):
        gradient_autocorrelation(noise(POINTS), lags)


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
@pytest.mark.parametrize("scale", [1e-36, 1e-23, 1e23, 1e36])
def test_squares_that_leave_single_precision(dtype: torch.dtype, scale: float) -> None:
    gradients = noise(3, POINTS).to(dtype)
    for mean_removed in (True, False):
        expected = gradient_autocorrelation(gradients, 5, mean_removed)
        found = gradient_autocorrelation(scale * gradients, 5, mean_removed)
        assert_close(found, expected, rtol=0, atol=1e-6 if dtype == torch.float else 1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_squares_that_leave_double_precision(scale: float) -> None:
    gradients = noise(3, POINTS)
    expected = gradient_autocorrelation(gradients, 5)
    assert_close(gradient_autocorrelation(scale * gradients, 5), expected, rtol=0, atol=1e-12)


def test_what_is_not_finite_is_undefined_for_its_run_only() -> None:
    gradients = noise(3, POINTS)
    gradients[1, 2] = torch.inf
    assert gradient_autocorrelation(gradients, 2).isnan().all(-1).tolist() == [False, True, False]


def test_a_single_number_has_no_lags() -> None:
    with pytest.raises(ValueError, match=r"^lags must be from 0 to -1 for 0 points, got 0$"):
        gradient_autocorrelation(torch.tensor(1.0), 0)
